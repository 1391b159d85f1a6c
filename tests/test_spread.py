"""Which arrays of structs several fields share, and what their elements become."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.ir_programs import U8, U16, U64, compiled, description, field
from vmgen import ir
from vmgen.lower.spread import MOST, spread

Change = Callable[[ir.Field], ir.Field]


def plain(one: ir.Field) -> ir.Field:
    return one


def change(**more: Any) -> Change:
    return lambda one: replace(one, **more)


def array(name: str, length: int = 2, **more: Any) -> ir.Field:
    made = field("env.regs", ir.StructElement(f"vmstate_{name}", "Reg"), (length,))
    return replace(made, **more)


def nested(name: str, *fields: ir.Field, **more: Any) -> ir.Description:
    return description(name, *fields, type="Reg", **more)


LOW = nested("low", field("q[0]"), field("q[1]"))
HIGH = nested("high", field("q[2]"))


def paths(
    *fields: ir.Field,
    inner: tuple[ir.Description, ...] = (LOW, HIGH),
    versions: tuple[int, int] = (1, 1),
) -> list[str]:
    table = description(
        "dev", *fields, minimum_version_id=versions[0], version_id=versions[1]
    )
    known: Mapping[str, ir.Description] = {one.symbol: one for one in inner}
    return [ir.path_text(one.path) for one in spread(table, known.get)]


APART = ["env.regs", "env.regs"]


def test_parts_of_one_array_become_members_element_by_element() -> None:
    """In the order of the wire, each with the name and the version of its field."""
    assert paths(array("low"), field("n"), array("high")) == [
        "env.regs[0].q[0]", "env.regs[0].q[1]", "env.regs[1].q[0]", "env.regs[1].q[1]",
        "n", "env.regs[0].q[2]", "env.regs[1].q[2]",
    ]  # fmt: skip
    table = description(
        "dev", array("low"), array("high", version_id=3), version_id=3,
        minimum_version_id=1,
    )  # fmt: skip
    made = spread(table, {one.symbol: one for one in (LOW, HIGH)}.get)
    assert [one.version_id for one in made] == [0, 0, 0, 0, 3, 3]
    assert {one.name for one in made} == {"env.regs"}
    assert {type(one.element) for one in made} == {ir.IntegerElement}


def test_an_array_of_one_field_stays_a_list_of_structs() -> None:
    assert paths(array("low"), field("n")) == ["env.regs", "n"]
    other = replace(array("high"), path=field("env.more", U64, (2,)).path)
    assert paths(array("low"), other) == ["env.regs", "env.more"]


def test_structs_of_no_member_stay_as_they_are() -> None:
    """A table may name the whole object, more than once."""
    whole = array("low", path=(), array=False, count=ir.Fixed(1))
    assert paths(whole, replace(whole, name="again")) == ["", ""]
    assert paths(whole, replace(whole, name="again"), array("low"), array("high"))[
        :3
    ] == ["", "", "env.regs[0].q[0]"]
    listed = array("low", path=())
    assert paths(listed, replace(listed, name="again")) == ["", ""]


@pytest.mark.parametrize(
    "change",
    [
        change(element=ir.StructElement("vmstate_high", "Reg", vstruct=True)),
        change(array=False),
        change(count=ir.FromMember((ir.Step("n", "uint8_t"),), "uint8")),
        change(count=ir.Fixed(1)),
        change(count=ir.Fixed(3)),
        change(start=1),
        change(pointer=True),
        change(pointers="null"),
        change(test="has_it"),
        change(element=ir.StructElement("vmstate_unknown", "Reg")),
        change(element=U64),
        change(version_id=2),
    ],
)
@pytest.mark.parametrize("first", [False, True])
def test_what_is_no_plain_array_of_that_extent_stays_a_list(
    change: Change, first: bool
) -> None:
    fields = [array("low"), change(array("high"))]
    assert paths(*fields[:: -1 if first else 1], versions=(1, 3)) == APART


@pytest.mark.parametrize(
    ("version", "versions", "shared"),
    [
        (0, (1, 3), True), (1, (1, 3), True), (2, (1, 3), False), (3, (1, 3), True),
        (2, (2, 3), True), (2, (1, 2), True),
    ],
)  # fmt: skip
def test_the_parts_are_there_in_every_version_or_in_the_current_one(
    version: int, versions: tuple[int, int], shared: bool
) -> None:
    found = paths(array("low"), array("high", version_id=version), versions=versions)
    assert (found != APART) == shared


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (field("q[2]", ir.TimerElement()),),
        (field("q[2]", ir.IntegerElement("uint8", "equal")),),
        (field("q[2]", test="has_it"),),
        (field("q", U64, (3,)),),
        (field("q", pointer=True),),
        (field("q[2]", version_id=2),),
        (field("a.q"),),
        (field("q[2]"), field("q[2]")),
        (field("q[2]"), field("q[1]")),
        (replace(field("q"), path=(ir.Step("q", "uint64_t", (3,)),)),),
        (replace(field("q"), path=(ir.Step("q", "uint64_t", (), (1,)),)),),
    ],
)
@pytest.mark.parametrize("first", [False, True])
def test_elements_that_are_not_numbers_of_their_own_stay_structs(
    fields: tuple[ir.Field, ...], first: bool
) -> None:
    inner = (LOW, nested("high", *fields))
    given = [array("low"), array("high")]
    assert paths(*given[:: -1 if first else 1], inner=inner) == APART


def test_numbers_of_a_version_that_is_always_there_are_members() -> None:
    late = nested("high", field("q[2]", version_id=2), version_id=2)
    assert paths(array("low"), array("high"), inner=(LOW, late)) != APART


def test_elements_with_subsections_stay_structs() -> None:
    more = nested("high", field("q[2]"), subsections=("vmstate_more",))
    assert paths(array("low"), array("high"), inner=(LOW, more)) == APART


def test_an_array_of_one_element_is_shared_and_one_of_none_is_not() -> None:
    assert paths(array("low", 1), array("high", 1)) == [
        "env.regs[0].q[0]", "env.regs[0].q[1]", "env.regs[0].q[2]",
    ]  # fmt: skip
    none = (array(name, count=ir.Fixed(0)) for name in ("low", "high"))
    assert paths(*none) == APART


@pytest.mark.parametrize("over", [0, 1])
def test_arrays_of_more_values_than_names_are_printed_for_stay_lists(over: int) -> None:
    """All parts together: three values an element, and one element more."""
    length = MOST // 4 + over
    low = nested("low", *(field(f"q[{number}]") for number in range(3)))
    made = paths(array("low", length), array("last", length), inner=(
        low, nested("last", field("q[3]"))))  # fmt: skip
    assert (made == APART) == bool(over)
    assert over or len(made) == MOST == 128


def test_three_parts_may_not_meet_anywhere() -> None:
    """The third part has a member of the first."""
    third = nested("third", field("q[0]"))
    assert paths(
        array("low"), array("high"), array("third"), inner=(LOW, HIGH, third)
    ) == [*APART, "env.regs"]


def test_a_shared_array_behind_another_array_is_the_same_bytes() -> None:
    """The path keeps what is before the array, elements included."""
    low = description("low", field("a", U8), type="Reg")
    high = description("high", field("b", U16), type="Reg")
    with compiled(
        low,
        high,
        description(
            "dev",
            field("cpu[1].regs", ir.StructElement("vmstate_low", "Reg"), (2,)),
            field("cpu[1].regs", ir.StructElement("vmstate_high", "Reg"), (2,)),
        ),
    ) as (module, _):
        state, _ = module.load_dev(bytes(range(1, 7)))
        assert [(one.a, one.b) for one in state.cpu[1].regs] == [
            (1, 0x304),
            (2, 0x506),
        ]
        assert module.save_dev(state) == bytes(range(1, 7))
