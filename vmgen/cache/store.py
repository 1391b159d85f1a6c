"""Entries of the cache folder: texts and folders of files, found again by their names.

The name of every entry is a hash over the contents of all that it depends on, so that an
entry is never out of date.  Every entry carries the sha256 of its own contents, which is
compared on each use: a damaged entry is removed and made again.  Entries that are
missing, damaged or not writable only cost time.  What only changes need is imported
there: most commands find everything.

The folder is ``VMGEN_CACHE_DIR``, or ``vmgen`` below ``XDG_CACHE_HOME``,
``LOCALAPPDATA`` or ``~/.cache``, with one folder a kind of entries in it.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from vmgen.cache.hashes import text_digest

_DAY = 24 * 60 * 60.0
_MONTH = 30 * _DAY
MANIFEST = ".manifest.json"


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

    def folder_of(
        self, name: str, make: Callable[[], Mapping[str, str | bytes]]
    ) -> Path:
        """The folder with this name, made if it is missing or damaged.

        ``make`` gives path -> text, or bytes, of its files.  It is filled under a temporary name and
        renamed, so that it is complete or not there, whoever else is at work.  Where the
        cache cannot be written it is a temporary folder, removed when the process ends.
        """
        if self.folder is None:
            return _temporary(make())
        final = self.folder / name
        if self.has_folder(name):
            return final
        import shutil
        import tempfile

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
            import shutil

            aside = self.folder / f".{name}.{os.urandom(8).hex()}"
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
            known = path.name[0] != "." and (path / MANIFEST).is_file()
            if known and self.has_folder(path.name):
                yield path

    def forget_old(self) -> None:
        """Remove what no one has used for a month, and what killed runs left behind."""
        if self.folder is None:
            return
        import shutil

        now = time.time()
        with suppress(OSError):
            for path in [*self.folder.glob("*"), *self._below()]:
                with suppress(OSError):
                    kept = _DAY if path.name[0] == "." else _MONTH
                    if now - path.lstat().st_mtime <= kept:
                        continue
                    if path.is_symlink() or path.is_file():
                        path.unlink()
                    elif path.name[0] == "." or (path / MANIFEST).is_file():
                        shutil.rmtree(path)

    def _below(self) -> Iterator[Path]:
        """What is in the folders of texts."""
        assert self.folder is not None
        for folder in self.folder.iterdir():
            if folder.is_dir() and not (folder / MANIFEST).exists():
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
            import tempfile

            with tempfile.TemporaryDirectory(prefix="vmgen-") as folder:
                yield Path(folder)
            return
        try:
            yield used.parent
        finally:
            used.rmdir()


def _beside(path: Path) -> Path:
    """A name for a temporary file beside this one that no other process has."""
    return path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")


def _temporary(files: Mapping[str, str | bytes]) -> Path:
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="vmgen-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _fill(folder, files)
    return folder


def _fill(folder: Path, files: Mapping[str, str | bytes]) -> None:
    made = set()
    manifest = {}
    for name, text in files.items():
        path = folder / name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        data = (
            text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        )
        path.write_bytes(data)
        manifest[name] = hashlib.sha256(data).hexdigest()
    text = json.dumps(manifest, indent=0, sort_keys=True)
    (folder / MANIFEST).write_text(
        f"{text_digest(text)}\n{text}", encoding="utf-8", newline="\n"
    )


def _is_whole(folder: Path) -> bool:
    """Whether the folder holds all that was put into it, unchanged."""
    try:
        digest, _, text = (folder / MANIFEST).read_text("utf-8").partition("\n")
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
