"""The description JSON of every stored stream is what the IR says QEMU would write.

The other half of this file breaks the IR in one place at a time and sees that told.
"""

from __future__ import annotations

import lzma
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.described_by_ir import Compared, compare
from tests.description_json import document
from tests.whole_targets import whole_program
from vmgen import ir
from vmgen.lookup import Lookup

FOLDER = Path(__file__).parent / "fixtures"

EXCEPTIONS: dict[tuple[str, str], str] = {}
"""Places that differ, by stream and path, each with its reason."""


class Count(NamedTuple):
    """What is compared: sections with a description (the configuration is one where it
    is described), objects in them, entries of fields; and how often the bytes do not tell
    whether something is there or how large it is."""

    sections: int
    objects: int
    entries: int
    asked: int


COUNTS = {
    "aarch64-virt-a57-bare--10.0.2": Count(18, 28, 165, 30),
    "arm-stm32vldiscovery-poke--10.0.2": Count(10, 24, 100, 31),
    "arm-virt-a15-bare--10.0.2": Count(18, 29, 167, 28),
    "arm-virt-a15-poke-smp2--10.0.2": Count(20, 34, 232, 41),
    "aarch64-virt-devices--10.0.2": Count(24, 57, 432, 43),
    "avr-uno-poke--10.0.2": Count(4, 4, 20, 4),
    "m68k-virt-poke--10.0.2": Count(15, 23, 81, 9),
    "mips-malta-bare--10.0.2": Count(29, 71, 554, 78),
    "ppc64-flight-vscsi--10.0.2": Count(20, 37, 105, 44),
    "ppc64-pseries-devices--10.0.2": Count(24, 63, 358, 55),
    "riscv64-virt-mmio--10.0.2": Count(24, 35, 176, 42),
    "riscv64-virt-mmio-modern--10.0.2": Count(23, 34, 175, 41),
    "s390x-ccw--10.0.2": Count(22, 31, 168, 29),
    "sparc-SS-5-esp--10.0.2": Count(23, 38, 183, 23),
    "sparc-SS-5-openbios--10.0.2": Count(23, 38, 183, 23),
    "x86_64-flight-am53c974--10.0.2": Count(33, 341, 1295, 111),
    "x86_64-flight-blk--10.0.2": Count(32, 335, 1258, 107),
    "x86_64-flight-blk-packed--10.0.2": Count(32, 335, 1258, 107),
    "x86_64-flight-megasas--10.0.2": Count(33, 339, 1282, 110),
    "x86_64-flight-mptsas--10.0.2": Count(33, 338, 1302, 109),
    "x86_64-flight-usb-bot--10.0.2": Count(34, 341, 1314, 109),
    "x86_64-flight-virtio-scsi--10.0.2": Count(33, 337, 1271, 108),
    "x86_64-pc-devices--10.0.2": Count(41, 382, 1713, 148),
    "x86_64-q35-devices--10.0.2": Count(46, 145, 1050, 129),
    "x86_64-q35-ports--10.0.2": Count(50, 153, 1031, 143),
    "x86_64-q35-usbredir--10.0.2": Count(32, 154, 1386, 208),
    "i386-isapc-poke--10.0.2": Count(22, 53, 363, 87),
    "ppc-g3beige-openbios--10.0.2": Count(22, 45, 277, 38),
    "ppc64-pseries-poke--10.0.2": Count(17, 32, 80, 42),
    "riscv32-virt-poke--10.0.2": Count(16, 27, 162, 32),
    "riscv64-virt-max-poke--10.0.2": Count(16, 31, 174, 32),
    "riscv64-virt-rv64-poke-smp2--10.0.2": Count(18, 34, 254, 42),
    "riscv64-virt-uboot--10.0.2": Count(16, 26, 155, 32),
    "riscv64-virt-vh-bare--10.0.2": Count(16, 27, 162, 32),
    "riscv64-virt-vh-bare--7.2.22": Count(14, 24, 150, 21),
    "riscv64-virt-vh-bare-smp2-shared--10.0.2": Count(18, 37, 270, 43),
    "x86_64-pc-max-seabios--10.0.2": Count(34, 345, 1389, 118),
    "x86_64-q35-bare--10.0.2": Count(31, 95, 706, 108),
    "x86_64-q35-bare--7.2.22": Count(30, 94, 701, 100),
}


def target_and_release(name: str) -> tuple[str, str]:
    release = name.rpartition("--")[2]
    return name.split("-")[0], release.rpartition(".")[0]


@cache
def stream(name: str) -> bytes:
    for folder in (FOLDER, FOLDER / "devices"):
        file = folder / f"{name}.stream.xz"
        if file.exists():
            return lzma.decompress(file.read_bytes())
    raise FileNotFoundError(name)


def program(name: str) -> ir.Program:
    return whole_program(*target_and_release(name))


def test_every_stream_is_counted() -> None:
    stored = {
        file.name.removesuffix(".stream.xz")
        for folder in (FOLDER, FOLDER / "devices")
        for file in folder.glob("*.stream.xz")
    }
    assert stored == set(COUNTS)


