"""What a codec asks of the objects around its own.

A struct inside of another is one object of C: what the table of the inner one asks of
it (``mig_version_id`` of ``ESPState``) may be on the wire as a field of the outer one
(``esp.mig_version_id`` of ``PCIESPState``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from vmgen import ir
from vmgen.lower.program import CodecLayouts
from vmgen.lower.shape import Key, Leaf, Struct

_DEEPEST = 8
"""QEMU nests three structs; descriptions may name each other in a circle."""

Asked: TypeAlias = tuple[str, str, str]
"""A C type, the path of a member in it, and the path from the object that was looked at."""


def asked(layouts: CodecLayouts, key: Key, prefix: str, depth: int = 0) -> set[Asked]:
    """The members that loading an object needs and that its own fields do not have.

    ``prefix`` is the path of the object, a dot behind it.
    """
    layout = layouts.all[key]
    found = {
        (layout.type, path, f"{prefix}{path}")
        for leaf in layout.leaves
        for path in _of_a_field(layouts, key, leaf)
        if not layouts.has(layout, path, leaf.number, owners=False)
    }
    for leaf in layout.leaves:
        if isinstance(leaf.kind, Struct) and is_one(leaf) and depth < _DEEPEST:
            inner = f"{prefix}{ir.path_text(leaf.field.path)}."
            found |= asked(layouts, leaf.kind.key, inner, depth + 1)
    return found


def is_one(leaf: Leaf) -> bool:
    """Whether a field is a single object that lies inside of its owner.

    A temporary does not: ``get_tmp`` (``migration/vmstate-types.c``) allocates it.
    """
    temporary = isinstance(leaf.kind, Struct) and leaf.kind.temporary
    alone = leaf.shape == "one" and not leaf.field.pointer and leaf.amount is None
    return alone and not temporary


def _of_a_field(layouts: CodecLayouts, key: Key, leaf: Leaf) -> Iterator[str]:
    """The members that decide whether a field is there, and how long it is."""
    test = layouts.functions.get(key[0], {}).get(leaf.field.test)
    if test is not None and test.body is not None:
        yield from _loaded(test.body)
    for amount in (leaf.amount, leaf.size):
        match amount:
            case ir.FromMember(path=path):
                yield ir.path_text(path)
            case ir.Computed(value=value):
                yield from _loaded(value)
            case None:
                pass


def _loaded(expr: ir.Expr) -> Iterator[str]:
    for one in ir.walk(expr):
        if isinstance(one, ir.Load) and not one.subscripts:
            yield one.path
