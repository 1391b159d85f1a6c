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
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, assert_never

from vmgen.cfront.convert import Parsed
from vmgen.cfront.tokens import LINE_MARKER, Packing, word_set

# --- regular expressions --------------------------------------------------------------

#: Levels of nested brackets that one expression follows; QEMU and libc stay well below.
_BRACES = 24
_ROUND = 6
_LITERAL = r""""(?:[^"\\\n]++|\\.)*+"|'(?:[^'\\\n]++|\\.)*+'"""
_DIRECTIVE = r"\#[^\n]*+"


def _nested(open_: str, close: str, depth: int) -> str:
    """A pattern for a bracket pair and what is inside, ``depth`` levels of it."""
    leaf = rf"""[^{re.escape(open_ + close)}"'\#]++|{_LITERAL}|{_DIRECTIVE}"""
    pattern = rf"{re.escape(open_)}(?:{leaf})*+{re.escape(close)}"
    for _ in range(depth - 1):
        pattern = rf"{re.escape(open_)}(?:{leaf}|{pattern})*+{re.escape(close)}"
    return pattern


_BODY = _nested("{", "}", _BRACES)
#: One step through a body that is nested deeper.
_BRACE = re.compile(rf"[{{}}]|{_LITERAL}|{_DIRECTIVE}|[\"']", re.DOTALL)
_PARENTHESES = _nested("(", ")", _ROUND)
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
_RECORD_ATTRIBUTE = re.compile(
    rf"\b(?:struct|union|enum){_W}(?:{_ATTRIBUTE}{_W})++(?:{_WORD})?{_W}\Z"
)
_DEFINED_TAG = re.compile(
    rf"\b(struct|union|enum)\b{_W}(?:{_ATTRIBUTE}{_W})*+"
    rf"((?!__attribute){_WORD})?{_W}(?:{_ATTRIBUTE}{_W})*+(?::[\s\w()]*+)?\{{"
)
_ENUM_BODY = re.compile(rf"""(?:[^}}"']++|{_LITERAL})*+""", re.DOTALL)
_ENUMERATOR = re.compile(rf"(?:\A|,){_W}({_WORD})")
_INNER_PARENTHESES = re.compile(r"\([^()]*+\)")

