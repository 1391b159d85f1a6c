"""The report of ``vmgen compat``: every verdict is in it, and nothing of it runs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.pages import Parsed, closed
from tests.test_verdict_show import BAD, BOOL, WHEN, judgement, section
from vmgen.cli import run
from vmgen.stream.registers.naming import names
from vmgen.stream.registers.system import ListedRegisters
from vmgen.stream.registers.table import table
from vmgen.verdict import show_machines
from vmgen.verdict.machines import by_section
from vmgen.verdict.model import Direction, Finding, Judgement, Outcome, Side
from vmgen.view.compat import compat_page

OPEN = Outcome("unknown", (BOOL,))
JUDGEMENTS = {
    "pc-1": judgement(section("dev", BAD, WHEN), section("fine")),
    "pc-2": judgement(section("dev", WHEN), section("fine")),
}


def report(judgements: dict[str, Judgement] = JUDGEMENTS, **more: Any) -> Parsed:
    judged = [(judgements, more.get("only", ((), ())))]
    return closed(compat_page(("1", "2"), judged, ("forward", "backward")))


def rows(page: Parsed) -> list[list[str]]:
    """The cells of the matrix, by what is between its tags."""
    matrix = page.text.partition("machine type")[2].partition("incompatible")[0]
    return [line.split() for line in matrix.splitlines() if line.strip()]


def test_the_matrix_has_the_answers_of_the_text() -> None:
    words = [word for row in rows(report()) for word in row]
    for machine, one in JUDGEMENTS.items():
        at = words.index(machine)
        answers = [
            show_machines.answer(one, direction)
            for direction in ("forward", "backward")
        ]
        rest = words[at + 1 :]
        assert rest[0].strip(",") == answers[0]
        assert answers[1] in [word.strip(",") for word in rest]


def test_every_answer_leads_to_its_finding() -> None:
    page = report()
    anchors = {
        attributes["id"] for _, attributes in page.elements if "id" in attributes
    }
    linked = [attributes["href"][1:] for tag, attributes in page.elements if tag == "a"]
    assert linked
    assert set(linked) <= anchors


def test_a_finding_has_both_places_in_c_and_its_fix() -> None:
    text = report().text
    for words in ("hw/old.c:3", "hw/new.c:9", "vmstate_dev", "1 machine type", "Fix:"):
        assert words in text


AWAY = section("uart", BAD)
"""A section of a device that the board of neither machine type makes."""


def away(*wanted: bool) -> dict[str, Judgement]:
    return {
        name: replace(one, aside=(AWAY,)) if has else one
        for (name, one), has in zip(JUDGEMENTS.items(), wanted, strict=True)
    }


def test_what_differs_in_devices_of_other_machines_is_a_note_in_every_format() -> None:
    words = "in devices of other machines: uart"
    assert words in report(away(True, True)).text
    assert words not in report(away(True, False)).text
    text = show_machines.text(away(True, True), ((), ()))
    assert f"  differ {words}\n" in text
    notices = [
        line
        for line in show_machines.github(away(True, True)).splitlines()
        if line.startswith("::notice ")
    ]
    assert notices == [
        "::notice file=hw/new.c,line=9,title=uart::differ in devices of other machines"
    ]
    # Where one of the machine types has the device, the finding is there.
    assert "::notice" not in show_machines.github(away(True, False))
    assert "::notice" not in show_machines.github(away(True, True), ("backward",))
    assert words not in show_machines.text(
        away(True, True), ((), ()), directions=("backward",)
    )
    machines: Any = show_machines.as_json(away(True, False), ((), ()))["machines"]
    assert [one["aside"] for one in machines] == [["uart"], []]


@pytest.mark.parametrize(
    ("devices", "aside"),
    [(None, {"aspeed.hace", "ssi_sd"}), ("ssi-sd", {"ssi_sd"})],
)
def test_devices_narrow_what_is_said_of_other_machines(
    devices: str | None, aside: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    line = "compat 10.0.2 10.1 -t aarch64 -m virt-9.1 --direction forward --format json"
    run([*line.split(), *([] if devices is None else ["--devices", devices])])
    (target,) = json.loads(capsys.readouterr().out)["targets"]
    (machine,) = target["machines"]
    assert set(machine["aside"]) == aside


def test_names_of_c_are_text() -> None:
    payload = "<script>boom()</script>\"'><img src=x onerror=boom()>"
    bad = replace(BOOL, symbol=payload, path=payload, field=payload)
    one = judgement(section(payload, Outcome("conditional", (bad,), (), None)))
    page = report({payload: one}, only=((payload,), (payload,)))
    assert page.text.count(payload) >= 4
    assert not [tag for tag, _ in page.elements if tag in ("script", "img")]


def test_the_command_prints_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    line = "compat 7.2 10.0.2 -t x86_64 -m pc-q35-7.2 --devices am53c974 --format html"
    assert run(line.split()) == 1
    page = closed(capsys.readouterr().out)
    assert "pciespscsi" in page.text
    assert "hw/scsi/esp.c" in page.text


@pytest.mark.parametrize(
    ("sections", "cell", "status"),
    [
        ([("dev", BAD, True)], "refused, accepted dev (accepted)", 0),
        ([("dev", BAD, True), ("two", BAD, False)], "refused dev (accepted) two", 1),
        ([("dev", BAD, False)], "refused dev", 1),
        ([("dev", BAD, True), ("two", OPEN, False)],
         "refused, accepted; not known dev (accepted) two", 3),
        ([("dev", BAD, True), ("two", WHEN, False)], "refused, accepted dev (accepted)", 0),
    ],
)  # fmt: skip
def test_a_cell_says_what_the_exit_status_says(
    sections: list[tuple[str, Outcome, bool]], cell: str, status: int
) -> None:
    """What was accepted does not count, and is still recognised as what it is."""
    ways: tuple[Direction, ...] = ("forward",)
    one = judgement(
        *(
            section(name, outcome, accepted=(("forward", "why"),) if passes else ())
            for name, outcome, passes in sections
        )
    )
    assert show_machines.status([one], ways, strict=False) == status
    page = closed(compat_page(("1", "2"), [({"pc-1": one}, ((), ()))], ways))
    text = page.text.partition("pc-1")[2].partition("incompatible")[0]
    assert " ".join(text.split()) == cell
    kinds = [
        attributes["class"]
        for tag, attributes in page.elements
        if tag == "span" and attributes.get("class", "").startswith("answer")
    ]
    assert kinds == [f"answer {['accepted', 'refused', '', 'not-known'][status]}"]
    line = show_machines.text({"pc-1": one}, ((), ()), directions=ways).splitlines()[1]
    assert ("accepted" in line) == any(passes for _, _, passes in sections)
    assert ("not known" in line) == (status == 3)


def test_versions_with_one_answer_are_a_line_and_a_finding_is_said_once() -> None:
    """Fewer than six are named one by one; another answer in between ends a row."""
    bad, good = judgement(section("dev", BAD)), judgement(section("fine"))
    same = {f"pc-{number}.0": bad for number in range(20, 10, -1)}
    few = {f"virt-{number}.0": bad for number in range(5, 0, -1)}
    parted = {**same, **few, "none": bad, "pc-15.0": good}
    shown = show_machines.text(parted, ((), ()), directions=("forward",))
    rows_ = [
        line.split("  ")[1].strip() for line in shown.splitlines()[1:] if ": " in line
    ]
    assert rows_[:10] == [
        "pc-20.0", "pc-19.0", "pc-18.0", "pc-17.0", "pc-16.0", "pc-15.0", "pc-14.0", "pc-13.0",
        "pc-12.0", "pc-11.0",
    ]  # fmt: skip
    shown = show_machines.text(
        {**same, **few, "none": bad}, ((), ()), directions=("forward",)
    )
    first = shown.splitlines()[1]
    assert first.startswith(
        "  pc-20.0 to pc-11.0 (10)  1 → 2: refused, 1 section (dev)"
    )
    assert [line.split()[0] for line in shown.splitlines()[2:8]] == [*few, "none"]
    # What differs in the text of no line is said once, for all its machine types.
    away = replace(section("dev", BAD), old_file="hw/other.c")
    two = {"pc-1.0": bad, "pc-2.0": judgement(away)}
    assert by_section(two)[1:]
    shown = show_machines.text(two, ((), ()), directions=("forward",))
    assert shown.count("  dev (vmstate_dev)") == 1
    assert "machine types: all of them" in shown


def test_a_system_register_has_its_names_beside_its_number() -> None:
    """Those that 'stream show' takes, in every form."""
    number = "0x603000000013df19"
    found = Finding(
        "register", "cpu", "vmstate_arm_cpu", field=number,
        source=Side("register", "max"), target=Side("nothing"),
    )  # fmt: skip
    one = judgement(section("cpu", Outcome("incompatible", (found,))))
    said = f"system register {number} (CNTV_CTL_EL0, s3_3_c14_c3_1) of max"
    assert said in show_machines.text({"virt-9.2": one}, ((), ()))
    assert said in report({"virt-9.2": one}).text
    assert said in show_machines.github({"virt-9.2": one})
    document: Any = show_machines.as_json({"virt-9.2": one}, ((), ()))
    (finding,) = document["sections"][0]["forward"]["findings"]
    assert finding["names"] == ["CNTV_CTL_EL0", "s3_3_c14_c3_1"]
    assert finding["field"] == number
    known = table("aarch64")
    assert known is not None
    shown = ListedRegisters({int(number, 16): 0}, known).find(number)
    assert shown is not None
    assert shown.name == finding["names"][0]
    assert names(0x6030000000138000) == ("s2_0_c0_c0_0",)
    assert names(0x40200000200E0100) == ("MDCCINT_EL1", "p14_0_c0_c2_0_ns")
