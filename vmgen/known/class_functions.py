"""What C functions return that ask only the machine's class.

``pm_smbus_vmstate_needed`` (hw/i2c/pm_smbus.c) takes no object: the machine type alone
decides.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

from vmgen import ir, resources

_FILE = resources.package() / "known" / "class_functions.toml"


@dataclass(frozen=True, slots=True)
class ClassFunction:
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


def asked_place(name: str) -> ir.MemberPlace:
    """A function of the machine's class among known members: of no struct."""
    return ir.MemberPlace("", name)


@cache
def class_functions() -> tuple[ClassFunction, ...]:
    """All that are known, as ``class_functions.toml`` has them."""
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return tuple(
        ClassFunction(
            name,
            one["file"],
            ir.MemberPlace(one["class"], one["member"]),
            one["negated"],
        )
        for name, one in table.items()
    )


def returned(machine: ir.Machine | None) -> dict[ir.MemberPlace, int]:
    """What they return for a machine type, by :func:`asked_place`; nothing without one.
    A class begins with zeros: what no one sets is 0."""
    if machine is None:
        return {}
    members = {one.place: one.value for one in machine.members}
    return {
        one.asked: int(bool(members.get(one.place, 0)) != one.negated)
        for one in class_functions()
    }
