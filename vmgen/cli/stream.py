"""``vmgen stream``: whole migration streams."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vmgen.cli.console import Console, color_option
from vmgen.source import Diagnostic, Position, VmgenError

if TYPE_CHECKING:
    from vmgen.stream import Codecs, Section, Stream

_Function = TypeVar("_Function", bound=Callable[..., Any])

_STREAM = click.Path(path_type=Path, dir_okay=False, allow_dash=True)


def codec_options(function: _Function) -> _Function:
    """The options that say which codecs read a stream."""
    for option in (
        click.option(
            "--member",
            "members",
            multiple=True,
            metavar="TYPE.MEMBER=N",
            help="What the bytes do not say, for instance ARMCPU.pmsav7_dregion=16.",
        ),
        click.option(
            "--no-description",
            is_flag=True,
            help="Read as if there were no description JSON.",
        ),
        click.option(
            "--page-size",
            type=click.IntRange(256, 65536),
            metavar="BYTES",
            help="The target's page size, for streams that do not say it.",
        ),
        click.option(
            "--target",
            "-t",
            metavar="TARGET",
            help="The target.  [default: the one whose codecs fit the stream]",
        ),
        click.option(
            "--qemu",
            type=click.Path(path_type=Path, file_okay=False, exists=True),
            metavar="TREE",
            help="Make the codecs from a QEMU source tree; they are kept for the next time.",
        ),
        click.option(
            "--codecs",
            "folder",
            type=click.Path(path_type=Path, file_okay=False, exists=True),
            metavar="DIR",
            help="A generated package, or the folder of one target in it."
            "  [default: the output folder, if it is there]",
        ),
    ):
        function = option(function)
    return function


def format_option(function: _Function) -> _Function:
    """``--format text|json``."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How to print it.",
    )(function)


@contextmanager
def told(file: Path | None) -> Iterator[None]:
    """Errors of the library as diagnostics."""
    from vmgen.stream import StreamError

    try:
        yield
    except StreamError as error:
        raise VmgenError(diagnostic(error, file)) from None


def diagnostic(error: Any, file: Path | None) -> Diagnostic:
    """An error of the library as a diagnostic."""
    at = "" if error.offset is None else f" (at byte {error.offset:#x})"
    return Diagnostic(
        error.code,
        f"{error.message}{at}",
        Position("" if file is None else str(file)),
        hint=error.hint,
        context=(error.path,) if error.path else (),
    )


def opened(
    file: Path,
    console: Console,
    *,
    folder: Path | None,
    qemu: Path | None,
    target: str | None,
    page_size: int | None,
    no_description: bool,
    members: tuple[str, ...],
) -> Stream:
    """The stream in a file (``-`` is standard input), with the codecs that are asked for
    or that fit."""
    from vmgen.stream import Stream
    from vmgen.stream.input import Input

    if qemu is not None and target is None:
        raise click.UsageError("--qemu needs --target")
    if qemu is not None and folder is not None:
        raise click.UsageError("--qemu and --codecs exclude each other")
    source = Input(sys.stdin.buffer if str(file) == "-" else file)
    codecs = _codecs(source, console, folder, qemu, target, page_size)
    if members and codecs is not None:
        from vmgen.stream.fingerprint import with_context

        codecs = with_context(codecs, dict(map(_member, members)))
    return Stream(
        source, codecs, page_size=page_size, use_description=not no_description
    )


