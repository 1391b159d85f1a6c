"""Fields: those that are never sent, sent twice, or sent before what they need."""

from __future__ import annotations

from collections.abc import Iterator

from vmgen import ir
from vmgen.lint.linted import Linted, LintedTable
from vmgen.lint.model import LintFinding, finding

_ASIDE = (ir.UnusedElement, ir.NothingElement, ir.TmpElement)
"""Elements that may occur in a table several times: they have no place of their own."""


def never_sent(linted: Linted) -> Iterator[LintFinding]:
    """A field of a later version than its table's (``vmstate_field_exists``,
    ``migration/vmstate.c``), unless another table has this one in that version."""
    versions = _struct_versions(linted)
    for table in linted.tables:
        description = table.description
        key = (description.position.file, table.symbol)
        highest = max(description.version_id, versions.get(key, 0))
        for field in description.fields:
            if not field.test and field.version_id > highest:
                yield finding(
                    "VG803",
                    field.position,
                    (table.symbol, field.name),
                    version=str(field.version_id),
                    own=str(description.version_id),
                )


def _struct_versions(linted: Linted) -> dict[tuple[str, str], int]:
    """The highest version in which a table is named by ``VMSTATE_VSTRUCT_*`` fields."""
    found: dict[tuple[str, str], int] = {}
    for table in linted.tables:
        for field in table.description.fields:
            element = field.element
            if isinstance(element, ir.StructElement) and element.vstruct:
                inner = table.named(element.description)
                if inner is not None:
                    key = (inner.description.position.file, inner.symbol)
                    found[key] = max(found.get(key, 0), field.struct_version_id)
            elif isinstance(element, ir.TmpElement):
                # Loaded with the field's version (get_tmp, migration/vmstate-types.c).
                inner = table.named(element.description)
                if inner is not None:
                    key = (inner.description.position.file, inner.symbol)
                    found[key] = max(found.get(key, 0), table.description.version_id)
    return found


def count_behind(linted: Linted) -> Iterator[LintFinding]:
    """An array whose count is loaded after it (``vmstate_n_elems``, ``vmstate_size``)."""
    for table in linted.tables:
        fields = table.description.fields
        for number, field in enumerate(fields):
            for amount in (field.count, field.size):
                if not isinstance(amount, ir.FromMember):
                    continue
                counted = ir.path_text(amount.path)
                places = [
                    at
                    for at, other in enumerate(fields)
                    if _where(other) == counted
                    and not isinstance(other.element, _ASIDE)
                ]
                if places and min(places) > number:
                    behind = fields[places[0]]
                    element = behind.element
                    if isinstance(element, ir.IntegerElement) and element.check:
                        continue  # the destination's own value is the only one it takes
                    yield finding(
                        "VG804",
                        field.position,
                        (table.symbol, field.name),
                        count=counted,
                        line=str(behind.position.line),
                    )
                    break


def doubled(linted: Linted) -> Iterator[LintFinding]:
    """A member that two fields of one table send in every version."""
    for table in linted.tables:
        seen: dict[object, ir.Field] = {}
        for field in table.description.fields:
            if not field.path or isinstance(field.element, _ASIDE):
                continue
            if isinstance(field.element, ir.CustomElement | ir.StructElement):
                # Two infos, or two tables, may send a member's parts.
                key: object = (_where(field), field.start, field.element, field.test)
            else:
                key = (_where(field), field.start, field.test)
            first = seen.setdefault(key, field)
            if first is not field:
                yield finding(
                    "VG805",
                    field.position,
                    (table.symbol, field.name),
                    member=_where(field),
                    line=str(first.position.line),
                )


def nameless(linted: Linted) -> Iterator[LintFinding]:
    """A field without a name, which the description in a stream cannot call anything."""
    for table in linted.tables:
        for field in table.description.fields:
            opaque = (
                isinstance(field.element, ir.CustomElement) and field.element.unread
            )
            if not field.name and not opaque:
                yield finding("VG806", field.position, (table.symbol,))


def through_no_pointer(linted: Linted) -> Iterator[LintFinding]:
    """A field that follows a pointer (``VMS_POINTER``) where the struct has none
    (``vmstate_save_state_v``, ``migration/vmstate.c``)."""
    for table, field in _by_pointer(linted, followed=True):
        is_array = bool(field.path[-1].dims)
        yield finding(
            "VG820",
            field.position,
            (table.symbol, field.name),
            member=_where(field),
            shape="an array" if is_array else "no pointer",
        )


def pointer_itself(linted: Linted) -> Iterator[LintFinding]:
    """A field that moves a pointer's own bytes."""
    for table, field in _by_pointer(linted, followed=False):
        if _is_data(field):
            yield finding(
                "VG821",
                field.position,
                (table.symbol, field.name),
                member=_where(field),
            )


def _by_pointer(
    linted: Linted, followed: bool
) -> Iterator[tuple[LintedTable, ir.Field]]:
    """Fields that follow a pointer, or do not, of members that are the other."""
    for table in linted.tables:
        for field in table.description.fields:
            if field.path and field.pointer == followed != field.path[-1].pointer:
                yield table, field


def _is_data(field: ir.Field) -> bool:
    """Whether a field moves the memory at its place; other infos, and tables of one
    object, may be written for a pointer, and an array of pointers is followed."""
    if field.pointers:
        return False
    match field.element:
        case ir.BufferElement(info=info):
            return info in ("", "vmstate_info_buffer")
        case ir.IntegerElement() | ir.BitmapElement():
            return True
        case ir.StructElement(info=info):
            return field.array and not info
    return False


def _where(field: ir.Field) -> str:
    return ir.path_text(field.path)


def member_names(table: LintedTable) -> frozenset[str]:
    """Every member name on the way to what a table sends."""
    names: set[str] = set()
    for field in table.description.fields:
        names.update(step.name for step in field.path)
        for amount in (field.count, field.size):
            if isinstance(amount, ir.FromMember):
                names.update(step.name for step in amount.path)
    return frozenset(names)
