"""A stream's description JSON held to a program.

What ``vmstate_save_state_v`` (``migration/vmstate.c``) writes about each object is worked
out here from the IR and the section's bytes: which fields are there is what their tests
say of the values around them, how many elements is what the counting member says.  What
the bytes do not hold (a property of the machine) is the only thing that is taken from the
JSON, and counted.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from tests.description_json import (
    Device,
    Document,
    Entry,
    Node,
    document,
    labels,
    type_name,
)
from tests.reference import (
    NO_ANSWERS,
    SUBSECTION,
    WIDTH,
    Refused,
    Values,
    Walk,
    element_key,
    to_type,
)
from tests.stream_sections import CONFIGURATION, MAGIC, description_json, find_sections
from vmgen import ir
from vmgen.lookup import Lookup, Placed

RUNS = (10, 0)
"""The release from which an array of pointers is described run by run, and the last
element of an array that is described one by one has no index."""

# --- one section ----------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """Where a section's JSON is not what the IR says."""

    section: str
    path: str
    message: str


class Seen(NamedTuple):
    """A field of a description that the JSON has."""

    file: str
    symbol: str
    number: int


@dataclass
class Compared:
    """What was compared: ``objects`` and ``entries`` of the JSON, and how often the JSON
    was ``asked`` whether something is there, or how much of it; of the fields ``seen``
    the first section that has them."""

    differences: list[Difference] = field(default_factory=list)
    sections: int = 0
    objects: int = 0
    entries: int = 0
    asked: int = 0
    seen: dict[Seen, str] = field(default_factory=dict)

    def add(self, other: Compared) -> None:
        self.differences += other.differences
        self.sections += other.sections
        self.objects += other.objects
        self.entries += other.entries
        self.asked += other.asked
        self.seen = other.seen | self.seen


class _Shape(NamedTuple):
    """What an entry says of its elements: whether they are NULL pointers, the first one's
    index, and how many there are if it says so."""

    null: bool
    first: int | None
    length: int | None

    def __str__(self) -> str:
        words = "NULL" if self.null else "one"
        if self.first is not None:
            words += f" at {self.first}"
        return f"{self.length} times {words}" if self.length is not None else words


