"""What state classes and codecs look like for the shapes a table can have."""

from __future__ import annotations

import copy
import math
import pickle
import struct
from array import array
from dataclasses import replace
from typing import Any

import pytest

from tests.generated_code import imported
from tests.ir_programs import U8, U16, U32, U64, compiled, description, field, program
from vmgen import ir
from vmgen.ir.types import WIDTHS, signed
from vmgen.lower import lower
from vmgen.lower.names import attribute, identifier, module_path, record_name
from vmgen.render import render
from vmgen.source import Position, VmgenError
from vmgen.stream.answers import Answers

VERSION = ir.Version()


def test_names() -> None:
    assert attribute("class") == "class_"
    assert attribute("__x") == "_x"
    assert attribute("_q_ZMMReg") == "_q_ZMMReg"
    assert identifier("irq-line-state") == "irq_line_state"
    assert identifier("2nd") == "_2nd"
    assert module_path("hw/core/cpu-system.c") == "hw/core/cpu_system"
    assert module_path("../x/class.c") == "x/class_"
    assert record_name("struct kvm_nested_state") == "kvm_nested_state"


def test_a_member_says_in_which_file_its_subsection_is() -> None:
    near = description("dev/near", field("a", U8), needed="near")
    far = replace(
        description("dev/far", field("b", U8), needed="far"),
        position=Position("hw/far.c", 9), static=False,
    )  # fmt: skip
    dev = description("dev", field("c", U8), subsections=(near.symbol, far.symbol))
    whole = ir.Program(
        "1", "box",
        (ir.Module("hw/dev.c", (near, dev)), ir.Module("hw/far.c", (far,))),
    )  # fmt: skip
    with imported(render(lower(whole))) as modules:
        members = modules["box.hw.dev"].DevState.fields()
    assert {one.name: (one.file, one.line) for one in members if one.test} == {
        "near": ("hw/dev.c", 5), "far": ("hw/far.c", 9),
    }  # fmt: skip


def test_a_plan_is_pure() -> None:
    one = program(description("dev", field("env.a"), field("b", U8, (4,))))
    assert lower(one) == lower(one)
    assert lower(one).folder == "box"
    assert [root.wire for root in lower(one).roots] == ["dev"]


def test_bare_code_has_the_same_codecs() -> None:
    inner = description("inner", field("a", U16))
    outer = description(
        "dev", field("s", ir.StructElement("vmstate_inner", "Inner"), (2,))
    )
    one = program(inner, outer)
    whole, bare = lower(one), lower(one, bare=True)
    assert (bare.ir, bare.digest, bare.exports, bare.several) == ("", "", (), ())
    assert bare.modules == tuple(replace(each, digest="") for each in whole.modules)
    said = replace(
        bare, ir=whole.ir, digest=whole.digest, exports=whole.exports, modules=whole.modules,
    )  # fmt: skip
    assert said == whole
    files = {file.path for file in render(whole)} - {file.path for file in render(bare)}
    assert files == {"box/ir.json"}
    with imported(render(bare)) as modules:
        state, end = modules["box"].CODECS["dev"].load(b"\0\1\0\2")
    assert (end, [each.a for each in state.s]) == (4, [1, 2])


def test_a_member_of_a_subsection_is_found_by_its_path() -> None:
    """Predicates read what any subsection has, and not what has but the first name."""
    read = ir.Binary("!=", ir.Load("env.far.b", "uint8"), ir.Const(0))
    paths = (("env", "near"), ("env", "far", "a"), ("env", "far", "b"))
    subs = [
        description(f"dev/{path[-1]}{at}", field(".".join(path), U8), needed=f"wants{at}")
        for at, path in enumerate(paths)
    ]  # fmt: skip
    dev = description(
        "dev", field("c", U8), subsections=tuple(one.symbol for one in subs)
    )
    functions = tuple(
        ir.Function(f"wants{at}", type="DevState", body=read) for at in range(3)
    )
    with compiled(*subs, dev, functions=functions) as (module, _):
        for value in (0, 1):
            wire = b"\1\5\6dev/b2" + bytes([0, 0, 0, 1, value])
            state, end = module.CODECS["dev"].load(wire)
            assert end == len(wire)
            assert [getattr(module, f"wants{at}")(state) for at in range(3)] == [
                bool(value)
            ] * 3


def test_fixed_fields_are_one_run() -> None:
    sub = description("seg", field("base"), field("limit", U32), type="Segment")
    made = lower(
        program(
            sub,
            description(
                "dev",
                field("env.pc"),
                field("env.gpr", U64, (32,)),
                field("", ir.UnusedElement(), size=ir.Fixed(4)),
                field("env.ldt", ir.StructElement("vmstate_seg", "Segment")),
                field("env.flags", U16),
            ),
        )
    )
    (module,) = made.modules
    (run,) = module.descriptions[1].runs
    assert run.format == ">Q256s4xQIH"
    assert "".join(run.fields) == (
        "Q: env.pc env.gpr[0:32] 4x env.ldt.base I: env.ldt.limit H: env.flags"
    )


