"""What a change of the wire means for those who ship it, and what passes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from vmgen.cli import run
from vmgen.config import Accepted, accepted
from vmgen.source import VmgenError
from vmgen.verdict import Judgement, Outcome, SectionVerdict
from vmgen.verdict.gate import Gate, summed_up
from vmgen.verdict.model import COMPATIBLE, Finding

DEVICE = """
#include "migration/vmstate.h"
typedef struct Uart {{ uint32_t control; uint32_t mode; bool fast; }} Uart;
{fast}const VMStateDescription vmstate_uart = {{
    .name = "uart", .version_id = {version}, .minimum_version_id = 1,
    .fields = (const VMStateField[]) {{ VMSTATE_UINT32({field}, Uart), VMSTATE_END_OF_LIST() }},
    .subsections = (const VMStateDescription * const []) {{ {subsection} NULL }},
}};
"""
FAST = """static bool fast_needed(void *opaque) { Uart *s = opaque; return s->fast; }
static const VMStateDescription vmstate_fast = {
    .name = "uart/fast", .version_id = 1, .minimum_version_id = 1, .needed = fast_needed,
    .fields = (const VMStateField[]) { VMSTATE_UINT32(mode, Uart), VMSTATE_END_OF_LIST() },
};
"""
SAME = {"version": 1, "field": "control", "subsection": "", "fast": ""}
RENAMED = {**SAME, "field": "mode"}
NOTE = {**SAME, "subsection": "&vmstate_fast,", "fast": FAST}
BREAK = {**SAME, "version": 2}


@dataclass
class Done:
    status: int
    err: str


@pytest.fixture
def vmgen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def done(*words: str) -> Done:
        status = run(list(words))
        return Done(status, capsys.readouterr().err)

    return done


def written(folder: Path, **members: object) -> Path:
    file = folder / "uart.c"
    file.write_text(DEVICE.format(**members))
    return file


@pytest.mark.parametrize(
    ("change", "level", "direction", "status"),
    [
        (SAME, "harmless", "both", 0),
        (RENAMED, "harmless", "both", 1),
        (RENAMED, "note", "both", 0),
        (NOTE, "note", "both", 1),
        (NOTE, "note", "forward", 0),  # what old guests sent is read
        (NOTE, "break", "both", 0),
        (BREAK, "break", "both", 1),
        (BREAK, "break", "forward", 0),
        (BREAK, "break", "backward", 1),
    ],
)
def test_a_change_fails_at_its_level(
    change: dict[str, object],
    level: str,
    direction: str,
    status: int,
    tmp_path: Path,
    vmgen: Callable[..., Done],
) -> None:
    written(tmp_path, **SAME)
    assert vmgen("lock", "uart.c").status == 0
    written(tmp_path, **change)
    done = vmgen("check", "uart.c", "--level", level, "--direction", direction)
    assert done.status == status, done.err


def test_what_was_shipped_is_a_name_in_the_configuration(
    tmp_path: Path, vmgen: Callable[..., Done]
) -> None:
    written(tmp_path, **SAME)
    assert vmgen("lock", "uart.c", "-o", "shipped.json").status == 0
    (tmp_path / "pyproject.toml").write_text(
        '[tool.vmgen.baselines]\nlast = "shipped.json"\n'
    )
    assert vmgen("check", "uart.c", "--against", "last").status == 0
    written(tmp_path, **BREAK)
    done = vmgen("check", "uart.c", "--against", "last", "--level", "break")
    assert done.status == 1
    assert "break, backward: uart" in done.err
    done = vmgen("check", "uart.c", "--against", "never")
    assert done.status == 2
    assert "VG632" in done.err


def test_a_target_that_the_baseline_lacks_does_not_pass(
    tmp_path: Path, vmgen: Callable[..., Done]
) -> None:
    written(tmp_path, **SAME)
    done = vmgen("check", "uart.c", "--against", "10.0", "--level", "break")
    assert done.status == 1
    assert "not in 10.0" in done.err


def test_what_was_accepted_passes_with_its_reason(
    tmp_path: Path, vmgen: Callable[..., Done]
) -> None:
    written(tmp_path, **SAME)
    vmgen("lock", "uart.c")
    written(tmp_path, **BREAK)
    (tmp_path / "ok.toml").write_text(
        '[[accepted]]\nsection = "uart"\ndirection = "backward"\nreason = "no way back"\n'
    )
    (tmp_path / "pyproject.toml").write_text('[tool.vmgen]\naccepted = "ok.toml"\n')
    done = vmgen("check", "uart.c", "--level", "break")
    assert done.status == 0
    assert "accepted: uart, backward: no way back" in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[accepted]]\nsection = "uart"\n', "it has no reason"),
        ('[[accepted]]\nreason = "x"\n', "it has no section"),
        (
            '[[accepted]]\nsection = "a"\nreason = "b"\nwhat = "c"\n',
            "unknown key 'what'",
        ),
        ('[[accepted]]\nsection = 3\nreason = "b"\n', "'section' should be a string"),
        (
            '[[accepted]]\nsection = "a"\nreason = "b"\ndirection = "up"\n',
            "one of forward",
        ),
        ("accepted = 3\n", "it is no table"),
        ("[other]\n", "unknown table 'other'"),
    ],
)
def test_an_entry_that_accepts_nothing_is_an_error(
    text: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "ok.toml"
    file.write_text(text)
    with pytest.raises(VmgenError, match="VG615") as caught:
        accepted(file)
    assert said in str(caught.value)


def judgement(forward: Outcome, target: str = "arm") -> Judgement:
    section = SectionVerdict("uart", "v", "v", "f.c", "f.c", forward, COMPATIBLE)
    return Judgement(target, "1.0", "2.0", (section,))


def test_what_could_not_be_told_counts_as_a_break() -> None:
    gate = Gate(("forward", "backward"))
    gate.judge(judgement(Outcome("unknown")))
    assert gate.worst == "break"
    assert summed_up(gate.found) == ["break, forward: uart"]


def test_an_entry_for_another_target_or_direction_accepts_nothing() -> None:
    """Only of one about what the gate looks at is it said that nothing needs it."""
    for entry, unused in (
        (Accepted("uart", "why", target="riscv64"), False),
        (Accepted("uart", "why", direction="backward"), False),
        (Accepted("tty", "why"), True),
        (Accepted("tty", "why", target="arm", direction="forward"), True),
    ):
        gate = Gate(("forward",), (entry,))
        gate.judge(judgement(Outcome("incompatible", (Finding("width"),))))
        assert gate.fails("break")
        assert gate.unused == ((entry,) if unused else ())


def test_an_entry_for_one_finding_does_not_hide_another() -> None:
    entry = Accepted("uart", "nobody sets it", kind="width", field="mode")
    one, two = Finding("width", field="mode"), Finding("width", field="control")
    gate = Gate(("forward",), (entry,))
    gate.judge(judgement(Outcome("incompatible", (one,))))
    assert not gate.fails("note")
    gate = Gate(("forward",), (entry,))
    gate.judge(judgement(Outcome("incompatible", (one, two))))
    assert gate.fails("break")


@pytest.fixture
def accepting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project of those who accept that 9.1 has no s390_css."""
    monkeypatch.chdir(tmp_path)
    entry = (
        '[[accepted]]\nsection = "s390_css"\ndirection = "{}"\nreason = "none has it"\n'
    )
    (tmp_path / "ok.toml").write_text(entry.format("forward"))
    (tmp_path / "other.toml").write_text(entry.format("backward"))
    (tmp_path / "pyproject.toml").write_text('[tool.vmgen]\naccepted = "ok.toml"\n')
    return tmp_path


