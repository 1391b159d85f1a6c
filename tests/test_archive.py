"""The archive of releases: what goes in comes out, and a damaged one is no answer."""

from __future__ import annotations

import json
import lzma
import os
import shlex
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.programs import CPU, FILE, LANE, PROGRAM
from vmgen import archive as archive_module
from vmgen import ir, lock, stamp
from vmgen.archive import Archive, build, form, places
from vmgen.cli import run
from vmgen.ir import json as ir_json
from vmgen.known import with_needed_facts
from vmgen.source import NOWHERE, Position, VmgenError

OUTSIDE = replace(
    LANE, symbol="vmstate_outside", name="outside", position=Position("hw/out.c", 9)
)
DEVICE = ir.Description(
    "vmstate_device",
    "device",
    "Device",
    2,
    1,
    (
        ir.Field(
            "inner",
            (ir.Step("inner", "Lane"),),
            ir.StructElement("vmstate_outside", "Lane"),
            ir.Fixed(8),
            position=Position("hw/dev.c", 31),
        ),
    ),
    hooks=(
        ir.Hook(
            "post_load",
            "device_post_load",
            Position("hw/dev.c", 12),
            (
                ir.Refusal(
                    None, ("a",), "5a", "calls f()", Position("hw/dev.c", 17)
                ),
            ),
        ),
    ),
    position=Position("hw/dev.c", 29),
)  # fmt: skip


def whole(release: str, target: str = "toy", version: int = 2) -> ir.Program:
    """A CPU, and a device whose description is in one file and names one of another."""
    device = replace(DEVICE, version_id=version, static=False)
    outside = replace(OUTSIDE, static=False)
    roots = (
        ir.Root("vmstate_toy", FILE, FILE, "legacy_cpu", "toy_init", "cpu"),
        ir.Root("vmstate_device", "hw/dev.c", "hw/dev.c", "device", "dev", "device"),
        ir.Root("handlers", "hw/pass.c", "", "handlers", "pass_init", "*"),
    )
    roots = (replace(roots[0], symbol=CPU.symbol), *roots[1:])
    modules = (
        *PROGRAM.modules,
        ir.Module("hw/dev.c", (device,)),
        ir.Module("hw/out.c", (outside,)),
    )
    modules = tuple(sorted(modules, key=lambda module: module.file))
    return replace(
        PROGRAM, release=release, target=target, modules=modules, roots=roots
    )


SNAPSHOTS = tuple(
    build.snapshot(release, [whole(release), whole(release, "toy2", version)])
    for release, version in (("1.0.0", 2), ("1.1.0", 2), ("1.1.1", 3))
)


ALL, ONE = form.pack(SNAPSHOTS), form.pack(SNAPSHOTS[:1])


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    file = tmp_path / "releases.vmgen"
    file.write_bytes(ALL)
    return Archive(file)


def release_of(archive: Archive, name: str) -> ir.Program:
    found = archive.find(name)
    assert found is not None
    return archive.program(found, "toy2")


@pytest.mark.parametrize(("release", "version"), [("1.0.0", 2), ("1.1.1", 3)])
def test_a_program_comes_out_as_it_went_in(
    archive: Archive, release: str, version: int
) -> None:
    found = release_of(archive, release)
    went_in = whole(release, "toy2", version)
    assert lock.dumps([found]) == lock.dumps([went_in])
    by_file = {module.file: module for module in found.modules}
    device = by_file["hw/dev.c"].descriptions[0]
    assert device.position == Position("hw/dev.c", 29)
    assert device.fields[0].position == Position("hw/dev.c", 31)
    assert device.hooks[0].refusals[0].position == Position("hw/dev.c", 17)
    assert device.version_id == version


def test_releases_by_number_and_by_series(archive: Archive) -> None:
    names = {
        asked: found.name if (found := archive.find(asked)) else None
        for asked in ("1.0", "1.1", "1.1.0", "1", "1.1.1", "1.2", "1.")
    }
    assert names == {
        "1.0": "1.0.0", "1.1": "1.1.1", "1.1.0": "1.1.0", "1": "1.1.1",
        "1.1.1": "1.1.1", "1.2": None, "1.": None,
    }  # fmt: skip


