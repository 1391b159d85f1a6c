"""A saved CPU and its memory in the Unicorn emulator.  Standard library and unicorn only.

The folder of this file has ``seed.json`` and an image of every region of memory:

>>> import seed
>>> uc = seed.load()                      # an unicorn.Uc, ready to run
>>> uc.emu_start(seed.pc(uc), 0, count=1000)
>>> seed.save(uc, "after")                # a folder as this one, with what is there now
"""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import unicorn
from unicorn import arm64_const as a64
from unicorn import riscv_const as rv
from unicorn import x86_const as x86

VERSION = 1
PAGE = 4096
CHUNK = 1 << 20
NAME = "seed.json"
HERE = os.path.dirname(os.path.abspath(__file__))

Encoding = tuple[int, int, int, int, int]
"""op0, op1, CRn, CRm and op2 of an Arm system register."""


class NoPlace(Exception):
    """This Unicorn keeps its CPU in a way that is not known here."""


class NotEmulated(Exception):
    """An instruction that Unicorn would pass over."""


class EmulatedCpu(Protocol):
    """Registers of one architecture in an emulator, by name."""

    uc: Any

    def put(self, values: Mapping[str, int]) -> None:
        """Write registers; those that the emulator does not have are left out."""
        ...

    def get(self, names: Iterable[str]) -> dict[str, int]:
        """Those of these registers that the emulator has."""
        ...


def engine(
    target: str,
    values: Mapping[str, int],
    encodings: Mapping[str, Encoding] | None = None,
) -> EmulatedCpu:
    """An emulator without memory, its CPU as the registers say.

    ``encodings`` are those of Arm's system registers, by name.  Raises KeyError for a
    target other than x86_64, aarch64 and riscv64.
    """
    makers: dict[str, Callable[[], EmulatedCpu]] = {
        "x86_64": EmulatedX86,
        "aarch64": lambda: EmulatedArm(values, encodings or {}),
        "riscv64": EmulatedRiscV,
    }
    made = makers[target]()
    made.put(values)
    return made


def of(
    uc: Any, target: str, encodings: Mapping[str, Encoding] | None = None
) -> EmulatedCpu:
    """The registers of an emulator that :func:`engine` made."""
    made: EmulatedCpu
    match target:
        case "x86_64":
            made = EmulatedX86(uc)
        case "aarch64":
            made = EmulatedArm({}, encodings or {}, uc)
        case _:
            made = EmulatedRiscV(uc)
    return made


# --- a folder ----------------------------------------------------------------------------


def load(folder: str = HERE, cpu: int = 0) -> Any:
    """An emulator (``unicorn.Uc``) with one CPU and the memory of a folder."""
    seed = _read(folder)
    made = engine(seed["target"], *_cpu(seed, cpu))
    for one in seed["regions"]:
        place = os.path.join(folder, one["file"])
        with open(place, "rb") as file:
            fill(made.uc, one["address"], one["size"], one["kind"] == "ram", file.read)
    return made.uc


def save(uc: Any, folder: str, of_folder: str = HERE, cpu: int = 0) -> None:
    """Write an emulator's CPU and memory into a new folder, which has the form of the one
    that it was loaded from: what the emulator did not take is as it is there."""
    seed = _read(of_folder)
    values, encodings = _cpu(seed, cpu)
    before = engine(seed["target"], values, encodings).get(values)
    now = of(uc, seed["target"], encodings).get(values)
    seed["cpus"][cpu]["registers"] |= {
        name: hex(values[name] ^ before[name] ^ value) for name, value in now.items()
    }
    os.makedirs(folder)
    for one in seed["regions"]:
        with open(os.path.join(folder, one["file"]), "wb") as out:
            for at, size in _chunks(one["address"], one["size"]):
                data = bytes(uc.mem_read(at, size))
                if data.count(0) != size:
                    out.seek(at - one["address"])
                    out.write(data)
            out.truncate(one["size"])
    with open(os.path.join(folder, NAME), "w", encoding="utf-8") as text:
        json.dump(seed, text, indent=1)
    shutil.copy(__file__, os.path.join(folder, "seed.py"))


