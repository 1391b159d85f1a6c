"""What a description is on the wire at one version: a sequence of items, symbolic where
a count, a condition or a list decides.

Whether a field is there is ``vmstate_field_exists``'s rule: a test replaces the
comparison of versions.  The version that nested descriptions have is not on the wire, so
source and target may see two (``vmstate_load_state``, ``vmstate_save_state_v``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, assert_never

from vmgen import ir, wording
from vmgen.ir.types import WIDTHS
from vmgen.lookup import Lookup, Placed
from vmgen.source import Diagnostic, VmgenError
from vmgen.verdict import conditions
from vmgen.verdict.items import (
    Custom,
    FieldOrigin,
    Group,
    Item,
    Nested,
    Number,
    ObjectList,
    Refuses,
    Role,
    Subsections,
    Unused,
    Validation,
    Values,
    WireLayout,
)


class WireLayouts:
    """The layouts of one program as the one that saves or loads."""

    def __init__(self, program: ir.Program, role: Role) -> None:
        self.lookup = Lookup(program)
        self.unread = program.unread
        self.role = role
        self._known: dict[tuple[str, str, int], WireLayout] = {}
        self._members: dict[tuple[str, str, int], frozenset[str]] = {}

    def layout(self, placed: Placed, version: int) -> WireLayout:
        """The description as this side sees it at that version."""
        key = placed.module.file, placed.description.symbol, version
        if key not in self._known:
            self._known[key] = self._make(placed, version)
        return self._known[key]

    def members(self, layout: WireLayout) -> frozenset[str]:
        """The members that have bytes in the layout, as paths without subscripts."""
        placed = layout.placed
        key = placed.module.file, placed.description.symbol, layout.version
        if key not in self._members:
            self._members[key] = frozenset()  # a list of itself ends here
            self._members[key] = frozenset(self._of(layout.items))
        return self._members[key]

    def of_object(self, layout: WireLayout) -> frozenset[str]:
        """The members that have bytes in the layout or in a subsection of it."""
        found: dict[int, WireLayout] = {}
        waiting = [layout]
        while waiting:
            one = waiting.pop()
            if id(one) not in found:
                found[id(one)] = one
                waiting += (
                    self.layout(sub, sub.description.version_id)
                    for sub in one.subsections
                )
        return frozenset().union(*map(self.members, found.values()))

    def elements(
        self, layout: WireLayout, around: tuple[WireLayout, ...] = ()
    ) -> Iterator[tuple[str, int, int]]:
        """The elements of arrays that have bytes in the layout: the array's path, the
        first element and the one after the last.  Arrays inside of arrays are left out,
        and so is a description inside of itself: ``around`` are those on the way.
        """
        around = (*around, layout)
        for item in layout.items:
            match item:
                case Values(base=base, index=index, count=count) if (
                    index >= 0 and count.known
                ):
                    yield base, index, index + count.fixed
                case Nested(path=path, index=index) if index < 0:
                    inner = self.layout(item.placed, item.version)
                    if any(inner is one for one in around):
                        continue
                    for below, first, end in self.elements(inner, around):
                        yield f"{path}.{below}", first, end
                case (
                    Values()
                    | Nested()
                    | Unused()
                    | Group()
                    | ObjectList()
                    | Custom()
                    | Validation()
                    | Refuses()
                    | Subsections()
                ):
                    pass
                case _:
                    assert_never(item)

    def needed(self, placed: Placed) -> ir.Expr:
        """The predicate of a (sub)section; always true if it has none."""
        if not placed.description.needed:
            return conditions.TRUE
        return self.predicate(placed, placed.description.needed)

    def predicate(self, placed: Placed, symbol: str) -> ir.Expr:
        """The function's translation, or the function as a member ``symbol()`` of the
        object that the question is about."""
        function = self.lookup.functions(placed.module).get(symbol)
        if function is None or function.body is None:
            return ir.Load(f"{symbol}()", "int64")
        return function.body

    def _of(self, items: tuple[Item, ...]) -> set[str]:
        found: set[str] = set()
        for item in items:
            match item:
                case Values():
                    found.add(bare(item.base))
                case Group():
                    found |= self._of(item.items)
                case Nested():
                    inner = self.members(self.layout(item.placed, item.version))
                    found |= {f"{bare(item.path)}.{name}" for name in inner}
                case (
                    Unused()
                    | ObjectList()
                    | Custom()
                    | Validation()
                    | Refuses()
                    | Subsections()
                ):
                    pass
                case _:
                    assert_never(item)
        return found

    def _make(self, placed: Placed, version: int) -> WireLayout:
        description = placed.description
        items: list[Item] = []
        for field in description.fields:
            origin = FieldOrigin(placed, field)
            if not field.test:
                if field.version_id <= version:
                    items += self._field(origin, version)
                continue
            condition = self.predicate(placed, field.test)
            made = tuple(self._field(origin, version))
            if isinstance(field.element, ir.NothingElement):
                items.append(Validation(origin, condition, version))
            elif made:
                items.append(Group(origin, condition, version, made))
        items += (
            Refuses(placed, hook, refusal, version)
            for hook in description.hooks
            for refusal in hook.refusals
        )
        subsections = tuple(
            found
            for symbol in description.subsections
            if (found := self.lookup.find(symbol, placed.module)) is not None
        )
        refused = self.role == "load" and not (
            description.minimum_version_id <= version <= description.version_id
        )
        return WireLayout(placed, version, tuple(items), subsections, refused)

    def _field(self, origin: FieldOrigin, version: int) -> list[Item]:
        field = origin.field
        element = field.element
        count = _number(field.count)
        base, index = _place(field)
        name = field.name
        match element:
            case ir.IntegerElement(kind, check, _):
                made = Values(
                    origin, WIDTHS[kind], kind, count, base, index, name, check
                )
                return [made]
            case ir.TimerElement():
                return [Values(origin, 8, "timer", count, base, index, name)]
            case ir.BufferElement():
                size = _product(count, _number(field.size))
                at = max(index, 0)
                return (
                    [Values(origin, 1, "byte", size, base, at, name)]
                    if size is not None
                    else self._each(origin, count, base, index, "byte")
                )
            case ir.UnusedElement():
                size = _product(count, _number(field.size))
                return (
                    [Unused(origin, size)]
                    if size is not None
                    else self._each(origin, count, base, index, "padding")
                )
            case ir.BitmapElement():
                bits = _number(field.size)
                words = (
                    Number((bits.fixed + 63) // 64)
                    if bits.known
                    else replace(bits, bits=True)
                )
                return [Values(origin, 8, "word", words, base, 0, name)]
            case ir.WordsElement(words=words_):
                return self._words(origin, words_, count, base, index)
            case ir.StructElement(symbol, vstruct=vstruct):
                inner = self._find(origin, symbol)
                own = inner.description.version_id
                wanted = field.struct_version_id if vstruct else own
                path = ir.path_text(field.path) if index < 0 else base
                return [
                    Nested(
                        origin, inner, wanted, count, path, name, index, field.pointers
                    )
                ]
            case ir.TmpElement(symbol, _):
                inner = self._find(origin, symbol)
                wanted = (
                    inner.description.version_id
                    if self.role == "save"
                    else field.version_id
                )
                path = f"<{name}>"
                return [Nested(origin, inner, wanted, Number(1), path, name, -1)]
            case ir.ListElement(kind, symbol, _):
                inner = self._find(origin, symbol)
                wanted = self._listed(field, inner)
                how: Literal["list", "sentinel"] = (
                    "sentinel" if kind == "sentinel" else "list"
                )
                return [ObjectList(origin, how, None, inner, 0, wanted, base)]
            case ir.GTreeElement(key, value):
                inner = self._find(origin, value)
                first = self._find(origin, key) if key else None
                return [
                    ObjectList(
                        origin,
                        "tree",
                        first,
                        inner,
                        self._listed(field, first) if first else 0,
                        self._listed(field, inner),
                        base,
                    )
                ]
            case ir.NothingElement():
                return []
            case ir.CustomElement(info, reason=reason, get=get, put=put, unread=unread):
                why = reason if unread else ""
                return [Custom(origin, info, count, (get, put), why)]
            case _:
                assert_never(element)
        raise AssertionError(element)

    def _listed(self, field: ir.Field, inner: Placed) -> int:
        """Elements are saved with their own version and loaded with the field's."""
        return inner.description.version_id if self.role == "save" else field.version_id

    def _each(
        self, origin: FieldOrigin, count: Number, base: str, index: int, kind: str
    ) -> list[Item]:
        """Several buffers whose size is not known: as C code would move them."""
        return [Custom(origin, f"{kind} {base}", count)]

    def _words(
        self,
        origin: FieldOrigin,
        words: tuple[ir.Word, ...],
        count: Number,
        base: str,
        index: int,
    ) -> list[Item]:
        name = origin.field.name
        if len(words) == 1:
            member = f".{words[0].member}" if words[0].member else ""
            kind = words[0].type
            return [
                Values(origin, WIDTHS[kind], kind, count, base + member, index, name)
            ]
        if not count.known:
            return [Custom(origin, words_text(words), count)]
        made: list[Item] = []
        for number in range(count.fixed):
            at = f"[{index + number}]" if index >= 0 else ""
            for place, word in enumerate(words):
                path = f"{base}{at}.{word.member or f'word{place}'}"
                made.append(
                    Values(
                        origin, WIDTHS[word.type], word.type, Number(1), path, -1,
                        f"{name}{at}.{place}",
                    )
                )  # fmt: skip
        return made

    def _find(self, origin: FieldOrigin, symbol: str) -> Placed:
        found = self.lookup.find(symbol, origin.placed.module) or next(
            (one for one in self.lookup.all() if one.description.symbol == symbol), None
        )
        if found is None:
            raise VmgenError(
                Diagnostic(
                    "VG501",
                    f"{symbol} is not defined in any of the files read",
                    origin.field.position,
                )
            )
        return found


