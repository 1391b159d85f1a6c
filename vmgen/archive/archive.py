"""Answers out of an archive's file, of which only what is needed is unpacked."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from vmgen import ir, lock
from vmgen.archive import form, places
from vmgen.archive.contents import Contents
from vmgen.archive.form import SHIPPED, ArchiveEntry, ReleaseEntries
from vmgen.lookup import Lookup
from vmgen.source import Diagnostic, VmgenError


@dataclass(frozen=True, slots=True)
class Release:
    """A release that an archive has: ``number`` is its place in it."""

    name: str
    targets: tuple[str, ...]
    number: int


_PROGRAMS = 8
"""Programs that are remembered: a fleet asks for few, and each for many streams."""


class Archive:
    """The releases in one archive's file.

    Reading one raises :class:`VmgenError` VG642 if the file is damaged.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._contents = Contents(file)
        self._read: dict[str, tuple[str, ir.Module]] = {}
        self._named: dict[
            frozenset[str],
            list[tuple[form.KnownText, dict[str, Any], frozenset[str]]],
        ] = {}
        self._fields: dict[str, frozenset[str]] = {}
        self._machines: dict[str, list[form.KnownText]] = {}
        self._programs: dict[tuple[str, str, frozenset[str]], ir.Program] = {}

    @cached_property
    def releases(self) -> tuple[Release, ...]:
        """Every release, the oldest first."""
        return tuple(
            Release(name, targets, number)
            for number, (name, targets) in enumerate(self._contents.index.releases)
        )

    def find(self, name: str) -> Release | None:
        """The release of this number (``10.0.2``), or the newest of its series
        (``10.0``); None if there is none."""
        exact = (one for one in self.releases if one.name == name)
        series = (one for one in self.releases[::-1] if one.name.startswith(f"{name}."))
        return next(exact, None) or next(series, None)

    def field_names(self, release: Release, target: str, section: str) -> set[str]:
        """The wire names of the fields in the modules of a section's descriptions."""
        _, files = self._wanted(release, target, (section,))
        names: set[str] = set()
        for _, text in self._contents.texts("module", release.number, target, files):
            if text not in self._fields:
                self._fields[text] = frozenset(
                    field["name"]
                    for description in self._contents.value(text)["descriptions"]
                    for field in description["fields"]
                )
            names |= self._fields[text]
        return names

    def snapshots(self) -> Iterator[ReleaseEntries]:
        """All entries, release by release."""
        for release in self.releases:
            entries = [
                ArchiveEntry(
                    known.kind,
                    known.name,
                    self._contents.block(number)[at],
                    targets,
                    known.needs,
                )
                for number, block in enumerate(self._contents.index.blocks)
                for at, known in enumerate(block.texts)
                for first, last, targets in known.runs
                if first <= release.number <= last
            ]
            yield ReleaseEntries(release.name, release.targets, tuple(entries))

    def roots(
        self, release: Release, target: str, sections: Collection[str]
    ) -> list[dict[str, Any]]:
        """What the target's binary registers under these names, as the IR's JSON has it;
        to be read, not to be changed."""
        return self._wanted(release, target, sections)[0]

    def registering(
        self, sections: Collection[str]
    ) -> Iterator[tuple[dict[str, Any], frozenset[str], form.Runs]]:
        """What any release registers that may have one of these names: the root as the
        IR's JSON has it, those of the names that it fits (none where it gets its name at
        run time), and which releases and targets have it."""
        for known, root, of in self._roots_of(frozenset(sections)):
            yield root, of, known.runs

    def tables(
        self, release: Release, target: str, sections: Collection[str]
    ) -> frozenset[str]:
        """All that the target's binary says about these sections; equal for releases
        that say the same."""
        roots, files = self._wanted(release, target, sections)
        modules = self._contents.texts("module", release.number, target, files)
        return frozenset([json.dumps(roots), *(text for _, text in modules)])

    def fitting(
        self, release: Release, machine: str, sections: Collection[str]
    ) -> tuple[str, ...]:
        """The targets that have a machine type of this name, all where none has, and of
        these the ones that register most of the sections under a name of their own."""
        having = self.having(release, machine, release.targets)
        rows = self._roots_of(frozenset(sections))
        scores = {
            target: len(
                frozenset[str]().union(
                    *(of for text, _, of in rows if text.has(release.number, target))
                )
            )
            for target in having or release.targets
        }
        best = max(scores.values(), default=0)
        return tuple(name for name, score in scores.items() if score == best)

    def having(
        self, release: Release, machine: str, targets: Collection[str]
    ) -> tuple[str, ...]:
        """Those of the targets that have a machine type of this name or alias."""
        called = [
            known for _, _, known in self._contents.places("machine").get(machine, ())
        ]
        found = {
            one
            for one in targets
            if any(known.has(release.number, one) for known in called)
        }
        if len(found) < len(targets):  # aliases are in the texts alone
            called = self._called(machine)
        return tuple(
            one
            for one in targets
            if one in found or any(known.has(release.number, one) for known in called)
        )

    def differing(
        self, release: Release, one: str, other: str, sections: Collection[str]
    ) -> tuple[str, ...]:
        """Those of the sections whose tables are not the same in the two targets."""
        texts: list[dict[str, str]] = []
        roots: list[list[dict[str, Any]]] = []
        for target in (one, other):
            registered, files = self._wanted(release, target, sections)
            roots.append(registered)
            texts.append(
                dict(self._contents.texts("module", release.number, target, files))
            )
        changed = {
            file
            for file in texts[0].keys() | texts[1].keys()
            if texts[0].get(file) != texts[1].get(file)
        }

        def differs(section: str) -> bool:
            mine, theirs = (
                [each for each in several if named(each["section"], (section,))]
                for several in roots
            )
            below = self._closed({each["home"] for each in mine}, release, one)
            return mine != theirs or not below.isdisjoint(changed)

        return tuple(filter(differs, sections))

    @cached_property
    def content(self) -> str:
        """A hash of all that the archive says."""
        return hashlib.sha256(self._file.read_bytes()).hexdigest()

    def _wanted(
        self, release: Release, target: str, sections: Collection[str] | None
    ) -> tuple[list[dict[str, Any]], set[str] | None]:
        """The roots of these sections, and the files with what is below them; all roots
        and None where all are wanted."""
        if sections is None:
            return self._contents.items("root", release.number, target), None
        chosen: list[dict[str, Any]] = []
        nameless: list[dict[str, Any]] = []
        found: set[str] = set()
        for known, root, of in self._roots_of(frozenset(sections)):
            if known.has(release.number, target):
                (chosen if of else nameless).append(root)
                found |= of
        if not found.issuperset(sections):
            # The sections left may be of roots that get their names at run time.
            chosen += nameless
        return chosen, self._closed({one["home"] for one in chosen}, release, target)

    def _roots_of(
        self, sections: frozenset[str]
    ) -> list[tuple[form.KnownText, dict[str, Any], frozenset[str]]]:
        """The roots of any release and target that may register one of these sections, each
        with the sections that its name fits: none where it gets its name at run time.
        """
        if sections not in self._named:
            rows = self._named[sections] = []
            ends: dict[str, set[str]] = {}
            for one in sections:
                parts = one.split("/")
                for at in range(len(parts)):
                    ends.setdefault("/".join(parts[at:]), set()).add(one)
            for known, text in self._contents.every("root"):
                root = self._contents.value(text)
                pattern = root["section"]
                nameless = set(pattern) == {"*"}
                if nameless:
                    of = frozenset[str]()
                elif "*" in pattern:
                    of = frozenset(one for one in sections if named(pattern, (one,)))
                else:
                    of = frozenset(ends.get(pattern, ()))
                if nameless or of:
                    rows.append((known, root, of))
        return self._named[sections]

    def _called(self, machine: str) -> list[form.KnownText]:
        """The machine types of any release and target that have this name or alias."""
        if machine not in self._machines:
            quoted = json.dumps(machine)  # without it in its text, none has the name
            self._machines[machine] = [
                known
                for known, text in self._contents.every("machine")
                if quoted in text and _is_called(machine, self._contents.value(text))
            ]
        return self._machines[machine]

    def program(
        self, release: Release, target: str, sections: Collection[str] | None = None
    ) -> ir.Program:
        """The IR of one target; of these sections alone, by the names that a stream has
        for them, where they are given: the last few of these are remembered.

        VG633 if the release has no such target.
        """
        if sections is None:
            return self._program(release, target, None)
        key = (release.name, target, frozenset(sections))
        if key not in self._programs:
            made = self._program(release, target, sections)
            while len(self._programs) >= _PROGRAMS:
                del self._programs[next(iter(self._programs))]
            self._programs[key] = made
        return self._programs[key]

    def for_codecs(
        self, release: Release, target: str, sections: Collection[str] | None
    ) -> ir.Program:
        """The same without premises and machine types, of which code has nothing; not
        remembered."""
        self._refuse(release, target)
        return self._joined(
            release, target, sections, *self._wanted(release, target, sections), {}
        )

    def for_tables(
        self, release: Release, target: str, sections: Collection[str] | None
    ) -> ir.Program:
        """The same with the types and properties of these sections' devices alone, which
        are all that tables beside codecs say; not remembered."""
        return self._program(release, target, sections, few=sections is not None)

    def _refuse(self, release: Release, target: str) -> None:
        """Raises VG633 where the release has no such target."""
        if target not in release.targets:
            raise VmgenError(
                Diagnostic(
                    "VG633",
                    f"QEMU {release.name} has no target '{target}'",
                    hint=f"it has: {', '.join(release.targets)}",
                )
            )

    def _program(
        self,
        release: Release,
        target: str,
        sections: Collection[str] | None,
        few: bool = False,
    ) -> ir.Program:
        self._refuse(release, target)
        roots, files = self._wanted(release, target, sections)
        types = self._contents.listed("types", release.number, target)
        names: Collection[str] | None = None
        if few:
            mine = (name for one in roots for name in one.get("device_types", ()))
            names = _above(types, mine)
            types = [one for one in types if one["name"] in names]
        facts = {
            "premises": self._contents.items("premise", release.number, target),
            "machines": self._contents.items("machine", release.number, target),
            "compat": sorted(
                self._contents.items("compat", release.number, target),
                key=lambda one: (one["file"], one["symbol"]),
            ),
            "properties": self._contents.listed(
                "properties", release.number, target, names
            ),
            "types": types,
            "boards": (
                [] if few else self._contents.items("board", release.number, target)
            ),
        }
        return self._joined(release, target, sections, roots, files, facts)

    def _joined(
        self,
        release: Release,
        target: str,
        sections: Collection[str] | None,
        roots: list[dict[str, Any]],
        files: Collection[str] | None,
        facts: Mapping[str, list[dict[str, Any]]],
    ) -> ir.Program:
        """The program with these roots, the modules of these files (None: all), and facts
        that are of no file."""
        tables = {
            "modules": [],
            "roots": roots,
            "premises": [],
            "unread": self._contents.items("unread", release.number, target, files),
            **facts,
        }
        found = lock.program(release.name, target, tables, self._file.name)
        found = replace(found, modules=self._modules(release, target, files))
        return found if sections is None else _below_its_roots(found)

    def anywhere(
        self, release: Release, target: str, homes: Collection[str]
    ) -> ir.Program:
        """The modules of these files, and those that they need, as :meth:`program` has
        them but for where they are in C, which may be as in a release that was read
        before: what releases share is read once."""
        files = self._closed({*homes}, release, target)
        modules = self._modules(release, target, files, anywhere=True)
        return ir.Program(release.name, target, modules)

    def _closed(self, files: set[str], release: Release, target: str) -> set[str]:
        """The files, those that they need, and those that these need."""
        found: set[str] = set()
        waiting = [*files]
        while waiting:
            file = waiting.pop()
            if file not in found:
                found.add(file)
                for _, _, known in self._contents.places("module").get(file, ()):
                    if known.has(release.number, target):
                        waiting += known.needs
        return found

    def _modules(
        self,
        release: Release,
        target: str,
        files: Collection[str] | None,
        anywhere: bool = False,
    ) -> tuple[ir.Module, ...]:
        """The modules of these files (None: all) with their places in C; ``anywhere``: or
        with those that the same text has in another release."""
        where = dict(self._contents.texts("places", release.number, target, files))
        found = []
        for file, text in self._contents.texts("module", release.number, target, files):
            known, module = self._read.get(text, ("", None))
            if module is None or not (anywhere or known == where.get(file)):
                module = self._module(text, where.get(file))
                self._read[text] = where[file], module
            found.append(module)
        return tuple(found)

    def _module(self, text: str, where: str | None) -> ir.Module:
        try:
            if where is None:
                raise ValueError("a module has no places")
            placed = places.put(self._contents.value(text), where)
        except (KeyError, ValueError) as error:
            raise form.damaged(self._file.name, error) from None
        tables = {"modules": [placed], "roots": [], "premises": [], "unread": []}
        (module,) = lock.program("", "", tables, self._file.name).modules
        return module


