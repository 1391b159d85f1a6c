"""What constants point to: the values of objects, elements of tables, strings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from vmgen.cfront.arithmetic import CHAR
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
from vmgen.cfront.layout.initialize import Filled, FilledArray, FilledRecord, fill
from vmgen.cfront.layout.model import (
    STATIC_INITIALIZER,
    Base,
    Constant,
    Types,
    error,
)
from vmgen.cfront.syntax import (
    CompoundLiteral,
    IntegerLiteral,
    Name,
    ObjectDecl,
    StringLiteral,
)
from vmgen.source import Position


@dataclass(frozen=True, slots=True)
class Pointee:
    """A part of an object: its value, None for zero, and the innermost array that has
    it with its index there (None and 0 for a part of no array)."""

    value: Filled | None
    array: FilledArray | None = None
    index: int = 0


def object_value(types: Types, declared: ObjectDecl) -> tuple[CType, Filled | None]:
    """The type of an object, complete, and what its initialiser sets; None for nothing."""
    type = types.type_of_object(declared)
    if declared.initializer is None:
        return type, None
    return type, fill(types, type, declared.initializer, STATIC_INITIALIZER)


def pointed(types: Types, pointer: Constant, position: Position) -> Pointee | None:
    """What a pointer points to; None for NULL.

    Raises :class:`VmgenError` (VG304) where this file does not say what it points to.
    """
    if pointer.base is None or not isinstance(pointer.type, Pointer):
        return None
    return part_at(
        types, pointer.base, int(pointer.number), pointer.type.target, position
    )


def part_at(
    types: Types, base: Base, offset: int, wanted: CType, position: Position
) -> Pointee:
    """The part of type ``wanted`` at ``offset`` bytes in ``base``.

    Raises :class:`VmgenError` (VG304): there is none, or this file does not set it.
    """
    type, value = _whole(types, base, position)
    array: FilledArray | None = None
    index = 0
    while offset or not types.same_type(type, wanted):
        array, index = None, 0
        match type:
            case Array(element, length):
                size = types.sizeof(element)
                index, offset = divmod(offset, size) if size else (0, offset)
                if not 0 <= index < (length or 0):
                    raise error("VG304", "an address outside of its object", position)
                if isinstance(value, StringLiteral):
                    value = characters(type, value)
                if isinstance(value, FilledArray):
                    array = value
                    value = value.at(index)
                elif value is not None:
                    raise error("VG304", "an address inside of a value", position)
                type = element
            case Record():
                inside = [
                    member
                    for member in types.members(type).values()
                    if member.bits is None
                    and 0 <= offset - member.offset < types.sizeof(member.type)
                ]
                if not inside or not isinstance(value, FilledRecord | None):
                    raise error("VG304", "an address inside of a value", position)
                # Of a union the member that is set.
                if value is not None:
                    members = value.members
                    inside.sort(key=lambda member: member.name not in members)
                    value = value[inside[0].name]
                type, offset = inside[0].type, offset - inside[0].offset
            case (
                Integer() | Float() | Enum() | Pointer() | Void() | FunctionSignature()
            ):
                raise error("VG304", "an address inside of a value", position)
            case _:
                assert_never(type)
    return Pointee(value, array, index)


def _whole(types: Types, base: Base, position: Position) -> tuple[CType, Filled | None]:
    if isinstance(base, StringLiteral):
        return Array(CHAR, len(base.value) + 1), base
    if isinstance(base, CompoundLiteral):
        type = types.type_of(base)
        return type, fill(types, type, base.initializer, STATIC_INITIALIZER)
    declared = types.unit.object(base)
    if declared is None or declared.initializer is None:
        raise error(
            "VG304", f"the value of '{base}' is not a constant in this file", position
        )
    return object_value(types, declared)


def characters(type: Array, literal: StringLiteral) -> FilledArray:
    """A string literal as the array of characters that it sets."""
    spans = tuple(
        (index, index, IntegerLiteral(ord(character), "char", literal.position))
        for index, character in enumerate(literal.value)
        if type.length is None or index < type.length
    )
    length = len(literal.value) + 1 if type.length is None else type.length
    return FilledArray(type, spans, length, literal.position)


def text(types: Types, pointer: Constant, position: Position) -> str | None:
    """The string that a pointer to characters points to, one character a byte
    (latin-1); None for NULL."""
    found = pointed(types, pointer, position)
    if found is None:
        return None
    if found.array is None:
        raise error("VG304", "what should be a string is no array", position)
    out: list[str] = []
    for _, value in found.array.elements(found.index):
        if isinstance(value, FilledRecord | FilledArray):
            raise error("VG304", "what should be a string has other elements", position)
        number = 0 if value is None else types.constant(value, STATIC_INITIALIZER)
        if not number:
            break
        out.append(chr(number & 0xFF))
    return "".join(out)


def symbol(types: Types, pointer: Constant, position: Position) -> str:
    """The object, the element of a table (``table[2]``) or the function that a pointer
    points to; empty for NULL.

    Raises :class:`VmgenError` (VG402) for a pointer to anything else.
    """
    name, offset = pointer.base, int(pointer.number)
    if name is None and offset == 0:
        return ""
    if isinstance(name, str):
        type = types.type_of(Name(name, position))
        while isinstance(type, Array):
            size = types.sizeof(type.element) if offset else 0
            index, offset = divmod(offset, size) if size else (0, offset)
            name += f"[{index}]"
            type = type.element
        if offset == 0:
            return name
    raise error(
        "VG402",
        "this pointer does not name an object or a function",
        position,
        "point it at a named object of the same file",
    )
