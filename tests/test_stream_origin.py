"""Which release wrote a stream, of those that codecs are at hand for."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.kept_codecs import keep, of_release
from tests.stream_files import captured, packages, target_of, whole
from tests.test_stream_read import HEAD
from vmgen.archive.archive import shipped
from vmgen.cli import run
from vmgen.cli.stream.released import saved_alike
from vmgen.lookup import Lookup
from vmgen.stream import Ambiguous, Codecs, NoCodecs, Stream
from vmgen.stream.input import Input
from vmgen.stream.origin import origin
from vmgen.stream.writers import section_names, targets_of

RISCV = "riscv64-virt-vh-bare--10.0.2"
OLD = "riscv64-virt-vh-bare--7.2.22"


def altered(target: str, name: str, **changes: Any) -> dict[str, Codecs]:
    """The committed codecs of a target, one of them changed."""
    found = packages()[target]
    codecs = {one: found.codecs[one] for one in found.codecs}
    changed: Any = codecs[name]
    codecs[name] = changed._replace(**changes)
    return {target: Codecs(codecs, target)}


def test_a_release_writes_the_version_of_its_table() -> None:
    """One that only reads the stream did not write it."""
    newer = altered("riscv64", "cpu", version_id=11)
    found = origin(Input(whole(RISCV)), {"11.0.0": newer, "10.0.2": packages()})
    assert found.releases == found.codecs.releases == ("10.0.2",)
    assert found.codecs.target == "riscv64"
    assert "cpu/0: version 10, and it writes 11" in str(found.refusals["11.0.0"])


def test_releases_that_read_the_same_are_all_named() -> None:
    found = origin(Input(whole(RISCV)), {"11.0.0": packages(), "10.0.2": packages()})
    assert found.releases == ("11.0.0", "10.0.2")
    assert found.refusals == {}


def test_releases_that_read_it_differently_are_an_error() -> None:
    codec: Any = packages()["riscv64"].codecs["cpu"]

    def load(*arguments: Any, **more: Any) -> tuple[Any, int]:
        state, end = codec.load(*arguments, **more)
        state.env.pc += 4
        return state, end

    other = altered("riscv64", "cpu", load=load)
    releases = {"11.0.0": other, "10.0.2": packages()}
    with pytest.raises(Ambiguous, match=r"several releases .*: 11\.0\.0, 10\.0\.2"):
        origin(Input(whole(RISCV)), releases)


def test_a_release_that_has_no_such_machine_type() -> None:
    name = "x86_64-q35-bare--10.0.2"
    assert Stream(captured(name)).configuration is not None
    found = origin(Input(captured(name)), {"10.0.2": packages(), "9.2.1": packages()})
    assert found.releases == ("10.0.2",)
    assert "the machine type pc-q35-10.0 is newer" in str(found.refusals["9.2.1"])


@pytest.mark.parametrize(
    ("name", "releases"),
    [(RISCV, ("10.0.2", "8.1.0")), ("x86_64-q35-bare--7.2.22", ("8.1.0", "7.2.22"))],
)
def test_what_is_described_tells_old_releases_apart(
    name: str, releases: tuple[str, ...]
) -> None:
    """The configuration is described from release 8 on."""
    target = target_of(name)
    one = {target: packages()[target]}
    found = origin(
        Input(captured(name)), dict.fromkeys(("10.0.2", "8.1.0", "7.2.22"), one)
    )
    assert found.releases == releases
    assert all("configuration" in str(why) for why in found.refusals.values())


class Whole(dict[str, Any]):
    """Says that it has the codecs of every device."""

    def __contains__(self, name: object) -> bool:
        return name == "globalstate" or super().__contains__(name)


def test_whole_packages_have_a_device_for_every_section() -> None:
    """``globalstate`` is a section of every machine: its codec says that all are there."""
    found = packages()["riscv64"].codecs
    whole_package = Codecs(Whole({one: found[one] for one in found}), "riscv64")
    with pytest.raises(NoCodecs) as told:
        origin(Input(whole(RISCV)), {"10.0.2": {"riscv64": whole_package}})
    assert "10.0.2: timer/0: no device of the release has such" in told.value.hint


def test_an_open_question_is_no_reason_against_a_release() -> None:
    name = "arm-stm32vldiscovery-poke--10.0.2"
    stream = Stream(captured(name), packages()["arm"])
    cpu = stream.section("cpu")
    data = HEAD + bytes(stream.view[cpu.offset : cpu.offset + cpu.size])
    arm = packages()["arm"]
    told = {"arm": arm.but({"ARMCPU.pmsav7_dregion": 8})}
    releases = {"10.0.2": told, "10.0.1": {"arm": arm}}
    with pytest.raises(Ambiguous, match=r"10\.0\.2, 10\.0\.1") as raised:
        origin(Input(data + b"\0"), releases)
    assert "ARMCPU.pmsav7_dregion" in raised.value.hint
    assert origin(Input(data + b"\0"), {"10.0.2": told}).releases == ("10.0.2",)


@pytest.mark.usefixtures("no_archive")
def test_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--codecs any`` takes those of every tree that was read before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    folder = packages()["riscv64"].folder
    assert folder is not None
    keep({"riscv64": folder}, "/a/new")
    keep({"riscv64": folder}, "/an/old", change=of_release("9.1.0"))
    (tmp_path / "a.mig").write_bytes(whole(RISCV))
    (tmp_path / "old.mig").write_bytes(whole(OLD))
    assert run(["stream", "show", "a.mig", "--codecs", "any"]) == 0
    assert "\nrelease 10.0.2 or 9.1.0\n" in capsys.readouterr().out
    words = ["stream", "show", "a.mig", "--codecs", "any", "--format", "json"]
    assert run(words) == 0
    assert json.loads(capsys.readouterr().out)["releases"] == ["10.0.2", "9.1.0"]
    assert run(["stream", "explain", "a.mig", "--codecs", "any", "-t", "riscv64"]) == 3
    assert run(["stream", "show", "a.mig", "--codecs", "any", "-t", "vax"]) == 2
    assert run(["stream", "show", "old.mig", "--codecs", "any"]) == 2
    err = capsys.readouterr().err
    assert "none of the known releases wrote it [VG710]" in err
    assert "10.0.2: cpu/0: version 5 is below the minimum 10" in err


@pytest.mark.parametrize(
    ("machine", "targets"),
    [("fuloong2e", {"mips64el"}), ("malta", {"mips", "mipsel", "mips64", "mips64el"})],
)
def test_a_machine_type_chooses_among_targets_of_one_cpu(
    machine: str, targets: set[str]
) -> None:
    archive = shipped()
    assert archive is not None
    release = archive.find("10.0.2")
    assert release is not None
    fields = [
        {"name": name, "size": 4, "type": "uint32"}
        for name in archive.field_names(release, "mips64el", "cpu")
    ]
    stream: Any = SimpleNamespace(
        description=SimpleNamespace(
            devices=[SimpleNamespace(name="cpu", node={"fields": fields})]
        ),
        configuration=SimpleNamespace(machine=machine),
    )
    stream.loosely = lambda page_size: stream
    found = {*targets_of(archive, release, stream)}
    assert found <= targets
    assert "mips64el" in found


@pytest.mark.parametrize(
    ("release", "differ"),
    [("7.2.22", {"vmstate_riscv_cpu"}), ("9.2.0", {"vmstate_riscv_cpu"}),
     ("10.0.2", set()), ("10.0.13", set()), ("10.2.2", {"vmstate_riscv_cpu"})],
)  # fmt: skip
def test_tables_that_every_writer_saves_as_a_release_loads_them(
    release: str, differ: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of a release that can have written the stream; of others those that say the same:
    the section of the CPU changed before 10.0 and after it."""
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path))
    archive = shipped()
    assert archive is not None
    source = Input(captured(RISCV))
    names = frozenset(section_names(Stream(source, strict=False)))
    known = archive.find(release)
    assert known is not None
    lookup = Lookup(archive.program(known, "riscv64", names))
    wanted = {
        "vmstate_riscv_cpu",
        "vmstate_timers",
        "vmstate_cpu_common",
        "vmstate_fw_cfg",
    }
    tables = [one for one in lookup.all() if one.description.symbol in wanted]
    assert {one.description.symbol for one in tables} == wanted
    codecs = Codecs({}, "riscv64")
    assert saved_alike(source, codecs, lookup, tables) == wanted - differ
    # Without its description nothing says who wrote it, and the release may have.
    bare = Input(whole(RISCV)[: -len(described(RISCV))])
    assert saved_alike(bare, codecs, lookup, tables) == frozenset()


def described(name: str) -> bytes:
    """The description at the end of a stream, with its mark and its length."""
    found = Stream(Input(whole(name)), strict=False).description
    assert found is not None
    return b"\x06" + len(found.text).to_bytes(4, "big") + bytes(found.text)
