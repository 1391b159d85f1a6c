"""What a C initialiser sets: C11 6.7.9 with GNU ranges, read here and nowhere else.

:func:`fill` follows the current object through designators, overrides, positions and
braces that are left out.  What it yields is by member and by element; what is not in it
is zero.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from vmgen.cfront.ctype import Array, CType, Integer, Record
from vmgen.cfront.layout.model import Scope, Types, error
from vmgen.cfront.printer import type_words
from vmgen.cfront.syntax import (
    Call,
    CompoundLiteral,
    Expr,
    InitList,
    IntegerLiteral,
    Name,
    Range,
    StringLiteral,
)
from vmgen.source import Position, VmgenError


@dataclass(frozen=True, slots=True)
class FilledRecord:
    """A struct or union that an initialiser sets.

    ``members`` are those that are set, by name and in the order of the record; members
    of anonymous records are among them.  A braced part that cannot be read is the error
    that access to it raises.
    """

    type: Record
    members: Mapping[str, Filled | VmgenError]
    position: Position

    def __getitem__(self, name: str) -> Filled | None:
        """What ``name`` is set to, None where the initialiser leaves it zero."""
        return _readable(self.members.get(name))


@dataclass(frozen=True, slots=True)
class FilledArray:
    """An array that an initialiser sets.

    ``spans`` are runs of elements with one value, first and last index included,
    ascending and apart from each other; ``length`` is that of the array, the one that
    the initialiser gives it where its type leaves it open.
    """

    type: Array
    spans: tuple[tuple[int, int, Filled | VmgenError], ...]
    length: int
    position: Position

    def at(self, index: int) -> Filled | None:
        """The element ``index``, None where the initialiser leaves it zero."""
        found = bisect_right(self.spans, index, key=lambda span: span[0]) - 1
        if found < 0 or self.spans[found][1] < index:
            return None
        return _readable(self.spans[found][2])

    def elements(self, start: int = 0) -> Iterator[tuple[int, Filled | None]]:
        """Index and value of every element from ``start`` on."""
        for index in range(start, self.length):
            yield index, self.at(index)


def _readable(value: Filled | VmgenError | None) -> Filled | None:
    if isinstance(value, VmgenError):
        raise VmgenError(*value.diagnostics)
    return value


#: What a part of an object is set to: an aggregate, or a scalar's expression.
Filled: TypeAlias = Expr | FilledRecord | FilledArray


@dataclass(slots=True, eq=False)
class _Part:
    """An aggregate under construction, by index of member or element as in
    :class:`FilledArray`.  One that several elements have is ``shared``, and copied
    before it changes; of one that is the ``copy`` of an object GCC keeps nothing when a
    part of it is set again."""

    type: Record | Array
    position: Position
    spans: list[tuple[int, int, _Value]] = field(default_factory=list)
    shared: bool = False
    copy: bool = False

    def put(self, low: int, high: int, value: _Value) -> None:
        """Set the elements ``low`` to ``high``, whatever they were."""
        start, end = self._isolate(low, high)
        self.spans[start:end] = [(low, high, value)]
        if high > low and isinstance(value, _Part):
            value.shared = True

    def within(self, low: int, high: int) -> list[tuple[int, int, _Value | None]]:
        """What the elements ``low`` to ``high`` are set to, gaps included."""
        start, end = self._isolate(low, high)
        found: list[tuple[int, int, _Value | None]] = []
        following = low
        for first, last, value in self.spans[start:end]:
            if first > following:
                found.append((following, first - 1, None))
            found.append((first, last, value))
            following = last + 1
        if following <= high:
            found.append((following, high, None))
        return found

    def _isolate(self, low: int, high: int) -> tuple[int, int]:
        """Cut spans so that none crosses a border of ``low`` to ``high``; the slice of
        those inside."""
        start = bisect_left(self.spans, low, key=lambda span: span[1])
        end = bisect_right(self.spans, high, key=lambda span: span[0])
        pieces: list[tuple[int, int, _Value]] = []
        for first, last, value in self.spans[start:end]:
            cuts = [first, *(cut for cut in (low, high + 1) if first < cut <= last)]
            ends = [*(cut - 1 for cut in cuts[1:]), last]
            if len(cuts) > 1 and isinstance(value, _Part):
                value.shared = True
            pieces += [(*piece, value) for piece in zip(cuts, ends, strict=True)]
        self.spans[start:end] = pieces
        inside = [piece for piece in pieces if low <= piece[0] <= high]
        start += bool(pieces) and pieces[0][0] < low
        return start, start + len(inside)

    def own(self) -> _Part:
        """This part, or a copy of one that other elements have too."""
        if not self.shared:
            return self
        for _, _, value in self.spans:
            if isinstance(value, _Part):
                value.shared = True
        return _Part(self.type, self.position, list(self.spans))


_Value: TypeAlias = Expr | _Part | VmgenError


@dataclass(slots=True)
class _Frame:
    """A part that is being filled, and the index that comes next in it."""

    part: _Part
    following: int = 0


def fill(
    types: Types, type: CType, init: Expr | InitList, scope: Scope
) -> Filled | None:
    """What ``init`` sets an object of ``type`` to; None for ``{}`` of a scalar.

    Raises :class:`VmgenError`: VG401 for an initialiser that C does not have, and what
    the types and the designators raise.
    """
    return _readable(_frozen(types, _Filler(types, scope).value(type, init)))


def sized(
    types: Types, type: CType, init: Expr | InitList | None, scope: Scope
) -> CType:
    """An array of open length with the length its initialiser gives it."""
    if init is None or not (isinstance(type, Array) and type.length is None):
        return type
    found = _Filler(types, scope).value(type, init)
    if isinstance(found, StringLiteral):
        return Array(type.element, len(found.value) + 1)
    return Array(type.element, _length(found)) if isinstance(found, _Part) else type


def _length(part: _Part) -> int:
    assert isinstance(part.type, Array)  # callers ask for arrays only
    if part.type.length is not None:
        return part.type.length
    return part.spans[-1][1] + 1 if part.spans else 0


def _frozen(types: Types, value: _Value | None) -> Filled | VmgenError | None:
    if not isinstance(value, _Part):
        return value
    inner = [
        (low, high, found)
        for low, high, one in value.spans
        if (found := _frozen(types, one)) is not None
    ]
    if isinstance(value.type, Array):
        return FilledArray(value.type, tuple(inner), _length(value), value.position)
    order = types.record(value.type).members
    members: dict[str, Filled | VmgenError] = {}
    for index, _, found in inner:
        if order[index].name:
            members[order[index].name] = found
        elif isinstance(found, FilledRecord):
            members.update(found.members)
    return FilledRecord(value.type, members, value.position)


class _Filler:
    """Reads initialisers with the types of one unit."""

    def __init__(self, types: Types, scope: Scope) -> None:
        self._types = types
        self._scope = scope

    def value(self, type: CType, init: Expr | InitList) -> _Value | None:
        """The value of a whole object or part; None for ``{}`` of a scalar."""
        if not isinstance(type, Record | Array):
            return self._scalar(type, init)
        if isinstance(init, InitList):
            if len(init.items) == 1 and not init.items[0].designators:
                only = init.items[0].value
                if isinstance(only, StringLiteral) and _is_text(type):
                    return only
            return self._aggregate(type, init)
        if isinstance(init, CompoundLiteral):
            # GNU C: what a literal sets, later designators may set again.
            return self.value(type, init.initializer)
        if isinstance(init, Name):
            return self._copied(type, init.name) or init
        return init

    def _copied(self, type: CType, name: str) -> _Value | None:
        """The value of a constant object, which GCC takes in static initialisers."""
        reading = self._scope.reading
        declared = self._types.unit.object(name)
        if (
            reading is None
            or name in reading
            or declared is None
            or declared.initializer is None
        ):
            return None
        inner = Scope(reading=reading | {name})
        with self._types.defining("value", name, declared.position):
            value = _Filler(self._types, inner).value(type, declared.initializer)
        if isinstance(value, _Part):
            value.copy = True
        return value

    def _part(self, type: CType, init: Expr | InitList) -> _Value | None:
        """The value of a whole part, or the error of a braced one."""
        try:
            return self.value(type, init)
        except VmgenError as error:
            if isinstance(init, InitList):
                return error
            raise

    def _scalar(self, type: CType, init: Expr | InitList) -> Expr | None:
        while isinstance(init, InitList):
            if not init.items:
                return None
            first = init.items[0]
            if len(init.items) > 1:
                raise _too_many(type, first.value.position)
            if first.designators:
                raise error(
                    "VG401", f"a part of one '{type_words(type)}'", init.position
                )
            init = first.value
        return init

    def _aggregate(self, type: Record | Array, init: InitList) -> _Part:
        whole = _Part(type, init.position)
        frames = [_Frame(whole)]
        for item in init.items:
            if item.designators:
                del frames[1:]
                self._designated(frames, item.designators, item.value)
            else:
                self._positional(frames, item.value)
        return whole

    # --- where a value goes -----------------------------------------------------------

    def _positional(self, frames: list[_Frame], value: Expr | InitList) -> None:
        """Set what comes next, which is the first part of it where its braces are left
        out (6.7.9, paragraphs 17 and 20)."""
        while True:
            frame = frames[-1]
            count = self._count(frame.part.type)
            if count is not None and frame.following >= count:
                if len(frames) == 1:
                    raise _too_many(frame.part.type, value.position)
                frames.pop()
                continue
            index = frame.following
            frame.following += 1
            type = self._element(frame.part.type, index)
            if self._is_whole(type, value):
                self._set(frame.part, index, index, self._part(type, value))
                return
            frames.append(_Frame(self._inner(frame.part, index, value.position)))

    def _designated(
        self,
        frames: list[_Frame],
        designators: tuple[str | Expr | Range, ...],
        value: Expr | InitList,
    ) -> None:
        """Set what designators name, in each element of a range; what follows in the
        list goes on behind the last one (paragraph 17, and GCC for ranges)."""
        where = value.position
        while designators:
            part = frames[-1].part
            *outer, (low, high) = self._indices(part.type, designators[0], where)
            designators = designators[1:]
            for index, _ in outer:
                frames[-1].following = index + 1
                part = self._inner(part, index, where)
                frames.append(_Frame(part))
            frames[-1].following = high + 1
            type = self._element(part.type, high)
            if not designators and self._is_whole(type, value):
                self._set(part, low, high, self._part(type, value))
                return
            if high > low:
                self._spread(part, low, high - 1, designators, value)
            frames.append(_Frame(self._inner(part, high, where)))
        self._positional(frames, value)

    def _spread(
        self,
        part: _Part,
        low: int,
        high: int,
        designators: tuple[str | Expr | Range, ...],
        value: Expr | InitList,
    ) -> None:
        """Set the same part of each element of a range."""
        for first, last, old in part.within(low, high):
            type = self._element(part.type, first)
            inner = self._thawed(type, old, value.position)
            if designators:
                self._designated([_Frame(inner)], designators, value)
            else:
                self._positional([_Frame(inner)], value)
            self._set(part, first, last, inner)

    def _is_whole(self, type: CType, value: Expr | InitList) -> bool:
        """Whether the value is that of a whole part of this type."""
        if isinstance(value, InitList) or not isinstance(type, Record | Array):
            return True
        if isinstance(type, Array):
            return (isinstance(value, StringLiteral) and _is_text(type)) or isinstance(
                value, CompoundLiteral
            )
        if isinstance(value, StringLiteral | IntegerLiteral):
            return False
        if isinstance(value, Call) and isinstance(value.function, Name):
            name = value.function.name
            if not (name.startswith("__builtin_") or self._types.unit.function(name)):
                return True  # a macro that no header defines; the reader of rows reports it
        return self._types.same_type(self._types.type_of(value, self._scope), type)

    # --- parts ------------------------------------------------------------------------

    def _set(self, part: _Part, low: int, high: int, value: _Value | None) -> None:
        if isinstance(part.type, Record) and part.type.kind == "union":
            part.spans.clear()
        part.put(low, high, IntegerLiteral(0) if value is None else value)

    def _inner(self, part: _Part, index: int, position: Position) -> _Part:
        """The aggregate at ``index``, which may have been set in part."""
        ((_, _, old),) = part.within(index, index)
        inner = self._thawed(self._element(part.type, index), old, position)
        self._set(part, index, index, inner)
        return inner

    def _thawed(self, type: CType, old: _Value | None, position: Position) -> _Part:
        """An aggregate that can change, with what it was set to."""
        if not isinstance(type, Record | Array):
            raise error("VG401", f"a part of one '{type_words(type)}'", position)
        match old:
            case None:
                return _Part(type, position)
            case _Part(copy=True):
                return _Part(type, position)
            case _Part():
                return old.own()
            case VmgenError():
                raise VmgenError(*old.diagnostics)
            case StringLiteral(text) if isinstance(type, Array):
                values = [
                    IntegerLiteral(ord(one), "char", old.position) for one in text
                ]
                part = _Part(type, old.position)
                for index, one in enumerate([*values, IntegerLiteral(0)]):
                    if type.length is None or index < type.length:
                        part.put(index, index, one)
                return part
        raise error(
            "VG401", "a designator changes a part of what has one value", position
        )

    def _count(self, type: Record | Array) -> int | None:
        if isinstance(type, Array):
            return type.length
        members = self._types.record(type).members
        return min(len(members), 1) if type.kind == "union" else len(members)

    def _element(self, type: Record | Array, index: int) -> CType:
        if isinstance(type, Array):
            return type.element
        return self._types.record(type).members[index].type

    def _indices(
        self,
        type: Record | Array,
        designator: str | Expr | Range,
        where: Position,
    ) -> list[tuple[int, int]]:
        """The first and last index that a designator names, behind those of the
        anonymous records that it goes through."""
        if isinstance(designator, str):
            if not isinstance(type, Record):
                raise error("VG401", f"'.{designator}' in '{type_words(type)}'", where)
            path = self._path(type, designator)
            if path is None:
                raise self._types.no_member(type, designator, where)
            return [(index, index) for index in path]
        if not isinstance(type, Array):
            raise error("VG401", f"'[...]' in '{type_words(type)}'", where)
        ends = (
            (designator.low, designator.high)
            if isinstance(designator, Range)
            else (designator, designator)
        )
        low, high = (self._types.constant(end, self._scope) for end in ends)
        if not 0 <= low <= high or (type.length is not None and high >= type.length):
            what = f"[{low}]" if low == high else f"[{low} ... {high}]"
            raise error("VG401", f"{what} is not in '{type_words(type)}'", where)
        return [(low, high)]

    def _path(self, record: Record, name: str) -> tuple[int, ...] | None:
        for index, member in enumerate(self._types.record(record).members):
            if member.name == name:
                return (index,)
            if (
                not member.name
                and isinstance(member.resolved, Record)
                and (inner := self._path(member.resolved, name)) is not None
            ):
                return (index, *inner)
        return None


def _too_many(type: CType, position: Position) -> VmgenError:
    what = f"more values than '{type_words(type)}' has room for"
    return error("VG401", what, position)


def _is_text(type: CType) -> bool:
    """An array of a character type, which a string literal sets as a whole."""
    return (
        isinstance(type, Array)
        and isinstance(type.element, Integer)
        and type.element.name in ("char", "signed char", "unsigned char")
    )
