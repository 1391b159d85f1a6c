"""Two hundred carriers that lie: one clear error each, for little memory and time."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.qcow2_images import Image
from tests.stream_files import whole
from tests.test_stream_carriers import by_program, content, save_image
from tests.vma_archives import archive
from vmgen.stream import StreamError, streams
from vmgen.stream.carriers import carrier, kind_of
from vmgen.stream.errors import Unreadable

STREAM = whole("avr-uno-poke--10.0.2")

BIGGEST = {8: b"\x7f" + b"\xff" * 7, 4: b"\xff" * 4, 2: b"\xff" * 2}

QCOW2 = {
    "version": (4, 4), "backing file": (8, 8), "cluster bits": (20, 4), "encryption": (32, 4),
    "snapshots": (60, 4), "table of snapshots": (64, 8), "features": (72, 8),
}  # fmt: skip
ENTRY = {
    "L1 table": (0, 8), "L1 size": (8, 4), "id": (12, 2), "name": (14, 2), "extra": (36, 4),
    "state": (40, 8), "disk": (48, 8),
}  # fmt: skip


def put(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def cut() -> Iterator[tuple[str, bytes]]:
    """Every kind of carrier, ended in its middle."""
    whole_ones = {
        "qcow2": Image({"a": STREAM}, bits=12).built(),
        "deflated qcow2": Image({"a": STREAM}, bits=12, compressed=True).built(),
        "subclusters": Image({"a": STREAM}, bits=14, extended=True).built(),
        "vma": archive(STREAM),
        "gzip": gzip.compress(STREAM),
        "bzip2": bz2.compress(STREAM),
        "xz": lzma.compress(STREAM),
        "zstd": by_program("zstd", "-qc")(STREAM),
        "lz4": by_program("lz4", "-qc")(STREAM),
        "lzop": by_program("lzop", "-qc")(STREAM),
        "save image": save_image(gzip.compress(STREAM), 1),
    }
    for name, data in whole_ones.items():
        for part in range(1, 14):
            end = max(12, len(data) * part // 16)
            yield f"{name}, {part} sixteenths", data[:end]


def huge() -> Iterator[tuple[str, bytes]]:
    """Sizes and offsets beyond everything."""
    good = Image({"a": STREAM}, bits=12).built()
    snapshots = int.from_bytes(good[64:72], "big")
    for base, places in ((0, QCOW2), (snapshots, ENTRY)):
        for name, (at, size) in places.items():
            if name == "backing file":
                continue
            yield f"qcow2: {name}", put(good, base + at, BIGGEST[size])
    for number in (1 << 31, 1 << 40, 1 << 62):
        yield f"a state of {number}", put(
            good, snapshots + 40, number.to_bytes(8, "big")
        )
        yield f"a disk of {number}", put(
            good, snapshots + 48, number.to_bytes(8, "big")
        )
    made = archive(STREAM)
    for at in (48, 52, 56, 4096 + 32 * 2, 4096 + 32 * 2 + 8):
        yield f"vma at {at}", put(made, at, BIGGEST[4])
    for length in (1 << 20, 1 << 27, 1 << 31, (1 << 32) - 1):
        yield f"{length} bytes of XML", save_image(STREAM, length=length)
    for kind in (7, 255, 1 << 16, (1 << 32) - 1):
        yield f"format {kind}", save_image(STREAM, kind)


def cycles() -> Iterator[tuple[str, bytes]]:
    """Tables that name themselves, each other, or one cluster again and again."""
    image = Image({"a": STREAM}, bits=9)
    good = image.built()
    l1, count = image.tables[0]
    first = l1 + 8 * (count - len(STREAM) // 512 // 64 - 1)
    for entry in range(first, l1 + 8 * count, 8):
        for target in (l1 & ~511, 512, entry & ~511):
            yield f"L1 at {entry} -> {target}", put(
                good, entry, (target | 1 << 63).to_bytes(8, "big")
            )
    table = int.from_bytes(good[l1 + 8 * (count - 1) :][:8], "big") & ~(1 << 63)
    for entry in (0, 8):
        for target in (table, l1 & ~511, 512, 1 << 40, 1 << 55):
            made = put(good, table + entry, (target | 1 << 63).to_bytes(8, "big"))
            if made != good:
                yield f"L2 entry {entry} -> {target}", made
    for depth in range(5, 17):
        data = STREAM
        for level in range(depth):
            data = (gzip.compress, bz2.compress, lzma.compress)[level % 3](data)
        yield f"{depth} carriers in each other", data


def bombs() -> Iterator[tuple[str, bytes]]:
    """A little that would be a lot."""
    zeros = bytes(1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield "gzip", b"".join(packer.compress(zeros) for _ in range(96)) + packer.flush()
    yield "bzip2", bz2.compress(zeros) * 96
    yield "xz", lzma.compress(zeros) * 96
    yield "zstd", by_program("zstd", "-qc")(zeros) * 96
    yield "lz4", by_program("lz4", "-qc")(zeros) * 96
    yield "gzip in xz", lzma.compress(gzip.compress(zeros * 96))
    yield "vma", archive(zeros * 96)
    yield "vma in gzip", gzip.compress(archive(zeros * 96))
    yield "save image", save_image(lzma.compress(zeros) * 96, 3)
    holes = Image({"a": zeros * 96}, bits=16, holes=True).built()
    yield "qcow2 of holes", holes
    yield "subclusters of holes", Image(
        {"a": zeros * 40}, bits=16, extended=True, holes=True
    ).built()


LIMIT = 32 << 20
CASES = {
    name: list(made())
    for name, made in {
        "cut": cut,
        "huge": huge,
        "cycles": cycles,
        "bombs": bombs,
    }.items()
}


def test_there_are_two_hundred() -> None:
    assert sum(map(len, CASES.values())) >= 200
    for cases in CASES.values():
        assert all(kind_of(data[:16]) for _, data in cases)


@pytest.mark.parametrize("kind", CASES)
def test_a_hostile_carrier_is_one_error_for_little(kind: str) -> None:
    for name, data in CASES[kind]:
        for source in (data, io.BytesIO(data)):
            begun = time.process_time()
            tracemalloc.start()
            try:
                with pytest.raises(StreamError) as caught:
                    content(source, max_unpacked=LIMIT)
                _, most = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert caught.value.message, name
            assert "\n" not in caught.value.message, name
            assert most < LIMIT + 8 * len(data) + (16 << 20), name
            assert time.process_time() - begun < 20, name


@pytest.mark.parametrize("kind", CASES)
def test_the_list_of_a_hostile_carrier_ends(kind: str) -> None:
    for name, data in CASES[kind][::4]:
        begun = time.process_time()
        with suppress(StreamError):
            assert all(one.carriers for one in streams(data, max_unpacked=LIMIT)), name
        assert time.process_time() - begun < 20, name


def test_no_carrier_takes_the_memory_of_what_is_in_it() -> None:
    """A stream of 24 MiB goes through a carrier that unpacks for a few MiB."""
    state = STREAM + bytes(range(256)) * (96 << 10)
    carriers = [
        gzip.compress(state, 1), archive(state), by_program("zstd", "-qc")(state),
        Image({"a": state}, bits=16, scattered=True).built(),
    ]  # fmt: skip
    for data in carriers:
        tracemalloc.start()
        made = content(data)[0]
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert made[: len(state)] == state
        assert most - len(made) < 12 << 20, kind_of(data[:16])


def test_every_kind_has_a_carrier() -> None:
    for kind in (
        "gzip",
        "bzip2",
        "xz",
        "zstd",
        "lzop",
        "lz4",
        "libvirt",
        "qcow2",
        "vma",
    ):
        made = carrier(kind)
        assert callable(made.open)
        assert isinstance(made.needs_all, bool)
    with pytest.raises(Unreadable):
        content(b"LibvirtQemudSave" + (2).to_bytes(4, "little") + bytes(8)
                + (1).to_bytes(4, "little") + bytes(60) + b"no gzip")  # fmt: skip
