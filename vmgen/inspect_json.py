"""What ``vmgen inspect --format json`` says: the descriptions as plain JSON values.

This is for programs that ask what is on the wire; ``ir.json`` is the whole IR.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vmgen import ir, wording
from vmgen.ir import graph
from vmgen.lookup import Lookup, Placed


def as_json(lookup: Lookup, chosen: Sequence[Placed]) -> dict[str, Any]:
    """``release``, ``target`` and ``descriptions``, the chosen ones.

    Of a field, ``type`` is the name that QEMU's own description JSON has for it,
    ``size`` bytes of one element in memory (bits for a bitmap) and ``count`` the number
    of elements; what a member of the struct says is null there and is in
    ``size_from`` or ``count_from``.  ``description`` is the symbol of a nested one, ``key_description`` that of a tree's keys,
    ``parts`` are those that a hand-written format contains, by their role there.
    """
    return {
        "release": lookup.program.release,
        "target": lookup.program.target,
        "descriptions": [_description(lookup, placed) for placed in chosen],
    }


def _description(lookup: Lookup, placed: Placed) -> dict[str, object]:
    item = placed.description
    functions = lookup.functions(placed.module)
    inner = [
        (symbol, lookup.find(symbol, placed.module)) for symbol in item.subsections
    ]
    return {
        "symbol": item.symbol,
        "name": item.name,
        "file": item.position.file or placed.module.file,
        "line": item.position.line,
        "c_type": item.type,
        "version_id": item.version_id,
        "minimum_version_id": item.minimum_version_id,
        "needed": _condition(item.needed, functions),
        "hooks": {hook.role: hook.symbol for hook in item.hooks},
        "unmigratable": item.unmigratable,
        "fields": [_field(field, functions) for field in item.fields],
        "subsections": [
            found.description.name if found else symbol for symbol, found in inner
        ],
        "subsection_symbols": list(item.subsections),
    }


def _field(field: ir.Field, functions: dict[str, ir.Function]) -> dict[str, object]:
    mentions = graph.in_field(field)
    inner = [each for each in mentions if each.how in ("element", "value")]
    members: dict[str, object] = {
        "name": field.name,
        "path": ir.path_text(field.path),
        "type": wording.wire_type(field),
        "c_type": wording.c_type(field),
        "size": _number(field.size),
        "count": _number(field.count),
        "version_id": field.version_id,
        "has_test": bool(field.test),
        "description": inner[0].symbol if inner else None,
        "line": field.position.line,
    }
    for name, value in (("size_from", field.size), ("count_from", field.count)):
        if isinstance(value, ir.FromMember):
            members[name] = {
                "member": ir.path_text(value.path),
                "type": value.type,
                "multiply": value.multiply,
            }
        elif isinstance(value, ir.Computed):
            members[name] = {"expression": wording.expression(value.value)}
    if field.test:
        members["test"] = _condition(field.test, functions)
    if field.start:
        members["start"] = field.start
    if isinstance(field.element, ir.StructElement) and field.element.vstruct:
        members["struct_version_id"] = field.struct_version_id
    for each in mentions:
        if each.how == "key":
            members["key_description"] = each.symbol
    if isinstance(field.element, ir.CustomElement) and field.element.load:
        members["functions"] = {
            "load": field.element.load,
            "save": field.element.save,
        }
    if isinstance(field.element, ir.WordsElement):
        words = field.element.words
        members["words"] = [
            {"type": word.type, "member": word.member} for word in words
        ]
    return members


def _number(value: ir.Amount) -> int | None:
    return value.value if isinstance(value, ir.Fixed) else None


def _condition(symbol: str, functions: dict[str, ir.Function]) -> dict[str, str] | None:
    """A predicate: its C function, and what it computes where that was translated."""
    if not symbol:
        return None
    members = {"function": symbol}
    known = functions.get(symbol)
    if known is not None and known.body is not None:
        members["expression"] = wording.expression(known.body)
    return members
