"""C as text: expressions in the words of their source, types as C writes them."""

from __future__ import annotations

from typing import assert_never

from vmgen.cfront import ctype, syntax
from vmgen.cfront.ctype import CType
from vmgen.cfront.syntax import Expr, TypeExpr

_BINDING: dict[str, int] = {
    "||": 3, "&&": 4, "|": 5, "^": 6, "&": 7, "==": 8, "!=": 8,
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
            text = _inside(operand, _PREFIX)
            # -(-a) is not --a, and &(&a) takes no label.
            return f"{op}({text})" if text[0] == op[-1] in "+-&" else op + text, _PREFIX
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
            if isinstance(operand, TypeExpr):
                return f"sizeof({written_words(operand)})", _PREFIX
            return f"sizeof({phrase(operand)})", _PREFIX
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


# --- types ---------------------------------------------------------------------------


def _tagged(kind: str, tag: str) -> str:
    return f"{kind} <anonymous>" if tag.startswith("<") else f"{kind} {tag}"


def _pointer(declarator: str, to_array_or_function: bool) -> str:
    return f"(*{declarator})" if to_array_or_function else f"*{declarator}"


def _join(base: str, declarator: str) -> str:
    if not declarator or declarator.startswith("["):
        return base + declarator
    return f"{base} {declarator}"


def type_words(type: CType, declarator: str = "") -> str:
    """A resolved type as C writes it; ``declarator`` is what it declares."""
    match type:
        case ctype.Void():
            return _join("void", declarator)
        case ctype.Integer(name) | ctype.Float(name):
            return _join(name, declarator)
        case ctype.Enum(tag):
            return _join(_tagged("enum", tag), declarator)
        case ctype.Record(kind, tag):
            return _join(_tagged(kind, tag), declarator)
        case ctype.Pointer(target):
            inner = isinstance(target, ctype.Array | ctype.FunctionSignature)
            return type_words(target, _pointer(declarator, inner))
        case ctype.Array(element, length):
            return type_words(
                element, f"{declarator}[{'' if length is None else length}]"
            )
        case ctype.FunctionSignature(result, parameters, variadic):
            inside = [type_words(parameter) for parameter in parameters]
            inside += ["..."] if variadic else []
            return type_words(result, f"{declarator}({', '.join(inside) or 'void'})")
        case _:
            assert_never(type)


def written_words(type: TypeExpr, declarator: str = "") -> str:
    """A type as it is written; array lengths that are no literals show as ``...``."""
    match type:
        case syntax.NamedType(name) | syntax.BasicType(name):
            return _join(name, declarator)
        case syntax.RecordType(kind, tag):
            return _join(_tagged(kind, tag), declarator)
        case syntax.EnumType(tag):
            return _join(_tagged("enum", tag), declarator)
        case syntax.PointerType(target):
            inner = isinstance(target, syntax.ArrayType | syntax.FunctionType)
            return written_words(target, _pointer(declarator, inner))
        case syntax.ArrayType(element, length):
            match length:
                case None:
                    inside = ""
                case syntax.IntegerLiteral(value):
                    inside = str(value)
                case syntax.Name(name):
                    inside = name
                case _:
                    inside = "..."
            return written_words(element, f"{declarator}[{inside}]")
        case syntax.FunctionType(result, parameters, variadic):
            words = [written_words(parameter.type) for parameter in parameters]
            words += ["..."] if variadic else []
            return written_words(result, f"{declarator}({', '.join(words) or 'void'})")
        case syntax.TypeOf():
            return _join("typeof(...)", declarator)
        case syntax.AutoType():
            return _join("__auto_type", declarator)
        case syntax.AtomicType(value):
            return written_words(value, _join("_Atomic", declarator))
        case syntax.UnreadableType():
            return _join("...", declarator)
        case _:
            assert_never(type)
