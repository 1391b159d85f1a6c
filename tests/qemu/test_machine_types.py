"""What machine types set and which defaults properties have, asked of real QEMU."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest

from tests.lacking import lacking
from tests.trees import require_tree
from vmgen import ir
from vmgen.known import MachineFacts
from vmgen.pipeline import Request, compile_whole

TARGETS = ("x86_64", "s390x")


class Monitor:
    """QMP on the standard streams of a QEMU that runs no guest."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._read()
        self.ask("qmp_capabilities")

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def ask(self, command: str, **arguments: Any) -> Any:
        """What the command returns; None if it is refused."""
        assert self._process.stdin is not None
        line = json.dumps({"execute": command, "arguments": arguments})
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        while True:
            answer = self._read()
            if "return" in answer or "error" in answer:
                return answer.get("return")


@contextmanager
def monitor(target: str) -> Iterator[Monitor]:
    binary = shutil.which(f"qemu-system-{target}")
    if binary is None:
        lacking(f"there is no qemu-system-{target}")
    command = [binary, "-machine", "none", "-nodefaults", "-display", "none"]
    with subprocess.Popen(
        [*command, "-S", "-qmp", "stdio"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Monitor(process)
        finally:
            process.kill()


@cache
def programs() -> dict[str, ir.Program]:
    tree = require_tree("10.0")
    requests = [Request(target=one, qemu=tree, whole=True) for one in TARGETS]
    return {one.target: one for one in compile_whole(requests)}


@pytest.mark.parametrize("target", TARGETS)
def test_every_machine_type_sets_what_qemu_says(target: str) -> None:
    facts = MachineFacts(programs()[target])
    with monitor(target) as qemu:
        found = qemu.ask("query-machines", **{"compat-props": True})
    for real in found:
        own = facts.machines[real["name"]]
        assert own.open == ""
        assert [
            {"qom-type": one.driver, "property": one.property, "value": one.value}
            for one in facts.settings(own)
        ] == real.get("compat-props", []), own.name
        assert own.aliases == ((real["alias"],) if "alias" in real else ())
        assert own.default == real.get("is-default", False)


@pytest.mark.parametrize("target", TARGETS)
def test_every_default_is_what_qemu_says(target: str) -> None:
    program = programs()[target]
    facts = MachineFacts(program)
    known = {one.name for one in program.machines.types}
    # CONFIG_PIXMAN decides it, which the binary's build had.
    expected_differences = {("ati-vga", "x-pixman")}
    equal = 0
    with monitor(target) as qemu:
        types = qemu.ask("qom-list-types", implements="device", abstract=False)
        for name in sorted(one["name"] for one in types if one["name"] in known):
            listed = qemu.ask("device-list-properties", typename=name) or []
            real = {one["name"]: one.get("default-value") for one in listed}
            for one in facts.properties(name):
                # QEMU hides what begins so (qmp_device_list_properties).
                if one.default is None or one.name not in real:
                    continue
                value: object = one.default
                if one.kind == "bool":
                    value = bool(one.default)
                elif one.values:
                    value = one.values[one.default]
                if (name, one.name) not in expected_differences:
                    assert real[one.name] == value, (name, one.name)
                    equal += 1
    assert equal > 2000
