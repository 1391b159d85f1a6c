"""The visitor of C: every node of a piece of it, nodes changed, casts left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar, cast, get_args, overload

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
Other = TypeVar("Other")
Tree = TypeVar("Tree")


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below a node, in the order of the source."""
    for slot in node.__slots__:
        yield from _nodes_in(getattr(node, slot))


def _nodes_in(value: object) -> Iterator[Node]:
    if isinstance(value, tuple):
        for item in value:
            yield from _nodes_in(item)
    elif isinstance(value, _NODES):
        yield value


def walk(*nodes: Node | None) -> Iterator[Node]:
    """The nodes and all below them, in the order of the source, outermost first."""
    pending = [node for node in reversed(nodes) if node is not None]
    while pending:
        node = pending.pop()
        yield node
        pending += reversed([*children(node)])


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
