"""Every ``VMStateDescription`` that one C file defines, as an ``ir.Module``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Literal

from vmgen import ir
from vmgen.cfront import syntax as c
from vmgen.cfront.census import Census, Elsewhere, Found, census
from vmgen.cfront.ctype import Record
from vmgen.cfront.layout import Filled, FilledArray, FilledRecord, Layout
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import renamed
from vmgen.extract import initializer, methods
from vmgen.extract.fields import FieldReader
from vmgen.extract.pre_save import pre_saved
from vmgen.source import NOWHERE, Diagnostic, Position, VmgenError
from vmgen.translate import REFUSING, definition, predicate, refusals

HOOKS = (
    "pre_load",
    "pre_load_errp",
    "post_load",
    "post_load_errp",
    "pre_save",
    "pre_save_errp",
    "post_save",
    "dev_unplug_pending",
)
KNOWN = {
    "name",
    "unmigratable",
    "early_setup",
    "version_id",
    "minimum_version_id",
    "priority",
    "needed",
    "fields",
    "subsections",
    *HOOKS,
    # Before 8.0 a description could load older streams by hand.
    "load_state_old",
    "minimum_version_id_old",
}

Excerpt = Callable[[Position], str]


def extract(unit: Unit, layout: Layout, excerpt: Excerpt) -> ir.Module:
    """Reads all descriptions of a unit.

    ``excerpt`` fetches a source line for diagnostics.  What cannot be read is in the
    module's ``unread``, with all that is found about it, and costs nothing else.
    Raises :class:`VmgenError` VG301 for a file without the type's declaration.
    """
    reader = _ModuleReader(unit, layout, excerpt)
    return reader.module()


class _ModuleReader:
    """One walk over a unit; collects findings as it goes."""

    def __init__(self, unit: Unit, layout: Layout, excerpt: Excerpt) -> None:
        self._unit = unit
        self._layout = layout
        self._excerpt = excerpt
        self._fields = FieldReader(unit, layout)
        #: What hinders the reading of each symbol, by the symbol.
        self._found: dict[str, list[Diagnostic]] = {}
        self._symbol = ""
        self._known: dict[str, list[ir.Description]] = {}
        self._functions: dict[str, ir.Function] = {}
        self._refused: dict[tuple[str, str], tuple[ir.Refusal, ...]] = {}

    def module(self) -> ir.Module:
        descriptions: list[ir.Description] = []
        taken = census(self._unit, self._layout, "VMStateDescription")
        if (taken.found or taken.missed) and not self._unit.typedef(taken.type):
            raise VmgenError(
                Diagnostic(
                    "VG301",
                    f"the file does not declare the type {taken.type}",
                    Position(self._unit.source),
                    hint='include "migration/vmstate.h"',
                )
            )
        self._missed(taken)
        for found in taken.found:
            with self._about(found.symbol):
                descriptions += self._object(found, taken.scope(found.function))
        infos: list[ir.WordsElement | ir.CustomElement] = []
        # One without a name is read with the field that it is for.
        unnamed = frozenset[Elsewhere](["unnamed"])
        taken = census(self._unit, self._layout, "VMStateInfo", unnamed)
        self._missed(taken)
        for found in taken.found:
            if found.declared.initializer is None:
                continue
            with self._about(found.symbol):
                info = self._fields.elements.shared_info(found.symbol)
                if info is not None:
                    infos.append(info)
        callbacks: list[ir.Method] = []
        with self._about(""):
            callbacks += methods.read(self._unit, self._layout)
        read = tuple(
            one for one in descriptions if owner(one.symbol) not in self._found
        )
        return ir.Module(
            self._unit.source,
            read,
            tuple(_functions((*read, *chain(*self._known.values())), self._functions)),
            tuple(infos),
            tuple(callbacks),
            tuple(
                ir.Unread(
                    symbol,
                    self._unit.source,
                    tuple(found),
                    tuple(self._known.get(symbol, ())),
                )
                for symbol, found in self._found.items()
            ),
            tuple(pre_saved(self._unit, self._layout, read)),
        )

    def _missed(self, taken: Census) -> None:
        for missed in taken.missed:
            self._symbol = missed.context[0] if missed.context else ""
            self.report(missed)

    @contextmanager
    def _about(self, symbol: str) -> Iterator[None]:
        """Take what is found meanwhile as said about ``symbol``."""
        self._symbol = symbol
        with _Collect(self, (symbol,) if symbol else ()):
            yield

    def _object(self, found: Found, scope: Mapping[str, str]) -> list[ir.Description]:
        name, declared = found.symbol, renamed(found.declared, scope)
        if declared.initializer is None:
            # Defined and never initialised: no name, no fields (the stubs of devices
            # that a target lacks).
            zero = FilledRecord(Record("struct", ""), {}, declared.position)
            return [self._description(name, zero, declared)]
        return [
            self._description(symbol, row, declared)
            for symbol, row in initializer.rows(name, self._layout.filled(declared))
            if row.members or symbol == name
        ]

    def _description(
        self, symbol: str, init: FilledRecord, declared: c.ObjectDecl
    ) -> ir.Description:
        before = self._count()
        for member in init.members:
            if member not in KNOWN:
                self.report(
                    Diagnostic(
                        "VG403",
                        f"VMStateDescription has a member .{member} that vmgen does not know",
                        init.position,
                        hint="its meaning for the wire must be added to vmgen",
                        context=(symbol,),
                    )
                )
        name, runtime_name = self._name(init)
        version_id = self._integer(init["version_id"])
        minimum_version_id = self._integer(init["minimum_version_id"])
        if minimum_version_id > version_id:
            self.report(
                Diagnostic(
                    "VG409",
                    f"version {version_id} is below the minimum {minimum_version_id}",
                    getattr(init["minimum_version_id"], "position", init.position),
                    hint="QEMU refuses such a stream, its own too; raise .version_id",
                    context=(symbol,),
                )
            )
        predicate_before = self._count()
        needed = self._function(self._named(symbol, init, "needed"))
        is_known = self._count() == predicate_before
        rows = self._rows(symbol, init)
        fields, ended = self._field_list(symbol, rows, init)
        subsections, closed = self._subsections(symbol, init)
        object_type = self._fields.object_type(row for row in rows if row is not None)
        named = {role: self._named(symbol, init, role) for role in HOOKS}
        for field in fields:
            self._function(field.test)
        if not object_type and needed:
            object_type = self._functions[needed].type
        hooks = tuple(
            ir.Hook(role, hook, self._where(hook), self._refusals(hook, role))
            for role in HOOKS
            if (hook := named[role])
        )
        priority = init["priority"]
        endless: list[Literal["fields", "subsections"]] = []
        if not ended:
            endless.append("fields")
        if not closed:
            endless.append("subsections")
        made = ir.Description(
            symbol=symbol,
            name=name,
            type=object_type,
            version_id=version_id,
            minimum_version_id=minimum_version_id,
            fields=fields,
            subsections=subsections,
            needed=needed,
            hooks=hooks,
            priority=priority.name if isinstance(priority, c.Name) else "",
            unmigratable=bool(self._integer(init["unmigratable"])),
            early_setup=bool(self._integer(init["early_setup"])),
            runtime_name=runtime_name,
            static=declared.static,
            endless=tuple(endless),
            position=declared.position,
        )
        if is_known and self._count() > before:
            self._known.setdefault(self._symbol, []).append(made.outline())
        return made

    def _named(self, owner: str, init: FilledRecord, member: str) -> str:
        """The function that a member points to; empty for NULL and what cannot be read."""
        with _Collect(self, (owner,)):
            return initializer.symbol(self._layout, init[member])
        return ""

    def _name(self, init: FilledRecord) -> tuple[str, bool]:
        """The wire name, and whether it is set at run time."""
        try:
            name = initializer.text(self._layout, init["name"])
        except VmgenError as error:
            raise VmgenError(
                Diagnostic(
                    "VG404",
                    "the name of a description is no string that this file sets",
                    init.position,
                    hint=error.diagnostics[0].message,
                )
            ) from None
        return name or "", name is None

    def _rows(self, symbol: str, init: FilledRecord) -> list[FilledRecord | None]:
        """The rows of ``.fields``; None for one that cannot be read."""
        rows: list[FilledRecord | None] = []
        with _Collect(self, (symbol,)):
            for element in self._elements(init["fields"]):
                rows.append(None)
                with _Collect(self, (symbol,)):
                    rows[-1] = _row(element())
        return rows

    def _elements(self, value: Filled | None) -> Iterator[Callable[[], Filled | None]]:
        """Readers of the elements of the list that a pointer points to."""
        pointer = initializer.pointer(value)
        base = None if pointer is None else self._layout.base(pointer)
        if pointer is None or base is None:
            return
        if isinstance(base, str):
            shared = self._unit.object(base)
            if shared is None or shared.initializer is None:
                raise VmgenError(
                    Diagnostic(
                        "VG407",
                        f"the list {base} has no initialiser in this file",
                        pointer.position,
                        hint="define it in the file that uses it",
                    )
                )
        found = self._layout.pointed(pointer)
        if found is None or found.array is None:
            raise VmgenError(
                Diagnostic(
                    "VG407",
                    "a list of fields or subsections is no array",
                    pointer.position,
                )
            )
        initializer.check_length(found.array)
        for index in range(found.index, found.array.length):
            yield partial(found.array.at, index)

    def _field_list(
        self, symbol: str, rows: list[FilledRecord | None], init: FilledRecord
    ) -> tuple[tuple[ir.Field, ...], bool]:
        """The fields of these rows, and whether the list has an end."""
        fields: list[ir.Field] = []
        ended = initializer.is_null(init["fields"])
        for row in rows:
            if row is None:
                continue
            with _Collect(self, (symbol,)):
                if ended:
                    raise VmgenError(
                        Diagnostic(
                            "VG405",
                            "a field stands after VMSTATE_END_OF_LIST()",
                            row.position,
                            hint="QEMU never reaches it; move the end of the list",
                        )
                    )
                field = self._fields.field(row)
                if field is None:
                    ended = True
                else:
                    fields.append(field)
        return tuple(fields), ended

    def _subsections(
        self, owner: str, init: FilledRecord
    ) -> tuple[tuple[str, ...], bool]:
        """The subsections' symbols, and whether the list has an end."""
        symbols: list[str] = []
        with _Collect(self, (owner,)):
            for element in self._elements(init["subsections"]):
                with _Collect(self, (owner,)):
                    symbol = initializer.symbol(self._layout, element())
                    if not symbol:
                        return tuple(symbols), True
                    symbols.append(symbol)
        return tuple(symbols), initializer.is_null(init["subsections"])

    def _integer(self, value: Filled | None) -> int:
        return initializer.integer(self._layout, value)

    def _function(self, symbol: str) -> str:
        if symbol and symbol not in self._functions:
            self._functions[symbol] = predicate(self._unit, self._layout, symbol)
        return symbol

    def _refusals(self, symbol: str, role: str) -> tuple[ir.Refusal, ...]:
        if role not in REFUSING:
            return ()
        key = symbol, role
        if key not in self._refused:
            self._refused[key] = refusals(self._unit, self._layout, symbol, role)
        return self._refused[key]

    def _where(self, function: str) -> Position:
        return definition(self._unit, function)[2]

    def report(self, found: Diagnostic) -> None:
        """Takes a finding, with the source line it is about."""
        if (
            found.position.file
            and not found.excerpt
            and (excerpt := self._excerpt(found.position))
        ):
            found = found.with_line(excerpt)
        self._found.setdefault(self._symbol, []).append(found)

    def _count(self) -> int:
        return sum(map(len, self._found.values()))


