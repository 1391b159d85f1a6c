"""What a command line and the configuration ask for together: options and requests."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import chdir
from dataclasses import dataclass, fields, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from vmgen import config
from vmgen.cli.arguments import Argument, Option
from vmgen.cli.console import Console
from vmgen.source import Diagnostic, VmgenError

if TYPE_CHECKING:
    from vmgen import ir
    from vmgen.infos.taught import TaughtFormat
    from vmgen.pipeline import Request
    from vmgen.pipeline.survey import TreeFiles

EMBEDDED_TARGETS = (
    "aarch64", "arm", "i386", "ppc", "ppc64", "riscv32", "riscv64", "x86_64",
)  # fmt: skip
"""What is read where nothing else is requested."""

FILES = Argument("files", metavar="[FILES]...", many=True, required=False)

SOURCES = (
    Option(
        "--qemu",
        kind="tree",
        metavar="TREE",
        help="A QEMU source tree, as unpacked, or its name in [tool.vmgen.trees]. Without it: the embedded headers.",
    ),
    Option(
        "--all",
        "-a",
        name="whole",
        kind="flag",
        help="Read every device that the tree's binaries contain, not the CPU alone."
        " Targets: those of --target, else those that pyproject.toml names for this"
        " very tree, else all.",
    ),
    Option(
        "--target",
        "-t",
        name="targets",
        many=True,
        metavar="TARGET",
        completes="target",
        help="A QEMU target (riscv64, x86_64, ...). May be repeated.",
    ),
    Option(
        "--build",
        kind="folder",
        help="A configured build folder of the tree (with compile_commands.json).",
    ),
    Option(
        "-I",
        name="include_dirs",
        many=True,
        kind="folder",
        help="Search headers there too, for a tree or for C files of your own. May be "
        "repeated.",
    ),
    Option(
        "-D",
        name="defines",
        many=True,
        metavar="NAME[=VALUE]",
        help="Define a macro, for a tree or for C files of your own. May be repeated.",
    ),
    Option(
        "--shims",
        many=True,
        kind="folder",
        metavar="FOLDER",
        help="A folder of headers that stand in for missing ones. May be repeated.",
    ),
    Option(
        "--option",
        name="options",
        many=True,
        metavar="NAME=VALUE",
        help="Set an option of the tree's build description (meson_options.txt), which "
        "says what a binary contains. May be repeated.",
    ),
    Option(
        "--preprocessor",
        kind="choice",
        choices=config.PREPROCESSORS,
        help="'cc' is the C compiler, 'pcpp' needs none; 'auto' takes cc if it is there.",
    ),
)
"""The options that say which C to read."""

INPUT = (
    Option(
        "--release",
        metavar="NUMBER",
        completes="release",
        help="A release that vmgen knows without sources: see 'vmgen releases'.",
    ),
    *SOURCES,
)
"""What to read: for every command that reads C."""

STRICT = Option(
    "--strict",
    kind="flag",
    help="Change nothing where something cannot be read.",
)

OUTPUT = (
    Option(
        "--output",
        "-o",
        kind="place",
        help="The folder of the generated package.  [default: generated]",
    ),
    Option("--force", kind="flag", help="Overwrite files that were edited by hand."),
    Option(
        "--prune", kind="flag", help="Delete generated files that no longer belong."
    ),
    STRICT,
)
"""What happens to files."""


@dataclass(frozen=True, slots=True)
class Job:
    """The requests of one command, and the folder their files go to.

    Relative paths of the requests start at ``folder``: what the configuration names is
    called the same wherever the command runs.  ``strict``: all or nothing.  ``release``
    is one of those that vmgen knows, empty for sources.
    """

    requests: tuple[Request, ...]
    output: Path
    folder: Path = Path()
    strict: bool = False
    release: str = ""

    @property
    def embedded(self) -> bool:
        """Whether everything is read from vmgen's own headers."""
        return not self.release and all(
            request.qemu is None and not request.sources for request in self.requests
        )

    @property
    def complete(self) -> bool:
        """Whether nothing else is there to be read: of a tree everything, or the user's
        own files."""
        return self.whole or all(
            one.qemu is None and one.sources for one in self.requests
        )

    @property
    def whole(self) -> bool:
        """Whether everything that the targets' binaries contain is requested."""
        return any(request.whole for request in self.requests)


