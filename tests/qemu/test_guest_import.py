"""QEMU resumes from a core or an image in a template, with its registers and memory."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal

import pytest

from tests.lacking import lacking
from tests.qemu.guests import GUESTS, POKED, poke
from tests.qemu.machine import Machine
from tests.stream_files import packages
from vmgen.export import elf, raw
from vmgen.export.formats import ExportOptions
from vmgen.guest import Guest
from vmgen.imported.template import import_core, import_image
from vmgen.stream.input import mapped

PLACE = {
    "x86_64": 0x1000, "i386": 0x1000, "aarch64": 0x4000_1000, "arm": 0x4000_1000,
    "riscv64": 0x8000_1000, "ppc64": 0x1000,
}  # fmt: skip
"""Where the tests write into memory."""

EDITED = {
    "x86_64": "rdi", "i386": "edi", "aarch64": "x7", "arm": "r7", "riscv64": "a7", "ppc64": "r7",
}  # fmt: skip
CARRIED = {
    "x86_64": ("r",), "i386": ("e",), "aarch64": ("x", "sp", "v"),
    "arm": ("r", "sp", "lr", "d"), "riscv64": ("ra", "sp", "gp", "a", "s", "t"),
    "ppc64": ("r", "lr", "ctr", "f", "vr", "vs"),
}  # fmt: skip
"""How the registers begin that a core of the target has."""
AT_LEAST = {"x86_64": 8, "i386": 8, "aarch64": 60, "arm": 40, "riscv64": 7, "ppc64": 90}


@pytest.mark.parametrize("target", PLACE)
def test_qemu_goes_on_from_a_core_in_a_template(target: str, tmp_path: Path) -> None:
    options = GUESTS[target]
    if reason := options.absent():
        lacking(reason)
    place, text = PLACE[target], b"this is another guest's memory"
    source, template = tmp_path / "source.mig", tmp_path / "template.mig"
    codecs = packages()[target]
    with Machine(options) as machine:
        template.write_bytes(machine.capture())
    with Machine(options) as machine, machine.gdb() as stub:
        poke(stub, target)
        assert stub.ask(f"M{place:x},{len(text):x}:{text.hex()}") == "OK"
        before = {name: stub.read(name) for name in POKED[target]}
        source.write_bytes(machine.capture())
    out, image = io.BytesIO(), tmp_path / "image"
    with Guest.open(source, codecs=codecs) as guest, image.open("wb") as file:
        elf.write(guest, out, ExportOptions())
        raw.write(guest, file, ExportOptions())
    core = bytearray(out.getvalue())
    name = EDITED[target]
    width = 4 if target in ("x86_64", "i386", "arm") else 8  # real mode
    order: Literal["little", "big"] = (
        "little" if options.byte_order == "little" else "big"
    )
    edited = before[name].to_bytes(width, order)
    at = core.index(edited)
    core[at : at + width] = (0x1234567).to_bytes(width, order)
    at = core.index(text)
    core[at : at + 4] = b"THIS"
    with Guest.open(template, codecs=codecs) as guest, image.open("rb") as read:
        changed = import_core(guest, memoryview(core)).draft.to_bytes()
        made = import_image(guest, mapped(read), read.fileno())
        only_memory = made.draft.to_bytes()
    with Machine.resumed(options, changed) as machine, machine.gdb() as stub:
        assert stub.read(name) == 0x1234567
        found = stub.ask(f"m{place:x},{len(text):x}")
        assert bytes.fromhex(found) == b"THIS" + text[4:]
        compared = 0
        for one in before.keys() - {name}:
            if one.startswith(CARRIED[target]):
                assert (one, stub.read(one)) == (one, before[one])
                compared += 1
        assert compared >= AT_LEAST[target] - 1
    with Machine.resumed(options, only_memory) as machine, machine.gdb() as stub:
        assert bytes.fromhex(stub.ask(f"m{place:x},{len(text):x}")) == text
        assert stub.read(name) != before[name]
