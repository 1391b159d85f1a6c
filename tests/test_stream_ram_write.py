"""Guest memory is written: what is read back, and what stays as it was."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from tests.stream_files import captured, codecs_of, packages
from tests.test_stream_ram import (
    COMPRESSED,
    CONTINUE,
    EOS,
    PAGE,
    XBZRLE,
    ZERO,
    header,
    sizes,
)
from vmgen.cli import run
from vmgen.stream import BadEdit, Draft, NotFound, Stream
from vmgen.stream.edit import edit
from vmgen.stream.ram import PageRun
from vmgen.stream.verify import verify

FORMATS = [
    "riscv64-compress--7.2.22", "riscv64-mapped-ram--10.0.2", "riscv64-mapped-ram-multifd--10.0.2",
    "riscv64-return-path--10.0.2", "riscv64-xbzrle--10.0.2", "riscv64-virt-vh-bare--10.0.2",
    "avr-uno-poke--10.0.2",
]  # fmt: skip


def opened(name: str, data: bytes | None = None) -> Stream:
    return Stream(captured(name) if data is None else data, codecs_of(name))


def image(stream: Stream, block: str) -> bytearray:
    made = bytearray(stream.memory().block(block).used_length)
    for address, page in stream.memory().contents(block):
        made[address : address + len(page)] = page
    return made


def largest(stream: Stream) -> str:
    return max(stream.memory().blocks, key=lambda one: one.used_length).name


def kinds(stream: Stream, block: str) -> dict[int, str]:
    """How each page comes last."""
    return {page.address: page.kind for page in stream.memory().pages(block)}


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_is_read_back_and_nothing_else_changes(name: str) -> None:
    """Against a plain array of the block's bytes, in every format of pages."""
    rng = random.Random(name)
    with opened(name) as stream:
        block = largest(stream)
        model, before = image(stream, block), kinds(stream, block)
        size, draft = stream.memory().page_size, Draft(stream)
        written = draft.memory(block)
        places = rng.sample(sorted(before), min(12, len(before)))
        places += [rng.randrange(0, len(model) // size) * size for _ in range(12)]
        for kind in set(before.values()):  # one of every form at least
            places.append(next(page for page, one in before.items() if one == kind))
        for at in places:
            at += rng.randrange(size)
            data = rng.randbytes(rng.choice((1, 8, size, 2 * size)))[: len(model) - at]
            model[at : at + len(data)] = data
            written[at : at + len(data)] = data
            assert written[at : at + len(data)] == data
        made = draft.to_bytes()
        assert written[:] == model
        others = {one.name: image(stream, one.name) for one in stream.memory().blocks}
    with opened(name, made) as again:
        assert image(again, block) == model
        for other, content in others.items():
            assert other == block or image(again, other) == content
        assert all(one.difference is None for one in verify(again))
        after = kinds(again, block)
    for page, kind in before.items():
        same = model[page : page + size] == others[block][page : page + size]
        stays = kind in ("normal", "compressed") or same
        assert after[page] == (kind if stays else "normal"), page


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_as_it_was_changes_no_byte(name: str) -> None:
    with opened(name) as stream:
        draft = Draft(stream)
        for block in stream.memory().blocks:
            whole = bytes(image(stream, block.name))
            draft.memory(block.name).load(whole)
        assert draft.to_bytes() == captured(name)
        some = Draft(stream)
        block = stream.memory().block(largest(stream))
        there = next(iter(kinds(stream, block.name)))
        some.memory(block.name)[there : there + 64] = some.memory(block.name)[
            there : there + 64
        ]
        assert some.to_bytes() == captured(name)


@pytest.mark.parametrize("name", FORMATS)
def test_a_whole_image_takes_the_place_of_a_block(name: str) -> None:
    with opened(name) as stream:
        block = largest(stream)
        new = bytes(reversed(image(stream, block)))
        draft = Draft(stream)
        draft.memory(block).load(new)
        made = draft.to_bytes()
    with opened(name, made) as again:
        assert image(again, block) == new


def test_one_page_changes_in_its_place() -> None:
    """Every byte but those of the page stands where it stood."""
    old = captured("riscv64-mapped-ram--10.0.2")
    with opened("riscv64-mapped-ram--10.0.2") as stream:
        block = largest(stream)
        there = kinds(stream, block)
        absent = next(at for at in range(0, 1 << 40, 4096) if at not in there)
        mapped = stream.memory().block(block).mapped
        assert mapped is not None
        new = edit(stream, [f"ram/{block}@{absent:#x}=0badcafe"]).to_bytes()
    changed = [at for at in range(len(old)) if old[at] != new[at]]
    bit = mapped.bitmap_offset + absent // 4096 // 8
    assert changed == [
        bit,
        *range(mapped.pages_offset + absent, mapped.pages_offset + absent + 4),
    ]
    assert new[bit] == old[bit] | 1 << absent // 4096 % 8


def stream_of(body: bytes) -> bytes:
    """A stream with these records in the last of its two RAM sections."""
    name = b"\3ram" + struct.pack(">II", 0, 4)
    first = sizes(("a", 0x4000), ("b", 0x1000)) + header(0, EOS)
    parts = (
        b"QEVM" + struct.pack(">I", 3),
        b"\1" + struct.pack(">I", 2) + name + first + b"\x7e" + struct.pack(">I", 2),
        b"\3"
        + struct.pack(">I", 2)
        + body
        + header(0, EOS)
        + b"\x7e"
        + struct.pack(">I", 2),
        b"\0",
    )
    return b"".join(parts)


X, Y = b"x" * 4096, b"y" * 4096
FIRST = header(0, PAGE) + b"\1a" + X


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (FIRST, header(0, PAGE) + b"\1a" + Y),
        (header(0, ZERO) + b"\1a\0", header(0, PAGE) + b"\1a" + Y),
        (FIRST + FIRST, FIRST + header(0, PAGE) + b"\1a" + Y),
        (FIRST + header(0, ZERO | CONTINUE) + b"\0", FIRST + header(0, PAGE | CONTINUE) + Y),
        (
            FIRST + header(0, XBZRLE | CONTINUE) + b"\1\0\3\0\1z",
            FIRST + header(0, PAGE | CONTINUE) + Y,
        ),
        (
            header(4096, PAGE) + b"\1a" + X,
            header(4096, PAGE) + b"\1a" + X + header(0, PAGE) + b"\1a" + Y,
        ),
    ],
    ids=["normal", "zero", "twice", "zero again", "difference", "not there"],
)  # fmt: skip
def test_the_record_that_a_page_ends_with_gives_way(
    body: bytes, expected: bytes
) -> None:
    with Stream(stream_of(body), page_size=4096) as stream:
        draft = Draft(stream)
        draft.memory("a")[0:4096] = Y
        assert draft.to_bytes() == stream_of(expected)


