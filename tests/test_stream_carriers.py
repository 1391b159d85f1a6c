"""Streams in what they are kept in: compressed files, save images, qcow2 snapshots."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import shutil
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from tests.lacking import lacking
from tests.qcow2_images import Image
from tests.stream_files import FOLDER, whole
from vmgen.cli import run
from vmgen.stream import (
    Ambiguous,
    Malformed,
    NotAStream,
    NotFound,
    Stream,
    StreamError,
    Truncated,
    Unreadable,
)
from vmgen.stream.carriers.libvirt import read_save_image
from vmgen.stream.carriers.qcow2 import snapshots
from vmgen.stream.input import Input
from vmgen.stream.verify import verify

STREAM = whole("avr-uno-poke--10.0.2")
OTHER = whole("arm-stm32vldiscovery-poke--10.0.2")


def by_program(*command: str) -> Callable[[bytes], bytes]:
    def compressed(data: bytes) -> bytes:
        if shutil.which(command[0]) is None:
            lacking(f"there is no program '{command[0]}'")
        return subprocess.run(
            command, input=data, capture_output=True, check=True
        ).stdout

    return compressed


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": by_program("zstd", "-qc"),
    "lzop": by_program("lzop", "-qc"),
    "lz4": by_program("lz4", "-qc"),
}


def content(
    source: object, snapshot: str = "", max_unpacked: int | None = None
) -> tuple[bytes, list[str]]:
    found = Input(source, snapshot, max_unpacked=max_unpacked)  # type: ignore[arg-type]
    found.finish()
    data = bytes(found.view)
    found.close()
    return data, found.carriers


def everywhere(data: bytes, folder: Path) -> list[tuple[bytes, list[str]]]:
    """What is read from memory, from a file and from a pipe."""
    file = folder / "file"
    file.write_bytes(data)
    return [content(data), content(file), content(io.BytesIO(data))]


@pytest.mark.parametrize("kind", COMPRESSIONS)
def test_compressed(kind: str, tmp_path: Path) -> None:
    data = COMPRESSIONS[kind](STREAM)
    for found in everywhere(data, tmp_path):
        assert found == (STREAM, [kind])


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_several_members_are_one(kind: str, tmp_path: Path) -> None:
    half = len(STREAM) // 2
    pack = COMPRESSIONS[kind]
    data = pack(STREAM[:half]) + pack(STREAM[half:])
    if kind == "xz":
        data += bytes(8)
    for found, _ in everywhere(data, tmp_path):
        assert found == STREAM


@pytest.mark.parametrize("kind", COMPRESSIONS)
def test_broken_compression(kind: str, tmp_path: Path) -> None:
    data = bytearray(COMPRESSIONS[kind](STREAM))
    for broken in (bytes(data[: len(data) // 2]), bytes(data[:-5])):
        with pytest.raises(Unreadable):
            everywhere(broken, tmp_path)


def without_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("compression.zstd", "zstandard", "lz4.frame"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize("kind", ["zstd", "lz4"])
def test_a_program_does_what_no_wheel_does(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = COMPRESSIONS[kind](STREAM)
    without_wheels(monkeypatch)
    assert content(data) == (STREAM, [kind])


@pytest.mark.parametrize("kind", ["zstd", "lz4"])
def test_a_wheel_does_it_without_the_program(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = COMPRESSIONS[kind](STREAM)
    monkeypatch.setenv("PATH", "")
    assert content(data + data) == (STREAM * 2, [kind])


@pytest.mark.parametrize("kind", ["zstd", "lzop", "lz4"])
def test_a_missing_program_is_named(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = COMPRESSIONS[kind](STREAM)
    without_wheels(monkeypatch)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unreadable) as caught:
        content(data)
    assert f"there is no program '{kind}'" in caught.value.message
    assert f"install {kind}" in caught.value.hint


def test_an_xz_dictionary_is_bounded() -> None:
    """A few bytes may not ask for gigabytes of memory."""
    small = lzma.compress(
        STREAM, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 4096}]
    )
    assert content(small)[0] == STREAM
    with pytest.raises(Unreadable, match=r"(?i)memory"):
        content(_with_dictionary(small))


def _with_dictionary(data: bytes) -> bytes:
    """The header of the first block with the largest dictionary (40 is 4 GiB - 1)."""
    import zlib

    made = bytearray(data)
    size = (made[12] + 1) * 4  # the block header follows the stream header's 12 bytes
    at = made.index(b"\x21\x01", 12) + 2
    made[at] = 40
    made[12 + size - 4 : 12 + size] = zlib.crc32(made[12 : 12 + size - 4]).to_bytes(
        4, "little"
    )
    return bytes(made)


def test_no_end_of_carriers() -> None:
    data = STREAM
    for _ in range(3):
        data = gzip.compress(data)
    assert content(data) == (STREAM, ["gzip"] * 3)
    for _ in range(4):
        data = bz2.compress(data)
    with pytest.raises(Unreadable, match="no end of it"):
        content(data)


# --- libvirt --------------------------------------------------------------------------------


def save_image(
    data: bytes,
    kind: int = 0,
    order: str = "little",
    version: int = 2,
    magic: bytes = b"LibvirtQemudSave",
    xml: bytes = b"<domain type='qemu'/>\0",
    length: int | None = None,
) -> bytes:
    numbers = [version, len(xml) if length is None else length, 1, kind, 0, *[0] * 14]
    head = b"".join(number.to_bytes(4, order) for number in numbers)  # type: ignore[arg-type]
    return magic + head + xml + data


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize(
    ("number", "kind"),
    list(enumerate(["", "gzip", "bzip2", "xz", "lzop", "zstd", ""])),
)
def test_save_images(number: int, kind: str, order: str, tmp_path: Path) -> None:
    inside = COMPRESSIONS[kind](STREAM) if kind else STREAM
    for found, carriers in everywhere(save_image(inside, number, order), tmp_path):
        assert found == STREAM
        assert carriers[0] == "libvirt"


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        (save_image(STREAM, magic=b"LibvirtQemudPart"), NotAStream, "never finished"),
        (save_image(STREAM, 7), NotAStream, "unknown format 7"),
        (save_image(STREAM, version=3), NotAStream, "version 3"),
        (save_image(STREAM, length=1 << 31), NotAStream, "bytes of XML"),
        (save_image(b"")[:60], Truncated, "92 bytes|32 bytes"),
    ],
)
def test_save_images_that_are_none(
    image: bytes, error: type[StreamError], words: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words):
        content(image)
    with pytest.raises(error, match=words):
        content(io.BytesIO(image))


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("outer", ["", "gzip"])
@pytest.mark.parametrize(
    ("number", "kind"), [(0, ""), (2, "bzip2"), (3, "xz"), (6, "")]
)
def test_an_edited_save_image_is_one(
    number: int, kind: str, outer: str, order: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Without compression, which its header says."""
    old, new = tmp_path / "old.save", tmp_path / "new.save"
    inside = COMPRESSIONS[kind](STREAM) if kind else STREAM
    image = save_image(inside, number, order)
    old.write_bytes(COMPRESSIONS[outer](image) if outer else image)
    assert run(["stream", "edit", str(old), "cpu/0.env.r[3]=0x5a", "-o", str(new)]) == 0
    made = new.read_bytes()
    head = save_image(b"", 0 if kind else number, order)
    assert made.startswith(head)
    assert len(made) == len(head) + len(STREAM)
    assert sum(a != b for a, b in zip(made[len(head) :], STREAM, strict=True)) in (
        1,
        2,
        3,
        4,
    )
    assert run(["stream", "verify", str(new)]) == 0
    assert "identical" in capsys.readouterr().out


