"""Verdicts against real pairs: what 7.2 saves is given to 10.0, and back.

Where a verdict is incompatible for a section that is in the stream, QEMU must refuse it
(or load values into the wrong members, where the bytes happen to be as many); where all
are compatible, it must take it.  Machine types are versioned, so that both build the same
machine; those that are not go one way only, since 10.0 then sends a command that 7.2 does
not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.qemu.pairs import Pair, require, taken
from tests.trees import require_tree
from vmgen.pipeline import Request, compile_whole
from vmgen.stream import Stream
from vmgen.verdict import Direction, Judgement, SectionVerdict, judge


@dataclass(frozen=True)
class Case:
    """A machine; ``guilty`` is the section for which the stream is refused."""

    target: str
    options: str
    direction: Direction
    guilty: str = ""
    said: str = ""


I440 = "-M pc-i440fx-7.2 -m 16 -nodefaults"
Q35 = "-M pc-q35-7.2 -m 16 -nodefaults"
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
}


@cache
def judgement(target: str) -> Judgement:
    old, new = (
        compile_whole((Request(target=target, qemu=require_tree(one), whole=True),))
        for one in ("7.2", "10.0")
    )
    return judge(old[0], new[0])


def present(stream: Path, target: str) -> Iterator[SectionVerdict]:
    """The verdicts on the sections that are in a stream."""
    names = {section.name for section in Stream(stream).sections()}
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
        if verdict.outcome(case.direction).kind == "incompatible"
    }
    unknown = {
        verdict.section
        for verdict in verdicts
        if verdict.outcome(case.direction).kind == "unknown"
    }
    said = taken(case.target, options, new, file)
    if case.guilty:
        assert case.guilty in refused
        assert case.said in said
        assert case.guilty in said
    else:
        assert said == ""
        assert refused == set()
        assert unknown == set()
