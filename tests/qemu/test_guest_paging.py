"""Virtual memory as QEMU's own gdbstub has it: page tables drawn by chance, in every format.

The tables are put into RAM, the registers into the stream; QEMU loads it, and every address
says the same there as here.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import paging_tables as tables
from tests.lacking import lacking
from tests.paging_tables import AREA, Image
from tests.qemu.guests import GUESTS
from tests.qemu.machine import Guest as Options
from tests.qemu.machine import Machine
from tests.stream_files import packages
from vmgen.guest import Guest, Unmapped
from vmgen.stream import Stream
from vmgen.stream.edit import edit

ADDRESSES = 120


@dataclass(frozen=True)
class Case:
    """A machine, where its RAM is, and what fills an image and gives assignments."""

    target: str
    options: tuple[str, ...]
    base: int
    fill: Callable[[Image, Any], dict[str, Any]]
    order: str = "little"


VIRT = ("-M", "virt", "-m", "64M", "-nodefaults")
RISCV = (*VIRT, "-bios", "none")


def x86(levels: int) -> Callable[[Image, Any], dict[str, Any]]:
    def fill(image: Image, state: Any) -> dict[str, Any]:
        made = {
            "env.cr[0]": 0x80000011,
            "env.cr[3]": tables.x86(image, levels),
            "env.cr[4]": {2: 0x10, 3: 0x20, 4: 0x20, 5: 0x1020}[levels],
        }
        if levels > 3:
            made |= {
                "env.efer": 0xD00,
                "env.hflags": state.env.hflags | 0x4000 | 0x8000,
            }
        return made

    return fill


def _register(state: Any, index: int) -> str:
    place = [one & (1 << 64) - 1 for one in state.cpreg_vmstate_indexes].index(index)
    return f"cpreg_vmstate_values[{place}]"


A64 = 0x6030_0000_0013_0000
SCTLR, TTBR0, TTBR1, TCR = A64 + 0xC080, A64 + 0xC100, A64 + 0xC101, A64 + 0xC102
SCTLR2, TTBR02, TCR2 = A64 + 0xE080, A64 + 0xE100, A64 + 0xE102
HCR2, VTTBR2, VTCR2 = A64 + 0xE088, A64 + 0xE108, A64 + 0xE10A
DACR = 0x4020_0000_200F_1800


def aarch64(
    granule: int, low: int, high: int
) -> Callable[[Image, Any], dict[str, Any]]:
    codes = {12: (0, 2), 14: (2, 1), 16: (1, 3)}[granule]

    def fill(image: Image, state: Any) -> dict[str, Any]:
        tcr = 64 - low | codes[0] << 14 | 64 - high << 16 | codes[1] << 30 | 5 << 32
        return {
            _register(state, SCTLR): 0x30D00801,
            _register(state, TCR): tcr | 1 << 37,
            _register(state, TTBR0): tables.aarch64(image, granule, low),
            _register(state, TTBR1): tables.aarch64(image, granule, high),
        }

    return fill


def aarch64_el2(image: Image, state: Any) -> dict[str, Any]:
    return {
        "cpsr": 0x3C9,
        _register(state, SCTLR2): 0x30C50831,
        _register(state, TCR2): 64 - 39 | 2 << 16 | 1 << 31 | 1 << 23,
        _register(state, TTBR02): tables.aarch64(image, 12, 39),
    }


def aarch64_two_stages(image: Image, state: Any) -> dict[str, Any]:
    """Stage 1 is off: addresses are intermediate ones, of 40 bits, from level 1 on."""
    return {
        "cpsr": 0x3C5,
        _register(state, SCTLR): 0x30D00800,
        _register(state, HCR2): 1 << 31 | 1,
        _register(state, VTCR2): 64 - 40 | 1 << 6 | 2 << 16 | 1 << 31,
        _register(state, VTTBR2): tables.aarch64(image, 12, 40, second=True),
    }


def arm_short(split: int) -> Callable[[Image, Any], dict[str, Any]]:
    def fill(image: Image, state: Any) -> dict[str, Any]:
        return {
            _register(state, SCTLR): 0xC50079,
            _register(state, TCR): split,
            _register(state, TTBR0): tables.short(image, split),
            _register(state, TTBR1): tables.short(image),
            _register(state, DACR): 0x55555555,
        }

    return fill


def arm_lpae(low: int, high: int) -> Callable[[Image, Any], dict[str, Any]]:
    def fill(image: Image, state: Any) -> dict[str, Any]:
        return {
            _register(state, SCTLR): 0xC50079,
            _register(state, TCR): 1 << 31 | low | high << 16,
            _register(state, TTBR0): tables.aarch64(image, 12, 32 - low),
            _register(state, TTBR1): tables.aarch64(image, 12, 32 - high),
        }

    return fill


OPEN_PMP = {
    "pmp.env.pmp_state.pmp[0].addr_reg": 0x7FFFFFFF,
    "pmp.env.pmp_state.pmp[0].cfg_reg": 0x1F,
}


def riscv(bits: int, privilege: int = 1) -> Callable[[Image, Any], dict[str, Any]]:
    def fill(image: Image, state: Any) -> dict[str, Any]:
        root = tables.riscv(image, bits, user=privilege == 0)
        if bits == 32:
            satp = 1 << 31 | root >> 12
        else:
            satp = {39: 8, 48: 9, 57: 10}[bits] << 60 | root >> 12
        return {"env.priv": privilege, "env.satp": satp, **OPEN_PMP}

    return fill


def riscv_two_stages(image: Image, state: Any) -> dict[str, Any]:
    """Bare first stage: addresses are those of the guest inside, of 41 bits."""
    return {
        "env.priv": 1,
        "env.virt_enabled": 1,
        "hyper.env.hgatp": 8 << 60 | tables.riscv(image, 39, second=True) >> 12,
        "hyper.env.vsatp": 0,
        **OPEN_PMP,
    }


def s390x(kind: int) -> Callable[[Image, Any], dict[str, Any]]:
    def fill(image: Image, state: Any) -> dict[str, Any]:
        return {
            "env.psw.mask": 1 << 58 | 3 << 31,
            "env.cregs[0]": 0xE0,
            "env.cregs[1]": tables.s390x(image, kind),
            "env.psa": 0xA00000,
        }

    return fill


CASES = {
    "x86 2 levels": Case("i386", ("-M", "pc", "-m", "64M", "-nodefaults"), 0, x86(2)),
    "x86 PAE": Case("i386", ("-M", "pc", "-m", "64M", "-nodefaults"), 0, x86(3)),
    "x86 4 levels": Case(
        "x86_64", ("-M", "q35", "-m", "64M", "-nodefaults"), 0, x86(4)
    ),
    "x86 5 levels": Case(
        "x86_64", ("-M", "q35", "-m", "64M", "-nodefaults", "-cpu", "max"), 0, x86(5)
    ),
    "aarch64 4K": Case("aarch64", (*VIRT, "-cpu", "max"), 1 << 30, aarch64(12, 48, 39)),
    "aarch64 16K": Case(
        "aarch64", (*VIRT, "-cpu", "max"), 1 << 30, aarch64(14, 47, 36)
    ),
    "aarch64 64K": Case(
        "aarch64", (*VIRT, "-cpu", "max"), 1 << 30, aarch64(16, 42, 48)
    ),
    "aarch64 EL2": Case(
        "aarch64",
        (*VIRT[:1], "virt,virtualization=on", *VIRT[2:], "-cpu", "max"),
        1 << 30,
        aarch64_el2,
    ),
    "aarch64 stage 2": Case(
        "aarch64",
        (*VIRT[:1], "virt,virtualization=on", *VIRT[2:], "-cpu", "max"),
        1 << 30,
        aarch64_two_stages,
    ),
    "arm short": Case("arm", (*VIRT, "-cpu", "cortex-a15"), 1 << 30, arm_short(0)),
    "arm short, two tables": Case(
        "arm", (*VIRT, "-cpu", "cortex-a15"), 1 << 30, arm_short(2)
    ),
    "arm LPAE": Case("arm", (*VIRT, "-cpu", "cortex-a15"), 1 << 30, arm_lpae(0, 1)),
    "arm LPAE, unequal": Case(
        "arm", (*VIRT, "-cpu", "cortex-a15"), 1 << 30, arm_lpae(2, 3)
    ),
    "riscv Sv32": Case("riscv32", RISCV, 1 << 31, riscv(32)),
    "riscv Sv39": Case("riscv64", RISCV, 1 << 31, riscv(39)),
    "riscv Sv48, user": Case("riscv64", RISCV, 1 << 31, riscv(48, 0)),
    "riscv Sv57": Case("riscv64", RISCV, 1 << 31, riscv(57)),
    "riscv second stage": Case(
        "riscv64", (*RISCV, "-cpu", "rv64,h=true"), 1 << 31, riscv_two_stages
    ),
    "s390x segments": Case("s390x", ("-m", "64M", "-nodefaults"), 0, s390x(0), "big"),
    "s390x regions": Case("s390x", ("-m", "64M", "-nodefaults"), 0, s390x(2), "big"),
}


def addresses(guest: Guest, chance: random.Random) -> list[int]:
    """Some that are mapped, near the borders too, and some that may not be."""
    found: list[int] = []
    for one in guest.cpus[0].mappings():
        last = one.virtual + one.size - 8
        found += [one.virtual, last, chance.randrange(one.virtual, last + 1)]
        found += [one.virtual + one.size, max(0, one.virtual - 8)]
    chance.shuffle(found)
    return [*found[:ADDRESSES], *(chance.getrandbits(64) for _ in range(10))]


def opened(target: str, file: Path) -> Guest:
    """With the committed codecs; s390x, which has none, by the stream's own description."""
    if target in packages():
        return Guest.open(file, codecs=packages()[target])
    guest = Guest.open(file, map="s390.ram=0")
    guest.target = target
    return guest


