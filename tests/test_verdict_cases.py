"""Conditions of a verdict against what they compute for every value there is."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

import pytest

from vmgen import ir, wording
from vmgen.ir.evaluate import Known
from vmgen.ir.evaluate import evaluate as computed
from vmgen.verdict import cases, conditions
from vmgen.verdict.cases import Assumptions, condition_of, deciding, evaluate, implied
from vmgen.verdict.conditions import FALSE, TRUE, either, every, negated, normal, truth

A, B = ir.Load("a", "int64"), ir.Load("b", "int64")
ASKED = ir.Ask("kvm")
RANGE = range(-2, 12)
ORDERS: tuple[ir.BinaryOperator, ...] = ("==", "!=", "<", "<=", ">", ">=")


def n(value: int) -> ir.Const:
    return ir.Const(value)


def two(op: ir.BinaryOperator, left: ir.Expr, right: ir.Expr) -> ir.Binary:
    return ir.Binary(op, left, right)


def _known(memory: Mapping[str, int], version: int | None = None) -> Known:
    return Known(version, lambda path, _: memory.get(path), memory.get)


def holds(value: ir.Expr, memory: Mapping[str, int]) -> bool:
    """C's own answer, by the evaluator of the IR."""
    found = computed(value, _known(memory))
    assert found is not None
    return bool(found)


def everywhere(names: Sequence[str]) -> Iterator[dict[str, int]]:
    for values in itertools.product(RANGE, repeat=len(names)):
        yield dict(zip(names, values, strict=True))


def comparison(chance: random.Random, name: ir.Expr) -> ir.Expr:
    if chance.random() < 0.2 or isinstance(name, ir.Ask):
        return name
    return two(chance.choice(ORDERS), name, n(chance.randint(0, 9)))


def condition(chance: random.Random, names: Sequence[ir.Expr], depth: int) -> ir.Expr:
    kind = chance.random()
    if depth == 0 or kind < 0.3:
        return comparison(chance, chance.choice(names))
    if kind < 0.45:
        return ir.Unary("!", condition(chance, names, depth - 1))
    sides = (condition(chance, names, depth - 1) for _ in range(2))
    return two("&&" if kind < 0.75 else "||", *sides)


# --- one form ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(150))
def test_the_normal_form_says_the_same(seed: int) -> None:
    chance = random.Random(seed)
    value = condition(chance, (A, B, ir.Version()), 3)
    made = normal(value, 3, "", str)
    opposite, same = negated(made), truth(made)
    assert normal(made, 9, "", str) == made
    for memory in everywhere(("a", "b")):
        expected = _with_version(value, 3, memory)
        assert holds(made, memory) == expected
        assert holds(same, memory) == expected
        assert holds(opposite, memory) != expected


def _with_version(value: ir.Expr, version: int, memory: Mapping[str, int]) -> bool:
    match value:
        case ir.Version():
            return bool(version)
        case ir.Unary("!", inner):
            return not _with_version(inner, version, memory)
        case ir.Binary("&&", left, right):
            return all(_with_version(one, version, memory) for one in (left, right))
        case ir.Binary("||", left, right):
            return any(_with_version(one, version, memory) for one in (left, right))
        case ir.Binary(op, ir.Version(), right):
            return holds(two(op, n(version), right), memory)
    return holds(value, memory)


ARITHMETIC: tuple[ir.BinaryOperator, ...] = (
    "+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^", *ORDERS, "&&", "||",
)  # fmt: skip


