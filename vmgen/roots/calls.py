"""Which functions lead to others by what they call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

_Function = TypeVar("_Function")


def leading_to(
    ends: Iterable[_Function], calls: Mapping[_Function, Iterable[_Function]]
) -> set[_Function]:
    """The functions that are among the ends, or call one that leads to them."""
    callers: dict[_Function, list[_Function]] = {}
    for caller, called in calls.items():
        for one in called:
            callers.setdefault(one, []).append(caller)
    found: set[_Function] = set()
    waiting = [*ends]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += callers.get(one, ())
    return found
