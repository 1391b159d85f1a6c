"""Preprocessed C as tokens that know the file and line a person wrote.

Only declarations that somebody asked for are tokenised, see :mod:`vmgen.cfront.split`.
Token types carry pycparser's names, since its parser is what reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

#: What ``gcc -E`` and ``pcpp`` write to say which file and line follow.
LINE_MARKER = re.compile(
    r'[ \t]*#[ \t]*(?:line[ \t]+)?(\d+)[ \t]+"((?:[^"\\\n]|\\.)*)"'
)


@dataclass(slots=True)
class Token:
    """One token, in the shape that pycparser's parser takes from a lexer.

    ``type`` is pycparser's token type (``ID``, ``LBRACE``, ``INT_CONST_DEC``, ...);
    GNU words that pycparser does not know have the type ``GNU`` until
    :func:`vmgen.cfront.normalise.normalise` has replaced them.  ``filename`` is the
    name in the caller's sense, ``lineno`` counts from 1, ``column`` is always 0: the
    columns of preprocessed text mean nothing in the source.
    """

    type: str
    value: str
    lineno: int
    column: int
    filename: str


def word_set(text: str) -> frozenset[str]:
    """The words of ``text``, which is laid out for people."""
    return frozenset(text.split())


#: Groups: a word or punctuator, the blanks after a line, a marker's line and file, any
#: other directive, a number, a string, a character, anything else.
_TOKEN = re.compile(
    r"""[ \t\f\v\r]*+(?:
      (?:L|u8|u|U)?+(?:(?P<string>"(?:[^"\\\n]++|\\.)*+")|(?P<char>'(?:[^'\\\n]++|\\.)*+'))
    | (?P<symbol>[^\W\d][\w$]*+|\$[\w$]*+
        |\.\.\.|<<=|>>=|\+\+|--|->|&&|\|\||<<|>>|[<>=!*/%+\-&|^]=
        |(?!\.\d)[-+*/%|&~^!<>?()\[\]{},.;:=])
    | \n(?P<blank>\s*+)
    | \#[ \t]*(?:line[ \t]+)?(?P<line>\d+)[ \t]+"(?P<file>(?:[^"\\\n]++|\\.)*+)"[^\n]*+
    | (?P<directive>\#[^\n]*+)
    | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*+)
    | (?P<other>[^\s])
    )""",
    re.VERBOSE | re.DOTALL,
)
_STRING, _CHAR, _SYMBOL, _BLANK, _FILE, _NUMBER = (
    _TOKEN.groupindex[group]
    for group in ("string", "char", "symbol", "blank", "file", "number")
)
_DIRECTIVE = _TOKEN.groupindex["directive"]

#: What changes the layout of the records behind it; groups: pack's arguments, or what
#: is not understood.
LAYOUT_PRAGMA = re.compile(
    r"^[ \t]*#[ \t]*pragma[ \t]+"
    r"(?:pack[ \t]*\(([^)\n]*)\)|(pack\b[^\n]*|(?:scalar_storage_order|ms_struct)\b[^\n]*))",
    re.MULTILINE,
)
#: A literal; a number with separators; a character of a name as GCC writes it.
_SPELT = re.compile(
    r"""\"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|(?<![\w$])(\d[\w.]*(?:'\w+)+)"""
    r"|(\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8})",
    re.DOTALL,
)
#: Whether there may be such a thing.  Each begins with a literal, for which text is
#: searched many times as fast as for a class of characters.
_HAS_SPELT = (re.compile(r"'(?<=\d')\w"), re.compile(r"\\[uU]"))


