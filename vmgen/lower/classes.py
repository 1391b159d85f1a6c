"""State classes: their members, zeros, types, and what these are in C."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import assert_never

from vmgen import ir, plan, wording
from vmgen.lower.codec import default
from vmgen.lower.names import SPECIFIERS, attribute
from vmgen.lower.namespace import Namespace
from vmgen.lower.program import CodecLayouts
from vmgen.lower.shape import (
    CODES,
    Check,
    CodecLayout,
    Foreign,
    Ints,
    Key,
    Leaf,
    Listed,
    Opaque,
    Pad,
    RecordMember,
    StateRecord,
    Struct,
    Tree,
)
from vmgen.plan import code

_EMPTY = code.PyList(())
_WIRE_TYPES = {code: name for name, code in CODES.items()}


@dataclass(frozen=True, slots=True)
class _Types:
    """How a class body spells builtin types: in full where a member is called so."""

    members: frozenset[str]

    def __call__(self, name: str) -> code.Expr:
        """A builtin type."""
        if name in self.members:
            return code.PyAttr(code.PyGlobal("std:builtins", "", "builtins"), name)
        return code.PyName(name)

    def anything(self) -> code.Expr:
        """``Any``."""
        return code.PyGlobal("std:typing", "Any", "Any")

    def list_of(self, *items: code.Expr) -> code.Expr:
        """``list[...]``."""
        return self.generic("list", *items)

    def generic(self, name: str, *items: code.Expr) -> code.Expr:
        """A generic type with its arguments."""
        inner = items[0] if len(items) == 1 else code.PyIndices(items)
        return code.PyIndex(self(name), inner)


class Classes:
    """Writes the state classes of one module."""

    def __init__(self, space: Namespace) -> None:
        self._space = space
        self._layouts = space.layouts

    def of(self, layout: CodecLayout) -> list[plan.Class]:
        """The classes of a layout's records, each after those inside it."""
        made: list[plan.Class] = []
        self._class(layout, layout.root, made)
        return made

    def _class(
        self, layout: CodecLayout, record: StateRecord, made: list[plan.Class]
    ) -> None:
        subsections = layout.subsections if record is layout.root else []
        names = [member.attr for member in record.members]
        types = _Types(frozenset(names + [attr for attr, _ in subsections]))
        members = []
        for member in record.members:
            if member.record is not None:
                self._class(layout, member.record, made)
            members.append(self._member(layout, record, member, types))
        members += [self._subsection(attr, sub) for attr, sub in subsections]
        if record is layout.root and layout.version_attr:
            make = code.PyLambda((), code.PyConst(layout.version))
            declared = _declared("field", "version", 0, make)
            members.append(
                plan.StateMember(layout.version_attr, types("int"), declared)
            )
        doc = tuple(_class_doc(layout, record))
        integer = types("int") if record is layout.root else code.PyName("int")
        made.append(plan.Class(record.cls, record.path, doc, tuple(members), integer))

    def _subsection(self, attr: str, key: Key) -> plan.StateMember:
        inner = self._layouts.all[key]
        assert inner.description is not None
        more: dict[str, int | str] = {"path": inner.name}
        if inner.description.needed:
            more["test"] = inner.description.needed
        place = inner.description.position
        if place.line and place.file != self._space.source.file:
            more["file"] = place.file
        declared = _declared("field", "subsection", place.line, code.NONE, **more)
        return plan.StateMember(attr, _optional(self._space.cls(key)), declared)

    def _member(
        self,
        layout: CodecLayout,
        record: StateRecord,
        member: RecordMember,
        types: _Types,
    ) -> plan.StateMember:
        zero = default(member, self._space)
        annotation = self._annotation(member, types)
        if member.optional and not _covers(self._layouts, layout, member):
            annotation = _optional(annotation)
            if not any(
                self._layouts.exists(layout, leaf, (layout.version,))
                for leaf in member.leaves
            ):
                zero = code.NONE
        more = dict(_more(layout, record, member))
        places = sorted(leaf.field.position for leaf in member.leaves)
        line = places[0].line if places else 0
        if line and places[0].file != self._space.source.file:
            more["file"] = places[0].file
        of = self._type(member)
        if _is_numbers(member) and not member.listed and zero != code.NONE:
            length = member.length()
            if more.get("count") == length:
                del more["count"]
            declared = _declared("numbers", of, line, code.PyConst(length), **more)
        else:
            declared = _declared("field", of, line, _making(zero, layout), **more)
        return plan.StateMember(member.attr, annotation, declared)

    def _type(self, member: RecordMember) -> str:
        """The type of one element on the wire."""
        if member.record is not None:
            return member.record.type or "struct"
        kind = member.leaves[0].kind
        match kind:
            case Ints():
                return _WIRE_TYPES[kind.code]
            case Struct():
                return self._layouts.all[kind.key].type or "struct"
            case Opaque() | Foreign():
                return kind.info
            case Listed():
                return f"list of {self._layouts.all[kind.key].type or 'struct'}"
            case Tree():
                return f"tree of {self._layouts.all[kind.second].type or 'struct'}"
            case Pad():
                return "unused"
            case Check():
                return "check"
            case _:
                assert_never(kind)
        assert_never(kind)

    def _annotation(self, member: RecordMember, types: _Types) -> code.Expr:
        if member.record is not None:
            made: code.Expr = code.PyName(member.record.cls)
        else:
            made = self._value_type(member, types)
        for _ in range(member.levels):
            made = types.list_of(made)
        return made

    def _value_type(self, member: RecordMember, types: _Types) -> code.Expr:
        leaf = member.leaves[0]
        kind = leaf.kind
        if isinstance(kind, Pad):
            return types("int")
        if isinstance(kind, Ints):
            one = types("bool" if kind.code == "?" else "int")
            many = types.list_of(one)
            if member.listed:
                pass
            elif kind.code == "B":
                many = types("bytearray")
            elif kind.code != "?":
                many = code.runtime("Array")
        elif isinstance(kind, Struct):
            one = self._space.cls(kind.key)
            many = types.list_of(one)
        elif isinstance(kind, Opaque):
            one = types("bytearray")
            many = types.list_of(one)
        elif isinstance(kind, Foreign):
            one = types.anything()
            many = types.list_of(one)
        elif isinstance(kind, Listed):
            one = many = types.list_of(self._space.cls(kind.key))
        else:
            assert isinstance(kind, Tree)
            first = types("int") if kind.first is None else self._space.cls(kind.first)
            pair = types.generic("tuple", first, self._space.cls(kind.second))
            one = many = types.list_of(pair)
        if leaf.shape == "one":
            return one
        if leaf.shape == "pointers":
            return types.list_of(_optional(one))
        if leaf.shape == "item" and isinstance(kind, Ints):
            return many
        return types.list_of(many) if leaf.shape == "rows" else many


