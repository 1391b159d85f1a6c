"""Guests that 7.2 saved run on in 10.0: refused as they are, resumed when converted."""

from __future__ import annotations

import json
import re
import shlex
import struct
import time
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


ESP = {
    "rename": {
        "esp_2.ti_cmd": "esp_2.mig_ti_cmd",
        "esp_2.data_in_ready": "esp_2.data_ready",
    }
}
MACHINES = {
    "SS-5": ("sparc", "-M SS-5 -m 32 -nodefaults", "--all", {"sysbusespscsi": ESP}),
    "riscv32": (
        "riscv32",
        "-M virt -m 16 -nodefaults -bios none",
        "",
        {"cpu": {"drop": ["env.misa_mxl_max", "env.features"]}},
    ),
}


@pytest.mark.parametrize("name", list(MACHINES))
def test_a_machine_that_7_2_saved_is_taken_by_10_0(name: str, tmp_path: Path) -> None:
    target, words, whole, mapping = MACHINES[name]
    require(target)
    options = words.split()
    old, new, rules = (tmp_path / part for part in ("old.mig", "new.mig", "map.json"))
    with Pair("7.2", target, options) as source:
        source.save(old)
    assert taken(target, options, "10.0", old)
    rules.write_text(json.dumps(mapping))
    trees = f"--from {require_tree('7.2')} --to {require_tree('10.0')}"
    line = f"stream convert {old} -o {new} -t {target} --map {rules} {trees} {whole}"
    assert run(shlex.split(line)) == 0
    assert taken(target, options, "10.0", new) == ""
