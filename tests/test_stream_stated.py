"""What QEMU checks in C when it loads a stream: run states, capabilities, pins, page sizes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.stream_files import captured, whole
from tests.test_pairs import files
from tests.trees import require_tree
from vmgen.cli import run
from vmgen.stream import (
    Stream,
    described,
    processors,
    qapi_names,
    system_registers,
)
from vmgen.stream.ram import PageRun

Judge: TypeAlias = Callable[..., dict[str, Any]]

RISCV = "riscv64-virt-vh-bare--10.0.2"


@pytest.fixture
def judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Judge:
    """``vmgen stream explain --release 10.0.2``, alone or beside the machine's own."""

    def explain(
        capture: str, data: bytes, own: bool | bytes = False, release: str = "10.0.2"
    ) -> dict[str, Any]:
        stream, machine = tmp_path / "a.mig", tmp_path / "own.mig"
        stream.write_bytes(data)
        machine.write_bytes(own if isinstance(own, bytes) else whole(capture))
        more = ["--like", str(machine)] if own else []
        run(
            [
                "stream",
                "explain",
                str(stream),
                "--release",
                release,
                "-t",
                capture.partition("-")[0],
                "--format",
                "json",
                *more,
            ]
        )
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return explain


def places(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["rule"], one["section"], one["member"]) for one in found["refusals"]]


def undescribed(stream: Stream) -> bytes:
    """The stream up to its description."""
    assert stream.description is not None
    return stream.view[: stream.description.offset].tobytes()


def configured(data: bytes, name: bytes, value: bytes) -> bytes:
    """The stream with one more subsection of its configuration."""
    end = data.index(b"virt") + 4
    subsection = b"\x05" + bytes((len(name),)) + name + (1).to_bytes(4, "big") + value
    return data[:end] + subsection + data[end:]


def capability(name: bytes) -> bytes:
    return (1).to_bytes(4, "big") + bytes((len(name),)) + name


@pytest.mark.parametrize(
    ("state", "accepted"),
    [(b"running", True), (b"preconfig", False), (b"", False), (b"runnin", False)],
)
def test_a_run_state_is_looked_up_by_its_name(
    judged: Judge, state: bytes, accepted: bool
) -> None:
    data = whole(RISCV)
    at = Stream(data, strict=False).sections["globalstate/0"].header.start + 4
    data = data[:at] + state.ljust(32, b"\0") + data[at + 32 :]
    expected = [] if accepted else [("value", "globalstate/0", "runstate")]
    assert places(judged(RISCV, data)) == expected


@pytest.mark.parametrize(
    ("name", "alone", "beside"),
    [
        (b"hello", ["capabilities"], ["capabilities"]),
        (b"xbzrle", [], []),  # known, and nothing that both sides must have alike
    ],
)
def test_capabilities(
    judged: Judge, name: bytes, alone: list[str], beside: list[str]
) -> None:
    data = configured(whole(RISCV), b"configuration/capabilities", capability(name))
    assert [one[2] for one in places(judged(RISCV, data))] == alone
    assert [one[2] for one in places(judged(RISCV, data, own=True))] == beside


def test_a_page_size_that_the_machine_does_not_have(judged: Judge) -> None:
    data = configured(
        whole(RISCV), b"configuration/target-page-bits", (14).to_bytes(4, "big")
    )
    found = judged(RISCV, data)
    assert found["outcome"] == "not known"
    assert [one["member"] for one in found["open"]][:1] == ["target-page-bits"]
    assert places(judged(RISCV, data, own=True)) == [
        ("machine", "configuration", "target-page-bits")
    ]


def test_a_pin_is_up_or_down(judged: Judge) -> None:
    data = whole(RISCV)
    stream = Stream(data, strict=False)
    section = stream.sections["0000:00:00.0/gpex_root/0"].header
    slots = [
        place
        for _, slot, place in _leaves(stream, section.path)
        if slot == "pci irq state"
    ]
    (at,) = slots
    wrong = data[: at + 4] + b"\x80\0\0\0" + data[at + 8 :]
    assert places(judged(RISCV, data)) == []
    ((rule, path, member),) = places(judged(RISCV, wrong))
    assert (rule, path) == ("value", section.path)
    assert member.endswith("irq_state")


