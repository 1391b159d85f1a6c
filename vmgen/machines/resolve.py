"""Files put together: what each machine type sets, and which properties a type has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter

from vmgen import ir
from vmgen.c_text import TextPart
from vmgen.machines.model import (
    ClassAction,
    ClassCode,
    FileMachines,
    PropertyRow,
    PropertyTable,
    UnusedText,
    ValueKind,
)
from vmgen.machines.run_code import RunCode
from vmgen.machines.symbols import Symbols
from vmgen.machines.unused import never_run
from vmgen.roots import Registrations
from vmgen.roots.calls import leading_to
from vmgen.roots.model import TypeDecl
from vmgen.source import Diagnostic

_MACHINE = "machine"
_SUFFIX = "-machine"
_NUMBERS = frozenset(
    ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "size", "int"]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MachineResolution:
    """The machine types of one binary, and what could not be determined of them.
    ``unused`` is the text of its board's file that a machine type does not run."""

    machines: ir.Machines
    undecided: tuple[Diagnostic, ...]
    unused: Mapping[str, tuple[TextPart, ...]]


def resolve(
    registrations: Iterable[Registrations],
    files: Iterable[FileMachines],
    enums: Mapping[str, tuple[str, ...]],
    target: str,
) -> MachineResolution:
    """The machine types of one binary.

    ``registrations`` and ``files`` are those of all its files, ``enums`` the names of the
    values of QAPI's enums.  ``target`` is what ``target_arch()`` returns in it, empty for
    what is not known.
    """
    return _Binary(
        sorted(registrations, key=attrgetter("file")),
        sorted(files, key=attrgetter("file")),
        enums,
        target,
    ).resolution()


_DEFAULT = ir.MemberPlace("MachineClass", "is_default")


@dataclass(frozen=True, slots=True)
class _Done:
    """An action, and the file whose names it speaks of."""

    file: str
    action: ClassAction


