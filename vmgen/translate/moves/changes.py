"""Which names and members a piece of C changes."""

from __future__ import annotations

from vmgen.cfront import syntax
from vmgen.cfront.walk import Node, walk


def changed(*nodes: Node | None) -> frozenset[str]:
    """The names that are assigned to, stepped, or whose address is taken."""
    names: set[str] = set()
    for part in walk(*nodes):
        match part:
            case syntax.Assign(_, syntax.Name(name)):
                names.add(name)
            case syntax.UnaryOperation(
                "++" | "--" | "p++" | "p--" | "&", syntax.Name(name)
            ):
                names.add(name)
            case _:
                pass
    return frozenset(names)


def changed_members(*nodes: Node | None) -> frozenset[str]:
    """The last names of the members that are assigned to, or whose address is taken."""
    names: set[str] = set()
    for part in walk(*nodes):
        match part:
            case syntax.Assign(_, target) | syntax.UnaryOperation(
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


def names_in(*nodes: Node | None) -> frozenset[str]:
    """The names of variables and members that are mentioned."""
    return frozenset(
        part.name
        for part in walk(*nodes)
        if isinstance(part, syntax.Name | syntax.Member)
    )
