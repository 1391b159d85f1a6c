"""Cores and images put into a stream: what arrives, and what is refused."""

from __future__ import annotations

import io
import itertools
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stream_files import ALL, captured, codecs_of, packages, target_of, whole
from vmgen.cli import run
from vmgen.export import elf, raw
from vmgen.export.formats import ExportOptions
from vmgen.guest import Guest
from vmgen.imported import x86
from vmgen.imported.core import ElfCore
from vmgen.imported.errors import BadCore
from vmgen.imported.memory import BlockImage, BlockPart, RawImage
from vmgen.imported.template import import_blocks, import_core, import_image
from vmgen.stream import Draft
from vmgen.stream.errors import BadEdit, NotFound, StreamError

SPIKE = "riscv64-xbzrle--10.0.2"
PLACES = ("riscv.spike.ram=0x80000000", "riscv.spike.mrom=0x1000")
PC = "i386-isapc-poke--10.0.2"


def opened(name: str, *map: str, data: bytes = b"") -> Guest:
    codecs = packages()[target_of(name)]
    return Guest.open(data or whole(name), codecs=codecs, map=map)


def core_of(guest: Guest, virtual: bool = False) -> bytearray:
    out = io.BytesIO()
    elf.write(guest, out, ExportOptions(virtual=virtual))
    return bytearray(out.getvalue())


def with_pc(core: bytearray, pc: int) -> bytearray:
    """The core of a riscv64 with another program counter, the first register."""
    at = core.index(b"CORE\0\0\0\0") + 8 + 112
    core[at : at + 8] = struct.pack("<Q", pc)
    return core


@pytest.mark.parametrize("virtual", [False, True])
@pytest.mark.parametrize(("name", "places"), [(SPIKE, PLACES), (PC, ())])
def test_a_core_in_its_own_stream_changes_nothing(
    name: str, places: tuple[str, ...], virtual: bool
) -> None:
    with opened(name, *places) as guest:
        core = memoryview(core_of(guest, virtual))
        made = import_core(guest, core)
        assert made.draft.to_bytes() == whole(name)
        assert not any(cpu.changed for cpu in made.cpus)


def test_what_a_core_has_otherwise_arrives() -> None:
    with opened(SPIKE, *PLACES) as guest:
        core = with_pc(core_of(guest), 0x80000123)
        core[-20:-16] = b"page"  # before the names of the sections
        last = guest.regions[-1].end
        made = import_core(guest, memoryview(core)).draft.to_bytes()
    with opened(SPIKE, *PLACES, data=made) as guest:
        assert guest.cpus[0].register("pc") == 0x80000123
        assert guest.memory.read(last - 9, 4) == b"page"
        assert core_of(guest) == core


def test_an_image_is_all_of_memory_or_a_block() -> None:
    with opened(SPIKE, *PLACES) as guest:
        out = io.BytesIO()
        raw.write(guest, out, ExportOptions())
        image = bytearray(out.getvalue())
        image[0x80001000:0x80001004] = b"page"
        made = import_image(guest, memoryview(image))
        whole_image = made.draft.to_bytes()
        (block,) = [one for one in guest.ram.blocks if one.name == "riscv.spike.ram"]
        part = image[0x80000000:]
        assert len(part) == block.used_length
        made = import_blocks(guest, {block.name: memoryview(part)})
        assert made.draft.to_bytes() == whole_image != whole(SPIKE)
        with pytest.raises(NotFound, match="no block 'nosuch'"):
            import_blocks(guest, {"nosuch": memoryview(part)})
        with pytest.raises(BadEdit, match="for a block of"):
            import_blocks(guest, {block.name: memoryview(part[1:])})
        with pytest.raises(BadCore, match="template's memory ends at 0x80200000"):
            import_image(guest, memoryview(image)[1:])
        image[0x20000] = 1
        with pytest.raises(BadCore, match="bytes for physical 0x20000, where"):
            import_image(guest, memoryview(image))


def test_firmware_at_two_addresses_has_the_same_bytes_at_both() -> None:
    with opened(PC) as guest:
        core = core_of(guest)
        core[-12] ^= 1  # the last byte of memory, which is seen below 1 MiB too
        with pytest.raises(
            BadCore, match=r"0xfffff and 0xffffffff are the same|differ"
        ):
            import_core(guest, memoryview(core))


def test_the_status_of_a_process_counts_where_two_notes_differ() -> None:
    with opened(PC) as guest:
        core = core_of(guest)
        (cpu,) = guest.cpus
        old = struct.pack("<I", cpu.register("edi") or 0)
        at = core.index(old)  # in NT_PRSTATUS, which is first
        core[at : at + 4] = struct.pack("<I", 0x1234567)
        made = import_core(guest, memoryview(core))
        (lost,) = made.cpus[0].lost
        assert "in QEMU's note and 0x1234567 in NT_PRSTATUS, which counts" in lost
        changed = made.draft.to_bytes()
    with opened(PC, data=changed) as guest:
        assert guest.cpus[0].register("edi") == 0x1234567


