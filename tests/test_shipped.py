"""What vmgen ships of releases: read streams with it alone, and hold it against trees."""

from __future__ import annotations

import json
import shlex
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.stream_files import ALL, captured
from tests.trees import RELEASES, require_tree
from vmgen.archive import SHIPPED, Archive, ReleaseEntries, build
from vmgen.cache.entries import entries, remove
from vmgen.cli import run
from vmgen.cli.shipped import Targets
from vmgen.cli.stream import released
from vmgen.known.processors import PREMISE as PROCESSORS
from vmgen.known.processors import processors_of
from vmgen.pipeline import Request, compile_whole
from vmgen.pipeline.whole import configure
from vmgen.processors import processors
from vmgen.stream import Stream
from vmgen.stream.input import Input
from vmgen.stream.writers import every_name, section_names

FAULTS = Path(__file__).parent / "qemu_faults.toml"

MOST = 2_000_000
"""Bytes that the archive may have in a package."""

OF_A_RELEASE = [
    name
    for name in ALL
    if name.rpartition("--")[2] in ("7.2.22", "10.0.2")
    and "postcopy" not in name  # which has no description
]


@pytest.fixture(scope="module")
def archive() -> Archive:
    return Archive(SHIPPED)


def test_it_is_small() -> None:
    assert SHIPPED.stat().st_size < MOST


def test_nothing_of_a_release_was_left_unread(archive: Archive) -> None:
    """And of what QEMU itself does wrong the list is complete."""
    listed = tomllib.loads(FAULTS.read_text(encoding="utf-8"))["fault"]
    for one in archive.snapshots():
        unread = {entry.name for entry in one.entries if entry.kind == "unread"}
        assert (one.release, unread) == (one.release, set())
        series = tuple(map(int, one.release.split(".")[:2]))
        assert (one.release, sorted(endless_lists(one))) == (
            one.release,
            sorted(
                (fault["file"], fault["symbol"], fault["list"])
                for fault in listed
                if numbers(fault["first"]) <= series <= numbers(fault["last"])
            ),
        )


def numbers(series: str) -> tuple[int, ...]:
    return tuple(map(int, series.split(".")))


def endless_lists(release: ReleaseEntries) -> set[tuple[str, str, str]]:
    return {
        (entry.name, description["symbol"], which)
        for entry in release.entries
        if entry.kind == "module"
        for description in json.loads(entry.text)["descriptions"]
        for which in description.get("endless", ())
    }


def command(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert run(shlex.split(line)) == 0, capsys.readouterr().err
    return capsys.readouterr().out


@pytest.mark.parametrize("name", OF_A_RELEASE)
def test_a_stream_says_which_release_wrote_it_and_comes_back_identical(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("vm.mig").write_bytes(captured(name))
    document = json.loads(command("stream show vm.mig --format json", capsys))
    assert name.rpartition("--")[2] in document["releases"]
    targets = {document["target"], *document.get("alternatives", ())}
    assert name.partition("-")[0] in targets
    read = [one for one in document["sections"] if one["codec"]]
    assert "cpu" in {one["name"] for one in read}
    assert ": identical: " in command("stream verify vm.mig", capsys)


def bare(one: ReleaseEntries) -> set[tuple[str, str, str, tuple[str, ...]]]:
    """The entries without what other releases of an archive add to them."""
    return {
        (entry.kind, entry.name, entry.text, entry.targets) for entry in one.entries
    }


@pytest.mark.parametrize("series", RELEASES)
def test_the_trees_make_the_same_entries(series: str, archive: Archive) -> None:
    """Without what takes minutes, the registers of each CPU: see below."""
    tree = require_tree(series)
    programs = compile_whole((Request(qemu=tree, whole=True),))
    found = build.snapshot(programs[0].release, programs)
    (shipped,) = (one for one in archive.snapshots() if one.release == found.release)
    assert replace(shipped, entries=()) == replace(found, entries=())
    computed = {one for one in bare(shipped) if one[1] == PROCESSORS}
    assert len(computed) == 2  # aarch64 and arm
    assert bare(shipped) - computed == bare(found)


def test_a_tree_makes_the_same_registers(archive: Archive) -> None:
    (part,) = configure(require_tree("10.0"), ["aarch64"])
    sources = (*part.files, *part.registering, *part.others)
    models = {"cortex-a57", "neoverse-n1"}
    found = processors(part.tree, sources, models=models.__contains__)
    release = archive.find("10.0.2")
    assert release is not None
    shipped = processors_of(archive.program(release, "aarch64").premises)
    assert shipped is not None
    assert found.boards == shipped.boards
    assert found.by_model.keys() == models
    for name, some in found.by_model.items():
        assert sorted(map(str, some)) == sorted(map(str, shipped.by_model[name]))


def without_device(data: bytes, name: str) -> bytes:
    """A stream whose description says nothing of a device; QEMU reads no description."""
    start = data.rindex(b'{"configuration"')
    end = start + int.from_bytes(data[start - 4 : start], "big")
    document = json.loads(data[start:end])
    document["devices"] = [one for one in document["devices"] if one["name"] != name]
    text = json.dumps(document).encode()
    return data[: start - 4] + len(text).to_bytes(4, "big") + text + data[end:]


def test_sections_that_a_stream_does_not_describe_are_wanted_too(
    tmp_path: Path,
) -> None:
    data = captured("riscv64-virt-vh-bare--10.0.2")
    file = tmp_path / "vm.mig"
    file.write_bytes(without_device(data, "goldfish_rtc"))
    source = Input(str(file))
    source.finish()
    stream = Stream(source, strict=False)
    assert "goldfish_rtc" not in section_names(stream)
    wanted = every_name(stream)
    assert wanted is not None
    assert "goldfish_rtc" in wanted


def test_who_is_a_target_is_known_without_reading_it(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Archive, "program", lambda *_: pytest.fail("it was read"))
    targets = Targets(archive, archive.releases[-1])
    assert ("riscv64" in targets, "gone" in targets) == (True, False)


def test_the_same_stream_is_read_without_the_archive_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    data = captured("riscv64-virt-vh-bare--10.0.2")
    Path("vm.mig").write_bytes(data)
    assert run(["stream", "show", "vm.mig"]) == 0
    first = capsys.readouterr()
    asked: list[str] = []

    def writers(
        *_: object, **__: object
    ) -> tuple[dict[str, object], dict[str, object]]:
        asked.append("again")
        return {}, {}

    monkeypatch.setattr(released, "writers_of", writers)
    assert run(["stream", "show", "vm.mig"]) == 0
    assert (capsys.readouterr(), asked) == (first, [])
    # Other bytes, another target: nothing is known of them.
    Path("vm.mig").write_bytes(data.replace(b"fw_cfg", b"fw-cfg"))
    run(["stream", "show", "vm.mig"])
    Path("vm.mig").write_bytes(data)
    run(["stream", "show", "vm.mig", "-t", "riscv32"])
    assert asked == ["again", "again"]
    # Nor where its codecs are gone.
    for one in entries():
        if one.name.startswith("shipped/"):
            remove(one)
    run(["stream", "show", "vm.mig"])
    assert len(asked) == 3
