"""Where the memory of PCI devices is, by configuration spaces made by hand."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import pytest

from vmgen.guest.fields import SectionFields
from vmgen.guest.pci import placed
from vmgen.guest.regions import Region

VGA = "0000:00:02.0/vga.vram"
ROM = "0000:00:02.0/vga.rom"


def config(
    command: int = 2, low: int = 0, high: int = 0, rom: int = 0, size: int = 256
) -> bytes:
    """A configuration space with its command, first base address register and that of
    the ROM."""
    made = bytearray(b"\xff" * size)
    struct.pack_into("<H", made, 4, command)
    struct.pack_into("<II", made, 0x10, low, high)
    if size >= 0x34:
        struct.pack_into("<I", made, 0x30, rom)
    return bytes(made)


def of(
    block: str, sections: Mapping[str, Mapping[str, Any]], length: int = 0x1000
) -> Region | str:
    """The region of a block, or what is said of it."""
    made, reasons, hidden = placed(
        {block: length},
        list(sections),
        lambda name: SectionFields(sections[name], name) if sections[name] else None,
    )
    if made:
        assert not reasons
        assert not hidden
        (region,) = made
        return region
    ((name, reason),) = {**reasons, **hidden}.items()
    assert name == block
    assert (block in hidden) == (reason == "its base address register is off")
    return reason


OFF = "its base address register is off"


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        ({"low": 0xFD000008}, 0xFD000000),
        ({"low": 0xFD000000, "high": 7}, 0xFD000000),
        ({"low": 0xE000000C, "high": 5}, 0x5_E000_0000),
        ({"low": 0x4, "high": 1}, 0x1_0000_0000),
        ({"low": 0xFD000008, "command": 3}, 0xFD000000),
        ({"low": 0xFD000008, "command": 0}, None),
        ({"low": 0xFD000008, "command": 5}, None),
        ({"low": 0xC001}, None),  # of I/O ports
        ({"low": 0x8}, None),
        ({"low": 0xFD000008, "size": 64}, 0xFD000000),
    ],
)
def test_memory_is_where_the_first_register_points(
    space: dict[str, int], expected: int | None
) -> None:
    found = of(VGA, {"0000:00:02.0/vga": {"config": config(**space)}}, 0x800000)
    if expected is None:
        assert found == OFF
    else:
        assert found == Region(expected, 0x800000, VGA, 0, "ram")


@pytest.mark.parametrize(
    ("rom", "command", "expected"),
    [
        (0xFEB00001, 2, 0xFEB00000),
        (0xFEB00801, 2, 0xFEB00800),
        (0xFEB00401, 2, 0xFEB00000),
        (0xFEB00000, 2, None),  # not enabled
        (1, 2, None),
        (0xFEB00001, 0, None),
    ],
)
def test_a_rom_has_a_register_of_its_own(
    rom: int, command: int, expected: int | None
) -> None:
    space = config(command, 0xFD000008, rom=rom)
    found = of(ROM, {"0000:00:02.0/vga": {"config": space}}, 0x10000)
    if expected is None:
        assert found == OFF
    else:
        assert found == Region(expected, 0x10000, ROM, 0, "rom")


@pytest.mark.parametrize("where", ["", "parent_obj", "dev", "pci_dev", "pcidev"])
@pytest.mark.parametrize("name", ["config", "config[0]", "config[1]"])
def test_a_configuration_space_is_found_where_the_device_has_it(
    where: str, name: str
) -> None:
    values: Any = {name: bytearray(config(low=0xFD000008))}
    if where:
        values = {where: values}
    found = of(VGA, {"0000:00:02.0/vga": values})
    assert isinstance(found, Region)
    assert found.start == 0xFD000000


def test_what_is_not_known_has_its_reason() -> None:
    known = {"config": config(low=0xFD000008)}
    unknown = "the configuration space of 0000:00:02.0 is not known"
    name = "0000:00:02.0/vga"
    assert of(VGA, {}) == unknown
    assert of(VGA, {name: {}}) == unknown
    assert of(VGA, {name: {"config": 5}}) == unknown
    assert of(VGA, {name: {"config": config()[:63]}}) == unknown
    assert of(VGA, {"0000:00:03.0/vga": known}) == unknown
    assert of(VGA, {name: known, "0000:00:02.0/other": known}) == unknown
    assert isinstance(of(VGA, {name: known, "0000:00:02.0/other": {"x": 1}}), Region)
    assert of("0000:00:02.0/qxl.vram", {name: known}) == (
        "no base address register is known for it"
    )


def test_other_blocks_are_no_matter() -> None:
    assert placed({"pc.ram": 1, "a:b/c": 1, "/rom@etc/acpi": 1}, [], lambda _: None) == (
        [], {}, {},
    )  # fmt: skip


def test_every_block_is_looked_at() -> None:
    space = {"config": config(low=0xFD000008, rom=0xFEB00001)}
    made, reasons, hidden = placed(
        {"pc.ram": 1, VGA: 2, "0000:00:09.0/x.rom": 3, ROM: 4},
        ["0000:00:02.0/vga", "ram"],
        lambda name: SectionFields(space, name),
    )
    assert [(one.block, one.size) for one in made] == [(VGA, 2), (ROM, 4)]
    assert (list(reasons), hidden) == (["0000:00:09.0/x.rom"], {})
