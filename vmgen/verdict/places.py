"""What both sides have at a place, as the data of a finding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, assert_never

from vmgen import ir
from vmgen.lookup import Placed
from vmgen.verdict import conditions
from vmgen.verdict.cursor import Entry, ItemCursor
from vmgen.verdict.items import (
    Custom,
    Group,
    Nested,
    Number,
    ObjectList,
    Refuses,
    Subsections,
    Unused,
    Validation,
    Values,
    WireLayout,
)
from vmgen.verdict.model import Finding, Kind, Side, Term
from vmgen.verdict.state import State

NOTHING = Side("nothing")

TYPES = {"byte": "uint8", "word": "uint64"}
"""Units of buffers and bitmaps as integers."""


def finding(
    kind: Kind,
    state: State,
    left: ItemCursor | None,
    right: ItemCursor | None,
    **more: Any,
) -> Finding:
    """A finding at this place; the cursors are source's and target's."""
    about = left or right
    assert about is not None
    placed, field = state.pair.source.placed, ""
    for here in (left, right):
        if here is not None and not isinstance(here.entry.item, Subsections | Refuses):
            origin = here.entry.item.origin
            placed = origin.placed
            field = ir.path_text(origin.field.path) or origin.field.name
            break
    facts: dict[str, Any] = {
        "description": placed.description.name,
        "symbol": placed.description.symbol,
        "path": about.entry.prefix,
        "field": field,
        "offset": state.offset,
        "source": _side(left, state.pair.source),
        "target": _side(right, state.pair.target),
    }
    return Finding(kind, **(facts | more))


def _side(cursor: ItemCursor | None, layout: WireLayout) -> Side:
    """What one side has; where that is in no line of C, its table has one."""
    found = NOTHING if cursor is None else side(cursor.entry)
    if found.position.file:
        return found
    return replace(found, table=layout.placed.description.position)


def side(entry: Entry) -> Side:
    """What an entry is on the wire."""
    match entry.item:
        case Values() as item:
            left = Number(entry.left // item.width) if item.count.known else item.count
            return Side(
                "values",
                item.origin.field.name,
                member(entry),
                TYPES.get(item.kind, item.kind),
                item.check,
                item.width,
                left.expression(count_path(entry, left)),
                position=item.origin.position,
            )
        case Unused() as item:
            left = Number(entry.left) if item.count.known else item.count
            return Side(
                "padding",
                width=1,
                count=left.expression(count_path(entry, left)),
                position=item.origin.position,
            )
        case Nested() as item:
            return Side(
                "object",
                item.placed.description.symbol,
                conditions.joined(entry.prefix, item.path),
                count=item.count.expression(count_path(entry, item.count)),
                versions=(item.version,),
                position=item.origin.position,
            )
        case ObjectList() as item:
            return Side(
                "tree" if item.kind == "tree" else "list",
                item.value.description.symbol,
                conditions.joined(entry.prefix, item.path),
                position=item.origin.position,
            )
        case Custom() as item:
            name = item.origin.field.name
            return Side(
                "code", item.info, name, text=item.unread, position=item.origin.position
            )
        case Group() | Validation() as item:
            return Side("field", item.origin.field.name, position=item.origin.position)
        case Refuses() as item:
            return Side(
                "hook",
                item.hook.symbol,
                role=item.hook.role,
                reads=item.refusal.reads,
                position=item.refusal.position,
            )
        case Subsections():
            return Side("subsections")
        case other:
            assert_never(other)


def subsection(placed: Placed, sent: ir.Expr | None = None) -> Side:
    """A subsection that the source has: what it saves, and when; without ``sent`` one of
    the target, and what it loads."""
    description = placed.description
    versions = description.minimum_version_id, description.version_id
    return Side(
        "subsection",
        description.name,
        versions=versions if sent is None else versions[1:],
        sent=sent,
        position=description.position,
    )


def member(entry: Entry) -> str:
    """The C path of the member that the next bytes belong to; empty for padding."""
    item = entry.item
    if not isinstance(item, Values):
        return ""
    path = conditions.joined(entry.prefix, item.base)
    several = not item.count.known or item.count.fixed > 1
    if item.kind == "byte":
        return f"{path}[{item.index + entry.taken}]" if entry.taken else path
    if item.index < 0:
        return path
    number = item.index + entry.taken // item.width
    return f"{path}[{number}]" if several or item.index else path


def value(entry: Entry) -> ir.Expr:
    """The value that comes next, as an expression."""
    return ir.Load(member(entry), "int64")


def count_path(entry: Entry, number: Number) -> str:
    """The member that counts, from the section's object."""
    return conditions.joined(entry.prefix, number.path) if number.path else ""


def term(entry: Entry, number: Number, width: int = 1) -> Term:
    """What the entry's ``number`` units of ``width`` bytes add to an offset."""
    return number.term(count_path(entry, number), width)
