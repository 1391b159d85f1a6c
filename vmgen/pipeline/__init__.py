"""The stages in a row: from a request to a program, from programs to text.

Nothing here knows how a stage works; it says which feeds which and collects what they
find, so that one run tells everything that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from vmgen import ir, preprocess, tree
from vmgen.infos.taught import TaughtFormat, taught
from vmgen.link import lacking, link
from vmgen.pipeline import whole
from vmgen.pipeline.computed import with_processors
from vmgen.pipeline.reading import read_module
from vmgen.pipeline.survey import TreeFiles
from vmgen.pipeline.whole import Progress, all_targets
from vmgen.premises import premises_of
from vmgen.preprocess import Preprocessor
from vmgen.source import Diagnostic, Position, VmgenError
from vmgen.tree import Given, SourceTree

if TYPE_CHECKING:
    from vmgen.render import GeneratedFile

__all__ = [
    "Preprocessor",
    "Progress",
    "Request",
    "all_targets",
    "compile_program",
    "compile_whole",
    "findings",
    "generate",
    "read_module",
]


@dataclass(frozen=True, slots=True)
class Request:
    """What to read.

    ``qemu`` is a QEMU source tree, None the embedded ``c_headers/``.  ``sources`` are C
    files: relative to the tree, or the user's own, relative to the working folder; empty means the
    CPU of ``target`` and ``cpu_common``.  ``build`` is a configured build folder with a
    ``compile_commands.json``.  The members from ``include_dirs`` to ``options`` are those
    of :class:`vmgen.tree.Given`.  ``whole`` asks for everything that the target's binary
    contains, in the place of ``sources``; ``processors`` for what the tree's start-up code
    computes of its CPUs, too.  ``formats`` say what custom infos move.  The ``sources`` may
    be of several binaries where they are ``apart``.
    """

    target: str = ""
    qemu: Path | None = None
    build: Path | None = None
    sources: tuple[str, ...] = ()
    include_dirs: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()
    shims: tuple[Path, ...] = ()
    options: tuple[str, ...] = ()
    preprocessor: Preprocessor = "auto"
    whole: bool = False
    processors: bool = False
    formats: tuple[TaughtFormat, ...] = ()
    apart: bool = False

    @property
    def given(self) -> Given:
        """What is given besides the tree."""
        return Given(self.include_dirs, self.defines, self.shims, self.options)


def compile_program(request: Request, progress: Progress | None = None) -> ir.Program:
    """Reads every source of the request, and what they need of the tree that it is of.

    ``progress`` is called with the name of each file as it is read.  What cannot be
    read is left out and is in the program's ``unread``.  Raises :class:`VmgenError`
    with all findings where nothing else is left.
    """
    if request.whole:
        (program,) = compile_whole((request,), progress)
        return program
    source_tree = _configure(request)
    files = _sources(request, source_tree)
    expand = partial(
        preprocess.preprocess,
        source_tree,
        preprocessor=request.preprocessor,
        partial=True,
    )
    binary = _BinaryOnDemand(request)
    modules: list[ir.Module] = []
    unread: list[ir.Unread] = []
    # The compiler runs in its own process, so threads overlap it with the reading.
    with ThreadPoolExecutor(max_workers=2) as pool:
        pending = [(file, pool.submit(expand, file)) for file in files]
        for file, expansion in pending:
            if progress is not None:
                progress(file)
            try:
                expanded = binary.completed(expansion.result())
                modules.append(read_module(expanded, request.preprocessor))
            except VmgenError as error:
                unread.append(ir.Unread("", file, error.diagnostics))
    members: list[ir.Module] = []
    if request.qemu is not None:
        for file in _taken_along(binary, (modules, members), files):
            if progress is not None:
                progress(file)
            try:
                expanded = binary.completed(expand(file))
                members.append(read_module(expanded, request.preprocessor))
            except VmgenError as error:
                unread.append(ir.Unread("", file, error.diagnostics))
    program = link(
        source_tree.release,
        request.target,
        modules,
        members,
        unread,
        source_tree.answers,
        apart=request.apart,
    )
    nothing = not any(module.descriptions for module in program.modules)
    if nothing and program.unread:
        raise VmgenError(*findings([program]))
    if nothing and request.sources:
        raise VmgenError(
            Diagnostic(
                "VG410",
                "the file defines no VMStateDescription",
                Position(modules[0].file),
                hint="name the C file that has the device's tables",
            )
        )
    premises = premises_of(program.modules, source_tree.root)
    return taught(replace(program, premises=premises), request.formats)


class _BinaryOnDemand:
    """What the build description says of the target's binary, followed when a file needs
    it: most requests for single files do not."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._part: whole.TargetFiles | None = None

    @property
    def part(self) -> whole.TargetFiles | None:
        """The binary's files; None where the build description cannot be followed."""
        request = self._request
        if self._part is None and request.qemu is not None:
            try:
                (self._part,) = whole.configure(
                    request.qemu, (request.target,), request.build, given=request.given
                )
            except VmgenError:
                return None
        return self._part

    def texts(self) -> dict[str, str]:
        """The files that may define a description or an info."""
        if self.part is None:
            return {}
        tree_files = TreeFiles(self.part.tree.root)
        return {file: tree_files.text(file) for file in self.part.files}

    def completed(self, expanded: preprocess.Preprocessed) -> preprocess.Preprocessed:
        """The file; where headers are missing, read with the folders that the build
        description names for them."""
        if not expanded.missing or self.part is None:
            return expanded
        command = self.part.tree.command
        if command.include_dirs == expanded.tree.command.include_dirs:
            return expanded
        return preprocess.preprocess(
            replace(expanded.tree, command=command),
            expanded.source,
            preprocessor=self._request.preprocessor,
            partial=True,
        )


