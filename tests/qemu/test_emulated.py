"""A guest of real QEMU in Unicorn: the same steps there, and back in QEMU the same go on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import unicorn

from tests.lacking import lacking
from tests.qemu.gdbstub import GdbStub
from tests.qemu.guests import GUESTS
from tests.qemu.machine import Guest as Options
from tests.qemu.machine import Machine
from tests.stream_files import packages
from vmgen.emulate import from_unicorn, missing, seed, to_unicorn
from vmgen.emulate.emulator import encodings_of, registers_of
from vmgen.guest import Guest
from vmgen.stream import Draft
from vmgen.stream.edit import edit

RAM = 0x80000000
TABLE = 0x100000
Row = dict[str, int]
NAMES = ("pc", "ra", "t0", "t1", "t2", "t3", "t4", "t5", "a0", "a1", "a2", "a3")


def immediate(code: int, kind: int, to: int, source: int, value: int) -> int:
    return (value & 0xFFF) << 20 | source << 15 | kind << 12 | to << 7 | code


def stored(source: int, base: int, value: int) -> int:
    return (
        value >> 5 << 25
        | source << 20
        | base << 15
        | 3 << 12
        | (value & 31) << 7
        | 0x23
    )


def added(to: int, one: int, other: int, more: int = 0) -> int:
    return more << 25 | other << 20 | one << 15 | to << 7 | 0x33


def program(scratch: int, mask: int = 0x3F) -> Sequence[int]:
    """A loop over memory and a scratch register, then a read of a device; it ends where
    these bits of its counter are 0."""
    return (
        0x1297,  # auipc t0, 1
        immediate(0x13, 0, 6, 0, 7),  # addi t1, zero, 7
        added(7, 6, 6, 1),  # mul t2, t1, t1
        stored(7, 5, 0),  # sd t2, 0(t0)
        immediate(0x03, 3, 28, 5, 0),  # ld t3, 0(t0)
        added(29, 29, 28),  # add t4, t4, t3
        immediate(0x73, 1, 0, 29, scratch),  # csrw scratch, t4
        immediate(0x73, 2, 30, 0, scratch),  # csrr t5, scratch
        immediate(0x13, 0, 6, 6, 3),  # addi t1, t1, 3
        stored(29, 5, 8),  # sd t4, 8(t0)
        immediate(0x13, 7, 10, 6, mask),  # andi a0, t1, mask
        0xFC051EE3,  # bnez a0, -36
        0x100005B7,  # lui a1, 0x10000
        immediate(0x03, 4, 12, 11, 5),  # lbu a2, 5(a1): a register of the UART
    )


def row(stub: GdbStub, names: Sequence[str]) -> Row:
    return {name: stub.read(name) for name in names}


def stepped(stub: GdbStub, count: int, names: Sequence[str] = NAMES) -> list[Row]:
    rows = []
    for _ in range(count):
        assert stub.ask("vCont;s:p1.1").startswith("T05")
        rows.append(row(stub, names))
    return rows


def emulated(
    uc: Any, guest: Guest, most: int, names: Sequence[str] = NAMES
) -> list[Row]:
    """Rows until an address that is no memory."""
    encodings = encodings_of(registers_of(guest, 0))
    registers = seed.of(uc, guest.target, encodings)
    rows = []
    for _ in range(most):
        try:
            uc.emu_start(seed.pc(uc), 0, count=1)
        except unicorn.UcError as error:
            if error.errno != unicorn.UC_ERR_READ_UNMAPPED:
                raise
            break
        rows.append(registers.get(names))
    return rows


def goes_on(
    stream: bytes, options: Options, names: Sequence[str], truth: list[Row], after: int
) -> tuple[str, ...]:
    """Run some steps in Unicorn and go on in QEMU; the names of what changed there."""
    with Guest.open(stream, codecs=packages()[options.target]) as guest:
        uc = to_unicorn(guest)
        assert emulated(uc, guest, after, names) == truth[:after]
        draft = Draft(guest.stream)
        changed = from_unicorn(uc, draft, guest)
        back = b"".join(map(bytes, draft.chunks()))
    with Machine.resumed(options, back) as machine, machine.gdb() as stub:
        assert row(stub, names) == truth[after - 1]
        assert stepped(stub, 30, names) == truth[after : after + 30]
    return changed


def ready(empty: bytes, mode: str) -> bytes:
    """The stream with the program in RAM; in supervisor mode it is at the pc, behind page
    tables (Sv39: two gigabytes where they are)."""
    scratch = {"machine": 0x340, "supervisor": 0x140}[mode]
    code = b"".join(word.to_bytes(4, "little") for word in program(scratch))
    with Guest.open(empty, codecs=packages()["riscv64"]) as guest:
        where = "ram/riscv_virt_board.ram@"
        changes = [f"{where}0={code.hex()}"]
        if mode == "supervisor":
            for index in (0, 2):
                entry = (index << 30 >> 12 << 10 | 0xCF).to_bytes(8, "little")
                changes.append(f"{where}{TABLE + 8 * index:#x}={entry.hex()}")
            satp = 8 << 60 | (RAM + TABLE) >> 12
            changes += ["cpu/0.pmpaddr0=0x3fffffffffffff", "cpu/0.pmpcfg0=0x1f"]
            changes += ["cpu/0.priv=1", f"cpu/0.satp={satp:#x}", f"cpu/0.pc={RAM:#x}"]
        draft = edit(guest.stream, changes)
        return b"".join(map(bytes, draft.chunks()))


@pytest.mark.parametrize("mode", ["machine", "supervisor"])
def test_steps_are_qemus_and_what_ran_goes_back(mode: str) -> None:
    options = GUESTS["riscv64"]
    if reason := options.absent():
        lacking(reason)
    codecs = packages()["riscv64"]
    with Machine(options) as machine:
        empty = machine.capture()
    stream = ready(empty, mode)
    with Machine.resumed(options, stream) as machine, machine.gdb() as stub:
        truth = stepped(stub, 230)
    with Guest.open(stream, codecs=codecs) as guest:
        uc = to_unicorn(guest)
        assert from_unicorn(uc, Draft(guest.stream), guest) == ()
        found = emulated(uc, guest, 230)
        assert found == truth[: len(found)]
        assert 190 < len(found) < 230, "it stops at the UART"
        assert truth[len(found) - 1]["pc"] == RAM + 4 * (len(program(0)) - 1)
    changed = goes_on(stream, options, NAMES, truth, 100)
    assert {"pc", "t0", "t4", f"{mode[0]}scratch"} <= set(changed)


X86 = (
    *("rip", "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "eflags"),
    *(f"r{number}" for number in range(8, 16)),
    *("cs", "ss", "ds", "es", "fs", "gs", "fs_base", "gs_base", "k_gs_base"),
    *("cr0", "cr2", "cr3", "cr4", "efer", "fctrl"),
    *(f"st{number}" for number in range(8)),
    *(f"xmm{number}" for number in range(16)),
)
"""What both have; QEMU 5 leaves out the flags of inexact results, in fstat and mxcsr."""


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("as") is None or shutil.which("ld") is None:
        lacking("there are no binutils")
    folder = tmp_path_factory.mktemp("stages")
    source = Path(__file__).with_name("stages.s")
    subprocess.run(["as", "--64", "-o", folder / "o", source], check=True)
    link = ["ld", "-e", "0", "-Ttext", "0", "--oformat", "binary", "-o"]
    subprocess.run([*link, folder / "firmware", folder / "o"], check=True)
    return folder / "firmware"


def test_an_x86_from_reset_through_every_mode(stages: Path) -> None:
    """Real mode at the reset vector, protected mode, long mode with paging, ring 3 and
    system calls; the state of each goes back."""
    options = Options(
        "x86_64",
        (
            *("-M", "q35", "-m", "8M", "-nodefaults", "-cpu", "qemu64"),
            *("-bios", str(stages)),
        ),
    )
    if reason := options.absent():
        lacking(reason)
    with Machine(options) as machine:
        stream = machine.capture()
    with Machine.resumed(options, stream) as machine, machine.gdb() as stub:
        truth = stepped(stub, 300, X86)
    with Guest.open(stream, codecs=packages()["x86_64"]) as guest:
        assert missing(guest) == ()
        uc = to_unicorn(guest, strict=True)
        assert from_unicorn(uc, Draft(guest.stream), guest) == ()
        found = emulated(uc, guest, 300, X86)
    assert found == truth[: len(found)]
    assert 270 < len(found) < 300, "it stops at the APIC"
    levels = [one["cs"] & 3 for one in found]
    assert levels.count(3) > 30
    user = levels.index(3)
    changed = goes_on(stream, options, X86, truth, 20)  # real mode
    assert {"rip", "ds", "ds_base", "ss_base"} <= set(changed)
    changed = goes_on(stream, options, X86, truth, user - 60)  # protected mode
    assert {"cs", "cs_flags", "hflags", "cr0", "gdt_base"} <= set(changed)
    changed = goes_on(stream, options, X86, truth, user + 5)
    assert {"cr3", "efer", "lstar", "star", "tr", "tr_base", "st0"} <= set(changed)


A64 = (
    *(f"x{number}" for number in range(8)), "sp", "pc", "cpsr", "fpsr", "fpcr",
    *(f"v{number}" for number in range(4)),
)  # fmt: skip
A64_RAM = 0x40000000
CPACR, MAIR, TCR, TTBR0 = (
    (3, 0, 1, 0, 2),
    (3, 0, 10, 2, 0),
    (3, 0, 2, 0, 2),
    (3, 0, 2, 0, 0),
)
SCTLR, SP_EL0, TPIDR = (3, 0, 1, 0, 0), (3, 0, 4, 1, 0), (3, 3, 13, 0, 2)
HCR = (3, 4, 1, 1, 0)


def constant(register: int, value: int) -> list[int]:
    """movz and three movk."""
    parts = [value >> 16 * index & 0xFFFF for index in range(4)]
    return [
        (0xF2800000 if index else 0xD2800000) | index << 21 | part << 5 | register
        for index, part in enumerate(parts)
    ]


def system(register: tuple[int, int, int, int, int], general: int) -> int:
    """msr."""
    op0, op1, crn, crm, op2 = register
    return (
        0xD5000000 | op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5 | general
    )


def levels(level: int) -> list[int]:
    """A level makes the page tables of EL1 count and leaves for EL0, which runs a loop over
    integers, floating point and vectors, and reads a register of the UART."""
    op1 = {1: 0, 2: 4}[level]
    made: list[int] = []

    def put(register: tuple[int, int, int, int, int], value: int) -> None:
        made.extend((*constant(0, value), system(register, 0)))

    if level == 2:
        put(HCR, 1 << 31)
    put(CPACR, 3 << 20)
    put(MAIR, 0xFF)
    put(TCR, 25 | 25 << 16 | 1 << 23 | 2 << 32)
    put(TTBR0, A64_RAM + TABLE)
    made += [system(SCTLR, 1) | 1 << 21, *constant(0, 1)]
    made += [0xAA000021, system(SCTLR, 1), 0xD5033FDF]  # orr x1, x1, x0; msr; isb
    put(SP_EL0, 0x80300000)
    put(TPIDR, 0x1234567)
    put((3, op1, 4, 0, 0), 0x60000000)  # SPSR
    put((3, op1, 4, 0, 1), A64_RAM + 4 * (len(made) + 6))
    made.append(0xD69F03E0)  # eret
    made += [*constant(5, 0x80200000), *constant(1, 5)]
    loop = len(made)
    made += [
        0x9B017C22,  # mul x2, x1, x1
        0xF90000A2,  # str x2, [x5]
        0xF94000A3,  # ldr x3, [x5]
        0x8B030084,  # add x4, x4, x3
        0x9E620080,  # scvtf d0, x4
        0x1E602821,  # fadd d1, d1, d0
        0x1E61C022,  # fsqrt d2, d1
        0xFD0004A2,  # str d2, [x5, 8]
        0x4EE18443,  # add v3.2d, v2.2d, v1.2d
        0xA9BF0FE2,  # stp x2, x3, [sp, -16]!
        system(TPIDR, 6) | 1 << 21,
        0xF1000421,  # subs x1, x1, 1
    ]
    made.append(0x54000001 | (loop - len(made) & 0x7FFFF) << 5)  # b.ne
    made += [*constant(5, 0x9000000), 0x394000A7]  # ldrb w7, [x5]
    return made


@pytest.mark.parametrize(
    ("level", "board"), [(1, "virt"), (2, "virt,virtualization=on")]
)
def test_an_aarch64_through_page_tables_and_levels(level: int, board: str) -> None:
    words = ("-M", board, "-m", "16M", "-nodefaults", "-cpu", "cortex-a57")
    options = Options("aarch64", words)
    if reason := options.absent():
        lacking(reason)
    with Machine(options) as machine:
        empty = machine.capture()
    code = b"".join(word.to_bytes(4, "little") for word in levels(level))
    # A device; memory that both levels read and run; the same for both to write.
    entries = (0x441, A64_RAM | 0x4C1, A64_RAM | 0x441)
    table = b"".join(entry.to_bytes(8, "little") for entry in entries)
    where = "ram/mach-virt.ram@"
    with Guest.open(empty, codecs=packages()["aarch64"]) as guest:
        draft = edit(
            guest.stream,
            [
                f"{where}0={code.hex()}",
                f"{where}{TABLE:#x}={table.hex()}",
                f"cpu/0.pc={A64_RAM:#x}",
            ],
        )
        stream = b"".join(map(bytes, draft.chunks()))
    with Machine.resumed(options, stream) as machine, machine.gdb() as stub:
        truth = stepped(stub, 150, A64)
    with Guest.open(stream, codecs=packages()["aarch64"]) as guest:
        uc = to_unicorn(guest)
        assert from_unicorn(uc, Draft(guest.stream), guest) == ()
        found = emulated(uc, guest, 150, A64)
    assert found == truth[: len(found)]
    assert 100 < len(found) < 150, "it stops at the UART"
    assert found[-1]["pc"] == A64_RAM + len(code) - 4
    assert {one["cpsr"] & 15 for one in found} == {0, 4 * level + 1}
    changed = goes_on(stream, options, A64, truth, 38)
    assert {"TCR_EL1", "TTBR0_EL1"} <= set(changed)
    changed = goes_on(stream, options, A64, truth, len(found) - 40)
    assert {"cpsr", "sp", "v3", f"ELR_EL{level}", f"SPSR_EL{level}"} <= set(changed)


HART = (
    "pc", "priv", "mepc", "mcause", "mtval", "sepc", "scause", "stval", "mstatus",
)  # fmt: skip
CORE = ("pc", "cpsr", "sp", "SP_EL0", "SP_EL1", "ELR_EL1", "SPSR_EL1", "ESR_EL1")
SPAN = 1 << 23
CALLS = {
    f"{level}-{delegated:#x}": (
        GUESTS["riscv64"], HART, RAM, "00000073" + "00000013" * 3,
        {
            "priv": level, "medeleg": delegated, "mtvec": RAM + 0xC00, "stvec": RAM + 0xC04,
            "mstatus": 0xA_0000_000A, "mcause": 77, "scause": 77, "stval": 5, "mtval": 5,
        },
    )
    for level in (0, 1, 3) for delegated in (0, 0x100, 0x300)
} | {
    f"{model}-{span:#x}": (
        Options("aarch64", ("-M", "virt", "-m", "16M", "-nodefaults", "-cpu", model)),
        CORE, A64_RAM, "d4024681" + "d503201f" * 3,  # svc 0x1234; nop
        {
            "cpsr": 0x6000_0000, "VBAR_EL1": A64_RAM + 0x800, "SCTLR_EL1": 0x3050_0800 | span,
            "sp": 0x1110, "SP_EL1": 0x2220, "SP_EL0": 0x3330,
        },
    )
    for model in ("cortex-a57", "max") for span in (0, SPAN)
}  # fmt: skip
"""A call of a kernel by level and delegation, or by model and SCTLR_EL1.SPAN."""

ABSENT = {"mstatus": 1 << 63 | 0xF << 32, "cpsr": 1 << 13}
"""What Unicorn does not have: SD, SXL and UXL, and ALLINT."""


@pytest.mark.parametrize("case", CALLS)
def test_a_call_enters_the_level_that_it_enters_in_qemu(case: str) -> None:
    options, names, ram, words, values = CALLS[case]
    if reason := options.absent():
        lacking(reason)
    code = b"".join(bytes.fromhex(words[at : at + 8])[::-1] for at in range(0, 32, 8))
    with Machine(options) as machine:
        empty = machine.capture()
    with Guest.open(empty, codecs=packages()[options.target]) as guest:
        uc = to_unicorn(guest)
        encodings = encodings_of(registers_of(guest, 0))
        seed.of(uc, guest.target, encodings).put({**values, "pc": ram})
        uc.mem_write(ram, code)
        uc.mem_write(ram + 0xC00, code[4:])
        draft = Draft(guest.stream)
        from_unicorn(uc, draft, guest)
        stream = b"".join(map(bytes, draft.chunks()))
    if options.target == "riscv64":  # QEMU lets no process run without one
        with Guest.open(stream, codecs=packages()["riscv64"]) as guest:
            opened = ["cpu/0.pmpaddr0=0x3fffffffffffff", "cpu/0.pmpcfg0=0x1f"]
            stream = b"".join(map(bytes, edit(guest.stream, opened).chunks()))
    with Machine.resumed(options, stream) as machine, machine.gdb() as stub:
        before = row(stub, names)
        truth = stepped(stub, 2, names)
    assert {one["pc"] - ram for one in truth} != {4, 8}, "it did not call"
    with Guest.open(stream, codecs=packages()[options.target]) as guest:
        uc = to_unicorn(guest)
        found = emulated(uc, guest, 2, names)
    for one in (before, *truth, *found):
        for name in one.keys() & ABSENT.keys():
            one[name] &= ~ABSENT[name]
    assert found == truth
    assert found[0] != before
