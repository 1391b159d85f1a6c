"""Comparing programs: what counts as a different wire format, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.programs import COMMON, CPU, FILE, FUNCTIONS, LANE, PROGRAM, TIMER
from vmgen import diff, ir
from vmgen.source import Diagnostic, Position


def program(
    *descriptions: ir.Description,
    functions: tuple[ir.Function, ...] = FUNCTIONS,
    file: str = FILE,
) -> ir.Program:
    modules = (
        ir.Module("cpu-common.c", (COMMON,)),
        ir.Module(file, descriptions, functions),
    )
    return ir.Program("10.0.2", "toy", modules)


def cpu(index: int, **changes: Any) -> ir.Program:
    """The program with one field of the CPU changed."""
    fields = list(CPU.fields)
    fields[index] = replace(fields[index], **changes)
    return program(LANE, TIMER, replace(CPU, fields=tuple(fields)))


def findings(new: ir.Program) -> list[tuple[str, str, str, str]]:
    comparison = diff.compare(PROGRAM, new)
    return [
        (item.field, item.what, item.old, item.new) for item in comparison.differences
    ]


def test_equal_to_itself() -> None:
    assert diff.compare(PROGRAM, PROGRAM) == diff.Comparison("toy", 4, ())


@pytest.mark.parametrize(
    ("index", "changes", "finding"),
    [
        (0, {"count": ir.Fixed(16)}, ("env.gpr", "count", "32", "16")),
        (0, {"element": ir.IntegerElement("int64")},
         ("env.gpr", "element", "uint64", "int64")),
        (0, {"element": ir.IntegerElement("uint64", "equal")},
         ("env.gpr", "element", "uint64", "uint64 equal")),
        (0, {"element": ir.IntegerElement("uint64", info="vmstate_info_cpudouble")},
         ("env.gpr", "element", "uint64", "uint64 vmstate_info_cpudouble")),
        (0, {"start": 2}, ("env.gpr", "start", "0", "2")),
        (0, {"pointers": "null"}, ("env.gpr", "array of pointers", "no", "NULL ones marked")),
        (2, {"version_id": 4}, ("env.mode", "version_id", "3", "4")),
        (2, {"test": "has_tlb"}, ("env.mode", "test", "",
         "env.nb_tlb > 0 && (env.features & 0x80) != 0")),
        (3, {"size": ir.Fixed(13)}, ("unused", "size", "12", "13")),
        (4, {"test": ""}, ("env.tlb", "test",
         "env.nb_tlb > 0 && (env.features & 0x80) != 0", "")),
        (4, {"count": ir.FromMember((), "int32")}, ("env.tlb", "count", "2 * env.nb_tlb", "")),
        (1, {"element": ir.StructElement("vmstate_lane", "", True), "struct_version_id": 1},
         ("env.lane", "element", "struct vmstate_lane", "struct vmstate_lane True")),
    ],
)  # fmt: skip
def test_one_changed_field(
    index: int, changes: dict[str, Any], finding: tuple[str, str, str, str]
) -> None:
    found = findings(cpu(index, **changes))
    assert found[0] == finding
    assert {field for field, *_ in found} == {finding[0]}


@pytest.mark.parametrize(
    ("index", "changes"),
    [
        (0, {"position": Position("elsewhere.c", 1, 1)}),
        (
            0,
            {"size": ir.Fixed(4)},
        ),  # of an integer the element says the size on the wire
        (
            1,
            {
                "size": ir.Fixed(800),
                "element": ir.StructElement("vmstate_lane", "Other"),
            },
        ),
        (4, {"pointer": False}),
    ],
)
def test_what_no_byte_depends_on_is_equal(index: int, changes: dict[str, Any]) -> None:
    assert findings(cpu(index, **changes)) == []


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"version_id": 5}, ("", "version_id", "4", "5")),
        ({"minimum_version_id": 3}, ("", "minimum_version_id", "2", "3")),
        ({"name": "cpu2"}, ("", "name", "cpu", "cpu2")),
        ({"subsections": ()}, ("", "subsections", "cpu/timer", "")),
        ({"needed": "timer_needed"}, ("", "needed", "", "timer_needed()")),
    ],
)
def test_the_description_itself(
    changes: dict[str, Any], finding: tuple[str, str, str, str]
) -> None:
    assert findings(program(LANE, TIMER, replace(CPU, **changes))) == [finding]


def test_of_subsections_only_the_others_are_named() -> None:
    def cpu(*names: str) -> ir.Program:
        subsections = [replace(TIMER, symbol=name, name=name) for name in names]
        return program(LANE, *subsections, replace(CPU, subsections=names))

    def found(old: ir.Program, new: ir.Program) -> list[tuple[str, str]]:
        differences = diff.compare(old, new).differences
        return [
            (item.old, item.new) for item in differences if item.what == "subsections"
        ]

    assert found(cpu("a", "b", "c"), cpu("a", "c", "d", "e")) == [("b", "d, e")]
    assert found(cpu("a", "b", "c"), cpu("b", "a", "c")) == [("a, b, c", "b, a, c")]
    assert found(cpu(), cpu("a")) == [("", "a")]


def test_order_is_format() -> None:
    first, second, *rest = CPU.fields
    new = program(LANE, TIMER, replace(CPU, fields=(second, first, *rest)))
    assert [(field, what) for field, what, *_ in findings(new)] in (
        [("env.gpr", "missing"), ("env.gpr", "added")],
        [("env.lane", "added"), ("env.lane", "missing")],
    )


def test_added_and_missing() -> None:
    new = program(
        LANE, replace(CPU, fields=CPU.fields[1:]), replace(TIMER, symbol="vmstate_new")
    )
    comparison = diff.compare(PROGRAM, new)
    assert [
        (item.description, item.field, item.what) for item in comparison.differences
    ] == [
        ("vmstate_toy_timer", "", "missing"),
        ("vmstate_toy_cpu", "", "subsections"),
        ("vmstate_toy_cpu", "env.gpr", "missing"),
        ("vmstate_new", "", "added"),
    ]
    assert comparison.same == 2


def test_another_file_of_the_same_description() -> None:
    assert findings(program(LANE, TIMER, CPU, file="other/machine.c")) == []


def test_two_of_one_symbol_are_told_apart_by_file() -> None:
    def both(first: int, second: int) -> ir.Program:
        modules = (
            ir.Module("a.c", (replace(LANE, version_id=first),)),
            ir.Module("b.c", (replace(LANE, version_id=second),)),
        )
        return ir.Program("", "toy", modules)

    assert diff.compare(both(1, 2), both(1, 2)).differences == ()
    assert len(diff.compare(both(1, 2), both(2, 1)).differences) == 2


def named(symbol: str, body: ir.Expr | None) -> ir.Program:
    fields = list(CPU.fields)
    fields[4] = replace(fields[4], test=symbol)
    functions = (ir.Function(symbol, body=body), FUNCTIONS[1])
    return program(LANE, TIMER, replace(CPU, fields=tuple(fields)), functions=functions)


def rebuilt(change: Callable[[ir.Binary], ir.Expr]) -> ir.Expr:
    body = FUNCTIONS[0].body
    assert isinstance(body, ir.Binary)
    return change(body)


def test_conditions_are_compared_by_what_they_compute() -> None:
    same = rebuilt(lambda body: body)
    assert findings(named("another_name", same)) == []
    swapped = rebuilt(lambda body: ir.Binary("&&", body.right, body.left))
    assert [what for _, what, *_ in findings(named("has_tlb", swapped))] == ["test"]
    assert findings(named("has_tlb", None))[0][3] == "has_tlb()"


def test_enumerators_count_by_value() -> None:
    def renamed(name: str, value: int) -> ir.Program:
        test = ir.Binary("==", ir.Load("m", "uint8"), ir.Const(value, name))
        return named("has_tlb", test)

    assert diff.compare(renamed("OLD", 3), renamed("NEW", 3)).differences == ()
    assert len(diff.compare(renamed("MODE", 3), renamed("MODE", 4)).differences) == 1


def test_text_names_both_places() -> None:
    text = diff.text(
        diff.compare(PROGRAM, cpu(0, count=ir.Fixed(16), position=Position("n.c", 3)))
    )
    assert text == """\
