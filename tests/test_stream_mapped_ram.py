"""The header of a mapped-ram block and its bitmap, to the bit."""

from __future__ import annotations

import struct

import pytest

from vmgen.stream import Malformed, Truncated
from vmgen.stream.mapped_ram import MappedRam, mapped_header
from vmgen.stream.wire import Cursor

FIRST = 28
"""Where a bitmap can begin: behind the header."""


def read(
    length: int, bitmap: int, pages: int, *, page: int = 4096, version: int = 1,
    base: int = 0, end: int | None = None,
) -> tuple[MappedRam, int]:  # fmt: skip
    head = struct.pack(">IQQQ", version, page, bitmap + base, pages + base)
    data = head.ljust(pages + length if end is None else end, b"\0")
    cursor = Cursor(memoryview(data), 0)
    made = mapped_header(cursor, "ram", length, base)
    assert made.encode() == head
    return made, cursor.pos


@pytest.mark.parametrize("base", [0, 0x3000])
def test_the_cursor_goes_behind_the_pages(base: int) -> None:
    made, end = read(0x5000, FIRST, 0x1000, base=base)
    assert end == 0x6000
    assert (made.bitmap_offset, made.pages_offset, made.pages) == (FIRST, 0x1000, 5)
    assert (made.version, made.page_size, made.base) == (1, 4096, base)


@pytest.mark.parametrize("page", [256, 512, 1 << 16])
def test_pages_of_every_size(page: int) -> None:
    made, _ = read(3 * page, FIRST, 1 << 16, page=page)
    assert (made.page_size, made.pages) == (page, 3)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"version": 2}, "version 2 is above 1"),
        ({"page": 128}, "pages of 128 bytes"),
        ({"page": 1 << 17}, "pages of 131072 bytes"),
        ({"page": 4096 + 256}, "pages of 4352 bytes"),
    ],
)
def test_versions_and_page_sizes_that_cannot_be(
    more: dict[str, int], message: str
) -> None:
    with pytest.raises(Malformed, match=message):
        read(0x1000, FIRST, 0x1000, **more)
    assert read(0x1000, FIRST, 0x1000, version=0)[0].version == 0


@pytest.mark.parametrize(
    ("count", "bitmap", "pages", "base", "fits"),
    [
        (1, FIRST, 4096, 0, True),
        (1, FIRST - 1, 4096, 0, False),
        (1, FIRST, 4097, 0, False),
        (1, FIRST, 4096, 4096, True),
        (1, FIRST, 4096, 1, False),
        (1, FIRST, 4095, 1, True),
        # The bitmap has whole words of 64 pages and ends before the pages begin.
        (64, 4096 - 8, 4096, 0, True),
        (64, 4096 - 7, 4096, 0, False),
        (65, 4096 - 8, 4096, 0, False),
        (65, 4096 - 16, 4096, 0, True),
    ],
)
def test_where_bitmap_and_pages_can_be(
    count: int, bitmap: int, pages: int, base: int, fits: bool
) -> None:
    if fits:
        assert read(count * 4096, bitmap, pages, base=base)[0].pages == count
        return
    with pytest.raises(
        Malformed, match=f"bitmap at {bitmap:#x} and pages at {pages:#x}"
    ):
        read(count * 4096, bitmap, pages, base=base)


@pytest.mark.parametrize("left", [0, 1])
def test_pages_that_are_not_all_there(left: int) -> None:
    if left:
        with pytest.raises(Truncated, match="up to 0x3000 are not all there"):
            read(0x2000, FIRST, 0x1000, end=0x2FFF)
    else:
        assert read(0x2000, FIRST, 0x1000, end=0x3000)[1] == 0x3000


@pytest.mark.parametrize(
    ("bits", "pages"),
    [
        (b"\1", 1), (b"\x80", 8), (b"\xff", 5), (b"\0\0\x05", 20), (b"\x01\x02\x04", 24),
        (bytes(4095) + b"\xff\xff" + bytes(10), 8 * 4107), (bytes(9), 70),
        (bytes(4096) + b"\x81", 8 * 4097), (b"\xff" * 3, 17), (b"\x08\x10", 13),
    ],
)  # fmt: skip
def test_pages_that_are_there(bits: bytes, pages: int) -> None:
    """As counting the bits one by one has it; bits behind the last page mean nothing."""
    expected = [at for at in range(pages) if bits[at // 8] >> at % 8 & 1]
    made = MappedRam(1, 4096, 3, 1 << 16, pages)
    view = memoryview(b"\xff" * 3 + bits + b"\xff" * 9)
    assert list(made.present(view)) == expected
