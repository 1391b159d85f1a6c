"""RAM blocks of another size: a ROM that grew between two releases.

QEMU compares each block of the list at the beginning of the RAM section with its own, and
resizes only those that its ROM loader made (``parse_ramblock`` in ``migration/ram.c``).  Any
other must have the size that the destination has.  A block that grows ends in zero pages, as
the source has nothing there; of one that shrinks the pages behind its end go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from vmgen.convert.states import Line
from vmgen.stream import Stream
from vmgen.stream.errors import BadEdit
from vmgen.stream.memory import Memory
from vmgen.stream.ram import CONTINUE, MEM_SIZE, ZERO, Mark, PageRun, RamBlock
from vmgen.stream.ram_draft import Patch
from vmgen.stream.wire import counted, printable, raw

MOST = 1 << 18
"""So many pages may be added: a ROM has a few hundred."""


def resized(stream: Stream, sizes: Mapping[str, int]) -> tuple[list[Patch], list[Line]]:
    """What of the stream gives way so that its blocks have these sizes in bytes, and what
    there is to report.

    Raises NotFound for a block that the stream does not have, BadEdit for a size that a
    block cannot have and for a stream whose pages are not in it.
    """
    memory = stream.memory()
    patches: list[Patch] = []
    lines: list[Line] = []
    wanted: dict[str, tuple[RamBlock, int]] = {}
    for name, size in sizes.items():
        block = memory.block(name)
        _check(block, size, memory.page_size)
        if size != block.used_length:
            wanted[block.name] = block, size
            sizes_ = hex(block.used_length), hex(size)
            lines.append(Line("ram/0", printable(name), "set", *sizes_, "by --ram"))
    if wanted:
        patches += _announced(memory, wanted)
        patches += _without(stream.view, memory, wanted, lines)
        patches += _zeros(memory, wanted)
    patches.sort(key=lambda one: one.offset)
    return patches, lines


def _check(block: RamBlock, size: int, page: int) -> None:
    path = f"ram {printable(block.name)}"
    if size <= 0 or size % page:
        message = f"{size:#x} bytes are no whole number of pages of {page:#x}"
        raise BadEdit(message, block.offset, path)
    if block.mapped is not None:
        message = "the pages of a mapped-ram stream have their places in the file"
        raise BadEdit(message, block.offset, path)
    if (size - block.used_length) // page > MOST:
        message = f"more than {MOST} pages would be added"
        raise BadEdit(message, block.offset, path)
    if size != block.used_length and not block.pages:
        message = "the stream has no page of this block"
        hint = "its pages went another way: multifd, or x-ignore-shared"
        raise BadEdit(message, block.offset, path, hint)


def _announced(
    memory: Memory, wanted: Mapping[str, tuple[RamBlock, int]]
) -> Iterator[Patch]:
    """The list of blocks, with the sum of their lengths."""
    for record in memory.records():
        if not isinstance(record, Mark) or record.kind != "sizes":
            continue
        total = record.total
        for block in record.blocks:
            if block.name in wanted:
                size = wanted[block.name][1]
                total += size - block.used_length
                at = block.offset + 1 + len(raw(block.name))
                yield Patch(at, 8, partial(size.to_bytes, 8, "big"))
        header = total | MEM_SIZE
        yield Patch(record.offset, 8, partial(header.to_bytes, 8, "big"))


def _without(
    view: memoryview,
    memory: Memory,
    wanted: Mapping[str, tuple[RamBlock, int]],
    lines: list[Line],
) -> Iterator[Patch]:
    """Without the pages behind a block's end.

    A record may continue the block that the one before it named; where that one goes,
    the next has to name it.
    """
    nameless = False
    lost: dict[str, int] = {}
    for record in memory.records():
        if not isinstance(record, PageRun):
            continue
        name = record.block.name
        if record.named:
            nameless = False
        size = wanted[name][1] if name in wanted else record.block.used_length
        for index, address in enumerate(record.addresses):
            at = record.start + index * record.stride
            if address >= size:
                nameless |= record.named and index == 0
                if _holds(view, record, index):
                    lost[name] = lost.get(name, 0) + 1
                yield Patch(at, record.stride, bytes)
            elif nameless:
                nameless = False
                header = int.from_bytes(view[at : at + 8], "big") & ~CONTINUE
                made = header.to_bytes(8, "big") + counted(name)
                yield Patch(at, 8, partial(bytes, made))
            elif name not in wanted:
                break
    for name, pages in lost.items():
        text = f"{pages} pages"
        why = "behind the end that the block has now"
        lines.append(Line("ram/0", printable(name), "lost", text, "", why, harm=True))


def _holds(view: memoryview, run: PageRun, index: int) -> bool:
    """Whether a page of a run has anything but zeros."""
    if run.kind == "zero":
        return run.fill != 0
    at = run.offset + index * run.stride
    return any(view[at : at + run.length])


def _zeros(
    memory: Memory, wanted: Mapping[str, tuple[RamBlock, int]]
) -> Iterator[Patch]:
    """Zero pages behind what the source had, before the last end mark."""
    end = max(
        record.offset
        for record in memory.records()
        if isinstance(record, Mark) and record.kind == "end"
    )
    for block, size in wanted.values():
        start = -(-block.used_length // memory.page_size) * memory.page_size
        pages = range(start, size, memory.page_size)
        if pages:
            yield Patch(end, 0, partial(_zero_pages, block.name, pages))


def _zero_pages(name: str, pages: range) -> bytes:
    first = (pages[0] | ZERO).to_bytes(8, "big") + counted(name) + b"\0"
    rest = [(page | ZERO | CONTINUE).to_bytes(8, "big") + b"\0" for page in pages[1:]]
    return b"".join((first, *rest))
