"""Preprocessed C as tokens that know the file and line a person wrote.

Only declarations that somebody asked for are tokenised, see :mod:`vmgen.cfront.split`.
Token types carry pycparser's names, since its parser is what reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

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


_TOKEN = re.compile(
    r"""[ \t\f\v\r]*+(?:
      (?P<newlines>\n\s*+)
    | (?P<directive>\#[^\n]*+)
    | (?P<string>(?:L|u8|u|U)?"(?:[^"\\\n]++|\\.)*+")
    | (?P<char>(?:L|u8|u|U)?'(?:[^'\\\n]++|\\.)*+')
    | (?P<word>[A-Za-z_$][\w$]*+)
    | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*+)
    | (?P<punctuator>\.\.\.|<<=|>>=|\+\+|--|->|&&|\|\||<<|>>|[<>=!*/%+\-&|^]=|[-+*/%|&~^!<>?()\[\]{},.;:=])
    | (?P<other>[^\s])
    )""",
    re.VERBOSE | re.DOTALL,
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
    unsigned void while __int128 _Bool _Generic __builtin_va_arg"""
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
    __builtin_types_compatible_p _Atomic _Float128 _Float64x __float128 __float80"""
)
_WORDS |= dict.fromkeys(GNU_WORDS, "GNU")


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
    text: str, *, file: str, line: int, relative: Callable[[str], str] = str
) -> list[Token]:
    """The tokens of ``text``, which starts at ``file``:``line``.

    ``file`` is a name as line markers write it; ``relative`` turns such names into
    those of :class:`vmgen.source.Position`.  Line markers inside the text are followed,
    other ``#`` lines (``#pragma``) are left out, and so are qualifiers.  A character
    that C does not have becomes a token of type ``OTHER``, for the parser to refuse.
    """
    filename = relative(file)
    tokens: list[Token] = []
    append = tokens.append
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        value = match[match.lastindex or 0]
        if kind == "word":
            type_ = _WORDS.get(value)
            if type_ is None:
                if value not in IGNORED_WORDS:
                    append(Token("ID", value, line, 0, filename))
            else:
                append(Token(type_, _CANONICAL.get(type_, value), line, 0, filename))
        elif kind == "punctuator":
            append(Token(_PUNCTUATORS[value], value, line, 0, filename))
        elif kind == "newlines":
            line += value.count("\n")
        elif kind == "directive":
            marker = LINE_MARKER.match(value)
            if marker:
                line = int(marker[1]) - 1
                filename = relative(marker[2])
        elif kind == "number":
            append(Token(_number_type(value), value, line, 0, filename))
        elif kind == "string":
            append(Token("STRING_LITERAL", value, line, 0, filename))
        elif kind == "char":
            append(Token("CHAR_CONST", value, line, 0, filename))
        else:
            append(Token("OTHER", value, line, 0, filename))
    return tokens
