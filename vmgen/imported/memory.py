"""Physical memory of a core or an image as blocks of RAM."""

from __future__ import annotations

import errno
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from vmgen.guest import Guest, Region
from vmgen.imported.core import CoreRun
from vmgen.imported.errors import BadCore
from vmgen.stream.memory import Memory

_PIECE = 1 << 20


class PhysicalMemory(Protocol):
    """What has memory by physical address: runs, ascending, and their bytes."""

    @property
    def runs(self) -> tuple[CoreRun, ...]:
        """Where there is memory."""
        ...

    def read(self, address: int, size: int) -> memoryview:
        """Bytes at a physical address, inside of one run."""
        ...

    def extents(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The parts of a run that may be other than zeros."""
        ...


class RawImage:
    """An image of all of physical memory: byte N is that of address N.

    ``file`` is the descriptor that ``data`` is mapped from, whose holes are not read where
    they do not matter.
    """

    def __init__(self, data: memoryview, file: int | None = None) -> None:
        self._data = data
        self._file = file
        self.runs = (CoreRun(0, len(data), 0),)

    def extents(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The parts between two addresses that the file has data for: a hole is zeros.

        All of it where the file system does not tell holes.  Raises OSError if the file
        cannot be read.
        """
        while first < last and self._file is not None:
            try:
                first = os.lseek(self._file, first, os.SEEK_DATA)
                end = os.lseek(self._file, first, os.SEEK_HOLE)
            except OSError as error:
                if error.errno == errno.ENXIO:  # only a hole comes
                    return
                if error.errno != errno.EINVAL:
                    raise
                break
            if first < last:
                yield first, min(end, last)
            first = end
        if first < last:
            yield first, last

    def read(self, address: int, size: int) -> memoryview:
        """Bytes at a physical address."""
        return self._data[address : address + size]


@dataclass(frozen=True, slots=True)
class BlockPart:
    """``size`` bytes of a block from ``offset`` are those at physical ``start``."""

    offset: int
    size: int
    start: int


class BlockImage:
    """The bytes of a block as they are to be: those of the source where it has some,
    elsewhere those of the template."""

    def __init__(
        self,
        name: str,
        memory: Memory,
        source: PhysicalMemory,
        parts: Sequence[BlockPart],
    ) -> None:
        self._name = name
        self._memory = memory
        self._source = source
        self._parts = parts

    def __len__(self) -> int:
        return self._memory.block(self._name).used_length

    def __getitem__(self, where: slice) -> bytes:
        start, end, _ = where.indices(len(self))
        made = bytearray()
        for part in self._parts:
            first, last = max(start, part.offset), min(end, part.offset + part.size)
            if first < last:
                at = start + len(made)
                made += self._memory.read(self._name, at, first - at)
                address = part.start + first - part.offset
                made += self._source.read(address, last - first)
        at = start + len(made)
        return bytes(made) + self._memory.read(self._name, at, end - at)


@dataclass(frozen=True, slots=True)
class PlacedMemory:
    """``blocks`` are the images by name; ``kept`` the regions of the template, or parts of
    them, that the source has nothing of."""

    blocks: dict[str, BlockImage]
    kept: tuple[Region, ...]


def placed(guest: Guest, source: PhysicalMemory, flash: bool) -> PlacedMemory:
    """Where a source's memory is in the template's blocks; with ``flash`` that of flash,
    too, which no core has.

    Raises BadCore for memory where the template has none, and where a block that is seen
    at two addresses has other bytes at each.
    """
    regions = [one for one in guest.regions if flash or one.kind != "romd"]
    parts: dict[str, list[BlockPart]] = defaultdict(list)
    kept = [one for one in guest.regions if one not in regions]
    for region in regions:
        at = region.start
        for run in source.runs:
            first, last = max(at, run.start), min(region.end, run.end)
            if first < last:
                if at < first:
                    kept.append(region.cut(at, first))
                inside = region.offset + first - region.start
                parts[region.block].append(BlockPart(inside, last - first, first))
                at = last
        if at < region.end:
            kept.append(region.cut(at, region.end))
    for first, last in _outside(source.runs, regions):
        _check_empty(source, first, last)
    ram = guest.ram
    blocks = {
        name: BlockImage(name, ram, source, _apart(name, source, found))
        for name, found in parts.items()
    }
    return PlacedMemory(blocks, tuple(kept))


def _outside(
    runs: Sequence[CoreRun], regions: Sequence[Region]
) -> Iterator[tuple[int, int]]:
    """The addresses of runs that are in no region."""
    for run in runs:
        at = run.start
        for region in regions:
            if region.end <= at or region.start >= run.end:
                continue
            if at < region.start:
                yield at, region.start
            at = region.end
        if at < run.end:
            yield at, run.end


def _check_empty(source: PhysicalMemory, first: int, last: int) -> None:
    """Refuse bytes other than zeros where the template has no memory: an image has zeros
    there."""
    for start, end in source.extents(first, last):
        for at in range(start, end, _PIECE):
            data = source.read(at, min(_PIECE, end - at)).tobytes()
            if data.count(0) != len(data):
                found = at + len(data) - len(data.lstrip(b"\0"))
                raise BadCore(
                    f"there are bytes for physical {found:#x}, where the template has no"
                    " memory", None, "memory",
                    "take a template of a machine with the same memory, or give its --map",
                )  # fmt: skip


def _apart(
    name: str, source: PhysicalMemory, parts: Sequence[BlockPart]
) -> tuple[BlockPart, ...]:
    """Parts of a block without overlap, ascending: firmware is seen at several addresses,
    with the same bytes."""
    made: list[BlockPart] = []
    for part in sorted(parts, key=lambda one: one.offset):
        end = made[-1].offset + made[-1].size if made else 0
        if made and part.offset < end:
            shared = min(end, part.offset + part.size) - part.offset
            other = made[-1].start + part.offset - made[-1].offset
            _check_same(name, source, part.start, other, shared)
            rest = part.size - shared
            part = BlockPart(part.offset + shared, rest, part.start + shared)
        if part.size:
            made.append(part)
    return tuple(made)


def _check_same(
    name: str, source: PhysicalMemory, one: int, other: int, size: int
) -> None:
    for at in range(0, size, _PIECE):
        length = min(_PIECE, size - at)
        if source.read(one + at, length) != source.read(other + at, length):
            raise BadCore(
                f"physical {one + at:#x} and {other + at:#x} are the same bytes of {name},"
                " and differ", None, "memory",
            )  # fmt: skip
