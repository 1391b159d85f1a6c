"""Designated initialisers, read by member name.

QEMU writes its tables as ``{ .name = ..., .flags = ... }``; whatever macro a line came
from, this is what is left of it after preprocessing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vmgen.cfront import syntax as c
from vmgen.source import NOWHERE, Diagnostic, Position, VmgenError

Value = c.Expr | c.InitList


@dataclass(frozen=True, slots=True)
class Initializer:
    """The members that a braced initialiser sets, by name.

    A later designator wins over an earlier one, as in C (ISO C11 6.7.9, paragraph 19).
    """

    values: dict[str, Value]
    position: Position

    def __getitem__(self, name: str) -> Value | None:
        """What ``name`` is set to, or None where the initialiser leaves it zero."""
        return self.values.get(name)


def read(init: c.InitList, what: str) -> Initializer:
    """Members by name; positional members are an error, since nothing names them.

    ``{}`` and ``{ 0 }`` set nothing.  ``what`` is for the message.
    """
    values: dict[str, Value] = {}
    for item in init.items:
        if len(item.designators) == 1 and isinstance(item.designators[0], str):
            values[item.designators[0]] = item.value
        elif item.designators:
            raise VmgenError(
                Diagnostic(
                    "VG401",
                    f"{what} sets part of a member with a nested designator",
                    init.position,
                    hint="write the member as one braced initialiser",
                )
            )
        elif not (len(init.items) == 1 and is_null(item.value)):
            raise VmgenError(
                Diagnostic(
                    "VG401",
                    f"{what} has a member without a name",
                    init.position,
                    hint="write `.member = value` for every member",
                )
            )
    return Initializer(values, init.position)


def is_null(value: Value | None) -> bool:
    """True for a missing value, 0 and any cast of 0 (``NULL``)."""
    while isinstance(value, c.Cast):
        value = value.operand
    return value is None or (isinstance(value, c.IntegerLiteral) and not value.value)


def symbol(value: Value | None) -> str:
    """The object or function a pointer initialiser names; empty for NULL.

    Casts and ``&`` do not matter.  Anything that names no single symbol raises
    :class:`VmgenError`.
    """
    inner = value
    while True:
        if isinstance(inner, c.Cast) or (
            isinstance(inner, c.Unary) and inner.op in ("&", "*")
        ):
            inner = inner.operand
        elif isinstance(inner, c.Index) and isinstance(inner.index, c.IntegerLiteral):
            return f"{symbol(inner.array)}[{inner.index.value}]"
        else:
            break
    if isinstance(inner, c.Name):
        return inner.name
    if is_null(inner):
        return ""
    raise VmgenError(
        Diagnostic(
            "VG402",
            "this pointer does not name an object or a function",
            getattr(value, "position", NOWHERE),
            hint="point it at a named object of the same file",
        )
    )


def walk(expr: c.Expr) -> Iterator[c.Expr]:
    """The terms of a sum, outermost parentheses and casts removed, left to right."""
    if isinstance(expr, c.Binary) and expr.op == "+":
        yield from walk(expr.left)
        yield from walk(expr.right)
    elif isinstance(expr, c.Cast):
        yield from walk(expr.operand)
    else:
        yield expr
