"""Codecs made on the fly, from a QEMU source tree or from the embedded headers.

They are kept in the cache folder, so that a tree is read once.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vmgen.cli.console import Console
from vmgen.source import Diagnostic, VmgenError

if TYPE_CHECKING:
    from vmgen.pipeline import Request
    from vmgen.stream import Codecs
    from vmgen.stream.input import Input

_WORD = re.compile(r"[A-Za-z_]\w+")
_CPU_PARTS = ("target", "include", "migration", "hw/core")
_SETTING = re.compile(r"^(TARGET_(?:BASE_)?ARCH)=(\w+)", re.MULTILINE)


def from_tree(
    qemu: Path, targets: Sequence[str], whole: bool, console: Console
) -> Path:
    """The folder of a package made from a source tree, made if need be.

    ``whole`` asks for every device that the binaries contain.
    """
    from vmgen.pipeline import Request

    root = qemu.resolve()
    requests = [Request(target=target, qemu=root, whole=whole) for target in targets]
    read = [root / "VERSION"]
    if whole:
        read += sorted((root / "hw").rglob("*.[ch]"))
    for part in _CPU_PARTS:
        read += sorted((root / part).rglob("*.[ch]"))
    return _kept((str(root), str(whole), *targets), read, requests, console)


def _kept(
    words: tuple[str, ...],
    read: Iterable[Path],
    requests: Sequence[Request],
    console: Console,
) -> Path:
    import vmgen
    from vmgen.cli.job import Job, compile_all
    from vmgen.pipeline import generate
    from vmgen.tree import cache

    def make() -> dict[str, str]:
        programs = compile_all(Job(tuple(requests), Path()), console)
        with console.working():
            console.progress("writing Python")
            return {file.path: file.text for file in generate(programs)}

    own = sorted(Path(vmgen.__file__).parent.rglob("*.py"))
    name = cache.signature((*words, sys.version), (*read, *own))
    return cache.entry(_folder(), name, make)


def _folder() -> Path:
    from vmgen.tree import cache

    return cache.folder(None).parent / "codecs"


# --- a release by its number ----------------------------------------------------------------


def of_release(name: str, target: str | None, console: Console) -> dict[str, Path]:
    """The folders of a release's targets (``10.0``, ``10.0.2``), or of the one named.

    A target's is in the output folder or in a package made from a tree before (the one
    with most devices), else in that of the embedded headers.  VG710 if there is none of
    the release.
    """
    if not re.fullmatch(r"\d+(\.\d+)*", name):
        raise VmgenError(
            Diagnostic("VG710", f"{name}: no such folder, and not a release like 10.0")
        )
    found: dict[str, Path] = {}
    known: set[str] = set()
    for folder in _at_hand():
        for one, release in _releases(folder):
            known.add(release)
            place = folder / one
            if _is(name, release) and _extent(place) > _extent(found.get(one)):
                found[one] = place
    embedded = _embedded_targets()
    asked = {target} if target else set(embedded)
    if asked - found.keys() and _is(name, _embedded_release()):
        package = _embedded(console)
        found = {one: package / one for one in embedded} | found
    if not found:
        there = ", ".join(sorted({_embedded_release(), *filter(None, known)}))
        hint = (
            f"there are: {there}; others are made from their sources with --qemu TREE"
        )
        raise VmgenError(Diagnostic("VG710", f"no codecs of release {name}", hint=hint))
    return {target: found[target]} if target in found else found


def every_release(target: str | None, console: Console) -> dict[str, dict[str, Codecs]]:
    """Codecs by release and target, of every release they are at hand for (the newest
    first); of one target if it is named.  VG710 if there are none of it."""
    from vmgen.stream.packages import from_folder

    places: dict[str, dict[str, Path]] = {}
    for folder in _at_hand():
        for one, release in _releases(folder):
            known = places.setdefault(release, {})
            if _extent(folder / one) > _extent(known.get(one)):
                known[one] = folder / one
    if _embedded_release() not in places:
        package = _embedded(console)
        embedded = {one: package / one for one in _embedded_targets()}
        places[_embedded_release()] = embedded
    found = {
        release: {
            one: from_folder(place)[one]
            for one, place in sorted(places[release].items())
            if target in (None, one)
        }
        for release in sorted(places, key=_ordered, reverse=True)
    }
    found = {release: packages for release, packages in found.items() if packages}
    if not found:
        raise VmgenError(Diagnostic("VG710", f"there are no codecs for '{target}'"))
    return found


def _ordered(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", release))


def others(codecs: Codecs) -> Iterator[Codecs]:
    """Codecs of other releases for the same target that are at hand."""
    from vmgen.stream.packages import from_folder
    from vmgen.stream.tables import of

    known = of(codecs)
    for folder in _at_hand():
        for target, release in _releases(folder):
            if target == codecs.target and (known is None or release != known.release):
                yield from_folder(folder / target)[target]


def _is(name: str, release: str) -> bool:
    return release == name or release.startswith(f"{name}.")


def _at_hand() -> Iterator[Path]:
    from vmgen import config

    folder = config.find(Path.cwd()).output or Path("generated")
    if folder.is_dir():
        yield folder
    if _folder().is_dir():
        yield from sorted(_folder().iterdir())


def _releases(folder: Path) -> Iterator[tuple[str, str]]:
    from vmgen.stream.tables import Tables

    for file in sorted(folder.glob("*/ir.json")):
        yield file.parent.name, Tables(file.parent).release


def _extent(place: Path | None) -> int:
    """How much the tables in a target's folder say; 0 where there is none."""
    return 0 if place is None else (place / "ir.json").stat().st_size


