"""Page tables of every format, made by hand, against the addresses they mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vmgen.guest import Unmapped
from vmgen.guest.fields import SectionFields
from vmgen.guest.paging import of
from vmgen.guest.paging.mmu import Mmu


class Words:
    """Physical memory that is zero but for some numbers, below 4 GiB."""

    def __init__(self, width: int, order: str, words: dict[int, int]) -> None:
        self.bytes = {
            at + place: byte
            for at, value in words.items()
            for place, byte in enumerate(value.to_bytes(width, order))  # type: ignore[arg-type]
        }
        self.reads = 0

    def read(self, address: int, size: int) -> bytes:
        self.reads += 1
        if address + size > 1 << 32:
            raise Unmapped(f"no memory at physical {address:#x}", None, "memory")
        return bytes(self.bytes.get(address + place, 0) for place in range(size))


def nothing(name: str) -> SectionFields | None:
    return None


def x86(
    words: dict[int, int], cr0: int, cr3: int, cr4: int, hflags: int = 0, efer: int = 0
) -> Mmu:
    env = {
        "cr": [cr0, 0, 0, cr3, cr4], "hflags": hflags, "efer": efer, "a20_mask": -1,
    }  # fmt: skip
    width = 4 if not cr4 & 0x20 else 8
    return of(
        "x86_64",
        SectionFields({"env": env}, "cpu"),
        Words(width, "little", words),
        nothing,
    )


PAGED = 0x80000001


def test_x86_without_paging_is_physical() -> None:
    assert x86({}, 1, 0, 0).translate(0x1234)[0] == 0x1234


def test_x86_two_levels_and_a_large_page_above_4g() -> None:
    mmu = x86({0x1000: 0x2007, 0x2004: 0x5003, 0x1004: 0x00402083}, PAGED, 0x1000, 0x10)
    assert mmu.translate(0x1234) == (0x5234, 0xDCC, 0b111)  # the kernel alone
    assert mmu.translate(0x400010)[0] == 0x1_0040_0010


def allowed(*entries: int, nx: bool = False) -> str | None:
    """What a chain of entries lets the kernel and programs do; None if it leads nowhere."""
    if not all(one & 1 for one in entries):
        return None
    write, user = (all(one & bit for one in entries) for bit in (2, 4))
    execute = not nx or not any(one >> 63 for one in entries)
    kernel = f"r{'w' if write else '-'}{'x' if execute else '-'}"
    return f"{kernel}/{kernel if user else '---'}"


@pytest.mark.parametrize("table", range(8))
@pytest.mark.parametrize("page", range(8))
@pytest.mark.parametrize("kind", ["short", "short large", "PAE", "long", "long large"])
def test_every_entry_of_x86_must_be_present_and_allow_it(
    kind: str, table: int, page: int
) -> None:
    """Present, writable and user: bits 0 to 2 of each entry; bit 63 forbids to execute if
    EFER says that it does."""
    if kind.startswith("short"):
        words = {0x1000: 0x2000 | table, 0x2000: 0x40_0000 | page}
        entries: tuple[int, ...] = (table, page)
        if kind == "short large":
            words, entries = {0x1000: 0x40_0000 | 0x80 | page}, (page,)
        mmus = {allowed(*entries): x86(words, PAGED, 0x1000, 0x10)}
    else:
        never = 1 << 63
        table |= never if page == 7 else 0
        page |= never if table == 7 else 0
        words = {0x2000: 0x3000 | table, 0x3000: 0x40_0000 | page}
        entries = (table, page)
        if kind == "long large":
            words, entries = {0x2000: 0x40_0000 | 0x80 | page}, (page,)
        words |= {0x1000: 0x2001} if kind == "PAE" else {0x1000: 0x4007, 0x4000: 0x2007}
        hflags = 0 if kind == "PAE" else 0x4000
        mmus = {
            allowed(*entries, nx=nx): x86(
                words, PAGED, 0x1000, 0x20, hflags, 0x800 if nx else 0x500
            )
            for nx in (False, True)
        }
    for rights, mmu in mmus.items():
        found = [(one.physical, one.rights) for one in mmu.mappings()]
        assert found == ([] if rights is None else [(0x40_0000, rights)])
        if rights is None:
            with pytest.raises(Unmapped):
                mmu.translate(0)
        else:
            assert mmu.translate(0x123)[0] == 0x40_0123


def test_x86_pae_has_four_gigabytes_and_pages_of_two_mib() -> None:
    mmu = x86({0x20: 0x3001, 0x3008: 0xE00083}, PAGED, 0x20, 0x20)
    assert mmu.translate(0x234567)[0] == 0xE34567
    with pytest.raises(Unmapped):
        mmu.translate(0x4000_0000)


@pytest.mark.parametrize(
    ("cr4", "top"), [(0x20, 0xFFFF_8000_0000_0000), (0x1020, 0xFF00_0000_0000_0000)]
)
def test_x86_long_mode_maps_the_high_half_and_refuses_what_is_not_canonical(
    cr4: int, top: int
) -> None:
    words = {0x1000 + 8 * 256: 0x2003, 0x2000: 0x3003, 0x3000: 0x4003, 0x4000: 0x5003}
    words |= {0x5000: 0x8000_0000_0000_7003}
    mmu = x86(words, PAGED, 0x1000, cr4, 0x4000, 0x900)
    if cr4 == 0x20:
        words[0x4000] = 0x8000_0000_0000_7003
        mmu = x86(words, PAGED, 0x1000, cr4, 0x4000, 0x900)
    assert mmu.translate(top + 0xABC)[0] == 0x7ABC
    (only,) = mmu.mappings()
    assert (only.virtual, only.physical, only.size, only.rights) == (
        top,
        0x7000,
        0x1000,
        "rw-/---",
    )
    with pytest.raises(Unmapped, match="no virtual address"):
        mmu.translate(1 << 60)


def arm(
    words: dict[int, int],
    width: int,
    registers: dict[int, int],
    cpsr: int,
    target: str = "aarch64",
    order: str = "little",
) -> Mmu:
    ids = {0x6030_0000_0013_C00C: 5, **registers}
    if target == "aarch64":
        ids[0x6030_0000_0013_C030] = 1
    values = {
        "cpreg_vmstate_indexes": list(ids), "cpreg_vmstate_values": list(ids.values()),
        "cpsr": cpsr, "m": None,
    }  # fmt: skip
    return of(target, SectionFields(values, "cpu"), Words(width, order, words), nothing)


SCTLR, TTBR0, TTBR1, TCR = (
    0x6030_0000_0013_0000 + one for one in (0xC080, 0xC100, 0xC101, 0xC102)
)


def test_aarch64_has_two_halves_and_may_ignore_the_top_byte() -> None:
    tcr = 25 | 25 << 16 | 2 << 30 | 1 << 37
    words = {
        0x1000: 0x2003,
        0x2000: 0x600401 | 1 << 6,
        0x3FF8: 0x4003,
        0x4FF8: 0x5003,
        0x5FF8: 0x9483,
    }
    mmu = arm(words, 8, {SCTLR: 1, TTBR0: 0x1000, TTBR1: 0x3000, TCR: tcr}, 5)
    assert mmu.translate(0x1234)[0] == 0x601234
    assert mmu.translate(0xAB00_0000_0000_1234)[0] == 0x601234
    assert mmu.translate(0xFFFF_FFFF_FFFF_F123)[0] == 0x9123
    assert [one.rights for one in mmu.mappings()] == ["rw-/rwx", "r-x/--x"]


def test_arm_short_descriptors_have_sections_and_small_and_large_pages() -> None:
    words = {0x4000: 0x8001, 0x8004: 0x5032, 0x8040: 0x00710031, 0x4004: 0x00300C02}
    words |= {0x8040 + 4 * each: 0x00710031 for each in range(16)}
    mmu = arm(words, 4, {SCTLR: 1 | 1 << 23, TTBR0: 0x4000, TCR: 0}, 0x1D3, "arm")
    assert mmu.translate(0x1ABC)[0] == 0x5ABC
    assert mmu.translate(0x1ABCD)[0] == 0x71ABCD
    assert mmu.translate(0x123456)[0] == 0x323456


def riscv(words: dict[int, int], width: int, mxl: int, **env: int) -> Mmu:
    values = {
        "env": {"misa_mxl": mxl, "mstatus": 0, "virt_enabled": 0, "priv": 1, **env}
    }
    target = "riscv64" if mxl == 2 else "riscv32"
    return of(
        target, SectionFields(values, "cpu"), Words(width, "little", words), nothing
    )


@pytest.mark.parametrize(("mode", "levels"), [(8, 3), (9, 4), (10, 5)])
def test_riscv_has_three_to_five_levels_and_large_pages(mode: int, levels: int) -> None:
    words = {
        0x1000 * level: 0x1000 * (level + 1) >> 2 | 1 for level in range(1, levels)
    }
    words |= {
        0x1000 * levels + 8: 0x9000 >> 2 | 0xCB,
        0x1000 * (levels - 1) + 8: 0x200000 >> 2 | 0xC7,
    }
    mmu = riscv(words, 8, 2, satp=mode << 60 | 1)
    assert mmu.translate(0x1ABC)[0] == 0x9ABC
    assert mmu.translate(0x201234)[0] == 0x201234
    assert [one.rights for one in mmu.mappings()] == ["r-x/---", "rw-/---"]


def test_riscv_machine_mode_is_physical_but_for_mprv() -> None:
    words = {0x1000: 0x200000 >> 2 | 0xC7, 0x1008: 0}
    assert riscv(words, 8, 2, satp=8 << 60 | 1, priv=3).translate(0x10)[0] == 0x10


def test_sv32_reaches_above_4g() -> None:
    mmu = riscv(
        {0x1000: 0x2000 >> 2 | 1, 0x2000: 0x300000 << 10 | 0xC3}, 4, 1, satp=1 << 31 | 1
    )
    assert mmu.translate(0x10)[0] == 0x3_0000_0010


def ppc64(words: dict[int, int], **env: Any) -> Mmu:
    values = {"env": {"msr": 0x30, "spr": [0] * 48 + [1] + [0] * 500, **env}}
    spapr = SectionFields(
        {"spapr_patb_entry": {"patb_entry": 1 << 63 | 0x1000}}, "spapr"
    )
    memory = Words(8, "big", words)
    return of("ppc64", SectionFields(values, "cpu"), memory, lambda name: spapr)


def test_ppc64_radix_has_a_tree_of_each_process_and_one_of_the_kernel() -> None:
    size = 21 >> 3 << 61 | (21 & 7) << 5  # 52 bits
    words = {0x1010: size | 0x10000 | 13, 0x1000: size | 0x30000 | 13}
    words |= {0x10000: 1 << 63 | 0x4000 | 9, 0x4000: 1 << 63 | 0x5000 | 9}
    words |= {0x5008: 3 << 62 | 0x600000 | 0x4, 0x5000: 1 << 63 | 0x7000 | 9}
    words |= {0x7008: 3 << 62 | 0x9000 | 0xE, 0x30000: 1 << 63 | 0x5000 | 9}
    mmu = ppc64(words)
    assert mmu.translate(0x201234) == (0x601234, 0x1FEDCC, 0b001001)
    assert mmu.translate(0x1ABC) == (0x9ABC, 0x544, 0b011)
    assert mmu.translate(0xC000_0000_0020_0010)[0] == 0x10
    with pytest.raises(Unmapped):
        mmu.translate(0x4000_0000_0000_0000)


@pytest.mark.parametrize("low", range(16))
def test_rights_of_ppc64_are_the_lowest_bits_of_an_entry(low: int) -> None:
    """Privileged, read, read and write, execute (Power ISA, "Radix Tree Page Table Entry")."""
    size = 21 >> 3 << 61 | (21 & 7) << 5
    words = {0x1010: size | 0x10000 | 13, 0x10000: 1 << 63 | 0x4000 | 9}
    words |= {0x4000: 1 << 63 | 0x5000 | 9, 0x5008: 3 << 62 | 0x600000 | low}
    kernel = "".join(
        letter if low & bits else "-" for letter, bits in (("r", 6), ("w", 2), ("x", 1))
    )
    (only,) = ppc64(words).mappings()
    assert only.rights == f"{kernel}/{'---' if low & 8 else kernel}"


@pytest.mark.parametrize("more", [0, 1, 3])
def test_a_process_of_ppc64_is_in_the_table_of_processes(more: int) -> None:
    """The table has 2 to the 12 + PRTS bytes, and an entry 16."""
    size = 21 >> 3 << 61 | (21 & 7) << 5
    words = {0x10_0000: 1 << 63 | 0x20_0000 | 9, 0x20_0000: 1 << 63 | 0x30_0000 | 9}
    words |= {0x30_0000: 3 << 62 | 0x60_0000 | 4}
    last = (1 << 12 + more) // 16 - 1
    entry = {"patb_entry": 1 << 63 | 0x1_0000 | more}
    spapr = SectionFields({"spapr_patb_entry": entry}, "spapr")
    for process, there in ((1, True), (last, True), (last + 1, False)):
        env = {"msr": 0x30, "spr": [0] * 48 + [process] + [0] * 500}
        own = {0x1_0000 + 16 * process: size | 0x10_0000 | 13}
        memory = Words(8, "big", words | own)
        mmu = of(
            "ppc64", SectionFields({"env": env}, "cpu"), memory, lambda name: spapr
        )
        if there:
            assert mmu.translate(0x1234)[0] == 0x60_1234
        else:
            with pytest.raises(Unmapped):
                mmu.translate(0x1234)


def test_ppc64_without_translation_leaves_out_the_upper_bits() -> None:
    mmu = ppc64({}, msr=0)
    assert mmu.translate(0xC000_0000_0020_0010)[0] == 0x20_0010
    assert [(one.virtual, one.size) for one in mmu.mappings()] == [(0, 1 << 60)]


@pytest.mark.parametrize(
    ("msr", "virtual"),
    [
        (1 << 3, False),
        (1 << 4, True),
        (1 << 5, True),
        (1 << 6, False),
        (1 << 60, False),
    ],
)
def test_ppc64_translates_data_or_instructions_by_a_bit_of_msr(
    msr: int, virtual: bool
) -> None:
    """DR is bit 4 and IR bit 5 (Power ISA, "Machine State Register")."""
    size = 21 >> 3 << 61 | (21 & 7) << 5
    words = {0x1010: size | 0x1_0000 | 13, 0x1_0000: 1 << 63 | 0x4000 | 9}
    words |= {0x4000: 1 << 63 | 0x5000 | 9, 0x5008: 3 << 62 | 0x60_0000 | 4}
    found = ppc64(words, msr=msr).translate(0x20_0123)[0]
    assert found == (0x60_0123 if virtual else 0x20_0123)


def test_a_hypervisor_of_ppc64_has_its_own_table_of_processes() -> None:
    """MSR.HV (bit 60) means partition 0 whatever LPIDR says; without it the addresses of
    partition LPIDR go through the tree of the host too."""
    size = 21 >> 3 << 61 | (21 & 7) << 5
    leaf, below = 3 << 62 | 6, 1 << 63 | 9
    words = {
        # The table of partitions: the host's processes, and the guest's tree and processes.
        0x4_0000: 1 << 63, 0x4_0008: 0x5_0000,
        0x4_0020: 1 << 63 | size | 0x8_0000 | 13, 0x4_0028: 0x1_0000,
        0x8_0000: below | 0x9_0000, 0x9_0000: below | 0xA_0000,
        0xA_0000: leaf | 0x100_0000, 0xA_0008: leaf | 0x200_0000,
        # Process 1 of the host.
        0x5_0010: size | 0xB_0000 | 13, 0xB_0000: below | 0xC_0000,
        0xC_0000: below | 0xD_0000, 0xD_0008: leaf | 0x60_0000,
        # Process 1 of the guest, whose memory begins at 16 MiB.
        0x101_0010: size | 0x2_0000 | 13, 0x102_0000: below | 0x3_0000,
        0x103_0000: below | 0x4_0000, 0x104_0008: leaf | 0x20_0000,
    }  # fmt: skip
    spr = [0] * 500
    spr[48], spr[318], spr[319], spr[464] = 1, 1 << 20, 2, 0x4_0000
    for msr, physical in ((1 << 60 | 0x30, 0x60_0123), (0x30, 0x200_0123)):
        cpu = SectionFields({"env": {"msr": msr, "spr": spr}}, "cpu")
        mmu = of("ppc64", cpu, Words(8, "big", words), nothing)
        assert mmu.translate(0x20_0123)[0] == physical


@pytest.mark.parametrize(
    ("bits", "sizes", "there"),
    [(52, (13, 9, 9, 9), True), (52, (13, 9, 9, 5), True), (51, (13, 9, 9, 9), False),
     (53, (13, 9, 9, 9), False), (60, (13, 9, 9, 9), False), (52, (12, 9, 9, 9), False),
     (52, (14, 9, 9, 9), False), (52, (0, 9, 9, 9), False), (52, (13, 5, 9, 9), False),
     (52, (13, 8, 9, 9), False), (52, (13, 9, 5, 9), False), (52, (13, 9, 9, 4), False),
     (52, (13, 9, 9, 10), False), (52, (13, 9, 9, 0), False)],
)  # fmt: skip
def test_a_tree_of_ppc64_has_the_sizes_that_power9_has(
    bits: int, sizes: tuple[int, int, int, int], there: bool
) -> None:
    """POWER9 Processor User's Manual, 4.10.4.1 (``ppc_radix64_is_valid_level``)."""
    size = bits - 31
    first, *below = sizes
    words = {0x1010: size >> 3 << 61 | (size & 7) << 5 | 0x1_0000 | first}
    at = 0x1_0000
    for each in below:
        words[at] = 1 << 63 | at + 0x1_0000 | each
        at += 0x1_0000
    words[at] = 3 << 62 | 0x9_0000 | 6
    mmu = ppc64(words)
    if there:
        assert mmu.translate(0x123)[0] == 0x9_0123
    else:
        with pytest.raises(Unmapped):
            mmu.translate(0x123)


