"""CPU registers by the names that assemblers and debuggers give them.

Facts only: where the CPU's table of each target keeps a register (``target/*/gdbstub.c``
and the tables in ``target/*/machine.c``).  A register is one integer; what is kept in
several words (vectors, x87) goes by its field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from vmgen.stream import paths
from vmgen.stream.codecs import Codecs
from vmgen.stream.errors import Ambiguous, NotFound
from vmgen.stream.parts import Section

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NAME = r"\.?(\w+)"


def _row(pattern: str, names: str) -> dict[str, str]:
    """The words of ``names``, numbered into the pattern."""
    return {name: pattern.format(number) for number, name in enumerate(names.split())}


def _numbered(stem: str, pattern: str, count: int) -> dict[str, str]:
    return {f"{stem}{number}": pattern.format(number) for number in range(count)}


def _named(pattern: str, names: str) -> dict[str, str]:
    return {name: pattern.format(name) for name in names.split()}


def _riscv() -> dict[str, str]:
    general = (
        "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 "
        "s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"
    )
    floating = (
        "ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 "
        "fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11"
    )
    control = (
        "pc priv frm mhartid mstatus mip mie mideleg satp stval medeleg stvec sepc scause "
        "mtvec mepc mcause mtval scounteren mcounteren mcountinhibit sscratch mscratch"
    )
    hypervisor = (
        "hstatus hedeleg hideleg hcounteren htval htinst hgatp vsstatus vstvec vsscratch "
        "vsepc vscause vstval vsatp mtval2 mtinst htimedelta"
    )
    return {
        **_row("env.gpr[{}]", general),
        **_numbered("x", "env.gpr[{}]", 32),
        "fp": "env.gpr[8]",
        **_row("env.fpr[{}]", floating),
        **_numbered("f", "env.fpr[{}]", 32),
        **_named("env.{}", control),
        **_named("hyper.env.{}", hypervisor),
        **_named("vector.env.{}", "vstart vxsat vxrm vl vtype"),
        **_numbered("pmpaddr", "pmp.env.pmp_state.pmp[{}].addr_reg", 16),
    }


def _x86(prefix: str) -> dict[str, str]:
    general = " ".join(
        f"{prefix}{name}" for name in ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"]
    )
    made = _row("env.regs[{}]", general)
    if prefix == "r":
        made |= {f"r{number}": f"env.regs[{number}]" for number in range(8, 16)}
    made |= {f"{prefix}ip": "env.eip", "pc": "env.eip", "sp": "env.regs[4]"}
    made |= {"eflags": "env.eflags", f"{prefix}flags": "env.eflags"}
    made |= _row("env.segs[{}].selector", "es cs ss ds fs gs")
    made |= _row("env.segs[{}].base", "es_base cs_base ss_base ds_base fs_base gs_base")
    made |= {f"cr{number}": f"env.cr[{number}]" for number in (0, 2, 3, 4)}
    made |= _numbered("dr", "env.dr[{}]", 8)
    return made | {"fctrl": "env.fpuc", "mxcsr": "env.mxcsr", "efer": "env.efer"}


def _arm() -> dict[str, str]:
    return {
        **_numbered("r", "env.regs[{}]", 16),
        "fp": "env.regs[11]",
        "ip": "env.regs[12]",
        "sp": "env.regs[13]",
        "lr": "env.regs[14]",
        "pc": "env.regs[15]",
        "cpsr": "cpsr",
        **{
            f"d{number}": f"vfp.env.vfp.zregs[{number // 2}].d[{number % 2}]"
            for number in range(32)
        },
        "fpscr": "vfp.fpscr",
    }


def _aarch64() -> dict[str, str]:
    return {
        **_numbered("x", "env.xregs[{}]", 31),
        "fp": "env.xregs[29]",
        "lr": "env.xregs[30]",
        "sp": "env.xregs[31]",
        "pc": "env.pc",
        "cpsr": "cpsr",
        "pstate": "cpsr",
        **_numbered("d", "vfp.env.vfp.zregs[{}].d[0]", 32),
        **_numbered("sp_el", "env.sp_el[{}]", 4),
        **{f"elr_el{number}": f"env.elr_el[{number}]" for number in (1, 2, 3)},
    }


def _ppc() -> dict[str, str]:
    special = {
        "xer": 1, "lr": 8, "ctr": 9, "dsisr": 18, "dar": 19, "srr0": 26, "srr1": 27,
        "vrsave": 256, "sprg0": 272, "sprg1": 273, "sprg2": 274, "sprg3": 275, "pvr": 287,
        "lpcr": 318, "tar": 815, "hid0": 1008,
    }  # fmt: skip
    return {
        **_numbered("r", "env.gpr[{}]", 32),
        "sp": "env.gpr[1]",
        "pc": "env.nip",
        "nip": "env.nip",
        "msr": "env.msr",
        **_numbered("cr", "env.crf[{}]", 8),
        **{name: f"env.spr[{number}]" for name, number in special.items()},
        **_numbered("f", "fpu.env.vsr[{}]", 32),
        "fpscr": "fpu.env.fpscr",
    }


def _s390x() -> dict[str, str]:
    return {
        **_numbered("r", "env.regs[{}]", 16),
        "sp": "env.regs[15]",
        "pc": "env.psw.addr",
        "pswa": "env.psw.addr",
        "pswm": "env.psw.mask",
        **_numbered("a", "env.aregs[{}]", 16),
        **_numbered("c", "env.cregs[{}]", 16),
    }


def _mips() -> dict[str, str]:
    general = (
        "zero at v0 v1 a0 a1 a2 a3 t0 t1 t2 t3 t4 t5 t6 t7 "
        "s0 s1 s2 s3 s4 s5 s6 s7 t8 t9 k0 k1 gp sp s8 ra"
    )
    return {
        **_row("env.active_tc.gpr[{}]", general),
        **_numbered("r", "env.active_tc.gpr[{}]", 32),
        "fp": "env.active_tc.gpr[30]",
        "pc": "env.active_tc.PC",
        "hi": "env.active_tc.HI[0]",
        "lo": "env.active_tc.LO[0]",
        "status": "env.CP0_Status",
        "cause": "env.CP0_Cause",
        "epc": "env.CP0_EPC",
        "badvaddr": "env.CP0_BadVAddr",
    }


def _sparc() -> dict[str, str]:
    """The windows (o, l, i) move in ``env.regbase`` with the window pointer."""
    return {
        **_numbered("g", "env.gregs[{}]", 8),
        **_named("env.{}", "pc npc y wim tbr"),
    }


def _m68k() -> dict[str, str]:
    return {
        **_numbered("d", "env.dregs[{}]", 8),
        **_numbered("a", "env.aregs[{}]", 8),
        "fp": "env.aregs[6]",
        "sp": "env.aregs[7]",
        "pc": "env.pc",
        "sr": "env.sr",
    }


_TABLES = {
    "riscv32": _riscv, "riscv64": _riscv, "i386": lambda: _x86("e"),
    "x86_64": lambda: _x86("r"), "arm": _arm, "aarch64": _aarch64, "ppc": _ppc,
    "ppc64": _ppc, "s390x": _s390x, "mips": _mips, "mipsel": _mips, "mips64": _mips,
    "mips64el": _mips, "sparc": _sparc, "m68k": _m68k,
}  # fmt: skip


@cache
def table(target: str) -> Mapping[str, str]:
    """By name, the path of every register in the state of the target's CPU section.

    Names are lower case; several may mean the same.  Empty for a target without one.
    """
    return _TABLES[target]() if target in _TABLES else {}


def is_cpu(section: Section) -> bool:
    """Whether a section is that of a CPU."""
    return section.kind == "full" and section.name.rpartition("/")[2] == "cpu"


def meant(codecs: Codecs | None, section: Section, value: Any, rest: str) -> str:
    """The path in a section's values, where ``rest`` is a register's name.

    What is a field's path already stays as it is, and so does what is neither.
    """
    match = re.fullmatch(_NAME, rest)
    if match is None or codecs is None or not is_cpu(section):
        return rest
    path = table(codecs.target).get(match[1].lower())
    if path is None or paths.resolve(value, rest) is not None:
        return rest
    return next((f".{found}" for found, _ in _there(value, path)), rest)


def _there(value: Any, path: str) -> Iterator[tuple[str, list[paths.Step]]]:
    """The path as the values have it, and its steps: subsections are called by their wire
    names where only the description knows them."""
    for found in (path, f"cpu/{path}"):
        steps = paths.resolve(value, found)
        if steps is not None:
            yield found, steps


def split(
    codecs: Codecs | None, sections: Iterable[Section], text: str
) -> tuple[Section, str]:
    """Like :func:`vmgen.stream.paths.split`; a register alone is that of the only CPU.

    Raises NotFound, or Ambiguous for a register where there are several CPUs.
    """
    known: Sequence[Section] = list(sections)
    try:
        return paths.split(known, text)
    except NotFound as error:
        if codecs is None:
            raise _unnamed(error, text) from None
        if text.lower() not in table(codecs.target):
            raise
    found = [section for section in known if is_cpu(section)]
    if len(found) > 1:
        choices = ", ".join(f"{section.path}.{text}" for section in found)
        raise Ambiguous(f"several CPUs: {choices}", None, text)
    if not found:
        raise NotFound("there is no CPU in the stream", None, text)
    return found[0], f".{text}"


def _unnamed(error: NotFound, text: str) -> NotFound:
    """The error for what may be a register, where no codecs say of which target."""
    if not text.isalnum():
        return error
    hint = "registers have names where there are codecs: --codecs or --qemu"
    return NotFound(error.message, None, error.path, hint)


def values(codecs: Codecs | None, section: Section, value: Any) -> dict[str, int]:
    """The registers of a CPU by name, every one once; empty for what is none."""
    if codecs is None or not is_cpu(section):
        return {}
    made: dict[str, int] = {}
    seen: set[str] = set()
    for name, path in table(codecs.target).items():
        if path in seen:
            continue
        _, steps = next(_there(value, path), ("", None))
        if steps is None:
            continue
        found = value
        for step in steps:
            found = paths.at(found, step)
        if isinstance(found, int):
            seen.add(path)
            made[name] = found
    return made
