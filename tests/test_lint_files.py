"""Each file of a run is a unit of its own: what it says of a name is said for it alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.test_lint import CALLBACKS, CASES, CONTROL, HEAD, LOADED, table
from vmgen import ir
from vmgen.c_text import CText
from vmgen.cli import run
from vmgen.lint import CSources, Selection, lint
from vmgen.lint.linted import PropertyMembers
from vmgen.lint.visible import FileRecord, HeaderRecords
from vmgen.pipeline import Request, compile_program
from vmgen.source import Position

CODE = CALLBACKS.format(write="s->mode = value;", read="return s->mode;", post_load="")
SENDS_MODE = "VMSTATE_UINT32(mode, Dev)"
PAIRS = {
    **CASES,
    "VG816": (
        CODE + table(CONTROL, head=LOADED),
        CODE + table(CONTROL, SENDS_MODE, head=LOADED),
    ),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def found(capsys: pytest.CaptureFixture[str], *files: str) -> Counter[str]:
    """The findings of a run, as the lines that it prints."""
    assert run(["lint", *files, "--format", "json"]) < 2
    return Counter(capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("code", PAIRS)
@pytest.mark.parametrize("static", [False, True])
def test_a_file_beside_one_of_the_same_names_has_the_findings_that_it_has_alone(
    code: str, static: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Structs, functions and tables of one name, with other contents."""
    bad, good = PAIRS[code]
    use = "void use(DeviceClass *dc)\n{\n    dc->vmsd = &vmstate_dev;\n}\n"
    for name, text in (("a.c", bad), ("b.c", good)):
        if static:
            text = re.sub("^const VMS", "static const VMS", text, flags=re.MULTILINE)
            text += "" if code == "VG812" else use
        Path(name).write_text(HEAD + text)
    alone = found(capsys, "a.c") + found(capsys, "b.c")
    assert alone
    assert found(capsys, "a.c", "b.c") == alone == found(capsys, "b.c", "a.c")


def test_of_a_table_that_two_files_define_a_third_one_says_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Which one it means, only a link says; the two are looked at."""
    inner = HEAD + CASES["VG805"][0]
    for name in ("a.c", "b.c"):
        Path(name).write_text(inner)
    outer = table(
        "VMSTATE_STRUCT(dev, Board, 1, vmstate_dev, Dev)", symbol="vmstate_board"
    )
    named = "extern const VMStateDescription vmstate_dev;\n"
    Path("c.c").write_text(HEAD + named + outer.replace("Dev, ", "Board, "))
    status = run(["lint", "a.c", "b.c", "c.c", "--format", "json"])
    out, err = capsys.readouterr()
    files = [json.loads(line)["file"] for line in out.splitlines()]
    assert (status, files) == (1, ["a.c", "b.c", "c.c"])  # of c.c the error
    assert err.count("[VG502]") == 1
    assert "c.c:" in err
    # One of them may be meant.
    assert run(["lint", "a.c", "c.c"]) == 1
    assert "VG502" not in capsys.readouterr().err


def test_a_struct_is_that_of_the_header_that_a_file_includes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Two headers in one folder have a 'Dev' each; in one of them 'mode' is a pointer."""
    start = HEAD.index("typedef struct Dev {")
    stop = HEAD.index("} Dev;") + len("} Dev;\n")
    struct, rest = HEAD[start:stop], HEAD[:start] + '#include "{}.h"\n' + HEAD[stop:]
    Path("a.h").write_text(struct.replace("uint32_t mode;", "uint8_t *mode;"))
    Path("b.h").write_text(struct)
    for name in ("a", "b"):
        text = rest.replace("{}", name) + CODE + table(CONTROL, head=LOADED)
        Path(f"{name}.c").write_text(text)
    both = found(capsys, "a.c", "b.c")
    assert [(json.loads(one)["file"], json.loads(one)["code"]) for one in both] == [
        ("b.c", "VG816")
    ]


