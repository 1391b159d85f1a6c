"""A section whose table ends in the wrong place, in a stream that describes nothing.

Its footer is looked for: the true one is among the places that can be it.  A table of
another release that ends at such a place is the one that the section was written with, or
one just like it; where the two tables part, the rest was moved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from vmgen import ir
from vmgen.ir.size import of_element as size_of_element
from vmgen.lookup import Lookup, Placed
from vmgen.stream import tables
from vmgen.stream.codecs import Codecs
from vmgen.stream.errors import StreamError
from vmgen.stream.frozen import Frozen
from vmgen.stream.stream import Stream
from vmgen.stream.wire import SECTION_FULL, Cursor, printable


class Moved(Frozen):
    """What can be said: ``member`` is the first field where the tables part, empty where
    it is not known; ``message`` begins with what is certain."""

    member: str
    offset: int
    message: str


def moved(
    stream: Stream, error: StreamError, codecs: Codecs, others: Iterable[Codecs]
) -> Moved | None:
    """What moved the footer that ``error`` misses; None if nothing can be said.

    ``others`` are codecs of the same target from other releases.
    """
    section = _broken(stream)
    if section is None or error.offset is None or section.path != error.path:
        return None
    end = error.offset
    places = set(section.footers(stream.view))
    said = []
    if len(places) == 1:
        (place,) = places
        said.append(
            f"the section has {place - section.start} bytes, and the release's table reads "
            f"{end - section.start}"
        )
    for other in others:
        codec, known = other.get(section.name), tables.of(other)
        if codec is None or known is None:
            continue
        try:
            _, other_end = other.load(
                codec, stream.view, section.start, section.version, section.path
            )
        except StreamError:
            continue
        if other_end not in places:
            continue
        said.append(f"the table of QEMU {known.release} ends at its footer")
        shift = _parted(codecs, other, section)
        if shift is not None:
            said.append(f"most probably moved by '{shift.member}': {shift.message}")
        where = end if shift is None else shift.offset
        return Moved("" if shift is None else shift.member, where, "; ".join(said))
    return Moved("", end, said[0]) if said else None


class _Broken(Frozen):
    """The section behind the last part that could be read."""

    id: int
    name: str
    path: str
    version: int
    start: int

    def footers(self, view: memoryview) -> Iterator[int]:
        """Every place that can be its footer."""
        mark = re.escape(b"\x7e" + self.id.to_bytes(4, "big"))
        pattern = re.compile(mark + rb"(?=[\x00\x01\x02\x03\x04\x08]|\Z)")
        for match in pattern.finditer(view, self.start):
            yield match.start()


def _broken(stream: Stream) -> _Broken | None:
    at = 0
    try:
        for part in stream.parts():
            at = part.offset + part.size
        return None
    except StreamError:
        pass  # the error that is to be explained
    try:
        cursor = Cursor(stream.view, at)
        if cursor.u8() != SECTION_FULL:
            return None
        number, name = cursor.u32(), cursor.text()
        instance, version = cursor.u32(), cursor.u32()
    except StreamError:
        return None
    return _Broken(number, name, f"{printable(name)}/{instance}", version, cursor.pos)


def _parted(codecs: Codecs, other: Codecs, section: _Broken) -> tables.Shift | None:
    """The first field in which the tables of two releases part, as far as the sizes of
    the other's fields are known beforehand."""
    asked, known = tables.of(codecs), tables.of(other)
    codec, written = codecs.get(section.name), other.get(section.name)
    if asked is None or known is None or codec is None or written is None:
        return None
    ours, theirs = asked.table(codec), known.table(written)
    if ours is None or theirs is None:
        return None
    fields, complete = _node(theirs, known.lookup, section.version)
    shift = asked.shift(ours, {"fields": fields}, section.version, section.start)
    if shift is None or (shift.at_end and not complete):
        return None
    return shift


def _node(
    placed: Placed, lookup: Lookup, version: int
) -> tuple[list[dict[str, Any]], bool]:
    """A table's fields as a stream of this version describes them, and whether they are
    all: it ends before the first whose bytes vary."""
    made: list[dict[str, Any]] = []
    for field in placed.description.fields:
        if isinstance(field.element, ir.NothingElement) or field.version_id > version:
            continue
        count = field.count
        if field.test or field.pointers or not isinstance(count, ir.Fixed):
            return made, False
        entry: dict[str, Any] = {"name": field.name, "array_len": count.value}
        size = size_of_element(field)
        if isinstance(field.element, ir.StructElement) and not field.element.vstruct:
            nested = lookup.find(field.element.description, placed.module)
            if nested is None or nested.description.subsections:
                return made, False
            inner, all_ = _node(nested, lookup, nested.description.version_id)
            if not all_:
                return made, False
            size = sum(one["size"] * one["array_len"] for one in inner)
            entry |= {"type": "struct", "struct": {"fields": inner}}
        if size is None:
            return made, False
        made.append(entry | {"size": size})
    return made, True
