"""The description JSON: how it is found, split and measured, in whatever form it has."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from tests.test_stream_read import device
from vmgen.stream import Malformed
from vmgen.stream.description import (
    Document,
    check_depth,
    find,
    has_null_array,
    listed,
    name_of,
    number,
    object_size,
    parse,
)

SUB = {"vmsd_name": "a/sub", "version": 2, "fields": device("x", 3)["fields"]}
DEVICES = [
    device("a", 4, subsections=[SUB]), device("b/é", 1, 2) | {"instance_id": 17},
    {"name": "slirp", "instance_id": 3, "size": 99},
]  # fmt: skip


def ordered(one: dict[str, Any]) -> dict[str, Any]:
    """With name and instance first, as QEMU writes them."""
    return {"name": one["name"], "instance_id": one["instance_id"]} | one


def text(devices: list[Any], **more: Any) -> bytes:
    whole = {**more, "page_size": 4096, "devices": list(map(ordered, devices))}
    return json.dumps(whole).encode()


def shown(document: Document) -> list[tuple[Any, ...]]:
    return [
        (one.name, one.instance_id, one.size, one.version) for one in document.devices
    ]


USUAL = text(DEVICES)
FORMS = {
    "usual": USUAL,
    "indented": json.dumps(json.loads(USUAL), indent=1).encode(),
    "tight": json.dumps(json.loads(USUAL), separators=(",", ":")).encode(),
    "behind": json.dumps({**json.loads(USUAL), "more": [1]}).encode(),
    "reversed": json.dumps(
        {"devices": json.loads(USUAL)["devices"], "page_size": 4096}
    ).encode(),
    "raw": json.dumps(json.loads(USUAL), ensure_ascii=False).encode(),
    "space behind": USUAL + b" ",
    "name last": json.dumps(
        {"page_size": 4096, "devices": [dict(reversed(one.items())) for one in DEVICES]}
    ).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_devices_are_found_in_every_form(form: str) -> None:
    document = Document(FORMS[form], 7)
    assert shown(document) == [
        ("a", 0, 4 + 6 + 5 + 3, 1), ("b/é", 17, 3, 1), ("slirp", 3, 99, None),
    ]  # fmt: skip
    assert (document.page_size, document.configuration) == (4096, None)
    assert (document.offset, document.size) == (7, len(FORMS[form]) + 5)
    for one, expected in zip(document.devices, DEVICES, strict=True):
        start, end = one.span
        assert document.text[start:end] == one.text
        assert json.loads(one.text) == one.node == expected
    assert document.devices[1].path == "b/é/17"


@pytest.mark.parametrize(
    "name",
    [
        'quo"te',
        "back\\slash",
        '", "instance_id": 5',
        "{",
        "]}",
        "",
        '{"name": "x',
        "a, b",
    ],
)
def test_names_may_have_anything_in_them(name: str) -> None:
    devices = [device(name, 1), device("z", 2), device(name, 3) | {"instance_id": 1}]
    document = Document(text(devices), 0)
    assert shown(document) == [(name, 0, 1, 1), ("z", 0, 2, 1), (name, 1, 3, 1)]


def test_fields_that_look_like_devices_are_none() -> None:
    inner = {"name": "x", "instance_id": 4, "type": "uint8", "size": 1}
    devices = [device("a", 1) | {"fields": [inner]}, device("b", 2)]
    assert shown(Document(text(devices), 0)) == [("a", 0, 1, 1), ("b", 0, 2, 1)]


def test_no_devices_and_a_configuration() -> None:
    empty = Document(text([]), 0)
    assert (empty.devices, empty.page_size) == ((), 4096)
    configured = Document(text(DEVICES, configuration={"x": 1}), 0)
    assert configured.configuration == {"x": 1}
    assert len(configured.devices) == 3
    assert Document(b'{"devices": []}', 0).page_size is None


@pytest.mark.parametrize(
    "bad",
    [
        b"{}", b"[]", b"5", b"{", b'{"devices": 5}', b'{"devices": [5]}',
        b'{"devices": [{}]}', b'{"devices": [{"name": "a"}]}',
        b'{"devices": [{"name": 5, "instance_id": 1}]}',
        b'{"devices": [{"name": "a", "instance_id": -1}]}',
        b'{"devices": [{"name": "a", "instance_id": 1.0}]}',
        b'{"devices": [{"name": "a", "instance_id": NaN}]}',
    ],
)  # fmt: skip
def test_what_is_no_description_is_malformed(bad: bytes) -> None:
    with pytest.raises(Malformed):
        Document(bad, 0)


def test_members_of_other_kinds_are_malformed() -> None:
    others: tuple[Any, ...] = (5, [], "x")
    for configuration in others:
        with pytest.raises(Malformed, match="not an object"):
            _ = Document(text([], configuration=configuration), 0).configuration
    with pytest.raises(Malformed, match="'page_size' is not a number"):
        _ = Document(b'{"page_size": "4096", "devices": []}', 0).page_size


def test_numbers_lists_and_names() -> None:
    assert number({"n": 0}, "n") == 0
    assert number({"n": (1 << 64) - 1}, "n") == (1 << 64) - 1
    assert number({}, "n", 5) == 5
    assert listed({}, "l") == []
    assert listed({"l": [{}]}, "l") == [{}]
    assert name_of({"name": ""}) == ""
    assert name_of({"vmsd_name": "x"}, "vmsd_name") == "x"
    numbers: tuple[Any, ...] = (-1, 1 << 64, True, "1", None, [])
    for value in numbers:
        with pytest.raises(Malformed, match="'n' is not a number"):
            number({"n": value}, "n", 5)
    lists: tuple[Any, ...] = (5, {}, [5], [{}, 5], [[]], None, "x")
    for several in lists:
        with pytest.raises(Malformed, match="'l' is not a list of objects"):
            listed({"l": several}, "l")
    names: tuple[Any, ...] = (5, None, [])
    for name in names:
        with pytest.raises(Malformed, match="'name' is not text"):
            name_of({"name": name})
    with pytest.raises(Malformed):
        number({}, "n")


def test_json_has_integers_only_and_is_only_so_deep() -> None:
    assert parse(b'{"a": [1, -2, null, true]}') == {"a": [1, -2, None, True]}
    assert parse(b'"\xff"') == "\udcff"
    for bad in (
        b"1.0",
        b"1e5",
        b"NaN",
        b"Infinity",
        b"",
        b"{",
        b"1" * 9000,
        b"[" * 99999,
    ):
        with pytest.raises(Malformed) as error:
            parse(bad, "dev/0")
        assert error.value.path == "dev/0"


def test_objects_are_inside_of_each_other_only_so_deep() -> None:
    check_depth(64)
    with pytest.raises(Malformed, match="too deeply"):
        check_depth(65, "dev/0")

    def nested(depth: int, key: str) -> dict[str, Any]:
        node: dict[str, Any] = {"fields": [], "vmsd_name": "x"}
        for _ in range(depth):
            if key == "struct":
                field = {"name": "f", "type": "struct", "size": 0, "struct": node}
                node = {"fields": [field]}
            else:
                node = {"fields": [], "vmsd_name": "x", "subsections": [node]}
        return node

    assert object_size(nested(64, "sub")) == 64 * 7
    for key in ("struct", "sub"):
        assert not has_null_array(nested(64, key))
        with pytest.raises(Malformed, match="too deeply"):
            has_null_array(nested(65, key), "dev/0")
    with pytest.raises(Malformed, match="too deeply"):
        object_size(nested(65, "sub"), "dev/0")


def test_sizes_are_sums() -> None:
    field = {"name": "x", "size": 3}
    many = field | {"array_len": 5}
    none = field | {"array_len": 0}
    assert object_size({}) == 0
    assert object_size({"fields": [field, many, none]}) == 18
    sub = {"vmsd_name": "é", "fields": [field]}
    assert object_size({"fields": [field], "subsections": [sub, sub]}) == 3 + 2 * 11
    with pytest.raises(Malformed) as error:
        object_size({"subsections": [{"fields": [{"name": "x"}]}]}, "dev/0")
    assert error.value.path == "dev/0"


NULL = {"name": "p", "size": 1, "type": "struct", "struct": {}}


@pytest.mark.parametrize(
    ("fields", "subsections", "certain"),
    [
        ([NULL], [], True), ([NULL | {"array_len": 1}], [], True),
        ([NULL | {"array_len": 2}], [], False),
        ([NULL | {"struct": {"fields": []}, "array_len": 2}], [], True),
        ([NULL | {"struct": {"fields": [NULL | {"array_len": 2}]}}], [], False),
        ([], [{"vmsd_name": "s", "fields": [NULL | {"array_len": 3}]}], False),
        ([], [{"vmsd_name": "s", "fields": [NULL]}], True),
        ([{"name": "x", "size": 1, "array_len": 2}], [], True),
    ],
)  # fmt: skip
def test_arrays_of_which_only_a_null_is_described(
    fields: list[Any], subsections: list[Any], certain: bool
) -> None:
    one = device("a") | {"fields": fields, "subsections": subsections}
    (found,) = Document(text([one]), 0).devices
    assert found.certain == certain


# --- at the end of a stream -----------------------------------------------------------


def part(body: bytes, length: int | None = None) -> bytes:
    return b"\6" + struct.pack(">I", len(body) if length is None else length) + body


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (b"", b""), (b"stream", b""), (b"stream", bytes(512)), (b"x" * 9, bytes(1 << 20)),
        (b"\6" * 20, b""), (b"\6\0\0\0\2{}", b""), (b"x" * ((1 << 20) - 3), b""),
        (b"x" * ((2 << 20) + 5), bytes(7)), (part(b'{"devices": []}'), b""),
    ],
)  # fmt: skip
def test_the_last_description_is_found(before: bytes, behind: bytes) -> None:
    document = find(memoryview(before + part(USUAL) + behind))
    assert document is not None
    assert (document.offset, document.text) == (len(before), USUAL)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\6", b"x" * 99, part(USUAL)[:-1], part(USUAL, len(USUAL) + 1),
        part(USUAL, len(USUAL) - 1), part(USUAL) + b"x", part(USUAL) + bytes(9) + b"x",
        part(USUAL) + bytes((1 << 20) + 1), part(b"[]"), part(b"{]"), b"\5" + part(USUAL)[1:],
    ],
)  # fmt: skip
def test_what_is_no_description_at_the_end(data: bytes) -> None:
    assert find(memoryview(b"head" + data)) is None
