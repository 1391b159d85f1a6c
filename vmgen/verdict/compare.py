"""Source's layouts against target's: every pair once."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from vmgen import ir
from vmgen.verdict import premises, walk
from vmgen.verdict.cases import Assumptions
from vmgen.verdict.items import WireLayout
from vmgen.verdict.layout import WireLayouts
from vmgen.verdict.state import NOTHING_AROUND, Around, Difference, Ending, Pair

_NONE = sys.maxsize

_Key: TypeAlias = tuple[int, int, Around]


@dataclass
class DirectedComparison:
    """The two programs in one direction: what comes out if the target loads what the
    source saved."""

    source: WireLayouts
    target: WireLayouts
    _known: dict[_Key, tuple[Ending, ...]] = field(default_factory=dict)
    _open: dict[_Key, int] = field(default_factory=dict)
    _meanwhile: dict[_Key, tuple[int, tuple[Ending, ...]]] = field(default_factory=dict)
    _outermost: int = _NONE
    """The outermost open comparison that what was found since rests on."""

    def __post_init__(self) -> None:
        programs = self.source.lookup.program, self.target.lookup.program
        self._premises = premises.Differences(*programs)

    def premises(self, refusal: ir.Refusal) -> Iterable[Difference]:
        """The C tables of both programs that a refusal depends on and that differ."""
        return self._premises.of(refusal)

    def leaves(
        self, source: WireLayout, target: WireLayout, around: Around = NOTHING_AROUND
    ) -> tuple[Ending, ...]:
        """Every case of loading the one as the other, from the first byte to the last
        subsection; ``around`` is what is known of the object besides."""
        key = id(source), id(target), around
        if key in self._open:  # a description inside itself: answered where it begins
            self._outermost = min(self._outermost, self._open[key])
            return (Ending(Assumptions()),)
        if key in self._known:
            return self._known[key]
        if key in self._meanwhile:
            rests, leaves = self._meanwhile[key]
            self._outermost = min(self._outermost, rests)
            return leaves
        before, self._outermost = self._outermost, _NONE
        depth = self._open[key] = len(self._open)
        leaves = walk.leaves(
            Pair(
                source,
                target,
                (self.source, self.target),
                around,
                self.leaves,
                self._premises.of,
            )
        )
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
