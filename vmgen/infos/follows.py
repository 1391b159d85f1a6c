"""Whether what one function writes is what another reads."""

from __future__ import annotations

import re
from typing import assert_never

from vmgen.grammar import (
    Either,
    Handed,
    LeaveLoop,
    Loop,
    Move,
    MovedBytes,
    MovedWord,
    Moves,
    Must,
    Part,
    texts,
)

_MAX_STEPS = 5000


class Follows:
    """Whether all that one row of moves writes is read by another.

    ``names`` gets, by the word (``id``) of the one that reads, what the other puts there.
    """

    def __init__(self, names: dict[int, str]) -> None:
        self._names = names
        self._steps = 0

    def row(self, get: Moves, put: Moves, values: dict[str, str]) -> bool:
        """``values`` are the words of ``get`` by name, as expressions of ``put``."""
        self._steps += 1
        if self._steps > _MAX_STEPS:
            return False
        if get and _is_nothing(get[0], values):
            return self.row(get[1:], put, values)
        match get, put:
            case (), ():
                return True
            case (Either(condition, then, no), *_), _ if (
                truth := _truth(condition, values)
            ) is not None:
                return self.row((*(then if truth else no), *get[1:]), put, values)
            case (Either(condition, then, no), *_), (
                Either(other, first, second),
                *_,
            ) if (
                _in_words_of_put(condition, values) == other
            ):
                return (
                    self.row(then, first, dict(values))
                    and self.row(no, second, dict(values))
                    and self.row(get[1:], put[1:], values)
                )
            case _, (Either(_, first, second), *_):
                return self.row(get, (*first, *put[1:]), dict(values)) and self.row(
                    get, (*second, *put[1:]), dict(values)
                )
            case (MovedWord(bits, name) as word, *_), (MovedWord(width, value), *_):
                if bits != width:
                    return False
                self._names.setdefault(id(word), value)
                inner = {**values, name: value} if name else values
                return self.row(get[1:], put[1:], inner)
            case (MovedBytes(size), *_), (MovedBytes(other), *_):
                same = _in_words_of_put(size, values) == other
                return same and self.row(get[1:], put[1:], values)
            case (Loop("") as loop, *_), (
                Loop(turns, body),
                MovedWord(bits, "0"),
                *_,
            ) if turns:
                return self._list(loop, bits, body) and self.row(
                    get[1:], put[2:], values
                )
            case (Handed(callee), *_), (Handed(other), *_):
                same = callee == other and callee.startswith("state(")
                return same and self.row(get[1:], put[1:], values)
            case (Loop(turns, body), *_), (Loop(other, inside), *_) if turns:
                counted = other.startswith("each ") or (
                    _in_words_of_put(turns, values) == other
                )
                return (
                    counted
                    and self.row(body, inside, dict(values))
                    and self.row(get[1:], put[1:], values)
                )
            case _:
                return False

    def _list(self, loop: Loop, bits: int, body: Moves) -> bool:
        """Whether the elements that are written, some of them maybe left out, are those
        that are read."""
        marker, elements = marked(loop)
        match body:
            case (Either(_, inner, ()),):
                return self._list(loop, bits, inner)
            case (MovedWord(width, value), *rest) if (
                marker is not None and marker.bits == bits == width
            ):
                if is_sentinel(marker, elements):
                    self._names.setdefault(id(marker), value)
                    inside = {marker.name: value}
                    return value != "0" and self.row(elements, tuple(rest), inside)
                return value == "1" and self.row(elements, tuple(rest), {})
        return False


def _is_nothing(move: Move, values: dict[str, str]) -> bool:
    """Whether a move is of no bytes with these values."""
    match move:
        case MovedBytes(size) | Loop(size):
            return values.get(size) == "0" or size == "0"
        case MovedWord() | Handed() | Either() | LeaveLoop() | Part() | Must():
            return False
        case _:
            assert_never(move)


def _truth(condition: str, values: dict[str, str]) -> bool | None:
    value = values.get(condition, "")
    return value != "0" if re.fullmatch(r"\d+", value) else None


def _in_words_of_put(line: str, values: dict[str, str]) -> str:
    """An expression of the one that reads in the words of the one that writes."""

    def put(found: re.Match[str]) -> str:
        value = values.get(found[0], found[0])
        return f"({value})" if " " in value and found[0] != line else value

    return re.sub(r"[\w$.\[\]]+", put, line)


def marked(loop: Loop) -> tuple[MovedWord | None, Moves]:
    """The word in front of each element of a list that goes on while it is positive, and
    the elements."""
    match loop.body:
        case (
            MovedWord(_, name) as marker,
            Either(condition, elements, (LeaveLoop(),)),
        ) if condition in (name, f"0 < {name}", f"0 < signed({name})"):
            return marker, elements
        case _:
            return None, ()


def is_sentinel(marker: MovedWord, elements: Moves) -> bool:
    """Whether the word in front of an element is a part of it, and not just a byte that
    says that there is one."""
    return marker.bits != 8 or marker.name in " ".join(texts(elements))
