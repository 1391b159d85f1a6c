"""What a verdict says: of one section, in one direction, and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from vmgen import ir
from vmgen.source import NOWHERE, Position

Verdict = Literal["compatible", "conditional", "unknown", "incompatible"]
Direction = Literal["forward", "backward"]
Answer = Literal["confirmed", "contradicted", "open"]

RANK: dict[Verdict, int] = {
    "compatible": 0,
    "conditional": 1,
    "unknown": 2,
    "incompatible": 3,
}
"""Worst last."""

Kind = Literal[
    "section-version", "section-name", "section-instance", "section-missing",
    "section-handlers", "section-unread", "section-guard", "command",
    "subsection-version", "subsection-name", "subsection-missing", "nested-version",
    "end", "bytes", "width", "units", "member", "count", "null", "shape", "bool",
    "tail-loaded", "tail-saved",
    "check", "validate", "refusal", "premise", "register", "beside",
    "code", "code-parts", "cases", "recursion",
    "renamed", "padding-loaded", "padding-skipped", "sign", "code-assumed",
    "subsection-presence", "never-sent", "never-saved", "endless-list",
]  # fmt: skip
"""What a finding is about.

==================== =================================================================
section-version      the destination does not accept the section's version
section-name         the section is called something else
section-instance     the destination registers nothing under the section's instance
section-missing      the destination does not register such a section
section-handlers     C handlers instead of a description
section-unread       vmgen could not read a description of the section
section-guard        a variable says whether the destination registers the section
command              the destination does not know a command that the source sends
subsection-version   the destination does not accept the subsection's version
subsection-name      the subsection's name does not begin with its description's name
subsection-missing   the destination has no subsection of the name
nested-version       a nested description does not accept the version it is loaded with
end                  one side has a field where the other has none
bytes                one side has more bytes, whatever its C code makes of them
width                the elements have different sizes
units                equal bytes in elements of other sizes
member               the bytes reach another member
count                different numbers of elements
null                 the sides mark the pointers of an array differently
shape                arrays, lists and trees: framing that differs
bool                 a number that is loaded as a bool
tail-loaded          the end of a buffer is loaded as another member
tail-saved           a member is loaded as the end of a buffer
check                a value that must fit what the destination has
validate             a condition that must hold after loading (VMSTATE_VALIDATE)
refusal              pre_load or post_load returns an error
premise              C tables that a refusal of both sides depends on differ
register             a system register that the destination's CPU does not have, or has as
                     another constant, or has and the source's does not
beside               fields of an array's elements that memory beside the array decides
code                 C code that vmgen does not translate
code-parts           the same C code contains other descriptions
cases                more combinations of conditions than vmgen follows
recursion            objects of one description inside of each other, without end
renamed              (note) the same bytes go to a member of another name
padding-loaded       (note) a member is loaded from padding: zeros
padding-skipped      (note) the destination skips a member as padding
sign                 (note) the same bytes with another sign
code-assumed         (note) C code of the same name is assumed to be the same
subsection-presence  (note) the sides send a subsection under different conditions
never-sent           (note) a field of a later version than its description
never-saved          (note) an unmigratable device
endless-list         (note) a list has no end in C: zeros in memory are assumed to end it
==================== =================================================================
"""


@dataclass(frozen=True, slots=True)
class Term:
    """Part of an offset that is known at run time only: ``bytes`` times the member at
    ``path`` (``count``), a field whose length is not known (``field``), or one that is
    not always there (``optional``)."""

    what: Literal["count", "field", "optional"]
    path: str
    bytes: int = 1


@dataclass(frozen=True, slots=True)
class Offset:
    """Bytes from the start of the section (or subsection, or element): a number and what
    is known at run time only."""

    fixed: int = 0
    terms: tuple[Term, ...] = ()

    def plus(self, count: int) -> Offset:
        """So many bytes further."""
        return Offset(self.fixed + count, self.terms)

    def beyond(self, what: Term) -> Offset:
        """Further by what is known at run time only."""
        return Offset(self.fixed, (*self.terms, what))

    def __add__(self, other: Offset) -> Offset:
        return Offset(self.fixed + other.fixed, (*self.terms, *other.terms))


START = Offset()

What = Literal[
    "", "nothing", "values", "padding", "object", "list", "tree", "code", "field",
    "hook", "subsections", "subsection", "section", "handlers", "command", "register",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Side:
    """What the source or the destination has at the place of a finding.

    ``what`` says what it is, ``name`` which: the C symbol of a description, an info or a
    function, the wire name of a section or field.  ``path`` is the member's C path from
    the section's object.  ``type``, ``width`` (bytes) and ``count`` are those of the
    elements; ``check`` is ``equal`` or ``le``.  ``versions`` is the version it saves, or
    the first and the last that it loads.  ``sent`` is when a subsection is sent.
    Of a system register ``name`` is the CPU's model and ``count`` its constant value.
    ``role`` is a hook's, ``reads`` are the C names in a condition of it that has no
    translation; ``text`` says why vmgen could not read the section.  ``table`` is where
    the table is that was compared, of a side that has no place of its own in it.
    """

    what: What = ""
    name: str = ""
    path: str = ""
    type: str = ""
    check: str = ""
    width: int = 0
    count: ir.Expr | None = None
    versions: tuple[int, ...] = ()
    sent: ir.Expr | None = None
    instances: tuple[str, ...] = ()
    device_types: tuple[str, ...] = ()
    role: str = ""
    reads: tuple[str, ...] = ()
    text: str = ""
    position: Position = NOWHERE
    table: Position = NOWHERE


NO_SIDE = Side()


PRIVATE = {"shown": False}
"""A member that is for vmgen itself: documents do not have it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where source and destination do not say the same.

    ``description`` is the wire name of the (nested) description it lies in, ``symbol``
    its C symbol, ``path`` the way there from the section's object (``env.pmp[0].``),
    ``field`` the C path of the field, or the name of a subsection; ``subsections`` are
    those it lies in, outermost first.  ``offset`` is where the two part, None where no
    byte is involved.  ``condition`` is what must hold for the stream to load all the same,
    None if nothing helps; ``case`` is when this place is reached at all, None if always.

    ``gone`` says whose member the other side does not have at all; ``limit`` is the
    number of cases that were followed; ``only`` are the rows of C tables that only the
    source and only the destination has.  ``whenever`` is a subsection, and the condition
    that it is not sent: where that is all of ``condition``, no stream that has it loads.
    """

    kind: Kind
    description: str = ""
    symbol: str = ""
    path: str = ""
    field: str = ""
    subsections: tuple[str, ...] = ()
    offset: Offset | None = None
    source: Side = NO_SIDE
    target: Side = NO_SIDE
    condition: ir.Expr | None = None
    case: ir.Expr | None = None
    gone: Literal["", "source", "target"] = ""
    limit: int = 0
    only: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    whenever: tuple[str, ir.Expr] | None = dataclasses.field(
        default=None, metadata=PRIVATE
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict for one section in one direction.

    ``condition`` is what must hold where ``verdict`` is ``conditional``, all findings
    together.  ``longer`` says that the sides have different numbers of bytes, so that the
    destination does not find the section's footer.
    """

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    condition: ir.Expr | None = None
    longer: bool = False


