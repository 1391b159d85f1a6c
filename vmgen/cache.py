"""The user's cache folder: what vmgen made before, found again by what it was made from.

The name of every entry is a hash over the contents of all that it depends on, so that an
entry is never out of date.  Every entry carries the sha256 of its own contents, which is
compared on each use: a damaged entry is removed and made again.  Entries that are
missing, damaged or not writable only cost time.

The folder is ``VMGEN_CACHE_DIR``, or ``vmgen`` below ``XDG_CACHE_HOME``,
``LOCALAPPDATA`` or ``~/.cache``, with one folder a kind of entries in it.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

PACKAGES = ("black", "jinja2", "markupsafe", "pycparser", "pcpp", "click", "pathspec")
"""Packages whose version may change the text."""

_COMPILERS = ("cc", "gcc", "clang")
_VARIABLES = (
    "CC", "PATH", "CPATH", "C_INCLUDE_PATH", "GCC_EXEC_PREFIX", "COMPILER_PATH",
    "SOURCE_DATE_EPOCH",
)  # fmt: skip

_DAY = 24 * 60 * 60.0
_MONTH = 30 * _DAY
_SETTLED = 2.0
"""Seconds after which the next change of a file shows in its times on every file system."""
_MANIFEST = ".manifest.json"


def home() -> Path | None:
    """The user's cache folder of vmgen, not yet made; None where there is none."""
    if chosen := os.environ.get("VMGEN_CACHE_DIR"):
        return Path(chosen)
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        if base := os.environ.get(variable):
            return Path(base, "vmgen")
    user = os.path.expanduser("~")
    # A user without a home folder gets no folder that is called "~".
    return Path(user, ".cache", "vmgen") if os.path.isabs(user) else None


# --- digests ------------------------------------------------------------------------------


