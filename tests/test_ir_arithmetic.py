"""C arithmetic on expressions of the IR: the one evaluator against gcc, and its edges."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from vmgen import ir
from vmgen.ir import types
from vmgen.ir.evaluate import TURNS, Known, binary, convert, evaluate

KINDS = get_args(ir.IntType)
VALUES = (0, 1, 2, 3, 7, 63, 127, 128, 255, 256, 2**15, 2**31 - 1, 2**31, 2**32, 2**62)
TRUE, FALSE, OPEN = ir.Const(1), ir.Const(0), ir.Ask("unknown()")

needs_compiler = pytest.mark.skipif(
    shutil.which("gcc") is None, reason="there is no gcc on this machine"
)


def spelled(value: int) -> str:
    """The number as gcc reads it, 128 bits wide so that nothing overflows."""
    return f"((__int128){value}LL)" if value >= 0 else f"(-(__int128){-value}LL)"


def c_type(kind: ir.IntType) -> str:
    return "_Bool" if kind == "bool" else f"{kind}_t"


@needs_compiler
def test_operators_and_conversions_are_gccs(tmp_path: Path) -> None:
    choose = random.Random(1)
    numbers = [*VALUES, *(-value for value in VALUES)]
    asked, expected = [], []
    for op in get_args(ir.BinaryOperator):
        for _ in range(60):
            left, right = choose.choice(numbers), choose.choice(numbers)
            if op in ("<<", ">>"):
                right = choose.choice((0, 1, 7, 63))
                left = abs(left) if op == "<<" else left
            if op in ("/", "%") and right == 0:
                continue
            if op in ("*", "<<") and abs(left) > 2**32:
                left = 5
            asked.append(f"(long long)({spelled(left)} {op} {spelled(right)})")
            found = binary(op, left, right)
            assert found is not None
            expected.append(convert(found, "int64"))
    for kind in KINDS:
        for number in numbers:
            asked.append(f"(long long)({c_type(kind)}){spelled(number)}")
            expected.append(convert(convert(number, kind), "int64"))
    source = tmp_path / "ask.c"
    rows = ",\n".join(asked)
    source.write_text(
        "#include <stdint.h>\n#include <stdio.h>\n"
        f"int main(void) {{ long long v[] = {{ {rows} }};\n"
        'for (unsigned i = 0; i < sizeof v / sizeof *v; i++) printf("%lld\\n", v[i]);\n'
        "return 0; }\n"
    )
    subprocess.run(["gcc", "-w", "-o", tmp_path / "ask", source], check=True)
    printed = subprocess.run(
        [tmp_path / "ask"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert [int(line) for line in printed] == expected


@needs_compiler
def test_widths_and_limits_are_gccs(tmp_path: Path) -> None:
    lines = ["#include <stdint.h>"]
    for kind in KINDS:
        low, high = types.limits(kind)
        name = c_type(kind)
        lines += [
            f"_Static_assert(sizeof({name}) == {types.WIDTHS[kind]}, {kind!r});",
            f"_Static_assert(({name})({high}ULL) == {high}ULL, {kind!r});",
            f"_Static_assert((({name})-1 < 0) == {int(types.signed(kind))}, {kind!r});",
        ]
        assert convert(low, kind) == low
        assert convert(high, kind) == high
        assert kind == "bool" or convert(high + 1, kind) == low
    source = tmp_path / "limits.c"
    source.write_text("\n".join(lines).replace("'", '"') + "\n")
    subprocess.run(["gcc", "-w", "-fsyntax-only", source], check=True)


@pytest.mark.parametrize(
    ("op", "left", "right"),
    [("/", 1, 0), ("%", 1, 0), ("<<", 1, 64), (">>", 1, 64), ("<<", 1, -1)],
)
def test_what_c_leaves_undefined_has_no_value(
    op: ir.BinaryOperator, left: int, right: int
) -> None:
    assert binary(op, left, right) is None
    expr = ir.Binary(op, ir.Const(left), ir.Const(right))
    assert evaluate(expr, Known()) is None


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        (ir.Binary("&&", FALSE, OPEN), 0),
        (ir.Binary("&&", OPEN, FALSE), 0),
        (ir.Binary("&&", OPEN, TRUE), None),
        (ir.Binary("||", OPEN, TRUE), 1),
        (ir.Binary("||", TRUE, OPEN), 1),
        (ir.Binary("||", OPEN, FALSE), None),
        (ir.Binary("+", OPEN, TRUE), None),
        (ir.Select(TRUE, ir.Const(5), OPEN), 5),
        (ir.Select(FALSE, OPEN, ir.Const(5)), 5),
        (ir.Select(OPEN, ir.Const(5), ir.Const(5)), None),
        (ir.Unary("!", ir.Const(7)), 0),
        (ir.Unary("~", ir.Const(7)), -8),
        (ir.Truncate("int8", ir.Const(200)), -56),
        (ir.Version(), None),
    ],
)
def test_what_is_not_known_counts_only_where_it_decides(
    expr: ir.Expr, value: int | None
) -> None:
    assert evaluate(expr, Known()) == value


def loop(stop: int, body: ir.Expr, step: int = 1) -> ir.Expr:
    return ir.Exists("i", ir.Const(0), ir.Const(stop), step, body)


def test_loops_try_every_turn_up_to_a_limit() -> None:
    third = ir.Binary("==", ir.Var("i"), ir.Const(3))
    assert evaluate(loop(4, third), Known()) == 1
    assert evaluate(loop(3, third), Known()) == 0
    assert evaluate(loop(4, third, 2), Known()) == 0
    assert evaluate(loop(0, OPEN), Known()) == 0
    assert evaluate(loop(2, OPEN), Known()) is None
    assert evaluate(loop(TURNS, FALSE), Known()) == 0
    assert evaluate(loop(TURNS + 1, FALSE), Known()) is None
    assert evaluate(loop(1 << 60, third), Known()) == 1


def test_members_are_asked_by_their_place() -> None:
    row = ir.Load("rows[$0].cells[$1]", "uint8", (ir.Var("i"), ir.Const(2)))
    asked = []

    def member(path: str, kind: ir.IntType) -> int | None:
        asked.append((path, kind))
        return 9 if path == "rows[1].cells[2]" else 0

    assert evaluate(loop(5, row), Known(member=member)) == 1
    assert asked == [("rows[0].cells[2]", "uint8"), ("rows[1].cells[2]", "uint8")]
    hidden = ir.Load("rows[$0]", "uint8", (OPEN,))
    assert evaluate(hidden, Known(member=member)) is None
    known = Known(version=4, answer={"f()": 3}.get)
    assert evaluate(ir.Binary("-", ir.Version(), ir.Ask("f()")), known) == 1


def test_walking_and_rebuilding_see_every_part() -> None:
    deep = ir.Select(
        ir.Unary("!", ir.Load("a[$0]", "uint8", (ir.Const(1, "ONE"),))),
        ir.Truncate("int8", ir.Binary("+", ir.Const(2, "TWO"), ir.Version())),
        ir.Exists("i", ir.Const(3), ir.Const(4), 1, ir.Ask("f()")),
    )
    assert [one.value for one in ir.walk(deep) if isinstance(one, ir.Const)] == [
        1,
        2,
        3,
        4,
    ]
    bare = ir.rebuilt(
        deep, lambda one: ir.Const(one.value) if isinstance(one, ir.Const) else one
    )
    assert {one.name for one in ir.walk(bare) if isinstance(one, ir.Const)} == {""}
    assert ir.rebuilt(deep, lambda one: one) == deep
