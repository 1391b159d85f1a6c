"""Streams that real QEMU wrote: loaded, saved again, and compared with what gdb saw."""

from __future__ import annotations

import importlib
import json
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import reference
from tests.generated_code import imported, runtime_of
from tests.machine_facts import members
from tests.registers import expected
from tests.stream_sections import Section, find_sections
from tests.trees import require_tree
from vmgen import ir
from vmgen.pipeline import Request, compile_program, generate

FOLDER = Path(__file__).parent / "fixtures"

COMPARED = {
    "riscv32-virt-poke--10.0.2": 194,
    "riscv64-virt-max-poke--10.0.2": 201,
    "riscv64-virt-rv64-poke-smp2--10.0.2": 155,
    "riscv64-virt-uboot--10.0.2": 155,
    "riscv64-virt-vh-bare--10.0.2": 192,
    "riscv64-virt-vh-bare--7.2.22": 191,
    "riscv64-virt-vh-bare-smp2-shared--10.0.2": 192,
    "i386-isapc-poke--10.0.2": 41,
    "x86_64-pc-max-seabios--10.0.2": 59,
    "x86_64-q35-bare--10.0.2": 59,
    "x86_64-q35-bare--7.2.22": 59,
    "aarch64-virt-a57-bare--10.0.2": 89,
    "arm-stm32vldiscovery-poke--10.0.2": 23,
    "arm-virt-a15-bare--10.0.2": 78,
    "arm-virt-a15-poke-smp2--10.0.2": 78,
    "ppc-g3beige-openbios--10.0.2": 107,
    "ppc64-pseries-poke--10.0.2": 159,
}
"""By stream, how many registers of every CPU must at least have been compared."""


@dataclass(frozen=True)
class Fixture:
    """A stream without its RAM, and what gdb said of the machine that wrote it."""

    name: str
    stream: bytes
    truth: dict[str, Any]
    sections: tuple[Section, ...]

    @property
    def target(self) -> str:
        target: str = self.truth["target"]
        return target

    @property
    def release(self) -> tuple[int, int]:
        version = self.truth["version"]
        return version["major"], version["minor"]

    @property
    def machine(self) -> str:
        words: list[str] = self.truth["cmdline"]
        return words[words.index("-M") + 1].split(",")[0]

    def named(self, name: str) -> list[Section]:
        return [section for section in self.sections if section.name == name]

    def registers(self, cpu: int) -> dict[str, int]:
        order = self.truth["byte_order"]
        return {
            name: int.from_bytes(bytes.fromhex(raw), order)
            for name, (_, raw) in self.truth["cpus"][cpu].items()
            if raw
        }


@cache
def fixture(name: str) -> Fixture:
    stream = lzma.decompress((FOLDER / f"{name}.stream.xz").read_bytes())
    truth = json.loads(lzma.decompress((FOLDER / f"{name}.truth.json.xz").read_bytes()))
    return Fixture(name, stream, truth, tuple(find_sections(stream)))


@cache
def program_of(target: str, release: tuple[int, int]) -> ir.Program:
    """The CPU's tables: the embedded ones for 10.0, a source tree's for other releases."""
    if release == (10, 0):
        return compile_program(Request(target=target))
    tree = require_tree("{}.{}".format(*release))
    return compile_program(Request(target=target, qemu=tree))


