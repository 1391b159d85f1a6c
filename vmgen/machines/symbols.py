"""What the files of a binary define by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

Named = TypeVar("Named")


class Symbols(Generic[Named]):
    """What files define under a name: a file's own counts first, then what is not
    ``static`` in others."""

    def __init__(self) -> None:
        self._own: dict[tuple[str, str], Named] = {}
        self._extern: dict[str, tuple[str, Named]] = {}

    def add(self, file: str, name: str, one: Named, static: bool) -> None:
        """Note that a file defines ``one`` as ``name``; the first one of a name counts."""
        self._own.setdefault((file, name), one)
        if not static:
            self._extern.setdefault(name, (file, one))

    def own(self, file: str, name: str) -> Named | None:
        """What the file itself defines."""
        return self._own.get((file, name))

    def find(self, file: str, name: str) -> tuple[str, Named] | None:
        """What a file means by a name, with the file that defines it."""
        own = self._own.get((file, name))
        return (file, own) if own is not None else self._extern.get(name)

    def all(self) -> Iterable[Named]:
        """What all files define."""
        return self._own.values()

    def items(self) -> Iterable[tuple[tuple[str, str], Named]]:
        """The same by file and name."""
        return self._own.items()