def test_a_tree_of_ppc64_ends_at_its_fourth_level() -> None:
    size = 21 >> 3 << 61 | (21 & 7) << 5
    words = {0x1010: size | 0x1_0000 | 13}
    words |= {at << 16: 1 << 63 | at + 1 << 16 | 9 for at in range(1, 5)}
    words[5 << 16] = 3 << 62 | 0x9_0000 | 6
    with pytest.raises(Unmapped):
        ppc64(words).translate(0x123)


def s390x(words: dict[int, int], asce: int, prefix: int = 0) -> Mmu:
    env: dict[str, Any] = {
        "psw": {"mask": 1 << 58 | 3 << 31, "addr": 0}, "psa": prefix,
        "cregs": [1 << 23, asce, *[0] * 14],
    }  # fmt: skip
    return of(
        "s390x", SectionFields({"env": env}, "cpu"), Words(8, "big", words), nothing
    )


def test_s390x_tables_have_lengths_and_the_prefix_changes_places() -> None:
    words = {0x10000: 0x20000, 0x20008: 0x1200, 0x20010: 0x400}
    words |= {0x10000 + 8 * index: 0x20 for index in range(1, 512)}
    mmu = s390x(words, 0x10000, 0x4000)
    assert mmu.translate(0x1ABC) == (0x5ABC, 0x544, 0b101101)
    for address in (0x2000, 0x100000, 0x2000_0000):  # invalid page, segment, no table
        with pytest.raises(Unmapped):
            mmu.translate(address)


