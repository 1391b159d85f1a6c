"""What the text of one C file names, for the question which devices a board makes.

A board makes its devices by the name of their type: ``qdev_new(TYPE_PL011)``,
``object_initialize_child(obj, "uart", &s->uart, "serial-mm")``, a name put together
(``snprintf(name, sizeof(name), "aspeed.i2c-%s", soc)``).  So a name that a text has
nowhere cannot be made there.  What is in a text and is never run counts, too: more
is found than is made, never less.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from vmgen.c_text import CText, TextPart, WrittenFunction, words_of

_LITERAL = r'"((?:[^"\\\n]|\\.)*)"'
_STRING = re.compile(_LITERAL)
_WORD = re.compile(r"\b[A-Za-z_]\w*")
_GOES_ON = re.compile(r'\s*["A-Za-z_]')
# Text is searched many times as fast for letters as for the starts of words.
_TABLE = re.compile(
    r"(TypeInfo(?<!\wTypeInfo)|GlobalProperty(?<!\wGlobalProperty))\b[^;{}()=]*=\s*\{"
)
_LOOKED_UP = re.compile(
    r"object_(?<!\wobject_)(?:(?:class_)?dynamic_cast|resolve_(?:path_type|type_unambiguous))"
    r"\s*\((?:[^()]++|\([^()]*+\))*+\)"
)
"""What asks for an object that is there, or what one is, makes none."""
_OWN_NAME = re.compile(r"\.(?:name|parent)\s*=[^,}]*")
_BRACE = re.compile(r"[{}]")
_STATIC = re.compile(r"\bstatic\b")
_CREATABLE = re.compile(r"->\s*user_creatable\s*=(?!=)([^;]*);")
_CALLED = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
_ASKED_FOR = re.compile(
    r"(\b(?:break|return\b[^;{}]*);|\{)\s*case\s+VGA_(?:QXL|VMWARE|VIRTIO|XENFB)\s*:"
    r"[^{}:]*?\b(?:break|return\b[^;{}]*);"
)
"""What is made for a display that a user asks for (``-vga virtio``): a whole case."""
_DISPLAY = re.compile(r"default_display(?<!\wdefault_display)\s*=(?!=)\s*([^;]*);")
_OBJECT = re.compile(
    r"^(?!(?:static|typedef|extern|const|return)\b)([A-Za-z_]\w*)[ \t*]+"
    r"(?:const[ \t]+)?(\w+)(?:\[[^\]\n]*\])*[ \t]*=[ \t\n]*\{",
    re.MULTILINE,
)
_CONST = re.compile(r"^(?:const|struct)[ \t]+", re.MULTILINE)
_PASSIVE = ("VMState", "Property", "GlobalProperty")
"""How types of objects are called whose functions make no device."""
_DEFINE = re.compile(r"(\w+)(\([^)]*\))?\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mentions:
    """The identifiers and the string literals of a piece of C.  ``joined`` are macros
    with the literal that follows them, ``TYPE_ACPI_GED "-regs"``; ``pieces`` are other
    literals that stand before a macro or a literal, so that they are part of a string.
    """

    words: frozenset[str]
    literals: frozenset[str]
    joined: frozenset[tuple[str, str]]
    pieces: frozenset[str]

    @property
    def string(self) -> tuple[str, str] | None:
        """The macro, empty for none, and the literal after it that a macro's body is;
        None where it is something else."""
        match (*self.literals,), (*self.joined,), (*self.pieces,):
            case (literal,), (), () if not self.words:
                return ("", literal)
            case (), ((word, literal),), () if self.words == {word}:
                return (word, literal)
            case _:
                return None


@dataclass(frozen=True, slots=True)
class ClassText:
    """A function that may say whether users can create a class's objects
    (``dc->user_creatable``, ``include/hw/qdev-core.h``): what it assigns without a
    condition, or None where it assigns under one or what is no constant; and what it
    calls, in order."""

    assigned: tuple[bool | None, ...]
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BoardText:
    """What a C file names: ``names`` outside of directives and of its own type
    declarations, ``started`` those of them that are not only there for a display which a
    user asks for; what it names by its ``macros`` where they are used; the ``functions``
    and the ``objects`` (which may have functions of the file) that it defines for other
    files, and its functions that fill classes.  ``displays`` is
    what it assigns as the display of a machine that is started without options, as C.
    """

    names: Mentions
    started: Mentions
    macros: Mapping[str, Sequence[Mentions]]
    functions: tuple[str, ...]
    classes: Mapping[str, ClassText]
    displays: frozenset[str] = frozenset()
    objects: frozenset[str] = frozenset()


def look_at(text: CText) -> BoardText:
    """What a C file names."""
    functions: list[str] = []
    classes: dict[str, ClassText] = {}
    for one in text.functions():
        if _STATIC.search(one.head) is None:
            functions.append(one.name)
        if "Class" in one.head:
            assigned = tuple(_assigned(one))
            classes[one.name] = ClassText(assigned, tuple(_CALLED.findall(one.body)))
    macros: dict[str, list[Mentions]] = {}
    for name, names in _macros(text):
        macros.setdefault(name, []).append(names)
    code = _without_own_names(text.code)
    names = _names(code)
    kept = _without_asked_for(code)
    return BoardText(
        names,
        names if kept == code else _names(kept),
        macros,
        tuple(functions),
        classes,
        frozenset(one.strip() for one in _DISPLAY.findall(text.code)),
        frozenset(
            name
            for type_, name in _OBJECT.findall(_CONST.sub("", text.code))
            if not type_.startswith(_PASSIVE)
        ),
    )


def without(text: CText, whole: BoardText, parts: Iterable[TextPart]) -> BoardText:
    """What a C file names outside of these parts; ``whole`` is what it names with them."""
    code = _without_own_names(text.code_without(parts))
    names = _names(code)
    kept = _without_asked_for(code)
    return replace(whole, names=names, started=names if kept == code else _names(kept))


def _without_asked_for(code: str) -> str:
    """The text without the cases of displays that a user asks for."""
    if "VGA_" not in code:
        return code
    while (kept := _ASKED_FOR.sub(r"\1", code)) != code:
        code = kept  # of two cases in a row the first ends where the second begins
    return code


def header_parts(text: CText) -> Iterator[tuple[str, Mentions]]:
    """The inline functions and the macros of a header by name, each with what it names:
    they count where they are used."""
    for one in text.functions():
        yield one.name, _names(one.body)
    yield from _macros(text)


def _macros(text: CText) -> Iterator[tuple[str, Mentions]]:
    for line in text.directives:
        found = _DEFINE.match(line.text) if line.name == "define" else None
        if found is not None and found[3]:
            yield found[1], _names(found[3])


def _names(text: str) -> Mentions:
    words: set[str] = set()
    literals: set[str] = set()
    joined: set[tuple[str, str]] = set()
    pieces: set[str] = set()
    if "object_" in text:
        text = _LOOKED_UP.sub("", text)
    # Code and literals by turns; code is the first and the last.
    parts = _STRING.split(text)
    for at in range(0, len(parts), 2):
        code = parts[at]
        written: list[str] = _WORD.findall(code)
        words.update(written)
        if at + 1 == len(parts):
            break
        literal, after = parts[at + 1], parts[at + 2]
        if not literal:
            continue
        if written and _ends_with(code, written[-1]):
            if written[-1] == "return":
                literals.add(literal)
            else:
                joined.add((written[-1], literal))
        else:
            is_followed = at + 3 < len(parts) and not after.strip()
            goes_on = is_followed or _GOES_ON.match(after)
            (pieces if goes_on else literals).add(literal)
    return Mentions(
        frozenset(words), frozenset(literals), frozenset(joined), frozenset(pieces)
    )


def _ends_with(code: str, word: str) -> bool:
    """Whether the last of a text is this word, whole."""
    code = code.rstrip()
    before = code[: -len(word)][-1:]
    return code.endswith(word) and not (before.isalnum() or before == "_")


def _without_own_names(text: str) -> str:
    """The text without the names and parents of the types that it declares, and without
    its tables of compat properties: neither makes an object."""
    pieces: list[str] = []
    last = 0
    for found in _TABLE.finditer(text):
        if found.start() < last:
            continue
        end = _closed(text, found.end())
        inside = text[found.end() : end]
        is_type = found[1] == "TypeInfo"
        kept = _OWN_NAME.sub("", inside) if is_type else ""
        pieces += (text[last : found.end()], kept)
        last = end
    return "".join((*pieces, text[last:]))


def _closed(text: str, at: int) -> int:
    """The place behind the brace that closes the one before ``at``."""
    depth = 1
    for found in _BRACE.finditer(text, at):
        depth += 1 if found[0] == "{" else -1
        if not depth:
            return found.end()
    return len(text)


def _assigned(function: WrittenFunction) -> Iterator[bool | None]:
    for found in _CREATABLE.finditer(function.body):
        before = function.body[: found.start()]
        words = words_of(found[1])
        is_sure = before.count("{") == before.count("}") and not _is_branch(before)
        yield {"true": True, "false": False}.get("".join(words)) if is_sure else None


def _is_branch(before: str) -> bool:
    """Whether the statement whose assignee ends ``before`` hangs on a condition without
    braces."""
    statement = re.split(r"[;{}]", before)[-1]
    return re.search(r"\b(?:if|else|for|while|switch|case)\b", statement) is not None
