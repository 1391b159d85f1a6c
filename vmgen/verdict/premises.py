"""What a refusal depends on besides the stream: C tables of both trees, compared.

A ``post_load`` of the same C on both sides accepts or rejects by what the rest of each
tree makes: the list of an Arm CPU's system registers, the model that a CPU's name stands
for.  The IR carries these tables (:class:`ir.Premise`).
"""

from __future__ import annotations

from collections.abc import Iterator

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
    """The rows of a premise; in the one on processor versions those of names and defaults
    whose version is known have it instead of another name: a model may have another name
    in the other release, and mean the same version."""
    if premise.name != MODELS:
        return set(premise.rows)
    models = Models(premise.rows)
    started = {
        function: tuple(f"{one:#x}" for one in sorted(filter(None, some)))
        for function, some in models.defaults.items()
        if None not in some
    }
    return {
        (
            (row[0], f"{models.versions[row[0]]:#x}")
            if row[0] in models.versions
            else (row[0], *started.get(row[0], row[1:]))
        )
        for row in premise.rows
    }
