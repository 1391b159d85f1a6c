"""Guest memory: every format of a page, where it lies, and what it says in the end."""

from __future__ import annotations

import hashlib
import struct
import zlib
from array import array
from collections.abc import Iterator

import pytest

from tests.stream_files import WHOLE, captured, codecs_of
from vmgen.stream import Malformed, Memory, NotFound, Stream, StreamError, Truncated
from vmgen.stream.memory import apply_xbzrle
from vmgen.stream.ram import Mark, PageRun, Ram, Record, encode, walk
from vmgen.stream.verify import verify
from vmgen.stream.wire import Cursor

ZERO, SIZES, PAGE, EOS, CONTINUE, XBZRLE = 2, 4, 8, 0x10, 0x20, 0x40
HOOK, COMPRESSED, FLUSH = 0x80, 0x100, 0x200

GUEST_MEMORY = {
    "riscv64-compress--7.2.22": "56dc10bd05529be4c740d8f289364fd9af7057446c7fa9aa6ecabb8efb018aad",
    "riscv64-mapped-ram--10.0.2": "76e4906776f743187cdeb821b9dc1055fdddc78ed716f5f2c113c386c2e61201",
    "riscv64-mapped-ram-multifd--10.0.2": (
        "f1e6a414f42dae7469f13150d3d2c533e41d3cfd7238c6ffc8f516c71d8093db"
    ),
    "riscv64-return-path--10.0.2": "230dadbca86bc58a24b8db79d94535a104341b311be6b56f4b990b918d24fca6",
    "riscv64-xbzrle--10.0.2": "968e346c3b31ebc8aeeb572f015abaa943a8a11dd308856b912ade78d8216e5b",
}
"""sha256 of the guest's memory as QEMU's ``pmemsave`` wrote it when the stream was."""


def header(address: int, flags: int) -> bytes:
    return struct.pack(">Q", address | flags)


def sizes(*blocks: tuple[str, int], more: bytes = b"") -> bytes:
    made = header(sum(size for _, size in blocks), SIZES)
    for name, size in blocks:
        made += bytes([len(name)]) + name.encode() + struct.pack(">Q", size) + more
    return made


def records(
    body: bytes, page_size: int = 4096, postcopy: bool = False, shared: bool = False
) -> list[PageRun | Mark]:
    """All records of a section's body, which must come back as it was."""
    ram = Ram(page_size, postcopy, shared)
    view = memoryview(body)
    cursor = Cursor(view, 0)
    found = list(walk(ram, cursor))
    assert cursor.pos == len(body)
    again = b"".join(made for one in found for _, made in encode(one, ram, view))
    starts = [one.start if isinstance(one, PageRun) else one.offset for one in found]
    for one, behind in zip(found, [*starts[1:], len(body)], strict=True):
        if isinstance(one, PageRun):
            assert one.start + one.stride * len(one.addresses) == behind
            if one.kind in ("zero", "normal"):
                assert one.length == {"zero": 1, "normal": page_size}[one.kind]
    assert again == body
    return found


def pages(found: list[PageRun | Mark]) -> list[tuple[str, str, int, int]]:
    """Kind, block, address and offset of the data, page by page."""
    return [
        (run.kind, run.block.name, address, run.offset + index * run.stride)
        for run in found
        if isinstance(run, PageRun)
        for index, address in enumerate(run.addresses)
    ]


END = header(0, EOS)
LIST = sizes(("a", 0x40000), ("b", 0x10000))


@pytest.mark.parametrize("page_size", [256, 1024, 4096, 8192, 16384, 65536])
@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 1000])
def test_runs_of_zero_pages(page_size: int, count: int) -> None:
    length = (count + 2) * page_size
    body = sizes(("ram", length)) + header(0, ZERO) + b"\3ram\0"
    first = len(body)
    body += b"".join(
        header((number + 1) * page_size, ZERO | CONTINUE) + b"\0"
        for number in range(count)
    )
    found = records(body + END, page_size)
    assert pages(found)[1:] == [
        ("zero", "ram", (number + 1) * page_size, first + 9 * number + 8)
        for number in range(count)
    ]
    run = found[-2]
    assert isinstance(run, PageRun)
    assert run.addresses == array("Q", [(n + 1) * page_size for n in range(count)])


