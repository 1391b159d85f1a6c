"""The sizes, numbers and conditions of a grammar (``vmgen.grammar``) as expressions of the
IR: C's operators with C's precedence over numbers and names."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from vmgen import ir

Named: TypeAlias = Callable[[str], ir.Expr | None]
"""The meaning of a name, or of a call without arguments (``name()``); None for one
without."""

_TOKEN = re.compile(
    r"\s*(?:(0x[0-9a-fA-F]+|\d+)|([A-Za-z_$@][\w$.@\[\]]*(?:\(\))?)|(<<|>>|[<>=!]=|&&|\|\||\S))"
)
_LEVELS: tuple[tuple[ir.BinaryOperator, ...], ...] = (
    ("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", "<=", ">", ">="),
    ("<<", ">>"), ("+", "-"), ("*", "/", "%"),
)  # fmt: skip
_PREFIXES: tuple[ir.UnaryOperator, ...] = ("-", "~", "!")
_DEPTH = 40


class NoExpression(ValueError):
    """A text that is no expression, or has a name without a meaning."""


def parse(text: str, named: Named) -> ir.Expr:
    """The expression that a text says.

    Raises :class:`NoExpression`.
    """
    parser = _ExpressionParser(text, named)
    found = parser.choice(0)
    if parser.token:
        raise NoExpression(f"no expression from '{parser.token}' on")
    return found


class _ExpressionParser:
    def __init__(self, text: str, named: Named) -> None:
        self._tokens = [match[0].strip() for match in _TOKEN.finditer(text)]
        self._named = named
        self._at = 0

    @property
    def token(self) -> str:
        """The next token; empty at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, expected: str = "") -> str:
        token = self.token
        if not token or (expected and token != expected):
            raise NoExpression(f"no '{expected or 'operand'}' at '{token}'")
        self._at += 1
        return token

    def choice(self, depth: int) -> ir.Expr:
        """``c ? a : b``, and what binds more strongly."""
        if depth > _DEPTH:
            raise NoExpression("too deep")
        condition = self._binary(0, depth)
        if self.token != "?":
            return condition
        self._take()
        then = self.choice(depth + 1)
        self._take(":")
        return ir.Select(condition, then, self.choice(depth + 1))

    def _binary(self, level: int, depth: int) -> ir.Expr:
        if level == len(_LEVELS):
            return self._unary(depth)
        left = self._binary(level + 1, depth)
        while operator := next(
            (one for one in _LEVELS[level] if one == self.token), None
        ):
            self._take()
            left = ir.Binary(operator, left, self._binary(level + 1, depth))
        return left

    def _unary(self, depth: int) -> ir.Expr:
        if depth > _DEPTH:
            raise NoExpression("too deep")
        token = self._take()
        if token == "(":
            inner = self.choice(depth + 1)
            self._take(")")
            return inner
        for operator in _PREFIXES:
            if token == operator:
                return ir.Unary(operator, self._unary(depth + 1))
        if token[0].isdigit():
            return ir.Const(int(token, 16 if token.startswith("0x") else 10))
        found = self._named(token)
        if found is None:
            raise NoExpression(f"'{token}' is nothing that is before")
        return found
