"""Everything a binary contains, for one target or for all of a tree.

The files come from the link model; each is read once for all targets if it can be, on
all cores, and what did not change since the last time is not read at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path

from vmgen import ir
from vmgen import tree as trees
from vmgen.cache import Digests
from vmgen.link import link
from vmgen.linkmodel import SystemBinary, not_there
from vmgen.pipeline import reading, survey
from vmgen.pipeline.inputs import InputDigests
from vmgen.pipeline.reading import COMMON, FileTypes, ReadFile
from vmgen.pipeline.resolving import BinaryTypes, Resolved, resolved
from vmgen.pipeline.store import Note, Store
from vmgen.pipeline.survey import TreeFiles
from vmgen.pipeline.workers import each_of_many, workers
from vmgen.preprocess import Preprocessor
from vmgen.source import Diagnostic, VmgenError
from vmgen.tree import NOTHING_GIVEN, Given, SourceTree
from vmgen.tree.files import emulator_sources
from vmgen.tree.targets import configurations

Progress = Callable[[str], None]

_BATCH = 8
"""Files that one process reads in a row: neighbours include the same headers."""


@dataclass(frozen=True, slots=True)
class TargetFiles:
    """One target: its tree and the files of its binary, sorted.

    ``files`` may define descriptions or infos, ``registering`` are those that only register
    what others define or have machine types and properties, and ``others`` what is left:
    their types are read as text.
    ``archive`` are those that are members of archives, ``missing`` what the build
    description names and is missing.  ``found`` says why nothing is known of the target.
    """

    tree: SourceTree
    files: tuple[str, ...]
    archive: frozenset[str]
    registering: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    found: tuple[Diagnostic, ...] = ()


@dataclass(slots=True)
class Whole:
    """What was read of one tree: for each target the outcome of each of its files;
    ``digests`` are those of the tree's."""

    parts: tuple[TargetFiles, ...]
    digests: Digests
    outcomes: dict[tuple[str, str], ReadFile] = field(default_factory=dict)
    _resolved: dict[str, Resolved] = field(default_factory=dict)
    _linked: dict[str, list[ir.Module]] = field(default_factory=dict)

    def outcome(self, target: str, file: str) -> ReadFile:
        """The outcome that counts for a target: its own, or that of all targets."""
        found = self.outcomes.get((target, file))
        return found if found is not None else self.outcomes[COMMON, file]

    def programs(self) -> tuple[ir.Program, ...]:
        """The programs of all parts, in their order.  What cannot be read of one, or be
        linked, is left out and is in its ``unread``."""
        linked = [self._program(part) for part in self.parts]
        types = [*map(self._types, self.parts, linked)]
        found = resolved(self.parts[0].tree.root, types, self.digests)
        for part, one in zip(self.parts, found, strict=True):
            self._resolved[part.tree.target] = one
        return tuple(
            replace(
                program,
                roots=one.registered.roots,
                premises=one.premises,
                machines=one.found.machines,
            )
            for program, one in zip(linked, found, strict=True)
        )

    def _program(self, part: TargetFiles) -> ir.Program:
        """The linked modules of one target."""
        modules: list[ir.Module] = []
        members: list[ir.Module] = []
        unread = [ir.Unread("", one, (not_there(one),)) for one in part.missing]
        if part.found:
            place = part.found[0].position.file or "VERSION"
            unread.append(ir.Unread("", place, part.found))
        for file in part.files:
            outcome = self.outcome(part.tree.target, file)
            if outcome.module is None:
                unread.append(ir.Unread("", file, outcome.found))
            else:
                into = members if file in part.archive else modules
                into.append(outcome.module)
        release, target = part.tree.release, part.tree.target
        program = link(release, target, modules, members, unread, part.tree.answers)
        return replace(program, modules=tuple(map(self._shared, program.modules)))

    def _types(self, part: TargetFiles, program: ir.Program) -> BinaryTypes:
        """What was read of the types of one target's binary."""
        read = [
            types
            for file in (*part.files, *part.registering)
            if (types := self.outcome(part.tree.target, file).types) is not None
        ]
        sources = (*part.files, *part.registering, *part.others)
        return BinaryTypes(part.tree, tuple(read), part.others, sources, program)

    def _shared(self, module: ir.Module) -> ir.Module:
        """One object for all targets of which the linked module is the same: what is made
        of it then is made once."""
        known = self._linked.setdefault(module.file, [])
        for one in known:
            if one == module:
                return one
        known.append(module)
        return module

    def undecided(self, part: TargetFiles) -> tuple[Diagnostic, ...]:
        """What registers something in a target's binary that could not be determined, and the
        files that should have been read for that; once the programs were made."""
        found = [
            one
            for file in part.registering
            if (outcome := self.outcome(part.tree.target, file)).types is None
            for one in outcome.found
        ]
        one = self._resolved[part.tree.target]
        return (*found, *one.registered.undecided, *one.found.undecided)


