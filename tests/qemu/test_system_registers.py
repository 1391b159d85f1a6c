"""What real QEMU says to a system register of another value, and what vmgen says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lacking import lacking
from tests.qemu.machine import Guest, Machine, Refusal
from vmgen.archive.archive import shipped
from vmgen.known.system_registers import DefinedRegisters
from vmgen.stream import Stream
from vmgen.stream.system_registers import of_section

EVERY = 23
"""One register in so many is tried: QEMU is started once for each."""


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("aarch64", ("-M", "virt", "-cpu", "cortex-a57")),
        ("arm", ("-M", "virt", "-cpu", "cortex-a15")),
    ],
)
def test_a_register_keeps_what_vmgen_says(
    target: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    guest = Guest(target, (*options, "-m", "16", "-nodefaults"))
    if why := guest.absent():
        lacking(why)
    with Machine(guest) as machine:
        data = machine.capture()
    file = tmp_path / "own.mig"
    file.write_bytes(data)
    with Stream.open(file) as stream:
        (found,) = (one for part in stream.sections for one in of_section(stream, part))
    archive = shipped()
    assert archive is not None
    release = archive.find("10.0.2")
    assert release is not None
    registers = DefinedRegisters(archive.program(release, target).premises)
    said = []
    for place in range(3, len(found.numbers), EVERY):
        number, value = found.numbers[place], found.values[place] ^ 1 << place % 32
        at = found.values_offset + 8 * place
        changed = data[:at] + value.to_bytes(8, "big") + data[at + 8 :]
        kept = registers.keeps(number, value, found.numbers)
        with Machine(guest, ("-incoming", "defer")) as machine:
            try:
                machine.load(changed)
                taken = True
            except Refusal:
                taken = False
        if kept is not None:
            assert (hex(number), taken) == (hex(number), kept)
        said.append(kept)
    assert {True, False} <= set(said)
    assert said.count(None) <= len(said) // 4
