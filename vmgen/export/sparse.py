"""A file that is written from its beginning to its end, with holes."""

from __future__ import annotations

from typing import BinaryIO

_ZEROS = bytes(1 << 20)


class SparseFile:
    """Writes at ascending positions; what is between them is a hole, or zeros where the
    file cannot seek."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._seekable = out.seekable()
        self._start = out.tell() if self._seekable else 0
        self.position = 0

    def write(self, data: bytes | memoryview) -> None:
        """Write here."""
        self._out.write(data)
        self.position += len(data)

    def skip_to(self, position: int) -> None:
        """Leave zeros up to a position."""
        if self._seekable:
            self._out.seek(self._start + position)
        else:
            while self.position < position:
                size = min(position - self.position, len(_ZEROS))
                self._out.write(_ZEROS[:size])
                self.position += size
        self.position = position

    def end_at(self, position: int) -> None:
        """The file ends there, at the last byte that was written or behind."""
        if self._seekable and position > self.position:
            self.skip_to(position - 1)
            self.write(b"\0")
        self.skip_to(position)
