"""Why a release would not accept a stream, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vmgen.stream.looking import html_table

Rule = Literal[
    "container", "unknown-section", "version-window", "unknown-subsection",
    "footer-shift", "value", "machine", "unread", "unjudged", "condition",
]  # fmt: skip

Outcome = Literal["accepted", "refused", "not known"]


@dataclass(frozen=True, slots=True)
class Objection:
    """One reason to refuse a stream.

    ``section`` is ``name/instance`` (empty for the stream itself), ``member`` the field or
    subsection that caused it, ``offset`` its place in the stream where that is known.
    """

    rule: Rule
    section: str
    member: str
    offset: int | None
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a release makes of a stream.

    ``refusals`` are in stream order; QEMU stops at the first.  ``open`` is what neither
    the bytes nor the machine's own stream decide, with the option that would.  ``judged``
    counts the sections that were decoded as the release does it, ``unjudged`` names the
    others.
    """

    release: str
    target: str
    machine: str
    refusals: tuple[Objection, ...]
    judged: int
    unjudged: tuple[str, ...]
    open: tuple[Objection, ...] = ()

    def _repr_html_(self) -> str:
        from html import escape

        words = f"{self.outcome}: QEMU {self.release}, {self.target}, machine {self.machine}"
        named = [
            *(("refused", one) for one in self.refusals),
            *(("open", one) for one in self.open),
        ]
        columns = ("", "section", "field", "offset", "rule", "why")
        rows = (
            (kind, one.section, one.member, _hex(one.offset), one.rule, one.message)
            for kind, one in named
        )
        return f"<p>{escape(words)}</p>{html_table(columns, rows) if named else ''}"

    @property
    def outcome(self) -> Outcome:
        """``accepted`` is an answer about every section; one thing that is open makes it
        ``not known``, unless something else is refused for certain."""
        if self.refusals:
            return "refused"
        return "not known" if self.open else "accepted"


def _hex(offset: int | None) -> str:
    return "" if offset is None else f"{offset:#x}"