class _Object(Walk):
    """Goes over one section's JSON, bytes and tables in parallel.

    Twice: the first time for the values, the second time with all of them, since QEMU
    asks a test while it saves, of an object that is complete.
    """

    def __init__(self, lookup: Lookup, section: str, data: bytes) -> None:
        values: Values = {}
        super().__init__(lookup.program, NO_ANSWERS, values)
        self.lookup = lookup
        self.section = section
        self.data = data
        self.found = Compared()
        numbers = lookup.program.release.split(".")[:2]
        self.runs = tuple(int(number) for number in numbers) >= RUNS

    def compare(self, placed: Placed, node: Node, start: int) -> Compared:
        for _ in range(2):
            self.found = Compared(sections=1)
            self.described(placed, node, "", start, placed.description.version_id)
        return self.found

    def differ(self, path: str, message: str) -> None:
        self.found.differences.append(Difference(self.section, path, message))

    def answer(
        self, symbol: str, module: ir.Module, owner: str, prefix: str, version: int
    ) -> bool | None:
        """What a C function says of the object; None if the bytes do not tell."""
        function = self.lookup.functions(module).get(symbol)
        if function is None or function.body is None:
            return None
        try:
            value = self.evaluate(function.body, owner, prefix, version, {}, symbol)
        except Refused as refused:
            if refused.kind != "missing context":
                raise
            return None
        return bool(value)

    def known(self, amount: ir.Amount, owner: str, prefix: str) -> int | None:
        """A count or a size; None if the bytes do not tell, -1 if that is nonsense."""
        try:
            return self.amount(amount, owner, prefix, "")
        except Refused as refused:
            return None if refused.kind == "missing context" else -1

    def inner(self, symbol: str, module: ir.Module) -> Placed:
        placed = self.lookup.find(symbol, module)
        assert placed is not None, symbol
        return placed

    # --- objects ----------------------------------------------------------------------

    def described(
        self, placed: Placed, node: Node, prefix: str, at: int, version: int
    ) -> None:
        this, module = placed.description, placed.module
        path = prefix.rstrip(".")
        self.found.objects += 1
        if node.name != this.name and not this.runtime_name:
            self.differ(path, f"described as {node.name}, the C says {this.name}")
        if node.version != version:
            self.differ(path, f"version {node.version}, the C says {version}")
        left = list(node.fields)
        for number, label in enumerate(labels(this)):
            one = this.fields[number]
            entries = []
            while left and left[0].name == label:
                entries.append(left.pop(0))
            if entries:
                self.found.seen[Seen(module.file, this.symbol, number)] = self.section
            self.field(one, label, placed, entries, prefix, at, version)
            at += sum(each.size * (each.length or 1) for each in entries)
        for entry in left:
            self.differ(f"{prefix}{entry.name}", "no such field here in the C")
        left_below = list(node.subsections)
        for symbol in this.subsections:
            below = self.inner(symbol, module)
            name = below.description.name
            here = bool(left_below) and left_below[0].name == name
            # vmstate_section_needed: without a predicate it is always there.
            needed: bool | None = True
            if (test := below.description.needed) != "":
                needed = self.answer(test, below.module, this.type, prefix, 0)
            self.presence(f"{prefix}{{{name}}}", needed, here)
            if here:
                at = self.subsection(below, left_below.pop(0), prefix, at)
        for sub in left_below:
            self.differ(f"{prefix}{{{sub.name}}}", "no such subsection here in the C")

    def subsection(self, placed: Placed, node: Node, prefix: str, at: int) -> int:
        """Compares a subsection and returns the position behind it."""
        prefix = f"{prefix}{{{node.name}}}"
        header = bytes([SUBSECTION, len(node.name)]) + node.name.encode()
        header += node.version.to_bytes(4, "big")
        if self.data[at : at + len(header)] != header:
            self.differ(prefix, "not where the JSON says")
        at += len(header)
        self.described(placed, node, prefix, at, placed.description.version_id)
        return at + node.size

    def presence(self, path: str, expected: bool | None, found: bool) -> None:
        if expected is None:
            self.found.asked += 1
        elif expected != found:
            self.differ(path, "there, the C says no" if found else "not there")

    # --- fields -----------------------------------------------------------------------

    def field(
        self,
        one: ir.Field,
        label: str,
        placed: Placed,
        entries: Sequence[Entry],
        prefix: str,
        at: int,
        version: int,
    ) -> None:
        path, owner = f"{prefix}{label}", placed.description.type
        self.found.entries += len(entries)
        exists: bool | None = one.version_id <= version
        if one.test:
            exists = self.answer(one.test, placed.module, owner, prefix, version)
        count = self.known(one.count, owner, prefix)
        if isinstance(one.element, ir.NothingElement):
            count = 0
        if exists is False or (count is not None and count <= 0):
            self.presence(path, False, bool(entries))
            return
        if not entries:
            # No elements and no field look the same.
            self.presence(path, None if count is None else exists, False)
            return
        if exists is None or count is None:
            self.found.asked += 1
        whole = self.can_compress(one, placed.module)
        if count is None:
            count = number_of_elements(entries, whole)
        expected = list(self.shapes(one, whole, count, entries))
        theirs = [_Shape(is_null(each), each.index, each.length) for each in entries]
        if theirs != [shape for shape, _ in expected]:
            words = ", ".join(str(shape) for shape in theirs)
            ours = ", ".join(str(shape) for shape, _ in expected)
            self.differ(path, f"elements: {words}; the C says {ours}")
            return
        number = 0
        for entry, (shape, elements) in zip(entries, expected, strict=True):
            key = f"{prefix}{element_key(one, number)}"
            if shape.null:
                wanted = "nullptr" if self.runs else type_name(one)
                self.same(key, "type", entry.type, wanted)
                self.same(key, "size", entry.size, 1)
            else:
                self.same(key, "type", entry.type, type_name(one))
                self.content(one, entry, placed, prefix, key, at)
            if isinstance(one.element, ir.IntegerElement) and not shape.null:
                for nth in range(elements):
                    where = at + nth * entry.size
                    raw = self.data[where : where + WIDTH[one.element.type]]
                    value = to_type(int.from_bytes(raw, "big"), one.element.type)
                    self.put(f"{prefix}{element_key(one, number + nth)}", value)
            number += elements
            at += entry.size * elements

    def same(self, path: str, what: str, found: object, expected: object) -> None:
        if found != expected:
            self.differ(path, f"{what} {found}, the C says {expected}")

    def can_compress(self, one: ir.Field, module: ir.Module) -> bool:
        """``vmsd_can_compress``: whether one entry stands for all elements."""
        if one.test:
            return False
        if (
            isinstance(one.element, ir.StructElement)
            and not one.element.vstruct
            and not one.element.info
        ):
            placed = self.inner(one.element.description, module)
            this = placed.description
            return not this.subsections and all(
                self.can_compress(each, placed.module) for each in this.fields
            )
        return True

    def shapes(
        self, one: ir.Field, whole: bool, count: int, entries: Sequence[Entry]
    ) -> Iterator[tuple[_Shape, int]]:
        """What the C makes for the field: of each entry its shape, and how many elements
        it really stands for.

        Which pointers are NULL is in the JSON alone.
        """
        nulls = null_pointers(one, whole, count, entries)
        shown, previous = True, False
        starts: list[tuple[int, bool, int]] = []
        for number in range(count):
            most = count - number if self.runs else count
            null = nulls[number]
            if self.runs and one.pointers and null != previous:
                previous, shown = null, True
                rest = nulls[number:]
                if (not null) in rest:
                    most = rest.index(not null)
            if shown:
                starts.append((number, null, most))
            if shown and whole:
                shown = False
        ends = [start for start, _, _ in starts[1:]] + [count]
        for (number, null, most), end in zip(starts, ends, strict=True):
            # A NULL is described by a field of its own, which has neither a test nor
            # anything inside.
            together = whole or (null and self.runs)
            index = number if most > 1 and not together else None
            length = most if most > 1 and together else None
            yield _Shape(null, index, length), end - number

    # --- elements ---------------------------------------------------------------------

    def content(
        self,
        one: ir.Field,
        entry: Entry,
        placed: Placed,
        prefix: str,
        key: str,
        at: int,
    ) -> None:
        """An element's size, and the objects inside it."""
        owner, module = placed.description.type, placed.module
        inline: list[Placed] = []
        ahead: list[int] = []  # bytes in front of each of them
        size: int | None
        match one.element:
            case ir.IntegerElement(type):
                size = WIDTH[type]
            case ir.TimerElement():
                size = 8
            case ir.BufferElement() | ir.UnusedElement():
                size = self.known(one.size, owner, prefix)
            case ir.BitmapElement():
                bits = self.known(one.size, owner, prefix)
                size = None if bits is None else (bits + 63) // 64 * 8
            case ir.WordsElement(words=words):
                size = sum(WIDTH[word.type] for word in words)
            case ir.StructElement(info=info) if info:
                size = None  # the JSON has no more than how many bytes
            case ir.StructElement(description=symbol, vstruct=False):
                self.structure(self.inner(symbol, module), entry, key, at)
                return
            case ir.StructElement(description=symbol) | ir.TmpElement(
                description=symbol
            ):
                inline, ahead = [self.inner(symbol, module)], [0]
                size = 0
            case ir.ListElement(description=symbol):
                # A 1 in front of each, a 0 at the end (put_qtailq).
                inline = [self.inner(symbol, module)] * len(entry.inline)
                ahead = [1] * len(inline)
                size = 1
            case ir.GTreeElement(tree_key, value):
                # The number of nodes, 1 and the key in front of each value, a 0 at the
                # end; a direct key is a be64 (put_gtree_elem).
                nodes = int.from_bytes(self.data[at : at + 4], "big")
                inline, ahead = [self.inner(value, module)], [1 + 8]
                if tree_key:
                    inline, ahead = [self.inner(tree_key, module), *inline], [1, 0]
                inline, ahead = inline * nodes, ahead * nodes
                at += 4
                size = 4 + 1
            case ir.CustomElement():
                # Their bytes have no tables; that they are loaded to the section's exact
                # end is tested elsewhere.
                size = None
            case ir.NothingElement():
                size = 0
        self.same(key, "struct", entry.inner, None)
        if size is None:
            self.found.asked += 1
        else:
            size += sum(ahead) + sum(node.size for node in entry.inline)
            self.same(key, "size", entry.size, size)
        if len(entry.inline) != len(inline):
            self.differ(key, f"{len(entry.inline)} objects inside, not {len(inline)}")
            return
        single = isinstance(one.element, ir.StructElement | ir.TmpElement)
        for number, (below, node) in enumerate(zip(inline, entry.inline, strict=True)):
            version = below.description.version_id
            if isinstance(one.element, ir.StructElement):
                version = one.struct_version_id
            at += ahead[number]
            self.described(
                below, node, f"{key}." if single else f"{key}[{number}].", at, version
            )
            at += node.size

    def structure(self, below: Placed, entry: Entry, key: str, at: int) -> None:
        """The object below an entry's ``struct``."""
        if entry.inner is None:
            self.differ(key, "nothing inside")
            return
        self.same(key, "size", entry.size, entry.inner.size)
        version = below.description.version_id
        self.described(below, entry.inner, f"{key}.", at, version)


