"""Where every field lives in the state: the tree of records that a description reaches.

The tree mirrors the C: a step of a field's path is a member of a record, fields that
name the same member share one attribute.  What the wire does not hold has no attribute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from vmgen import infos, ir
from vmgen.infos import formats
from vmgen.lower.names import Names, attribute, identifier, plain, short
from vmgen.lower.spread import spread

Shape: TypeAlias = Literal[
    "one", "item", "items", "array", "rows", "dynamic", "pointers"
]
Key: TypeAlias = tuple[str, str]  # file, symbol

CODES: dict[str, str] = {
    "bool": "?", "int8": "b", "uint8": "B", "int16": "h", "uint16": "H",
    "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q",
}  # fmt: skip
SIZES = {"?": 1, "b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "q": 8, "Q": 8}


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
    """A QTAILQ or QLIST of objects of another layout."""

    key: Key
    version: int


@dataclass(frozen=True, slots=True)
class Tree:
    """A GTree; ``first`` is None for a direct key."""

    first: Key | None
    second: Key
    version: int


@dataclass(frozen=True, slots=True)
class Opaque:
    """Bytes that no codec knows."""

    info: str


@dataclass(frozen=True, slots=True)
class Contained:
    """A description inside of a format, by its role, and the versions it has there."""

    role: str
    key: Key
    version: int
    saved: int


@dataclass(frozen=True, slots=True)
class Format:
    """What a hand-written codec reads; ``name`` is that of the registry's format."""

    name: str
    kind: str = ""
    parts: tuple[Contained, ...] = ()


@dataclass(frozen=True, slots=True)
class Pad:
    """Bytes without a member."""


@dataclass(frozen=True, slots=True)
class Check:
    """A validation: no bytes."""


Kind: TypeAlias = Ints | Struct | Listed | Tree | Format | Opaque | Pad | Check


@dataclass(eq=False)
class Record:
    """A C struct on the way; ``members`` in the order of the wire."""

    type: str
    path: str
    file: str  # the C file of the description
    cls: str = ""
    members: list[Member] = field(default_factory=list)

    def named(self, name: str) -> Iterator[Member]:
        """The members made of the C member of that name."""
        return (member for member in self.members if member.name == name)


@dataclass(eq=False)
class Member:
    """An attribute of a record: a record of its own, or the leaves that share it.

    ``levels`` is how many list indices come before a leaf's value or the record.
    """

    name: str
    attr: str
    levels: int
    record: Record | None = None
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
        return any(
            all(other.conditional for other in self.at(leaf)) for leaf in self.leaves
        )

    def at(self, leaf: Leaf) -> list[Leaf]:
        """The leaves that share the leaf's attribute in the same object."""
        return [other for other in self.leaves if other.place == leaf.place]


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
    amount: ir.FromMember | None = None
    size: ir.FromMember | None = None
    parents: tuple[tuple[Member, tuple[int, ...]], ...] = ()
    member: Member | None = None
    conditional: bool = False
    json: str = ""
    indices: tuple[int, ...] = ()  # of "items", in the order of the wire

    @property
    def place(self) -> tuple[tuple[int, ...], ...]:
        """Which elements of lists of records hold the leaf."""
        return tuple(index for _, index in self.parents)

    @property
    def slice(self) -> tuple[object, ...]:
        """Which part of the member the leaf is."""
        return (self.levels, self.shape in ("item", "array"), self.start, self.count)

    @property
    def condition(self) -> tuple[str, int]:
        """What decides on presence."""
        return (self.field.test, 0 if self.field.test else self.field.version_id)


@dataclass(eq=False)
class Layout:
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
    root: Record
    leaves: list[Leaf]
    description: ir.Description | None = None
    subsections: list[tuple[str, Key]] = field(default_factory=list)
    version_attr: str = ""

    @property
    def codec(self) -> str:
        """Its name in generated code."""
        return short(self.symbol)


