"""Which properties of its CPUs a board switches off on a machine without options.

``machvirt_init`` (``hw/arm/virt.c``) sets ``has_el3`` to false unless the machine's own
``secure`` is on.  QOM gives an object that is all zero (``object_initialize_with_type``,
``qom/object.c``), so that such a member is off until the board's code or a user sets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from vmgen.cfront import syntax as c
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import walk
from vmgen.source import VmgenError

SETTERS = ("object_property_set_bool", "qdev_prop_set_bit")
"""The functions that set such a property.  Before 5.2 the value came before the name."""

_FIND = "object_property_find"
_OF_SETTER = 3
"""The parameters of a setter: the object, the value, and where an error goes."""


def switched_off(unit: Unit, properties: Iterable[str]) -> Iterator[str]:
    """Those of the properties that the functions of a board's file surely set to false,
    and to nothing else, where the user gives no option."""
    functions = [*_functions(unit)]
    members = _OffMembers(functions)
    for name in properties:
        sets = [found for function in functions for found in _sets(function, name)]
        only_off = all(_is_true(call) is False for call, _ in sets)
        if only_off and any(
            all(members.value(one) is wanted for one, wanted in conditions)
            for _, conditions in sets
        ):
            yield name


def _functions(unit: Unit) -> Iterator[c.FunctionDecl]:
    """The functions of the unit's own file that can be read."""
    names = {name for word in ("->", "(") for name in unit.functions_with(word)}
    for name in sorted(names):
        try:
            found = unit.function(name)
        except VmgenError:
            continue  # its other readers report it
        if found is not None and found.body is not None:
            yield found


def _sets(
    function: c.FunctionDecl, name: str
) -> Iterator[tuple[c.Call, list[tuple[c.Expr, bool]]]]:
    """The calls that set a property, with the conditions around each."""
    assert function.body is not None  # the caller has looked
    for call, conditions in _calls(function.body, []):
        if any(
            isinstance(one, c.StringLiteral) and one.value == name
            for one in call.arguments
        ):
            yield call, conditions


def _calls(
    statement: c.Statement, around: list[tuple[c.Expr, bool]]
) -> Iterator[tuple[c.Call, list[tuple[c.Expr, bool]]]]:
    match statement:
        case c.Block(items) | c.Case(_, items):
            for item in items:
                yield from _calls(item, around)
        case c.If(condition, then, otherwise):
            yield from _in_expression(condition, around)
            yield from _calls(then, [*around, (condition, True)])
            if otherwise is not None:
                yield from _calls(otherwise, [*around, (condition, False)])
        case c.Switch(value, body):
            yield from _calls(body, [*around, (value, True)])
        case c.For(body=body) | c.While(body=body) | c.Label(statement=body):
            yield from _calls(body, around)
        case c.LocalDecl() | c.ExprStatement() | c.Return() | c.Jump() | c.Empty():
            yield from _in_expression(statement, around)
        case _:
            assert_never(statement)


def _in_expression(
    node: c.Expr | c.Statement, around: list[tuple[c.Expr, bool]]
) -> Iterator[tuple[c.Call, list[tuple[c.Expr, bool]]]]:
    for one in walk(node):
        if (
            isinstance(one, c.Call)
            and isinstance(one.function, c.Name)
            and one.function.name in SETTERS
        ):
            yield one, around


def _is_true(call: c.Call) -> bool | None:
    """The value that a call sets; None for one that is no constant."""
    values = [one.value for one in call.arguments if isinstance(one, c.IntegerLiteral)]
    return bool(values[0]) if len(values) == 1 else None


class _OffMembers:
    """The members of objects that nothing in a file switches on but what a user asks."""

    def __init__(self, functions: Iterable[c.FunctionDecl]) -> None:
        self._set: set[str] = set()
        for function in functions:
            assert function.body is not None  # the caller has looked
            given = _given(function)
            for node in walk(function.body):
                match node:
                    case c.Assign("=", c.Member(name=name), value):
                        if not _is_off(value, given):
                            self._set.add(name)
                    case c.Assign(_, c.Member(name=name)):
                        self._set.add(name)
                    case c.UnaryOperation("&", c.Member(name=name)):
                        self._set.add(name)

    def value(self, condition: c.Expr) -> bool | None:
        """Whether a condition holds without options; None where that is not known."""
        match condition:
            case c.Member(name=name):
                return None if name in self._set else False
            case c.UnaryOperation("!", operand):
                value = self.value(operand)
                return None if value is None else not value
            case c.BinaryOperation("&&", left, right):
                return self._both(left, right, False)
            case c.BinaryOperation("||", left, right):
                return self._both(left, right, True)
            case c.Call(c.Name(name)) if name == _FIND:
                return True  # else the CPU has no such part
            case _:
                return None

    def _both(self, left: c.Expr, right: c.Expr, enough: bool) -> bool | None:
        one, two = self.value(left), self.value(right)
        if enough in (one, two):
            return enough
        return None if None in (one, two) else not enough


def _given(function: c.FunctionDecl) -> set[str]:
    """The value that the setter of a property gets (``object_property_add_bool``); none
    for another function."""
    parameters = function.type.parameters
    return {parameters[1].name} if len(parameters) == _OF_SETTER else set()


def _is_off(value: c.Expr, given: set[str]) -> bool:
    """Whether an assigned value is false, or what the caller of a property's setter
    gives."""
    if isinstance(value, c.Name):
        return value.name in given
    return isinstance(value, c.IntegerLiteral) and not value.value
