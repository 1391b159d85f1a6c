"""A Debian kernel that runs: what vmgen says of its memory is what the kernel says of itself, and
its cores are QEMU's.

CI unpacks the kernel (``VMGEN_LINUX`` names its folder); the first program is made here.
"""

from __future__ import annotations

import filecmp
import io
import itertools
import os
import re
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from unicorn import x86_const

from tests import kdump_files
from tests.lacking import lacking
from tests.qemu.machine import Guest as Options
from tests.qemu.machine import Machine
from tests.qemu.test_emulated import X86
from tests.stream_files import packages
from vmgen.emulate import missing, seed, to_unicorn
from vmgen.export import elf, kdump
from vmgen.export.formats import ExportOptions
from vmgen.guest import Guest
from vmgen.imported.template import import_core

KERNEL_MAP = 0xFFFF_FFFF_8000_0000
"""Where the kernel's image is in virtual memory (``__START_KERNEL_map``)."""

FIRST = """\
#include <unistd.h>
int main(void)
{
    write(1, "first program\\n", 14);
    fork();
    for (;;)
        getppid();
}
"""
PATIENCE = 120.0


@dataclass(frozen=True)
class Booted:
    """A stopped guest: its stream, QEMU's own cores of it, and the machine's options."""

    stream: Path
    core: Path
    dump: Path
    options: Options


def stop_in_processes(machine: Machine, end: float) -> None:
    """Stop where no core is in the kernel: an interrupt's handler asks devices, which a
    simulator of cores alone has not."""
    show = {"command-line": "info registers -a"}
    while True:
        machine.command("stop")
        said = machine.command("human-monitor-command", **show)
        if set(re.findall(r"CPL=(\d)", said)) == {"3"}:
            return
        assert time.monotonic() < end, said
        machine.command("cont")
        time.sleep(0.05)


def archive(program: bytes) -> bytes:
    """A cpio archive (``newc``) of one file, ``init``."""
    made = b""
    for number, (name, mode, data) in enumerate(
        [("init", 0o100755, program), ("TRAILER!!!", 0, b"")]
    ):
        fields = (number + 1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields)
        head += name.encode() + b"\0"
        made += head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
    return made


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Booted:
    kernels = sorted(Path(os.environ.get("VMGEN_LINUX", "/nowhere")).glob("vmlinuz*"))
    if not kernels:
        lacking("there is no Debian kernel (VMGEN_LINUX)")
    if shutil.which("gcc") is None:
        lacking("there is no gcc")
    folder = tmp_path_factory.mktemp("linux")
    (folder / "init.c").write_text(FIRST)
    words = [
        "gcc",
        "-static",
        "-Os",
        "-o",
        str(folder / "init"),
        str(folder / "init.c"),
    ]
    subprocess.run(words, check=True)
    (folder / "initrd").write_bytes(archive((folder / "init").read_bytes()))
    options = Options(
        "x86_64",
        (
            *("-M", "q35", "-m", "128M", "-smp", "2", "-cpu", "max", "-nodefaults"),
            *("-serial", f"file:{folder / 'console'}"),
            *("-kernel", str(kernels[-1]), "-initrd", str(folder / "initrd")),
            *("-append", "console=ttyS0 mitigations=off"),
        ),
    )
    if reason := options.absent():
        lacking(reason)
    made = Booted(folder / "vm.mig", folder / "core", folder / "dump", options)
    with Machine(options) as machine:
        machine.command("cont")
        end = time.monotonic() + PATIENCE
        while b"first program" not in (folder / "console").read_bytes():
            assert time.monotonic() < end, (folder / "console").read_text("latin-1")
            time.sleep(0.2)
        time.sleep(0.5)  # both processes run
        stop_in_processes(machine, end)
        for form, place in ("elf", made.core), ("kdump-zlib", made.dump):
            machine.command(
                "dump-guest-memory", paging=False, protocol=f"file:{place}", format=form
            )
        made.stream.write_bytes(machine.capture())
    return made


@pytest.fixture
def linux(booted: Booted) -> Iterator[Guest]:
    with Guest.open(booted.stream, codecs=packages()["x86_64"]) as guest:
        yield guest


def number(text: str, key: str) -> int:
    found = re.search(rf"^{re.escape(key)}=(-?[0-9a-f]+)$", text, re.M)
    assert found is not None, key
    return int(found[1], 10 if key.startswith(("NUMBER", "OFFSET")) else 16)


