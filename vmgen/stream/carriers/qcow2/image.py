"""The header of a qcow2 image, its data file, and the table of its snapshots."""

from __future__ import annotations

import os

from vmgen.stream.errors import Malformed, Unreadable
from vmgen.stream.frozen import Frozen
from vmgen.stream.wire import Cursor, printable, text

_EXTERNAL_DATA, _OTHER_COMPRESSION, _EXTENDED_L2 = 4, 8, 16
_DATA_FILE = 0x44415441
_ENCRYPTIONS = {1: "AES", 2: "LUKS"}
_COMPRESSIONS = {0: "deflate", 1: "zstd"}
_MOST_SNAPSHOTS = 65536


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


class Qcow2Image(Frozen):
    """What the header says; offsets are bytes of the file, ``l1_size`` counts entries.

    ``data`` is where guest clusters are: the image itself, or its data file.
    """

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


def image_of(view: memoryview, folder: str | None) -> Qcow2Image:
    """What the header says of an image in a folder, with its data file from there.

    Raises Unreadable, Malformed or Truncated.
    """
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
    return Qcow2Image(
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


def snapshots_of(image: Qcow2Image) -> tuple[Snapshot, ...]:
    """The snapshots, in the order of their table; Malformed or Truncated for none that can
    be."""
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
