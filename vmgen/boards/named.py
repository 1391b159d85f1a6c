"""What the C files of a tree name, by its macros and inline functions too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from vmgen.boards import json
from vmgen.boards.pattern import NamePattern, completed, within
from vmgen.boards.text import BoardText, Mentions, header_parts, look_at, without
from vmgen.c_text import CText, TextPart
from vmgen.cache import Each, Remembered
from vmgen.tree import files

CODE = ("hw/", "target/", "accel/")
"""Where the code of boards and devices is.  Code elsewhere makes no device but by a name
that a user gives, or of a type that users can create."""
_INCLUDED = re.compile(
    r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+\.(?:c|inc))"', re.MULTILINE
)
_DEEPEST = 8
"""How many macros may stand for one another."""
_MOST = 64
"""How many strings a macro may stand for."""


@dataclass(frozen=True, slots=True)
class Meant:
    """The identifiers of a file, its literals, and patterns of those that are, or may be,
    a part of a type's name."""

    words: frozenset[str]
    strings: frozenset[str]
    patterns: frozenset[NamePattern]


@dataclass
class BoardTexts:
    """The texts of one tree, each read once for all targets."""

    root: Path
    remembered: Remembered = field(default_factory=Remembered)
    """What was made of the texts before."""
    _files: dict[tuple[str, tuple[TextPart, ...]], BoardText] = field(
        init=False, default_factory=dict
    )
    _named: dict[str, Any] = field(init=False, default_factory=dict)
    """What C files name, as JSON values."""
    _of_headers: dict[str, list[Any]] | None = field(init=False, default=None)
    """The inline functions and macros of the tree's headers by name, as JSON values: most
    are never asked for."""
    _macros: dict[str, Sequence[Mentions]] = field(init=False, default_factory=dict)
    _meant: dict[tuple[str, bool], Meant] = field(init=False, default_factory=dict)
    _fitting: dict[NamePattern, tuple[set[str], set[str]]] = field(
        init=False, default_factory=dict
    )
    """By pattern the names that were looked at, and those of them that fit."""

    def look_at(self, names: Iterable[str], each: Each = map) -> None:
        """Reads these C files, and the tree's headers; ``each`` is as for
        :meth:`Remembered.of`."""
        self._named.update(
            self.remembered.of(names, partial(_of_file, self.root), each)
        )
        self._headers(each)

    def file(self, name: str, left_out: tuple[TextPart, ...] = ()) -> BoardText:
        """What a C file of the tree names, with the C that it includes, outside of these
        parts of it."""
        key = name, left_out
        if key not in self._files:
            if name not in self._named:
                self.look_at((name,))
            self._files[key] = (
                without(_text(self.root, name)[0], self.file(name), left_out)
                if left_out
                else json.to_text(self._named[name])
            )
        return self._files[key]

    def fitting(self, pattern: NamePattern, names: frozenset[str]) -> frozenset[str]:
        """Those of the names that fit a pattern; each name is looked at once."""
        seen, fit = self._fitting.setdefault(pattern, (set(), set()))
        fresh = names - seen
        seen |= fresh
        fit.update(filter(pattern.fits, fresh))
        return names & fit

    def meant(self, name: str, started: bool = False) -> Meant:
        """What a C file of the tree names, by the macros and inline functions that it
        uses too; ``started``: without what is only for a display that a user asks for.
        """
        if (name, started) not in self._meant:
            file = self.file(name)
            if started and file.started is file.names:
                return self.meant(name)
            names = file.started if started else file.names
            self._meant[name, started] = self.followed(file, names)
        return self._meant[name, started]

    def followed(self, file: BoardText, names: Mentions) -> Meant:
        """What names of a file stand for, by macros and inline functions too."""
        words: set[str] = set()
        strings: set[str] = set()
        pieces: set[str] = set()
        known: dict[str, frozenset[str] | None] = {}
        of_headers = self._headers().keys()
        pending = [names]
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
            for word in fresh & of_headers:
                pending += self._of_header(word)
            for word in fresh & file.macros.keys():
                pending += file.macros[word]
            words |= fresh
        named = {one for one in strings if " " not in one}
        return Meant(
            frozenset(words),
            frozenset(named),
            frozenset(
                one
                for one in (*map(within, pieces), *map(completed, named))
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
        for names in own.get(word) or self._of_header(word):
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

    def _of_header(self, word: str) -> Sequence[Mentions]:
        """The inline functions and macros of this name of the tree's headers."""
        if word not in self._macros:
            found = self._headers().get(word, ())
            self._macros[word] = [*map(json.to_mentions, found)]
        return self._macros[word]

    def _headers(self, each: Each = map) -> Mapping[str, Sequence[Any]]:
        if self._of_headers is None:
            by_name: dict[str, list[Any]] = {}
            names = files.named(self.root, ("include", *_folders()), (".h",))
            make = partial(_of_header, self.root)
            for _, found in self.remembered.of(names, make, each):
                for name, value in found:
                    by_name.setdefault(name, []).append(value)
            self._of_headers = by_name
        return self._of_headers


def _of_file(root: Path, name: str) -> tuple[list[str], list[Any]]:
    """What a C file names as a JSON value, with the paths of what it is made of."""
    text, inputs = _text(root, name)
    return inputs, json.of_text(look_at(text))


def _text(root: Path, name: str) -> tuple[CText, list[str]]:
    """The text of a C file and of the C that it includes, headers apart; with the paths of
    all of them, and of those that are missing."""
    pending, seen = [root / name], list[Path]()
    texts: list[str] = []
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.append(path)
        if not path.is_file():
            continue
        texts.append(path.read_text("utf-8", errors="replace"))
        for part in _INCLUDED.findall(texts[-1]):
            pending += (path.parent / part, root / part)
    return CText("\n".join(texts)), [*map(str, seen)]


def _of_header(root: Path, name: str) -> tuple[tuple[str], list[Any]]:
    """The inline functions and macros of a header as JSON values, with its path."""
    path = root / name
    text = CText(path.read_text("utf-8", errors="replace"))
    found = [(one, json.of_mentions(names)) for one, names in header_parts(text)]
    return (str(path),), found


def _folders() -> Iterator[str]:
    return (one.removesuffix("/") for one in CODE)
