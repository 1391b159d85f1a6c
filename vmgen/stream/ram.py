"""Guest memory in a stream: the section ``ram``, version 4 (``migration/ram.c``).

A section is a row of records.  A record begins with a be64: an address in a block, a
multiple of the page size, and flags in the bits below.  Pages are walked in runs: records
of one kind stand at fixed distances, so their headers are a strided slice.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Mapping

from vmgen.stream.errors import Malformed, UnknownSection
from vmgen.stream.frozen import Frozen
from vmgen.stream.mapped_ram import MappedRam, mapped_header
from vmgen.stream.wire import Cursor, counted, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

ZERO = 0x02
MEM_SIZE = 0x04
PAGE = 0x08
EOS = 0x10
CONTINUE = 0x20
XBZRLE = 0x40
HOOK = 0x80
COMPRESS_PAGE = 0x100
MULTIFD_FLUSH = 0x200

VERSION = 4

PageKind: TypeAlias = "Literal['zero', 'normal', 'xbzrle', 'compressed']"

_KINDS: dict[int, PageKind] = {
    ZERO: "zero",
    PAGE: "normal",
    XBZRLE: "xbzrle",
    COMPRESS_PAGE: "compressed",
}

_SWAP = sys.byteorder == "little"
_LONGEST_RUN = 1 << 16
_LONGEST_STEP = {ZERO: 1 << 14, PAGE: 256}


def page_bits(size: int) -> int:
    """The exponent of a page size; Malformed unless it is a power of two QEMU can have."""
    if size < 256 or size > 1 << 16 or size & (size - 1):
        raise Malformed(f"a page size of {size} bytes", None, "ram")
    return size.bit_length() - 1


class RamBlock:
    """A RAM block as the stream announces it.

    ``used_length`` is in bytes.  ``page_size`` is that of the host's memory behind it,
    given with postcopy where it differs from the usual; ``address`` is its guest physical
    address with x-ignore-shared; ``mapped`` is where a mapped-ram file keeps its pages.
    ``pages`` counts the page records seen so far, by kind.  ``offset`` is where the list
    has it.
    """

    __slots__ = (
        "address", "mapped", "name", "offset", "page_size", "pages", "used_length",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        used_length: int,
        offset: int = 0,
        page_size: int | None = None,
        address: int | None = None,
        mapped: MappedRam | None = None,
        pages: Mapping[PageKind, int] | None = None,
    ) -> None:
        self.name = name
        self.used_length = used_length
        self.offset = offset
        self.page_size = page_size
        self.address = address
        self.mapped = mapped
        self.pages: dict[PageKind, int] = dict(pages or {})


class PageRun(Frozen):
    """Records of one kind that follow each other in the stream, not copied.

    ``addresses`` are those inside of the block, one for every page.  The first record
    begins at ``start`` and every further one ``stride`` bytes later; the data of the
    first is at ``offset`` and has ``length`` bytes.  ``fill`` is the byte that zero pages
    are filled with, ``named`` says whether the first record carries the block's name.
    """

    kind: PageKind
    block: RamBlock
    addresses: array[int]
    start: int
    offset: int
    stride: int
    fill: int = 0
    length: int = 1
    named: bool = False


class Mark(Frozen):
    """A record without a page: ``sizes`` (the list of blocks), ``flush`` or ``end``.

    ``total`` is the sum in the list's header, ``blocks`` what it lists.
    """

    kind: Literal["sizes", "flush", "end"]
    offset: int
    total: int = 0
    blocks: tuple[RamBlock, ...] = ()


Record = PageRun | Mark


class Ram:
    """What is known of guest memory while a stream is read.

    ``page_size`` is the target's, in bytes.  ``postcopy``, ``ignore_shared`` and
    ``mapped_ram`` say what the source had switched on: they change the list of blocks.
    ``base`` is the offset of the stream in its file.
    """

    __slots__ = (
        "base", "blocks", "ignore_shared", "last", "mapped_ram", "page_size", "postcopy",
    )  # fmt: skip

    def __init__(
        self,
        page_size: int,
        postcopy: bool = False,
        ignore_shared: bool = False,
        mapped_ram: bool = False,
        base: int = 0,
    ) -> None:
        self.page_size = page_size
        self.postcopy = postcopy
        self.ignore_shared = ignore_shared
        self.mapped_ram = mapped_ram
        self.base = base
        self.blocks: dict[str, RamBlock] = {}
        self.last: RamBlock | None = None

    def fresh(self) -> Ram:
        """What the configuration says, without the blocks."""
        return Ram(
            self.page_size,
            self.postcopy,
            self.ignore_shared,
            self.mapped_ram,
            self.base,
        )

    def copy(self) -> Ram:
        """The same knowledge, so that a section can be tried."""
        made = self.fresh()
        made.blocks = {
            name: RamBlock(
                one.name, one.used_length, one.offset, one.page_size, one.address, one.mapped,
                one.pages,
            )
            for name, one in self.blocks.items()
        }  # fmt: skip
        made.last = None if self.last is None else made.blocks.get(self.last.name)
        return made


def walk(ram: Ram, cursor: Cursor) -> Iterator[Record]:
    """The records of one section; the cursor is behind its end mark afterwards.

    Updates the blocks of ``ram`` and the one that following records continue.  Raises
    Truncated or Malformed for what QEMU would refuse.
    """
    bits = page_bits(ram.page_size)
    mask = ram.page_size - 1
    pages = {} if ram.mapped_ram else _KINDS
    sizes = {ZERO | CONTINUE: 9, PAGE | CONTINUE: 8 + ram.page_size}
    view = cursor.view
    while True:
        start = cursor.pos
        header = cursor.u64()
        flags, address = header & mask, header & ~mask
        size = sizes.get(flags)
        kind = flags & ~CONTINUE
        if size and pages and _repeats(view, start + 7, start + size + 7, cursor.end):
            cursor.pos = start
            if run := _run(cursor, _continued(ram, start), kind, bits, size):
                _count(run)
                yield run
                continue
            cursor.pos = start + 8
        if kind in pages:
            run = _single(ram, cursor, start, flags, address)
            _count(run)
            yield run
        elif kind == MEM_SIZE:
            yield _sizes(ram, cursor, start, address)
        elif kind == EOS:
            yield Mark("end", start)
            return
        elif kind == MULTIFD_FLUSH and not ram.mapped_ram:
            yield Mark("flush", start)
        elif kind == HOOK:
            message = "a page record of RDMA, whose data is not in the stream"
            raise UnknownSection(message, start, "ram")
        else:
            message = f"unknown combination of page flags: {flags:#x}"
            hint = f"the page size is assumed to be {ram.page_size}"
            raise Malformed(message, start, "ram", hint)


def _repeats(view: memoryview, first: int, second: int, end: int) -> bool:
    """Whether the record behind this one looks alike, so that a run is worth it."""
    return second < end and view[first] == view[second]


def _continued(ram: Ram, start: int) -> RamBlock:
    if ram.last is None:
        raise Malformed("a page continues a block before any is named", start, "ram")
    return ram.last


def _count(run: PageRun) -> None:
    top = max(run.addresses)
    if top >= run.block.used_length:
        raise Malformed(
            f"page {top:#x} in a block of {run.block.used_length:#x} bytes",
            run.start,
            f"ram {printable(run.block.name)}",
        )
    pages = run.block.pages
    pages[run.kind] = pages.get(run.kind, 0) + len(run.addresses)


_HIGH = tuple(
    bytes(bool(byte & ((1 << bits) - 1)) for byte in range(256)) for bits in range(9)
)
"""By the number of flag bits in a header's last byte but one: 0 where none is set."""


