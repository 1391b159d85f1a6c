"""Guest-physical memory as one image: byte N is that of address N.

What is no memory is zero, a hole where the file system has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from vmgen.export.formats import ExportOptions, unplaced
from vmgen.export.sparse import SparseFile
from vmgen.guest import Guest


def losses(guest: Guest, options: ExportOptions) -> Iterator[str]:
    """Of memory: blocks without an address."""
    yield from unplaced(guest)


def write(guest: Guest, out: BinaryIO, options: ExportOptions) -> None:
    """Write the image, up to the last byte of memory."""
    file = SparseFile(out)
    for region in guest.regions:
        for address, data in guest.memory.contents(region):
            file.skip_to(address)
            file.write(data)
    file.end_at(max((region.end for region in guest.regions), default=0))
