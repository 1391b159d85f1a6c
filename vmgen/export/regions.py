"""A file for each region of guest-physical memory, and the map of them as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, BinaryIO

from vmgen.export.formats import ExportOptions, unplaced
from vmgen.export.sparse import SparseFile
from vmgen.guest import Guest, Region
from vmgen.schemas import versioned


def losses(guest: Guest, options: ExportOptions) -> Iterator[str]:
    """Of memory: blocks without an address."""
    yield from unplaced(guest)


def files(guest: Guest) -> Iterator[tuple[str, Callable[[BinaryIO], None]]]:
    """The name of every file, and what writes it; ``map.json`` comes last."""
    yield from images(guest)
    document = versioned(
        "export-regions", {"machine": guest.machine, "regions": entries(guest)}
    )
    yield "map.json", text(json.dumps(document, indent=1) + "\n")


def images(guest: Guest) -> Iterator[tuple[str, Callable[[BinaryIO], None]]]:
    """The files of the regions alone."""
    for region in guest.regions:
        yield _name(region), partial(_region, guest, region)


def entries(guest: Guest) -> list[dict[str, Any]]:
    """Every region as JSON has it."""
    return [
        {
            "file": _name(region),
            "address": region.start,
            "size": region.size,
            "block": region.block,
            "offset": region.offset,
            "kind": region.kind,
        }
        for region in guest.regions
    ]


def text(content: str) -> Callable[[BinaryIO], None]:
    """What writes a file of text."""
    return lambda out: _text(content, out)


def _name(region: Region) -> str:
    return f"{region.start:016x}.bin"


def _region(guest: Guest, region: Region, out: BinaryIO) -> None:
    file = SparseFile(out)
    for address, data in guest.memory.contents(region):
        file.skip_to(address - region.start)
        file.write(data)
    file.end_at(region.size)


def _text(content: str, out: BinaryIO) -> None:
    out.write(content.encode())
