"""``vmgen stream edit`` and ``extract``: changed streams, and files from parts of one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmgen.cli.arguments import Argument, Option, WrongUsage, command
from vmgen.cli.console import Console, standard_output, unwritten
from vmgen.cli.stream.codecs import input_of, opened
from vmgen.cli.stream.common import CODECS, FILE, output_option, size_of, told
from vmgen.cli.stream.show import all_sections, no_file
from vmgen.source import Diagnostic, Position, VmgenError

if TYPE_CHECKING:
    from vmgen.stream import Stream
    from vmgen.stream.wire import Buffer


@command(
    FILE,
    Argument(
        "assignments",
        metavar="[PATH=VALUE]...",
        many=True,
        required=False,
        completes="path",
    ),
    output_option("Where to write the changed stream; may be FILE itself."),
    Option(
        "--ram",
        name="images",
        many=True,
        metavar="BLOCK=IMAGE",
        help="Make a whole RAM block what a file says, as extract FILE ram/BLOCK writes one.",
    ),
    *CODECS,
    epilog="""\b
Examples:
  vmgen stream edit vm.mig a0=0x1234 cpu/1.pc=0x80000000 -o new.mig
  vmgen stream edit vm.mig VBAR_EL1=0x40008000 DAIF=0x3c0 -o new.mig
  vmgen stream edit vm.mig goldfish_rtc.alarm_next=77 -o vm.mig --codecs 10.0
  vmgen stream edit vm.mig 'cpu/0.vector=null' slirp=drop -o new.mig
  vmgen stream edit vm.mig ram/pc.ram@0x1000=0badcafe -o new.mig
  vmgen stream edit vm.mig --ram pc.ram=ram.bin -o new.mig""",
)
def edit(
    console: Console,
    /,
    *,
    file: str,
    assignments: tuple[str, ...],
    output: str,
    images: tuple[str, ...],
    **options: Any,
) -> int:
    """Set fields to other values, and keep every other byte.

    VALUE is a number (0x..., decimal, negative), true or false, hexadecimal digits for
    bytes, or [1, 2, 3] for a whole array. null removes a subsection, {} adds one of zeros.
    SECTION=drop leaves a section out. ram/BLOCK@ADDRESS=HEX writes bytes into guest memory.
    A PATH is one of vmgen stream show. vmgen writes nothing if one of them leads nowhere.

    The output is a plain stream, or an uncompressed save image for one of libvirt.
    """
    from vmgen.stream.edit import edit as edited

    if not assignments and not images:
        raise WrongUsage("nothing to change: give a PATH=VALUE, or --ram")
    with told(file), opened(file, console, **options) as stream:
        draft = edited(stream, assignments, _images(images))
        write(output, (stream.prefix, *draft.chunks()))
    wrote(console, output)
    return 0


def _images(words: Iterable[str]) -> dict[str, Buffer]:
    """The files of ``--ram``, mapped."""
    from vmgen.stream.input import mapped

    found: dict[str, Buffer] = {}
    for word in words:
        block, equals, name = word.partition("=")
        if not equals or block in found:
            raise WrongUsage(f"--ram {word}: it is BLOCK=IMAGE, once for a block")
        try:
            with open(name, "rb") as file:
                found[block] = mapped(file)
        except OSError as error:
            raise VmgenError(
                Diagnostic("VG707", f"cannot be read: {error.strerror}", Position(name))
            ) from None
    return found


@command(
    FILE,
    Argument("selected", metavar="stream|ram|ram/BLOCK|SECTION", completes="part"),
    output_option(
        "The file to write; for 'ram' with several blocks a folder, which is made.",
        "place",
    ),
    *CODECS,
    epilog="""\b
