"""Conditions in generated code, with loops too, and padding: as C computes them."""

from __future__ import annotations

import random
from typing import Any, get_args

import pytest

from tests.generated_code import imported
from tests.ir_programs import U8, U32, compiled, description, field, program
from tests.test_differential import unformatted
from vmgen import ir
from vmgen.ir.evaluate import Known, convert, evaluate


def element(path: str, index: ir.Expr) -> ir.Expr:
    return ir.Load(path, "uint8", (index,))


def loop(
    start: int, stop: int, step: int, wanted: int = 7, var: str = "i"
) -> ir.Exists:
    """Whether one of the elements from ``start`` on is the wanted one."""
    return ir.Exists(
        var,
        ir.Const(start),
        ir.Const(stop),
        step,
        ir.Binary("==", element("x[$0]", ir.Var(var)), ir.Const(wanted)),
    )


@pytest.mark.parametrize(
    ("start", "stop", "step"), [(0, 6, 1), (2, 6, 1), (0, 6, 2), (1, 6, 3), (5, 6, 1)]
)
def test_a_field_is_there_if_an_element_of_the_range_is(
    start: int, stop: int, step: int
) -> None:
    one = description("dev", field("x", U8, (6,)), field("y", U32, test="some"))
    function = ir.Function("some", body=loop(start, stop, step))
    with compiled(one, functions=(function,)) as (code, runtime):
        for place in range(6):
            body = bytes(7 if at == place else 1 for at in range(6))
            if place in range(start, stop, step):
                state, end = code.load_dev(body + b"\0\0\1\2")
                assert (end, state.y) == (10, 0x102)
                assert code.save_dev(state) == body + b"\0\0\1\2"
                with pytest.raises(runtime.Truncated):
                    code.load_dev(body)
            else:
                state, end = code.load_dev(body + b"\0\0\1\2")
                assert (end, state.y) == (6, None)
                assert code.save_dev(state) == body


def test_a_loop_inside_of_a_loop_has_a_variable_of_its_own() -> None:
    """Two equal neighbours at an even place, or a later element that is 9."""
    inner = ir.Exists(
        "j", ir.Binary("+", ir.Var("i"), ir.Const(1)), ir.Const(4), 1,
        ir.Binary("==", element("x[$0]", ir.Var("i")), element("x[$0]", ir.Var("j"))),
    )  # fmt: skip
    body = ir.Binary(
        "||", ir.Exists("i", ir.Const(0), ir.Const(4), 2, inner), loop(3, 4, 1, 9, "i")
    )
    one = description("dev", field("x", U8, (4,)), field("y", U8, test="some"))
    with compiled(one, functions=(ir.Function("some", body=body),)) as (code, _):
        cases: dict[bytes, bool] = {
            b"\1\2\3\4": False, b"\1\2\3\1": True, b"\1\2\2\4": False,
            b"\1\2\3\3": True, b"\1\2\3\x09": True, b"\1\1\3\4": True, b"\x09\1\2\3": False,
        }  # fmt: skip
        for data, there in cases.items():
            state, end = code.load_dev(data + b"\5")
            assert (end == 5) == there == (state.y == 5), data


def padding(name: str, size: int, **more: Any) -> ir.Field:
    return ir.Field(name, (), ir.UnusedElement(), ir.Fixed(size), **more)


def test_elements_of_padding_alone_are_as_many_as_the_array_has() -> None:
    """Nothing of them is kept, their bytes are skipped, and a wrong number is refused."""
    inner = description("empty", padding("unused", 2), type="Empty")
    outer = description(
        "dev",
        field("a", U8),
        field("parts", ir.StructElement("vmstate_empty", "Empty"), (3,)),
        field("b", U8),
    )
    with compiled(inner, outer) as (code, runtime):
        state, end = code.load_dev(b"\1......\2")
        assert (end, state.a, state.b, len(state.parts)) == (8, 1, 2, 3)
        assert code.save_dev(state) == b"\1" + bytes(6) + b"\2"
        state.parts = state.parts[:2]
        with pytest.raises(runtime.BadValue, match="parts"):
            code.save_dev(state)


