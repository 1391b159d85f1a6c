"""What C expressions evaluate to while a function is translated."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from vmgen.cfront import syntax
from vmgen.cfront.ctype import CType
from vmgen.translate.scalar import Scalar
from vmgen.translate.spot import Spot, SpotPointer


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
class Untranslated:
    """A value that has no translation, and why; an error only where it matters."""

    reason: str


@dataclass(frozen=True, slots=True)
class StreamArgument:
    """The ``QEMUFile *`` of a get or put function."""


@dataclass(frozen=True, slots=True)
class StreamWord:
    """A word that went to or came from the stream: wire type (``uint32``) and the
    member it is of, empty if it is of none."""

    type: str
    member: str = ""


Value: TypeAlias = (
    Scalar | SpotPointer | Spot | Local | Outside | Untranslated | StreamArgument
)
Target: TypeAlias = Spot | Local | Outside | Untranslated
Truth: TypeAlias = Scalar | Untranslated
"""A condition: any number but 0 is true."""


def no_number(value: Value) -> Untranslated:
    """The reason why something is no number or place."""
    if isinstance(value, Untranslated):
        return value
    if isinstance(value, Outside):
        return Untranslated(f"computes with what {value.name} gives")
    return Untranslated("computes with a pointer or a record")


@dataclass(slots=True)
class PathState:
    """What holds at one point of the function: values of locals by cell, the words
    moved so far, and what the function put into its object, by path."""

    cells: dict[int, Value] = field(default_factory=dict)
    moved: tuple[StreamWord, ...] = ()
    changed: dict[str, Value] = field(default_factory=dict)

    def copy(self) -> PathState:
        """A state of its own, for another path."""
        return PathState(dict(self.cells), self.moved, dict(self.changed))

    def become(self, other: PathState) -> None:
        """Take over what holds in ``other``."""
        self.cells = other.cells
        self.moved = other.moved
        self.changed = other.changed


@dataclass(frozen=True, slots=True)
class BlockFrame:
    """A block of a function that is being translated.

    ``names`` are the locals in sight, to which a declaration adds.  ``calls`` are the
    functions being translated, outermost first, ``loops`` the counters of the loops
    around.  ``body`` is the function's own block, ``top`` its frame (None in that frame
    itself), ``jumped`` the labels that a ``goto`` led to.
    """

    names: dict[str, int]
    calls: tuple[str, ...]
    body: syntax.Block
    loops: tuple[str, ...] = ()
    jumped: frozenset[str] = frozenset()
    top: BlockFrame | None = None

    def inner(self) -> BlockFrame:
        """A block inside."""
        return replace(self, names=dict(self.names), top=self.top or self)

    def landing(self, label: str) -> BlockFrame:
        """The function's own block, behind a jump to one of its labels."""
        top = self.top or self
        return replace(top, names=dict(top.names), jumped=self.jumped | {label})

    def again(self) -> BlockFrame:
        """The same block on another path."""
        return replace(self, names=dict(self.names))
