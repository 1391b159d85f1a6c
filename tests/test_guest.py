"""Guests out of the tests' streams: where memory is, and what is in it."""

from __future__ import annotations

import io
import json
import lzma
import os
import struct
from pathlib import Path
from typing import Any

import pytest

from tests import kdump_files
from tests.stream_files import FOLDER, captured, packages, whole
from vmgen.export import elf, jsonl, kdump, lime, parquet, raw
from vmgen.export.formats import ExportOptions
from vmgen.guest import BadMap, Guest, NoMap, Region, Unmapped, Unsupported, x86_map
from vmgen.guest.fields import SectionFields
from vmgen.guest.given import mtree
from vmgen.guest.regions import PhysicalMap, overlaid
from vmgen.saved import open_guest
from vmgen.stream import Draft, NoCodecs
from vmgen.stream.show import as_json

PC = "i386-isapc-poke--10.0.2"
SPIKE = "riscv64-xbzrle--10.0.2"

MTREE = """\
FlatView #0
 AS "I/O", root: io
 Root memory region: io
  0000000000000000-000000000000ffff (prio 0, i/o): io

FlatView #1
 AS "cpu-memory-0", root: system
 AS "memory", root: system
 Root memory region: system
  0000000000001000-000000000000ffff (prio 0, rom): riscv.spike.mrom
  0000000010000000-00000000100000ff (prio 0, i/o): serial
  0000000080000000-00000000801fffff (prio 0, ram): riscv.spike.ram

"""


def opened(name: str, target: str, *map: str) -> Guest:
    return Guest.open(whole(name), codecs=packages()[target], map=map)


def test_a_pc_has_holes_and_firmware_where_qemu_has_them() -> None:
    with opened(PC, "i386") as guest:
        assert (guest.machine, guest.target, len(guest.cpus)) == ("isapc", "i386", 1)
        top = guest.regions[-1]
        assert (top.block, top.end) == ("pc.bios", 1 << 32)
        assert guest.memory.read(0xFFFFFFF0, 16) == guest.memory.read(0xFFFF0, 16)
        assert guest.memory.read((1 << 32) - 16, 1) != b"\0"


@pytest.mark.parametrize(
    ("end", "path", "number"),
    [("mch", "parent_obj", 0x29C0), ("ICH9LPC", "d", 0x2918),
     ("ich9_ahci", "parent_obj", 0x2922), ("ich9_smb", "dev", 0x2930)],
)  # fmt: skip
def test_a_section_is_found_without_the_path_of_its_device(
    end: str, path: str, number: int
) -> None:
    """``mch`` is ``0000:00:00.0/mch``: each has the number of its PCI device (Q35 and ICH9
    of Intel)."""
    name = "x86_64-q35-bare--10.0.2"
    with Guest.open(captured(name), codecs=packages()["x86_64"]) as guest:
        found = guest.section(end)
        assert found is not None
        config = found.get(f"{path}.config[0]")
        assert struct.unpack_from("<HH", config) == (0x8086, number)
        assert guest.section("no such device") is None


def test_no_section_is_chosen_of_several_that_end_alike() -> None:
    file = FOLDER / "devices/x86_64-q35-ports--10.0.2.stream.xz"
    with Guest.open(lzma.decompress(file.read_bytes())) as guest:
        full = [one.name for one in guest.stream.sections if one.kind == "full"]
        ports = [one for one in full if one.endswith("/pcie-root-port")]
        assert len(ports) == 3
        assert all(guest.section(one) is not None for one in ports)
        assert guest.section("pcie-root-port") is None


def test_the_text_of_info_mtree_places_blocks(tmp_path: Path) -> None:
    file = tmp_path / "mtree.txt"
    file.write_text(MTREE)
    with opened(SPIKE, "riscv64", str(file)) as guest:
        assert guest.regions == (
            Region(0x1000, 0xF000, "riscv.spike.mrom", 0, "rom"),
            Region(0x8000_0000, 0x20_0000, "riscv.spike.ram"),
        )
        assert guest.memory.read(0x8000_0000, 4) == guest.ram.read(
            "riscv.spike.ram", 0, 4
        )
        with pytest.raises(Unmapped, match="physical 0x10000"):
            guest.memory.read(0xFFFE, 4)