def is_null(entry: Entry) -> bool:
    """Whether the entry is of NULL pointers: 7.2 has an empty ``struct`` there."""
    return entry.type == "nullptr" or (
        entry.type == "struct" and entry.inner is None and not entry.inline
    )


def number_of_elements(entries: Sequence[Entry], whole: bool) -> int:
    """As many as the JSON says, where nothing else does."""
    if whole and not any(is_null(entry) for entry in entries):
        return entries[0].length or 1
    return sum(entry.length or 1 for entry in entries)


def null_pointers(
    one: ir.Field, whole: bool, count: int, entries: Sequence[Entry]
) -> list[bool]:
    """Which elements are NULL, as the entries have it.

    The first run of others claims the whole array, whatever follows it.
    """
    if not one.pointers:
        return [False] * count
    if not whole and not any(entry.length for entry in entries):
        nulls = [is_null(entry) for entry in entries]
        return (nulls + [False] * count)[:count]
    lengths = [entry.length or 1 for entry in entries]
    if lengths and sum(lengths) > count and not is_null(entries[0]):
        lengths[0] = max(1, count - sum(lengths[1:]))
    nulls = []
    for entry, length in zip(entries, lengths, strict=True):
        nulls += [is_null(entry)] * length
    return (nulls + [False] * count)[:count]


