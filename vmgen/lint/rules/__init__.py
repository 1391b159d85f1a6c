"""The rules, by their codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from vmgen.lint.linted import Linted
from vmgen.lint.model import LintFinding
from vmgen.lint.rules import (
    devices,
    fields,
    indexes,
    infos,
    missing,
    registered,
    structs,
    subsections,
    tables,
)

Rule = Callable[[Linted], Iterator[LintFinding]]

RULES: Mapping[str, Rule] = {
    "VG801": infos.differ,
    "VG802": infos.missing,
    "VG803": fields.never_sent,
    "VG804": fields.count_behind,
    "VG805": fields.doubled,
    "VG806": fields.nameless,
    "VG807": tables.nameless,
    "VG808": tables.without_minimum,
    "VG809": tables.stub,
    "VG810": subsections.always_sent,
    "VG811": subsections.of_one_name,
    "VG812": registered.by_nobody,
    "VG813": registered.twice,
    "VG814": structs.other_struct,
    "VG815": structs.others_state,
    "VG816": missing.missing_state,
    "VG817": indexes.unchecked,
    "VG818": devices.without_a_table,
    "VG819": missing.missing_timers,
    "VG820": fields.through_no_pointer,
    "VG821": fields.pointer_itself,
}