def read_job(
    *,
    files: tuple[str, ...],
    qemu: str | None,
    targets: tuple[str, ...],
    build: str | None,
    include_dirs: tuple[str, ...],
    defines: tuple[str, ...],
    shims: tuple[str, ...],
    options: tuple[str, ...],
    preprocessor: str | None,
    release: str | None = None,
    output: str | None = None,
    whole: bool = False,
    strict: bool = False,
) -> Job:
    """Options where given, else the configuration, else the embedded headers.

    Raises :class:`VmgenError` VG630 if the two do not make sense together.
    """
    from vmgen.pipeline import Request

    settings = config.find(Path.cwd())
    if release is not None:
        given = include_dirs or defines or shims or options
        if qemu or files or build or given or preprocessor:
            raise _usage(
                "--release needs no sources, and takes no option about them",
                "give --target, and --all for every device",
            )
        requests = _of_release(
            release, targets or settings.targets, whole, formats_of(settings)
        )
        where = Path(output) if output else settings.output or Path("generated")
        return Job(requests, _short(where), Path(), strict, release)
    tree = Path(qemu) if qemu else settings.qemu
    configured = Path(build) if build else settings.build
    if tree is not None:
        settings = settings.about(tree)
    folder = Path()
    if not files and tree is None and settings.file is not None:
        folder = settings.file.parent
    sources = tuple(files or (() if whole else settings.inputs))
    if whole and tree is None:
        raise _usage("--all is for a QEMU tree", "give it with --qemu TREE")
    if whole and sources:
        raise _usage("--all and files exclude each other", "leave one of them out")
    if tree is not None:
        sources = tuple(_in_tree(name, tree, folder) for name in sources)
    elif folders := [name for name in sources if (folder / name).is_dir()]:
        raise _usage(f"a folder, and no C file: {', '.join(folders)}", "name its files")
    elif missing := [name for name in sources if not (folder / name).is_file()]:
        raise _usage(f"no such file: {', '.join(missing)}", "")
    # The configuration's targets are those of what it names.
    foreign = tree is None and not _named_by(settings, files)
    chosen = targets or (() if foreign else settings.targets)
    if tree is not None and whole and not targets:
        from vmgen.pipeline import all_targets

        # The configuration's targets are those of its own tree.
        own = settings.qemu is not None and settings.qemu.resolve() == tree.resolve()
        chosen = (settings.targets if own else ()) or all_targets(tree)
    if tree is not None and not chosen:
        raise _usage(
            "a QEMU tree was given, but no target", "for example: --target riscv64"
        )
    if tree is None and not sources and not chosen:
        chosen = EMBEDDED_TARGETS
    if (include_dirs or defines or shims) and not sources and tree is None:
        raise _usage(
            "-I, -D and --shims are for a tree or for C files of your own",
            "give --qemu TREE, or name the files",
        )
    if options and tree is None:
        raise _usage("--option needs a source tree", "give --qemu TREE")
    if wrong := [one for one in (*options, *settings.options) if "=" not in one]:
        raise _usage(f"an option without a value: {wrong[0]}", "write NAME=VALUE")
    if configured is not None and tree is None:
        raise _usage("--build needs the source tree too", "give --qemu TREE")
    request = Request(
        qemu=tree,
        build=configured,
        sources=sources,
        include_dirs=_folders(include_dirs) or settings.include_dirs,
        defines=defines or settings.defines,
        shims=_folders(shims) or settings.shims,
        options=(options or settings.options) if tree is not None else (),
        preprocessor=preprocessor or settings.preprocessor or "auto",  # type: ignore[arg-type]
        whole=whole,
        formats=formats_of(settings),
    )
    requests = tuple(
        replace(request, target=name) for name in dict.fromkeys(chosen or ("",))
    )
    where = Path(output) if output else settings.output or Path("generated")
    return Job(requests, _short(where), folder, strict)


