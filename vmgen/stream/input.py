"""Where a stream's bytes come from: memory, a mapped file, a pipe, compressed or not.

A file is mapped, bytes are viewed.  What cannot be mapped (a pipe, a compressed file) is
copied into an unnamed temporary file as far as it is asked for, and that one is mapped:
the memory in use does not grow with the stream.
"""

from __future__ import annotations

import gzip
import lzma
import mmap
import os
import stat
import tempfile
import zlib
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias

from vmgen.stream.errors import Unreadable
from vmgen.stream.wire import Buffer


class Readable(Protocol):
    """What has ``read``: a pipe, a socket's file, ``sys.stdin.buffer``."""

    def read(self, size: int, /) -> bytes | None:
        """Up to ``size`` bytes; empty at the end."""


Source: TypeAlias = Buffer | str | os.PathLike[str] | Readable

CHUNK = 1 << 20

_COMPRESSED = {b"\xfd7zXZ\0": "xz", b"\x1f\x8b": "gzip"}

_BROKEN = (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError)


class Input:
    """The bytes of a stream as far as they are there.

    ``view`` is everything so far, ``complete`` says whether more can come.  A view that
    was taken stays valid when more comes.
    """

    def __init__(self, source: Source) -> None:
        self.name = ""
        self.view = memoryview(b"")
        self.complete = True
        self._pipe: Readable | None = None
        self._spool: IO[bytes] | None = None
        self._opened: list[IO[bytes]] = []
        if isinstance(source, (bytes, bytearray, memoryview)):
            self.name = "bytes"
            view = memoryview(source)
            self.view = (
                view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
            ).toreadonly()
            self._unpack()
        elif isinstance(source, (str, os.PathLike)):
            self.name = os.fspath(source)
            self._open(Path(source))
        else:
            self.name = str(getattr(source, "name", "pipe"))
            self._start(source)

    def _open(self, path: Path) -> None:
        try:
            file = path.open("rb")
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
        """Go on with the decompressed bytes, if these are compressed."""
        if _compression(self.view):
            self._start(_Viewed(self.view))

    def _start(self, pipe: Readable) -> None:
        try:
            head = b""
            while len(head) < 6 and (data := pipe.read(6 - len(head))):
                head += data
            self._pipe = _Prefixed(head, pipe)
            if kind := _compression(memoryview(head)):
                opener: Any = lzma.open if kind == "xz" else gzip.open
                self._pipe = opener(self._pipe)
            self._spool = tempfile.TemporaryFile()  # noqa: SIM115
        except _BROKEN as error:
            raise self._unreadable(error) from None
        self._opened.append(self._spool)
        self.view = memoryview(b"")
        self.complete = False

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
        except _BROKEN as error:
            raise self._unreadable(error) from None

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
        for file in reversed(self._opened):
            file.close()
        self._opened.clear()
        self._pipe = None


def _compression(data: memoryview) -> str:
    """``xz`` or ``gzip`` by the first bytes; empty for neither."""
    head = bytes(data[:6])
    return next(
        (kind for magic, kind in _COMPRESSED.items() if head.startswith(magic)), ""
    )


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
