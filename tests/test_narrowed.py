"""What guests have, by a stream of theirs, is no condition of a verdict any more."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.test_pairs import files
from vmgen.archive import shipped
from vmgen.cli.compat import guest_of
from vmgen.cli.console import Console
from vmgen.stream.having import Having
from vmgen.verdict.machines import MachineJudge
from vmgen.verdict.narrowed import narrowed
from vmgen.verdict.show_machines import answer


@cache
def judge(target: str, *releases: str) -> MachineJudge:
    archive = shipped()
    assert archive is not None
    found = [archive.find(name) for name in releases]
    old, new = (archive.program(one, target) for one in found if one is not None)
    return MachineJudge(old, new)


def said(target: str, machine: str, old: str, new: str, has: Having | None) -> str:
    """The answer to what ``old`` saved, of a guest that has no more than that."""
    one = judge(target, old, new)
    found = {machine: one.judgement(machine)}
    found = narrowed(found, one.old, one.new, (), has)
    return answer(found[machine], "forward")


def elements(count: int | None) -> Having:
    return Having(frozenset({"virtio-gpu"}), elements=lambda section, path: count)


def numbered(*numbers: int) -> Having:
    return Having(frozenset({"slirp"}), {"slirp": frozenset(numbers)})


Q35 = "x86_64", "pc-q35-6.2"
PORT = Having(frozenset({"pcie-root-port"}), reporting=frozenset({"pcie-root-port"}))
SILENT = Having(frozenset({"pcie-root-port"}))
PMP = Having(frozenset({"cpu"}), subsections={"cpu": frozenset({"cpu/pmp"})})
DEBUG = Having(frozenset({"cpu"}), subsections={"cpu": frozenset({"cpu/debug"})})
CASES: list[tuple[str, str, str, str, Having | None, str]] = [
    # Real 9.1.0 refuses what 10.0.2 saved: it registers no s390_css.
    ("s390x", "s390-ccw-virtio-8.0", "10.0.2", "9.1.0", None, "refused"),
    ("s390x", "s390-ccw-virtio-8.0", "10.0.2", "9.1.0", Having(frozenset({"cpu"})), "loads"),
    ("s390x", "s390-ccw-virtio-8.0", "10.0.2", "9.1.0",
     Having(frozenset({"cpu", "s390_css"})), "refused"),
    # A second user network: up to 8.0 only the first is found.
    (*Q35, "10.0.2", "8.0.0", numbered(0), "loads"),
    (*Q35, "10.0.2", "8.0.0", numbered(0, 1), "refused"),
    (*Q35, "8.0.0", "10.0.2", numbered(0), "loads"),
    # Outputs behind the first: memory decides what the newer side makes of them.
    (*Q35, "7.2.22", "10.0.2", elements(1), "loads"),
    (*Q35, "7.2.22", "10.0.2", elements(2), "not known"),
    (*Q35, "7.2.22", "10.0.2", elements(None), "not known"),
    (*Q35, "10.0.2", "7.2.22", elements(2), "not known"),
    (*Q35, "6.2.0", "7.2.22", elements(2), "loads"),
    # The error mask that only 8.0 has whatever the machine type is.
    (*Q35, "8.0.0", "7.2.22", PORT, "refused"),
    (*Q35, "8.0.0", "7.2.22", SILENT, "loads"),
    (*Q35, "7.2.22", "8.0.0", PORT, "loads"),
    # A subsection that the stream has and that is of another length: the PMP of RISC-V.
    ("riscv64", "virt", "10.0.2", "10.1.0", PMP, "refused"),
    ("riscv64", "virt", "10.1.0", "10.0.2", PMP, "refused"),
    ("riscv64", "virt", "10.0.2", "10.1.0", DEBUG, "loads"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "machine", "old", "new", "has", "right"), CASES)
def test_what_a_guest_has_decides(
    target: str, machine: str, old: str, new: str, has: Having | None, right: str
) -> None:
    assert said(target, machine, old, new, has) == right


def test_without_a_machine_type_the_outputs_are_a_condition() -> None:
    one = judge("x86_64", "9.0.0", "9.1.0").judgement("pc-q35-9.0")
    gpu = next(each for each in one.sections if each.section == "virtio-gpu")
    assert [each.kind for each in gpu.forward.findings] == ["beside"]
    assert gpu.forward.verdict == gpu.backward.verdict == "conditional"


def test_guests_of_two_streams_have_what_either_has() -> None:
    one = Having(frozenset("a"), {"a": frozenset({0})}, elements=lambda *_: 1)
    two = Having(
        frozenset("b"), {"a": frozenset({1})}, frozenset("b"), {"b": frozenset({"b/x"})},
        lambda *_: None,
    )  # fmt: skip
    both = one | two
    assert both.names == {"a", "b"}
    assert both.instances == {"a": {0, 1}}
    assert both.subsections == {"b": {"b/x"}}
    assert both.reporting == {"b"}
    assert both.elements("a", "x") == 1


def test_what_a_real_stream_says_of_its_guest(tmp_path: Path) -> None:
    name = next(one for one in sorted(files()) if one.startswith("riscv64-virt-"))
    (tmp_path / name).write_bytes(files()[name])
    has = guest_of(str(tmp_path / name), Console())
    assert {"cpu", "timer", "globalstate"} <= has.names
    assert 0 in has.instances["cpu"]
    assert "cpu/pmp" in has.subsections["cpu"]
    assert has.elements("cpu", "env.nothing") is None


@pytest.mark.parametrize(
    ("target", "machine", "devices", "answered"),
    [
        # Real 10.0.2 refuses the first and takes the second: a SPARCstation has an esp on
        # its board, whatever users add, and a PC has none.
        ("sparc", "SS-5", ("floppy",), "refused"),
        ("x86_64", "pc-q35-7.2", ("e1000e",), "loads"),
        ("x86_64", "pc-q35-7.2", ("e1000e", "am53c974"), "refused"),
    ],
)
def test_what_is_on_the_board_is_in_every_guest(
    target: str, machine: str, devices: tuple[str, ...], answered: str
) -> None:
    one = judge(target, "7.2.22", "10.0.2")
    found = {machine: one.judgement(machine)}
    found = narrowed(found, one.old, one.new, devices, None)
    assert answer(found[machine], "forward") == answered
