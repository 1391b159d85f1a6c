"""Streams as text and as JSON: the same values in both, and every form of a value."""

from __future__ import annotations

import json
from array import array
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.stream_files import captured, codecs_of
from tests.test_stream_read import opened
from vmgen.paint import Kind
from vmgen.stream import Stream, show
from vmgen.stream.compare import Change
from vmgen.stream.errors import Question
from vmgen.stream.parts import Section
from vmgen.stream.paths import ABSENT

RISCV = "riscv64-virt-vh-bare--10.0.2"
X86 = "x86_64-q35-bare--10.0.2"


def marked(kind: Kind, text: str) -> str:
    return f"<{kind}:{text}>"


def streams() -> list[Stream]:
    return [
        opened(RISCV),
        Stream(captured(RISCV), codecs_of(RISCV)),
        Stream(captured(X86), codecs_of(X86)),
        Stream(captured(RISCV), use_description=False, page_size=4096),
    ]


# --- JSON -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(4))
def test_the_text_of_json_is_its_values(number: int) -> None:
    stream = streams()[number]
    values = show.as_json(stream)
    assert json.loads("".join(show.json_text(stream))) == values
    assert json.loads(show.dumps(values)) == values
    some = list(stream.sections)[:2]
    assert show.as_json(stream, some)["sections"] == values["sections"][:2]
    assert json.loads("".join(show.json_text(stream, some)))["sections"] == (
        values["sections"][:2]
    )
    assert json.loads("".join(show.json_text(stream, [])))["sections"] == []
    codecs = stream.codecs
    assert values["target"] == ("" if codecs is None else codecs.target)
    assert ("releases" in values) == (codecs is not None and bool(codecs.releases))
    for one, section in zip(values["sections"], stream.sections, strict=True):
        assert one["name"] == section.name
        assert (one["offset"], one["size"]) == (section.offset, section.size)
        assert (one["kind"], one["read_by"]) == (section.kind, section.means)
        assert (one["version_id"], one["instance_id"]) == (
            section.version_id,
            section.instance_id,
        )
        assert one["codec"] == (section.codec.name if section.codec else None)
        assert ("open" in one) == bool(section.open)
    assert [one["name"] for one in values["sections"] if "registers" in one] == (
        ["cpu"] if codecs is not None else []
    )


def test_what_only_some_streams_say_is_in_the_json() -> None:
    codecs = codecs_of(RISCV)
    assert codecs is not None
    stream = Stream(captured(RISCV), codecs.but(releases=("1.0", "2.0")))
    values = show.as_json(stream)
    assert values["releases"] == ["1.0", "2.0"]
    assert "alternatives" not in values
    configuration = stream.configuration
    assert configuration is not None
    assert values["configuration"] == {
        "machine": configuration.machine,
        **{one.name: show.jsonable(one.value) for one in configuration.subsections},
    }
    memory = next(one for one in values["sections"] if one["name"] == "ram")["state"]
    known = stream.memory()
    assert memory["page_size"] == known.page_size
    assert [one["name"] for one in memory["blocks"]] == [
        one.name for one in known.blocks
    ]
    for item, block in zip(memory["blocks"], known.blocks, strict=True):
        assert item["used_length"] == block.used_length
        assert item["pages"] == dict(block.pages)
        assert item.get("address") == block.address
        assert "mapped" not in item


def test_values_that_json_has_no_word_for() -> None:
    plain = {
        "a": array("H", [1, 2]), "b": b"\1\2", "c": bytearray(b"\3"), "d": memoryview(b"\4"),
        "e": ABSENT, "f": [(1, b"\5")], "g\n": True, "h": None,
    }  # fmt: skip
    assert show.jsonable(plain) == {
        "a": [1, 2], "b": "0102", "c": "03", "d": "04", "e": None, "f": [[1, "05"]],
        "g\\x0a": True, "h": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{}\n"),
        ([1, 2], "[1, 2]\n"),
        ({"a": 1, "b": 2, "c": 3, "d": 4}, '{"a": 1, "b": 2, "c": 3, "d": 4}\n'),
        (dict.fromkeys("abcde", 0),
         '{\n  "a": 0,\n  "b": 0,\n  "c": 0,\n  "d": 0,\n  "e": 0\n}\n'),
        ({"a": [1]}, '{\n  "a": [1]\n}\n'),
        ({"a": {"b": 1}}, '{\n  "a": {"b": 1}\n}\n'),
        ([[1], [2, 3]], "[\n  [1],\n  [2, 3]\n]\n"),
        ([{"a": 1}], '[\n  {"a": 1}\n]\n'),
        ([], "[]\n"),
        ("x", '"x"\n'),
    ],
)  # fmt: skip
def test_json_has_small_values_on_one_line(value: Any, text: str) -> None:
    assert show.dumps(value) == text


