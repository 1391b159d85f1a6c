"""Verdicts for people, for programs, and for reviews on GitHub."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from vmgen.paint import Kind as PaintKind
from vmgen.paint import Paint, plain
from vmgen.source import Position
from vmgen.verdict.model import (
    RANK,
    Confirmation,
    Direction,
    Finding,
    Judgement,
    Key,
    Kind,
    Outcome,
    SectionVerdict,
    worst,
)

BOTH: tuple[Direction, ...] = ("forward", "backward")

_WORDS: dict[Kind, str] = {
    "incompatible": "incompatible",
    "unknown": "could not tell",
    "conditional": "compatible if",
    "compatible": "compatible",
}
_PAINT: dict[Kind, PaintKind] = {
    "incompatible": "error",
    "unknown": "note",
    "conditional": "warning",
    "compatible": "ok",
}

Confirmations = Mapping[tuple[Key, Direction], Confirmation]


def text(
    judgement: Judgement,
    paint: Paint = plain,
    *,
    directions: Sequence[Direction] = BOTH,
    notes: bool = False,
    confirmations: Sequence[Confirmation] = (),
) -> str:
    """One target: a line of counts for each direction, then every section that is not
    plainly compatible, worst first; sections with the same cause together.

    ``notes`` adds what is compatible and still worth knowing.
    """
    lines = [_head(judgement, direction, paint) for direction in directions]
    tried = {(item.of, item.direction): item for item in confirmations}
    for kind in sorted(RANK, key=RANK.__getitem__, reverse=True):
        groups = list(_groups(judgement, kind, directions, notes))
        if not groups:
            continue
        title = _WORDS[kind] if kind != "conditional" else "compatible under conditions"
        lines += ["", paint(_PAINT[kind], title)]
        for sections in groups:
            lines += _group(judgement, sections, directions, paint, notes, tried)
    if confirmations:
        lines += ["", *_tried(confirmations, paint)]
    return "\n".join(lines) + "\n"


def _names(judgement: Judgement) -> tuple[str, str]:
    """What the two sides are called: their releases, if these tell them apart."""
    if judgement.old and judgement.new and judgement.old != judgement.new:
        return judgement.old, judgement.new
    return "old", "new"


def _way(judgement: Judgement, direction: Direction) -> str:
    old, new = _names(judgement)
    return f"{old} → {new}" if direction == "forward" else f"{new} → {old}"


def _head(judgement: Judgement, direction: Direction, paint: Paint) -> str:
    counts = Counter(section.outcome(direction).kind for section in judgement.sections)
    words = {
        "incompatible": "incompatible",
        "unknown": "undecided",
        "conditional": "under conditions",
        "compatible": "compatible",
    }
    parts = [
        f"{counts[kind]} {paint(_PAINT[kind], words[kind])}"
        for kind in sorted(RANK, key=RANK.__getitem__, reverse=True)
        if counts[kind]
    ]
    target = paint("heading", judgement.target) if judgement.target else "all"
    return f"{target}  {_way(judgement, direction)}: {', '.join(parts) or 'nothing'}"


def _groups(
    judgement: Judgement, kind: Kind, directions: Sequence[Direction], notes: bool
) -> Iterator[list[SectionVerdict]]:
    """Sections whose worst verdict is this, those with the same findings together."""
    groups: dict[object, list[SectionVerdict]] = {}
    for section in judgement.sections:
        outcomes = [section.outcome(direction) for direction in directions]
        if worst(outcome.kind for outcome in outcomes) != kind:
            continue
        if kind == "compatible" and not (notes and any(_told(one) for one in outcomes)):
            continue
        key = tuple(
            (
                outcome.kind,
                tuple(
                    (finding.reason, finding.symbol, finding.old, finding.new)
                    for finding in outcome.findings
                ),
            )
            for outcome in outcomes
        )
        alone = kind == "compatible" or not any(one.findings for one in outcomes)
        groups.setdefault((key, section.section if alone else ""), []).append(section)
    yield from groups.values()


def _told(outcome: Outcome) -> tuple[Finding, ...]:
    return tuple(note for note in outcome.notes if note.reason != "assumed")


def _group(
    judgement: Judgement,
    sections: list[SectionVerdict],
    directions: Sequence[Direction],
    paint: Paint,
    notes: bool,
    tried: Confirmations,
) -> list[str]:
    first = sections[0]
    names = [paint("name", section.section or section.old) for section in sections[:4]]
    more = f" and {len(sections) - 4} more" if len(sections) > 4 else ""
    symbols = dict.fromkeys(name for name in (first.old, first.new) if name)
    about = paint("faint", f" ({' → '.join(symbols)})") if len(sections) == 1 else ""
    lines = [f"  {', '.join(names)}{more}{about}"]
    for direction in directions:
        outcome = first.outcome(direction)
        if outcome.kind == "compatible" and not (notes and _told(outcome)):
            continue
        verdict = paint(_PAINT[outcome.kind], _WORDS[outcome.kind])
        condition = f" {outcome.condition}" if outcome.kind == "conditional" else ""
        lines.append(f"    {_way(judgement, direction)}: {verdict}{condition}")
        for finding in outcome.findings:
            lines += _finding(finding, direction, paint)
        for note in _told(outcome) if notes else ():
            lines.append(
                f"      {paint('note', 'note:')} {note.text}{_places(note, paint)}"
            )
        lines += _counterexample(tried.get((first.key, direction)), paint)
    return lines


def _finding(finding: Finding, direction: Direction, paint: Paint) -> list[str]:
    where = f" in {finding.symbol}" if finding.symbol else ""
    at = f", at byte {finding.offset}" if finding.offset[:1].isdigit() else ""
    lines = [f"      {finding.text}{paint('faint', where + at)}"]
    sides = [(finding.source, finding.old), (finding.target, finding.new)]
    if direction == "backward":
        sides = [(finding.source, finding.new), (finding.target, finding.old)]
    if finding.source or finding.target:
        for sign, kind, (said, position) in zip(
            ("writes", "reads "), ("removed", "added"), sides, strict=True
        ):
            place = paint("place", f"  ({position})") if position.file else ""
            lines.append(f"        {paint(kind, f'{sign} {said}')}{place}")  # type: ignore[arg-type]
    return lines


def _places(finding: Finding, paint: Paint) -> str:
    known = [str(place) for place in (finding.old, finding.new) if place.file]
    return paint("place", f"  ({' → '.join(known)})") if known else ""


def _counterexample(tried: Confirmation | None, paint: Paint) -> list[str]:
    if tried is None or tried.failure is None:
        return []
    data = tried.failure.data
    at = max(tried.failure.offset, 0)
    start = max(0, min(at, len(data)) - 8)
    shown = data[start : start + 16].hex(" ")
    cut = ("... " if start else "") + shown + (" ..." if start + 16 < len(data) else "")
    return [
        f"      {paint('hint', 'seen:')} {tried.failure.text}",
        f"            bytes from {start}: {cut}",
    ]


def _tried(confirmations: Sequence[Confirmation], paint: Paint) -> list[str]:
    counts = Counter(item.answer for item in confirmations)
    sections = sum(item.tried for item in confirmations)
    lines = [
        f"{sections} random sections tried: {counts['confirmed']} verdicts confirmed,"
        f" {counts['contradicted']} contradicted, {counts['open']} not tried"
    ]
    for item in confirmations:
        if item.answer == "contradicted":
            seen = item.failure.text if item.failure else "every section survived"
            lines.append(
                f"  {paint('error', 'contradicted:')} {item.section} {item.direction}"
                f" is {item.kind}, but {seen}"
            )
    whys = Counter(item.why for item in confirmations if item.answer == "open")
    for why, count in whys.most_common(3):
        if why:
            lines.append(f"  {count} x not tried: {why}")
    return lines


# --- for programs ---------------------------------------------------------------------


def as_json(
    judgement: Judgement,
    directions: Sequence[Direction] = BOTH,
    confirmations: Sequence[Confirmation] = (),
) -> dict[str, object]:
    """The judgement as JSON values; positions as ``file:line:column``."""
    tried = {(item.of, item.direction): item for item in confirmations}
    return {
        "target": judgement.target,
        "old": judgement.old,
        "new": judgement.new,
        "verdict": judgement.worst(directions),
        "sections": [
            {
                "section": section.section,
                "old": section.old,
                "new": section.new,
                "cpu": section.cpu,
                **{
                    direction: _outcome_json(
                        section.outcome(direction),
                        tried.get((section.key, direction)),
                    )
                    for direction in directions
                },
            }
            for section in judgement.sections
        ],
    }


def _outcome_json(outcome: Outcome, tried: Confirmation | None) -> dict[str, object]:
    found: dict[str, object] = {"verdict": outcome.kind}
    if outcome.condition:
        found["condition"] = outcome.condition
    for name, findings in (("findings", outcome.findings), ("notes", outcome.notes)):
        if findings:
            found[name] = [_finding_json(finding) for finding in findings]
    if tried is not None:
        found["tried"] = tried.tried
        found["survived"] = tried.survived
        found["answer"] = tried.answer
        if tried.failure is not None:
            found["counterexample"] = {
                "bytes": tried.failure.data.hex(),
                "offset": tried.failure.offset,
                "text": tried.failure.text,
            }
    return found


def _finding_json(finding: Finding) -> dict[str, str]:
    return {
        item.name: str(value)
        for item in dataclasses.fields(finding)
        if str(value := getattr(finding, item.name))
    }


# --- for reviews ----------------------------------------------------------------------


def github(
    judgement: Judgement,
    directions: Sequence[Direction] = BOTH,
    folders: tuple[str, str] = ("", ""),
) -> str:
    """A workflow command a finding: an error for what is incompatible, a warning for
    conditions and for what could not be told.

    ``folders`` are those of OLD's and NEW's tree in the repository, where they are not the
    repository itself: annotations go by its paths.
    """
    lines: dict[str, None] = {}
    for section in judgement.sections:
        for direction in directions:
            outcome = section.outcome(direction)
            for finding in outcome.findings:
                place = _place(finding, folders)
                line = _annotation(
                    judgement, section, direction, outcome, finding, place
                )
                lines[line] = None
    return "".join(f"{line}\n" for line in lines)


def _place(finding: Finding, folders: tuple[str, str]) -> Position:
    """Where the finding is shown: in NEW, if it is there."""
    old, new = folders
    place, folder = (finding.new, new) if finding.new.file else (finding.old, old)
    if not (folder and place.file):
        return place
    return dataclasses.replace(place, file=f"{folder}/{place.file}")


def _annotation(
    judgement: Judgement,
    section: SectionVerdict,
    direction: Direction,
    outcome: Outcome,
    finding: Finding,
    place: Position,
) -> str:
    level = "error" if outcome.kind == "incompatible" else "warning"
    title = f"{section.section}: {_way(judgement, direction)} {outcome.kind}"
    said = finding.text
    if finding.condition:
        said += f"\nLoads if {finding.condition}"
    return f"::{level} {_properties(place, title)}::{_escaped(said)}"


def _properties(place: Position, title: str) -> str:
    values: dict[str, Any] = {}
    if place.file:
        values["file"] = place.file
        if place.line:
            values["line"] = place.line
    values["title"] = title
    return ",".join(
        f"{name}={_escaped(str(value)).replace(':', '%3A').replace(',', '%2C')}"
        for name, value in values.items()
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def status(
    judgements: Iterable[Judgement], directions: Sequence[Direction], strict: bool
) -> int:
    """The exit status: 0 compatible, 1 incompatible, 2 could not tell; with ``strict``
    a condition counts as incompatible."""
    kind = worst(judgement.worst(directions) for judgement in judgements)
    if kind == "incompatible" or (strict and kind == "conditional"):
        return 1
    return 2 if kind == "unknown" else 0