def _member(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    try:
        return name.strip(), int(number, 0)
    except ValueError:
        raise click.UsageError(f"--member {text}: it is TYPE.MEMBER=NUMBER") from None


def _codecs(
    source: Any,
    console: Console,
    folder: Path | None,
    qemu: Path | None,
    target: str | None,
    page_size: int | None,
) -> Codecs | None:
    from vmgen.stream import from_folder
    from vmgen.stream.fingerprint import fingerprint

    given = folder is not None or qemu is not None
    if qemu is not None and target is not None:
        folder = _from_tree(qemu, target, console)
    packages = from_folder(folder) if folder is not None else _default_packages()
    if target is not None and packages:
        if target not in packages:
            known = ", ".join(packages)
            message = f"there are no codecs for '{target}'"
            raise VmgenError(Diagnostic("VG710", message, hint=f"there are: {known}"))
        return packages[target]
    if given and len(packages) == 1:
        (only,) = packages.values()
        return only
    if not packages:
        return None
    found = fingerprint(source, packages, page_size)
    if found.codecs is None and given:
        reasons = "\n".join(f"{name}: {why}" for name, why in found.refusals.items())
        message = f"no target of {folder} fits the stream"
        raise VmgenError(Diagnostic("VG710", message, hint=reasons))
    return found.codecs


def _default_packages() -> dict[str, Codecs]:
    """Those of the output folder, if there is one."""
    from vmgen import config
    from vmgen.stream import from_folder

    folder = config.find(Path.cwd()).output or Path("generated")
    return from_folder(folder) if (folder / "_runtime.py").is_file() else {}


def _from_tree(qemu: Path, target: str, console: Console) -> Path:
    """The folder of a package made from a source tree, made if need be."""
    import vmgen
    from vmgen.cli.job import Job, compile_all
    from vmgen.pipeline import Request, generate
    from vmgen.tree import cache

    def make() -> dict[str, str]:
        request = Request(target=target, qemu=qemu.resolve())
        programs = compile_all(Job((request,), Path()), console)
        with console.working():
            console.progress("writing Python")
            return {file.path: file.text for file in generate(programs)}

    root = qemu.resolve()
    own = sorted(Path(vmgen.__file__).parent.rglob("*.py"))
    read = [root / "VERSION"]
    for part in ("target", "include", "migration", "hw/core"):
        read += sorted((root / part).rglob("*.[ch]"))
    name = cache.signature((str(root), target, sys.version), (*read, *own))
    return cache.entry(cache.folder(None).parent / "codecs", name, make)


# --- the commands -------------------------------------------------------------------------


@click.group(
    name="stream",
    epilog="""\b
FILE is what QEMU's migrate command or savevm wrote, plain or as .xz or .gz; - is
standard input.  A PATH is SECTION/INSTANCE and the C path of a field in it, for
instance cpu/0.env.gpr[10]; the instance may be left out where there is only one.

\b
Examples:
  vmgen stream show vm.mig                        the sections
  vmgen stream show vm.mig cpu/0.env.gpr          registers
  vmgen stream verify *.mig
  vmgen stream edit vm.mig 'cpu/0.env.pc=0x80000000' -o new.mig
  vmgen stream diff before.mig after.mig
  vmgen stream extract vm.mig ram/pc.ram -o ram.bin""",
)
@color_option
def command() -> None:
    """Read, verify, edit and compare whole migration streams."""


@command.command(name="show")
@click.argument("file", type=_STREAM)
@click.argument("selected", nargs=-1, metavar="[SECTION|PATH]...")
@format_option
@codec_options
@color_option
@click.pass_obj
def show(
    console: Console,
    /,
    *,
    file: Path,
    selected: tuple[str, ...],
    form: str,
    **options: Any,
) -> int:
    """Show the sections of a stream, or the values in some of them.

    JSON has everything: {"sections": [{"name", "instance_id", "version_id", "kind",
    "offset", "size", "codec", "state"}]}.
    """
    from vmgen.stream import show as shown

    with told(file), opened(file, console, **options) as stream:
        if form == "json":
            chosen = _chosen(stream, selected)
            if any(rest for _, rest in chosen):
                document: Any = {
                    path: shown.jsonable(_value(stream, section, rest))
                    for path, (section, rest) in zip(selected, chosen, strict=True)
                }
            else:
                document = shown.as_json(
                    stream, [section for section, _ in chosen] if selected else None
                )
            console.result(shown.dumps(document))
            return 0
        if not selected:
            console.result("".join(shown.table(stream, console.paint)))
            return 0
        for section, rest in _chosen(stream, selected):
            if rest:
                value = _value(stream, section, rest)
                lines = shown.value_text(value, f"{section.path}{rest}", console.paint)
            else:
                lines = shown.section_text(stream, section, console.paint)
            console.result("".join(lines))
    return 0


def _chosen(stream: Stream, selected: Iterable[str]) -> list[tuple[Section, str]]:
    from vmgen.stream import paths

    sections = list(stream.sections())
    return [paths.split(sections, text) for text in selected]


def _value(stream: Stream, section: Section, rest: str) -> Any:
    from vmgen.stream import paths

    value = stream.values(section)
    steps = paths.resolve(value, rest)
    if steps is None:
        raise paths.missing(section, value, rest)
    for step in steps:
        value = paths.at(value, step)
    return value


@command.command(name="verify")
@click.argument("files", nargs=-1, required=True, type=_STREAM, metavar="FILE...")
@codec_options
@color_option
@click.pass_obj
def verify(console: Console, /, *, files: tuple[Path, ...], **options: Any) -> int:
    """Decode, encode again, compare.

    Exit status 1 if a stream is damaged or a byte comes back another one; the first such
    byte is named by path and offset.
    """
    from vmgen.stream import StreamError, Unreadable

    status = 0
    for file in files:
        try:
            status |= _verified(file, console, **options)
        except Unreadable as error:
            raise VmgenError(diagnostic(error, file)) from None
        except StreamError as error:
            console.diagnostics([diagnostic(error, file)])
            status = 1
    return status


def _verified(file: Path, console: Console, **options: Any) -> int:
    from vmgen.stream import verify as verifying

    paint = console.paint
    parts = opaque = size = 0
    with opened(file, console, **options) as stream:
        codecs = stream.codecs
        target = f", codecs of {codecs.target}" if codecs and codecs.target else ""
        for one in verifying.verify(stream):
            parts, opaque, size = parts + 1, opaque + one.opaque, size + one.bytes
            if (found := one.difference) is not None:
                place = f"{found.path} at byte {found.offset:#x}"
                bytes_ = (
                    f"{found.old.hex()} comes back as {found.new.hex() or 'nothing'}"
                )
                console.result(
                    f"{file}: {paint('removed', 'differs')}: {place}: {bytes_}\n"
                )
                return 1
    rest = f", {opaque} of them only carried along" if opaque else ""
    console.result(
        f"{file}: {paint('ok', 'identical')}: {size} bytes in {parts} parts{rest}{target}\n"
    )
    return 0


@command.command(name="edit")
@click.argument("file", type=_STREAM)
@click.argument("assignments", nargs=-1, required=True, metavar="PATH=VALUE...")
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="OUT",
    help="Where to write the changed stream; may be FILE itself.",
)
@codec_options
@color_option
@click.pass_obj
def edit(
    console: Console,
    /,
    *,
    file: Path,
    assignments: tuple[str, ...],
    output: Path,
    **options: Any,
) -> int:
    """Set fields to other values, every other byte as it was.

    VALUE is a number (0x..., decimal, negative), true or false, hexadecimal digits for
    bytes, [1, 2, 3] for a whole array, null for a subsection that is to go, {} for one
    that is to come, all zero. SECTION=drop leaves a section out.
    """
    from vmgen.stream.edit import edit as edited

    with told(file), opened(file, console, **options) as stream:
        draft = edited(stream, assignments)
        _write(output, draft.chunks())
    _wrote(console, output)
    return 0


