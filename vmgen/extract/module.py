"""Every ``VMStateDescription`` that one C file defines, as an ``ir.Module``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from vmgen import ir
from vmgen.cfront import syntax as c
from vmgen.cfront.census import Census, Elsewhere, Found, census
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.extract import initializer, methods
from vmgen.extract.fields import FieldReader
from vmgen.extract.initializer import Initializer, Value
from vmgen.source import Diagnostic, Position, VmgenError
from vmgen.translate import REFUSING, predicate, refusals

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

    ``excerpt`` fetches a source line for diagnostics.  Raises :class:`VmgenError` with
    every finding of the unit, never after the first only.
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
        self._found: list[Diagnostic] = []
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
            with _Collect(self, (found.symbol,)):
                descriptions += self._object(found, taken.scope(found.function))
        infos: list[ir.WordsElement | ir.CustomElement] = []
        # One without a name is read with the field that it is for.
        unnamed = frozenset[Elsewhere](["unnamed"])
        taken = census(self._unit, self._layout, "VMStateInfo", unnamed)
        self._missed(taken)
        for found in taken.found:
            if found.declared.initializer is None:
                continue
            with _Collect(self, (found.symbol,)):
                if (info := self._fields.shared_info(found.symbol)) is not None:
                    infos.append(info)
        callbacks: list[ir.Method] = []
        with _Collect(self, ()):
            callbacks += methods.read(self._unit, self._layout)
        if any(found.severity == "error" for found in self._found):
            by_place = sorted(self._found, key=lambda one: one.position)
            raise VmgenError(*by_place)
        return ir.Module(
            self._unit.source,
            tuple(descriptions),
            tuple(self._functions.values()),
            tuple(infos),
            tuple(callbacks),
        )

    def _missed(self, taken: Census) -> None:
        for missed in taken.missed:
            self.report(missed)

    def _object(self, found: Found, scope: Mapping[str, str]) -> list[ir.Description]:
        name, declared = found.symbol, found.declared
        init = declared.initializer
        if not isinstance(init, c.InitList):
            # Defined and never initialised: no name, no fields (the stubs of devices
            # that a target lacks).
            nothing = Initializer({}, declared.position)
            return [self._description(name, nothing, declared)]
        if scope:
            init = c.renamed(init, scope)
        if not found.is_array:
            read = initializer.read(init, f"description {name}")
            return [self._description(name, read, declared)]
        rows: list[ir.Description] = []
        for number, item in enumerate(init.items):
            if isinstance(item.value, c.InitList) and item.value.items:
                symbol = f"{name}[{number}]"
                read = initializer.read(item.value, f"description {symbol}")
                rows.append(self._description(symbol, read, declared))
        return rows

    def _description(
        self, symbol: str, init: Initializer, declared: c.ObjectDecl
    ) -> ir.Description:
        for member in init.values:
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
        fields = self._field_list(symbol, init)
        object_type = self._fields.object_type(init_items(self._unit, init["fields"]))
        for role in ("needed", *HOOKS):
            if named := initializer.symbol(init[role]):
                self._declared(symbol, named, init[role])
        needed = self._function(initializer.symbol(init["needed"]))
        for field in fields:
            self._function(field.test)
        if not object_type and needed:
            object_type = self._functions[needed].type
        hooks = tuple(
            ir.Hook(role, hook, self._where(hook), self._refusals(hook, role))
            for role in HOOKS
            if (hook := initializer.symbol(init[role]))
        )
        priority = init["priority"]
        return ir.Description(
            symbol=symbol,
            name=name,
            type=object_type,
            version_id=version_id,
            minimum_version_id=minimum_version_id,
            fields=fields,
            subsections=self._subsections(symbol, init),
            needed=needed,
            hooks=hooks,
            priority=(
                initializer.symbol(priority) if isinstance(priority, c.Name) else ""
            ),
            unmigratable=bool(self._integer(init["unmigratable"])),
            early_setup=bool(self._integer(init["early_setup"])),
            runtime_name=runtime_name,
            static=declared.static,
            position=declared.position,
        )

    def _name(self, init: Initializer) -> tuple[str, bool]:
        value = init["name"]
        if isinstance(value, c.StringLiteral):
            return value.value, False
        if initializer.is_null(value):
            return "", True
        raise VmgenError(
            Diagnostic(
                "VG404",
                "the name of a description is not a string literal",
                init.position,
                hint="write .name as a string",
            )
        )

    def _field_list(self, symbol: str, init: Initializer) -> tuple[ir.Field, ...]:
        fields: list[ir.Field] = []
        value = init["fields"]
        before = len(self._found)
        ended = initializer.is_null(value)
        last = getattr(value, "position", init.position)
        for row in init_items(self._unit, value):
            last = row.position
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
        # Of a row that is not understood nobody knows whether it is the end.
        if not ended and len(self._found) == before:
            self._no_end(symbol, "fields", "VMSTATE_END_OF_LIST()", last)
        return tuple(fields)

    def _no_end(self, symbol: str, of: str, end: str, where: Position) -> None:
        """Report a list that QEMU reads beyond its end."""
        self.report(
            Diagnostic(
                "VG408",
                f"the list of {of} does not end with {end}",
                where,
                hint=f"add {end} behind the last one",
                context=(symbol,),
            )
        )

    def _subsections(self, owner: str, init: Initializer) -> tuple[str, ...]:
        value = init["subsections"]
        if initializer.is_null(value):
            return ()
        symbols: list[str] = []
        last = getattr(value, "position", init.position)
        for item in _list(self._unit, value).items:
            if isinstance(item.value, c.InitList):
                raise VmgenError(
                    Diagnostic("VG402", "a subsection is not a pointer", init.position)
                )
            if symbol := initializer.symbol(item.value):
                self._declared(owner, symbol, item.value)
                symbols.append(symbol)
                last = item.value.position
            else:
                break
        else:
            self._no_end(owner, "subsections", "NULL", last)
        return tuple(symbols)

    def _integer(self, value: Value | None) -> int:
        if value is None:
            return 0
        if isinstance(value, c.InitList):
            raise VmgenError(
                Diagnostic("VG406", "a number is written in braces", value.position)
            )
        return self._layout.constant(value)

    def _declared(self, owner: str, symbol: str, value: Value | None) -> None:
        with _Collect(self, (owner,)):
            self._fields.declared(symbol, value)

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
        declared = self._unit.function(function)
        return declared.position if declared else Position("")

    def report(self, found: Diagnostic) -> None:
        """Takes a finding, with the source line it is about."""
        if found.position.file and not found.excerpt:
            excerpt = self._excerpt(found.position)
            found = replace(found, excerpt=excerpt)
            if excerpt and not found.position.column:
                column = _column(excerpt, found.context)
                found = replace(found, position=replace(found.position, column=column))
        self._found.append(found)


def _column(excerpt: str, context: tuple[str, ...]) -> int:
    """Where the innermost name that stands in the line does; else its first character."""
    for name in reversed(context):
        at = excerpt.find(name)
        if name and at >= 0:
            return at + 1
    return len(excerpt) - len(excerpt.lstrip()) + 1


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


def init_items(unit: Unit, value: Value | None) -> list[c.InitList]:
    """The rows of ``.fields``: a compound literal, or the name of a shared array."""
    if initializer.is_null(value):
        return []
    rows: list[c.InitList] = []
    for item in _list(unit, value).items:
        if isinstance(item.value, c.InitList):
            rows.append(item.value)
            continue
        # A macro that no header defines looks like the call of a function.
        called = item.value.function if isinstance(item.value, c.Call) else None
        what = called.name if isinstance(called, c.Name) else "what stands here"
        raise VmgenError(
            Diagnostic(
                "VG407",
                f"{what} is no field: a braced initialiser is expected",
                getattr(item.value, "position", Position("")),
                hint="include the header that defines the macro, or correct its name",
            )
        )
    return rows


def _list(unit: Unit, value: Value | None) -> c.InitList:
    while isinstance(value, c.Cast):
        value = value.operand
    if isinstance(value, c.CompoundLiteral):
        return value.initializer
    if isinstance(value, c.InitList):
        return value
    if isinstance(value, c.Name):
        shared = unit.object(value.name)
        if shared is not None and isinstance(shared.initializer, c.InitList):
            return shared.initializer
        raise VmgenError(
            Diagnostic(
                "VG407",
                f"the list {value.name} has no initialiser in this file",
                value.position,
                hint="define it in the file that uses it",
            )
        )
    raise VmgenError(
        Diagnostic(
            "VG407",
            "a list of fields or subsections is neither a braced list nor a named array",
            getattr(value, "position", Position("")),
        )
    )
