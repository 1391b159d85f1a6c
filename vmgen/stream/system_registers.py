"""The lists of system registers in the CPU sections of an Arm stream.

A stream lists them by KVM's numbers, ascending, and ``cpu_post_load``
(``target/arm/machine.c``) refuses one that the CPU does not have.  Which those are a
machine's own stream says, or the processors of a release (:mod:`vmgen.known.processors`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from vmgen.known.register_lists import INDEXES, VALUES
from vmgen.stream import described
from vmgen.stream.described import Slot
from vmgen.stream.errors import StreamError
from vmgen.stream.parts import Section
from vmgen.stream.stream import Stream


class RegisterList(NamedTuple):
    """The registers of a section, and where in the stream their numbers are."""

    offset: int
    numbers: list[int]
    values: list[int]
    values_offset: int = 0

    @property
    def by_number(self) -> dict[int, int | None]:
        """The registers' values by their numbers."""
        return dict(zip_longest(self.numbers, self.values[: len(self.numbers)]))


def of_section(stream: Stream, section: Section) -> Iterator[RegisterList]:
    """The list of registers in a section, if it has one."""
    try:
        slots = stream.layout(section)
    except StreamError:
        return
    found = dict[str, tuple[list[int], int]]()
    for path, slot, at in described.leaves(slots, section.start):
        if path in (INDEXES, VALUES) and slot.size == 8:
            found[path] = _numbers(stream, slot, at), at
    if INDEXES in found:
        numbers, offset = found[INDEXES]
        yield RegisterList(offset, numbers, *found.get(VALUES, ([], 0)))


def _numbers(stream: Stream, slot: Slot, at: int) -> list[int]:
    """The numbers in a field."""
    data = stream.view[at : at + slot.total]
    return [int.from_bytes(data[n : n + 8], "big") for n in range(0, len(data), 8)]
