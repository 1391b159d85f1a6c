"""Arm's system registers by their numbers, as KVM and assemblers write these.

A stream has KVM's numbers (``cpreg_to_kvm_id``, target/arm/cpregs.h), which verdicts
print in hexadecimal.  QEMU's own messages have the number of 32 bits that it knows a
register by (``system register 0x1013c030``).  Assemblers take ``s3_1_c15_c2_0`` for a register that they have no
name for: op0, op1, CRn, CRm and op2.
"""

from __future__ import annotations

import re

_AARCH64, _AARCH32 = 0x6030_0000_0013_0000, 0x4020_0000_0000_0000
_LONG = 0x4030_0000_0000_0000
_NS = 1 << 29
_IS_AARCH64, _IS_LONG = 1 << 28, 1 << 15
_HEXADECIMAL = re.compile(r"0x([0-9a-f]{16}|[0-9a-f]{5,8})")
_OF_AARCH64 = re.compile(r"s([0-3])_([0-7])_c(\d{1,2})_c(\d{1,2})_([0-7])")
_OF_AARCH32 = re.compile(
    r"p(\d{1,2})_(\d{1,2})_c(\d{1,2})(?:_c(\d{1,2})_([0-7]))?(_ns)?"
)


def numbered(key: int) -> tuple[str, int]:
    """The name of a system register by its numbers, and its width in bits.

    That of AArch32 is vmgen's own, ``p15_0_c1_c0_0``: coprocessor, opc1, CRn, CRm and opc2,
    of a register of 64 bits the coprocessor, opc1 and CRm; ``_ns`` is the non-secure copy.
    """
    if key >> 16 == _AARCH64 >> 16:
        name = f"s{key >> 14 & 3}_{key >> 11 & 7}_c{key >> 7 & 15}_c{key >> 3 & 15}"
        return f"{name}_{key & 7}", 64
    copy = "_ns" if key & _NS else ""
    if key >> 52 & 15 == 3:
        return f"p{key >> 16 & 31}_{key >> 3 & 15}_c{key >> 7 & 15}{copy}", 64
    name = f"p{key >> 16 & 31}_{key >> 3 & 7}_c{key >> 11 & 15}_c{key >> 7 & 15}"
    return f"{name}_{key & 7}{copy}", 32


def number_of(text: str) -> int | None:
    """KVM's number of a register that is written by its numbers, in any case: as
    :func:`numbered` has it, or the number itself in hexadecimal; None for any other text.
    """
    lower = text.lower()
    if _HEXADECIMAL.fullmatch(lower):
        key = int(lower, 16)
        if len(lower) <= 10:
            key = _of_qemu(key)
        known = key >> 52 in (_AARCH32 >> 52, _LONG >> 52, _AARCH64 >> 52)
        # Any other bits are no number's: an address, say.
        return key if known and number_of(numbered(key)[0]) == key else None
    if match := _OF_AARCH64.fullmatch(lower):
        op0, op1, crn, crm, op2 = map(int, match.groups())
        key = _AARCH64 | op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2
    elif match := _OF_AARCH32.fullmatch(lower):
        cp, opc1, first, second, opc2, copy = match.groups()
        key = int(cp) << 16 | int(opc1) << 3 | (_NS if copy else 0)
        if second is None:
            key |= _LONG | int(first) << 7
        else:
            key |= _AARCH32 | int(first) << 11 | int(second) << 7 | int(opc2)
    else:
        return None
    # Numbers that are too large would be another register's.
    return key if numbered(key)[0] == lower else None


def _of_qemu(number: int) -> int:
    """KVM's number for QEMU's (``cpreg_to_kvm_id``, target/arm/cpregs.h)."""
    if number & _IS_AARCH64:
        return number & ~_IS_AARCH64 | _AARCH64
    return number & ~_IS_LONG | (_LONG if number & _IS_LONG else _AARCH32)
