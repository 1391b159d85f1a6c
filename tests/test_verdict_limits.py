"""The limits of a verdict: what is inside of them is answered, what is beyond is said to
be unknown and costs no time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.test_verdict import (
    FILE,
    A,
    B,
    C,
    array,
    description,
    integer,
    program,
    struct,
    verdict,
)
from tests.trees import require_tree
from vmgen import ir
from vmgen.verdict import judge, words
from vmgen.verdict.cases import Assumptions
from vmgen.verdict.check import confirm
from vmgen.verdict.model import Finding
from vmgen.verdict.sections import ASIDE


def with_tests(count: int) -> ir.Program:
    """A table of so many fields, each under a test of its own."""
    functions = tuple(
        ir.Function(f"has_{number}", body=ir.Load(f"flag_{number}", "bool"))
        for number in range(count)
    )
    fields = tuple(
        integer(f"x_{number}", test=f"has_{number}") for number in range(count)
    )
    return program(description(A, *fields), functions=functions)


def test_as_many_cases_as_are_followed() -> None:
    """Against a table with none of the fields each of them is one more case."""
    (section,) = judge(with_tests(40), program(description(A))).sections
    assert section.forward.verdict == "conditional"
    assert section.forward.condition is not None
    assert words.expression(section.forward.condition).count("!flag_") == 40


def test_more_cases_than_are_followed() -> None:
    """Every combination, where all fields stand in for each other."""
    fields = tuple(integer(f"x_{number}") for number in range(7))
    (section,) = judge(with_tests(7), program(description(A, *fields))).sections
    assert section.forward.verdict in ("unknown", "conditional")
    (section,) = judge(with_tests(80), program(description(A))).sections
    assert section.forward.verdict == "unknown"
    assert section.forward.findings == (
        Finding("cases", "dev", "vmstate_dev", limit=64),
    )


def test_three_ways_to_fail_are_shown_and_no_more() -> None:
    def kind(number: int) -> ir.Function:
        body = ir.Binary("==", ir.Load("a", "uint32"), ir.Const(number))
        return ir.Function(f"is_{number}", body=body)

    kinds = tuple(map(kind, range(5)))
    fields = tuple(
        replace(array(f"x_{number}", number + 1), test=f"is_{number}")
        for number in range(5)
    )
    old = program(description(A, *fields), functions=kinds)
    new = program(description(A, array("y", 9)))
    found = verdict(old, new).forward
    assert found.verdict == "incompatible"
    assert len(found.findings) == 3
    assert all(finding.case is not None for finding in found.findings)


def equals(name: str, number: int) -> ir.Expr:
    return ir.Binary("==", ir.Load(name, "int64"), ir.Const(number))


def test_a_contradiction_over_several_members_is_no_case() -> None:
    names = "abcde"
    assumed = tuple((equals(name, 1), True) for name in names)
    assert Assumptions(assumed).possible
    either = ir.Binary("||", equals("a", 0), equals("e", 0))
    assert not Assumptions((*assumed, (either, True))).possible


def test_what_has_too_many_values_to_try_counts_as_possible() -> None:
    names = [f"m{number}" for number in range(12)]
    assumed = tuple((equals(name, 1), True) for name in names)
    assert Assumptions((*assumed, (equals("m0", 0), True))).possible


def test_bits_are_tried_in_every_combination() -> None:
    def bit(mask: int) -> ir.Expr:
        return ir.Binary("&", ir.Load("flags", "int64"), ir.Const(mask))

    both = ((bit(0x80), True), (bit(0x4000000), True))
    assert Assumptions(both).possible
    assert not Assumptions((*both, (bit(0x4000080), False))).possible


@pytest.mark.parametrize("expression", ["shift", "sum"])
def test_arithmetic_makes_no_case_impossible(expression: str) -> None:
    """((x >> 16) & 15) == 15 holds for values that no constant is next to."""
    load = ir.Load("x", "int64")
    shifted = ir.Binary("&", ir.Binary(">>", load, ir.Const(16)), ir.Const(15))
    total = ir.Binary("*", load, ir.Const(1000))
    value = shifted if expression == "shift" else total
    least = ir.Binary(">", value, ir.Const(14))
    assert Assumptions(
        ((least, True), (ir.Binary("<", value, ir.Const(16)), True))
    ).possible


def chain(depth: int, last: ir.Field) -> ir.Program:
    """Structs in structs, so deep; the last one has the field."""
    found = [description(last, symbol="vmstate_0", name="s0", type="Inner")]
    for number in range(1, depth):
        part = struct("part", f"vmstate_{number - 1}")
        found.append(
            description(
                part, symbol=f"vmstate_{number}", name=f"s{number}", type="Inner"
            )
        )
    return program(*found, description(struct("part", f"vmstate_{depth - 1}")))


def test_deep_objects_are_compared_and_tried() -> None:
    found = verdict(chain(20, integer("a")), chain(20, integer("a", "uint64")))
    assert found.forward.verdict == "incompatible"
    assert found.forward.findings[0].source.path == "part." * 20 + "a"


def test_objects_too_deep_are_not_drawn() -> None:
    old, new = chain(45, integer("a")), chain(45, integer("a", "uint64"))
    judgement = judge(old, new)
    assert judgement.worst() == "incompatible"
    assert {one.why for one in confirm(judgement, old, new, 2)} == {"nested too deeply"}


def test_rows_of_tables_are_counted_where_there_are_many() -> None:
    only = tuple(f"r{number}" for number in range(9)), ("x",)
    found = Finding("premise", field="rows", only=only)
    assert words.sentence(found).endswith(
        "r0, r1, r2, r3 and 5 more only in the source; x only in the destination"
    )


def test_a_hundred_thousand_elements_that_differ_take_one_look() -> None:
    inner = description(A, B, symbol="vmstate_inner", name="inner", type="Inner")
    many = struct("part", "vmstate_inner", count=ir.Fixed(100_000), array=True)
    outer = description(many, C)
    grown = replace(inner, fields=(*inner.fields, C))
    (section,) = judge(program(inner, outer), program(grown, outer)).sections
    assert section.forward.verdict == section.backward.verdict == "incompatible"


@pytest.mark.parametrize("release", ["7.2", "10.0"])
def test_the_files_that_do_not_count_are_what_they_are_said_to_be(release: str) -> None:
    tree: Path = require_tree(release)
    for prefix, why in ASIDE.items():
        function = why.rpartition(": ")[2].removesuffix("()")
        folder = tree / prefix.rpartition("/")[0]
        files = [one for one in folder.iterdir() if one.suffix == ".c"]
        mine = [
            one for one in files if one.relative_to(tree).as_posix().startswith(prefix)
        ]
        if release == "7.2" and not mine:
            continue  # came later
        assert any(function in one.read_text() for one in mine), prefix


def test_tables_of_record_and_replay_are_no_sections() -> None:
    module = ir.Module("replay/replay-snapshot.c", (description(A, name="replay"),))
    root = ir.Root(
        "vmstate_dev", module.file, module.file, "vmstate_register", "f", "replay"
    )
    other = replace(program(description(B)).modules[0], file=FILE)
    kept = replace(root, file=FILE, home=FILE, section="dev")
    one = ir.Program("1", "toy", (other, module), (root, kept))
    assert [section.section for section in judge(one, one).sections] == ["dev"]


def test_a_table_that_c_code_saves_is_not_counted_and_still_judged() -> None:
    root = ir.Root("vmstate_dev", FILE, FILE, "vmstate_register", "f", "dev")

    def side(*fields: ir.Field) -> ir.Program:
        inner = description(*fields, symbol="vmstate_vfio", name="VFIO")
        return replace(program(description(A), inner), roots=(root,))

    judgement = judge(side(A), side(A, B))
    assert judgement.worst() == "incompatible"
    assert {one.section: one.registered for one in judgement.sections} == {
        "dev": True,
        "VFIO": False,
    }
