"""Conditions of fields and subsections as expressions: one normal form, and the
operators that keep it.

Two conditions are the same if they compute the same from the same members; the names of
C functions and enumerators do not count.  A condition that was not translated is known
by its C function alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal, assert_never

from vmgen import ir
from vmgen.ir.evaluate import binary, convert, unary

TRUE = ir.Const(1)
FALSE = ir.Const(0)

DESTINATION = "@destination."
"""Before the path of a member: what the destination has before it loads."""
LOADED = "@loaded."
"""Before the path of a member: what the destination has loaded, where the source has a
member of the same path that it does not send."""

_BOOLEAN = {"==", "!=", "<", "<=", ">", ">=", "&&", "||"}
_OPPOSITE: dict[str, Literal["==", "!=", "<", "<=", ">", ">="]] = {
    "==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">",
}  # fmt: skip


def normal(
    value: ir.Expr, version: int, prefix: str, rename: Callable[[str], str]
) -> ir.Expr:
    """The expression in the form that conditions are compared in.

    The version is put in, enumerators stand by value, members by their path from the
    section's object (``prefix`` comes before them) as ``rename`` calls them, without the
    type they have in memory.  What is constant is computed.
    """

    def walk(node: ir.Expr) -> ir.Expr:
        match node:
            case ir.Const(number, _):
                return ir.Const(number)
            case ir.Version():
                return ir.Const(version)
            case ir.Load(path, _, subscripts):
                full = rename(joined(prefix, path))
                return ir.Load(full, "int64", tuple(walk(item) for item in subscripts))
            case ir.Unary(op, operand):
                return _unary(op, walk(operand))
            case ir.Binary(op, left, right):
                return _binary(op, walk(left), walk(right))
            case ir.Select(condition, then, otherwise):
                chosen = truth(walk(condition))
                if isinstance(chosen, ir.Const):
                    return walk(then if chosen.value else otherwise)
                return ir.Select(chosen, walk(then), walk(otherwise))
            case ir.Truncate(kind, operand):
                inner = walk(operand)
                if isinstance(inner, ir.Const):
                    return ir.Const(convert(inner.value, kind))
                if kind == "bool" and _is_boolean(inner):
                    return inner
                return ir.Truncate(kind, inner)
            case ir.Exists(var, start, stop, step, body):
                return ir.Exists(var, walk(start), walk(stop), step, walk(body))
            case ir.Ask() | ir.Var():
                return node
            case _:
                assert_never(node)

    return truth(walk(value))


def joined(prefix: str, path: str) -> str:
    """The path from the section's object; ``parent`` of a temporary leads back out."""
    return re.sub(r"<[^<>]*>\.parent\.", "", prefix + path)


def truth(value: ir.Expr) -> ir.Expr:
    """The expression as a condition: ``x != 0`` is ``x``, constants are 0 or 1."""
    match value:
        case ir.Const(number):
            return TRUE if number else FALSE
        case ir.Binary("!=", inner, ir.Const(0)):
            return truth(inner)
        case ir.Binary("==", inner, ir.Const(0)):
            return negated(truth(inner))
        case ir.Unary("!", inner):
            return negated(truth(inner))
        case ir.Binary(("&&" | "||") as op, left, right):
            return _logical(op, truth(left), truth(right))
        case ir.Truncate("bool", inner):
            return truth(inner)
    return value


def negated(value: ir.Expr) -> ir.Expr:
    """The opposite of a condition, without a ``!`` where another operator says it."""
    match value:
        case ir.Const(number):
            return FALSE if number else TRUE
        case ir.Unary("!", inner):
            return inner
        case ir.Binary(op, left, right) if op in _OPPOSITE:
            return ir.Binary(_OPPOSITE[op], left, right)
    return ir.Unary("!", value)


def every(parts: Iterable[ir.Expr]) -> ir.Expr:
    """All of the conditions: each once, in order; true of none."""
    whole: ir.Expr = TRUE
    for part in dict.fromkeys(parts):
        whole = _logical("&&", whole, truth(part))
    return whole


def either(one: ir.Expr | None, two: ir.Expr | None) -> ir.Expr | None:
    """One of the two conditions; None stands for what never holds."""
    if one is None or two is None:
        return one if two is None else two
    return _logical("||", truth(one), truth(two))


def _is_boolean(value: ir.Expr) -> bool:
    match value:
        case ir.Const(number):
            return number in (0, 1)
        case ir.Unary("!") | ir.Exists():
            return True
        case ir.Truncate(kind):
            return kind == "bool"
        case ir.Binary(op):
            return op in _BOOLEAN
    return False


def _as_number(condition: ir.Expr) -> ir.Expr:
    """A condition as an operand of another expression: 1 or 0, as C computes it."""
    if _is_boolean(condition):
        return condition
    return ir.Unary("!", ir.Unary("!", condition))


def _unary(op: ir.UnaryOperator, operand: ir.Expr) -> ir.Expr:
    if op == "!":
        return _as_number(negated(truth(operand)))
    if isinstance(operand, ir.Const):
        return ir.Const(unary(op, operand.value))
    return ir.Unary(op, operand)


def _binary(op: ir.BinaryOperator, left: ir.Expr, right: ir.Expr) -> ir.Expr:
    if op in ("&&", "||"):
        return _as_number(_logical(op, truth(left), truth(right)))
    if isinstance(left, ir.Const) and isinstance(right, ir.Const):
        found = binary(op, left.value, right.value)
        if found is not None:
            return ir.Const(found)
    return ir.Binary(op, left, right)


def _logical(op: Literal["&&", "||"], left: ir.Expr, right: ir.Expr) -> ir.Expr:
    """Two conditions, each as :func:`truth` gives it, joined."""
    decisive, neutral = (FALSE, TRUE) if op == "&&" else (TRUE, FALSE)
    if decisive in (left, right):
        return decisive
    if left == neutral:
        return right
    if right == neutral or left == right:
        return left
    return ir.Binary(op, left, right)


def members(value: ir.Expr) -> frozenset[str]:
    """The members that an expression reads, those in arrays by their path with a place
    for the subscript."""
    return frozenset(part.path for part in ir.walk(value) if isinstance(part, ir.Load))
