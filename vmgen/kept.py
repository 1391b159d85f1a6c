"""Frozen dataclasses as JSON text and back, for what is kept from one run to the next."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from functools import cache
from typing import Any, TypeVar

_Kept = TypeVar("_Kept")


def dumps(node: Any) -> str:
    """A dataclass of strings, numbers, tuples and dataclasses as JSON text, for
    :func:`loads`."""
    return json.dumps(dataclasses.astuple(node))


def loads(cls: type[_Kept], text: str) -> _Kept:
    """What :func:`dumps` wrote of this class.  Raises ValueError or TypeError for
    anything that it did not write."""
    node: _Kept = _built(cls, json.loads(text))
    return node


def _built(hint: Any, value: Any) -> Any:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        hints = _hints(hint)
        return hint(*[
            value if one in _PLAIN else _built(one, value)
            for one, value in zip(hints, value, strict=True)
        ])  # fmt: skip
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        if len(arguments) == 2 and arguments[1] is ...:
            return tuple(_built(arguments[0], item) for item in value)
        return tuple(
            _built(one, item) for one, item in zip(arguments, value, strict=True)
        )
    if isinstance(hint, types.UnionType) and value is not None:
        (some,) = (one for one in arguments if one is not types.NoneType)
        return _built(some, value)
    return value


@cache
def _hints(cls: type[Any]) -> tuple[Any, ...]:
    hints = typing.get_type_hints(cls)
    return tuple(hints[member.name] for member in dataclasses.fields(cls))


_PLAIN = frozenset([str, int, bool])
