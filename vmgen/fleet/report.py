"""What a data set of answers says, summed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

ASKED = ("file", "row", "outcome", "section", "member", "rule", "message", "machine")


@dataclass(frozen=True, slots=True)
class FleetFinding:
    """A finding that files share: in how many of them it is, and one of them."""

    outcome: str
    section: str
    member: str
    rule: str
    message: str
    files: int
    example: str


@dataclass(frozen=True, slots=True)
class FleetReport:
    """How many files have which outcome, by machine type, and what was found."""

    outcomes: Mapping[str, int]
    machines: Mapping[tuple[str, str], int]
    findings: tuple[FleetFinding, ...]


def report(rows: Iterable[Mapping[str, Any]]) -> FleetReport:
    """The rows (columns :data:`ASKED`) summed up; findings that most files have first."""
    outcomes: Counter[str] = Counter()
    machines: Counter[tuple[str, str]] = Counter()
    found: dict[tuple[str, str, str, str, str], tuple[set[str], str]] = {}
    for row in rows:
        outcome = row["outcome"] or ""
        if row["row"] == "file":
            outcomes[outcome] += 1
            machines[row["machine"] or "", outcome] += 1
        if row["row"] == "finding" or (row["row"] == "file" and row["rule"]):
            key = (
                outcome,
                row["section"] or "",
                row["member"] or "",
                row["rule"] or "",
                row["message"] or "",
            )
            found.setdefault(key, (set(), row["file"]))[0].add(row["file"])
    findings = (
        FleetFinding(*key, files=len(files), example=example)
        for key, (files, example) in found.items()
    )
    return FleetReport(
        outcomes, machines, tuple(sorted(findings, key=lambda one: -one.files))
    )


def counted(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {noun}{'s' * (number != 1)}"


def lines(found: FleetReport, most: int) -> Iterator[str]:
    """The report as text, at most so many findings."""
    total = sum(found.outcomes.values())
    counts = ", ".join(f"{n} {name}" for name, n in sorted(found.outcomes.items()))
    yield f"{counted(total, 'file')}: {counts or 'none'}"
    for (machine, outcome), count in sorted(found.machines.items()):
        yield f"  {machine or '(no machine type)'}: {count} {outcome}"
    for one in found.findings[:most]:
        where = " ".join(part for part in (one.section, one.member) if part)
        yield f"{counted(one.files, 'file')}, as {one.example}: {where or 'stream'}: {one.message} [{one.rule}]"
    left = len(found.findings) - most
    if left > 0:
        yield f"and {left} more findings"


def document(found: FleetReport, most: int) -> dict[str, Any]:
    """The report as plain JSON values, at most so many findings; ``left`` says how many there
    are beyond."""
    return {
        "files": sum(found.outcomes.values()),
        "outcomes": dict(sorted(found.outcomes.items())),
        "machines": [
            {"machine": machine or None, "outcome": outcome, "files": count}
            for (machine, outcome), count in sorted(found.machines.items())
        ],
        "findings": [asdict(one) for one in found.findings[:most]],
        "left": max(0, len(found.findings) - most),
    }
