"""Fresh streams of real QEMU: read, written again, edited, and taken back by QEMU."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from tests.generated_code import runtime_of
from tests.machine_facts import members
from tests.qemu.guests import GUESTS, poke
from tests.qemu.machine import Guest, Machine, Refusal
from tests.registers import at, expected
from tests.stream_sections import Section, find_sections, replace

COMPARED = {
    "riscv64": 192,
    "riscv32": 194,
    "x86_64": 59,
    "i386": 41,
    "aarch64": 89,
    "arm": 78,
    "ppc64": 159,
    "ppc": 107,
}
"""At least so many registers must have been compared, by target."""


def codecs(target: str) -> Any:
    return importlib.import_module(f"generated.{target}").CODECS


def context(guest: Guest) -> Any:
    package = importlib.import_module(f"generated.{guest.target}")
    machine = guest.options[guest.options.index("-M") + 1].split(",")[0]
    return runtime_of(package).Context(members=members(guest.target, machine))


def section_of(stream: bytes, name: str) -> Section:
    return next(
        section
        for section in find_sections(stream)
        if section.name == name and section.instance == 0
    )


def load_cpu(guest: Guest, stream: bytes) -> tuple[Any, Section]:
    section = section_of(stream, "cpu")
    codec = codecs(guest.target)["cpu"]
    state, end = codec.load(
        stream, section.start, section.version, context=context(guest)
    )
    assert end == section.end
    return state, section


@pytest.mark.parametrize("guest", GUESTS, indirect=True)
def test_a_fresh_stream_is_what_gdb_saw(guest: Guest) -> None:
    with Machine(guest) as machine:
        with machine.gdb() as stub:
            poke(stub, guest.target)
            truth = stub.all_registers()
        stream = machine.capture()
    for name in ("cpu", "cpu_common"):
        section = section_of(stream, name)
        codec = codecs(guest.target)[name]
        state, end = codec.load(
            stream, section.start, section.version, context=context(guest)
        )
        assert end == section.end
        assert codec.save(state, section.version) == stream[section.start : section.end]
    state, _ = load_cpu(guest, stream)
    vector = len(truth["v0"][1]) // 2 if "v0" in truth else 0
    order: Any = guest.byte_order
    compared = 0
    for name, value in expected(guest.target, state, vector).items():
        if name in truth:
            raw = bytes.fromhex(truth[name][1])
            assert value == int.from_bytes(raw, order), name
            compared += 1
    assert compared >= COMPARED[guest.target]


EDITS: dict[str, tuple[tuple[str, str, int], ...]] = {
    "riscv64": (
        ("a0", "env.gpr[10]", 0x1122334455667788),
        ("pc", "env.pc", 0x80000100),
        ("fs1", "env.fpr[9]", 0x400921FB54442D18),
        ("v3", "vector.env.vreg[6]", 0xCAFEF00D12345678),
    ),
    "riscv32": (
        ("a0", "env.gpr[10]", 0x11223344),
        ("pc", "env.pc", 0x80000100),
        ("fs1", "env.fpr[9]", 0x400921FB54442D18),
    ),
    "x86_64": (
        ("rcx", "env.regs[1]", 0x11223344),
        ("rip", "env.eip", 0x1234),
        ("xmm5", "env.xmm_regs[5]._q_ZMMReg[0]", 0xCAFEF00D12345678),
    ),
    "i386": (
        ("ecx", "env.regs[1]", 0x11223344),
        ("eip", "env.eip", 0x1234),
        ("xmm5", "env.xmm_regs[5]._q_ZMMReg[0]", 0xCAFEF00D12345678),
    ),
    "aarch64": (
        ("x7", "env.xregs[7]", 0x1122334455667788),
        ("pc", "env.pc", 0x40000100),
        ("v9", "vfp.env.vfp.zregs[9].d[0]", 0xCAFEF00D12345678),
    ),
    "arm": (
        ("r7", "env.regs[7]", 0x11223344),
        ("pc", "env.regs[15]", 0x40000100),
        ("d9", "vfp.env.vfp.zregs[4].d[1]", 0xCAFEF00D12345678),
    ),
    "ppc64": (
        ("r7", "env.gpr[7]", 0x1122334455667788),
        ("pc", "env.nip", 0x2100),
        ("f9", "fpu.env.vsr[9]", 0x400921FB54442D18),
        ("vr3", "altivec.env.vsr[35].u64[0]", 0xCAFEF00D12345678),
    ),
    "ppc": (
        ("r7", "env.gpr[7]", 0x11223344),
        ("pc", "env.nip", 0xFFF00200),
        ("f9", "fpu.env.vsr[9]", 0x400921FB54442D18),
    ),
}
"""By target: gdb's name of a register, where the state has its (lowest) word, a value."""


def assign(state: Any, path: str, value: int) -> None:
    """Sets an attribute or an array element by its path."""
    if path.endswith("]"):
        array, _, index = path[:-1].rpartition("[")
        at(state, array)[int(index)] = value
    else:
        owner, _, name = path.rpartition(".")
        setattr(at(state, owner), name, value)


@pytest.mark.parametrize("guest", GUESTS, indirect=True)
def test_qemu_resumes_from_an_edited_stream(guest: Guest) -> None:
    with Machine(guest) as machine:
        with machine.gdb() as stub:
            poke(stub, guest.target)
            before = {name: stub.read(name) for name, _, _ in EDITS[guest.target]}
        stream = machine.capture()
    state, section = load_cpu(guest, stream)
    for name, path, value in EDITS[guest.target]:
        assert at(state, path) != value, name
        assign(state, path, value)
    edited = replace(
        stream, section, codecs(guest.target)["cpu"].save(state, section.version)
    )
    assert len(edited) == len(stream)
    assert edited != stream
    with Machine.resumed(guest, edited) as machine, machine.gdb() as stub:
        for name, _, value in EDITS[guest.target]:
            found = stub.read(name)
            assert found & (1 << 64) - 1 == value, name
            assert found >> 64 == before[name] >> 64, name
        untouched = {"riscv64": "t6", "riscv32": "t6", "x86_64": "rdi", "i386": "edi"}
        name = untouched.get(guest.target, "x9" if "aarch" in guest.target else "r9")
        assert stub.read(name) != 0


@pytest.mark.parametrize("guest", ["riscv64"], indirect=True)
def test_qemu_refuses_what_the_codec_refuses(guest: Guest) -> None:
    """The judge judges: a subsection that is not in the table ends the incoming QEMU."""
    with Machine(guest) as machine:
        stream = machine.capture()
    state, section = load_cpu(guest, stream)
    codec = codecs(guest.target)["cpu"]
    unknown = b"\x05\x07cpu/zzz\0\0\0\1"
    damaged = replace(stream, section, codec.save(state, section.version) + unknown)
    with pytest.raises(Refusal, match="cpu"):
        Machine.resumed(guest, damaged)
    runtime = importlib.import_module("generated._runtime")
    with pytest.raises(runtime.UnknownSubsection):
        codec.load(damaged, section.start, section.version, context=context(guest))
