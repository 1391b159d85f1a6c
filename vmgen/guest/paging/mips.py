"""Virtual memory of MIPS: fixed segments, and what is in the TLB
(target/mips/system/physaddr.c, target/mips/tcg/system/tlb_helper.c)."""

from __future__ import annotations

from collections.abc import Iterator

from vmgen.guest.errors import Unsupported
from vmgen.guest.fields import SectionFields
from vmgen.guest.paging.mmu import Mmu
from vmgen.guest.paging.tree import (
    ALL,
    USER_WRITE,
    WRITE,
    AddressSpace,
    Bytes,
    PageLeaf,
)
from vmgen.guest.pci import Sections

_SEGMENTS = (
    (0x0000_0000, 0x3FFF_FFFF, 2, 16, 0x3FFF_FFFF),
    (0x4000_0000, 0x7FFF_FFFF, 2, 0, 0x3FFF_FFFF),
    (0x8000_0000, 0x9FFF_FFFF, 1, 16, 0x1FFF_FFFF),
    (0xA000_0000, 0xBFFF_FFFF, 1, 0, 0x1FFF_FFFF),
    (0xC000_0000, 0xDFFF_FFFF, 0, 16, 0x1FFF_FFFF),
    (0xE000_0000, 0xFFFF_FFFF, 0, 0, 0x1FFF_FFFF),
)
"""First and last address, number of the SegCtl register and shift in it, bits kept."""

_MAPPED = (1, 2, 3)
_MUSUK = 4
_WIDE = 0xFFFF_FFFF << 32
_XKPHYS, _XKSEG = 0x8000_0000_0000_0000, 0xC000_0000_0000_0000


def mmu(target: str, cpu: SectionFields, memory: Bytes, sections: Sections) -> Mmu:
    """From SegCtl, Status and the TLB of the section."""
    long = target.startswith("mips64")
    status = cpu.number("env.CP0_Status", bits=32)
    fixed = tuple(_tlb(cpu, long))
    user = status >> 3 & 3 == 2 and not status & 6
    spaces: list[AddressSpace] = []
    for first, last, register, shift, keep in _SEGMENTS:
        control = cpu.number(f"env.CP0_SegCtl{register}", bits=32) >> shift & 0xFFFF
        spaces.append(_segment(first, last, control, keep, status, user, fixed, long))
    if long:
        spaces += _wide(fixed)
    return Mmu(memory, tuple(spaces), 64 if long else 32)


def _segment(
    first: int, last: int, control: int, keep: int, status: int, user: bool,
    fixed: tuple[tuple[int, PageLeaf], ...], long: bool,
) -> AddressSpace:  # fmt: skip
    """``get_segctl_physical_address``; with Status.ERL a segment can be unmapped."""
    mode = control >> 4 & 7
    unmapped = bool(control >> 3 & 1 and status & 4)
    high = _WIDE if long and first >> 31 else 0
    if not unmapped and (mode in _MAPPED or (mode == _MUSUK and user)):
        inside = tuple(
            (start, leaf)
            for start, leaf in fixed
            if first | high <= start <= last | high
        )
        return AddressSpace(first | high, last | high, fixed=inside)
    base = (control & 0xFE00) << 20 & ~keep
    return AddressSpace(first | high, last | high, offset=base | first & keep)


def _wide(fixed: tuple[tuple[int, PageLeaf], ...]) -> Iterator[AddressSpace]:
    """The 64-bit segments: mapped, but for xkphys, whose cache attribute is in bits 59
    to 61."""
    for first, last in (
        (1 << 31, _XKPHYS - 1),
        (_XKSEG, _WIDE | 0x7FFF_FFFF),
    ):
        inside = tuple((at, leaf) for at, leaf in fixed if first <= at <= last)
        yield AddressSpace(first, last, fixed=inside)
    for attribute in range(8):
        first = _XKPHYS | attribute << 59
        yield AddressSpace(first, first | (1 << 48) - 1)


def _tlb(cpu: SectionFields, long: bool) -> Iterator[tuple[int, PageLeaf]]:
    """The pages of ``r4k_map_address`` that the current ASID has."""
    entries = cpu.get("env.tlb.mmu.r4k.tlb", "env.tlb.r4k.tlb")
    if not isinstance(entries, list) or not entries or isinstance(entries[0], bytes):
        raise Unsupported(
            "the TLB is not in the values of the CPU", None, "paging",
            "codecs of the release that wrote the stream know it: --codecs",
        )  # fmt: skip
    asid = cpu.number("env.CP0_EntryHi") & 0x3FF
    used = cpu.number("env.tlb.nb_tlb", bits=32)
    for number in range(min(used, len(entries))):
        path = f"env.tlb.mmu.r4k.tlb[{number}]"
        vpn, mask = cpu.number(f"{path}.VPN"), cpu.number(f"{path}.PageMask", bits=32)
        flags = cpu.number(f"{path}.word4", bits=16)
        if flags >> 15 or not (flags >> 10 & 1 or cpu.number(f"{path}.ASID") == asid):
            continue
        mask |= 0x1FFF
        if mask & mask + 1:
            continue
        bits = mask.bit_length() - 1
        start = vpn & ~mask if long else vpn & ~mask & 0xFFFF_FFFF
        for half in range(2):
            if not flags >> 3 - half & 1:
                continue
            rights = ALL if flags >> 1 - half & 1 else ALL & ~(WRITE | USER_WRITE)
            leaf = PageLeaf(
                cpu.number(f"{path}.PFN[{half}]") & ~(mask >> 1), bits, rights
            )
            yield start + (half << bits), leaf
