"""Where a stream's RAM blocks are: as the user says, else as its machine has them."""

from __future__ import annotations

from collections.abc import Sequence

from vmgen.guest import boards, pci
from vmgen.guest.errors import NoMap
from vmgen.guest.given import read_map
from vmgen.guest.pci import Sections
from vmgen.guest.regions import PhysicalMap, Region
from vmgen.guest.x86_map import pc_map
from vmgen.stream.wire import printable

_PC = ("pc-", "isapc", "microvm")

_COVERED = ("pc.rom", "isa-bios", "vga.vram")
"""Blocks of a PC that have an address only while nothing is in front of it."""


def placed(
    blocks: dict[str, int], machine: str, targets: tuple[str, ...], names: list[str],
    sections: Sections, given: Sequence[str],
) -> PhysicalMap:  # fmt: skip
    """The physical map of a machine.

    What ``given`` says of a block takes the place of what the machine says; the text of
    ``info mtree -f`` takes the place of everything.  Raises NoMap, or BadMap for what was
    given.
    """
    extra = read_map(given, blocks)
    named = {one.rpartition("=")[0] for one in given}
    whole = any(region.block not in named for region in extra)
    reasons: dict[str, str] = {}
    hidden: dict[str, str] = {}
    regions: list[Region] = []
    if not whole:
        try:
            regions = _machine(blocks, machine, targets, names, sections)
        except NoMap:
            if not extra:
                raise
        else:
            devices, reasons, hidden = pci.placed(blocks, names, sections)
            regions += devices
            if machine.startswith(_PC):
                hidden |= dict.fromkeys(
                    set(_COVERED) & set(blocks), "something else is in its place"
                )
    there = {region.block for region in extra}
    regions = [region for region in regions if region.block not in there]
    regions += extra
    there = {region.block for region in regions}
    for block in blocks:
        if block.startswith("/rom@"):
            hidden[block] = "it is read through fw_cfg"
        elif whole:
            hidden.setdefault(block, "the map that was given does not have it")
        elif blocks[block] and block not in hidden:
            reasons.setdefault(block, "the map has no address for it")
    return PhysicalMap(
        regions,
        {block: why for block, why in reasons.items() if block not in there},
        {block: why for block, why in hidden.items() if block not in there},
    )


def _machine(
    blocks: dict[str, int], machine: str, targets: tuple[str, ...], names: list[str],
    sections: Sections,
) -> list[Region]:  # fmt: skip
    """The machine's own map, but for its PCI devices."""
    if set(targets) & {"i386", "x86_64"} and machine.startswith(_PC):
        return pc_map(blocks, names, sections)
    found = boards.board_map(targets, machine, blocks)
    if found is None:
        message = "the stream does not say where its RAM blocks are"
        if machine:
            message += f", and vmgen does not know the board {printable(machine)}"
        listed = ", ".join(
            f"--map {printable(block)}=ADDRESS" for block in blocks if block[:1] != "/"
        )
        raise NoMap(
            message, None, "ram",
            "give what 'info mtree -f' prints on such a machine (--map mtree.txt), or"
            f" addresses: {listed}",
        )  # fmt: skip
    return found
