"""What QEMU keeps of an x86 CPU beside its registers: ``hflags``, which follow from them."""

from __future__ import annotations

from vmgen.stream.registers import RegisterFile

TARGETS = ("i386", "x86_64")
LONG = 62
"""``EM_X86_64``: QEMU writes it of a CPU in long mode."""

_CPL, _CS32, _SS32, _ADDSEG, _PE, _LMA, _CS64 = (
    3,
    1 << 4,
    1 << 5,
    1 << 6,
    1 << 7,
    1 << 14,
    1 << 15,
)
_OSFXSR, _SMAP, _UMIP, _AVX = 1 << 22, 1 << 23, 1 << 27, 1 << 28
_FPU = 7 << 9
"""MP, EM and TS, which are bits 1 to 3 of cr0."""
_FLAGS = 1 << 8 | 3 << 12 | 1 << 17
"""TF, IOPL and VM, as they are in eflags."""
FOLLOWING = (
    _CPL | _CS32 | _SS32 | _ADDSEG | _PE | _CS64 | _OSFXSR | _SMAP | _UMIP | _AVX | _FPU
    | _FLAGS
)  # fmt: skip

_L, _B, _DPL = 1 << 21, 1 << 22, 13
_AVX_STATE = 6


def is_long(file: RegisterFile) -> bool:
    """Whether the CPU is in long mode."""
    return bool(file.read("hflags").value & _LMA)


def settle(file: RegisterFile) -> None:
    """Make ``hflags`` what the registers say (``x86_update_hflags``, target/i386/cpu.c;
    ``cpu_x86_update_cr4`` and ``cpu_sync_avx_hflag``, target/i386/helper.c).

    What follows from registers that no core has stays as it is.
    """
    old = file.read("hflags").value
    new = old & ~FOLLOWING
    cr0, cr4, flags = (file.read(name).value for name in ("cr0", "cr4", "eflags"))
    code, stack = (file.read(f"{name}_flags").value for name in ("cs", "ss"))
    new |= stack >> _DPL & _CPL
    new |= (cr0 & 1) << 7 | (cr0 << 8) & _FPU | flags & _FLAGS
    new |= _OSFXSR * (cr4 >> 9 & 1) | _UMIP * (cr4 >> 11 & 1) | _SMAP * (cr4 >> 21 & 1)
    if cr4 >> 18 & 1 and file.read("xcr0").value & _AVX_STATE == _AVX_STATE:
        new |= _AVX
    if old & _LMA and code & _L:
        new |= _CS32 | _SS32 | _CS64
    else:
        new |= _CS32 * bool(code & _B) | _SS32 * bool(stack & _B)
        real = not cr0 & 1 or flags >> 17 & 1 or not new & _CS32
        bases = (file.read(f"{name}_base").value for name in ("ds", "es", "ss"))
        if real or any(bases):
            new |= _ADDSEG
    file.write("hflags", new)