def pc(uc: Any) -> int:
    """Where the CPU is: what ``uc.emu_start`` begins at."""
    number = {
        unicorn.UC_ARCH_X86: x86.UC_X86_REG_RIP,
        unicorn.UC_ARCH_ARM64: a64.UC_ARM64_REG_PC,
        unicorn.UC_ARCH_RISCV: rv.UC_RISCV_REG_PC,
    }[uc._arch]
    return int(uc.reg_read(number))


def fill(
    uc: Any, start: int, size: int, writable: bool, read: Callable[[int], bytes]
) -> None:
    """Map a region and fill it with what ``read`` gives, zeros left out."""
    first, last = start // PAGE * PAGE, -(-(start + size) // PAGE) * PAGE
    uc.mem_map(first, last - first, unicorn.UC_PROT_ALL)
    for at, length in _chunks(start, size):
        data = read(length)
        if data.count(0) != len(data):
            uc.mem_write(at, data)
    if not writable:
        uc.mem_protect(first, last - first, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)


def _chunks(start: int, size: int) -> Iterator[tuple[int, int]]:
    for at in range(0, size, CHUNK):
        yield start + at, min(CHUNK, size - at)


def _read(folder: str) -> dict[str, Any]:
    with open(os.path.join(folder, NAME), encoding="utf-8") as file:
        seed: dict[str, Any] = json.load(file)
    if seed["version"] != VERSION:
        raise ValueError(f"{NAME} is of version {seed['version']}, not {VERSION}")
    return seed


def _cpu(
    seed: Mapping[str, Any], cpu: int
) -> tuple[dict[str, int], dict[str, Encoding]]:
    """Registers of one CPU, and how its system registers are encoded."""
    one = seed["cpus"][cpu]
    values = {name: int(text, 16) for name, text in one["registers"].items()}
    return values, {
        name: (a, b, c, d, e) for name, (a, b, c, d, e) in one["encodings"].items()
    }


# --- x86_64 ------------------------------------------------------------------------------

_SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs", "ldt", "tr", "gdt", "idt")
_CACHE = struct.Struct("<I4xQII")
_MSRS = {
    "sysenter_cs": 0x174, "sysenter_esp": 0x175, "sysenter_eip": 0x176, "pat": 0x277,
    "mcg_cap": 0x179, "mcg_status": 0x17A, "mcg_ctl": 0x17B, "misc_enable": 0x1A0, "star": 0xC0000081, "lstar": 0xC0000082,
    "cstar": 0xC0000083, "fmask": 0xC0000084, "k_gs_base": 0xC0000102,
    "tsc_aux": 0xC0000103, "vm_hsave": 0xC0010117, "mtrr_deftype": 0x2FF,
    "mtrr_fix64k_00000": 0x250, "mtrr_fix16k_80000": 0x258, "mtrr_fix16k_a0000": 0x259,
    **{f"mtrr_fix4k_{0xC0 + 8 * n:x}000": 0x268 + n for n in range(8)},
    **{f"mtrr_physbase{n}": 0x200 + 2 * n for n in range(8)},
    **{f"mtrr_physmask{n}": 0x201 + 2 * n for n in range(8)},
    **{f"mc{n}_{kind}": 0x400 + 4 * n + k for n in range(10)
       for k, kind in enumerate(("ctl", "status", "addr", "misc"))},
}  # fmt: skip
_PLAIN = {
    **{name: getattr(x86, f"UC_X86_REG_{name.upper()}") for name in (
        "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "eflags", "mxcsr",
        *(f"r{n}" for n in range(8, 16)), *(f"dr{n}" for n in range(8)),
        *(f"{kind}mm{n}" for kind in "xyz" for n in range(16)),
    )},
    "fctrl": x86.UC_X86_REG_FPCW, "fstat": x86.UC_X86_REG_FPSW,
    "fpip": x86.UC_X86_REG_FIP, "fpdp": x86.UC_X86_REG_FDP, "fop": x86.UC_X86_REG_FOP,
    "rip": x86.UC_X86_REG_RIP,
}  # fmt: skip
_HFLAGS, _HFLAGS2 = (1 << 27) - 1, (1 << 8) - 1
"""What QEMU 5 has of these."""
_CPL, _CS32, _SS32, _CS64 = 3, 1 << 4, 1 << 5, 1 << 15
_SCE, _LMA, _RF = 1, 1 << 10, 1 << 16
_RESET = _RF | 0xCD5
_MARK = 0x1122334455667788


