"""A stream, its sections and its memory as one looks at them: in a session and a notebook.

Texts are one line; HTML is a table, and everything out of a stream is escaped in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vmgen.stream.errors import NotFound
from vmgen.stream.parts import Section
from vmgen.stream.wire import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class SectionSource(Protocol):
        """What sections are of: a stream."""

        def all_sections(self) -> Iterator[Section]:
            """Every section."""

        def section(self, name: str, instance_id: int | None = None) -> Section:
            """One by name."""

        def body(self, section: Section) -> memoryview:
            """Its bytes."""

        def state(self, section: Section) -> Any:
            """Its state object."""

        def values(self, section: Section) -> Any:
            """Its values."""


MOST_ROWS = 500
"""The most rows of a table in a notebook: a hostile stream has millions of sections."""


class OpenSection:
    """One section of a stream, with what is in it.

    ``header`` has its name, its version and its place in the stream.
    """

    __slots__ = ("_stream", "header")

    def __init__(self, stream: SectionSource, header: Section) -> None:
        self._stream = stream
        self.header = header

    @property
    def body(self) -> memoryview:
        """The bytes between header and footer, not copied."""
        return self._stream.body(self.header)

    @property
    def state(self) -> Any:
        """The state object that its codec makes of it, a new one every time.

        Raises UnknownSection if it has no codec, StreamError for bytes that make no sense.
        """
        return self._stream.state(self.header)

    @property
    def values(self) -> Any:
        """The same as dicts, lists and numbers; by the description where there is no codec."""
        return self._stream.values(self.header)

    def __repr__(self) -> str:
        one = self.header
        size = one.end - one.start
        return (
            f"<section {one.path}: version {one.version_id}, {size} bytes at {one.start:#x}"
            f", {means(one)}>"
        )


class StreamSections:
    """The sections of a stream: iterate, or look one up by ``name/instance``.

    A name alone will do where one section has it.  Looking one up raises NotFound, or
    Ambiguous for one name of several.
    """

    __slots__ = ("_stream",)

    def __init__(self, stream: SectionSource) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[Section]:
        return self._stream.all_sections()

    def __getitem__(self, path: str) -> OpenSection:
        for one in self:
            if one.path == path:
                return OpenSection(self._stream, one)
        name, _, number = path.rpartition("/")
        if name and number.isdecimal():
            raise NotFound("no such section in the stream", None, path)
        return OpenSection(self._stream, self._stream.section(path))

    def __contains__(self, path: object) -> bool:
        return any(one.path == path for one in self)

    def __repr__(self) -> str:
        paths = [one.path for one in self]
        shown = ", ".join(paths[:6])
        return f"<{len(paths)} sections: {shown}{', ...' if len(paths) > 6 else ''}>"

    def _repr_html_(self) -> str:
        rows = (
            (one.path, one.kind, one.version_id, f"{one.start:#x}", one.end - one.start, means(one))
            for one in self
        )  # fmt: skip
        return html_table(
            ("section", "kind", "version", "offset", "bytes", "read by"), rows
        )


def means(section: Section) -> str:
    """What reads a section, in words."""
    if section.codec is not None:
        return f"codec {printable(section.codec.name)}"
    return section.means


def html_table(columns: Iterable[str], rows: Iterable[tuple[object, ...]]) -> str:
    """Rows as HTML: escaped, and no more than :data:`MOST_ROWS`."""
    from html import escape

    head = "".join(f"<th>{escape(one)}</th>" for one in columns)
    lines = list[str]()
    for row in rows:
        if len(lines) == MOST_ROWS:
            lines.append("<tr><td>...</td></tr>")
            break
        cells = "".join(f"<td>{escape(str(one))}</td>" for one in row)
        lines.append(f"<tr>{cells}</tr>")
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"
