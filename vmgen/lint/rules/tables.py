"""Tables as a whole: their names, versions, and whether they say anything."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vmgen.c_text import closing, words_of
from vmgen.lint.linted import Linted, LintedTable
from vmgen.lint.model import LintFinding, finding
from vmgen.lint.sources import CFile

_NAMED_LATER = r"(?:\b{0}\s*(?:\[[^\]]*\]\s*)?\.|->)\s*name\s*=(?!=)"


def initializer(file: CFile, table: LintedTable) -> list[str] | None:
    """The words of the braces behind a table's symbol, as the file has them; None where
    the symbol is missing there (a macro made it) or has none."""
    symbol = re.escape(table.symbol.partition("[")[0])
    found = re.search(
        rf"\bVMStateDescription\b[^;{{=]*\b{symbol}\b[^;{{=]*=\s*", file.text.code
    )
    if found is None or file.text.code[found.end() : found.end() + 1] != "{":
        return None
    text = file.text.code[found.end() :]
    end = re.search(r"^\};?", text, re.MULTILINE)
    words = words_of(text[: end.end()] if end else text)
    return words[: closing(words, 0)]


def nameless(linted: Linted) -> Iterator[LintFinding]:
    """A table whose ``.name`` is missing or empty, and that no code gives one."""
    for table in linted.tables:
        one = table.description
        if one.name or not (one.fields or one.subsections):
            continue
        file = linted.sources.file(table.file)
        if file is None:
            continue
        later = _NAMED_LATER.format(re.escape(table.symbol.partition("[")[0]))
        if one.runtime_name and re.search(later, file.text.code):
            continue
        what = "no name" if one.runtime_name else "an empty name"
        yield finding("VG807", one.position, (table.symbol,), what=what)


def without_minimum(linted: Linted) -> Iterator[LintFinding]:
    """A table of version 1 or later that does not say which versions it can load, where
    the stream says the version."""
    for table in linted.tables:
        one = table.description
        if one.minimum_version_id or not one.version_id or not one.fields:
            continue
        if not linted.loads_version_of_stream(table):
            continue
        file = linted.sources.file(table.file)
        words = initializer(file, table) if file is not None else None
        if words is None or "[" in table.symbol or "minimum_version_id" in words:
            continue
        if "version_id" not in words:
            continue  # by position, or by a macro
        yield finding(
            "VG808", one.position, (table.symbol,), version=str(one.version_id)
        )


def stub(linted: Linted) -> Iterator[LintFinding]:
    """A table without fields that somebody registers or has as a part."""
    for table in linted.tables:
        one = table.description
        if one.fields or one.subsections or one.unmigratable or one.needed:
            continue
        if one.endless or not one.name:
            continue
        file = linted.sources.file(table.file)
        if file is not None and initializer(file, table) is not None:
            yield finding("VG809", one.position, (table.symbol,))
