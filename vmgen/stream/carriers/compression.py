"""Compressed input: by the standard library, by wheels (zstd, lz4), by programs.

gzip, bzip2 and xz are Python's own.  zstd is from Python 3.14 on (``compression.zstd``),
before with the wheel ``zstandard``; lz4 with the wheel ``lz4`` (``pip install
vmgen[carriers]``).  Where neither is there, the program of that name does it, which is the
only way for lzop.
"""

from __future__ import annotations

import bz2
import lzma
import shutil
import subprocess
import threading
import zlib
from importlib import import_module

from vmgen.stream.carriers import Held, Unwrapped
from vmgen.stream.carriers.pipes import CHUNK, reading
from vmgen.stream.errors import Malformed, Unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from vmgen.stream.carriers import Carrier, CarrierRequest, Source
    from vmgen.stream.readable import Readable

    class Decoder(Protocol):
        """One member of compressed data, as :class:`bz2.BZ2Decompressor` does it."""

        @property
        def eof(self) -> bool:
            """Whether the member has ended."""

        @property
        def needs_input(self) -> bool:
            """Whether there is nothing to be had without more data."""

        @property
        def unused_data(self) -> bytes:
            """What follows the member."""

        def decompress(self, data: bytes, /, max_length: int) -> bytes:
            """Up to ``max_length`` bytes."""


_PROGRAMS = {
    "zstd": ("zstd", "-dcq", "--memory=256MB"),
    "lzop": ("lzop", "-dcq"),
    "lz4": ("lz4", "-dcq"),
}

BROKEN = (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError)
"""What reading broken data raises."""

_CHUNK = 1 << 18
_MEMORY = 1 << 28
"""What a decoder may take for its window or dictionary; ``xz -9`` makes it 65 MiB."""


class _Compression:
    needs_all = False
    several = False

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def open(self, source: Source, wanted: CarrierRequest) -> Unwrapped:
        """The decompressed bytes; Unreadable if nothing can decompress them."""
        return Unwrapped(decompressed(self._kind, reading(source)))

    def held(self, view: memoryview, wanted: CarrierRequest) -> tuple[Held, ...]:
        """The only one."""
        return (Held(),)


def carrier(kind: str) -> Carrier:
    """The compression of this name."""
    return _Compression(kind)


def decompressed(kind: str, pipe: Readable) -> Readable:
    """The decompressed bytes of a pipe.

    Reading raises one of :data:`BROKEN` for broken data.  Raises Unreadable if what is
    needed for it is not installed.
    """
    if (decoder := _decoder(kind)) is not None:
        return _Members(pipe, decoder)
    program = _PROGRAMS[kind]
    if shutil.which(program[0]) is None:
        wheel = "" if kind == "lzop" else ", or vmgen[carriers]"
        hint = f"install {program[0]}{wheel}, or decompress the file before"
        message = f"compressed with {kind}, and there is no program '{program[0]}'"
        raise Unreadable(message, hint=hint)
    return _Program(program, pipe)


def cluster(kind: str, data: memoryview, size: int, offset: int) -> tuple[bytes, int]:
    """``size`` bytes out of compressed data that something else may follow (a cluster of a
    disk image), and how many bytes of the data they took; ``kind`` is ``deflate`` or
    ``zstd``.

    Fewer bytes if there are fewer.  Raises Malformed for broken data at this ``offset``,
    Unreadable if what is needed for it is not installed.
    """
    found = _decoder(kind)
    made = b""
    try:
        if found is None:
            # The program would not like what follows: it ends when there is enough.
            pipe = decompressed(kind, reading(data))
            while len(made) < size and (more := pipe.read(size - len(made))):
                made += more
            pipe.close()  # type: ignore[attr-defined]
            return made, len(data)
        one = found()
        rest = bytes(data)
        while len(made) < size and not one.eof and (rest or not one.needs_input):
            made += one.decompress(rest, max_length=size - len(made))
            rest = b""
        return made, len(data) - len(one.unused_data)
    except BROKEN as error:
        raise Malformed(f"a compressed cluster: {error}", offset, "qcow2") from None


def _decoder(kind: str) -> Callable[[], Decoder] | None:
    """What makes a decoder; None if only a program can do it."""
    match kind:
        case "gzip":
            return lambda: _Inflate(31)
        case "deflate":
            return lambda: _Inflate(-15)
        case "bzip2":
            return bz2.BZ2Decompressor
        case "xz":
            return lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)
        case "zstd":
            if (own := _module("compression.zstd")) is not None:
                longest = {own.DecompressionParameter.window_log_max: 28}
                return lambda: _Wheel(
                    own.ZstdDecompressor(options=longest), own.ZstdError
                )
            if (wheel := _module("zstandard")) is not None:
                return lambda: _Zstandard(wheel)
        case "lz4" if (wheel := _module("lz4.frame")) is not None:
            return lambda: _Wheel(wheel.LZ4FrameDecompressor(), RuntimeError)
    return None


