"""SCSI requests that are under way: what ``put_scsi_requests`` (``hw/scsi/scsi-bus.c``)
writes, with what the adapter and the device add to each.

Which adapter and which kind of device it is, the bytes do not say.  Where there are
requests, the one way to read them that ends where the stream's description says is
taken; else the context is asked.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ._formats import FormatPart, FormatSite, Reader, Writer, only_way
from ._runtime import (
    Array,
    BadValue,
    Buffer,
    Owner,
    Scope,
    State,
    zeros,
)
from ._runtime import (
    factory as _default,
)
from ._virtqueue import VirtQueueElement, read_element, write_element

ADAPTERS = ("", "virtio-scsi", "virtio-scsi packed", "mptsas", "spapr-vscsi")
"""What adds to a request: nothing (esp, lsi, megasas, usb-storage, ...), virtio-scsi with
either kind of ring, mptsas1068, spapr-vscsi."""

DEVICES = ("disk", "disk dma", "block", "generic")
"""What the device adds: a disk to all requests, or (``migrate-emulated-scsi-request``
off, and before 8.2) to reads and writes only; scsi-block to reads and writes as a disk
and to others as scsi-generic does."""

DMA = frozenset(b"\x08\x0a\x28\x2a\x2e\x2f\x88\x8a\x8e\x8f\xa8\xaa\xae\xaf")
"""READ, WRITE, VERIFY and WRITE AND VERIFY: a disk's own requests."""

TO_DEVICE = frozenset(
    b"\x04\x07\x0a\x15\x18\x1b\x1d\x24\x2a\x2e\x2f\x30\x31\x32\x38\x39\x3a\x3b\x3d\x3f"
    b"\x40\x41\x42\x4c\x55\x5d\x5f\x8a\x8e\x8f\x93\xa4\xaa\xae\xaf\xb0\xb1\xb2\xb6\xbf"
)
"""Commands whose data goes to the device (``scsi_cmd_xfer_mode``)."""

REQUEST_SIZE = 48
"""``MPIMsgSCSIIORequest`` in bytes."""


class SCSIDiskData(State):
    """What a disk adds to a request.

    ``data`` is there if ``buflen`` is not 0, unless it is read and will be tried again.
    """

    sector: int = 0
    sector_count: int = 0
    buflen: int = 0
    data: bytearray | None = None


class SCSIGenericData(State):
    """What a passed-through device adds to a request."""

    buflen: int = 0
    data: bytearray | None = None


class VirtIOSCSIData(State):
    """What virtio-scsi adds to a request: its queue and the guest's buffers."""

    queue: int = 0
    elem: VirtQueueElement = _default(VirtQueueElement)


class MPTSASData(State):
    """What mptsas1068 adds to a request: the guest's message and the memory it names."""

    scsi_io: bytearray = _default(lambda: bytearray(REQUEST_SIZE))
    base: Array = _default(lambda: zeros("Q", 0))
    len: Array = _default(lambda: zeros("Q", 0))


class SCSIRequestState(State):
    """A request: ``retry`` is 1 if it failed and will be tried again, 2 otherwise (QEMU
    takes all up to 127 for that).

    ``adapter`` is what the host adapter adds, ``device`` what the device adds.
    """

    retry: int = 2
    cmd: bytearray = _default(lambda: bytearray(16))
    tag: int = 0
    lun: int = 0
    adapter: Any = None
    device: SCSIDiskData | SCSIGenericData | None = None


def read_scsi_requests(
    buf: Buffer, pos: int, site: FormatSite, *, vscsi: FormatPart | None = None
) -> tuple[list[SCSIRequestState], int]:
    """The requests of a device, ended by a byte that is not positive."""
    if pos < len(buf) and not buf[pos]:
        return [], pos + 1
    adapter, device = (
        site.told("SCSIRequest", member) for member in ("adapter", "device")
    )
    adapters = ADAPTERS if adapter is None else (str(adapter),)
    devices = DEVICES if device is None else (str(device),)
    if site.announced() is None and (adapter is None or device is None):
        what, member = (
            ("adapter", "adapter") if adapter is None else ("device", "device")
        )
        raise site.missing(f"what the {what} adds", "SCSIRequest", member, pos)
    ways = [
        partial(_requests, Reader(buf, pos, site.path), site, first, second, vscsi)
        for first in adapters
        for second in devices
    ]
    return only_way(site, pos, ways, "what the adapter adds", "SCSIRequest", "adapter")


def _requests(
    reader: Reader,
    site: FormatSite,
    adapter: str,
    device: str,
    vscsi: FormatPart | None,
) -> tuple[list[SCSIRequestState], int]:
    made: list[SCSIRequestState] = []
    while retry := reader.word(1, ""):
        name = f"[{len(made)}]"
        if retry > 127:
            # get_scsi_requests takes it for the end: it is no positive int8_t.
            raise BadValue(f"marker {retry}", reader.pos - 1, reader.named(name))
        one = SCSIRequestState(
            retry=retry,
            cmd=reader.raw(16, f"{name}.cmd"),
            tag=reader.word(4, f"{name}.tag"),
            lun=reader.word(4, f"{name}.lun"),
        )
        one.adapter = _read_adapter(reader, site, adapter, vscsi, f"{name}.adapter")
        one.device = _read_data(reader, one, device, f"{name}.device")
        made.append(one)
    return made, reader.pos


