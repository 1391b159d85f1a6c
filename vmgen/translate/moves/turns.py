"""How often a loop turns, where its head says it."""

from __future__ import annotations

from dataclasses import replace

from vmgen.cfront import syntax
from vmgen.cfront.walk import walk
from vmgen.translate.moves.changes import changed, names_in
from vmgen.translate.moves.memory import LocalState, Naming
from vmgen.translate.moves.terms import UNKNOWN, is_null, said
from vmgen.translate.moves.values import MoveValues


def as_for(
    condition: syntax.Expr, body: syntax.Statement
) -> tuple[syntax.Statement, syntax.Expr | None]:
    """The body of a ``while`` and the step at its end, if it is a ``for`` in disguise."""
    if not isinstance(body, syntax.Block) or not body.items:
        return body, None
    *items, last = body.items
    if any(
        isinstance(part, syntax.Jump) and part.kind == "continue" for part in walk(body)
    ):
        return body, None  # which would go past the step
    match last:
        case syntax.ExprStatement(
            (
                syntax.Assign(_, syntax.Name(name))
                | syntax.UnaryOperation("++" | "--" | "p++" | "p--", syntax.Name(name))
            ) as step
        ) if name in names_in(condition):
            calls = any(isinstance(part, syntax.Call) for part in walk(step))
            if not calls:
                return replace(body, items=tuple(items)), step
    return body, None


def turns(
    values: MoveValues,
    condition: syntax.Expr | None,
    step: syntax.Expr | None,
    body: syntax.Statement,
    place: Naming,
    memory: LocalState,
) -> str | None:
    """How often a loop turns as text of the normal form (``4``, ``n``, ``each first``); None
    where its head does not say it."""
    inside = changed(body)
    match condition, step:
        case (
            syntax.BinaryOperation("<" | "!=", syntax.Name(name), bound),
            syntax.UnaryOperation("++" | "p++", syntax.Name(stepped))
            | syntax.Assign("+=", syntax.Name(stepped), syntax.IntegerLiteral(1)),
        ) if (
            name == stepped and name not in inside
        ):
            if values.held(name, place, memory) != "0":
                return None
            if names_in(bound) & inside:
                return None
            return said(values.value(bound, place, memory.copy(), []))
        case (
            syntax.BinaryOperation("<=", syntax.Name(name), bound),
            syntax.UnaryOperation("++" | "p++", syntax.Name(stepped)),
        ) if (
            name == stepped and name not in inside
        ):
            if values.held(name, place, memory) != "1" or names_in(bound) & inside:
                return None
            return said(values.value(bound, place, memory.copy(), []))
        case (
            (syntax.UnaryOperation("p--", syntax.Name(name)), None)
            | (
                syntax.BinaryOperation(">", syntax.UnaryOperation("p--", syntax.Name(name)), syntax.IntegerLiteral(0)),
                None,
            )
        ) if name not in inside:  # fmt: skip
            held = values.held(name, place, memory)
            return held if isinstance(held, str) else None
        case (
            (syntax.Name(name) | syntax.BinaryOperation(">" | "!=", syntax.Name(name), syntax.IntegerLiteral(0))),
            syntax.UnaryOperation("--" | "p--", syntax.Name(stepped)),
        ) if name == stepped and name not in inside:  # fmt: skip
            held = values.held(name, place, memory)
            return held if isinstance(held, str) else None
    if step is not None and condition is not None:
        return _elements(values, condition, step, place, memory)
    return None


def _elements(
    values: MoveValues,
    condition: syntax.Expr,
    step: syntax.Expr,
    place: Naming,
    memory: LocalState,
) -> str | None:
    """``for (guard = lock(x); guard; unlock(guard), guard = NULL)`` turns once
    (``WITH_QEMU_LOCK_GUARD``), ``for (e = first(list); e; e = next(e))`` for every
    element, also where the condition fetches the next one (``QTAILQ_FOREACH_SAFE``).
    """
    last = step.items[-1] if isinstance(step, syntax.Comma) else step
    while isinstance(condition, syntax.BinaryOperation) and condition.op == "&&":
        condition = condition.left
    if isinstance(condition, syntax.BinaryOperation) and condition.op == "!=":
        condition = condition.left
    match condition, last:
        case syntax.Name(name), syntax.Assign("=", syntax.Name(stepped), value):
            if name != stepped:
                return None
            if is_null(value):
                return "1"
            first = said(values.held(name, place, memory))
            return f"each {first}" if first != UNKNOWN else None
        case _:
            return None
