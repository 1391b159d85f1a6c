"""The C that later stages see: frozen nodes with resolved positions, no parser in sight.

``cfront.parse`` turns pycparser's tree into these; ``cfront.layout``, ``extract`` and
``translate`` read them.  Qualifiers and storage classes that do not change a layout or
a meaning are gone; attributes that do (``packed``, ``aligned``) are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from vmgen.source import NOWHERE, Position

# --- types as written ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamedType:
    """A typedef name (``uint64_t``, ``RISCVCPU``)."""

    name: str


@dataclass(frozen=True, slots=True)
class BasicType:
    """A basic type in canonical spelling.

    One of ``void``, ``_Bool``, ``char``, ``signed char``, ``unsigned char``, ``short``,
    ``unsigned short``, ``int``, ``unsigned int``, ``long``, ``unsigned long``,
    ``long long``, ``unsigned long long``, ``__int128``, ``unsigned __int128``,
    ``_Float16``, ``float``, ``double``, ``long double``, the last three also with
    `` _Complex`` behind them.
    """

    name: str


@dataclass(frozen=True, slots=True)
class RecordType:
    """A mention of ``struct tag`` or ``union tag``; anonymous ones have a made-up tag
    that starts with ``<``, unique in the unit."""

    kind: Literal["struct", "union"]
    tag: str


@dataclass(frozen=True, slots=True)
class EnumType:
    """A mention of ``enum tag``; anonymous ones have a made-up tag starting with ``<``."""

    tag: str


@dataclass(frozen=True, slots=True)
class PointerType:
    """A pointer to ``target``."""

    target: TypeExpr


@dataclass(frozen=True, slots=True)
class ArrayType:
    """An array; ``length`` is None where none is written (flexible or by initialiser)."""

    element: TypeExpr
    length: Expr | None


@dataclass(frozen=True, slots=True)
class FunctionType:
    """A function type."""

    result: TypeExpr
    parameters: tuple[Parameter, ...]
    variadic: bool = False


@dataclass(frozen=True, slots=True)
class TypeOf:
    """GNU ``typeof``: of an expression or of a type."""

    operand: Expr | TypeExpr


@dataclass(frozen=True, slots=True)
class AutoType:
    """GNU ``__auto_type``: the type of the initialiser."""


@dataclass(frozen=True, slots=True)
class AtomicType:
    """``_Atomic``: GCC aligns one of 1, 2, 4, 8 or 16 bytes to its size."""

    value: TypeExpr


@dataclass(frozen=True, slots=True)
class UnreadableType:
    """The type of a member that is written in a way that is not read; ``message`` says
    what that is."""

    message: str


TypeExpr: TypeAlias = (
    NamedType
    | BasicType
    | RecordType
    | EnumType
    | PointerType
    | ArrayType
    | FunctionType
    | TypeOf
    | AutoType
    | AtomicType
    | UnreadableType
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A function's parameter; ``name`` is empty where none is written."""

    name: str
    type: TypeExpr


@dataclass(frozen=True, slots=True)
class MemberDecl:
    """A member of a record.

    ``name`` is empty for an anonymous record or an unnamed bitfield.  ``bits`` is the
    width of a bitfield, ``aligned`` the ``aligned(N)`` attribute on the member or on
    its typedef use (bytes), ``packed`` the ``packed`` attribute on the member.
    """

    name: str
    type: TypeExpr
    bits: Expr | None = None
    aligned: Expr | None = None
    packed: bool = False
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class RecordDecl:
    """A struct or union with its body.

    ``limit`` is the largest alignment of a member in bytes that ``#pragma pack`` allows,
    0 for no limit.
    """

    kind: Literal["struct", "union"]
    tag: str
    members: tuple[MemberDecl, ...]
    packed: bool = False
    aligned: Expr | None = None
    position: Position = NOWHERE
    limit: int = 0


@dataclass(frozen=True, slots=True)
class EnumeratorDecl:
    """One name of an enum; ``value`` is None where it is the previous plus one."""

    name: str
    value: Expr | None


@dataclass(frozen=True, slots=True)
class EnumDecl:
    """An enum with its body; ``base`` is its underlying type if one is written (C23)."""

    tag: str
    enumerators: tuple[EnumeratorDecl, ...]
    packed: bool = False
    position: Position = NOWHERE
    base: TypeExpr | None = None


