"""A guest in Unicorn and back, without QEMU; tests/qemu/test_emulated.py compares steps."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import unicorn

from tests.stream_files import FOLDER, packages, stripped, whole
from vmgen.cli import run as vmgen
from vmgen.emulate import from_unicorn, missing, seed, to_unicorn
from vmgen.guest import Guest, Lossy, Unsupported
from vmgen.schemas import VERSIONS
from vmgen.stream import Draft
from vmgen.stream.edit import edit

SPIKE = "riscv64-xbzrle--10.0.2"
RAM = 0x80000000


def test_memory_and_registers_go_there_and_back() -> None:
    with Guest.open(whole(SPIKE), codecs=packages()["riscv64"]) as guest:
        uc = to_unicorn(guest)
        for region in guest.regions:
            for at in (region.start, region.end - 64):
                assert bytes(uc.mem_read(at, 64)) == guest.memory.read(at, 64)
        assert from_unicorn(uc, Draft(guest.stream), guest) == ()
        uc.mem_write(RAM + 0x5000, bytes.fromhex("13057002"))  # li a0, 39
        uc.emu_start(RAM + 0x5000, 0, count=1)
        draft = Draft(guest.stream)
        assert from_unicorn(uc, draft, guest) == ("a0", "pc")
        made = b"".join(map(bytes, draft.chunks()))
    with (
        Guest.open(whole(SPIKE), codecs=packages()["riscv64"]) as before,
        Guest.open(made, codecs=packages()["riscv64"]) as after,
    ):
        assert after.cpus[0].register("a0") == 39
        assert after.cpus[0].register("pc") == RAM + 0x5004
        size = 0x8000
        old = bytearray(before.memory.read(RAM, size))
        old[0x5000:0x5004] = bytes.fromhex("13057002")
        assert after.memory.read(RAM, size) == bytes(old)


def test_roms_stay_as_they_are() -> None:
    with Guest.open(whole(SPIKE), codecs=packages()["riscv64"]) as guest:
        rom = next(one for one in guest.regions if one.kind == "rom")
        uc = to_unicorn(guest)
        uc.mem_write(RAM, bytes.fromhex("23300500"))  # sd zero, 0(a0)
        uc.reg_write(unicorn.riscv_const.UC_RISCV_REG_A0, rom.start)
        with pytest.raises(unicorn.UcError):
            uc.emu_start(RAM, 0, count=1)


def test_what_is_no_cpu_that_unicorn_has() -> None:
    stream = stripped("i386-isapc-poke--10.0.2")
    with (
        Guest.open(stream, codecs=packages()["i386"]) as guest,
        pytest.raises(Unsupported, match="i386"),
    ):
        to_unicorn(guest)
    with (
        Guest.open(whole(SPIKE)) as guest,
        pytest.raises(Unsupported, match="no codecs"),
    ):
        to_unicorn(guest)


@pytest.mark.parametrize(
    "name", ["x86_64-pc-max-seabios--10.0.2", "aarch64-virt-a57-bare--10.0.2"]
)
def test_every_register_comes_back(name: str) -> None:
    """Of streams without RAM: what the emulator has, or it is said that it does not."""
    codecs = packages()[name.partition("-")[0]]
    with Guest.open(stripped(name), codecs=codecs) as guest:
        found = " ".join(missing(guest))
        values = {one.name: one.value for one in guest.cpus[0].registers()}
    if codecs.target == "x86_64":
        assert found == ""
        assert (values["cs_base"], values["efer"], values["xcr0"]) != (0, 0, 0)
    else:
        named = set(re.findall(r"\w+", found))
        assert {"CBAR_EL1", "RMR_EL1"} <= named
        assert not {"x1", "sp", "v3", "SCTLR_EL1", "VBAR_EL1", "SPSR_EL1"} & named


def test_what_would_be_lost_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "riscv64-virt-vh-bare--10.0.2"
    with Guest.open(whole(name), codecs=packages()["riscv64"]) as guest:
        absent, other = missing(guest)
        assert {"vl", "vtype", "hideleg", "pmpaddr0"} <= set(re.findall(r"\w+", absent))
        assert "mstatus 0x8000000a00006600 (there 0x8000000000006000)" in other
        with pytest.raises(Lossy, match="pmpaddr0"):
            to_unicorn(guest, strict=True)
    (tmp_path / "vm.mig").write_bytes(whole(name))
    (tmp_path / "seed").mkdir()
    words = [
        "export",
        "unicorn",
        str(tmp_path / "vm.mig"),
        "-o",
        str(tmp_path / "seed"),
    ]
    assert vmgen([*words, "--strict"]) == 2
    said = capsys.readouterr().err
    assert "missing in the unicorn file: cpu 0: registers that the emulator" in said
    assert not list((tmp_path / "seed").iterdir())


RUN = """\
import sys
sys.path.insert(0, "seed")
import seed
uc = seed.load()
uc.mem_write(0x80005000, bytes.fromhex("13057002"))
uc.emu_start(0x80005000, 0, count=1)
seed.save(uc, "after")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("vm.mig").write_bytes(whole(SPIKE))
    Path("seed").mkdir()
    assert (
        vmgen(["export", "unicorn", "vm.mig", "-o", "seed", "--codecs", GENERATED]) == 0
    )
    return tmp_path


