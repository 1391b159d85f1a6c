"""The C files of a run as text: lines, functions, and what is switched off in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vmgen.c_text import CText
from vmgen.lint.records import records_of
from vmgen.lint.visible import HeaderRecords, RecordIndex
from vmgen.source import Diagnostic, Position
from vmgen.tree import files

_NOQA = re.compile(r"\bvmgen:\s*noqa\b(?::\s*(VG\d+(?:\s*,\s*VG\d+)*))?")

_TYPE_NAME = re.compile(
    r'^[ \t]*#[ \t]*define[ \t]+(TYPE_\w+)[ \t]+((?:(?:TYPE_\w+|"[^"]*")[ \t]*)+)$',
    re.MULTILINE,
)
_PIECE = re.compile(r'(TYPE_\w+)|"([^"]*)"')
_LONGEST_CHAIN = 8
"""Of macros that are made of macros."""

_FIELD = re.compile(r"\bVMSTATE_\w+\s*\(([^;{}]*?)\)\s*,", re.DOTALL)
_EXTERN = re.compile(r"\bextern\b[^;{]*;")
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class CFunction:
    """A function definition as written: ``start`` is the offset of its body."""

    name: str
    head: str
    body: str
    start: int


class CFile:
    """One C file as text."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.lines = text.splitlines()
        self.text = CText(text)

    @cached_property
    def functions(self) -> dict[str, CFunction]:
        """The functions by name; of several of one name, under an ``#if``, the first."""
        found: dict[str, CFunction] = {}
        at = 0
        for one in self.text.functions():
            at = self.text.plain.index(one.body, at)
            found.setdefault(one.name, CFunction(one.name, one.head, one.body, at))
            at += len(one.body)
        return found

    def position(self, offset: int) -> Position:
        """The place of an offset."""
        before = self.text.plain.rfind("\n", 0, offset)
        return Position(self.name, self.text.line(offset), offset - before)


class CSources:
    """The files of a run by the names that positions have.

    ``root`` is the folder that the names start at, a QEMU tree or the working folder;
    ``outside`` is where a file is that the root does not have.
    """

    def __init__(self, root: Path, outside: Path, *, is_tree: bool) -> None:
        self._root = root
        self._outside = outside
        self.is_tree = is_tree
        self._files: dict[str, CFile | None] = {}
        self._records: dict[str, RecordIndex] = {}
        self._shared: dict[str, HeaderRecords] = {}

    def file(self, name: str) -> CFile | None:
        """The file of this name; None if there is none that can be read."""
        if name not in self._files:
            self._files[name] = self._read(name)
        return self._files[name]

    def _read(self, name: str) -> CFile | None:
        for folder in (self._root, self._outside):
            try:
                data = (folder / name).read_bytes()
            except (OSError, ValueError):
                continue
            return CFile(name, data.decode("utf-8", "replace"))
        return None

    def with_excerpt(self, found: Diagnostic) -> Diagnostic:
        """The diagnostic with the line that it is about, and a column."""
        file = self.file(found.position.file)
        line = found.position.line
        if file is None or not 0 < line <= len(file.lines):
            return found
        return found.with_line(file.lines[line - 1])

    def is_switched_off(self, place: Position, code: str) -> bool:
        """Whether the line has ``vmgen: noqa``, for all codes or for this one."""
        file = self.file(place.file)
        if file is None or not 0 < place.line <= len(file.lines):
            return False
        found = _NOQA.search(file.lines[place.line - 1])
        return found is not None and (
            found[1] is None or code in re.split(r"\s*,\s*", found[1])
        )

    def records(self, name: str) -> RecordIndex:
        """The records that a file can name: its own, and those of the headers: of a tree
        all, else those beside the file."""
        if name not in self._records:
            own = self._text(name)
            found = records_of("" if own is None else own.plain)
            folder = "" if self.is_tree else str(Path(name).parent)
            if folder not in self._shared:
                headers = HeaderRecords(self._headers(folder), self._text)
                self._shared[folder] = headers
            self._records[name] = RecordIndex(name, found, self._shared[folder])
        return self._records[name]

    def _text(self, name: str) -> CText | None:
        """A file's text; that of a header, of which there are many, is not kept."""
        file = self._read(name) if name.endswith(".h") else self.file(name)
        return None if file is None else file.text

    def _headers(self, folder: str) -> Iterator[str]:
        if self.is_tree:
            yield from (
                name for name in files.included(self._root) if name.endswith(".h")
            )
            return
        for path in sorted((self._outside / folder).glob("*.h")):
            yield str(Path(folder) / path.name)

    def type_name(self, file: CFile, written: str) -> str | None:
        """The name of a QOM type as C writes it: a text, or a macro that is made of texts
        and such macros; None where one is not known."""
        own = dict(_TYPE_NAME.findall(file.text.plain))

        def text(written: str, left: int) -> str | None:
            made = ""
            for macro, piece in _PIECE.findall(written):
                if macro:
                    known = own.get(macro) or self._type_names.get(macro)
                    piece = text(known, left - 1) if known and left else None
                if piece is None:
                    return None
                made += piece
            return made or None

        return text(written, _LONGEST_CHAIN)

    @cached_property
    def _type_names(self) -> dict[str, str]:
        """The macros of the tree's headers that name types."""
        found: dict[str, str] = {}
        for header in self._headers("") if self.is_tree else ():
            if (file := self._read(header)) is not None:
                found.update(_TYPE_NAME.findall(file.text.plain))
        return found

    def in_tables(self) -> frozenset[str]:
        """Every word in a field of a table, of all C of the tree: structs that a table is
        of, be it in a file that the run does not read."""
        found: set[str] = set()
        for name in files.emulator_sources(self._root) if self.is_tree else ():
            file = self._files.get(name) or self._read(name)
            if file is not None and "VMSTATE_" in file.text.plain:
                for arguments in _FIELD.findall(file.text.plain):
                    found.update(_WORD.findall(arguments))
        return frozenset(found)

    def sources(self) -> tuple[str, ...]:
        """The C files of the tree's devices."""
        if not self.is_tree:
            return ()
        return tuple(
            name
            for name in files.emulator_sources(self._root)
            if name.startswith("hw/")
        )

    def mentions(self, symbols: frozenset[str]) -> dict[str, int]:
        """How often each of these names occurs in the C of the tree, declarations of what
        another file defines aside."""
        found = dict.fromkeys(symbols, 0)
        if not symbols or not self.is_tree:
            return found
        headers = (one for one in files.included(self._root) if one.endswith(".h"))
        for name in (*files.emulator_sources(self._root), *headers):
            file = self._files.get(name) or self._read(name)
            if file is not None:
                for one in _WORD.findall(_EXTERN.sub("", file.text.plain)):
                    if one in found:
                        found[one] += 1
        return found
