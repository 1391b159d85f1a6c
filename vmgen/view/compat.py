"""``vmgen compat --format html``: the verdicts of many machine types as a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vmgen.verdict import show, show_machines, words
from vmgen.verdict.machines import Affected, by_section
from vmgen.verdict.model import (
    Direction,
    Finding,
    Judgement,
    SectionVerdict,
    Verdict,
    worst,
)
from vmgen.view.page import page

ORDER: tuple[Verdict, ...] = ("incompatible", "unknown", "conditional", "compatible")
"""What a reader looks for first."""

CLASSES: Mapping[show_machines.Answer, str] = {
    "loads": "loads", "refused": "refused", "misread": "misread", "not known": "not-known",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReportCell:
    """The answer for a machine type in one direction: ``kind`` is a class of the style,
    ``anchors`` are the sections behind it, by name and the id of what unfolds."""

    kind: str
    answer: str
    anchors: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ReportFinding:
    """A finding; ``sides`` is for each side what it does, and where in its C."""

    sentence: str
    where: str
    sides: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class ReportWay:
    """One direction of a section's verdict."""

    way: str
    kind: str
    verdict: str
    condition: str
    findings: tuple[ReportFinding, ...]


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A section's verdict, which the machine types share; ``opened`` for one that is
    unfolded from the beginning."""

    anchor: str
    name: str
    symbols: str
    verdict: str
    kind: str
    whom: str
    machines: str
    ways: tuple[ReportWay, ...]
    fixes: tuple[str, ...]
    opened: bool


@dataclass(frozen=True, slots=True)
class ReportTarget:
    """One target: the matrix, then the sections, worst first.  ``others`` names the sections
    that differ and that none of the machine types has."""

    target: str
    ways: tuple[str, ...]
    rows: tuple[tuple[str, tuple[ReportCell, ...]], ...]
    only: tuple[tuple[str, str], ...]
    others: str
    groups: tuple[tuple[str, tuple[ReportSection, ...]], ...]
    compatible: int


Judged = tuple[Mapping[str, Judgement], tuple[Sequence[str], Sequence[str]]]
"""The judgements by machine type, and the machine types of one side alone."""


def compat_page(
    names: Sequence[str], judged: Sequence[Judged], directions: Sequence[Direction]
) -> str:
    """The report on OLD and NEW (``names``), target by target."""
    targets = [
        _target(number, judgements, only, directions)
        for number, (judgements, only) in enumerate(judged)
    ]
    title = f"vmgen compat {' '.join(names)}"
    return page("report", None, title=title, targets=targets)


def _target(
    number: int,
    judgements: Mapping[str, Judgement],
    only: tuple[Sequence[str], Sequence[str]],
    directions: Sequence[Direction],
) -> ReportTarget:
    first = next(iter(judgements.values()))
    affected = by_section(judgements)
    anchors = {one.section: f"s{number}-{place}" for place, one in enumerate(affected)}
    rows = tuple(
        (
            machine or "every machine",
            tuple(_cell(one, direction, anchors) for direction in directions),
        )
        for machine, one in judgements.items()
    )
    groups = []
    for verdict in ORDER[:-1]:
        found = [one for one in affected if _worst(one, directions) == verdict]
        sections = tuple(
            _section(one, anchors[one.section], first, len(judgements), directions)
            for one in found
        )
        if sections:
            groups.append((words.TITLES[verdict], sections))
    fine = sum(_worst(one, directions) == "compatible" for one in affected)
    return ReportTarget(
        first.target or "machine types",
        tuple(show.way(first, direction) for direction in directions),
        rows,
        tuple(
            (side, ", ".join(found))
            for side, found in zip(("OLD", "NEW"), only, strict=True)
            if found
        ),
        ", ".join(show_machines.of_others(judgements, directions)),
        tuple(groups),
        fine,
    )


def _worst(one: Affected, directions: Sequence[Direction]) -> Verdict:
    return worst(one.section.outcome(direction).verdict for direction in directions)


def _cell(
    one: Judgement, direction: Direction, anchors: Mapping[SectionVerdict, str]
) -> ReportCell:
    verdict = one.worst((direction,))
    bad = [
        (section.section or section.old, anchors[section])
        for section in one.sections
        if verdict != "compatible" and section.outcome(direction).verdict == verdict
    ]
    answer = show_machines.answer(one, direction)
    said: str = answer
    if verdict == "conditional":
        said = f"{answer}, if"
    return ReportCell(CLASSES[answer], said, tuple(bad))


def _section(
    one: Affected,
    anchor: str,
    judgement: Judgement,
    machines: int,
    directions: Sequence[Direction],
) -> ReportSection:
    section = one.section
    verdict = _worst(one, directions)
    count = len(one.machines)
    whom = (
        "every machine type"
        if count == machines
        else f"{count} machine type{'s' * (count > 1)}"
    )
    ways = []
    fixes: dict[str, None] = {}
    for direction in directions:
        outcome = section.outcome(direction)
        findings = tuple(map(_finding, outcome.findings))
        if outcome.verdict == "compatible":
            continue
        fixes |= dict.fromkeys(filter(None, map(words.fix, outcome.findings)))
        condition = ""
        if outcome.verdict == "conditional":
            condition = words.every(outcome.findings)
        ways.append(
            ReportWay(
                show.way(judgement, direction), outcome.verdict,
                words.VERDICTS[outcome.verdict], condition, findings,
            )
        )  # fmt: skip
    symbols = dict.fromkeys(name for name in (section.old, section.new) if name)
    return ReportSection(
        anchor,
        section.section or section.old,
        " → ".join(symbols),
        words.VERDICTS[verdict],
        verdict,
        whom,
        ", ".join(name or "every machine" for name in one.machines),
        tuple(ways),
        tuple(sorted(fixes)),
        verdict == "incompatible",
    )


def _finding(found: Finding) -> ReportFinding:
    where = f"in {found.symbol}" if found.symbol else ""
    if found.offset is not None:
        where += f", at byte {words.offset(found.offset)}"
    sides = []
    for verb, side, said in (
        ("saves", found.source, words.does(found, "source")),
        ("loads", found.target, words.does(found, "target")),
    ):
        place = str(side.position) if side.position.file else ""
        if said or place:
            sides.append((verb, said, place))
    return ReportFinding(words.sentence(found), where.strip(", "), tuple(sides))
