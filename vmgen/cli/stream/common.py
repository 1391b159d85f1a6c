"""What the commands of ``vmgen stream`` share: arguments, errors as diagnostics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vmgen.cli.arguments import Argument, Option, WrongUsage, format_option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vmgen.cli.arguments import Kind
    from vmgen.source import Diagnostic

FILE = Argument("file", "file")

FORMAT = format_option("How to print it.")

TARGET = Option(
    "--target",
    "-t",
    metavar="TARGET",
    completes="target",
    help="The target.  [default: the one whose codecs fit the stream]",
)

MAX_UNPACKED = Option(
    "--max-unpacked",
    metavar="SIZE",
    help="How much a compressed file, an image or an archive may unpack to: bytes, or with"
    " K, M, G, T.  [default: 1G, or 256 times its own size]",
)


def _release(metavar: str, help: str) -> Option:
    return Option(
        "--release",
        "--codecs",
        name="folder",
        metavar=metavar,
        completes="release",
        help="A release that vmgen knows without sources (10.0), or a folder: a generated"
        " package, one target of it, or a project with [tool.vmgen]. 'any' is the release"
        f" that wrote the stream, also among trees that vmgen has read before{help}",
    )


SOURCES = (
    _release(
        "NUMBER|DIR|any|none",
        "; 'none' reads the stream's own description alone.  [default: the release that"
        " wrote the stream, if that is certain, else none]",
    ),
    Option(
        "--qemu",
        kind="tree",
        metavar="TREE",
        help="Make the codecs from a QEMU source tree; vmgen keeps them for the next time.",
    ),
    Option(
        "--all",
        "-a",
        name="whole",
        kind="flag",
        help="With --qemu: codecs of every device, not of the CPU alone.",
    ),
    TARGET,
    Option(
        "--page-size",
        kind="number",
        choices=(256, 65536),
        metavar="BYTES",
        help="The target's page size, for a stream that does not have it.",
    ),
    Option(
        "--snapshot",
        metavar="NAME",
        default="",
        help="The snapshot to read, where a qcow2 image has several; as FILE@NAME.",
    ),
    MAX_UNPACKED,
)
"""Where codecs come from, and of which target they are: :class:`Wanted`."""

LOADING = (
    _release("NUMBER|DIR|any", ". Needed, unless --qemu names a tree."),
    *SOURCES[1:],
)
"""The same where the question is which release loads a stream: there is no default."""

MEMBER = Option(
    "--member",
    name="members",
    many=True,
    metavar="NAME=VALUE",
    help="An answer that the stream does not have: ARMCPU.pmsav7_dregion=16 (a member of a"
    " C struct), tcg_allowed=1 (the value of a C function or a global), serial=isa-serial"
    " (the device type of a section).",
)

CODECS = (
    *SOURCES,
    Option(
        "--no-description",
        kind="flag",
        help="Ignore the stream's description JSON.",
    ),
    MEMBER,
)
"""How a stream is read: what :func:`vmgen.cli.stream.codecs.opened` takes."""


_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def size_of(text: str | None) -> int | None:
    """A size in bytes; None where none is given.  Raises WrongUsage for what is none."""
    if text is None:
        return None
    if (size := bytes_of(text)) is None:
        raise WrongUsage(
            f"--max-unpacked {text}: it is a size, as 64G, 1000000 or 0x80000"
        )
    return size


def bytes_of(text: str) -> int | None:
    """A number of bytes, as ``64G``, ``1000000`` or ``0x80000``; None for what is none."""
    if text[:2].lower() == "0x":
        digits = text[2:18].lower()
        plain = len(text) <= 18 and digits and not set(digits) - set("0123456789abcdef")
        return int(digits, 16) if plain else None
    digits = text.rstrip("KMGTkmgt")
    unit = _UNITS.get(text[len(digits) :].upper())
    if unit is None or not (digits.isascii() and digits.isdecimal()):
        return None
    return int(digits[:30]) * unit


def output_option(help: str, kind: Kind = "file") -> Option:
    """``--output``; ``-`` is standard output."""
    return Option("--output", "-o", required=True, kind=kind, metavar="OUT", help=help)


@contextmanager
def told(file: str) -> Iterator[None]:
    """Errors of the library as diagnostics about a file; empty for none in particular."""
    from vmgen.stream.errors import StreamError

    try:
        yield
    except StreamError as error:
        from vmgen.source import VmgenError

        raise VmgenError(diagnostic(error, file)) from None


def diagnostic(error: Any, file: str) -> Diagnostic:
    """An error of the library as a diagnostic."""
    from vmgen.source import Diagnostic, Position

    at = "" if error.offset is None else f" (at byte {error.offset:#x})"
    return Diagnostic(
        error.code,
        f"{error.message}{at}",
        Position(file),
        hint=error.hint,
        context=(error.path,) if error.path not in ("", file) else (),
    )
