"""Registers written into a file by their names are those that QEMU shows after loading it: over
its gdbstub one by one, and in ``info registers -a``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.lacking import lacking
from tests.qemu.guests import GUESTS, POKED, numbered, recognisable
from tests.qemu.machine import Machine
from tests.stream_files import packages
from vmgen.guest import Guest
from vmgen.stream import Stream
from vmgen.stream.edit import edit

SYSTEM = {
    "x86_64": ["cr2", "fs_base", "gs_base", "k_gs_base", "rip", "mxcsr"],
    "i386": ["cr2", "eip"],
    "aarch64": [
        "pc", "fpsr", "fpcr", "VBAR", "ELR_EL1", "FAR_EL1", "TPIDR_EL0", "TPIDR_EL1", "MAIR_EL1",
        "TTBR0_EL1", "SP_EL0", "SPSR_EL1",
    ],
    "arm": ["pc", "fpscr"],
    "riscv64": [
        "pc", "mscratch", "sscratch", "mepc", "sepc", "mcause", "scause", "mtval", "stval",
        *numbered("s", 2, 11), *numbered("t", 0, 6), *numbered("a", 0, 7),
    ],
    "riscv32": ["pc", "mscratch", "sscratch", "mepc", "sepc", "mtval"],
    "ppc64": ["pc", "cr", "xer", "dar", "srr0", "srr1", *numbered("sprg", 0, 4)],
    "ppc": ["pc", "cr", "srr0", "srr1", *numbered("sprg", 0, 4)],
}  # fmt: skip
"""What the tests write beside general, floating point and vector registers."""

FEWER = {
    "pc": ~3, "mepc": ~3, "sepc": ~3, "mxcsr": 0xFFC0, "fpsr": 0x9F, "fpcr": 0x03C00000, "VBAR": ~0x1F, "fpscr": 0x9F,
    "xer": 0xE000007F, "mcause": 0xF, "scause": 0xF, "SPSR_EL1": 0xF00003C5,
}  # fmt: skip
"""The bits that a register may have set."""

SHOWN = {
    "x86_64": ("rbx", "EBX={:08x}"), "i386": ("ebx", "EBX={:08x}"),
    "aarch64": ("x9", "X09={:016x}"), "arm": ("r9", "R09={:08x}"),
    "riscv64": ("a0", "{:016x}"), "riscv32": ("a0", "{:08x}"),
    "ppc64": ("r9", "{:016x}"), "ppc": ("r9", "{:016x}"),
}  # fmt: skip
"""A register of ``info registers``, and how it is printed."""

ONE_CPU = ("i386", "ppc")
VECTOR = 128
"""The bits of a RISC-V vector register."""


@pytest.mark.parametrize("target", SYSTEM)
def test_registers_written_by_name_are_those_that_qemu_shows(target: str) -> None:
    options = GUESTS[target]
    if reason := options.absent():
        lacking(reason)
    count = 1 if target in ONE_CPU else 2
    options = replace(options, options=(*options.options, "-smp", str(count)))
    codecs = packages()[target]
    if target.startswith("riscv"):
        codecs = codecs.but({"vlen": VECTOR})
    with Machine(options) as machine:
        stream = machine.capture()
    names = [*POKED[target], *SYSTEM[target]]
    wanted: list[dict[str, int]] = []
    with Guest.open(stream, codecs=codecs) as guest:
        for cpu in guest.cpus:
            values = {}
            for number, name in enumerate(names):
                one = cpu.file.read(name)
                bits = 32 if target == "x86_64" and name.startswith("r") else one.bits
                value = recognisable(name, number + 7 * cpu.index, one.bits // 8)
                values[name] = value & FEWER.get(name, -1) & (1 << bits) - 1
                assert values[name] != one.value
            wanted.append(values)
        assignments = [
            f"cpu/{index}.{name}={value:#x}"
            for index, values in enumerate(wanted)
            for name, value in values.items()
        ]
        changed = edit(Stream(stream, codecs), assignments).to_bytes()
    with Machine.resumed(options, changed) as machine:
        line = {"command-line": "info registers -a"}
        said = str(machine.command("human-monitor-command", **line)).lower()
        name, form = SHOWN[target]
        for values in wanted:
            assert form.format(values[name]).lower() in said
        with machine.gdb() as stub:
            for index, values in enumerate(wanted):
                stub.select(index)
                read = {name: stub.read(name) for name in values}
                assert read == values
