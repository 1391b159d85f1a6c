"""Where boards have their RAM: facts in ``boards.json``, one board an entry.

An entry has the targets, the machine types (a version at the end is left out), the C file
that the addresses are from, the releases that were seen to have them, and for every block
its regions: an address, the offset in the block, ``most`` bytes at most, and the kind.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from vmgen.guest.regions import Region


@cache
def _boards() -> list[dict[str, Any]]:
    text = Path(__file__).with_name("boards.json").read_text("utf-8")
    boards: list[dict[str, Any]] = json.loads(text)["boards"]
    return boards


def without_version(machine: str) -> str:
    """A machine type without its version: ``virt`` for ``virt-10.0``."""
    return re.sub(r"-\d+\.\d+$", "", machine)


def known(target: str) -> list[str]:
    """The machine types of a target that the table has."""
    return sorted(
        {
            name
            for board in _boards()
            if target in board["targets"]
            for name in board["machines"]
        }
    )


def board_map(
    targets: tuple[str, ...], machine: str, blocks: dict[str, int]
) -> list[Region] | None:
    """The regions of a board with these blocks, None for a board that the table does not
    have."""
    name = without_version(machine)
    for board in _boards():
        if name in board["machines"] and set(targets) & set(board["targets"]):
            return [
                region
                for one in board["regions"]
                if one["block"] in blocks
                and (region := _region(one, blocks[one["block"]])) is not None
            ]
    return None


def _region(entry: dict[str, Any], length: int) -> Region | None:
    offset = int(entry.get("offset", "0"), 16)
    most = int(entry["most"], 16) if "most" in entry else length
    size = min(length - offset, most)
    if size <= 0:
        return None
    start = int(entry["address"], 16)
    return Region(start, size, entry["block"], offset, entry.get("kind", "ram"))
