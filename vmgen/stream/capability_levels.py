"""The levels of a ``pseries`` machine's capabilities, which may not be above those of the
machine that loads the stream.

``spapr_caps_post_migration`` (``hw/ppc/spapr_caps.c``) compares them.  A stream has those
that an option set to something else than the machine type has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from vmgen import ir
from vmgen.stream import described
from vmgen.stream.errors import StreamError
from vmgen.stream.parts import Section
from vmgen.stream.stream import Stream

_SECTION = "spapr"
_LEVEL = re.compile(r"(?:.*\.)?(mig\.caps\[(\w+)\])")
_DEFAULT = re.compile(r"default_caps\.caps\[(\d+)\]")
"""The member of the machine's class with a level (``SpaprMachineClass``)."""


class HigherLevel(NamedTuple):
    """A level that is, or may be, above the machine's own."""

    member: str
    offset: int
    message: str
    certain: bool


class _Level(NamedTuple):
    value: int
    member: str
    offset: int


def higher(
    stream: Stream,
    section: Section,
    own: Stream,
    mine: Section,
    machine: ir.Machine | None,
) -> Iterator[HigherLevel]:
    """The levels in a section for which a machine that saved ``own`` refuses the stream.

    ``machine`` is the machine type of the release that loads it, None where the release
    has none of the name.
    """
    if section.name != _SECTION:
        return
    theirs, ours = _levels(stream, section), _levels(own, mine)
    defaults = _defaults(machine)
    for number, level in theirs.items():
        known = ours[number].value if number in ours else defaults.get(number)
        about = f"capability level {level.value}"
        if known is None:
            message = f"{about}: what the machine has is not known"
            yield HigherLevel(level.member, level.offset, message, False)
        elif level.value > known:
            message = f"{about}, and the machine has {known}, which is lower"
            yield HigherLevel(level.member, level.offset, message, True)
    for number, level in ours.items():
        # The source's is that of its machine type, or a lower one that its CPU has.
        if number not in theirs and defaults.get(number, level.value + 1) > level.value:
            message = f"capability level of the machine type, and the machine has {level.value}"
            yield HigherLevel(level.member, section.start, message, False)


def _levels(stream: Stream, section: Section) -> dict[int, _Level]:
    """The levels that a section has, by the number of the capability."""
    found = {}
    try:
        for path, slot, at in described.leaves(stream.layout(section), section.start):
            if (match := _LEVEL.fullmatch(path)) is not None and slot.size == 1:
                number = _number(match[2])
                if number is not None:
                    found[number] = _Level(stream.view[at], match[1], at)
    except StreamError:
        return {}  # which QEMU does not read
    return found


def _number(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None


def _defaults(machine: ir.Machine | None) -> Mapping[int, int]:
    if machine is None:
        return {}
    return {
        int(found[1]): one.value
        for one in machine.members
        if (found := _DEFAULT.fullmatch(one.place.path)) is not None
    }
