"""Subscripts in ``post_load`` that come from the stream, and that nothing has bounded.

Whoever sends a stream chooses its values.  A ``post_load`` that indexes an array of the
object with one reads or writes outside of it, unless something before it bounds the value:
a comparison, a mask, an assignment, ``VMSTATE_VALIDATE``, or the width of the field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vmgen import ir
from vmgen.lint.linted import Linted, LintedTable
from vmgen.lint.model import LintFinding, finding
from vmgen.lint.sources import CFile, CFunction
from vmgen.lint.visible import RecordIndex

Place = tuple[str, tuple[str, ...]]
"""A struct's tag and the way to a member of it."""

_EVENT = re.compile(
    r"(?P<condition>\b(?:if|while|switch|assert|g_assert)\s*\()"
    r"|\bfor\s*\(\s*(?:[\w\s*]*?\b)?(?P<counter>\w+)\s*=(?P<start>[^;]*);(?P<until>[^;]*);"
    r"|(?<![\w.>\[])(?P<local>[A-Za-z_]\w*)\s*=(?!=)(?P<value>[^;{}]*);"
    r"|(?P<base>\b[A-Za-z_]\w*(?:\s*(?:->|\.)\s*[A-Za-z_]\w*)+)\s*"
    r"(?:(?P<set>(?:<<|>>|[-+*/%|&^])?=(?!=))|(?P<open>\[))"
    r"|(?P<call>\b[A-Za-z_]\w*)\s*\("
)
_MEMBER = re.compile(
    r"\b([A-Za-z_]\w*)\s*->\s*([A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*)(?!\s*[\w(\[]|\s*->)"
)
_NAME = re.compile(r"(?<![\w.>])[A-Za-z_]\w*(?!\s*(?:->|\(|\w))")
_POINTER = re.compile(
    r"\b(?:struct\s+)?([A-Za-z_]\w*)\s*\*+\s*(?:const\s+)?([A-Za-z_]\w*)\b"
)
_BOUNDED = re.compile(r"%|(?<!&)&(?!&)|\w\s*\(|\?|>>")
"""What bounds a value in the expression itself, or hides what becomes of it."""
_COMPARED = re.compile(r"(?<![<>-])[<>]=?(?![<>])|[!=]=\s*(?!0\b|NULL\b|-1\b|\s)")
_DEPTH = 4


def unchecked(linted: Linted) -> Iterator[LintFinding]:
    """VG817, at the first subscript of each value."""
    for name, tables in linted.by_file.items():
        file = linted.sources.file(name)
        hooks = {
            hook.symbol: table
            for table in tables
            for hook in table.description.hooks
            if hook.role == "post_load"
        }
        if file is None or not hooks.keys() & file.functions.keys():
            continue
        records = linted.sources.records(name)
        sent = _Sent.of(tables, records)
        if not sent.widths:
            continue
        validated = _validated(file, tables)
        for symbol, table in hooks.items():
            function = file.functions.get(symbol)
            if function is None:
                continue
            others = {one for one in hooks if one != symbol}
            bounded = validated | _compared_in(file, others)
            walk = _IndexWalk(file, records, sent, bounded, symbol, table)
            yield from walk.function(function, {}, 0)


@dataclass(frozen=True, slots=True)
class _Sent:
    """The integers that the tables of a file load, with their widths in bits, and the
    lengths of arrays where the tables say them."""

    widths: Mapping[Place, int]
    lengths: Mapping[Place, int]

    @classmethod
    def of(cls, tables: tuple[LintedTable, ...], records: RecordIndex) -> _Sent:
        widths: dict[Place, int] = {}
        lengths: dict[Place, int] = {}
        for table in tables:
            if not table.description.type:
                continue
            tag = records.tag(table.description.type)
            for one in table.description.fields:
                place = tag, tuple(step.name for step in one.path)
                if one.path and (dims := one.path[-1].dims) and dims[0]:
                    lengths[place] = dims[0]
                element = one.element
                if one.array or not isinstance(element, ir.IntegerElement):
                    continue
                if element.type != "bool" and not element.check:
                    widths[place] = int(element.type.lstrip("uint"))
        return cls(widths, lengths)


def _validated(file: CFile, tables: tuple[LintedTable, ...]) -> frozenset[str]:
    """The members that a test of ``VMSTATE_VALIDATE`` mentions, by their last name."""
    tests = {
        one.test
        for table in tables
        for one in table.description.fields
        if isinstance(one.element, ir.NothingElement)
    }
    return frozenset(
        path.rpartition(".")[2].strip()
        for test in tests
        if (function := file.functions.get(test)) is not None
        for _, path in _MEMBER.findall(function.body)
    )


def _compared_in(file: CFile, names: set[str]) -> frozenset[str]:
    """The members that these functions compare with something, by their last name."""
    found: set[str] = set()
    for name in names & file.functions.keys():
        body = file.functions[name].body
        for match in _EVENT.finditer(body):
            if match["condition"]:
                text = _inside(body, match.end() - 1)
                if _is_comparison(text):
                    found |= {
                        path.rpartition(".")[2].strip()
                        for _, path in _MEMBER.findall(text)
                    }
    return frozenset(found)


def _is_comparison(text: str) -> bool:
    return _COMPARED.search(text.replace("->", ".")) is not None


