"""Reads a stream part by part.

Sections carry no length, so each must be understood to reach the next
(:mod:`vmgen.stream.bodies`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vmgen.stream import configuration
from vmgen.stream.announced import Announced
from vmgen.stream.bodies import SectionBodies
from vmgen.stream.codecs import Codecs
from vmgen.stream.description import Document, disagree
from vmgen.stream.errors import (
    DescriptionCut,
    Malformed,
    NotAStream,
    Refused,
    StreamError,
    Truncated,
)
from vmgen.stream.input import CHUNK, Input
from vmgen.stream.learned import Learned
from vmgen.stream.parts import (
    Command,
    DescriptionJson,
    End,
    Header,
    Kind,
    Part,
    Section,
    Trailing,
)
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
    VERSION,
    Cursor,
    printable,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
        self.page_size = page_size
        self.strict = strict
        self.known = Learned()
        self._announced = Announced(source, use_description, strict)
        self._bodies = SectionBodies(
            source, codecs, self._announced,
            page_size=page_size, strict=strict, answering=answering,
        )  # fmt: skip

    @property
    def document(self) -> Document | None:
        """The description, as soon as all of the stream is there."""
        return self._announced.document

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
            self._uncut(cursor)
            size = cursor.u32()
            whole = size <= cursor.left()
            if not self.strict:
                size = min(size, cursor.left())
            cursor.skip(size)
            if document is None and whole:
                document = self._announced.late(view, position, size)
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
            self._announced.all_there(self.known.unchecked)
        if position < len(view):
            yield Trailing(position, len(view) - position)

    def _uncut(self, cursor: Cursor) -> None:
        """Raises DescriptionCut where a strict reader needs more than there is."""
        left = cursor.left()
        size = 4 + int.from_bytes(cursor.view[cursor.pos : cursor.pos + 4], "big")
        if self.strict and (left < 4 or size > left):
            raise DescriptionCut(
                f"it is cut: {left} bytes are left of {size if left >= 4 else 'more'}",
                cursor.pos,
                "description",
                "every section is there: vmgen reads them without the description, by the"
                " tables of the release that wrote the stream (--release 10.0)",
            )

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
        found = self._bodies.end(
            cursor, self.known, kind, name, instance, version, number
        )
        end = cursor.pos
        footer = self.known.footer(cursor, number, path, found.means)
        made = Section(
            start, cursor.pos - start, kind, number, name, instance, version,
            begin, end, footer, found.means, found.codec, found.device, found.open,
        )  # fmt: skip
        if kind == "full" and found.device is None:
            self.known.unchecked.append(made)
        return made
