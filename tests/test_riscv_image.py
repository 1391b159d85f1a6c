"""Images of RISC-V machines without QEMU: the file, and what is refused;
tests/qemu/test_riscv_image.py starts them."""

from __future__ import annotations

import io
import random
import struct
from pathlib import Path

import pytest
import unicorn
from unicorn import riscv_const as rv

from tests.stream_files import FOLDER, packages, stripped, whole
from vmgen.cli import run as vmgen
from vmgen.export import riscv_image
from vmgen.export.formats import ExportOptions
from vmgen.export.riscv_program import Restoration, RestorerCode, SavedHart, program
from vmgen.guest import Guest, Unsupported
from vmgen.stream.edit import edit

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
    # No sections; sizes of the header and of a segment's.
    count = len(segments(image))
    assert struct.unpack_from("<QQIHHHHHH", image, 32) == (
        64,
        0,
        0,
        64,
        56,
        count,
        0,
        0,
        0,
    )
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


# --- the program of an image, run ---------------------------------------------------------

CLINT, PLIC = 0x200_0000, 0xC00_0000
MRET, SRET = 0x30200073, 0x10200073


def edited(*changes: str) -> bytes:
    with Guest.open(whole(VIRT), codecs=packages()["riscv64"]) as guest:
        return edit(guest.stream, list(changes)).to_bytes()


class Started:
    """What an image does from the beginning of RAM on to the instruction that leaves its
    program: the control registers that it writes, by number, what that instruction is,
    and the emulator.  Those that the emulator does not know are passed over."""

    def __init__(self, stream: bytes) -> None:
        with Guest.open(stream, codecs=packages()["riscv64"]) as guest:
            (_, made), *_ = riscv_image.files(guest)
            out = io.BytesIO()
            made(out)
            self.lost = " ".join(riscv_image.losses(guest, ExportOptions()))
        data = out.getvalue()
        self.written: dict[int, int] = {}
        self.left = 0
        self.uc = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64)
        for start, size in (RAM, 32 << 20), (CLINT, 0x10000), (PLIC, 0x600000), (
            0x20000000, 0x4000000,
        ):  # fmt: skip
            self.uc.mem_map(start, size)
        for offset, address, size in segments(data):
            self.uc.mem_write(address, data[offset : offset + size])
        self.uc.hook_add(unicorn.UC_HOOK_CODE, self._step)
        at = RAM
        while not self.left:
            try:
                self.uc.emu_start(at, 0, count=1_000_000)
            except unicorn.UcError:
                at = self.uc.reg_read(rv.UC_RISCV_REG_PC)  # behind it
                assert self._word(at - 4) & 0x7F == 0x73

    def _word(self, address: int) -> int:
        return int.from_bytes(self.uc.mem_read(address, 4), "little")

    def _step(self, uc: unicorn.Uc, address: int, size: int, data: object) -> None:
        word = self._word(address)
        if word in (MRET, SRET):
            self.left = word
            uc.emu_stop()
        elif word & 0x707F == 0x1073:  # csrrw
            source = rv.UC_RISCV_REG_X0 + (word >> 15 & 31)
            self.written[word >> 20] = uc.reg_read(source)

    def number(self, address: int, size: int = 4) -> int:
        return int.from_bytes(self.uc.mem_read(address, size), "little")


NUMBERS = {
    "mscratch": 0x340, "mtvec": 0x305, "mcause": 0x342, "mtval": 0x343, "medeleg": 0x302,
    "mideleg": 0x303, "mie": 0x304, "mcounteren": 0x306, "scounteren": 0x106,
    "envcfg.senvcfg": 0x10A, "envcfg.menvcfg": 0x30A, "mcountinhibit": 0x320, "hyper.hedeleg": 0x602,
    "hyper.hideleg": 0x603, "hyper.htval": 0x643, "hyper.hgatp": 0x680, "hyper.hcounteren": 0x606,
    "hyper.htimedelta": 0x605, "hyper.mtval2": 0x34B,
}  # fmt: skip
"""Numbers of the privileged architecture, by members of QEMU's CPU."""
BANKED = {"stvec": (0x105, 0x205), "sscratch": (0x140, 0x240), "scause": (0x142, 0x242),
          "stval": (0x143, 0x243), "satp": (0x180, 0x280)}  # fmt: skip
"""Of a hart, and of the guest inside of it."""


def member(name: str) -> str:
    part, dot, rest = name.partition(".")
    return f"cpu/0.{part}.env.{rest}" if dot else f"cpu/0.env.{name}"