class EmulatedX86:
    """An x86 CPU in any mode.

    Selectors alone can be written by name, and not what a descriptor brought with them,
    nor the privilege: these are put where the saved context of the emulator has them
    (``CPUX86State`` of QEMU 5), once that place is found by values that can be written.
    """

    def __init__(self, uc: Any = None) -> None:
        self.uc = uc
        if uc is None:
            self.uc = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
            self.uc.ctl_set_cpu_model(x86.UC_CPU_X86_ICELAKE_SERVER)
        self._at = self._places()
        if uc is None:
            hook, call, enter = (
                unicorn.UC_HOOK_INSN,
                x86.UC_X86_INS_SYSCALL,
                x86.UC_X86_INS_SYSENTER,
            )
            self.uc.hook_add(hook, self._syscall, None, 1, 0, call)
            self.uc.hook_add(hook, self._sysenter, None, 1, 0, enter)

    def put(self, values: Mapping[str, int]) -> None:
        """Write registers."""
        for name, number in _MSRS.items():
            if name in values:
                self.uc.reg_write(x86.UC_X86_REG_MSR, (number, values[name]))
        self._change(values)
        for name, number in _PLAIN.items():
            if name in values:
                self.uc.reg_write(number, values[name])
        for index in range(8):
            if (name := f"st{index}") in values:
                value = values[name]
                place = (values["fstat"] >> 11) + index & 7
                pair = (value & (1 << 64) - 1, value >> 64)
                self.uc.reg_write(x86.UC_X86_REG_FP0 + place, pair)
        if "ftw" in values:
            tags = sum((~values["ftw"] >> n & 1) * 3 << 2 * n for n in range(8))
            self.uc.reg_write(x86.UC_X86_REG_FPTAG, tags)

    def get(self, names: Iterable[str]) -> dict[str, int]:
        """Read registers."""
        uc, data = self.uc, bytes(self.uc.context_save())
        found = {
            name: struct.unpack_from(form, data, at)[0]
            for name, (at, form) in self._at.items()
        }
        found["hflags"] &= _HFLAGS
        found["hflags2"] &= _HFLAGS2
        wanted = list(names)
        for name in wanted:
            if name in _PLAIN:
                found[name] = int(uc.reg_read(_PLAIN[name]))
            elif name in _MSRS:
                found[name] = int(uc.reg_read(x86.UC_X86_REG_MSR, _MSRS[name]))
        top = int(uc.reg_read(x86.UC_X86_REG_FPSW)) >> 11
        for index in range(8):
            low, high = uc.reg_read(x86.UC_X86_REG_FP0 + (top + index & 7))
            found[f"st{index}"] = high << 64 | low
        tags = int(uc.reg_read(x86.UC_X86_REG_FPTAG))
        found["ftw"] = sum((tags >> 2 * n & 3 != 3) << n for n in range(8))
        return {name: found[name] for name in wanted if name in found}

    def _syscall(self, uc: Any, data: object) -> None:
        """What the instruction does in QEMU in long mode (``helper_syscall``), with the flags
        of arithmetic off; Unicorn's own does nothing.  It adds the instruction's length to
        the pc behind this."""
        now = self.get(
            ("rip", "eflags", "efer", "star", "lstar", "cstar", "fmask", "hflags")
        )
        if ~now["efer"] & (_SCE | _LMA):
            raise NotEmulated("syscall outside of long mode")
        uc.reg_write(x86.UC_X86_REG_RCX, now["rip"] + 2)
        uc.reg_write(x86.UC_X86_REG_R11, now["eflags"] & ~_RF)
        uc.reg_write(x86.UC_X86_REG_EFLAGS, now["eflags"] & ~now["fmask"] & ~_RESET | 2)
        code = now["star"] >> 32 & 0xFFFC
        target = now["lstar" if now["hflags"] & _CS64 else "cstar"]
        self._change({
            "cs": code, "cs_base": 0, "cs_limit": 0xFFFFFFFF, "cs_flags": 0xA09B00,
            "ss": code + 8, "ss_base": 0, "ss_limit": 0xFFFFFFFF, "ss_flags": 0xC09300,
            "hflags": now["hflags"] & ~_CPL | _CS64 | _CS32 | _SS32, "_pc": target - 2 & (1 << 64) - 1,
        })  # fmt: skip

    def _sysenter(self, uc: Any, data: object) -> None:
        raise NotEmulated("sysenter")

    def _change(self, values: Mapping[str, int]) -> None:
        """Put what only a context has."""
        context = self.uc.context_save()
        data, size, *rest = context.__getstate__()
        made = bytearray(data)
        for name, (at, form) in self._at.items():
            if name in values:
                mask = {"hflags": _HFLAGS, "hflags2": _HFLAGS2}.get(name, (1 << 64) - 1)
                struct.pack_into(form, made, at, values[name] & mask)
        kind: Any = type(context)
        changed = kind.__new__(kind)
        changed.__setstate__((bytes(made), size, *rest))
        self.uc.context_restore(changed)

    def _places(self) -> dict[str, tuple[int, str]]:
        """By name, offset and form of what a context has; NoPlace if this is not the
        layout of QEMU 5."""
        uc = self.uc
        kept = uc.context_save()
        marked = (0x1234, _MARK, 0x99AABBCC, 0x00DDEE00)
        uc.reg_write(x86.UC_X86_REG_LDTR, marked)
        uc.reg_write(x86.UC_X86_REG_RIP, _MARK)
        for name in ("pat", "tsc_aux"):
            uc.reg_write(x86.UC_X86_REG_MSR, (_MSRS[name], _MARK + _MSRS[name]))
        data = bytes(uc.context_save())
        ldt = _only(data, _CACHE.pack(*marked))
        pat, aux = (
            _only(data, (_MARK + _MSRS[n]).to_bytes(8, "little"))
            for n in ("pat", "tsc_aux")
        )
        first = ldt - 6 * _CACHE.size
        made = {
            "_pc": (first - 56, "<Q"),
            "hflags": (first - 8, "<I"),
            "hflags2": (first - 4, "<I"),
        }
        for index, name in enumerate(_SEGMENTS):
            at = first + index * _CACHE.size
            made |= {
                name: (at, "<I"), f"{name}_base": (at + 8, "<Q"),
                f"{name}_limit": (at + 16, "<I"), f"{name}_flags": (at + 20, "<I"),
            }  # fmt: skip
        controls = first + 10 * _CACHE.size
        made |= {f"cr{n}": (controls + 8 * n, "<Q") for n in (0, 2, 3, 4)}
        made |= {
            "efer": (controls + 168, "<Q"), "xcr0": (aux + 8, "<Q"),
            "smbase": (pat + 8, "<I"), "smi_count": (pat + 16, "<Q"), "pkru": (pat + 24, "<I"),
        }  # fmt: skip
        for name, number in (
            ("_pc", x86.UC_X86_REG_RIP), ("cr0", x86.UC_X86_REG_CR0),
            ("cr3", x86.UC_X86_REG_CR3), ("cr4", x86.UC_X86_REG_CR4),
        ):  # fmt: skip
            _check(data, made[name], int(uc.reg_read(number)), name)
        _check(
            data, made["efer"], int(uc.reg_read(x86.UC_X86_REG_MSR, 0xC0000080)), "efer"
        )
        if not struct.unpack_from("<Q", data, aux + 8)[0] & 1:
            raise NoPlace("xcr0")
        uc.context_restore(kept)
        return made


