"""The comparison with ``-dump-vmstate`` sees what differs."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.dump_vmstate import Dump
from vmgen import ir

INNER = ir.Description(
    "vmstate_inner",
    "inner",
    "Inner",
    2,
    1,
    (
        ir.Field(
            "words",
            (ir.Step("words", "uint32_t", (4,)),),
            ir.IntegerElement("uint32", "", "vmstate_info_uint32"),
            ir.Fixed(4),
            ir.Fixed(4),
            array=True,
        ),
        ir.Field(
            "buf",
            (ir.Step("buf", "uint8_t", pointer=True),),
            ir.BufferElement(),
            ir.FromMember((ir.Step("n", "uint32_t"),), "uint32", 8),
            test="has_buf",
        ),
        ir.Field(
            "sane", (), ir.NothingElement(), ir.Fixed(0), must_exist=True, test="sane"
        ),
    ),
)
OUTER = ir.Description(
    "vmstate_outer",
    "outer",
    "Outer",
    1,
    1,
    (
        ir.Field(
            "in",
            (ir.Step("in", "Inner"),),
            ir.StructElement("vmstate_inner", "Inner"),
            ir.Fixed(24),
            version_id=1,
        ),
    ),
    ("vmstate_inner",),
)
PROGRAM = ir.Program("10.0.2", "riscv64", (ir.Module("a.c", (INNER, OUTER)),))

INNER_DUMP: dict[str, Any] = {
    "name": "inner",
    "version_id": 2,
    "minimum_version_id": 1,
    "Fields": [
        {"field": "words", "version_id": 0, "field_exists": False, "num": 4, "size": 4},
        {"field": "buf", "version_id": 0, "field_exists": True, "size": 8},
    ],
}
DUMP: dict[str, Any] = {
    "vmschkmachine": {"Name": "none"},
    "outer-device": {
        "Name": "outer-device",
        "version_id": 1,
        "minimum_version_id": 1,
        "Description": {
            "name": "outer",
            "version_id": 1,
            "minimum_version_id": 1,
            "Fields": [
                {
                    "field": "in",
                    "version_id": 1,
                    "field_exists": False,
                    "size": 24,
                    "Description": INNER_DUMP,
                }
            ],
            "Subsections": [INNER_DUMP],
        },
    },
}


def test_what_agrees_agrees() -> None:
    assert Dump(PROGRAM).differences(DUMP) == (1, [])


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("name",), "other", "no description has this name"),
        (("version_id",), 7, "version_id: 1 in the program, 7 in the dump"),
        (("Fields", 0, "size"), 25, "24 in the program, 25 in the dump"),
        (("Fields", 0, "field_exists"), True, "False in the program, True in the dump"),
        (("Fields", 0, "Description", "Fields", 0, "num"), 5, "4 in the program, 5"),
        (("Fields", 0, "Description", "Fields", 1, "size"), 1, "8 in the program, 1"),
        (("Fields",), [], "1 in the program, 0 in the dump"),
        (("Subsections", 0, "name"), "else", "'inner' in the program, 'else'"),
        (("Subsections",), [], "1 in the program, 0 in the dump"),
    ],
)
def test_what_differs_is_found(
    path: tuple[str | int, ...], value: object, reason: str
) -> None:
    dump = copy.deepcopy(DUMP)
    place: Any = dump["outer-device"]["Description"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    agreed, (different,) = Dump(PROGRAM).differences(dump)
    assert agreed == 0
    assert different.device == "outer-device"
    assert reason in different.reason
