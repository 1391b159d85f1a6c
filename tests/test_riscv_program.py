"""The program that puts a hart back, run by Unicorn, and read by gdb's disassembler: neither
knows how it was made."""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import unicorn
from unicorn import riscv_const as reg

from tests.lacking import lacking
from vmgen.export import riscv_image
from vmgen.export.riscv_program import (
    CODE,
    Restoration,
    SavedHart,
    program,
    read,
    write,
)

RAM = 0x80000000
GDB = "gdb-multiarch"
MACHINE = 3 << 11

HART = SavedHart(
    early={0x340: 0x12_3456_7890, 0x306: 7, 0x303: 0x222},
    late={0x342: 5, 0x305: RAM + 0x3000},
    general=[0, *(0x1_2345_6789 * (number + 1) for number in range(1, 32))],
    floats=tuple(0x1111_1111_1111_1111 * (n % 14 + 1) for n in range(32)),
    fcsr=2 << 5, vectors=b"", vl=0, vtype=0, vstart=0, vcsr=0,
    mstatus=MACHINE | 0x6080, mepc=RAM + 0x100,
)  # fmt: skip
BODY = bytes(range(1, 25))


@pytest.mark.parametrize("at", [0x40_0000, 0x123_0000])
def test_a_hart_arrives_with_its_registers_and_the_machine_with_its_memory(
    at: int,
) -> None:
    stores = [(0x200_0000, 1), (0x200_4000, 0xFFFF_FFFE)]
    made = program(Restoration([HART], stores, [(BODY, RAM + 0x40)]))
    uc = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64)
    for start, size in ((RAM, 0x10000), (RAM + at, 0x10000), (0x200_0000, 0x10000)):
        uc.mem_map(start, size)
    uc.mem_write(RAM + at, made)
    uc.emu_start(RAM + at, HART.mepc, count=10_000)
    assert uc.reg_read(reg.UC_RISCV_REG_PC) == HART.mepc
    for number in range(32):
        held = uc.reg_read(reg.UC_RISCV_REG_X0 + number)
        assert held == HART.general[number], number
        assert uc.reg_read(reg.UC_RISCV_REG_F0 + number) == HART.floats[number], number
    assert uc.mem_read(RAM + 0x40, len(BODY)) == BODY
    assert not any(uc.mem_read(RAM + 0x40 + len(BODY), 8))
    for address, value in stores:
        assert uc.mem_read(address, 8) == struct.pack("<Q", value)  # 32 bits alone
    for name, value in (
        ("MSCRATCH", 0x12_3456_7890), ("MCOUNTEREN", 7), ("MIDELEG", 0x222),
        ("MCAUSE", 5), ("MTVEC", RAM + 0x3000), ("FCSR", 2 << 5),
    ):  # fmt: skip
        assert uc.reg_read(getattr(reg, f"UC_RISCV_REG_{name}")) == value, name
    status = uc.reg_read(reg.UC_RISCV_REG_MSTATUS)
    assert status & 0x6088 == 0x6088  # mret made MIE of MPIE


ISA = b"rv64imafdcv_zicsr_zifencei"
"""What gdb is told that there is."""


def disassembled(code: bytes) -> list[str]:
    """What gdb reads at each instruction, in one form: ``csrw mscratch,t0``."""
    if shutil.which(GDB) is None:
        lacking(f"there is no {GDB}")
    names = b"\0.text\0.riscv.attributes\0.names\0"
    known = b"\5" + ISA + b"\0"  # Tag_RISCV_arch
    for mark, count in ((b"\1", 5), (b"riscv\0", 0), (b"A", 4)):
        size = struct.pack("<I", count + len(known)) if count else b""
        known = mark + size + known
    parts = ((1, 1, 6, RAM, code), (7, 0x70000003, 0, 0, known), (25, 3, 0, 0, names))
    sections, at = bytes(64), 64
    for name, kind, flags, address, data in parts:
        head = name, kind, flags, address, at, len(data), 0, 0, 1, 0
        sections += struct.pack("<IIQQQQIIQQ", *head)
        at += len(data)
    file = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1".ljust(16, b"\0"), 2, 243, 1, RAM, 0, at, 0,
        64, 0, 0, 64, 4, 3,
    )  # fmt: skip
    file += code + known + names + sections
    Path("code.elf").write_bytes(file)
    words = [GDB, "-nx", "-batch", "-ex", f"x/{len(code) // 4}i {RAM:#x}", "code.elf"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    rows = [row.partition(":")[2] for row in said.splitlines()]
    assert len(rows) == len(code) // 4
    return [" ".join(row.split()) for row in rows]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


NEWER = {"scountinhibit", "jvt", "ssp"}
"""Registers that gdb of a current distribution knows by their number only."""


@pytest.mark.usefixtures("folder")
def test_registers_have_the_numbers_that_gdb_knows_them_by() -> None:
    numbers = {**riscv_image._EARLY, **riscv_image._LATE}
    written = disassembled(
        b"".join(struct.pack("<I", write(one, 5)) for one in numbers.values())
    )
    got = disassembled(
        b"".join(struct.pack("<I", read(10, one)) for one in numbers.values())
    )
    for name, number, one, other in zip(
        numbers, numbers.values(), written, got, strict=True
    ):
        names = {name, f"{number:#x}"} if name in NEWER else {name}
        assert one in {f"csrw {each},t0" for each in names}
        assert other in {f"csrr a0,{each}" for each in names}


@pytest.mark.usefixtures("folder")
def test_vectors_come_back_in_groups_of_eight_and_the_guest_of_a_hart_by_sret() -> None:
    hart = replace(HART, vectors=bytes(32 * 16), vl=4, vtype=0xD0, inside=True)
    code = disassembled(program(Restoration([hart], [], []))[:CODE])
    code = code[: code.index("sret") + 1]
    first = code.index("vl8r.v v0,(t1)")
    vectors = code[first : code.index("csrw vstart,t0") + 1]
    assert [one for one in vectors if one.startswith(("v", "csrw", "add t1"))] == [
        "vl8r.v v0,(t1)", "add t1,t1,t0", "vl8r.v v8,(t1)", "add t1,t1,t0",
        "vl8r.v v16,(t1)", "add t1,t1,t0", "vl8r.v v24,(t1)",
        "vsetvl zero,t0,t1", "csrw vcsr,t0", "csrw vstart,t0",
    ]  # fmt: skip
    assert code.count("mret") == 2  # of the trap handler, and of a hart that is outside
    assert code[-2].startswith("ld s1,")
