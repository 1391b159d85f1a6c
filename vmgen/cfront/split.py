"""Top-level declarations of a preprocessed unit, found without parsing them.

About 90 % of a unit's text are the same headers as in every other unit.  The text is
cut where a header is entered or left, each piece is split by balanced brackets and
indexed by the names it declares, and the result is kept by the piece's text for the
next unit.  One regular expression finds the bounds of a declaration
(:mod:`vmgen.cfront.bounds`), a few more its names (:mod:`vmgen.cfront.declared`); nothing
here looks at single tokens.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import assert_never

from vmgen.cfront.bounds import DeclarationBounds, first_word, spans
from vmgen.cfront.convert import Parsed
from vmgen.cfront.declared import declared_names, is_typedef, plain, plain_tail, tags
from vmgen.cfront.patterns import BRACED, CALL, NOISE, VALUE
from vmgen.cfront.tokens import LINE_MARKER, Packing

_HEAD_END = re.compile(r"[={]")
#: Types that only an expression tells: of an object, or of a static one in a function.
_INFERRED = re.compile(
    r"\b(?:__typeof(?:__)?|typeof(?:_unqual)?|__typeof_unqual__|__auto_type|auto)\b"
)
_STATIC_INFERRED = re.compile(rf"\bstatic\b[^;={{}}]*?{_INFERRED.pattern}")

ANY_MARKER = re.compile(
    r'^[ \t]*#[ \t]*(?:line[ \t]+)?(\d+)[ \t]+"((?:[^"\\\n]|\\.)*)"', re.MULTILINE
)
_CUT = re.compile(r'\n(?=#(?:line 1 "| \d+ "[^"\n]*" [12]\b))')


# --- one declaration ------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Declaration:
    """A top-level declaration: where its text is, and what was made of it so far.

    ``names`` are the typedefs, objects and functions that it declares, ``parsed`` is
    the parser's memory (keyed by what else the result depends on).
    """

    chunk: Chunk
    start: int
    end: int
    names: tuple[str, ...] = ()
    is_definition: bool = False
    words: frozenset[str] | None = None
    parsed: dict[tuple[tuple[str, ...], tuple[str, ...], Packing], Parsed] = field(
        default_factory=dict
    )

    @property
    def text(self) -> str:
        """The declaration's text, from its first token to its ``;`` or ``}``."""
        return self.chunk.text[self.start : self.end]

    @property
    def is_typedef(self) -> bool:
        """Whether it declares types."""
        return is_typedef(self.text)

    @property
    def is_inferred(self) -> bool:
        """Whether it is among :attr:`Chunk.inferred`."""
        return self in self.chunk.inferred

    @property
    def files(self) -> list[str]:
        """The files that the declaration's tokens come from, as line markers write them."""
        files = [self.place[0]]
        if "#" in (text := self.text):
            files += (match[2] for match in ANY_MARKER.finditer(text))
        return files

    @property
    def place(self) -> tuple[str, int]:
        """The file, as line markers write it, and the line of the first token."""
        return self.chunk.place(self.start)


# --- one piece of text ----------------------------------------------------------------


