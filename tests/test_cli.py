"""The command line: what each command prints where, and with which exit status.

The stages are replaced by small ones here, so that every path through the commands is
quick to walk; the tests at the end run the real thing.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

import vmgen
from tests.programs import CPU, PROGRAM
from vmgen import ir, pipeline, stamp
from vmgen.cache.keys import key
from vmgen.cli import run
from vmgen.cli.console import Console
from vmgen.cli.job import EMBEDDED_TARGETS
from vmgen.cli.listed import COMMANDS, GROUPS
from vmgen.ir import json as ir_json
from vmgen.source import Diagnostic, Position, VmgenError
from vmgen.tree import Given


@dataclass(frozen=True)
class Text:
    path: str
    text: str


@dataclass
class Stages:
    """Small stages: a program per target, a file per program; they note their calls."""

    requests: list[pipeline.Request] = field(default_factory=list)
    programs: dict[str, ir.Program] = field(default_factory=dict)
    findings: dict[str, tuple[Diagnostic, ...]] = field(default_factory=dict)
    files: tuple[str, ...] = ("cpu.py",)
    body: str = "1"
    runs: int = 0

    def compile_program(
        self, request: pipeline.Request, progress: pipeline.Progress | None = None
    ) -> ir.Program:
        self.requests.append(request)
        if progress is not None:
            progress("machine.c")
        if findings := self.findings.get(request.target):
            raise VmgenError(*findings)
        return self.programs.get(
            request.target, replace(PROGRAM, target=request.target)
        )

    def generate(
        self,
        programs: Sequence[ir.Program],
        progress: object = None,
        *,
        together: bool = False,
        formats: object = (),
    ) -> tuple[Text, ...]:
        self.runs += 1
        return tuple(
            Text(f"{program.target or 'own'}/{name}", f"# ours\nvalue = {self.body}\n")
            for program in programs
            for name in self.files
        )

    def verify(self, text: str) -> str:
        if not text.startswith("# ours"):
            return "foreign"
        return "edited" if "by hand" in text else "intact"

    def targets(self) -> list[str]:
        return [request.target for request in self.requests]


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stages:
    fake = Stages()
    monkeypatch.setattr(pipeline, "compile_program", fake.compile_program)
    monkeypatch.setattr(pipeline, "generate", fake.generate)
    monkeypatch.setattr(stamp, "verify", fake.verify)
    return fake


@pytest.fixture(autouse=True)
def work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Every test works in an empty folder, with an empty cache."""
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(Path(vmgen.__file__).parent.parent))
    monkeypatch.delenv("NO_COLOR", raising=False)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder that looks like a source tree as far as the command line looks."""
    folder = tmp_path / "qemu"
    (folder / "include" / "migration").mkdir(parents=True)
    (folder / "hw" / "char").mkdir(parents=True)
    (folder / "hw" / "char" / "serial.c").write_text("")
    return folder


class Shell:
    """Runs command lines in this process and keeps what they printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.out = self.err = ""

    def __call__(self, line: str) -> int:
        status = run(shlex.split(line))
        self.out, self.err = self.capsys.readouterr()
        return status


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


# --- generate -----------------------------------------------------------------------


def test_generate_without_anything_reads_the_embedded_eight(
    stages: Stages, shell: Shell
) -> None:
    assert shell("generate -o generated") == 0
    assert stages.targets() == list(EMBEDDED_TARGETS)
    assert all(request.qemu is None for request in stages.requests)
    assert shell.out == ""
    assert shell.err == "generated: 8 new\n"
    assert Path("generated/riscv64/cpu.py").read_text() == "# ours\nvalue = 1\n"


def test_generate_again_says_so(stages: Stages, shell: Shell) -> None:
    shell("generate -t arm")
    assert shell("generate -t arm") == 0
    assert shell.err == "generated: nothing to do, all files are current\n"
    stages.body = "2"
    assert shell("generate -t arm --qemu .") == 0
    assert shell.err == "generated: 1 changed\n"


