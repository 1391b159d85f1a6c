"""PCI: what a configuration space says of what comes with it."""

from __future__ import annotations

from collections.abc import Iterator

from ._formats import Site, Ways
from ._runtime import Owner, State

CAP_MSI, CAP_MSIX, CAP_EXPRESS = 0x05, 0x11, 0x10


def pci_capabilities(config: bytes | bytearray) -> dict[int, int]:
    """Capability ids of a configuration space, and where each stands.

    As ``pci_find_capability_list`` (``hw/pci/pci.c``) walks: from 0x34, if status bit 4
    says that there is a list.
    """
    found: dict[int, int] = {}
    if len(config) < 256 or not config[6] & 0x10:
        return found
    at = config[0x34]
    for _ in range(64):
        if not at or at > 254:
            break
        found.setdefault(config[at], at)
        at = config[at + 1]
    return found


def cap_present(config: bytes | bytearray) -> int:
    """``PCIDevice.cap_present`` as far as the capability list tells: MSI 1, MSI-X 2,
    Express 4."""
    found = pci_capabilities(config)
    bits = ((CAP_MSI, 1), (CAP_MSIX, 2), (CAP_EXPRESS, 4))
    return sum(bit for cap, bit in bits if cap in found)


def msix_entries(config: bytes | bytearray) -> int:
    """How many MSI-X vectors a device has, 0 without the capability."""
    at = pci_capabilities(config).get(CAP_MSIX)
    if at is None or at + 4 > len(config):
        return 0
    return (int.from_bytes(config[at + 2 : at + 4], "little") & 0x7FF) + 1


def answer_pci_device(site: Site) -> Ways:
    """Whether a device is PCI Express: then it has 4096 bytes of configuration space.

    A PCI Express capability is only there on a device that is one
    (``pcie_cap_init``); after 256 bytes the four words of ``irq_state`` are 0 or 1.
    """
    buf, pos = site.buf, site.pos + 4  # behind the version
    config = bytes(buf[pos : pos + 256])
    bits = cap_present(config)
    if site.node is not None:
        express: bool | None = site.scope.elements("config[1]") > 0
    elif bits & 4:
        express = True
    elif len(buf) - pos < 4096:
        express = False
    elif site.told("PCIDevice", "cap_present") is not None:
        return Ways(({},))
    elif any(
        int.from_bytes(buf[at : at + 4], "big") > 1
        for at in range(pos + 256, pos + 272, 4)
    ):
        express = True
    else:
        what = "whether the device is PCI Express"
        raise site.missing(what, "PCIDevice", "cap_present")
    known = bits & ~4 | 4 * express
    return Ways(({"PCIDevice.cap_present": known},))


def answer_msix(site: Site) -> Ways:
    """How many MSI-X vectors there are: as the capability in the device's configuration
    space says."""
    total = site.announced()
    config = _config_of(site.owner)
    if total is not None:
        count = total * 8 // 129
    elif config is not None:
        count = msix_entries(config)
    elif (told := site.told("PCIDevice", "msix_entries_nr")) is not None:
        count = int(told)
    else:
        what = "how many MSI-X vectors there are"
        raise site.missing(what, "PCIDevice", "msix_entries_nr")
    return Ways(({"MSIX.entries": count},))


def _config_of(owner: Owner) -> bytearray | None:
    """The configuration space of the PCI device among the states that own a field."""
    for state in owner:
        if isinstance(state, State):
            for value in _states(state, 3):
                config = getattr(value, "config", None)
                if hasattr(value, "irq_state") and isinstance(config, bytearray):
                    return config
    return None


def _states(state: State, depth: int) -> Iterator[State]:
    yield state
    if depth:
        for name in type(state).__vmstate_members__():
            inner = getattr(state, name, None)
            if isinstance(inner, State):
                yield from _states(inner, depth - 1)
