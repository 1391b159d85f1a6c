"""``vmgen diff`` as people run it: sources, exit status, formats."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.programs import CPU, LANE, PROGRAM, TIMER
from vmgen import ir, pipeline, schemas
from vmgen.cli import run
from vmgen.cli.sides import called
from vmgen.ir import json as ir_json
from vmgen.tree.revisions import Revisions
from vmgen.verdict import check
from vmgen.verdict.model import Confirmation


def program(cpu: ir.Description, lane: ir.Description = LANE) -> ir.Program:
    module = replace(PROGRAM.modules[1], descriptions=(lane, TIMER, cpu))
    return replace(PROGRAM, modules=(PROGRAM.modules[0], module))


NEWER = program(replace(CPU, version_id=5))
BROKEN = program(CPU, replace(LANE, fields=LANE.fields[:1]))
WHOLE = ir.Field(
    "whole", (ir.Step("whole", "uint64_t"),), ir.IntegerElement("uint64"), ir.Fixed(8)
)
HALF = ir.Field(
    "lo", (ir.Step("lo", "uint32_t"),), ir.IntegerElement("uint32"), ir.Fixed(4)
)
OTHER_HALF = replace(HALF, name="hi", path=(ir.Step("hi", "uint32_t"),))
WIDE = program(CPU, replace(LANE, fields=(WHOLE,)))
HALVES = program(CPU, replace(LANE, fields=(HALF, OTHER_HALF)))


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    programs = {"old": PROGRAM, "newer": NEWER, "broken": BROKEN}
    programs |= {"wide": WIDE, "halves": HALVES}
    for name, item in programs.items():
        (folder / f"{name}.json").write_text(ir_json.dumps(item))
    return folder


def command(line: str) -> int:
    return run(shlex.split(line))


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("old.json old.json", 0),
        ("old.json newer.json", 1),
        ("old.json newer.json --direction forward", 0),
        ("old.json newer.json --direction backward", 1),
        ("old.json broken.json --direction forward", 1),
        ("old.json broken.json --try 5", 1),
        ("old.json old.json --check 5", 0),
        ("wide.json halves.json", 3),
        ("wide.json halves.json --strict", 3),
        ("old.json", 2),
        ("old.json newer.json --git . a..b", 2),
        ("--git . main", 2),
        ("old.json newer.json --fields --format github", 2),
        ("old.json newer.json --try 0", 2),
    ],
)
def test_exit_status(line: str, status: int) -> None:
    assert command(f"diff {line}") == status


def test_a_verdict_that_a_try_contradicts_is_no_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """vmgen's own fault: neither status 0 nor one of bad input."""

    def confirm(*_: object) -> tuple[Confirmation, ...]:
        return (
            Confirmation("cpu", "forward", "compatible", "contradicted", 3, 2),
            Confirmation("timer", "forward", "compatible", "confirmed", 3, 3),
        )

    monkeypatch.setattr(check, "confirm", confirm)
    line = "diff old.json newer.json --direction forward --try 3 --format json"
    assert command(line) == 3
    assert json.loads(capsys.readouterr().out)["status"] == 3
    assert command(line.replace("newer", "broken")) == 1


