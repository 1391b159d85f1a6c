"""Page tables of x86: 2 levels, PAE, 4 and 5 levels (target/i386/tcg/system/excp_helper.c
and target/i386/helper.c, ``x86_cpu_get_phys_page_attrs_debug``)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from vmgen.guest.fields import SectionFields
from vmgen.guest.paging.mmu import Mmu
from vmgen.guest.paging.tree import (
    ALL,
    EXECUTE,
    USER,
    USER_EXECUTE,
    USER_WRITE,
    WRITE,
    AddressSpace,
    Bytes,
    PageLeaf,
    PageTable,
    PageTree,
)
from vmgen.guest.pci import Sections

_PG, _PSE, _PAE, _LA57 = 1 << 31, 1 << 4, 1 << 5, 1 << 12
_LMA, _SMM = 1 << 14, 1 << 19
_NXE = 1 << 11
_PRESENT, _RW, _US, _LARGE, _NX = 1, 2, 4, 1 << 7, 1 << 63
_ADDRESS = 0x000F_FFFF_FFFF_F000


@dataclass(frozen=True, slots=True)
class _Gated:
    """Memory as the tables' walker sees it: the mask (A20) clears bits of every address."""

    memory: Bytes
    mask: int

    def read(self, address: int, size: int) -> bytes:
        return self.memory.read(address & self.mask, size)


def mmu(target: str, cpu: SectionFields, memory: Bytes, sections: Sections) -> Mmu:
    """From CR0, CR3, CR4 and EFER of ``env``."""
    cr0, cr3, cr4 = (cpu.number(f"env.cr[{number}]") for number in (0, 3, 4))
    flags = cpu.number("env.hflags")
    long = bool(flags & _LMA)
    # In system management mode the gate of line 20 is open (``x86_get_a20_mask``).
    mask = -1 if flags & _SMM else cpu.number("env.a20_mask")
    if mask & 1 << 31:
        mask |= 0xFFFF_FFFF << 32
    memory = _Gated(memory, mask)
    if not cr0 & _PG:
        last = (1 << 64) - 1 if target == "x86_64" else (1 << 32) - 1
        space = AddressSpace(0, last)
        return Mmu(memory, (space,), 64 if target == "x86_64" else 32, mask=mask)
    nx = bool((cpu.optional("env.efer") or 0) & _NXE)
    entry = partial(_entry, nx)
    if long and cr4 & _PAE:
        shift = 48 if cr4 & _LA57 else 39
        base, half = cr3 & _ADDRESS, 1 << (shift + 8)
        low = PageTree(PageTable(base, 9, 0, 255), shift, entry)
        high = PageTree(PageTable(base, 9, 256), shift, entry)
        spaces = (
            AddressSpace(0, half - 1, low),
            AddressSpace((1 << 64) - half, (1 << 64) - 1, high),
        )
        return Mmu(memory, spaces, mask=mask)
    if cr4 & _PAE:
        root = PageTable(cr3 & 0xFFFF_FFE0, 2)
        tree = PageTree(root, 30, partial(_first_of_pae, nx))
    else:
        root = PageTable(cr3 & 0xFFFF_F000, 10)
        tree = PageTree(root, 22, partial(_short, bool(cr4 & _PSE)), 4)
    return Mmu(memory, (AddressSpace(0, (1 << 32) - 1, tree),), 32, mask=mask)


def _rights(raw: int, nx: bool) -> int:
    rights = ALL
    if not raw & _RW:
        rights &= ~(WRITE | USER_WRITE)
    if not raw & _US:
        rights &= ~USER
    if nx and raw & _NX:
        rights &= ~(EXECUTE | USER_EXECUTE)
    return rights


def _entry(nx: bool, raw: int, shift: int) -> PageLeaf | PageTable | None:
    """An entry of 8 bytes."""
    if not raw & _PRESENT:
        return None
    address = raw & _ADDRESS
    rights = _rights(raw, nx)
    if shift == 12:
        return PageLeaf(address, 12, rights)
    if raw & _LARGE and shift in (21, 30):
        return PageLeaf(address >> shift << shift, shift, rights)
    return PageTable(address, 9, rights=rights)


def _first_of_pae(nx: bool, raw: int, shift: int) -> PageLeaf | PageTable | None:
    """The entries of PAE's first table have no rights of their own."""
    if shift == 30:
        return PageTable(raw & _ADDRESS, 9) if raw & _PRESENT else None
    return _entry(nx, raw, shift)


def _short(pse: bool, raw: int, shift: int) -> PageLeaf | PageTable | None:
    """An entry of 4 bytes; with PSE, large pages have bits 32 to 39 of the address in
    bits 13 to 20."""
    if not raw & _PRESENT:
        return None
    rights = _rights(raw, False)
    if shift == 12:
        return PageLeaf(raw & 0xFFFF_F000, 12, rights)
    if raw & _LARGE and pse:
        return PageLeaf(raw & 0xFFC0_0000 | (raw & 0x1F_E000) << 19, 22, rights)
    return PageTable(raw & 0xFFFF_F000, 10, rights=rights)
