"""How many bytes a table takes on the wire, where it alone determines that."""

from __future__ import annotations

from vmgen import ir
from vmgen.ir import graph, size
from vmgen.lookup import Lookup, Placed

_DEPTH = 20
"""Descriptions inside of each other that are followed."""


def of_field(
    lookup: Lookup, placed: Placed, field: ir.Field, version: int, depth: int = 0
) -> int | None:
    """Bytes of the whole field in an object of that version; None where they depend on
    the state."""

    def nested(inside: ir.Field) -> int | None:
        (mention,) = graph.in_field(inside)
        inner = lookup.meant(mention, placed.module)
        vstruct = (
            isinstance(inside.element, ir.StructElement) and inside.element.vstruct
        )
        if inner is None or vstruct or inner.description.subsections or depth > _DEPTH:
            return None
        return of_fields(lookup, inner, inner.description.version_id, depth + 1)

    return size.of_field(field, version, nested)


def of_fields(
    lookup: Lookup, placed: Placed, version: int, depth: int = 0
) -> int | None:
    """Bytes of all fields of a description, without its subsections."""
    total = 0
    for field in placed.description.fields:
        found = of_field(lookup, placed, field, version, depth)
        if found is None:
            return None
        total += found
    return total