def number(chance: random.Random, depth: int) -> ir.Expr:
    """An expression of every kind, conditions among its operands."""
    kind = chance.random()
    if depth == 0 or kind < 0.1:
        return chance.choice((A, B, ir.Version(), n(chance.randint(-2, 9)), n(0), n(1)))
    if kind < 0.3:
        op = chance.choice(get_args(ir.UnaryOperator))
        return ir.Unary(op, number(chance, depth - 1))
    if kind < 0.45:
        type_ = chance.choice(("bool", "bool", *get_args(ir.IntType)))
        return ir.Truncate(type_, number(chance, depth - 1))
    sides = (number(chance, depth - 1), number(chance, depth - 1))
    if kind < 0.55:
        return ir.Select(number(chance, depth - 1), *sides)
    return two(chance.choice(ARITHMETIC), *sides)


@pytest.mark.parametrize("seed", range(300))
def test_the_normal_form_of_arithmetic_says_the_same(seed: int) -> None:
    """A condition may be a number of another expression: ``!!a + 1``, ``(a < b) == 1``."""
    value = number(random.Random(seed), 4)
    made = normal(value, 3, "", str)
    for memory in everywhere(("a", "b")):
        expected = computed(value, _known(memory, 3))
        if expected is not None:
            assert holds(made, memory) == bool(expected)


@pytest.mark.parametrize("seed", range(60))
def test_conditions_are_joined_as_c_joins_them(seed: int) -> None:
    chance = random.Random(seed)
    parts = [condition(chance, (A, B), 1) for _ in range(chance.randint(1, 3))]
    parts += chance.choices((TRUE, FALSE, parts[0]), k=chance.randint(0, 1))
    chance.shuffle(parts)
    whole, one = every(parts), either(parts[0], parts[-1])
    assert one is not None
    for memory in everywhere(("a", "b")):
        found = [holds(part, memory) for part in parts]
        assert holds(whole, memory) == all(found)
        assert holds(one, memory) == (found[0] or found[-1])


def test_what_is_joined_with_nothing() -> None:
    assert every(()) == TRUE
    assert every((A, A)) == A
    assert either(None, None) is None
    assert either(A, None) == either(None, A) == either(A, A) == A


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (n(5), TRUE), (n(0), FALSE), (two("!=", A, n(0)), A),
        (two("==", A, n(0)), ir.Unary("!", A)),
        (ir.Unary("!", ir.Unary("!", A)), A),
        (ir.Unary("!", two("<", A, n(3))), two(">=", A, n(3))),
        (two("+", n(2), n(3)), TRUE), (two("==", two("+", n(2), n(3)), n(5)), TRUE),
        (two("/", n(2), n(0)), two("/", n(2), n(0))),
        (two("==", ir.Version(), n(7)), TRUE), (two("==", ir.Version(), n(8)), FALSE),
        (ir.Select(ir.Version(), A, B), A), (ir.Select(n(0), A, B), B),
        (ir.Select(A, n(1), B), ir.Select(A, n(1), B)),
        (ir.Truncate("bool", two("<", A, n(1))), two("<", A, n(1))),
        (ir.Truncate("bool", A), A), (ir.Truncate("uint8", n(0x105)), TRUE),
        (ir.Truncate("uint8", n(0x100)), FALSE),
        (ir.Truncate("uint8", A), ir.Truncate("uint8", A)),
        (ir.Unary("-", n(3)), TRUE), (ir.Unary("~", n(-1)), FALSE),
        (ir.Unary("-", A), ir.Unary("-", A)), (ir.Const(3, "NAME"), TRUE),
        (two("&&", A, n(1)), A), (two("&&", n(1), A), A), (two("&&", A, n(0)), FALSE),
        (two("||", A, n(0)), A), (two("||", n(0), A), A), (two("||", n(2), A), TRUE),
        (ASKED, ASKED), (two("==", ir.Load("a", "uint8"), ir.Const(3, "N")),
                         two("==", A, n(3))),
    ],
)  # fmt: skip
def test_one_form_for_what_means_the_same(value: ir.Expr, made: ir.Expr) -> None:
    assert normal(value, 7, "", str) == made


