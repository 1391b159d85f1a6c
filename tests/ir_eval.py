"""IR expressions evaluated over real memory, one node at a time: slow and obvious."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Mapping

from vmgen import ir
from vmgen.cfront import ctype
from vmgen.cfront.layout import Layout
from vmgen.cfront.syntax import Expr, IntegerLiteral

_STEP = re.compile(r"(->|\.)?([A-Za-z_]\w*)|\[(\d+)\]")


class Memory:
    """An object of C type ``record`` at an address, read by C paths."""

    def __init__(self, layout: Layout, record: ctype.Record, address: int) -> None:
        self._layout = layout
        self._record = record
        self._address = address

    def read(self, path: str) -> int:
        """The integer (or pointer) at ``path``."""
        address, type = self._address, self._record
        here: ctype.CType = type
        bits: tuple[int, int] | None = None
        for operator, name, index in _STEP.findall(path):
            if operator == "->":
                assert isinstance(here, ctype.Pointer)
                address, here = _pointer(address), here.target
            if name:
                assert isinstance(here, ctype.Record)
                member = self._layout.member(here, name)
                assert member is not None
                address, here = address + member.offset, member.type
                if member.bits is not None and member.bit_offset is not None:
                    bits = member.bit_offset, member.bits
                continue
            part: tuple[str | Expr, ...] = (IntegerLiteral(int(index)),)
            if isinstance(here, ctype.Pointer):
                address, here = _pointer(address), here.target
                address += int(index) * self._layout.sizeof(here)
            else:
                place = self._layout.place(here, part)
                address, here = address + place.offset, place.type
        return _integer(address, here, bits)


def _pointer(address: int) -> int:
    return int.from_bytes(ctypes.string_at(address, 8), "little")


def _integer(address: int, type: ctype.CType, bits: tuple[int, int] | None) -> int:
    if isinstance(type, ctype.Pointer):
        return _pointer(address)
    base = type.base if isinstance(type, ctype.Enum) else type
    assert isinstance(base, ctype.Integer)
    if bits is None:
        raw = ctypes.string_at(address, base.size)
        return int.from_bytes(raw, "little", signed=base.signed)
    first, width = bits
    word = int.from_bytes(ctypes.string_at(address, (first + width + 7) // 8), "little")
    value = word >> first & ((1 << width) - 1)
    return value - (1 << width) if base.signed and value >> (width - 1) else value


def truncate(value: int, type: ir.IntType) -> int:
    """``value`` as the integer type holds it."""
    if type == "bool":
        return int(value != 0)
    bits = int(type.lstrip("uint"))
    value %= 1 << bits
    return (
        value - (1 << bits)
        if type.startswith("int") and value >= 1 << (bits - 1)
        else value
    )


def evaluate(
    expr: ir.Expr,
    read: Callable[[str], int],
    version: int = 0,
    answers: Mapping[str, int] | None = None,
) -> int:
    """The value of ``expr``; ``read`` gives the value at a path, ``answers`` what is
    asked for."""

    def value(node: ir.Expr, loop: dict[str, int]) -> int:
        match node:
            case ir.Const(number):
                return number
            case ir.Version():
                return version
            case ir.Var(name):
                return loop[name]
            case ir.Ask(name):
                assert answers is not None
                return answers[name]
            case ir.Load(path, type, subscripts):
                for number, subscript in enumerate(subscripts):
                    path = path.replace(f"[${number}]", f"[{value(subscript, loop)}]")
                loaded = read(path)
                assert truncate(loaded, type) == loaded, (path, type, loaded)
                return loaded
            case ir.Unary(op, operand):
                inner = value(operand, loop)
                return {"-": -inner, "~": ~inner, "!": int(not inner)}[op]
            case ir.Truncate(type, operand):
                return truncate(value(operand, loop), type)
            case ir.Select(condition, then, otherwise):
                return value(then if value(condition, loop) else otherwise, loop)
            case ir.Exists(var, start, stop, step, body):
                turns = range(value(start, loop), value(stop, loop), step)
                return int(any(value(body, {**loop, var: turn}) for turn in turns))
            case ir.Binary("&&", left, right):
                return int(bool(value(left, loop)) and bool(value(right, loop)))
            case ir.Binary("||", left, right):
                return int(bool(value(left, loop)) or bool(value(right, loop)))
            case ir.Binary(op, left, right):
                return _binary(op, value(left, loop), value(right, loop))

    return value(expr, {})


def _binary(op: str, left: int, right: int) -> int:
    match op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/" | "%":
            quotient = (
                abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
            )
            return quotient if op == "/" else left - quotient * right
        case "<<":
            return left << right
        case ">>":
            return left >> right
        case "&":
            return left & right
        case "|":
            return left | right
        case "^":
            return left ^ right
        case "==":
            return int(left == right)
        case "!=":
            return int(left != right)
        case "<":
            return int(left < right)
        case "<=":
            return int(left <= right)
        case ">":
            return int(left > right)
        case _:
            assert op == ">="
            return int(left >= right)
