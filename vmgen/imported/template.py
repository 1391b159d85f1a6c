"""A stream as a template: memory and registers out of files, all else as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vmgen.guest import Guest, Region
from vmgen.imported.core import ElfCore
from vmgen.imported.errors import BadCore
from vmgen.imported.memory import RawImage, placed
from vmgen.imported.registers import TakenCpu, take
from vmgen.stream import Draft


@dataclass(frozen=True, slots=True)
class Imported:
    """The changed stream; ``cpus`` are those of a core, ``kept`` the memory that stays the
    template's, ``blocks`` names the blocks that the import wrote, ``source`` is what the file
    is."""

    draft: Draft
    cpus: tuple[TakenCpu, ...]
    blocks: tuple[str, ...]
    kept: tuple[Region, ...]
    source: str = "a core"

    def said(self, guest: Guest) -> Iterator[str]:
        """What the stream has of the template, and not of the file, as sentences."""
        for cpu in self.cpus:
            yield from cpu.lost
        counts = {cpu.count for cpu in self.cpus}
        if not self.cpus:
            yield "every register of every CPU"
        else:
            yield (
                f"registers that {self.source} does not have: it has {max(counts)} of a CPU"
            )
        for one in self.kept:
            yield f"memory {one.start:#x} to {one.end:#x}: {one.block}"
        known = {region.block for region in guest.regions}
        for block in guest.ram.blocks:
            if block.name not in known and block.name not in self.blocks:
                yield f"RAM block {block.name}: at no address that is known"
        yield "every section of a device"


def import_core(guest: Guest, data: memoryview) -> Imported:
    """A core's registers and memory in a draft of the template.

    Raises BadCore, Unsupported, and what the template's map raises.
    """
    core = ElfCore(data)
    if not core.runs:
        raise BadCore("the core has no memory", None, "core")
    draft = Draft(guest.stream)
    cpus = take(guest, core, draft)
    memory = placed(guest, core, flash=False)
    for name, image in memory.blocks.items():
        draft.memory(name).load(image)
    return Imported(draft, cpus, tuple(memory.blocks), memory.kept)


def import_image(guest: Guest, data: memoryview, file: int | None = None) -> Imported:
    """An image of guest-physical memory in a draft of the template; ``file`` is the
    descriptor that it is mapped from, if it is.

    Raises BadCore for an image that does not end where memory does.
    """
    end = max((region.end for region in guest.regions), default=0)
    if len(data) != end:
        raise BadCore(
            f"an image of {len(data):#x} bytes, and the template's memory ends at {end:#x}",
            None, "memory",
            "'vmgen export raw' writes one of the right size; BLOCK=IMAGE is one of a block",
        )  # fmt: skip
    draft = Draft(guest.stream)
    memory = placed(guest, RawImage(data, file), flash=True)
    for name, image in memory.blocks.items():
        draft.memory(name).load(image)
    return Imported(draft, (), tuple(memory.blocks), memory.kept)


def import_blocks(guest: Guest, images: dict[str, memoryview]) -> Imported:
    """Images of whole RAM blocks by name in a draft of the template, which needs no map.

    Raises NotFound for a block that the template does not have, BadEdit for an image of
    another size.
    """
    draft = Draft(guest.stream)
    for name, data in images.items():
        draft.memory(name).load(data)
    return Imported(draft, (), tuple(images), ())
