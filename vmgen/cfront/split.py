"""Top-level declarations of a preprocessed unit, found without parsing them.

About 90 % of a unit's text are the same headers as in every other unit.  The text is
cut where a header is entered or left, each piece is split by balanced brackets and
indexed by the names it declares, and the result is kept by the piece's text for the
next unit.  One regular expression finds the bounds of a declaration, a few more its
names; nothing here looks at single tokens.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, assert_never

from vmgen.cfront.convert import Parsed
from vmgen.cfront.tokens import (
    IGNORED_WORDS,
    LINE_MARKER,
    RESERVED_WORDS,
    Packing,
    word_set,
)

# --- regular expressions --------------------------------------------------------------

#: Levels of nested brackets inside a pair that one expression follows; QEMU and libc stay
#: well below.
_LEVELS = 24
_LITERAL = r""""(?:[^"\\\n]++|\\.)*+"|'(?:[^'\\\n]++|\\.)*+'"""
_DIRECTIVE = r"\#[^\n]*+"


def _nested(open_: str, close: str) -> str:
    """A pattern for a bracket pair and what is inside."""
    leaf = rf"""[^{re.escape(open_ + close)}"'\#]++|{_LITERAL}|{_DIRECTIVE}"""
    pattern = rf"{re.escape(open_)}(?:{leaf})*+{re.escape(close)}"
    for _ in range(_LEVELS):
        pattern = rf"{re.escape(open_)}(?:{leaf}|{pattern})*+{re.escape(close)}"
    return pattern


_BODY = _nested("{", "}")
#: One step through a body that is nested deeper.
_BRACE = re.compile(rf"[{{}}]|{_LITERAL}|{_DIRECTIVE}|[\"']", re.DOTALL)
_PARENTHESES = _nested("(", ")")
_FLAT = rf"""[^{{}}"';\#]++|{_LITERAL}|{_DIRECTIVE}"""
#: What may stand between two tokens, and between two declarations.
_W = rf"(?:\s++|{_DIRECTIVE})*+"
_GAP = rf"(?:\s++|{_DIRECTIVE}|;)*+"
_WORD = r"(?:[^\W\d]|\$)[\w$]*+"
_BRACKETED = r"\[\[(?:[^\[\]]++|\[[^\[\]]*+\])*+\]\]"
_ATTRIBUTE = rf"(?:__attribute(?:__)?{_W}{_PARENTHESES}|{_BRACKETED})"

_DECLARATION = re.compile(
    rf"{_GAP}(?P<head>(?:{_FLAT})*+)(?:;|(?P<body>{_BODY})|(?P<deep>\{{))", re.DOTALL
)
_UP_TO_BRACKET = re.compile(rf"(?:{_FLAT})*+", re.DOTALL)
_ANY_GAP = re.compile(_GAP)
_ONLY_GAP = re.compile(rf"{_GAP}\Z")
_DEFINED_TAG = re.compile(
    rf"\b(struct|union|enum)\b{_W}(?:{_ATTRIBUTE}{_W})*+"
    rf"((?!__attribute){_WORD})?{_W}(?:{_ATTRIBUTE}{_W})*+(?::[\s\w()]*+)?\{{"
)
_ENUM_BODY = re.compile(rf"""(?:[^{{}}"']++|{_LITERAL}|{_BODY})*+""", re.DOTALL)
_ENUMERATOR = re.compile(rf"(?:\A|,){_W}({_WORD})")
_INNERMOST = re.compile(r"\([^(){}]*+\)|\{[^(){}]*+\}")

