"""Initialisers, compiled: what is the same every time is copied as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vmgen.cfront import syntax
from vmgen.cfront.ctype import Array, CType
from vmgen.cfront.layout import Filled, FilledArray, FilledRecord, Scope
from vmgen.cfront.layout.initialize import fill
from vmgen.cfront.syntax import Expr, InitList
from vmgen.execution import operators, places
from vmgen.execution.code import Frame, Lvalue
from vmgen.execution.context import Context
from vmgen.execution.memory import (
    Address,
    FunctionValue,
    MemoryBlock,
    Value,
    copy,
    store,
)


def compile_(
    context: Context, type: CType, init: Expr | InitList, static: bool
) -> Callable[[Frame, Address], None]:
    """What sets an object, zero before, to its initialiser."""
    slot = context.slot()  # for the object's address
    scope = context.scope()
    if static:
        scope = Scope(scope.types, reading=frozenset())
    filled = fill(context.layout, type, init, scope)
    size = context.layout.sizeof(type)
    constants = MemoryBlock(size)
    changes = list(_changes(context, type, filled, 0, slot, constants))
    image = copy(Address(constants, 0), size)

    def set_all(frame: Frame, at: Address) -> None:
        store(at, size, image)
        frame[slot] = at
        for change in changes:
            change(frame)

    return set_all


def _changes(
    context: Context,
    type: CType,
    filled: Filled | None,
    offset: int,
    slot: int,
    image: MemoryBlock,
) -> Iterator[Callable[[Frame], Value]]:
    """What sets the parts of an object that are not the same every time; those that are
    go into ``image``."""
    layout = context.layout
    match filled:
        case None:
            return
        case FilledRecord(record, members, _):
            for name in members:
                member = layout.member(record, name)
                value = filled[name]
                assert member is not None  # the initialiser sets it
                start = offset + member.offset
                if member.bits is None:
                    yield from _changes(context, member.type, value, start, slot, image)
                elif value is not None:
                    assert not isinstance(value, FilledRecord | FilledArray)
                    bits = member.bit_offset or 0, member.bits
                    place = _part(member.type, slot, start, bits)
                    code = context.value(value)
                    yield places.write(context, place, code, value.position)
        case FilledArray(array, _, _, _):
            size = layout.sizeof(array.element)
            for index, value in filled.elements():
                start = offset + index * size
                yield from _changes(context, array.element, value, start, slot, image)
        case syntax.StringLiteral(text) if isinstance(type, Array):
            data = text.encode("latin-1")[: type.length]
            image.data[offset : offset + len(data)] = data
        case _:
            code = context.value(filled)
            code = operators.convert(context, code, type, filled.position)
            if isinstance(code.constant, int | Address | FunctionValue):
                store(Address(image, offset), layout.sizeof(type), code.constant)
            else:
                place = _part(type, slot, offset, None)
                yield places.write(context, place, code, filled.position)


def _part(type: CType, slot: int, offset: int, bits: tuple[int, int] | None) -> Lvalue:
    """A part of the object whose address a slot has."""

    def address(frame: Frame) -> Address:
        at = frame[slot]
        assert isinstance(at, Address)  # set before the parts
        return Address(at.block, at.offset + offset)

    return Lvalue(type, address=address, bits=bits)
