"""CPUs without page tables, and which of a CPU's tables an address goes through."""

from __future__ import annotations

from typing import Any

import pytest

from tests.test_guest_paging import PAGED, Words, nothing, riscv
from vmgen.guest import Unmapped
from vmgen.guest.fields import SectionFields
from vmgen.guest.paging import of
from vmgen.guest.paging.mmu import Mmu
from vmgen.guest.paging.tree import ALL


def made(target: str, values: dict[str, Any], memory: Words | None = None) -> Mmu:
    words = memory or Words(8, "little", {})
    return of(target, SectionFields(values, "cpu"), words, nothing)


def x86(target: str, cr0: int = 1, a20: int = -1) -> Mmu:
    env = {"cr": [cr0, 0, 0, 0, 0], "hflags": 0, "efer": 0, "a20_mask": a20}
    return made(target, {"env": env})


def s390x(
    mask: int, cregs: list[int], words: dict[int, int] | None = None, prefix: int = 0
) -> Mmu:
    env = {"psw": {"mask": mask, "addr": 0}, "psa": prefix, "cregs": cregs}
    return made("s390x", {"env": env}, Words(8, "big", words or {}))


WHOLE: dict[str, tuple[Mmu, int]] = {
    "x86_64": (x86("x86_64"), 64),
    "i386": (x86("i386"), 32),
    "riscv64 machine": (riscv({}, 8, 2, priv=3, satp=8 << 60 | 1), 64),
    "riscv64 bare": (riscv({}, 8, 2, satp=0), 64),
    "riscv32 machine": (riscv({}, 4, 1, priv=3, satp=1 << 31 | 1), 32),
    "riscv32 bare": (riscv({}, 4, 1, satp=0), 32),
}