PC = "x86_64-q35-bare--10.0.2"


@pytest.mark.parametrize(
    ("state", "address", "accepted"),
    [
        (0, 0, True),
        (1, 0, None),
        (0, 0x600, None),
        (1, 0xFFFF_F000, False),
        (2, 0x7FFF_FE00, False),
    ],
)
def test_a_vapic_has_its_option_rom_in_memory(
    state: int, address: int, accepted: bool | None, judged: Judge
) -> None:
    data = whole(PC)
    stream = Stream(data, strict=False)
    (section,) = (one for one in stream.sections if one.name.endswith("kvm-tpr-opt"))
    places_of = {
        name: at
        for name, slot, at in described.leaves(stream.layout(section), section.start)
    }
    changed = bytearray(data)
    for name, value in (("state", state), ("rom_state_paddr", address)):
        at = places_of[name]
        changed[at : at + 4] = value.to_bytes(4, "big")
    if accepted is None:  # the third byte of the block says how large the ROM is
        page = stream.memory().page("pc.ram", address & ~511)
        assert page is not None
        accepted = page[(address & ~511) % 4096 + 2] != 0
    found = places(judged(PC, bytes(changed), own=True))
    wrong = ("value", section.path, "rom_state_paddr")
    assert found == ([] if accepted else [wrong])


def _leaves(stream: Stream, path: str) -> list[tuple[str, str, int]]:
    section = stream.sections[path].header
    found = described.leaves(stream.layout(section), section.start)
    return [(name, slot.type, at) for name, slot, at in found]


def with_a_filled_page() -> tuple[bytes, PageRun]:
    data = bytearray(whole(RISCV))
    with Stream(bytes(data)) as stream:
        page = next(
            one
            for one in stream.memory().records()
            if isinstance(one, PageRun) and one.kind == "zero"
        )
    data[page.offset] = 0x20
    return bytes(data), page


def test_a_zero_page_of_another_byte_is_refused(judged: Judge) -> None:
    data, page = with_a_filled_page()
    found = judged(RISCV, data, own=True)
    assert places(found) == [("value", "ram/0", page.block.name)]
    assert found["refusals"][0]["offset"] == page.start


@pytest.mark.parametrize(("release", "refused"), [("8.1", False), ("8.2", True)])
def test_a_release_before_8_2_fills_the_page(
    judged: Judge, release: str, refused: bool
) -> None:
    found = judged(RISCV, with_a_filled_page()[0], release=release)
    assert refused == any("filled" in one["message"] for one in found["refusals"])


def test_a_section_that_comes_twice_is_loaded_twice(judged: Judge) -> None:
    data = whole(RISCV)
    one = Stream(data, strict=False).sections["goldfish_rtc/0"].header
    again = data[one.offset : one.offset + one.size]
    data = data[: one.offset + one.size] + again + data[one.offset + one.size :]
    assert places(judged(RISCV, data)) == []


def test_a_section_is_loaded_whole_whatever_kind_it_says(judged: Judge) -> None:
    data = bytearray(whole(RISCV))
    one = Stream(bytes(data), strict=False).sections["goldfish_rtc/0"].header
    assert data[one.offset] == 4  # FULL
    data[one.offset] = 1  # START
    assert places(judged(RISCV, bytes(data))) == []


def test_pieces_that_nothing_describes_are_no_reason_to_refuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another program's iterative section, which no description has."""
    data = whole(RISCV)
    at = Stream(data, strict=False).sections["goldfish_rtc/0"].header.offset
    number = (0x7777).to_bytes(4, "big")
    piece = b"\1" + number + b"\3zzz" + bytes(4) + (1).to_bytes(4, "big")
    piece += b"payload" + b"\x7e" + number
    (tmp_path / "a.mig").write_bytes(data[:at] + piece + data[at:])
    line = ["stream", "explain", str(tmp_path / "a.mig"), "--release", "10.0.2"]
    assert run([*line, "-t", "riscv64"]) == 2
    assert "no reader for START sections of this name" in capsys.readouterr().err


