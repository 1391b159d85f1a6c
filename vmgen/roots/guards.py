"""Sections that a function registers only if a variable decides it.

``css_register_vmstate`` (``hw/s390x/css.c``) registers its section unless
``css_migration_enabled`` was cleared; a class function of one old machine type that
clears it runs for every machine, since all classes of machine types are made at the
start (``select_machine``, ``system/vl.c``).  Where such functions do nothing to it but
clear it, the section is never registered; otherwise that is not known.  A variable that
no class function changes is as it is initialised, or what an option makes of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import assert_never

from vmgen.c_text import CText
from vmgen.cfront import syntax as c
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import walk
from vmgen.ir import Root
from vmgen.roots.model import Guards, Registrations
from vmgen.roots.registering import FunctionText, functions
from vmgen.source import VmgenError
from vmgen.tree import files

_FOLDERS = ("hw", "target")
_OF_MACHINE_TYPE = re.compile(r"\bMachineClass\s*\*")
_ENDS = re.compile(r"\b(?:return|goto)\b")


def guards_of(unit: Unit, function: c.FunctionDecl, call: c.Call) -> Guards:
    """The variables of file scope that decide whether the function makes the call: in
    conditions around it, and in those before it behind which the function may end."""
    assert function.body is not None  # callers ask for definitions only
    conditions = list(_conditions(function.body, call))
    names = {
        node.name
        for condition, _ in conditions
        for node in walk(condition)
        if isinstance(node, c.Name)
    }
    preventing = {
        name
        for condition, wanted in conditions
        for name in _preventing(condition, wanted)
    }
    guards = tuple(sorted(name for name in names if _is_variable(unit, name)))
    own = {
        node.name for node in walk(function.body) if isinstance(node, c.LocalDecl)
    } | {one.name for one in function.type.parameters}
    return Guards(
        guards,
        tuple(
            name
            for name in guards
            if name in preventing - own and _is_shared(unit, name)
        ),
    )


def _conditions(
    statement: c.Statement, call: c.Call
) -> Iterator[tuple[c.Expr, bool | None]]:
    """Each condition with what it must be for the call to be made; None where that is not
    told."""
    match statement:
        case c.Block(items) | c.Case(_, items):
            for item in items:
                if _has(item, call):
                    yield from _conditions(item, call)
                    return
                for node in walk(item):
                    if isinstance(node, c.If) and _ends(node):
                        yield node.condition, (
                            False if _always_ends(item, node) else None
                        )
        case c.If(condition, then, otherwise):
            if _has(then, call):
                yield condition, True
                yield from _conditions(then, call)
            elif otherwise is not None and _has(otherwise, call):
                yield condition, False
                yield from _conditions(otherwise, call)
        case c.Switch(value, body):
            yield value, None
            yield from _conditions(body, call)
        case c.For(body=body) | c.While(body=body) | c.Label(statement=body):
            yield from _conditions(body, call)
        case c.LocalDecl() | c.ExprStatement() | c.Return() | c.Jump() | c.Empty():
            return
        case _:
            assert_never(statement)


def _always_ends(item: c.Statement, node: c.If) -> bool:
    """Whether nothing follows in the block where the condition of the item holds."""
    then = node.then
    if isinstance(then, c.Block) and then.items:
        then = then.items[-1]
    return item is node and isinstance(then, c.Return)


def _preventing(condition: c.Expr, wanted: bool | None) -> Iterator[str]:
    """The variables whose zero makes the condition differ from what is wanted."""
    match condition, wanted:
        case c.Name(name), True:
            yield name
        case c.UnaryOperation("!", value), bool():
            yield from _preventing(value, not wanted)
        case (c.BinaryOperation("&&", left, right), True) | (
            c.BinaryOperation("||", left, right),
            False,
        ):
            yield from _preventing(left, wanted)
            yield from _preventing(right, wanted)


def _has(statement: c.Statement, call: c.Call) -> bool:
    return any(node is call for node in walk(statement))


def _ends(one: c.If) -> bool:
    return any(isinstance(node, c.Return | c.Jump) for node in walk(one))


def _is_variable(unit: Unit, name: str) -> bool:
    try:
        return unit.object(name) is not None
    except VmgenError:
        return True  # there is one, and it cannot be read


def _is_shared(unit: Unit, name: str) -> bool:
    """Whether it is the one variable of this name in all files."""
    try:
        found = unit.object(name)
    except VmgenError:
        return False
    return found is not None and not found.static


@dataclass
class ClassVariables:
    """Which variables class functions of one tree change."""

    root: Path
    _known: dict[str, bool] = field(init=False, default_factory=dict)
    _cleared: dict[str, bool] = field(init=False, default_factory=dict)

    def without_prevented(self, registrations: Registrations) -> Registrations:
        """What a file registers, without the calls that a variable prevents on every
        machine."""
        made = tuple(
            one
            for one in registrations.registrations
            if not any(map(self._is_cleared, one.guards.preventing))
        )
        return replace(registrations, registrations=made)

    def decided(self, roots: Iterable[Root]) -> Iterator[Root]:
        """The roots without the guards that no class function changes."""
        for one in roots:
            if one.guards:
                kept = tuple(name for name in one.guards if self._changed(name))
                one = replace(one, guards=kept)
            yield one

    def _changed(self, name: str) -> bool:
        if name not in self._known:
            change = _change(name)
            self._known[name] = any(
                one.fills_class and change.search(one.body)
                for one in self._functions(name)
            )
        return self._known[name]

    def _is_cleared(self, name: str) -> bool:
        """Whether class functions of machine types clear the variable of this name that
        all files share, whatever else holds, and no function does anything else to it.
        """
        if name not in self._cleared:
            change = _change(name)
            of_file = re.compile(rf"\bstatic\b[^;{{}}()=]*\b{name}\s*[=;,\[]")
            of_function = re.compile(rf"[\w*]\s+\**{name}\b")
            changes = [one for one in self._functions(name) if change.search(one.body)]
            self._cleared[name] = (
                bool(changes)
                and not any(of_file.search(one.code) for one in self._texts(name))
                and all(
                    _OF_MACHINE_TYPE.search(one.head) is not None
                    and of_function.search(one.head + one.body) is None
                    and _only_clears(one.body, name, change)
                    for one in changes
                )
            )
        return self._cleared[name]

    def _functions(self, name: str) -> Iterator[FunctionText]:
        for text in self._texts(name):
            yield from functions(text)

    def _texts(self, name: str) -> Iterator[CText]:
        for _, text in files.texts(self.root, _FOLDERS, (".c",)):
            if name in text:
                yield CText(text)


def _only_clears(body: str, name: str, change: re.Pattern[str]) -> bool:
    """Whether each change in a function's body is ``name = false;`` as a statement of its
    own, before which the function does not end."""
    clears = re.compile(rf"(?:\A|(?<=[;{{}}]))\s*{name}\s*=\s*(?:false|0)\s*(?=;)")
    for found in change.finditer(body):
        before = body[: found.start()].rstrip()
        if before.count("{") - before.count("}") != body[:1].count("{"):
            return False
        if _ENDS.search(before) or clears.match(body, len(before)) is None:
            return False
    return True


def _change(name: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![\w.>])(?:{name}\b\s*(?:\[[^\]]*\]\s*)?(?:=(?!=)|[-+*/|&^]=|\+\+|--)"
        rf"|(?:\+\+|--|(?<!&)&)\s*{name}\b)"
    )
