"""Streams carried over whole: what stays, names by their place, description, machine, RAM."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.stream_files import WHOLE, captured, packages, whole
from tests.test_convert import (
    A,
    B,
    codec,
    converted,
    device,
    field,
    said,
    section,
    stream,
)
from vmgen import ir
from vmgen.cli import run
from vmgen.convert import Converted, Destination, convert, dumps, loads
from vmgen.convert.mapping import Rules
from vmgen.convert.pairing import likeness, suggested
from vmgen.convert.states import Conversion, Misfit
from vmgen.schemas import FORMATS
from vmgen.source import VmgenError
from vmgen.stream import Codecs, Stream, StreamError

C, D = field("c", "uint8", 1), field("d", "uint8", 1)
VERSION_2 = replace(device(A), version_id=2)

# --- names by their place -------------------------------------------------------------


def pairs(old: Sequence[ir.Field], new: Sequence[ir.Field]) -> dict[str, str]:
    """What became of each member of a state with other numbers in every field."""
    with codec(device(*old)) as ours, codec(device(*new)) as theirs:
        before = ours.state(**{one.name: at + 3 for at, one in enumerate(old)})
        _, lines = converted(before, theirs)
        return said(lines)


def test_between_two_names_as_many_members_of_the_same_widths_are_the_same() -> None:
    x, y = field("x", "uint32", 4), field("y", "uint8", 1)
    assert pairs((A, B, C), (A, x, C)) == {"a": "kept", "x": "renamed", "c": "kept"}
    found = pairs((A, B, C, D), (A, x, y, D))
    assert found == {"a": "kept", "x": "renamed", "y": "renamed", "d": "kept"}
    # Another width is another place.
    assert pairs((A, B, C), (A, y, C))["b"] == "lost"
    # So many have another order of widths.
    assert pairs((A, B, C, D), (A, y, x, D)).keys() >= {"b", "c"}


def test_where_one_side_has_more_the_names_must_be_alike() -> None:
    mig, other = field("mig_cmd", "uint32", 4), field("other", "uint32", 4)
    old = (A, field("cmd", "uint32", 4))
    assert pairs(old, (A, mig, C))["mig_cmd"] == "renamed"
    assert pairs(old, (A, other, C)) == {
        "a": "kept", "other": "defaulted", "c": "defaulted", "cmd": "lost",
    }  # fmt: skip


def test_a_name_that_both_have_is_not_taken_for_another() -> None:
    """``b`` moved: the place of ``c`` says nothing about it."""
    assert pairs((A, B), (B, A)) == {"a": "kept", "b": "kept"}


def test_a_mapping_comes_before_the_place() -> None:
    x = field("x", "uint32", 4)
    with codec(device(A, B)) as ours, codec(device(A, x)) as theirs:
        before = ours.state(a=1, b=2)
        assert converted(before, theirs)[0].x == 2
        assert converted(before, theirs, Rules(set={"x": 9}))[0].x == 9
        made, lines = converted(before, theirs, Rules(drop=frozenset({"b"})))
        assert (made.x, said(lines)["b"]) == (0, "lost")
        made, lines = converted(before, theirs, Rules(rename={"a": "x"}))
        assert (made.a, made.x, said(lines)["x"]) == (1, 1, "renamed")


def test_a_list_of_numbers_for_an_array() -> None:
    array = replace(
        field("regs", "uint32", 4), count=ir.Fixed(2), array=True,
        path=(ir.Step("regs", "uint32_t", (2,)),),
    )  # fmt: skip
    rules = loads('{"dev": {"set": {"regs": [1, 2]}}}', "map.json").rules("dev")
    with codec(device(A)) as ours, codec(device(A, array)) as theirs:
        made, lines = converted(ours.state(a=1), theirs, rules)
        assert list(made.regs) == [1, 2]
        assert said(lines)["regs"] == "set"
        with pytest.raises(Misfit, match="a list where"):
            converted(ours.state(a=1), theirs, Rules(set={"a": (1, 2)}))
        with pytest.raises(Misfit):
            converted(ours.state(a=1), theirs, Rules(set={"regs": (1 << 40, 2)}))
    with pytest.raises(VmgenError, match="lists of them"):
        loads('{"dev": {"set": {"a": ["x"]}}}', "map.json")


def test_suggestions_are_alike_and_fit() -> None:
    fits = {("e.virt", "e.virt_enabled"), ("e.virt", "e.other")}
    found = suggested(
        ["e.virt", "e.features"],
        ["e.virt_enabled", "e.other", "f.virt"],
        lambda *pair: pair in fits,
    )
    assert found == {"e.virt": "e.virt_enabled"}
    assert likeness("virt", "virt_enabled") > likeness("virt", "sie")
    with (
        codec(device(A, field("virt", "uint64", 8), C)) as ours,
        codec(device(A, field("virt_enabled", "bool", 1), D)) as theirs,
    ):
        work = Conversion("dev/0")
        work.convert(ours.state(a=1, virt=1, c=5), theirs.state())
        assert work.suggestions() == Rules(
            rename={"virt": "virt_enabled"}, drop=frozenset({"c"})
        )
        # Two does not fit into a bool: no suggestion, and it would be lost.
        work = Conversion("dev/0")
        work.convert(ours.state(a=1, virt=2, c=0), theirs.state())
        assert "virt" in work.suggestions().drop


def test_a_mapping_that_is_written_is_read_again() -> None:
    text = """{"cpu": {"rename": {"a": "b"}, "set": {"c": 1, "d": [1, 2]},
               "drop": ["e"]}, "x": "drop"}"""
    mapping = loads(text, "map.json")
    assert loads(dumps(mapping), "again.json") == mapping


# --- what stays -----------------------------------------------------------------------


def carried(data: bytes, old: object, new: object) -> Converted:
    return convert(Stream(data, {"dev": old}), Codecs({"dev": new}))  # type: ignore[dict-item]


def test_bytes_that_the_new_release_skips_stay() -> None:
    """QEMU takes them, so there is nothing to convert and nothing to lose."""
    unused = replace(B, element=ir.UnusedElement(), path=())
    with codec(device(A, B)) as old, codec(device(A, unused)) as new:
        data = stream(section(1, b"\0\0\0\7\0\0\0\x09"))
        found = carried(data, old, new)
        assert b"".join(map(bytes, found.pieces)) == data
        assert found.harmless


def test_only_the_section_that_is_refused_is_written_again() -> None:
    with codec(device(A)) as old, codec(VERSION_2) as new:
        data = stream(section(1, b"\0\0\0\7"))
        assert carried(data, old, new).pieces[1] == data[8:-1]  # 1 to 2 are loaded
        newer = replace(VERSION_2, minimum_version_id=2)
        with codec(newer) as strict:
            found = carried(data, old, strict)
            assert b"".join(map(bytes, found.pieces)) == stream(section(2, b"\0\0\0\7"))


# --- whole streams of QEMU --------------------------------------------------------------

RISCV = "riscv64-virt-vh-bare--7.2.22"
RULES = """{"cpu": {"rename": {"env.virt": "env.virt_enabled"},
                   "drop": ["env.features", "env.misa_mxl_max"]}}"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("a.mig").write_bytes(captured(RISCV))
    Path("map.json").write_text(RULES)
    return tmp_path


