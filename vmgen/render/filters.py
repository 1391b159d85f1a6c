"""What templates print values of the plan with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from vmgen import plan
from vmgen.plan import code
from vmgen.render import spell
from vmgen.render.rows import Piece, Row, laid_out
from vmgen.render.wrap import WIDTH


def _row(items: Iterable[code.Expr]) -> Row:
    """The targets of an assignment."""
    return Row("(", tuple(map(spell.spelled, items)), ")", "targets")


def _loop_target(target: code.Expr) -> str:
    """What a loop assigns to: names without brackets."""
    if isinstance(target, code.PyTuple):
        return str(_row(target.items))
    return spell.spelled(target)


def _assignment(one: code.PyAssign) -> list[Piece]:
    pieces: list[Piece] = []
    for target in one.targets:
        if isinstance(target, code.PyTuple):
            pieces += [_row(target.items), " = "]
        else:
            pieces += [spell.spelled(target), " = "]
    return [*pieces, *_pieces(one.value)]


def _pieces(value: code.Expr) -> Iterator[Piece]:
    """A value of which the outermost brackets may be broken."""
    if isinstance(value, code.PyList):
        yield Row("[", tuple(map(spell.spelled, value.items)), "]", "list")
    elif isinstance(value, code.PyCall):
        yield spell.spelled(value.function)
        given = [spell.spelled(one) for one in value.arguments]
        given += [f"{name}={spell.spelled(one)}" for name, one in value.keywords]
        yield Row("(", tuple(given), ")", "call")
    else:
        yield spell.spelled(value)


def _importing(one: plan.Import, comment: str = "") -> str:
    """An import of one line or of filled ones; a name without an id is the module."""
    whole = [name.local for name in one.names if not name.id]
    lines = [
        f"import {one.module}" + ("" if local == one.module else f" as {local}")
        for local in whole
    ]
    names = tuple(
        name.id if name.id == name.local else f"{name.id} as {name.local}"
        for name in one.names
        if name.id
    )
    if names:
        head = f"from {one.module} import "
        line = laid_out([head, Row(f"({comment}", names, ")", "names")], 0)
        lines.append(line if "\n" in line else f"{line}{comment}")
    return "\n".join(lines)


def _member(one: plan.StateMember) -> str:
    """A member of a class, with the call that declares it."""
    call = one.declared
    items = tuple(map(spell.spelled, call.arguments))
    items += tuple(f"{name}={spell.spelled(value)}" for name, value in call.keywords)
    head = f"{one.name}: {spell.spelled(one.annotation)} = "
    row = Row(f"{spell.spelled(call.function)}(", items, ")", "call")
    return f"{laid_out([head, row], 4)}\n"


def _unpacking(one: code.PyUnpack) -> list[Piece]:
    """A run's values into their targets."""
    call = f"{one.run}.unpack_from(buf, pos)"
    return [_row(one.targets), " = ", call] if one.targets else [call]


def _reexported(names: Iterable[str], module: str) -> list[Piece]:
    """An import of names that the module offers in turn."""
    items = tuple(f"{name} as {name}" for name in names)
    return [f"from {module} import ", Row("(", items, ")", "names")]


def _words(names: Iterable[str], module: str) -> str:
    """A module and its names as an item of a dict, in strings of even length."""
    margin = " " * 4
    lines = [f"{margin}{spell.quoted(module)}: "]
    words = list(names)
    whole = f"{lines[0]}{spell.quoted(' '.join(words))},"
    if len(whole) <= WIDTH:
        return whole
    lines[0] += "("
    line = ""
    for word in words:
        if line and len(line) + len(word) + 12 > WIDTH:
            lines.append(f"{margin * 2}{spell.quoted(line)}")
            line = ""
        line += f"{word} "
    lines.append(f"{margin * 2}{spell.quoted(line.rstrip())}")
    return "\n".join([*lines, f"{margin}),"])


def _running(one: plan.Run) -> list[Piece]:
    """A run: its format, and its fields as pieces of one string."""
    pieces = tuple(map(spell.quoted, one.fields))
    more = (f"most={one.most}",) if one.most else ()
    return [
        f"{one.name} = Run",
        Row("(", (spell.quoted(one.format), *pieces), ")", "strings", more),
    ]


def _calling(
    pieces: Sequence[str], names: Sequence[str], values: Sequence[object]
) -> list[Piece]:
    """A call with names and literals as its arguments."""
    given = (*names, *map(spell.quoted, values))
    return ["".join(pieces), Row("(", given, ")", "call")]


FILTERS: Mapping[str, Callable[..., Any]] = {
    "repr": spell.quoted,
    "bytes": lambda text: spell.quoted(text.encode()),
    "plain": spell.plain,
    "code": spell.spelled,
    "targets": _loop_target,
    "assignment": _assignment,
    "expression": lambda value: list(_pieces(value)),
    "unpacking": _unpacking,
    "unpacked": _row,
    "running": _running,
    "calling": _calling,
    "arguments": lambda values: Row(
        "(", tuple(map(spell.spelled, values)), ")", "list"
    ),
    "importing": _importing,
    "reexported": _reexported,
    "words": _words,
    "member": _member,
    "laid_out": laid_out,
}
