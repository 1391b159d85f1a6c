"""What C functions move to and from a stream, in the normal form of ``vmgen.grammar``:
the facts that a hand-written codec rests on.

Functions of the same unit are followed with their arguments.  Locals stand for what they
were set to, so that neither their names nor the functions that the code is split into
show.  Ways that end in an error are no part of it.
"""

from __future__ import annotations

from vmgen.cfront.layout import Layout
from vmgen.grammar import sequence, text
from vmgen.translate.failure import definition
from vmgen.translate.moves.calls import POINTED, SILENT, WORDS, is_stream
from vmgen.translate.moves.walk import MoveWalk, TooMuch

__all__ = ["POINTED", "SILENT", "WORDS", "is_stream", "moves"]


def moves(layout: Layout, symbol: str) -> str:
    """What the function ``symbol`` moves, as ``vmgen.grammar`` writes it; empty for
    nothing or a function that the unit does not define."""
    function, _, _ = definition(layout.unit, symbol)
    if function is None:
        return ""
    walk = MoveWalk(layout)
    try:
        made = walk.entered(function)
    except TooMuch:
        return f"{symbol}()"
    return text(sequence(walk.words.named(made)))
