"""The verdicts of many machine types for people and for programs: first the answer for
each, then every finding once, with the machine types that it holds for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Literal, TypeAlias, assert_never

from vmgen.paint import Paint, plain
from vmgen.verdict import show, words
from vmgen.verdict.machines import Affected, by_section
from vmgen.verdict.model import (
    RANK,
    Direction,
    Judgement,
    Outcome,
    SectionVerdict,
    Verdict,
    worst,
)

Answer: TypeAlias = Literal["loads", "refused", "misread", "not known"]

ANSWERS: dict[Verdict, Answer] = {
    "compatible": "loads",
    "conditional": "loads",
    "unknown": "not known",
    "incompatible": "refused",
}

GROUPS: tuple[tuple[Verdict, bool], ...] = (
    ("incompatible", False), ("unknown", False), ("incompatible", True),
    ("unknown", True), ("conditional", False), ("compatible", False),
)  # fmt: skip
"""The order of the findings: verdicts, and whether only where a user adds a device."""

ADDED = ", where a user adds the device"

OTHERS = "differ in devices of other machines"
"""What is said of sections that differ and that no machine of the types has."""

ROW = 6
"""Versions of one machine type with one answer that are named one by one if they are fewer."""

NAMES = 3
"""Sections and machine types that a line names; the others are counted."""


def answer(judgement: Judgement, direction: Direction) -> Answer:
    """What becomes of a guest of the machine type, as it is started without options.

    ``misread`` is a section of which bytes reach other members: QEMU may take it and go on
    with wrong values.
    """
    found = ANSWERS[judgement.worst((direction,))]
    if found != "refused" or any(
        _is_refused(section.outcome(direction))
        for section in judgement.sections
        if direction not in section.added
    ):
        return found
    return "misread"


def answers_with_added(
    judgement: Judgement, direction: Direction
) -> Mapping[Answer, tuple[str, ...]]:
    """What becomes of a guest to which a user added a device, where that is worse: the
    answer, with the names of the sections that such devices have."""
    found: dict[Answer, dict[str, None]] = {}
    without = judgement.worst((direction,))
    for section in judgement.sections:
        verdict = section.outcome(direction).verdict
        if section.counted(direction) == verdict or RANK[verdict] <= RANK[without]:
            continue
        said = ANSWERS[verdict]
        if said == "refused" and not _is_refused(section.outcome(direction)):
            said = "misread"
        found.setdefault(said, {})[section.section] = None
    return {said: tuple(names) for said, names in found.items()}


def behind(judgement: Judgement, direction: Direction) -> list[SectionVerdict]:
    """The sections that make the answer what it is."""
    verdict = judgement.worst((direction,))
    return [
        section
        for section in judgement.sections
        if section.counted(direction) == verdict == section.outcome(direction).verdict
    ]


def accepted_but(judgement: Judgement, direction: Direction) -> Answer | None:
    """The answer that counts in the exit status where everything behind the worse one was
    accepted; None where the answer itself counts."""
    left = judgement.left((direction,))
    counts = ANSWERS[left]
    if ANSWERS[judgement.worst((direction,))] == counts:
        return None
    return counts


def still_behind(judgement: Judgement, direction: Direction) -> list[SectionVerdict]:
    """The sections that make the answer what it is, where nothing counts that was
    accepted."""
    verdict = judgement.left((direction,))
    return [
        section for section in judgement.sections if section.left(direction) == verdict
    ]


def _is_refused(one: Outcome) -> bool:
    return one.verdict == "incompatible" and (
        one.longer or any(found.kind != "member" for found in one.findings)
    )


def text(
    judgements: Mapping[str, Judgement],
    only: tuple[Sequence[str], Sequence[str]],
    paint: Paint = plain,
    *,
    directions: Sequence[Direction] = show.BOTH,
    notes: bool = False,
) -> str:
    """One target.  ``only`` are the machine types of the old side alone and of the new
    side alone; ``notes`` adds what is compatible and still worth knowing."""
    first = next(iter(judgements.values()))
    ways = [show.way(first, direction) for direction in directions]
    lines = [f"{paint('name', first.target) or 'machine types'}: {', '.join(ways)}"]
    answered = {
        machine: "; ".join(
            f"{way}: {_answered(one, direction, paint)}"
            for way, direction in zip(ways, directions, strict=True)
        )
        for machine, one in judgements.items()
    }
    rows = _rows(answered)
    wide = max(len(name) for name, _ in rows)
    lines += [f"  {name:<{wide}}  {said}" for name, said in rows]
    for side, names in zip(("OLD", "NEW"), only, strict=True):
        if names:
            lines.append(
                paint("faint", f"  only {side} has: {_some(names)}: not compared")
            )
    if names := of_others(judgements, directions):
        lines.append(paint("faint", f"  {OTHERS}: {_some(names)}"))
    for verdict, added in GROUPS:
        found = [
            one
            for one in in_group(by_section(judgements), verdict, added, directions)
            if verdict != "compatible" or (notes and _noted(one, directions))
        ]
        if found:
            lines += ["", paint(show.PAINT[verdict], title(verdict, added))]
        alike: dict[tuple[tuple[str, ...], tuple[str, ...]], dict[str, None]] = {}
        for group in _grouped(found, directions):
            one = group[0].section
            before = show.section_lines(
                first, [each.section for each in group], directions, paint, notes
            )
            after = []
            if added and (names := one.devices):
                after.append(f"      {paint('note', 'users add:')} {_some(names)}")
            for direction, reason in one.accepted:
                if direction in directions:
                    way = show.way(first, direction)
                    after.append(f"      {paint('note', 'accepted:')} {way}: {reason}")
            after += show.fix_lines(one, directions, paint)
            # Verdicts that differ in nothing that a line says are said once.
            machines = alike.setdefault((tuple(before), tuple(after)), {})
            machines |= dict.fromkeys(group[0].machines)
        for (head, tail), machines in alike.items():
            whom = [name for name in judgements if name in machines]
            lines += [*head, *_whom(whom, judgements, paint), *tail]
    return "\n".join(lines) + "\n"


def _rows(answered: Mapping[str, str]) -> list[tuple[str, str]]:
    """The machine types with their answers; many versions of one in a row that have one
    answer are a line, ``pc-q35-9.2 to pc-q35-2.4 (30)``."""
    rows: list[tuple[str, str]] = []
    for (_, said), names in groupby(
        answered, lambda one: (_family(one), answered[one])
    ):
        known = list(names)
        if len(known) >= ROW:
            rows.append((f"{known[0]} to {known[-1]} ({len(known)})", said))
        else:
            rows += [(name or "every machine", said) for name in known]
    return rows


def _family(machine: str) -> str:
    """What a machine type's name is in front of its version; itself without one."""
    name, dash, version = machine.rpartition("-")
    return name if dash and version[:1].isdigit() else machine


