"""The system registers that a release's C defines, and what each keeps of a value.

A register that no ``ARMCPRegInfo`` of the release can be is one that none of its CPUs has;
the premise "system registers" lists them.  ``write_list_to_cpustate``
(``target/arm/helper.c``) refuses a value that a register does not keep.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from vmgen import ir

PREMISE = "system registers"

_POSITION = ("cp", "opc0", "opc1", "crn", "crm", "opc2")
_MEMBER = re.compile(r"(\w+)=(.*)", re.S)
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|\d+")
_BITS = re.compile(r"(?:0[xX][0-9a-fA-F]+|\d+)(?= ?\| ?\()")

_SYSTEM, _COPROCESSOR = 0x6030_0000_0013, 0x40
"""``CP_REG_ARM64`` with the size and the coprocessor of system registers; the first byte
of ``CP_REG_ARM`` (``target/arm/kvm-consts.h``)."""

_KEPT_WITHOUT_EL3 = frozenset({0x6030_0000_0013_C082, 0x6030_0000_0013_E08A})
"""CPACR_EL1 and CPTR_EL2: an AArch64 CPU keeps all of them, unless it has EL3 in AArch32
(``cpacr_write``, ``cptr_el2_write`` in ``target/arm/helper.c``)."""

Register: TypeAlias = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Defined:
    """One ``ARMCPRegInfo``: a member without a value is any number, as is one that
    only the running C knows (``CP_ANY``, ``.crm = i``).

    ``bits`` are those that such a number surely has (8 of ``8 | i``).
    """

    members: Register
    bits: Register
    any: frozenset[str]
    state: str
    wide: bool
    keeps: int | None
    """The bits of a value that it surely keeps, None for a constant."""

    def has(self, register: Register, system: bool, wide: bool) -> bool:
        """Whether the register may be this one; ``wide`` is one of 64 bits that is no
        system register."""
        if self.state.endswith("AA64" if not system else "AA32"):
            return False
        if system:
            if not self.state:  # ARM_CP_STATE_AA32, 0
                return False
        elif wide != self.wide:
            return False
        return all(
            self.members.get(name, value) == value
            and value & self.bits.get(name, 0) == self.bits.get(name, 0)
            for name, value in register.items()
        )

    def is_first(self, register: Register) -> bool:
        """Whether it is the one register of several (``CP_ANY``) that a stream has."""
        return not any(register.get(name) for name in self.any)


class DefinedRegisters:
    """The registers that any CPU of one release can have."""

    def __init__(self, premises: Iterable[ir.Premise]) -> None:
        self._defined: list[_Defined] = []
        self._readable = True
        for premise in premises:
            if premise.name == PREMISE:
                for row in premise.rows:
                    self._read(row)

    def _read(self, row: tuple[str, ...]) -> None:
        if row[:1] == ("assigned",):  # C that changes an entry before it is defined
            self._readable &= len(row) > 2 and row[2] not in (*_POSITION, "state")
            return
        texts = {
            match[1]: match[2]
            for one in row
            if (match := _MEMBER.fullmatch(one)) is not None
        }
        if texts.keys().isdisjoint(_POSITION):
            return  # a call that defines a table
        members = {
            name: int(text, 0)
            for name, text in texts.items()
            if name in _POSITION and _NUMBER.fullmatch(text)
        }
        bits = {
            name: int(found[0], 0)
            for name, text in texts.items()
            if name in _POSITION and (found := _BITS.match(text)) is not None
        }
        any_ = frozenset(name for name, text in texts.items() if text == "CP_ANY")
        members.update((name, 0) for name in ("crn", "crm") if name not in texts)
        if not {"cp", "opc0"} & texts.keys() or texts.get("state", "").endswith("BOTH"):
            members.setdefault("cp", 15)  # define_arm_cp_regs_with_opaque
        wide = "ARM_CP_64BIT" in texts.get("type", "")
        keeps = _kept_bits(texts.get("keeps", ""))
        state = texts.get("state", "")
        self._defined.append(_Defined(members, bits, any_, state, wide, keeps))

    def foreign(self, registers: Sequence[int], all_: bool = False) -> int | None:
        """The place of a register that no CPU of the release has, before others of the
        list if QEMU does not look at ``all_``; None if there is none, or that cannot be
        said: of a CPU under KVM the kernel makes the list."""
        if not (self._defined and self._readable and is_of_tcg(registers)):
            return None
        # The last one may be behind the end of its own list.
        for place, number in enumerate(registers if all_ else registers[:-1]):
            if not self._has(number):
                return place
        return None

    def keeps(self, number: int, value: int, others: Sequence[int]) -> bool | None:
        """Whether a register keeps a value other than the one it has, as
        ``write_list_to_cpustate`` needs it: None if that cannot be said.

        ``others`` are the registers of the CPU.  Of a CPU under KVM the kernel decides.
        """
        if not (self._readable and is_of_tcg(others)):
            return None
        narrow = number >> 56 == _COPROCESSOR and number >> 52 & 0xF == 2
        if narrow and value >> 32:
            return False
        with_el3 = any(map(_of_el3, others))
        if number in _KEPT_WITHOUT_EL3 and not with_el3:
            return True
        if with_el3 and _of_el2(number):  # a constant, if the CPU has no EL2
            return None
        entries = [*self._entries(number)]
        if not entries:
            return None
        if all(one.keeps is None for one in entries):
            return False
        if all(one.keeps is not None and not value & ~one.keeps for one in entries):
            return True
        return None

    def _has(self, number: int) -> bool:
        return any(True for _ in self._entries(number))

    def _entries(self, number: int) -> Iterator[_Defined]:
        """The entries that the register may be; of those that are several registers
        (``CP_ANY``) a stream has the first (``add_cpreg_to_hashtable``)."""
        system, wide = number >> 16 == _SYSTEM, number >> 52 & 0xF == 3
        if system:
            register = {
                "opc0": number >> 14 & 3,
                "opc1": number >> 11 & 7,
                "crn": number >> 7 & 15,
                "crm": number >> 3 & 15,
                "opc2": number & 7,
            }
        elif wide:
            register = {
                "cp": number >> 16 & 15,
                "crm": number >> 7 & 15,
                "opc1": number >> 3 & 15,
            }
        else:
            register = {
                "cp": number >> 16 & 15,
                "crn": number >> 11 & 15,
                "crm": number >> 7 & 15,
                "opc1": number >> 3 & 7,
                "opc2": number & 7,
            }
        for one in self._defined:
            if one.has(register, system, wide) and one.is_first(register):
                yield one


def _kept_bits(text: str) -> int | None:
    """What a row says that the register keeps (``vmgen.premises.kept``)."""
    match text:
        case "":
            return (1 << 64) - 1
        case "nothing":
            return None
        case _ if _NUMBER.fullmatch(text):
            return int(text, 0)
        case _:  # whatever C does
            return 0


def _of_el3(number: int) -> bool:
    """Whether a CPU that has this register has EL3."""
    if number >> 16 == _SYSTEM:
        return number >> 14 & 3 == 3 and number >> 11 & 7 == 6
    return number & ~_INSECURE == _SCR


def _of_el2(number: int) -> bool:
    """Whether the register is one of EL2, if the architecture's rule for names holds."""
    if number >> 16 == _SYSTEM:
        return number >> 14 & 3 == 3 and number >> 11 & 7 in (4, 5)
    if number >> 52 & 0xF == 3:
        return number >> 3 & 15 in (4, 6)
    return number >> 3 & 7 == 4


_INSECURE = 1 << 29
_SCR = 0x4020_0000_000F_0000 | 1 << 11 | 1 << 7
"""The register of AArch32 that CPUs with EL3 have; ``CP_REG_AA32_NS_MASK`` is the bit of
the banked view of others."""


def is_of_tcg(registers: Iterable[int]) -> bool:
    """Whether QEMU's own tables make such numbers (``cpreg_to_kvm_id``): those of a CPU
    under KVM are the kernel's."""
    return all(
        number >> 16 == _SYSTEM or number >> 56 == _COPROCESSOR for number in registers
    )