def test_the_kernel_s_own_note_is_found_and_its_addresses_are_right(
    linux: Guest,
) -> None:
    info = linux.vmcoreinfo()  # found in RAM: the guest has no device for it
    assert info is not None
    base = number(info.text, "NUMBER(phys_base)")
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
    for cpu in linux.cpus:
        assert cpu.translate(names) == names - KERNEL_MAP + base
        system, _, found, *_ = struct.unpack("65s" * 6, cpu.read(names, 6 * 65))
        assert system.rstrip(b"\0") == b"Linux"
        assert found.rstrip(b"\0") == release
        mapped_at = [KERNEL_MAP + address - base for address in image]
        seen = [
            one
            for one, address in zip(mapped_at, image, strict=True)
            if any(m.virtual <= one < m.virtual + m.size for m in cpu.mappings())
            and cpu.translate(one) == address
        ]
        assert seen  # linux_banner; others are in the log
        assert cpu.read(seen[0], len(banner)) == banner


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
    assert ours.pages == theirs.pages
    assert ours.notes.startswith(theirs.notes)
    assert (ours.uname[0], ours.uname[4]) == (b"Linux", b"x86_64")
    base = number(ours.info.decode(), "NUMBER(phys_base)")
    assert ours.base == base % (1 << 64)


def test_qemu_goes_on_from_a_core_of_a_running_kernel(
    booted: Booted, linux: Guest, tmp_path: Path
) -> None:
    core = bytearray(booted.core.read_bytes())
    untouched = import_core(linux, memoryview(core)).draft
    assert untouched.to_bytes() == booted.stream.read_bytes()
    changed = []
    at = core.index(b"CORE\0\0\0\0")
    for cpu in linux.cpus:
        first = at + 8 + 112  # r15 is the first register of NT_PRSTATUS
        assert int.from_bytes(core[first : first + 8], "little") == cpu.register("r15")
        changed.append(0x1122_3344_5566_7780 + cpu.index)
        core[first : first + 8] = changed[-1].to_bytes(8, "little")
        at = core.find(b"CORE\0\0\0\0", first)
    made = import_core(linux, memoryview(core)).draft.to_bytes()
    with Machine.resumed(booted.options, made) as machine, machine.gdb() as stub:
        for index, cpu in enumerate(linux.cpus):
            stub.select(index)
            assert stub.read("r15") == changed[index]
            for name in ("rip", "rsp", "cs", "cr3", "cr4", "efer", "gs_base"):
                assert (name, stub.read(name)) == (name, cpu.register(name))


STEPS = 600
OWN = (b"\x0f\x31", b"\x0f\x01\xf9", b"\x0f\xa2")
"""rdtsc, rdtscp and cpuid: Unicorn has a clock of its own, and is a CPU of another model."""

UNDEFINED = 0x10800
"""RF, which QEMU has while a string instruction goes on, and OF, which many instructions
leave undefined."""


@pytest.mark.parametrize("cpu", [0, 1])
def test_a_running_kernel_goes_the_same_way_in_unicorn(
    booted: Booted, linux: Guest, cpu: int
) -> None:
    """Behind the kernel's own page tables, through its entries and back to the process."""
    stream = booted.stream.read_bytes()
    with Machine.resumed(booted.options, stream) as machine, machine.gdb() as stub:
        stub.select(cpu)
        first = {name: stub.read(name) for name in X86}
        truth = []
        for _ in range(STEPS):
            stub.ask(f"vCont;s:{stub.threads[cpu]}")
            truth.append({name: stub.read(name) for name in X86})
    # a step that was asked of QEMU's core while other work waited for it has no instruction
    states = [first, *truth]
    truth = [now for before, now in itertools.pairwise(states) if now != before]
    assert missing(linux, cpu) == ()
    uc = to_unicorn(linux, cpu)
    registers = seed.of(uc, "x86_64")
    for before, after in zip([first, *truth], truth, strict=False):
        uc.emu_start(before["rip"], 0, count=1)
        if linux.cpus[cpu].read(before["rip"], 3).startswith(OWN):
            for name in ("rax", "rbx", "rcx", "rdx"):
                number = getattr(x86_const, f"UC_X86_REG_{name.upper()}")
                uc.reg_write(number, after[name])
        now = registers.get(X86)
        for one in (now, after):
            one["eflags"] &= ~UNDEFINED
        assert now == after
    assert len({one["rip"] for one in truth}) > 100