@pytest.mark.parametrize("name", COUNTS)
def test_a_stream_is_described_as_the_ir_says(name: str) -> None:
    found = compare(program(name), stream(name))
    differences = [
        one for one in found.differences if (name, one.path) not in EXCEPTIONS
    ]
    assert differences == []
    counted = Count(found.sections, found.objects, found.entries, found.asked)
    assert counted == COUNTS[name]


# --- a program that is wrong in one place ---------------------------------------------

SMALL = "m68k-virt-poke--10.0.2"
CPU = "riscv64-virt-vh-bare--10.0.2"
BARE = "x86_64-q35-bare--10.0.2"
LARGE = "x86_64-q35-usbredir--10.0.2"

Change = Callable[[ir.Description], ir.Description]


def changed(program: ir.Program, file: str, symbol: str, change: Change) -> ir.Program:
    modules = []
    times = 0
    for module in program.modules:
        if module.file == file:
            descriptions = []
            for one in module.descriptions:
                times += one.symbol == symbol
                descriptions.append(change(one) if one.symbol == symbol else one)
            module = replace(module, descriptions=tuple(descriptions))
        modules.append(module)
    assert times == 1, (file, symbol)
    return replace(program, modules=tuple(modules))


def with_field(number: int, change: Callable[[ir.Field], ir.Field]) -> Change:
    def of(one: ir.Description) -> ir.Description:
        fields = list(one.fields)
        fields[number] = change(fields[number])
        return replace(one, fields=tuple(fields))

    return of


def found_in(name: str, file: str, symbol: str, change: Change) -> list[str]:
    """The messages about a program with that change, of one section that it is in."""
    broken = changed(program(name), file, symbol, change)
    section = next(
        section
        for seen, section in compared(name).seen.items()
        if (seen.file, seen.symbol) == (file, symbol)
    )
    only = "" if section == "configuration" else section
    found = compare(broken, stream(name), only)
    return [one.message for one in found.differences]


@cache
def compared(name: str) -> Compared:
    found = compare(program(name), stream(name))
    assert found.differences == []
    return found


@pytest.mark.parametrize("name", [SMALL, CPU])
def test_no_field_can_be_called_otherwise_or_be_missing(name: str) -> None:
    for file, symbol, number in sorted(compared(name).seen):

        def rename(one: ir.Field) -> ir.Field:
            return replace(one, name=f"{one.name}x")

        def leave_out(one: ir.Description, number: int = number) -> ir.Description:
            kept = one.fields[:number] + one.fields[number + 1 :]
            return replace(one, fields=kept)

        assert found_in(name, file, symbol, with_field(number, rename)), symbol
        assert found_in(name, file, symbol, leave_out), symbol


def _instead(other: ir.Field, _: ir.Field) -> ir.Field:
    return other


@pytest.mark.parametrize("name", [SMALL, CPU])
def test_no_field_can_have_another_size(name: str) -> None:
    """An integer of another width, a buffer or an array that is one longer."""
    fields = descriptions(program(name))
    tried = 0
    for seen in sorted(compared(name).seen):
        field = fields[seen.file, seen.symbol].fields[seen.number]
        others: list[ir.Field] = []
        if isinstance(field.element, ir.IntegerElement):
            wider: ir.IntType = "uint16" if field.element.type == "uint64" else "uint64"
            others.append(replace(field, element=replace(field.element, type=wider)))
        if isinstance(
            field.element, ir.BufferElement | ir.UnusedElement
        ) and isinstance(field.size, ir.Fixed):
            others.append(replace(field, size=ir.Fixed(field.size.value + 1)))
        if isinstance(field.count, ir.Fixed):
            others.append(replace(field, count=ir.Fixed(field.count.value + 1)))
            others.append(replace(field, count=ir.Fixed(0)))
        for other in others:
            tried += 1
            change = with_field(seen.number, partial(_instead, other))
            assert found_in(name, seen.file, seen.symbol, change), field
    assert tried > 100


@pytest.mark.parametrize("name", [SMALL, CPU])
def test_no_description_can_have_another_name_or_version(name: str) -> None:
    for file, symbol in sorted(
        {(seen.file, seen.symbol) for seen in compared(name).seen}
    ):

        def rename(one: ir.Description) -> ir.Description:
            return replace(one, name=f"{one.name}x")

        def renew(one: ir.Description) -> ir.Description:
            return replace(one, version_id=one.version_id + 1)

        assert found_in(name, file, symbol, rename), symbol
        assert found_in(name, file, symbol, renew), symbol


def descriptions(program: ir.Program) -> dict[tuple[str, str], ir.Description]:
    return {
        (module.file, one.symbol): one
        for module in program.modules
        for one in module.descriptions
    }


def where(name: str, symbol: str) -> str:
    """The file with a description that the stream has."""
    (file,) = {seen.file for seen in compared(name).seen if seen.symbol == symbol}
    return file


