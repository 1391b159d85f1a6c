"""What real QEMU releases did with each other's streams, against ``explain`` and
``compat``: 8.2.0, 9.2.0, 10.0.2 and 11.0.0, four targets, machine types and device sets.

All rows are judged with ``VMGEN_PAIRS=all``; without it, some of every kind.
"""

from __future__ import annotations

import io
import json
import lzma
import os
import tarfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.stream_files import FOLDER
from vmgen.archive.archive import shipped
from vmgen.cli import run
from vmgen.cli.compat import guest_of
from vmgen.cli.console import Console
from vmgen.stream.having import Having
from vmgen.verdict.machines import MachineJudge
from vmgen.verdict.narrowed import narrowed
from vmgen.verdict.show_machines import answer, answers_with_added


class Row(NamedTuple):
    target: str
    machine: str
    set: str
    src: str
    dst: str
    verdict: str

    def stream(self, side: str) -> str:
        return "-".join((self.target, self.machine, self.set, side)) + ".mig"

    @property
    def name(self) -> str:
        return f"{self.target}-{self.machine}-{self.set}-{self.src}-{self.dst}"


@cache
def files() -> dict[str, bytes]:
    packed = lzma.decompress((FOLDER / "pairs.tar.xz").read_bytes())
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]


def known() -> set[str]:
    archive = shipped()
    assert archive is not None
    return {one.name for one in archive.releases}


@cache
def rows() -> tuple[Row, ...]:
    """The rows whose destination the archive has; a few without ``VMGEN_PAIRS``."""
    found = [Row(*one) for one in json.loads(files()["pairs.json"])]
    found = [one for one in found if one.dst in known()]
    if os.environ.get("VMGEN_PAIRS") == "all":
        return tuple(found)
    # Of each target, set of devices and verdict the first.
    kinds: dict[tuple[str, str, str], Row] = {}
    for one in sorted(found, key=lambda row: row.dst != "9.2.0"):
        kinds.setdefault((one.target, one.set, one.verdict), one)
    return tuple(kinds.values())


UNDEFINED = {("aarch64", "11.0.0")}
"""Where QEMU's verdict hangs on memory that it never wrote: registers that the stream
lacks (``init_cpreg_list``, ``write_list_to_cpustate`` in ``target/arm/helper.c``)."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pairs")
    for name, data in files().items():
        (place / name).write_bytes(data)
    return place


def explained(row: Row, folder: Path, *options: str) -> str:
    stream = str(folder / row.stream(row.src))
    status = run(["stream", "explain", stream, "--codecs", row.dst, *options])
    return {0: "accepted", 1: "refused", 3: "not known"}[status]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_with_the_machines_own_stream_the_answer_is_that_of_qemu(
    row: Row, folder: Path
) -> None:
    own = str(folder / row.stream(row.dst))
    said = explained(row, folder, "--like", own)
    if row.verdict == "refused" and (row.target, row.dst) in UNDEFINED:
        assert said != "accepted"
    else:
        assert said == row.verdict


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_without_it_the_answer_is_that_of_qemu_or_none(row: Row, folder: Path) -> None:
    assert explained(row, folder) in (row.verdict, "not known")


@cache
def judge(target: str, src: str, dst: str) -> MachineJudge:
    archive = shipped()
    assert archive is not None
    old, new = (archive.find(name) for name in (src, dst))
    assert old is not None
    assert new is not None
    return MachineJudge(archive.program(old, target), archive.program(new, target))


def guest(row: Row, side: str, folder: Path) -> Having:
    return guest_of(str(folder / row.stream(side)), Console())


@pytest.mark.parametrize(
    "row", [one for one in rows() if one.src in known()], ids=lambda row: row.name
)
def test_the_sources_alone_say_the_same_of_the_machine_type(
    row: Row, folder: Path
) -> None:
    """``loads`` is with conditions on the guest's state, which these guests meet;
    ``misread`` is taken or not, and never right."""
    one = judge(row.target, row.src, row.dst)
    has = guest(row, row.src, folder) | guest(row, row.dst, folder)
    judged = {row.machine: one.judgement(row.machine, has.registers)}
    found = narrowed(judged, one.old, one.new, (), has)[row.machine]
    said = answer(found, "forward")
    right = {"accepted": ("loads", "misread"), "refused": ("refused", "misread")}
    if has.registers and (row.target, row.dst) not in UNDEFINED:
        assert said in right[row.verdict]
    assert said in (*right[row.verdict], "not known")


BARE = [one for one in rows() if one.set == "bare" and one.src in known()]
"""Guests to which nobody added a device."""


@pytest.mark.parametrize("row", BARE, ids=lambda row: row.name)
def test_what_a_user_must_add_is_in_no_stream_of_a_guest_without(
    row: Row, folder: Path
) -> None:
    has = guest(row, row.src, folder)
    judged = judge(row.target, row.src, row.dst)
    one = judged.judgement(row.machine, has.registers)
    added = {each.section for each in one.sections if "forward" in each.added}
    assert added.isdisjoint(has.names)
    # Without options it is what QEMU says, where the guest's state has no part in it.
    if row.verdict == "refused":
        met = one.worst(("forward",)) != "conditional" or any(
            each.counted("forward") == each.outcome("forward").verdict == "conditional"
            for each in one.sections
        )
        assert met
        assert one.worst(("forward",)) != "compatible"


def test_of_some_guests_nothing_but_added_devices_is_refused() -> None:
    found = [
        answers_with_added(judge(*key).judgement(machine), "forward")
        for *key, machine in {(r.target, r.src, r.dst, r.machine) for r in BARE}
    ]
    assert any("refused" in one for one in found)


def test_a_section_of_another_length_is_refused() -> None:
    """Members that get other bytes are misread, unless the table ends elsewhere: QEMU
    looks for the footer there (9.2.0's ``mcountinhibit`` on riscv64)."""
    found = judge("riscv64", "9.2.0", "10.0.2").judgement("virt")
    (cpu,) = (one for one in found.sections if one.section == "cpu" and one.cpu)
    assert {one.kind for one in cpu.forward.findings} == {"member"}
    assert cpu.forward.longer
    assert answer(replace(found, sections=(cpu,)), "forward") == "refused"
    same = replace(cpu, forward=replace(cpu.forward, longer=False))
    assert answer(replace(found, sections=(same,)), "forward") == "misread"
