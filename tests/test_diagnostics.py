"""Diagnostics as text, as JSON and as annotations, from every command."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.documents import FIXTURES
from vmgen.cli import run
from vmgen.cli.listed import COMMANDS
from vmgen.report import github, json_lines, render
from vmgen.source import Diagnostic, Position

WRONG = Path(__file__).parent / "cases" / "wrong.c"
ODD = Diagnostic(
    "VG999",
    "100% of\r\nit",
    Position("a,b:c%.c", 3, 7),
    "note",
    "do, or: not",
    ("vmstate_a", "b"),
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VMGEN_DIAGNOSTICS", raising=False)
    shutil.copy(WRONG, tmp_path)


def documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_what_a_file_holds_does_not_steer_the_terminal() -> None:
    found = Diagnostic(
        "VG000",
        "no '\x1b[2J'",
        Position("a\x07.c", 1, 3),
        hint="\x08",
        context=("x\x9b",),
        excerpt="\t\x1bx",
    )
    text = render([found])
    assert not set(text) & {"\x1b", "\x07", "\x9b", "\x08"}
    line, excerpt, caret, hint = text.splitlines()
    assert line == r"a\x07.c:1:3: error: in x\x9b: no '\x1b[2J' [VG000]"
    assert excerpt.endswith("| \t\\x1bx")
    assert caret.endswith("| \t    ^")
    assert hint == r"    hint: \x08"


@pytest.mark.parametrize(
    ("context", "line", "column"),
    [
        (("vmstate_a", "b"), "  VMSTATE_UINT32(b, Dev),", 18),
        (("vmstate_a", "b"), "const X vmstate_a = {", 9),
        (("vmstate_a", ""), "const X vmstate_a = {", 9),
        (("other",), "\t x", 3),
        (("other",), "", 1),
    ],
)
def test_a_finding_in_a_line_is_at_the_innermost_name_there(
    context: tuple[str, ...], line: str, column: int
) -> None:
    found = Diagnostic("VG999", "", Position("a.c", 3), context=context)
    shown = found.with_line(line)
    assert (shown.excerpt, shown.position) == (line, Position("a.c", 3, column))
    kept = replace(found, position=Position("a.c", 3, 4)).with_line(line)
    assert kept.position.column == 4


def test_annotations_are_escaped_as_the_runner_reads_them() -> None:
    assert github([ODD]) == (
        "::notice file=a%2Cb%3Ac%25.c,line=3,col=7,title=VG999::"
        "in vmstate_a, b: 100%25 of%0D%0Ait%0Ahint: do, or: not\n"
    )
    assert github([Diagnostic("VG999", "m")]) == "::error title=VG999::m\n"
    assert github([Diagnostic("VG999", "m", Position("f"), "warning")] * 2) == (
        "::warning file=f,title=VG999::m\n"
    )


def test_json_has_every_part() -> None:
    (found,) = documents(json_lines([ODD]))
    assert found == {
        "version": 1,
        "severity": "note",
        "code": "VG999",
        "message": "100% of\r\nit",
        "file": "a,b:c%.c",
        "line": 3,
        "column": 7,
        "context": ["vmstate_a", "b"],
        "hint": "do, or: not",
        "excerpt": "",
    }


@pytest.mark.parametrize("where", ["option", "group", "environment"])
@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_each_form_tells_the_same(
    form: str,
    where: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = ["generate", "wrong.c"]
    if where == "option":
        arguments += ["--diagnostics", form]
    elif where == "group":
        arguments[:0] = ["--diagnostics", form]
    else:
        monkeypatch.setenv("VMGEN_DIAGNOSTICS", form)
    assert run(arguments) == 2
    out, said = capsys.readouterr()
    assert out == ""
    places = [(17, "VG310"), (18, "VG310"), (19, "VG303"), (21, "VG416"), (27, "VG413")]
    if form == "json":
        found = [(one["line"], one["code"]) for one in documents(said)]
    elif form == "github":
        pattern = r"^::error file=wrong\.c,line=(\d+),col=\d+,title=(VG\d+)::"
        found = [(int(line), code) for line, code in re.findall(pattern, said, re.M)]
        assert len(found) == said.count("\n")
    else:
        pattern = r"^wrong\.c:(\d+):\d+: error: .*\[(VG\d+)\]$"
        found = [(int(line), code) for line, code in re.findall(pattern, said, re.M)]
    assert found == places


def test_files_below_the_working_folder_are_named_from_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("pyproject.toml").write_text("[tool.vmgen]\ntarget = 1\n")
    assert run(["check", "--diagnostics", "github"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("::error file=pyproject.toml,line=2,col=1,title=VG611::")


LINES = {
    "generate": ("generate nowhere.c", "VG630"),
    "check": ("check nowhere.c", "VG630"),
    "inspect": ("inspect --input nowhere.c", "VG630"),
    "coverage": ("coverage", "VG630"),
    "lint": ("lint nowhere.c", "VG630"),
    "compat": ("compat embedded . -t arm", "VG632"),
    "cache": ("cache rm nowhere", "VG647"),
    "diff": ("diff embedded . -t arm", "VG632"),
    "lock": ("lock nowhere.c", "VG630"),
    "stream": ("stream show nowhere", "VG707"),
    "stream list": ("stream list nowhere", "VG707"),
    "fleet": ("fleet report nowhere", "VG600"),
    "releases": ("releases --format xml", "VG600"),
    "schema": ("schema none", "VG600"),
    "archive": ("archive nowhere", "VG600"),
    "init": ("init --foo", "VG600"),
    "completion": ("completion tcsh", "VG600"),
    "help": ("help VG000", "VG600"),
    "stream verify": ("stream verify nowhere", "VG707"),
    "stream edit": ("stream edit nowhere a=1 -o x", "VG707"),
    "stream view": ("stream view nowhere", "VG707"),
    "stream diff": ("stream diff nowhere nowhere", "VG707"),
    "stream extract": ("stream extract nowhere cpu -o x", "VG707"),
    "stream explain": ("stream explain nowhere", "VG707"),
    "stream convert": ("stream convert nowhere --from a --to b -o c", "VG707"),
    "serve": ("serve gdb nowhere", "VG707"),
    "export": ("export elf nowhere -o x", "VG707"),
    "import": ("import raw nowhere --template nowhere -o x", "VG707"),
    "usage": ("stream show", "VG600"),
    "group": ("nothing", "VG600"),
}


@pytest.mark.parametrize("name", LINES)
def test_every_command_has_codes_in_every_form(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line, code = LINES[name]
    for form in ("text", "json", "github"):
        monkeypatch.setenv("VMGEN_DIAGNOSTICS", form)
        assert run(line.split()) == 2
        said = capsys.readouterr().err
        if form == "json":
            assert [one["code"] for one in documents(said)] == [code]
        elif form == "github":
            assert re.fullmatch(rf"::error .*title={code}::.+\n", said)
        else:
            assert f"[{code}]" in said


def test_every_command_is_tried() -> None:
    assert set(COMMANDS) <= set(LINES)


def test_out_of_date_files_and_locks_are_annotated(
    capsys: pytest.CaptureFixture[str],
) -> None:
    uart = Path("wrong.c").read_text().split("static const")[0] + (
        'const VMStateDescription vmstate_bad = { .name = "bad", .version_id = 1,\n'
        " .minimum_version_id = 1, .fields = (const VMStateField[]) {\n"
        " VMSTATE_UINT32(word, Bad), VMSTATE_END_OF_LIST() } };\n"
    )
    Path("uart.c").write_text(uart)
    assert run(["generate", "uart.c"]) == 0
    assert run(["lock", "uart.c"]) == 0
    assert run(["check", "uart.c", "--diagnostics", "github"]) == 0
    assert "::" not in capsys.readouterr().err
    Path("uart.c").write_text(
        uart.replace("uint32_t word", "uint16_t word").replace("UINT32(w", "UINT16(w")
    )
    assert run(["check", "uart.c", "--diagnostics", "github"]) == 1
    out, said = capsys.readouterr()
    assert "::error file=vmgen.lock.json,title=VG651::" in said
    assert "::error file=generated/uart.py,title=VG650::" in said
    assert "fix: vmgen generate uart.c\n" in said  # not what only this run is
    assert re.search(r"^::error file=uart\.c,line=\d+,title=bad%3A", out, re.M)
    assert run(["check", "uart.c", "--diagnostics", "json"]) == 1
    found = documents(capsys.readouterr().err)
    assert {"VG650", "VG651"} <= {one.get("code", "") for one in found}
    assert {"version": 1, "message": "fix: vmgen generate uart.c"} in found


def test_a_stream_that_is_refused_or_differs_is_annotated(
    capsys: pytest.CaptureFixture[str],
) -> None:
    import lzma

    old = FIXTURES / "riscv64-virt-vh-bare--7.2.22.stream.xz"
    Path("old.mig").write_bytes(lzma.decompress(old.read_bytes()))
    explain = ["stream", "explain", "old.mig", "--codecs", "10.0"]
    assert run([*explain, "--diagnostics", "github"]) == 1
    said = capsys.readouterr().err.splitlines()
    (error,) = [line for line in said if line.startswith("::")]
    assert error.startswith("::error file=old.mig,title=VG713::in cpu/0: version 5")
    data = bytearray(Path("old.mig").read_bytes())
    data[data.index(b"\5timer") + 6 + 8 + 10] = 7  # bytes that nothing uses
    Path("odd.mig").write_bytes(data)
    assert run(["stream", "verify", "odd.mig", "--diagnostics", "json"]) == 1
    documented = documents(capsys.readouterr().err)
    (one,) = [document for document in documented if "code" in document]
    assert (one["code"], one["file"]) == ("VG712", "odd.mig")
    assert one["message"].startswith("timer/0.unused at byte")


def test_help_prints_the_page_of_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", "vg310"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("# VG310: the macro is for another type\n")
    assert "## What to do" in shown
    assert "<!--" not in shown
    assert "](" not in shown


@pytest.mark.parametrize("words", [["stream", "explain"], ["check"], []])
def test_help_of_a_command(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["help", *words]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: {' '.join(['vmgen', *words])} ")
    assert run([*words, "--help"]) == 0
    assert capsys.readouterr().out.split() == shown.split()
