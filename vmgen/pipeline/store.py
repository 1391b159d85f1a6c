"""What was read before: one IR per preprocessed text, and which files each came from.

Two levels, both in the user's cache folder.  An IR, and what the file registers, are
kept under the hash of the text they were read from, so that a file that says the same
for several targets is read once.  A :class:`Notes` says of each file which headers it was made from and what they held, so
that nothing needs to be preprocessed where none of them changed.  Entries that are
missing, damaged or from another vmgen only cost time.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from vmgen import ir, resources, roots
from vmgen.ir import json as ir_json
from vmgen.roots import Registrations
from vmgen.source import VmgenError

_FRONT_END = (
    "source.py", "grammar.py", "ir", "infos", "tree", "preprocess", "cfront",
    "translate", "extract", "roots", "shims", "pipeline/reading.py",
)  # fmt: skip
"""The parts of the package that decide what a C file is read as."""

_MONTH = 30 * 24 * 60 * 60.0


def front_end() -> str:
    """The hash of vmgen's own front end: what another one read is not taken over."""
    return parts_hash(*_FRONT_END)


@lru_cache(maxsize=16)
def parts_hash(*parts: str) -> str:
    """The hash of files and folders of the package."""
    digest = hashlib.sha256()
    package = resources.package()
    for name in parts:
        top = package / name
        files = [top] if top.is_file() else sorted(top.rglob("*"))
        for path in files:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.relative_to(package).as_posix().encode() + b"\0")
                digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Note:
    """One file as it was read last: what it was made from (the hash over the contents),
    and the key of its IR; an empty key says that the command does not suit the file."""

    key: str
    digest: str
    inputs: tuple[str, ...]


@dataclass(slots=True)
class Notes:
    """What is known of the files that one command reads, by file."""

    files: dict[str, Note] = field(default_factory=dict)


class Contents:
    """The hashes of files, each read once."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def digest(self, paths: Iterable[str]) -> str:
        """The hash over the contents of these files, in this order."""
        digest = hashlib.sha256()
        for path in paths:
            known = self._known.get(path)
            if known is None:
                try:
                    with open(path, "rb") as stream:
                        known = hashlib.sha256(stream.read()).digest()
                except OSError:
                    known = b"absent"
                self._known[path] = known
            digest.update(known)
        return digest.hexdigest()


class Store:
    """The entries below one folder (the user's cache folder unless one is given)."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder if folder is not None else _default()

    def module(self, key: str) -> ir.Module | None:
        """The IR that was read from the text with this key."""
        try:
            text = self._module_path(key).read_text(encoding="ascii")
            (module,) = ir_json.loads(text, key).modules
        except (OSError, ValueError, VmgenError):
            return None
        return module

    def registered(self, key: str) -> Registrations | None:
        """What the file registers whose text has this key."""
        try:
            text = self._registered_path(key).read_text(encoding="ascii")
            return roots.loads(text)
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def keep(self, key: str, module: ir.Module, registered: Registrations) -> None:
        """Remember the IR of a text, and what it registers."""
        program = ir.Program("", "", (module,))
        self._write(self._module_path(key), ir_json.dumps(program))
        self._write(self._registered_path(key), roots.dumps(registered))

    def notes(self, name: str) -> Notes:
        """The notes of that name; empty where there are none."""
        try:
            data = json.loads(self._notes_path(name).read_bytes())
            names = data["inputs"]
            return Notes(
                {
                    file: Note(key, digest, tuple(names[index] for index in used))
                    for file, (key, digest, used) in data["files"].items()
                }
            )
        except (OSError, ValueError, TypeError, KeyError, IndexError):
            return Notes()

    def keep_notes(self, name: str, notes: Notes) -> None:
        """Remember the notes of that name."""
        inputs: dict[str, int] = {}
        files = {
            file: (
                note.key,
                note.digest,
                [inputs.setdefault(path, len(inputs)) for path in note.inputs],
            )
            for file, note in sorted(notes.files.items())
        }
        text = json.dumps({"inputs": list(inputs), "files": files})
        self._write(self._notes_path(name), text)

    def entry(self, name: str) -> str | None:
        """Any other text that was remembered under a name."""
        try:
            return self._entry_path(name).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None

    def keep_entry(self, name: str, text: str) -> None:
        """Remember a text under a name."""
        self._write(self._entry_path(name), text)

    def forget_old(self) -> None:
        """Remove what nobody has used for a month."""
        oldest = time.time() - _MONTH
        try:
            for path in self.folder.glob("*/*"):
                if path.stat().st_mtime < oldest:
                    path.unlink(missing_ok=True)
        except OSError:
            return

    def _module_path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.json"

    def _registered_path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.roots.json"

    def _notes_path(self, name: str) -> Path:
        return self.folder / "notes" / f"{name}.json"

    def _entry_path(self, name: str) -> Path:
        return self.folder / "entries" / name

    def _write(self, path: Path, text: str) -> None:
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(text, encoding="utf-8", newline="\n")
            os.replace(temporary, path)
        except OSError:
            # A cache that cannot be written only costs time; half an entry costs a disk.
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def hashed(words: Iterable[str], mapping: Mapping[str, str] | None = None) -> str:
    """The hash of these words in order (and of a mapping's items, sorted)."""
    digest = hashlib.sha256()
    for word in words:
        digest.update(word.encode("utf-8", "surrogateescape") + b"\0")
    for key, value in sorted((mapping or {}).items()):
        digest.update(f"{key}\0{value}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _default() -> Path:
    if named := os.environ.get("VMGEN_CACHE_DIR"):
        return Path(named, "modules")
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        if base := os.environ.get(variable):
            return Path(base, "vmgen", "modules")
    return Path(os.path.expanduser("~"), ".cache", "vmgen", "modules")
