"""Virtio devices (``virtio_load``, ``hw/virtio/virtio.c``): which transport, how many
queues, which rings.

The bytes do not name the transport; what they begin with leaves few that may have written
them, and where the device ends, which the stream's own description says, leaves one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._formats import Site, Ways
from ._pci import cap_present, msix_entries
from ._runtime import BadValue, VMStateError

TRANSPORTS = ("pci", "mmio", "ccw")

_MOST_PAIRS = ("max_queue_pairs", "max_queues")
_PAIRS_IN_USE = ("curr_queue_pairs", "curr_queues")
"""What VirtIONet calls them, now and up to 6.1."""

Members = dict[str, Any]


def _transports(site: Site) -> list[Members]:
    """The transports that may have written what is at the position, and whether queues
    have a vector there.

    PCI begins with version 2 and a configuration space of vendor 0x1af4, MMIO with two
    selectors that are 0 or 1, CCW with a channel subsystem, 0xfe unless the user chose.
    """
    there = [name for name in TRANSPORTS if name in site.ahead_members]
    told = site.told("VirtIODevice", "transport")
    if told is not None and told not in there:
        raise BadValue(f"transport {told!r} is none of {there}", site.pos)
    head = bytes(site.buf[site.pos : site.pos + 8])
    fits = {
        "pci": head[:6] == b"\0\0\0\2\xf4\x1a",
        "mmio": head[:3] == head[4:7] == b"\0\0\0" and head[3:4] in b"\0\1" and head[7:8] in b"\0\1",
        "ccw": head[:6] != b"\0\0\0\2\xf4\x1a",
    }  # fmt: skip
    names = [name for name in there if fits[name]] or there[:1]
    if told is not None:
        names = [told]
    elif "ccw" in there and head[:1] == b"\xfe":
        names = ["ccw"]
    return [_transport(site, name) for name in names]


def _transport(site: Site, name: str) -> Members:
    # virtio_pci_realize is Express only where it adds the capability, so the list of
    # capabilities in the configuration space (after the version) says it all.
    config = bytes(site.buf[site.pos + 4 : site.pos + 4 + 256])
    vectors = name == "ccw" or (name == "pci" and msix_entries(config) > 0)
    made: Members = {
        "virtio_transport": TRANSPORTS.index(name) + 1,
        "virtio_vectors": vectors,
        "packed": False,
    }
    if name == "pci":
        made["PCIDevice.cap_present"] = cap_present(config)
    return made


def _ways(site: Site, kind: str) -> Ways:
    ways: list[Members] = []
    transports = _transports(site)
    for transport in transports:
        try:
            vdev, end = site.ahead(transport)
        except VMStateError:
            ways.append(transport)  # it says itself what is wrong
            continue
        # What the device's own tests ask for: its registers, and what is tried.
        known: Mapping[str, Any] = {
            **transport,
            "virtio_several": vdev.queues > 1,
            "guest_features": vdev.guest_features,
            "parent_obj.guest_features": vdev.guest_features,
            "parent_obj.status": vdev.status,
            "parent_obj.isr": vdev.isr,
            "parent_obj.queue_sel": vdev.queue_sel,
            "parent_obj.config_len": vdev.config_len,
        }
        ways += [{**known, **more} for more in _asked(site, kind, vdev, end)]
    if len(transports) > 1:
        return Ways(ways, ("the device's transport", "VirtIODevice", "transport"))
    return Ways(ways, _OPEN.get(kind, _OPEN[""]))


def _asked(site: Site, kind: str, vdev: Any, end: int) -> list[Members]:
    """Every set of values of members that the device's own table, or code, asks for."""
    match kind:
        case "net":
            # max_queue_pairs is a property, and on the wire only if it is more than 1.
            told = next(
                (
                    one
                    for name in _MOST_PAIRS
                    if (one := site.told("VirtIONet", name)) is not None
                ),
                None,
            )
            if told is None and vdev.config[8:10] == b"\1\0":
                told = (
                    1  # virtio_net_config.max_virtqueue_pairs, once the guest read it
                )
            both: list[Members] = [
                {f"VirtIONet.{name}": most for name in _MOST_PAIRS}
                for most in (1, _Several(2))
            ]
            return both if told is None else [both[int(told) > 1]]
        case "mem":
            # With early migration the bitmap has a section of its own; without, its size
            # is the region's over the block's, which stand in front.
            early = "VirtIOMEM.early_migration"
            told = site.told("VirtIOMEM", "early_migration")
            head = bytes(site.buf[end : end + 24])
            region, block = (int.from_bytes(head[at : at + 8], "big") for at in (8, 16))
            late = {
                early: 0,
                "VirtIOMEM.bitmap_size": region // block if block else 0,
            }
            both = [{early: 1}, late]
            return both if told is None else [both[not told]]
        case "blk" | "serial":
            # The form of a request on the wire depends on the ring's.
            idle = kind == "blk" and site.buf[end : end + 1] == b"\0"
            told = site.told("VirtIODevice", "packed")
            rings = (False, True) if told is None else (bool(told),)
            return [{"packed": ring} for ring in (rings[:1] if idle else rings)]
        case _:
            return [{}]


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


def answer_virtio(site: Site) -> Ways:
    """A device that adds nothing, or asks for nothing."""
    return _ways(site, "")


def answer_virtio_net(site: Site) -> Ways:
    """A network device: how many pairs of queues it may have."""
    return _ways(site, "net")


def answer_virtio_mem(site: Site) -> Ways:
    """A memory device: whether its bitmap has a section of its own."""
    return _ways(site, "mem")


def answer_virtio_blk(site: Site) -> Ways:
    """A disk: which rings, and whether requests say their queue."""
    return _ways(site, "blk")


def answer_virtio_serial(site: Site) -> Ways:
    """Serial ports: which rings."""
    return _ways(site, "serial")


def answer_virtio_net_queues(site: Site) -> Ways:
    """How many queues follow the first one: as many as there are pairs in use."""
    state = site.owner[0] if site.owner else None
    pairs = next(
        (one for name in _PAIRS_IN_USE if (one := getattr(state, name, None))), 1
    )
    rest = (f"struct VirtIONetMigTmp.{name}_1" for name in _PAIRS_IN_USE)
    return Ways((dict.fromkeys(rest, max(pairs - 1, 0)),))
