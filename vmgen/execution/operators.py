"""Conversions, and the operators that evaluate both of their operands."""

from __future__ import annotations

from collections.abc import Callable

from vmgen.cfront.arithmetic import (
    INT,
    LONG,
    common,
    divide,
    integer_of,
    promote,
    remainder,
)
from vmgen.cfront.builtins import BUILTINS
from vmgen.cfront.ctype import (
    CType,
    Float,
    FunctionSignature,
    Integer,
    Pointer,
    Record,
    Void,
)
from vmgen.execution.code import (
    ARITHMETIC,
    COMPARISONS,
    FLOATING,
    Code,
    Frame,
    constant,
    fits,
    whole,
    wrapping,
)
from vmgen.execution.context import Context
from vmgen.execution.memory import Address, NotKnown, UnknownValue, Value
from vmgen.source import Position


def convert(context: Context, code: Code, type: CType, position: Position) -> Code:
    """The value converted to ``type``."""
    if code.type == type or isinstance(type, Void | Record):
        return Code(type, code.run, code.constant)
    if isinstance(type, Float):
        return Code(type, lambda frame: FLOATING)
    to = integer_of(type)
    if to is None:  # a pointer
        return Code(type, code.run, code.constant)
    of = integer_of(code.type)
    if of is not None and fits(of, to):
        return Code(type, code.run, code.constant)
    wrapped = wrapping(to)
    is_bool, size = to.name == "_Bool", to.size

    def converted(value: Value) -> Value:
        if isinstance(value, int):
            return wrapped(value)
        if isinstance(value, UnknownValue):
            return value
        if is_bool:
            return 1
        return value if size == 8 else UnknownValue("a part of an address")

    if code.constant is not None:
        return constant(type, converted(code.constant))
    run = code.run

    def number(frame: Frame) -> Value:
        value = run(frame)
        return wrapped(value) if isinstance(value, int) else converted(value)

    return Code(type, number)


def binary(
    context: Context, op: str, left: Code, right: Code, position: Position
) -> Code:
    """``left op right`` of an operator that evaluates both."""
    if isinstance(left.type, Pointer) or isinstance(right.type, Pointer):
        return _pointers(context, op, left, right, position)
    a, b = integer_of(left.type), integer_of(right.type)
    if a is None or b is None:
        is_truth = op in COMPARISONS
        return constant(INT if is_truth else left.type, FLOATING)
    if op in ("<<", ">>"):
        integer = promote(a)
        result: Integer = integer
        left = convert(context, left, integer, position)
    else:
        integer = common(a, b)
        result = INT if op in COMPARISONS else integer
        left = convert(context, left, integer, position)
        right = convert(context, right, integer, position)
    function = _operation(op, integer, position)
    x, y = left.run, right.run

    def both(frame: Frame) -> Value:
        one, other = x(frame), y(frame)
        if isinstance(one, int) and isinstance(other, int):
            return function(one, other)
        return _not_numbers(op, one, other)

    if isinstance(left.constant, int) and isinstance(right.constant, int):
        return constant(result, function(left.constant, right.constant))
    return Code(result, both)


def _operation(
    op: str, integer: Integer, position: Position
) -> Callable[[int, int], int]:
    """The operator on two values of one type."""
    if op in COMPARISONS:
        compare = COMPARISONS[op]
        return lambda one, other: int(compare(one, other))
    wrapped = wrapping(integer)
    if op in ARITHMETIC:
        arithmetic = ARITHMETIC[op]
        if op in "&|^":
            return arithmetic
        return lambda one, other: wrapped(arithmetic(one, other))
    bits = 8 * integer.size

    def shift(one: int, other: int) -> int:
        if not 0 <= other < bits:
            raise NotKnown(f"a shift by {other}", position)
        return wrapped(one << other) if op == "<<" else one >> other

    def quotient(one: int, other: int) -> int:
        if not other:
            raise NotKnown("a division by zero", position)
        return wrapped((divide if op == "/" else remainder)(one, other))

    return shift if op in ("<<", ">>") else quotient


def _not_numbers(op: str, one: Value, other: Value) -> Value:
    """An operator where a value is unknown, or an address that was made a number."""
    for value, against in ((one, other), (other, one)):
        if isinstance(value, UnknownValue):
            return 0 if op == "&" and against == 0 else value
    if op in ("==", "!="):
        return int((one == other) == (op == "=="))
    if op in ("+", "-") and isinstance(one, Address) and isinstance(other, int):
        return Address(one.block, one.offset + (other if op == "+" else -other))
    return UnknownValue("arithmetic on an address")


def _pointers(
    context: Context, op: str, left: Code, right: Code, position: Position
) -> Code:
    x, y = left.run, right.run
    if op in COMPARISONS:
        compare = COMPARISONS[op]

        def compared(frame: Frame) -> Value:
            one, other = x(frame), y(frame)
            for value in (one, other):
                if isinstance(value, UnknownValue):
                    return value
            if op in ("==", "!="):
                return int((one == other) == (op == "=="))
            if (
                isinstance(one, Address)
                and isinstance(other, Address)
                and one.block is other.block
            ):
                return int(compare(one.offset, other.offset))
            raise NotKnown("the order of unrelated addresses", position)

        return Code(INT, compared)
    if isinstance(left.type, Pointer) and isinstance(right.type, Pointer):
        size = _step(context, left.type)

        def distance(frame: Frame) -> Value:
            one, other = x(frame), y(frame)
            if (
                isinstance(one, Address)
                and isinstance(other, Address)
                and one.block is other.block
            ):
                return divide(one.offset - other.offset, size)
            if isinstance(one, int) and isinstance(other, int):
                return divide(one - other, size)
            return UnknownValue("the distance of unrelated addresses")

        return Code(LONG, distance)
    if isinstance(right.type, Pointer):
        left, right = right, left
        x, y = y, x
    assert isinstance(left.type, Pointer)  # one of them is
    size = _step(context, left.type)
    sign = -size if op == "-" else size

    def moved(frame: Frame) -> Value:
        pointer, count = x(frame), y(frame)
        if isinstance(count, UnknownValue):
            return count
        if not isinstance(count, int):
            return UnknownValue("arithmetic on an address")
        if isinstance(pointer, Address):
            return Address(pointer.block, pointer.offset + sign * count)
        if isinstance(pointer, int):
            return (pointer + sign * count) & ((1 << 64) - 1)
        return pointer if not count else UnknownValue("arithmetic on a function")

    return Code(left.type, moved)


def _step(context: Context, pointer: Pointer) -> int:
    """What adding 1 to a pointer adds: GNU C's 1 for void and functions."""
    if isinstance(pointer.target, Void | FunctionSignature):
        return 1
    return context.layout.sizeof(pointer.target)


def fold_builtin(
    context: Context, name: str, argument: Code, position: Position
) -> Code | None:
    """A call of one of GCC's builtins that count or swap bits."""
    builtin = BUILTINS.get(name)
    if builtin is None or builtin.fold is None:
        return None
    function = builtin.fold
    run = convert(context, argument, builtin.argument, position).run

    def folded(frame: Frame) -> Value:
        value = run(frame)
        return (
            value
            if isinstance(value, UnknownValue)
            else function(whole(value, position))
        )

    return Code(builtin.result, folded)