def test_the_state_mirrors_the_c() -> None:
    with compiled(
        description(
            "dev",
            field("env.xregs[0]", U32, (), count=ir.Fixed(1)),
            field("env.xregs", U32, (16,), start=2),
            field("env.mask[1]", U32),
            field("env.parts[1].a", U16),
            field("env.map", U8, (2, 3)),
            field("env.on", ir.IntegerElement("bool"), (2,)),
        )
    ) as (module, _):
        wire = (
            bytes(range(1, 5)) + bytes(56) + b"\0\0\0\7" + b"\1\2" + b"abcdef" + b"\2\0"
        )
        state, end = module.load_dev(wire)
        assert end == len(wire)
        assert state.env.xregs == array("I", [0x01020304] + [0] * 15)
        assert state.env.mask == [0, 7]
        assert [part.a for part in state.env.parts] == [0, 0x0102]
        assert state.env.map == [bytearray(b"abc"), bytearray(b"def")]
        assert state.env.on == [True, False]
        assert module.save_dev(state) == wire[:-2] + b"\1\0"
        assert (
            "Not all elements of ``xregs``, ``mask``, ``parts``"
            in module.EnvState.__doc__
        )


def test_elements_that_are_not_on_the_wire_are_ignored() -> None:
    with compiled(description("dev", field("d", U64, (4,), start=2))) as (module, _):
        state, _ = module.load_dev(bytes(15) + b"\1")
        assert state.d == array("Q", [0, 0, 0, 1])
        state.d[0] = 99
        assert module.save_dev(state) == bytes(15) + b"\1"


def test_parts_of_one_array_are_one_list() -> None:
    low = description("low", field("q[0]"), field("q[1]"), field("r", U8), type="Reg")
    high = description("high", field("q[2]"), type="Reg")
    with compiled(
        low,
        high,
        description(
            "dev",
            field("n", U8),
            field("env.regs", ir.StructElement("vmstate_low", "Reg"), (2,)),
            field("m", U8),
            field(
                "env.regs",
                ir.StructElement("vmstate_high", "Reg"),
                (2,),
                version_id=3,
            ),
            version_id=3,
            minimum_version_id=1,
        ),
    ) as (module, runtime):
        old = b"\7" + bytes(range(34)) + b"\x08"
        new = old + bytes(range(16))
        state, _ = module.load_dev(new)
        second = bytes(range(17, 33))
        assert list(state.env.regs[1].q) == [
            int.from_bytes(second[:8], "big"),
            int.from_bytes(second[8:], "big"),
            0x08090A0B0C0D0E0F,
        ]
        assert (state.n, state.env.regs[1].r, state.m) == (7, 33, 8)
        assert not hasattr(state.env, "regs_2")
        assert module.save_dev(state) == new
        # An older version has shorter lists, and only these can be saved as it.
        before, _ = module.load_dev(old, version_id=2)
        assert [len(one.q) for one in before.env.regs] == [2, 2]
        assert module.save_dev(before, version_id=2) == old
        with pytest.raises(runtime.VMStateError, match=r"env\.regs"):
            module.save_dev(state, version_id=2)
        with pytest.raises(runtime.VMStateError, match=r"env\.regs"):
            module.save_dev(before)
        state.env.regs.pop()
        with pytest.raises(runtime.VMStateError, match="1 elements, not 2"):
            module.save_dev(state)


def test_an_element_of_an_absent_alternative_is_asked_for() -> None:
    first = ir.Function("is_first", body=ir.Binary("==", VERSION, ir.Const(1)))
    third = ir.Function("is_third", body=ir.Binary("==", VERSION, ir.Const(3)))
    seven = ir.Function(
        "is_seven",
        body=ir.Binary("==", ir.Load("d[1]", "uint8"), ir.Const(7)),
        type="DevState",
    )
    made = description(
        "dev",
        field("d", U8, (2,), test="is_first"),
        field("d", U8, (2,), test="is_third"),
        field("y", U8, test="is_seven"),
        version_id=3,
        minimum_version_id=1,
    )
    with compiled(made, functions=(first, third, seven)) as (module, runtime):
        assert module.load_dev(b"\1\7\5", version_id=1)[0].y == 5
        assert module.load_dev(b"\1\6", version_id=3)[0].y is None
        with pytest.raises(runtime.MissingContext, match=r"d\[1\]"):
            module.load_dev(b"\5", version_id=2)
        context = runtime.Context(members={"DevState.d[1]": 7})
        assert module.load_dev(b"\5", version_id=2, context=context)[0].y == 5


def test_the_same_path_twice_gets_two_attributes() -> None:
    low = description("low", field("q", U8), type="Reg")
    high = description("high", field("r", U8), type="Reg")
    with compiled(
        low,
        high,
        description(
            "dev",
            field("regs", ir.StructElement("vmstate_low", "Reg"), (2,)),
            field("regs", ir.StructElement("vmstate_high", "Reg"), (3,)),
        ),
    ) as (module, _):
        state, _ = module.load_dev(b"\1\2\3\4\5")
        assert [one.q for one in state.regs] == [1, 2]
        assert [one.r for one in state.regs_2] == [3, 4, 5]
        assert module.Reg is type(state.regs[0])
        assert module.Reg_high is type(state.regs_2[0])


