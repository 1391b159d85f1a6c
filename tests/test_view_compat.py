"""The report of ``vmgen compat``: every verdict is in it, and nothing of it runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.pages import Parsed, closed
from tests.test_verdict_show import BAD, BOOL, WHEN, judgement, section
from vmgen.cli import run
from vmgen.verdict import show_machines
from vmgen.verdict.model import Judgement, Outcome
from vmgen.view.compat import compat_page

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
