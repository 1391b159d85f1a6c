"""Tables that nothing uses, and tables that get a section more than once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vmgen.lint.linted import Linted
from vmgen.lint.model import LintFinding, finding

_UNREGISTERS = re.compile(r"\bvmstate_unregister\s*\([^;]*;")
"""What takes a table out of use is none."""


def by_nobody(linted: Linted) -> Iterator[LintFinding]:
    """A table that no class, call or other table names: ``dc->vmsd`` was forgotten.

    Of a static one its file decides, of any other one all files of the tree.
    """
    shared: set[str] = set()
    static = []
    for table in linted.tables:
        if "[" in table.symbol or "." in table.symbol:
            continue
        if table.description.static:
            static.append(table)
        elif linted.sources.is_tree:
            shared.add(table.symbol)
    for table in static:
        file = linted.sources.file(table.file)
        if file is None:
            continue
        text = _UNREGISTERS.sub("", file.text.plain)
        count = len(re.findall(rf"\b{re.escape(table.symbol)}\b", text))
        # None: a macro pastes its name together, and may do so where it is used.
        if count == 1:
            yield finding("VG812", table.description.position, (table.symbol,))
    counts = linted.sources.mentions(frozenset(shared))
    for table in linted.tables:
        if table.symbol in shared and not table.description.static:
            file = linted.sources.file(table.file)
            own = file is not None and re.search(
                rf"\b{re.escape(table.symbol)}\b", file.text.plain
            )
            if own and counts[table.symbol] == 1:
                yield finding("VG812", table.description.position, (table.symbol,))


def twice(linted: Linted) -> Iterator[LintFinding]:
    """A table that a device's class has and a function registers, too."""
    for program in linted.programs:
        classes = {
            (one.home, one.symbol): one
            for one in program.roots
            if one.how == "device" and one.home
        }
        for one in program.roots:
            other = classes.get((one.home, one.symbol))
            # Another device may use a device's table for an object of its own.
            if (
                one.how == "vmstate_register"
                and other is not None
                and other.file == one.file
            ):
                yield finding(
                    "VG813",
                    one.position,
                    (one.symbol,),
                    function=one.registrant,
                    type=other.registrant,
                    place=str(other.position),
                )