def _inside(text: str, opened: int) -> str:
    """What is between the bracket at ``opened`` and the one that closes it."""
    depth = 0
    pairs = {"(": 1, "[": 1, ")": -1, "]": -1}
    for at in range(opened, len(text)):
        depth += pairs.get(text[at], 0)
        if not depth:
            return text[opened + 1 : at]
    return text[opened + 1 :]


@dataclass
class _IndexWalk:
    """One hook, and what it calls in its file, in the order of the text.

    ``bounded`` are members, by their last name, that are bounded before the hook runs;
    ``checked`` are those that it has bounded so far.
    """

    file: CFile
    records: RecordIndex
    sent: _Sent
    bounded: frozenset[str]
    hook: str
    table: LintedTable
    checked: set[Place] = field(default_factory=set)
    said: set[Place] = field(default_factory=set)
    inside: set[str] = field(default_factory=set)

    def function(
        self, function: CFunction, given: Mapping[str, Place], depth: int
    ) -> Iterator[LintFinding]:
        """``given`` are the parameters that have a value of the stream."""
        if function.name in self.inside or depth > _DEPTH:
            return
        self.inside.add(function.name)
        types = self._pointers(function)
        locals_: dict[str, Place] = dict(given)
        body = function.body
        for match in _EVENT.finditer(body):
            if match["condition"]:
                self._check(_inside(body, match.end() - 1), types, locals_)
            elif counter := match["counter"]:
                limit = self._value(
                    match["until"].replace(counter, " ", 1), types, locals_
                )
                place = limit or self._value(match["start"], types, locals_)
                _put(locals_, counter, place)
            elif local := match["local"]:
                _put(locals_, local, self._value(match["value"], types, locals_))
            elif match["set"]:
                if (place := self._place(match["base"], types)) is not None:
                    self.checked.add(place)
            elif match["open"]:
                yield from self._subscript(function, match, types, locals_)
            elif (called := self.file.functions.get(match["call"])) is not None:
                arguments = _split(_inside(body, match.end() - 1))
                passed = {
                    name: place
                    for name, argument in zip(
                        _parameters(called), arguments, strict=False
                    )
                    if (place := self._value(argument, types, locals_)) is not None
                }
                yield from self.function(called, passed, depth + 1)

    def _subscript(
        self,
        function: CFunction,
        match: re.Match[str],
        types: Mapping[str, str],
        locals_: Mapping[str, Place],
    ) -> Iterator[LintFinding]:
        array = self._place(match["base"], types)
        if array is None:
            return
        member = self.records.member(*array)
        if member is None or not member.lengths or member.is_pointer:
            return
        text = _inside(function.body, match.end() - 1)
        place = self._value(text, types, locals_)
        if place is None or place in self.said:
            return
        width, length = self.sent.widths[place], self.sent.lengths.get(array)
        if width <= 8 and (length is None or length >= 1 << width):
            return
        self.said.add(place)
        yield finding(
            "VG817",
            self.file.position(function.start + match.start("base")),
            (self.table.symbol, ".".join(place[1])),
            member=".".join(place[1]),
            array=".".join(array[1]),
            hook=self.hook,
            function=function.name,
        )

    def _check(
        self, text: str, types: Mapping[str, str], locals_: dict[str, Place]
    ) -> None:
        """A condition bounds what it compares, and what it hands to another function."""
        if not _is_comparison(text) and "(" not in text:
            return
        for name, path in _MEMBER.findall(text):
            if (place := self._place(f"{name}->{path}", types)) is not None:
                self.checked.add(place)
        for name in _NAME.findall(text):
            if (place := locals_.pop(name, None)) is not None:
                self.checked.add(place)

    def _value(
        self, text: str, types: Mapping[str, str], locals_: Mapping[str, Place]
    ) -> Place | None:
        """The unbounded value of the stream that an expression is made of; None if there
        is none in it."""
        if _BOUNDED.search(text):
            return None
        for name, path in _MEMBER.findall(text):
            place = self._place(f"{name}->{path}", types)
            if place is not None and self._is_open(place):
                return place
        for name in _NAME.findall(text):
            if name in locals_ and self._is_open(locals_[name]):
                return locals_[name]
        return None

    def _is_open(self, place: Place) -> bool:
        return (
            place in self.sent.widths
            and place not in self.checked
            and place[1][-1] not in self.bounded
        )

    def _place(self, text: str, types: Mapping[str, str]) -> Place | None:
        """The member that ``s->a.b`` means."""
        name, arrow, path = text.partition("->")
        type_ = types.get(name.strip())
        if not arrow or type_ is None or "->" in path:
            return None
        return type_, tuple(step.strip() for step in path.split("."))

    def _pointers(self, function: CFunction) -> dict[str, str]:
        """The pointers to records, parameters and locals, with the record's tag."""
        return {
            name: self.records.tag(type_)
            for text in (function.head, function.body)
            for type_, name in _POINTER.findall(text)
            if self.records.members(type_) is not None
        }


def _put(locals_: dict[str, Place], name: str, place: Place | None) -> None:
    if place is None:
        locals_.pop(name, None)
    else:
        locals_[name] = place


def _parameters(function: CFunction) -> list[str]:
    head = function.head.rpartition(")")[0].partition("(")[2]
    return [
        re.sub(r"\W+$", "", one).rpartition(" ")[2].lstrip("*")
        for one in head.split(",")
    ]


def _split(text: str) -> list[str]:
    """The arguments of a call."""
    parts, depth, last = [], 0, 0
    for at, character in enumerate(text):
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "," and not depth:
            parts.append(text[last:at])
            last = at + 1
    return [*parts, text[last:]]
