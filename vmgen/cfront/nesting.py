"""How deep C nests: every stage from the parser on follows it by calling itself.

A declaration of more than :data:`LEVELS` is refused before it is parsed, and definitions
that nest are followed as long as there is stack.  So none of these stages
can run out of it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import pairwise

from vmgen.cfront.tokens import Token, word_set

LEVELS = 256
"""Brackets, operators and statements that may be in each other (clang takes as many
brackets; C11 5.2.4.1 asks for 63 parentheses and 127 blocks)."""

_STACK = 10_000
"""Calls that may be open at once.  A level takes the parser a dozen; what CPython does in C
has room for so many on a stack of 4 MiB."""

sys.setrecursionlimit(max(sys.getrecursionlimit(), _STACK))

_OPENING = frozenset({"LPAREN", "LBRACKET", "LBRACE"})
_CLOSING = frozenset({"RPAREN", "RBRACKET", "RBRACE"})
#: What has something nested in it without a bracket: operators and heads of statements.
_NESTING = word_set(
    """PLUS MINUS TIMES DIVIDE MOD OR AND NOT XOR LNOT LSHIFT RSHIFT LAND LOR LT LE GT GE EQ
    NE PLUSPLUS MINUSMINUS EQUALS TIMESEQUAL DIVEQUAL MODEQUAL PLUSEQUAL MINUSEQUAL
    LSHIFTEQUAL RSHIFTEQUAL ANDEQUAL XOREQUAL OREQUAL CONDOP COLON ARROW PERIOD SIZEOF
    _ALIGNOF IF FOR WHILE DO SWITCH"""
)
_HEADS = frozenset({"IF", "FOR", "WHILE", "SWITCH"})
#: What goes on with a statement or an expression that a brace has ended.
_GOES_ON = _NESTING - {"IF", "FOR", "DO", "SWITCH"} | _OPENING - {"LBRACE"} | {"ELSE"}


def too_deep(tokens: list[Token]) -> Token | None:
    """The first token that is nested too deep; None if none is."""
    depth = 0
    opened = [_Open(0)]
    before = ""
    for token, following in pairwise([*tokens, Token("", "", 0, 0, "")]):
        type_ = token.type
        inside = opened[-1]
        ends = type_ == "COMMA" or (type_ == "SEMI" and following.type != "ELSE")
        if type_ in _OPENING:
            own = type_ == "LBRACE" or before in _HEADS
            if not own:  # a call of a call, an element of an element
                inside.behind += 1
            opened.append(_Open(int(own)))
            depth += 1
        elif type_ in _CLOSING:
            if len(opened) > 1:
                opened.pop()
                depth -= inside.bracket + inside.nested + inside.behind
            ends = type_ == "RBRACE" and following.type not in _GOES_ON
        elif type_ in ("ARROW", "PERIOD"):
            inside.behind += 1
            depth += 1
        elif type_ in _NESTING:
            depth -= inside.behind
            inside.behind = 0
            if type_ == "COLON" and inside.choices:
                inside.choices -= 1  # of a condition that counts already
            else:
                inside.choices += type_ == "CONDOP"
                inside.nested += 1
                depth += 1
        if ends:
            inside = opened[-1]
            depth -= inside.nested + inside.behind
            inside.nested = inside.behind = inside.choices = 0
        if depth > LEVELS:
            return token
        before = type_
    return None


@dataclass(slots=True)
class _Open:
    """An open bracket: 1 if it is a level by itself; what the current statement or operand
    in it nests so far, of that what follows the last operand (members, elements, calls),
    and the conditions whose colon is to come."""

    bracket: int
    nested: int = 0
    behind: int = 0
    choices: int = 0


def has_stack() -> bool:
    """Whether one more definition can be worked out before those that need it are."""
    try:
        sys._getframe(_STACK // 4)
    except ValueError:
        return True
    return False
