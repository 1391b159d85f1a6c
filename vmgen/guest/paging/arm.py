"""Page tables of Arm: AArch64 with every granule, LPAE, and the short descriptors
(target/arm/ptw.c).  System registers come from ``cpreg_vmstate_values``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from vmgen.guest.errors import Unsupported
from vmgen.guest.fields import SectionFields
from vmgen.guest.paging.mmu import Mmu
from vmgen.guest.paging.tree import (
    ALL,
    EXECUTE,
    READ,
    USER_EXECUTE,
    USER_READ,
    USER_WRITE,
    WRITE,
    AddressSpace,
    ByteOrder,
    Bytes,
    PageLeaf,
    PageTable,
    PageTree,
    SecondStage,
)
from vmgen.guest.pci import Sections

_LAST32 = (1 << 32) - 1
_WHOLE = (1 << 64) - 1


def _a64(op0: int, op1: int, crn: int, crm: int, op2: int) -> int:
    """A register's index in the stream (``cpreg_to_kvm_id``, AArch64)."""
    return 0x6030_0000_0013_0000 | op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2


def _a32(crn: int, op1: int, crm: int, op2: int) -> int:
    """The secure copy of a 32-bit register of coprocessor 15."""
    return 0x4020_0000_000F_0000 | crn << 11 | crm << 7 | op1 << 3 | op2


_MMFR0 = _a64(3, 0, 0, 1, 4)
_MMFR1_A64, _MMFR4 = _a64(3, 0, 0, 7, 1), _a64(3, 0, 0, 2, 6)
_ISAR0_A64 = _a64(3, 0, 0, 6, 0)
_SCR_EL3, _HCR_EL2 = _a64(3, 6, 1, 1, 0), _a64(3, 4, 1, 1, 0)
_SCTLR = {level: _a64(3, op1, 1, 0, 0) for level, op1 in ((1, 0), (2, 4), (3, 6))}
_TTBR0 = {level: _a64(3, op1, 2, 0, 0) for level, op1 in ((1, 0), (2, 4), (3, 6))}
_TTBR1 = {level: _a64(3, op1, 2, 0, 1) for level, op1 in ((1, 0), (2, 4))}
_TCR = {level: _a64(3, op1, 2, 0, 2) for level, op1 in ((1, 0), (2, 4), (3, 6))}
_VTTBR, _VTCR = _a64(3, 4, 2, 1, 0), _a64(3, 4, 2, 1, 2)
_SECURE = {
    _SCTLR[1]: _a32(1, 0, 0, 0), _TTBR0[1]: _a32(2, 0, 0, 0), _TTBR1[1]: _a32(2, 0, 0, 1),
    _TCR[1]: _a64(3, 6, 2, 0, 2),
}  # fmt: skip

_HCR_VM, _HCR_TGE, _HCR_RW, _HCR_E2H = 1, 1 << 27, 1 << 31, 1 << 34
_HYP, _MON, _USR = 0x1A, 0x16, 0x10


class SystemRegisters:
    """The system registers of a CPU by their index in the stream."""

    def __init__(self, cpu: SectionFields) -> None:
        indexes = cpu.get("cpreg_vmstate_indexes") or ()
        values = cpu.get("cpreg_vmstate_values") or ()
        self._values = {
            index & _WHOLE: value & _WHOLE
            for index, value in zip(indexes, values, strict=False)
        }
        self.secure = False

    def __contains__(self, index: int) -> bool:
        return index in self._values

    def __getitem__(self, index: int) -> int:
        """The value; 0 for a register that the CPU does not have."""
        if self.secure and _SECURE.get(index) in self._values:
            index = _SECURE[index]
        value: int = self._values.get(index, 0)
        return value

    @property
    def has_aarch64(self) -> bool:
        """Whether the CPU knows AArch64 (it has ID_AA64ISAR0_EL1)."""
        return _ISAR0_A64 in self._values

    @property
    def big_endian(self) -> bool:
        """SCTLR_EL1.EE: the byte order of the kernel's data and page tables."""
        return bool(self[_SCTLR[1]] >> 25 & 1)


def mmu(target: str, cpu: SectionFields, memory: Bytes, sections: Sections) -> Mmu:
    """From SCTLR, TCR and TTBR of the exception level that the CPU is in."""
    registers = SystemRegisters(cpu)
    if cpu.get("m") is not None or not registers[_MMFR0] & 0xF:
        bits = 64 if registers.has_aarch64 else 32
        return Mmu(memory, (AddressSpace(0, (1 << bits) - 1),), bits)
    pstate = cpu.number("cpsr", bits=32)
    if not pstate & 0x10 and registers.has_aarch64:
        return _aarch64(registers, pstate >> 2 & 3, memory)
    mode = pstate & 0x1F
    if registers.has_aarch64 and mode == _USR and not _kernel_is_aarch32(registers):
        return _aarch64(registers, 0, memory)
    return _aarch32(registers, mode, memory)


