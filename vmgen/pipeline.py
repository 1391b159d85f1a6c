"""The stages in a row: from a request to a program, from programs to text.

Nothing here knows how a stage works; it says which feeds which and collects what they
find, so that one run tells everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vmgen import ir, preprocess, tree
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.extract import extract
from vmgen.link import link
from vmgen.preprocess import Preprocessed
from vmgen.source import Diagnostic, VmgenError
from vmgen.tree import SourceTree

if TYPE_CHECKING:
    from vmgen.render import GeneratedFile

Preprocessor = Literal["auto", "cc", "pcpp"]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What to read.

    ``qemu`` is a QEMU source tree, None the embedded ``c_headers/``.  ``sources`` are C
    files: relative to the tree, or the user's own when there is none; empty means the
    CPU of ``target`` and ``cpu_common``.  ``build`` is a configured build folder with a
    ``compile_commands.json``.
    """

    target: str = ""
    qemu: Path | None = None
    build: Path | None = None
    sources: tuple[str, ...] = ()
    include_dirs: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()
    preprocessor: Preprocessor = "auto"


def compile_program(request: Request, progress: Progress | None = None) -> ir.Program:
    """Reads every source of the request.

    ``progress`` is called with the name of each file as it is read.  Raises
    :class:`VmgenError` with the findings of all files.
    """
    source_tree = _configure(request)
    files = _sources(request, source_tree)
    expand = partial(
        preprocess.preprocess, source_tree, preprocessor=request.preprocessor
    )
    modules: list[ir.Module] = []
    found: list[Diagnostic] = []
    # The compiler runs in its own process, so threads overlap it with the reading.
    with ThreadPoolExecutor(max_workers=2) as pool:
        pending = [(file, pool.submit(expand, file)) for file in files]
        for file, expansion in pending:
            if progress is not None:
                progress(file)
            try:
                modules.append(read_module(expansion.result()))
            except VmgenError as error:
                found += error.diagnostics
    if found:
        raise VmgenError(*dict.fromkeys(found))
    return link(source_tree.release, request.target, modules)


def read_module(expansion: Preprocessed) -> ir.Module:
    """One preprocessed file through the front end and the extractor."""
    unit = Unit(expansion.text, source=expansion.source, relative=expansion.relative)
    return extract(unit, Layout(unit), expansion.excerpt)


def generate(programs: Sequence[ir.Program]) -> tuple[GeneratedFile, ...]:
    """The text of every file for these programs, one output folder for all of them."""
    # jinja2 and black are slow to import; reading alone does not need them.
    from vmgen.lower import lower
    from vmgen.render import render

    files: dict[str, GeneratedFile] = {}
    for program in programs:
        for file in render(lower(program)):
            files[file.path] = file
    return tuple(files[path] for path in sorted(files))


def _configure(request: Request) -> SourceTree:
    if request.qemu is not None:
        return tree.configure(request.qemu, request.target, build=request.build)
    if request.sources:
        return tree.standalone(
            tuple(Path(source) for source in request.sources),
            request.include_dirs,
            request.defines,
        )
    return tree.embedded(request.target)


def _sources(request: Request, source_tree: SourceTree) -> tuple[str, ...]:
    return tuple(dict.fromkeys(request.sources)) or source_tree.cpu_sources
