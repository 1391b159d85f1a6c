"""Values against values and padding: the bytes themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from vmgen import ir
from vmgen.verdict import conditions
from vmgen.verdict.conditions import DESTINATION
from vmgen.verdict.cursor import Entry, ItemCursor
from vmgen.verdict.items import Number, Unused, Values
from vmgen.verdict.layout import bare
from vmgen.verdict.model import Finding
from vmgen.verdict.places import TYPES, count_path, finding, member, term, value
from vmgen.verdict.state import Ending, State, Step


def of_length(
    left: ItemCursor | None, right: ItemCursor | None, state: State
) -> Step | None:
    """Values or padding, as many as a member says on one side at least."""
    assert left is not None
    assert right is not None
    one, two = left.entry.item, right.entry.item
    if not (isinstance(one, Values | Unused) and isinstance(two, Values | Unused)):
        return None
    if one.count.known and two.count.known:
        return None
    widths = [item.width for item in (one, two) if isinstance(item, Values)]
    if len(widths) == 2 and widths[0] != widths[1]:
        return state.fail(finding("width", state, left, right))
    after: State | Ending = state
    if (found := counts(state, left, one.count, right, two.count)) is not None:
        after = state.require(found)
    if isinstance(after, State) and isinstance(one, Values) and isinstance(two, Values):
        after = _meaning(after, left, one, right, two)
    if isinstance(after, Ending):
        return after
    here, number = (left, one.count) if not one.count.known else (right, two.count)
    width = widths[0] if widths else 1
    return replace(
        after,
        source=left.rest,
        target=right.rest,
        offset=state.offset.beyond(term(here.entry, number, width)),
    )


def units(
    left: ItemCursor | None, right: ItemCursor | None, state: State
) -> Step | None:
    """Values or padding of known lengths: the bytes that both sides have."""
    assert left is not None
    assert right is not None
    one, two = left.entry.item, right.entry.item
    if not (isinstance(one, Values | Unused) and isinstance(two, Values | Unused)):
        return None
    after: State | Ending = state
    match one, two:
        case Values(), Values():
            whole = left.entry.taken % one.width == right.entry.taken % two.width == 0
            if one.width == two.width and whole:
                after = _meaning(state, left, one, right, two)
            else:
                after = _cut(state, left, right)
        case Values(), Unused():
            after = _padded(state, left, right, 1)
        case Unused(), Values():
            after = _padded(state, left, right, 0)
    if isinstance(after, Ending):
        return after
    size = min(left.entry.left, right.entry.left)
    return replace(
        after,
        source=left.advanced(size),
        target=right.advanced(size),
        offset=state.offset.plus(size),
    )


def counts(
    state: State, left: ItemCursor, one: Number, right: ItemCursor, two: Number
) -> Finding | None:
    """The finding if the numbers of elements need not be the same."""
    mine = count_path(left.entry, one)
    theirs = state.original(count_path(right.entry, two)) if not two.known else ""
    if (one.known, one.multiply, one.bits) == (two.known, two.multiply, two.bits):
        if not one.known and mine == theirs:
            return None
        if one.known and one.fixed == two.fixed:
            return None
    same = ir.Binary("==", one.expression(mine), two.expression(theirs))
    return finding("count", state, left, right, condition=same)


# --- padding --------------------------------------------------------------------------


def _padded(
    state: State, left: ItemCursor, right: ItemCursor, other: Literal[0, 1]
) -> State | Ending:
    """A value on one side, padding on the ``other``: harmless, unless that one has the
    member at another place, where something else reaches it."""
    here, there = (left, right) if other else (right, left)
    item = here.entry.item
    assert isinstance(item, Values)
    path = conditions.joined(here.entry.prefix, item.base)
    # Of an array the other side may have the rest: elements that were cut off.
    elements = item.index >= 0 or "[" in path
    first = item.index + here.entry.taken // item.width
    end = first + max(min(here.entry.left, there.entry.left) // item.width, 1)
    moved = any(
        base == path and begin < end and first < after
        for base, begin, after in state.pair.elements[other]
    )
    if (elements and not moved) or path not in state.pair.members[other]:
        kind: Literal["padding-skipped", "padding-loaded"]
        kind = "padding-skipped" if other else "padding-loaded"
        return state.note(finding(kind, state, left, right))
    return state.fail(finding("member", state, left, right))


# --- units of one width ---------------------------------------------------------------


def _meaning(
    state: State, left: ItemCursor, one: Values, right: ItemCursor, two: Values
) -> State | Ending:
    """Do they reach the same member, and as what they were?"""
    after = _reached(state, left, one, right, two)
    if isinstance(after, Ending):
        return after
    saved = {**TYPES, "timer": "int64"}.get(one.kind, one.kind)
    loaded = {**TYPES, "timer": "int64"}.get(two.kind, two.kind)
    if saved != loaded and loaded == "bool":
        fits = ir.Binary("<=", value(left.entry), ir.Const(1))
        after = after.require(finding("bool", after, left, right, condition=fits))
    elif saved != loaded and saved != "bool":
        after = after.note(finding("sign", after, left, right))
    if isinstance(after, Ending) or not two.check or two.check == one.check:
        return after
    path = member(right.entry)
    loads, own = ir.Load(path, "int64"), ir.Load(f"{DESTINATION}{path}", "int64")
    fits = ir.Binary("==", loads, own)
    if two.check == "le":
        fits = ir.Binary(
            "&&",
            ir.Binary("<=", ir.Const(0), loads),
            ir.Binary("<=", loads, own),
        )
    return after.require(finding("check", after, left, right, condition=fits))


def _reached(
    state: State, left: ItemCursor, one: Values, right: ItemCursor, two: Values
) -> State | Ending:
    mine = conditions.joined(left.entry.prefix, one.base)
    theirs = conditions.joined(right.entry.prefix, two.base)
    taken = left.entry.taken, right.entry.taken
    first = one.index + taken[0] // one.width
    second = two.index + taken[1] // two.width
    if mine == theirs and (first == second or min(one.index, two.index) < 0):
        return state
    names = left.entry.names + one.name, right.entry.names + two.name
    if names[0] == names[1] and taken[0] == taken[1]:
        return state.rename(theirs, mine)
    known = state.renamed.get(theirs)
    if known == mine and first == second:
        return state
    members = state.pair.members
    if one.kind == "byte" and taken[0] and bare(theirs) not in members[0]:
        # The end of a buffer that was longer: what had been free has a meaning now.
        field = ir.path_text(one.origin.field.path) or one.origin.field.name
        if any(
            (needed.kind, needed.field) == ("tail-loaded", field)
            for needed in state.required
        ):
            return state
        zero = _zero(mine, one.index + taken[0], one.index + one.count.fixed)
        return state.require(finding("tail-loaded", state, left, right, condition=zero))
    if two.kind == "byte" and taken[1] and bare(mine) not in members[1]:
        zero = conditions.negated(value(left.entry))
        return state.require(finding("tail-saved", state, left, right, condition=zero))
    moved = bare(mine) in members[1] or bare(theirs) in members[0]
    if bare(mine) == bare(theirs) or moved or known is not None:
        found = finding("member", state, left, right)
        return state.fail(found)
    found = finding("renamed", state, left, right)
    return state.rename(theirs, mine).note(found)


def _zero(path: str, first: int, end: int) -> ir.Expr:
    """That all bytes of a buffer are 0 from ``first`` to before ``end``."""
    byte = ir.Load(f"{path}[$0]", "uint8", (ir.Var("i"),))
    return ir.Unary("!", ir.Exists("i", ir.Const(first), ir.Const(end), 1, byte))


# --- units of other widths ------------------------------------------------------------


def _cut(state: State, left: ItemCursor, right: ItemCursor) -> State | Ending:
    """The same bytes as units of other widths: what comes out is not known, unless it is
    known to be another number."""
    if state.unclear is None:
        gone = _gone(state, left.entry, right.entry)
        found = finding("units", state, left, right, gone=gone)
        state = replace(state, unclear=found)
    if _twice(state, left, right):
        return state.fail(finding("width", state, left, right))
    return state


def _twice(state: State, left: ItemCursor, right: ItemCursor) -> bool:
    """Whether one side has a number twice where the other has it once, and wider: not two
    parts of a number, so it comes out as a different one."""
    mine, theirs = _scalar(left.entry), _scalar(right.entry)
    if not mine or mine != state.original(theirs):
        return False
    return any(
        here.rest is not None and _scalar(here.rest.entry) == _scalar(here.entry)
        for here in (left, right)
    )


def _scalar(entry: Entry) -> str:
    """The member of a single number that comes next; empty for anything else."""
    item = entry.item
    if not isinstance(item, Values) or item.index >= 0 or entry.taken:
        return ""
    return member(entry) if item.count == Number(1) else ""


def _gone(state: State, left: Entry, right: Entry) -> Literal["", "source", "target"]:
    """Whose member the other side does not have at all; empty if neither or both."""
    mine, theirs = bare(member(left)), bare(state.original(bare(member(right))))
    members = state.pair.members
    gone = mine not in members[1] and mine not in state.renamed.values()
    new = theirs not in members[0]
    if gone == new:
        return ""
    return "source" if gone else "target"