def test_members_have_their_path_from_the_section() -> None:
    loop = ir.Exists("i", ir.Version(), n(4), 1, ir.Load("x[$0]", "uint8", (A,)))
    made = normal(loop, 2, "env.", str.upper)
    inner = ir.Load("ENV.A", "int64")
    assert made == ir.Exists(
        "i", n(2), n(4), 1, ir.Load("ENV.X[$0]", "int64", (inner,))
    )
    assert conditions.members(made) == {"ENV.A", "ENV.X[$0]"}
    assert conditions.joined("a.<tmp>.", "parent.b") == "a.b"
    assert conditions.joined("a.", "parent.b") == "a.parent.b"


# --- cases ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(120))
def test_a_case_decides_what_holds_in_all_of_it(seed: int) -> None:
    chance = random.Random(seed)
    names = (A, B) if seed % 2 else (A,)
    given = tuple(
        normal(condition(chance, names, 2), 0, "", str)
        for _ in range(chance.randint(0, 2))
    )
    case = Assumptions((), given)
    asked = normal(condition(chance, names, 2), 0, "", str)
    there = [
        memory
        for memory in everywhere(("a", "b"))
        if all(holds(one, memory) for one in given)
    ]
    assert case.possible == bool(there)
    decided = case.decide(asked)
    if decided is None:
        part = case.open_part(asked)
        assert case.decide(part) is None
        assert part in {*ir.walk(asked)}
        assert not isinstance(part, ir.Binary) or part.op not in ("&&", "||")
        yes, no = case.both(part)
        assert (yes.decide(part), no.decide(part)) == (True, False)
        assert yes.given == no.given == given
    else:
        assert all(holds(asked, memory) == decided for memory in there)


@pytest.mark.parametrize(
    ("value", "known", "decided"),
    [
        (A, ((A, True),), True), (A, ((A, False),), False), (A, (), None),
        (n(0), (), False), (n(7), (), True),
        (ir.Unary("!", A), ((A, True),), False), (ir.Unary("!", A), (), None),
        (two("&&", A, B), ((A, False),), False), (two("&&", A, B), ((B, False),), False),
        (two("&&", A, B), ((A, True),), None), (two("&&", A, B), ((B, True),), None),
        (two("&&", A, B), ((A, True), (B, True)), True),
        (two("||", A, B), ((A, True),), True), (two("||", A, B), ((B, True),), True),
        (two("||", A, B), ((A, False),), None), (two("||", A, B), ((B, False),), None),
        (two("||", A, B), ((A, False), (B, False)), False),
        (two("<", A, n(3)), ((two(">=", A, n(3)), True),), False),
        (two("<", A, n(3)), ((two(">=", A, n(3)), False),), True),
        (two("<", A, n(3)), ((two(">", A, n(3)), True),), None),
    ],
)  # fmt: skip
def test_what_follows_from_what_is_assumed(
    value: ir.Expr, known: tuple[tuple[ir.Expr, bool], ...], decided: bool | None
) -> None:
    assert Assumptions(known).decide(value) is decided


def test_what_is_given_holds_in_its_parts() -> None:
    both = Assumptions((), (two("&&", A, ir.Unary("!", B)),))
    assert (both.decide(A), both.decide(B)) == (True, False)
    none = Assumptions((), (ir.Unary("!", two("||", A, two("<", B, n(3)))),))
    assert (none.decide(A), none.decide(two("<", B, n(3)))) == (False, False)
    one = Assumptions((), (two("||", A, B),))
    assert (one.decide(A), one.decide(two("||", A, B))) == (None, True)
    deep = Assumptions((), (two("&&", A, two("&&", B, ASKED)),))
    assert [deep.decide(part) for part in (A, B, ASKED)] == [True] * 3


def test_the_open_part_is_the_first_that_nothing_is_assumed_of() -> None:
    whole = two("&&", two("||", A, B), ir.Unary("!", ASKED))
    assert Assumptions().open_part(whole) == A
    assert Assumptions(((A, False),)).open_part(whole) == B
    assert Assumptions(((A, True),)).open_part(whole) == ASKED
    assert Assumptions(((A, False), (B, True))).open_part(whole) == ASKED


