"""``vmgen import``: memory and registers of another tool's file in a stream."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from vmgen.cli.arguments import Argument, Option, WrongUsage, command
from vmgen.cli.console import Console
from vmgen.cli.guest import MAP, opened_guest
from vmgen.cli.stream.change import created, wrote
from vmgen.cli.stream.common import CODECS, output_option, told
from vmgen.source import Diagnostic, Position, VmgenError

if TYPE_CHECKING:
    from vmgen.guest import Guest
    from vmgen.imported.template import Imported


@command(
    Argument("form", "choice", "FORMAT", choices=("elf", "raw", "unicorn")),
    Argument("files", metavar="FILE...", many=True),
    Option(
        "--template",
        required=True,
        metavar="STREAM",
        help="The stream that has everything else: one of the same machine.",
    ),
    output_option("Where to write the stream."),
    MAP,
    Option("--quiet", "-q", kind="flag", help="Do not list what is the template's."),
    *CODECS,
    epilog="""\b
Formats:
  elf   a core: registers and RAM (of vmgen export elf, or dump-guest-memory)
  raw   guest-physical memory, byte N at address N (vmgen export raw); or BLOCK=FILE,
        one or several, for whole RAM blocks (vmgen stream extract FILE ram/BLOCK)
  unicorn  a folder: registers and RAM (of vmgen export unicorn, or its seed.py)

\b
Examples:
  vmgen import elf vmcore --template vm.mig -o new.mig
  vmgen import raw ram.img --template vm.mig -o new.mig --map mtree.txt
  vmgen import raw pc.ram=ram.bin --template vm.mig -o new.mig
  vmgen import unicorn after --template vm.mig -o new.mig
  qemu-system-x86_64 ... -incoming file:new.mig""",
)
def import_(
    console: Console,
    /,
    *,
    form: str,
    files: tuple[str, ...],
    template: str,
    output: str,
    map: tuple[str, ...],
    quiet: bool,
    **options: Any,
) -> int:
    """Put memory and registers of a file into a stream.

    QEMU resumes the guest from the stream with '-incoming'.

    Registers of a core or of an emulator and memory replace those of the template. What the file does not
    have stays as it is there, and is listed on stderr. A name in a folder's seed.json that
    no register has is an error.
    """
    with ExitStack() as opened:
        images = {} if form == "unicorn" else _images(form, files, opened)
        with opened_guest(template, console, map, options) as guest:
            made = (
                _of_folder(guest, files)
                if form == "unicorn"
                else _made(form, guest, images, " ".join(files))
            )
            with created(output) as out:
                out.write(guest.stream.prefix)
                for chunk in made.draft.chunks():
                    out.write(chunk)
            wrote(console, output)
            if not quiet:
                said = "\n".join(f"  {one}" for one in made.said(guest))
                console.message(f"of the template:\n{said}")
    return 0


def _images(form: str, files: Iterable[str], opened: ExitStack) -> dict[str, IO[bytes]]:
    """The files by the block that each one is of; empty for all of memory."""
    found: dict[str, IO[bytes]] = {}
    for word in files:
        block, _, name = word.partition("=") if form == "raw" else ("", "", "")
        block, name = (block, name) if name else ("", word)
        if block in found:
            raise WrongUsage(f"{word}: a core or an image comes alone, a block once")
        found[block] = opened.enter_context(_opened(name))
    if "" in found and len(found) > 1:
        raise WrongUsage("an image of all of memory comes alone")
    return found


def _opened(name: str) -> IO[bytes]:
    try:
        return open(name, "rb")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise VmgenError(
            Diagnostic("VG707", f"cannot be read: {reason}", Position(name))
        ) from None


def _of_folder(guest: Guest, files: tuple[str, ...]) -> Imported:
    from vmgen.imported.errors import BadCore
    from vmgen.imported.seeds import import_seed

    if len(files) != 1:
        raise WrongUsage("the folder of an emulator comes alone")
    (folder,) = files
    try:
        return import_seed(guest, Path(folder))
    except BadCore as error:
        with told(folder):
            raise error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        name = str(error.filename or folder)
        raise VmgenError(
            Diagnostic("VG707", f"cannot be read: {reason}", Position(name))
        ) from None


def _made(
    form: str, guest: Guest, images: dict[str, IO[bytes]], names: str
) -> Imported:
    """The draft; what is wrong with the files is said of them, not of the template."""
    from vmgen.imported.errors import BadCore
    from vmgen.imported.template import import_blocks, import_core, import_image
    from vmgen.stream.input import mapped

    try:
        maps = {block: mapped(file) for block, file in images.items()}
        if form == "elf":
            return import_core(guest, maps[""])
        if "" in maps:
            return import_image(guest, maps[""], images[""].fileno())
        return import_blocks(guest, maps)
    except BadCore as error:
        with told(names):
            raise error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise VmgenError(
            Diagnostic("VG707", f"cannot be mapped: {reason}", Position(names))
        ) from None
