"""Nodes of the IR with one member changed: every member of every class, one at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from vmgen.source import Position

Change = Callable[[Any], Any]
"""A value in the place of another, or the same where it does not apply."""


def members(node: Any, above: str = "") -> Iterator[tuple[str, Any, str]]:
    """Class, value and member of everything inside of a node, outermost first."""
    if isinstance(node, tuple):
        for item in node:
            yield from members(item, above)
    elif dataclasses.is_dataclass(node) and not isinstance(node, Position):
        for field in dataclasses.fields(node):
            value = getattr(node, field.name)
            yield type(node).__name__, value, field.name
            yield from members(value)


def changed(node: Any, place: Callable[[Any, str], bool], change: Change) -> Any:
    """The node with ``change`` made to each member for which ``place(node, member)``."""
    if isinstance(node, tuple):
        return tuple(changed(item, place, change) for item in node)
    if not dataclasses.is_dataclass(node) or isinstance(node, (Position, type)):
        return node
    values = {}
    for field in dataclasses.fields(node):
        value = changed(getattr(node, field.name), place, change)
        values[field.name] = change(value) if place(node, field.name) else value
    return dataclasses.replace(node, **values)
