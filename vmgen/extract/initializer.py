"""What the members of QEMU's tables are set to.

QEMU writes its tables as ``{ .name = ..., .flags = ... }``; whatever macro a line came
from, a :class:`FilledRecord` is what is left of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from vmgen.cfront import syntax as c
from vmgen.cfront.layout import (
    STATIC_INITIALIZER,
    Filled,
    FilledArray,
    FilledRecord,
    Layout,
)
from vmgen.cfront.walk import uncast
from vmgen.source import Diagnostic, Position, VmgenError

#: More rows than any table has; a table beyond it is refused.
MAX_ROWS = 1 << 16


def rows(symbol: str, value: Filled | None) -> Iterator[tuple[str, FilledRecord]]:
    """The records of an object with the symbols of them: the object itself, or
    ``symbol[2]`` for each element of an array that is set.

    Raises :class:`VmgenError` (VG401) for what is no record.
    """
    match value:
        case None:
            return
        case FilledRecord():
            yield symbol, value
        case FilledArray():
            check_length(value)
            for index, row in value.elements():
                yield from rows(f"{symbol}[{index}]", row)
        case _:
            raise VmgenError(
                Diagnostic(
                    "VG401",
                    f"{symbol} has a value that is no braced initialiser",
                    value.position,
                )
            )


def check_length(array: FilledArray) -> None:
    """Raise VG401 for more rows than a table can have."""
    if array.length > MAX_ROWS:
        raise VmgenError(
            Diagnostic(
                "VG401",
                f"a table of {array.length} rows; vmgen reads up to {MAX_ROWS}",
                array.position,
            )
        )


def is_null(value: Filled | None) -> bool:
    """True for a missing value, 0 and any cast of 0 (``NULL``)."""
    value = uncast(value)
    return value is None or (isinstance(value, c.IntegerLiteral) and not value.value)


def pointer(value: Filled | None) -> c.Expr | None:
    """The expression of a pointer; None for one that is not set."""
    if isinstance(value, FilledRecord | FilledArray):
        raise VmgenError(
            Diagnostic("VG402", "a pointer is set in braces", value.position)
        )
    return value


def symbol(layout: Layout, value: Filled | None) -> str:
    """The object or function that a pointer points to; empty for NULL.

    Raises :class:`VmgenError` (VG402) for a pointer to anything else, and what the
    evaluation of it raises.
    """
    expression = pointer(value)
    return "" if expression is None else layout.symbol(expression)


def text(layout: Layout, value: Filled | None) -> str | None:
    """The string that a pointer points to; None for NULL.

    Raises :class:`VmgenError` (VG404) for bytes that are no UTF-8, which no name in a
    stream can be.
    """
    expression = pointer(value)
    found = None if expression is None else layout.text(expression)
    if expression is None or found is None:
        return None
    try:
        return found.encode("latin-1").decode()
    except UnicodeDecodeError:
        raise VmgenError(
            Diagnostic(
                "VG404",
                f"the name {found!a} is not written in UTF-8",
                expression.position,
            )
        ) from None


def integer(layout: Layout, value: Filled | None) -> int:
    """The number that a member is set to; 0 for one that is not set."""
    if value is None:
        return 0
    if isinstance(value, FilledRecord | FilledArray):
        raise VmgenError(
            Diagnostic("VG401", "an aggregate as a number", value.position)
        )
    return layout.constant(value, STATIC_INITIALIZER)


def where(value: Filled | None, otherwise: Position) -> Position:
    """The place of a value, or of what it is in."""
    return otherwise if value is None or not value.position.file else value.position


def walk(expr: c.Expr) -> Iterator[c.Expr]:
    """The terms of a sum, outermost parentheses and casts removed, left to right."""
    expr = uncast(expr)
    if isinstance(expr, c.BinaryOperation) and expr.op == "+":
        yield from walk(expr.left)
        yield from walk(expr.right)
    else:
        yield expr
