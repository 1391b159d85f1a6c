"""What is no stream, not of this target, or not one file: one clear error, exit status 2,
and nothing is written."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.stream_files import captured, whole
from tests.stream_sections import description_json, find_sections
from vmgen.cli import run

RISCV = "riscv64-virt-vh-bare--10.0.2"

READERS = (
    "stream show {}",
    "stream show {} --registers",
    "stream show {} pc",
    "stream view {}",
    "stream verify {}",
    "stream edit {} a0=1 -o x",
    "stream diff {} good.mig",
    "stream diff good.mig {}",
    "stream extract {} cpu/0 -o x",
    "stream extract {} ram -o x",
    "stream convert {} --from 10.0 --to 10.2 -o x",
    "export jsonl {} -o x",
    "export raw {} -o x",
    "serve gdb {} --stdio",
)
"""What reads a stream with codecs that fit it."""

ANY = (
    *READERS,
    "stream list {}",
    "stream extract {} stream -o x",
    "stream explain {} --release 10.0",
    "stream explain {} --release 10.0 -t riscv64",
    "stream explain good.mig --release 10.0 --like {}",
    "stream view good.mig --explain 10.0 --like {}",
    "import elf core --template {} -o x",
)
"""What reads a stream."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a stream, one without its end, and files that are none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    good = whole(RISCV)
    (tmp_path / "good.mig").write_bytes(good)
    (tmp_path / "cut.mig").write_bytes(good[:-11000])
    (tmp_path / "text").write_text("a text\n")
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    core = bytearray(64)
    core[:7] = b"\x7fELF\x02\x01\x01"
    (tmp_path / "core").write_bytes(core)
    return tmp_path


