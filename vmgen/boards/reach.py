"""From a board's file to the types whose objects it may make.

A board's code is its own file, the files that define the functions which it calls, and
the files of the types that it makes, and so on; the code of CPUs, of accelerators and of
the devices that users create is part of every machine.  What a file names counts as
called and made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vmgen import ir
from vmgen.boards.pattern import NamePattern
from vmgen.boards.text import BoardText, ClassText, Mentions, header_parts, look_at
from vmgen.c_text import CText
from vmgen.roots.model import Registrations, TypeDecl
from vmgen.tree import files

_CODE = ("hw/", "target/", "accel/")
"""Where the code of boards and devices is.  Code elsewhere makes no device but by a name
that a user gives, or of a type that users can create."""
_EVERYWHERE = ("target/", "accel/")
_CONVERSION = re.compile(
    r"%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z|j)?[a-z]"
)
_INCLUDED = re.compile(
    r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+\.(?:c|inc))"', re.MULTILINE
)
_LEAST = 3
"""How many characters of a name must be known for it to stand for types by a pattern."""
_DEEPEST = 8
"""How many macros may stand for one another."""
_MOST = 64
"""How many strings a macro may stand for."""
_DEVICE = "device"
_CPU = "cpu"


@dataclass(frozen=True, slots=True)
class _Meant:
    """The identifiers of a file, its literals, and patterns of those that are, or may be,
    a part of a type's name."""

    words: frozenset[str]
    strings: frozenset[str]
    patterns: frozenset[NamePattern]


def _within(piece: str) -> NamePattern | None:
    """The names that a piece is a part of; None for one that says too little, or that is
    of no name."""
    parts = tuple(_CONVERSION.split(piece))
    if " " in piece or sum(map(len, parts)) < _LEAST:
        return None
    return NamePattern(parts, True, True)


def _completed(literal: str) -> NamePattern | None:
    """The names that a literal stands for if it is one for ``snprintf`` to complete, or
    the start or the end of one: ``aspeed.i2c-%s``, ``-powernv-cpu-core``; None for
    others."""
    within = _within(literal)
    starts, ends = literal[:1] in ("-", "."), literal[-1:] in ("-", ".")
    if within is None or not (starts or ends or "%" in literal):
        return None
    return NamePattern(within.parts, starts, ends)


@dataclass
class Boards:
    """The boards of one tree.  Its texts are read once for all targets."""

    root: Path
    _files: dict[str, BoardText] = field(init=False, default_factory=dict)
    _parts: dict[str, list[Mentions]] | None = field(init=False, default=None)
    _meant: dict[str, _Meant] = field(init=False, default_factory=dict)

    def of(
        self,
        machines: ir.Machines,
        roots: Sequence[ir.Root],
        registrations: Iterable[Registrations],
        sources: Iterable[str],
    ) -> ir.Machines:
        """The machine types of one binary with what their boards make, and with which
        types of devices users cannot create.

        ``registrations`` are those of all its files, ``sources`` the C files that it is
        made from.  Raises OSError for a file that cannot be read.
        """
        binary = _BoardsOfBinary(self, registrations, sources)
        types = tuple(
            replace(one, creatable=binary.is_creatable(one.name))
            for one in machines.types
        )
        made = {one.name for one in types if not one.creatable}
        made &= {type_ for root in roots for type_ in root.device_types}
        registering = {one.file for one in roots if not one.device_types}
        boards = []
        for file in sorted({one.board for one in machines.machines} - {""}):
            makes, calls = binary.reached(file)
            calls = frozenset(
                one for one in calls & registering if one.startswith(ir.OF_BOARDS)
            )
            boards.append(ir.Board(file, _sorted(made & makes), _sorted(calls)))
        return replace(machines, types=types, boards=tuple(boards))

    def file(self, name: str) -> BoardText:
        """What a C file of the tree names, with the C that it includes."""
        if name not in self._files:
            self._files[name] = look_at(CText("\n".join(self._texts(name))))
        return self._files[name]

    def _texts(self, name: str) -> Iterator[str]:
        """The text of a C file, and of those that it includes and that are no headers."""
        pending, seen = [self.root / name], set[Path]()
        while pending:
            path = pending.pop()
            if path in seen or not path.is_file():
                continue
            seen.add(path)
            text = path.read_text("utf-8", errors="replace")
            yield text
            for part in _INCLUDED.findall(text):
                pending += (path.parent / part, self.root / part)

    def meant(self, name: str) -> _Meant:
        """What a C file of the tree names, by the macros and inline functions that it
        uses too."""
        if name not in self._meant:
            self._meant[name] = self._followed(self.file(name))
        return self._meant[name]

    def _followed(self, file: BoardText) -> _Meant:
        words: set[str] = set()
        strings: set[str] = set()
        pieces: set[str] = set()
        known: dict[str, frozenset[str] | None] = {}
        parts = self.parts()
        pending = [file.names]
        while pending:
            names = pending.pop()
            strings |= names.literals
            pieces |= names.pieces
            for word, literal in names.joined:
                before = self._values(word, file.macros, known)
                if before is None:
                    pieces.add(literal)
                else:
                    strings.update(value + literal for value in before)
            fresh = names.words - words
            for word in fresh & parts.keys():
                pending += parts[word]
            for word in fresh & file.macros.keys():
                pending += file.macros[word]
            words |= fresh
        named = {one for one in strings if " " not in one}
        return _Meant(
            frozenset(words),
            frozenset(named),
            frozenset(
                one
                for one in (*map(_within, pieces), *map(_completed, named))
                if one is not None
            ),
        )

    def _values(
        self,
        word: str,
        own: Mapping[str, Sequence[Mentions]],
        known: dict[str, frozenset[str] | None],
        depth: int = 0,
    ) -> frozenset[str] | None:
        """The strings that a macro may stand for; None where that is not known.
        ``known`` has those that this looked up before."""
        if word in known:
            return known[word]
        known[word] = None  # a macro whose body has its own name
        values: set[str] = set()
        for names in own.get(word) or self.parts().get(word, ()):
            found = names.string
            if found is None or depth > _DEEPEST or len(values) > _MOST:
                return None
            macro, literal = found
            before = self._values(macro, own, known, depth + 1) if macro else {""}
            if before is None:
                return None
            values |= {one + literal for one in before}
        known[word] = frozenset(values) or None
        return known[word]

    def parts(self) -> Mapping[str, Sequence[Mentions]]:
        """The inline functions and macros of the tree's headers."""
        if self._parts is None:
            self._parts = {}
            for _, text in files.texts(self.root, ("include", *_folders()), (".h",)):
                for name, one in header_parts(CText(text)):
                    self._parts.setdefault(name, []).append(one)
        return self._parts


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _folders() -> Iterator[str]:
    return (one.removesuffix("/") for one in _CODE)


