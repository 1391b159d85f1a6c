"""The wire format of a tree as one text that reviews can read: a line for every field.

A lock is the IR of all its targets without what loading does not depend on (places in C,
functions that refuse nothing), sorted, each module once for all targets that share it.
What could not be read has a line, too.  A fork commits it; a change of the wire is then a
change of a line.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

from vmgen import ir
from vmgen.ir import json as ir_json
from vmgen.schemas import FORMATS
from vmgen.source import NOWHERE, Diagnostic, Position, VmgenError

FORMAT = FORMATS["lock"]

MAX_TARGETS = 200
"""A release of QEMU has about 30."""

_Node = TypeVar("_Node")

_NOTHING: Mapping[str, object] = {
    "position": NOWHERE,
    "untranslated": "",
    "reason": "",
}
"""What loading does not depend on, and what is in its place."""


def dumps(programs: Iterable[ir.Program]) -> str:
    """The lock of these programs (all of one release) as JSON text, with a final
    newline; the same text for the same wire format, wherever the tree lies."""
    known = sorted(programs, key=lambda program: program.target)
    targets = [program.target for program in known]
    tables = shared(known)
    modules, roots, premises, unread = (tables[name] for name in _FIRST)
    lines = [
        "{",
        f'  "format": {json.dumps(FORMAT)},',
        f'  "release": {json.dumps(known[0].release if known else "")},',
        f'  "targets": {json.dumps(targets)},',
        '  "modules": [',
    ]
    lines += _separated([list(_module(*pair, targets)) for pair in modules])
    lines += ["  ],", '  "roots": [']
    lines += _separated([[_one_line(*pair, targets)] for pair in roots])
    if premises:
        lines += ["  ],", '  "premises": [']
        lines += _separated([list(_premise(*pair, targets)) for pair in premises])
    if unread:
        lines += ["  ],", '  "unread": [']
        lines += _separated([[_one_line(*pair, targets)] for pair in unread])
    for name in _OF_MACHINES:
        if tables[name]:
            lines += ["  ],", f"  {json.dumps(name)}: ["]
            lines += _separated(
                [list(_one_machine(*pair, targets)) for pair in tables[name]]
            )
    lines += ["  ]", "}", ""]
    return "\n".join(lines)


Entries: TypeAlias = "list[tuple[dict[str, Any], list[str]]]"
"""What a table has as the IR's JSON has it, each with its targets."""

_FIRST = {
    "modules": ("file",),
    "roots": ("section",),
    "premises": ("name",),
    "unread": ("file",),
}

_OF_MACHINES = {
    "machines": "machines",
    "compat": "tables",
    "properties": "properties",
    "types": "types",
    "boards": "boards",
}
"""The tables for the members of :class:`ir.Machines`."""

TABLES = {
    **_FIRST,
    "machines": ("name",),
    "compat": ("file", "symbol"),
    "properties": ("type", "name"),
    "types": ("name",),
    "boards": ("file", "machines"),
}
"""The tables of a lock, with the keys by which each is sorted."""


def shared(programs: Iterable[ir.Program]) -> dict[str, Entries]:
    """The tables of a lock of these programs, sorted by target: what several targets
    have alike is there once."""
    found: dict[str, dict[str, tuple[dict[str, Any], list[str]]]] = {
        name: {} for name in TABLES
    }
    modules: dict[int, tuple[str, dict[str, Any]]] = {}
    several = tuple(programs)  # which hold the modules whose identities are remembered
    for program in several:
        # Most modules are the same object in several programs.
        for module in program.modules:
            if id(module) not in modules:
                (item,) = _document(ir.Program("", "", (module,)))["modules"]
                modules[id(module)] = json.dumps(item, sort_keys=True), item
            key, item = modules[id(module)]
            found["modules"].setdefault(key, (item, []))[1].append(program.target)
        document = _document(dataclasses.replace(program, modules=()))
        for name, table in found.items():
            for item in _items(document, name):
                key = json.dumps(item, sort_keys=True)
                table.setdefault(key, (item, []))[1].append(program.target)
    return {
        name: [
            table[key]
            for key in sorted(
                table,
                key=lambda key: ([str(table[key][0].get(one, "")) for one in by], key),
            )
        ]
        for (name, by), table in zip(TABLES.items(), found.values(), strict=True)
    }