class Chunk:
    """A piece of preprocessed text, split and indexed.

    ``declarations`` are all of it, in order.
    The dictionaries are keyed by name; tags are keyed by ``"struct name"``,
    ``"union name"`` or ``"enum name"``.  ``rest`` is where the text stops being whole
    declarations (its length if it never does).
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.declarations: list[Declaration] = []
        self.typedefs: dict[str, Declaration] = {}
        self.functions: dict[str, Declaration] = {}
        self.prototypes: dict[str, Declaration] = {}
        self.objects: dict[str, Declaration] = {}
        self.externs: dict[str, Declaration] = {}
        self.tags: dict[str, Declaration] = {}
        self.enumerators: dict[str, Declaration] = {}
        self._found: dict[str, tuple[int, ...]] = {}
        self.rest = self._split()

    @property
    def is_whole(self) -> bool:
        """Whether the text ends where a declaration ends."""
        return self.rest == len(self.text)

    def place(self, offset: int) -> tuple[str, int]:
        """The marker's file name and the line at ``offset``; ``("", line)`` without marker."""
        text = self.text
        at = offset
        while at > 0:
            at = text.rfind("\n#", 0, at)
            marker = LINE_MARKER.match(text, at + 1)
            if marker:
                lines = text.count("\n", marker.end(), offset)
                return marker[2], int(marker[1]) + lines - 1
        return "", 1 + text.count("\n", 0, offset)

    def first_word(self, offset: int) -> int:
        """Where the first declaration at or after ``offset`` starts."""
        return first_word(self.text, offset)

    def places(self, word: str) -> tuple[int, ...]:
        """Where the text has the word, as a whole identifier or a part of one; remembered,
        since every file asks for the same few in the same headers."""
        found = self._found.get(word)
        if found is None:
            found = tuple(_places(self.text, word))
            if len(found) <= _MOST_PLACES and len(self._found) < _MOST_FOUND:
                self._found[word] = found
        return found

    def identifiers(self, word: str) -> Iterator[int]:
        """Where the word is a whole identifier."""
        text = self.text
        for at in self.places(word):
            end = at + len(word)
            if not (_in_a_word(text[at - 1 : at]) or _in_a_word(text[end : end + 1])):
                yield at

    def at(self, offset: int) -> Declaration | None:
        """The declaration that the text at ``offset`` belongs to."""
        index = bisect_right(self._starts, offset) - 1
        found = self.declarations[index] if index >= 0 else None
        return found if found is not None and offset < found.end else None

    @cached_property
    def _starts(self) -> list[int]:
        return [declaration.start for declaration in self.declarations]

    @cached_property
    def inferred(self) -> tuple[Declaration, ...]:
        """The declarations of a name, at file scope or static in a function, whose type
        is that of an expression (``typeof``, ``__auto_type``)."""
        places = (match.start() for match in _INFERRED.finditer(self.text))
        return tuple(
            declaration
            for declaration in dict.fromkeys(map(self.at, places))
            if declaration is not None
            and (
                _INFERRED.search(text := declaration.text, 0, _end_of_head(text))
                or _STATIC_INFERRED.search(text)
            )
        )

    @cached_property
    def with_statics(self) -> tuple[Declaration, ...]:
        """The functions that may have ``static`` variables."""
        return tuple(
            function
            for function in self.functions.values()
            if "static" in function.text.partition("{")[2]
        )

    # --- splitting --------------------------------------------------------------------

    def _split(self) -> int:
        """Index every declaration; where the whole ones end."""
        found, end = spans(self.text)
        for span in found:
            new = Declaration(self, span.start, span.end)
            self.declarations.append(new)
            self._add(new, span)
        return end

    def _add(self, new: Declaration, span: DeclarationBounds) -> None:
        text, start, head_end = self.text, span.start, span.head_end
        match span.kind:
            case "plain":
                found = plain(text, start, head_end)
                if found:
                    self._add_plain(new, found, head_end)
                else:
                    self._add_other(new, text[start:head_end])
            case "function":
                new.is_definition = True
                found = plain(text, start, head_end)
                if found and found[4]:
                    new.names = (found[3],)
                    self.functions[found[3]] = new
                else:
                    self._add_tags(new, head_end)
                    self._add_other(new, span.more)
            case "old-style":
                new.names = (span.more,)
                new.is_definition = True
                self.functions[span.more] = new
            case "braced":
                self._add_with_body(new, head_end - start, span.more)
            case _:
                assert_never(span.kind)

    def _add_plain(self, new: Declaration, found: re.Match[str], head_end: int) -> None:
        typedef, extern, name, call, assign = found.groups()
        parameters = CALL.match(self.text, found.start(4)) if call else found
        if parameters is None or self.text.find(",", parameters.end(), head_end) >= 0:
            self._add_other(new, self.text[new.start : head_end])
            return
        new.names = (name,)
        if typedef:
            self.typedefs[name] = new
        elif call:
            self.prototypes[name] = new
        elif assign:
            new.is_definition = True
            self.objects[name] = new
        elif not extern or name not in self.externs:
            self.externs[name] = new

    def _add_with_body(self, new: Declaration, head_end: int, text: str) -> None:
        """A record, an enum, or an object with a braced initialiser; ``text`` is the
        declaration's without what is in braces, which start at ``head_end`` of it."""
        head, tail = text[:head_end], text[head_end + len(BRACED) :]
        self._add_tags(new, new.end)
        if not VALUE.search(NOISE.sub(" ", head)):
            name = plain_tail(tail)
            if name is not None:
                if name:
                    new.names = (name,)
                    (self.typedefs if is_typedef(head) else self.externs)[name] = new
                return
        elif "," not in tail:
            found = plain(head, 0, len(head))
            if found and found[5]:
                new.names = (found[3],)
                new.is_definition = True
                self.objects[found[3]] = new
                return
        self._add_other(new, text)

    def _add_tags(self, new: Declaration, end: int) -> None:
        """The tags and enumerators up to there."""
        for kind, tag, enumerators in tags(self.text, new.start, end):
            if tag:
                self.tags[f"{kind} {tag}"] = new
            for name in enumerators:
                self.enumerators.setdefault(name, new)

    def _add_other(self, new: Declaration, text: str) -> None:
        """Whatever is not plain: several names, pointers to functions, ``typeof``.

        ``text`` is the declaration's without what is in braces.
        """
        defines_types, is_extern, names = declared_names(text, new.is_definition)
        new.names = tuple(name for name, _, _ in names)
        for name, is_function, is_initialised in names:
            if defines_types:
                self.typedefs[name] = new
            elif is_function:
                (self.functions if new.is_definition else self.prototypes)[name] = new
            elif is_initialised:
                self.objects[name] = new
            elif not is_extern or name not in self.externs:
                self.externs[name] = new


