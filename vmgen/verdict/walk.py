"""Both sides followed at once, case by case, from the first byte to the last
subsection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, assert_never

from vmgen.verdict import cursor
from vmgen.verdict.cases import Assumptions
from vmgen.verdict.cursor import ItemCursor
from vmgen.verdict.model import Finding
from vmgen.verdict.rules import checks, code, objects, optional, subsections, units
from vmgen.verdict.state import Ending, Fork, Guarded, Pair, State, Step

Rule: TypeAlias = Callable[[ItemCursor | None, ItemCursor | None, State], Step | None]

RULES: tuple[Rule, ...] = (
    checks.remembered,
    optional.empty,
    optional.group,
    objects.pair,
    objects.single,
    subsections.sent,
    code.ended,
    code.same,
    code.other,
    objects.listed,
    units.of_length,
    units.units,
    code.unlike,
)
"""In the order in which they are tried; the last one always applies."""

LIMIT = 64
"""Cases that are followed in one description."""


def leaves(pair: Pair) -> tuple[Ending, ...]:
    """Every case of loading the pair's source as its target."""
    source, target = pair.source, pair.target
    begin = State(
        pair,
        cursor.start(source),
        cursor.start(target),
        Assumptions(given=pair.around.given),
    )
    refused = objects.window(target.placed, target.version, target.refused)
    return follow(begin if refused is None else begin.fail(refused))


def follow(begin: Step) -> tuple[Ending, ...]:
    """How each case ends that begins here."""
    found: list[Ending] = []
    waiting: list[Step] = [begin]
    cases = 1
    while waiting:
        match waiting.pop():
            case Ending() as leaf:
                found.append(leaf)
            case Fork(first, second):
                cases += 1
                if cases > LIMIT:
                    return (*found, _too_many(first))
                waiting += (second, first)
            case Guarded() as guarded:
                waiting.append(_tried(guarded))
            case State(source=None, target=None) as state:
                waiting.append(checks.end(state))
            case State() as state:
                waiting.append(_next(state))
            case other:
                assert_never(other)
    return tuple(found)


def _next(state: State) -> Step:
    for rule in RULES:
        step = rule(state.source, state.target, state)
        if step is not None:
            return step
    raise AssertionError(state)


def _tried(guarded: Guarded) -> Step:
    """What goes on after items that both sides have under one condition."""
    inside, after, apart = guarded.inside, guarded.after, guarded.apart
    ends = follow(inside)
    if all(
        leaf.failed is None
        and leaf.unclear is inside.unclear
        and leaf.required == inside.required
        and leaf.case == inside.case
        for leaf in ends
    ):
        for leaf in ends:
            after = after.renaming(leaf.renamed).noted(leaf.notes)
        return after
    if any(
        leaf.unclear is not None and leaf.unclear.kind == "recursion" for leaf in ends
    ):
        return Fork(apart.first.without_end(), apart.second.without_end())
    return apart


def _too_many(state: State) -> Ending:
    placed = state.pair.source.placed.description
    found = Finding("cases", placed.name, placed.symbol, limit=LIMIT)
    return Ending(Assumptions(), unclear=found)