def _optional(type_: code.Expr) -> code.Expr:
    return code.PyBinary("|", type_, code.NONE)


def _making(zero: code.Expr, layout: CodecLayout) -> code.Expr | None:
    """What makes a zero for every object, None for a plain number.

    A class body sees its own members first, so that only a name which none of them has
    can are there without a function around it.
    """
    if zero == code.NONE:
        return zero
    if zero == code.FALSE or zero == code.PyConst(0):
        return None
    members = {
        attribute(step.name) for leaf in layout.leaves for step in leaf.field.path
    }
    if zero == _EMPTY and "list" not in members:
        return code.PyName("list")
    if (
        isinstance(zero, code.PyCall)
        and not zero.arguments
        and isinstance(zero.function, code.PyName)
        and zero.function.id not in members
    ):
        return zero.function
    return code.PyLambda((), zero)


def _declared(
    how: str, type_: str, line: int, make: code.Expr | None, **more: int | str
) -> code.PyCall:
    """The call of the runtime that declares a member."""
    arguments = (
        code.PyConst(type_),
        code.PyConst(line),
        *(() if make is None else (make,)),
    )
    return code.PyCall(
        code.PyGlobal("_runtime", how, SPECIFIERS[how]),
        arguments,
        tuple((name, code.PyConst(value)) for name, value in more.items()),
    )


