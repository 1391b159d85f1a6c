"""Subsections: found by name after an object's fields, absent or not
(``vmstate_subsection_load``, ``migration/vmstate.c``)."""

from __future__ import annotations

from dataclasses import replace

from vmgen import ir
from vmgen.lookup import Placed
from vmgen.verdict import conditions
from vmgen.verdict.conditions import TRUE, either, negated
from vmgen.verdict.cursor import Entry, ItemCursor
from vmgen.verdict.items import Subsections, WireLayout
from vmgen.verdict.model import Finding, Side
from vmgen.verdict.places import subsection as place
from vmgen.verdict.state import Around, Ending, State, Step, summed


def sent(
    left: ItemCursor | None, right: ItemCursor | None, state: State
) -> Step | None:
    """The subsections that the source may send, each looked up in the target."""
    there = right.entry.item if right is not None else None
    if left is None or not isinstance(here := left.entry.item, Subsections):
        if right is not None and isinstance(there, Subsections):
            return replace(state, target=right.rest)  # none of them is sent
        return None
    target: WireLayout | None = None
    after: State | Ending = replace(state, source=left.rest)
    if right is not None and isinstance(there, Subsections):
        target = there.layout
        after = replace(state, source=left.rest, target=right.rest)
    known: dict[str, Placed] = {}
    for sub in target.subsections if target is not None else ():
        known.setdefault(sub.description.name, sub)
    parent = target.placed.description.name if target is not None else ""
    for sub in here.layout.subsections:
        if isinstance(after, Ending):
            return after
        other = known.get(sub.description.name)
        after = _subsection(after, left.entry, sub, other, parent)
    return after


def _without(state: State) -> Side:
    """The target's side, in whose table a subsection is missing."""
    return Side("nothing", table=state.pair.target.placed.description.position)


def _subsection(
    state: State, source: Entry, sub: Placed, other: Placed | None, parent: str
) -> State | Ending:
    description, sides = sub.description, state.pair.sides
    version = description.version_id
    needed = state.normal(0, sides[0].needed(sub), version, source.prefix)
    decided = state.case.decide(needed)
    if decided is False:
        return state
    absent = None if decided else conditions.truth(negated(needed))
    about = Finding(
        "subsection-missing",
        description.name,
        description.symbol,
        source.prefix,
        description.name,
        source=place(sub, needed),
        target=_without(state) if other is None else place(other),
        condition=absent,
        whenever=None if absent is None else (description.name, absent),
    )
    if other is None:
        return state.require(about)
    if not description.name.startswith(parent) or description.name == parent:
        target = replace(about.target, name=parent)
        return state.require(replace(about, kind="subsection-name", target=target))
    theirs = other.description
    if not theirs.minimum_version_id <= version <= theirs.version_id:
        return state.require(replace(about, kind="subsection-version"))
    wanted = state.normal(1, sides[1].needed(other), theirs.version_id, source.prefix)
    if wanted != needed:
        target = replace(about.target, sent=wanted)
        note = replace(about, kind="subsection-presence", target=target, condition=None)
        state = replace(state, notes=(*state.notes, note))
    # Of the section's own object, what is in the stream is known; of one inside of it,
    # paths begin elsewhere.
    given = conditions.normal(sides[0].needed(sub), version, "", str)
    around = Around(given=() if given == TRUE else (given,))
    if not source.prefix:
        around = Around(state.pair.in_stream, (*state.case.given, *around.given))
    found = summed(
        state.pair.below(
            sides[0].layout(sub, version), sides[1].layout(other, version), around
        )
    )
    state = state.noted(found.notes)
    if found.failed is None and found.unclear is not None:
        return replace(state, unclear=state.unclear or found.unclear)
    alike = absent if wanted == needed else None
    for bad in found.required:
        condition = either(absent, bad.condition)
        bad = _alone(bad, bad.condition, condition, description.name, alike)
        after = _inside(state, bad, condition, description.name)
        if isinstance(after, Ending):
            return after
        state = after
    if found.failed is not None:
        condition = either(absent, found.condition)
        bad = _alone(found.failed, found.condition, condition, description.name, alike)
        return _inside(state, bad, condition, description.name)
    return state


def _alone(
    found: Finding,
    inner: ir.Expr | None,
    outer: ir.Expr | None,
    name: str,
    absent: ir.Expr | None,
) -> Finding:
    """A finding inside of a subsection, with that by which a stream shows that it holds:
    the subsection itself, or one inside of it.  ``inner`` and ``outer`` are its condition
    in there and here, ``absent`` when both sides would not send the subsection."""
    whenever = found.whenever
    if inner is None:
        return replace(found, whenever=None if absent is None else (name, absent))
    if whenever is None or whenever[1] != inner or outer is None:
        return replace(found, whenever=None)
    return replace(found, whenever=(whenever[0], outer))


def _inside(
    state: State, found: Finding, condition: ir.Expr | None, name: str
) -> State | Ending:
    """Goes on with something that must hold inside of a subsection, if it is sent."""
    within = (name, *found.subsections)
    return state.require(replace(found, condition=condition, subsections=within))
