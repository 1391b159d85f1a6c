"""Exports are what QEMU itself writes of the same stopped guest."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from tests.lacking import lacking
from tests.qemu.guests import GUESTS, POKED, poke
from tests.qemu.machine import Guest as Options
from tests.qemu.machine import Machine
from tests.stream_files import packages
from vmgen.export import elf
from vmgen.export.formats import ExportOptions
from vmgen.guest import Guest

MACHINES = {
    "riscv64": GUESTS["riscv64"],
    "riscv32": GUESTS["riscv32"],
    "x86_64": GUESTS["x86_64"],
    "i386": GUESTS["i386"],
    "aarch64": GUESTS["aarch64"],
    "arm": GUESTS["arm"],
    "ppc64": GUESTS["ppc64"],
    "s390x": Options("s390x", ("-m", "16M", "-nodefaults", "-smp", "2"), "big"),
}


@pytest.mark.parametrize("target", MACHINES)
def test_a_core_and_memory_are_those_of_qemu(target: str, tmp_path: Path) -> None:
    options = MACHINES[target]
    if reason := options.absent():
        lacking(reason)
    file, core, image = (tmp_path / name for name in ("vm.mig", "core", "image"))
    with Machine(options) as machine:
        if target in POKED:
            with machine.gdb() as stub:
                poke(stub, target)
        machine.command("dump-guest-memory", paging=False, protocol=f"file:{core}")
        tree = {"command-line": "info mtree -f"}
        text = machine.command("human-monitor-command", **tree)
        file.write_bytes(machine.capture())
        ram = next(
            int(found[1], 16)
            for line in text.partition('AS "memory"')[2].splitlines()
            if (found := re.match(r"  ([0-9a-f]{16})-.*, ram\): \S*(ram|RAM)", line))
        )
        machine.command("pmemsave", val=ram, size=0x10000, filename=str(image))
    mtree = tmp_path / "mtree.txt"
    mtree.write_text(text)
    codecs = packages().get(target)
    given = () if codecs else (str(mtree),)
    with Guest.open(file, codecs=codecs, map=given) as guest:
        if codecs is None:
            guest.target = target
        out = io.BytesIO()
        elf.write(guest, out, ExportOptions())
        assert out.getvalue() == core.read_bytes()
        assert guest.memory.read(ram, 0x10000) == image.read_bytes()
        ours = guest.regions
    with Guest.open(file, codecs=codecs, map=str(mtree)) as guest:
        assert ours == guest.regions