def test_a_page_that_becomes_zeros_keeps_its_form() -> None:
    for body, expected in (
        (FIRST, header(0, PAGE) + b"\1a" + bytes(4096)),
        (header(0, ZERO) + b"\1a\5", header(0, ZERO) + b"\1a\0"),
    ):
        with Stream(stream_of(body), page_size=4096) as stream:
            draft = Draft(stream)
            draft.memory("a")[0:4096] = bytes(4096)
            assert draft.to_bytes() == stream_of(expected)


def test_a_compressed_page_is_compressed_again() -> None:
    name = "riscv64-compress--7.2.22"
    with opened(name) as stream:
        block = largest(stream)
        page = next(
            at for at, kind in kinds(stream, block).items() if kind == "compressed"
        )
        made = edit(stream, [f"ram/{block}@{page + 5}=ff"]).to_bytes()
    with opened(name, made) as again:
        assert kinds(again, block)[page] == "compressed"
        flags = {
            run.kind for run in again.memory().records() if isinstance(run, PageRun)
        }
    assert "compressed" in flags
    assert COMPRESSED == 0x100


@pytest.mark.parametrize(
    ("where", "value", "error", "words"),
    [
        (slice(0, 4), b"123", BadEdit, "3 bytes for 4 at 0x0"),
        (slice(0x3FFF, 0x4001), b"12", NotFound, "no bytes from 0x3fff to 0x4001"),
        (slice(-1, 1), b"12", NotFound, "no bytes"),
        (slice(0, 4, 2), b"12", NotFound, "no bytes"),
        (0x4000, 1, NotFound, "no bytes"),
        (0, 256, BadEdit, "256 is not a byte"),
        (slice(0, 1), 7, BadEdit, "7 is not a byte"),
    ],
)
def test_what_cannot_be_written(
    where: int | slice, value: bytes | int, error: type[Exception], words: str
) -> None:
    with Stream(stream_of(FIRST), page_size=4096) as stream:
        memory = Draft(stream).memory("a")
        with pytest.raises(error, match=words):
            memory[where] = value
        memory[5] = 9
        assert (memory[4], memory[5], len(memory)) == (ord("x"), 9, 0x4000)