@pytest.mark.parametrize("section", ["device", "0000:00:02.0/device"])
def test_a_section_brings_what_it_is_made_of_and_no_more(
    archive: Archive, section: str
) -> None:
    release = archive.releases[0]
    found = archive.program(release, "toy", [section])
    symbols = {one.symbol for module in found.modules for one in module.descriptions}
    assert symbols == {"vmstate_device", "vmstate_outside"}
    assert [root.section for root in found.roots] == ["device"]


def test_a_section_of_no_known_name_may_be_of_what_has_its_name_at_run_time(
    archive: Archive,
) -> None:
    release = archive.releases[0]
    found = archive.program(release, "toy", ["device", "odd"])
    assert {root.section for root in found.roots} == {"device", "*"}


def test_the_same_releases_are_the_same_bytes_however_they_came_in(
    archive: Archive,
) -> None:
    assert form.pack(tuple(archive.snapshots())) == ALL
    assert ONE != ALL


_WITH_NEEDS = """
import hashlib
from vmgen.archive import form
needs = tuple(f"hw/{number}.c" for number in range(20))
one = form.ArchiveEntry("module", "hw/all.c", "{}", ("toy",), needs)
print(hashlib.sha256(form.pack([form.ReleaseEntries("1.0.0", ("toy",), (one,))])).hexdigest())
"""


