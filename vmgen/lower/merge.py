"""Neighbouring fields that are elements of one array become one leaf."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from vmgen.lower.shape import Ints, Leaf


def merged(leaves: list[Leaf], gathers: Callable[[Leaf], bool]) -> Iterator[Leaf]:
    """Neighbouring elements of one array that are fields of their own, as one leaf."""
    group: list[Leaf] = []
    for leaf in [*leaves, None]:
        if group and (leaf is None or not _joins(group[-1], leaf)):
            yield from _joined(group, gathers)
            group = []
        if leaf is not None:
            group.append(leaf)


def _joins(last: Leaf, leaf: Leaf) -> bool:
    """Whether two fields in a row are parts of one array in the same object."""
    return (
        last.member is not None
        and last.member is leaf.member
        and isinstance(leaf.kind, Ints)
        and not leaf.kind.check
        and last.place == leaf.place
        and {last.shape, leaf.shape} <= {"item", "array"}
        and last.levels == leaf.levels
        and last.condition == leaf.condition
        and (last.member.single or last.start + last.count == leaf.start)
    )


def _joined(group: list[Leaf], gathers: Callable[[Leaf], bool]) -> list[Leaf]:
    first = group[0]
    member = first.member
    if member is None or first.shape not in ("item", "array"):
        return group
    starts = tuple(leaf.start for leaf in group)
    if member.single:
        whole = len(group) == len(member.at(first))
        if first.levels or not (whole or all(map(_apart(gathers), member.at(first)))):
            return group
        start = min(starts)
        joined = replace(
            first,
            shape="items",
            start=start,
            count=max(starts) + 1 - start,
            indices=starts,
        )
    elif len(group) > 1:
        count = sum(leaf.count for leaf in group)
        joined = replace(first, shape="array", count=count)
    else:
        return group
    at = member.leaves.index(first)
    member.leaves = [leaf for leaf in member.leaves if leaf not in group]
    member.leaves.insert(at, joined)
    return [joined]


def _apart(gathers: Callable[[Leaf], bool]) -> Callable[[Leaf], bool]:
    """Whether a leaf, joined or not, is a part that may come in a run of its own."""
    return lambda leaf: leaf.shape == "items" or gathers(leaf)
