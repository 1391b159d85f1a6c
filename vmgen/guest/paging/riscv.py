"""Page tables of RISC-V: Sv32, Sv39, Sv48, Sv57, and the hypervisor's second stage
(target/riscv/cpu_helper.c, ``get_physical_address``)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

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

_MPRV, _MPP = 1 << 17, 11
_MACHINE = 3


@dataclass(frozen=True, slots=True)
class _Mode:
    """Bits of a virtual address, of one level's index, and bytes of an entry."""

    bits: int
    index: int
    width: int


_MODES_32 = {1: _Mode(32, 10, 4)}
_MODES_64 = {8: _Mode(39, 9, 8), 9: _Mode(48, 9, 8), 10: _Mode(57, 9, 8)}


def mmu(target: str, cpu: SectionFields, memory: Bytes, sections: Sections) -> Mmu:
    """From ``satp``, or from ``vsatp`` and ``hgatp`` where the hart runs a guest.

    As for QEMU's gdbstub, machine mode has physical addresses, but for MPRV.
    """
    long = cpu.number("env.misa_mxl", "env.misa_mxl_max", bits=32) != 1
    bits = 64 if long else 32
    privilege = cpu.number("env.priv", bits=32)
    virtual = bool(cpu.optional("env.virt_enabled") or 0)
    status = cpu.number("env.mstatus")
    if privilege == _MACHINE and status & _MPRV:
        privilege = status >> _MPP & 3
        virtual = bool(privilege != _MACHINE and status >> 39 & 1)
    whole = (AddressSpace(0, (1 << bits) - 1),)
    if privilege == _MACHINE:
        return Mmu(memory, whole, bits)
    host = None
    if virtual:
        host = _second(cpu.number("hyper.env.hgatp"), long, memory)
        satp = cpu.number("hyper.env.vsatp")
    else:
        satp = cpu.number("env.satp")
    tree, mode = _tree(satp, long, 0)
    if tree is None or mode is None:
        return Mmu(memory, whole, bits, host)
    if not long:
        return Mmu(memory, (AddressSpace(0, (1 << 32) - 1, tree),), 32, host)
    half, middle = 1 << (mode.bits - 1), 1 << (mode.index - 1)
    low = replace(tree, root=replace(tree.root, last=middle - 1))
    high = replace(tree, root=replace(tree.root, first=middle))
    spaces = (
        AddressSpace(0, half - 1, low),
        AddressSpace((1 << 64) - half, (1 << 64) - 1, high),
    )
    return Mmu(memory, spaces, host=host)


def _tree(satp: int, long: bool, more: int) -> tuple[PageTree | None, _Mode | None]:
    """The tree that ``satp``, ``vsatp`` or ``hgatp`` names, of which the first table has
    ``more`` bits more; none in bare mode."""
    number = satp >> 60 if long else satp >> 31 & 1
    if not number:
        return None, None
    mode = (_MODES_64 if long else _MODES_32).get(number)
    if mode is None:
        raise Unsupported(f"the address translation mode {number}", None, "paging")
    page = satp & ((1 << 44) - 1 if long else (1 << 22) - 1)
    shift = mode.bits - mode.index
    root = PageTable(page << 12, mode.index + more)
    return PageTree(root, shift, partial(_entry, long, bool(more)), mode.width), mode


def _second(hgatp: int, long: bool, memory: Bytes) -> SecondStage | None:
    tree, _ = _tree(hgatp, long, 2)
    return None if tree is None else SecondStage(memory, tree)


def _entry(
    long: bool, second: bool, raw: int, shift: int
) -> PageLeaf | PageTable | None:
    """A PTE; ``second`` for those of the second stage, which are all for users."""
    if not raw & 1:
        return None
    number = raw >> 10 & ((1 << 44) - 1 if long else (1 << 22) - 1)
    rights = raw >> 1 & 7
    index = 9 if long else 10
    if not rights:
        return PageTable(number << 12, index) if shift > 12 else None
    if rights & 3 == 2 or number & (1 << shift - 12) - 1:
        return None
    allowed = (
        (READ if rights & 1 else 0)
        | (WRITE if rights & 2 else 0)
        | (EXECUTE if rights & 4 else 0)
    )
    if second:
        allowed |= allowed << 3
    elif raw & 16:
        allowed <<= 3
    if long and raw >> 63 and shift == 12:
        if number & 0xF != 8:
            return None
        return PageLeaf((number & ~0xF) << 12, 16, allowed)
    return PageLeaf(number << 12, shift, allowed)
