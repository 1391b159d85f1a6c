"""What names mean and hold at one place of a function, and how its statements end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from vmgen.cfront import syntax
from vmgen.cfront.ctype import CType
from vmgen.translate.moves.terms import UNKNOWN, Held

Result = Literal["void", "bool", "pointer", "int"]


@dataclass(frozen=True, slots=True)
class Naming:
    """What the names mean at one place of a function, and what the function returns.

    ``inside`` are the functions around; ``leaves`` the labels right behind the loop that
    the place is in, None where it is in no loop.
    """

    names: dict[str, int]
    types: dict[str, CType]
    returns: Result
    inside: tuple[str, ...]
    leaves: frozenset[str] | None = None

    def inner(self) -> Naming:
        """A place in a block inside, whose names are its own."""
        return replace(self, names=dict(self.names), types=dict(self.types))


@dataclass(slots=True)
class LocalState:
    """What locals (by cell) and members of objects (by path) hold."""

    cells: dict[int, Held] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)

    def copy(self) -> LocalState:
        """The same, to be changed apart."""
        return LocalState(dict(self.cells), dict(self.members))

    def become(self, other: LocalState) -> None:
        """Holds what the other holds."""
        self.cells, self.members = dict(other.cells), dict(other.members)

    def forget(self, names: frozenset[str]) -> None:
        """What the members of these names held is not known any more."""
        for path in self.members:
            if re.split(r"[.\[]", path.rstrip("[]"))[-1] in names:
                self.members[path] = UNKNOWN

    def meet(self, one: LocalState, other: LocalState) -> None:
        """Holds what both ways agree on."""
        self.cells = {
            cell: held if other.cells.get(cell) == held else UNKNOWN
            for cell, held in one.cells.items()
        }
        self.members = {
            path: _agreed(one.members.get(path), other.members.get(path))
            for path in one.members | other.members
        }


def _agreed(one: str | None, other: str | None) -> str:
    return one if one is not None and one == other else UNKNOWN


@dataclass(frozen=True, slots=True)
class RowEnd:
    """How statements end: on their way (``on``), with a jump, or never (``dead``);
    ``what`` is the value returned or the label."""

    kind: Literal["on", "return", "break", "continue", "goto", "dead", "several"]
    what: str = ""


ON = RowEnd("on")


@dataclass(frozen=True, slots=True)
class BlockEnd:
    """The end of a block in a row of statements: names mean what they meant at ``place``."""

    place: Naming


Item: TypeAlias = syntax.Statement | BlockEnd
