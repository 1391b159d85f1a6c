"""What ``post_load`` functions refuse, as far as a state and the machine's own say it."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.ir_programs import U8, compiled, description, field, program
from vmgen import ir
from vmgen.lookup import Lookup, Placed
from vmgen.stream import after_load


def load(path: str) -> ir.Load:
    return ir.Load(path, "uint8")


def above(path: str, number: int) -> ir.Binary:
    return ir.Binary(">", load(path), ir.Const(number))


def both(left: ir.Expr, right: ir.Expr) -> ir.Binary:
    return ir.Binary("&&", left, right)


def refusing(*conditions: ir.Expr | None, role: str = "post_load") -> dict[str, Any]:
    return {"hooks": (ir.Hook(role, "f", refusals=tuple(map(ir.Refusal, conditions))),)}


INNER = description(
    "inner", field("x", U8), type="InnerState", **refusing(above("x", 5))
)
MORE = description(
    "dev/more", field("b", U8), needed="more_needed", **refusing(above("a", 100), role="pre_load")
)  # fmt: skip
DEVICE = description(
    "dev",
    field("a", U8),
    field("c", U8),
    field("two", ir.StructElement("vmstate_inner"), (2,)),
    subsections=("vmstate_dev_more",),
)
# Of one object: a function of an inner one that changes it leaves the outer one unknown.
PLAIN = description(
    "plain",
    field("a", U8),
    field("c", U8),
    subsections=("vmstate_plain_more",),
    **refusing(
        above("a", 9),
        both(above("c", 1), above("b", 1)),
        both(above("c", 3), above("property", 0)),
        None,
    ),
)
PLAIN_MORE = description("plain/more", field("b", U8), needed="more_needed")
CHANGING = description(
    "changing",
    field("a", U8),
    field("one", ir.StructElement("vmstate_inner")),
    **refusing(above("a", 9)),
)
ALL = (INNER, MORE, DEVICE, PLAIN, PLAIN_MORE, CHANGING)
FUNCTIONS = (ir.Function("more_needed", body=ir.Const(1)),)


@pytest.fixture(scope="module")
def module() -> Iterator[ModuleType]:
    with compiled(*ALL, functions=FUNCTIONS) as (found, _):
        yield found


def more(name: str, number: int) -> bytes:
    text = f"{name}/more".encode()
    return b"\5" + bytes([len(text)]) + text + (1).to_bytes(4, "big") + bytes([number])


def found(
    module: ModuleType, name: str, data: bytes, own: bytes | None = None
) -> list[tuple[str, tuple[str, ...], bool]]:
    lookup = Lookup(program(*ALL, functions=FUNCTIONS))
    placed = lookup.find(f"vmstate_{name}", lookup.program.modules[0])
    assert isinstance(placed, Placed)

    def state(given: bytes) -> Any:
        made, end = getattr(module, f"load_{name}")(given)
        assert end == len(given)
        return made

    mine = None if own is None else lambda: state(own)
    return [
        (one.path, one.reads, one.certain)
        for one in after_load.refused(lookup, placed, state(data), mine)
    ]


def test_what_the_stream_says_decides(module: ModuleType) -> None:
    assert found(module, "plain", b"\x09\0") == []
    assert found(module, "plain", b"\x0a\0") == [("", ("a",), True)]
    assert found(module, "plain", b"\0\2" + more("plain", 2)) == [
        ("", ("c", "b"), True)
    ]
    assert found(module, "plain", b"\0\2" + more("plain", 1)) == []


def test_objects_inside_have_their_own(module: ModuleType) -> None:
    assert found(module, "dev", b"\xff\0\5\5") == []
    assert found(module, "dev", b"\xff\0\5\6") == [("two[1]", ("x",), True)]


def test_what_the_machine_decides_its_own_stream_says(module: ModuleType) -> None:
    data = b"\0\4" + more("plain", 0)
    assert found(module, "plain", data) == []
    assert found(module, "plain", data, data) == []
    other = b"\0\5" + more("plain", 0)
    assert found(module, "plain", data, other) == [("", ("c", "property"), False)]
    # One that the stream has and the machine's own has not may be another one, too.
    assert found(module, "plain", b"\0\2", b"\0\1") == [("", ("c", "b"), False)]


def test_what_an_inner_function_changes_is_not_known(module: ModuleType) -> None:
    assert found(module, "changing", b"\x0a\0") == []
    assert found(module, "changing", b"\x0a\6") == [("one", ("x",), True)]
