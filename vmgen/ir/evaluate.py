"""The one evaluator of C arithmetic on expressions of the IR.

Numbers are unbounded; :func:`convert` is C's conversion to a type of the wire.  What C
leaves undefined (a division by zero, a shift by 64 or more) and what is not known has no
value: None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from vmgen.ir.expressions import (
    Ask,
    Binary,
    BinaryOperator,
    Const,
    Exists,
    Expr,
    Load,
    Select,
    Truncate,
    Unary,
    UnaryOperator,
    Var,
    Version,
)
from vmgen.ir.types import WIDTHS, IntType, signed

TURNS = 4096
"""Turns of a loop that are tried; one that has more has no value."""


def convert(value: int, kind: IntType) -> int:
    """C's conversion to an integer type."""
    if kind == "bool":
        return int(value != 0)
    bits = 8 * WIDTHS[kind]
    value &= (1 << bits) - 1
    if signed(kind) and value >> (bits - 1):
        value -= 1 << bits
    return value


def unary(op: UnaryOperator, operand: int) -> int:
    """C's unary operator."""
    match op:
        case "-":
            return -operand
        case "~":
            return ~operand
        case "!":
            return int(not operand)
        case _:
            assert_never(op)


def binary(op: BinaryOperator, left: int, right: int) -> int | None:
    """C's binary operator; None for what C leaves undefined."""
    match op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/" | "%":
            if right == 0:
                return None
            quotient = abs(left) // abs(right)
            if (left < 0) != (right < 0):
                quotient = -quotient
            return quotient if op == "/" else left - quotient * right
        case "<<" | ">>":
            if not 0 <= right < 64:
                return None
            return left << right if op == "<<" else left >> right
        case "&":
            return left & right
        case "|":
            return left | right
        case "^":
            return left ^ right
        case "==":
            return int(left == right)
        case "!=":
            return int(left != right)
        case "<":
            return int(left < right)
        case "<=":
            return int(left <= right)
        case ">":
            return int(left > right)
        case ">=":
            return int(left >= right)
        case "&&":
            return int(bool(left) and bool(right))
        case "||":
            return int(bool(left) or bool(right))
        case _:
            assert_never(op)


def _unknown(*_: object) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Known:
    """What an expression is evaluated in: the version (None if it is open), the members
    of the object and the answers to :class:`Ask`.

    ``member`` gets the C path with the values of all subscripts in it
    (``env.pmp[3].cfg``) and the member's type, which the value it returns must have; it
    and ``answer`` return None for what they do not know.  ``loops`` are the loop variables by name.
    """

    version: int | None = None
    member: Callable[[str, IntType], int | None] = _unknown
    answer: Callable[[str], int | None] = _unknown
    loops: Mapping[str, int] = field(default_factory=dict)


def evaluate(expr: Expr, known: Known) -> int | None:
    """The expression's value; None where something that decides it is not known.

    ``&&``, ``||`` and loops are decided by one side or turn where that suffices; they and
    ``?:`` look at the rest only where it does not, in C's order.
    """
    match expr:
        case Const(value=value):
            return value
        case Version():
            return known.version
        case Var(name=name):
            return known.loops.get(name)
        case Ask(name=name):
            return known.answer(name)
        case Load(path=path, type=kind, subscripts=subscripts):
            for number, subscript in enumerate(subscripts):
                index = evaluate(subscript, known)
                if index is None:
                    return None
                path = path.replace(f"[${number}]", f"[{index}]")
            return known.member(path, kind)
        case Unary(op=op, operand=operand):
            inner = evaluate(operand, known)
            return None if inner is None else unary(op, inner)
        case Truncate(type=kind, operand=operand):
            inner = evaluate(operand, known)
            return None if inner is None else convert(inner, kind)
        case Binary(op=("&&" | "||") as op, left=left, right=right):
            decisive = op == "||"
            first = evaluate(left, known)
            if first is not None and bool(first) == decisive:
                return int(decisive)
            second = evaluate(right, known)
            if second is not None and bool(second) == decisive:
                return int(decisive)
            return None if first is None or second is None else int(not decisive)
        case Binary(op=op, left=left, right=right):
            first = evaluate(left, known)
            second = evaluate(right, known)
            if first is None or second is None:
                return None
            return binary(op, first, second)
        case Select(condition=condition, then=then, otherwise=otherwise):
            chosen = evaluate(condition, known)
            if chosen is None:
                return None
            return evaluate(then if chosen else otherwise, known)
        case Exists():
            return _exists(expr, known)
        case _:
            assert_never(expr)


def _exists(expr: Exists, known: Known) -> int | None:
    start, stop = evaluate(expr.start, known), evaluate(expr.stop, known)
    if start is None or stop is None:
        return None
    turns = range(start, stop, expr.step)
    open_turn = len(turns) > TURNS
    for at in turns[:TURNS]:
        inside = Known(
            known.version, known.member, known.answer, {**known.loops, expr.var: at}
        )
        found = evaluate(expr.body, inside)
        if found:
            return 1
        open_turn = open_turn or found is None
    return None if open_turn else 0