def test_the_bytes_are_the_same_in_every_process() -> None:
    made = {
        subprocess.run(
            [sys.executable, "-c", _WITH_NEEDS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(made) == 1
    assert "" not in made


def test_a_release_like_the_one_before_costs_next_to_nothing() -> None:
    assert len(form.pack(SNAPSHOTS[:2])) - len(ONE) < 64


def test_no_target_of_that_name(archive: Archive) -> None:
    with pytest.raises(VmgenError, match="VG633"):
        archive.program(archive.releases[0], "vax")


def texts(data: bytes) -> list[str] | str:
    """All texts of an archive; the code of what is wrong with it."""
    found: list[str] = []
    try:
        index = form.read_index(data, "x")
        for block in index.blocks:
            start = index.start + block.start
            found += form.read_block(data[start : start + block.packed], block, "x")
    except VmgenError as error:
        return error.diagnostics[0].code
    return found


@given(st.data())
def test_a_damaged_archive_is_no_answer(data: st.DataObject) -> None:
    """Whatever byte is another one or missing: the same program, or VG642."""
    at = data.draw(st.integers(0, len(ONE) - 1))
    if data.draw(st.booleans()):
        damaged = ONE[:at]
    else:
        other = ONE[at] ^ data.draw(st.integers(1, 255))
        damaged = ONE[:at] + bytes([other]) + ONE[at + 1 :]
    found = texts(damaged)
    assert found in (texts(ONE), "VG642")


def test_how_much_of_a_file_is_read_for_its_index(tmp_path: Path) -> None:
    """The whole index however long it is, and none of what follows; nothing of what is no
    archive."""
    for data in (ONE, ALL):
        size = form.head_size(data)
        assert size == form.head_size(data[:64]) == form.read_index(data, "x").start
        assert texts(data[:size]) != texts(data)
        form.read_index(data[:size], "x")
        with pytest.raises(VmgenError, match="VG642"):
            form.read_index(data[: size - 1], "x")
    for data in (
        b"",
        form.MAGIC,
        ONE[: len(form.MAGIC) + 7],
        b"x" * 99,
        b"X" + ONE[1:],
    ):
        assert form.head_size(data) == 0
        file = tmp_path / "damaged"
        file.write_bytes(data)
        with pytest.raises(VmgenError, match="VG642"):
            form.index_of(file)


def packed(document: object, size: int | None = None) -> bytes:
    """An archive's head, whose index has this text, or says that it has another size."""
    text = json.dumps(document).encode()
    data = lzma.compress(text)
    sizes = struct.pack("<II", len(data), len(text) if size is None else size)
    return form.MAGIC + sizes + data


def test_a_part_is_as_large_as_it_says_and_no_larger_than_64_mib() -> None:
    """A few bytes of xz can be gigabytes unpacked."""
    nothing: dict[str, list[str]] = {
        "targets": [],
        "sets": [],
        "names": [],
        "blocks": [],
        "releases": [],
    }
    size = len(json.dumps(nothing))
    assert form.read_index(packed(nothing), "x").blocks == ()
    for said, why in (
        (size + 1, "a part is cut short or too long"),
        (size - 1, "a part is cut short or too long"),
        (1 << 26, "a part is cut short or too long"),
        ((1 << 26) + 1, "a part has 67108865 bytes"),
        ((1 << 32) - 1, "a part has 4294967295 bytes"),
    ):
        with pytest.raises(VmgenError) as error:
            form.read_index(packed(nothing, said), "x")
        (found,) = error.value.diagnostics
        assert (found.code, found.position.file) == ("VG642", "x")
        assert found.message == f"not an archive of releases: {why}"
    data = packed(nothing)
    with pytest.raises(VmgenError, match="VG642"):
        form.read_index(data[:-1], "x")


def test_places_are_those_of_the_module() -> None:
    document = json.loads(ir_json.dumps(lock.bare(whole("1"), places=True)))
    for module in document["modules"]:
        text = places.taken(module)
        assert places.put(module, text) == module
        for wrong in (f"{text} 1", text.rpartition(" ")[0]):
            with pytest.raises(ValueError, match="places"):
                places.put(module, wrong)


# --- the commands -------------------------------------------------------------------------


@pytest.fixture
def shipped(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Archive:
    """The archive as if it had come with vmgen, and an empty working folder."""
    file = tmp_path / "releases.vmgen"
    monkeypatch.setattr("vmgen.archive.archive.SHIPPED", file)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return archive


def command(line: str) -> int:
    return run(shlex.split(line))


def test_releases_are_listed(
    shipped: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("releases") == 0
    assert capsys.readouterr().out.split() == [
        word for name in ("1.0.0", "1.1.0", "1.1.1") for word in (name, "2", "targets")
    ]
    assert command("releases --format json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["releases"][2] == {"release": "1.1.1", "targets": ["toy", "toy2"]}


def test_two_releases_are_compared_by_their_numbers(
    shipped: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("diff 1.0 1.1.0") == 0
    capsys.readouterr()
    assert command("diff 1.0 1.1 -t toy2") == 1
    said = capsys.readouterr().out
    assert "version 3 is above the destination's 2" in said
    assert "hw/dev.c:29" in said
    assert command("diff 1.0 1.1 -t toy") == 0
    assert command("diff 1.0 3.0 -t toy") == 2
    assert "[VG643]" in capsys.readouterr().err


def test_code_for_a_release_by_its_number(
    shipped: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("generate --release 1.1.1 --all -t toy2 -o all") == 0
    assert {path.name for path in Path("all/toy2").rglob("*.py")} >= {
        "dev.py",
        "out.py",
    }
    meta = json.loads(stamp.strip(Path("all/toy2/meta.json").read_text()))
    assert meta["release"] == "1.1.1"
    (module,) = (
        one
        for one in ir_json.loads(
            stamp.strip(Path("all/toy2/ir.json").read_text())
        ).modules
        if one.file == "hw/dev.c"
    )
    assert module.descriptions[0].version_id == 3
    assert command("check --release 1.1.1 --all -t toy2 -o all") == 0
    assert command("check --release 1.0 --all -t toy2 -o all") == 1
    assert command("generate --release 1.1 -t toy -o cpu") == 0
    assert not list(Path("cpu").rglob("dev.py"))
    capsys.readouterr()
    assert command("generate --release 1.1 -t vax") == 2
    assert "it has: toy, toy2" in capsys.readouterr().err
    assert command("generate --release 1.1 -t toy hw/x.c") == 2
    assert command("inspect device --release 1.1 --all -t toy2") == 0
    assert "hw/dev.c:29" in capsys.readouterr().out


def test_without_an_archive_no_release_is_known(
    shipped: Archive,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("vmgen.archive.archive.SHIPPED", Path("none"))
    assert command("releases") == 0
    assert capsys.readouterr().out == ""
    assert command("diff 1.0 1.1 -t toy") == 2
    assert "VG643" in capsys.readouterr().err


def test_which_sections_differ_between_targets(
    archive: Archive, tmp_path: Path
) -> None:
    there = archive
    sections = ("cpu", "device", "no-such")
    same, other = there.releases[0], there.releases[2]
    assert there.differing(same, "toy", "toy2", sections) == ()
    assert there.differing(other, "toy", "toy2", sections) == ("device",)
    below = [replace(whole("1.0.0", name), modules=modules) for name, modules in (
        ("toy", whole("1.0.0").modules),
        ("toy2", tuple(
            replace(one, descriptions=(replace(one.descriptions[0], version_id=7),))
            if one.file == "hw/out.c" else one
            for one in whole("1.0.0").modules
        )),
    )]  # fmt: skip
    (tmp_path / "below").write_bytes(form.pack([build.snapshot("1.0.0", below)]))
    there = Archive(tmp_path / "below")
    # What is inside of a section's description counts too.
    assert there.differing(there.releases[0], "toy", "toy2", sections) == ("device",)


def test_with_any_places_a_program_says_the_same(archive: Archive) -> None:
    sections = ("cpu", "device")
    release = archive.releases[-1]
    placed = archive.program(release, "toy2", sections)
    homes = {one["home"] for one in archive.roots(release, "toy2", sections)}
    bare = archive.anywhere(release, "toy2", homes)
    there = {
        (module.file, one.symbol): lock.bare(one)
        for module in bare.modules
        for one in module.descriptions
    }
    found = [
        (there[module.file, one.symbol], lock.bare(one))
        for module in placed.modules
        for one in module.descriptions
    ]
    assert len(found) > 2
    assert all(one == other for one, other in found)
    # What two releases share is one object.
    first = archive.anywhere(archive.releases[0], "toy2", homes)
    shared = {id(one) for one in bare.modules} & {id(one) for one in first.modules}
    assert len(shared) == len(bare.modules) - 1  # all but the device's


def test_tables_know_the_types_of_their_sections_alone() -> None:
    there = archive_module.shipped()
    assert there is not None
    release, sections = there.releases[-1], ("cpu", "0000:00:02.0/e1000", "fdc")
    whole = there.program(release, "x86_64", sections)
    few = there.for_tables(release, "x86_64", sections)
    assert with_needed_facts(few) == with_needed_facts(whole)
    mine = {one.name for one in few.machines.types}
    assert {"e1000", "pci-device", "device", "object"} <= mine
    assert "e1000e" not in mine
    assert {one.type for one in few.machines.properties} <= mine
    assert "e1000e" in {one.name for one in whole.machines.types}
    # Where it is not known which sections there are, they know all.
    every = there.for_tables(release, "avr", None)
    assert every == there.program(release, "avr")


def test_codecs_know_no_machine_types() -> None:
    there = archive_module.shipped()
    assert there is not None
    release = there.releases[-1]
    for sections in (("cpu",), None):
        whole = there.program(release, "avr", sections)
        assert whole.machines != ir.Machines()
        code = replace(whole, premises=(), machines=ir.Machines())
        assert there.for_codecs(release, "avr", sections) == code


def test_every_program_has_its_own_places(tmp_path: Path) -> None:
    """Whatever was read before, and of which release."""
    old, new = whole("1.0.0"), whole("1.0.1")
    moved = tuple(
        replace(
            module,
            descriptions=tuple(
                replace(one, position=Position(module.file, one.position.line + 5))
                for one in module.descriptions
            ),
        )
        for module in new.modules
    )
    programs = (old, replace(new, modules=moved))
    snapshots = [build.snapshot(one.release, [one]) for one in programs]
    file = tmp_path / "moved"
    file.write_bytes(form.pack(snapshots))
    there = Archive(file)
    homes = {module.file for module in moved}
    for release in reversed(there.releases):
        there.anywhere(release, "toy", homes)
    for release in there.releases:
        alone = Archive(file).program(release, "toy")
        assert there.program(release, "toy") == alone
    assert alone.modules[0].descriptions[0].position != NOWHERE
    lines = {
        there.program(one, "toy").modules[0].descriptions[0].position.line
        for one in there.releases
    }
    assert len(lines) == 2
