"""The tables a package of codecs was generated from: its ``ir.json``, or the archive's.

A codec says that a section does not fit; its table and the description JSON of the stream,
laid side by side, say which field it is that moved the rest.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from vmgen import ir
from vmgen.ir import json as ir_json
from vmgen.ir.size import of_element as size_of_element
from vmgen.lookup import Lookup, Placed
from vmgen.source import VmgenError
from vmgen.stream.codec import Codec
from vmgen.stream.codecs import Codecs
from vmgen.stream.description import Node, listed, name_of, number
from vmgen.stream.errors import NoCodecs
from vmgen.stream.meta import read_meta
from vmgen.stream.wire import printable, raw


@dataclass(frozen=True, slots=True)
class Shift:
    """The first field where a stream and a table part.

    ``member`` is its path by names on the wire, ``offset`` where the stream has it (or
    has something else in its place), counted like the offset of the section's body.
    """

    member: str
    offset: int
    message: str
    at_end: bool = False
    """Whether the stream ends where the table goes on."""
    certain: bool = True
    """Whether they part whatever the tests of the table's fields say."""


IR = "ir.json"
"""The file of the tables in the folder of a target."""

SECTIONS = "sections.json"
"""The file of codecs that vmgen made of a release that it knows, instead: the sections that
they are for, whose tables the archive has; ``null`` for all."""


class Tables:
    """The tables of one target, by a file in its folder."""

    def __init__(self, file: Path) -> None:
        self._file = file
        meta = read_meta(file.parent)
        self.release = meta.release
        self.target = meta.target

    @cached_property
    def lookup(self) -> Lookup:
        """The descriptions by symbol; NoCodecs if the file is not what vmgen wrote."""
        try:
            text = self._file.read_text(encoding="utf-8")
            if self._file.name == SECTIONS:
                return Lookup(self._archived(text))
            return Lookup(ir_json.loads(text, self._file.name))
        except (OSError, UnicodeDecodeError, VmgenError) as error:
            raise NoCodecs(f"{self._file}: cannot be read: {error}") from None

    def _archived(self, sections: str) -> ir.Program:
        from vmgen import archive
        from vmgen.known import with_needed_facts

        there = archive.shipped()
        release = None if there is None else there.find(self.release)
        if there is None or release is None:
            raise NoCodecs(f"{self._file}: vmgen does not know QEMU {self.release}")
        names = _names(sections)
        if names == ():
            raise NoCodecs(f"{self._file}: it does not name sections")
        return with_needed_facts(there.for_tables(release, self.target, names))

    def unread(self, name: str) -> str:
        """Why vmgen may have no codec for a section of this name: the diagnostic of the
        description, or of the file that perhaps registers it, that it could not read.
        Empty if the tables lack nothing that could be it."""
        program = self.lookup.program
        lost = {(one.file, one.symbol): one.found[0] for one in program.unread}
        for root in program.roots:
            found = lost.get((root.home, root.symbol)) or lost.get((root.home, ""))
            if found is not None and root.section == name.rpartition("/")[2]:
                return str(found)
        for (_, symbol), found in lost.items():
            if not (symbol and program.roots):
                return str(found)
        return ""

    def table(self, codec: Codec) -> Placed | None:
        """The description that a codec was made from; None if it is not in the file."""
        named = [
            placed
            for placed in self.lookup.all()
            if placed.description.name == codec.name
            and placed.description.version_id == codec.version_id
        ]
        for placed in named:
            if placed.description.symbol == codec.symbol:
                return placed
        return named[0] if len(named) == 1 else None

    def shift(
        self, placed: Placed, node: Node, version: int, base: int
    ) -> Shift | None:
        """Where the table stops to read what the stream's description has.

        ``version`` is that of the section, ``base`` the offset of its body.  None if
        nothing is found: the description does not say everything.
        """
        return _Sides(self.lookup).parted(placed, node, version, base, "")


def _names(text: str) -> tuple[str, ...] | None:
    """The names in a ``sections.json``; None for all sections, empty for a different
    file."""
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    if type(names) is not list:
        return None if names is None else ()
    return tuple(one for one in names if type(one) is str)


def of(codecs: Codecs) -> Tables | None:
    """The tables of a package's codecs; None if it has none beside its code."""
    return None if codecs.folder is None else in_folder(codecs.folder)


def in_folder(folder: Path) -> Tables | None:
    """The tables of a target's folder in a package; None if it has none."""
    for name in (IR, SECTIONS):
        with suppress(OSError):
            status = (folder / name).stat()
            return _tables(folder / name, (status.st_mtime_ns, status.st_size))
    return None


