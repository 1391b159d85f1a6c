"""Which cases can happen at all, and how the good ones are told in few words.

Values are tried, not solved for: those next to the constants that the conditions compare
with.  Where there are too many members to try, every case is taken for possible.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from vmgen import ir
from vmgen.verdict import conditions
from vmgen.verdict.conditions import Case

TRIES = 4000
"""Assignments that are tried for one case."""

_ORDERED = {"==", "!=", "<", "<=", ">", ">=", "&&", "||"}


def possible(case: Case) -> bool:
    """Whether some values of the members make the case true."""
    parts = [expr for expr, _ in case.assumed]
    names = sorted({name for part in parts for name in _members(part)})
    values = sorted({value for part in parts for value in _near(part)})
    if not parts or len(values) ** len(names) > TRIES or _loops(parts):
        return True
    for chosen in itertools.product(values, repeat=len(names)):
        memory = dict(zip(names, chosen, strict=True))
        if all(
            (found := evaluate(part, memory)) is None or bool(found) == holds
            for part, holds in case.assumed
        ):
            return True
    return False


def implied(condition: ir.Expr, known: Sequence[ir.Expr]) -> bool:
    """Whether the condition holds wherever all known ones do; False if that is open."""
    if condition == conditions.TRUE or condition in known:
        return True
    names = set(_members(condition))
    near = [item for item in known if names & set(_members(item))]
    if not names or not near or not all(map(_compares, (*near, condition))):
        return False
    whole = Case((*((item, True) for item in near), (condition, False)))
    return not possible(whole)


def told(good: Sequence[Case], bad: Sequence[Case]) -> str:
    """The condition that tells the good cases from the bad ones: values of one member
    where only one decides and is compared only, else the conditions as C has them."""
    parts = [expr for case in (*good, *bad) for expr, _ in case.assumed]
    names = {name for part in parts for name in _members(part)}
    compared = any(isinstance(part, ir.Binary) for part in parts)
    if len(names) == 1 and compared and all(map(_compares, parts)):
        (name,) = names
        values = sorted({value for part in parts for value in _near(part)})
        fine = [any(_true(case, {name: value}) for case in good) for value in values]
        if any(fine):
            return _ranges(name, values, fine)
    return conditions.cases_text(good)


def _true(case: Case, memory: Mapping[str, int]) -> bool:
    return all(bool(evaluate(part, memory)) == holds for part, holds in case.assumed)


def _ranges(name: str, values: Sequence[int], fine: Sequence[bool]) -> str:
    """``n == 5``, ``n <= 4 || n >= 7``; the first and last value stand for all beyond."""
    parts = []
    number = 0
    while number < len(values):
        if not fine[number]:
            number += 1
            continue
        end = number
        while end + 1 < len(values) and fine[end + 1]:
            end += 1
        low, high = values[number], values[end]
        if number == 0 and end == len(values) - 1:
            return "1"
        if number == 0:
            parts.append(f"{name} <= {high}")
        elif end == len(values) - 1:
            parts.append(f"{name} >= {low}")
        elif low == high:
            parts.append(f"{name} == {low}")
        else:
            parts.append(f"{low} <= {name} <= {high}")
        number = end + 1
    return " || ".join(parts)


def evaluate(value: ir.Expr, memory: Mapping[str, int]) -> int | None:
    """The expression's value for these members and answers (by path, or by name for what
    is asked); None where something is missing or undefined."""
    match value:
        case ir.Const(number):
            return number
        case ir.Load(path, _, ()):
            return memory.get(path)
        case ir.Ask(name):
            return memory.get(name)
        case ir.Unary(op, operand):
            inner = evaluate(operand, memory)
            if inner is None:
                return None
            return {"-": -inner, "~": ~inner, "!": int(not inner)}[op]
        case ir.Binary(op, left, right):
            first, second = evaluate(left, memory), evaluate(right, memory)
            if first is None or second is None:
                return None
            return conditions.calculate(op, first, second)
        case ir.Select(condition, then, otherwise):
            chosen = evaluate(condition, memory)
            if chosen is None:
                return None
            return evaluate(then if chosen else otherwise, memory)
        case ir.Truncate(kind, operand):
            inner = evaluate(operand, memory)
            return None if inner is None else conditions.to_type(inner, kind)
    return None


def _below(value: ir.Expr) -> Iterator[ir.Expr]:
    yield value
    match value:
        case ir.Unary(_, operand) | ir.Truncate(_, operand):
            yield from _below(operand)
        case ir.Binary(_, left, right):
            yield from _below(left)
            yield from _below(right)
        case ir.Select(condition, then, otherwise):
            for part in (condition, then, otherwise):
                yield from _below(part)
        case ir.Load(_, _, subscripts):
            for part in subscripts:
                yield from _below(part)
        case ir.Exists(_, start, stop, _, body):
            for part in (start, stop, body):
                yield from _below(part)


def members(value: ir.Expr) -> frozenset[str]:
    """The members that an expression reads, those in arrays by their path with a place
    for the subscript."""
    return frozenset(part.path for part in _below(value) if isinstance(part, ir.Load))


def _members(value: ir.Expr) -> Iterator[str]:
    for part in _below(value):
        match part:
            case ir.Load(path, _, ()):
                yield path
            case ir.Ask(name):
                yield name


def _near(value: ir.Expr) -> Iterator[int]:
    yield from (0, 1)
    for part in _below(value):
        if isinstance(part, ir.Const):
            yield from (part.value - 1, part.value, part.value + 1)


def _loops(parts: Iterable[ir.Expr]) -> bool:
    return any(
        isinstance(part, ir.Exists | ir.Var)
        or (isinstance(part, ir.Load) and bool(part.subscripts))
        for whole in parts
        for part in _below(whole)
    )


def _compares(value: ir.Expr) -> bool:
    """Whether the expression only compares, so that values between two constants are all
    alike."""
    for part in _below(value):
        match part:
            case ir.Binary(op) if op not in _ORDERED:
                return False
            case ir.Unary(op) if op != "!":
                return False
            case ir.Exists() | ir.Truncate() | ir.Var():
                return False
    return True
