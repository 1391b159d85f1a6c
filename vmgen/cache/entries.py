"""What the cache folder has: to be listed and removed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vmgen.cache.store import MANIFEST, home

KINDS = {
    "codecs": "codecs of trees",
    "taught": "codecs of trees with what a project says of them",
    "shipped": "codecs of releases",
    "embedded": "codecs of vmgen's own headers",
    "modules": "C files as they were read",
    "trees": "configured trees",
    "digests": "contents of trees",
    "output": "what was generated",
    "writers": "which release wrote a stream",
}
"""The folders of the cache, and what each keeps."""

PACKAGES_OF = ("codecs", "taught", "shipped", "embedded")
"""The kinds whose entries are packages, each with a name of its own."""


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """Something in the cache that has a name: a kind, or one package (``codecs/1f0c...``).

    ``size`` is in bytes, ``used`` the time of the last use (seconds since the epoch).
    """

    name: str
    place: Path
    files: int
    size: int
    used: float


def entries() -> Iterator[CacheEntry]:
    """What the cache keeps, by kind; nothing of a kind that keeps nothing."""
    base = home()
    for kind in KINDS if base is not None else ():
        assert base is not None
        place = base / kind
        if place.is_symlink() or not place.is_dir():
            continue
        inside = [place]
        if kind in PACKAGES_OF:
            inside = sorted(
                one for one in place.iterdir() if (one / MANIFEST).is_file()
            )
        for one in inside:
            files = [file.lstat() for file in _ours(one)]
            if files:
                name = kind if one == place else f"{kind}/{one.name}"
                used = max(file.st_mtime for file in files)
                if one != place:
                    used = one.stat().st_mtime
                size = sum(file.st_size for file in files)
                yield CacheEntry(name, one, len(files), size, used)


def remove(entry: CacheEntry) -> None:
    """Remove an entry: the files that vmgen wrote, and the folders that are empty then.

    Raises OSError where the folder does not allow it.
    """
    place = entry.place
    if (place / MANIFEST).is_file():
        # Whoever looks for it now finds it whole or not at all.
        place = place.with_name(f".{place.name}.{os.urandom(8).hex()}")
        os.rename(entry.place, place)
    for file in _ours(place):
        file.unlink(missing_ok=True)
    folders = [Path(parent) for parent, _, _ in os.walk(place, topdown=False)]
    for folder in folders:
        with suppress(OSError):  # somebody else's files are in it
            folder.rmdir()


def _ours(place: Path) -> list[Path]:
    """The files below a folder that vmgen put there, sorted: texts with their digest
    before them, folders with their manifest, clones of trees for their revisions, and
    what a killed run has left.  No link is followed."""
    found: list[Path] = []
    whole: list[str] = []
    for parent, folders, names in os.walk(place):
        here = Path(parent)
        inside = any(parent.startswith(f"{one}{os.sep}") for one in whole)
        mine = MANIFEST in names or here.name.startswith(("git-", "."))
        if inside or mine:
            whole += [] if inside else [parent]
            found += [here / name for name in names]
            found += [here / one for one in folders if (here / one).is_symlink()]
            continue
        found += [here / name for name in names if _has_digest(here / name)]
    return sorted(found)


def _has_digest(file: Path) -> bool:
    if file.is_symlink():
        return False
    with file.open("rb") as stream:
        head = stream.read(65)
    return re.fullmatch(rb"[0-9a-f]{64}\n", head) is not None
