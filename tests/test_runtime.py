"""The runtime that generated code shares: errors, arrays, C arithmetic, context."""

from __future__ import annotations

from array import array
from types import ModuleType
from typing import Any

import pytest

from tests.ir_programs import U8, U16, U32, U64, compiled, description, field
from vmgen import ir
from vmgen.lower.names import RUNTIME


@pytest.fixture(scope="module")
def runtime() -> Any:
    with compiled(description("dev", field("x", U8))) as (_, module):
        yield module


def test_every_name_that_may_be_imported_exists(runtime: ModuleType) -> None:
    assert [name for name in (*RUNTIME, "factory") if not hasattr(runtime, name)] == []


def test_errors_say_where(runtime: ModuleType) -> None:
    error = runtime.BadValue("wrong", 7, "x")
    error.under("pmp[3]")
    error.under("env.pmp_state")
    error.within("cpu/pmp")
    error.within("cpu")
    assert error.path == "cpu/cpu/pmp env.pmp_state.pmp[3].x"
    assert str(error) == "cpu/cpu/pmp env.pmp_state.pmp[3].x: wrong (at byte 7)"
    assert str(runtime.TooNew("wrong")) == "wrong"
    kinds = [
        "Truncated",
        "TooOld",
        "TooNew",
        "UnknownSubsection",
        "BadValue",
        "MissingContext",
    ]
    assert all(
        issubclass(getattr(runtime, kind), runtime.VMStateError) for kind in kinds
    )


@pytest.mark.parametrize(
    ("code", "size"), [("i16", 2), ("u32", 4), ("i64", 8), ("u64", 8)]
)
def test_arrays_are_big_endian(runtime: ModuleType, code: str, size: int) -> None:
    load, save = getattr(runtime, f"array_{code}"), getattr(runtime, f"bytes_{code}")
    chunk = (1).to_bytes(size, "big") + (2).to_bytes(size, "big")
    assert list(load(chunk)) == [1, 2]
    assert list(load(memoryview(chunk), 1)) == [0, 1, 2]
    assert save(load(chunk), 2) == chunk
    assert save([9, 1, 2], 3, 1) == chunk
    assert list(load(b"\xff" * size)) == [-1 if code[0] == "i" else (1 << 8 * size) - 1]
    with pytest.raises(ValueError, match="length"):
        save([1], 2)
    with pytest.raises(OverflowError):
        save([1 << 64], 1)
    with pytest.raises(TypeError):
        save([None], 1)


def test_arrays_in_a_row(runtime: ModuleType) -> None:
    chunk = b"".join(number.to_bytes(8, "big") for number in (1, 2, 3, 4))
    arrays = runtime.split_u64(chunk, 2, 1)
    assert [list(one) for one in arrays] == [[0, 1, 2], [0, 3, 4]]
    assert runtime.join_u64(arrays, 2, 1) == chunk
    assert runtime.join_u64([[0, 1, 2], [0, 3, 4]], 2, 1) == chunk
    with pytest.raises(ValueError, match="length"):
        runtime.join_u64([array("Q", [1])], 2, 1)


@pytest.mark.parametrize(
    ("left", "right", "quotient"), [(7, 2, 3), (-7, 2, -3), (7, -2, -3), (-7, -2, 3)]
)
def test_c_division(runtime: ModuleType, left: int, right: int, quotient: int) -> None:
    assert runtime.c_div(left, right) == quotient
    assert runtime.c_mod(left, right) == left - quotient * right


def test_c_has_no_answer(runtime: ModuleType) -> None:
    for name, *arguments in (
        ("c_div", 1, 0),
        ("c_mod", 1, 0),
        ("shift", 1, 1 << 40),
        ("item", [1], 1),
        ("item", [1], -1),
        ("known", None),
    ):
        with pytest.raises(runtime.BadValue):
            getattr(runtime, str(name))(*arguments)
    assert runtime.signed(8, 255) == -1
    assert runtime.shift(-8, -2) == -2


