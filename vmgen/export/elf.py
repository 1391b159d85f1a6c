"""An ELF core, byte for byte the one that ``dump-guest-memory`` writes (dump/dump.c).

Header, two section headers, PT_NOTE, PT_LOADs, notes, memory, section names, in this
order; ``e_ehsize`` is 8, as QEMU has it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from vmgen.export.core import chosen_vmcoreinfo, core_losses, ram_regions
from vmgen.export.formats import ExportOptions
from vmgen.export.notes import CoreKind, core_kind, cpu_notes
from vmgen.export.sparse import SparseFile
from vmgen.guest import Guest, Region, Unmapped

_NAMES = b"\0.shstrtab\0"
_LOAD, _NOTE = 1, 4
_MANY = 0xFFFF
_SEGMENTS = 1 << 20


@dataclass(frozen=True, slots=True)
class Segment:
    """A PT_LOAD: ``size`` bytes of physical memory at a virtual address."""

    virtual: int
    physical: int
    size: int


def losses(guest: Guest, options: ExportOptions) -> Iterator[str]:
    """Of CPUs and memory: what no core has."""
    yield from core_losses(guest)


def write(guest: Guest, out: BinaryIO, options: ExportOptions) -> None:
    """Write the core."""
    blocks = ram_regions(guest)
    kind = core_kind(guest, max((one.end for one in blocks), default=0))
    notes = b"".join(cpu_notes(guest, kind))
    info = chosen_vmcoreinfo(guest, options)
    if info is not None:
        notes += info.note
    segments = _virtual(guest, blocks) if options.virtual else []
    covered = {(one.physical, one.size) for one in segments}
    segments += [
        Segment(one.start, one.start, one.size)
        for one in blocks
        if (one.start, one.size) not in covered
    ]
    header = _header(kind, blocks, segments, len(notes))
    file = SparseFile(out)
    file.write(header + notes)
    position = file.position
    for region in blocks:
        for address, data in guest.memory.contents(region):
            file.skip_to(position + address - region.start)
            file.write(data)
        position += region.size
    file.skip_to(position)
    file.write(_NAMES)


def _virtual(guest: Guest, blocks: tuple[Region, ...]) -> list[Segment]:
    """Segments for what the CPUs have mapped, every mapping once."""
    found: dict[Segment, None] = {}
    for cpu in guest.cpus:
        for one in cpu.mappings():
            for region in blocks:
                start = max(one.physical, region.start)
                end = min(one.physical + one.size, region.end)
                if start < end:
                    virtual = one.virtual + start - one.physical
                    found[Segment(virtual, start, end - start)] = None
            if len(found) > _SEGMENTS:
                raise Unmapped(
                    "there are more mappings than a core can have", None, "paging"
                )
    return sorted(found, key=lambda one: (one.virtual, one.physical, one.size))


def _header(
    kind: CoreKind, blocks: tuple[Region, ...], segments: list[Segment], notes: int
) -> bytes:
    """Everything before the notes."""
    order, long = kind.order, kind.bits == 64
    word = "Q" if long else "I"
    sizes = (64, 64, 56) if long else (52, 40, 32)
    count = len(segments) + 1
    section_at = sizes[0]
    program_at = section_at + 2 * sizes[1]
    notes_at = program_at + count * sizes[2]
    memory_at = notes_at + notes
    names_at = memory_at + sum(one.size for one in blocks)
    ident = (
        b"\x7fELF" + bytes([2 if long else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    )
    made = ident + struct.pack(
        f"{order}HHI3{word}I6H",
        4, kind.machine, 1, 0, program_at, section_at, 0,
        8, sizes[2], min(count, _MANY), sizes[1], 2, 1,
    )  # fmt: skip
    # QEMU leaves the section headers in the byte order of the host, which is little here.
    many = count if count >= _MANY else 0
    made += struct.pack(f"<II4{word}II2{word}", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)[
        : sizes[1]
    ]
    if many:
        at = sizes[0] + (44 if long else 28)
        made = made[:at] + struct.pack(f"{order}I", many) + made[at + 4 :]
    made += struct.pack(
        f"<II4{word}II2{word}", 1, 3, 0, 0, names_at, len(_NAMES), 0, 0, 0, 0
    )
    made += _program(order, long, _NOTE, notes_at, 0, 0, notes, notes)
    for one in segments:
        at = memory_at
        for region in blocks:
            if region.start <= one.physical < region.end:
                at += one.physical - region.start
                break
            at += region.size
        made += _program(
            order, long, _LOAD, at, one.virtual or one.physical, one.physical, one.size,
            one.size,
        )  # fmt: skip
    return made


def _program(
    order: str, long: bool, kind: int, offset: int, virtual: int, physical: int,
    size: int, memory: int,
) -> bytes:  # fmt: skip
    if long:
        return struct.pack(
            f"{order}IIQQQQQQ", kind, 0, offset, virtual, physical, size, memory, 0
        )
    return struct.pack(
        f"{order}IIIIIIII", kind, offset, virtual, physical, size, memory, 0, 0
    )
