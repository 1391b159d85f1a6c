"""Who names whom: every way in which a description leads to another.

Symbols are C's: one that a ``static`` description has is known in its own file only.
Which description a symbol means is :mod:`vmgen.lookup`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, assert_never

from vmgen.ir.elements import (
    BitmapElement,
    BufferElement,
    CustomElement,
    Element,
    GTreeElement,
    IntegerElement,
    ListElement,
    NothingElement,
    StructElement,
    TimerElement,
    TmpElement,
    UnusedElement,
    WordsElement,
)
from vmgen.ir.model import Description, Field
from vmgen.source import Position


@dataclass(frozen=True, slots=True)
class Reference:
    """One mention of a description in another.

    ``how`` is the way in which it is there: the element of a field or of a list, the key
    or the value of a tree, or a subsection.
    """

    symbol: str
    how: Literal["element", "key", "value", "subsection"]
    position: Position


def in_element(element: Element, position: Position) -> Iterator[Reference]:
    """The descriptions inside one element, in the order of the wire."""
    match element:
        case (
            StructElement(description=symbol)
            | TmpElement(description=symbol)
            | ListElement(description=symbol)
        ):
            yield Reference(symbol, "element", position)
        case GTreeElement(key=key, value=value):
            if key:
                yield Reference(key, "key", position)
            yield Reference(value, "value", position)
        case (
            IntegerElement()
            | TimerElement()
            | BufferElement()
            | UnusedElement()
            | BitmapElement()
            | WordsElement()
            | NothingElement()
            | CustomElement()
        ):
            return
        case _:
            assert_never(element)


def in_field(field: Field) -> tuple[Reference, ...]:
    """The descriptions inside a field."""
    return tuple(in_element(field.element, field.position))


def in_description(description: Description) -> Iterator[Reference]:
    """Everything that a description names: what its fields hold, then its subsections."""
    for field in description.fields:
        yield from in_field(field)
    for symbol in description.subsections:
        yield Reference(symbol, "subsection", description.position)
