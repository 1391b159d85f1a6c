"""What was read before: one IR per preprocessed text, and which files each came from.

Two levels, both in the user's cache folder.  An IR, and the types of the file, are
kept under the hash of the text they were read from, so that a file that says the same
for several targets is read once.  A :class:`Notes` says of each file which headers it was
made from and what they held, so that nothing needs to be preprocessed where none of them
changed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TypeVar

from vmgen import ir, kept, resources
from vmgen.cache import Cache, hashed
from vmgen.ir import json as ir_json
from vmgen.source import VmgenError

_Kept = TypeVar("_Kept")

_FRONT_END = (
    "source.py", "grammar.py", "kept.py", "ir", "infos", "tree", "preprocess", "cfront",
    "translate", "extract", "roots", "machines/__init__.py", "machines/board_code.py",
    "machines/board_paths.py", "machines/board_values.py", "machines/code.py", "machines/model.py",
    "machines/tables.py", "machines/target_questions.py", "machines/unused_code.py",
    "machines/wanted.py", "shims", "c_text.py", "pipeline/reading.py",
    "pipeline/missing.py", "pipeline/inputs.py",
)  # fmt: skip
"""The parts of the package that decide what a C file is read as."""


_PARSERS = ("pycparser", "pcpp")
"""Packages that decide it too."""


@lru_cache(maxsize=1)
def front_end() -> str:
    """The hash of vmgen's own front end and of the packages below it: what a
    different one read does not count."""
    versions = (metadata.version(name) for name in _PARSERS)
    return hashed((parts_hash(*_FRONT_END), *versions))


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


class Store:
    """The entries below one folder (the user's cache folder unless one is given)."""

    def __init__(self, folder: Path | None = None) -> None:
        self.cache = Cache.of("modules") if folder is None else Cache(folder)

    @property
    def folder(self) -> Path | None:
        """Where the entries are; None where nothing is kept."""
        return self.cache.folder

    def module(self, key: str) -> ir.Module | None:
        """The IR that was read from the text with this key."""
        text = self.cache.text(_module_name(key))
        if text is None:
            return None
        try:
            (module,) = ir_json.loads(text, key).modules
        except VmgenError:
            return (
                None  # reading an IR refuses more than the front end: read the C again
            )
        return module

    def kept(self, key: str, cls: type[_Kept]) -> _Kept | None:
        """What else was kept with the IR of that text, a dataclass."""
        text = self.cache.text(_types_name(key))
        return None if text is None else kept.loads(cls, text)

    @staticmethod
    def texts(module: ir.Module, types: object) -> tuple[str, str]:
        """An IR and a dataclass beside it, as they are kept."""
        return ir_json.dumps(ir.Program("", "", (module,))), kept.dumps(types)

    def keep(self, key: str, module: str, types: str) -> None:
        """Remember these :meth:`texts` of a text."""
        self.cache.keep(_module_name(key), module)
        self.cache.keep(_types_name(key), types)

    def notes(self, name: str) -> Notes:
        """The notes of that name; empty where there are none."""
        text = self.cache.text(_notes_name(name))
        if text is None:
            return Notes()
        data = json.loads(text)
        names = data["inputs"]
        return Notes(
            {
                file: Note(key, digest, tuple(names[index] for index in used))
                for file, (key, digest, used) in data["files"].items()
            }
        )

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
        self.cache.keep(_notes_name(name), text)

    def entry(self, name: str) -> str | None:
        """Any other text that was remembered under a name."""
        return self.cache.text(f"entries/{name}")

    def keep_entry(self, name: str, text: str) -> None:
        """Remember a text under a name."""
        self.cache.keep(f"entries/{name}", text)

    def forget_old(self) -> None:
        """Remove what no one has used for a month."""
        self.cache.forget_old()


def _module_name(key: str) -> str:
    return f"{key[:2]}/{key[2:]}.json"


def _types_name(key: str) -> str:
    return f"{key[:2]}/{key[2:]}.types.json"


def _notes_name(name: str) -> str:
    # What a note holds changes with the program: another's notes have another name.
    return f"notes/{name}-{parts_hash('pipeline/store.py')[:16]}.json"
