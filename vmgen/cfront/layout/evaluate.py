"""Values of constant C expressions: what a static initialiser can hold.

Folds as GCC does for initialisers of static objects: integers of C's widths and signs,
pointers that are null plus a number, addresses of objects that stay symbolic.  Reading
an object, calling a function and assigning to anything but a local of a statement
expression is no constant.
"""

from __future__ import annotations

from typing import assert_never

from vmgen.cfront import syntax
from vmgen.cfront.arithmetic import (
    BASIC_TYPES,
    DOUBLE,
    INT,
    LONG,
    UNSIGNED_LONG,
    VOID,
    decayed,
    integer_of,
    promote,
    wrap,
)
from vmgen.cfront.builtins import BUILTINS
from vmgen.cfront.ctype import (
    Array,
    FunctionSignature,
    Pointer,
)
from vmgen.cfront.layout.expression_types import (
    chosen,
    local_type,
    record_of,
    selected,
    type_of,
)
from vmgen.cfront.layout.model import Base, Constant, Scope, Types, error, placed
from vmgen.cfront.layout.operations import convert, not_constant, operate, truth
from vmgen.cfront.printer import type_words
from vmgen.cfront.syntax import Expr, TypeExpr
from vmgen.source import Position, VmgenError


def fold(types: Types, expr: Expr, scope: Scope) -> Constant:
    """The constant value; arrays and functions decay to their address."""
    match expr:
        case syntax.IntegerLiteral(number, type):
            return Constant(BASIC_TYPES[type], number)
        case syntax.FloatLiteral(floating, type):
            return convert(Constant(DOUBLE, floating), BASIC_TYPES[type], expr.position)
        case syntax.Name(name) if name in scope.values:
            return scope.values[name]
        case syntax.Name(name) if name not in scope.types:
            constant = types.enumerator(name)
            if constant is not None:
                return constant
            return _read(types, expr, scope)
        case syntax.UnaryOperation(op, operand):
            return _unary(types, expr, op, operand, scope)
        case syntax.BinaryOperation():
            return _binary(types, expr, scope)
        case syntax.Conditional(condition, then, otherwise):
            value = fold(types, condition, scope)
            chosen = (then or condition) if truth(value) else otherwise
            return convert(
                fold(types, chosen, scope),
                type_of(types, expr, scope),
                expr.position,
            )
        case syntax.Comma(items):
            for item in items[:-1]:
                _ignore(types, item, scope)
            return fold(types, items[-1], scope)
        case syntax.Call(function, arguments, position):
            return _call(types, function, arguments, scope, position)
        case syntax.Generic():
            return fold(types, selected(types, expr, scope), scope)
        case syntax.Cast(type, operand, position):
            return convert(
                fold(types, operand, scope),
                types.resolve(type, scope),
                position,
            )
        case syntax.SizeOf(operand, position):
            return _size(types, operand, scope, position)
        case syntax.AlignOf(operand):
            return Constant(UNSIGNED_LONG, types.alignof_written(operand, scope))
        case syntax.OffsetOf(type, designator, position):
            return _offset(types, type, designator, scope, position)
        case syntax.TypesCompatible(left, right):
            same = types.same_type(
                types.resolve(left, scope),
                types.resolve(right, scope),
            )
            return Constant(INT, int(same))
        case syntax.StatementExpr(body):
            return _block(types, body, scope)
        case (
            syntax.Name()
            | syntax.StringLiteral()
            | syntax.Assign()
            | syntax.Member()
            | syntax.Index()
            | syntax.CompoundLiteral()
        ):
            return _read(types, expr, scope)
        case _:
            assert_never(expr)


def _size(
    types: Types, operand: Expr | TypeExpr, scope: Scope, position: Position
) -> Constant:
    try:
        if isinstance(operand, TypeExpr):
            type = types.resolve(operand, scope)
        else:
            type = type_of(types, operand, scope)
        return Constant(UNSIGNED_LONG, types.sizeof(type))
    except VmgenError as failure:
        raise placed(failure, position) from None


