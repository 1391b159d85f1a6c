"""Objects inside of objects: structs, lists, trees."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from vmgen import ir
from vmgen.lookup import Placed
from vmgen.verdict import conditions, cursor
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
    WireLayout,
)
from vmgen.verdict.layout import WireLayouts
from vmgen.verdict.model import START, Finding, Offset, Side, Term
from vmgen.verdict.places import count_path, finding
from vmgen.verdict.rules.units import counts
from vmgen.verdict.state import NOTHING_AROUND, Ending, State, Step, summed


def single(
    left: ItemCursor | None, right: ItemCursor | None, state: State
) -> Step | None:
    """Nested objects on one side only: written out on the other, perhaps."""
    for side, here in enumerate((left, right)):
        if here is None or not isinstance(item := here.entry.item, Nested):
            continue
        if not item.count.known or item.pointers:
            if left is None or right is None:
                return None
            return state.fail(finding("shape", state, left, right))
        if side == 1 and (found := _window(state, item)) is not None:
            return state.fail(found)
        layouts = state.pair.sides[side]
        if cursor.endless(here, layouts):
            return _too_deep(state, left, right)
        return state.moved(side, cursor.opened(here, layouts))
    return None


def pair(
    left: ItemCursor | None, right: ItemCursor | None, state: State
) -> Step | None:
    """Nested objects on both sides: taken in one step where they are the same member's
    and nothing differs, else opened."""
    if left is None or right is None:
        return None
    one, two = left.entry.item, right.entry.item
    if not (isinstance(one, Nested) and isinstance(two, Nested)):
        return None
    sides = state.pair.sides
    mine = sides[0].layout(one.placed, one.version)
    theirs = sides[1].layout(two.placed, two.version)
    after: State | Ending = state
    if one.pointers != two.pointers and "every" in (one.pointers, two.pointers):
        return state.fail(finding("null", state, left, right))
    if one.pointers != two.pointers:
        null = _no_null(left, one)
        after = state.require(finding("null", state, left, right, condition=null))
    fixed = one.count.known and two.count.known
    found = counts(state, left, one.count, right, two.count)
    if isinstance(after, State) and found is not None and not fixed:
        after = after.require(found)
    if isinstance(after, Ending):
        return after
    leaves = state.pair.below(mine, theirs, NOTHING_AROUND)
    if all(leaf.clean for leaf in leaves) and _same_place(state, left, right):
        return _taken(after.noted(leaves[0].notes), left, right, mine, fixed)
    if fixed:
        if (refused := _window(state, two)) is not None:
            return state.fail(refused)
        if cursor.endless(left, sides[0]) or cursor.endless(right, sides[1]):
            return _too_deep(after, left, right)
        if one.placed.description.name == two.placed.description.name:
            theirs_at = conditions.joined(right.entry.prefix, two.path)
            mine_at = conditions.joined(left.entry.prefix, one.path)
            if theirs_at != mine_at:  # the object of another member, and what is in it
                after = after.rename(f"{theirs_at}.", f"{mine_at}.")
        return replace(
            after,
            source=cursor.opened(left, sides[0]),
            target=cursor.opened(right, sides[1]),
        )
    # As many as a member says, and they differ: the first one tells.
    count = one.count.expression(count_path(left.entry, one.count))
    return inside(
        replace(
            after,
            source=left.rest,
            target=right.rest,
            offset=state.offset.beyond(Term("field", one.name)),
        ),
        leaves,
        f"{left.entry.prefix}{one.path}[].",
        ir.Binary("==", count, ir.Const(0)),
        state.offset,
    )


def listed(
    left: ItemCursor | None, right: ItemCursor | None, state: State
) -> Step | None:
    """Lists and trees: the first element tells, unless there is none."""
    assert left is not None
    assert right is not None
    one, two = left.entry.item, right.entry.item
    if not (isinstance(one, ObjectList) and isinstance(two, ObjectList)):
        return None
    if one.kind != two.kind or (one.key is None) != (two.key is None):
        return None
    path = conditions.joined(left.entry.prefix, one.path)
    none = ir.Ask(f"QTAILQ_EMPTY(&{path})")
    if one.kind == "tree":
        none = ir.Ask(f"g_tree_nnodes({path}) == 0")
    after: State | Ending = replace(
        state,
        source=left.rest,
        target=right.rest,
        offset=state.offset.beyond(Term("field", one.origin.field.name)),
    )
    parts = [(one.value, one.value_version, two.value, two.value_version)]
    if one.key is not None and two.key is not None:
        parts.insert(0, (one.key, one.key_version, two.key, two.key_version))
    sides = state.pair.sides
    for mine, saved, theirs, loaded in parts:
        if isinstance(after, Ending):
            return after
        leaves = state.pair.below(
            sides[0].layout(mine, saved),
            sides[1].layout(theirs, loaded),
            NOTHING_AROUND,
        )
        prefix = f"{left.entry.prefix}{one.path}[]."
        after = inside(after, leaves, prefix, none, state.offset.plus(1))
    return after


def inside(
    state: State,
    leaves: tuple[Ending, ...],
    prefix: str,
    empty: ir.Expr | None,
    at: Offset,
) -> State | Ending:
    """Goes on after an array, list or tree whose elements were compared by themselves;
    ``empty`` is when there are none, ``at`` where the first one begins."""
    found = summed(leaves)
    bad = found.failed or found.unclear
    if bad is not None:
        bad = replace(bad, path=prefix + bad.path, offset=at + (bad.offset or START))
        if found.failed is None or bad.kind in ("cases", "recursion", "code", "units"):
            return state.give_up(bad)
        if found.condition is None:
            return state.fail(bad)
        condition = conditions.either(empty, found.condition)
        after = state.require(replace(bad, condition=condition))
        if isinstance(after, Ending):
            return after
        state = after
    for needed in found.required:
        after = state.require(replace(needed, path=prefix + needed.path))
        if isinstance(after, Ending):
            return after
        state = after
    return state.noted(found.notes)


def window(placed: Placed, version: int, refused: bool) -> Finding | None:
    """The finding if a nested description does not accept the version that it is loaded
    with (``vmstate_load_state``)."""
    if not refused:
        return None
    item = placed.description
    return Finding(
        "nested-version",
        item.name,
        item.symbol,
        source=Side("object", versions=(version,)),
        target=Side(
            "object",
            item.symbol,
            versions=(item.minimum_version_id, item.version_id),
            position=item.position,
        ),
    )


def size_of(
    layout: WireLayout, layouts: WireLayouts, around: tuple[WireLayout, ...] = ()
) -> int | None:
    """Bytes of an object, if they are always as many; ``around`` are the layouts that it
    is in."""
    if layout.subsections or any(layout is one for one in around):
        return None
    total = 0
    for item in layout.items:
        match item:
            case Values(width=width, count=count) if count.known:
                total += width * count.fixed
            case Unused(count=count) if count.known:
                total += count.fixed
            case Nested(count=count, pointers="") if count.known:
                inner = layouts.layout(item.placed, item.version)
                size = size_of(inner, layouts, (*around, layout))
                if size is None:
                    return None
                total += size * count.fixed
            case Validation() | Refuses():
                pass
            case (
                Values()
                | Unused()
                | Nested()
                | Group()
                | ObjectList()
                | Custom()
                | Subsections()
            ):
                return None
            case _:
                assert_never(item)
    return total


def _window(state: State, item: Nested) -> Finding | None:
    layout = state.pair.sides[1].layout(item.placed, item.version)
    return window(item.placed, item.version, layout.refused)


def _no_null(here: ItemCursor, item: Nested) -> ir.Expr:
    """That no element of an array of pointers is NULL."""
    path = conditions.joined(here.entry.prefix, item.path)
    pointer = ir.Load(f"{path}[$0]", "uint64", (ir.Var("i"),))
    count = item.count.expression(count_path(here.entry, item.count))
    null = ir.Exists("i", ir.Const(0), count, 1, ir.Unary("!", pointer))
    return ir.Unary("!", null)


def _same_place(state: State, left: ItemCursor, right: ItemCursor) -> bool:
    """Whether the objects are the same member's, so that no value is misplaced."""
    one, two = left.entry.item, right.entry.item
    assert isinstance(one, Nested)
    assert isinstance(two, Nested)
    names = left.entry.names + one.name, right.entry.names + two.name
    theirs = state.original(right.entry.prefix + two.path)
    if names[0] != names[1] and left.entry.prefix + one.path != theirs:
        return False
    return one.index + left.entry.taken == two.index + right.entry.taken


def _taken(
    state: State, left: ItemCursor, right: ItemCursor, layout: WireLayout, fixed: bool
) -> State:
    """Goes on after equal objects."""
    one = left.entry.item
    assert isinstance(one, Nested)
    if not fixed:
        return replace(
            state,
            source=left.rest,
            target=right.rest,
            offset=state.offset.beyond(Term("field", one.name)),
        )
    count = min(left.entry.left, right.entry.left)
    size = size_of(layout, state.pair.sides[0])
    return replace(
        state,
        source=left.advanced(count),
        target=right.advanced(count),
        offset=(
            state.offset.plus(size * count)
            if size is not None
            else state.offset.beyond(Term("field", one.name))
        ),
    )


def _too_deep(
    state: State, left: ItemCursor | None, right: ItemCursor | None
) -> Ending:
    """The end where a description is inside of itself again, and each time has
    another byte against another."""
    return state.give_up(finding("recursion", state, left, right))
