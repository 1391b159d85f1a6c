"""Which member of an old state is which of a new one, where the names do not say it.

Members have the order of the wire.  What both objects call the same holds them together;
between two such members each side has those that only it knows.  Where these are as many on
both sides, with the same widths, they are the same places of the wire under other names, and
pair.  Where only the first of them are alike, the place says less: then the names must be
alike too.  Everything else is at most a suggestion, for a person to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Any

from vmgen.stream.codecs import field, members

ALIKE = 0.6
"""Names that are as alike may be two names of one thing (1.0: equal)."""


def by_place(old: Any, new: Any) -> dict[str, str]:
    """The members of the old object that are those of the new one by their place on the
    wire: new name -> old name."""
    mine, theirs = list(members(old)), list(members(new))
    both = {*mine} & {*theirs}
    found: dict[str, str] = {}
    for left, right in _between(mine, theirs):
        left = [name for name in left if name not in both]
        right = [name for name in right if name not in both]
        pairs = list(zip(left, right, strict=False))
        fit = [_form(old, one) == _form(new, two) for one, two in pairs]
        if len(left) == len(right) and all(fit):
            found.update((two, one) for one, two in pairs)
        else:
            first = takewhile(
                lambda each: each[0] and likeness(*each[1]) >= ALIKE,
                zip(fit, pairs, strict=True),
            )
            found.update((two, one) for _, (one, two) in first)
    return found


def _between(
    mine: Sequence[str], theirs: Sequence[str]
) -> Iterator[tuple[list[str], list[str]]]:
    """What either side has in the same place, between names that both have."""
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    for what, a, b, c, d in matcher.get_opcodes():
        if what == "replace":
            yield list(mine[a:b]), list(theirs[c:d])


def _form(state: Any, name: str) -> tuple[Any, ...]:
    """What a member is on the wire, as far as its name does not say it."""
    about = field(state, name)
    subsection = about.type == "subsection"
    kind = about.type if about.width is None else ""
    return about.width, about.count, about.array, subsection, kind


def suggested(
    lost: Sequence[str], empty: Sequence[str], fits: Callable[[str, str], bool]
) -> dict[str, str]:
    """Of the paths of members that have no place, and of those that have no value, the
    likeliest pairs: old path -> new path.

    Both must be in the same struct; ``fits`` says whether the value of an old one can be
    that of a new one.
    """
    ways = [
        (likeness(_last(one), _last(two)), one, two)
        for one in lost
        for two in empty
        if _head(one) == _head(two) and fits(one, two)
    ]
    found: dict[str, str] = {}
    for how, one, two in sorted(ways, key=lambda way: (-way[0], way[1], way[2])):
        if how >= ALIKE and one not in found and two not in found.values():
            found[one] = two
    return found


def likeness(one: str, other: str) -> float:
    """How alike two names are, from 0 to 1; a name that begins or ends the other one is
    nearly the same."""
    short, long = sorted((one, other), key=len)
    if len(short) > 2 and (long.startswith(short) or long.endswith(short)):
        return 0.9
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _head(path: str) -> str:
    return path.rpartition(".")[0]


def _last(path: str) -> str:
    return path.rpartition(".")[2]
