"""Proxmox's archives of machines (``vma_spec.txt`` and ``vma.h`` in its QEMU).

A header names devices; the one called ``vmstate`` is a migration stream.  Extents follow: a
header with 59 entries (which blocks of 4 KiB of a cluster are there, of which device, the
number of the cluster), and the blocks that are there.  A stream's clusters come in their
order.  Header and extents have an MD5 sum over themselves with zeros in its place.  Integers
are big-endian, but for the lengths of names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from vmgen.stream.carriers import Held, Unwrapped
from vmgen.stream.carriers.pipes import Pieces, exactly, reading
from vmgen.stream.errors import Malformed, NotFound, Unreadable
from vmgen.stream.frozen import Frozen
from vmgen.stream.wire import Buffer, Cursor, printable, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmgen.stream.carriers import Carrier, CarrierRequest, Source
    from vmgen.stream.readable import Readable

_HEADER = 4096 + 8192
_LONGEST_HEADER = 8 << 16
_DEVICES_AT = 4096
_MD5_AT, _EXTENT_MD5_AT = 32, 24
_EXTENT = 512
_ENTRIES = 59
_BLOCK = 4096
_BLOCKS = 16
_STATE = "vmstate"


class _Archive(Frozen):
    """``state`` is the number of the device with the stream, 0 if there is none; ``size`` what
    the header says of it; ``start`` where the first extent is."""

    uuid: bytes
    names: tuple[str, ...]
    state: int
    size: int
    start: int


def _archive(pipe: Readable) -> _Archive:
    """Read the header."""
    head = exactly(pipe, _HEADER, "vma")
    cursor = Cursor(memoryview(head), 4, path="vma")
    version = cursor.u32()
    if version != 1:
        raise Unreadable(f"an archive of version {version}", 4, "vma")
    uuid = bytes(cursor.take(16))
    cursor.skip(8 + 16)
    blobs, blobs_size, size = cursor.u32(), cursor.u32(), cursor.u32()
    if not _HEADER <= size <= _LONGEST_HEADER:
        raise Malformed(f"a header of {size} bytes", 56, "vma")
    head += exactly(pipe, size - _HEADER, "vma")
    _checked(head, _MD5_AT, 0)
    if blobs < _HEADER or blobs + blobs_size > size:
        raise Malformed("the names are outside of the header", 48, "vma")
    names: list[str] = []
    state, state_size = 0, 0
    for number in range(1, 256):
        device = Cursor(memoryview(head), _DEVICES_AT + 32 * number, path="vma")
        pointer = device.u32()
        device.skip(4)
        length = device.u64()
        if not pointer or not length or pointer + 2 > blobs_size:
            continue
        at = blobs + pointer
        end = at + 2 + int.from_bytes(head[at : at + 2], "little")
        if end > blobs + blobs_size:
            raise Malformed("a name outside of the header", at, "vma")
        names.append(text(head[at + 2 : end].removesuffix(b"\0")))
        if names[-1] == _STATE:
            state, state_size = number, length
    return _Archive(uuid, tuple(names), state, state_size, size)


def _checked(head: bytes, at: int, offset: int) -> None:
    without = head[:at] + bytes(16) + head[at + 16 :]
    digest = hashlib.md5(without, usedforsecurity=False).digest()
    if digest != head[at : at + 16]:
        raise Malformed("the checksum of a header is wrong", offset, "vma")


def _extents(pipe: Readable, archive: _Archive) -> Iterator[Buffer]:
    """The blocks of the stream, those that are left out as zeros."""
    place, expected = archive.start, 0
    while first := pipe.read(1):
        head = first + exactly(pipe, _EXTENT - 1, "vma")
        if head[:4] != b"VMAE" or head[8:24] != archive.uuid:
            raise Malformed("an extent that is none of this archive", place, "vma")
        _checked(head, _EXTENT_MD5_AT, place)
        place += _EXTENT
        for index in range(_ENTRIES):
            at = 40 + 8 * index
            mask = int.from_bytes(head[at : at + 2], "big")
            device = head[at + 3]
            number = int.from_bytes(head[at + 4 : at + 8], "big")
            if not device:
                continue
            data = exactly(pipe, _BLOCK * mask.bit_count(), "vma")
            place += len(data)
            if device != archive.state:
                continue
            if number != expected:
                message = f"cluster {number} of the stream where {expected} comes"
                raise Malformed(message, place, "vma")
            expected += 1
            yield _cluster(data, mask)


def _cluster(data: bytes, mask: int) -> bytes:
    if mask == (1 << _BLOCKS) - 1:
        return data
    made = bytearray(_BLOCK * _BLOCKS)
    taken = 0
    for block in range(_BLOCKS):
        if mask >> block & 1:
            made[_BLOCK * block : _BLOCK * (block + 1)] = data[taken : taken + _BLOCK]
            taken += _BLOCK
    return bytes(made)


class _Archives:
    needs_all = False
    several = True

    def open(self, source: Source, wanted: CarrierRequest) -> Unwrapped:
        """The stream of the machine; NotFound in an archive of disks alone."""
        pipe = reading(source)
        archive = _archive(pipe)
        if not archive.state:
            names = ", ".join(map(printable, archive.names))
            message = "the archive has no machine's state"
            raise NotFound(message, None, "vma", f"it has: {names}" if names else "")
        return Unwrapped(Pieces(_extents(pipe, archive)), prefix=None)

    def held(self, view: memoryview, wanted: CarrierRequest) -> tuple[Held, ...]:
        """The stream, if there is one."""
        archive = _archive(reading(view))
        return (Held(name=_STATE, size=archive.size),) if archive.state else ()


def carrier(kind: str) -> Carrier:
    """Proxmox's archives."""
    return _Archives()
