"""What people and programs are shown of a program."""

from __future__ import annotations

import re

import pytest

from tests.programs import CPU, FUNCTIONS, PROGRAM
from vmgen import inspect_json, ir, tree_view, wording
from vmgen.lookup import Lookup
from vmgen.paint import ansi

A, B = ir.Load("a", "uint32"), ir.Load("env.b", "uint32")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            ir.Binary("&&", ir.Binary("||", A, B), ir.Unary("!", A)),
            "(a || env.b) && !a",
        ),
        (ir.Binary("-", A, ir.Binary("-", B, A)), "a - (env.b - a)"),
        (ir.Binary("-", ir.Binary("-", A, B), A), "a - env.b - a"),
        (
            ir.Binary("!=", ir.Binary("&", A, ir.Const(0x1F0)), ir.Const(0)),
            "(a & 0x1f0) != 0",
        ),
        (ir.Binary("&", A, ir.Binary("<<", ir.Const(1), B)), "a & (1 << env.b)"),
        (ir.Binary(">=", ir.Version(), ir.Const(12)), "version_id >= 12"),
        (ir.Binary("==", A, ir.Const(3, "PRV_M")), "a == PRV_M"),
        (ir.Unary("-", ir.Const(-1)), "-(-1)"),
        (ir.Unary("!", ir.Binary("==", A, B)), "!(a == env.b)"),
        (ir.Truncate("uint8", ir.Binary("+", A, B)), "(uint8)(a + env.b)"),
        (ir.Select(A, B, ir.Const(1000)), "a ? env.b : 1000"),
        (ir.Binary("&&", A, ir.Select(A, B, A)), "a && (a ? env.b : a)"),
        (ir.Ask("kvm_enabled"), "kvm_enabled"),
        (
            ir.Exists(
                "i",
                ir.Const(0),
                ir.Const(4),
                1,
                ir.Load("r[$0].x", "bool", (ir.Var("i"),)),
            ),
            "any i in 0..4: r[i].x",
        ),
    ],
)
def test_expressions_read_as_c(value: ir.Expr, text: str) -> None:
    assert wording.expression(value) == text


EXPECTED = """\
toy, QEMU 10.0.2

cpu  version 4 (reads 2 and later)  ToyCPU  vmstate_toy_cpu  target/toy/machine.c:50
│     offset  bytes  type                     member    C type
│  post_load toy_post_load()
├────   0x00    256  uint64 x 32              env.gpr   target_ulong[32]
├────  0x100     24  struct x 4               env.lane  ToyLane[4]        vmstate_lane
│  ├─   0x00      4  uint32                   lo        uint32_t
│  └─   0x04      2  uint16                   hi        uint16_t
├────  0x118      1  uint8                    env.mode  uint8_t           since version 3
├────  0x119     12  unused_buffer(12)        (unused)
├────  0x125         uint32 x 2 * env.nb_tlb  env.tlb   uint32_t *        if env.nb_tlb > 0 && (env.features & TOY_MMU) != 0  through a pointer
└─ cpu/timer  version 1  subsection if timer_needed()  ToyCPU  vmstate_toy_timer  target/toy/machine.c:30
   └─   0x00      8  timer                    timer     QEMUTimer *       through a pointer
"""


def test_the_tree() -> None:
    lookup = Lookup(PROGRAM)
    lines = tree_view.render(lookup, lookup.named(["vmstate_toy_cpu"])).splitlines()
    assert [line.rstrip() for line in lines] == EXPECTED.splitlines()


def test_a_subsection_by_itself_says_when_it_is_there() -> None:
    lookup = Lookup(PROGRAM)
    line = tree_view.render(lookup, lookup.named(["cpu/timer"])).splitlines()[2]
    assert line.startswith("cpu/timer  version 1  if timer_needed()  ToyCPU")


def test_what_no_guest_can_be_saved_with_is_said() -> None:
    alone = ir.Description("vmstate_toy", "toy", "Toy", 0, 0, (), unmigratable=True)
    lookup = Lookup(ir.Program("1.0", "toy", (ir.Module("hw/toy.c", (alone,)),)))
    title = tree_view.render(lookup, lookup.all()).splitlines()[2]
    assert "toy  version 0  unmigratable: no guest with it can be saved" in title