def test_mips_maps_what_the_tlb_has_of_this_address_space() -> None:
    entry = {
        "VPN": 0x400000,
        "PageMask": 0,
        "ASID": 3,
        "word4": 0b1110,
        "PFN": [0x7000, 0x9000],
    }
    tlb = {
        "nb_tlb": 2,
        "mmu": {"r4k": {"tlb": [entry, {**entry, "VPN": 0x500000, "ASID": 4}]}},
    }
    env = {
        "CP0_Status": 0, "CP0_EntryHi": 3, "tlb": tlb,
        "CP0_SegCtl0": 0x00200010, "CP0_SegCtl1": 0x00030002, "CP0_SegCtl2": 0x00380438,
    }  # fmt: skip
    mmu = of("mips", SectionFields({"env": env}, "cpu"), Words(4, "big", {}), nothing)
    assert mmu.translate(0x400010)[0] == 0x7010
    assert mmu.translate(0x401010)[0] == 0x9010
    assert mmu.translate(0x8000_1000)[0] == 0x1000
    with pytest.raises(Unmapped):
        mmu.translate(0x500010)


RESET = (0x0020_0010, 0x0003_0002, 0x0038_0438)
"""SegCtl0 to 2 as they are without enhanced addressing: kseg0 and kseg1 are physical."""


