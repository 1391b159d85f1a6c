"""Which releases of an archive can have written a stream, by its description alone.

No codec is needed for that: a release writes every section in the version of its table, and
describes the fields of that table.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from vmgen.archive import Archive, Release, named
from vmgen.lookup import Lookup
from vmgen.stream.description import Device
from vmgen.stream.errors import Refused, StreamError
from vmgen.stream.origin import refuse_header
from vmgen.stream.parts import WITHOUT_A_TABLE
from vmgen.stream.stream import Stream
from vmgen.stream.tables import Shift, parted, sized

_WORD = re.compile(r"[A-Za-z_]\w+")

_Part: TypeAlias = tuple[int, frozenset[tuple[str, str]], tuple[int, ...]]
"""A device by its number, the descriptions (file, symbol) that may be its own, and the
modules (by identity) that these are in or need."""


@dataclass(frozen=True, slots=True)
class Writers:
    """Releases, the oldest first, whose tables for a stream's sections are the same."""

    target: str
    releases: tuple[Release, ...]


@dataclass(frozen=True, slots=True)
class Likely:
    """The ``writers`` that fit a stream, those with the newest release first; where there
    are none, by release why it does not."""

    writers: tuple[Writers, ...]
    refusals: Mapping[str, StreamError]


def section_names(stream: Stream) -> tuple[str, ...]:
    """What a stream's description calls its devices, and their tables; sorted, empty
    without a description."""
    document = stream.description
    names: set[str] = set()
    for device in () if document is None else document.devices:
        names |= {*_names(device)}
    return tuple(sorted(names))


def every_name(stream: Stream) -> tuple[str, ...] | None:
    """The same with the sections that the stream has and does not describe; None where
    there may be others: without a description, behind a part that cannot be bounded, and where the
    description of a section cannot be read.

    QEMU loads a stream whatever its description says.
    """
    try:
        names = {*section_names(stream)}
        if not names:
            return None
        names |= {section.name for section in stream.sections}
    except StreamError:
        return None
    return tuple(sorted(names))


def cpu_words(stream: Stream) -> set[str]:
    """The words in the names of the fields that the stream's description gives its
    CPU; none where it describes no CPU."""
    document = stream.description
    return {
        word
        for device in (() if document is None else document.devices)
        if device.name.rpartition("/")[2] == "cpu"
        for name, _ in sized(device.node)
        for word in _WORD.findall(name)
    }


_PAGE_SIZES = (4096, 8192, 16384, 1024, 256)
"""The page sizes of QEMU's targets in bytes, the usual one first: a stream that is cut may
not say its own."""


def _begun(stream: Stream) -> set[str]:
    """The names of the sections as far as the stream can be read, that of the one in which
    it cannot among them."""
    return max((_names_until(stream.loosely(size)) for size in _PAGE_SIZES), key=len)


def _names_until(stream: Stream) -> set[str]:
    names: set[str] = set()
    try:
        for section in stream.sections:
            names.add(section.name)
    except StreamError as error:
        names.add(error.path.partition(" ")[0].rpartition("/")[0])
    return names


_HEADER = re.compile(rb"\x04\0\0..([\x01-\xff])", re.DOTALL)
"""What every section of a device begins with (``save_section_header``,
``migration/savevm.c``): its kind, its number, of which a machine has less than 65,536, and
how long its name is."""

_PRINTED = re.compile(rb"[!-~][ -~]*")

_LAST = 1 << 26
"""Bytes at the end of a stream, where the devices are, that are looked at."""


def _written(stream: Stream) -> set[str]:
    """The names that may be those of sections behind where a stream without a description
    can be read: whatever looks like a section's beginning, device paths left out."""
    if stream.description is not None:
        return set()
    view = stream.view[-_LAST:]
    names = set()
    for found in _HEADER.finditer(view):
        name = bytes(view[found.end() : found.end() + found[1][0]])
        if len(name) == found[1][0] and _PRINTED.fullmatch(name):
            names.add(name.decode().rpartition("/")[2])
    return names


def _machine(stream: Stream) -> str:
    """The machine type that a stream says, whatever its pages are; empty for none."""
    for size in (None, *_PAGE_SIZES):
        try:
            found = stream.loosely(size).configuration
        except StreamError:
            continue
        return "" if found is None else str(found.machine)
    return ""


def targets_of(
    archive: Archive, release: Release, stream: Stream, among: Collection[str] = ()
) -> tuple[str, ...]:
    """The targets of a release (all, or those ``among`` some) whose CPU has most of the
    fields that the stream's CPU has, and of these those that have its machine type, if any
    has; where its description has no CPU, or it has no description, those of all that have
    its machine type and sections."""
    words = cpu_words(stream)
    machine = _machine(stream)
    if not words:
        return archive.fitting(release, machine, _begun(stream) | _written(stream))
    scores = {
        target: len(
            words
            & {
                word
                for name in archive.field_names(release, target, "cpu")
                for word in _WORD.findall(name)
            }
        )
        for target in release.targets
        if not among or target in among
    }
    best = max(scores.values(), default=0)
    found = tuple(name for name, score in scores.items() if best and score == best)
    if len(found) > 1 and machine:
        return archive.having(release, machine, found) or found
    return found


