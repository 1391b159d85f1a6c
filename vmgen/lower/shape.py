"""What a description becomes in Python: records, members, and the leaves of the wire.

The tree mirrors the C: a step of a field's path is a member of a record, fields that
name the same member share one attribute.  What the wire does not hold has no attribute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from vmgen import ir
from vmgen.ir.types import WIDTHS
from vmgen.lower.names import short

Shape: TypeAlias = Literal[
    "one", "item", "items", "array", "rows", "dynamic", "pointers"
]
Key: TypeAlias = tuple[str, str]  # file, symbol

CODES: dict[ir.IntType, str] = {
    "bool": "?", "int8": "b", "uint8": "B", "int16": "h", "uint16": "H",
    "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q",
}  # fmt: skip
SIZES = {code: WIDTHS[kind] for kind, code in CODES.items()}

LISTED = 16
"""Most elements of an array of integers that is a list, where the table names them one by
one: a list of so many values is made and taken apart several times faster than an array,
and takes a few lines at most."""


@dataclass(frozen=True, slots=True)
class Ints:
    """Values of one ``struct`` code; ``bits`` for a bitmap, whose size counts bits."""

    code: str
    check: str = ""
    bits: bool = False


@dataclass(frozen=True, slots=True)
class Struct:
    """Objects of another layout; ``version`` is what they are loaded with."""

    key: Key
    version: int
    saved: int
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A QTAILQ or QLIST of objects of another layout; a ``sentinel`` list ends with the
    first word of an element that is missing."""

    key: Key
    version: int
    sentinel: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """A GTree; ``first`` is None for a direct key."""

    first: Key | None
    second: Key
    version: int


@dataclass(frozen=True, slots=True)
class Opaque:
    """Bytes that no codec knows; ``code`` is the diagnostic that says why.  They are of a
    field, or of a ``whole`` description."""

    info: str
    code: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Foreign:
    """Bytes that Python functions of the user read and write (``module:function``)."""

    info: str
    load: str
    save: str


@dataclass(frozen=True, slots=True)
class Pad:
    """Bytes without a member."""


@dataclass(frozen=True, slots=True)
class Check:
    """A validation: no bytes."""


Kind: TypeAlias = Ints | Struct | Listed | Tree | Opaque | Foreign | Pad | Check


@dataclass(eq=False)
class StateRecord:
    """A C struct on the way; ``members`` in the order of the wire."""

    type: str
    path: str
    file: str  # the C file of the description
    cls: str = ""
    members: list[RecordMember] = field(default_factory=list)

    def named(self, name: str) -> Iterator[RecordMember]:
        """The members made of the C member of that name."""
        return (member for member in self.members if member.name == name)


@dataclass(eq=False)
class RecordMember:
    """An attribute of a record: a record of its own, or the leaves that share it.

    ``levels`` is how many list indices come before a leaf's value or the record.
    """

    name: str
    attr: str
    levels: int
    record: StateRecord | None = None
    leaves: list[Leaf] = field(default_factory=list)
    indices: list[tuple[int, ...]] = field(default_factory=list)

    def extents(self) -> tuple[int, ...]:
        """How long the lists of every level are."""
        return tuple(max(at) + 1 for at in zip(*self.indices, strict=True))

    def length(self) -> int:
        """How many elements the innermost array has."""
        return max(leaf.start + leaf.count for leaf in self.leaves)

    @property
    def single(self) -> bool:
        """Whether the table names the elements of an array of integers one by one."""
        return all(
            leaf.shape in ("item", "items") and isinstance(leaf.kind, Ints)
            for leaf in self.leaves
        ) and bool(self.leaves)

    @property
    def listed(self) -> bool:
        """Whether it is a plain list: a short array of which each element is a value of
        the run, since the table names them one by one."""
        return (
            bool(self.leaves)
            and all(leaf.shape == "items" for leaf in self.leaves)
            and self.length() <= LISTED
        )

    @property
    def shared(self) -> bool:
        """Whether the attribute is made first and its parts are filled in."""
        if self.record is not None:
            return self.levels > 0
        first = self.leaves[0]
        if first.shape == "item" or self.levels:
            return True
        if all(leaf.shape == "items" for leaf in self.leaves):
            return False
        return len({leaf.slice for leaf in self.leaves}) > 1

    @property
    def optional(self) -> bool:
        """Whether the attribute may be None, in some element of a list of records."""
        always = {leaf.place for leaf in self.leaves if not leaf.conditional}
        return any(leaf.place not in always for leaf in self.leaves)

    def at(self, leaf: Leaf) -> list[Leaf]:
        """The leaves that share the leaf's attribute in the same object."""
        place = leaf.place
        return [other for other in self.leaves if other.place == place]


@dataclass(eq=False)
class Leaf:
    """A field, or a run of neighbouring elements of one array, each its own field."""

    field: ir.Field
    number: int
    kind: Kind
    shape: Shape
    path: str  # C path, without the index of the element
    levels: tuple[int, ...] = ()
    start: int = 0
    count: int = 1
    width: int = 1
    amount: ir.FromMember | ir.Computed | None = None
    size: ir.FromMember | ir.Computed | None = None
    parents: tuple[tuple[RecordMember, tuple[int, ...]], ...] = ()
    place: tuple[tuple[int, ...], ...] = ()  # the indices of the parents
    member: RecordMember | None = None
    conditional: bool = False
    json: str = ""
    indices: tuple[int, ...] = ()  # of "items", in the order of the wire

    @property
    def slice(self) -> tuple[object, ...]:
        """Which part of the member the leaf is."""
        return (self.levels, self.shape in ("item", "array"), self.start, self.count)

    @property
    def condition(self) -> tuple[str, int]:
        """What decides on presence."""
        return (self.field.test, 0 if self.field.test else self.field.version_id)


@dataclass(eq=False)
class CodecLayout:
    """What a description, or an info of several words, is in Python.

    ``version_attr`` holds the version that a subsection came in; it is empty where only
    one is possible, or where the caller knows the version.
    """

    key: Key
    symbol: str
    name: str
    type: str
    version: int
    minimum: int
    root: StateRecord
    leaves: list[Leaf]
    description: ir.Description | None = None
    subsections: list[tuple[str, Key]] = field(default_factory=list)
    version_attr: str = ""

    @property
    def codec(self) -> str:
        """Its name in generated code."""
        return short(self.symbol)
