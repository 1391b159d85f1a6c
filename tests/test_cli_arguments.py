"""Plain command lines mean what click makes of them, and start without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vmgen.cli import run
from vmgen.cli.arguments import COLOR, DIAGNOSTICS, Subcommand, read
from vmgen.cli.clicked import made
from vmgen.cli.console import Console
from vmgen.cli.listed import COMMANDS, GROUPS, named

WORDS = (
    "file", "folder", "missing", "-", "--", "--format", "json", "--format=json", "--format=x",
    "--codecs", "--codecs=folder", "--qemu", "--all", "-a", "-at", "--target", "-t", "-triscv64",
    "--target=", "--page-size", "4096", "--page-size=255", "--page-size=0x1000", "--snapshot", "one",
    "--no-description", "--member", "A.b=1", "--member=A.c=2", "--color", "--color=never", "always", "--diagnostics", "--diagnostics=text",
    "-o", "-oout", "--output=out", "--output", "--from", "--to=7.2", "--map", "--accept-loss",
    "--report=all", "--qemu=folder", "--force", "--strict", "-I", "-Ifolder", "-D", "-DA=1", "--input",
    "--check=3", "--check", "0", "--git", "--lock=file", "--ir", "--preprocessor=pcpp", "bash", "--help", "-h", "--fo=json", "cpu/0.env.pc=1", "", "-1",
)  # fmt: skip


EVERY = [
    *(("vmgen", name) for name, module in COMMANDS.items() if module),
    *((group, name) for group, names in GROUPS.items() for name in names),
]


def command_of(group: str, name: str) -> Subcommand:
    found = named(name, GROUPS.get(group, COMMANDS))
    assert found is not None
    return found


def by_click(group: str, name: str, words: list[str]) -> dict[str, Any] | None:
    """The values that click gives the command's function; None for an error or help."""
    found = command_of(group, name)
    console = Console()
    try:
        ctx = made(name, found).make_context(name, list(words), obj=console)
    except (click.ClickException, click.exceptions.Exit):
        return None
    return {
        **ctx.params,
        COLOR.name: None if console.color == "auto" else console.color,
        DIAGNOSTICS.name: None if console.form == "text" else console.form,
    }


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("group", "name"), EVERY)
@pytest.mark.usefixtures("here")
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=150,
    deadline=None,
)
@given(words=st.lists(st.sampled_from(WORDS), max_size=6))
def test_what_is_understood_is_what_click_understands(
    group: str, name: str, words: list[str]
) -> None:
    understood = read(command_of(group, name), words)
    if understood is not None:
        expected = by_click(group, name, words)
        if understood[COLOR.name] == "auto":
            understood[COLOR.name] = None
        if understood[DIAGNOSTICS.name] == "text":
            understood[DIAGNOSTICS.name] = None
        assert understood == expected


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("generate", "file --qemu folder -a -t arm --output out --force"),
        ("check", "--lock file -D A=1 -I folder"),
        ("inspect", "cpu --ir file --format json"),
        ("diff", "embedded folder --fields --try 20"),
        ("init", "--target arm"),
        ("help", "VG310"),
        ("stream show", "file"),
        ("stream show", "- cpu/0 ram --format json"),
        ("stream show", "--codecs folder --target riscv64 file"),
        ("stream verify", "file file --no-description --member A.b=1 --member=A.c=2"),
        ("stream edit", "file cpu/0.env.pc=1 -o out"),
        ("stream diff", "file missing --format=text --color never"),
        ("stream extract", "file ram -o folder"),
        ("stream explain", "file --qemu folder --all -t riscv64 --page-size 4096"),
        ("stream convert", "file --from 7.2 --to 10.0 --map file --accept-loss -o out"),
    ],
)
@pytest.mark.usefixtures("here")
def test_the_usual_lines_are_understood(name: str, line: str) -> None:
    group, _, name = name.rpartition(" ")
    understood = read(command_of(group, name), line.split())
    assert understood is not None
    assert understood == by_click(group, name, line.split())


SLOW = (
    "click", "typing", "dataclasses", "inspect", "pathlib", "black", "jinja2", "pycparser", "pcpp",
    "tomllib", "argparse", "vmgen.ir", "vmgen.pipeline",
)  # fmt: skip


def test_showing_a_stream_starts_nothing_slow(tmp_path: Path) -> None:
    """What takes longer to import than a small stream takes to read."""
    stream = tmp_path / "stream"
    stream.write_bytes(b"QEVM\0\0\0\3\0")
    code = (
        f"import sys; before = set(sys.modules); from vmgen.cli import run; "
        f"status = run(['stream', 'show', '--format', 'json', {str(stream)!r}]); "
        f"loaded = set(sys.modules) - before; "
        f"sys.exit(', '.join(sorted(loaded & set({SLOW!r}))) or status)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert result.stderr.strip() == ""
    assert result.returncode == 0
    assert '"sections"' in result.stdout


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("edit file a=1", "--output"),
        ("extract file ram", "--output"),
        ("convert file --from=7.2 --to=10.0", "--output"),
        ("convert file --to=10.0 -o out", "--from"),
        ("show", "FILE"),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_is_required_is_asked_for(
    line: str, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["stream", *line.split()]) == 2
    assert f"Missing {'argument' if missing == 'FILE' else 'option'} '{missing}'" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("words", [[], ["stream"]])
def test_without_a_command_there_is_help_once(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) in (0, 2)  # 0 before click 8.2
    shown = "".join(capsys.readouterr())
    assert shown.count("Usage:") == 1
    assert "Error:" not in shown


@pytest.mark.parametrize("words", [[], ["--color=never"]])
def test_a_missing_command_is_a_diagnostic(
    words: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not hasattr(click.exceptions, "NoArgsIsHelpError"):
        pytest.skip("this click shows the help")
    monkeypatch.setenv("VMGEN_DIAGNOSTICS", "json")
    assert run(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert '"Missing command."' in line
