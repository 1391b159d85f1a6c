"""A kdump-compressed dump, as ``dump-guest-memory -z`` writes it (``create_kdump_vmcore``,
dump/dump.c): the ``KDUMP`` header, the notes of the CPUs, two equal bitmaps of the pages that
are there, a descriptor a page, and the pages, each compressed with zlib.

QEMU and makedumpfile wrap these into records of offset and bytes (the flattened layout), which
a pipe takes; ``raw`` leaves the wrapping out (``kdump-raw-zlib``).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from vmgen.export.core import chosen_vmcoreinfo, core_losses, ram_regions
from vmgen.export.formats import ExportOptions
from vmgen.export.notes import CoreKind, core_kind, cpu_notes
from vmgen.guest import Guest, Region, Unmapped, Unsupported, VmcoreInfo

_FLAT_HEADER = b"makedumpfile".ljust(16, b"\0") + struct.pack(">qq", 1, 1)
_FLAT_SIZE = 4096
_END = struct.pack(">qq", -1, -1)

_VERSION = 6
_ZLIB = 1
_EXCLUDED = 1
"""The dump level: pages of zeros are one page."""

_DESCRIPTOR = 24
_HIGHEST = 1 << 46
"""The bitmaps have a bit for every page below the end of memory."""


def losses(guest: Guest, options: ExportOptions) -> Iterator[str]:
    """Of CPUs and memory: what no core has."""
    yield from core_losses(guest)


def write(guest: Guest, out: BinaryIO, options: ExportOptions) -> None:
    """Write the dump.

    Raises Unsupported for the raw layout on what cannot seek, and for memory that ends
    above 2^46.
    """
    blocks = ram_regions(guest)
    end = max((one.end for one in blocks), default=0)
    if not end or end > _HIGHEST:
        raise Unsupported(
            f"memory ends at {end:#x}: a dump has 1 to {_HIGHEST:#x} bytes",
            None,
            "memory",
        )
    file = _Raw(out) if options.raw else _Flattened(out)
    kind = core_kind(guest, end)
    info = chosen_vmcoreinfo(guest, options)
    notes = b"".join(cpu_notes(guest, kind)) + (b"" if info is None else info.note)
    size = _page_size(guest, info)
    runs = _runs(blocks, size)
    last = runs[-1][1]
    bitmap = -(-last // (8 * size)) * size
    sub = _sub_header(guest, kind, info, size, last, len(notes))
    before = -(-(len(sub) + len(notes)) // size)
    uname, bitmaps = _uname(guest, info), 2 * bitmap // size
    file.write(0, _header(kind, uname, size, before, bitmaps, last, len(guest.cpus)))
    file.write(size, sub)
    file.write(size + len(sub), notes)
    bitmap_at = size * (1 + before)
    _bitmaps(file, runs, bitmap_at, bitmap, size)
    count = sum(stop - first for first, stop in runs)
    _pages(file, guest, kind, blocks, runs, bitmap_at + 2 * bitmap, count, size)
    file.end()


# --- the two layouts ----------------------------------------------------------------------


class _Flattened:
    """Records of offset, size and bytes, in any order (``write_buffer``)."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        out.write(_FLAT_HEADER.ljust(_FLAT_SIZE, b"\0"))

    def write(self, offset: int, data: bytes | bytearray) -> None:
        """Put bytes at an offset of the dump."""
        self._out.write(struct.pack(">qq", offset, len(data)))
        self._out.write(data)

    def end(self) -> None:
        """Nothing comes any more."""
        self._out.write(_END)


class _Raw:
    """The dump as it is, with holes."""

    def __init__(self, out: BinaryIO) -> None:
        if not out.seekable():
            raise Unsupported(
                "--raw needs a file: pages come before what describes them"
            )
        self._out = out
        self._start = out.tell()

    def write(self, offset: int, data: bytes | bytearray) -> None:
        """Put bytes at an offset of the dump."""
        self._out.seek(self._start + offset)
        self._out.write(data)

    def end(self) -> None:
        """Nothing comes any more."""


