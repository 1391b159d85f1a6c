"""Custom infos whose ``get`` does not read what their ``put`` writes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vmgen import ir
from vmgen.c_text import closing, words_of
from vmgen.lint.linted import Linted
from vmgen.lint.model import LintFinding, finding

_INFO = re.compile(r"\bVMStateInfo\s+(\w+)\s*=\s*\{")


def differ(linted: Linted) -> Iterator[LintFinding]:
    """An info of which both functions are understood, and move different bytes."""
    for table in linted.tables:
        for field in table.description.fields:
            element = field.element
            if (
                isinstance(element, ir.CustomElement)
                and element.get
                and element.put
                and "?" not in element.get + element.put
                and element.get != element.put
            ):
                yield finding(
                    "VG801",
                    field.position,
                    (table.symbol, field.name),
                    info=element.info or "the info",
                    get=element.get,
                    put=element.put,
                )


def missing(linted: Linted) -> Iterator[LintFinding]:
    """An info that lacks one of its functions, which QEMU calls through a null pointer."""
    for file in linted.files():
        for found in _INFO.finditer(file.text.code):
            words = words_of(file.text.code[found.end() - 1 :][:4000])
            inside = words[: closing(words, 0)]
            set_ = {
                inside[at + 1]
                for at, word in enumerate(inside[:-3])
                if word == "." and inside[at + 2] == "=" and inside[at + 3] != "NULL"
            }
            if not {"get", "put", "name"} & set_:
                continue  # by position, or by a macro
            for member in ("get", "put"):
                if member not in set_:
                    yield finding(
                        "VG802",
                        file.position(found.start(1)),
                        (found[1],),
                        member=member,
                        verb="loads" if member == "get" else "saves",
                    )
