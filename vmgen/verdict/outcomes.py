"""Verdicts put together, and verdicts without findings that something else settled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vmgen.verdict.conditions import TRUE, every
from vmgen.verdict.model import RANK, Finding, Outcome


def without(known: Outcome, settled: Callable[[Finding], bool]) -> Outcome:
    """The verdict without the findings that are settled."""
    findings = tuple(one for one in known.findings if not settled(one))
    if len(findings) == len(known.findings):
        return known
    if not findings:
        return Outcome("compatible", notes=known.notes)
    if known.verdict != "conditional":
        return replace(known, findings=findings)
    whole = every(one.condition or TRUE for one in findings)
    return Outcome("conditional", findings, known.notes, whole)


def together(one: Outcome, two: Outcome) -> Outcome:
    """The worse of two verdicts, with the findings of both where they are as bad."""
    first, second = (RANK[each.verdict] for each in (one, two))
    if first != second or one.verdict == "compatible":
        worse = one if first > second else two
        return replace(worse, notes=one.notes)
    whole = None
    if one.verdict == "conditional":
        whole = every((one.condition or TRUE, two.condition or TRUE))
    return Outcome(one.verdict, (*one.findings, *two.findings), one.notes, whole)