class _Binary:
    def __init__(
        self,
        registrations: list[Registrations],
        files: list[FileMachines],
        enums: Mapping[str, tuple[str, ...]],
        target: str,
    ) -> None:
        self._enums = enums
        self._target = target
        self._found = [one for file in files for one in file.undecided]
        tables = {name: own for file in files for name, own in file.interfaces}
        gone = {(file.file, one) for file in files for one in file.unregistered}
        self._types: dict[str, TypeDecl] = {}
        for registered in registrations:
            for type_ in registered.types:
                if (registered.file, type_.symbol) not in gone:
                    named = tuple(
                        own
                        for one in type_.interfaces
                        for own in tables.get(one.removeprefix("&"), (one,))
                    )
                    self._types.setdefault(type_.name, replace(type_, interfaces=named))
        self._code: Symbols[ClassCode] = Symbols()
        self._compat: Symbols[tuple[ir.CompatTable, bool]] = Symbols()
        self._tables: Symbols[PropertyTable] = Symbols()
        self._kinds: Symbols[ValueKind] = Symbols()
        self._lengths: Symbols[int] = Symbols()
        self._run = RunCode(registrations, files)
        self._unused: dict[tuple[str, str], tuple[UnusedText, ...]] = {}
        self._rows: dict[tuple[str, str, str], str] = {}
        self._numbers: dict[tuple[str, str, str], int] = {}
        for file in files:
            for code in file.code:
                self._code.add(file.file, code.name, code, code.static)
            for table, static in file.compat:
                self._compat.add(file.file, table.symbol, (table, static), static)
            for properties in file.properties:
                self._tables.add(
                    file.file, properties.symbol, properties, properties.static
                )
            for kind in file.kinds:
                self._kinds.add(file.file, kind.symbol, kind, kind.static)
            for code_ in file.unused:
                for maker in code_.makers:
                    self._unused[file.file, maker] = code_.texts
            for name, length in file.lengths:
                self._lengths.add(file.file, name, length, False)
            for row, member, symbol in file.rows:
                self._rows[file.file, row, member] = symbol
            for row, member, number in file.numbers:
                self._numbers[file.file, row, member] = number
        # A function that does nothing here may call one that does.
        for registered in registrations:
            for function in registered.functions:
                if self._code.own(registered.file, function.name) is None:
                    calls = tuple(
                        ClassAction("call", effect.symbol, maybe=effect.maybe)
                        for effect in function.effects
                        if effect.kind == "call"
                    )
                    self._code.add(
                        registered.file,
                        function.name,
                        ClassCode(function.name, function.static, calls),
                        function.static,
                    )
        self._started = next((file.started for file in files if file.started), "")

    def resolution(self) -> MachineResolution:
        made = [
            self._machine(type_)
            for name, type_ in sorted(self._types.items())
            if not type_.abstract and name.endswith(_SUFFIX) and self._is_started(name)
        ]
        machines = [machine for machine, _ in made]
        used = {table for machine in machines for table in machine.tables}
        compat = [
            table
            for table, _ in self._compat.all()
            if (table.file, table.symbol) in used
        ]
        properties = [
            one for _, type_ in sorted(self._types.items()) for one in self._own(type_)
        ]
        types = [
            ir.ObjectType(one.name, one.parent, one.abstract, one.interfaces)
            for _, one in sorted(self._types.items())
        ]
        return MachineResolution(
            ir.Machines(
                tuple(sorted(machines, key=attrgetter("name"))),
                tuple(sorted(compat, key=lambda one: (one.file, one.symbol))),
                tuple(sorted(properties, key=lambda one: (one.type, one.name))),
                tuple(types),
            ),
            tuple(dict.fromkeys(self._found)),
            {
                machine.name: texts
                for machine, init in made
                if init is not None and init[0] == machine.board
                for texts in [never_run(self._unused.get(init, ()), machine.members)]
                if texts
            },
        )

    # --- types ------------------------------------------------------------------------

    def _chain(self, name: str) -> list[TypeDecl]:
        """A type and its ancestors, the root first."""
        chain: list[TypeDecl] = []
        while (type_ := self._types.get(name)) is not None and type_ not in chain:
            chain.append(type_)
            name = type_.parent
        return chain[::-1]

    def _is_started(self, name: str) -> bool:
        """Whether a type is a machine type of this target (``object_class_get_list`` of
        ``target_machine_typename``)."""
        chain = self._chain(name)
        if not any(one.name == _MACHINE for one in chain):
            return False
        wanted = self._started
        if not wanted or wanted == _MACHINE:
            return True
        return any(
            self._is_a(interface, wanted)
            for one in chain
            for interface in one.interfaces
        )

    def _is_a(self, name: str, wanted: str) -> bool:
        return name == wanted or any(one.name == wanted for one in self._chain(name))

    # --- what functions do ------------------------------------------------------------

    @cached_property
    def _doing(self) -> set[tuple[str, str]]:
        """The functions that do something, or call one that does."""
        calls = {
            (file, name): [
                (found[0], action.symbol)
                for action in code.actions
                if action.kind == "call"
                and (found := self._code.find(file, action.symbol)) is not None
            ]
            for (file, name), code in self._code.items()
        }
        ends = (
            known
            for known, code in self._code.items()
            if any(action.kind != "call" for action in code.actions)
        )
        return leading_to(ends, calls)

    def _done(
        self,
        file: str,
        name: str,
        row: tuple[str, str] = ("", ""),
        maybe: bool = False,
        above: frozenset[str] = frozenset(),
    ) -> Iterator[_Done]:
        """What a function does, and the functions that it calls, in order; with that row
        of a file as ``class_data``."""
        found = self._code.find(file, name)
        if found is None or name in above or (found[0], name) not in self._doing:
            return
        at, code = found
        for action in code.actions:
            holds = [
                None if number is None else bool(number) == is_set
                for member, is_set in action.given
                for number in [self._number(*row, member)]
            ]
            holds += [
                (self._target in names) == is_one if self._target else None
                for names, is_one in action.targets
            ]
            if False in holds:
                continue
            perhaps = maybe or action.maybe or None in holds
            if action.kind == "call":
                yield from self._done(at, action.symbol, row, perhaps, above | {name})
            else:
                yield _Done(at, replace(action, maybe=perhaps))

    def _number(self, file: str, row: str, member: str) -> int | None:
        """A number in a row; an array stands for its first one."""
        one = self._numbers.get((file, row, member))
        return self._numbers.get((file, f"{row}[0]", member)) if one is None else one

    def _machine(self, type_: TypeDecl) -> tuple[ir.Machine, tuple[str, str] | None]:
        """A machine type, and the function that makes its board with its file."""
        alias = cpu = ""
        init: tuple[str, str] | None = None
        members: dict[ir.MemberPlace, int] = {}
        open_: list[str] = []
        for one in self._chain(type_.name):
            does = [
                done
                for function, file in [
                    *((base.base_init, base.file) for base in self._chain(one.parent)),
                    (one.class_init, one.file),
                ]
                if function
                for done in self._done(file, function, (one.file, one.row))
            ]
            for done in does:
                action = done.action
                if action.kind == "alias":
                    alias = action.symbol
                    if action.maybe or "*" in alias:
                        open_.append(f"the alias that {action.position} sets")
                elif action.kind == "cpu":
                    known = not action.maybe and "*" not in action.symbol
                    cpu = action.symbol if known else ""
                elif action.kind == "init":
                    init = None if action.maybe else (done.file, action.symbol)
                elif action.kind == "member" and action.place is not None:
                    members.pop(action.place, None)
                    if action.value is not None and not action.maybe:
                        members[action.place] = action.value
        tables: list[tuple[str, str]] = []
        if type_.class_init:
            for done in self._done(
                type_.file, type_.class_init, (type_.file, type_.row)
            ):
                if done.action.kind == "compat":
                    why = self._add_table(done, tables)
                    open_ += [why] if why else []
        default = members.pop(_DEFAULT, 0)
        fills = [(one.file, one.instance_init) for one in self._chain(type_.name)]
        machine = ir.Machine(
            type_.name.removesuffix(_SUFFIX),
            type_.name,
            (alias,) if alias else (),
            bool(default),
            tuple(tables),
            tuple(
                ir.ClassMember(place, value)
                for place, value in sorted(
                    members.items(), key=lambda item: (item[0].type, item[0].path)
                )
            ),
            "; ".join(open_),
            type_.position,
            type_.file,
            cpu,
            () if init is None else self._run.by(type_.file, init, fills, members),
        )
        return machine, init

    def _add_table(self, done: _Done, tables: list[tuple[str, str]]) -> str:
        """Adds the table that an action names; or why that cannot be determined."""
        action = done.action
        found = self._compat.find(done.file, action.symbol)
        if found is None:
            return f"{action.position} adds a table that was not read"
        table = found[1][0]
        if action.maybe:
            return f"{action.position} adds {table.symbol} under a condition"
        length = action.length
        if not length.isdecimal():
            known = self._lengths.find(done.file, length)
            length = "" if known is None else str(known[1])
        if length != str(len(table.settings)):
            return f"{action.position} adds {length or 'some'} rows of {table.symbol}"
        tables.append((table.file, table.symbol))
        return ""

    # --- properties -------------------------------------------------------------------

    def _own(self, type_: TypeDecl) -> Iterator[ir.Property]:
        """The properties that a type adds to those of its parent: the tables that its own
        ``class_init`` sets (``device_class_set_props``, hw/core/qdev-properties.c; a class
        begins without one)."""
        if not type_.class_init:
            return
        found: list[tuple[str, PropertyTable, bool]] = []
        maybe = False
        for done in self._done(type_.file, type_.class_init, (type_.file, type_.row)):
            action = done.action
            symbol = action.symbol
            if action.kind == "row":
                symbol = self._rows.get((done.file, type_.row, symbol), "")
            elif action.kind not in ("properties", "more properties"):
                continue
            table = self._tables.find(done.file, symbol)
            if action.kind != "more properties":
                # The table before may be there no more.
                found, maybe = (found, True) if action.maybe else ([], False)
            if table is None or action.maybe:
                self._found.append(
                    Diagnostic(
                        "VG425",
                        f"which properties {type_.name} has cannot be determined",
                        action.position,
                        hint="set the table of properties by its name, without a condition",
                    )
                )
            found += [] if table is None else [(*table, action.maybe)]
        names: set[str] = set()
        for file, one, is_open in found:
            for row in one.rows:
                if row.name not in names:
                    names.add(row.name)
                    known = replace(row, default=None) if maybe or is_open else row
                    yield self._property(type_.name, file, known)

    def _property(self, type_: str, file: str, row: PropertyRow) -> ir.Property:
        found = self._kinds.find(file, row.info)
        kind: ir.PropertyKind = "other"
        values: tuple[str, ...] = ()
        if found is not None:
            known = found[1]
            values = self._enums.get(known.enum, ())
            if known.type == "bool":
                kind = "bool"
            elif known.type in _NUMBERS or values:
                kind = "number"
            elif known.type == "str" and not known.defaults:
                kind = "text"
        default = row.default if kind in ("bool", "number") else None
        return ir.Property(
            type_,
            row.name,
            kind,
            row.places,
            row.bit,
            default,
            values,
            position=row.position,
        )
