"""Modules put together: which definition a name means, and what is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from tests.test_pipeline import described, module, nested, number
from vmgen import ir
from vmgen.link import endless_lists, foreign_subsections, link
from vmgen.source import Position

INNER = described("vmstate_inner", number("x"))
OUTER = module("outer.c", described("vmstate_outer", nested("inner", "vmstate_inner")))


def codes(*modules: ir.Module, members: tuple[ir.Module, ...] = ()) -> list[str]:
    made = link("1.0", "toy", modules, members)
    return [found.code for one in made.unread for found in one.found]


def test_modules_are_sorted_and_empty_ones_left_out() -> None:
    made = link("1.0", "toy", [OUTER, module("a.c", INNER), module("empty.c")])
    assert (made.release, made.target) == ("1.0", "toy")
    assert [one.file for one in made.modules] == ["a.c", "outer.c"]


def test_a_name_that_nobody_defines() -> None:
    assert codes(OUTER) == ["VG501"]


def test_a_static_description_is_nobody_elses() -> None:
    hidden = described("vmstate_inner", number("x"), static=True)
    assert codes(OUTER, module("a.c", hidden)) == ["VG501"]
    own = module("b.c", hidden, described("vmstate_b", nested("i", "vmstate_inner")))
    assert len(link("1.0", "toy", [own, module("a.c", hidden)]).modules) == 2


def test_two_definitions_of_one_name() -> None:
    again = described("vmstate_inner", number("y"))
    assert codes(module("a.c", INNER), module("b.c", again)) == ["VG502", "VG502"]


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize(
    ("name", "found"),
    [("outer/more", []), ("outer", []), ("more", ["VG505"]), ("", ["VG505"])],
)
def test_a_subsection_of_a_foreign_name_is_kept_as_qemu_saves_it_and_said(
    name: str, found: list[str], static: bool
) -> None:
    more = replace(INNER, name=name, static=static)
    outer = replace(
        described("vmstate_outer"), name="outer", subsections=("vmstate_inner",)
    )
    programs = [link("1.0", "toy", [module("a.c", more, outer)])]
    if not static:
        several = [module("a.c", more), module("b.c", outer)]
        programs.append(link("1.0", "toy", several))
    for made in programs:
        symbols = {one.symbol for each in made.modules for one in each.descriptions}
        assert symbols == {"vmstate_inner", "vmstate_outer"}
        warned = foreign_subsections([made])
        assert [(one.code, one.severity) for one in warned] == [
            (code, "warning") for code in found
        ]


def test_a_member_of_an_archive_is_taken_where_it_is_needed() -> None:
    stub = module("stub.c", described("vmstate_inner"))
    assert [one.file for one in link("", "", [OUTER], [stub]).modules] == [
        "outer.c",
        "stub.c",
    ]
    real = module("real.c", INNER)
    assert [one.file for one in link("", "", [OUTER, real], [stub]).modules] == [
        "outer.c",
        "real.c",
    ]


def test_a_member_may_need_another_one() -> None:
    middle = module("m.c", described("vmstate_inner", nested("y", "vmstate_leaf")))
    leaf = module("leaf.c", described("vmstate_leaf", number("x")))
    unused = module("unused.c", described("vmstate_unused"))
    made = link("", "", [OUTER], [leaf, middle, unused])
    assert [one.file for one in made.modules] == ["leaf.c", "m.c", "outer.c"]


def test_infos_of_other_files_stand_where_they_are_named() -> None:
    named = ir.CustomElement("vmstate_info_word", "word", ir.ELSEWHERE)
    field = ir.Field("w", (ir.Step("w", "Word"),), named, ir.Fixed(4))
    real = ir.CustomElement("vmstate_info_word", "word", "it loops")
    user = module("user.c", described("vmstate_user", field))
    infos = ir.Module("infos.c", (), (), (real,))
    made = link("", "", [user, infos])
    (only,) = made.modules
    element = only.descriptions[0].fields[0].element
    assert isinstance(element, ir.CustomElement)
    assert element.info == real.info
    assert element.reason == "it loops: its get moves nothing that can be seen"
    assert only.infos == ()


def test_a_list_without_an_end_is_told_where_one_would_be_added() -> None:
    def placed(
        *fields: ir.Field, endless: tuple[Literal["fields", "subsections"], ...]
    ) -> ir.Description:
        rows = tuple(
            replace(one, position=Position("a.c", 20 + number))
            for number, one in enumerate(fields)
        )
        made = described("vmstate_a", *rows)
        return replace(made, endless=endless, position=Position("a.c", 10))

    def told(*descriptions: ir.Description) -> list[tuple[int, str, str]]:
        program = link("1.0", "toy", [module("a.c", *descriptions)])
        found = endless_lists([program, program])
        assert {(one.code, one.severity) for one in found} <= {("VG408", "warning")}
        return [(one.position.line, one.context[0], one.hint) for one in found]

    end, null = (
        "add VMSTATE_END_OF_LIST() behind the last one",
        "add NULL behind the last one",
    )
    x, y = number("x"), number("y")
    assert told(placed(x, y, endless=())) == []
    assert told(placed(x, y, endless=("fields",))) == [(21, "vmstate_a", end)]
    assert told(placed(endless=("fields",))) == [(10, "vmstate_a", end)]
    assert told(placed(x, y, endless=("subsections",))) == [(10, "vmstate_a", null)]
    assert told(placed(x, endless=("fields", "subsections"))) == [
        (20, "vmstate_a", end),
        (10, "vmstate_a", null),
    ]