def configure(
    root: Path,
    targets: Sequence[str],
    build: Path | None = None,
    store: Store | None = None,
    files: TreeFiles | None = None,
    given: Given = NOTHING_GIVEN,
) -> tuple[TargetFiles, ...]:
    """The parts of a tree for these targets (all of the release if there are none).

    A target that cannot be configured has no files but why.  Raises :class:`VmgenError`
    where that is so of all of them.
    """
    one = partial(_configured, root, build, given)
    targets = targets or all_targets(root) or ("",)
    store = store or Store()
    with each_of_many(len(targets)) as each:
        outcomes = list(each(one, targets))
        trees_made = [one for one in outcomes if isinstance(one, SourceTree)]
        found = [one for one in outcomes if not isinstance(one, SourceTree)]
        if not trees_made:
            raise VmgenError(*dict.fromkeys(chain(*found)))
        files = files or TreeFiles(trees_made[0].root)
        keys = [survey.binary_key(files, tree) for tree in trees_made]
        binaries = list(each(partial(_binary, store), keys, trees_made))
        if all(isinstance(one, tuple) for one in binaries):
            found += [one for one in binaries if isinstance(one, tuple)]
            raise VmgenError(*dict.fromkeys(chain(*found)))
        inside = {
            name
            for tree, one in zip(trees_made, binaries, strict=True)
            if isinstance(one, SystemBinary)
            for name in _inside(tree, one)
        }
        seen = survey.look(files, sorted(inside), store, each)
    made = iter(zip(trees_made, binaries, strict=True))
    parts = []
    for target, outcome in zip(targets, outcomes, strict=True):
        if isinstance(outcome, SourceTree):
            parts.append(_target_files(*next(made), seen))
        else:
            hollow = replace(trees_made[0], target=target, build_commands={})
            parts.append(TargetFiles(hollow, (), frozenset(), found=outcome))
    return tuple(parts)


def _binary(
    store: Store, key: str, tree: SourceTree
) -> SystemBinary | tuple[Diagnostic, ...]:
    """What is in a target's binary, or why that is not known."""
    try:
        return survey.known_binary(key, tree.target, store) or survey.binary(
            tree, key, store
        )
    except VmgenError as error:
        return error.diagnostics


def _inside(tree: SourceTree, binary: SystemBinary) -> set[str]:
    """The files of a binary, those of a configured build if there is one."""
    names = {*binary.files, *binary.archive}
    return names & set(tree.build_commands) if tree.build_commands else names


def _target_files(
    tree: SourceTree,
    binary: SystemBinary | tuple[Diagnostic, ...],
    seen: Mapping[str, survey.Seen],
) -> TargetFiles:
    if not isinstance(binary, SystemBinary):
        return TargetFiles(tree, (), frozenset(), found=binary)
    tree = tree.including(binary.include_dirs)
    names = sorted(_inside(tree, binary))
    return TargetFiles(
        tree,
        tuple(name for name in names if seen[name].mentions),
        frozenset(binary.archive),
        tuple(
            name for name in names if seen[name].registers and not seen[name].mentions
        ),
        tuple(name for name in names if not seen[name].registers),
        binary.missing,
    )


def _configured(
    root: Path, build: Path | None, given: Given, target: str
) -> SourceTree | tuple[Diagnostic, ...]:
    try:
        return trees.configure(root, target, build=build, given=given)
    except VmgenError as error:
        return error.diagnostics


def all_targets(root: Path) -> tuple[str, ...]:
    """The system targets of a tree, sorted; none for what is not a QEMU tree."""
    kept = configurations(root)
    return kept.names() if kept is not None else ()


def read(
    parts: Sequence[TargetFiles],
    preprocessor: Preprocessor = "auto",
    progress: Progress | None = None,
    store: Store | None = None,
    files: TreeFiles | None = None,
) -> Whole:
    """Reads every file of the parts, all of one tree.

    ``progress`` is called with each file as it is done.  Nothing is raised for a file
    that cannot be read: its outcome has the findings.
    """
    first = parts[0].tree
    store = store or Store()
    files = files or TreeFiles(first.root)
    whole = Whole(tuple(parts), files.digests)
    digests = files.inputs
    every = dict.fromkeys(
        file for part in parts for file in (*part.files, *part.registering)
    )
    with ExitStack() as until:
        reader = _UnitReader(whole, preprocessor, progress, store, digests, until)
        if first.kind == "qemu" and first.build is None:
            reader.read({COMMON: reading.common_tree(first)}, {COMMON: tuple(every)})
        rest = {
            part.tree.target: tuple(
                file
                for file in (*part.files, *part.registering)
                if (outcome := whole.outcomes.get((COMMON, file))) is None
                or outcome.unsuited
            )
            for part in parts
        }
        reader.read({part.tree.target: part.tree for part in parts}, rest)
    digests.keep()
    store.forget_old()
    return whole


