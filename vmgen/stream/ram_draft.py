"""Guest memory to be changed: a block's bytes, and what of the stream gives way for them.

A page that comes several times is what its last record says, so that one is changed, in its
own form: a normal page keeps its place and size, a zero page that is not zero any more becomes
a normal one, a compressed one is compressed again, and a difference (XBZRLE), which counts on
what was sent before, becomes a normal page.  ``ram_load_precopy`` (``migration/ram.c``) takes
either record for any page.  A page that the stream does not have gets a record of its own
before the end mark of the last RAM section; a mapped-ram file gets it in its place, with its
bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import overload

from vmgen.stream.errors import BadEdit, NotFound
from vmgen.stream.frozen import Frozen
from vmgen.stream.mapped_ram import MappedRam
from vmgen.stream.memory import Memory
from vmgen.stream.ram import (
    COMPRESS_PAGE,
    CONTINUE,
    PAGE,
    Mark,
    PageKind,
    PageRun,
    RamBlock,
)
from vmgen.stream.wire import Buffer, counted, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object


class Patch(Frozen):
    """``size`` bytes of the stream at ``offset`` give way to what ``made`` makes."""

    offset: int
    size: int
    made: Callable[[], bytes]


class BlockBytes(Protocol):
    """The bytes of a block, made when they are wanted."""

    def __len__(self) -> int: ...

    def __getitem__(self, where: slice, /) -> Buffer: ...


class RamDraft:
    """The bytes of a RAM block, to be read and written by slices; addresses are those in the
    block.

    ``draft[0x1000:0x1004] = b"..."`` keeps the length, ``draft[0x1000]`` is one byte as a
    number.  What was written is read back.  Pages that the stream does not have read as
    zeros.  In memory are the pages that were written to, and the index of the block: eight
    bytes a page.
    """

    def __init__(self, memory: Memory, block: RamBlock) -> None:
        self.block = block
        self._memory = memory
        self.page_size = memory.page_size
        self._pages: dict[int, bytearray] = {}
        self._image: BlockBytes | None = None

    def __len__(self) -> int:
        return self.block.used_length

    def __repr__(self) -> str:
        size, count = self.block.used_length, len(self._pages)
        whole = ", from an image" if self._image is not None else ""
        return f"<RamDraft {self.block.name!r}: {size:#x} bytes, {count} pages written{whole}>"

    @overload
    def __getitem__(self, where: int) -> int: ...

    @overload
    def __getitem__(self, where: slice) -> bytes: ...

    def __getitem__(self, where: int | slice) -> int | bytes:
        start, end = self._range(where)
        data = b"".join(
            bytes(self._page(page)[begin:stop])
            for page, begin, stop in self._parts(start, end)
        )
        return data if isinstance(where, slice) else data[0]

    def __setitem__(self, where: int | slice, value: int | Buffer) -> None:
        start, end = self._range(where)
        if isinstance(value, int):
            if isinstance(where, slice) or not 0 <= value < 256:
                raise BadEdit(f"{value} is not a byte", None, self._path)
            value = bytes([value])
        if len(value) != end - start:
            message = f"{len(value)} bytes for {end - start} at {start:#x}"
            raise BadEdit(message, None, self._path)
        done = 0
        for page, begin, stop in self._parts(start, end):
            if page not in self._pages:
                self._pages[page] = bytearray(self._page(page))
            self._pages[page][begin:stop] = value[done : done + stop - begin]
            done += stop - begin

    def load(self, image: Buffer | BlockBytes) -> None:
        """Make the block what an image of all of it says (``vmgen stream extract``), which
        is read page by page.

        What was written before is gone.  Raises BadEdit for an image of another size.
        """
        if len(image) != len(self):
            message = f"an image of {len(image)} bytes for a block of {len(self)}"
            hint = "extract FILE ram/BLOCK makes one of the right size"
            raise BadEdit(message, None, self._path, hint)
        if isinstance(image, (bytes, bytearray, memoryview)):
            image = memoryview(image)
        self._image = image
        self._pages.clear()

    @property
    def _path(self) -> str:
        return f"ram {printable(self.block.name)}"

    def _range(self, where: int | slice) -> tuple[int, int]:
        if isinstance(where, int):
            where = slice(where, where + 1)
        start = 0 if where.start is None else where.start
        end = len(self) if where.stop is None else where.stop
        if where.step not in (None, 1) or not 0 <= start <= end <= len(self):
            message = f"no bytes from {start:#x} to {end:#x} in {len(self):#x}"
            raise NotFound(message, None, self._path)
        return start, end

    def _parts(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """The address of each page, and which of its bytes."""
        size = self.page_size
        while start < end:
            page = start - start % size
            stop = min(end, page + size)
            yield page, start - page, stop - page
            start = stop

    def _page(self, address: int) -> Buffer:
        """The page as it is to be."""
        if (written := self._pages.get(address)) is not None:
            return written
        if self._image is not None:
            return self._image[address : address + self.page_size]
        return self._before(address) or bytes(self.page_size)

    def _before(self, address: int) -> memoryview | None:
        return self._memory.page(self.block.name, address)

    def changed(self) -> Iterator[int]:
        """The addresses of the pages that are not what they were, ascending.

        A page that was written to, and that the stream does not have, is one of them.
        """
        if self._image is None:
            addresses: Iterable[int] = sorted(self._pages)
        else:
            addresses = range(0, len(self), self.page_size)
        for address in addresses:
            old, new = self._before(address), bytes(self._page(address))
            if old is None:
                if address in self._pages or any(new):
                    yield address
            elif old.tobytes()[: len(new)] != new:
                yield address

    def contents(self, address: int) -> bytes:
        """The whole page as it is to be."""
        return bytes(self._page(address)).ljust(self.page_size, b"\0")


class _Last(Frozen):
    """The record that a page ends with."""

    kind: PageKind
    start: int
    size: int
    named: bool


def patches(
    view: memoryview, memory: Memory, drafts: Iterable[RamDraft]
) -> list[Patch]:
    """What of the stream gives way, in its order.

    Raises BadEdit for a block of which the stream has no pages at all: they went another way
    (multifd, ``x-ignore-shared``), and QEMU may not take one here.
    """
    made: list[Patch] = []
    wanted: dict[str, tuple[RamDraft, dict[int, _Last | None]]] = {}
    for draft in drafts:
        changed = list(draft.changed())
        mapped = draft.block.mapped
        if changed and mapped is not None:
            made += _in_place(view, draft, mapped, changed)
        elif changed:
            if not draft.block.pages:
                message = "the stream has no page of this block"
                hint = "its pages went another way: multifd, or x-ignore-shared"
                path = f"ram {printable(draft.block.name)}"
                raise BadEdit(message, draft.block.offset, path, hint)
            wanted[draft.block.name] = draft, dict.fromkeys(changed)
    if wanted:
        made += _of_records(memory, wanted)
    made.sort(key=lambda one: one.offset)
    return made


def _of_records(
    memory: Memory, wanted: dict[str, tuple[RamDraft, dict[int, _Last | None]]]
) -> Iterator[Patch]:
    end = 0
    for record in memory.records():
        if isinstance(record, Mark):
            end = record.offset if record.kind == "end" else end
        elif record.block.name in wanted:
            _seen(record, wanted[record.block.name][1])
    for draft, found in wanted.values():
        for address, last in found.items():
            if last is None:
                made = _record(draft, address, _Last("normal", end, 0, True))
                yield Patch(end, 0, made)
            elif last.kind == "zero" and not any(draft.contents(address)):
                fill = last.start + last.size - 1
                yield Patch(fill, 1, lambda: b"\0")
            else:
                yield Patch(last.start, last.size, _record(draft, address, last))


def _seen(run: PageRun, found: dict[int, _Last | None]) -> None:
    """Remember the records of a run that pages end with so far."""
    for index, address in enumerate(run.addresses):
        if address in found:
            start = run.start + index * run.stride
            named = run.named and index == 0
            found[address] = _Last(run.kind, start, run.stride, named)


def _record(draft: RamDraft, address: int, last: _Last) -> Callable[[], bytes]:
    """The record of a page, compressed if it was so before, else normal."""

    def made() -> bytes:
        flags = 0 if last.named else CONTINUE
        name = counted(draft.block.name) if last.named else b""
        data = draft.contents(address)
        kind = PAGE
        if last.kind == "compressed":
            import zlib

            data = zlib.compress(data)
            data, kind = len(data).to_bytes(4, "big") + data, COMPRESS_PAGE
        return (address | kind | flags).to_bytes(8, "big") + name + data

    return made


def _in_place(
    view: memoryview, draft: RamDraft, mapped: MappedRam, changed: list[int]
) -> Iterator[Patch]:
    """The pages of a mapped-ram file, and the bits of those that it lacked."""
    if mapped.page_size != draft.page_size:
        message = f"pages of {mapped.page_size} bytes, {draft.page_size} elsewhere"
        raise BadEdit(message, draft.block.offset, f"ram {printable(draft.block.name)}")
    bits: dict[int, int] = {}
    for address in changed:
        number = address // mapped.page_size
        bits[number // 8] = bits.get(number // 8, 0) | 1 << number % 8
        yield Patch(
            mapped.pages_offset + address,
            mapped.page_size,
            partial(draft.contents, address),
        )
    for byte, mask in bits.items():
        at = mapped.bitmap_offset + byte
        value = view[at] | mask
        yield Patch(at, 1, partial(bytes, (value,)))


def patched(
    view: memoryview, start: int, end: int, patches: Iterable[Patch]
) -> Iterator[Buffer]:
    """The bytes from ``start`` to ``end``, with the patches that lie there."""
    for patch in patches:
        yield view[start : patch.offset]
        yield patch.made()
        start = patch.offset + patch.size
    yield view[start:end]
