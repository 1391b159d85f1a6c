"""Every node of a piece of C, and expressions without their casts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, TypeVar, get_args, overload

from vmgen.cfront import syntax

Node: TypeAlias = (
    syntax.Expr
    | syntax.TypeExpr
    | syntax.Statement
    | syntax.Parameter
    | syntax.Range
    | syntax.InitItem
    | syntax.InitList
)
_NODES = get_args(Node)
Other = TypeVar("Other")


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


@overload
def uncast(value: syntax.Expr) -> syntax.Expr: ...
@overload
def uncast(value: Other | syntax.Expr) -> Other | syntax.Expr: ...
def uncast(value: Other | syntax.Expr) -> Other | syntax.Expr:
    """The value without the casts around it; anything but an expression is itself."""
    while isinstance(value, syntax.Cast):
        value = value.operand
    return value
