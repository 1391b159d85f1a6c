"""Objects: where an expression says that one is, what it has, and how it is set."""

from __future__ import annotations

from collections.abc import Callable

from vmgen.cfront import syntax
from vmgen.cfront.arithmetic import CHAR, decayed, integer_of, promote
from vmgen.cfront.ctype import Array, Float, FunctionSignature, Pointer, Record
from vmgen.cfront.syntax import Expr
from vmgen.execution.code import FLOATING, Code, Frame, Lvalue
from vmgen.execution.context import Context
from vmgen.execution.memory import (
    Address,
    MemoryBlock,
    NotKnown,
    UnknownValue,
    Value,
    copy,
    load,
    store,
)
from vmgen.execution.operators import binary, convert
from vmgen.source import Position


def lvalue(context: Context, expr: Expr) -> Lvalue:
    """Where the object is that an expression names."""
    match expr:
        case syntax.Name(name, position):
            local = context.local(name)
            if local is not None:
                if not local.boxed:
                    return Lvalue(local.type, slot=local.slot)
                slot = local.slot

                def boxed(frame: Frame) -> Address:
                    block = frame[slot]
                    assert isinstance(block, MemoryBlock)  # made where it is declared
                    return Address(block, 0)

                return Lvalue(local.type, address=boxed)
            found = context.global_(name, position)
            type = found.type
            return Lvalue(type, address=lambda frame: Address(found.block(), 0))
        case syntax.UnaryOperation("*", operand, position):
            pointer = context.value(operand)
            if not isinstance(pointer.type, Pointer):
                raise NotKnown("'*' on no pointer", position)
            return Lvalue(pointer.type.target, address=_pointed(pointer, position))
        case syntax.Index(array, index, position):
            pointer = binary(
                context,
                "+",
                context.value(array),
                context.value(index),
                position,
            )
            if not isinstance(pointer.type, Pointer):
                raise NotKnown("the subscripted value is no array", position)
            return Lvalue(pointer.type.target, address=_pointed(pointer, position))
        case syntax.Member(object, name, arrow, position):
            return _member(context, object, name, arrow, position)
        case syntax.CompoundLiteral(type, initializer):
            resolved = context.sized(context.resolve(type), initializer)
            set_ = context.initialised(resolved, initializer)
            size = context.layout.sizeof(resolved)

            def literal(frame: Frame) -> Address:
                at = Address(MemoryBlock(size, "a compound literal"), 0)
                set_(frame, at)
                return at

            return Lvalue(resolved, address=literal)
        case syntax.StringLiteral(text):
            block = context.program.text(text)
            return Lvalue(
                Array(CHAR, len(block.data)), address=lambda frame: Address(block, 0)
            )
        case (
            syntax.Call()
            | syntax.Conditional()
            | syntax.StatementExpr()
            | syntax.Comma()
            | syntax.Cast()
            | syntax.Assign()
        ):  # the value of a struct, whose members are read
            code = context.value(expr)
            if not isinstance(code.type, Record):
                raise NotKnown("this expression is no object", expr.position)
            size = context.layout.sizeof(code.type)

            def temporary(frame: Frame) -> Address:
                at = Address(MemoryBlock(size, "a value"), 0)
                store(at, size, code.run(frame))
                return at

            return Lvalue(code.type, address=temporary)
        case _:
            raise NotKnown("this expression is no object", expr.position)


def _pointed(pointer: Code, position: Position) -> Callable[[Frame], Address]:
    run = pointer.run

    def address(frame: Frame) -> Address:
        value = run(frame)
        if isinstance(value, Address):
            return value
        if isinstance(value, UnknownValue):
            raise NotKnown(value.why, position)
        raise NotKnown("an address that is no object's", position)

    return address


def _member(
    context: Context, object: Expr, name: str, arrow: bool, position: Position
) -> Lvalue:
    if arrow:
        pointer = context.value(object)
        if not isinstance(pointer.type, Pointer):
            raise NotKnown("'->' on no pointer", position)
        record, base = pointer.type.target, _pointed(pointer, position)
    else:
        outer = lvalue(context, object)
        record = outer.type
        if outer.address is None:
            raise NotKnown("a member of no object", position)
        base = outer.address
    if not isinstance(record, Record):
        raise NotKnown("a member of no record", position)
    member = context.layout.member(record, name)
    if member is None:
        raise context.layout.no_member(record, name, position)
    bits = None
    if member.bits is not None:
        bits = member.bit_offset or 0, member.bits
    offset = member.offset
    if not offset:
        return Lvalue(member.type, address=base, bits=bits)

    def address(frame: Frame) -> Address:
        block, start = base(frame)
        return Address(block, start + offset)

    return Lvalue(member.type, address=address, bits=bits)


def read(context: Context, place: Lvalue, position: Position) -> Code:
    """The value of an object; the address of an array or a function."""
    type, slot, address = place.type, place.slot, place.address
    if slot is not None:
        at = slot

        def local(frame: Frame) -> Value:
            value = frame[at]
            assert not isinstance(value, MemoryBlock)  # those have an address
            return value

        return Code(type, local)
    assert address is not None  # one of the two
    found = address
    if isinstance(type, Array | FunctionSignature):
        return Code(decayed(type), found)
    size = context.layout.sizeof(type)
    if isinstance(type, Record):
        return Code(type, lambda frame: copy(found(frame), size))
    integer = integer_of(type)
    if place.bits is not None and integer is not None:
        first, width = place.bits
        count = (first + width + 7) // 8
        signed = integer.signed

        def bitfield(frame: Frame) -> Value:
            value = load(found(frame), count, False)
            if not isinstance(value, int):
                return value
            number = value >> first & ((1 << width) - 1)
            return number - (1 << width) if signed and number >> width - 1 else number

        return Code(promote(integer, width), bitfield)
    if isinstance(type, Float):
        return Code(type, lambda frame: FLOATING)
    signed = integer is not None and integer.signed
    return Code(type, lambda frame: load(found(frame), size, signed))


def write(
    context: Context, place: Lvalue, value: Code, position: Position
) -> Callable[[Frame], Value]:
    """Sets an object, and has the value that it then has."""
    type, slot, address = place.type, place.slot, place.address
    run = convert(context, value, type, position).run
    if slot is not None:
        at = slot

        def local(frame: Frame) -> Value:
            frame[at] = made = run(frame)
            return made

        return local
    assert address is not None  # one of the two
    found = address
    size = context.layout.sizeof(type)
    if place.bits is not None:
        first, width = place.bits
        count = (first + width + 7) // 8
        mask = (1 << width) - 1

        def bitfield(frame: Frame) -> Value:
            made = run(frame)
            where = found(frame)
            old = load(where, count, False)
            if not isinstance(made, int) or not isinstance(old, int):
                store(where, count, UnknownValue("a bitfield of an unknown value"))
                return made
            store(where, count, old & ~(mask << first) | (made & mask) << first)
            return made

        return bitfield

    def memory(frame: Frame) -> Value:
        made = run(frame)
        store(found(frame), size, made)
        return made

    return memory
