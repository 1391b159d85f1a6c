"""One declaration's text through pycparser, into the nodes of ``cfront.syntax``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from operator import length_hint
from typing import Any

from pycparser.c_parser import CParser, ParseError

from vmgen.cfront.convert import Parsed, convert, convert_expression
from vmgen.cfront.convert_code import ConvertError
from vmgen.cfront.nesting import LEVELS, too_deep
from vmgen.cfront.normalise import NormaliseError, normalise
from vmgen.cfront.syntax import Expr, IntegerLiteral
from vmgen.cfront.tokens import Token, tokenise
from vmgen.source import Diagnostic, Position, VmgenError

_COORDINATE = re.compile(
    r"^(?P<file>.*?):(?P<line>\d+)(?::\d+)?: (?P<message>.*)\Z", re.DOTALL
)
_MACRO = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+")
_FILE_ONLY = re.compile(r"^.*?: (?P<message>.*)\Z", re.DOTALL)


class _TokenReader:
    """What pycparser asks of a lexer, over tokens that are already there."""

    def __init__(
        self, error_func: Callable[[str, int, int], None], *, dialect: str
    ) -> None:
        del error_func, dialect
        self.tokens: list[Token] = []
        self.filename = ""
        self.input("")

    def input(self, text: str, filename: str = "") -> None:
        """Start with the first of ``tokens``; the text is beside the point."""
        del text, filename
        self._left = iter(self.tokens)
        #: The next token, None at the end; called some ten thousand times a file.
        self.token: Callable[[], Token | None] = partial(next, self._left, None)

    @property
    def last(self) -> Token:
        """The token that was read last."""
        return self.tokens[max(len(self.tokens) - length_hint(self._left) - 1, 0)]


class _CountingParser(CParser):  # type: ignore[misc]
    """pycparser's parser, which reads what may be a type twice, and types in such types
    four times: what it reads again is counted."""

    #: Tokens that may still be read again.
    patience = 0

    def _reset(self, mark: int) -> None:
        self.patience -= self._mark() - mark
        if self.patience < 0:
            raise ParseError(
                ": types of expressions are nested deeper than is followed"
            )
        super()._reset(mark)


_parser: Any = None


def _parse(tokens: list[Token], typedefs: Iterable[str]) -> list[Any]:
    """External declarations; each name of ``typedefs`` is a type, declared in front."""
    global _parser
    if _parser is None:
        _parser = _CountingParser(lexer=_TokenReader, dialect="c23")
    prefix: list[Token] = []
    names = 0
    for name in typedefs:
        if names:
            prefix.append(Token("COMMA", ",", 0, 0, ""))
        else:
            prefix += [
                Token("TYPEDEF", "typedef", 0, 0, ""),
                Token("INT", "int", 0, 0, ""),
            ]
        prefix.append(Token("ID", name, 0, 0, ""))
        names += 1
    if names:
        prefix.append(Token("SEMI", ";", 0, 0, ""))
    _parser.clex.tokens = prefix + tokens
    _parser.patience = 10_000 + 10 * len(tokens)
    try:
        external: list[Any] = _parser.parse("").ext
    except ValueError as error:
        # So it refuses the suffix of a constant.
        raise ParseError(f": {error}") from None
    return external[names:]


def identifiers(tokens: list[Token]) -> frozenset[str]:
    """The identifiers among ``tokens``, those inside attributes too."""
    return frozenset([token.value for token in tokens if token.type == "ID"])


def unknown_types(tokens: list[Token], typedefs: Iterable[str]) -> frozenset[str]:
    """The names that members of structs and unions have as their type and nothing
    declares: C has no other meaning for a name in front of another there.

    ``typedefs`` are the type names that are declared.
    """
    known = frozenset(typedefs)
    found: set[str] = set()
    inside: list[bool] = []  # whether each open brace is a record's
    for place, token in enumerate(tokens[:-1]):
        before = tokens[place - 1].type if place else ""
        if token.type == "LBRACE":
            head = tokens[place - 2].type if before == "ID" and place > 1 else before
            inside.append(head in ("STRUCT", "UNION"))
        elif token.type == "RBRACE" and inside:
            inside.pop()
        elif (
            token.type == "ID"
            and token.value not in known
            and inside
            and inside[-1]
            and before in ("LBRACE", "RBRACE", "SEMI", "CONST", "VOLATILE")
            and tokens[place + 1].type in ("ID", "TIMES")
        ):
            found.add(token.value)
    return frozenset(found)


def parse_declaration(
    tokens: list[Token], typedefs: Iterable[str], *, about: str = ""
) -> Parsed:
    """What the tokens of one top-level declaration declare.

    ``typedefs`` are the identifiers among them that are type names declared elsewhere;
    ``about`` names the declaration in errors.  Raises :class:`VmgenError` with VG201
    for text that is not C as we know it, VG202 for C that has no node.
    """
    known = tuple(typedefs)
    if stray := next((token for token in tokens if token.type == "OTHER"), None):
        message = f"{stray.value!r} stands outside of a string"
        raise _syntax_error(message, _place(stray), about)
    if deep := too_deep(tokens):
        message = f"brackets and operators are nested more than {LEVELS} deep"
        raise _syntax_error(message, _place(deep), about)

    def expression(text: str) -> Expr:
        return _expression(text, known, tokens[0])

    try:
        nodes = _parse(normalise(tokens), known)
        return convert(nodes, expression)
    except NormaliseError as error:
        raise _syntax_error(error.message, _place(error.token), about) from None
    except ParseError as error:
        message, position = _located(str(error))
        macro = _no_macro(tokens, position.line)
        raise _syntax_error(message, position, about, macro) from None
    except ConvertError as error:
        position = error.position if error.position.line else _place(tokens[0])
        raise VmgenError(
            Diagnostic(
                "VG202",
                error.message,
                position,
                hint="this C is valid, but vmgen has no meaning for it; "
                "a table must not depend on it",
                context=(about,) if about else (),
            )
        ) from None


def _expression(text: str, typedefs: tuple[str, ...], place: Token) -> Expr:
    """The expression of an attribute's argument; raises what ``parse_declaration`` handles."""
    if text.isdigit():
        position = Position(place.filename, place.lineno)
        return IntegerLiteral(int(text, 0 if text[0] != "0" else 8), "int", position)
    inner = tokenise(f"int _ = ({text});", file=place.filename, line=place.lineno)
    nodes = _parse(normalise(inner), typedefs)

    def nested(argument: str) -> Expr:
        return _expression(argument, typedefs, place)

    return convert_expression(nodes[0].init, nested)


