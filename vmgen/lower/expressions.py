"""Translated C expressions as Python code."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, assert_never

from vmgen import ir
from vmgen.ir.types import WIDTHS
from vmgen.plan import code

# ``(path, subscripts, type)`` -> a member's value.
Members: TypeAlias = Callable[[str, Sequence[code.Expr], ir.IntType], code.Expr]
Asked: TypeAlias = Callable[[str], code.Expr]

VERSION = code.PyName("version")
"""The version that a generated function is called with."""

_DECIMAL = 4096
"""Larger numbers are patterns of bits, and read better as hexadecimal."""

_COMPARED: Mapping[str, code.Comparison] = {
    "==": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
}  # fmt: skip
_ARITHMETIC: Mapping[str, code.Operator] = {
    "+": "+", "-": "-", "*": "*", "&": "&", "|": "|", "^": "^", "<<": "<<", ">>": ">>",
}  # fmt: skip


def number(
    expr: ir.Expr, members: Members, asked: Asked, version: code.Expr = VERSION
) -> code.Expr:
    """The expression as Python, an integer (or bool)."""
    return _Writer(members, asked, version).value(expr)


def truth(
    expr: ir.Expr, members: Members, asked: Asked, version: code.Expr = VERSION
) -> code.Expr:
    """The expression as Python, a condition."""
    return _Writer(members, asked, version).condition(expr)


class _Writer:
    def __init__(self, members: Members, asked: Asked, version: code.Expr) -> None:
        self.members = members
        self.asked = asked
        self.version = version
        self.loops: dict[str, str] = {}

    def condition(self, expr: ir.Expr) -> code.Expr:
        """What is true where the expression is."""
        match expr:
            case ir.Const(value=value):
                return code.TRUE if value else code.FALSE
            case ir.Unary(op="!", operand=operand):
                return code.PyUnary("not", self.condition(operand))
            case ir.Binary(op="&&", left=left, right=right):
                return code.both([self.condition(left), self.condition(right)])
            case ir.Binary(op="||", left=left, right=right):
                return code.either([self.condition(left), self.condition(right)])
            case ir.Exists(var=var, start=start, stop=stop, step=step, body=body):
                low, high = self.value(start), self.value(stop)
                outer = self.loops.get(var)
                name = f"i{len(self.loops)}"
                self.loops[var] = name
                inner = self.condition(body)
                if outer is None:
                    del self.loops[var]
                else:
                    self.loops[var] = outer
                if step != 1:
                    numbers = code.builtin("range", low, high, step)
                elif low == code.PyConst(0):
                    numbers = code.builtin("range", high)
                else:
                    numbers = code.builtin("range", low, high)
                return code.builtin("any", code.PyEach(inner, ((name, numbers),), True))
        return self.value(expr)

    def value(self, expr: ir.Expr) -> code.Expr:
        """What has the expression's value."""
        match expr:
            case ir.Const(value=value):
                return code.PyConst(value, hexadecimal=value >= _DECIMAL)
            case ir.Version():
                return self.version
            case ir.Var(name=name):
                return code.PyName(self.loops[name])
            case ir.Load(path=path, type=type_, subscripts=subscripts):
                return self.members(
                    path, [self.value(one) for one in subscripts], type_
                )
            case ir.Ask(name=name):
                return self.asked(name)
            case ir.Unary(op="!") | ir.Exists() | ir.Binary(op="&&" | "||"):
                # ``and`` and ``or`` give an operand, C gives 0 or 1.
                return truncated(self.condition(expr), "bool")
            case ir.Unary(op=op, operand=operand):
                return code.PyUnary("-" if op == "-" else "~", self.value(operand))
            case ir.Binary(op="/" | "%" as op, left=left, right=right):
                name = "c_div" if op == "/" else "c_mod"
                return code.call(name, self.value(left), self.value(right))
            case ir.Binary(op="<<" | ">>" as op, left=left, right=right):
                if isinstance(right, ir.Const) and 0 <= right.value < 64:
                    return code.PyBinary(
                        _ARITHMETIC[op], self.value(left), code.PyConst(right.value)
                    )
                count = self.value(right)
                if op == ">>":
                    count = code.PyUnary("-", count)
                return code.call("shift", self.value(left), count)
            case ir.Binary(op=op, left=left, right=right) if op in _COMPARED:
                return code.PyCompare(
                    _COMPARED[op], self.value(left), self.value(right)
                )
            case ir.Binary(op=op, left=left, right=right):
                return code.PyBinary(
                    _ARITHMETIC[op], self.value(left), self.value(right)
                )
            case ir.Select(condition=condition, then=then, otherwise=otherwise):
                return code.PyChoice(
                    self.condition(condition), self.value(then), self.value(otherwise)
                )
            case ir.Truncate(type=type_, operand=operand):
                return truncated(self.value(operand), type_)
        assert_never(expr)


def is_bool(value: code.Expr) -> bool:
    """Whether the code gives a ``bool``, not just something that is true or false."""
    match value:
        case code.PyCompare() | code.PyUnary(op="not"):
            return True
        case code.PyCall(function=code.PyName(id="bool" | "any")):
            return True
        case code.PyLogic(items=items):
            return all(is_bool(one) for one in items)
    return value in (code.TRUE, code.FALSE)


def truncated(value: code.Expr, type_: ir.IntType) -> code.Expr:
    """The conversion to an integer type."""
    if type_ == "bool":
        return value if is_bool(value) else code.builtin("bool", value)
    if type_.startswith("uint"):
        mask = code.PyConst((1 << 8 * WIDTHS[type_]) - 1, hexadecimal=True)
        return code.PyBinary("&", value, mask)
    return code.call("signed", 8 * WIDTHS[type_], value)


def asks(expr: ir.Expr) -> bool:
    """Whether the expression asks for anything but members and the version."""
    return any(isinstance(part, ir.Ask) for part in ir.walk(expr))


_STEP = re.compile(r"([A-Za-z_]\w*)((?:\[[^\]]*\])*)")


def split_path(text: str) -> list[tuple[str, list[str]]]:
    """``env.x[3].y[$0]`` as names with their subscripts."""
    steps = []
    for match in _STEP.finditer(text):
        steps.append((match[1], re.findall(r"\[([^\]]*)\]", match[2])))
    return steps
