"""Expressions and assignments that several kinds of fields have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from vmgen import ir
from vmgen.lower import expressions
from vmgen.lower.program import MemberValue
from vmgen.lower.shape import CODES
from vmgen.plan import code

_SEPARATOR = re.compile(r"[\s()=]")
_SUBSCRIPT = re.compile(r"\[\$(\d+)\]")


def c_name(path: str, subscripts: Sequence[code.Expr]) -> code.Expr:
    """A member's C path (``env.x[$0]``) as a string, its subscripts filled in."""
    if not subscripts:
        return code.PyConst(path)
    parts: list[str | code.Expr] = []
    for number, text in enumerate(_SUBSCRIPT.split(path)):
        # Every second piece is the number of a subscript.
        parts += [f"{text}["] if not number % 2 else [subscripts[int(text)], "]"]
    last = parts.pop()
    assert isinstance(last, str)
    return code.PyFormat((*parts, last.removesuffix("[")))


def chained(
    found: Sequence[MemberValue], outside: code.Expr, type_: ir.IntType
) -> code.Expr:
    """A member's value: from the first place that has it, else from outside."""
    made = outside
    for one in reversed(found):
        value = one.value
        if one.condition is not None:
            value = code.PyChoice(one.condition, value, made)
        made = (
            value if one.type == CODES[type_] else expressions.truncated(value, type_)
        )
    return made


def unblanked(path: str) -> str:
    """A path without what separates the words of a field list."""
    return _SEPARATOR.sub("_", path)


def checked(
    alias: code.PyName, value: code.Expr, length: int, path: str
) -> list[code.Statement]:
    """Name an array on save; a list of the wrong length is an error."""
    wrong = code.PyCompare("!=", code.builtin("len", alias), code.PyConst(length))
    return [
        code.PyAssign((alias,), value),
        code.PyIf(wrong, (code.PyDo(sized(alias, length, path)),)),
    ]


def sized(value: code.Expr, length: int, path: str) -> code.Expr:
    """A list that must have so many elements."""
    return code.call("sized", value, length, path)


def present(value: code.Expr, path: str) -> code.Expr:
    """A member that must be there."""
    return code.call("present", value, path)


def in_groups(
    targets: Iterable[code.Expr], value: code.Expr
) -> Iterable[code.PyAssign]:
    """One value for many targets, a few of them in a statement."""
    group: list[code.Expr] = []
    for one in targets:
        group.append(one)
        if len(group) == _IN_A_ROW:
            yield code.PyAssign(tuple(group), value)
            group = []
    if group:
        yield code.PyAssign(tuple(group), value)


_IN_A_ROW = 4
"""Targets that fit on a line."""