def _kernel_is_aarch32(registers: SystemRegisters) -> bool:
    if _HCR_EL2 in registers:
        return not registers[_HCR_EL2] & _HCR_RW
    return _SCR_EL3 in registers and not registers[_SCR_EL3] & 1 << 10


def _order(registers: SystemRegisters, level: int) -> ByteOrder:
    return "big" if registers[_SCTLR[level]] >> 25 & 1 else "little"


# --- AArch64 ------------------------------------------------------------------------------


def _aarch64(registers: SystemRegisters, level: int, memory: Bytes) -> Mmu:
    hcr = registers[_HCR_EL2]
    host = bool(hcr & _HCR_E2H)
    if level == 0:
        level = 2 if host and hcr & _HCR_TGE else 1
    second = _stage2(registers, memory) if level == 1 else None
    if not registers[_SCTLR[level]] & 1:
        return Mmu(memory, (AddressSpace(0, _WHOLE),), host=second)
    tcr, order = registers[_TCR[level]], _order(registers, level)
    if level == 3 or (level == 2 and not host):
        ds, granule = bool(tcr >> 32 & 1), _granule(tcr >> 14 & 3)
        space = _range(
            registers[_TTBR0[level]], tcr & 63, granule, ds, order, tcr >> 16 & 7, False
        )
        tagged = bool(tcr >> 20 & 1)
        return Mmu(memory, (space,), tagged_low=tagged, tagged_high=tagged)
    ds, size = bool(tcr >> 59 & 1), tcr >> 32 & 7
    spaces = []
    if not tcr >> 7 & 1:
        granule = _granule(tcr >> 14 & 3)
        table = registers[_TTBR0[level]]
        spaces.append(_range(table, tcr & 63, granule, ds, order, size, False))
    if not tcr >> 23 & 1:
        granule = {1: 14, 2: 12, 3: 16}.get(tcr >> 30 & 3, 12)
        table = registers[_TTBR1[level]]
        spaces.append(_range(table, tcr >> 16 & 63, granule, ds, order, size, True))
    return Mmu(
        memory, tuple(spaces), host=second,
        tagged_low=bool(tcr >> 37 & 1), tagged_high=bool(tcr >> 38 & 1),
    )  # fmt: skip


def _granule(code: int) -> int:
    return {0: 12, 1: 16, 2: 14}.get(code, 12)