def test_a_capability_that_both_sides_need_alike_is_open(judged: Judge) -> None:
    name = "riscv64-mapped-ram--10.0.2"
    found = judged(name, whole(name), True)
    assert found["outcome"] != "refused"
    plain = whole("riscv64-background-snapshot--10.0.2")
    beside = judged(name, whole(name), plain)
    assert not [one for one in beside["refusals"] if one["member"] == "capabilities"]
    assert [one for one in beside["open"] if one["member"] == "capabilities"]


def test_an_instance_that_is_the_first_of_its_name_may_have_an_alias(
    judged: Judge,
) -> None:
    data = bytearray(whole(RISCV))
    one = Stream(bytes(data), strict=False).sections["goldfish_rtc/0"].header
    at = data.index(b"goldfish_rtc", one.offset) + len("goldfish_rtc")
    data[at : at + 4] = b"\xff" * 4
    found = judged(RISCV, bytes(data))
    assert places(found) == []
    assert found["outcome"] == "not known"


@pytest.mark.parametrize("lost", [1, 3000, 11254])
def test_a_description_that_is_cut_short_is_no_reason_to_refuse(
    judged: Judge, lost: int
) -> None:
    assert places(judged(RISCV, whole(RISCV)[:-lost])) == []
    assert places(judged(RISCV, whole(RISCV)[:-lost], own=True)) == []


# --- the names, held to the trees -------------------------------------------------------------


def enum(tree: Path, file: str, name: str) -> set[str]:
    """The members of a QAPI enum."""
    text = (tree / "qapi" / file).read_text("utf-8")
    begin = text.index("[", text.index(f"'enum': '{name}'"))
    depth, end = 0, begin
    for end in range(begin, len(text)):
        depth += (text[end] == "[") - (text[end] == "]")
        if not depth:
            break
    body = re.sub(r"#.*|'features'\s*:\s*\[[^]]*\]", "", text[begin:end])
    body = re.sub(r"'if'\s*:\s*('[^']*'|\{[^}]*\})", "", body)
    return set(re.findall(r"'([\w-]+)'", body)) - {"name"}


@pytest.mark.parametrize(
    ("names", "file", "name"),
    [
        (qapi_names.RUN_STATES, "run-state.json", "RunState"),
        (qapi_names.CAPABILITIES, "migration.json", "MigrationCapability"),
    ],
    ids=["run states", "capabilities"],
)
@pytest.mark.parametrize("release", ["7.2", "10.0", "10.2"])
def test_the_names_are_those_of_the_trees(
    names: dict[str, tuple[tuple[int, int], tuple[int, int]]],
    file: str,
    name: str,
    release: str,
) -> None:
    tree = require_tree(release)
    known = {one for one in names if qapi_names.is_of(names, one, f"{release}.0")}
    assert known == enum(tree, file, name)


@pytest.mark.parametrize(
    ("name", "release", "there"),
    [
        ("mapped-ram", "8.2.0", False), ("mapped-ram", "8.2.94", True),
        ("mapped-ram", "9.0.0", True), ("compress", "9.0.0", True),
        ("compress", "9.1.0", False), ("compress", "fork", True), ("nothing", "fork", False),
        ("zero-blocks", "11.0.0", False), ("mapped-ram", "3.1.0", True),
    ],
)  # fmt: skip
def test_a_name_is_of_some_releases(name: str, release: str, there: bool) -> None:
    assert qapi_names.is_of(qapi_names.CAPABILITIES, name, release) == there


def test_a_subsection_of_the_configuration_that_no_release_has_is_refused(
    judged: Judge,
) -> None:
    data = configured(whole(RISCV), b"configuration/more", b"")
    found = judged(RISCV, data, own=True)
    assert found["outcome"] == "refused"
    assert places(found)[0][:2] == ("unknown-subsection", "configuration/more")


