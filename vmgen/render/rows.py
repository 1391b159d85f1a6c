"""Statements that are too long for a line: rows of items, several on a line.

Black would put one item on a line, so that a table of 33 registers takes 33 lines for its
load and 33 for its save.  A filled row is marked for black to leave it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from vmgen.render.wrap import WIDTH

_SKIP = "  # fmt: skip"


@dataclass(frozen=True, slots=True)
class Row:
    """Items between brackets, which some kinds of them do not need on one line; ``more``
    follow the pieces of a string."""

    start: str
    items: tuple[str, ...]
    end: str
    kind: Literal["targets", "names", "call", "list", "strings"]
    more: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.kind == "strings":
            given = self.items[0], " ".join(self.items[1:]), *self.more
            return f"{self.start}{', '.join(given)}{self.end}"
        text = ", ".join(self.items)
        match self.kind:
            case "names":
                return text
            case "targets":
                return text if len(self.items) > 1 else f"({text},)"
            case "call" | "list":
                return f"{self.start}{text}{self.end}"
        assert_never(self.kind)


Piece = str | Row


def laid_out(pieces: Sequence[Piece], depth: int) -> str:
    """The pieces of one statement as lines of at most 88 characters, if the items allow."""
    margin = " " * depth
    line = margin + "".join(map(str, pieces))
    if len(line) <= WIDTH or not any(_long(one) for one in pieces):
        return line
    last = pieces[-1]
    if (
        isinstance(last, Row)
        and last.kind == "call"
        and not any(map(_long, pieces[:-1]))
    ):
        inner = f"{margin}    {', '.join(last.items)}"
        head = margin + "".join(map(str, pieces[:-1])) + last.start
        if len(inner) <= WIDTH and len(head) <= WIDTH:
            return f"{head}\n{inner}\n{margin}{last.end}"
    if isinstance(last, Row) and last.kind == "strings":
        first, *others = last.items
        given = [first, f"\n{margin}    ".join(others), *last.more]
        head = margin + "".join(map(str, pieces[:-1])) + last.start
        lines = [head, *(f"{margin}    {one}," for one in given)]
        return "\n".join(lines) + f"\n{margin}{last.end}"
    lines = [margin]
    for one in pieces:
        if isinstance(one, Row) and _long(one):
            lines[-1] += one.start
            lines += _filled(one.items, f"{margin}    ")
            lines.append(margin + one.end)
        else:
            lines[-1] += str(one)
    return "\n".join(lines) + _SKIP


def _long(piece: Piece) -> bool:
    """Whether a piece is a row that is worth a line of its own."""
    return isinstance(piece, Row) and len(piece.items) > 0 and len(str(piece)) > 24


def _filled(items: Sequence[str], margin: str) -> Iterator[str]:
    line = margin
    for item in items:
        if line != margin and len(line) + len(item) + 2 > WIDTH:
            yield line
            line = margin
        line += f"{item}," if line == margin else f" {item},"
    yield line
