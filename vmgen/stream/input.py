"""Where a stream's bytes come from: memory, a mapped file, a pipe, in a carrier or not.

A file or a block device is mapped, bytes are viewed.  What cannot be mapped (a pipe, a
compressed file) is copied into an unnamed temporary file as far as a reader needs it, and that
one is mapped: the memory in use does not grow with the stream.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Callable

from vmgen.stream import carriers
from vmgen.stream.errors import NotFound, Unreadable
from vmgen.stream.wire import Buffer, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, TypeAlias, TypeVar

    from vmgen.stream.readable import Readable

    T = TypeVar("T")


Source: TypeAlias = "Buffer | str | os.PathLike[str] | Readable"

CHUNK = 1 << 20

_DEEPEST = 4
"""So many carriers may be inside of each other (a compressed save image of ...)."""


def split_snapshot(path: str) -> tuple[str, str]:
    """The file that ``FILE@SNAPSHOT`` names, and the snapshot; a file whose name has the @
    itself comes first.  The snapshot is empty where none is named."""
    if "@" not in path or os.path.exists(path):
        return path, ""
    at = len(path)
    while (at := path.rfind("@", 0, at)) > 0:
        if os.path.exists(path[:at]):
            return path[:at], path[at + 1 :]
    return path, ""


class Input:
    """The bytes of a stream as far as they are there.

    ``view`` is everything so far, ``complete`` says whether more can come.  A view
    stays valid when more comes.  ``carriers`` are the kinds of what the stream
    was found in, outermost first (``gzip``, ``libvirt``, ``qcow2``, ...), ``base`` is the
    offset of its first byte in a file that has it as it is, ``prefix`` what goes before a
    copy of it that is not compressed (a save image's header).

    ``snapshot`` selects one where a carrier has several; a path can end in it
    (``disk.qcow2@name``).  ``max_unpacked`` is how many bytes a carrier may unpack to (:class:`vmgen.stream.carriers.pipes.Limited`).

    ``survey`` stops at a carrier that can hold several: ``held`` is what it holds, and
    :meth:`chosen` goes on (None for another carrier).  ``unpacked`` is the kind of the last carrier that does not have
    what is inside of it as it is, empty for none: ``base`` counts from its beginning.

    Raises Unreadable, or what else keeps a carrier from being opened.
    """

    def __init__(
        self,
        source: Source,
        snapshot: str = "",
        *,
        max_unpacked: int | None = None,
        survey: bool = False,
    ) -> None:
        self.name = ""
        self.held: tuple[carriers.Held, ...] | None = None
        self.unpacked = ""
        self.carriers: list[str] = []
        self.base = 0
        self.prefix = memoryview(b"")
        self._wanted = carriers.CarrierRequest(snapshot)
        self._max_unpacked = max_unpacked
        self._found: dict[Any, Any] = {}
        self.view = memoryview(b"")
        self.complete = True
        self._pipe: Readable | None = None
        self._spool: IO[bytes] | None = None
        self._opened: list[IO[bytes]] = []
        self._closing: list[Callable[[], None]] = []
        opened = False
        try:
            self._enter(self._first(source, snapshot), survey)
            opened = True
        finally:
            if not opened:
                self.close()

    @property
    def snapshot(self) -> str:
        """The name or id of the stream to read, empty for the only one."""
        return self._wanted.snapshot

    def __enter__(self) -> Input:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def chosen(self, one: carriers.Held) -> Input:
        """The stream that the carrier of a survey holds so."""
        made = Input(b"", max_unpacked=self._max_unpacked)
        made.name = self.name
        made._wanted = carriers.CarrierRequest(one.name or one.id, self._wanted.folder)
        made._enter(self.view)
        return made

    def _first(self, source: Source, snapshot: str) -> carriers.Source:
        """All bytes of what was given, or a pipe."""
        if isinstance(source, (bytes, bytearray, memoryview)):
            self.name = "bytes"
            view = memoryview(source)
            if not view.c_contiguous:
                view = memoryview(view.tobytes())
            return view.cast("B").toreadonly()
        if not isinstance(source, (str, os.PathLike)):
            self.name = str(getattr(source, "name", "pipe"))
            return source
        self.name = os.fspath(source)
        path, named = split_snapshot(self.name)
        if named and snapshot not in ("", named):
            message = (
                f"{self.name}: its name selects a snapshot, --snapshot a different one"
            )
            raise Unreadable(message, hint=f"leave one out: '{named}' or '{snapshot}'")
        self._wanted = carriers.CarrierRequest(snapshot or named, os.path.dirname(path))
        try:
            file = open(path, "rb")  # noqa: SIM115 - close() closes it
            self._opened.append(file)
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISREG(mode) or stat.S_ISBLK(mode):
                return mapped(file)
        except OSError as error:
            raise self._unreadable(error) from None
        return file

    def _enter(self, source: carriers.Source, survey: bool = False) -> None:
        """Go on with what these bytes carry, as long as they are a carrier."""
        from vmgen.stream.carriers import pipes

        kind = ""
        try:
            while True:
                head = b""
                if not kind:
                    head, source = pipes.head_of(source, carriers.HEAD)
                    kind = carriers.kind_of(head)
                if not kind:
                    break
                self.carriers.append(kind)
                if len(self.carriers) > _DEEPEST:
                    listed = ", ".join(self.carriers)
                    raise Unreadable(f"{self.name}: {listed}, and no end of it")
                carrier = carriers.carrier(kind)
                if carrier.needs_all or (survey and carrier.several):
                    source = self._spooled(source)
                if survey and carrier.several:
                    assert isinstance(source, memoryview)
                    self.held = carrier.held(source, self._wanted)
                    break
                inside = self._opened_by(carrier, kind, source)
                self._passed(inside)
                source, kind = inside.source, inside.compression
        except _broken() as error:
            raise self._unreadable(error) from None
        if self.snapshot and not any(
            carriers.carrier(k).several for k in self.carriers
        ):
            message = f"no snapshot '{printable(self.snapshot)}'"
            raise NotFound(message, hint="the file has one stream: leave the name out")
        if isinstance(source, memoryview):
            self.view = source
            return
        self._spool = _temporary()
        self._opened.append(self._spool)
        self._pipe = source
        self.complete = False

    def _opened_by(
        self, carrier: carriers.Carrier, kind: str, source: carriers.Source
    ) -> carriers.Unwrapped:
        """What is inside of a carrier, up to the limit where it is unpacked."""
        from vmgen.stream.carriers import pipes

        packed: Callable[[], int]
        if isinstance(source, memoryview):
            packed = source.__len__
        else:
            source = counting = pipes.Counting(source)
            packed = counting.count
        inside = carrier.open(source, self._wanted)
        if closing := getattr(inside.source, "close", None):
            self._closing.append(closing)
        if inside.as_is or isinstance(inside.source, memoryview):
            return inside
        limited = pipes.Limited(inside.source, packed, self._max_unpacked, kind)
        return carriers.Unwrapped(
            limited, inside.start, inside.as_is, inside.prefix, inside.compression
        )

    def _passed(self, inside: carriers.Unwrapped) -> None:
        """Where the stream is now, and what a copy of it begins with."""
        plain = inside.as_is and not inside.compression
        self.base = self.base + inside.start if plain else 0
        if not plain:
            self.unpacked = self.carriers[-1]
        before = b"" if inside.prefix is None else self.prefix.tobytes() + inside.prefix
        self.prefix = memoryview(before)

    def _spooled(self, source: carriers.Source) -> memoryview:
        """All of a pipe."""
        if isinstance(source, memoryview):
            return source
        spool = _temporary()
        self._opened.append(spool)
        while data := source.read(CHUNK):
            spool.write(data)
        spool.flush()
        return mapped(spool)

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
            self.view = mapped(self._spool)
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
            f"cannot be read: {reason or type(error).__name__}", path=self.name
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


def mapped(file: IO[bytes]) -> memoryview:
    """All of a file or a block device."""
    size = os.lseek(file.fileno(), 0, os.SEEK_END)
    if not size:
        return memoryview(b"")
    return memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))


def _broken() -> tuple[type[Exception], ...]:
    """What a pipe or compressed data can raise."""
    from vmgen.stream.carriers.compression import BROKEN

    return BROKEN


def _temporary() -> IO[bytes]:
    import tempfile

    return tempfile.TemporaryFile()
