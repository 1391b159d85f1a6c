"""Places and values that a description tells: by type, element and member."""

from __future__ import annotations

import struct
from array import array
from typing import Any

import pytest

from vmgen.stream import BadEdit, Disagreement, Malformed
from vmgen.stream.described import (
    Slot,
    decode,
    encode,
    header,
    layout,
    leaves,
    place_of,
)

BASE = 5


def field(name: str, kind: str, size: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "size": size} | more


def node(*fields: dict[str, Any], subsections: Any = None) -> dict[str, Any]:
    made: dict[str, Any] = {"fields": list(fields)}
    return made if subsections is None else made | {"subsections": subsections}


def values(data: bytes, *fields: dict[str, Any], subsections: Any = None) -> Any:
    """What the bytes hold; they must come back as they are, also without the old ones."""
    slots = layout(node(*fields, subsections=subsections))
    view = memoryview(bytes(BASE) + data + b"behind")
    assert sum(slot.total for slot in slots) == len(data)
    found = decode(slots, view, BASE)
    assert encode(slots, found, view, BASE) == data
    other = memoryview(bytes(len(view)))
    assert encode(slots, found, other, BASE) == data
    return found


@pytest.mark.parametrize("check", ["", " equal", " le"])
@pytest.mark.parametrize("bits", [8, 16, 32, 64])
@pytest.mark.parametrize("sign", ["", "u"])
def test_numbers_have_the_sign_the_width_and_the_order_of_the_wire(
    sign: str, bits: int, check: str
) -> None:
    data = bytes([0x81, *range(2, bits // 8 + 1)])
    number = int.from_bytes(data, "big", signed=not sign)
    kind = f"{sign}int{bits}{check}"
    size = bits // 8
    assert values(data, field("x", kind, size)) == {"x": number}
    many = values(data * 3, field("x", kind, size, array_len=3))["x"]
    assert (type(many), many.itemsize, list(many)) == (array, size, [number] * 3)
    # Of another size than its type says it is bytes.
    wide = field("x", kind, size + 1)
    assert values(data + b"\1", wide) == {"x": data + b"\1"}


def test_types_of_other_names() -> None:
    minus = struct.pack(">q", -2)
    assert values(minus, field("t", "timer", 8)) == {"t": -2}
    assert values(minus, field("t", "float64", 8)) == {"t": (1 << 64) - 2}
    assert values(minus, field("t", "CPU_Double_U", 8)) == {"t": (1 << 64) - 2}
    assert values(minus, field("t", "buffer", 8)) == {"t": minus}
    assert values(minus, {"name": "t", "size": 8}) == {"t": minus}
    assert values(b"\1", field("b", "bool", 1)) == {"b": True}
    assert values(b"\0\1", field("b", "bool", 1, array_len=2)) == {"b": [False, True]}
    assert values(b"\1\0", field("b", "bool", 2)) == {"b": b"\1\0"}
    assert values(b"0", field("p", "nullptr", 1)) == {"p": None}
    assert values(b"0", field("p", "ptr-marker", 1)) == {"p": None}  # from 11.1 on
    assert values(b"1", field("p", "nullptr", 1)) == {"p": b"1"}
    assert values(b"010", field("p", "nullptr", 1, array_len=3)) == {
        "p": [None, b"1", None]
    }
    assert values(b"abcd", field("p", "pci config", 2, array_len=2)) == {
        "p": [b"ab", b"cd"]
    }


def test_fields_without_bytes_are_left_out() -> None:
    fields = [field("a", "uint8", 1), field("", "nothing", 0),
              field("e", "uint8", 1, array_len=0), field("b", "uint8", 1)]  # fmt: skip
    assert values(b"\1\2", *fields) == {"a": 1, "b": 2}
    assert [(one.name, one.start) for one in layout(node(*fields))] == [
        ("a", 0), ("b", 1),
    ]  # fmt: skip


def test_elements_that_are_listed_one_by_one_are_a_list() -> None:
    """Also single ones and runs of equal elements (``array_len`` with ``index``)."""
    one = field("x", "uint16", 2, index=0)
    run = field("x", "uint16", 2, index=1, array_len=2)
    assert values(b"\0\1", one) == {"x": [1]}
    assert values(b"\0\1\0\2", one, one | {"index": 1}) == {"x": [1, 2]}
    assert values(b"\0\1\0\2\0\3", one, run) == {"x": [1, 2, 3]}
    assert values(b"\0\1\0\2\0\3", run, one) == {"x": [1, 2, 3]}
    assert values(b"\0\1" * 4, run, run) == {"x": [1, 1, 1, 1]}
    assert values(b"\0\1\0\2", *[field("x", "uint16", 2)] * 2) == {"x": [1, 2]}


INNER = [field("a", "uint8", 1), field("b", "uint16", 2)]


def nested(name: str, *inner: dict[str, Any], size: int = 3, **more: Any) -> Any:
    return field(name, "struct", size, struct=node(*(inner or INNER)), **more)


def test_objects_and_arrays_of_them() -> None:
    assert values(b"\1\0\2", nested("o")) == {"o": {"a": 1, "b": 2}}
    two = [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert values(b"\1\0\2\3\0\4", nested("o", array_len=2)) == {"o": two}
    flag = [field("on", "bool", 1), field("n", "int16", 2)]
    assert values(b"\1\xff\xfe\0\0\1", nested("o", *flag, array_len=2)) == {
        "o": [{"on": True, "n": -2}, {"on": False, "n": 1}]
    }
    text = [field("s", "buffer", 2), field("n", "uint8", 1)]
    assert values(b"ab\1cd\2", nested("o", *text, array_len=2)) == {
        "o": [{"s": b"ab", "n": 1}, {"s": b"cd", "n": 2}]
    }
    arrays = [field("n", "uint8", 1, array_len=3)]
    assert values(b"abcdef", nested("o", *arrays, array_len=2)) == {
        "o": [{"n": array("B", b"abc")}, {"n": array("B", b"def")}]
    }
    again = [field("n", "uint8", 1, index=0), field("m", "uint16", 2)]
    assert values(b"\1\0\2\3\0\4", nested("o", *again, array_len=2)) == {
        "o": [{"n": [1], "m": 2}, {"n": [3], "m": 4}]
    }
    twice = [field("n", "uint8", 1)] * 3
    assert values(b"abcdef", nested("o", *twice, array_len=2)) == {
        "o": [{"n": [0x61, 0x62, 0x63]}, {"n": [0x64, 0x65, 0x66]}]
    }
    listed = [nested("o", index=0), nested("o", index=1)]
    assert values(b"\1\0\2\3\0\4", *listed) == {"o": two}


def test_members_that_do_not_add_up() -> None:
    for kind in ("struct", "vstruct"):
        wrong = field("o", kind, 4, struct=node(*INNER), fields=INNER)
        with pytest.raises(Disagreement, match="'o' has 4 bytes and its members 3"):
            layout(node(wrong), "dev/0")
    # A list: its fields are those of an element, over and over.
    listed = field("o", "qtailq", 9, fields=INNER)
    assert values(bytes(9), listed) == {"o": bytes(9)}
    whole = field("o", "tmp", 3, fields=INNER)
    assert values(b"\1\0\2", whole) == {"o": {"a": 1, "b": 2}}


SUB = {"vmsd_name": "dev/sub", "version": 3, "fields": INNER}
HEAD = b"\5\7dev/sub\0\0\0\3"


def test_subsections_stand_behind_their_header() -> None:
    fields = [field("x", "uint8", 1)]
    data = b"\x09" + HEAD + b"\1\0\2" + HEAD[:-1] + b"\4" + b"\1\0\2"
    found = values(data, *fields, subsections=[SUB, SUB | {"version": 4}])
    assert found == {"x": 9, "dev/sub": [{"a": 1, "b": 2}] * 2}
    _, sub = layout(node(*fields, subsections=[SUB]))
    assert (sub.start, sub.total, sub.subsection) == (1, 13 + 3, 3)
    assert header(sub) == HEAD
    nested_ = SUB | {"subsections": [SUB | {"vmsd_name": "dev/sub/x"}]}
    deep = b"\5\x09dev/sub/x\0\0\0\3" + b"\7\0\x08"
    found = values(HEAD + b"\1\0\2" + deep, subsections=[nested_])
    assert found == {"dev/sub": {"a": 1, "b": 2, "dev/sub/x": {"a": 7, "b": 8}}}


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (HEAD[:-1] + b"\4", "'dev/sub' has version 4, described as 3"),
        (HEAD[:-4] + b"\1\0\0\3", "has version 16777219"),
        (HEAD.replace(b"sub", b"sup"), "no subsection 'dev/sub' where"),
        (b"\4" + HEAD[1:], "no subsection 'dev/sub' where"),
    ],
)
def test_subsections_that_are_not_where_they_are_described(
    found: bytes, message: str
) -> None:
    slots = layout(node(subsections=[SUB]))
    with pytest.raises(Disagreement, match=message) as error:
        decode(slots, memoryview(bytes(BASE) + found + bytes(3)), BASE)
    assert error.value.offset == BASE


@pytest.mark.parametrize(
    "bad",
    [
        {"name": 1, "size": 1}, {"size": 1}, {"name": "x"}, {"name": "x", "size": -1},
        {"name": "x", "size": "1"}, {"name": "x", "size": 1 << 64},
        {"name": "x", "size": True}, {"name": "x", "size": 1, "type": 5},
        {"name": "x", "size": 1, "type": 5, "array_len": 2},
        {"name": "x", "size": 1, "array_len": "2"},
        {"name": "x", "size": 1, "array_len": -1},
    ],
)  # fmt: skip
def test_what_is_no_description(bad: Any) -> None:
    with pytest.raises(Malformed) as error:
        layout({"fields": [bad]}, "dev/0")
    assert error.value.path == "dev/0"


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        ([field("x", "uint8", 1)], {"x": 256}), ([field("x", "int8", 1)], {"x": 128}),
        ([field("x", "int8", 1)], {"x": -129}), ([field("x", "uint8", 1)], {"x": -1}),
        ([field("x", "uint8", 1)], {"x": "1"}), ([field("x", "bool", 1)], {"x": 2}),
        ([field("x", "bool", 1)], {"x": None}), ([field("x", "buffer", 2)], {"x": b"a"}),
        ([field("x", "buffer", 2)], {"x": b"abc"}), ([field("x", "buffer", 2)], {"x": 1}),
        ([field("x", "buffer", 2)], {"x": None}),
        ([field("x", "uint8", 1, array_len=2)], {"x": [1]}),
        ([field("x", "uint8", 1, array_len=2)], {"x": [1, 2, 3]}),
        ([field("x", "uint8", 1, array_len=2)], {"x": [1, 256]}),
        ([nested("x")], {"x": {"a": 256, "b": 1}}),
    ],
)  # fmt: skip
def test_values_that_do_not_fit_are_named(fields: list[Any], change: Any) -> None:
    slots = layout(node(*fields))
    view = memoryview(bytes(BASE + 20))
    with pytest.raises(BadEdit) as error:
        encode(slots, change, view, BASE)
    assert error.value.path == ("x.a" if fields[0]["type"] == "struct" else "x")


