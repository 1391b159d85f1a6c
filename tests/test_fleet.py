"""Fleets: every file has one answer, whatever happens to workers and to files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, LocalCluster

from tests.stream_files import stripped, whole
from vmgen.cli import run as vmgen
from vmgen.cli.fleet.questions import FleetQuestion
from vmgen.fleet import inputs, results
from vmgen.fleet.report import lines, report
from vmgen.fleet.run import cluster, run

RISCV = "riscv64-virt-vh-bare--10.0.2"


@dataclass(frozen=True)
class Deadly:
    """Answers for every file; ends its own process at some, once or always."""

    folder: str

    def __call__(self, files: Sequence[str]) -> int:
        for file in files:
            mark = Path(self.folder, f"{file}.mark")
            if file.startswith("once") and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if file.startswith("always"):
                os.kill(os.getpid(), signal.SIGKILL)
            if file.startswith("wrong"):
                raise ZeroDivisionError(file)
        return results.keep(Path(self.folder), files, map(self.row, files))

    def row(self, file: str) -> dict[str, Any]:
        return {"file": file, "row": "file", "outcome": "accepted"}

    def lost(self, file: str, error: BaseException) -> int:
        row = self.row(file) | {"outcome": "error", "rule": type(error).__name__}
        return results.keep(Path(self.folder), [file], [row])


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with cluster("", 2, 1 << 30) as made:
        yield made


def test_a_worker_that_dies_loses_and_doubles_nothing(
    client: Any, tmp_path: Path
) -> None:
    work = Deadly(str(tmp_path))
    files = [f"fine{number}" for number in range(60)]
    files[0], files[20], files[59], files[40] = "wrong", "once", "always", "wrong2"
    *_, last = run(client, files, work, work.lost, 4)
    assert (last.files, last.total) == (60, 60)
    found = list(results.rows(tmp_path, ("file", "outcome", "rule")))
    assert Counter(one["file"] for one in found) == Counter(files)
    bad = {one["file"]: one["rule"] for one in found if one["outcome"] == "error"}
    assert bad == {
        "always": "KilledWorker", "wrong": "ZeroDivisionError",
        "wrong2": "ZeroDivisionError",
    }  # fmt: skip
    assert last.rate > 0
    assert last.rest == 0


def test_names(tmp_path: Path) -> None:
    for name in ("b.mig", "a.mig", "c.txt"):
        (tmp_path / name).write_bytes(b"x")
    listed = tmp_path / "list"
    listed.write_text(f"{tmp_path}/c.txt\n\nfile://{tmp_path}/*.mig\n{tmp_path}/none\n")
    a, b, c = (f"{tmp_path}/{name}" for name in ("a.mig", "b.mig", "c.txt"))
    assert list(inputs.names([f"{tmp_path}/*.mig", a])) == [a, b]
    found = list(inputs.names([f"@{listed}"]))
    assert found == [c, f"file://{a}", f"file://{b}", f"{tmp_path}/none"]
    with inputs.local(found[1]) as path:
        assert path != a
        assert Path(path).read_bytes() == b"x"
    assert not Path(path).exists()
    with inputs.local(a) as path:
        assert path == a


def test_a_list_in_a_list_is_refused(tmp_path: Path) -> None:
    listed = tmp_path / "list"
    listed.write_text(f"{tmp_path}/a.mig\n@{listed}\n")
    with pytest.raises(ValueError, match="a list names files and no lists"):
        list(inputs.names([f"@{listed}"]))


def test_an_answer_is_of_one_question(tmp_path: Path) -> None:
    results.begin(tmp_path / "new" / "one", {"command": "verify"})
    results.begin(tmp_path / "new" / "one", {"command": "verify"})
    with pytest.raises(results.OtherQuestion):
        results.begin(tmp_path / "new" / "one", {"command": "explain"})


def test_a_part_that_is_written_again_is_one(tmp_path: Path) -> None:
    rows = [{"file": "a", "row": "file", "outcome": "accepted"}]
    assert results.keep(tmp_path, ["a", "b"], rows) == 1
    results.keep(tmp_path, ["a", "b"], rows * 2)
    assert len(results.parts(tmp_path)) == 1
    assert results.answered(tmp_path) == {"a"}
    assert results.name_of(["a", "b"]) != results.name_of(["ab"])


def test_a_report_has_each_finding_once() -> None:
    def row(
        file: str, kind: str, outcome: str, rule: str | None = None
    ) -> dict[str, Any]:
        return {
            "file": file, "row": kind, "outcome": outcome, "section": "cpu/0",
            "member": "", "rule": rule, "message": "why", "machine": "virt",
        }  # fmt: skip

    found = report(
        [
            row("a", "file", "refused"), row("a", "finding", "refused", "value"),
            row("b", "file", "refused"), row("b", "finding", "refused", "value"),
            row("c", "file", "accepted"), row("d", "file", "error", "VG701"),
        ]
    )  # fmt: skip
    assert found.outcomes == {"refused": 2, "accepted": 1, "error": 1}
    assert [(one.rule, one.files) for one in found.findings] == [
        ("value", 2),
        ("VG701", 1),
    ]
    assert list(lines(found, 1)) == [
        "4 files: 1 accepted, 1 error, 2 refused",
        "  virt: 1 accepted",
        "  virt: 1 error",
        "  virt: 2 refused",
        "2 files, as a: cpu/0: why [value]",
        "and 1 more findings",
    ]


@pytest.fixture
def guests(tmp_path: Path) -> Path:
    whole = stripped(RISCV)
    for number in range(3):
        (tmp_path / f"{number}.mig").write_bytes(whole)
    (tmp_path / "cut.mig").write_bytes(whole[:-900])
    (tmp_path / "junk.mig").write_bytes(b"junk")
    return tmp_path


def test_a_file_that_is_none_is_a_row(guests: Path) -> None:
    options = {
        "folder": "10.2", "qemu": None, "whole": False, "target": "riscv64",
        "page_size": None, "snapshot": "", "max_unpacked": None, "members": (),
        "like": None,
    }  # fmt: skip
    asked = FleetQuestion("explain", str(guests / "out"), options)
    (row,) = asked.rows(f"{guests}/junk.mig")
    assert (row["outcome"], row["rule"]) == ("error", "VG701")
    (row,) = asked.rows(f"{guests}/none.mig")
    assert (row["outcome"], row["rule"]) == ("error", "VG707")
    first, *rest = asked.rows(f"{guests}/0.mig")
    assert (first["row"], first["release"], first["machine"]) == (
        "file",
        "10.2.2",
        "virt",
    )
    assert first["outcome"] in ("refused", "not known")
    assert {one["row"] for one in rest} == {"finding"}
    # Codecs of CPUs alone leave the other sections open.
    cpus = options | {"folder": str(Path(__file__).parent.parent / "generated")}
    asked = FleetQuestion("explain", str(guests / "out"), cpus)
    _, *rest = asked.rows(f"{guests}/0.mig")
    assert {one["row"] for one in rest} == {"finding", "section"}


def test_the_commands(guests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(guests / "answers")
    command = ["fleet", "verify", f"{guests}/*.mig", "-o", out, "--workers", "1"]
    assert vmgen(command) == 0
    assert "5 files in " in capsys.readouterr().err
    assert vmgen(["fleet", "report", out]) == 1
    said = capsys.readouterr().out
    assert said.startswith("5 files: 2 error, 3 identical\n")
    (guests / "late.mig").write_bytes(stripped(RISCV))
    assert vmgen(command) == 0
    said = capsys.readouterr().err
    assert "answers are there already: 5 files" in said
    assert "1 file in " in said
    found = [
        one["file"]
        for one in results.rows(Path(out), ("file", "row"))
        if one["row"] == "file"
    ]
    assert len(found) == len(set(found)) == 6
    assert vmgen(["fleet", "export", "parquet", f"{guests}/0.mig", "-o", out]) == 2
    assert "another question [VG737]" in capsys.readouterr().err
    assert vmgen(["fleet", "verify", f"{guests}/*.nothing", "-o", out]) == 2


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """The address of a cluster of two workers that somebody else runs."""
    where = tmp_path / "scheduler.json"
    log = (tmp_path / "cluster.log").open("w")
    dask = [sys.executable, "-m", "dask"]
    own = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(where)]
    far = ["--nworkers", "2", "--nthreads", "1", "--host", "127.0.0.1"]
    started = [
        subprocess.Popen([*dask, *words], stdout=log, stderr=log, cwd=tmp_path)
        for words in (
            ["scheduler", "--port", "0", *own],
            ["worker", *far, "--no-dashboard", "--scheduler-file", str(where)],
        )
    ]
    try:
        end = time.monotonic() + 60
        while not where.exists() or not where.read_text():
            assert time.monotonic() < end, (tmp_path / "cluster.log").read_text()
            time.sleep(0.05)
        yield json.loads(where.read_text())["address"]
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()
        log.close()


def test_a_cluster_that_is_there(
    scheduler: str, guests: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scheduler.startswith("tcp://127.0.0.1:")
    out = str(guests / "answers")
    command = ["fleet", "verify", f"{guests}/*.mig", "-o", out, "--batch", "1"]
    command += ["--scheduler", scheduler, "--format", "json"]
    assert vmgen(command) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["command"], told["files"], told["answered"], told["asked"]) == (
        "verify", 5, 0, 5,
    )  # fmt: skip
    assert len(results.parts(Path(out))) == 5
    assert told["rows"] == len(list(results.rows(Path(out), ("file",))))
    assert vmgen(command) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["answered"], told["asked"], told["rows"]) == (5, 0, 0)
    assert vmgen(["fleet", "report", out, "--format", "json"]) == 1
    summed = json.loads(capsys.readouterr().out)
    assert (summed["files"], summed["outcomes"]) == (5, {"error": 2, "identical": 3})
    with Client(scheduler, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        workers = client.scheduler_info(n_workers=-1)["workers"]
        assert len(workers) == 2, "they are still there for others"


def test_a_cluster_without_workers_is_an_error(
    guests: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("vmgen.fleet.run.WAIT", 1)
    with LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as empty:
        words = ["fleet", "verify", f"{guests}/0.mig", "-o", str(guests / "answers")]
        assert vmgen([*words, "--scheduler", empty.scheduler_address]) == 2
    assert "has no worker, and none came in 1 s [VG707]" in capsys.readouterr().err


def test_a_conversion_says_what_came_of_it(tmp_path: Path) -> None:
    """A stream of 10.0.2 stays as it is for 10.0.2; 7.2 has no member for a value of its
    run state."""
    (tmp_path / "a.mig").write_bytes(whole(RISCV))
    into = tmp_path / "new"
    into.mkdir()

    def converted(new: str) -> dict[str, Any]:
        options = {
            "old": "10.0.2", "new": new, "target": "riscv64", "whole": False,
            "mapping": None, "machine": None, "blocks": (), "like": None,
            "accept_loss": False, "accept_refusal": False, "into": str(into),
        }  # fmt: skip
        question = FleetQuestion("convert", str(tmp_path / "answers"), options)
        (row,) = question.rows(str(tmp_path / "a.mig"))
        return row

    found = converted("10.0.2")
    assert (found["outcome"], found["release"]) == ("converted", "10.0.2")
    assert (into / "a.mig").read_bytes() == whole(RISCV)
    (into / "a.mig").unlink()
    found = converted("7.2.22")
    assert (found["outcome"], found["rule"]) == ("refused", "loss")
    assert found["message"].startswith("not written, values would be lost: ")
    assert "globalstate/0 has_vm_was_suspended" in found["message"]
    assert not (into / "a.mig").exists()
