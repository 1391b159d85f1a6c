"""Every node of a piece of C, and expressions without their casts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, get_args, overload

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


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below a node, in the order of the source."""
    for slot in node.__slots__:
        value = getattr(node, slot)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, _NODES):
                yield item


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
def uncast(
    value: syntax.Expr | syntax.InitList | None,
) -> syntax.Expr | syntax.InitList | None: ...
def uncast(
    value: syntax.Expr | syntax.InitList | None,
) -> syntax.Expr | syntax.InitList | None:
    """The value without the casts around it."""
    while isinstance(value, syntax.Cast):
        value = value.operand
    return value
