"""From programs to the text of files: on all cores, and each text once.

The text of a module is a function of its plan, vmgen's templates and the formatter: what
was printed before is not printed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import lru_cache
from importlib import metadata

from vmgen import ir, plan, render, resources
from vmgen.cache import hashed
from vmgen.lower import OtherPrograms, exports, lower, offers, several
from vmgen.pipeline.sharing import share
from vmgen.pipeline.store import Store, parts_hash
from vmgen.pipeline.workers import workers
from vmgen.render import GeneratedFile

Progress = Callable[[str], None]
Named = frozenset[tuple[str, str]]

_BATCH = 6
"""Modules that one process prints in a row."""
_FEW = 24
"""Modules that are printed faster than other processes start."""


def printed(
    programs: Sequence[ir.Program],
    progress: Progress | None = None,
    store: Store | None = None,
    *,
    together: bool = False,
    named: Named = frozenset(),
) -> tuple[GeneratedFile, ...]:
    """The files of these programs, sorted by path, for one output folder.

    ``together`` puts what several targets have in common above their folders, instead
    of each into its own.  ``named`` is as for :func:`lower`.  ``progress`` is called with
    each file as it is done.
    """
    store = store or Store()
    tell = progress or (lambda file: None)
    if together and len(programs) > 1:
        files = _together(programs, store, tell, named)
    elif sum(len(program.modules) for program in programs) > _FEW:
        files = _side_by_side(programs, store, tell, named)
    else:
        files = {}
        for program in programs:
            tell(f"printing {program.target}".rstrip())
            for file in _files(program, None, store, named)[1]:
                files[file.path] = file
    return tuple(files[path] for path in sorted(files))


def _side_by_side(
    programs: Sequence[ir.Program], store: Store, tell: Progress, named: Named
) -> dict[str, GeneratedFile]:
    files: dict[str, GeneratedFile] = {}
    with ProcessPoolExecutor(workers()) as pool:
        batches = []
        tops = []
        for program in programs:
            package = lower(program, named=named)
            batches += _submitted(pool, package, store)
            tops.append(pool.submit(_target_file, _bare(package), store))
            for file in render.folder_files(package):
                files[file.path] = file
        for file in _done(batches, tell):
            files[file.path] = file
        for top in tops:
            files[top.result().path] = top.result()
    return files


def _together(
    programs: Sequence[ir.Program], store: Store, tell: Progress, named: Named
) -> dict[str, GeneratedFile]:
    sharing = share(programs)
    files: dict[str, GeneratedFile] = {}
    with ProcessPoolExecutor(workers()) as pool:
        pending = {
            pool.submit(_files, program, sharing.around, store, named): program
            for program in sorted(
                sharing.own, key=lambda program: -len(program.modules)
            )
        }
        around = replace(sharing.around, files=frozenset())
        common = lower(sharing.common, around, named)
        by_source = {module.source: module for module in common.modules}
        batches = _submitted(pool, common, store)
        tops = []
        for future in as_completed(pending):
            package, made = future.result()
            program = pending[future]
            above = [
                module
                for file in program.elsewhere
                if (module := by_source.get(file)) is not None
            ]
            offered = [*package.exports, *offers(above, above=True)]
            whole = replace(package, exports=exports(offered), several=several(offered))
            tops.append(pool.submit(_target_file, _bare(whole), store))
            for file in made:
                files[file.path] = file
            tell(f"{program.target}: {len(made)} files")
        for file in _done(batches, tell):
            files[file.path] = file
        for top in tops:
            files[top.result().path] = top.result()
    for file in render.folder_files(common):
        files[file.path] = file
    return files


def _submitted(
    pool: ProcessPoolExecutor, package: plan.Package, store: Store
) -> list[Future[list[GeneratedFile]]]:
    modules = package.modules
    return [
        pool.submit(
            _module_files,
            modules[start : start + _BATCH],
            package.folder,
            store,
        )
        for start in range(0, len(modules), _BATCH)
    ]


def _done(
    batches: Iterable[Future[list[GeneratedFile]]], tell: Progress
) -> Iterator[GeneratedFile]:
    for future in as_completed(batches):
        for file in future.result():
            tell(file.path)
            yield file


def _files(
    program: ir.Program, around: OtherPrograms | None, store: Store, named: Named
) -> tuple[plan.Package, list[GeneratedFile]]:
    """The files of one program, and its package without the modules; with ``around``
    without its ``__init__.py``, and the package has all that its modules offer."""
    package = lower(program, around, named)
    files = _module_files(package.modules, package.folder, store)
    files += render.folder_files(package)
    if around is None:
        files.append(_target_file(package, store))
    else:
        package = replace(package, exports=tuple(offers(package.modules)))
    return _bare(package), files


def _bare(package: plan.Package) -> plan.Package:
    """The package without what only its other files need."""
    return replace(package, modules=(), ir="")


def _target_file(package: plan.Package, store: Store) -> GeneratedFile:
    """The package's ``__init__.py``, printed or remembered."""
    bare = replace(_bare(package), meta="", sources=(), digest="")
    name = f"text-{hashed((_printer(), repr(bare)))}"
    body = store.entry(name)
    if body is None:
        body = render.target_body(bare)
        store.keep_entry(name, body)
    return render.target_file(package, body=body)


def _module_files(
    modules: Sequence[plan.ModulePlan], folder: str, store: Store
) -> list[GeneratedFile]:
    files = []
    for module in modules:
        name = f"text-{hashed((_printer(), folder, repr(module)))}"
        known = store.entry(name)
        if known is None:
            file = render.module_file(module, folder)
            store.keep_entry(name, file.text)
        else:
            path = f"{folder}/{module.path}" if folder else module.path
            file = GeneratedFile(path, known)
        files.append(file)
    return files


@lru_cache(maxsize=1)
def _printer() -> str:
    """The hash of everything but the plan that decides a module's text."""
    templates = resources.folder("templates")
    return hashed(
        (
            parts_hash("__init__.py", "plan", "render", "stamp.py"),
            metadata.version("black"),
            metadata.version("jinja2"),
            # Installing compiles the runtime, which puts a folder beside it.
            *(
                path.read_text("utf-8")
                for path in sorted(templates.iterdir())
                if path.is_file()
            ),
        )
    )
