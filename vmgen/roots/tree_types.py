"""The types of a tree's files that are looked at as text only."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vmgen.cache import Each, Remembered
from vmgen.roots.model import Registrations
from vmgen.roots.strings import Macro, Strings, header_macros, included
from vmgen.roots.text_types import FileText, look_at, registrations

_WITH_HEADERS = (
    *(
        "accel",
        "audio",
        "authz",
        "backends",
        "block",
        "chardev",
        "crypto",
        "hw",
        "include",
    ),
    *("io", "migration", "net", "replay", "softmmu", "system", "target", "ui"),
)


class TreeTypes:
    """Types as text, for the files of one tree; the files are read once for all
    targets of a run.  ``remembered`` is what was made of the headers before."""

    def __init__(self, root: Path, remembered: Remembered | None = None) -> None:
        self._root = root
        self._remembered = remembered or Remembered()
        self._macros: dict[str, list[Macro]] | None = None
        self._texts: dict[str, FileText] = {}
        self._included: dict[str, frozenset[str]] = {}

    def look_at(self, files: Iterable[str], each: Each = map) -> None:
        """Reads the texts of these files, and the tree's headers, for :meth:`of`;
        ``each`` is as for :meth:`Remembered.of`."""
        if self._macros is None:
            self._macros = header_macros(
                self._root, _WITH_HEADERS, self._remembered, each
            )
        for file in files:
            if file not in self._texts:
                self._texts[file] = self._look(file)

    def of(self, files: Iterable[str], defined: frozenset[str]) -> list[Registrations]:
        """The registrations of files that :func:`vmgen.roots.is_wanted` does not want.

        ``defined`` are the macros of the target's configuration headers.
        """
        files = [*files]
        self.look_at(files)
        assert self._macros is not None  # they were looked at
        strings = Strings(self._macros, defined, self._near)
        out: list[Registrations] = []
        for file in files:
            if self._texts[file].types:
                out.append(registrations(self._texts[file], strings))
        return out

    def _near(self, file: str) -> frozenset[str]:
        if file not in self._included:
            self._included[file] = included(self._root, file)
        return self._included[file]

    def _look(self, file: str) -> FileText:
        text = (self._root / file).read_text(encoding="utf-8", errors="replace")
        if "TypeInfo" not in text and "OBJECT_DEFINE_" not in text:
            return FileText(file, (), (), {})
        return look_at(text, file)
