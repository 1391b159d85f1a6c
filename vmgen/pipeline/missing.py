"""A C file some of whose headers are missing: what its readings have in common.

A name that a missing header declares is unknown where it is used, which the front end
says there.  A macro is different: where it decides a condition of the preprocessor, its
absence could drop a field without a word.  So a file with such conditions is read once
more with these macros defined, and what differs is not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from vmgen import ir, preprocess
from vmgen.c_text import CText
from vmgen.preprocess import Preprocessed, Preprocessor
from vmgen.preprocess.compiler import LINE_MARKER
from vmgen.source import Diagnostic, Position, VmgenError

_CONDITIONS = ("if", "ifdef", "ifndef", "elif", "elifdef", "elifndef")
_CONFIGURED = ("CONFIG_", "TARGET_", "HOST_")
"""How the macros start that the configuration of a tree decides, and no other header."""
_LARGE = "2147483647"
_OPERATORS = re.compile(r"\b__has_\w+\s*\([^()]*\)")
"""What asks the compiler (``__has_attribute(used)``): its operand is no macro."""

Other = TypeVar("Other")


def read(
    expansion: Preprocessed,
    preprocessor: Preprocessor,
    reader: Callable[[Preprocessed], tuple[ir.Module, Other]],
    common: Callable[[Other, Other, tuple[Diagnostic, ...]], Other],
) -> tuple[ir.Module, Other]:
    """What ``reader`` makes of the file; what needs a header that is missing is in the
    module's ``unread``, with the ``#include`` (VG110) and the condition (VG114).

    The second of the reader's results is all else that it says of the file; ``common`` is
    what two readings agree on there, and raises the reasons where that is nothing.
    """
    module, other = reader(expansion)
    if not expansion.missing:
        return module, other
    unread = {
        one.symbol: replace(
            one, found=(*expansion.missing, *map(_because_of, one.found))
        )
        for one in module.unread
    }
    descriptions = module.descriptions
    if tested := undecided(expansion):
        named = Diagnostic(
            "VG114",
            f"the condition tests {', '.join(tested)}, which a header that is not found "
            "may define",
            next(iter(tested.values())),
            hint=expansion.missing[0].hint,
        )
        why = (*expansion.missing, named)
        second = _second(expansion, tuple(tested), preprocessor, reader)
        if second is None or _rest(second[0]) != _rest(module):
            raise VmgenError(*why)
        other = common(other, second[1], why)
        one, two = _parts(module), _parts(second[0])
        differing = {name for name in {*one, *two} if one.get(name) != two.get(name)}
        descriptions = tuple(
            each for each in descriptions if each.symbol not in differing
        )
        outlines = [
            {one.symbol: one.outline() for one in each.descriptions}
            for each in (module, second[0])
        ]
        for symbol in sorted(differing):
            known = outlines[0].get(symbol)
            if known is None or known != outlines[1].get(symbol):
                unread.setdefault(symbol, ir.Unread(symbol, module.file, why))
            else:
                unread.setdefault(symbol, ir.Unread(symbol, module.file, why, (known,)))
    if not descriptions and not unread:
        # Tables may be behind a macro of the header's, which no one knows.
        unread[""] = ir.Unread("", module.file, expansion.missing)
    left = tuple(unread.values())
    return replace(module, descriptions=descriptions, unread=left), other


def _because_of(found: Diagnostic) -> Diagnostic:
    """The diagnostic with what to do first: where C is not understood, a macro or a type of
    the missing header is the likeliest reason."""
    if found.code != "VG201":
        return found
    return replace(
        found, hint="give the missing header first: it may define what is used here"
    )


def undecided(expansion: Preprocessed) -> dict[str, Position]:
    """The macros that conditions behind a missing header test and nothing of the file
    defines, each with where it is tested first."""
    defined = {"defined", *(one.partition("=")[0] for one in expansion.command.defines)}
    tested: dict[str, Position] = {}
    for name in dict.fromkeys(
        expansion.relative(mark[2]) for mark in LINE_MARKER.finditer(expansion.text)
    ):
        if not (path := expansion.tree.path(name)).is_file():
            continue
        text = CText(path.read_text(encoding="utf-8", errors="replace"))
        defined.update(
            one.identifiers[0]
            for one in text.directives
            if one.name == "define" and one.identifiers
        )
        # A header of vmgen's own knows which library it stands in for.
        if name in expansion.behind and not name.startswith("<"):
            for word, line in _conditions(text, _first(expansion, name)):
                tested.setdefault(word, Position(name, line))
    return {
        word: place
        for word, place in tested.items()
        if word not in defined and not word.startswith(("_", *_CONFIGURED))
    }


def _first(expansion: Preprocessed, file: str) -> int:
    """The line of the first missing header that a file includes itself, or 0."""
    lines = [
        one.position.line for one in expansion.missing if one.position.file == file
    ]
    return min(lines, default=0)


def _conditions(text: CText, behind: int) -> Iterator[tuple[str, int]]:
    for one in text.directives:
        if one.name in _CONDITIONS and one.line > behind:
            asked = replace(one, text=_OPERATORS.sub(" ", one.text))
            yield from ((word, one.line) for word in asked.identifiers)


def _second(
    expansion: Preprocessed,
    names: tuple[str, ...],
    preprocessor: Preprocessor,
    reader: Callable[[Preprocessed], tuple[ir.Module, Other]],
) -> tuple[ir.Module, Other] | None:
    """The reading with these macros defined; None where there is none."""
    try:
        again = preprocess.preprocess(
            expansion.tree,
            expansion.source,
            preprocessor=preprocessor,
            partial=True,
            defines=tuple(f"{name}={_LARGE}" for name in names),
        )
        return reader(again)
    except VmgenError:
        return None  # then nothing is common to both


def _parts(module: ir.Module) -> dict[str, object]:
    """Each description with the functions that it names, or that it was not read."""
    functions = {one.symbol: one for one in module.functions}
    parts: dict[str, object] = {one.symbol: "" for one in module.unread}
    for one in module.descriptions:
        tests = [functions.get(field.test) for field in one.fields]
        parts[one.symbol] = one, functions.get(one.needed), tests
    return parts


def _rest(module: ir.Module) -> object:
    return module.infos, module.methods