def test_values_of_other_types_are_encoded_where_they_fit() -> None:
    view = memoryview(b"\1" * 30)

    def encoded(value: Any, one: dict[str, Any]) -> bytes:
        return encode(layout(node(one)), {"x": value}, view, BASE)

    assert encoded(1, field("x", "bool", 1)) == b"\1"
    assert encoded(0, field("x", "bool", 1)) == b"\0"
    assert encoded(None, field("x", "nullptr", 1)) == b"0"
    assert encoded(bytearray(b"ab"), field("x", "buffer", 2)) == b"ab"
    assert encoded([1, 2], field("x", "uint16", 2, array_len=2)) == b"\0\1\0\2"
    assert encoded(array("H", [1, 2]), field("x", "uint16", 2, array_len=2)) == (
        b"\0\1\0\2"
    )
    assert encoded([True, 0], field("x", "bool", 1, array_len=2)) == b"\1\0"


def test_bytes_that_show_no_value_are_kept_unless_every_byte_is_a_values() -> None:
    slots = layout(node(field("on", "bool", 1), field("u", "unused_buffer", 2)))
    view = memoryview(b"\7ab")
    found = decode(slots, view, 0)
    assert found == {"on": True, "u": b"ab"}
    assert encode(slots, found, view, 0) == b"\7ab"
    assert encode(slots, found, view, 0, canonical=True) == b"\1\0\0"
    assert encode(slots, found | {"on": False}, view, 0) == b"\0ab"