def _document(program: ir.Program) -> dict[str, Any]:
    """The program as the IR's JSON has it, without what loading does not depend on."""
    document: dict[str, Any] = json.loads(ir_json.dumps(bare(program)))
    return document


def _items(document: Mapping[str, Any], table: str) -> list[dict[str, Any]]:
    """What the JSON of a program has for a table."""
    of = _OF_MACHINES.get(table)
    found: list[dict[str, Any]] = (
        document.get(table, [])
        if of is None
        else document.get("machines", {}).get(of, [])
    )
    return found


def is_lock(text: str) -> bool:
    """Whether the text begins as a lock does."""
    return f'"{FORMAT}"' in text[:200]


def loads(text: str, name: str = "lock") -> tuple[ir.Program, ...]:
    """The programs of a lock, by target.

    Raises :class:`VmgenError` VG641 for what is no lock, and what :func:`ir_json.loads`
    raises for its contents.
    """
    try:
        document = ir_json.parse(text, name)
    except VmgenError as error:
        raise _no_lock(error.diagnostics[0].message, name) from None
    try:
        if not isinstance(document, dict):
            raise ValueError("it is no object")
        if document["format"] != FORMAT:
            raise ValueError(f"the format is {document['format']!r:.80}")
        targets = _strings(document["targets"])
        if len(targets) > MAX_TARGETS:
            raise ValueError(f"it has more than {MAX_TARGETS} targets")
        for table in ("premises", "unread", *_OF_MACHINES):
            document.setdefault(table, [])
        found = []
        for table in TABLES:
            for item in _objects(document[table]):
                item["targets"] = set(_strings(item.get("targets", targets)))
        for target in targets:
            mine = {
                table: [
                    {key: item[key] for key in item if key != "targets"}
                    for item in document[table]
                    if target in item["targets"]
                ]
                for table in TABLES
            }
            found.append(_program(document["release"], target, mine))
    except KeyError as error:
        raise _no_lock(f"{error} is missing", name) from None
    except (ValueError, TypeError) as error:
        raise _no_lock(str(error), name) from None
    return tuple(ir_json.read(item, name) for item in found)


def _no_lock(reason: str, name: str) -> VmgenError:
    return VmgenError(
        Diagnostic(
            "VG641",
            f"not a lock: {reason}",
            Position(name),
            hint="write it again with 'vmgen lock'",
        )
    )


