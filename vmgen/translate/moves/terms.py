"""Expressions of C as texts in normal form, and what a local can hold beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from vmgen.cfront import syntax
from vmgen.grammar import negated

UNKNOWN = "?"
TOKEN = re.compile(r"[$@]\d+")
"""A word that was read (``$1``), or what a loop changes (``@1``), before it has a name."""

_MAX_TEXT = 400


@dataclass(frozen=True, slots=True)
class StreamPointer:
    """The ``QEMUFile *``."""


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """The address of a local variable."""

    cell: int


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A function by its name."""

    symbol: str


Held: TypeAlias = str | StreamPointer | LocalAddress | FunctionName
"""A text is an expression in normal form; an empty one is a pointer to some object."""


def said(held: Held) -> str:
    """What is held as a text."""
    match held:
        case str():
            return held
        case FunctionName(symbol):
            return symbol
        case _:
            return UNKNOWN


def short(line: str) -> str:
    """The text, unless it is too long to compare."""
    return line if len(line) <= _MAX_TEXT else UNKNOWN


def inner(line: str) -> str:
    """The text as an operand of another."""
    return f"({line})" if " " in line else line


def opposite(condition: str) -> str:
    """The opposite of a condition, which may be known."""
    return {"0": "1", "1": "0"}.get(condition) or negated(condition)


def unsigned(line: str) -> str:
    """A word, where its sign does not matter: whether it is 0."""
    found = re.fullmatch(r"signed\((\$\d+)\)", line)
    return found[1] if found else line


def compared(op: str, one: str, two: str) -> str:
    """A comparison: ``<`` and ``==`` are the only ones in normal form."""
    numbers = re.fullmatch(r"-?\d+", one) and re.fullmatch(r"-?\d+", two)
    if op in ("!=", ">=", "<="):
        straight = {"!=": "==", ">=": "<", "<=": ">"}[op]
        return opposite(compared(straight, one, two))
    if op == ">":
        op, one, two = "<", two, one
    if numbers:
        return str(int(one == two if op == "==" else int(one) < int(two)))
    if op == "==" and "0" in (one, two):
        return negated(unsigned(two if one == "0" else one) or "object")
    return short(f"{inner(one) or 'object'} {op} {inner(two) or 'object'}")


def computed(op: str, one: str, two: str) -> str:
    """An arithmetic operation, done where the operands are numbers."""
    if one.isdigit() and two.isdigit() and op in "+-*" and len(one + two) < 20:
        numbers = int(one), int(two)
        made = {
            "+": sum(numbers),
            "-": numbers[0] - numbers[1],
            "*": numbers[0] * numbers[1],
        }
        return str(made[op])
    if op == "<<" and one.isdigit() and two in map(str, range(32)):
        return str(int(one) << int(two))
    if (op, two) in (("*", "1"), ("+", "0"), ("-", "0")):
        return one
    if (op, one) in (("*", "1"), ("+", "0")):
        return two
    return short(f"{inner(one)} {op} {inner(two)}")


def is_null(expr: syntax.Expr) -> bool:
    """Whether an expression is 0 or ``NULL``."""
    while isinstance(expr, syntax.Cast):
        expr = expr.operand
    return isinstance(expr, syntax.IntegerLiteral) and expr.value == 0


def is_word(held: Held | None) -> bool:
    """Whether a local holds a word just as it was read."""
    return isinstance(held, str) and re.fullmatch(r"\$\d+", held) is not None
