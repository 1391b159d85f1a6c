"""Changes of a stream, each in one place, by kind.

The places come from the stream's own description and QEMU's framing, read here without
vmgen.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tests.stream_sections import (
    MAGIC,
    Section,
    described_size,
    description_json,
    find_sections,
)

NUMBERS = (
    0,
    1,
    2,
    3,
    5,
    0x10,
    0x7F,
    0x80,
    0xFF,
    0x1000,
    0xFFFF,
    1 << 31,
    (1 << 64) - 1,
)


@dataclass(frozen=True, slots=True)
class Place:
    """A field, or a subsection with its header."""

    name: str
    at: int
    size: int


@dataclass(frozen=True)
class Whole:
    """A stream with what is where in it; ``sections`` are those that it describes."""

    data: bytes
    sections: tuple[Section, ...]
    end: int
    """Where the description's mark is."""
    first: int
    """Where the first part behind the configuration begins."""
    fields: dict[int, list[Place]] = field(default_factory=dict)
    subsections: list[Place] = field(default_factory=list)


def read(data: bytes) -> Whole:
    """A stream as QEMU wrote it."""
    sections = tuple(find_sections(data))
    made = Whole(data, sections, description_json(data)[0], _first(data))
    for section in sections:
        places: list[Place] = []
        for one in _places(section.description, section.start, section.name):
            if data[one.at : one.at + 2 + len(one.name)] == (
                bytes([5, len(one.name)]) + one.name.encode()
            ):
                made.subsections.append(one)
            else:
                places.append(one)
        made.fields[section.header] = places
    return made


def _first(data: bytes) -> int:
    """Behind the configuration: the first START or FULL section of the stream."""
    at = len(MAGIC) + 5 + int.from_bytes(data[9:13], "big")
    while data[at] == 5:
        name = data[at + 2 : at + 2 + data[at + 1]].decode()
        at += 2 + len(name) + 4
        if name == "configuration/target-page-bits":
            at += 4
        elif name == "configuration/uuid":
            at += 16
        else:
            count = int.from_bytes(data[at : at + 4], "big")
            at += 4
            for _ in range(count):
                at += 1 + data[at]
    return at


def _places(node: dict[str, Any], at: int, name: str) -> Iterator[Place]:
    if "fields" not in node:
        if node.get("size"):
            yield Place(name, at, node["size"])
        return
    for item in node["fields"]:
        size, count = item["size"], item.get("array_len", 1)
        inner = item.get("struct", {})
        for index in range(min(count, 4)):
            if size and "fields" in inner and described_size(inner) == size:
                yield from _places(inner, at + index * size, item["name"])
            elif size:
                yield Place(item["name"], at + index * size, size)
        at += size * count
    for item in node.get("subsections", ()):
        total = 6 + len(item["vmsd_name"]) + described_size(item)
        yield Place(item["vmsd_name"], at, total)
        yield from _places(item, at + 6 + len(item["vmsd_name"]), item["vmsd_name"])
        at += total


# --- the kinds ----------------------------------------------------------------------------

Changed: TypeAlias = tuple[str, bytes]
"""What was changed, in words, and the stream."""


def _put(data: bytes, at: int, new: bytes, size: int | None = None) -> bytes:
    return data[:at] + new + data[at + (len(new) if size is None else size) :]


def _field(whole: Whole, rng: random.Random) -> tuple[Section, Place]:
    section = rng.choice([one for one in whole.sections if whole.fields[one.header]])
    return section, rng.choice(whole.fields[section.header])


def field_bit(whole: Whole, rng: random.Random) -> Changed:
    section, one = _field(whole, rng)
    at = one.at + rng.randrange(one.size)
    new = whole.data[at] ^ 1 << rng.randrange(8)
    return f"{section.name} {one.name}", _put(whole.data, at, bytes([new]))