#: A declaration of one name with nothing unusual about it: groups are ``typedef``,
#: ``extern``, the name, and what follows the name (``(``, ``=`` or the end).
_S = rf"(?:[\s*]++|{_DIRECTIVE})"
_PLAIN = re.compile(
    rf"(?:__extension__{_S}++|{_ATTRIBUTE}{_S}*+)*+(?!(?:struct|union|enum)\s++{_WORD}\s*+\Z)"
    rf"(typedef{_S}++)?(extern{_S}++)?"
    rf"(?:(?!__attribute){_WORD}{_S}++|{_ATTRIBUTE}{_S}*+)+({_WORD}){_W}"
    rf"(?:(\()(?!\s*+(?:\*|(?!void\b){_WORD}\s*+\)))|(?:\[[^\],]*+\]{_W})*+(=(?!=)|\Z))",
    re.DOTALL,
)
#: What follows the body of a record or enum: nothing, or one plain name.
_PLAIN_TAIL = re.compile(
    rf"(?:{_W}{_ATTRIBUTE})*+{_S}*+(?:(?!__attribute)({_WORD}){_W})?(?:{_ATTRIBUTE}{_W})*+\Z",
    re.DOTALL,
)
_TYPEDEF = re.compile(rf"(?:__extension__{_S}++|{_ATTRIBUTE}{_S}*+)*+typedef\b")
#: Reserved words that need a type beside them.
_NO_TYPE = IGNORED_WORDS | word_set(
    "static extern typedef _Thread_local __thread thread_local constexpr struct union enum"
)
_NOISE = re.compile(
    rf"{_DIRECTIVE}|{_BRACKETED}|(?:\b__attribute(?:__)?|\b__asm(?:__)?|\basm|\b_Alignas){_W}{_PARENTHESES}"
    rf"|\b__extension__\b|{_LITERAL}",
    re.DOTALL,
)
_TYPEOF = re.compile(
    rf"\b(?:__typeof(?:__)?|typeof|_Atomic){_W}{_PARENTHESES}", re.DOTALL
)
_ASSERT = re.compile(r"\s*(?:_Static_assert|static_assert)\b")
_HEAD_END = re.compile(r"[={]")
_VALUE = re.compile(r"(?<![=!<>])=(?!=)")
_CALL = re.compile(_PARENTHESES, re.DOTALL)
#: What replaces the braces where they are left out.
_BRACED = " _ "
_LEVEL = re.compile(r"[()\[\],=]")
_WORDS = re.compile(r"\A[\w\s*$]*+")
_ONE_WORD = re.compile(_WORD)
_ONLY_TAG = re.compile(
    rf"\s*(?:(?:static|extern|const|volatile)\s+)*(?:struct|union|enum)\b\s*(?:{_WORD})?\s*\Z"
)
#: An old-style function up to the declarations of its parameters (C11 6.9.1).
_OLD_STYLE = re.compile(
    rf"({_WORD}){_W}\({_W}{_WORD}{_W}(?:,{_W}{_WORD}{_W})*+\){_W}(?!__attribute|asm|__asm){_WORD}"
)
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
        return _TYPEDEF.match(self.text) is not None

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


@dataclass(frozen=True, slots=True)
class _Span:
    """A declaration as the splitter sees it: ``head_end`` is where its ``;``, its first
    ``{`` or the body of a function is.  ``more`` is all but what is in braces, or the
    name of an old-style function."""

    start: int
    head_end: int
    end: int
    kind: Literal["plain", "function", "old-style", "braced"]
    more: str = ""


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
            if at < 0:
                break
        return "", 1 + text.count("\n", 0, offset)

    def first_word(self, offset: int) -> int:
        """Where the first declaration at or after ``offset`` starts."""
        gap = _ANY_GAP.match(self.text, offset)
        return gap.end() if gap else offset

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
        spans, end = self._spans()
        for span in spans:
            new = Declaration(self, span.start, span.end)
            self.declarations.append(new)
            self._add(new, span)
        return end

    def _spans(self) -> tuple[list[_Span], int]:
        """Where declarations start and end, in order, and where the whole ones end."""
        text = self.text
        declaration = _DECLARATION.match
        spans: list[_Span] = []
        offset = 0
        while match := declaration(text, offset):
            start, head_end = match.span("head")
            if match.lastgroup == "head":
                offset = match.end()
                spans.append(_Span(start, head_end, offset, "plain"))
                continue
            if _ANY_GAP.fullmatch(text, start, head_end):
                # A body of its own: that of an old-style function.
                first = _old_style(text, spans)
                if first is not None and (offset := _end(match)) >= 0:
                    del spans[first.index :]
                    spans.append(
                        _Span(first.start, head_end, offset, "old-style", first.name)
                    )
                    continue
            braced = _with_braces(match)
            if braced is None:
                return spans, start
            spans.append(braced)
            offset = braced.end
        if _ONLY_GAP.match(text, offset):
            return spans, len(text)
        return spans, offset

    def _add(self, new: Declaration, span: _Span) -> None:
        text, start, head_end = self.text, span.start, span.head_end
        match span.kind:
            case "plain":
                found = _plain(text, start, head_end)
                if found:
                    self._add_plain(new, found, head_end)
                else:
                    self._add_other(new, text[start:head_end])
            case "function":
                new.is_definition = True
                found = _plain(text, start, head_end)
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
        parameters = _CALL.match(self.text, found.start(4)) if call else found
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
        head, tail = text[:head_end], text[head_end + len(_BRACED) :]
        self._add_tags(new, new.end)
        if not _VALUE.search(_NOISE.sub(" ", head)):
            plain = _PLAIN_TAIL.match(tail)
            if plain:
                self._add_tail(new, head, plain[1])
                return
        elif "," not in tail:
            found = _PLAIN.match(head)
            if found and found[5]:
                new.names = (found[3],)
                new.is_definition = True
                self.objects[found[3]] = new
                return
        self._add_other(new, text)

    def _add_tail(self, new: Declaration, head: str, name: str | None) -> None:
        if name:
            new.names = (name,)
            (self.typedefs if _TYPEDEF.match(head) else self.externs)[name] = new

    def _add_tags(self, new: Declaration, end: int) -> None:
        """The tags and enumerators up to there."""
        text = self.text
        for match in _DEFINED_TAG.finditer(text, new.start, end):
            kind, tag = match.groups()
            if tag:
                self.tags[f"{kind} {tag}"] = new
            if kind == "enum":
                found = _ENUM_BODY.match(text, match.end())
                body = found[0] if found else ""
                if "'" in body or '"' in body:
                    body = re.sub(_LITERAL, "0", body)
                while "(" in body:
                    body, count = _INNERMOST.subn("0", body)
                    if not count:
                        break
                for name in _ENUMERATOR.findall(body):
                    self.enumerators.setdefault(name, new)

    def _add_other(self, new: Declaration, text: str) -> None:
        """Whatever is not plain: several names, pointers to functions, ``typeof``.

        ``text`` is the declaration's without what is in braces.
        """
        is_typedef, is_extern, names = _declared_names(text, new.is_definition)
        new.names = tuple(name for name, _, _ in names)
        for name, is_function, is_initialised in names:
            if is_typedef:
                self.typedefs[name] = new
            elif is_function:
                (self.functions if new.is_definition else self.prototypes)[name] = new
            elif is_initialised:
                self.objects[name] = new
            elif not is_extern or name not in self.externs:
                self.externs[name] = new


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


