"""QOM types of files that need not be read with the C front end.

Half of the files that have types neither describe nor register anything; their types
count all the same, because they inherit.  A ``TypeInfo`` constant is simple enough to be
read as text, once its string macros are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from vmgen.roots import c_text
from vmgen.roots.model import ClassFunction, Effect, Registrations, TypeDecl
from vmgen.roots.strings import Macro, Strings, definitions
from vmgen.source import Position

_CONSTANT = re.compile(r"\bTypeInfo\s+\w+\s*(?:\[[^\]\n]*\]\s*)?=\s*\{")
_DEFINED = re.compile(
    r"^OBJECT_DEFINE_(\w*TYPE\w*)\s*\(([^;]*?)\)\s*(?:;|$|\n)", re.MULTILINE
)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*$", re.MULTILINE)
_MEMBER = re.compile(r"^\s*\.\s*(\w+)\s*=\s*(.*)$", re.DOTALL)
_PLAIN_NAME = re.compile(r"&?\s*(\w+)\s*$")
_STATIC = re.compile(r"\bstatic\b")


@dataclass(frozen=True, slots=True)
class TypeText:
    """A type as written: ``name`` and ``parent`` are C expressions."""

    name: str
    parent: str
    abstract: bool
    class_init: str
    line: int


@dataclass(frozen=True, slots=True)
class FileText:
    """What a file's text says, the same for every target."""

    file: str
    types: tuple[TypeText, ...]
    functions: tuple[ClassFunction, ...]
    macros: dict[str, list[Macro]]


def look_at(text: str, file: str) -> FileText:
    """The types of a file and the functions that may fill a class."""
    written = c_text.without_comments(text)
    text = _DIRECTIVE.sub(lambda found: "\n" * found[0].count("\n"), written)
    functions: list[ClassFunction] = []
    types = tuple(_types(text))
    if types:
        functions = [
            ClassFunction(
                function.name,
                _STATIC.search(function.head) is not None,
                _effects(function),
            )
            for function in c_text.functions(text)
            if function.fills_class
        ]
    macros = definitions(written, file) if types else {}
    return FileText(file, types, tuple(functions), macros)


def _effects(function: c_text.FunctionText) -> tuple[Effect, ...]:
    effects = [Effect("call", name) for name in function.calls]
    effects += [Effect("realize", name) for name in function.realizes]
    if function.bus_type:
        effects.append(Effect("bus", function.bus_type))
    if function.has_path:
        effects.append(Effect("path", function.name))
    return tuple(effects)


def registrations(found: FileText, strings: Strings) -> Registrations:
    """The same with the strings that a target's configuration gives them.

    A type whose name or parent is no string for the target is not compiled for it, or
    is made by a macro: it does not count.
    """
    types: list[TypeDecl] = []
    for one in found.types:
        name = strings.value(one.name, found.file, found.macros)
        parent = strings.value(one.parent, found.file, found.macros)
        if name is not None and parent is not None:
            types.append(
                TypeDecl(
                    name,
                    parent,
                    one.abstract,
                    one.class_init,
                    "",
                    found.file,
                    Position(found.file, one.line),
                )
            )
    functions = tuple(
        replace(
            function,
            effects=tuple(
                _with_bus(effect, found, strings) for effect in function.effects
            ),
        )
        for function in found.functions
    )
    return Registrations(found.file, tuple(types), functions)


def _with_bus(effect: Effect, found: FileText, strings: Strings) -> Effect:
    if effect.kind != "bus":
        return effect
    name = strings.value(effect.symbol, found.file, found.macros)
    return replace(effect, symbol=name or "*")


def _types(text: str) -> Iterator[TypeText]:
    for match in _CONSTANT.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        parts = _parts(text, match.end())
        if any(_MEMBER.match(part) for part in parts):
            yield from _one(parts, line)
            continue
        for part in parts:
            start = part.find("{")
            if start >= 0:
                yield from _one(_parts(part, start + 1), line)
    for match in _DEFINED.finditer(text):
        yield from _by_macro(match[1], match[2], text.count("\n", 0, match.start()) + 1)


def _one(parts: list[str], line: int) -> Iterator[TypeText]:
    members: dict[str, str] = {}
    for part in parts:
        if found := _MEMBER.match(part):
            members[found[1]] = found[2].strip()
    if "name" in members:
        function = _PLAIN_NAME.match(members.get("class_init", ""))
        yield TypeText(
            members["name"],
            members.get("parent", ""),
            members.get("abstract", "false") in ("true", "1"),
            function[1] if function else "",
            line,
        )


def _by_macro(kind: str, arguments: str, line: int) -> Iterator[TypeText]:
    """``OBJECT_DEFINE_TYPE`` and its siblings (include/qom/object.h)."""
    words = [word.strip() for word in arguments.split(",")]
    if len(words) < 4:
        return
    _, lower, upper, parent = words[:4]
    abstract = kind.startswith("ABSTRACT") or (
        kind == "TYPE_EXTENDED" and len(words) > 4 and words[4] == "true"
    )
    yield TypeText(
        f"TYPE_{upper}", f"TYPE_{parent}", abstract, f"{lower}_class_init", line
    )


def _parts(text: str, start: int) -> list[str]:
    """The items of a braced list whose brace opens before ``start``."""
    out: list[str] = []
    depth = 0
    at = begin = start
    while at < len(text):
        character = text[at]
        if character == '"':
            at += 1
            while at < len(text) and text[at] != '"':
                at += 2 if text[at] == "\\" else 1
        elif character in "({[":
            depth += 1
        elif character in ")}]":
            if not depth:
                break
            depth -= 1
        elif character == "," and not depth:
            out.append(text[begin:at])
            begin = at + 1
        at += 1
    return [*out, text[begin:at]]