def test_options_reach_the_stages(stages: Stages, shell: Shell, tree: Path) -> None:
    build = tree / "build"
    build.mkdir()
    line = f"generate --qemu {tree} -t riscv64 -t arm --build {build} --preprocessor pcpp -o out"
    assert shell(f"{line} hw/char/serial.c {tree}/hw/char/serial.c") == 0
    assert stages.requests[0] == pipeline.Request(
        target="riscv64",
        qemu=tree,
        build=build,
        sources=("hw/char/serial.c", "hw/char/serial.c"),
        preprocessor="pcpp",
    )
    assert stages.targets() == ["riscv64", "arm"]
    assert Path("out/arm/cpu.py").exists()


def test_own_files(stages: Stages, shell: Shell, work: Path) -> None:
    (work / "my.c").write_text("")
    (work / "inc").mkdir()
    assert shell("generate my.c -I inc -D A=1 -D B") == 0
    assert stages.requests == [
        pipeline.Request(
            sources=("my.c",), include_dirs=(work / "inc",), defines=("A=1", "B")
        )
    ]


def test_what_is_given_besides_a_tree(
    stages: Stages, shell: Shell, work: Path, tree: Path
) -> None:
    (work / "inc").mkdir()
    (work / "pyproject.toml").write_text(
        '[tool.vmgen]\nshims = ["inc"]\noptions = ["vnc=disabled"]\ndefines = ["A"]\n'
    )
    assert shell(f"generate --qemu {tree} -t arm -I inc -D B") == 0
    (request,) = stages.requests
    assert request.given == Given(
        include_dirs=(work / "inc",),
        defines=("B",),
        shims=(work / "inc",),
        options=("vnc=disabled",),
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("generate --qemu {tree}", "no target"),
        ("generate --qemu {tree} -t arm nothing.c", "no file nothing.c in the tree"),
        ("generate nothing.c", "no such file: nothing.c"),
        (
            "generate -D A",
            "-I, -D and --shims are for a tree or for C files of your own",
        ),
        ("generate --option a=b", "--option needs a source tree"),
        (
            "generate --qemu {tree} -t arm --option vnc",
            "an option without a value: vnc",
        ),
        ("generate --build {tree}", "--build needs the source tree"),
        ("generate --qemu /nowhere", "does not exist"),
        ("generate --frobnicate", "No such option"),
        ("inspect --format json", "one target"),
        ("inspect nonsense -t arm", "no description is called 'nonsense'"),
        ("diff {tree} {tree}", "say which target"),
        ("diff embedded nothing", "neither a QEMU source tree nor an IR"),
        ("completion tcsh", "'tcsh' is not one of"),
        ("chek", "Did you mean 'check'?"),
    ],
)
def test_bad_usage_is_status_2_on_stderr(
    stages: Stages, shell: Shell, tree: Path, line: str, message: str
) -> None:
    assert shell(line.format(tree=tree)) == 2
    assert message in shell.err
    if "--format json" in line:  # whose reader takes an empty file for nothing wrong
        assert message in json.loads(shell.out)["errors"][0]["message"]
    else:
        assert shell.out == ""
    assert not Path("generated").exists()


def test_a_folder_is_no_c_file(shell: Shell) -> None:
    Path("sources").mkdir()
    assert shell("generate sources") == 2
    assert "error: a folder, and no C file: sources [VG630]" in shell.err


def test_bare_generate_asks_where(stages: Stages, shell: Shell, work: Path) -> None:
    assert shell("generate") == 2
    assert "into which folder" in shell.err
    assert "--output state" in shell.err
    assert [*work.iterdir()] == []
    assert shell("generate -t arm") == 0


def test_findings_of_all_targets_are_shown_once(stages: Stages, shell: Shell) -> None:
    shared = Diagnostic(
        "VG301", "same", Position("cpu.c", 3, 5), excerpt="    bad;", hint="fix"
    )
    other = Diagnostic("VG302", "other", Position("arm.c", 1))
    stages.findings = {"arm": (shared, other), "i386": (shared,)}
    assert shell("generate -o generated") == 2
    assert shell.err == (
        "cpu.c:3:5: error: same [VG301]\n"
        "     3 |     bad;\n"
        "       |     ^\n"
        "    hint: fix\n"
        "arm.c:1: error: other [VG302]\n"
        "2 errors\n"
    )
    assert not Path("generated").exists()


