"""The numbers of the container (``migration/savevm.c``) and a reader that counts bytes.

All integers are big-endian.
"""

from __future__ import annotations

from collections.abc import Callable

from vmgen.stream.errors import Truncated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview

MAGIC = b"QEVM"
VERSION = 3

EOF = 0x00
SECTION_START = 0x01
SECTION_PART = 0x02
SECTION_END = 0x03
SECTION_FULL = 0x04
SUBSECTION = 0x05
DESCRIPTION = 0x06
CONFIGURATION = 0x07
COMMAND = 0x08
SECTION_FOOTER = 0x7E

KINDS = {
    SECTION_START: "start",
    SECTION_PART: "part",
    SECTION_END: "end",
    SECTION_FULL: "full",
}

CMD_PACKAGED = 7
CMD_POSTCOPY_ADVISE = 3
CMD_POSTCOPY_RUN = 5

COMMANDS: dict[int, tuple[str, int]] = {
    1: ("OPEN_RETURN_PATH", 0),
    2: ("PING", 4),
    CMD_POSTCOPY_ADVISE: ("POSTCOPY_ADVISE", -1),
    4: ("POSTCOPY_LISTEN", 0),
    CMD_POSTCOPY_RUN: ("POSTCOPY_RUN", 0),
    6: ("POSTCOPY_RAM_DISCARD", -1),
    CMD_PACKAGED: ("PACKAGED", 4),
    8: ("ENABLE_COLO", 0),
    9: ("POSTCOPY_RESUME", 0),
    10: ("RECV_BITMAP", -1),
    11: ("SWITCHOVER_START", 0),
}
"""Name and length of a command's payload, -1 where it varies."""


class Cursor:
    """A place in a buffer; reading beyond ``end`` is :class:`Truncated`.

    Nothing is copied but what :meth:`text` and the integers need.
    """

    __slots__ = ("end", "path", "pos", "view")

    def __init__(
        self, view: memoryview, pos: int, end: int | None = None, path: str = ""
    ) -> None:
        self.view = view
        self.pos = pos
        self.end = len(view) if end is None else end
        self.path = path

    def u8(self) -> int:
        """One byte."""
        return self.number(1)

    def u16(self) -> int:
        """Two bytes, big-endian."""
        return self.number(2)

    def u32(self) -> int:
        """Four bytes, big-endian."""
        return self.number(4)

    def u64(self) -> int:
        """Eight bytes, big-endian."""
        return self.number(8)

    def number(self, size: int) -> int:
        """An unsigned integer of ``size`` bytes."""
        start = self.skip(size)
        return int.from_bytes(self.view[start : self.pos], "big")

    def skip(self, size: int) -> int:
        """Pass over ``size`` bytes, which must be there; return where they begin."""
        start = self.pos
        if size > self.end - start:
            self.cut(size)
        self.pos = start + size
        return start

    def take(self, size: int) -> memoryview:
        """The next ``size`` bytes, not copied."""
        start = self.skip(size)
        return self.view[start : self.pos]

    def text(self) -> str:
        """A string with its length in one byte before it."""
        return text(self.take(self.u8()))

    def left(self) -> int:
        """How many bytes there are to the end."""
        return self.end - self.pos

    def cut(self, size: int) -> NoReturn:
        """Say that ``size`` bytes are missing."""
        raise Truncated(
            f"{size} bytes are needed and {self.left()} are left", self.pos, self.path
        )


Step: TypeAlias = Callable[[Cursor], None]


def text(data: Buffer) -> str:
    """A name on the wire; bytes that are not UTF-8 survive :func:`raw`."""
    return str(data, "utf-8", "surrogateescape")


def raw(name: str) -> bytes:
    """The bytes of a name."""
    return name.encode("utf-8", "surrogateescape")


def printable(name: str) -> str:
    """A name for messages, without control characters."""
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else f"\\x{ord(c) & 0xFF:02x}" for c in name)


def counted(name: str) -> bytes:
    """A string with its length in one byte before it."""
    data = raw(name)
    return bytes([len(data)]) + data
