"""Values and memory of executed C."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from vmgen.source import NOWHERE, Position

MOST_BYTES = 1 << 21
"""What one object may have: a CPU with its matrix registers has some hundred thousand."""


class NotKnown(Exception):
    """C whose outcome cannot be determined; ``why`` says what it needs."""

    def __init__(self, why: str, position: Position = NOWHERE) -> None:
        super().__init__(why)
        self.why, self.position = why, position


class MemoryBlock:
    """One object in memory: its bytes, and the values that are no numbers.

    ``pointers`` are those by offset, eight bytes each; ``unknown`` are the spans that
    nothing set, from the first offset up to the last.  The bytes below both mean nothing.
    ``written`` says whether the program has changed it.
    """

    __slots__ = ("data", "name", "pointers", "unknown", "written")

    def __init__(
        self, size: int, name: str = "", unset: UnknownValue | None = None
    ) -> None:
        """All zero, or all ``unset``."""
        if not 0 <= size <= MOST_BYTES:
            raise NotKnown(f"an object of {size} bytes")
        self.data = bytearray(size)
        self.pointers: dict[int, Address | FunctionValue] = {}
        self.unknown: list[tuple[int, int, UnknownValue]] = []
        if unset is not None:
            self.unknown.append((0, size, unset))
        self.name = name
        self.written = False

    def __repr__(self) -> str:
        return f"<MemoryBlock {self.name or hex(id(self))}, {len(self.data)} bytes>"


class Address(NamedTuple):
    """A pointer into an object; ``offset`` in bytes from its start."""

    block: MemoryBlock
    offset: int


@dataclass(frozen=True, slots=True)
class FunctionValue:
    """A function as a value; ``file`` is where a static one is visible, else empty."""

    name: str
    file: str


@dataclass(frozen=True, slots=True)
class UnknownValue:
    """A value that nothing set, or that only the running program knows."""

    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """The value of a struct, union or array: a copy of a part of a block."""

    data: bytes
    pointers: tuple[tuple[int, Address | FunctionValue], ...]
    unknown: tuple[tuple[int, int, UnknownValue], ...]


Value: TypeAlias = int | Address | FunctionValue | UnknownValue | Aggregate
"""A C value.  An integer is within the limits of its type; NULL is 0."""

_POINTER = 8


def load(at: Address, size: int, signed: bool) -> Value:
    """A scalar of ``size`` bytes, little endian."""
    block, offset = at
    end = offset + size
    if not 0 <= offset <= len(block.data) - size:
        raise _outside(block)
    if block.pointers:
        first = offset & -_POINTER
        if first in block.pointers:
            if offset == first and size == _POINTER:
                return block.pointers[first]
            return UnknownValue("a part of a pointer")
        if (end - 1) & -_POINTER in block.pointers:
            return UnknownValue("a part of a pointer")
    for start, stop, value in block.unknown:
        if start < end and offset < stop:
            return value
    return int.from_bytes(block.data[offset:end], "little", signed=signed)


def store(at: Address, size: int, value: Value) -> None:
    """Set a scalar, or a whole object of ``size`` bytes."""
    block, offset = at
    if not 0 <= offset <= len(block.data) - size:
        raise _outside(block)
    _clear(block, offset, offset + size)
    block.written = True
    match value:
        case int():
            bits = value & ((1 << 8 * size) - 1)
            block.data[offset : offset + size] = bits.to_bytes(size, "little")
        case Aggregate(data, pointers, unknown):
            block.data[offset : offset + size] = data
            for start, pointer in pointers:
                block.pointers[offset + start] = pointer
            for start, stop, nothing in unknown:
                block.unknown.append((offset + start, offset + stop, nothing))
        case UnknownValue():
            block.unknown.append((offset, offset + size, value))
        case _ if size == _POINTER and offset % _POINTER == 0:
            block.pointers[offset] = value
        case _:
            raise NotKnown("a pointer that is not aligned")


def copy(at: Address, size: int) -> Aggregate:
    """The value of a whole object."""
    block, offset = at
    end = offset + size
    if not 0 <= offset <= len(block.data) - size:
        raise _outside(block)
    pointers = tuple(
        (start - offset, value)
        for start, value in block.pointers.items()
        if offset <= start < end
    )
    unknown = tuple(
        (max(start, offset) - offset, min(stop, end) - offset, value)
        for start, stop, value in block.unknown
        if start < end and offset < stop
    )
    return Aggregate(bytes(block.data[offset:end]), pointers, unknown)


def fill(at: Address, size: int, byte: int) -> None:
    """``memset``."""
    block, offset = at
    if not 0 <= offset <= len(block.data) - size:
        raise _outside(block)
    _clear(block, offset, offset + size)
    block.written = True
    block.data[offset : offset + size] = bytes([byte & 0xFF]) * size


def _outside(block: MemoryBlock) -> NotKnown:
    return NotKnown(f"memory outside of {block.name or 'an object'}")


def _clear(block: MemoryBlock, offset: int, end: int) -> None:
    """Forget the values in a range; of a pointer that is overwritten in part, the rest
    is not known."""
    if block.pointers:
        first = offset & -_POINTER
        if (end - first) // _POINTER < len(block.pointers):
            starts = [*range(first, end, _POINTER)]
        else:
            starts = [start for start in block.pointers if first <= start < end]
        for start in starts:
            if block.pointers.pop(start, None) is not None:
                rest = UnknownValue("a part of a pointer")
                if start < offset:
                    block.unknown.append((start, offset, rest))
                if start + _POINTER > end:
                    block.unknown.append((end, start + _POINTER, rest))
    if block.unknown:
        kept = []
        for start, stop, value in block.unknown:
            if start >= end or stop <= offset:
                kept.append((start, stop, value))
                continue
            if start < offset:
                kept.append((start, offset, value))
            if stop > end:
                kept.append((end, stop, value))
        block.unknown = kept
