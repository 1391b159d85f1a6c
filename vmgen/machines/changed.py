"""Members of properties that other C code changes, too.

A property's value is its member's only as long as nothing else is put there: ``realize``
may round it, an ``instance_init`` may set another default, a vendor's CPU model may turn
it off.  What C assigns is found in the text of the tree: every ``->member =`` of a file
that names one of the structs which the member is in.  A board may also set a property by
its name (``qdev_prop_set_uint32(dev, "num-irq", ...)``): then it is not known of any
object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from vmgen import ir
from vmgen.cache import Each, Remembered
from vmgen.tree import files

_ASSIGNED = re.compile(
    r"(?:\.|->)\s*([A-Za-z_]\w*+)(?:\[[^\]]*\])?+\s*+"
    r"(=(?!=)|\+\+|--|[-+*/%|&^]=|<<=|>>=)([^;,}]*)"
)
_UNDER_XEN = re.compile(r"\bif\s*\(\s*xen_enabled\(\)\s*\)\s*\{[^{}]*\}")
"""What is so under Xen alone, whose guests are saved in another way."""

_CLAMPED = re.compile(
    r"if\s*\(\s*([A-Za-z_]\w*(?:->|\.)(?:\w+\.)*+(\w+))\s*([<>])\s*(\w+)\s*\)\s*\{?"
    r"\s*\1\s*=\s*\4\s*;"
)
"""``if (s->count < LEAST) { s->count = LEAST; }``"""

_DEFINED = re.compile(
    r"\n[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+\(?(\d\w*)\)?[ \t]*(?:/[*/].*)?$", re.M
)
"""With the end of the line before it: a character to search for, where ``^`` is none."""

_ELSEWHERE = re.compile(
    r"(?:\+\+|--|&(?<!&&))\(?[A-Za-z_][\w.>()\[\]-]*[.>]([A-Za-z_]\w*)"
)
"""``++s->count``, and ``&s->count``: whoever gets the address may put anything there."""

_SETTERS = (
    "qdev_prop_set",
    "object_property_set",
    "object_property_parse",
    "object_set_props",
    "object_new_with_props",
)
_SET = re.compile(rf"\b(?:{'|'.join(_SETTERS)})\w*\s*\(([^;]*);")
"""A board that gives a device's property a value of its own."""

_TEXT = re.compile(r'"([^"\s]+)"|\b([A-Z][A-Z0-9_]{3,})\b')
_TEXT_MACRO = re.compile(r'\n[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+"([^"\n]+)"', re.M)

_TRUTH = {"true": 1, "false": 0}
_FOLDERS = (
    "hw",
    "target",
    "audio",
    "net",
    "backends",
    "include",
    "chardev",
    "migration",
    "accel",
    "system",
    "softmmu",
)


@dataclass
class MemberChanges:
    """What the C of one tree puts into members, by their names."""

    root: Path
    remembered: Remembered = field(default_factory=Remembered)
    """What the texts of the files said before."""
    _files: dict[str, dict[str, list[str]]] = field(init=False, default_factory=dict)
    _defined: dict[str, set[str]] = field(init=False, default_factory=dict)
    """The numbers that macros stand for, by their names."""
    _named: frozenset[str] | None = field(init=False, default=None)
    _known: dict[frozenset[ir.MemberPlace], ir.MemberChange] = field(
        init=False, default_factory=dict
    )
    """What was found before: the targets of a tree ask for the same members."""

    def look_at(self, each: Each = map) -> frozenset[str]:
        """Reads the tree's texts, once; ``each`` is as for :meth:`Remembered.of`.  Returns
        the properties that C code sets by their names, of whatever object."""
        if self._named is not None:
            return self._named
        texts: set[str] = set()
        macros: set[str] = set()
        meant: dict[str, set[str]] = {}
        names = files.named(self.root, _FOLDERS, (".c", ".h"))
        for file, said in self.remembered.of(names, partial(_of_file, self.root), each):
            numbers, strings, literals, named, changes = said
            for name, value in numbers:
                self._defined.setdefault(name, set()).add(value)
            for name, value in strings:
                meant.setdefault(name, set()).add(value)
            texts.update(literals)
            macros.update(named)
            if changes:
                self._files[file] = changes
        self._named = frozenset(texts.union(*(meant.get(one, ()) for one in macros)))
        return self._named

    def _text(self, file: str) -> str:
        return (self.root / file).read_text(encoding="utf-8", errors="replace")

    def of(self, places: Iterable[ir.MemberPlace]) -> ir.MemberChange:
        """What C puts into a member, given by all its places."""
        self.look_at()
        known = frozenset(places)
        if known not in self._known:
            self._known[known] = self._of(known)
        return self._known[known]

    def _of(self, places: frozenset[ir.MemberPlace]) -> ir.MemberChange:
        names = {_last(one.path) for one in places}
        types = sorted({one.type.removeprefix("struct ") for one in places})
        mentions = re.compile(rf"\b(?:{'|'.join(map(re.escape, types))})\b")
        numbers: set[int] = set()
        bounds: dict[str, set[int]] = {"<": set(), ">": set()}
        others = False
        for file, found in self._files.items():
            values = [value for name in names for value in found.get(name, ())]
            if not values:
                continue
            if not mentions.search(self._text(file)):
                continue
            for value in values:
                number = self._number(value.lstrip("<>"))
                if number is None:
                    others = True
                else:
                    bounds.get(value[:1], numbers).add(number)
        return ir.MemberChange(
            tuple(sorted(numbers)),
            max(bounds["<"], default=None),
            min(bounds[">"], default=None),
            others,
        )

    def _number(self, value: str) -> int | None:
        """The number that a value is as written, or by a macro that is one everywhere."""
        found = self._defined.get(value, ())
        return _number(next(iter(found)) if len(found) == 1 else value)


