"""Files put together: what each machine type sets, and which properties a type has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter
from typing import Generic, TypeVar

from vmgen import ir
from vmgen.machines.model import (
    BoardCode,
    ClassAction,
    ClassCode,
    ClassCondition,
    FileMachines,
    PropertyRow,
    PropertyTable,
    ValueKind,
)
from vmgen.machines.runs import known_runs
from vmgen.roots import Registrations
from vmgen.roots.calls import leading_to
from vmgen.roots.model import TypeDecl
from vmgen.roots.registering import REGISTERING
from vmgen.source import Diagnostic

_MACHINE = "machine"
_SUFFIX = "-machine"
_NUMBERS = frozenset(
    ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "size", "int"]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MachineResolution:
    """The machine types of one binary, and what could not be determined of them."""

    machines: ir.Machines
    undecided: tuple[Diagnostic, ...]


def resolve(
    registrations: Iterable[Registrations],
    files: Iterable[FileMachines],
    enums: Mapping[str, tuple[str, ...]],
) -> MachineResolution:
    """The machine types of one binary.

    ``registrations`` and ``files`` are those of all its files, ``enums`` the names of the
    values of QAPI's enums.
    """
    return _Binary(
        sorted(registrations, key=attrgetter("file")),
        sorted(files, key=attrgetter("file")),
        enums,
    ).resolution()


_DEFAULT = ir.MemberPlace("MachineClass", "is_default")

_Named = TypeVar("_Named")


class _Symbols(Generic[_Named]):
    """What files define under a name: a file's own counts first, then what is not
    ``static`` in others."""

    def __init__(self) -> None:
        self._own: dict[tuple[str, str], _Named] = {}
        self._extern: dict[str, tuple[str, _Named]] = {}

    def add(self, file: str, name: str, one: _Named, static: bool) -> None:
        self._own.setdefault((file, name), one)
        if not static:
            self._extern.setdefault(name, (file, one))

    def own(self, file: str, name: str) -> _Named | None:
        return self._own.get((file, name))

    def find(self, file: str, name: str) -> tuple[str, _Named] | None:
        own = self._own.get((file, name))
        return (file, own) if own is not None else self._extern.get(name)

    def all(self) -> Iterable[_Named]:
        return self._own.values()

    def items(self) -> Iterable[tuple[tuple[str, str], _Named]]:
        return self._own.items()


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
    ) -> None:
        self._enums = enums
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
        self._code: _Symbols[ClassCode] = _Symbols()
        self._compat: _Symbols[tuple[ir.CompatTable, bool]] = _Symbols()
        self._tables: _Symbols[PropertyTable] = _Symbols()
        self._kinds: _Symbols[ValueKind] = _Symbols()
        self._lengths: _Symbols[int] = _Symbols()
        self._boards: _Symbols[BoardCode] = _Symbols()
        self._variables: _Symbols[int] = _Symbols()
        self._registering = Counter(
            (one.file, one.function)
            for registered in registrations
            for one in registered.registrations
            if one.how == "vmstate_register"
        )
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
            for board in file.boards:
                self._boards.add(file.file, board.name, board, board.static)
            for name, value in file.variables:
                self._variables.add(file.file, name, value, False)
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
        machines = [
            self._machine(type_)
            for name, type_ in sorted(self._types.items())
            if not type_.abstract and name.endswith(_SUFFIX) and self._is_started(name)
        ]
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

    def _machine(self, type_: TypeDecl) -> ir.Machine:
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
        return ir.Machine(
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
            () if init is None else self._runs(type_, init, members),
        )

    def _runs(
        self,
        type_: TypeDecl,
        init: tuple[str, str],
        members: Mapping[ir.MemberPlace, int],
    ) -> tuple[tuple[str, str], ...]:
        """The functions that register a section of no device and that the board's code
        calls whatever the guest is."""
        fills = [(one.file, one.instance_init) for one in self._chain(type_.name)]
        changed = {
            name
            for file, function in (init, *fills)
            for board in self._reached(file, function, set())
            for name in board.changes
        }

        def holds(file: str, condition: ClassCondition) -> bool:
            place, wanted = condition
            if place.type:
                return place in members and bool(members[place]) == wanted
            first = self._variables.find(file, place.path)
            if first is None or place.path in changed:
                return False
            return bool(first[1]) == wanted

        def run(file: str, name: str, above: frozenset[str]) -> None:
            found = self._boards.find(file, name)
            if found is None or name in above:
                return
            at, board = found
            calls = [
                call
                for call in board.calls
                if all(holds(at, condition) for condition in call.given)
            ]
            made = sum(call.symbol in REGISTERING for call in calls)
            if 0 < self._registering[at, name] <= made:
                registering.add((at, name))
            for call in calls:
                run(at, call.symbol, above | {name})

        registering = {
            (one.file, one.function)
            for one in known_runs()
            if one.board == type_.file and (one.file, one.function) in self._registering
        }
        run(*init, frozenset())
        return tuple(sorted(registering))

    def _reached(self, file: str, name: str, seen: set[str]) -> Iterator[BoardCode]:
        """A function and all that it may call, of the files of boards."""
        found = self._boards.find(file, name)
        if found is not None and name not in seen:
            seen.add(name)
            at, board = found
            yield board
            for one in board.names:
                yield from self._reached(at, one, seen)

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
        """The properties that a type adds to those of its parent: the table that its own
        ``class_init`` sets last (``device_class_base_init`` begins without one)."""
        if not type_.class_init:
            return
        found: list[tuple[str, PropertyTable]] = []
        maybe = False
        for done in self._done(type_.file, type_.class_init, (type_.file, type_.row)):
            action = done.action
            symbol = action.symbol
            if action.kind == "row":
                symbol = self._rows.get((done.file, type_.row, symbol), "")
            elif action.kind != "properties":
                continue
            table = self._tables.find(done.file, symbol)
            if not action.maybe:
                found, maybe = [], False
            if table is None or action.maybe:
                self._found.append(
                    Diagnostic(
                        "VG425",
                        f"which properties {type_.name} has cannot be determined",
                        action.position,
                        hint="set the table of properties by its name, without a condition",
                    )
                )
            maybe = maybe or action.maybe
            found += [] if table is None else [table]
        names: set[str] = set()
        for file, one in found:
            for row in one.rows:
                if row.name not in names:
                    names.add(row.name)
                    known = replace(row, default=None) if maybe else row
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
