"""What a stream must have in common with one that the machine itself saved."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from tests.stream_files import captured, packages, whole
from tests.stream_sections import find_sections
from tests.test_stream_read import HEAD, description, device, section
from vmgen.cli import run
from vmgen.stream import Draft, Stream
from vmgen.stream.machine import unlike

NAME = "riscv64-virt-vh-bare--10.0.2"


def found(data: bytes, own: bytes) -> list[tuple[str, str, bool]]:
    streams = Stream(data, strict=False), Stream(own, strict=False)
    return [
        (one.section, one.member, one.certain)
        for one in unlike(*streams, packages()["riscv64"])
    ]


def arm(count: int, *registers: int) -> bytes:
    """A stream of nothing but a CPU with these system registers."""
    body = struct.pack(f">i{len(registers)}Q", count, *registers)
    fields = [
        {"name": "cpreg_vmstate_array_len", "type": "int32 le", "size": 4},
        {
            "name": "cpreg_vmstate_indexes",
            "type": "uint64",
            "size": 8,
            "array_len": len(registers),
        },
    ]
    cpu = device("cpu") | {"fields": fields}
    return HEAD + section(1, "cpu", body) + b"\0" + description([cpu])


def test_a_machine_is_like_itself() -> None:
    assert found(whole(NAME), whole(NAME)) == []


def test_a_name_is_compared_as_far_as_it_goes() -> None:
    """``strncmp`` with the length of the received one."""
    data = whole(NAME)
    longer = data.replace(b"\0\0\0\4virt", b"\0\0\0\5virtX", 1)
    other = data.replace(b"\0\0\0\4virt", b"\0\0\0\4vixt", 1)
    assert longer != data != other
    config = ("configuration", "name", True)
    assert found(other, data) == [config]
    assert config in found(longer, data)
    assert config not in found(data, longer)


def test_what_the_machine_is_told_not_to_write_it_does_not_take() -> None:
    """``send-configuration`` and ``send-section-footer``: both sides, or neither."""
    cpu = device("cpu") | {"fields": [{"name": "x", "type": "uint32", "size": 4}]}
    tail = b"\0" + description([cpu])
    usual = HEAD + section(1, "cpu", bytes(4)) + tail
    bare = HEAD + section(1, "cpu", bytes(4))[:-5] + tail
    configured = HEAD + b"\7\0\0\0\4virt" + usual[len(HEAD) :]
    assert found(usual, usual) == found(bare, bare) == []
    assert found(bare, usual) == found(usual, bare) == [("cpu/0", "", True)]
    assert found(usual, configured) == [("configuration", "", True)]
    assert found(configured, usual) == [("configuration", "", True)]


def test_blocks_of_memory() -> None:
    data = whole(NAME)
    name = Stream(data).memory().blocks[0].name.encode()
    renamed = data.replace(name, name[:-1] + b"X")
    (unknown,) = (one for one in found(renamed, data) if one[0] == "ram/0")
    assert unknown == ("ram/0", (name[:-1] + b"X").decode(), True)


@pytest.mark.parametrize(
    ("count", "refused"), [(3, False), (2, False), (4, True), (-1, True)]
)
def test_numbers_that_may_not_be_above_the_machines(count: int, refused: bool) -> None:
    """``get_int32_le``: from 0 to the device's own."""
    expected = [("cpu/0", "cpreg_vmstate_array_len", True)] if refused else []
    assert found(arm(count, 1, 5, 9), arm(3, 1, 5, 9)) == expected


@pytest.mark.parametrize(
    ("theirs", "ours", "strange"),
    [
        ((1, 5, 9), (1, 5, 9), None),
        ((1, 9), (1, 5, 9), None),
        ((1, 4, 9), (1, 5, 9), 4),
        ((1, 6, 9), (1, 5, 9), 6),
        ((0, 1), (1, 5, 9), 0),
        ((1, 5, 10), (1, 5, 9), None),  # behind all that it has
        ((5, 1 << 63), (5, 1 << 63 | 1), 1 << 63),
    ],
)
def test_registers_of_an_arm_cpu(
    theirs: tuple[int, ...], ours: tuple[int, ...], strange: int | None
) -> None:
    """As ``cpu_post_load`` in ``target/arm/machine.c`` goes through both lists."""
    data = arm(len(theirs), *theirs)
    streams = Stream(data, strict=False), Stream(arm(len(ours), *ours), strict=False)
    everything = [
        one
        for one in unlike(*streams, packages()["riscv64"])
        if one.member == "cpreg_vmstate_indexes"
    ]
    if strange is None:
        assert everything == []
    else:
        (one,) = everything
        assert one.message == f"the CPU has no system register {strange:#x}"
        assert data[one.offset : one.offset + 8] == strange.to_bytes(8, "big")


