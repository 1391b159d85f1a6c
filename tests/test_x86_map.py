"""Where a PC has its memory, as registers of its chipset say it (Intel 82441FX and Q35): PAM,
SMRAM, TSEG, and the CMOS."""

from __future__ import annotations

import pytest

from vmgen.guest import NoMap
from vmgen.guest.fields import SectionFields
from vmgen.guest.regions import PhysicalMap
from vmgen.guest.x86_map import pc_map

MIB, GIB = 1 << 20, 1 << 30
PAM0_FX, SMRAM_FX = 0x59, 0x72
PAM0, SMBASE, SMRAM, ESMRAMC, TSEG = 0x90, 0x9C, 0x9D, 0x9E, 0x50
OPEN, LOCKED, ENABLED, HIGH = 1 << 6, 1 << 4, 1 << 3, 1 << 7

FIRMWARE = {"pc.rom": 128 << 10, "pc.bios": 256 << 10}


def cmos(below: int, above: int = 0) -> bytes:
    data = bytearray(128)
    if below > 16 * MIB:
        data[0x34:0x36] = (below - 16 * MIB >> 16).to_bytes(2, "little")
    data[0x30:0x32] = min(0xFFFF, (below - MIB) >> 10).to_bytes(2, "little")
    data[0x5B:0x5E] = (above >> 16).to_bytes(3, "little")
    return bytes(data)


def pc(
    registers: dict[int, int] | None = None, *, bridge: str = "mch", below: int = 64 * MIB,
    above: int = 0, blocks: dict[str, int] | None = None, vga: bool = False,
) -> PhysicalMap:  # fmt: skip
    """A PC by the registers of its host bridge; without them it has none."""
    config = bytearray(256)
    for at, value in (registers or {}).items():
        config[at] = value
    held = {
        "mc146818rtc": {"cmos_data": cmos(below, above)},
        bridge: {"config": bytes(config)},
    }
    listed = {"pc.ram": below + above, **(FIRMWARE if blocks is None else blocks)}
    if vga:
        listed["vga.vram"] = 16 * MIB

    def section(name: str) -> SectionFields | None:
        return SectionFields(held[name], name) if name in held else None

    names = ["mc146818rtc"] if registers is None else list(held)
    return PhysicalMap(pc_map(listed, names, section))


def what(map: PhysicalMap, address: int) -> str:
    """The block at an address and the place in it; empty for none."""
    found = map.at(address)
    if found is None:
        return ""
    return f"{found.kind} {found.block} {found.offset + address - found.start:#x}"


def test_ram_is_below_and_above_four_gib_as_the_cmos_says() -> None:
    map = pc({}, below=3 * GIB, above=2 * GIB)
    assert what(map, 3 * GIB - 1) == "ram pc.ram 0xbfffffff"
    assert what(map, 3 * GIB) == ""
    assert what(map, 4 * GIB) == "ram pc.ram 0xc0000000"
    assert what(map, 6 * GIB - 1) == "ram pc.ram 0x13fffffff"
    assert what(map, 6 * GIB) == ""
    small = pc({}, below=8 * MIB)
    assert what(small, 8 * MIB - 1) == "ram pc.ram 0x7fffff"
    with pytest.raises(NoMap, match="the CMOS says 0x4000000 and 0x0 bytes"):
        pc({}, blocks={"pc.ram": 65 * MIB})
    with pytest.raises(NoMap, match="HyperTransport"):
        pc({}, below=3 * GIB, above=0xFD_0000_0000 - 4 * GIB + 65536)
    pc({}, below=3 * GIB, above=0xFD_0000_0000 - 4 * GIB)


@pytest.mark.parametrize("number", range(13))
@pytest.mark.parametrize(
    ("bridge", "first"), [("I440FX", PAM0_FX), ("mch", PAM0)], ids=["440fx", "q35"]
)
def test_each_attribute_map_has_its_range(bridge: str, first: int, number: int) -> None:
    """PAM0 has 0xf0000 in its high half; the others 16 KiB each from 0xc0000 on, the low
    half first."""
    start = 0xF0000 if not number else 0xC0000 + 0x4000 * (number - 1)
    size = 0x10000 if not number else 0x4000
    register = first if not number else first + 1 + (number - 1) // 2
    shift = 4 if not number or number % 2 == 0 else 0
    rom = "pc.rom" if start < 0xE0000 else "pc.bios"
    at = (start - 0xC0000) if rom == "pc.rom" else 256 * 1024 - (MIB - start)
    last = start + size - 1
    for mode, kind in ((0, ""), (1, "rom"), (2, "ram"), (3, "ram")):
        map = pc({register: mode << shift}, bridge=bridge)
        expected = (
            [f"{kind} pc.ram {one:#x}" for one in (start, last)]
            if kind
            else [f"rom {rom} {at:#x}", f"rom {rom} {at + size - 1:#x}"]
        )
        assert [what(map, start), what(map, last)] == expected
        for other in (start - 1, last + 1):
            outside = what(map, other)
            assert outside == what(pc({register: 0}, bridge=bridge), other)


