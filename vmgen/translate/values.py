"""What C expressions evaluate to while a function is translated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from vmgen.cfront.ctype import CType
from vmgen.translate.scalar import Scalar
from vmgen.translate.spot import Reference, Spot


@dataclass(frozen=True, slots=True)
class Local:
    """A local variable, as a place; as a value it is its address."""

    cell: int


@dataclass(frozen=True, slots=True)
class Outside:
    """Something that is not in the object: a global variable (as a place), or the
    pointer that a global or a function gave.  ``name`` is how C names it."""

    name: str
    type: CType


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that has no translation, and why; an error only where it matters."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stream:
    """The ``QEMUFile *`` of a get or put function."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A word that went to or came from the stream: wire type (``uint32``) and the
    member it is of, empty if it is of none."""

    type: str
    member: str = ""


Value: TypeAlias = Scalar | Reference | Spot | Local | Outside | Unknown | Stream
Target: TypeAlias = Spot | Local | Outside | Unknown


@dataclass(slots=True)
class State:
    """What holds at one point of the function: values of locals by cell, the words
    moved so far, and what the function put into its object, by path."""

    cells: dict[int, Value] = field(default_factory=dict)
    moved: tuple[Moved, ...] = ()
    changed: dict[str, Value] = field(default_factory=dict)

    def copy(self) -> State:
        """A state that goes its own way from here."""
        return State(dict(self.cells), self.moved, dict(self.changed))

    def become(self, other: State) -> None:
        """Take over what holds in ``other``."""
        self.cells = other.cells
        self.moved = other.moved
        self.changed = other.changed


@dataclass(slots=True)
class Frame:
    """A function being translated: its name, the locals in sight by name."""

    function: str
    names: dict[str, int]

    def inner(self) -> Frame:
        """A block inside."""
        return Frame(self.function, dict(self.names))
