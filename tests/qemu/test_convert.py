"""Guests that 7.2 saved run on in 10.0: refused as they are, resumed when converted."""

from __future__ import annotations

import json
import re
import shlex
import struct
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.qemu.pairs import Pair, require, taken
from tests.trees import require_tree
from vmgen.cli import run

RISCV = struct.pack(
    "<5I",
    0x00128293,  # addi t0, t0, 1
    0x00530333,  # add t1, t1, t0
    0x01731393,  # slli t2, t1, 23
    0x00000013,  # nop
    0xFF1FF06F,  # j -16
)
MIPS = struct.pack(
    ">5I",
    0x25080001,  # addiu t0, t0, 1
    0x01284821,  # addu t1, t1, t0
    0x00095080,  # sll t2, t1, 2
    0x1000FFFC,  # b -12
    0x00000000,  # nop
)

CASES = {
    "riscv64": (
        ("-M", "virt", "-m", "16", "-nodefaults"),
        RISCV,
        r"(pc|x\d+/\w+) +([0-9a-f]{16})",
        "x5/t0",
        {
            "rename": {"env.virt": "env.virt_enabled"},
            "drop": ["env.misa_mxl_max", "env.features"],
        },
        "incoming version_id 5 is too old for local minimum version_id",
    ),
    "mips64": (
        ("-M", "malta", "-m", "32", "-nodefaults"),
        MIPS,
        r"(t\d|ra|sp|a\d|s\d|PC|pc)=? ?(?:0x)?([0-9a-f]{8,16})",
        "t0",
        {
            "rename": {"env.tlb.mmu.r4k.tlb[*].word3": "env.tlb.mmu.r4k.tlb[*].word4"},
        },
        "Missing section footer for cpu",
    ),
}


