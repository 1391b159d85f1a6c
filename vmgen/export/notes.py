"""The notes of an ELF core: registers as ``dump-guest-memory`` writes them
(``target/*/arch_dump.c``), by the layouts of :mod:`vmgen.guest.notes`."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import assert_never

from vmgen.export.sve import has_sve, sve_data
from vmgen.guest import Cpu, Guest, Unsupported
from vmgen.guest.fields import SectionFields
from vmgen.guest.notes import SVE, NoteLayout, layouts
from vmgen.guest.paging.arm import SystemRegisters


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
    found = _KINDS.get(guest.target)
    if found is None:
        raise Unsupported(
            f"a core of {guest.target or 'an unknown target'} cannot be written", None,
            "cpu", "codecs say the target: --codecs, --target",
        )  # fmt: skip
    return found(guest, highest)


def cpu_notes(guest: Guest, kind: CoreKind) -> Iterator[bytes]:
    """The notes of all CPUs, in QEMU's order.

    Raises Unsupported for a register that the stream must have, and does not.
    """
    known = layouts(guest.target, kind.machine)
    for apart in (False, True):
        for cpu in guest.cpus:
            for layout in known:
                if layout.apart is apart and _has(cpu, layout):
                    yield note(
                        kind.order, layout.name, layout.kind, _packed(cpu, layout, kind)
                    )
            if not apart and has_sve(cpu):
                # core_losses says why it is missing
                with suppress(Unsupported):
                    yield note(kind.order, *SVE, sve_data(cpu, kind.order))


def _has(cpu: Cpu, layout: NoteLayout) -> bool:
    return not layout.where or cpu.register(layout.where) is not None


def _packed(cpu: Cpu, layout: NoteLayout, kind: CoreKind) -> bytes:
    state = cpu.register("cpsr") if cpu.target == "aarch64" else 0
    short = _aarch32(cpu.fields, state) if state and state & _AARCH32 else {}
    made = bytearray()
    for field in layout.fields:
        match field.word:
            case "constant":
                value = field.constant
            case "pid":
                value = cpu.index + 1
            case "present":
                value = int(cpu.register(field.register) is not None)
            case "register":
                found = short.get(field.register, cpu.register(field.register))
                if found is None and not field.optional:
                    raise Unsupported(
                        f"the section has no register '{field.register}'", None, "cpu",
                        "codecs of the release that wrote the stream know it: --codecs",
                    )  # fmt: skip
                value = found or 0
            case _:
                assert_never(field.word)
        value &= (1 << 8 * field.size) - 1
        made += value.to_bytes(field.size, "little" if kind.order == "<" else "big")
    return bytes(made)


def _array(fields: SectionFields, path: str, count: int) -> list[int]:
    """Numbers of 32 bits of an array, zeros where the section does not have it."""
    if fields.get(path) is None:
        return [0] * count
    return [fields.number(f"{path}[{index}]", bits=32) for index in range(count)]


# --- x86 ----------------------------------------------------------------------------------

_LMA = 1 << 14


def is_long(cpu: Cpu) -> bool:
    """Whether an x86 CPU is in long mode."""
    return cpu.target == "x86_64" and bool(cpu.fields.number("env.hflags") & _LMA)


def _x86_kind(guest: Guest, highest: int) -> CoreKind:
    if is_long(guest.cpus[0]):
        return CoreKind(64, "<", 62)
    return CoreKind(64 if highest > 0xFFFF_FFFF else 32, "<", 3)


# --- Arm ----------------------------------------------------------------------------------

_AARCH32 = 0x10


def _arm_kind(guest: Guest, highest: int) -> CoreKind:
    order = ">" if SystemRegisters(guest.cpus[0].fields).big_endian else "<"
    if guest.target == "aarch64":
        return CoreKind(64, order, 183)
    return CoreKind(32, order, 40)


_USER, _FIQ, _IRQ, _SVC, _ABT, _HYP, _UND, _SYS = (
    0x10, 0x11, 0x12, 0x13, 0x17, 0x1A, 0x1B, 0x1F,
)  # fmt: skip
_BANKS = {_USER: 0, _SVC: 1, _ABT: 2, _UND: 3, _IRQ: 4, _FIQ: 5, _HYP: 6}


def _aarch32(fields: SectionFields, state: int) -> dict[str, int]:
    """The registers of a CPU in AArch32, by the names of AArch64."""
    made = {f"x{number}": one for number, one in enumerate(_banked(fields, state & 31))}
    return made | {"sp": 0, "pc": fields.number("env.regs[15]", bits=32)}


def _banked(fields: SectionFields, mode: int) -> list[int]:
    """x0 to x30 of a CPU in AArch32 (``aarch64_sync_32_to_64``, target/arm/helper.c)."""
    regs = _array(fields, "env.regs", 16)
    sp = _array(fields, "env.banked_r13", 8)
    lr = _array(fields, "env.banked_r14", 8)

    def pair(of: int) -> tuple[int, int]:
        """r14 and r13 of a mode."""
        bank = _BANKS[of]
        return (regs[14], regs[13]) if mode == of else (lr[bank], sp[bank])

    made = [*regs[:13], sp[0], lr[0], pair(_HYP)[1]]
    if mode == _FIQ:
        made[8:13] = _array(fields, "env.usr_regs", 5)
    if mode in (_USER, _SYS):
        made[13:15] = regs[13:15]
    elif mode == _HYP:
        made[14] = regs[14]
    for of in (_IRQ, _SVC, _ABT, _UND):
        made += pair(of)
    if mode == _FIQ:
        return made + regs[8:15]
    return [*made, *_array(fields, "env.fiq_regs", 5), sp[5], lr[5]]


# --- RISC-V -------------------------------------------------------------------------------


def _riscv_kind(guest: Guest, highest: int) -> CoreKind:
    order = ">" if guest.cpus[0].fields.number("env.mstatus") & 1 << 6 else "<"
    return CoreKind(64 if guest.target == "riscv64" else 32, order, 243)


# --- PowerPC ------------------------------------------------------------------------------

_PVR, _LPCR, _HID0 = 287, 318, 1008
_LPCR_ILE, _MSR_ILE = 1 << 25, 1 << 16
_POWER7 = (0x3F, 0x4A)
_HILE = dict.fromkeys((0x4B, 0x4C, 0x4D), 1 << 44) | dict.fromkeys(
    (0x4E, 0x80, 0x82), 1 << 59
)
"""The bit of HID0 of POWER8, and of POWER9 to 11, by the upper half of the PVR."""


def _ppc_kind(guest: Guest, highest: int) -> CoreKind:
    """The byte order of interrupts (``ppc_interrupts_little_endian``,
    target/ppc/cpu.h)."""
    fields = guest.cpus[0].fields
    processor = fields.number(f"env.spr[{_PVR}]", bits=32) >> 16
    if processor in _HILE and guest.machine.startswith("powernv"):
        little = fields.number(f"env.spr[{_HID0}]") & _HILE[processor]
    elif processor in _HILE or processor in _POWER7:
        little = fields.number(f"env.spr[{_LPCR}]") & _LPCR_ILE
    else:
        little = fields.number("env.msr") & _MSR_ILE
    bits, machine = (64, 21) if guest.target == "ppc64" else (32, 20)
    return CoreKind(bits, "<" if little else ">", machine)


# --- s390x --------------------------------------------------------------------------------


def _s390x_kind(guest: Guest, highest: int) -> CoreKind:
    return CoreKind(64, ">", 22)


_KINDS: dict[str, Callable[[Guest, int], CoreKind]] = {
    "i386": _x86_kind, "x86_64": _x86_kind, "aarch64": _arm_kind, "arm": _arm_kind,
    "riscv64": _riscv_kind, "riscv32": _riscv_kind, "ppc": _ppc_kind, "ppc64": _ppc_kind,
    "s390x": _s390x_kind,
}  # fmt: skip
