"""RAM of PCI devices: at the address that the device's base address register has."""

from __future__ import annotations

from collections.abc import Callable

from vmgen.guest.fields import SectionFields
from vmgen.guest.regions import Region

Sections = Callable[[str], SectionFields | None]
"""The values of the FULL section of this name, None if the stream has none."""

_IO, _ENABLED = 1, 2
_COMMAND, _BAR0, _ROM = 4, 0x10, 0x30
_ROM_ENABLED = 1


def config_of(fields: SectionFields) -> bytes | None:
    """A device's configuration space (``PCIDevice.config``): it is a field of its own
    for PCI and for PCI Express where the description has it."""
    for where in ("", "parent_obj.", "dev.", "pci_dev.", "pcidev."):
        for name in ("config", "config[0]", "config[1]"):
            value = fields.get(f"{where}{name}")
            if isinstance(value, (bytes, bytearray)) and len(value) >= 64:
                return bytes(value)
    return None


def placed(
    blocks: dict[str, int], names: list[str], sections: Sections
) -> tuple[list[Region], dict[str, str], dict[str, str]]:
    """Where the blocks of PCI devices are: regions, reasons why it is not known of some,
    and why some are known to be nowhere.

    A block is called ``DDDD:BB:SS.F/name``, its device's section ``DDDD:BB:SS.F/...``.
    """
    made: list[Region] = []
    reasons: dict[str, str] = {}
    hidden: dict[str, str] = {}
    for block, length in blocks.items():
        place, slash, name = block.partition("/")
        if not slash or place.count(":") != 2:
            continue
        found = [one for one in names if one.startswith(f"{place}/")]
        configs = [
            config
            for one in found
            if (fields := sections(one)) is not None
            and (config := config_of(fields)) is not None
        ]
        if len(configs) != 1:
            reasons[block] = f"the configuration space of {place} is not known"
            continue
        bar = _bar(name)
        if bar is None:
            reasons[block] = "no base address register is known for it"
            continue
        at = _address(configs[0], bar)
        if at is None:
            hidden[block] = "its base address register is off"
        else:
            made.append(Region(at, length, block, 0, "rom" if bar == _ROM else "ram"))
    return made, reasons, hidden


def _bar(name: str) -> int | None:
    """The register that a block's memory is behind (hw/display/vga-pci.c, hw/pci/pci.c):
    offset in the configuration space."""
    if name.endswith(".rom"):
        return _ROM
    return _BAR0 if name == "vga.vram" else None


def _address(config: bytes, register: int) -> int | None:
    """Where a memory register points (``pci_bar_address``); None if it is off."""
    if not config[_COMMAND] & _ENABLED:
        return None
    low = int.from_bytes(config[register : register + 4], "little")
    if register == _ROM:
        address = low & ~0x7FF
        return address if low & _ROM_ENABLED and address else None
    if low & _IO:
        return None
    address = low & ~0xF
    if low & 6 == 4:
        address |= int.from_bytes(config[register + 4 : register + 8], "little") << 32
    return address or None
