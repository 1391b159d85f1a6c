"""Zeros: the expression of each member before anything is loaded."""

from __future__ import annotations

from vmgen.infos import formats
from vmgen.lower.codec.refer import Refer
from vmgen.lower.shape import Format, Ints, Leaf, Member, Opaque, Pad, Struct


def default(member: Member, refer: Refer) -> str:
    """The expression of a member's zero."""
    if member.record is not None:
        cls = refer.record(member.record)
        if not member.levels:
            return f"{cls}()"
        text = f"repeated({cls}, {member.extents()[-1]})"
        lengths = member.extents()[:-1]
    else:
        text = leaf_default(member, refer)
        lengths = member.extents()
    for length in reversed(lengths):
        text = f"[{text} for _ in range({length})]"
    return text


def leaf_default(member: Member, refer: Refer) -> str:
    """The zero of a member below its list levels."""
    leaf = member.leaves[0]
    kind = leaf.kind
    length = (
        member.length()
        if leaf.shape in ("item", "items", "array")
        else leaf.start + leaf.count
    )
    if isinstance(kind, Pad):
        return "0"
    if leaf.shape == "pointers":
        return f"[None] * {0 if leaf.amount else length}"
    if isinstance(kind, Ints):
        if member.single:
            zero = "False" if kind.code == "?" else "0"
            return (
                f"[{', '.join([zero] * length)}]"
                if length <= 8
                else f"[{zero}] * {length}"
            )
        if leaf.shape == "one":
            return "False" if kind.code == "?" else "0"
        if leaf.shape == "rows":
            return (
                "[]"
                if leaf.amount or leaf.size
                else default_rows(leaf, refer, all_rows=True)
            )
        return _ints(kind.code, 0 if leaf.amount or leaf.size else length)
    if isinstance(kind, Struct):
        cls = refer.cls(kind.key)
        if leaf.shape == "one":
            return f"{cls}()"
        if leaf.shape == "rows":
            rows = leaf.start + leaf.count
            return f"[repeated({cls}, {leaf.width}) for _ in range({rows})]"
        return "[]" if leaf.amount else f"repeated({cls}, {length})"
    if isinstance(kind, Format):
        return formats.FORMATS[kind.name].default if leaf.shape == "one" else "[]"
    if isinstance(kind, Opaque):
        return "bytearray()" if leaf.shape == "one" else "[]"
    return "[]"


def _ints(code: str, length: int) -> str:
    if code == "B":
        return f"bytearray({length})" if length else "bytearray()"
    if code == "?":
        return f"[False] * {length}"
    return f'zeros("{code}", {length})'


def default_rows(leaf: Leaf, refer: Refer, *, all_rows: bool = False) -> str:
    """Zero rows: all of them, or those below the first on the wire."""
    count = leaf.start + leaf.count if all_rows else leaf.start
    if isinstance(leaf.kind, Struct):
        row = f"repeated({refer.cls(leaf.kind.key)}, {leaf.width})"
    else:
        assert isinstance(leaf.kind, Ints)
        row = _ints(leaf.kind.code, leaf.width)
    return f"[{row} for _ in range({count})]"


# --- fields without a fixed size -----------------------------------------------------------