def test_of_a_configuration_given_twice_the_last_counts(judged: Judge) -> None:
    name = b"configuration/target-page-bits"
    own, other = (bits.to_bytes(4, "big") for bits in (12, 14))
    once = configured(whole(RISCV), name, other)
    twice = configured(configured(whole(RISCV), name, own), name, other)
    assert judged(RISCV, once, own=True)["outcome"] == "refused"
    assert judged(RISCV, twice, own=True)["outcome"] == "accepted"


def test_what_a_description_would_answer_the_machines_own_does(judged: Judge) -> None:
    """QEMU looks at no description; here it says how many interrupts there are."""
    without = undescribed(Stream(whole(RISCV)))
    assert judged(RISCV, without)["outcome"] == "not known"
    found = judged(RISCV, without, own=True)
    assert (found["outcome"], found["open"]) == ("accepted", [])


def test_a_footer_that_is_gone_is_refused_without_a_description(judged: Judge) -> None:
    stream = Stream(whole(RISCV))
    section = next(one for one in stream.sections if one.name == "cpu")
    data = undescribed(stream)
    made = data[: section.end] + data[section.end + 5 :]
    assert judged(RISCV, made, own=True)["outcome"] == "refused"


def test_a_number_of_a_section_that_another_one_has_too(judged: Judge) -> None:
    """QEMU looks for a piece's section by it, and for nothing else."""
    data = bytearray(whole(RISCV))
    stream = Stream(bytes(data))
    one = next(one for one in stream.sections if one.name == "cpu")
    for at in (one.offset + 1, one.end + 1):
        data[at : at + 4] = bytes(4)
    assert judged(RISCV, bytes(data), own=True)["outcome"] == "accepted"


@pytest.mark.parametrize(
    ("commands", "taken"),
    [((2,), False), ((1, 2), True), ((1,), True), ((), True)],
)
def test_a_ping_needs_a_way_back(
    commands: tuple[int, ...], taken: bool, judged: Judge
) -> None:
    data = whole(RISCV)
    at = Stream(data).section("cpu").offset
    lengths = {1: 0, 2: 4}
    made = b"".join(
        bytes([8, 0, one, 0, lengths[one]]) + bytes(lengths[one]) for one in commands
    )
    found = judged(RISCV, data[:at] + made + data[at:], True)
    assert (found["refusals"] == []) == taken


@pytest.mark.parametrize("own", [False, True], ids=["alone", "like"])
@pytest.mark.parametrize("instance", [5, 0xFFFFFFFF])
def test_ram_is_there_once(judged: Judge, instance: int, own: bool) -> None:
    """``find_se``: real 10.0.2 refuses both, of RAM as of s390-skeys and spapr/htab."""
    data = whole(RISCV)
    (ram,) = (
        one
        for one in Stream(data).sections
        if one.name == "ram" and one.kind == "start"
    )
    at = ram.offset + 1 + 4 + 1 + len("ram")
    assert data[at : at + 4] == bytes(4)
    found = judged(RISCV, data[:at] + instance.to_bytes(4, "big") + data[at + 4 :], own)
    assert places(found) == [("unknown-section", f"ram/{instance}", "")]
    assert found["outcome"] == "refused"


