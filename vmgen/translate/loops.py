"""C loops: as one existence where they look for something, else turn by turn."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vmgen import ir
from vmgen.cfront import syntax
from vmgen.cfront.arithmetic import integer_of
from vmgen.cfront.ctype import Integer
from vmgen.cfront.syntax import Statement
from vmgen.translate import scalar
from vmgen.translate.failure import Untranslatable
from vmgen.translate.paths import (
    Outcome,
    Path,
    PathFork,
    PathRow,
    condition_of,
    map_paths,
    paths,
)
from vmgen.translate.places import Places, truth
from vmgen.translate.policy import Engine, OpenLoop, Policy
from vmgen.translate.scalar import Scalar
from vmgen.translate.values import BlockFrame, PathState, Truth, Untranslated, Value


@dataclass(frozen=True, slots=True)
class _Counting:
    """``for (i = start; i < stop; i += step)``."""

    name: str
    start: Scalar
    stop: Scalar
    step: int

    def after(self, type: Integer) -> Value:
        """The counter when the loop is over."""
        start, stop = self.start.constant, self.stop.constant
        if start is None or stop is None:
            return Untranslated(f"reads '{self.name}' after its loop")
        turns = -(-(stop - start) // self.step)
        return scalar.constant(start + turns * self.step, type)


class Loops:
    """Executes loops."""

    def __init__(self, engine: Engine, places: Places, policy: Policy) -> None:
        self._engine = engine
        self._places = places
        self._policy = policy

    def run_for(
        self, statement: syntax.For, frame: BlockFrame, state: PathState
    ) -> Outcome:
        """A ``for`` loop behind its initialisation."""
        condition = statement.condition or syntax.IntegerLiteral(1)
        counting = self._counting(statement, frame, state)
        if counting is not None:
            outcome = self._exists(counting, statement.body, frame, state)
            if outcome is not None:
                return outcome
        loop = OpenLoop(condition, statement.step, statement.body, statement.position)
        return self.run(loop, frame, state)

    # --- a loop that looks for something ------------------------------------------------

    def _counting(
        self, loop: syntax.For, frame: BlockFrame, state: PathState
    ) -> _Counting | None:
        """The loop as one that counts upwards, None if it is none: one that counts down is
        rare, and written out if its bounds are constant."""
        match loop.condition, loop.step:
            case (
                syntax.BinaryOperation(
                    "<" | "<=" | "!=" as op, syntax.Name(name), bound
                ),
                syntax.UnaryOperation("++" | "p++", syntax.Name(stepped)),
            ):
                step = 1
            case (
                syntax.BinaryOperation(
                    "<" | "<=" | "!=" as op, syntax.Name(name), bound
                ),
                syntax.Assign("+=", syntax.Name(stepped), by),
            ):
                width = self._engine.value(by, frame, state.copy())
                step = (isinstance(width, Scalar) and width.constant) or 0
            case _:
                return None
        cell = frame.names.get(name)
        start = None if cell is None else state.cells.get(cell)
        stop = self._engine.value(bound, frame, state.copy())
        if (
            name != stepped
            or step <= 0
            or not isinstance(start, Scalar)
            or not isinstance(stop, Scalar)
        ):
            return None
        if op == "!=" and (step != 1 or start.high > stop.low):
            return None
        if op == "<=":
            stop = scalar.binary("+", stop, scalar.constant(1, stop.type))
        if start.low < 0 or stop.low < 0:
            return None
        return _Counting(name, start, stop, step)

    def _exists(
        self, loop: _Counting, body: Statement, frame: BlockFrame, state: PathState
    ) -> Outcome | None:
        """A loop that only looks for a reason to return one constant."""
        if loop.stop.high <= loop.start.low:
            return Path("on", state)
        name = loop.name
        while name in frame.loops:
            name += "_"
        cell = frame.names[loop.name]
        type = integer_of(self._places.cell_type(cell))
        if type is None:
            return None
        before = state.copy()
        before.cells[cell] = Scalar(
            ir.Var(name), type, loop.start.low, loop.stop.high - 1
        )
        inner = replace(frame.inner(), loops=(*frame.loops, name))
        try:
            outcome = self._engine.statement(body, inner, before.copy())
        except Untranslatable:
            if loop.start.constant is None or loop.stop.constant is None:
                raise
            return None  # written out turn by turn it may work, or say what does not
        results: list[Scalar] = []
        for path in paths(outcome):
            if path.end == "break" or not _kept(before, path.state):
                return None
            if path.end == "return":
                if not isinstance(path.value, Scalar) or path.value.constant is None:
                    return None
                results.append(path.value)
        if any(result.constant != results[0].constant for result in results):
            return None
        if not results:
            state.cells[cell] = loop.after(type)
            return Path("on", state)
        found = condition_of(outcome, lambda path: path.end == "return")
        condition: Truth = found
        if isinstance(found, Scalar):
            condition = scalar.boolean(
                ir.Exists(name, loop.start.expr, loop.stop.expr, loop.step, found.expr)
            )
        other = state.copy()
        other.cells[cell] = loop.after(type)
        return PathFork(condition, Path("return", state, results[0]), Path("on", other))

    # --- turn by turn -------------------------------------------------------------------

    def run(
        self, loop: OpenLoop, frame: BlockFrame, state: PathState, first: int = 0
    ) -> Outcome:
        """A loop written out, from the turn ``first`` on."""
        row = PathRow(self._engine.rejoin, self._policy.apart)
        for number in range(first, self._policy.max_turns + 1):
            if not loop.after or number:
                goes_on = truth(self._engine.value(loop.condition, frame, state))
                if isinstance(goes_on, Untranslated) or goes_on.constant is None:
                    last = self._policy.open_loop(self._engine, loop, frame, state)
                    return _left(row.ended(last))
                if not goes_on.constant:
                    return _left(row.ended(Path("on", state)))
            outcome = map_paths(
                self._engine.statement(loop.body, frame.inner(), state),
                lambda path: (
                    replace(path, end="on") if path.end == "continue" else path
                ),
            )
            breaks = any(path.end == "break" for path in paths(outcome))
            if breaks and isinstance(outcome, PathFork) and not self._policy.apart:
                raise Untranslatable("leaves a loop on a condition", loop.position)
            onward = row.after(outcome)
            if onward is None:
                return _left(row.ended(self._apart(outcome, loop, frame, number + 1)))
            state = self._stepped(loop, frame, onward)
        raise Untranslatable("has a loop of too many turns", loop.position)

    def _apart(
        self, outcome: Outcome, loop: OpenLoop, frame: BlockFrame, number: int
    ) -> Outcome:
        """The next turns on every path that goes on."""

        def go_on(path: Path) -> Outcome:
            if path.end != "on":
                return path
            return self.run(loop, frame, self._stepped(loop, frame, path.state), number)

        return map_paths(outcome, go_on)

    def _stepped(
        self, loop: OpenLoop, frame: BlockFrame, state: PathState
    ) -> PathState:
        if loop.step is not None:
            self._engine.effect(loop.step, frame, state)
        return state


def _kept(before: PathState, after: PathState) -> bool:
    """Whether a turn leaves all as it was."""
    return (
        before.moved == after.moved
        and before.changed == after.changed
        and all(after.cells.get(cell) == was for cell, was in before.cells.items())
    )


def _left(outcome: Outcome) -> Outcome:
    """The outcome of a loop: what breaks out of it goes on after it."""
    return map_paths(
        outcome, lambda path: Path("on", path.state) if path.end == "break" else path
    )