@pytest.mark.parametrize("page_size", [256, 4096, 65536])
@pytest.mark.parametrize("count", [1, 2, 17, 300])
def test_runs_of_normal_pages(page_size: int, count: int) -> None:
    body = (
        sizes(("ram", (count + 1) * page_size))
        + header(0, PAGE)
        + b"\3ram"
        + b"x" * page_size
    )
    first = len(body)
    data = [bytes([number % 251 + 1]) * page_size for number in range(count)]
    for number, page in enumerate(data):
        body += header((number + 1) * page_size, PAGE | CONTINUE) + page
    body += END
    found = records(body, page_size)
    assert [at for *_, at in pages(found)[1:]] == [
        first + 8 + number * (8 + page_size) for number in range(count)
    ]
    assert [body[at : at + page_size] for *_, at in pages(found)[1:]] == data


def test_kinds_of_pages_one_after_the_other() -> None:
    packed = zlib.compress(b"z" * 4096)
    parts = [
        LIST,
        header(0x1000, ZERO) + b"\1a\0",
        header(0x2000, ZERO | CONTINUE) + b"\0",
        header(0x3000, ZERO | CONTINUE) + b"\7",  # 7.2 fills with any byte
        header(0x4000, ZERO | CONTINUE) + b"\0",
        header(0x5000, PAGE | CONTINUE) + b"p" * 4096,
        header(0x0000, PAGE) + b"\1b" + b"q" * 4096,
        header(0x1000, PAGE | CONTINUE) + b"r" * 4096,
        header(0x1000, XBZRLE | CONTINUE) + b"\1\0\3" + b"\0\1s",
        header(0x2000, XBZRLE) + b"\1a\1\0\0",
        header(0x6000, COMPRESSED | CONTINUE) + struct.pack(">I", len(packed)) + packed,
        header(0, FLUSH),
        header(0x7000, PAGE | CONTINUE) + b"t" * 4096,
        END,
    ]
    found = records(b"".join(parts))
    assert [(kind, block, address) for kind, block, address, _ in pages(found)] == [
        ("zero", "a", 0x1000), ("zero", "a", 0x2000), ("zero", "a", 0x3000),
        ("zero", "a", 0x4000), ("normal", "a", 0x5000), ("normal", "b", 0),
        ("normal", "b", 0x1000), ("xbzrle", "b", 0x1000), ("xbzrle", "a", 0x2000),
        ("compressed", "a", 0x6000), ("normal", "a", 0x7000),
    ]  # fmt: skip
    assert [one.kind for one in found if isinstance(one, Mark)] == [
        "sizes",
        "flush",
        "end",
    ]
    assert {
        run.fill for run in found if isinstance(run, PageRun) and run.kind == "zero"
    } == {0, 7}


def test_lists_of_blocks_with_more_in_them() -> None:
    huge = struct.pack(">Q", 2 << 20)
    mark, _ = records(
        sizes(("a", 0x1000), ("b", 0x2000), more=huge) + END, postcopy=True
    )
    assert isinstance(mark, Mark)
    assert [block.page_size for block in mark.blocks] == [2 << 20, 2 << 20]
    mark, _ = records(LIST + END, postcopy=True)
    assert isinstance(mark, Mark)
    assert [block.page_size for block in mark.blocks] == [None, None]
    mark, _ = records(sizes(("a", 0x1000), more=huge) + END, shared=True)
    assert isinstance(mark, Mark)
    assert mark.blocks[0].address == 2 << 20


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            header(0x1000, ZERO | CONTINUE) + b"\0",
            "continues a block before any is named",
        ),
        (LIST + header(0x1000, ZERO | CONTINUE) + b"\0", "before any is named"),
        (LIST + header(0, PAGE) + b"\1c" + bytes(4096), "unknown block 'c'"),
        (
            LIST + header(0x40000, ZERO) + b"\1a\0",
            "page 0x40000 in a block of 0x40000 bytes",
        ),
        (LIST + header(0, ZERO | PAGE) + b"\1a\0", "combination of page flags: 0xa"),
        (LIST + header(0, 0), "combination of page flags: 0x0"),
        (LIST + header(0, 0x800), "combination of page flags: 0x800"),
        (LIST + header(0, HOOK), "page record of RDMA"),
        (
            LIST + header(0, PAGE) + b"\1a" + bytes(4095),
            "4096 bytes are needed and 4095",
        ),
        (LIST + header(0, XBZRLE) + b"\1a\2\0\0", "unknown encoding"),
        (LIST + header(0, XBZRLE) + b"\1a\1\x10\1", "XBZRLE page of 4097 bytes"),
        (
            LIST + header(0, COMPRESSED) + b"\1a\xff\xff\xff\xff",
            "compressed page of 4294967295",
        ),
        (
            header(0x1000, SIZES) + b"\1a" + b"\xff" * 8,
            "0xffffffffffffffff bytes where 0x1000",
        ),
        (sizes(("a", 0x1000), ("a", 0x1000)), "listed twice"),
        (header(1 << 62, SIZES), "1 bytes are needed and 0 are left"),
        (LIST, "8 bytes are needed and 0 are left"),
    ],
)
def test_what_qemu_would_refuse(body: bytes, message: str) -> None:
    with pytest.raises(StreamError, match=message):
        list(walk(Ram(4096), Cursor(memoryview(body), 0)))


