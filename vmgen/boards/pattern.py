"""Names of types of which a text has a part only."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CONVERSION = re.compile(
    r"%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z|j)?[a-z]"
)
_LEAST = 3
"""How many characters of a name must be known for it to stand for types by a pattern."""


@dataclass(frozen=True, slots=True)
class NamePattern:
    """Names with these ``parts`` in order and anything between them; before the first and
    behind the last only if the name may ``start`` or ``end`` otherwise."""

    parts: tuple[str, ...]
    start: bool
    end: bool

    def fits(self, name: str) -> bool:
        """Whether a name is one of them; in time that grows with the name, whatever the
        parts are."""
        at = 0
        if not self.start:
            if not name.startswith(self.parts[0]):
                return False
            at = len(self.parts[0])
        last = len(self.parts) - 1
        for number, part in enumerate(self.parts[not self.start :], not self.start):
            if number == last and not self.end:
                return name.endswith(part) and len(name) - len(part) >= at
            found = name.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        return True


def within(piece: str) -> NamePattern | None:
    """The names that a piece is a part of; None for one that says too little, or that is
    of no name."""
    parts = tuple(_CONVERSION.split(piece))
    if " " in piece or sum(map(len, parts)) < _LEAST:
        return None
    return NamePattern(parts, True, True)


def completed(literal: str) -> NamePattern | None:
    """The names that a literal stands for if it is one for ``snprintf`` to complete, or
    the start or the end of one: ``aspeed.i2c-%s``, ``-powernv-cpu-core``; None for
    others."""
    found = within(literal)
    starts, ends = literal[:1] in ("-", "."), literal[-1:] in ("-", ".")
    if found is None or not (starts or ends or "%" in literal):
        return None
    return NamePattern(found.parts, starts, ends)
