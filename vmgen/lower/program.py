"""The layouts of a whole program, and questions about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from vmgen import ir
from vmgen.lower import expressions
from vmgen.lower.layout import exists as exists_in
from vmgen.lower.shape import (
    SIZES,
    Check,
    CodecLayout,
    Ints,
    Key,
    Leaf,
    Listed,
    Pad,
    StateRecord,
    Struct,
    Tree,
)
from vmgen.plan import code

STATE = code.PyName("self")
"""The object that a loader or a saver is of."""

_DEEPEST = 8
"""So many levels of owners, or of subsections below them, are looked through for a member:
QEMU has three, and descriptions may name each other in a circle."""


@dataclass(frozen=True, slots=True)
class MemberValue:
    """A member's value in Python; ``condition`` says when it is there (None: always),
    ``type`` its ``struct`` code, ``pointee`` if the C member is a pointer to it."""

    value: code.Expr
    condition: code.Expr | None
    type: str
    pointee: bool = False


def readable(found: list[MemberValue], type_: ir.IntType) -> list[MemberValue]:
    """Without those that C reads as the pointer itself (``uint64``), not what it points to."""
    return [one for one in found if not (one.pointee and type_ == "uint64")]


def named(leaf: Leaf) -> Iterator[Key]:
    """The layouts that a field's elements have."""
    kind = leaf.kind
    if isinstance(kind, (Struct, Listed)):
        yield kind.key
    elif isinstance(kind, Tree):
        if kind.first is not None:
            yield kind.first
        yield kind.second


