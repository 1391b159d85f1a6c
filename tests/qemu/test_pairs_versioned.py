"""Guests of versioned machine types with many devices, which four releases save and give
each other: what ``compat`` says from the sources alone is what QEMU does."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache

import pytest

from tests.lacking import lacking
from tests.qemu.machine import Guest, Machine, Refusal
from tests.qemu.test_newer_releases import REASONS, series, unpacked
from vmgen import ir
from vmgen.archive import SHIPPED, Archive
from vmgen.verdict.machines import MachineJudge
from vmgen.verdict.narrowed import narrowed
from vmgen.verdict.show_machines import answer

RELEASES = ("7.2", "10.0", "trixie", "sid")
VIRTIO = (
    "virtio-rng,virtio-balloon,virtio-net,virtio-serial,virtio-scsi,virtio-keyboard"
)
PCI = tuple(f"{name}-pci" for name in VIRTIO.split(","))
CCW = tuple(f"{name}-ccw" for name in VIRTIO.split(","))
PC = (
    *PCI,
    "e1000",
    "vmxnet3",
    "pvscsi",
    "ich9-ahci",
    "intel-hda",
    "nec-usb-xhci",
    "i6300esb",
    "VGA",
)


NETWORK = r"virtio-net-pci|e1000|vmxnet3|ne2k|rtl8139|pcnet|VGA|virtio-gpu"
"""Devices with a ROM, which not every release's packages have."""


@dataclass(frozen=True)
class Kind:
    """Machine types of a target, of these versions, and the devices of their guests."""

    target: str
    family: str
    versions: tuple[str, ...]
    devices: tuple[str, ...]
    cpu: str = ""
    byte_order: str = "little"


KINDS = {
    "q35": Kind("x86_64", "pc-q35", ("6.2", "7.2", "10.0"), (*PC, "e1000e", "pcie-root-port")),
    "i440fx": Kind("x86_64", "pc-i440fx", ("7.0", "7.2", "9.2"), (*PC, "am53c974", "ne2k_pci")),
    "virt": Kind("aarch64", "virt", ("7.1", "7.2", "10.0"), (*PCI, "virtio-gpu-pci", "e1000e"), "cortex-a57"),
    "arm": Kind("arm", "virt", ("7.0", "7.2", "10.0"), (*PCI, "nec-usb-xhci"), "cortex-a15"),
    "ccw": Kind("s390x", "s390-ccw-virtio", ("6.2", "7.2", "10.0"), CCW, "", "big"),
}  # fmt: skip


FEWEST = {"q35": 24, "i440fx": 24, "ccw": 24, "virt": 10, "arm": 10}
"""At least so many pairs agree."""


@dataclass(frozen=True)
class Saved:
    """What one release saved of a guest, None if it does not know the machine type."""

    guest: Guest
    release: str
    stream: bytes | None


def options(kind: Kind, version: str) -> tuple[str, ...]:
    words = ["-M", f"{kind.family}-{version}", "-m", "32", "-nodefaults"]
    words += ["-cpu", kind.cpu] if kind.cpu else []
    for name in kind.devices:
        rom = ",romfile=" if re.match(NETWORK, name) else ""
        words += ["-device", name + rom]
    return tuple(words)


def number(release: str) -> str:
    """What a release is called in the archive: itself, or the newest before it."""
    if release in ("7.2", "10.0"):
        return {"7.2": "7.2.22", "10.0": "10.0.2"}[release]
    return unpacked(release).nearest().name


def explained(release: str) -> list[str]:
    """What a release says as it refuses what the nearest one in the archive takes."""
    if release in ("7.2", "10.0"):
        return []
    own = series(unpacked(release).release)
    if own == series(unpacked(release).nearest().name):
        return []
    listed = tomllib.loads(REASONS.read_text(encoding="utf-8"))["refusal"]
    return [one["says"] for one in listed if one["series"] == own]


def guest(kind: Kind, version: str, release: str) -> Guest:
    root = None if release in ("7.2", "10.0") else unpacked(release).root
    own = release if root is None else ""
    return Guest(
        kind.target, options(kind, version), kind.byte_order, release=own, unpacked=root
    )


def save(kind: Kind, version: str, release: str) -> Saved:
    one = guest(kind, version, release)
    try:
        with Machine(one) as machine:
            return Saved(one, release, machine.capture())
    except Refusal as refusal:
        if "unsupported machine type" not in f"{refusal}".lower():
            raise
        return Saved(one, release, None)


def taken(one: Saved, stream: bytes) -> str:
    """Empty, or why the release refuses the stream."""
    with ExitStack() as stack:
        try:
            stack.enter_context(Machine.resumed(one.guest, stream))
        except Refusal as refusal:
            return str(refusal)
    return ""


@cache
def program(target: str, release: str) -> ir.Program:
    archive = Archive(SHIPPED)
    found = archive.find(release)
    assert found is not None
    return archive.program(found, target)


@cache
def judge_of(target: str, old: str, new: str) -> MachineJudge:
    return MachineJudge(program(target, old), program(target, new))


def said(kind: Kind, version: str, old: str, new: str) -> str:
    """What ``compat --devices`` says of such guests."""
    machine = f"{kind.family}-{version}"
    judge = judge_of(kind.target, old, new)
    found = {machine: judge.judgement(machine, model=kind.cpu)}
    one = narrowed(found, judge.old, judge.new, kind.devices, None)[machine]
    return answer(one, "forward")


def pairs(kind: Kind, version: str) -> Iterator[tuple[Saved, Saved]]:
    every = [save(kind, version, release) for release in RELEASES]
    known = [one for one in every if one.stream is not None]
    return ((one, two) for one in known for two in known if one is not two)


@pytest.mark.parametrize("name", KINDS)
def test_what_compat_says_is_what_qemu_does(name: str) -> None:
    kind = KINDS[name]
    for release in RELEASES:
        if release in ("7.2", "10.0"):
            if why := Guest(kind.target, (), release=release).absent():
                lacking(why)
        else:
            unpacked(release)
    right = 0
    for version in kind.versions:
        for one, two in pairs(kind, version):
            assert one.stream is not None
            refused = taken(two, one.stream)
            if any(text in refused for text in explained(two.release)):
                continue
            answered = said(kind, version, number(one.release), number(two.release))
            which = version, one.release, two.release, refused
            if answered == "not known":
                # Memory that QEMU never wrote decides of a register that 11.0 adds.
                assert name in ("virt", "arm"), which
                continue
            wanted = ("refused", "misread") if refused else ("loads", "misread")
            assert answered in wanted, which
            right += 1
    assert right >= FEWEST[name]
