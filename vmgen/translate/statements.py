"""C statements over the opaque object: the paths through a function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from vmgen.cfront import ctype, syntax
from vmgen.cfront.arithmetic import integer_of
from vmgen.cfront.syntax import Statement
from vmgen.source import Position
from vmgen.translate import scalar
from vmgen.translate.cases import labels
from vmgen.translate.endings import fails, never_returns
from vmgen.translate.failure import Untranslatable
from vmgen.translate.loops import Loops
from vmgen.translate.paths import Fork, Outcome, Path, Row, map_paths
from vmgen.translate.places import Places, truth
from vmgen.translate.policy import Engine, OpenLoop, Policy
from vmgen.translate.scalar import Scalar
from vmgen.translate.values import Frame, State, Truth, Unknown, Value


class Statements:
    """Executes statements; what they decide shows in the outcome."""

    def __init__(self, engine: Engine, places: Places, policy: Policy) -> None:
        self._engine = engine
        self._layout = engine.layout
        self._places = places
        self._policy = policy
        self._loops = Loops(engine, places, policy)

    # --- blocks and jumps ---------------------------------------------------------------

    def run(self, items: Sequence[Statement], frame: Frame, state: State) -> Outcome:
        """Statements in a row."""
        row = Row(self._engine.rejoin, self._policy.apart)
        for number, item in enumerate(items):
            outcome = self.statement(item, frame, state)
            onward = row.after(outcome)
            if onward is None:
                rest = items[number + 1 :]
                return row.ended(self._apart(outcome, rest, frame))
            state = onward
        return row.ended(Path("on", state))

    def _apart(
        self, outcome: Outcome, rest: Sequence[Statement], frame: Frame
    ) -> Outcome:
        """The rest of a row on every path that goes on."""

        def go_on(path: Path) -> Outcome:
            if path.end != "on":
                return path
            return self.run(rest, frame.again(), path.state)

        return map_paths(outcome, go_on)

    def goto(
        self, label: str, frame: Frame, state: State, position: Position
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

    def _skip(self, local: syntax.LocalDecl, frame: Frame, state: State) -> None:
        """A declaration that a jump passed by: what the variable holds is not known."""
        if isinstance(local.type, syntax.AutoType):
            raise Untranslatable("jumps over a variable of open type", local.position)
        cell = self._places.cell(self._places.resolve(local.type, frame))
        frame.names[local.name] = cell
        state.cells[cell] = Unknown(f"reads '{local.name}', which a goto skips")

    # --- one statement ------------------------------------------------------------------

    def statement(self, statement: Statement, frame: Frame, state: State) -> Outcome:
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

    def _execute(self, statement: Statement, frame: Frame, state: State) -> Outcome:
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
                return self._switch(statement, frame, state)
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

    def _declare(self, local: syntax.LocalDecl, frame: Frame, state: State) -> None:
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
            state.cells[cell] = Unknown(f"reads the static variable '{local.name}'")
        elif isinstance(initializer, syntax.InitList):
            only = initializer.items[0].value if len(initializer.items) == 1 else None
            if (
                integer_of(type) is None
                or only is None
                or isinstance(only, syntax.InitList)
            ):
                state.cells[cell] = Unknown(
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

    def _for(self, statement: syntax.For, frame: Frame, state: State) -> Outcome:
        for item in statement.start:
            if isinstance(item, syntax.LocalDecl):
                self._declare(item, frame, state)
            else:
                self._engine.effect(item.expression, frame, state)
        return self._loops.run_for(statement, frame, state)

    # --- branches -----------------------------------------------------------------------

    def _if(self, statement: syntax.If, frame: Frame, state: State) -> Outcome:
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
        return self._fork(
            condition, then, self._branch(statement.otherwise, frame, other)
        )

    def _branch(
        self, statement: Statement | None, frame: Frame, state: State
    ) -> Outcome:
        if statement is None:
            return Path("on", state)
        return self.statement(statement, frame.inner(), state)

    def _fork(self, condition: Truth, then: Outcome, otherwise: Outcome) -> Outcome:
        """Both outcomes; one path again if they meet at the end of the statement."""
        if isinstance(then, Path) and then.end == "dead":
            return otherwise
        if isinstance(otherwise, Path) and otherwise.end == "dead":
            return then
        if not (isinstance(then, Path) and isinstance(otherwise, Path)):
            return Fork(condition, then, otherwise)
        together = then.state.moved == otherwise.state.moved
        if then.end == otherwise.end != "return" and together:
            met = self._engine.rejoin(condition, then.state, otherwise.state)
            return Path(then.end, met)
        return Fork(condition, then, otherwise)

    # --- switch -------------------------------------------------------------------------

    def _switch(self, statement: syntax.Switch, frame: Frame, state: State) -> Outcome:
        value = self._engine.value(statement.value, frame, state)
        cases = labels(statement.body)
        if not isinstance(value, Scalar):
            return self._undecided_switch(value, cases, frame, state)
        entries: list[tuple[Scalar, int]] = []
        default = len(cases)
        matched = scalar.constant(0)
        for number, case in enumerate(cases):
            if case.value is None:
                default = number
                continue
            matched = scalar.either(
                matched, self._matches(value, case.value, frame, state)
            )
            falls_on = not case.body and number + 1 < len(cases)
            if falls_on and cases[number + 1].value is not None:
                continue
            target = number + 1 if falls_on else number
            entries.append((matched, target))
            matched = scalar.constant(0)
        outcome: Outcome = self._from_case(cases, default, frame, state.copy())
        for condition, number in reversed(entries):
            if condition.constant == 0:
                continue
            taken = self._from_case(cases, number, frame, state.copy())
            always = condition.constant == 1
            outcome = taken if always else self._fork(condition, taken, outcome)
        return outcome

    def _matches(
        self,
        value: Scalar,
        label: syntax.Expr | syntax.Range,
        frame: Frame,
        state: State,
    ) -> Scalar:
        """Whether a label is that of a value: C converts it to the value's own type."""
        type = scalar.promoted(value)
        if not isinstance(label, syntax.Range):
            number = scalar.convert(self._label(label, frame, state), type)
            return scalar.binary("==", value, number)
        low = scalar.convert(self._label(label.low, frame, state), type)
        high = scalar.convert(self._label(label.high, frame, state), type)
        return scalar.both(
            scalar.binary(">=", value, low), scalar.binary("<=", value, high)
        )

    def _label(self, label: syntax.Expr, frame: Frame, state: State) -> Scalar:
        number = self._engine.value(label, frame, state)
        if not isinstance(number, Scalar) or number.constant is None:
            raise Untranslatable("has a case that is no constant", label.position)
        return number

    def _undecided_switch(
        self, value: Value, cases: list[syntax.Case], frame: Frame, state: State
    ) -> Outcome:
        """Any case may be the one; only the reason is known."""
        reason = (
            value if isinstance(value, Unknown) else Unknown("switches over a pointer")
        )
        outcome: Outcome = Path("on", state.copy())
        for number in range(len(cases)):
            taken = self._from_case(cases, number, frame, state.copy())
            outcome = self._fork(reason, taken, outcome)
        return outcome

    def _from_case(
        self, cases: list[syntax.Case], number: int, frame: Frame, state: State
    ) -> Outcome:
        """The statements from a label on, until a break."""
        items = [item for case in cases[number:] for item in case.body]
        outcome = self.run(items, frame.inner(), state)
        return map_paths(
            outcome,
            lambda path: Path("on", path.state) if path.end == "break" else path,
        )
