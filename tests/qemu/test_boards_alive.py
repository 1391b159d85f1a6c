"""Real QEMU's machines have no device that vmgen says their boards never make, or that
users must add."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.lacking import lacking
from tests.qemu.machine import Guest, Machine, Refusal
from vmgen import ir
from vmgen.archive import shipped

TARGETS = (
    "aarch64",
    "m68k",
    "mips64el",
    "ppc64",
    "riscv64",
    "s390x",
    "sparc",
    "x86_64",
)
NEEDS_MORE = re.compile(
    r"(?i)rom image|bios|kernel|firmware|unsupported machine|audio|any cpu"
)
"""What boards say that start with something in their memory or on their host only, and
one that has no CPU to look at."""


def _program(target: str) -> ir.Program:
    archive = shipped()
    assert archive is not None
    release = archive.find("10.0.2")
    assert release is not None
    return archive.program(release, target)


def _kinds(target: str, machine: str) -> set[str]:
    """The types of all objects of a machine as QEMU made it."""
    with Machine(Guest(target, ("-M", machine))) as alive:
        text = alive.command(
            "human-monitor-command", **{"command-line": "info qom-tree"}
        )
    return set(re.findall(r"\(([^()\s]+)\)\s*$", text, re.MULTILINE))


@pytest.mark.parametrize("target", TARGETS)
def test_a_machine_has_nothing_that_its_board_does_not_make(target: str) -> None:
    if why := Guest(target, ()).absent():
        lacking(why)
    program = _program(target)
    facts = program.machines
    made = {one.name for one in facts.types if not one.creatable}
    made &= {type_ for root in program.roots for type_ in root.device_types}
    named = {name for board in facts.boards for name in board.machines}
    first = {
        one.board: one.name for one in reversed(facts.machines) if one.name not in named
    }
    found: set[str] = set()
    for board in facts.boards:
        machine = board.machines[0] if board.machines else first[board.file]
        if machine == "none":
            continue
        try:
            kinds = _kinds(target, machine)
        except Refusal as refusal:
            said = str(refusal)
            assert NEEDS_MORE.search(said)
            continue
        assert kinds & made <= {*board.makes}, machine
        # It is started without options: what users must add is not there.
        assert kinds & {*board.added} == set(), machine
        found |= kinds & made
    assert found, "no machine has any of them: nothing was looked at"


@pytest.mark.parametrize("target", TARGETS)
def test_users_create_none_of_what_vmgen_says_that_they_cannot(target: str) -> None:
    if why := Guest(target, ()).absent():
        lacking(why)
    types = {one.name: one for one in _program(target).machines.types}
    words, environment = Guest(target, ()).command_line()
    text = subprocess.run(
        [*words, "-M", "none", "-device", "help"],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    ).stdout
    listed = set(re.findall(r'^name "([^"]+)"', text, re.MULTILINE)) & types.keys()
    assert listed
    assert [name for name in sorted(listed) if not types[name].creatable] == []