def test_single_elements_of_an_array_are_at_their_places() -> None:
    """``x[2]`` and ``x[0]`` alone: the others keep what they were, and are not sent."""
    one = description("dev", field("x[2]", U8), field("x[0]", U8))
    with compiled(one) as (code, _):
        state, end = code.load_dev(b"\x05\x06")
        assert end == 2
        assert (state.x[2], state.x[0]) == (5, 6)
        assert code.save_dev(state) == b"\x05\x06"
        state.x[0] = 9
        assert code.save_dev(state) == b"\x05\x09"


# --- expressions drawn by chance ------------------------------------------------------

MEMBERS: dict[str, ir.IntType] = {
    "a": "uint8", "b": "int8", "c": "uint32", "d": "int32", "e": "uint64", "f": "int64",
}  # fmt: skip
NUMBERS = (0, 1, 2, 3, 7, 9, 10, 63, 64, 100, 127, 128, 255, 1 << 16, (1 << 31) - 1, 1 << 31,
           (1 << 32) - 1, (1 << 63) - 1)  # fmt: skip


def expression(chance: random.Random, depth: int) -> ir.Expr:
    if depth == 0 or chance.random() < 0.1:
        if chance.random() < 0.4:
            return ir.Const(chance.choice(NUMBERS))
        if chance.random() < 0.1:
            return ir.Version()
        name = chance.choice(list(MEMBERS))
        return ir.Load(name, MEMBERS[name])
    kind = chance.randrange(10)
    if kind == 0:
        parts = (expression(chance, depth - 1) for _ in range(3))
        return ir.Select(*parts)
    if kind == 1:
        return ir.Unary(
            chance.choice(get_args(ir.UnaryOperator)), expression(chance, depth - 1)
        )
    if kind < 5:
        to = chance.choice(get_args(ir.IntType))
        return ir.Truncate(to, expression(chance, depth - 1))
    op = chance.choice(get_args(ir.BinaryOperator))
    left, right = expression(chance, depth - 1), expression(chance, depth - 1)
    if op in ("<<", ">>"):
        small = ir.Binary("&", right, ir.Const(31))
        return ir.Binary(
            op, left, chance.choice((small, ir.Const(chance.randrange(20))))
        )
    if op in ("/", "%"):
        right = ir.Binary("|", right, ir.Const(1))
    return ir.Binary(op, left, right)


@pytest.mark.parametrize("seed", range(3))
def test_generated_code_computes_what_the_evaluator_does(seed: int) -> None:
    """Each expression is compared with its value by a field's condition: the field is there
    if they are equal."""
    chance = random.Random(f"expressions {seed}")
    elements = {name: ir.IntegerElement(type_) for name, type_ in MEMBERS.items()}
    values = {
        name: convert(chance.choice((*NUMBERS, chance.getrandbits(64))), type_)
        for name, type_ in MEMBERS.items()
    }
    known = Known(3, lambda path, type_: convert(values[path], type_))
    functions: list[ir.Function] = []
    tested: list[ir.Field] = []
    present: list[bool] = []
    while len(tested) < 80:
        expr = expression(chance, chance.randint(1, 4))
        value = evaluate(expr, known)
        if value is None or not -(1 << 62) < value < 1 << 62:
            continue
        number = len(tested)
        name = f"test{number}"
        is_there = number % 3 != 0
        body = expr
        if number % 2:
            body = ir.Binary("==", expr, ir.Const(value + (not is_there)))
        else:
            is_there = bool(value)
        functions.append(ir.Function(name, body=body))
        tested.append(field(f"y{number}", U8, test=name))
        present.append(is_there)
    widths = {"8": 1, "2": 4, "4": 8}
    data = b"".join(
        (value % (1 << 64)).to_bytes(8, "big")[-widths[MEMBERS[name][-1]] :]
        for name, value in values.items()
    )
    one = description(
        "dev",
        *(field(name, elements[name]) for name in MEMBERS),
        *tested,
        version_id=3,
    )
    files = unformatted(program(one, functions=tuple(functions)))
    with imported(files) as modules:
        code: Any = modules["box.hw.dev"]
        wire = data + b"\5" * sum(present)
        state, end = code.load_dev(wire)
        found = [getattr(state, each.name) is not None for each in tested]
        wrong = [
            functions[at].body
            for at, (one_, other) in enumerate(zip(found, present, strict=True))
            if one_ != other
        ]
        assert wrong == []
        assert end == len(wire)
        assert code.save_dev(state) == wire
