"""What a codec calls the things that other parts of the package define."""

from __future__ import annotations

from typing import Protocol

from vmgen.lower.shape import Key, Record


class Refer(Protocol):
    """Names of what other sections of the package define."""

    def cls(self, key: Key) -> str:
        """The state class of a layout."""
        ...

    def record(self, record: Record) -> str:
        """The class of a record."""
        ...

    def maker(self, record: Record) -> str:
        """The function that makes an object of a record's class."""
        ...

    def codec(self, key: Key) -> str:
        """The codec name of a layout."""
        ...
