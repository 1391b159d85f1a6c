"""Bytes of C code that vmgen does not translate, the end of one side, and what no other
rule compares."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from vmgen import ir
from vmgen.verdict.cursor import ItemCursor
from vmgen.verdict.items import (
    Custom,
    Group,
    Nested,
    ObjectList,
    Refuses,
    Subsections,
    Unused,
    Validation,
    Values,
)
from vmgen.verdict.layout import WireLayouts
from vmgen.verdict.model import Term
from vmgen.verdict.places import count_path, finding, side
from vmgen.verdict.rules.objects import size_of
from vmgen.verdict.state import State, Step


def ended(
    left: ItemCursor | None, right: ItemCursor | None, state: State
) -> Step | None:
    """One side has something left; an array may be empty."""
    here = left or right
    assert here is not None
    if left is not None and right is not None:
        return None
    item = here.entry.item
    if isinstance(item, Custom) and item.unread:
        return state.give_up(finding("code", state, left, right))
    condition: ir.Expr | None = None
    if isinstance(item, Unused | Values) and not item.count.known:
        count = item.count.expression(count_path(here.entry, item.count))
        condition = ir.Binary("==", count, ir.Const(0))
    return state.fail(finding("end", state, left, right, condition=condition))


def same(
    left: ItemCursor | None, right: ItemCursor | None, state: State
) -> Step | None:
    """The same C code on both sides is assumed to read what it wrote."""
    assert left is not None
    assert right is not None
    one, two = left.entry.item, right.entry.item
    if not (isinstance(one, Custom) and isinstance(two, Custom)):
        return None
    known = not (one.unread or two.unread)
    moved = (one.info, one.count, one.moves), (two.info, two.count, two.moves)
    if not known or moved[0] != moved[1]:
        return state.give_up(finding("code", state, left, right))
    return replace(
        state.note(finding("code-assumed", state, left, right)),
        source=left.rest,
        target=right.rest,
        offset=state.offset.beyond(Term("field", one.origin.field.name)),
    )


def other(
    left: ItemCursor | None, right: ItemCursor | None, state: State
) -> Step | None:
    """C code on one side only: vmgen cannot tell, unless there are too many bytes."""
    assert left is not None
    assert right is not None
    if not any(isinstance(here.entry.item, Custom) for here in (left, right)):
        return None
    saved, all_saved = _least(left, state.pair.sides[0])
    loaded, all_loaded = _least(right, state.pair.sides[1])
    if (all_loaded and saved > loaded) or (all_saved and loaded > saved):
        totals = (saved, all_saved), (loaded, all_loaded)
        first, second = (
            replace(
                side(here.entry),
                count=ir.Const(count),
                width=1,
                check="" if exact else "least",
            )
            for here, (count, exact) in zip((left, right), totals, strict=True)
        )
        found = finding("bytes", state, left, right, source=first, target=second)
        return state.fail(found)
    return state.give_up(finding("code", state, left, right))


def unlike(
    left: ItemCursor | None, right: ItemCursor | None, state: State
) -> Step | None:
    """An array of a length that is not known, a list or a tree, and something else."""
    return state.fail(finding("shape", state, left, right))


def _least(cursor: ItemCursor | None, layouts: WireLayouts) -> tuple[int, bool]:
    """Bytes that come at least up to the subsections, and whether they are all."""
    total, exact = 0, True
    while cursor is not None:
        entry, cursor = cursor.entry, cursor.rest
        match entry.item:
            case Values(count=count) | Unused(count=count) if count.known:
                total += entry.left
            case Nested(count=count, pointers="") as item if count.known:
                size = size_of(layouts.layout(item.placed, item.version), layouts)
                exact = exact and size is not None
                total += (size or 0) * entry.left
            case Validation() | Refuses() | Subsections():
                pass
            case Values() | Unused() | Nested() | Group() | ObjectList() | Custom():
                exact = False
            case _:
                assert_never(entry.item)
    return total, exact
