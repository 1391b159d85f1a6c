"""Conditions of fields and subsections: brought to one form, folded, decided by cases.

Two conditions are the same if they compute the same from the same members; the names of
C functions and enumerators do not count.  A condition that was not translated is known
by its C function alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from vmgen import ir, wording

TRUE = ir.Const(1)
FALSE = ir.Const(0)

_BOOLEAN = {"==", "!=", "<", "<=", ">", ">=", "&&", "||"}


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
                chosen = walk(condition)
                if isinstance(chosen, ir.Const):
                    return walk(then if chosen.value else otherwise)
                return ir.Select(chosen, walk(then), walk(otherwise))
            case ir.Truncate(kind, operand):
                inner = walk(operand)
                if isinstance(inner, ir.Const):
                    return ir.Const(_to_type(inner.value, kind))
                if kind == "bool" and _is_boolean(inner):
                    return inner
                return ir.Truncate(kind, inner)
            case ir.Exists(var, start, stop, step, body):
                return ir.Exists(var, walk(start), walk(stop), step, walk(body))
            case ir.Ask(name):
                return ir.Ask(name)
        return node

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
            return _not(truth(inner))
        case ir.Unary("!", inner):
            return _not(truth(inner))
        case ir.Binary(("&&" | "||") as op, left, right):
            return _binary(op, truth(left), truth(right))
        case ir.Truncate("bool", inner):
            return truth(inner)
    return value


def _not(value: ir.Expr) -> ir.Expr:
    match value:
        case ir.Const(number):
            return FALSE if number else TRUE
        case ir.Unary("!", inner) if _is_boolean(inner):
            return inner
        case ir.Binary("==", left, right):
            return ir.Binary("!=", left, right)
        case ir.Binary("!=", left, right):
            return ir.Binary("==", left, right)
        case ir.Binary("<", left, right):
            return ir.Binary(">=", left, right)
        case ir.Binary(">=", left, right):
            return ir.Binary("<", left, right)
        case ir.Binary(">", left, right):
            return ir.Binary("<=", left, right)
        case ir.Binary("<=", left, right):
            return ir.Binary(">", left, right)
    return ir.Unary("!", value)


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


def _unary(op: str, operand: ir.Expr) -> ir.Expr:
    if op == "!":
        return _not(truth(operand))
    if isinstance(operand, ir.Const):
        return ir.Const(-operand.value if op == "-" else ~operand.value)
    return ir.Unary("-" if op == "-" else "~", operand)


def _binary(op: str, left: ir.Expr, right: ir.Expr) -> ir.Expr:
    if op in ("&&", "||"):
        left, right = truth(left), truth(right)
        decisive = FALSE if op == "&&" else TRUE
        neutral = TRUE if op == "&&" else FALSE
        if decisive in (left, right):
            return decisive
        if left == neutral:
            return right
        if right == neutral or left == right:
            return left
    elif isinstance(left, ir.Const) and isinstance(right, ir.Const):
        found = calculate(op, left.value, right.value)
        if found is not None:
            return ir.Const(found)
    return ir.Binary(op, left, right)  # type: ignore[arg-type]


def calculate(op: str, left: int, right: int) -> int | None:
    """C's binary operators on integers of any size; None for what C leaves undefined."""
    if op in ("/", "%"):
        if right == 0:
            return None
        quotient = abs(left) // abs(right)
        if (left < 0) != (right < 0):
            quotient = -quotient
        return quotient if op == "/" else left - quotient * right
    if op in ("<<", ">>") and not 0 <= right < 64:
        return None
    operations: dict[str, Callable[[], int]] = {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "<<": lambda: left << right,
        ">>": lambda: left >> right,
        "&": lambda: left & right,
        "|": lambda: left | right,
        "^": lambda: left ^ right,
        "==": lambda: int(left == right),
        "!=": lambda: int(left != right),
        "<": lambda: int(left < right),
        "<=": lambda: int(left <= right),
        ">": lambda: int(left > right),
        ">=": lambda: int(left >= right),
        "&&": lambda: int(bool(left) and bool(right)),
        "||": lambda: int(bool(left) or bool(right)),
    }
    return operations[op]()