def _read_adapter(
    reader: Reader, site: FormatSite, adapter: str, vscsi: FormatPart | None, name: str
) -> Any:
    if adapter.startswith("virtio-scsi"):
        queue = reader.word(4, f"{name}.queue")
        packed = adapter.endswith("packed")
        return VirtIOSCSIData(
            queue=queue, elem=read_element(reader, packed, f"{name}.elem")
        )
    if adapter == "mptsas":
        made = MPTSASData(scsi_io=reader.raw(REQUEST_SIZE, f"{name}.scsi_io"))
        for index in range(reader.word(4, f"{name}.base")):
            made.base.append(reader.word(8, f"{name}.base[{index}]"))
            made.len.append(reader.word(8, f"{name}.len[{index}]"))
        return made
    if adapter == "spapr-vscsi":
        if vscsi is None:
            raise BadValue(
                "this target has no spapr-vscsi", reader.pos, reader.named(name)
            )
        return reader.part(vscsi, Scope(site.scope.context, None), (), name)
    if adapter:
        raise BadValue(f"unknown adapter {adapter!r}", reader.pos, reader.named(name))
    return None


def _to_device(cmd: bytearray) -> bool:
    if cmd[0] in (0x85, 0xA1):  # ATA pass-through says it itself
        return not cmd[2] & 8
    return cmd[0] in TO_DEVICE


def _read_data(
    reader: Reader, one: SCSIRequestState, device: str, name: str
) -> SCSIDiskData | SCSIGenericData | None:
    dma = one.cmd[0] in DMA
    if device == "generic" or (device == "block" and not dma):
        buflen = reader.word(4, f"{name}.buflen")
        data = None
        if buflen and _to_device(one.cmd):
            data = reader.raw(buflen, f"{name}.data")
        return SCSIGenericData(buflen=buflen, data=data)
    if device == "disk dma" and not dma:
        return None
    made = SCSIDiskData(
        sector=reader.word(8, f"{name}.sector"),
        sector_count=reader.word(4, f"{name}.sector_count"),
        buflen=reader.word(4, f"{name}.buflen"),
    )
    if made.buflen and _to_device(one.cmd):
        # scsi_init_iovec maps as much as the sectors are, at most the buffer.
        size = min(512 * made.sector_count, made.buflen)
        made.data = reader.raw(size, f"{name}.data")
    elif made.buflen and one.retry != 1:
        made.data = reader.raw(reader.word(4, f"{name}.data"), f"{name}.data")
    return made


def write_scsi_requests(
    value: list[SCSIRequestState],
    out: list[bytes],
    owner: Owner,
    path: str,
    *,
    vscsi: FormatPart | None = None,
) -> None:
    """The requests of a device."""
    writer = Writer(out, path)
    for index, one in enumerate(value):
        name = f"[{index}]"
        if not 1 <= one.retry <= 127:
            raise BadValue("not 1 to 127", None, writer.named(f"{name}.retry"))
        writer.word(one.retry, 1, f"{name}.retry")
        writer.raw(one.cmd, 16, f"{name}.cmd")
        writer.word(one.tag, 4, f"{name}.tag")
        writer.word(one.lun, 4, f"{name}.lun")
        _write_adapter(writer, one.adapter, vscsi, f"{name}.adapter")
        _write_data(writer, one, f"{name}.device")
    writer.word(0, 1, "")


def _write_adapter(
    writer: Writer, value: Any, vscsi: FormatPart | None, name: str
) -> None:
    if isinstance(value, VirtIOSCSIData):
        writer.word(value.queue, 4, f"{name}.queue")
        write_element(writer, value.elem, value.elem.ndescs is not None, f"{name}.elem")
    elif isinstance(value, MPTSASData):
        writer.raw(value.scsi_io, REQUEST_SIZE, f"{name}.scsi_io")
        if len(value.base) != len(value.len):
            raise BadValue("not as many as base", None, writer.named(f"{name}.len"))
        writer.word(len(value.base), 4, f"{name}.base")
        for index, base in enumerate(value.base):
            writer.word(base, 8, f"{name}.base[{index}]")
            writer.word(value.len[index], 8, f"{name}.len[{index}]")
    elif value is not None:
        if vscsi is None:
            raise BadValue("no adapter adds that", None, writer.named(name))
        writer.part(vscsi, value, (), name)


def _write_data(writer: Writer, one: SCSIRequestState, name: str) -> None:
    data = one.device
    to_device = _to_device(one.cmd)
    if isinstance(data, SCSIGenericData):
        writer.word(data.buflen, 4, f"{name}.buflen")
        there, counted = bool(data.buflen) and to_device, False
        size: int | None = data.buflen
    elif isinstance(data, SCSIDiskData):
        writer.word(data.sector, 8, f"{name}.sector")
        writer.word(data.sector_count, 4, f"{name}.sector_count")
        writer.word(data.buflen, 4, f"{name}.buflen")
        counted = not to_device
        there = bool(data.buflen) and (to_device or one.retry != 1)
        size = None if counted else min(512 * data.sector_count, data.buflen)
    else:
        return
    if (data.data is not None) != there:
        reason = "must be present" if there else "must be absent (None)"
        raise BadValue(reason, None, writer.named(f"{name}.data"))
    if data.data is not None:
        if counted:
            writer.word(len(data.data), 4, f"{name}.data")
        writer.raw(data.data, size, f"{name}.data")
