"""Guest memory as blocks and pages, taken from the stream where they lie."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from vmgen.stream.errors import Malformed, NotFound
from vmgen.stream.frozen import Frozen
from vmgen.stream.looking import html_table
from vmgen.stream.ram import Mark, PageKind, PageRun, Ram, RamBlock, Record, walk
from vmgen.stream.wire import Cursor, printable

_NONE = 0


class Page(Frozen):
    """One page record: ``address`` is inside of the block, ``data`` a view of the stream.

    A zero page has one byte of data, the one it is filled with.  The data of an
    ``xbzrle`` page is the difference to the page before, that of a ``compressed`` one a
    zlib stream.
    """

    block: RamBlock
    address: int
    kind: PageKind
    data: memoryview


class Memory:
    """Guest memory of a stream.

    A page can come several times, the last one counts.  Nothing is kept but an index of
    the pages: eight bytes a page.
    """

    def __init__(
        self, view: memoryview, ram: Ram, sections: tuple[tuple[int, int], ...]
    ) -> None:
        self._view = view
        self._ram = ram
        self._sections = sections
        self._indexes: dict[str, _PageIndex] = {}

    def __repr__(self) -> str:
        found = self.blocks
        shown = ", ".join(
            f"{printable(one.name)} {one.used_length:#x}" for one in found[:6]
        )
        more = ", ..." if len(found) > 6 else ""
        return f"<guest memory, pages of {self.page_size} bytes: {shown}{more}>"

    def _repr_html_(self) -> str:
        rows = ((printable(one.name), f"{one.used_length:#x}") for one in self.blocks)
        return html_table(("block", "bytes"), rows)

    @property
    def page_size(self) -> int:
        """The target's page size in bytes."""
        return self._ram.page_size

    @property
    def blocks(self) -> tuple[RamBlock, ...]:
        """All blocks, as the stream lists them."""
        return tuple(self._ram.blocks.values())

    def block(self, name: str) -> RamBlock:
        """A block by name; NotFound if there is none."""
        if name not in self._ram.blocks:
            known = ", ".join(map(printable, self._ram.blocks))
            raise NotFound(
                f"no block '{printable(name)}'", None, "ram", f"the blocks are: {known}"
            )
        return self._ram.blocks[name]

    def records(self) -> Iterator[Record]:
        """Every record of every RAM section, in stream order, pages in runs."""
        ram = self.fresh()
        for start, end in self._sections:
            yield from walk(ram, Cursor(self._view, start, end, "ram"))

    def fresh(self) -> Ram:
        """What is known before the first record."""
        return self._ram.fresh()

    def pages(self, block: str | None = None) -> Iterator[Page]:
        """Every page record in stream order, of one block or of all."""
        view = self._view
        for record in self.records():
            if isinstance(record, PageRun):
                if block in (None, record.block.name):
                    for at, address in _places(record):
                        data = view[at : at + record.length]
                        yield Page(record.block, address, record.kind, data)
            elif record.kind == "sizes":
                for one in record.blocks:
                    if one.mapped is not None and block in (None, one.name):
                        yield from self._mapped(one)

    def _mapped(self, block: RamBlock) -> Iterator[Page]:
        assert block.mapped is not None
        size = block.mapped.page_size
        for number in block.mapped.present(self._view):
            at = block.mapped.pages_offset + number * size
            yield Page(block, number * size, "normal", self._view[at : at + size])

    # --- by address -----------------------------------------------------------------------

    def page(self, block: str, address: int) -> memoryview | None:
        """The contents of the page at an address of a block, None if it is missing.

        A page that is in the stream as it is is a view of the stream.
        """
        found = self.block(block)
        size = self.page_size
        if not 0 <= address < found.used_length:
            message = f"no address {address:#x} in {found.used_length:#x} bytes"
            raise NotFound(message, None, f"ram {printable(block)}")
        address -= address % size
        index = self._index(found)
        return self._contents(found, index, address, index.entry(address // size))

    def read(self, block: str, address: int, size: int) -> bytes:
        """``size`` bytes at an address of a block; pages that are missing are zeros."""
        return b"".join(
            bytes(length) if part is None else part
            for _, length, part in self.spans(block, address, size)
        )

    def check(self, block: str, address: int, size: int) -> RamBlock:
        """The block that has these bytes; NotFound if there is none."""
        found = self.block(block)
        if address < 0 or size < 0 or address + size > found.used_length:
            message = f"no {size} bytes at {address:#x} in {found.used_length:#x} bytes"
            raise NotFound(message, None, f"ram {printable(block)}")
        return found

    def spans(
        self, block: str, address: int, size: int
    ) -> Iterator[tuple[int, int, memoryview | None]]:
        """Like :meth:`read`, in pieces: address, size, and the bytes of a part of a page,
        or None for what is missing, however long."""
        found = self.check(block, address, size)
        end = address + size
        length, index = self.page_size, self._index(found)
        for number, entry in index.between(address // length, -(-end // length)):
            start = number * length
            if address < start:
                yield address, start - address, None
                address = start
            page = self._contents(found, index, start, entry)
            last = min(end, start + length)
            part = None if page is None else page[address - start : last - start]
            yield address, last - address, part
            address = last
        if address < end:
            yield address, end - address, None

    def contents(
        self, block: str, start: int = 0, end: int | None = None
    ) -> Iterator[tuple[int, memoryview]]:
        """The pages of a block as they are at the end, ascending, without those that are
        not there or all zero; those with an address from ``start`` to ``end`` only."""
        found = self.block(block)
        index = self._index(found)
        view, size = self._view, self.page_size
        zeros = bytes(size)
        for number, entry in index.between(start // size, end and -(-end // size)):
            address = number * size
            # Most of guest memory is zero, and need not be made to be looked at.
            empty = entry & 7 == _FILLED and not view[entry >> 3]
            if empty and address not in index.deltas:
                continue
            data = self._contents(found, index, address, entry)
            # Views are compared item by item, bytes in one go.
            if data is not None and data.tobytes() != zeros:
                yield address, data

    def _contents(
        self, block: RamBlock, index: _PageIndex, address: int, entry: int
    ) -> memoryview | None:
        if entry == _NONE:
            return None
        view, size = self._view, self.page_size
        kind, at = entry & 7, entry >> 3
        if kind == _NORMAL:
            page = view[at : at + size]
        elif kind == _FILLED:
            page = memoryview(bytes([view[at]]) * size)
        else:
            page = memoryview(_inflated(view, at, size, block, address))
        for start, length in index.deltas.get(address, ()):
            old = bytearray(page)
            apply_xbzrle(old, view[start : start + length], start)
            page = memoryview(old)
        return page

    def _index(self, block: RamBlock) -> _PageIndex:
        """Where the pages of a block are; those of all blocks are found in one go."""
        if not self._indexes:
            self._indexes = {
                one.name: _PageIndex(one, self.page_size) for one in self.blocks
            }
            for record in self.records():
                if isinstance(record, Mark):
                    for one in record.blocks:
                        if one.mapped is not None:
                            self._indexes[one.name].add_mapped(one, self._view)
                else:
                    self._indexes[record.block.name].add(record)
        return self._indexes[block.name]


class _PageIndex:
    """By the number of a page in its block where its data is, times 8, and of what kind.

    ``deltas`` are the differences that came behind the page: their places, by address.
    """

    def __init__(self, block: RamBlock, page_size: int) -> None:
        self._size = page_size
        count = -(-block.used_length // page_size)
        seen = sum(block.pages.values())
        mapped = 0 if block.mapped is None else block.mapped.pages
        dense = count <= 64 * (seen + mapped + 16)
        self._entries: array[int] | dict[int, int]
        self._entries = array("Q", bytes(8 * count)) if dense else {}
        self.deltas: dict[int, list[tuple[int, int]]] = {}

    def entry(self, number: int) -> int:
        """Where a page is; 0 if it is missing."""
        if isinstance(self._entries, dict):
            return self._entries.get(number, _NONE)
        return self._entries[number]

    def between(self, first: int, last: int | None) -> Iterator[tuple[int, int]]:
        """Number and entry of every page that is there, ascending."""
        entries = self._entries
        numbers: Iterable[int]
        if isinstance(entries, dict):
            numbers = sorted(
                number
                for number in entries
                if first <= number and (last is None or number < last)
            )
        else:
            count = len(entries)
            numbers = range(first, count if last is None else min(last, count))
        for number in numbers:
            if entry := entries[number]:
                yield number, entry

    def add_mapped(self, block: RamBlock, view: memoryview) -> None:
        """The pages that a mapped-ram file has of a block."""
        assert block.mapped is not None
        for number in block.mapped.present(view):
            at = block.mapped.pages_offset + number * block.mapped.page_size
            self._entries[number * block.mapped.page_size // self._size] = (
                at << 3 | _NORMAL
            )

    def add(self, run: PageRun) -> None:
        """Later records take the place of earlier ones; a difference needs one."""
        if run.kind == "xbzrle":
            (address,) = run.addresses
            if self.entry(address // self._size) == _NONE:
                message = "a difference to a page that is not in the stream"
                path = f"ram {printable(run.block.name)}"
                raise Malformed(message, run.start, path)
            self.deltas.setdefault(address, []).append((run.offset, run.length))
            return
        kind = _KIND_OF[run.kind]
        entries, size, deltas = self._entries, self._size, self.deltas
        for at, address in _places(run):
            entries[address // size] = at << 3 | kind
            if deltas:
                deltas.pop(address, None)


_NORMAL, _FILLED, _COMPRESSED = 1, 2, 3
_KIND_OF = {"normal": _NORMAL, "zero": _FILLED, "compressed": _COMPRESSED}


def _places(run: PageRun) -> Iterator[tuple[int, int]]:
    """Offset of the data and address of every page of a run."""
    stop = run.offset + run.stride * len(run.addresses)
    return zip(range(run.offset, stop, run.stride), run.addresses, strict=True)


def _inflated(
    view: memoryview, at: int, size: int, block: RamBlock, address: int
) -> bytes:
    """A compressed page (be32 length before it, which was checked)."""
    import zlib

    path = f"ram {printable(block.name)}"
    length = int.from_bytes(view[at - 4 : at], "big")
    try:
        page = zlib.decompressobj().decompress(view[at : at + length], size + 1)
    except zlib.error as error:
        raise Malformed(f"page {address:#x}: {error}", at, path) from None
    if len(page) != size:
        raise Malformed(f"page {address:#x} does not have {size} bytes", at, path)
    return page


def apply_xbzrle(page: bytearray, data: memoryview, offset: int) -> None:
    """Apply a difference to a page (``xbzrle_decode_buffer``).

    It is a row of (bytes to skip, bytes to replace, new bytes), both numbers as LEB128
    of up to two bytes.  Raises Malformed; ``offset`` is where the data is in the stream.
    """
    position = place = 0
    while position < len(data):
        first = position
        skip, position = _leb128(data, position, offset)
        if first and not skip:
            raise Malformed("an XBZRLE run of no bytes", offset + first, "ram")
        place += skip
        count, position = _leb128(data, position, offset)
        if not count or place + count > len(page) or position + count > len(data):
            raise Malformed("an XBZRLE run outside of the page", offset + first, "ram")
        page[place : place + count] = data[position : position + count]
        place, position = place + count, position + count


def _leb128(data: memoryview, position: int, offset: int) -> tuple[int, int]:
    chunk = data[position : position + 2]
    if len(chunk) < 2:
        raise Malformed("XBZRLE data that is cut off", offset + position, "ram")
    if not chunk[0] & 0x80:
        return chunk[0], position + 1
    if chunk[1] & 0x80:
        raise Malformed("an XBZRLE number that is too long", offset + position, "ram")
    return chunk[0] & 0x7F | chunk[1] << 7, position + 2
