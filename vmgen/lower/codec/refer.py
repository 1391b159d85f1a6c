"""What a codec calls the things that other parts of the package define."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from vmgen.lower.shape import Key, StateRecord
from vmgen.plan import code

Role: TypeAlias = Literal["unpack", "pack"]
"""What a function of a layout does, with many objects of one fixed size."""


class Refer(Protocol):
    """Names of what other sections of the package define."""

    def cls(self, key: Key) -> code.Expr:
        """The state class of a layout."""
        ...

    def record(self, record: StateRecord) -> code.Expr:
        """The class of a record."""
        ...

    def maker(self, record: StateRecord) -> code.Expr:
        """The function that makes an object of a record's class, without members."""
        ...

    def zeros(self, kind: str, length: int) -> code.Expr:
        """An array of so many zeros of a ``struct`` code, for a loader to fill."""
        ...

    def function(self, role: Role, key: Key) -> code.Expr:
        """One of the functions of a layout."""
        ...
