"""Remembers what the output was for given inputs, so that a check can be quick.

Generated code is a function of its inputs: vmgen's own sources, its templates and
headers, the versions of Python and of the packages that shape the text, the compiler
and the request.  :func:`key` is the sha256 over all of them; under it stand the sha256
of the files that were generated.  If key and files agree nothing needs to be computed.
The contents of a QEMU tree are part of the request where all of it is read.  What the
key cannot cover (headers of the user's, a configured build) is never remembered.

The entries are in the user's cache folder (``VMGEN_CACHE_DIR``, or ``vmgen`` below
``XDG_CACHE_HOME``, ``LOCALAPPDATA`` or ``~/.cache``).  One that is missing, damaged or
not writable only costs time.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path

PACKAGES = ("black", "jinja2", "markupsafe", "pycparser", "pcpp", "click", "pathspec")
"""Packages whose version may change the text."""

_COMPILERS = ("cc", "gcc", "clang")
_VARIABLES = (
    "CC", "PATH", "CPATH", "C_INCLUDE_PATH", "GCC_EXEC_PREFIX", "COMPILER_PATH",
    "SOURCE_DATE_EPOCH",
)  # fmt: skip


def key(request: str, folders: Iterable[Path]) -> str:
    """The sha256 (hexadecimal) of everything that decides the output.

    ``request`` is the text of what is asked for, ``folders`` are read completely
    (``__pycache__`` and hidden files excepted).
    """
    digest = hashlib.sha256()

    def add(*parts: str | bytes) -> None:
        for part in parts:
            data = (
                part.encode("utf-8", "surrogateescape")
                if isinstance(part, str)
                else part
            )
            digest.update(len(data).to_bytes(8, "big"))
            digest.update(data)

    add(request, sys.version, platform.machine(), sys.platform)
    for package in PACKAGES:
        add(package, _version(package))
    for variable in _VARIABLES:
        add(variable, os.environ.get(variable, ""))
    for compiler in dict.fromkeys((*os.environ.get("CC", "").split(), *_COMPILERS)):
        add(compiler, _identity(compiler))
    for folder in folders:
        for path in _files(folder):
            add(path.relative_to(folder).as_posix(), path.read_bytes())
        add("end of folder")
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _identity(compiler: str) -> str:
    """Which program it is: its real path, size and time of change; empty for none."""
    found = shutil.which(compiler)
    if found is None:
        return ""
    real = os.path.realpath(found)
    status = os.stat(real)
    return f"{real} {status.st_size} {status.st_mtime_ns}"


def _files(folder: Path) -> list[Path]:
    found = []
    for parent, subfolders, names in os.walk(folder):
        subfolders[:] = [
            name for name in subfolders if name != "__pycache__" and name[0] != "."
        ]
        found += [Path(parent, name) for name in names if name[0] != "."]
    return sorted(found)


def digests(files: Mapping[str, str]) -> dict[str, str]:
    """The sha256 of each file's text, by path."""
    return {
        path: hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        for path, text in files.items()
    }


def load(name: str) -> dict[str, str] | None:
    """The digests by path that were stored under a key; None if there are none."""
    try:
        data = json.loads((_folder() / f"{name}.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or not all(
        isinstance(item, str) for item in data.values()
    ):
        return None
    return data


def store(name: str, files: Mapping[str, str]) -> None:
    """Remember the digests of the files generated under a key, if the folder allows."""
    keep(name, digests(files))


def keep(name: str, known: Mapping[str, str]) -> None:
    """Remember digests by path under a key, if the folder allows."""
    with suppress(OSError):  # a cache that cannot be written only costs time
        folder = _folder()
        temporary = folder / f"{name}.{os.getpid()}.tmp"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_text(json.dumps(known, indent=0, sort_keys=True))
            os.replace(temporary, folder / f"{name}.json")
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        _forget_old(folder)


def _forget_old(folder: Path, keep: int = 50) -> None:
    entries = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    for path in entries[:-keep]:
        path.unlink(missing_ok=True)


def _folder() -> Path:
    if chosen := os.environ.get("VMGEN_CACHE_DIR"):
        return Path(chosen, "output")
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        if base := os.environ.get(variable):
            return Path(base, "vmgen", "output")
    home = os.path.expanduser("~")
    if not os.path.isabs(home):  # nobody's home is known; do not make a folder "~"
        raise OSError("no home folder")
    return Path(home, ".cache", "vmgen", "output")