def test_alternatives_share_an_attribute() -> None:
    old = ir.Function("is_old", body=ir.Binary("<", VERSION, ir.Const(2)))
    new = ir.Function("is_new", body=ir.Binary(">=", VERSION, ir.Const(2)))
    with compiled(
        description(
            "dev",
            field("x", U16, test="is_old"),
            field("x", U16, test="is_new", version_id=2),
            field("y", U8, version_id=2),
            version_id=2,
            minimum_version_id=1,
        ),
        functions=(old, new),
    ) as (module, runtime):
        state, end = module.load_dev(b"\0\5", version_id=1)
        assert (state.x, state.y, end) == (5, None, 2)
        assert module.save_dev(state, 1) == b"\0\5"
        with pytest.raises(runtime.BadValue, match=r"^dev y: "):
            module.save_dev(state)
        assert module.save_dev(module.DevState(x=7)) == b"\0\7\0"
        assert not hasattr(state, "x_2")


def test_an_absent_bool_is_not_false() -> None:
    on = ir.IntegerElement("bool")
    made = description(
        "dev", field("x", on, version_id=2), version_id=2, minimum_version_id=1
    )
    with compiled(made) as (module, runtime):
        state, _ = module.load_dev(b"", version_id=1)
        with pytest.raises(runtime.BadValue, match="dev x: must be present"):
            module.save_dev(state)
        assert module.load_dev(b"\2")[0].x is True
        assert module.save_dev(module.load_dev(b"\2")[0]) == b"\1"


@pytest.mark.parametrize("version", [0, 3])
def test_the_version_window(version: int) -> None:
    made = description("dev", field("x", U8), version_id=2, minimum_version_id=1)
    with compiled(made) as (module, runtime):
        kind = runtime.TooOld if version == 0 else runtime.TooNew
        with pytest.raises(kind) as error:
            module.load_dev(b"\1", version_id=version)
        assert error.value.path == "dev"
        with pytest.raises(kind):
            module.save_dev(module.DevState(), version)


def test_a_test_replaces_the_version_check() -> None:
    always = ir.Function("always", body=ir.Const(1))
    made = description("dev", field("x", U8, test="always", version_id=9))
    with compiled(made, functions=(always,)) as (module, _):
        assert module.load_dev(b"\7")[0].x == 7


def test_tests_over_members() -> None:
    fast = ir.Function(
        "is_fast",
        body=ir.Binary("==", ir.Load("kind", "uint8"), ir.Const(7)),
        type="DevState",
    )
    made = description("dev", field("kind", U8), field("speed", U16, test="is_fast"))
    with compiled(made, functions=(fast,)) as (module, runtime):
        assert module.load_dev(b"\7\0\1")[0].speed == 1
        slow, end = module.load_dev(b"\1\0\1")
        assert (slow.speed, end) == (None, 1)
        slow.speed = 3
        with pytest.raises(runtime.BadValue, match="must be absent"):
            module.save_dev(slow)
        slow.kind, slow.speed = 7, None
        with pytest.raises(runtime.BadValue, match="must be present"):
            module.save_dev(slow)


@pytest.mark.parametrize("since", [0, 1])
def test_an_object_inside_of_another_has_the_members_that_the_outer_one_sent(
    since: int,
) -> None:
    """``esp.mig_version_id`` of ``PCIESPState`` is ``mig_version_id`` of its ``esp``."""
    newer = ir.Function(
        "newer", body=ir.Binary(">", ir.Load("version", "uint8"), ir.Const(4)),
        type="Core",
    )  # fmt: skip
    count = ir.FromMember((ir.Step("num", "uint8_t"),), "uint8")
    core = description(
        "core",
        field("x", U8, test="newer"),
        field("list", U8, (4,), count=count, array=True),
        type="Core",
    )
    deep = description(
        "deep", field("core", ir.StructElement("vmstate_core", "Core")), type="Deep"
    )
    outer = description(
        "dev",
        field("deep.core.version", U8, version_id=since),
        field("deep.core.num", U8),
        field("deep", ir.StructElement("vmstate_deep", "Deep")),
        minimum_version_id=0,
    )
    with compiled(core, deep, outer, functions=(newer,)) as (module, runtime):
        state, end = module.load_dev(b"\5\2\7\1\2")
        assert (state.deep_2.core.x, bytes(state.deep_2.core.list[:2])) == (7, b"\1\2")
        assert end == 5
        assert module.save_dev(state) == b"\5\2\7\1\2"
        state, end = module.load_dev(b"\4\1\1")
        assert (state.deep_2.core.x, end) == (None, 3)
        with pytest.raises(runtime.MissingContext, match=r"Core\.version"):
            module.load_core(b"\7\1")
        if since:  # an older stream does not say it
            with pytest.raises(runtime.MissingContext, match=r"Core\.version"):
                module.load_dev(b"\1\7\1", version_id=0)