def owner(symbol: str) -> str:
    """The symbol of the object that a description is, or is an element of."""
    return symbol.partition("[")[0]


def _functions(
    read: tuple[ir.Description, ...], known: Mapping[str, ir.Function]
) -> Iterator[ir.Function]:
    """The functions that these descriptions mention, in the order they were met."""
    used = {one.needed for one in read}
    used.update(field.test for one in read for field in one.fields)
    return (function for symbol, function in known.items() if symbol in used)


class _Collect:
    """Turns a :class:`VmgenError` inside a ``with`` into findings and goes on after it."""

    def __init__(self, reader: _ModuleReader, context: tuple[str, ...]) -> None:
        self._reader = reader
        self._context = context

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: object, error: BaseException | None, trace: object
    ) -> bool:
        if not isinstance(error, VmgenError):
            return False
        for found in error.diagnostics:
            context = found.context
            if context[: len(self._context)] != self._context:
                context = self._context + context
            self._reader.report(replace(found, context=context))
        return True


def _row(value: Filled | None) -> FilledRecord:
    """A row of ``.fields``; one that is left out is all zero."""
    match value:
        case FilledRecord():
            return value
        case None:
            return FilledRecord(Record("struct", ""), {}, NOWHERE)
        case FilledArray():
            what = "the text here"
        case c.Call(c.Name(name)):
            # A macro that no header defines looks like the call of a function.
            what = name
        case _:
            what = "the text here"
    raise VmgenError(
        Diagnostic(
            "VG407",
            f"{what} is no field: a braced initialiser is expected",
            value.position,
            hint="include the header that defines the macro, or correct its name",
        )
    )
