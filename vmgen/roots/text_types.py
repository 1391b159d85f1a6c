"""QOM types of files that need not be read with the C front end.

Half of the files that have types neither describe nor register anything; their types
count all the same, because they inherit.  A ``TypeInfo`` constant is simple enough to be
read as text, once its string macros are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from vmgen.c_text import CText, closing, items
from vmgen.roots import registering
from vmgen.roots.model import ClassFunction, Effect, Registrations, TypeDecl
from vmgen.roots.strings import Macro, Strings, definitions
from vmgen.source import Position

_STATIC = re.compile(r"\bstatic\b")


@dataclass(frozen=True, slots=True)
class TypeText:
    """A type as written: ``name``, ``parent`` and ``interfaces`` are C expressions."""

    name: str
    parent: str
    abstract: bool
    class_init: str
    line: int
    interfaces: tuple[str, ...] = ()
    base_init: str = ""


@dataclass(frozen=True, slots=True)
class FileText:
    """What a file's text says, the same for every target."""

    file: str
    types: tuple[TypeText, ...]
    functions: tuple[ClassFunction, ...]
    macros: dict[str, list[Macro]]


def look_at(text: str, file: str) -> FileText:
    """The types of a file and the functions that may fill a class."""
    written = CText(text)
    types = tuple(_types(written))
    if not types:
        return FileText(file, (), (), {})
    functions = tuple(
        ClassFunction(
            function.name,
            _STATIC.search(function.head) is not None,
            _effects(function),
        )
        for function in registering.functions(written)
        if function.fills_class
    )
    return FileText(file, types, functions, definitions(written, file))


def _effects(function: registering.FunctionText) -> tuple[Effect, ...]:
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
                    "",
                    tuple(
                        value
                        for text in one.interfaces
                        if (value := strings.value(text, found.file, found.macros))
                    ),
                    one.base_init,
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


def _types(text: CText) -> Iterator[TypeText]:
    words = text.words
    for at, word in enumerate(words):
        if word == "TypeInfo":
            yield from _constants(words, at + 2, text.line_of(at))
        elif word.startswith("OBJECT_DEFINE_") and "TYPE" in word:
            arguments = words[at + 2 : closing(words, at + 1) - 1]
            if words[at + 1 : at + 2] == ["("]:
                yield from _by_macro(word, arguments, text.line_of(at))


def _constants(words: list[str], at: int, line: int) -> Iterator[TypeText]:
    """The types of the object whose name is in front of this place."""
    if words[at : at + 1] == ["["]:
        at = closing(words, at)
    if words[at : at + 2] != ["=", "{"]:
        return
    parts = items(words[at + 2 : closing(words, at + 1) - 1])
    if any(part[:1] == ["."] for part in parts):
        yield from _one(parts, line)
        return
    for part in parts:
        if "{" in part:
            start = part.index("{")
            yield from _one(items(part[start + 1 : closing(part, start) - 1]), line)


def _one(parts: list[list[str]], line: int) -> Iterator[TypeText]:
    members = {
        part[1]: part[3:] for part in parts if part[:1] == ["."] and part[2:3] == ["="]
    }
    if "name" not in members:
        return

    def function(member: str) -> str:
        words = [word for word in members.get(member, []) if word != "&"]
        return words[0] if len(words) == 1 else ""

    yield TypeText(
        " ".join(members["name"]),
        " ".join(members.get("parent", [])),
        members.get("abstract") in (["true"], ["1"]),
        function("class_init"),
        line,
        tuple(_interfaces(members.get("interfaces", []))),
        function("class_base_init"),
    )


def _interfaces(words: list[str]) -> Iterator[str]:
    """``( InterfaceInfo [ ] ) { { TYPE_A } , { } }``"""
    if "{" not in words:
        return
    start = words.index("{")
    for one in items(words[start + 1 : closing(words, start) - 1]):
        inner = [word for word in one if word not in "{}"]
        if inner:
            yield " ".join(inner)


def _by_macro(macro: str, words: list[str], line: int) -> Iterator[TypeText]:
    """``OBJECT_DEFINE_TYPE`` and its siblings (include/qom/object.h)."""
    arguments = [" ".join(one) for one in items(words)]
    if len(arguments) < 4:
        return
    _, lower, upper, parent, *more = arguments
    kind = macro.removeprefix("OBJECT_DEFINE_")
    abstract = kind.startswith("ABSTRACT") or (
        kind == "TYPE_EXTENDED" and more[:1] == ["true"]
    )
    yield TypeText(
        f"TYPE_{upper}",
        f"TYPE_{parent}",
        abstract,
        f"{lower}_class_init",
        line,
        tuple(one.strip("{ }") for one in more if one.startswith("{") and one != "{ }"),
    )