SEG = description("seg", field("base", U64), field("limit", U32), type="Segment")
RUN = description(
    "cpu",
    field("env.a", U16),
    field("env.gpr", U64, (3,)),
    field("", ir.UnusedElement(), size=ir.Fixed(4)),
    field("env.segs", ir.StructElement("vmstate_seg", "Segment"), (40,)),
    field("env.map", U16, (2, 2)),
)
PLACES = [
    (0, "env.a", 0), (1, "env.a", 0), (2, "env.gpr[0]", 2), (17, "env.gpr[1]", 10),
    (26, "unused", 26), (30, "env.segs[0].base", 30), (37, "env.segs[0].base", 30),
    (38, "env.segs[0].limit", 38), (42, "env.segs[1].base", 42),
    (510, "env.map[0][0]", 510), (515, "env.map[1][0]", 514),
]  # fmt: skip


@pytest.mark.parametrize(("length", "path", "offset"), PLACES)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_truncation_names_the_field(
    length: int, path: str, offset: int, kind: Any
) -> None:
    with compiled(SEG, RUN) as (module, runtime):
        with pytest.raises(runtime.Truncated) as error:
            module.load_cpu(kind(b"xyz" + bytes(length)), 3)
        assert (error.value.path, error.value.offset) == (f"cpu {path}", offset + 3)


def test_what_does_not_fit_names_the_field() -> None:
    def spoil(state: Any) -> list[tuple[str, Any]]:
        return [
            ("env.a", lambda: setattr(state.env, "a", 1 << 16)),
            ("env.a", lambda: setattr(state.env, "a", "x")),
            ("env.a", lambda: setattr(state.env, "a", None)),
            ("env.gpr", lambda: state.env.gpr.append(1)),
            ("env.gpr", lambda: setattr(state.env, "gpr", 5)),
            ("env.gpr[1]", lambda: setattr(state.env, "gpr", [0, -1, 0])),
            ("env.segs[2].limit", lambda: setattr(state.env.segs[2], "limit", 1 << 32)),
            ("env.segs", lambda: state.env.segs.pop()),
            ("env.segs[3].base", lambda: state.env.segs.__setitem__(3, None)),
            ("env.map", lambda: state.env.map.pop()),
            ("env.map[1][0]", lambda: state.env.map.__setitem__(1, [-1, 0])),
        ]

    with compiled(SEG, RUN) as (module, runtime):
        for number in range(11):
            state = module.DevState()
            path, change = spoil(state)[number]
            change()
            with pytest.raises(runtime.BadValue) as error:
                module.save_cpu(state)
            assert error.value.path == f"cpu {path}"
        with pytest.raises(runtime.BadValue, match="int is not a DevState"):
            module.save_cpu(5)
        del (state := module.DevState()).env
        with pytest.raises(runtime.BadValue):
            module.save_cpu(state)


def test_any_sequence_of_integers_can_be_saved() -> None:
    with compiled(SEG, RUN) as (module, _):
        state = module.DevState()
        state.env.gpr = (1, 2, 3)
        state.env.map = [[1, 2], (3, 4)]
        wire = module.save_cpu(state)
        assert list(module.load_cpu(wire)[0].env.gpr) == [1, 2, 3]


def test_positions_and_buffers() -> None:
    with compiled(SEG, RUN) as (module, runtime):
        wire = bytes(518)
        for buffer in (
            wire,
            bytearray(wire),
            memoryview(wire),
            memoryview(wire * 2)[::2],
        ):
            assert module.load_cpu(buffer)[1] == 518
        assert module.load_cpu(memoryview(array("Q", bytes(520))))[1] == 518
        for pos in (-1, 519):
            with pytest.raises(runtime.Truncated):
                module.load_cpu(wire, pos)