def test_the_headers_of_headers_and_of_targets() -> None:
    texts = {
        "include/hw/one.h": '#include "two.h"\n',
        "include/hw/two.h": "struct Same { int of_two; };\n",
        "include/hw/other.h": "struct Same { int of_other; };\n",
        "target/arm/cpu.h": "struct Cpu { int arm; };\n",
        "target/avr/cpu.h": "struct Cpu { int avr; };\ntypedef struct Cpu AVRCPU;\n",
        "hw/a.c": '#include "hw/one.h"\n',
        "hw/b.c": '// #include "hw/one.h"\n#include "hw/other.h"\n',
        "hw/c.c": "",
        "hw/avr/board.c": '#include "cpu.h"\n',
        "target/arm/tcg/x.c": '#include "cpu.h"\n#include "../../avr/cpu.h"\n',
    }

    def read(name: str) -> CText | None:
        return CText(texts[name]) if name in texts else None

    headers = HeaderRecords([one for one in texts if one.endswith(".h")], read)
    same = {one: headers.home("Same", f"hw/{one}.c") for one in "abc"}
    assert same == {
        "a": "include/hw/two.h",
        "b": "include/hw/other.h",
        "c": "include/hw/two.h",
    }
    assert headers.home("Cpu", "hw/avr/board.c") == "target/avr/cpu.h"
    assert headers.home("Cpu", "target/arm/tcg/x.c") == "target/arm/cpu.h"
    assert headers.tag("AVRCPU", "hw/c.c") == "Cpu"
    assert headers.home("Gone", "hw/a.c") == ""
    members = headers.members("Same", "hw/b.c")
    assert members is not None
    assert list(members) == ["of_other"]


def sources(**texts: str) -> CSources:
    for name, text in texts.items():
        Path(f"{name}.c").write_text(text)
    return CSources(Path(), Path(), is_tree=False)


def test_a_property_sets_a_member_of_its_own_struct_only() -> None:
    """The tree's facts of 'Other' say nothing of a 'Dev' that has such a member too."""
    records = sources(
        a="struct Part { int level; };\nstruct Dev { int mode; struct Part part; };\n"
    ).records("a.c")

    def have(record: FileRecord, way: str, *path: str) -> bool:
        places = frozenset({(record, tuple(way.split(".")))})
        return PropertyMembers(frozenset(), places).have(records, "Dev", path)

    assert have(FileRecord("a.c", "Dev"), "mode", "mode")
    assert not have(FileRecord("a.c", "Other"), "mode", "mode")
    assert not have(FileRecord("b.c", "Dev"), "mode", "mode")
    assert have(FileRecord("a.c", "Dev"), "part", "part", "level")
    assert have(FileRecord("a.c", "Part"), "level", "part", "level")
    assert not have(FileRecord("a.c", "Part"), "mode", "part", "level")
    words = PropertyMembers(frozenset({"level"}), frozenset())
    assert words.have(records, "Dev", ("part", "level"))


def test_a_property_of_another_device_hides_no_missing_state() -> None:
    text = HEAD + CODE + table(CONTROL, head=LOADED)
    read = sources(dev=text, other="typedef struct Dev { int mode; } Dev;\n")
    read_alone = compile_program(Request(sources=("dev.c",)))

    def codes(file: str) -> list[str]:
        place = ir.Property(
            "other", "mode", "number", (ir.MemberPlace("Dev", "mode"),),
            position=Position(file, 1),
        )  # fmt: skip
        facts = ir.Machines(properties=(place,))
        program = replace(read_alone, machines=facts)
        return [each.code for each in lint([program], read, Selection(("VG816",)))]

    assert codes("other.c") == ["VG816"]
    assert codes("dev.c") == []


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ("union { uint32_t wide; uint8_t bytes[4]; } both;", []),
        ("struct { uint32_t wide; uint8_t bytes[4]; } both;", ["both.wide"]),
        ("Both both;", []),
    ],
)
def test_what_shares_its_bytes_with_what_is_sent_is_sent(
    member: str, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    union = "typedef union Both { uint32_t wide; uint8_t bytes[4]; } Both;\n\n"
    head = HEAD.replace("typedef struct Dev {", union + "typedef struct Dev {")
    head = head.replace(
        "uint8_t *data;\n} Dev", f"uint8_t *data;\n    {member}\n}} Dev"
    )
    code = CALLBACKS.format(
        write="s->both.wide = value;", read="return s->both.wide;", post_load=""
    )
    sent = "VMSTATE_UINT8_ARRAY(both.bytes, Dev, 4)"
    Path("dev.c").write_text(head + code + table(CONTROL, sent, head=LOADED))
    run(["lint", "dev.c", "--format", "json", "--select", "VG816"])
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    assert [one["context"][1] for one in lines] == expected


def test_a_union_without_a_name_is_one_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Beside what is in no union."""
    both = "    union { uint32_t wide; uint8_t bytes[4]; };\n} Dev"
    head = HEAD.replace("} Dev", both, 1)
    sent = "VMSTATE_UINT8_ARRAY(bytes, Dev, 4)"
    for member, expected in (("wide", []), ("mode", ["mode"])):
        code = CALLBACKS.format(
            write=f"s->{member} = value;", read=f"return s->{member};", post_load=""
        )
        Path("dev.c").write_text(head + code + table(CONTROL, sent, head=LOADED))
        run(["lint", "dev.c", "--format", "json", "--select", "VG816"])
        lines = map(json.loads, capsys.readouterr().out.splitlines())
        assert [one["context"][1] for one in lines] == expected
