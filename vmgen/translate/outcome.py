"""How a statement ends: one way, or several that conditions decide between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from vmgen.source import NOWHERE, Position
from vmgen.translate import scalar
from vmgen.translate.scalar import Scalar
from vmgen.translate.values import State, Unknown, Value


@dataclass(frozen=True, slots=True)
class Way:
    """How a statement ends, and what holds then: on to the next statement (``on``), out
    of it by a jump, or never (``dead``: an assertion that fails).  ``position`` is where
    it returns."""

    end: Literal["on", "return", "break", "continue", "dead"]
    state: State
    value: Value | None = None
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Fork:
    """Two ways that a condition decides between."""

    condition: Scalar | Unknown
    then: Outcome
    otherwise: Outcome


Outcome: TypeAlias = Way | Fork


def ways(outcome: Outcome) -> list[Way]:
    """All ways of an outcome."""
    if isinstance(outcome, Way):
        return [outcome]
    return ways(outcome.then) + ways(outcome.otherwise)


def each(outcome: Outcome, change: Callable[[Way], Outcome]) -> Outcome:
    """The outcome with every way replaced."""
    if isinstance(outcome, Way):
        return change(outcome)
    return Fork(
        outcome.condition, each(outcome.then, change), each(outcome.otherwise, change)
    )


def returns(outcome: Outcome) -> Scalar | Unknown:
    """The condition under which an outcome returns."""
    if isinstance(outcome, Way):
        return scalar.constant(int(outcome.end == "return"))
    then, otherwise = returns(outcome.then), returns(outcome.otherwise)
    for side in (outcome.condition, then, otherwise):
        if isinstance(side, Unknown):
            return side
    assert isinstance(outcome.condition, Scalar)
    assert isinstance(then, Scalar)
    assert isinstance(otherwise, Scalar)
    return scalar.choose(outcome.condition, then, otherwise)
