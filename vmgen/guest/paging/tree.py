"""Page tables of any format as one radix tree, walked the same way.

A format says where its tree begins and what an entry is; it does not walk.  A walk ends
whatever the tables hold: every table takes at least one bit of the address, and how many
tables are looked at for all mappings is limited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from vmgen.guest.errors import Unmapped

ByteOrder = Literal["little", "big"]

READ, WRITE, EXECUTE, USER_READ, USER_WRITE, USER_EXECUTE = (
    1 << bit for bit in range(6)
)
KERNEL = READ | WRITE | EXECUTE
USER = USER_READ | USER_WRITE | USER_EXECUTE
ALL = KERNEL | USER

TABLES = 1 << 16
"""So many tables are looked at for all mappings of one address space."""


class Bytes(Protocol):
    """Something that has bytes at addresses."""

    def read(self, address: int, size: int) -> bytes:
        """Bytes, or Unmapped."""
        ...


@dataclass(frozen=True, slots=True)
class PageLeaf:
    """A page of ``1 << bits`` bytes at ``physical``; ``rights`` are those of this entry."""

    physical: int
    bits: int
    rights: int = ALL


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table of ``1 << bits`` entries at ``address``, of which only ``first`` to ``last``
    are there; ``rights`` are the most that anything below it can have."""

    address: int
    bits: int
    first: int = 0
    last: int | None = None
    rights: int = ALL


EntryReader = Callable[[int, int], "PageLeaf | PageTable | None"]
"""What an entry is, given its number and how many bits of the address are below it: None
if it maps nothing."""


@dataclass(frozen=True, slots=True)
class PageTree:
    """Page tables: ``root`` is indexed by the bits of the address from ``shift`` up."""

    root: PageTable
    shift: int
    entry: EntryReader
    width: int = 8
    byte_order: ByteOrder = "little"


@dataclass(frozen=True, slots=True)
class Mapped:
    """``size`` bytes at a virtual address that are at a physical one.

    ``rights`` say what the kernel and user programs may do there: ``rwx/r-x``.
    """

    virtual: int
    physical: int
    size: int
    rights: str


@dataclass(frozen=True, slots=True)
class AddressSpace:
    """Virtual addresses from ``first`` to ``last``; without a tree, and without a
    function that knows them, physical addresses are the same but for ``offset``.

    ``fixed`` are mappings that are in no table (a TLB): they are all there is.
    """

    first: int
    last: int
    tree: PageTree | None = None
    offset: int = 0
    rights: int = ALL
    fixed: tuple[tuple[int, PageLeaf], ...] | None = None


class SecondStage:
    """Guest-physical memory of a virtual machine inside: its addresses go through page
    tables of the host."""

    def __init__(self, memory: Bytes, tree: PageTree) -> None:
        self.memory = memory
        self.tree = tree

    def read(self, address: int, size: int) -> bytes:
        """Bytes at an intermediate physical address; Unmapped if there are none."""
        parts = []
        while size > 0:
            physical, length, _ = self.translate(address)
            length = min(size, length)
            parts.append(self.memory.read(physical, length))
            address, size = address + length, size - length
        return b"".join(parts)

    def translate(self, address: int) -> tuple[int, int, int]:
        """Physical address, how many bytes from there on, and rights."""
        if address >> self.tree.shift + self.tree.root.bits:
            message = f"{address:#x} is above what the second stage has"
            raise Unmapped(message, None, "paging")
        return walked(self.memory, self.tree, address)


def letters(rights: int) -> str:
    """Rights as text: the kernel's, a slash, those of user programs."""
    return "/".join(
        "".join(
            letter if rights >> shift & 1 << bit else "-"
            for bit, letter in enumerate("rwx")
        )
        for shift in (0, 3)
    )


def _entry(memory: Bytes, tree: PageTree, table: PageTable, index: int) -> int:
    at = table.address + index * tree.width
    try:
        raw = memory.read(at, tree.width)
    except Unmapped as error:
        message = f"a page table at physical {at:#x}: {error.message}"
        raise Unmapped(message, None, "paging") from None
    return int.from_bytes(raw, tree.byte_order)


def walked(memory: Bytes, tree: PageTree, address: int) -> tuple[int, int, int]:
    """Physical address, bytes to the end of its page, and rights.

    Raises Unmapped.
    """
    table, shift, rights = tree.root, tree.shift, ALL
    while True:
        index = address >> shift & (1 << table.bits) - 1
        last = (1 << table.bits) - 1 if table.last is None else table.last
        found = None
        if table.first <= index <= last:
            found = tree.entry(_entry(memory, tree, table, index), shift)
        if found is None:
            raise Unmapped(f"nothing is mapped at {address:#x}", None, "paging")
        rights &= found.rights
        if isinstance(found, PageLeaf):
            inside = address & (1 << found.bits) - 1
            length = (1 << shift) - (address & (1 << shift) - 1)
            return found.physical + inside, length, rights
        if not 0 < found.bits <= shift:
            raise Unmapped(
                f"a page table at {found.address:#x} of no level", None, "paging"
            )
        table, shift = found, shift - found.bits


@dataclass(slots=True)
class _Count:
    left: int


def mapped(
    memory: Bytes, space: AddressSpace, tables: int = TABLES
) -> Iterator[tuple[int, PageLeaf]]:
    """Virtual address and page of every entry that maps something, ascending; a page that
    several entries make comes once for each, with the size of one.

    Raises Unmapped after ``tables`` tables: what is left is not a page table of a guest.
    """
    if space.fixed is not None:
        yield from space.fixed
    elif space.tree is not None:
        tree = space.tree
        bits = tree.shift + tree.root.bits
        base = space.first >> bits << bits
        yield from _below(
            memory, tree, tree.root, tree.shift, base, ALL, _Count(tables)
        )


def _below(
    memory: Bytes, tree: PageTree, table: PageTable, shift: int, base: int, rights: int,
    count: _Count,
) -> Iterator[tuple[int, PageLeaf]]:  # fmt: skip
    count.left -= 1
    if count.left < 0:
        raise Unmapped("the page tables have no end", None, "paging")
    last = (1 << table.bits) - 1 if table.last is None else table.last
    width, step = tree.width, 4096 // tree.width
    for start in range(table.first, last + 1, step):
        stop = min(start + step, last + 1)
        try:
            data = memory.read(table.address + start * width, (stop - start) * width)
        except Unmapped:
            continue
        if not any(data):
            continue
        for index in range(start, stop):
            at = (index - start) * width
            raw = int.from_bytes(data[at : at + width], tree.byte_order)
            found = tree.entry(raw, shift) if raw else None
            if found is None:
                continue
            address = base + (index << shift)
            both = rights & found.rights
            if isinstance(found, PageLeaf):
                inside = address & (1 << found.bits) - 1
                yield address, PageLeaf(found.physical + inside, shift, both)
            elif 0 < found.bits <= shift:
                yield from _below(
                    memory, tree, found, shift - found.bits, address, both, count
                )


def merged(pieces: Iterator[tuple[int, int, int, int]]) -> Iterator[Mapped]:
    """Mappings (virtual, physical, size, rights) of which neighbours are joined."""
    last: tuple[int, int, int, int] | None = None
    for virtual, physical, size, rights in pieces:
        if last is not None and (last[0] + last[2], last[1] + last[2], last[3]) == (
            virtual,
            physical,
            rights,
        ):
            last = (last[0], last[1], last[2] + size, rights)
            continue
        if last is not None:
            yield Mapped(*last[:3], letters(last[3]))
        last = (virtual, physical, size, rights)
    if last is not None:
        yield Mapped(*last[:3], letters(last[3]))