def test_inner_descriptions_are_shown_once() -> None:
    lookup = Lookup(PROGRAM)
    text = tree_view.render(lookup, lookup.all())
    assert text.count("vmstate_toy_timer") == 1
    assert text.count("cpu-common.c:5") == 1
    assert [placed.description.symbol for placed in lookup.roots()] == [
        "vmstate_cpu_common",
        "vmstate_toy_cpu",
    ]


def test_descriptions_that_contain_themselves_end() -> None:
    inner = ir.Field("next", (), ir.StructElement("vmstate_a"), ir.Fixed(8))
    loop = ir.Description("vmstate_a", "a", "A", 1, 1, (inner,))
    lookup = Lookup(ir.Program("", "", (ir.Module("a.c", (loop,)),)))
    text = tree_view.render(lookup, lookup.all())
    assert text.count("(next)") <= 1


def test_colour_adds_nothing_but_colour() -> None:
    lookup = Lookup(PROGRAM)
    plain = tree_view.render(lookup, lookup.all())
    coloured = tree_view.render(lookup, lookup.all(), ansi)
    assert "\033[" in coloured
    stripped = re.sub(r"\033\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in stripped.splitlines()] == [
        line.rstrip() for line in plain.splitlines()
    ]


@pytest.mark.parametrize(
    ("names", "symbols"),
    [
        (["toy_cpu"], ["vmstate_toy_cpu"]),
        (["vmstate_toy_cpu"], ["vmstate_toy_cpu"]),
        (["cpu"], ["vmstate_toy_cpu"]),
        (["cpu/*"], ["vmstate_toy_timer"]),
        (["cpu_common", "lane"], ["vmstate_cpu_common", "vmstate_lane"]),
        (["nothing"], []),
    ],
)
def test_names(names: list[str], symbols: list[str]) -> None:
    found = Lookup(PROGRAM).named(names)
    assert [placed.description.symbol for placed in found] == symbols


def test_json() -> None:
    lookup = Lookup(PROGRAM)
    data = inspect_json.as_json(lookup, lookup.named(["toy_cpu"]))
    assert (data["release"], data["target"]) == ("10.0.2", "toy")
    (description,) = data["descriptions"]
    fields = description.pop("fields")
    assert description == {
        "symbol": "vmstate_toy_cpu",
        "name": "cpu",
        "file": "target/toy/machine.c",
        "line": 50,
        "c_type": "ToyCPU",
        "version_id": 4,
        "minimum_version_id": 2,
        "needed": None,
        "hooks": {"post_load": "toy_post_load"},
        "unmigratable": False,
        "subsections": ["cpu/timer"],
        "subsection_symbols": ["vmstate_toy_timer"],
    }
    assert [field["name"] for field in fields] == [field.name for field in CPU.fields]
    assert fields[0] == {
        "name": "env.gpr",
        "path": "env.gpr",
        "type": "uint64",
        "c_type": "target_ulong[32]",
        "size": 8,
        "count": 32,
        "version_id": 0,
        "has_test": False,
        "description": None,
        "line": 51,
    }
    assert fields[1]["type"] == "struct"
    assert fields[1]["description"] == "vmstate_lane"
    assert fields[4]["count"] is None
    assert fields[4]["count_from"] == {
        "member": "env.nb_tlb",
        "type": "int32",
        "multiply": 2,
    }
    assert fields[4]["has_test"] is True
    body = FUNCTIONS[0].body
    assert body is not None
    assert fields[4]["test"] == {
        "function": "has_tlb",
        "expression": wording.expression(body),
    }


WORDS = (ir.Word("uint32", "lo"), ir.Word("uint8"))


