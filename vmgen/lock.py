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
from typing import Any, TypeVar

from vmgen import ir
from vmgen.ir import json as ir_json
from vmgen.source import NOWHERE, Diagnostic, Position, VmgenError

FORMAT = "vmgen-lock-2"

MAX_TARGETS = 200
"""A release of QEMU has about 30."""

_Node = TypeVar("_Node")

_NOTHING: Mapping[str, object] = {
    "position": NOWHERE,
    "untranslated": "",
    "reason": "",
}
"""What loading does not depend on, and what stands in its place."""


def dumps(programs: Iterable[ir.Program]) -> str:
    """The lock of these programs (all of one release) as JSON text, with a final
    newline; the same text for the same wire format, wherever the tree lies."""
    known = sorted(programs, key=lambda program: program.target)
    targets = [program.target for program in known]
    modules: dict[str, tuple[dict[str, Any], list[str]]] = {}
    roots: dict[str, tuple[dict[str, Any], list[str]]] = {}
    premises: dict[str, tuple[dict[str, Any], list[str]]] = {}
    unread: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for program in known:
        document = json.loads(ir_json.dumps(bare(program)))
        for table, items in (
            (modules, document["modules"]),
            (roots, document.get("roots", [])),
            (premises, document.get("premises", [])),
            (unread, document.get("unread", [])),
        ):
            for item in items:
                key = json.dumps(item, sort_keys=True)
                table.setdefault(key, (item, []))[1].append(program.target)
    lines = [
        "{",
        f'  "format": {json.dumps(FORMAT)},',
        f'  "release": {json.dumps(known[0].release if known else "")},',
        f'  "targets": {json.dumps(targets)},',
        '  "modules": [',
    ]
    lines += _separated(
        [list(_module(*pair, targets)) for pair in _sorted(modules, "file")]
    )
    lines += ["  ],", '  "roots": [']
    lines += _separated(
        [[_one_line(*pair, targets)] for pair in _sorted(roots, "section")]
    )
    if premises:
        lines += ["  ],", '  "premises": [']
        lines += _separated(
            [list(_premise(*pair, targets)) for pair in _sorted(premises, "name")]
        )
    if unread:
        lines += ["  ],", '  "unread": [']
        lines += _separated(
            [[_one_line(*pair, targets)] for pair in _sorted(unread, "file")]
        )
    lines += ["  ]", "}", ""]
    return "\n".join(lines)


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
        document.setdefault("premises", [])
        document.setdefault("unread", [])
        for table in ("modules", "roots", "premises", "unread"):
            for item in _objects(document[table]):
                item["targets"] = set(_strings(item.get("targets", targets)))
        found = [_program(document, target) for target in targets]
    except KeyError as error:
        raise _no_lock(f"{error} is missing", name) from None
    except (ValueError, TypeError) as error:
        raise _no_lock(str(error), name) from None
    return tuple(ir_json.loads(item, name) for item in found)


def _no_lock(reason: str, name: str) -> VmgenError:
    return VmgenError(
        Diagnostic(
            "VG641",
            f"not a lock: {reason}",
            Position(name),
            hint="write it anew with 'vmgen lock'",
        )
    )


def _strings(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("'targets' is no list of names")
    return list(dict.fromkeys(value))


def _objects(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError("what stands in a list is no object")
    return value


def _program(document: Mapping[str, Any], target: str) -> str:
    def mine(items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {key: value for key, value in item.items() if key != "targets"}
            for item in items
            if target in item["targets"]
        ]

    return json.dumps(
        {
            "format": ir_json.FORMAT,
            "release": document["release"],
            "target": target,
            "modules": [_placed(item) for item in mine(document["modules"])],
            **({"roots": found} if (found := mine(document["roots"])) else {}),
            "premises": mine(document["premises"]),
            "unread": mine(document["unread"]),
        }
    )


def _placed(module: dict[str, Any]) -> dict[str, Any]:
    """The module whose descriptions and fields stand somewhere in its file."""
    somewhere = {"position": "0:0"}
    descriptions = [
        {
            **item,
            "fields": [{**field, **somewhere} for field in _objects(item["fields"])],
        }
        | somewhere
        for item in _objects(module["descriptions"])
    ]
    return {**module, "descriptions": descriptions}


def bare(node: _Node) -> _Node:
    """The node without what loading does not depend on."""
    if isinstance(node, tuple):
        return tuple(bare(item) for item in node)  # type: ignore[return-value]
    if not dataclasses.is_dataclass(node) or isinstance(node, (type, Position)):
        return node
    changes: dict[str, Any] = {
        item.name: (
            _NOTHING[item.name]
            if item.name in _NOTHING
            else bare(getattr(node, item.name))
        )
        for item in dataclasses.fields(node)
        if item.init
    }
    if isinstance(node, Diagnostic):
        changes |= {"hint": "", "excerpt": ""}
    if isinstance(node, ir.Description):
        changes["hooks"] = tuple(hook for hook in changes["hooks"] if hook.refusals)
    if isinstance(node, ir.Module):
        changes["descriptions"] = tuple(
            sorted(changes["descriptions"], key=lambda item: item.symbol)
        )
        changes["functions"] = tuple(
            sorted(changes["functions"], key=lambda item: item.symbol)
        )
    return dataclasses.replace(node, **changes)


def _sorted(
    table: Mapping[str, tuple[dict[str, Any], list[str]]], name: str
) -> list[tuple[dict[str, Any], list[str]]]:
    return [
        table[key]
        for key in sorted(table, key=lambda key: (str(table[key][0].get(name)), key))
    ]


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


def _premise(item: dict[str, Any], of: list[str], targets: list[str]) -> Iterator[str]:
    """One line for the premise itself, then one a row."""
    own = {key: value for key, value in item.items() if key != "rows"}
    if of != targets:
        own["targets"] = of
    yield f'    {json.dumps(own)[:-1]}, "rows": ['
    yield from _separated([[f"      {json.dumps(row)}"] for row in item["rows"]])
    yield "    ]}"