def with_changes(
    machines: ir.Machines, read: frozenset[ir.MemberPlace], changes: MemberChanges
) -> ir.Machines:
    """The properties whose members predicates ``read``, with what else C puts there;
    those that C sets by name with that."""

    named = changes.look_at()

    def looked_at(one: ir.Property) -> ir.Property:
        plain = {
            ir.MemberPlace(where.type.removeprefix("struct "), where.path)
            for where in one.places
        }
        if one.name in named:
            return replace(one, change=ir.MemberChange(others=True))
        if read.isdisjoint(plain):
            return one
        return replace(one, change=changes.of(one.places))

    return replace(machines, properties=tuple(map(looked_at, machines.properties)))


def _of_file(root: Path, file: str) -> tuple[tuple[str], list[Any]]:
    """:func:`_said` of a file, with its path."""
    path = root / file
    return (str(path),), _said(path.read_text(encoding="utf-8", errors="replace"))


def _said(text: str) -> list[Any]:
    """What one file says, as a JSON value of five parts: macros that are numbers; macros that
    are strings; the literals that properties are set by; the macros that they are set by;
    and what members are set to."""
    lines = f"\n{text}"
    # Letters are found many times as fast as words.
    sets = any(map(text.__contains__, _SETTERS))
    calls = _SET.findall(text) if sets else []
    set_by = [one for call in calls for one in _TEXT.findall(call)]
    return [
        _DEFINED.findall(lines),
        _TEXT_MACRO.findall(lines),
        sorted({literal for literal, _ in set_by}),
        sorted({macro for _, macro in set_by}),
        _changes(text),
    ]


def _changes(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in _matches(text):
        found.setdefault(name, []).append(value)
    return found


def _matches(text: str) -> Iterator[tuple[str, str]]:
    """Members and the values that they get; ``?`` for what is no plain assignment, and
    the bound behind ``<`` or ``>`` for one that holds the member above or below it."""
    if "xen_enabled" in text:
        text = _UNDER_XEN.sub("", text)
    clamped = [*_CLAMPED.finditer(text)]
    for match in clamped:
        yield match[2], f"{match[3]}{match[4]}"
    if clamped:
        text = _CLAMPED.sub("", text)
    for match in _ASSIGNED.finditer(text):
        name, operator, value = match.groups()
        yield name, value.strip() if operator == "=" else "?"
    for match in _ELSEWHERE.finditer(text):
        yield match[1], "?"


def _last(path: str) -> str:
    return re.sub(r"\[[^\]]*\]", "", path).replace("->", ".").rpartition(".")[2]


def _number(value: str) -> int | None:
    if value in _TRUTH:
        return _TRUTH[value]
    try:
        return int(value.rstrip("uUlL"), 0)
    except ValueError:
        return None
