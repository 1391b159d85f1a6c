"""Dynamic address translation of s390x (target/s390x/mmu_helper.c)."""

from __future__ import annotations

from functools import partial

from vmgen.guest.fields import SectionFields
from vmgen.guest.paging.mmu import Mmu
from vmgen.guest.paging.tree import (
    ALL,
    USER_WRITE,
    WRITE,
    AddressSpace,
    Bytes,
    PageLeaf,
    PageTable,
    PageTree,
)
from vmgen.guest.pci import Sections

_DAT = 1 << 58
_LONG, _BASIC = 1 << 32, 1 << 31
_EDAT = 1 << 23
_REAL = 0x20
_CONTROL = {0: 1, 1: 1, 2: 7, 3: 13}
"""The control register of each address-space control."""


def mmu(target: str, cpu: SectionFields, memory: Bytes, sections: Sections) -> Mmu:
    """From the PSW and the control register that it selects; the prefix changes places."""
    mask = cpu.number("env.psw.mask")
    prefix = cpu.number("env.psa")
    bits = 64 if mask & _LONG else 31 if mask & _BASIC else 24
    whole = AddressSpace(0, (1 << bits) - 1)
    if not mask & _DAT:
        return Mmu(memory, (whole,), bits, swapped=prefix)
    asce = cpu.number(f"env.cregs[{_CONTROL[mask >> 46 & 3]}]")
    if asce & _REAL:
        return Mmu(memory, (whole,), bits, swapped=prefix)
    kind, length = asce >> 2 & 3, asce & 3
    shift = 20 + 11 * kind
    large = bool(cpu.number("env.cregs[0]") & _EDAT)
    root = PageTable(asce & ~0xFFF & (1 << 64) - 1, 11, 0, length * 512 + 511)
    tree = PageTree(root, shift, partial(_entry, large), 8, "big")
    last = min((1 << bits) - 1, (1 << shift + 11) - 1)
    return Mmu(memory, (AddressSpace(0, last, tree),), bits, swapped=prefix)


def _entry(large: bool, raw: int, shift: int) -> PageLeaf | PageTable | None:
    """A page table entry (``shift`` 12), segment (20) or region table entry."""
    if shift == 12:
        if raw & 0xC00:  # invalid, or a bit that must be zero
            return None
        return PageLeaf(raw & ~0xFFF, 12, _rights(raw))
    if raw & 0x20 or raw >> 2 & 3 != (shift - 20) // 11:
        return None
    rights = _rights(raw) if large else ALL
    if shift == 20:
        rights = _rights(raw)
        if large and raw & 0x400:
            return PageLeaf(raw >> 20 << 20, 20, rights)
        return PageTable(raw & ~0x7FF, 8, rights=rights)
    if shift == 31 and large and raw & 0x400:
        return PageLeaf(raw >> 31 << 31, 31, rights)
    first, last = raw >> 6 & 3, raw & 3
    return PageTable(raw & ~0xFFF, 11, first * 512, last * 512 + 511, rights)


def _rights(raw: int) -> int:
    return ALL & ~(WRITE | USER_WRITE) if raw & 0x200 else ALL