def in_group(
    found: Iterable[Affected],
    verdict: Verdict,
    added: bool,
    directions: Sequence[Direction],
) -> list[Affected]:
    """Those with a verdict, in all or only where a user adds a device."""
    return [
        one
        for one in found
        if _worst(one.section, directions) == verdict
        and added == _is_added(one.section, directions)
    ]


def title(verdict: Verdict, added: bool) -> str:
    """The heading of such a group."""
    return f"{words.TITLES[verdict]}{ADDED if added else ''}"


def _is_added(section: SectionVerdict, directions: Sequence[Direction]) -> bool:
    """Whether its worst verdict is for guests alone to which users add a device."""
    verdict = _worst(section, directions)
    return verdict != worst(section.counted(direction) for direction in directions)


def of_others(
    judgements: Mapping[str, Judgement], directions: Sequence[Direction]
) -> list[str]:
    """The names of the sections that differ and that none of these machine types has."""
    found = [set(aside(one, directions)) for one in judgements.values()]
    return sorted(set.intersection(*found))


def aside(one: Judgement, directions: Sequence[Direction]) -> list[str]:
    """The names of the sections that differ, and that the machine type does not have."""
    return sorted(
        {
            section.section
            for section in one.aside
            if _worst(section, directions) != "compatible"
        }
    )


def _answered(one: Judgement, direction: Direction, paint: Paint) -> str:
    """``refused, 2 sections (cpu, e1000e)``."""
    verdict = one.worst((direction,))
    bad = [section.section for section in behind(one, direction)]
    colour = show.PAINT[verdict]
    added = answers_with_added(one, direction)
    match answer(one, direction):
        case "loads" if verdict == "conditional":
            parts = [paint(colour, "loads without options" if added else "loads")]
            parts += [_counted(len(bad), "condition")] if bad else []
        case "loads":
            parts = [paint(colour, "loads")]
        case "refused" | "misread" | "not known" as said:
            shown = _some(list(dict.fromkeys(bad)))
            parts = [paint(colour, said), f"{_counted(len(bad), 'section')} ({shown})"]
            parts += _accepted(behind(one, direction), direction)
            if accepted_but(one, direction) == "not known":
                open_ = [each.section for each in still_behind(one, direction)]
                shown = _some(list(dict.fromkeys(open_)))
                parts.append(f"not known, {_counted(len(open_), 'section')} ({shown})")
        case other:
            assert_never(other)
    for worse, names in added.items():
        count = _counted(len(names), "section")
        parts.append(f"{worse} with added devices, {count} ({_some(names)})")
    return ", ".join(parts)


