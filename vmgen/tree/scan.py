"""Finds, by looking at the text, the files of a tree that describe a CPU.

The files have different names from architecture to architecture and from release to
release, so there is no list: a CPU's description is the one with the wire name ``cpu``,
and what it refers to is followed to where it is defined.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from vmgen.c_text import CText, closing
from vmgen.tree import files

_CALLED_CPU = re.compile(r'\.name\s*=\s*"cpu"')


def cpu_files(root: Path, base_arch: str) -> tuple[str, ...]:
    """The files of an architecture (below ``target/ARCH``) that describe its CPU, sorted.

    Those with a description called ``cpu``, and those that define what these refer to;
    empty for an architecture whose CPU has no description.
    """
    refers: dict[str, set[str]] = {}
    home: dict[str, str] = {}
    chosen: dict[str, None] = {}
    for path in sorted(files.sources(root, f"target/{base_arch}")):
        text = _described(root / path)
        names = defined(text) if text is not None else ()
        if text is None or not names:
            continue
        refers[path] = {word for word in text.words if word.startswith("vm")} - {*names}
        for name in names:
            home.setdefault(name, path)
        if _CALLED_CPU.search(text.code):
            chosen[path] = None
    pending = list(chosen)
    while pending:
        for name in sorted(refers[pending.pop()]):
            other = home.get(name)
            if other is not None and other not in chosen:
                chosen[other] = None
                pending.append(other)
    return tuple(sorted(chosen))


def _described(path: Path) -> CText | None:
    """The text of a file that speaks of descriptions."""
    text = path.read_bytes()
    if b"VMStateDescription" not in text:
        return None
    return CText(text.decode("utf-8", "replace"))


def defined(text: CText) -> tuple[str, ...]:
    """The descriptions that a text defines, by name."""
    words = text.words
    found = []
    for at, word in enumerate(words[:-1]):
        name = words[at + 1]
        if word == "VMStateDescription" and name.isidentifier():
            end = at + 2
            while end < len(words) and (
                words[end] in "[(" or words[end].isidentifier()
            ):
                end = closing(words, end) if words[end] in "[(" else end + 1
            if words[end : end + 1] == ["="]:
                found.append(name)
    return tuple(found)


def common_candidates(root: Path) -> list[Path]:
    """Where releases so far kept ``vmstate_cpu_common``, or might: cheap to look at."""
    out: list[Path] = []
    for folder in (root, root / "hw/core", root / "system", root / "softmmu"):
        if folder.is_dir():
            with os.scandir(folder) as entries:
                out += [Path(e.path) for e in entries if e.name.endswith(".c")]
    return sorted(out)


def common_file(root: Path, candidates: Iterable[Path]) -> Path | None:
    """The file that defines ``vmstate_cpu_common``; searches the whole tree if need be."""
    # Files about CPUs first: only the order of looking depends on the name.
    ordered = sorted(candidates, key=lambda path: ("cpu" not in path.name, path))
    for path in ordered:
        if _is_common(path):
            return path
    for name in sorted(files.sources(root)):
        if _is_common(root / name):
            return root / name
    return None


def _is_common(path: Path) -> bool:
    text = _described(path)
    return text is not None and "vmstate_cpu_common" in defined(text)
