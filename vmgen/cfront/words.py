"""Types in C words, for messages: ``unsigned int[32]``, ``struct foo *``."""

from __future__ import annotations

from typing import assert_never

from vmgen.cfront import ctype, syntax
from vmgen.cfront.ctype import CType
from vmgen.cfront.syntax import TypeExpr


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