def _accepted(found: Sequence[SectionVerdict], direction: Direction) -> list[str]:
    """``accepted``, or which of the sections are."""
    names = [one.section for one in found if one.left(direction) == "compatible"]
    if not names:
        return []
    which = "" if len(names) == len(found) else f": {_some(list(dict.fromkeys(names)))}"
    return [f"accepted{which}"]


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMES
    return ", ".join(names[:NAMES]) + (f" and {more} more" if more > 0 else "")


def _worst(section: SectionVerdict, directions: Iterable[Direction]) -> Verdict:
    return worst(section.outcome(direction).verdict for direction in directions)


def _noted(one: Affected, directions: Iterable[Direction]) -> bool:
    return any(show.worth_knowing(one.section.outcome(way)) for way in directions)


def _grouped(
    found: Sequence[Affected], directions: Sequence[Direction]
) -> Iterator[list[Affected]]:
    """Sections with the same findings for the same machine types, together."""
    groups: dict[object, list[Affected]] = {}
    for one in found:
        key = show.cause(one.section, directions), one.machines
        groups.setdefault(key, []).append(one)
    yield from groups.values()


def _whom(
    machines: Sequence[str], judgements: Mapping[str, Judgement], paint: Paint
) -> Iterator[str]:
    if set(judgements) != {""}:
        every = len(machines) == len(judgements)
        whom = "all of them" if every else _some(machines)
        yield f"      {paint('note', 'machine types:')} {whom}"


# --- for programs ---------------------------------------------------------------------


def as_json(
    judgements: Mapping[str, Judgement],
    only: tuple[Sequence[str], Sequence[str]],
    directions: Sequence[Direction] = show.BOTH,
) -> dict[str, object]:
    """The same as JSON values."""
    first = next(iter(judgements.values()))
    return {
        "target": first.target,
        "old": first.old,
        "new": first.new,
        "machines": [
            {
                "machine": machine,
                "aside": aside(one, directions),
                **{
                    direction: {
                        "answer": answer(one, direction),
                        "verdict": one.worst((direction,)),
                        "left": one.left((direction,)),
                        "with_added": {
                            said: list(names)
                            for said, names in answers_with_added(
                                one, direction
                            ).items()
                        },
                    }
                    for direction in directions
                },
            }
            for machine, one in judgements.items()
        ],
        "only": {"old": list(only[0]), "new": list(only[1])},
        "sections": [
            {
                **show.section_json(one.section, directions),
                "machines": list(one.machines),
                "added": [way for way in one.section.added if way in directions],
                "devices": list(one.section.devices),
                "accepted": {
                    way: reason
                    for way, reason in one.section.accepted
                    if way in directions
                },
                "fix": list(show.fixes(one.section, directions)),
            }
            for one in by_section(judgements)
        ],
    }


def github(
    judgements: Mapping[str, Judgement],
    directions: Sequence[Direction] = show.BOTH,
    folders: tuple[str, str] = ("", ""),
) -> str:
    """The annotations of every judgement (:func:`vmgen.verdict.show.github`), each once,
    and a notice for each section that differs and that none of the machine types has.
    """
    lines: dict[str, None] = {}
    for one in judgements.values():
        text = show.github(one, directions, folders)
        lines |= dict.fromkeys(text.splitlines())
    names = of_others(judgements, directions)
    for one in judgements.values():
        for section in one.aside:
            if section.section in names:
                lines[show.notice(section, directions, folders, OTHERS)] = None
    return "".join(f"{line}\n" for line in lines)


def status(
    judgements: Iterable[Judgement], directions: Sequence[Direction], strict: bool
) -> int:
    """The exit status: 0 all load, 1 one is refused, 3 not known; with ``strict`` a
    condition counts as a refusal.  What was accepted does not count."""
    verdict = worst(one.left(directions) for one in judgements)
    if verdict == "incompatible" or (strict and verdict == "conditional"):
        return 1
    return 3 if verdict == "unknown" else 0
