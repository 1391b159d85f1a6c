"""The tables of a file: compat properties, properties, and the kinds of their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vmgen import ir
from vmgen.cfront import syntax as c
from vmgen.cfront.census import Census, Found
from vmgen.cfront.layout import (
    STATIC_INITIALIZER,
    Filled,
    FilledRecord,
    Layout,
)
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import walk
from vmgen.extract import initializer
from vmgen.machines.model import PropertyRow, PropertyTable, ValueKind
from vmgen.source import VmgenError

Report = Callable[[VmgenError], None]
"""Takes what keeps one row from being read."""


def symbol_of(found: Found) -> str:
    """The symbol of a table: ``function.name`` for a static one inside of a function."""
    name = found.declared.name
    return f"{found.function}.{name}" if found.function else name


def compat_tables(
    layout: Layout, taken: Census, report: Report
) -> Iterator[tuple[ir.CompatTable, bool]]:
    """The ``GlobalProperty`` arrays, each with whether it is ``static``.

    A row without a driver ends the table, as one that is written at its end does.
    """
    for found in taken.found:
        settings = []
        try:
            value = layout.filled(found.declared)
            for _, row in initializer.rows(found.symbol, value):
                driver = initializer.text(layout, row["driver"])
                if driver is None:
                    break
                settings.append(
                    ir.Setting(
                        driver,
                        initializer.text(layout, row["property"]) or "",
                        initializer.text(layout, row["value"]) or "",
                        bool(initializer.integer(layout, row["optional"])),
                        row.position,
                    )
                )
        except VmgenError as error:
            report(error)  # half of a table would be a different table
            continue
        symbol = symbol_of(found)
        file = found.declared.position.file
        yield ir.CompatTable(symbol, file, tuple(settings)), found.declared.static


def lengths(
    unit: Unit, layout: Layout, tables: frozenset[str]
) -> Iterator[tuple[str, int]]:
    """The integers that the file computes from tables (``G_N_ELEMENTS(table)``)."""
    if not tables:
        return
    for declaration in unit.mentioning(tables):
        if declaration.is_typedef:
            continue
        try:
            objects = unit.read(declaration).objects
        except VmgenError:
            continue  # said where the table is read
        for declared in objects.values():
            if isinstance(declared.initializer, c.Expr):
                try:
                    yield declared.name, layout.constant(declared.initializer)
                except VmgenError:
                    continue  # a pointer to the table


def property_tables(
    layout: Layout, taken: Census, report: Report
) -> Iterator[PropertyTable]:
    """The arrays of ``Property`` and the single ones."""
    for found in taken.found:
        rows = []
        try:
            value = layout.filled(found.declared)
            for _, row in initializer.rows(found.symbol, value):
                name = initializer.text(layout, row["name"])
                if name is None:
                    break  # DEFINE_PROP_END_OF_LIST (up to 9.2)
                try:
                    rows.append(_property(layout, name, row, report))
                except VmgenError as error:
                    report(error)
        except VmgenError as error:
            report(error)
            continue
        yield PropertyTable(symbol_of(found), found.declared.static, tuple(rows))


def _property(
    layout: Layout, name: str, row: FilledRecord, report: Report
) -> PropertyRow:
    default = None
    if initializer.integer(layout, row["set_default"]):
        try:
            default = _default(layout, row["defval"])
        except VmgenError as error:
            report(error)
    bit = None
    if "bitnr" in row.members:
        bit = initializer.integer(layout, row["bitnr"])
    return PropertyRow(
        name,
        initializer.symbol(layout, row["info"]),
        places(layout, row["offset"]),
        bit,
        default,
        row.position,
    )


def _default(layout: Layout, value: Filled | None) -> int:
    """``defval`` is a union of an ``int64_t`` and a ``uint64_t``."""
    if not isinstance(value, FilledRecord):
        return 0
    signed = value["i"]
    if signed is not None:
        return initializer.integer(layout, signed)
    return initializer.integer(layout, value["u"])


def places(layout: Layout, offset: Filled | None) -> tuple[ir.MemberPlace, ...]:
    """The member that an offset leads to, from the struct that is named and from each
    struct inside of it on the way; none where there is no ``offsetof``."""
    if not isinstance(offset, c.Expr):
        return ()
    layout.constant(offset, STATIC_INITIALIZER)  # runs the macros' own type checks
    named = (node for node in walk(offset) if isinstance(node, c.OffsetOf))
    found = next(named, None)
    if found is None:
        return ()
    place = layout.place(layout.resolve(found.type), found.designator)
    words = [
        step.name + "".join(f"[{index}]" for index in step.index)
        for step in place.steps
    ]
    out = [ir.MemberPlace(layout.spelling(found.type), ".".join(words))]
    for number, step in enumerate(place.steps[:-1], 1):
        owner = layout.spelling(step.written)
        if owner and not step.pointer:
            out.append(ir.MemberPlace(owner, ".".join(words[number:])))
    return tuple(out)


def value_kinds(layout: Layout, taken: Census, report: Report) -> Iterator[ValueKind]:
    """The ``PropertyInfo`` objects; up to 9.2 the member with the kind is ``name``."""
    for found in taken.found:
        try:
            value = layout.filled(found.declared)
            for symbol, row in initializer.rows(found.symbol, value):
                named = row["type"] if "type" in row.members else row["name"]
                table = initializer.symbol(layout, row["enum_table"])
                yield ValueKind(
                    symbol,
                    found.declared.static,
                    initializer.text(layout, named) or "",
                    table.removesuffix("_lookup"),
                    row["set_default_value"] is not None,
                )
        except VmgenError as error:
            report(error)
