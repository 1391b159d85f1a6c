"""What a refusal depends on besides the stream: C tables of both trees, compared.

A ``post_load`` of the same C on both sides accepts or rejects by what the rest of each
tree makes: the list of an Arm CPU's system registers, the model that a CPU's name stands
for.  The IR carries these tables (:class:`ir.Premise`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vmgen import ir
from vmgen.known.processor_models import MODELS, Models
from vmgen.verdict.state import Difference


class Differences:
    """What differs between the tables of the stream's source and its destination."""

    def __init__(self, source: ir.Program, target: ir.Program) -> None:
        self._programs = source, target
        sides = [{one.name: one for one in side.premises} for side in (source, target)]
        self._names = {
            name: one.readers for side in sides for name, one in side.items()
        }
        self._different = {
            name: found
            for name in self._names
            if (found := _compared(sides[0].get(name), sides[1].get(name))) is not None
        }

    def of(self, refusal: ir.Refusal) -> Iterator[Difference]:
        """The tables that the refusal depends on and that are not the same."""
        for name, found in self._different.items():
            if not set(refusal.reads).isdisjoint(self._names[name]):
                yield name, found


def _compared(
    one: ir.Premise | None, two: ir.Premise | None
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The rows that only one of the two has, None if they are the same.

    Of tables with a key only rows whose key both have count: a name that one side does
    not know cannot be given to it.
    """
    if one is None or two is None:
        return (), ()
    first, second = map(_rows, (one, two))
    if one.keyed and two.keyed:
        keys = {row[0] for row in first} & {row[0] for row in second}
        first = {row for row in first if row[0] in keys}
        second = {row for row in second if row[0] in keys}
    if first == second:
        return None
    mine, theirs = (
        tuple(sorted(" ".join(row) for row in rows))
        for rows in (first - second, second - first)
    )
    return mine, theirs


def _rows(premise: ir.Premise) -> set[tuple[str, ...]]:
    """The rows of a premise; of the one on processor versions what they come to.

    A name may be that of another model in the other release and mean the same version,
    and of the same version each ``pvr_match`` accepts itself.
    """
    if premise.name != MODELS:
        return set(premise.rows)
    models = Models(premise.rows)
    named = {(name, f"{version:#x}") for name, version in models.versions.items()}
    started = {
        (function, *(hex(one) if one is not None else "?" for one in _sorted(some)))
        for function, some in models.defaults.items()
    }
    return named | started


def _sorted(some: Iterable[int | None]) -> list[int | None]:
    return sorted(some, key=lambda one: -1 if one is None else one)
