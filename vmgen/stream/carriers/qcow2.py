"""Where a qcow2 image keeps migration streams: internal snapshots, or the disk itself.

``docs/interop/qcow2.rst`` in QEMU.  ``savevm`` writes the stream into the image's own
clusters, behind the end of the guest's disk: at the first L1 entry that the disk does not
need (``qcow2_vm_state_offset``).  A snapshot has an L1 table of its own, and the length of
its stream.  An image without such a snapshot can be a volume that a stream was written to
(Proxmox's state volumes), which then begins with it.  All integers are big-endian.

Everything in an image may be a lie: tables and clusters must be inside of the file and
used once, so that work and result are bounded by the file's size.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from vmgen.stream.carriers import Held, Unwrapped
from vmgen.stream.carriers.pipes import Pieces
from vmgen.stream.errors import Ambiguous, Malformed, NotFound, StreamError, Unreadable
from vmgen.stream.frozen import Frozen
from vmgen.stream.wire import MAGIC, Buffer, Cursor, printable, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmgen.stream.carriers import Carrier, CarrierRequest, Source

_OFFSET = 0x00FFFFFFFFFFFE00
_COMPRESSED = 1 << 62
_ZERO = 1
_EXTERNAL_DATA, _OTHER_COMPRESSION, _EXTENDED_L2 = 4, 8, 16
_DATA_FILE = 0x44415441
_ENCRYPTIONS = {1: "AES", 2: "LUKS"}
_COMPRESSIONS = {0: "deflate", 1: "zstd"}
_MOST_SNAPSHOTS = 65536
_SPARSE = 1 << 20
_SUBCLUSTERS = 32


class Snapshot(Frozen):
    """An internal snapshot.

    ``id`` and ``name`` are text; ``l1_offset`` is in bytes, ``l1_size`` counts entries;
    ``vm_state_size`` is the length of the stream in bytes, ``disk_size`` that of the disk.
    ``date`` is in seconds since the epoch, ``vm_clock`` in nanoseconds.
    """

    id: str
    name: str
    l1_offset: int
    l1_size: int
    vm_state_size: int
    disk_size: int
    date: int = 0
    vm_clock: int = 0

    @property
    def called(self) -> str:
        """Its name for messages."""
        return printable(self.name or self.id)


class _Image(Frozen):
    """``data`` is where guest clusters are: the image itself, or its data file."""

    view: memoryview
    data: memoryview
    cluster_bits: int
    disk_size: int
    l1_offset: int
    l1_size: int
    snapshots_offset: int
    snapshot_count: int
    extended: bool
    compression: str
    backed: bool

    @property
    def cluster(self) -> int:
        """Bytes of a cluster."""
        return 1 << self.cluster_bits

    @property
    def l2_bits(self) -> int:
        """The exponent of the entries in an L2 table."""
        return self.cluster_bits - (4 if self.extended else 3)


class _Run(Frozen):
    """``length`` bytes at an ``offset`` of the data; zeros where it is -1.  ``entry`` is that of
    a compressed cluster."""

    offset: int
    length: int
    entry: int = 0


def _image(view: memoryview, folder: str | None) -> _Image:
    cursor = Cursor(view, 4, path="qcow2")
    version = cursor.u32()
    if version not in (2, 3):
        raise Unreadable(f"a qcow2 image of version {version}", 4, "qcow2")
    backing = cursor.u64()
    cursor.skip(4)
    bits, size, crypt = cursor.u32(), cursor.u64(), cursor.u32()
    if not 9 <= bits <= 21:
        raise Malformed(f"clusters of 1 << {bits} bytes", 20, "qcow2")
    if crypt:
        how = _ENCRYPTIONS.get(crypt, f"method {crypt}")
        message = f"the image is encrypted ({how})"
        raise Unreadable(message, 32, "qcow2", "decrypt it with qemu-img convert")
    l1_size, l1_offset = cursor.u32(), cursor.u64()
    cursor.skip(8 + 4)
    count, offset = cursor.u32(), cursor.u64()
    features, compression, length = 0, 0, 72
    if version == 3:
        features = cursor.u64()
        cursor.skip(8 + 8 + 4)
        length = cursor.u32()
        if length > 104 and features & _OTHER_COMPRESSION:
            compression = cursor.u8()
    if unknown := features & ~0x1F:
        raise Unreadable(f"the image has unknown features {unknown:#x}", 72, "qcow2")
    if compression not in _COMPRESSIONS:
        message = f"clusters compressed by method {compression}"
        raise Unreadable(message, 104, "qcow2")
    data = view
    if features & _EXTERNAL_DATA:
        data = _data_file(_data_name(view, length), folder)
    return _Image(
        view, data, bits, size, l1_offset, l1_size, offset, count,
        bool(features & _EXTENDED_L2), _COMPRESSIONS[compression], bool(backing),
    )  # fmt: skip


def _data_name(view: memoryview, length: int) -> str:
    """The data file that a header extension names; empty for none."""
    cursor = Cursor(view, min(length, len(view)), path="qcow2")
    while cursor.left() >= 8:
        kind, size = cursor.u32(), cursor.u32()
        if not kind:
            break
        data = cursor.take(size)
        if kind == _DATA_FILE:
            return text(data)
        cursor.skip(min(-size % 8, cursor.left()))
    return ""


def _data_file(name: str, folder: str | None) -> memoryview:
    """The file beside the image that keeps its data.

    An image may name any file: one that is not in its folder is not looked for.
    """
    from vmgen.stream.input import mapped

    message = f"the image keeps its data in another file, '{printable(name)}'"
    if not name or folder is None or os.path.basename(name) != name:
        hint = "give the image as a file, with the data file in the same folder"
        raise Unreadable(message, 72, "qcow2", hint)
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return mapped(file)
    except OSError as error:
        raise Unreadable(f"{message}: {error.strerror}", 72, "qcow2") from None


def snapshots(view: memoryview) -> tuple[Snapshot, ...]:
    """The snapshots of an image, in the order of its table.

    Raises Unreadable, Malformed or Truncated.
    """
    return _snapshots(_image(view, None))


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
        date = cursor.u32()
        cursor.skip(4)
        clock = cursor.u64()
        state_size, extra_size = cursor.u32(), cursor.u32()
        extra = Cursor(image.view, cursor.skip(extra_size), cursor.pos, "qcow2")
        disk_size = image.disk_size
        if extra.left() >= 8:
            state_size = extra.u64()
        if extra.left() >= 8:
            disk_size = extra.u64()
        identity, name = text(cursor.take(id_size)), text(cursor.take(name_size))
        found.append(
            Snapshot(
                identity, name, l1_offset, l1_size, state_size, disk_size, date, clock
            )
        )
        padding = -(cursor.pos - start) % 8
        cursor.skip(min(padding, cursor.left()))
    return tuple(found)


def _chosen(found: tuple[Snapshot, ...], wanted: str) -> Snapshot:
    states = [one for one in found if one.vm_state_size]
    if wanted:
        states = [one for one in states if wanted in (one.name, one.id)]
        # A number can be the name of one and the id of another, as qemu-img has it.
        states = [one for one in states if one.name == wanted] or states
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


class _Images:
    needs_all = True
    several = True

    def open(self, source: Source, wanted: CarrierRequest) -> Unwrapped:
        """The stream of a snapshot, or the one that the disk begins with.

        Raises NotFound or Ambiguous where ``wanted`` does not tell, Malformed or Truncated
        for an image that is damaged.
        """
        assert isinstance(source, memoryview)
        image = _image(source, wanted.folder)
        found = _snapshots(image)
        states = any(one.vm_state_size for one in found)
        volume = None if wanted.snapshot or states else _volume(image)
        if volume is not None:
            return Unwrapped(Pieces(_pieces(image, volume)), prefix=None)
        snapshot = _chosen(found, wanted.snapshot)
        runs = _runs(image, snapshot)
        first = next(runs)
        if first.length == snapshot.vm_state_size and first.offset >= 0:
            view = image.data[first.offset : first.offset + first.length]
            return Unwrapped(view, first.offset, prefix=None)
        return Unwrapped(Pieces(_pieces(image, _behind(first, runs))), prefix=None)

    def held(self, view: memoryview, wanted: CarrierRequest) -> tuple[Held, ...]:
        """Every snapshot, without a size where it has no machine's state; the volume itself
        if it begins with a stream."""
        image = _image(view, wanted.folder)
        found = [_held(image, one) for one in _snapshots(image)]
        if not any(one.size for one in found):
            runs = _volume(image)
            if runs is not None and (first := next(runs, None)) is not None:
                found.append(Held(start=first.offset))
        return tuple(found)


def carrier(kind: str) -> Carrier:
    """qcow2 images."""
    return _Images()


def _held(image: _Image, one: Snapshot) -> Held:
    start = None
    if one.vm_state_size:
        try:
            first = next(_runs(image, one), None)
        except StreamError:  # whoever opens it says what is wrong with it
            first = None
        start = None if first is None or first.offset < 0 else first.offset
    size = one.vm_state_size or None
    return Held(one.id, one.name, one.date, one.vm_clock, size, start)


def _behind(first: _Run, runs: Iterator[_Run]) -> Iterator[_Run]:
    yield first
    yield from runs


def _pieces(image: _Image, runs: Iterator[_Run]) -> Iterator[Buffer]:
    """The bytes of every run.

    Where compressed data ends only inflating it tells.  If all of it together is more than
    the file, clusters share it, and a few bytes could be made gigabytes.
    """
    packed = 0
    for run in runs:
        if run.entry:
            data, size = _inflated(image, run.entry, run.length)
            packed += size
            if packed > len(image.view):
                raise Malformed("compressed clusters share their data", None, "qcow2")
            yield data
        elif run.offset < 0:
            for at in range(0, run.length, _SPARSE):
                yield bytes(min(_SPARSE, run.length - at))
        else:
            yield image.data[run.offset : run.offset + run.length]


def _volume(image: _Image) -> Iterator[_Run] | None:
    """The runs of the disk up to its last cluster, if it begins with a stream."""

    table = image.l1_offset, image.l1_size
    clusters = _Clusters(image, image.backed)
    try:
        first = clusters.first(*table, image.disk_size)
        head = b"" if first is None else next(_pieces(image, iter([first])), b"")
    except StreamError:  # the disk of a guest is nothing to complain about
        return None
    if bytes(head[:4]) != MAGIC:
        return None
    clusters = _Clusters(image, image.backed)
    return clusters.runs(*table, 0, image.disk_size, False)


def _runs(image: _Image, snapshot: Snapshot) -> Iterator[_Run]:
    per_l1 = image.cluster << image.l2_bits
    first = -(-snapshot.disk_size // per_l1)
    left = snapshot.vm_state_size
    if snapshot.l1_offset + 8 * snapshot.l1_size > len(image.view):
        raise _damaged("the L1 table", snapshot.l1_offset)
    if left > (snapshot.l1_size - first) * per_l1:
        message = f"a state of {left} bytes does not fit into the L1 table"
        raise Malformed(message, snapshot.l1_offset, "qcow2")
    table = snapshot.l1_offset, snapshot.l1_size
    return _Clusters(image, False).runs(*table, first, left, True)


class _Clusters:
    """One walk through the tables of an image.

    ``backed`` says that what is not allocated is in another image.
    """

    def __init__(self, image: _Image, backed: bool) -> None:
        self._image = image
        self._backed = backed
        self._used = bytearray((len(image.view) >> image.cluster_bits) + 1)
        own = image.data is image.view
        size = (len(image.data) >> image.cluster_bits) + 1
        self._used_data = self._used if own else bytearray(size)
        self._packed: set[int] = set()

    def _begin(self, offset: int, size: int) -> None:
        """Header and L1 table are no clusters of data."""
        end = offset + 8 * size
        if end > len(self._image.view):
            raise _damaged("the L1 table", offset)
        bits = self._image.cluster_bits
        for number in (0, *range(offset >> bits, -(-end >> bits))):
            self._used[number] = 1

    def first(self, l1_offset: int, l1_size: int, left: int) -> _Run | None:
        """The first piece, not joined with others."""
        self._begin(l1_offset, l1_size)
        return next(self._entries(l1_offset, range(l1_size), left), None)

    def runs(
        self, l1_offset: int, l1_size: int, first: int, left: int, whole: bool
    ) -> Iterator[_Run]:
        """``left`` bytes from the L1 entry ``first`` on, neighbours joined; without the zeros
        at the end unless ``whole``."""
        view = self._image.view
        self._begin(l1_offset, l1_size)
        zeros, hole = 0, 0
        last: _Run | None = None
        for run in self._entries(l1_offset, range(first, l1_size), left):
            left -= run.length
            if run.offset < 0 and not run.entry:
                hole += run.length
                if whole and zeros + hole > len(view) + _SPARSE:
                    raise _missing(l1_offset)
                continue
            zeros += hole
            if zeros > len(self._image.data) + len(view) + _SPARSE:
                raise _missing(l1_offset)
            if last is not None:
                plain = not (hole or last.entry or run.entry)
                if plain and last.offset + last.length == run.offset:
                    last = _Run(last.offset, last.length + run.length)
                    continue
                yield last
            if hole:
                yield _Run(-1, hole)
            last, hole = run, 0
        if last is not None:
            yield last
        if whole and hole + left:
            yield _Run(-1, hole + left)

    def _entries(self, l1_offset: int, indexes: range, left: int) -> Iterator[_Run]:
        image = self._image
        cluster, count = image.cluster, 1 << image.l2_bits
        step = 16 if image.extended else 8
        for index in indexes:
            if not left:
                return
            at = l1_offset + 8 * index
            table = int.from_bytes(image.view[at : at + 8], "big") & _OFFSET
            if not table:
                length = min(left, cluster * count)
                left -= length
                yield self._unallocated(length)
                continue
            self._once(self._used, table, "an L2 table")
            if table + cluster > len(image.view):
                raise _damaged("an L2 table", table)
            for at in range(table, table + cluster, step):
                length = min(left, cluster)
                left -= length
                entry = int.from_bytes(image.view[at : at + 8], "big")
                if image.extended and not entry & _COMPRESSED:
                    bitmap = int.from_bytes(image.view[at + 8 : at + 16], "big")
                    yield from self._subclusters(entry & _OFFSET, bitmap, length, at)
                else:
                    yield self._cluster(entry, length)
                if not left:
                    return

    def _unallocated(self, length: int) -> _Run:
        if self._backed:
            message = "a part of the stream is in the backing file of the image"
            hint = "make one image of both: qemu-img convert -O qcow2"
            raise Unreadable(message, None, "qcow2", hint)
        return _Run(-1, length)

    def _cluster(self, entry: int, length: int) -> _Run:
        if entry & _COMPRESSED:
            if entry in self._packed:
                raise Malformed("a compressed cluster is used twice", None, "qcow2")
            self._packed.add(entry)
            return _Run(-1, length, entry)
        offset = entry & _OFFSET
        if entry & _ZERO:
            return _Run(-1, length)
        # In a data file the first cluster can be at 0; the entry is then not all zero.
        if not offset and (self._image.data is self._image.view or not entry):
            return self._unallocated(length)
        self._allocated(offset, length)
        return _Run(offset, length)

    def _allocated(self, offset: int, length: int) -> None:
        self._once(self._used_data, offset, "a cluster")
        if offset + length > len(self._image.data):
            raise _damaged("a cluster", offset)

    def _subclusters(
        self, offset: int, bitmap: int, length: int, at: int
    ) -> Iterator[_Run]:
        """The 32 parts of a cluster: each allocated, zero, or neither."""
        allocated, zero = bitmap & 0xFFFFFFFF, bitmap >> 32
        own = self._image.data is self._image.view
        if allocated & zero or (allocated and not offset and own):
            raise Malformed("a bitmap of subclusters that cannot be", at, "qcow2")
        if allocated:
            self._once(self._used_data, offset, "a cluster")
        size = self._image.cluster // _SUBCLUSTERS
        for index in range(_SUBCLUSTERS):
            if not length:
                return
            part = min(length, size)
            length -= part
            if allocated >> index & 1:
                place = offset + index * size
                if place + part > len(self._image.data):
                    raise _damaged("a subcluster", place)
                yield _Run(place, part)
            elif zero >> index & 1:
                yield _Run(-1, part)
            else:
                yield self._unallocated(part)

    def _once(self, used: bytearray, offset: int, what: str) -> None:
        """A cluster can be in one place only."""
        if offset & (self._image.cluster - 1):
            message = f"{what} at {offset:#x}, inside of a cluster"
            raise Malformed(message, offset, "qcow2")
        number = offset >> self._image.cluster_bits
        if number >= len(used):
            raise _damaged(what, offset)
        if used[number]:
            raise Malformed(f"{what} at {offset:#x} is used twice", offset, "qcow2")
        used[number] = 1


def _missing(at: int) -> Malformed:
    return Malformed("most of the state is missing", at, "qcow2")


def _damaged(what: str, offset: int) -> Malformed:
    return Malformed(f"{what} is outside of the file", offset, "qcow2")


def _inflated(image: _Image, entry: int, length: int) -> tuple[bytes, int]:
    """The first bytes of a compressed cluster, and how many bytes of the file it takes."""
    from vmgen.stream.carriers.compression import cluster

    # The offset has the low bits, the number of further sectors those above.
    shift = 62 - (image.cluster_bits - 8)
    start = entry & ((1 << shift) - 1)
    sectors = (entry & (_COMPRESSED - 1)) >> shift
    size = (sectors + 1) * 512 - (start & 511)
    data = image.view[start : start + size]
    made, taken = cluster(image.compression, data, image.cluster, start)
    if len(made) < length:
        raise Malformed("a compressed cluster that is too short", start, "qcow2")
    return made[:length], taken