toy: 3 descriptions the same, 1 different
  vmstate_toy_cpu (cpu)
    env.gpr: count
      - 32  (target/toy/machine.c:51:9)
      + 16  (n.c:3)
"""  # fmt: skip


def test_text_of_nothing() -> None:
    text = diff.text(
        diff.compare(PROGRAM, program(LANE, TIMER, replace(CPU, subsections=())))
    )
    assert "      + (none)  (target/toy/machine.c:50:9)\n" in text


def test_json_names_both_places() -> None:
    data = diff.as_json(diff.compare(PROGRAM, cpu(0, count=ir.Fixed(16))))
    assert data == {
        "target": "toy",
        "same": 3,
        "differences": [
            {
                "description": "vmstate_toy_cpu",
                "name": "cpu",
                "field": "env.gpr",
                "what": "count",
                "old": "32",
                "new": "16",
                "old_position": "target/toy/machine.c:51:9",
                "new_position": "target/toy/machine.c:51:9",
            }
        ],
    }


def test_a_field_that_came_says_how_often_it_is_there() -> None:
    """Also where no array of C says so: ``VMSTATE_VARRAY`` of a pointer."""
    counted = replace(CPU.fields[0], array=False, count=ir.Fixed(3))
    alone = replace(CPU.fields[0], array=False, count=ir.Fixed(1))
    for field, text in ((counted, "uint64 x 3"), (alone, "uint64")):
        comparison = diff.compare(
            program(LANE, TIMER, replace(CPU, fields=())),
            program(LANE, TIMER, replace(CPU, fields=(field,))),
        )
        assert [one.new for one in comparison.differences] == [text]


def test_a_static_description_of_another_file_is_not_meant() -> None:
    def of(name: str, **more: Any) -> ir.Program:
        hidden = replace(LANE, symbol="vmstate_s", name=name, **more)
        owner = replace(TIMER, symbol="vmstate_owner", subsections=("vmstate_s",))
        modules = (ir.Module("a.c", (hidden,)), ir.Module("b.c", (owner,)))
        return ir.Program("", "toy", modules)

    def found(**more: Any) -> list[tuple[str, str, str, str]]:
        return [
            (item.description, item.what, item.old, item.new)
            for item in diff.compare(of("one", **more), of("two", **more)).differences
        ]

    own = ("vmstate_s", "name", "one", "two")
    assert found(static=True) == [own]
    assert found(static=False) == [own, ("vmstate_owner", "subsections", "one", "two")]


def test_a_description_that_moved_is_known_by_a_symbol_that_is_there_once() -> None:
    def of(*files: str) -> ir.Program:
        return ir.Program("", "toy", tuple(ir.Module(file, (LANE,)) for file in files))

    def found(old: ir.Program, new: ir.Program) -> tuple[int, list[str]]:
        comparison = diff.compare(old, new)
        return comparison.same, [item.what for item in comparison.differences]

    assert found(of("a.c"), of("b.c")) == (1, [])
    assert found(of("a.c", "b.c"), of("a.c", "c.c")) == (2, [])
    assert found(of("a.c"), of("b.c", "c.c")) == (0, ["missing", "added", "added"])
    assert found(of("a.c", "b.c"), of("c.c")) == (0, ["missing", "missing", "added"])
    assert found(of("a.c"), of()) == (0, ["missing"])
    assert found(of("a.c", "b.c"), of("b.c")) == (1, ["missing"])


def test_what_one_side_could_not_read_is_a_difference_of_its_own() -> None:
    why = Diagnostic("VG401", "odd", Position("b.c", 3))
    lost = ir.Unread("vmstate_lane", "b.c", (why,))
    whole = ir.Unread("", "a.c", (replace(why, position=Position("a.c", 1)),))
    old = ir.Program("", "toy", (ir.Module("b.c", (LANE, TIMER)),))
    new = ir.Program("", "toy", (ir.Module("b.c", (TIMER,)),), unread=(lost, whole))
    for left, right in ((old, new), (new, old)):
        comparison = diff.compare(left, right)
        assert comparison.same == 1
        assert [(item.description, item.what) for item in comparison.differences] == [
            ("a.c", "unread"), ("vmstate_lane", "unread"),
        ]  # fmt: skip
        sides = [(item.old, item.new) for item in comparison.differences]
        assert sides == [("", "odd") if left is old else ("odd", "")] * 2
        places = [
            (item.old_position.line, item.new_position.line)
            for item in comparison.differences
        ]
        assert places == ([(0, 1), (0, 3)] if left is old else [(1, 0), (3, 0)])


def test_each_description_is_a_block_of_lines() -> None:
    changed = program(
        LANE,
        replace(TIMER, version_id=9),
        replace(CPU, version_id=8, fields=CPU.fields[1:]),
    )
    lines = diff.text(diff.compare(PROGRAM, changed)).splitlines()
    assert lines[0].endswith(": 2 descriptions the same, 2 different")
    heads = [line for line in lines if line.startswith("  ") and line[2] != " "]
    assert heads == ["  vmstate_toy_timer (cpu/timer)", "  vmstate_toy_cpu (cpu)"]
    at = lines.index("    env.gpr: missing")
    assert lines[at + 1].startswith("      - uint64 x 32")
    assert not [line for line in lines[at + 1 :] if line.startswith("      + ")]
    came = diff.text(diff.compare(changed, PROGRAM)).splitlines()
    at = came.index("    env.gpr: added")
    assert came[at + 1].startswith("      + uint64 x 32")
    assert came[at + 1].endswith("  (target/toy/machine.c:51:9)")
    one = diff.text(diff.compare(program(LANE), program(LANE))).splitlines()[0]
    assert one.endswith(": 2 descriptions the same")


def test_what_differs_of_machine_types_is_said_where_each_side_has_it() -> None:
    def machines(*places: tuple[str, int], cpu: str = "") -> ir.Program:
        """Machine types by name and line, each with a table of its own a line below."""
        made = ir.Machines(
            tuple(
                ir.Machine(name, f"{name}-machine", ("box",), tables=(("box.c", name),),
                           position=Position("box.c", line), cpu=cpu)
                for name, line in places
            ),
            tuple(
                ir.CompatTable(
                    name, "box.c",
                    (ir.Setting("dev", "mode", "on", position=Position("box.c", line + 1)),),
                )
                for name, line in places
            ),
        )  # fmt: skip
        return ir.Program("", "toy", (), machines=made)

    def found(
        old: ir.Program, new: ir.Program
    ) -> list[tuple[str, str, str, str, str, int, int]]:
        comparison = diff.compare(old, new)
        return [
            (one.description, one.name, one.what, one.old, one.new,
             one.old_position.line, one.new_position.line)
            for one in comparison.differences
        ]  # fmt: skip

    old, new = machines(("a", 10), ("b", 20)), machines(("b", 30), ("c", 40))
    facets = "type {0}-machine, aliases box, compat tables {0}"
    assert found(old, new) == [
        ("a", "machine type", "missing", facets.format("a"), "", 10, 0),
        ("a", "compat properties", "missing", "value on", "", 11, 0),
        ("c", "machine type", "added", "", facets.format("c"), 0, 40),
        ("c", "compat properties", "added", "", "value on", 0, 41),
    ]
    assert found(old, old) == []
    # All that is different of one that both have, with the place of each side.
    assert found(machines(("a", 10), cpu="one"), machines(("a", 20), cpu="two")) == [
        ("a", "machine type", "CPU", "one", "two", 10, 20)
    ]
    # What only one side has read is one difference.
    without = ir.Program("", "toy", ())
    assert found(old, without) == [
        ("machine types", "not read", "unread", "read", "", 0, 0)
    ]
    assert found(without, old) == [
        ("machine types", "not read", "unread", "", "read", 0, 0)
    ]
    assert found(without, without) == []