def of_one_field(kind: str, body: bytes, count: int | None = None) -> bytes:
    """A stream of a section with one field of this type."""
    field = {"name": "x", "type": kind, "size": len(body) // (count or 1)}
    if count is not None:
        field["array_len"] = count
    cpu = device("dev") | {"fields": [field]}
    return HEAD + section(1, "dev", body) + b"\0" + description([cpu])


def differs(kind: str, theirs: bytes, ours: bytes, count: int | None = None) -> bool:
    made = found(of_one_field(kind, theirs, count), of_one_field(kind, ours, count))
    assert made in ([], [("dev/0", "x", True)])
    return bool(made)


@pytest.mark.parametrize(
    ("kind", "theirs", "ours", "refused"),
    [
        ("uint16 equal", b"\0\1", b"\0\1", False), ("uint16 equal", b"\0\1", b"\1\0", True),
        ("int64 equal", bytes(8), bytes(7) + b"\1", True),
        ("uint16", b"\0\1", b"\1\0", False), ("buffer", b"\0\1", b"\1\0", False),
        ("int32 le", b"\0\0\0\1", b"\0\0\1\0", False),
        ("int32 le", b"\0\0\1\0", b"\0\0\0\1", True),
        ("int32 le", b"\xff\xff\xff\xff", b"\0\0\0\1", True),
        ("int32 le", b"\0\0\0\0", b"\0\0\0\1", False),
    ],
)  # fmt: skip
def test_numbers_that_are_compared(
    kind: str, theirs: bytes, ours: bytes, refused: bool
) -> None:
    assert differs(kind, theirs, ours) == refused


def test_fields_of_other_types_and_arrays_of_bounds_are_not_compared() -> None:
    one, two = (of_one_field("uint16 equal", bytes([at, 1])) for at in (0, 1))
    other = of_one_field("uint16", bytes([0, 1]))
    wider = of_one_field("uint32 equal", bytes([0, 0, 0, 1]))
    assert found(one, two) != []
    assert found(two, other) == found(two, wider) == found(other, two) == []
    assert not differs("int32 le", bytes([0, 0, 1, 0] * 2), bytes(8), 2)
    assert differs("uint16 equal", bytes([0, 0, 1, 0]), bytes(4), 2)


FIXED = {0: 0xFF, 1: 0xFF, 2: 0xFF, 3: 0xFF, 6: 0x10, 8: 0xFF, 9: 0xFF, 10: 0xFF,
         11: 0xFF, 14: 0xFF, 0x34: 0xFF}  # fmt: skip
"""Vendor, device, the status bit of a capability list, revision, class, type of the header,
capability pointer: ``pci_init_cmask``."""


@pytest.mark.parametrize("bit", range(8))
def test_bits_of_a_pci_device_that_must_be_its_own(bit: int) -> None:
    own = bytes(byte * 7 & 0xFF for byte in range(64))
    refused = []
    for place in range(64):
        theirs = bytearray(own)
        theirs[place] ^= 1 << bit
        if differs("pci config", bytes(theirs), own):
            refused.append(place)
    assert refused == [place for place, mask in FIXED.items() if mask >> bit & 1]


def test_a_configuration_space_that_is_cut_short_is_compared_as_far_as_it_goes() -> (
    None
):
    assert not differs("pci config", b"\1\2\3\4\5", b"\1\2\3\4\6")
    assert differs("pci config", b"\1\2\3\4\5", b"\1\2\3\5\5")
    assert not differs("pci config", b"\1\2\3\4", b"\1\2\3\5", 2)


def test_a_section_that_the_machine_did_not_save_is_not_certain() -> None:
    data = whole(NAME)
    stream = Stream(data, packages()["riscv64"])
    draft = Draft(stream)
    draft.drop(stream.section("goldfish_rtc"))
    assert found(data, draft.to_bytes()) == [("goldfish_rtc/0", "", False)]
    assert found(draft.to_bytes(), data) == []


def test_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = whole(NAME)
    (bus,) = (one for one in find_sections(data) if one.name == "PCIBUS")
    damaged = bytearray(data)
    damaged[bus.start] ^= 1
    old, new = tmp_path / "old.mig", tmp_path / "new.mig"
    old.write_bytes(data)
    new.write_bytes(damaged)
    codecs = str(packages()["riscv64"].folder)
    line = ["stream", "explain", str(new), "--codecs", codecs]
    assert run([*line, "--format", "json"]) == 3
    capsys.readouterr()
    assert run([*line, "--format", "json", "--like", str(old)]) == 1
    (refusal,) = json.loads(capsys.readouterr().out)["refusals"]
    assert refusal["rule"] == "machine"
    assert refusal["offset"] == bus.start
    assert run([*line, "--like", str(tmp_path / "none")]) == 2
    assert run([*line, "--like", str(Path(codecs) / "__init__.py")]) == 2
    assert "__init__.py: error: not a migration stream" in capsys.readouterr().err


def pci(*changes: tuple[int, int]) -> bytes:
    """A stream of nothing but a PCI device with MSI-X at 0x98 and, behind it, MSI at 0x50
    and a capability of its own at 0x40; ``changes`` are (place, byte)."""
    config = bytearray(256)
    config[0x06], config[0x34] = 0x10, 0x98
    config[0x98:0xA4] = b"\x11\x50\x03\x00\x01\0\0\0\x01\x08\0\0"
    config[0x50:0x54] = b"\x05\x40\x80\x00"
    config[0x40:0x44] = b"\x09\x00\x10\x01"
    for place, byte in changes:
        config[place] = byte
    fields = [{"name": "config", "type": "pci config", "size": 256}]
    dev = device("dev") | {"fields": fields}
    return HEAD + section(1, "dev", bytes(config)) + b"\0" + description([dev])


@pytest.mark.parametrize(
    ("place", "byte", "refused"),
    [
        (0x9A, 0x04, True),  # real 10.0.2: num_queues=2 of a virtio-scsi-pci
        (0x9B, 0x01, True),
        (0x9B, 0xC0, False),  # a guest switches MSI-X on, and masks all
        (0x9C, 0x02, True),
        (0xA1, 0x0C, True),
        (0x98, 0x12, True),
        (0x99, 0x00, True),
        (0x52, 0x00, True),
        (0x52, 0xF1, False),
        (0x54, 0xFF, False),  # the address of a message
        (0x41, 0x60, True),
        (0x42, 0x11, False),
        (0x60, 0x11, False),
    ],
)
def test_what_a_capability_has_must_be_the_device_s_own(
    place: int, byte: int, refused: bool
) -> None:
    expected = [("dev/0", "config", True)] * refused
    assert found(pci((place, byte)), pci()) == expected
    assert found(pci((place, byte)), pci((0x06, 0))) == [("dev/0", "config", True)]


@pytest.mark.parametrize("loop", [(0x99, 0x98), (0x41, 0x98), (0x34, 0xFC), (0x34, 3)])
def test_a_list_of_capabilities_that_has_no_end(loop: tuple[int, int]) -> None:
    assert found(pci(loop), pci(loop)) == []


def test_what_qemu_refuses_first_comes_first_with_the_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """QEMU 10.0.2 with ``-smp 1``: Unknown savevm section or instance 'cpu_common' 1."""
    two, one = tmp_path / "two.mig", tmp_path / "one.mig"
    two.write_bytes(captured("riscv64-virt-rv64-poke-smp2--10.0.2"))
    one.write_bytes(captured(NAME))
    line = ["stream", "explain", str(two), "--release", "10.0.2", "--like", str(one)]
    assert run([*line, "--format", "json"]) == 1
    refusals = json.loads(capsys.readouterr().out)["refusals"]
    assert [item["section"] for item in refusals[:3]] == [
        "cpu_common/1",
        "cpu/1",
        "riscv_mtimer/0",
    ]
    assert refusals[0]["hint"].endswith("-smp 2")
    offsets = [item["offset"] for item in refusals]
    assert offsets == sorted(offsets)


def test_a_device_that_the_machine_lacks_is_named_as_an_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = whole("x86_64-q35-bare--10.0.2")
    draft = Draft(Stream(data, packages()["x86_64"]))
    draft.drop(Stream(data, strict=False).section("0000:00:1f.2/ich9_ahci"))
    theirs, own = tmp_path / "theirs.mig", tmp_path / "own.mig"
    theirs.write_bytes(data)
    own.write_bytes(draft.to_bytes())
    line = ["stream", "explain", str(theirs), "--release", "10.0.2"]
    assert run([*line, "--like", str(own), "--format", "json"]) == 1
    (one,) = json.loads(capsys.readouterr().out)["refusals"]
    assert one["hint"] == "start the machine with -device ich9-ahci, at 0000:00:1f.2"