def _taken_along(
    binary: _BinaryOnDemand,
    read: tuple[Sequence[ir.Module], Sequence[ir.Module]],
    files: Sequence[str],
) -> Iterator[str]:
    """The files of the target's binary that define what is lacking in those that were
    ``read`` so far; whoever takes one adds its module there."""
    texts: dict[str, str] | None = None
    tried = set(files)
    while names := {one.partition("[")[0] for one in lacking(chain(*read))}:
        if texts is None:
            texts = binary.texts()
        wanted = re.compile(
            rf"\b(?:{'|'.join(sorted(names))})\s*(?:\[[^]]*\]\s*)?=[^=]"
        )
        found = [
            file
            for file, text in texts.items()
            if file not in tried and wanted.search(text)
        ]
        if not found:
            return  # then it is said of what names it
        tried.update(found)
        yield from found


def findings(programs: Iterable[ir.Program]) -> tuple[Diagnostic, ...]:
    """Why something was not read, each reason once, sorted by place."""
    every = {
        found for program in programs for one in program.unread for found in one.found
    }
    return tuple(sorted(every, key=lambda one: (one.position, one.code, one.message)))


def compile_whole(
    requests: Sequence[Request],
    progress: Progress | None = None,
    files: TreeFiles | None = None,
) -> tuple[ir.Program, ...]:
    """The programs of several targets of one tree, with every file of their binaries;
    all of the tree's targets for one request without a target.

    ``files`` are those of the tree, where somebody has looked at them already.  Files
    are read on all cores, and once for all targets where that is the same.
    What cannot be read is left out and is in the ``unread`` of the programs that
    would have it.  Raises :class:`VmgenError` with all findings where nothing is left.
    """
    first = requests[0]
    assert first.qemu is not None
    targets = tuple(request.target for request in requests if request.target)
    root = first.qemu.resolve()
    if files is None or files.root != root:
        files = TreeFiles(root)
    parts = whole.configure(
        first.qemu, targets, first.build, files=files, given=first.given
    )
    read = whole.read(parts, first.preprocessor, progress, files=files)
    programs = tuple(taught(one, first.formats) for one in read.programs())
    if first.processors:
        programs = tuple(
            with_processors(program, part, files, first.preprocessor, progress)
            for program, part in zip(programs, parts, strict=True)
        )
    unread = findings(programs)
    if unread and not any(program.modules for program in programs):
        raise VmgenError(*unread)
    return programs


def generate(
    programs: Sequence[ir.Program],
    progress: Progress | None = None,
    *,
    together: bool = False,
    formats: Iterable[TaughtFormat] = (),
) -> tuple[GeneratedFile, ...]:
    """The text of every file for these programs, one output folder for all of them.

    ``together``: what several targets have in common stands once, above their folders.
    ``formats`` are those of the user for whom it is: the Python functions that they name
    are called, and no others.
    """
    # jinja2 and black are slow to import; reading alone does not need them.
    from vmgen.pipeline.printing import printed

    named = frozenset((one.load, one.save) for one in formats if one.load)
    return printed(programs, progress, together=together, named=named)


def _configure(request: Request) -> SourceTree:
    if request.qemu is not None:
        found = tree.configure(
            request.qemu, request.target, build=request.build, given=request.given
        )
        if all((found.root / source).is_file() for source in request.sources):
            return found
        return replace(found, outside=Path.cwd())
    if request.sources:
        return tree.standalone(
            tuple(Path(source) for source in request.sources),
            request.include_dirs,
            request.defines,
            request.shims,
        )
    return tree.embedded(request.target)


def _sources(request: Request, source_tree: SourceTree) -> tuple[str, ...]:
    return tuple(dict.fromkeys(request.sources)) or source_tree.cpu_sources