def build(
    key: Key,
    description: ir.Description,
    functions: dict[str, ir.Function],
    resolve: Resolve,
) -> Layout:
    """The layout of one description; ``resolve`` finds the descriptions it names."""
    return _Builder(key, description, functions, resolve).layout()


class Resolve:
    """Finds descriptions by symbol, as C's linkage does."""

    def __init__(self, program: ir.Program) -> None:
        self.found: dict[Key, ir.Description] = {}
        self._external: dict[str, Key] = {}
        for module in program.modules:
            for description in module.descriptions:
                key = (module.file, description.symbol)
                self.found[key] = description
                if not description.static:
                    self._external.setdefault(description.symbol, key)

    def __call__(self, file: str, symbol: str) -> Key | None:
        """The key of the description that ``symbol`` means in that file."""
        if (file, symbol) in self.found:
            return (file, symbol)
        return self._external.get(symbol)


def words_key(file: str, element: ir.WordsElement, c_type: str) -> Key:
    """The key of the layout of an info of several words."""
    return (file, f"{element.info} {c_type}")


def words_layout(key: Key, element: ir.WordsElement, c_type: str) -> Layout:
    """The layout of an info of several words, its members by name."""
    fields = tuple(
        ir.Field(
            name=word.member or f"word{number}",
            path=_word_path(word.member or f"word{number}"),
            element=ir.IntegerElement(word.type),
            size=ir.Fixed(SIZES[CODES[word.type]]),
        )
        for number, word in enumerate(element.words)
    )
    made = ir.Description(element.info, element.name, c_type, 0, 0, fields)
    layout = build(key, made, {}, Resolve(ir.Program("", "", ())))
    layout.description = None
    return layout


def _word_path(text: str) -> ir.Path:
    steps = []
    for part in text.replace("->", ".").split("."):
        name, *indices = part.replace("]", "").split("[")
        index = tuple(int(number) for number in indices)
        steps.append(ir.Step(name, "", tuple(number + 1 for number in index), index))
    return tuple(steps)


