"""Types of C expressions (C11 6.5, with GNU C's statement expressions and ``typeof``)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vmgen.cfront import syntax
from vmgen.cfront.arithmetic import (
    BASIC_TYPES,
    CHAR,
    DOUBLE,
    INT,
    LONG,
    UNSIGNED_LONG,
    VOID,
    VOID_POINTER,
    common,
    decayed,
    integer_of,
    promote,
    wrap,
)
from vmgen.cfront.builtins import BUILTINS
from vmgen.cfront.ctype import Array, CType, Float, Function, Pointer, Record
from vmgen.cfront.syntax import Expr
from vmgen.cfront.words import type_words
from vmgen.source import Diagnostic, Position, VmgenError

if TYPE_CHECKING:
    from vmgen.cfront.layout.engine import Layout

#: The operators whose value is 0 or 1.
TRUTHS = frozenset(("==", "!=", "<", "<=", ">", ">=", "&&", "||"))


@dataclass(frozen=True, slots=True)
class Value:
    """A constant.

    ``number`` is an integer (of an integer, enum or pointer type) or a float.  A
    pointer into an object has the object's name in ``base`` and ``number`` is the
    distance in bytes from its start.
    """

    type: CType
    number: int | float
    base: str = ""


@dataclass(slots=True)
class Scope:
    """Local names: their types, and their values where they have constant ones."""

    types: Mapping[str, CType]
    values: dict[str, Value] = field(default_factory=dict)

    def inner(self) -> Scope:
        """A scope inside this one, to which names can be added."""
        return Scope(dict(self.types), dict(self.values))

    def declare(self, name: str, type: CType) -> None:
        """Add ``name`` (to a scope that :meth:`inner` made)."""
        self.types = {**self.types, name: type}
        self.values.pop(name, None)


def error(code: str, message: str, position: Position, hint: str = "") -> VmgenError:
    """One error diagnostic, ready to raise."""
    return VmgenError(Diagnostic(code, message, position, hint=hint))


class ExpressionTypes(ABC):
    """Types expressions with the types and declarations of a layout."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    @abstractmethod
    def integer(self, expr: Expr, scope: Scope) -> int:
        """The value of an integer constant expression."""

    @abstractmethod
    def value(self, expr: Expr, scope: Scope) -> Value:
        """The value of a constant expression."""

    def type_of(self, expr: Expr, scope: Scope) -> CType:
        """The type of ``expr``; arrays and functions are not decayed."""
        layout = self._layout
        match expr:
            case syntax.IntegerLiteral(_, type):
                return BASIC_TYPES[type]
            case syntax.FloatLiteral():
                return DOUBLE
            case syntax.StringLiteral(text):
                return Array(CHAR, len(text) + 1)
            case syntax.Name(name, position):
                return self._type_of_name(name, scope, position)
            case syntax.Unary(op, operand):
                return self._type_of_unary(op, operand, scope)
            case syntax.Binary():
                return self._type_of_binary(expr, scope)
            case syntax.Assign(_, target):
                return self.type_of(target, scope)
            case syntax.Conditional(condition, then, otherwise):
                first = condition if then is None else then
                return self._type_of_choice(first, otherwise, scope)
            case syntax.Comma(items):
                return decayed(self.type_of(items[-1], scope))
            case syntax.Call(function, arguments, position):
                return self._type_of_call(function, arguments, scope, position)
            case syntax.Member(object, name, arrow, position):
                record = self.record_of(object, arrow, scope, position)
                member = layout.member(record, name)
                if member is None:
                    raise layout.no_member(record, name, position)
                return member.type
            case syntax.Index(array, index, position):
                base = decayed(self.type_of(array, scope))
                if not isinstance(base, Pointer):
                    base = decayed(self.type_of(index, scope))  # 3[array]
                if not isinstance(base, Pointer):
                    raise error("VG305", "the subscripted value is no array", position)
                return base.target
            case syntax.Cast(type):
                return layout.resolve_in(type, scope)
            case syntax.SizeOf() | syntax.AlignOf() | syntax.OffsetOf():
                return UNSIGNED_LONG
            case syntax.TypesCompatible():
                return INT
            case syntax.CompoundLiteral(type, initializer):
                return self.sized(layout.resolve_in(type, scope), initializer, scope)
            case syntax.StatementExpr(body):
                return self._type_of_block(body, scope)

    def _type_of_name(self, name: str, scope: Scope, position: Position) -> CType:
        if name in scope.types:
            return scope.types[name]
        constant = self._layout.enumerator(name)
        if constant is not None:
            value, tag = constant
            # C says int; GNU C gives what does not fit the enum's own type.
            return INT if wrap(value, INT) == value else self._layout.enum(tag)
        variable = self._layout.unit.object(name)
        if variable is not None:
            return self.sized(
                self._layout.resolve(variable.type), variable.initializer, Scope({})
            )
        function = self._layout.unit.function(name)
        if function is not None:
            return self._layout.resolve(function.type)
        if name in ("__func__", "__FUNCTION__", "__PRETTY_FUNCTION__"):
            return Array(CHAR, None)
        raise error("VG308", f"'{name}' is not declared", position)

    def sized(
        self, type: CType, initializer: Expr | syntax.InitList | None, scope: Scope
    ) -> CType:
        """An array of open length with the length its initialiser gives it."""
        if not (isinstance(type, Array) and type.length is None) or initializer is None:
            return type
        if isinstance(initializer, syntax.StringLiteral):
            return Array(type.element, len(initializer.value) + 1)
        if not isinstance(initializer, syntax.InitList):
            return type
        length = following = 0
        for item in initializer.items:
            if item.designators:
                first = item.designators[0]
                if isinstance(first, str):
                    raise error(
                        "VG305", f"'.{first}' in an array", initializer.position
                    )
                last = first.high if isinstance(first, syntax.Range) else first
                following = self.integer(last, scope)
            elif isinstance(type.element, Array) and not isinstance(
                item.value, syntax.InitList
            ):
                raise error(
                    "VG309",
                    "the length of an array of arrays without inner braces is not worked out",
                    initializer.position,
                    "write the inner braces",
                )
            following += 1
            length = max(length, following)
        return Array(type.element, length)

    def record_of(
        self, object: Expr, arrow: bool, scope: Scope, position: Position
    ) -> Record:
        """The record that ``object.name`` or ``object->name`` looks into."""
        type = self.type_of(object, scope)
        if arrow:
            pointer = decayed(type)
            if not isinstance(pointer, Pointer):
                raise error("VG305", f"'->' on '{type_words(type)}'", position)
            type = pointer.target
        if not isinstance(type, Record):
            raise error("VG305", f"'{type_words(type)}' has no members", position)
        return type

    def _type_of_unary(self, op: str, operand: Expr, scope: Scope) -> CType:
        type = self.type_of(operand, scope)
        match op:
            case "!":
                return INT
            case "&":
                return Pointer(type)
            case "*":
                pointer = decayed(type)
                if not isinstance(pointer, Pointer):
                    raise error(
                        "VG305", f"'*' on '{type_words(type)}'", operand.position
                    )
                return pointer.target
            case "+" | "-" | "~":
                return self._promoted(operand, type, scope)
            case _:
                return type

    def _promoted(self, operand: Expr, type: CType, scope: Scope) -> CType:
        integer = integer_of(type)
        if integer is None:
            return type
        return promote(integer, self.bits(operand, scope))

    def bits(self, operand: Expr, scope: Scope) -> int | None:
        """The width of a bitfield, None for anything else."""
        if not isinstance(operand, syntax.Member):
            return None
        record = self.record_of(operand.object, operand.arrow, scope, operand.position)
        member = self._layout.member(record, operand.name)
        return None if member is None else member.bits

    def _type_of_binary(self, expr: syntax.Binary, scope: Scope) -> CType:
        if expr.op in TRUTHS:
            return INT
        left = decayed(self.type_of(expr.left, scope))
        right = decayed(self.type_of(expr.right, scope))
        if isinstance(left, Pointer):
            return LONG if isinstance(right, Pointer) else left
        if isinstance(right, Pointer):
            return right
        left = self._promoted(expr.left, left, scope)
        if expr.op in ("<<", ">>"):
            return left
        return self.common(
            left, self._promoted(expr.right, right, scope), expr.position
        )

    def common(self, left: CType, right: CType, position: Position) -> CType:
        """The usual arithmetic conversions, floating types included."""
        if isinstance(left, Float) or isinstance(right, Float):
            floats = [type for type in (left, right) if isinstance(type, Float)]
            return max(floats, key=lambda type: type.size)
        a, b = integer_of(left), integer_of(right)
        if a is None or b is None:
            raise error(
                "VG305",
                f"no arithmetic on '{type_words(left)}' and '{type_words(right)}'",
                position,
            )
        return common(a, b)

    def _type_of_choice(self, then: Expr, otherwise: Expr, scope: Scope) -> CType:
        left = decayed(self.type_of(then, scope))
        right = decayed(self.type_of(otherwise, scope))
        if isinstance(left, Pointer) or isinstance(right, Pointer):
            if isinstance(right, Pointer) and self._is_null(then, left, scope):
                return right
            if isinstance(left, Pointer) and self._is_null(otherwise, right, scope):
                return left
            return VOID_POINTER if VOID_POINTER in (left, right) else left
        if integer_of(left) is None and not isinstance(left, Float):
            return left
        return self.common(
            self._promoted(then, left, scope),
            self._promoted(otherwise, right, scope),
            then.position,
        )

    def _is_null(self, expr: Expr, type: CType, scope: Scope) -> bool:
        """True for a null pointer constant (6.3.2.3): 0 or ``(void *)0``."""
        if integer_of(type) is None and type != VOID_POINTER:
            return False
        try:
            value = self.value(expr, scope)
        except VmgenError:
            return False  # no constant at all, so no null pointer constant
        return value.number == 0 and not value.base

    def _type_of_call(
        self,
        function: Expr,
        arguments: tuple[Expr, ...],
        scope: Scope,
        position: Position,
    ) -> CType:
        if isinstance(function, syntax.Name) and function.name not in scope.types:
            name = function.name
            if name == "__builtin_choose_expr" and len(arguments) == 3:
                return self.type_of(self.chosen(arguments, scope), scope)
            if name == "__builtin_expect" and arguments:
                return LONG
            if name in BUILTINS:
                return BUILTINS[name].result
        type = self.type_of(function, scope)
        if isinstance(type, Pointer):
            type = type.target
        if not isinstance(type, Function):
            raise error("VG305", "what is called is no function", position)
        return type.result

    def chosen(self, arguments: tuple[Expr, ...], scope: Scope) -> Expr:
        """The argument that ``__builtin_choose_expr`` stands for."""
        return arguments[1] if self.integer(arguments[0], scope) else arguments[2]

    def _type_of_block(self, body: syntax.Block, scope: Scope) -> CType:
        inner = scope.inner()
        type: CType = VOID
        for item in body.items:
            type = VOID
            if isinstance(item, syntax.LocalDecl):
                inner.declare(item.name, self.local_type(item, inner))
            elif isinstance(item, syntax.ExprStatement):
                type = decayed(self.type_of(item.expression, inner))
        return type

    def local_type(self, local: syntax.LocalDecl, scope: Scope) -> CType:
        """The type of a local variable, from its initialiser where it is open."""
        if isinstance(local.type, syntax.AutoType):
            if local.initializer is None or isinstance(
                local.initializer, syntax.InitList
            ):
                raise error("VG300", "'__auto_type' without a value", local.position)
            return decayed(self.type_of(local.initializer, scope))
        return self.sized(
            self._layout.resolve_in(local.type, scope), local.initializer, scope
        )