def test_what_the_outer_object_did_not_send_is_still_asked_of_whoever_answers() -> None:
    """And whoever notes what had no answer notes that."""

    def tested(name: str) -> ir.Function:
        return ir.Function(f"has_{name}", body=ir.Load(name, "uint8"), type="Core")

    core = description(
        "core", field("x", U8, test="has_x"), field("y", U8, test="has_y"), type="Core"
    )
    tests = (
        replace(tested("known"), symbol="has_x"),
        replace(tested("other"), symbol="has_y"),
    )
    outer = description(
        "dev",
        field("core.known", U8),
        field("core", ir.StructElement("vmstate_core", "Core")),
    )
    with compiled(core, outer, functions=tests) as (module, runtime):
        answers = Answers({}, {})
        context = runtime.Context(answers.members, answers.functions)
        with pytest.raises(runtime.MissingContext, match=r"Core\.other"):
            module.load_dev(b"\1\7\3", context=context)
        assert answers.missing == ("Core.other",)
        answers = Answers({"Core.other": 1}, {})
        context = runtime.Context(answers.members, answers.functions)
        state, end = module.load_dev(b"\1\7\3", context=context)
        assert (state.core_2.x, state.core_2.y, end) == (7, 3, 3)
        assert answers.missing == ()


def test_what_the_wire_does_not_say_is_asked() -> None:
    hook = ir.Function("has_it", untranslated="calls the host")
    made = description(
        "dev",
        field("x", U8, test="has_it"),
        field("list", U16, pointer=True, array=True,
              count=ir.FromMember((ir.Step("num", "int"),), "int32")),
    )  # fmt: skip
    with compiled(made, functions=(hook,)) as (module, runtime):
        with pytest.raises(runtime.MissingContext, match="has_it") as error:
            module.load_dev(b"\1\0\2")
        assert error.value.path == "dev x"
        assert error.value.offset == 0
        context = runtime.Context(members={"DevState.num": 1}, functions={"has_it": 1})
        state, end = module.load_dev(b"\1\0\2", context=context)
        assert (state.x, list(state.list), end) == (1, [2], 3)
        described = runtime.Context(
            description={"fields": [{"name": "list", "array_len": 2, "size": 2}]}
        )
        state, end = module.load_dev(b"\0\1\0\2", context=described)
        assert (state.x, list(state.list), end) == (None, [1, 2], 4)
        answer = runtime.Context(
            members={"num": 0},
            functions={"has_it": lambda state, version_id: version_id},
        )
        assert module.load_dev(b"\7", context=answer)[0].x == 7


def counted(type_: ir.IntegerElement, *, at: str = "num") -> ir.Description:
    count = ir.FromMember((ir.Step(at, "int32_t"),), "int32", 2)
    return description(
        "dev",
        field("num", ir.IntegerElement("int32")),
        field("list", type_, array=True, pointer=True, count=count),
    )


def test_counts_are_checked_before_anything_is_made() -> None:
    with compiled(counted(U32)) as (module, runtime):
        state, end = module.load_dev(b"\0\0\0\1" + bytes(8))
        assert (len(state.list), end) == (2, 12)
        with pytest.raises(runtime.BadValue) as error:
            module.load_dev(b"\xff\xff\xff\xff" + bytes(8))
        assert error.value.path == "dev list"
        with pytest.raises(runtime.Truncated):
            module.load_dev(b"\x7f\xff\xff\xff" + bytes(8))
        state.list.append(1)
        with pytest.raises(runtime.BadValue, match="count says 2"):
            module.save_dev(state)


def test_a_count_beyond_the_c_array_is_refused() -> None:
    count = ir.FromMember((ir.Step("num", "uint8_t"),), "uint8")
    made = description(
        "dev", field("num", U8), field("a", U8, (3,), count=count, array=True)
    )
    with compiled(made) as (module, runtime):
        assert module.load_dev(b"\3abc")[0].a == b"abc"
        with pytest.raises(runtime.BadValue, match="array of 3"):
            module.load_dev(b"\4abcd")


def test_pointers_and_their_markers() -> None:
    inner = description("item", field("a", U8), type="Item")
    element = ir.StructElement("vmstate_item", "Item")
    plain = field("items", element, (3,), pointers="null")
    with compiled(inner, description("dev", plain)) as (module, runtime):
        assert [one.a for one in module.load_dev(b"\1\2\3")[0].items] == [1, 2, 3]
        with pytest.raises(runtime.MissingContext, match="0x30") as error:
            module.load_dev(b"\x010\2")
        assert error.value.path == "dev items[1]"
        context = runtime.Context(members={"items[1]": 0})
        state, _ = module.load_dev(b"\x010\2", context=context)
        assert state.items[1] is None
        assert module.save_dev(state) == b"\x010\2"
        there = runtime.Context(members={"DevState.items": [1, 1, 1]})
        assert module.load_dev(b"\x010\2", context=there)[0].items[1].a == 0x30
    marked = field("items", element, (2,), pointers="every")
    with compiled(inner, description("dev", marked)) as (module, runtime):
        state, _ = module.load_dev(b"01\7")
        assert (state.items[0], state.items[1].a) == (None, 7)
        assert module.save_dev(state) == b"01\7"
        with pytest.raises(runtime.BadValue, match="marker"):
            module.load_dev(b"02\7")


