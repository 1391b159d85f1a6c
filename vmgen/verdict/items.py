"""What a description puts on the wire: numbers, padding, objects, code, conditions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from vmgen import ir
from vmgen.lookup import Placed
from vmgen.source import Position
from vmgen.verdict import conditions
from vmgen.verdict.model import Term

Role = Literal["save", "load"]


@dataclass(frozen=True, slots=True)
class Number:
    """How many: ``fixed``, or ``multiply`` times the member at ``path`` (from the
    description's object); ``bits`` says that 64 of them make one word.  Of one that C
    computes, ``path`` is the text of the expression."""

    fixed: int = 0
    path: str = ""
    multiply: int = 1
    bits: bool = False
    computed: ir.Expr | None = None

    @property
    def known(self) -> bool:
        """Whether it is a number."""
        return not self.path

    def expression(self, path: str | None = None) -> ir.Expr:
        """The number as an expression; ``path`` is the member's from the section's
        object."""
        if self.known:
            return ir.Const(self.fixed)
        if self.computed is not None:
            prefix = "" if path is None else path.removesuffix(self.path)
            return self._times(_below(prefix, self.computed))
        return self._times(ir.Load(self.path if path is None else path, "int64"))

    def _times(self, value: ir.Expr) -> ir.Expr:
        if self.multiply == 1:
            return value
        return ir.Binary("*", ir.Const(self.multiply), value)

    def term(self, path: str, width: int = 1) -> Term:
        """What an array of so many elements of ``width`` bytes adds to an offset."""
        return Term("count", path, self.multiply * width)


def _below(prefix: str, expr: ir.Expr) -> ir.Expr:
    """The expression with its members from the section's object."""

    def member(one: ir.Expr) -> ir.Expr:
        if isinstance(one, ir.Load):
            return replace(one, path=conditions.joined(prefix, one.path))
        return one

    return ir.rebuilt(expr, member)


@dataclass(frozen=True, slots=True)
class FieldOrigin:
    """The field an item comes from."""

    placed: Placed
    field: ir.Field

    @property
    def position(self) -> Position:
        """Where the field is in C."""
        return self.field.position


@dataclass(frozen=True, slots=True)
class Values:
    """Units of ``width`` bytes.

    ``base`` is the C path below the object without the last member's subscripts,
    ``index`` the flat index of the first unit in it, -1 for a member that is no array.
    ``name`` is the field's wire name.  ``kind`` is the integer type, or ``byte``,
    ``timer``, ``word`` of a bitmap.
    """

    origin: FieldOrigin
    width: int
    kind: str
    count: Number
    base: str
    index: int
    name: str
    check: str = ""


@dataclass(frozen=True, slots=True)
class Unused:
    """Padding: zeros from the source, skipped by the target."""

    origin: FieldOrigin
    count: Number


@dataclass(frozen=True, slots=True)
class Nested:
    """Objects of another description, one after the other.

    ``version`` is what this side takes them for.  ``pointers`` says that a NULL stands
    as a marker.
    """

    origin: FieldOrigin
    placed: Placed
    version: int
    count: Number
    path: str
    name: str
    index: int
    pointers: ir.Pointers = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Items under a condition, as translated from C."""

    origin: FieldOrigin
    condition: ir.Expr
    version: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class ObjectList:
    """A list or tree of objects.  ``key`` is the description of a tree's key, None for a
    direct key or where there is none."""

    origin: FieldOrigin
    kind: Literal["list", "sentinel", "tree"]
    key: Placed | None
    value: Placed
    key_version: int
    value_version: int
    path: str


@dataclass(frozen=True, slots=True)
class Custom:
    """Bytes that only C code knows; ``moves`` is what its ``get`` and ``put`` move.
    ``unread`` says why it is all of a description that was not read."""

    origin: FieldOrigin
    info: str
    count: Number
    moves: tuple[str, str] = ("", "")
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Validation:
    """``VMSTATE_VALIDATE``: no bytes, but the condition must hold after loading."""

    origin: FieldOrigin
    condition: ir.Expr
    version: int


@dataclass(frozen=True, slots=True)
class Refuses:
    """An error that ``hook`` returns before or after the object is loaded: no bytes, but
    its condition must not hold."""

    placed: Placed
    hook: ir.Hook
    refusal: ir.Refusal
    version: int

    @property
    def accepted(self) -> ir.Expr:
        """What must hold; C without a translation stands by the function's name and the
        mark of its condition, or by the function's name alone."""
        condition = self.refusal.condition
        if condition is None:
            mark = self.refusal.mark
            condition = ir.Ask(self.hook.symbol + (f"#{mark}" if mark else "()"))
        return ir.Unary("!", condition)


@dataclass(frozen=True, slots=True)
class Subsections:
    """The place after an object's fields where its subsections come."""

    layout: WireLayout


Item: TypeAlias = (
    Values
    | Unused
    | Nested
    | Group
    | ObjectList
    | Custom
    | Validation
    | Refuses
    | Subsections
)


@dataclass(frozen=True, slots=True)
class WireLayout:
    """A description at one version; ``refused`` says that this version is outside of its
    own window, so that loading fails before the first byte."""

    placed: Placed
    version: int
    items: tuple[Item, ...]
    subsections: tuple[Placed, ...]
    refused: bool = False
