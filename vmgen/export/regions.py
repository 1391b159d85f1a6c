"""A file for each region of guest-physical memory, and the map of them as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO

from vmgen.export.formats import ExportOptions, unplaced
from vmgen.export.sparse import SparseFile
from vmgen.guest import Guest, Region
from vmgen.schemas import versioned


def losses(guest: Guest, options: ExportOptions) -> Iterator[str]:
    """Of memory: blocks without an address."""
    yield from unplaced(guest)


def files(guest: Guest) -> Iterator[tuple[str, Callable[[BinaryIO], None]]]:
    """The name of every file, and what writes it; ``map.json`` comes last."""
    entries = []
    for region in guest.regions:
        name = f"{region.start:016x}.bin"
        entries.append(
            {
                "file": name,
                "address": region.start,
                "size": region.size,
                "block": region.block,
                "offset": region.offset,
                "kind": region.kind,
            }
        )
        yield name, partial(_region, guest, region)
    document = versioned(
        "export-regions", {"machine": guest.machine, "regions": entries}
    )
    text = json.dumps(document, indent=1) + "\n"
    yield "map.json", partial(_text, text)


def _region(guest: Guest, region: Region, out: BinaryIO) -> None:
    file = SparseFile(out)
    for address, data in guest.memory.contents(region):
        file.skip_to(address - region.start)
        file.write(data)
    file.end_at(region.size)


def _text(text: str, out: BinaryIO) -> None:
    out.write(text.encode())