def _end_of_head(text: str) -> int:
    """Where the initialiser or the body of a declaration starts."""
    found = _HEAD_END.search(text)
    return found.start() if found else len(text)


def _places(text: str, word: str) -> Iterator[int]:
    """Where a text has these letters: to look for them costs a tenth of a regular
    expression."""
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _in_a_word(character: str) -> bool:
    return character.isalnum() or character == "_"


# --- the unit's text ------------------------------------------------------------------

#: How many words a chunk remembers the places of, and how many places of each.
_MOST_FOUND = 500
_MOST_PLACES = 1000

#: How many characters of text the process keeps split: the headers of some targets.
CACHE_LIMIT = 96 << 20

_cache: OrderedDict[str, Chunk] = OrderedDict()
_cached_characters = 0


def clear_cache() -> None:
    """Forget every piece of text (tests and long-lived processes)."""
    global _cached_characters
    _cache.clear()
    _cached_characters = 0


def _chunk(text: str) -> Chunk:
    """The chunk of ``text``, the same object for the same text while it is remembered."""
    global _cached_characters
    chunk = _cache.get(text)
    if chunk is not None:
        _cache.move_to_end(text)
        return chunk
    chunk = _cache[text] = Chunk(text)
    _cached_characters += len(text)
    while _cached_characters > CACHE_LIMIT and len(_cache) > 1:
        forgotten, _ = _cache.popitem(last=False)
        _cached_characters -= len(forgotten)
    return chunk


def split(text: str) -> list[Chunk]:
    """The chunks of a preprocessed unit, in order.

    Pieces are joined until each holds whole declarations, so that a header included
    in the middle of a declaration stays in it.  The last chunk may not be whole: then
    a bracket is missing (``chunk.rest`` says from where on).
    """
    cuts = [0, *(match.end() for match in _CUT.finditer(text)), len(text)]
    chunks: list[Chunk] = []
    first, last = 0, len(cuts) - 1
    while first < last:
        span = 1
        chunk = _chunk(text[cuts[first] : cuts[first + 1]])
        while not chunk.is_whole and first + span < last:
            span = min(span * 2, last - first)
            chunk = _chunk(text[cuts[first] : cuts[first + span]])
        chunks.append(chunk)
        first += span
    return chunks
