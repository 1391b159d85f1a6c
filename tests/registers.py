"""What gdb calls a register, and where QEMU's CPU structs keep it.

For every target a function gives, from the state of the ``cpu`` section (plain attribute
access: the generated classes have the C structs' own names), the value that the gdbstub
would show for each register it knows how to find: gdb's name -> integer.  Registers whose
subsection is absent are left out.  The facts are those of ``target/*/gdbstub.c``.
"""

from __future__ import annotations

import re
from typing import Any

HF_CS64 = 1 << 15
"""The hidden flag of x86's 64-bit code segments (``HF_CS64_MASK``)."""


def at(state: Any, path: str) -> Any:
    """The value at a path such as ``vector.env.vreg[3]``, None below an absent part."""
    for name, subscript in re.findall(r"(\w+)|\[(\d+)\]", path):
        if state is None:
            return None
        state = getattr(state, name) if name else state[int(subscript)]
    return state


class Found(dict[str, int]):
    """The expected registers.

    ``put`` leaves out what is absent from the state, or from the release's tables.
    """

    def __init__(self, state: Any) -> None:
        super().__init__()
        self.state = state

    def put(self, name: str, path: str, mask: int = -1) -> None:
        if not hasattr(self.state, path.partition(".")[0]):
            return
        value = at(self.state, path)
        if value is not None:
            self[name] = value & mask if mask != -1 else value

    def put_words(self, name: str, *paths: str, width: int = 64) -> None:
        """Several words, the lowest first."""
        values = [at(self.state, path) for path in paths]
        if None not in values:
            self[name] = sum(
                value << width * number for number, value in enumerate(values)
            )


def listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# --- RISC-V -------------------------------------------------------------------------

RISCV_GENERAL = listed("""zero ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7
    s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6""")
RISCV_FLOATING = listed(
    """ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7
    fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11"""
)
RISCV_CONTROL = listed(
    """frm mhartid mip mie mideleg satp stval medeleg stvec sepc scause mtvec mepc
    mcause mtval scounteren mcounteren mcountinhibit sscratch mscratch miselect
    siselect mvien mvip"""
)
RISCV_HYPERVISOR = listed(
    """hedeleg hideleg hcounteren htval htinst hgatp vsstatus vstvec vsscratch vsepc
    vscause vstval vsatp mtval2 mtinst htimedelta hgeie"""
)


def riscv(state: Any, xlen: int, vector_bytes: int) -> Found:
    found = Found(state)
    narrow = (1 << xlen) - 1
    for number, name in enumerate(RISCV_GENERAL):
        found.put(name, f"env.gpr[{number}]")
    for number, name in enumerate(RISCV_FLOATING):
        found.put(name, f"env.fpr[{number}]")
    found.put("pc", "env.pc")
    found.put("priv", "env.priv")
    for name in RISCV_CONTROL:
        if hasattr(state.env, name):
            found.put(name, f"env.{name}", narrow)
    for name in RISCV_HYPERVISOR:
        found.put(name, f"hyper.env.{name}", narrow)
    for name in ("menvcfg", "senvcfg"):
        found.put(name, f"envcfg.env.{name}", narrow)
    for number in range(4):
        found.put(f"mstateen{number}", f"smtateen.env.mstateen[{number}]", narrow)
    mstatus = state.env.mstatus
    dirty = any(mstatus & field == field for field in (0x600, 0x6000, 0x18000))
    found["mstatus"] = (mstatus & narrow) | dirty << (xlen - 1)
    found["misa"] = state.env.misa_ext | state.env.misa_mxl << (xlen - 2)
    for number in range(16):
        found.put(f"pmpaddr{number}", f"pmp.env.pmp_state.pmp[{number}].addr_reg")
    bytes_ = xlen // 8
    for first in range(0, 16, bytes_):
        cfgs = (f"pmp.env.pmp_state.pmp[{first + n}].cfg_reg" for n in range(bytes_))
        found.put_words(f"pmpcfg{first // 4}", *cfgs, width=8)
    if state.vector is not None and vector_bytes:
        words = vector_bytes // 8
        for number in range(32):
            paths = (f"vector.env.vreg[{number * words + n}]" for n in range(words))
            found.put_words(f"v{number}", *paths)
        for name in ("vstart", "vxsat", "vxrm", "vl"):
            found.put(name, f"vector.env.{name}")
        found["vtype"] = at(state, "vector.env.vtype") | int(
            at(state, "vector.env.vill")
        ) << (xlen - 1)
    found.put("tselect", "debug.env.trigger_cur")
    found.put("ssp", "ssp.env.ssp")
    if hasattr(state.env, "mhpmevent_val"):
        for number in range(3, 32):
            found.put(f"mhpmevent{number}", f"env.mhpmevent_val[{number}]")
    return found


