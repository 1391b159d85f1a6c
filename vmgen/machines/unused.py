"""Which text of its board's file one machine type does not run."""

from __future__ import annotations

from collections.abc import Iterable

from vmgen import ir
from vmgen.c_text import TextPart
from vmgen.machines.model import ClassCondition, UnusedText


def never_run(
    texts: Iterable[UnusedText], members: Iterable[ir.ClassMember]
) -> tuple[TextPart, ...]:
    """The text that no way leads to whose conditions the class of the machine type
    meets; ``members`` are its constants."""
    known = {one.place: one.value for one in members}

    def fails(condition: ClassCondition) -> bool:
        place, wanted = condition
        return place in known and bool(known[place]) != wanted

    return tuple(
        TextPart(one.first, one.last, one.words)
        for one in texts
        if all(any(map(fails, way)) for way in one.ways)
    )
