"""PCI: configuration space, MSI-X, the hot-plug controller."""

from __future__ import annotations

from collections.abc import Iterator

from ._formats import FormatSite, Reader, Writer
from ._runtime import BadValue, Buffer, Owner, State
from ._runtime import (
    factory as _default,
)

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


def read_pci_config(buf: Buffer, pos: int, site: FormatSite) -> tuple[bytearray, int]:
    """The configuration space of a PCI (256 bytes) or PCI Express device (4096).

    A PCI Express capability is only there on a device that is one
    (``pcie_cap_init``); after 256 bytes the four words of ``irq_state`` are 0 or 1.
    """
    short = bytes(buf[pos : pos + 256])
    express: bool | None = None
    if site.scope.node is not None:
        express = site.scope.elements("config[1]") > 0
    elif CAP_EXPRESS in pci_capabilities(short):
        express = True
    elif len(buf) - pos < 4096:
        express = False
    elif (told := site.told("PCIDevice", "cap_present")) is not None:
        express = bool(int(told) & 4)
    elif any(
        int.from_bytes(buf[at : at + 4], "big") > 1
        for at in range(pos + 256, pos + 272, 4)
    ):
        express = True
    if express is None:
        raise site.missing(
            "whether the device is PCI Express", "PCIDevice", "cap_present", pos
        )
    reader = Reader(buf, pos, "")
    return reader.raw(4096 if express else 256, site.path), reader.pos


def write_pci_config(
    value: bytearray, out: list[bytes], owner: Owner, path: str
) -> None:
    """The configuration space, 256 or 4096 bytes."""
    if len(value) not in (256, 4096):
        raise BadValue(f"{len(value)} bytes, neither 256 nor 4096", None, path)
    Writer(out, path).raw(value, None, "")


class MSIX(State):
    """The MSI-X table (16 bytes a vector) and the pending bits, as the device maps them:
    little-endian.  Both are empty for a device without MSI-X."""

    table: bytearray = _default(bytearray)
    pba: bytearray = _default(bytearray)

    @property
    def entries(self) -> int:
        """The number of vectors."""
        return len(self.table) // 16


def read_msix(buf: Buffer, pos: int, site: FormatSite) -> tuple[MSIX, int]:
    """As ``msix_save``: the table and the pending bits of all vectors.

    Their number is that of the MSI-X capability in the device's configuration space.
    """
    total = site.announced()
    config = _config_of(site.owner)
    if total is not None:
        count = total * 8 // 129
    elif config is not None:
        count = msix_entries(config)
    elif (told := site.told("PCIDevice", "msix_entries_nr")) is not None:
        count = int(told)
    else:
        raise site.missing(
            "how many MSI-X vectors there are", "PCIDevice", "msix_entries_nr", pos
        )
    return _msix(Reader(buf, pos, site.path), count, site)


def _msix(reader: Reader, count: int, site: FormatSite | None) -> tuple[MSIX, int]:
    start = reader.pos
    made = MSIX(
        table=reader.raw(16 * count, "table"), pba=reader.raw((count + 7) // 8, "pba")
    )
    if site is not None:
        site.settled(start, reader.pos)
    return made, reader.pos


def read_msix_of(reader: Reader, config: bytes | bytearray, member: str) -> MSIX | None:
    """The MSI-X state of a device whose configuration space is known."""
    count = msix_entries(config)
    if not count:
        return None
    made, _ = _msix(Reader(reader.buf, reader.pos, reader.named(member)), count, None)
    reader.pos += len(made.table) + len(made.pba)
    return made


def write_msix(value: MSIX, out: list[bytes], owner: Owner, path: str) -> None:
    """The table and the pending bits."""
    writer = Writer(out, path)
    count = len(value.table) // 16
    writer.raw(value.table, 16 * count, "table")
    writer.raw(value.pba, (count + 7) // 8, "pba")


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


def read_shpc(buf: Buffer, pos: int, site: FormatSite) -> tuple[bytearray, int]:
    """The registers of a hot-plug controller, as the device maps them: 36 bytes and 4 for
    every slot; the low 5 bits of byte 12 are the number of slots."""
    reader = Reader(buf, pos, site.path)
    made = reader.raw(36, "")
    made += reader.raw(4 * (made[12] & 0x1F), "")
    site.settled(pos, reader.pos)
    return made, reader.pos


def write_shpc(value: bytearray, out: list[bytes], owner: Owner, path: str) -> None:
    """The registers of a hot-plug controller."""
    if len(value) < 36:
        raise BadValue(f"{len(value)} bytes, not even the 36 registers", None, path)
    Writer(out, path).raw(value, 36 + 4 * (value[12] & 0x1F), "")
