"""Arrays of numbers and their bytes: big-endian on the wire, whatever the host is."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from ._errors import BadValue

Buffer: TypeAlias = bytes | bytearray | memoryview
T = TypeVar("T")

if TYPE_CHECKING:
    Array: TypeAlias = array[int]
else:
    Array = array  # ``array[int]`` cannot be evaluated before Python 3.12

for _code, _size in (("B", 1), ("H", 2), ("I", 4), ("Q", 8)):
    if array(_code).itemsize != _size or array(_code.lower()).itemsize != _size:
        raise ImportError(f"array({_code!r}) does not have items of {_size} bytes")
_SWAP = sys.byteorder == "little"


_ZERO = {code: array(code, [0]) for code in "bBhHiIqQ"}


def zeros(code: str, count: int) -> array[int]:
    """An array of ``count`` zeros."""
    return _ZERO[code] * count


def _array_of(code: str) -> Callable[..., array[int]]:
    swap = array(code).itemsize > 1 and _SWAP
    fresh = array(code).__copy__  # faster than a call of the type

    def load(chunk: Buffer, start: int = 0) -> array[int]:
        items = fresh() if start == 0 else zeros(code, start)
        items.frombytes(chunk)
        if swap:
            items.byteswap()
        return items

    return load


def _bytes_of(code: str) -> Callable[..., bytes]:
    swap = array(code).itemsize > 1 and _SWAP
    none = array(code)

    def save(values: Sequence[int], count: int, start: int = 0) -> bytes:
        try:
            items = none + values  # type: ignore[operator]
        except TypeError:  # no array, or one of another type
            items = array(code, list(values))  # bytes are items too, not raw memory
        if len(items) != count:
            raise ValueError("wrong length")
        if start:
            items = items[start:]
        if swap:
            items.byteswap()
        return items.tobytes()

    return save


def _split_of(code: str) -> Callable[[Buffer, int, int], list[array[int]]]:
    load = _array_of(code)

    def split(chunk: Buffer, width: int, start: int) -> list[array[int]]:
        items = load(chunk)
        whole = start + width
        if start:
            spread = zeros(code, len(items) // width * whole)
            for at in range(width):
                spread[start + at :: whole] = items[at::width]
            items = spread
        return [items[at : at + whole] for at in range(0, len(items), whole)]

    return split


def _join_of(code: str) -> Callable[[Sequence[Sequence[int]], int, int], bytes]:
    def join(arrays: Sequence[Sequence[int]], width: int, start: int) -> bytes:
        items = array(code)
        length = start + width
        for values in arrays:
            if type(values) is not array or values.typecode != code:
                values = array(code, list(values))
            if len(values) != length:
                raise ValueError("wrong length")
            items += values[start:] if start else values
        if _SWAP:
            items.byteswap()
        return items.tobytes()

    return join


# ``array_*(chunk, start=0)``: the array whose elements from ``start`` on are the chunk's.
# ``bytes_*(values, count, start=0)``: the elements from ``start`` on; ValueError, TypeError
# or OverflowError unless there are ``count`` values in range.
array_i8, bytes_i8 = _array_of("b"), _bytes_of("b")
array_i16, bytes_i16 = _array_of("h"), _bytes_of("h")
array_u16, bytes_u16 = _array_of("H"), _bytes_of("H")
array_i32, bytes_i32 = _array_of("i"), _bytes_of("i")
array_u32, bytes_u32 = _array_of("I"), _bytes_of("I")
array_i64, bytes_i64 = _array_of("q"), _bytes_of("q")
array_u64, bytes_u64 = _array_of("Q"), _bytes_of("Q")


# ``split_*(chunk, width, start)``: the chunk as arrays of ``width`` elements, each with its
# elements from ``start`` on.  ``join_*(arrays, width, start)``: such arrays as one chunk.
split_i16, join_i16 = _split_of("h"), _join_of("h")
split_u16, join_u16 = _split_of("H"), _join_of("H")
split_i32, join_i32 = _split_of("i"), _join_of("i")
split_u32, join_u32 = _split_of("I"), _join_of("I")
split_i64, join_i64 = _split_of("q"), _join_of("q")
split_u64, join_u64 = _split_of("Q"), _join_of("Q")


def array_u8(chunk: Buffer, start: int = 0) -> bytearray:
    """The bytes, after ``start`` zeros."""
    return bytearray(start) + chunk if start else bytearray(chunk)


def bytes_u8(values: Sequence[int], count: int, start: int = 0) -> bytes | bytearray:
    """The bytes from ``start`` on; ValueError unless there are ``count``."""
    if len(values) != count:
        raise ValueError("wrong length")
    if start:
        values = values[start:]
    return values if type(values) is bytearray else bytes(values)


def array_bool(chunk: Buffer, start: int = 0) -> list[bool]:
    """Any byte but 0 is true, after ``start`` times false."""
    return [False] * start + list(map(bool, chunk))


def bytes_bool(values: Sequence[bool], count: int, start: int = 0) -> bytes:
    """One byte a value, 0 or 1, from ``start`` on; ValueError unless there are ``count``."""
    if len(values) != count:
        raise ValueError("wrong length")
    return bytes(map(bool, values[start:]))


def bytes_of(
    pack: Callable[[Sequence[T]], bytes],
    values: Sequence[T],
    count: int,
    start: int = 0,
) -> bytes:
    """The objects from ``start`` on; ValueError unless there are ``count``."""
    if len(values) != count:
        raise ValueError("wrong length")
    return pack(values[start:] if start else values)


def rows_of(load: Callable[[Buffer], T], chunk: Buffer, size: int) -> list[T]:
    """A list with an array for every ``size`` bytes."""
    return [load(chunk[at : at + size]) for at in range(0, len(chunk), size)]


def row_bytes(
    save: Callable[..., bytes | bytearray], rows: Sequence[Any], count: int, width: int
) -> bytes:
    """The rows one after the other; ValueError unless there are ``count``."""
    if len(rows) != count:
        raise ValueError("wrong length")
    return b"".join([save(row, width) for row in rows])


def sized(values: T, count: int, member: str) -> T:
    """``values``, if there are ``count`` of them."""
    if type(values) is list and len(values) == count:  # type: ignore[arg-type]
        return values
    found = (
        len(values)
        if isinstance(values, (array, bytearray, list, tuple, bytes))
        else -1
    )
    if found != count:
        raise BadValue(f"{_amount(values)}, not {count} elements", None, member)
    return values


def _amount(values: object) -> str:
    if isinstance(values, (array, bytearray, list, tuple, bytes)):
        return f"{len(values)} elements"
    return f"{type(values).__name__}"
