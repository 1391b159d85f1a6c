"""Real QEMU of releases whose trees no test has: what it dumped and streamed, read with
the archive alone."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from tests.dump_vmstate import Dump
from vmgen.archive import SHIPPED, Archive
from vmgen.cli import run

FOLDER = Path(__file__).parent / "fixtures" / "releases"
DUMPS = sorted(file.name.removesuffix(".json.xz") for file in FOLDER.glob("*.json.xz"))
STREAMS = sorted(file.name.removesuffix(".mig.xz") for file in FOLDER.glob("*.mig.xz"))

UNREAD = {"ram", "s390-storage_attributes", "s390-skeys", "todclock"}
"""Sections that C functions write without a table."""


def unpacked(name: str) -> bytes:
    return lzma.decompress((FOLDER / name).read_bytes())


@pytest.mark.parametrize("name", DUMPS)
def test_all_that_qemu_dumps_is_in_the_archive(name: str) -> None:
    number, _, target = name.partition("-")
    dump = json.loads(unpacked(f"{name}.json.xz"))
    archive = Archive(SHIPPED)
    release = archive.find(number)
    assert release is not None
    agreed, different = Dump(archive.program(release, target)).differences(dump)
    assert different == []
    assert agreed == len(dump.keys() - {"vmschkmachine"}) > 40


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_known_and_read_and_comes_back_identical(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("vm.mig").write_bytes(unpacked(f"{name}.mig.xz"))
    assert run(["stream", "show", "vm.mig", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert name.rpartition("-")[2] in shown["releases"]
    targets = {shown["target"], *shown.get("alternatives", ())}
    assert name.partition("-")[0] in targets
    without = {one["name"] for one in shown["sections"] if not one["codec"]}
    assert without <= UNREAD
    assert run(["stream", "verify", "vm.mig"]) == 0
    assert ": identical: " in capsys.readouterr().out


@pytest.mark.parametrize("name", [one for one in STREAMS if one.endswith("-5.2.0")])
def test_no_later_release_writes_what_5_2_wrote(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It skips env.features of an Arm CPU, for one, and its JSON has no blanks."""
    monkeypatch.chdir(tmp_path)
    Path("vm.mig").write_bytes(unpacked(f"{name}.mig.xz"))
    run(["stream", "show", "vm.mig", "--format", "json"])
    written = json.loads(capsys.readouterr().out)["releases"]
    assert {tuple(map(int, one.split(".")))[:2] for one in written} <= {(5, 1), (5, 2)}
