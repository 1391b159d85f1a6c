"""``vmgen stream``: what each command prints where, and with which exit status."""

from __future__ import annotations

import json
import lzma
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import vmgen
from tests.stream_files import captured, packages, whole
from tests.stream_sections import description_json, find_sections
from vmgen.cli import run
from vmgen.cli.stream import made

RISCV = "riscv64-virt-vh-bare--10.0.2"


class Shell:
    """Runs command lines in this process and keeps what they printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.out = self.err = ""

    def __call__(self, line: str) -> int:
        status = run(["stream", *shlex.split(line)])
        self.out, self.err = self.capsys.readouterr()
        return status

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def shell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Shell:
    """A shell in a folder with three streams."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    for file, name in (
        ("riscv.mig", RISCV),
        ("avr.mig", "avr-uno-poke--10.0.2"),
        ("smp.mig", "riscv64-virt-vh-bare-smp2-shared--10.0.2"),
    ):
        (tmp_path / file).write_bytes(captured(name))
    return Shell(capsys)


def generated() -> Path:
    """The committed package."""
    folder = packages()["riscv64"].folder
    assert folder is not None
    return folder.parent


# --- show -----------------------------------------------------------------------------


def test_show_lists_the_sections(shell: Shell) -> None:
    assert shell("show riscv.mig --codecs none") == 0
    lines = shell.out.splitlines()
    assert lines[0] == "machine virt"
    sections = find_sections(whole(RISCV))
    assert len(lines) == 1 + 1 + 3 + len(sections) + 1
    cpu = next(one for one in sections if one.name == "cpu")
    size = cpu.end + 5 - cpu.header
    assert f"{cpu.header:#x}" in shell.out
    (line,) = [line for line in lines if "cpu/0" in line and "common" not in line]
    assert line.split() == [
        f"{cpu.header:#x}",
        str(size),
        "full",
        "5",
        "10",
        "cpu/0",
        "description",
    ]
    assert shell.err == ""


def test_show_takes_codecs(shell: Shell) -> None:
    assert shell(f"show --codecs {generated()} riscv.mig") == 0
    assert "target riscv64" in shell.out
    assert "codec cpu_common" in shell.out
    assert shell(f"show --codecs {generated()}/riscv64 riscv.mig cpu/0.env.pc") == 0
    assert shell.out == "  cpu/0.env.pc = 0x80000758\n"


def test_a_project_s_package_is_used_by_who_names_the_project(shell: Shell) -> None:
    Path("pyproject.toml").write_text(f'[tool.vmgen]\noutput = "{generated()}"\n')
    assert shell("show riscv.mig --codecs .") == 0
    assert "target riscv64" in shell.out
    assert shell("show riscv.mig --codecs none") == 0
    assert "target" not in shell.out
    # The file of a folder above says nothing of this one.
    Path("below").mkdir()
    assert shell("show riscv.mig --codecs below") == 2
    assert "below is not a generated package" in shell.err


COMMANDS = (
    "show riscv.mig", "show riscv.mig cpu/0", "verify riscv.mig", "diff riscv.mig smp.mig",
    "explain riscv.mig --codecs 10.0", "show riscv.mig --codecs any", "extract riscv.mig cpu/0",
    "edit riscv.mig timer/0.cpu_ticks_offset=1 -o out.mig",
    "convert riscv.mig --from 10.0 --to 10.0 -o out.mig",
)  # fmt: skip


