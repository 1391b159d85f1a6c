"""Debian kernels that run: what vmgen says of their memory is what the kernel says of itself, and
their cores are QEMU's."""

from __future__ import annotations

import filecmp
import io
import itertools
import re
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from unicorn import riscv_const, x86_const

from tests import kdump_files
from tests.lacking import lacking
from tests.qemu import debian
from tests.qemu.gdbstub import GdbStub
from tests.qemu.machine import Guest as Options
from tests.qemu.machine import Machine
from tests.qemu.test_emulated import ABSENT, X86
from tests.stream_files import packages
from vmgen.emulate import from_unicorn, missing, seed, to_unicorn
from vmgen.emulate.emulator import encodings_of, registers_of
from vmgen.export import elf, kdump
from vmgen.export.formats import ExportOptions
from vmgen.guest import Guest
from vmgen.imported.template import import_core
from vmgen.stream import Draft

KERNEL_MAP = 0xFFFF_FFFF_8000_0000
"""Where the kernel's image of an x86_64 is in virtual memory (``__START_KERNEL_map``)."""

CALLED = 8
"""What caused the last exception of a RISC-V where a process called."""

PATIENCE = 120.0


@dataclass(frozen=True)
class Kind:
    """A machine and what its kernel and QEMU call things.

    ``distance`` is from physical to virtual addresses of the kernel's image, out of the
    kernel's note, and ``base`` what a dump's header has for it.  ``first`` is a register and
    where it is in NT_PRSTATUS; ``kept`` are registers that a core may have or not.
    """

    target: str
    architecture: debian.Architecture
    options: tuple[str, ...]
    console: str
    pc: str
    distance: Callable[[str], int]
    base: Callable[[str], int]
    first: tuple[str, int]
    kept: tuple[str, ...]


def number(text: str, key: str) -> int:
    found = re.search(rf"^{re.escape(key)}=(-?[0-9]+|(?:0x)?[0-9a-f]+)$", text, re.M)
    assert found is not None, key
    decimal = key.startswith(("NUMBER", "OFFSET", "PAGESIZE")) and not found[
        1
    ].startswith("0x")
    return int(found[1], 10 if decimal else 16)


def arm(cpu: str) -> Kind:
    return Kind(
        "aarch64", "arm64", ("-M", "virt", "-cpu", cpu), "ttyAMA0", "pc",
        lambda info: number(info, "NUMBER(kimage_voffset)"),
        lambda info: number(info, "NUMBER(PHYS_OFFSET)"),
        ("x0", 112),
        ("pc", "sp", "cpsr", "SP_EL1", "TTBR0_EL1", "TTBR1_EL1", "TCR_EL1", "ELR_EL1"),
    )  # fmt: skip


