"""What two streams differ in: by field, by run of bytes, by row of pages."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.test_stream_ram import CONTINUE, END, PAGE, ZERO, header, sizes
from tests.test_stream_read import HEAD, description, device, section
from vmgen.stream import Stream
from vmgen.stream.compare import Change, compare
from vmgen.stream.paths import ABSENT


def changes(old: bytes, new: bytes) -> list[tuple[Any, ...]]:
    """Each change as its path and the two values, or the number of pages."""
    found: list[Change] = list(compare(Stream(old), Stream(new)))
    return [
        (one.path, one.pages) if one.pages else (one.path, one.old, one.new)
        for one in found
    ]


def stream(
    *bodies: tuple[str, bytes], fields: list[dict[str, Any]] | None = None,
    config: bytes = b"", ram: bytes | None = None,
) -> bytes:  # fmt: skip
    """A stream of such sections, each with one buffer where there are no ``fields``."""
    data, devices = HEAD + config, []
    if ram is not None:
        start = b"\1" + struct.pack(">I", 99) + b"\3ram" + struct.pack(">II", 0, 4)
        data += start + ram + b"\x7e" + struct.pack(">I", 99)
    for number, (name, body) in enumerate(bodies, 1):
        data += section(number, name, body)
        one = device(name, len(body))
        devices.append(one | ({} if fields is None else {"fields": fields}))
    return data + b"\0" + description(devices)


def number(name: str, size: int = 4, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": f"uint{8 * size}", "size": size} | more


def test_the_same_stream_differs_in_nothing() -> None:
    one = stream(("a", b"1234"), ("b", b"5"))
    assert changes(one, one) == []


def test_sections_that_one_side_has_come_in_the_order_of_the_first() -> None:
    old = stream(("a", b"1"), ("gone", b"22"), ("b", b"3"))
    new = stream(("b", b"4"), ("more", b"555"), ("a", b"1"))
    assert changes(old, new) == [
        ("gone/0", "2 bytes, version 1", ABSENT),
        ("b/0.f0", b"3", b"4"),
        ("more/0", ABSENT, "3 bytes, version 1"),
    ]


def test_members_are_compared_one_by_one() -> None:
    fields = [number("x"), number("y", 2), number("z", 1, array_len=3)]
    old = stream(("a", b"\0\0\0\1" + b"\0\2" + b"abc"), fields=fields)
    new = stream(("a", b"\0\0\0\3" + b"\0\2" + b"abd"), fields=fields)
    assert changes(old, new) == [("a/0.x", 1, 3), ("a/0.z[2]", 0x63, 0x64)]
    assert changes(new, old) == [("a/0.x", 3, 1), ("a/0.z[2]", 0x64, 0x63)]


@pytest.mark.parametrize("longer", [False, True])
def test_elements_behind_the_shorter_array_are_absent(longer: bool) -> None:
    short = stream(("a", b"\1\2"), fields=[number("x", 1, array_len=2)])
    long = stream(("a", b"\1\3\4"), fields=[number("x", 1, array_len=3)])
    found = [("a/0.x[1]", 2, 3), ("a/0.x[2]", ABSENT, 4)]
    if longer:
        found = [(path, right, left) for path, left, right in found]
    assert changes(*((long, short) if longer else (short, long))) == found


def test_a_member_that_one_side_has_is_absent_on_the_other() -> None:
    one = stream(("a", bytes(4)), fields=[number("x")])
    two = stream(("a", bytes(8)), fields=[number("x"), number("y")])
    assert changes(one, two) == [("a/0.y", ABSENT, 0)]
    assert changes(two, one) == [("a/0.y", 0, ABSENT)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"abcd", b"axcx", [("a/0.f0", b"abcd", b"axcx")]),
        (b"a" * 16, b"b" + b"a" * 15, [("a/0.f0", b"a" * 16, b"b" + b"a" * 15)]),
        (b"a" * 17, b"b" + b"a" * 16, [("a/0.f0[0]", b"a", b"b")]),
        (b"a" * 17, b"a" * 15 + b"xy", [("a/0.f0[15]", b"aa", b"xy")]),
        (
            b"a" * 40,
            b"a" * 3 + b"bcd" + b"a" * 10 + b"e" + b"a" * 23,
            [("a/0.f0[3]", b"aaa", b"bcd"), ("a/0.f0[16]", b"a", b"e")],
        ),
        (b"abcd", b"abcde", [("a/0.f0", b"abcd", b"abcde")]),
    ],
)
def test_bytes_differ_in_runs_where_there_are_many(
    old: bytes, new: bytes, expected: list[Any]
) -> None:
    assert changes(stream(("a", old)), stream(("a", new))) == expected


def test_bytes_that_no_value_shows_are_compared_as_bytes() -> None:
    fields = [number("x", 1), {"name": "on", "type": "bool", "size": 1}]
    old = stream(("a", b"\1\1"), fields=fields)
    assert changes(old, stream(("a", b"\1\2"), fields=fields)) == [
        ("a/0 bytes", b"\1\1", b"\1\2")
    ]
    # Where a value differs too, it says so alone.
    assert changes(old, stream(("a", b"\2\2"), fields=fields)) == [("a/0.x", 1, 2)]


def test_a_version_differs_by_itself() -> None:
    old = stream(("a", b"1"))
    new = old.replace(b"\1a\0\0\0\0\0\0\0\1", b"\1a\0\0\0\0\0\0\0\2")
    new = new.replace(b'"version": 1', b'"version": 2')
    assert changes(old, new) == [("a/0 version", 1, 2)]


def test_sections_of_unknown_fields_are_bytes() -> None:
    """One side describes them, the other has a footer only."""
    described = stream(("a", b"\0\0\0\1"), fields=[number("x")])
    bare = HEAD + section(1, "a", b"\0\0\0\2") + b"\0"
    assert changes(described, bare) == [("a/0", b"\0\0\0\1", b"\0\0\0\2")]
    assert changes(bare, described) == [("a/0", b"\0\0\0\2", b"\0\0\0\1")]


VFIO = 0xFFFFFFFFEF100000


def live(*pieces: bytes) -> bytes:
    """A stream of a VFIO device in pieces, its data in each of them; and of a section."""
    name, data = "0000:00:02.0/vfio", HEAD
    for place, piece in enumerate(pieces):
        body = struct.pack(">QQ", VFIO + 4, len(piece)) + piece
        body += struct.pack(">Q", VFIO + 1)
        data += section(7, name, body, kind=1 if not place else 2)
    return data + section(1, "a", b"1") + b"\0" + description([device("a", 1)])


def test_sections_in_pieces_are_compared_by_what_is_in_all_of_them() -> None:
    path = "0000:00:02.0/vfio/0"
    assert changes(live(b"one", b"two"), live(b"one", b"two")) == []
    found = changes(live(b"one", b"two"), live(b"one", b"twx"))
    assert len(found) == 1
    assert found[0][0].startswith(path)
    assert found[0][1:] == (b"two", b"twx")
    size = "54 bytes in 2 pieces"
    assert changes(live(b"one", b"two"), live()) == [(path, size, ABSENT)]
    assert changes(live(), live(b"one", b"two")) == [(path, ABSENT, size)]


def named(machine: bytes, *subsections: bytes) -> bytes:
    return b"\7" + struct.pack(">I", len(machine)) + machine + b"".join(subsections)


def test_the_configuration_is_compared_by_its_values() -> None:
    bits = b"\5\x20configuration/target-page-bits\0\0\0\1" + struct.pack(">I", 12)
    bits = b"\5" + bytes([len("configuration/target-page-bits")]) + bits[2:]
    other = bits[:-1] + b"\x0e"
    body = ("a", b"1")
    one, two = (stream(body, config=named(name)) for name in (b"virt", b"q35"))
    assert changes(one, two) == [("configuration.machine", "virt", "q35")]
    assert changes(stream(body), one) == [("configuration.machine", ABSENT, "virt")]
    assert changes(one, stream(body)) == [("configuration.machine", "virt", ABSENT)]
    with_bits = stream(body, config=named(b"virt", bits))
    (added,) = changes(one, with_bits)
    assert added[0].startswith("configuration.")
    assert added[0].endswith("target-page-bits")
    assert added[1:] == (ABSENT, 12)
    (changed,) = changes(with_bits, stream(body, config=named(b"virt", other)))
    assert changed[1:] == (12, 14)


# --- guest memory ---------------------------------------------------------------------


def memory(*pages: tuple[str, int, bytes], blocks: dict[str, int]) -> bytes:
    """A RAM section of these pages, filled with a byte each; 0 is a zero page."""
    body = sizes(*blocks.items())
    for block, page, fill in pages:
        name = bytes([len(block)]) + block.encode()
        if fill == b"\0":
            body += header(page * 4096, ZERO) + name + fill
        else:
            body += header(page * 4096, PAGE) + name + fill * 4096
    return stream(("z", b"1"), ram=body + END)


BLOCKS = {"a": 0x10000, "b": 0x10000}


def of(**pages: str) -> bytes:
    """Memory as the fills of its pages: ``.`` is a page that is not there."""
    return memory(
        *(
            (block, number, b"\0" if fill == "0" else fill.encode())
            for block, fills in pages.items()
            for number, fill in enumerate(fills)
            if fill != "."
        ),
        blocks=BLOCKS,
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("xyz", "xyz", []),
        ("x.0", "x0.", []),
        ("x.0.", "x", []),
        ("xyz", "xay", [("ram a 0x1000", 2)]),
        ("xyz", "ayb", [("ram a 0x0", 1), ("ram a 0x2000", 1)]),
        ("xyz", ".y0", [("ram a 0x0", 1), ("ram a 0x2000", 1)]),
        ("", "..xy", [("ram a 0x2000", 2)]),
        ("..xy", "", [("ram a 0x2000", 2)]),
        ("x.x.x", ".x.x.", [("ram a 0x0", 5)]),
        ("x...", "...y", [("ram a 0x0", 1), ("ram a 0x3000", 1)]),
        ("abcdef", "abxyzf", [("ram a 0x2000", 3)]),
    ],
)
def test_rows_of_pages_that_differ(old: str, new: str, expected: list[Any]) -> None:
    """A page that is not there is as one of zeros."""
    assert changes(of(a=old), of(a=new)) == expected


def test_every_block_is_compared() -> None:
    assert changes(of(a="x", b="y"), of(a="x", b="z")) == [("ram b 0x0", 1)]
    assert changes(of(a="x", b="y"), of(a="y", b="z")) == [
        ("ram a 0x0", 1), ("ram b 0x0", 1),
    ]  # fmt: skip


def test_blocks_of_another_length_are_not_compared_by_page() -> None:
    one = memory(("a", 0, b"x"), blocks={"a": 0x1000, "b": 0x2000})
    two = memory(("a", 0, b"y"), blocks={"a": 0x2000, "c": 0x3000})
    assert changes(one, two) == [
        ("ram a", 0x1000, 0x2000), ("ram b", 0x2000, ABSENT), ("ram c", ABSENT, 0x3000),
    ]  # fmt: skip


def test_memory_that_one_side_does_not_have() -> None:
    one, two = of(a="x"), stream(("z", b"1"))
    assert changes(one, two) == [
        ("ram a", 0x10000, ABSENT), ("ram b", 0x10000, ABSENT),
    ]  # fmt: skip
    assert changes(two, one) == [
        ("ram a", ABSENT, 0x10000), ("ram b", ABSENT, 0x10000),
    ]  # fmt: skip
    assert changes(two, two) == []


def test_pages_that_came_twice_are_as_the_last() -> None:
    body = sizes(*BLOCKS.items()) + header(0, PAGE) + b"\1a" + b"x" * 4096
    again = header(0, PAGE | CONTINUE) + b"y" * 4096
    one = stream(("z", b"1"), ram=body + again + END)
    assert changes(one, of(a="y")) == []
    assert changes(one, of(a="x")) == [("ram a 0x0", 1)]