def segments(
    target: str, control: tuple[int, ...] = RESET, status: int = 0
) -> Callable[[int], int | None]:
    """Where an address is that no TLB has; None if it is to have it."""
    env: dict[str, Any] = {
        "CP0_Status": status, "CP0_EntryHi": 0,
        "tlb": {"nb_tlb": 0, "mmu": {"r4k": {"tlb": [
            {"VPN": 0x400000, "PageMask": 0, "ASID": 7, "word4": 0, "PFN": [0, 0]}
        ]}}},
    }  # fmt: skip
    env |= {f"CP0_SegCtl{number}": value for number, value in enumerate(control)}
    mmu = of(target, SectionFields({"env": env}, "cpu"), Words(4, "big", {}), nothing)

    def found(address: int) -> int | None:
        try:
            return mmu.translate(address)[0]
        except Unmapped:
            return None

    return found


@pytest.mark.parametrize(
    ("address", "physical"),
    [(0x0000_1234, None), (0x4000_0000, None), (0x7FFF_FFFC, None),
     (0x8000_0000, 0), (0x9FFF_FFF0, 0x1FFF_FFF0), (0xA000_0000, 0), (0xBFC0_0000, 0x1FC0_0000),
     (0xBFFF_FFFF, 0x1FFF_FFFF), (0xC000_0000, None), (0xE000_0000, None), (0xFFFF_FFFF, None)],
)  # fmt: skip
def test_two_segments_of_mips_are_physical(address: int, physical: int | None) -> None:
    assert segments("mips")(address) == physical
    high = 0xFFFF_FFFF << 32 if address >> 31 else 0
    wide = segments("mips64el")
    assert wide(high | address) == physical
    if high:
        assert wide(address) is None  # it is not sign-extended


