"""Sections that a function registers only if a variable decides it.

``css_register_vmstate`` (``hw/s390x/css.c``) registers its section unless
``css_migration_enabled`` was cleared; a class function of one old machine type that
clears it runs for every machine, since all classes of machine types are made at the
start (``select_machine``, ``system/vl.c``).  Whether such a section is registered is not
known.  A variable that no class function changes is as it is initialised, or what an
option makes of it.
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
from vmgen.roots.registering import functions
from vmgen.source import VmgenError
from vmgen.tree import files

_FOLDERS = ("hw", "target")


def guards_of(unit: Unit, function: c.FunctionDecl, call: c.Call) -> tuple[str, ...]:
    """The variables of file scope that decide whether the function makes the call: in
    conditions around it, and in those before it behind which the function may end."""
    assert function.body is not None  # callers ask for definitions only
    names = {
        node.name
        for condition in _conditions(function.body, call)
        for node in walk(condition)
        if isinstance(node, c.Name)
    }
    return tuple(sorted(name for name in names if _is_variable(unit, name)))


def _conditions(statement: c.Statement, call: c.Call) -> Iterator[c.Expr]:
    match statement:
        case c.Block(items) | c.Case(_, items):
            for item in items:
                if _has(item, call):
                    yield from _conditions(item, call)
                    return
                for node in walk(item):
                    if isinstance(node, c.If) and _ends(node):
                        yield node.condition
        case c.If(condition, then, otherwise):
            if _has(then, call):
                yield condition
                yield from _conditions(then, call)
            elif otherwise is not None and _has(otherwise, call):
                yield condition
                yield from _conditions(otherwise, call)
        case c.Switch(value, body):
            yield value
            yield from _conditions(body, call)
        case c.For(body=body) | c.While(body=body) | c.Label(statement=body):
            yield from _conditions(body, call)
        case c.LocalDecl() | c.ExprStatement() | c.Return() | c.Jump() | c.Empty():
            return
        case _:
            assert_never(statement)


def _has(statement: c.Statement, call: c.Call) -> bool:
    return any(node is call for node in walk(statement))


def _ends(one: c.If) -> bool:
    return any(isinstance(node, c.Return | c.Jump) for node in walk(one))


def _is_variable(unit: Unit, name: str) -> bool:
    try:
        return unit.object(name) is not None
    except VmgenError:
        return True  # there is one, and it cannot be read


@dataclass
class ClassVariables:
    """Which variables class functions of one tree change."""

    root: Path
    _known: dict[str, bool] = field(init=False, default_factory=dict)

    def decided(self, roots: Iterable[Root]) -> Iterator[Root]:
        """The roots without the guards that no class function changes."""
        for one in roots:
            if one.guards:
                kept = tuple(name for name in one.guards if self._changed(name))
                one = replace(one, guards=kept)
            yield one

    def _changed(self, name: str) -> bool:
        if name not in self._known:
            self._known[name] = any(
                change.search(function.body)
                for _, text in files.texts(self.root, _FOLDERS, (".c",))
                if name in text
                for function in functions(CText(text))
                if function.fills_class
                for change in (_change(name),)
            )
        return self._known[name]


def _change(name: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![\w.>])(?:{name}\b\s*(?:\[[^\]]*\]\s*)?(?:=(?!=)|[-+*/|&^]=|\+\+|--)"
        rf"|(?:\+\+|--|(?<!&)&)\s*{name}\b)"
    )