def field_number(whole: Whole, rng: random.Random) -> Changed:
    section, one = _field(whole, rng)
    size = min(one.size, 8)
    number = rng.choice(NUMBERS) & (1 << 8 * size) - 1
    at = one.at + (rng.randrange(one.size // size) * size if one.size > 8 else 0)
    made = _put(whole.data, at, number.to_bytes(size, "big"))
    return f"{section.name} {one.name} = {number:#x}", made


def field_near(whole: Whole, rng: random.Random) -> Changed:
    """One more or one less: what a count or an index is most often wrong by."""
    section, one = _field(whole, rng)
    size = min(one.size, 8)
    old = int.from_bytes(whole.data[one.at : one.at + size], "big")
    number = (old + rng.choice((-2, -1, 1, 2, 8))) & (1 << 8 * size) - 1
    made = _put(whole.data, one.at, number.to_bytes(size, "big"))
    return f"{section.name} {one.name} {old:#x} -> {number:#x}", made


def section_name(whole: Whole, rng: random.Random) -> Changed:
    one = rng.choice(whole.sections)
    at = one.header + 6 + rng.randrange(len(one.name))
    new = bytes([rng.choice(b"abcxyz019/-")])
    return f"{one.name} is renamed", _put(whole.data, at, new)


def section_instance(whole: Whole, rng: random.Random) -> Changed:
    one = rng.choice(whole.sections)
    number = rng.choice((1, 2, 7, 0xFFFFFFFF)) + (
        one.instance if rng.random() < 0.5 else 0
    )
    number &= 0xFFFFFFFF
    made = _put(whole.data, one.start - 8, struct.pack(">I", number))
    return f"{one.name} instance {one.instance} -> {number}", made


def section_version(whole: Whole, rng: random.Random) -> Changed:
    one = rng.choice(whole.sections)
    number = max(0, one.version + rng.choice((-2, -1, 1, 2, 100)))
    made = _put(whole.data, one.start - 4, struct.pack(">I", number))
    return f"{one.name} version {one.version} -> {number}", made


def section_id(whole: Whole, rng: random.Random) -> Changed:
    one, other = rng.choice(whole.sections), rng.choice(whole.sections)
    number = rng.choice((other.id, 0, 0x7FFF))
    made = _put(whole.data, one.header + 1, struct.pack(">I", number))
    if rng.random() < 0.5:
        made = _put(made, one.end + 1, struct.pack(">I", number))
    return f"{one.name} id {one.id} -> {number}", made


def section_kind(whole: Whole, rng: random.Random) -> Changed:
    one, kind = rng.choice(whole.sections), rng.choice((1, 2, 3, 5, 9, 0))
    return f"{one.name} kind {kind}", _put(whole.data, one.header, bytes([kind]))


def footer(whole: Whole, rng: random.Random) -> Changed:
    one = rng.choice(whole.sections)
    if rng.random() < 0.3:
        return f"{one.name} without footer", _put(whole.data, one.end, b"", 5)
    at = one.end + rng.randrange(5)
    new = whole.data[at] ^ 1 << rng.randrange(8)
    return f"{one.name} footer", _put(whole.data, at, bytes([new]))


def _all_of(one: Section) -> slice:
    return slice(one.header, one.end + 5)


def section_dropped(whole: Whole, rng: random.Random) -> Changed:
    one = rng.choice(whole.sections)
    there = _all_of(one)
    return (
        f"{one.name} is dropped",
        whole.data[: there.start] + whole.data[there.stop :],
    )


def section_twice(whole: Whole, rng: random.Random) -> Changed:
    one, other = rng.choice(whole.sections), rng.choice(whole.sections)
    at = rng.choice((one.end + 5, other.header, whole.end - 1))
    made = whole.data[:at] + whole.data[_all_of(one)] + whole.data[at:]
    return f"{one.name} once more", made


def section_moved(whole: Whole, rng: random.Random) -> Changed:
    one, other = rng.sample(whole.sections, 2)
    if one.header > other.header:
        one, other = other, one
    data, a, b = whole.data, _all_of(one), _all_of(other)
    made = data[: a.start] + data[b] + data[a.stop : b.start] + data[a] + data[b.stop :]
    return f"{one.name} and {other.name} change places", made


def section_added(whole: Whole, rng: random.Random) -> Changed:
    other = rng.choice(whole.sections)
    name = rng.choice((b"nothing", b"0000:00:1e.0/e1000", b"timer", b"hpet", b"slirp"))
    body = b"\4\0\0\x40\0" + bytes([len(name)]) + name + struct.pack(">II", 0, 1)
    made = body + bytes(rng.choice((0, 8, 100))) + b"\x7e\0\0\x40\0"
    made = whole.data[: other.header] + made + whole.data[other.header :]
    return f"a section {name.decode()} before {other.name}", made


def bytes_added(whole: Whole, rng: random.Random) -> Changed:
    section, one = _field(whole, rng)
    at = rng.choice((one.at, one.at + one.size, section.end))
    new = bytes(rng.choice((1, 2, 4, 8)))
    return f"{section.name} {one.name} {len(new)} more", _put(whole.data, at, new, 0)


def bytes_removed(whole: Whole, rng: random.Random) -> Changed:
    section, one = _field(whole, rng)
    size = min(one.size, rng.choice((1, 2, 4, 8, one.size)))
    made = _put(whole.data, one.at, b"", size)
    return f"{section.name} {one.name} {size} less", made


def subsection(whole: Whole, rng: random.Random) -> Changed:
    if not whole.subsections:
        return subsection_added(whole, rng)
    one = rng.choice(whole.subsections)
    data, head = whole.data, one.at + 2 + len(one.name)
    version = int.from_bytes(data[head : head + 4], "big")
    match rng.randrange(5):
        case 0:
            return f"{one.name} is dropped", _put(data, one.at, b"", one.size)
        case 1:
            at = one.at + 2 + rng.randrange(len(one.name))
            new = bytes([rng.choice(b"abcxyz019/-")])
            return f"{one.name} is renamed", _put(data, at, new)
        case 2:
            number = max(0, version + rng.choice((-1, 1, 9)))
            made = _put(data, head, struct.pack(">I", number))
            return f"{one.name} version {version} -> {number}", made
        case 3:
            again = data[one.at : one.at + one.size]
            return f"{one.name} once more", _put(data, one.at, again, 0)
        case _:
            at = one.at + rng.choice((0, 1))
            new = bytes([data[at] ^ 1 << rng.randrange(8)])
            return f"{one.name} mark", _put(data, at, new)


def subsection_added(whole: Whole, rng: random.Random) -> Changed:
    one = rng.choice(whole.sections)
    table = one.name.rpartition("/")[2]
    name = rng.choice((f"{table}/more", "other/more", table)).encode()
    new = bytes([5, len(name)]) + name + struct.pack(">I", 1)
    new += bytes(rng.choice((0, 4)))
    return f"{one.name} gets {name.decode()}", _put(whole.data, one.end, new, 0)


def configuration(whole: Whole, rng: random.Random) -> Changed:
    data, first = whole.data, whole.first
    size = int.from_bytes(data[9:13], "big")
    match rng.randrange(6):
        case 0:
            at = 13 + rng.randrange(size)
            new = bytes([rng.choice(b"abc019-.")])
            return "machine type", _put(data, at, new)
        case 1:
            number = rng.choice((0, 1, size - 1, size + 1, 0x1000))
            return f"length {number}", _put(data, 9, struct.pack(">I", number))
        case 2:
            name = rng.choice(
                (b"xbzrle", b"nothing-at-all", b"x-ignore-shared", b"events")
            )
            new = b"\5\x1aconfiguration/capabilities" + struct.pack(">II", 1, 1)
            new += bytes([len(name)]) + name
            return f"capability {name.decode()}", _put(data, first, new, 0)
        case 3:
            bits = rng.choice((0, 10, 12, 13, 14, 16, 40))
            new = b"\5\x1econfiguration/target-page-bits" + struct.pack(">II", 1, bits)
            return f"page bits {bits}", _put(data, first, new, 0)
        case 4:
            new = b"\5\x12configuration/more" + struct.pack(">I", 1)
            return "unknown subsection", _put(data, first, new, 0)
        case _:
            return "dropped", _put(data, 8, b"", first - 8)


def cut(whole: Whole, rng: random.Random) -> Changed:
    one = rng.choice(whole.sections)
    at = rng.choice((one.header, one.start, one.end, one.end + 5, whole.end, whole.end - 1,
                     rng.randrange(one.start, one.end + 1), whole.end + 1))  # fmt: skip
    return f"at {one.name} {at:#x}", whole.data[:at]


def behind(whole: Whole, rng: random.Random) -> Changed:
    new = rng.choice((bytes(512), b"\xff" * 37, whole.data[-100:], MAGIC))
    return f"{len(new)} bytes behind the end", whole.data + new


def description(whole: Whole, rng: random.Random) -> Changed:
    data, start = whole.data, whole.end
    size = len(data) - start - 5
    match rng.randrange(5):
        case 0:
            number = rng.choice((0, 1, size - 1, size + 1, size + 4096, 0xFFFFFFFF))
            return f"length {number}", _put(data, start + 1, struct.pack(">I", number))
        case 1:
            return "dropped", data[:start]
        case 2:
            return "cut", data[: start + 5 + rng.randrange(size)]
        case 3:
            return "another mark", _put(data, start, b"\7")
        case _:
            at = start + 5 + rng.randrange(size)
            new = bytes([rng.choice(b'0123456789"{}[],:a')])
            return f"byte {at - start - 5}", _put(data, at, new)


def ram(whole: Whole, rng: random.Random) -> Changed:
    """A change in what is before the first described section, which RAM is."""
    end = whole.sections[0].header
    setup = min(end, whole.first + 400)
    match rng.randrange(3):
        case 0:
            at = rng.randrange(whole.first, setup)
        case 1:
            at = rng.randrange(whole.first, end)
        case _:
            at = end - 1 - rng.randrange(min(40, end - whole.first))
    new = bytes([whole.data[at] ^ 1 << rng.randrange(8)])
    return f"byte {at:#x}", _put(whole.data, at, new)


def run_state(whole: Whole, rng: random.Random) -> Changed:
    one = next(one for one in whole.sections if one.name == "globalstate")
    at = one.start + rng.randrange(4 + 12)
    new = rng.choice((whole.data[at] ^ 1, whole.data[at] ^ 4, 0, 0x41))
    return f"globalstate {at - one.start} = {new:#x}", _put(
        whole.data, at, bytes([new])
    )


def header(whole: Whole, rng: random.Random) -> Changed:
    at = rng.randrange(8)
    new = bytes([whole.data[at] ^ 1 << rng.randrange(8)])
    return f"byte {at}", _put(whole.data, at, new)


def command(whole: Whole, rng: random.Random) -> Changed:
    one = rng.choice(whole.sections)
    number, payload = rng.choice(((1, 0), (2, 4), (3, 2), (9, 0), (50, 0), (11, 1)))
    new = struct.pack(">BHH", 8, number, payload) + bytes(payload)
    return f"command {number} before {one.name}", _put(whole.data, one.header, new, 0)


def anywhere(whole: Whole, rng: random.Random) -> Changed:
    at = rng.randrange(whole.first, whole.end)
    new = bytes([rng.randrange(256)])
    return f"byte {at:#x}", _put(whole.data, at, new)


KINDS: dict[Callable[[Whole, random.Random], Changed], int] = {
    field_bit: 22, field_number: 14, field_near: 12, section_name: 3, section_instance: 3,
    section_version: 4, section_id: 2, section_kind: 2, footer: 2, section_dropped: 3,
    section_twice: 3, section_moved: 2, section_added: 2, bytes_added: 3, bytes_removed: 3,
    subsection: 9, subsection_added: 3, configuration: 4, cut: 3, behind: 1,
    description: 3, ram: 4, run_state: 1, header: 1, command: 1, anywhere: 3,
}  # fmt: skip
"""Every kind with its share."""


def mutated(whole: Whole, number: int) -> Changed:
    """The change of a number: the kind, what was changed, and the stream."""
    rng = random.Random(number)
    (kind,) = rng.choices(list(KINDS), list(KINDS.values()))
    words, made = kind(whole, rng)
    return f"{kind.__name__}: {words}", made
