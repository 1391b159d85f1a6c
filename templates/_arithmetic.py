"""What C expressions do that Python's operators do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from ._errors import BadValue

T = TypeVar("T")


def known(value: T | None) -> T:
    """A member that a condition has shown to be present."""
    if value is None:
        raise BadValue("absent member")
    return value


def words(bits: int) -> int:
    """How many 64-bit words a bitmap has."""
    return bits if bits < 0 else (bits + 63) // 64


def item(values: Sequence[Any], index: int) -> Any:
    """An element; BadValue where C would read outside the array."""
    if not 0 <= index < len(values):
        raise BadValue(f"index {index} outside an array of {len(values)}")
    return values[index]


def signed(bits: int, value: int) -> int:
    """The value converted to a signed integer of ``bits`` bits."""
    half = 1 << (bits - 1)
    return ((value + half) & ((1 << bits) - 1)) - half


def c_div(left: int, right: int) -> int:
    """Division that truncates towards zero."""
    if right == 0:
        raise BadValue("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def c_mod(left: int, right: int) -> int:
    """The remainder of :func:`c_div`."""
    return left - right * c_div(left, right)


def shift(value: int, count: int) -> int:
    """``value << count`` (right for a negative count); BadValue beyond 64 bits."""
    if not -64 < count < 64:
        raise BadValue(f"shift by {count}")
    return value << count if count >= 0 else value >> -count
