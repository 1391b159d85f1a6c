"""What ``explain`` says, and what the other release's QEMU does: both ways.

The QEMU of 7.2 is found in ``VMGEN_QEMU_7_2``, a folder that its packages were unpacked
into (``usr/bin``, ``usr/lib``, ``usr/share``).
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.lacking import lacking
from tests.qemu.machine import Guest, Machine, Refusal
from tests.stream_files import packages
from tests.trees import require_tree
from vmgen import pipeline
from vmgen.cli import run
from vmgen.stream import Codecs, Stream, from_folder
from vmgen.stream.explain import explain
from vmgen.stream.input import Input
from vmgen.stream.objections import Explanation
from vmgen.stream.verify import verify


@dataclass(frozen=True)
class Elsewhere(Guest):
    """A guest of another QEMU than the installed one."""

    program: str = ""

    @property
    def binary(self) -> str:
        return self.program


OPTIONS = {
    "riscv64": ("-M", "virt", "-m", "16M", "-nodefaults", "-bios", "none"),
    "riscv32": ("-M", "virt", "-m", "16M", "-nodefaults", "-bios", "none"),
    "x86_64": ("-M", "pc-q35-7.2", "-m", "16M", "-nodefaults"),
    "i386": ("-M", "pc-i440fx-7.2", "-m", "16M", "-nodefaults"),
    "aarch64": ("-M", "virt-7.2", "-m", "16M", "-nodefaults", "-cpu", "cortex-a57"),
    "arm": ("-M", "virt-7.2", "-m", "16M", "-nodefaults", "-cpu", "cortex-a15"),
    "ppc64": (
        "-M",
        "pseries-7.2,x-vof=on,ic-mode=xics",
        "-cpu",
        "power9_v2.0",
        "-m",
        "256M",
        "-nodefaults",
    ),
    "s390x": ("-M", "s390-ccw-virtio-7.2", "-m", "16M", "-nodefaults"),
    "m68k": ("-M", "virt-7.2", "-m", "16M", "-nodefaults"),
}
"""Machines that both releases have under this name."""

SOURCES = {"s390x": ("target/s390x/machine.c", "hw/s390x/css.c")}
"""Where not the CPU alone is read: 7.2 describes one element of the array in s390_css."""

BIG = ("ppc64", "s390x", "m68k")

REFUSED = {
    ("riscv64", "10.0"): ("cpu/0", "version-window"),
    ("riscv32", "10.0"): ("cpu/0", "version-window"),
    ("riscv64", "7.2"): ("command SWITCHOVER_START", "container"),
    ("riscv32", "7.2"): ("command SWITCHOVER_START", "container"),
    ("ppc64", "7.2"): ("cpu/0", "version-window"),
}
"""What a release refuses of the other's: the section, and the rule."""


UNJUDGED = {("ppc64", "10.0"): "icp/server/0"}
"""A section of a device that the newer machine does not have: codecs of CPUs alone do not
know, and say so."""

UNSURE = {"arm": "cpreg_vmstate_indexes", "aarch64": "cpreg_vmstate_indexes"}
"""How many system registers a CPU has, no table says; the releases do not agree."""


def older(folder: Path) -> Path:
    """A folder with programs that run the QEMU of 7.2, or no test."""
    named = os.environ.get("VMGEN_QEMU_7_2", "")
    if not named:
        lacking("VMGEN_QEMU_7_2 names no QEMU of 7.2")
    root = Path(named)
    libraries = ":".join(
        str(path) for path in sorted((root / "usr/lib").glob("*-linux-*"))
    )
    data = [
        f"-L {shlex.quote(place)}"
        for place in (
            str(root / "usr/share/qemu"),
            "/usr/share/qemu",
            "/usr/share/seabios",
        )
    ]
    for program in (root / "usr/bin").glob("qemu-system-*"):
        script = folder / program.name
        real = root / "usr/libexec" / program.name  # where there is a script before it
        words = f'exec {real if real.exists() else program} {" ".join(data)} "$@"'
        script.write_text(f"#!/bin/sh\nLD_LIBRARY_PATH={libraries} {words}\n")
        script.chmod(0o755)
    return folder


@cache
def codecs_of(target: str, release: str, folder: Path) -> Codecs:
    if release == "10.0" and target in packages():
        return packages()[target]
    sources = SOURCES.get(target, ())
    request = pipeline.Request(
        target=target, qemu=require_tree(release), sources=sources
    )
    for file in pipeline.generate([pipeline.compile_program(request)]):
        path = folder / release / target / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)
    return from_folder(folder / release / target)[target]


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("explain")


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return older(tmp_path_factory.mktemp("programs"))


def guest(target: str, release: str, programs: Path) -> Guest:
    order = "big" if target in BIG else "little"
    name = f"qemu-system-{target}"
    program = name if release == "10.0" else str(programs / name)
    return Elsewhere(target, OPTIONS[target], order, program=program)


def said(codecs: Codecs, data: bytes) -> Explanation:
    return explain(Input(data), codecs)


