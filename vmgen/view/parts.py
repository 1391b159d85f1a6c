"""The parts of a stream for a page: what each is, its fields, its bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from vmgen.stream import registers, show
from vmgen.stream.errors import StreamError
from vmgen.stream.parts import (
    Command,
    Configuration,
    DescriptionJson,
    End,
    Header,
    Part,
    Section,
    Trailing,
)
from vmgen.stream.stream import Stream
from vmgen.stream.wire import printable, raw
from vmgen.view.fields import FieldTrees, Room
from vmgen.view.model import (
    FieldNode,
    PartKind,
    RegisterGroup,
    ViewedPart,
    ViewedStream,
)

NODES = 200_000
"""Fields that a page has at most, of all its streams."""

PART_BYTES = 1 << 20
ALL_BYTES = 8 << 20
"""Bytes of one part, and of one stream, that a page has at most."""


def viewed(
    name: str, stream: Stream, failure: str = "", nodes: int = NODES
) -> ViewedStream:
    """A stream as a page shows it.

    ``failure`` says why it ends before its end; what was read until there is shown.
    Sections that cannot be decoded have their bytes and the reason.
    """
    made = list(_ViewedParts(stream, Room(nodes)).of(_so_far(stream)))
    return ViewedStream(
        printable(name), tuple(_facts(stream)), tuple(made),
        tuple(_registers(stream)), tuple(_blocks(stream)), failure,
    )  # fmt: skip


def _so_far(stream: Stream) -> list[Part]:
    """The parts that can be read, those of packages behind their commands."""
    found: list[Part] = []
    try:
        for part in stream.parts():
            found.append(part)
            if isinstance(part, Command) and part.package is not None:
                found += part.package
    except StreamError:
        pass  # the caller has it as the stream's failure
    return found


class _ViewedParts:
    def __init__(self, stream: Stream, room: Room) -> None:
        self._stream = stream
        self._fields = FieldTrees(stream, room)
        self._left = ALL_BYTES

    def of(self, parts: Iterable[Part]) -> Iterator[ViewedPart]:
        yield from map(self._part, parts)

    def _part(self, part: Part) -> ViewedPart:
        match part:
            case Section():
                return self._section(part)
            case Header():
                return self._plain("header", "header", part, ())
            case Configuration():
                facts = [("machine", printable(part.machine))]
                facts += [
                    (printable(one.name), show.formatted(one.value))
                    for one in part.subsections
                ]
                return self._plain("configuration", "configuration", part, facts)
            case Command():
                size = (
                    part.size
                    if part.package is None
                    else part.package_start - part.offset
                )
                facts = [("command", printable(part.name))]
                return self._plain(
                    "command", f"command {printable(part.name)}", part, facts, size
                )
            case End():
                return self._plain("end", "end of the sections", part, ())
            case DescriptionJson():
                note = "the description's text is not in the page"
                return ViewedPart(
                    "description",
                    "description JSON",
                    part.offset,
                    part.size,
                    (),
                    note=note,
                )
            case Trailing():
                return self._plain("trailing", "bytes behind the stream", part, ())
            case _:
                assert_never(part)

    def _plain(
        self,
        kind: PartKind,
        title: str,
        part: Part,
        facts: Iterable[tuple[str, str]],
        size: int | None = None,
    ) -> ViewedPart:
        size = part.size if size is None else size
        data, note = self._bytes(part.offset, size)
        return ViewedPart(kind, title, part.offset, size, tuple(facts), (), data, note)

    def _section(self, section: Section) -> ViewedPart:
        by = section.means if section.codec is None else f"codec {section.codec.name}"
        facts = [
            ("instance", str(section.instance_id)),
            ("version", str(section.version_id)),
            ("section id", str(section.id)),
            ("kind", section.kind),
            ("read by", printable(by)),
        ]
        if section.open is not None:
            facts.append(("needs", printable(section.open.text)))
        if section.means == "ram":
            note = "summed up under Memory"
            return ViewedPart(
                "ram",
                section.path,
                section.offset,
                section.size,
                tuple(facts),
                note=note,
            )
        try:
            nodes, note = self._fields.of(section)
        except StreamError as error:
            nodes, note = [], f"cannot be decoded: {printable(error.message)}"
        data, cut = self._bytes(section.offset, section.size)
        nodes = [_head(section), *nodes, *_foot(section)]
        return ViewedPart(
            "section", section.path, section.offset, section.size, tuple(facts),
            tuple(nodes), data, "; ".join(filter(None, (note, cut))),
        )  # fmt: skip

    def _bytes(self, offset: int, size: int) -> tuple[bytes, str]:
        """So many of the bytes as the page has room for, and what to say of the others."""
        kept = min(size, PART_BYTES, self._left)
        self._left -= kept
        data = bytes(self._stream.view[offset : offset + kept])
        return data, f"{size - kept} bytes are not in the page" if kept < size else ""


def _head(section: Section) -> FieldNode:
    """What is in front of a section's body (``save_section_header``, migration/savevm.c)."""
    at, path = section.offset, f"{section.path} header"
    node = FieldNode("section header", "header", path, at, section.start - at)
    items = [
        ("type", "uint8", 1, section.kind),
        ("section id", "uint32", 4, str(section.id)),
    ]
    if section.kind in ("start", "full"):
        name = raw(section.name)
        items += [
            ("length of the name", "uint8", 1, str(len(name))),
            ("name", "text", len(name), printable(section.name)),
            ("instance id", "uint32", 4, str(section.instance_id)),
            ("version id", "uint32", 4, str(section.version_id)),
        ]
    for name_, kind, size, value in items:
        node.nodes.append(FieldNode(name_, kind, f"{path}.{name_}", at, size, value))
        at += size
    return node


