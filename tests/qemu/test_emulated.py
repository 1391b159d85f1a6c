"""A guest of real QEMU in Unicorn: the same steps there, and back in QEMU the same go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import unicorn

from tests.lacking import lacking
from tests.qemu.gdbstub import GdbStub
from tests.qemu.guests import GUESTS
from tests.qemu.machine import Machine
from tests.stream_files import packages
from vmgen.emulate import from_unicorn, to_unicorn
from vmgen.guest import Guest
from vmgen.stream import Draft
from vmgen.stream.edit import edit

RAM = 0x80000000
TABLE = 0x100000
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


def program(scratch: int) -> Sequence[int]:
    """A loop over memory and a scratch register, then a read of a device."""
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
        immediate(0x13, 7, 10, 6, 0x3F),  # andi a0, t1, 63
        0xFC051EE3,  # bnez a0, -36
        0x100005B7,  # lui a1, 0x10000
        immediate(0x03, 4, 12, 11, 5),  # lbu a2, 5(a1): a register of the UART
    )


def row(stub: GdbStub) -> list[int]:
    return [stub.read(name) for name in NAMES]


def stepped(stub: GdbStub, count: int) -> list[list[int]]:
    rows = []
    for _ in range(count):
        assert stub.ask("vCont;s:p1.1").startswith("T05")
        rows.append(row(stub))
    return rows


def emulated(uc: Any, most: int) -> list[list[int]]:
    """Rows until an address that is no memory."""
    from unicorn import riscv_const as known

    numbers = [getattr(known, f"UC_RISCV_REG_{name.upper()}") for name in NAMES]
    rows = []
    for _ in range(most):
        try:
            uc.emu_start(uc.reg_read(numbers[0]), 0, count=1)
        except unicorn.UcError as error:
            if error.errno != unicorn.UC_ERR_READ_UNMAPPED:
                raise
            break
        rows.append([uc.reg_read(number) for number in numbers])
    return rows


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
        found = emulated(uc, 230)
        assert found == truth[: len(found)]
        assert 190 < len(found) < 230, "it stops at the UART"
        assert truth[len(found) - 1][0] == RAM + 4 * (len(program(0)) - 1)
        uc = to_unicorn(guest)
        assert emulated(uc, 100) == truth[:100]
        draft = Draft(guest.stream)
        changed = from_unicorn(uc, draft, guest)
        assert {"pc", "t0", "t4", f"{mode[0]}scratch"} <= set(changed)
        back = b"".join(map(bytes, draft.chunks()))
    with Machine.resumed(options, back) as machine, machine.gdb() as stub:
        assert row(stub) == truth[99]
        assert stepped(stub, 60) == truth[100:160]
