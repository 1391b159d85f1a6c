"""What there is in a tree: its files, which of them each binary has, and what they are
read for.

All of this is remembered under the contents of what it was found out from, so that
nothing is worked out again where nothing changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vmgen import linkmodel, roots
from vmgen.linkmodel import Binary
from vmgen.pipeline.store import Contents, Store, hashed, parts_hash
from vmgen.tree import SourceTree

_DEFINES = re.compile(
    rb"\bVMState(?:Description|Info)[ \t]+[\w#]+\s*(?:\[[^\]]*\]\s*)*[=;]"
)
"""A definition, with an initialiser or without one (a stub), maybe in a macro."""
_EXTERN = re.compile(rb"\bextern\b")
_C = (".c", ".h", ".inc")
_ASIDE = {"tests", "docs", "pc-bios", "roms", "po", "python", "gdb-xml"}
"""Folders of a release that no binary is compiled from; only their build files count."""


class TreeFiles:
    """The files of one tree, listed once, and their contents, each read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.contents = Contents()
        self._names: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every file that a binary could be made from, relative to the root, sorted."""
        if self._names is None:
            self._names = tuple(sorted(_walk(str(self.root))))
        return self._names

    def everything(self) -> str:
        """The hash over all names and contents."""
        return self._hash(self.names)

    def build_files(self) -> str:
        """The hash over all names, and the contents of what is no C."""
        return self._hash(name for name in self.names if not name.endswith(_C))

    def digest(self, file: str) -> str:
        """The hash of one file's contents."""
        return self.contents.digest((os.path.join(self.root, file),))

    def _hash(self, read: Iterable[str]) -> str:
        start = str(self.root)
        content = self.contents.digest(os.path.join(start, name) for name in read)
        return hashed((content, *self.names))


def _walk(root: str) -> Iterable[str]:
    for folder, below, names in os.walk(root):
        start = f"{folder[len(root) + 1 :]}/" if folder != root else ""
        top = start.partition("/")[0]
        if not start:
            below[:] = [name for name in below if name not in (".git", "roms")]
        if start and ("build.ninja" in names or "meson-private" in below):
            below.clear()  # a build folder inside of the tree: all of it was made
            continue
        for name in names:
            if top not in _ASIDE or name == "meson.build":
                yield f"{start}{name}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a C file's text says of it: whether it ``defines`` a description or an info,
    and whether it ``registers`` sections or types in a way that only the C front end
    can follow."""

    defines: bool
    registers: bool


def seen(data: bytes) -> Seen:
    """What the text of a C file says."""
    defines = False
    if b"VMState" in data:
        for match in _DEFINES.finditer(data):
            line = data[data.rfind(b"\n", 0, match.start()) + 1 : match.start()]
            if _EXTERN.search(line) is None:
                defines = True
                break
    return Seen(defines, roots.is_wanted(data.decode("utf-8", "replace")))


def look(files: TreeFiles, names: Iterable[str], store: Store) -> dict[str, Seen]:
    """What the texts of these files say, from memory where they did not change."""
    key = f"seen-{hashed((parts_hash('roots', 'pipeline/survey.py'), str(files.root)))}"
    known: Mapping[str, Sequence[object]] = _mapping(store.entry(key))
    found: dict[str, Seen] = {}
    kept: dict[str, tuple[str, bool, bool]] = {}
    for name in names:
        digest = files.digest(name)
        match known.get(name):
            case [str(old), bool(defines), bool(registers)] if old == digest:
                found[name] = Seen(defines, registers)
            case _:
                found[name] = seen((files.root / name).read_bytes())
        kept[name] = (digest, found[name].defines, found[name].registers)
    if {name: list(one) for name, one in kept.items()} != known:
        store.keep_entry(key, json.dumps({**known, **kept}))
    return found


def _mapping(text: str | None) -> Mapping[str, Sequence[object]]:
    if text is None:
        return {}
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def binary_key(files: TreeFiles, tree: SourceTree) -> str:
    """A name for everything that decides which files a binary has; empty where that is
    not known (a configured build)."""
    if tree.build is not None or tree.kind != "qemu":
        return ""
    configured = [
        f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for folder in tree.config_dirs
        for path in sorted(folder.glob("*config*.h"))
    ]
    own = parts_hash("linkmodel", "pipeline/survey.py")
    words = [own, str(files.root), tree.target, files.build_files(), *configured]
    return f"binary-{hashed(words)}"


def known_binary(key: str, target: str, store: Store) -> Binary | None:
    """The binary that was found out before under this key."""
    text = store.entry(key) if key else None
    if text is None:
        return None
    try:
        files, archive = json.loads(text)
        return Binary(target, tuple(files), tuple(archive))
    except (ValueError, TypeError):
        return None


def binary(tree: SourceTree, key: str, store: Store) -> Binary:
    """The binary of a tree's target, worked out and remembered."""
    found = linkmodel.binary(tree)
    if key:
        store.keep_entry(key, json.dumps([found.files, found.archive]))
    return found