def _foot(section: Section) -> Iterator[FieldNode]:
    if not section.footer:
        return
    at, path = section.end, f"{section.path} footer"
    node = FieldNode("section footer", "footer", path, at, 5)
    node.nodes += [
        FieldNode("mark", "uint8", f"{path}.mark", at, 1, "0x7e"),
        FieldNode(
            "section id", "uint32", f"{path}.section id", at + 1, 4, str(section.id)
        ),
    ]
    yield node


def _facts(stream: Stream) -> Iterator[tuple[str, str]]:
    try:
        configuration = stream.configuration
    except StreamError:
        configuration = None
    if configuration is not None:
        yield "machine", printable(configuration.machine)
    codecs = stream.codecs
    if codecs is not None and codecs.target:
        yield "target", " or ".join((codecs.target, *codecs.alternatives))
    if codecs is not None and codecs.releases:
        yield "written by", f"QEMU {' or '.join(codecs.releases)}"
    if stream.carriers:
        yield "inside of", " of ".join(reversed(stream.carriers))
    yield "size", f"{len(stream.view)} bytes"


def _registers(stream: Stream) -> Iterator[tuple[str, tuple[RegisterGroup, ...]]]:
    for section in _sections(stream):
        if not registers.is_cpu(section):
            continue
        try:
            file = registers.of_section(stream.codecs, section, stream.values(section))
        except StreamError:
            continue  # the section's part says why
        groups: dict[str, list[tuple[str, str, int]]] = {}
        for one in file or ():
            digits = f"{one.value:0{(one.bits + 3) // 4}x}"
            groups.setdefault(one.feature, []).append((one.name, digits, one.bits))
        yield section.path, tuple(
            RegisterGroup(feature, tuple(found)) for feature, found in groups.items()
        )


def _blocks(stream: Stream) -> Iterator[tuple[str, str, str]]:
    """The blocks of guest memory: name, length, the pages of each kind."""
    try:
        memory = stream.memory()
    except StreamError:
        return  # there is none, or as the stream's failure says
    for block in memory.blocks:
        pages = ", ".join(f"{count} {kind}" for kind, count in block.pages.items())
        if block.mapped is not None:
            pages = f"mapped at {block.mapped.pages_offset:#x}"
        yield printable(block.name), f"{block.used_length:#x}", pages or "none"


def _sections(stream: Stream) -> list[Section]:
    return [part for part in _so_far(stream) if isinstance(part, Section)]