@lru_cache(maxsize=16)
def _tables(file: Path, stamp: tuple[int, int]) -> Tables:
    """The tables of a file with this time and size."""
    return Tables(file)


def parted(
    lookup: Lookup, placed: Placed, node: Node, version: int, exact: bool = False
) -> Shift | None:
    """Where a program's table stops to read what a description has; None if nothing is
    found.  Offsets count from the start of the section's body.

    ``exact``: where it stops to be the table that the description was made from.  A
    release describes a field by its own name for it: what a release reads under
    a different name, or skips, it has not written.
    """
    return _Sides(lookup, exact).parted(placed, node, version, 0, "")


def guards(roots: Sequence[ir.Root], placed: Placed) -> tuple[str, ...]:
    """The variables without which no function registers the table."""
    key = placed.module.file, placed.description.symbol
    mine = [one for one in roots if (one.home, one.symbol) == key]
    if not all(one.guards for one in mine):
        return ()
    return tuple(sorted({name for one in mine for name in one.guards}))


def bounded(placed: Placed) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The fields of a table that are compared with the machine's own value, which they
    may not exceed: name on the wire, and path."""
    for field in placed.description.fields:
        element = field.element
        if isinstance(element, ir.IntegerElement) and element.check == "le":
            yield field.name, tuple(step.name for step in field.path)


def alike(placed: Placed, node: Node, lookup: Lookup) -> int:
    """How much a table and a description share: names, and names with the same size."""
    ours, theirs = set(_sized(placed, lookup)), set(sized(node))
    names = {name for name, _ in ours} & {name for name, _ in theirs}
    return len(names) + len(ours & theirs)


def _sized(placed: Placed, lookup: Lookup) -> Iterator[tuple[str, int | None]]:
    for one in (placed, *lookup.below(placed)):
        if one is not placed:
            yield one.description.name, None
        for field in one.description.fields:
            yield field.name, size_of_element(field)


def sized(node: Node) -> Iterator[tuple[str, int | None]]:
    """The names of all fields and subsections that a description has, nested ones too,
    with the bytes of an element; None for a subsection."""
    for field in listed(node, "fields"):
        yield name_of(field), number(field, "size")
        inner = field.get("struct", field)
        if type(inner) is dict:
            yield from sized(inner)
    for part in listed(node, "subsections"):
        yield name_of(part, "vmsd_name"), None
        yield from sized(part)


@dataclass(frozen=True, slots=True)
class _FieldEntry:
    """A field as the stream has it; ``size`` is that of all its elements."""

    name: str
    size: int
    element: int
    node: Node


class _Sides:
    """A table and a description, walked together.

    A field of the table without a test is in the stream exactly if its version is not
    above that of the object; one with a test may be.  So the two have parted where the
    next field that must be there is not the next one that is.
    """

    def __init__(self, lookup: Lookup, exact: bool = False) -> None:
        self.lookup = lookup
        self._exact = exact

    def parted(
        self, placed: Placed, node: Node, version: int, base: int, path: str
    ) -> Shift | None:
        table = placed.description
        fields = [field for field in table.fields if _size(field) != 0]
        names = {field.name for field in fields}
        entries = list(_entries(node, names))
        later = {entry.name for entry in entries}
        left = Counter(entry.name for entry in entries)
        position, at = base, 0
        for entry in entries:
            member = f"{path}.{entry.name}" if path else entry.name
            index = _meant(fields, at, entry, left[entry.name], version)
            left[entry.name] -= 1
            if index is None and at and fields[at - 1].name == entry.name:
                index = at - 1  # one more piece of the same array
            renamed = not self._exact and _renamed(fields, at, entry, later)
            if index is None and renamed:
                at, position = at + 1, position + entry.size
                continue
            if index is None:
                here = f"the stream has '{printable(entry.name)}' ({entry.size} bytes) here"
                message = f"{here}, which the table does not have"
                tested = any(field.test for field in fields)
                return Shift(member, position, message, certain=not tested)
            for field in fields[at:index]:
                if _must(field, version):
                    return Shift(
                        f"{path}.{field.name}" if path else field.name,
                        position,
                        f"the table has '{field.name}'{_since(field)} here, "
                        f"the stream has '{printable(entry.name)}'",
                    )
            field = fields[index]
            if not field.test and field.version_id > version:
                message = (
                    f"the stream has '{printable(entry.name)}' here, which the table reads "
                    f"since version {field.version_id}, and this is version {version}"
                )
                return Shift(member, position, message)
            found = self._inner(placed, field, entry, position, member)
            if found is not None:
                return found
            at = index + 1
            position += entry.size
        for field in fields[at:]:
            if _must(field, version):
                message = f"the table has '{field.name}'{_since(field)} here, the stream ends before it"
                member = f"{path}.{field.name}" if path else field.name
                return Shift(member, position, message, at_end=True)
        return self._parts(placed, node, position, path)

    def _inner(
        self,
        placed: Placed,
        field: ir.Field,
        entry: _FieldEntry,
        position: int,
        member: str,
    ) -> Shift | None:
        element = field.element
        inner = entry.node.get("struct", entry.node)
        if isinstance(element, ir.StructElement) and type(inner) is dict:
            nested = self.lookup.find(element.description, placed.module)
            if nested is not None and "fields" in inner:
                version = nested.description.version_id
                if element.vstruct:
                    version = field.struct_version_id
                return self.parted(nested, inner, version, position, member)
            return None
        size = size_of_element(field)
        if size is not None and size != entry.element:
            message = f"{entry.element} bytes in the stream, {size} by the table"
            return Shift(member, position, message)
        if (
            isinstance(field.count, ir.Fixed)
            and size is not None
            and entry.size >= size
        ):
            whole = size * field.count.value
            if entry.size > whole:
                message = f"{entry.size} bytes in the stream, {whole} by the table"
                return Shift(member, position, message)
        return None

    def _parts(
        self, placed: Placed, node: Node, position: int, path: str
    ) -> Shift | None:
        parts = {
            found.description.name: found
            for symbol in placed.description.subsections
            if (found := self.lookup.find(symbol, placed.module))
        }
        for part in listed(node, "subsections"):
            name = name_of(part, "vmsd_name")
            found = parts.get(name)
            member = f"{path}.{name}" if path else name
            if found is None:
                message = f"the stream has the subsection '{printable(name)}', the table does not"
                return Shift(member, position, message)
            version = number(part, "version", 0)
            start = position + 6 + len(raw(name))
            shift = self.parted(found, part, version, start, member)
            if shift is not None:
                return shift
            position = start + sum(entry.size for entry in _entries(part, set()))
        return None


def _entries(node: Node, names: set[str]) -> Iterator[_FieldEntry]:
    """The fields of a description that have bytes, without the index that QEMU puts
    behind a name that comes more than once."""
    for field in listed(node, "fields"):
        name, size = name_of(field), number(field, "size")
        total = size * number(field, "array_len", 1)
        if name not in names and (match := re.fullmatch(r"(.+)\[\d+\]", name)):
            name = match[1]
        if total:
            yield _FieldEntry(name, total, size, field)


def _renamed(
    fields: list[ir.Field], at: int, entry: _FieldEntry, written: set[str]
) -> bool:
    """Whether the table has a field of the same size under another name here."""
    if at >= len(fields) or fields[at].name in written:
        return False
    field, size = fields[at], size_of_element(fields[at])
    if size is None or not isinstance(field.count, ir.Fixed):
        return False
    return size * field.count.value == entry.size


def _must(field: ir.Field, version: int) -> bool:
    """Whether a field is in every stream of this version."""
    if field.test or field.must_exist or field.version_id > version:
        return False
    return (
        isinstance(field.count, ir.Fixed)
        and field.count.value > 0
        and isinstance(field.size, ir.Fixed)
        and not field.pointers
    )


def _size(field: ir.Field) -> int | None:
    """0 for a field without bytes, None where it is not known."""
    if isinstance(field.element, ir.NothingElement) or field.count == ir.Fixed(0):
        return 0
    return None


def _meant(
    fields: Sequence[ir.Field], at: int, entry: _FieldEntry, left: int, version: int
) -> int | None:
    """Which of the fields from ``at`` on an entry is; None if none has its name.

    Of several with the name, between which tests choose: one before which nothing is
    missing, of the entry's size, and one that must be there rather than one that may be
    unless the ``left`` entries of that name are more than those.
    """
    named = [i for i in range(at, len(fields)) if fields[i].name == entry.name]
    reached = [
        i for i in named if not any(_must(field, version) for field in fields[at:i])
    ]
    fit = [
        i for i in reached if size_of_element(fields[i]) in (None, entry.element)
    ] or reached
    needed = [i for i in named if _must(fields[i], version)]
    first = next((i for i in fit if i in needed), None)
    if first is not None and left <= len(needed):
        return first
    return next(iter(fit or named), None)


def _since(field: ir.Field) -> str:
    return f" (since version {field.version_id})" if field.version_id else ""