class _Builder:
    def __init__(
        self,
        key: Key,
        description: ir.Description,
        functions: dict[str, ir.Function],
        resolve: Resolve,
    ) -> None:
        self.key = key
        self.description = description
        self.functions = functions
        self.resolve = resolve
        self.fields = spread(description, self._described)
        self.root = Record(description.type, "", key[0])
        self.names: dict[int, Names] = {}
        self.reserved = {
            attribute(step.name) for one in self.fields for step in one.path
        }

    def layout(self) -> Layout:
        description = self.description
        repeated: dict[str, int] = {}
        for one in self.fields:
            repeated[one.name] = repeated.get(one.name, 0) + 1
        seen: dict[str, int] = {}
        leaves: list[Leaf] = []
        for number, one in enumerate(self.fields):
            occurrence = seen.get(one.name, 0)
            seen[one.name] = occurrence + 1
            leaf = self._leaf(one, number)
            if leaf is None or _is_merged(leaf, leaves):
                continue
            leaf.json = (
                f"{one.name}[{occurrence}]" if repeated[one.name] > 1 else one.name
            )
            self._place(leaf)
            leaves.append(leaf)
        layout = Layout(
            key=self.key,
            symbol=description.symbol,
            name=description.name,
            type=description.type,
            version=description.version_id,
            minimum=description.minimum_version_id,
            root=self.root,
            leaves=list(_merged(leaves, self._gathers)),
            description=description,
        )
        for symbol in description.subsections:
            found = self.resolve(self.key[0], symbol)
            if found is None or any(found == other for _, other in layout.subsections):
                continue
            wire = self.resolve.found[found].name.rpartition("/")[2]
            attr = self._attr(self.root, identifier(wire))
            layout.subsections.append((attr, found))
        layout.version_attr = self._attr(self.root, "version_id")
        return layout

    # --- what a field is ------------------------------------------------------------

    def _leaf(self, one: ir.Field, number: int) -> Leaf | None:
        description = self.description
        if not one.test and one.version_id > description.version_id:
            return None  # never on the wire, in any version
        made = Leaf(
            one, number, Pad(), "one", ir.path_text(one.path) or plain(one.name)
        )
        made.conditional = (
            bool(one.test) or one.version_id > description.minimum_version_id
        )
        element = one.element
        if isinstance(element, ir.CustomElement):
            element = infos.element(element)
        last = one.path[-1] if one.path else ir.Step("", "")
        match element:
            case ir.NothingElement():
                made.kind = Check()
                return made if one.test and one.must_exist else None
            case ir.UnusedElement():
                self._count(made, last)
                if isinstance(one.size, ir.Fixed):
                    made.width = one.size.value
                else:
                    made.size = one.size
                return made
            case ir.IntegerElement():
                made.kind = Ints(CODES[element.type], element.check)
            case ir.TimerElement():
                made.kind = Ints("q")
            case ir.BufferElement() | ir.BitmapElement():
                self._bytes(made, last, isinstance(element, ir.BitmapElement))
                return made
            case ir.WordsElement():
                if not element.words:
                    return None
                if len(element.words) == 1:
                    made.kind = Ints(CODES[element.words[0].type])
                else:
                    c_type = last.type or element.name or element.info
                    made.kind = Struct(words_key(self.key[0], element, c_type), 0, 0)
            case ir.StructElement():
                key, inner = self._inner(element.description)
                version = one.struct_version_id if element.vstruct else inner.version_id
                made.kind = Struct(key, version, version)
            case ir.TmpElement():
                key, inner = self._inner(element.description)
                made.kind = Struct(
                    key, one.version_id, inner.version_id, temporary=True
                )
            case ir.ListElement():
                made.kind = Listed(self._inner(element.description)[0], one.version_id)
            case ir.GTreeElement():
                first = self._inner(element.key)[0] if element.key else None
                made.kind = Tree(first, self._inner(element.value)[0], one.version_id)
            case ir.FormatElement():
                self._format(made, element)
            case ir.CustomElement():
                made.kind = Opaque(element.info)
        self._count(made, last)
        return made

    def _format(self, made: Leaf, element: ir.FormatElement) -> None:
        """What a hand-written codec reads, and the descriptions inside of it."""
        parts = []
        for part in element.parts:
            key = self.resolve(part.file or self.key[0], part.symbol)
            if key is None:
                raise KeyError(part.symbol)
            saved = self.resolve.found[key].version_id
            # virtio_load passes the version of the section on to the device's own.
            own = part.role == "device"
            version = self.description.version_id if own else saved
            parts.append(Contained(part.role, key, version, saved))
        made.kind = Format(element.format, element.kind, tuple(parts))
        if formats.FORMATS[element.format].merges:
            made.field = replace(made.field, test="", version_id=0)
            made.conditional = False

    def _inner(self, symbol: str) -> tuple[Key, ir.Description]:
        key = self.resolve(self.key[0], symbol)
        if key is None:
            raise KeyError(symbol)
        return key, self.resolve.found[key]

    def _described(self, symbol: str) -> ir.Description | None:
        key = self.resolve(self.key[0], symbol)
        return None if key is None else self.resolve.found[key]

    def _count(self, made: Leaf, last: ir.Step) -> None:
        """The shape of a field's value, from its count and the member's dimensions."""
        one = made.field
        index, rest = last.index, last.dims[len(last.index) :]
        made.levels = index
        if not one.array:
            if index and not rest and isinstance(made.kind, (Ints, Struct)):
                made.levels, made.start, made.shape = index[:-1], index[-1], "item"
                made.path = made.path[: made.path.rindex("[")]
            return
        made.start = one.start
        if isinstance(one.count, ir.Fixed):
            made.count = one.count.value
            made.shape = "array"
            width = rest[-1] if len(rest) > 1 and 0 not in rest else 0
            if width and made.start % width == 0 and made.count % width == 0:
                made.shape, made.width = "rows", width
                made.start //= width
                made.count //= width
        else:
            made.amount = one.count
            made.shape = "dynamic"
        if one.pointers:
            made.shape = "pointers"

    def _bytes(self, made: Leaf, last: ir.Step, bitmap: bool) -> None:
        """A buffer is an array of bytes, a bitmap one of 64-bit words."""
        one = made.field
        made.kind = Ints("Q", bits=True) if bitmap else Ints("B")
        made.levels = last.index
        size = one.size
        if isinstance(size, ir.FromMember):
            made.size = size
        units = 0 if not isinstance(size, ir.Fixed) else size.value
        units = (units + 63) // 64 if bitmap else units
        if not one.array:
            made.start = 0 if bitmap else one.start
            made.shape, made.count = "array", units
            if made.size is not None:
                made.shape = "dynamic"
            return
        made.start = one.start
        made.shape, made.width = "rows", units
        if isinstance(one.count, ir.Fixed):
            made.count = one.count.value
        else:
            made.amount = one.count

    # --- where it goes --------------------------------------------------------------

    def _place(self, leaf: Leaf) -> None:
        if isinstance(leaf.kind, (Pad, Check)):
            return
        record, prefix = self.root, ""
        path = leaf.field.path
        for step in path[:-1]:
            prefix += ("." if prefix else "") + step.name
            member = next(
                (
                    found
                    for found in record.named(step.name)
                    if found.record is not None and found.levels == len(step.index)
                ),
                None,
            )
            if member is None:
                member = Member(
                    step.name, self._attr(record, attribute(step.name)), len(step.index)
                )
                member.record = Record(step.type, prefix, self.key[0])
                record.members.append(member)
            member.indices.append(step.index)
            leaf.parents += ((member, step.index),)
            assert member.record is not None
            record = member.record
            prefix += "".join(f"[{number}]" for number in step.index)
        name = path[-1].name if path else leaf.field.name
        for member in record.named(name):
            if self._shares(leaf, member):
                break
        else:
            wanted = attribute(name) if path else identifier(name)
            member = Member(name, self._attr(record, wanted), len(leaf.levels))
            record.members.append(member)
        member.leaves.append(leaf)
        member.indices.append(leaf.levels)
        leaf.member = member

    def _shares(self, leaf: Leaf, member: Member) -> bool:
        """Whether the leaf is another part, or an alternative, of the member."""
        if member.record is not None or not leaf.field.path:
            return False
        others = member.leaves
        if member.levels != len(leaf.levels) or any(
            other.kind != leaf.kind
            or _family(other.shape) != _family(leaf.shape)
            or (other.shape == "rows" and other.width != leaf.width)
            for other in others
        ):
            return False
        others = member.at(leaf)
        if all(
            other.slice == leaf.slice and other.shape == leaf.shape for other in others
        ):
            return all(self._exclusive(other.field, leaf.field) for other in others)
        for other in others:
            if other.condition != leaf.condition and not (
                self._gathers(other) and self._gathers(leaf)
            ):
                return False
            if other.levels != leaf.levels:
                continue
            if leaf.shape not in ("item", "array") or (
                other.start < leaf.start + leaf.count
                and leaf.start < other.start + other.count
            ):
                return False
        return True

    def _gathers(self, leaf: Leaf) -> bool:
        """Whether a part of an array can come in a run of its own: an element that is in
        every version, or in the current one only."""
        return (
            leaf.shape == "item"
            and isinstance(leaf.kind, Ints)
            and not leaf.levels
            and not leaf.field.test
            and (
                leaf.field.version_id <= self.description.minimum_version_id
                or leaf.field.version_id == self.description.version_id
            )
        )

    def _exclusive(self, one: ir.Field, other: ir.Field) -> bool:
        """Whether two fields are never both there: by version, or a test and its negation."""
        versions = range(
            self.description.minimum_version_id, self.description.version_id + 1
        )
        if not one.test and not other.test:
            return False
        first, second = (
            self.functions[name].body if name in self.functions else None
            for name in (one.test, other.test)
        )
        if ir.Unary("!", first) == second if first else False:
            return True
        if ir.Unary("!", second) == first if second else False:
            return True
        for version in versions:
            exists = [_exists(each, self.functions, version) for each in (one, other)]
            if not any(value is False for value in exists):
                return False
        return True

    def _attr(self, record: Record, wanted: str) -> str:
        names = self.names.setdefault(id(record), Names())
        if not names.free(wanted):
            # Do not take a name that another C member of this description has.
            number = 2
            while f"{wanted}_{number}" in self.reserved or not names.free(
                f"{wanted}_{number}"
            ):
                number += 1
            wanted = f"{wanted}_{number}"
        return names.take(wanted)


