"""What C functions return that ask only the machine's class.

``pm_smbus_vmstate_needed`` (hw/i2c/pm_smbus.c) takes no object: the machine type alone
decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vmgen import ir


@dataclass(frozen=True, slots=True)
class MachineClassFunction:
    """A function of ``file`` and the member that it returns, as 0 or 1; ``negated``: 1
    where the member is 0."""

    name: str
    file: str
    place: ir.MemberPlace
    negated: bool

    @property
    def asked(self) -> ir.MemberPlace:
        """Where it stands among what is known of members."""
        return asked_place(self.name)


CLASS_FUNCTIONS: Final = (
    MachineClassFunction(
        "pm_smbus_vmstate_needed",
        "hw/i2c/pm_smbus.c",
        ir.MemberPlace("MachineClass", "smbus_no_migration_support"),
        negated=True,
    ),
)
"""All that are known; the tests hold them to the C."""


def asked_place(name: str) -> ir.MemberPlace:
    """A function of the machine's class among known members: of no struct."""
    return ir.MemberPlace("", name)


def returned(machine: ir.Machine | None) -> dict[ir.MemberPlace, int]:
    """What they return for a machine type, by :func:`asked_place`; nothing without one.
    A class begins with zeros: what no one sets is 0."""
    if machine is None:
        return {}
    members = {one.place: one.value for one in machine.members}
    return {
        one.asked: int(bool(members.get(one.place, 0)) != one.negated)
        for one in CLASS_FUNCTIONS
    }
