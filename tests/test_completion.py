"""What a shell completes: the values that commands take, and quickly."""

from __future__ import annotations

import resource
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from tests.stream_files import captured
from vmgen import archive, lint, schemas
from vmgen.archive import form
from vmgen.cli import cli, run
from vmgen.cli.arguments import CommandParameter
from vmgen.cli.job import EMBEDDED_TARGETS
from vmgen.cli.listed import COMMANDS, STREAM_COMMANDS, named
from vmgen.known import MachineFacts
from vmgen.stream import Stream
from vmgen.stream.registers import of_section
from website import errors

RISCV = "riscv64-virt-vh-bare--10.0.2"
PC = "i386-isapc-poke--10.0.2"
SMP = "riscv64-virt-vh-bare-smp2-shared--10.0.2"


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for file, name in (("vm.mig", RISCV), ("pc.mig", PC), ("smp.mig", SMP)):
        (tmp_path / file).write_bytes(captured(name))
    return tmp_path


def completed(line: str) -> list[str]:
    """The values for a line's last word, which may be empty."""
    *words, begun = line.split(" ")
    found = ShellComplete(cli, {}, "vmgen", "_VMGEN_COMPLETE").get_completions(
        words, begun
    )
    return [one.value for one in found if one.type == "plain"]


def releases() -> dict[str, tuple[str, ...]]:
    shipped = archive.shipped()
    assert shipped is not None
    return {one.name: one.targets for one in shipped.releases}


def parameters() -> Iterator[tuple[str, CommandParameter]]:
    for places in (COMMANDS, STREAM_COMMANDS):
        for name in places:
            if (command := named(name, places)) is not None:
                yield from ((name, one) for one in command.parameters)


# --- targets and releases -------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "release"),
    [
        ("inspect --release 7.2 -t ", "7.2.22"),
        ("inspect -t x --release 4.2.0 --target ", "4.2.0"),
        ("stream show vm.mig --release 10.0.2 -t ", "10.0.2"),
        ("stream convert vm.mig --from 10.0 --to 10.1 -t ", "10.1.0"),
        ("stream show vm.mig -t ", "11.0.0"),
    ],
)
def test_targets_are_those_of_the_release(line: str, release: str) -> None:
    assert sorted(completed(line)) == sorted(releases()[release])


def test_targets_of_two_releases_are_those_of_both() -> None:
    both = set(releases()["5.2.0"]) & set(releases()["10.0.2"])
    assert set(completed("diff 5.2 10.0.2 -t ")) == both
    assert both != set(releases()["5.2.0"])  # or nothing was shown


def test_targets_without_sources_are_the_embedded_ones() -> None:
    assert completed("generate -t ") == list(EMBEDDED_TARGETS)
    assert completed("generate -t ppc") == ["ppc", "ppc64"]


def test_targets_of_a_tree_are_those_that_it_names(work: Path) -> None:
    for name in ("avr", "hexagon"):
        file = work / "tree" / "configs" / "targets" / f"{name}-softmmu.mak"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("TARGET_ARCH=x\n")
    for name in ("Kconfig", "meson.build"):
        (work / "tree" / name).write_text("")
    assert completed("lint --qemu tree -t ") == ["avr", "hexagon"]
    Path("pyproject.toml").write_text(
        '[tool.vmgen]\nqemu = "tree"\n[tool.vmgen.trees]\nmine = "tree"\n'
    )
    assert completed("lint --qemu mine -t h") == ["hexagon"]
    assert completed("generate -t ") == ["avr", "hexagon"]


@pytest.mark.parametrize(
    "line",
    ["inspect --release ", "stream explain vm.mig --release ", "stream show x --codecs ",
     "diff 7.2 ", "compat ", "stream convert vm.mig --to ", "check --against "],
)  # fmt: skip
def test_releases_and_their_series(line: str) -> None:
    found = completed(line)
    assert {one for one in found if one.count(".") == 2} == set(releases())
    for series in set(found) - set(releases()):
        assert any(name.startswith(f"{series}.") for name in releases())
    assert completed(f"{line}10.0") == ["10.0", "10.0.0", "10.0.2", "10.0.13"]


def test_a_side_may_be_a_file_too() -> None:
    found = ShellComplete(cli, {}, "vmgen", "_").get_completions(["diff"], "o")
    assert [(one.type, one.value) for one in found] == [("file", "o")]


# --- machine types --------------------------------------------------------------------


def test_machine_types_are_those_of_the_release_and_target() -> None:
    shipped = archive.shipped()
    assert shipped is not None
    release = shipped.find("10.0.2")
    assert release is not None
    facts = MachineFacts(shipped.program(release, "avr", ("cpu",)))
    found = completed("inspect --release 10.0.2 -t avr machine ")
    assert set(found) == set(facts.machines)
    assert found


def test_machine_types_of_compat_are_those_of_both_sides() -> None:
    assert completed("compat 7.2 8.0 -t x86_64 -m pc-q35-7") == [
        "pc-q35-7.0", "pc-q35-7.1", "pc-q35-7.2",
    ]  # fmt: skip
    assert completed("compat 7.2 8.0 -t x86_64 -m pc-q35-8") == []
    assert completed("compat 7.2 8.0 -m ver")[:2] == ["versioned", "verdex"]


def test_a_description_is_no_machine_type() -> None:
    assert completed("inspect --release 10.0 -t avr ") == ["machine"]


# --- codes ----------------------------------------------------------------------------