@pytest.mark.parametrize(
    "name",
    [one for one in ALL if target_of(one) in x86.TARGETS and codecs_of(one)],
)
def test_what_follows_from_registers_is_what_qemu_has(name: str) -> None:
    with Guest.open(captured(name), codecs=codecs_of(name)) as guest:
        for cpu in guest.cpus:
            before = cpu.file.read("hflags").value
            x86.settle(cpu.file)
            assert cpu.file.read("hflags").value == before
            cpu.file.write("hflags", before ^ x86.FOLLOWING)
            x86.settle(cpu.file)
            assert cpu.file.read("hflags").value == before


def test_a_core_of_another_machine_is_refused() -> None:
    with opened(PC) as guest:
        other = core_of(guest)
    with opened(SPIKE, *PLACES) as guest:
        core = core_of(guest)
        with pytest.raises(BadCore, match=r"machine 3 \(e_machine\) is none"):
            import_core(guest, memoryview(other))
        cut = core.copy()
        cut[cut.index(b"CORE\0") - 4] = 7  # no status any more
        with pytest.raises(BadCore, match="the core has 0 CPUs, the template 1"):
            import_core(guest, memoryview(cut))
    near = ("riscv.spike.ram=0x80000000:0x100000", PLACES[1])
    with (
        opened(SPIKE, *near) as guest,
        pytest.raises(BadCore, match=r"0x8010.*, where the template has no memory"),
    ):
        import_core(guest, memoryview(core))


def test_memory_that_a_core_does_not_have_stays() -> None:
    with opened(SPIKE, *PLACES) as guest:
        core = core_of(guest)
        draft = Draft(guest.stream)
        draft.memory("riscv.spike.mrom")[0:4] = b"rom!"
        other = draft.to_bytes()
    first = struct.unpack_from("<Q", core, 32)[0] + 56
    core[first] = 0  # PT_NULL
    with opened(SPIKE, *PLACES, data=other) as guest:
        made = import_core(guest, memoryview(core))
        assert [one.block for one in made.kept] == ["riscv.spike.mrom"]
        assert "memory 0x1000 to 0x10000: riscv.spike.mrom" in list(made.said(guest))
        assert made.draft.to_bytes() == other


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (0, b"\x7fELG", "no ELF file"),
        (4, b"\3", "neither 32 nor 64"),
        (16, b"\2", "no core"),
        (32, b"\xff" * 8, "cut off"),
        (54, b"\1", "segments of 1 bytes"),
        (56, b"\xfe\xff", "cut off"),
    ],
)
def test_a_core_that_cannot_be_read_says_why(
    at: int, value: bytes, message: str
) -> None:
    with opened(SPIKE, *PLACES) as guest:
        core = core_of(guest)
    core[at : at + len(value)] = value
    with pytest.raises(BadCore, match=message):
        ElfCore(memoryview(core))


def test_two_segments_for_one_address_are_no_physical_memory() -> None:
    with opened(SPIKE, *PLACES) as guest:
        core = core_of(guest)
    program = struct.unpack_from("<Q", core, 32)[0]
    first, second = program + 56, program + 112
    core[second + 24 : second + 32] = core[first + 24 : first + 32]
    with pytest.raises(BadCore, match="two segments for physical 0x1000"):
        ElfCore(memoryview(core))


def test_no_bytes_of_a_core_end_in_another_error() -> None:
    chance = random.Random(13)
    with opened(SPIKE, *PLACES) as guest:
        core = core_of(guest)
        for _ in range(300):
            bad = core[: chance.choice([len(core), chance.randrange(0x800)])]
            for _ in range(chance.randrange(4)):
                at = chance.randrange(min(len(bad), 0x400) or 1)
                bad[at : at + 1] = bytes([chance.choice([0, 1, 0x7F, 0xFF])])
            try:
                import_core(guest, memoryview(bad))
            except StreamError:
                continue


def test_the_command_writes_a_whole_stream_or_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stream, core, new = (tmp_path / name for name in ("vm.mig", "core", "new.mig"))
    stream.write_bytes(whole(SPIKE))
    with opened(SPIKE, *PLACES) as guest:
        core.write_bytes(with_pc(core_of(guest), 0x80000123))
    line = ["import", "elf", str(core), "--template", str(stream), "-o", str(new)]
    assert run([*line, "--map", PLACES[0], "--map", PLACES[1]]) == 0
    said = capsys.readouterr().err
    assert "it has 32 of a CPU\n  every section of a device" in said
    before = new.read_bytes()
    assert before != whole(SPIKE)
    core.write_bytes(core.read_bytes()[:0x2000])
    assert run([*line, "--map", PLACES[0], "--map", PLACES[1]]) == 2
    assert f"{core}: error: in core: the core is cut off" in capsys.readouterr().err
    assert new.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "core",
        "new.mig",
        "vm.mig",
    ]


