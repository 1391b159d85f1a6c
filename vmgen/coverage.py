"""What of a tree is read, file by file, description by description, field by field.

Statuses, from good to bad: ``ok``; ``hook``: a test is a C function that was not
translated, the user's context answers instead; ``custom``: an info that no codec knows,
its bytes are opaque; ``error``: not read at all.  What is ``custom`` or ``error`` is
left to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from vmgen import infos, ir
from vmgen.infos.taught import TaughtFormat, taught
from vmgen.lower import rivals, shapes
from vmgen.pipeline import whole
from vmgen.pipeline.store import Store
from vmgen.pipeline.survey import TreeFiles
from vmgen.pipeline.whole import Progress
from vmgen.preprocess import Preprocessor
from vmgen.source import Diagnostic
from vmgen.tree import NOTHING_GIVEN, Given

Status = Literal["ok", "hook", "custom", "error"]
STATUSES: tuple[Status, ...] = ("ok", "hook", "custom", "error")
LEFT: tuple[Status, ...] = ("custom", "error")
"""The statuses of what is left to do."""


@dataclass(frozen=True, slots=True)
class Covered:
    """A field, a description or a file with its status and why it is not ``ok``.

    ``name`` is the wire name, the C symbol or the path; ``wire`` the wire name of a
    description.  ``parts`` are the descriptions of a file or the fields of a
    description (the same one field after the other as in the table); ``targets`` the
    targets whose binaries contain a file.
    """

    name: str
    status: Status
    reason: str = ""
    line: int = 0
    wire: str = ""
    parts: tuple[Covered, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The coverage of one release: the targets looked at, and every file that defines a
    description or should have told what is registered, sorted.

    ``sections`` are the names under which something is registered, with the file and the
    C symbol of what (``wire``).  One is a ``hook`` where its name is made at run time, or
    where C functions of its own read and write it.
    """

    release: str
    targets: tuple[str, ...]
    files: tuple[Covered, ...]
    sections: tuple[Covered, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return not any(file.status in LEFT for file in self.files)

    def counts(self) -> dict[str, Counter[str]]:
        """How many files, descriptions and fields have which status."""
        descriptions = [part for file in self.files for part in file.parts]
        fields = [part for each in descriptions for part in each.parts]
        return {
            what: Counter(item.status for item in items)
            for what, items in (
                ("files", self.files),
                ("descriptions", descriptions),
                ("fields", fields),
                ("sections", self.sections),
            )
        }


def cover(
    root: Path,
    targets: Sequence[str] = (),
    build: Path | None = None,
    preprocessor: Preprocessor = "auto",
    progress: Progress | None = None,
    store: Store | None = None,
    given: Given = NOTHING_GIVEN,
    formats: Sequence[TaughtFormat] = (),
) -> Report:
    """Reads a tree for these targets and says what came of it.

    Without targets it is all of them, and also the files that no target's binary
    contains.  ``formats`` say what custom infos move.  Raises :class:`VmgenError` only for what is not a tree.
    """
    listed = TreeFiles(root.resolve())
    parts = whole.configure(root, targets, build, files=listed, given=given)
    read = whole.read(parts, preprocessor, progress, store, files=listed)
    files: dict[str, _File] = {}
    sections: dict[tuple[str, str, str], Covered] = {}
    for part, linked in zip(parts, read.programs(), strict=True):
        for file in part.files:
            files.setdefault(file, _File()).targets.append(part.tree.target)
        program = taught(linked, formats)
        for missing in program.unread:
            files.setdefault(missing.file, _File()).lose(missing)
        for found in read.undecided(part):
            files.setdefault(found.position.file, _File()).found.append(found)
        for one in _sections(program):
            known = sections.setdefault((one.name, one.wire, one.reason), one)
            if known is not one:
                targets_too = (*known.targets, program.target)
                sections[one.name, one.wire, one.reason] = replace(
                    known, targets=targets_too
                )
        for module in program.modules:
            files[module.file].add(module)
    if not targets:
        strays = whole.read_strays(parts, preprocessor, progress, store, listed)
        for outcome in strays:
            entry = files.setdefault(outcome.file, _File())
            entry.found += outcome.found
            if outcome.module is not None:
                entry.add(outcome.module)
                for missing in outcome.module.unread:
                    entry.lose(missing)
    first = parts[0].tree
    return Report(
        first.release,
        tuple(part.tree.target for part in parts),
        tuple(
            file.covered(name)
            for name, file in sorted(files.items())
            if file.found or file.descriptions
        ),
        tuple(sections[key] for key in sorted(sections)),
    )


def _sections(program: ir.Program) -> Iterable[Covered]:
    """The names under which a target's program registers something, each once."""
    found = rivals(program.roots, known=shapes(program)).values()
    apart = {one.description: one.key for each in found for one in each}
    made: dict[tuple[str, str], Covered] = {}
    for root in program.roots:
        wire = f"{root.home or root.file} {root.symbol}"
        status: Status = "ok"
        reason = ""
        if root.how == "handlers":
            status, reason = "hook", f"{root.registrant}() registers C functions"
        elif "*" in root.section:
            status, reason = "hook", "the name is made at run time"
        elif (key := apart.get((root.home, root.symbol))) is not None:
            reason = f"several have this name: CODECS[{key!r}]"
        made[root.section, wire] = Covered(
            root.section,
            status,
            reason,
            root.position.line,
            wire,
            targets=(program.target,),
        )
    return made.values()


@dataclass(slots=True)
class _File:
    """A file as all targets see it; the worst status of any of them counts."""

    targets: list[str] = field(default_factory=list)
    found: list[Diagnostic] = field(default_factory=list)
    descriptions: dict[str, Covered] = field(default_factory=dict)
    lost: dict[str, Covered] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    kept: list[ir.Module] = field(default_factory=list)

    def lose(self, missing: ir.Unread) -> None:
        """Take what was not read."""
        self.found += missing.found
        if missing.symbol:
            why = missing.found[0]
            self.lost[missing.symbol] = Covered(
                missing.symbol, "error", str(why), why.position.line
            )

    def add(self, module: ir.Module) -> None:
        if id(module) in self.seen:
            return
        self.seen.add(id(module))
        self.kept.append(module)  # so that its id stays its own
        functions = {function.symbol: function for function in module.functions}
        for description in module.descriptions:
            covered = _description(description, functions)
            known = self.descriptions.get(covered.name)
            if known is None or _worse(covered.status, known.status):
                self.descriptions[covered.name] = covered

    def covered(self, name: str) -> Covered:
        found = tuple(dict.fromkeys(self.found))
        parts = tuple(({**self.descriptions, **self.lost}).values())
        status = _worst(part.status for part in parts)
        reason = ""
        if found:
            status, reason = "error", str(found[0])
        elif not self.targets:
            reason = "no binary of this configuration contains it"
        return Covered(
            name,
            status,
            reason,
            parts=parts,
            targets=tuple(dict.fromkeys(self.targets)),
        )


def _description(
    description: ir.Description, functions: dict[str, ir.Function]
) -> Covered:
    fields = tuple(_field(field, functions) for field in description.fields)
    status = _worst(part.status for part in fields)
    reason = ""
    if description.endless:
        reason = f"the list of {' and of '.join(description.endless)} has no end"
    needed = _untranslated(description.needed, functions)
    if needed:
        reason = needed
        status = "hook" if status == "ok" else status
    return Covered(
        description.symbol,
        status,
        reason,
        description.position.line,
        description.name,
        fields,
    )


def _field(field: ir.Field, functions: dict[str, ir.Function]) -> Covered:
    line = field.position.line
    if isinstance(field.element, ir.CustomElement):
        element = field.element
        if infos.is_opaque(element):
            reason = f"{element.info or 'an info without a name'}: {element.reason}"
            return Covered(field.name, "custom", reason, line)
    test = _untranslated(field.test, functions)
    return Covered(field.name, "hook" if test else "ok", test, line)


def _untranslated(symbol: str, functions: dict[str, ir.Function]) -> str:
    """Why a function is a hook; empty for none and for one that was translated."""
    function = functions.get(symbol)
    if not symbol or (function is not None and function.body is not None):
        return ""
    why = function.untranslated if function is not None else "it has no body here"
    return f"{symbol}(): {why}"


def _worse(one: Status, other: Status) -> bool:
    return STATUSES.index(one) > STATUSES.index(other)


def _worst(statuses: Iterable[Status]) -> Status:
    return max(statuses, key=STATUSES.index, default="ok")
