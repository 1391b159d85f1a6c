"""Exports are what QEMU itself writes of the same stopped guest."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from tests import kdump_files
from tests.lacking import lacking
from tests.qemu.guests import GUESTS, POKED, poke
from tests.qemu.machine import Guest as Options
from tests.qemu.machine import Machine
from tests.stream_files import packages
from vmgen.export import elf, kdump
from vmgen.export.formats import ExportOptions
from vmgen.export.notes import core_kind
from vmgen.guest import Guest, Unsupported
from vmgen.imported.template import import_core
from vmgen.stream import Stream
from vmgen.stream.edit import edit

MACHINES = {
    "riscv64": GUESTS["riscv64"],
    "riscv32": GUESTS["riscv32"],
    "x86_64": GUESTS["x86_64"],
    "i386": GUESTS["i386"],
    "aarch64": GUESTS["aarch64"],
    "arm": GUESTS["arm"],
    "ppc64": GUESTS["ppc64"],
    "s390x": Options("s390x", ("-m", "16M", "-nodefaults", "-smp", "2"), "big"),
}


@pytest.mark.parametrize("target", MACHINES)
def test_a_core_and_memory_are_those_of_qemu(target: str, tmp_path: Path) -> None:
    options = MACHINES[target]
    if reason := options.absent():
        lacking(reason)
    names = ("vm.mig", "core", "image", "dump", "raw")
    file, core, image, dump, plain = (tmp_path / name for name in names)
    with Machine(options) as machine:
        if target in POKED:
            with machine.gdb() as stub:
                poke(stub, target)
        for form, place in (
            ("elf", core), ("kdump-zlib", dump), ("kdump-raw-zlib", plain),
        ):  # fmt: skip
            machine.command(
                "dump-guest-memory", paging=False, protocol=f"file:{place}", format=form
            )
        tree = {"command-line": "info mtree -f"}
        text = machine.command("human-monitor-command", **tree)
        file.write_bytes(machine.capture())
        ram = next(
            int(found[1], 16)
            for line in text.partition('AS "memory"')[2].splitlines()
            if (found := re.match(r"  ([0-9a-f]{16})-.*, ram\): \S*(ram|RAM)", line))
        )
        machine.command("pmemsave", val=ram, size=0x10000, filename=str(image))
    mtree = tmp_path / "mtree.txt"
    mtree.write_text(text)
    codecs = packages().get(target)
    given = () if codecs else (str(mtree),)
    with Guest.open(file, codecs=codecs, map=given) as guest:
        if codecs is None:
            guest.target = target
        out = io.BytesIO()
        elf.write(guest, out, ExportOptions())
        assert out.getvalue() == core.read_bytes()
        kind = core_kind(guest, max(one.end for one in guest.regions))
        for theirs, raw in ((dump, False), (plain, True)):
            out = io.BytesIO()
            kdump.write(guest, out, ExportOptions(raw=raw))
            ours = out.getvalue()
            assert ours.startswith(b"makedumpfile\0") is not raw
            said, meant = (
                kdump_files.read(data, kind.order, kind.bits)
                for data in (ours, theirs.read_bytes())
            )
            # Another zlib packs another way; all else is the same file.
            assert said == meant
        assert guest.memory.read(ram, 0x10000) == image.read_bytes()
        regions = guest.regions
    with Guest.open(file, codecs=codecs, map=str(mtree)) as guest:
        assert regions == guest.regions


AARCH32 = {"user": 0x10, "fiq": 0x11, "svc": 0x13, "hyp": 0x1A, "und": 0x1B}
"""Modes of AArch32, as they are in ``cpsr``."""


@pytest.mark.parametrize("mode", AARCH32)
def test_a_core_has_the_banked_registers_of_a_cpu_in_aarch32(
    mode: str, tmp_path: Path
) -> None:
    options, codecs = GUESTS["aarch64"], packages()["aarch64"]
    if reason := options.absent():
        lacking(reason)
    with Machine(options) as machine:
        stream = Stream(machine.capture(), codecs)
    rows = {
        "env.regs": 16, "env.banked_r13": 8, "env.banked_r14": 8, "env.usr_regs": 5,
        "env.fiq_regs": 5,
    }  # fmt: skip
    changes = [
        f"cpu/0.{row}[{index}]={0x1000 * place + index}"
        for place, (row, count) in enumerate(rows.items(), 1)
        for index in range(count)
    ]
    state = 0x1C0 | AARCH32[mode]
    changed = edit(stream, [f"cpu/0.cpsr={state:#x}", *changes]).to_bytes()
    core = tmp_path / "core"
    with Machine.resumed(options, changed) as machine:
        machine.command("dump-guest-memory", paging=False, protocol=f"file:{core}")
        again = machine.capture()
    with Guest.open(again, codecs=codecs) as guest:
        out = io.BytesIO()
        elf.write(guest, out, ExportOptions())
        assert out.getvalue() == core.read_bytes()
        with pytest.raises(Unsupported, match="of a CPU in AArch32"):
            import_core(guest, memoryview(out.getvalue()))


SVE = {
    "virt -cpu max,sve-max-vq=4": (4, ("ZCR_EL1=1",)),
    "virt -cpu max,sve-max-vq=4 all": (4, ("ZCR_EL1=15",)),
    "virt -cpu max": (16, ("ZCR_EL1=7", "cpsr=0x3c4")),
    "virt,virtualization=on -cpu max": (16, ("ZCR_EL1=7", "ZCR_EL2=3", "cpsr=0x3c5")),
    "virt,virtualization=on -cpu max host": (
        16, ("ZCR_EL1=1", "ZCR_EL2=3", "HCR_EL2=0x488000000", "cpsr=0x3c0"),
    ),
    "virt,virtualization=on,secure=on -cpu max": (
        16, ("ZCR_EL1=7", "ZCR_EL2=1", "ZCR_EL3=3", "cpsr=0x3c5", "SCR_EL3=0x430"),
    ),
    "virt,virtualization=on,secure=on -cpu neoverse-v1": (
        2, ("ZCR_EL1=7", "ZCR_EL2=1", "ZCR_EL3=0", "cpsr=0x3c9", "SCR_EL3=0x431"),
    ),
}  # fmt: skip
"""The longest vectors of a CPU and values that say how long they are now."""


@pytest.mark.parametrize("machine", SVE)
def test_a_core_has_vectors_as_long_as_they_are_now(
    machine: str, tmp_path: Path
) -> None:
    longest, values = SVE[machine]
    words = ("-M", *machine.split()[:3], "-m", "16M", "-nodefaults")
    options, codecs = Options("aarch64", words), packages()["aarch64"]
    if reason := options.absent():
        lacking(reason)
    with Machine(options) as empty:
        stream = Stream(empty.capture(), codecs)
    registers = [f"z{n}={0x0123456789 * (n + 1) << 900 | n + 5:#x}" for n in range(32)]
    registers += [
        f"z{n}={int.from_bytes(bytes(range(n, n + 128))):#x}" for n in (2, 30)
    ]
    registers += [f"p{n}={(n + 1) * 0x1234567 << 200 | n:#x}" for n in range(16)]
    registers += [f"ffr={0x77 << 240 | 0x99:#x}", "fpsr=0x8000001f"]
    changed = edit(stream, [f"cpu/0.{one}" for one in (*values, *registers)])
    core = tmp_path / "core"
    with Machine.resumed(options, changed.to_bytes()) as running:
        running.command("dump-guest-memory", paging=False, protocol=f"file:{core}")
        again = running.capture()
    with Guest.open(again, codecs=codecs) as guest:
        lost = [one for one in elf.losses(guest, ExportOptions()) if "SVE" in one]
        assert len(lost) == 1
        assert "--member ARMCPU.sve_max_vq=N" in lost[0]
    told = codecs.but({"ARMCPU.sve_max_vq": longest})
    with Guest.open(again, codecs=told) as guest:
        assert not any("SVE" in one for one in elf.losses(guest, ExportOptions()))
        out = io.BytesIO()
        elf.write(guest, out, ExportOptions())
        assert out.getvalue() == core.read_bytes()
        # other registers arrive in QEMU, the lower 128 bits of z by NT_FPREGSET
        other = edit(stream, [f"cpu/0.{one}" for one in values]).to_bytes()
        with Guest.open(other, codecs=told) as template:
            made = import_core(template, memoryview(out.getvalue()))
            assert [one.lost for one in made.cpus] == [()]
            arrived = made.draft.to_bytes()
    second = tmp_path / "second"
    with Machine.resumed(options, arrived) as running:
        running.command("dump-guest-memory", paging=False, protocol=f"file:{second}")
    assert second.read_bytes() == core.read_bytes()
