"""Which names the text of a declaration declares, found without parsing it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vmgen.cfront.patterns import (
    ATTRIBUTE,
    BETWEEN,
    BODY,
    CALL,
    DIRECTIVE,
    LITERAL,
    NOISE,
    PARENTHESES,
    WORD,
)
from vmgen.cfront.tokens import IGNORED_WORDS, RESERVED_WORDS, word_set

_DEFINED_TAG = re.compile(
    rf"\b(struct|union|enum)\b{BETWEEN}(?:{ATTRIBUTE}{BETWEEN})*+"
    rf"((?!__attribute){WORD})?{BETWEEN}(?:{ATTRIBUTE}{BETWEEN})*+(?::[\s\w()]*+)?\{{"
)
_ENUM_BODY = re.compile(rf"""(?:[^{{}}"']++|{LITERAL}|{BODY})*+""", re.DOTALL)
_ENUMERATOR = re.compile(rf"(?:\A|,){BETWEEN}({WORD})")
_INNERMOST = re.compile(r"\([^(){}]*+\)|\{[^(){}]*+\}")

_S = rf"(?:[\s*]++|{DIRECTIVE})"
_PLAIN = re.compile(
    rf"(?:__extension__{_S}++|{ATTRIBUTE}{_S}*+)*+(?!(?:struct|union|enum)\s++{WORD}\s*+\Z)"
    rf"(typedef{_S}++)?(extern{_S}++)?"
    rf"(?:(?!__attribute){WORD}{_S}++|{ATTRIBUTE}{_S}*+)+({WORD}){BETWEEN}"
    rf"(?:(\()(?!\s*+(?:\*|(?!void\b){WORD}\s*+\)))|(?:\[[^\],]*+\]{BETWEEN})*+(=(?!=)|\Z))",
    re.DOTALL,
)
#: What follows the body of a record or enum: nothing, or one plain name.
_PLAIN_TAIL = re.compile(
    rf"(?:{BETWEEN}{ATTRIBUTE})*+{_S}*+(?:(?!__attribute)({WORD}){BETWEEN})?(?:{ATTRIBUTE}{BETWEEN})*+\Z",
    re.DOTALL,
)
_TYPEDEF = re.compile(rf"(?:__extension__{_S}++|{ATTRIBUTE}{_S}*+)*+typedef\b")
#: Reserved words that need a type beside them.
_NO_TYPE = IGNORED_WORDS | word_set(
    "static extern typedef _Thread_local __thread thread_local constexpr struct union enum"
)
_TYPEOF = re.compile(
    rf"\b(?:__typeof(?:__)?|typeof|_Atomic){BETWEEN}{PARENTHESES}", re.DOTALL
)
_ASSERT = re.compile(r"\s*(?:_Static_assert|static_assert)\b")
_LEVEL = re.compile(r"[()\[\],=]")
_WORDS = re.compile(r"\A[\w\s*$]*+")
_ONE_WORD = re.compile(WORD)
_ONLY_TAG = re.compile(
    rf"\s*(?:(?:static|extern|const|volatile)\s+)*(?:struct|union|enum)\b\s*(?:{WORD})?\s*\Z"
)


def plain(text: str, start: int, head_end: int) -> re.Match[str] | None:
    """A declaration of one name with nothing unusual about it, up to its ``;``, its first
    ``{`` or its body; None for any other.

    The groups are ``typedef``, ``extern``, the name, and ``(`` or ``=`` behind it.
    """
    found = _PLAIN.match(text, start, head_end)
    return found if found and found[3] not in RESERVED_WORDS else None


def plain_tail(tail: str) -> str | None:
    """The name behind the body of a record or enum, empty for none; None for what is
    less plain than that."""
    found = _PLAIN_TAIL.match(tail)
    return None if found is None else found[1] or ""


def is_typedef(text: str) -> bool:
    """Whether a declaration declares types."""
    return _TYPEDEF.match(text) is not None


def tags(text: str, start: int, end: int) -> Iterator[tuple[str, str, list[str]]]:
    """The records and enums that are defined there: ``struct``, ``union`` or ``enum``, the
    tag, empty for none, and the enumerators."""
    for match in _DEFINED_TAG.finditer(text, start, end):
        kind, tag = match.groups()
        names = _enumerators(text, match.end()) if kind == "enum" else []
        yield kind, tag or "", names


def _enumerators(text: str, start: int) -> list[str]:
    found = _ENUM_BODY.match(text, start)
    body = found[0] if found else ""
    if "'" in body or '"' in body:
        body = re.sub(LITERAL, "0", body)
    while "(" in body:
        body, count = _INNERMOST.subn("0", body)
        if not count:
            break
    return _ENUMERATOR.findall(body)


def declared_names(
    text: str, is_function: bool
) -> tuple[bool, bool, list[tuple[str, bool, bool]]]:
    """Of a declaration without what is in braces: is it a typedef, is it extern, and per
    name: is it a function, has it a value."""
    if _ASSERT.match(text):
        return False, False, []
    text = _TYPEOF.sub(" int ", NOISE.sub(" ", text)).strip().rstrip(";").rstrip()
    defines_types = re.match(r"typedef\b", text) is not None
    is_extern = re.match(r"extern\b", text) is not None
    names: list[tuple[str, bool, bool]] = []
    if text and not _ONLY_TAG.match(text):
        for index, (declarator, is_initialised) in enumerate(_declarators(text)):
            name, called = _declared_name(declarator, index == 0)
            if name:
                names.append((name, called or is_function, is_initialised))
    return defines_types, is_extern, names


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
    parentheses = CALL.match(following)
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
