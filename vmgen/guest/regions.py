"""Guest-physical memory: which bytes of which RAM block are at which address."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from vmgen.guest.errors import BadMap

RegionKind = Literal["ram", "rom", "romd"]
"""As ``info mtree -f`` has it: ``rom`` is RAM that the guest cannot write, ``romd`` flash
that is read like memory."""

TOP = 1 << 64


@dataclass(frozen=True, slots=True)
class Region:
    """``size`` bytes at guest-physical ``start`` are those of ``block`` from ``offset``."""

    start: int
    size: int
    block: str
    offset: int = 0
    kind: RegionKind = "ram"

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.start + self.size

    def cut(self, start: int, end: int) -> Region:
        """The part between two addresses inside of it."""
        return replace(
            self, start=start, size=end - start, offset=self.offset + start - self.start
        )


def overlaid(regions: Iterable[Region]) -> tuple[Region, ...]:
    """Regions without overlap, ascending; of two at one address the later one counts."""
    made: list[Region] = []
    for new in regions:
        if new.size <= 0:
            continue
        kept = []
        for old in made:
            if old.end <= new.start or new.end <= old.start:
                kept.append(old)
                continue
            if old.start < new.start:
                kept.append(old.cut(old.start, new.start))
            if new.end < old.end:
                kept.append(old.cut(new.end, old.end))
        made = [*kept, new]
    return tuple(sorted(made, key=lambda one: one.start))


def joined(regions: Iterable[Region], kinds: bool = False) -> tuple[Region, ...]:
    """Neighbours that continue each other in one block made one.

    As ``guest_phys_block_add_section`` (system/memory_mapping.c) joins them, whether the
    guest can write them or not; with ``kinds`` only those of one kind.
    """
    made: list[Region] = []
    for new in regions:
        last = made[-1] if made else None
        if (
            last is not None
            and (last.end, last.block, last.offset + last.size)
            == (new.start, new.block, new.offset)
            and (not kinds or last.kind == new.kind)
        ):
            made[-1] = replace(last, size=last.size + new.size)
        else:
            made.append(new)
    return tuple(made)


class PhysicalMap:
    """Regions, ascending and without overlap.

    ``unplaced`` are RAM blocks whose address is not known, ``hidden`` those that are
    known to be at none, both with the reason.
    """

    def __init__(
        self,
        regions: Iterable[Region],
        unplaced: dict[str, str] | None = None,
        hidden: dict[str, str] | None = None,
    ) -> None:
        self.regions = joined(overlaid(regions), kinds=True)
        self.unplaced = unplaced or {}
        self.hidden = hidden or {}
        self._starts = [region.start for region in self.regions]
        for region in self.regions:
            if region.start < 0 or region.end > TOP:
                raise BadMap(
                    f"{region.block} would end at {region.end:#x}, above 2^64",
                    None,
                    "map",
                )

    def at(self, address: int) -> Region | None:
        """The region at an address."""
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self.regions[index].end:
            return self.regions[index]
        return None
