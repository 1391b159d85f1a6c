"""Page tables of every format with entries drawn by chance, as a guest could have them.

Each maker fills an image of physical memory and says which registers make the CPU use it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

AREA = 16 << 20
"""Bytes of RAM that an image fills; tables are in the first MiB but one."""

TABLES_AT = 1 << 20


@dataclass
class Image:
    """Physical memory from ``base`` on, and how far it is taken."""

    base: int
    data: bytearray
    random: random.Random
    taken: int = TABLES_AT

    @classmethod
    def of(cls, base: int, seed: int) -> Image:
        chance = random.Random(seed)
        return cls(base, bytearray(chance.randbytes(AREA)), chance)

    def table(self, size: int, align: int | None = None) -> int:
        """The address of an empty table."""
        align = align or size
        self.taken = -(-self.taken // align) * align
        at = self.taken
        self.taken += size
        assert self.taken < 8 << 20
        self.data[at : at + size] = bytes(size)
        return self.base + at

    def put(self, at: int, value: int, width: int, order: str = "little") -> None:
        start = at - self.base
        self.data[start : start + width] = value.to_bytes(width, order)  # type: ignore[arg-type]

    def page(self, size: int = 4096) -> int:
        """The address of some page above the tables (of the area, if it is that big)."""
        if size > AREA // 2:
            return self.base // size * size
        first = -(-(self.base + (8 << 20)) // size)
        return self.random.randrange(first, (self.base + AREA) // size) * size


Leaf = Callable[[Image, int], "int | None"]
"""An entry for a page of so many bits, None where the level has no pages."""


def radix(
    image: Image, bits: list[int], page_bits: int, leaf: Leaf,
    link: Callable[[int, int], int], *, width: int = 8, order: str = "little",
    root_align: int | None = None, many: int = 6,
) -> int:  # fmt: skip
    """A tree of the levels' index bits, from the root down; gives the root's address.

    Every table has up to ``many`` entries, among them the first and the last.
    """
    size = width << bits[0]
    at = image.table(size, root_align or size)
    shift = page_bits + sum(bits[1:])
    count = 1 << bits[0]
    some = {0, count - 1, *(image.random.randrange(count) for _ in range(many - 2))}
    for index in sorted(some):
        made = leaf(image, shift)
        if len(bits) > 1 and (made is None or image.random.random() < 0.7):
            below = radix(
                image, bits[1:], page_bits, leaf, link, width=width, order=order,
                many=2 if len(bits) > 3 else 4,
            )  # fmt: skip
            made = link(below, bits[1])
        if made is not None and image.random.random() < 0.95:
            image.put(at + index * width, made, width, order)
    return at


def x86(image: Image, levels: int) -> int:
    """CR3 for 2 (short entries), 3 (PAE), 4 or 5 levels."""
    chance = image.random

    def flags() -> int:
        return 1 | chance.choice((0, 2, 4, 6)) | 0x60

    def leaf(image: Image, shift: int) -> int | None:
        if shift == 12:
            return image.page() | flags()
        if shift in ((22,) if levels == 2 else (21, 30)) and not (
            levels == 3 and shift == 30
        ):
            return image.page(1 << shift) | flags() | 0x80
        return None

    bits = {2: [10, 10], 3: [2, 9, 9], 4: [9] * 4, 5: [9] * 5}[levels]

    def link(at: int, below: int) -> int:
        return at | 7

    width = 4 if levels == 2 else 8
    if levels != 3:
        return radix(image, bits, 12, leaf, link, width=width)
    root = image.table(32)
    for index in range(4):
        below = radix(image, bits[1:], 12, leaf, link)
        if index != 2:
            image.put(root + 8 * index, below | 1, 8)
    return root


def aarch64(image: Image, granule: int, size: int, *, second: bool = False) -> int:
    """A table for addresses of ``size`` bits with a granule of so many bits."""
    stride = granule - 3
    levels = -(-(size - granule) // stride)
    bits = [size - granule - stride * (levels - 1)] + [stride] * (levels - 1)
    if second:  # from level 1 on, with tables side by side
        bits = [size - granule - 2 * stride, stride, stride]
    chance = image.random

    def leaf(image: Image, shift: int) -> int | None:
        low = 0x400 | (0x300 if chance.random() < 0.5 else 0)
        low |= 0xFC if second else chance.choice((0, 0x40, 0x80, 0xC0))
        if shift == granule:
            return image.page(1 << granule) | low | 3
        if shift in ({12: (21, 30), 14: (25,), 16: (29,)}[granule]):
            return image.page(1 << shift) | low | 1
        return None

    return radix(
        image, bits, granule, leaf, lambda at, below: at | 3,
        root_align=max(64, 8 << bits[0]),
    )  # fmt: skip


def short(image: Image, split: int = 0) -> int:
    """The first level of Arm's short descriptors, with sections and supersections."""
    chance = image.random
    root = image.table(0x4000 >> split, 0x4000)
    for index in {
        0,
        (4096 >> split) - 16,
        *(chance.randrange(256 >> split) * 16 for _ in range(12)),
    }:
        at = root + 4 * index
        kind = chance.choice(("table", "table", "section", "super"))
        if kind == "section":
            image.put(at, image.page(1 << 20) | 0xC02, 4)
        elif kind == "super":
            for each in range(16):
                image.put(at + 4 * each, image.base // (1 << 24) << 24 | 0x40C02, 4)
        else:
            below = image.table(1024)
            image.put(at, below | 1, 4)
            for entry in {0, 240, *(chance.randrange(16) * 16 for _ in range(4))}:
                if chance.random() < 0.5:
                    image.put(below + 4 * entry, image.page() | 0x32, 4)
                else:
                    large = image.page(1 << 16) | 0x31
                    for each in range(16):
                        image.put(below + 4 * (entry + each), large, 4)
    return root


def riscv(image: Image, bits: int, *, user: bool = False, second: bool = False) -> int:
    """A root for Sv32, Sv39, Sv48 or Sv57; that of a second stage is 4 times as long."""
    index, width = (10, 4) if bits == 32 else (9, 8)
    levels = (bits - 12) // index
    chance = image.random

    def leaf(image: Image, shift: int) -> int | None:
        rights = chance.choice((0xD3, 0xD7, 0xDB, 0xDF)) & ~0x10
        if user or second:
            rights |= 0x10
        page = image.page(1 << shift) if shift < 40 else 0
        if shift >= 40:
            return None
        return page >> 2 | rights

    sizes = [index] * levels
    if second:
        sizes[0] += 2
    return radix(
        image, sizes, 12, leaf, lambda at, below: at >> 2 | 1, width=width,
        many=12 if second else 6,
    )  # fmt: skip


def s390x(image: Image, kind: int) -> int:
    """An ASCE whose first table is a segment table (0), or a region table (1 to 3)."""
    chance = image.random

    def table(level: int) -> int:
        """The address of a table of 2048 entries, or of 256 pages (level -1)."""
        if level < 0:
            at = image.table(2048)
            for index in {0, 255, *(chance.randrange(256) for _ in range(16))}:
                image.put(
                    at + 8 * index, image.page() | chance.choice((0, 0x200)), 8, "big"
                )
            for index in range(256):
                if not any(image.data[at + 8 * index - image.base :][:8]):
                    image.put(at + 8 * index, 0x400, 8, "big")
            return at
        at = image.table(16384, 4096)
        for index in range(2048):
            image.put(at + 8 * index, 0x20 | level << 2, 8, "big")
        for index in {0, 2047, *(chance.randrange(2048) for _ in range(2))}:
            if level == 0:
                made = (
                    image.page(1 << 20) | 1024 if chance.random() < 0.3 else table(-1)
                )
            else:
                made = table(level - 1) | level << 2 | 3
            image.put(at + 8 * index, made, 8, "big")
        return at

    return table(kind) | kind << 2 | 3