@pytest.mark.parametrize("reader", ["10.0", "7.2"])
@pytest.mark.parametrize("target", OPTIONS)
def test_both_ways(target: str, reader: str, programs: Path, scratch: Path) -> None:
    writer = "7.2" if reader == "10.0" else "10.0"
    with Machine(guest(target, writer, programs)) as machine:
        assert machine.version()[:2] == tuple(map(int, writer.split(".")))
        data = machine.capture()
    assert not said(codecs_of(target, writer, scratch), data).refusals
    for codecs in (codecs_of(target, writer, scratch), None):
        assert {one.difference for one in verify(Stream(data, codecs))} == {None}
    found = said(codecs_of(target, reader, scratch), data)
    try:
        with Machine.resumed(guest(target, reader, programs), data):
            refused = ""
    except Refusal as refusal:
        refused = str(refusal)
    with Machine(guest(target, reader, programs)) as machine:
        own = Stream(machine.capture(), strict=False)
    like = explain(Input(data), codecs_of(target, reader, scratch), own=own)
    if (target, reader) in UNJUDGED:
        assert not like.refusals
        assert [one.section for one in like.open if one.rule == "machine"]
    else:
        assert (not like.refusals) == (refused == ""), (like.refusals, refused)
    if target in UNSURE:
        why = {(one.rule, one.section) for one in like.refusals}
        assert why == {("machine", "cpu/0")}
        if reader == "7.2":  # no CPU of it has one of the registers
            assert {(one.rule, one.section) for one in found.refusals} == why
        else:
            assert found.outcome == "not known"
            (cpu,) = [one for one in found.open if one.section == "cpu/0"]
            assert UNSURE[target] in f"{cpu.member} {cpu.message}"
        assert "device 'cpu'" in refused
        return
    if section := UNJUDGED.get((target, reader)):
        assert section in found.unjudged
        assert f"'{section.removesuffix('/0')}'" in refused
        return
    if (target, reader) not in REFUSED:
        assert not found.refusals, found.refusals
        assert refused == ""
        return
    section, rule = REFUSED[target, reader]
    # What comes before the command, blocks of memory, only a machine's own stream tells.
    assert ("'cpu'" if section == "cpu/0" else "'ram'") in refused
    assert found.refusals[0].section == section
    assert found.refusals[0].rule == rule


def test_without_footers_only_a_machine_without_takes_it() -> None:
    """``send-section-footer`` is the machine's own, as ``--like`` tells and QEMU does."""
    usual = Guest("riscv64", OPTIONS["riscv64"])
    if reason := usual.absent():
        lacking(reason)
    off = ("-global", "migration.send-section-footer=off")
    bare = Guest("riscv64", (*OPTIONS["riscv64"], *off))
    with Machine(usual) as machine:
        own = machine.capture()
    with Machine(bare) as machine:
        data = machine.capture()
    codecs = packages()["riscv64"]
    assert explain(Input(data), codecs).open[0].rule == "container"
    refused = explain(Input(data), codecs, own=Stream(own, strict=False))
    assert [one.rule for one in refused.refusals] == ["machine"]
    with pytest.raises(Refusal, match="Missing section footer"):
        Machine.resumed(usual, data)
    assert not explain(Input(data), codecs, own=Stream(data, strict=False)).refusals
    with Machine.resumed(bare, data):
        pass
    crossed = explain(Input(own), codecs, own=Stream(data, strict=False))
    assert crossed.refusals
    with pytest.raises(Refusal):
        Machine.resumed(bare, own)


def test_the_pci_ids_of_a_virtio_device_are_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They lie inside of what the description shows as one field of so many bytes."""

    def guest(option: str) -> Guest:
        device = ("-device", f"virtio-rng-pci,{option}")
        return Guest("riscv64", (*OPTIONS["riscv64"], *device))

    old, new = guest("disable-modern=on"), guest("disable-legacy=on")
    if reason := old.absent():
        lacking(reason)
    files = []
    for number, one in enumerate((old, new)):
        with Machine(one) as machine:
            files.append(tmp_path / f"{number}.mig")
            files[-1].write_bytes(machine.capture())
    words = ["stream", "explain", str(files[0]), "--codecs", "10.0.2"]
    assert run([*words, "--like", str(files[0])]) == 0, capsys.readouterr()
    assert run([*words, "--like", str(files[1])]) == 1
    assert "virtio.vdev.pci.pci_dev.config" in capsys.readouterr().out
    with Machine.resumed(old, files[0].read_bytes()):
        pass
    with pytest.raises(Refusal, match="virtio-rng"):
        Machine.resumed(new, files[0].read_bytes())


WITHOUT_OPTIONS = {
    "pc-i440fx-7.2": (
        "x86_64",
        "-device virtio-net-pci,romfile= -device AC97,audiodev=a",
    ),
    "pc-q35-7.2": ("x86_64", "-device virtio-serial-pci -device qemu-xhci"),
    "s390-ccw-virtio-7.2": ("s390x", "-device virtio-rng-ccw"),
}


@pytest.mark.parametrize("machine", WITHOUT_OPTIONS)
def test_the_machine_type_answers_what_the_reader_asks(
    machine: str,
    programs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From 10.0 back to 7.2, by the archive alone: nothing is left open."""
    target, devices = WITHOUT_OPTIONS[machine]
    options = f"-M {machine} -m 64M -nodefaults -audiodev none,id=a {devices}"
    name = f"qemu-system-{target}"
    order = "big" if target in BIG else "little"
    new, old = (
        Elsewhere(target, tuple(options.split()), order, program=program)
        for program in (name, str(programs / name))
    )
    if reason := new.absent():
        lacking(reason)
    file = tmp_path / "vm.mig"
    with Machine(new) as running:
        file.write_bytes(running.capture())
    status = run(["stream", "explain", str(file), "--release", "7.2.22"])
    said = capsys.readouterr()
    assert status == 0, said
    assert said.out.startswith(f"{file}: accepted by QEMU 7.2.22 for {target}")
    with Machine.resumed(old, file.read_bytes()):
        pass