def shipped() -> Archive | None:
    """The archive that came with vmgen; None where there is none (a checkout in which
    no one made one).  It is one object as long as the file is the same."""
    if not SHIPPED.is_file():
        return None
    status = SHIPPED.stat()
    return _opened(SHIPPED, (status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=1)
def _opened(file: Path, stamp: tuple[int, int]) -> Archive:
    return Archive(file)


def _is_called(name: str, machine: dict[str, Any]) -> bool:
    return name == machine["name"] or name in machine.get("aliases", ())


def named(pattern: str, sections: Collection[str]) -> bool:
    """Whether one of the sections, as a stream calls them, may be of a root:
    ``0000:00:02.0/vga`` of ``vga``."""
    if "*" not in pattern:
        return pattern in sections or any(
            name.endswith(f"/{pattern}") for name in sections
        )
    return any(
        fnmatch.fnmatchcase(part, _literal(pattern))
        for name in sections
        for part in (name, name.rpartition("/")[2])
    )


def _literal(pattern: str) -> str:
    """A pattern of fnmatch in which only ``*`` is special."""
    return re.sub(r"([\[?])", r"[\1]", pattern)


def _above(types: Iterable[dict[str, Any]], some: Iterable[str]) -> set[str]:
    """The names of some types, of their parents, and of theirs."""
    parents = {one["name"]: one["parent"] for one in types}
    found: set[str] = set()
    waiting = [*some]
    while waiting:
        name = waiting.pop()
        if name in parents and name not in found:
            found.add(name)
            waiting.append(parents[name])
    return found


def _below_its_roots(program: ir.Program) -> ir.Program:
    """The program without descriptions that no root of it leads to."""
    lookup = Lookup(program)
    homes = {(root.home, root.symbol) for root in program.roots}
    kept = lookup.closure(
        *(
            one
            for one in lookup.all()
            if (one.module.file, one.description.symbol) in homes
        )
    )
    return replace(kept, roots=program.roots, machines=program.machines)
