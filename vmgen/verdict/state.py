"""How far a comparison has come, and how it ended: plain values, so that two cases can go
on from the same place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from vmgen import ir
from vmgen.verdict import conditions
from vmgen.verdict.cases import Assumptions, condition_of
from vmgen.verdict.cursor import Entry, ItemCursor
from vmgen.verdict.items import WireLayout
from vmgen.verdict.layout import WireLayouts, bare
from vmgen.verdict.model import START, Finding, Offset

Difference: TypeAlias = tuple[str, tuple[tuple[str, ...], tuple[str, ...]]]
"""The name of C tables, and the rows that only the source and only the destination has;
no rows where only one side knows its tables."""


@dataclass(frozen=True, slots=True)
class Around:
    """What is known of a comparison before its first byte.

    ``members`` are those of the source's and of the target's object that have bytes
    elsewhere in the section: in the object that a subsection belongs to, or in another
    subsection of it.  ``given`` are conditions without which the bytes are not sent.
    """

    members: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    given: tuple[ir.Expr, ...] = ()


NOTHING_AROUND = Around()


@dataclass(frozen=True, slots=True)
class Pair:
    """Two layouts that are compared, and what is known of them from the start.

    ``members`` have bytes in the layout itself, ``in_stream`` anywhere in the section,
    both by side; ``elements`` are those of arrays.  ``below`` compares two layouts inside
    of these, ``premises`` says what the two sides have different that a refusal depends
    on.
    """

    source: WireLayout
    target: WireLayout
    sides: tuple[WireLayouts, WireLayouts]
    around: Around
    below: Callable[[WireLayout, WireLayout, Around], tuple[Ending, ...]]
    premises: Callable[[ir.Refusal], Iterable[Difference]]
    members: tuple[frozenset[str], frozenset[str]] = field(init=False)
    in_stream: tuple[frozenset[str], frozenset[str]] = field(init=False)
    elements: tuple[tuple[tuple[str, int, int], ...], ...] = field(init=False)

    def __post_init__(self) -> None:
        both = list(zip(self.sides, (self.source, self.target), strict=True))
        set_ = object.__setattr__
        set_(self, "members", tuple(side.members(one) for side, one in both))
        objects = [side.of_object(one) for side, one in both]
        known = zip(self.around.members, objects, strict=True)
        set_(self, "in_stream", tuple(one | two for one, two in known))
        set_(self, "elements", tuple(tuple(side.elements(one)) for side, one in both))


@dataclass(frozen=True, slots=True)
class Ending:
    """How one case ended.

    ``failed`` is the first place where the two part, ``unclear`` the first of which vmgen
    cannot tell, ``required`` what must hold besides.  ``renamed`` is what the source calls
    members of the target.
    """

    case: Assumptions
    failed: Finding | None = None
    unclear: Finding | None = None
    required: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Whether it loads under no condition at all."""
        return (
            self.failed is None
            and self.unclear is None
            and not self.required
            and not self.case.assumed
        )


