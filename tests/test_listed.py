"""``explain`` without a stream of the machine: the system registers of an Arm guest, by the
processors of the releases that can have written its list."""

from __future__ import annotations

import lzma
import re
import tarfile
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest

from tests.stream_files import FOLDER
from vmgen import ir
from vmgen.archive.archive import shipped
from vmgen.cli import run
from vmgen.cli.stream import released
from vmgen.known.processor_side import ProcessorSide
from vmgen.known.processors import PREMISE, ProcessorRegisters, Processors, rows_of
from vmgen.known.register_lists import RegisterDifference, differences
from vmgen.stream import Codecs, Stream, system_registers
from vmgen.stream import listed as listed_
from vmgen.stream.input import Input
from vmgen.stream.system_registers import RegisterList

SAVED = "aarch64-virt-9.0-bare-9.2.0.mig"


@cache
def saved() -> bytes:
    packed = lzma.decompress((FOLDER / "pairs.tar.xz").read_bytes())
    with tarfile.open(fileobj=BytesIO(packed)) as tar:
        member = tar.extractfile(SAVED)
        assert member is not None
        return member.read()


@cache
def listed() -> RegisterList:
    stream = Stream(saved(), strict=False)
    (cpu,) = (one for one in stream.sections if one.name == "cpu")
    (found,) = system_registers.of_section(stream, cpu)
    return found


@cache
def side(release: str, target: str = "aarch64") -> ProcessorSide:
    archive = shipped()
    assert archive is not None
    found = archive.find(release)
    assert found is not None
    return ProcessorSide(archive.program(found, target, frozenset({"cpu"})))


def explained(
    data: bytes, release: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    (folder / "vm.mig").write_bytes(data)
    status = run(["stream", "explain", str(folder / "vm.mig"), "--release", release])
    return status, capsys.readouterr().out


def changed(at: int, value: int) -> bytes:
    return saved()[:at] + value.to_bytes(8, "big") + saved()[at + 8 :]


@pytest.mark.parametrize("release", ["9.2.0", "10.0.2"])
def test_a_list_that_the_same_processor_takes_is_accepted(
    release: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As QEMU did with this stream (``pairs.json``)."""
    assert explained(saved(), release, tmp_path, capsys)[0] == 0


OWN = "the guest's"


def guests_own() -> ProcessorRegisters:
    values = dict(zip(listed().numbers, listed().values, strict=True))
    (one,) = side("9.2.0").having(values)
    return one


def written_by(monkeypatch: pytest.MonkeyPatch, *models: str, board: str = "") -> None:
    """Says that the list is that of these models in the release that wrote the stream,
    and that the stream's machine type has the ``board``'s model without options."""
    registers: dict[int, int | None] = dict.fromkeys(listed().numbers)
    every = tuple(
        guests_own() if one == OWN else ProcessorRegisters(one, (), (), registers)
        for one in models
    )
    file = "hw/arm/virt.c"
    boards = {file: frozenset({board})} if board else {}
    rows = rows_of(Processors(every, boards=boards))
    program = replace(
        side("9.2.0").program, premises=(ir.Premise(PREMISE, (), False, rows),)
    )

    def processors(source: Input, target: str) -> tuple[ProcessorSide, ...]:
        return (ProcessorSide(program),)

    monkeypatch.setattr(released, "processors", processors)


def test_a_register_that_the_same_processor_lacks_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written_by(monkeypatch, "cortex-a9")
    status, said = explained(saved(), "9.2.0", tmp_path, capsys)
    assert status == 1
    ours = side("9.2.0").processors
    assert ours is not None
    lacking = {*listed().numbers} - {*ours.by_model["cortex-a9"][0].registers}
    (found,) = re.findall(r"the CPU has no system register (0x\w+)", said)
    assert int(found, 16) in lacking


@pytest.mark.parametrize(
    ("models", "board", "words"),
    [
        (("cortex-a9", OWN), "", "by what the guest's CPU is"),
        (("of-a-fork",), "", "those of of-a-fork, which the release may not have"),
        (("cortex-a9",), "cortex-a9", "without -cpu a machine of this release has"),
    ],
)
def test_what_the_guests_processor_leaves_open_is_said(
    models: tuple[str, ...],
    board: str,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written_by(monkeypatch, *models, board=board)
    status, said = explained(saved(), "9.2.0", tmp_path, capsys)
    assert status == 3
    assert words in said


def test_a_value_that_never_changes_is_what_tells_the_processor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With another one no processor of a release can have saved the list: not known."""
    one = guests_own()
    place, value = next(
        (place, value)
        for place, value in enumerate(one.registers.values())
        if value is not None
    )
    data = changed(listed().values_offset + 8 * place, value ^ 1)
    status, said = explained(data, "9.2.0", tmp_path, capsys)
    assert status == 3
    assert "no processor that can have saved them" in said


def test_a_list_of_no_processor_is_not_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that KVM made, for instance: its last register is moved."""
    data = changed(
        listed().offset + 8 * (len(listed().numbers) - 1), 0x6030_0000_0014_0000
    )
    status, said = explained(data, "9.2.0", tmp_path, capsys)
    assert status == 3
    assert "--like" in said


def test_a_guest_of_a_board_whose_own_processor_is_another_one_now() -> None:
    """``sbsa-ref`` has had three (``hw/arm/sbsa-ref.c``)."""
    found = [side(name).models("sbsa-ref") for name in ("8.0.0", "8.1.0", "9.1.0")]
    assert found == [{"cortex-a57"}, {"neoverse-n1"}, {"neoverse-n2"}]


def test_what_neither_side_keeps_is_as_it_was_on_the_same_machine() -> None:
    """The register of a board's own value (``reset-cbar``) is no question where the
    writer's release is known."""
    defined = side("9.2.0").defined
    number = next(
        one
        for one in listed().numbers
        if defined.keeps(one, 1, listed().numbers) is False
    )
    theirs: dict[int, int | None] = {number: 5}
    ours: dict[int, int | None] = {number: None}
    asked = [*differences(theirs, ours, defined, all_=False, first=True)]
    assert asked == [RegisterDifference("value", number, 5, sure=False)]
    known = differences(theirs, ours, defined, all_=False, first=True, saved=defined)
    assert not [*known]
    assert [
        one.kind
        for one in differences(
            theirs, {number: 6}, defined, all_=False, first=True, saved=defined
        )
    ] == ["value"]


def test_the_list_tells_the_target() -> None:
    """No CPU of ``arm`` has registers of AArch64 (``target/arm/cpu64.c``)."""
    values = listed_.values_of(Stream(saved(), strict=False))
    assert values is not None
    assert side("9.2.0").having(values)
    assert not side("9.2.0", "arm").having(values)
    assert listed_.values_of(Stream(saved()[:1000], strict=False)) is None


def test_of_targets_of_one_family_the_list_tells_which() -> None:
    source = Input(saved())
    source.finish()
    both = [Codecs({}, one) for one in ("arm", "aarch64")]
    assert [one.target for one in released.with_processor(source, both)] == ["aarch64"]
    assert released.with_processor(source, both[:1]) == (both[0],)


def test_the_premise_is_one_of_the_archive() -> None:
    assert any(one.name == PREMISE for one in side("9.2.0").program.premises)
