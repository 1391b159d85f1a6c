"""An ELF file with a guest's memory and a program that puts its harts back: simulators start it
from reset.

Memory is where it was.  The program is behind the end of RAM, so that the simulated machine
has some more than the guest; the first instructions of RAM lead there, and are put back.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from vmgen.export.formats import ExportOptions, Files, unplaced
from vmgen.export.regions import text
from vmgen.export.riscv_program import Restoration, SavedHart, program
from vmgen.export.sparse import SparseFile
from vmgen.guest import Guest, Region, Unsupported
from vmgen.guest.boards import without_version
from vmgen.guest.cpu import Cpu
from vmgen.guest.fields import SectionFields

MORE = 4 << 20
"""So much more RAM the simulated machine has; QEMU puts its device tree into the second
half, if not lower."""

_TREE, _TREE_SIZE = 0xBFE00000, 0x200000
"""Where QEMU puts its device tree if RAM goes on behind (``riscv_compute_fdt_addr``,
hw/riscv/boot.c): it would be in the guest's own."""

_MTIMECMP, _MTIME = 0x4000, 0xBFF8
_TICK = 100
"""Nanoseconds of QEMU's clock that a step of ``mtime`` is (``RISCV_ACLINT_DEFAULT_TIMEBASE_FREQ``)."""

_PRIORITY, _ENABLE, _CONTEXT = 0, 0x2000, 0x200000
_ENABLE_STEP, _CONTEXT_STEP = 0x80, 0x1000


@dataclass(frozen=True, slots=True)
class _RiscvBoard:
    ram: int
    clint: int
    plic: int
    made: frozenset[str]


_BOARDS = {
    "virt": _RiscvBoard(
        0x80000000,
        0x2000000,
        0xC000000,
        frozenset({"riscv_virt_board.mrom"}),
    ),
}
"""Where boards have what is put back, and the memory that they make themselves
(hw/riscv/virt.c)."""

_M = 3
_MIE, _MPIE, _MPRV, _SD = 1 << 3, 1 << 7, 1 << 17, 1 << 63
_SIE, _SPIE, _SPP, _SPV = 1 << 1, 1 << 5, 1 << 8, 1 << 7
_MPP = 3 << 11
_SOFTWARE, _OUTSIDE, _SEIP = 0x22, 1 << 11 | 1 << 9, 1 << 9
_GUEST = 0x444
_GUEST_STATUS = (
    1 << 19 | 1 << 18 | 1 << 8 | 1 << 5 | 1 << 1 | 3 << 32 | 3 << 9 | 3 << 13
)
"""What of ``mstatus`` a guest of the hart has of its own (``riscv_cpu_swap_hypervisor_regs``)."""

_SWAPPED = ("stvec", "sscratch", "sepc", "scause", "stval", "satp")

_EARLY = {
    "medeleg": 0x302, "mideleg": 0x303, "mie": 0x304, "mcounteren": 0x306,
    "menvcfg": 0x30A, **{f"mstateen{n}": 0x30C + n for n in range(4)},
    "mcountinhibit": 0x320, "mscratch": 0x340, "miselect": 0x350, "mvien": 0x308,
    "mvip": 0x309, "mtinst": 0x34A, "mtval2": 0x34B, "stvec": 0x105,
    "scounteren": 0x106, "senvcfg": 0x10A, **{f"sstateen{n}": 0x10C + n for n in range(4)},
    "scountinhibit": 0x120, "sscratch": 0x140, "sepc": 0x141, "scause": 0x142,
    "stval": 0x143, "siselect": 0x150, "satp": 0x180, "hstatus": 0x600,
    "hedeleg": 0x602, "hideleg": 0x603, "htimedelta": 0x605, "hcounteren": 0x606,
    "hgeie": 0x607, "hvien": 0x608, "hvictl": 0x609, "henvcfg": 0x60A,
    **{f"hstateen{n}": 0x60C + n for n in range(4)}, "htval": 0x643, "hvip": 0x645,
    "htinst": 0x64A, "hgatp": 0x680, "vsstatus": 0x200, "vstvec": 0x205,
    "vsscratch": 0x240, "vsepc": 0x241, "vscause": 0x242, "vstval": 0x243,
    "vsiselect": 0x250, "vsatp": 0x280, "jvt": 0x017, "ssp": 0x011,
    "tselect": 0x7A0, **{f"mhpmevent{n}": 0x320 + n for n in range(3, 32)},
    "mcycle": 0xB00, "minstret": 0xB02, **{f"mhpmcounter{n}": 0xB00 + n for n in range(3, 32)},
    **{f"pmpaddr{n}": 0x3B0 + n for n in range(64)},
    **{f"pmpcfg{n}": 0x3A0 + n for n in range(0, 16, 2)},
}  # fmt: skip
_LATE = {
    "stimecmp": 0x14D, "vstimecmp": 0x24D, "mip": 0x344, "mcause": 0x342,
    "mtval": 0x343, "mtvec": 0x305,
}  # fmt: skip
"""By name, numbers of the control and status registers, in the order in which they are
written: the clock comes before what looks at it, the vector of the traps last."""

