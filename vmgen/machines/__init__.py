"""Machine types, what they set, and the properties of devices.

A machine type is a QOM type whose class a function fills; what the function adds to
``compat_props`` makes devices what they were in an older release
(``machine_class_base_init``, hw/core/machine.c; ``object_apply_compat_props``,
qom/object.c).  A device type has the table of properties that its own ``class_init`` sets
(``device_class_set_props``, hw/core/qdev-properties.c).

:func:`machines_of` says what one file has; :func:`resolve` puts the files of one binary
together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vmgen.cfront import syntax as c
from vmgen.cfront.census import Census, Elsewhere, census
from vmgen.cfront.layout import Filled, FilledArray, Layout
from vmgen.cfront.unit import Unit
from vmgen.extract.initializer import integer, rows, text
from vmgen.machines import board_code, code, tables
from vmgen.machines.board_code import ClassQuestions
from vmgen.machines.model import ClassCode, FileMachines
from vmgen.machines.resolve import MachineResolution, resolve
from vmgen.machines.unused_code import unused_code
from vmgen.machines.wanted import is_wanted
from vmgen.roots import Registrations, walk
from vmgen.roots.types import interface_names
from vmgen.source import Diagnostic, VmgenError

__all__ = ["FileMachines", "MachineResolution", "is_wanted", "machines_of", "resolve"]

_WORDS = ("compat_props", "MachineClass", "device_class_set_props", "->props")
"""What a function mentions that does something to a class that counts here."""


def machines_of(
    unit: Unit, layout: Layout, registrations: Registrations
) -> FileMachines:
    """What a file says of machine types and properties; ``registrations`` are its own."""
    return _MachineReader(unit, layout, registrations).machines()


class _MachineReader:
    def __init__(
        self, unit: Unit, layout: Layout, registrations: Registrations
    ) -> None:
        self._unit = unit
        self._layout = layout
        self._types = registrations.types
        self._registering = {
            one.function
            for one in registrations.registrations
            if one.how == "vmstate_register"
        }
        self._found: list[Diagnostic] = []

    def machines(self) -> FileMachines:
        unit, layout = self._unit, self._layout
        compat = tuple(
            tables.compat_tables(layout, self._census("GlobalProperty"), self._report)
        )
        named = frozenset(table.symbol for table, _ in compat)
        properties = tuple(
            tables.property_tables(layout, self._census("Property"), self._report)
        )
        kinds = tuple(
            tables.value_kinds(layout, self._census("PropertyInfo"), self._report)
        )
        functions = tuple(self._code())
        asked = {
            action.symbol
            for function in functions
            for action in function.actions
            if action.kind == "row"
        }
        inits = {
            action.symbol
            for function in functions
            for action in function.actions
            if action.kind == "init"
        }
        made = {one.instance_init for one in self._types} if inits else set()
        starts = sorted(inits | made | self._registering)
        boards = tuple(board_code.board_code(unit, layout, starts))
        return FileMachines(
            unit.source,
            compat,
            tuple(tables.lengths(unit, layout, named)),
            properties,
            kinds,
            functions,
            tuple(self._rows(asked)),
            tuple(self._numbers(functions)),
            tuple(self._unregistered()),
            self._started(),
            tuple(self._interfaces()),
            boards,
            tuple(board_code.variables(unit, layout, boards)),
            unused_code(unit, layout, sorted(inits), ClassQuestions(unit, layout).of),
            tuple(dict.fromkeys(self._found)),
        )

    def _census(self, type_: str) -> Census:
        elsewhere = frozenset[Elsewhere](["automatic", "unnamed"])
        taken = census(self._unit, self._layout, type_, elsewhere)
        self._found += taken.missed
        return taken

    def _report(self, error: VmgenError) -> None:
        self._found += error.diagnostics

    def _code(self) -> list[ClassCode]:
        names = dict.fromkeys(
            name for word in _WORDS for name in self._unit.functions_with(word)
        )
        found = []
        for name in names:
            try:
                function = self._unit.function(name)
                if function is not None and function.body is not None:
                    found.append(code.class_code(self._unit, self._layout, function))
            except VmgenError as error:
                self._found += error.diagnostics
        return [one for one in found if one.actions]

    def _rows(self, members: set[str]) -> list[tuple[str, str, str]]:
        """The tables of properties in the rows of the types of this file."""
        found = []
        for row, member, value in self._in_rows(members):
            if isinstance(value, c.Expr):
                base = self._layout.base(value)
                if isinstance(base, str):
                    found.append((row, member, base))
        return found

    def _numbers(
        self, functions: Sequence[ClassCode]
    ) -> Iterator[tuple[str, str, int]]:
        """The numbers in these rows that conditions ask for: those of this file, and
        maybe that of another file's function that fills a class of this one."""
        asked = {
            member
            for function in functions
            for action in function.actions
            for member, _ in action.given
        }
        elsewhere = [
            type_.row.partition("[")[0]
            for type_ in self._types
            if type_.row and self._is_elsewhere(type_.class_init)
        ]
        for table in dict.fromkeys(elsewhere):
            for _, init in walk.rows_of(self._unit, self._layout, table):
                asked |= set(init.members)
        for row, member, value in self._in_rows(asked):
            try:
                number = integer(self._layout, value)
            except VmgenError:
                continue  # a pointer: what it decides stays open
            yield row, member, number

    def _is_elsewhere(self, name: str) -> bool:
        function = self._unit.function(name)
        return function is None or function.body is None

    def _in_rows(self, members: set[str]) -> Iterator[tuple[str, str, Filled | None]]:
        """These members in the rows that types of this file have as ``class_data``."""
        tables = (type_.row.partition("[")[0] for type_ in self._types if type_.row)
        for table in dict.fromkeys(tables) if members else ():
            for row, init in walk.rows_of(self._unit, self._layout, table):
                for member in sorted(members):
                    yield row, member, init[member]

    def _unregistered(self) -> list[str]:
        reached: dict[str, bool] = {}
        for name in self._unit.functions_with("type_register"):
            try:
                function = self._unit.function(name)
            except VmgenError:
                continue  # its types count as registered
            if function is not None and function.body is not None:
                for one, there in code.registered(self._layout, function).items():
                    reached[one] = reached.get(one, False) or there
        return [one for one, there in reached.items() if not there]

    def _interfaces(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The ``InterfaceInfo`` arrays that other files may name."""
        for found in self._census("InterfaceInfo").found:
            if not found.declared.static:
                table = self._layout.filled(found.declared)
                if isinstance(table, FilledArray):
                    yield found.symbol, interface_names(self._unit, table)

    def _started(self) -> str:
        """``machine_typename`` of the target's ``TargetInfo`` (from 10.1 on)."""
        for found in self._census("TargetInfo").found:
            for _, row in rows(found.symbol, self._layout.filled(found.declared)):
                return text(self._layout, row["machine_typename"]) or ""
        return ""