def test_a_block_can_be_placed_by_hand_in_parts() -> None:
    part = "riscv.spike.ram=0x90000000:0x1000@0x2000"
    with opened(SPIKE, "riscv64", part) as guest:
        (region,) = [one for one in guest.regions if one.block == "riscv.spike.ram"]
        assert region == Region(0x9000_0000, 0x1000, "riscv.spike.ram", 0x2000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nosuch=0", "no block 'nosuch'"),
        ("riscv.spike.ram=here", "no address"),
        ("riscv.spike.ram=0:0x200001", "0x200000 bytes, not 0x200001"),
        ("/nowhere/mtree.txt", "cannot be read"),
    ],
)
def test_a_map_that_does_not_fit_is_an_error(text: str, message: str) -> None:
    with opened(SPIKE, "riscv64", text) as guest, pytest.raises(BadMap, match=message):
        assert guest.regions


def test_text_that_is_no_map_is_an_error() -> None:
    with pytest.raises(BadMap, match="no flat view"):
        mtree("hello", {"ram": 1}, "file")
    with pytest.raises(
        BadMap, match=r"0x300000 bytes there, and 0x100000 in the stream"
    ):
        mtree(
            MTREE.replace("riscv.spike.ram", "riscv.spike.ram @0000000000100000"),
            {"riscv.spike.ram": 0x100000}, "file",
        )  # fmt: skip


def test_flash_is_flash_wherever_it_is_seen() -> None:
    text = MTREE.replace("(prio 0, ram)", "(prio 0, romd)") + ""
    more = "  00000000000e0000-00000000000fffff (prio 0, rom): riscv.spike.ram\n"
    text = text.replace("  0000000010000000", more + "  0000000010000000")
    blocks = {"riscv.spike.ram": 0x200000, "riscv.spike.mrom": 0xF000}
    kinds = {one.block: one.kind for one in mtree(text, blocks, "file")}
    assert kinds == {"riscv.spike.ram": "romd", "riscv.spike.mrom": "rom"}


def test_a_board_that_nobody_knows_names_the_option() -> None:
    with Guest.open(whole(SPIKE)) as guest, pytest.raises(NoMap) as caught:
        assert guest.regions
    assert "--map riscv.spike.ram=ADDRESS" in caught.value.hint


def test_video_ram_is_in_its_window_in_chain_4_mode_if_it_is_there() -> None:
    values = {"sr": [0, 0, 0xF, 0, 8], "gr": [0] * 6 + [1 << 2], "bank_offset": 0x20000}
    vga = SectionFields(values, "vga")

    def window(
        blocks: dict[str, int], smram: int | None = None
    ) -> list[tuple[int, int, str, int]]:
        names, bridge, config = ["serial", "vga"], None, bytearray(256)
        if smram is not None:
            bridge, _ = x86_map._BRIDGES
            config[bridge.smram] = smram
        found = x86_map._vga_window(blocks, names, lambda _: vga, bridge, bytes(config))
        return [(one.start, one.size, one.block, one.offset) for one in found]

    assert window({"vga.vram": 1 << 20}) == [(0xA0000, 0x10000, "vga.vram", 0x20000)]
    assert window({"vga.vram": 1 << 20}, 0) == window({"vga.vram": 1 << 20})
    assert window({"vga.vram": 1 << 20}, 1 << 6) == []  # SMRAM is open there
    assert window({}) == []
    assert window({"vga.vram": 0x20000}) == []
    values["sr"] = [0, 0, 0xF, 0, 0]
    assert window({"vga.vram": 1 << 20}) == []


def test_of_two_regions_at_one_address_the_later_counts() -> None:
    made = overlaid([Region(0, 100, "a"), Region(10, 20, "b", 5), Region(200, 0, "c")])
    assert made == (Region(0, 10, "a"), Region(10, 20, "b", 5), Region(30, 70, "a", 30))
    with pytest.raises(BadMap, match=r"above 2\^64"):
        PhysicalMap([Region((1 << 64) - 1, 2, "a")])


def exported(module: Any, guest: Guest, **options: Any) -> bytes:
    out = io.BytesIO()
    module.write(guest, out, ExportOptions(**options))
    return out.getvalue()


def test_an_image_and_lime_have_the_bytes_of_every_region() -> None:
    part = "riscv.spike.ram=0x20000"
    with opened(SPIKE, "riscv64", part) as guest:
        image, dump = exported(raw, guest), exported(lime, guest)
        assert len(image) == guest.regions[-1].end
        for region in guest.regions:
            expected = guest.memory.read(region.start, region.size)
            assert image[region.start : region.end] == expected
            magic, version, first, last = lime.HEADER.unpack(dump[: lime.HEADER.size])
            assert (magic, version) == (0x4C694D45, 1)
            assert (first, last) == (region.start, region.end - 1)
            dump = dump[lime.HEADER.size :]
            assert dump[: region.size] == expected
            dump = dump[region.size :]
        assert not dump