@dataclass(frozen=True, slots=True)
class Packing:
    """What ``#pragma pack`` and the like say at a place of the text.

    ``limit`` is the largest alignment of a member in bytes, 0 for no limit; ``stack`` is
    what ``push`` saved, each with its name.  ``unknown`` is a pragma whose meaning for a
    layout is not known.
    """

    limit: int = 0
    stack: tuple[tuple[str, int], ...] = ()
    unknown: str = ""

    def after(self, pragma: re.Match[str]) -> Packing:
        """What is true behind a pragma (GCC manual, Structure-Layout Pragmas)."""
        if pragma[1] is None:
            return replace(self, unknown=pragma[2].strip())
        words = (
            [word.strip() for word in pragma[1].split(",")] if pragma[1].strip() else []
        )
        action = words.pop(0) if words and words[0] in ("push", "pop") else ""
        name = words.pop(0) if action and words and not words[0].isdigit() else ""
        limit = self.limit
        if words:
            if len(words) > 1 or words[0] not in ("0", "1", "2", "4", "8", "16"):
                return replace(self, unknown=f"pack({pragma[1]})")
            limit = int(words[0])
        elif not action:
            limit = 0
        if action == "push":
            return replace(self, limit=limit, stack=(*self.stack, (name, self.limit)))
        if action == "pop":
            stack = self.stack
            while name and stack and stack[-1][0] != name:
                stack = stack[:-1]
            if not stack:  # GCC warns of a pop without its push, and leaves the limit
                return self
            saved = limit if words else stack[-1][1]
            return replace(self, limit=saved, stack=stack[:-1])
        return replace(self, limit=limit)


NO_PACKING = Packing()


def plain_text(text: str) -> str:
    """The text without the ``'`` between the digits of a number (C23), and with the
    characters of names that the preprocessor writes as ``\\u00e9``."""

    def plain(match: re.Match[str]) -> str:
        number, character = match.groups()
        if number:
            return str(number).replace("'", "")
        if character and (code := int(character[2:], 16)) <= 0x10FFFF:
            return chr(code)
        return match[0]

    return (
        _SPELT.sub(plain, text) if any(one.search(text) for one in _HAS_SPELT) else text
    )


_PUNCTUATORS = {
    "...": "ELLIPSIS",
    "<<=": "LSHIFTEQUAL",
    ">>=": "RSHIFTEQUAL",
    "++": "PLUSPLUS",
    "--": "MINUSMINUS",
    "->": "ARROW",
    "&&": "LAND",
    "||": "LOR",
    "<<": "LSHIFT",
    ">>": "RSHIFT",
    "<=": "LE",
    ">=": "GE",
    "==": "EQ",
    "!=": "NE",
    "*=": "TIMESEQUAL",
    "/=": "DIVEQUAL",
    "%=": "MODEQUAL",
    "+=": "PLUSEQUAL",
    "-=": "MINUSEQUAL",
    "&=": "ANDEQUAL",
    "|=": "OREQUAL",
    "^=": "XOREQUAL",
    "=": "EQUALS",
    "+": "PLUS",
    "-": "MINUS",
    "*": "TIMES",
    "/": "DIVIDE",
    "%": "MOD",
    "|": "OR",
    "&": "AND",
    "~": "NOT",
    "^": "XOR",
    "!": "LNOT",
    "<": "LT",
    ">": "GT",
    "?": "CONDOP",
    "(": "LPAREN",
    ")": "RPAREN",
    "[": "LBRACKET",
    "]": "RBRACKET",
    "{": "LBRACE",
    "}": "RBRACE",
    ",": "COMMA",
    ".": "PERIOD",
    ";": "SEMI",
    ":": "COLON",
}

#: Words that say nothing about a layout or a meaning, and are left out.
IGNORED_WORDS = word_set(
    """const __const __const__ volatile __volatile __volatile__ restrict __restrict
    __restrict__ register inline __inline __inline__ _Noreturn __extension__
    """
)