# --- a stream -------------------------------------------------------------------------


def compare(program: ir.Program, data: bytes, only: str = "") -> Compared:
    """Every section of a stream that has a description, and the configuration; or the
    one called ``only`` (``NAME/INSTANCE``)."""
    lookup = Lookup(program)
    told, starts = _parts(data)
    total = Compared()
    if told.configuration is not None and not only:
        assert data[len(MAGIC)] == CONFIGURATION
        placed = lookup.find("vmstate_configuration", _module(program, "savevm.c"))
        assert placed is not None
        one = _Object(lookup, "configuration", data)
        total.add(one.compare(placed, told.configuration, len(MAGIC) + 1))
    for device, start in zip(told.devices, starts, strict=True):
        name = f"{device.name}/{device.instance}"
        if device.node is None or only not in ("", name):
            continue
        found = [
            _Object(lookup, name, data).compare(placed, device.node, start)
            for placed in candidates(lookup, device)
        ]
        if not found:
            words = f"nobody registers {device.node.name} under that name"
            found = [Compared([Difference(name, "", words)], sections=1)]
        total.add(min(found, key=lambda one: len(one.differences)))
    return total


@lru_cache(maxsize=2)
def _parts(data: bytes) -> tuple[Document, tuple[int, ...]]:
    """The JSON, and where the body of each of its devices begins."""
    place, _ = description_json(data)
    told = document(data[place + 5 :])
    sections = find_sections(data)
    assert [(one.name, one.instance) for one in sections] == [
        (one.name, one.instance) for one in told.devices
    ]
    return told, tuple(one.start for one in sections)


def _module(program: ir.Program, name: str) -> ir.Module:
    return next(one for one in program.modules if one.file.endswith(f"/{name}"))


def candidates(lookup: Lookup, device: Device) -> Iterator[Placed]:
    """The descriptions that the C registers under the section's name."""
    assert device.node is not None
    modules = {module.file: module for module in lookup.program.modules}
    seen = set()
    for root in lookup.program.roots:
        module = modules.get(root.home)
        if module is None or not _is_section_of(device.name, root):
            continue
        placed = lookup.find(root.symbol, module)
        assert placed is not None, root
        this = placed.description
        key = (placed.module.file, this.symbol)
        if key not in seen and (this.runtime_name or this.name == device.node.name):
            seen.add(key)
            yield placed


def _is_section_of(name: str, root: ir.Root) -> bool:
    """Whether a section of that name can be the root's: with a path before it or not, as
    the root says."""
    if root.prefix != "path" and fnmatch.fnmatchcase(name, root.section):
        return True
    return bool(root.prefix) and fnmatch.fnmatchcase(name, f"*/{root.section}")
