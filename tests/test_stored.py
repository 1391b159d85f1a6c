"""IR files of targets that share modules: whole again for ``inspect`` and ``diff``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.test_pipeline import NIC, PCI, cpu, program, root
from vmgen import ir
from vmgen.cli import run, stored
from vmgen.pipeline import generate
from vmgen.source import VmgenError


def package(folder: Path, cpu_fields: int) -> Path:
    """Two targets that share a network card."""
    nic = root("hw/nic.c", "vmstate_nic", "nic", "path")
    own = root("target/cpu.c", "vmstate_cpu", "cpu")
    programs = (
        program("one", [PCI, NIC, cpu(1)], [nic, own]),
        program("two", [PCI, NIC, cpu(cpu_fields)], [nic, own]),
    )
    for file in generate(programs, together=True):
        place = folder / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(file.text)
    return folder


def files(one: ir.Program) -> list[str]:
    return [module.file for module in one.modules]


def test_a_target_has_what_it_shares(tmp_path: Path) -> None:
    folder = package(tmp_path / "state", 2)
    for target in ("one", "two"):
        whole = stored.program(folder / target / "ir.json")
        assert files(whole) == ["hw/nic.c", "hw/pci.c", "target/cpu.c"]
        assert whole.elsewhere == ()
        assert {one.section for one in whole.roots} == {"nic", "cpu"}
    assert files(stored.program(folder / "ir.json")) == ["hw/nic.c", "hw/pci.c"]
    assert set(stored.programs(folder)) == {"one", "two"}
    assert set(stored.programs(folder / "two")) == {"two"}
    assert files(stored.programs(folder / "two")["two"])[0] == "hw/nic.c"
    assert stored.programs(tmp_path / "state" / "one" / "target") == {}


def test_a_folder_with_what_is_shared_alone_is_one_program(tmp_path: Path) -> None:
    folder = package(tmp_path / "state", 2)
    (folder / "other.json").write_text('{"vmgen": 1}')
    for target in ("one", "two"):
        shutil.rmtree(folder / target)
    (found,) = stored.programs(folder).items()
    assert (found[0], files(found[1])) == ("", ["hw/nic.c", "hw/pci.c"])


def test_targets_that_share_nothing_need_no_folder_above(tmp_path: Path) -> None:
    for file in generate([program("one", [cpu(1)], [])]):
        place = tmp_path / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(file.text)
    (one,) = stored.programs(tmp_path).values()
    assert (one.target, files(one)) == ("one", ["target/cpu.c"])
    assert stored.program(next(tmp_path.rglob("ir.json"))) == one


def test_what_is_shared_must_be_there(tmp_path: Path) -> None:
    folder = package(tmp_path / "state", 2)
    alone = tmp_path / "alone" / "ir.json"
    alone.parent.mkdir()
    shutil.copy(folder / "one" / "ir.json", alone)
    other = tmp_path / "ir.json"
    for text in (None, "{}", (folder / "two" / "ir.json").read_text()):
        if text is not None:
            other.write_text(text)
        with pytest.raises(VmgenError, match=r"hw/nic\.c first") as raised:
            stored.program(alone)
        assert [one.code for one in raised.value.diagnostics] == ["VG636"]


def test_inspect_shows_what_is_shared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = package(tmp_path / "state", 2)
    file = str(folder / "one" / "ir.json")
    assert run(["inspect", "--ir", file, "nic"]) == 0
    text = capsys.readouterr().out
    assert "vmstate_nic" in text
    assert "vmstate_pci" in text
    assert run(["inspect", "--ir", file, "--format", "json", "pci"]) == 0
    shown = json.loads(capsys.readouterr().out)["descriptions"]
    assert [one["symbol"] for one in shown] == ["vmstate_pci"]


@pytest.mark.parametrize("below", ["", "two", "two/ir.json"])
def test_diff_compares_what_is_shared(
    below: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = package(tmp_path / "old", 2)
    new = package(tmp_path / "new", 3)
    arguments = ["diff", "--fields", "-t", "two", str(old / below), str(new / below)]
    assert run(arguments) == 1
    told = capsys.readouterr().out
    assert "r2" in told
    assert "vmstate_nic" not in told
    shared = new / "ir.json"
    text = shared.read_text().replace('"uint32"', '"uint64"')
    assert text != shared.read_text()
    shared.write_text(text)
    assert run(arguments) == 1
    assert "pci" in capsys.readouterr().out


def test_several_files_are_shown_as_text_and_one_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = package(tmp_path / "state", 2)
    both = [f"--ir={folder / target / 'ir.json'}" for target in ("one", "two")]
    assert run(["inspect", *both, "cpu"]) == 0
    assert [
        line for line in capsys.readouterr().out.splitlines() if "QEMU" in line
    ] == [
        "one, QEMU 1.0",
        "two, QEMU 1.0",
    ]
    assert run(["inspect", *both, "cpu", "--format", "json"]) == 2
    assert "give one --ir" in capsys.readouterr().err
