"""Resolved C types: typedefs and ``typeof`` followed, sizes of the x86-64 SysV ABI.

Records are nominal, so that recursive types need no cycles: ask ``Layout.record`` for
members and sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Void:
    """``void``."""


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer type: canonical C name without typedefs, bytes, signedness.

    ``_Bool`` is ``Integer("_Bool", 1, False)``.  An enum resolves to :class:`Enum`.
    ``char`` and ``signed char`` are distinct types of one layout, as in C.
    """

    name: str
    size: int
    signed: bool


@dataclass(frozen=True, slots=True)
class Float:
    """A real or complex floating type; size in bytes, alignment where it is another."""

    name: str
    size: int
    align: int = 0


@dataclass(frozen=True, slots=True)
class Enum:
    """An enum; ``base`` is the compatible integer type GCC chooses for it."""

    tag: str
    base: Integer


@dataclass(frozen=True, slots=True)
class Record:
    """A struct or union by its tag (unique in the unit)."""

    kind: Literal["struct", "union"]
    tag: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer."""

    target: CType


@dataclass(frozen=True, slots=True)
class Array:
    """An array; ``length`` None for an incomplete or flexible one."""

    element: CType
    length: int | None


@dataclass(frozen=True, slots=True)
class FunctionSignature:
    """A function."""

    result: CType
    parameters: tuple[CType, ...]
    variadic: bool = False


CType: TypeAlias = (
    Void | Integer | Float | Enum | Record | Pointer | Array | FunctionSignature
)
