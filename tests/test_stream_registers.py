"""Registers by name: those of the captures are what gdb saw."""

from __future__ import annotations

import json
import lzma
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.arm_registers import named
from tests.json_documents import check
from tests.stream_files import FOLDER, captured, codecs_of, packages, target_of
from tests.trees import trees
from vmgen.cli import run
from vmgen.stream import Ambiguous, BadEdit, NotFound, Stream
from vmgen.stream.compare import Change, compare
from vmgen.stream.edit import edit
from vmgen.stream.registers import RegisterFile
from vmgen.stream.registers.table import table
from vmgen.stream.show import change_json, change_text

NAMES = sorted(
    file.name.removesuffix(".truth.json.xz")
    for file in FOLDER.glob("*--10.0.2.truth.json.xz")
)

DIFFERENT = {"ftag", "fioff", "fooff", "fop"}
"""QEMU's stub shows zero for these, whatever they are."""


def stream_of(name: str) -> Stream:
    from tests.machine_facts import members

    target, board = name.split("-")[:2]
    return Stream(captured(name), packages()[target].but(members(target, board)))


def truth(name: str) -> list[dict[str, Any]]:
    text = lzma.decompress((FOLDER / f"{name}.truth.json.xz").read_bytes())
    found: list[dict[str, Any]] = json.loads(text)["cpus"]
    return found


def file_of(name: str, number: int = 0, *, described: bool = False) -> RegisterFile:
    """The registers of one CPU of a capture; by its description alone, without a target."""
    stream = Stream(captured(name)) if described else stream_of(name)
    values = stream.values(stream.section("cpu", number))
    return RegisterFile(values, "" if described else target_of(name), VLEN)


VLEN = 128
"""The length of a vector register in the captures of RISC-V."""


@pytest.mark.parametrize("described", [False, True], ids=["codec", "description"])
@pytest.mark.parametrize("name", NAMES)
def test_what_gdb_saw(name: str, described: bool) -> None:
    """Value, width and feature of every register that the stream has."""
    order = "big" if target_of(name) in ("ppc", "ppc64") else "little"
    for number, cpu in enumerate(truth(name)):
        found = {one.name: one for one in file_of(name, number, described=described)}
        compared = 0
        for register, (feature, text) in cpu.items():
            one = found.get(register)
            if one is None or register in DIFFERENT:
                continue
            expected = int.from_bytes(bytes.fromhex(text), order)  # type: ignore[arg-type]
            if target_of(name) == "arm" and register in SWAPPED:
                expected = expected >> 64 | (expected & (1 << 64) - 1) << 64
            assert hex(one.value) == hex(expected), register
            assert (one.bits, one.feature) == (4 * len(text), feature), register
            compared += 1
        assert compared >= LEAST[target_of(name)]


SWAPPED = {f"q{number}" for number in range(16)}
"""Registers whose halves QEMU's stub puts the other way round."""

LEAST = {
    "riscv32": 160, "riscv64": 160, "i386": 40, "x86_64": 58, "arm": 23, "aarch64": 216,
    "ppc": 120, "ppc64": 180,
}  # fmt: skip
"""How many registers are compared at least."""


def test_a_register_that_no_stream_has_says_why() -> None:
    riscv = file_of("riscv64-virt-vh-bare--10.0.2")
    with pytest.raises(
        NotFound, match=r"'fflags' is not in this stream: QEMU migrates"
    ):
        riscv.read("fflags")
    with pytest.raises(NotFound, match="fflags"):
        riscv.write("fflags", 1)
    scalar = file_of("riscv64-virt-rv64-poke-smp2--10.0.2")
    with pytest.raises(NotFound, match="no subsection 'vector'"):
        scalar.read("v0")
    with pytest.raises(NotFound, match="'rax' is no register of riscv64"):
        riscv.read("rax")


def test_the_length_of_a_vector_register_must_be_said() -> None:
    stream = stream_of("riscv64-virt-vh-bare--10.0.2")
    values = stream.values(stream.section("cpu"))
    with pytest.raises(NotFound, match="--member vlen=BITS"):
        RegisterFile(values, "riscv64").read("v0")
    assert RegisterFile(values, "riscv64", 256).read("v0").bits == 256


