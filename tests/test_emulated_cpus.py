"""CPUs and memory of ``seed.py`` in the emulator: what was written is there, by the
emulator's own names too, and calls of the kernel do what the manuals say."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import unicorn
from unicorn import arm64_const as a64
from unicorn import riscv_const as rv
from unicorn import x86_const as x86

from vmgen.emulate import seed

CODE, KERNEL = 0x10000, 0x20000


def drawn(chance: random.Random, names: Mapping[str, int]) -> dict[str, int]:
    """A number of as many bits as each name says."""
    return {name: chance.getrandbits(bits) for name, bits in names.items()}


# --- x86_64 -------------------------------------------------------------------------------

GENERAL = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
           *(f"r{n}" for n in range(8, 16)))  # fmt: skip
SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs", "ldt", "tr", "gdt", "idt")
CACHED = {f"{one}{part}": bits for one in SEGMENTS
          for part, bits in (("", 16), ("_base", 64), ("_limit", 32))}  # fmt: skip
NUMBERED = {
    "star": 0xC0000081, "lstar": 0xC0000082, "cstar": 0xC0000083, "k_gs_base": 0xC0000102,
    "sysenter_cs": 0x174, "sysenter_esp": 0x175, "sysenter_eip": 0x176, "pat": 0x277,
    "mtrr_fix64k_00000": 0x250, "mtrr_fix4k_f8000": 0x26F, "mtrr_physbase7": 0x20E,
    "mtrr_physmask0": 0x201, "mc1_status": 0x405, "mc3_misc": 0x40F,
}  # fmt: skip


@pytest.mark.parametrize("chance", range(6))
def test_registers_of_x86_are_what_was_put(chance: int) -> None:
    dice = random.Random(chance)
    values = drawn(dice, dict.fromkeys((*GENERAL, *NUMBERED, "rip"), 64) | CACHED)
    values |= drawn(dice, {f"zmm{n}": 512 for n in range(16)} | {"mxcsr": 16})
    values |= drawn(dice, {f"st{n}": 80 for n in range(8)})
    values["sysenter_cs"] &= 0xFFFF
    values |= {
        "fstat": dice.randrange(8) << 11,
        "fctrl": 0x37F,
        "ftw": dice.getrandbits(8),
    }
    values |= {f"mtrr_phys{kind}{n}": dice.getrandbits(36) << 12
               for n in range(8) for kind in ("base", "mask")}  # fmt: skip
    values |= {"cr2": dice.getrandbits(64), "xcr0": 7, "pkru": dice.getrandbits(32),
               "smbase": dice.getrandbits(32)}  # fmt: skip
    cpu = seed.engine("x86_64", values)
    again = seed.of(cpu.uc, "x86_64")
    assert cpu.get(values) == again.get(values) == values
    assert cpu.get(["rax", "nothing"]) == {"rax": values["rax"]}
    assert seed.pc(cpu.uc) == values["rip"]
    for name in GENERAL:
        assert (
            cpu.uc.reg_read(getattr(x86, f"UC_X86_REG_{name.upper()}")) == values[name]
        )
    for name, number in NUMBERED.items():
        assert cpu.uc.reg_read(x86.UC_X86_REG_MSR, number) == values[name], name
    for name in ("es", "cs", "ss", "ds", "fs", "gs"):
        assert (
            cpu.uc.reg_read(getattr(x86, f"UC_X86_REG_{name.upper()}")) == values[name]
        )
    for name, number in ("fs_base", x86.UC_X86_REG_FS_BASE), (
        "gs_base",
        x86.UC_X86_REG_GS_BASE,
    ):
        assert cpu.uc.reg_read(number) == values[name]
    for name, number in ("gdt", x86.UC_X86_REG_GDTR), ("idt", x86.UC_X86_REG_IDTR):
        _, base, limit, _ = cpu.uc.reg_read(number)
        assert base == values[f"{name}_base"]
        assert limit == values[f"{name}_limit"] & 0xFFFF
    for index in range(8):
        # The top of the stack is where the status word says.
        low, high = cpu.uc.reg_read(
            x86.UC_X86_REG_FP0 + ((values["fstat"] >> 11) + index) % 8
        )
        assert high << 64 | low == values[f"st{index}"]
    tags = cpu.uc.reg_read(x86.UC_X86_REG_FPTAG)
    for index in range(8):
        assert (tags >> 2 * index & 3 != 3) == bool(values["ftw"] >> index & 1)


def long_mode(**more: int) -> seed.EmulatedCpu:
    """Ring 3 in long mode, ``syscall`` allowed, without page tables of its own."""
    values = {
        "eflags": 0x10AD7 | 0x246, "efer": 0x501, "star": 0x1B << 48 | 0x0013 << 32,
        "lstar": KERNEL, "cstar": KERNEL + 0x100, "fmask": 0x200, "rip": CODE,
        "cs": 0x33, "ss": 0x2B, **more,
    }  # fmt: skip
    cpu = seed.engine("x86_64", {})
    values["hflags"] = cpu.get(["hflags"])["hflags"] & ~3 | 3
    cpu.put(values)
    cpu.uc.mem_map(CODE, 0x20000)
    return cpu


def test_a_process_of_x86_enters_the_kernel() -> None:
    """SYSCALL of the manual: where to, where from, the flags, and two flat segments."""
    cpu = long_mode()
    cpu.uc.mem_write(CODE, b"\x0f\x05")
    before = cpu.get(["eflags"])["eflags"]
    cpu.uc.emu_start(CODE, KERNEL, count=1)
    now = cpu.get(
        ["rip", "rcx", "r11", "eflags", "cs", "ss", "cs_base", "ss_limit", "hflags"]
    )
    assert (now["rip"], now["rcx"]) == (KERNEL, CODE + 2)
    assert now["r11"] == before & ~0x10000
    assert now["eflags"] & 0x10200 == 0
    assert now["eflags"] & 2
    assert (now["cs"], now["ss"]) == (0x10, 0x18)
    assert (now["cs_base"], now["ss_limit"]) == (0, 0xFFFFFFFF)
    assert now["hflags"] & 3 == 0


@pytest.mark.parametrize(
    ("code", "more"), [(b"\x0f\x05", {"efer": 0x500}), (b"\x0f\x05", {"efer": 1}), (b"\x0f\x34", {})]
)  # fmt: skip
def test_other_ways_into_the_kernel_of_x86_are_not_passed_over(
    code: bytes, more: dict[str, int]
) -> None:
    cpu = long_mode(**more)
    cpu.uc.mem_write(CODE, code)
    with pytest.raises((seed.NotEmulated, unicorn.UcError)):
        cpu.uc.emu_start(CODE, KERNEL, count=1)


# --- riscv64 ------------------------------------------------------------------------------


def hart(level: int, **more: int) -> seed.EmulatedCpu:
    values = {
        "mstatus": 3 << 13, "medeleg": 0, "stvec": KERNEL | 1, "mtvec": KERNEL + 0x100,
        "priv": level, "pc": CODE, **more,
    }  # fmt: skip
    cpu = seed.engine("riscv64", values)
    cpu.uc.mem_map(CODE, 0x20000)
    return cpu


@pytest.mark.parametrize("level", [0, 1, 3])
def test_registers_of_riscv_are_what_was_put(level: int) -> None:
    dice = random.Random(level)
    names = ("ra", "sp", "gp", "tp", "fp", *(f"t{n}" for n in range(7)), *(f"s{n}" for n in range(1, 12)),
             *(f"a{n}" for n in range(8)), *(f"f{kind}{n}" for kind in "ast" for n in range(8)),
             "mscratch", "sscratch", "mtval", "stval")  # fmt: skip
    values = drawn(dice, dict.fromkeys(names, 64))
    values |= {"frm": 3, "mstatus": 2 << 13, "priv": level, "pc": CODE, "mepc": 0x1234,
               "sepc": 0x2344, "stvec": 0x5000, "mtvec": 0x6001}  # fmt: skip
    cpu = seed.engine("riscv64", values)
    again = seed.of(cpu.uc, "riscv64")
    found = cpu.get(values)
    assert again.get(values) == found
    # SD, the highest bit, says that a state is dirty.
    assert found | {"mstatus": found["mstatus"] & (3 << 13)} == values
    assert cpu.uc.reg_read(rv.UC_RISCV_REG_X10) == values["a0"]
    assert cpu.uc.reg_read(rv.UC_RISCV_REG_F31) == cpu.get(["ft11"])["ft11"]
    assert seed.pc(cpu.uc) == CODE


@pytest.mark.parametrize("delegated", [False, True])
@pytest.mark.parametrize("enabled", [False, True])
@pytest.mark.parametrize("level", [0, 1, 3])
def test_a_call_of_riscv_goes_to_the_level_that_it_is_delegated_to(
    level: int, enabled: bool, delegated: bool
) -> None:
    """The privileged architecture: cause, pc, and what ``xret`` goes back to."""
    on = 0b1010 if enabled else 0
    cpu = hart(level, mstatus=3 << 13 | on, medeleg=1 << 8 | 1 << 9 if delegated else 0)
    cpu.uc.mem_write(CODE, (0x73).to_bytes(4, "little"))
    cpu.uc.emu_start(CODE, KERNEL, count=1)
    to = "s" if delegated and level < 3 else "m"
    now = cpu.get(["pc", "priv", "mstatus", f"{to}cause", f"{to}epc", f"{to}tval"])
    assert now["pc"] == (KERNEL if to == "s" else KERNEL + 0x100)
    assert now["priv"] == (1 if to == "s" else 3)
    assert (now[f"{to}cause"], now[f"{to}epc"], now[f"{to}tval"]) == (
        8 + level,
        CODE,
        0,
    )
    status = now["mstatus"]
    if to == "s":
        assert (status >> 1 & 1, status >> 5 & 1, status >> 8 & 1) == (
            0,
            enabled,
            level,
        )
    else:
        assert (status >> 3 & 1, status >> 7 & 1, status >> 11 & 3) == (
            0,
            enabled,
            level,
        )


def test_other_exceptions_of_riscv_stop() -> None:
    cpu = hart(0)
    cpu.uc.mem_write(CODE, (0x00100073).to_bytes(4, "little"))  # ebreak
    with pytest.raises(unicorn.UcError):
        cpu.uc.emu_start(CODE, KERNEL, count=1)


# --- aarch64 ------------------------------------------------------------------------------

SYSTEM: dict[str, seed.Encoding] = {
    "VBAR_EL1": (3, 0, 12, 0, 0), "ESR_EL1": (3, 0, 5, 2, 0), "FAR_EL1": (3, 0, 6, 0, 0),
    "TPIDR_EL0": (3, 3, 13, 0, 2), "TPIDR_EL1": (3, 0, 13, 0, 4), "MAIR_EL1": (3, 0, 10, 2, 0),
    "NO_SUCH_EL1": (3, 0, 15, 7, 7),
}  # fmt: skip


def arm(level: int = 0, **more: int) -> seed.EmulatedCpu:
    values = {"cpsr": level << 2 | (level > 0), "pc": CODE, "VBAR_EL1": KERNEL, **more}
    cpu = seed.engine("aarch64", values, SYSTEM)
    cpu.uc.mem_map(CODE, 0x20000)
    return cpu


@pytest.mark.parametrize("level", [0, 1])
def test_registers_of_arm_are_what_was_put(level: int) -> None:
    dice = random.Random(level)
    names = dict.fromkeys((*(f"x{n}" for n in range(31)), "sp", "FAR_EL1", "TPIDR_EL0",
                           "TPIDR_EL1", "MAIR_EL1", "ELR_EL1"), 64)  # fmt: skip
    names |= dict.fromkeys((f"v{n}" for n in range(32)), 128)
    values = drawn(dice, names)
    cpu = arm(level, **values)
    assert cpu.get(values) == seed.of(cpu.uc, "aarch64", SYSTEM).get(values) == values
    assert cpu.get(["NO_SUCH_EL1", "nothing"]) == {}
    assert cpu.uc.reg_read(a64.UC_ARM64_REG_X29) == values["x29"]
    assert cpu.uc.reg_read(a64.UC_ARM64_REG_Q31) == values["v31"]
    assert seed.pc(cpu.uc) == CODE


@pytest.mark.parametrize("flags", [0, 0x9 << 28, 1 << 6])
def test_a_process_of_arm_enters_the_kernel(flags: int) -> None:
    """``svc``: the vector of AArch64 from below, the syndrome with the instruction's number."""
    cpu = arm(cpsr=flags, sp=0x1234560, SP_EL1=0x6543210)
    cpu.uc.mem_write(CODE, (0xD4000001 | 0x1234 << 5).to_bytes(4, "little"))
    cpu.uc.emu_start(CODE, KERNEL, count=1)
    now = cpu.get(["pc", "ELR_EL1", "SPSR_EL1", "ESR_EL1", "cpsr", "sp", "SP_EL0"])
    assert (now["pc"], now["ELR_EL1"]) == (KERNEL + 0x400, CODE + 4)
    assert now["SPSR_EL1"] == flags
    assert now["ESR_EL1"] == 0x15 << 26 | 1 << 25 | 0x1234
    assert now["cpsr"] & 0x3DF == 0x3C5
    assert (now["sp"], now["SP_EL0"]) == (0x6543210, 0x1234560)


