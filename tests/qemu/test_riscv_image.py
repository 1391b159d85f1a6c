"""Images of RISC-V machines, started from reset in real QEMU: registers, memory, devices and a
thousand steps of every hart are those of the machine that was saved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.lacking import lacking
from tests.qemu.gdbstub import GdbStub
from tests.qemu.machine import Guest as Options
from tests.qemu.machine import Machine
from tests.qemu.test_emulated import RAM, TABLE, program
from tests.stream_files import packages
from vmgen.export import riscv_image
from vmgen.export.formats import ExportOptions
from vmgen.guest import Guest
from vmgen.stream.codecs import Codecs
from vmgen.stream.edit import edit

STEPS = 1000
CPU = "rv64,v=true,h=true,vlen=128"
BLOCK = "ram/riscv_virt_board.ram@"
CLINT, PLIC = 0x2000000, 0xC000000
CLOCKS = {"cycle", "instret", "time", "mcycle", "minstret"}
"""They count on."""

LEFT = {"mepc", "mstatus"}
"""What mret changes: mepc, MPP and MPIE, which the next trap overwrites; sret does so with
others, outside of a guest."""

STALE = {
    f"vs{name}" for name in ("status", "tvec", "scratch", "epc", "cause", "tval", "atp")
}
"""What QEMU has elsewhere while the guest of a hart runs."""

OUTER = ("stvec_hs", "sscratch_hs", "scause_hs", "stval_hs", "mstatus_hs")
STACKED = 1 << 8 | 1 << 5
"""SPP and SPIE, which the next trap overwrites as it does sepc, and not the others."""


@dataclass(frozen=True)
class Saved:
    """A stream, its machine, where each hart is, and the registers and the next steps of
    each in QEMU."""

    stream: bytes
    options: Options
    pcs: list[int]
    registers: list[dict[str, tuple[str, str]]]
    steps: list[list[str]]


def machine(harts: int, memory: str) -> Options:
    words = (
        "-M",
        "virt",
        "-m",
        memory,
        "-smp",
        str(harts),
        "-nodefaults",
        "-bios",
        "none",
    )
    options = Options("riscv64", (*words, "-cpu", CPU))
    if reason := options.absent():
        lacking(reason)
    return options


def codecs() -> Codecs:
    return packages()["riscv64"].but({"vlen": 128})


def state(hart: int, mode: str, pc: int) -> list[str]:
    """Values for the registers of a hart, each its own."""
    made = [f"pc={pc:#x}", "mstatus=0x8000000a00006602", f"mscratch={0x1000 + hart}"]
    made += [
        "stvec=0x80002000",
        "mtvec=0x80003000",
        "mcounteren=7",
        "frm=2",
        "scause=0x9",
    ]
    made += [
        "mip=2",
        "pmpaddr0=0x3fffffffffffff",
        "pmpcfg0=0x1f",
        "mie=0xa0",
        "sepc=0x80004444",
    ]
    made += [f"x{n}={0x123456789 * (n + 1) + hart:#x}" for n in range(1, 32)]
    made += [f"f{n}={0x1111111111111111 * (n % 14 + 1) + hart:#x}" for n in range(32)]
    made += [f"env.pmu_ctrs[{n}].mhpmcounter_val={0x1234 * n:#x}" for n in (3, 18)]
    made += ["vector={}", "vl=4", "vtype=0xd0", "vxrm=2", "vstart=1"]
    made += [
        f"v{n}={0x10203040506070809101112131415 * (n + 1) + hart:#x}" for n in range(32)
    ]
    made += [
        "hideleg=0x444",
        "hcounteren=5",
        "vsscratch=0x77",
        "htval=9",
        "vsatp=0x123",
    ]
    if mode == "supervisor":
        satp = 8 << 60 | (RAM + TABLE) >> 12
        made += ["priv=1", f"satp={satp:#x}", "medeleg=0xb100", "mepc=0x80005678"]
    if mode == "guest":
        made += [
            "priv=5",
            "satp=0",
            "mepc=0x80005678",
            "medeleg=0xb1ff",
            "hedeleg=0xb1ff",
        ]
        made += ["stvec_hs=0x80009000", "sscratch_hs=0x88", "sepc_hs=0x8000aaaa"]
        made += ["scause_hs=5", "stval_hs=0x99", "mstatus_hs=0x200046120"]
    return [f"cpu/{hart}.{one}" for one in made]


def saved(harts: int, mode: str, memory: str = "16M") -> Saved:
    options = machine(harts, memory)
    with Machine(options) as one:
        stream = one.capture()
    pcs = [RAM + 0x10000 + 0x4000 * hart for hart in range(harts)]
    code = b"".join(word.to_bytes(4, "little") for word in program(0x140, 0x7FF))
    changes = [f"{BLOCK}{pc - RAM:#x}={code.hex()}" for pc in pcs]
    changes += [f"{BLOCK}0={bytes(range(1, 65)).hex()}"]
    for index in (0, 2):
        entry = (index << 30 >> 12 << 10 | 0xCF).to_bytes(8, "little")
        changes.append(f"{BLOCK}{TABLE + 8 * index:#x}={entry.hex()}")
    if memory == "2G":  # where QEMU has its device tree
        changes.append(f"{BLOCK}{0xBFE00000 - RAM + 0x100:#x}={bytes(range(99)).hex()}")
    for hart, pc in enumerate(pcs):
        changes += state(hart, mode, pc)
    with Guest.open(stream, codecs=codecs()) as guest:
        timer, plic = "riscv_mtimer", "riscv_sifive_plic"
        compared = [0x7FFFFFFF0000 + hart for hart in range(harts)]
        listed = compared if harts > 1 else compared[0]
        changes += [f"{timer}.timecmp={listed}", f"{plic}.source_priority[10]=3"]
        changes += [f"{plic}.enable[3]=0x400", f"{plic}.target_priority[1]=2"]
        stream = edit(guest.stream, changes).to_bytes()
    registers, steps = [], []
    for hart in range(harts):
        with Machine.resumed(options, stream) as one, one.gdb() as stub:
            stub.select(hart)
            registers.append(stub.all_registers())
            steps.append(stepped(stub, hart))
    return Saved(stream, options, pcs, registers, steps)


def stepped(stub: GdbStub, hart: int) -> list[str]:
    """The registers after each step.  A step that was asked of QEMU's core while other work
    waited for it has no instruction, and one of a loop without a body changes nothing: such
    rows are left out."""
    stub.select(hart)
    rows = [stub.ask("g")]
    for _ in range(2 * STEPS):
        if len(rows) > STEPS:
            break
        assert stub.ask(f"vCont;s:{stub.threads[hart]}").startswith("T05")
        if (now := stub.ask("g")) != rows[-1]:
            rows.append(now)
    return rows


def written(stream: bytes, folder: Path) -> list[str]:
    """Write the image; what it loses."""
    with Guest.open(stream, codecs=codecs()) as guest:
        lost = list(riscv_image.losses(guest, ExportOptions()))
        for name, writes in riscv_image.files(guest):
            with (folder / name).open("wb") as out:
                writes(out)
    return lost


def started(known: Saved, folder: Path) -> Options:
    """The machine of the command that is written beside the image, with the CPU."""
    words = (folder / "command").read_text().split()
    assert words[0] == known.options.binary
    words[-1] = words[-1].replace("image.elf", str(folder / "image.elf"))
    return replace(known.options, options=(*words[1:], "-nodefaults", "-cpu", CPU))


def arrived(stub: GdbStub, pcs: list[int]) -> None:
    """Run every hart until it is where it was saved."""
    for pc in pcs:
        assert stub.ask(f"Z1,{pc:x},4") == "OK"
    left = dict(enumerate(pcs))
    while left:
        going = ";".join(f"c:{stub.threads[hart]}" for hart in left)
        assert stub.ask(f"vCont;{going}").startswith("T05")
        for hart, pc in tuple(left.items()):  # several may be there at once
            stub.select(hart)
            if stub.read("pc") == pc:
                del left[hart]
    for pc in pcs:
        assert stub.ask(f"z1,{pc:x},4") == "OK"


def word(stub: GdbStub, address: int, size: int = 4) -> int:
    return int.from_bytes(bytes.fromhex(stub.ask(f"m{address:x},{size}")), "little")


@pytest.mark.parametrize(
    ("harts", "mode", "memory"),
    [
        (1, "supervisor", "16M"),
        (2, "supervisor", "16M"),
        (1, "machine", "16M"),
        (2, "guest", "16M"),
        (1, "supervisor", "2G"),
    ],
)
def test_every_hart_goes_on(harts: int, mode: str, memory: str, tmp_path: Path) -> None:
    known = saved(harts, mode, memory)
    lost = written(known.stream, tmp_path)
    if mode == "machine":
        assert lost == [
            "hart 0: mepc, and MPP and MPIE of mstatus: mret enters machine mode with its own"
        ]
    else:
        assert lost == []
    with Guest.open(known.stream, codecs=codecs()) as guest:
        clock = guest.section("timer")
        assert clock is not None
        before = clock.number("cpu_clock_offset") // 100
        with Machine(started(known, tmp_path)) as one, one.gdb() as stub:
            arrived(stub, known.pcs)
            for hart in range(harts):
                stub.select(hart)
                differs = {
                    name for name, value in stub.all_registers().items()
                    if known.registers[hart][name] != value
                }  # fmt: skip
                stale = STALE if mode == "guest" else set()
                left = {"hstatus"} if mode == "guest" else LEFT
                assert differs - CLOCKS - stale <= left
                after = stub.read("time")
                assert before <= after < before + 120 * 10**7
            assert stub.ask("Qqemu.PhyMemMode:1") == "OK"
            compared = [word(stub, CLINT + 0x4000 + 8 * n, 8) for n in range(harts)]
            assert compared == [0x7FFFFFFF0000 + n for n in range(harts)]
            # Three words of enables a context: the fourth is the first of the next.
            assert word(stub, PLIC + 4 * 10) == 3
            assert word(stub, PLIC + 0x2080) == 0x400
            assert word(stub, PLIC + 0x201000) == 2
            size = 0x200000
            for start in (RAM, 0xBFE00000) if memory == "2G" else (RAM,):
                for at in range(start, start + size, 2048):
                    found = bytes.fromhex(stub.ask(f"m{at:x},800"))
                    assert found == guest.memory.read(at, 2048), hex(at)
            assert stub.ask("Qqemu.PhyMemMode:0") == "OK"
            for hart in range(harts):
                assert stepped(stub, hart) == known.steps[hart]
            if mode == "guest":
                with Guest.open(one.capture(), codecs=codecs()) as now:
                    for old, new in zip(guest.cpus, now.cpus, strict=True):
                        for name in OUTER:
                            was, here = old.register(name), new.register(name)
                            assert was is not None
                            assert here is not None
                            mask = STACKED if name == "mstatus_hs" else 0
                            assert here & ~mask == was & ~mask, name
