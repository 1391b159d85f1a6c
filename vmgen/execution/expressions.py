"""Expressions, compiled to closures."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from vmgen.cfront import syntax
from vmgen.cfront.arithmetic import (
    BASIC_TYPES,
    CHAR,
    INT,
    UNSIGNED_LONG,
    decayed,
    integer_of,
    promote,
    wrap,
)
from vmgen.cfront.ctype import (
    Array,
    FunctionSignature,
    Pointer,
    Record,
)
from vmgen.cfront.syntax import Expr, TypeExpr
from vmgen.cfront.walk import Node, walk
from vmgen.execution.code import (
    FLOATING,
    Code,
    Frame,
    Lvalue,
    constant,
    truth,
)
from vmgen.execution.context import Context
from vmgen.execution.memory import (
    Address,
    NotKnown,
    UnknownValue,
    Value,
)
from vmgen.execution.operators import binary, convert
from vmgen.execution.places import lvalue, read, write
from vmgen.source import NOWHERE, Position


def compile_(context: Context, expr: Expr) -> Code:
    """The value of an expression; arrays and functions decay to their address."""
    match expr:
        case syntax.IntegerLiteral(number, type):
            return constant(BASIC_TYPES[type], number)
        case syntax.FloatLiteral(_, type):
            return constant(BASIC_TYPES[type], FLOATING)
        case syntax.StringLiteral(text):
            block = context.program.text(text)
            return constant(Pointer(CHAR), Address(block, 0))
        case syntax.Name(name, position):
            return _name(context, expr, name, position)
        case syntax.Member() | syntax.Index() | syntax.CompoundLiteral():
            return read(context, lvalue(context, expr), expr.position)
        case syntax.UnaryOperation(op, operand, position):
            return _unary(context, expr, op, operand, position)
        case syntax.BinaryOperation(op, left, right, position):
            if op in ("&&", "||"):
                return _logical(context, op, left, right, position)
            return binary(
                context, op, compile_(context, left), compile_(context, right), position
            )
        case syntax.Assign(op, target, value, position):
            return _assign(context, op, target, value, position)
        case syntax.Conditional():
            return _conditional(context, expr)
        case syntax.Comma(items):
            codes = [compile_(context, one) for one in items]
            *first, last = (one.run for one in codes)

            def comma(frame: Frame) -> Value:
                for one in first:
                    one(frame)
                return last(frame)

            return Code(codes[-1].type, comma)
        case syntax.Call(function, arguments, position):
            return context.call(function, arguments, position)
        case syntax.Generic():
            return compile_(context, context.layout.selected(expr, context.scope()))
        case syntax.Cast(type, operand, position):
            resolved = context.resolve(type)
            return convert(context, compile_(context, operand), resolved, position)
        case syntax.SizeOf(operand):
            return constant(UNSIGNED_LONG, _size(context, operand))
        case syntax.AlignOf(operand):
            return constant(
                UNSIGNED_LONG, context.layout.alignof_written(operand, context.scope())
            )
        case syntax.OffsetOf(type, designator):
            return _offset(context, type, designator)
        case syntax.TypesCompatible(one, other):
            same = context.layout.same_type(
                context.resolve(one), context.resolve(other)
            )
            return constant(INT, int(same))
        case syntax.StatementExpr(body):
            return context.block_value(body)
        case _:
            assert_never(expr)


def _size(context: Context, operand: Expr | TypeExpr) -> int:
    if isinstance(operand, TypeExpr):
        return context.layout.sizeof(context.resolve(operand))
    return context.layout.sizeof(context.type_of(operand))


def _offset(
    context: Context, type: TypeExpr, designator: tuple[str | Expr, ...]
) -> Code:
    resolved = context.resolve(type)
    fixed = all(
        isinstance(one, str | syntax.IntegerLiteral | syntax.Name) for one in designator
    )
    if fixed and not any(
        isinstance(one, syntax.Name) and context.local(one.name) for one in designator
    ):
        place = context.layout.place(resolved, designator, context.scope())
        return constant(UNSIGNED_LONG, place.offset)
    total: Code = constant(UNSIGNED_LONG, 0)
    at = resolved
    for one in designator:
        if isinstance(one, str):
            if not isinstance(at, Record):
                raise NotKnown("offsetof of no record")
            member = context.layout.member(at, one)
            if member is None:
                raise context.layout.no_member(at, one)
            step, at = constant(UNSIGNED_LONG, member.offset), member.type
        else:
            if not isinstance(at, Array):
                raise NotKnown("offsetof of no array", one.position)
            size = constant(UNSIGNED_LONG, context.layout.sizeof(at.element))
            step = binary(context, "*", compile_(context, one), size, one.position)
            at = at.element
        total = binary(context, "+", total, step, NOWHERE)
    return total


def _name(context: Context, expr: Expr, name: str, position: Position) -> Code:
    if context.local(name) is None:
        known = context.layout.enumerator(name)
        if known is not None:
            assert isinstance(known.number, int)  # an enumerator
            return constant(known.type, known.number)
        function = context.function(name)
        if function is not None:
            type, value = function
            return constant(Pointer(type), value)
        if name in ("__func__", "__FUNCTION__", "__PRETTY_FUNCTION__"):
            block = context.program.text(context.name)
            return constant(Pointer(CHAR), Address(block, 0))
    return read(context, lvalue(context, expr), position)


def _unary(
    context: Context, expr: Expr, op: str, operand: Expr, position: Position
) -> Code:
    match op:
        case "&":
            if isinstance(operand, syntax.Name) and context.local(operand.name) is None:
                function = context.function(operand.name)
                if function is not None:
                    return constant(Pointer(function[0]), function[1])
            place = lvalue(context, operand)
            if place.address is None:
                raise NotKnown("the address of no object", position)
            return Code(Pointer(place.type), place.address)
        case "*":
            pointer = compile_(context, operand)
            if isinstance(pointer.type, Pointer) and isinstance(
                pointer.type.target, FunctionSignature
            ):
                return pointer
            return read(context, lvalue(context, expr), position)
        case "!":
            code = compile_(context, operand)
            run = code.run
            if isinstance(code.constant, int):
                return constant(INT, int(not code.constant))

            def negated(frame: Frame) -> Value:
                value = run(frame)
                if isinstance(value, UnknownValue):
                    return value
                return int(value == 0)

            return Code(INT, negated)
        case "-" | "~" | "+":
            code = compile_(context, operand)
            integer = integer_of(code.type)
            if integer is None:
                return constant(code.type, FLOATING)
            type = promote(integer)
            code = convert(context, code, type, position)
            if op == "+":
                return code
            if op == "-":
                return binary(context, "-", constant(type, 0), code, position)
            ones = constant(type, wrap(-1, type))
            return binary(context, "^", code, ones, position)
        case "++" | "--" | "p++" | "p--":
            place, find = _once(context, lvalue(context, operand))
            old = read(context, place, position)
            new = binary(context, op[-1], old, constant(INT, 1), position)
            set_ = write(context, place, new, position)
            if op[0] != "p":
                return Code(place.type, _after(find, set_))
            before = old.run

            def postfix(frame: Frame) -> Value:
                find(frame)
                value = before(frame)
                set_(frame)
                return value

            return Code(place.type, postfix)
        case _:
            raise NotKnown(f"the operator {op}", position)


def _logical(
    context: Context, op: str, left: Expr, right: Expr, position: Position
) -> Code:
    one = compile_(context, left)
    if isinstance(one.constant, int) and bool(one.constant) == (op == "||"):
        return constant(INT, int(op == "||"))
    x, y = one.run, compile_(context, right).run
    decides = op == "||"
    acts = any(map(_acts, walk(right)))

    def logical(frame: Frame) -> Value:
        first = x(frame)
        if isinstance(first, UnknownValue):
            # Whether C evaluates the other is not known.
            if acts:
                raise NotKnown(first.why, position)
            return first
        if truth(first, position) == decides:
            return int(decides)
        second = y(frame)
        return (
            second if isinstance(second, UnknownValue) else int(truth(second, position))
        )

    return Code(INT, logical)


def _acts(node: Node) -> bool:
    """Whether to evaluate an expression may change something."""
    match node:
        case syntax.Call() | syntax.Assign() | syntax.StatementExpr():
            return True
        case syntax.UnaryOperation(op):
            return op in ("++", "--", "p++", "p--")
        case _:
            return False


def _conditional(context: Context, expr: syntax.Conditional) -> Code:
    type = decayed(context.type_of(expr))
    condition = compile_(context, expr.condition)
    position = expr.position
    if isinstance(condition.constant, int):
        chosen = (expr.then or expr.condition) if condition.constant else expr.otherwise
        return convert(context, compile_(context, chosen), type, position)
    otherwise = convert(context, compile_(context, expr.otherwise), type, position).run
    test = condition.run
    if expr.then is None:
        slot = context.slot()
        tested = Lvalue(condition.type, slot=slot)
        kept = convert(context, read(context, tested, position), type, position).run

        def elvis(frame: Frame) -> Value:
            frame[slot] = value = test(frame)
            return kept(frame) if truth(value, position) else otherwise(frame)

        return Code(type, elvis)
    then = convert(context, compile_(context, expr.then), type, position).run
    return Code(
        type,
        lambda frame: (
            then(frame) if truth(test(frame), position) else otherwise(frame)
        ),
    )


def _assign(
    context: Context, op: str, target: Expr, value: Expr, position: Position
) -> Code:
    place = lvalue(context, target)
    code = compile_(context, value)
    if op == "=":
        return Code(place.type, write(context, place, code, position))
    place, find = _once(context, place)
    old = read(context, place, position)
    code = binary(context, op[:-1], old, code, position)
    return Code(place.type, _after(find, write(context, place, code, position)))


def _once(context: Context, place: Lvalue) -> tuple[Lvalue, Callable[[Frame], None]]:
    """A place that is read and written, and what finds it: it is looked for once."""
    address = place.address
    if address is None:
        return place, lambda frame: None
    found, slot = address, context.slot()

    def find(frame: Frame) -> None:
        frame[slot] = found(frame)

    def kept(frame: Frame) -> Address:
        at = frame[slot]
        assert isinstance(at, Address)  # found before
        return at

    return Lvalue(place.type, address=kept, bits=place.bits), find


def _after(
    first: Callable[[Frame], None], then: Callable[[Frame], Value]
) -> Callable[[Frame], Value]:
    def both(frame: Frame) -> Value:
        first(frame)
        return then(frame)

    return both