def test_edited_files_are_refused_without_force(stages: Stages, shell: Shell) -> None:
    shell("generate -t arm")
    file = Path("generated/arm/cpu.py")
    file.write_text("# ours\nby hand\n")
    assert shell("generate -t arm") == 2
    assert (
        "generated/arm/cpu.py: error: this generated file was edited by hand"
        in shell.err
    )
    assert file.read_text() == "# ours\nby hand\n"
    assert shell("generate -t arm --force") == 0
    assert file.read_text() == "# ours\nvalue = 1\n"


def test_orphans_are_reported_and_pruned_when_asked(
    stages: Stages, shell: Shell
) -> None:
    shell("generate -t arm -t ppc")
    assert shell("generate -t arm") == 0
    assert "no longer belongs: generated/ppc/cpu.py\n" in shell.err
    command = shell.err.splitlines()[-1].partition("to delete them: ")[2]
    assert command == "vmgen generate --target arm --prune"
    assert shell(command.removeprefix("vmgen ")) == 0
    assert not Path("generated/ppc").exists()


def test_a_whole_folder_is_one_line(stages: Stages, shell: Shell) -> None:
    stages.files = ("a.py", "b.py", "c.py", "d.py")
    shell("generate -t arm -t ppc")
    assert shell("check -t arm") == 1
    assert shell.err.splitlines()[1] == "no longer belongs: generated/ppc/ (4 files)"
    Path("generated/arm/a.py").unlink()
    assert shell("generate -t arm") == 0
    assert shell.err.splitlines()[1] == "no longer belongs: generated/ppc/ (4 files)"


# --- configuration ------------------------------------------------------------------


def test_configuration_and_options_together(
    stages: Stages, shell: Shell, work: Path
) -> None:
    (work / "pyproject.toml").write_text(
        '[tool.vmgen]\ntargets = ["arm", "ppc"]\noutput = "state"\npreprocessor = "pcpp"\n'
    )
    (work / "sub").mkdir()
    os.chdir(work / "sub")
    assert shell("generate") == 0
    assert stages.targets() == ["arm", "ppc"]
    assert stages.requests[0].preprocessor == "pcpp"
    assert (work / "state" / "arm" / "cpu.py").exists()
    assert shell("generate -t i386 -o here") == 0
    assert stages.targets()[2:] == ["i386"]
    assert (work / "sub" / "here" / "i386" / "cpu.py").exists()


def test_configured_inputs_have_one_name_everywhere(
    stages: Stages, shell: Shell, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "my.c").write_text("")
    (work / "sub").mkdir()
    (work / "pyproject.toml").write_text(
        '[tool.vmgen]\ninputs = ["my.c"]\noutput = "state"\n'
    )
    places = []
    real = stages.compile_program

    def note_place(
        request: pipeline.Request, progress: pipeline.Progress | None
    ) -> ir.Program:
        places.append(Path.cwd())
        return real(request, progress)

    monkeypatch.setattr(pipeline, "compile_program", note_place)
    assert shell("generate") == 0
    os.chdir("sub")
    assert shell("generate") == 0
    assert [request.sources for request in stages.requests] == [("my.c",), ("my.c",)]
    assert places == [work, work]
    assert Path.cwd() == work / "sub"
    assert shell.err == f"{work}/state: nothing to do, all files are current\n"


def test_a_bad_configuration_is_status_2(
    stages: Stages, shell: Shell, work: Path
) -> None:
    (work / "pyproject.toml").write_text("[tool.vmgen]\ntarget = 'arm'\n")
    assert shell("check") == 2
    assert "did you mean 'targets'?" in shell.err


# --- check --------------------------------------------------------------------------


def test_check_when_current(stages: Stages, shell: Shell) -> None:
    shell("generate -o generated")
    assert shell("check") == 0
    assert (shell.out, shell.err) == ("", "generated: all files are current\n")


