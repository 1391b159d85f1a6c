"""Verdicts for people, for programs, and for reviews on GitHub."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from vmgen import ir
from vmgen.ir import json as ir_json
from vmgen.paint import Kind as PaintKind
from vmgen.paint import Paint, plain
from vmgen.source import NOWHERE, Position
from vmgen.verdict import words
from vmgen.verdict.model import (
    RANK,
    Confirmation,
    Direction,
    Finding,
    Judgement,
    Key,
    Outcome,
    SectionVerdict,
    Verdict,
    worst,
)

BOTH: tuple[Direction, ...] = ("forward", "backward")

PAINT: dict[Verdict, PaintKind] = {
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
    each_fix: bool = True,
) -> str:
    """One target: a line of counts for each direction, then every section that is not
    plainly compatible, worst first; sections with the same cause together.

    ``notes`` adds what is compatible and still worth knowing; without ``each_fix`` no
    finding says how it is fixed.
    """
    lines = [_head(judgement, direction, paint) for direction in directions]
    tried = {(item.of, item.direction): item for item in confirmations}
    for verdict in sorted(RANK, key=RANK.__getitem__, reverse=True):
        groups = list(_groups(judgement, verdict, directions, notes))
        if not groups:
            continue
        lines += ["", paint(PAINT[verdict], words.TITLES[verdict])]
        for sections in groups:
            lines += section_lines(judgement, sections, directions, paint, notes, tried)
            if each_fix:
                lines += fix_lines(sections[0], directions, paint)
    if confirmations:
        lines += ["", *_tried(confirmations, paint)]
    return "\n".join(lines) + "\n"


def _names(judgement: Judgement) -> tuple[str, str]:
    """What the two sides are called: their releases, if these differ."""
    if judgement.old and judgement.new and judgement.old != judgement.new:
        return judgement.old, judgement.new
    return judgement.called


def way(judgement: Judgement, direction: Direction) -> str:
    """The direction, by the names of the sides: ``7.2.22 → 10.0.2``."""
    old, new = _names(judgement)
    return f"{old} → {new}" if direction == "forward" else f"{new} → {old}"


def _head(judgement: Judgement, direction: Direction, paint: Paint) -> str:
    counts = Counter(
        section.outcome(direction).verdict
        for section in judgement.sections
        if section.registered
    )
    names = {**words.VERDICTS, "conditional": "under conditions"}
    parts = [
        f"{counts[verdict]} {paint(PAINT[verdict], names[verdict])}"
        for verdict in sorted(RANK, key=RANK.__getitem__, reverse=True)
        if counts[verdict]
    ]
    target = paint("heading", judgement.target) if judgement.target else "all"
    return f"{target}  {way(judgement, direction)}: {', '.join(parts) or 'no sections'}"


def _groups(
    judgement: Judgement, verdict: Verdict, directions: Sequence[Direction], notes: bool
) -> Iterator[list[SectionVerdict]]:
    """Sections whose worst verdict is this, those with the same findings together."""
    groups: dict[object, list[SectionVerdict]] = {}
    for section in judgement.sections:
        outcomes = [section.outcome(direction) for direction in directions]
        if worst(outcome.verdict for outcome in outcomes) != verdict:
            continue
        if verdict == "compatible" and not (
            notes and any(map(worth_knowing, outcomes))
        ):
            continue
        key = cause(section, directions)
        alone = verdict == "compatible" or not any(one.findings for one in outcomes)
        groups.setdefault((key, section.section if alone else ""), []).append(section)
    yield from groups.values()


def cause(section: SectionVerdict, directions: Sequence[Direction]) -> object:
    """What groups sections: equal for those with the same findings."""
    return tuple(
        (
            outcome.verdict,
            tuple(
                (
                    finding.kind,
                    finding.symbol,
                    finding.source.position,
                    finding.target.position,
                )
                for finding in outcome.findings
            ),
        )
        for outcome in map(section.outcome, directions)
    )


def worth_knowing(outcome: Outcome) -> tuple[Finding, ...]:
    """The notes about something that changed."""
    return tuple(note for note in outcome.notes if note.kind != "code-assumed")


def section_lines(
    judgement: Judgement,
    sections: list[SectionVerdict],
    directions: Sequence[Direction],
    paint: Paint,
    notes: bool,
    tried: Confirmations = MappingProxyType({}),
) -> list[str]:
    """Sections with the same findings, told once."""
    first = sections[0]
    names = [paint("name", section.section or section.old) for section in sections[:4]]
    more = f" and {len(sections) - 4} more" if len(sections) > 4 else ""
    symbols = dict.fromkeys(name for name in (first.old, first.new) if name)
    about = ""
    if len(sections) == 1 and symbols:
        about = paint("faint", f" ({' → '.join(symbols)})")
    about += (
        "" if first.registered else ", a table that C code saves inside of a section"
    )
    lines = [f"  {', '.join(names)}{more}{about}"]
    for direction in directions:
        outcome = first.outcome(direction)
        if outcome.verdict == "compatible" and not (notes and worth_knowing(outcome)):
            continue
        verdict = paint(PAINT[outcome.verdict], words.VERDICTS[outcome.verdict])
        condition = ""
        if outcome.verdict == "conditional":
            condition = f" {words.every(outcome.findings)}"
        lines.append(f"    {way(judgement, direction)}: {verdict}{condition}")
        for finding in outcome.findings:
            lines += _finding(finding, paint)
        for note in worth_knowing(outcome) if notes else ():
            said = words.sentence(note)
            place = _places(note, direction, paint)
            lines.append(f"      {paint('note', 'note:')} {said}{place}")
        lines += _counterexample(tried.get((first.key, direction)), paint)
    return lines


def fixes(section: SectionVerdict, directions: Iterable[Direction]) -> tuple[str, ...]:
    """How the tree of the newer side can take the older format."""
    said = {
        words.fix(finding)
        for direction in directions
        for finding in section.outcome(direction).findings
    }
    return tuple(sorted(said - {""}))


def fix_lines(
    section: SectionVerdict, directions: Iterable[Direction], paint: Paint
) -> list[str]:
    """The same, as lines below the section's findings."""
    return [
        f"      {paint('hint', 'fix:')} {one}" for one in fixes(section, directions)
    ]


