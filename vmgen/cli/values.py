"""What the values of options and arguments can be, for a shell that completes them.

A shell asks at every press of a key: nothing here compiles, reads a whole stream or unpacks
more than the index of the archive.  What cannot be read has no values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never

from vmgen.cli.arguments import Values

if TYPE_CHECKING:
    from vmgen.archive.form import ArchiveIndex
    from vmgen.stream.description import Device, Document

RULES_ELSEWHERE = ("VG408", "VG505")
"""Rules of lint whose code does not begin with VG8."""

_LARGEST = 1 << 25
"""The most bytes that a compressed file is unpacked to."""

Found = Iterator[tuple[str, str]]
"""Values, each with a few words about it, or without."""


def values(kind: Values, given: Mapping[str, Any], begun: str) -> Found:
    """The values of this kind that begin as the word that is ``begun``.

    ``given`` is what the line says before, by the keywords of the parameters.
    """
    found: Found
    match kind:
        case "":
            return
        case "target":
            found = ((name, "") for name in _targets(given))
        case "release":
            found = _releases()
        case "code":
            found = _codes()
        case "rule":
            before, comma, begun = begun.rpartition(",")
            for code, title in _rules():
                if code.startswith(begun.upper()):
                    yield f"{before}{comma}{code}", title
            return
        case "command":
            found = _commands(given.get("words") or ())
        case "machine":
            found = _machines(given)
        case "inspected":
            found = _inspected(given)
        case "part" | "path":
            found = _parts(given.get("file"), begun, registers=kind == "path")
        case "document":
            from vmgen.schemas import VERSIONS

            found = ((name, f"version {number}") for name, number in VERSIONS.items())
        case _:
            assert_never(kind)
    # Codes, machine types and registers are found in any case, as the commands do.
    for value, about in found:
        if value.lower().startswith(begun.lower()):
            yield value, about


# --- releases and what they have ------------------------------------------------------


def _index() -> ArchiveIndex | None:
    from vmgen.archive import form
    from vmgen.source import VmgenError

    with suppress(OSError, VmgenError):
        return form.index_of(form.SHIPPED)
    return None


def _releases() -> Found:
    """Every series, then every release."""
    index = _index()
    names = [] if index is None else [name for name, _ in index.releases]
    series = {name.rpartition(".")[0]: name for name in names}
    for name, newest in series.items():
        yield name, f"the newest of it that is known: {newest}"
    for name in names:
        yield name, ""


def _numbers(index: ArchiveIndex, words: Iterable[str]) -> list[int]:
    """The places of releases that the words name: of a series the newest."""
    names = [name for name, _ in index.releases]
    found = []
    for word in words:
        if word in names:
            found.append(names.index(word))
        elif of := [at for at, one in enumerate(names) if one.startswith(f"{word}.")]:
            found.append(of[-1])
    return found


def _wanted(given: Mapping[str, Any]) -> list[str]:
    """The words of the line that can be releases."""
    words = [given.get(name) for name in ("release", "folder", "old", "new")]
    return [*filter(None, words), *(given.get("sources") or ())]


def _targets(given: Mapping[str, Any]) -> tuple[str, ...]:
    from vmgen import config

    if tree := given.get("qemu"):
        return _of_tree(tree)
    index = _index()
    releases = () if index is None else index.releases
    numbers = [] if index is None else _numbers(index, _wanted(given))
    if not numbers and "qemu" in given and "folder" not in given:
        # A command that reads C, and nothing else is given.
        settings = config.find(Path.cwd())
        if settings.qemu is not None:
            return _of_tree(str(settings.qemu))
        from vmgen.cli.job import EMBEDDED_TARGETS

        return EMBEDDED_TARGETS
    chosen = [releases[number][1] for number in numbers] or [
        names for _, names in releases[-1:]
    ]
    return tuple(
        name for name in next(iter(chosen), ()) if all(name in one for one in chosen)
    )


def _of_tree(name: str) -> tuple[str, ...]:
    from vmgen import config
    from vmgen.tree.targets import configurations

    place = config.find(Path.cwd()).tree(name) or Path(name)
    with suppress(OSError):
        if (found := configurations(place)) is not None:
            return found.names()
    return ()


def _machines(given: Mapping[str, Any]) -> Found:
    """The machine types that all of the releases have, for one of the targets."""
    index = _index()
    if index is None:
        return
    if "sources" in given:
        yield "versioned", "all that stay what they were in one release"
        yield "all", "all that both sides have"
    numbers = _numbers(index, _wanted(given)) or [len(index.releases) - 1]
    every = sorted({one for _, targets in index.releases for one in targets})
    targets = given.get("targets") or every
    names: dict[int, set[str]] = {number: set() for number in numbers}
    for block in index.blocks:
        for known in block.texts if block.kind == "machine" else ():
            for number in numbers:
                if any(known.has(number, target) for target in targets):
                    names[number].add(known.name)
    for name in sorted(set.intersection(*names.values())):
        yield name, ""


def _inspected(given: Mapping[str, Any]) -> Found:
    """Of 'inspect machine TYPE'."""
    if (given.get("names") or ())[:1] == ("machine",):
        yield from _machines(given)
    else:
        yield "machine", "a machine type instead of descriptions"


# --- codes and commands ---------------------------------------------------------------


def _codes() -> Found:
    from vmgen import resources
    from vmgen.source import VmgenError

    with suppress(OSError, VmgenError):
        folder = resources.folder("docs/errors")
        for file in sorted(folder.glob("VG*.md")):
            yield file.stem, _title(file)


def _title(file: Path) -> str:
    """The heading of a page without its code."""
    with file.open(encoding="utf-8") as opened:
        for line in opened:
            if line.startswith("# "):
                return line[2:].strip().removeprefix(file.stem).lstrip(": ")
    return ""


def _rules() -> Found:
    for code, title in _codes():
        if code.startswith("VG8") or code in RULES_ELSEWHERE:
            yield code, title


def _commands(before: Iterable[str]) -> Found:
    from vmgen.cli.listed import COMMANDS, STREAM_COMMANDS

    words = tuple(before)
    if words == ("stream",):
        yield from ((name, "") for name in STREAM_COMMANDS)
    elif not words:
        yield from ((name, "") for name in COMMANDS)
        yield from _codes()


# --- streams --------------------------------------------------------------------------


def _parts(file: str | None, begun: str, *, registers: bool) -> Found:
    """The sections that a stream's own description lists; behind a section and a dot, its
    fields and a CPU's registers; behind ram/ the blocks of guest memory."""
    document = None if file is None else _described(file)
    if document is None:
        return
    if begun.startswith("ram/"):
        yield from _blocks(file or "", "@0x0" if registers else "")
    devices = {one.path: one for one in document.devices}
    for path in devices:
        yield path, ""
    if not registers:
        yield from (("ram", "memory"), ("stream", "without its carrier"))
        yield "description", "the description JSON"
        return
    cpus = [path for path in devices if path.rpartition("/")[0].endswith("cpu")]
    if len(cpus) == 1 and begun:
        yield from _registers(devices[cpus[0]], "")
    for path, device in devices.items():
        if begun.startswith(f"{path}."):
            if path in cpus:
                yield from _registers(device, f"{path}.")
            for name in _fields(device):
                yield f"{path}.{name}", ""


