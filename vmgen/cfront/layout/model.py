"""What a layout is made of: what it asks for, and what it answers.

:class:`Types` is what expressions and initialisers need of a layout, and the layout of
them: array lengths are constants, constants have sizes of types in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, TypeAlias

from vmgen.cfront.ctype import CType, Enum, Record
from vmgen.cfront.syntax import (
    CompoundLiteral,
    EnumDecl,
    Expr,
    FunctionDecl,
    FunctionType,
    InitList,
    MemberDecl,
    ObjectDecl,
    RecordDecl,
    StringLiteral,
    TypedefDecl,
    TypeExpr,
)
from vmgen.source import NOWHERE, Diagnostic, Position, VmgenError

#: What has a name and a definition.
DefinitionKind: TypeAlias = Literal[
    "typedef", "struct", "union", "enum", "object", "initialiser", "value"
]


class Declarations(Protocol):
    """What a layout needs to know of a unit: declarations by name, None if unknown."""

    def object(self, name: str, /) -> ObjectDecl | None:
        """The variable ``name``."""

    def function(self, name: str, /) -> FunctionDecl | None:
        """The function ``name``, its definition if there is one."""

    def function_type(self, name: str, /) -> FunctionType | None:
        """The type of the function ``name``, even if its body cannot be read."""

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

    def declares(self, name: str, /) -> bool:
        """Whether the file declares something of this name."""

    def alike(self, name: str, /) -> str:
        """The object or function whose name is most like this one; empty for none."""


@dataclass(frozen=True, slots=True)
class MemberLayout:
    """Where a member is.

    ``name`` is empty for an anonymous record; unnamed bitfields are padding and no
    members.  ``bits`` is the width of a bitfield and ``bit_offset`` the number of its
    first bit in the byte at ``offset`` (0 is the least significant); both are None for
    other members.  ``align`` is the alignment of the member's place in bytes.

    What cannot be worked out, for this member or for one before it, is the error that
    :attr:`type` and :attr:`offset` raise.
    """

    name: str
    written: TypeExpr
    resolved: CType | VmgenError
    start: int | VmgenError
    bit_offset: int | None
    bits: int | None
    align: int
    decl: MemberDecl

    @property
    def type(self) -> CType:
        """The member's type."""
        if isinstance(self.resolved, VmgenError):
            raise VmgenError(*self.resolved.diagnostics)
        return self.resolved

    @property
    def offset(self) -> int:
        """Bytes from the record's start; for a bitfield, of the byte that has its first
        bit."""
        if isinstance(self.start, VmgenError):
            raise VmgenError(*self.start.diagnostics)
        return self.start


@dataclass(frozen=True, slots=True)
class RecordLayout:
    """The members in the order they are declared; size and alignment raise the error of
    a member that has none."""

    extent: tuple[int, int] | VmgenError
    members: tuple[MemberLayout, ...]

    @property
    def size(self) -> int:
        """Size in bytes."""
        if isinstance(self.extent, VmgenError):
            raise VmgenError(*self.extent.diagnostics)
        return self.extent[0]

    @property
    def align(self) -> int:
        """Alignment in bytes."""
        if isinstance(self.extent, VmgenError):
            raise VmgenError(*self.extent.diagnostics)
        return self.extent[1]


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
    records are looked through and leave no step.  :attr:`offset` raises the error of a
    member that has no place."""

    start: int | VmgenError
    type: CType
    steps: tuple[PlaceStep, ...]

    @property
    def offset(self) -> int:
        """Bytes from the start of the type that the designator applies to."""
        if isinstance(self.start, VmgenError):
            raise VmgenError(*self.start.diagnostics)
        return self.start


def added(start: int | VmgenError, further: int | VmgenError) -> int | VmgenError:
    """The sum of two distances, or the error of one that is not known."""
    if isinstance(start, VmgenError):
        return start
    return further if isinstance(further, VmgenError) else start + further


#: What an address is in: an object or function by its name, or a literal.
Base: TypeAlias = str | StringLiteral | CompoundLiteral


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant.

    ``number`` is an integer (of an integer, enum or pointer type) or a float.  A
    pointer into an object has the object in ``base`` and ``number`` is the distance in
    bytes from its start.
    """

    type: CType
    number: int | float
    base: Base | None = None