def test_a_mapped_file_is_not_flushed_in_between() -> None:
    body = LIST + header(0, FLUSH) + END
    assert [one.kind for one in records(body) if isinstance(one, Mark)][1] == "flush"
    ram = Ram(4096, mapped_ram=True)
    with pytest.raises(Malformed, match="combination of page flags: 0x200"):
        list(walk(ram, Cursor(memoryview(header(0, FLUSH) + END), 0)))


def test_addresses_have_64_bits() -> None:
    top = 1 << 63
    body = sizes(("a", top + 0x3000)) + header(top, ZERO) + b"\1a\0"
    body += b"".join(
        header(top + 0x1000 * at, ZERO | CONTINUE) + b"\0" for at in (1, 2)
    )
    assert [address for _, _, address, _ in pages(records(body + END))] == [
        top, top + 0x1000, top + 0x2000,
    ]  # fmt: skip


def test_a_name_that_looks_like_a_page_size_is_a_name() -> None:
    """No page has 2^56 bytes: that is the length of a name."""
    mark, _ = records(sizes(("a", 0x1000), ("\0", 0x2000)) + END, postcopy=True)
    assert isinstance(mark, Mark)
    assert [(one.name, one.page_size) for one in mark.blocks] == [
        ("a", None), ("\0", None),
    ]  # fmt: skip


@pytest.mark.parametrize("at", [0, 20, 40])
def test_every_page_of_a_run_is_checked(at: int) -> None:
    """Also one in the middle that is outside of the block."""
    body = LIST + header(0, ZERO) + b"\1a\0"
    for number in range(41):
        address = 0x80000 if number == at else 0x1000 * (number + 1)
        body += header(address, ZERO | CONTINUE) + b"\0"
    with pytest.raises(Malformed, match="page 0x80000 in a block"):
        list(walk(Ram(4096), Cursor(memoryview(body + END), 0)))


@pytest.mark.parametrize("size", [0, 1, 128, 3000, 1 << 17])
def test_page_sizes_that_cannot_be(size: int) -> None:
    with pytest.raises(Malformed, match="a page size of"):
        list(walk(Ram(size), Cursor(memoryview(END), 0)))


def test_mapped_headers_that_cannot_be() -> None:
    def body(
        version: int, page: int, bitmap: int, at: int, length: int = 0x10000
    ) -> bytes:
        head = sizes(
            ("a", length), more=struct.pack(">IQQQ", version, page, bitmap, at)
        )
        return head.ljust(0x20000, b"\0") + END

    first = len(sizes(("a", 0x10000))) + 28
    for wrong, message in (
        (body(2, 4096, first, 0x10000), "version 2 is above 1"),
        (body(1, 0, first, 0x10000), "pages of 0 bytes"),
        (body(1, 5000, first, 0x10000), "pages of 5000 bytes"),
        (body(1, 4096, 0, 0x10000), "bitmap at 0x0"),
        (body(1, 4096, first, 0), "pages at 0x0"),
        (body(1, 4096, first, 0x10001), "pages at 0x10001"),
        (body(1, 4096, first, 1 << 60), "not all there"),
        (body(1, 4096, first, 0x10000, 1 << 60), "bitmap at"),
    ):
        with pytest.raises(StreamError, match=message):
            list(walk(Ram(4096, mapped_ram=True), Cursor(memoryview(wrong), 0)))
    ram = Ram(4096, mapped_ram=True)
    cursor = Cursor(memoryview(body(1, 4096, first, 0x10000)), 0)
    assert [one.kind for one in walk(ram, cursor)] == ["sizes", "end"]


