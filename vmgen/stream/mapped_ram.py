"""mapped-ram: pages at fixed places of the file, with a bitmap of those that are there.

``docs/devel/migration/mapped-ram.rst`` and ``mapped_ram_setup_ramblock`` in QEMU.
"""

from __future__ import annotations

from collections.abc import Iterator

from vmgen.stream.errors import Malformed, Truncated
from vmgen.stream.frozen import Frozen
from vmgen.stream.wire import Cursor, printable

VERSION = 1


class MappedRam(Frozen):
    """The header behind a block's length; offsets are from the stream's beginning.

    The stream has them from the beginning of its file, ``base`` bytes more.  The bitmap has one bit a page in words of the source host, taken to be little-endian;
    page ``i`` is at ``pages_offset + i * page_size``.
    """

    version: int
    page_size: int
    bitmap_offset: int
    pages_offset: int
    pages: int
    base: int = 0

    def encode(self) -> bytes:
        """The 28 bytes of the header."""
        return b"".join(
            (
                self.version.to_bytes(4, "big"),
                self.page_size.to_bytes(8, "big"),
                (self.bitmap_offset + self.base).to_bytes(8, "big"),
                (self.pages_offset + self.base).to_bytes(8, "big"),
            )
        )

    def present(self, view: memoryview) -> Iterator[int]:
        """The numbers of the pages that are in the file, ascending."""
        end = self.bitmap_offset + (self.pages + 7) // 8
        bitmap = view[self.bitmap_offset : end]
        for start in range(0, len(bitmap), 4096):
            chunk = bytes(bitmap[start : start + 4096])
            position = 0
            while stripped := chunk[position:].lstrip(b"\0"):
                position = len(chunk) - len(stripped)
                byte = chunk[position]
                first = 8 * (start + position)
                for bit in range(8):
                    if byte >> bit & 1 and first + bit < self.pages:
                        yield first + bit
                position += 1


def mapped_header(cursor: Cursor, name: str, length: int, base: int = 0) -> MappedRam:
    """Read the header; the cursor goes to the end of the block's pages.

    ``base`` is the offset of the stream in its file.

    Raises Malformed for a version, page size or place that cannot be, Truncated if the
    pages are not all inside of the file.
    """
    start = cursor.pos
    path = f"ram {printable(name)}"
    version = cursor.u32()
    page_size = cursor.u64()
    bitmap, pages = cursor.u64() - base, cursor.u64() - base
    if version > VERSION:
        raise Malformed(f"mapped-ram version {version} is above {VERSION}", start, path)
    if not 256 <= page_size <= 1 << 16 or page_size & (page_size - 1):
        raise Malformed(f"mapped-ram pages of {page_size} bytes", start, path)
    count = length // page_size
    bitmap_end = bitmap + (count + 63) // 64 * 8
    if bitmap < cursor.pos or bitmap_end > pages or (pages + base) % page_size:
        raise Malformed(
            f"mapped-ram bitmap at {bitmap:#x} and pages at {pages:#x}", start, path
        )
    if pages + length > cursor.end:
        raise Truncated(
            f"the pages up to {pages + length:#x} are not all there", pages, path
        )
    cursor.pos = pages + length
    return MappedRam(version, page_size, bitmap, pages, count, base)