def _check(data: bytes, place: tuple[int, str], value: int, name: str) -> None:
    if struct.unpack_from(place[1], data, place[0])[0] != value:
        raise NoPlace(name)


def _only(data: bytes, mark: bytes) -> int:
    """Where the mark is, which is there once."""
    if data.count(mark) != 1:
        raise NoPlace("the context")
    return data.index(mark)


# --- aarch64 -----------------------------------------------------------------------------

_A64 = {
    **{f"x{n}": getattr(a64, f"UC_ARM64_REG_X{n}") for n in range(31)},
    **{f"v{n}": getattr(a64, f"UC_ARM64_REG_V{n}") for n in range(32)},
    **{f"SP_EL{n}": getattr(a64, f"UC_ARM64_REG_SP_EL{n}") for n in range(4)},
    **{f"ELR_EL{n}": getattr(a64, f"UC_ARM64_REG_ELR_EL{n}") for n in range(1, 4)},
    "sp": a64.UC_ARM64_REG_SP, "cpsr": a64.UC_ARM64_REG_PSTATE,
    "fpsr": a64.UC_ARM64_REG_FPSR, "fpcr": a64.UC_ARM64_REG_FPCR,
    "pc": a64.UC_ARM64_REG_PC,
}  # fmt: skip
_SPSR: dict[str, Encoding] = {
    f"SPSR_EL{n}": (3, op1, 4, 0, 0) for n, op1 in ((1, 0), (2, 4), (3, 6))
}
_SCR: Encoding = (3, 6, 1, 1, 0)
_HCR: Encoding = (3, 4, 1, 1, 0)
_NOTHING: Encoding = (2, 0, 0, 2, 0)
_SCTLR: Encoding = (3, 0, 1, 0, 0)
_ESR: Encoding = (3, 0, 5, 2, 0)
_PAR: Encoding = (3, 0, 7, 4, 0)
_VBAR: Encoding = (3, 0, 12, 0, 0)
_MMFR1: Encoding = (3, 0, 0, 7, 1)
_AT_S1E0R: Encoding = (1, 0, 7, 8, 2)
_SWI = 2
"""QEMU's number of the exception of ``svc``."""
_SVC64 = 0x15 << 26 | 1 << 25
_EL, _A32, _EL1H, _DAIF, _PAN = 0xC, 0x10, 5, 0xF << 6, 1 << 22
_SPAN, _TGE = 1 << 23, 1 << 27
_FROM_BELOW = 0x400
_PAR_ADDRESS = 0xFFFF_FFFF_F000
_MODELS = (
    a64.UC_CPU_ARM64_A57, a64.UC_CPU_ARM64_A53, a64.UC_CPU_ARM64_A72,
    a64.UC_CPU_ARM64_MAX,
)  # fmt: skip


