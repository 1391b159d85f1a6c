"""The visitor of C: every node of a piece of it, nodes changed, casts left out."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any, TypeAlias, TypeVar, cast, get_args, get_type_hints, overload

from vmgen.cfront import syntax

Node: TypeAlias = (
    syntax.Expr
    | syntax.TypeExpr
    | syntax.Statement
    | syntax.Parameter
    | syntax.Range
    | syntax.InitItem
    | syntax.InitList
    | syntax.ObjectDecl
    | syntax.FunctionDecl
)
_NODES = get_args(Node)
_CLASSES = frozenset(_NODES)
Other = TypeVar("Other")
Tree = TypeVar("Tree")


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below a node, in the order of the source."""
    return iter(_below(node))


def walk(*nodes: Node | None) -> Iterator[Node]:
    """The nodes and all below them, in the order of the source, outermost first."""
    pending = [node for node in reversed(nodes) if node is not None]
    while pending:
        node = pending.pop()
        yield node
        if below := _below(node):
            below.reverse()
            pending += below


def _below(node: Node) -> list[Node]:
    found: list[Node] = []
    for slot in _slots(cast(Hashable, type(node))):
        _take(getattr(node, slot), found)
    return found


def _take(value: object, found: list[Node]) -> None:
    if value.__class__ in _CLASSES:
        found.append(cast(Node, value))
    elif isinstance(value, tuple):
        for item in value:
            _take(item, found)


@cache
def _slots(of: Any) -> tuple[str, ...]:
    """The members of a class of nodes that may hold nodes, by their types: most of what
    a tree consists of is names, numbers and places."""
    types = get_type_hints(of)
    return tuple(one.name for one in fields(of) if _may_hold(types[one.name]))


def _may_hold(type_: object) -> bool:
    return type_ in _CLASSES or any(map(_may_hold, get_args(type_)))


def renamed(node: Tree, names: Mapping[str, str]) -> Tree:
    """The node with the identifiers of its expressions called as ``names`` says."""
    if isinstance(node, syntax.Name):
        return cast(Tree, replace(node, name=names.get(node.name, node.name)))
    if isinstance(node, tuple):
        return cast(Tree, tuple(renamed(item, names) for item in node))
    if not isinstance(node, _NODES):
        return node
    one = cast(Any, node)
    old = {slot: getattr(one, slot) for slot in one.__slots__}
    new = {slot: renamed(value, names) for slot, value in old.items()}
    changed = {slot: value for slot, value in new.items() if value is not old[slot]}
    return cast(Tree, replace(one, **changed)) if changed else node


@overload
def uncast(value: syntax.Expr) -> syntax.Expr: ...
@overload
def uncast(value: Other | syntax.Expr) -> Other | syntax.Expr: ...
def uncast(value: Other | syntax.Expr) -> Other | syntax.Expr:
    """The value without the casts around it; anything but an expression is itself."""
    while isinstance(value, syntax.Cast):
        value = value.operand
    return value
