"""Documents of commands, against their published schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from vmgen import schemas

FOLDER = Path(__file__).parent.parent / "docs" / "schemas"


def schema(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def closed(node: Any) -> Any:
    """The schema without room for members that it does not name."""
    if isinstance(node, list):
        return [closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {name: closed(item) for name, item in node.items()}
    if isinstance(node.get("properties"), dict) and "type" in node:
        made.setdefault("additionalProperties", False)
    return made


def check(name: str, document: Any) -> None:
    """The document fits its schema, as published and without room for more."""
    published = schema(name)
    jsonschema.Draft202012Validator(published).validate(document)
    jsonschema.Draft202012Validator(closed(published)).validate(document)
    if name in schemas.FORMATS:
        assert document["format"] == schemas.FORMATS[name]
    else:
        assert document["version"] == schemas.VERSIONS[name]
