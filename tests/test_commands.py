"""Commands of a stream that not every release knows."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.stream_files import whole
from tests.test_stream_stated import RISCV, Judge, judged, places
from tests.trees import require_tree
from vmgen.archive.archive import shipped
from vmgen.known import MachineFacts
from vmgen.known.commands import DECIDED, knows, sends
from vmgen.stream import Stream, qapi_names
from vmgen.stream.commands import RELEASES
from vmgen.stream.wire import COMMANDS
from vmgen.verdict.machines import MachineJudge
from vmgen.verdict.show_machines import answer

__all__ = ["judged"]

START = bytes([8, 0, 11, 0, 0])
COLO = bytes([8, 0, 8, 0, 0])


@cache
def judge(old: str, new: str) -> MachineJudge:
    archive = shipped()
    assert archive is not None
    sides = (archive.find(name) for name in (old, new))
    first, second = (archive.program(one, "x86_64") for one in sides if one is not None)
    return MachineJudge(first, second)


@pytest.mark.parametrize(
    ("command", "release", "taken"),
    [
        (START, "9.2.0", False), (START, "9.0.0", False), (START, "10.0.0", True),
        (START, "11.0.0", True), (COLO, "10.2.0", True), (COLO, "11.0.0", False),
        (COLO, "7.2.22", True),
    ],
)  # fmt: skip
def test_a_command_is_refused_by_a_release_without_it(
    command: bytes, release: str, taken: bool, judged: Judge
) -> None:
    """Real 9.1.0 says ``MIG_CMD 0xb unknown`` of what 10.0.2 sends."""
    data = whole(RISCV).replace(START, b"")
    at = Stream(data).section("cpu").offset
    found = judged(RISCV, data[:at] + command + data[at:], release=release)
    name = "SWITCHOVER_START" if command is START else "ENABLE_COLO"
    said = ("container", f"command {name}", "") in places(found)
    assert said != taken


@pytest.mark.parametrize(
    ("old", "new", "machine", "refused"),
    [
        ("10.0.2", "9.1.0", "microvm", True), ("10.0.2", "9.2.0", "isapc", True),
        ("10.0.2", "9.1.0", "pc-q35-9.1", False), ("10.0.2", "10.1.0", "microvm", False),
        ("9.1.0", "7.2.22", "microvm", False),
    ],
)  # fmt: skip
def test_a_machine_type_sends_what_an_older_release_does_not_know(
    old: str, new: str, machine: str, refused: bool
) -> None:
    one = judge(old, new).judgement(machine)
    found = [
        section.forward.verdict
        for section in one.sections
        if section.section == "command SWITCHOVER_START"
    ]
    assert found == (["incompatible"] if refused else [])
    assert not refused or answer(one, "forward") == "refused"
    assert answer(one, "backward") != "refused" or not refused


def test_without_a_machine_type_it_is_up_to_it() -> None:
    one = judge("10.0.2", "9.1.0").judgement("")
    (found,) = (
        each for each in one.sections if each.section == "command SWITCHOVER_START"
    )
    assert found.forward.verdict == "conditional"
    assert found.backward.verdict == "compatible"


@pytest.mark.parametrize("release", ["7.2", "10.0", "10.2"])
def test_the_commands_are_those_of_the_trees(release: str) -> None:
    """``enum qemu_vm_cmd`` in the order of its numbers, and what has a ``case``."""
    text = (require_tree(release) / "migration/savevm.c").read_text()
    body = text[text.index("enum qemu_vm_cmd") : text.index("mig_cmd_args[]")]
    names = re.findall(r"^\s*MIG_CMD_(\w+)\b", body, re.M)
    known = {
        name: number
        for number, (name, _) in COMMANDS.items()
        if name not in RELEASES or qapi_names.is_of(RELEASES, name, f"{release}.0")
    }
    assert {name: names.index(name) for name in known} == known
    assert {*names} == {"INVALID", "MAX", *known}


@pytest.mark.parametrize(
    ("release", "there"), [("7.2.22", False), ("9.2.0", False), ("10.0.0", True)]
)
def test_the_property_is_there_with_the_command(release: str, there: bool) -> None:
    facts = MachineFacts(judge(release, release).old)
    for command in DECIDED:
        assert knows(facts.program.machines.properties, command) is there
        assert sends(facts, "microvm", command) is there
        assert not sends(facts, "pc-i440fx-7.0", command)
    assert knows((), "SWITCHOVER_START") is None
