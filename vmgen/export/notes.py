"""The notes of an ELF core: registers as ``dump-guest-memory`` writes them
(``target/*/arch_dump.c``)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vmgen.guest import Cpu, Guest, Unsupported
from vmgen.guest.fields import SectionFields
from vmgen.guest.paging.arm import SystemRegisters

_CORE, _LINUX, _QEMU = "CORE", "LINUX", "QEMU"
_PRSTATUS, _FPREGSET = 1, 2


@dataclass(frozen=True, slots=True)
class CoreKind:
    """What the header of a core says: its class in bits, byte order as ``struct`` has it,
    and the machine's number."""

    bits: int
    order: str
    machine: int


def note(order: str, name: str, kind: int, data: bytes) -> bytes:
    """An ELF note: sizes of name and data, type, then both, padded to 4 bytes."""
    text = name.encode() + b"\0"
    head = struct.pack(f"{order}III", len(text), len(data), kind)
    return head + text + bytes(-len(text) % 4) + data + bytes(-len(data) % 4)


def core_kind(guest: Guest, highest: int) -> CoreKind:
    """``cpu_get_dump_info`` of the guest's first CPU; ``highest`` is the end of its
    memory.

    Raises Unsupported for a target whose cores vmgen does not know.
    """
    return _arch(guest).kind(guest, highest)


def cpu_notes(guest: Guest, kind: CoreKind) -> Iterator[bytes]:
    """The notes of all CPUs, in QEMU's order."""
    yield from _arch(guest).notes(guest, kind)


@dataclass(frozen=True, slots=True)
class _Arch:
    kind: Callable[[Guest, int], CoreKind]
    notes: Callable[[Guest, CoreKind], Iterator[bytes]]


def _arch(guest: Guest) -> _Arch:
    found = _ARCHS.get(guest.target)
    if found is None:
        raise Unsupported(
            f"a core of {guest.target or 'an unknown target'} cannot be written", None,
            "cpu", "codecs say the target: --codecs, --target",
        )  # fmt: skip
    return found


def _array(fields: SectionFields, path: str, count: int, bits: int = 64) -> list[int]:
    """Numbers of an array, zeros where the section does not have it."""
    values = fields.get(path)
    if values is None:
        return [0] * count
    return [fields.number(f"{path}[{index}]", bits=bits) for index in range(count)]


def _prstatus(order: str, long: bool, pid: int, registers: bytes, behind: int) -> bytes:
    """``struct elf_prstatus``: the pid, the registers, and bytes behind them."""
    before, between = (32, 76) if long else (24, 44)
    data = bytes(before) + struct.pack(f"{order}I", pid) + bytes(between)
    return note(order, _CORE, _PRSTATUS, data + registers + bytes(behind))


# --- x86 ----------------------------------------------------------------------------------

_ES, _CS, _SS, _DS, _FS, _GS = range(6)
_AX, _CX, _DX, _BX, _SP, _BP, _SI, _DI = range(8)
_LMA = 1 << 14


def _is_long(cpu: Cpu) -> bool:
    return cpu.target == "x86_64" and bool(cpu.fields.number("env.hflags") & _LMA)


def _x86_kind(guest: Guest, highest: int) -> CoreKind:
    if _is_long(guest.cpus[0]):
        return CoreKind(64, "<", 62)
    return CoreKind(64 if highest > 0xFFFF_FFFF else 32, "<", 3)


def _x86_notes(guest: Guest, kind: CoreKind) -> Iterator[bytes]:
    long = _is_long(guest.cpus[0])
    for cpu in guest.cpus:
        count = 16 if cpu.target == "x86_64" else 8
        gpr = _array(cpu.fields, "env.regs", count) + [0] * (16 - count)
        selector = [
            cpu.fields.number(f"env.segs[{number}].selector", bits=32)
            for number in range(6)
        ]
        ip, flags = cpu.fields.number("env.eip"), cpu.fields.number("env.eflags")
        if long:
            registers = struct.pack(
                "<27Q",
                *reversed(gpr[12:16]), gpr[_BP], gpr[_BX], *reversed(gpr[8:12]),
                gpr[_AX], gpr[_CX], gpr[_DX], gpr[_SI], gpr[_DI], 0,
                ip, selector[_CS], flags, gpr[_SP], selector[_SS],
                cpu.fields.number(f"env.segs[{_FS}].base"),
                cpu.fields.number(f"env.segs[{_GS}].base"),
                selector[_DS], selector[_ES], selector[_FS], selector[_GS],
            )  # fmt: skip
            yield _prstatus("<", True, cpu.index + 1, registers, 8)
        else:
            low = [value & 0xFFFF_FFFF for value in gpr]
            short = [value & 0xFFFF for value in selector]
            registers = struct.pack(
                "<17I",
                low[_BX], low[_CX], low[_DX], low[_SI], low[_DI], low[_BP], low[_AX],
                short[_DS], short[_ES], short[_FS], short[_GS], 0, ip & 0xFFFF_FFFF,
                short[_CS], flags & 0xFFFF_FFFF, low[_SP], short[_SS],
            )  # fmt: skip
            yield _prstatus("<", False, cpu.index + 1, registers, 4)
    for cpu in guest.cpus:
        yield note("<", _QEMU, 0, _x86_state(cpu))