# --- qcow2 ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "image",
    [
        Image({"a": STREAM}),
        Image({"a": STREAM}, bits=16),
        Image({"a": STREAM}, bits=12, scattered=True),
        Image({"a": STREAM}, compressed=True),
        Image({"a": STREAM}, bits=12, compressed=True),
        Image({"a": STREAM}, compressed=True, zstd=by_program("zstd", "-qc")),
        Image({"a": STREAM}, holes=True),
        Image({"a": STREAM}, version=2, large=False),
        Image({"a": STREAM}, bits=16, extended=True),
        Image({"a": STREAM}, bits=14, extended=True, holes=True),
        Image({"a": STREAM}, bits=14, extended=True, compressed=True),
        Image({"a": STREAM}, disk_size=12345),
        Image({"none": b"", "a": STREAM}),
    ],
    ids=repr,
)
def test_qcow2(image: Image, tmp_path: Path) -> None:
    for found in everywhere(image.built(), tmp_path):
        assert found == (STREAM, ["qcow2"])


def test_one_of_several_snapshots() -> None:
    data = Image({"one": STREAM, "two": OTHER}).built()
    assert [one.name for one in snapshots(memoryview(data))] == ["one", "two"]
    for wanted, expected in (("one", STREAM), ("two", OTHER), ("2", OTHER)):
        assert content(data, wanted)[0] == expected
    with pytest.raises(Ambiguous) as ambiguous:
        content(data)
    assert ambiguous.value.hint == "say which: one, two"
    with pytest.raises(NotFound) as missing:
        content(data, "three")
    assert missing.value.hint == "snapshots with one: one, two"


