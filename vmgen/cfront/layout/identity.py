"""Which types are one, and what a type is called."""

from __future__ import annotations

from typing import assert_never

from vmgen.cfront import syntax
from vmgen.cfront.ctype import (
    Array,
    CType,
    Enum,
    FunctionSignature,
    Integer,
    Pointer,
    Record,
)
from vmgen.cfront.layout.model import Types
from vmgen.cfront.printer import type_words
from vmgen.cfront.syntax import TypeExpr


def spelling(types: Types, type: TypeExpr) -> str:
    """The type as written without arrays and pointers: ``CPURISCVState``,
    ``struct foo``, empty for an anonymous record.

    Typedefs of arrays and of pointers to data are followed, so that what is left
    is always the element.
    """
    match type:
        case syntax.NamedType(name):
            resolved = types.resolve(type)
            decl = types.unit.typedef(name)
            if decl is None or isinstance(resolved, FunctionSignature):
                return name
            if isinstance(resolved, Pointer) and isinstance(
                resolved.target, FunctionSignature
            ):
                return name
            if isinstance(resolved, Array | Pointer):
                return spelling(types, decl.type)
            return name
        case syntax.BasicType(name):
            return name
        case syntax.RecordType(kind, tag):
            return "" if tag.startswith("<") else f"{kind} {tag}"
        case syntax.EnumType(tag):
            return "" if tag.startswith("<") else f"enum {tag}"
        case syntax.PointerType(inner) | syntax.ArrayType(inner):
            return spelling(types, inner)
        case syntax.TypeOf(operand) if isinstance(operand, TypeExpr):
            return spelling(types, operand)
        case syntax.AtomicType(value):
            return spelling(types, value)
        case (
            syntax.TypeOf()
            | syntax.FunctionType()
            | syntax.AutoType()
            | syntax.UnreadableType()
        ):
            resolved = types.resolve(type)
            while isinstance(resolved, Array | Pointer):
                resolved = (
                    resolved.element if isinstance(resolved, Array) else resolved.target
                )
            if isinstance(resolved, Record | Enum) and resolved.tag.startswith("<"):
                return ""
            return type_words(resolved)
        case _:
            assert_never(type)


def same_type(a: CType, b: CType) -> bool:
    """C's compatible types, qualifiers ignored: an enum is compatible with its
    integer type, an array of open length with any length."""
    if a == b:
        return True
    match a, b:
        case Enum(), Enum():
            return False
        case (Enum(base=base), Integer() as other) | (
            Integer() as other,
            Enum(base=base),
        ):
            return base == other
        case Pointer(left), Pointer(right):
            return same_type(left, right)
        case Array(left, length), Array(right, other_length):
            open_length = length is None or other_length is None
            return (open_length or length == other_length) and same_type(left, right)
        case FunctionSignature(left, ours, variadic), FunctionSignature(
            right, theirs, other_variadic
        ):
            return (
                variadic == other_variadic
                and len(ours) == len(theirs)
                and same_type(left, right)
                and all(map(same_type, ours, theirs))
            )
        case _:
            return False
