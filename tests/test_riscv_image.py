"""Images of RISC-V machines without QEMU: the file, and what is refused;
tests/qemu/test_riscv_image.py starts them."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest

from tests.stream_files import FOLDER, packages, stripped, whole
from vmgen.cli import run as vmgen
from vmgen.export import riscv_image
from vmgen.export.formats import ExportOptions
from vmgen.export.riscv_program import Restoration, RestorerCode, SavedHart, program
from vmgen.guest import Guest, Unsupported

VIRT = "riscv64-virt-vh-bare--10.0.2"
SPIKE = "riscv64-xbzrle--10.0.2"
RAM = 0x80000000


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.chdir(tmp_path)
    Path("vm.mig").write_bytes(whole(VIRT))
    Path("image").mkdir()
    words = ["export", "riscv-image", "vm.mig", "-o", "image", "--member", "vlen=128"]
    assert vmgen([*words, "--codecs", str(FOLDER.parent.parent / "generated")]) == 0
    return Path("image/image.elf").read_bytes()


def segments(image: bytes) -> list[tuple[int, int, int]]:
    """Offset, address and size."""
    (count,) = struct.unpack_from("<H", image, 56)
    found = [struct.unpack_from("<IIQQQQQQ", image, 64 + 56 * n) for n in range(count)]
    assert all(one[0] == 1 and one[3] == one[4] and one[5] == one[6] for one in found)
    return [(one[2], one[3], one[5]) for one in found]


def test_memory_is_in_the_file_where_it_was(image: bytes) -> None:
    assert image[:7] == b"\x7fELF\2\1\1"
    kind, cpu, _, entry = struct.unpack_from("<HHIQ", image, 16)
    assert (kind, cpu) == (2, 243)
    with Guest.open(whole(VIRT), codecs=packages()["riscv64"]) as guest:
        (ram,) = (one for one in guest.regions if one.block == "riscv_virt_board.ram")
        assert entry == ram.end
        *runs, (_, start, _) = segments(image)
        assert start == ram.end
        here = {RAM + n for n in range(24)}  # it leads to the program
        seen = set()
        for offset, address, size in runs:
            seen |= set(range(address, address + size))
            data = guest.memory.read(address, size)
            wrong = [n for n in range(size) if data[n] != image[offset + n]]
            assert {address + n for n in wrong} <= here
        for region in guest.regions:
            if region.block != "riscv_virt_board.mrom":
                for address, page in guest.memory.contents(region):
                    assert {address + n for n in range(len(page)) if page[n]} <= seen
        assert image[runs[0][0] + 16 : runs[0][0] + 24] == entry.to_bytes(8, "little")
    words = Path("image/command").read_text().split()
    assert words[words.index("-smp") + 1] == "1"
    assert words[words.index("-m") + 1] == f"{(entry - RAM >> 10) + 4096}K"


def test_memory_is_written_piece_by_piece(
    image: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(riscv_image, "_PIECE", 1000)
    codecs = packages()["riscv64"].but({"vlen": 128})
    with Guest.open(whole(VIRT), codecs=codecs) as guest:
        (name, write), *_ = riscv_image.files(guest)
        made = io.BytesIO()
        write(made)
    assert (name, made.getvalue()) == ("image.elf", image)


def test_vectors_come_along_where_the_hart_has_them() -> None:
    for vlen in (128, 256):
        codecs = packages()["riscv64"].but({"vlen": vlen})
        with Guest.open(whole(VIRT), codecs=codecs) as guest:
            (hart,) = riscv_image._harts(guest)
            (cpu,) = guest.cpus
            assert (cpu.register("misa") or 0) >> (ord("V") - ord("A")) & 1
        assert len(hart.vectors) == 32 * vlen // 8


def test_what_a_file_does_not_have_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("vm.mig").write_bytes(whole(VIRT))
    Path("image").mkdir()
    words = ["export", "riscv-image", "vm.mig", "-o", "image", "--strict"]
    assert vmgen([*words, "--codecs", str(FOLDER.parent.parent / "generated")]) == 2
    said = capsys.readouterr().err
    assert "hart 0: vector registers: their length is a property of the CPU" in said
    assert not list(Path("image").iterdir())


@pytest.mark.parametrize(
    ("stream", "target", "said"),
    [
        (
            whole(SPIKE),
            "riscv64",
            "riscv64, spike: images are made of riscv64 and virt only",
        ),
        (stripped("riscv32-virt-poke--10.0.2"), "riscv32", "riscv32, virt"),
        (stripped("i386-isapc-poke--10.0.2"), "i386", "i386, isapc"),
    ],
)
def test_other_machines_are_refused(stream: bytes, target: str, said: str) -> None:
    with (
        Guest.open(stream, codecs=packages()[target]) as guest,
        pytest.raises(Unsupported, match=said),
    ):
        list(riscv_image.losses(guest, ExportOptions()))


def test_branches_lead_to_their_labels() -> None:
    code = RestorerCode()
    code.label("before")
    code.put(0x13)
    code.branch(0, 5, 6, "behind")
    code.jump("before")
    code.label("behind")
    words = struct.unpack("<3I", code.bytes())
    assert words == (0x13, 0x00628463, 0xFE000CE3)  # beq t0, t1, +8; beq zero, zero, -8


def test_blocks_of_harts_and_copies_are_where_the_program_looks() -> None:
    def hart(number: int) -> SavedHart:
        return SavedHart(
            early={0x340: number}, late={}, general=[number + n for n in range(32)],
            floats=(), fcsr=0, vectors=b"", vl=0, vtype=0, vstart=0, vcsr=0,
            mstatus=0x1800, mepc=RAM + number,
        )  # fmt: skip

    made = program(
        Restoration(
            [hart(0x1000), hart(0x2000)], [(0x2000000, 1)], [(b"12345678", RAM)]
        )
    )
    first, second = made[0x2000:0x3000], made[0x3000:0x4000]
    assert struct.unpack_from("<3Q", first) == (0, 0, 0x1000)
    assert struct.unpack_from("<3Q", second) == (0, 0, 0x2000)
    assert struct.unpack_from("<2Q", made, 0x4000) == (0x2000000, 1)
    assert struct.unpack_from("<3Q", made, 0x4010) == (0x4028, RAM, 8)
    assert made[0x4028:] == b"12345678"
    many = program(Restoration([replaced(hart(0), 300)], [], []))
    assert len(many) > len(made) - 0x2000


def replaced(hart: SavedHart, vlen: int) -> SavedHart:
    from dataclasses import replace

    return replace(hart, vectors=bytes(32 * vlen))


def test_an_interrupt_controller_that_cannot_be() -> None:
    with pytest.raises(Unsupported, match="1 words for 2 contexts"):
        list(riscv_image._plic(0, [], [1], [0, 0]))
    assert list(riscv_image._plic(0, [0, 5], [0, 1, 0, 2], [3, 0])) == [
        (4, 5), (0x2004, 1), (0x2084, 2), (0x200000, 3),
    ]  # fmt: skip