def test_lists_and_trees() -> None:
    inner = description("item", field("a", U8), type="Item")
    with compiled(
        inner,
        description(
            "dev",
            field(
                "head", ir.ListElement("qtailq", "vmstate_item", "Item"), version_id=1
            ),
            field("tree", ir.GTreeElement("", "vmstate_item"), version_id=1),
        ),
    ) as (module, runtime):
        wire = b"\1\5\1\6\0" + b"\0\0\0\1\1" + bytes(7) + b"\x09\7\0"
        state, end = module.load_dev(wire)
        assert end == len(wire)
        assert [one.a for one in state.head] == [5, 6]
        assert [(key, one.a) for key, one in state.tree] == [(9, 7)]
        assert module.save_dev(state) == wire
        with pytest.raises(runtime.BadValue, match="announced"):
            module.load_dev(b"\0\0\0\0\2\1" + bytes(8) + b"\7\0")
        with pytest.raises(runtime.Truncated) as error:
            module.load_dev(b"\1\5\1")
        assert error.value.path == "dev head[1].a"


def test_a_temporary_is_loaded_with_the_field_version() -> None:
    tmp = description(
        "tmp", field("a", U8), field("b", U8, version_id=2), type="Tmp",
        version_id=2, minimum_version_id=1,
    )  # fmt: skip
    made = field("", ir.TmpElement("vmstate_tmp", "Tmp"), version_id=1, name="tmp")
    with compiled(tmp, description("dev", made)) as (module, runtime):
        state, end = module.load_dev(b"\1\2")
        assert (state.tmp.a, state.tmp.b, end) == (1, None, 1)
        with pytest.raises(runtime.BadValue, match="must be present"):
            module.save_dev(state)
        state.tmp.b = 2
        assert module.save_dev(state) == b"\1\2"


def test_words_of_an_info() -> None:
    two = ir.WordsElement("vmstate_info_avr", "avr", (
        ir.Word("uint64", "u64[0]"), ir.Word("uint64", "u64[1]")))  # fmt: skip
    slb = ir.WordsElement("vmstate_info_slbe", "slbe", (
        ir.Word("uint64", "esid"), ir.Word("uint64", "vsid")))  # fmt: skip
    one = ir.WordsElement("vmstate_info_cpsr", "cpsr", (ir.Word("uint32"),))
    with compiled(
        description(
            "dev",
            field("vsr", two, (2,)),
            field("slb", slb, (2,)),
            field("", one, name="cpsr"),
        )
    ) as (module, _):
        wire = (
            b"".join(number.to_bytes(8, "big") for number in range(1, 9)) + b"\0\0\0\7"
        )
        state, _ = module.load_dev(wire)
        assert [list(one.u64) for one in state.vsr] == [[1, 2], [3, 4]]
        assert (state.slb[1].esid, state.slb[1].vsid, state.cpsr) == (7, 8, 7)
        assert module.save_dev(state) == wire


def test_an_unknown_info_is_opaque() -> None:
    made = description("dev", field("x", ir.CustomElement("vmstate_info_odd", "odd")))
    with compiled(made) as (module, runtime):
        with pytest.raises(runtime.MissingContext, match="vmstate_info_odd"):
            module.load_dev(b"abc")
        context = runtime.Context(description={"fields": [{"name": "x", "size": 3}]})
        state, end = module.load_dev(b"abcd", context=context)
        assert (state.x, end) == (b"abc", 3)
        assert module.save_dev(state) == b"abc"


def test_subsections() -> None:
    deep = description("dev/a/deep", field("z", U8))
    sub = description("dev/a", field("env.y", U8), subsections=("vmstate_dev_a_deep",))
    root = description("dev", field("env.x", U8), subsections=("vmstate_dev_a",))
    with compiled(deep, sub, root) as (module, runtime):
        inner = b"\5\x0adev/a/deep\0\0\0\1\3"
        wire = b"\1\5\5dev/a\0\0\0\1\2" + inner
        state, end = module.load_dev(wire)
        assert end == len(wire)
        assert (state.env.x, state.a.env.y, state.a.deep.z) == (1, 2, 3)
        assert module.save_dev(state) == wire
        assert module.load_dev(b"\1")[0].a is None
        # Not ours: another byte, a shorter name, another prefix, a cut name.
        for other in (b"\4", b"\5\3dev", b"\5\5vde/a\0\0\0\1", b"\5\5dev/"):
            assert module.load_dev(b"\1" + other)[1] == 1
        with pytest.raises(runtime.UnknownSubsection, match="dev/b"):
            module.load_dev(b"\1\5\5dev/b\0\0\0\1")
        with pytest.raises(runtime.TooNew) as error:
            module.load_dev(b"\1\5\5dev/a\0\0\0\2\2")
        assert error.value.path == "dev/dev/a"
        with pytest.raises(runtime.Truncated) as error:
            module.load_dev(wire[:-1])
        assert error.value.path == "dev/dev/a/dev/a/deep z"
        assert error.value.offset == len(wire) - 1
        twice = module.load_dev(b"\1" + 2 * b"\5\5dev/a\0\0\0\1\2")[0]
        assert module.save_dev(twice) == b"\1\5\5dev/a\0\0\0\1\2"


