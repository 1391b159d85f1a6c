"""What a layout is made of: what it asks for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from vmgen.cfront.ctype import CType
from vmgen.cfront.syntax import (
    EnumDecl,
    FunctionDecl,
    MemberDecl,
    ObjectDecl,
    RecordDecl,
    TypedefDecl,
    TypeExpr,
)


class Declarations(Protocol):
    """What a layout needs to know of a unit: declarations by name, None if unknown."""

    def object(self, name: str, /) -> ObjectDecl | None:
        """The variable ``name``."""

    def function(self, name: str, /) -> FunctionDecl | None:
        """The function ``name``, its definition if there is one."""

    def typedef(self, name: str, /) -> TypedefDecl | None:
        """The typedef ``name``."""

    def record(
        self, kind: Literal["struct", "union"], tag: str, /
    ) -> RecordDecl | None:
        """The body of ``struct tag`` or ``union tag``."""

    def enum(self, tag: str, /) -> EnumDecl | None:
        """The body of ``enum tag``."""

    def enumerator(self, name: str, /) -> EnumDecl | None:
        """The enum that declares the constant ``name``."""


@dataclass(frozen=True, slots=True)
class MemberLayout:
    """Where a member is.

    ``offset`` is in bytes from the record's start.  For a bitfield, ``offset`` is the
    byte its first bit is in, ``bit_offset`` that bit's number in the byte (0 is the
    least significant) and ``bits`` its width; both are None otherwise.  ``name`` is
    empty for an anonymous record; unnamed bitfields are padding and no members.
    """

    name: str
    type: CType
    written: TypeExpr
    offset: int
    bit_offset: int | None
    bits: int | None
    decl: MemberDecl


@dataclass(frozen=True, slots=True)
class RecordLayout:
    """Size and alignment in bytes, and the members in the order they are declared."""

    size: int
    align: int
    members: tuple[MemberLayout, ...]


@dataclass(frozen=True, slots=True)
class PlaceStep:
    """One member of a designator.

    ``written`` is the type it is declared with, ``dims`` the lengths of its array
    dimensions (0 for a flexible one, typedefs of arrays included), ``index`` the
    subscripts after it; ``pointer`` says that what is left after them is a pointer.
    """

    name: str
    written: TypeExpr
    dims: tuple[int, ...]
    index: tuple[int, ...]
    pointer: bool


@dataclass(frozen=True, slots=True)
class Place:
    """What a designator (``env.pmp_state.pmp[3]``) leads to: bytes from the start of
    the type it applies to, the type there, and the members on the way.  Anonymous
    records are looked through and leave no step."""

    offset: int
    type: CType
    steps: tuple[PlaceStep, ...]
