"""What bytes can be read from; for type checkers, so that no one else waits for it."""

from __future__ import annotations

from typing import Protocol


class Readable(Protocol):
    """What has ``read``: a pipe, a socket's file, ``sys.stdin.buffer``."""

    def read(self, size: int, /) -> bytes | None:
        """Up to ``size`` bytes; empty at the end."""
