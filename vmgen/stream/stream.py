"""A migration stream: its parts, its sections, what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType

from vmgen.stream import described, old_style
from vmgen.stream.codecs import Codecs, plain
from vmgen.stream.described import Slot
from vmgen.stream.description import Document
from vmgen.stream.errors import (
    Ambiguous,
    BadEdit,
    NotFound,
    StreamError,
    UnknownSection,
)
from vmgen.stream.input import Input, Source
from vmgen.stream.looking import StreamSections
from vmgen.stream.memory import Memory
from vmgen.stream.parts import Command, Configuration, Part, Section, Trailing
from vmgen.stream.reader import Reader
from vmgen.stream.wire import Cursor, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vmgen.stream.codec import Codec


class Stream:
    """A stream in a file (mapped), a pipe, or memory; plain, compressed, in a libvirt save
    image or a snapshot of a qcow2 image (:class:`vmgen.stream.input.Input` chooses one).

    Parts are read when they are requested, and once.  ``codecs`` are those of a generated
    package for the stream's target and release (:func:`vmgen.stream.from_folder`) or a
    mapping from wire name to codec.  ``page_size`` is the target's in bytes, for streams
    that do not say it.  ``strict=False`` reads as QEMU does, to which the description says
    nothing: it bounds sections, and what else it says is not compared.  ``answering`` are other
    descriptions of such machines, which answer what codecs ask.  Every method that
    reads raises :class:`StreamError`.
    """

    def __init__(
        self,
        source: Source | Input,
        codecs: Codecs | Mapping[str, Codec] | None = None,
        *,
        page_size: int | None = None,
        use_description: bool = True,
        strict: bool = True,
        answering: Sequence[Document] = (),
    ) -> None:
        if codecs is not None and not isinstance(codecs, Codecs):
            codecs = Codecs(codecs)
        self.codecs = codecs
        self._input = source if isinstance(source, Input) else Input(source)
        self._reader = Reader(
            self._input,
            codecs,
            page_size=page_size,
            use_description=use_description,
            strict=strict,
            answering=answering,
        )
        self._pending = self._reader.parts()
        self._parts: list[Part] = []
        self._failure: StreamError | None = None
        self._layouts: dict[int, tuple[Slot, ...]] = {}

    @classmethod
    def open(
        cls,
        source: Source,
        codecs: Codecs | Mapping[str, Codec] | None = None,
        *,
        snapshot: str = "",
        max_unpacked: int | None = None,
        page_size: int | None = None,
    ) -> Stream:
        """One stream of a file that can have several.

        ``snapshot`` is the name or the id of a disk image's snapshot, which a path can also
        end in (``disk.qcow2@name``); :func:`vmgen.stream.streams` lists them.
        ``max_unpacked`` is how many bytes a carrier may unpack to.  Raises Unreadable,
        NotFound for no such snapshot, Ambiguous for one of several that is not named.
        """
        found = Input(source, snapshot, max_unpacked=max_unpacked)
        return cls(found, codecs, page_size=page_size)

    def __repr__(self) -> str:
        found = self.configuration
        machine = f", machine {printable(found.machine)}" if found else ""
        carriers = f" in {'/'.join(self.carriers)}" if self.carriers else ""
        codecs = "" if self.codecs is None else ", with codecs"
        return f"<stream {printable(self.name)}{carriers}{machine}{codecs}>"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p>{escape(repr(self))}</p>{self.sections._repr_html_()}"

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the input; views that were handed out stay valid."""
        self._input.close()

    @property
    def name(self) -> str:
        """What the input is called, for messages."""
        return self._input.name

    @property
    def carriers(self) -> tuple[str, ...]:
        """What the stream was found in, outermost first: ``gzip``, ``libvirt``, ..."""
        return tuple(self._input.carriers)

    @property
    def prefix(self) -> memoryview:
        """What goes before a copy of the stream: the header of the save image it is from."""
        return self._input.prefix

    @property
    def view(self) -> memoryview:
        """The bytes of the stream as far as they were needed."""
        return self._input.view

    def parts(self) -> Iterator[Part]:
        """Every part, in stream order; together they are all bytes of the stream."""
        index = 0
        while True:
            while index < len(self._parts):
                yield self._parts[index]
                index += 1
            if self._failure is not None:
                raise self._failure
            try:
                self._parts.append(next(self._pending))
            except StopIteration:
                return
            except StreamError as error:
                self._failure = error
                raise

    def require_header(self) -> None:
        """Raises what :meth:`parts` raises for a file that does not begin as a stream."""
        next(self.parts(), None)

    def loosely(self, page_size: int | None = None) -> Stream:
        """The same input without codecs, as QEMU reads it: the description only bounds
        sections.  What strict reading refuses may be read so.  ``page_size`` is another
        one to try, in bytes."""
        page_size = page_size or self._reader.page_size
        return Stream(self._input, page_size=page_size, strict=False)

    def bare(self) -> memoryview:
        """The stream without what it is in and what follows it.

        Raises BadEdit for a mapped-ram stream inside of a save image, whose places count
        from the file's beginning.
        """
        parts = tuple(self.parts())
        behind = parts[-1].offset if isinstance(parts[-1], Trailing) else None
        ram, base = self._reader.known.ram, self._input.base
        if base and ram is not None and ram.mapped_ram:
            raise BadEdit(
                "a mapped-ram stream has places of the file that it is in",
                None,
                "ram",
                f"QEMU loads it from there: -incoming file:FILE,offset={base}",
            )
        return self.view[:behind]

    def all_sections(self) -> Iterator[Section]:
        """Every section in stream order, those inside of packages too."""
        yield from _sections(self.parts())

    @property
    def sections(self) -> StreamSections:
        """The sections: to iterate, or by path (``stream.sections["cpu/0"].state``)."""
        return StreamSections(self)

    @property
    def configuration(self) -> Configuration | None:
        """The configuration, if there is one."""
        for part in self.parts():
            if isinstance(part, Configuration):
                return part
            if isinstance(part, Section):
                break
        return None

    @property
    def description(self) -> Document | None:
        """The description JSON; needs all of the stream."""
        self._input.finish()
        return self._reader.document

    def section(self, name: str, instance_id: int | None = None) -> Section:
        """The FULL (or first) section of this name.

        Raises NotFound, or Ambiguous if there are several and no instance is given.
        """
        found: dict[int, Section] = {}
        for one in self.sections:
            if one.name == name and instance_id in (None, one.instance_id):
                found.setdefault(one.instance_id, one)
        if not found:
            path = name if instance_id is None else f"{name}/{instance_id}"
            raise NotFound("no such section in the stream", None, path)
        if len(found) > 1:
            choices = ", ".join(f"{name}/{number}" for number in found)
            raise Ambiguous(f"several sections: {choices}", None, name)
        (section,) = found.values()
        return section

    # --- what is in a section -------------------------------------------------------------

    def body(self, section: Section) -> memoryview:
        """The bytes between a section's header and its footer, not copied."""
        return self.view[section.start : section.end]

    def state(self, section: Section) -> Any:
        """The state object that the section's codec makes of it, a new one every time.

        Raises UnknownSection if it has no codec.
        """
        if section.codec is None or self.codecs is None:
            raise UnknownSection(
                "there is no codec for it", section.offset, section.path
            )
        node = None if section.device is None else section.device.node
        state, _ = self.codecs.load(
            section.codec, self.view[: section.end], section.start,
            section.version_id, section.path, node,
        )  # fmt: skip
        return state

    def layout(self, section: Section) -> tuple[Slot, ...]:
        """Where the description has the fields of a section; empty where it does not say."""
        if section.device is None or section.means == "footer":
            return ()
        if section.offset not in self._layouts:
            node, path = section.device.node, section.path
            self._layouts[section.offset] = described.layout(node, path)
        return self._layouts[section.offset]

    def values(self, section: Section) -> Any:
        """What is in a section, as dicts, lists, arrays, bytes and numbers.

        By its codec, else by its reader, else by the description; None for RAM and for
        what is only known as bytes.
        """
        if section.codec is not None:
            return plain(self.state(section))
        if section.means == "old-style":
            return self.events(section)
        if section.device is not None and section.means != "footer":
            return described.decode(self.layout(section), self.view, section.start)
        return None

    def events(self, section: Section) -> old_style.Events:
        """What the reader of a section without a table finds in it."""
        reader = old_style.old_style(section.name, section.kind)
        if reader is None:
            raise UnknownSection(
                "there is no reader for it", section.offset, section.path
            )
        cursor = Cursor(self.view, section.start, section.end, section.path)
        return reader.read(cursor, section.kind)

    def block_names(self) -> tuple[str, ...]:
        """The names of RAM blocks; nothing behind the section that lists them is read."""
        for part in self.parts():
            if isinstance(part, Section) and part.means == "ram":
                break
        ram = self._reader.known.ram
        return () if ram is None else tuple(ram.blocks)

    def memory(self) -> Memory:
        """Guest memory; NotFound if the stream has none."""
        spans = tuple(
            (section.start, section.end)
            for section in self.sections
            if section.means == "ram"
        )
        ram = self._reader.known.ram
        if ram is None:
            raise NotFound("the stream has no RAM section", None, "ram")
        return Memory(self.view, ram, spans)


def _sections(parts: Iterator[Part]) -> Iterator[Section]:
    for part in parts:
        if isinstance(part, Section):
            yield part
        elif isinstance(part, Command) and part.package is not None:
            yield from _sections(iter(part.package))
