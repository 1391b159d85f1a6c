"""Structs as their text says them: the members, and what they are made of.

This is no layout: it says of a member whether it holds a number, a pointer or a record,
which is what rules about C outside of tables need of a file that need not compile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vmgen.c_text import closing, words_of

_RECORD = re.compile(
    r"(?:^|;|\})\s*(?P<typedef>typedef\s+)?(?P<kind>struct|union)\s+(?:QEMU_PACKED\s+)?"
    r"(?P<tag>\w+\s*)?\{",
    re.MULTILINE,
)
_ALIAS = re.compile(r"\btypedef\s+(?:struct|union)\s+(\w+)\s+(\w+)\s*;")
_SPECIFIERS = {"const", "volatile", "unsigned", "signed", "struct", "union", "enum"}
_NUMBER = re.compile(
    r"u?int(?:_fast|_least)?(?:8|16|32|64)?(?:_t)?|bool|_Bool|char|short|long|unsigned"
    r"|signed|size_t|ssize_t|off_t|hwaddr|dma_addr_t|target_u?long|vaddr|float|double"
    r"|float(?:32|64)|u?int128_t|Int128|uint|ram_addr_t|pcibus_t|time_t|enum"
)
_MAX_DEPTH = 20


@dataclass(frozen=True, slots=True)
class WrittenMember:
    """A member: ``type`` is its last type word (``uint32_t``, the tag of a record),
    ``is_pointer`` that a ``*`` is in its declarator, ``lengths`` how many ``[]``.  ``inner`` are the members of a
    record without a tag, which may be a union.
    """

    name: str
    type: str
    is_pointer: bool = False
    lengths: int = 0
    is_function: bool = False
    inner: Mapping[str, WrittenMember] | None = None
    is_union: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it is an integer, a truth value, or an array of them."""
        return (
            not self.is_pointer
            and not self.is_function
            and self.inner is None
            and _NUMBER.fullmatch(self.type) is not None
        )


@dataclass(frozen=True, slots=True)
class RecordTexts:
    """The records of a text by tag and by typedef, those of them that are unions, and other
    names that types have."""

    members: Mapping[str, Mapping[str, WrittenMember]] = field(default_factory=dict)
    unions: frozenset[str] = frozenset()
    aliases: Mapping[str, str] = field(default_factory=dict)


def records_of(text: str) -> RecordTexts:
    """The records that a text without comments defines."""
    members: dict[str, Mapping[str, WrittenMember]] = {}
    unions: set[str] = set()
    aliases = {new: tag for tag, new in _ALIAS.findall(text) if new != tag}
    for match in _RECORD.finditer(text):
        start = match.end() - 1
        end = _end_of_braces(text, start)
        if end is None:
            continue
        found = _members(words_of(text[start + 1 : end - 1]), 0)
        tag = (match["tag"] or "").strip()
        rest = re.match(r"\s*(?:QEMU_PACKED\s*)?(\w+)\s*;", text[end : end + 200])
        new = rest[1] if rest and match["typedef"] else ""
        if (name := tag or new) and name not in members:
            members[name] = found
            if match["kind"] == "union":
                unions.add(name)
        if tag and new and tag != new:
            aliases.setdefault(new, tag)
    return RecordTexts(members, frozenset(unions), aliases)


def _end_of_braces(text: str, start: int) -> int | None:
    depth = 0
    for found in re.compile(r"[{}]").finditer(text, start):
        depth += 1 if found[0] == "{" else -1
        if not depth:
            return found.end()
    return None


def _members(words: list[str], depth: int) -> Mapping[str, WrittenMember]:
    found: dict[str, WrittenMember] = {}
    if depth > _MAX_DEPTH:
        return found
    for declaration in _declarations(words):
        for one in _declared(declaration, depth, len(found)):
            found.setdefault(one.name, one)
    return found


def _declarations(words: list[str]) -> Iterator[list[str]]:
    """The words up to each ``;`` outside of braces; lines of the preprocessor left out."""
    part: list[str] = []
    depth = 0
    for word in words:
        depth += (word == "{") - (word == "}")
        if word == ";" and not depth:
            yield part
            part = []
        else:
            part.append(word)


def _declared(words: list[str], depth: int, number: int) -> Iterator[WrittenMember]:
    if "{" in words:
        start = words.index("{")
        end = closing(words, start)
        inner: Mapping[str, WrittenMember] | None = None
        is_union = "union" in words[:start]
        if "enum" not in words[:start]:
            inner = _members(words[start + 1 : end - 1], depth + 1)
        type_ = "enum" if inner is None else ""
        rest = words[end:]
        if not [word for word in rest if word.isidentifier() and word != "QEMU_PACKED"]:
            if inner is not None:
                yield WrittenMember(f"<{number}>", "", inner=inner, is_union=is_union)
            return
    else:
        inner, is_union = None, False
        at = 0
        while at < len(words) and (words[at] in _SPECIFIERS or at == 0):
            at += 1
        if at < len(words) and words[at - 1] in (
            "struct",
            "union",
            "enum",
            "const",
            "volatile",
        ):
            at += 1
        if words[at : at + 1] in (["int"], ["long"], ["char"]) and at < len(words):
            at += 1
        type_ = "enum" if "enum" in words[:at] else words[at - 1] if at else ""
        rest = words[at:]
    yield from _declarators(rest, type_, inner, is_union)


def _declarators(
    words: list[str],
    type_: str,
    inner: Mapping[str, WrittenMember] | None,
    is_union: bool,
) -> Iterator[WrittenMember]:
    part: list[str] = []
    nested = 0
    for word in [*words, ","]:
        nested += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
        if word != "," or nested:
            part.append(word)
            continue
        is_function = part[:2] == ["(", "*"]
        names = [
            one
            for at, one in enumerate(part)
            if one.isidentifier()
            and one not in ("const", "volatile", "QEMU_PACKED")
            and not _in_brackets(part, at)
        ]
        if is_function and len(part) > 2:
            yield WrittenMember(part[2], type_, is_function=True)
        elif names:
            yield WrittenMember(
                names[0],
                type_,
                "*" in part,
                part.count("["),
                inner=inner,
                is_union=is_union,
            )
        part = []


def _in_brackets(part: list[str], at: int) -> bool:
    before = part[:at]
    return before.count("[") + before.count("(") > before.count("]") + before.count(")")