LINUX = b"""OSRELEASE=6.1.0
SYMBOL(init_uts_ns)=80002000
OFFSET(uts_namespace.name)=4
"""
NAMES = (b"Linux", b"node", b"6.1.0", b"#1 SMP", b"riscv64", b"(none)")


def of_linux(said: bytes = LINUX) -> bytes:
    """A stream whose RAM has the note of a kernel, and what it says of itself."""
    with opened(SPIKE, "riscv64") as guest:
        draft = Draft(guest.stream)
        ram = draft.memory("riscv.spike.ram")
        note = struct.pack("<III", 11, len(said), 0) + b"VMCOREINFO\0\0" + said
        ram[0x1234 : 0x1234 + len(note)] = note
        uname = b"".join(name.ljust(65, b"\0") for name in NAMES)
        ram[0x2004 : 0x2004 + len(uname)] = uname
        return draft.to_bytes()


def notes_size(core: bytes) -> int:
    """Bytes of the notes of a core, which its first program header has."""
    (place,) = struct.unpack_from("<Q", core, 32)
    kind, *_, size, _, _ = struct.unpack_from("<IIQQQQQQ", core, place)
    assert kind == 4
    return int(size)


def test_a_core_has_the_note_in_which_linux_describes_itself() -> None:
    note = b"VMCOREINFO\0\0" + LINUX
    with Guest.open(
        of_linux(), codecs=packages()["riscv64"], map="riscv.spike.ram=0x80000000"
    ) as guest:
        found, plain = (
            exported(elf, guest, vmcoreinfo=how) for how in ("find", "none")
        )
        given = exported(elf, guest, vmcoreinfo="0x80001234")
        with pytest.raises(Unsupported, match="no VMCOREINFO note at 0x80001238"):
            exported(elf, guest, vmcoreinfo="0x80001238")
        with pytest.raises(Unsupported, match="it is find, none, or an address"):
            exported(elf, guest, vmcoreinfo="linux")
    assert found == given
    size, old = map(notes_size, (found, plain))
    assert size - old == 12 + len(note) + -len(note) % 4
    assert (found.count(note), plain.count(note)) == (2, 1)  # the other is in memory


def test_a_compressed_dump_has_every_page_and_what_linux_says_of_itself() -> None:
    with Guest.open(
        of_linux(), codecs=packages()["riscv64"],
        map=["riscv.spike.ram=0x80000000", "riscv.spike.mrom=0x1000"],
    ) as guest:  # fmt: skip
        dump = kdump_files.read(exported(kdump, guest))
        assert (dump.info, dump.uname) == (LINUX, NAMES)
        assert dump.notes.rstrip(b"\0").endswith(LINUX)
        numbers = {
            number
            for region in guest.regions
            for number in range(region.start >> 12, region.end >> 12)
        }
        assert dump.pages.keys() == numbers
        for number, page in dump.pages.items():
            assert page == guest.memory.read(number << 12, 4096)
        out = io.BytesIO()
        kdump.write(guest, out, ExportOptions(vmcoreinfo="none", raw=True))
        plain = kdump_files.read(out.getvalue())
        assert (plain.pages, plain.info) == (dump.pages, b"")
        assert plain.uname == (b"", b"", b"", b"", b"Unknown", b"")


