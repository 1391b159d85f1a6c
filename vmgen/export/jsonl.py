"""Every value of a stream as one line of JSON.

``{"version": 1, "section": "cpu/0", "offset": 126, "path": ["state", "env.gpr"], "value": [...]}``: the
path leads from the section's object in ``vmgen stream show --format json`` to the value;
``section`` is null for what is about the whole stream.  An array is one value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from vmgen.export.formats import ExportOptions
from vmgen.guest import Guest
from vmgen.schemas import versioned
from vmgen.stream.show import as_json


def losses(guest: Guest, options: ExportOptions) -> Iterator[str]:
    """Of fields: sections of which only the size is known."""
    for section in guest.stream.sections:
        if section.means == "footer":
            yield f"section {section.path}: only its size is known"


def write(guest: Guest, out: BinaryIO, options: ExportOptions) -> None:
    """Write the rows, those of the whole stream first."""
    for row in rows(guest):
        out.write(json.dumps(row).encode() + b"\n")


def rows(guest: Guest) -> Iterator[dict[str, Any]]:
    """The rows as JSON values."""
    whole = as_json(guest.stream, [])
    del whole["sections"], whole["version"]
    yield from _rows(None, None, whole)
    for section in guest.stream.sections:
        (found,) = as_json(guest.stream, [section])["sections"]
        yield from _rows(section.path, section.offset, found)


def _rows(
    section: str | None, offset: int | None, values: Any
) -> Iterator[dict[str, Any]]:
    for path, value in _leaves(values, ()):
        members = {
            "section": section,
            "offset": offset,
            "path": list(path),
            "value": value,
        }
        yield versioned("export-jsonl", members)


def _leaves(
    value: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    steps: Iterable[tuple[str | int, Any]]
    if isinstance(value, dict) and value:
        steps = value.items()
    elif isinstance(value, list) and any(
        isinstance(one, (dict, list)) for one in value
    ):
        steps = enumerate(value)
    else:
        yield path, value
        return
    for step, item in steps:
        yield from _leaves(item, (*path, step))