def _covers(layouts: CodecLayouts, layout: CodecLayout, member: RecordMember) -> bool:
    """Whether alternatives by version leave no version without the member."""
    return all(
        any(layouts.exists(layout, leaf, (version,)) for leaf in member.at(first))
        for first in member.leaves
        for version in range(layout.minimum, layout.version + 1)
    )


def _is_numbers(member: RecordMember) -> bool:
    """Whether it is one array of integers of a fixed length."""
    if member.record is not None or member.levels:
        return False
    first = member.leaves[0]
    return (
        isinstance(first.kind, Ints)
        and first.kind.code != "?"
        and first.shape in ("item", "items", "array")
        and not (first.amount or first.size)
    )


def _more(
    layout: CodecLayout, record: StateRecord, member: RecordMember
) -> Iterator[tuple[str, int | str]]:
    """What the members of the class do not have in common."""
    expected = f"{record.path}.{member.attr}" if record.path else member.attr
    if member.record is not None:
        if member.record.path != expected:
            yield "path", member.record.path
        if member.levels:
            yield "count", _volume(member)
        return
    first = member.leaves[0]
    path = _unnumbered(first)
    if path != expected:
        yield "path", path
    if (amount := first.amount or first.size) is not None:
        yield "count", wording.count(amount)
    else:
        count = _volume(member) if member.levels else 1
        if first.shape in ("item", "items", "array", "pointers"):
            count *= member.length()
        elif first.shape == "rows":
            count *= member.length() * first.width
        if count != 1 or first.shape != "one":
            yield "count", count
    if first.field.test:
        yield "test", first.field.test
    elif first.field.version_id > layout.minimum:
        yield "since", first.field.version_id


def _unnumbered(leaf: Leaf) -> str:
    """A field's C path without the indices of structs in arrays."""
    if not leaf.field.path:
        return leaf.path
    *above, last = leaf.field.path
    steps = [replace(step, index=()) for step in above]
    return ir.path_text((*steps, replace(last, index=leaf.levels)))


def _class_doc(layout: CodecLayout, record: StateRecord) -> Iterator[str]:
    """What the class cannot say of itself: the runtime knows the section's name and the
    C path."""
    holes = [one.attr for one in record.members if _has_holes(one)]
    if record is layout.root and layout.description is None:
        yield f"What the info ``{layout.name}`` puts on the wire."
    elif holes:
        yield (
            f"``{record.path}`` of the section's object."
            if record.path
            else f"{record.type or 'The object'} as ``{layout.name}`` has it."
        )
    if holes:
        yield ""
        yield (
            f"Not all elements of {', '.join(f'``{name}``' for name in holes)} are on the wire:"
            " the others are zero after load and ignored on save."
        )


def _has_holes(member: RecordMember) -> bool:
    """Whether elements of its array are not on the wire."""
    if any(isinstance(leaf.kind, Check) for leaf in member.leaves):
        return False
    if member.levels and len(set(member.indices)) < _volume(member):
        return True
    ranges: list[tuple[int, int]] = []
    for leaf in member.leaves:
        if leaf.shape == "items":
            ranges += [(one, one + 1) for one in leaf.indices]
        elif leaf.shape in ("item", "array", "rows", "pointers") and not leaf.levels:
            # How many elements there are, a count that is known at run time says.
            ranges.append((leaf.start, leaf.start + (0 if leaf.amount else leaf.count)))
    end = 0
    for start, stop in sorted(ranges):
        if start > end:
            return True
        end = max(end, stop)
    return any(
        leaf.start + leaf.count > end for leaf in member.leaves if leaf.shape == "items"
    )


def _volume(member: RecordMember) -> int:
    total = 1
    for one in member.extents():
        total *= one
    return total
