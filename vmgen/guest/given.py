"""Maps that the user gives: the text of ``info mtree -f``, or blocks with addresses."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from vmgen.guest.errors import BadMap
from vmgen.guest.regions import Region, RegionKind
from vmgen.stream.wire import printable

LONGEST_TEXT = 1 << 26

_KINDS: Mapping[str, RegionKind] = {
    "ram": "ram", "ramd": "ram", "nv-ram": "ram", "rom": "rom", "romd": "romd",
}  # fmt: skip
"""``memory_region_type`` (system/memory.c)."""

_RANGE = re.compile(
    r"\s+([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, ([\w/-]+)\): (.+?)"
    r"(?: @([0-9a-f]{16}))?(?: KVM)?(?: [\w-]+)?\s*"
)
"""``mtree_print_flatview`` (system/memory.c)."""


def read_map(given: Sequence[str], blocks: Mapping[str, int]) -> tuple[Region, ...]:
    """What ``--map`` says, each a file or ``BLOCK=ADDRESS[:SIZE[@OFFSET]]``.

    ``blocks`` are those of the stream with their lengths.  Raises BadMap.
    """
    made: list[Region] = []
    for one in given:
        name, equals, rest = one.rpartition("=")
        if equals and not os.path.exists(one):
            made.append(_placed(name, rest, blocks))
        else:
            made += mtree(_text(one), blocks, one)
    return tuple(made)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(LONGEST_TEXT)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BadMap(f"{path}: cannot be read: {reason}", None, "map") from None


def _placed(name: str, rest: str, blocks: Mapping[str, int]) -> Region:
    if name not in blocks:
        known = ", ".join(map(printable, blocks))
        hint = f"the blocks are: {known}"
        raise BadMap(f"the stream has no block '{printable(name)}'", None, "map", hint)
    match = re.fullmatch(r"(\w+)(?::(\w+)(?:@(\w+))?)?", rest)
    try:
        if match is None:
            raise ValueError
        start, size, offset = (
            None if group is None else int(group, 0) for group in match.groups()
        )
    except ValueError:
        hint = "it looks like pc.ram=0x0 or pc.ram=0x100000000:0x40000000@0x80000000"
        raise BadMap(f"{name}={rest}: no address", None, "map", hint) from None
    offset = offset or 0
    length = blocks[name]
    size = length - offset if size is None else size
    if size <= 0 or offset + size > length:
        message = f"{printable(name)} has {length:#x} bytes, not {offset + size:#x}"
        raise BadMap(message, None, "map")
    return Region(start or 0, size, name, offset)


def mtree(text: str, blocks: Mapping[str, int], file: str) -> list[Region]:
    """The RAM in the flat view of memory that ``info mtree -f`` prints.

    A block of a device is called by its region's name there, without the device's path.
    Raises BadMap if the text has no such view, or names no block of the stream for certain.
    """
    made: list[Region] = []
    inside = seen = False
    for line in text.splitlines():
        if line.startswith(" AS "):
            inside = inside or line.startswith(' AS "memory"')
        elif line.startswith("FlatView"):
            if inside and seen:
                break
            inside = seen = False
        elif inside and (match := _RANGE.fullmatch(line)):
            seen = True
            start, last, kind, name, offset = match.groups()
            if kind not in _KINDS:
                continue
            block = _block(name, blocks, file)
            if block is None:
                continue
            begin = int(offset or "0", 16)
            size = int(last, 16) + 1 - int(start, 16)
            if begin + size > blocks[block]:
                if begin >= blocks[block]:
                    raise BadMap(
                        f"{file}: {name} has {begin + size:#x} bytes there, and"
                        f" {blocks[block]:#x} in the stream", None, "map",
                        "the machine must have the options of the one that was saved",
                    )  # fmt: skip
                size = blocks[block] - begin
            made.append(Region(int(start, 16), size, block, begin, _KINDS[kind]))
    if not made:
        hint = "save what the monitor command 'info mtree -f' prints"
        raise BadMap(
            f"{file}: no flat view of the address space 'memory'", None, "map", hint
        )
    flash = {region.block for region in made if region.kind == "romd"}
    return [
        replace(region, kind="romd") if region.block in flash else region
        for region in made
    ]


def _block(name: str, blocks: Iterable[str], file: str) -> str | None:
    if name in set(blocks):
        return name
    found = [one for one in blocks if one.endswith(f"/{name}")]
    if len(found) > 1:
        raise BadMap(
            f"{file}: {name} can be {' or '.join(map(printable, found))}", None, "map",
            "give the block's address: --map BLOCK=ADDRESS",
        )  # fmt: skip
    return found[0] if found else None