_SOME = (
    "tselect",
    "mhpm",
    "pmp",
    "mstateen",
    "hstateen",
    "sstateen",
    "stimecmp",
    "vstimecmp",
    "htimedelta",
)
"""Registers that are left out where they are 0, as after a reset."""

_ELSEWHERE = {
    "pc", "priv", "mstatus", "sstatus", "mepc", "misa", "mhartid", "frm", "vstart",
    "vxsat", "vxrm", "vcsr", "vl", "vtype", "resetvec", "tdata1", "load_val",
    *(f"{name}_hs" for name in (*_SWAPPED, "mstatus")),
}  # fmt: skip
"""Registers that are put back in another way, that are constants, or whose loss is said apart."""


def losses(guest: Guest, options: ExportOptions) -> Iterator[str]:
    """Of harts, memory, clock and interrupt controller."""
    _board(guest)
    for cpu in guest.cpus:
        for one in _of_hart(cpu):
            yield f"hart {cpu.index}: {one}"
    plic = guest.section("riscv_sifive_plic")
    if plic is None:
        yield "the interrupt controller: the stream has no PLIC that is known"
    elif any(_row(plic, "pending")) or any(_row(plic, "claimed")):
        yield "interrupts that wait in the PLIC: their devices make them"
    yield from unplaced(guest)


def _of_hart(cpu: Cpu) -> Iterator[str]:
    values = _values(cpu)
    known = {*_EARLY, *_LATE, *_ELSEWHERE}
    known |= {
        one.name
        for one in cpu.registers()
        if one.feature.endswith((".cpu", ".fpu", ".vector"))
    }
    lost = [name for name, value in values.items() if value and name not in known]
    if "load_res" in lost and values["load_res"] == (1 << 64) - 1:
        lost.remove("load_res")
    if lost:
        yield f"registers: {', '.join(lost)}"
    if any(one & 0x7FFFFFF for one in _row(cpu.fields, "debug.env.tdata1")):
        yield "triggers (tdata1)"
    if values["priv"] & 3 == _M and (
        values["mepc"] != values["pc"] or values["mstatus"] & _MPP
        or not values["mstatus"] & _MPIE
    ):  # fmt: skip
        yield "mepc, and MPP and MPIE of mstatus: mret enters machine mode with its own"
    if values["priv"] & 3 != _M and values["mstatus"] & _MPRV:
        yield "MPRV of mstatus: mret clears it"
    if cpu.fields.get("vector.env.vreg") is not None and "v0" not in values:
        yield "vector registers: their length is a property of the CPU: --member vlen=BITS"
    if (cpu.register("mip") or 0) & _OUTSIDE & ~values["mip"]:
        yield "an external interrupt that waits: its device makes it"


def files(guest: Guest) -> Files:
    """The name of every file, and what writes it."""
    yield "image.elf", partial(_elf, guest)
    size = _ram(guest, _board(guest)).size + MORE
    yield "command", text(
        f"qemu-system-riscv64 -M virt -m {size >> 10}K -smp {len(guest.cpus)} -bios none"
        " -device loader,file=image.elf\n"
    )


def _board(guest: Guest) -> _RiscvBoard:
    name = without_version(guest.machine)
    if guest.target != "riscv64" or name not in _BOARDS:
        shown = (
            f"{guest.target or 'a target that no codecs know'}, {name or 'no machine'}"
        )
        raise Unsupported(
            f"{shown}: images are made of riscv64 and {', '.join(_BOARDS)} only",
            None,
            "cpu",
        )
    return _BOARDS[name]


def _ram(guest: Guest, board: _RiscvBoard) -> Region:
    for region in guest.regions:
        if region.start == board.ram:
            return region
    raise Unsupported(
        f"no RAM is known at {board.ram:#x}", None, "ram", "--map says where it is"
    )


# --- harts -------------------------------------------------------------------------------


