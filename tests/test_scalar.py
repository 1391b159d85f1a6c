"""What is known of a C integer holds for every value that it can have."""

from __future__ import annotations

import itertools

import pytest

from vmgen import ir
from vmgen.cfront.arithmetic import INT, UNSIGNED_INT, limits, wrap
from vmgen.cfront.ctype import Integer
from vmgen.ir import evaluate
from vmgen.translate import scalar
from vmgen.translate.failure import Untranslatable
from vmgen.translate.scalar import Scalar

ENDS = (-3, -2, -1, 0, 1, 2, 3)
RANGES = [(low, high) for low in ENDS for high in ENDS if low <= high]
A, B = ir.Load("a", "int32"), ir.Load("b", "int32")


def value(expr: ir.Expr, a: int, b: int) -> int | None:
    members = {"a": a, "b": b}
    known = evaluate.Known(member=lambda path, _: members[path])
    return evaluate.evaluate(expr, known)


def in_c(op: str, a: int, b: int, type: Integer) -> int | None:
    """C's operator on two values of a type; None where C leaves it undefined."""
    if op in ("/", "%"):
        if not b:
            return None
        quotient = abs(a) // abs(b) * (-1 if (a < 0) != (b < 0) else 1)
        return quotient if op == "/" else a - b * quotient
    return {
        "+": a + b, "-": a - b, "*": a * b, "&": a & b, "|": a | b, "^": a ^ b,
        "==": int(a == b), "!=": int(a != b), "<": int(a < b), "<=": int(a <= b),
        ">": int(a > b), ">=": int(a >= b),
    }[op]  # fmt: skip


@pytest.mark.parametrize(
    "op", ["+", "-", "*", "/", "%", "&", "|", "^", "==", "!=", "<", "<=", ">", ">="]
)
def test_the_bounds_of_a_result_hold_for_all_its_operands(
    op: ir.BinaryOperator,
) -> None:
    """Operands of exactly 0 and ranges that end at 0 included."""
    for one, two in itertools.product(RANGES, RANGES):
        left, right = Scalar(A, INT, *one), Scalar(B, INT, *two)
        pairs = list(
            itertools.product(range(one[0], one[1] + 1), range(two[0], two[1] + 1))
        )
        if op in ("/", "%") and two[0] <= 0 <= two[1]:
            with pytest.raises(Untranslatable):
                scalar.binary(op, left, right)
            continue
        found = scalar.binary(op, left, right)
        expected = [in_c(op, a, b, INT) for a, b in pairs]
        assert [value(found.expr, a, b) for a, b in pairs] == expected, (one, two)
        assert all(found.low <= number <= found.high for number in expected
                   if number is not None), (one, two)  # fmt: skip


@pytest.mark.parametrize("op", ["+", "-", "*"])
def test_bounds_are_no_wider_than_needed(op: ir.BinaryOperator) -> None:
    """Where they were, a result would be cut to its type that never leaves it."""
    for one, two in itertools.product(RANGES, RANGES):
        found = scalar.binary(op, Scalar(A, INT, *one), Scalar(B, INT, *two))
        ends = [in_c(op, a, b, INT) for a in one for b in two]
        assert {found.low, found.high} <= set(ends)


@pytest.mark.parametrize(
    ("one", "two", "bounds"),
    [
        ((0, 5), (-3, 3), (0, 5)), ((-3, 3), (0, 5), (0, 5)), ((0, 5), (0, 3), (0, 3)),
        ((-3, 3), (0, 0), (0, 0)), ((-4, -1), (-2, 3), (-8, 7)),
    ],
)  # fmt: skip
def test_a_mask_that_is_not_negative_bounds_the_result(
    one: tuple[int, int], two: tuple[int, int], bounds: tuple[int, int]
) -> None:
    found = scalar.binary("&", Scalar(A, INT, *one), Scalar(B, INT, *two))
    assert (found.low, found.high) == bounds


