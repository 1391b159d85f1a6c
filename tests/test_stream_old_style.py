"""Sections without a table: read to their end, and written the same."""

from __future__ import annotations

import struct

import pytest

from tests.stream_files import captured, codecs_of
from vmgen.stream import Malformed, Stream, StreamError, Truncated
from vmgen.stream.old_style import old_style
from vmgen.stream.wire import Cursor


def q(value: int) -> bytes:
    return struct.pack(">Q", value)


VFIO = 0xFFFFFFFFEF100000

GOOD = {
    "no htab": ("spapr/htab", "start", struct.pack(">I", 0xFFFFFFFF)),
    "htab size": ("spapr/htab", "start", struct.pack(">I", 18)),
    "htab": (
        "spapr/htab",
        "part",
        struct.pack(">I", 0) + struct.pack(">IHH", 7, 2, 1) + bytes(range(32)) + bytes(8),
    ),
    "skeys": ("s390-skeys", "full", q(0x2) + q(3) + b"abc" + q(0x5002) + q(0) + q(1)),
    "stattrib": (
        "s390-storage_attributes",
        "end",
        q(0x3002) + q(2) + b"xy" + q(8) + q(1),
    ),
    "todclock": ("todclock", "full", b"\1\2" + q(99)),
    "no todclock": ("todclock", "full", b"\0"),
    "bitmap": (
        "dirty-bitmap",
        "start",
        b"\x1c\4disk\3one" + struct.pack(">IB", 65536, 3) + b"\x14\3two"
        + struct.pack(">IB", 4096, 0) + b"\1",
    ),
    "bitmap bits": (
        "dirty-bitmap",
        "part",
        b"\x4c\4disk\3one" + struct.pack(">QIQ", 0, 128, 4) + b"\xff\0\0\1"
        + b"\x42" + struct.pack(">QI", 128, 64) + b"\x20" + b"\1",
    ),
    "vfio": ("0000:00:02.0/vfio", "part", q(VFIO + 4) + q(5) + b"hello" + q(VFIO + 1)),
    "vfio setup": ("0000:00:02.0/vfio", "start", q(VFIO + 3) + q(VFIO + 1)),
    "vfio sent": ("0000:00:02.0/vfio", "part", q(VFIO + 4) + q(0) + q(VFIO + 5)),
    "block": (
        "block",
        "part",
        q(3 << 9 | 1) + b"\2hd" + b"b" * (1 << 20) + q(9 << 9 | 9) + b"\2hd"
        + q(50 << 9 | 4) + q(2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", GOOD)
def test_read_to_the_end_and_written_the_same(case: str) -> None:
    name, kind, body = GOOD[case]
    reader = old_style(name, kind)
    assert reader is not None
    cursor = Cursor(memoryview(body + b"more"), 0)
    events = reader.read(cursor, kind)
    assert cursor.pos == len(body)
    assert reader.write(events) == body


@pytest.mark.parametrize("case", GOOD)
def test_cut_anywhere_it_is_truncated(case: str) -> None:
    name, kind, body = GOOD[case]
    reader = old_style(name, kind)
    assert reader is not None
    for length in range(min(len(body), 60)):
        with pytest.raises(Truncated):
            reader.read(Cursor(memoryview(body[:length]), 0), kind)


def test_what_events_say() -> None:
    def events(case: str) -> list[dict[str, object]]:
        name, kind, body = GOOD[case]
        reader = old_style(name, kind)
        assert reader is not None
        return [
            {
                key: bytes(item) if isinstance(item, memoryview) else item
                for key, item in one.items()
            }
            for one in reader.read(Cursor(memoryview(body), 0), kind)
        ]

    assert events("htab") == [
        {"shift": 0},
        {"index": 7, "valid": 2, "invalid": 1, "data": bytes(range(32))},
        {"index": 0, "valid": 0, "invalid": 0},
    ]
    assert events("skeys")[0] == {"address": 0, "flags": 2, "data": b"abc"}
    assert events("todclock") == [{"present": 1, "high": 2, "low": 99}]
    assert events("bitmap")[0] == {
        "flags": 0x1C, "device": "disk", "bitmap": "one", "granularity": 65536,
        "bitmap_flags": 3,
    }  # fmt: skip
    assert [one.get("data") for one in events("bitmap bits")] == [
        b"\xff\0\0\1",
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("name", "kind", "body", "message"),
    [
        ("s390-skeys", "full", q(0x1004), "flags 0x4"),
        ("s390-skeys", "full", q(0x3), "flags 0x3"),
        ("s390-storage_attributes", "part", q(0x4), "flags 0x4"),
        ("dirty-bitmap", "part", b"\x80", "flags 0x80"),
        ("vfio", "part", q(1), "unknown tag 0x1"),
        ("vfio", "part", q(VFIO + 2), "unknown tag"),
        ("block", "part", q(0x10), "unknown flags 0x10"),
    ],
)
def test_unknown_flags_are_refused(
    name: str, kind: str, body: bytes, message: str
) -> None:
    reader = old_style(name, kind)
    assert reader is not None
    with pytest.raises(Malformed, match=message):
        reader.read(Cursor(memoryview(body + bytes(64)), 0), kind)


@pytest.mark.parametrize(
    "body",
    [
        struct.pack(">I", 0) + struct.pack(">IHH", 0, 0xFFFF, 0),
        b"\x44\1x" + struct.pack(">QIQ", 0, 1, 1 << 63),
    ],
)
def test_counts_are_checked_first(body: bytes) -> None:
    name = "dirty-bitmap" if body[0] else "spapr/htab"
    reader = old_style(name, "part")
    assert reader is not None
    with pytest.raises(Truncated):
        reader.read(Cursor(memoryview(body), 0), "part")


def test_a_device_of_vfio_has_no_reader_for_its_configuration() -> None:
    assert old_style("0000:00:02.0/vfio", "full") is None
    assert old_style("cpu", "full") is None


def test_an_unknown_version_is_refused() -> None:
    data = b"QEVM\0\0\0\3\1\0\0\0\1\x0aspapr/htab" + struct.pack(">III", 0, 9, 0)
    with pytest.raises(StreamError, match="spapr/htab/0: version 9 is not known"):
        list(Stream(data).parts())


@pytest.mark.parametrize(
    ("name", "sections"),
    [
        (
            "s390x-ccw--10.0.2",
            {"s390-skeys/0", "s390-storage_attributes/0", "todclock/0"},
        ),
        ("ppc64-pseries-vof--10.0.2", {"spapr/htab/0"}),
        ("riscv64-dirty-bitmap--10.0.2", {"dirty-bitmap/0"}),
    ],
)
def test_real_streams_have_them(name: str, sections: set[str]) -> None:
    stream = Stream(captured(name), codecs_of(name))
    found = [one for one in stream.sections if one.means == "old-style"]
    assert {one.path for one in found} == sections
    for one in found:
        reader = old_style(one.name, one.kind)
        assert reader is not None
        assert reader.write(stream.events(one)) == bytes(stream.body(one))