@dataclass(frozen=True, eq=False)
class CodecLayouts:
    """Every layout of a program by key, and how the descriptions hang together.

    ``parents`` are the descriptions of which one is a subsection, ``holders`` those that
    have it as a temporary, ``words`` the layouts of infos of several words that one needs.
    ``repeated`` are flat, and an array has them.
    """

    program: ir.Program
    all: Mapping[Key, CodecLayout]
    parents: Mapping[Key, Sequence[Key]]
    holders: Mapping[Key, Sequence[Key]]
    functions: Mapping[str, Mapping[str, ir.Function]]
    words: Mapping[Key, Sequence[Key]]
    repeated: frozenset[Key] = frozenset()
    _flat: dict[tuple[Key, int], bool] = field(default_factory=dict, init=False)
    _within: dict[Key, frozenset[tuple[str, ...]]] = field(
        default_factory=dict, init=False
    )

    def wants_owner(self, key: Key) -> bool:
        """Whether a codec inside asks the states that own the object."""
        layout = self.all[key]
        return self._answered(layout) or any(
            isinstance(leaf.kind, Struct) and self._answered(self.all[leaf.kind.key])
            for leaf in layout.leaves
        )

    def _answered(self, layout: CodecLayout) -> bool:
        return layout.description is not None and bool(layout.description.answers)

    def decided_outside(self, key: Key) -> Iterator[str]:
        """The attributes of a layout that are there by what no state says: in all objects
        of one array, or in none."""
        layout = self.all[key]
        functions = self.functions.get(key[0], {})
        for leaf in layout.leaves:
            test = functions.get(leaf.field.test)
            if leaf.member is None or test is None or test.body is None:
                continue
            asked = [one for one in ir.walk(test.body) if isinstance(one, ir.Load)]
            if asked and not any(self.has(layout, one.path) for one in asked):
                yield leaf.member.attr

    # --- fixed layouts ----------------------------------------------------------------

    def exists(
        self, layout: CodecLayout, leaf: Leaf, versions: Sequence[int]
    ) -> bool | None:
        """Whether a field is there in all of the versions, in none, or it depends."""
        functions = self.functions.get(layout.key[0], {})
        if len(versions) == 1:
            return exists_in(leaf.field, functions, versions[0])
        found = {exists_in(leaf.field, functions, version) for version in versions}
        return found.pop() if len(found) == 1 else None

    def flat(self, key: Key, version: int) -> bool:
        """Whether every object of the layout has the same bytes: no subsections, no
        conditions, no counts, nothing to check."""
        memo = (key, version)
        if memo not in self._flat:
            self._flat[memo] = False  # for a description that reaches itself
            layout = self.all[key]
            self._flat[memo] = (
                not layout.subsections
                and version == layout.version
                and all(self.fixed_or_absent(layout, leaf) for leaf in layout.leaves)
            )
        return self._flat[memo]

    def fixed_or_absent(self, layout: CodecLayout, leaf: Leaf) -> bool:
        """Whether a leaf of a flat layout is always there with the same size, or never."""
        there = self.exists(layout, leaf, (layout.version,))
        if there is False:
            return True
        if isinstance(leaf.kind, Check) or (
            isinstance(leaf.kind, Ints) and leaf.kind.check
        ):
            return False
        return there is True and self.fixed(leaf)

    def fixed(self, leaf: Leaf) -> bool:
        """Whether a field, where it is there, has the same size in every object."""
        if leaf.amount is not None or leaf.size is not None or leaf.shape == "pointers":
            return False
        kind = leaf.kind
        if isinstance(kind, Struct):
            return kind.version == kind.saved and self.flat(kind.key, kind.version)
        if isinstance(kind, Pad):
            return leaf.member is None
        return isinstance(kind, Ints)

    def size(self, leaf: Leaf) -> int:
        """Bytes of a fixed field."""
        if isinstance(leaf.kind, Pad):
            return leaf.count * leaf.width
        # Of elements that the table names one by one, some may be missing in between.
        count = len(leaf.indices) or leaf.count
        units = count * (leaf.width if leaf.shape == "rows" else 1)
        if isinstance(leaf.kind, Ints):
            return units * SIZES[leaf.kind.code]
        assert isinstance(leaf.kind, Struct)
        return units * self.flat_size(leaf.kind.key)

    def flat_size(self, key: Key) -> int:
        """Bytes of an object of a flat layout."""
        layout = self.all[key]
        return sum(
            self.size(leaf)
            for leaf in layout.leaves
            if self.exists(layout, leaf, (layout.version,))
        )

    def least(self, key: Key, version: int, depth: int = 0) -> int:
        """Fewest bytes of an object, or a lower bound of them."""
        layout = self.all[key]
        if depth > _DEEPEST:
            return 0
        total = 0
        for leaf in layout.leaves:
            if not self.exists(layout, leaf, (version,)):
                continue
            if self.fixed(leaf):
                total += self.size(leaf)
            elif isinstance(leaf.kind, Listed):
                total += 1
            elif isinstance(leaf.kind, Tree):
                total += 5
            elif (
                isinstance(leaf.kind, Struct)
                and not leaf.amount
                and leaf.shape != "pointers"
            ):
                count = leaf.count * (leaf.width if leaf.shape == "rows" else 1)
                total += count * self.least(leaf.kind.key, leaf.kind.version, depth + 1)
        return total

    # --- members by C path --------------------------------------------------------------

    def has(
        self,
        layout: CodecLayout,
        path: str,
        before: int | None = None,
        *,
        owners: bool = True,
    ) -> bool:
        """Whether :meth:`find` finds a member, of whatever element of an array."""
        elements = [code.PyConst(0)] * path.count("$")
        return bool(self.find(layout, STATE, path, elements, before, owners=owners))

    def find(
        self,
        layout: CodecLayout,
        root: code.Expr,
        path: str,
        subscripts: Sequence[code.Expr],
        before: int | None,
        condition: tuple[str, int] | None = None,
        owners: bool = True,
    ) -> list[MemberValue]:
        """Where the state has a C member, best first; the last one may still be absent.

        ``before`` is the number of the field that is being loaded: what comes after it
        does not count.  ``condition`` is that field's own.  ``owners`` says that the
        states that own this one are available.
        """
        steps = expressions.split_path(path)
        found = self._own(layout, root, steps, subscripts, before, condition)
        if owners:
            found += self._owners(layout, steps, subscripts)
        for at, one in enumerate(found):
            if one.condition is None:
                return found[: at + 1]
        return found

    def _owners(
        self,
        layout: CodecLayout,
        steps: list[tuple[str, list[str]]],
        subscripts: Sequence[code.Expr],
    ) -> list[MemberValue]:
        """The same object in the states that own this one, and in their subsections."""
        found: list[MemberValue] = []
        key, depth = layout.key, 0
        if steps and steps[0][0] == "parent" and len(self.holders.get(key, ())) == 1:
            holder = self.all[self.holders[key][0]]
            return self._own(holder, _owner(0), steps[1:], subscripts, None, None)
        while len(parents := self.parents.get(key, [])) == 1 and depth < _DEEPEST:
            parent = self.all[parents[0]]
            owner = _owner(depth)
            found += self._own(parent, owner, steps, subscripts, None, None)
            found += self._below(parent, owner, (), key, steps, subscripts)
            key, depth = parent.key, depth + 1
        return found

    def sections(
        self,
        layout: CodecLayout,
        root: code.Expr,
        path: str,
        subscripts: Sequence[code.Expr],
    ) -> list[MemberValue]:
        """A member in the subsections of a complete state."""
        steps = expressions.split_path(path)
        return self._below(layout, root, (), None, steps, subscripts)

    def _below(
        self,
        layout: CodecLayout,
        root: code.Expr,
        guard: tuple[code.Expr, ...],
        skip: Key | None,
        steps: list[tuple[str, list[str]]],
        subscripts: Sequence[code.Expr],
    ) -> list[MemberValue]:
        """A member in the subsections of a state, and in theirs; each may be absent."""
        found: list[MemberValue] = []
        names = [name for name, _ in steps]
        ways = [tuple(names[:end]) for end in range(1, len(names) + 1)]
        for attr, sub in layout.subsections:
            if sub == skip or len(guard) >= _DEEPEST:
                continue
            inner = self.all[sub]
            if self._paths_within(sub).isdisjoint(ways):
                continue
            here = code.PyAttr(root, attr)
            there = (*guard, code.there(here))
            for one in self._own(inner, here, steps, subscripts, None, None):
                when = there if one.condition is None else (*there, one.condition)
                found.append(
                    MemberValue(one.value, code.both(when), one.type, one.pointee)
                )
            found += self._below(inner, here, there, skip, steps, subscripts)
        return found

    def _paths_within(self, key: Key) -> frozenset[tuple[str, ...]]:
        """The C paths, without indices, of the members of a state, of its subsections, and
        of theirs, those that are records left out."""
        if key not in self._within:
            paths: set[tuple[str, ...]] = set()
            known = {key}
            waiting = [key]
            while waiting:
                layout = self.all[waiting.pop()]
                paths.update(_paths(layout.root))
                below = [sub for _, sub in layout.subsections if sub not in known]
                known |= {*below}
                waiting += below
            self._within[key] = frozenset(paths)
        return self._within[key]

    def _own(
        self,
        layout: CodecLayout,
        root: code.Expr,
        steps: list[tuple[str, list[str]]],
        subscripts: Sequence[code.Expr],
        before: int | None,
        condition: tuple[str, int] | None,
    ) -> list[MemberValue]:
        found: list[MemberValue] = []
        self._walk(
            layout, layout.root, (), root, steps, subscripts, before, condition, found
        )
        return found

    def _walk(
        self,
        layout: CodecLayout,
        record: StateRecord,
        place: tuple[tuple[int, ...], ...],
        expr: code.Expr,
        steps: list[tuple[str, list[str]]],
        subscripts: Sequence[code.Expr],
        before: int | None,
        condition: tuple[str, int] | None,
        found: list[MemberValue],
    ) -> None:
        if not steps:
            return
        (name, indices), rest = steps[0], steps[1:]
        for member in record.named(name):
            here = code.PyAttr(expr, member.attr)
            if member.record is not None:
                if len(indices) != member.levels or any(
                    not one.isdigit() for one in indices
                ):
                    continue
                at = tuple(int(one) for one in indices)
                if at and at not in member.indices:
                    continue
                self._walk(
                    layout,
                    member.record,
                    (*place, at),
                    code.at(here, *at),
                    rest,
                    subscripts,
                    before,
                    condition,
                    found,
                )
                continue
            for leaf in member.leaves:
                if leaf.place != place or (
                    before is not None and leaf.number >= before
                ):
                    continue
                self._leaf(leaf, here, indices, rest, subscripts, condition, found)

    def _leaf(
        self,
        leaf: Leaf,
        here: code.Expr,
        indices: list[str],
        rest: list[tuple[str, list[str]]],
        subscripts: Sequence[code.Expr],
        condition: tuple[str, int] | None,
        found: list[MemberValue],
    ) -> None:
        levels = len(leaf.levels)
        if (
            [str(one) for one in leaf.levels] != indices[:levels]
            or leaf.amount
            or leaf.size
        ):
            return
        optional = leaf.conditional and leaf.condition != condition
        value = code.at(here, *leaf.levels)
        left = indices[levels:]
        if leaf.shape in ("item", "items", "array"):
            if len(left) != 1:
                return
            holes = len(set(leaf.indices)) < leaf.count if leaf.indices else False
            if left[0].isdigit():
                if leaf.indices and int(left[0]) not in leaf.indices:
                    return
                if not leaf.start <= int(left[0]) < leaf.start + leaf.count:
                    return
                if optional and leaf.shape == "items" and isinstance(leaf.kind, Ints):
                    # Of an array in several parts an older version has a shorter list.
                    number = code.PyConst(int(left[0]))
                    length = code.builtin("len", value)
                    long = code.PyCompare(">", length, number)
                    there = code.both([code.there(here), long])
                    element = code.PyIndex(value, number)
                    found.append(MemberValue(element, there, leaf.kind.code))
                    return
                value = code.at(value, int(left[0]))
            elif holes:
                return
            else:
                index = subscripts[int(left[0][1:])]
                stop = code.PyConst(leaf.start + leaf.count)
                inside = code.both(
                    [
                        code.PyCompare("<=", code.PyConst(leaf.start), index),
                        code.PyCompare("<", index, stop),
                    ]
                )
                if not optional and isinstance(leaf.kind, Ints):
                    element = code.PyIndex(value, index)
                    found.append(MemberValue(element, inside, leaf.kind.code))
                return
        elif leaf.shape == "rows" and isinstance(leaf.kind, Ints):
            if len(left) != 2:
                return
            for one in left:
                value = code.call(
                    "item",
                    value,
                    int(one) if one.isdigit() else subscripts[int(one[1:])],
                )
        elif left or leaf.shape != "one":
            return
        if isinstance(leaf.kind, Ints) and not rest:
            if leaf.conditional and not optional:
                value = code.call("known", value)
            when = code.there(here) if optional else None
            pointee = bool(leaf.field.path) and leaf.field.path[-1].pointer
            found.append(MemberValue(value, when, leaf.kind.code, pointee))
        elif isinstance(leaf.kind, Struct) and rest and not leaf.conditional:
            inner = self.all[leaf.kind.key]
            self._walk(
                inner, inner.root, (), value, rest, subscripts, None, None, found
            )

    def evaluable(self, layout: CodecLayout, expr: ir.Expr) -> bool:
        """Whether a complete state decides the expression."""
        missing = False

        def member(
            path: str, subscripts: Sequence[code.Expr], type_: ir.IntType
        ) -> code.Expr:
            nonlocal missing
            found = readable(self.find(layout, STATE, path, subscripts, None), type_)
            if not found or found[-1].condition is not None:
                missing = True
            return code.PyConst(0)

        def ask(name: str) -> code.Expr:
            nonlocal missing
            missing = True
            return code.PyConst(0)

        expressions.truth(expr, member, ask)
        return not missing


def _paths(
    record: StateRecord, above: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """The C paths, without indices, of what is in a record and is no record."""
    for member in record.members:
        path = (*above, member.name)
        if member.record is None:
            yield path
        else:
            yield from _paths(member.record, path)


def _owner(depth: int) -> code.Expr:
    """The state that owns a subsection, the one that owns that, and so on."""
    return code.at(code.PyName("owner"), depth)