def _named_by(settings: config.Config, files: Sequence[str]) -> bool:
    """Whether the configuration has these files; of no files, that is so."""
    folder = Path() if settings.file is None else settings.file.parent
    known = {(folder / name).resolve() for name in settings.inputs}
    return {Path(name).resolve() for name in files} <= known


def about_tree(request: Request, settings: config.Config) -> Request:
    """The request with what the configuration says of its tree's headers, macros and
    options."""
    return replace(
        request,
        include_dirs=settings.include_dirs,
        defines=settings.defines,
        shims=settings.shims,
        options=settings.options,
    )


def asked_for_something(output: str | None, given: Iterable[object]) -> None:
    """VG630 for a bare ``generate`` or ``check`` in a folder that no configuration is for:
    it would be about eight CPUs in whatever folder you are in."""
    if output is None and not any(given) and config.find(Path.cwd()).file is None:
        raise _usage(
            "nothing says what to generate, and into which folder",
            "name the folder: vmgen generate --output state; 'vmgen init' writes both down",
        )


def _folders(names: Sequence[str]) -> tuple[Path, ...]:
    return tuple(Path(one).absolute() for one in names)


def formats_of(settings: config.Config) -> tuple[TaughtFormat, ...]:
    """The formats that the configuration has; VG613 if one says nothing."""
    if not settings.formats:
        return ()
    from vmgen.infos.taught import TaughtFormat, objections

    found = tuple(
        TaughtFormat(
            **{
                each.name: getattr(one, each.name)
                for each in fields(config.FormatEntry)
            }
        )
        for one in settings.formats
    )
    if wrong := tuple(objections(found)):
        raise VmgenError(*wrong)
    return found


def _of_release(
    release: str,
    targets: Sequence[str],
    whole: bool,
    formats: tuple[TaughtFormat, ...],
) -> tuple[Request, ...]:
    from vmgen.cli import shipped
    from vmgen.pipeline import Request

    known = shipped.of(release)
    chosen = targets or (tuple(known) if whole else EMBEDDED_TARGETS)
    if lacking := [one for one in chosen if one not in known]:
        raise _usage(
            f"QEMU {known.release.name} has no target '{lacking[0]}'",
            f"it has: {', '.join(known)}",
        )
    return tuple(
        Request(target=one, whole=whole, formats=formats)
        for one in dict.fromkeys(chosen)
    )


def _in_tree(name: str, tree: Path, folder: Path) -> str:
    """The C file's name relative to the tree, however it was given; relative to the
    folder for one that is below it and outside of the tree."""
    within = not Path(name).is_absolute() and ".." not in Path(name).parts
    if within and (tree / name).is_file():
        return Path(name).as_posix()
    real, root = Path(name).resolve(), tree.resolve()
    if real.is_file() and real.is_relative_to(root):
        return real.relative_to(root).as_posix()
    if within and (folder / name).is_file():
        return Path(name).as_posix()
    raise _usage(
        f"no file {name} in the tree {tree}, nor below this folder",
        "name files relative to the tree, or to the folder that vmgen runs in",
    )


def _short(path: Path) -> Path:
    """The path as seen from the working directory, if it is below it."""
    here = Path.cwd()
    absolute = Path(os.path.normpath(here / path))
    return absolute.relative_to(here) if absolute.is_relative_to(here) else path


def _usage(message: str, hint: str) -> VmgenError:
    return VmgenError(Diagnostic("VG630", message, hint=hint))


