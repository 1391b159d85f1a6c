"""Zeros: the expression of each member before anything is loaded."""

from __future__ import annotations

from vmgen import ir
from vmgen.ir.evaluate import Known, evaluate
from vmgen.lower.codec.refer import Refer
from vmgen.lower.shape import Foreign, Ints, Leaf, Opaque, Pad, RecordMember, Struct
from vmgen.plan import code

EMPTY = code.PyList(())


def default(member: RecordMember, refer: Refer) -> code.Expr:
    """The expression of a member's zero."""
    if member.record is not None:
        cls = refer.record(member.record)
        if not member.levels:
            return code.PyCall(cls)
        zero: code.Expr = code.call("repeated", cls, member.extents()[-1])
        lengths = member.extents()[:-1]
    else:
        zero = leaf_default(member, refer)
        lengths = member.extents()
    for length in reversed(lengths):
        zero = _many(zero, length)
    return zero


def leaf_default(member: RecordMember, refer: Refer) -> code.Expr:
    """The zero of a member below its list levels."""
    leaf = member.leaves[0]
    kind = leaf.kind
    length = (
        member.length()
        if leaf.shape in ("item", "items", "array")
        else leaf.start + leaf.count
    )
    if isinstance(kind, Pad):
        return code.PyConst(0)
    if leaf.shape == "pointers":
        return _copies(code.NONE, 0 if leaf.amount else length)
    if isinstance(kind, Ints):
        if leaf.shape == "one":
            return number(kind.code)
        if leaf.shape == "rows":
            if leaf.amount or leaf.size:
                return EMPTY
            return default_rows(leaf, refer, all_rows=True)
        if (amount := leaf.amount or leaf.size) is not None:
            length = initial(amount)
        if member.listed:
            return _copies(number(kind.code), length)
        return zeros(kind.code, length)
    if isinstance(kind, Struct):
        cls = refer.cls(kind.key)
        if leaf.shape == "one":
            return code.PyCall(cls)
        if leaf.shape == "rows":
            row = code.call("repeated", cls, leaf.width)
            return _many(row, leaf.start + leaf.count)
        if leaf.amount is not None:
            length = initial(leaf.amount)
        return code.call("repeated", cls, length) if length else EMPTY
    if isinstance(kind, Opaque):
        return code.builtin("bytearray") if leaf.shape == "one" else EMPTY
    if isinstance(kind, Foreign) and leaf.shape == "one":
        return code.NONE
    return EMPTY


def number(type_: str) -> code.Expr:
    """The zero of a ``struct`` code."""
    return code.FALSE if type_ == "?" else code.PyConst(0)


def initial(amount: ir.FromMember | ir.Computed) -> int:
    """How many elements there are in an object that is all zeros."""
    if isinstance(amount, ir.FromMember):
        return 0
    found = evaluate(amount.value, Known(0, lambda path, type_: 0, lambda name: 0))
    return found if found is not None and 0 <= found <= _MOST else 0


_MOST = 1 << 16
"""So many elements may be there from the start."""


def _many(row: code.Expr, count: int) -> code.Expr:
    """A list of values that are made one by one."""
    return code.PyEach(row, (("_", code.builtin("range", count)),))


def _copies(one: code.Expr, count: int) -> code.Expr:
    """A list of one immutable value many times."""
    return code.PyBinary("*", code.PyList((one,)), code.PyConst(count))


def zeros(type_: str, length: int) -> code.Expr:
    """An array of so many zeros of a ``struct`` code."""
    if type_ == "B":
        return code.builtin("bytearray", *((length,) if length else ()))
    if type_ == "?":
        return _copies(number(type_), length)
    return code.call("zeros", type_, length)


def default_rows(leaf: Leaf, refer: Refer, *, all_rows: bool = False) -> code.Expr:
    """Zero rows: all of them, or those below the first on the wire."""
    count = leaf.start + leaf.count if all_rows else leaf.start
    if isinstance(leaf.kind, Struct):
        row: code.Expr = code.call("repeated", refer.cls(leaf.kind.key), leaf.width)
    else:
        assert isinstance(leaf.kind, Ints)
        row = zeros(leaf.kind.code, leaf.width)
    return _many(row, count)
