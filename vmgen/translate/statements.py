"""C statements over the opaque object: the paths through a function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from vmgen.cfront import ctype, syntax
from vmgen.cfront.arithmetic import integer_of
from vmgen.cfront.syntax import Statement
from vmgen.source import Position
from vmgen.translate.cases import Switches
from vmgen.translate.endings import fails, never_returns
from vmgen.translate.failure import Untranslatable
from vmgen.translate.loops import Loops
from vmgen.translate.paths import Outcome, Path, PathRow, forked, map_paths
from vmgen.translate.places import Places, truth
from vmgen.translate.policy import Engine, OpenLoop, Policy
from vmgen.translate.scalar import Scalar
from vmgen.translate.values import BlockFrame, PathState, Untranslated


class Statements:
    """Executes statements; what they decide shows in the outcome."""

    def __init__(self, engine: Engine, places: Places, policy: Policy) -> None:
        self._engine = engine
        self._layout = engine.layout
        self._places = places
        self._policy = policy
        self._loops = Loops(engine, places, policy)
        self._switches = Switches(engine)

    # --- blocks and jumps ---------------------------------------------------------------

    def run(
        self, items: Sequence[Statement], frame: BlockFrame, state: PathState
    ) -> Outcome:
        """Statements in a row."""
        row = PathRow(self._engine.rejoin, self._policy.apart)
        for number, item in enumerate(items):
            outcome = self.statement(item, frame, state)
            onward = row.after(outcome)
            if onward is None:
                rest = items[number + 1 :]
                return row.ended(self._apart(outcome, rest, frame))
            state = onward
        return row.ended(Path("on", state))

    def _apart(
        self, outcome: Outcome, rest: Sequence[Statement], frame: BlockFrame
    ) -> Outcome:
        """The rest of a row on every path that goes on."""

        def go_on(path: Path) -> Outcome:
            if path.end != "on":
                return path
            return self.run(rest, frame.again(), path.state)

        return map_paths(outcome, go_on)

    def goto(
        self, label: str, frame: BlockFrame, state: PathState, position: Position
    ) -> Outcome:
        """From a label in the function's outermost block on, to its return."""
        items = frame.body.items
        at = next(
            (
                number
                for number, item in enumerate(items)
                if isinstance(item, syntax.Label) and item.name == label
            ),
            None,
        )
        if at is None or label in frame.jumped:
            raise Untranslatable("uses goto", position)
        there = frame.landing(label)
        for item in items[:at]:
            if isinstance(item, syntax.LocalDecl) and item.name not in there.names:
                self._skip(item, there, state)
        outcome = self.run(items[at:], there, state)
        return map_paths(
            outcome,
            lambda path: (
                Path("return", path.state, None, position) if path.end == "on" else path
            ),
        )

    def _skip(
        self, local: syntax.LocalDecl, frame: BlockFrame, state: PathState
    ) -> None:
        """A declaration that a jump passed by: what the variable holds is not known."""
        if isinstance(local.type, syntax.AutoType):
            raise Untranslatable("jumps over a variable of open type", local.position)
        cell = self._places.cell(self._places.resolve(local.type, frame))
        frame.names[local.name] = cell
        state.cells[cell] = Untranslated(f"reads '{local.name}', which a goto skips")

    # --- one statement ------------------------------------------------------------------

    def statement(
        self, statement: Statement, frame: BlockFrame, state: PathState
    ) -> Outcome:
        """One statement; ``state`` is used up."""
        before = state.copy()
        try:
            kept = len(state.cells) if self._policy.apart else 0
            self._engine.budget.step(statement.position, kept)
            return self._execute(statement, frame, state)
        except Untranslatable as failure:
            if not failure.placed:
                failure = Untranslatable(failure.reason, statement.position)
            return self._policy.untranslatable(
                self._engine, statement, frame, before, failure
            )

    def _execute(
        self, statement: Statement, frame: BlockFrame, state: PathState
    ) -> Outcome:
        match statement:
            case syntax.LocalDecl():
                self._declare(statement, frame, state)
                return Path("on", state)
            case syntax.ExprStatement(expression):
                if never_returns(expression):
                    return Path("dead", state)
                self._engine.effect(expression, frame, state)
                return Path("on", state)
            case syntax.Block(items):
                return self.run(items, frame.inner(), state)
            case syntax.If():
                return self._if(statement, frame, state)
            case syntax.For():
                return self._for(statement, frame.inner(), state)
            case syntax.While(condition, body, after, position):
                loop = OpenLoop(condition, None, body, position, after)
                return self._loops.run(loop, frame.inner(), state)
            case syntax.Switch():
                return self._switches.run(statement, frame, state)
            case syntax.Return(expression, position):
                value = None
                if expression is not None:
                    value = self._engine.value(expression, frame, state)
                return Path("return", state, value, position)
            case syntax.Jump("goto", label, position):
                return self.goto(label, frame, state, position)
            case syntax.Jump(kind):
                assert kind != "goto"  # the case above
                return Path(kind, state)
            case syntax.Label(_, inner):
                return self.statement(inner, frame, state)
            case syntax.Case():
                raise Untranslatable(
                    "has a case inside a nested block", statement.position
                )
            case syntax.Empty():
                return Path("on", state)
            case _:
                assert_never(statement)

    def _declare(
        self, local: syntax.LocalDecl, frame: BlockFrame, state: PathState
    ) -> None:
        initializer = local.initializer
        if isinstance(local.type, syntax.AutoType):
            if initializer is None or isinstance(initializer, syntax.InitList):
                raise Untranslatable("declares a variable of open type", local.position)
            type = self._layout.type_of(initializer, self._places.scope(frame))
            if isinstance(type, ctype.Array):
                type = ctype.Pointer(type.element)
        else:
            type = self._places.resolve(local.type, frame)
        cell = self._places.cell(type)
        frame.names[local.name] = cell
        if local.static:
            state.cells[cell] = Untranslated(
                f"reads the static variable '{local.name}'"
            )
        elif isinstance(initializer, syntax.InitList):
            only = initializer.items[0].value if len(initializer.items) == 1 else None
            if (
                integer_of(type) is None
                or only is None
                or isinstance(only, syntax.InitList)
            ):
                state.cells[cell] = Untranslated(
                    f"builds the local '{local.name}' ({local.position})"
                )
            else:
                state.cells[cell] = self._places.assigned(
                    self._engine.value(only, frame, state), type
                )
        elif initializer is not None:
            state.cells[cell] = self._places.assigned(
                self._engine.value(initializer, frame, state), type
            )

    def _for(
        self, statement: syntax.For, frame: BlockFrame, state: PathState
    ) -> Outcome:
        for item in statement.start:
            if isinstance(item, syntax.LocalDecl):
                self._declare(item, frame, state)
            else:
                self._engine.effect(item.expression, frame, state)
        return self._loops.run_for(statement, frame, state)

    # --- branches -----------------------------------------------------------------------

    def _if(self, statement: syntax.If, frame: BlockFrame, state: PathState) -> Outcome:
        # Assertions hold: the branch that one takes when it fails is no path.
        if fails(statement.then):
            return self._branch(statement.otherwise, frame, state)
        if statement.otherwise is not None and fails(statement.otherwise):
            return self._branch(statement.then, frame, state)
        condition = truth(self._engine.value(statement.condition, frame, state))
        if isinstance(condition, Scalar) and condition.constant is not None:
            taken = statement.then if condition.constant else statement.otherwise
            return self._branch(taken, frame, state)
        other = state.copy()
        then = self._branch(statement.then, frame, state)
        otherwise = self._branch(statement.otherwise, frame, other)
        return forked(condition, then, otherwise, self._engine.rejoin)

    def _branch(
        self, statement: Statement | None, frame: BlockFrame, state: PathState
    ) -> Outcome:
        if statement is None:
            return Path("on", state)
        return self.statement(statement, frame.inner(), state)