def vmgen(words: str) -> int:
    return run(f"stream convert a.mig --from 7.2 --to 10.0 -o b.mig {words}".split())


def test_the_description_is_that_of_the_new_sections(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert vmgen("--map map.json --format json") == 0
    report = json.loads(capsys.readouterr().out)["lines"]
    (line,) = (one for one in report if one["path"] == "description")
    assert line["what"] == "kept"
    assert line["why"] == "1 of its sections are described as they are now"
    codecs = packages()["riscv64"]
    with Stream("b.mig", codecs) as made, Stream(captured(RISCV)) as old:
        assert made.description is not None
        assert old.description is not None
        (cpu,) = (one for one in made.description.devices if one.name == "cpu")
        names = [one["name"] for one in cpu.node["fields"]]
        assert {"env.virt_enabled", "env.mvien"} <= {*names}
        assert "env.virt" not in names
        assert cpu.version == 10
        others = [one.text for one in made.description.devices if one.name != "cpu"]
        assert others == [
            one.text for one in old.description.devices if one.name != "cpu"
        ]
        # Strict reading compares every entry with what the codec makes of the bytes.
        section = made.section("cpu", 0)
        assert section.device is not None
        assert section.device.size == section.end - section.start
        assert made.state(section).env.virt_enabled is False


def test_a_mapping_to_look_at(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vmgen("--write-map new.json --report none") == 1
    assert not Path("b.mig").exists()
    assert "look at it before you give it with --map" in capsys.readouterr().err
    written = json.loads(Path("new.json").read_text())
    assert written == {"format": FORMATS["stream-map"], **json.loads(RULES)}
    assert vmgen("--map new.json --report none") == 0


def test_the_result_is_explained_before_it_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A machine type that the new release lacks: nothing is written."""
    assert vmgen("--map map.json --report none --machine none-1.0") == 1
    said = capsys.readouterr().err
    assert "refused by QEMU 10.0" in said
    assert "the release has no machine type 'none-1.0'" in said
    assert "not written, the result would be refused" in said
    assert not Path("b.mig").exists()
    words = "--map map.json --report none --machine none-1.0 --accept-refusal"
    assert vmgen(words) == 0
    with Stream("b.mig") as made:
        assert made.configuration is not None
        assert made.configuration.machine == "none-1.0"


def test_another_machine_type(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "x86_64-pc-max-seabios--10.0.2"
    Path("a.mig").write_bytes(captured(name))
    line = "stream convert a.mig --from 10.0 --to 10.0 -o b.mig --machine pc-i440fx-9.2"
    assert run(line.split()) == 0
    assert capsys.readouterr().out == (
        "configuration\n  set       machine  pc-i440fx-10.0 → pc-i440fx-9.2  (by --machine)\n"
    )
    with Stream("b.mig", packages()["x86_64"]) as made, Stream(captured(name)) as old:
        assert made.configuration is not None
        assert made.configuration.machine == "pc-i440fx-9.2"
        assert made.description is not None
        node = made.description.configuration
        assert node is not None
        assert [one["size"] for one in node["fields"]][:2] == [4, len("pc-i440fx-9.2")]
        assert [one.path for one in made.sections] == [one.path for one in old.sections]


# --- RAM blocks ---------------------------------------------------------------------------


def resized(data: bytes, name: str, size: int) -> tuple[bytes, Converted]:
    codecs = packages()["riscv64"]
    with Stream(data, codecs) as source:
        found = convert(source, codecs, None, Destination(blocks={name: size}))
        return b"".join(map(bytes, found.pieces)), found


def with_ram() -> str:
    """A stream with its RAM."""
    return next(one for one in WHOLE if one.startswith("riscv64-virt"))


def contents(data: bytes) -> dict[str, tuple[int, dict[int, bytes]]]:
    """Every block: its length, and its pages that are not zero."""
    with Stream(data) as found:
        memory = found.memory()
        return {
            block.name: (
                block.used_length,
                {
                    at: bytes(page)
                    for at, page in memory.contents(block.name)
                    if any(page)
                },
            )
            for block in memory.blocks
        }


def test_a_block_grows() -> None:
    data = whole(with_ram())
    before = contents(data)
    name, (size, pages) = next(
        (name, one) for name, one in before.items() if one[1] and one[0] < 1 << 20
    )
    made, found = resized(data, name, size + 0x3000)
    after = contents(made)
    assert after.pop(name) == (size + 0x3000, pages)
    del before[name]
    assert after == before
    (line,) = (one for one in found.lines if one.section == "ram/0")
    assert (line.what, line.path, line.old, line.new) == (
        "set", name, hex(size), hex(size + 0x3000),
    )  # fmt: skip
    with Stream(made) as stream:
        records = list(stream.memory().pages(name))
        assert {one.address for one in records} >= {size, size + 0x1000, size + 0x2000}
    # And back again: nothing is lost, since nothing is there.
    again, found = resized(made, name, size)
    assert found.harmless
    assert contents(again) == contents(data)


def test_pages_behind_the_end_are_lost() -> None:
    data = whole(with_ram())
    name, (_, pages) = next(
        (name, one)
        for name, one in contents(data).items()
        if one[1] and one[0] > 0x2000
    )
    last = max(pages)
    made, found = resized(data, name, last or 0x1000)
    if last:
        (line,) = (one for one in found.lines if one.harm)
        assert (line.section, line.path, line.old) == ("ram/0", name, "1 pages")
        assert last not in contents(made)[name][1]
    assert contents(made)[name][0] == (last or 0x1000)
    others = {one: each for one, each in contents(data).items() if one != name}
    assert {one: each for one, each in contents(made).items() if one != name} == others


@pytest.mark.parametrize(
    ("size", "message"),
    [(0x1234, "no whole number of pages"), (1 << 60, "pages would be added")],
)
def test_sizes_that_no_block_has(size: int, message: str) -> None:
    data = whole(with_ram())
    name = next(iter(contents(data)))
    with pytest.raises(StreamError, match=message):
        resized(data, name, size)
    with pytest.raises(StreamError, match="no block"):
        resized(data, "nothing", 0x1000)


def test_a_mapped_ram_file_keeps_its_places() -> None:
    data = whole("riscv64-mapped-ram--10.0.2")
    codecs = packages()["riscv64"]
    with Stream(data, codecs) as source:
        name = source.memory().blocks[0].name
        for other in (Destination(blocks={name: 0x1000}), Destination("longer-name")):
            with pytest.raises(StreamError, match="mapped"):
                convert(source, codecs, None, other)


@pytest.mark.parametrize(
    "words",
    ["--ram pc.ram", "--ram =1", "--ram a=x", "--ram a=1 --ram a=2", "--machine="],
)
def test_options_that_say_nothing(folder: Path, words: str) -> None:
    assert vmgen(words) == 2