def test_of_subsections_of_one_name_the_first_is_loaded() -> None:
    """As ``vmstate_get_subsection`` looks them up; all that are there are saved."""
    first = description("dev/a", field("y", U8))
    second = description("dev/a", field("z", U16), symbol="vmstate_second")
    root = description("dev", field("x", U8), subsections=(first.symbol, second.symbol))
    with compiled(root, first, second) as (module, _):
        wire = b"\1\5\5dev/a\0\0\0\1\7"
        state, end = module.load_dev(wire)
        assert end == len(wire)
        absent = [name for name in state.__match_args__ if getattr(state, name) is None]
        assert state.a.y == 7
        assert len(absent) == 1
        assert module.save_dev(state) == wire
        (other,) = absent
        (second_class,) = (
            one for one in vars(module).values() if "z" in getattr(one, "__slots__", ())
        )
        setattr(state, other, second_class())
        assert module.save_dev(state) == wire + wire[1:-1] + b"\0\0"


def test_an_older_subsection_is_saved_as_it_came() -> None:
    sub = description("dev/a", field("y", U8), field("z", U8, version_id=2),
                      version_id=2, minimum_version_id=1)  # fmt: skip
    root = description("dev", field("x", U8), subsections=("vmstate_dev_a",))
    with compiled(sub, root) as (module, _):
        wire = b"\1\5\5dev/a\0\0\0\1\2"
        state, _ = module.load_dev(wire)
        assert (state.a.version_id, state.a.z) == (1, None)
        assert module.save_dev(state) == wire


def test_classes_are_plain_values() -> None:
    with compiled(description("dev", field("env.a", U64, (2,)), field("b", U8))) as (
        module,
        _,
    ):
        state = module.DevState()
        assert module.save_dev(state) == bytes(17)
        assert state == module.DevState(env=module.EnvState(a=array("Q", [0, 0])))
        assert state != module.DevState(b=1)
        assert copy.deepcopy(state) == state
        assert copy.deepcopy(state).env is not state.env
        assert repr(module.EnvState()) == "EnvState(a=array('Q', [0, 0]))"
        with pytest.raises(AttributeError):
            state.c = 1
        with pytest.raises(TypeError, match="no member 'c'"):
            module.DevState(c=1)
        assert tuple(module.DevState.__slots__) == ("env", "b")
        assert pickle.loads(pickle.dumps(module.EnvState)) is module.EnvState


def test_needed_predicates_are_typed_functions() -> None:
    body = ir.Binary("&&", ir.Load("env.x", "uint8"), ir.Load("cfg.pmp", "bool"))
    sub = description("dev/a", field("y", U8), needed="a_needed")
    root = description("dev", field("env.x", U8), subsections=("vmstate_dev_a",))
    with compiled(sub, root, functions=(ir.Function("a_needed", body=body),)) as (
        module,
        runtime,
    ):
        state = module.DevState()
        assert module.a_needed(state) is False
        state.env.x = 1
        with pytest.raises(runtime.MissingContext, match=r"DevState\.cfg\.pmp"):
            module.a_needed(state)
        assert module.a_needed(state, runtime.Context(members={"cfg.pmp": 1})) is True


def test_a_member_called_version_is_not_the_version() -> None:
    newer = ir.Binary(">", ir.Load("version", "uint32"), ir.Version())
    asked = ir.Binary("==", ir.Load("far.version", "uint32"), ir.Version())
    first = description("dev/a", field("y", U8), needed="newer", version_id=7)
    second = description("dev/b", field("z", U8), needed="asked", version_id=7)
    root = description(
        "dev", field("version", U32), subsections=("vmstate_dev_a", "vmstate_dev_b")
    )
    functions = (ir.Function("newer", body=newer), ir.Function("asked", body=asked))
    with compiled(first, second, root, functions=functions) as (module, runtime):
        assert module.newer(module.DevState(version=8)) is True
        assert module.newer(module.DevState(version=7)) is False
        known = runtime.Context(members={"DevState.far.version": 7})
        assert module.asked(module.DevState(), known) is True
        with pytest.raises(runtime.MissingContext, match=r"DevState\.far\.version,"):
            module.asked(module.DevState())


def test_a_predicate_is_translated_for_each_owner() -> None:
    body = ir.Binary(">", ir.Load("a", "uint8"), ir.Const(1))
    low = description("dev/x/y", field("c", U8), needed="a_needed")
    mid = description(
        "dev/x", field("b", U8), needed="a_needed", subsections=("vmstate_dev_x_y",)
    )
    root = description("dev", field("a", U8), subsections=("vmstate_dev_x",))
    unused = description("plain", field("a", U8), needed="a_needed", type="Plain")
    outer = description(
        "outer", field("p", ir.StructElement("vmstate_plain", "Plain")), type="Outer"
    )
    functions = (ir.Function("a_needed", body=body),)
    with compiled(low, mid, root, unused, outer, functions=functions) as (
        module,
        runtime,
    ):
        names = [name for name in vars(module) if name.startswith("a_needed")]
        owners = {
            getattr(module, name).__annotations__["state"]: name for name in names
        }
        assert owners.keys() == {"DevState", "DevState_dev_x"}
        over_root = getattr(module, owners["DevState"])
        assert over_root(module.DevState(a=2)) is True
        with pytest.raises(runtime.MissingContext):
            getattr(module, owners["DevState_dev_x"])(module.DevState_dev_x())