GENERATED = str(FOLDER.parent.parent / "generated")


def test_a_folder_runs_by_itself_and_comes_back(folder: Path) -> None:
    subprocess.run([sys.executable, "-I", "-c", RUN], check=True, cwd=folder)
    words = ["import", "unicorn", "after", "--template", "vm.mig", "-o", "new.mig"]
    assert vmgen([*words, "--codecs", GENERATED]) == 0
    with (
        Guest.open(whole(SPIKE), codecs=packages()["riscv64"]) as before,
        Guest.open("new.mig", codecs=packages()["riscv64"]) as after,
    ):
        old, new = before.cpus[0].registers(), after.cpus[0].registers()
        changed = {one.name: one.value for one in new if one not in old}
        assert changed == {"a0": 39, "pc": RAM + 0x5004}
        assert after.memory.read(RAM + 0x5000, 4) == bytes.fromhex("13057002")
        assert after.memory.read(RAM, 0x5000) == before.memory.read(RAM, 0x5000)
    words[1:3] = ["unicorn", "seed"]
    assert vmgen([*words, "--codecs", GENERATED]) == 0
    assert Path("new.mig").read_bytes() == whole(SPIKE)


def test_a_folder_of_an_x86(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "x86_64-q35-bare--10.0.2"
    Path("vm.mig").write_bytes(whole(name))
    Path("seed").mkdir()
    assert vmgen(["export", "unicorn", "vm.mig", "-o", "seed", "--strict"]) == 0
    program = """\
import sys
sys.path.insert(0, "seed")
import seed
from unicorn.x86_const import *
uc = seed.load()
uc.mem_write(0x2000, b"\\x8e\\xd8")  # mov ds, ax
uc.reg_write(UC_X86_REG_RAX, 0x4321)
uc.reg_write(UC_X86_REG_XMM3, 7)
base = seed.of(uc, "x86_64").get(["cs_base"])["cs_base"]
uc.emu_start(0x2000 - base & 0xffffffff, 0, count=1)
seed.save(uc, "after")
"""
    subprocess.run([sys.executable, "-I", "-c", program], check=True, cwd=tmp_path)
    words = ["import", "unicorn", "after", "--template", "vm.mig", "-o", "new.mig"]
    assert vmgen([*words, "--codecs", GENERATED]) == 0
    codecs = packages()["x86_64"]
    with (
        Guest.open(whole(name), codecs=codecs) as before,
        Guest.open("new.mig", codecs=codecs) as after,
    ):
        old, new = before.cpus[0].registers(), after.cpus[0].registers()
        changed = {one.name: one.value for one in new if one not in old}
        assert before.cpus[0].register("efer") == 0, "real mode"
        wanted = {"rax": 0x4321, "ds": 0x4321, "ds_base": 0x43210, "xmm3": 7}
        assert changed.keys() - {"rip", "ymm3", "zmm3", "hflags"} == wanted.keys()
        assert changed | wanted == changed


def test_the_gate_of_line_20_is_said() -> None:
    codecs = packages()["x86_64"]
    with Guest.open(stripped("x86_64-q35-bare--10.0.2"), codecs=codecs) as guest:
        assert missing(guest) == ()
        draft = edit(guest.stream, [f"cpu/0.env.a20_mask={~0x100000}"])
    with Guest.open(draft.to_bytes(), codecs=codecs) as guest:
        assert "address line 20" in " ".join(missing(guest))


def test_a_folder_of_another_kind(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path("seed/seed.json").read_text()
    good = json.loads(text)
    region = good["regions"][0]
    words = ["import", "unicorn", "seed", "--template", "vm.mig", "-o", "no.mig"]
    for change, said in {
        "{": "seed.json is none of 'vmgen export unicorn'",
        '{"version": 2}': "version 2",
        "[" * 100_000: "seed.json is none of 'vmgen export unicorn'",
        json.dumps(
            good | {"target": "x86_64"}
        ): "a CPU of x86_64 is none of the template's",
        json.dumps(good | {"cpus": []}): "the folder has 0 CPUs, the template 1",
        json.dumps(
            good | {"regions": [region | {"file": "../vm.mig"}]}
        ): "not in the folder",
        json.dumps(good | {"regions": [region | {"size": 1}]}): "bytes, not 1",
        json.dumps(good | {"regions": [region, region]}): "begins inside of another",
        json.dumps(good | {"regions": [region | {"file": "none"}]}): "cannot be read",
        text.replace(
            '"pc": "0x', '"pc": "0xg'
        ): "the value of a register is not a hexadecimal number",
    }.items():
        Path("seed/seed.json").write_text(change)
        assert vmgen([*words, "--codecs", GENERATED]) == 2
        assert said in capsys.readouterr().err
    assert not Path("no.mig").exists()
    assert vmgen([*words[:2], "a", "b", *words[3:]]) == 2


def test_a_register_that_does_not_exist_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written where a name in the folder is no register's; other names of one
    are taken."""
    good = json.loads(Path("seed/seed.json").read_text())
    words = ["import", "unicorn", "seed", "--template", "vm.mig", "-o", "no.mig"]
    words += ["--codecs", GENERATED]

    def run(old: str, new: str, value: str = "0x0") -> str:
        """With a register's name changed."""
        changed = json.loads(json.dumps(good))
        named = changed["cpus"][0]["registers"]
        named[new] = value if value != "0x0" else named[old]
        if old:
            del named[old]
        Path("seed/seed.json").write_text(json.dumps(changed))
        assert vmgen(words) == (0 if Path("no.mig").exists() else 2)
        return capsys.readouterr().err

    said = run("satp", "sapt")
    assert "'sapt' is no register of riscv64, and nothing is written" in said
    assert "did you mean satp" in said
    assert "[VG735]" in said
    said = run("", "a00", "0x1")
    assert "'a00' is no register" in said
    assert "did you mean a0" in said
    assert "x10 is a0, which comes twice" in run("", "x10", "0x1")
    assert not Path("no.mig").exists()
    twice = Path("seed/seed.json").read_text().replace('"sp":', '"pc": "0x1", "sp":')
    Path("seed/seed.json").write_text(twice)
    assert vmgen(words) == 2
    assert "member 'pc' occurs twice in one object" in capsys.readouterr().err
    run("a0", "X10", "0x1234")
    assert vmgen(["stream", "show", "no.mig", "a0", "--codecs", GENERATED]) == 0
    assert "a0 = 0x1234" in capsys.readouterr().out


def test_the_version_is_that_of_the_schema() -> None:
    assert VERSIONS["export-unicorn"] == seed.VERSION
