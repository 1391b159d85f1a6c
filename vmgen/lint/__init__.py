"""Warnings for authors of tables: what is legal, and most likely wrong.

A rule looks at the descriptions of programs and at the C that they are from, and yields
findings, which are data; :mod:`vmgen.lint.words` has the sentences.  C outside of tables
is read as text: a file that the C front end cannot read costs its own descriptions only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from vmgen import ir
from vmgen.link import endless_lists, foreign_subsections
from vmgen.lint.linted import Linted
from vmgen.lint.model import LintFinding, Selection
from vmgen.lint.rules import RULES
from vmgen.lint.sources import CSources
from vmgen.lint.words import WORDS, diagnostic
from vmgen.source import Diagnostic

__all__ = ["CODES", "CSources", "LintFinding", "Selection", "lint"]

_OF_LINK: Mapping[str, Callable[[Iterable[ir.Program]], tuple[Diagnostic, ...]]] = {
    "VG408": endless_lists,
    "VG505": foreign_subsections,
}
"""Warnings that every command gives, and that are an author's too."""

CODES = (*_OF_LINK, *WORDS)
"""Every code that a run can have, in the order of the rules."""


def lint(
    programs: Iterable[ir.Program],
    sources: CSources,
    selection: Selection,
    others: tuple[str, ...] = (),
) -> tuple[Diagnostic, ...]:
    """The findings of all rules that are selected, each once, sorted by place; those left
    out whose line has a ``vmgen: noqa``.  ``others`` are C files without tables."""
    known = tuple(programs)
    linted = Linted(known, sources, others)
    found: dict[Diagnostic, None] = {}
    for code, rule in _chosen(linted, selection):
        for one in rule():
            if not sources.is_switched_off(one.position, code):
                found[one] = None
    return tuple(sorted(found, key=lambda one: (one.position, one.code, one.message)))


def _chosen(
    linted: Linted, selection: Selection
) -> Iterator[tuple[str, Callable[[], Iterable[Diagnostic]]]]:
    for code, warn in _OF_LINK.items():
        if selection.has(code):
            yield code, partial(_placed, linted, warn)
    for code, rule in RULES.items():
        if selection.has(code):
            yield code, partial(_said, linted, rule)


def _placed(
    linted: Linted, warn: Callable[[Iterable[ir.Program]], tuple[Diagnostic, ...]]
) -> Iterator[Diagnostic]:
    for one in warn(linted.programs):
        yield linted.sources.with_excerpt(one)


def _said(
    linted: Linted, rule: Callable[[Linted], Iterator[LintFinding]]
) -> Iterator[Diagnostic]:
    for one in rule(linted):
        yield linted.sources.with_excerpt(diagnostic(one))
