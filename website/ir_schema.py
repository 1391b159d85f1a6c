"""The schemas of the IR and of the lock: ``python -m website.ir_schema`` writes them.

They follow from the classes of :mod:`vmgen.ir` and from how :mod:`vmgen.ir.json` writes them:
``docs/schemas/ir.json`` and ``docs/schemas/lock.json`` are never edited by hand.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from pathlib import Path
from typing import Any

from vmgen import ir, lock
from vmgen.ir.json import shape
from vmgen.ir.words import Alphabet, Span
from vmgen.schemas import FORMATS, VERSIONS
from vmgen.source import Position

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "schemas"

_POSITION = {
    "type": "string",
    "pattern": "^(.*:)?[0-9]+:[0-9]+$",
    "description": "LINE:COLUMN, with FILE: in front where it is not the module's own.",
}

_TITLES = {
    "ir": ("ir.json of a generated package", "Every description, field and condition."),
    "lock": (
        "vmgen lock",
        "The wire format of a tree, each module once for all targets.",
    ),
}
"""The title and the description of each schema."""


class Definitions:
    """The ``$defs`` of one schema, made as they are referred to.

    ``places`` says whether nodes have their places in C.
    """

    def __init__(self, places: bool) -> None:
        self.places = places
        self.made: dict[str, Any] = {}

    def of(self, hint: Any) -> dict[str, Any]:
        """The schema of a value with this type."""
        origin, arguments = shape.taken_apart(hint)
        if origin is typing.Annotated:
            return self._annotated(*arguments)
        if origin is typing.Literal:
            return {"enum": list(arguments)}
        if origin is tuple:
            if arguments[-1] is Ellipsis:
                return {"type": "array", "items": self.of(arguments[0])}
            return _array([self.of(one) for one in arguments], len(arguments))
        if origin in (typing.Union, types.UnionType):
            kinds = [one for one in arguments if one is not type(None)]
            found = [self.of(one) for one in kinds]
            if set(shape.OPERATION_TAGS) & set(kinds):
                found = [self._named("Expression", lambda: {"anyOf": self._all(kinds)})]
            if len(kinds) < len(arguments):
                found.append({"type": "null"})
            return found[0] if len(found) == 1 else {"anyOf": found}
        if hint is Position:
            return _POSITION
        if hint in (str, int, bool):
            return {"type": {str: "string", int: "integer", bool: "boolean"}[hint]}
        return self._node(hint)

    def _all(self, kinds: list[Any]) -> list[Any]:
        return [self.of(one) for one in kinds]

    def _annotated(self, hint: Any, limit: Any) -> dict[str, Any]:
        found = self.of(hint)
        match limit:
            case Alphabet():
                return found | {"pattern": f"^(?:{limit.pattern})$"}
            case Span():
                return found | {"minimum": limit.low, "maximum": limit.high}
            case _:
                raise TypeError(f"no schema for {limit!r}")

    def _named(self, name: str, make: Any) -> dict[str, Any]:
        if name not in self.made:
            self.made[name] = {}  # it may refer to itself
            self.made[name] = make()
        return {"$ref": f"#/$defs/{name}"}

    def _node(self, cls: Any) -> dict[str, Any]:
        if cls is ir.Fixed:
            (value,) = shape.shape(cls).values()
            return self.of(value.hint)
        if cls is ir.Version:
            return {"const": "version"}
        return self._named(cls.__name__, lambda: self._made(cls))

    def _made(self, cls: Any) -> dict[str, Any]:
        members = list(shape.shape(cls).values())
        if cls in (ir.Unary, ir.Binary, *shape.LISTS):
            return self._positional(members)
        if cls in shape.OPERATION_TAGS:
            tagged: dict[str, Any] = self._positional(
                members, shape.OPERATION_TAGS[cls]
            )
            plain = {"type": "integer"}
            return {"anyOf": [plain, tagged]} if cls is ir.Const else tagged
        return self.record(cls)

    def _positional(
        self, members: list[shape.NodeMember], tag: str = ""
    ) -> dict[str, Any]:
        items = [{"const": tag}] if tag else []
        required = [one for one in members if one.default is dataclasses.MISSING]
        least = len(items) + len(required)
        return _array([*items, *(self.of(one.hint) for one in members)], least)

    def record(self, cls: Any, **more: Any) -> dict[str, Any]:
        """A node as an object: what has its default value is left out."""
        properties: dict[str, Any] = dict(more)
        required = []
        if cls in shape.ELEMENT_TAGS:
            properties["is"] = {"const": shape.ELEMENT_TAGS[cls]}
            required.append("is")
        for one in shape.shape(cls).values():
            if one.hint is Position and not self.places:
                continue
            properties[one.name] = self.of(one.hint)
            if one.default is dataclasses.MISSING:
                required.append(one.name)
        return {"type": "object", "properties": properties, "required": required}


def _array(items: list[Any], least: int) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "array", "prefixItems": items, "items": False}
    return made | {"minItems": least}


def _document(name: str, properties: dict[str, Any], defs: Any, needs: Any) -> str:
    title, description = _TITLES[name]
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:vmgen:schema:{name}:{VERSIONS[name]}",
        "title": title,
        "description": description,
        "type": "object",
        "properties": {"format": {"const": FORMATS[name]}, **properties},
        "required": ["format", *needs],
        "$defs": dict(sorted(defs.items())),
    }
    return json.dumps(document, indent=1) + "\n"


def ir_schema() -> str:
    """The schema of ``ir.json``."""
    known = Definitions(places=True)
    stamp = {one: {"type": "string"} for one in shape.STAMP}
    program = known.record(ir.Program, **stamp)
    return _document("ir", program["properties"], known.made, program["required"])


_CLASSES = {
    "modules": ir.Module,
    "roots": ir.Root,
    "premises": ir.Premise,
    "unread": ir.Unread,
    "machines": ir.Machine,
    "compat": ir.CompatTable,
    "properties": ir.Property,
    "types": ir.ObjectType,
    "boards": ir.Board,
}
"""What the entries of a lock's tables are."""


def lock_schema() -> str:
    """The schema of ``vmgen.lock.json``."""
    known = Definitions(places=False)
    names = {"type": "array", "items": {"type": "string"}}
    some = names | {
        "description": "Those of the lock's targets that have it; all if absent."
    }
    tables = {
        name: {"type": "array", "items": known.record(_CLASSES[name], targets=some)}
        for name in lock.TABLES
    }
    properties = {"release": {"type": "string"}, "targets": names, **tables}
    needs = ("release", "targets", "modules", "roots")
    return _document("lock", properties, known.made, needs)


def texts() -> dict[Path, str]:
    """The files, and what is in them."""
    return {FOLDER / "ir.json": ir_schema(), FOLDER / "lock.json": lock_schema()}


if __name__ == "__main__":
    for place, text in texts().items():
        place.write_text(text, "utf-8")
