"""A stream to be written: the parts of one that was read, some of them changed.

What is not touched is copied as it is.  The description changes only where the layout of
a section does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from vmgen.stream.codecs import is_state
from vmgen.stream.errors import BadEdit, UnknownSection
from vmgen.stream.frozen import Frozen
from vmgen.stream.parts import Command, DescriptionJson, End, Part, Section
from vmgen.stream.ram_draft import Patch, RamDraft, patched, patches
from vmgen.stream.redescribe import Describer, with_devices
from vmgen.stream.stream import Stream
from vmgen.stream.wire import (
    COMMAND,
    DESCRIPTION,
    KINDS,
    SECTION_FOOTER,
    Buffer,
    counted,
    raw,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vmgen.stream.codec import Codec

_MARKS = {name: mark for mark, name in KINDS.items()}


class _New(Frozen):
    """A section that was missing."""

    section: Section
    body: bytes
    after: int


class Draft:
    """Changes to a stream; :meth:`chunks` is the result.

    Nothing is written to the stream itself.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._parts = tuple(stream.parts())
        self._sections = {one.offset: one for one in stream.sections}
        self._bodies: dict[int, bytes] = {}
        self._dropped: set[int] = set()
        self._added: list[_New] = []
        self._ram: dict[str, RamDraft] = {}

    def __repr__(self) -> str:
        changes = (
            ("replaced", len(self._bodies)),
            ("dropped", len(self._dropped)),
            ("added", len(self._added)),
            ("blocks of memory changed", len(self._ram)),
        )
        said = ", ".join(f"{count} {what}" for what, count in changes if count)
        return f"<draft of {self._stream!r}: {said or 'no change'}>"

    def replace(self, section: Section, content: Any) -> None:
        """Give a section another body: bytes, or a state object for its codec.

        Raises BadEdit for a section in pieces, Refused for a state that cannot be saved.
        """
        if section.kind != "full":
            raise BadEdit(
                "only FULL sections can be replaced", section.offset, section.path
            )
        self._bodies[section.offset] = self._bytes(
            content, section.codec, section.version_id, section.path
        )

    def drop(self, section: Section) -> None:
        """Leave a section out, with all its pieces."""
        for offset, one in self._sections.items():
            if one.id == section.id:
                self._dropped.add(offset)

    def memory(self, block: str) -> RamDraft:
        """The bytes of a RAM block, to be read and written: ``draft.memory("pc.ram")[0:4]``.

        NotFound if the stream has no such block.
        """
        if block not in self._ram:
            memory = self._stream.memory()
            self._ram[block] = RamDraft(memory, memory.block(block))
        return self._ram[block]

    def insert(
        self,
        name: str,
        instance_id: int,
        version_id: int,
        content: Any,
        *,
        after: Section | None = None,
    ) -> Section:
        """Add a FULL section, behind another or behind the last.

        ``content`` is its body or a state object for the codec of this name.  It gets
        the next free id.  Raises BadEdit if there is such a section already.
        """
        path = f"{name}/{instance_id}"
        for one in self._sections.values():
            same = one.name == name and one.instance_id == instance_id
            if same and one.offset not in self._dropped:
                raise BadEdit("there is such a section already", one.offset, path)
        if not 0 < len(raw(name)) < 256:
            raise BadEdit("a name has 1 to 255 bytes", None, path)
        codecs = self._stream.codecs
        codec = None if codecs is None else codecs.get(name)
        body = self._bytes(content, codec, version_id, path)
        last = max(self._sections.values(), key=lambda one: one.offset, default=None)
        place = after or last
        ids = [one.id for one in self._sections.values()]
        ids += [new.section.id for new in self._added]
        section = Section(
            -1, 0, "full", max(ids, default=-1) + 1, name, instance_id, version_id,
            0, len(body), place is None or place.footer, "codec", codec,
        )  # fmt: skip
        self._added.append(_New(section, body, -1 if place is None else place.offset))
        return section

    def _bytes(
        self, content: Any, codec: Codec | None, version: int, path: str
    ) -> bytes:
        if isinstance(content, (bytes, bytearray, memoryview)):
            return bytes(content)
        codecs = self._stream.codecs
        if codec is None or codecs is None:
            raise UnknownSection("a state needs a codec for this section", None, path)
        if not is_state(content):
            raise BadEdit(f"{type(content).__name__} is not a state", None, path)
        return codecs.save(codec, content, version, path)

    # --- writing --------------------------------------------------------------------------

    def chunks(self) -> Iterator[Buffer]:
        """The bytes of the changed stream, piece by piece.

        Raises BadEdit if the result cannot be read again: a description that cannot be
        made to fit, or places in the file that would move.
        """
        self._check_places()
        description = self._description()
        view, drafts = self._stream.view, self._ram.values()
        found = patches(view, self._stream.memory(), drafts) if self._ram else []
        yield from self._written(self._parts, description, found)

    def to_bytes(self) -> bytes:
        """The whole changed stream."""
        return b"".join(self.chunks())

    def _changed(self) -> bool:
        return bool(self._bodies or self._dropped or self._added)

    def _written(
        self, parts: Iterable[Part], description: bytes | None, ram: Sequence[Patch]
    ) -> Iterator[Buffer]:
        view = self._stream.view
        for part in parts:
            whole = view[part.offset : part.offset + part.size]
            if isinstance(part, Section):
                if part.offset not in self._dropped:
                    body = self._bodies.get(part.offset)
                    if part.means == "ram":
                        end = part.offset + part.size
                        first = bisect_left(ram, part.offset, key=_offset)
                        here = ram[first : bisect_left(ram, end, key=_offset)]
                        yield from patched(view, part.offset, end, here)
                    elif body is None:
                        yield whole
                    else:
                        yield from _pieces(part, body)
                yield from self._inserted(part.offset)
            elif isinstance(part, Command) and part.package is not None:
                inner = b"".join(self._written(part.package, None, ram))
                yield package(part.command, inner)
            elif isinstance(part, DescriptionJson) and description is not None:
                yield b"%c%b" % (DESCRIPTION, len(description).to_bytes(4, "big"))
                yield description
            else:
                if isinstance(part, End):
                    yield from self._inserted(-1)
                yield whole

    def _inserted(self, offset: int) -> Iterator[Buffer]:
        for new in self._added:
            if new.after == offset:
                yield from _pieces(new.section, new.body)

    def _check_places(self) -> None:
        """mapped-ram files hold offsets: nothing before the pages may change its size."""
        pages = [
            one.offset
            for one in self._sections.values()
            if one.means == "ram" and one.kind == "start"
        ]
        first = min(pages, default=0)
        configuration = self._stream.configuration
        names = None if configuration is None else configuration.value("capabilities")
        if not isinstance(names, list) or "mapped-ram" not in names:
            return
        for offset, body in self._bodies.items():
            section = self._sections[offset]
            if offset < first and len(body) != section.end - section.start:
                raise BadEdit(
                    "its size may not change before mapped RAM", offset, section.path
                )
        moved = [offset for offset in self._dropped if offset <= first]
        moved += [new.after for new in self._added if -1 < new.after < first]
        if moved:
            raise BadEdit("nothing may move before mapped RAM", moved[0])

    def _description(self) -> bytes | None:
        """The changed JSON; None where it stays as it is."""
        document = self._stream.description
        if document is None or not self._changed():
            return None
        describer = Describer(self._stream)
        texts: dict[int, bytes | None] = {}
        behind: dict[int, list[bytes]] = {}
        order: list[int] = []
        for offset, section in self._sections.items():
            order.append(offset)
            device = section.device
            if device is None:
                continue
            if offset in self._dropped:
                texts[device.span[0]] = None
            elif offset in self._bodies:
                text = describer.text(section, self._bodies[offset], device)
                texts[device.span[0]] = text
        for new in self._added:
            text = describer.text(new.section, new.body, None)
            behind.setdefault(new.after, []).append(text)
        listed: list[bytes] = []
        starts = {
            section.device.span[0]: offset
            for offset, section in self._sections.items()
            if section.device is not None
        }
        placed: set[int] = set()
        for device in document.devices:
            text_or_none = texts.get(device.span[0], device.text)
            if text_or_none is not None:
                listed.append(text_or_none)
            start = starts.get(device.span[0])  # None: read without comparing the two
            if start is not None:
                listed += behind.get(start, ())
                placed.add(start)
        for offset, more in behind.items():
            if offset not in placed:
                listed += more
        if not document.devices:
            raise BadEdit("the description has no devices to add to", document.offset)
        return with_devices(document, listed)


def _offset(patch: Patch) -> int:
    return patch.offset


def _pieces(section: Section, body: bytes) -> Iterator[Buffer]:
    yield section_header(section)
    yield body
    if section.footer:
        yield section_footer(section)


def section_header(section: Section) -> bytes:
    """The bytes before a section's body."""
    head = b"%c%b" % (_MARKS[section.kind], section.id.to_bytes(4, "big"))
    if section.kind not in ("start", "full"):
        return head
    numbers = (section.instance_id, section.version_id)
    return (
        head + counted(section.name) + b"".join(n.to_bytes(4, "big") for n in numbers)
    )


def section_footer(section: Section) -> bytes:
    """The bytes behind a section's body, if it has a footer."""
    return b"%c%b" % (SECTION_FOOTER, section.id.to_bytes(4, "big"))


def command(number: int, payload: Buffer) -> bytes:
    """The bytes of a command."""
    return b"%c%b%b%b" % (
        COMMAND, number.to_bytes(2, "big"), len(payload).to_bytes(2, "big"), bytes(payload),
    )  # fmt: skip


def package(number: int, inner: bytes) -> bytes:
    """The bytes of a PACKAGED command."""
    return command(number, len(inner).to_bytes(4, "big")) + inner
