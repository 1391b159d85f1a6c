"""Who reads a result as a program is never left with an empty file: the errors are in it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.json_documents import check
from tests.test_lint import BARE, CASES, HEAD, table
from tests.test_sarif import check as checked_sarif
from vmgen.cli import run

ABSENT = table("VMSTATE_UINT32(absent, Dev)")
"""A table of a member that the struct lacks: VG303."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VMGEN_DIAGNOSTICS", raising=False)
    Path("wrong.c").write_text(HEAD + ABSENT)
    Path("both.c").write_text(
        HEAD + ABSENT.replace("vmstate_dev", "vmstate_no") + CASES["VG805"][0]
    )
    Path("bare.c").write_text(BARE.format(write="s->level = value;", more=""))


def said(capsys: pytest.CaptureFixture[str], line: str) -> tuple[int, str, str]:
    """The status of a run, its stdout and its stderr."""
    status = run(shlex.split(line))
    out, err = capsys.readouterr()
    return status, out, err


def codes(form: str, out: str) -> list[tuple[str, str]]:
    """The code and the level of each entry of a result of 'lint'."""
    if form == "sarif":
        (made,) = json.loads(out)["runs"]
        results = checked_sarif(out)
        failed = any(one["level"] == "error" for one in results)
        assert made["invocations"] == [{"executionSuccessful": not failed}]
        levels = {
            one["id"]: one["defaultConfiguration"]["level"]
            for one in made["tool"]["driver"]["rules"]
        }
        for one in results:
            assert levels[one["ruleId"]] == one["level"]
        return [(one["ruleId"], one["level"]) for one in results]
    if form == "json":
        lines = [json.loads(one) for one in out.splitlines()]
        for one in lines:
            check("diagnostic", one)
        return [(one["code"], one["severity"]) for one in lines]
    found = re.findall(
        r"^::(\w+) file=[^,]+,line=\d+,(?:col=\d+,)?title=(VG\d+)::", out, re.M
    )
    assert len(found) == len(out.splitlines())
    return [(code, level) for level, code in found]


@pytest.mark.parametrize("form", ["sarif", "json", "github"])
@pytest.mark.parametrize(
    ("files", "status", "expected"),
    [
        ("wrong.c", 2, [("VG303", "error")]),
        ("both.c", 1, [("VG805", "warning"), ("VG303", "error")]),
        ("wrong.c bare.c", 1, [("VG818", "warning"), ("VG303", "error")]),
        ("both.c --ignore VG805", 1, [("VG303", "error")]),
    ],
)
def test_the_result_of_lint_has_what_was_not_read(
    form: str, files: str, status: int, expected: list[tuple[str, str]],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    got, out, err = said(capsys, f"lint {files} --format {form}")
    assert (got, codes(form, out)) == (status, expected)
    assert "error: in vmstate_" in err  # and people read it too
    assert "[VG303]" in err


def test_an_annotation_is_written_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A runner of CI reads both streams."""
    monkeypatch.setenv("VMGEN_DIAGNOSTICS", "github")
    for files in ("wrong.c", "both.c"):
        _, out, err = said(capsys, f"lint {files} --format github")
        assert (out + err).count("::error") == 1, files
        assert "::error" in out
    _, out, err = said(capsys, "lint both.c --format sarif")
    assert err.count("::error") == 1


LINES = (
    "compat 10.0 10.2 -t riscv64 -m gone-*",
    "compat 10.0 10.2 -t gone",
    "compat 10.0 nowhere -t riscv64",
    "compat 10.0 10.2 -t riscv64 --gone",
    "compat 10.0",
    "diff 10.0 nowhere -t riscv64",
    "diff 10.0 10.2 -t riscv64 --direction up",
    "inspect gone --target riscv64",
    "stream show gone.mig",
    "stream explain gone.mig --release 7.2",
)


@pytest.mark.parametrize("line", LINES)
def test_a_document_says_why_there_is_none(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong input, and a line that is wrong."""
    status, out, err = said(capsys, f"{line} --format json")
    document: Any = json.loads(out)
    check("failure", document)
    assert status == document["status"] == 2
    assert all(f"[{one['code']}]" in err for one in document["errors"])
    if not line.startswith(("inspect", "stream")):
        status, out, _ = said(capsys, f"{line} --format=github")
        assert status == 2
        assert out.startswith("::error ")
    status, out, _ = said(capsys, line)
    assert (status, out) == (2, "")


def test_a_page_and_a_log_say_why_they_are_empty(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, out, _ = said(capsys, "compat 10.0 10.2 -t riscv64 -m '<b>' --format html")
    assert out.startswith("<!doctype html>")
    assert "[VG645]" in out
    assert "<b>" not in out
    for line in (
        "lint gone.c",
        "lint both.c --select VG999",
        "lint both.c --gone",
        "lint",
    ):
        status, out, _ = said(capsys, f"{line} --format sarif")
        (result,) = checked_sarif(out)
        assert (status, result["level"]) == (2, "error")
        status, out, _ = said(capsys, f"{line} --format json")
        (one,) = map(json.loads, out.splitlines())
        check("diagnostic", one)


def test_what_a_tree_lacks_is_in_the_document(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is about the rest, and the status of the document is that of the run."""
    from vmgen.cli import sides
    from vmgen.source import Diagnostic, Position

    gone = Diagnostic("VG310", "no member 'x'", Position("hw/a.c", 3))
    whole = sides.programs_of

    def partly(*given: Any, **more: Any) -> Any:
        console = given[5]
        console.diagnostics([gone])
        console.incomplete = True
        return whole(*given, **more)

    for name in ("compat", "diff"):
        monkeypatch.setattr(f"vmgen.cli.{name}.programs_of", partly)
        line = f"{name} 10.2 10.2 -t riscv64"
        status, out, _ = said(capsys, f"{line} --format json")
        document = json.loads(out)
        check(name, document)
        assert status == document["status"] == 1
        (error,) = document["errors"]
        assert (error["code"], error["file"], error["line"]) == ("VG310", "hw/a.c", 3)
        _, out, _ = said(capsys, f"{line} --format github")
        assert out.startswith("::error file=hw/a.c,line=3,title=VG310::")
    status, out, _ = said(capsys, "diff 10.2 10.2 -t riscv64 --fields --format json")
    check("diff-fields", json.loads(out))
    assert "errors" in json.loads(out)