def _strings(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("'targets' is no list of names")
    return list(dict.fromkeys(value))


def _objects(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError("an entry of a list is no object")
    return value


def program(
    release: str, target: str, tables: Mapping[str, list[dict[str, Any]]], name: str
) -> ir.Program:
    """The program of one target, from its entries in the tables of a lock; raises what
    :func:`ir_json.read` raises for them."""
    return ir_json.read(_program(release, target, tables), name)


def _program(
    release: str, target: str, tables: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """The entries as the IR's JSON has a program."""
    roots = tables["roots"]
    return {
        "format": ir_json.FORMAT,
        "release": release,
        "target": target,
        "modules": [_placed(item) for item in tables["modules"]],
        **({"roots": roots} if roots else {}),
        "premises": tables["premises"],
        "unread": tables["unread"],
        "machines": {of: tables.get(name, []) for name, of in _OF_MACHINES.items()},
    }


def _placed(module: dict[str, Any]) -> dict[str, Any]:
    """The module whose descriptions and fields stand somewhere in its file."""
    somewhere = {"position": "0:0"}
    descriptions = [
        {
            **somewhere,
            **item,
            "fields": [{**somewhere, **field} for field in _objects(item["fields"])],
        }
        for item in _objects(module["descriptions"])
    ]
    return {**module, "descriptions": descriptions}


def bare(node: _Node, *, places: bool = False) -> _Node:
    """The node without what loading does not depend on; with its ``places`` in C, if
    they are wanted."""
    if isinstance(node, tuple):
        return tuple(bare(item, places=places) for item in node)  # type: ignore[return-value]
    if not dataclasses.is_dataclass(node) or isinstance(node, (type, Position)):
        return node
    changes: dict[str, Any] = {
        item.name: (
            _NOTHING[item.name]
            if item.name in _NOTHING and not (places and item.name == "position")
            else bare(getattr(node, item.name), places=places)
        )
        for item in dataclasses.fields(node)
        if item.init
    }
    if isinstance(node, Diagnostic):
        changes |= {"hint": "", "excerpt": ""}
    if isinstance(node, ir.Description):
        changes["hooks"] = tuple(
            hook for hook in changes["hooks"] if hook.refusals or hook.leaves
        )
    if isinstance(node, ir.Module):
        changes["descriptions"] = tuple(
            sorted(changes["descriptions"], key=lambda item: item.symbol)
        )
        changes["functions"] = tuple(
            sorted(changes["functions"], key=lambda item: item.symbol)
        )
    return dataclasses.replace(node, **changes)


def _separated(blocks: list[list[str]]) -> Iterator[str]:
    """The lines of all blocks, a comma after each block but the last."""
    for number, block in enumerate(blocks):
        comma = "," if number + 1 < len(blocks) else ""
        yield from block[:-1]
        yield block[-1] + comma


def _module(item: dict[str, Any], of: list[str], targets: list[str]) -> Iterator[str]:
    yield "    {"
    yield f'      "file": {json.dumps(item["file"])},'
    if of != targets:
        yield f'      "targets": {json.dumps(of)},'
    for key in item:
        if key not in ("file", "descriptions", "functions"):
            yield f"      {json.dumps(key)}: {json.dumps(item[key])},"
    yield '      "descriptions": ['
    yield from _separated([list(_description(one)) for one in item["descriptions"]])
    if item.get("functions"):
        yield "      ],"
        yield '      "functions": ['
        yield from _separated([[f"        {json.dumps(f)}"] for f in item["functions"]])
    yield "      ]"
    yield "    }"


def _description(item: dict[str, Any]) -> Iterator[str]:
    """One line for the description itself, then one a field."""
    own = {key: value for key, value in item.items() if key != "fields"}
    yield f'        {json.dumps(own)[:-1]}, "fields": ['
    yield from _separated([[f"          {json.dumps(one)}"] for one in item["fields"]])
    yield "        ]}"


def _one_line(item: dict[str, Any], of: list[str], targets: list[str]) -> str:
    if of != targets:
        item = {**item, "targets": of}
    return f"    {json.dumps(item)}"


def _one_machine(
    item: dict[str, Any], of: list[str], targets: list[str]
) -> Iterator[str]:
    """One line for an entry of the machine types, and one a setting of a compat table."""
    settings = item.get("settings")
    if settings is None:
        yield _one_line(item, of, targets)
        return
    own = {key: value for key, value in item.items() if key != "settings"}
    if of != targets:
        own["targets"] = of
    yield f'    {json.dumps(own)[:-1]}, "settings": ['
    yield from _separated([[f"      {json.dumps(one)}"] for one in settings])
    yield "    ]}"


def _premise(item: dict[str, Any], of: list[str], targets: list[str]) -> Iterator[str]:
    """One line for the premise itself, then one a row."""
    own = {key: value for key, value in item.items() if key != "rows"}
    if of != targets:
        own["targets"] = of
    yield f'    {json.dumps(own)[:-1]}, "rows": ['
    yield from _separated([[f"      {json.dumps(row)}"] for row in item["rows"]])
    yield "    ]}"
