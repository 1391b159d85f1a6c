"""System registers of an Arm CPU that no CPU of a release has."""

from __future__ import annotations

import pytest

from vmgen import ir
from vmgen.known.register_lists import strange
from vmgen.known.system_registers import DefinedRegisters

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
    (
        "crn=14",
        "crm=8 | (3 & (i>>3))",
        "opc0=3",
        "opc1=3",
        "opc2=i & 7",
        "state=ARM_CP_STATE_AA64",
    ),
    ("define_arm_cp_regs", "cpu", "id_cp_reginfo"),
    ("assigned", "cbar", "type", "ARM_CP_CONST"),
)


def foreign(*registers: int, rows: tuple[tuple[str, ...], ...] = ROWS) -> int | None:
    premise = ir.Premise("system registers", ("cpreg_indexes",), False, rows)
    return DefinedRegisters((premise,)).foreign(registers)


@pytest.mark.parametrize(
    "register",
    [
        MIDR,
        MIDR | 3 << 11 | 14 << 7 | 9 << 3,
        DEBUG,
        DEBUG | 7 << 3,
        narrow(0, 0),
        wide(2, 6),
        narrow(9, 0),
    ],
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
        narrow(9, 5),  # of several registers of an entry a stream has the first
        MIDR & ~0xFFFF | 2 << 3,  # an entry of AArch32 alone
        MIDR | 3 << 11 | 14 << 7 | 3 << 3,  # a crm without the bit that it surely has
    ],
)
def test_what_no_entry_can_be_is_a_stranger(register: int) -> None:
    assert foreign(MIDR, register, MIDR) == 1


def test_qemu_does_not_look_behind_the_end_of_its_own_list() -> None:
    assert foreign(MIDR, MIDR | 1) is None


def test_it_looks_at_all_since_it_allocates_the_lists() -> None:
    premise = ir.Premise("system registers", ("cpreg_indexes",), False, ROWS)
    assert DefinedRegisters((premise,)).foreign([MIDR, MIDR | 1], True) == 1
    assert strange([1, 5], [1, 3], False) is None
    assert strange([1, 5], [1, 3], True) == 1
    assert strange([1, 3], [1, 2, 3, 4], True) is None


def test_the_kernel_has_a_list_of_its_own() -> None:
    assert foreign(MIDR | 1, MIDR) == 0
    assert foreign(MIDR | 1, MIDR, FIRMWARE) is None


def test_nothing_is_said_where_c_changes_what_an_entry_is() -> None:
    assert (
        foreign(MIDR | 1, MIDR, rows=(*ROWS, ("assigned", "one", "opc2", "i"))) is None
    )
    assert foreign(MIDR | 1, MIDR, rows=()) is None


KEPT: tuple[tuple[str, ...], ...] = (
    ("crn=0", "crm=4", "opc0=3", "opc1=0", "opc2=0", "state=ARM_CP_STATE_AA64", "keeps=nothing"),
    ("crn=1", "crm=0", "opc0=3", "opc1=0", "opc2=0", "state=ARM_CP_STATE_BOTH"),
    ("crn=1", "crm=0", "opc0=3", "opc1=0", "opc2=2", "state=ARM_CP_STATE_BOTH", "keeps=?"),
    ("crn=1", "crm=1", "opc0=3", "opc1=4", "opc2=0", "state=ARM_CP_STATE_AA64"),
    ("crn=1", "crm=1", "opc0=3", "opc1=6", "opc2=0", "state=ARM_CP_STATE_AA64"),
    ("crn=4", "crm=0", "opc0=3", "opc1=0", "opc2=0", "state=ARM_CP_STATE_AA64", "keeps=0xf0"),
    ("crn=9", "crm=i", "opc0=3", "opc1=0", "opc2=0", "state=ARM_CP_STATE_AA64", "keeps=nothing"),
    ("crn=9", "crm=0", "opc0=3", "opc1=0", "opc2=0", "state=ARM_CP_STATE_AA64"),
    ("cp=15", "crn=9", "crm=0", "opc1=0", "opc2=0"),
)  # fmt: skip


def system(op1: int, crn: int, crm: int, op2: int) -> int:
    return MIDR | op1 << 11 | crn << 7 | crm << 3 | op2


ACTLR, CPACR, IDENTITY = system(0, 1, 0, 0), system(0, 1, 0, 2), system(0, 0, 4, 0)
HCR, SCR = system(4, 1, 1, 0), system(6, 1, 1, 0)


def keeps(number: int, value: int, *others: int) -> bool | None:
    premise = ir.Premise("system registers", ("cpreg_indexes",), False, KEPT)
    return DefinedRegisters((premise,)).keeps(number, value, (number, *others))


@pytest.mark.parametrize(
    ("number", "value", "kept"),
    [
        (IDENTITY, 1, False),
        (ACTLR, 1 << 63, True),
        (CPACR, 1, True),
        (HCR, 1 << 40, True),
        (system(0, 4, 0, 0), 0xF0, True),
        (system(0, 4, 0, 0), 0xF1, None),
        (system(0, 9, 1, 0), 1, False),
        (system(0, 9, 0, 0), 1, None),  # a constant or not
        (system(0, 5, 0, 0), 1, None),  # no entry is known
        (narrow(9, 0), 0xFFFF_FFFF, True),
        (narrow(9, 0), 1 << 32, False),
        (narrow(10, 0), 1 << 32, False),
    ],
)
def test_what_a_register_keeps_of_a_value(
    number: int, value: int, kept: bool | None
) -> None:
    assert keeps(number, value) is kept


def test_a_cpu_with_el3_may_have_others_of_el2_as_constants() -> None:
    assert keeps(HCR, 1, SCR) is None
    assert keeps(CPACR, 1, SCR) is None
    assert keeps(ACTLR, 1, SCR) is True


def test_what_a_register_keeps_under_kvm_the_kernel_decides() -> None:
    assert keeps(IDENTITY, 1, FIRMWARE) is None