# --- x86 ----------------------------------------------------------------------------

X86_GENERAL = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di")
X86_SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs")


def x86(state: Any, bits: int, release: tuple[int, int]) -> Found:
    """Outside 64-bit code the stub shows 32 bits of the general registers and of the
    instruction pointer, and no r8 to r15."""
    found = Found(state)
    long_mode = bits == 64 and bool(state.env.hflags & HF_CS64)
    mask = -1 if long_mode else 0xFFFFFFFF
    prefix = "r" if bits == 64 else "e"
    for number, name in enumerate(X86_GENERAL):
        found.put(prefix + name, f"env.regs[{number}]", mask)
    if bits == 64:
        for number in range(8, 16):
            found.put(f"r{number}", f"env.regs[{number}]", -1 if long_mode else 0)
    found.put(f"{prefix}ip", "env.eip", mask)
    found.put("eflags", "env.eflags")
    for number, name in enumerate(X86_SEGMENTS):
        found.put(name, f"env.segs[{number}].selector")
    found.put("fs_base", "env.segs[4].base")
    found.put("gs_base", "env.segs[5].base")
    for number in (0, 2, 3, 4):
        found.put(f"cr{number}", f"env.cr[{number}]")
    if bits == 64:
        found.put("k_gs_base", "env.kernelgsbase")
    found.put("efer", "env.efer" if hasattr(state.env, "efer") else "efer32.env.efer")
    # The stub of 7.2 shows the stack as it lies in memory.
    top = state.env.fpus_vmstate >> 11 & 7 if release > (7, 2) else 0
    for number in range(8):
        register = fpreg(state, (number + top) % 8)
        found.put_words(f"st{number}", f"{register}.tmp_mant", f"{register}.tmp_exp")
    found.put("fctrl", "env.fpuc")
    found.put("fstat", "env.fpus_vmstate")
    found.put("mxcsr", "env.mxcsr")
    for number in range(16 if bits == 64 else 8):
        register = f"env.xmm_regs[{number}]._q_ZMMReg"
        found.put_words(f"xmm{number}", f"{register}[0]", f"{register}[1]")
    return found


def fpreg(state: Any, number: int) -> str:
    """Where one x87 register's mantissa and exponent are: in the temporary that its
    description goes through."""
    return f"env.fpregs[{number}].tmp"


# --- Arm ----------------------------------------------------------------------------


def system_register(op1: int, crn: int, crm: int, op2: int) -> int:
    """The 64-bit id (KVM's) under which an AArch64 system register (op0 3) travels."""
    return 0x6030_0000_0013_0000 | 3 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2


def coprocessor_register(opc1: int, crn: int, crm: int, opc2: int) -> int:
    """The id of a 32-bit register of coprocessor 15."""
    return 0x4020_0000_000F_0000 | crn << 11 | crm << 7 | opc1 << 3 | opc2