def test_check_names_everything_and_the_command_that_mends_it(
    stages: Stages, shell: Shell
) -> None:
    shell("generate -t arm -t ppc -t i386 -t x86_64")
    Path("generated/arm/cpu.py").write_text("# ours\nby hand\n")
    Path("generated/ppc/cpu.py").unlink()
    before = {path: path.read_text() for path in Path("generated").rglob("*.py")}
    stages.body = "2"
    line = "check -t arm -t ppc -t i386 --preprocessor pcpp"
    assert shell(line) == 1
    assert {
        path: path.read_text() for path in Path("generated").rglob("*.py")
    } == before
    total, *files, command, left = shell.err.splitlines()
    assert (
        total == "generated is not current: 1 missing, 2 changed, 1 no longer belonging"
    )
    assert left.endswith(" more lines of diff: --full prints them")
    assert files == [
        "changed, edited by hand: generated/arm/cpu.py",
        "changed: generated/i386/cpu.py",
        "missing: generated/ppc/cpu.py",
        "no longer belongs: generated/x86_64/cpu.py",
    ]
    assert "--- a/generated/i386/cpu.py\n+++ b/generated/i386/cpu.py\n" in shell.out
    assert "generated/ppc" not in shell.out
    assert "-by hand\n+value = 2\n" in shell.out
    assert shell(f"{line} --full") == 1
    (fix,) = [
        one for one in shell.err.splitlines() if one.startswith("fix: vmgen generate")
    ]
    assert fix.startswith("fix: vmgen generate ")
    assert "--full" not in fix  # generate has no such option
    assert "--- /dev/null\n+++ b/generated/ppc/cpu.py\n" in shell.out
    assert "more lines" not in shell.err
    fix = command.partition("fix: vmgen ")[2]
    assert shell(fix) == 0
    assert shell(line) == 0


def test_check_cuts_a_long_diff(stages: Stages, shell: Shell) -> None:
    shell("generate -t arm")
    file = Path("generated/arm/cpu.py")
    file.write_text(file.read_text() + "by hand\n" * 1000)
    assert shell("check -t arm") == 1
    assert len(shell.out.splitlines()) == 40
    assert " more lines of diff: --full prints them\n" in shell.err
    assert shell("check -t arm --full") == 1
    assert len(shell.out.splitlines()) > 1000


def test_check_of_a_folder_that_nothing_is_for(shell: Shell) -> None:
    assert shell("check") == 2
    assert "[VG630]" in shell.err
    assert shell.out == ""


def test_check_output_is_a_patch(stages: Stages, shell: Shell) -> None:
    shell("generate -t arm")
    stages.body = "2"
    assert shell("check -t arm --preprocessor cc --full") == 1
    subprocess.run(["git", "apply"], input=shell.out, text=True, check=True)
    assert shell("check -t arm --preprocessor cc") == 0


# --- the quick check ----------------------------------------------------------------


def test_nothing_is_computed_when_nothing_changed(stages: Stages, shell: Shell) -> None:
    shell("generate -o generated")
    assert shell("check") == 0
    assert stages.runs == 1
    Path("generated/arm/cpu.py").write_text("# ours\nvalue = 3\n")
    assert shell("check") == 1
    assert stages.runs == 2


def test_a_lock_of_unchanged_sources_is_not_made_again(
    stages: Stages, shell: Shell
) -> None:
    assert shell("lock -t arm") == 0
    assert stages.targets() == ["arm"]
    assert shell("lock -t arm") == 0
    assert "vmgen.lock.json: nothing changed" in shell.err
    assert shell("check -t arm") == 0
    assert "the wire format is as locked" in shell.err
    assert stages.targets() == ["arm"]
    lock = Path("vmgen.lock.json")
    written = lock.read_text()
    lock.write_text(written.replace("vmstate_toy_cpu", "vmstate_my_cpu"))
    assert shell("check -t arm") == 1
    assert shell("lock -t arm") == 0
    assert lock.read_text() == written
    assert shell("lock -t ppc") == 0
    assert "vmgen.lock.json: changed" in shell.err


