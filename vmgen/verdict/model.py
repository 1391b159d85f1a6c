"""What a verdict says: of one section, in one direction, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from vmgen.source import NOWHERE, Position

Kind = Literal["compatible", "conditional", "unknown", "incompatible"]
Direction = Literal["forward", "backward"]
Answer = Literal["confirmed", "contradicted", "open"]

RANK: dict[Kind, int] = {
    "compatible": 0,
    "conditional": 1,
    "unknown": 2,
    "incompatible": 3,
}
"""Worst last."""

Reason = Literal[
    "version", "name", "field", "size", "member", "units", "count", "end", "presence",
    "subsection", "section", "check", "value", "opaque", "nesting", "limit", "renamed",
    "zeros", "ignored", "sign", "assumed",
]  # fmt: skip
"""What kind of thing a finding is about.

========== ===========================================================================
version    the version on the wire, or the version a nested part is loaded with
name       the section is called something else
field      one side has a field where the other has none
size       the elements have different sizes
member     the bytes reach another member
units      equal bytes, cut into other units
count      different numbers of elements
end        one side is at its end
presence   a field that only a condition makes present
subsection a subsection that is not known, or not understood
section    a section that one side does not have
check      a check of the loaded value that the other side does not make
value      a value that the other type cannot hold
opaque     C code that vmgen does not translate
nesting    lists, trees, NULL markers: framing that differs
limit      too many conditions to look at every case
renamed    (note) the same bytes go to a member of another name
zeros      (note) padding of the source: the destination loads zeros
ignored    (note) the destination skips what the source wrote
sign       (note) the same bytes with another sign
assumed    (note) C code of the same name is taken to be the same
========== ===========================================================================
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where source and destination do not say the same.

    ``description`` is the wire name of the (nested) description it lies in, ``symbol``
    its C symbol, ``path`` the way there from the section's object (``env.pmp[0]``),
    ``field`` the C path of the field, or the name of a subsection.  ``offset`` is the
    byte offset inside the section at which the two part, as text, since what comes
    before it may be of variable length (``12 + 8 * nb``); empty where no byte is
    involved.  ``source`` and ``target`` say what either has there.  ``condition`` is what
    must hold for the stream to load all the same, empty if nothing helps.  ``old`` and
    ``new`` are the positions in the two programs as they were given, whichever is the
    source of the stream.
    """

    reason: Reason
    text: str
    description: str
    symbol: str
    path: str = ""
    field: str = ""
    offset: str = ""
    source: str = ""
    target: str = ""
    condition: str = ""
    old: Position = NOWHERE
    new: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict for one section in one direction.

    ``condition`` is what must hold where ``kind`` is ``conditional``.
    """

    kind: Kind
    condition: str = ""
    findings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()


Key: TypeAlias = tuple[str, str, str, str, str]
"""A section: its wire name, and symbol and file on either side."""

COMPATIBLE = Outcome("compatible")


@dataclass(frozen=True, slots=True)
class SectionVerdict:
    """The verdicts for one section.

    ``section`` is its wire name, ``old`` and ``new`` are the C symbols on either side
    (empty where there is none) with the files that define them.  ``cpu`` says that it
    belongs to the CPU.
    """

    section: str
    old: str
    new: str
    old_file: str
    new_file: str
    forward: Outcome
    backward: Outcome
    cpu: bool = False

    @property
    def key(self) -> Key:
        """What tells it from others of its name."""
        return (self.section, self.old, self.old_file, self.new, self.new_file)

    @property
    def worst(self) -> Kind:
        """The worse of the two."""
        return worst((self.forward.kind, self.backward.kind))

    def outcome(self, direction: Direction) -> Outcome:
        """The verdict of that direction."""
        return self.forward if direction == "forward" else self.backward


@dataclass(frozen=True, slots=True)
class Judgement:
    """All sections of one target, CPUs first.

    ``old`` and ``new`` are the releases.
    """

    target: str
    old: str
    new: str
    sections: tuple[SectionVerdict, ...] = field(default=())

    def worst(self, directions: Iterable[Direction] = ("forward", "backward")) -> Kind:
        """The worst verdict of these directions."""
        return worst(
            section.outcome(direction).kind
            for section in self.sections
            for direction in directions
        )


def worst(kinds: Iterable[Kind]) -> Kind:
    """The worst of them; ``compatible`` of none."""
    return max(kinds, key=RANK.__getitem__, default="compatible")


@dataclass(frozen=True, slots=True)
class Trial:
    """One section that did not survive: its bytes, and what came of loading them.

    ``offset`` is where loading stopped, -1 where it did not and ``text`` says which
    member came out different.
    """

    data: bytes
    text: str
    offset: int = -1


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What trying said of one verdict.

    ``survived`` of ``tried`` sections came out as they went in; ``open`` means that none
    could be made, that the verdict was none, or that of a condition only one side was
    met.  ``of`` is the section's :attr:`SectionVerdict.key`.
    """

    section: str
    direction: Direction
    kind: Kind
    answer: Answer
    tried: int
    survived: int
    failure: Trial | None = None
    why: str = ""
    of: Key = ("", "", "", "", "")
