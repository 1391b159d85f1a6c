"""Page tables of RISC-V beyond the plain ones, made by hand as the Privileged Architecture has
them: MPRV, the hypervisor's two stages, and pages in a natural power of two."""

from __future__ import annotations

import pytest

from tests.test_guest_paging import Words, nothing, riscv
from vmgen.guest import Unmapped, Unsupported
from vmgen.guest.fields import SectionFields
from vmgen.guest.paging import of
from vmgen.guest.paging.mmu import Mmu

SV39, SV39X4 = 8 << 60, 8 << 60
READ, WRITE, RUN, USER = 2, 4, 8, 16
ALL = 1 | READ | WRITE | RUN
MPRV, SUPERVISOR, MPV = 1 << 17, 1 << 11, 1 << 39
AT = 0x20_0123


def entry(address: int, flags: int = 1) -> int:
    return address >> 2 | flags


def inside(words: dict[int, int], vsatp: int, hgatp: int, **env: int) -> Mmu:
    """A hart in a guest of its hypervisor, or as ``env`` has it."""
    values = {
        "env": {
            "misa_mxl": 2, "mstatus": 0, "virt_enabled": 1, "priv": 1,
            "satp": SV39 | 1, **env,
        },
        "hyper": {"env": {"vsatp": vsatp, "hgatp": hgatp}},
    }  # fmt: skip
    memory = Words(8, "little", words)
    return of("riscv64", SectionFields(values, "cpu"), memory, nothing)


TREE = {0x1000: entry(0x2000), 0x2008: entry(0x60_0000, ALL)}


def test_machine_mode_with_mprv_has_the_addresses_of_the_mode_before() -> None:
    machine = riscv(TREE, 8, 2, satp=SV39 | 1, priv=3, mstatus=MPRV | SUPERVISOR)
    assert machine.translate(AT)[0] == 0x60_0123
    for status in (SUPERVISOR, MPRV | 3 << 11):
        physical = riscv(TREE, 8, 2, satp=SV39 | 1, priv=3, mstatus=status)
        assert physical.translate(AT)[0] == AT
    asid = 0xFFFF << 44
    assert riscv(TREE, 8, 2, satp=SV39 | asid | 1).translate(AT)[0] == 0x60_0123
    small = riscv({}, 4, 1, priv=3)
    assert small.translate(1 << 32 | 0x10)[0] == 0x10  # addresses of 32 bits wrap
    bare = riscv(TREE, 8, 2, satp=1, priv=1)
    assert bare.translate(AT)[0] == AT


def test_mprv_reaches_into_the_guest_that_mpv_names() -> None:
    words = {**TREE, 0x1_0000: entry(0x5000), 0x5008: entry(0x80_0000, ALL | USER)}
    status = MPRV | SUPERVISOR
    outside = inside(words, 0, SV39X4 | 0x10, priv=3, virt_enabled=0, mstatus=status)
    assert outside.translate(AT)[0] == 0x60_0123
    guest = inside(
        words, 0, SV39X4 | 0x10, priv=3, virt_enabled=0, mstatus=status | MPV
    )
    assert guest.translate(AT)[0] == 0x80_0123
    machine = inside(
        words, 0, SV39X4 | 0x10, priv=3, virt_enabled=0, mstatus=MPRV | 3 << 11 | MPV
    )
    assert machine.translate(AT)[0] == AT


def test_a_guest_goes_through_both_stages_and_the_second_is_four_times_as_large() -> (
    None
):
    """Guest-physical addresses have two bits more: 2048 entries in the first table."""
    top = 3 << 39
    words = {
        0x1_0000: entry(0x5000), 0x5000: entry(0x40_0000, ALL | USER),
        0x1_0000 + 8 * (3 * 512): entry(0x6000),
        0x6008: entry(0x80_0000, 1 | READ | USER),
        # The guest's own tables, at its 0x1000.
        0x40_1000: entry(0x2000), 0x40_2008: entry(top | 0x20_0000, 1 | READ | WRITE),
    }  # fmt: skip
    mmu = inside(words, SV39 | 1, SV39X4 | 0x10)
    assert mmu.translate(AT) == (0x80_0123, 0x20_0000 - 0x123, 0b001)
    (only,) = mmu.mappings()
    assert (only.virtual, only.physical, only.rights) == (
        0x20_0000,
        0x80_0000,
        "r--/---",
    )
    bare = inside(words, 0, SV39X4 | 0x10)
    assert bare.translate(0x123) == (0x40_0123, 0x20_0000 - 0x123, 0b111111)
    with pytest.raises(Unmapped):
        bare.translate(1 << 41)
    assert inside(TREE, SV39 | 1, 0).translate(AT)[0] == 0x60_0123