def _values(cpu: Cpu) -> dict[str, int]:
    """Every register; those of a guest inside of the hart where it has them itself."""
    values = {one.name: one.value for one in cpu.registers()}
    if not values:
        raise Unsupported(
            "the stream does not have the registers of the CPU", None, "cpu"
        )
    if values["priv"] & 4:
        for name in _SWAPPED:
            values[f"v{name}"] = values[name]
            values[name] = values[f"{name}_hs"]
        values["vsstatus"] = values["mstatus"] & _GUEST_STATUS
        values["mstatus"] = values["mstatus"] & ~_GUEST_STATUS | values["mstatus_hs"]
    if "hstatus" in values:
        values["hvip"] = values["mip"] & _GUEST
    values |= _counters(cpu, values.get("mcountinhibit", 0))
    software = cpu.fields.optional("env.software_seip")
    values["mip"] &= _SOFTWARE | _SEIP * bool(software)
    return values


def _counters(cpu: Cpu, stopped: int) -> dict[str, int]:
    """What counters have that do not go on by themselves (``riscv_pmu_read_ctr``); of one that
    does, where it began."""
    found = {
        index: cpu.fields.optional(f"env.pmu_ctrs[{index}].mhpmcounter_val")
        for index in range(32)
    }
    names = {0: "mcycle", 2: "minstret"} | {n: f"mhpmcounter{n}" for n in range(3, 32)}
    return {
        name: value
        for index, name in names.items()
        if (value := found[index]) is not None and (index > 2 or stopped >> index & 1)
    }


