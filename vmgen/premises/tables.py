"""The rows of tables in raw C: entries of initialisers, calls under their conditions,
bodies of functions, values of enumerators.

Raw text, not preprocessed: every configuration's entries are there, macros stand by
name.  What matters is only whether two trees say the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias

from vmgen.c_text import CText, closing, items
from vmgen.premises import kept
from vmgen.premises.facts import Fact

Row: TypeAlias = tuple[str, ...]

_NAME = re.compile(r"[A-Za-z_]\w*\Z")
_TIGHT = re.compile(r"(?<=[\w)\]]) (?=[^\w|&?:])|(?<=[^\w|&?:]) (?=\S)")


def rows(text: CText, fact: Fact, writers: Mapping[str, int]) -> Iterator[Row]:
    """The rows that one file adds to a premise; ``writers`` are functions that keep so
    many bits of a value."""
    words = text.words
    assigned = list(_assigned(words, fact))
    changed = {
        one.partition("[")[0] for _, one, member, _ in assigned if member == "type"
    }
    yield from _entries(words, fact, writers, changed)
    yield from assigned
    yield from _calls(words, fact)
    if fact.assigns:
        yield from _set_by_functions(text, fact)
    for at, word in enumerate(words):
        if fact.functions and word.startswith(fact.functions):
            body = _body(words, at)
            if body:
                digest = hashlib.sha256(" ".join(body).encode()).hexdigest()
                yield f"{word}()", digest[:16]
        elif (
            fact.constants
            and word.startswith(fact.constants)
            and words[at + 1 : at + 2] == ["="]
        ):
            yield word, _text(_until(words, at + 2, ",}"))


# --- tables ---------------------------------------------------------------------------


def _entries(
    words: list[str], fact: Fact, writers: Mapping[str, int], changed: Collection[str]
) -> Iterator[Row]:
    """The entries of every object or array of the type that is initialised; the flags of
    ``changed`` ones are others when they are used."""
    for at, word in enumerate(words):
        if word != fact.type or not _NAME.match("".join(words[at + 1 : at + 2])):
            continue
        start = at + 2
        several = words[start : start + 1] == ["["]
        if several:
            start = closing(words, start)
        if words[start : start + 2] != ["=", "{"]:
            continue
        inside = words[start + 2 : closing(words, start + 1) - 1]
        entries = items(inside) if several else [inside]
        for entry in entries:
            if several and (not entry or entry[0] != "{"):
                continue
            members = items(entry[1:-1] if several else entry)
            if row := _row(members, fact):
                if fact.keeps is not None:
                    known = words[at + 1] not in changed
                    row += kept.of_entry(members, fact.keeps, writers, known)
                yield row


def _row(members: list[list[str]], fact: Fact) -> Row:
    """The members of an entry that matter; empty if the entry does not."""
    if any(word in fact.without for member in members for word in member):
        return ()
    values: dict[str, str] = {}
    for number, member in enumerate(members):
        if member[:1] == ["."] and "=" in member:
            equals = member.index("=")
            name, value = "".join(member[1:equals]), member[equals + 1 :]
            if name in fact.flags:
                value = [word for word in value if word in fact.flags[name]]
            if value:
                values[name] = _text(value)
        else:
            values[str(number)] = _text(member)
    if fact.members[0].isdigit():
        return tuple(values.get(name, "") for name in fact.members)
    return tuple(f"{name}={values[name]}" for name in fact.members if name in values)


def _assigned(words: list[str], fact: Fact) -> Iterator[tuple[str, str, str, str]]:
    """Members that matter of entries that are changed before they are registered."""
    names = {
        words[at + 1]
        for at, word in enumerate(words[:-1])
        if word == fact.type and _NAME.match(words[at + 1])
    }
    for at, word in enumerate(words):
        if word not in names:
            continue
        start = at + 1
        if words[start : start + 1] == ["["]:
            start = closing(words, start)
        member = words[start : start + 3]
        if member[::2] == [".", "="] and member[1] in fact.members:
            value = _text(_until(words, start + 3, ";"))
            yield "assigned", _text(words[at:start]), member[1], value


def _set_by_functions(text: CText, fact: Fact) -> Iterator[Row]:
    """The members that matter of objects that functions fill, by function."""
    for function in text.functions():
        words = CText(function.body).words
        for at, word in enumerate(words):
            if (
                word in fact.assigns
                and words[at - 1 : at] in (["."], [">"])
                and words[at + 1 : at + 2] == ["="]
                and words[at + 2 : at + 3] != ["="]
            ):
                value = _text(_until(words, at + 2, ";"))
                yield f"{function.name}()", f"{word}={value}"


# --- calls ----------------------------------------------------------------------------


def _calls(words: list[str], fact: Fact) -> Iterator[Row]:
    """The calls of a function or a macro, each with the ``if`` around it."""
    around: list[str] = []  # the condition of each open brace, empty for none
    pending = ""  # that of the statement that comes next
    last = ""  # that of the ``if`` that an ``else`` belongs to
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        match word:
            case "if" if words[at : at + 1] == ["("]:
                end = closing(words, at)
                pending = _text(words[at + 1 : end - 1])
                at = end
            case "else":
                pending = f"!({last})"
            case "{":
                around.append(pending)
                pending = ""
            case "}":
                last = around.pop() if around else ""
            case ";":
                last, pending = pending, ""
            case _ if word in fact.calls and words[at : at + 1] == ["("]:
                end = closing(words, at)
                arguments = [_text(one) for one in items(words[at + 1 : end - 1])]
                if fact.arguments:
                    arguments = [
                        arguments[number]
                        for number in fact.arguments
                        if number < len(arguments)
                    ]
                guards = [one for one in (*around, pending) if one]
                yield (*([] if fact.keyed else [word]), *arguments, *guards)
                at = end


def _body(words: list[str], at: int) -> list[str]:
    """The words of the function that is defined at this name; empty for a mere use."""
    if words[at + 1 : at + 2] != ["("]:
        return []
    end = closing(words, at + 1)
    if words[end : end + 1] != ["{"]:
        return []
    return words[at : closing(words, end)]


# --- words ----------------------------------------------------------------------------


def _until(words: list[str], at: int, stops: str) -> list[str]:
    end = at
    while end < len(words) and words[end] not in stops:
        end += 1
    return words[at:end]


def _text(words: list[str]) -> str:
    """The words as one text, without the quotes of a string that is alone."""
    if len(words) == 1:
        return words[0].strip('"')
    return _TIGHT.sub("", " ".join(words))
