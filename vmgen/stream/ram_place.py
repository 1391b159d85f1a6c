"""Places in guest memory: ``ram/pc.ram@0x1000:64``, and what a stream has there as text."""

from __future__ import annotations

from collections.abc import Iterator

from vmgen.paint import Paint, plain
from vmgen.stream.errors import NotFound
from vmgen.stream.frozen import Frozen
from vmgen.stream.memory import Memory
from vmgen.stream.wire import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ROW = 16
_FORM = "it looks like ram/pc.ram@0x1000, or ram/pc.ram@0x1000:64 for 64 bytes"


class RamPlace(Frozen):
    """``size`` bytes at an address inside of a RAM block; None up to the end of the page."""

    block: str
    address: int
    size: int | None

    def length(self, memory: Memory) -> int:
        """How many bytes it is in this memory."""
        if self.size is not None:
            return self.size
        rest = memory.block(self.block).used_length - self.address
        return max(0, min(memory.page_size - self.address % memory.page_size, rest))

    def check(self, memory: Memory) -> None:
        """Raises NotFound for a place outside of its block, or where there is no block."""
        memory.check(self.block, self.address, max(1, self.length(memory)))


def ram_place(text: str) -> RamPlace | None:
    """``ram/BLOCK@ADDRESS`` or ``ram/BLOCK@ADDRESS:SIZE``; None for any other path.

    The names of ROMs have an @ of their own.  Raises NotFound for what is no number.
    """
    if not text.startswith("ram/") or "@" not in text:
        return None
    block, _, where = text.removeprefix("ram/").rpartition("@")
    address, colon, size = where.partition(":")
    try:
        place = RamPlace(block, int(address, 0), int(size, 0) if colon else None)
        if place.address < 0 or (colon and int(size, 0) <= 0):
            raise ValueError
    except ValueError:
        raise NotFound(
            f"'{where}' is not a number, alone or with a size", None, text, _FORM
        ) from None
    return place


def without_address(memory: Memory, text: str) -> NotFound | None:
    """The error for ``ram/BLOCK``, which is a whole block; None for any other path."""
    block = text.removeprefix("ram/")
    if block == text or all(printable(one.name) != block for one in memory.blocks):
        return None
    message = "a block of guest memory is shown from an address on"
    return NotFound(message, None, text, f"{text}@0x0:64 is its first 64 bytes")


def dump(memory: Memory, place: RamPlace, paint: Paint = plain) -> Iterator[str]:
    """The bytes at a place, 16 a line; rows that repeat are one line, ``*``."""
    size = place.length(memory)
    yield paint("heading", f"ram/{printable(place.block)}") + paint(
        "faint", f"  {size} bytes at {place.address:#x}"
    ) + "\n"
    before, squeezed = b"", False
    for address, length, data in memory.spans(place.block, place.address, size):
        if data is None:
            last = address + length - 1
            yield f"  {address:#12x}  {paint('note', f'to {last:#x}: not in the stream')}\n"
            before, squeezed = b"", False
            continue
        for at in range(0, length, _ROW):
            row = bytes(data[at : at + _ROW])
            if row == before:
                if not squeezed:
                    yield f"  {'*':>12}\n"
                squeezed = True
                continue
            before, squeezed = row, False
            yield f"  {address + at:#12x}  {paint('number', _hex(row))}  |{_ascii(row)}|\n"
    if squeezed:
        yield f"  {place.address + size:#12x}\n"


def _hex(row: bytes) -> str:
    text = f"{row[:8].hex(' ')}  {row[8:].hex(' ')}"
    return text.ljust(3 * _ROW)


def _ascii(row: bytes) -> str:
    return "".join(chr(one) if 32 <= one < 127 else "." for one in row)


def pieces(memory: Memory, place: RamPlace) -> list[dict[str, Any]]:
    """The bytes at a place for JSON: ``address``, ``size`` and ``bytes`` of every piece that
    is in the stream as a whole, or is not, whose ``bytes`` are null."""
    found: list[tuple[int, int, bytearray | None]] = []
    size = place.length(memory)
    for address, length, data in memory.spans(place.block, place.address, size):
        if data is not None and found and (joined := found[-1][2]) is not None:
            joined += data
            found[-1] = (found[-1][0], found[-1][1] + length, joined)
        else:
            found.append((address, length, None if data is None else bytearray(data)))
    return [
        {
            "address": address,
            "size": length,
            "bytes": None if data is None else data.hex(),
        }
        for address, length, data in found
    ]
