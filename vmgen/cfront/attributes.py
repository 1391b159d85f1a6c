"""GNU C's attributes as far as they change a layout (GCC manual, Type Attributes): which ones
a declaration has, and what they make of its type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from pycparser import c_ast

from vmgen.cfront.convert_code import ConvertError
from vmgen.cfront.normalise import CONSTEXPR, PACK
from vmgen.cfront.syntax import (
    ArrayType,
    BasicType,
    BinaryOperation,
    Expr,
    IntegerLiteral,
    SizeOf,
    TypeExpr,
)

Fail: TypeAlias = Callable[[str, Any], ConvertError]
"""The error that says something about a node of the parser."""

#: ``aligned`` without an argument: the largest alignment of x86-64.
_LARGEST_ALIGNMENT = IntegerLiteral(16)

_SIGNED_MODES = {
    "QI": "signed char",
    "byte": "signed char",
    "HI": "short",
    "SI": "int",
    "DI": "long",
    "word": "long",
    "pointer": "long",
    "TI": "__int128",
}
_UNSIGNED_MODES = {
    mode: "unsigned char" if name == "signed char" else f"unsigned {name}"
    for mode, name in _SIGNED_MODES.items()
}
_FLOAT_MODES = {
    "HF": "_Float16",
    "SF": "float",
    "DF": "double",
    "XF": "long double",
    "TF": "long double",
}


@dataclass(slots=True)
class Attributes:
    """The attributes of one declarator or body that change its layout."""

    packed: bool = False
    aligned: Expr | None = None
    vector_size: Expr | None = None
    mode: str = ""
    limit: int = 0
    constexpr: bool = False


def groups_of(decl: Any) -> list[Any]:
    """The attributes of a declared name: in front of the declaration, on the declarator, and
    on its type where no pointer or function stands between."""
    found = list(decl.attributes)
    direct = True
    node = decl.type
    while node is not None:
        if isinstance(node, c_ast.AttributedType):
            found += node.attributes if direct else []
        elif isinstance(node, c_ast.PtrDecl):
            found += node.attributes if direct else []
            direct = False
        elif isinstance(node, c_ast.FuncDecl):
            # Written after the whole declarator: the declared name's.
            found += node.attributes
            direct = False
        elif isinstance(node, (c_ast.TypeDecl, c_ast.ArrayDecl)):
            found += node.attributes
        else:
            break
        node = node.type
    return found


def meaning(
    groups: list[Any], expression: Callable[[str], Expr], fail: Fail
) -> Attributes:
    """What these attributes say; ``expression`` reads the text of an argument.

    Raises the error of ``fail`` for one whose effect is not known.
    """
    found = Attributes()
    for group in groups:
        for attribute in group.attributes:
            argument = attribute.arguments
            if attribute.name == "packed":
                found.packed = True
            elif attribute.name == "aligned":
                found.aligned = expression(argument) if argument else _LARGEST_ALIGNMENT
            elif attribute.name == "vector_size" and argument:
                found.vector_size = expression(argument)
            elif attribute.name == "mode" and argument:
                found.mode = argument.strip().strip("_")
            elif attribute.name == PACK:
                if not argument.isdigit():
                    raise fail(
                        f"cannot read what #pragma {argument} does to a layout",
                        group,
                    )
                found.limit = int(argument)
            elif attribute.name == CONSTEXPR:
                found.constexpr = True
            else:
                raise fail(
                    f"cannot read what the attribute '{attribute.name}' does to a "
                    "layout",
                    group,
                )
    return found


def applied(type_: TypeExpr, attributes: Attributes, node: Any, fail: Fail) -> TypeExpr:
    """``type_`` with ``mode`` and ``vector_size`` applied."""
    if attributes.mode:
        name = type_.name if isinstance(type_, BasicType) else ""
        modes = _UNSIGNED_MODES if name.startswith("unsigned") else _SIGNED_MODES
        if name in ("float", "double", "long double"):
            modes = _FLOAT_MODES
        if attributes.mode not in modes or not name:
            raise fail(f"cannot read __mode__({attributes.mode}) on this type", node)
        type_ = BasicType(modes[attributes.mode])
    if attributes.vector_size:
        count = BinaryOperation("/", attributes.vector_size, SizeOf(type_))
        type_ = ArrayType(type_, count)
    return type_