class _Cache:
    """Bytes that follow each other, written together as QEMU does (``write_cache``)."""

    def __init__(self, file: _Flattened | _Raw, offset: int, size: int) -> None:
        self._file = file
        self._offset = offset
        self._size = size
        self._data = bytearray()

    def add(self, piece: bytes, count: int = 1) -> None:
        """Add a piece so many times; it is never cut."""
        while count:
            room = (self._size - len(self._data)) // len(piece)
            if not room:
                self.flush()
                continue
            some = min(room, count)
            self._data += piece * some
            count -= some

    def flush(self) -> None:
        """Write what is there."""
        if self._data:
            self._file.write(self._offset, self._data)
            self._offset += len(self._data)
            self._data.clear()


# --- headers ------------------------------------------------------------------------------


_SIZE = re.compile(r"^PAGESIZE=(4096|8192|16384|32768|65536)$", re.M)


def _page_size(guest: Guest, info: VmcoreInfo | None) -> int:
    """The page of the kernel, which libkdumpfile takes from VMCOREINFO whatever the header
    has.

    Where that is not known, ``cpu_get_dump_info``: the largest page that a kernel of the
    target may have, where it has a choice (target/arm/arch_dump.c, target/ppc/arch_dump.c).
    """
    if info is not None and (found := _SIZE.search(info.text)):
        return int(found[1])
    large = guest.target == "aarch64" or guest.machine.startswith("pseries-")
    return 1 << 16 if large else 1 << 12


_NAME = 65
"""The bytes of a string of ``struct new_utsname``: system, node, release, version, machine,
domain."""


def _uname(guest: Guest, info: VmcoreInfo | None) -> bytes:
    """``init_uts_ns.name`` of a Linux guest, from which libkdumpfile knows the architecture;
    else what QEMU writes from 10.0 on."""
    if info is not None:
        symbol = re.search(r"^SYMBOL\(init_uts_ns\)=([0-9a-f]{1,16})$", info.text, re.M)
        offset = re.search(
            r"^OFFSET\(uts_namespace\.name\)=(\d{1,9})$", info.text, re.M
        )
        if symbol is not None and offset is not None:
            address = int(symbol[1], 16) + int(offset[1])
            for cpu in guest.cpus:
                try:
                    return cpu.read(address, 6 * _NAME)
                except (Unmapped, Unsupported):
                    continue  # a CPU that runs a process may not have the kernel mapped
    return (bytes(4 * _NAME) + b"Unknown").ljust(6 * _NAME, b"\0")


def _header(
    kind: CoreKind, uname: bytes, size: int, before: int, bitmaps: int, last: int, cpus: int
) -> bytes:  # fmt: skip
    """``DiskDumpHeader32`` and ``64``, which differ in the length of a time that is 0."""
    text = b"KDUMP   " + struct.pack(f"{kind.order}I", _VERSION) + uname
    text += bytes(22 if kind.bits == 64 else 10)
    last = min(last, 0xFFFF_FFFF)
    return text + struct.pack(
        f"{kind.order}10I", _ZLIB, size, before, bitmaps, last, 0, 0, 0, 0, cpus
    )


def _sub_header(
    guest: Guest,
    kind: CoreKind,
    info: VmcoreInfo | None,
    size: int,
    last: int,
    notes: int,
) -> bytes:
    """``KdumpSubHeader32`` and ``64``; the notes come behind it."""
    word = "Q" if kind.bits == 64 else "I"
    form = f"{kind.order}{word}II2{word}Q{word}Q{word}Q{word}3Q"
    notes_at = size + struct.calcsize(form)
    info_at = info_size = 0
    if info is not None:
        info_size = info.text_size
        info_at = notes_at + notes - len(info.note) + info.text_at
    base = _physical_base(guest, info) & (1 << kind.bits) - 1
    return struct.pack(
        form, base, _EXCLUDED, 0, 0, 0, info_at, info_size, notes_at, notes, 0, 0, 0, 0,
        last,
    )  # fmt: skip


