"""What vmgen writes into guest memory is what QEMU has there after loading the stream."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.lacking import lacking
from tests.qemu.guests import GUESTS
from tests.qemu.machine import Guest, Machine
from vmgen.stream import Draft, Stream
from vmgen.stream.edit import edit

MORE = {
    "s390x": Guest(
        "s390x", ("-M", "s390-ccw-virtio", "-m", "32M", "-nodefaults"), "big"
    ),
    "mips": Guest(
        "mips",
        ("-M", "malta", "-m", "16M", "-nodefaults", "-bios", "{folder}/halt"),
        "big",
    ),
    "m68k": Guest("m68k", ("-M", "virt", "-m", "16M", "-nodefaults"), "big"),
}
BASE = {"aarch64": 0x40000000, "riscv64": 0x80000000}
"""Where RAM begins in a guest's physical memory, if not at 0."""

TARGETS = ("x86_64", "aarch64", "riscv64", "ppc64", "s390x", "mips", "m68k")
MODES = {"plain": (), "mapped-ram": ("mapped-ram",), "xbzrle": ("xbzrle",)}

POKES = {
    0x1000: bytes.fromhex("0badcafe"),
    0x2FFC: b"across a page",
    0x40000: bytes(range(256)) * 16,  # a whole page
    0x123456: b"\1",
}


@pytest.fixture
def machine_of(request: pytest.FixtureRequest) -> Guest:
    found = MORE.get(request.param) or GUESTS[request.param]
    if reason := found.absent():
        lacking(reason)
    return replace(found)


def saved(guest: Guest, capabilities: tuple[str, ...], file: Path) -> None:
    """A paused machine into a file."""
    with Machine(guest) as machine:
        wanted = [{"capability": one, "state": True} for one in capabilities]
        machine.command("migrate-set-capabilities", capabilities=wanted)
        machine.command("migrate", uri=f"file:{file}")
        while machine.command("query-migrate").get("status") != "completed":
            pass


def ram_of(stream: Stream, guest: Guest) -> str:
    """The block of the size that the machine was started with."""
    size = int(guest.options[guest.options.index("-m") + 1].removesuffix("M")) << 20
    (block,) = (one for one in stream.memory().blocks if one.used_length == size)
    return block.name


def loaded(
    guest: Guest, file: Path, capabilities: tuple[str, ...], places: dict[int, int]
) -> dict[int, bytes]:
    """Guest memory at these physical addresses, of so many bytes, after ``-incoming``."""
    with Machine(guest, ("-incoming", "defer")) as machine:
        wanted = [{"capability": one, "state": True} for one in capabilities]
        machine.command("migrate-set-capabilities", capabilities=wanted)
        machine.command("migrate-incoming", uri=f"file:{file}")
        while machine.command("query-migrate").get("status") not in (
            "completed",
            "failed",
        ):
            pass
        assert machine.command("query-migrate")["status"] == "completed", machine.said()
        found = {}
        for at, size in places.items():
            out = file.with_suffix(".bin")
            machine.command("pmemsave", val=at, size=size, filename=str(out))
            found[at] = out.read_bytes()
    return found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("machine_of", TARGETS, indirect=True)
def test_qemu_reads_what_was_written(
    machine_of: Guest, mode: str, tmp_path: Path
) -> None:
    capabilities = MODES[mode]
    base = BASE.get(machine_of.target, 0)
    old, new = tmp_path / "old.mig", tmp_path / "new.mig"
    saved(machine_of, capabilities, old)
    places = {base + at: len(data) for at, data in POKES.items()}
    places[base + 0x5000] = 0x3000  # nobody writes there
    before = loaded(machine_of, old, capabilities, places)
    with Stream(old) as stream:
        block = ram_of(stream, machine_of)
        assignments = [
            f"ram/{block}@{at:#x}={data.hex()}" for at, data in POKES.items()
        ]
        new.write_bytes(edit(stream, assignments).to_bytes())
        draft = Draft(stream)
        for at, data in POKES.items():
            draft.memory(block)[at : at + len(data)] = data
        assert draft.to_bytes() == new.read_bytes()
    after = loaded(machine_of, new, capabilities, places)
    assert after == before | {base + at: data for at, data in POKES.items()}
    assert all(before[base + at] != data for at, data in POKES.items())
