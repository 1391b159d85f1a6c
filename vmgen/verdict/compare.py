"""Source's layout against target's, item by item: what comes out if the target loads what
the source saved.

Both sides are followed at once.  Where a condition decides and the other side does not
have the same one, both cases are followed; each ends in a :class:`Leaf`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vmgen.source import NOWHERE
from vmgen.verdict.conditions import Case
from vmgen.verdict.layout import (
    Layout,
    Layouts,
    Origin,
)
from vmgen.verdict.model import Finding, Reason
from vmgen.verdict.state import Leaf
from vmgen.verdict.walk import Walk


@dataclass
class Comparison:
    """The two programs in one direction.

    ``backward`` says that the source of the stream is the new program: findings name
    positions by old and new.
    """

    source: Layouts
    target: Layouts
    backward: bool = False
    _known: dict[tuple[int, int], tuple[Leaf, ...]] = field(default_factory=dict)
    _open: set[tuple[int, int]] = field(default_factory=set)

    def layouts(self, source: Layout, target: Layout) -> tuple[Leaf, ...]:
        """Every case of loading the one as the other, from the first byte to the last
        subsection."""
        key = id(source), id(target)
        if key in self._open:
            return (Leaf(Case()),)  # a description inside itself: told where it begins
        if key not in self._known:
            self._open.add(key)
            self._known[key] = Walk(self, source, target).leaves()
            self._open.discard(key)
        return self._known[key]

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
