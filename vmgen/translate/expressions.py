"""C expressions over the opaque object, evaluated to IR expressions."""

from __future__ import annotations

from typing import assert_never, get_args

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
from vmgen.translate.calls import Calls
from vmgen.translate.endings import never_returns
from vmgen.translate.failure import Untranslatable
from vmgen.translate.paths import Path
from vmgen.translate.places import Places, truth
from vmgen.translate.policy import Engine, Policy
from vmgen.translate.scalar import Operator, Scalar
from vmgen.translate.spot import Spot
from vmgen.translate.values import (
    Frame,
    Local,
    Outside,
    State,
    Target,
    Truth,
    Unknown,
    Value,
    no_number,
)

_OPERATORS = frozenset(get_args(Operator))


class Expressions:
    """Evaluates expressions in a frame and a state; assignments change the state."""

    def __init__(
        self, engine: Engine, places: Places, calls: Calls, policy: Policy
    ) -> None:
        self._engine = engine
        self._layout = engine.layout
        self._places = places
        self._calls = calls
        self._policy = policy

    # --- expressions ----------------------------------------------------------------------

    def value(self, expr: Expr, frame: Frame, state: State) -> Value:
        """The value of ``expr``."""
        self._engine.budget.step(expr.position)
        return self._engine.budget.bounded(self._value(expr, frame, state))

    def _value(self, expr: Expr, frame: Frame, state: State) -> Value:
        match expr:
            case syntax.IntegerLiteral(number, type):
                integer = integer_of(BASIC_TYPES[type])
                assert integer is not None
                return scalar.constant(number, integer)
            case syntax.FloatLiteral():
                return Unknown("computes with floating values")
            case syntax.StringLiteral():
                return Unknown("uses a string")
            case syntax.Unary("&", operand):
                return self._places.address(self.target(operand, frame, state))
            case syntax.Unary("!", operand):
                holds = truth(self.value(operand, frame, state))
                return scalar.negation(holds) if isinstance(holds, Scalar) else holds
            case syntax.Unary("+" | "-" | "~" as op, operand):
                value = self.value(operand, frame, state)
                return (
                    scalar.unary(op, value)
                    if isinstance(value, Scalar)
                    else no_number(value)
                )
            case syntax.Unary("++" | "--" | "p++" | "p--" as op, operand):
                return self._step(op, operand, frame, state)
            case syntax.Binary():
                return self._binary(expr, frame, state)
            case syntax.Assign():
                return self._assign(expr, frame, state)
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
                    return Unknown("uses a void value")
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
            case syntax.Name() | syntax.Member() | syntax.Index() | syntax.Unary("*"):
                return self._places.read(
                    self.target(expr, frame, state), state, expr.position
                )
            case syntax.CompoundLiteral():
                return Unknown(f"builds a value in place ({expr.position})")
            case syntax.Unary(op):
                return Unknown(f"uses the operator '{op}' ({expr.position})")
            case _:
                assert_never(expr)

    def effect(self, expr: Expr, frame: Frame, state: State) -> None:
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
            return scalar.constant(enumerator[0], integer_of(type) or INT, name)
        if isinstance(type, ctype.Function):
            return Outside(name, type)
        return self._places.read(Outside(name, type), State(), expr.position)

    def target(self, expr: Expr, frame: Frame, state: State) -> Target:
        """The place that ``expr`` names."""
        match expr:
            case syntax.Name(name):
                if name in frame.names:
                    return Local(frame.names[name])
                return Outside(name, self._layout.type_of(expr))
            case syntax.Unary("*", operand):
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

    def _place(self, object: Expr, frame: Frame, state: State) -> Target:
        """The record of ``object.name``."""
        if isinstance(
            object, syntax.Name | syntax.Member | syntax.Index | syntax.Unary
        ):
            return self.target(object, frame, state)
        value = self.value(object, frame, state)
        return value if isinstance(value, Spot | Local | Outside) else no_number(value)

    # --- operators --------------------------------------------------------------------------

    def _binary(self, expr: syntax.Binary, frame: Frame, state: State) -> Value:
        op = expr.op
        left = self.value(expr.left, frame, state)
        if op in ("&&", "||"):
            return self._logical(op, truth(left), expr.right, frame, state)
        right = self.value(expr.right, frame, state)
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            try:
                return scalar.binary(_operator(op), left, right)
            except Untranslatable as failure:
                return Unknown(f"{failure.reason} ({expr.position})")
        for side in (left, right):
            if isinstance(side, Unknown):
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
        return Unknown(f"computes with pointers ({expr.position})")

    def _same(self, op: str, left: Value, right: Value, position: Position) -> Value:
        for this, other in ((left, right), (right, left)):
            if isinstance(other, Scalar) and other.constant == 0:
                holds = truth(this)
                if isinstance(holds, Unknown):
                    return holds
                if op == "==":
                    return scalar.negation(holds)
                known = scalar.as_bool(holds)
                return Scalar(known.expr, INT, known.low, known.high)
        if left == right:
            return scalar.constant(int(op == "=="))
        return Unknown(f"compares pointers ({position})")

    def _logical(
        self, op: str, left: Truth, right: Expr, frame: Frame, state: State
    ) -> Value:
        if isinstance(left, Unknown):
            self.value(right, frame, state.copy())
            return left
        if left.constant is not None and bool(left.constant) == (op == "||"):
            return scalar.constant(int(op == "||"))
        after = state.copy()
        value = truth(self.value(right, frame, after))
        sides = (after, state) if op == "&&" else (state, after)
        state.become(self._engine.rejoin(left, *sides))
        if isinstance(value, Unknown):
            return value
        return scalar.both(left, value) if op == "&&" else scalar.either(left, value)

    def _conditional(
        self, expr: syntax.Conditional, frame: Frame, state: State
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

    def _as_choice(self, value: Value, expr: syntax.Conditional, frame: Frame) -> Value:
        """The chosen operand in the type that both operands make."""
        if not isinstance(value, Scalar):
            return value
        return self._places.assigned(
            value, self._layout.type_of(expr, self._places.scope(frame))
        )

    # --- assignments --------------------------------------------------------------------------

    def _assign(self, expr: syntax.Assign, frame: Frame, state: State) -> Value:
        target = self.target(expr.target, frame, state)
        value = self.value(expr.value, frame, state)
        if expr.op != "=":
            old = self._places.read(target, state, expr.position)
            if isinstance(old, Scalar) and isinstance(value, Scalar):
                value = scalar.binary(_operator(expr.op[:-1]), old, value)
            elif isinstance(value, Scalar) and expr.op in ("+=", "-="):
                by = (
                    scalar.unary("-", scalar.convert(value, LONG))
                    if expr.op == "-="
                    else value
                )
                value = self._places.advanced(old, by)
            else:
                value = no_number(old if isinstance(value, Scalar) else value)
        return self._store(expr.target, target, value, frame, state)

    def _step(self, op: str, operand: Expr, frame: Frame, state: State) -> Value:
        target = self.target(operand, frame, state)
        old = self._places.read(target, state, operand.position)
        one = scalar.constant(1 if op.endswith("++") else -1)
        if isinstance(old, Scalar):
            new: Value = scalar.binary("+", old, one)
        else:
            new = self._places.advanced(old, one)
        new = self._store(operand, target, new, frame, state)
        return old if op.startswith("p") else new

    def _store(
        self, expr: Expr, target: Target, value: Value, frame: Frame, state: State
    ) -> Value:
        """Puts a value into a place; the value as the place holds it."""
        match target:
            case Local(cell):
                value = self._assigned(value, self._places.cell_type(cell))
                state.cells[cell] = value
            case Spot():
                value = self._assigned(value, target.type)
                self._policy.write(target, value, state, expr.position)
            case Outside() | Unknown():
                self._policy.write_elsewhere(self._engine, expr, target, frame, state)
            case _:
                assert_never(target)
        return value

    def _assigned(self, value: Value, type: ctype.CType) -> Value:
        return self._engine.budget.bounded(self._places.assigned(value, type))

    # --- statement expressions ----------------------------------------------------------

    def _block_value(self, block: syntax.Block, frame: Frame, state: State) -> Value:
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
            return Unknown("uses a void value")
        return self.value(last.expression, inner, state)


def _operator(op: str) -> Operator:
    if op not in _OPERATORS:
        raise Untranslatable(f"uses the operator '{op}'")
    return op  # type: ignore[return-value]  # the check above is the proof
