"""The system registers of an Arm CPU: which a stream has, and which a machine or a
release knows.

A stream lists them by KVM's numbers, ascending, and ``cpu_post_load``
(``target/arm/machine.c``) refuses one that the CPU does not have.  Which those are a
machine's own stream says.  Without one, a register that no ``ARMCPRegInfo`` of the
release can be is one that none of its CPUs has; the premise "system registers" lists
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from vmgen import ir
from vmgen.lookup import Placed
from vmgen.stream import described
from vmgen.stream.described import Slot
from vmgen.stream.errors import StreamError
from vmgen.stream.parts import Section
from vmgen.stream.stream import Stream

INDEXES = "cpreg_vmstate_indexes"
VALUES = "cpreg_vmstate_values"
PREMISE = "system registers"

_POSITION = ("cp", "opc0", "opc1", "crn", "crm", "opc2")
_MEMBER = re.compile(r"(\w+)=(.*)", re.S)
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|\d+")

_SYSTEM, _COPROCESSOR = 0x6030_0000_0013, 0x40
"""``CP_REG_ARM64`` with the size and the coprocessor of system registers; the first byte
of ``CP_REG_ARM`` (``target/arm/kvm-consts.h``)."""

Register: TypeAlias = Mapping[str, int]


def is_in(table: Placed) -> bool:
    """Whether a table has such a list."""
    return any(field.name == INDEXES for field in table.description.fields)


class RegisterList(NamedTuple):
    """The registers of a section, and where in the stream their numbers are."""

    offset: int
    numbers: list[int]
    values: list[int]


def of_section(stream: Stream, section: Section) -> Iterator[RegisterList]:
    """The list of registers in a section, if it has one."""
    try:
        slots = stream.layout(section)
    except StreamError:
        return
    offset, found = 0, dict[str, list[int]]()
    for path, slot, at in described.leaves(slots, section.start):
        if path in (INDEXES, VALUES) and slot.size == 8:
            found[path] = _numbers(stream, slot, at)
            offset = at if path == INDEXES else offset
    if INDEXES in found:
        yield RegisterList(offset, found[INDEXES], found.get(VALUES, []))


def identifies(number: int) -> bool:
    """Whether it is one of the registers that say what the CPU is, which the architecture
    reserves for that and nothing can write: op1 and CRn are 0, of those of 32 bits opc1.
    """
    if number >> 16 == _SYSTEM:
        return number >> 14 & 3 == 3 and not (number >> 7 & 0x7F)
    if number >> 56 == _COPROCESSOR and number >> 52 & 0xF == 2:
        return (
            number >> 16 & 0xFFF == 15 and not number >> 11 & 15 and not number >> 3 & 7
        )
    return False


def _numbers(stream: Stream, slot: Slot, at: int) -> list[int]:
    """The numbers in a field."""
    data = stream.view[at : at + slot.total]
    return [int.from_bytes(data[n : n + 8], "big") for n in range(0, len(data), 8)]


def strange(theirs: Sequence[int], ours: Sequence[int]) -> int | None:
    """The place of the first register that the machine's CPU does not have.

    Both lists ascend, and what comes behind the end of its own QEMU does not look at.
    """
    place = 0
    for index in ours:
        if place == len(theirs):
            break
        if theirs[place] < index:
            return place
        place += theirs[place] == index
    return None


@dataclass(frozen=True, slots=True)
class _Defined:
    """One ``ARMCPRegInfo``: a member without a value is any number, as is one that
    only the running C knows (``CP_ANY``, ``.crm = i``)."""

    members: Register
    state: str
    wide: bool

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
            self.members.get(name, value) == value for name, value in register.items()
        )


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
        members.update((name, 0) for name in ("crn", "crm") if name not in texts)
        wide = "ARM_CP_64BIT" in texts.get("type", "")
        self._defined.append(_Defined(members, texts.get("state", ""), wide))

    def foreign(self, registers: Sequence[int]) -> int | None:
        """The place of a register that no CPU of the release has, before others of the
        list; None if there is none, or that cannot be said: of a CPU under KVM the
        kernel makes the list."""
        if not (self._defined and self._readable and all(map(_of_tcg, registers))):
            return None
        # QEMU does not look at what comes behind the end of its own list.
        for place, number in enumerate(registers[:-1]):
            if not self._has(number):
                return place
        return None

    def _has(self, number: int) -> bool:
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
            register = {"crm": number >> 7 & 15, "opc1": number >> 3 & 15}
        else:
            register = {
                "crn": number >> 11 & 15,
                "crm": number >> 7 & 15,
                "opc1": number >> 3 & 7,
                "opc2": number & 7,
            }
        return any(one.has(register, system, wide) for one in self._defined)


def _of_tcg(number: int) -> bool:
    """Whether QEMU's own tables make such a number (``cpreg_to_kvm_id``)."""
    return number >> 16 == _SYSTEM or number >> 56 == _COPROCESSOR
