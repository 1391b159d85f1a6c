"""Where the clusters of a qcow2 image are: its L1 and L2 tables, walked once."""

from __future__ import annotations

from collections.abc import Iterator

from vmgen.stream.carriers.qcow2.image import Qcow2Image
from vmgen.stream.errors import Malformed, Unreadable
from vmgen.stream.frozen import Frozen

_OFFSET = 0x00FFFFFFFFFFFE00
COMPRESSED = 1 << 62
"""The bit of an L2 entry that names compressed data."""

_ZERO = 1
_SPARSE = 1 << 20
"""So many bytes more than a file has may be zeros that it does not have."""

_SUBCLUSTERS = 32


class ClusterRun(Frozen):
    """``length`` bytes at an ``offset`` of the data; zeros where it is -1.  ``entry`` is that of
    a compressed cluster."""

    offset: int
    length: int
    entry: int = 0


class Clusters:
    """One walk through the tables of an image.

    ``backed`` says that what is not allocated is in another image.
    """

    def __init__(self, image: Qcow2Image, backed: bool) -> None:
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
            raise damaged("the L1 table", offset)
        bits = self._image.cluster_bits
        for number in (0, *range(offset >> bits, -(-end >> bits))):
            self._used[number] = 1

    def first(self, l1_offset: int, l1_size: int, left: int) -> ClusterRun | None:
        """The first piece, not joined with others."""
        self._begin(l1_offset, l1_size)
        return next(self._entries(l1_offset, range(l1_size), left), None)

    def runs(
        self, l1_offset: int, l1_size: int, first: int, left: int, whole: bool
    ) -> Iterator[ClusterRun]:
        """``left`` bytes from the L1 entry ``first`` on, neighbours joined; without the zeros
        at the end unless ``whole``."""
        view = self._image.view
        self._begin(l1_offset, l1_size)
        zeros, hole = 0, 0
        last: ClusterRun | None = None
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
                    last = ClusterRun(last.offset, last.length + run.length)
                    continue
                yield last
            if hole:
                yield ClusterRun(-1, hole)
            last, hole = run, 0
        if last is not None:
            yield last
        if whole and hole + left:
            yield ClusterRun(-1, hole + left)

    def _entries(
        self, l1_offset: int, indexes: range, left: int
    ) -> Iterator[ClusterRun]:
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
                raise damaged("an L2 table", table)
            for at in range(table, table + cluster, step):
                length = min(left, cluster)
                left -= length
                entry = int.from_bytes(image.view[at : at + 8], "big")
                if image.extended and not entry & COMPRESSED:
                    bitmap = int.from_bytes(image.view[at + 8 : at + 16], "big")
                    yield from self._subclusters(entry & _OFFSET, bitmap, length, at)
                else:
                    yield self._cluster(entry, length)
                if not left:
                    return

    def _unallocated(self, length: int) -> ClusterRun:
        if self._backed:
            message = "a part of the stream is in the backing file of the image"
            hint = "make one image of both: qemu-img convert -O qcow2"
            raise Unreadable(message, None, "qcow2", hint)
        return ClusterRun(-1, length)

    def _cluster(self, entry: int, length: int) -> ClusterRun:
        if entry & COMPRESSED:
            if entry in self._packed:
                raise Malformed("a compressed cluster is used twice", None, "qcow2")
            self._packed.add(entry)
            return ClusterRun(-1, length, entry)
        offset = entry & _OFFSET
        if entry & _ZERO:
            return ClusterRun(-1, length)
        # In a data file the first cluster can be at 0; the entry is then not all zero.
        if not offset and (self._image.data is self._image.view or not entry):
            return self._unallocated(length)
        self._allocated(offset, length)
        return ClusterRun(offset, length)

    def _allocated(self, offset: int, length: int) -> None:
        self._once(self._used_data, offset, "a cluster")
        if offset + length > len(self._image.data):
            raise damaged("a cluster", offset)

    def _subclusters(
        self, offset: int, bitmap: int, length: int, at: int
    ) -> Iterator[ClusterRun]:
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
                    raise damaged("a subcluster", place)
                yield ClusterRun(place, part)
            elif zero >> index & 1:
                yield ClusterRun(-1, part)
            else:
                yield self._unallocated(part)

    def _once(self, used: bytearray, offset: int, what: str) -> None:
        """A cluster can be in one place only."""
        if offset & (self._image.cluster - 1):
            message = f"{what} at {offset:#x}, inside of a cluster"
            raise Malformed(message, offset, "qcow2")
        number = offset >> self._image.cluster_bits
        if number >= len(used):
            raise damaged(what, offset)
        if used[number]:
            raise Malformed(f"{what} at {offset:#x} is used twice", offset, "qcow2")
        used[number] = 1


def _missing(at: int) -> Malformed:
    return Malformed("most of the state is missing", at, "qcow2")


def damaged(what: str, offset: int) -> Malformed:
    """The error for a table or a cluster that the file does not have."""
    return Malformed(f"{what} is outside of the file", offset, "qcow2")
