"""Cases of conditions: which can happen at all, and which condition tells the good ones
from the bad.

Values are tried, not solved for: those next to the constants that the conditions compare
with, and the bits that they test.  Where there are too many of them to try, every case
counts as possible.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from vmgen import ir, wording
from vmgen.ir import evaluate as arithmetic
from vmgen.verdict import conditions
from vmgen.verdict.conditions import FALSE, TRUE, every, negated

TRIES = 4000
"""Assignments that are tried for one case."""

_ORDERED = {"==", "!=", "<", "<=", ">", ">=", "&&", "||"}


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is assumed: conditions (in :func:`conditions.normal` form, never negated) and
    whether each holds, in the order in which they were met.

    ``given`` are conditions that hold in every case of the comparison: the section or
    subsection is not sent otherwise.
    """

    assumed: tuple[tuple[ir.Expr, bool], ...] = ()
    given: tuple[ir.Expr, ...] = ()

    def decide(self, value: ir.Expr) -> bool | None:
        """Whether the condition holds in this case; None if that is open."""
        return _decide(value, dict(self._known()))

    def open_part(self, value: ir.Expr) -> ir.Expr:
        """The first part of an open condition that nothing is assumed of."""
        return _open_part(value, dict(self._known()))

    def both(self, part: ir.Expr) -> tuple[Assumptions, Assumptions]:
        """The two cases of a part: that it holds, and that it does not."""
        return (
            Assumptions((*self.assumed, (part, True)), self.given),
            Assumptions((*self.assumed, (part, False)), self.given),
        )

    @property
    def possible(self) -> bool:
        """Whether some values of the members make the case true."""
        return _possible(tuple(self._known()))

    def _known(self) -> Iterator[tuple[ir.Expr, bool]]:
        for condition in self.given:
            yield from _parts(condition)
        yield from self.assumed


def _parts(condition: ir.Expr) -> Iterator[tuple[ir.Expr, bool]]:
    """What holds and what does not where the condition holds."""
    match condition:
        case ir.Binary("&&", left, right):
            yield from _parts(left)
            yield from _parts(right)
        case ir.Unary("!", ir.Binary("||", left, right)):
            yield from _parts(negated(left))
            yield from _parts(negated(right))
        case ir.Unary("!", inner):
            yield inner, False
        case _:
            yield condition, True


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
            other = negated(value)
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


# --- values that are tried ------------------------------------------------------------


def _possible(known: Sequence[tuple[ir.Expr, bool]]) -> bool:
    """Whether some values make all parts what they are said to be.

    Only parts that compare members, or test bits of them, are tried: for these the values
    next to their constants, and the bits that they test in any combination, stand for all
    others.  A member that is both compared and tested is left out.
    """
    tested = {name for part, _ in known if _tests(part) for name in _names(part)}
    compared = {name for part, _ in known if _compares(part) for name in _names(part)}
    both = tested & compared
    known = [
        (part, holds)
        for part, holds in known
        if (_tests(part) or _compares(part)) and not both & set(_names(part))
    ]
    names = sorted({name for part, _ in known for name in _names(part)})
    if not known:
        return True
    near = sorted({value for part, _ in known for value in _near(part)})
    masks = {name: _masks(known, name) for name in tested}
    choices = [masks[name] if name in tested else near for name in names]
    if math.prod(map(len, choices)) > TRIES:
        return True
    for chosen in itertools.product(*choices):
        memory = dict(zip(names, chosen, strict=True))
        if all(
            (found := evaluate(part, memory)) is None or bool(found) == holds
            for part, holds in known
        ):
            return True
    return False


def _masks(known: Sequence[tuple[ir.Expr, bool]], name: str) -> Sequence[int]:
    """Every combination of the bits that are tested of a member."""
    bits = 0
    for part, _ in known:
        if name in _names(part):
            for one in ir.walk(part):
                bits |= one.value if isinstance(one, ir.Const) else 0
    found = [0]
    for bit in range(bits.bit_length()):
        if bits >> bit & 1:
            found += [value | 1 << bit for value in found]
            if len(found) > TRIES:
                break
    return found


def _tests(value: ir.Expr) -> bool:
    """Whether the expression tests bits of members by constants, and does no more."""
    match value:
        case ir.Binary("&", ir.Load(_, _, ()) | ir.Ask(), ir.Const(mask)):
            return mask >= 0
        case ir.Binary("==" | "!=", inner, ir.Const(0)) | ir.Unary("!", inner):
            return _tests(inner)
        case ir.Binary("&&" | "||", left, right):
            return _tests(left) and _tests(right)
    return False


def implied(condition: ir.Expr, known: Sequence[ir.Expr]) -> bool:
    """Whether the condition holds wherever all known ones do; False if that is open."""
    if condition == TRUE or condition in known:
        return True
    names = set(_names(condition))
    near = [item for item in known if names & set(_names(item))]
    if not names or not near or not all(map(_compares, (*near, condition))):
        return False
    return not _possible((*((item, True) for item in near), (condition, False)))