def _end_of_head(text: str) -> int:
    """Where the initialiser or the body of a declaration starts."""
    found = _HEAD_END.search(text)
    return found.start() if found else len(text)


@dataclass(frozen=True, slots=True)
class _OldStyle:
    index: int
    start: int
    name: str


def _old_style(text: str, spans: list[_Span]) -> _OldStyle | None:
    """The head of the old-style function whose parameters the last spans declare."""
    for index in range(len(spans) - 1, -1, -1):
        span = spans[index]
        if span.kind != "plain":
            return None
        match = _OLD_STYLE.search(text, span.start, span.head_end)
        if match:
            return _OldStyle(index, span.start, match[1])
    return None


def _plain(text: str, start: int, head_end: int) -> re.Match[str] | None:
    """What :data:`_PLAIN` finds, if that is so plain."""
    found = _PLAIN.match(text, start, head_end)
    return found if found and found[3] not in RESERVED_WORDS else None


def _with_braces(match: re.Match[str]) -> _Span | None:
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
        more += flat + _BRACED
        bare = _NOISE.sub(" ", flat).rstrip()
        opened += bare.count("(") - bare.count(")")
        valued = valued or _VALUE.search(bare) is not None
        if bare.endswith(")") and not opened and not valued:
            return _Span(start, brace, end, "function", more.removesuffix(_BRACED))
        following = _UP_TO_BRACKET.match(text, end)
        flat = following[0] if following else ""
        brace = end + len(flat)
        if text.startswith(";", brace):
            return _Span(start, first, brace + 1, "braced", more + flat)
        body = _DECLARATION.match(text, brace)
    return None


def _declared_names(
    text: str, is_function: bool
) -> tuple[bool, bool, list[tuple[str, bool, bool]]]:
    """Is it a typedef, is it extern, and per name: is it a function, has it a value."""
    if _ASSERT.match(text):
        return False, False, []
    text = _TYPEOF.sub(" int ", _NOISE.sub(" ", text)).strip().rstrip(";").rstrip()
    is_typedef = re.match(r"typedef\b", text) is not None
    is_extern = re.match(r"extern\b", text) is not None
    names: list[tuple[str, bool, bool]] = []
    if text and not _ONLY_TAG.match(text):
        for index, (declarator, is_initialised) in enumerate(_declarators(text)):
            name, called = _declared_name(declarator, index == 0)
            if name:
                names.append((name, called or is_function, is_initialised))
    return is_typedef, is_extern, names


def _declarators(text: str) -> list[tuple[str, bool]]:
    """The declarators of a declaration (the first one with the specifiers in front), and
    whether each has an initialiser."""
    found: list[tuple[str, bool]] = []
    depth, start, equals = 0, 0, -1
    for match in _LEVEL.finditer(text):
        character = match[0]
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif depth == 0 and character == "=":
            equals = match.start() if equals < 0 else equals
        elif depth == 0 and character == ",":
            found.append(
                (text[start : equals if equals >= 0 else match.start()], equals >= 0)
            )
            start, equals = match.end(), -1
    found.append((text[start : equals if equals >= 0 else len(text)], equals >= 0))
    return found


def _declared_name(
    declarator: str, is_first: bool = False, is_called: bool = False
) -> tuple[str, bool]:
    """The name in a declarator, with the specifiers before it if ``is_first``, and whether
    it is a function; ``is_called`` if a parameter list follows the declarator."""
    words = "".join(_WORDS.findall(declarator)[:1])
    following = declarator[len(words) :]
    written = _ONE_WORD.findall(words)
    names = [word for word in written if word not in RESERVED_WORDS]
    parentheses = _CALL.match(following)
    is_called = is_called and "*" not in words
    if parentheses is None:
        return (names[-1] if names else ""), is_called
    # Where the type is a name, that comes first.
    is_typed = is_first and _NO_TYPE.issuperset({*written} - {*names})
    if len(names) > is_typed:
        return names[-1], True
    rest = following[parentheses.end() :].lstrip()
    name, is_function = _declared_name(
        parentheses[0][1:-1],
        is_called=rest.startswith("(") or (is_called and not rest),
    )
    return (name, is_function) if name else ("".join(names), True)


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