def test_per_cent_signs_and_braces_in_names_mean_nothing() -> None:
    name = "load %s {0} %"
    with compiled(
        description("dev", field("a", U8, name=name, test="untranslated")),
        functions=(ir.Function("untranslated", untranslated="calls the host"),),
    ) as (module, runtime):
        there = runtime.Context(functions={"untranslated": 1})
        assert module.load_dev(b"\5", context=there)[0].a == 5
        with pytest.raises(runtime.MissingContext):
            module.load_dev(b"\5")


def test_hostile_names_do_not_leave_their_strings() -> None:
    name = 'a"); import os; ("\\\n{x}'
    made = description('"""\n', field("", U8, name=name), symbol="vmstate_odd")
    with compiled(made) as (module, runtime):
        state, _ = module.load_odd(b"\7")
        with pytest.raises(runtime.Truncated):
            module.load_odd(b"")
        assert module.save_odd(state) == b"\7"


def test_what_has_no_wire_format_is_an_error() -> None:
    inner = description("item", field("a", U8))
    made = field("heads", ir.ListElement("qlist", "vmstate_item"), (2,))
    with pytest.raises(VmgenError, match="VG510") as error:
        lower(program(inner, description("dev", made)))
    assert error.value.diagnostics[0].position.file == "hw/dev.c"


@pytest.mark.parametrize("kind", sorted(set(WIDTHS) - {"bool"}))
@pytest.mark.parametrize("dims", [(), (2,), (3, 2)])
def test_every_integer_has_its_width_its_sign_and_the_order_of_the_wire(
    kind: ir.IntType, dims: tuple[int, ...]
) -> None:
    """Alone, in an array and in rows, behind a byte so that nothing is aligned."""
    width = WIDTHS[kind]
    element = ir.IntegerElement(kind)
    table = description(
        "dev", field("before", U8), field("x", element, dims, size=ir.Fixed(width))
    )
    one = bytes([0x81, *range(1, width)])
    data = b"\1" + one * math.prod(dims)
    with compiled(table) as (module, _):
        state, end = module.load_dev(data)
        assert end == len(data)
        found = state.x
        for length in dims:
            assert len(found) == length
            found = found[-1]
        assert found == int.from_bytes(one, "big", signed=signed(kind))
        assert module.save_dev(state) == data


def test_what_is_cut_off_is_named_in_every_version_and_under_a_condition() -> None:
    has = ir.Function("has", body=ir.Load("a", "uint16"), type="DevState")
    made = description(
        "dev",
        field("a", U16),
        field("new", U32, version_id=2),
        field("extra", U32, test="has"),
        version_id=2,
        minimum_version_id=1,
    )
    cuts = {
        (2, b"\0"): ("dev a", 0),
        (2, b"\0\0\0"): ("dev new", 2),
        (2, b"\0\1" + bytes(5)): ("dev extra", 6),
        (1, b"\0"): ("dev a", 0),
        (1, b"\0\1\0"): ("dev extra", 2),
    }
    with compiled(made, functions=(has,)) as (module, runtime):
        for (version, data), (path, offset) in cuts.items():
            with pytest.raises(runtime.Truncated) as error:
                module.load_dev(data, version_id=version)
            assert (error.value.path, error.value.offset) == (path, offset)


def test_what_does_not_fit_is_named_in_every_version_and_under_a_condition() -> None:
    has = ir.Function("has", body=ir.Load("a", "uint16"), type="DevState")
    made = description(
        "dev",
        field("a", U16),
        field("extra", U32, test="has"),
        field("last[1]", U32),
        field("last[0]", U32),
        version_id=2,
        minimum_version_id=1,
    )
    with compiled(made, functions=(has,)) as (module, runtime):
        wrong: dict[str, dict[str, Any]] = {
            "dev a": {"a": -1},
            "dev extra": {"a": 1, "extra": 1 << 32},
            "dev last[1]": {"last": [0, 1 << 32]},
            "dev last": {"last": [0, 0, 0]},
        }
        for path, members in wrong.items():
            for version in (1, 2):
                with pytest.raises(runtime.BadValue) as error:
                    module.save_dev(module.DevState(**members), version_id=version)
                assert error.value.path == path