@dataclass(slots=True)
class Scope:
    """Local names: their types, and their values where they have constant ones.

    ``reading`` are the objects whose initialisers are being evaluated; None where an
    object's value is no constant.  GCC reads ``static const`` objects in initialisers
    of static objects, so there it is not None.
    """

    types: Mapping[str, CType] = field(default_factory=dict)
    values: dict[str, Constant] = field(default_factory=dict)
    reading: frozenset[str] | None = None

    def inner(self) -> Scope:
        """A scope inside this one, to which names can be added."""
        return Scope(dict(self.types), dict(self.values), self.reading)

    def declare(self, name: str, type: CType) -> None:
        """Add ``name`` (to a scope that :meth:`inner` made)."""
        self.types = {**self.types, name: type}
        self.values.pop(name, None)


#: Outside of functions, where no object is read.
FILE_SCOPE = Scope()
#: The initialiser of a static object.
STATIC_INITIALIZER = Scope(reading=frozenset())


class Types(Protocol):
    """The types and constants of one unit, see :class:`vmgen.cfront.layout.Layout`."""

    @property
    def unit(self) -> Declarations:
        """The declarations that this is about."""

    def resolve(self, type: TypeExpr, scope: Scope = ..., /) -> CType:
        """The type with typedefs and ``typeof`` followed."""

    def sizeof(self, type: CType, /) -> int:
        """Size in bytes."""

    def alignof_written(self, type: TypeExpr | Expr, scope: Scope = ..., /) -> int:
        """Alignment of a type as written, or of an expression, in bytes."""

    def record(self, record: Record, /) -> RecordLayout:
        """Size, alignment and members."""

    def members(self, record: Record, /) -> Mapping[str, MemberLayout]:
        """The named members, anonymous records looked through, by name."""

    def member(self, record: Record, name: str, /) -> MemberLayout | None:
        """The member ``name``, anonymous records looked through."""

    def no_member(self, record: Record, name: str, at: Position, /) -> VmgenError:
        """The error for a member that does not exist."""

    def place(
        self, type: CType, designator: tuple[str | Expr, ...], scope: Scope = ..., /
    ) -> Place:
        """Where ``designator`` leads to."""

    def type_of_object(self, declared: ObjectDecl, /) -> CType:
        """The type of an object, complete as far as it is known where it is used."""

    def enum(self, tag: str, /) -> Enum:
        """The enum with its integer type."""

    def enumerator(self, name: str, /) -> Constant | None:
        """An enum's constant."""

    def defining(
        self, kind: DefinitionKind, name: str, where: Position, /
    ) -> AbstractContextManager[None]:
        """Work out what a name is defined as, which nothing in its definition may need."""

    def same_type(self, a: CType, b: CType, /) -> bool:
        """C's compatible types."""

    def type_of(self, expr: Expr, scope: Scope = ..., /) -> CType:
        """The type of an expression."""

    def value(self, expr: Expr, scope: Scope = ..., /) -> Constant:
        """The value of a constant expression."""

    def constant(self, expr: Expr, scope: Scope = ..., /) -> int:
        """The value of an integer constant expression."""

    def sized(
        self, type: CType, init: Expr | InitList | None, scope: Scope, /
    ) -> CType:
        """An array of open length with the length its initialiser gives it."""

    def read(
        self, base: Base, offset: int, type: CType, position: Position, /
    ) -> Expr | None:
        """The scalar of ``type`` that an initialiser puts ``offset`` bytes into
        ``base``; None for zero."""


def error(
    code: str, message: str, position: Position = NOWHERE, hint: str = ""
) -> VmgenError:
    """One error diagnostic, ready to raise."""
    return VmgenError(Diagnostic(code, message, position, hint=hint))


def placed(failure: VmgenError, position: Position, *context: str) -> VmgenError:
    """The error, with a position where it has none and inside ``context``."""
    return VmgenError(
        *(
            replace(
                found,
                position=found.position if found.position.file else position,
                context=(*context, *found.context),
            )
            for found in failure.diagnostics
        )
    )
