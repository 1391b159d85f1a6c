"""The lock: what is in it, that it comes back, and what ``vmgen check`` says of it."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from tests.programs import COMMON, CPU, FILE, FUNCTIONS, LANE, PROGRAM, TIMER
from tests.trees import EIGHT, require_tree
from vmgen import ir, lock, pipeline
from vmgen.cli import run
from vmgen.source import Position, VmgenError
from vmgen.verdict import judge

OTHER = replace(PROGRAM, target="toy2")


def test_a_lock_is_read_back() -> None:
    text = lock.dumps([PROGRAM])
    (again,) = lock.loads(text)
    assert lock.dumps([again]) == text
    assert (again.release, again.target) == ("10.0.2", "toy")
    assert judge(PROGRAM, again).worst() == "compatible"
    assert again.modules[1].functions[0].body == FUNCTIONS[0].body


def test_every_field_has_a_line() -> None:
    lines = lock.dumps([PROGRAM]).splitlines()
    fields = sum(len(item.fields) for item in (COMMON, LANE, TIMER, CPU))
    assert sum(line.startswith('          {"name": ') for line in lines) == fields
    assert all(len(json.loads(line.rstrip(","))) for line in lines if '"path"' in line)


def test_what_no_byte_depends_on_is_not_in_it() -> None:
    moved = replace(
        CPU, position=Position("elsewhere.c", 3), hooks=(), fields=tuple(
            replace(field, position=Position(FILE, 900)) for field in CPU.fields
        ),
    )  # fmt: skip
    module = replace(PROGRAM.modules[1], descriptions=(moved, TIMER, LANE))
    new = replace(PROGRAM, modules=(PROGRAM.modules[0], module))
    assert lock.dumps([new]) == lock.dumps([PROGRAM])
    assert "toy_post_load" not in lock.dumps([PROGRAM])


def test_targets_share_modules() -> None:
    both = lock.dumps([OTHER, PROGRAM])
    assert both.count(f'"file": "{FILE}"') == 1
    assert '"targets": ["toy", "toy2"]' in both
    lane = replace(LANE, version_id=7)
    module = replace(PROGRAM.modules[1], descriptions=(lane, TIMER, CPU))
    differing = replace(OTHER, modules=(PROGRAM.modules[0], module))
    text = lock.dumps([PROGRAM, differing])
    assert text.count(f'"file": "{FILE}"') == 2
    assert [item.target for item in lock.loads(text)] == ["toy", "toy2"]
    versions = {
        one.symbol: one.version_id
        for one in lock.loads(text)[1].modules[1].descriptions
    }
    assert versions["vmstate_lane"] == 7


@pytest.mark.parametrize("text", ["", "[]", '{"format": "vmgen-lock-2"}', "{"])
def test_no_lock(text: str) -> None:
    with pytest.raises(VmgenError, match="VG641"):
        lock.loads(text, "x.json")


@pytest.mark.parametrize("version", ["7.2.22", "10.0.2", "10.2.2"])
def test_the_locks_of_the_docs_are_current(version: str) -> None:
    file = Path(__file__).parent.parent / "docs" / "wire" / f"{version}.json"
    tree = require_tree(version.rpartition(".")[0])
    requests = [pipeline.Request(target=target, qemu=tree) for target in EIGHT]
    programs = [pipeline.compile_program(request) for request in requests]
    assert lock.dumps(programs) == file.read_text()


@pytest.mark.parametrize("version", ["7.2.22", "10.0.2", "10.2.2"])
def test_the_locks_of_devices_are_current(version: str) -> None:
    file = Path(__file__).parent.parent / "docs" / "wire" / f"{version}-devices.json"
    tree = require_tree(version.rpartition(".")[0])
    programs = pipeline.compile_whole(
        [
            pipeline.Request(target=target, qemu=tree, whole=True)
            for target in ("x86_64", "s390x")
        ]
    )
    assert lock.dumps(programs) == file.read_text()


# --- the commands ---------------------------------------------------------------------


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[ir.Program]:
    """What compiling gives, to be changed by a test; it works in an empty folder."""
    found = [PROGRAM]

    def compile_program(
        request: pipeline.Request, progress: object = None
    ) -> ir.Program:
        return replace(found[0], target=request.target)

    monkeypatch.setattr(pipeline, "compile_program", compile_program)
    # What a test changes is no source: nothing may be remembered.
    monkeypatch.setenv("VMGEN_CACHE_DIR", os.devnull)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return found


def command(line: str) -> int:
    return run(shlex.split(line))


def test_check_says_which_verdict_a_change_has(
    programs: list[ir.Program], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("lock -t riscv64") == 0
    assert "vmgen.lock.json: new" in capsys.readouterr().err
    assert command("lock -t riscv64") == 0
    assert "nothing changed" in capsys.readouterr().err
    assert command("check -t riscv64") == 0
    assert "the wire format is as locked" in capsys.readouterr().err

    lane = replace(LANE, fields=(*LANE.fields, replace(LANE.fields[0], name="new")))
    module = replace(PROGRAM.modules[1], descriptions=(lane, TIMER, CPU))
    programs[0] = replace(PROGRAM, modules=(PROGRAM.modules[0], module))
    assert command("check -t riscv64") == 1
    out, err = capsys.readouterr()
    assert "cpu (vmstate_toy_cpu)" in out
    assert "vmgen.lock.json → embedded: incompatible" in out
    assert err.index("break, forward: cpu") < err.index("fix: keep OLD's fields")
    assert "fix:" not in out  # said once
    assert "if you intended this: vmgen lock --target riscv64, and commit" in err

    assert command("lock -t riscv64") == 0
    assert command("check -t riscv64") == 0


def test_a_change_without_harm(
    programs: list[ir.Program], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("lock -t riscv64 -o wire.json") == 0
    renamed = replace(
        CPU, fields=(replace(CPU.fields[0], name="registers"), *CPU.fields[1:])
    )
    module = replace(PROGRAM.modules[1], descriptions=(LANE, TIMER, renamed))
    programs[0] = replace(PROGRAM, modules=(PROGRAM.modules[0], module))
    assert command("check -t riscv64 --lock wire.json") == 1
    err = capsys.readouterr().err
    assert "compatible both ways; only names changed" in err
    assert "vmgen lock --target riscv64 --output wire.json, and commit wire.json" in err


def test_a_change_that_every_stream_survives_is_shown(
    programs: list[ir.Program], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("lock -t riscv64 -o wire.json") == 0
    asked = replace(CPU, minimum_version_id=CPU.version_id)
    module = replace(PROGRAM.modules[1], descriptions=(LANE, TIMER, asked))
    programs[0] = replace(PROGRAM, modules=(PROGRAM.modules[0], module))
    assert command("check -t riscv64 --lock wire.json") == 1
    out, err = capsys.readouterr()
    assert "compatible both ways\n" in err
    assert "minimum_version_id" in out
    assert f"- {CPU.minimum_version_id}" in out
    assert f"+ {CPU.version_id}" in out


def test_another_release_of_the_same_wire(
    programs: list[ir.Program], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("lock -t riscv64 -o wire.json") == 0
    programs[0] = replace(PROGRAM, release="10.0.3")
    assert command("check -t riscv64 --lock wire.json") == 0
    assert "it says release 10.0.2" in capsys.readouterr().err


def test_diff_takes_locks(
    programs: list[ir.Program], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("lock -t riscv64 -t arm -o old.json") == 0
    programs[0] = replace(
        PROGRAM,
        modules=(
            PROGRAM.modules[0],
            replace(
                PROGRAM.modules[1],
                descriptions=(LANE, TIMER, replace(CPU, version_id=5)),
            ),
        ),
    )
    assert command("lock -t riscv64 -t arm -o new.json") == 0
    capsys.readouterr()
    assert command("diff old.json new.json --direction forward") == 0
    out = capsys.readouterr().out
    assert out.startswith("arm  old.json → new.json: 2 compatible\n")
    assert command("diff old.json new.json -t arm") == 1
    assert "version 5 is above the destination's 4" in capsys.readouterr().out
    assert command("diff old.json new.json --format github") == 1
    annotations = capsys.readouterr().out.splitlines()
    assert len(annotations) == 2  # one a target, backward
    assert all(line.startswith("::error ") for line in annotations)


def test_annotations_of_a_check_go_by_the_paths_of_the_repository(
    programs: list[ir.Program], capsys: pytest.CaptureFixture[str]
) -> None:
    """The tree is a folder of the repository that the command runs in."""
    tree = Path("third_party/qemu")
    (tree / "include" / "migration").mkdir(parents=True)
    (tree / "include" / "migration" / "vmstate.h").write_text("")
    (tree / "VERSION").write_text("10.0.2")
    assert command(f"lock -t riscv64 --qemu {tree}") == 0
    file = PROGRAM.modules[1].file
    cpu = replace(CPU, version_id=5)
    module = replace(PROGRAM.modules[1], descriptions=(LANE, TIMER, cpu))
    programs[0] = replace(PROGRAM, modules=(PROGRAM.modules[0], module))
    capsys.readouterr()
    assert command(f"check -t riscv64 --qemu {tree} --diagnostics github") == 1
    found = capsys.readouterr().out
    assert f"::error file={tree.as_posix()}/{file},line=" in found
