"""The hash over all that decides generated text."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterable, Sequence
from importlib.machinery import PathFinder
from pathlib import Path

from vmgen.cache.digests import SETTLED, stamp
from vmgen.cache.hashes import hashed, text_digest
from vmgen.cache.store import Cache

PACKAGES = ("black", "jinja2", "markupsafe", "pycparser", "pcpp", "click", "pathspec")
"""Packages whose version may change the text."""

_COMPILERS = ("cc", "gcc", "clang")
_VARIABLES = (
    "CC", "PATH", "CPATH", "C_INCLUDE_PATH", "GCC_EXEC_PREFIX", "COMPILER_PATH",
    "SOURCE_DATE_EPOCH",
)  # fmt: skip


def key(request: str, folders: Sequence[Path]) -> str:
    """The sha256 (hexadecimal) of everything that decides generated text.

    ``request`` is the text of what is requested, ``folders`` are read completely
    (``__pycache__`` and hidden files excepted).  The versions of Python and of the
    packages that shape the text, and the compiler, are added to them.
    """
    words = [text_digest(request), sys.version, _machine(), sys.platform]
    words += [os.environ.get(variable, "") for variable in _VARIABLES]
    for compiler in dict.fromkeys((*os.environ.get("CC", "").split(), *_COMPILERS)):
        words += [compiler, _identity(compiler)]
    return hashed((*words, _installed(folders)))


def _installed(folders: Sequence[Path]) -> str:
    """The hash over what is in these folders and the versions of the packages.

    It is remembered for as long as no file has changed, as :class:`Digests` does.
    """
    files = [(folder, _files(folder)) for folder in folders]
    stamps = []
    newest = 0.0
    places = [path for _, inside in files for path in inside]
    for package in PACKAGES:
        spec = PathFinder.find_spec(package)
        if spec is None or spec.origin is None:  # none, or one that another finder has
            return _read(files)
        places.append(spec.origin)
    for path in places:
        try:
            status = os.stat(path)
        except OSError:
            return _read(files)
        stamps.append(f"{path} {stamp(status)}")
        newest = max(newest, status.st_mtime, status.st_ctime)
    cache = Cache.of("digests")
    name = (
        f"installed-1-{hashed(map(str, folders))[:16]}"  # 1: the form of what is kept
    )
    now = hashed(stamps)
    before, _, known = (cache.text(name) or "").partition(" ")
    if before == now:
        return known
    found = _read(files)
    if time.time() - newest > SETTLED:
        cache.keep(name, f"{now} {found}")
    return found


def _read(folders: Iterable[tuple[Path, Iterable[str]]]) -> str:
    digest = hashlib.sha256()

    def add(data: bytes) -> None:
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)

    for folder, files in folders:
        start = len(os.path.join(folder, ""))
        for path in files:
            add(os.fsencode(path[start:]))
            # Without a buffer, which takes as long as the reading of so small files.
            with open(path, "rb", buffering=0) as stream:
                add(stream.read())
        add(b"end of folder")
    for package in PACKAGES:
        add(_version(package).encode())
    return digest.hexdigest()


def _version(package: str) -> str:
    """What is installed of a package: the name of the folder with its metadata, which has
    the version in it; empty for none."""
    start = f"{package}-"
    for place in sys.path:
        try:
            names = os.listdir(place or os.curdir)
        except OSError:  # a zip file, or nothing
            continue
        found = [
            name
            for name in names
            if name.lower().startswith(start)
            and name.endswith((".dist-info", ".egg-info"))
        ]
        if found:
            return " ".join(sorted(found))
    from importlib import metadata  # takes longer than all else here together

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _machine() -> str:
    """The machine's architecture, as ``platform.machine`` says, which takes longer."""
    if hasattr(os, "uname"):
        return os.uname().machine
    import platform

    return platform.machine()


def _identity(compiler: str) -> str:
    """Which program it is: its real path, size and time of change; empty for none."""
    found = _found(compiler)
    if found is None:
        return ""
    real = os.path.realpath(found)
    status = os.stat(real)
    return f"{real} {status.st_size} {status.st_mtime_ns}"


def _found(program: str) -> str | None:
    """Where a program is, as ``shutil.which`` says, which takes longer to import than
    to run; None for none."""
    if os.name == "nt":  # where names have endings
        import shutil

        return shutil.which(program)
    places = [""] if os.path.dirname(program) else os.get_exec_path()
    paths = (os.path.join(place, program) for place in places)
    return next(
        (one for one in paths if os.path.isfile(one) and os.access(one, os.X_OK)), None
    )


def _files(folder: Path) -> list[str]:
    found = []
    for parent, subfolders, names in os.walk(folder):
        subfolders[:] = [
            name for name in subfolders if name != "__pycache__" and name[0] != "."
        ]
        found += [os.path.join(parent, name) for name in names if name[0] != "."]
    return sorted(found)
