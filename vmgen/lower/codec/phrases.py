"""Expressions and assignments that several kinds of fields print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vmgen import ir, plan
from vmgen.lower import expressions
from vmgen.lower.names import quote
from vmgen.lower.program import Found
from vmgen.lower.shape import CODES


def c_name(path: str, subscripts: Sequence[str]) -> str:
    """A member's C path as a Python string, its subscripts filled in."""
    name = quote(path)
    for number, text in enumerate(subscripts):
        name = name.replace(f"[${number}]", f"[{{{text}}}]")
    return f"f{name}" if subscripts else name


def chained(found: Sequence[Found], outside: str, type_: ir.IntType) -> str:
    """A member's value: from the first place that has it, else from outside."""
    text = outside
    for one in reversed(found):
        value = f"either({one.text}, lambda: {text})" if one.optional else one.text
        text = (
            value if one.code == CODES[type_] else expressions.truncated(value, type_)
        )
    return text


def unblanked(path: str) -> str:
    """A path without blanks and parentheses, for a field list."""
    return "".join("_" if char in " ()=" else char for char in path)


def groups(names: list[str]) -> Iterable[list[str]]:
    """The names in groups that fit on a line."""
    group: list[str] = []
    for name in names:
        if group and sum(len(one) + 3 for one in group) + len(name) > 76:
            yield group
            group = []
        group.append(name)
    if group:
        yield group


def targets(names: Sequence[str]) -> str:
    """The left side of an assignment to several names."""
    joined = ", ".join(names) + ("," if len(names) == 1 else "")
    return joined if len(joined) < 70 else f"({joined}, )"


def checked(alias: str, value: str, length: int, path: str) -> list[plan.Statement]:
    """Name an array on save; a list of the wrong length is an error."""
    return [
        plan.Line(f"{alias} = {value}"),
        plan.If(
            f"len({alias}) != {length}", (plan.Line(sized(alias, [length], path)),)
        ),
    ]


def sized(value: str, lengths: Sequence[int], path: str) -> str:
    """A list that must have the first of the lengths."""
    return f'sized({value}, {lengths[0]}, "{path}")'
