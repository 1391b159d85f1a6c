"""The target description that gdb asks for: features and registers of a guest's CPUs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import quoteattr

from vmgen.guest import Cpu

_ARCHITECTURES = {
    "i386": "i386", "x86_64": "i386:x86-64", "arm": "arm", "aarch64": "aarch64",
    "riscv32": "riscv:rv32", "riscv64": "riscv:rv64", "ppc": "powerpc:common",
    "ppc64": "powerpc:common64", "s390x": "s390:64-bit", "mips": "mips",
    "mipsel": "mips", "mips64": "mips:isa64r2", "mips64el": "mips:isa64r2",
    "m68k": "m68k", "sparc": "sparc", "sparc64": "sparc:v9", "avr": "avr", "alpha": "alpha",
}  # fmt: skip
"""gdb's names of targets."""

_BIG = (
    "ppc", "ppc64", "s390x", "mips", "mips64", "m68k", "sparc", "sparc64", "hppa", "or1k",
    "microblaze",
)  # fmt: skip
_TYPES = {80: "i387_ext", 128: "uint128"}
_FLOATS = {32: "ieee_single", 64: "ieee_double"}
_SIZES = (8, 16, 32, 64)
_PROGRAM_COUNTERS = ("pc", "eip", "rip")


@dataclass(frozen=True, slots=True)
class NumberedRegister:
    """A register as the description has it: its number is its place."""

    name: str
    size: int
    feature: str


def byte_order(cpu: Cpu) -> Literal["big", "little"]:
    """The byte order in which registers travel: the target's, the CPU's own mode where
    that can change (``ppc_maybe_bswap_register``, target/ppc/gdbstub.c)."""
    target = cpu.target
    if target.startswith("ppc") and cpu.fields.number("env.msr") & 1:
        return "little"
    if target.startswith("mips"):
        config = cpu.fields.optional("env.CP0_Config0", bits=32)
        if config is not None:
            return "big" if config >> 15 & 1 else "little"
    return "big" if target in _BIG else "little"


def numbered(cpu: Cpu) -> tuple[NumberedRegister, ...]:
    """The registers in the order of their numbers."""
    return tuple(
        NumberedRegister(name, -(-bits // 8), feature)
        for name, bits, feature in cpu.described()
    )


def target_xml(target: str, registers: tuple[NumberedRegister, ...]) -> str:
    """The description as one document."""
    lines = ['<?xml version="1.0"?>', '<!DOCTYPE target SYSTEM "gdb-target.dtd">']
    lines.append('<target version="1.0">')
    if target in _ARCHITECTURES:
        lines.append(f"<architecture>{_ARCHITECTURES[target]}</architecture>")
    feature = ""
    for number, one in enumerate(registers):
        if one.feature != feature:
            if feature:
                lines.append("</feature>")
            feature = one.feature
            lines.append(f"<feature name={quoteattr(feature)}>")
            lines += [
                f'<vector id="bytes{size}" type="uint8" count="{size}"/>'
                for size in sorted(
                    {other.size for other in registers if other.feature == feature}
                )
                if size * 8 not in _SIZES and size * 8 not in _TYPES
            ]
        lines.append(
            f'<reg name={quoteattr(one.name)} bitsize="{one.size * 8}" regnum="{number}"'
            f' type="{_type(one)}"/>'
        )
    if feature:
        lines.append("</feature>")
    lines.append("</target>")
    return "\n".join(lines) + "\n"


def _type(one: NumberedRegister) -> str:
    """gdb's type of a register: an address, a number without a sign, a float, bytes."""
    bits = one.size * 8
    if one.name in _PROGRAM_COUNTERS:
        return "code_ptr"
    if one.name[:1] == "f" and one.name[1:].isdigit() and bits in _FLOATS:
        return _FLOATS[bits]
    return f"uint{bits}" if bits in _SIZES else _TYPES.get(bits, f"bytes{one.size}")
