"""Registers by name: those of the captures are what gdb saw."""

from __future__ import annotations

import json
import lzma
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.stream_files import FOLDER, captured, packages, target_of
from vmgen.cli import run
from vmgen.stream import Ambiguous, BadEdit, NotFound, Stream, registers
from vmgen.stream.compare import compare
from vmgen.stream.edit import edit

NAMES = sorted(
    file.name.removesuffix(".truth.json.xz")
    for file in FOLDER.glob("*--10.0.2.truth.json.xz")
)

EIGHT = ("riscv32", "riscv64", "i386", "x86_64", "arm", "aarch64", "ppc", "ppc64")

DIFFERENT = {
    # The stub makes these of several fields, or shows them another way.
    "mstatus", "vtype", "fpscr", "hstatus", "cpsr", "sp", "xer", "mcountinhibit",
}  # fmt: skip
"""Not compared; the stack pointer of M profile Arm depends on its mode."""


def stream_of(name: str) -> Stream:
    from tests.machine_facts import members

    target, board = name.split("-")[:2]
    return Stream(captured(name), packages()[target].but(members(target, board)))


def truth(name: str) -> list[dict[str, Any]]:
    text = lzma.decompress((FOLDER / f"{name}.truth.json.xz").read_bytes())
    found: list[dict[str, Any]] = json.loads(text)["cpus"]
    return found


def test_eight_targets_have_tables() -> None:
    for target in EIGHT:
        names = registers.table(target)
        assert {"pc", "sp"} <= names.keys()
        assert len(set(names.values())) >= 20
    assert registers.table("vax") == {}


@pytest.mark.parametrize(
    ("target", "names"),
    {
        "riscv64": "zero=env.gpr[0] a0=env.gpr[10] x10=env.gpr[10] t6=env.gpr[31] fp=env.gpr[8]",
        "x86_64": "rip=env.eip rsp=env.regs[4] rdi=env.regs[7] r15=env.regs[15]",
        "i386": "eip=env.eip esp=env.regs[4] edx=env.regs[2] ebx=env.regs[3]",
        "aarch64": "x0=env.xregs[0] sp=env.xregs[31] lr=env.xregs[30] pc=env.pc",
        "arm": "r0=env.regs[0] sp=env.regs[13] lr=env.regs[14] pc=env.regs[15]",
        "ppc64": "r3=env.gpr[3] pc=env.nip lr=env.spr[8] ctr=env.spr[9] sp=env.gpr[1]",
        "ppc": "xer=env.spr[1] dsisr=env.spr[18] dar=env.spr[19] srr0=env.spr[26] srr1=env.spr[27]",
        "mips64el": "hi=env.active_tc.HI[0] lo=env.active_tc.LO[0] ra=env.active_tc.gpr[31]",
        "mips": "hi=env.active_tc.HI[0] lo=env.active_tc.LO[0] epc=env.CP0_EPC t9=env.active_tc.gpr[25]",
    }.items(),
)
def test_names(target: str, names: str) -> None:
    table = registers.table(target)
    for name, _, path in (word.partition("=") for word in names.split()):
        assert table[name] == path


def test_special_purpose_registers_have_the_numbers_of_the_power_isa() -> None:
    table = registers.table("ppc64")
    numbers = {
        "xer": 1, "lr": 8, "ctr": 9, "dsisr": 18, "dar": 19, "srr0": 26, "srr1": 27,
        "vrsave": 256, "sprg0": 272, "sprg1": 273, "sprg2": 274, "sprg3": 275,
        "pvr": 287, "lpcr": 318, "tar": 815, "hid0": 1008,
    }  # fmt: skip
    special = {name for name, path in table.items() if path.startswith("env.spr[")}
    assert special == set(numbers)
    for name, number in numbers.items():
        assert table[name] == f"env.spr[{number}]"


@pytest.mark.parametrize("target", EIGHT)
def test_every_path_is_in_the_codec(target: str) -> None:
    """Of a state with all of its parts, every register can be read."""
    from vmgen.stream import paths

    codec = packages()[target].codecs["cpu"]
    state = codec.state()
    for name, path in registers.table(target).items():
        head = path.partition(".")[0]
        if getattr(state, head) is None:
            assert head in ("hyper", "vector", "pmp", "vfp", "fpu"), name
            continue
        if name == "efer" and target == "i386":
            continue  # it is in a subsection of its own
        assert paths.resolve(state, path) is not None, name


