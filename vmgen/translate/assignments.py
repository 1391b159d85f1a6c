"""Assignments, and what else puts a value into a place."""

from __future__ import annotations

from typing import assert_never, get_args

from vmgen.cfront import ctype, syntax
from vmgen.cfront.arithmetic import LONG
from vmgen.cfront.syntax import Expr
from vmgen.translate import scalar
from vmgen.translate.failure import Untranslatable
from vmgen.translate.places import Places
from vmgen.translate.policy import Engine, Policy
from vmgen.translate.scalar import Operator, Scalar
from vmgen.translate.spot import Spot
from vmgen.translate.values import (
    BlockFrame,
    Local,
    Outside,
    PathState,
    Target,
    Untranslated,
    Value,
    no_number,
)

_OPERATORS = frozenset(get_args(Operator))


class Assignments:
    """Evaluates assignments."""

    def __init__(self, engine: Engine, places: Places, policy: Policy) -> None:
        self._engine = engine
        self._places = places
        self._policy = policy

    def value(self, expr: syntax.Assign, frame: BlockFrame, state: PathState) -> Value:
        """The value of an assignment."""
        target = self._engine.target(expr.target, frame, state)
        value = self._engine.value(expr.value, frame, state)
        if expr.op != "=":
            old = self._places.read(target, state, expr.position)
            if isinstance(old, Scalar) and isinstance(value, Scalar):
                value = scalar.binary(as_operator(expr.op[:-1]), old, value)
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

    def step(
        self, op: str, operand: Expr, frame: BlockFrame, state: PathState
    ) -> Value:
        """The value of ``++`` or ``--``, before (``p++``) or after the operand."""
        target = self._engine.target(operand, frame, state)
        old = self._places.read(target, state, operand.position)
        one = scalar.constant(1 if op.endswith("++") else -1)
        if isinstance(old, Scalar):
            new: Value = scalar.binary("+", old, one)
        else:
            new = self._places.advanced(old, one)
        new = self._store(operand, target, new, frame, state)
        return old if op.startswith("p") else new

    def _store(
        self,
        expr: Expr,
        target: Target,
        value: Value,
        frame: BlockFrame,
        state: PathState,
    ) -> Value:
        """Puts a value into a place; the value as the place holds it."""
        match target:
            case Local(cell):
                value = self._assigned(value, self._places.cell_type(cell))
                state.cells[cell] = value
            case Spot():
                value = self._assigned(value, target.type)
                self._policy.write(target, value, state, expr.position)
            case Outside() | Untranslated():
                self._policy.write_elsewhere(self._engine, expr, target, frame, state)
            case _:
                assert_never(target)
        return value

    def _assigned(self, value: Value, type: ctype.CType) -> Value:
        return self._engine.budget.bounded(self._places.assigned(value, type))


def as_operator(op: str) -> Operator:
    """A binary operator as C spells it."""
    if op not in _OPERATORS:
        raise Untranslatable(f"uses the operator '{op}'")
    return op  # type: ignore[return-value]  # the check above is the proof
