"""Arrays of structs that several fields share, as fields of the elements' own members.

A table may send some members of every element of an array first and others later, each
with a description of its own: x86's ``xmm_regs``, whose low halves precede what was on
the wire before AVX and whose high halves follow.  In Python that is one list of objects,
as it is one array in C, so the fields of the nested descriptions become fields of the
outer one, element by element, in the order of the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from vmgen import ir

MOST = 128
"""Most values that a shared array is split into: each is a name of the text, which
would follow the array beyond it, as for :data:`vmgen.lower.codec.records.UNROLLED`.
Larger ones stay lists of their own, with the same bytes."""

Inner = Callable[[str], ir.Description | None]


def spread(description: ir.Description, inner: Inner) -> list[ir.Field]:
    """The fields of a description; ``inner`` finds the descriptions it names."""
    groups: dict[str, list[ir.Field]] = {}
    for one in description.fields:
        if one.path:
            groups.setdefault(ir.path_text(one.path), []).append(one)
    shared = {
        path for path, group in groups.items() if _shared(description, group, inner)
    }
    made: list[ir.Field] = []
    for one in description.fields:
        if one.path and ir.path_text(one.path) in shared:
            made += _elements(one, inner)
        else:
            made.append(one)
    return made


def _shared(description: ir.Description, group: list[ir.Field], inner: Inner) -> bool:
    """Whether the fields are different parts of one array, all of the same extent."""
    if len(group) < 2:
        return False
    members: set[str] = set()
    values = 0
    for one in group:
        nested = _nested(description, one, inner)
        if nested is None or one.count != group[0].count:
            return False
        names = {ir.path_text(field.path) for field in nested.fields}
        if names & members or len(names) < len(nested.fields):
            return False
        members |= names
        assert isinstance(one.count, ir.Fixed)
        values += one.count.value * len(nested.fields)
    return values <= MOST


def _nested(
    description: ir.Description, one: ir.Field, inner: Inner
) -> ir.Description | None:
    """The description of a field's elements if these are plain numbers, always there in
    the versions that have the field, and a version is either the current or any."""
    if (
        not isinstance(one.element, ir.StructElement)
        or one.element.vstruct
        or not one.array
        or not isinstance(one.count, ir.Fixed)
        or one.count.value < 1
        or one.start
        or one.pointer
        or one.pointers
        or one.test
        or one.path[-1].index
        or description.minimum_version_id < one.version_id != description.version_id
    ):
        return None
    nested = inner(one.element.description)
    if nested is None or nested.subsections or not nested.fields:
        return None
    for field in nested.fields:
        if (
            not isinstance(field.element, ir.IntegerElement)
            or field.element.check
            or field.test
            or field.array
            or field.pointer
            or field.version_id > nested.version_id
            or len(field.path) != 1
            or len(field.path[0].index) != len(field.path[0].dims)
        ):
            return None
    return nested


def _elements(one: ir.Field, inner: Inner) -> Iterator[ir.Field]:
    assert isinstance(one.element, ir.StructElement)
    assert isinstance(one.count, ir.Fixed)
    nested = inner(one.element.description)
    assert nested is not None
    for index in range(one.count.value):
        last = replace(one.path[-1], index=(index,))
        for field in nested.fields:
            yield replace(
                field,
                name=one.name,
                path=(*one.path[:-1], last, *field.path),
                version_id=one.version_id,
            )
