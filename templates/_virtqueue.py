"""Requests of virtio devices that are under way: the elements of a virtqueue, and what
virtio-blk and virtio-serial write of theirs."""

from __future__ import annotations

from array import array
from typing import Any

from ._formats import Reader, Writer, words_of
from ._runtime import (
    PACK_ERRORS,
    Array,
    BadValue,
    State,
    array_u64,
    zeros,
)
from ._runtime import (
    factory as _default,
)

MAX_SEGMENTS = 1024


class VirtQueueElement(State):
    """A request of the guest that is under way (``VirtQueueElementOld``,
    ``hw/virtio/virtio.c``): the memory of the host that wrote it, in its byte order.

    ``in_addr`` and ``out_addr`` have room for 1024 guest addresses; ``in_sg`` and
    ``out_sg`` hold a base (0 on the wire) and a length for each.  ``ndescs`` is there on
    packed rings only; QEMU writes it in front of the element and looks for it behind, so
    it does not take such a stream itself.
    """

    index: int = 0
    out_num: int = 0
    in_num: int = 0
    padding: int = 0
    in_addr: Array = _default(lambda: zeros("Q", MAX_SEGMENTS))
    out_addr: Array = _default(lambda: zeros("Q", MAX_SEGMENTS))
    in_sg: Array = _default(lambda: zeros("Q", 2 * MAX_SEGMENTS))
    out_sg: Array = _default(lambda: zeros("Q", 2 * MAX_SEGMENTS))
    ndescs: int | None = None
    big_endian: bool = False


def read_element(reader: Reader, packed: bool, member: str) -> VirtQueueElement:
    """A virtqueue element; the host's byte order is the one in which the numbers of
    segments are at most 1024, as QEMU asserts, little-endian if both are."""
    ndescs = reader.word(4, f"{member}.ndescs") if packed else None
    start = reader.pos
    data = bytes(reader.raw(16 + 48 * MAX_SEGMENTS, member))
    words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, 16, 4)]
    big = max(words[1:3]) > MAX_SEGMENTS
    if big:
        words = [int.from_bytes(data[at : at + 4], "big") for at in range(0, 16, 4)]
    if max(words[1:3]) > MAX_SEGMENTS:
        raise BadValue(
            f"more than {MAX_SEGMENTS} segments", start, reader.named(member)
        )
    arrays = []
    at = 16
    for count in (1, 1, 2, 2):
        size = 8 * count * MAX_SEGMENTS
        items = array_u64(data[at : at + size])
        if not big:
            items.byteswap()
        arrays.append(items)
        at += size
    return VirtQueueElement(
        index=words[0], out_num=words[1], in_num=words[2], padding=words[3],
        in_addr=arrays[0], out_addr=arrays[1], in_sg=arrays[2], out_sg=arrays[3],
        ndescs=ndescs, big_endian=big,
    )  # fmt: skip


def write_element(
    writer: Writer, value: VirtQueueElement, packed: bool, member: str
) -> None:
    """A virtqueue element."""
    path = writer.named(member)
    if (value.ndescs is not None) != packed:
        reason = "must be absent" if value.ndescs is not None else "must be present"
        raise BadValue(f"{reason} on this ring", None, f"{path}.ndescs")
    if value.ndescs is not None:
        writer.word(value.ndescs, 4, f"{member}.ndescs")
    order = "big" if value.big_endian else "little"
    names = ("index", "out_num", "in_num", "padding")
    for name in names:
        number = getattr(value, name)
        if name in ("out_num", "in_num") and not 0 <= number <= MAX_SEGMENTS:
            raise BadValue(f"{number} segments", None, f"{path}.{name}")
        try:
            word = int(number).to_bytes(4, "big" if order == "big" else "little")
        except PACK_ERRORS as error:
            raise BadValue(
                f"{number!r} does not fit: {error}", None, f"{path}.{name}"
            ) from None
        writer.out.append(word)
    for name, count in (("in_addr", 1), ("out_addr", 1), ("in_sg", 2), ("out_sg", 2)):
        data = words_of(getattr(value, name), count * MAX_SEGMENTS, f"{path}.{name}")
        if not value.big_endian:
            items = array("Q", data)
            items.byteswap()
            data = items.tobytes()
        writer.out.append(data)


# --- what virtio-blk and virtio-serial add ---------------------------------------------------


class VirtIOBlkRequest(State):
    """A block request under way; ``queue`` is there if the device has several queues."""

    queue: int | None = None
    elem: VirtQueueElement = _default(VirtQueueElement)


class VirtIOBlkRequests(State):
    """The requests of a virtio-blk device that are under way."""

    requests: list[VirtIOBlkRequest] = _default(list)


class VirtIOSerialPort(State):
    """An active port; ``elem`` is the buffer it was writing out, if it was."""

    id: int = 0
    guest_connected: int = 0
    host_connected: int = 0
    iov_idx: int = 0
    iov_offset: int = 0
    elem_popped: int = 0
    elem: VirtQueueElement | None = None


