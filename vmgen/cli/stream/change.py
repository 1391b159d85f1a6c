"""``vmgen stream edit`` and ``extract``: changed streams, and files from parts of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vmgen.cli.console import Console, color_option
from vmgen.cli.stream.codecs import codec_options, opened
from vmgen.cli.stream.common import FILE, told
from vmgen.cli.stream.show import chosen_sections
from vmgen.source import Diagnostic, Position, VmgenError

if TYPE_CHECKING:
    from vmgen.stream import Stream


@click.command(name="edit")
@click.argument("file", type=FILE)
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

    What is written is a plain stream; of an uncompressed libvirt save image a save image.
    """
    from vmgen.stream.edit import edit as edited

    with told(file), opened(file, console, **options) as stream:
        draft = edited(stream, assignments)
        _write(output, (stream.prefix, *draft.chunks()))
    _wrote(console, output)
    return 0


@click.command(name="extract")
@click.argument("file", type=FILE)
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
            ((section, rest),) = chosen_sections(stream, [selected])
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
