"""Verdicts against real pairs: what 7.2 saves is given to 10.0, and back.

Where a verdict is incompatible for a section that is in the stream, QEMU must refuse it
(or load values into the wrong members, where the bytes happen to be as many); where all
are compatible, it must take it.  Where it is compatible under a condition, each case says
whether that holds of its machine: QEMU must refuse the stream for the very section whose
condition does not, and the verdict must name it.  Machine types are versioned, so that
both build the same machine; those that are not go one way only, since 10.0 then sends a
command that 7.2 does not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.qemu.pairs import Pair, require, taken
from tests.trees import require_tree
from vmgen.pipeline import Request, compile_whole
from vmgen.verdict import Direction, Judgement, SectionVerdict, judge, words


@dataclass(frozen=True)
class Case:
    """A machine; ``guilty`` is the section for which the stream is refused, ``said`` what
    QEMU says, ``unless`` the part of the section's condition that does not hold; empty
    for a section that is incompatible as such."""

    target: str
    options: str
    direction: Direction
    guilty: str = ""
    said: str = ""
    unless: str = ""


WAYS: tuple[Direction | None, ...] = (None, "backward")
I440 = "-M pc-i440fx-7.2 -m 16 -nodefaults"
Q35 = "-M pc-q35-7.2 -m 16 -nodefaults"
ARM = "-M virt-7.2 -cpu {cpu} -m 64 -nodefaults"
LIST = "both sides have the same system registers"
PSERIES = "-M pseries-7.2 -m 256 -nodefaults"
XIVE = "-M pseries-7.2,ic-mode=xive -m 256 -nodefaults -cpu power9_v2.0"
HASH = "!(env.mmu_model & 0x10000)"
NETS = "-device pcnet,romfile= -device ne2k_pci,romfile= -device tulip,romfile="
DISKS = "-device pvscsi -device megasas -device lsi53c895a -device sdhci-pci"
SOUND = "-audiodev none,id=a -device intel-hda -device hda-duplex,audiodev=a -device AC97,audiodev=a"
USB = "-device nec-usb-xhci,id=x -device usb-kbd,bus=x.0 -device ich9-usb-ehci1"
PORTS = "-chardev null,id=c -chardev null,id=d -device isa-serial,chardev=c -device isa-parallel,chardev=d"
BRIDGES = "-device pcie-root-port,id=r,chassis=1 -device pcie-pci-bridge,bus=r"
CCW = "-M s390-ccw-virtio-7.2 -m 64 -nodefaults -device virtio-gpu-ccw -device virtio-serial-ccw"
MODEL = "the same CPU model"
CASES = {
    "i440fx": Case("x86_64", I440, "forward"),
    "i440fx back": Case("x86_64", I440, "backward"),
    "q35": Case("x86_64", Q35, "forward"),
    "q35 back": Case("x86_64", Q35, "backward"),
    "e1000e": Case("x86_64", f"{Q35} -device e1000e,romfile=", "forward"),
    "e1000e back": Case("x86_64", f"{Q35} -device e1000e,romfile=", "backward"),
    "virtio-gpu": Case("x86_64", f"{Q35} -device virtio-gpu-pci", "forward"),
    "am53c974": Case(
        "x86_64", f"{I440} -device am53c974", "forward", "pciespscsi", "footer"
    ),
    "riscv virt": Case(
        "riscv64", "-M virt -m 16 -nodefaults -bios none", "forward", "cpu", "too old"
    ),
    "malta": Case(
        "mips64", "-M malta -m 32 -nodefaults -bios {bios}", "forward", "cpu", "footer"
    ),
    "SS-5": Case(
        "sparc", "-M SS-5 -m 32 -nodefaults", "forward", "sysbusespscsi", "footer"
    ),
    "m68k": Case("m68k", "-M virt-7.2 -m 32 -nodefaults", "forward"),
    "m68k back": Case("m68k", "-M virt-7.2 -m 32 -nodefaults", "backward"),
    "avr": Case("avr", "-M uno", "forward"),
    "isapc": Case("x86_64", "-M isapc -m 16 -nodefaults", "forward"),
    "microvm": Case("x86_64", "-M microvm -m 16 -nodefaults", "forward"),
    "cortex-a57": Case(
        "aarch64", ARM.format(cpu="cortex-a57"), "forward", "cpu", "'cpu'", LIST
    ),
    "cortex-a57 back": Case(
        "aarch64",
        ARM.format(cpu="cortex-a57"),
        "backward",
        "cpu",
        "cpu:cpreg_vmstate_array_len",
        LIST,
    ),
    "cortex-a15": Case(
        "aarch64", ARM.format(cpu="cortex-a15"), "forward", "cpu", "'cpu'", LIST
    ),
    "mps2": Case(
        "aarch64", "-M mps2-an385 -nodefaults", "forward", "lan9118", "too old"
    ),
    "pseries": Case("ppc64", PSERIES, "forward", "cpu", "'cpu'", "the same CPU model"),
    "pseries xics": Case(
        "ppc64",
        f"{PSERIES} -cpu power9_v2.0",
        "forward",
        "icp/server",
        "'icp/server'",
        "no section 'icp/server'",
    ),
    "pseries xive": Case("ppc64", XIVE, "forward"),
    "pseries xive back": Case("ppc64", XIVE, "backward", "cpu", "cpu/slb", HASH),
    "g3beige": Case("ppc64", "-M g3beige -m 64 -nodefaults", "forward"),
    "bamboo": Case(
        "ppc64",
        "-M bamboo -m 64 -nodefaults",
        "forward",
        "cpu",
        "footer for cpu",
        "!env.nb_tlb || env.tlb_type != 2",
    ),
    "sam460ex": Case(
        "ppc64",
        "-M sam460ex -m 64 -nodefaults",
        "forward",
        "cpu",
        "footer for cpu",
        "!env.nb_tlb || env.tlb_type != 2",
    ),
    "powernv9": Case(
        "ppc64", "-M powernv9 -m 1G -nodefaults", "forward", "cpu", "'cpu'", MODEL
    ),
    "mac99": Case("ppc64", "-M mac99 -m 64 -nodefaults", "forward"),
    "40p": Case("ppc64", "-M 40p -m 64 -nodefaults", "forward"),
    "ppce500": Case("ppc64", "-M ppce500 -m 64 -nodefaults", "forward"),
    "LX": Case(
        "sparc", "-M LX -m 32 -nodefaults", "forward", "sysbusespscsi", "footer"
    ),
    "petalogix": Case(
        "microblaze", "-M petalogix-s3adsp1800 -m 32 -nodefaults", "forward"
    ),
    **{
        f"{name}{way and ' back'}": Case(target, options, way or "forward")
        for name, target, options in (
            ("nets", "x86_64", f"{Q35} {NETS}"),
            ("disks", "x86_64", f"{Q35} {DISKS}"),
            ("sound", "x86_64", f"{Q35} {SOUND}"),
            ("usb", "x86_64", f"{Q35} {USB}"),
            ("ports", "x86_64", f"{I440} {PORTS}"),
            ("bridges", "x86_64", f"{Q35} {BRIDGES}"),
            ("iommu", "x86_64", f"{Q35} -device intel-iommu"),
            ("ccw", "s390x", CCW),
        )
        for way in WAYS
    },
    "s390x": Case("s390x", "-M s390-ccw-virtio-7.2 -m 64 -nodefaults", "forward"),
    "s390x back": Case("s390x", "-M s390-ccw-virtio-7.2 -m 64 -nodefaults", "backward"),
}


@cache
def judgement(target: str) -> Judgement:
    old, new = (
        compile_whole((Request(target=target, qemu=require_tree(one), whole=True),))
        for one in ("7.2", "10.0")
    )
    return judge(old[0], new[0])


def described(stream: Path) -> set[str]:
    """The sections with fields, by name, as the description at the end has them."""
    data = stream.read_bytes()
    at = max(data.rfind(b'{"page_size"'), data.rfind(b'{"configuration"'))
    document, _ = json.JSONDecoder().raw_decode(data[at:].decode())
    return {device["name"] for device in document["devices"]}


def present(stream: Path, target: str) -> Iterator[SectionVerdict]:
    """The verdicts on the sections that are in a stream."""
    names = described(stream)
    for verdict in judgement(target).sections:
        if any(
            name == verdict.section or name.endswith(f"/{verdict.section}")
            for name in names
        ):
            yield verdict


@pytest.mark.parametrize("name", list(CASES))
def test_qemu_agrees(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    require(case.target)
    bios = tmp_path / "bios"
    bios.write_bytes(bytes(4096))
    options = case.options.format(bios=bios).split()
    old, new = ("7.2", "10.0") if case.direction == "forward" else ("10.0", "7.2")
    file = tmp_path / "stream"
    with Pair(old, case.target, options) as source:
        source.save(file)
    verdicts = list(present(file, case.target))
    assert len(verdicts) >= 2
    refused = {
        verdict.section
        for verdict in verdicts
        if verdict.outcome(case.direction).verdict == "incompatible"
    }
    unknown = {
        verdict.section
        for verdict in verdicts
        if verdict.outcome(case.direction).verdict == "unknown"
    }
    said = taken(case.target, options, new, file)
    if not case.guilty:
        assert said == ""
        assert refused == set()
        assert unknown == set()
        return
    assert case.said in said
    assert case.guilty in said
    if case.unless:
        assert refused == set()
        assert any(
            case.unless in words.every(verdict.outcome(case.direction).findings)
            for verdict in verdicts
            if verdict.section == case.guilty
        )
    else:
        assert case.guilty in refused