def _finding(finding: Finding, paint: Paint) -> list[str]:
    where = f" in {finding.symbol}" if finding.symbol else ""
    if finding.offset is not None:
        where += f", at byte {words.offset(finding.offset)}"
    lines = [f"      {words.sentence(finding)}{paint('faint', where)}"]
    source, target = words.does(finding, "source"), words.does(finding, "target")
    if source or target:
        for colour, verb, said, side in (
            ("removed", "saves:", source, finding.source),
            ("added", "loads:", target, finding.target),
        ):
            place = side.position
            shown = paint("place", f"  ({place})") if place.file else ""
            lines.append(f"        {paint(colour, f'{verb} {said}')}{shown}")  # type: ignore[arg-type]
    return lines


def _places(finding: Finding, direction: Direction, paint: Paint) -> str:
    known = [str(place) for place in _positions(finding, direction) if place.file]
    return paint("place", f"  ({' → '.join(known)})") if known else ""


def _positions(finding: Finding, direction: Direction) -> tuple[Position, Position]:
    """Where it is in OLD and in NEW."""
    places = finding.source.position, finding.target.position
    return places if direction == "forward" else places[::-1]


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
                f" is {item.verdict}, but {seen}"
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
    """The judgement as JSON values; conditions and counts are expressions
    of the IR, positions ``file:line``."""
    tried = {(item.of, item.direction): item for item in confirmations}
    return {
        "target": judgement.target,
        "old": judgement.old,
        "new": judgement.new,
        "verdict": judgement.worst(directions),
        "sections": [
            section_json(section, directions, tried) for section in judgement.sections
        ],
    }


def section_json(
    section: SectionVerdict,
    directions: Sequence[Direction],
    tried: Confirmations = MappingProxyType({}),
) -> dict[str, object]:
    """One section's verdicts as JSON values."""
    return {
        "section": section.section,
        "old": section.old,
        "new": section.new,
        "cpu": section.cpu,
        "registered": section.registered,
        **{
            direction: _outcome_json(
                section.outcome(direction),
                tried.get((section.key, direction)),
            )
            for direction in directions
        },
    }