# --- memory ---------------------------------------------------------------------------


def memory(body: bytes) -> Memory:
    view = memoryview(body)
    ram = Ram(4096)
    list(walk(ram, Cursor(view, 0)))
    return Memory(view, ram, ((0, len(body)),))


def page(found: Memory, block: str, address: int) -> bytes:
    view = found.page(block, address)
    assert view is not None
    return bytes(view)


def test_the_last_of_a_page_counts() -> None:
    packed = zlib.compress(b"z" * 4096)
    body = LIST + header(0, PAGE) + b"\1a" + b"1" * 4096
    body += header(0x1000, PAGE | CONTINUE) + b"2" * 4096
    body += header(0x2000, ZERO | CONTINUE) + b"\0"
    body += header(0x3000, ZERO | CONTINUE) + b"\7"
    body += (
        header(0x4000, COMPRESSED | CONTINUE) + struct.pack(">I", len(packed)) + packed
    )
    body += header(0x1000, XBZRLE | CONTINUE) + b"\1\0\4" + b"\1\2xy"
    body += header(0x1000, XBZRLE | CONTINUE) + b"\1\0\4" + b"\2\2AB"
    body += header(0, PAGE | CONTINUE) + b"3" * 4096 + END
    found = memory(body)
    assert page(found, "a", 0x17) == b"3" * 4096
    assert page(found, "a", 0x1000) == b"2xAB" + b"2" * 4092
    assert page(found, "a", 0x2000) == bytes(4096)
    assert page(found, "a", 0x3000) == b"\7" * 4096
    assert page(found, "a", 0x4000) == b"z" * 4096
    assert found.page("a", 0x5000) is None
    assert found.page("b", 0) is None
    assert found.read("a", 0xFFE, 6) == b"332xAB"
    assert found.read("a", 0x4FFF, 3) == b"z\0\0"
    assert [address for address, _ in found.contents("a")] == [
        0,
        0x1000,
        0x3000,
        0x4000,
    ]
    assert [(one.kind, one.address) for one in found.pages("a")][-1] == ("normal", 0)
    for block, address in (("c", 0), ("a", 0x40000), ("a", -1)):
        with pytest.raises(NotFound):
            found.page(block, address)
    with pytest.raises(NotFound):
        found.read("a", 0x3FFFF, 2)


def test_a_page_is_a_view_of_the_stream() -> None:
    body = LIST + header(0, PAGE) + b"\1a" + b"1" * 4096 + END
    view = memory(body).page("a", 0)
    assert view is not None
    assert view.obj is body


def test_a_difference_to_nothing_is_an_error() -> None:
    found = memory(LIST + header(0, XBZRLE) + b"\1a\1\0\3\0\1s" + END)
    with pytest.raises(Malformed, match="a page that is not in the stream"):
        found.page("a", 0)


def test_a_block_that_says_it_is_huge_costs_nothing() -> None:
    body = sizes(("a", 1 << 62)) + header(1 << 61, PAGE) + b"\1a" + b"1" * 4096 + END
    found = memory(body)
    assert page(found, "a", 1 << 61) == b"1" * 4096
    assert found.page("a", 0) is None
    assert [address for address, _ in found.contents("a")] == [1 << 61]


