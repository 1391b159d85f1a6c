"""Which names and members a piece of C changes."""

from __future__ import annotations

from vmgen.cfront import syntax
from vmgen.cfront.walk import Node, walk

_ALLOCATORS = ("g_malloc", "g_new", "g_try_malloc", "malloc", "calloc", "qemu_memalign")


def changed(*nodes: Node | None) -> frozenset[str]:
    """The names that are assigned to, stepped, or whose address C takes."""
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
    """The last names of the members that are assigned to, or whose address C takes; those
    of an object that this C itself allocates are no member of anybody else's."""
    names: set[str] = set()
    own = _allocated(*nodes)
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
                match target:
                    case syntax.Member(syntax.Name(name)) if name in own:
                        pass
                    case syntax.Member():
                        names.add(target.name)
            case _:
                pass
    return frozenset(names)


def _allocated(*nodes: Node | None) -> frozenset[str]:
    """The pointers that are declared with what an allocator gives and never changed."""
    return frozenset(
        part.name
        for part in walk(*nodes)
        if isinstance(part, syntax.LocalDecl) and _allocates(part.initializer)
    ) - changed(*nodes)


def _allocates(value: object) -> bool:
    while isinstance(value, syntax.Cast):
        value = value.operand
    match value:
        case syntax.Call(syntax.Name(name)):
            return name.startswith(_ALLOCATORS)
        case syntax.StatementExpr(syntax.Block((*_, syntax.ExprStatement(last)))):
            return _allocates(last)
        case _:
            return False


def names_in(*nodes: Node | None) -> frozenset[str]:
    """The names of variables and members that are mentioned."""
    return frozenset(
        part.name
        for part in walk(*nodes)
        if isinstance(part, syntax.Name | syntax.Member)
    )