BITS = [two("&", A, n(mask)) for mask in (1, 2, 4, 6)]


@pytest.mark.parametrize(
    ("known", "possible"),
    [
        (((BITS[0], True), (BITS[1], False)), True),
        (((BITS[3], True), (BITS[1], False), (BITS[2], False)), False),
        (((BITS[3], True), (BITS[1], False), (BITS[2], True)), True),
        (((two("==", BITS[0], n(0)), True), (BITS[0], True)), False),
        (((two("!=", BITS[0], n(0)), False), (BITS[0], True)), False),
        (((ir.Unary("!", BITS[0]), True), (BITS[0], True)), False),
        (((two("&&", BITS[1], BITS[2]), True), (BITS[3], False)), False),
        (((two("||", BITS[1], BITS[2]), True), (BITS[3], False)), False),
        # What is compared and tested is left out, and so is anything else.
        (((BITS[0], True), (two("==", A, n(2)), True)), True),
        (((two("+", A, n(1)), True), (two("+", A, n(1)), False)), True),
        (((two("&", A, n(-2)), True), (two("&", A, n(-2)), False)), True),
        (((two("==", A, n(3)), True), (two("<", A, n(3)), True)), False),
        (((two("==", A, n(3)), True), (two("<", A, n(4)), True)), True),
        (((two("<", A, n(4)), True), (two(">", A, n(3)), True)), False),
        (((two("<", A, n(5)), True), (two(">", A, n(3)), True)), True),
        (((two("<", A, B), True), (two("<", B, A), True)), False),
        (((two("<", A, B), True), (two("<=", B, A), False)), True),
        (((ASKED, True), (ir.Unary("!", ASKED), True)), False),
        (((two("<", B, n(4)), True), (two(">", B, n(5)), True), (BITS[0], True)), False),
    ],
)  # fmt: skip
def test_cases_that_cannot_happen(
    known: tuple[tuple[ir.Expr, bool], ...], possible: bool
) -> None:
    assert Assumptions(known).possible is possible


def test_more_values_than_can_be_tried_are_all_possible() -> None:
    impossible = (two("<", A, n(1)), two(">", A, n(2)))
    assert not Assumptions((), impossible).possible
    many = tuple(two("<", ir.Load(f"m{at}", "int64"), n(at)) for at in range(9))
    assert Assumptions((), (*impossible, *many)).possible
    bits = tuple(two("&", A, n(1 << at)) for at in range(14))
    assert Assumptions((), (*bits, ir.Unary("!", bits[0]))).possible


@pytest.mark.parametrize("seed", range(150))
def test_what_is_implied_holds_wherever_the_others_do(seed: int) -> None:
    chance = random.Random(seed)
    known = [normal(condition(chance, (A,), 1), 0, "", str) for _ in range(2)]
    asked = normal(condition(chance, (A,), 1), 0, "", str)
    there = [
        memory for memory in everywhere(("a",)) if all(holds(o, memory) for o in known)
    ]
    expected = all(holds(asked, memory) for memory in there)
    found = implied(asked, known)
    assert found <= expected
    if expected and asked != TRUE and not {TRUE, FALSE} & {*known, asked}:
        assert found


def test_what_nothing_is_known_of_is_not_implied() -> None:
    assert implied(TRUE, ())
    assert implied(A, (B, A))
    assert not implied(A, ())
    assert not implied(two("<", A, n(3)), (two("<", B, n(2)),))
    assert not implied(BITS[0], (two("==", A, n(1)),))
    assert not implied(two("<", A, n(3)), (BITS[0],))
    array = ir.Load("x[$0]", "int64", (n(1),))
    assert not implied(two("<", array, n(3)), (two("<", array, n(2)),))


