"""System registers of an Arm CPU that no CPU of a release has."""

from __future__ import annotations

import pytest

from vmgen import ir
from vmgen.stream import system_registers
from vmgen.stream.system_registers import DefinedRegisters

MIDR = 0x6030_0000_0013_C000
"""op0 3, all else 0."""
DEBUG = 0x6030_0000_0013_8004
"""op0 2, op2 4: a breakpoint's value."""
FIRMWARE = 0x6030_0000_0014_0000
"""What only KVM lists."""


def wide(crm: int, opc1: int) -> int:
    return 0x4030_0000_000F_0000 | crm << 7 | opc1 << 3


def narrow(crn: int, opc2: int) -> int:
    return 0x4020_0000_000F_0000 | crn << 11 | opc2


ROWS: tuple[tuple[str, ...], ...] = (
    ("crn=0", "crm=0", "opc0=3", "opc1=0", "opc2=0", "state=ARM_CP_STATE_BOTH"),
    ("cp=14", "crm=i", "opc0=2", "opc1=0", "opc2=4", "state=ARM_CP_STATE_AA64"),
    ("cp=15", "crm=2", "opc1=6", "type=ARM_CP_64BIT"),
    ("cp=15", "crn=9", "crm=0", "opc1=0", "opc2=CP_ANY"),
    ("define_arm_cp_regs", "cpu", "id_cp_reginfo"),
    ("assigned", "cbar", "type", "ARM_CP_CONST"),
)


def foreign(*registers: int, rows: tuple[tuple[str, ...], ...] = ROWS) -> int | None:
    premise = ir.Premise("system registers", ("cpreg_indexes",), False, rows)
    return DefinedRegisters((premise,)).foreign(registers)


@pytest.mark.parametrize(
    "register",
    [MIDR, DEBUG, DEBUG | 7 << 3, narrow(0, 0), wide(2, 6), narrow(9, 0), narrow(9, 5)],
)
def test_what_an_entry_of_the_tables_can_be_is_no_stranger(register: int) -> None:
    assert foreign(register, MIDR) is None


@pytest.mark.parametrize(
    "register",
    [
        MIDR | 1,  # another op2
        MIDR & ~(1 << 14),  # another op0
        DEBUG | 1,
        DEBUG | 1 << 7,  # another crn
        narrow(0, 1),
        narrow(2, 4),  # an entry of AArch64 alone
        wide(2, 7),
        narrow(9, 0) | 1 << 3,  # another opc1
        MIDR & ~0xFFFF | 2 << 3,  # an entry of AArch32 alone
    ],
)
def test_what_no_entry_can_be_is_a_stranger(register: int) -> None:
    assert foreign(MIDR, register, MIDR) == 1


def test_qemu_does_not_look_behind_the_end_of_its_own_list() -> None:
    assert foreign(MIDR, MIDR | 1) is None


def test_the_kernel_has_a_list_of_its_own() -> None:
    assert foreign(MIDR | 1, MIDR) == 0
    assert foreign(MIDR | 1, MIDR, FIRMWARE) is None


def test_nothing_is_said_where_c_changes_what_an_entry_is() -> None:
    assert (
        foreign(MIDR | 1, MIDR, rows=(*ROWS, ("assigned", "one", "opc2", "i"))) is None
    )
    assert foreign(MIDR | 1, MIDR, rows=()) is None


@pytest.mark.parametrize(
    ("number", "identifies"),
    [
        (0x603000000013C000, True),  # MIDR_EL1
        (0x603000000013C025, True),  # of the features, op2 5
        (0x603000000013C290, False),  # ESR_EL1
        (0x603000000013D000, False),  # CSSELR_EL1, op1 2
        (0x60300000001380A0, False),  # a breakpoint, op0 2
        (0x40200000000F0000, True),  # MIDR
        (0x40200000000F2881, False),  # ADFSR
        (0x40300000000F0000, False),  # one of 64 bits
    ],
)
def test_registers_that_say_what_the_cpu_is(number: int, identifies: bool) -> None:
    assert system_registers.identifies(number) == identifies