def _exists(
    one: ir.Field, functions: dict[str, ir.Function], version: int
) -> bool | None:
    """Whether a field is there in a version; None if more than the version decides."""
    from vmgen.lower.expressions import constant

    if not one.test:
        return one.version_id <= version
    function = functions.get(one.test)
    if function is None or function.body is None:
        return None
    value = constant(function.body, version)
    return None if value is None else bool(value)


def _merged(leaves: list[Leaf], gathers: Callable[[Leaf], bool]) -> Iterator[Leaf]:
    """Neighbouring elements of one array that are fields of their own, as one leaf."""
    group: list[Leaf] = []
    for leaf in [*leaves, None]:
        if group and (leaf is None or not _joins(group[-1], leaf)):
            yield from _joined(group, gathers)
            group = []
        if leaf is not None:
            group.append(leaf)


def _joins(last: Leaf, leaf: Leaf) -> bool:
    """Whether two fields in a row are parts of one array in the same object."""
    return (
        last.member is not None
        and last.member is leaf.member
        and isinstance(leaf.kind, Ints)
        and not leaf.kind.check
        and last.place == leaf.place
        and {last.shape, leaf.shape} <= {"item", "array"}
        and last.levels == leaf.levels
        and last.condition == leaf.condition
        and (last.member.single or last.start + last.count == leaf.start)
    )