@pytest.mark.parametrize(
    ("said", "size"),
    [(16384, 16384), (65536, 65536), (0, 4096), (5000, 4096), (1 << 40, 4096)],
)
def test_a_compressed_dump_has_pages_of_the_size_that_linux_says(
    said: int, size: int
) -> None:
    with Guest.open(
        of_linux(LINUX + b"PAGESIZE=%d\n" % said),
        codecs=packages()["riscv64"], map="riscv.spike.ram=0x80000000",
    ) as guest:  # fmt: skip
        dump = kdump_files.read(exported(kdump, guest))
        ram = guest.regions[-1]
        numbers = range(ram.start // size, ram.end // size)
        assert list(dump.pages)[-len(numbers) :] == list(numbers)
        for number in numbers:
            assert dump.pages[number] == guest.memory.read(number * size, size)
        plain = kdump_files.read(exported(kdump, guest, vmcoreinfo="none"))
        assert {len(page) for page in plain.pages.values()} == {4096}


def test_a_page_that_two_blocks_share_is_one_page_of_a_dump() -> None:
    parts = ["riscv.spike.mrom=0x80000800:0x900", "riscv.spike.ram=0x80001100:0x1000"]
    with opened(SPIKE, "riscv64", *parts) as guest:
        dump = kdump_files.read(exported(kdump, guest))
        assert list(dump.pages) == [0x80000, 0x80001, 0x80002]
        whole = b"".join(dump.pages.values())
        assert whole[0x800:0x1100] == guest.memory.read(0x80000800, 0x900)
        assert whole[0x1100:0x2100] == guest.memory.read(0x80001100, 0x1000)


def test_a_compressed_dump_that_cannot_be_is_an_error() -> None:
    far = f"riscv.spike.ram={1 << 62:#x}"
    with (
        opened(SPIKE, "riscv64", far) as guest,
        pytest.raises(Unsupported, match="memory ends at 0x40000000002"),
    ):
        exported(kdump, guest)
    read, write = os.pipe()
    os.close(read)
    with (
        opened(SPIKE, "riscv64", "riscv.spike.ram=0") as guest,
        os.fdopen(write, "wb") as pipe,
        pytest.raises(Unsupported, match="--raw needs a file"),
    ):
        kdump.write(guest, pipe, ExportOptions(raw=True))


def test_rows_make_what_show_says() -> None:
    with opened(SPIKE, "riscv64") as guest:
        made: dict[Any, Any] = {}
        for line in exported(jsonl, guest).splitlines():
            row = json.loads(line)
            place = made.setdefault((row["section"], row["offset"]), {})
            *steps, last = row["path"]
            for step in steps:
                place = place.setdefault(step, {})
            place[last] = row["value"]
        expected = as_json(guest.stream)
        sections = expected.pop("sections")
        del expected["version"]  # of another document than these lines
        assert lists(made.pop((None, None))) == json.loads(json.dumps(expected))
        assert [lists(one) for one in made.values()] == json.loads(json.dumps(sections))


def test_a_table_has_the_same_rows() -> None:
    import pyarrow.parquet

    with opened(SPIKE, "riscv64") as guest:
        wanted = [json.loads(line) for line in exported(jsonl, guest).splitlines()]
        file = pyarrow.parquet.ParquetFile(io.BytesIO(exported(parquet, guest)))
        found = file.read().to_pylist()
    assert file.num_row_groups == -(-len(found) // 16384)  # few, as readers want it
    assert [
        (
            one["section"],
            one["offset"],
            json.loads(one["path"]),
            json.loads(one["value"]),
        )
        for one in found
    ] == [(one["section"], one["offset"], one["path"], one["value"]) for one in wanted]
    for row, one in zip(found, wanted, strict=True):
        value = one["value"]
        is_number = type(value) is int and -1 << 63 <= value < 1 << 64
        assert (
            row["number"] if value and row["negative"] is None else row["negative"]
        ) == (value if is_number and value else None) or not value


def lists(value: Any) -> Any:
    """What has numbers for keys is a list."""
    if not isinstance(value, dict):
        return value
    inside = {step: lists(item) for step, item in value.items()}
    return list(inside.values()) if 0 in inside else inside


def test_a_core_of_an_unknown_target_names_the_option() -> None:
    with (
        Guest.open(whole(SPIKE), map="riscv.spike.ram=0") as guest,
        pytest.raises(Unsupported, match="an unknown target cannot be written"),
    ):
        exported(elf, guest)


# --- as the command line opens it -----------------------------------------------------------


def test_codecs_are_chosen_as_by_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "vm.mig"
    file.write_bytes(captured("riscv64-virt-vh-bare--10.0.2"))
    with open_guest(str(file)) as guest:
        assert repr(guest) == "<guest of virt: 1 CPU, codecs of riscv64>"
        (cpu,) = guest.cpus
        assert cpu.register("pc") == 0x8000_0758
        assert repr(cpu) == "<riscv64 CPU 0 at 0x80000758>"
        assert repr(guest.memory).startswith("<guest memory: 0x")
        assert "riscv_virt_board.ram" in repr(guest.memory)
    with open_guest(str(file), codecs="10.0", target="riscv64") as guest:
        assert guest.cpus[0].register("pc") == 0x8000_0758
    with pytest.raises(NoCodecs, match=r"7\.2"):
        open_guest(str(file), codecs="7.2")


def test_a_guest_without_codecs_says_so(tmp_path: Path) -> None:
    file = tmp_path / "vm.mig"
    file.write_bytes(captured("riscv64-virt-vh-bare--10.0.2"))
    with Guest.open(file) as guest:
        assert repr(guest) == "<guest of virt: 1 CPU, without codecs>"
    file.write_bytes(file.read_bytes()[:-3000])
    with Guest.open(file) as guest:
        assert repr(guest).startswith("<guest that cannot be read: ")
