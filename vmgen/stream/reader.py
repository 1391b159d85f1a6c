"""Reads a stream part by part.

Sections carry no length, so each must be understood to reach the next: RAM and other
sections without a table by their own readers, the rest by a codec, by the sizes in the
description JSON, or by a footer where only one place can be it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vmgen.stream import configuration, description
from vmgen.stream.answers import without_lengths
from vmgen.stream.codecs import Codecs
from vmgen.stream.description import Device, Document, disagree
from vmgen.stream.errors import (
    Malformed,
    NotAStream,
    Question,
    Refused,
    StreamError,
    Truncated,
    UnknownSection,
)
from vmgen.stream.footers import Footers
from vmgen.stream.input import CHUNK, Input
from vmgen.stream.learned import Learned
from vmgen.stream.old_style import old_style
from vmgen.stream.parts import (
    Command,
    DescriptionJson,
    End,
    Header,
    Kind,
    Means,
    Part,
    Section,
    Trailing,
)
from vmgen.stream.ram import VERSION as RAM_VERSION
from vmgen.stream.ram import Ram, walk
from vmgen.stream.served import ServedDevices
from vmgen.stream.wire import (
    CMD_PACKAGED,
    CMD_POSTCOPY_ADVISE,
    COMMAND,
    COMMANDS,
    CONFIGURATION,
    DESCRIPTION,
    EOF,
    KINDS,
    MAGIC,
    SECTION_FOOTER,
    VERSION,
    Cursor,
    printable,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vmgen.stream.codec import Codec

_DEPTH = 4
_MARGIN = 1 << 16


class Reader:
    """One pass over an input.

    ``codecs`` may be None: then only what needs none can be read.  ``page_size`` is the
    target's, in bytes, where neither description nor configuration nor target say it.
    ``use_description=False`` reads as if there were no description JSON, ``strict=False``
    takes only the ends of sections from it and compares nothing.  ``answering`` are
    descriptions that bound nothing: they answer what codecs ask, where a section then ends
    at its footer.
    """

    def __init__(
        self,
        source: Input,
        codecs: Codecs | None = None,
        *,
        page_size: int | None = None,
        use_description: bool = True,
        strict: bool = True,
        answering: Sequence[Document] = (),
    ) -> None:
        self.source = source
        self.codecs = codecs
        self.page_size = page_size
        self.use_description = use_description
        self.strict = strict
        self.known = Learned()
        self._described: ServedDevices | None = None
        self._looked = False
        self._footers: Footers | None = None
        self._open: Question | None = None
        self._answering = tuple(map(ServedDevices, answering))

    @property
    def document(self) -> Document | None:
        """The description, as soon as all of the stream is there."""
        if not self._looked and self.source.complete:
            self._looked = True
            found = None
            if self.use_description:
                found = self.source.remembered(description.find)
            self._described = None if found is None else ServedDevices(found)
        return None if self._described is None else self._described.document

    def parts(self) -> Iterator[Part]:
        """Every part of the stream, each as soon as it is there.

        Raises a :class:`StreamError`.
        """
        position = 0
        step = self._header
        while True:
            part = self._tried(step, position)
            position = part.offset + part.size
            yield part
            if isinstance(part, End):
                break
            step = self._first if isinstance(part, Header) else self._next
        yield from self._behind(position)

    def _tried(self, step: Any, position: int) -> Part:
        """A step; again with more of the input where it did not suffice."""
        before = self.known
        while True:
            view = self.source.view
            try:
                self.known = before.copy() if not self.source.complete else before
                part: Part = step(Cursor(view, position))
            except StreamError as error:
                if self.source.complete:
                    raise
                near = error.offset is None or error.offset + _MARGIN > len(view)
                if not near and not isinstance(error, (Truncated, Refused)):
                    raise
            else:
                if self.source.complete or part.offset + part.size + 512 <= len(view):
                    return part
            self.source.more(max(CHUNK, len(view) - position))

    # --- the parts ----------------------------------------------------------------------

    def _header(self, cursor: Cursor) -> Part:
        start = cursor.pos
        if cursor.left() == 0:
            raise NotAStream("the file is empty", start)
        if cursor.left() < 8 and MAGIC.startswith(cursor.view[start:].tobytes()[:4]):
            cursor.cut(8)
        if bytes(cursor.view[start : start + 4]) != MAGIC:
            raise NotAStream(
                "not a migration stream: it does not begin with QEVM", start
            )
        cursor.skip(4)
        version = cursor.u32()
        if version != VERSION:
            old = ", an obsolete format" if version == 2 else ""
            raise NotAStream(
                f"version {version} of the container{old}, not 3", start + 4
            )
        return Header(start, 8)

    def _first(self, cursor: Cursor) -> Part:
        if cursor.left() < 1:
            cursor.cut(1)
        if cursor.view[cursor.pos] != CONFIGURATION:
            return self._next(cursor)
        cursor.skip(1)
        node = None if self.document is None else self.document.configuration
        part = configuration.read(cursor, node, compare=self.strict)
        bits = part.value("target-page-bits")
        names = part.value("capabilities")
        if isinstance(bits, int):
            self.known.page_bits = bits
        if isinstance(names, list):
            self.known.capabilities = frozenset(names)
        return part

    def _next(self, cursor: Cursor, depth: int = 0) -> Part:
        start = cursor.pos
        mark = cursor.u8()
        if mark in KINDS:
            return self._section(cursor, start, KINDS[mark])  # type: ignore[arg-type]
        if mark == COMMAND:
            return self._command(cursor, start, depth)
        if mark == EOF:
            return End(start, 1)
        raise Malformed(f"an unknown part of type {mark:#04x}", start)

    def _behind(self, position: int) -> Iterator[Part]:
        """The description and what may follow it."""
        while not self.source.complete:
            self.source.more()
        view, document = self.source.view, self.document
        cursor = Cursor(view, min(position + 1, len(view)), path="description")
        there = position < len(view) and view[position] == DESCRIPTION
        if there and not self.strict and cursor.left() < 4:
            there = False  # QEMU reads to the end without a look at what comes
        if there:
            size = cursor.u32()
            whole = size <= cursor.left()
            if not self.strict:
                size = min(size, cursor.left())
            cursor.skip(size)
            if document is None and self.use_description and whole:
                document = self._late(view, position, size)
            yield DescriptionJson(position, size + 5)
            found = position
            position += size + 5
        else:
            found = -1
        if document is not None and self.strict:
            if document.offset != found:
                message = (
                    f"the description is not where the stream ends, at {position:#x}"
                )
                raise disagree(message, "description", document.offset)
            self._all_there()
        if position < len(view):
            yield Trailing(position, len(view) - position)

    def _late(self, view: memoryview, position: int, size: int) -> Document:
        """A description that something other than padding follows."""
        text = view[position + 5 : position + 5 + size].tobytes()
        self._described = ServedDevices(Document(text, position))
        return self._described.document

    def _all_there(self) -> None:
        """Compare with what was read before the description was there."""
        for section in self.known.unchecked:
            device = self._device(section.name, section.instance_id)
            size = section.end - section.start
            if device is None or (device.size != size and device.certain):
                described = "nothing" if device is None else str(device.size)
                message = f"{size} bytes by its reader, {described} by the description"
                raise disagree(message, section.path, section.start)
        assert self._described is not None  # there is a document
        self._described.all_there()

    def _command(self, cursor: Cursor, start: int, depth: int) -> Command:
        number, length = cursor.u16(), cursor.u16()
        name, expected = COMMANDS.get(number, ("", -1))
        if not name:
            raise Malformed(f"unknown command {number:#x} of {length} bytes", start)
        if expected not in (-1, length):
            message = f"{length} bytes instead of {expected}"
            raise Malformed(message, start, f"command {name}")
        payload = cursor.skip(length)
        if number == CMD_POSTCOPY_ADVISE:
            if length not in (0, 16):
                raise Malformed(
                    f"{length} bytes instead of 16", start, f"command {name}"
                )
            self.known.advised = length == 16
        if number != CMD_PACKAGED:
            return Command(start, cursor.pos - start, number, name, payload, length)
        if depth >= _DEPTH:
            raise Malformed("packages are nested too deeply", start, f"command {name}")
        size = int.from_bytes(cursor.view[payload : payload + 4], "big")
        begin = cursor.skip(size)
        inner = Cursor(cursor.view, begin, cursor.pos)
        package: list[Part] = []
        while inner.pos < inner.end:
            part = self._next(inner, depth + 1)
            package.append(part)
            inner.pos = part.offset + part.size
        size = cursor.pos - start
        return Command(
            start, size, number, name, payload, length, begin, tuple(package)
        )

    # --- sections -----------------------------------------------------------------------

    def _section(self, cursor: Cursor, start: int, kind: Kind) -> Section:
        number = cursor.u32()
        if kind in ("start", "full"):
            name = cursor.text()
            if not name:
                raise Malformed("a section without a name", start)
            instance, version = cursor.u32(), cursor.u32()
            before = self.known.sections.setdefault(number, (name, instance, version))
            if self.strict and before != (name, instance, version):
                message = f"section id {number} is also that of {printable(before[0])}"
                raise Malformed(message, start, f"{printable(name)}/{instance}")
        elif number in self.known.sections:
            name, instance, version = self.known.sections[number]
        else:
            raise Malformed(f"{kind.upper()} of the unknown section id {number}", start)
        path = f"{printable(name)}/{instance}"
        cursor.path = path
        begin = cursor.pos
        self._open = None
        means, codec, device = self._body(cursor, kind, name, instance, version, number)
        end = cursor.pos
        footer = self.known.footer(cursor, number, path, means)
        made = Section(
            start, cursor.pos - start, kind, number, name, instance, version,
            begin, end, footer, means, codec, device, self._open,
        )  # fmt: skip
        if kind == "full" and device is None:
            self.known.unchecked.append(made)
        return made

    def _body(
        self,
        cursor: Cursor,
        kind: Kind,
        name: str,
        instance: int,
        version: int,
        number: int,
    ) -> tuple[Means, Codec | None, Device | None]:
        """Go to the end of a section's body."""
        if name == "ram":
            if version != RAM_VERSION:
                message = f"version {version} is not {RAM_VERSION}"
                raise Malformed(message, cursor.pos, cursor.path)
            for _ in walk(self._ram(cursor), cursor):
                pass
            return "ram", None, None
        begin = cursor.pos
        if reader := old_style(name, kind):
            if version not in reader.versions:
                message = f"version {version} is not known"
                raise Malformed(message, begin, cursor.path)
            reader.read(cursor, kind)
            device = self._device(name, instance) if kind == "full" else None
            if device is not None and device.size != cursor.pos - begin and self.strict:
                raise self._other_end(cursor, begin, device, "its reader")
            return "old-style", None, device
        device = None
        if kind == "full" or not self.strict:
            device = self._device(name, instance)
        # QEMU loads the whole table whatever a section says of its kind (vmstate_load).
        if kind != "full" and device is None and not self._has_table(name):
            message = f"no reader for {kind.upper()} sections of this name"
            raise UnknownSection(message, begin, cursor.path)
        if self.strict and device is not None and device.version not in (None, version):
            message = f"version {version}, described as {device.version}"
            raise disagree(message, cursor.path, begin)
        if device is None:
            found = self._answered(cursor, name, instance, version, number)
            if found is not None:
                return found
        try:
            if (codec := self._codec(name, device)) is not None:
                return self._decoded(cursor, codec, device, version)
        except Refused as error:
            if error.rule != "context":
                raise
            return self._left_open(cursor, number, device, error)
        if device is not None and device.certain:
            cursor.skip(device.size)
            return "description", None, device
        return self._scanned(cursor, number, device)

    def _ram(self, cursor: Cursor) -> Ram:
        known = self.known
        if known.ram is None:
            document = self.document
            size = self.page_size
            if size is None and document is not None:
                size = document.page_size
            if size is None and known.page_bits is not None:
                size = 1 << min(known.page_bits, 64)
            if size is None and self.codecs is not None:
                size = self.codecs.page_size
            if size is None and not self.source.complete:
                raise Truncated("the description is needed", cursor.pos, cursor.path)
            if size is None:
                raise UnknownSection(
                    "the page size is not known: the stream has no description",
                    cursor.pos,
                    cursor.path,
                    "it is cut short, or of a QEMU that writes none: give the page size"
                    " (--page-size 4096), or the target's codecs (--codecs, --qemu)",
                )
            known.ram = Ram(
                size,
                known.advised,
                "x-ignore-shared" in known.capabilities,
                "mapped-ram" in known.capabilities,
                self.source.base,
            )
        return known.ram

    def _device(self, name: str, instance: int) -> Device | None:
        """The section's entry in the description; an error if it should have one."""
        if self.document is None or self._described is None:
            return None
        if self.strict:
            return self._described.expected(name, instance)
        return self._described.again(name, instance)

    def _has_table(self, name: str) -> bool:
        """Whether a section is one of a table, where no description says it."""
        if self.strict or self.document is not None:
            return False
        try:
            return self._codec(name, None) is not None
        except Refused:  # several devices of one name: each has a table
            return True

    def _codec(self, name: str, device: Device | None) -> Codec | None:
        if self.codecs is None:
            return None
        if device is not None:
            if "vmsd_name" not in device.node:
                return None
            table = description.name_of(device.node, "vmsd_name")
            if not hasattr(self.codecs.codecs, "choose"):
                return self.codecs.codecs.get(table)
            # A device path tells namesakes apart.
            behind = name.endswith(f"/{table}")
            return self.codecs.get(name if behind else table, device.node)
        return self.codecs.get(name)

    def _decoded(
        self, cursor: Cursor, codec: Codec, device: Device | None, version: int
    ) -> tuple[Means, Codec | None, Device | None]:
        assert self.codecs is not None
        begin = cursor.pos
        node: Mapping[str, Any] | None = None if device is None else device.node
        view = cursor.view[: cursor.end]
        _, end = self.codecs.load(codec, view, begin, version, cursor.path, node)
        cursor.skip(end - begin)
        if (
            device is not None
            and device.size != end - begin
            and device.certain
            and self.strict
        ):
            raise self._other_end(cursor, begin, device, "the codec")
        return "codec", codec, device

    def _answered(
        self, cursor: Cursor, name: str, instance: int, version: int, number: int
    ) -> tuple[Means, Codec | None, Device | None] | None:
        """A section as one of the answering descriptions has it, if it ends at its footer
        then, or if no length of its content decides where it ends."""
        begin, view = cursor.pos, cursor.view[: cursor.end]
        mark = bytes([SECTION_FOOTER]) + number.to_bytes(4, "big")
        for served in self._answering:
            if (device := served.again(name, instance)) is None:
                continue
            bare = without_lengths(device.node)
            for node in (device.node, bare):
                try:
                    codec = self._codec(name, device)
                    if self.codecs is None or codec is None:
                        break
                    path = cursor.path
                    _, end = self.codecs.load(codec, view, begin, version, path, node)
                except StreamError:
                    continue
                if view[end : end + len(mark)] == mark:
                    cursor.skip(end - begin)
                    fits = device.certain and device.size == end - begin
                    return "codec", codec, device if fits else None
                if node is bare:
                    cursor.skip(end - begin)
                    return "codec", codec, None
        return None

    def _left_open(
        self, cursor: Cursor, number: int, device: Device | None, reason: Refused
    ) -> tuple[Means, Codec | None, Device | None]:
        """The end of a section whose codec lacks an answer: what else says it exactly.

        Raises the codec's own question where nothing does.
        """
        self._open = reason.question
        reason.offset = cursor.pos if reason.offset is None else reason.offset
        if device is not None and device.certain:
            cursor.skip(device.size)
            return "description", None, device
        try:
            return self._scanned(cursor, number, device)
        except UnknownSection:
            raise reason from None

    def _other_end(
        self, cursor: Cursor, begin: int, device: Device, reader: str
    ) -> StreamError:
        return disagree(
            f"{cursor.pos - begin} bytes by {reader}, {device.size} by the description",
            cursor.path,
            begin,
        )

    def _scanned(
        self, cursor: Cursor, number: int, device: Device | None
    ) -> tuple[Means, Codec | None, Device | None]:
        """Carry a section whole, if exactly one place can be its footer.

        ``device`` is an entry with the least that the section can have.
        """
        least = cursor.pos + (0 if device is None else device.size)
        if not self.source.complete:
            raise Truncated("all of the stream is needed", cursor.pos, cursor.path)
        if self.known.footers is False:
            raise UnknownSection(
                "neither a codec nor a description nor footers say where it ends",
                cursor.pos,
                cursor.path,
                "give the codecs of the release that wrote the stream",
            )
        if self._footers is None:
            self._footers = Footers(cursor.view, cursor.pos)
        places = self._footers.of(number, least, cursor.end, self.known.sections)
        if len(places) != 1:
            found = (
                f"{len(places)} places look like its footer"
                if places
                else "nothing behind it looks like its footer: the stream is cut or damaged"
            )
            raise UnknownSection(
                f"neither a codec nor a description says where it ends, and {found}",
                cursor.pos,
                cursor.path,
                "give the codecs of the release that wrote the stream",
            )
        cursor.pos = places[0]
        return "footer", None, device