_WORDS = {
    word: word.upper()
    for word in word_set(
        """auto break case char continue default do double else enum extern float
    for goto if int long return short signed sizeof static struct switch typedef union
    unsigned void while __int128 _Bool _Generic __builtin_va_arg _BitInt"""
    )
}
_WORDS |= {
    "__signed": "SIGNED",
    "__signed__": "SIGNED",
    "__int128__": "__INT128",
    "__thread": "_THREAD_LOCAL",
    "_Thread_local": "_THREAD_LOCAL",
    "typeof": "TYPEOF",
    "__typeof": "TYPEOF",
    "__typeof__": "TYPEOF",
    "typeof_unqual": "TYPEOF",
    "__typeof_unqual__": "TYPEOF",
    "offsetof": "OFFSETOF",
    "__builtin_offsetof": "OFFSETOF",
    "__auto_type": "AUTO",
    "_Alignas": "_ALIGNAS",
    "_Alignof": "_ALIGNOF",
    "alignas": "_ALIGNAS",
    "alignof": "_ALIGNOF",
    "thread_local": "_THREAD_LOCAL",
    "_Atomic": "_ATOMIC",
    "__alignof": "_ALIGNOF",
    "__alignof__": "_ALIGNOF",
    "_Complex": "_COMPLEX",
    "__complex__": "_COMPLEX",
    "_Float32": "FLOAT",
    "_Float64": "DOUBLE",
    "_Float32x": "DOUBLE",
}
#: Spellings whose meaning is another word's: the value that pycparser keeps.
_CANONICAL = {
    "SIGNED": "signed",
    "__INT128": "__int128",
    "FLOAT": "float",
    "DOUBLE": "double",
    "TYPEOF": "typeof",
    "OFFSETOF": "offsetof",
    "AUTO": "auto",
    "_ALIGNOF": "_Alignof",
}
#: GNU and C11 words that take more than a new name, see ``normalise``.
GNU_WORDS = word_set(
    """__attribute__ __attribute asm __asm __asm__ _Static_assert static_assert __label__
    __builtin_types_compatible_p constexpr nullptr _Float128 _Float64x __float128 __float80"""
)
_WORDS |= dict.fromkeys(GNU_WORDS, "GNU")
RESERVED_WORDS = _WORDS.keys() | IGNORED_WORDS
"""What no declaration can name."""
_KINDS = _WORDS | _PUNCTUATORS | dict.fromkeys(IGNORED_WORDS, "")
_RESPELT = {
    word: _CANONICAL[type_] for word, type_ in _WORDS.items() if type_ in _CANONICAL
}


def _number_type(text: str) -> str:
    if text[:2] in ("0x", "0X"):
        return (
            "HEX_FLOAT_CONST"
            if "." in text or "p" in text or "P" in text
            else "INT_CONST_HEX"
        )
    if text[:2] in ("0b", "0B"):
        return "INT_CONST_BIN"
    if "." in text or "e" in text or "E" in text:
        return "FLOAT_CONST"
    return "INT_CONST_DEC"


def tokenise(
    text: str,
    *,
    file: str,
    line: int,
    relative: Callable[[str], str] = str,
    packing: Packing = NO_PACKING,
) -> list[Token]:
    """The tokens of ``text``, which starts at ``file``:``line``.

    ``file`` is a name as line markers write it; ``relative`` turns such names into
    those of :class:`vmgen.source.Position`.  Line markers inside the text are followed;
    pragmas that change a layout become tokens of type ``PACKING``, also the one for
    ``packing``, which is what holds at the start; other ``#`` lines are left out, and so
    are qualifiers.  A character that C does not have becomes a token of type ``OTHER``,
    for the parser to refuse.
    """
    filename = relative(file)
    tokens: list[Token] = []
    if packing.limit or packing.unknown:
        tokens.append(_packing_token(packing, line, filename))
    append, kind, respelt = tokens.append, _KINDS.get, _RESPELT.get
    for match in _TOKEN.finditer(text):
        group = match.lastindex
        if group == _SYMBOL:
            value = match[_SYMBOL]
            type_ = kind(value, "ID")
            if type_:
                append(Token(type_, respelt(value, value), line, 0, filename))
        elif group == _BLANK:
            line += 1 + match[_BLANK].count("\n")
        elif group == _FILE:
            line = int(match["line"]) - 1
            filename = relative(match[_FILE])
        elif group == _NUMBER:
            value = match[_NUMBER]
            append(Token(_number_type(value), value, line, 0, filename))
        elif group == _STRING:
            append(Token("STRING_LITERAL", match[0].lstrip(), line, 0, filename))
        elif group == _CHAR:
            append(Token("CHAR_CONST", match[0].lstrip(), line, 0, filename))
        elif group != _DIRECTIVE:
            append(Token("OTHER", match["other"], line, 0, filename))
        elif pragma := LAYOUT_PRAGMA.match(match["directive"]):
            packing = packing.after(pragma)
            append(_packing_token(packing, line, filename))
    return tokens


def _packing_token(packing: Packing, line: int, filename: str) -> Token:
    return Token("PACKING", packing.unknown or str(packing.limit), line, 0, filename)
