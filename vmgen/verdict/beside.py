"""Arrays of which only the first element has the object around it that C asks.

A field's test gets the element (``vmstate_field_exists``, ``migration/vmstate.c``).  One
that goes from there to the device around it (``container_of``) means the first element; of
those behind it QEMU reads memory further on, and what that says is up to the build.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from vmgen import ir
from vmgen.lookup import Lookup, Placed
from vmgen.verdict.compare import DirectedComparison
from vmgen.verdict.model import Finding, Side


def findings(
    source: Placed, target: Placed, comparison: DirectedComparison
) -> Iterator[Finding]:
    """The arrays of a section that one of the sides has such a test for, and that the
    other has, too, without one: both agree on the first element only."""
    saved = dict(_arrays(source, comparison.source.lookup))
    loaded = dict(_arrays(target, comparison.target.lookup))
    for path in saved.keys() & loaded.keys():
        one, two = saved[path], loaded[path]
        if bool(one.reads) == bool(two.reads):
            continue
        count = (one if one.reads else two).count
        several = count is None or count == ir.Const(1)
        yield Finding(
            "beside",
            one.name,
            one.name,
            field=path,
            source=one,
            target=two,
            condition=(
                None if several else ir.Binary("<=", count or ir.Const(0), ir.Const(1))
            ),
        )


def _arrays(placed: Placed, lookup: Lookup) -> Iterator[tuple[str, Side]]:
    """Every array of objects inside of a section by its C path; ``reads`` are the tests
    of its elements that ask the object around them."""
    for one in (placed, *lookup.below(placed)):
        for field in one.description.fields:
            match field.element, field.count:
                case (
                    ir.StructElement(symbol),
                    (ir.FromMember() | ir.Computed()) as count,
                ):
                    inner = lookup.find(symbol, one.module)
                case _:
                    continue
            if inner is None:
                continue
            functions = lookup.functions(inner.module)
            tests = (item.test for item in inner.description.fields)
            yield ir.path_text(field.path), Side(
                "object",
                symbol,
                ir.path_text(field.path),
                count=_count(count),
                reads=tuple(
                    sorted(
                        {
                            name
                            for name in tests
                            if name in functions and functions[name].container
                        }
                    )
                ),
                position=field.position,
            )


def _count(count: ir.FromMember | ir.Computed) -> ir.Expr:
    match count:
        case ir.FromMember(path, kind, multiply):
            member = ir.Load(ir.path_text(path), kind)
            return (
                member if multiply == 1 else ir.Binary("*", member, ir.Const(multiply))
            )
        case ir.Computed(value):
            return value
        case _:
            assert_never(count)