def test_no_two_fields_change_places() -> None:
    def swap(one: ir.Description) -> ir.Description:
        fields = list(one.fields)
        fields[3], fields[4] = fields[4], fields[3]
        return replace(one, fields=tuple(fields))

    file = where(CPU, "vmstate_riscv_cpu")
    assert found_in(CPU, file, "vmstate_riscv_cpu", swap)


def test_a_subsection_that_is_always_there_must_be_there() -> None:
    file = where(CPU, "vmstate_riscv_cpu")
    symbol = "vmstate_debug"
    assert (file, symbol) in descriptions(program(CPU))

    def always(one: ir.Description) -> ir.Description:
        return replace(one, needed="")

    def leave_out(one: ir.Description) -> ir.Description:
        kept = tuple(sub for sub in one.subsections if sub != symbol)
        assert len(kept) < len(one.subsections)
        return replace(one, subsections=kept)

    there = {seen.symbol for seen in compared(CPU).seen}
    for sub in descriptions(program(CPU))[file, "vmstate_riscv_cpu"].subsections:
        expected = [] if sub in there else ["not there"]
        broken = changed(program(CPU), file, sub, always)
        found = compare(broken, stream(CPU)).differences
        assert [one.message for one in found] == expected, sub
    assert symbol in there
    assert found_in(CPU, file, "vmstate_riscv_cpu", leave_out) == [
        "no such subsection here in the C"
    ]


def test_subsections_come_in_the_order_of_the_c() -> None:
    def turn(one: ir.Description) -> ir.Description:
        return replace(one, subsections=one.subsections[::-1])

    file = where(LARGE, "vmstate_x86_cpu")
    assert found_in(LARGE, file, "vmstate_x86_cpu", turn)


def test_what_a_test_says_of_the_bytes_counts() -> None:
    """``cpu/fpop_ip_dp`` is there, and its predicate reads members that are in it."""
    whole = program(BARE)
    file = where(BARE, "vmstate_x86_cpu")
    needed = descriptions(whole)[file, "vmstate_fpop_ip_dp"].needed
    modules = []
    for module in whole.modules:
        functions = tuple(
            (
                replace(one, body=ir.Unary("!", one.body))
                if (module.file, one.symbol) == (file, needed) and one.body is not None
                else one
            )
            for one in module.functions
        )
        modules.append(replace(module, functions=functions))
    broken = replace(whole, modules=tuple(modules))
    found = compare(broken, stream(BARE)).differences
    assert [one.message for one in found] == ["there, the C says no"]
    assert found[0].path == "{cpu/fpop_ip_dp}"


@pytest.mark.parametrize(("name", "least"), [(SMALL, 3), (BARE, 15)])
def test_what_is_nested_is_nested(name: str, least: int) -> None:
    """Not flat, not with a version of its own (``VMS_VSTRUCT``), not something else."""
    whole = program(name)
    known = descriptions(whole)
    lookup = Lookup(whole)
    modules = {module.file: module for module in whole.modules}
    nested = 0
    for seen in sorted(compared(name).seen):
        field = known[seen.file, seen.symbol].fields[seen.number]
        if not isinstance(field.element, ir.StructElement):
            continue
        nested += 1
        inner = lookup.find(field.element.description, modules[seen.file])
        assert inner is not None
        other = next(
            one.symbol
            for module in whole.modules
            for one in module.descriptions
            if not one.static and one.name not in ("", inner.description.name)
        )

        def flat(
            one: ir.Description,
            number: int = seen.number,
            fields: tuple[ir.Field, ...] = inner.description.fields,
        ) -> ir.Description:
            fields = one.fields[:number] + fields + one.fields[number + 1 :]
            return replace(one, fields=fields)

        assert found_in(name, seen.file, seen.symbol, flat)
        for made in (
            replace(field.element, vstruct=True),
            replace(field.element, description=other),
        ):
            change = with_field(seen.number, partial(replace, element=made))
            assert found_in(name, seen.file, seen.symbol, change), field
    assert nested >= least


def test_nobody_registers_it() -> None:
    whole = program(SMALL)
    roots = tuple(one for one in whole.roots if one.section != "goldfish_rtc")
    assert len(roots) < len(whole.roots)
    found = compare(replace(whole, roots=roots), stream(SMALL)).differences
    assert {one.section for one in found} == {"goldfish_rtc/0", "goldfish_rtc/1"}


# --- how the JSON is written ----------------------------------------------------------


def test_members_that_the_json_repeats() -> None:
    """A list's elements stand one after the other in its entry, with the same keys."""
    one = '"vmsd_name": "e", "version": 1, "fields": [{"name": "a", "type": "uint8", "size": 1}]'
    text = (
        '{"page_size": 4096, "devices": [{"name": "x", "instance_id": 0, '
        '"vmsd_name": "x", "version": 1, "fields": '
        f'[{{"name": "list", "type": "qtailq", {one}, {one}, "size": 5}}]}}]}}'
    )
    (device,) = document(text.encode()).devices
    assert device.node is not None
    (entry,) = device.node.fields
    assert [inner.name for inner in entry.inline] == ["e", "e"]
    assert entry.size == 1 + sum(1 + inner.size for inner in entry.inline)