@pytest.mark.parametrize(
    ("release", "refused"), [("7.2.22", True), ("8.2.0", False), ("10.0.2", False)]
)
def test_a_section_is_found_by_its_instance(
    release: str, refused: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second network of ``-netdev user``: real 7.2.22 has them all as number 0, and
    says ``Unknown savevm section or instance 'slirp' 1``."""
    data = files()["x86_64-pc-q35-8.2-virtio-9.2.0.mig"]
    header = b"\x05timer" + bytes(4)
    described = b'"name": "timer", "instance_id": 0'
    assert data.count(header) == data.count(described) == 1
    data = data.replace(header, b"\x05slirp\0\0\0\1")
    stream = tmp_path / "a.mig"
    stream.write_bytes(data.replace(described, b'"name": "slirp", "instance_id": 1'))
    run(["stream", "explain", str(stream), "--release", release, "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    said = ("unknown-section", "slirp/1", "") in places(found)
    assert said == refused


AER = (0x1_0001).to_bytes(4, "little") + bytes(4)
"""The capability for advanced errors, and no error."""


@pytest.mark.parametrize(
    ("machine", "release", "refused"),
    [
        ("pc-q35-7.2", "7.2.22", True), ("pc-q35-7.2", "10.0.2", True),
        ("pc-q35-8.1", "10.0.2", False), ("pc-q35-7.2", "8.0.0", False),
    ],
)  # fmt: skip
def test_a_mask_of_errors_is_for_machine_types_that_have_one(
    machine: str,
    release: str,
    refused: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What 8.0.0 saves for ``pcie-root-port``: real 7.0.0, 7.2.22 and 9.1.0 refuse it for
    ``pc-q35-7.2`` and older, and 8.0.0 takes what they save."""
    data = files()["x86_64-pc-q35-8.2-old-9.2.0.mig"]
    data = data.replace(b"pc-q35-8.2", machine.encode())
    stream = Stream(data)
    at = next(
        at
        for section in stream.sections
        for _, slot, at in described.leaves(stream.layout(section), section.start)
        if slot.type == "pci config" and slot.size == 4096 and "xhci" in section.name
    )
    made = bytearray(data)
    made[at + 0x100 : at + 0x10C] = AER + (0x240_0000).to_bytes(4, "little")
    file = tmp_path / "a.mig"
    file.write_bytes(made)
    run(["stream", "explain", str(file), "--release", release, "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    messages = [one["message"] for one in found["refusals"] if one["rule"] == "machine"]
    assert any("error mask is 0x2400000" in one for one in messages) == refused


@pytest.mark.parametrize(
    ("version", "outcome"),
    [(0, "accepted"), (0x0007_0000, "refused"), (0x0000_0001, "not known")],
)
def test_the_processor_is_that_of_the_machine(
    version: int, outcome: str, judged: Judge
) -> None:
    """``pvr_match``: real 10.0.2 refuses a ``pegasos2`` of 7.2.22, whose CPU is a 7400."""
    name = "ppc-g3beige-openbios--10.0.2"
    own = captured(name)
    stream = Stream(own)
    found = processors.of_section(stream, stream.section("cpu"))
    assert found is not None
    data = bytearray(own)
    changed = (found.version ^ version).to_bytes(4, "big")
    data[found.offset : found.offset + 4] = changed
    said = judged(name, bytes(data), own=own)
    assert said["outcome"] == outcome
    assert said["refusals"] == [] or places(said)[0] == ("machine", "cpu/0", "env.spr")


LACKING = "aarch64-virt-8.2-bare-9.2.0.mig"
"""A CPU of 9.2.0, which lacks four registers that 10.0.2 has, constants all of them."""


def second(data: bytes) -> bytes:
    """The stream with its CPU as the second one."""
    header, described = b"\x03cpu" + bytes(4), b'"name": "cpu", "instance_id": 0'
    assert data.count(header) == data.count(described) == 1
    data = data.replace(header, header[:-1] + b"\x01")
    return data.replace(described, described[:-1] + b"1")


@pytest.mark.parametrize(
    ("value", "of_second", "outcome"),
    [(0, False, "accepted"), (1, False, "refused"), (0, True, "not known")],
)
def test_a_register_that_the_stream_lacks_has_what_memory_held(
    value: int, of_second: bool, outcome: str, judged: Judge
) -> None:
    """Real 10.0.2 takes the first, and refused guests of 9.1.0 with more CPUs and boards
    of 7.2.22 whose CPU has such a register that is not 0."""
    data, own = files()[LACKING], bytearray(files()[LACKING.replace("9.2.0", "10.0.2")])
    stream = Stream(bytes(own))
    (mine,) = system_registers.of_section(stream, stream.section("cpu"))
    place = mine.numbers.index(0x6030_0000_0013_8010)
    at = mine.values_offset + 8 * place
    assert mine.values[place] == 0
    own[at : at + 8] = value.to_bytes(8, "big")
    sides = data, bytes(own)
    first, machine = map(second, sides) if of_second else sides
    said = judged("aarch64-virt-a57-bare--10.0.2", first, own=machine)
    assert said["outcome"] == outcome, said
