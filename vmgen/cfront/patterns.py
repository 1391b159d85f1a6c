"""Pieces of C as regular expressions: literals, what is in brackets, attributes, and what
may stand between two tokens.

They are parts of larger patterns, which are compiled with ``re.DOTALL``.
"""

from __future__ import annotations

import re

#: Levels of nested brackets inside a pair that one expression follows; QEMU and libc stay
#: well below.
_LEVELS = 24
LITERAL = r""""(?:[^"\\\n]++|\\.)*+"|'(?:[^'\\\n]++|\\.)*+'"""
DIRECTIVE = r"\#[^\n]*+"


def _nested(open_: str, close: str) -> str:
    """A pattern for a bracket pair and what is inside."""
    leaf = rf"""[^{re.escape(open_ + close)}"'\#]++|{LITERAL}|{DIRECTIVE}"""
    pattern = rf"{re.escape(open_)}(?:{leaf})*+{re.escape(close)}"
    for _ in range(_LEVELS):
        pattern = rf"{re.escape(open_)}(?:{leaf}|{pattern})*+{re.escape(close)}"
    return pattern


BODY = _nested("{", "}")
PARENTHESES = _nested("(", ")")
#: Text without braces, up to the end of a declaration at the most.
FLAT = rf"""[^{{}}"';\#]++|{LITERAL}|{DIRECTIVE}"""
#: What may stand between two tokens, and between two declarations.
BETWEEN = rf"(?:\s++|{DIRECTIVE})*+"
GAP = rf"(?:\s++|{DIRECTIVE}|;)*+"
WORD = r"(?:[^\W\d]|\$)[\w$]*+"
_BRACKETED = r"\[\[(?:[^\[\]]++|\[[^\[\]]*+\])*+\]\]"
ATTRIBUTE = rf"(?:__attribute(?:__)?{BETWEEN}{PARENTHESES}|{_BRACKETED})"

NOISE = re.compile(
    rf"{DIRECTIVE}|{_BRACKETED}|(?:\b__attribute(?:__)?|\b__asm(?:__)?|\basm|\b_Alignas){BETWEEN}{PARENTHESES}"
    rf"|\b__extension__\b|{LITERAL}",
    re.DOTALL,
)
"""What says nothing about which names a declaration has."""

VALUE = re.compile(r"(?<![=!<>])=(?!=)")
"""The ``=`` in front of an initialiser."""

CALL = re.compile(PARENTHESES, re.DOTALL)
"""Parentheses with what is in them."""

BRACED = " _ "
"""What replaces the braces where they are left out."""
