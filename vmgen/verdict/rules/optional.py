"""Items under a condition, and items of no bytes."""

from __future__ import annotations

from dataclasses import replace

from vmgen.verdict import cursor
from vmgen.verdict.cursor import ItemCursor
from vmgen.verdict.items import Group, Nested, Unused, Values
from vmgen.verdict.model import Term
from vmgen.verdict.state import Fork, Guarded, State, Step


def empty(
    left: ItemCursor | None, right: ItemCursor | None, state: State
) -> Step | None:
    """Arrays and padding of no bytes are nothing on the wire."""
    for side, here in enumerate((left, right)):
        if (
            here is not None
            and isinstance(item := here.entry.item, Values | Unused | Nested)
            and item.count.known
            and here.entry.left <= 0
        ):
            return state.moved(side, here.rest)
    return None


def group(
    left: ItemCursor | None, right: ItemCursor | None, state: State
) -> Step | None:
    """Items under a condition: decided, or both cases; under the same one on both sides
    they are compared by themselves first."""
    for side, here in enumerate((left, right)):
        if here is None or not isinstance(item := here.entry.item, Group):
            continue
        condition = state.normal(side, item.condition, item.version, here.entry.prefix)
        decided = state.case.decide(condition)
        if decided is not None:
            return state.moved(side, _inside(here, here.rest) if decided else here.rest)
        part = state.case.open_part(condition)
        holds, fails = (replace(state, case=case) for case in state.case.both(part))
        apart = Fork(holds, fails)
        if side == 1 or right is None or not isinstance(right.entry.item, Group):
            return apart
        other = right.entry.item
        if state.endless or condition != state.normal(
            1, other.condition, other.version, right.entry.prefix
        ):
            return apart
        term = Term("optional", item.origin.field.name)
        return Guarded(
            replace(
                state,
                source=_inside(here, None),
                target=_inside(right, None),
                checks=(),
            ),
            replace(
                state,
                source=here.rest,
                target=right.rest,
                offset=state.offset.beyond(term),
            ),
            apart,
        )
    return None


def _inside(here: ItemCursor, rest: ItemCursor | None) -> ItemCursor | None:
    """The group's items, then the rest."""
    entry = here.entry
    assert isinstance(entry.item, Group)
    return cursor.inlined(
        entry.item.items, entry.prefix, entry.names, rest, entry.around
    )