@pytest.mark.parametrize(
    ("element", "size", "kind", "on_wire"),
    [
        (ir.IntegerElement("int16"), 2, "int16", 2),
        (ir.IntegerElement("int32", "le"), 4, "int32 le", 4),
        (
            ir.IntegerElement("uint64", info="vmstate_info_cpudouble"),
            8,
            "CPU_Double_U",
            8,
        ),
        (ir.TimerElement(), 8, "timer", 8),
        (ir.BufferElement(), 5, "buffer", 5),
        (ir.UnusedElement(), 3, "unused_buffer", 3),
        (ir.BitmapElement(), 65, "bitmap", 16),
        (ir.StructElement("vmstate_lane"), 8, "struct", 6),
        (ir.StructElement("vmstate_lane", vstruct=True), 8, "vstruct", None),
        (ir.TmpElement("vmstate_lane"), 8, "tmp", None),
        (ir.ListElement("qlist", "vmstate_lane"), 8, "qlist", None),
        (ir.GTreeElement("", "vmstate_lane"), 8, "gtree", None),
        (ir.WordsElement("info", "fpr", WORDS), 16, "fpr", 5),
        (ir.NothingElement(), 0, "nothing", 0),
        (ir.CustomElement("info", "fifo"), 8, "fifo", None),
    ],
)
def test_every_element(
    element: ir.Element, size: int, kind: str, on_wire: int | None
) -> None:
    field = ir.Field("f", (), element, ir.Fixed(size))
    after = ir.Field("after", (), ir.IntegerElement("bool"), ir.Fixed(1))
    outer = ir.Description("vmstate_outer", "outer", "Outer", 1, 1, (field, after))
    inner = PROGRAM.modules[1].descriptions[0]
    lookup = Lookup(ir.Program("", "", (ir.Module("outer.c", (inner, outer)),)))
    assert wording.wire_type(field) == kind
    data = inspect_json.as_json(lookup, lookup.named(["outer"]))
    shown = data["descriptions"][0]["fields"][0]
    assert (shown["type"], shown["size"]) == (kind, size)
    nested = element.value if isinstance(element, ir.GTreeElement) else None
    assert shown["description"] == getattr(element, "description", nested)
    text = tree_view.render(lookup, lookup.named(["outer"]))
    assert text.startswith("outer.c\n")
    (last,) = [line for line in text.splitlines() if "(after)" in line]
    assert ("0x" in last) is (on_wire is not None)
    if on_wire is not None:
        assert f"0x{on_wire:02x}" in last


def test_json_of_fields_that_say_more() -> None:
    some = (ir.Step("some", "int"),)
    words = ir.WordsElement("info", "pair", WORDS)
    step = (ir.Step("f", "int", (9,)),)
    fields = (
        ir.Field("keyed", (), ir.GTreeElement("vmstate_key", "vmstate_lane"), ir.Fixed(8)),
        ir.Field("plain", (), ir.GTreeElement("", "vmstate_lane"), ir.Fixed(8)),
        ir.Field("old", (), ir.StructElement("vmstate_lane", vstruct=True), ir.Fixed(8),
                 struct_version_id=3),
        ir.Field("part", step, ir.IntegerElement("uint8"), ir.Fixed(1), start=2, array=True,
                 count=ir.Fixed(7)),
        ir.Field("sized", (), ir.BufferElement(), ir.FromMember(some, "uint8", 4)),
        ir.Field("made", (), ir.BufferElement(), ir.Computed(ir.Load("some", "uint8"))),
        ir.Field("pair", (), words, ir.Fixed(8)),
        ir.Field("asked", (), ir.IntegerElement("uint8"), ir.Fixed(1), test="unknown"),
    )  # fmt: skip
    outer = ir.Description("vmstate_outer", "outer", "Outer", 1, 1, fields, needed="unknown",
                           subsections=("vmstate_lane", "vmstate_gone"))  # fmt: skip
    lookup = Lookup(
        ir.Program(
            "", "", (ir.Module("outer.c", (PROGRAM.modules[1].descriptions[0], outer)),)
        )
    )
    (shown,) = inspect_json.as_json(lookup, lookup.named(["outer"]))["descriptions"]
    assert (shown["file"], shown["line"]) == ("outer.c", 0)
    assert shown["needed"] == {"function": "unknown"}
    assert shown["subsections"] == ["lane", "vmstate_gone"]
    usual = {"name", "path", "type", "c_type", "size", "count", "version_id", "has_test",
             "description", "line"}  # fmt: skip
    more = {
        one["name"]: {name: value for name, value in one.items() if name not in usual}
        for one in shown["fields"]
    }
    assert more == {
        "keyed": {"key_description": "vmstate_key"},
        "plain": {},
        "old": {"struct_version_id": 3},
        "part": {"start": 2},
        "sized": {"size_from": {"member": "some", "type": "uint8", "multiply": 4}},
        "made": {"size_from": {"expression": "some"}},
        "pair": {
            "words": [
                {"type": "uint32", "member": "lo"},
                {"type": "uint8", "member": ""},
            ]
        },
        "asked": {"test": {"function": "unknown"}},
    }
    assert [one["description"] for one in shown["fields"]] == [
        "vmstate_lane", "vmstate_lane", "vmstate_lane", *[None] * 5,
    ]  # fmt: skip
    assert [one["has_test"] for one in shown["fields"]] == [*[False] * 7, True]
