"""Which descriptions are registered, by whom, and under which section names.

Each C file is looked at by itself (:func:`roots_of` with the C front end,
:func:`types_of` as text where that suffices); :func:`resolve` puts the files of one
binary together: types inherit the description of their parent's class.
"""

from __future__ import annotations

from collections.abc import Iterator

from vmgen.c_text import CText
from vmgen.cfront.census import Census, census
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import renamed
from vmgen.extract.initializer import rows, symbol
from vmgen.ir import Root
from vmgen.roots import classes, registering, types, walk
from vmgen.roots.guards import ClassVariables
from vmgen.roots.model import (
    ClassFunction,
    Effect,
    Registration,
    Registrations,
    TypeDecl,
)
from vmgen.roots.registering import FunctionText, is_wanted
from vmgen.roots.resolve import Hierarchy, Resolution, resolve
from vmgen.roots.tree_types import TreeTypes
from vmgen.source import Diagnostic, Position, VmgenError

__all__ = [
    "ClassVariables",
    "Hierarchy",
    "Registrations",
    "Resolution",
    "Root",
    "TreeTypes",
    "is_wanted",
    "resolve",
    "roots_of",
]


def roots_of(unit: Unit, layout: Layout, text: str) -> Registrations:
    """Everything that one file registers, and the types that it has.

    ``text`` is the file as written.  What cannot be determined is said in ``undecided``: VG421
    for a description that is set outside of any function, VG422 and VG423 for one that
    cannot be followed.
    """
    return _FileReader(unit, layout, text).registrations()


class _FileReader:
    def __init__(self, unit: Unit, layout: Layout, text: str) -> None:
        self._unit = unit
        self._layout = layout
        self._text = CText(text)
        self._found: list[Diagnostic] = []

    def registrations(self) -> Registrations:
        unit, layout = self._unit, self._layout
        declared: list[TypeDecl] = [
            *types.constant_types(layout, unit, self._census("TypeInfo")),
            *types.virtio_pci_types(layout, unit, self._census(types.PCI_TYPES)),
        ]
        described = census(unit, layout, "VMStateDescription")
        functions: list[ClassFunction] = []
        registered: list[Registration] = []
        members: dict[str, None] = {}
        seen: set[str] = set()
        texts = list(registering.functions(self._text))
        self._check_places(texts)
        for text in texts:
            if not (
                text.fills_class or text.registers or text.makes_types or text.sets
            ):
                continue
            if text.name in seen:
                continue  # another version of it, under another #if
            seen.add(text.name)
            if not (text.sets or text.registers or text.makes_types):
                calls = [Effect("call", name) for name in text.calls]
                own = [Effect("realize", name) for name in text.realizes]
                static = "static" in text.head.split()
                functions.append(ClassFunction(text.name, static, (*calls, *own)))
                continue
            try:
                function = unit.function(text.name)
                if function is None or function.body is None:
                    continue  # not compiled in this configuration
                if scope := described.scope(text.name):
                    function = renamed(function, scope)
                if text.sets or text.fills_class:
                    one, asked = classes.class_function(unit, function, text)
                    functions.append(one)
                    members.update(dict.fromkeys(asked))
                if text.registers:
                    registered += classes.registrations(unit, layout, function)
                if text.makes_types:
                    declared += types.local_types(unit, layout, function)
            except VmgenError as error:
                self._found += error.diagnostics
        return Registrations(
            unit.source,
            tuple(declared),
            tuple(functions),
            tuple(registered),
            tuple(self._rows(declared, tuple(members))),
            tuple(self._cpu_ops()),
            tuple(dict.fromkeys(self._found)),
        )

    def _census(self, type_: str) -> Census:
        """The objects of a type; those that a function makes are read with it."""
        taken = census(self._unit, self._layout, type_, frozenset(["automatic"]))
        self._found += taken.missed
        return taken

    def _check_places(self, texts: list[FunctionText]) -> None:
        """Nothing that sets or registers may be outside of the functions found."""
        inside = sum(registering.mentions(text.body) for text in texts)
        if inside != registering.mentions(self._text.plain) - sum(
            registering.mentions(text.head) for text in texts
        ):
            self._found.append(
                Diagnostic(
                    "VG421",
                    "a description is registered outside of any function that was found",
                    Position(self._unit.source),
                    hint="write the braces of functions in the first column",
                )
            )

    def _rows(
        self, declared: list[TypeDecl], members: tuple[str, ...]
    ) -> Iterator[tuple[str, str, str]]:
        """What class functions take from the rows of the types of this file."""
        tables = dict.fromkeys(
            type_.row.partition("[")[0] for type_ in declared if type_.row and members
        )
        for table in tables:
            for row, init in walk.rows_of(self._unit, self._layout, table):
                for member in members:
                    value = init[member]
                    if value is not None:
                        yield row, member, symbol(self._layout, value)

    def _cpu_ops(self) -> Iterator[tuple[str, str, Position]]:
        if ".legacy_vmsd" not in self._text.plain:
            return
        for found in self._census("SysemuCPUOps").found:
            filled = self._layout.filled(found.declared)
            for name, row in rows(found.symbol, filled):
                value = row["legacy_vmsd"]
                position = value.position if value is not None else row.position
                yield name, symbol(self._layout, value), position
