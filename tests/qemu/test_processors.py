"""Real QEMU's CPUs have the system registers that vmgen computed from its sources."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.lacking import lacking
from tests.qemu.machine import Guest, Machine, Refusal
from vmgen.archive.archive import shipped
from vmgen.known.processors import ProcessorRegisters, Processors, processors_of
from vmgen.stream import Stream
from vmgen.stream.system_registers import of_section
from vmgen.verdict import Direction
from vmgen.verdict.machines import MachineJudge

MACHINES = (
    ("virt", "cortex-a57"),
    ("virt", "cortex-a15"),
    ("virt", "max"),
    ("virt", "neoverse-n1"),
    ("virt,virtualization=on", "max"),
    ("virt,secure=on", "cortex-a72"),
    ("sbsa-ref", "neoverse-n1"),
    ("sabrelite", "cortex-a9"),
    ("raspi1ap", "arm1176"),
)


@cache
def known(release: str) -> Processors:
    archive = shipped()
    assert archive is not None
    found = archive.find(release)
    assert found is not None
    processors = processors_of(archive.program(found, "aarch64").premises)
    assert processors is not None
    return processors


def of_stream(options: tuple[str, ...], release: str, folder: Path) -> dict[int, int]:
    """The registers that a paused machine saves."""
    guest = Guest("aarch64", (*options, "-nodefaults"), release=release)
    if why := guest.absent():
        lacking(why)
    with Machine(guest) as machine:
        data = machine.capture()
    file = folder / "own.mig"
    file.write_bytes(data)
    with Stream.open(file) as stream:
        found = next(
            one for part in stream.sections for one in of_section(stream, part)
        )
    return dict(zip(found.numbers, found.values, strict=True))


@pytest.mark.parametrize(
    ("release", "number"), [("", "10.0.2"), ("7.2", "7.2.22")], ids=["10.0.2", "7.2.22"]
)
@pytest.mark.parametrize(("machine", "model"), MACHINES)
def test_the_list_of_a_machine_is_that_of_its_model(
    machine: str, model: str, release: str, number: str, tmp_path: Path
) -> None:
    values = of_stream(("-M", machine, "-cpu", model), release, tmp_path)
    found = known(number).having(values)
    assert [one.model for one in found] == [model]
    if machine == "virt":
        assert {"has_el2", "has_el3"} <= {*found[0].off}
    constants = [value for value in found[0].registers.values() if value is not None]
    assert len(constants) > 3  # which the stream agreed with


@pytest.mark.parametrize("number", ["10.0.2", "7.2.22"])
def test_every_model_of_the_release_is_read(number: str) -> None:
    every = known(number)
    assert every.unread == ()
    assert len(every.by_model) > 35
    assert all(isinstance(one, ProcessorRegisters) for one in every.every)


@cache
def judge() -> MachineJudge:
    archive = shipped()
    assert archive is not None
    old, new = (archive.find(name) for name in ("7.2.22", "10.0.2"))
    assert old is not None
    assert new is not None
    return MachineJudge(
        archive.program(old, "aarch64"), archive.program(new, "aarch64")
    )


def judged(model: str, way: Direction) -> str:
    of = judge().judgement("virt-7.2", model=model)
    (cpu,) = (one for one in of.sections if one.section == "cpu" and one.cpu)
    return cpu.outcome(way).verdict


@pytest.mark.parametrize(
    "model",
    ["cortex-a15", "cortex-a57", "cortex-a72", "cortex-a76", "neoverse-n1", "max"],
)
@pytest.mark.parametrize(
    ("way", "source", "target"), [("forward", "7.2", ""), ("backward", "", "7.2")]
)
def test_the_verdict_on_a_model_is_that_of_qemu(
    model: str, way: Direction, source: str, target: str, tmp_path: Path
) -> None:
    options = ("-M", "virt-7.2", "-cpu", model, "-nodefaults")
    guests = [Guest("aarch64", options, release=one) for one in (source, target)]
    for guest in guests:
        if why := guest.absent():
            lacking(why)
    with Machine(guests[0]) as machine:
        data = machine.capture()
    with Machine(guests[1], ("-incoming", "defer")) as machine:
        try:
            machine.load(data)
            taken = True
        except Refusal:
            taken = False
    verdict = judged(model, way)
    assert (
        verdict in ("compatible", "conditional") if taken else verdict == "incompatible"
    )
