"""State classes: what they know of their members, and what they do as values."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import pydoc
import typing
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.generated_code import imported
from tests.ir_programs import U8, U16, U32, U64, compiled, description, field
from tests.stream_files import packages
from tests.test_stream_read import opened
from vmgen import ir
from vmgen.ir.types import WIDTHS
from vmgen.lower import lower
from vmgen.lower.names import METHODS, SPECIFIERS
from vmgen.render import render

BOOL = ir.IntegerElement("bool")


@pytest.fixture(scope="module")
def dev() -> Iterator[Any]:
    sub = description("dev/a", field("y", U8), needed="a_needed")
    root = description(
        "dev",
        field("env.pc", U64),
        field("env.gpr", U32, (4,)),
        field("buf", U8, (3,)),
        field("on", BOOL),
        field("flags", BOOL, (2,)),
        field("late", U16, version_id=2),
        subsections=("vmstate_dev_a",),
        version_id=2,
        minimum_version_id=1,
    )
    needed = ir.Function("a_needed", type="DevState", untranslated="a hook")
    with compiled(sub, root, functions=(needed,)) as (module, runtime):
        vars(module)["runtime"] = runtime
        yield module


def filled(dev: Any) -> Any:
    env = dev.EnvState(pc=0x1234, gpr=array("I", [1, 2, 3, 3]))
    return dev.DevState(
        env=env, buf=bytearray(b"\1\2\3"), on=True, flags=[True, False], late=7,
        a=dev.DevState_dev_a(y=9),
    )  # fmt: skip


# --- subsections ----------------------------------------------------------------------


def test_a_subsection_of_a_copy_is_the_copy_s_own(dev: Any) -> None:
    state = filled(dev)
    shallow, deep = copy.copy(state), copy.deepcopy(state)
    shallow.a = None
    deep.a.y = 3
    assert (state.a.y, shallow.a, deep.a.y) == (9, None, 3)
    assert shallow.save() == state.save()[: -len(b"\5\5dev/a\0\0\0\1\t")]


def test_a_subsection_that_is_taken_away_is_absent(dev: Any) -> None:
    state = filled(dev)
    state.a = None
    assert state == state.replace(a=None) == pickle.loads(pickle.dumps(state))
    assert dev.DevState.load(state.save()).a is None


# --- bytes and dictionaries -----------------------------------------------------------


def test_a_state_loads_and_saves_itself(dev: Any) -> None:
    state = filled(dev)
    data = state.save()
    assert data == dev.save_dev(state)
    assert dev.DevState.load(data) == state
    assert dev.DevState.load(memoryview(data)) == state
    older = state.replace(late=None, a=None)
    assert older.save(1) == dev.save_dev(older, 1)
    assert dev.DevState.load(older.save(1), 1) == older


def test_bytes_behind_a_state_are_refused(dev: Any) -> None:
    with pytest.raises(dev.runtime.BadValue, match="2 bytes behind"):
        dev.DevState.load(filled(dev).save() + b"\0\0")
    with pytest.raises(dev.runtime.Truncated):
        dev.DevState.load(b"")


def test_a_part_has_no_codec_of_its_own(dev: Any) -> None:
    with pytest.raises(TypeError, match="EnvState is a part"):
        dev.EnvState.load(b"")
    with pytest.raises(TypeError, match="EnvState is a part"):
        dev.EnvState().save()


def test_dictionaries_are_json_and_come_back(dev: Any) -> None:
    state = filled(dev)
    values = json.loads(state.to_json())
    assert values == state.to_dict()
    assert values["env"] == {"pc": 0x1234, "gpr": [1, 2, 3, 3]}
    assert (values["buf"], values["flags"]) == ("010203", [True, False])
    again = dev.DevState.from_dict(values)
    assert again == state
    assert type(again.env.gpr) is array
    assert again.save() == state.save()
    assert dev.DevState.from_dict({}) == dev.DevState()


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"env": {"pc": "x"}}, "env.pc"),
        ({"env": {"gpr": [1, 1 << 32, 3, 4]}}, "env.gpr"),
        ({"env": {"gpr": 1}}, "env.gpr"),
        ({"env": 3}, "env"),
        ({"env": None}, "env"),
        ({"buf": "xy"}, "buf"),
        ({"flags": [True, "no"]}, "flags[1]"),
        ({"nothing": 1}, ""),
        ({"a": {"y": []}}, "a.y"),
    ],
)
def test_what_is_no_state_is_refused(dev: Any, values: Any, path: str) -> None:
    with pytest.raises(dev.runtime.BadValue) as raised:
        dev.DevState.from_dict(values)
    assert raised.value.member == path


def test_captured_states_come_back() -> None:
    for name in ("riscv64-virt-vh-bare--10.0.2", "arm-stm32vldiscovery-poke--10.0.2"):
        stream = opened(name)
        section = stream.section("cpu")
        assert section.codec is not None
        state = stream.state(section)
        again = type(state).from_dict(json.loads(state.to_json()))
        assert again == state
        body = bytes(stream.view[section.start : section.end])
        assert again.save(section.version_id) == body


# --- values ---------------------------------------------------------------------------


def test_an_array_is_equal_whatever_holds_it(dev: Any) -> None:
    one, other = filled(dev), filled(dev)
    other.env.gpr = [1, 2, 3, 3]
    other.buf = b"\1\2\3"
    assert one == other
    assert one.save() == other.save()
    other.env.gpr = [1, 2, 3, 4]
    assert one != other
    other.env.gpr = [1, 2, 3]
    assert one != other


def test_replace_makes_a_copy(dev: Any) -> None:
    state = filled(dev)
    other = state.replace(late=8)
    assert (state.late, other.late) == (7, 8)
    assert other.replace(late=7) == state
    other.env.gpr[0] = 99
    assert state.env.gpr[0] == 1
    with pytest.raises(TypeError, match="no member 'nothing'"):
        state.replace(nothing=1)


def test_states_are_copied_pickled_and_matched(dev: Any) -> None:
    state = filled(dev)
    assert copy.deepcopy(state) == state
    assert pickle.loads(pickle.dumps(dev.EnvState)) is dev.EnvState
    match state.env:
        case dev.EnvState(pc, gpr=[1, *_]):
            assert pc == 0x1234
        case _:
            pytest.fail("no match")


def test_text_is_in_hexadecimal_over_several_lines(dev: Any) -> None:
    assert str(filled(dev)).splitlines() == [
        "DevState",
        "  env:",
        "    pc = 0x1234",
        "    gpr = [0x1, 0x2, 0x3 x 2]",
        "  buf = 010203",
        "  on = True",
        "  flags = [True, False]",
        "  late = 0x7",
        "  a:",
        "    y = 0x9",
    ]


def test_what_cannot_be_saved_is_named(dev: Any) -> None:
    for changes, path in (
        ({"env": None}, "env"), ({"env": 3}, "env"), ({"buf": None}, "buf"),
        ({"late": None}, "late"), ({"flags": [True]}, "flags"),
    ):  # fmt: skip
        with pytest.raises(dev.runtime.BadValue) as raised:
            filled(dev).replace(**changes).save()
        assert raised.value.path.startswith(f"dev {path}"), str(raised.value)
    with pytest.raises(dev.runtime.BadValue, match="env: must be present"):
        dev.DevState(env=None).save()


# --- fields ---------------------------------------------------------------------------


def test_fields_say_what_a_member_is_in_c(dev: Any) -> None:
    env, buf, on, flags, late, sub = dev.DevState.fields()
    assert (env.name, env.path, env.width, env.state) == (
        "env",
        "env",
        None,
        dev.EnvState,
    )
    pc, gpr = dev.EnvState.fields()
    assert (pc.path, pc.type, pc.width, pc.count) == ("env.pc", "uint64", 64, 1)
    assert (gpr.path, gpr.type, gpr.width, gpr.count) == ("env.gpr", "uint32", 32, 4)
    assert (pc.array, gpr.array, buf.array, flags.array) == (False, True, True, True)
    assert (buf.width, buf.count, on.type) == (8, 3, "bool")
    assert (pc.condition, late.condition) == ("", "version_id >= 2")
    assert (sub.path, sub.condition) == ("dev/a", "a_needed()")
    assert sub.state is dev.DevState_dev_a


def classes() -> Iterator[Any]:
    """The state classes of the committed packages."""
    for codecs in packages().values():
        waiting = [codec.state for codec in codecs.codecs.values()]
        seen = set()
        while waiting:
            cls = waiting.pop()
            if cls not in seen:
                seen.add(cls)
                yield cls
                waiting += [one.state for one in cls.fields() if one.state]


def test_annotations_can_be_evaluated() -> None:
    names = [(cls, typing.get_type_hints(cls)) for cls in classes()]
    assert len(names) > 100
    assert all(set(cls.__match_args__) <= hints.keys() for cls, hints in names)


def test_fields_are_where_the_tables_have_them() -> None:
    """Path, width and line of every number of a CPU, as its ``ir.json`` has them."""
    from vmgen.stream.tables import of

    riscv = packages()["riscv64"]
    tables = of(riscv)
    assert tables is not None
    expected = {
        (ir.path_text(one.path), one.position.line, 8 * WIDTHS[one.element.type])
        for placed in tables.lookup.all()
        for one in placed.description.fields
        if isinstance(one.element, ir.IntegerElement)
    }
    found = {
        (one.path, one.line, one.width)
        for cls in classes()
        if cls.__module__.split(".")[1] == "riscv64"
        for one in cls.fields()
        if one.width is not None
    }
    assert found == expected


def test_help_and_signatures_are_of_use(dev: Any) -> None:
    text = pydoc.plain(pydoc.render_doc(dev.EnvState))
    assert "uint32 env.gpr[4] (32 bits)" in text
    parameters = inspect.signature(dev.DevState).parameters
    assert list(parameters) == ["env", "buf", "on", "flags", "late", "a"]
    assert parameters["late"].default == 0
    assert all(one.kind is one.KEYWORD_ONLY for one in parameters.values())


def test_members_may_have_any_name(dev: Any) -> None:
    taken = {name for name in dir(dev.runtime.State) if not name.startswith("__")}
    assert taken == METHODS
    names = sorted(
        {*METHODS, *SPECIFIERS.values(), "Array", "SOURCE", "mro", "version_id"}
    )
    fields = [field(name, U64, (2,)) for name in names]
    with compiled(description("dev", *fields, field("inner.load", U8))) as (module, _):
        state = module.DevState()
        for number, name in enumerate(state.__match_args__[:-1]):
            setattr(state, name, array("Q", [number, number]))
        state.inner.load_ = 5
        data = state.save()
        assert (
            data
            == b"".join(number.to_bytes(8, "big") * 2 for number in range(len(names)))
            + b"\5"
        )
        assert module.DevState.load(data) == state
        assert module.DevState.from_dict(state.to_dict()) == state
        paths = [one.path for one in module.DevState.fields()]
        assert paths == [*names, "inner"]


# --- packages -------------------------------------------------------------------------


def test_a_package_offers_its_names_to_star_imports() -> None:
    import generated.riscv64 as package

    found: dict[str, Any] = {}
    exec("from generated.riscv64 import *", found)
    names = {*package.__all__}
    assert names <= found.keys()
    assert {"RISCVCPU", "CODECS", "load_riscv_cpu", "VMStateError"} <= names
    assert Path(str(package.__file__)).parent.joinpath("..", "py.typed").exists()


def test_a_name_of_two_modules_is_reached_by_its_module() -> None:
    modules = tuple(
        ir.Module(
            f"hw/{file}.c", (description("dev" + file, field("x", U8), symbol=symbol),)
        )
        for file, symbol in (("a", "vmstate_dev_a"), ("b", "vmstate_dev_b"))
    )
    files = render(lower(ir.Program("", "box", modules)))
    with imported(files) as made:
        package = made["box"]
        two, none = "DevState", "Nothing"
        assert made["box.hw.a"].DevState is not made["box.hw.b"].DevState
        with pytest.raises(AttributeError, match=r"modules hw\.a hw\.b$"):
            getattr(package, two)
        assert two not in package.__all__
        with pytest.raises(AttributeError, match=r"no attribute 'Nothing'$"):
            getattr(package, none)


def test_a_field_of_a_length_that_a_member_says_has_that_member_for_a_count() -> None:
    size = ir.FromMember((ir.Step("env", "Env"), ir.Step("n", "uint32_t")), "uint32")
    table = description(
        "dev",
        field("env.n", U32),
        field("many", U16, count=size, array=True, pointer=True),
        field("some", ir.BufferElement(), size=size, pointer=True),
        field("two", U16, (2,)),
    )
    with compiled(table) as (module, _):
        counts = {one.path: one.count for one in module.DevState.fields()}
        assert counts == {"env": 1, "many": "env.n", "some": "env.n", "two": 2}
