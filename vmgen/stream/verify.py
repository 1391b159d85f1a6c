"""Decode, encode again, compare: are all bytes of a stream understood?"""

from __future__ import annotations

from collections.abc import Iterator

from vmgen.stream import configuration, described, old_style
from vmgen.stream.draft import command, section_footer, section_header
from vmgen.stream.errors import StreamError
from vmgen.stream.frozen import Frozen
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
from vmgen.stream.ram import PageRun, Ram, encode, headers, walk
from vmgen.stream.stream import Stream
from vmgen.stream.wire import DESCRIPTION, MAGIC, VERSION, Buffer, Cursor


class FirstDifference(Frozen):
    """The first byte of a part that comes back different.

    ``path`` names the section, and the field where that is known; ``old`` and ``new`` are
    up to eight bytes from ``offset`` on.
    """

    path: str
    offset: int
    old: bytes
    new: bytes


class Verified(Frozen):
    """What became of one section or other part.

    ``bytes`` is its size, ``opaque`` those of them that were only carried along.
    """

    path: str
    means: str
    bytes: int
    opaque: int = 0
    difference: FirstDifference | None = None


_WORDS = {
    Header: "header",
    Configuration: "configuration",
    Command: "command",
    End: "end",
    DescriptionJson: "description",
    Trailing: "trailing",
}
"""What a part is called, if it is not a section."""


def verify(stream: Stream) -> Iterator[Verified]:
    """Every part of a stream, encoded again from what was decoded.

    Raises :class:`StreamError` where the stream cannot be read.
    """
    parts = list(stream.parts())
    has_ram = any(section.means == "ram" for section in stream.sections)
    yield from _parts(stream, parts, stream.memory().fresh() if has_ram else Ram(4096))


def _parts(stream: Stream, parts: list[Part], ram: Ram) -> Iterator[Verified]:
    for part in parts:
        if isinstance(part, Section):
            yield _section(stream, part, ram)
            continue
        name = _WORDS[type(part)]
        old = stream.view[part.offset : part.offset + part.size]
        opaque = part.size if isinstance(part, Trailing) else 0
        if isinstance(part, Command) and part.package is not None:
            old = old[: part.package_start - part.offset]
        new = _encoded(stream, part)
        found = _compare(name, part.offset, old, new)
        yield Verified(name, name, len(old), opaque, found)
        if isinstance(part, Command) and part.package is not None:
            yield from _parts(stream, list(part.package), ram)


def _encoded(stream: Stream, part: Part) -> Buffer:
    view = stream.view
    if isinstance(part, Header):
        return MAGIC + VERSION.to_bytes(4, "big")
    if isinstance(part, Configuration):
        return configuration.encode(part)
    if isinstance(part, Command):
        payload = view[part.start : part.start + part.length]
        if part.package is not None:
            size = part.offset + part.size - part.package_start
            payload = memoryview(size.to_bytes(4, "big"))
        return command(part.command, payload)
    if isinstance(part, End):
        return b"\0"
    if isinstance(part, DescriptionJson):
        text = view[part.offset + 5 : part.offset + part.size]
        head = b"%c%b" % (DESCRIPTION, len(text).to_bytes(4, "big"))
        return head + text
    return view[part.offset : part.offset + part.size]


def _section(stream: Stream, section: Section, ram: Ram) -> Verified:
    view, path = stream.view, section.path
    pieces = [
        (section.offset, view[section.offset : section.start], section_header(section)),
    ]
    if section.footer:
        after = view[section.end : section.offset + section.size]
        pieces.append((section.end, after, section_footer(section)))
    found = None
    for offset, old, new in pieces:
        found = found or _compare(path, offset, old, new)
    opaque = 0
    if section.means == "ram":
        found = found or _ram(stream, section, ram)
    else:
        body = _body(stream, section)
        if body is None:
            opaque = section.end - section.start
        else:
            found = found or _compare(path, section.start, stream.body(section), body)
    if found is not None and section.start <= found.offset < section.end:
        found = _placed(stream, section, found)
    return Verified(path, section.means, section.size, opaque, found)


def _body(stream: Stream, section: Section) -> bytes | None:
    """A section's body from its values; None if nothing is known of them."""
    if section.codec is not None and stream.codecs is not None:
        state = stream.state(section)
        return stream.codecs.save(
            section.codec, state, section.version_id, section.path
        )
    if section.means == "old-style":
        reader = old_style.old_style(section.name, section.kind)
        if reader is not None:
            return reader.write(stream.events(section))
    if section.device is None or section.means == "footer":
        return None
    slots = stream.layout(section)
    values = described.decode(slots, stream.view, section.start)
    return described.encode(slots, values, stream.view, section.start, canonical=True)


def _placed(
    stream: Stream, section: Section, found: FirstDifference
) -> FirstDifference:
    try:
        field = described.place_of(stream.layout(section), section.start, found.offset)
    except StreamError:
        return found
    path = f"{section.path}.{field}" if field else section.path
    return FirstDifference(path, found.offset, found.old, found.new)


def _ram(stream: Stream, section: Section, ram: Ram) -> FirstDifference | None:
    """Compare record by record: each must begin where the one before it ends."""
    view = stream.view
    cursor = Cursor(view, section.start, section.end, section.path)
    expected = section.start
    for record in walk(ram, cursor):
        if (
            isinstance(record, PageRun)
            and record.kind == "normal"
            and len(record.addresses) > 1
        ):
            # The pages are where they are; what was decoded of them is their headers.
            if record.start != expected and not ram.mapped_ram:
                return FirstDifference("ram", expected, b"", b"")
            for start, old, header in headers(record, view):
                if found := _compare("ram", start, old, header):
                    return found
            expected = record.start + record.stride * len(record.addresses)
            continue
        for start, made in encode(record, ram, view):
            if start != expected and not ram.mapped_ram:
                return FirstDifference("ram", expected, b"", b"")
            expected = start + len(made)
            if found := _compare("ram", start, view[start:expected], made):
                return found
    return None


def _compare(
    path: str, offset: int, old: Buffer, new: Buffer
) -> FirstDifference | None:
    if old == new:
        return None
    left, right = bytes(old), bytes(new)
    same = next(
        (at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b),
        min(len(left), len(right)),
    )
    return FirstDifference(
        path, offset + same, left[same : same + 8], right[same : same + 8]
    )
