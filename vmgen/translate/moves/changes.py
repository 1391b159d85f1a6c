"""Which names and members a piece of C changes."""

from __future__ import annotations

from collections.abc import Iterator

from vmgen.cfront import syntax


def changed(node: object) -> frozenset[str]:
    """The names that are assigned to, stepped, or whose address is taken."""
    names: set[str] = set()
    for part in nodes(node):
        match part:
            case syntax.Assign(_, syntax.Name(name)):
                names.add(name)
            case syntax.Unary("++" | "--" | "p++" | "p--" | "&", syntax.Name(name)):
                names.add(name)
            case _:
                pass
    return frozenset(names)


def changed_members(node: object) -> frozenset[str]:
    """The last names of the members that are assigned to, or whose address is taken."""
    names: set[str] = set()
    for part in nodes(node):
        match part:
            case syntax.Assign(_, target) | syntax.Unary(
                "++" | "--" | "p++" | "p--" | "&", target
            ):
                while isinstance(target, syntax.Index | syntax.Cast):
                    target = (
                        target.array
                        if isinstance(target, syntax.Index)
                        else target.operand
                    )
                if isinstance(target, syntax.Member):
                    names.add(target.name)
            case _:
                pass
    return frozenset(names)


def names_in(node: object) -> frozenset[str]:
    """The names of variables and members that are mentioned."""
    return frozenset(
        part.name
        for part in nodes(node)
        if isinstance(part, syntax.Name | syntax.Member)
    )


def nodes(node: object) -> Iterator[object]:
    """A node and all below it."""
    pending = [node]
    while pending:
        part = pending.pop()
        if isinstance(part, tuple):
            pending += part
        elif hasattr(part, "__slots__"):
            yield part
            pending += [getattr(part, slot) for slot in part.__slots__]
