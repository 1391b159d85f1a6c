"""How far a comparison has come, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass

from vmgen import ir
from vmgen.verdict import cases
from vmgen.verdict.conditions import Case
from vmgen.verdict.cursor import Cursor, Entry
from vmgen.verdict.model import Finding


@dataclass(frozen=True, slots=True)
class Offset:
    """Bytes from the start of the section: a number and what is not known."""

    fixed: int = 0
    terms: tuple[str, ...] = ()

    def plus(self, count: int) -> Offset:
        """So many bytes further."""
        return Offset(self.fixed + count, self.terms)

    def beyond(self, term: str) -> Offset:
        """Further by what is not known."""
        return Offset(self.fixed, (*self.terms, term))

    def __str__(self) -> str:
        return " + ".join((str(self.fixed), *self.terms))


@dataclass(frozen=True, slots=True)
class Leaf:
    """How one case ended.

    ``failed`` is the first place where the two part, ``unclear`` the first of which vmgen
    cannot tell, ``required`` what must hold besides.
    """

    case: Case
    failed: Finding | None = None
    unclear: Finding | None = None
    required: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether it loads under no condition at all."""
        return (
            self.failed is None
            and self.unclear is None
            and not self.required
            and not self.case.assumed
        )


@dataclass(frozen=True, slots=True)
class State:
    """Where both sides are, and what was found on the way.

    ``case`` is what was assumed, ``misplaced`` the first value that reaches another
    member, ``unclear`` the first place that cannot be told, ``saved`` the checks of the
    source, ``checks`` those of the target with their fields.
    """

    source: Cursor | None
    target: Cursor | None
    case: Case
    offset: Offset = Offset()
    misplaced: Finding | None = None
    unclear: Finding | None = None
    required: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    saved: tuple[ir.Expr, ...] = ()
    checks: tuple[tuple[ir.Expr, Entry], ...] = ()


@dataclass(frozen=True, slots=True)
class Sum:
    """All cases together: ``condition`` says which of them load, if only some do."""

    failed: Finding | None
    unclear: Finding | None
    required: tuple[Finding, ...]
    condition: str
    failures: tuple[tuple[str, Finding], ...] = ()
    """Every way to fail, with the cases in which it is met."""


def summed(leaves: tuple[Leaf, ...]) -> Sum:
    """One answer for all cases of a comparison."""
    leaves = tuple(leaf for leaf in leaves if cases.possible(leaf.case))
    failed = next((leaf.failed for leaf in leaves if leaf.failed is not None), None)
    unclear = next((leaf.unclear for leaf in leaves if leaf.unclear is not None), None)
    good = [leaf for leaf in leaves if leaf.failed is None]
    required = tuple(
        dict.fromkeys(finding for leaf in good for finding in leaf.required)
    )
    condition = ""
    if failed is not None and good:
        bad = [leaf.case for leaf in leaves if leaf.failed is not None]
        condition = cases.told([leaf.case for leaf in good], bad)
    ways: dict[Finding, list[Case]] = {}
    for leaf in leaves:
        if leaf.failed is not None:
            ways.setdefault(leaf.failed, []).append(leaf.case)
    every = [leaf.case for leaf in leaves]
    failures = tuple(
        (
            (
                cases.told(met, [case for case in every if case not in met])
                if len(ways) > 1
                else ""
            ),
            finding,
        )
        for finding, met in ways.items()
    )
    return Sum(failed, unclear, required, condition, failures)