@pytest.mark.parametrize("target", list(CASES))
def test_a_guest_of_7_2_runs_on_in_10_0(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require(target)
    trees = require_tree("7.2"), require_tree("10.0")
    machine, code, pattern, counter, rules, refusal = CASES[target]
    program = tmp_path / "program.bin"
    program.write_bytes(code)
    options = (*machine, "-bios", str(program))
    saved, converted = tmp_path / "old", tmp_path / "new"

    def registers(pair: Pair) -> dict[str, str]:
        return dict(re.findall(pattern, pair.registers()))

    with Pair("7.2", target, options) as old:
        old.command("cont")
        time.sleep(0.2)
        old.command("stop")
        before = registers(old)
        old.save(saved)
    assert int(before[counter], 16) > 0
    assert refusal in taken(target, options, "10.0", saved)

    mapping = tmp_path / "map.json"
    mapping.write_text(json.dumps({"cpu": rules}))
    line = f"stream convert {saved} --from {trees[0]} --to {trees[1]} -t {target}"
    line += f" --map {mapping} -o {converted} --format json"
    assert run(shlex.split(line)) == 0
    report = json.loads(capsys.readouterr().out)["lines"]
    assert {one["what"] for one in report} >= {"kept", "defaulted", "lost", "renamed"}
    assert not any(one["harm"] for one in report)

    with Pair("10.0", target, options, "-incoming", "defer") as new:
        new.load(converted.read_bytes())
        assert registers(new) == before
        new.command("cont")
        new.until(lambda: registers(new)[counter] != before[counter])


CPU = {"cpu": {"drop": ["env.misa_mxl_max", "env.features"]}}
PHY = {
    "lan9118": {"drop": ["phy_advertise", "phy_control", "phy_int", "phy_status"]},
}
MACHINES: dict[str, tuple[str, str, Mapping[str, object]]] = {
    "SS-5": ("sparc", "-M SS-5 -m 32 -nodefaults", {}),
    "riscv32": ("riscv32", "-M virt -m 16 -nodefaults -bios none", CPU),
    "malta": ("mips", "-M malta -m 32 -nodefaults -bios {bios}", {}),
    "magnum": ("mips64", "-M magnum -m 32 -nodefaults -bios {bios}", {}),
    "am53c974": ("x86_64", "-M pc-q35-7.2 -m 16 -nodefaults -device am53c974", {}),
    "mps2": ("arm", "-M mps2-an385 -nodefaults", PHY),
}
"""Machines of six targets, with what a mapping must allow to be lost."""

TAKEN = {
    "leon3": ("sparc", "-M leon3_generic -m 32 -nodefaults -bios {bios}"),
    "q35": ("x86_64", "-M pc-q35-7.2 -m 16 -nodefaults -device virtio-gpu-pci"),
    "m68k": ("m68k", "-M virt-7.2 -m 32 -nodefaults"),
    "ppce500": ("ppc64", "-M ppce500 -m 64 -nodefaults"),
    "g3beige": ("ppc", "-M g3beige -m 64 -nodefaults"),
    "s390x": ("s390x", "-M s390-ccw-virtio-7.2 -m 64 -nodefaults"),
    "microbit": ("arm", "-M microbit -nodefaults"),
    "avr": ("avr", "-M uno"),
}
"""Machines that 10.0 takes from 7.2 as they are."""


def converted(target: str, old: Path, new: Path, more: str = "") -> int:
    ways = "--from 7.2 --to 10.0.2" if "--from" not in more else ""
    line = f"stream convert {old} -o {new} -t {target} --report none {ways} {more}"
    return run(shlex.split(line))


def saved(release: str, target: str, options: list[str], file: Path) -> None:
    with Pair(release, target, options) as source:
        source.save(file)


def options_of(words: str, folder: Path) -> list[str]:
    bios = folder / "bios"
    bios.write_bytes(bytes(4096))
    return words.format(bios=bios).split()


@pytest.mark.parametrize("name", list(MACHINES))
def test_a_machine_that_10_0_refuses_is_taken(name: str, tmp_path: Path) -> None:
    target, words, mapping = MACHINES[name]
    require(target)
    options = options_of(words, tmp_path)
    old, new, rules = (tmp_path / part for part in ("old.mig", "new.mig", "map.json"))
    saved("7.2", target, options, old)
    assert taken(target, options, "10.0", old)
    rules.write_text(json.dumps(mapping))
    assert converted(target, old, new, f"--map {rules}") == 0
    assert taken(target, options, "10.0", new) == ""


@pytest.mark.parametrize("name", list(TAKEN))
def test_a_machine_that_10_0_takes_is_not_touched(name: str, tmp_path: Path) -> None:
    target, words = TAKEN[name]
    require(target)
    options = options_of(words, tmp_path)
    old, new = tmp_path / "old.mig", tmp_path / "new.mig"
    saved("7.2", target, options, old)
    assert converted(target, old, new) == 0
    assert new.read_bytes() == old.read_bytes()
    assert taken(target, options, "10.0", new) == ""


def test_another_machine_type(tmp_path: Path) -> None:
    target, words = "x86_64", "-M {machine} -m 16 -nodefaults"
    require(target)
    old, new = tmp_path / "old.mig", tmp_path / "new.mig"
    saved("10.0", target, words.format(machine="pc-q35-9.2").split(), old)
    other = words.format(machine="pc-q35-10.0").split()
    assert "Machine type received is" in taken(target, other, "10.0", old)
    ways = "--from 10.0.2 --to 10.0.2 --machine pc-q35-10.0"
    assert converted(target, old, new, ways) == 0
    assert taken(target, other, "10.0", new) == ""


def test_a_rom_that_grew(tmp_path: Path) -> None:
    target = "x86_64"
    require(target)
    old, new = tmp_path / "old.mig", tmp_path / "new.mig"
    options = []
    for size in (0x10000, 0x20000):
        rom = tmp_path / f"{size:x}.rom"
        head = b"\x55\xaa" + bytes([size // 512 & 0xFF]) + bytes(21)
        pci = b"\x1c\0" + bytes(2) + b"PCIR\xf4\x1a\0\x10"
        rom.write_bytes((head + pci).ljust(size, b"\x5a"))
        device = f"virtio-net-pci,romfile={rom}"
        options.append(
            ["-M", "pc-q35-10.0", "-m", "16", "-nodefaults", "-device", device]
        )
    saved("10.0", target, options[0], old)
    refused = taken(target, options[1], "10.0", old)
    (block,) = re.findall(r"Size mismatch: (\S+):", refused)
    ways = "--from 10.0.2 --to 10.0.2"
    assert converted(target, old, new, f"{ways} --ram {block}=0x20000") == 0
    assert taken(target, options[1], "10.0", new) == ""
    # And what it was, of the other size, is refused again.
    assert "Size mismatch" in taken(target, options[0], "10.0", new)
