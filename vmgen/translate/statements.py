"""C statements over the opaque object: the ways through a function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vmgen import ir
from vmgen.cfront import ctype, syntax
from vmgen.cfront.arithmetic import integer_of
from vmgen.cfront.syntax import Expr, Statement
from vmgen.source import Position
from vmgen.translate import scalar
from vmgen.translate.cases import labels
from vmgen.translate.endings import fails, never_returns
from vmgen.translate.expressions import Expressions
from vmgen.translate.failure import Untranslatable
from vmgen.translate.outcome import Fork, Outcome, Way, each, returns, ways
from vmgen.translate.scalar import Scalar
from vmgen.translate.values import Frame, State, Unknown, Value

#: Calls inside calls that are followed.
_MAX_DEPTH = 16
#: Turns of a loop that are written out.
_MAX_TURNS = 1024


@dataclass(frozen=True, slots=True)
class _Counting:
    """``for (i = start; i < stop; i += step)``."""

    name: str
    start: Scalar
    stop: Scalar
    step: int


class Statements(Expressions):
    """Executes statements; what they decide shows in the outcome."""

    _depth: tuple[str, ...] = ()
    _loops: tuple[str, ...] = ()

    # --- blocks and branches ------------------------------------------------------------

    def run(self, items: Sequence[Statement], frame: Frame, state: State) -> Outcome:
        """Statements in a row."""
        if not items:
            return Way("on", state)
        first, rest = items[0], items[1:]
        outcome = self.statement(first, frame, state)
        if not rest:
            return outcome
        if isinstance(outcome, Way):
            return (
                self.run(rest, frame, outcome.state) if outcome.end == "on" else outcome
            )
        return each(
            outcome,
            lambda way: (
                self.run(rest, frame.inner(), way.state) if way.end == "on" else way
            ),
        )

    def statement(self, statement: Statement, frame: Frame, state: State) -> Outcome:
        """One statement; ``state`` is used up."""
        self.count(statement.position)
        try:
            return self._execute(statement, frame, state)
        except Untranslatable as failure:
            if failure.placed:
                raise
            raise Untranslatable(failure.reason, statement.position) from None

    def _execute(self, statement: Statement, frame: Frame, state: State) -> Outcome:
        match statement:
            case syntax.LocalDecl():
                self._declare(statement, frame, state)
                return Way("on", state)
            case syntax.ExprStatement(expression):
                if never_returns(expression):
                    return Way("dead", state)
                self.effect(expression, frame, state)
                return Way("on", state)
            case syntax.Block(items):
                return self.run(items, frame.inner(), state)
            case syntax.If():
                return self._if(statement, frame, state)
            case syntax.For():
                return self._for(statement, frame, state)
            case syntax.While(condition, body, after):
                inner = frame.inner()
                return self._loop(
                    condition, None, body, inner, state, after, statement.position
                )
            case syntax.Switch():
                return self._switch(statement, frame, state)
            case syntax.Return(expression):
                value = (
                    None if expression is None else self.value(expression, frame, state)
                )
                return Way("return", state, value, statement.position)
            case syntax.Jump("break"):
                return Way("break", state)
            case syntax.Jump("continue"):
                return Way("continue", state)
            case syntax.Jump() | syntax.Label():
                raise Untranslatable("uses goto", statement.position)
            case syntax.Case():
                raise Untranslatable(
                    "has a case inside a nested block", statement.position
                )
            case syntax.Empty():
                return Way("on", state)

    def _declare(self, local: syntax.LocalDecl, frame: Frame, state: State) -> None:
        initializer = local.initializer
        if isinstance(local.type, syntax.AutoType):
            if initializer is None or isinstance(initializer, syntax.InitList):
                raise Untranslatable("declares a variable of open type", local.position)
            type = self._layout.type_of(initializer, self.scope(frame))
            if isinstance(type, ctype.Array):
                type = ctype.Pointer(type.element)
        else:
            type = self.resolve(local.type, frame)
        cell = self.new_cell(type)
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
                state.cells[cell] = self.assigned(self.value(only, frame, state), type)
        elif initializer is not None:
            state.cells[cell] = self.assigned(
                self.value(initializer, frame, state), type
            )

    def _if(self, statement: syntax.If, frame: Frame, state: State) -> Outcome:
        # An assertion holds: QEMU would not be there to migrate if it did not.
        if fails(statement.then):
            if statement.otherwise is None:
                return Way("on", state)
            return self.statement(statement.otherwise, frame.inner(), state)
        if statement.otherwise is not None and fails(statement.otherwise):
            return self.statement(statement.then, frame.inner(), state)
        condition = self.truth(self.value(statement.condition, frame, state))
        if isinstance(condition, Scalar) and condition.constant is not None:
            taken = statement.then if condition.constant else statement.otherwise
            if taken is None:
                return Way("on", state)
            return self.statement(taken, frame.inner(), state)
        other = state.copy()
        then = self.statement(statement.then, frame.inner(), state)
        if statement.otherwise is None:
            return self._fork(condition, then, Way("on", other))
        return self._fork(
            condition, then, self.statement(statement.otherwise, frame.inner(), other)
        )

    def _fork(
        self, condition: Scalar | Unknown, then: Outcome, otherwise: Outcome
    ) -> Outcome:
        """Both ways; one again if they meet at the end of the statement."""
        if isinstance(then, Way) and then.end == "dead":
            return otherwise
        if isinstance(otherwise, Way) and otherwise.end == "dead":
            return then
        if not (isinstance(then, Way) and isinstance(otherwise, Way)):
            return Fork(condition, then, otherwise)
        together = then.state.moved == otherwise.state.moved
        if then.end == otherwise.end != "return" and together:
            met = State()
            self.rejoin(condition, (then.state, otherwise.state), met)
            return Way(then.end, met)
        return Fork(condition, then, otherwise)

    def _switch(self, statement: syntax.Switch, frame: Frame, state: State) -> Outcome:
        value = self.value(statement.value, frame, state)
        if not isinstance(value, Scalar):
            return self._undecided_switch(value, statement, frame, state)
        cases = labels(statement.body)
        entries: list[tuple[Scalar, int]] = []
        default = len(cases)
        matched = scalar.constant(0)
        for number, case in enumerate(cases):
            if case.value is None:
                default = number
                continue
            if isinstance(case.value, syntax.Range):
                raise Untranslatable("has a case with a range", case.position)
            label = self.value(case.value, frame, state)
            if not isinstance(label, Scalar) or label.constant is None:
                raise Untranslatable("has a case that is no constant", case.position)
            matched = scalar.either(matched, scalar.binary("==", value, label))
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

    def _undecided_switch(
        self, value: Value, statement: syntax.Switch, frame: Frame, state: State
    ) -> Outcome:
        """Any case may be the one; only the reason is known."""
        reason = (
            value if isinstance(value, Unknown) else Unknown("switches over a pointer")
        )
        cases = labels(statement.body)
        outcome: Outcome = Way("on", state.copy())
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
        return each(
            outcome, lambda way: Way("on", way.state) if way.end == "break" else way
        )

    # --- loops ---------------------------------------------------------------------------

    def _for(self, statement: syntax.For, frame: Frame, state: State) -> Outcome:
        inner = frame.inner()
        for item in statement.start:
            if isinstance(item, syntax.LocalDecl):
                self._declare(item, inner, state)
            else:
                self.effect(item.expression, inner, state)
        condition = statement.condition or syntax.IntegerLiteral(1)
        counting = self._counting(statement, inner, state)
        if counting is not None:
            outcome = self._exists(counting, statement.body, inner, state)
            if outcome is not None:
                return outcome
        return self._loop(
            condition,
            statement.step,
            statement.body,
            inner,
            state,
            False,
            statement.position,
        )

    def _counting(
        self, loop: syntax.For, frame: Frame, state: State
    ) -> _Counting | None:
        """The loop as one that counts, None if it is none."""
        match loop.condition, loop.step:
            case (
                syntax.Binary(
                    "<" | "<=" | "!=" | ">" | ">=" as op, syntax.Name(name), bound
                ),
                syntax.Unary("++" | "--" | "p++" | "p--" as move, syntax.Name(stepped)),
            ):
                step = 1 if move.endswith("++") else -1
            case (
                syntax.Binary(
                    "<" | "<=" | "!=" | ">" | ">=" as op, syntax.Name(name), bound
                ),
                syntax.Assign("+=" | "-=" as move, syntax.Name(stepped), by),
            ):
                width = self.value(by, frame, state.copy())
                if not isinstance(width, Scalar) or not width.constant:
                    return None
                step = width.constant if move == "+=" else -width.constant
            case _:
                return None
        cell = frame.names.get(name)
        start = None if cell is None else state.cells.get(cell)
        stop = self.value(bound, frame, state.copy())
        if (
            name != stepped
            or not isinstance(start, Scalar)
            or not isinstance(stop, Scalar)
        ):
            return None
        if step < 0 or op in (">", ">="):
            return None  # rare; written out if the bounds are constant
        if op == "!=" and (step != 1 or start.high > stop.low):
            return None
        if op == "<=":
            stop = scalar.binary("+", stop, scalar.constant(1, stop.type))
        if start.low < 0 or stop.low < 0:
            return None
        return _Counting(name, start, stop, step)

    def _exists(
        self, loop: _Counting, body: Statement, frame: Frame, state: State
    ) -> Outcome | None:
        """A loop that only looks for a reason to return one constant."""
        if loop.stop.high <= loop.start.low:
            return Way("on", state)
        name = loop.name
        while name in self._loops:
            name += "_"
        cell = frame.names[loop.name]
        before = state.copy()
        type = integer_of(self._types[cell])
        if type is None:
            return None
        before.cells[cell] = Scalar(
            ir.Var(name), type, loop.start.low, loop.stop.high - 1
        )
        during = before.copy()
        loops = self._loops
        self._loops = (*loops, name)
        try:
            outcome = self.statement(body, frame.inner(), during)
        except Untranslatable:
            if loop.start.constant is None or loop.stop.constant is None:
                raise
            return None  # written out turn by turn it may work, or say what does not
        finally:
            self._loops = loops
        results = []
        for way in ways(outcome):
            if way.state.moved != before.moved or way.end == "break":
                return None
            if way.state.changed != before.changed:
                return None
            kept = all(
                way.state.cells.get(key) == was for key, was in before.cells.items()
            )
            if way.end == "return":
                if not isinstance(way.value, Scalar) or way.value.constant is None:
                    return None
                results.append(way.value)
            if not kept:
                return None
        if any(result.constant != results[0].constant for result in results):
            return None
        last = self._after(loop, type)
        if not results:
            state.cells[cell] = last
            return Way("on", state)
        found = returns(outcome)
        if isinstance(found, Unknown):
            condition: Scalar | Unknown = found
        else:
            condition = scalar.boolean(
                ir.Exists(name, loop.start.expr, loop.stop.expr, loop.step, found.expr)
            )
        other = state.copy()
        other.cells[cell] = last
        return Fork(condition, Way("return", state, results[0]), Way("on", other))

    def _after(self, loop: _Counting, type: ctype.Integer) -> Value:
        """The counter when the loop is over."""
        start, stop = loop.start.constant, loop.stop.constant
        if start is None or stop is None:
            return Unknown(f"reads '{loop.name}' after its loop")
        turns = -(-(stop - start) // loop.step)
        return scalar.constant(start + turns * loop.step, type)

    def _loop(
        self,
        condition: Expr,
        step: Expr | None,
        body: Statement,
        frame: Frame,
        state: State,
        after: bool,
        position: Position,
    ) -> Outcome:
        """A loop written out turn by turn."""

        def turn(now: State, number: int) -> Outcome:
            if number > _MAX_TURNS:
                raise Untranslatable("has a loop of too many turns", position)
            if not after or number:
                go_on = self.truth(self.value(condition, frame, now))
                if isinstance(go_on, Unknown) or go_on.constant is None:
                    return self.open_loop(condition, step, body, frame, now, position)
                if not go_on.constant:
                    return Way("on", now)
            outcome = self.statement(body, frame.inner(), now)
            return each(outcome, lambda way: again(way, number))

        def again(way: Way, number: int) -> Outcome:
            if way.end == "break":
                return Way("on", way.state)
            if way.end not in ("on", "continue"):
                return way
            if step is not None:
                self.effect(step, frame, way.state)
            return turn(way.state, number + 1)

        return turn(state, 0)

    def open_loop(
        self,
        condition: Expr,
        step: Expr | None,
        body: Statement,
        frame: Frame,
        state: State,
        position: Position,
    ) -> Outcome:
        """A loop whose number of turns depends on data."""
        raise Untranslatable(
            "has a loop whose number of turns depends on data", position
        )

    # --- functions -------------------------------------------------------------------------

    def inline(
        self,
        function: syntax.FunctionDecl,
        arguments: list[Value],
        state: State,
        position: Position,
    ) -> Value:
        """The value of a call, the body expanded in place."""
        if function.name in self._depth or len(self._depth) >= _MAX_DEPTH:
            raise Untranslatable(f"calls {function.name}() too deep", position)
        outcome = self.enter(function, arguments, state.copy())
        value, after = self.returned(
            outcome, self._layout.resolve(function.type.result)
        )
        if after is None:
            raise Untranslatable(f"{function.name}() never returns", position)
        state.become(after)
        return value

    def enter(
        self, function: syntax.FunctionDecl, arguments: Sequence[Value], state: State
    ) -> Outcome:
        """The ways through a function that gets ``arguments``."""
        assert function.body is not None
        frame = Frame(function.name, {})
        for parameter, argument in zip(
            function.type.parameters, arguments, strict=False
        ):
            type = self.resolve(parameter.type, frame)
            if isinstance(type, ctype.Array):
                type = ctype.Pointer(type.element)
            cell = self.new_cell(type)
            if parameter.name:
                frame.names[parameter.name] = cell
                state.cells[cell] = self.assigned(argument, type)
        depth = self._depth
        self._depth = (*depth, function.name)
        try:
            return self.run(function.body.items, frame, state)
        finally:
            self._depth = depth

    def returned(
        self, outcome: Outcome, type: ctype.CType
    ) -> tuple[Value, State | None]:
        """The value a function returns, and what holds then; no state if it never does."""
        if isinstance(outcome, Way):
            if outcome.end == "dead":
                return Unknown("never returns"), None
            if outcome.value is None:
                return Unknown("uses a void value"), outcome.state
            return self.assigned(outcome.value, type), outcome.state
        then, after = self.returned(outcome.then, type)
        otherwise, other = self.returned(outcome.otherwise, type)
        if after is None or other is None:
            return (otherwise, other) if after is None else (then, after)
        state = State()
        self.rejoin(outcome.condition, (after, other), state)
        return self.either_value(outcome.condition, then, otherwise), state

    def block_value(self, block: syntax.Block, frame: Frame, state: State) -> Value:
        """The value of a statement expression: of its last statement."""
        inner = frame.inner()
        items = block.items
        last = (
            items[-1] if items and isinstance(items[-1], syntax.ExprStatement) else None
        )
        outcome = self.run(items[:-1] if last is not None else items, inner, state)
        if not isinstance(outcome, Way) or outcome.end not in ("on", "dead"):
            raise Untranslatable("jumps out of a statement expression", block.position)
        state.become(outcome.state)
        if not isinstance(last, syntax.ExprStatement):
            return Unknown("uses a void value")
        return self.value(last.expression, inner, state)
