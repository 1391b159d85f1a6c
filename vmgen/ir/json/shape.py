"""What the JSON of the IR is made of: the tags of its nodes, and their members."""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Mapping
from typing import Any

from vmgen import ir
from vmgen.schemas import FORMATS

FORMAT = FORMATS["ir"]
"""The first member of every file; changes when older files can no longer be read."""

STAMP = ("generated", "body")
"""Members that a generated file begins with (:mod:`vmgen.stamp`); not part of the IR."""

MAX_DEPTH = 100
"""Deepest nesting that :func:`loads` follows; real predicates stay below 30."""

ELEMENTS: Mapping[str, type[Any]] = {
    "int": ir.IntegerElement,
    "timer": ir.TimerElement,
    "buffer": ir.BufferElement,
    "unused": ir.UnusedElement,
    "bitmap": ir.BitmapElement,
    "struct": ir.StructElement,
    "tmp": ir.TmpElement,
    "list": ir.ListElement,
    "gtree": ir.GTreeElement,
    "words": ir.WordsElement,
    "nothing": ir.NothingElement,
    "custom": ir.CustomElement,
}

OPERATIONS: Mapping[str, type[Any]] = {
    "const": ir.Const,
    "var": ir.Var,
    "load": ir.Load,
    "?:": ir.Select,
    "cast": ir.Truncate,
    "exists": ir.Exists,
    "ask": ir.Ask,
}

LISTS: tuple[type[Any], ...] = (ir.Step, ir.Word, ir.Method)
ELEMENT_TAGS = {cls: tag for tag, cls in ELEMENTS.items()}
OPERATION_TAGS = {cls: tag for tag, cls in OPERATIONS.items()}


# --- the shape of a node, read from its dataclass -----------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class NodeMember:
    """A member of a node: its name, its type hint, and its default."""

    name: str
    hint: Any
    default: object  # dataclasses.MISSING: must be present


@functools.lru_cache(maxsize=1024)
def taken_apart(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """What a type hint is of, and its arguments: ``tuple`` and the type of its items; None
    for a class."""
    return typing.get_origin(hint), typing.get_args(hint)


_SHAPES: dict[type[Any], dict[str, NodeMember]] = {}


def shape(cls: type[Any]) -> dict[str, NodeMember]:
    """The members of a class of the IR, in its order."""
    if cls not in _SHAPES:
        hints = typing.get_type_hints(cls, include_extras=True)
        _SHAPES[cls] = {
            field.name: NodeMember(field.name, hints[field.name], field.default)
            for field in dataclasses.fields(cls)
        }
    return _SHAPES[cls]


UNARY: tuple[str, ...] = typing.get_args(shape(ir.Unary)["op"].hint)
BINARY: tuple[str, ...] = typing.get_args(shape(ir.Binary)["op"].hint)