def writers(archive: Archive, stream: Stream, target: str | None = None) -> Likely:
    """The releases that can have written the stream; of one target if it is named."""
    names = section_names(stream)
    if not names:
        return Likely((), {})
    registering = _registering(archive, stream, names)
    able = [
        release
        for release in archive.releases
        if (here := registering[release.number]) and target in (None, *here)
    ]
    found = _among(archive, able, stream, target, registering)
    if found.writers:
        return found
    # Why each of the others is none takes all that is known of its CPUs.
    return _among(archive, archive.releases, stream, target, registering)


def _among(
    archive: Archive,
    several: Sequence[Release],
    stream: Stream,
    target: str | None,
    registering: Sequence[Collection[str]],
) -> Likely:
    """The same of some releases."""
    names = section_names(stream)
    refusals: dict[str, StreamError] = {}
    same: dict[tuple[str, frozenset[str]], list[Release]] = {}
    for release in several:
        try:
            refuse_header(release.name, stream)
        except StreamError as error:
            refusals[release.name] = error
            continue
        for one in (
            (target,)
            if target
            else targets_of(archive, release, stream, registering[release.number])
        ):
            if one in release.targets:
                tables = archive.tables(release, one, names)
                same.setdefault((one, tables), []).append(release)
    found = []
    # Targets whose tables are the same (arm and aarch64) would have written the same.
    judged: dict[frozenset[str], StreamError | None] = {}
    parts: dict[_Part, Shift | None] = {}
    # The newest first: the archive keeps the modules as the first who asks has them, and
    # codecs will be made of the newest.
    for (one, tables), releases in reversed(same.items()):
        if tables not in judged:
            differences = _differences(archive, releases[-1], one, stream, names, parts)
            judged[tables] = next(differences, None)
    for (one, tables), releases in same.items():
        wrong = judged[tables]
        if wrong is None:
            found.append(Writers(one, tuple(releases)))
        else:
            refusals |= {release.name: wrong for release in releases}
    if found:
        found.sort(key=lambda item: -item.releases[-1].number)
        return Likely(tuple(found), {})
    return Likely((), refusals)


def _registering(
    archive: Archive, stream: Stream, names: tuple[str, ...]
) -> Sequence[Collection[str]]:
    """By release the targets that register something for each device that the stream's
    description has, in its version; there may be none, and those that there are may
    still have other fields."""
    document = stream.description
    devices = {
        (_names(device), device.version)
        for device in (() if document is None else document.devices)
        if device.version is not None and device.name not in WITHOUT_A_TABLE
    }
    rows = [row for row in archive.registering(names) if _has_a_table(row[0])]
    found: list[set[str]] = [set(one.targets) for one in archive.releases]
    for mine, version in devices:
        some: list[set[str]] = [set() for _ in found]
        for root, fits, runs in rows:
            if root.get("version_id", 0) == version and (
                not fits or not fits.isdisjoint(mine)
            ):
                for first, last, targets in runs:
                    for at in range(first, last + 1):
                        some[at].update(targets)
        for all_of_them, known in zip(found, some, strict=True):
            all_of_them &= known
    return found


def _differences(
    archive: Archive,
    release: Release,
    target: str,
    stream: Stream,
    names: tuple[str, ...],
    parts: dict[_Part, Shift | None],
) -> Iterator[StreamError]:
    """What the release would have written in another way; ``parts`` are the devices that
    were compared before, with the same modules of other releases."""
    document = stream.description
    assert document is not None  # or there would be no target
    roots = [one for one in archive.roots(release, target, names) if _has_a_table(one)]
    writers: list[tuple[int, Device, list[dict[str, Any]]]] = []
    for at, device in enumerate(document.devices):
        if device.version is None or device.name in WITHOUT_A_TABLE:
            continue
        mine = [one for one in roots if named(one["section"], _names(device))]
        if not mine:
            yield Refused(
                "no device of the release has such a section", None, device.path
            )
            continue
        known = {one.get("version_id", 0) for one in mine}
        if device.version not in known:
            writes = " or ".join(map(str, sorted(known)))
            message = f"version {device.version}, and it writes {writes}"
            yield Refused(message, None, device.path)
            continue
        writers.append((at, device, mine))
    # Only a release whose versions are those of the stream is worth reading, and only up
    # to the first device that it would have written in another way.
    lookups: dict[frozenset[str], Lookup] = {}
    for at, device, mine in writers:
        assert device.version is not None
        homes = frozenset((one["home"], one["symbol"]) for one in mine)
        files = frozenset(file for file, _ in homes)
        if files not in lookups:
            lookups[files] = Lookup(archive.anywhere(release, target, files))
        lookup = lookups[files]
        # The archive has each text's module once, and keeps it: the object is the text.
        part = at, homes, tuple(map(id, lookup.program.modules))
        if part not in parts:
            shifts = [
                parted(lookup, placed, device.node, device.version, exact=True)
                for placed in lookup.all()
                if (placed.module.file, placed.description.symbol) in homes
            ]
            parts[part] = shifts[0] if shifts and all(shifts) else None
        if (wrong := parts[part]) is not None:
            yield Refused(wrong.message, None, f"{device.path} {wrong.member}")


def _has_a_table(root: Mapping[str, Any]) -> bool:
    """Whether it is one of a description: only such a device has a version in the
    stream's description (``vmstate_save`` in ``migration/savevm.c``)."""
    return str(root["how"]) != "handlers"


def _names(device: Device) -> tuple[str, str]:
    return device.name, _table(device)


def _table(device: Device) -> str:
    return str(device.node.get("vmsd_name", device.name))
