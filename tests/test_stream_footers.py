"""Where a section can end: what may stand behind a footer, to the byte."""

from __future__ import annotations

import struct

import pytest

from vmgen.stream.footers import Footers

SEEN = {3: ("old", 0, 1)}
MARK = b"\x7e\0\0\0\7"


def places(behind: bytes, *, before: bytes = b"..", cut: int = 0) -> list[int]:
    """The footers of section 7 in bytes that begin with ``before`` and a mark; the end is
    ``cut`` bytes before the end of the bytes."""
    data = before + MARK + behind
    return Footers(memoryview(data), 0).of(7, 0, len(data) - cut, SEEN)


def full(number: int, name: bytes, kind: int = 4, more: bytes = bytes(8)) -> bytes:
    return bytes([kind]) + struct.pack(">I", number) + bytes([len(name)]) + name + more


@pytest.mark.parametrize(
    ("behind", "fits"),
    [
        (b"", True),
        # A section that begins: with an id that is new, and a name that can be printed.
        (full(9, b"abc"), True),
        (full(9, b"abc", kind=1), True),
        (full(9, b"abc", kind=5), False),
        (full(3, b"abc"), False),
        (full(9, b""), False),
        (full(9, b"a\nc"), False),
        (full(9, b"\nbc"), False),
        (full(9, b"ab\n"), False),
        (full(9, b"abc", more=bytes(7)), False),
        (b"\4\0\0\0\x09", False),
        (b"\4\0\0\0\x09\1", False),
        # One that goes on: with the id of one that was seen.
        (b"\2\0\0\0\3", True),
        (b"\3\0\0\0\3", True),
        (b"\2\0\0\0\x09", False),
        (b"\2\0\0\0", False),
        (b"\2\0\0\0\3more", True),
        # A command, with a length that it can have.
        (b"\x08\0\2\0\4" + bytes(4), True),
        (b"\x08\0\2\0\5" + bytes(5), False),
        (b"\x08\0\2\0\4" + bytes(3), False),
        (b"\x08\0\4\0\0", True),
        (b"\x08\0\6\0\7" + bytes(7), True),
        (b"\x08\0\6\0\7" + bytes(6), False),
        (b"\x08\0\x63\0\0", False),
        (b"\x08\1\2\0\4" + bytes(4), False),
        (b"\x08\0\6\1\0" + bytes(256), True),
        (b"\x08\0\6\1\0" + bytes(255), False),
        # The end: with nothing, padding or a description behind it.
        (b"\0", True),
        (b"\0" * 9, True),
        (b"\0" * 9 + b"x", False),
        (b"\0\6\0\0\0\2{}", True),
        (b"\0\6\0\0\0\2{}more", True),
        (b"\0\6\0\0\0\3{}", False),
        (b"\0\6\0\0\0\2[]", False),
        (b"\0\5\0\0\0\2{}", False),
        (b"\5", False), (b"\6", False), (b"\7", False), (b"\x7e", False),
    ],
)  # fmt: skip
def test_what_can_stand_behind_a_footer(behind: bytes, fits: bool) -> None:
    assert places(behind) == ([2] if fits else [])


def test_a_footer_is_inside_of_what_is_looked_at() -> None:
    data = b"." * 10 + MARK
    footers = Footers(memoryview(data), 0)
    assert footers.of(7, 10, 15, {}) == [10]
    assert footers.of(7, 11, 15, {}) == []
    assert footers.of(7, 0, 14, {}) == []
    assert footers.of(6, 0, 15, {}) == []
    assert Footers(memoryview(data), 10).of(7, 0, 15, {}) == [10]
    assert Footers(memoryview(data), 11).of(7, 0, 15, {}) == []


def test_every_place_is_found_in_their_order() -> None:
    data = MARK + b"\2\0\0\0\3" + MARK + b"\4" + MARK + b"\0"
    footers = Footers(memoryview(data), 0)
    assert footers.of(7, 0, len(data), SEEN) == [0, 16]


def test_sections_of_a_footer_that_overlaps_another() -> None:
    """The id's own bytes may be marks."""
    data = b"\x7e\x7e\x7e\x7e\x7e\x7e"
    footers = Footers(memoryview(data + b"\0"), 0)
    assert footers.of(0x7E7E7E7E, 0, 7, {}) == [1]


@pytest.mark.parametrize("length", [1, 5, 1 << 16, (1 << 16) + 1, 1 << 18])
@pytest.mark.parametrize("after", [b"", b"x"])
def test_padding_of_any_length_is_an_end(length: int, after: bytes) -> None:
    found = places(b"\0" + bytes(length) + after)
    assert found == ([] if after else [2])
