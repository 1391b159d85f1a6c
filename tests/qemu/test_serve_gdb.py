"""The gdb server about a stream says what QEMU's own gdbstub said of the same state."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lacking import lacking
from tests.qemu.guests import GUESTS, poke
from tests.qemu.machine import Machine
from tests.stream_files import packages
from tests.test_serve_gdb import document
from vmgen.guest import Guest
from vmgen.serve.gdb import GdbServer

ONLY_HERE = {"ftag"}
"""QEMU's stub says 0 for x86's tag word, whatever it is."""

NOT_IN_THE_CPU = {"fiseg", "fioff", "foseg", "fooff", "fop", "cr8"}
"""Registers of x86's core feature that may be missing here: no stream has the selectors, and
where the last x87 instruction was only one that used x87; cr8 is the local APIC's."""

RAM = {
    "riscv64": (0x8000_0000, 0x1000), "x86_64": (0x100, 0xF_FFF0 - 0x40),
    "aarch64": (0x4000_0100,), "ppc64": (0x100,),
}  # fmt: skip


@pytest.mark.parametrize("target", ["riscv64", "x86_64", "aarch64", "ppc64"])
def test_registers_and_memory_are_those_of_the_gdbstub(
    target: str, tmp_path: Path
) -> None:
    options = GUESTS[target]
    if reason := options.absent():
        lacking(reason)
    file = tmp_path / "vm.mig"
    with Machine(options) as machine, machine.gdb() as stub:
        poke(stub, target)
        theirs = {name: raw for name, (_, raw) in stub.all_registers().items()}
        memory = {at: stub.ask(f"m{at:x},40") for at in RAM[target]}
        file.write_bytes(machine.capture())
    with Guest.open(file, codecs=packages()[target]) as guest:
        server = GdbServer(guest)
        compared = 0
        described = document(server)
        core = {int(one.get("regnum", "")) for one in described[1].iter("reg")}
        assert len(core) > 30
        for one in described.iter("reg"):
            name, number = one.get("name", ""), int(one.get("regnum", ""))
            ours = server.answer(f"p{number:x}")
            if (absent := "x" in ours) and number in core:
                assert name in NOT_IN_THE_CPU
            if (
                name in theirs
                and name not in ONLY_HERE
                and not absent
                and len(ours) == len(theirs[name])
            ):
                assert (name, ours) == (name, theirs[name])
                compared += 1
        assert compared >= 30
        for at, said in memory.items():
            assert server.answer(f"m{at:x},40") == said
