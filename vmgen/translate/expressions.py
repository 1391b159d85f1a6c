"""C expressions over the opaque object, evaluated to IR expressions."""

from __future__ import annotations

from typing import assert_never

from vmgen.cfront import ctype, syntax
from vmgen.cfront.arithmetic import (
    BASIC_TYPES,
    INT,
    LONG,
    UNSIGNED_LONG,
    integer_of,
)
from vmgen.cfront.syntax import Expr
from vmgen.source import Position
from vmgen.translate import scalar
from vmgen.translate.assignments import Assignments, as_operator
from vmgen.translate.calls import Calls
from vmgen.translate.endings import never_returns
from vmgen.translate.failure import Untranslatable
from vmgen.translate.paths import Path
from vmgen.translate.places import Places, truth
from vmgen.translate.policy import Engine, Policy
from vmgen.translate.scalar import Scalar
from vmgen.translate.spot import Spot
from vmgen.translate.values import (
    BlockFrame,
    Local,
    Outside,
    PathState,
    Target,
    Truth,
    Untranslated,
    Value,
    no_number,
)


class Expressions:
    """Evaluates expressions in a frame and a state; assignments change the state."""

    def __init__(
        self, engine: Engine, places: Places, calls: Calls, policy: Policy
    ) -> None:
        self._engine = engine
        self._layout = engine.layout
        self._places = places
        self._calls = calls
        self._assignments = Assignments(engine, places, policy)

    # --- expressions ----------------------------------------------------------------------

    def value(self, expr: Expr, frame: BlockFrame, state: PathState) -> Value:
        """The value of ``expr``."""
        self._engine.budget.step(expr.position)
        return self._engine.budget.bounded(self._value(expr, frame, state))

    def _value(self, expr: Expr, frame: BlockFrame, state: PathState) -> Value:
        match expr:
            case syntax.IntegerLiteral(number, type):
                integer = integer_of(BASIC_TYPES[type])
                assert integer is not None
                return scalar.constant(number, integer)
            case syntax.FloatLiteral():
                return Untranslated("computes with floating values")
            case syntax.StringLiteral():
                return Untranslated("uses a string")
            case syntax.UnaryOperation("&", operand):
                return self._places.address(self.target(operand, frame, state))
            case syntax.UnaryOperation("!", operand):
                holds = truth(self.value(operand, frame, state))
                return scalar.negation(holds) if isinstance(holds, Scalar) else holds
            case syntax.UnaryOperation("+" | "-" | "~" as op, operand):
                value = self.value(operand, frame, state)
                return (
                    scalar.unary(op, value)
                    if isinstance(value, Scalar)
                    else no_number(value)
                )
            case syntax.UnaryOperation("++" | "--" | "p++" | "p--" as op, operand):
                return self._assignments.step(op, operand, frame, state)
            case syntax.BinaryOperation():
                return self._binary(expr, frame, state)
            case syntax.Assign():
                return self._assignments.value(expr, frame, state)
            case syntax.Conditional():
                return self._conditional(expr, frame, state)
            case syntax.Comma(items):
                for item in items[:-1]:
                    self.effect(item, frame, state)
                return self.value(items[-1], frame, state)
            case syntax.Call():
                return self._calls.value(expr, frame, state)
            case syntax.Cast(type, operand):
                if isinstance(type, syntax.BasicType) and type.name == "void":
                    self.effect(operand, frame, state)
                    return Untranslated("uses a void value")
                return self._places.assigned(
                    self.value(operand, frame, state), self._places.resolve(type, frame)
                )
            case syntax.SizeOf() | syntax.AlignOf() | syntax.OffsetOf():
                return scalar.constant(
                    self._layout.constant(expr, self._places.scope(frame)),
                    UNSIGNED_LONG,
                )
            case syntax.TypesCompatible():
                return scalar.constant(
                    self._layout.constant(expr, self._places.scope(frame))
                )
            case syntax.Generic():
                chosen = self._layout.selected(expr, self._places.scope(frame))
                return self.value(chosen, frame, state)
            case syntax.StatementExpr(body):
                return self._block_value(body, frame, state)
            case syntax.Name(name) if name not in frame.names:
                return self._global(expr, name)
            case (
                syntax.Name()
                | syntax.Member()
                | syntax.Index()
                | syntax.UnaryOperation("*")
            ):
                return self._places.read(
                    self.target(expr, frame, state), state, expr.position
                )
            case syntax.CompoundLiteral():
                return Untranslated(f"builds a value in place ({expr.position})")
            case syntax.UnaryOperation(op):
                return Untranslated(f"uses the operator '{op}' ({expr.position})")
            case _:
                assert_never(expr)

    def effect(self, expr: Expr, frame: BlockFrame, state: PathState) -> None:
        """Evaluate for the effect: assertions and bare ``sizeof`` have none."""
        if isinstance(expr, syntax.SizeOf | syntax.IntegerLiteral) or never_returns(
            expr
        ):
            return
        if isinstance(expr, syntax.Cast):
            self.effect(expr.operand, frame, state)
        elif isinstance(expr, syntax.Conditional) and (
            never_returns(expr.otherwise)
            or (expr.then is not None and never_returns(expr.then))
        ):
            return  # assert() as an expression
        else:
            self.value(expr, frame, state)

    def _global(self, expr: Expr, name: str) -> Value:
        enumerator = self._layout.enumerator(name)
        type = self._layout.type_of(expr)
        if enumerator is not None:
            return scalar.constant(
                int(enumerator.number), integer_of(type) or INT, name
            )
        if isinstance(type, ctype.FunctionSignature):
            return Outside(name, type)
        return self._places.read(Outside(name, type), PathState(), expr.position)

    def target(self, expr: Expr, frame: BlockFrame, state: PathState) -> Target:
        """The place that ``expr`` names."""
        match expr:
            case syntax.Name(name):
                if name in frame.names:
                    return Local(frame.names[name])
                return Outside(name, self._layout.type_of(expr))
            case syntax.UnaryOperation("*", operand):
                return self._places.follow(
                    self.value(operand, frame, state), "*", expr.position
                )
            case syntax.Member(object, name, arrow, position):
                if arrow:
                    whole = self._places.follow(
                        self.value(object, frame, state), name, position
                    )
                else:
                    whole = self._place(object, frame, state)
                return self._places.member(whole, name, state, position)
            case syntax.Index(array, index, position):
                return self._places.element(
                    self.value(array, frame, state),
                    self.value(index, frame, state),
                    position,
                )
            case _:
                value = self.value(expr, frame, state)
                return (
                    value
                    if isinstance(value, Spot | Local | Outside)
                    else no_number(value)
                )

    def _place(self, object: Expr, frame: BlockFrame, state: PathState) -> Target:
        """The record of ``object.name``."""
        if isinstance(
            object, syntax.Name | syntax.Member | syntax.Index | syntax.UnaryOperation
        ):
            return self.target(object, frame, state)
        value = self.value(object, frame, state)
        return value if isinstance(value, Spot | Local | Outside) else no_number(value)

    # --- operators --------------------------------------------------------------------------

    def _binary(
        self, expr: syntax.BinaryOperation, frame: BlockFrame, state: PathState
    ) -> Value:
        op = expr.op
        left = self.value(expr.left, frame, state)
        if op in ("&&", "||"):
            return self._logical(op, truth(left), expr.right, frame, state)
        right = self.value(expr.right, frame, state)
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            try:
                return scalar.binary(as_operator(op), left, right)
            except Untranslatable as failure:
                return Untranslated(f"{failure.reason} ({expr.position})")
        for side in (left, right):
            if isinstance(side, Untranslated):
                return side
        if op in ("==", "!="):
            return self._same(op, left, right, expr.position)
        if op in ("+", "-"):
            if op == "+" and isinstance(left, Scalar):
                left, right = right, left
            if isinstance(right, Scalar):
                return self._places.advanced(
                    left,
                    (
                        scalar.unary("-", scalar.convert(right, LONG))
                        if op == "-"
                        else right
                    ),
                )
        return Untranslated(f"computes with pointers ({expr.position})")

    def _same(self, op: str, left: Value, right: Value, position: Position) -> Value:
        for this, other in ((left, right), (right, left)):
            if isinstance(other, Scalar) and other.constant == 0:
                holds = truth(this)
                if isinstance(holds, Untranslated):
                    return holds
                if op == "==":
                    return scalar.negation(holds)
                known = scalar.as_bool(holds)
                return Scalar(known.expr, INT, known.low, known.high)
        if left == right:
            return scalar.constant(int(op == "=="))
        return Untranslated(f"compares pointers ({position})")

    def _logical(
        self, op: str, left: Truth, right: Expr, frame: BlockFrame, state: PathState
    ) -> Value:
        if isinstance(left, Untranslated):
            self.value(right, frame, state.copy())
            return left
        if left.constant is not None and bool(left.constant) == (op == "||"):
            return scalar.constant(int(op == "||"))
        after = state.copy()
        value = truth(self.value(right, frame, after))
        sides = (after, state) if op == "&&" else (state, after)
        state.become(self._engine.rejoin(left, *sides))
        if isinstance(value, Untranslated):
            return value
        return scalar.both(left, value) if op == "&&" else scalar.either(left, value)

    def _conditional(
        self, expr: syntax.Conditional, frame: BlockFrame, state: PathState
    ) -> Value:
        first = self.value(expr.condition, frame, state)
        condition = truth(first)
        if expr.then is not None and never_returns(expr.then):
            return self.value(expr.otherwise, frame, state)
        if never_returns(expr.otherwise):
            return first if expr.then is None else self.value(expr.then, frame, state)
        if isinstance(condition, Scalar) and condition.constant is not None:
            if not condition.constant:
                chosen = self.value(expr.otherwise, frame, state)
            else:
                chosen = (
                    first if expr.then is None else self.value(expr.then, frame, state)
                )
            return self._as_choice(chosen, expr, frame)
        taken, other = state.copy(), state.copy()
        then = first if expr.then is None else self.value(expr.then, frame, taken)
        otherwise = self.value(expr.otherwise, frame, other)
        state.become(self._engine.rejoin(condition, taken, other))
        if isinstance(then, Scalar) and isinstance(otherwise, Scalar):
            type = scalar.common_type(then, otherwise)
            then, otherwise = scalar.convert(then, type), scalar.convert(
                otherwise, type
            )
        return self._engine.choose(condition, then, otherwise)

    def _as_choice(
        self, value: Value, expr: syntax.Conditional, frame: BlockFrame
    ) -> Value:
        """The chosen operand in the type that both operands make."""
        if not isinstance(value, Scalar):
            return value
        return self._places.assigned(
            value, self._layout.type_of(expr, self._places.scope(frame))
        )

    # --- statement expressions ----------------------------------------------------------

    def _block_value(
        self, block: syntax.Block, frame: BlockFrame, state: PathState
    ) -> Value:
        """The value of a statement expression: of its last statement."""
        inner = frame.inner()
        items = block.items
        last = (
            items[-1] if items and isinstance(items[-1], syntax.ExprStatement) else None
        )
        outcome = self._engine.run(
            items[:-1] if last is not None else items, inner, state
        )
        if not isinstance(outcome, Path) or outcome.end not in ("on", "dead"):
            raise Untranslatable("jumps out of a statement expression", block.position)
        state.become(outcome.state)
        if not isinstance(last, syntax.ExprStatement):
            return Untranslated("uses a void value")
        return self.value(last.expression, inner, state)
