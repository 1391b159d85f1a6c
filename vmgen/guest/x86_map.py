"""Where a PC has its RAM, out of the values of its devices.

The rules are those of hw/i386/pc.c, x86-common.c and pc_sysfw.c, hw/pci-host/pam.c,
i440fx.c and q35.c, and hw/display/vga.c (``vga_update_memory_access``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from vmgen.guest import pci
from vmgen.guest.errors import NoMap
from vmgen.guest.fields import SectionFields
from vmgen.guest.pci import Sections
from vmgen.guest.regions import Region, RegionKind

_4G = 1 << 32
_AMD_HOLE = 0xFD00000000
_VGA_LOW, _VGA_END = 0xA0000, 0xC0000
_ISA_ROM, _ISA_BIOS, _1M = 0xC0000, 0xE0000, 0x100000

_RAM = ("pc.ram", "microvm.ram")


@dataclass(frozen=True, slots=True)
class _Bridge:
    """The registers of a host bridge: PAM0, SMRAM, and those of the Q35 alone."""

    section: str
    pam: int
    smram: int
    esmramc: int = 0
    smbase: int = 0
    ext_tseg: int = 0


_BRIDGES = (
    _Bridge("mch", 0x90, 0x9D, 0x9E, 0x9C, 0x50),
    _Bridge("I440FX", 0x59, 0x72),
)


def pc_map(
    blocks: dict[str, int], names: list[str], sections: Sections
) -> list[Region]:
    """The regions of a PC but for those of PCI devices, later ones above earlier ones.

    Raises NoMap if its devices do not say how much of the RAM is below 4 GiB.
    """
    ram = next((name for name in _RAM if name in blocks), None)
    if ram is None:
        raise NoMap("no block is called pc.ram", None, "ram", _HINT)
    below = _below(blocks[ram], names, sections)
    above = blocks[ram] - below
    if _4G + above > _AMD_HOLE:
        message = "RAM up to the AMD HyperTransport hole can be in either of two places"
        raise NoMap(message, None, "ram", _HINT)
    made = [Region(0, below, ram), Region(_4G, above, ram, below)]
    roms = _roms(blocks)
    bridge, config = _bridge(names, sections)
    vga = _has_vga(blocks, names, sections)
    if bridge is not None and config is not None:
        made = _behind(bridge, config, made, roms, ram, below, vga)
    else:
        # Without a host bridge nothing makes them read-only (isapc, microvm).
        roms = [replace(one, kind="ram") for one in roms if one.kind == "rom"]
        made = (_without(made, _VGA_LOW, _VGA_END) if vga else made) + roms
    made += _vga_window(blocks, names, sections, bridge, config)
    return made


_HINT = "give what 'info mtree -f' prints on such a machine: --map mtree.txt"


def _below(length: int, names: list[str], sections: Sections) -> int:
    """How much RAM is below 4 GiB, as the CMOS says it (``pc_cmos_init`` in
    hw/i386/pc.c)."""
    rtc = sections("mc146818rtc")
    cmos = None if rtc is None else rtc.get("cmos_data")
    if not isinstance(cmos, (bytes, bytearray)) or len(cmos) < 0x60:
        raise NoMap("the stream has no CMOS that says where RAM is", None, "ram", _HINT)

    def word(at: int) -> int:
        return cmos[at] | cmos[at + 1] << 8

    if word(0x34):
        below = (word(0x34) << 16) + (16 << 20)
    elif word(0x30):
        below = (word(0x30) << 10) + _1M
    else:
        below = length
    above = (word(0x5B) | cmos[0x5D] << 16) << 16
    if below + above != length:
        message = f"the CMOS says {below:#x} and {above:#x} bytes, RAM has {length:#x}"
        raise NoMap(message, None, "ram", _HINT)
    return below


def _roms(blocks: dict[str, int]) -> list[Region]:
    """Firmware below 4 GiB, and its end again below 1 MiB."""
    made = []
    if "pc.rom" in blocks:
        made.append(Region(_ISA_ROM, blocks["pc.rom"], "pc.rom", 0, "rom"))
    top = _4G
    firmware = [name for name in ("pc.bios", "system.flash0") if name in blocks]
    for name in [*firmware, "system.flash1"]:
        if name in blocks:
            kind: RegionKind = "rom" if name == "pc.bios" else "romd"
            top -= blocks[name]
            made.append(Region(top, blocks[name], name, 0, kind))
    if "isa-bios" in blocks:
        size = blocks["isa-bios"]
        made.append(Region(_1M - size, size, "isa-bios", 0, "rom"))
    elif firmware:
        (name, *_), size = firmware, min(blocks[firmware[0]], 128 << 10)
        kind = "rom" if name == "pc.bios" else "romd"
        made.append(Region(_1M - size, size, name, blocks[name] - size, kind))
    return made


def _bridge(
    names: list[str], sections: Sections
) -> tuple[_Bridge | None, bytes | None]:
    for bridge in _BRIDGES:
        for name in names:
            if name.rpartition("/")[2] == bridge.section:
                fields = sections(name)
                config = None if fields is None else pci.config_of(fields)
                if config is None or len(config) < 0x100:
                    raise NoMap(
                        f"{name} has no configuration space", None, "ram", _HINT
                    )
                return bridge, config
    return None, None


def _behind(
    bridge: _Bridge, config: bytes, ram: list[Region], roms: list[Region], name: str,
    below: int, vga: bool,
) -> list[Region]:  # fmt: skip
    """RAM and ROM as the host bridge shows them: PAM, SMRAM and TSEG."""
    made = list(ram)
    low = [one for one in roms if one.start < _1M]
    made += [one for one in roms if one.start >= _1M]
    for start, end, mode in _pam(config, bridge.pam):
        if (
            not mode
        ):  # what the PCI address space has there; RAM shows where it is empty
            made += _part(low, start, end)
        elif mode == 1:
            made.append(Region(start, end - start, name, start, "rom"))
    opened = config[bridge.smram] & 0x40 and not config[bridge.smram] & 0x10
    high = bridge.esmramc and config[bridge.esmramc] & 0x80
    if vga and (not opened or high):
        made = _without(made, _VGA_LOW, _VGA_END)
    if opened and high:
        made.append(Region(0xFEDA0000, _VGA_END - _VGA_LOW, name, _VGA_LOW))
    if bridge.esmramc and config[bridge.esmramc] & 1 and config[bridge.smram] & 8:
        sizes = (1, 2, 8, int.from_bytes(config[bridge.ext_tseg :][:2], "little"))
        size = sizes[config[bridge.esmramc] >> 1 & 3] << 20
        made = _without(made, max(0, below - size), below)
    if bridge.smbase and config[bridge.smbase] & 2:
        made = _without(made, 0x30000, 0x50000)
    return made


def _has_vga(blocks: dict[str, int], names: list[str], sections: Sections) -> bool:
    """Whether a VGA has its window at 0xa0000, which only its class tells from a second
    one without (hw/display/vga-pci.c)."""
    for block in blocks:
        place, slash, name = block.rpartition("/")
        if name != "vga.vram":
            continue
        if not slash:
            return True
        for one in names:
            if one.startswith(f"{place}/") and (fields := sections(one)) is not None:
                config = pci.config_of(fields)
                if config is not None and config[10:12] == b"\0\3":
                    return True
    return False


def _pam(config: bytes, at: int) -> list[tuple[int, int, int]]:
    """The 13 ranges of ``pam_update``: start, end, and mode (0: PCI, 1: RAM that is only
    read, 2 and 3: RAM)."""
    starts = [*range(0xC0000, 0xF0000, 0x4000), 0xF0000, _1M]
    made = [(0xF0000, _1M, config[at] >> 4 & 3)]
    for index, (start, end) in enumerate(pairwise(starts[:-1])):
        shift = 4 * (index & 1)
        made.append((start, end, config[at + 1 + index // 2] >> shift & 3))
    return made


def _without(regions: list[Region], start: int, end: int) -> list[Region]:
    made = []
    for one in regions:
        if one.end <= start or end <= one.start:
            made.append(one)
            continue
        if one.start < start:
            made.append(one.cut(one.start, start))
        if end < one.end:
            made.append(one.cut(end, one.end))
    return made


def _part(regions: list[Region], start: int, end: int) -> list[Region]:
    return [
        one.cut(max(one.start, start), min(one.end, end))
        for one in regions
        if one.start < end and start < one.end
    ]


def _vga_window(
    blocks: dict[str, int], names: list[str], sections: Sections,
    bridge: _Bridge | None, config: bytes | None,
) -> list[Region]:  # fmt: skip
    """Video RAM in its window below 1 MiB, where the VGA is in chain-4 mode."""
    if bridge is not None and config is not None and config[bridge.smram] & 0x40:
        return []
    for name in names:
        block = f"{name.rpartition('/')[0]}/vga.vram".removeprefix("/")
        if name.rpartition("/")[2] != "vga" or block not in blocks:
            continue
        fields = sections(name)
        window = None if fields is None else _chain4(fields)
        if window is not None:
            start, size, offset = window
            if offset + size <= blocks[block]:
                return [Region(start, size, block, offset)]
    return []


def _chain4(fields: SectionFields) -> tuple[int, int, int] | None:
    where = next(
        (one for one in ("vga.", "state.", "") if fields.get(f"{one}sr") is not None),
        None,
    )
    if where is None:
        return None
    sr, gr = fields.get(f"{where}sr"), fields.get(f"{where}gr")
    enabled = fields.get(f"{where}vbe_regs[4]") or 0
    if not enabled & 1 and (sr[2] & 0xF != 0xF or not sr[4] & 8):
        return None
    match gr[6] >> 2 & 3:
        case 0:
            return 0xA0000, 0x20000, 0
        case 1:
            return 0xA0000, 0x10000, fields.number(f"{where}bank_offset", bits=32)
        case 2:
            return 0xB0000, 0x8000, 0
        case _:
            return 0xB8000, 0x8000, 0