# --- text -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"), (ABSENT, "absent"), (True, "true"), (False, "false"), (0, "0"), (9, "9"),
        (10, "0xa"), (-9, "-9"), (-10, "-0xa"), (255, "0xff"), ("text", "text"), ("a\tb", "a\\x09b"),
        (b"", ""), (b"\1\2", "0102"), (bytes(3), "00 x 3"), (b"\0", "00 x 1"),
        (b"\1" * 100, "01" * 100), (b"\1" * 101, f"{'01' * 100}... 101 bytes"),
        (memoryview(b"\7"), "07"), (bytearray(b"\7"), "07"), ({"a": 1}, "{...}"),
        ([], "[]"), ([1, 1, 1, 2], "[1 x 3, 2]"), ([1, 2, 2], "[1, 2 x 2]"),
        (array("B", [16, 16]), "[0x10 x 2]"), ([{"a": 1}, [1, 2]], "[{...}, [... 2]]"),
        ([None, ABSENT], "[null, absent]"),
        (list(range(64)), None), (list(range(65)), "... 1 more"), (list(range(70)), "... 6 more"),
        ([*range(64), 63, 63], None), ([*range(63), 5, 5, 5], None),
    ],
)  # fmt: skip
def test_a_value_is_one_line(value: Any, text: str | None) -> None:
    found = show.formatted(value)
    assert "\n" not in found
    if text is None:
        assert "more" not in found
    elif text.startswith("..."):
        assert found.endswith(f", {text}]")
        assert found.count(",") == 64
    else:
        assert found == text


def test_kinds_of_values_have_colours() -> None:
    assert show.formatted(10, marked) == "<number:0xa>"
    assert show.formatted(True, marked) == "<number:true>"
    assert show.formatted(None, marked) == "<faint:null>"
    assert show.formatted([1, 1], marked) == "[<number:1> x 2]"


def test_a_table_has_a_line_for_each_section() -> None:
    for stream in streams():
        text = "".join(show.table(stream))
        assert text.endswith("\n")
        lines = text.splitlines()
        head = next(
            at for at, line in enumerate(lines) if line.split()[:1] == ["offset"]
        )
        rows = lines[head + 1 :]
        sections = list(stream.sections)
        for row, one in zip(rows, sections, strict=False):
            offset, size, kind, number, version, path, *_ = row.split()
            assert (int(offset, 16), int(size)) == (one.offset, one.size)
            assert (kind, int(number), int(version)) == (
                one.kind,
                one.id,
                one.version_id,
            )
            assert path == one.path
            assert (
                (f"codec {one.codec.name}" in row) == (one.means == "codec")
                if one.codec
                else True
            )
        said = rows[len(sections) :]
        document = stream.description
        if document is not None:
            assert said[0].split()[:2] == [hex(document.offset), str(document.size)]
            assert said[0].endswith(f"description of {len(document.devices)} sections")
        assert len(said) == (document is not None)
        before = [line.split() for line in lines[:head]]
        assert stream.configuration is not None
        assert before[0] == ["machine", stream.configuration.machine]
        target = ["target", stream.codecs.target] if stream.codecs else None
        assert (target in before) == (target is not None)


def test_what_follows_a_stream_is_in_its_table() -> None:
    data = captured(RISCV) + b"xyz"
    lines = "".join(show.table(Stream(data, strict=False, page_size=4096))).splitlines()
    assert lines[-1].split() == [
        hex(len(data) - 3),
        "3",
        "bytes",
        "that",
        "follow",
        "the",
        "stream",
    ]


def test_a_section_is_a_value_a_line() -> None:
    stream = Stream(captured(RISCV), codecs_of(RISCV))
    cpu = stream.section("cpu")
    first, *lines = "".join(show.section_text(stream, cpu)).splitlines()
    assert first == (
        f"cpu/0  version {cpu.version_id}, {cpu.end - cpu.start} bytes at {cpu.start:#x}"
    )
    known = show.section_json(stream, cpu)["registers"]
    # Below gdb's name of a group its registers, each with its number in hexadecimal.
    table = [line for line in lines if " = " not in line]
    rows = [line.split() for line in table if not line.startswith("  org.")]
    shown = {
        row[at]: int(row[at + 1], 16) for row in rows for at in range(0, len(row), 2)
    }
    assert shown == known
    assert "  org.gnu.gdb.riscv.cpu" in table
    assert all(" = " in line for line in lines[len(table) :])
    memory = "".join(show.section_text(stream, stream.section("ram"))).splitlines()
    blocks = stream.memory().blocks
    assert memory[1] == f"  page size {stream.memory().page_size}"
    for line, block in zip(memory[2:], blocks, strict=True):
        assert line.startswith(f"  {block.name} {block.used_length:#x} bytes")
        assert all(f"{count} {kind}" in line for kind, count in block.pages.items())
        assert (" at 0x" in line) == (block.address is not None)
        assert line.endswith("no pages") == (not block.pages)