def test_segments_of_mips_begin_where_their_control_says() -> None:
    """Its bits 9 and up are those of the physical address, from bit 29 on."""
    moved = segments("mips", (RESET[0], 0x0203_0602, RESET[2]))
    assert moved(0x8000_1234) == 0x2000_1234
    assert moved(0xA000_1234) == 0x6000_1234
    error = segments("mips", status=4)  # after an error that a reset may follow
    assert (error(0x1234), error(0x4000_1234)) == (0x1234, 0x4000_1234)
    mapped = segments("mips", (*RESET[:2], 0x0030_0430), status=4)
    assert mapped(0x1234) is mapped(0x4000_1234) is None
    program = segments("mips", (0x0040_0040, RESET[1], RESET[2]), status=2 << 3)
    assert program(0xC000_0000) is program(0xE000_0000) is None
    kernel = segments("mips", (0x0040_0040, RESET[1], RESET[2]))
    assert kernel(0xC000_0010) == 0x10
    assert kernel(0xE000_0010) == 0x10


def test_segments_of_mips_are_parted_at_each_gib_of_programs() -> None:
    """With Status.ERL the lower two are physical, each from its own GiB (bits 30 and 31 of
    its control's address: bit 29 is one of the address)."""
    found = segments("mips", (*RESET[:2], 0x0A38_0638), status=4)
    assert (found(0), found(0x3FFF_FFFF)) == (0x8000_0000, 0xBFFF_FFFF)
    assert (found(0x4000_0000), found(0x7FFF_FFFF)) == (0x4000_0000, 0x7FFF_FFFF)


