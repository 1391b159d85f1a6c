"""Which processor the CPU of a PowerPC stream is: ``cpu_post_load``
(``target/ppc/machine.c``) refuses a processor other than the machine's (``pvr_match``).
"""

from __future__ import annotations

from typing import NamedTuple

from vmgen.stream import described
from vmgen.stream.errors import StreamError
from vmgen.stream.parts import Section
from vmgen.stream.stream import Stream

REGISTERS, VERSION = "env.spr", 287
"""The special registers, and the number of the processor version's (``SPR_PVR``)."""

COMPATIBLE = "compat_pvr"
"""A CPU that shows itself as an older one, which is what counts then."""

FAMILY = 0xFFFF_0000
"""The bits that processors of one family have alike: which others a class accepts is up
to it (``CPU_POWERPC_POWER_SERVER_MASK`` in ``target/ppc/cpu-models.h``)."""


class Processor(NamedTuple):
    """The processor version of a CPU and the place of its register."""

    version: int
    offset: int


def of_section(stream: Stream, section: Section) -> Processor | None:
    """The processor of a CPU's section; None where nothing shows it or counts on it."""
    found = None
    try:
        for path, slot, at in described.leaves(stream.layout(section), section.start):
            if COMPATIBLE in path:
                return None
            if path == REGISTERS and slot.count is not None and slot.count > VERSION:
                place = at + VERSION * slot.size
                word = bytes(stream.view[place : place + slot.size])
                found = Processor(int.from_bytes(word, "big"), place)
    except StreamError:
        return None
    return found