@pytest.mark.parametrize("word", [0xD4200000, 0xD4000002])
def test_other_exceptions_of_arm_stop(word: int) -> None:
    """``brk``, and ``hvc`` of a process."""
    cpu = arm()
    cpu.uc.mem_write(CODE, word.to_bytes(4, "little"))
    with pytest.raises(unicorn.UcError):
        cpu.uc.emu_start(CODE, KERNEL, count=1)


# --- memory -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 0x1000, 0x1801, 1 << 20, (5 << 19) + 3])
def test_a_region_is_filled_and_written_back(tmp_path: Path, size: int) -> None:
    dice = random.Random(size)
    data = bytearray(size)
    for _ in range(8):
        at = dice.randrange(size)
        data[at : at + 32] = dice.randbytes(len(data[at : at + 32]))
    folder = tmp_path / "one"
    folder.mkdir()
    regions = [
        {"address": 0x100000, "size": size, "kind": "ram", "file": "a"},
        {"address": 0x800000, "size": 0x1000, "kind": "rom", "file": "b"},
    ]
    registers: dict[str, Any] = {
        "mstatus": "0x6000", "priv": "0x3", "pc": "0x100000", "a0": "0x7", "unknown": "0x55",
    }  # fmt: skip
    content = {"version": 1, "target": "riscv64", "regions": regions,
               "cpus": [{"registers": registers, "encodings": {}}]}  # fmt: skip
    (folder / "seed.json").write_text(json.dumps(content))
    (folder / "a").write_bytes(data)
    (folder / "b").write_bytes(b"rom" + bytes(0xFFD))
    uc = seed.load(str(folder))
    assert uc.mem_read(0x100000, size) == data
    assert [prot for *_, prot in uc.mem_regions()] == [7, 5]
    uc.mem_write(0x100000 + size // 2, b"x")
    data[size // 2] = ord("x")
    uc.reg_write(rv.UC_RISCV_REG_A0, 8)
    seed.save(uc, str(tmp_path / "two"), str(folder))
    assert (tmp_path / "two/a").read_bytes() == data
    assert (tmp_path / "two/b").read_bytes() == b"rom" + bytes(0xFFD)
    made = json.loads((tmp_path / "two/seed.json").read_text())
    (cpu,) = made["cpus"]
    assert {name: int(text, 16) for name, text in cpu["registers"].items()} == {
        "mstatus": 0x6000, "priv": 3, "pc": 0x100000, "a0": 8, "unknown": 0x55,
    }  # fmt: skip
    assert made["regions"] == regions
    assert (tmp_path / "two/seed.py").read_bytes() == Path(seed.__file__).read_bytes()
