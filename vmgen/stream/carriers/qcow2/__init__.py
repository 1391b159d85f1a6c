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

from collections.abc import Iterator

from vmgen.stream.carriers import Held, Unwrapped
from vmgen.stream.carriers.pipes import Pieces
from vmgen.stream.carriers.qcow2.clusters import (
    COMPRESSED,
    ClusterRun,
    Clusters,
    damaged,
)
from vmgen.stream.carriers.qcow2.image import (
    Qcow2Image,
    Snapshot,
    image_of,
    snapshots_of,
)
from vmgen.stream.errors import Ambiguous, Malformed, NotFound, StreamError
from vmgen.stream.wire import MAGIC, Buffer, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmgen.stream.carriers import Carrier, CarrierRequest, Source

_ZEROS = 1 << 20
"""So many bytes of zeros are made at once."""


def snapshots(view: memoryview) -> tuple[Snapshot, ...]:
    """The snapshots of an image, in the order of its table.

    Raises Unreadable, Malformed or Truncated.
    """
    return snapshots_of(image_of(view, None))


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
        image = image_of(source, wanted.folder)
        found = snapshots_of(image)
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
        image = image_of(view, wanted.folder)
        found = [_held(image, one) for one in snapshots_of(image)]
        if not any(one.size for one in found):
            runs = _volume(image)
            if runs is not None and (first := next(runs, None)) is not None:
                found.append(Held(start=first.offset))
        return tuple(found)


def carrier(kind: str) -> Carrier:
    """qcow2 images."""
    return _Images()


def _held(image: Qcow2Image, one: Snapshot) -> Held:
    start = None
    if one.vm_state_size:
        try:
            first = next(_runs(image, one), None)
        except StreamError:  # whoever opens it says what is wrong with it
            first = None
        start = None if first is None or first.offset < 0 else first.offset
    size = one.vm_state_size or None
    return Held(one.id, one.name, one.date, one.vm_clock, size, start)


def _behind(first: ClusterRun, runs: Iterator[ClusterRun]) -> Iterator[ClusterRun]:
    yield first
    yield from runs


def _pieces(image: Qcow2Image, runs: Iterator[ClusterRun]) -> Iterator[Buffer]:
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
            for at in range(0, run.length, _ZEROS):
                yield bytes(min(_ZEROS, run.length - at))
        else:
            yield image.data[run.offset : run.offset + run.length]


def _volume(image: Qcow2Image) -> Iterator[ClusterRun] | None:
    """The runs of the disk up to its last cluster, if it begins with a stream."""

    table = image.l1_offset, image.l1_size
    clusters = Clusters(image, image.backed)
    try:
        first = clusters.first(*table, image.disk_size)
        head = b"" if first is None else next(_pieces(image, iter([first])), b"")
    except StreamError:  # the disk of a guest is nothing to complain about
        return None
    if bytes(head[:4]) != MAGIC:
        return None
    clusters = Clusters(image, image.backed)
    return clusters.runs(*table, 0, image.disk_size, False)


def _runs(image: Qcow2Image, snapshot: Snapshot) -> Iterator[ClusterRun]:
    per_l1 = image.cluster << image.l2_bits
    first = -(-snapshot.disk_size // per_l1)
    left = snapshot.vm_state_size
    if snapshot.l1_offset + 8 * snapshot.l1_size > len(image.view):
        raise damaged("the L1 table", snapshot.l1_offset)
    if left > (snapshot.l1_size - first) * per_l1:
        message = f"a state of {left} bytes does not fit into the L1 table"
        raise Malformed(message, snapshot.l1_offset, "qcow2")
    table = snapshot.l1_offset, snapshot.l1_size
    return Clusters(image, False).runs(*table, first, left, True)


def _inflated(image: Qcow2Image, entry: int, length: int) -> tuple[bytes, int]:
    """The first bytes of a compressed cluster, and how many bytes of the file it takes."""
    from vmgen.stream.carriers.compression import cluster

    # The offset has the low bits, the number of further sectors those above.
    shift = 62 - (image.cluster_bits - 8)
    start = entry & ((1 << shift) - 1)
    sectors = (entry & (COMPRESSED - 1)) >> shift
    size = (sectors + 1) * 512 - (start & 511)
    data = image.view[start : start + size]
    made, taken = cluster(image.compression, data, image.cluster, start)
    if len(made) < length:
        raise Malformed("a compressed cluster that is too short", start, "qcow2")
    return made[:length], taken
