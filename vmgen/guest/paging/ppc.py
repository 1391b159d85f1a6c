"""The radix tree of 64-bit PowerPC (target/ppc/mmu-radix64.c); hashed page tables and
the MMUs of 32-bit CPUs are not read."""

from __future__ import annotations

from vmgen.guest.errors import Unsupported
from vmgen.guest.fields import SectionFields
from vmgen.guest.paging.mmu import Mmu
from vmgen.guest.paging.tree import (
    EXECUTE,
    READ,
    WRITE,
    AddressSpace,
    Bytes,
    PageLeaf,
    PageTable,
    PageTree,
    SecondStage,
)
from vmgen.guest.pci import Sections

_DR, _IR, _HV = 1 << 4, 1 << 5, 1 << 60
_GUEST_RADIX = 1 << 63
_HOST_RADIX = 1 << 20
_TABLE = 0x0FFF_FFFF_FFFF_FF00
_PAGE = 0x01FF_FFFF_FFFF_F000
_PID, _LPIDR, _LPCR, _PTCR = 48, 319, 318, 464
_TOP = 1 << 62
_BITS, _FIRST = 52, 13
"""Bits of address that a tree has, and its first table: POWER9 and POWER10 have no others."""
_BELOW = {39: (9,), 30: (9,), 21: (5, 9)}
"""The sizes of a table by the bits of address that it has to tell apart."""


def mmu(target: str, cpu: SectionFields, memory: Bytes, sections: Sections) -> Mmu:
    """From the process table of the partition: that of ``spapr``, or the one that PTCR
    and LPIDR name."""
    msr = cpu.number("env.msr")
    bits = 64 if target == "ppc64" else 32
    if not msr & (_DR | _IR):
        # the upper 4 bits of 64 do not count (ppc_radix64_xlate_impl, ppc_hash64_xlate)
        counted = 60 if bits == 64 else 32
        return Mmu(memory, (AddressSpace(0, (1 << counted) - 1),), counted)
    if target != "ppc64":
        raise Unsupported(
            "the MMU of a 32-bit PowerPC is not read", None, "paging", _HINT
        )
    spapr = sections("spapr")
    host = None
    if spapr is not None:
        entry = spapr.optional("spapr_patb_entry.patb_entry", "patb_entry") or 0
        radix, processes = bool(entry & _GUEST_RADIX), entry
    else:
        radix, processes, host = _partition(cpu, msr, memory)
    if not radix:
        raise Unsupported("hashed page tables are not read", None, "paging", _HINT)
    below: Bytes = memory if host is None else host
    base, size = processes & _TABLE & ~0xFFF, 1 << ((processes & 0x1F) + 12)
    pid = cpu.number(f"env.spr[{_PID}]", bits=32)
    spaces = []
    for number, process in ((0, pid), (3, 0)):
        if process * 16 + 16 > size:
            continue
        root = int.from_bytes(below.read(base + process * 16, 8), "big")
        if space := _space(root, number):
            spaces.append(space)
    return Mmu(memory, tuple(spaces), host=host)


_HINT = "physical addresses can be read all the same"


def _partition(
    cpu: SectionFields, msr: int, memory: Bytes
) -> tuple[bool, int, SecondStage | None]:
    """Whether it is radix, the second word of the partition's entry, and the host's tree
    below a guest."""
    if not cpu.number(f"env.spr[{_LPCR}]") & _HOST_RADIX:
        return False, 0, None
    ptcr = cpu.number(f"env.spr[{_PTCR}]")
    lpid = 0 if msr & _HV else cpu.number(f"env.spr[{_LPIDR}]", bits=32)
    raw = memory.read((ptcr & 0x0FFF_FFFF_FFFF_F000) + lpid * 16, 16)
    first, second = (int.from_bytes(raw[at : at + 8], "big") for at in (0, 8))
    if msr & _HV or not lpid:
        return bool(first & _GUEST_RADIX), second, None
    space = _space(first, 0)
    if space is None or space.tree is None:
        return False, 0, None
    return True, second, SecondStage(memory, space.tree)


def _space(root: int, quadrant: int) -> AddressSpace | None:
    """The addresses of a quadrant that one tree has (RTS + 31 bits), from its root; None
    for one that the CPU refuses (``ppc_radix64_is_valid_level``)."""
    bits = ((root >> 58 & 0x18) | (root >> 5 & 7)) + 31
    index = root & 0x1F
    if (bits, index) != (_BITS, _FIRST):
        return None
    tree = PageTree(
        PageTable(root & _TABLE, index), bits - index, _entry, byte_order="big"
    )
    first = quadrant * _TOP
    return AddressSpace(first, first + (1 << bits) - 1, tree)


def _entry(raw: int, shift: int) -> PageLeaf | PageTable | None:
    """A PTE (bit 62), or a PDE with the size of the table below."""
    if not raw >> 63:
        return None
    if not raw >> 62 & 1:
        bits = raw & 0x1F
        return PageTable(raw & _TABLE, bits) if bits in _BELOW.get(shift, ()) else None
    rights = (
        (READ if raw & 6 else 0)
        | (WRITE if raw & 2 else 0)
        | (EXECUTE if raw & 1 else 0)
    )
    if not raw & 8:
        rights |= rights << 3
    return PageLeaf((raw & _PAGE) >> shift << shift, shift, rights)
