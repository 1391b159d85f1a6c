"""C as it is written, before any preprocessor: the one view of raw text.

Macros stand by name, and of conditional groups every branch is there.  Comments are
blanked and nothing moves, so that offsets and lines are the file's.  What a text means
is not known here; the C front end reads that from preprocessed text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

_LITERAL = r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'"""
COMMENT_OR_LITERAL = re.compile(
    rf"/\*.*?(?:\*/|\Z)|//(?:\\\r?\n|[^\n])*|{_LITERAL}", re.DOTALL
)
#: Behind the end of a line: text is searched many times as fast for that as for starts.
_DIRECTIVE = re.compile(
    r"\n[ \t]*+#[ \t]*+(\w*+)[ \t]*+([^\\\n]*+(?:\\(?:\r?\n)?[^\\\n]*+)*+)"
)
_CONTINUED = re.compile(r"\\\r?\n")
_WORD = re.compile(rf"{_LITERAL}|[^\W\d]\w*|\d\w*|\#\#|\S", re.DOTALL)
_IDENTIFIER = re.compile(r"\b[^\W\d]\w*")
_TEXT = re.compile(r"[^\n]+")
_CLOSING = {"(": ")", "{": "}", "[": "]"}

_BODY = re.compile(r"^(?: ?\{|(?=[A-Za-z_])[^;{}=\n]*\)[ \t]*\{)[ \t]*$", re.MULTILINE)
_END = re.compile(r"^\}", re.MULTILINE)
_PARENTHESIS = re.compile(r"\b([A-Za-z_]\w*+)\s*+\(|[()]")
"""One, with the name before it."""
#: What ends before a function's head: a declaration, a directive, a macro on its own.
_BEFORE = re.compile(
    r"[;}]|^[ \t]*#[^\n]*$|^[A-Za-z_]\w*\([^()\n]*\)[ \t]*\n[ \t]*(?=\n)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Directive:
    """A line of the preprocessor: ``define``, ``if``, ..., what follows on the line and
    the lines that continue it, and the line's number."""

    name: str
    text: str
    line: int

    @property
    def identifiers(self) -> list[str]:
        """The names in it, those in literals too."""
        return _IDENTIFIER.findall(self.text)


@dataclass(frozen=True, slots=True)
class WrittenFunction:
    """A function: its name, its head up to the body, and its body."""

    name: str
    head: str
    body: str


@dataclass(frozen=True, slots=True)
class TextPart:
    """The lines from ``first`` to ``last``, both counted from 1 (0: to the end of the
    function); if there are ``words``, these names and literals of them alone."""

    first: int
    last: int
    words: tuple[str, ...] = ()


class CText:
    """A text of raw C.

    ``plain`` is without comments; it has the text's lines and offsets, as :attr:`code`.
    """

    def __init__(self, text: str) -> None:
        self.plain = COMMENT_OR_LITERAL.sub(_without_comment, text)

    @cached_property
    def code(self) -> str:
        """The text without comments and directives."""
        return _DIRECTIVE.sub(lambda found: _blank(found[0]), f"\n{self.plain}")[1:]

    def code_without(self, parts: Iterable[TextPart]) -> str:
        """The code with these parts of it blanked."""
        lines = self.code.split("\n")
        for part in parts:
            for at in range(part.first - 1, part.last or len(lines)):
                if at >= len(lines) or (
                    not part.last and _is_over(part, at, lines[at])
                ):
                    break
                lines[at] = _without(lines[at], part.words) if part.words else ""
        return "\n".join(lines)

    def line(self, offset: int) -> int:
        """The line of a place, counted from 1."""
        return self.plain.count("\n", 0, offset) + 1

    @cached_property
    def directives(self) -> tuple[Directive, ...]:
        """The lines of the preprocessor, in order."""
        directives = []
        line, last = 0, 0
        lined = f"\n{self.plain}"
        for found in _DIRECTIVE.finditer(lined):
            line += lined.count("\n", last, last := found.start(1))
            text = _CONTINUED.sub(" ", found[2]).strip()
            directives.append(Directive(found[1], text, line))
        return tuple(directives)

    # --- words ------------------------------------------------------------------------

    @cached_property
    def words(self) -> list[str]:
        """Names, numbers, literals and single characters of the code, in order."""
        return _WORD.findall(self.code)

    def line_of(self, word: int) -> int:
        """The line of a word."""
        return self.line(self._starts[word])

    @cached_property
    def _starts(self) -> list[int]:
        return [found.start() for found in _WORD.finditer(self.code)]

    # --- functions --------------------------------------------------------------------

    def functions(self) -> Iterator[WrittenFunction]:
        """The function definitions, in order.

        QEMU's style puts the braces of a function's body where nothing else has them:
        that finds functions at once, and whatever branches of an ``#if`` do to braces.
        """
        text, start = self.plain, 0
        while match := _BODY.search(text, start):
            end = _END.search(text, match.end())
            stop = end.start() if end else len(text)
            head = text[start : match.end()].rstrip("{ \t\n")
            last = 0
            for before in _BEFORE.finditer(head):
                last = before.end()
            head = head[last:]
            name = _function_name(head)
            start = end.end() if end else len(text)
            if name and "=" not in head:
                yield WrittenFunction(name, head, text[match.end() : stop])


def _without_comment(match: re.Match[str]) -> str:
    found = match[0]
    return _blank(found) if found.startswith("/") else found


def _blank(text: str) -> str:
    return _TEXT.sub(lambda line: " " * len(line[0]), text)


def _function_name(head: str) -> str:
    """The last name before an outermost parenthesis: macros may stand before it."""
    name = ""
    depth = 0
    for found in _PARENTHESIS.finditer(head):
        if found[1] and not depth:
            name = found[1]
        depth += -1 if found[0] == ")" else 1
    return name


# --- conditional groups ---------------------------------------------------------------

_GROUP = re.compile(
    r"^[ \t]*#[ \t]*(?P<word>if|ifdef|ifndef|elif|else|endif)\b[ \t]*(?P<rest>(?:\\\r?\n|[^\n])*)",
    re.MULTILINE,
)
_IS_DEFINED = re.compile(
    r"(?P<not>![ \t]*)?defined[ \t]*\(?[ \t]*(?P<name>\w+)[ \t]*\)?"
)


def without_groups(text: str, undefined: Collection[str]) -> str:
    """The text without what is there only if one of these macros is defined: a group
    whose condition is that alone, and the ``else`` of its opposite.  Lines and offsets
    stay."""
    if not any(name in text for name in undefined):
        return text
    pieces: list[str] = []
    # For each group that is open whether it is there, and whether its ``else`` is.
    groups: list[tuple[bool, bool]] = []
    last = 0
    for found in _GROUP.finditer(text):
        piece = text[last : found.start()]
        there = all(one for one, _ in groups)
        pieces += (piece if there else _blank(piece), found[0])
        last = found.end()
        match found["word"]:
            case "endif":
                del groups[-1:]
            case "else" | "elif" if groups:
                groups[-1] = groups[-1][1], groups[-1][1]
            case "if" | "ifdef" | "ifndef" as word:
                groups.append(_sides(word, found["rest"], undefined))
    return "".join((*pieces, text[last:]))


def _sides(word: str, rest: str, undefined: Collection[str]) -> tuple[bool, bool]:
    """Whether a group is there, and its ``else``, as far as these macros say it."""
    name, otherwise = rest.split("/*")[0].strip(), word == "ifndef"
    if word == "if":
        found = _IS_DEFINED.fullmatch(name)
        if found is None:
            return True, True
        name, otherwise = found["name"], found["not"] is not None
    if name not in undefined:
        return True, True
    return otherwise, not otherwise


# --- lists of words -------------------------------------------------------------------


def words_of(text: str) -> list[str]:
    """The words of a piece of code, without comments."""
    return _WORD.findall(text)


def closing(words: list[str], at: int) -> int:
    """The place after the bracket that closes the one at this place."""
    depth = 0
    for number in range(at, len(words)):
        if words[number] in _CLOSING:
            depth += 1
        elif words[number] in _CLOSING.values():
            depth -= 1
            if not depth:
                return number + 1
    return len(words)


def items(words: list[str]) -> list[list[str]]:
    """The parts between commas outside of brackets; an empty last one does not count."""
    parts: list[list[str]] = [[]]
    depth = 0
    for word in words:
        depth += (word in _CLOSING) - (word in _CLOSING.values())
        if word == "," and not depth:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts if parts[-1] else parts[:-1]


def spelled(words: list[str]) -> str:
    """The words as one text, with blanks only where two would become one."""
    text = ""
    for word in words:
        joins = bool(text) and _is_name(text[-1]) and _is_name(word[0])
        text += f" {word}" if joins else word
    return text


def _is_name(character: str) -> bool:
    return character == "_" or character.isalnum()


def macros(text: str) -> dict[str, str]:
    """The macros without parameters that a text defines, each with what it stands for."""
    return {
        name: value.strip()
        for one in CText(text).directives
        if one.name == "define"
        for name, _, value in (one.text.partition(" "),)
        if name.isidentifier()
    }


def _without(line: str, words: Iterable[str]) -> str:
    """A line without these names and literals."""
    for word in words:
        one = re.escape(word)
        line = re.sub(one if word.startswith('"') else rf"\b{one}\b", " ", line)
    return line


def _is_over(part: TextPart, at: int, line: str) -> bool:
    """Whether a part that goes to its function's end is over before a line.  What begins
    at the margin is something new: no brace ends a function that a macro made."""
    return line.startswith("}") or (
        at >= part.first and bool(line) and not line[0].isspace()
    )
