"""Every value of a stream as a row of a Parquet table.

The rows are those of ``jsonl``.  ``path`` is the path as JSON text, ``name`` the same as one
reads it (``state.env.gpr``); ``value`` is the value as JSON text, and ``number`` the number
that it is (64 bits without sign, or ``negative`` for one below zero), null for what is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO

from vmgen.export.formats import ExportOptions
from vmgen.export.jsonl import losses as losses
from vmgen.export.jsonl import rows as json_rows
from vmgen.guest import Guest

COLUMNS = {
    "section": "string", "offset": "int64", "name": "string", "path": "string",
    "value": "string", "number": "uint64", "negative": "int64",
}  # fmt: skip
"""The table: columns, and pyarrow's names of their types."""

GROUP = 1 << 14
"""Rows that are held before they are written."""


def write(guest: Guest, out: BinaryIO, options: ExportOptions) -> None:
    """Write the table, a group of rows at a time."""
    table(rows(guest), COLUMNS, out)


def rows(guest: Guest) -> Iterator[dict[str, Any]]:
    """The rows by column."""
    for row in json_rows(guest):
        path, value = row["path"], row["value"]
        number = value if type(value) is int else None
        yield {
            "section": row["section"],
            "offset": row["offset"],
            "name": ".".join(map(str, path)),
            "path": json.dumps(path),
            "value": json.dumps(value),
            "number": number if number is not None and 0 <= number < 1 << 64 else None,
            "negative": number if number is not None and -1 << 63 <= number < 0 else None,
        }  # fmt: skip


def table(
    rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str], out: BinaryIO
) -> int:
    """Write rows as one Parquet file; how many there were."""
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema(
        [(name, pyarrow.type_for_alias(kind)) for name, kind in columns.items()]
    )
    left, count = iter(rows), 0
    with pyarrow.parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        while group := list(islice(left, GROUP)):
            writer.write_batch(pyarrow.RecordBatch.from_pylist(group, schema))
            count += len(group)
    return count
