"""Types of C expressions (C11 6.5, with GNU C's statement expressions and ``typeof``)."""

from __future__ import annotations

from typing import assert_never

from vmgen.cfront import syntax
from vmgen.cfront.arithmetic import (
    BASIC_TYPES,
    CHAR,
    INT,
    LONG,
    UNSIGNED_LONG,
    VOID,
    VOID_POINTER,
    common,
    decayed,
    integer_of,
    promote,
)
from vmgen.cfront.builtins import BUILTINS
from vmgen.cfront.ctype import Array, CType, Float, FunctionSignature, Pointer, Record
from vmgen.cfront.layout.model import Scope, Types, error
from vmgen.cfront.printer import type_words
from vmgen.cfront.syntax import Expr
from vmgen.source import Position, VmgenError

#: The operators that floating values have besides those of :data:`TRUTHS`.
_ARITHMETIC = frozenset("+-*/")
#: The operators whose value is 0 or 1.
TRUTHS = frozenset(("==", "!=", "<", "<=", ">", ">=", "&&", "||"))


def type_of(types: Types, expr: Expr, scope: Scope) -> CType:
    """The type of ``expr``; arrays and functions are not decayed."""
    match expr:
        case syntax.IntegerLiteral(_, type) | syntax.FloatLiteral(_, type):
            return BASIC_TYPES[type]
        case syntax.StringLiteral(text):
            return Array(CHAR, len(text) + 1)
        case syntax.Name(name, position):
            return _type_of_name(types, name, scope, position)
        case syntax.UnaryOperation(op, operand):
            return _type_of_unary(types, op, operand, scope)
        case syntax.BinaryOperation():
            return _type_of_binary(types, expr, scope)
        case syntax.Assign(_, target):
            return type_of(types, target, scope)
        case syntax.Conditional(condition, then, otherwise):
            first = condition if then is None else then
            return _type_of_choice(types, first, otherwise, scope)
        case syntax.Comma(items):
            return decayed(type_of(types, items[-1], scope))
        case syntax.Generic():
            return type_of(types, selected(types, expr, scope), scope)
        case syntax.Call(function, arguments, position):
            return _type_of_call(types, function, arguments, scope, position)
        case syntax.Member(object, name, arrow, position):
            record = record_of(types, object, arrow, scope, position)
            member = types.member(record, name)
            if member is None:
                raise types.no_member(record, name, position)
            return member.type
        case syntax.Index(array, index, position):
            base = decayed(type_of(types, array, scope))
            if not isinstance(base, Pointer):
                base = decayed(type_of(types, index, scope))  # 3[array]
            if not isinstance(base, Pointer):
                raise error("VG305", "the subscripted value is no array", position)
            return base.target
        case syntax.Cast(type):
            return types.resolve(type, scope)
        case syntax.SizeOf() | syntax.AlignOf() | syntax.OffsetOf():
            return UNSIGNED_LONG
        case syntax.TypesCompatible():
            return INT
        case syntax.CompoundLiteral(type, initializer):
            return types.sized(types.resolve(type, scope), initializer, scope)
        case syntax.StatementExpr(body):
            return _type_of_block(types, body, scope)
        case _:
            assert_never(expr)


def _type_of_name(types: Types, name: str, scope: Scope, position: Position) -> CType:
    if name in scope.types:
        return scope.types[name]
    constant = types.enumerator(name)
    if constant is not None:
        return constant.type
    variable = types.unit.object(name)
    if variable is not None:
        return types.type_of_object(variable)
    function = types.unit.function_type(name)
    if function is not None:
        return types.resolve(function)
    if name in ("__func__", "__FUNCTION__", "__PRETTY_FUNCTION__"):
        return Array(CHAR, None)
    close = types.unit.alike(name)
    hint = f"did you mean '{close}'?" if close else ""
    raise error("VG308", f"'{name}' is not declared", position, hint)


def record_of(
    types: Types, object: Expr, arrow: bool, scope: Scope, position: Position
) -> Record:
    """The record that ``object.name`` or ``object->name`` looks into."""
    type = type_of(types, object, scope)
    if arrow:
        pointer = decayed(type)
        if not isinstance(pointer, Pointer):
            raise error("VG305", f"'->' on '{type_words(type)}'", position)
        type = pointer.target
    if not isinstance(type, Record):
        raise error("VG305", f"'{type_words(type)}' has no members", position)
    return type


def _type_of_unary(types: Types, op: str, operand: Expr, scope: Scope) -> CType:
    type = type_of(types, operand, scope)
    match op:
        case "!":
            return INT
        case "&":
            return Pointer(type)
        case "*":
            pointer = decayed(type)
            if not isinstance(pointer, Pointer):
                raise error("VG305", f"'*' on '{type_words(type)}'", operand.position)
            return pointer.target
        case "~" if isinstance(type, Float):
            raise error("VG305", f"'~' on '{type_words(type)}'", operand.position)
        case "+" | "-" | "~":
            return _promoted(types, operand, type, scope)
        case _:
            return type