class _BoardsOfBinary:
    """The types, functions and files of one binary."""

    def __init__(
        self,
        boards: Boards,
        registrations: Iterable[Registrations],
        sources: Iterable[str],
    ) -> None:
        self._boards = boards
        self._types: dict[str, TypeDecl] = {}
        for one in registrations:
            for type_ in one.types:
                self._types.setdefault(type_.name, type_)
        self._sources = dict.fromkeys(
            one
            for one in sorted(sources)
            if one.startswith(_CODE) and (boards.root / one).is_file()
        )
        self._defined: dict[str, list[str]] = {}
        self._classes: dict[str, tuple[str, ClassText]] = {}
        for file in self._sources:
            text = boards.file(file)
            for name in text.functions:
                self._defined.setdefault(name, []).append(file)
                if name in text.classes:
                    self._classes.setdefault(name, (file, text.classes[name]))
        self._creatable: dict[str, bool] = {}
        self._named: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        self._patterns: dict[NamePattern, frozenset[str]] = {}
        self._devices = frozenset(
            one for one in self._types if _DEVICE in self._chain(one)
        )
        self._common = self._closed(
            one.file
            for name, one in self._types.items()
            if name in self._devices and not one.abstract and self.is_creatable(name)
        )

    def is_creatable(self, type_: str) -> bool:
        """Whether users may create objects of a type (``device_class_init``,
        ``hw/core/qdev.c``, and what the classes below it assign).  CPUs are made by names
        that users give; of what is no device nothing is said."""
        if type_ not in self._creatable:
            self._creatable[type_] = (
                type_ not in self._devices
                or "*" in type_
                or _CPU in self._chain(type_)
                or self._decided(type_)
            )
        return self._creatable[type_]

    def _decided(self, type_: str) -> bool:
        for name in self._chain(type_):
            known = self._types.get(name)
            if known is None or not known.class_init:
                continue
            said = self._said(known.file, known.class_init)
            if said:
                return said != {False}
        return True

    def _said(self, file: str, function: str) -> set[bool | None]:
        """What a function, and those that it calls with the class, assign."""
        found: set[bool | None] = set()
        seen: set[tuple[str, str]] = set()
        pending = [(file, function)]
        while pending:
            file, function = pending.pop()
            own = None
            if file in self._sources:
                own = self._boards.file(file).classes.get(function)
            if own is None:
                file, own = self._classes.get(function, (file, None))
            if own is None or (file, function) in seen:
                continue
            seen.add((file, function))
            found.update(own.assigned)
            pending += ((file, name) for name in own.calls)
        return found

    def _chain(self, type_: str) -> tuple[str, ...]:
        """The type and its ancestors."""
        chain: list[str] = []
        while type_ not in chain:
            chain.append(type_)
            known = self._types.get(type_)
            if known is None:
                break
            type_ = known.parent
        return tuple(chain)

    def reached(self, file: str) -> tuple[frozenset[str], frozenset[str]]:
        """The types whose objects a board's code may make, and the files of it."""
        types, code = self._common
        more, own = self._closed((file,), code)
        return types | more, code | own

    def _closed(
        self, start: Iterable[str], known: frozenset[str] = frozenset()
    ) -> tuple[frozenset[str], frozenset[str]]:
        """The types and files that are reached from these files and were not before."""
        pending = [*start]
        if not known:
            pending += (one for one in self._sources if one.startswith(_EVERYWHERE))
        types: set[str] = set()
        seen: set[str] = set()
        while pending:
            file = pending.pop()
            if file in seen or file in known or file not in self._sources:
                continue
            seen.add(file)
            made, called = self._of_file(file)
            types |= made
            pending += called
            for type_ in made:
                pending += (
                    self._types[one].file
                    for one in self._chain(type_)
                    if one in self._types
                )
        return frozenset(types), frozenset(seen)

    def _of_file(self, file: str) -> tuple[frozenset[str], frozenset[str]]:
        """The device types that a file names, and the files of the functions."""
        if file not in self._named:
            meant = self._boards.meant(file)
            called = {
                one
                for word in meant.words & self._defined.keys()
                for one in self._defined[word]
            }
            types = meant.strings & self._devices
            self._named[file] = (
                types.union(*map(self._like, meant.patterns)),
                frozenset(called),
            )
        return self._named[file]

    def _like(self, pattern: NamePattern) -> frozenset[str]:
        """The device types whose names fit."""
        if pattern not in self._patterns:
            self._patterns[pattern] = frozenset(filter(pattern.fits, self._devices))
        return self._patterns[pattern]
