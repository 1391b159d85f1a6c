"""Checks of what was loaded: no bytes, but a stream may be rejected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vmgen import ir
from vmgen.verdict import conditions
from vmgen.verdict.cases import implied
from vmgen.verdict.cursor import Entry, ItemCursor
from vmgen.verdict.items import Refuses, Validation
from vmgen.verdict.model import Finding
from vmgen.verdict.places import finding, side
from vmgen.verdict.state import Ending, State, Step


def remembered(
    left: ItemCursor | None, right: ItemCursor | None, state: State
) -> Step | None:
    """A check is remembered until all is loaded (``vmstate_load_state``)."""
    for number, here in enumerate((left, right)):
        if here is None or not isinstance(
            item := here.entry.item, Validation | Refuses
        ):
            continue
        wanted = item.accepted if isinstance(item, Refuses) else item.condition
        condition = state.normal(number, wanted, item.version, here.entry.prefix)
        after = state.moved(number, here.rest)
        if number == 0:
            return replace(after, saved=(*after.saved, condition))
        return replace(after, checks=(*after.checks, (condition, here.entry)))
    return None


def end(state: State) -> Ending:
    """The end of both sides: what the target checks and the source does not."""
    for condition, entry in state.checks:
        for found in _found(condition, entry, state):
            after = state.require(found)
            if isinstance(after, Ending):
                return after
            state = after
    return Ending(
        state.case, None, state.unclear, state.required, state.notes, state.renamed
    )


def _found(condition: ir.Expr, entry: Entry, state: State) -> Iterator[Finding]:
    item = entry.item
    if not isinstance(item, Refuses):
        if condition not in (*state.saved, conditions.TRUE):
            here = ItemCursor(entry, None)
            yield finding("validate", state, None, here, condition=condition)
        return
    description = item.placed.description
    about = Finding(
        "refusal",
        description.name,
        description.symbol,
        entry.prefix,
        target=side(entry),
    )
    if not implied(condition, state.saved):
        never = condition == conditions.FALSE
        yield replace(about, condition=None if never else condition)
    # Whether both sides have it or not: what it reads besides the stream may differ.
    for name, only in state.pair.premises(item.refusal):
        yield replace(
            about,
            kind="premise",
            field=name,
            only=only,
            condition=ir.Ask(f"same {name}"),
        )
