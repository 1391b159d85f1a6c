"""Sections drawn at random are what the reference interpreter reads, to the last byte."""

from __future__ import annotations

from collections import defaultdict
from random import Random

import pytest

from tests import reference
from tests.ir_programs import U8, U16, description, field
from tests.test_lower_sweep import FILE, FUNCTIONS, PLACES, SHAPES, SHARED, struct
from vmgen import ir
from vmgen.lookup import Lookup
from vmgen.verdict.sample import Sample, Unsaved


def placed_program(place: str) -> tuple[ir.Program, dict[str, ir.Description]]:
    """Every shape of a field in this place: the program, and the object of each."""
    descriptions = list(SHARED)
    roots = {}
    for number, (name, fields) in enumerate(SHAPES.items()):
        made = PLACES[place](f"{number:03}", fields)
        descriptions += made
        roots[name] = made[-1]
    module = ir.Module(FILE, tuple(descriptions), FUNCTIONS)
    return ir.Program("10.0.2", "random", (module,)), roots


def drawn(
    program: ir.Program, one: ir.Description, seed: str, **more: tuple[int, ...]
) -> tuple[bytes, Sample]:
    lookup = Lookup(program)
    placed = next(
        each for each in lookup.all() if each.description.symbol == one.symbol
    )
    likely = {path.replace("__", "."): values for path, values in more.items()}
    sample = Sample(lookup, Random(seed), likely)
    return sample.draw(placed), sample


def read(program: ir.Program, one: ir.Description, data: bytes, sample: Sample) -> reference.Values:  # fmt: skip
    """Its values, and proof that they are all of it."""
    answers = reference.Answers(sample.members, sample.functions)
    values, end = reference.load(program, one.symbol, data, 0, None, answers)
    assert end == len(data)
    return values


@pytest.mark.parametrize("place", PLACES)
def test_what_is_drawn_is_a_section(place: str) -> None:
    program, roots = placed_program(place)
    lengths = defaultdict(set)
    read_at_all = 0
    for name, one in roots.items():
        for seed in range(5):
            try:
                data, sample = drawn(program, one, f"{name} {seed}")
            except Unsaved:
                continue
            read(program, one, data, sample)
            lengths[name].add(len(data))
            read_at_all += 1
    assert read_at_all > 4 * len(roots)
    varied = sum(len(one) > 1 for one in lengths.values())
    assert varied == 0 if place == "old" else varied > 20


def shapes(one: ir.Description, *others: ir.Description) -> ir.Program:
    module = ir.Module(FILE, (*SHARED, *others, one), FUNCTIONS)
    return ir.Program("10.0.2", "random", (module,))


def test_lists_have_up_to_two_elements_and_pointers_may_be_null() -> None:
    of_list = description(
        "listed",
        field("q", ir.ListElement("qtailq", "vmstate_plain"), version_id=1),
        type="Listed",
    )
    some = description(
        "some",
        field("p", struct("plain"), (3,), pointers="null", pointer=True),
        type="Some",
    )
    lists, nulls = set(), set()
    for seed in range(60):
        data, sample = drawn(shapes(of_list), of_list, f"{seed}")
        read(shapes(of_list), of_list, data, sample)
        lists.add(len(data))
        data, sample = drawn(shapes(some), some, f"{seed}")
        read(shapes(some), some, data, sample)
        nulls.add(len(data))
    assert lists == {1 + n * (1 + 3) for n in range(3)}
    assert nulls == {3 * n + (3 - n) for n in range(4)}


def test_counts_are_as_small_as_their_array() -> None:
    number = ir.FromMember((ir.Step("num", "uint8_t"),), "uint8", 1)
    one = description(
        "few",
        field("num", U8),
        field("v", U16, (3,), count=number, array=True),
        type="Few",
    )
    lengths = {len(drawn(shapes(one), one, f"{seed}")[0]) for seed in range(60)}
    assert lengths == {1, 3, 5, 7}
    doubled = ir.FromMember((ir.Step("num", "uint8_t"),), "uint8", 2)
    two = description(
        "twice",
        field("num", U8),
        field("v", U16, (5,), count=doubled, array=True, start=1),
        type="Twice",
    )
    lengths = {len(drawn(shapes(two), two, f"{seed}")[0]) for seed in range(60)}
    assert lengths == {1, 5, 9}


def test_likely_values_come_more_often() -> None:
    one = description(
        "inner/outer", field("env.num", U16), field("other", U16), type="Outer"
    )
    found = [
        drawn(shapes(one), one, f"{seed}", env__num=(777, 4242))[0]
        for seed in range(60)
    ]
    first = [int.from_bytes(data[:2], "big") for data in found]
    likely = sum(one in (777, 4242) for one in first)
    assert 15 < likely < 50
    assert {777, 4242} <= set(first)
    assert all(int.from_bytes(data[2:], "big") not in (777, 4242) for data in found)


def test_all_kinds_of_numbers_are_drawn() -> None:
    one = description("num", field("x", U16), type="Num")
    found = {
        int.from_bytes(drawn(shapes(one), one, f"{seed}")[0], "big")
        for seed in range(100)
    }
    assert {0, 1, 2, 3, 0xFFFF} <= found
    assert len([each for each in found if 3 < each < 0xFFFF]) > 30
