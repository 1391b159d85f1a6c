"""Tables and predicates that are given another object than they were written for."""

from __future__ import annotations

from collections.abc import Iterator

from vmgen import ir
from vmgen.lint.linted import Linted, LintedTable
from vmgen.lint.model import LintFinding, finding


def other_struct(linted: Linted) -> Iterator[LintFinding]:
    """A predicate, or a nested table, of another struct than the object's: the object does
    not begin with what it is for, so that its offsets are those of something else."""
    for table in linted.tables:
        description = table.description
        records = linted.sources.records(table.file)
        uses = [(description.needed, description.position, "")]
        if not linted.asks_needed(table):
            uses = []
        uses += [(one.test, one.position, one.name) for one in description.fields]
        for symbol, position, name in uses:
            function = table.function(symbol) if symbol else None
            if function is None or not function.type or not description.type:
                continue
            pair = function.type, description.type
            # The object may be a part of the predicate's: its first member.
            if (
                records.begins_with(*pair) is False
                and records.begins_with(*reversed(pair)) is False
            ):
                yield finding(
                    "VG814",
                    position,
                    (table.symbol, *([name] if name else ())),
                    what=f"{symbol}()",
                    written=function.type,
                    given=description.type,
                )
        for field in description.fields:
            element = field.element
            if not isinstance(element, ir.StructElement) or element.info:
                continue
            inner = table.named(element.description)
            if inner is None or not inner.description.type or not element.type:
                continue
            if records.begins_with(element.type, inner.description.type) is False:
                yield finding(
                    "VG814",
                    field.position,
                    (table.symbol, field.name),
                    what=element.description,
                    written=inner.description.type,
                    given=element.type,
                )


def others_state(linted: Linted) -> Iterator[LintFinding]:
    """A field's test that reads what is not in its own object: QEMU asks it when it loads,
    too, and the other object may be loaded later, or not at all."""
    for table in linted.tables:
        for field in table.description.fields:
            function = table.function(field.test) if field.test else None
            if function is not None and (other := _other(function, linted, table)):
                yield finding(
                    "VG815",
                    field.position,
                    (table.symbol, field.name),
                    test=field.test,
                    other=other,
                )


def _other(function: ir.Function, linted: Linted, table: LintedTable) -> str:
    """The object that a predicate reads besides its own; empty for none, and where it
    reads what properties set, which is the same on both sides."""
    if not function.container:
        return ""
    if function.outside is not None:
        read = {
            part.path.rpartition(".")[2].partition("[")[0]
            for part in ir.walk(function.outside)
            if isinstance(part, ir.Load) and part.path
        }
        if read <= linted.properties(table.file).names:
            return ""
    return function.container
