"""QEMU of newer suites, with its own libraries, held to the archive that vmgen ships.

``VMGEN_QEMU_NEWER`` names the folders, joined as in ``PATH``; ``.ci/run`` unpacks them.  A
release that is not shipped is held to the nearest older one: a stable update must say the
same, and of another series every difference has its reason in ``newer.toml``.  The suites
move on: a series that neither the archive nor that file knows is skipped.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.dump_vmstate import Dump
from tests.lacking import lacking
from tests.qemu.machine import Guest, Machine, by_own_loader
from vmgen.archive import SHIPPED, Archive, Release
from vmgen.cli import run
from vmgen.cli.shipped import order

REASONS = Path(__file__).with_name("newer.toml")
SUITES = ("trixie", "sid")
GUESTS = {
    "aarch64": "-M virt,gic-version=3,iommu=smmuv3 -cpu cortex-a57 -device virtio-gpu-pci",
    "riscv64": "-M virt,aia=aplic-imsic -bios none -device virtio-rng-pci",
    "s390x": "-M s390-ccw-virtio -device virtio-rng-ccw -device virtio-balloon-ccw",
    "x86_64": "-M q35 -device e1000e -device qemu-xhci -device usb-tablet -device VGA",
}
FEWEST = {"aarch64": 650, "riscv64": 300, "s390x": 80, "x86_64": 220}
"""At least so many classes agree."""

UNREAD = {"ram", "s390-storage_attributes", "s390-skeys", "todclock"}
"""Sections that C functions write without a table."""


@dataclass(frozen=True)
class Unpacked:
    """A release's binaries: ``release`` is what they say."""

    root: Path
    release: str

    def nearest(self) -> Release:
        """The release itself in the archive, or the newest before it."""
        older = [
            one
            for one in Archive(SHIPPED).releases
            if order(one.name) <= order(self.release)
        ]
        return older[-1]


@cache
def unpacked(suite: str) -> Unpacked:
    roots = map(Path, os.environ.get("VMGEN_QEMU_NEWER", "").split(os.pathsep))
    root = next((one for one in roots if one.name.endswith(suite)), None)
    if root is None:
        lacking(f"VMGEN_QEMU_NEWER names no folder with QEMU of {suite}")
    words, environment = by_own_loader(root, "qemu-system-s390x")
    said = subprocess.run(
        [*words, "--version"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = re.search(r"version (\d+\.\d+\.\d+)", said)
    assert found is not None, said
    return Unpacked(root, found[1])


def series(release: str) -> str:
    """The series of a release, without the number of its update."""
    return release.rpartition(".")[0]


def reasons(one: Unpacked) -> dict[str, str]:
    """Why descriptions may differ from the nearest release, by wire name."""
    nearest = one.nearest().name
    if series(nearest) == series(one.release):
        return {}
    listed = tomllib.loads(REASONS.read_text(encoding="utf-8"))["difference"]
    found = {
        name: each["why"]
        for each in listed
        if (each["series"], each["nearest"]) == (series(one.release), nearest)
        for name in each["names"]
    }
    if not found:
        lacking(f"newer.toml has no reasons for {one.release} beside {nearest}")
    return found


def dump(one: Unpacked, target: str, file: Path) -> dict[str, Any]:
    words, environment = by_own_loader(one.root, f"qemu-system-{target}")
    subprocess.run(
        [*words, "-M", "none", "-display", "none", "-dump-vmstate", str(file)],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(file.read_text())
    return found


@pytest.mark.parametrize("suite", SUITES)
def test_what_it_dumps_is_what_the_archive_says(suite: str, tmp_path: Path) -> None:
    one = unpacked(suite)
    explained = reasons(one)
    release = one.nearest()
    met: set[str] = set()
    for target, fewest in FEWEST.items():
        program = Archive(SHIPPED).program(release, target)
        shown = Dump(program, layout=release.name == one.release)
        agreed, different = shown.differences(dump(one, target, tmp_path / target))
        assert [each for each in different if each.name not in explained] == []
        assert agreed >= fewest
        met |= {each.name for each in different}
    assert met == set(explained)


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("target", GUESTS)
def test_its_stream_comes_back_identical(
    suite: str,
    target: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    one = unpacked(suite)
    options = (*GUESTS[target].split(), "-m", "16M", "-nodefaults")
    with Machine(Guest(target, options, unpacked=one.root)) as machine:
        Path("vm.mig").write_bytes(machine.capture())
    assert run(["stream", "verify", "vm.mig"]) == 0
    assert ": identical: " in capsys.readouterr().out
    nearest = one.nearest().name
    if target in ("s390x", "x86_64"):  # the CPU of the others has a new version
        assert run(["stream", "verify", "vm.mig", "--release", nearest]) == 0
        assert ": identical: " in capsys.readouterr().out
    if nearest != one.release:
        return
    assert run(["stream", "show", "vm.mig", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert one.release in shown["releases"]
    assert target in {shown["target"], *shown.get("alternatives", ())}
    without = {each["name"] for each in shown["sections"] if not each["codec"]}
    assert without <= UNREAD