def _place(token: Token) -> Position:
    return Position(token.filename, token.lineno)


def _located(text: str) -> tuple[str, Position]:
    """pycparser's message without its coordinates, and these; the parser's last token
    tells the line where the message does not."""
    match = _COORDINATE.match(text)
    last: Token = _parser.clex.last
    if match and int(match["line"]):
        return match["message"], Position(match["file"], int(match["line"]))
    match = match or _FILE_ONLY.match(text)
    return (match["message"] if match else text), _place(last)


def _no_macro(tokens: list[Token], line: int) -> str:
    """What is written as macros are and called in this line, after all macros that are
    known were replaced; empty for nothing."""
    for token, following in pairwise(tokens):
        if (
            token.lineno == line
            and following.type == "LPAREN"
            and _MACRO.fullmatch(token.value)
        ):
            return token.value
    return ""


def _syntax_error(
    message: str, position: Position, about: str, macro: str = ""
) -> VmgenError:
    found = re.fullmatch(r"before: (.*)", message, re.DOTALL)
    if found:
        message = f"unexpected {found[1]!r}"
    elif message == "At end of input":
        message = "the declaration ends too early"
    what = (
        f"cannot parse the declaration of {about}"
        if about
        else "cannot parse this declaration"
    )
    hint = (
        "look at this line and at the macros it uses; if the compiler accepts it, "
        "it is a construct that vmgen does not know"
    )
    if macro:
        hint = (
            f"no header that the file includes defines {macro}: include the one that "
            "does, or correct the name"
        )
    return VmgenError(Diagnostic("VG201", f"{what}: {message}", position, hint=hint))
