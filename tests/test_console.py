"""What the console writes to which stream, in which form and encoding."""

from __future__ import annotations

import io
import json
import sys

import pytest

from vmgen.cli.console import Console
from vmgen.paint import ansi, plain
from vmgen.source import Diagnostic, Position

ERROR = Diagnostic("VG401", "wrong", Position("a.c", 3))
WARNING = Diagnostic("VG402", "odd", Position("a.c", 4), "warning")
NOTE = Diagnostic("VG403", "so", Position("a.c", 5), "note")

Written = pytest.CaptureFixture[str]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VMGEN_DIAGNOSTICS", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("given", "warned", "errors"),
    [
        ([], False, ()),
        ([ERROR], False, (ERROR,)),
        ([NOTE], False, ()),
        ([WARNING], True, ()),
        ([ERROR, NOTE, WARNING], True, (ERROR,)),
    ],
)
def test_warnings_and_errors_are_remembered(
    given: list[Diagnostic], warned: bool, errors: tuple[Diagnostic, ...]
) -> None:
    console = Console()
    console.diagnostics(given)
    assert (console.warned, console.errors) == (warned, errors)
    console.diagnostics([NOTE])
    assert (console.warned, console.errors) == (warned, errors)
    other = Diagnostic("VG404", "more")
    console.diagnostics([other, ERROR])
    assert console.errors == (
        *errors,
        *(one for one in (other, ERROR) if one not in errors),
    )
    found = console.errors_as_json()["errors"]
    assert isinstance(found, list)
    assert [one["code"] for one in found] == [one.code for one in console.errors]
    assert Console().errors_as_json() == {}


def test_text_is_counted_from_two_on(capsys: Written) -> None:
    console = Console()
    console.diagnostics([ERROR, ERROR])
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == ("", ["a.c:3: error: wrong [VG401]"])
    console.diagnostics([ERROR, WARNING])
    assert capsys.readouterr().err.splitlines()[-1] == "1 error, 1 warning"


def test_json_is_an_object_a_line(
    capsys: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VMGEN_DIAGNOSTICS", "json")
    console = Console()
    console.diagnostics([ERROR, WARNING])
    console.message("caf\xe9")
    rows = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(row.get("code"), row["message"]) for row in rows] == [
        ("VG401", "wrong"),
        ("VG402", "odd"),
        (None, "caf\xe9"),
    ]


@pytest.mark.parametrize("result", ["", "text", "github"])
def test_an_annotation_is_made_once(result: str, capsys: Written) -> None:
    """Where the result has the errors as annotations, they are not on stderr too."""
    console = Console()
    console.form, console.result_form = "github", result
    console.diagnostics([ERROR, WARNING])
    errors = (
        [] if result == "github" else ["::error file=a.c,line=3,title=VG401::wrong"]
    )
    assert capsys.readouterr().err.splitlines() == [
        *errors,
        "::warning file=a.c,line=4,title=VG402::odd",
    ]
    assert console.errors == (ERROR,)


def test_an_unknown_form_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, form in (
        ("json", "json"),
        ("github", "github"),
        ("xml", "text"),
        ("", "text"),
    ):
        monkeypatch.setenv("VMGEN_DIAGNOSTICS", value)
        assert Console().form == form


def test_a_note_is_made_once(capsys: Written) -> None:
    console = Console()
    for text in ("a", "b", "a"):
        console.note(text)
    console.message("a")
    assert capsys.readouterr() == ("", "a\nb\na\n")
    Console().told("  as it is")
    assert capsys.readouterr() == ("", "  as it is")


def test_results_are_on_stdout(capsys: Written) -> None:
    console = Console()
    console.result("")
    assert not console.answered
    console.result("x")
    console.result("")
    assert console.answered
    assert capsys.readouterr() == ("x", "")


@pytest.mark.parametrize(
    ("color", "variables", "terminal", "painted"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, False, True),
        ("never", {}, True, False),
    ],
)
def test_who_sees_colours(
    color: str, variables: dict[str, str], terminal: bool, painted: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """https://no-color.org: set, and not empty."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    stream = Terminal() if terminal else io.StringIO()
    for name in ("stdout", "stderr"):
        other = io.StringIO() if terminal else Terminal()
        monkeypatch.setattr(sys, "stdout", other)
        monkeypatch.setattr(sys, "stderr", other)
        monkeypatch.setattr(sys, name, stream)
        console = Console(color)
        if name == "stdout":
            assert console.paint is (ansi if painted else plain)
        else:
            console.diagnostics([ERROR])
            assert ("\033[" in stream.getvalue()) == painted


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("ascii", b"| -> \\xe9 \\U0001f600"),
        ("latin-1", b"| -> \xe9 \\U0001f600"),
        ("utf-8", "\u2502 \u2500\u2192 \xe9 \U0001f600".encode()),
    ],
)
def test_what_an_encoding_lacks_is_written_in_ascii(
    encoding: str, written: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("stdout", "stderr"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding)
        monkeypatch.setattr(sys, name, stream)
        console = Console()
        text = "\u2502 \u2500\u2192 \xe9 \U0001f600"
        if name == "stdout":
            console.result(text)
        else:
            console.told(text)
        stream.flush()
        assert stream.buffer.getvalue() == written


def test_without_stderr_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    console = Console()
    console.message("a")
    console.progress("b")
    console.diagnostics([ERROR])
    assert console.errors == (ERROR,)


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_progress_is_gone_after_the_work_however_it_ends(
    term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    console = Console()

    def work() -> None:
        with console.working():
            console.progress("one")
            console.progress("two")
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        work()
    wanted = "one\r   \rtwo\r   \r" if term == "xterm" else ""
    assert terminal.getvalue() == wanted
    console.message("after")
    assert terminal.getvalue() == f"{wanted}after\n"