def test_video_has_its_window_unless_smram_is_open() -> None:
    for bridge, smram in (("I440FX", SMRAM_FX), ("mch", SMRAM)):
        for value, shown in (
            (0, ""), (OPEN, "ram pc.ram 0xa0000"), (OPEN | LOCKED, ""), (LOCKED, ""),
        ):  # fmt: skip
            map = pc({smram: value}, bridge=bridge, vga=True)
            assert what(map, 0xA0000) == shown
            assert what(map, 0x9FFFF) == "ram pc.ram 0x9ffff"
            assert (what(map, 0xBFFFF) == "") == (shown == "")
            without = pc({smram: value}, bridge=bridge)
            assert what(without, 0xA0000) == "ram pc.ram 0xa0000"


def test_smram_can_be_seen_high() -> None:
    map = pc({SMRAM: OPEN, ESMRAMC: HIGH}, vga=True)
    assert what(map, 0xA0000) == ""
    assert what(map, 0xFEDA_0000) == "ram pc.ram 0xa0000"
    assert what(map, 0xFEDB_FFFF) == "ram pc.ram 0xbffff"
    assert what(map, 0xFEDC_0000) == what(map, 0xFED9_FFFF) == ""
    for registers in ({SMRAM: OPEN, ESMRAMC: 0x7F & ~1}, {SMRAM: 0, ESMRAMC: HIGH}):
        assert what(pc(registers, vga=True), 0xFEDA_0000) == ""


@pytest.mark.parametrize(
    ("size", "mib"), [(0, 1), (1, 2), (2, 8), (3, 16)], ids=["1", "2", "8", "more"]
)
def test_the_top_of_low_memory_can_be_hidden(size: int, mib: int) -> None:
    registers = {SMRAM: ENABLED, ESMRAMC: 1 | size << 1, TSEG: 16}
    map = pc(registers, above=GIB)
    start = 64 * MIB - mib * MIB
    assert what(map, start - 1) == f"ram pc.ram {start - 1:#x}"
    assert what(map, start) == what(map, 64 * MIB - 1) == ""
    assert what(map, 4 * GIB) == "ram pc.ram 0x4000000"
    for off in ({**registers, SMRAM: 0}, {**registers, ESMRAMC: size << 1}):
        assert what(pc(off), start) == f"ram pc.ram {start:#x}"
    assert what(pc({**registers, TSEG: 0, TSEG + 1: 1}), 0) == (
        "" if size == 3 else "ram pc.ram 0x0"
    )


def test_memory_at_the_first_address_of_smm_can_be_hidden() -> None:
    map = pc({SMBASE: 2})
    assert what(map, 0x2FFFF) == "ram pc.ram 0x2ffff"
    assert what(map, 0x30000) == what(map, 0x4FFFF) == ""
    assert what(map, 0x50000) == "ram pc.ram 0x50000"
    assert what(pc({SMBASE: 1}), 0x30000) == "ram pc.ram 0x30000"


def test_firmware_ends_at_four_gib_and_its_end_is_below_one_mib() -> None:
    map = pc({})
    assert what(map, 4 * GIB - 1) == "rom pc.bios 0x3ffff"
    assert what(map, 4 * GIB - (256 << 10)) == "rom pc.bios 0x0"
    assert what(map, 4 * GIB - (256 << 10) - 1) == ""
    assert what(map, MIB - 1) == "rom pc.bios 0x3ffff"
    assert what(map, 0xE0000) == "rom pc.bios 0x20000"
    assert what(map, 0xDFFFF) == "rom pc.rom 0x1ffff"
    flash = pc({}, blocks={"system.flash0": 2 * MIB, "system.flash1": MIB})
    assert what(flash, 4 * GIB - 1) == "romd system.flash0 0x1fffff"
    assert what(flash, 4 * GIB - 2 * MIB - 1) == "romd system.flash1 0xfffff"
    assert what(flash, MIB - 1) == "romd system.flash0 0x1fffff"
    isa = pc({}, blocks={"pc.bios": MIB, "isa-bios": 64 << 10})
    assert what(isa, 0xF0000) == "rom isa-bios 0x0"
    assert what(isa, 4 * GIB - MIB) == "rom pc.bios 0x0"


def test_without_a_host_bridge_firmware_can_be_written() -> None:
    map = pc(None, vga=True)
    assert what(map, MIB - 1) == "ram pc.bios 0x3ffff"
    assert what(map, 0xA0000) == what(map, 0xBFFFF) == ""
    assert what(pc(None), 0xA0000) == "ram pc.ram 0xa0000"
