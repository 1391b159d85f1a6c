"""A reader's place in a layout: items are opened as they are reached.

Cursors never change, so that two cases can go on from the same place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from vmgen.verdict.items import (
    Custom,
    Group,
    Item,
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

DEEPEST = 3
"""How often an object is opened inside of objects of its own description."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An item that comes next.

    ``prefix`` and ``names`` come before its C path and its wire name (``env.pmp[3].``).
    ``taken`` is how much of it is done: bytes of values and padding, elements of nested
    objects.  ``around`` are the layouts that were opened to get there.
    """

    item: Item
    prefix: str = ""
    names: str = ""
    taken: int = 0
    around: tuple[WireLayout, ...] = ()

    @property
    def left(self) -> int:
        """Bytes that are still to come of values or padding of known length; elements
        of nested objects."""
        match self.item:
            case Values(width=width, count=count):
                return width * count.fixed - self.taken
            case Unused(count=count) | Nested(count=count):
                return count.fixed - self.taken
            case (
                Group()
                | ObjectList()
                | Custom()
                | Validation()
                | Refuses()
                | Subsections()
            ):
                return 0
            case _:
                assert_never(self.item)


@dataclass(frozen=True, slots=True)
class ItemCursor:
    """The entries still to come, first one first."""

    entry: Entry
    rest: ItemCursor | None

    def advanced(self, taken: int) -> ItemCursor | None:
        """The cursor with so much more of its first entry done."""
        entry = replace(self.entry, taken=self.entry.taken + taken)
        return ItemCursor(entry, self.rest) if entry.left > 0 else self.rest


def start(layout: WireLayout, prefix: str = "", names: str = "") -> ItemCursor | None:
    """At the first item of a layout."""
    return pushed(layout, prefix, names, None)


def pushed(
    layout: WireLayout,
    prefix: str,
    names: str,
    rest: ItemCursor | None,
    around: tuple[WireLayout, ...] = (),
) -> ItemCursor | None:
    """The layout's items and its subsections, then the rest."""
    items: tuple[Item, ...] = layout.items
    if layout.subsections:
        items = (*items, Subsections(layout))
    return inlined(items, prefix, names, rest, (*around, layout))


def inlined(
    items: tuple[Item, ...],
    prefix: str,
    names: str,
    rest: ItemCursor | None,
    around: tuple[WireLayout, ...],
) -> ItemCursor | None:
    """The items, then the rest."""
    for item in reversed(items):
        rest = ItemCursor(Entry(item, prefix, names, around=around), rest)
    return rest


def opened(cursor: ItemCursor, layouts: WireLayouts) -> ItemCursor | None:
    """The first element of the nested objects that come next, opened."""
    entry = cursor.entry
    item = entry.item
    assert isinstance(item, Nested)
    rest = cursor.advanced(1)
    number = item.index + entry.taken
    at = f"[{number}]" if item.index >= 0 else ""
    name = f"{item.name}[{entry.taken}]" if at else item.name
    layout = layouts.layout(item.placed, item.version)
    prefix = f"{entry.prefix}{item.path}{at}."
    return pushed(layout, prefix, f"{entry.names}{name}.", rest, entry.around)


def endless(cursor: ItemCursor, layouts: WireLayouts) -> bool:
    """Whether the nested objects that come next were opened :data:`DEEPEST` times
    around themselves: a description in itself has no last one."""
    item = cursor.entry.item
    assert isinstance(item, Nested)
    layout = layouts.layout(item.placed, item.version)
    return sum(layout is one for one in cursor.entry.around) >= DEEPEST
