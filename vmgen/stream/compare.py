"""Two streams by field, not by byte."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from vmgen.stream import paths
from vmgen.stream.frozen import Frozen
from vmgen.stream.memory import Memory
from vmgen.stream.parts import Section
from vmgen.stream.paths import ABSENT
from vmgen.stream.stream import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Change(Frozen):
    """A field that differs; None on a side where it is missing.

    Differing pages of guest memory are one change for every row of them: ``old`` and
    ``new`` are None then, and ``pages`` says how many follow each other.  ``registers``
    are those of a CPU that the field holds, all or part of, and that differ.
    """

    path: str
    old: Any
    new: Any
    pages: int = 0
    registers: tuple[str, ...] = ()


def compare(old: Stream, new: Stream) -> Iterator[Change]:
    """Every difference, in the order of the first stream.

    Raises :class:`StreamError` where one of them cannot be read.
    """
    yield from _configuration(old, new)
    left, right = _by_path(old), _by_path(new)
    for path, section in left.items():
        if path not in right:
            yield Change(path, _kind(section), ABSENT)
            continue
        yield from _section(path, old, section, new, right[path])
    for path, section in right.items():
        if path not in left:
            yield Change(path, ABSENT, _kind(section))
    yield from _live(old, new)
    yield from _memory(old, new)


def _configuration(old: Stream, new: Stream) -> Iterator[Change]:
    one, two = old.configuration, new.configuration
    left = {} if one is None else {"machine": one.machine}
    right = {} if two is None else {"machine": two.machine}
    for values, part in ((left, one), (right, two)):
        for item in () if part is None else part.subsections:
            values[item.name] = item.value  # type: ignore[assignment]
    yield from _values("configuration", left, right)


def _by_path(stream: Stream) -> dict[str, Section]:
    found: dict[str, Section] = {}
    for section in stream.sections:
        if section.means != "ram" and section.kind == "full":
            found[section.path] = section
    return found


def _live(old: Stream, new: Stream) -> Iterator[Change]:
    """Sections that come in pieces: what is in all of them together, since where one ends
    and the next begins says nothing."""
    left, right = _in_pieces(old), _in_pieces(new)
    for path in dict.fromkeys((*left, *right)):
        if path not in right:
            yield Change(path, _size_of(left[path]), ABSENT)
        elif path not in left:
            yield Change(path, ABSENT, _size_of(right[path]))
        elif _bodies(old, left[path]) != _bodies(new, right[path]):
            yield from _values(
                path, _events(old, left[path]), _events(new, right[path])
            )


def _size_of(pieces: list[Section]) -> str:
    return f"{sum(one.end - one.start for one in pieces)} bytes in {len(pieces)} pieces"


def _in_pieces(stream: Stream) -> dict[str, list[Section]]:
    found: dict[str, list[Section]] = {}
    for section in stream.sections:
        if section.means != "ram" and section.kind != "full":
            found.setdefault(section.path, []).append(section)
    return found


def _bodies(stream: Stream, pieces: list[Section]) -> list[bytes]:
    return [stream.body(piece).tobytes() for piece in pieces]


def _events(stream: Stream, pieces: list[Section]) -> list[Any]:
    return [event for piece in pieces for event in stream.events(piece)]


def _kind(section: Section) -> str:
    return f"{section.end - section.start} bytes, version {section.version_id}"


def _section(
    path: str, old: Stream, one: Section, new: Stream, two: Section
) -> Iterator[Change]:
    if one.version_id != two.version_id:
        yield Change(f"{path} version", one.version_id, two.version_id)
    if old.body(one).tobytes() == new.body(two).tobytes():
        return
    left, right = old.values(one), new.values(two)
    if left is None or right is None or one.means != two.means:
        left, right = bytes(old.body(one)), bytes(new.body(two))
    before = False
    places: dict[str, list[str]] | None = None
    for change in _values(path, left, right):
        before = True
        if places is None:
            places = _places(old, one, left, new, two, right)
        if names := _registers(change.path.removeprefix(path), places):
            change = Change(change.path, change.old, change.new, registers=names)
        yield change
    if (
        not before
    ):  # a byte that no value shows: an unused one, a bool that is not 0 or 1
        yield from _values(f"{path} bytes", bytes(old.body(one)), bytes(new.body(two)))


def _places(
    old: Stream, one: Section, left: Any, new: Stream, two: Section, right: Any
) -> dict[str, list[str]]:
    """The registers of a CPU that differ, by the paths of the values that they are in."""
    from vmgen.stream import registers

    files = [
        registers.of_section(stream.codecs, section, values)
        for stream, section, values in ((old, one, left), (new, two, right))
    ]
    known = [{} if file is None else {one.name: one for one in file} for file in files]
    found: dict[str, list[str]] = {}
    for file, mine, other in zip(files, known, known[::-1], strict=True):
        for name, register in mine.items():
            if file is None or other.get(name) == register:
                continue
            for place in file.places(name):
                named = found.setdefault(place, [])
                if name not in named:
                    named.append(name)
    return found


def _registers(path: str, places: dict[str, list[str]]) -> tuple[str, ...]:
    """The registers in a value, below a section, and in those around it."""
    path = path.removeprefix(".")
    found: dict[str, None] = {}
    while path and places:
        found |= dict.fromkeys(places.get(path, ()))
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return tuple(found)


def _values(path: str, old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, memoryview) and isinstance(new, memoryview):
        old, new = old.tobytes(), new.tobytes()
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys((*old, *new)):
            here = paths.joined(path, name)
            yield from _values(here, old.get(name, ABSENT), new.get(name, ABSENT))
    elif isinstance(old, (list, array)) and isinstance(new, (list, array)):
        for index in range(max(len(old), len(new))):
            left = old[index] if index < len(old) else ABSENT
            right = new[index] if index < len(new) else ABSENT
            yield from _values(f"{path}[{index}]", left, right)
    elif isinstance(old, bytes) and isinstance(new, bytes) and len(old) == len(new):
        if old != new:
            yield from _bytes(path, old, new)
    elif old is not new and (type(old) is not type(new) or old != new):
        yield Change(path, old, new)


def _bytes(path: str, old: bytes, new: bytes) -> Iterator[Change]:
    """Runs of differing bytes."""
    index = 0
    while index < len(old):
        if old[index] == new[index]:
            index += 1
            continue
        stop = index
        while stop < len(old) and old[stop] != new[stop]:
            stop += 1
        place = path if len(old) <= 16 else f"{path}[{index}]"
        chunk = (old, new) if len(old) <= 16 else (old[index:stop], new[index:stop])
        yield Change(place, *chunk)
        if len(old) <= 16:
            return
        index = stop


def _memory(old: Stream, new: Stream) -> Iterator[Change]:
    one, two = _of(old), _of(new)
    left = {} if one is None else {block.name: block for block in one.blocks}
    right = {} if two is None else {block.name: block for block in two.blocks}
    for name in dict.fromkeys((*left, *right)):
        path = f"ram {name}"
        sizes = [
            side[name].used_length if name in side else ABSENT for side in (left, right)
        ]
        if sizes[0] != sizes[1]:
            yield Change(path, sizes[0], sizes[1])
        elif one is not None and two is not None:
            yield from _pages(path, one, two, name)


def _of(stream: Stream) -> Memory | None:
    has_ram = any(section.means == "ram" for section in stream.sections)
    return stream.memory() if has_ram else None


def _pages(path: str, one: Memory, two: Memory, block: str) -> Iterator[Change]:
    """Rows of pages that differ; a page that is missing is as one of zeros."""
    size = one.page_size
    first = count = 0
    for address in _differing(one, two, block):
        if count and address == first + count * size:
            count += 1
            continue
        if count:
            yield Change(f"{path} {first:#x}", None, None, count)
        first, count = address, 1
    if count:
        yield Change(f"{path} {first:#x}", None, None, count)


def _differing(one: Memory, two: Memory, block: str) -> Iterator[int]:
    left, right = one.contents(block), two.contents(block)
    end = (1 << 64, memoryview(b""))
    mine, other = next(left, end), next(right, end)
    while mine is not end or other is not end:
        if mine[0] == other[0]:
            if mine[1].tobytes() != other[1].tobytes():
                yield mine[0]
            mine, other = next(left, end), next(right, end)
        elif mine[0] < other[0]:
            yield mine[0]
            mine = next(left, end)
        else:
            yield other[0]
            other = next(right, end)
