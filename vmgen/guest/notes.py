"""The notes of a core as QEMU writes them (``target/*/arch_dump.c``): which register is where.

A layout is a row of words; its width in bytes is behind a colon, that of an address without::

    rax x{0..30} ds:2   registers, by their names or a row of them
    ~fpsr:4             one that is 0 where the stream does not have it
    0:8                 zeros
    =1:4                a constant
    pid:4               the CPU's number, from 1
    ?d0:4               1 if the CPU has this register
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from vmgen.stream.registers.table import row

NoteWord = Literal["register", "constant", "pid", "present"]


@dataclass(frozen=True, slots=True)
class NoteField:
    """``size`` bytes of a note at ``offset``: a register, or what ``word`` says.

    ``optional`` registers are 0 where the CPU has none.
    """

    word: NoteWord
    offset: int
    size: int
    register: str = ""
    constant: int = 0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class NoteLayout:
    """A note by its name and type.

    ``where`` is a register without which a CPU has no such note, ``apart`` says that
    these of all CPUs come behind the others.
    """

    name: str
    kind: int
    size: int
    fields: tuple[NoteField, ...]
    where: str = ""
    apart: bool = False


def layouts(target: str, machine: int) -> tuple[NoteLayout, ...]:
    """The notes of a CPU, in QEMU's order; empty for a target without.

    ``machine`` is the ELF header's: ``qemu-system-x86_64`` writes cores of an i386 outside of
    long mode.
    """
    made = _LAYOUTS.get(target, {})
    return made.get(machine, ())


SVE = ("LINUX", 0x405)
"""Name and type of NT_ARM_SVE, which is as long as the vectors are."""

SVE_LONGEST = 16
"""The most quadwords that a vector has (``ARM_MAX_VQ``)."""


def sve_parts(quadwords: int) -> Iterator[tuple[str, int, int]]:
    """z0 to z31, p0 to p15 and ffr in NT_ARM_SVE, little-endian each: name, offset and size in
    bytes (``sve_zreg_offset``, ``sve_preg_offset``, target/arm/arch_dump.c)."""
    at = 16
    rows = (
        ("z{0..31}", 16 * quadwords),
        ("p{0..15}", 2 * quadwords),
        ("ffr", 2 * quadwords),
    )
    for names, size in rows:
        for name, _, _ in row(names):
            yield name, at, size
            at += size


_WORD = re.compile(r"(?P<mark>[=~?]?)(?P<name>[^:]+)(?::(?P<size>\d+))?")


def _layout(
    name: str, kind: int, width: int, text: str, where: str = "", apart: bool = False
) -> NoteLayout:
    fields = tuple(_fields(width, text))
    last = fields[-1]
    return NoteLayout(name, kind, last.offset + last.size, fields, where, apart)


def _fields(width: int, text: str) -> Iterator[NoteField]:
    at = 0
    for part in text.split():
        for one, _, _ in row(part):
            match = _WORD.fullmatch(one)
            assert match is not None, one
            size, named = int(match["size"] or width), match["name"]
            if match["mark"] == "=" or named.isdecimal():
                yield NoteField("constant", at, size, constant=int(named))
            elif named == "pid":
                yield NoteField("pid", at, size)
            elif match["mark"] == "?":
                yield NoteField("present", at, size, named)
            else:
                optional = match["mark"] == "~"
                yield NoteField("register", at, size, named, optional=optional)
            at += size


_CORE, _LINUX, _QEMU = "CORE", "LINUX", "QEMU"
_PRSTATUS, _FPREGSET = 1, 2


def _status(width: int, registers: str, long: bool | None = None) -> NoteLayout:
    """``struct elf_prstatus``, of which QEMU fills the process id and the registers."""
    wide = width == 8 if long is None else long
    head = "0:32 pid:4 0:76 " if wide else "0:24 pid:4 0:44 "
    return _layout(_CORE, _PRSTATUS, width, head + registers)


def _segments() -> str:
    named = "".join(
        f"{name}:4 {name}_limit:4 {name}_flags:4 0:4 {name}_base "
        for name in ("cs", "ds", "es", "fs", "gs", "ss", "ldt", "tr")
    )
    tables = "".join(f"0:4 {name}_limit:4 0:8 {name}_base " for name in ("gdt", "idt"))
    return f"{named}{tables}cr0 0 cr2 cr3 cr4 ~k_gs_base"


_X86_64_STATE = _layout(
    _QEMU, 0, 8,
    "=1:4 =440:4 rax rbx rcx rdx rsi rdi rsp rbp r{8..15} rip eflags " + _segments(),
    apart=True,
)  # fmt: skip
_I386_STATE = _layout(
    _QEMU, 0, 8,
    "=1:4 =440:4 eax ebx ecx edx esi edi esp ebp 0:64 eip eflags " + _segments(),
    apart=True,
)  # fmt: skip
"""``QEMUCPUState``, version 1, of 440 bytes."""

_I386_STATUS = _status(
    4,
    "ebx ecx edx esi edi ebp eax ds:2 0:2 es:2 0:2 fs:2 0:2 gs:2 0:2 0 eip cs:2 0:2"
    " eflags esp ss:2 0:2 0",
)
_X86_64_STATUS = _status(
    8,
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi 0 rip cs eflags rsp ss"
    " fs_base gs_base ds es fs gs 0",
)

_ARM = (
    _status(4, "r{0..12} sp lr pc cpsr 0 ?fpscr"),
    _layout(_LINUX, 0x400, 8, "d{0..15} ~d{16..31} fpscr:4", "fpscr"),
)
_AARCH64 = (
    _status(8, "x{0..30} sp pc cpsr =1:4 0:4"),
    _layout(_CORE, _FPREGSET, 16, "~v{0..31} ~fpsr:4 ~fpcr:4 0:8"),
)


def _ppc(width: int) -> tuple[NoteLayout, ...]:
    return (
        _status(width, "r{0..31} pc msr 0 ctr lr xer cr 0 0 0 0 0 0:40", long=True),
        _layout(_CORE, _FPREGSET, 8, f"~f{{0..31}} ~fpscr_whole:{width}"),
        _layout(_CORE, 0x100, 16, "~vr{0..31} 0:12 ~vscr:4 0:16"),
        _layout(_CORE, 0x102, 8, "~vs{0..31}h"),
        _layout(_CORE, 0x101, 4, "0:128 ~acc:8 0"),
    )


_S390X = (
    _status(8, "pswm pswa r{0..15} acr{0..15}:4 0:16"),
    _layout(_CORE, _FPREGSET, 8, "~fpc:4 0:4 ~f{0..15}"),
    _layout(_LINUX, 0x305, 4, "prefix"),
    _layout(_LINUX, 0x304, 8, "cr{0..15}"),
    _layout(_LINUX, 0x301, 8, "cputm"),
    _layout(_LINUX, 0x302, 8, "ckc"),
    _layout(_LINUX, 0x303, 4, "todpr"),
    _layout(_LINUX, 0x309, 8, "~v{0..15}l"),
    _layout(_LINUX, 0x30A, 16, "~v{16..31}"),
    _layout(_LINUX, 0x30B, 8, "0 ~gsd ~gssm ~gsepla"),
)

_LAYOUTS: dict[str, dict[int, tuple[NoteLayout, ...]]] = {
    "i386": {3: (_I386_STATUS, _I386_STATE)},
    "x86_64": {
        3: (_I386_STATUS, _X86_64_STATE), 62: (_X86_64_STATUS, _X86_64_STATE),
    },
    "arm": {40: _ARM}, "aarch64": {183: _AARCH64},
    "riscv32": {243: (_status(4, "pc x{1..31} 0"),)},
    "riscv64": {243: (_status(8, "pc x{1..31} 0"),)},
    "ppc": {20: _ppc(4)}, "ppc64": {21: _ppc(8)}, "s390x": {22: _S390X},
}  # fmt: skip
