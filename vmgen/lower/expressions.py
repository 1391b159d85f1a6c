"""Translated C expressions as Python source."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from vmgen import ir

# ``(path, subscripts, type)`` -> the Python expression of a member's value.
Members: TypeAlias = Callable[[str, Sequence[str], ir.IntType], str]
Asked: TypeAlias = Callable[[str], str]

_BITS = {
    "int8": 8, "uint8": 8, "int16": 16, "uint16": 16,
    "int32": 32, "uint32": 32, "int64": 64, "uint64": 64,
}  # fmt: skip
_COMPARED = {"==", "!=", "<", "<=", ">", ">="}
_BOOLEAN = {"&&": "and", "||": "or"}


def constant(
    expr: ir.Expr, version: int, loop: dict[str, int] | None = None
) -> int | None:
    """The value where the version alone decides it, else None."""
    loop = loop or {}
    match expr:
        case ir.Const(value=value):
            return value
        case ir.Version():
            return version
        case ir.Var(name=name):
            return loop.get(name)
        case ir.Load() | ir.Ask():
            return None
        case ir.Binary(op="&&" | "||" as op, left=left, right=right):
            first, second = constant(left, version, loop), constant(
                right, version, loop
            )
            decisive = op == "||"
            for side in (first, second):
                if side is not None and bool(side) == decisive:
                    return int(decisive)
            return None if first is None or second is None else int(not decisive)
        case ir.Select(condition=condition, then=then, otherwise=otherwise):
            chosen = constant(condition, version, loop)
            if chosen is None:
                return None
            return constant(then if chosen else otherwise, version, loop)
        case ir.Unary(op=sign, operand=operand):
            inner = constant(operand, version, loop)
            if inner is None:
                return None
            return {"-": -inner, "~": ~inner, "!": int(not inner)}[sign]
        case ir.Truncate(type=type_, operand=operand):
            inner = constant(operand, version, loop)
            return None if inner is None else truncate(inner, type_)
        case ir.Binary(op=op, left=left, right=right):
            first, second = constant(left, version, loop), constant(
                right, version, loop
            )
            return None if first is None or second is None else _fold(op, first, second)
        case ir.Exists(var=var, start=start, stop=stop, step=step, body=body):
            low, high = constant(start, version, loop), constant(stop, version, loop)
            if low is None or high is None or (high - low) // step > 4096:
                return None
            results = [
                constant(body, version, {**loop, var: at})
                for at in range(low, high, step)
            ]
            if any(results):
                return 1
            return None if None in results else 0


def truncate(value: int, type_: ir.IntType) -> int:
    """C's conversion to an integer type."""
    if type_ == "bool":
        return int(value != 0)
    value &= (1 << _BITS[type_]) - 1
    if type_.startswith("int") and value >> (_BITS[type_] - 1):
        value -= 1 << _BITS[type_]
    return value


def _fold(op: str, left: int, right: int) -> int | None:
    match op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "&":
            return left & right
        case "|":
            return left | right
        case "^":
            return left ^ right
        case "<<" if 0 <= right < 64:
            return left << right
        case ">>" if 0 <= right < 64:
            return left >> right
        case "/" | "%" if right:
            quotient = abs(left) // abs(right)
            quotient = quotient if (left < 0) == (right < 0) else -quotient
            return quotient if op == "/" else left - quotient * right
        case "==" | "!=" | "<" | "<=" | ">" | ">=":
            return int(
                {
                    "==": left == right,
                    "!=": left != right,
                    "<": left < right,
                    "<=": left <= right,
                    ">": left > right,
                    ">=": left >= right,
                }[op]
            )
    return None


def number(expr: ir.Expr, members: Members, asked: Asked) -> str:
    """The expression as Python source of an integer (or bool)."""
    return _Writer(members, asked).value(expr)


def truth(expr: ir.Expr, members: Members, asked: Asked) -> str:
    """The expression as Python source of a condition."""
    text = _Writer(members, asked).condition(expr)
    return text[1:-1] if _wrapped(text) else text


def _wrapped(text: str) -> bool:
    """Whether the first parenthesis closes at the end."""
    if not (text.startswith("(") and text.endswith(")")):
        return False
    depth = 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return at == len(text) - 1
    return False