KINDS = {
    "x86_64": Kind(
        "x86_64", "amd64", ("-M", "q35", "-cpu", "max"), "ttyS0", "rip",
        lambda info: KERNEL_MAP - number(info, "NUMBER(phys_base)"),
        lambda info: number(info, "NUMBER(phys_base)"),
        ("r15", 112),
        ("rip", "rsp", "cs", "cr3", "cr4", "efer", "gs_base"),
    ),
    "aarch64": arm("cortex-a57"),
    "aarch64-max": arm("max"),
    "riscv64": Kind(
        "riscv64", "riscv64", ("-M", "virt"), "ttyS0", "pc",
        lambda info: number(info, "NUMBER(va_kernel_pa_offset)"),
        lambda info: 0,
        ("ra", 120),
        ("pc", "sp", "gp", "priv", "satp", "sstatus", "stvec", "sscratch", "mtvec"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Booted:
    """A stopped guest: its stream, QEMU's own cores of it, and the machine's options."""

    kind: Kind
    stream: Path
    core: Path
    dump: Path
    options: Options


def stop_between_interrupts(machine: Machine, end: float) -> None:
    """Stop where every core is in the program, or in a call of the kernel where that can be
    seen (scause of RISC-V): an interrupt's handler asks devices, which a simulator of cores
    alone has not."""
    show = {"command-line": "info registers -a"}
    pages = range(debian.PROGRAM, debian.PROGRAM + 0x1000)
    while True:
        machine.command("stop")
        said = machine.command("human-monitor-command", **show)
        pcs = re.findall(r"(?:\bRIP=|\bPC=|^ pc +)([0-9a-f]+)", said, re.M)
        causes = re.findall(r"^ scause +([0-9a-f]+)", said, re.M) or ["0", "0"]
        assert len(pcs) == len(causes) == 2
        for pc, cause in zip(pcs, causes, strict=True):
            called = int(cause, 16) == CALLED and int(pc, 16) >> 63
            if int(pc, 16) not in pages and not called:
                break
        else:
            return
        assert time.monotonic() < end, said
        machine.command("cont")
        time.sleep(0.01)


@pytest.fixture(scope="module", params=KINDS)
def booted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Booted:
    kind = KINDS[request.param]
    folder = tmp_path_factory.mktemp("linux")
    program = debian.first_program(kind.architecture)
    (folder / "initrd").write_bytes(debian.archive(program))
    options = Options(
        kind.target,
        (
            *kind.options,
            *("-m", "128M", "-smp", "2", "-nodefaults"),
            *("-serial", f"file:{folder / 'console'}"),
            *("-kernel", str(debian.kernel(kind.architecture))),
            *("-initrd", str(folder / "initrd")),
            # else the kernel is not mapped while a process runs
            *("-append", f"console={kind.console} mitigations=off kpti=off"),
        ),
    )
    if reason := options.absent():
        lacking(reason)
    made = Booted(kind, folder / "vm.mig", folder / "core", folder / "dump", options)
    with Machine(options) as machine:
        machine.command("cont")
        end = time.monotonic() + PATIENCE
        while debian.SAID.strip() not in (folder / "console").read_bytes():
            assert time.monotonic() < end, (folder / "console").read_text("latin-1")
            time.sleep(0.2)
        time.sleep(0.5)  # both processes run
        stop_between_interrupts(machine, end)
        for form, place in ("elf", made.core), ("kdump-zlib", made.dump):
            machine.command(
                "dump-guest-memory", paging=False, protocol=f"file:{place}", format=form
            )
        made.stream.write_bytes(machine.capture())
    return made


@pytest.fixture
def linux(booted: Booted) -> Iterator[Guest]:
    codecs = packages()[booted.kind.target].but({"ARMCPU.sve_max_vq": 16})
    with Guest.open(booted.stream, codecs=codecs) as guest:
        yield guest


def test_the_kernel_s_own_note_is_found_and_its_addresses_are_right(
    booted: Booted, linux: Guest
) -> None:
    info = linux.vmcoreinfo()  # found in RAM: the guest has no device for it
    assert info is not None
    distance = booted.kind.distance(info.text)
    release = info.text.partition("\n")[0].removeprefix("OSRELEASE=").encode()
    names = number(info.text, "SYMBOL(init_uts_ns)")
    names += number(info.text, "OFFSET(uts_namespace.name)")
    banner = b"Linux version " + release + b" ("
    image = [
        address + place
        for region in linux.regions
        for address, page in linux.memory.contents(region)
        if (place := page.tobytes().find(banner)) >= 0
    ]
    assert len(linux.cpus) == 2
    for cpu in linux.cpus:
        assert cpu.translate(names) == names - distance
        system, _, found, *_ = struct.unpack("65s" * 6, cpu.read(names, 6 * 65))
        assert system.rstrip(b"\0") == b"Linux"
        assert found.rstrip(b"\0") == release
        mapped_at = [distance + address for address in image]
        seen = [
            one
            for one, address in zip(mapped_at, image, strict=True)
            if any(m.virtual <= one < m.virtual + m.size for m in cpu.mappings())
            and cpu.translate(one) == address
        ]
        assert seen  # linux_banner; others are in the log
        assert cpu.read(seen[0], len(banner)) == banner


def test_gdb_reads_registers_and_the_kernel_through_page_tables(
    booted: Booted, linux: Guest
) -> None:
    gdb = shutil.which("gdb-multiarch") or lacking("gdb-multiarch is not installed")
    info = linux.vmcoreinfo()
    assert info is not None
    release = info.text.partition("\n")[0].removeprefix("OSRELEASE=")
    names = number(info.text, "SYMBOL(init_uts_ns)")
    names += number(info.text, "OFFSET(uts_namespace.name)")
    server = f"| {sys.executable} -m vmgen serve gdb {booted.stream} --stdio"
    commands = [
        f"target remote {server}",
        'thread apply all -ascending -q printf "pc %lx\\n", $pc',
        f"x/s {names:#x}",
        f"x/s {names + 2 * 65:#x}",
        f"x/3xb {debian.PROGRAM + 1:#x}",
    ]
    words = [word for command in commands for word in ("-ex", command)]
    done = subprocess.run(
        [gdb, "-nx", "-batch", *words], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    pcs = [int(one, 16) for one in re.findall(r"^pc ([0-9a-f]+)$", done.stdout, re.M)]
    assert pcs == [cpu.register(booted.kind.pc) for cpu in linux.cpus]
    assert f'"{release}"' in done.stdout
    assert f'{names:#x}:\t"Linux"' in done.stdout
    assert "0x45\t0x4c\t0x46" in done.stdout


def test_cores_are_those_of_qemu(booted: Booted, linux: Guest, tmp_path: Path) -> None:
    without = ExportOptions(vmcoreinfo="none")
    with (tmp_path / "core").open("wb") as out:
        elf.write(linux, out, without)
    assert filecmp.cmp(tmp_path / "core", booted.core, shallow=False)
    with (tmp_path / "dump").open("wb") as out:
        kdump.write(linux, out, without)
    theirs = kdump_files.read(booted.dump.read_bytes())
    assert kdump_files.read((tmp_path / "dump").read_bytes()) == theirs
    made = io.BytesIO()
    kdump.write(linux, made, ExportOptions())
    ours = kdump_files.read(made.getvalue())
    # QEMU's are the largest that the target has
    size = number(ours.info.decode(), "PAGESIZE")
    cut = {
        place // size: page[place % len(page) :][:size]
        for index, page in theirs.pages.items()
        for place in range(index * len(page), (index + 1) * len(page), size)
    }
    assert ours.pages == cut
    assert ours.notes.startswith(theirs.notes)
    target = booted.kind.target.encode()
    assert (ours.uname[0], ours.uname[4]) == (b"Linux", target)
    assert ours.base == booted.kind.base(ours.info.decode()) % (1 << 64)


def test_qemu_goes_on_from_a_core_of_a_running_kernel(
    booted: Booted, linux: Guest
) -> None:
    core = bytearray(booted.core.read_bytes())
    untouched = import_core(linux, memoryview(core)).draft
    assert untouched.to_bytes() == booted.stream.read_bytes()
    name, place = booted.kind.first
    changed = []
    statuses = re.finditer(b"\5\0\0\0.\1\0\0\1\0\0\0CORE\0\0\0\0", core, re.S)
    for cpu, status in zip(linux.cpus, list(statuses)[:2], strict=True):
        first = status.end() + place
        assert int.from_bytes(core[first : first + 8], "little") == cpu.register(name)
        changed.append(0x1122_3344_5566_7780 + cpu.index)
        core[first : first + 8] = changed[-1].to_bytes(8, "little")
    made = import_core(linux, memoryview(core)).draft.to_bytes()
    with Machine.resumed(booted.options, made) as machine, machine.gdb() as stub:
        for index, cpu in enumerate(linux.cpus):
            stub.select(index)
            assert stub.read(name) == changed[index]
            for one in booted.kind.kept:
                assert (one, stub.read(one)) == (one, cpu.register(one))


STEPS, TAKEN = 700, 450
UNDEFINED = {"eflags": 0x10800, **ABSENT}
"""Of eflags RF, which QEMU has while a string instruction goes on, and OF, which many
instructions leave undefined; and what Unicorn does not have."""


def own_of_x86(instruction: bytes) -> dict[str, int]:
    """rdtsc, rdtscp and cpuid: Unicorn has a clock of its own, and is a CPU of another model."""
    if not instruction.startswith((b"\x0f\x31", b"\x0f\x01\xf9", b"\x0f\xa2")):
        return {}
    names = ("rax", "rbx", "rcx", "rdx")
    return {name: getattr(x86_const, f"UC_X86_REG_{name.upper()}") for name in names}


def own_of_riscv(instruction: bytes) -> dict[str, int]:
    """What is read of sstatus: UXL is not there."""
    word = int.from_bytes(instruction[:4], "little")
    number = word >> 7 & 31
    if word & 0x7F != 0x73 or word >> 20 != 0x100 or not number:
        return {}
    return {RISCV[number]: riscv_const.UC_RISCV_REG_X0 + number}


RISCV = (
    *("zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1"),
    *(f"a{index}" for index in range(8)), *(f"s{index}" for index in range(2, 12)),
    *("t3", "t4", "t5", "t6"), "pc", "priv", "mstatus", "sepc", "scause", "stval", "stvec",
    "sscratch", "satp", "mepc", "mcause",
)  # fmt: skip
ARM = (
    *(f"x{index}" for index in range(31)), "sp", "pc", "cpsr", "fpsr", "fpcr",
    *(f"v{index}" for index in range(32)), "SP_EL0", "SP_EL1", "ELR_EL1", "SPSR_EL1",
    "ESR_EL1", "FAR_EL1", "TTBR0_EL1", "TTBR1_EL1", "TPIDR_EL0", "TPIDR_EL1",
)  # fmt: skip
COMPARED: dict[str, tuple[tuple[str, ...], Callable[[bytes], dict[str, int]]]] = {
    "x86_64": (X86, own_of_x86),
    "aarch64": (ARM, lambda _: {}),
    "riscv64": (RISCV[1:], own_of_riscv),
}
"""Registers that both have, and which of them an instruction has another value for in
Unicorn, by Unicorn's numbers."""


def walked(
    stub: GdbStub, cpu: int, names: Sequence[str], steps: int
) -> list[dict[str, int]]:
    """The registers now and after each step."""
    states = [{name: stub.read(name) for name in names}]
    for _ in range(steps):
        stub.ask(f"vCont;s:{stub.threads[cpu]}")
        now = {name: stub.read(name) for name in names}
        # a step that was asked of QEMU's core while other work waited for it has no instruction
        if now != states[-1]:
            states.append(now)
    return states


@pytest.mark.parametrize("booted", COMPARED, indirect=True)
@pytest.mark.parametrize("cpu", [0, 1])
def test_a_running_kernel_goes_the_same_way_in_unicorn(
    booted: Booted, linux: Guest, cpu: int
) -> None:
    """Behind the kernel's own page tables, through its entries and back to the process."""
    stream, target = booted.stream.read_bytes(), booted.kind.target
    names, own = COMPARED[target]
    with Machine.resumed(booted.options, stream) as machine, machine.gdb() as stub:
        stub.select(cpu)
        states = walked(stub, cpu, names, STEPS)
    assert target != "x86_64" or missing(linux, cpu) == ()
    uc = to_unicorn(linux, cpu)
    encodings = encodings_of(registers_of(linux, cpu))
    registers = seed.of(uc, target, encodings)
    for before, after in itertools.pairwise(states):
        pc = before[booted.kind.pc]
        uc.emu_start(pc, 0, count=1)
        for name, index in own(linux.cpus[cpu].read(pc, 4)).items():
            uc.reg_write(index, after[name])
        now = registers.get(names)
        for one in (now, after):
            for name in one.keys() & UNDEFINED.keys():
                one[name] &= ~UNDEFINED[name]
        assert now == after
    pcs = {one[booted.kind.pc] for one in states}
    assert len(pcs) > 100
    kernel = [one for one in pcs if one >> 63]
    assert len(kernel) > 90, "the system call"


@pytest.mark.parametrize("booted", ["aarch64"], indirect=True)
def test_qemu_goes_on_from_what_ran_in_unicorn(booted: Booted, linux: Guest) -> None:
    """Some steps in the emulator, its registers and memory in the stream, and then QEMU; the
    other targets' kernels read what Unicorn has otherwise (a clock, UXL)."""
    stream, target = booted.stream.read_bytes(), booted.kind.target
    names, _ = COMPARED[target]
    with Machine.resumed(booted.options, stream) as machine, machine.gdb() as stub:
        stub.select(0)
        truth = walked(stub, 0, names, STEPS)
    uc = to_unicorn(linux, 0)
    uc.emu_start(seed.pc(uc), 0, count=TAKEN)
    draft = Draft(linux.stream)
    changed = from_unicorn(uc, draft, linux)
    assert changed
    made = draft.to_bytes()
    with Machine.resumed(booted.options, made) as machine, machine.gdb() as stub:
        stub.select(0)
        found = walked(stub, 0, names, 110)
    assert len(found) > 100
    assert found == truth[TAKEN : TAKEN + len(found)]
