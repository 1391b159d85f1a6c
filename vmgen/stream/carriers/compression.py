"""Compressed input: gzip, bzip2 and xz by the standard library, others by their program."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import subprocess
import threading
import zlib

from vmgen.stream.errors import Unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vmgen.stream.readable import Readable

_PROGRAMS = {
    "zstd": ("zstd", "-dcq", "--memory=256MB"),
    "lzop": ("lzop", "-dcq"),
    "lz4": ("lz4", "-dcq"),
}

BROKEN = (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError)
"""What reading broken data raises."""

_CHUNK = 1 << 18
_XZ_MEMORY = 1 << 28
"""What an xz decoder may take for its dictionary; ``xz -9`` makes it 65 MiB."""


def decompressed(kind: str, pipe: Readable) -> Readable:
    """The decompressed bytes of a pipe.

    Reading raises one of :data:`BROKEN` for broken data.  Raises Unreadable if the program
    that is needed is not installed.
    """
    source: Any = pipe
    if kind == "gzip":
        return gzip.GzipFile(fileobj=source)
    if kind == "bzip2":
        return bz2.BZ2File(source)
    if kind == "xz":
        return _Xz(pipe)
    program = _PROGRAMS[kind]
    if shutil.which(program[0]) is None:
        hint = f"install {program[0]}, or decompress the file before"
        message = f"compressed with {kind}, and there is no program '{program[0]}'"
        raise Unreadable(message, hint=hint)
    return _Program(program, pipe)


class _Xz:
    """Streams of xz, one behind the other, with a bound for the decoder's memory."""

    def __init__(self, pipe: Readable) -> None:
        self._pipe = pipe
        self._decoder: lzma.LZMADecompressor | None = self._new()
        self._waiting = b""
        self._ended = False

    def _new(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

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
            made = self._decoder.decompress(data, max_length=size)
            if self._decoder.eof:
                self._waiting = self._decoder.unused_data
                self._decoder = None
            if made:
                return made

    def _again(self) -> bool:
        """Begin with a stream that follows; zeros between them are padding."""
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