class _Writer:
    def __init__(self, members: Members, asked: Asked) -> None:
        self.members = members
        self.asked = asked
        self.loops: dict[str, str] = {}

    def condition(self, expr: ir.Expr) -> str:
        """Source whose truth is the expression's; always closed in itself."""
        match expr:
            case ir.Const(value=value):
                return str(bool(value))
            case ir.Unary(op="!", operand=operand):
                return f"(not {self.condition(operand)})"
            case ir.Binary(op="&&" | "||" as op, left=left, right=right):
                return (
                    f"({self.condition(left)} {_BOOLEAN[op]} {self.condition(right)})"
                )
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
                ends = f"{low}, {high}" if step == 1 else f"{low}, {high}, {step}"
                if step == 1 and low == "0":
                    ends = high
                return f"any({inner} for {name} in range({ends}))"
        return self.value(expr)

    def value(self, expr: ir.Expr) -> str:
        """Source of the expression's value; always closed in itself."""
        match expr:
            case ir.Const(value=value):
                return f"({value})" if value < 0 else _literal(value)
            case ir.Version():
                return "version"
            case ir.Var(name=name):
                return self.loops[name]
            case ir.Load(path=path, type=type_, subscripts=subscripts):
                return self.members(
                    path, [self.value(one) for one in subscripts], type_
                )
            case ir.Ask(name=name):
                return self.asked(name)
            case ir.Unary(op="!") | ir.Exists() | ir.Binary(op="&&" | "||"):
                text = self.condition(expr)
                # ``and`` and ``or`` give an operand, C gives 0 or 1.
                return f"bool{text}" if isinstance(expr, ir.Binary) else text
            case ir.Unary(op=op, operand=operand):
                return f"({op}{self.value(operand)})"
            case ir.Binary(op="/" | "%" as op, left=left, right=right):
                name = "c_div" if op == "/" else "c_mod"
                return f"{name}({self.value(left)}, {self.value(right)})"
            case ir.Binary(op="<<" | ">>" as op, left=left, right=right):
                if isinstance(right, ir.Const) and 0 <= right.value < 64:
                    return f"({self.value(left)} {op} {right.value})"
                sign = "" if op == "<<" else "-"
                return f"shift({self.value(left)}, {sign}{self.value(right)})"
            case ir.Binary(op=op, left=left, right=right):
                return f"({self.value(left)} {op} {self.value(right)})"
            case ir.Select(condition=condition, then=then, otherwise=otherwise):
                chosen = self.condition(condition)
                return f"({self.value(then)} if {chosen} else {self.value(otherwise)})"
            case ir.Truncate(type=type_, operand=operand):
                return truncated(self.value(operand), type_)


def boolean(expr: ir.Expr) -> bool:
    """Whether the source of the expression's truth is a ``bool`` already."""
    match expr:
        case ir.Unary(op="!") | ir.Exists() | ir.Const():
            return True
        case ir.Binary(op="&&" | "||", left=left, right=right):
            return boolean(left) and boolean(right)
        case ir.Binary(op=op):
            return op in _COMPARED
        case ir.Truncate(type=type_):
            return type_ == "bool"
    return False


def truncated(text: str, type_: ir.IntType) -> str:
    """Source of the conversion to an integer type."""
    if type_ == "bool":
        return f"bool({text})"
    if type_.startswith("uint"):
        return f"({text} & {(1 << _BITS[type_]) - 1:#x})"
    return f"signed({_BITS[type_]}, {text})"


def _literal(value: int) -> str:
    return str(value) if value < 4096 else f"{value:#x}"


def asks(expr: ir.Expr) -> bool:
    """Whether the expression asks for anything but members and the version."""
    match expr:
        case ir.Ask():
            return True
        case ir.Load(subscripts=subscripts):
            return any(asks(one) for one in subscripts)
        case ir.Unary(operand=operand) | ir.Truncate(operand=operand):
            return asks(operand)
        case ir.Binary(left=left, right=right):
            return asks(left) or asks(right)
        case ir.Select(condition=condition, then=then, otherwise=otherwise):
            return asks(condition) or asks(then) or asks(otherwise)
        case ir.Exists(start=start, stop=stop, body=body):
            return asks(start) or asks(stop) or asks(body)
    return False


_STEP = re.compile(r"([A-Za-z_]\w*)((?:\[[^\]]*\])*)")


def split_path(text: str) -> list[tuple[str, list[str]]]:
    """``env.x[3].y[$0]`` as names with their subscripts."""
    steps = []
    for match in _STEP.finditer(text):
        steps.append((match[1], re.findall(r"\[([^\]]*)\]", match[2])))
    return steps