def test_a_lock_that_lacks_something_is_made_again(
    stages: Stages, shell: Shell
) -> None:
    gone = ir.Unread("", "hw/gone.c", (Diagnostic("VG110", "gone", Position("x.c")),))
    stages.programs = {"arm": replace(PROGRAM, target="arm", unread=(gone,))}
    for _ in range(2):
        assert shell("lock -t arm") == 1
        assert "hw/gone.c" in shell.err
    assert stages.targets() == ["arm", "arm"]


def test_a_check_reads_the_sources_once(stages: Stages, shell: Shell) -> None:
    assert shell("lock -t arm") == 0
    assert shell("generate -t arm -o generated") == 0
    Path("vmgen.lock.json").write_text(
        Path("vmgen.lock.json").read_text().replace("vmstate_toy_cpu", "vmstate_my_cpu")
    )
    Path("generated/arm/cpu.py").write_text("# ours\nvalue = 3\n")
    stages.requests.clear()
    assert shell("check -t arm -o generated") == 1
    assert stages.targets() == ["arm"]


def test_an_extra_or_missing_file_is_seen_without_computing(
    stages: Stages, shell: Shell
) -> None:
    shell("generate -o generated")
    extra = Path("generated/extra.py")
    extra.write_text("# ours\n")
    assert shell("check") == 1
    assert "no longer belongs: generated/extra.py" in shell.err
    extra.write_text("# theirs\n")
    assert shell("check") == 0
    Path("generated/arm/cpu.py").unlink()
    assert shell("check") == 1


