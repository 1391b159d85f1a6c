"""The SVE registers of a CPU as a core has them (``aarch64_write_elf64_sve``,
target/arm/arch_dump.c): as long as its vectors are now, which no stream says whole."""

from __future__ import annotations

import struct

from vmgen.guest import Cpu, Unsupported
from vmgen.guest.notes import SVE_LONGEST, sve_parts

_HEADER = "IIHHHH"
_STREAM = 8
"""Quadwords of a vector that QEMU migrates (``vmstate_zreg_hi_reg``)."""
_E2H, _TGE, _EEL2, _NS = 1 << 34, 1 << 27, 1 << 18, 1
_AARCH32 = 0x10
_LEVELS32 = {0x10: 0, 0x1A: 2, 0x16: 3}
_FLAG_SVE = 1


def has_sve(cpu: Cpu) -> bool:
    """Whether the CPU has SVE, and QEMU's core the note."""
    return cpu.target == "aarch64" and cpu.fields.get("sve") is not None


def sve_data(cpu: Cpu, order: str) -> bytes:
    """``struct user_sve_header`` in the byte order of the core, then z0 to z31, p0 to p15, ffr,
    little-endian each, and FPSR and FPCR, each part at 16 bytes.

    Raises Unsupported where the length of the vectors is not known.
    """
    longest, now = _lengths(cpu)
    status = _status(now)
    made = bytearray(_size(now))
    sizes = len(made), _size(longest), 16 * now, 16 * longest
    struct.pack_into(order + _HEADER, made, 0, *sizes, _FLAG_SVE, 0)
    for name, at, size in sve_parts(now):
        value = _there(cpu, name) & (1 << 8 * size) - 1
        made[at : at + size] = value.to_bytes(size, "little")
    fpsr, fpcr = _there(cpu, "fpsr"), _there(cpu, "fpcr")
    struct.pack_into(order + "II", made, status, fpsr, fpcr)
    return bytes(made)


def _status(quadwords: int) -> int:
    """``sve_fpsr_offset``."""
    return -(-max(at + size for _, at, size in sve_parts(quadwords)) // 16) * 16


def _size(quadwords: int) -> int:
    """``sve_size_vq``."""
    return -(-(_status(quadwords) + 8) // 16) * 16


def _there(cpu: Cpu, name: str) -> int:
    value = cpu.register(name)
    if value is None:
        raise Unsupported(
            f"SVE registers (NT_ARM_SVE): the section has no register '{name}'",
            None,
            "cpu",
        )
    return value


def _lengths(cpu: Cpu) -> tuple[int, int]:
    """Quadwords of the longest vectors of the CPU and of those now (``sve_vqm1_for_el``)."""
    longest = cpu.sve_max_vq
    if longest is None:
        raise Unsupported(
            "SVE registers (NT_ARM_SVE): no stream has how long the CPU's vectors can be",
            None, "cpu", "tell it in units of 128 bits: --member ARMCPU.sve_max_vq=N",
        )  # fmt: skip
    if not 0 < longest <= SVE_LONGEST:
        raise Unsupported(
            f"ARMCPU.sve_max_vq={longest}: vectors have 1 to {SVE_LONGEST} quadwords",
            None,
            "cpu",
        )
    if (cpu.register("SVCR") or 0) & 1:
        raise Unsupported(
            "SVE registers (NT_ARM_SVE): the CPU is in streaming mode", None, "cpu"
        )
    asked = min(_limit(cpu), SVE_LONGEST)
    if asked < longest and asked & asked - 1:
        # only lengths that are powers of two are there on every CPU
        raise Unsupported(
            f"SVE registers (NT_ARM_SVE): whether the CPU has vectors of {128 * asked} bits is"
            " in no stream",
            None,
            "cpu",
        )
    now = min(asked, longest)
    if now > _STREAM:
        raise Unsupported(
            f"SVE registers (NT_ARM_SVE): of {128 * now} bits QEMU migrates"
            f" {128 * _STREAM}",
            None,
            "cpu",
        )
    return longest, now


def _limit(cpu: Cpu) -> int:
    """What ZCR of the levels that count allows."""
    state = _there(cpu, "cpsr")
    level = state >> 2 & 3
    if state & _AARCH32:
        level = _LEVELS32.get(state & 0x1F, 1)
    # ZCR_EL2 and ZCR_EL3 are in the stream of a CPU without these levels, too
    host, security = cpu.register("HCR_EL2"), cpu.register("SCR_EL3")
    if security is not None and not security & (_NS | _EEL2):
        host = None
    in_host = {0: _E2H | _TGE, 2: _E2H}.get(level, 0)
    limits = [SVE_LONGEST - 1]
    if level <= 1 and (host is None or not in_host or host & in_host != in_host):
        limits.append(_there(cpu, "ZCR_EL1") & 15)
    if level <= 2 and host is not None:
        limits.append(_there(cpu, "ZCR_EL2") & 15)
    if security is not None:
        limits.append(_there(cpu, "ZCR_EL3") & 15)
    return min(limits) + 1