def test_a_page_of_64_kib_is_one_in_sixteen_entries() -> None:
    page = entry(0x8_8000, ALL) | 1 << 63
    words = {0x1000: entry(0x2000), 0x2000: entry(0x3000)}
    words |= {0x3000 + 8 * at: page for at in range(16)}
    words |= {0x3000 + 8 * 16: entry(0x8_4000, ALL) | 1 << 63}
    mmu = riscv(words, 8, 2, satp=SV39 | 1)
    assert mmu.translate(0x1234)[0] == 0x8_1234
    assert mmu.translate(0xF_FFF)[0] == 0x8_FFFF
    with pytest.raises(Unmapped):
        mmu.translate(0x1_0000)  # of no size that there is


@pytest.mark.parametrize(
    "leaf",
    [
        entry(0x60_0000, ALL & ~1),  # not valid
        entry(0x60_0000, 1 | WRITE),  # written and not read is reserved
        entry(0x60_1000, ALL),  # 2 MiB that begin elsewhere
    ],
)
def test_an_entry_that_cannot_be_maps_nothing(leaf: int) -> None:
    mmu = riscv({**TREE, 0x2008: leaf}, 8, 2, satp=SV39 | 1)
    with pytest.raises(Unmapped):
        mmu.translate(AT)
    assert list(mmu.mappings()) == []


@pytest.mark.parametrize(
    ("flags", "rights"),
    [(READ, "r--/---"), (READ | WRITE, "rw-/---"), (RUN, "--x/---"),
     (READ | RUN | USER, "---/r-x"), (READ | WRITE | RUN | USER, "---/rwx")],
)  # fmt: skip
def test_rights_are_the_kernels_or_those_of_programs(flags: int, rights: str) -> None:
    words = {**TREE, 0x2008: entry(0x60_0000, 1 | flags)}
    (only,) = riscv(words, 8, 2, satp=SV39 | 1).mappings()
    assert only.rights == rights


def test_both_halves_have_their_own_half_of_the_first_table() -> None:
    words = {0x1000 + 8 * 511: entry(0x2000), 0x2FF8: entry(0x60_0000, ALL)}
    mmu = riscv(words, 8, 2, satp=SV39 | 1)
    assert mmu.translate((1 << 64) - 0x1000)[0] == 0x7F_F000
    for address in ((1 << 39) - 0x1000, 1 << 39, (1 << 64) - (1 << 39)):
        with pytest.raises(Unmapped):
            mmu.translate(address)
    (only,) = mmu.mappings()
    assert only.virtual == (1 << 64) - (2 << 20)


def test_a_mode_that_nobody_defined_is_said() -> None:
    with pytest.raises(Unsupported, match="the address translation mode 5"):
        riscv({}, 8, 2, satp=5 << 60)


def test_a_hart_that_was_made_narrower_has_the_tables_of_32_bits() -> None:
    """misa.MXL can be written: what it is counts, not what the hart could be."""
    words = {0x1000: 0x2000 >> 2 | 1, 0x2004: 0x9000 >> 2 | ALL}
    mmu = riscv(words, 4, 1, misa_mxl_max=2, satp=1 << 31 | 1)
    assert mmu.translate(0x1234)[0] == 0x9234
    wide = riscv(TREE, 8, 2, misa_mxl_max=1, satp=SV39 | 1)
    assert wide.translate(AT)[0] == 0x60_0123