def _offset(
    types: Types,
    type: TypeExpr,
    designator: tuple[str | Expr, ...],
    scope: Scope,
    position: Position,
) -> Constant:
    try:
        resolved = types.resolve(type, scope)
        return Constant(UNSIGNED_LONG, types.place(resolved, designator, scope).offset)
    except VmgenError as failure:
        raise placed(failure, position) from None


def _address(types: Types, expr: Expr, scope: Scope) -> Constant:
    """The address of an lvalue, as a pointer to it."""
    match expr:
        case syntax.UnaryOperation("*", operand):
            value = fold(types, operand, scope)
            if isinstance(value.type, Pointer):
                return value
        case syntax.Member(object, name, arrow, position):
            record = record_of(types, object, arrow, scope, position)
            member = types.member(record, name)
            if member is None:
                raise types.no_member(record, name, position)
            if member.bits is not None:
                raise not_constant(f"the bitfield '{name}'", position)
            start = (
                fold(types, object, scope) if arrow else _address(types, object, scope)
            )
            return Constant(
                Pointer(member.type), int(start.number) + member.offset, start.base
            )
        case syntax.Index(array, index):
            return fold(
                types, syntax.BinaryOperation("+", array, index, expr.position), scope
            )
        case syntax.Name(name, position):
            if name in scope.types:
                raise not_constant(f"the address of the local '{name}'", position)
            return Constant(Pointer(type_of(types, expr, scope)), 0, name)
        case syntax.StringLiteral() | syntax.CompoundLiteral():
            return Constant(Pointer(type_of(types, expr, scope)), 0, expr)
        case _:
            pass
    raise not_constant("the address of this expression", expr.position)


def _read(types: Types, expr: Expr, scope: Scope) -> Constant:
    """The value of an lvalue: an address if it decays, what an object's initialiser
    says where objects are read, else no constant."""
    type = type_of(types, expr, scope)
    if isinstance(type, Array | FunctionSignature):
        address = _address(types, expr, scope)
        return Constant(decayed(type), address.number, address.base)
    match expr:
        case syntax.Name(name):
            what = f"the value of '{name}'"
        case syntax.Member(_, name):
            what = f"the value of the member '{name}'"
        case syntax.Index() | syntax.UnaryOperation("*"):
            what = "this expression"
        case syntax.Assign():
            raise not_constant("an assignment", expr.position)
        case _:
            raise not_constant("this expression", expr.position)
    if isinstance(expr, syntax.Name) and name in scope.types:
        raise not_constant(what, expr.position)
    place = _address(types, expr, scope)
    if place.base is None or not _is_readable(types, place.base, scope):
        raise not_constant(what, expr.position)
    name = place.base if isinstance(place.base, str) else ""
    inner = Scope(reading=(scope.reading or frozenset()) | {name})
    found = types.read(place.base, int(place.number), type, expr.position)
    if found is None:
        return convert(Constant(INT, 0), type, expr.position)
    of = name or str(id(place.base))
    with types.defining("value", f"{of}+{place.number}", expr.position):
        return convert(fold(types, found, inner), type, expr.position)


def _is_readable(types: Types, base: Base, scope: Scope) -> bool:
    """Whether the value of an object is a constant here: in the initialiser of a static
    object, if that is not the object's own; that of a ``constexpr`` object anywhere."""
    if not isinstance(base, str):
        return isinstance(base, syntax.StringLiteral) or scope.reading is not None
    if scope.reading is not None:
        return base not in scope.reading
    declared = types.unit.object(base)
    return declared is not None and declared.constexpr