_BASES = {
    "x86_64": re.compile(r"^NUMBER\(phys_base\)=(-?\d+)$", re.M),
    "aarch64": re.compile(r"^NUMBER\(PHYS_OFFSET\)=(0x[0-9a-f]+)$", re.M),
}


def _physical_base(guest: Guest, info: VmcoreInfo | None) -> int:
    """Where the kernel says that it is (``vmcoreinfo_update_phys_base``), else the lowest
    address on Arm.

    Linux writes x86's in decimal, which QEMU reads as hexadecimal.
    """
    pattern = _BASES.get(guest.target)
    if (
        info is not None
        and pattern is not None
        and (found := pattern.search(info.text))
    ):
        return int(found[1], 0)
    if guest.target in ("arm", "aarch64"):
        return min(one.start for one in ram_regions(guest))
    return 0


# --- pages --------------------------------------------------------------------------------


def _runs(blocks: Iterable[Region], size: int) -> list[tuple[int, int]]:
    """The numbers of the pages that have memory: first, and the one behind the last.

    A page that two blocks share is one page.
    """
    runs: list[tuple[int, int]] = []
    for one in blocks:
        first, stop = one.start // size, -(-one.end // size)
        if runs and first <= runs[-1][1]:
            first, stop = runs[-1][0], max(stop, runs[-1][1])
            runs.pop()
        runs.append((first, stop))
    return runs


def _bitmaps(
    file: _Flattened | _Raw,
    runs: list[tuple[int, int]],
    at: int,
    length: int,
    size: int,
) -> None:
    """A page of each bitmap after the other, up to the last page of memory."""
    bits = 8 * size
    begin = 0
    for number in range(-(-runs[-1][1] // bits)):
        while runs[begin][1] <= number * bits:
            begin += 1
        value = 0
        for first, stop in runs[begin:]:
            low = max(first - number * bits, 0)
            high = min(stop - number * bits, bits)
            if low >= bits:
                break
            value |= (1 << high) - (1 << low)
        data = value.to_bytes(size, "little")
        file.write(at + number * size, data)
        file.write(at + length + number * size, data)


def _pages(
    file: _Flattened | _Raw, guest: Guest, kind: CoreKind, blocks: tuple[Region, ...],
    runs: list[tuple[int, int]], at: int, count: int, size: int,
) -> None:  # fmt: skip
    """A descriptor and the data of every page; those of zeros share one."""
    offset = at + count * _DESCRIPTOR
    described, data = _Cache(file, at, 4 * size), _Cache(file, offset, 4 * size)
    empty = _descriptor(kind, offset, size, 0)
    data.add(bytes(size))
    offset += size
    filled = _filled(guest, blocks, size)
    number, page = next(filled, (-1, b""))
    for first, stop in runs:
        while first <= number < stop:
            described.add(empty, number - first)
            packed = zlib.compress(page, 1)
            whole = len(packed) >= size
            stored = page if whole else packed
            described.add(_descriptor(kind, offset, len(stored), 0 if whole else _ZLIB))
            data.add(stored)
            offset += len(stored)
            first = number + 1
            number, page = next(filled, (-1, b""))
        described.add(empty, stop - first)
    described.flush()
    data.flush()


def _descriptor(kind: CoreKind, offset: int, size: int, flags: int) -> bytes:
    return struct.pack(f"{kind.order}QIIQ", offset, size, flags, 0)


def _filled(
    guest: Guest, blocks: Iterable[Region], size: int
) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of every page that is not all zero, ascending."""
    last, page = -1, bytearray()
    for region in blocks:
        for address, piece in guest.memory.contents(region):
            done = 0
            while done < len(piece):
                number, inside = divmod(address + done, size)
                if number != last:
                    if any(page):
                        yield last, bytes(page)
                    last, page = number, bytearray(size)
                length = min(size - inside, len(piece) - done)
                page[inside : inside + length] = piece[done : done + length]
                done += length
    if any(page):
        yield last, bytes(page)