def _module(name: str) -> Any:
    """A module, None if it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        return None


class _Inflate:
    """zlib's decompressor, as others are; ``wbits`` 31 is gzip, -15 has no header."""

    def __init__(self, wbits: int) -> None:
        self._inflater = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._inflater.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflater.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        one = self._inflater
        return one.unused_data if one.eof else one.unconsumed_tail

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        waiting = self._inflater.unconsumed_tail
        return self._inflater.decompress(waiting + data, max_length)


class _Wheel:
    """A decoder whose errors are its own."""

    def __init__(self, decoder: Decoder, errors: type[Exception]) -> None:
        self._decoder = decoder
        self._errors = errors

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def needs_input(self) -> bool:
        return self._decoder.needs_input

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data or b""

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        try:
            return self._decoder.decompress(data, max_length=max_length)
        except self._errors as error:
            raise ValueError(str(error)) from None


class _Zstandard:
    """A frame by the wheel ``zstandard``, which takes no ``max_length``.

    It gets a little at a time: a block has 128 KiB at most and takes four bytes at least, so
    that no step makes more than 32 MiB.
    """

    _STEP = 1024

    def __init__(self, wheel: Any) -> None:
        self._errors = wheel.ZstdError
        self._decoder = wheel.ZstdDecompressor(max_window_size=_MEMORY).decompressobj()
        self._waiting = memoryview(b"")
        self._made = memoryview(b"")

    @property
    def eof(self) -> bool:
        return bool(self._decoder.eof) and not self._made

    @property
    def needs_input(self) -> bool:
        return not self._waiting and not self._made

    @property
    def unused_data(self) -> bytes:
        return bytes(self._decoder.unused_data) + bytes(self._waiting)

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        if data:
            self._waiting = memoryview(bytes(self._waiting) + data)
        while self._waiting and not self._made and not self._decoder.eof:
            step, self._waiting = (
                self._waiting[: self._STEP],
                self._waiting[self._STEP :],
            )
            try:
                self._made = memoryview(self._decoder.decompress(step))
            except self._errors as error:
                raise ValueError(str(error)) from None
        made, self._made = bytes(self._made[:max_length]), self._made[max_length:]
        return made


class _Members:
    """Members of compressed data, one behind the other; zeros between them are padding."""

    def __init__(self, pipe: Readable, decoder: Callable[[], Decoder]) -> None:
        self._pipe = pipe
        self._new = decoder
        self._decoder: Decoder | None = decoder()
        self._waiting = b""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes."""
        while True:
            if self._decoder is None and not self._again():
                return b""
            assert self._decoder is not None
            data = b""
            if self._decoder.needs_input:
                data = self._waiting or self._more()
                self._waiting = b""
                if not data:
                    raise EOFError("the compressed data ends too early")
            made = self._decoder.decompress(data, max_length=min(size, CHUNK))
            if self._decoder.eof:
                self._waiting = self._decoder.unused_data
                self._decoder = None
            if made:
                return made

    def _again(self) -> bool:
        """Begin with a member that follows."""
        while True:
            self._waiting = self._waiting.lstrip(b"\0")
            if self._waiting:
                self._decoder = self._new()
                return True
            self._waiting = self._more()
            if not self._waiting:
                return False

    def _more(self) -> bytes:
        return self._pipe.read(_CHUNK) or b""


class _Program:
    """The output of a program that decompresses its standard input."""

    def __init__(self, command: tuple[str, ...], pipe: Readable) -> None:
        self._pipe = pipe
        self._name = command[0]
        self._failure: BaseException | None = None
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._feeder.start()

    def _feed(self) -> None:
        assert self._process.stdin is not None
        try:
            with self._process.stdin as out:
                while data := self._pipe.read(_CHUNK):
                    out.write(data)
        except BrokenPipeError:
            pass  # it has ended; its exit status says why
        except (OSError, EOFError, ValueError) as error:
            self._failure = error

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; OSError if the program fails."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        if data := self._process.stdout.read1(size):  # type: ignore[attr-defined]
            return bytes(data)
        if self._process.returncode is None:
            said = self._process.stderr.read(400).decode("utf-8", "replace").strip()
            self._feeder.join()
            status = self._process.wait()
            if self._failure is not None:
                raise OSError(str(self._failure))
            if status:
                raise OSError(f"{self._name}: {said or f'exit status {status}'}")
        return b""

    def close(self) -> None:
        """End the program."""
        self._process.kill()
        self._process.wait()
        for file in (self._process.stdout, self._process.stderr):
            if file is not None:
                file.close()