@pytest.mark.parametrize("size", [0, 4, 64, 65])
def test_bytes_that_nobody_reads_are_shown_as_far_as_a_line_goes(size: int) -> None:
    body = bytes(range(size))
    section = cast(
        Section,
        SimpleNamespace(path="x/0", version_id=1, start=16, end=16 + size, means="footer", open=None),
    )  # fmt: skip
    stream: Any = SimpleNamespace(values=lambda _: None, body=lambda _: body)
    head, line = "".join(show.section_text(stream, section)).splitlines()
    assert head == f"x/0  version 1, {size} bytes at 0x10"
    assert line.strip() == body[:64].hex(" ", 4) + (" ..." if size > 64 else "")


@pytest.mark.parametrize(
    ("change", "text", "values"),
    [
        (Change("a.b", 1, 16), "a.b 1 -> 0x10\n", {"path": "a.b", "old": 1, "new": 16}),
        (Change("a", ABSENT, b"\1"), "a absent -> 01\n", {"path": "a", "new": "01"}),
        (Change("a", [1], ABSENT), "a [1] -> absent\n", {"path": "a", "old": [1]}),
        (Change("a", None, 0), "a null -> 0\n", {"path": "a", "old": None, "new": 0}),
        (
            Change("r", ABSENT, ABSENT, 1),
            "r 1 page differ\n",
            {"path": "r", "pages": 1},
        ),
        (
            Change("r", ABSENT, ABSENT, 2),
            "r 2 pages differ\n",
            {"path": "r", "pages": 2},
        ),
    ],
)
def test_a_difference(change: Change, text: str, values: dict[str, Any]) -> None:
    assert show.change_text(change) == text
    assert show.change_json(change) == values


def test_a_file_whose_pages_have_fixed_places() -> None:
    name = "riscv64-mapped-ram--10.0.2"
    stream = Stream(captured(name), codecs_of(name))
    lines = "".join(show.table(stream)).splitlines()
    assert "capabilities mapped-ram" in lines
    values = show.as_json(stream)
    assert values["configuration"]["configuration/capabilities"] == ["mapped-ram"]
    ram = next(one for one in values["sections"] if one["name"] == "ram")["state"]
    memory = "".join(show.section_text(stream, stream.section("ram"))).splitlines()
    seen = 0
    for item, line, block in zip(
        ram["blocks"], memory[2:], stream.memory().blocks, strict=True
    ):
        assert block.mapped is not None
        assert item["mapped"]["bitmap_offset"] == block.mapped.bitmap_offset
        assert item["mapped"]["pages_offset"] == block.mapped.pages_offset
        assert item.get("page_size") == block.page_size
        assert line.endswith(f": mapped at {block.mapped.pages_offset:#x}")
        # As many bits as the bitmap in the file has.
        page = block.page_size or stream.memory().page_size
        at, length = block.mapped.bitmap_offset, block.used_length // page // 8
        bits = captured(name)[at : at + max(length, 1)]
        assert item["mapped"]["pages"] == sum(byte.bit_count() for byte in bits)
        seen += item["mapped"]["pages"]
    assert seen > 0


@pytest.mark.parametrize(
    ("question", "word"),
    [
        (Question("member", "CPU.n", "text"), "CPU.n"),
        (
            Question("device", "vga", "text", candidates=("a", "b")),
            "one of a or b",
        ),
        (Question("description", "", "text"), "the stream's description"),
    ],
)
def test_what_is_missing_to_read_a_section_is_named(
    question: Question, word: str
) -> None:
    section: Any = SimpleNamespace(
        path="x/0", name="x", instance_id=0, version_id=1, kind="full", id=3, offset=16, size=9,
        start=20, end=24, codec=None, means="footer", open=question,
    )  # fmt: skip
    stream: Any = SimpleNamespace(
        configuration=None, codecs=None, sections=[section], description=None,
        parts=list, values=lambda _: None, body=lambda _: b"\1\2\3\4",
    )  # fmt: skip
    row = "".join(show.table(stream)).splitlines()[-1]
    assert row.split("  ")[-1] == f"only bytes, needs {word}"
    _, text, hint, body = "".join(show.section_text(stream, section)).splitlines()
    assert text == "  missing information: text"
    assert (hint, body) == (f"  {question.hint}", "  01020304")
    made = show.section_json(stream, section)
    assert made["open"].pop("candidates", []) == list(question.candidates)
    assert made["open"] == {"kind": question.kind, "key": question.key, "text": "text"}


def test_what_is_absent_is_no_value() -> None:
    assert show.formatted(ABSENT, marked) == "<faint:absent>"