@pytest.mark.parametrize("level", [0, 1, 3])
@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    "status", [0, 0xFFFF_FFFF_FFFF_FFFF, 0xA_0000_0000 | 1 << 3 | 1 << 5]
)
def test_an_image_puts_the_hart_back(level: int, inside: bool, status: int) -> None:
    """Into the level that it was in, by ``mret``, or ``sret`` where it is in a guest."""
    if inside and level == 3:
        return
    dice = random.Random(f"{level} {inside} {status}")
    values = {name: dice.getrandbits(62) for name in NUMBERS}
    banked = {name: dice.getrandbits(62) for name in BANKED}
    values |= {
        one: dice.getrandbits(31)
        for one in values
        if one.endswith(("counteren", "inhibit"))
    }
    outer = {name: dice.getrandbits(62) for name in BANKED}
    pc = RAM + 0x1234
    changes = [
        f"{member(name)}={value}" for name, value in {**values, **banked}.items()
    ]
    changes += [f"cpu/0.hyper.env.{name}_hs={value}" for name, value in outer.items()]
    outer_status = 0x1234_5678_0000_0000 | 0x6000
    changes += [
        f"cpu/0.env.priv={level}", f"cpu/0.env.virt_enabled={int(inside)}",
        f"cpu/0.env.mstatus={status}", f"cpu/0.env.pc={pc}",
        f"cpu/0.hyper.env.hstatus={2 << 32}", f"cpu/0.hyper.env.mstatus_hs={outer_status}",
    ]  # fmt: skip
    found = Started(edited(*changes))
    for name, number in NUMBERS.items():
        assert found.written[number] == values[name], name
    for name, (own, guest) in BANKED.items():
        assert found.written[own] == (outer if inside else banked)[name], name
        if inside:
            assert found.written[guest] == banked[name], name
    for number in range(1, 32):
        expected = 0x1122330000000000 | number << 8 | number
        assert found.uc.reg_read(rv.UC_RISCV_REG_X0 + number) == expected or number == 8
    written, mprv = found.written[0x300], 1 << 17
    assert not written >> 63
    if inside:
        # What a guest has of its own: MXR, SUM, SPP, SPIE, SIE, UXL, VS and FS.
        own = 1 << 19 | 1 << 18 | 1 << 8 | 1 << 5 | 1 << 1 | 3 << 32 | 3 << 9 | 3 << 13
        assert found.left == SRET
        assert found.written[0x200] == status & own
        assert found.written[0x141] == pc
        assert found.written[0x600] == 2 << 32 | 1 << 7
        assert (written >> 8 & 1, written >> 1 & 1) == (level, 0)
        there = status & ~own | outer_status
        changed = 1 << 8 | 1 << 5 | 1 << 1 | mprv | 1 << 63
        assert written & ~changed == there & ~changed
        assert not written & mprv
    else:
        assert found.left == MRET
        assert found.written[0x341] == pc
        assert (written >> 11 & 3, written >> 3 & 1) == (level, 0)
        assert written >> 7 & 1 == status >> 3 & 1
        changed = 3 << 11 | 1 << 7 | 1 << 3 | 1 << 63
        changed |= 0 if level == 3 else mprv
        assert written & ~changed == status & ~changed
        if level != 3:
            assert not written & mprv
            assert ("MPRV" in found.lost) == bool(status & mprv)


def test_an_image_puts_the_devices_back() -> None:
    """Each word where the manuals of the PLIC and the ACLINT have it."""
    found = Started(edited(
        "riscv_sifive_plic/0.source_priority[3]=5", "riscv_sifive_plic/0.source_priority[95]=7",
        "riscv_sifive_plic/0.enable[1]=0x11", "riscv_sifive_plic/0.enable[3]=0x22",
        "riscv_sifive_plic/0.target_priority[1]=2", "riscv_mtimer/0.timecmp=0x123456789abcdef0",
        "timer/0.cpu_clock_offset=0x123456789ab", "cpu/0.env.mip=0xfff",
    ))  # fmt: skip
    words = {at: found.number(PLIC + at) for at in range(0, 0x3000, 4)}
    words |= {at: found.number(PLIC + at) for at in range(0x200000, 0x203000, 4)}
    assert {at: word for at, word in words.items() if word} == {
        4 * 3: 5, 4 * 95: 7, 0x2004: 0x11, 0x2080: 0x22, 0x201000: 2,
    }  # fmt: skip
    assert found.number(CLINT) == 1
    assert found.number(CLINT + 0x4000, 8) == 0x123456789ABCDEF0
    assert found.number(CLINT + 0xBFF8, 8) == 0x123456789AB // 100
    assert found.written[0x344] == 0x22  # what software alone sets
    assert found.written[0x645] == 0x444


@pytest.mark.parametrize("row", ["pending", "claimed"])
def test_an_interrupt_that_waits_in_the_plic_is_lost(row: str) -> None:
    assert "interrupts that wait in the PLIC" not in Started(whole(VIRT)).lost
    found = Started(edited(f"riscv_sifive_plic/0.{row}[2]=4"))
    assert "interrupts that wait in the PLIC" in found.lost


def test_memory_of_an_image_is_that_of_the_guest_when_it_goes_on() -> None:
    found = Started(whole(VIRT))
    with Guest.open(whole(VIRT), codecs=packages()["riscv64"]) as guest:
        for region in guest.regions:
            if region.block != "riscv_virt_board.mrom":
                for at in range(region.start, region.end, 1 << 20):
                    size = min(1 << 20, region.end - at)
                    assert found.uc.mem_read(at, size) == guest.memory.read(at, size)


def test_counters_that_stand_still_come_along() -> None:
    """Of the cycles and the instructions only where they are stopped: they go on."""
    counters = [
        f"cpu/0.env.pmu_ctrs[{n}].mhpmcounter_val={100 + n}" for n in (0, 2, 3, 31)
    ]
    for stopped, names in ((1, {0xB00}), (4, {0xB02}), (0, set()), (5, {0xB00, 0xB02})):
        found = Started(edited(*counters, f"cpu/0.env.mcountinhibit={stopped}"))
        held = {n: found.written[n] for n in range(0xB00, 0xB20) if n in found.written}
        assert held == {n: n - 0xB00 + 100 for n in names | {0xB03, 0xB1F}}


@pytest.mark.parametrize(
    ("waiting", "lost"), [(0, False), (1 << 11, True), (1 << 9, True), (1 << 7 | 1 << 12, False)]
)  # fmt: skip
def test_an_interrupt_from_outside_is_lost(waiting: int, lost: bool) -> None:
    found = Started(edited(f"cpu/0.env.mip={waiting}"))
    assert ("an external interrupt that waits" in found.lost) == lost