@pytest.mark.parametrize("op", ["|", "^"])
@pytest.mark.parametrize(
    ("one", "two", "bounds"),
    [
        ((0, 3), (0, 4), (0, 7)), ((0, 0), (0, 1), (0, 1)), ((-1, 3), (0, 4), (-8, 7)),
        ((0, 3), (-5, 4), (-8, 7)),
    ],
)  # fmt: skip
def test_bits_that_are_set_stay_within_the_widest_operand(
    op: ir.BinaryOperator, one: tuple[int, int], two: tuple[int, int],
    bounds: tuple[int, int],
) -> None:  # fmt: skip
    found = scalar.binary(op, Scalar(A, INT, *one), Scalar(B, INT, *two))
    assert (found.low, found.high) == bounds


def test_what_is_0_or_1_is_its_own_truth() -> None:
    for low, high in [(0, 0), (0, 1), (1, 1)]:
        assert scalar.as_bool(Scalar(A, INT, low, high)).expr == A
    for low, high in [(-1, 1), (0, 2), (-1, 0)]:
        assert scalar.as_bool(Scalar(A, INT, low, high)).expr == ir.Binary(
            "!=", A, ir.Const(0)
        )
    for low, high in [(1, 2), (-2, -1)]:
        assert scalar.as_bool(Scalar(A, INT, low, high)).constant == 1
        assert scalar.negation(Scalar(A, INT, low, high)).constant == 0


@pytest.mark.parametrize(
    ("one", "two", "bounds"),
    [
        ((0, 9), (1, 4), (0, 3)), ((-9, 0), (1, 4), (-3, 0)), ((-9, 9), (4, 4), (-3, 3)),
        ((7, 7), (4, 4), (3, 3)), ((-7, -7), (4, 4), (-3, -3)), ((0, 9), (-4, -1), (0, 3)),
    ],
)  # fmt: skip
def test_a_remainder_has_the_sign_of_what_is_divided(
    one: tuple[int, int], two: tuple[int, int], bounds: tuple[int, int]
) -> None:
    found = scalar.binary("%", Scalar(A, INT, *one), Scalar(B, INT, *two))
    assert (found.low, found.high) == bounds


@pytest.mark.parametrize("op", ["+", "-", "~", "!"])
def test_unary_operators_hold_for_all_values(op: str) -> None:
    for low, high in RANGES:
        found = scalar.unary(op, Scalar(A, INT, low, high))
        for a in range(low, high + 1):
            expected = {"+": a, "-": -a, "~": ~a, "!": int(not a)}[op]
            assert value(found.expr, a, 0) == expected
            assert found.low <= expected <= found.high


@pytest.mark.parametrize("type", [INT, UNSIGNED_INT])
@pytest.mark.parametrize("op", ["+", "-", "*"])
def test_what_leaves_the_type_is_cut_to_it(
    op: ir.BinaryOperator, type: Integer
) -> None:
    low, high = limits(type)
    for one, two in itertools.product(
        [(low, low + 1), (0, 1), (high - 1, high)], repeat=2
    ):
        found = scalar.binary(op, Scalar(A, type, *one), Scalar(B, type, *two))
        for a, b in itertools.product(one, two):
            unbounded = in_c(op, a, b, type)
            assert unbounded is not None
            expected = wrap(unbounded, type)
            assert value(found.expr, a, b) == expected
            assert found.low <= expected <= found.high


def test_shifts_stay_within_the_bits() -> None:
    for low, high in [(0, 0), (0, 3), (3, 3), (0, 31)]:
        found = scalar.binary("<<", Scalar(A, INT, 1, 1), Scalar(B, INT, low, high))
        for b in range(low, high + 1):
            expected = wrap(1 << b, INT)
            assert value(found.expr, 1, b) == expected
            assert found.low <= expected <= found.high
    for low, high in [(-1, 3), (0, 32), (32, 32), (-1, -1)]:
        with pytest.raises(Untranslatable):
            scalar.binary(">>", Scalar(A, INT, 1, 8), Scalar(B, INT, low, high))
