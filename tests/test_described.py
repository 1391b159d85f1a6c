"""Fields of a section as the stream's own description says: values and bytes."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from vmgen.stream import BadEdit, Malformed
from vmgen.stream.described import decode, encode, layout
from vmgen.stream.description import number

PLAIN = {
    "int8": ">b", "int16": ">h", "int32": ">i", "int64": ">q",
    "uint8": ">B", "uint16": ">H", "uint32": ">I", "uint64": ">Q",
    "int32 equal": ">i", "uint8 equal": ">B", "int32 le": ">i",
    "timer": ">q", "float64": ">Q", "CPU_Double_U": ">Q",
}  # fmt: skip
"""How QEMU's infos write their numbers (``migration/vmstate-types.c``)."""


def fields(*made: tuple[str, int]) -> dict[str, Any]:
    return {
        "fields": [
            {"name": f"f{index}", "type": kind, "size": size}
            for index, (kind, size) in enumerate(made)
        ]
    }


@pytest.mark.parametrize("kind", sorted(PLAIN))
@pytest.mark.parametrize("first", [0x01, 0x81])
def test_a_number_has_the_width_the_sign_and_the_order_of_its_type(
    kind: str, first: int
) -> None:
    size = struct.calcsize(PLAIN[kind])
    data = bytes([first, *range(2, size + 1)])
    slots = layout(fields(("uint8", 1), (kind, size), ("uint8", 1)))
    view = memoryview(b"\x09" + data + b"\x07")
    found = decode(slots, view, 0)
    assert found == {"f0": 9, "f1": struct.unpack(PLAIN[kind], data)[0], "f2": 7}
    assert bytes(encode(slots, found, view, 0, canonical=True)) == bytes(view)


@pytest.mark.parametrize(
    ("value", "made"), [(True, b"\1"), (False, b"\0"), (0, b"\0"), (1, b"\1")]
)
def test_a_truth_is_0_or_1(value: object, made: bytes) -> None:
    slots = layout(fields(("bool", 1)))
    for old in (b"\0", b"\1"):
        assert bytes(encode(slots, {"f0": value}, memoryview(old), 0)) == made


@pytest.mark.parametrize("value", [2, -1, "x", None])
def test_what_is_no_truth_is_refused(value: object) -> None:
    slots = layout(fields(("bool", 1)))
    with pytest.raises(BadEdit, match="not a truth value"):
        encode(slots, {"f0": value}, memoryview(b"\0"), 0)


def test_a_number_of_a_description_has_64_bits() -> None:
    assert number({"size": (1 << 64) - 1}, "size") == (1 << 64) - 1
    assert number({"size": 0}, "size") == 0
    assert number({}, "size", 3) == 3
    for value in (1 << 64, -1, True, 1.0, "1", None):
        with pytest.raises(Malformed, match="'size' is not a number"):
            number({"size": value}, "size")
