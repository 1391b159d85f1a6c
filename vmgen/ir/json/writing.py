"""The IR as JSON text: one line per field, stable order."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from vmgen import ir
from vmgen.ir.json.shape import ELEMENT_TAGS, FORMAT, LISTS, OPERATION_TAGS, shape
from vmgen.source import Position


def dumps(program: ir.Program) -> str:
    """The program as JSON text, ASCII only, with a final newline."""
    return "".join(_program_lines(program))


def encoded(value: ir.Expr) -> object:
    """An expression as JSON values, in its short form."""
    return _encode(value, "")


def _program_lines(program: ir.Program) -> Iterator[str]:
    yield "{\n"
    yield f'  "format": {_line(FORMAT)},\n'
    yield f'  "release": {_line(program.release)},\n'
    yield f'  "target": {_line(program.target)},\n'
    yield '  "modules": ['
    for index, module in enumerate(program.modules):
        yield ",\n" if index else "\n"
        yield "    {\n"
        yield f'      "file": {_line(module.file)},\n'
        yield '      "descriptions": ['
        for number, description in enumerate(module.descriptions):
            yield ",\n" if number else "\n"
            yield from _description_lines(description, module.file)
        yield "\n      ]" if module.descriptions else "]"
        for name, found in (
            ("functions", module.functions),
            ("infos", module.infos),
            ("methods", module.methods),
            ("unread", module.unread),
            ("pre_saved", module.pre_saved),
        ):
            if found:
                yield f',\n      "{name}": '
                yield _lines(_encode(found, module.file), "        ")
        yield "\n    }"
    yield "\n  ]" if program.modules else "]"
    if program.roots:
        yield ',\n  "roots": '
        yield _lines(_encode(program.roots, ""), "    ")
    if program.premises:
        yield ',\n  "premises": [\n'
        yield ",\n".join(map(_premise_text, program.premises))
        yield "\n  ]"
    if program.elsewhere:
        yield ',\n  "elsewhere": '
        yield _lines(list(program.elsewhere), "    ")
    if program.unread:
        yield ',\n  "unread": '
        yield _lines(_encode(program.unread, ""), "    ")
    if program.machines != ir.Machines():
        yield ',\n  "machines": {\n'
        yield ",\n".join(_machines_texts(program.machines))
        yield "\n  }"
    yield "\n}\n"


def _description_lines(description: ir.Description, file: str) -> Iterator[str]:
    yield "        {\n"
    members = _record(description, file)
    for number, (name, value) in enumerate(members.items()):
        yield ",\n" if number else ""
        text = _lines(value, " " * 12) if isinstance(value, list) else _line(value)
        yield f"          {_line(name)}: {text}"
    yield "\n        }"


def _premise_text(premise: ir.Premise) -> str:
    """One line a row."""
    members = _record(premise, "")
    rows: Any = members.pop("rows", [])
    head = _line(members)[:-1]
    return f'    {head}, "rows": {_lines(rows, "      ")}}}'


def _machines_texts(machines: ir.Machines) -> Iterator[str]:
    """The members of the machine types, a setting of a compat table on a line."""
    for name, values in _record(machines, "").items():
        if name == "tables":
            texts = ",\n".join(_table_text(one) for one in machines.tables)
            yield f'    "tables": [\n{texts}\n    ]'
        else:
            rows: Any = values
            yield f'    "{name}": {_lines(rows, "      ")}'


def _table_text(table: ir.CompatTable) -> str:
    members = _record(table, "")
    settings: Any = members.pop("settings", [])
    head = _line(members)[:-1]
    return f'      {head}, "settings": {_lines(settings, "        ")}}}'


def _lines(values: list[object], indent: str) -> str:
    """A list with one line per item."""
    if not values:
        return "[]"
    items = ",\n".join(f"{indent}{_line(value)}" for value in values)
    return f"[\n{items}\n{indent[:-2]}]"


def _line(value: object) -> str:
    return json.dumps(value)


def _record(node: object, file: str) -> dict[str, object]:
    """The members of a node that differ from their default, in the class's order."""
    members = {}
    for name, member in shape(type(node)).items():
        value = getattr(node, name)
        if member.default is dataclasses.MISSING or value != member.default:
            members[name] = _encode(value, file)
    return members


def _positional(node: object, file: str) -> list[object]:
    """The members of a node in order, without the trailing ones that are default."""
    values: list[object] = []
    keep = 0
    for name, member in shape(type(node)).items():
        value = getattr(node, name)
        values.append(_encode(value, file))
        if member.default is dataclasses.MISSING or value != member.default:
            keep = len(values)
    return values[:keep]


def _encode(value: Any, file: str) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, tuple):
        return [_encode(item, file) for item in value]
    cls = type(value)
    if cls is Position:
        place = f"{value.line}:{value.column}"
        return place if value.file == file else f"{value.file}:{place}"
    if cls is ir.Fixed or (cls is ir.Const and not value.name):
        return value.value
    if cls is ir.Version:
        return "version"
    if cls in (ir.Unary, ir.Binary):
        return _positional(value, file)
    if cls in OPERATION_TAGS:
        return [OPERATION_TAGS[cls], *_positional(value, file)]
    if cls in LISTS:
        return _positional(value, file)
    if cls in ELEMENT_TAGS:
        return {"is": ELEMENT_TAGS[cls], **_record(value, file)}
    return _record(value, file)
