"""The entries of a QAPI schema file: JSON with single quotes and ``#`` comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vmgen.source import Diagnostic, Position, VmgenError

_COMMENT_LINE = re.compile(r"^[ \t]*#[^\n]*", re.MULTILINE)
_COMMENT_OR_STRING = re.compile(r"('[^'\n]*')|#[^\n]*")
_DECODER = json.JSONDecoder()

Json = Any


def expressions(
    text: str, path: Path, where: str
) -> Iterable[tuple[dict[str, Json], int]]:
    """The top-level entries of a schema file with their lines.

    A schema is JSON with single quotes and ``#`` comments, entries one after the other.
    """
    # Most remarks are lines of their own; the rest must be kept apart from a # in a string.
    stripped = _COMMENT_LINE.sub("", text)
    if "#" in stripped:
        stripped = _COMMENT_OR_STRING.sub(r"\1", stripped)
    if '"' in stripped:
        line = stripped.count("\n", 0, stripped.index('"')) + 1
        raise unknown(where, line, "a double quote")
    stripped = stripped.replace("'", '"')
    position, line, end = 0, 1, len(stripped)
    while True:
        start = position
        while position < end and stripped[position].isspace():
            position += 1
        line += stripped.count("\n", start, position)
        if position == end:
            return
        try:
            value, after = _DECODER.raw_decode(stripped, position)
        except json.JSONDecodeError as error:
            raise unknown(where, error.lineno, f"text ({error.msg})") from error
        if not isinstance(value, dict):
            raise unknown(where, line, "an entry that is not an object")
        yield value, line
        line += stripped.count("\n", position, after)
        position = after


def unknown(where: str, line: int, what: str) -> VmgenError:
    """The error of a schema that is not understood (VG105)."""
    return VmgenError(
        Diagnostic(
            "VG105",
            f"the QAPI schema has {what}, which vmgen cannot read",
            Position(where, line),
            hint="configure QEMU in a folder of its own and give it with --build",
        )
    )