def test_codes_are_all_that_have_a_page() -> None:
    assert set(completed("help VG")) == set(errors.raised())
    assert completed("help vg31") == ["VG310"]
    assert "coverage" in completed("help co")
    assert completed("help stream e") == ["edit", "extract", "explain"]


def test_rules_are_those_of_lint() -> None:
    assert set(completed("lint --select ")) == set(lint.CODES)
    assert completed("lint --ignore VG801,vg81")[0] == "VG801,VG810"


def test_documents() -> None:
    assert completed("schema ") == list(schemas.VERSIONS)


# --- streams --------------------------------------------------------------------------


def test_sections_are_those_of_the_stream() -> None:
    with Stream(captured(RISCV)) as stream:
        expected = {one.path for one in stream.sections if one.means != "ram"}
    found = set(completed("stream show vm.mig "))
    assert expected <= found
    assert completed("stream edit vm.mig cpu_") == ["cpu_common/0"]
    assert {"ram", "stream", "description"} <= set(completed("stream extract vm.mig "))
    assert completed("stream show -t riscv64 vm.mig cpu/0 ti") == ["timer/0"]


@pytest.mark.parametrize(("file", "name"), [("vm.mig", RISCV), ("pc.mig", PC)])
def test_registers_and_fields_are_taken_by_show(
    file: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Stream(captured(name)) as stream:
        cpu = next(one for one in stream.sections if one.name == "cpu")
        known = of_section(None, cpu, stream.values(cpu))
    assert known is not None
    found = [
        one.removeprefix("cpu/0.") for one in completed(f"stream show {file} cpu/0.")
    ]
    wanted = {one.name for one in known}
    assert wanted <= set(found)
    fields = [one for one in found if one.startswith("env.")]
    assert fields
    for one in (*sorted(wanted)[:3], *fields[:3]):
        assert run(["stream", "show", file, f"cpu/0.{one}"]) == 0
    capsys.readouterr()
    alone = sorted(wanted)[0]
    assert alone in completed(f"stream show {file} {alone[0]}")


def test_blocks_of_memory_are_taken_by_show_and_extract(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    block = "riscv_virt_board.ram"
    assert completed("stream show vm.mig ram/riscv_virt_board.r") == [
        f"ram/{block}@0x0"
    ]
    assert completed("stream edit vm.mig ram/riscv_virt_board.r") == [
        f"ram/{block}@0x0"
    ]
    assert completed("stream extract vm.mig ram/riscv_virt_board.r") == [f"ram/{block}"]
    assert run(["stream", "show", "vm.mig", f"ram/{block}@0x0"]) == 0
    out = str(tmp_path / "x")
    assert run(["stream", "extract", "vm.mig", f"ram/{block}", "-o", out]) == 0
    capsys.readouterr()


def test_a_register_of_two_cpus_needs_its_section() -> None:
    assert "sp" not in completed("stream show smp.mig s")
    assert "cpu/1.sp" in completed("stream show smp.mig cpu/1.s")


@pytest.mark.parametrize("name", ["missing", "empty", "damaged", "folder"])
def test_what_is_no_stream_has_no_sections(name: str, work: Path) -> None:
    (work / "empty").touch()
    (work / "damaged").write_bytes(captured(RISCV)[:-90])
    (work / "folder").mkdir()
    assert completed(f"stream show {name} c") == []


def test_a_hostile_description_has_none(work: Path) -> None:
    for number, text in enumerate(
        (
            b'{"devices": [' + b"[" * 5000,
            b'{"devices": [{"name": 1}]}',
            b'{"devices": [{"name": "cpu", "instance_id": 0, "fields": [1, {"name": 2}]}]}',
        )
    ):
        file = work / f"{number}"
        file.write_bytes(b"QEVM\0\0\0\3\0\6" + len(text).to_bytes(4, "big") + text)
        assert all(
            one.startswith("cpu") for one in completed(f"stream show {number} cpu/0.")
        )


def test_without_an_archive_there_are_no_releases(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(form, "SHIPPED", Path("none"))
    assert completed("inspect --release ") == []
    assert completed("compat 1 2 -m ") == []


# --- all of it ------------------------------------------------------------------------


def test_every_parameter_of_a_kind_is_completed() -> None:
    wanted = {"TARGET": "target", "NUMBER": "release", "RELEASE|TREE": "release"}
    for command, one in parameters():
        if one.metavar in wanted:
            assert one.completes == wanted[one.metavar], (command, one.name)


@pytest.mark.parametrize(
    "line",
    ["stream show vm.mig s", "compat 9.2 10.0 -t x86_64 -m pc", "inspect -t ris",
     "diff 7", "help VG3", "lint --select VG8"],
)  # fmt: skip
def test_it_is_quick(line: str) -> None:
    """A shell waits for it: 0.3 s of processor time, the best of five."""
    words = shlex.split(f"vmgen {line}")
    environment = {
        "_VMGEN_COMPLETE": "bash_complete", "COMP_WORDS": shlex.join(words),
        "COMP_CWORD": str(len(words) - 1), "PATH": "/usr/bin:/bin",
    }  # fmt: skip
    spent = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", "import sys; sys.argv = ['vmgen']; from vmgen.cli import main; main()"],
            capture_output=True, text=True, env=environment, check=True,
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(
            after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        )
        if spent[-1] < 0.3:
            break
    assert "plain," in done.stdout
    assert min(spent) < 0.3, spent
