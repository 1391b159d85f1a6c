"""Guests to Unicorn and back: memory by region, registers by their names.

Unicorn 2 is QEMU 5's translator without devices: it stops with an error at an address that is
no memory, as the registers of devices are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from vmgen.emulate import seed
from vmgen.guest import Guest, Lossy, Region, Unsupported
from vmgen.imported.emulated import MADE, put
from vmgen.stream import Draft
from vmgen.stream.registers import RegisterFile

_AARCH64 = 0x6030_0000_0013
"""How KVM's numbers of AArch64's system registers begin."""

TARGETS = ("aarch64", "riscv64", "x86_64")


def to_unicorn(guest: Guest, cpu: int = 0, *, strict: bool = False) -> Any:
    """An emulator (``unicorn.Uc``) of one CPU, with all of the guest's memory.

    All of RAM is copied; zero pages take no memory.  Start it with
    ``uc.emu_start(pc, 0, count=...)``; of an x86 the pc is ``rip``, whatever ``cs`` is.
    With ``strict`` Lossy is raised where :func:`missing` has something to say.  Raises
    Unsupported for a target other than :data:`TARGETS` and a CPU in AArch32,
    ``IndexError`` for a CPU that is missing, and what the map of the guest raises.
    """
    file = registers_of(guest, cpu)
    made = _engine(file)
    if strict and (lost := tuple(_missing(file, made))):
        raise Lossy("; ".join(lost), None, guest.cpu_sections()[cpu].path)
    for region in guest.regions:
        writable = region.kind == "ram"
        seed.fill(made.uc, region.start, region.size, writable, _reader(guest, region))
    return made.uc


def missing(guest: Guest, cpu: int = 0) -> tuple[str, ...]:
    """What of a CPU the emulator does not have, as sentences.

    Every register is written and read back.  Raises as :func:`to_unicorn` does.
    """
    file = registers_of(guest, cpu)
    return tuple(_missing(file, _engine(file)))


def from_unicorn(uc: Any, draft: Draft, guest: Guest, cpu: int = 0) -> tuple[str, ...]:
    """Put registers and memory of an emulator into a draft of the guest's stream.

    ``guest`` is the one that :func:`to_unicorn` made it of: pages that are still equal are
    left alone, and so are the bits of registers that the emulator did not take.  The names of
    the registers that changed are returned.  Raises Unsupported, and BadEdit for a value
    that the stream cannot hold.
    """
    file = registers_of(guest, cpu)
    before = _engine(file).get(values_of(file))
    encodings = encodings_of(file)
    found = seed.of(uc, file.target, encodings).get(before)
    changed = put(guest, draft, cpu, before, found)
    for region in guest.regions:
        if region.kind == "ram":
            for offset, data in _pages(uc, guest, region):
                draft.memory(region.block)[offset : offset + len(data)] = data
    return changed


def registers_of(guest: Guest, cpu: int) -> RegisterFile:
    """The registers of a CPU that Unicorn can be given; Unsupported for any other."""
    if guest.target not in TARGETS:
        name = guest.target or "a target that no codecs know"
        listed = ", ".join(TARGETS)
        raise Unsupported(f"{name}: Unicorn is given {listed} only", None, "cpu")
    file = guest.cpus[cpu].file
    if not values_of(file):
        message = "the stream does not have the registers of the CPU"
        raise Unsupported(message, None, "cpu")
    if file.target == "aarch64" and file.read("cpsr").value & 0x10:
        raise Unsupported("a CPU in AArch32 is not put into Unicorn", None, "cpu")
    return file


def values_of(file: RegisterFile) -> dict[str, int]:
    """Every register of a CPU by its name."""
    return {one.name: one.value for one in file}


def encodings_of(file: RegisterFile) -> dict[str, seed.Encoding]:
    """op0, op1, CRn, CRm and op2 of the system registers of an Arm CPU."""
    made = {}
    for one in file:
        key = file.system_number(one.name)
        if key is not None and key >> 16 == _AARCH64:
            made[one.name] = (
                key >> 14 & 3, key >> 11 & 7, key >> 7 & 15, key >> 3 & 15, key & 7
            )  # fmt: skip
    return made


def _engine(file: RegisterFile) -> seed.EmulatedCpu:
    try:
        return seed.engine(file.target, values_of(file), encodings_of(file))
    except seed.NoPlace as error:
        raise Unsupported(
            f"this Unicorn does not keep its CPU as 2.1 does: {error}", None, "cpu"
        ) from None


_SAME = {
    "mstatus": 1 << 63 | 0xF << 32,
    "mideleg": 0x1444,
    "hflags": 0xF << 27,
    "hflags2": 1 << 8,
}
"""Bits that QEMU 5 does not have: UXL and SXL, always 2 there, and SD, which later releases
make when it is read; the delegation of the hypervisor's interrupts, which is constant; what
later releases know at translation time, and that they have virtual GIF."""

_NOTHING = {"load_res": (1 << 64) - 1}
"""Values that say that there is nothing: no reservation."""


def _missing(file: RegisterFile, made: seed.EmulatedCpu) -> Iterator[str]:
    wanted = values_of(file)
    found = made.get(wanted)
    made_of_others = MADE[file.target]
    absent = [
        name for name, value in wanted.items()
        if name not in found and value and name not in made_of_others
        and value != _NOTHING.get(name)
    ]  # fmt: skip
    if absent:
        yield f"registers that the emulator does not have: {', '.join(absent)}"
    other = [
        f"{name} {value:#x} (there {found[name]:#x})" for name, value in wanted.items()
        if name in found and (value ^ found[name]) & ~_SAME.get(name, 0)
    ]  # fmt: skip
    if file.number("env.a20_mask") not in (None, -1):
        yield "the gate of address line 20, which is closed: it is open there"
    if other:
        yield f"registers that are other there: {', '.join(other)}"


def _reader(guest: Guest, region: Region) -> Callable[[int], bytes]:
    at = region.start

    def read(size: int) -> bytes:
        nonlocal at
        at += size
        return guest.memory.read(at - size, size)

    return read


def _pages(uc: Any, guest: Guest, region: Region) -> Iterator[tuple[int, bytes]]:
    """The pages that differ: offset in the block, and the bytes."""
    for at in range(region.start, region.end, seed.CHUNK):
        size = min(seed.CHUNK, region.end - at)
        new, old = bytes(uc.mem_read(at, size)), guest.memory.read(at, size)
        if new == old:
            continue
        for page in range(0, size, seed.PAGE):
            data = new[page : page + seed.PAGE]
            if data != old[page : page + seed.PAGE]:
                yield region.offset + at - region.start + page, data
