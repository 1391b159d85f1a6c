"""What QEMU makes of a list of system registers that another machine saved.

``cpu_post_load`` (``target/arm/machine.c``) walks both lists, and
``write_list_to_cpustate`` (``target/arm/helper.c``) writes every register that the CPU
has, reads it back, and refuses another value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from vmgen import ir
from vmgen.known.system_registers import DefinedRegisters, is_of_tcg

INDEXES = "cpreg_vmstate_indexes"
VALUES = "cpreg_vmstate_values"
"""The fields of a CPU's section that have the list: numbers, and values."""

LENGTH = "cpreg_vmstate_array_len"
"""The field with the number of registers, which before 11.0 may not be above the CPU's own
(``VMSTATE_INT32_POSITIVE_LE``)."""

REUSED = 1032
"""Bytes of the longest piece of memory that glibc keeps to hand out again at once
(``tcache``)."""

ANY_VALUE = (1 << 64) - 1
"""A value with all bits: a register that keeps it keeps any."""

Values: TypeAlias = Mapping[int, int | None]
"""System registers by number, ascending: their values, None for one that is not known."""


def less_kept(
    theirs: Values, ours: Values, saved: DefinedRegisters, loaded: DefinedRegisters
) -> RegisterDifference | None:
    """A register of unknown value that surely keeps any where the list was ``saved``, and
    may not where it is ``loaded``."""
    for number, value in theirs.items():
        if (
            value is None
            and ours.get(number, 0) is None
            and saved.keeps(number, ANY_VALUE, [*theirs]) is True
            and loaded.keeps(number, ANY_VALUE, [*ours]) is not True
        ):
            return RegisterDifference("value", number, sure=False)
    return None


def is_in(description: ir.Description) -> bool:
    """Whether a table has such a list."""
    return any(field.name == INDEXES for field in description.fields)


def looks_at_all(description: ir.Description) -> bool:
    """Whether QEMU looks at each register of a list.

    It does since 11.0, which allocates the lists as it loads them; before, it does not
    look at what comes behind the end of its own list.
    """
    return any(
        field.name == INDEXES and field.allocated for field in description.fields
    )


@dataclass(frozen=True, slots=True)
class RegisterDifference:
    """A register for which QEMU refuses the list, or may refuse it if not ``sure``.

    ``foreign``: the CPU does not have it.  ``value``: the list has a value, ``theirs``, that
    the CPU's register, which is ``ours``, does not take.  ``lacking``: the CPU has it and
    the list does not, so that QEMU writes what its memory held.
    """

    kind: Literal["foreign", "value", "lacking"]
    number: int
    theirs: int | None = None
    ours: int | None = None
    sure: bool = True


def differences(
    theirs: Values,
    ours: Values,
    defined: DefinedRegisters,
    *,
    all_: bool,
    first: bool,
    saved: DefinedRegisters | None = None,
) -> Iterator[RegisterDifference]:
    """What may keep a CPU that has ``ours`` from loading ``theirs``, in QEMU's order.

    ``all_`` says that QEMU looks at each register of the list, ``first`` that the CPU is
    the first one.  ``saved`` are the registers of the release that saved the list, if it
    is known: a register that is not known to keep a value in either release has on the
    same machine what it had where it was saved.
    """
    numbers = [*theirs]
    place = strange(numbers, [*ours], all_)
    if place is not None:
        yield RegisterDifference("foreign", numbers[place])
        return
    yield from _values(theirs, ours, defined, saved)
    found = _lacking(theirs, ours, defined, all_, first)
    if found is not None:
        yield found


def strange(theirs: Sequence[int], ours: Sequence[int], all_: bool) -> int | None:
    """The place of the first register that the machine's CPU does not have, of those
    that QEMU looks at: ``all_``, or those before the end of its own list.

    Both lists ascend.
    """
    place = 0
    for index in ours:
        if place == len(theirs):
            break
        if theirs[place] < index:
            return place
        place += theirs[place] == index
    return place if all_ and place < len(theirs) else None


def _values(
    theirs: Values,
    ours: Values,
    defined: DefinedRegisters,
    saved: DefinedRegisters | None,
) -> Iterator[RegisterDifference]:
    """The first register that does not keep its value, and the first that may not: only
    those that the CPU has are written."""
    others, registers = [*ours], [*theirs]
    open_ = is_of_tcg(others)
    for number, value in theirs.items():
        if number not in ours or value == ours[number]:
            continue  # or a value of each that QEMU itself made in the same way
        mine = ours[number]
        keeps = None if value is None else defined.keeps(number, value, others)
        if keeps is False and mine is not None:
            yield RegisterDifference("value", number, value, mine)
            return
        if saved is not None and value is not None and keeps is not True:
            keeps = saved.keeps(number, value, registers) is not True
        if keeps is not True and open_:
            open_ = False
            yield RegisterDifference("value", number, value, mine, sure=False)


def _lacking(
    theirs: Values, ours: Values, defined: DefinedRegisters, all_: bool, first: bool
) -> RegisterDifference | None:
    """A register that the CPU has and the list lacks: QEMU writes what its memory held
    in that place, reads it back, and refuses the stream if that is another value."""
    others = [*ours]
    open_: int | None = None
    for number, value in ours.items():
        if number in theirs:
            continue
        if value and defined.keeps(number, 0, others) is False:
            return RegisterDifference("lacking", number, ours=value)
        keeps = defined.keeps(number, ANY_VALUE, others)
        if open_ is None and (all_ or keeps is not True):
            open_ = number
    # A long list of the first CPU lies in memory that was never used, and so is zero:
    # guests of one CPU were seen taken for that, those with more or shorter refused.
    fresh = first and 8 * len(ours) > REUSED
    if open_ is None or (fresh and not all_):
        return None
    return RegisterDifference("lacking", open_, ours=ours[open_], sure=False)
