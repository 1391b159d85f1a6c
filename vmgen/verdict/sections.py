"""The sections of a program, and which of one program is which of another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vmgen import ir
from vmgen.lookup import Lookup, Placed

ASIDE: dict[str, str] = {
    "replay/": "record and replay of one guest: replay_vmstate_register()",
    "migration/cpr": "handed to a new process on the same host: cpr_state_save()",
}
"""Files of tables that no stream to another QEMU has, and why."""

ONLY_FOR: dict[str, str] = {
    "cpr_incoming_needed": "handed to a new process on the same host: migration/cpr.c",
}
"""The ``needed`` of sections that no stream to another QEMU has, and why."""


@dataclass(frozen=True, slots=True)
class SavedSection:
    """A description that gets a section of its own; ``roots`` say who registers it, and
    are empty where the program does not know.

    ``placed`` is None for handlers written in C, and for a description that vmgen could
    not read: then ``unread`` says why, and without roots the description may also be a
    part of another.
    """

    name: str
    symbol: str
    placed: Placed | None
    roots: tuple[ir.Root, ...] = ()
    unread: ir.Unread | None = None

    @property
    def file(self) -> str:
        """Where the description is defined."""
        if self.placed is not None:
            return self.placed.module.file
        return self.unread.file if self.unread is not None else self.roots[0].file

    @property
    def cpu(self) -> bool:
        """Whether it is the CPU's."""
        if any(root.how == "legacy_cpu" for root in self.roots):
            return True
        return self.file.startswith("target/") or self.name in ("cpu", "cpu_common")


def sections(program: ir.Program) -> tuple[SavedSection, ...]:
    """The sections of a program: its roots, or else the descriptions that no other one
    names."""
    lookup = Lookup(program)
    unread = {(one.file, one.symbol): one for one in program.unread}
    # It may be a section, or inside of one; what another names is inside of that.
    placed_in = {
        (placed.module.file, placed.description.symbol.partition("[")[0])
        for placed in lookup.all()
    }
    lost = tuple(
        SavedSection(symbol, symbol, None, (), one)
        for (file, symbol), one in unread.items()
        if symbol and (file, symbol) not in placed_in
    )
    if not program.roots:
        return (
            *(
                SavedSection(placed.description.name, placed.description.symbol, placed)
                for placed in lookup.roots()
            ),
            *lost,
        )
    known = {
        (placed.module.file, placed.description.symbol): placed
        for placed in lookup.all()
    }
    found: dict[tuple[str, str, str], list[ir.Root]] = defaultdict(list)
    for root in program.roots:
        name = root.section
        placed = known.get((root.home, root.symbol))
        if placed is not None and placed.description.name:
            name = placed.description.name
        found[name, root.home, root.symbol].append(root)
    registered = tuple(
        SavedSection(
            name or symbol,
            symbol,
            known.get((home, symbol)),
            tuple(roots),
            unread.get((home, symbol)) or unread.get((home, "")),
        )
        for (name, home, symbol), roots in found.items()
        if {(home, symbol), (home, "")} & (known.keys() | unread.keys())
        or roots[0].how == "handlers"
    )
    registered = tuple(filter(_migrated, registered))
    inside = {(home, symbol) for _, home, symbol in found}
    # What nothing names and no one registers is saved and loaded by C code itself.
    rest = tuple(
        SavedSection(placed.description.name, placed.description.symbol, placed)
        for placed in lookup.roots()
        if (placed.module.file, placed.description.symbol) not in inside
    )
    lost = tuple(one for one in lost if (one.file, one.symbol) not in inside)
    return (*registered, *filter(_migrated, rest), *filter(_migrated, lost))


def _migrated(section: SavedSection) -> bool:
    placed = section.placed
    if placed is not None and placed.description.needed in ONLY_FOR:
        return False
    return not section.file.startswith(tuple(ASIDE))


def matched(
    old: Iterable[SavedSection], new: Iterable[SavedSection]
) -> Iterator[tuple[SavedSection | None, SavedSection | None]]:
    """Which section of the old program is which of the new one.

    By wire name; among several of one name by registering type, then by symbol and file,
    then by symbol, then in order.  What is left pairs if its symbol is equal:
    then it has another name on the wire.
    """
    left, right = list(old), list(new)
    keys = (
        lambda one: (one.name, one.symbol, one.file),
        lambda one: (one.name, one.symbol),
        lambda one: (
            one.name,
            tuple(sorted({t for r in one.roots for t in r.device_types})) or id(one),
        ),
        lambda one: one.name,
        lambda one: (one.symbol, one.file),
        lambda one: one.symbol,
    )
    partner: dict[int, SavedSection] = {}
    taken: set[int] = set()
    for key in keys:
        waiting: dict[object, list[SavedSection]] = defaultdict(list)
        for section in right:
            if id(section) not in taken:
                waiting[key(section)].append(section)
        for section in left:
            if id(section) in partner or not waiting[key(section)]:
                continue
            found = waiting[key(section)].pop(0)
            partner[id(section)] = found
            taken.add(id(found))
    for section in left:
        yield section, partner.get(id(section))
    for section in right:
        if id(section) not in taken:
            yield None, section
