"""Which processor the CPU of a PowerPC stream is: ``cpu_post_load``
(``target/ppc/machine.c``) refuses a processor other than the machine's (``pvr_match``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from vmgen.known.processor_models import Models, models_of
from vmgen.stream import described, tables
from vmgen.stream.codecs import Codecs
from vmgen.stream.errors import StreamError
from vmgen.stream.objections import Objection
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


AlikeModels: TypeAlias = Callable[[int, Models], bool]
"""Whether a guest of a processor version has it in a release with these models, too, if it
is started there with the options that it had where its stream was saved."""


def unsure(
    stream: Stream, section: Section, codecs: Codecs, alike: AlikeModels
) -> Objection | None:
    """A processor that a machine which is started with the same options may not have."""
    known = tables.of(codecs) if section.name == "cpu" else None
    if known is None:
        return None
    models = models_of(known.lookup.program.premises)
    found = None if models is None else of_section(stream, section)
    if models is None or found is None or alike(found.version, models):
        return None
    message = (
        f"processor version {found.version:#x}: with the options that it had, a machine of"
        " this release may have a different one, and QEMU compares them"
    )
    hint = "give a stream that the machine saved with --like"
    return Objection("machine", section.path, REGISTERS, found.offset, message, hint)