def whole(path: str) -> str:
    """A field of the CPU by its whole path."""
    return path if "/" in path else f"cpu/0.{path}"


def with_ram(stream: bytes, block: str, offset: int, data: bytes) -> bytes:
    """The stream with other pages in a block, put before the end of its last RAM section
    (``ram_load_precopy`` takes the last one of each page)."""
    end = max(
        section.end for section in Stream(stream).sections if section.means == "ram"
    )
    size = Stream(stream).memory().page_size
    records = []
    for at in range(0, len(data), size):
        name = bytes([len(block)]) + block.encode() if not at else b""
        flags = 0x08 | (0 if name else 0x20)
        records += [
            (offset + at | flags).to_bytes(8, "big"),
            name,
            data[at : at + size],
        ]
    return stream[: end - 8] + b"".join(records) + stream[end - 8 :]


@pytest.mark.parametrize("name", CASES)
def test_every_address_says_what_the_gdbstub_says(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    options = Options(case.target, case.options, case.order)
    if reason := options.absent():
        lacking(reason)
    image = Image.of(case.base, seed=len(name))
    file = tmp_path / "vm.mig"
    with Machine(options) as machine:
        file.write_bytes(machine.capture())
    with opened(case.target, file) as guest:
        stream = guest.stream
        section = stream.section("cpu", 0)
        state = stream.state(section) if stream.codecs else None
        made = case.fill(image, state)
        draft = edit(
            stream,
            [f"{whole(path)}={value}" for path, value in made.items()],
        )
        block = max(stream.memory().blocks, key=lambda one: one.used_length)
        edited = b"".join(bytes(chunk) for chunk in draft.chunks())
    file.write_bytes(with_ram(edited, block.name, 0, bytes(image.data)))
    with (
        opened(case.target, file) as guest,
        Machine.resumed(options, file.read_bytes()) as machine,
        machine.gdb() as stub,
    ):
        cpu = guest.cpus[0]
        read = mapped = 0
        for address in addresses(guest, random.Random(1)):
            try:
                physical = cpu.mmu.translate(address)[0]
                if not case.base <= physical <= case.base + AREA - 4096:
                    continue  # other memory, devices
                ours = cpu.read(address, 8).hex()
                mapped += 1
            except Unmapped:
                ours = ""
            address &= (1 << cpu.mmu.bits) - 1
            theirs = stub.ask(f"m{address:x},8")
            theirs = "" if theirs.startswith("E") else theirs
            assert (f"{address:#x}", ours) == (f"{address:#x}", theirs)
            read += 1
        assert mapped >= 20
        assert read - mapped >= 10


def test_a_powerpc_without_translation_leaves_out_the_upper_bits() -> None:
    options = GUESTS["ppc64"]
    if reason := options.absent():
        lacking(reason)
    with Machine(options) as machine, machine.gdb() as stub:
        place = 0xC000_0000_0000_1000
        assert stub.ask(f"M{place & 0xFFFF:x},8:1122334455667788") == "OK"
        assert stub.ask(f"m{place:x},8") == "1122334455667788"
        stream = machine.capture()
    with Guest.open(stream, codecs=packages()["ppc64"]) as guest:
        assert guest.cpus[0].read(place, 8).hex() == "1122334455667788"
