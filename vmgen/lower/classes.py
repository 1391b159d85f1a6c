"""State classes: their members, zeros, types and comments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vmgen import ir, plan
from vmgen.infos import formats
from vmgen.infos.model import WireFormat
from vmgen.lower.codec import default, format_type
from vmgen.lower.names import FACTORY, attribute
from vmgen.lower.namespace import Namespace
from vmgen.lower.program import Layouts
from vmgen.lower.shape import (
    Check,
    Format,
    Ints,
    Layout,
    Leaf,
    Listed,
    Member,
    Opaque,
    Pad,
    Record,
    Struct,
    Tree,
)
from vmgen.plan import code

_EMPTY = code.List(())


@dataclass(frozen=True, slots=True)
class _Types:
    """How a class body spells builtin types: in full where a member is called so."""

    members: frozenset[str]

    def __call__(self, name: str) -> code.Expr:
        """A builtin type, or ``array``."""
        if name == "array":
            if name in self.members:
                return code.Attr(code.Global("std:array", "", "_array"), name)
            return code.Global("std:array", name, name)
        if name in self.members:
            return code.Attr(code.Global("std:builtins", "", "builtins"), name)
        return code.Name(name)

    def list_of(self, *items: code.Expr) -> code.Expr:
        """``list[...]``."""
        return self.generic("list", *items)

    def generic(self, name: str, *items: code.Expr) -> code.Expr:
        """A generic type with its arguments."""
        inner = items[0] if len(items) == 1 else code.Arguments(items)
        return code.Index(self(name), inner)


class Classes:
    """Writes the state classes of one module."""

    def __init__(self, space: Namespace) -> None:
        self._space = space
        self._layouts = space.layouts

    def of(self, layout: Layout) -> list[plan.Class]:
        """The classes of a layout's records, each after those inside it."""
        made: list[plan.Class] = []
        self._class(layout, layout.root, made)
        return made

    def _class(self, layout: Layout, record: Record, made: list[plan.Class]) -> None:
        subsections = layout.subsections if record is layout.root else []
        names = [member.attr for member in record.members]
        types = _Types(frozenset(names + [attr for attr, _ in subsections]))
        members = []
        for member in record.members:
            if member.record is not None:
                self._class(layout, member.record, made)
            members.append(self._member(layout, member, types))
        for attr, sub in subsections:
            members.append(
                plan.Member(
                    attr,
                    _optional(self._space.cls(sub)),
                    code.NONE,
                    f"subsection {self._layouts.all[sub].name}",
                )
            )
        if record is layout.root and layout.version_attr:
            version = code.Const(layout.version)
            members.append(
                plan.Member(
                    layout.version_attr, types("int"), version, "as a subsection"
                )
            )
        doc = tuple(_class_doc(layout, record))
        made.append(plan.Class(record.cls, doc, tuple(members)))

    def _member(self, layout: Layout, member: Member, types: _Types) -> plan.Member:
        zero = default(member, self._space)
        annotation = self._annotation(member, types)
        lines = sorted({leaf.field.position.line for leaf in member.leaves})
        comment = ""
        if member.leaves:
            comment = _whole_extent(member)
            if lines and lines[0]:
                comment += f", line {lines[0]}"
        if member.optional and not _covers(self._layouts, layout, member):
            annotation = _optional(annotation)
            if not any(
                self._layouts.exists(layout, leaf, (layout.version,))
                for leaf in member.leaves
            ):
                zero = code.NONE
        if not isinstance(zero, code.Const) and zero != code.FALSE:
            zero = _made_anew(zero, layout)
        return plan.Member(member.attr, annotation, zero, comment)

    def _annotation(self, member: Member, types: _Types) -> code.Expr:
        if member.record is not None:
            made: code.Expr = code.Name(member.record.cls)
        else:
            made = self._value_type(member.leaves[0], types)
        for _ in range(member.levels):
            made = types.list_of(made)
        return made

    def _value_type(self, leaf: Leaf, types: _Types) -> code.Expr:
        kind = leaf.kind
        if isinstance(kind, Pad):
            return types("int")
        if isinstance(kind, Ints):
            one = types("bool" if kind.code == "?" else "int")
            many = types.list_of(one)
            if kind.code == "B":
                many = types("bytearray")
            elif kind.code != "?":
                many = types.generic("array", types("int"))
        elif isinstance(kind, Struct):
            one = self._space.cls(kind.key)
            many = types.list_of(one)
        elif isinstance(kind, Format):
            one = _format_type(formats.FORMATS[kind.name], types)
            many = types.list_of(one)
        elif isinstance(kind, Opaque):
            one = types("bytearray")
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
    return code.Binary("|", type_, code.NONE)


