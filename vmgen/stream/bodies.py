"""Where the body of a section ends.

RAM and other sections without a table have their own readers; the rest end as a codec reads
them, as the sizes in the description JSON say, or at a footer where only one place can be it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vmgen.stream import description
from vmgen.stream.announced import Announced
from vmgen.stream.answers import without_lengths
from vmgen.stream.codecs import Codecs
from vmgen.stream.description import Device, Document, disagree
from vmgen.stream.errors import (
    Malformed,
    Question,
    Refused,
    StreamError,
    Truncated,
    UnknownSection,
)
from vmgen.stream.footers import Footers
from vmgen.stream.frozen import Frozen
from vmgen.stream.input import Input
from vmgen.stream.learned import Learned
from vmgen.stream.old_style import old_style
from vmgen.stream.parts import Kind, Means
from vmgen.stream.ram import VERSION as RAM_VERSION
from vmgen.stream.ram import Ram, walk
from vmgen.stream.served import ServedDevices
from vmgen.stream.wire import SECTION_FOOTER, Cursor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vmgen.stream.codec import Codec


class BodyEnd(Frozen):
    """By which ``means`` the end of a body is known, with the codec and the entry of the
    description that say it; ``open`` is what the codec asks without an answer."""

    means: Means
    codec: Codec | None = None
    device: Device | None = None
    open: Question | None = None


class SectionBodies:
    """The bodies of an input's sections, as :class:`vmgen.stream.reader.Reader` reads them.

    ``known`` is what its pass has learned so far.
    """

    def __init__(
        self,
        source: Input,
        codecs: Codecs | None,
        announced: Announced,
        *,
        page_size: int | None,
        strict: bool,
        answering: Sequence[Document],
    ) -> None:
        self.source = source
        self.codecs = codecs
        self.announced = announced
        self.page_size = page_size
        self.strict = strict
        self._answering = tuple(map(ServedDevices, answering))
        self._footers: Footers | None = None

    def end(
        self,
        cursor: Cursor,
        known: Learned,
        kind: Kind,
        name: str,
        instance: int,
        version: int,
        number: int,
    ) -> BodyEnd:
        """Go to the end of a section's body.  Raises a :class:`StreamError`."""
        if name == "ram":
            if version != RAM_VERSION:
                message = f"version {version} is not {RAM_VERSION}"
                raise Malformed(message, cursor.pos, cursor.path)
            for _ in walk(self._ram(cursor, known), cursor):
                pass
            return BodyEnd("ram")
        begin = cursor.pos
        if reader := old_style(name, kind):
            if version not in reader.versions:
                message = f"version {version} is not known"
                raise Malformed(message, begin, cursor.path)
            reader.read(cursor, kind)
            device = self.announced.device(name, instance) if kind == "full" else None
            if device is not None and device.size != cursor.pos - begin and self.strict:
                raise self._other_end(cursor, begin, device, "its reader")
            return BodyEnd("old-style", None, device)
        device = None
        if kind == "full" or not self.strict:
            device = self.announced.device(name, instance)
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
            return self._left_open(cursor, known, number, device, error)
        if device is not None and device.certain:
            cursor.skip(device.size)
            return BodyEnd("description", None, device)
        return self._scanned(cursor, known, number, device)

    def _ram(self, cursor: Cursor, known: Learned) -> Ram:
        if known.ram is None:
            document = self.announced.document
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
                    "the end of the stream, where it is, may be cut: name the release"
                    " that wrote the stream (--release 10.0; 'vmgen releases'), its"
                    " tree (--qemu), or the page size (--page-size 4096)",
                )
            known.ram = Ram(
                size,
                known.advised,
                "x-ignore-shared" in known.capabilities,
                "mapped-ram" in known.capabilities,
                self.source.base,
            )
        return known.ram

    def _has_table(self, name: str) -> bool:
        """Whether a section is one of a table, where no description says it."""
        if self.strict or self.announced.document is not None:
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
    ) -> BodyEnd:
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
        return BodyEnd("codec", codec, device)

    def _answered(
        self, cursor: Cursor, name: str, instance: int, version: int, number: int
    ) -> BodyEnd | None:
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
                    return BodyEnd("codec", codec, device if fits else None)
                if node is bare:
                    cursor.skip(end - begin)
                    return BodyEnd("codec", codec)
        return None

    def _left_open(
        self, cursor: Cursor, known: Learned, number: int, device: Device | None,
        reason: Refused,
    ) -> BodyEnd:  # fmt: skip
        """The end of a section whose codec lacks an answer: what else says it exactly.

        Raises the codec's own question where nothing does.
        """
        reason.offset = cursor.pos if reason.offset is None else reason.offset
        if device is not None and device.certain:
            cursor.skip(device.size)
            return BodyEnd("description", None, device, reason.question)
        try:
            return self._scanned(cursor, known, number, device, reason.question)
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
        self, cursor: Cursor, known: Learned, number: int, device: Device | None,
        open: Question | None = None,
    ) -> BodyEnd:  # fmt: skip
        """Carry a section whole, if exactly one place can be its footer.

        ``device`` is an entry with the least that the section can have.
        """
        least = cursor.pos + (0 if device is None else device.size)
        if not self.source.complete:
            raise Truncated("all of the stream is needed", cursor.pos, cursor.path)
        if known.footers is False:
            raise UnknownSection(
                "neither a codec nor a description nor footers say where it ends",
                cursor.pos,
                cursor.path,
                "give the codecs of the release that wrote the stream",
            )
        if self._footers is None:
            self._footers = Footers(cursor.view, cursor.pos)
        places = self._footers.of(number, least, cursor.end, known.sections)
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
        return BodyEnd("footer", None, device, open)