def compile_all(
    job: Job, console: Console, files: TreeFiles | None = None
) -> tuple[ir.Program, ...]:
    """The program of every request; what none of them has is said, and the run does not
    end with 0.

    ``files`` are those of the tree, where somebody has looked at them already.  What is
    opaque in a program is said.  Raises
    :class:`VmgenError` with the findings of all where nothing was read, or where
    something was not and the job is ``strict``.
    """
    from vmgen import infos, link
    from vmgen.infos.taught import unmet
    from vmgen.pipeline import findings

    programs = compiled(job, console, files)
    formats = job.requests[0].formats if job.requests else ()
    if warnings := (
        *infos.opaque(programs),
        *link.endless_lists(programs),
        *link.foreign_subsections(programs),
        *unmet(programs, formats, partly=not job.complete),
        *_core(job),
    ):
        console.diagnostics(warnings)
    if unread := findings(programs):
        if job.strict:
            console.message(f"--strict: {_left_out(programs)}: exit status 2")
            raise VmgenError(*unread)
        if not console.incomplete:  # a command may read what it did before
            console.diagnostics(unread)
            console.message(_left_out(programs))
        console.incomplete = True
    return programs


def _core(job: Job) -> Iterator[Diagnostic]:
    """What differs in the C that every table of a job's trees rests on."""
    from vmgen import core

    if not job.release:
        for tree in dict.fromkeys(one.qemu for one in job.requests if one.qemu):
            yield from core.changes(job.folder / tree)


def _left_out(programs: Sequence[ir.Program]) -> str:
    """``1 of 3 descriptions not read: dev.c vmstate_dev``."""
    files = {(one.file, "") for program in programs for one in program.unread}
    gone = {
        (one.file, one.symbol)
        for program in programs
        for one in program.unread
        if one.symbol
    }
    read = {
        (module.file, one.symbol)
        for program in programs
        for module in program.modules
        for one in module.descriptions
    }
    whole = files - {(file, "") for file, _ in gone}
    parts = []
    if gone:
        parts.append(f"{len(gone)} of {len(gone | read)} descriptions not read")
    if whole:
        parts.append(f"{len(whole)} file{'s' * (len(whole) > 1)} not read")
    names = [f"{file} {symbol}".strip() for file, symbol in sorted(gone | whole)]
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{', '.join(parts)}: {shown}"


def compiled(
    job: Job,
    console: Console,
    files: TreeFiles | None = None,
) -> tuple[ir.Program, ...]:
    """The program of every request, without a message; of a whole tree, progress counts
    the files.

    Raises :class:`VmgenError` with the findings of all where nothing was read.
    """
    from vmgen.pipeline import compile_program, compile_whole

    programs = []
    found: list[Diagnostic] = []
    with console.working(), chdir(job.folder):
        if job.release:
            from vmgen.cli import shipped
            from vmgen.infos.taught import taught

            known = shipped.of(job.release).only(None if job.whole else shipped.CPU)
            return tuple(
                taught(known[request.target], request.formats)
                for request in job.requests
            )
        if job.whole:
            numbers = count(1)

            def counted(file: str) -> None:
                console.progress(f"{next(numbers)}  {file}")

            return compile_whole(job.requests, counted, files)
        for request in job.requests:

            def progress(file: str, target: str = request.target) -> None:
                console.progress(f"{target} {file}".lstrip())

            try:
                programs.append(compile_program(request, progress))
            except VmgenError as error:
                found += error.diagnostics
    if found:
        raise VmgenError(*dict.fromkeys(found))
    return tuple(programs)


def below(tree: str | Path) -> str:
    """The folder of a QEMU tree below the one that this runs in, which in a CI is the
    repository; empty for this folder itself, for another place, and for what is no tree.
    """
    place, here = Path(tree).resolve(), Path.cwd()
    if not (place / "include" / "migration").is_dir() or place == here:
        return ""
    return place.relative_to(here).as_posix() if place.is_relative_to(here) else ""
