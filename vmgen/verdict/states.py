"""Two states of generated codecs compared by the C paths of their members."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

_NUMBERED = re.compile(r"_[0-9]+(?=[.\[]|$)")
"""What tells attributes of one C member apart (``each``, ``each_2``)."""


def difference(before: Any, after: Any, skipped: Iterable[str]) -> str:
    """The first member that both have and that is not the same, in words; empty if there
    is none.  ``skipped`` are C paths that need not be.

    Arrays are compared whole, and element by element only where they differ.
    """
    old, new = dict(_flat(before, "")), dict(_flat(after, ""))
    numbered = {
        _NUMBERED.sub("", path)
        for path in (*old, *new)
        if _NUMBERED.search(path) is not None
    }
    for path in old.keys() & new.keys():
        whole = isinstance(old[path], Sequence) or hasattr(old[path], "typecode")
        if whole and path not in numbered and _equal(old[path], new[path]):
            del old[path], new[path]
    old, new = dict(_elements(old)), dict(_elements(new))
    known = old.keys() | new.keys()
    loaded = _grouped(new, known)
    for path, values in _grouped(old, known).items():
        if any(_within(path, one) for one in skipped):
            continue
        others = loaded.get(path)
        if others and not any(_alike(one, two) for one in values for two in others):
            first, second = _short(values[0]), _short(others[0])
            return f"{path} was {first} and comes out as {second}"
    return ""


def _flat(value: Any, path: str) -> Iterator[tuple[str, object]]:
    """The numbers and arrays of numbers of a state, by their path."""
    if hasattr(type(value), "__vmstate_members__"):
        for name in type(value).__vmstate_members__():
            yield from _flat(getattr(value, name), f"{path}.{name}" if path else name)
    elif value is None:
        return
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{path}[{key}]")
    elif isinstance(value, (list, tuple)) and not all(
        isinstance(item, int) for item in value
    ):
        for number, item in enumerate(value):
            yield from _flat(item, f"{path}[{number}]")
    else:
        yield path, int(value) if isinstance(value, bool) else value


def _elements(values: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """The same with every array as its elements."""
    for path, value in values.items():
        if isinstance(value, str) or not hasattr(value, "__len__"):
            yield path, value
            continue
        for number, item in enumerate(value):
            yield f"{path}[{number}]", int(item) if isinstance(item, bool) else item


def _equal(old: Any, new: Any) -> bool:
    return type(old) is type(new) and bool(old == new)


def _grouped(values: Mapping[str, object], known: Set[str]) -> dict[str, list[object]]:
    """The values by the path that C has for them; of one with several, one is set."""
    found: dict[str, list[object]] = {}
    for path, value in values.items():
        found.setdefault(_in_c(path, known), []).append(value)
    return found


def _in_c(path: str, known: Set[str]) -> str:
    """The path as C has it: elements of an array that are saved as different types have
    attributes of their own (``each``, ``each_2``), and which is which differs from side to
    side."""
    plain = _NUMBERED.sub("", path)
    return plain if plain in known else path


def _within(path: str, member: str) -> bool:
    """Whether the path is that of the member, or of a part of it; subsections come before
    their members in a state."""
    whole = f".{path}."
    return f".{member}." in whole or f".{member}[" in whole


def _alike(old: object, new: object) -> bool:
    """Whether the two are the same bits, be it as numbers of another sign."""
    if isinstance(old, int) and isinstance(new, int):
        return old == new or abs(old - new) in (1 << 8, 1 << 16, 1 << 32, 1 << 64)
    return old == new


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
