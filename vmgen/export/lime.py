"""LiME's format (github.com/504ensicsLabs/LiME, ``lime.h``): a header and the bytes of
each region of memory, ascending."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from vmgen.export.formats import ExportOptions, unplaced
from vmgen.export.sparse import SparseFile
from vmgen.guest import Guest

MAGIC, VERSION = 0x4C694D45, 1
HEADER = struct.Struct("<IIQQ8x")
"""Magic, version, first and last address, 8 bytes that nothing uses."""


def losses(guest: Guest, options: ExportOptions) -> Iterator[str]:
    """Of memory: blocks without an address."""
    yield from unplaced(guest)


def write(guest: Guest, out: BinaryIO, options: ExportOptions) -> None:
    """Write every region with its header."""
    file = SparseFile(out)
    for region in guest.regions:
        file.write(HEADER.pack(MAGIC, VERSION, region.start, region.end - 1))
        start = file.position
        for address, data in guest.memory.contents(region):
            file.skip_to(start + address - region.start)
            file.write(data)
        file.end_at(start + region.size)