def _x86_state(cpu: Cpu) -> bytes:
    """``QEMUCPUState``, version 1."""
    fields = cpu.fields
    count = 16 if cpu.target == "x86_64" else 8
    gpr = _array(fields, "env.regs", count) + [0] * (16 - count)
    order = (_AX, _BX, _CX, _DX, _SI, _DI, _SP, _BP)
    general = [*(gpr[number] for number in order), *gpr[8:]]
    data = struct.pack(
        "<18Q", *general, fields.number("env.eip"), fields.number("env.eflags")
    )
    names = [f"segs[{number}]" for number in (_CS, _DS, _ES, _FS, _GS, _SS)]
    for name in (*names, "ldt", "tr", "gdt", "idt"):
        words = [
            fields.number(f"env.{name}.{member}", bits=32)
            for member in ("selector", "limit", "flags")
        ]
        data += struct.pack("<4IQ", *words, 0, fields.number(f"env.{name}.base"))
    data += struct.pack("<5Q", *_array(fields, "env.cr", 5))
    data += struct.pack("<Q", fields.optional("env.kernelgsbase") or 0)
    return struct.pack("<II", 1, len(data) + 8) + data


# --- Arm ----------------------------------------------------------------------------------

_FPSR, _FPCR = 0xF800_009F, 0x07FF_9F07


def _arm_order(cpu: Cpu) -> str:
    return ">" if SystemRegisters(cpu.fields).big_endian else "<"


def _arm_kind(guest: Guest, highest: int) -> CoreKind:
    order = _arm_order(guest.cpus[0])
    return (
        CoreKind(64, order, 183)
        if guest.target == "aarch64"
        else CoreKind(32, order, 40)
    )


def fp_status(fields: SectionFields) -> tuple[int, int]:
    """FPSR and FPCR, which streams before 9.1 have in one word."""
    status = fields.optional("vfp.fpcr_fpsr.fpsr", "vfp.vfp_fpsr", bits=32)
    control = fields.optional("vfp.fpcr_fpsr.fpcr", "vfp.vfp_fpcr", bits=32)
    both = fields.optional("vfp.fpscr", bits=32) or 0
    return (
        both & _FPSR if status is None else status,
        both & _FPCR if control is None else control,
    )


def _vector(fields: SectionFields, number: int, words: int) -> list[int]:
    return _array(fields, f"vfp.env.vfp.zregs[{number}].d", words)


def _aarch64_notes(guest: Guest, kind: CoreKind) -> Iterator[bytes]:
    order = kind.order
    for cpu in guest.cpus:
        fields = cpu.fields
        state = fields.number("cpsr", bits=32)
        if state & 0x10:
            registers = [*_banked(fields, state & 0x1F), 0]
            registers += [fields.number("env.regs[15]", bits=32), state]
        else:
            registers = [
                *_array(fields, "env.xregs", 32),
                fields.number("env.pc"),
                state,
            ]
        data = struct.pack(f"{order}34Q", *registers) + struct.pack(f"{order}II", 1, 0)
        yield _prstatus(order, True, cpu.index + 1, data, 0)
        words = []
        for number in range(32):
            pair = _vector(fields, number, 2)
            words += pair if order == "<" else pair[::-1]
        data = struct.pack(f"{order}64Q", *words)
        data += struct.pack(f"{order}II", *fp_status(fields)) + bytes(8)
        yield note(order, _CORE, _FPREGSET, data)


_USER, _FIQ, _IRQ, _SVC, _ABT, _HYP, _UND, _SYS = (
    0x10, 0x11, 0x12, 0x13, 0x17, 0x1A, 0x1B, 0x1F,
)  # fmt: skip
_BANKS = {_USER: 0, _SVC: 1, _ABT: 2, _UND: 3, _IRQ: 4, _FIQ: 5, _HYP: 6}