class EmulatedArm:
    """A CPU in AArch64.

    The emulator's own has EL2 and EL3, which say that the levels below are not secure and
    of 64 bits where the saved CPU did not have them.
    """

    def __init__(
        self,
        values: Mapping[str, int],
        encodings: Mapping[str, Encoding],
        uc: Any = None,
    ) -> None:
        self._system = {**_SPSR, **encodings}
        self._absent: set[Encoding] = set()
        self.uc = uc or min(
            map(_arm, _MODELS), key=lambda one: self._strange(one, values)
        )
        if uc is None:
            self.uc.hook_add(unicorn.UC_HOOK_INTR, self._exception)
        # A register that does nothing has no place of its own: Unicorn has one for all.
        self._write(_NOTHING, _MARK)
        self._absent = {
            one for one in self._system.values() if self._read(one) == _MARK
        }
        self._write(_NOTHING, 0)

    def _strange(self, uc: Any, values: Mapping[str, int]) -> int:
        """How many of the registers that say what the CPU is have another value there."""
        self.uc = uc
        return sum(
            self._read(encoding) not in (None, values[name])
            for name, encoding in self._system.items()
            if name in values and _identifies(encoding)
        )

    def put(self, values: Mapping[str, int]) -> None:
        """Write registers."""
        self.uc.reg_write(a64.UC_ARM64_REG_PSTATE, values["cpsr"])
        named = set(self._system.values())
        # NS, HCE and RW, and bits that are one.
        for encoding, value in (_SCR, 0x531), (_HCR, 1 << 31):
            if encoding not in named:
                self._write(encoding, value)
        for name, encoding in self._system.items():
            # What says of the CPU what it is cannot be written.
            if name not in values or _identifies(encoding):
                continue
            if self._read(encoding) not in (None, values[name]):
                self._write(encoding, values[name])
        for name, number in _A64.items():
            if name in values:
                self.uc.reg_write(number, values[name])

    def get(self, names: Iterable[str]) -> dict[str, int]:
        """Read registers."""
        found: dict[str, int] = {}
        for name in names:
            if name in _A64:
                found[name] = int(self.uc.reg_read(_A64[name]))
            elif name in self._system:
                value = self._read(self._system[name])
                if value is not None:
                    found[name] = value
        return found

    def _exception(self, uc: Any, number: int, data: object) -> None:
        """``svc`` of a process enters the kernel at EL1 (``arm_cpu_do_interrupt_aarch64``);
        the pc is behind it here.  Any other exception stops the emulator."""
        state, pc = int(uc.reg_read(_A64["cpsr"])), int(uc.reg_read(_A64["pc"]))
        word = None
        if number == _SWI and not state & (_A32 | _EL) and not self._known(_HCR) & _TGE:
            word = self._word(pc - 4)
        if word is None:
            raise unicorn.UcError(unicorn.UC_ERR_EXCEPTION)
        pan = state & _PAN
        if self._known(_MMFR1) >> 20 & 15 and not self._known(_SCTLR) & _SPAN:
            pan = _PAN
        values = {
            "ELR_EL1": pc, "cpsr": _DAIF | _EL1H | pan, "SP_EL0": uc.reg_read(_A64["sp"]),
            "sp": uc.reg_read(_A64["SP_EL1"]), "pc": self._known(_VBAR) + _FROM_BELOW,
        }  # fmt: skip
        for name, value in values.items():
            uc.reg_write(_A64[name], value)
        # Behind cpsr: with these Unicorn takes note of the level that the CPU is in.
        self._write(_SPSR["SPSR_EL1"], state)
        self._write(_ESR, _SVC64 | word >> 5 & 0xFFFF)

    def _word(self, address: int) -> int | None:
        """An instruction of a process; None if no process reads there."""
        kept = self._known(_PAR)
        self._write(_AT_S1E0R, address)
        found = self._known(_PAR)
        self._write(_PAR, kept)
        if found & 1:
            return None
        place = found & _PAR_ADDRESS | address & PAGE - 1
        return int.from_bytes(self.uc.mem_read(place, 4), "little")

    def _known(self, encoding: Encoding) -> int:
        """A register's value; 0 of one that the emulator does not have."""
        return self._read(encoding) or 0

    def _read(self, encoding: Encoding) -> int | None:
        if encoding in self._absent:
            return None
        op0, op1, crn, crm, op2 = encoding
        where = (crn, crm, op0, op1, op2)
        try:
            with _told():
                return int(self.uc.reg_read(a64.UC_ARM64_REG_CP_REG, where))
        except unicorn.UcError as error:
            if error.errno != unicorn.UC_ERR_ARG:
                raise
            return None

    def _write(self, encoding: Encoding, value: int) -> None:
        op0, op1, crn, crm, op2 = encoding
        self.uc.reg_write(a64.UC_ARM64_REG_CP_REG, (crn, crm, op0, op1, op2, value))


