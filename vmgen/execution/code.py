"""What C is compiled to: closures over a frame of local variables."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from vmgen.cfront.arithmetic import limits
from vmgen.cfront.ctype import CType, Integer
from vmgen.execution.memory import Address, MemoryBlock, NotKnown, UnknownValue, Value
from vmgen.source import Position

Frame: TypeAlias = list["Value | MemoryBlock"]
"""The local variables of one call: a value, or the block of one that has an address."""

Run: TypeAlias = Callable[[Frame], Value]


@dataclass(frozen=True, slots=True)
class Code:
    """An expression: its type, arrays and functions decayed, and how its value is made.

    ``constant`` is the value where it is the same in every call.
    """

    type: CType
    run: Run
    constant: Value | None = None


@dataclass(frozen=True, slots=True)
class Lvalue:
    """Where an object is: a slot of the frame, or an address.

    ``bits`` is the first bit and the width of a bitfield, whose ``address`` is that of
    the byte with its first bit.
    """

    type: CType
    slot: int | None = None
    address: Callable[[Frame], Address] | None = None
    bits: tuple[int, int] | None = None


def constant(type: CType, value: Value) -> Code:
    """An expression of one value."""
    return Code(type, lambda frame: value, value)


FLOATING = UnknownValue("a floating value")
"""Any floating value: none is computed."""

ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}

COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def wrapping(type: Integer) -> Callable[[int], int]:
    """The conversion of any integer to ``type``."""
    if type.name == "_Bool":
        return lambda value: int(value != 0)
    mask = (1 << 8 * type.size) - 1
    if not type.signed:
        return lambda value: value & mask
    top = (mask + 1) >> 1
    return lambda value: ((value + top) & mask) - top


def fits(inner: Integer, outer: Integer) -> bool:
    """Whether every value of one type is one of another."""
    low, high = limits(inner)
    least, most = limits(outer)
    return least <= low and high <= most


def truth(value: Value, position: Position) -> bool:
    """Whether a condition holds."""
    match value:
        case int():
            return value != 0
        case UnknownValue(why):
            raise NotKnown(why, position)
        case _:
            return True


def whole(value: Value, position: Position) -> int:
    """The integer that is needed here."""
    match value:
        case int():
            return value
        case UnknownValue(why):
            raise NotKnown(why, position)
        case _:
            raise NotKnown("the number of an address", position)