def _outcome_json(outcome: Outcome, tried: Confirmation | None) -> dict[str, object]:
    found: dict[str, object] = {"verdict": outcome.verdict}
    if outcome.condition is not None:
        found["condition"] = ir_json.encoded(outcome.condition)
    for name, findings in (("findings", outcome.findings), ("notes", outcome.notes)):
        if findings:
            found[name] = [
                {
                    **_record(finding),
                    **_named(finding),
                    "text": words.sentence(finding),
                }
                for finding in findings
            ]
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


def _named(finding: Finding) -> dict[str, object]:
    """The names of a system register, beside its number."""
    called = words.register_names(finding)
    return {"names": list(called)} if called else {}


def _record(item: Any) -> dict[str, object]:
    """The members of a finding, its sides and its offset that say something."""
    return {
        member.name: _value(value)
        for member in dataclasses.fields(item)
        if member.metadata.get("shown", True)
        and (
            (value := getattr(item, member.name)) != member.default
            or member.default is dataclasses.MISSING
        )
    }


def _value(value: Any) -> object:
    if isinstance(value, Position):
        return str(value)
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    if isinstance(value, ir.Expr):
        return ir_json.encoded(value)
    return _record(value) if dataclasses.is_dataclass(value) else value


# --- for reviews ----------------------------------------------------------------------


def github(
    judgement: Judgement,
    directions: Sequence[Direction] = BOTH,
    folders: tuple[str, str] = ("", ""),
) -> str:
    """A workflow command a finding: an error for what is incompatible, a warning for
    conditions, devices that a user must add, and for what could not be determined, a
    notice for what was accepted.

    ``folders`` are those of OLD's and NEW's tree in the repository, where they are not the
    repository itself: annotations go by its paths.
    """
    lines: dict[str, None] = {}
    for section in judgement.sections:
        for direction in directions:
            outcome = section.outcome(direction)
            for finding in outcome.findings:
                place = _place(_lines(finding, direction), folders)
                refuses = section.counted(direction) == "incompatible"
                level = "error" if refuses else "warning"
                reason = dict(section.accepted).get(direction)
                if reason is not None:
                    level = "notice"
                title = (
                    f"{section.section}: {way(judgement, direction)} {outcome.verdict}"
                )
                said = words.sentence(finding)
                if condition := words.loads_if(finding):
                    said += f"\nLoads if {condition}"
                if direction in section.added:
                    said += "\nOnly in guests to which a user adds the device"
                if reason is not None:
                    said += f"\nAccepted: {reason}"
                lines[annotation(level, place, title, said)] = None
    return "".join(f"{line}\n" for line in lines)


def notice(
    section: SectionVerdict,
    directions: Sequence[Direction],
    folders: tuple[str, str],
    said: str,
) -> str:
    """A workflow command that says something of a section which differs, and of no
    finding in particular: it stands at the first."""
    found = (
        (finding, direction)
        for direction in directions
        for finding in section.outcome(direction).findings
    )
    places = (_place(_lines(*one), folders) for one in found)
    return annotation("notice", next(places, NOWHERE), section.section, said)


def _lines(finding: Finding, direction: Direction) -> tuple[Position, Position]:
    """The lines of OLD and of NEW to show the finding at: what NEW does not have any more
    is missing in its table."""
    sides = finding.source, finding.target
    old, new = sides if direction == "forward" else sides[::-1]
    return old.position, new.position if new.position.file else new.table


def _place(places: tuple[Position, Position], folders: tuple[str, str]) -> Position:
    """Where the finding is shown: in NEW, if it is there."""
    number = 1 if places[1].file else 0
    place, folder = places[number], folders[number]
    if not (folder and place.file):
        return place
    return dataclasses.replace(place, file=f"{folder}/{place.file}")


def annotation(level: str, place: Position, title: str, said: str) -> str:
    """A workflow command of GitHub's."""
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
    """The exit status: 0 compatible, 1 incompatible, 3 not known; with ``strict``
    a condition counts as incompatible."""
    verdict = worst(judgement.worst(directions) for judgement in judgements)
    if verdict == "incompatible" or (strict and verdict == "conditional"):
        return 1
    return 3 if verdict == "unknown" else 0