def test_compressed_images() -> None:
    data = gzip.compress(Image({"a": STREAM}).built())
    assert content(data) == (STREAM, ["gzip", "qcow2"])


def test_what_savevm_wrote() -> None:
    """An image of real QEMU: two snapshots, the second after a change to register a0."""
    packed = (FOLDER / "streams" / "riscv64-savevm--10.0.2.qcow2.xz").read_bytes()
    first, second = (Stream(Input(packed, name)) for name in ("one", "two"))
    assert first.carriers == ("xz", "qcow2")
    for stream in (first, second):
        assert all(one.difference is None for one in verify(stream))
    values = [
        stream.values(stream.section("cpu"))["env.gpr"][10]
        for stream in (first, second)
    ]
    assert values == [0x1111, 0x2222]


def test_snapshots_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "disk.qcow2"
    file.write_bytes(Image({"one": STREAM, "two": OTHER}).built())
    assert run(["stream", "show", str(file)]) == 2
    assert "say which: one, two" in capsys.readouterr().err
    assert run(["stream", "show", "--snapshot", "one", str(file)]) == 0
    assert "cpu/0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("at", "value", "error", "words"),
    [
        (4, b"\0\0\0\1", Unreadable, "version 1"),
        (20, b"\0\0\0\7", Malformed, "1 << 7 bytes"),
        (32, b"\0\0\0\1", Unreadable, r"encrypted \(AES\)"),
        (32, b"\0\0\0\2", Unreadable, r"encrypted \(LUKS\)"),
        (60, b"\xff" * 4, Malformed, "4294967295 snapshots"),
        (64, b"\xff" * 8, Malformed, "outside of the file"),
        (72, b"\0" * 7 + b"\4", Unreadable, "in another file"),
        (72, b"\1" + b"\0" * 7, Unreadable, "unknown features"),
    ],
)
def test_headers_that_lie(
    at: int, value: bytes, error: type[StreamError], words: str
) -> None:
    data = bytearray(Image({"a": STREAM}).built())
    data[at : at + len(value)] = value
    with pytest.raises(error, match=words):
        content(bytes(data))


@pytest.mark.parametrize(
    ("bits", "fine"), [(8, False), (9, True), (21, True), (22, False)]
)
def test_how_large_clusters_are(bits: int, fine: bool) -> None:
    data = bytearray(Image({"a": STREAM}, bits=bits if fine else 9).built())
    data[20:24] = bits.to_bytes(4, "big")
    if fine:
        assert content(bytes(data))[0] == STREAM
    else:
        with pytest.raises(Malformed, match=f"1 << {bits} bytes"):
            content(bytes(data))


@pytest.mark.parametrize(
    ("length", "kind", "compressed", "fine"),
    [(104, 1, True, True), (112, 0, True, True), (112, 1, True, False), (105, 1, True, False),
     (112, 1, False, True)],
)  # fmt: skip
def test_the_compression_is_said_by_headers_that_have_room_for_it(
    length: int, kind: int, compressed: bool, fine: bool
) -> None:
    """docs/interop/qcow2.txt: the byte at 104 counts in headers that are longer, and with
    incompatible feature 3."""
    data = bytearray(Image({"a": STREAM}, bits=12, compressed=True).built())
    data[79] |= 8 if compressed else 0
    data[100:104], data[104] = length.to_bytes(4, "big"), kind
    if fine:
        assert content(bytes(data))[0] == STREAM
    else:
        with pytest.raises(Malformed, match="zstd"):
            content(bytes(data))


@dataclass
class Extra(Image):
    """The extra data of a snapshot is cut after so many bytes, or goes on."""

    kept: int = 16

    def _entry(self, number: int, name: str, state: bytes) -> bytes:
        made = super()._entry(number, name, state)
        extra = (made[40:56] + b"\xff" * 8)[: self.kept]
        short = len(state) if self.kept < 8 else 0
        made = b"".join(
            (made[:32], short.to_bytes(4, "big"), self.kept.to_bytes(4, "big"), extra,
             str(number).encode(), name.encode())
        )  # fmt: skip
        return made + bytes(-len(made) % 8)


