"""What a change of the wire means for those who ship it: harmless, worth a note, a break.

A gate looks at one direction or at both, and lets pass what somebody accepted for a
reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, assert_never

from vmgen.config import Accepted
from vmgen.verdict.model import (
    Direction,
    Finding,
    Judgement,
    SectionVerdict,
    Verdict,
)

Level: TypeAlias = Literal["harmless", "note", "break"]

LEVELS: tuple[Level, ...] = ("harmless", "note", "break")
"""From what no one needs to know to what must not be shipped."""

SAID: dict[Level, str] = {
    "harmless": "harmless",
    "note": "needs a note",
    "break": "break",
}


def level(verdict: Verdict) -> Level:
    """The level of a section's verdict in one direction; what could not be determined may be a
    break."""
    match verdict:
        case "compatible":
            return "harmless"
        case "conditional":
            return "note"
        case "incompatible" | "unknown":
            return "break"
        case _:
            assert_never(verdict)


@dataclass(frozen=True, slots=True)
class GatedSection:
    """One section in one direction; ``reason`` says why all of its findings were accepted,
    empty if one was not."""

    target: str
    section: str
    direction: Direction
    level: Level
    reason: str = ""


@dataclass
class Gate:
    """Collects what does not pass.

    ``accepted`` are findings that pass, ``used`` those of them that there were, in
    ``targets``.
    """

    directions: Sequence[Direction]
    accepted: Sequence[Accepted] = ()
    found: list[GatedSection] = field(default_factory=list)
    used: set[Accepted] = field(default_factory=set)
    targets: set[str] = field(default_factory=set)

    def judge(self, judgement: Judgement) -> None:
        """Looks at one target."""
        self.targets.add(judgement.target)
        for section in judgement.sections:
            for direction in self.directions:
                of = level(section.outcome(direction).verdict)
                if of == "harmless":
                    continue
                passes, reason = _passing(
                    self.accepted, judgement.target, section, direction
                )
                self.used.update(passes)
                self.found.append(
                    GatedSection(
                        judgement.target, _name(section), direction, of, reason
                    )
                )

    @property
    def worst(self) -> Level:
        """The worst level of what was not accepted."""
        left = [LEVELS.index(one.level) for one in self.found if not one.reason]
        return LEVELS[max(left, default=0)]

    @property
    def unused(self) -> tuple[Accepted, ...]:
        """What was accepted of what the gate looked at, and nothing needs any more."""
        return unneeded(self.accepted, self.used, self.targets, self.directions)

    def fails(self, least: Level) -> bool:
        """Whether something of at least this level was found; ``harmless`` is everything."""
        return LEVELS.index(self.worst) >= LEVELS.index(least)


def unneeded(
    accepted: Iterable[Accepted],
    used: Collection[Accepted],
    targets: Collection[str],
    directions: Collection[Direction],
) -> tuple[Accepted, ...]:
    """The entries that accept nothing that there is, of those about these targets and
    directions."""
    return tuple(
        one
        for one in accepted
        if one not in used
        and (not one.target or one.target in targets)
        and (one.direction == "both" or one.direction in directions)
    )


def gone(entry: Accepted) -> str:
    """What is said of such an entry."""
    return f"accepted and not there any more: {entry.section}"


def marked(
    judgement: Judgement, accepted: Sequence[Accepted]
) -> tuple[Judgement, frozenset[Accepted]]:
    """The judgement with what was accepted of each section, in either direction; and the
    entries that accept something of it."""
    used: set[Accepted] = set()

    def of(section: SectionVerdict) -> SectionVerdict:
        found: list[tuple[Direction, str]] = []
        ways: tuple[Direction, ...] = ("forward", "backward")
        for direction in ways:
            if section.outcome(direction).verdict == "compatible":
                continue
            passes, reason = _passing(accepted, judgement.target, section, direction)
            used.update(passes)
            if reason:
                found.append((direction, reason))
        return replace(section, accepted=tuple(found)) if found else section

    sections = tuple(map(of, judgement.sections))
    return replace(judgement, sections=sections), frozenset(used)


def _passing(
    accepted: Sequence[Accepted],
    target: str,
    section: SectionVerdict,
    direction: Direction,
) -> tuple[tuple[Accepted, ...], str]:
    """The entries that accept findings of a section, and why all of them pass; empty
    where one does not."""
    findings = section.outcome(direction).findings
    entries = (
        _entry(accepted, target, _name(section), direction, one) for one in findings
    )
    passes = tuple(one for one in entries if one is not None)
    if not passes or len(passes) < len(findings):
        return passes, ""
    return passes, "; ".join(dict.fromkeys(one.reason for one in passes))


def _entry(
    accepted: Sequence[Accepted],
    target: str,
    section: str,
    direction: Direction,
    finding: Finding,
) -> Accepted | None:
    for one in accepted:
        if (
            one.section == section
            and one.direction in ("both", direction)
            and one.target in ("", target)
            and one.kind in ("", finding.kind)
            and one.field in ("", finding.field)
        ):
            return one
    return None


def _name(section: SectionVerdict) -> str:
    return section.section or section.old or section.new


def summed_up(found: Iterable[GatedSection]) -> list[str]:
    """A line for each level and direction: ``break, forward: cpu, esp``."""
    groups: dict[tuple[Level, Direction], list[str]] = {}
    for one in found:
        if not one.reason:
            groups.setdefault((one.level, one.direction), []).append(one.section)
    return [
        f"{SAID[of]}, {direction}: {', '.join(dict.fromkeys(names))}"
        for (of, direction), names in sorted(
            groups.items(), key=lambda item: -LEVELS.index(item[0][0])
        )
    ]
