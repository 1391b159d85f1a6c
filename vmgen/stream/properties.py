"""What the machine type that a stream is of has, as the release that reads it defines it.

QEMU loads a stream on a machine of the type that saved it and on no other one
(``configuration_post_load``, ``migration/savevm.c``).  What the type's compat properties
and the defaults of its devices decide, the tables need not ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vmgen import ir
from vmgen.known import KnownMembers, MachineFacts, read_members, with_constants
from vmgen.lookup import Lookup, Placed


@dataclass(frozen=True, slots=True)
class PropertyAnswers:
    """Members as ``Type.path`` and C functions by name, with what they are."""

    members: Mapping[str, int] = field(default_factory=dict)
    functions: Mapping[str, int] = field(default_factory=dict)


NO_ANSWERS = PropertyAnswers()


class StreamProperties:
    """The answers of one machine type to the tables of one release."""

    def __init__(self, lookup: Lookup, machine: str) -> None:
        self._lookup = lookup
        self._facts = MachineFacts(lookup.program)
        self._machine = self._facts.machines.get(machine)
        self._known: dict[tuple[str, str], PropertyAnswers] = {}
        self.vanished = bool(machine and self._facts.machines and not self._machine)
        """Whether the release has no such machine type, and its types are known."""

    def of(self, table: Placed | None) -> PropertyAnswers:
        """The answers for a section with this table."""
        if table is None or self._machine is None:
            return NO_ANSWERS
        key = table.module.file, table.description.symbol
        if key not in self._known:
            self._known[key] = self._answers(table)
        return self._known[key]

    def settled(self, *tables: Placed) -> ir.Program:
        """These tables and those below, with what the machine type makes of what they
        read, where it is the same for all of them."""
        closure = self._lookup.closure(*tables)
        known = self._known_of(read_members(closure), *tables)
        return with_constants(closure, known)

    def _known_of(
        self, read: frozenset[ir.MemberPlace], *tables: Placed
    ) -> KnownMembers:
        if self._machine is None:
            return {}
        keys = {(one.module.file, one.description.symbol) for one in tables}
        types = {
            type_
            for root in self._lookup.program.roots
            if (root.home, root.symbol) in keys
            for type_ in root.device_types
        }
        return self._facts.known(self._machine, sorted(types), read)

    def _answers(self, table: Placed) -> PropertyAnswers:
        closure = self._lookup.closure(table)
        read = read_members(closure)
        if not read:
            return NO_ANSWERS
        known = self._known_of(read, table)
        settled = with_constants(closure, known)
        open_ = read_members(settled)  # under masks that are not known
        members = {
            f"{struct}{where.type}.{where.path}": known[where].value
            for where in read & known.keys()
            if where.type and where not in open_
            for struct in ("", "struct ")
        }
        asked = {
            where.path: bits.value for where, bits in known.items() if not where.type
        }
        return PropertyAnswers(members, asked | _functions(closure, settled))


def _functions(before: ir.Program, after: ir.Program) -> dict[str, int]:
    """The functions that only now have a translation, each a number."""
    open_ = {
        (module.file, function.symbol)
        for module in before.modules
        for function in module.functions
        if function.body is None
    }
    return {
        function.symbol: function.body.value
        for module in after.modules
        for function in module.functions
        if (module.file, function.symbol) in open_
        and isinstance(function.body, ir.Const)
    }