class _UnitReader:
    """Reads files by command, remembered ones first, the others on all cores."""

    def __init__(
        self,
        whole: Whole,
        preprocessor: Preprocessor,
        progress: Progress | None,
        store: Store,
        digests: InputDigests,
        until: ExitStack,
    ) -> None:
        # The processes stay for the targets' files: they have the headers in memory.
        self._until = until
        self._pool: ProcessPoolExecutor | None = None
        self._whole = whole
        self._preprocessor = preprocessor
        self._progress = progress
        self._store = store
        self._digests = digests
        self._included = reading.included_files(whole.parts[0].tree.root)
        self._read: dict[str, tuple[ir.Module, FileTypes]] = {}

    def read(
        self, commands: Mapping[str, SourceTree], wanted: Mapping[str, Sequence[str]]
    ) -> None:
        """``wanted`` are the files by the name of the command in ``commands``."""
        names = {
            name: reading.command_name(tree, self._preprocessor, self._included)
            for name, tree in commands.items()
            if wanted[name]
        }
        notes = {name: self._store.notes(names[name]) for name in names}
        missing: list[tuple[str, str]] = []
        for name in names:
            for file in wanted[name]:
                known = self._recall(commands[name], file, notes[name].files.get(file))
                if known is None:
                    missing.append((name, file))
                else:
                    self._take(name, known)
        changed: set[str] = set()
        for name, outcome in self._read_all(commands, missing):
            self._take(name, outcome)
            if outcome.note is not None:
                notes[name].files[outcome.file] = outcome.note
                changed.add(name)
        for name in changed:
            self._store.keep_notes(names[name], notes[name])

    def _recall(
        self, tree: SourceTree, file: str, note: Note | None
    ) -> ReadFile | None:
        if note is not None and (known := self._read.get(note.key)):
            if self._digests.digest(note.inputs) == note.digest:
                return ReadFile(file, known[0], (), note, types=known[1])
            return None
        return reading.recall(tree, file, note, self._digests, self._store)

    def _take(self, name: str, outcome: ReadFile) -> None:
        module, types, note = outcome.module, outcome.types, outcome.note
        if module is not None and types is not None and note is not None:
            # One object for all targets: a tree's modules fit into memory once.
            module, types = self._read.setdefault(note.key, (module, types))
            outcome = replace(outcome, module=module, types=types)
        self._whole.outcomes[name, outcome.file] = outcome
        if self._progress is not None:
            self._progress(f"{name} {outcome.file}".lstrip())

    def _read_all(
        self, commands: Mapping[str, SourceTree], wanted: Sequence[tuple[str, str]]
    ) -> Iterable[tuple[str, ReadFile]]:
        batches = [
            (name, files[start : start + _BATCH])
            for name in dict.fromkeys(name for name, _ in wanted)
            if (files := [file for each, file in wanted if each == name])
            for start in range(0, len(files), _BATCH)
        ]
        if sum(len(files) for _, files in batches) <= _BATCH:
            for name, files in batches:
                for outcome in _read_batch(
                    commands[name], files, self._preprocessor, self._store
                ):
                    yield name, outcome
            return
        if self._pool is None:
            self._pool = self._until.enter_context(ProcessPoolExecutor(workers()))
        pending = {
            self._pool.submit(
                _read_batch, commands[name], files, self._preprocessor, self._store
            ): name
            for name, files in batches
        }
        for done in as_completed(pending):
            for outcome in done.result():
                yield pending[done], outcome


def _read_batch(
    tree: SourceTree, files: Sequence[str], preprocessor: Preprocessor, store: Store
) -> list[ReadFile]:
    # Headers that change meanwhile have another digest the next time: they are read again.
    digests = InputDigests(Digests())
    return [reading.read(tree, file, preprocessor, store, digests) for file in files]


# --- files that no binary contains ----------------------------------------------------


def read_strays(
    parts: Sequence[TargetFiles],
    preprocessor: Preprocessor = "auto",
    progress: Progress | None = None,
    store: Store | None = None,
    files: TreeFiles | None = None,
) -> tuple[ReadFile, ...]:
    """The files of the tree that may define descriptions and are in no part's binary: for
    other hosts, or for devices that no configuration selects.

    Each is read as all targets see it, else for the first target that suits it; those
    that the path names come first.
    """
    store = store or Store()
    root = parts[0].tree.root
    inside = {
        file
        for part in parts
        for file in (*part.files, *part.registering, *part.others)
    }
    files = files or TreeFiles(root)
    strays = [file for file in sorted(emulator_sources(root)) if file not in inside]
    seen = survey.look(files, strays, store)
    outcomes = []
    common = reading.common_tree(parts[0].tree)
    for file in strays:
        if not seen[file].mentions:
            continue
        if progress is not None:
            progress(file)
        commands = [common]
        commands += sorted(
            (part.tree for part in parts),
            key=lambda tree: (tree.base_arch not in file, tree.target),
        )
        first: ReadFile | None = None
        for tree in commands:
            outcome = reading.read(tree, file, preprocessor, store)
            if outcome.module is not None and not outcome.module.unread:
                break
            if not outcome.unsuited and first is None:
                first = outcome
        whole = outcome.module is not None and not outcome.module.unread
        outcomes.append(outcome if whole else first or outcome)
    return tuple(
        outcome
        for outcome in outcomes
        if (module := outcome.module) is None or module.descriptions or module.unread
    )