@command.command(name="diff")
@click.argument("old", type=_STREAM)
@click.argument("new", type=_STREAM)
@format_option
@codec_options
@color_option
@click.pass_obj
def diff(
    console: Console, /, *, old: Path, new: Path, form: str, **options: Any
) -> int:
    """Compare two streams field by field, and guest memory page by page.

    Exit status 0: the same, 1: different.
    """
    from vmgen.stream import show as shown
    from vmgen.stream.compare import compare

    with told(old):
        before = opened(old, console, **options)
        list(before.parts())
    with told(new):
        after = opened(new, console, **options)
        list(after.parts())
    with told(None), before, after:
        changes = list(compare(before, after))
    if form == "json":
        items = [shown.change_json(change) for change in changes]
        document = {"same": not changes, "changes": items}
        console.result(shown.dumps(document))
    else:
        console.result(
            "".join(shown.change_text(one, console.paint) for one in changes)
        )
    return 1 if changes else 0


@command.command(name="extract")
@click.argument("file", type=_STREAM)
@click.argument("selected", metavar="ram|ram/BLOCK|SECTION")
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="OUT",
    help="The file to write; for 'ram' with several blocks a folder that is there.",
)
@codec_options
@color_option
@click.pass_obj
def extract(
    console: Console, /, *, file: Path, selected: str, output: Path, **options: Any
) -> int:
    """Write guest memory or the body of a section into a file.

    'ram' writes a file per block into a folder, 'ram/BLOCK' one block as an image (what
    is zero stays a hole), 'description' the description JSON, SECTION the bytes between
    its header and its footer.
    """
    with told(file), opened(file, console, **options) as stream:
        if selected == "description":
            document = stream.description
            if document is None:
                raise VmgenError(
                    Diagnostic("VG708", "there is no description", Position(str(file)))
                )
            _write(output, [document.text])
        elif selected == "ram" or selected.startswith("ram/"):
            _extract_ram(stream, selected.partition("/")[2], output, console)
            return 0
        else:
            ((section, rest),) = _chosen(stream, [selected])
            if rest:
                raise click.UsageError("a whole section is extracted, not a field")
            _write(output, [stream.body(section)])
    _wrote(console, output)
    return 0


def _wrote(console: Console, output: Path) -> None:
    if str(output) != "-":
        console.message(f"wrote {output}")


def _extract_ram(stream: Stream, name: str, output: Path, console: Console) -> None:
    memory = stream.memory()
    names = [name] if name else [block.name for block in memory.blocks]
    if not name and not output.is_dir() and len(names) > 1:
        hint = "give a folder that is there, or one of: "
        hint += ", ".join(f"ram/{one}" for one in names)
        raise VmgenError(
            Diagnostic("VG708", f"there are {len(names)} blocks", hint=hint)
        )
    for one in names:
        place = output
        if output.is_dir():
            place = output / one.replace("/", "_").replace("\0", "_").lstrip(".")
        length = memory.block(one).used_length
        with _created(place) as out:
            end = 0
            for address, page in memory.contents(one):
                size = min(len(page), length - address)
                if out.seekable():
                    out.seek(address)
                else:
                    _zeros(out, address - end)
                out.write(page[:size])
                end = address + size
            if out.seekable():
                out.truncate(length)
            else:
                _zeros(out, length - end)
        _wrote(console, place)


def _zeros(out: Any, count: int) -> None:
    while count:
        size = min(count, 1 << 20)
        out.write(bytes(size))
        count -= size


def _write(output: Path, chunks: Iterable[Any]) -> None:
    with _created(output) as out:
        for chunk in chunks:
            out.write(chunk)


@contextmanager
def _created(output: Path) -> Iterator[Any]:
    """A file that is there complete or not at all; VG707 if it cannot be written."""
    to_stdout = str(output) == "-"
    try:
        with click.open_file(str(output), "wb", atomic=not to_stdout) as out:
            yield out
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise VmgenError(
            Diagnostic("VG707", f"cannot be written: {reason}", Position(str(output)))
        ) from None
