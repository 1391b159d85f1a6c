"""Virtual memory of one CPU: its address spaces, and the second stage below them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vmgen.guest.errors import Unmapped
from vmgen.guest.paging.tree import (
    ALL,
    AddressSpace,
    Bytes,
    Mapped,
    SecondStage,
    mapped,
    merged,
    walked,
)

PIECES = 1 << 22
"""So many mappings, and holes in the second stage of one, are looked at."""

_STEP = 1 << 12


@dataclass(frozen=True, slots=True)
class Mmu:
    """How a CPU finds memory.

    Addresses have ``bits`` bits.  ``tagged_low`` and ``tagged_high`` say that the top byte
    of an address does not count where bit 55 is 0 or 1 (Arm's TBI).  ``memory`` is that of
    the machine; ``host`` the page tables that stand between it and the guest inside.
    ``swapped`` is the address of two pages that change places with those at 0 (s390x's
    prefix, 8 KiB); ``mask`` clears bits of physical addresses (x86's A20).
    """

    memory: Bytes
    spaces: tuple[AddressSpace, ...]
    bits: int = 64
    host: SecondStage | None = None
    tagged_low: bool = False
    tagged_high: bool = False
    swapped: int | None = None
    mask: int = (1 << 64) - 1

    def translate(self, address: int) -> tuple[int, int, int]:
        """Physical address, how many bytes follow there at least, and rights.

        Raises Unmapped.
        """
        address = self._canonical(address)
        for space in self.spaces:
            if space.first <= address <= space.last:
                break
        else:
            raise Unmapped(f"{address:#x} is no virtual address", None, "paging")
        physical, length, rights = self._first(space, address)
        length = min(length, space.last + 1 - address)
        if self.host is not None:
            physical, inner, more = self.host.translate(physical)
            length, rights = min(length, inner), rights & more
        return self._absolute(physical, length, rights)

    def _first(self, space: AddressSpace, address: int) -> tuple[int, int, int]:
        if space.fixed is not None:
            for start, leaf in space.fixed:
                size = 1 << leaf.bits
                if start <= address < start + size:
                    inside = address - start
                    return leaf.physical + inside, size - inside, leaf.rights
            raise Unmapped(f"nothing is mapped at {address:#x}", None, "paging")
        if space.tree is None:
            physical = address - space.first + space.offset
            return physical, space.last + 1 - address, space.rights
        below = self.memory if self.host is None else self.host
        return walked(below, space.tree, address)

    def _canonical(self, address: int) -> int:
        address &= (1 << self.bits) - 1
        if self.bits == 64:
            if address >> 55 & 1:
                if self.tagged_high:
                    address |= 0xFF << 56
            elif self.tagged_low:
                address &= (1 << 56) - 1
        return address

    def _absolute(
        self, physical: int, length: int, rights: int
    ) -> tuple[int, int, int]:
        if self.swapped:
            edges = (0x2000, self.swapped, self.swapped + 0x2000)
            edge = next((one for one in edges if physical < one), None)
            if edge is not None:
                length = min(length, edge - physical)
            if physical < 0x2000:
                physical += self.swapped
            elif physical & ~0x1FFF == self.swapped:
                physical -= self.swapped
        if cleared := ~self.mask & (1 << 64) - 1:
            # Up to the lowest bit that is cleared, addresses stay neighbours.
            same = cleared & -cleared
            length = min(length, same - physical % same)
            physical &= self.mask
        return physical, length, rights

    def mappings(self) -> Iterator[Mapped]:
        """Everything that is mapped, ascending, neighbours joined.

        Raises Unmapped if there is no end of them.
        """
        yield from merged(self._pieces())

    def _pieces(self) -> Iterator[tuple[int, int, int, int]]:
        left = PIECES
        for space in self.spaces:
            for virtual, physical, size, rights in self._of(space):
                done = 0
                while done < size:
                    at, length, more = physical + done, size - done, ALL
                    try:
                        if self.host is not None:
                            at, inner, more = self.host.translate(at)
                            length = min(length, inner)
                        at, length, more = self._absolute(at, length, more)
                    except Unmapped:
                        length = min(length, _STEP - (at & _STEP - 1))
                    else:
                        yield virtual + done, at, length, rights & more
                    done += length
                    left -= 1
                    if not left:
                        raise Unmapped("the mappings have no end", None, "paging")

    def _of(self, space: AddressSpace) -> Iterator[tuple[int, int, int, int]]:
        if space.tree is None and space.fixed is None:
            if self.host is None:
                size = space.last + 1 - space.first
                yield space.first, space.offset, size, space.rights
                return
            # Every address is one of the second stage, which says where to look.
            inside = AddressSpace(0, space.last - space.first, self.host.tree)
            for physical, leaf in mapped(self.memory, inside):
                yield physical + space.first, physical, 1 << leaf.bits, space.rights
            return
        below = self.memory if self.host is None else self.host
        for virtual, leaf in mapped(below, space):
            if space.first <= virtual <= space.last:
                yield virtual, leaf.physical, 1 << leaf.bits, leaf.rights
