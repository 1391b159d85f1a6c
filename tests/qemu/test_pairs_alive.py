"""Machines of 7.2 and 10.0 that only QEMU's own walk decides: commands of the stream,
instances of a section, memory beside an array."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.qemu.pairs import Pair, require, taken
from vmgen.cli import run

Q35 = ("-M", "pc-q35-6.2", "-m", "16M", "-nodefaults")
NETWORKS = ("-netdev", "user,id=a", "-netdev", "user,id=b")
MACHINES = {
    "microvm": ("-M", "microvm", "-m", "16M", "-nodefaults"),
    "two networks": (*Q35, *NETWORKS),
    "one network": (*Q35, *NETWORKS[:2]),
    "two outputs": (*Q35, "-device", "virtio-gpu-pci,max_outputs=2,edid=off"),
    "one output": (*Q35, "-device", "virtio-gpu-pci,edid=off"),
}
LOADS = {
    ("microvm", "7.2"): True, ("microvm", "10.0"): False,
    ("two networks", "7.2"): True, ("two networks", "10.0"): False,
    ("one network", "7.2"): True, ("one network", "10.0"): True,
    ("one output", "7.2"): True, ("one output", "10.0"): True,
}  # fmt: skip
"""By machine and the release that saves: whether the other one takes it.  Two outputs are
up to QEMU's memory."""

RELEASES = {"7.2": "7.2.22", "10.0": "10.0.2"}


def _compat(
    source: str, machine: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> str:
    """What ``compat`` says of a guest like that of a stream, which a side saved."""
    old, new = sorted(RELEASES, key=lambda side: side != source)
    words = ["compat", RELEASES[old], RELEASES[new], "-t", "x86_64", "-m", machine]
    run([*words, "--like", str(file), "--direction", "forward", "--format", "json"])
    return capsys.readouterr().out


@pytest.mark.parametrize("source", ["7.2", "10.0"])
@pytest.mark.parametrize("name", list(MACHINES))
def test_the_answer_is_that_of_qemu(
    name: str, source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require("x86_64")
    options = MACHINES[name]
    sides = "7.2", "10.0"
    other = sides[source == "7.2"]
    files = {side: tmp_path / side for side in sides}
    for side in sides:
        with Pair(side, "x86_64", options) as machine:
            machine.save(files[side])
    refused = taken("x86_64", options, other, files[source])
    if (name, source) in LOADS:
        assert (not refused) == LOADS[name, source], refused
    said = json.loads(_compat(source, options[1], files[source], capsys))
    answer = said["targets"][0]["machines"][0]["forward"]["answer"]
    assert answer in (("refused", "not known") if refused else ("loads", "not known"))
    if (name, source) in LOADS:
        assert answer != "not known"
    for more in ([], ["--like", str(files[other])]):
        words = ["stream", "explain", str(files[source]), "--release", RELEASES[other]]
        status = run([*words, "--format", "json", *more])
        said = json.loads(capsys.readouterr().out)
        assert status == {"accepted": 0, "refused": 1, "not known": 3}[said["outcome"]]
        if refused:
            assert status != 0, refused
        else:
            assert status != 1, said
        if (name, source) in LOADS:
            assert status != 3, said


def test_a_stream_without_a_description_has_its_target_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``pc-i440fx-2.0`` writes neither a description nor its machine type; a 64-bit CPU read
    as one of i386 leaves a rest."""
    require("x86_64")
    file = tmp_path / "stream"
    options = ("-M", "pc-i440fx-2.0", "-m", "16M", "-nodefaults")
    with Pair("7.2", "x86_64", options) as machine:
        machine.save(file)
    for release in RELEASES.values():
        words = ["stream", "explain", str(file), "--release", release]
        assert run([*words, "--format", "json"]) == 3
        said = json.loads(capsys.readouterr().out)
        assert (said["target"], said["outcome"]) == ("x86_64", "not known")


@pytest.mark.parametrize(
    ("mode", "loads"), [("", False), (",ic-mode=xics", False), (",ic-mode=xive", True)]
)
def test_a_pseries_machine_sends_what_the_other_release_does_not_register(
    mode: str, loads: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``icp/server``: 10.0.2 has its table and registers it nowhere; the answer for the
    machine type is that for one without options."""
    require("ppc64")
    file = tmp_path / "stream"
    options = (
        "-M",
        f"pseries-7.2{mode}",
        "-cpu",
        "power9_v2.0",
        "-m",
        "256M",
        "-nodefaults",
    )
    with Pair("7.2", "ppc64", options) as machine:
        machine.save(file)
    refused = taken("ppc64", options, "10.0", file)
    assert (not refused) == loads, refused
    if not loads:
        assert "icp/server" in refused
    words = ["compat", "7.2.22", "10.0.2", "-t", "ppc64", "-m", "pseries-7.2"]
    more = ["--cpu", "power9_v2.0", "--direction", "forward", "--format", "json"]
    run([*words, *more, *(["--like", str(file)] if mode else [])])
    said = json.loads(capsys.readouterr().out)
    answer = said["targets"][0]["machines"][0]["forward"]["answer"]
    assert answer == ("loads" if loads else "refused")
