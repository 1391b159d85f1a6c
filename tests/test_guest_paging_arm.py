"""Page tables of Arm in every format and regime, made by hand as the Architecture Reference
Manual has them (VMSAv8-64, VMSAv8-32 long and short descriptors), against the addresses.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.test_guest_paging import SCTLR, TCR, TTBR0, TTBR1, arm
from vmgen.guest import Unmapped, Unsupported
from vmgen.guest.paging.mmu import Mmu

HCR_EL2, SCR_EL3, VTTBR, VTCR = (
    0x6030_0000_0013_0000 + one for one in (0xE088, 0xF088, 0xE108, 0xE10A)
)
SCTLR_EL2, TTBR0_EL2, TTBR1_EL2, TCR_EL2 = (
    0x6030_0000_0013_0000 + one for one in (0xE080, 0xE100, 0xE101, 0xE102)
)
SCTLR_EL3, TTBR0_EL3, TCR_EL3 = (
    0x6030_0000_0013_0000 + one for one in (0xF080, 0xF100, 0xF102)
)
MMFR0 = 0x6030_0000_0013_C00C
MMFR1_A64, MMFR4 = 0x6030_0000_0013_C039, 0x6030_0000_0013_C016
SVC, USR, HYP, MON = 0x1D3, 0x1D0, 0x1DA, 0x1D6
EL0, EL1, EL2, EL3 = 0, 5, 9, 13
GIB = 1 << 30


def lost(mmu: Mmu, *addresses: int) -> bool:
    for address in addresses:
        with pytest.raises(Unmapped):
            mmu.translate(address)
    return True


# --- long descriptors of 32-bit CPUs ----------------------------------------------------------


def lpae(ttbcr: int, cpsr: int = SVC) -> Mmu:
    """TTBR0 at 0x1000 has pages of 2 MiB in every GiB, TTBR1 at 0x3000 others; each table
    of the second level is also one of the first that begins there."""
    words = {0x1000 + 8 * gib: 0x5003 for gib in range(4)}
    words |= {0x3000 + 8 * gib: 0x6003 for gib in range(4)}
    words |= {0x5008: 0x9_0060_0401, 0x6008: 0x0080_0401}
    values = {SCTLR: 1, TTBR0: 0x1000, TTBR1: 0x3000, TCR: 1 << 31 | ttbcr}
    return arm(words, 8, values, cpsr, "arm")


LOW, HIGH = 0x9_0060_0123, 0x0080_0123
AT = 0x20_0123


@pytest.mark.parametrize("ttbcr", [0, 3 << 16])
def test_an_address_of_32_bits_begins_again(ttbcr: int) -> None:
    mmu = lpae(ttbcr)
    assert mmu.translate(AT | 1 << 32) == mmu.translate(AT)
    assert mmu.translate(AT | 5 << 33)[0] == LOW


def test_without_sizes_the_first_table_has_everything() -> None:
    mmu = lpae(0)
    assert mmu.translate(AT)[:2] == (LOW, (2 << 20) - 0x123)
    assert mmu.translate(3 * GIB + AT)[0] == LOW
    assert lost(lpae(1 << 7), AT, 3 * GIB + AT)


def test_sizes_part_the_address_space_between_two_tables() -> None:
    halves = lpae(1 | 1 << 16)
    assert halves.translate(GIB + AT)[0] == LOW
    assert halves.translate(2 * GIB + AT)[0] == HIGH
    assert halves.translate(3 * GIB + AT)[0] == HIGH
    assert len(list(halves.mappings())) == 4
    gap = lpae(2 | 1 << 16)
    assert lost(gap, GIB + AT)
    assert gap.translate(2 * GIB + AT)[0] == HIGH


def test_one_size_alone_gives_the_rest_to_the_other_table() -> None:
    above = lpae(1)
    assert above.translate(GIB + AT)[0] == LOW
    assert above.translate(2 * GIB + AT)[0] == HIGH
    below = lpae(1 << 16)
    assert below.translate(GIB + AT)[0] == LOW
    assert below.translate(2 * GIB + AT)[0] == HIGH


def test_half_of_the_address_space_can_be_switched_off() -> None:
    only_low = lpae(1 | 1 << 16 | 1 << 23)
    assert only_low.translate(AT)[0] == LOW
    assert lost(only_low, 2 * GIB + AT)
    only_high = lpae(1 | 1 << 16 | 1 << 7)
    assert only_high.translate(2 * GIB + AT)[0] == HIGH
    assert lost(only_high, AT)
    rest = lpae(1 | 1 << 7)
    assert rest.translate(2 * GIB + AT)[0] == HIGH
    assert lost(rest, AT, GIB + AT)


def test_a_gib_begins_in_a_table_of_the_second_level() -> None:
    words = {0x5008: 0x60_0401, 0x6008: 0x80_0401}
    values = {SCTLR: 1, TTBR0: 0x5000, TTBR1: 0x6000, TCR: 1 << 31 | 2 | 2 << 16}
    mmu = arm(words, 8, values, SVC, "arm")
    assert mmu.translate(AT)[0] == 0x60_0123
    assert mmu.translate(3 * GIB + AT)[0] == 0x80_0123
    assert lost(mmu, GIB + AT, 2 * GIB + AT)


def test_a_first_table_of_four_entries_begins_at_any_32_bytes() -> None:
    words = {0x1020: 0x2003, 0x2008: 0x60_0401}
    values = {SCTLR: 1, TTBR0: 0x1020, TCR: 1 << 31}
    assert arm(words, 8, values, SVC, "arm").translate(AT)[0] == 0x60_0123


def test_hyp_has_one_table_of_its_own() -> None:
    values = {SCTLR_EL2: 1, TTBR0_EL2: 0x1000, TCR_EL2: 1, HCR_EL2: 0}
    words = {0x1008: 0x2003, 0x2008: 0x60_0401}
    mmu = arm(words, 8, values, HYP, "arm")
    assert mmu.translate(GIB + AT)[0] == 0x60_0123
    assert lost(mmu, 2 * GIB + AT)
    assert arm(words, 8, values, SVC, "arm").translate(AT)[0] == AT  # it is off there


# --- short descriptors ------------------------------------------------------------------------


def short(words: dict[int, int], ttbcr: int = 0, sctlr: int = 1 << 23) -> Mmu:
    values = {SCTLR: 1 | sctlr, TTBR0: 0x5000, TTBR1: 0x8000, TCR: ttbcr}
    return arm(words, 4, values, SVC, "arm")


def test_a_size_parts_short_descriptors_too() -> None:
    words = {0x5008: 0x0030_0C02, 0x9008: 0x0040_0C02, 0x8008: 0x0050_0C02}
    mmu = short(words, 2)
    assert mmu.translate(AT)[:2] == (0x30_0123, (1 << 20) - 0x123)
    assert mmu.translate(GIB + AT)[0] == 0x40_0123
    assert lost(short(words, 2 | 1 << 4), AT)
    assert short(words, 2 | 1 << 4).translate(GIB + AT)[0] == 0x40_0123
    assert lost(short(words, 2 | 1 << 5), GIB + AT)
    assert short(words, 2 | 1 << 5).translate(AT)[0] == 0x30_0123


def test_a_section_that_the_kernel_may_not_run_is_one() -> None:
    assert short({0x4008: 0x0030_0C03}).translate(AT)[0] == 0x30_0123


def test_tables_of_a_big_endian_kernel_are_big_endian() -> None:
    for value, order in ((1 << 25, "big"), (0, "little")):
        values = {SCTLR: 1 | 1 << 23 | value, TTBR0: 0x4000, TCR: 0}
        mmu = arm({0x4008: 0x0030_0C02}, 4, values, SVC, "arm", order)
        assert mmu.translate(AT)[0] == 0x30_0123
        values = {SCTLR: 1 | value, TTBR0: 0x1000, TCR: 25 | 1 << 23}
        words = {0x1000: 0x2003, 0x2008: 0x60_0401}
        assert arm(words, 8, values, EL1, order=order).translate(AT)[0] == 0x60_0123


def test_a_first_table_has_the_alignment_of_its_size() -> None:
    words = {0x4008: 0x0030_0C02, 0x5008: 0x0040_0C02}
    assert short(words, 0).translate(AT)[0] == 0x30_0123
    assert short(words, 2).translate(AT)[0] == 0x40_0123


def test_supersections_reach_above_four_gib() -> None:
    entry = 0x0B00_0000 | 3 << 20 | 1 << 18 | 5 << 5 | 3 << 10 | 2
    mmu = short({0x4000 + 4 * at: entry for at in range(16)})
    assert mmu.translate(0xAB_CDEF)[0] == 0x53_0BAB_CDEF
    assert mmu.translate(0x12_3456)[0] == 0x53_0B12_3456
    (only,) = mmu.mappings()
    assert (only.virtual, only.physical, only.size) == (0, 0x53_0B00_0000, 1 << 24)


def test_older_cpus_have_fine_tables_with_three_sizes_of_pages() -> None:
    words = {0x4000: 0x8001, 0x4004: 0x9003, 0x4008: 0x0030_0C02}
    words |= {0x8004: 0x5FF2}  # a coarse table, 4 KiB
    words |= {0x8040 + 4 * at: 0xC_0FF1 for at in range(16)}
    words |= {0x9008: 0x7BF3}  # a fine one, 1 KiB
    words |= {0x9010 + 4 * at: 0xAFF2 for at in range(4)}
    words |= {0x9100 + 4 * at: 0xB_0FF1 for at in range(64)}
    mmu = short(words, sctlr=0)
    assert mmu.translate(0x1ABC)[0] == 0x5ABC
    assert mmu.translate(0x1_2345)[0] == 0xC_2345
    assert mmu.translate(0x10_0801)[:2] == (0x7801, 0x3FF)
    assert mmu.translate(0x10_1404)[0] == 0xA404
    assert mmu.translate(0x11_2345)[0] == 0xB_2345
    assert mmu.translate(0x20_0001)[0] == 0x30_0001
    assert lost(mmu, 0, 0x2000, 0x10_0000, 0x30_0000)
    assert {one.rights for one in mmu.mappings()} == {"rwx/rwx"}


def secure(index: int) -> int:
    """Where a 32-bit CPU has the secure copy of a register: CRn, op1, CRm, op2 of CP15."""
    return 0x4020_0000_000F_0000 | index


def test_a_secure_cpu_has_copies_of_its_registers() -> None:
    words = {0x4008: 0x0030_0C02, 0x8008: 0x0040_0C02}
    values = {
        SCTLR: 1 | 1 << 23, TTBR0: 0x4000, TCR: 0,
        secure(1 << 11): 1 | 1 << 23, secure(2 << 11): 0x8000,
        0x6030_0000_0013_F102: 0, SCR_EL3: 1,
    }  # fmt: skip
    assert arm(words, 4, values, SVC, "arm").translate(AT)[0] == 0x30_0123
    assert arm(words, 4, values, MON, "arm").translate(AT)[0] == 0x40_0123
    parted = {**values, 0x6030_0000_0013_F102: 2, secure(2 << 11 | 1): 0xC000}
    words[0xD008] = 0x0050_0C02
    assert arm(words, 4, parted, MON, "arm").translate(GIB + AT)[0] == 0x50_0123
    assert lost(arm(words, 4, parted, SVC, "arm"), GIB + AT)
    values[SCR_EL3] = 0
    assert arm(words, 4, values, SVC, "arm").translate(AT)[0] == 0x40_0123


V6, AFE = 1 << 23, 1 << 29


@pytest.mark.parametrize(
    ("ap", "sctlr", "never", "rights"),
    [
        (0, V6, False, "--x/--x"), (1, V6, False, "rwx/--x"), (2, V6, False, "rwx/r-x"),
        (3, V6, False, "rwx/rwx"), (5, V6, False, "r-x/--x"), (6, V6, False, "r-x/r-x"),
        (7, V6, False, "r-x/r-x"), (0, V6, True, "---/---"), (3, V6, True, "rw-/rw-"), (1, V6, True, "rw-/---"),
        (1, V6 | AFE, False, "rwx/--x"), (3, V6 | AFE, False, "rwx/rwx"),
        (5, V6 | AFE, False, "r-x/--x"), (7, V6 | AFE, True, "r--/r--"),
        (1, 0, False, "rwx/--x"), (3, 0, False, "rwx/rwx"),
    ],
)  # fmt: skip
def test_rights_are_those_of_the_access_permissions(
    ap: int, sctlr: int, never: bool, rights: str
) -> None:
    """APX is bit 15 of a section and bit 9 of a page, XN bit 4 of a section, 0 of a small
    page and 15 of a large one."""
    section = 0x30_0002 | (ap & 3) << 10 | (ap >> 2) << 15 | never << 4
    page = 0x5002 | (ap & 3) << 4 | (ap >> 2) << 9 | never
    large = 0x10_0001 | (ap & 3) << 4 | (ap >> 2) << 9 | never << 15
    words = {0x4000: section, 0x4004: 0x8001, 0x8000: page}
    words |= {0x8040 + 4 * at: large for at in range(16)}
    mmu = short(words, sctlr=sctlr)
    assert [one.rights for one in mmu.mappings()] == [rights] * 3


# --- AArch64 ----------------------------------------------------------------------------------


def test_granules_of_16_and_64_kib_have_their_own_levels_and_blocks() -> None:
    words = {0x8008: 0xC003, 0xC008: 0x1_4403, 0x8010: 0x600_0401}
    words |= {0x1_0008: 0x2_0003, 0x2_0010: 0x7_0403, 0x1_0010: 0x8000_0401}
    tcr = 28 | 2 << 14 | 22 << 16 | 3 << 30  # 36 bits of 16 KiB, 42 bits of 64 KiB
    values = {SCTLR: 1, TTBR0: 0x8000, TTBR1: 0x1_0000, TCR: tcr}
    mmu = arm(words, 8, values, EL1)
    assert mmu.translate(0x200_4005)[:2] == (0x1_4005, 0x4000 - 5)
    assert mmu.translate(0x400_0123)[0] == 0x600_0123
    high = (1 << 64) - (1 << 42)
    assert mmu.translate(high + 0x2002_1234)[:2] == (0x7_1234, 0x10000 - 0x1234)
    assert mmu.translate(high + 0x4012_3456)[0] == 0x8012_3456
    assert lost(mmu, 0, high, high - 1, 1 << 36, 1 << 50 | 0x2002_1234)
    assert lost(mmu, 0xAB << 56 | 0x200_4005, high - (1 << 62) + 0x2002_1234)
    values[TCR] = tcr | 1 << 23
    assert lost(arm(words, 8, values, EL1), high + 0x2002_1234)
    values[TCR] = tcr | 1 << 7
    assert lost(arm(words, 8, values, EL1), 0x200_4005)


def test_physical_addresses_have_52_bits_where_the_cpu_says_so() -> None:
    words = {0x1_0008: 0x2_0003, 0x2_0010: 0x7_A403}
    tcr = 22 | 1 << 14 | 1 << 23 | 6 << 32  # IPS 6
    values = {SCTLR: 1, TTBR0: 0x1_0000, TCR: tcr}
    at = 0x2002_1234
    assert arm(words, 8, values, EL1).translate(at)[0] == 0xA_0000_0007_1234
    values[TCR] = tcr & ~(7 << 32)
    assert arm(words, 8, values, EL1).translate(at)[0] == 0x7_1234


def test_lpa2_has_five_levels_and_52_bits_of_4_kib() -> None:
    tables = (0x1000, 0x2000, 0x3000, 0x4000, 0x5000)
    words = {one + 8: two | 3 for one, two in pairwise(tables)}
    words |= {0x5008: 0x3_0000_0000_7003 | 2 << 8}
    tcr = 12 | 1 << 59 | 1 << 23
    values = {SCTLR: 1, TTBR0: 0x1000, TCR: tcr}
    mmu = arm(words, 8, values, EL1)
    at = 1 << 48 | 1 << 39 | 1 << 30 | 1 << 21 | 1 << 12 | 0x234
    assert mmu.translate(at)[0] == 0xB_0000_0000_7234
    values[TTBR0] = 0x1000 | 5 << 2  # bits 51 to 48 of the table
    with pytest.raises(Unmapped, match="a page table at physical 0x5000000001008"):
        arm(words, 8, values, EL1).translate(at)


def test_the_monitor_has_lpa2_by_another_bit() -> None:
    """Its TCR has DS where that of EL1 has a bit of IPS."""
    values = {SCTLR_EL3: 1, TTBR0_EL3: 0x1000, TCR_EL3: 16 | 1 << 32, SCR_EL3: 1 << 10}
    words = {0x1000: 0x2003, 0x2000: 0x3003, 0x3008: 0x60_0401 | 2 << 8}
    assert arm(words, 8, values, EL3).translate(AT)[0] == 0x8_0000_0060_0123
    values[TCR_EL3] = 16
    assert arm(words, 8, values, EL3).translate(AT)[0] == 0x60_0123


def test_the_monitor_has_one_half_and_its_own_tag_bit() -> None:
    words = {0x1000: 0x2003, 0x2008: 0x60_0401}
    tcr = 25 | 1 << 20
    values = {SCTLR_EL3: 1, TTBR0_EL3: 0x1000, TCR_EL3: tcr, SCR_EL3: 1 << 10}
    mmu = arm(words, 8, values, EL3)
    assert mmu.translate(AT)[0] == 0x60_0123
    assert mmu.translate(0xAB << 56 | AT)[0] == 0x60_0123
    values[TCR_EL3] = 25
    assert lost(arm(words, 8, values, EL3), 0xAB << 56 | AT)


def test_a_host_at_el2_has_two_halves_and_its_programs_share_them() -> None:
    words = {0x1000: 0x2003, 0x2008: 0x60_0401, 0x3FF8: 0x4003, 0x4FF8: 0x80_0401}
    host = 1 << 34
    tcr = 25 | 25 << 16 | 2 << 30
    values = {
        SCTLR_EL2: 1, TTBR0_EL2: 0x1000, TTBR1_EL2: 0x3000, TCR_EL2: tcr,
        HCR_EL2: host | 1 << 31, SCTLR: 0,
    }  # fmt: skip
    high = (1 << 64) - (2 << 20) + 0x123
    mmu = arm(words, 8, values, EL2)
    assert (mmu.translate(AT)[0], mmu.translate(high)[0]) == (0x60_0123, 0x80_0123)
    assert arm(words, 8, values, EL0).translate(AT)[0] == AT  # EL1's, which is off
    values[HCR_EL2] |= 1 << 27  # TGE
    assert arm(words, 8, values, EL0).translate(AT)[0] == 0x60_0123
    values[HCR_EL2] = 1 << 31
    alone = arm(words, 8, values, EL2)
    assert alone.translate(AT)[0] == 0x60_0123
    assert lost(alone, high)


def test_a_program_of_32_bits_below_a_kernel_of_64_uses_its_tables() -> None:
    words = {0x1000: 0x2003, 0x2008: 0x60_0401}
    values = {SCTLR: 1, TTBR0: 0x1000, TCR: 25 | 1 << 23, HCR_EL2: 1 << 31}
    assert arm(words, 8, values, USR).translate(AT)[0] == 0x60_0123
    del values[HCR_EL2]
    values[SCR_EL3] = 1 << 10
    assert arm(words, 8, values, USR).translate(AT)[0] == 0x60_0123


def test_a_program_of_32_bits_below_a_kernel_of_32_uses_short_descriptors() -> None:
    """Whatever the CPU could do: HCR_EL2.RW and SCR_EL3.RW say what the kernel is."""
    words = {0x4000 + 8: 0x0030_0C02}
    values = {SCTLR: 1 | 1 << 23, TTBR0: 0x4000, TCR: 0}
    for more in ({HCR_EL2: 0}, {SCR_EL3: 1}):
        mmu = arm(words, 4, values | more, USR)
        assert mmu.translate(AT)[0] == 0x30_0123
    assert arm(words, 4, values, USR, "arm").translate(AT)[0] == 0x30_0123


@pytest.mark.parametrize("half", [0, 1])
def test_each_half_has_its_own_bit_for_tags(half: int) -> None:
    """TBI0 and TBI1, bits 37 and 38 of TCR_EL1; bit 55 chooses the half."""
    words = {0x1000: 0x2003, 0x2008: 0x60_0401, 0x3FF8: 0x4003, 0x4FF8: 0x80_0401}
    tcr = 25 | 25 << 16 | 2 << 30 | 1 << 37 + half
    mmu = arm(words, 8, {SCTLR: 1, TTBR0: 0x1000, TTBR1: 0x3000, TCR: tcr}, EL1)
    low, high = 0xAB << 56 | AT, 0xAC << 56 | (1 << 56) - (2 << 20) | 0x123
    assert lost(mmu, low if half else high)
    assert mmu.translate(high if half else low)[0] == (0x80_0123 if half else 0x60_0123)


def test_a_cpu_without_an_mmu_has_physical_addresses() -> None:
    values = {SCTLR: 1, TTBR0: 0x1000, TCR: 25, MMFR0: 0}
    assert arm({}, 8, values, EL1).translate(1 << 40 | AT)[0] == 1 << 40 | AT
    assert arm({}, 8, values, SVC, "arm").translate(1 << 40 | AT)[0] == AT


@pytest.mark.parametrize(
    ("page", "table", "rights"),
    [
        (0, 0, "rwx/--x"), (1 << 6, 0, "rw-/rwx"), (1 << 7, 0, "r-x/--x"),
        (1 << 7 | 1 << 6, 0, "r-x/r-x"), (1 << 53, 0, "rw-/--x"), (1 << 54, 0, "rwx/---"),
        (1 << 6, 1 << 61, "rw-/--x"), (1 << 6, 1 << 62, "r--/r-x"),
        (0, 1 << 59, "rw-/--x"), (1 << 6, 1 << 60, "rw-/rw-"),
    ],
)  # fmt: skip
def test_rights_are_those_of_a_page_within_the_limits_of_its_tables(
    page: int, table: int, rights: str
) -> None:
    values = {SCTLR: 1, TTBR0: 0x1000, TCR: 25 | 1 << 23}
    words = {0x1000: 0x2003 | table, 0x2008: 0x60_0401 | page}
    (found,) = arm(words, 8, values, EL1).mappings()
    assert found.rights == rights


# --- the second stage -------------------------------------------------------------------------


def test_a_guest_of_a_hypervisor_goes_through_both_stages() -> None:
    words = {0x1000: 0x2003, 0x2000: 0x60_00C1, 0x2008: 0x80_00C1}  # IPA 0 and 2 MiB
    words |= {
        0x60_3000: 0x4003,
        0x60_4008: 0x20_0441,
    }  # the guest's own, from IPA 0x3000
    values = {
        SCTLR: 1, TTBR0: 0x3000, TCR: 25 | 1 << 23, HCR_EL2: 1 | 1 << 31,
        VTTBR: 0x1000, VTCR: 25 | 1 << 6, SCR_EL3: 1 << 10,
    }  # fmt: skip
    mmu = arm(words, 8, values, EL1)
    assert mmu.translate(AT)[0] == 0x80_0123
    values[SCTLR] = 0
    off = arm(words, 8, values, EL1)
    assert (off.translate(0x123)[0], off.translate(AT)[0]) == (0x60_0123, 0x80_0123)
    assert lost(off, 0x40_0000, 1 << 40)
    assert arm(words, 8, values, EL2).translate(AT)[0] == AT
    values[HCR_EL2] = 1 << 31
    assert arm(words, 8, values, EL1).translate(AT)[0] == AT


def test_a_second_stage_has_granules_and_a_level_to_begin_with() -> None:
    values = {
        SCTLR: 0, HCR_EL2: 1 | 1 << 31, VTTBR: 0x1_0000, SCR_EL3: 1 << 10,
        VTCR: 25 | 1 << 6 | 1 << 14,  # 39 bits of 64 KiB from level 2
    }  # fmt: skip
    words = {0x1_0008: 0x2_0003, 0x2_0010: 0x7_00C3}
    mmu = arm(words, 8, values, EL1)
    assert mmu.translate(0x2002_1234)[:2] == (0x7_1234, 0x10000 - 0x1234)
    values[VTCR] = 12 | 1 << 32 | 1 << 33  # 52 bits of 4 KiB from level -1
    values[VTTBR] = 0x1000
    words = {0x1000: 0x2003, 0x2000: 0x3003, 0x3000: 0x4003, 0x4008: 0x60_00C1 | 1 << 8}
    assert arm(words, 8, values, EL1).translate(AT)[0] == 0x4_0000_0060_0123
    values[VTCR] = 43 | 3 << 6  # 21 bits of 4 KiB from level 3
    words = {0x1008: 0x5_00C3}
    assert arm(words, 8, values, EL1).translate(0x1234)[0] == 0x5_0234


@pytest.mark.parametrize(("ds", "top"), [(0, 0), (1 << 32, 0xC)])
def test_lpa2_of_a_second_stage_has_two_bits_of_the_page_in_low_ones(
    ds: int, top: int
) -> None:
    """VTCR_EL2.DS, bit 32: bits 9 and 8 are 51 and 50, and else the shareability."""
    values = {
        SCTLR: 0, HCR_EL2: 1 | 1 << 31, VTTBR: 0x1000, SCR_EL3: 1 << 10,
        VTCR: 16 | 2 << 6 | ds,  # 48 bits of 4 KiB from level 0
    }  # fmt: skip
    words = {0x1000: 0x2003, 0x2000: 0x3003, 0x3008: 0x60_00C1 | 3 << 8}
    assert arm(words, 8, values, EL1).translate(AT)[0] == top << 48 | 0x60_0123


@pytest.mark.parametrize("size", range(7))
def test_pages_of_64_kib_of_a_second_stage_have_52_bits_by_its_size(size: int) -> None:
    """VTCR_EL2.PS, bits 18 to 16: at 6, bits 15 to 12 of an entry are 51 to 48."""
    values = {
        SCTLR: 0, HCR_EL2: 1 | 1 << 31, VTTBR: 0x1_0000, SCR_EL3: 1 << 10,
        VTCR: 25 | 1 << 6 | 1 << 14 | size << 16,
    }  # fmt: skip
    words = {0x1_0008: 0x2_0003, 0x2_0010: 0x7_A0C3}
    top = 0xA if size == 6 else 0
    found = arm(words, 8, values, EL1).translate(0x2002_1234)[0]
    assert found == top << 48 | 0x7_1234
    values |= {VTTBR: 0x1000, VTCR: 25 | 1 << 6 | size << 16}  # pages of 4 KiB
    words = {0x1000: 0x2003, 0x2008: 0x3003, 0x3000: 0x7_A0C3}
    assert arm(words, 8, values, EL1).translate(AT)[0] == 0x7_A123


def test_what_the_second_stage_forbids_no_one_may() -> None:
    for bits, rights in (
        (3 << 6, "rwx/rwx"), (1 << 6, "r-x/r-x"), (2 << 6, "-wx/-wx"),
        (3 << 6 | 1 << 54, "rw-/rw-"),
    ):  # fmt: skip
        values = {
            SCTLR: 0, HCR_EL2: 1 | 1 << 31, VTTBR: 0x1000, VTCR: 25 | 1 << 6,
            SCR_EL3: 1 << 10,
        }  # fmt: skip
        mmu = arm({0x1000: 0x2003, 0x2000: 0x60_0001 | bits}, 8, values, EL1)
        assert mmu.translate(0)[2] == sum(
            1 << at for at, one in enumerate(rights.replace("/", "")) if one != "-"
        )


@pytest.mark.parametrize("feature", [{}, {MMFR1_A64: 1 << 28}, {MMFR4: 1 << 8}])
@pytest.mark.parametrize("never", range(4))
def test_two_bits_of_the_second_stage_part_the_kernel_from_programs(
    never: int, feature: dict[int, int]
) -> None:
    """XN[1:0], bits 54 and 53 (FEAT_XNX); without the feature bit 54 alone counts."""
    values = {
        SCTLR: 0, HCR_EL2: 1 | 1 << 31, VTTBR: 0x1000, VTCR: 25 | 1 << 6, SCR_EL3: 1 << 10,
    }  # fmt: skip
    words = {0x1000: 0x2003, 0x2000: 0x60_00C1 | never << 53}
    (only,) = arm(words, 8, values | feature, EL1).mappings()
    parted = ("rwx/rwx", "rw-/rwx", "rw-/rw-", "rwx/rw-")
    assert only.rights == parted[never if feature else never & 2]
    assert (only.virtual, only.physical, only.size) == (0, 0x60_0000, 2 << 20)


def test_the_second_stage_of_32_bits_has_tables_side_by_side() -> None:
    """T0SZ is signed: 40 bits from the first level are 1024 entries."""
    words = {0x2000: 0x5003, 0x5008: 0x80_00C1}
    values = {HCR_EL2: 1, VTTBR: 0x2000, VTCR: 0x18 | 1 << 6}
    assert arm(words, 8, values, SVC, "arm").translate(AT)[0] == 0x80_0123
    values[VTCR] = 0x18  # from the second level 40 bits would be too many tables
    with pytest.raises(Unsupported, match="a second stage of 40 bits from level 2"):
        arm(words, 8, values, SVC, "arm")