def _to_type(value: int, kind: str) -> int:
    if kind == "bool":
        return int(value != 0)
    bits = int(kind.lstrip("uint"))
    value %= 1 << bits
    if kind.startswith("int") and value >> (bits - 1):
        value -= 1 << bits
    return value


to_type = _to_type
"""C's conversion to an integer type."""

# --- deciding by cases ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """What is assumed: conditions (in :func:`normal` form, never negated) and whether
    each holds, in the order in which they were met."""

    assumed: tuple[tuple[ir.Expr, bool], ...] = ()

    def decide(self, value: ir.Expr) -> bool | None:
        """Whether the condition holds in this case; None if that is open."""
        known = dict(self.assumed)
        return _decide(value, known)

    def open_part(self, value: ir.Expr) -> ir.Expr:
        """The first part of an open condition that nothing is assumed of."""
        return _open_part(value, dict(self.assumed))

    def both(self, part: ir.Expr) -> tuple[Case, Case]:
        """The two cases of a part: that it holds, and that it does not."""
        return (
            Case((*self.assumed, (part, True))),
            Case((*self.assumed, (part, False))),
        )


def _decide(value: ir.Expr, known: Mapping[ir.Expr, bool]) -> bool | None:
    if value in known:
        return known[value]
    match value:
        case ir.Const(number):
            return bool(number)
        case ir.Unary("!", inner):
            found = _decide(inner, known)
            return None if found is None else not found
        case ir.Binary("&&", left, right):
            sides = _decide(left, known), _decide(right, known)
            if False in sides:
                return False
            return None if None in sides else True
        case ir.Binary("||", left, right):
            sides = _decide(left, known), _decide(right, known)
            if True in sides:
                return True
            return None if None in sides else False
        case ir.Binary():
            other = _not(value)
            if other in known:
                return not known[other]
    return None


def _open_part(value: ir.Expr, known: Mapping[ir.Expr, bool]) -> ir.Expr:
    match value:
        case ir.Unary("!", inner):
            return _open_part(inner, known)
        case ir.Binary("&&" | "||", left, right):
            if _decide(left, known) is None:
                return _open_part(left, known)
            return _open_part(right, known)
    return value


def text(value: ir.Expr) -> str:
    """The condition as people read it: what is denied as a whole is denied in parts."""
    return wording.expression(_spread(value))


def _spread(value: ir.Expr) -> ir.Expr:
    match value:
        case ir.Unary("!", ir.Binary(("&&" | "||") as op, left, right)):
            other: Literal["&&", "||"] = "||" if op == "&&" else "&&"
            return ir.Binary(other, _spread(_not(left)), _spread(_not(right)))
        case ir.Binary(("&&" | "||") as op, left, right):
            return ir.Binary(op, _spread(left), _spread(right))
    return value


def cases_text(cases: Iterable[Case]) -> str:
    """What the cases have in common with nothing else: ``a && !b || c``, shortened."""
    terms = {frozenset(case.assumed) for case in cases}
    changed = True
    while changed:
        changed = False
        for one in sorted(terms, key=_order):
            for part in one:
                other = (one - {part}) | {(part[0], not part[1])}
                if other in terms:
                    terms -= {one, other}
                    terms.add(one - {part})
                    changed = True
                    break
            if changed:
                break
        absorbed = {term for term in terms if any(other < term for other in terms)}
        # ``a || !a && b`` is ``a || b``.
        for term in sorted(terms - absorbed, key=_order):
            for part in term:
                opposite = (part[0], not part[1])
                if any(
                    opposite in o and o - {opposite} <= term - {part} for o in terms
                ):
                    terms.remove(term)
                    terms.add(term - {part})
                    changed = True
                    break
            if changed:
                break
        if not changed:
            terms -= absorbed
    parts = []
    for term in sorted(terms, key=_order):
        items = [
            (item if holds else _not(item))
            for item, holds in sorted(term, key=lambda pair: text(pair[0]))
        ]
        whole: ir.Expr = items[0] if items else TRUE
        for item in items[1:]:
            whole = ir.Binary("&&", whole, item)
        parts.append(text(whole))
    return " || ".join(parts)


def _order(term: frozenset[tuple[ir.Expr, bool]]) -> tuple[int, str]:
    return len(term), " ".join(sorted(f"{text(item)} {holds}" for item, holds in term))
