"""The answers about a fleet: a Parquet data set, in parts that are there whole or not.

A part has the rows of some files, and is named by them: a batch that runs twice, since its
worker died, writes the same part again.  What is in parts is not asked again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vmgen import write
from vmgen.export.parquet import table

COLUMNS = {
    "file": "string", "row": "string", "outcome": "string", "section": "string",
    "member": "string", "offset": "int64", "rule": "string", "message": "string",
    "hint": "string", "machine": "string", "target": "string", "release": "string",
    "bytes": "int64",
}  # fmt: skip
"""Of each file one ``row`` is ``file``, which has its outcome; then one per ``section`` that
is worth one, and one per ``finding``."""

QUESTION = "question.json"


class OtherQuestion(Exception):
    """The folder has the answers to another question."""


def begin(folder: Path, question: Mapping[str, Any]) -> None:
    """Make the folder, or see that it is of the same question; raises OtherQuestion, and
    OSError."""
    asked = json.dumps(question, sort_keys=True)
    place = folder / QUESTION
    if place.exists():
        if place.read_text("utf-8") != asked:
            raise OtherQuestion(str(folder))
        return
    write.make_folder(folder)
    with write.replacing(place) as out:
        out.write(asked.encode())


def name_of(files: Sequence[str]) -> str:
    """The name of the part that has the rows of these files."""
    joined = "\0".join(files).encode("utf-8", "surrogateescape")
    return f"part-{hashlib.sha256(joined).hexdigest()[:24]}.parquet"


def keep(
    folder: Path,
    files: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    columns: Mapping[str, str] = COLUMNS,
) -> int:
    """Write a part; how many rows it has.  Raises OSError."""
    with write.replacing(folder / name_of(files)) as out:
        return table(rows, columns, out)


def parts(folder: Path) -> list[Path]:
    """The parts that are there."""
    return sorted(folder.glob("part-*.parquet"))


def rows(folder: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of all parts, these columns of them; raises OSError, and ValueError for a
    file that is no part of ours."""
    import pyarrow.parquet

    for part in parts(folder):
        file = pyarrow.parquet.ParquetFile(part)
        for batch in file.iter_batches(columns=list(columns)):
            yield from batch.to_pylist()


def answered(folder: Path) -> set[str]:
    """The files of which there are answers."""
    return {
        one["file"] for one in rows(folder, ("file", "row")) if one["row"] == "file"
    }
