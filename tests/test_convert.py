"""States of one release in the classes of another: every field accounted for."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.generated_code import imported
from tests.programs import step
from tests.stream_files import captured, packages
from vmgen import ir
from vmgen.cli import run
from vmgen.convert import Line, Mapping, convert, counted, loads
from vmgen.convert.mapping import NO_RULES, Rules
from vmgen.convert.states import Conversion, Misfit, short
from vmgen.lower import lower
from vmgen.render import render
from vmgen.source import NOWHERE, VmgenError
from vmgen.stream import Codecs, Stream, StreamError


def field(name: str, kind: ir.IntType, width: int, **more: Any) -> ir.Field:
    made = ir.Field(name, (step(name, kind),), ir.IntegerElement(kind), ir.Fixed(width))
    return replace(made, **more)


def device(
    *fields: ir.Field, version: int = 1, subs: tuple[str, ...] = ()
) -> ir.Description:
    return ir.Description(
        "vmstate_dev", "dev", "Dev", version, version, fields, subs, static=False
    )


SUB = ir.Description(
    "vmstate_sub", "dev/sub", "Dev", 1, 1, (field("extra", "uint16", 2),)
)


def program(*descriptions: ir.Description) -> ir.Program:
    return ir.Program("1", "toy", (ir.Module("hw/dev.c", descriptions),))


@contextmanager
def codec(*descriptions: ir.Description) -> Iterator[Any]:
    with imported(render(lower(program(*descriptions)), formatted=False)) as modules:
        yield modules["toy"].CODECS["dev"]


def converted(old: Any, new: Any, rules: Rules = NO_RULES) -> tuple[Any, list[Line]]:
    work = Conversion("dev/0", rules)
    made = new.state()
    work.convert(old, made)
    return made, work.lines


def said(lines: list[Line]) -> dict[str, str]:
    return {line.path: line.what for line in lines}


A, B = field("a", "uint32", 4), field("b", "uint32", 4)
ARRAY = field(
    "regs",
    "uint32",
    4,
    count=ir.Fixed(3),
    array=True,
    path=(step("regs", "uint32_t", 3),),
)
LONGER = replace(
    ARRAY,
    element=ir.IntegerElement("uint64"),
    size=ir.Fixed(8),
    count=ir.Fixed(4),
    path=(step("regs", "uint64_t", 4),),
)


def test_kept_lost_and_defaulted() -> None:
    with codec(device(A, B)) as old, codec(device(A, field("c", "uint8", 1))) as new:
        state, lines = converted(old.state(a=7, b=9), new)
        assert (state.a, state.c) == (7, 0)
        assert said(lines) == {"a": "kept", "c": "defaulted", "b": "lost"}
        lost = next(line for line in lines if line.what == "lost")
        assert (lost.old, lost.harm) == ("9", True)


def test_what_is_zero_is_lost_without_harm() -> None:
    with codec(device(A, B)) as old, codec(device(A)) as new:
        _, lines = converted(old.state(a=7), new)
        assert [line.harm for line in lines] == [False, False]


def test_the_mapping() -> None:
    with codec(device(A, B)) as old, codec(device(field("c", "uint64", 8))) as new:
        rules = Rules(rename={"b": "c"}, drop=frozenset({"a"}))
        state, lines = converted(old.state(a=7, b=9), new, rules)
        assert state.c == 9
        assert said(lines) == {"c": "renamed", "a": "lost"}
        assert not any(line.harm for line in lines)
        state, lines = converted(old.state(a=7, b=9), new, Rules(set={"c": 5}))
        assert state.c == 5
        assert said(lines)["c"] == "set"
        with pytest.raises(Misfit, match="no such member"):
            converted(old.state(), new, Rules(rename={"nothing": "c"}))


def test_a_renamed_member_leaves_the_lines_of_others() -> None:
    renamed = field("c", "uint32", 4)
    with codec(device(A, B)) as old, codec(device(A, renamed)) as new:
        state, lines = converted(old.state(a=7, b=9), new, Rules(rename={"b": "c"}))
        assert (state.a, state.c) == (7, 9)
        assert said(lines) == {"a": "kept", "c": "renamed"}
    with codec(device(B, A)) as old, codec(device(renamed, A)) as new:
        state, lines = converted(old.state(a=7, b=9), new, Rules(rename={"b": "c"}))
        assert (state.a, state.c) == (7, 9)
        assert said(lines) == {"c": "renamed", "a": "kept"}
    longer = replace(LONGER, path=(step("more", "uint64_t", 4),), name="more")
    with codec(device(A, ARRAY)) as old, codec(device(A, longer)) as new:
        _, lines = converted(old.state(a=7), new, Rules(rename={"regs": "more"}))
        assert [(line.path, line.what) for line in lines] == [
            ("a", "kept"), ("more", "widened"), ("more[3:]", "defaulted"),
            ("more", "renamed"),
        ]  # fmt: skip


def test_arrays_grow_and_widen() -> None:
    with codec(device(ARRAY)) as old, codec(device(LONGER)) as new:
        state, lines = converted(old.state(regs=array("I", [1, 2, 3])), new)
        assert list(state.regs) == [1, 2, 3, 0]
        assert said(lines) == {"regs": "widened", "regs[3:]": "defaulted"}
        back, lines = converted(new.state(regs=array("Q", [1, 2, 3, 4])), old)
        assert list(back.regs) == [1, 2, 3]
        assert said(lines) == {"regs[3:]": "lost", "regs": "narrowed"}
        assert lines[0].harm
        with pytest.raises(Misfit):
            converted(new.state(regs=array("Q", [1 << 40, 0, 0, 0])), old)


def test_a_bool_holds_two_values() -> None:
    with codec(device(A)) as old, codec(device(field("a", "bool", 1))) as new:
        state, lines = converted(old.state(a=1), new)
        assert state.a is True
        assert said(lines) == {"a": "narrowed"}
        with pytest.raises(Misfit, match="does not fit"):
            converted(old.state(a=2), new)
        state, lines = converted(new.state(a=True), old)
        assert state.a == 1
        assert said(lines) == {"a": "widened"}


def test_subsections_come_along() -> None:
    with (
        codec(device(A, subs=("vmstate_sub",)), SUB) as old,
        codec(device(A, version=3, subs=("vmstate_sub",)), SUB) as new,
        codec(device(A)) as bare,
    ):
        wire = b"\0\0\0\7" + b"\x05\x07dev/sub\0\0\0\1\0\5"
        state, _ = old.load(wire, 0, 1)
        made, lines = converted(state, new)
        assert bytes(new.save(made)) == wire
        assert "extra" in " ".join(said(lines))
        absent, lines = converted(old.state(a=7), new)
        assert bytes(new.save(absent)) == b"\0\0\0\7"
        _, lines = converted(state, bare)
        assert [line.what for line in lines if line.harm] == ["lost"]


FLAG = ir.Load("flag", "bool")
WANTED = ir.Function("wanted", NOWHERE, "Dev", FLAG)


@contextmanager
def asking(*descriptions: ir.Description) -> Iterator[Any]:
    """A codec with fields that are there if a member says so that no stream has."""
    whole = program(*descriptions)
    module = replace(whole.modules[0], functions=(WANTED,))
    files = render(lower(replace(whole, modules=(module,))), formatted=False)
    with imported(files) as modules:
        yield modules["toy"].CODECS["dev"]


def test_arrays_that_only_a_condition_makes_present() -> None:
    tested = replace(ARRAY, test="wanted")
    with codec(device(ARRAY)) as old, asking(device(tested)) as new:
        state, lines = converted(old.state(regs=array("I", (1, 2, 3))), new)
        assert list(state.regs) == [1, 2, 3]
        assert said(lines) == {"regs": "kept"}
        assert bytes(new.save(state)) == bytes.fromhex("000000010000000200000003")


def test_as_many_structs_as_a_member_says() -> None:
    """The member has another name now; the structs come along."""
    inner = ir.Description("vmstate_part", "part", "Part", 1, 1, (A,))

    def counted_by(name: str) -> tuple[ir.Description, ...]:
        count = ir.FromMember((step(name, "uint32_t"),), "uint32")
        parts = ir.Field(
            "parts",
            (step("parts", "Part", 4),),
            ir.StructElement("vmstate_part", "Part"),
            ir.Fixed(4),
            count,
            array=True,
        )
        return device(field(name, "uint32", 4), parts), inner

    with codec(*counted_by("n")) as old, codec(*counted_by("m")) as new:
        wire = b"\0\0\0\2" + b"\0\0\0\7" + b"\0\0\0\x08"
        state, _ = old.load(wire, 0, 1)
        made, lines = converted(state, new, Rules(rename={"n": "m"}))
        assert not any(line.harm for line in lines)
        assert bytes(new.save(made)) == wire


def test_an_array_of_structs_gets_shorter_and_longer() -> None:
    inner = ir.Description("vmstate_part", "part", "Part", 1, 1, (A,))

    def of(count: int) -> tuple[ir.Description, ...]:
        parts = ir.Field(
            "parts", (step("parts", "Part", count),), ir.StructElement("vmstate_part", "Part"),
            ir.Fixed(4), ir.Fixed(count), array=True,
        )  # fmt: skip
        return device(parts), inner

    with codec(*of(3)) as old, codec(*of(1)) as new:
        state, _ = old.load(b"\0\0\0\7\0\0\0\0\0\0\0\x08", 0, 1)
        made, lines = converted(state, new)
        assert bytes(new.save(made)) == b"\0\0\0\7"
        lost = {line.path: line.harm for line in lines if line.what == "lost"}
        assert lost == {"parts[1].a": False, "parts[2].a": True}
        state, _ = new.load(b"\0\0\0\7", 0, 1)
        made, lines = converted(state, old)
        assert bytes(old.save(made)) == b"\0\0\0\7" + bytes(8)
        assert said(lines) == {
            "parts[0].a": "kept", "parts[1].a": "defaulted", "parts[2].a": "defaulted",
        }  # fmt: skip


# --- whole streams --------------------------------------------------------------------


def section(version: int, body: bytes) -> bytes:
    head = b"\x04\0\0\0\x05\x03dev" + bytes(4) + version.to_bytes(4, "big")
    return head + body + b"\x7e\0\0\0\x05"


def stream(*sections: bytes) -> bytes:
    return b"QEVM\0\0\0\x03" + b"".join(sections) + b"\0"


def test_a_stream() -> None:
    wide = field("a", "uint64", 8)
    with codec(device(A)) as old, codec(device(wide, version=2)) as new:
        data = stream(section(1, b"\0\0\0\7"))
        with Stream(data, {"dev": old}) as source:
            found = convert(source, Codecs({"dev": new}))
        expected = stream(section(2, bytes(7) + b"\7"))
        assert b"".join(bytes(piece) for piece in found.pieces) == expected
        assert found.harmless
        assert counted(found.lines) == {"widened": 1, "kept": 1}
        (wider,) = (line for line in found.lines if line.what == "widened")
        assert wider.why == "32 bits, now 64"


def test_what_the_new_release_may_not_load_is_told() -> None:
    """Whether the field is there depends on what no stream has: it is left out, and not
    in silence."""
    tested = replace(B, test="wanted")
    with (
        codec(device(A)) as old,
        asking(device(A, tested, version=2)) as new,
        Stream(stream(section(1, b"\0\0\0\7")), {"dev": old}) as source,
    ):
        found = convert(source, Codecs({"dev": new}))
        (unsure,) = found.unsure
        assert unsure.startswith("dev/0")
        assert "Dev.flag" in unsure
        assert "pass Context" not in unsure
        known = Codecs({"dev": new}, members={"Dev.flag": 0})
        assert convert(source, known).unsure == ()


def test_an_equal_section_is_the_same_bytes() -> None:
    with codec(device(A)) as old, codec(device(A)) as new:
        data = stream(section(1, b"\0\0\0\7"))
        source = Stream(data, {"dev": old})
        found = convert(source, Codecs({"dev": new}))
        assert b"".join(bytes(piece) for piece in found.pieces) == data


def test_a_section_may_be_left_out() -> None:
    with codec(device(A)) as old, codec(device(A)) as new:
        source = Stream(stream(section(1, b"\0\0\0\7")), {"dev": old})
        rules = loads('{"dev": "drop"}', "map.json")
        found = convert(source, Codecs({"dev": new}), rules)
        assert b"".join(bytes(piece) for piece in found.pieces) == stream()


def test_what_of_a_mapping_met_nothing() -> None:
    text = """{"dev": {"rename": {"b": "c", "b2": "none"}, "set": {"a": 1, "no": 2},
                       "drop": ["d", "gone"]},
               "devx": {"set": {"a": 1}}, "devy": "drop"}"""
    c, d = field("c", "uint32", 4), field("d", "uint32", 4)
    with codec(device(A, B, d)) as old, codec(device(A, c)) as new:
        source = Stream(stream(section(1, bytes(12))), {"dev": old})
        found = convert(source, Codecs({"dev": new}), loads(text, "map.json"))
        assert found.unused == (
            "dev: rename b2 met nothing",
            "dev: set no met nothing",
            "dev: drop gone met nothing",
            "devx: no such section",
            "devy: no such section",
        )
        left_out = loads('{"dev": "drop"}', "map.json")
        source = Stream(stream(section(1, bytes(12))), {"dev": old})
        assert convert(source, Codecs({"dev": new}), left_out).unused == ()


def test_the_command_warns_of_what_met_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.mig").write_bytes(captured("riscv64-virt-vh-bare--10.0.2"))
    Path("map.json").write_text('{"cpu": {"set": {"env.foo": 1}}, "cpux": "drop"}')
    folder = packages()["riscv64"].folder
    line = "stream convert a.mig -o b.mig --map map.json --report none"
    assert run([*line.split(), f"--from={folder}", f"--to={folder}"]) == 0
    assert capsys.readouterr().err.startswith(
        "warning: map.json: cpu: set env.foo met nothing\n"
        "warning: map.json: cpux: no such section\n"
    )


def test_what_does_not_fit_is_an_error() -> None:
    small = field("a", "bool", 1)
    with codec(device(A)) as old, codec(device(small)) as new:
        source = Stream(stream(section(1, b"\0\0\0\7")), {"dev": old})
        with pytest.raises(StreamError, match="7 does not fit") as caught:
            convert(source, Codecs({"dev": new}))
        assert caught.value.path == "dev/0 a"


@pytest.mark.parametrize(
    "text",
    ["", "[1]", '{"cpu": 3}', '{"cpu": {"renam": {}}}', '{"cpu": {"set": {"a": "x"}}}'],
)
def test_a_mapping_that_is_none(text: str) -> None:
    with pytest.raises(VmgenError, match="VG720"):
        loads(text, "map.json")


def test_a_mapping() -> None:
    text = '{"cpu": {"rename": {"x[*].a": "x[*].b"}, "set": {"y": 1}, "drop": ["z"]}}'
    rules = loads(text, "map.json").rules("/machine/cpu")
    assert rules == Rules({"x[*].a": "x[*].b"}, {"y": 1}, frozenset({"z"}))
    assert Mapping().rules("cpu") == Rules()


def test_a_list_that_the_old_release_lacks_is_one_line() -> None:
    """Its elements are no states, so there is nothing inside of it to look at."""
    grid = replace(
        ARRAY,
        name="grid",
        path=(step("grid", "uint32_t", 2, 3),),
        count=ir.Fixed(6),
    )
    with codec(device(A)) as old, codec(device(A, grid)) as new:
        assert isinstance(new.state().grid, list)
        _, lines = converted(old.state(a=1), new)
        assert said(lines) == {"a": "kept", "grid": "defaulted"}


def test_bytes_that_the_new_release_loads_itself_stay() -> None:
    """The number of timers of an HPET has another name since 9.2, and the same byte."""
    a, b, c = (field(name, "uint8", 1) for name in "abc")
    with codec(device(A, b)) as old, codec(device(A, c)) as new:
        data = stream(section(1, b"\0\0\0\7\x03"))
        found = convert(Stream(data, {"dev": old}), Codecs({"dev": new}))
        assert b"".join(map(bytes, found.pieces)) == data
        assert found.harmless
        assert {(one.path, one.what) for one in found.lines} == {
            ("a", "kept"),
            ("c", "kept"),
        }
        (same,) = (one for one in found.lines if one.path == "c")
        assert same.why == "was b, which stood in this place"
    # Another order is another place: then the C paths say what belongs together.
    with codec(device(a, b)) as old, codec(device(b, a)) as new:
        source = Stream(stream(section(1, b"\1\2")), {"dev": old})
        found = convert(source, Codecs({"dev": new}))
        assert b"".join(map(bytes, found.pieces)) == stream(section(1, b"\2\1"))
    # A name that stays and an order that does not are no proof either.
    with codec(device(a, b)) as old, codec(device(c, a)) as new:
        source = Stream(stream(section(1, b"\1\2")), {"dev": old})
        (lost,) = (
            one for one in convert(source, Codecs({"dev": new})).lines if one.harm
        )
        assert (lost.path, lost.what) == ("b", "lost")


def test_releases_by_number_need_no_tree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = captured("x86_64-q35-bare--7.2.22")
    Path("a.mig").write_bytes(data)
    words = "stream convert a.mig --from 7.2 --to 10.0 -o b.mig --report changes"
    assert run(words.split()) == 0
    assert capsys.readouterr().out == ""  # 10.0 loads every section as it is
    made = Path("b.mig").read_bytes()
    assert made == data
    # What either release calls by its own name is the same byte.
    at = made.index(b"\x04hpet")
    assert made[at : at + 60] == data[data.index(b"\x04hpet") :][:60]


WIDTHS: dict[ir.IntType, int] = {
    "bool": 1, "uint8": 1, "int8": 1, "uint16": 2, "int32": 4, "uint64": 8,
}  # fmt: skip


@pytest.mark.parametrize("ours", WIDTHS)
@pytest.mark.parametrize("theirs", WIDTHS)
def test_a_number_keeps_its_value_and_its_line_says_how_it_is_held(
    ours: ir.IntType, theirs: ir.IntType
) -> None:
    with (
        codec(device(field("a", ours, WIDTHS[ours]))) as old,
        codec(device(field("a", theirs, WIDTHS[theirs]))) as new,
    ):
        for value in (0, 1, *([] if ours == "bool" else [2, 100])):
            before = old.state(a=bool(value) if ours == "bool" else value)
            if theirs == "bool" and value > 1:
                with pytest.raises(Misfit, match=f"{value} does not fit into a bool"):
                    converted(before, new)
                continue
            state, (line,) = converted(before, new)
            assert state.a == value
            assert isinstance(state.a, bool) == (theirs == "bool")
            if theirs == ours or WIDTHS[ours] == WIDTHS[theirs] != 1:
                what = "kept"
            elif theirs == "bool" or ours == "bool":
                what = "narrowed" if theirs == "bool" else "widened"
            elif WIDTHS[ours] == WIDTHS[theirs]:
                what = "kept"
            else:
                what = "widened" if WIDTHS[ours] < WIDTHS[theirs] else "narrowed"
            assert (line.what, line.harm) == (what, False)
            if "bool" not in (ours, theirs) and what != "kept":
                assert line.why == f"{8 * WIDTHS[ours]} bits, now {8 * WIDTHS[theirs]}"


@pytest.mark.parametrize(
    ("origin", "value"), [("regs[*]", 5), ("regs[1]", 5), ("regs[0]", 4)]
)
def test_a_mapping_names_an_element(origin: str, value: int) -> None:
    """``[*]`` is the same index on both sides."""

    def cells(member: str) -> tuple[ir.Field, ...]:
        return tuple(
            replace(
                field(f"c[{at}].{member}", "uint32", 4),
                path=(ir.Step("c", "Cell", (2,), (at,)), step(member, "uint32_t")),
            )
            for at in range(2)
        )

    with (
        codec(device(ARRAY, *cells("y"))) as old,
        codec(device(*cells("x"))) as new,
    ):
        before = old.state(regs=array("I", [4, 5, 6]))
        rules = Rules(rename={origin: "c[*].x" if "*" in origin else "c[1].x"})
        state, lines = converted(before, new, rules)
        assert state.c[1].x == value
        renamed = {line.path: line.why for line in lines if line.what == "renamed"}
        assert renamed["c[1].x"] == f"was {origin.replace('*', '1')}"
        assert ("c[0].x" in renamed) == ("*" in origin)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "True"), (9, "9"), (10, "0xa"), (-9, "-9"), (-10, "-0xa"), ("x", "x"),
        (b"\1\2", "0102"), (bytearray(b"\xff"), "ff"), ([1, 10], "[1, 0xa]"), ([], "[]"),
        (array("B", range(9)), "[0, 1, 2, 3, 4, 5, 6, 7]"), ("y" * 60, "y" * 60),
        ("y" * 61, "y" * 57 + "..."),
    ],
)  # fmt: skip
def test_a_value_in_a_report_is_short(value: object, text: str) -> None:
    assert short(value) == text
