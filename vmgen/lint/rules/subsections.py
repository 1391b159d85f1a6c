"""Subsections: those that are always sent, and those that have one name."""

from __future__ import annotations

from collections.abc import Iterator

from vmgen.lint.linted import Linted
from vmgen.lint.model import LintFinding, finding


def always_sent(linted: Linted) -> Iterator[LintFinding]:
    """A subsection without ``.needed`` (``vmstate_subsection_save``,
    ``migration/vmstate.c``): it could as well be fields."""
    for table in linted.tables:
        if linted.is_subsection(table) and not table.description.needed:
            yield finding(
                "VG810",
                table.description.position,
                (table.symbol,),
                name=table.description.name,
            )


def of_one_name(linted: Linted) -> Iterator[LintFinding]:
    """Subsections of one table that have one name: QEMU loads both into the first
    (``vmstate_get_subsection``, ``migration/vmstate.c``)."""
    for table in linted.tables:
        seen: dict[str, str] = {}
        for symbol in table.description.subsections:
            inner = table.named(symbol)
            if inner is None or not inner.description.name:
                continue
            name = inner.description.name
            first = seen.setdefault(name, symbol)
            if first != symbol or list(table.description.subsections).count(symbol) > 1:
                yield finding(
                    "VG811",
                    inner.description.position,
                    (table.symbol, symbol),
                    name=name,
                    first=first,
                )
