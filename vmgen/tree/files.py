"""The files of a tree: one walk, and the subsets of it that have a meaning.

Names are relative to the root, with ``/``.  Links to folders are not followed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

_HEADERS = (".h", ".inc")
_NOT_COMPILED = ("tests/", "roms/", "docs/", "subprojects/", "contrib/", "rust/")
_NOT_INCLUDED = {"tests", "roms", "docs", "pc-bios", "python", "po", "gdb-xml", ".git"}
_ASIDE = {"tests", "docs", "pc-bios", "roms", "po", "python", "gdb-xml"}


def _everything(_folder: str) -> bool:
    return True


def walk(
    root: Path, below: str = "", enter: Callable[[str], bool] = _everything
) -> Iterator[str]:
    """The files below a folder of the tree, sorted within each folder; none where there
    is no such folder.  ``enter`` says of a folder's name whether it is looked into."""
    pending = [below]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(root / folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except FileNotFoundError:
            continue
        start = f"{folder}/" if folder else ""
        folders = []
        for entry in found:
            name = f"{start}{entry.name}"
            if not entry.is_dir():
                yield name
            elif not entry.is_symlink() and enter(name):
                folders.append(name)
        pending += reversed(folders)


def sources(root: Path, below: str = "") -> Iterator[str]:
    """C files.  Hidden names are not the tree's: what a patch tool keeps, a cache being
    filled."""
    for name in walk(root, below, lambda folder: not _is_hidden(folder)):
        if name.endswith(".c") and not _is_hidden(name):
            yield name


def named(
    root: Path, folders: Iterable[str], suffixes: tuple[str, ...]
) -> Iterator[str]:
    """The files of these suffixes below these folders.  A link to nothing is no file."""
    for folder in folders:
        for name in walk(root, folder):
            if name.endswith(suffixes) and (root / name).is_file():
                yield name


def texts(
    root: Path, folders: Iterable[str], suffixes: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """The files of these suffixes below these folders, with their text.

    Bytes that are no UTF-8 are replaced: who looks for names does not need them.  Raises
    OSError for a file that cannot be read.
    """
    for name in named(root, folders, suffixes):
        yield name, (root / name).read_text("utf-8", errors="replace")


def emulator_sources(root: Path) -> Iterator[str]:
    """C files that could be part of an emulator: not of tests, firmware and tools."""
    for name in walk(
        root,
        enter=lambda folder: (
            not _is_hidden(folder) and not f"{folder}/".startswith(_NOT_COMPILED)
        ),
    ):
        if name.endswith(".c"):
            yield name


def headers(root: Path, below: str = "") -> Iterator[str]:
    """What C files include by name."""
    for name in walk(root, below):
        if name.endswith(_HEADERS):
            yield name


def included(root: Path) -> Iterator[str]:
    """What C or Kconfig might include, outside of the folders that no emulator is made
    of."""
    for name in walk(root, enter=lambda folder: _base(folder) not in _NOT_INCLUDED):
        if name.endswith(_HEADERS) or _base(name).startswith("Kconfig"):
            yield name


def built_from(root: Path) -> Iterator[str]:
    """What a build of the tree reads: of folders that no emulator is compiled from, their
    build files alone; nothing of a build folder inside of the tree."""

    def enter(folder: str) -> bool:
        if folder in (".git", "roms"):
            return False
        path = root / folder
        made = (path / "build.ninja").exists() or (path / "meson-private").is_dir()
        return not made

    for name in walk(root, enter=enter):
        if name.partition("/")[0] not in _ASIDE or _base(name) == "meson.build":
            yield name


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _is_hidden(name: str) -> bool:
    return _base(name).startswith(".")