@pytest.mark.parametrize(
    "change",
    [
        "c_headers/include/x.h", "templates/x.jinja", "vmgen/deep/x.py", "request", "version",
        "CC", "compiler", "python",
    ],
)  # fmt: skip
def test_whatever_decides_the_output_is_in_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:

    folders = [tmp_path / name for name in ("c_headers", "templates", "vmgen")]
    for name in ("c_headers/include/x.h", "templates/x.jinja", "vmgen/deep/x.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("a")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    compiler = bin_folder / "cc"
    compiler.write_text("#!/bin/sh\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(bin_folder))
    before = key("request", folders)
    assert key("request", folders) == before
    (tmp_path / "vmgen" / "__pycache__").mkdir()
    (tmp_path / "vmgen" / "__pycache__" / "x.pyc").write_text("noise")
    assert key("request", folders) == before
    if change == "version":
        (tmp_path / "site" / "Black-99.dist-info").mkdir(parents=True)
        monkeypatch.syspath_prepend(tmp_path / "site")
    elif change == "CC":
        monkeypatch.setenv("CC", "other-cc")
    elif change == "compiler":
        compiler.write_text("#!/bin/sh\n# newer\n")
    elif change == "python":
        monkeypatch.setattr(sys, "version", "3.99")
    elif change != "request":
        (tmp_path / change).write_text("b")
    assert key("other" if change == "request" else "request", folders) != before


def test_a_moved_file_is_another_key(tmp_path: Path) -> None:

    (tmp_path / "ab").write_text("c")
    before = key("", [tmp_path])
    (tmp_path / "ab").rename(tmp_path / "a")
    (tmp_path / "a").write_text("bc")
    assert key("", [tmp_path]) != before


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', "[" * 99999])
def test_a_damaged_entry_only_costs_time(
    stages: Stages, shell: Shell, text: str
) -> None:
    shell("generate -o generated")
    (entry,) = (Path(os.environ["VMGEN_CACHE_DIR"]) / "output").glob("*.json")
    entry.write_text(text)
    assert shell("check") == 0
    assert stages.runs == 2


def test_a_cache_that_cannot_be_written_only_costs_time(
    stages: Stages, shell: Shell, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "file").write_text("")
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(work / "file"))
    assert shell("generate -o generated") == 0
    assert shell("check") == 0
    assert stages.runs == 2


def test_what_the_key_cannot_cover_is_not_remembered(
    stages: Stages, shell: Shell, tree: Path, work: Path
) -> None:
    (work / "my.c").write_text("")
    for line in (f"--qemu {tree} -t arm", "my.c"):
        shell(f"generate {line}")
        runs = stages.runs
        shell(f"check {line}")
        assert stages.runs == runs + 1
    assert not Path(os.environ["VMGEN_CACHE_DIR"]).exists()


# --- inspect ------------------------------------------------------------------------


def test_inspect_text(stages: Stages, shell: Shell) -> None:
    assert shell("inspect toy_cpu -t riscv64") == 0
    assert shell.out.startswith("riscv64, QEMU 10.0.2\n\ncpu  version 4 ")
    assert "env.gpr" in shell.out
    assert shell.err == ""


def test_inspect_several_targets_shows_those_that_have_the_name(
    stages: Stages, shell: Shell
) -> None:
    stages.programs = {"arm": ir.Program("10.0.2", "arm", ())}
    assert shell("inspect toy_cpu") == 0
    assert "ppc64, QEMU" in shell.out
    assert "arm, QEMU" not in shell.out


def test_inspect_json(stages: Stages, shell: Shell) -> None:
    assert shell("inspect -t riscv64 'cpu*' --format json") == 0
    data = json.loads(shell.out)
    assert data["target"] == "riscv64"
    assert [item["name"] for item in data["descriptions"]] == [
        "cpu_common",
        "cpu/timer",
        "cpu",
    ]


def test_inspect_suggests(stages: Stages, shell: Shell) -> None:
    assert shell("inspect toy_cpo -t riscv64") == 2
    assert "did you mean toy_cpu" in shell.err


def test_inspect_says_that_it_read_no_devices(
    stages: Stages, shell: Shell, work: Path
) -> None:
    (work / "my.c").write_text("")
    assert shell("inspect e1000e -t riscv64") == 2
    assert "use a release with --all" in shell.err
    assert shell("inspect e1000e -t riscv64 my.c") == 2
    assert "--all" not in shell.err


@pytest.mark.parametrize("name", ["explain", "show", "convert"])
def test_a_command_of_a_group_is_found_without_the_group(
    name: str, shell: Shell
) -> None:
    assert shell(f"{name} vm.mig") == 2
    assert f"Did you mean 'vmgen stream {name}'? [VG600]" in shell.err


def test_inspect_reads_an_ir(shell: Shell, work: Path) -> None:
    (work / "ir.json").write_text(ir_json.dumps(PROGRAM))
    assert shell("inspect --ir ir.json toy_cpu --format json") == 0
    assert json.loads(shell.out)["descriptions"][0]["symbol"] == "vmstate_toy_cpu"
    (work / "ir.json").write_text("{")
    assert shell("inspect --ir ir.json") == 2
    assert "ir.json:1:2: error: not JSON" in shell.err


# --- diff ---------------------------------------------------------------------------


def test_diff_of_equal_sources(stages: Stages, shell: Shell, tree: Path) -> None:
    assert shell(f"diff embedded {tree} --fields") == 0
    assert stages.targets() == [*EMBEDDED_TARGETS, *EMBEDDED_TARGETS]
    assert shell.out.splitlines()[0] == "aarch64: 4 descriptions the same"


def test_diff_of_different_irs(shell: Shell, work: Path) -> None:
    (work / "old.json").write_text(ir_json.dumps(PROGRAM))
    changed = replace(CPU, version_id=5)
    module = replace(
        PROGRAM.modules[1], descriptions=(*PROGRAM.modules[1].descriptions[:2], changed)
    )
    (work / "new").mkdir()
    new = replace(PROGRAM, modules=(PROGRAM.modules[0], module))
    (work / "new" / "toy.json").write_text(ir_json.dumps(new))
    (work / "new" / "unrelated.json").write_text("{}")
    assert shell("diff old.json new --fields") == 1
    assert "version_id\n      - 4  (target/toy/machine.c:50:9)\n      + 5 " in shell.out
    assert shell("diff old.json new --fields --format json") == 1
    data = json.loads(shell.out)
    assert data["same"] is False
    assert [item["what"] for item in data["targets"][0]["differences"]] == [
        "version_id"
    ]
    assert shell("diff old.json new -t arm") == 2
    assert "it has: toy" in shell.err


# --- init ---------------------------------------------------------------------------


def test_init_makes_a_file_that_works(stages: Stages, shell: Shell) -> None:
    assert shell("init") == 0
    assert "vmgen check" in shell.out
    assert f"vmgen=={vmgen.__version__}" in shell.out
    assert shell("generate") == 0
    assert sorted(stages.targets()) == sorted(EMBEDDED_TARGETS)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "[project]\nname = 'x' # mine\n",
            "[project]\nname = 'x' # mine\n\n[tool.vmgen]\n",
        ),
        ("[project]\nname = 'x'", "[project]\nname = 'x'\n\n[tool.vmgen]\n"),
        ("[tool.black]\r\na = 1\r\n", "[tool.black]\r\na = 1\r\n\r\n[tool.vmgen]\r\n"),
        ("", "[tool.vmgen]\n"),
    ],
)
def test_init_leaves_the_rest_alone(shell: Shell, before: str, after: str) -> None:
    file = Path("pyproject.toml")
    file.write_bytes(before.encode())
    assert shell("init -t arm -o src/state --qemu ../qemu hw/a.c") == 0
    end = "\r\n" if "\r" in before else "\n"
    lines = [
        'inputs = ["hw/a.c"]', 'targets = ["arm"]', 'output = "src/state"', 'qemu = "../qemu"', "",
    ]  # fmt: skip
    assert file.read_bytes().decode() == after + end.join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.vmgen]\n", "there is a [tool.vmgen] already"),
        ("tool.vmgen.output = 'x'\n", "there is a [tool.vmgen] already"),
        ("tool = {black = {}}\n", "no section can be added"),
        ("[tool\n", "not valid TOML"),
    ],
)
def test_init_refuses(shell: Shell, text: str, message: str) -> None:
    Path("pyproject.toml").write_text(text)
    assert shell("init") == 2
    assert message in shell.err
    assert Path("pyproject.toml").read_text() == text


