"""The table of release pairs in ``docs/compat.md``: what ``vmgen compat`` answers for each
machine type, from the archive alone.

``python -m website.pairs`` writes it anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from vmgen.archive.archive import shipped
from vmgen.verdict.machines import MachineJudge
from vmgen.verdict.model import Direction, Judgement
from vmgen.verdict.show_machines import answer, answers_with_added, behind

PAGE = Path(__file__).resolve().parent.parent / "docs" / "compat.md"

PAIRS = (
    ("8.2", "9.0"), ("9.0", "9.1"), ("9.1", "9.2"), ("9.2", "10.0"), ("10.0", "10.1"),
    ("10.1", "10.2"), ("10.2", "11.0"),
)  # fmt: skip
"""Releases that follow each other, of which the archive has machine types."""

FAMILIES = (
    ("x86_64", "pc-q35"),
    ("s390x", "s390-ccw-virtio"),
    ("ppc64", "pseries"),
    ("aarch64", "virt"),
)

OLDEST = (7, 2)
"""Rows begin with the machine types of this release; older ones are much the same."""

_START, _END = (
    "<!-- pairs: made by python -m website.pairs -->",
    "<!-- end of the pairs -->",
)

Table = Mapping[str, Mapping[tuple[str, str], str]]
"""What becomes of each machine type (row), pair by pair."""


def table(
    target: str, family: str, pairs: tuple[tuple[str, str], ...] = PAIRS
) -> Table:
    """The cells of one family of machine types, newest first."""
    rows: dict[str, dict[tuple[str, str], str]] = {}
    for pair in pairs:
        judge = _judge(target, *pair)
        for machine in judge.machines[0]:
            if _is_shown(machine, family):
                cell = cell_of(judge.judgement(machine))
                rows.setdefault(machine, {})[pair] = cell
    return dict(sorted(rows.items(), key=lambda row: _version(row[0]), reverse=True))


def _judge(target: str, old: str, new: str) -> MachineJudge:
    archive = shipped()
    assert archive is not None
    first, second = archive.find(old), archive.find(new)
    assert first is not None
    assert second is not None
    return MachineJudge(archive.program(first, target), archive.program(second, target))


def _is_shown(machine: str, family: str) -> bool:
    name, _, version = machine.rpartition("-")
    return (
        name == family
        and re.fullmatch(r"\d+\.\d+", version) is not None
        and _version(machine) >= OLDEST
    )


def _version(machine: str) -> tuple[int, ...]:
    return tuple(map(int, machine.rpartition("-")[2].split(".")))


def cell_of(judgement: Judgement) -> str:
    """Both directions in few words: to the newer release, and back."""
    return f"{_answered(judgement, 'forward')} / {_answered(judgement, 'backward')}"


def _answered(judgement: Judgement, direction: Direction) -> str:
    said = answer(judgement, direction)
    added = "".join(
        f"; {worse} with {_some(names)}"
        for worse, names in answers_with_added(judgement, direction).items()
    )
    if said == "loads":
        return f"loads{added}"
    names = _some(one.section for one in behind(judgement, direction))
    shown = "not known" if said == "not known" else f"**{said}**"
    return f"{shown}: {names}{added}"


def _some(sections: Iterable[str]) -> str:
    names = sorted(set(sections))
    shown = ", ".join(f"`{name}`" for name in names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def made() -> str:
    """The tables as Markdown."""
    parts = []
    for target, family in FAMILIES:
        cells = table(target, family)
        parts.append(f"| {target} | {' | '.join(f'{a} → {b}' for a, b in PAIRS)} |")
        parts.append("|---" * (len(PAIRS) + 1) + "|")
        for machine, row in cells.items():
            told = " | ".join(row.get(pair, "") for pair in PAIRS)
            parts.append(f"| {machine} | {told} |")
        parts.append("")
    return "\n".join(parts)


def placed(text: str, tables: str) -> str:
    """The page with these tables."""
    before, _, rest = text.partition(_START)
    _, _, after = rest.partition(_END)
    return f"{before}{_START}\n\n{tables}\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(placed(PAGE.read_text("utf-8"), made()), "utf-8")