def _prefix(data: bytes | bytearray, byte: bytes) -> int:
    """How many of the first bytes are this one."""
    return len(data) - len(data.lstrip(byte))


def _run(
    cursor: Cursor, block: RamBlock, kind: int, bits: int, size: int
) -> PageRun | None:
    """As many records of ``size`` bytes as follow each other with the flags of kind and
    CONTINUE (and for zero pages a 0 at their end); None if the first is not like that.
    """
    flags, high = bytes([kind | CONTINUE]), _HIGH[bits - 8]
    start = cursor.pos
    headers: list[bytes] = []
    total, step = 0, 16
    while count := min(step, cursor.left() // size):
        records = cursor.view[cursor.pos : cursor.pos + count * size]
        if kind == ZERO:
            data = records.tobytes()
            part = bytearray(8 * count)
            for column in range(8):
                part[column::8] = data[column::9]
            good = _prefix(data[8::9], b"\0")
        else:
            part = bytearray(records.cast("Q")[:: size // 8].tobytes())
            good = count
        good = min(
            good,
            _prefix(part[7::8], flags),
            _prefix(part[6::8].translate(high), b"\0"),
        )
        part[7::8] = bytes(count)
        headers.append(bytes(part[: 8 * good]))
        cursor.pos += good * size
        total += good
        if good < count or total >= _LONGEST_RUN:
            break
        step = min(step * 4, _LONGEST_STEP[kind])
    if not total:
        return None
    addresses = array("Q", b"".join(headers))
    if _SWAP:
        addresses.byteswap()
    length = 1 if kind == ZERO else size - 8
    return PageRun(_KINDS[kind], block, addresses, start, start + 8, size, 0, length)


def _single(ram: Ram, cursor: Cursor, start: int, flags: int, address: int) -> PageRun:
    """One page record of any kind, behind its header."""
    named = not flags & CONTINUE
    if named:
        name = cursor.text()
        block = ram.blocks.get(name)
        if block is None:
            known = ", ".join(map(printable, ram.blocks)) or "none"
            raise Malformed(
                f"a page of the unknown block '{printable(name)}'",
                start,
                "ram",
                f"the blocks are: {known}",
            )
        ram.last = block
    else:
        block = _continued(ram, start)
    kind = flags & ~CONTINUE
    fill = 0
    length = 1
    if kind == ZERO:
        fill = cursor.u8()
        offset = cursor.pos - 1
    elif kind == PAGE:
        length = ram.page_size
        offset = cursor.skip(length)
    elif kind == XBZRLE:
        if cursor.u8() != 1:
            raise Malformed("an XBZRLE page of an unknown encoding", start, "ram")
        length = cursor.u16()
        if length > ram.page_size:
            message = f"an XBZRLE page of {length} bytes"
            raise Malformed(message, start, "ram")
        offset = cursor.skip(length)
    else:
        length = cursor.u32()
        if length > ram.page_size + (ram.page_size >> 8) + 64:
            message = f"a compressed page of {length} bytes"
            raise Malformed(message, start, "ram")
        offset = cursor.skip(length)
    addresses = array("Q", (address,))
    return PageRun(
        _KINDS[kind], block, addresses, start, offset, cursor.pos - start,
        fill, length, named,
    )  # fmt: skip


def _sizes(ram: Ram, cursor: Cursor, start: int, total: int) -> Mark:
    """The list of blocks (``ram_save_setup``): their lengths add up to ``total``."""
    blocks: list[RamBlock] = []
    left = total
    while left:
        at = cursor.pos
        name = cursor.text()
        length = cursor.u64()
        if length > left:
            message = f"block '{printable(name)}' has {length:#x} bytes where {left:#x} are left"
            raise Malformed(message, at, "ram")
        if name in ram.blocks:
            message = f"block '{printable(name)}' is listed twice"
            raise Malformed(message, at, "ram")
        block = RamBlock(name, length, at)
        left -= length
        if ram.postcopy:
            block.page_size = _host_page_size(cursor)
        if ram.ignore_shared:
            block.address = cursor.u64()
        if ram.mapped_ram:
            block.mapped = mapped_header(cursor, name, length, ram.base)
        ram.blocks[name] = block
        blocks.append(block)
    return Mark("sizes", start, total, tuple(blocks))


def _host_page_size(cursor: Cursor) -> int | None:
    """The page size of a block, which is only there where it is not the usual one.

    What else can follow begins with a name's length, which is not 0, or is a record
    without an address, whose flags are not a power of two of this size.
    """
    if cursor.left() < 8:
        return None
    value = int.from_bytes(cursor.view[cursor.pos : cursor.pos + 8], "big")
    if value < 4096 or value & (value - 1) or value >> 56:
        return None
    return cursor.u64()


def encode(record: Record, ram: Ram, view: memoryview) -> Iterator[tuple[int, bytes]]:
    """The bytes of a record, made from what was decoded, and where they belong.

    Page data comes from ``view``.  A list of blocks comes in pieces: in a mapped-ram
    file pages lie between them.
    """
    if isinstance(record, PageRun):
        yield record.start, _encode_run(record, ram, view)
    elif record.kind == "end":
        yield record.offset, EOS.to_bytes(8, "big")
    elif record.kind == "flush":
        yield record.offset, MULTIFD_FLUSH.to_bytes(8, "big")
    else:
        yield record.offset, (record.total | MEM_SIZE).to_bytes(8, "big")
        for block in record.blocks:
            made = counted(block.name) + block.used_length.to_bytes(8, "big")
            for number in (block.page_size, block.address):
                if number is not None:
                    made += number.to_bytes(8, "big")
            if block.mapped is not None:
                made += block.mapped.encode()
            yield block.offset, made


def headers(record: PageRun, view: memoryview) -> Iterator[tuple[int, bytes, bytes]]:
    """The headers of a run of normal pages: the offset of each that is not what it would
    be written as, what it is, and what it would be."""
    count, size = len(record.addresses), record.stride
    made = array("Q", [address | PAGE | CONTINUE for address in record.addresses])
    if _SWAP:
        made.byteswap()
    whole = view[record.start : record.start + count * size]
    found = whole.cast("Q")[:: size // 8].tobytes()
    if found == made.tobytes():
        return
    for index in range(count):
        old, new = found[8 * index : 8 * index + 8], made[index].to_bytes(
            8, sys.byteorder
        )
        if old != new:
            yield record.start + index * size, old, new


def _encode_run(record: PageRun, ram: Ram, view: memoryview) -> bytes:
    kind = next(flag for flag, name in _KINDS.items() if name == record.kind)
    flags = kind if record.named else kind | CONTINUE
    if len(record.addresses) == 1 or kind in (XBZRLE, COMPRESS_PAGE):
        name = counted(record.block.name) if record.named else b""
        data = view[record.offset : record.offset + record.length]
        between = b""
        if kind == XBZRLE:
            between = b"\1" + record.length.to_bytes(2, "big")
        elif kind == COMPRESS_PAGE:
            between = record.length.to_bytes(4, "big")
        if kind == ZERO:
            data = memoryview(bytes([record.fill]))
        header = (record.addresses[0] | flags).to_bytes(8, "big")
        return b"".join((header, name, between, data))
    addresses = array("Q", record.addresses)
    if _SWAP:
        addresses.byteswap()
    headers = addresses.tobytes()
    count, size = len(addresses), record.stride
    if kind == ZERO:
        made = bytearray(9 * count)
        for column in range(7):
            made[column::9] = headers[column::8]
        made[7::9] = bytes([flags]) * count
        return bytes(made)
    parts: list[bytes | memoryview] = []
    for index in range(count):
        at = record.offset + index * size
        parts.append(headers[8 * index : 8 * index + 7] + bytes([flags]))
        parts.append(view[at : at + ram.page_size])
    return b"".join(parts)