def _format_type(known: WireFormat, types: _Types) -> code.Expr:
    """The type of what a hand-written codec reads."""
    if known.type == "array":
        one = types.generic("array", types("int"))
    elif known.type in ("bytearray", "str"):
        one = types(known.type)
    else:
        one = format_type(known)
    if known.many:
        return types.list_of(one)
    return _optional(one) if known.optional else one


def _made_anew(zero: code.Expr, layout: Layout) -> code.Expr:
    """A default that every object has for itself.

    A class body sees its own members first, so that only a name which none of them has
    can stand there without a function around it.
    """
    members = {
        attribute(step.name) for leaf in layout.leaves for step in leaf.field.path
    }
    make: code.Expr = code.Lambda((), zero)
    if zero == _EMPTY and "list" not in members:
        make = code.Name("list")
    elif (
        isinstance(zero, code.Call)
        and not zero.arguments
        and isinstance(zero.function, code.Name)
        and zero.function.id not in members
    ):
        make = zero.function
    return code.Call(code.Global("_runtime", "factory", FACTORY), (make,))


def _covers(layouts: Layouts, layout: Layout, member: Member) -> bool:
    """Whether alternatives by version leave no version without the member."""
    return all(
        any(layouts.exists(layout, leaf, (version,)) for leaf in member.at(first))
        for first in member.leaves
        for version in range(layout.minimum, layout.version + 1)
    )


def _whole_extent(member: Member) -> str:
    """A member's C path with all of its elements that are on the wire."""
    first, *others = member.leaves
    if not others:
        return _extent(first)
    path = first.path
    for parent, index in first.parents:
        if index:
            numbers = "".join(f"[{one}]" for one in index)
            path = path.replace(f"{parent.name}{numbers}", f"{parent.name}[]", 1)
    elements = sorted({one for leaf in member.leaves for one in leaf.indices})
    return f"{path}[{', '.join(map(str, elements))}]" if elements else path


def _extent(leaf: Leaf) -> str:
    """A field's C path with the elements that are on the wire."""
    if leaf.shape == "item":
        return f"{leaf.path}[{leaf.start}]"
    if leaf.amount is not None:
        return f"{leaf.path}[{ir.path_text(leaf.amount.path)}]"
    if leaf.size is not None:
        return f"{leaf.path}[{ir.path_text(leaf.size.path)}]"
    if leaf.shape == "items":
        return f"{leaf.path}[{', '.join(str(one) for one in leaf.indices)}]"
    if leaf.shape in ("array", "rows", "pointers"):
        stop = leaf.start + leaf.count
        first = f"{leaf.start}..{stop - 1}" if leaf.start else f"{stop}"
        return f"{leaf.path}[{first}]" + (
            f"[{leaf.width}]" if leaf.shape == "rows" else ""
        )
    return leaf.path


def _class_doc(layout: Layout, record: Record) -> Iterator[str]:
    if record is layout.root:
        description = layout.description
        if description is None:
            yield f"What the info ``{layout.name}`` puts on the wire."
        else:
            yield f"{record.type or 'The object'} as ``{layout.name}`` has it."
    else:
        yield f"``{record.path}`` of {layout.root.type or 'the object'} in ``{layout.name}``."
    holes = []
    for member in record.members:
        if any(isinstance(leaf.kind, Check) for leaf in member.leaves):
            continue
        covered: set[int] = set()
        total = 0
        for leaf in member.leaves:
            if leaf.shape == "items":
                total = leaf.start + leaf.count
                covered |= set(leaf.indices)
            elif (
                leaf.shape in ("item", "array", "rows", "pointers") and not leaf.levels
            ):
                total = max(total, leaf.start + (0 if leaf.amount else leaf.count))
                if leaf.start or len(member.leaves) > 1 or leaf.shape == "item":
                    covered |= set(range(leaf.start, leaf.start + leaf.count))
                else:
                    covered |= set(range(total))
        partial = member.levels and len(set(member.indices)) < _volume(member)
        if len(covered) < total or partial:
            holes.append(member.attr)
    if holes:
        yield ""
        yield (
            f"Not all elements of {', '.join(f'``{name}``' for name in holes)} are on the wire:"
            " the others are zero after load and ignored on save."
        )


def _volume(member: Member) -> int:
    total = 1
    for one in member.extents():
        total *= one
    return total