Key: TypeAlias = tuple[str, str, str, str, str]
"""A section: its wire name, and symbol and file on either side."""

COMPATIBLE = Outcome("compatible")


@dataclass(frozen=True, slots=True)
class SectionVerdict:
    """The verdicts for one section.

    ``section`` is its wire name, ``old`` and ``new`` are the C symbols on either side
    (empty where there is none) with the files that define them.  ``cpu`` says that it
    belongs to the CPU.  A table that is not ``registered`` is no section of its own: C
    code saves it inside of one.  ``added`` are the directions in which only guests have
    the section to which a user added a device for it, one of ``devices``: no machine of
    the type sends it as it is started without options.  ``accepted`` are the directions in
    which somebody accepted all that was found, each with the reason.
    """

    section: str
    old: str
    new: str
    old_file: str
    new_file: str
    forward: Outcome
    backward: Outcome
    cpu: bool = False
    registered: bool = True
    added: tuple[Direction, ...] = ()
    devices: tuple[str, ...] = ()
    accepted: tuple[tuple[Direction, str], ...] = ()

    @property
    def key(self) -> Key:
        """What identifies it among others of its name."""
        return (self.section, self.old, self.old_file, self.new, self.new_file)

    @property
    def worst(self) -> Verdict:
        """The worse of the two."""
        return worst((self.forward.verdict, self.backward.verdict))

    def outcome(self, direction: Direction) -> Outcome:
        """The verdict of that direction."""
        return self.forward if direction == "forward" else self.backward

    def counted(self, direction: Direction) -> Verdict:
        """What that means for a guest as it is started without options: a device that a
        user must add for it is a condition."""
        verdict = self.outcome(direction).verdict
        if direction in self.added and RANK[verdict] > RANK["conditional"]:
            return "conditional"
        return verdict

    def left(self, direction: Direction) -> Verdict:
        """The same where what was accepted counts for nothing."""
        if any(one == direction for one, _ in self.accepted):
            return "compatible"
        return self.counted(direction)


@dataclass(frozen=True, slots=True)
class Judgement:
    """All sections of one target, CPUs first.

    ``old`` and ``new`` are the releases.  ``aside`` are the sections that differ and that
    no machine of the type has, on either side.  ``called`` is what to call the two sides
    where their releases do not tell them apart.
    """

    target: str
    old: str
    new: str
    sections: tuple[SectionVerdict, ...] = field(default=())
    aside: tuple[SectionVerdict, ...] = ()
    called: tuple[str, str] = ("old", "new")

    def worst(
        self, directions: Iterable[Direction] = ("forward", "backward")
    ) -> Verdict:
        """The worst verdict of these directions, as it counts for a guest that is started
        without options."""
        return worst(
            section.counted(direction)
            for section in self.sections
            for direction in directions
        )

    def left(
        self, directions: Iterable[Direction] = ("forward", "backward")
    ) -> Verdict:
        """The worst where what was accepted counts for nothing."""
        return worst(
            section.left(direction)
            for section in self.sections
            for direction in directions
        )


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of them; ``compatible`` of none."""
    return max(verdicts, key=RANK.__getitem__, default="compatible")


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
    verdict: Verdict
    answer: Answer
    tried: int = 0
    survived: int = 0
    failure: Trial | None = None
    why: str = ""
    of: Key = ("", "", "", "", "")
