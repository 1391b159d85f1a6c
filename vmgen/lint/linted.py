"""The tables of a run, each once, with what rules ask about them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from vmgen import ir
from vmgen.ir import graph
from vmgen.lint.sources import CFile, CSources
from vmgen.lint.visible import FileRecord, RecordIndex
from vmgen.lookup import Lookup, Placed
from vmgen.source import Position

_PROPERTY = re.compile(r"\bDEFINE_(?:\w*_)?PROP\w*\s*\(([^;{}]*?)\)\s*,", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_SUBSCRIPT = re.compile(r"\[[^\]]*\]")
_LOADS_VERSION = r"\bvmstate_load_state\s*\([^;]*?&\s*{0}\s*,[^;,]*,\s*\d+\s*[,)]"
"""Code that loads a table, with a version that it has as a number."""


@dataclass(frozen=True, slots=True)
class LintedTable:
    """A description in one of the programs that have it."""

    file: str
    description: ir.Description
    placed: Placed
    lookup: Lookup

    @property
    def symbol(self) -> str:
        """Its C symbol."""
        return self.description.symbol

    def named(self, symbol: str) -> LintedTable | None:
        """The table that a symbol means in this one's file."""
        found = self.lookup.find(symbol, self.placed.module)
        if found is None:
            return None
        return LintedTable(found.module.file, found.description, found, self.lookup)

    def function(self, symbol: str) -> ir.Function | None:
        """The predicate of this symbol."""
        return self.lookup.functions(self.placed.module).get(symbol)


@dataclass(frozen=True, slots=True)
class PropertyMembers:
    """The members that properties set: ``words`` are those of the file's own tables, of
    whichever struct; ``places`` are those of a tree, by the struct as C writes it and the
    way to the member."""

    words: frozenset[str]
    places: frozenset[tuple[FileRecord, tuple[str, ...]]]

    @property
    def names(self) -> frozenset[str]:
        """The members' own names."""
        return self.words.union(path[-1] for _, path in self.places)

    def have(self, records: RecordIndex, type_: str, path: tuple[str, ...]) -> bool:
        """Whether a property sets a member of a struct, or what it is a part of."""
        if not self.words.isdisjoint(path):
            return True
        for at, member in enumerate(path):
            record = records.record(type_)
            if any(
                (record, path[at:end]) in self.places
                for end in range(at + 1, len(path) + 1)
            ):
                return True
            inner = records.member(type_, (member,))
            if inner is None:
                break
            type_ = inner.type
        return False