def test_a_block_without_pages_is_not_written() -> None:
    """QEMU sends none of a shared block, and with multifd elsewhere."""
    with Stream(stream_of(FIRST), page_size=4096) as stream:
        draft = Draft(stream)
        draft.memory("b")[0] = 1
        with pytest.raises(BadEdit, match="no page of this block") as caught:
            draft.to_bytes()
        assert "multifd" in caught.value.hint
        with pytest.raises(NotFound, match="no block 'c'"):
            draft.memory("c")


def test_an_image_has_the_size_of_its_block() -> None:
    with (
        Stream(stream_of(FIRST), page_size=4096) as stream,
        pytest.raises(BadEdit, match="an image of 5 bytes for a block of 16384"),
    ):
        Draft(stream).memory("a").load(b"short")


def test_memory_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("vm.mig").write_bytes(captured("riscv64-virt-vh-bare--10.0.2"))
    block = "riscv_virt_board.ram"
    assert run(["stream", "extract", "vm.mig", f"ram/{block}", "-o", "ram.bin"]) == 0
    ram = bytearray(Path("ram.bin").read_bytes())
    ram[0x1000:0x1004] = bytes.fromhex("0badcafe")
    Path("new.bin").write_bytes(ram)
    poke = f"ram/{block}@0x1000=0badcafe"
    assert run(["stream", "edit", "vm.mig", poke, "-o", "a.mig"]) == 0
    image_of = ["--ram", f"{block}=new.bin", "-o", "b.mig"]
    assert run(["stream", "edit", "vm.mig", *image_of]) == 0
    assert Path("a.mig").read_bytes() == Path("b.mig").read_bytes()
    assert run(["stream", "extract", "a.mig", f"ram/{block}", "-o", "back.bin"]) == 0
    assert Path("back.bin").read_bytes() == ram
    capsys.readouterr()
    assert run(["stream", "diff", "vm.mig", "a.mig"]) == 1
    assert capsys.readouterr().out.splitlines() == [f"ram {block} 0x1000 1 page differ"]
    for words, said in (
        ([f"ram/{block}@0x1000=xyz"], "not hexadecimal"),
        ([f"ram/{block}@here=00"], "is not a number"),
        (["ram/nothing@0=00"], "no block 'nothing'"),
        (["--ram", "nothing"], "BLOCK=IMAGE"),
        (["--ram", f"{block}=nowhere"], "cannot be read"),
        ([], "nothing to change"),
    ):
        assert run(["stream", "edit", "vm.mig", *words, "-o", "c.mig"]) == 2
        assert said in capsys.readouterr().err
    assert packages()