@pytest.fixture
def package(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The generated package that reads the stream named in the test's parameter.

    For 10.0 the committed one; for 7.2 one made from that release's tree.
    """
    stream = fixture(request.getfixturevalue("name"))
    if stream.release == (10, 0):
        yield importlib.import_module(f"generated.{stream.target}")
        return
    with imported(generate([program_of(stream.target, stream.release)])) as modules:
        yield modules[stream.target]


def context_of(package: Any, stream: Fixture) -> Any:
    return runtime_of(package).Context(members=members(stream.target, stream.machine))


def test_every_stream_is_compared() -> None:
    stored = {
        file.name.removesuffix(".stream.xz") for file in FOLDER.glob("*.stream.xz")
    }
    assert stored == set(COMPARED)


def root_symbol(program: ir.Program, wire_name: str) -> str:
    return next(
        description.symbol
        for module in program.modules
        for description in module.descriptions
        if description.name == wire_name
    )


@pytest.mark.parametrize("name", COMPARED)
def test_the_tables_say_what_qemu_wrote(name: str) -> None:
    """The IR alone, read by the reference interpreter, explains every byte."""
    stream = fixture(name)
    program = program_of(stream.target, stream.release)
    answers = reference.Answers(members(stream.target, stream.machine))
    for wire_name in ("cpu", "cpu_common"):
        symbol = root_symbol(program, wire_name)
        for section in stream.named(wire_name):
            values, end = reference.load(
                program, symbol, stream.stream, section.start, section.version, answers
            )
            assert end == section.end
            body = stream.stream[section.start : section.end]
            assert (
                reference.save(program, symbol, values, section.version, answers)
                == body
            )


@pytest.mark.parametrize("name", COMPARED)
def test_cpu_sections_load_to_their_end_and_save_the_same(
    name: str, package: Any
) -> None:
    stream = fixture(name)
    cpus = len(stream.truth["cpus"])
    for wire_name in ("cpu", "cpu_common"):
        sections = stream.named(wire_name)
        assert len(sections) == cpus
        codec = package.CODECS[wire_name]
        for section in sections:
            state, end = codec.load(
                stream.stream,
                section.start,
                section.version,
                context=context_of(package, stream),
            )
            assert end == section.end
            body = stream.stream[section.start : section.end]
            assert codec.save(state, section.version) == body
            assert codec.load(
                body, 0, section.version, context=context_of(package, stream)
            ) == (
                state,
                len(body),
            )


@pytest.mark.parametrize("name", COMPARED)
def test_registers_are_what_gdb_said(name: str, package: Any) -> None:
    stream = fixture(name)
    for number, section in enumerate(stream.named("cpu")):
        state, _ = package.CODECS["cpu"].load(
            stream.stream,
            section.start,
            section.version,
            context=context_of(package, stream),
        )
        truth = stream.registers(number)
        vector = len(stream.truth["cpus"][number].get("v0", ["", ""])[1]) // 2
        found = expected(stream.target, state, vector, stream.release)
        compared = found.keys() & truth.keys()
        wrong = {
            register: (hex(found[register]), hex(truth[register]))
            for register in compared
            if found[register] != truth[register]
        }
        assert not wrong
        assert len(compared) >= COMPARED[name]


@pytest.mark.parametrize("name", COMPARED)
def test_the_streams_own_description_is_a_context(name: str, package: Any) -> None:
    """Where the table asks for a machine property, the JSON answers as the members do."""
    stream = fixture(name)
    for section in stream.named("cpu"):
        codec = package.CODECS["cpu"]
        told = codec.load(
            stream.stream,
            section.start,
            section.version,
            context=runtime_of(package).Context(description=section.description),
        )
        given = codec.load(
            stream.stream,
            section.start,
            section.version,
            context=context_of(package, stream),
        )
        assert told == given


@pytest.mark.parametrize("name", ["arm-stm32vldiscovery-poke--10.0.2"])
def test_what_only_the_machine_knows_is_asked_for(name: str, package: Any) -> None:
    """The MPU's number of regions is not migrated: without a context that is said."""
    stream = fixture(name)
    section = stream.named("cpu")[0]
    with pytest.raises(runtime_of(package).MissingContext) as caught:
        package.CODECS["cpu"].load(stream.stream, section.start, section.version)
    missing = caught.value
    assert (missing.kind, missing.key) == ("member", "ARMCPU.pmsav7_dregion")
    assert missing.described
    assert missing.message in str(missing)
    assert missing.answer in str(missing)
    assert "cpu/pmsav7" in caught.value.path
    assert section.start < caught.value.offset < section.end