def _promoted(types: Types, operand: Expr, type: CType, scope: Scope) -> CType:
    integer = integer_of(type)
    if integer is None:
        return type
    return promote(integer, bits(types, operand, scope))


def bits(types: Types, operand: Expr, scope: Scope) -> int | None:
    """The width of a bitfield, None for anything else."""
    if not isinstance(operand, syntax.Member):
        return None
    record = record_of(types, operand.object, operand.arrow, scope, operand.position)
    member = types.member(record, operand.name)
    return None if member is None else member.bits


def _type_of_binary(types: Types, expr: syntax.BinaryOperation, scope: Scope) -> CType:
    if expr.op in TRUTHS:
        return INT
    left = decayed(type_of(types, expr.left, scope))
    right = decayed(type_of(types, expr.right, scope))
    if isinstance(left, Pointer):
        return LONG if isinstance(right, Pointer) else left
    if isinstance(right, Pointer):
        return right
    if expr.op not in _ARITHMETIC and (
        isinstance(left, Float) or isinstance(right, Float)
    ):
        raise error("VG305", f"'{expr.op}' on floating values", expr.position)
    left = _promoted(types, expr.left, left, scope)
    if expr.op in ("<<", ">>"):
        return left
    return common_type(left, _promoted(types, expr.right, right, scope), expr.position)


def common_type(left: CType, right: CType, position: Position) -> CType:
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


def _type_of_choice(types: Types, then: Expr, otherwise: Expr, scope: Scope) -> CType:
    left = decayed(type_of(types, then, scope))
    right = decayed(type_of(types, otherwise, scope))
    if isinstance(left, Pointer) or isinstance(right, Pointer):
        if isinstance(right, Pointer) and _is_null(types, then, left, scope):
            return right
        if isinstance(left, Pointer) and _is_null(types, otherwise, right, scope):
            return left
        return VOID_POINTER if VOID_POINTER in (left, right) else left
    if integer_of(left) is None and not isinstance(left, Float):
        return left
    return common_type(
        _promoted(types, then, left, scope),
        _promoted(types, otherwise, right, scope),
        then.position,
    )


def _is_null(types: Types, expr: Expr, type: CType, scope: Scope) -> bool:
    """True for a null pointer constant (6.3.2.3): 0 or ``(void *)0``."""
    if integer_of(type) is None and type != VOID_POINTER:
        return False
    try:
        value = types.value(expr, Scope(scope.types, scope.values))
    except VmgenError:
        return False  # no constant at all, so no null pointer constant
    return value.number == 0 and value.base is None


def _type_of_call(
    types: Types,
    function: Expr,
    arguments: tuple[Expr, ...],
    scope: Scope,
    position: Position,
) -> CType:
    if isinstance(function, syntax.Name) and function.name not in scope.types:
        name = function.name
        if name == "__builtin_choose_expr" and len(arguments) == 3:
            return type_of(types, chosen(types, arguments, scope), scope)
        if name == "__builtin_expect" and arguments:
            return LONG
        if name in BUILTINS:
            return BUILTINS[name].result
    type = type_of(types, function, scope)
    if isinstance(type, Pointer):
        type = type.target
    if not isinstance(type, FunctionSignature):
        raise error("VG305", "what is called is no function", position)
    return type.result


def chosen(types: Types, arguments: tuple[Expr, ...], scope: Scope) -> Expr:
    """The argument that ``__builtin_choose_expr`` stands for."""
    return arguments[1] if types.constant(arguments[0], scope) else arguments[2]


def selected(types: Types, expr: syntax.Generic, scope: Scope) -> Expr:
    """The expression that ``_Generic`` chooses (C11 6.5.1.1, with the lvalue conversion
    of DR 481)."""
    control = decayed(type_of(types, expr.control, scope))
    default: Expr | None = None
    for type, chosen_one in expr.choices:
        if type is None:
            default = chosen_one
        elif types.same_type(types.resolve(type, scope), control):
            return chosen_one
    if default is None:
        raise error(
            "VG305",
            f"_Generic has no choice for '{type_words(control)}'",
            expr.position,
        )
    return default


def _type_of_block(types: Types, body: syntax.Block, scope: Scope) -> CType:
    inner = scope.inner()
    type: CType = VOID
    for item in body.items:
        type = VOID
        if isinstance(item, syntax.LocalDecl):
            inner.declare(item.name, local_type(types, item, inner))
        elif isinstance(item, syntax.ExprStatement):
            type = decayed(type_of(types, item.expression, inner))
    return type


def local_type(types: Types, local: syntax.LocalDecl, scope: Scope) -> CType:
    """The type of a local variable, from its initialiser where it is open."""
    if isinstance(local.type, syntax.AutoType):
        if local.initializer is None or isinstance(local.initializer, syntax.InitList):
            raise error("VG300", "'__auto_type' without a value", local.position)
        return decayed(type_of(types, local.initializer, scope))
    return types.sized(types.resolve(local.type, scope), local.initializer, scope)
