"""What an Arm CPU's system register is called, of which somebody has KVM's number."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from vmgen.stream.registers.numbers import numbered
from vmgen.stream.registers.system import keys
from vmgen.stream.registers.table import table

_TARGETS = ("aarch64", "arm")
"""The tables with system registers; a CPU that has both states sends those of both."""


def names(key: int) -> tuple[str, ...]:
    """The names that ``vmgen stream show`` takes for a register: that of a table, where one
    has it, and its numbers as assemblers write them."""
    found = _named().get(key)
    by_number = numbered(key)[0]
    return (by_number,) if found is None else (found, by_number)


@cache
def _named() -> Mapping[int, str]:
    made: dict[int, str] = {}
    for target in _TARGETS:
        known = table(target)
        for entry in known.entries.values() if known is not None else ():
            for key in keys(entry):
                made.setdefault(key, entry.name)
    return made
