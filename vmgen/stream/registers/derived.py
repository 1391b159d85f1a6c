"""Registers that QEMU makes of others, and that no table of paths can say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Number = Callable[[str], int | None]
"""What gives the number at a path of a CPU's values, None where there is none."""

_FS, _VS, _XS = 0x6000, 0x600, 0x18000


def _dirty(number: Number) -> int | None:
    """SD of a RISC-V mstatus: one of FS, VS and XS is dirty (``add_status_sd``,
    target/riscv/csr.c)."""
    status = number("env.mstatus")
    if status is None:
        return None
    return int(any(status & field == field for field in (_FS, _VS, _XS)))


def _tags(number: Number) -> int | None:
    """The tag word of the x87, two bits a register: what the abridged one leaves to the
    registers themselves (``do_fstenv``, target/i386/tcg/fpu_helper.c)."""
    used = number("env.fptag_vmstate")
    if used is None:
        return None
    tags = 0
    for place in range(7, -1, -1):
        mantissa = number(f"env.fpregs[{place}].tmp.tmp_mant") or 0
        exponent = (number(f"env.fpregs[{place}].tmp.tmp_exp") or 0) & 0x7FFF
        tags <<= 2
        if not used >> place & 1:
            tags |= 3
        elif not exponent and not mantissa:
            tags |= 1
        elif exponent in (0, 0x7FFF) or not mantissa >> 63:
            tags |= 2
    return tags


def _conditions(number: Number) -> int | None:
    """The condition codes of an m68k: what the last operation left (``COMPUTE_CCR``,
    target/m68k/helper.c)."""
    found = [number(f"env.cc_{name}") for name in ("op", "x", "n", "z", "v", "c")]
    if None in found:
        return None
    op, x, n, z, v, c = (value or 0 for value in found)
    kind, width = divmod(op - _ADD, 3)
    match kind if op >= _ADD else -1:
        case 0:
            before = _extended(n - v, width)
            c, z, v = x, n, (n ^ before) & ~(before ^ v)
        case 1:
            before = _extended(n + v, width)
            c, z, v = x, n, (n ^ before) & (before ^ v)
        case 2:
            result = _extended(n - v, width)
            c, z, v, n = int(n < v), result, (result ^ n) & (n ^ v), result
        case 3:
            c, z, v = 0, n, 0
        case _:
            pass
    flags = (x, n >> 31 & 1, int(not z), v >> 31 & 1, c)
    return sum((flag & 1) << 4 - place for place, flag in enumerate(flags))


_ADD = 2
"""``CC_OP_ADDB``; three widths each of ADD, SUB and CMP follow, then LOGIC."""


def _extended(value: int, width: int) -> int:
    """The low byte, word or long word with its sign, in 32 bits."""
    sign = 1 << (8 << width) - 1
    return ((value & 2 * sign - 1) ^ sign) - sign & 0xFFFFFFFF


def _window_words(number: Number) -> int | None:
    """How many words the register windows of a SPARC are."""
    windows = number("env.nwindows")
    return None if not windows else 16 * windows


def _window(number: Number) -> int | None:
    """CWP of a SPARC V9, which counts the other way round (``cpu_get_cwp64``,
    target/sparc/win_helper.c)."""
    windows, window = number("env.nwindows"), number("env.cwp")
    return None if windows is None or window is None else windows - 1 - window


DERIVED: Mapping[str, Callable[[Number], int | None]] = {
    "sd": _dirty,
    "ftag": _tags,
    "ccr": _conditions,
    "window_words": _window_words,
    "cwp64": _window,
}
"""By name the function that makes the value; None where its parts are missing."""
