"""Codecs made on the fly, from a QEMU source tree or from the embedded headers.

They are kept in the cache folder under the contents of the tree, so that a tree is read
once, and two trees that name the same release stay two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vmgen.cache import Cache, hashed
from vmgen.cli.console import Console
from vmgen.cli.stream.maker import this_vmgen
from vmgen.source import Diagnostic, VmgenError

if TYPE_CHECKING:
    from vmgen.pipeline import Request
    from vmgen.stream import Codecs
    from vmgen.stream.input import Input

_WORD = re.compile(r"[A-Za-z_]\w+")
_PROVENANCE = "made-from.json"


@dataclass(frozen=True, slots=True)
class Kept:
    """A package in the cache, with the tree that it was made from.

    ``content`` is the hash over the tree's files, ``maker`` that over the vmgen that made
    it; ``whole`` says whether the package has every device, ``made`` is when it was made
    (ns since the epoch).
    """

    folder: Path
    tree: str
    content: str
    maker: str
    whole: bool
    made: int


def from_tree(
    qemu: Path, targets: Sequence[str], whole: bool, console: Console
) -> Path:
    """The folder of a package made from a source tree, made if need be.

    ``whole`` asks for every device that the binaries contain.  What the project in the
    working directory says of the tree and the lines that it has for infos are data, and
    hold here too.  Its Python functions run for who names a package: what they read is
    opaque, which a message reports.
    """
    from vmgen import config
    from vmgen.cli.job import about_tree, formats_of
    from vmgen.pipeline import Request
    from vmgen.pipeline.survey import TreeFiles

    root = qemu.resolve()
    settings = config.find(Path.cwd()).about(root)
    formats = formats_of(settings)
    if called := [one.symbol for one in formats if one.load]:
        console.message(
            f"opaque: {', '.join(called)}; the Python functions of pyproject.toml run"
            " with --codecs and the package that 'vmgen generate' wrote"
        )
    lines = tuple(one for one in formats if not one.load)
    request = Request(qemu=root, whole=whole, formats=lines)
    request = about_tree(request, settings)
    requests = [replace(request, target=target) for target in targets]
    content = TreeFiles(root).everything()
    return _kept(requests, str(root), content, whole, console)


def _kept(
    requests: Sequence[Request], tree: str, content: str, whole: bool, console: Console
) -> Path:
    from vmgen.cli.job import Job, compile_all
    from vmgen.pipeline import generate
    from vmgen.tree.source_tree import NOTHING_GIVEN

    maker = this_vmgen()

    def make() -> dict[str, str]:
        programs = compile_all(Job(tuple(requests), Path()), console)
        # The sections that have no codec are said where the stream has them.
        console.incomplete = False
        with console.working():
            console.progress("writing Python")
            files = {file.path: file.text for file in generate(programs)}
        source = {"tree": tree, "content": content, "maker": maker, "whole": whole}
        return {**files, _PROVENANCE: json.dumps(source)}

    name = hashed((repr(requests), content, maker))[:24]
    # What a project says of a tree is not the tree's own: no release is found there.
    taught = any(one.formats or one.given != NOTHING_GIVEN for one in requests)
    kind = "taught" if taught else "codecs" if tree else "embedded"
    return Cache.of(kind).folder_of(name, make)


def provenance(folder: Path) -> Kept | None:
    """What a package in the cache was made from; None where it does not say."""
    file = folder / _PROVENANCE
    if not file.is_file():
        return None
    try:
        source = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError):
        return None
    types = {"tree": str, "content": str, "maker": str, "whole": bool}
    if not isinstance(source, dict) or types != {
        name: type(value) for name, value in source.items()
    }:
        return None  # another vmgen wrote it, which said other things
    return Kept(folder, made=file.stat().st_mtime_ns, **source)


def kept() -> Iterator[Kept]:
    """The packages that this vmgen made from trees before, each tree as it was read
    last."""
    newest: dict[tuple[str, bool, tuple[str, ...]], Kept] = {}
    for folder in Cache.of("codecs").folders():
        one = provenance(folder)
        if one is None or one.maker != this_vmgen():
            continue
        targets = tuple(sorted(path.parent.name for path in folder.glob("*/ir.json")))
        place = (one.tree, one.whole, targets)
        if place not in newest or newest[place].made < one.made:
            newest[place] = one
    return iter(newest.values())


# --- a release by its number ----------------------------------------------------------------


def of_release(name: str, target: str | None, console: Console) -> dict[str, Path]:
    """The folders of a release's targets (``10.0``, ``10.0.2``), or of the one named.

    They come from trees of that release that were read before, those with every device
    first; the embedded headers have what is missing.  VG710 if there is nothing of the
    release, VG711 if two trees name it and differ.
    """
    if not re.fullmatch(r"\d+(\.\d+)*", name):
        raise VmgenError(
            Diagnostic("VG710", f"{name}: no such folder, and not a release like 10.0")
        )
    from vmgen.cli.shipped import RELEASES_HINT

    found: dict[str, Kept] = {}
    known: set[str] = set()
    for one in kept():
        for each, release in releases_of(one.folder):
            known.add(release)
            other = found.get(each)
            if not _is(name, release) or target not in (None, each):
                continue
            if other is not None and other.content != one.content:
                raise _two_trees(name, other, one)
            if other is None or (one.whole and not other.whole):
                found[each] = one
    places = {each: one.folder / each for each, one in found.items()}
    for tree in sorted({one.tree for one in found.values()}):
        console.message(f"codecs of QEMU {name} as in {tree}")
    embedded = _embedded_targets()
    asked = {target} if target else set(embedded)
    if asked - places.keys() and _is(name, _embedded_release()):
        package = _embedded(console)
        places = {one: package / one for one in embedded} | places
    if not places:
        read = ", ".join(sorted(filter(None, known)))
        hint = f"{RELEASES_HINT} with --qemu TREE"
        hint += f"; trees that were read before: {read}" if read else ""
        raise VmgenError(Diagnostic("VG710", f"no codecs of release {name}", hint=hint))
    return {target: places[target]} if target in places else places


def _two_trees(name: str, one: Kept, other: Kept) -> VmgenError:
    trees = " or ".join(f"--qemu {tree}" for tree in sorted({one.tree, other.tree}))
    return VmgenError(
        Diagnostic(
            "VG711",
            f"two trees that differ both name release {name}",
            hint=f"say which: {trees}",
        )
    )


def every_release(target: str | None, console: Console) -> dict[str, dict[str, Codecs]]:
    """Codecs by release and target: the embedded ones and those of trees that were read
    before (the newest first); of one target if it is named.

    Where several trees name one release, each has the tree's path behind its number.
    VG710 if there are none of the target.
    """
    from vmgen.cli.shipped import order
    from vmgen.stream.packages import from_folder

    places: dict[str, dict[str, Path]] = {}
    contents: dict[tuple[str, str], Kept] = {}
    for one in sorted(kept(), key=lambda one: one.whole):
        for each, release in releases_of(one.folder):
            first = contents.setdefault((release, each), one)
            alike = first.content == one.content
            name = release if alike else f"{release} ({one.tree})"
            places.setdefault(name, {})[each] = one.folder / each
    known = places.setdefault(_embedded_release(), {})
    missing = [one for one in _embedded_targets() if one not in known]
    if missing and target in (None, *missing):
        package = _embedded(console)
        known |= {one: package / one for one in missing}
    found = {
        release: {
            one: from_folder(place)[one]
            for one, place in sorted(places[release].items())
            if target in (None, one)
        }
        for release in sorted(places, key=order, reverse=True)
    }
    found = {release: packages for release, packages in found.items() if packages}
    if not found:
        raise VmgenError(Diagnostic("VG710", f"there are no codecs for '{target}'"))
    return found


def others(codecs: Codecs) -> Iterator[Codecs]:
    """Codecs of other releases for the same target, made from trees before."""
    from vmgen.stream.packages import from_folder
    from vmgen.stream.tables import of

    known = of(codecs)
    for one in kept():
        for target, release in releases_of(one.folder):
            if target == codecs.target and (known is None or release != known.release):
                yield from_folder(one.folder / target)[target]


def _is(name: str, release: str) -> bool:
    return release == name or release.startswith(f"{name}.")


def releases_of(folder: Path) -> Iterator[tuple[str, str]]:
    """The targets of a package in the cache, and the release of each."""
    from vmgen.stream.meta import read_meta

    for file in sorted(folder.glob("*/ir.json")):
        yield file.parent.name, read_meta(file.parent).release


def _embedded_targets() -> tuple[str, ...]:
    from vmgen.cli.job import EMBEDDED_TARGETS

    return EMBEDDED_TARGETS


def _embedded_release() -> str:
    from vmgen import tree

    return tree.embedded(_embedded_targets()[0]).release


def _embedded(console: Console) -> Path:
    from vmgen.pipeline import Request

    requests = [Request(target=target) for target in _embedded_targets()]
    return _kept(requests, "", "", False, console)


# --- the target -----------------------------------------------------------------------------


MOST_TARGETS = 8
"""Of so many the codecs are made, to find the one that reads the stream."""


def no_target(fitting: Sequence[str] = ()) -> VmgenError:
    """VG711: only the user can say which target it is, of those that fit."""
    listed = f", one of {', '.join(fitting)}" if fitting else ""
    return VmgenError(
        Diagnostic(
            "VG711",
            "nothing in the stream says which target it is",
            hint=f"give it with --target{listed}",
        )
    )


def likely(qemu: Path, source: Input) -> tuple[str, ...]:
    """The targets of a tree whose CPU code has most of the names that the stream's
    description gives the fields of its CPU; where it describes no CPU, those that have
    its machine type and sections in the newest release that vmgen knows.

    VG101 if it is no tree, VG711 if nothing tells the target.
    """
    from vmgen import archive
    from vmgen.stream import Stream
    from vmgen.stream.writers import cpu_words, targets_of

    source.finish()
    stream = Stream(source, strict=False)
    stream.require_header()
    names = cpu_words(stream)
    there = archive.shipped()
    if not names and there is not None:
        known = {target for target, _ in _targets(qemu)}
        fitting = targets_of(there, there.releases[-1], stream)
        chosen = tuple(target for target in fitting if target in known)
        if not 0 < len(chosen) <= MOST_TARGETS:
            raise no_target(chosen)
        return chosen
    scores = {
        arch: len(names & set(_words(qemu / "target" / arch)))
        for arch in {arch for _, arch in _targets(qemu)}
    }
    best = max(scores.values(), default=0)
    if not names or not best:
        raise no_target()
    return tuple(name for name, arch in _targets(qemu) if scores[arch] == best)


def refuse_tree(qemu: Path, target: str | None) -> None:
    """Raises VG101 for a folder that is no tree, VG102 for one without this target."""
    known = [name for name, _ in _targets(qemu)]
    if target not in (None, *known):
        message = f"no target '{target}' in {qemu}"
        raise VmgenError(
            Diagnostic("VG102", message, hint=f"there are: {', '.join(known)}")
        )


def _targets(qemu: Path) -> Iterator[tuple[str, str]]:
    """Every target with the folder of its architecture."""
    from vmgen.tree import configurations_of

    places = configurations_of(qemu)
    for target in places.names():
        found = places.settings_of(target)
        yield target, found.get("TARGET_BASE_ARCH") or found.get("TARGET_ARCH", target)


def _words(folder: Path) -> Iterator[str]:
    """The words of the files with an architecture's tables."""
    for file in sorted(folder.rglob("*.c")):
        text = file.read_text(encoding="utf-8", errors="replace")
        if "VMStateDescription" in text:
            yield from _WORD.findall(text)