@pytest.mark.parametrize("name", WHOLE)
def test_without_tables_every_address_is_physical(name: str) -> None:
    mmu, bits = WHOLE[name]
    end = 1 << bits
    for address in (0, 1, 0x1234, end // 2, end - 1):
        assert mmu.translate(address) == (address, end - address, ALL)
    assert mmu.translate(end + 5)[0] == 5
    (one,) = mmu.mappings()
    assert (one.virtual, one.physical, one.size) == (0, 0, end)


GATE = 1 << 20
"""Line 20 of the address bus, whose gate an old PC closes."""


@pytest.mark.parametrize("target", ["x86_64", "i386"])
def test_a_line_of_the_pc_clears_a_bit_of_addresses(target: str) -> None:
    mmu = x86(target, a20=~GATE & 0xFFFF_FFFF)
    assert mmu.translate(0x123456) == (0x23456, 0xDCBAA, ALL)
    assert mmu.translate(0x223456)[0] == 0x223456
    if target == "x86_64":
        assert mmu.translate(0x9_0010_0000)[0] == 0x9_0000_0000


@pytest.mark.parametrize("target", ["x86_64", "i386"])
@pytest.mark.parametrize(
    "address", [0, 0x1234, 0xF_FFFF, 0x10_0000, 0x12_3456, 0x1F_FFFF, 0x20_0000, 0x2F_FFF0]
)  # fmt: skip
def test_with_the_gate_closed_what_follows_ends_where_addresses_jump(
    target: str, address: int
) -> None:
    """Every byte of a piece is where the piece says, and the first behind it is not."""
    mmu = x86(target, a20=~GATE)
    physical, length, _ = mmu.translate(address)
    for step in (0, 1, length // 2, length - 1):
        inside = min(step, length - 1)
        assert physical + inside == address + inside & ~GATE
    assert physical + length != address + length & ~GATE


def test_with_the_gate_closed_every_other_mebibyte_is_seen_twice() -> None:
    found = list(x86("i386", a20=~GATE).mappings())
    assert sum(one.size for one in found) == 1 << 32
    assert all(one.physical == one.virtual & ~GATE for one in found)
    assert [(one.virtual, one.physical, one.size) for one in found[:3]] == [
        (0, 0, GATE), (GATE, 0, GATE), (2 * GATE, 2 * GATE, GATE),
    ]  # fmt: skip


def test_the_gate_is_open_in_system_management_mode() -> None:
    env = {"cr": [1, 0, 0, 0, 0], "hflags": 1 << 19, "efer": 0, "a20_mask": ~GATE}
    assert made("i386", {"env": env}).translate(0x12_3456)[0] == 0x12_3456


@pytest.mark.parametrize("kind", ["two levels", "PAE", "four levels"])
def test_the_gate_clears_the_bit_of_every_table_and_of_the_page(kind: str) -> None:
    """The tables are below 1 MiB, and each is named by an address with the bit."""
    steps = {"two levels": 2, "PAE": 3, "four levels": 4}[kind]
    width = 4 if kind == "two levels" else 8
    words = {
        0x1000 * step: GATE | 0x1000 * (step + 1) | (1 if kind == "PAE" and step == 1 else 3)
        for step in range(1, steps + 1)
    }  # fmt: skip
    control = {"two levels": 0, "PAE": 0x20, "four levels": 0x20}[kind]
    env = {
        "cr": [PAGED, 0, 0, GATE | 0x1000, control], "efer": 0,
        "hflags": 1 << 14 if kind == "four levels" else 0, "a20_mask": ~GATE,
    }  # fmt: skip
    mmu = made("x86_64", {"env": env}, Words(width, "little", words))
    page = 0x1000 * (steps + 1)
    assert mmu.translate(0xABC)[:2] == (page + 0xABC, 0x1000 - 0xABC)
    (only,) = mmu.mappings()
    assert (only.virtual, only.physical, only.size) == (0, page, 0x1000)


@pytest.mark.parametrize(("bits", "flags"), [(24, 0), (31, 1 << 31), (64, 3 << 31)])
@pytest.mark.parametrize("prefix", [0, 0x2000, 0x8000])
def test_addresses_of_s390x_have_24_31_or_64_bits(
    bits: int, flags: int, prefix: int
) -> None:
    """Without tables everything is where it is, but for the two pages that change places."""
    mmu = s390x(flags, [0] * 16, prefix=prefix)
    top = 1 << bits
    for address in (0x4345, top - 1):
        assert mmu.translate(address)[0] == address
        assert mmu.translate(top + address)[0] == address
    assert mmu.translate(0x1FF0)[:2] == (
        prefix + 0x1FF0, 0x10 if prefix else top - 0x1FF0,
    )  # fmt: skip
    if prefix:
        assert mmu.translate(prefix + 5)[:2] == (5, 0x1FFB)
    if prefix > 0x2000:
        assert mmu.translate(0x2000)[:2] == (0x2000, prefix - 0x2000)
    found = [(one.virtual, one.physical, one.size) for one in mmu.mappings()]
    expected = {
        0: [(0, 0, top)],
        0x2000: [(0, 0x2000, 0x2000), (0x2000, 0, 0x2000), (0x4000, 0x4000, top - 0x4000)],
        0x8000: [
            (0, 0x8000, 0x2000), (0x2000, 0x2000, 0x6000), (0x8000, 0, 0x2000),
            (0xA000, 0xA000, top - 0xA000),
        ],
    }  # fmt: skip
    assert found == expected[prefix]


TABLES = {
    0x10000: 0x20000, 0x20000: 0x5000,
    0x30000: 0x40000, 0x40000: 0x6000,
    0x50000: 0x60000, 0x60000: 0x7000,
}  # fmt: skip
"""Three segment tables, of the primary, the secondary and the home address space."""


@pytest.mark.parametrize(("control", "page"), [(0, 0x5000), (2, 0x6000), (3, 0x7000)])
def test_the_psw_says_which_tables_of_s390x_count(control: int, page: int) -> None:
    cregs = [0] * 16
    cregs[1], cregs[7], cregs[13] = 0x10000, 0x30000, 0x50000
    mmu = s390x(1 << 58 | 3 << 31 | control << 46, cregs, TABLES)
    assert mmu.translate(0xABC)[0] == page + 0xABC
    real = [0, 0x20, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0x20, 0, 0]
    physical = s390x(1 << 58 | 3 << 31 | control << 46, real)
    assert physical.translate(0x1234567)[0] == 0x1234567


def test_a_region_of_s390x_has_as_many_tables_as_it_says() -> None:
    """A region third table, whose one entry has the second and third part of a segment
    table."""
    words = {0x10000: 0x20000 | 1 << 6 | 2 | 1 << 2}
    for part in range(4):
        words[0x20000 + 8 * (512 * part + 1)] = 0x30000 + 0x1000 * part
        words[0x30000 + 0x1000 * part] = 0x900000 + 0x10000 * part
    words |= {0x10000 + 8 * index: 0x20 for index in range(1, 512)}
    cregs = [0, 0x10000 | 1 << 2, *[0] * 14]
    mmu = s390x(1 << 58 | 3 << 31, cregs, words)
    for part in range(4):
        address = (512 * part + 1) << 20
        if part in (1, 2):
            assert mmu.translate(address + 5)[0] == 0x900005 + 0x10000 * part
        else:
            with pytest.raises(Unmapped):
                mmu.translate(address + 5)


@pytest.mark.parametrize(
    ("status", "paged"),
    [(0, False), (1 << 17 | 1 << 11, True), (1 << 17, True), (1 << 17 | 3 << 11, False),
     (1 << 11, False)],
)  # fmt: skip
@pytest.mark.parametrize("width", [4, 8])
def test_machine_mode_of_riscv_with_mprv_goes_through_tables(
    status: int, paged: bool, width: int
) -> None:
    if width == 8:
        words, satp = {0x1000: 0x4000_0000 >> 2 | 0xC7}, 8 << 60 | 1
    else:
        words, satp = {0x1000: 0x4000_0000 >> 2 | 0xC7}, 1 << 31 | 1
    mmu = riscv(words, width, width // 4, priv=3, satp=satp, mstatus=status)
    assert mmu.translate(0x123)[0] == (0x4000_0123 if paged else 0x123)


def test_sv32_has_one_range_and_sv39_two_halves() -> None:
    words = {0x1000 + 4 * 0x3FF: 0x4000_0000 >> 2 | 0xC7}
    mmu = riscv(words, 4, 1, satp=1 << 31 | 1)
    assert mmu.translate(0xFFC0_0123)[0] == 0x4000_0123
    words = {0x1000 + 8 * 0x1FF: 0x4000_0000 >> 2 | 0xC7}
    wide = riscv(words, 8, 2, satp=8 << 60 | 1)
    assert wide.translate(0xFFFF_FFFF_C000_0123)[0] == 0x4000_0123
    for address in (0x7F_C000_0123, 0x0040_0000_0000_0000):
        with pytest.raises(Unmapped):
            wide.translate(address)


def test_the_halves_of_sv39_end_where_their_addresses_do() -> None:
    """The last page of the lower half, the first of the upper one, and nothing between."""
    leaf = 0x4000_0000 >> 2 | 0xC7
    wide = riscv(
        {0x1000 + 8 * 0xFF: leaf, 0x1000 + 8 * 0x100: leaf}, 8, 2, satp=8 << 60 | 1
    )
    low, high = 1 << 38, (1 << 64) - (1 << 38)
    assert wide.translate(low - 1)[:2] == (0x7FFF_FFFF, 1)
    assert wide.translate(high)[:2] == (0x4000_0000, 1 << 30)
    for address in (low, low + 1, high - 1, low << 1):
        with pytest.raises(Unmapped):
            wide.translate(address)


def test_legacy_tables_of_x86_have_large_pages_with_pse_alone() -> None:
    env = {"cr": [PAGED, 0, 0, 0x1000, 0x10], "hflags": 0, "efer": 0, "a20_mask": -1}
    words = Words(4, "little", {0x1000: 0x0080_0083, 0x800000: 0x9003})
    assert made("i386", {"env": env}, words).translate(0x3210)[0] == 0x80_3210
    env = env | {"cr": [PAGED, 0, 0, 0x1000, 0]}
    assert made("i386", {"env": env}, words).translate(0x210)[0] == 0x9210