def test_every_system_register_of_a_stream_has_a_name() -> None:
    for name in ("aarch64-virt-a57-bare--10.0.2", "arm-virt-a15-bare--10.0.2"):
        stream = stream_of(name)
        state = stream.values(stream.section("cpu"))
        count = len(state["cpreg_vmstate_indexes"])
        file = RegisterFile(state, target_of(name))
        places = [file.places(one.name) for one in file]
        sent = [one for (one, *_) in places if one.startswith("cpreg_vmstate_values")]
        assert len(set(sent)) == len(sent) == count > 200


def test_a_system_register_is_written_by_name_and_by_number() -> None:
    file = file_of("aarch64-virt-a57-bare--10.0.2")
    file.write("ttbr1_el1", 0x1234)
    assert file.read("TTBR1_EL1").value == 0x1234
    file.write("p15_0_c13_c0_0", 5)
    assert (file.read("p15_0_c13_c0_0").value, file.read("TTBR1_EL1").value) == (
        5,
        0x1234,
    )
    with pytest.raises(NotFound, match="this CPU does not send it"):
        file.read("GCR_EL1")


def test_system_registers_have_the_keys_of_the_trees() -> None:
    """Every register that the trees' C has by one name for one key; DBGDTR_EL0 moved."""
    found = trees()
    if not found:
        pytest.skip("no tree of QEMU")
    keys: dict[tuple[str, str], set[int]] = {}
    for tree in found.values():
        for target, name, key in named(tree):
            keys.setdefault((target, name.lower()), set()).add(key)
    checked = 0
    for (target, name), numbers in keys.items():
        registers = table(target)
        assert registers is not None
        entry = registers.entries.get(name)
        if entry is None or len(numbers) > 1:
            continue
        paths = {way.pieces[0].path for way in entry.ways}
        if any(path.startswith("#") for path in paths):
            assert f"#{numbers.pop():x}" in paths, name
            checked += 1
    assert checked > 350


def test_a_part_is_read_and_written_in_its_register() -> None:
    file = file_of("x86_64-q35-bare--10.0.2")
    file.write("rax", 0x1122334455667788)
    parts = {"eax": 0x55667788, "ax": 0x7788, "al": 0x88, "ah": 0x77}
    assert {name: file.read(name).value for name in parts} == parts
    file.write("AH", 0xFE)
    file.write("al", 1)
    assert file.read("rax").value == 0x112233445566FE01
    with pytest.raises(BadEdit, match="8 bits"):
        file.write("al", 256)


def test_bits_that_a_register_does_not_have_are_refused() -> None:
    file = file_of("riscv64-virt-vh-bare--10.0.2")
    before = file.read("mstatus").value
    clean = before & ~(1 << 63) & ~0x1E600
    file.write("mstatus", clean)
    assert file.read("mstatus").value == clean
    with pytest.raises(BadEdit, match="does not have all of these bits"):
        file.write("mstatus", clean | 1 << 63)  # SD, which FS, VS and XS make
    assert file.read("mstatus").value == clean


@pytest.mark.parametrize("described", [False, True], ids=["codec", "description"])
@pytest.mark.parametrize(
    "name",
    ["x86_64-q35-bare", "riscv64-virt-vh-bare", "aarch64-virt-a57-bare", "arm-virt-a15-bare",
     "arm-stm32vldiscovery-poke", "ppc-g3beige-openbios", "riscv32-virt-poke"],
)  # fmt: skip
def test_what_is_written_is_read_and_nothing_else_changes(
    name: str, described: bool
) -> None:
    """A register of every row, one after the other, with every bit changed that it has."""
    file = file_of(f"{name}--10.0.2", described=described)
    others_go_by = {"cpsr", "xpsr", "fstat", "control", "tselect"}
    derived = {"ftag", "mstatus", "sstatus"}
    rows = {re.sub(r"\d+", "#", one.name): one for one in file}
    for one in rows.values():
        if one.name in others_go_by:
            continue
        paths = set(file.places(one.name))
        before = {other.name: other.value for other in file}
        new = one.value ^ (1 << one.bits) - 1
        try:
            file.write(one.name, new)
        except BadEdit:
            assert file.read(one.name).value == one.value
            continue
        for other in file:
            if other.name == one.name:
                assert other.value == new
            elif other.name not in derived and not paths & set(file.places(other.name)):
                assert other.value == before[other.name], (one.name, other.name)
        file.write(one.name, one.value)
        assert {other.name: other.value for other in file} == before, one.name


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