@pytest.mark.parametrize("line", COMMANDS)
def test_code_that_came_with_a_stream_does_not_run(
    shell: Shell, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a folder of the usual name nor one that a pyproject.toml names."""
    package = generated()
    monkeypatch.setattr(made, "_embedded", lambda console: package)
    for folder in ("generated", "named"):
        shutil.copytree(package, folder)
        for file in Path(folder).rglob("*.py"):
            file.write_text("raise SystemExit('code of the folder runs')\n")
    Path("pyproject.toml").write_text('[tool.vmgen]\noutput = "named"\n')
    shell(line)
    assert "code of the folder" not in shell.err


def test_show_values_of_sections_and_paths(shell: Shell) -> None:
    assert shell("show riscv.mig timer/0 'cpu.env.gpr[10]' ram slirp") == 0
    assert "timer/0  version 2, 24 bytes at 0x3535e\n" in shell.out
    assert "  cpu_ticks_offset = 0x23ff084\n" in shell.out
    assert "  cpu/0.env.gpr[10] = 0x1122330000000a0a\n" in shell.out
    assert "  riscv_virt_board.ram 0x1000000 bytes: 3 normal, 4093 zero\n" in shell.out
    assert "  data = 00 x 131\n" in shell.out


def test_show_as_json_has_everything(shell: Shell) -> None:
    assert shell(f"show --format json --codecs {generated()} riscv.mig") == 0
    document = shell.json
    assert document["target"] == "riscv64"
    assert document["configuration"] == {"machine": "virt"}
    sections = {(one["name"], one["kind"]): one for one in document["sections"]}
    expected = {one.name: one for one in find_sections(whole(RISCV))}
    for (name, kind), one in sections.items():
        assert {
            "name",
            "instance_id",
            "version_id",
            "kind",
            "offset",
            "size",
            "codec",
            "state",
        } <= set(one)
        if kind == "full":
            section = expected[name]
            assert one["offset"] == section.header
            assert one["size"] == section.end + 5 - section.header
            assert one["version_id"] == section.version
    cpu = sections["cpu", "full"]
    assert cpu["codec"] == "cpu"
    assert cpu["state"]["env"]["gpr"][10] == 0x1122330000000A0A
    assert bytes.fromhex(cpu["state"]["env"]["miprio"])[:1] == b"\xff"
    assert cpu["state"]["jvt"] is None
    assert sections["timer", "full"]["codec"] is None
    assert sections["timer", "full"]["state"]["unused"] == "00" * 8
    blocks = sections["ram", "start"]["state"]["blocks"]
    assert [one["name"] for one in blocks][:1] == ["virt.flash0"]
    assert shell("show --format json riscv.mig timer/0") == 0
    assert [one["name"] for one in shell.json["sections"]] == ["timer"]
    assert shell("show --format json riscv.mig timer.cpu_ticks_offset") == 0
    assert shell.json == {
        "version": 1,
        "values": {"timer.cpu_ticks_offset": 0x23FF084},
    }


def test_show_says_where_a_path_ends(shell: Shell) -> None:
    assert shell("show riscv.mig cpu/0.env.gpr[32]") == 2
    assert "in cpu/0.env.gpr: there is no '[32]' [VG708]" in shell.err
    assert "[0] to [31]" in shell.err
    assert shell("show smp.mig cpu.env.pc") == 2
    assert "several sections: cpu/0, cpu/1 [VG711]" in shell.err
    assert shell("show riscv.mig gpu") == 2
    assert "no such section in the stream, and no such register [VG708]" in shell.err


def test_colour_is_for_people(shell: Shell) -> None:
    shell("show --color always riscv.mig timer/0")
    assert "\033[" in shell.out
    shell("show riscv.mig timer/0")
    assert "\033[" not in shell.out


def test_what_is_not_a_stream(shell: Shell) -> None:
    Path("text").write_text("hello")
    assert shell("show text") == 2
    assert shell.err == (
        "text: error: not a migration stream: it does not begin with QEVM (at byte 0x0)"
        " [VG701]\n"
    )
    assert shell("show nothing.mig") == 2
    assert "nothing.mig: error: cannot be read: No such file" in shell.err
    Path("cut.mig").write_bytes(whole(RISCV)[:-9])
    assert shell("show cut.mig") == 2
    assert "[VG7" in shell.err


def test_codecs_that_do_not_fit(shell: Shell) -> None:
    assert shell(f"show --codecs {generated()} avr.mig") == 2
    assert "fits the stream [VG710]" in shell.err
    assert "x86_64: no CPU section" in shell.err or "x86_64: " in shell.err
    assert shell(f"show --codecs {generated()} -t sparc riscv.mig") == 2
    assert "there are no codecs for 'sparc' [VG710]" in shell.err
    assert shell(f"show --codecs {generated()} -t arm riscv.mig") == 2
    assert "cpu/0" in shell.err
    assert shell("show --codecs . riscv.mig") == 2
    assert "is not a generated package [VG710]" in shell.err
    assert shell("show --qemu . riscv.mig") == 2
    assert ". is not a QEMU source tree: " in shell.err
    assert "[VG101]" in shell.err
    assert shell("show --all riscv.mig") == 2
    assert "--all is for --qemu" in shell.err


def test_no_description_and_members(shell: Shell) -> None:
    Path("arm.mig").write_bytes(captured("arm-stm32vldiscovery-poke--10.0.2"))
    options = f"--codecs {generated()}/arm --no-description"
    line = f"show {options} arm.mig"
    assert shell(line) == 0
    (row,) = (row for row in shell.out.splitlines() if "  cpu/0  " in row)
    assert row.endswith("only bytes, needs ARMCPU.pmsav7_dregion")
    assert shell(f"{line} cpu") == 0
    assert "missing information: vmstate_pmsav7, field env.pmsav7.drbar" in shell.out
    assert shell(f"edit {options} arm.mig r1=1 -o new.mig") == 2
    assert "ARMCPU.pmsav7_dregion" in shell.err
    assert "--member ARMCPU.pmsav7_dregion=VALUE" in shell.err
    assert not Path("new.mig").exists()
    assert shell(f"{line} --format json") == 0
    sections = {one["name"]: one for one in json.loads(shell.out)["sections"]}
    asked = sections["cpu"]["open"]
    assert (asked["kind"], asked["key"]) == ("member", "ARMCPU.pmsav7_dregion")
    assert asked["text"].startswith("vmstate_pmsav7, field env.pmsav7.drbar")
    assert "open" not in sections["timer"]
    assert shell(f"verify {options} arm.mig") == 0
    assert shell(f"{line} --member ARMCPU.pmsav7_dregion=8") == 0
    (row,) = (row for row in shell.out.splitlines() if "  cpu/0  " in row)
    assert row.endswith("codec cpu")
    assert "only bytes" in shell.out
    assert shell(f"{line} --member x") == 2
    assert shell("show --no-description avr.mig") == 2
    assert "the page size is not known" in shell.err
    assert shell("show --no-description --page-size 256 avr.mig") == 0


# --- verify ---------------------------------------------------------------------------


def test_verify_says_identical(shell: Shell) -> None:
    assert shell(f"verify --codecs {generated()} riscv.mig smp.mig") == 0
    first, second = shell.out.splitlines()
    size = len(whole(RISCV))
    assert first == f"riscv.mig: identical: {size} bytes in 24 parts, codecs of riscv64"
    assert second.startswith("smp.mig: identical")
    assert shell("verify avr.mig --codecs none") == 0
    assert shell.out == "avr.mig: identical: 3476 bytes in 12 parts\n"


@pytest.mark.parametrize("codecs", ["", "--codecs {} "])
def test_verify_names_the_first_difference(shell: Shell, codecs: str) -> None:
    data = bytearray(whole(RISCV))
    timer = next(one for one in find_sections(bytes(data)) if one.name == "timer")
    data[timer.start + 10] = 7  # bytes that nothing uses
    Path("odd.mig").write_bytes(data)
    assert shell("verify " + codecs.format(generated()) + "odd.mig riscv.mig") == 1
    first, second = shell.out.splitlines()
    place = f"timer/0.unused at byte {timer.start + 10:#x}: 07"
    assert first.startswith(f"odd.mig: differs: {place}")
    assert second.startswith("riscv.mig: identical")


def test_verify_of_a_damaged_stream_is_1(shell: Shell) -> None:
    data = whole(RISCV)
    cpu = next(one for one in find_sections(data) if one.name == "cpu")
    Path("bad.mig").write_bytes(data[: cpu.end] + b"\0" + data[cpu.end :])
    assert shell("verify bad.mig riscv.mig") == 1
    assert f"no footer behind the section, but 0x00 (at byte {cpu.end:#x})" in shell.err
    assert "riscv.mig: identical" in shell.out
    assert shell("verify nothing.mig") == 2


# --- edit, diff -----------------------------------------------------------------------


def test_edit_writes_another_file(shell: Shell) -> None:
    line = f"--codecs {generated()} riscv.mig 'cpu/0.env.gpr[10]=0x1234' timer.cpu_clock_offset=5"
    assert shell(f"edit -o new.mig {line}") == 0
    assert shell.err == "wrote new.mig\n"
    assert Path("riscv.mig").read_bytes() == whole(RISCV)
    assert shell("diff riscv.mig new.mig") == 1
    assert shell.out == (
        "timer/0.cpu_clock_offset 0xddd8bc -> 5\n"
        "cpu/0.env.gpr[10] (a0) 0x1122330000000a0a -> 0x1234\n"
    )
    assert shell("diff --format json riscv.mig new.mig") == 1
    assert shell.json == {
        "version": 1,
        "same": False,
        "changes": [
            {"path": "timer/0.cpu_clock_offset", "old": 0xDDD8BC, "new": 5},
            {
                "path": "cpu/0.env.gpr[10]",
                "old": 0x1122330000000A0A,
                "new": 0x1234,
                "registers": ["a0"],
            },
        ],
    }
    assert shell("diff riscv.mig riscv.mig") == 0
    assert shell.out == ""


def test_a_command_that_there_is_not(shell: Shell) -> None:
    assert shell("sho riscv.mig") == 2
    assert "No such command 'sho'. Did you mean 'show'? [VG600]" in shell.err
    assert shell("nothing-of-the-kind") == 2
    assert "Did you mean" not in shell.err


def test_what_cannot_be_written_whole_leaves_what_was_there(
    shell: Shell, tmp_path: Path
) -> None:
    before = {path.name: path.stat().st_size for path in tmp_path.glob("*.mig")}
    for command in (
        f"edit riscv.mig a0=1 -o riscv.mig --codecs {generated()}",
        f"edit riscv.mig a0=1 -o new.mig --codecs {generated()}",
    ):
        line = f"ulimit -f 8; {sys.executable} -m vmgen stream {command}"
        done = subprocess.run(
            ["bash", "-c", line], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert "cannot be written: File too large [VG707]" in done.stderr
        kept = {path.name: path.stat().st_size for path in tmp_path.glob("*.mig")}
        assert kept == before
        assert not list(tmp_path.glob(".*"))
    assert (tmp_path / "riscv.mig").read_bytes() == captured(RISCV)


def test_what_is_no_file_is_not_replaced_by_one(shell: Shell, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (
        (tmp_path / "read.mig").open("wb") as read,
        subprocess.Popen(["cat", tmp_path / "pipe"], stdout=read),
    ):
        assert shell(f"edit riscv.mig a0=1 -o pipe --codecs {generated()}") == 0
    assert (tmp_path / "read.mig").stat().st_size == len(captured(RISCV))
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "link.mig").symlink_to("riscv.mig")
    assert shell(f"edit link.mig a0=1 -o link.mig --codecs {generated()}") == 0
    assert (tmp_path / "link.mig").is_symlink()
    assert shell(f"show riscv.mig a0 --codecs {generated()}") == 0
    assert shell.out == "  cpu/0.a0 = 1\n"


def test_edit_in_place_and_to_stdout(shell: Shell) -> None:
    assert shell("edit -o riscv.mig riscv.mig slirp=drop") == 0
    names = [one.name for one in find_sections(Path("riscv.mig").read_bytes())]
    assert "slirp" not in names
    command = [
        sys.executable,
        "-m",
        "vmgen",
        "stream",
        "edit",
        "-",
        "timer.cpu_clock_offset=5",
        "-o",
        "-",
        "--release",
        "10.0.2",
    ]
    root = Path(vmgen.__file__).parent.parent
    done = subprocess.run(
        command, input=lzma.compress(whole(RISCV)), capture_output=True, check=True,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert len(done.stdout) == len(whole(RISCV))
    assert done.stderr == b""


def test_a_failed_edit_writes_nothing(shell: Shell) -> None:
    assert shell("edit -o new.mig riscv.mig cpu/0.env.nope=1") == 2
    assert not Path("new.mig").exists()
    assert shell("edit -o nowhere/new.mig riscv.mig slirp=drop") == 2
    assert "nowhere/new.mig: error: cannot be written: No such file" in shell.err
    assert [path.name for path in Path().iterdir() if path.name.startswith(".")] == []


# --- extract --------------------------------------------------------------------------


def test_extract_sections_and_the_description(shell: Shell) -> None:
    assert shell("extract riscv.mig cpu/0 -o cpu") == 0
    cpu = next(one for one in find_sections(whole(RISCV)) if one.name == "cpu")
    assert Path("cpu").read_bytes() == whole(RISCV)[cpu.start : cpu.end]
    assert shell("extract riscv.mig description -o d.json") == 0
    assert json.loads(Path("d.json").read_bytes()) == description_json(whole(RISCV))[1]
    assert shell("extract riscv.mig cpu/0.env -o x") == 2


def test_extract_ram(shell: Shell) -> None:
    assert shell("extract riscv.mig ram/riscv_virt_board.ram -o ram") == 0
    image = Path("ram").read_bytes()
    assert len(image) == 0x1000000
    assert any(image[:4096])
    assert shell("extract riscv.mig ram -o -") == 2
    assert "there are 7 blocks [VG708]" in shell.err
    assert shell("extract riscv.mig ram -o ram") == 2
    assert "a folder is needed [VG707]" in shell.err
    assert shell("extract riscv.mig ram -o all") == 0
    assert (Path("all") / "riscv_virt_board.ram").read_bytes() == image
    assert (Path("all") / "_rom@etc_acpi_tables").stat().st_size == 0x20000
    assert len(list(Path("all").iterdir())) == 7
    assert shell("extract riscv.mig ram/nope -o x") == 2
    assert "no block 'nope' [VG708]" in shell.err
    assert not Path("x").exists()


def test_help_shows_the_commands(shell: Shell) -> None:
    assert shell("--help") == 0
    for name in ("show", "verify", "edit", "diff", "extract"):
        assert f"\n  {name} " in shell.out


def test_a_reader_of_an_export_that_goes_away_is_no_error(shell: Shell) -> None:
    line = f"{sys.executable} -m vmgen export jsonl riscv.mig -o - | head -n 1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(vmgen.__file__).parent.parent)},
    )  # fmt: skip
    assert done.returncode == 0
    assert "VG" not in done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_a_path_that_is_not_there_says_what_is(shell: Shell) -> None:
    assert shell("show riscv.mig nothing/0") == 2
    assert "there are: " in shell.err
    assert shell("show riscv.mig cpuu/0") == 2
    assert "hint: did you mean cpu/0?" in shell.err
    assert shell("show riscv.mig cpu/0.env.mstatuss") == 2
    assert "hint: did you mean mstatus" in shell.err
    assert shell("show riscv.mig --qemu .") == 2
    assert "[VG101]" in shell.err
    assert shell("show riscv.mig fflags --codecs none") == 2
    assert (
        "'fflags' is not in this stream: QEMU migrates the rounding mode" in shell.err
    )


@pytest.mark.parametrize(
    "said", ["", "[]", '{"tree": "t", "content": "c"}', "[" * 100_000]
)
def test_a_package_of_which_nothing_says_what_it_was_made_from_is_passed_over(
    tmp_path: Path, said: str
) -> None:
    (tmp_path / "made-from.json").write_text(said)
    assert made.provenance(tmp_path) is None