class VirtIOSerialPorts(State):
    """The ports of a virtio-serial device.

    ``max_nr_ports`` is the guest's view of it, which may have its bytes swapped;
    ``ports_map`` has a bit for each port.
    """

    cols: int = 0
    rows: int = 0
    max_nr_ports: int = 0
    ports_map: list[int] = _default(list)
    ports: list[VirtIOSerialPort] = _default(list)


def read_own(
    reader: Reader, kind: str, several: bool, packed: bool
) -> VirtIOBlkRequests | VirtIOSerialPorts:
    """What the code of a ``blk`` or ``serial`` reads; ``several`` queues or one."""
    if kind == "blk":
        return _read_blk(reader, several, packed)
    return _read_serial(reader, packed)


def write_own(
    writer: Writer, value: Any, kind: str, several: bool, packed: bool
) -> None:
    """What the code of a ``blk`` or ``serial`` writes."""
    if kind == "blk":
        _write_blk(writer, value, several, packed)
    else:
        _write_serial(writer, value, packed)


def _read_blk(reader: Reader, several: bool, packed: bool) -> VirtIOBlkRequests:
    """A byte that is not 0, the queue if there are several, the element; ...; then 0."""
    made = VirtIOBlkRequests()
    while more := reader.word(1, "device.requests"):
        name = f"device.requests[{len(made.requests)}]"
        if more != 1:
            raise BadValue(f"marker {more}", reader.pos - 1, reader.named(name))
        queue = reader.word(4, f"{name}.queue") if several else None
        elem = read_element(reader, packed, f"{name}.elem")
        made.requests.append(VirtIOBlkRequest(queue=queue, elem=elem))
    return made


def _map_words(max_nr_ports: int) -> int:
    """The words of the map of ports; a device has 511 at most, so that of a guest with
    the other byte order shows."""
    if max_nr_ports > 0xFFFF:
        max_nr_ports = int.from_bytes(max_nr_ports.to_bytes(4, "big"), "little")
    return (max_nr_ports + 31) // 32


def _read_serial(reader: Reader, packed: bool) -> VirtIOSerialPorts:
    made = VirtIOSerialPorts(
        cols=reader.word(2, "device.cols"),
        rows=reader.word(2, "device.rows"),
        max_nr_ports=reader.word(4, "device.max_nr_ports"),
    )
    for _ in range(_map_words(made.max_nr_ports)):
        made.ports_map.append(reader.word(4, "device.ports_map"))
    for index in range(reader.word(4, "device.ports")):
        name = f"device.ports[{index}]"
        port = VirtIOSerialPort(
            id=reader.word(4, f"{name}.id"),
            guest_connected=reader.word(1, f"{name}.guest_connected"),
            host_connected=reader.word(1, f"{name}.host_connected"),
            elem_popped=reader.word(4, f"{name}.elem_popped"),
        )
        if port.elem_popped:
            port.iov_idx = reader.word(4, f"{name}.iov_idx")
            port.iov_offset = reader.word(8, f"{name}.iov_offset")
            port.elem = read_element(reader, packed, f"{name}.elem")
        made.ports.append(port)
    return made


def _write_blk(writer: Writer, value: Any, several: bool, packed: bool) -> None:
    if not isinstance(value, VirtIOBlkRequests):
        raise BadValue("must be VirtIOBlkRequests", None, writer.named("device"))
    for index, request in enumerate(value.requests):
        name = f"device.requests[{index}]"
        writer.word(1, 1, name)
        if (request.queue is not None) != several:
            reason = "is there if the device has several queues and only then"
            raise BadValue(reason, None, writer.named(f"{name}.queue"))
        if request.queue is not None:
            writer.word(request.queue, 4, f"{name}.queue")
        write_element(writer, request.elem, packed, f"{name}.elem")
    writer.word(0, 1, "device.requests")


def _write_serial(writer: Writer, value: Any, packed: bool) -> None:
    if not isinstance(value, VirtIOSerialPorts):
        raise BadValue("must be VirtIOSerialPorts", None, writer.named("device"))
    writer.word(value.cols, 2, "device.cols")
    writer.word(value.rows, 2, "device.rows")
    writer.word(value.max_nr_ports, 4, "device.max_nr_ports")
    if len(value.ports_map) != _map_words(value.max_nr_ports):
        reason = f"{len(value.ports_map)} words for {value.max_nr_ports} ports"
        raise BadValue(reason, None, writer.named("device.ports_map"))
    for word in value.ports_map:
        writer.word(word, 4, "device.ports_map")
    writer.word(len(value.ports), 4, "device.ports")
    for index, port in enumerate(value.ports):
        name = f"device.ports[{index}]"
        writer.word(port.id, 4, f"{name}.id")
        writer.word(port.guest_connected, 1, f"{name}.guest_connected")
        writer.word(port.host_connected, 1, f"{name}.host_connected")
        if bool(port.elem_popped) != (port.elem is not None):
            reason = "says whether there is an element"
            raise BadValue(reason, None, writer.named(f"{name}.elem_popped"))
        writer.word(port.elem_popped, 4, f"{name}.elem_popped")
        if port.elem is not None:
            writer.word(port.iov_idx, 4, f"{name}.iov_idx")
            writer.word(port.iov_offset, 8, f"{name}.iov_offset")
            write_element(writer, port.elem, packed, f"{name}.elem")