def _unary(types: Types, expr: Expr, op: str, operand: Expr, scope: Scope) -> Constant:
    if op == "&":
        return _address(types, operand, scope)
    if op == "*":
        return _read(types, expr, scope)
    if op not in ("+", "-", "~", "!"):
        raise not_constant(f"'{op.lstrip('p')}'", expr.position)
    value = fold(types, operand, scope)
    if op == "!":
        return Constant(INT, int(not truth(value)))
    if isinstance(value.number, float) and op != "~":
        return Constant(value.type, -value.number if op == "-" else value.number)
    integer = integer_of(value.type)
    if integer is None or isinstance(value.number, float):
        raise error("VG305", f"'{op}' on '{type_words(value.type)}'", expr.position)
    type = promote(integer)
    number = value.number
    result = {"+": number, "-": -number, "~": ~number}[op]
    return Constant(type, wrap(result, type))


def _binary(types: Types, expr: syntax.BinaryOperation, scope: Scope) -> Constant:
    op = expr.op
    left = fold(types, expr.left, scope)
    if op in ("&&", "||"):
        if truth(left) == (op == "||"):
            return Constant(INT, int(op == "||"))
        return Constant(INT, int(truth(fold(types, expr.right, scope))))
    right = fold(types, expr.right, scope)
    return operate(types, expr, left, right, scope)


def _call(
    types: Types,
    function: Expr,
    arguments: tuple[Expr, ...],
    scope: Scope,
    position: Position,
) -> Constant:
    name = function.name if isinstance(function, syntax.Name) else ""
    if name == "__builtin_choose_expr" and len(arguments) == 3:
        return fold(types, chosen(types, arguments, scope), scope)
    if name == "__builtin_expect" and arguments:
        return convert(fold(types, arguments[0], scope), LONG, position)
    if name == "__builtin_constant_p" and arguments:
        try:
            fold(types, arguments[0], scope)
        except VmgenError:
            return Constant(INT, 0)  # what the builtin asks: is it a constant?
        return Constant(INT, 1)
    builtin = BUILTINS.get(name)
    if builtin is not None and builtin.fold is not None and len(arguments) == 1:
        argument = convert(fold(types, arguments[0], scope), builtin.argument, position)
        return Constant(builtin.result, builtin.fold(int(argument.number)))
    raise not_constant(f"the call of {name or 'a function pointer'}()", position)


def _ignore(types: Types, expr: Expr, scope: Scope) -> None:
    """Evaluate the left side of a comma: for assignments to locals only."""
    _execute(types, syntax.ExprStatement(expr, expr.position), scope)


def _block(types: Types, body: syntax.Block, scope: Scope) -> Constant:
    """The value of a statement expression: of its last statement."""
    inner = scope.inner()
    for item in body.items[:-1]:
        _execute(types, item, inner)
    last = body.items[-1] if body.items else None
    if isinstance(last, syntax.ExprStatement):
        return fold(types, last.expression, inner)
    if last is not None:
        _execute(types, last, inner)
    return Constant(VOID, 0)


def _execute(types: Types, item: syntax.Statement, scope: Scope) -> None:
    match item:
        case syntax.LocalDecl(name, _, initializer):
            type = local_type(types, item, scope)
            value = None
            if initializer is not None and not isinstance(initializer, syntax.InitList):
                value = convert(fold(types, initializer, scope), type, item.position)
            scope.declare(name, type)
            if value is not None:
                scope.values[name] = value
        case syntax.ExprStatement(syntax.Assign("=", syntax.Name(name), value)) if (
            name in scope.types
        ):
            scope.values[name] = convert(
                fold(types, value, scope), scope.types[name], item.position
            )
        case syntax.ExprStatement(expression):
            fold(types, expression, scope)
        case syntax.Empty():
            pass
        case syntax.Block(items):
            inner = scope.inner()
            for inside in items:
                _execute(types, inside, inner)
            scope.values.update(
                {
                    name: value
                    for name, value in inner.values.items()
                    if name in scope.types
                }
            )
        case syntax.If(condition, then, otherwise):
            taken = then if truth(fold(types, condition, scope)) else otherwise
            if taken is not None:
                _execute(types, taken, scope)
        case syntax.While(condition, inside, after=True) if not truth(
            fold(types, condition, scope)
        ):
            _execute(types, inside, scope)
        case _:
            raise not_constant(
                "a statement expression with jumps or loops", item.position
            )