def test_counterexample(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("diff old.json broken.json --direction forward --try 10") == 1
    out = capsys.readouterr().out
    assert "cpu (vmstate_toy_cpu)" in out
    assert "at byte 260" in out
    assert "bytes are left over" in out
    assert "10 random sections tried: 1 verdicts confirmed, 0 contradicted" in out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("diff old.json broken.json --try 3 --format json") == 1
    data = json.loads(capsys.readouterr().out)
    assert (data["old"], data["new"], data["status"]) == ("old.json", "broken.json", 1)
    (target,) = data["targets"]
    cpu = next(one for one in target["sections"] if one["section"] == "cpu")
    assert cpu["forward"]["verdict"] == "incompatible"
    assert cpu["forward"]["answer"] == "confirmed"
    assert bytes.fromhex(cpu["forward"]["counterexample"]["bytes"])
    assert cpu["forward"]["findings"][0]["offset"] == {"fixed": 260}
    assert data["version"] == schemas.VERSIONS["diff"]


def test_colour_and_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command("diff old.json newer.json --color always")
    assert "\033[1;31mincompatible\033[0m" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    command("diff old.json newer.json")
    assert "\033" not in capsys.readouterr().out


def test_a_package_whose_targets_share_modules(work: Path) -> None:
    """What stands above the targets' folders belongs to them."""
    for name, item in {"a": PROGRAM, "b": BROKEN}.items():
        (work / name / "toy").mkdir(parents=True)
        own = replace(item, modules=item.modules[:1], elsewhere=(item.modules[1].file,))
        above = replace(item, target="", modules=item.modules[1:])
        (work / name / "toy" / "ir.json").write_text(ir_json.dumps(own))
        (work / name / "ir.json").write_text(ir_json.dumps(above))
    assert command("diff a a") == 0
    assert command("diff a b --direction forward") == 1
    assert command("diff a b -t riscv64") == 2


# --- revisions ------------------------------------------------------------------------


@pytest.fixture
def repository(work: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two revisions of a folder that looks like a tree; its VERSION chooses a program."""
    tree = work / "qemu"
    (tree / "include" / "migration").mkdir(parents=True)
    (tree / "include" / "migration" / "vmstate.h").write_text("")

    def git(*words: str) -> None:
        names = ("-c", "user.name=n", "-c", "user.email=e@example.org")
        subprocess.run(["git", "-C", str(tree), *names, *words], check=True)

    git("init", "-q")
    for name in ("old", "newer"):
        (tree / "VERSION").write_text(name)
        git("add", "-A")
        git("commit", "-q", "-m", name)
        git("tag", name)

    def compile_program(
        request: pipeline.Request, progress: object = None
    ) -> ir.Program:
        assert request.qemu is not None
        found = {"old": PROGRAM, "newer": NEWER}[(request.qemu / "VERSION").read_text()]
        return replace(found, target=request.target)

    monkeypatch.setattr(pipeline, "compile_program", compile_program)
    return tree


def test_revisions(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = "diff --git qemu old..newer -t riscv64 --format json"
    assert command(f"{line} --direction backward") == 1
    data = json.loads(capsys.readouterr().out)
    assert (data["old"], data["new"]) == ("old", "newer")
    (target,) = data["targets"]
    assert target["verdict"] == "incompatible"
    assert command(f"{line} --direction forward") == 0


@pytest.mark.parametrize(
    ("folder", "tree", "prefix"),
    [(".", "qemu", "qemu/"), ("qemu", ".", ""), ("elsewhere", "../qemu", "")],
)
def test_annotations_go_by_the_paths_of_the_repository(
    folder: str,
    tree: str,
    prefix: str,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of the folder that the command runs in, as GitHub's steps do."""
    place = repository.parent / folder
    place.mkdir(exist_ok=True)
    monkeypatch.chdir(place)
    line = f"diff --git {tree} old..newer -t riscv64 --format github"
    assert command(line) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"::error file={prefix}{PROGRAM.modules[1].file},line=")


def test_a_revision_that_is_none(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("diff --git qemu old..nothing -t riscv64") == 2
    assert "git does not give revision 'nothing'" in capsys.readouterr().err


def test_only_what_differs_between_revisions_is_written(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    with Revisions.of(str(repository)) as revisions:
        tree = revisions.at("old")
        kept = tree / "include" / "migration" / "vmstate.h"
        before = kept.stat().st_mtime_ns, (tree / "VERSION").read_text()
        with Revisions.of(str(repository)) as second:  # while the first run is at work
            assert second.at("newer") != tree
        assert revisions.at("newer") == tree
        after = kept.stat().st_mtime_ns, (tree / "VERSION").read_text()
    assert (before, after) == ((before[0], "old"), (before[0], "newer"))
    with Revisions.of(str(repository)) as revisions:
        assert revisions.at("newer") == tree
        (tree.parent / "whole").unlink()  # as a run leaves it that was interrupted
        (tree / "VERSION").write_text("half of")
        assert (revisions.at("newer") / "VERSION").read_text() == "newer"
    done = subprocess.run(
        ["git", "-C", str(repository), "status", "--porcelain"],
        capture_output=True,
        check=True,
    )
    assert done.stdout == b""


def test_sides_are_called_by_what_tells_them_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fork" / "build").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "fork")
    assert called(("a/old.json", "b/new.json")) == ("old.json", "new.json")
    assert called(("a/x.json", "b/x.json")) == ("a/x.json", "b/x.json")
    assert called(("/qemu/9/", "/fork/9/")) == ("qemu/9", "fork/9")
    assert called(("v9.2.0", "v10.0.0")) == ("v9.2.0", "v10.0.0")
    # The folder that a command runs in has a name, which a report needs.
    assert called((".", "../up")) == ("fork", "up")
    assert called(("9.2.0", "./")) == ("9.2.0", "fork")
    monkeypatch.chdir("build")
    assert called(("9.2.0", "..")) == ("9.2.0", "fork")
    assert called(("x", "x")) == ("old", "new")


def test_headings_name_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("diff old.json newer.json") == 1
    assert "old.json → newer.json" in capsys.readouterr().out
    assert command("compat old.json newer.json") == 1
    assert "old.json → newer.json" in capsys.readouterr().out


def test_the_side_without_machine_types_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command("compat old.json newer.json -m virt") == 2
    err = capsys.readouterr().err
    assert "of OLD (old.json) and of NEW (newer.json) are not known" in err
    assert "--all" in err
    assert "[VG645]" in err
    assert command("compat 9.1 10.0 -t s390x -m s390-ccw-virtio-10.0") == 2
    assert "only NEW (10.0) has a machine type" in capsys.readouterr().err