COMPAT = ["compat", "10.0.2", "9.1.0", "-t", "s390x", "-m", "s390-ccw-virtio-8.0"]


def test_compat_hears_what_the_project_accepts(
    accepting: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(COMPAT) == 0
    out = capsys.readouterr().out
    assert "10.0.2 → 9.1.0: refused, 1 section (s390_css), accepted; " in out
    assert "      accepted: 10.0.2 → 9.1.0: none has it\n" in out
    assert run([*COMPAT, "--accepted", "other.toml"]) == 1
    out = capsys.readouterr().out
    assert "refused, 1 section (s390_css); " in out
    assert "accepted:" not in out
    assert run([*COMPAT, "--accepted", "never.toml"]) == 2


def test_accepted_findings_in_data_and_annotations(
    accepting: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*COMPAT, "--format", "json"]) == 0
    (target,) = json.loads(capsys.readouterr().out)["targets"]
    (machine,) = target["machines"]
    assert machine["forward"]["answer"] == "refused"
    assert (machine["forward"]["verdict"], machine["forward"]["left"]) == (
        "incompatible",
        "conditional",
    )
    accepted = {one["section"]: one["accepted"] for one in target["sections"]}
    assert accepted.pop("s390_css") == {"forward": "none has it"}
    assert not any(accepted.values())
    assert run([*COMPAT, "--format", "github"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (css,) = [one for one in lines if "title=s390_css" in one]
    assert css.startswith("::notice ")
    assert css.endswith("Accepted: none has it")
    assert run([*COMPAT, "--format", "html"]) == 0
    assert "Accepted, 10.0.2 → 9.1.0: none has it" in capsys.readouterr().out


GONE = '\n[[accepted]]\nsection = "never"\nreason = "it was"\n'


def test_what_is_accepted_and_not_there_is_said_by_check_and_compat_alike(
    accepting: Path, vmgen: Callable[..., Done]
) -> None:
    said = "accepted and not there any more: never"
    with (accepting / "ok.toml").open("a") as file:
        file.write(GONE)
    whole = vmgen(*COMPAT[:5], "-m", "versioned")
    assert f"{said}, for these guests\n" in vmgen(*COMPAT).err
    assert (whole.status, whole.err.count("not there any more")) == (0, 1)
    done = vmgen("compat", "10.0.0", "10.0.2", "-t", "avr")
    assert done.err.splitlines() == ["accepted and not there any more: s390_css", said]
    assert done.status == 0
    # Nothing is said of what was not looked at.
    done = vmgen("compat", "10.0.0", "10.0.2", "-t", "avr", "--direction", "backward")
    assert done.err.splitlines() == [said]
    done = vmgen("compat", "10.0.0", "10.0.2", "-t", "avr", "--strict")
    assert (done.status, done.err.count("\n--strict: an accepted finding")) == (1, 1)
    written(accepting, **SAME)
    vmgen("lock", "uart.c")
    written(accepting, **RENAMED)
    done = vmgen("check", "uart.c", "--level", "note")
    assert (done.status, f"{said}\n" in done.err) == (0, True)
    done = vmgen("check", "uart.c", "--level", "note", "--strict")
    assert (done.status, "\n--strict: an accepted finding" in done.err) == (1, True)


def test_strict_says_what_it_counts(tmp_path: Path, vmgen: Callable[..., Done]) -> None:
    said = "--strict: a condition counts as a refusal: exit status 1"
    for command in ("compat", "diff"):
        line = [command, "9.1", "9.2", "-t", "x86_64", "--direction", "forward"]
        line += ["-m", "pc-q35-9.1"] if command == "compat" else []
        lax, strict = vmgen(*line), vmgen(*line, "--strict")
        assert strict.status == 1
        assert (said in strict.err) == (lax.status != 1)
        assert said not in lax.err
    wrong = "VMSTATE_UINT32(gone, Uart), VMSTATE_UINT32({field}, Uart)"
    text = DEVICE.replace("VMSTATE_UINT32({field}, Uart)", wrong).format(**SAME)
    own = DEVICE.format(**SAME).replace("vmstate_uart", "vmstate_two")
    (tmp_path / "uart.c").write_text(text + own.partition("Uart;\n")[2])
    done = vmgen("lock", "uart.c", "--strict")
    assert done.status == 2
    assert (
        "--strict: 1 of 2 descriptions not read: uart.c vmstate_uart: exit status 2\n"
        in done.err
    )


TWO = ["compat", "9.1", "9.2", "-t", "s390x", "-t", "avr", "--direction", "forward"]


def test_what_is_asked_of_several_targets_must_fit_one_of_them(
    tmp_path: Path, vmgen: Callable[..., Done]
) -> None:
    """Machine types, devices, models of CPUs: a target without any of the machine types is
    named and left out."""
    done = vmgen(*TWO, "-m", "s390-*-9.*", "-m", "arduino-*")
    assert (done.status, done.err) == (0, "")
    done = vmgen(*TWO, "-m", "arduino-*")
    assert done.status == 0
    assert done.err == "s390x: none of its machine types is arduino-*: not compared\n"
    for words in (["-m", "arduino-*", "-m", "pc-*"], ["-m", "pc-q35-9.1"]):
        done = vmgen(*TWO, *words)
        assert done.status == 2
        assert "no machine type that both sides have for s390x, avr is 'pc-" in done.err
    assert vmgen(*TWO, "--devices", "virtio-gpu-ccw").status == 0
    done = vmgen(*TWO, "--devices", "virtio-gpu-ccw,gone")
    assert (done.status, "[VG646]" in done.err) == (2, True)
    arms = [
        "compat",
        "9.1",
        "9.2",
        "-t",
        "avr",
        "-t",
        "aarch64",
        "-m",
        "virt-9.1",
        "-m",
        "arduino-uno",
    ]
    done = vmgen(*arms, "--cpu", "cortex-a57")
    assert done.status != 2
    assert "avr: it has no CPU cortex-a57: compared without --cpu\n" in done.err
    done = vmgen(*TWO, "--cpu", "cortex-a57")
    assert (done.status, "[VG646]" in done.err) == (2, True)
