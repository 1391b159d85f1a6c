"""Fresh streams of twenty targets: read, verified, compared with QEMU's own script, and
taken back by QEMU with a register of the CPU and a field of a device changed.

Codecs of the eight targets are the committed ones; those of the others are made from the
source tree.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.lacking import lacking
from tests.machine_facts import members
from tests.qemu.guests import GUESTS
from tests.qemu.machine import Guest, Machine
from tests.stream_files import packages
from tests.test_stream_analyze import all_worded, analysed
from tests.trees import require_tree
from vmgen import pipeline
from vmgen.stream import Codecs, Draft, Stream, described, from_folder, registers
from vmgen.stream.compare import compare
from vmgen.stream.edit import edit
from vmgen.stream.registers import RegisterFile
from vmgen.stream.verify import verify


def plain(target: str, order: str, *options: str) -> Guest:
    return Guest(target, (*options, "-nodefaults"), order)


MALTA = ("-M", "malta", "-m", "16M", "-bios", "/dev/null")

MORE = {
    "s390x": plain("s390x", "big", "-M", "s390-ccw-virtio", "-m", "4M"),
    "mips": plain("mips", "big", *MALTA),
    "mipsel": plain("mipsel", "little", *MALTA),
    "mips64": plain("mips64", "big", *MALTA),
    "sparc": plain("sparc", "big", "-M", "SS-5", "-m", "16M"),
    "sparc64": plain("sparc64", "big", "-M", "sun4u", "-m", "32M"),
    "m68k": plain("m68k", "big", "-M", "virt", "-m", "16M"),
    "alpha": plain("alpha", "little", "-M", "clipper", "-m", "32M"),
    "avr": plain("avr", "little", "-M", "uno"),
    "or1k": plain("or1k", "big", "-M", "or1k-sim"),
    "microblaze": plain("microblaze", "big", "-M", "petalogix-s3adsp1800"),
    "loongarch64": plain("loongarch64", "little", "-M", "virt", "-m", "64M"),
}

ALL = GUESTS | MORE

UNREADABLE = {"mips", "mipsel"}
"""The script takes another brace for the beginning of the description."""


class Change(NamedTuple):
    """A register, its value and how ``info registers`` writes it; a field of a device."""

    register: str
    value: int
    shown: str
    field: str
    new: int


CHANGES = {
    "riscv64": Change(
        "a0", 0x1122334455667788, "{:016x}", "goldfish_rtc/0.alarm_next", 77
    ),
    "x86_64": Change("rbx", 0x11223344, "EBX={:08x}", "mc146818rtc/0.cmos_index", 0x35),
    "aarch64": Change("x7", 0x1122334455667788, "X07={:016x}", "pl031/0.mr", 0x12345),
    "ppc64": Change("r7", 0x1122334455667788, "{:016x}", "spapr/rtc/0.ns_offset", 4321),
    "s390x": Change(
        "r7", 0x1122334455667788, "R07={:016x}", "s390_css/0.chnmon_area", 4096
    ),
    "mips": Change("t3", 0x11223344, "t3 {:08x}", "mc146818rtc/0.cmos_index", 0x35),
    "sparc": Change("g3", 0x11223344, "{:08x}", "slavio_misc/0.diag", 0x5A),
    "m68k": Change("d3", 0x11223344, "D3 = {:08x}", "goldfish_rtc/0.alarm_next", 77),
}
"""By target, what is changed before QEMU resumes."""


def needed(target: str) -> Guest:
    """The guest, or no test where it is not installed; required in CI."""
    guest = ALL[target]
    if shutil.which(guest.binary) is None:
        reason = f"{guest.binary} is not installed"
        lacking(reason)
    return guest


@cache
def codecs_for(target: str, folder: Path) -> Codecs:
    if target in GUESTS:
        board = GUESTS[target].options[GUESTS[target].options.index("-M") + 1]
        return packages()[target].but(members(target, board.split(",")[0]))
    request = pipeline.Request(target=target, qemu=require_tree("10.0"))
    for file in pipeline.generate([pipeline.compile_program(request)]):
        path = folder / target / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)
    return from_folder(folder / target)[target]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("codecs")


@pytest.mark.parametrize("target", ALL)
def test_a_fresh_stream(target: str, folder: Path, tmp_path: Path) -> None:
    with Machine(needed(target)) as machine:
        data = machine.capture()
    codecs = codecs_for(target, folder)
    stream = Stream(data, codecs)
    results = list(verify(stream))
    assert [one.difference for one in results if one.difference] == []
    assert sum(one.bytes for one in results) == len(data)
    assert Draft(stream).to_bytes() == data
    cpus = [one for one in stream.sections if registers.is_cpu(one)]
    assert cpus
    assert all(one.means == "codec" for one in cpus)
    if target in UNREADABLE:
        return
    file = tmp_path / "stream"
    file.write_bytes(data)
    _same_as_the_script(stream, analysed(require_tree("10.0"), file))


def _same_as_the_script(stream: Stream, theirs: dict[str, Any]) -> None:
    compared = 0
    for one in stream.sections:
        if one.device is None or one.means == "old-style":
            continue
        slots = stream.layout(one)
        ours = all_worded(slots, described.decode(slots, stream.view, one.start))
        words = theirs[f"{one.name} ({one.id})"]
        assert ours == {key: item for key, item in words.items() if key in ours}
        compared += len(ours)
    assert compared >= 5


def registers_text(machine: Machine) -> str:
    line = {"command-line": "info registers"}
    return str(machine.command("human-monitor-command", **line)).lower()


@pytest.mark.parametrize("target", CHANGES)
def test_qemu_runs_from_a_changed_cpu_and_device(target: str, folder: Path) -> None:
    guest, change = needed(target), CHANGES[target]
    codecs = codecs_for(target, folder)
    words = change.shown.format(change.value).lower()
    with Machine(guest) as machine:
        assert words not in registers_text(machine)
        stream = Stream(machine.capture(), codecs)
    assignments = [
        f"cpu/0.{change.register}={change.value:#x}",
        f"{change.field}={change.new}",
    ]
    changed = edit(stream, assignments).to_bytes()
    found = [(one.path, one.new) for one in compare(stream, Stream(changed, codecs))]
    assert len(found) == 2
    assert {new for _, new in found} == {change.value, change.new}
    with Machine.resumed(guest, changed) as machine:
        assert words in registers_text(machine)
        again = Stream(machine.capture(), codecs)
    section = again.section(change.field.rpartition("/")[0], 0)
    value = again.values(section)
    name = change.field.rpartition("/")[2].partition(".")[2]
    assert value[name] == change.new
    cpu = again.section("cpu", 0)
    state = again.values(cpu)
    file = RegisterFile(state, codecs.target)
    assert file.read(change.register).value == change.value


MADE = {
    "riscv64": ("a0", {"env.misa_mxl": 2, "env.priv": 3}),
    "aarch64": ("x7", {}),
    "m68k": ("d3", {"env.sr": 0x2700, "env.cc_op": 1}),
    "s390x": ("r7", {}),
}
"""A register, and what a CPU must have that is not zero, by target."""


@pytest.mark.parametrize("target", MADE)
def test_a_cpu_made_from_nothing(target: str, folder: Path) -> None:
    """A state object of Python's own replaces a CPU, and QEMU runs from it."""
    guest, (register, rest) = needed(target), MADE[target]
    codecs = codecs_for(target, folder)
    with Machine(guest) as machine:
        stream = Stream(machine.capture(), codecs)
    section = stream.section("cpu")
    assert section.codec is not None
    old = stream.state(section)
    made = section.codec.state()
    if target == "riscv64":
        made.env.misa_ext = made.env.misa_ext_mask = old.env.misa_ext
    if target == "aarch64":
        # Which system registers there are is a fact of the model, not a value.
        made.cpreg_vmstate_array_len = old.cpreg_vmstate_array_len
        made.cpreg_vmstate_indexes = old.cpreg_vmstate_indexes
        made.cpreg_vmstate_values = old.cpreg_vmstate_values
        made.cpsr = old.cpsr
    draft = Draft(stream)
    draft.replace(section, made)
    paths = [
        f"cpu/0.{register}=0x1234567",
        f"cpu/0.{'pswa' if target == 's390x' else 'pc'}=0x100",
    ]
    paths += [f"cpu/0.{path}={value}" for path, value in rest.items()]
    fresh = Stream(draft.to_bytes(), codecs)
    changed = edit(fresh, paths).to_bytes()
    with Machine.resumed(guest, changed) as machine:
        assert "1234567" in registers_text(machine)
        machine.command("cont")
        machine.command("stop")
        again = Stream(machine.capture(), codecs)
    assert again.section("cpu").codec is not None
