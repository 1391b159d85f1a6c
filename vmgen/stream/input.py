"""Where a stream's bytes come from: memory, a mapped file, a pipe, in a carrier or not.

A file is mapped, bytes are viewed.  What cannot be mapped (a pipe, a compressed file) is
copied into an unnamed temporary file as far as it is requested, and that one is mapped:
the memory in use does not grow with the stream.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Callable, Iterator

from vmgen.stream import carriers
from vmgen.stream.errors import Unreadable
from vmgen.stream.wire import Buffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, TypeAlias, TypeVar

    from vmgen.stream.readable import Readable

    T = TypeVar("T")


Source: TypeAlias = "Buffer | str | os.PathLike[str] | Readable"

CHUNK = 1 << 20

_DEEPEST = 4
"""So many carriers may be inside of each other (a compressed save image of ...)."""


class Input:
    """The bytes of a stream as far as they are there.

    ``view`` is everything so far, ``complete`` says whether more can come.  A view
    stays valid when more comes.  ``carriers`` are the kinds of what the stream
    was found in, outermost first (``gzip``, ``libvirt``, ``qcow2``, ...), ``base`` is the
    offset of its first byte in a file that has it as it is, ``prefix`` what goes before a
    copy of it that is not compressed (a save image's header).  ``snapshot`` names the one
    to read where a qcow2 image has several.

    Raises Unreadable, or what else keeps a carrier from being opened.
    """

    def __init__(self, source: Source, snapshot: str = "") -> None:
        self.name = ""
        self.carriers: list[str] = []
        self.base = 0
        self.prefix = memoryview(b"")
        self._snapshot = snapshot
        self._found: dict[Any, Any] = {}
        self.view = memoryview(b"")
        self.complete = True
        self._pipe: Readable | None = None
        self._spool: IO[bytes] | None = None
        self._opened: list[IO[bytes]] = []
        self._closing: list[Callable[[], None]] = []
        if isinstance(source, (bytes, bytearray, memoryview)):
            self.name = "bytes"
            view = memoryview(source)
            self.view = (
                view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
            ).toreadonly()
            self._unpack()
        elif isinstance(source, (str, os.PathLike)):
            self.name = os.fspath(source)
            self._open(self.name)
        else:
            self.name = str(getattr(source, "name", "pipe"))
            self._start(source)

    def _open(self, path: str) -> None:
        try:
            file = open(path, "rb")  # noqa: SIM115 - close() closes it
            self._opened.append(file)
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            if regular:
                self._map(file)
        except OSError as error:
            self.close()
            raise self._unreadable(error) from None
        if not regular:
            self._start(file)
            return
        self._unpack()

    def _map(self, file: IO[bytes]) -> None:
        size = os.fstat(file.fileno()).st_size
        if size:
            mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
            self.view = memoryview(mapped)

    def _unpack(self) -> None:
        """Go on with what these bytes carry, if they are a carrier."""
        try:
            while kind := carriers.kind_of(bytes(self.view[: carriers.HEAD])):
                self._enter(kind)
                if kind == "qcow2":
                    from vmgen.stream.carriers import qcow2

                    self._take(*qcow2.vm_state(self.view, self._snapshot))
                    continue
                if kind == "libvirt":
                    from vmgen.stream.carriers import libvirt

                    start = libvirt.read_save_image(bytes(self.view[:92])).start
                    image = libvirt.read_save_image(bytes(self.view[:start]))
                    kind = image.compression
                    self.base = 0 if kind else self.base + start
                    self.prefix = memoryview(self.prefix.tobytes() + image.plain)
                    self.view = self.view[start:]
                if kind:
                    self._start(_Viewed(self.view), kind)
                    return
        except _broken() as error:
            raise self._unreadable(error) from None

    def _enter(self, kind: str) -> None:
        self.carriers.append(kind)
        if len(self.carriers) > _DEEPEST:
            raise Unreadable(
                f"{self.name}: {', '.join(self.carriers)}, and no end of it"
            )

    def _take(self, pieces: Iterator[Buffer], size: int) -> None:
        """These pieces are the stream; one alone is not copied."""
        self.base, self.prefix = 0, memoryview(b"")
        first = next(pieces, b"")
        if len(first) == size and isinstance(first, memoryview):
            self.view = first
            return
        self._spool = _temporary()
        self._opened.append(self._spool)
        self._spool.write(first)
        for piece in pieces:
            self._spool.write(piece)
        self._spool.flush()
        self._map(self._spool)

    def _start(self, pipe: Readable, kind: str = "") -> None:
        """Read from a pipe, which is compressed if a ``kind`` is given."""
        from vmgen.stream.carriers import libvirt
        from vmgen.stream.carriers.compression import decompressed

        self.base = 0
        try:
            while True:
                if kind:
                    pipe = decompressed(kind, pipe)
                    if closing := getattr(pipe, "close", None):
                        self._closing.append(closing)
                head = b""
                while len(head) < carriers.HEAD and (
                    data := pipe.read(carriers.HEAD - len(head))
                ):
                    head += data
                pipe = _Prefixed(head, pipe)
                kind = carriers.kind_of(head)
                if not kind or kind == "qcow2":
                    break
                self._enter(kind)
                if kind == "libvirt":
                    image = libvirt.skip_to_stream(pipe)
                    kind = image.compression
                    self.base = 0 if kind else self.base + image.start
                    self.prefix = memoryview(self.prefix.tobytes() + image.plain)
            self._pipe = pipe
            self._spool = _temporary()
        except _broken() as error:
            raise self._unreadable(error) from None
        self._opened.append(self._spool)
        self.view = memoryview(b"")
        self.complete = False
        if kind == "qcow2":
            self.finish()
            self._unpack()

    def more(self, wanted: int = CHUNK) -> None:
        """Get at least ``wanted`` more bytes, or all there are.

        Raises :class:`Unreadable` if the pipe or the compressed data is broken.
        """
        if self.complete or self._pipe is None or self._spool is None:
            return
        got = 0
        try:
            while got < wanted:
                data = self._pipe.read(CHUNK)
                if not data:
                    self.complete = True
                    break
                self._spool.write(data)
                got += len(data)
            self._spool.flush()
            self._map(self._spool)
        except _broken() as error:
            raise self._unreadable(error) from None

    def remembered(self, find: Callable[[memoryview], T]) -> T:
        """What is found in all of the input; looked for once, whoever asks."""
        if find not in self._found:
            self._found[find] = find(self.view)
        found: T = self._found[find]
        return found

    def finish(self) -> None:
        """Get everything."""
        while not self.complete:
            self.more(max(CHUNK, len(self.view)))

    def _unreadable(self, error: Exception) -> Unreadable:
        reason = (
            error.strerror if isinstance(error, OSError) and error.strerror else error
        )
        return Unreadable(
            f"{self.name}: cannot be read: {reason or type(error).__name__}"
        )

    def close(self) -> None:
        """Close the files; a mapping goes when the last view of it does."""
        for closing in reversed(self._closing):
            closing()
        self._closing.clear()
        for file in reversed(self._opened):
            file.close()
        self._opened.clear()
        self._pipe = None


def _broken() -> tuple[type[Exception], ...]:
    """What a pipe or compressed data can raise."""
    from vmgen.stream.carriers.compression import BROKEN

    return BROKEN


def _temporary() -> IO[bytes]:
    import tempfile

    return tempfile.TemporaryFile()


class _Viewed:
    """A view as a readable file."""

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