def _embedded_targets() -> tuple[str, ...]:
    from vmgen.cli.job import EMBEDDED_TARGETS

    return EMBEDDED_TARGETS


def _embedded_release() -> str:
    from vmgen import tree

    return tree.embedded(_embedded_targets()[0]).release


def _embedded(console: Console) -> Path:
    from vmgen.pipeline import Request

    targets = _embedded_targets()
    requests = [Request(target=target) for target in targets]
    return _kept(("embedded", *targets), (), requests, console)


# --- the target -----------------------------------------------------------------------------


def likely(qemu: Path, source: Input) -> tuple[str, ...]:
    """The targets of a tree whose CPU code has most of the names that the stream's
    description gives the fields of its CPU.

    VG711 if there is no description, or no CPU in it.
    """
    names = set(_cpu_names(source))
    scores = {
        arch: len(names & set(_words(qemu / "target" / arch)))
        for arch in {arch for _, arch in _targets(qemu)}
    }
    best = max(scores.values(), default=0)
    if not names or not best:
        hint = "give it with --target"
        message = "nothing in the stream says which target it is"
        raise VmgenError(Diagnostic("VG711", message, hint=hint))
    return tuple(name for name, arch in _targets(qemu) if scores[arch] == best)


def _cpu_names(source: Input) -> Iterator[str]:
    from vmgen.stream import Stream
    from vmgen.stream.tables import sized

    source.finish()
    document = Stream(source, strict=False).description
    for device in () if document is None else document.devices:
        if device.name.rpartition("/")[2] == "cpu":
            for name, _ in sized(device.node):
                yield from _WORD.findall(name)


def _targets(qemu: Path) -> Iterator[tuple[str, str]]:
    """Every target with the folder of its architecture."""
    from vmgen.pipeline import all_targets

    for target in all_targets(qemu):
        file = qemu / "configs" / "targets" / f"{target}-softmmu.mak"
        found = dict(_SETTING.findall(file.read_text(encoding="utf-8")))
        yield target, found.get("TARGET_BASE_ARCH") or found.get("TARGET_ARCH", target)


def _words(folder: Path) -> Iterator[str]:
    """The words of the files with an architecture's tables."""
    for file in sorted(folder.rglob("*.c")):
        text = file.read_text(encoding="utf-8", errors="replace")
        if "VMStateDescription" in text:
            yield from _WORD.findall(text)
