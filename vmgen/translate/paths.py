"""The paths through a statement, and the conditions that decide between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from vmgen.source import NOWHERE, Position
from vmgen.translate import scalar
from vmgen.translate.scalar import Scalar
from vmgen.translate.values import PathState, Truth, Untranslated, Value

Join: TypeAlias = Callable[[Truth, PathState, PathState], PathState]
"""One state for what holds after either of two paths."""


@dataclass(frozen=True, slots=True)
class Path:
    """How a statement ends, and what holds then: on to the next statement (``on``), out
    of it by a jump, or never (``dead``: an assertion that fails).  ``position`` is where
    it returns."""

    end: Literal["on", "return", "break", "continue", "dead"]
    state: PathState
    value: Value | None = None
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class PathFork:
    """Two outcomes that a condition decides between."""

    condition: Truth
    then: Outcome
    otherwise: Outcome


@dataclass(frozen=True, slots=True)
class Exits(PathFork):
    """A fork whose ``then`` side has only paths that leave the statements around; they
    carry their own conditions, so that the fork's condition adds nothing to them.  What
    would go on there is ``dead``: the ``otherwise`` side has it."""


Outcome: TypeAlias = Path | PathFork


def paths(outcome: Outcome) -> Iterator[Path]:
    """All paths of an outcome, in order."""
    while isinstance(outcome, PathFork):
        yield from paths(outcome.then)
        outcome = outcome.otherwise
    yield outcome


def map_paths(outcome: Outcome, change: Callable[[Path], Outcome]) -> Outcome:
    """The outcome with every path replaced."""
    if isinstance(outcome, Path):
        return change(outcome)
    return replace(
        outcome,
        then=map_paths(outcome.then, change),
        otherwise=map_paths(outcome.otherwise, change),
    )


def condition_of(outcome: Outcome, holds: Callable[[Path], bool]) -> Truth:
    """The condition under which an outcome takes one of the paths that ``holds`` names."""
    if isinstance(outcome, Path):
        return scalar.constant(int(holds(outcome)))
    then = condition_of(outcome.then, holds)
    otherwise = condition_of(outcome.otherwise, holds)
    if isinstance(then, Untranslated) or isinstance(otherwise, Untranslated):
        return then if isinstance(then, Untranslated) else otherwise
    if then.constant is not None and then.constant == otherwise.constant:
        return then
    if isinstance(outcome.condition, Untranslated):
        return outcome.condition
    return scalar.choose(outcome.condition, then, otherwise)


def forked(condition: Truth, then: Outcome, otherwise: Outcome, join: Join) -> Outcome:
    """Both outcomes; one path again if they meet at the end of the statement."""
    if isinstance(then, Path) and then.end == "dead":
        return otherwise
    if isinstance(otherwise, Path) and otherwise.end == "dead":
        return then
    if not (isinstance(then, Path) and isinstance(otherwise, Path)):
        return PathFork(condition, then, otherwise)
    together = then.state.moved == otherwise.state.moved
    if then.end == otherwise.end != "return" and together:
        met = join(condition, then.state, otherwise.state)
        return Path(then.end, met)
    return PathFork(condition, then, otherwise)


def joined(outcome: Outcome, join: Join) -> PathState | None:
    """What holds after all paths that go on; None if none does."""
    if isinstance(outcome, Path):
        return outcome.state if outcome.end == "on" else None
    then, otherwise = joined(outcome.then, join), joined(outcome.otherwise, join)
    if then is None or otherwise is None:
        return then or otherwise
    return join(outcome.condition, then, otherwise)


def after_exits(outcome: Outcome, last: Outcome) -> Outcome:
    """What comes last, for the paths of an outcome that go on and were joined."""
    leaves = condition_of(outcome, lambda path: path.end not in ("on", "dead"))
    if isinstance(leaves, Scalar) and leaves.constant == 0:
        return last
    exits = map_paths(
        outcome, lambda path: replace(path, end="dead") if path.end == "on" else path
    )
    return Exits(leaves, exits, last)


def after_path(outcome: Outcome, last: Outcome) -> Outcome:
    """What comes last, in the place of the one path of an outcome that goes on."""
    return map_paths(outcome, lambda path: last if path.end == "on" else path)


class PathRow:
    """Statements one after another: the forks that lie behind, and the one state in
    which what comes after them begins."""

    def __init__(self, join: Join, apart: bool) -> None:
        self._join = join
        self._apart = apart
        self._behind: list[Outcome] = []

    def after(self, outcome: Outcome) -> PathState | None:
        """What holds after a statement; None if it never goes on, or if several paths
        go on that are followed apart."""
        if isinstance(outcome, Path):
            return outcome.state if outcome.end == "on" else None
        if self._apart:
            onward = [path.state for path in paths(outcome) if path.end == "on"]
            state = onward[0] if len(onward) == 1 else None
        else:
            state = joined(outcome, self._join)
        if state is not None:
            self._behind.append(outcome)
        return state

    def ended(self, last: Outcome) -> Outcome:
        """The outcome of all, the last one's at the end."""
        for outcome in reversed(self._behind):
            last = (after_path if self._apart else after_exits)(outcome, last)
        return last