@pytest.mark.parametrize("attribute", range(8))
def test_all_of_memory_is_at_each_attribute_of_mips64(attribute: int) -> None:
    """xkphys, with the attribute of the cache in bits 59 to 61."""
    found, start = segments("mips64"), 1 << 63 | attribute << 59
    for address in (0, 0x1234, 0x1_2345_6780, (1 << 48) - 1):
        assert found(start | address) == address
    assert found(start | 1 << 48) is None


def test_tables_that_name_themselves_end() -> None:
    words = {0x1000 + 8 * index: 0x1003 for index in range(512)}
    mmu = x86(words, PAGED, 0x1000, 0x20, 0x4000)
    assert mmu.translate(0x123)[0] == 0x1123  # after four levels
    found = sum(1 for _, _ in zip(mmu.mappings(), range(3), strict=False))
    assert found <= 3


def test_tables_without_end_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {0x1000 + 8 * index: 0x1003 for index in range(512)}
    memory = Words(8, "little", words)
    from vmgen.guest.paging import tree
    from vmgen.guest.paging import x86 as format

    root = tree.PageTree(
        tree.PageTable(0x1000, 9),
        39,
        lambda raw, shift: format._entry(False, raw, shift),
    )
    space = tree.AddressSpace(0, (1 << 48) - 1, root)
    with pytest.raises(Unmapped, match="no end"):
        for _ in tree.mapped(memory, space, tables=40):
            pass
    assert memory.reads <= 41


def test_a_table_outside_of_memory_names_itself() -> None:
    mmu = x86({0x1000: 0xFFFF_F000_0003}, PAGED, 0x1000, 0x20, 0x4000)
    with pytest.raises(Unmapped, match="a page table at physical 0xfffff0000000"):
        mmu.translate(0)
    assert list(mmu.mappings()) == []
