"""The language of ``meson.build`` files: nodes, and a parser for all of its grammar.

Small enough to be read whole here (meson's reference manual, "Syntax"), and a build
description is only read, never run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from vmgen.source import Diagnostic, Position, VmgenError


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number or truth value; ``formatted`` is ``f'...'``."""

    value: str | int | bool
    line: int
    formatted: bool = False


@dataclass(frozen=True, slots=True)
class Identifier:
    """A variable."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class List:
    """``[a, b]``."""

    items: tuple[Expression, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Dictionary:
    """``{key: value}``."""

    items: tuple[tuple[Expression, Expression], ...]
    line: int


@dataclass(frozen=True, slots=True)
class Invocation:
    """``object.name(...)``, or a function where ``object`` is None."""

    object: Expression | None
    name: str
    arguments: tuple[Expression, ...]
    keywords: tuple[tuple[str, Expression], ...]
    line: int


@dataclass(frozen=True, slots=True)
class Subscript:
    """``object[index]``."""

    object: Expression
    index: Expression
    line: int


@dataclass(frozen=True, slots=True)
class Not:
    """``not operand``, or ``-operand`` when ``negative``."""

    operand: Expression
    line: int
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """``left op right``; ``op`` as written, ``not in`` with one space."""

    op: str
    left: Expression
    right: Expression
    line: int


@dataclass(frozen=True, slots=True)
class Choice:
    """``condition ? then : otherwise``."""

    condition: Expression
    then: Expression
    otherwise: Expression
    line: int


Expression: TypeAlias = (
    Literal
    | Identifier
    | List
    | Dictionary
    | Invocation
    | Subscript
    | Not
    | Operation
    | Choice
)


@dataclass(frozen=True, slots=True)
class Assignment:
    """``name = value``; ``name += value`` when ``append``."""

    name: str
    value: Expression
    append: bool
    line: int


@dataclass(frozen=True, slots=True)
class Evaluate:
    """An expression for its effect."""

    expression: Expression
    line: int


@dataclass(frozen=True, slots=True)
class Branches:
    """``if``/``elif`` branches in order, then ``else``."""

    branches: tuple[tuple[Expression, tuple[Statement, ...]], ...]
    otherwise: tuple[Statement, ...]
    line: int


@dataclass(frozen=True, slots=True)
class ForEach:
    """``foreach a, b : items``."""

    names: tuple[str, ...]
    items: Expression
    body: tuple[Statement, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Leave:
    """``break`` or ``continue``."""

    word: str
    line: int


Statement: TypeAlias = Assignment | Evaluate | Branches | ForEach | Leave

_TOKEN = re.compile(
    r"(?P<skip>(?:[ \t\r]|\#[^\n]*|\\[ \t\r]*\n)+)"
    r"|(?P<newline>\n)"
    r"|(?P<long>f?'''(?:.*?)''')"
    r"|(?P<string>f?'(?:[^'\\\n]|\\.)*')"
    r"|(?P<number>0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|\d+)"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<op>\+=|==|!=|<=|>=|[-+*/%<>=()\[\]{},.:?])",
    re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:([\\'abfnrtv])|([0-7]{1,3})|x([0-9a-fA-F]{2})"
    r"|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))"
)
_SIMPLE = dict(zip("\\'abfnrtv", "\\'\a\b\f\n\r\t\v", strict=True))
_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">=", "in", "not"))
_RESERVED = frozenset(
    (
        *("if", "elif", "else", "endif", "foreach", "endforeach", "break", "continue"),
        *("and", "or", "not", "in"),
    )
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def parse(text: str, file: str) -> tuple[Statement, ...]:
    """The statements of one file.

    ``file`` is its name for positions.  Raises :class:`VmgenError` (VG121) for what
    meson's grammar does not have.
    """
    return _Parser(_tokens(text, file), file).file()


def _error(file: str, line: int, message: str) -> VmgenError:
    return VmgenError(
        Diagnostic(
            "VG121",
            f"this is not understood as a meson build description: {message}",
            Position(file, line),
            hint="unpack the release again; if it is whole, its build language is newer "
            "than this vmgen",
        )
    )


def _tokens(text: str, file: str) -> list[_Token]:
    out: list[_Token] = []
    line = 1
    depth = 0
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _error(file, line, f"the character {text[at]!r}")
        at = match.end()
        kind = match.lastgroup or ""
        word = match[0]
        if kind == "newline":
            if not depth:
                out.append(_Token(kind, word, line))
        elif kind != "skip":
            if word in ("(", "[", "{"):
                depth += 1
            elif word in (")", "]", "}"):
                depth -= 1
            out.append(_Token(kind, word, line))
        line += word.count("\n")
    out.append(_Token("newline", "\n", line))
    out.append(_Token("end", "the end of the file", line))
    return out


def _unescape(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        simple, octal, *hexadecimal = match.groups()
        if simple:
            return _SIMPLE[simple]
        if octal:
            return chr(int(octal, 8))
        return chr(int(next(filter(None, hexadecimal)), 16))

    return _ESCAPE.sub(one, text) if "\\" in text else text


class _Parser:
    """Recursive descent; one method for each level of meson's grammar."""

    def __init__(self, tokens: list[_Token], file: str) -> None:
        self._tokens = tokens
        self._file = file
        self._at = 0
        self._loops = 0

    # --- tokens -----------------------------------------------------------------------

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _is(self, *texts: str) -> bool:
        token = self._next
        return token.kind in ("op", "word") and token.text in texts

    def _take(self, *texts: str) -> _Token | None:
        if not self._is(*texts):
            return None
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, text: str) -> _Token:
        token = self._take(text)
        if token is None:
            raise self._error(f"{text!r} is missing before {self._next.text!r}")
        return token

    def _error(self, message: str) -> VmgenError:
        return _error(self._file, self._next.line, message)

    def _skip_newlines(self) -> None:
        while self._next.kind == "newline":
            self._at += 1

    def _end_of_line(self) -> None:
        if self._next.kind != "newline":
            raise self._error(f"{self._next.text!r} after a statement")
        self._skip_newlines()

    # --- statements -------------------------------------------------------------------

    def file(self) -> tuple[Statement, ...]:
        statements = self._block()
        if self._next.kind != "end":
            raise self._error(f"{self._next.text!r} has no beginning")
        return statements

    def _block(self) -> tuple[Statement, ...]:
        out: list[Statement] = []
        self._skip_newlines()
        while self._next.kind != "end" and not self._is(
            "elif", "else", "endif", "endforeach"
        ):
            out.append(self._statement())
            self._end_of_line()
        return tuple(out)

    def _body(self) -> tuple[Statement, ...]:
        self._end_of_line()
        return self._block()

    def _statement(self) -> Statement:
        line = self._next.line
        if self._take("if"):
            return self._if(line)
        if self._take("foreach"):
            return self._foreach(line)
        if self._loops and (token := self._take("break", "continue")):
            return Leave(token.text, line)
        value = self._expression()
        if token := self._take("=", "+="):
            if not isinstance(value, Identifier):
                raise self._error("an assignment to what is not a variable")
            return Assignment(value.name, self._expression(), token.text == "+=", line)
        return Evaluate(value, line)

    def _if(self, line: int) -> Branches:
        branches = [(self._expression(), self._body())]
        while self._take("elif"):
            branches.append((self._expression(), self._body()))
        otherwise = self._body() if self._take("else") else ()
        self._expect("endif")
        return Branches(tuple(branches), otherwise, line)

    def _foreach(self, line: int) -> ForEach:
        names = [self._name()]
        while self._take(","):
            names.append(self._name())
        self._expect(":")
        items = self._expression()
        self._loops += 1
        body = self._body()
        self._loops -= 1
        self._expect("endforeach")
        return ForEach(tuple(names), items, body, line)

    def _name(self) -> str:
        token = self._next
        if token.kind != "word" or token.text in _RESERVED:
            raise self._error(f"{token.text!r} instead of a name")
        self._at += 1
        return token.text

    # --- expressions ------------------------------------------------------------------

    def _expression(self) -> Expression:
        condition = self._or()
        token = self._take("?")
        if token is None:
            return condition
        then = self._expression()
        self._expect(":")
        return Choice(condition, then, self._expression(), token.line)

    def _or(self) -> Expression:
        left = self._and()
        while token := self._take("or"):
            left = Operation("or", left, self._and(), token.line)
        return left

    def _and(self) -> Expression:
        left = self._comparison()
        while token := self._take("and"):
            left = Operation("and", left, self._comparison(), token.line)
        return left

    def _comparison(self) -> Expression:
        left = self._sum()
        while self._next.text in _COMPARISONS and self._next.kind in ("op", "word"):
            token = self._next
            self._at += 1
            op = token.text
            if op == "not":
                self._expect("in")
                op = "not in"
            left = Operation(op, left, self._sum(), token.line)
        return left

    def _sum(self) -> Expression:
        left = self._product()
        while token := self._take("+", "-"):
            left = Operation(token.text, left, self._product(), token.line)
        return left

    def _product(self) -> Expression:
        left = self._unary()
        while token := self._take("*", "/", "%"):
            left = Operation(token.text, left, self._unary(), token.line)
        return left

    def _unary(self) -> Expression:
        if token := self._take("not"):
            return Not(self._unary(), token.line)
        if token := self._take("-"):
            return Not(self._unary(), token.line, negative=True)
        return self._postfix()

    def _postfix(self) -> Expression:
        value = self._primary()
        while token := self._take(".", "["):
            if token.text == "[":
                value = Subscript(value, self._expression(), token.line)
                self._expect("]")
            else:
                name = self._name()
                self._expect("(")
                value = self._call(value, name, token.line)
        return value

    def _primary(self) -> Expression:
        token = self._next
        self._at += 1
        if token.kind in ("string", "long"):
            formatted = token.text.startswith("f")
            body = token.text.removeprefix("f")
            if token.kind == "long":
                return Literal(body[3:-3], token.line, formatted)
            return Literal(_unescape(body[1:-1]), token.line, formatted)
        if token.kind == "number":
            return Literal(int(token.text, 0), token.line)
        if token.kind == "word" and token.text not in _RESERVED:
            if token.text in ("true", "false"):
                return Literal(token.text == "true", token.line)
            if self._take("("):
                return self._call(None, token.text, token.line)
            return Identifier(token.text, token.line)
        if token.text == "(":
            value = self._expression()
            self._expect(")")
            return value
        if token.text == "[":
            return List(self._items("]"), token.line)
        if token.text == "{":
            return Dictionary(self._pairs(), token.line)
        self._at -= 1
        raise self._error(f"{token.text!r} instead of a value")

    def _items(self, end: str) -> tuple[Expression, ...]:
        out: list[Expression] = []
        while not self._take(end):
            out.append(self._expression())
            if not self._take(","):
                self._expect(end)
                break
        return tuple(out)

    def _pairs(self) -> tuple[tuple[Expression, Expression], ...]:
        out: list[tuple[Expression, Expression]] = []
        while not self._take("}"):
            key = self._expression()
            self._expect(":")
            out.append((key, self._expression()))
            if not self._take(","):
                self._expect("}")
                break
        return tuple(out)

    def _call(self, object: Expression | None, name: str, line: int) -> Invocation:
        arguments: list[Expression] = []
        keywords: list[tuple[str, Expression]] = []
        while not self._take(")"):
            value = self._expression()
            if self._take(":"):
                if not isinstance(value, Identifier):
                    raise self._error("a keyword argument without a name")
                keywords.append((value.name, self._expression()))
            else:
                arguments.append(value)
            if not self._take(","):
                self._expect(")")
                break
        return Invocation(object, name, tuple(arguments), tuple(keywords), line)
