"""Small streams by hand: what the configuration, a late description, bytes in buffers and
guest memory are, where no capture has them."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.test_stream_ram import END, PAGE, ZERO, header, sizes
from tests.test_stream_read import HEAD, description, device, null_array, section
from vmgen.stream import (
    Configuration,
    DescriptionJson,
    Disagreement,
    Malformed,
    Stream,
    StreamError,
    Trailing,
    Truncated,
    UnknownSection,
)
from vmgen.stream.configuration import encode
from vmgen.stream.edit import edit
from vmgen.stream.errors import BadEdit
from vmgen.stream.ram_place import pieces, ram_place
from vmgen.stream.verify import verify

PREFIX = "configuration/"


def configuration(*subsections: bytes, machine: bytes = b"virt") -> bytes:
    return b"\7" + struct.pack(">I", len(machine)) + machine + b"".join(subsections)


def subsection(name: str, body: bytes, version: int = 1) -> bytes:
    full = PREFIX + name
    return (
        b"\5" + bytes([len(full)]) + full.encode() + struct.pack(">I", version) + body
    )


UUID = subsection("uuid", bytes(range(16)))
BITS = subsection("target-page-bits", struct.pack(">I", 12))
CAPABILITIES = subsection("capabilities", b"\0\0\0\2\x03abc\x08mapped-r")
PARTS = {"uuid": UUID, "target-page-bits": BITS, "capabilities": CAPABILITIES}
VALUES = {"uuid": bytes(range(16)), "target-page-bits": 12, "capabilities": ["abc", "mapped-r"]}  # fmt: skip


@pytest.mark.parametrize(
    "names",
    [["uuid"], ["capabilities", "uuid"], ["target-page-bits", "capabilities", "uuid"], []],
)  # fmt: skip
def test_every_subsection_of_a_configuration(names: list[str]) -> None:
    made = configuration(*(PARTS[name] for name in names))
    stream = Stream(HEAD + made + section(1, "a", b"1234") + b"\0")
    found = stream.configuration
    assert found is not None
    assert (found.offset, found.size, found.machine) == (8, len(made), "virt")
    for name in PARTS:
        assert found.value(name) == (VALUES[name] if name in names else None)
    assert encode(found) == made
    at = 8 + 5 + 4
    for one, name in zip(found.subsections, names, strict=True):
        assert (one.name, one.version_id) == (PREFIX + name, 1)
        assert (one.offset, one.size) == (at, len(PARTS[name]))
        at += one.size
    assert [one.difference for one in verify(stream) if one.difference] == []


@pytest.mark.parametrize("version", [0, 2])
@pytest.mark.parametrize("name", ["uuid", "target-page-bits"])
def test_a_subsection_of_the_configuration_has_version_1(
    name: str, version: int
) -> None:
    data = HEAD + configuration(subsection(name, bytes(16), version)) + b"\0"
    with pytest.raises(Malformed, match=f"version {version} is not 1"):
        list(Stream(data).parts())


def test_capabilities_that_are_more_than_the_stream_is_long_are_cut() -> None:
    data = HEAD + configuration(subsection("capabilities", b"\0\0\0\x09\3abc")) + b"\0"
    with pytest.raises(Truncated, match="9 bytes"):
        list(Stream(data).parts())


def described_configuration(*sizes_: int, name: str = "new") -> dict[str, Any]:
    fields = [{"name": "f", "type": "buffer", "size": size} for size in sizes_]
    inner = {"vmsd_name": PREFIX + name, "version": 1, "fields": fields}
    own = [
        {"name": "len", "type": "uint32", "size": 4},
        {"name": "name", "type": "buffer", "size": 4},
    ]
    return {"vmsd_name": "configuration", "version": 1, "fields": own, "subsections": [inner]}  # fmt: skip


def test_a_subsection_that_vmgen_does_not_know_is_as_long_as_it_is_described() -> None:
    body = b"123456789"
    head = HEAD + configuration(subsection("new", body))
    devices = section(1, "a", b"1234") + b"\0"
    told = description([device("a", 4)], configuration=described_configuration(2, 7))
    found = Stream(head + devices + told).configuration
    assert found is not None
    assert found.value("new") == body
    with pytest.raises(UnknownSection, match="which nothing describes") as error:
        list(Stream(head + devices + description([device("a", 4)])).parts())
    assert error.value.offset == 8 + 5 + 4
    other = described_configuration(2, 7, name="other")
    with pytest.raises(UnknownSection, match="which nothing describes"):
        list(
            Stream(
                head + devices + description([device("a", 4)], configuration=other)
            ).parts()
        )


def test_a_configuration_that_is_described_otherwise() -> None:
    told = description(
        [device("a", 4)], configuration=described_configuration(16, name="uuid")
    )
    devices = section(1, "a", b"1234") + b"\0"
    assert list(Stream(HEAD + configuration(UUID) + devices + told).parts())
    for wrong in ((), (UUID, CAPABILITIES), (BITS,)):
        with pytest.raises(Disagreement, match="configuration"):
            list(Stream(HEAD + configuration(*wrong) + devices + told).parts())


# --- the description ------------------------------------------------------------------


def found_late(devices: list[Any]) -> bytes:
    """A description that only a reader of all that is before it finds: something other
    than padding is behind it, and its text begins as no other."""
    text = b"{ " + description(devices)[6:]
    return b"\6" + struct.pack(">I", len(text)) + text + b"more than padding"


SECTIONS = HEAD + section(1, "a", b"1234") + section(2, "b", b"56") + b"\0"


def test_a_description_is_found_behind_sections_that_their_footers_bound() -> None:
    text = found_late([device("a", 4), device("b", 1, 1)])
    stream = Stream(SECTIONS + text)
    assert {one.means for one in stream.sections} == {"footer"}
    told, rest = list(stream.parts())[-2:]
    assert isinstance(told, DescriptionJson)
    assert isinstance(rest, Trailing)
    behind = len("more than padding")
    assert (told.offset, told.size) == (len(SECTIONS), len(text) - behind)
    assert (rest.offset, rest.size) == (len(SECTIONS) + told.size, behind)


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        ([device("a", 4), device("b", 3)], "b/0: 2 bytes by its reader, 3 by the"),
        ([device("a", 3), device("b", 2)], "a/0: 4 bytes by its reader, 3 by the"),
        ([device("a", 4)], "b/0: not in the description"),
        ([device("a", 4), device("b", 2), device("c", 1)], "not in the stream: c/0"),
    ],
)
def test_sections_are_held_to_a_description_that_is_found_late(
    devices: list[Any], message: str
) -> None:
    data = SECTIONS + found_late(devices)
    with pytest.raises(StreamError, match=message):
        list(Stream(data).parts())
    assert list(Stream(data, strict=False).parts())
    assert list(Stream(data, use_description=False).parts())


def test_a_late_description_of_the_least_bytes_is_no_other_size() -> None:
    least = null_array(2)
    least["fields"][0]["size"] = 1
    data = SECTIONS + found_late([least, device("b", 2)])
    assert list(Stream(data).parts())


# --- bytes of buffers -----------------------------------------------------------------


def edited(data: bytes, *assignments: str) -> bytes:
    return bytes(Stream(edit(Stream(data), assignments).to_bytes()).body(Stream(data).section("a")))  # fmt: skip


BUFFERS = HEAD + section(1, "a", b"12345678") + b"\0" + description([device("a", 3, 5)])


@pytest.mark.parametrize(
    ("assignments", "body"),
    [
        (["a/0.f0[0]=0x41"], b"A2345678"),
        (["a/0.f0[2]=255"], b"12\xff45678"),
        (["a/0.f1[4]=0"], b"1234567\0"),
        (["a/0.f1[1]=0x42", "a/0.f1[2]=0x43"], b"1234BC78"),
        (["a/0.f0=616263"], b"abc45678"),
    ],
)
def test_one_byte_of_a_buffer_is_set(assignments: list[str], body: bytes) -> None:
    assert edited(BUFFERS, *assignments) == body


@pytest.mark.parametrize("value", ["256", "-1"])
def test_a_byte_is_from_0_to_255(value: str) -> None:
    with pytest.raises(BadEdit, match=f"{value} is not a byte"):
        edit(Stream(BUFFERS), [f"a/0.f0[1]={value}"])


def test_a_byte_inside_of_an_object_is_set() -> None:
    inner = {
        "fields": [
            {"name": "x", "type": "uint8", "size": 1},
            {"name": "data", "type": "buffer", "size": 3},
        ]
    }
    one = device("a") | {
        "fields": [{"name": "s", "type": "struct", "struct": inner, "size": 4}]
    }
    data = HEAD + section(1, "a", b"\7abc") + b"\0" + description([one])
    assert edited(data, "a/0.s.data[1]=0x5a", "a/0.s.x=9") == b"\x09aZc"


def test_an_array_of_truths_is_set() -> None:
    one = device("a") | {
        "fields": [{"name": "on", "type": "bool", "size": 1, "array_len": 3}]
    }
    data = HEAD + section(1, "a", b"\1\0\1") + b"\0" + description([one])
    assert edited(data, "a/0.on=[0, 1, 0]") == b"\0\1\0"
    assert edited(data, "a/0.on[2]=false") == b"\1\0\0"


# --- guest memory ---------------------------------------------------------------------

BASE = 0x1000


def memory_of(*pages: bytes | int | None) -> Any:
    """Guest memory of one block of such pages: their bytes, what fills them, or nothing."""
    data = HEAD + b"\1" + struct.pack(">I", 99) + b"\3ram" + struct.pack(">II", 0, 4)
    data += sizes(("pc.ram", BASE * len(pages))) + END
    data += b"\x7e" + struct.pack(">I", 99) + b"\3" + struct.pack(">I", 99)
    first = True
    for number, page in enumerate(pages):
        if page is None:
            continue
        flag = PAGE if isinstance(page, bytes) else ZERO
        data += header(BASE * number, flag | (0 if first else 0x20))
        if first:
            data += b"\6pc.ram"
            first = False
        data += page if isinstance(page, bytes) else bytes([page])
    data += END + b"\x7e" + struct.pack(">I", 99) + b"\0"
    return Stream(data + description([])).memory()


PATTERN = bytes(range(256)) * 16


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("0x0:4", [(0, 4, PATTERN[:4])]),
        ("0xffe:4", [(0xFFE, 4, PATTERN[-2:] + b"\0\0")]),
        ("0xffe:0x1004", [(0xFFE, 0x1002, PATTERN[-2:] + bytes(BASE)), (0x2000, 2, None)]),
        ("0x1ffe:0x1004", [(0x1FFE, 2, b"\0\0"), (0x2000, BASE, None), (0x3000, 2, b"\7\7")]),
        ("0x2ffe:4", [(0x2FFE, 2, None), (0x3000, 2, b"\7\7")]),
        ("0xff0", [(0xFF0, 16, PATTERN[-16:])]),
    ],
)  # fmt: skip
def test_memory_in_pieces(where: str, expected: list[tuple[int, int, bytes]]) -> None:
    memory = memory_of(PATTERN, 0, None, b"\7" * BASE)
    place = ram_place(f"ram/pc.ram@{where}")
    assert place is not None
    place.check(memory)
    assert pieces(memory, place) == [
        {"address": at, "size": size, "bytes": None if data is None else data.hex()}
        for at, size, data in expected
    ]


def test_a_configuration_is_a_part() -> None:
    stream = Stream(HEAD + configuration() + section(1, "a", b"1") + b"\0")
    assert [type(one) for one in stream.parts()][1] is Configuration
