"""Source's layout against target's, item by item: what comes out if the target loads what
the source saved.

Both sides are followed at once.  Where a condition decides and the other side does not
have the same one, both cases are followed; each ends in a :class:`Leaf`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TypeAlias

from vmgen.source import NOWHERE
from vmgen.verdict.conditions import Case
from vmgen.verdict.findings import NOTHING_AROUND, Around
from vmgen.verdict.layout import (
    Layout,
    Layouts,
    Origin,
)
from vmgen.verdict.model import Finding, Reason
from vmgen.verdict.state import Leaf
from vmgen.verdict.walk import Walk

_NONE = sys.maxsize

_Key: TypeAlias = tuple[int, int, Around]


@dataclass
class Comparison:
    """The two programs in one direction.

    ``backward`` says that the source of the stream is the new program: findings name
    positions by old and new.
    """

    source: Layouts
    target: Layouts
    backward: bool = False
    _known: dict[_Key, tuple[Leaf, ...]] = field(default_factory=dict)
    _open: dict[_Key, int] = field(default_factory=dict)
    _meanwhile: dict[_Key, tuple[int, tuple[Leaf, ...]]] = field(default_factory=dict)
    _outermost: int = _NONE
    """The outermost open comparison that what was found since rests on."""

    def layouts(
        self, source: Layout, target: Layout, around: Around = NOTHING_AROUND
    ) -> tuple[Leaf, ...]:
        """Every case of loading the one as the other, from the first byte to the last
        subsection; ``around`` is what else of the same object has bytes."""
        key = id(source), id(target), around
        if key in self._open:  # a description inside itself: told where it begins
            self._outermost = min(self._outermost, self._open[key])
            return (Leaf(Case()),)
        if key in self._known:
            return self._known[key]
        if key in self._meanwhile:
            rests, leaves = self._meanwhile[key]
            self._outermost = min(self._outermost, rests)
            return leaves
        before, self._outermost = self._outermost, _NONE
        depth = self._open[key] = len(self._open)
        leaves = Walk(self, source, target, around).leaves()
        del self._open[key]
        rests = self._outermost
        if rests < depth:  # by itself it is another question than inside of that one
            self._meanwhile[key] = rests, leaves
            self._outermost = min(before, rests)
            return leaves
        for other in [key for key, (on, _) in self._meanwhile.items() if on >= depth]:
            del self._meanwhile[other]
        self._known[key] = leaves
        self._outermost = before
        return leaves

    def finding(
        self,
        reason: Reason,
        text: str,
        source: Origin | None,
        target: Origin | None,
        /,
        **more: str,
    ) -> Finding:
        """A finding about two fields, either of which may be missing."""
        one = source or target
        placed = one.placed.description if one is not None else None
        first = source.position if source else NOWHERE
        second = target.position if target else NOWHERE
        if self.backward:
            first, second = second, first
        return Finding(
            reason,
            text,
            placed.name if placed else "",
            placed.symbol if placed else "",
            old=first,
            new=second,
            **more,
        )