AARCH64_SYSTEM = {
    "SCTLR": (0, 1, 0, 0), "CPACR": (0, 1, 0, 2), "TTBR0_EL1": (0, 2, 0, 0),
    "TTBR1_EL1": (0, 2, 0, 1), "TCR_EL1": (0, 2, 0, 2), "AFSR0_EL1": (0, 5, 1, 0),
    "ESR_EL1": (0, 5, 2, 0), "FAR_EL1": (0, 6, 0, 0), "PAR_EL1": (0, 7, 4, 0),
    "MAIR_EL1": (0, 10, 2, 0), "VBAR": (0, 12, 0, 0), "CONTEXTIDR_EL1": (0, 13, 0, 1),
    "TPIDR_EL1": (0, 13, 0, 4), "CNTKCTL": (0, 14, 1, 0), "CSSELR": (2, 0, 0, 0),
    "PMCR_EL0": (3, 9, 12, 0), "PMUSERENR_EL0": (3, 9, 14, 0), "TPIDR_EL0": (3, 13, 0, 2),
    "TPIDRRO_EL0": (3, 13, 0, 3), "CNTFRQ_EL0": (3, 14, 0, 0), "CNTP_CVAL_EL0": (3, 14, 2, 2),
    "CNTV_CVAL_EL0": (3, 14, 3, 2),
}  # fmt: skip
AARCH32_SYSTEM = {
    "SCTLR": (0, 1, 0, 0), "CPACR": (0, 1, 0, 2), "TTBCR": (0, 2, 0, 2), "DACR": (0, 3, 0, 0),
    "DFSR": (0, 5, 0, 0), "IFSR": (0, 5, 0, 1), "DFAR": (0, 6, 0, 0), "IFAR": (0, 6, 0, 2),
    "VBAR": (0, 12, 0, 0), "FCSEIDR": (0, 13, 0, 0), "TPIDRURW": (0, 13, 0, 2),
    "TPIDRURO": (0, 13, 0, 3), "TPIDRPRW": (0, 13, 0, 4), "CNTFRQ": (0, 14, 0, 0),
    "CNTKCTL": (0, 14, 1, 0), "PMUSERENR": (0, 9, 14, 0),
}  # fmt: skip


def system_registers(state: Any) -> dict[int, int]:
    return dict(
        zip(state.cpreg_vmstate_indexes, state.cpreg_vmstate_values, strict=True)
    )


def aarch64(state: Any) -> Found:
    found = Found(state)
    for number in range(31):
        found.put(f"x{number}", f"env.xregs[{number}]")
    found.put("sp", "env.xregs[31]")
    found.put("pc", "env.pc")
    found.put("cpsr", "cpsr")
    for number in range(32):
        register = f"vfp.env.vfp.zregs[{number}].d"
        found.put_words(f"v{number}", f"{register}[0]", f"{register}[1]")
    for level, name in ((0, "SP_EL0"), (1, "SP_EL1")):
        found.put(name, f"env.sp_el[{level}]")
    found.put("ELR_EL1", "env.elr_el[1]")
    by_id = system_registers(state)
    for name, encoding in AARCH64_SYSTEM.items():
        if (id_ := system_register(*encoding)) in by_id:
            found[name] = by_id[id_]
    return found


def arm(state: Any) -> Found:
    """A and R profile: the current mode's registers."""
    found = Found(state)
    for number in range(13):
        found.put(f"r{number}", f"env.regs[{number}]")
    for number, name in ((13, "sp"), (14, "lr"), (15, "pc")):
        found.put(name, f"env.regs[{number}]")
    found.put("cpsr", "cpsr")
    for number in range(32):
        found.put(f"d{number}", f"vfp.env.vfp.zregs[{number // 2}].d[{number % 2}]")
    for number in range(16):
        register = f"vfp.env.vfp.zregs[{number}].d"
        # The stub puts the halves of a q register the other way round.
        found.put_words(f"q{number}", f"{register}[1]", f"{register}[0]")
    found.put("fpscr", "vfp.fpscr")
    found.put("fpsid", "vfp.env.vfp.xregs[0]")
    found.put("fpexc", "vfp.env.vfp.xregs[8]")
    by_id = system_registers(state)
    for name, encoding in AARCH32_SYSTEM.items():
        if (id_ := coprocessor_register(*encoding)) in by_id:
            found[name] = by_id[id_]
    return found