def evaluate(value: ir.Expr, memory: Mapping[str, int]) -> int | None:
    """The expression's value for these members and answers (by path, or by name for a
    question); None where something is missing or undefined."""
    members = arithmetic.Known(
        member=lambda path, _: memory.get(path), answer=memory.get
    )
    return arithmetic.evaluate(value, members)


def deciding(condition: ir.Expr | None) -> dict[str, tuple[int, ...]]:
    """For every member that a condition reads, values on either side of it, perhaps."""
    if condition is None:
        return {}
    near = tuple(sorted(set(_near(condition))))
    return dict.fromkeys(_names(condition), near)


def _names(value: ir.Expr) -> Iterator[str]:
    for part in ir.walk(value):
        match part:
            case ir.Load(path, _, ()):
                yield path
            case ir.Ask(name):
                yield name


def _near(value: ir.Expr) -> Iterator[int]:
    yield from (-1, 0, 1)  # a member alone is compared with 0
    for part in ir.walk(value):
        if isinstance(part, ir.Const):
            yield from (part.value - 1, part.value, part.value + 1)


def _compares(value: ir.Expr) -> bool:
    """Whether the expression only compares, so that values between two constants are all
    alike."""
    for part in ir.walk(value):
        match part:
            case ir.Binary(op):
                alike = op in _ORDERED
            case ir.Unary(op):
                alike = op == "!"
            case ir.Load(subscripts=subscripts):
                alike = not subscripts
            case ir.Exists() | ir.Truncate() | ir.Var():
                alike = False
            case ir.Const() | ir.Version() | ir.Select() | ir.Ask():
                alike = True
            case _:
                assert_never(part)
        if not alike:
            return False
    return True


# --- one condition for many cases -----------------------------------------------------


def condition_of(good: Sequence[Assumptions], bad: Sequence[Assumptions]) -> ir.Expr:
    """The condition that separates the good cases from the bad ones: ranges of one member
    where only one decides and is compared only, else the conditions as C has them."""
    parts = [expr for case in (*good, *bad) for expr, _ in case.assumed]
    names = {name for part in parts for name in _names(part)}
    compared = any(isinstance(part, ir.Binary) for part in parts)
    if len(names) == 1 and compared and all(map(_compares, parts)):
        member = next(
            part
            for whole in parts
            for part in ir.walk(whole)
            if isinstance(part, ir.Load | ir.Ask)
        )
        (name,) = names
        values = sorted({value for part in parts for value in _near(part)})
        fine = [any(_true(case, {name: value}) for case in good) for value in values]
        if any(fine):
            return _ranges(member, values, fine)
    return _joined(good)


def _true(case: Assumptions, memory: Mapping[str, int]) -> bool:
    return all(bool(evaluate(part, memory)) == holds for part, holds in case.assumed)


def _ranges(member: ir.Expr, values: Sequence[int], fine: Sequence[bool]) -> ir.Expr:
    """``n == 5``, ``n <= 4 || n >= 7``; the first and last value stand for all beyond."""

    def compared(op: str, value: int) -> ir.Expr:
        return ir.Binary(op, member, ir.Const(value))  # type: ignore[arg-type]

    found: ir.Expr | None = None
    last = len(values) - 1
    for holds, group in itertools.groupby(range(len(values)), fine.__getitem__):
        if not holds:
            continue
        numbers = list(group)
        first, end = numbers[0], numbers[-1]
        low, high = values[first], values[end]
        if first > 0 and low == high and end < last:
            part = compared("==", low)
        else:
            bounds = [compared(">=", low)] if first > 0 else []
            bounds += [compared("<=", high)] if end < last else []
            part = every(bounds)
        found = conditions.either(found, part)
    return FALSE if found is None else found


def _joined(cases: Iterable[Assumptions]) -> ir.Expr:
    """What the cases have in common with nothing else: ``a && !b || c``, shortened."""
    terms = {frozenset(case.assumed) for case in cases}
    while (shorter := _shorter(terms)) is not None:
        terms = shorter
    terms -= {term for term in terms if any(other < term for other in terms)}
    found: ir.Expr | None = None
    for term in sorted(terms, key=_order):
        items = sorted(term, key=lambda pair: wording.expression(pair[0]))
        whole = every(item if holds else negated(item) for item, holds in items)
        found = conditions.either(found, whole)
    return FALSE if found is None else found


_Term = frozenset[tuple[ir.Expr, bool]]


def _shorter(terms: set[_Term]) -> set[_Term] | None:
    """The terms with one that has a part less; None where none can be shortened."""
    for term in sorted(terms, key=_order):
        for part in sorted(term, key=str):
            opposite = part[0], not part[1]
            rest = term - {part}
            if rest | {opposite} in terms:  # a && b || a && !b
                return terms - {term, rest | {opposite}} | {rest}
            if any(opposite in one and one - {opposite} <= rest for one in terms):
                return terms - {term} | {rest}  # a || !a && b
    return None


def _order(term: _Term) -> tuple[int, str]:
    names = (f"{wording.expression(item)} {holds}" for item, holds in term)
    return len(term), " ".join(sorted(names))
