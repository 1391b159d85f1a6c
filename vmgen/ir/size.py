"""How many bytes a field takes on the wire, if its table alone determines it."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from vmgen.ir.elements import (
    Amount,
    BitmapElement,
    BufferElement,
    CustomElement,
    Fixed,
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
from vmgen.ir.model import Field
from vmgen.ir.types import WIDTHS


def of_element(field: Field) -> int | None:
    """Bytes of one element that holds no other description; None where they vary, where
    another description decides them or where only C code knows."""
    match field.element:
        case IntegerElement(type=kind):
            return WIDTHS[kind]
        case TimerElement():
            return 8
        case BufferElement() | UnusedElement():
            return _fixed(field.size)
        case BitmapElement():
            bits = _fixed(field.size)
            return None if bits is None else (bits + 63) // 64 * 8
        case WordsElement(words=words):
            return sum(WIDTHS[word.type] for word in words)
        case NothingElement():
            return 0
        case (
            StructElement()
            | TmpElement()
            | ListElement()
            | GTreeElement()
            | CustomElement()
        ):
            return None
        case _:
            assert_never(field.element)


def of_field(
    field: Field, version: int, nested: Callable[[Field], int | None]
) -> int | None:
    """Bytes of the whole field in an object of that version; None where they depend on
    the state.  ``nested`` gives those of one element that is another description."""
    if isinstance(field.element, NothingElement):
        return 0
    if not field.test and field.version_id > version:
        return 0
    count = _fixed(field.count)
    if field.test or field.pointers or count is None:
        return None
    one = of_element(field)
    if one is None and isinstance(field.element, StructElement):
        one = nested(field)
    return None if one is None else one * count


def _fixed(amount: Amount) -> int | None:
    return amount.value if isinstance(amount, Fixed) else None
