"""The integer types of the wire and of C memory: their names, widths and signs.

One table for every stage.  All integers on the wire are big-endian; ``bool`` is one byte
(``get_bool``, ``migration/vmstate-types.c``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

IntType = Literal[
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"
]

WIDTHS: Mapping[IntType, int] = {
    "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2,
    "int32": 4, "uint32": 4, "int64": 8, "uint64": 8,
}  # fmt: skip
"""Bytes of each type."""


def signed(kind: IntType) -> bool:
    """Whether the type has negative values."""
    return kind.startswith("int")


def limits(kind: IntType) -> tuple[int, int]:
    """The smallest and the largest value of the type; 0 and 1 for ``bool``."""
    if kind == "bool":
        return 0, 1
    bits = 8 * WIDTHS[kind]
    if signed(kind):
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1


def named(bytes_: int, is_signed: bool) -> IntType:
    """The type of that many bytes and that sign; 1, 2, 4 and 8 bytes there are."""
    for kind, width in WIDTHS.items():
        if width == bytes_ and signed(kind) is is_signed and kind != "bool":
            return kind
    raise ValueError(f"no integer type has {bytes_} bytes")
