"""A folder for generated headers: found again while nothing they come from has changed.

An entry is a folder with a name made from everything that went in.  It is filled under
a temporary name and renamed, so that it is either complete or not there, whoever else
is at work.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

_DAY = 24 * 60 * 60.0


def folder(chosen: Path | None) -> Path:
    """``chosen``, or the user's cache folder.

    That is ``VMGEN_CACHE_DIR``, or ``vmgen`` below ``XDG_CACHE_HOME``, ``LOCALAPPDATA``
    or ``~/.cache``.
    """
    if chosen is not None:
        return chosen
    if named := os.environ.get("VMGEN_CACHE_DIR"):
        return Path(named, "trees")
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        if base := os.environ.get(variable):
            return Path(base, "vmgen", "trees")
    return Path(os.path.expanduser("~"), ".cache", "vmgen", "trees")


def signature(words: Iterable[str], files: Iterable[str | Path]) -> str:
    """A short name for these words and the names, sizes and times of these files."""
    digest = hashlib.sha256()
    for word in words:
        digest.update(word.encode("utf-8", "surrogateescape") + b"\0")
    for path in files:
        try:
            status = os.stat(path)
        except OSError:
            stamp = "absent"
        else:
            stamp = f"{status.st_size} {status.st_mtime_ns}"
        digest.update(f"{path}\0{stamp}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:24]


def entry(base: Path, name: str, make: Callable[[], Mapping[str, str]]) -> Path:
    """The folder ``name`` below ``base``, made if need be.

    ``make`` gives path -> text of its files.  Where ``base`` cannot be written the
    folder is a temporary one, removed when the process ends.
    """
    final = base / name
    if is_there(final):
        return final
    files = make()
    try:
        base.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=base))
    except OSError:
        temporary = Path(tempfile.mkdtemp(prefix="vmgen-"))
        atexit.register(shutil.rmtree, temporary, ignore_errors=True)
        _fill(temporary, files)
        return temporary
    try:
        _fill(new, files)
        os.chmod(new, 0o755)
        try:
            os.rename(new, final)
        except OSError:
            # Someone else finished the same entry first; theirs is as good as ours.
            if not final.is_dir():
                raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _forget_old(base)
    return final


def is_there(folder: Path) -> bool:
    """Whether an entry exists; one that does is marked as used."""
    try:
        status = os.stat(folder)
        if time.time() - status.st_mtime > _DAY:
            os.utime(folder)
    except FileNotFoundError:
        return False
    except OSError:
        return folder.is_dir()  # someone else's, or read-only: good to use
    return True


def _forget_old(base: Path) -> None:
    """Removes what nobody has used for a month."""
    oldest = time.time() - 30 * _DAY
    with os.scandir(base) as entries:
        for item in entries:
            with contextlib.suppress(OSError):
                if item.stat().st_mtime < oldest:
                    shutil.rmtree(item.path)


def _fill(folder: Path, files: Mapping[str, str]) -> None:
    made = set()
    for name, text in files.items():
        path = folder / name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        path.write_text(text, encoding="utf-8", newline="\n")