def test_every_leaf_has_its_path_and_its_place() -> None:
    """And of every byte it is known whose it is, but for a header's."""
    slots = layout(
        node(
            field("n", "uint8", 1),
            nested("o"),
            nested("many", array_len=2),
            field("a", "uint16", 2, array_len=2),
            field("i", "uint16", 2, index=0),
            field("i", "uint16", 2, index=1),
            subsections=[SUB],
        )
    )
    found = [(path, at, slot.total) for path, slot, at in leaves(slots, BASE)]
    expected = [
        ("n", 0, 1), ("o.a", 1, 1), ("o.b", 2, 2), ("many[0].a", 4, 1),
        ("many[0].b", 5, 2), ("many[1].a", 7, 1), ("many[1].b", 8, 2), ("a", 10, 4),
        ("i[0]", 14, 2), ("i[1]", 16, 2), ("dev/sub.a", 31, 1), ("dev/sub.b", 32, 2),
    ]  # fmt: skip
    assert found == [(path, BASE + at, size) for path, at, size in expected]
    assert [path for path, *_ in leaves(slots, 0, "dev")][:2] == ["dev.n", "dev.o.a"]
    whose = [place_of(slots, BASE, BASE + at) for at in range(-1, 35)]
    assert whose == [
        "", "n", "o.a", "o.b", "o.b", "many[0].a", "many[0].b", "many[0].b", "many[1].a",
        "many[1].b", "many[1].b", "a[0]", "a[0]", "a[1]", "a[1]", "i", "i", "i", "i",
        *["dev/sub"] * 13, "dev/sub.a", "dev/sub.b", "dev/sub.b", "",
    ]  # fmt: skip


def test_a_slot_says_how_many_bytes_it_has() -> None:
    assert Slot("x", "uint8", 0, 3).total == 3
    assert Slot("x", "uint8", 0, 3, 4).total == 12
    assert Slot("x", "uint8", 0, 3, 0).total == 0
