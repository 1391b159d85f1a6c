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
from functools import partial
from pathlib import Path

from vmgen import linkmodel, machines, roots
from vmgen.c_text import CText
from vmgen.cache import Cache, Digests, Each, hashed
from vmgen.linkmodel import SystemBinary
from vmgen.pipeline.inputs import InputDigests
from vmgen.pipeline.store import Store, parts_hash
from vmgen.tree import SourceTree
from vmgen.tree.files import built_from

_TYPES = ("VMStateDescription", "VMStateInfo")
_ALIAS = re.compile(r"\btypedef\b([^;{}]*?)(\w+)\s*(?:\[[^\]]*\]\s*)?;")
_QUALIFIERS = re.compile(r"\A\s*(?:(?:const|volatile)\b\s*)+")
_HEADERS = (".h", ".inc")
_C = (".c", ".h", ".inc")
_BATCH = 64
"""Files that one process looks at in a row."""
PARTS = (".c.inc", ".inc.c")
"""How the names of files end that are C for one other file to include."""


class TreeFiles:
    """The files of one tree, listed once, and their contents, each read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        cache = Cache.of("digests")
        self.digests = Digests(cache, str(root))
        self.inputs = InputDigests(self.digests, cache, str(root))
        self._names: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every file that a binary could be made from, relative to the root, sorted."""
        if self._names is None:
            self._names = tuple(sorted(built_from(self.root)))
        return self._names

    def everything(self) -> str:
        """The hash over all names and contents; comments of headers do not count."""
        return self._hash(self.names)

    def build_files(self) -> str:
        """The hash over all names, and the contents of what is no C."""
        return self._hash(name for name in self.names if not name.endswith(_C))

    def digest(self, file: str) -> str:
        """The hash of one file's contents."""
        return self.digests.digest((os.path.join(self.root, file),))

    def text(self, file: str) -> str:
        """A file's text; bytes that are no UTF-8 are replaced."""
        return _text(self.root / file)

    def _hash(self, read: Iterable[str]) -> str:
        start = str(self.root)
        content = self.inputs.digest(os.path.join(start, name) for name in read)
        self.digests.keep()
        self.inputs.keep()
        return hashed((content, *self.names))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a C file's text says of it: whether it ``mentions`` what a description or an
    info may be defined with, and whether it ``registers`` sections or types, or has
    machine types or properties, in a way that only the C front end can follow."""

    mentions: bool
    registers: bool


def seen(text: str, words: frozenset[str] = frozenset(_TYPES)) -> Seen:
    """What the text of a C file says; ``words`` are those of :func:`words_of`."""
    return Seen(
        any(word in text for word in words),
        roots.is_wanted(text) or machines.is_wanted(text),
    )


def words_of(headers: Mapping[str, str]) -> frozenset[str]:
    """What a file that defines a description or an info must mention: the types, macros
    and typedefs of headers that stand for them, and headers that define one.

    ``headers`` are texts by path.
    """
    words = set(_TYPES)
    fresh = words
    while fresh:
        found: set[str] = set()
        known = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(fresh)))})\b")
        for path, text in headers.items():
            if known.search(text) is None:
                continue
            written = CText(text)
            for one in written.directives:
                name, *rest = one.identifiers or [""]
                if one.name == "define" and not words.isdisjoint(rest):
                    found.add(name)
            found.update(
                name
                for before, name in _ALIAS.findall(written.code)
                if known.search(before)
            )
            if _defines(written, known):
                found.add(path.rpartition("/")[2])
        fresh = found - words
        words |= fresh
    return frozenset(words)


def _defines(written: CText, known: re.Pattern[str]) -> bool:
    """Whether a header mentions a type otherwise than to declare it, pointers to it or
    objects that are elsewhere; or includes one that does."""
    if any(
        one.name == "include" and known.search(one.text) for one in written.directives
    ):
        return True
    text = written.code
    for match in known.finditer(text):
        start = max(text.rfind(mark, 0, match.start()) for mark in ";{}(") + 1
        before = text[start : match.start()].split()
        after = _QUALIFIERS.sub("", text[match.end() :]).lstrip()
        is_elsewhere = not {"extern", "typedef"}.isdisjoint(before)
        if not is_elsewhere and not after.startswith(("*", ";", "{", ")", ",")):
            return True
    return False


def look(
    files: TreeFiles, names: Iterable[str], store: Store, each: Each = map
) -> dict[str, Seen]:
    """What the texts of these files say, from memory where they did not change; those of
    C that they include (``target/ppc/translate_init.c.inc`` up to 6.0) with them.

    ``each`` is ``map``, or that of other processes.
    """
    found = _look(files, tuple(names), store, each)
    written = [
        name for name in files.names if name.endswith(PARTS) and name not in found
    ]
    for part, of_part in _look(files, written, store, map).items():
        if not (of_part.mentions or of_part.registers):
            continue
        folder, _, last = part.rpartition("/")
        includes = re.compile(rf'#\s*include\s*"(?:[^"]*/)?{re.escape(last)}"')
        for name, own in found.items():
            beside = name.rpartition("/")[0] == folder
            if beside and includes.search(files.text(name)):
                found[name] = Seen(
                    own.mentions or of_part.mentions,
                    own.registers or of_part.registers,
                )
    return found


def _look(
    files: TreeFiles, names: Sequence[str], store: Store, each: Each
) -> dict[str, Seen]:
    words = _words(files, store)
    parts = (
        parts_hash("roots", "machines", "c_text.py", "pipeline/survey.py"),
        str(files.root),
        *sorted(words),
    )
    key = f"seen-{hashed(parts)}"
    known: Mapping[str, Sequence[object]] = json.loads(store.entry(key) or "{}")
    digests = {name: files.digest(name) for name in names}
    found: dict[str, Seen] = {}
    fresh = []
    for name, digest in digests.items():
        match known.get(name):
            case [str(old), bool(mentions), bool(registers)] if old == digest:
                found[name] = Seen(mentions, registers)
            case _:
                fresh.append(name)
    batches = [fresh[start : start + _BATCH] for start in range(0, len(fresh), _BATCH)]
    for made in each(partial(_seen, files.root, words), batches):
        found |= made
    if fresh:
        new = {
            name: [digests[name], found[name].mentions, found[name].registers]
            for name in fresh
        }
        store.keep_entry(key, json.dumps({**known, **new}))
    return found


def _seen(root: Path, words: frozenset[str], names: Sequence[str]) -> dict[str, Seen]:
    return {name: seen(_text(root / name), words) for name in names}


def _words(files: TreeFiles, store: Store) -> frozenset[str]:
    """:func:`words_of` the tree's headers, from memory where none of them changed."""
    headers = [name for name in files.names if name.endswith(_HEADERS)]
    digests = [files.digest(name) for name in headers]
    key = f"words-{hashed((parts_hash('c_text.py', 'pipeline/survey.py'), *headers, *digests))}"
    known = store.entry(key)
    if known is None:
        known = "\n".join(
            sorted(words_of({name: files.text(name) for name in headers}))
        )
        store.keep_entry(key, known)
    return frozenset(known.split("\n"))


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
    own = parts_hash("linkmodel", "c_text.py", "pipeline/survey.py")
    words = [own, str(files.root), tree.target, files.build_files(), *configured]
    words += ["options", *tree.given.options]
    return f"binary-{hashed(words)}"


def known_binary(key: str, target: str, store: Store) -> SystemBinary | None:
    """The binary that was found out before under this key."""
    text = store.entry(key) if key else None
    if text is None:
        return None
    return SystemBinary(target, *map(tuple, json.loads(text)))


def binary(tree: SourceTree, key: str, store: Store) -> SystemBinary:
    """The binary of a tree's target, worked out and remembered."""
    found = linkmodel.binary(tree)
    if key:
        kept = found.files, found.archive, found.missing, found.include_dirs
        store.keep_entry(key, json.dumps(kept))
    return found