def _described(file: str) -> Document | None:
    """The description JSON at the end of a stream."""
    from vmgen.stream.description import find
    from vmgen.stream.errors import StreamError
    from vmgen.stream.input import Input

    with suppress(OSError, StreamError):
        if not Path(file.partition("@")[0]).is_file():
            return None  # a pipe, which can be read once
        source = Input(file, max_unpacked=_LARGEST)
        source.finish()
        return find(source.view)
    return None


def _blocks(file: str, behind: str) -> Found:
    """The blocks of guest memory, with what comes behind their names."""
    from vmgen.stream.errors import StreamError
    from vmgen.stream.input import Input
    from vmgen.stream.stream import Stream

    with (
        suppress(OSError, StreamError),
        Stream(Input(file, max_unpacked=_LARGEST)) as stream,
    ):
        for name in stream.block_names():
            if name.isprintable():
                yield f"ram/{name}{behind}", "guest memory"


def _fields(device: Device) -> Iterator[str]:
    from vmgen.stream.errors import StreamError

    with suppress(StreamError):
        fields = device.node.get("fields")
        for one in fields if isinstance(fields, list) else ():
            name = one.get("name") if isinstance(one, dict) else None
            if isinstance(name, str) and name:
                yield name


def _registers(device: Device, before: str) -> Found:
    """The registers of the architectures that a CPU's fields can be of."""
    from vmgen.stream.registers.table import probes, table

    fields = set(_fields(device))
    names: dict[str, str] = {}
    for probe, targets in probes():
        if probe.partition(" ")[0] in fields:
            for target in targets:
                known = table(target)
                assert known is not None, target
                for entry in (*known.entries.values(), *known.aliases.values()):
                    if entry.ways:
                        names.setdefault(entry.name, entry.feature)
    for name, feature in names.items():
        yield f"{before}{name}", feature