def words_text(words: tuple[ir.Word, ...]) -> str:
    """What identifies a sequence of words."""
    return ", ".join(f"{word.type} {word.member}".strip() for word in words)


def bare(path: str) -> str:
    """The path without subscripts."""
    return re.sub(r"\[[^\]]*\]", "", path)


def _number(amount: ir.Amount) -> Number:
    match amount:
        case ir.Fixed(value):
            return Number(value)
        case ir.FromMember(path, _, multiply):
            return Number(path=ir.path_text(path), multiply=multiply)
        case ir.Computed(expr):
            return Number(path=f"({wording.expression(expr)})", computed=expr)
        case _:
            assert_never(amount)


def _product(count: Number, size: Number) -> Number | None:
    if count.known and size.known:
        return Number(count.fixed * size.fixed)
    if count == Number(1):
        return size
    if size.known and not count.known:
        return replace(count, multiply=count.multiply * size.fixed)
    return None


def _place(field: ir.Field) -> tuple[str, int]:
    """The path without the last member's subscripts, and the flat index of the first
    element; -1 where the member is no array."""
    if not field.path:
        return f"<{field.name}>", -1
    last = field.path[-1]
    head = ir.path_text(field.path[:-1])
    base = f"{head}.{last.name}" if head else last.name
    if not last.index:
        return base, (field.start if field.array or last.dims else -1)
    flat = 0
    for at, extent in enumerate(last.dims):
        flat = flat * extent + (last.index[at] if at < len(last.index) else 0)
    if len(last.index) > len(last.dims):
        return ir.path_text(field.path), (field.start if field.array else -1)
    return base, flat + field.start