# --- expressions --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IntegerLiteral:
    """An integer or character constant; ``type`` is its C type (``int``,
    ``unsigned long``, ...)."""

    value: int
    type: str = "int"
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class FloatLiteral:
    """A floating constant and its C type."""

    value: float
    type: str = "double"
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class StringLiteral:
    """A string, adjacent literals joined, escapes resolved, latin-1 for raw bytes."""

    value: str
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier in an expression."""

    name: str
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class UnaryOperation:
    """``op`` is one of ``+ - ~ ! * & ++ -- p++ p--`` (``p`` marks postfix)."""

    op: str
    operand: Expr
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class BinaryOperation:
    """Arithmetic, comparison, shift, bit or logical operator, C spelling."""

    op: str
    left: Expr
    right: Expr
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Assign:
    """``target op value`` with ``op`` one of ``= += -= *= /= %= &= |= ^= <<= >>=``."""

    op: str
    target: Expr
    value: Expr
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Conditional:
    """``condition ? then : otherwise``; GNU ``a ?: b`` has ``then`` None."""

    condition: Expr
    then: Expr | None
    otherwise: Expr
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Comma:
    """Comma expression, two or more items."""

    items: tuple[Expr, ...]
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Call:
    """A function call."""

    function: Expr
    arguments: tuple[Expr, ...]
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Generic:
    """``_Generic``: what the type of ``control`` chooses; the type of a choice is None
    for ``default``."""

    control: Expr
    choices: tuple[tuple[TypeExpr | None, Expr], ...]
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Member:
    """``object.name`` or ``object->name``."""

    object: Expr
    name: str
    arrow: bool
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Index:
    """``array[index]``."""

    array: Expr
    index: Expr
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Cast:
    """``(type)operand``."""

    type: TypeExpr
    operand: Expr
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class SizeOf:
    """``sizeof`` of a type or of an expression."""

    operand: Expr | TypeExpr
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class AlignOf:
    """``_Alignof``/``__alignof__`` of a type."""

    operand: Expr | TypeExpr
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class OffsetOf:
    """``offsetof(type, designator)``: member names and subscripts, outermost first."""

    type: TypeExpr
    designator: tuple[str | Expr, ...]
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class TypesCompatible:
    """``__builtin_types_compatible_p(left, right)``."""

    left: TypeExpr
    right: TypeExpr
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class CompoundLiteral:
    """``(type){...}``."""

    type: TypeExpr
    initializer: InitList
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class StatementExpr:
    """GNU ``({ ... })``: the value is that of the last expression statement."""

    body: Block
    position: Position = NOWHERE


Expr: TypeAlias = (
    IntegerLiteral
    | FloatLiteral
    | StringLiteral
    | Name
    | UnaryOperation
    | BinaryOperation
    | Assign
    | Conditional
    | Comma
    | Call
    | Generic
    | Member
    | Index
    | Cast
    | SizeOf
    | AlignOf
    | OffsetOf
    | TypesCompatible
    | CompoundLiteral
    | StatementExpr
)


@dataclass(frozen=True, slots=True)
class Range:
    """GNU ``low ... high``, both included: the label of a :class:`Case` or a subscript
    designator of an :class:`InitItem`, never an expression."""

    low: Expr
    high: Expr
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class InitItem:
    """One element of a braced initialiser; designators are member names (str) or
    subscripts (expressions and ranges), empty where the position decides."""

    designators: tuple[str | Expr | Range, ...]
    value: Expr | InitList


@dataclass(frozen=True, slots=True)
class InitList:
    """A braced initialiser.  ``position`` is that of its first positioned leaf: the
    line in the table where a ``VMSTATE_*`` macro stands."""

    items: tuple[InitItem, ...]
    position: Position = NOWHERE


# --- statements ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LocalDecl:
    """A local variable."""

    name: str
    type: TypeExpr
    initializer: Expr | InitList | None
    static: bool = False
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class ExprStatement:
    """An expression for its effect."""

    expression: Expr
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Block:
    """``{ ... }``."""

    items: tuple[Statement, ...]
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class If:
    """``if`` with an optional ``else``."""

    condition: Expr
    then: Statement
    otherwise: Statement | None
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class For:
    """``for``; ``start`` is a tuple of declarations or one expression statement."""

    start: tuple[LocalDecl | ExprStatement, ...]
    condition: Expr | None
    step: Expr | None
    body: Statement
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class While:
    """``while``, or ``do ... while`` when ``after`` is set."""

    condition: Expr
    body: Statement
    after: bool = False
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Switch:
    """``switch``; the body holds :class:`Case` labels."""

    value: Expr
    body: Statement
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Case:
    """``case value:`` (or ``default:`` when None) with the statements that follow it up
    to the next label."""

    value: Expr | Range | None
    body: tuple[Statement, ...]
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Return:
    """``return``."""

    value: Expr | None
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Jump:
    """``break``, ``continue`` or ``goto label``."""

    kind: Literal["break", "continue", "goto"]
    label: str = ""
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Label:
    """``name: statement``."""

    name: str
    statement: Statement
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Empty:
    """``;`` and what has no meaning here (inline assembly, static assertions)."""

    position: Position = NOWHERE


Statement: TypeAlias = (
    LocalDecl
    | ExprStatement
    | Block
    | If
    | For
    | While
    | Switch
    | Case
    | Return
    | Jump
    | Label
    | Empty
)

# --- file scope ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ObjectDecl:
    """A variable at file scope (or a function's ``static`` local, see
    ``Unit.objects``); ``initializer`` is None for a mere declaration, ``constexpr`` is
    C23's."""

    name: str
    type: TypeExpr
    initializer: Expr | InitList | None
    static: bool
    position: Position
    constexpr: bool = False


@dataclass(frozen=True, slots=True)
class FunctionDecl:
    """A function; ``body`` is None for a prototype."""

    name: str
    type: FunctionType
    body: Block | None
    static: bool
    position: Position


@dataclass(frozen=True, slots=True)
class TypedefDecl:
    """A typedef; ``aligned`` is an ``aligned(N)`` attribute on it, in bytes."""

    name: str
    type: TypeExpr
    aligned: Expr | None = None
    position: Position = NOWHERE