@pytest.mark.parametrize("name", NAMES)
def test_what_gdb_saw(name: str) -> None:
    stream = stream_of(name)
    seen = truth(name)
    compared = 0
    for number, cpu in enumerate(seen):
        section = stream.section("cpu", number)
        found = registers.values(stream.codecs, section, stream.values(section))
        order = "big" if target_of(name) in ("ppc", "ppc64") else "little"
        for register, value in found.items():
            text = _gdb(cpu, register)
            if text is None or register in DIFFERENT:
                continue
            raw = bytes.fromhex(text)
            expected = int.from_bytes(raw, order)  # type: ignore[arg-type]
            mask = (1 << 8 * len(raw)) - 1
            assert value & mask == expected, (register, hex(value), hex(expected))
            compared += 1
    assert compared >= 9 * len(seen)


def _gdb(cpu: dict[str, Any], name: str) -> str | None:
    known = cpu.get("registers", cpu)
    found = known.get(name)
    if isinstance(found, (list, tuple)):
        found = found[-1]
    return found if isinstance(found, str) else None


def test_edit_by_name() -> None:
    stream = stream_of("riscv64-virt-vh-bare--10.0.2")
    for text in ("cpu/0.a0=5", "cpu/0.x10=5", "a0=5", "cpu.A0=5", "X10=5"):
        changed = Stream(edit(stream, [text]).to_bytes(), stream.codecs)
        (change,) = compare(stream, changed)
        assert (change.path, change.new) == ("cpu/0.env.gpr[10]", 5)
    with pytest.raises(NotFound):
        edit(stream, ["cpu/0.rip=5"])
    with pytest.raises(NotFound):
        edit(stream, ["rip=5"])
    with pytest.raises(BadEdit):
        edit(stream, ["a0=ra"])


def test_several_cpus_must_be_told_apart() -> None:
    stream = stream_of("riscv64-virt-rv64-poke-smp2--10.0.2")
    with pytest.raises(Ambiguous, match=r"cpu/0\.sp, cpu/1\.sp"):
        edit(stream, ["sp=5"])
    changed = Stream(edit(stream, ["cpu/1.sp=5"]).to_bytes(), stream.codecs)
    (change,) = compare(stream, changed)
    assert change.path == "cpu/1.env.gpr[2]"


def test_only_the_description_knows() -> None:
    """The target is known, its codecs are not: paths go by the wire names."""
    from vmgen.stream import Codecs

    stream = Stream(captured("riscv64-virt-vh-bare--10.0.2"), Codecs({}, "riscv64"))
    section = stream.section("cpu")
    assert section.codec is None
    found = registers.values(stream.codecs, section, stream.values(section))
    whole = stream_of("riscv64-virt-vh-bare--10.0.2")
    state = whole.values(whole.section("cpu"))
    assert found == registers.values(whole.codecs, whole.section("cpu"), state)
    assert "hgatp" in found


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, new = tmp_path / "a.mig", tmp_path / "b.mig"
    file.write_bytes(captured("x86_64-q35-bare--10.0.2"))
    folder = packages()["x86_64"].folder

    def shell(line: str) -> str:
        assert run(["stream", *shlex.split(f"{line} --codecs {folder}")]) == 0
        return capsys.readouterr().out

    before = shell(f"show {file} rip").split()[-1]
    shell(f"edit {file} rip=0x1234 cpu/0.rax=7 -o {new}")
    assert shell(f"show {new} rip rax") == "  cpu/0.rip = 0x1234\n  cpu/0.rax = 7\n"
    assert before != "0x1234"
    cpu = shell(f"show {new} cpu")
    assert "rip" in cpu
    document = json.loads(shell(f"show --format json {new} cpu"))
    (section,) = document["sections"]
    assert section["registers"]["rip"] == 0x1234
    assert section["registers"]["rax"] == 7


def test_every_number_of_a_row_of_registers_has_its_own_place() -> None:
    names = registers.table("riscv64")
    for number in range(16):
        place = f"pmp.env.pmp_state.pmp[{number}].addr_reg"
        assert names[f"pmpaddr{number}"] == place
