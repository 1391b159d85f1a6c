"""Where the offsets of a table lead: paths of members, and what is added in bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from vmgen import ir
from vmgen.cfront import syntax as c
from vmgen.cfront.arithmetic import LONG, wrap
from vmgen.cfront.ctype import (
    Array,
    CType,
    Enum,
    Float,
    FunctionSignature,
    Integer,
    Pointer,
    Record,
    Void,
)
from vmgen.cfront.layout import (
    STATIC_INITIALIZER,
    Filled,
    FilledArray,
    FilledRecord,
    Layout,
    PlaceStep,
)
from vmgen.extract import initializer
from vmgen.source import Diagnostic, Position, VmgenError


@dataclass(frozen=True, slots=True)
class Reached:
    """Where ``.offset`` points: the path, the type there and what is added in bytes."""

    path: ir.Path
    type: CType | None
    bytes: int


def offset(layout: Layout, value: Filled | None) -> Reached:
    """Every term is evaluated, which runs the macros' own type checks."""
    if isinstance(value, FilledRecord | FilledArray):
        raise VmgenError(Diagnostic("VG412", "an offset is written in braces"))
    path: ir.Path = ()
    reached: CType | None = None
    added = 0
    for term in initializer.walk(value) if value is not None else ():
        if not isinstance(term, c.OffsetOf):
            added += layout.constant(term, STATIC_INITIALIZER)
            continue
        place = layout.place(layout.resolve(term.type), term.designator)
        path += tuple(_step(layout, step) for step in place.steps)
        reached = place.type
    added = wrap(added, LONG)
    return Reached(path, reached, added)


def into(layout: Layout, offset: Reached, where: Position) -> Reached:
    """The offset with the bytes that are added to a member taken as the element or
    the member that they lead to; without a member to start from they stay."""
    path, type, left = offset.path, offset.type, offset.bytes
    while left and path:
        match type:
            case Array(element, length):
                size = layout.sizeof(element)
                index, inside = divmod(left, size) if size else (-1, left)
                if not 0 <= index < (length or 0):
                    break
                left = inside
                last = path[-1]
                path = (
                    *path[:-1],
                    replace(
                        last,
                        index=(*last.index, index),
                        pointer=isinstance(element, Pointer),
                    ),
                )
                type = element
            case Record():
                member = layout.member_at(type, left)
                if member is None:
                    break
                place = layout.place(type, (member.name,))
                path += tuple(_step(layout, step) for step in place.steps)
                type, left = member.type, left - member.offset
            case (
                None
                | Integer()
                | Float()
                | Enum()
                | Pointer()
                | Void()
                | FunctionSignature()
            ):
                break
            case _:
                assert_never(type)
    if left and path:
        raise VmgenError(
            Diagnostic(
                "VG412",
                f"the offset lies {offset.bytes} bytes behind "
                f"{ir.path_text(offset.path)}",
                where,
                hint="name the member itself",
            )
        )
    return Reached(path, type, left)


def _step(layout: Layout, step: PlaceStep) -> ir.Step:
    return ir.Step(
        step.name,
        layout.spelling(step.written),
        step.dims,
        step.index,
        step.pointer,
    )


def is_element(offset: Reached, pointer: bool, pointers: bool) -> bool:
    """True if the offset is that of one element, not of the array that holds it."""
    if isinstance(offset.type, Array):
        return False
    if isinstance(offset.type, Pointer):
        return pointers and not pointer
    return not pointer
