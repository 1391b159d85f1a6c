"""Virtio devices: what ``virtio_save`` (``hw/virtio/virtio.c``) writes.

The transport's state, the device's registers, its queues, what the device itself adds,
and the subsections of ``vmstate_virtio``.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import partial
from typing import Any

from ._formats import FormatPart, FormatSite, Reader, Writer, only_way, with_answers
from ._pci import MSIX, cap_present, msix_entries, read_msix_of, write_msix
from ._runtime import BadValue, Buffer, Owner, Scope, State, VMStateError
from ._runtime import (
    factory as _default,
)
from ._virtqueue import VirtIOBlkRequests, read_own, write_own

MAX_QUEUES = 1024


class VirtIOPCI(State):
    """What ``virtio_pci_save_config`` adds: the PCI device, MSI-X and the configuration's
    vector if the device has MSI-X."""

    pci_dev: Any = None
    msix: MSIX | None = None
    config_vector: int | None = None


class VirtIOMMIO(State):
    """What ``virtio_mmio_save_config`` adds."""

    host_features_sel: int = 0
    guest_features_sel: int = 0
    guest_page_shift: int = 0


class VirtIOQueue(State):
    """A virtqueue: its size, the guest address of its descriptors, how far the device got.

    ``align`` is there with MMIO, ``vector`` with CCW and with PCI that has MSI-X.  The
    other ring addresses of a modern device are in the subsection ``virtio/virtqueues``.
    """

    num: int = 0
    align: int | None = None
    desc: int = 0
    last_avail_idx: int = 0
    vector: int | None = None


class VirtIO(State):
    """A virtio device.  Exactly one of ``pci``, ``mmio`` and ``ccw`` is its transport.

    ``guest_features`` are the low 32 bits, ``vq`` the queues up to the first without a
    size.  ``device`` is what its own description (net, balloon, ...) or code (blk,
    serial) adds, None where it adds nothing; ``virtio`` has the subsections.
    """

    pci: VirtIOPCI | None = None
    mmio: VirtIOMMIO | None = None
    ccw: Any = None
    status: int = 0
    isr: int = 0
    queue_sel: int = 0
    guest_features: int = 0
    config: bytearray = _default(bytearray)
    vq: list[VirtIOQueue] = _default(list)
    device: Any = None
    virtio: Any = None

    @property
    def transport(self) -> str:
        """``pci``, ``mmio`` or ``ccw``."""
        names = ("pci", "mmio", "ccw")
        there = [name for name in names if getattr(self, name) is not None]
        if len(there) != 1:
            raise BadValue(f"{len(there)} transports where there must be one")
        return there[0]


def read_virtio(
    buf: Buffer,
    pos: int,
    site: FormatSite,
    kind: str,
    *,
    virtio: FormatPart,
    device: FormatPart | None = None,
    pci_device: FormatPart | None = None,
    mmio: FormatPart | None = None,
    ccw: FormatPart | None = None,
) -> tuple[VirtIO, int]:
    """A virtio device; ``kind`` is ``blk`` or ``serial`` where code adds to it."""
    parts = {"pci": pci_device, "mmio": mmio, "ccw": ccw}
    names = [name for name, part in parts.items() if part is not None]
    starts = [
        _Start(buf, pos, site, name, parts[name])
        for name in _transports(buf, pos, site, names)
    ]
    if len(starts) == 1:
        return starts[0].device(kind, virtio, device)
    return only_way(
        site,
        pos,
        [partial(start.device, kind, virtio, device) for start in starts],
        "the device's transport",
        "VirtIODevice",
        "transport",
    )


def _transports(buf: Buffer, pos: int, site: FormatSite, names: list[str]) -> list[str]:
    """The transports that may have written what is at ``pos``.

    PCI begins with version 2 and a configuration space of vendor 0x1af4, MMIO with two
    selectors that are 0 or 1, CCW with a channel subsystem, 0xfe unless the user chose.
    """
    told = site.told("VirtIODevice", "transport")
    if told is not None:
        if told not in names:
            raise BadValue(f"transport {told!r} is none of {names}", pos, site.path)
        return [told]
    head = bytes(buf[pos : pos + 8])
    fits = {
        "pci": head[:6] == b"\0\0\0\2\xf4\x1a",
        "mmio": head in (b"\0\0\0" + bytes([one]) + b"\0\0\0" + bytes([two])
                         for one in (0, 1) for two in (0, 1)),
        "ccw": head[:6] != b"\0\0\0\2\xf4\x1a",
    }  # fmt: skip
    if "ccw" in names and head[:1] == b"\xfe":
        return ["ccw"]
    return [name for name in names if fits[name]] or names[:1]


class _Start:
    """One way to read a device: with the state of this transport in front."""

    def __init__(
        self,
        buf: Buffer,
        pos: int,
        site: FormatSite,
        transport: str,
        part: FormatPart | None,
    ) -> None:
        self.buf = buf
        self.pos = pos
        self.site = site
        self.transport = transport
        self.part = part

    def device(
        self, kind: str, virtio: FormatPart, device: FormatPart | None
    ) -> tuple[VirtIO, int]:
        """The device; what the bytes leave open is tried."""
        reader = Reader(self.buf, self.pos, self.site.path)
        made = self._registers(reader)
        rings: tuple[bool | None, ...] = (None,)
        if kind in ("blk", "serial") and self._under_way(reader, made, kind):
            told = self.site.told("VirtIODevice", "packed")
            rings = (False, True) if told is None else (bool(told),)
        ways = [
            partial(
                self._rest,
                Reader(self.buf, reader.pos, self.site.path),
                made,
                answers,
                packed,
                kind,
                virtio,
                device,
            )
            for answers in self._answers(reader, made, kind, device)
            for packed in rings
        ]
        if len(ways) == 1:
            value, pos = ways[0]()
            self.site.settled(self.pos, pos)
            return value, pos
        what, owner, member = _OPEN.get(kind, _OPEN[""])
        return only_way(self.site, self.pos, ways, what, owner, member)

    def _registers(self, reader: Reader) -> VirtIO:
        """The transport's state, the registers and the queues."""
        made = VirtIO()
        bare = Scope(with_answers(self.site.scope.context), None)
        vectors = self.transport == "ccw"
        if self.transport == "mmio":
            made.mmio = VirtIOMMIO(
                host_features_sel=reader.word(4, "mmio.host_features_sel"),
                guest_features_sel=reader.word(4, "mmio.guest_features_sel"),
                guest_page_shift=reader.word(4, "mmio.guest_page_shift"),
            )
        elif self.part is not None and self.transport == "ccw":
            made.ccw = reader.part(self.part, bare, (), "ccw")
        elif self.part is not None:
            made.pci = _read_pci(reader, self.site, self.part)
            vectors = made.pci.msix is not None
        made.status = reader.word(1, "status")
        made.isr = reader.word(1, "isr")
        start = reader.pos
        made.queue_sel = reader.word(2, "queue_sel")
        if made.queue_sel >= MAX_QUEUES:
            raise BadValue(
                f"queue {made.queue_sel} is selected, of {MAX_QUEUES} at most",
                start,
                reader.named("queue_sel"),
            )
        made.guest_features = reader.word(4, "guest_features")
        made.config = reader.raw(reader.word(4, "config_len"), "config")
        start = reader.pos
        count = reader.word(4, "vq")
        if count > MAX_QUEUES:
            raise BadValue(f"{count} queues", start, reader.named("vq"))
        aligned = self.transport == "mmio"
        for index in range(count):
            name = f"vq[{index}]"
            queue = VirtIOQueue(
                num=reader.word(4, f"{name}.num"),
                align=reader.word(4, f"{name}.align") if aligned else None,
                desc=reader.word(8, f"{name}.desc"),
                last_avail_idx=reader.word(2, f"{name}.last_avail_idx"),
            )
            if not queue.desc and queue.last_avail_idx:
                raise BadValue(
                    f"a queue at no address has come to {queue.last_avail_idx}",
                    reader.pos - 2,
                    reader.named(f"{name}.last_avail_idx"),
                )
            if vectors:
                queue.vector = reader.word(2, f"{name}.vector")
            made.vq.append(queue)
        return made

    def _scope(self, made: VirtIO, answers: Mapping[str, Any]) -> Scope:
        """What the device's own tests may ask: its registers, and what is tried."""
        known = {
            "guest_features": made.guest_features,
            "parent_obj.guest_features": made.guest_features,
            "parent_obj.status": made.status,
            "parent_obj.isr": made.isr,
            "parent_obj.queue_sel": made.queue_sel,
            "parent_obj.config_len": len(made.config),
        }
        context = with_answers(self.site.scope.context, {**known, **answers})
        return Scope(context, None)

    def _answers(
        self, reader: Reader, made: VirtIO, kind: str, device: FormatPart | None
    ) -> list[dict[str, Any]]:
        """Every set of values of members that the device's own description asks for."""
        if kind == "net" and device is not None:
            return self._net(reader, made, device)
        if kind == "mem":
            return self._mem(reader)
        return [{}]

    def _net(
        self, reader: Reader, made: VirtIO, device: FormatPart
    ) -> list[dict[str, Any]]:
        # max_queue_pairs is a property, and on the wire only if it is more than 1; then
        # curr_queue_pairs is too, and the queues after the first follow it.
        largest, rest = (
            "VirtIONet.max_queue_pairs",
            "struct VirtIONetMigTmp.curr_queue_pairs_1",
        )
        told = self.site.told("VirtIONet", "max_queue_pairs")
        if told is None and made.config[8:10] == b"\1\0":
            told = 1  # virtio_net_config.max_virtqueue_pairs, once the guest read it
        one = {largest: 1, rest: 0}
        if told is not None and int(told) <= 1:
            return [one]
        several: dict[str, Any] = {largest: _Several(2), rest: 0}
        start = Reader(reader.buf, reader.pos, reader.path)
        try:
            state = start.part(device, self._scope(made, several), (made,), "device")
            several[rest] = max(state.curr_queue_pairs - 1, 0)
        except (VMStateError, AttributeError, TypeError):
            if told is None:
                return [one]
        return [several] if told is not None else [one, several]

    def _mem(self, reader: Reader) -> list[dict[str, Any]]:
        # With early migration the bitmap has a section of its own; without, its size is
        # the region's over the block's, which stand in front.
        early = "VirtIOMEM.early_migration"
        told = self.site.told("VirtIOMEM", "early_migration")
        head = bytes(reader.buf[reader.pos : reader.pos + 24])
        region, block = (int.from_bytes(head[at : at + 8], "big") for at in (8, 16))
        late = {early: 0, "VirtIOMEM.bitmap_size": region // block if block else 0}
        both: list[dict[str, Any]] = [{early: 1}, late]
        return both if told is None else both[:1] if told else both[1:]

    def _under_way(self, reader: Reader, made: VirtIO, kind: str) -> bool:
        """Whether a request is on the wire: its form depends on the ring's."""
        start = Reader(reader.buf, reader.pos, reader.path)
        try:
            own = read_own(start, kind, len(made.vq) > 1, False)
        except VMStateError:
            return True
        if isinstance(own, VirtIOBlkRequests):
            return bool(own.requests)
        return any(port.elem is not None for port in own.ports)

    def _rest(
        self,
        reader: Reader,
        registers: VirtIO,
        answers: Mapping[str, Any],
        packed: bool | None,
        kind: str,
        virtio: FormatPart,
        device: FormatPart | None,
    ) -> tuple[VirtIO, int]:
        """What the device adds, and the subsections; ``packed`` rings have their own,
        and it does not matter where no request is under way."""
        made = copy(registers)
        scope = self._scope(made, answers)
        owner = (made, *self.site.owner)
        if device is not None:
            made.device = reader.part(device, scope, owner, "device")
        elif kind:
            several = len(made.vq) > 1
            made.device = read_own(reader, kind, several, bool(packed))
        made.virtio = reader.part(virtio, scope, owner, "virtio")
        there = getattr(made.virtio, "packed_virtqueues", None) is not None
        if packed is not None and packed != there:
            raise BadValue("the other kind of ring", reader.pos, reader.named("virtio"))
        return made, reader.pos


_OPEN = {
    "net": ("how many queue pairs it has", "VirtIONet", "max_queue_pairs"),
    "mem": ("where its bitmap is", "VirtIOMEM", "early_migration"),
    "": ("the kind of its rings", "VirtIODevice", "packed"),
}


class _Several(int):
    """More than one, and equal to whatever is on the wire."""

    def __ne__(self, other: object) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


def _read_pci(reader: Reader, site: FormatSite, part: FormatPart) -> VirtIOPCI:
    # virtio_pci_realize is Express only where it adds the capability, so the list of
    # capabilities in the configuration space (after the version) says it all.
    config = bytes(reader.buf[reader.pos + 4 : reader.pos + 4 + 256])
    known = {"PCIDevice.cap_present": cap_present(config)}
    context = with_answers(site.scope.context)
    context.members = {**context.members, **known}
    pci_dev = reader.part(part, Scope(context, None), (), "pci.pci_dev")
    msix = None
    if msix_entries(config):
        msix = read_msix_of(reader, config, "pci.msix")
    vector = reader.word(2, "pci.config_vector") if msix is not None else None
    return VirtIOPCI(pci_dev=pci_dev, msix=msix, config_vector=vector)


def write_virtio(
    value: VirtIO,
    out: list[bytes],
    owner: Owner,
    path: str,
    kind: str,
    *,
    virtio: FormatPart,
    device: FormatPart | None = None,
    pci_device: FormatPart | None = None,
    mmio: FormatPart | None = None,
    ccw: FormatPart | None = None,
) -> None:
    """A virtio device."""
    writer = Writer(out, path)
    try:
        transport = value.transport
    except BadValue as error:
        error.under(path)
        raise
    vectors = transport == "ccw"
    if value.mmio is not None:
        for name in ("host_features_sel", "guest_features_sel", "guest_page_shift"):
            writer.word(getattr(value.mmio, name), 4, f"mmio.{name}")
    elif value.pci is not None and pci_device is not None:
        writer.part(pci_device, value.pci.pci_dev, (), "pci.pci_dev")
        vectors = value.pci.msix is not None
        if (value.pci.config_vector is not None) != vectors:
            raise BadValue(
                "is there with MSI-X and only then", None, f"{path}.pci.config_vector"
            )
        if value.pci.msix is not None and value.pci.config_vector is not None:
            write_msix(value.pci.msix, out, (), f"{path}.pci.msix")
            writer.word(value.pci.config_vector, 2, "pci.config_vector")
    elif ccw is not None:
        writer.part(ccw, value.ccw, (), "ccw")
    else:
        raise BadValue(f"this target has no transport {transport}", None, path)
    writer.word(value.status, 1, "status")
    writer.word(value.isr, 1, "isr")
    writer.word(value.queue_sel, 2, "queue_sel")
    writer.word(value.guest_features, 4, "guest_features")
    writer.word(len(value.config), 4, "config")
    writer.raw(value.config, None, "config")
    if len(value.vq) > MAX_QUEUES:
        raise BadValue(f"{len(value.vq)} queues", None, f"{path}.vq")
    writer.word(len(value.vq), 4, "vq")
    for index, queue in enumerate(value.vq):
        name = f"vq[{index}]"
        if (queue.align is not None) != (transport == "mmio"):
            raise BadValue(
                "is there with MMIO and only then", None, f"{path}.{name}.align"
            )
        if (queue.vector is not None) != vectors:
            raise BadValue("does not fit the transport", None, f"{path}.{name}.vector")
        writer.word(queue.num, 4, f"{name}.num")
        if queue.align is not None:
            writer.word(queue.align, 4, f"{name}.align")
        writer.word(queue.desc, 8, f"{name}.desc")
        writer.word(queue.last_avail_idx, 2, f"{name}.last_avail_idx")
        if queue.vector is not None:
            writer.word(queue.vector, 2, f"{name}.vector")
    packed = getattr(value.virtio, "packed_virtqueues", None) is not None
    if device is not None:
        writer.part(device, value.device, (value, *owner), "device")
    elif kind in ("blk", "serial"):
        write_own(writer, value.device, kind, len(value.vq) > 1, packed)
    elif value.device is not None:
        raise BadValue("this device adds nothing", None, f"{path}.device")
    writer.part(virtio, value.virtio, (value, *owner), "virtio")


# --- what the transport adds in a subsection -------------------------------------------------


def _owner(owner: Owner, path: str, pos: int | None) -> VirtIO:
    for state in owner:
        if isinstance(state, VirtIO):
            return state
    raise BadValue("is only there inside of a virtio device", pos, path)


def read_virtio_extra(
    buf: Buffer,
    pos: int,
    site: FormatSite,
    *,
    pci: FormatPart | None = None,
    mmio: FormatPart | None = None,
) -> tuple[State, int]:
    """What the transport of the device adds (``save_extra_state``)."""
    transport = _owner(site.owner, site.path, pos).transport
    part = {"pci": pci, "mmio": mmio}.get(transport)
    if part is None:
        raise BadValue(f"transport {transport} adds nothing", pos, site.path)
    reader = Reader(buf, pos, site.path)
    made: State = reader.part(part, Scope(site.scope.context, None), (), "")
    return made, reader.pos


def write_virtio_extra(
    value: State,
    out: list[bytes],
    owner: Owner,
    path: str,
    *,
    pci: FormatPart | None = None,
    mmio: FormatPart | None = None,
) -> None:
    """What the transport of the device adds."""
    transport = _owner(owner, path, None).transport
    part = {"pci": pci, "mmio": mmio}.get(transport)
    if part is None:
        raise BadValue(f"transport {transport} adds nothing", None, path)
    Writer(out, path).part(part, value, (), "")