def _hart(cpu: Cpu, names: Mapping[str, int], late: Mapping[str, int]) -> SavedHart:
    values = _values(cpu)
    privilege, inside = values["priv"] & 3, bool(values["priv"] & 4)
    status = values["mstatus"] & ~_SD
    if inside:
        status &= ~(_SPP | _SPIE | _SIE)
        status |= _SPP * privilege | _SPIE * bool(values["mstatus"] & _SIE)
        values["sepc"] = values["pc"]
        values["hstatus"] |= _SPV
    else:
        status &= ~(_MPP | _MPIE | _MIE)
        status |= privilege << 11 | _MPIE * bool(values["mstatus"] & _MIE)
        values["mepc"] = values["pc"]
    if privilege != _M:
        status &= ~_MPRV
    named = [
        one for one in cpu.registers() if one.feature == "org.gnu.gdb.riscv.vector"
    ]
    vectors = b"".join(one.value.to_bytes(one.bits // 8, "little") for one in named)
    floats = tuple(
        one.value for one in cpu.registers() if one.feature == "org.gnu.gdb.riscv.fpu"
    )
    return SavedHart(
        early={number: values.get(name, 0) for name, number in names.items()},
        late={number: values.get(name, 0) for name, number in late.items()},
        general=[cpu.register(f"x{number}") or 0 for number in range(32)],
        floats=floats if values["misa"] >> 3 & 1 else (),
        fcsr=values.get("frm", 0) << 5,
        vectors=vectors if values["misa"] >> 21 & 1 else b"",
        vl=values.get("vl", 0),
        vtype=values.get("vtype", 0),
        vstart=values.get("vstart", 0),
        vcsr=values.get("vcsr", 0),
        mstatus=status,
        mepc=values["mepc"],
        inside=inside,
    )


def _harts(guest: Guest) -> list[SavedHart]:
    """The harts by ``mhartid``, which are 0, 1, 2..."""
    found = [(_values(cpu), cpu) for cpu in guest.cpus]
    if [values["mhartid"] for values, _ in found] != list(range(len(found))):
        raise Unsupported("the harts are not numbered from 0", None, "cpu")
    if len({values["misa"] for values, _ in found}) > 1:
        raise Unsupported("the harts have different extensions", None, "cpu")

    def there(name: str) -> bool:
        some = name.startswith(_SOME)
        return any(values.get(name) if some else name in values for values, _ in found)

    early, late = (
        {name: number for name, number in table.items() if there(name)}
        for table in (_EARLY, _LATE)
    )
    return [_hart(cpu, early, late) for _, cpu in found]


# --- devices -----------------------------------------------------------------------------


def _stores(guest: Guest, board: _RiscvBoard) -> Iterator[tuple[int, int]]:
    """Words that devices get: interrupts, then the times that harts wait for, then the
    time."""
    for cpu in guest.cpus:
        if cpu.fields.number("env.mip") & 8:
            yield board.clint + 4 * cpu.index, 1
    plic = guest.section("riscv_sifive_plic")
    if plic is not None:
        yield from _plic(
            board.plic, _row(plic, "source_priority"), _row(plic, "enable"),
            _row(plic, "target_priority"),
        )  # fmt: skip
    timer = guest.section("riscv_mtimer")
    if timer is not None:
        for hart, value in enumerate(_row(timer, "timecmp")):
            yield from _long(board.clint + _MTIMECMP + 8 * hart, value)
    yield from _long(board.clint + _MTIME, _now(guest))


def _row(fields: SectionFields, name: str) -> list[int]:
    """The numbers of an array; a description alone has one of one element as a number."""
    found = fields.get(name)
    return [found] if isinstance(found, int) else list(found or ())


def _plic(
    base: int, sources: list[int], enabled: list[int], targets: list[int]
) -> Iterator[tuple[int, int]]:
    words = len(enabled) // len(targets) if targets else 0
    if not words and any(enabled):
        message = f"the PLIC has {len(enabled)} words for {len(targets)} contexts"
        raise Unsupported(message, None, "riscv_sifive_plic")
    for source, value in enumerate(sources):
        if value:
            yield base + _PRIORITY + 4 * source, value
    for index, value in enumerate(enabled):
        if value:
            context, word = divmod(index, words)
            yield base + _ENABLE + _ENABLE_STEP * context + 4 * word, value
    for context, value in enumerate(targets):
        if value:
            yield base + _CONTEXT + _CONTEXT_STEP * context, value


def _long(address: int, value: int) -> Iterator[tuple[int, int]]:
    yield address, value & 0xFFFFFFFF
    yield address + 4, value >> 32 & 0xFFFFFFFF


def _now(guest: Guest) -> int:
    """``mtime``: QEMU's clock, which stood still, in steps of the timer."""
    clock = guest.section("timer")
    nanoseconds = None if clock is None else clock.get("cpu_clock_offset")
    if not isinstance(nanoseconds, int):
        raise Unsupported(
            "the stream does not say what time it is (section timer)", None, "timer"
        )
    return (nanoseconds & (1 << 64) - 1) // _TICK


# --- the file ----------------------------------------------------------------------------

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_RISCV, _EXECUTABLE, _LOAD = 243, 2, 1
_PIECE = 1 << 20
_MOST = 60_000
"""So many segments a file has at most."""

_ENTRY = struct.pack("<IIIIQ", 0x00000297, 0x0102B283, 0x00028067, 0x13, 0)
"""auipc t0, 0; ld t0, 16(t0); jr t0; nop, and where to."""


def _elf(guest: Guest, out: BinaryIO) -> None:
    board = _board(guest)
    ram = _ram(guest, board)
    runs = list(_runs(guest, board, ram))
    copies = [(guest.memory.read(ram.start, len(_ENTRY)), ram.start)]
    if ram.end > _TREE:
        size = min(_TREE_SIZE, ram.end - _TREE)
        copies.append((guest.memory.read(_TREE, size), _TREE))
    image = program(Restoration(_harts(guest), list(_stores(guest, board)), copies))
    if len(image) > (MORE if len(copies) > 1 else MORE // 2):
        raise Unsupported(f"the program would have {len(image)} bytes", None, "cpu")
    segments = [*runs, (ram.end, len(image))]
    first = _HEADER.size + _SEGMENT.size * len(segments)
    file = SparseFile(out)
    file.write(
        _HEADER.pack(
            b"\x7fELF\2\1\1".ljust(16, b"\0"), _EXECUTABLE, _RISCV, 1, ram.end,
            _HEADER.size, 0, 0, _HEADER.size, _SEGMENT.size, len(segments), 0, 0, 0,
        )
    )  # fmt: skip
    at = first + -first % 4096
    for start, size in segments:
        file.write(_SEGMENT.pack(_LOAD, 7, at, start, start, size, size, 8))
        at += size
    file.skip_to(first + -first % 4096)
    entry = _ENTRY[:16] + ram.end.to_bytes(8, "little")
    for start, size in runs:
        for address in range(start, start + size, _PIECE):
            data = guest.memory.read(address, min(_PIECE, start + size - address))
            file.write(entry + data[len(entry) :] if address == ram.start else data)
    file.write(image)


def _runs(guest: Guest, board: _RiscvBoard, ram: Region) -> Iterator[tuple[int, int]]:
    """What of memory is not zero, and the beginning of RAM: addresses and sizes, in pages,
    with holes inside where there would be too many."""
    page = guest.memory.page_size
    gap = max(page, sum(region.size for region in guest.regions) // _MOST)
    for region in guest.regions:
        if region.block in board.made:
            continue
        run: tuple[int, int] | None = None
        if region == ram:
            run = region.start, region.start + page
        for address, data in guest.memory.contents(region):
            end = address + len(data)
            for start, stop in _outside(address, end):
                if (
                    run is not None
                    and start - run[1] < gap
                    and not run[1] <= _TREE < start
                ):
                    run = run[0], stop
                    continue
                if run is not None:
                    yield run[0], run[1] - run[0]
                run = start, stop
        if run is not None:
            yield run[0], run[1] - run[0]


def _outside(start: int, end: int) -> Iterator[tuple[int, int]]:
    """What of a page is not where QEMU's device tree comes."""
    if not _TREE <= start < _TREE + _TREE_SIZE:
        yield start, end