def _range(
    table: int,
    tsz: int,
    granule: int,
    ds: bool,
    order: ByteOrder,
    size: int,
    high: bool,
) -> AddressSpace:
    """One half of the address space; ``size`` is TCR.IPS."""
    bits = 64 - min(max(tsz, 12), 48)
    stride = granule - 3
    levels = -(-(bits - granule) // stride)
    shift = granule + stride * (levels - 1)
    wide = ds or (granule == 16 and size == 6)
    tree = PageTree(
        PageTable(_base(table, bits - shift, wide), bits - shift),
        shift,
        partial(_descriptor, granule, ds, wide, _stage1_rights, _table_rights),
        byte_order=order,
    )
    if high:
        return AddressSpace((1 << 64) - (1 << bits), _WHOLE, tree)
    return AddressSpace(0, (1 << bits) - 1, tree)


def _base(table: int, bits: int, wide: bool) -> int:
    """Where a table of ``1 << bits`` entries is, as TTBR has it."""
    address = table & 0x0000_FFFF_FFFF_FFFE
    if wide:
        address = address & ~0x3F | (table >> 2 & 0xF) << 48
    least = max(bits + 3, 6 if wide else 5)
    return address >> least << least


def _descriptor(
    granule: int,
    ds: bool,
    wide: bool,
    of_page: Callable[[int], int],
    of_table: Callable[[int], int],
    raw: int,
    shift: int,
) -> PageLeaf | PageTable | None:
    """A descriptor of 8 bytes: rights are those that ``of_page`` and ``of_table`` read in it."""
    if not raw & 1:
        return None
    address = raw & 0x0000_FFFF_FFFF_F000
    if ds:
        address = raw & 0x0003_FFFF_FFFF_F000 | (raw >> 8 & 3) << 50
    elif wide:
        address |= (raw >> 12 & 0xF) << 48
        address &= ~0xF000
    address = address >> granule << granule
    if shift == granule:
        return PageLeaf(address, granule, of_page(raw)) if raw & 2 else None
    if raw & 2:
        return PageTable(address, granule - 3, rights=of_table(raw))
    above = (shift - granule) // (granule - 3)
    if above > (1 if granule != 12 else 2) + (ds or wide):
        return None
    return PageLeaf(address >> shift << shift, shift, of_page(raw))


def _stage1_rights(raw: int) -> int:
    rights = ALL
    if not raw & 1 << 6:
        rights &= ~(USER_READ | USER_WRITE)
    if raw & 1 << 7:
        rights &= ~(WRITE | USER_WRITE)
    if raw & 1 << 53 or rights & USER_WRITE:
        rights &= ~EXECUTE
    if raw & 1 << 54:
        rights &= ~USER_EXECUTE
    return rights


def _table_rights(raw: int) -> int:
    rights = ALL
    if raw & 1 << 61:
        rights &= ~(USER_READ | USER_WRITE)
    if raw & 1 << 62:
        rights &= ~(WRITE | USER_WRITE)
    if raw & 1 << 59:
        rights &= ~EXECUTE
    if raw & 1 << 60:
        rights &= ~USER_EXECUTE
    return rights


def _no_limits(raw: int) -> int:
    return ALL


_EXECUTED = (EXECUTE | USER_EXECUTE, USER_EXECUTE, 0, EXECUTE)
"""Who may execute, by XN[1:0] of stage 2."""


def _stage2_rights(parted: bool, raw: int) -> int:
    """``get_S2prot``; ``parted``: XN has two bits (FEAT_XNX), and not the upper one alone."""
    rights = _EXECUTED[raw >> 53 & (3 if parted else 2)]
    if raw & 1 << 6:
        rights |= READ | USER_READ
    if raw & 1 << 7:
        rights |= WRITE | USER_WRITE
    return rights


def _stage2(registers: SystemRegisters, memory: Bytes) -> SecondStage | None:
    """Stage 2 of the guest of a hypervisor at EL2, if it is on."""
    hcr = registers[_HCR_EL2]
    if not hcr & _HCR_VM or hcr & _HCR_TGE:
        return None
    vtcr, table = registers[_VTCR], registers[_VTTBR]
    if registers.has_aarch64 and not _is_aarch32_el2(registers):
        granule, bits = _granule(vtcr >> 14 & 3), 64 - min(max(vtcr & 63, 12), 48)
        ds, wide = bool(vtcr >> 32 & 1), granule == 16 and vtcr >> 16 & 7 == 6
        start = vtcr >> 6 & 3
        if granule == 12:
            level = 3 if start == 3 else 2 - start
            if ds and vtcr >> 33 & 1:
                level = -1
        else:
            level = 3 - start
    else:
        signed = (vtcr & 0xF) - (vtcr & 8) * 2
        granule, bits, ds, wide = 12, 32 - signed, False, False
        level = 2 - (vtcr >> 6 & 1)
    shift = granule + (granule - 3) * (3 - level)
    if not 0 < bits - shift < 17:
        raise Unsupported(
            f"a second stage of {bits} bits from level {level}", None, "paging"
        )
    parted = bool(registers[_MMFR1_A64] >> 28 & 15 or registers[_MMFR4] >> 8 & 15)
    rights = partial(_stage2_rights, parted)
    tree = PageTree(
        PageTable(_base(table, bits - shift, ds or wide), bits - shift),
        shift,
        partial(_descriptor, granule, ds, ds or wide, rights, _no_limits),
        byte_order=_order(registers, 2),
    )
    return SecondStage(memory, tree)


def _is_aarch32_el2(registers: SystemRegisters) -> bool:
    return _SCR_EL3 in registers and not registers[_SCR_EL3] & 1 << 10


# --- AArch32 ------------------------------------------------------------------------------


def _aarch32(registers: SystemRegisters, mode: int, memory: Bytes) -> Mmu:
    el3 = _SCR_EL3 in registers and not registers.has_aarch64
    registers.secure = el3 and (mode == _MON or not registers[_SCR_EL3] & 1)
    level = 2 if mode == _HYP else 1
    second = None
    if level == 1 and not registers.secure:
        second = _stage2(registers, memory)
    sctlr, ttbcr = registers[_SCTLR[level]], registers[_TCR[level]] & _LAST32
    if not sctlr & 1:
        return Mmu(memory, (AddressSpace(0, _LAST32),), 32, second)
    order: ByteOrder = "big" if sctlr >> 25 & 1 else "little"
    if level == 2:
        space = _lpae(registers[_TTBR0[2]], 0, ttbcr & 7, order)
        return Mmu(memory, (space,), 32)
    if ttbcr >> 31:
        spaces = _lpae_halves(registers, ttbcr, order)
    else:
        spaces = _short_halves(registers, sctlr, ttbcr, order)
    return Mmu(memory, spaces, 32, second)


def _lpae(table: int, first: int, tsz: int, order: ByteOrder) -> AddressSpace:
    bits = 32 - tsz
    shift = 30 if bits > 30 else 21
    tree = PageTree(
        PageTable(_base(table, bits - shift, False), bits - shift),
        shift,
        partial(_descriptor, 12, False, False, _stage1_rights, _table_rights),
        byte_order=order,
    )
    return AddressSpace(first, _LAST32 if first else (1 << bits) - 1, tree)


def _lpae_halves(
    registers: SystemRegisters, ttbcr: int, order: ByteOrder
) -> tuple[AddressSpace, ...]:
    low, high = ttbcr & 7, ttbcr >> 16 & 7
    spaces = []
    if not ttbcr >> 7 & 1:
        spaces.append(_lpae(registers[_TTBR0[1]], 0, low, order))
    if (low or high) and not ttbcr >> 23 & 1:
        start = (1 << 32) - (1 << 32 - high) if high else 1 << 32 - low
        spaces.append(_lpae(registers[_TTBR1[1]], start, high, order))
    if high and not low and spaces and not ttbcr >> 7 & 1:
        start = (1 << 32) - (1 << 32 - high)
        spaces[0] = AddressSpace(0, start - 1, spaces[0].tree)
    return tuple(spaces)


def _short_halves(
    registers: SystemRegisters, sctlr: int, ttbcr: int, order: ByteOrder
) -> tuple[AddressSpace, ...]:
    """``get_phys_addr_v6`` and ``get_phys_addr_v5``: TTBCR.N parts the two tables."""
    entry = partial(_short, bool(sctlr >> 23 & 1), bool(sctlr >> 29 & 1))
    split = ttbcr & 7
    spaces = []
    if not ttbcr >> 4 & 1:
        base = registers[_TTBR0[1]] & _LAST32 & ~((1 << 14 - split) - 1)
        tree = PageTree(PageTable(base, 12 - split), 20, entry, 4, order)
        spaces.append(AddressSpace(0, (1 << 32 - split) - 1, tree))
    if split and not ttbcr >> 5 & 1:
        base = registers[_TTBR1[1]] & _LAST32 & ~0x3FFF
        tree = PageTree(PageTable(base, 12), 20, entry, 4, order)
        spaces.append(AddressSpace(1 << 32 - split, _LAST32, tree))
    return tuple(spaces)


def _short(v6: bool, afe: bool, raw: int, shift: int) -> PageLeaf | PageTable | None:
    """A short descriptor: of the first level (``shift`` 20), or of a second one."""
    way = raw & 3
    if shift == 20:
        return _section(v6, afe, raw, way)
    if way == 0:
        return None
    ap = raw >> 4 & 3 | (raw >> 7 & 4 if v6 else 0)
    if way == 1:
        never = v6 and raw >> 15 & 1
        return PageLeaf(raw & 0xFFFF_0000, 16, _short_rights(ap, v6, afe, bool(never)))
    if v6:
        return PageLeaf(
            raw & 0xFFFF_F000, 12, _short_rights(ap, v6, afe, bool(raw & 1))
        )
    if way == 3 and shift == 10:
        return PageLeaf(raw & 0xFFFF_FC00, 10, _short_rights(ap, v6, afe, False))
    return PageLeaf(raw & 0xFFFF_F000, 12, _short_rights(ap, v6, afe, False))


def _section(v6: bool, afe: bool, raw: int, way: int) -> PageLeaf | PageTable | None:
    if way == 0:
        return None
    if way == 1:
        return PageTable(raw & 0xFFFF_FC00, 8)
    if way == 3 and not v6:
        return PageTable(raw & 0xFFFF_F000, 10)
    ap = raw >> 10 & 3 | (raw >> 13 & 4 if v6 else 0)
    rights = _short_rights(ap, v6, afe, bool(v6 and raw >> 4 & 1))
    if v6 and raw >> 18 & 1:
        high = (raw >> 20 & 0xF) << 32 | (raw >> 5 & 0xF) << 36
        return PageLeaf(raw & 0xFF00_0000 | high, 24, rights)
    return PageLeaf(raw & 0xFFF0_0000, 20, rights)


def _short_rights(ap: int, v6: bool, afe: bool, never: bool) -> int:
    """AP[2:0], or with SCTLR.AFE AP[2:1] alone; v5 has AP[1:0]."""
    execute = 0 if never else EXECUTE | USER_EXECUTE
    if afe:
        user, write = bool(ap & 2), not ap & 4
        rights = READ | (WRITE if write else 0)
        rights |= (USER_READ | (USER_WRITE if write else 0)) if user else 0
        return rights | execute
    kernel = READ | WRITE
    by_code = {
        0: 0 if v6 else READ, 1: kernel, 2: kernel | USER_READ,
        3: kernel | USER_READ | USER_WRITE, 5: READ, 6: READ | USER_READ,
        7: READ | USER_READ,
    }  # fmt: skip
    return by_code.get(ap, 0) | execute