def _banked(fields: SectionFields, mode: int) -> list[int]:
    """x0 to x30 of a CPU in AArch32 (``aarch64_sync_32_to_64``, target/arm/helper.c)."""
    regs = _array(fields, "env.regs", 16, 32)
    sp = _array(fields, "env.banked_r13", 8, 32)
    lr = _array(fields, "env.banked_r14", 8, 32)

    def pair(of: int) -> tuple[int, int]:
        """r14 and r13 of a mode."""
        bank = _BANKS[of]
        return (regs[14], regs[13]) if mode == of else (lr[bank], sp[bank])

    made = [*regs[:13], sp[0], lr[0], pair(_HYP)[1]]
    if mode == _FIQ:
        made[8:13] = _array(fields, "env.usr_regs", 5, 32)
    if mode in (_USER, _SYS):
        made[13:15] = regs[13:15]
    elif mode == _HYP:
        made[14] = regs[14]
    for of in (_IRQ, _SVC, _ABT, _UND):
        made += pair(of)
    if mode == _FIQ:
        return made + regs[8:15]
    return [*made, *_array(fields, "env.fiq_regs", 5, 32), sp[5], lr[5]]


def _arm_notes(guest: Guest, kind: CoreKind) -> Iterator[bytes]:
    order = kind.order
    for cpu in guest.cpus:
        fields = cpu.fields
        simd = fields.get("vfp") is not None
        registers = [
            *_array(fields, "env.regs", 16, 32),
            fields.number("cpsr", bits=32),
        ]
        data = struct.pack(f"{order}17I", *registers) + bytes(4)
        data += struct.pack(f"{order}I", simd)
        yield _prstatus(order, False, cpu.index + 1, data, 0)
        if simd:
            doubles = [
                word for number in range(16) for word in _vector(fields, number, 2)
            ]
            data = struct.pack(f"{order}32Q", *doubles)
            status, control = fp_status(fields)
            data += struct.pack(f"{order}I", status | control)
            yield note(order, _LINUX, 0x400, data)


# --- RISC-V -------------------------------------------------------------------------------


def _riscv_kind(guest: Guest, highest: int) -> CoreKind:
    order = ">" if guest.cpus[0].fields.number("env.mstatus") & 1 << 6 else "<"
    return CoreKind(64 if guest.target == "riscv64" else 32, order, 243)


def _riscv_notes(guest: Guest, kind: CoreKind) -> Iterator[bytes]:
    long = kind.bits == 64
    letter = "Q" if long else "I"
    for cpu in guest.cpus:
        general = _array(cpu.fields, "env.gpr", 32, kind.bits)
        registers = [cpu.fields.number("env.pc", bits=kind.bits), *general[1:]]
        data = struct.pack(f"{kind.order}32{letter}", *registers)
        yield _prstatus(kind.order, long, cpu.index + 1, data, 8 if long else 4)


# --- PowerPC ------------------------------------------------------------------------------

_XER, _LR, _CTR, _PVR, _LPCR, _HID0 = 1, 8, 9, 287, 318, 1008
_LPCR_ILE, _MSR_ILE = 1 << 25, 1 << 16
_HILE, _HILE_POWER9 = 1 << 44, 1 << 59
_POWER7_TO_10 = {
    0x3F: 7,
    0x4A: 7,
    0x4B: 8,
    0x4C: 8,
    0x4D: 8,
    0x4E: 9,
    0x80: 10,
    0x82: 11,
}


def _ppc_kind(guest: Guest, highest: int) -> CoreKind:
    """The byte order of interrupts (``ppc_interrupts_little_endian``,
    target/ppc/cpu.h)."""
    fields = guest.cpus[0].fields
    power = _POWER7_TO_10.get(fields.number(f"env.spr[{_PVR}]", bits=32) >> 16, 0)
    if power >= 8 and guest.machine.startswith("powernv"):
        bit = _HILE_POWER9 if power >= 9 else _HILE
        little = fields.number(f"env.spr[{_HID0}]") & bit
    elif power:
        little = fields.number(f"env.spr[{_LPCR}]") & _LPCR_ILE
    else:
        little = fields.number("env.msr") & _MSR_ILE
    bits, machine = (64, 21) if guest.target == "ppc64" else (32, 20)
    return CoreKind(bits, "<" if little else ">", machine)