class Linted:
    """What the rules look at: programs of one or more targets, and their C."""

    def __init__(
        self,
        programs: tuple[ir.Program, ...],
        sources: CSources,
        others: tuple[str, ...] = (),
    ) -> None:
        self.programs = programs
        self.sources = sources
        #: C files of the run that have no table.
        self.others = tuple(one for one in others if one not in self.by_file)

    @cached_property
    def tables(self) -> tuple[LintedTable, ...]:
        """Every table that C spells out; one that several targets read alike is there
        once, and what vmgen made of an info's functions is left out."""
        found: dict[object, LintedTable] = {}
        for program in self.programs:
            lookup = Lookup(program)
            infos = {
                field.element.info
                for placed in lookup.all()
                for field in placed.description.fields
                if isinstance(field.element, ir.StructElement)
            }
            for placed in lookup.all():
                one = placed.description
                made = one.symbol.partition(".")[0] in infos
                if made or not one.position.file:
                    continue
                key = (
                    placed.module.file,
                    one.symbol,
                    one.position,
                    one.type,
                    tuple((field.name, field.position) for field in one.fields),
                )
                found.setdefault(
                    key, LintedTable(placed.module.file, one, placed, lookup)
                )
        return tuple(found.values())

    @cached_property
    def by_file(self) -> dict[str, tuple[LintedTable, ...]]:
        """The tables of each file."""
        found: dict[str, list[LintedTable]] = {}
        for one in self.tables:
            found.setdefault(one.file, []).append(one)
        return {file: tuple(several) for file, several in found.items()}

    def properties(self, file: str) -> PropertyMembers:
        """The members that properties set, as the text of a file says, or the facts of a
        tree."""
        own = self.sources.file(file)
        text = "" if own is None else own.text.code
        words = frozenset(
            word
            for arguments in _PROPERTY.findall(text)
            for word in _WORD.findall(arguments)
        )
        return PropertyMembers(words, self._set_by_properties)

    @cached_property
    def _set_by_properties(self) -> frozenset[tuple[FileRecord, tuple[str, ...]]]:
        places = {
            (one.position.file, place.type, place.path)
            for program in self.programs
            for one in program.machines.properties
            for place in one.places
        }
        return frozenset(
            (
                self.sources.records(file).record(type_),
                tuple(_SUBSCRIPT.sub("", path).split(".")),
            )
            for file, type_, path in places
        )

    @cached_property
    def device_types(self) -> frozenset[str]:
        """The device types of the programs; none where they are not known."""
        found: set[str] = set()
        for program in self.programs:
            parents = {one.name: one.parent for one in program.machines.types}
            for name in parents:
                line = dict.fromkeys([name])
                above = name
                while above in parents and above != "device":
                    above = parents[above]
                    if above in line:
                        break  # of types without a known name, whose parent has none
                    line[above] = None
                if above == "device":
                    found |= line.keys() - {"device"}
        return frozenset(found)

    @cached_property
    def saved_below(self) -> frozenset[str]:
        """The abstract device types whose concrete ones have tables: what these say of an
        object, that it cannot be saved too, is not in the file of the abstract type."""
        found: set[str] = set()
        for program in self.programs:
            types = {one.name: one for one in program.machines.types}
            for name in {name for root in program.roots for name in root.device_types}:
                above = types.get(types[name].parent) if name in types else None
                while above is not None and above.abstract and above.name not in found:
                    found.add(above.name)
                    above = types.get(above.parent)
        return frozenset(found)

    def files(self) -> Iterator[CFile]:
        """The files that have tables, as text."""
        for name in self.by_file:
            if (file := self.sources.file(name)) is not None:
                yield file

    def _named_by(
        self, names: Callable[[ir.Description], Iterable[str]]
    ) -> frozenset[tuple[str, Position]]:
        """The tables, by symbol and place, that those that were read name so."""
        return frozenset(
            (inner.symbol, inner.description.position)
            for one in self.tables
            for symbol in names(one.description)
            if (inner := one.named(symbol)) is not None
        )

    @cached_property
    def subsections(self) -> frozenset[tuple[str, Position]]:
        """The tables that are a subsection of one that was read, by symbol and place."""
        return self._named_by(lambda one: one.subsections)

    @cached_property
    def _inside(self) -> frozenset[tuple[str, Position]]:
        """The tables that a field of one that was read names, by symbol and place."""
        return self._named_by(
            lambda one: (
                reference.symbol
                for field in one.fields
                for reference in graph.in_field(field)
            )
        )

    def asks_needed(self, table: LintedTable) -> bool:
        """Whether QEMU calls a table's ``needed``: of a subsection and of a section, and not
        of a table inside of a field (``vmstate_save_state``, ``migration/vmstate.c``).
        """
        place = (table.symbol, table.description.position)
        return self.is_subsection(table) or place not in self._inside

    @cached_property
    def _sections(self) -> frozenset[tuple[str, str]]:
        """The tables that get a section of their own, by file and symbol."""
        return frozenset(
            (root.home, root.symbol)
            for program in self.programs
            for root in program.roots
            if root.home
        )

    def loads_version_of_stream(self, table: LintedTable) -> bool:
        """Whether the stream may say which version of a table QEMU loads: of a subsection
        (``vmstate_subsection_load``, ``migration/vmstate.c``), of a section, and of a
        table that nothing read here uses.  Inside of a field it is the table's own
        (``vmstate_load_state``), elsewhere what the device's code says.
        """
        if self.is_subsection(table) or (table.file, table.symbol) in self._sections:
            return True
        if (table.symbol, table.description.position) in self._inside:
            return False
        file = self.sources.file(table.file)
        loads = _LOADS_VERSION.format(re.escape(table.symbol))
        return file is None or re.search(loads, file.text.code) is None

    def is_subsection(self, table: LintedTable) -> bool:
        """Whether some table has this one as a subsection."""
        return (table.symbol, table.description.position) in self.subsections
