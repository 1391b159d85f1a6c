"""Where every field lives in the state: the layout that a description builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from vmgen import infos, ir
from vmgen.ir.evaluate import Known, evaluate
from vmgen.ir.types import WIDTHS
from vmgen.lower.merge import merged
from vmgen.lower.names import Names, attribute, identifier
from vmgen.lower.shape import (
    CODES,
    Check,
    CodecLayout,
    Foreign,
    Ints,
    Key,
    Kind,
    Leaf,
    Listed,
    Opaque,
    Pad,
    RecordMember,
    Shape,
    StateRecord,
    Struct,
    Tree,
)
from vmgen.lower.spread import spread
from vmgen.source import Diagnostic, VmgenError


def build(
    key: Key,
    description: ir.Description,
    functions: dict[str, ir.Function],
    resolve: Resolve,
) -> CodecLayout:
    """The layout of one description; ``resolve`` finds the descriptions it names."""
    return _LayoutBuilder(key, description, functions, resolve).layout()


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


def words_layout(key: Key, element: ir.WordsElement, c_type: str) -> CodecLayout:
    """The layout of an info of several words, its members by name."""
    fields = tuple(
        ir.Field(
            name=word.member or f"word{number}",
            path=_word_path(word.member or f"word{number}"),
            element=ir.IntegerElement(word.type),
            size=ir.Fixed(WIDTHS[word.type]),
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


class _LayoutBuilder:
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
        self.root = StateRecord(description.type, "", key[0])
        self.names: dict[int, Names] = {}
        self.reserved = {
            attribute(step.name) for one in self.fields for step in one.path
        }

    def layout(self) -> CodecLayout:
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
            if leaf is None or self._joins(leaf, leaves):
                continue
            leaf.json = (
                f"{one.name}[{occurrence}]" if repeated[one.name] > 1 else one.name
            )
            self._place(leaf)
            leaves.append(leaf)
        layout = CodecLayout(
            key=self.key,
            symbol=description.symbol,
            name=description.name,
            type=description.type,
            version=description.version_id,
            minimum=description.minimum_version_id,
            root=self.root,
            leaves=list(merged(leaves, self._gathers)),
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
        made = Leaf(one, number, Pad(), "one", ir.path_text(one.path) or one.name)
        made.conditional = (
            bool(one.test) or one.version_id > description.minimum_version_id
        )
        element = one.element
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
                made.kind = Struct(key, version, version, temporary=element.owned)
            case ir.TmpElement():
                key, inner = self._inner(element.description)
                made.kind = Struct(
                    key, one.version_id, inner.version_id, temporary=True
                )
            case ir.ListElement():
                made.kind = Listed(
                    self._inner(element.description)[0],
                    one.version_id,
                    element.kind == "sentinel",
                )
            case ir.GTreeElement():
                first = self._inner(element.key)[0] if element.key else None
                made.kind = Tree(first, self._inner(element.value)[0], one.version_id)
            case ir.CustomElement():
                whole = bool(element.unread)
                made.kind = Opaque(element.info, infos.code(element), whole)
                if element.load and element.save:
                    made.kind = Foreign(element.info, element.load, element.save)
            case _:
                assert_never(element)
        self._count(made, last)
        return made

    def _inner(self, symbol: str) -> tuple[Key, ir.Description]:
        key = self.resolve(self.key[0], symbol)
        if key is None:
            raise _undefined(symbol)
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
        if not isinstance(size, ir.Fixed):
            made.size = size
        units = size.value if isinstance(size, ir.Fixed) else 0
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

    def _joins(self, leaf: Leaf, others: list[Leaf]) -> bool:
        """Whether a buffer is there exactly where an earlier one of the same member is
        not: together they are one buffer of either size."""
        field = leaf.field
        if (
            not isinstance(field.element, ir.BufferElement)
            or not isinstance(field.size, ir.Fixed)
            or field.array
            or field.start
        ):
            return False
        other = next((one for one in others if one.field.path == field.path), None)
        if (
            other is None
            or other.field.element != field.element
            or not isinstance(other.field.size, ir.Fixed)
        ):
            return False
        first, second = map(_truth, map(self._test, (other.field, field)))
        if first is None or second is None:
            return False
        if ir.Unary("!", first) == second:
            value = ir.Select(first, *map(_constant, (other.field.size, field.size)))
        elif ir.Unary("!", second) == first:
            value = ir.Select(second, *map(_constant, (field.size, other.field.size)))
        else:
            return False
        other.size, other.shape, other.conditional = (
            ir.Computed(value),
            "dynamic",
            False,
        )
        other.field = replace(other.field, test="", version_id=0)
        return True

    def _test(self, one: ir.Field) -> ir.Expr | None:
        function = self.functions.get(one.test)
        return None if function is None else function.body

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
                member = RecordMember(
                    step.name, self._attr(record, attribute(step.name)), len(step.index)
                )
                member.record = StateRecord(step.type, prefix, self.key[0])
                record.members.append(member)
            member.indices.append(step.index)
            leaf.parents += ((member, step.index),)
            leaf.place += (step.index,)
            assert member.record is not None
            record = member.record
            prefix += "".join(f"[{number}]" for number in step.index)
        name = path[-1].name if path else leaf.field.name
        if isinstance(leaf.kind, Opaque) and leaf.kind.whole:
            name = "unread"
        for member in record.named(name):
            if self._shares(leaf, member):
                break
        else:
            wanted = attribute(name) if path else identifier(name)
            member = RecordMember(name, self._attr(record, wanted), len(leaf.levels))
            record.members.append(member)
        member.leaves.append(leaf)
        member.indices.append(leaf.levels)
        leaf.member = member

    def _shares(self, leaf: Leaf, member: RecordMember) -> bool:
        """Whether the leaf is another part, or an alternative, of the member."""
        if member.record is not None or not leaf.field.path:
            return False
        others = member.leaves
        if member.levels != len(leaf.levels) or any(
            _unversioned(other.kind) != _unversioned(leaf.kind)
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
            there = [exists(each, self.functions, version) for each in (one, other)]
            if not any(value is False for value in there):
                return False
        return True

    def _attr(self, record: StateRecord, wanted: str) -> str:
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


def exists(
    one: ir.Field, functions: Mapping[str, ir.Function], version: int
) -> bool | None:
    """Whether a field is there in a version; None if more than the version decides."""
    if not one.test:
        return one.version_id <= version
    function = functions.get(one.test)
    if function is None or function.body is None:
        return None
    value = evaluate(function.body, Known(version))
    return None if value is None else bool(value)


def _family(shape: Shape) -> Shape:
    """Shapes that can be parts of one attribute."""
    return "array" if shape in ("item", "items") else shape


def _unversioned(kind: Kind) -> Kind:
    """A kind apart from the version in which its objects are there."""
    return replace(kind, version=0, saved=0) if isinstance(kind, Struct) else kind


def _truth(test: ir.Expr | None) -> ir.Expr | None:
    """A test without what only makes a truth of it."""
    match test:
        case ir.Binary("!=", inner, ir.Const(0)) | ir.Truncate("bool", inner):
            return _truth(inner)
        case ir.Unary("!", inner):
            return ir.Unary("!", _truth(inner) or inner)
    return test


def _constant(amount: ir.Fixed) -> ir.Const:
    return ir.Const(amount.value)


def _undefined(symbol: str) -> VmgenError:
    return VmgenError(
        Diagnostic("VG501", f"{symbol} is not defined in any of the files read")
    )
