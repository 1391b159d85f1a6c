"""C expressions in the words of their source, for what has no translation."""

from __future__ import annotations

from typing import assert_never, get_args

from vmgen.cfront import syntax
from vmgen.cfront.syntax import Expr, TypeExpr

_BINDING: dict[str, int] = {
    ",": 0, "=": 1, "?:": 2, "||": 3, "&&": 4, "|": 5, "^": 6, "&": 7, "==": 8, "!=": 8,
    "<": 9, "<=": 9, ">": 9, ">=": 9, "<<": 10, ">>": 10, "+": 11, "-": 11,
    "*": 12, "/": 12, "%": 12,
}  # fmt: skip
_PREFIX, _ATOM = 13, 15


def phrase(expr: Expr) -> str:
    """The expression as text, with the parentheses it needs; casts are left out, what
    has no short form (a statement expression) is ``...``."""
    return _phrase(expr)[0]


def opposite(expr: Expr) -> str:
    """The text of the expression's negation."""
    match expr:
        case syntax.UnaryOperation("!", operand):
            return phrase(operand)
        case syntax.BinaryOperation("==" | "!=" as op, left, right):
            return phrase(
                syntax.BinaryOperation("!=" if op == "==" else "==", left, right)
            )
    text, binding = _phrase(expr)
    return f"!{text}" if binding >= _PREFIX else f"!({text})"


def _phrase(expr: Expr) -> tuple[str, int]:
    """The text and how strongly its outermost operator binds."""
    match expr:
        case syntax.Name(name):
            return name, _ATOM
        case syntax.IntegerLiteral(value):
            return str(value) if value < 64 else hex(value), _ATOM
        case syntax.FloatLiteral(number):
            return str(number), _ATOM
        case syntax.StringLiteral(text):
            return f'"{text}"', _ATOM
        case syntax.Cast(_, operand):
            return _phrase(operand)
        case syntax.UnaryOperation(op, operand) if op.startswith("p"):
            return f"{_inside(operand, _ATOM)}{op[1:]}", _ATOM
        case syntax.UnaryOperation(op, operand):
            return f"{op}{_inside(operand, _PREFIX)}", _PREFIX
        case syntax.BinaryOperation(op, left, right):
            binding = _BINDING[op]
            texts = _inside(left, binding), _inside(right, binding + 1)
            return f" {op} ".join(texts), binding
        case syntax.Assign(op, target, value):
            return f"{phrase(target)} {op} {_inside(value, 1)}", 1
        case syntax.Conditional(condition, then, otherwise):
            chosen = "" if then is None else f" {_inside(then, 3)} "
            text = f"{_inside(condition, 3)} ?{chosen}: {_inside(otherwise, 2)}"
            return text, 2
        case syntax.Comma(items):
            return ", ".join(map(phrase, items)), 0
        case syntax.Call(syntax.Name("__builtin_expect"), (first, *_)):
            return _phrase(_truth(first))
        case syntax.Call(function, arguments):
            if isinstance(function, syntax.Name) and "dynamic_cast" in function.name:
                return _phrase(arguments[0])
            inside = ", ".join(_inside(item, 1) for item in arguments)
            return f"{_inside(function, _ATOM)}({inside})", _ATOM
        case syntax.Member(whole, name, arrow):
            return f"{_inside(whole, _ATOM)}{'->' if arrow else '.'}{name}", _ATOM
        case syntax.Index(array, index):
            return f"{_inside(array, _ATOM)}[{phrase(index)}]", _ATOM
        case syntax.SizeOf(operand):
            return f"sizeof({_sized(operand)})", _ATOM
        case (
            syntax.AlignOf()
            | syntax.Generic()
            | syntax.OffsetOf()
            | syntax.TypesCompatible()
            | syntax.CompoundLiteral()
            | syntax.StatementExpr()
        ):
            return "...", _ATOM
        case _:
            assert_never(expr)


def _sized(operand: Expr | TypeExpr) -> str:
    match operand:
        case syntax.NamedType(name) | syntax.RecordType(_, name):
            return name
        case _ if isinstance(operand, get_args(Expr)):
            return phrase(operand)
        case _:
            return "..."


def _truth(expr: Expr) -> Expr:
    """``x`` for ``!!(x)``, as ``likely`` and ``unlikely`` write it."""
    match expr:
        case syntax.UnaryOperation("!", syntax.UnaryOperation("!", operand)):
            return operand
        case _:
            return expr


def _inside(expr: Expr, binding: int) -> str:
    text, own = _phrase(expr)
    return f"({text})" if own < binding else text
