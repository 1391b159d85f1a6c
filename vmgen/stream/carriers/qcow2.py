"""Where a qcow2 image keeps the migration stream of an internal snapshot.

``docs/interop/qcow2.rst`` in QEMU.  ``savevm`` writes the stream into the image's own
clusters, behind the end of the guest's disk: at the first L1 entry that the disk does not
need (``qcow2_vm_state_offset``).  A snapshot has an L1 table of its own, and the length of
its stream.  All integers are big-endian.

Everything in an image may be a lie: tables and clusters must be inside of the file and
used once, so that work and result are bounded by the file's size.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from vmgen.stream.errors import Ambiguous, Malformed, NotFound, Unreadable
from vmgen.stream.frozen import Frozen
from vmgen.stream.wire import Buffer, Cursor, printable, text

_OFFSET = 0x00FFFFFFFFFFFE00
_COMPRESSED = 1 << 62
_ZERO = 1
_EXTERNAL_DATA, _OTHER_COMPRESSION, _EXTENDED_L2 = 4, 8, 16
_MOST_SNAPSHOTS = 65536


class Snapshot(Frozen):
    """An internal snapshot.

    ``id`` and ``name`` are text; ``l1_offset`` is in bytes, ``l1_size`` counts entries;
    ``vm_state_size`` is the length of the stream in bytes, ``disk_size`` that of the disk.
    """

    id: str
    name: str
    l1_offset: int
    l1_size: int
    vm_state_size: int
    disk_size: int

    @property
    def called(self) -> str:
        """Its name for messages."""
        return printable(self.name or self.id)


class _Image(Frozen):
    view: memoryview
    cluster_bits: int
    disk_size: int
    snapshots_offset: int
    snapshot_count: int
    extended: bool
    zstd: bool

    @property
    def cluster(self) -> int:
        """Bytes of a cluster."""
        return 1 << self.cluster_bits

    @property
    def l2_bits(self) -> int:
        """The exponent of the entries in an L2 table."""
        return self.cluster_bits - (4 if self.extended else 3)


def _image(view: memoryview) -> _Image:
    cursor = Cursor(view, 4, path="qcow2")
    version = cursor.u32()
    if version not in (2, 3):
        raise Unreadable(f"a qcow2 image of version {version}", 4, "qcow2")
    cursor.skip(12)
    bits, size, crypt = cursor.u32(), cursor.u64(), cursor.u32()
    if not 9 <= bits <= 21:
        raise Malformed(f"clusters of 1 << {bits} bytes", 20, "qcow2")
    if crypt:
        raise Unreadable(
            "the image is encrypted", 32, "qcow2", "decrypt it with qemu-img"
        )
    cursor.skip(4 + 8 + 8 + 4)
    count, offset = cursor.u32(), cursor.u64()
    features, zstd = 0, False
    if version == 3:
        features = cursor.u64()
        cursor.skip(8 + 8 + 4)
        if cursor.u32() > 104 and features & _OTHER_COMPRESSION:
            zstd = cursor.u8() == 1
    if features & _EXTERNAL_DATA:
        raise Unreadable("the image keeps its data in another file", 72, "qcow2")
    if unknown := features & ~0x1F:
        raise Unreadable(f"the image has unknown features {unknown:#x}", 72, "qcow2")
    extended = bool(features & _EXTENDED_L2)
    return _Image(view, bits, size, offset, count, extended, zstd)


def snapshots(view: memoryview) -> tuple[Snapshot, ...]:
    """The snapshots of an image, in the order of its table.

    Raises Unreadable, Malformed or Truncated.
    """
    return _snapshots(_image(view))


def _snapshots(image: _Image) -> tuple[Snapshot, ...]:
    if image.snapshot_count > _MOST_SNAPSHOTS:
        raise Malformed(f"{image.snapshot_count} snapshots", 60, "qcow2")
    if image.snapshot_count and image.snapshots_offset > len(image.view):
        raise Malformed("the snapshots are outside of the file", 64, "qcow2")
    cursor = Cursor(image.view, image.snapshots_offset, path="qcow2")
    found = []
    for _ in range(image.snapshot_count):
        start = cursor.pos
        l1_offset, l1_size = cursor.u64(), cursor.u32()
        id_size, name_size = cursor.u16(), cursor.u16()
        cursor.skip(4 + 4 + 8)
        state_size, extra_size = cursor.u32(), cursor.u32()
        extra = Cursor(image.view, cursor.skip(extra_size), cursor.pos, "qcow2")
        disk_size = image.disk_size
        if extra.left() >= 8:
            state_size = extra.u64()
        if extra.left() >= 8:
            disk_size = extra.u64()
        name_of = text(cursor.take(id_size)), text(cursor.take(name_size))
        found.append(Snapshot(*name_of, l1_offset, l1_size, state_size, disk_size))
        padding = -(cursor.pos - start) % 8
        cursor.skip(min(padding, cursor.left()))
    return tuple(found)


def _chosen(found: tuple[Snapshot, ...], wanted: str) -> Snapshot:
    states = [one for one in found if one.vm_state_size]
    if wanted:
        states = [one for one in states if wanted in (one.name, one.id)]
    names = ", ".join(one.called for one in found if one.vm_state_size)
    if not states:
        what = f"no snapshot '{printable(wanted)}'" if wanted else "no snapshot"
        hint = f"snapshots with one: {names}" if names else "savevm makes one"
        raise NotFound(
            f"the image has {what} with a machine's state", None, "qcow2", hint
        )
    if len(states) > 1:
        hint = f"say which: {names}"
        message = f"the image has {len(states)} snapshots with a machine's state"
        raise Ambiguous(message, None, "qcow2", hint)
    return states[0]


def vm_state(view: memoryview, wanted: str = "") -> tuple[Iterator[Buffer], int]:
    """The pieces of a snapshot's stream in order, views of the image where they can be,
    and its length in bytes.

    ``wanted`` is the name or the id; empty for the only one with a stream.  Raises
    NotFound or Ambiguous if that does not tell, Malformed or Truncated for an image that
    is damaged.
    """
    image = _image(view)
    snapshot = _chosen(_snapshots(image), wanted)
    return _pieces(image, _runs(image, snapshot)), snapshot.vm_state_size


def _pieces(image: _Image, runs: list[_Run]) -> Iterator[Buffer]:
    """The bytes of every run.

    Where compressed data ends only inflating it tells.  If all of it together is more than
    the file, clusters share it, and a few bytes could be made gigabytes.
    """
    packed = 0
    for offset, length in runs:
        if offset < 0:
            yield bytes(length)
        elif not offset & _COMPRESSED:
            yield image.view[offset : offset + length]
        else:
            data, size = _inflated(image, offset, length)
            packed += size
            if packed > len(image.view):
                raise Malformed("compressed clusters share their data", None, "qcow2")
            yield data


_Run = tuple[int, int]
"""Offset and length in the file; an offset of -1 stands for zeros, one with bit 62 for a
compressed cluster, whose entry it is."""


def _runs(image: _Image, snapshot: Snapshot) -> list[_Run]:
    cluster, l2_size = image.cluster, 1 << image.l2_bits
    per_l1 = cluster << image.l2_bits
    first = -(-snapshot.disk_size // per_l1)
    left = snapshot.vm_state_size
    end = snapshot.l1_offset + 8 * snapshot.l1_size
    if end > len(image.view):
        raise _damaged("the L1 table", snapshot.l1_offset)
    if left > (snapshot.l1_size - first) * per_l1:
        message = f"a state of {left} bytes does not fit into the L1 table"
        raise Malformed(message, snapshot.l1_offset, "qcow2")
    used: set[int] = set()
    zeros = 0
    runs: list[_Run] = []
    for index in range(first, snapshot.l1_size):
        if not left:
            break
        at = snapshot.l1_offset + 8 * index
        table = int.from_bytes(image.view[at : at + 8], "big") & _OFFSET
        entries: Iterator[int] = iter((0,) * l2_size)
        if table:
            _once(image, used, table, "an L2 table")
            entries = _entries(image, table)
        for entry in entries:
            length = min(left, cluster)
            left -= length
            runs.append(_run(image, used, entry, length))
            if runs[-1][0] < 0:
                zeros += length
                if zeros > len(image.view) + (1 << 20):
                    raise Malformed("most of the state is missing", at, "qcow2")
            if not left:
                break
    return _joined(runs)


def _entries(image: _Image, table: int) -> Iterator[int]:
    step = 16 if image.extended else 8
    end = table + image.cluster
    if end > len(image.view):
        raise _damaged("an L2 table", table)
    for at in range(table, end, step):
        yield int.from_bytes(image.view[at : at + 8], "big")


def _run(image: _Image, used: set[int], entry: int, length: int) -> _Run:
    if entry & _COMPRESSED:
        if entry in used:
            raise Malformed("a compressed cluster is used twice", None, "qcow2")
        used.add(entry)
        return entry, length
    offset = entry & _OFFSET
    if not offset or (entry & _ZERO and not image.extended):
        return -1, length
    _once(image, used, offset, "a cluster")
    if offset + length > len(image.view):
        raise _damaged("a cluster", offset)
    return offset, length


def _once(image: _Image, used: set[int], offset: int, what: str) -> None:
    """A cluster can be in one place only."""
    if offset & (image.cluster - 1):
        raise Malformed(f"{what} at {offset:#x}, inside of a cluster", offset, "qcow2")
    if offset in used:
        raise Malformed(f"{what} at {offset:#x} is used twice", offset, "qcow2")
    used.add(offset)


def _damaged(what: str, offset: int) -> Malformed:
    return Malformed(f"{what} is outside of the file", offset, "qcow2")


def _joined(runs: list[_Run]) -> list[_Run]:
    made: list[_Run] = []
    for offset, length in runs:
        if made and not offset & _COMPRESSED:
            before, size = made[-1]
            if before >= 0 and not before & _COMPRESSED and before + size == offset:
                made[-1] = before, size + length
                continue
        made.append((offset, length))
    return made


def _inflated(image: _Image, entry: int, length: int) -> tuple[bytes, int]:
    """The first bytes of a compressed cluster, and how many bytes of the file it takes."""
    # The offset has the low bits, the number of further sectors those above.
    shift = 62 - (image.cluster_bits - 8)
    start = entry & ((1 << shift) - 1)
    sectors = (entry & (_COMPRESSED - 1)) >> shift
    size = (sectors + 1) * 512 - (start & 511)
    data = image.view[start : start + size]
    if image.zstd:
        raise Unreadable("a cluster compressed with zstd", start, "qcow2")
    inflater = zlib.decompressobj(-15)
    try:
        made = inflater.decompress(data, image.cluster)
    except zlib.error as error:
        raise Malformed(f"a compressed cluster: {error}", start, "qcow2") from None
    if len(made) < length:
        raise Malformed("a compressed cluster that is too short", start, "qcow2")
    rest = len(inflater.unused_data) + len(inflater.unconsumed_tail)
    return made[:length], len(data) - rest
