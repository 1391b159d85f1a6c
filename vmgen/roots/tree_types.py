"""The types of a tree's files that are looked at as text only."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, partial
from pathlib import Path

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
    targets of a run."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def of(self, files: Iterable[str], defined: frozenset[str]) -> list[Registrations]:
        """The registrations of files that :func:`vmgen.roots.is_wanted` does not want.

        ``defined`` are the macros of the target's configuration headers.
        """
        root = str(self._root)
        strings = Strings(_macros(root), defined, partial(included, root))
        out: list[Registrations] = []
        for file in files:
            found = _file(root, file)
            if found.types:
                out.append(registrations(found, strings))
        return out


@lru_cache(maxsize=4)
def _macros(root: str) -> dict[str, list[Macro]]:
    return header_macros(Path(root), _WITH_HEADERS)


@lru_cache(maxsize=4096)
def _file(root: str, file: str) -> FileText:
    text = Path(root, file).read_text(encoding="utf-8", errors="replace")
    if "TypeInfo" not in text and "OBJECT_DEFINE_" not in text:
        return FileText(file, (), (), {})
    return look_at(text, file)
