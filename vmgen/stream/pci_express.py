"""What a PCI Express device has in its configuration space that QEMU never lets a guest
write: ``get_pci_config_device`` (``hw/pci/pci.c``) compares it with the device's own.
"""

from __future__ import annotations

from collections.abc import Iterator

from vmgen.known import MachineFacts
from vmgen.known.error_mask import has_mask
from vmgen.stream import described, tables
from vmgen.stream.codecs import Codecs
from vmgen.stream.errors import StreamError
from vmgen.stream.objections import Objection
from vmgen.stream.parts import Section
from vmgen.stream.stream import Stream

WHOLE, EXTENDED = 4096, 0x100
"""Bytes of the space of such a device, and where its own capabilities begin."""

ADVANCED_ERRORS, ERROR_MASK = 1, 8
"""The number of the capability for advanced errors, and where in it the mask of errors
that are not correctable is (``PCI_ERR_UNCOR_MASK``)."""


def error_mask(
    stream: Stream, section: Section, codecs: Codecs, machine: str
) -> Objection | None:
    """A mask of errors where a machine of this type keeps none."""
    known = tables.of(codecs)
    if known is None:
        return None
    place = _mask(stream, section)
    facts = MachineFacts(known.lookup.program)
    if place is None or has_mask(facts, machine) is not False:
        return None
    path, at, value = place
    message = (
        f"the error mask is {value:#x}, and the device has 0, which no guest writes"
    )
    return Objection("machine", section.path, path, at, message)


def reports_errors(stream: Stream, section: Section) -> bool:
    """Whether the device's space has the capability for advanced errors; False where the
    description does not show the space."""
    return next(_masks(stream, section), None) is not None


def _mask(stream: Stream, section: Section) -> tuple[str, int, int] | None:
    """The field, place and value of a section's mask; None for 0, and without one."""
    return next((one for one in _masks(stream, section) if one[2]), None)


def _masks(stream: Stream, section: Section) -> Iterator[tuple[str, int, int]]:
    """The field, place and value of every mask in a section."""
    try:
        slots = stream.layout(section)
    except StreamError:
        return
    for path, slot, at in described.leaves(slots, section.start):
        if slot.type == "pci config" and slot.size == WHOLE:
            space = bytes(stream.view[at : at + WHOLE])
            for offset in _capabilities(space, ADVANCED_ERRORS):
                word = space[offset + ERROR_MASK : offset + ERROR_MASK + 4]
                value = int.from_bytes(word, "little")
                yield path, at + offset + ERROR_MASK, value


def _capabilities(space: bytes, wanted: int) -> Iterator[int]:
    """Where capabilities of this number begin behind the first 256 bytes."""
    offset, seen = EXTENDED, set[int]()
    while EXTENDED <= offset <= WHOLE - 4 and offset not in seen:
        seen.add(offset)
        header = int.from_bytes(space[offset : offset + 4], "little")
        if header & 0xFFFF == wanted:
            yield offset
        offset = header >> 20 & 0xFFC