def wrong(line: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of a line that asks for something impossible."""
    before = {one.name for one in folder.iterdir()} | {"cache"}
    status = run(shlex.split(line))
    said = capsys.readouterr().err
    assert status == 2, said
    assert {one.name for one in folder.iterdir()} <= before
    assert said.count("error:") + said.count("Error:") == 1
    return said


@pytest.mark.parametrize("line", ANY)
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("text", "text: error: not a migration stream"),
        ("empty", "empty: error: the file is empty"),
        ("folder", "irectory"),
        ("nowhere", "nowhere: error: cannot be read: No such file"),
    ],
)
def test_what_is_no_stream(
    line: str,
    file: str,
    words: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = wrong(line.format(file), folder, capsys)
    if not line.startswith("import"):  # which looks at the core first
        assert words in said


@pytest.mark.parametrize("line", READERS)
def test_what_is_no_stream_is_of_no_target(
    line: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = wrong(f"{line.format('text')} -t riscv64", folder, capsys)
    assert "text: error: not a migration stream" in said


@pytest.mark.parametrize("line", READERS)
@pytest.mark.parametrize("target", ["x86_64", "nosuch"])
def test_a_target_that_the_stream_is_not_of(
    line: str, target: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = wrong(f"{line.format('good.mig')} -t {target}", folder, capsys)
    if "convert" not in line:
        words = {"nosuch": "no release that vmgen knows has a target 'nosuch'"}
        assert (
            words.get(target, "the stream is not of x86_64: its CPU is one of") in said
        )


def test_the_target_that_it_is_of_is_no_error(folder: Path) -> None:
    assert run(["stream", "verify", "good.mig", "-t", "riscv64"]) == 0
    assert run(["stream", "verify", "good.mig", "-t", "riscv32"]) == 2


def test_a_target_without_codecs_is_of_no_use(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = wrong("stream show good.mig -t riscv64 --codecs none", folder, capsys)
    assert "--target chooses codecs" in said
    said = wrong("stream extract good.mig stream -t x86_64 -o x", folder, capsys)
    assert "a whole stream needs none" in said
    said = wrong("stream show cut.mig -t riscv64", folder, capsys)
    assert "nothing in the stream says which release wrote it [VG710]" in said


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("stream show good.mig cut.mig", "'cut.mig' is a second file"),
        ("stream extract good.mig cut.mig -o x", "'cut.mig' is a second file"),
        ("stream edit good.mig cut.mig -o x", "'cut.mig' is no assignment"),
        ("stream explain good.mig cut.mig --release 10.0", "cut.mig"),
        ("stream convert good.mig cut.mig --from 10 --to 11 -o x", "cut.mig"),
        ("export raw good.mig cut.mig -o x", "cut.mig"),
        ("stream view good.mig good.mig cut.mig", "cut.mig"),
    ],
)
def test_two_files_where_one_is_read(
    line: str, words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in wrong(line, folder, capsys)


def test_a_snapshot_of_a_file_that_has_none(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in (
        "show good.mig@one",
        "show good.mig --snapshot one",
        "list good.mig@x",
    ):
        assert "no snapshot '" in wrong(f"stream {line}", folder, capsys)


def test_a_question_without_a_release(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = wrong("stream explain good.mig", folder, capsys)
    assert "no release is named [VG710]" in said
    assert "--release 10.0" in said


def test_a_file_that_is_no_stream_hides_no_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["stream", "list", "text", "good.mig"]) == 2
    assert "good.mig: a plain stream" in capsys.readouterr().out
    assert run(["stream", "verify", "empty", "good.mig", "cut.mig"]) == 2
    shown = capsys.readouterr()
    assert "good.mig: identical" in shown.out
    assert "cut.mig: error: in " in shown.err


def test_show_has_what_is_before_the_cut(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "short.mig").write_bytes(whole(RISCV)[:-11300])
    assert run(["stream", "show", "short.mig", "--page-size", "4096"]) == 2
    shown = capsys.readouterr()
    assert shown.out.startswith("machine virt\n")
    assert "  cpu/0  only bytes\n" in shown.out
    assert shown.err.count("error:") == 1
    assert run(["stream", "show", "text"]) == 2
    assert capsys.readouterr().out == ""


def test_the_machine_and_the_sections_of_a_cut_stream_tell_its_target(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["stream", "explain", "cut.mig", "--release", "10.0"]) == 3
    assert (
        "cut.mig: not known whether QEMU 10.0.13 for riscv64" in capsys.readouterr().out
    )
    (folder / "short.mig").write_bytes(whole(RISCV)[:100])
    said = wrong("stream explain short.mig --release 10.0", folder, capsys)
    assert "[VG711]" in said
    assert "one of aarch64, arm, " in said
    assert "x86_64" not in said


def test_folders_are_made_for_several_files(folder: Path) -> None:
    (folder / "memory.mig").write_bytes(captured(RISCV))
    assert run(["export", "regions", "memory.mig", "-o", "new/regions"]) == 0
    assert (folder / "new" / "regions" / "map.json").is_file()
    assert run(["export", "regions", "memory.mig", "-o", "text"]) == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("explain good.mig", "no release is named"),
        ("explain good.mig --release none", "no release is named"),
        ("explain good.mig --release 99", "no codecs of release 99"),
        ("explain good.mig --release 10.0 -t nosuch", "has no target 'nosuch'"),
        ("explain good.mig --release 10.0 --like text", "not a migration stream"),
        ("explain good.mig --qemu folder", "is not a QEMU source tree"),
        ("verify good.mig -t nosuch", "has a target 'nosuch'"),
        ("verify nothing*", "no file has such a name"),
        ("convert good.mig --from 10.0 --to 99 --into folder", "release 99"),
        ("convert good.mig --from 10.0 --to 10.2 -t nosuch --into folder", "'nosuch'"),
    ],
)
def test_a_fleet_is_not_asked_what_has_no_answer(
    line: str, words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("distributed")
    assert words in wrong(f"fleet {line} -o x --workers 1", folder, capsys)


def test_a_report_of_a_folder_without_answers(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyarrow")
    assert "has no answers" in wrong("fleet report folder", folder, capsys)
    said = wrong("fleet verify good.mig -o text --workers 1", folder, capsys)
    assert "text: error: it is a file, and a folder is needed" in said


def test_c_that_a_missing_header_explains_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "d.c").write_text("""
        #include "hw/sysbus.h"
        #include "migration/vmstate.h"
        DECLARED_THERE(D, d)
        struct D { uint32_t a; };
        const VMStateDescription vmstate_d = {
            .name = "d", .version_id = 1, .minimum_version_id = 1,
            .fields = (const VMStateField[]) {
                VMSTATE_UINT32(a, D), VMSTATE_END_OF_LIST()
            }
        };
        """)
    assert run(["inspect", "d.c"]) == 2
    said = capsys.readouterr().err
    assert "the header hw/sysbus.h is not found [VG110]" in said
    assert "source tree with --qemu TREE" in said
    assert "VG201" in said
    assert "give the missing header first" in said


def test_inspect_reads_files_without_an_option(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "d.c").write_text("""
        #include "migration/vmstate.h"
        typedef struct D { uint32_t a; } D;
        const VMStateDescription vmstate_d = {
            .name = "d", .version_id = 1, .minimum_version_id = 1,
            .fields = (const VMStateField[]) {
                VMSTATE_UINT32(a, D), VMSTATE_END_OF_LIST()
            }
        };
        """)
    assert run(["inspect", "d.c"]) == 0
    shown = capsys.readouterr().out
    assert "vmstate_d" in shown
    assert run(["inspect", "d.c", "d"]) == 0
    assert capsys.readouterr().out == shown
    assert "no such file: e.c" in wrong("inspect e.c", folder, capsys)
    assert "exclude each other" in wrong("inspect d.c --ir d.c", folder, capsys)


def test_a_stream_that_is_cut_in_its_description_is_read_by_a_release(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every section is there, so registers are shown; then comes what is wrong."""
    (folder / "end.mig").write_bytes(whole(RISCV)[:-300])
    assert run(["stream", "show", "end.mig", "pc", "--release", "10.0"]) == 2
    shown = capsys.readouterr()
    assert shown.out == "  cpu/0.pc = 0x80000758\n"
    assert "in description: it is cut: " in shown.err
    assert "[VG702]" in shown.err
    assert "every section is there" in shown.err
    assert run(["stream", "show", "end.mig"]) == 2
    said = capsys.readouterr().err
    assert "does not know which QEMU saved the stream: its description is" in said
    assert "--release 10.0" in said
    assert run(["stream", "explain", "end.mig", "--release", "10.0"]) == 3
    assert "missing or cut: save the guest again" in capsys.readouterr().out


def test_a_part_of_a_sections_name_and_a_wrong_register(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for word, meant in (
        ("plic", "riscv_sifive_plic/0"),
        ("serial/1", "serial/0"),
        ("goldfish", "goldfish_rtc/0"),
        ("mstatuss", "mstatus"),
    ):
        assert run(["stream", "show", "good.mig", word]) == 2
        (hint,) = capsys.readouterr().err.splitlines()[-1:]
        assert hint.startswith("    hint: did you mean ")
        assert meant in hint


def test_a_stream_of_a_machine_without_a_cpu_is_listed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What saved it is not known: the names of its sections stay."""
    data = whole(RISCV)
    at, document = description_json(data)
    head = data[:at]
    for section in reversed(find_sections(data)):
        if section.name in ("cpu", "cpu_common"):
            head = head[: section.header] + head[section.end + 5 :]
    kept = [one for one in document["devices"] if one["name"][:3] != "cpu"]
    text = json.dumps({**document, "devices": kept}).encode()
    behind = b"\x06" + len(text).to_bytes(4, "big") + text
    (folder / "none.mig").write_bytes(head + behind)
    assert run(["stream", "show", "none.mig"]) == 0
    shown = capsys.readouterr()
    assert "its description has no CPU; name the release with --release" in shown.err
    assert "goldfish_rtc" in shown.out
    assert "cpu" not in shown.out
    assert (
        run(["stream", "show", "none.mig", "--release", "10.0", "-t", "riscv64"]) == 0
    )
    named = capsys.readouterr()
    assert named.err == ""
    assert "goldfish_rtc" in named.out
