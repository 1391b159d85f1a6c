"""What a rule finds, and which rules a run has."""

from __future__ import annotations

from dataclasses import dataclass

from vmgen.source import Position


@dataclass(frozen=True, slots=True)
class LintFinding:
    """What one rule found at one place.

    ``context`` is as in :class:`vmgen.source.Diagnostic`.  ``values`` are the parts of the
    sentence, by the names that :data:`vmgen.lint.words.WORDS` has for them.
    """

    code: str
    position: Position
    context: tuple[str, ...]
    values: tuple[tuple[str, str], ...] = ()


def finding(
    code: str, position: Position, context: tuple[str, ...], **values: str
) -> LintFinding:
    """A finding with the parts of its sentence as keywords."""
    return LintFinding(code, position, context, tuple(values.items()))


@dataclass(frozen=True, slots=True)
class Selection:
    """The rules of a run: those that begin with one of ``select`` (all where it is empty)
    and with none of ``ignore``, as ``VG8`` or ``VG817``."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def has(self, code: str) -> bool:
        """Whether a rule runs."""
        chosen = not self.select or code.startswith(self.select)
        return chosen and not (self.ignore and code.startswith(self.ignore))