Examples:
  vmgen stream extract vm.mig ram/pc.ram -o ram.bin
  vmgen stream extract vm.mig ram -o folder
  vmgen stream extract disk.qcow2@before stream -o before.mig
  vmgen stream extract vm.mig cpu/0 -o cpu.bin
  vmgen stream extract vm.mig description -o - | jq .""",
)
def extract(
    console: Console, /, *, file: str, selected: str, output: str, **options: Any
) -> int:
    """Write guest memory, the body of a section, or one whole stream into a file.

    The name 'stream' stands for the bare stream without its carrier and the bytes behind it.
    The name 'ram' stands for a file per block in a folder, and 'ram/BLOCK' for one block as
    an image with holes for zeros. The name 'description' stands for the description JSON.
    SECTION stands for the bytes between its header and its footer.
    """
    from vmgen.stream.asked import section_of
    from vmgen.stream.errors import NotFound

    if selected == "stream":
        if options["target"] is not None:
            raise WrongUsage("--target chooses codecs, and a whole stream needs none")
        with told(file):
            _extract_stream(file, output, **options)
        wrote(console, output)
        return 0
    with told(file), opened(file, console, **options) as stream:
        if selected == "description":
            document = stream.description
            if document is None:
                raise VmgenError(
                    Diagnostic("VG708", "there is no description", Position(file))
                )
            write(output, [document.text])
        elif selected == "ram" or selected.startswith("ram/"):
            _extract_ram(stream, selected.partition("/")[2], output, console)
            return 0
        else:
            try:
                section, rest = section_of(stream, all_sections(stream), selected)
            except NotFound:
                no_file(selected)
                raise
            if rest:
                raise WrongUsage("a whole section is extracted, not a field")
            write(output, [stream.body(section)])
    wrote(console, output)
    return 0


def _extract_stream(
    file: str, output: str, *, page_size: int | None, snapshot: str,
    max_unpacked: str | None, **_: Any,
) -> None:  # fmt: skip
    """The stream up to the end of its description, as it is; no section is decoded."""
    from vmgen.stream.stream import Stream

    source = input_of(file, snapshot, size_of(max_unpacked))
    with Stream(source, page_size=page_size, strict=False) as stream:
        write(output, [stream.bare()])


def wrote(console: Console, output: str) -> None:
    """Say that a file was written, unless it is standard output."""
    if output != "-":
        console.message(f"wrote {output}")


def _extract_ram(stream: Stream, name: str, output: str, console: Console) -> None:
    memory = stream.memory()
    names = [name] if name else [block.name for block in memory.blocks]
    if not name and len(names) > 1:
        if output == "-":
            hint = f"name one: {', '.join(f'ram/{one}' for one in names)}"
            raise VmgenError(
                Diagnostic("VG708", f"there are {len(names)} blocks", hint=hint)
            )
        folder_for(output)
    folder = os.path.isdir(output)
    for one in names:
        place = output
        if folder:
            name = one.replace("/", "_").replace("\0", "_").lstrip(".")
            place = os.path.join(output, name)
        length = memory.block(one).used_length
        with created(place) as out:
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
        wrote(console, place)


def _zeros(out: Any, count: int) -> None:
    while count:
        size = min(count, 1 << 20)
        out.write(bytes(size))
        count -= size


def folder_for(output: str) -> None:
    """Make the folder of an output of several files, if it is missing; VG707 if that
    cannot be done."""
    from vmgen.write import make_folder

    try:
        if os.path.exists(output) and not os.path.isdir(output):
            raise NotADirectoryError(20, "it is a file, and a folder is needed")
        make_folder(Path(output))
    except OSError as error:
        raise VmgenError(
            Diagnostic(
                "VG707", f"cannot be written: {error.strerror}", Position(output)
            )
        ) from None


def write(output: str, chunks: Iterable[Any]) -> None:
    """Write a file, or standard output; VG707 if that cannot be done."""
    with created(output) as out:
        for chunk in chunks:
            out.write(chunk)


@contextmanager
def created(output: str) -> Iterator[Any]:
    """A file that is there complete or not at all; VG707 if it cannot be written.

    What is no regular file (a pipe, a device) and standard output are written as they are.
    """
    from vmgen.write import replacing

    try:
        if output == "-":
            try:
                yield standard_output()
                standard_output().flush()
            except BrokenPipeError as error:
                unwritten(error)  # who reads has seen enough
        elif os.path.exists(output) and not os.path.isfile(output):
            with open(output, "wb") as out:
                yield out
        else:
            with replacing(Path(output).resolve()) as out:
                yield out
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise VmgenError(
            Diagnostic("VG707", f"cannot be written: {reason}", Position(output))
        ) from None