# --- the rest -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        "",
        *COMMANDS,
        *(f"{group} {name}" for group, names in GROUPS.items() for name in names),
    ],
)
def test_help_has_examples(shell: Shell, command: str) -> None:
    assert shell(f"{command} --help") == 0
    assert "Examples:" in shell.out
    examples = re.findall(r"^ *(?:eval .*\()?vmgen (.*)$", shell.out, re.MULTILINE)
    assert examples
    assert max(map(len, shell.out.splitlines())) <= 88


def test_version(shell: Shell) -> None:
    assert shell("--version") == 0
    assert shell.out == f"vmgen {vmgen.__version__}\n"


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: Shell, name: str) -> None:
    assert shell(f"completion {name}") == 0
    assert "_VMGEN_COMPLETE" in shell.out


def test_completion_completes() -> None:
    environment = {**os.environ, "_VMGEN_COMPLETE": "bash_complete",
                   "COMP_WORDS": "vmgen ins", "COMP_CWORD": "1"}  # fmt: skip
    result = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv = ['vmgen']; from vmgen.cli import main; main()"],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert result.stdout == "plain,inspect\n"


@pytest.mark.parametrize(
    ("options", "environment", "coloured"),
    [
        ("", {}, False),
        ("--color always", {}, True),
        ("--color always", {"NO_COLOR": "1"}, True),
        ("--color never", {}, False),
    ],
)
def test_colour_away_from_a_terminal(
    stages: Stages,
    shell: Shell,
    monkeypatch: pytest.MonkeyPatch,
    options: str,
    environment: dict[str, str],
    coloured: bool,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for line in (f"{options} inspect -t arm", f"inspect -t arm {options}"):
        assert shell(line) == 0
        assert ("\033[" in shell.out) is coloured


def on_terminal(arguments: list[str], **environment: str) -> str:
    """What a run prints when stdout and stderr are a terminal."""
    master, slave = pty.openpty()
    clean = {
        key: value
        for key, value in os.environ.items()
        if key not in ("NO_COLOR", "TERM")
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "vmgen", *arguments],
        stdout=slave,
        stderr=slave,
        env={**clean, "TERM": "xterm", **environment},
    )
    os.close(slave)
    text = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        text += chunk
    os.close(master)
    process.wait()
    return text.decode()


