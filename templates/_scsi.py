"""SCSI requests that are under way: what adds to them.

Which adapter and which kind of device it is, the bytes do not say.  Where there are
requests, the one way to read them that ends where the stream's description says is
taken; else the context is asked.
"""

from __future__ import annotations

from ._formats import Site, Ways
from ._runtime import BadValue

ADAPTERS = ("", "virtio-scsi", "virtio-scsi packed", "mptsas", "spapr-vscsi")
"""What adds to a request: nothing (esp, lsi, megasas, usb-storage, ...), virtio-scsi with
either kind of ring, mptsas1068, spapr-vscsi."""

DEVICES = ("disk", "disk dma", "block", "generic")
"""What the device adds: a disk to all requests, or (``migrate-emulated-scsi-request``
off, and before 8.2) to reads and writes only; scsi-block to reads and writes as a disk
and to others as scsi-generic does."""


def answer_scsi_requests(site: Site) -> Ways:
    """What the adapter and the device add to each request, if there is any."""
    if not 0 < int.from_bytes(site.buf[site.pos : site.pos + 1], "big") < 128:
        return Ways(({},))
    kinds = []
    for member, names in (("adapter", ADAPTERS), ("device", DEVICES)):
        told = site.told("SCSIRequest", member)
        if told is None and site.announced() is None:
            raise site.missing(f"what the {member} adds", "SCSIRequest", member)
        if told is not None and told not in names:
            raise BadValue(f"unknown {member} {told!r}", site.pos)
        kinds.append(range(len(names)) if told is None else (names.index(told),))
    adapters, devices = kinds
    ways = [
        {"scsi_adapter": adapter, "packed": adapter == 2, "scsi_device": device}
        for adapter in adapters
        for device in devices
    ]
    return Ways(ways, ("what the adapter adds", "SCSIRequest", "adapter"))