@dataclass(frozen=True, slots=True)
class State:
    """Where both sides are, and what was found on the way.

    ``case`` is what was assumed, ``unclear`` the first place that cannot be determined,
    ``saved`` the checks of the source, ``checks`` those of the target with their fields.
    ``renamed`` is what the source calls a member of the target, ``endless`` whether a
    description was met too deep inside of itself.
    """

    pair: Pair
    source: ItemCursor | None
    target: ItemCursor | None
    case: Assumptions
    offset: Offset = START
    unclear: Finding | None = None
    required: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    saved: tuple[ir.Expr, ...] = ()
    checks: tuple[tuple[ir.Expr, Entry], ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    endless: bool = False

    def fail(self, finding: Finding) -> Ending:
        """The end where the two part; where units differed before, they parted there."""
        if self.unclear is not None and self.unclear.kind in ("units", "width"):
            finding = replace(self.unclear, kind="width")
        return Ending(self.case, failed=finding, notes=self.notes)

    def give_up(self, finding: Finding) -> Ending:
        """The end where vmgen cannot tell what comes next."""
        return Ending(self.case, unclear=self.unclear or finding, notes=self.notes)

    def require(self, finding: Finding) -> State | Ending:
        """Goes on with something that must hold; without a condition nothing helps."""
        if finding.condition is None:
            return self.fail(finding)
        if finding in self.required or self.case.decide(finding.condition):
            return self
        return replace(self, required=(*self.required, finding))

    def note(self, finding: Finding) -> State:
        """Goes on with one more note; one about each pair of fields.  Where the two have
        parted, what comes later means nothing."""
        if self.unclear is not None and self.unclear.kind == "units":
            return self
        for note in self.notes:
            if (note.kind, note.source.position, note.target.position) == (
                finding.kind,
                finding.source.position,
                finding.target.position,
            ):
                return self
        return replace(self, notes=(*self.notes, finding))

    def noted(self, notes: tuple[Finding, ...]) -> State:
        """Goes on with the notes of something inside."""
        return replace(self, notes=tuple(dict.fromkeys((*self.notes, *notes))))

    def rename(self, theirs: str, mine: str) -> State:
        """Goes on with the target's member known by the source's name."""
        return replace(self, renamed={**self.renamed, theirs: mine})

    def renaming(self, renamed: Mapping[str, str]) -> State:
        """Goes on with what was renamed inside of it."""
        return replace(self, renamed={**self.renamed, **renamed}) if renamed else self

    def without_end(self) -> State:
        """Goes on without looking at optional items by themselves: they have no end."""
        return replace(self, endless=True)

    def moved(self, side: int, to: ItemCursor | None) -> State:
        """Goes on with the source (0) or the target (1) at another place."""
        if side == 0:
            return replace(self, source=to)
        return replace(self, target=to)

    def original(self, path: str) -> str:
        """What the source calls a member of the target; one that is the destination's
        own, and has the name of something that the stream has, says that, and so does one
        that is loaded, and has the name of something that the source keeps to itself.
        """
        if path in self.renamed:
            return self.renamed[path]
        there = self._of_object(path)
        mine, theirs = self.pair.in_stream
        if bare(there) in mine and bare(path) not in theirs:
            return f"{conditions.DESTINATION}{path}"
        if bare(path) in theirs and bare(there) not in mine:
            return f"{conditions.LOADED}{path}"
        return there

    def _of_object(self, path: str) -> str:
        """The path of a member of an object that the source calls something else."""
        for place, name in self.renamed.items():
            if place.endswith(".") and path.startswith(place):
                return name + path[len(place) :]
        return path

    def normal(
        self, side: int, condition: ir.Expr, version: int, prefix: str
    ) -> ir.Expr:
        """The side's condition in the form that conditions are compared in."""
        rename = self.original if side else str
        return conditions.normal(condition, version, prefix, rename)


@dataclass(frozen=True, slots=True)
class Fork:
    """Two cases that are followed one after the other."""

    first: State
    second: State


@dataclass(frozen=True, slots=True)
class Guarded:
    """Items that both sides have under one condition: if ``inside``, followed to its end
    by itself, finds nothing, ``after`` goes on, else the two cases of ``apart`` do."""

    inside: State
    after: State
    apart: Fork


Step: TypeAlias = State | Fork | Guarded | Ending
"""What comes of looking at the next items."""


@dataclass(frozen=True, slots=True)
class Sum:
    """All cases together: ``condition`` says which of them load, if only some do.

    ``failures`` is every way to fail, with the condition under which it is met (None
    where there is one way only).
    """

    failed: Finding | None
    unclear: Finding | None
    required: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    condition: ir.Expr | None
    failures: tuple[Finding, ...] = ()


def summed(leaves: tuple[Ending, ...]) -> Sum:
    """One answer for all cases of a comparison."""
    notes = tuple(dict.fromkeys(note for leaf in leaves for note in leaf.notes))
    leaves = tuple(leaf for leaf in leaves if leaf.case.possible)
    failed = next((leaf.failed for leaf in leaves if leaf.failed is not None), None)
    unclear = next((leaf.unclear for leaf in leaves if leaf.unclear is not None), None)
    good = [leaf for leaf in leaves if leaf.failed is None]
    required = tuple(
        dict.fromkeys(finding for leaf in good for finding in leaf.required)
    )
    condition = None
    if failed is not None and good:
        bad = [leaf.case for leaf in leaves if leaf.failed is not None]
        condition = condition_of([leaf.case for leaf in good], bad)
    ways: dict[Finding, list[Assumptions]] = {}
    for leaf in leaves:
        if leaf.failed is not None:
            ways.setdefault(leaf.failed, []).append(leaf.case)
    every = [leaf.case for leaf in leaves]
    failures = tuple(
        (
            replace(
                finding,
                case=condition_of(met, [case for case in every if case not in met]),
            )
            if len(ways) > 1
            else finding
        )
        for finding, met in ways.items()
    )
    return Sum(failed, unclear, required, notes, condition, failures)
