"""Bytes that come one after the other: from a view, from pieces, behind others."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vmgen.stream.errors import Truncated, Unreadable
from vmgen.stream.wire import Buffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmgen.stream.carriers import Source
    from vmgen.stream.readable import Readable

CHUNK = 1 << 20
FREE = 1 << 30
RATIO = 256


def reading(source: Source) -> Readable:
    """A view as a pipe; a pipe as it is."""
    return _Viewed(source) if isinstance(source, memoryview) else source


class Counting:
    """A pipe that counts what was read of it."""

    def __init__(self, pipe: Readable) -> None:
        self._pipe = pipe
        self._count = 0

    def read(self, size: int, /) -> bytes | None:
        """Up to ``size`` bytes."""
        data = self._pipe.read(size)
        self._count += len(data or b"")
        return data

    def count(self) -> int:
        """How many bytes that were."""
        return self._count


def exactly(pipe: Readable, size: int, path: str) -> bytes:
    """So many bytes; Truncated, with the carrier's name as ``path``, if there are fewer."""
    parts = []
    while size:
        more = pipe.read(min(size, CHUNK))
        if not more:
            raise Truncated(f"{size} bytes are missing", None, path)
        parts.append(more)
        size -= len(more)
    return b"".join(parts)


def head_of(source: Source, size: int) -> tuple[bytes, Source]:
    """The first bytes, or as many as there are, and the source with them."""
    if isinstance(source, memoryview):
        return bytes(source[:size]), source
    head = b""
    while len(head) < size and (data := source.read(size - len(head))):
        head += data
    return head, _Prefixed(head, source)


class _Viewed:
    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._pos = 0

    def read(self, size: int = -1) -> bytes:
        end = len(self._view) if size < 0 else self._pos + size
        data = bytes(self._view[self._pos : end])
        self._pos += len(data)
        return data


class _Prefixed:
    """A pipe whose first bytes have been read already."""

    def __init__(self, head: bytes, pipe: Readable) -> None:
        self._head = head
        self._pipe = pipe

    def read(self, size: int = -1) -> bytes | None:
        if not self._head:
            return self._pipe.read(size)
        data = self._head if size < 0 else self._head[:size]
        self._head = self._head[len(data) :]
        return data


class Pieces:
    """Buffers, each made when it is read."""

    def __init__(self, pieces: Iterator[Buffer]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = memoryview(piece)
        data = bytes(self._rest[:size])
        self._rest = self._rest[len(data) :]
        return data


class Limited:
    """What is unpacked, up to a limit.

    A carrier may unpack to ``limit`` bytes; without one to :data:`FREE`, or to
    :data:`RATIO` times its own ``packed`` bytes (what was read of a pipe so far), whichever
    is more: a little hostile data could fill a disk, and a machine's memory is seldom that
    regular.
    """

    def __init__(
        self, pipe: Readable, packed: Callable[[], int], limit: int | None, kind: str
    ) -> None:
        self._pipe = pipe
        self._packed = packed
        self._limit = limit
        self._kind = kind
        self._count = 0

    def read(self, size: int, /) -> bytes | None:
        """Up to ``size`` bytes; Unreadable beyond the limit."""
        data = self._pipe.read(min(size, CHUNK))
        self._count += len(data or b"")
        limit = self._limit
        if limit is None:
            limit = max(FREE, RATIO * self._packed())
        if self._count > limit:
            raise Unreadable(
                f"it unpacks to more than {limit} bytes",
                None,
                self._kind,
                "if that is what you expect: --max-unpacked 64G",
            )
        return data
