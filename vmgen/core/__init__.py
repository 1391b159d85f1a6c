"""The C that every table rests on, held to what vmgen assumes of it.

What ``vmstate_info_uint32`` moves, and how a table is walked, vmgen does not read from a
tree: it is written in vmgen, as official releases have it.  So the functions and infos of
``migration/vmstate-types.c`` and ``migration/vmstate.c`` are compared with those of the
releases, by a hash of their words; a tree that has a different hash may move other bytes.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from vmgen.c_text import CText, closing, words_of
from vmgen.extract.infos import INTEGERS, OTHERS
from vmgen.source import Diagnostic, Position

FILES = ("migration/vmstate-types.c", "migration/vmstate.c")
_SAID = re.compile(r"(trace_\w+|error_report|error_setg\w*|warn_report\w*|assert)\Z")
"""Functions whose calls change no byte: what they say differs from release to release."""

Variants = Mapping[str, Mapping[str, Mapping[str, str]]]
"""By file, name and hash: the releases that have the function or the info so."""


def changes(root: Path) -> tuple[Diagnostic, ...]:
    """A warning (VG508) for every function and built-in info of the core that no release
    has so, with the infos that it is of; nothing of a file that the tree does not have.
    """
    found = []
    for file in FILES:
        known = _known()[file]
        text = _text(root / file)
        if text is None:
            continue
        infos = _infos(text)
        for name, digest, line in _parts(text):
            if digest in known.get(name, ()):
                continue
            of = infos.get(name, set())
            own = {one for one in of if one in INTEGERS or one in OTHERS}
            # A helper of another name is called by one that differs then; an info that
            # is not built in is read from its C.
            if not own and (of or name not in known):
                continue
            about = " and ".join(sorted(own)) or "every table that it is for"
            found.append(
                Diagnostic(
                    "VG508",
                    f"{name} is not as in any release that vmgen knows: the bytes of "
                    f"{about} may differ",
                    Position(file, line),
                    "warning",
                    "compare it with the release that the tree is made from",
                )
            )
    return tuple(found)


def variants(trees: Sequence[tuple[str, Path]]) -> str:
    """The text of ``functions.toml`` for these releases, each with its tree."""
    seen: dict[str, dict[str, dict[str, list[str]]]] = {file: {} for file in FILES}
    for release, root in trees:
        for file in FILES:
            text = _text(root / file)
            for name, digest, _ in _parts(text) if text is not None else ():
                seen[file].setdefault(name, {}).setdefault(digest, []).append(release)
    lines = [
        "# What the functions and infos of QEMU's core are, by a hash of their words, and the",
        "# first and the last release that has each so.  Made by python -m vmgen.core.",
    ]
    for file, names in seen.items():
        lines += ["", f'["{file}"]']
        for name, digests in sorted(names.items()):
            each = ", ".join(
                f'{digest} = "{releases[0]} to {releases[-1]}"'
                for digest, releases in digests.items()
            )
            lines.append(f"{name} = {{ {each} }}")
    return "\n".join(lines) + "\n"


@cache
def _known() -> Variants:
    text = (files("vmgen.core") / "functions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _text(path: Path) -> CText | None:
    if not path.is_file():
        return None
    return CText(path.read_text(encoding="utf-8", errors="replace"))


def _parts(text: CText) -> Iterator[tuple[str, str, int]]:
    """Each function and each info with the hash of its words and its line."""
    for one in text.functions():
        words = words_of(f"{one.head} {{ {one.body} }}")
        yield one.name, _digest(words), text.line(text.plain.index(one.body))
    for name, at, inside in _initialised(text):
        yield name, _digest(inside), text.line_of(at)


def _digest(words: list[str]) -> str:
    left: list[str] = []
    at = 0
    while at < len(words):
        if _SAID.match(words[at]) and words[at + 1 : at + 2] == ["("]:
            at = closing(words, at + 1)
            at += words[at : at + 1] == [";"]
        else:
            left.append(words[at])
            at += 1
    return f"h{hashlib.sha256(' '.join(left).encode()).hexdigest()[:16]}"


def _infos(text: CText) -> dict[str, set[str]]:
    """The infos that a function, or an info itself, is of."""
    found: dict[str, set[str]] = {}
    for name, _, inside in _initialised(text):
        for word in (name, *inside):
            found.setdefault(word, set()).add(name)
    return found


def _initialised(text: CText) -> Iterator[tuple[str, int, list[str]]]:
    """The infos that the file defines, where each starts, and the words of its braces."""
    words = text.words
    for at, word in enumerate(words):
        if word == "VMStateInfo" and words[at + 2 : at + 4] == ["=", "{"]:
            yield words[at + 1], at, words[at + 4 : closing(words, at + 3)]