def test_a_description_alone_is_enough_to_edit() -> None:
    stream = Stream(captured("riscv64-virt-vh-bare--10.0.2"))
    changed = Stream(edit(stream, ["a0=5", "cpu.hgatp=0x1234"]).to_bytes())
    found = {change.path: change.new for change in compare(stream, changed)}
    assert found == {"cpu/0.env.gpr[10]": 5, "cpu/0.cpu/hyper.env.hgatp": 0x1234}


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


def test_the_registers_of_every_cpu(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.mig"
    file.write_bytes(captured("riscv64-virt-rv64-poke-smp2--10.0.2"))
    line = ["stream", "show", str(file), "--registers", "--codecs", "none"]
    assert run(line) == 0
    text = capsys.readouterr().out
    assert [row for row in text.splitlines() if row[0] != " "] == ["cpu/0", "cpu/1"]
    assert run([*line, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)["registers"]
    for number in range(2):
        found = file_of("riscv64-virt-rv64-poke-smp2--10.0.2", number, described=True)
        assert document[f"cpu/{number}"] == {
            one.name: {"value": one.value, "bits": one.bits, "feature": one.feature}
            for one in found
        }


@pytest.mark.parametrize(
    ("name", "register", "value", "expected"),
    [
        ("riscv64-virt-vh-bare--10.0.2", "a0", 1, {"env.gpr[10]": ["a0"]}),
        ("riscv64-virt-vh-bare--10.0.2", "mie", 0x80, {"env.mie": ["mie"]}),
        ("x86_64-q35-bare--10.0.2", "cs", 0x10, {"env.segs[1].selector": ["cs"]}),
        ("aarch64-virt-a57-bare--10.0.2", "v3", 5 << 64,
         {"vfp.env.vfp.zregs[3].d[0]": ["v3"], "vfp.env.vfp.zregs[3].d[1]": ["v3"]}),
    ],
)  # fmt: skip
def test_a_difference_has_the_names_of_registers(
    name: str, register: str, value: int, expected: dict[str, list[str]],
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    files = [str(tmp_path / one) for one in ("old.mig", "new.mig")]
    Path(files[0]).write_bytes(captured(name))
    line = ["stream", "edit", files[0], f"cpu/0.{register}={value}", "-o", files[1]]
    assert run(line) == 0
    capsys.readouterr()
    assert run(["stream", "diff", *files, "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    check("stream-diff", document)
    found = {one["path"].removeprefix("cpu/0."): one for one in document["changes"]}
    assert {path: one["registers"] for path, one in found.items()} == expected
    assert run(["stream", "diff", *files]) == 1
    for path, line_ in zip(found, capsys.readouterr().out.splitlines(), strict=True):
        assert line_.startswith(f"cpu/0.{path} ({', '.join(expected[path])}) ")


def test_of_many_registers_in_a_field_a_few_are_named() -> None:
    many = tuple(f"r{number}" for number in range(9))
    some = Change("cpu/0.a", 1, 2, registers=many)
    assert change_text(some) == "cpu/0.a (r0, r1, r2, r3 and 5 more) 1 -> 2\n"
    assert change_json(some)["registers"] == list(many)
    few = Change("cpu/0.a", 1, 2, registers=many[:5])
    assert "(r0, r1, r2, r3, r4)" in change_text(few)


def test_a_register_that_stays_is_not_named() -> None:
    """Bits of a field that is several registers: only those that differ count."""
    name = "riscv64-virt-vh-bare--10.0.2"
    old = Stream(captured(name), codecs_of(name))
    value = RegisterFile(old.values(old.section("cpu"))).read("mstatus").value
    draft = edit(old, [f"cpu/0.env.mstatus={value ^ 8}"])
    new = Stream(draft.to_bytes(), codecs_of(name))
    (change,) = compare(old, new)
    assert change.registers == ("mstatus",)  # MIE: sstatus has no such bit
