"""State classes: their members, zeros, types and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from vmgen import ir, plan
from vmgen.infos import formats
from vmgen.lower.codec import default
from vmgen.lower.names import FACTORY, attribute, plain
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

_IMMUTABLE = re.compile(r"0|False|None")
_BUILTINS = re.compile(r"\b(int|bool|bytearray|list|tuple)\b")


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
        members = []
        for member in record.members:
            if member.record is not None:
                self._class(layout, member.record, made)
            members.append(self._member(layout, record, member))
        if record is layout.root:
            for attr, sub in layout.subsections:
                inner = self._layouts.all[sub]
                members.append(
                    plan.Member(
                        attr,
                        f"{self._space.cls(sub)} | None",
                        "None",
                        f"subsection {inner.name}",
                    )
                )
            if layout.version_attr:
                members.append(
                    plan.Member(
                        layout.version_attr,
                        "int",
                        str(layout.version),
                        "as a subsection",
                    )
                )
        members = [_commented(one) for one in _qualified(members)]
        made.append(
            plan.Class(
                record.cls,
                tuple(plain(line) for line in _class_doc(layout, record)),
                tuple(members),
            )
        )

    def _member(self, layout: Layout, record: Record, member: Member) -> plan.Member:
        text = default(member, self._space)
        annotation = self._annotation(member)
        lines = sorted({leaf.field.position.line for leaf in member.leaves})
        comment = ""
        if member.leaves:
            comment = _whole_extent(member)
            if lines and lines[0]:
                comment += f", line {lines[0]}"
        optional = member.optional and not _covers(self._layouts, layout, member)
        if optional:
            annotation = f"{annotation} | None"
            if not any(
                self._layouts.exists(layout, leaf, (layout.version,))
                for leaf in member.leaves
            ):
                text = "None"
        if text != "None" and not _IMMUTABLE.fullmatch(text):
            names = {
                attribute(step.name)
                for leaf in layout.leaves
                for step in leaf.field.path
            }
            own = (
                re.fullmatch(r"\w+\(\)", text)
                and text[:-2] not in self._space.foreign.values()
                and text[:-2] not in names
            )
            made = text[:-2] if own else f"lambda: {text}"
            made = "list" if text == "[]" and "list" not in names else made
            text = f"{FACTORY}({made})"
        del record
        return plan.Member(member.attr, annotation, text, plain(comment))

    def _annotation(self, member: Member) -> str:
        if member.record is not None:
            text = member.record.cls
        else:
            text = self._value_type(member.leaves[0])
            if member.single:
                text = "list[bool]" if text == "list[bool]" else "list[int]"
        return "list[" * member.levels + text + "]" * member.levels

    def _value_type(self, leaf: Leaf) -> str:
        kind = leaf.kind
        if isinstance(kind, Pad):
            return "int"
        if isinstance(kind, Ints):
            one = "bool" if kind.code == "?" else "int"
            many = {"?": "list[bool]", "B": "bytearray"}.get(kind.code, "array[int]")
        elif isinstance(kind, Struct):
            one = self._space.cls(kind.key)
            many = f"list[{one}]"
        elif isinstance(kind, Format):
            one = formats.FORMATS[kind.name].type
            many = f"list[{one}]"
        elif isinstance(kind, Opaque):
            one, many = "bytearray", "list[bytearray]"
        elif isinstance(kind, Listed):
            one = many = f"list[{self._space.cls(kind.key)}]"
        else:
            assert isinstance(kind, Tree)
            first = "int" if kind.first is None else self._space.cls(kind.first)
            one = many = f"list[tuple[{first}, {self._space.cls(kind.second)}]]"
        if leaf.shape == "one":
            return one
        if leaf.shape == "pointers":
            return f"list[{one} | None]"
        return f"list[{many}]" if leaf.shape == "rows" else many


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


def _commented(member: plan.Member) -> plan.Member:
    """With the comment above the member where it does not fit beside it."""
    size = len(
        f"    {member.name}: {member.annotation} = {member.default}  # {member.comment}"
    )
    return replace(member, above=size > 88)


def _volume(member: Member) -> int:
    total = 1
    for one in member.extents():
        total *= one
    return total


def _qualified(members: list[plan.Member]) -> list[plan.Member]:
    """Where a member is called like a type, the types are written in full."""
    clashes = {"int", "bool", "bytearray", "list", "tuple", "array"} & {
        one.name for one in members
    }
    if not clashes:
        return members
    return [
        plan.Member(
            one.name,
            _BUILTINS.sub(r"builtins.\1", one.annotation).replace(
                "array[", "_array.array["
            ),
            one.default,
            one.comment,
        )
        for one in members
    ]
