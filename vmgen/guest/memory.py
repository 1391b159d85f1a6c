"""Guest-physical memory by address, out of the stream, page by page."""

from __future__ import annotations

from collections.abc import Iterator

from vmgen.guest.errors import Unmapped
from vmgen.guest.regions import PhysicalMap, Region
from vmgen.stream.memory import Memory
from vmgen.stream.wire import printable

LONGEST = 1 << 30
"""So many bytes are read at once at most."""


class GuestMemory:
    """What a guest has at its physical addresses.

    Only the index of pages is kept (:class:`vmgen.stream.memory.Memory`); pages
    that are not in the stream are zeros, as QEMU has them.
    """

    def __init__(self, memory: Memory, places: PhysicalMap) -> None:
        self._memory = memory
        self.map = places

    def __repr__(self) -> str:
        regions = self.regions
        shown = ", ".join(
            f"{one.start:#x}-{one.end - 1:#x} {printable(one.block)}"
            for one in regions[:4]
        )
        more = f" and {len(regions) - 4} more" if len(regions) > 4 else ""
        return f"<guest memory: {shown}{more}>"

    @property
    def regions(self) -> tuple[Region, ...]:
        """Where memory is, ascending, neighbours of one kind and block joined."""
        return self.map.regions

    @property
    def page_size(self) -> int:
        """The page size of the stream's RAM section, in bytes."""
        return self._memory.page_size

    def read(self, address: int, size: int) -> bytes:
        """``size`` bytes at a guest-physical address.

        Raises Unmapped if there is no memory at one of them.
        """
        if size > LONGEST:
            raise Unmapped(f"no {size} bytes are read at once", None, "memory")
        parts = []
        end = address + size
        while address < end:
            region = self.map.at(address)
            if region is None:
                raise Unmapped(f"no memory at physical {address:#x}", None, "memory")
            stop = min(end, region.end)
            inside = region.offset + address - region.start
            parts.append(self._memory.read(region.block, inside, stop - address))
            address = stop
        return b"".join(parts)

    def contents(self, region: Region) -> Iterator[tuple[int, memoryview]]:
        """What is not zero in a region, ascending, in pieces of a page at most: the
        guest-physical address and the bytes."""
        size = self._memory.page_size
        first, last = region.offset, region.offset + region.size
        for inside, page in self._memory.contents(region.block, first, last):
            low, high = max(inside, first), min(inside + size, last)
            yield (
                region.start + low - region.offset,
                page[low - inside : high - inside],
            )
