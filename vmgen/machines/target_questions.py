"""What conditions of a file that is compiled once ask of the target.

From 10.1 on such a file asks ``target_arch()`` (target-info.c) where it had an ``#ifdef``:
``virtio_mem_has_legacy_guests()`` (hw/virtio/virtio-mem.c, 10.2) is a switch over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vmgen.cfront import syntax as c
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import uncast
from vmgen.machines.model import TargetCondition
from vmgen.source import VmgenError

_DEEPEST = 8
"""How many functions may stand for one another."""
_TARGET = "target_arch"


def of_target(unit: Unit, layout: Layout, condition: c.Expr) -> TargetCondition | None:
    """The targets for which a condition holds; None for one that asks anything else, and
    for one that cannot be read."""
    try:
        return _asked(unit, layout, condition, 0)
    except VmgenError:
        return None


def _asked(
    unit: Unit, layout: Layout, condition: c.Expr, depth: int
) -> TargetCondition | None:
    match uncast(condition):
        case c.UnaryOperation("!", operand):
            inner = _asked(unit, layout, operand, depth)
            return None if inner is None else (inner[0], not inner[1])
        case c.BinaryOperation("||", left, right):
            one = _asked(unit, layout, left, depth)
            two = _asked(unit, layout, right, depth)
            if one is None or two is None or not (one[1] and two[1]):
                return None
            return tuple(sorted({*one[0], *two[0]})), True
        case c.BinaryOperation("==" | "!=" as op, left, right):
            if not _is_target(left):
                left, right = right, left
            name = uncast(right)
            if (
                _is_target(left)
                and isinstance(name, c.Name)
                and unit.enumerator(name.name) is not None
            ):
                return (name.name,), op == "=="
            return None
        case c.Call(c.Name(name), ()) if depth < _DEEPEST:
            function = unit.function(name)
            if function is None or function.body is None:
                return None
            return _returned(unit, layout, function.body, depth + 1)
        case _:
            return None


def _is_target(value: c.Expr) -> bool:
    match uncast(value):
        case c.Call(c.Name(name), ()):
            return name == _TARGET
        case _:
            return False


def _returned(
    unit: Unit, layout: Layout, body: c.Block, depth: int
) -> TargetCondition | None:
    match body.items:
        case (c.Return(value),) if value is not None:
            return _asked(unit, layout, value, depth)
        case (c.Switch(value, c.Block(cases)), *after) if _is_target(value):
            ways = dict(_ways(layout, [*cases, *after]))
            otherwise = ways.pop("", None)
            if otherwise is None or None in ways.values():
                return None
            names = sorted(name for name, is_ in ways.items() if is_ is not otherwise)
            return tuple(names), not otherwise
        case _:
            return None


def _ways(
    layout: Layout, statements: Iterable[c.Statement]
) -> Iterator[tuple[str, bool | None]]:
    """What a switch returns for each of its names, and for all others (as ''); None for
    what is no constant."""
    labels: list[str] = []
    has_default = False
    for statement in statements:
        inside: Iterable[c.Statement] = (statement,)
        if isinstance(statement, c.Case):
            inside = statement.body
            match statement.value:
                case None:
                    labels.append("")
                    has_default = True
                case c.Name(name):
                    labels.append(name)
                case _:
                    yield "", None  # a range, say
                    return
        elif not has_default:
            labels.append("")  # behind the switch
        for one in inside:
            truth = None
            if isinstance(one, c.Return) and one.value is not None:
                truth = _truth(layout, one.value)
            yield from ((name, truth) for name in labels)
            labels = []
            if not isinstance(one, c.Return):
                return
            break


def _truth(layout: Layout, value: c.Expr) -> bool | None:
    try:
        return bool(layout.constant(value))
    except VmgenError:
        return None