def test_checks_against_the_destination() -> None:
    equal = ir.IntegerElement("int32", "equal", "vmstate_info_int32_equal")
    below = ir.IntegerElement("int32", "le", "vmstate_info_int32_le")
    made = description("dev", field("nb", equal), field("len", below))
    with compiled(made) as (module, runtime):
        wire = b"\0\0\0\5\0\0\0\6"
        assert module.load_dev(wire)[0].nb == 5
        for members in ({"DevState.nb": 4}, {"len": 5}):
            with pytest.raises(runtime.BadValue):
                module.load_dev(wire, context=runtime.Context(members=members))
        good = runtime.Context(members={"nb": 5, "len": 6})
        assert module.load_dev(wire, context=good)[1] == 8
        with pytest.raises(runtime.BadValue, match="positive"):
            module.load_dev(wire[:4] + b"\xff" * 4)
        with pytest.raises(runtime.BadValue, match="positive"):
            module.save_dev(module.DevState(len=-1))


def test_validation_needs_what_it_reads() -> None:
    body = ir.Binary("<", ir.Load("rnr", "uint8"), ir.Load("regions", "uint32"))
    made = description(
        "dev",
        field("rnr", U8),
        field(
            "", ir.NothingElement(), name="rnr is valid", test="valid", must_exist=True
        ),
    )
    with compiled(made, functions=(ir.Function("valid", body=body),)) as (
        module,
        runtime,
    ):
        assert module.load_dev(b"\7")[0].rnr == 7
        context = runtime.Context(members={"regions": 7})
        with pytest.raises(runtime.BadValue) as error:
            module.load_dev(b"\7", context=context)
        assert error.value.path == "dev rnr is valid"
        assert module.load_dev(b"\6", context=context)[1] == 1


def test_a_validation_that_is_not_translated_is_asked_of_the_context() -> None:
    check = field(
        "", ir.NothingElement(), name="checked", test="valid", must_exist=True
    )
    made = description("dev", field("rnr", U8), check)
    with compiled(made) as (module, runtime):
        assert module.load_dev(b"\7")[0].rnr == 7
        asked: list[int] = []

        def valid(state: Any, version: int) -> bool:
            asked.append(version)
            return bool(state.rnr == 7)

        context = runtime.Context(functions={"valid": valid})
        assert module.load_dev(b"\7", context=context)[1] == 1
        with pytest.raises(runtime.BadValue, match="validation failed"):
            module.load_dev(b"\6", context=context)
        assert asked == [1, 1]


def test_nothing_recurses_without_end() -> None:
    node = description(
        "node", field("next", ir.ListElement("qlist", "vmstate_node", "Node"), version_id=1),
        type="Node",
    )  # fmt: skip
    with compiled(node) as (module, runtime):
        state, end = module.load_node(b"\1\1\0\0\0")
        assert end == 5
        assert len(state.next[0].next) == 1
        with pytest.raises(runtime.BadValue, match="nested too deeply"):
            module.load_node(b"\1" * 100_000)
        for _ in range(20_000):
            state = module.Node(next=[state])
        with pytest.raises(runtime.BadValue, match="nested too deeply"):
            module.save_node(state)


def test_description_json_of_pointers(runtime: ModuleType) -> None:
    node = {
        "fields": [
            {"name": "p", "type": "nullptr", "array_len": 2, "size": 1},
            {"name": "p", "type": "struct", "struct": {"fields": []}, "size": 3},
            {"name": "p", "type": "struct", "struct": {}, "size": 1},
            {"name": "p", "type": "ptr-marker", "size": 1},
        ]
    }
    scope = runtime.Scope(runtime.NO_CONTEXT, node)
    told = [scope.null("p", "T", "p", index, 0, "", "") for index in range(5)]
    assert told == [True, True, False, True, True]
    assert scope.count("p", "T", "n", 1, 0, "", "") == 5
    assert scope.count("absent", "T", "n", 1, 0, "", "") == 0