def hashed(words: Iterable[str], mapping: Mapping[str, str] | None = None) -> str:
    """The sha256 (hexadecimal) of these words in order, and of a mapping's items, sorted."""
    digest = hashlib.sha256()
    for word in words:
        digest.update(word.encode("utf-8", "surrogateescape") + b"\0")
    for key, value in sorted((mapping or {}).items()):
        digest.update(f"{key}\0{value}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def text_digest(text: str) -> str:
    """The sha256 (hexadecimal) of a text, as UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


class Digests:
    """The sha256 of files' contents, each file read once.

    With a cache, a digest is also remembered from run to run: under the file's path, for
    as long as its device, inode, size, and times of change of content and of status are
    the same.  No user can set the last one, so a new content never hides.  A file that
    changed within the last two seconds is not remembered.
    """

    def __init__(self, cache: Cache | None = None, name: str = "") -> None:
        self._cache = cache
        self._name = f"digests-1-{hashed((name,))}"  # 1: the form of what is kept
        self._known: dict[str, bytes] = {}
        self._kept: dict[str, tuple[str, str]] = {}
        self._changed = False
        text = None if cache is None else cache.text(self._name)
        if text is not None:
            kept: dict[str, tuple[str, str]] = json.loads(text)
            self._kept = kept

    def digest(self, paths: Iterable[str]) -> str:
        """The hash over the contents of these files, in this order; a file that is not
        there or cannot be read counts as absent."""
        digest = hashlib.sha256()
        for path in paths:
            digest.update(self._of(path))
        return digest.hexdigest()

    def keep(self) -> None:
        """Remember what was read, for the next run."""
        if self._cache is not None and self._changed:
            self._cache.keep(self._name, json.dumps(self._kept))
            self._changed = False

    def _of(self, path: str) -> bytes:
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = (
                self._read(path) if self._cache is None else self._remembered(path)
            )
        return known

    def _read(self, path: str) -> bytes:
        try:
            with open(path, "rb") as stream:
                return hashlib.sha256(stream.read()).digest()
        except OSError:
            return b"absent"

    def _remembered(self, path: str) -> bytes:
        try:
            status = os.stat(path)
        except OSError:
            return b"absent"
        stamp = (
            f"{status.st_dev} {status.st_ino} {status.st_size}"
            f" {status.st_mtime_ns} {status.st_ctime_ns}"
        )
        before = self._kept.get(path)
        if before is not None and before[0] == stamp:
            return bytes.fromhex(before[1])
        found = self._read(path)
        settled = time.time() - max(status.st_mtime, status.st_ctime) > _SETTLED
        if settled and found != b"absent":
            self._kept[path] = (stamp, found.hex())
            self._changed = True
        return found


def key(request: str, folders: Iterable[Path]) -> str:
    """The sha256 (hexadecimal) of everything that decides generated text.

    ``request`` is the text of what is requested, ``folders`` are read completely
    (``__pycache__`` and hidden files excepted).  The versions of Python and of the
    packages that shape the text, and the compiler, are added to them.
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


# --- what there is ------------------------------------------------------------------------

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
                one for one in place.iterdir() if (one / _MANIFEST).is_file()
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
    if (place / _MANIFEST).is_file():
        # Whoever looks for it now finds it whole or not at all.
        place = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
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
        mine = _MANIFEST in names or here.name.startswith(("git-", "."))
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


# --- entries ------------------------------------------------------------------------------


class Cache:
    """The entries of one kind: texts, and folders of files.

    ``folder`` is where they are; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    @staticmethod
    def of(kind: str) -> Cache:
        """The user's entries of a kind."""
        base = home()
        return Cache(None if base is None else base / kind)

    def text(self, name: str) -> str | None:
        """The text of an entry; None where there is none, or a damaged one."""
        if self.folder is None:
            return None
        path = self.folder / name
        try:
            data = path.read_bytes()
        except OSError:
            return None
        digest, _, content = data.partition(b"\n")
        if hashlib.sha256(content).hexdigest().encode() != digest:
            with suppress(OSError):
                path.unlink()
            return None
        return content.decode("utf-8", "surrogateescape")

    def keep(self, name: str, text: str) -> None:
        """Keep a text under a name (with ``/`` for folders), if the folder allows."""
        if self.folder is None:
            return
        content = text.encode("utf-8", "surrogateescape")
        digest = hashlib.sha256(content).hexdigest().encode()
        path = self.folder / name
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = _beside(path)
            try:
                temporary.write_bytes(digest + b"\n" + content)
                os.replace(temporary, path)
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)

    def folder_of(self, name: str, make: Callable[[], Mapping[str, str]]) -> Path:
        """The folder with this name, made if it is missing or damaged.

        ``make`` gives path -> text of its files.  It is filled under a temporary name and
        renamed, so that it is complete or not there, whoever else is at work.  Where the
        cache cannot be written it is a temporary folder, removed when the process ends.
        """
        if self.folder is None:
            return _temporary(make())
        final = self.folder / name
        if self.has_folder(name):
            return final
        files = make()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            new = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=self.folder))
        except OSError:
            return _temporary(files)
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
        self.forget_old()
        return final

    def has_folder(self, name: str) -> bool:
        """Whether a whole folder entry is there; it is marked as used, a damaged one is
        moved aside and removed."""
        if self.folder is None:
            return False
        folder = self.folder / name
        try:
            status = os.stat(folder)
        except OSError:
            return False
        if not _is_whole(folder):
            aside = self.folder / f".{name}.{secrets.token_hex(8)}"
            with suppress(OSError):
                os.rename(folder, aside)
                shutil.rmtree(aside)
            return False
        if time.time() - status.st_mtime > _DAY:
            with suppress(OSError):  # someone else's, or read-only: good to use
                os.utime(folder)
        return True

    def folders(self) -> Iterator[Path]:
        """The whole folder entries, sorted by name."""
        if self.folder is None or not self.folder.is_dir():
            return
        for path in sorted(self.folder.iterdir()):
            known = path.name[0] != "." and (path / _MANIFEST).is_file()
            if known and self.has_folder(path.name):
                yield path

    def forget_old(self) -> None:
        """Remove what no one has used for a month, and what killed runs left behind."""
        if self.folder is None:
            return
        now = time.time()
        with suppress(OSError):
            for path in [*self.folder.glob("*"), *self._below()]:
                with suppress(OSError):
                    kept = _DAY if path.name[0] == "." else _MONTH
                    if now - path.lstat().st_mtime <= kept:
                        continue
                    if path.is_symlink() or path.is_file():
                        path.unlink()
                    elif path.name[0] == "." or (path / _MANIFEST).is_file():
                        shutil.rmtree(path)

    def _below(self) -> Iterator[Path]:
        """What is in the folders of texts."""
        assert self.folder is not None
        for folder in self.folder.iterdir():
            if folder.is_dir() and not (folder / _MANIFEST).exists():
                yield from folder.iterdir()

    @contextmanager
    def alone(self, name: str) -> Iterator[Path]:
        """A folder for one process at a time, kept from run to run; while another
        uses it, or where the cache cannot be written, a temporary one."""
        used = None if self.folder is None else self.folder / name / "in-use"
        try:
            if used is None:
                raise FileNotFoundError
            used.parent.mkdir(parents=True, exist_ok=True)
            if used.is_dir() and time.time() - used.stat().st_mtime > _DAY:
                used.rmdir()  # left by a run that was killed
            used.mkdir()
        except OSError:
            with tempfile.TemporaryDirectory(prefix="vmgen-") as folder:
                yield Path(folder)
            return
        try:
            yield used.parent
        finally:
            used.rmdir()


def _beside(path: Path) -> Path:
    """A name for a temporary file beside this one that no other process has."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def _temporary(files: Mapping[str, str]) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="vmgen-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _fill(folder, files)
    return folder


def _fill(folder: Path, files: Mapping[str, str]) -> None:
    made = set()
    manifest = {}
    for name, text in files.items():
        path = folder / name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        manifest[name] = text_digest(text)
    text = json.dumps(manifest, indent=0, sort_keys=True)
    (folder / _MANIFEST).write_text(
        f"{text_digest(text)}\n{text}", encoding="utf-8", newline="\n"
    )


def _is_whole(folder: Path) -> bool:
    """Whether the folder holds all that was put into it, unchanged."""
    try:
        digest, _, text = (folder / _MANIFEST).read_text("utf-8").partition("\n")
        if text_digest(text) != digest:
            return False
        manifest: dict[str, str] = json.loads(text)
        for name, wanted in manifest.items():
            with open(os.path.join(folder, name), "rb") as stream:
                if hashlib.sha256(stream.read()).hexdigest() != wanted:
                    return False
    except (OSError, ValueError):
        return False
    return True