@pytest.mark.parametrize("seed", range(120))
def test_a_condition_tells_the_good_cases_from_the_bad(seed: int) -> None:
    """Of cases that exclude each other and are all that there are."""
    chance = random.Random(seed)
    names: Sequence[ir.Expr] = ((A,), (A, B), (A, B, ASKED))[seed % 3]
    parts = list({normal(comparison(chance, chance.choice(names)), 0, "", str)
                  for _ in range(chance.randint(1, 3))} - {TRUE, FALSE})  # fmt: skip
    good: list[Assumptions] = []
    bad: list[Assumptions] = []

    def split(case: Assumptions, left: list[ir.Expr]) -> None:
        if not case.possible:
            return
        if not left or chance.random() < 0.15:
            (good if chance.random() < 0.5 else bad).append(case)
            return
        for one in case.both(left[0]):
            split(one, left[1:])

    positive = [negated(one) if isinstance(one, ir.Unary) else one for one in parts]
    split(Assumptions(), positive)
    found = condition_of(good, bad)
    for memory in everywhere(("a", "b", "kvm")[: 1 + seed % 3]):
        expected = any(
            all(holds(part, memory) == is_so for part, is_so in case.assumed)
            for case in good
        )
        assert holds(found, memory) == expected, wording.expression(found)


def one_of(*values: int) -> list[Assumptions]:
    return [Assumptions(((two("==", A, n(value)), True),)) for value in values]


@pytest.mark.parametrize(
    ("good", "bad", "text"),
    [
        (one_of(5), one_of(), "a == 5"),
        (one_of(5, 6), one_of(3), "a >= 5 && a <= 6"),
        (one_of(5, 8), one_of(), "a == 5 || a == 8"),
        (
            [Assumptions(((two("<", A, n(5)), True),))],
            [Assumptions(((two("<", A, n(5)), False),))],
            "a <= 4",
        ),
        (
            [Assumptions(((two("<", A, n(5)), False),))],
            [Assumptions(((two("<", A, n(5)), True),))],
            "a >= 5",
        ),
        (
            [Assumptions(((two("==", A, n(5)), False),))],
            [Assumptions(((two("==", A, n(5)), True),))],
            "a <= 4 || a >= 6",
        ),
        ([Assumptions(((A, True), (B, True)))], [], "a && b"),
        ([Assumptions(((A, True),)), Assumptions(((A, False), (B, True)))], [],
         "a || b"),
        ([Assumptions(((A, True), (B, True))), Assumptions(((A, True), (B, False)))], [],
         "a"),
        ([Assumptions(((A, False), (B, True)))], [], "!a && b"),
        ([Assumptions(((A, True),)), Assumptions(((A, True), (B, True)))], [], "a"),
        ([], [Assumptions(((A, True),))], "0"),
        ([], [Assumptions(((two("==", A, n(5)), True),))], "0"),
        ([Assumptions(((A, True),))], [Assumptions(((A, False),))], "a"),
    ],
)  # fmt: skip
def test_conditions_are_as_short_as_people_write_them(
    good: list[Assumptions], bad: list[Assumptions], text: str
) -> None:
    assert wording.expression(condition_of(good, bad)) == text


def test_values_on_either_side_of_a_condition() -> None:
    assert deciding(None) == {}
    assert deciding(two("<", A, n(5))) == {"a": (-1, 0, 1, 4, 5, 6)}
    assert deciding(two("&&", two("==", A, n(9)), ASKED)) == dict.fromkeys(
        ("a", "kvm"), (-1, 0, 1, 8, 9, 10)
    )


def test_what_is_missing_has_no_value() -> None:
    assert evaluate(two("<", A, n(5)), {"a": 4}) == 1
    assert evaluate(two("<", A, n(5)), {"b": 4}) is None
    assert evaluate(ASKED, {"kvm": 7}) == 7
    assert cases.TRIES >= 1000