def _arm(model: int) -> Any:
    made = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
    made.ctl_set_cpu_model(model)
    return made


def _identifies(encoding: Encoding) -> bool:
    return encoding[1] == 0 and encoding[2] == 0


_BREAK = "UC_IGNORE_REG_BREAK"


@contextmanager
def _told() -> Iterator[None]:
    """Inside, Unicorn 2.1 answers with an error for a register that it does not have, as
    2.2 does; else it prints a warning and answers with zero."""
    before = os.environ.get(_BREAK)
    os.environ[_BREAK] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_BREAK]
        else:
            os.environ[_BREAK] = before


# --- riscv64 -----------------------------------------------------------------------------

_STATUS, _FS = "mstatus", 3 << 13
_FLOATS = "t0 t1 t2 t3 t4 t5 t6 t7 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t8 t9 t10 t11"
# frm is there while mstatus.FS is not 0; mstatus is while the privilege is the highest.
_RV = {
    name: getattr(rv, f"UC_RISCV_REG_{name.upper()}") for name in (
        "ra", "sp", "gp", "tp", "fp", *(f"t{n}" for n in range(7)),
        *(f"s{n}" for n in range(1, 12)), *(f"a{n}" for n in range(8)),
        *(f"f{name}" for name in _FLOATS.split()),
        "frm", "mideleg", "medeleg", "mie", "mtvec", "mcounteren", "mscratch", "mepc",
        "mcause", "mtval", "stvec", "scounteren", "sscratch", "sepc", "scause", "stval",
        "satp", _STATUS, "priv", "pc",
    )
}  # fmt: skip


