"""Blocks of guest memory that can have another size than the machine gave them.

Only what ``rom_add_blob`` (``hw/core/loader.c``) makes of firmware's files can be resized,
up to a size that it is given.  Blocks of another size than the machine's are refused
(``qemu_ram_resize``, ``system/physmem.c``); the sizes of ACPI's tables that fw_cfg has in
its own section end QEMU where they do not fit (``fw_cfg_update_mr``,
``hw/nvram/fw_cfg.c``).
"""

from __future__ import annotations

import re

from vmgen.stream import described, tables
from vmgen.stream.codecs import Codecs
from vmgen.stream.errors import StreamError
from vmgen.stream.objections import Objection
from vmgen.stream.parts import Section
from vmgen.stream.stream import Stream

_MADE_OF_FILES = ("/rom@", "/ram@")
"""How the names of blocks begin that ``rom_add_blob`` makes."""

_MOST = {
    "/rom@etc/acpi/tables": 0x200000,
    "/rom@etc/table-loader": 0x10000,
    "/rom@etc/acpi/rsdp": 0x1000,
}
"""The bytes that blocks can have (``acpi_add_rom_blob``, ``hw/acpi/utils.c``)."""

_SIZES = {
    "table_mr_size": "/rom@etc/acpi/tables",
    "linker_mr_size": "/rom@etc/table-loader",
    "rsdp_mr_size": "/rom@etc/acpi/rsdp",
}
"""What fw_cfg's section has of them (``vmstate_fw_cfg_acpi_mr``)."""

_MOST_OF_A_FILE = 0xFFFF_FFFF
"""``fw_cfg_modify_bytes_read`` (``hw/nvram/fw_cfg.c``) asserts that a file is smaller."""

_FIRST = (6, 0)
"""Since this release all of them can grow; before, the tables alone."""


def takes(name: str, length: int, own: int, codecs: Codecs) -> bool | None:
    """Whether a block that has ``own`` bytes can be resized to ``length``; None if that
    cannot be said."""
    size = _aligned(length, codecs)
    if size == own:
        return True
    if not name.startswith(_MADE_OF_FILES):
        return False
    most = _MOST.get(name)
    if most is None:
        return None
    if size > most:
        return False
    grows = most == _MOST["/rom@etc/acpi/tables"] or _release(codecs) >= _FIRST
    return True if grows or size < own else None


def sizes(
    stream: Stream, section: Section, own: Stream | None, codecs: Codecs
) -> tuple[Objection, bool] | None:
    """A size in fw_cfg's section that its block cannot have, and whether that is sure.

    The blocks are those of the machine, or those of the stream: a machine that lacks one
    of them refuses it for that.
    """
    if section.name.rpartition("/")[2] != "fw_cfg":
        return None
    try:
        blocks = (stream if own is None else own).memory().blocks
        leaves = list(described.leaves(stream.layout(section), section.start))
    except StreamError:
        return None
    lengths = {block.name: block.used_length for block in blocks}
    unsure = None
    for path, slot, at in leaves:
        name = _SIZES.get(path.rpartition(".")[2], "")
        if name not in lengths or slot.size != 8:
            continue
        value = int.from_bytes(stream.view[at : at + 8], "big")
        taken = takes(name, value, lengths[name], codecs)
        if value >= _MOST_OF_A_FILE:
            taken = False
        if taken is True:
            continue
        message = (
            f"{value:#x} bytes, which the block of guest memory {name} cannot have"
        )
        if taken is None:
            message += ", unless it can grow"
        found = Objection("value", section.path, path, at, message)
        if taken is False:
            return found, True
        unsure = unsure or found
    return None if unsure is None else (unsure, False)


def _aligned(length: int, codecs: Codecs) -> int:
    """As so many whole pages, in 64 bits."""
    page = max(codecs.page_size or 0, 4096)
    return (length + page - 1 & -page) & (1 << 64) - 1


def _release(codecs: Codecs) -> tuple[int, int]:
    known = tables.of(codecs)
    number = re.match(r"(\d+)\.(\d+)", "" if known is None else known.release)
    return (0, 0) if number is None else (int(number[1]), int(number[2]))
