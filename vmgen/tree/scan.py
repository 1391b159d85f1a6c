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

from vmgen.tree import files

_DEFINES = re.compile(
    rb"^[ \t]*(?:static[ \t]+)?(?:const[ \t]+)?VMStateDescription[ \t]+(\w+)"
    rb"[ \t]*(?:\[[^\]]*\][ \t]*)?=",
    re.MULTILINE,
)
_CALLED_CPU = re.compile(rb'\.name[ \t]*=[ \t]*"cpu"')
_REFERS = re.compile(rb"\b(vm\w+)\b")
_COMMON = re.compile(rb"VMStateDescription[ \t]+vmstate_cpu_common[ \t]*=")


def cpu_files(root: Path, base_arch: str) -> tuple[str, ...]:
    """The files of an architecture (below ``target/ARCH``) that describe its CPU, sorted.

    Those with a description called ``cpu``, and those that define what these refer to;
    empty for an architecture whose CPU has no description.
    """
    texts: dict[str, bytes] = {}
    home: dict[bytes, str] = {}
    chosen: dict[str, None] = {}
    for path in sorted(files.sources(root, f"target/{base_arch}")):
        text = (root / path).read_bytes()
        if b"VMStateDescription" not in text:
            continue
        names = _DEFINES.findall(text)
        if not names:
            continue
        texts[path] = text
        for name in names:
            home.setdefault(name, path)
        if _CALLED_CPU.search(text):
            chosen[path] = None
    pending = list(chosen)
    while pending:
        path = pending.pop()
        own = set(_DEFINES.findall(texts[path]))
        for name in set(_REFERS.findall(texts[path])) - own:
            other = home.get(name)
            if other is not None and other not in chosen:
                chosen[other] = None
                pending.append(other)
    return tuple(sorted(chosen))


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
        if _COMMON.search(path.read_bytes()):
            return path
    for name in sorted(files.sources(root)):
        if _COMMON.search((root / name).read_bytes()):
            return root / name
    return None