#: A declaration of one name with nothing unusual about it: groups are ``typedef``,
#: ``extern``, the name, and what follows the name (``(``, ``=`` or the end).
_S = rf"(?:[\s*]++|{_DIRECTIVE})"
_PLAIN = re.compile(
    rf"(?:__extension__{_S}++|{_ATTRIBUTE}{_S}*+)*+(?!(?:struct|union|enum)\s++{_WORD}\s*+\Z)"
    rf"(typedef{_S}++)?(extern{_S}++)?"
    rf"(?:(?!__attribute){_WORD}{_S}++|{_ATTRIBUTE}{_S}*+)+({_WORD}){_W}"
    rf"(?:(\()(?!\s*+(?:\*|{_WORD}\s*+\)\s*+\())|(?:\[[^\],]*+\]{_W})*+(=(?!=)|\Z))",
    re.DOTALL,
)
#: What follows the body of a record or enum: nothing, or one plain name.
_PLAIN_TAIL = re.compile(
    rf"(?:{_W}{_ATTRIBUTE})*+{_S}*+(?:(?!__attribute)({_WORD}){_W})?(?:{_ATTRIBUTE}{_W})*+\Z",
    re.DOTALL,
)
_TYPEDEF = re.compile(rf"(?:__extension__{_S}++|{_ATTRIBUTE}{_S}*+)*+typedef\b")
#: Names that :data:`_PLAIN` may find where a declaration is not so plain after all.
_NOT_A_NAME = word_set(
    """__attribute__ __attribute __typeof__ __typeof typeof asm __asm __asm__ _Static_assert
    _Alignas alignas constexpr thread_local _Atomic void char short int long float double signed unsigned _Bool const
    volatile struct union enum static extern typedef inline __inline __int128"""
)
_NOISE = re.compile(
    rf"{_DIRECTIVE}|(?:\b__attribute(?:__)?|\b__asm(?:__)?|\basm|\b_Alignas){_W}{_PARENTHESES}"
    rf"|\b__extension__\b|{_LITERAL}",
    re.DOTALL,
)
_TYPEOF = re.compile(
    rf"\b(?:__typeof(?:__)?|typeof|_Atomic){_W}{_PARENTHESES}", re.DOTALL
)
_ASSERT = re.compile(r"\s*(?:_Static_assert|static_assert)\b")
_HEAD_END = re.compile(r"[={]")
_LEVEL = re.compile(r"[()\[\],=]")
_WORDS = re.compile(r"[\w\s*$]*+")
_LAST_WORD = re.compile(rf"({_WORD})[\s*]*\Z")
_WRAPPED_NAME = re.compile(rf"({_WORD})\s*\)\s*\(")
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
    """A declaration as the splitter sees it: ``head_end`` is where its first ``{`` or
    its ``;`` is.  ``more`` is what follows the braces, more of them left out, or the
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
        if not _INFERRED.search(self.text):
            return ()
        return tuple(
            declaration
            for declaration in self.declarations
            if _INFERRED.search(text := declaration.text, 0, _end_of_head(text))
            or _STATIC_INFERRED.search(text)
        )

    @cached_property
    def with_statics(self) -> tuple[Declaration, ...]:
        """The functions that may have ``static`` variables."""
        if "static" not in self.text:
            return ()
        return tuple(
            function
            for function in self.functions.values()
            if "static" in (text := function.text)[max(text.find("{"), 0) :]
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
            end = offset = _end(match)
            if end < 0:
                return spans, start
            if head_end + 1 == end and text[end - 1] == ";":
                spans.append(_Span(start, head_end, end, "plain"))
                continue
            if _ANY_GAP.fullmatch(text, start, head_end):
                # A body of its own: that of an old-style function.
                first = _old_style(text, spans)
                if first is not None:
                    del spans[first.index + 1 :]
                    spans[first.index] = _Span(
                        first.start, head_end, end, "old-style", first.name
                    )
                    continue
            head = text[start:head_end]
            if _is_function(head):
                spans.append(_Span(start, head_end, end, "function"))
                continue
            tail = ""
            while flat := _UP_TO_BRACKET.match(text, end):
                tail += flat[0]
                end = flat.end()
                if text[end : end + 1] == ";":
                    break
                body = declaration(text, end)
                if text[end : end + 1] != "{" or body is None or _end(body) < 0:
                    return spans, start
                end = _end(body)
            end = offset = end + 1
            spans.append(_Span(start, head_end, end, "braced", tail))
        if _ONLY_GAP.match(text, offset):
            return spans, len(text)
        return spans, offset

    def _add(self, new: Declaration, span: _Span) -> None:
        text, start, head_end = self.text, span.start, span.head_end
        match span.kind:
            case "plain" | "function":
                found = _PLAIN.match(text, start, head_end)
                if found and found[3] in _NOT_A_NAME:
                    found = None
                new.is_definition = span.kind == "function"
                if found and not new.is_definition:
                    self._add_plain(new, found, head_end)
                elif found and found[4]:
                    new.names = (found[3],)
                    self.functions[found[3]] = new
                else:
                    self._add_other(new, text[start:head_end])
            case "old-style":
                new.names = (span.more,)
                new.is_definition = True
                self.functions[span.more] = new
            case "braced":
                self._add_with_body(new, text[start:head_end], span.more)
            case _:
                assert_never(span.kind)

    def _add_plain(self, new: Declaration, found: re.Match[str], head_end: int) -> None:
        typedef, extern, name, call, assign = found.groups()
        if not call and self.text.find(",", found.end(), head_end) >= 0:
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

    def _add_with_body(self, new: Declaration, head: str, tail: str) -> None:
        """A record, an enum, or an object with a braced initialiser; ``tail`` is what
        follows the braces, more of them left out."""
        if not _has_value(head):
            self._add_tags(new)
            plain = _PLAIN_TAIL.match(tail)
            if plain:
                self._add_tail(new, head, plain[1])
                return
        elif "," not in tail:
            found = _PLAIN.match(head)
            if found and found[5] and not found[1] and found[3] not in _NOT_A_NAME:
                new.names = (found[3],)
                new.is_definition = True
                self.objects[found[3]] = new
                return
        self._add_other(new, f"{head} {tail}")

    def _add_tail(self, new: Declaration, head: str, name: str | None) -> None:
        if name:
            new.names = (name,)
            (self.typedefs if _TYPEDEF.match(head) else self.externs)[name] = new

    def _add_tags(self, new: Declaration) -> None:
        text = self.text
        for match in _DEFINED_TAG.finditer(text, new.start, new.end):
            kind, tag = match.groups()
            if tag:
                self.tags[f"{kind} {tag}"] = new
            if kind == "enum":
                end = _ENUM_BODY.match(text, match.end())
                body = end[0] if end else ""
                if "'" in body or '"' in body:
                    body = re.sub(_LITERAL, "0", body)
                while "(" in body:
                    body, count = _INNER_PARENTHESES.subn("0", body)
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


def _is_function(head: str) -> bool:
    """Whether a ``{`` after ``head`` opens a function's body."""
    if "#" in head:
        head = re.sub(_DIRECTIVE, "", head)
    head = head.rstrip()
    if not head.endswith(")"):
        return False
    if _has_value(head):
        return False
    return "__attribute" not in head or not _RECORD_ATTRIBUTE.search(head)


def _has_value(head: str) -> bool:
    """Whether an initialiser starts in ``head``."""
    return "=" in head and "=" in _NOISE.sub(" ", head)


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
        for declarator, is_initialised in _declarators(text):
            name, called = _declared_name(declarator)
            if name and name not in _NOT_A_NAME:
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


def _declared_name(declarator: str) -> tuple[str, bool]:
    """The name in a declarator, and whether it is directly followed by ``(``."""
    while True:
        match = _WORDS.match(declarator)
        words = match[0] if match else ""
        following = declarator[len(words) :]
        if following.startswith("("):
            inner = following[1:].lstrip()
            wrapped = _WRAPPED_NAME.match(inner)
            if wrapped:
                return wrapped[1], True
            if inner.startswith("*"):
                declarator = inner
                continue
        names = _LAST_WORD.search(words)
        return (names[1] if names else ""), following.startswith("(")


# --- the unit's text ------------------------------------------------------------------

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