def _ppc_notes(guest: Guest, kind: CoreKind) -> Iterator[bytes]:
    order, bits = kind.order, kind.bits
    letter = "Q" if bits == 64 else "I"
    for cpu in guest.cpus:
        fields = cpu.fields
        fields_of = _array(fields, "env.crf", 8, 4)
        cr = sum(value << 4 * (7 - index) for index, value in enumerate(fields_of))
        special = {
            number: fields.number(f"env.spr[{number}]", bits=bits)
            for number in (_CTR, _LR, _XER)
        }
        registers = [
            *_array(fields, "env.gpr", 32, bits), fields.number("env.nip", bits=bits),
            fields.number("env.msr", bits=bits), 0, special[_CTR], special[_LR],
            special[_XER], cr, 0, 0, 0, 0, 0,
        ]  # fmt: skip
        data = struct.pack(f"{order}44{letter}", *registers)
        yield _prstatus(order, True, cpu.index + 1, data, 40)
        floats = _array(fields, "fpu.env.vsr", 32)
        status = fields.optional("fpu.env.fpscr", bits=bits) or 0
        data = struct.pack(f"{order}32Q{letter}", *floats, status)
        yield note(order, _CORE, _FPREGSET, data)
        words = []
        for number in range(32, 64):
            pair = _array(fields, f"altivec.env.vsr[{number}].u64", 2)
            words += pair if order == "<" else pair[::-1]
        data = struct.pack(f"{order}64Q", *words) + bytes(12)
        data += struct.pack(f"{order}I", fields.optional("altivec.vscr", bits=32) or 0)
        yield note(order, _CORE, 0x100, data + bytes(16))
        lower = _array(fields, "vsx.env.vsr", 32)
        yield note(order, _CORE, 0x102, struct.pack(f"{order}32Q", *lower))
        data = bytes(128) + struct.pack(
            f"{order}Q", fields.optional("env.spe_acc") or 0
        )
        yield note(order, _CORE, 0x101, data + bytes(4))


# --- s390x --------------------------------------------------------------------------------


def _s390x_kind(guest: Guest, highest: int) -> CoreKind:
    return CoreKind(64, ">", 22)


def _s390x_notes(guest: Guest, kind: CoreKind) -> Iterator[bytes]:
    for cpu in guest.cpus:
        fields = cpu.fields
        state = [fields.number("env.psw.mask"), fields.number("env.psw.addr")]
        data = struct.pack(">18Q", *state, *_array(fields, "env.regs", 16))
        data += struct.pack(">16I", *_array(fields, "env.aregs", 16, 32))
        yield _prstatus(">", True, cpu.index + 1, data, 16)
        high = [
            fields.optional(f"fpu.env.vregs[{number}][0]") or 0 for number in range(16)
        ]
        control = fields.optional("fpu.env.fpc", bits=32) or 0
        yield note(">", _CORE, _FPREGSET, struct.pack(">II16Q", control, 0, *high))
        low = [
            fields.optional(f"vregs.env.vregs[{number}][1]") or 0
            for number in range(16)
        ]
        upper = [
            fields.optional(f"vregs.env.vregs[{number}][{half}]") or 0
            for number in range(16, 32)
            for half in range(2)
        ]
        for number, data in (
            (0x305, struct.pack(">I", fields.number("env.psa", bits=32))),
            (0x304, struct.pack(">16Q", *_array(fields, "env.cregs", 16))),
            (0x301, struct.pack(">Q", fields.number("env.cputm"))),
            (0x302, struct.pack(">Q", fields.number("env.ckc"))),
            (0x303, struct.pack(">I", fields.number("env.todpr", bits=32))),
            (0x309, struct.pack(">16Q", *low)),
            (0x30A, struct.pack(">32Q", *upper)),
            (0x30B, struct.pack(">4Q", *_array(fields, "gscb.env.gscb", 4))),
        ):
            yield note(">", _LINUX, number, data)


_ARCHS = {
    "i386": _Arch(_x86_kind, _x86_notes), "x86_64": _Arch(_x86_kind, _x86_notes),
    "aarch64": _Arch(_arm_kind, _aarch64_notes), "arm": _Arch(_arm_kind, _arm_notes),
    "riscv64": _Arch(_riscv_kind, _riscv_notes),
    "riscv32": _Arch(_riscv_kind, _riscv_notes),
    "ppc": _Arch(_ppc_kind, _ppc_notes), "ppc64": _Arch(_ppc_kind, _ppc_notes),
    "s390x": _Arch(_s390x_kind, _s390x_notes),
}  # fmt: skip
