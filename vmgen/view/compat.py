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

CLASSES: Mapping[show_machines.Answer, str] = {
    "loads": "loads", "refused": "refused", "misread": "misread", "not known": "not-known",
}  # fmt: skip

ACCEPTED = "accepted"
"""The class of an answer that does not count in the exit status."""


@dataclass(frozen=True, slots=True)
class ReportCell:
    """The answer for a machine type in one direction: ``kind`` is a class of the style,
    ``anchors`` are the sections behind it, by name and the id of what unfolds, and
    whether somebody accepted what it has; ``added`` are the answers where a user adds a
    device, with theirs."""

    kind: str
    answer: str
    anchors: tuple[tuple[str, str, bool], ...]
    added: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()


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
    unfolded from the beginning; ``devices`` are those that a user must add for it,
    ``accepted`` the directions in which it was accepted, with the reasons."""

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
    devices: str
    accepted: tuple[tuple[str, str], ...] = ()


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
    for verdict, added in show_machines.GROUPS:
        if verdict == "compatible":
            continue
        sections = tuple(
            _section(
                one, anchors[one.section], first, len(judgements), directions, added
            )
            for one in show_machines.in_group(affected, verdict, added, directions)
        )
        if sections:
            groups.append((show_machines.title(verdict, added), sections))
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
    behind = show_machines.behind(one, direction) if verdict != "compatible" else []
    bad = _linked(behind, direction, anchors)
    answer = show_machines.answer(one, direction)
    said: str = answer
    if verdict == "conditional" and bad:
        said = f"{answer}, if"
    added = tuple(
        (
            f"{said_of} with added devices:",
            tuple(
                (section.section, anchors[section])
                for section in one.sections
                if section.section in names
                and section.counted(direction) != section.outcome(direction).verdict
            ),
        )
        for said_of, names in show_machines.answers_with_added(one, direction).items()
    )
    kind = CLASSES[answer]
    counts = show_machines.accepted_but(one, direction)
    if counts is not None:
        kind = ACCEPTED if counts == "loads" else CLASSES[counts]
        said += ", accepted"
    if counts == "not known":
        said += f"; {counts}"
        bad += _linked(show_machines.still_behind(one, direction), direction, anchors)
    return ReportCell(kind, said, tuple(bad), added)


def _linked(
    sections: Sequence[SectionVerdict],
    direction: Direction,
    anchors: Mapping[SectionVerdict, str],
) -> list[tuple[str, str, bool]]:
    """Sections by name, with the id of what unfolds, and whether they were accepted."""
    return [
        (
            one.section or one.old,
            anchors[one],
            one.left(direction) == "compatible" != one.counted(direction),
        )
        for one in sections
    ]


def _section(
    one: Affected,
    anchor: str,
    judgement: Judgement,
    machines: int,
    directions: Sequence[Direction],
    added: bool,
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
        verdict == "incompatible" and not added,
        ", ".join(section.devices) if added else "",
        tuple(
            (show.way(judgement, direction), reason)
            for direction, reason in section.accepted
            if direction in directions
        ),
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