@pytest.fixture
def toy_ir(work: Path) -> str:
    (work / "toy.json").write_text(ir_json.dumps(PROGRAM))
    return "toy.json"


def test_colour_on_a_terminal(toy_ir: str) -> None:
    line = ["inspect", "--ir", toy_ir]
    assert "\033[" in on_terminal(line)
    assert "\033[" not in on_terminal(line, NO_COLOR="1")
    assert "\033[" in on_terminal(line, NO_COLOR="")
    assert "\033[" not in on_terminal(line, TERM="dumb")
    assert "\033[" not in on_terminal([*line, "--color", "never"])


def test_a_reader_that_goes_away_changes_nothing(toy_ir: str) -> None:
    many = " ".join(["--ir toy.json"] * 400)
    line = f"set -o pipefail; {sys.executable} -m vmgen inspect {many} | head -n 1"
    result = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "toy, QEMU 10.0.2\n"


def buffered() -> dict[str, str]:
    """An environment in which Python keeps what it cannot write, and tries it at exit."""
    return {key: one for key, one in os.environ.items() if key != "PYTHONUNBUFFERED"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    ("place", "said"),
    [
        (">/dev/full", "standard output cannot be written: No space left on device"),
        (">&-", "standard output cannot be written: it is closed"),
        (">/dev/full 2>/dev/full", ""),
        (">&- 2>&-", ""),
    ],
)
def test_output_that_nobody_can_take_is_status_2(
    toy_ir: str, place: str, said: str
) -> None:
    line = f"{sys.executable} -m vmgen inspect --ir {toy_ir} {place}"
    result = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False,
        env=buffered(),
    )  # fmt: skip
    assert result.returncode == 2
    assert result.stderr == (f"error: {said} [VG623]\n" if said else "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("asked", ["--help", "--version", "stream show --help"])
def test_help_that_nobody_can_take_is_status_2(asked: str) -> None:
    line = f"{sys.executable} -m vmgen {asked} >/dev/full"
    result = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "standard output cannot be written: No space left" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    "line",
    [
        "inspect --ir missing.json",
        "inspect --nothing",
        "nothing",
        "",
        "stream",
        "diff one",
    ],
)
@pytest.mark.parametrize("place", ["2>/dev/full", "2>&-"])
def test_an_error_of_the_command_line_that_nobody_can_take_is_status_2(
    line: str, place: str, tmp_path: Path
) -> None:
    result = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m vmgen {line} {place}"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=buffered(),
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (2, "")


def test_a_terminal_without_unicode(toy_ir: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "vmgen", "inspect", "--ir", toy_ir],
        capture_output=True, check=True, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert b"|----  0x100" in result.stdout


@pytest.mark.parametrize(("columns", "shown"), [(20, 19), (80, 75), (0, 75)])
def test_progress_stays_in_its_line(
    columns: int, shown: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        console = Console()
        console.progress("x" * 200)
        console.message("done")
        terminal.flush()
        wanted = f"{'x' * shown}\r{' ' * shown}\rdone\r\n"
        text = ""
        while len(text) < len(wanted):  # a terminal gives what it has so far
            text += os.read(master, 65536).decode()
    os.close(master)
    assert text == wanted


def test_progress_is_for_terminals_only(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    with console.working():
        console.progress("riscv64 machine.c")
    assert capsys.readouterr() == ("", "")


def test_interrupted(
    stages: Stages, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(request: pipeline.Request, progress: object) -> ir.Program:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "compile_program", interrupt)
    assert shell("generate -o generated") == 130
    assert shell.err.strip() == "interrupted"


def test_help_starts_no_stage() -> None:
    code = (
        "import sys; from vmgen.cli import run; run(['--help']); "
        "heavy = {'black', 'jinja2', 'pycparser', 'pcpp', 'vmgen.pipeline', 'vmgen.ir'}; "
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.stderr.strip() == ""
