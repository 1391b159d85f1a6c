"""``switch`` statements."""

from __future__ import annotations

from vmgen.cfront import syntax
from vmgen.cfront.syntax import Statement
from vmgen.translate import scalar
from vmgen.translate.failure import Untranslatable
from vmgen.translate.paths import Outcome, Path, forked, map_paths
from vmgen.translate.policy import Engine
from vmgen.translate.scalar import Scalar
from vmgen.translate.values import BlockFrame, PathState, Untranslated, Value


class Switches:
    """Executes ``switch`` statements."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(
        self, statement: syntax.Switch, frame: BlockFrame, state: PathState
    ) -> Outcome:
        """The paths through a ``switch``."""
        value = self._engine.value(statement.value, frame, state)
        cases = _labels(statement.body)
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
            outcome = (
                taken
                if always
                else forked(condition, taken, outcome, self._engine.rejoin)
            )
        return outcome

    def _matches(
        self,
        value: Scalar,
        label: syntax.Expr | syntax.Range,
        frame: BlockFrame,
        state: PathState,
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

    def _label(self, label: syntax.Expr, frame: BlockFrame, state: PathState) -> Scalar:
        number = self._engine.value(label, frame, state)
        if not isinstance(number, Scalar) or number.constant is None:
            raise Untranslatable("has a case that is no constant", label.position)
        return number

    def _undecided_switch(
        self,
        value: Value,
        cases: list[syntax.Case],
        frame: BlockFrame,
        state: PathState,
    ) -> Outcome:
        """Any case may be the one; only the reason is known."""
        reason = (
            value
            if isinstance(value, Untranslated)
            else Untranslated("switches over a pointer")
        )
        outcome: Outcome = Path("on", state.copy())
        for number in range(len(cases)):
            taken = self._from_case(cases, number, frame, state.copy())
            outcome = forked(reason, taken, outcome, self._engine.rejoin)
        return outcome

    def _from_case(
        self, cases: list[syntax.Case], number: int, frame: BlockFrame, state: PathState
    ) -> Outcome:
        """The statements from a label on, until a break."""
        items = [item for case in cases[number:] for item in case.body]
        outcome = self._engine.run(items, frame.inner(), state)
        return map_paths(
            outcome,
            lambda path: Path("on", path.state) if path.end == "break" else path,
        )


def _labels(body: Statement) -> list[syntax.Case]:
    """The labels of a switch in order, also those that stand inside one another."""
    found: list[syntax.Case] = []
    for item in body.items if isinstance(body, syntax.Block) else (body,):
        if isinstance(item, syntax.Case):
            found += _unfold(item)
        elif found:
            label = found.pop()
            found.append(syntax.Case(label.value, (*label.body, item), label.position))
    return found


def _unfold(case: syntax.Case) -> list[syntax.Case]:
    for number, item in enumerate(case.body):
        if isinstance(item, syntax.Case):
            first = syntax.Case(case.value, case.body[:number], case.position)
            rest = _unfold(item)
            last = rest[-1]
            rest[-1] = syntax.Case(
                last.value, (*last.body, *case.body[number + 1 :]), last.position
            )
            return [first, *rest]
    return [case]