def arm_m(state: Any) -> Found:
    """M profile, without the security extension."""
    found = Found(state)
    for number in range(13):
        found.put(f"r{number}", f"env.regs[{number}]")
    for number, name in ((13, "sp"), (14, "lr"), (15, "pc")):
        found.put(name, f"env.regs[{number}]")
    found.put("xpsr", "cpsr")
    found.put("control", "m.env.v7m.control[0]")
    found.put("basepri", "m.env.v7m.basepri[0]")
    found.put("primask", "m.faultmask_primask.env.v7m.primask[0]")
    found.put("faultmask", "m.faultmask_primask.env.v7m.faultmask[0]")
    process_stack = bool(at(state, "m.env.v7m.control[0]") & 2)
    found.put("msp", "m.other_sp.env.v7m.other_sp" if process_stack else "env.regs[13]")
    found.put("psp", "env.regs[13]" if process_stack else "m.other_sp.env.v7m.other_sp")
    return found


# --- PowerPC ------------------------------------------------------------------------

PPC_SPECIAL = {
    "dscr": 17, "dsisr": 18, "dar": 19, "sdr1": 25, "srr0": 26, "srr1": 27, "amr": 29,
    "vrsave": 256, "sprg0": 272, "sprg1": 273, "sprg2": 274, "sprg3": 275, "ear": 282,
    "pvr": 287, "hsprg0": 304, "hsprg1": 305, "hsrr0": 314, "hsrr1": 315, "lpcr": 318,
    "lpidr": 319, "pcr": 338, "tar": 815, "hid0": 1008, "hid1": 1009, "iabr": 1010,
    "dabr": 1013, "l2cr": 1017, "ictc": 1019, "thrm1": 1020, "thrm2": 1021, "thrm3": 1022,
    "fscr": 153, "uamor": 157,
} | {
    f"{kind}bat{number}{half}": first + 2 * number + offset
    for kind, first in (("i", 528), ("d", 536))
    for number in range(4)
    for half, offset in (("u", 0), ("l", 1))
}  # fmt: skip


def ppc(state: Any) -> Found:
    """lr, ctr and xer travel in the special purpose registers (``cpu_pre_save``), and
    the words of a vector register in the order of a little-endian host's memory."""
    found = Found(state)
    for number in range(32):
        found.put(f"r{number}", f"env.gpr[{number}]")
        found.put(f"f{number}", f"fpu.env.vsr[{number}]")
    found.put("pc", "env.nip")
    found.put("msr", "env.msr")
    fields = (f"env.crf[{7 - number}]" for number in range(8))
    found.put_words("cr", *fields, width=4)
    for name, number in (("xer", 1), ("lr", 8), ("ctr", 9)):
        found.put(name, f"env.spr[{number}]")
    found.put("fpscr", "fpu.env.fpscr", 0xFFFFFFFF)
    for name, number in PPC_SPECIAL.items():
        found.put(name, f"env.spr[{number}]")
    if state.altivec is not None:
        for number in range(32):
            words = at(state, f"altivec.env.vsr[{32 + number}].u64")
            found[f"vr{number}"] = words[1] << 64 | words[0]
    if state.vsx is not None:
        for number in range(32):
            found.put(f"vs{number}h", f"vsx.env.vsr[{number}]")
    return found


def expected(
    target: str,
    state: Any,
    vector_bytes: int = 0,
    release: tuple[int, int] = (10, 0),
) -> Found:
    """What the gdbstub of that target and QEMU release would show for this state.

    ``vector_bytes`` is the length of a RISC-V vector register.
    """
    match target:
        case "riscv32" | "riscv64":
            return riscv(state, int(target[-2:]), vector_bytes)
        case "i386" | "x86_64":
            return x86(state, 64 if target == "x86_64" else 32, release)
        case "aarch64":
            return aarch64(state)
        case "arm":
            return arm(state) if state.m is None else arm_m(state)
        case "ppc" | "ppc64":
            return ppc(state)
    raise ValueError(f"no registers for the target {target}")
