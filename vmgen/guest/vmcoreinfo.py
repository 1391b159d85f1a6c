"""The note in which a Linux kernel describes itself to tools that read its memory."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from vmgen.guest.errors import Unmapped, Unsupported
from vmgen.guest.memory import GuestMemory
from vmgen.guest.pci import Sections

NAME = b"VMCOREINFO\0"
LONGEST = 1 << 20
_HEADER = 12
_TEXT = _HEADER + -(-len(NAME) // 4) * 4
_START = b"OSRELEASE="
_ELF_FORMAT = 1


@dataclass(frozen=True, slots=True)
class VmcoreInfo:
    """The text of the note, where the note is in guest-physical memory, and its bytes:
    an ELF note, header and name before the text."""

    address: int
    note: bytes

    @property
    def text(self) -> str:
        """Lines of ``KEY=VALUE``, ``SYMBOL(...)=...`` and the like."""
        whole = self.note[self.text_at : self.text_at + self.text_size]
        return whole.decode("utf-8", "replace")

    @property
    def text_at(self) -> int:
        """Where the text begins in the note."""
        return _TEXT

    @property
    def text_size(self) -> int:
        """The bytes of the text."""
        return int.from_bytes(self.note[4:8], self.byte_order)

    @property
    def byte_order(self) -> Literal["little", "big"]:
        """The byte order of the note's header: ``little`` or ``big``."""
        return "little" if self.note[0] else "big"


def at(memory: GuestMemory, address: int) -> VmcoreInfo | None:
    """The note at a guest-physical address, None if there is none."""
    try:
        header = memory.read(address, _HEADER + len(NAME))
    except Unmapped:
        return None
    for order in "<", ">":
        name_size, size, kind = struct.unpack(f"{order}III", header[:_HEADER])
        if name_size == len(NAME) and kind == 0 and 0 < size <= LONGEST:
            break
    else:
        return None
    if header[_HEADER:] != NAME:
        return None
    try:
        note = memory.read(address, _TEXT + -(-size // 4) * 4)
    except Unmapped:
        return None
    return VmcoreInfo(address, note) if note[_TEXT:].startswith(_START) else None


def find(memory: GuestMemory, sections: Sections) -> VmcoreInfo | None:
    """The note that the guest told its vmcoreinfo device, else the one in RAM.

    Raises Unsupported if RAM has several that differ: a kernel that was started before
    may have left one.
    """
    device = sections("vmcoreinfo")
    if device is not None:
        # hw/misc/vmcoreinfo.c: what the guest wrote to fw_cfg's etc/vmcoreinfo
        address = device.optional("vmcoreinfo.paddr")
        form = device.optional("vmcoreinfo.guest_format", bits=16)
        if address and form == _ELF_FORMAT:
            told = at(memory, address)
            if told is not None:
                return told
    found: dict[bytes, VmcoreInfo] = {}
    for region in memory.regions:
        if region.kind != "ram":
            continue
        tail = b""
        end = region.start
        for start, piece in memory.contents(region):
            data = piece.tobytes()
            joined = tail + data if start == end else data
            base = start + len(data) - len(joined)
            place = joined.find(NAME)
            while place >= 0:
                if place >= _HEADER:
                    info = at(memory, base + place - _HEADER)
                    if info is not None:
                        found.setdefault(info.note, info)
                place = joined.find(NAME, place + 1)
            tail, end = data[-_HEADER - len(NAME) :], start + len(data)
    if len(found) > 1:
        places = ", ".join(f"{one.address:#x}" for one in found.values())
        raise Unsupported(
            f"RAM has several VMCOREINFO notes that differ, at {places}", None, "memory",
            "choose one by its address: --vmcoreinfo ADDRESS",
        )  # fmt: skip
    return next(iter(found.values()), None)
