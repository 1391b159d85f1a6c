"""Guests to Unicorn and back: memory by region, registers by their names.

Unicorn 2 is QEMU 5's translator without devices: it stops with an error at an address that is
no memory, as the registers of devices are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from vmgen.guest import Guest, Region, Unsupported
from vmgen.stream import Draft
from vmgen.stream.edit import changeable, content
from vmgen.stream.registers import of_section

PAGE = 4096
CHUNK = 1 << 20

SYSTEM = (
    "mstatus", "mideleg", "medeleg", "mie", "mtvec", "mcounteren", "mscratch", "mepc",
    "mcause", "mtval", "stvec", "scounteren", "sscratch", "sepc", "scause", "stval",
    "satp", "priv",
)  # fmt: skip
"""Control and status registers of RISC-V that Unicorn has, in the order in which it takes
them; general and floating-point registers come before them, the pc at the end."""

DIFFERENT = {"mideleg", "medeleg"}
"""What QEMU 5 has other bits in than later releases: it stays the stream's."""

KEPT = {"mstatus": 1 << 63 | 0xF << 32}
"""Bits that stay the stream's: UXL and SXL, which QEMU 5 does not have, and SD, which later
releases make when it is read."""


def to_unicorn(guest: Guest, cpu: int = 0) -> Any:
    """An emulator (``unicorn.Uc``) of one CPU, with all of the guest's memory.

    All of RAM is copied; zero pages take no memory.  Start it with
    ``uc.emu_start(pc, 0, count=...)``.  RISC-V of 64 bits only, without the vector and the
    hypervisor extension.  Raises Unsupported for another target, ``IndexError`` for a CPU that
    is missing, and what the map of the guest raises.
    """
    import unicorn

    _only_riscv64(guest)
    one = guest.cpus[cpu]
    if one.register("satp") is None:
        raise Unsupported(
            "the stream does not have the registers of the CPU", None, "cpu"
        )
    uc = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64)
    for region in guest.regions:
        _copied(uc, guest, region)
    for name in _names(one.file):
        uc.reg_write(_number(name), one.register(name) or 0)
    return uc


def from_unicorn(uc: Any, draft: Draft, guest: Guest, cpu: int = 0) -> tuple[str, ...]:
    """Put registers and memory of an emulator into a draft of the guest's stream.

    ``guest`` is the one that :func:`to_unicorn` made it of: pages that are still equal are
    left alone.  The names of the registers that changed are returned.  Raises Unsupported,
    and BadEdit for a value that the stream cannot hold.
    """
    _only_riscv64(guest)
    section = guest.cpu_sections()[cpu]
    state = changeable(guest.stream, section)
    file = of_section(guest.stream.codecs, section, state)
    if file is None:
        raise Unsupported("codecs know the registers: --codecs, --target", None, "cpu")
    changed = []
    for name, value in _values(uc, _names(file)).items():
        old, kept = file.read(name).value, KEPT.get(name, 0)
        value = value & ~kept | old & kept
        if name not in DIFFERENT and value != old:
            file.write(name, value)
            changed.append(name)
    if changed:
        draft.replace(section, content(guest.stream, section, state))
    for region in guest.regions:
        if region.kind == "ram":
            for offset, data in _pages(uc, guest, region):
                draft.memory(region.block)[offset : offset + len(data)] = data
    return tuple(changed)


def _only_riscv64(guest: Guest) -> None:
    if guest.target != "riscv64":
        name = guest.target or "a target that no codecs know"
        raise Unsupported(f"{name}: Unicorn is given riscv64 only", None, "cpu")


def _names(file: Any) -> Sequence[str]:
    """The registers of a CPU that Unicorn takes, in that order."""
    found = {one.name for one in file}
    general = [
        one.name for one in file if one.feature in ("org.gnu.gdb.riscv.cpu", "org.gnu.gdb.riscv.fpu")
    ]  # fmt: skip
    last = [name for name in SYSTEM if name in found]
    plain = [name for name in general if name not in ("pc", "zero")]
    # Floating-point registers are there once mstatus.FS is set.
    return [*last[:1], *plain, *last[1:], "pc"]


def _values(uc: Any, names: Sequence[str]) -> dict[str, int]:
    """The registers of an emulator.  Unicorn 2.1 answers with what was in the buffer where
    the privilege of the CPU does not suffice for a register: it is given the highest for the
    time."""
    level = int(uc.reg_read(_number("priv")))
    uc.reg_write(_number("priv"), 3)
    found = {name: int(uc.reg_read(_number(name))) for name in names}
    uc.reg_write(_number("priv"), level)
    return {**found, "priv": level}


def _number(name: str) -> int:
    from unicorn import riscv_const

    number: int = getattr(riscv_const, f"UC_RISCV_REG_{name.upper()}")
    return number


def _copied(uc: Any, guest: Guest, region: Region) -> None:
    """Map a region and fill it."""
    import unicorn

    end = -(-region.end // PAGE) * PAGE
    start = region.start // PAGE * PAGE
    uc.mem_map(start, end - start, unicorn.UC_PROT_ALL)
    for at in range(region.start, region.end, CHUNK):
        data = guest.memory.read(at, min(CHUNK, region.end - at))
        if data.count(0) != len(data):
            uc.mem_write(at, data)
    if region.kind != "ram":
        uc.mem_protect(start, end - start, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)


def _pages(uc: Any, guest: Guest, region: Region) -> Iterator[tuple[int, bytes]]:
    """The pages that differ: offset in the block, and the bytes."""
    for at in range(region.start, region.end, CHUNK):
        size = min(CHUNK, region.end - at)
        new, old = bytes(uc.mem_read(at, size)), guest.memory.read(at, size)
        if new == old:
            continue
        for page in range(0, size, PAGE):
            data = new[page : page + PAGE]
            if data != old[page : page + PAGE]:
                yield region.offset + at - region.start + page, data
