"""What an archive's file has: blocks of texts, of which only what is needed is unpacked."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from vmgen.archive import form
from vmgen.archive.form import Kind


class Contents:
    """The texts of one archive's file, by kind and name; a release is its number.

    Reading it raises :class:`VmgenError` VG642 if the file is damaged.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._placed: dict[Kind, dict[str, list[tuple[int, int, form.KnownText]]]] = {}
        self._unpacked: dict[int, tuple[str, ...]] = {}
        self._parsed: dict[str, dict[str, Any]] = {}
        self._lists: dict[str, list[dict[str, Any]]] = {}

    @cached_property
    def index(self) -> form.ArchiveIndex:
        """Where everything is in the file."""
        return form.index_of(self._file)

    def places(self, kind: Kind) -> dict[str, list[tuple[int, int, form.KnownText]]]:
        """Where the texts of a kind are, by name: the block, and the place in it."""
        if kind not in self._placed:
            found = self._placed[kind] = {}
            for number, block in enumerate(self.index.blocks):
                for at, known in enumerate(block.texts if block.kind == kind else ()):
                    found.setdefault(known.name, []).append((number, at, known))
        return self._placed[kind]

    def listed(
        self,
        kind: Kind,
        release: int,
        target: str,
        names: Collection[str] | None = None,
    ) -> list[dict[str, Any]]:
        """What the entries (of these names) have that are lists."""
        found = []
        for _, text in self.texts(kind, release, target, names):
            if text not in self._lists:
                self._lists[text] = json.loads(text)
            found += self._lists[text]
        return sorted(found, key=lambda one: (one.get("type", ""), one["name"]))

    def items(
        self,
        kind: Kind,
        release: int,
        target: str,
        names: Collection[str] | None = None,
    ) -> list[dict[str, Any]]:
        """The entries that a target of a release has, in the archive's order; of these
        names alone, if they are given.  Read them, do not change them."""
        texts = self.texts(kind, release, target, names)
        return [self.value(text) for _, text in texts]

    def value(self, text: str) -> dict[str, Any]:
        """A text as JSON, read once."""
        if text not in self._parsed:
            self._parsed[text] = json.loads(text)
        return self._parsed[text]

    def every(self, kind: Kind) -> Iterator[tuple[form.KnownText, str]]:
        """The texts of all releases and targets, in the archive's order."""
        for rows in self.places(kind).values():
            for number, at, known in rows:
                yield known, self.block(number)[at]

    def texts(
        self,
        kind: Kind,
        release: int,
        target: str,
        names: Collection[str] | None,
    ) -> Iterator[tuple[str, str]]:
        """The texts of these entries, each with its name."""
        known = self.places(kind)
        for name in known if names is None else sorted(known.keys() & set(names)):
            for number, at, text in known[name]:
                if text.has(release, target):
                    yield name, self.block(number)[at]

    def block(self, number: int) -> tuple[str, ...]:
        """The texts of a block, unpacked once."""
        if number not in self._unpacked:
            block = self.index.blocks[number]
            with self._file.open("rb") as opened:
                opened.seek(self.index.start + block.start)
                data = opened.read(block.packed)
            self._unpacked[number] = form.read_block(data, block, self._file.name)
        return self._unpacked[number]