def test_the_command_takes_an_image_of_all_of_memory_or_of_blocks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file's name may have a ``=`` too, where no block is asked for."""
    monkeypatch.chdir(tmp_path)
    Path("vm.mig").write_bytes(whole(SPIKE))
    with opened(SPIKE, *PLACES) as guest:
        out = io.BytesIO()
        raw.write(guest, out, ExportOptions())
        core = with_pc(core_of(guest), 0x80000123)
    image = bytearray(out.getvalue())
    image[0x80001000:0x80001004] = b"page"
    Path("all.img").write_bytes(image)
    Path("ram.img").write_bytes(image[0x80000000:])
    Path("a=b").write_bytes(image[0x80000000:])
    Path("core=1").write_bytes(core)

    def made(form: str, *files: str) -> bytes:
        maps = [word for place in PLACES for word in ("--map", place)]
        line = ["import", form, *files, "--template", "vm.mig", "-o", "new.mig", *maps]
        assert run(line) == 0, capsys.readouterr().err
        return Path("new.mig").read_bytes()

    changed = made("raw", "all.img")
    with opened(SPIKE, *PLACES, data=changed) as guest:
        assert guest.memory.read(0x80001000, 4) == b"page"
        assert guest.cpus[0].register("pc") != 0x80000123
    block = "riscv.spike.ram"
    assert made("raw", f"{block}=ram.img") == changed
    assert made("raw", f"{block}=a=b") == changed
    rom = image[0x1000:0x10000]
    Path("rom.img").write_bytes(rom)
    assert made("raw", f"{block}=ram.img", "riscv.spike.mrom=rom.img") == changed
    with opened(SPIKE, *PLACES, data=made("elf", "core=1")) as guest:
        assert guest.cpus[0].register("pc") == 0x80000123
    for line, words in (
        ((f"{block}=ram.img", f"{block}=a=b"), "a block once"),
        (("all.img", "all.img"), "an image comes alone"),
        (("all.img", f"{block}=ram.img"), "an image of all of memory comes alone"),
        (("nosuch.img",), "cannot be read: No such file"),
        (("nosuch=ram.img",), "no block 'nosuch'"),
    ):
        assert (
            run(["import", "raw", *line, "--template", "vm.mig", "-o", "no.mig"]) == 2
        )
        assert words in capsys.readouterr().err
        assert not Path("no.mig").exists()


def test_the_holes_of_an_image_are_left_out_and_a_file_that_cannot_be_read_is_not(
    tmp_path: Path,
) -> None:
    file = tmp_path / "image"
    with open(file, "w+b") as image:
        image.truncate(1 << 20)
        image.seek(1 << 19)
        image.write(b"\1")
        image.flush()
        data = memoryview(file.read_bytes())
        here = RawImage(data, image.fileno()).extents(0, len(data))
        found = [at for first, last in here for at in range(first, last) if data[at]]
        closed = image.fileno()
    assert found == [1 << 19]
    with pytest.raises(OSError, match="Bad file descriptor"):
        list(RawImage(data, closed).extents(0, len(data)))


class Template:
    """Memory of a stream as an image sees it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.used_length = len(data)

    def block(self, name: str) -> Template:
        return self

    def read(self, block: str, address: int, size: int) -> bytes:
        assert 0 <= address <= address + size <= len(self.data)
        return self.data[address : address + size]


@given(st.data())
def test_any_part_of_an_image_is_that_part_of_the_whole(data: st.DataObject) -> None:
    """Bytes of the source over those of the template, whatever the parts and the cut."""
    size = data.draw(st.integers(0, 40))
    template, physical = bytes(range(100, 100 + size)), bytes(range(60))
    places = sorted(data.draw(st.sets(st.integers(0, size), max_size=6)))
    pairs = list(itertools.pairwise(places))[:: data.draw(st.sampled_from((1, 2)))]
    whole_image = bytearray(template)
    parts = []
    for first, last in pairs:
        start = data.draw(st.integers(0, 60 - (last - first)))
        parts.append(BlockPart(first, last - first, start))
        whole_image[first:last] = physical[start : start + last - first]
    memory: Any = Template(template)
    image = BlockImage("ram", memory, RawImage(memoryview(physical)), parts)
    assert len(image) == size
    cut = slice(*sorted((data.draw(st.integers(0, 45)), data.draw(st.integers(0, 45)))))
    assert image[cut] == whole_image[cut]
    assert image[:] == whole_image
