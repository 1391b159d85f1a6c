"""The system registers of an Arm CPU by name and by number: those of its list.

A CPU that has both states sends the registers of both, and the table of one state names
only its own: those of the other have their numbers as names where they are listed, and are
found by the name that the other table has.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from vmgen.stream.registers.numbers import number_of, numbered
from vmgen.stream.registers.table import (
    RegisterEntry,
    RegisterPiece,
    RegisterTable,
    Way,
    table,
)

_FEATURE = "org.qemu.gdb.arm.sys.regs"

_OTHER_STATE = {"aarch64": "arm", "arm": "aarch64"}
"""The table of the state that a CPU of this table can also be in."""


class ListedRegisters:
    """``places`` are those of the values by KVM's number, in the stream's order; ``known``
    is the table of the CPU's state."""

    def __init__(self, places: Mapping[int, int], known: RegisterTable) -> None:
        self.places = places
        self._known = known

    @cached_property
    def _other(self) -> RegisterTable | None:
        """The table of the other state; None where the CPU has one only."""
        return table(_OTHER_STATE.get(self._known.target, ""))

    @cached_property
    def sent(self) -> Mapping[int, RegisterEntry]:
        """Every register of the list by its number, under its name or its numbers."""
        named = self._named(self._known)
        return {key: named.get(key) or _by_number(key) for key in self.places}

    @cached_property
    def unnamed(self) -> Mapping[str, RegisterEntry]:
        """The registers that the table does not name, by their numbers as assemblers take
        them: ``s3_0_c15_c2_0``, of AArch32 ``p15_0_c1_c0_0``."""
        entries = [(numbered(key)[0], entry) for key, entry in self.sent.items()]
        return {name: entry for name, entry in entries if entry.name == name}

    def find(self, name: str) -> RegisterEntry | None:
        """The register of a number, or of a name that only the other state's table has."""
        if not self.places:
            return None
        if (entry := self.unnamed.get(name.lower())) is not None:
            return entry
        if (key := number_of(name)) is None:
            entry = None if self._other is None else self._other.find(name)
            return entry if entry is not None and keys(entry) else None
        entry = self.sent.get(key)
        if entry is None:
            # Not of this CPU: the message has its name.
            of_table = (one for one in self._known.entries.values() if key in keys(one))
            return next(of_table, None) or _by_number(key)
        if self._other is not None and entry.name in self.unnamed:
            return self._named(self._other).get(key, entry)
        return entry

    def _named(self, names: RegisterTable) -> dict[int, RegisterEntry]:
        """The registers of the list that a table names; the first copy that the CPU sends
        is the one that has the name."""
        made: dict[int, RegisterEntry] = {}
        for entry in names.entries.values():
            first = next((key for key in keys(entry) if key in self.places), None)
            if first is not None:
                made[first] = entry
        return made


def keys(entry: RegisterEntry) -> list[int]:
    """KVM's numbers of the system register that an entry is, as it prefers them; none for
    any other register."""
    paths = (way.pieces[0].path for way in entry.ways if way.pieces)
    return [int(path[1:], 16) for path in paths if path.startswith("#")]


def _by_number(key: int) -> RegisterEntry:
    """A system register that has no name."""
    name, bits = numbered(key)
    way = Way((RegisterPiece(f"#{key:x}", 0, bits),))
    return RegisterEntry(name, bits, _FEATURE, (way,))