@pytest.mark.parametrize(
    ("data", "result"),
    [
        (b"", b"abcdefgh"),
        (b"\0\2XY", b"XYcdefgh"),
        (b"\3\1X\2\2YZ", b"abcXefYZ"),
        (b"\0\x88\0ABCDEFGH", b"ABCDEFGH"),
        (b"\0\1X\0\1Y", None),  # no bytes between two replacements
        (b"\0\0", None),
        (b"\x80\x80\1x", None),
        (b"\7\2XY", None),
        (b"\0\3XY", None),
        (b"\1", None),
        (b"\0\1", None),
    ],
)
def test_xbzrle(data: bytes, result: bytes | None) -> None:
    """``xbzrle_decode_buffer``, case by case."""
    page = bytearray(b"abcdefgh")
    if result is None:
        with pytest.raises(Malformed):
            apply_xbzrle(page, memoryview(data), 0)
    else:
        apply_xbzrle(page, memoryview(data), 0)
        assert bytes(page) == result


@pytest.mark.parametrize("name", sorted(GUEST_MEMORY))
def test_memory_is_what_the_guest_had(name: str) -> None:
    """Every captured format, against what QEMU said the guest's memory is."""
    stream = Stream(captured(name), codecs_of(name))
    found = stream.memory()
    block = found.block("riscv.spike.ram")
    image = bytearray(block.used_length)
    for address, page in found.contents(block.name):
        image[address : address + len(page)] = page
    assert hashlib.sha256(image).hexdigest() == GUEST_MEMORY[name]
    # The same by address, the stream's own pages without a copy.
    assert found.read(block.name, 0, 8192) == image[:8192]


def test_the_captures_have_every_format() -> None:
    kinds = set()
    for name in GUEST_MEMORY:
        stream = Stream(captured(name), codecs_of(name))
        for block in stream.memory().blocks:
            kinds |= set(block.pages)
            if block.mapped is not None:
                kinds.add("mapped")  # type: ignore[arg-type]
    assert kinds == {"zero", "normal", "xbzrle", "compressed", "mapped"}


@pytest.mark.parametrize("name", [one for one in WHOLE if "shared" in one])
def test_shared_blocks_have_an_address_and_no_pages(name: str) -> None:
    blocks = {one.name: one for one in Stream(captured(name)).memory().blocks}
    assert blocks["capram"].address == 0x80000000
    assert blocks["capram"].pages == {}
    assert blocks["virt.flash0"].pages == {"zero": 8192}


def test_a_cut_section_is_truncated() -> None:
    body = (
        LIST
        + header(0, ZERO)
        + b"\1a\0"
        + (header(0x1000, ZERO | CONTINUE) + b"\0") * 40
    )
    for cut in range(1, 30):
        with pytest.raises(Truncated):
            list(walk(Ram(4096), Cursor(memoryview(body[:-cut]), 0)))


def test_numbers_of_two_bytes_in_a_difference_of_pages() -> None:
    """LEB128, the low seven bits first: 0xc8 0x01 is 200, 0x82 0x01 is 130."""
    page = bytearray(4096)
    apply_xbzrle(page, memoryview(b"\xc8\1\x82\1" + b"a" * 130 + b"\x80\2\1b"), 0)
    assert page.index(b"a") == 200
    assert page.count(b"a") == 130
    assert page.index(b"b") == 200 + 130 + 256


@pytest.mark.parametrize("number", [0, 1, 5, 15])
def test_verify_names_the_header_of_the_page_that_comes_back_as_another(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Of a run of pages it is the header that differs, not the first of the run."""
    where: list[tuple[int, int]] = []

    def wrong(ram: Ram, cursor: Cursor) -> Iterator[Record]:
        for record in walk(ram, cursor):
            if (
                isinstance(record, PageRun)
                and record.kind == "normal"
                and len(record.addresses) > number + 1
                and not where
            ):
                where.append((record.start, record.stride))
                record.addresses[number] ^= 0x5000
            yield record

    monkeypatch.setattr("vmgen.stream.verify.walk", wrong)
    differences = [
        one.difference
        for one in verify(Stream(captured("riscv64-xbzrle--10.0.2")))
        if one.difference is not None
    ]
    ((start, stride),) = where
    assert stride == 4096 + 8
    (found,) = differences
    # 0x5000 is in the last byte but one of eight.
    assert (found.path, found.offset) == ("ram/0", start + number * stride + 6)
    assert found.old[0] ^ found.new[0] == 0x50
