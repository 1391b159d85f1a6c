"""What a generated package says of its target in ``meta.json``, read without importing it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from vmgen.stream.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MOST = 1 << 22


class Table(Frozen):
    """A table of a section ``cpu``: for each field, by the name that a stream's
    description has, the sizes of an element in bytes, 0 for what is no number."""

    symbol: str
    version: int
    fields: Mapping[str, tuple[int, ...]]


class Meta(Frozen):
    """A target of a package; empty and None for what is not known."""

    release: str = ""
    target: str = ""
    page_bits: int | None = None
    cpu: tuple[Table, ...] = ()


def read_meta(folder: str | os.PathLike[str] | None) -> Meta:
    """What the folder of a target says.

    Empty where there is no folder, no such file or a different file: packages come from
    elsewhere, and streams are read without it.
    """
    if folder is None:
        return Meta()
    try:
        with open(os.path.join(folder, "meta.json"), "rb") as file:
            document = json.loads(file.read(_MOST))
        return Meta(
            str(document["release"]),
            str(document["target"]),
            _bits(document["page_bits"]),
            tuple(map(_table, document["cpu"])),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Meta()


def _bits(value: Any) -> int | None:
    if value is None or (type(value) is int and 0 < value < 32):
        return value
    raise ValueError(value)


def _table(value: Any) -> Table:
    fields = {
        str(name): tuple(map(int, sizes)) for name, sizes in value["fields"].items()
    }
    return Table(str(value["symbol"]), int(value["version"]), fields)
