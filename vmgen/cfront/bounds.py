"""Where the declarations of a text start and end: by balanced brackets, nothing parsed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from vmgen.cfront.patterns import (
    BETWEEN,
    BODY,
    BRACED,
    DIRECTIVE,
    FLAT,
    GAP,
    LITERAL,
    NOISE,
    VALUE,
    WORD,
)

_DECLARATION = re.compile(
    rf"{GAP}(?P<head>(?:{FLAT})*+)(?:;|(?P<body>{BODY})|(?P<deep>\{{))", re.DOTALL
)
_UP_TO_BRACKET = re.compile(rf"(?:{FLAT})*+", re.DOTALL)
_ANY_GAP = re.compile(GAP)
_ONLY_GAP = re.compile(rf"{GAP}\Z")
#: One step through a body that is nested deeper.
_BRACE = re.compile(rf"[{{}}]|{LITERAL}|{DIRECTIVE}|[\"']", re.DOTALL)
#: An old-style function up to the declarations of its parameters (C11 6.9.1).
_OLD_STYLE = re.compile(
    rf"({WORD}){BETWEEN}\({BETWEEN}{WORD}{BETWEEN}(?:,{BETWEEN}{WORD}{BETWEEN})*+\){BETWEEN}(?!__attribute|asm|__asm){WORD}"
)


@dataclass(frozen=True, slots=True)
class DeclarationBounds:
    """A declaration as the splitter sees it: ``head_end`` is where its ``;``, its first
    ``{`` or the body of a function is.  ``more`` is all but what is in braces, or the
    name of an old-style function."""

    start: int
    head_end: int
    end: int
    kind: Literal["plain", "function", "old-style", "braced"]
    more: str = ""


def first_word(text: str, offset: int) -> int:
    """Where the first declaration at or after ``offset`` starts."""
    gap = _ANY_GAP.match(text, offset)
    return gap.end() if gap else offset


def spans(text: str) -> tuple[list[DeclarationBounds], int]:
    """Where the declarations of a text start and end, in order, and where the whole ones end
    (its length if all are)."""
    declaration = _DECLARATION.match
    found: list[DeclarationBounds] = []
    offset = 0
    while match := declaration(text, offset):
        start, head_end = match.span("head")
        if match.lastgroup == "head":
            offset = match.end()
            found.append(DeclarationBounds(start, head_end, offset, "plain"))
            continue
        if _ANY_GAP.fullmatch(text, start, head_end):
            # A body of its own: that of an old-style function.
            first = _old_style(text, found)
            if first is not None and (offset := _end(match)) >= 0:
                del found[first.index :]
                found.append(
                    DeclarationBounds(
                        first.start, head_end, offset, "old-style", first.name
                    )
                )
                continue
        braced = _with_braces(match)
        if braced is None:
            return found, start
        found.append(braced)
        offset = braced.end
    if _ONLY_GAP.match(text, offset):
        return found, len(text)
    return found, offset


def _end(match: re.Match[str]) -> int:
    """Where what :data:`_DECLARATION` found ends; -1 for a body that is not closed."""
    if match["deep"] is None:
        return match.end()
    depth = 0
    for brace in _BRACE.finditer(match.string, match.start("deep")):
        if brace[0] in ("'", '"'):
            return -1
        depth += (brace[0] == "{") - (brace[0] == "}")
        if not depth:
            return brace.end()
    return -1


@dataclass(frozen=True, slots=True)
class _OldStyle:
    index: int
    start: int
    name: str


def _old_style(text: str, found: list[DeclarationBounds]) -> _OldStyle | None:
    """The head of the old-style function whose parameters the last spans declare."""
    for index in range(len(found) - 1, -1, -1):
        span = found[index]
        if span.kind != "plain":
            return None
        match = _OLD_STYLE.search(text, span.start, span.head_end)
        if match:
            return _OldStyle(index, span.start, match[1])
    return None


def _with_braces(match: re.Match[str]) -> DeclarationBounds | None:
    """The declaration whose first ``{`` was found; None if it is not whole.

    A ``{`` opens a function's body if the text before it, other braces left out, ends
    with the declarator's ``)`` and has no ``=``.
    """
    text = match.string
    start, brace = match.span("head")
    first, more, opened, valued = brace, "", 0, False
    body: re.Match[str] | None = match
    flat = text[start:brace]
    while body is not None and (end := _end(body)) >= 0:
        more += flat + BRACED
        bare = NOISE.sub(" ", flat).rstrip()
        opened += bare.count("(") - bare.count(")")
        valued = valued or VALUE.search(bare) is not None
        if bare.endswith(")") and not opened and not valued:
            return DeclarationBounds(
                start, brace, end, "function", more.removesuffix(BRACED)
            )
        following = _UP_TO_BRACKET.match(text, end)
        flat = following[0] if following else ""
        brace = end + len(flat)
        if text.startswith(";", brace):
            return DeclarationBounds(start, first, brace + 1, "braced", more + flat)
        body = _DECLARATION.match(text, brace)
    return None