@pytest.mark.parametrize("kept", [0, 7, 8, 15, 16, 17, 24])
def test_extra_data_of_a_snapshot_counts_as_far_as_it_goes(kept: int) -> None:
    image = Extra({"one": STREAM, "second": OTHER}, disk_size=12345, kept=kept)
    data = image.built()
    one, second = snapshots(memoryview(data))
    assert (one.name, one.id, second.name, second.id) == ("one", "1", "second", "2")
    assert (one.vm_state_size, second.vm_state_size) == (len(STREAM), len(OTHER))
    assert one.disk_size == second.disk_size == 12345
    assert content(data, "one")[0] == STREAM
    assert content(data, "second")[0] == OTHER


def test_an_image_without_snapshots_has_no_state() -> None:
    data = Image({}).built()
    assert snapshots(memoryview(data)) == ()
    with pytest.raises(NotFound, match="no snapshot with a machine's state") as missing:
        content(data)
    assert missing.value.hint == "savevm makes one"
    with pytest.raises(NotFound, match="no snapshot 'x' with"):
        content(data, "x")


def test_tables_that_lie() -> None:
    """The same clusters again and again, huge lengths: refused, for little memory."""
    image = Image({"a": STREAM}, bits=10)
    good = image.built()
    l1, count = image.tables[0]
    first = l1 + 8 * (count - 1)
    table = int.from_bytes(good[first : first + 8], "big") & ~(1 << 63)
    entry = len(good) - good[::-1].index(len(STREAM).to_bytes(8, "big")[::-1]) - 8
    changes = {
        "is used twice": (table + 8, good[table : table + 8]),
        "inside of a cluster": (table, (0x200 | 1 << 63).to_bytes(8, "big")),
        "a cluster is outside": (table, (1 << 40).to_bytes(8, "big")),
        "an L2 table is outside": (first, (1 << 40).to_bytes(8, "big")),
        "does not fit": (entry, (1 << 62).to_bytes(8, "big")),
        "L1 table is outside": (entry - 40, (1 << 50).to_bytes(8, "big")),
    }
    for words, (at, value) in changes.items():
        bad = good[:at] + value + good[at + 8 :]
        with pytest.raises(Malformed, match=words):
            content(bad)
    holes = Image({"a": bytes(8 << 20)}, holes=True, bits=12).built()
    tracemalloc.start()
    try:
        with pytest.raises(Malformed, match="is missing"):
            content(holes)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


class Bomb(Image):
    """Every cluster begins a few bytes further into the same compressed data: empty blocks,
    and then one of zeros."""

    blocks = 700
    begun = 0

    def _place(self, chunk: bytes) -> int:
        if not self.begun:
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            packed = packer.compress(bytes(1 << self.bits)) + packer.flush()
            self.begun = len(self.data)
            self.data += b"\0\0\0\xff\xff" * self.blocks + packed
            self.end, self.used = len(self.data), 0
        at = self.begun + 5 * self.used
        self.used += 1
        sectors = (self.end - 1) // 512 - at // 512
        return 1 << 62 | sectors << 62 - (self.bits - 8) | at


def test_clusters_that_share_compressed_data() -> None:
    """Some kilobytes that would be 45 MB, one cluster behind the other."""
    data = Bomb({"a": bytes(700 << 16)}, bits=16).built()
    assert len(data) < 1 << 19
    with pytest.raises(Malformed, match="share their data"):
        content(data)
    assert len(content(Bomb({"a": bytes(5 << 16)}, bits=16).built())[0]) == 5 << 16


def test_damaged_carriers_raise_our_errors() -> None:
    rng = random.Random(4)
    seeds = [
        Image({"one": STREAM, "two": OTHER[:3000]}).built(),
        Image({"one": STREAM}, compressed=True).built(),
        save_image(STREAM),
        save_image(gzip.compress(STREAM), 1),
        lzma.compress(STREAM),
        bz2.compress(STREAM),
    ]
    for _ in range(2000):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(rng.choice((112, len(data))))
            data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        with suppress(StreamError):
            list(Stream(Input(bytes(data), rng.choice(("", "one")))).parts())


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize(
    ("kind", "name"),
    [(0, ""), (1, "gzip"), (2, "bzip2"), (3, "xz"), (4, "lzop"), (5, "zstd"), (6, "")],
)
def test_a_save_image_says_how_it_is_compressed(
    kind: int, name: str, order: Literal["little", "big"]
) -> None:
    """``virQEMUSaveFormat`` (libvirt's src/qemu/qemu_saveimage.h)."""
    head = save_image(b"", kind, order)
    found = read_save_image(head)
    assert (found.compression, found.version, found.byte_order) == (name, 2, order)
    assert (found.start, found.was_running) == (len(head), True)
    # A plain image's own header says that nothing is compressed; a sparse one's stays.
    shown = 0 if name else kind
    assert found.plain[28:32] == shown.to_bytes(4, order)