def test_an_array_that_is_named_element_by_element_is_a_list() -> None:
    """Up to 16 elements; a longer one is an ``array``, whatever of it is on the wire."""
    fields = [field(f"cr[{at}]", U32) for at in (0, 3, 2)]
    with compiled(description("dev", *fields)) as (module, _):
        state, _ = module.load_dev(bytes(range(12)))
        assert state.cr == [0x00010203, 0, 0x08090A0B, 0x04050607]
        assert type(state.cr) is type(module.DevState().cr) is list
        assert module.save_dev(state.replace(cr=array("I", state.cr))) == bytes(
            range(12)
        )
    with compiled(description("dev", field("r[0]", U32), field("r[16]", U32))) as (
        module,
        _,
    ):
        assert type(module.load_dev(bytes(8))[0].r) is array


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([1, 2, 3], "cr: 3 elements, not 4"),
        ([1, 2, 3, 4, 5], "cr: 5 elements, not 4"),
        ([1, 2, 1 << 32, 4], r"cr\[2\]: 4294967296 is not within 0 and 4294967295"),
        ([1, 2, None, 4], r"cr\[2\]: must be present"),
        (7, "cr"),
    ],
)
def test_a_list_that_does_not_fit_is_named(values: Any, why: str) -> None:
    fields = [field(f"cr[{at}]", U32) for at in (0, 3, 2)]
    with compiled(description("dev", *fields)) as (module, _):
        state = module.DevState(cr=values)
        with pytest.raises(Exception, match=why) as caught:
            module.save_dev(state)
        assert type(caught.value).__name__ == "BadValue"


def test_many_values_are_saved_in_order_and_the_one_that_does_not_fit_is_named() -> (
    None
):
    """More than one call packs them; padding and arrays stand between them."""
    fields = [
        *(field(f"a{at}", U8) for at in range(29)),
        field("raw", U16, (3,)),
        field("unused", ir.UnusedElement(), size=ir.Fixed(2)),
        *(field(f"b{at}", U16) for at in range(40)),
    ]
    data = bytes(range(29)) + bytes(range(6)) + bytes(2) + bytes(range(80))
    with compiled(description("dev", *fields)) as (module, _):
        state, end = module.load_dev(data)
        assert end == len(data)
        assert module.save_dev(state) == data
        for name in ("a28", "b0", "b1", "b39"):
            with pytest.raises(Exception, match=f"dev {name}: 65536 is not within"):
                module.save_dev(state.replace(**{name: 65536}))


def test_a_predicate_may_look_at_each_element_of_an_array() -> None:
    looked = ir.Load("flags[$0]", "uint8", (ir.Var("i"),))
    one = ir.Binary("==", looked, ir.Const(1))
    body = ir.Exists("i", ir.Const(0), ir.Const(2), 1, one)
    needed = ir.Function("has_extra", type="InnerState", body=body)
    inner = description(
        "inner",
        field("flags", U8, (2,)),
        field("extra", U16, test="has_extra"),
        type="InnerState",
    )
    element = ir.StructElement("vmstate_inner", "InnerState")
    outer = description("dev", field("items", element, (3,)), field("last", U8))
    data = bytes([0, 0, 1, 0, 7, 8, 0, 0, 9])
    with compiled(inner, outer, functions=(needed,)) as (module, _):
        state, end = module.load_dev(data)
        assert [one.extra for one in state.items] == [None, 0x708, None]
        assert end == len(data)
        assert module.save_dev(state) == data


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 42, 43, 128, 129])
def test_a_small_array_of_structs_is_read_with_what_is_around_it(
    count: int, members: int
) -> None:
    """Up to 128 values no loop goes through the elements."""
    inner = description("inner", *(field(f"v{n}") for n in range(members)), type="In")
    outer = description(
        "outer",
        field("first", U8),
        field("rows", ir.StructElement("vmstate_inner", "In"), (count,)),
        field("last", U8),
    )
    with compiled(inner, outer) as (module, _):
        values = struct.pack(
            f">B{count * members}QB", *(one % 256 for one in range(count * members + 2))
        )
        state, end = module.load_outer(values)
        assert end == len(values)
        assert module.save_outer(state) == values
        assert [one.v0 for one in state.rows] == [
            (1 + members * row) % 256 for row in range(count)
        ]
        by_itself = hasattr(module, "_unpack_inner")
        assert by_itself == (not 0 < count * members <= 128)


@pytest.mark.parametrize("first", [False, True])
def test_a_static_table_is_one_of_its_own_file_alone(first: bool) -> None:
    """As C's linker has it: a symbol means that of the own file, then the one that is no
    ``static`` of another."""
    own = replace(description("part", field("own"), type="Part"), static=False)
    static = replace(description("part", field("hidden"), type="Part"), static=True)
    user = description("dev", field("x", ir.StructElement("vmstate_part", "Part")))
    modules = [
        ir.Module("hw/a.c", (static, replace(user, symbol="vmstate_a", name="a"))),
        ir.Module("hw/b.c", (own, replace(user, symbol="vmstate_b", name="b"))),
        ir.Module("hw/c.c", (replace(user, symbol="vmstate_c", name="c"),)),
    ]
    made = render(
        lower(ir.Program("10.0.2", "box", tuple(modules[:: 1 if first else -1])))
    )
    with imported(made) as found:
        for name, member in (("a", "hidden"), ("b", "own"), ("c", "own")):
            codec = found[f"box.hw.{name}"].CODECS[name]
            state, _ = codec.load((7).to_bytes(8, "big"))
            assert getattr(state.x, member) == 7