def _joined(group: list[Leaf], gathers: Callable[[Leaf], bool]) -> list[Leaf]:
    first = group[0]
    member = first.member
    if member is None or first.shape not in ("item", "array"):
        return group
    starts = tuple(leaf.start for leaf in group)
    if member.single:
        whole = len(group) == len(member.at(first))
        if first.levels or not (whole or all(map(_apart(gathers), member.at(first)))):
            return group
        start = min(starts)
        joined = replace(
            first,
            shape="items",
            start=start,
            count=max(starts) + 1 - start,
            indices=starts,
        )
    elif len(group) > 1:
        count = sum(leaf.count for leaf in group)
        joined = replace(first, shape="array", count=count)
    else:
        return group
    at = member.leaves.index(first)
    member.leaves = [leaf for leaf in member.leaves if leaf not in group]
    member.leaves.insert(at, joined)
    return [joined]


def _apart(gathers: Callable[[Leaf], bool]) -> Callable[[Leaf], bool]:
    """Whether a leaf, joined or not, is a part that may come in a run of its own."""
    return lambda leaf: leaf.shape == "items" or gathers(leaf)


def _is_merged(leaf: Leaf, others: list[Leaf]) -> bool:
    """Whether a field is an alternative of an earlier one whose codec reads either."""
    return (
        isinstance(leaf.kind, Format)
        and formats.FORMATS[leaf.kind.name].merges
        and any(
            other.kind == leaf.kind and other.field.path == leaf.field.path
            for other in others
        )
    )


def _family(shape: Shape) -> Shape:
    """Shapes that can be parts of one attribute."""
    return "array" if shape in ("item", "items") else shape