_SIE, _SPIE, _SPP, _MIE, _MPIE, _MPP = 1 << 1, 1 << 5, 1 << 8, 1 << 3, 1 << 7, 3 << 11
_ECALL = 8
"""QEMU 5's number of the exception of ``ecall``; the cause has the level added."""


class EmulatedRiscV:
    """A hart of 64 bits without the vector and the hypervisor extension."""

    def __init__(self, uc: Any = None) -> None:
        self.uc = uc or unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64)
        if uc is None:
            self.uc.hook_add(unicorn.UC_HOOK_INTR, self._exception)

    def put(self, values: Mapping[str, int]) -> None:
        """Write registers."""
        self.uc.reg_write(_RV[_STATUS], values[_STATUS] | _FS)
        for name, number in _RV.items():
            if name in values:
                self.uc.reg_write(number, values[name])

    def get(self, names: Iterable[str]) -> dict[str, int]:
        """Read registers.  Unicorn 2.1 answers with what was in the buffer where the
        privilege of the CPU does not suffice for a register: it is given the highest for
        the time."""
        uc, level = self.uc, int(self.uc.reg_read(_RV["priv"]))
        uc.reg_write(_RV["priv"], 3)
        status = int(uc.reg_read(_RV[_STATUS]))
        uc.reg_write(_RV[_STATUS], status | _FS)
        found = {name: int(uc.reg_read(_RV[name])) for name in names if name in _RV}
        uc.reg_write(_RV[_STATUS], status)
        uc.reg_write(_RV["priv"], level)
        for name, value in ("priv", level), (_STATUS, status):
            if name in found:
                found[name] = value
        return found

    def _exception(self, uc: Any, number: int, data: object) -> None:
        """``ecall`` enters the level that it is delegated to (``riscv_cpu_do_interrupt``);
        the pc is behind it here.  Any other exception stops the emulator."""
        if number != _ECALL:
            raise unicorn.UcError(unicorn.UC_ERR_EXCEPTION)
        now = self.get(("priv", "pc", _STATUS, "medeleg", "stvec", "mtvec"))
        status, level = now[_STATUS], now["priv"]
        cause = _ECALL + level
        if level < 3 and now["medeleg"] >> cause & 1:
            to, enter = "s", 1
            before = (status & _SIE) << 4 | level << 8
            status &= ~(_SIE | _SPIE | _SPP)
        else:
            to, enter = "m", 3
            before = (status & _MIE) << 4 | level << 11
            status &= ~(_MIE | _MPIE | _MPP)
        values = {
            "priv": 3, _STATUS: status | before, f"{to}cause": cause,
            f"{to}epc": now["pc"] - 4, f"{to}tval": 0, "pc": now[f"{to}tvec"] & ~3,
        }  # fmt: skip
        for name, value in values.items():
            uc.reg_write(_RV[name], value)
        uc.reg_write(_RV["priv"], enter)
