"""Streams changed with vmgen.stream and taken by real QEMU."""

from __future__ import annotations

import pytest

from tests.machine_facts import members
from tests.qemu.conftest import guest as guest  # the fixture
from tests.qemu.guests import GUESTS, poke
from tests.qemu.machine import Guest, Machine, Refusal
from tests.stream_files import packages
from vmgen.stream import Draft, Stream
from vmgen.stream.compare import compare
from vmgen.stream.edit import edit
from vmgen.stream.verify import verify

REGISTERS = {
    "riscv64": ("cpu/0.env.gpr[10]", "a0"),
    "riscv32": ("cpu/0.env.gpr[10]", "a0"),
    "x86_64": ("cpu/0.env.regs[0]", "rax"),
    "i386": ("cpu/0.env.regs[0]", "eax"),
    "aarch64": ("cpu/0.env.xregs[1]", "x1"),
    "arm": ("cpu/0.env.regs[1]", "r1"),
    "ppc64": ("cpu/0.env.gpr[3]", "r3"),
    "ppc": ("cpu/0.env.gpr[3]", "r3"),
}
"""By target, a register by its path and by its name in gdb."""

VALUE = 0x12345678


def captured(guest: Guest, register: str | None = None) -> tuple[bytes, int]:
    """A stream of the guest, and the value of a register just before."""
    with Machine(guest) as machine:
        with machine.gdb() as stub:
            poke(stub, guest.target)
            value = stub.read(register) if register else 0
        return machine.capture(), value


def opened(guest: Guest, data: bytes, use_description: bool = True) -> Stream:
    board = guest.options[guest.options.index("-M") + 1].split(",")[0]
    codecs = packages()[guest.target].but(members(guest.target, board))
    return Stream(data, codecs, use_description=use_description)


@pytest.mark.parametrize("guest", REGISTERS, indirect=True)
def test_an_edited_register_is_what_gdb_reads(guest: Guest) -> None:
    path, register = REGISTERS[guest.target]
    data, before = captured(guest, register)
    stream = opened(guest, data)
    assert all(one.difference is None for one in verify(stream))
    changed = edit(stream, [f"{path}={VALUE:#x}"]).to_bytes()
    assert [
        (one.path, one.old, one.new) for one in compare(stream, opened(guest, changed))
    ] == [(path, before, VALUE)]
    with Machine.resumed(guest, changed) as machine, machine.gdb() as stub:
        assert stub.read(register) == VALUE


@pytest.mark.parametrize("guest", REGISTERS, indirect=True)
def test_streams_without_description_are_bounded_by_codecs_and_footers(
    guest: Guest,
) -> None:
    data, _ = captured(guest)
    described = opened(guest, data)
    bare = opened(guest, data, use_description=False)
    assert [(one.path, one.start, one.end) for one in bare.sections] == [
        (one.path, one.start, one.end) for one in described.sections
    ]


@pytest.mark.parametrize("guest", ["riscv64"], indirect=True)
def test_subsections_come_and_go(guest: Guest) -> None:
    """QEMU takes a stream without one of its subsections, and with one it did not send."""
    data, _ = captured(guest)
    stream = opened(guest, data)
    changed = edit(stream, ["cpu/0.vector=null", "cpu/0.jvt={}"]).to_bytes()
    again = opened(guest, changed)
    assert all(one.difference is None for one in verify(again))
    with Machine.resumed(guest, changed) as machine, machine.gdb() as stub:
        assert stub.read("v1") == 0


@pytest.mark.parametrize("guest", ["riscv64"], indirect=True)
def test_a_cpu_made_from_nothing_is_taken(guest: Guest) -> None:
    data, _ = captured(guest)
    stream = opened(guest, data)
    section = stream.section("cpu")
    assert section.codec is not None
    cpu = section.codec.state()
    cpu.env.misa_mxl, cpu.env.priv = 2, 3
    cpu.env.misa_ext = cpu.env.misa_ext_mask = stream.state(section).env.misa_ext
    cpu.env.pc = 0x80000000
    cpu.env.gpr[10] = VALUE
    draft = Draft(stream)
    draft.replace(section, cpu)
    with Machine.resumed(guest, draft.to_bytes()) as machine, machine.gdb() as stub:
        assert stub.read("a0") == VALUE
        assert stub.read("pc") == 0x80000000
        assert stub.read("t6") == 0


@pytest.mark.parametrize("guest", ["riscv64", "x86_64"], indirect=True)
def test_a_dropped_section_is_missed(guest: Guest) -> None:
    """What is dropped is really gone: the CPU starts as after a reset."""
    register = REGISTERS[guest.target][1]
    data, before = captured(guest, register)
    assert before != 0
    stream = opened(guest, data)
    draft = Draft(stream)
    draft.drop(stream.section("cpu", 0))
    with Machine.resumed(guest, draft.to_bytes()) as machine, machine.gdb() as stub:
        assert stub.read(register) != before


@pytest.mark.parametrize("guest", ["riscv64"], indirect=True)
def test_a_section_of_a_foreign_device_is_refused(guest: Guest) -> None:
    data, _ = captured(guest)
    stream = opened(guest, data)
    draft = Draft(stream)
    draft.insert("nonesuch", 0, 1, b"1234")
    changed = draft.to_bytes()
    assert [one.name for one in opened(guest, changed).sections][-1] == "nonesuch"
    with pytest.raises(Refusal, match="Unknown savevm section or instance 'nonesuch'"):
        Machine.resumed(guest, changed)


def test_every_guest_has_a_register() -> None:
    assert set(REGISTERS) == set(GUESTS)
