"""Verdicts confirmed: random sections saved with one program's codecs, loaded with the
other's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from random import Random
from typing import Any, get_args

from vmgen import ir, lock
from vmgen.lookup import Lookup, Placed
from vmgen.verdict.codecs import Made, closure, made
from vmgen.verdict.model import (
    Answer,
    Confirmation,
    Direction,
    Finding,
    Judgement,
    SectionVerdict,
    Trial,
)
from vmgen.verdict.sample import CodeKnows, Sample, Unsaved

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)

_NUMBERED = re.compile(r"_[0-9]+(?=[.\[]|$)")

ONE_SIDED = (
    "a condition that every section drawn meets, or that C code asks for",
    "a condition that no section drawn meets",
)
"""Why a verdict under a condition stays open: all survived, or none."""


def confirm(
    judgement: Judgement, old: ir.Program, new: ir.Program, count: int, seed: int = 0
) -> Iterator[Confirmation]:
    """Tries every verdict on a section that both programs have, ``count`` times each way.

    Sections of which nothing changed are left out, unless their verdict is not plain.
    """
    sides = Lookup(old), Lookup(new)
    plain = Lookup(lock.bare(old)), Lookup(lock.bare(new))
    for section in judgement.sections:
        one = _placed(sides[0], section.old, section.old_file)
        two = _placed(sides[1], section.new, section.new_file)
        if one is None or two is None:
            continue
        if section.worst == "compatible" and _same(section, *plain):
            continue
        if not (one.description.name and two.description.name):
            why = "its name is known at run time only"
            for direction in DIRECTIONS:
                kind = section.outcome(direction).kind
                yield Confirmation(
                    section.section, direction, kind, "open", 0, 0, None, why,
                    section.key,
                )  # fmt: skip
            continue
        yield from _both(section, (sides[0], one), (sides[1], two), count, seed)


def _same(section: SectionVerdict, old: Lookup, new: Lookup) -> bool:
    """Whether the section, and all that is inside of it, is the same text on both sides:
    then one codec would be tried against itself."""
    one = _placed(old, section.old, section.old_file)
    two = _placed(new, section.new, section.new_file)
    if one is None or two is None:
        return False
    return closure(old, one).modules == closure(new, two).modules


def _placed(lookup: Lookup, symbol: str, file: str) -> Placed | None:
    for placed in lookup.all():
        if (placed.module.file, placed.description.symbol) == (file, symbol):
            return placed
    return None


def _both(
    section: SectionVerdict,
    old: tuple[Lookup, Placed],
    new: tuple[Lookup, Placed],
    count: int,
    seed: int,
) -> Iterator[Confirmation]:
    with made(*old) as first, made(*new) as second:
        for direction, source, target, saver, loader in (
            ("forward", old, new, first, second),
            ("backward", new, old, second, first),
        ):
            yield _confirmed(
                section,
                direction,  # type: ignore[arg-type]
                source,
                target[1],
                (saver, loader),
                Random(f"{seed} {section.section} {direction}"),
                count,
            )


def _confirmed(
    section: SectionVerdict,
    direction: Direction,
    source: tuple[Lookup, Placed],
    target: Placed,
    codecs: tuple[Made, Made],
    chance: Random,
    count: int,
) -> Confirmation:
    lookup, placed = source
    kind = section.outcome(direction).kind
    skipped = tuple(
        f"{note.path}{note.field}"
        for note in section.outcome(direction).notes
        if note.reason == "ignored"
    )
    tried = survived = 0
    failure: Trial | None = None
    why = ""
    if placed.description.unmigratable:
        return Confirmation(
            section.section, direction, kind, "open", 0, 0, None, "never saved",
            section.key,
        )  # fmt: skip
    for _ in range(4 * count):
        if tried == count:
            break
        sample = Sample(lookup.program, chance)
        try:
            data, state = _drawn(codecs[0], placed, sample)
        except Unsaved as unsaved:
            why = unsaved.why
            continue
        tried += 1
        version = placed.description.version_id
        trial = _trial(codecs, data, version, state, sample, skipped)
        if trial is None and not sample.refused(placed):
            trial = _refused(sample.refused(target), data)
        if trial is None:
            survived += 1
        elif failure is None or len(trial.data) < len(failure.data):
            failure = trial
    answer: Answer = "open"
    if tried and kind == "compatible":
        answer = "confirmed" if survived == tried else "contradicted"
    elif tried and kind == "incompatible":
        answer = "confirmed" if survived < tried else "contradicted"
        findings = section.outcome(direction).findings
        if answer == "contradicted" and _refused_by_code(findings):
            answer, why = "open", "C code refuses it, which the codecs do not run"
        elif answer == "contradicted" and why:
            # What fails may be among the sections that the source itself does not load.
            answer = "open"
        elif answer == "contradicted" and findings[0].reason == "section":
            answer, why = "open", "the header alone decides, which no codec reads"
    elif tried and kind == "conditional":
        if 0 < survived < tried:
            answer = "confirmed"
        else:
            why = ONE_SIDED[survived == 0]
    return Confirmation(
        section.section, direction, kind, answer, tried, survived, failure, why,
        section.key,
    )  # fmt: skip


def _refused(symbol: str, data: bytes) -> Trial | None:
    """What came of a section that this function of the target refuses, if any does."""
    if not symbol:
        return None
    return Trial(data, f"{symbol}() refuses what was loaded", len(data))


def _refused_by_code(findings: tuple[Finding, ...]) -> bool:
    return any(
        finding.reason == "check" and finding.text.endswith("refuses every stream")
        for finding in findings
    )


def _drawn(codec: Made, placed: Placed, sample: Sample) -> tuple[bytes, Any]:
    """A random section and its state; of a state made up where the bytes themselves
    cannot be drawn.  Raises :class:`Unsaved`."""
    version = placed.description.version_id
    try:
        data = sample.draw(placed)
    except CodeKnows:
        data = _made_up(codec, sample.chance)
    return data, _taken(codec, data, version, sample)


def _made_up(codec: Made, chance: Random) -> bytes:
    """The bytes of a default state with some of its numbers changed."""
    error = codec.runtime.VMStateError
    state = codec.codec.state()
    try:
        data = bytes(codec.codec.save(state))
    except error as failed:
        raise Unsaved(f"a state made up cannot be saved: {failed}") from None
    places = list(_numbers(state))
    for holder, name in chance.sample(places, chance.randint(0, min(len(places), 24))):
        before = getattr(holder, name)
        setattr(holder, name, type(before)(chance.choice((1, 2, 3, 0x7F))))
        try:
            data = bytes(codec.codec.save(state))
        except error:
            setattr(holder, name, before)
    return data


def _numbers(state: Any) -> Iterator[tuple[Any, str]]:
    """Every member of a state that is a number, with the object that holds it."""
    for name in type(state).__vmstate_members__():
        value = getattr(state, name)
        if hasattr(type(value), "__vmstate_members__"):
            yield from _numbers(value)
        elif isinstance(value, int):
            yield state, name
        elif isinstance(value, list):
            for item in value:
                if hasattr(type(item), "__vmstate_members__"):
                    yield from _numbers(item)


def _taken(codec: Made, data: bytes, version: int, sample: Sample) -> Any:
    """The state that the source's own codec loads; it must save the same bytes."""
    try:
        state, end = _load(codec, data, version, sample)
        if end != len(data) or bytes(codec.codec.save(state)) != data:
            raise Unsaved("the source's codec does not save what it loaded")
    except codec.runtime.VMStateError as error:
        raise Unsaved(f"the source's codec refuses it: {error}") from None
    return state


def _load(codec: Made, data: bytes, version: int, sample: Sample) -> tuple[Any, int]:
    """Loads; what a codec asks beyond what was drawn is drawn now."""
    for _ in range(200):
        context = codec.context(sample.members, sample.functions)
        try:
            state, end = codec.codec.load(data, 0, version, context=context)
            return state, int(end)
        except codec.runtime.MissingContext as error:
            answers = {"member": sample.members, "function": sample.functions}
            known = answers.get(error.kind)
            if known is None or error.key in known:
                raise
            known[error.key] = _answer(error.key, known, sample)
    raise Unsaved("asks without end")


def _answer(name: str, known: Mapping[str, int], sample: Sample) -> int:
    """What the other side was told of the same member, whose C type has another name
    there; else anything."""
    _, dot, path = name.partition(".")
    alike = {key for key in known if dot and key.partition(".")[2] == path}
    if len(alike) == 1:
        return known[alike.pop()]
    return sample.chance.randrange(2)


def _trial(
    codecs: tuple[Made, Made],
    data: bytes,
    version: int,
    before: Any,
    sample: Sample,
    skipped: tuple[str, ...] = (),
) -> Trial | None:
    """None if the target loads what the source saved, and all of it means the same but
    for the members that it is known to skip."""
    target = codecs[1]
    if target.codec.name != codecs[0].codec.name:
        return Trial(data, f"no section is called '{codecs[0].codec.name}'", 0)
    try:
        after, end = _load(target, data, version, sample)
    except target.runtime.VMStateError as error:
        return Trial(data, str(error), -1 if error.offset is None else error.offset)
    if end != len(data):
        left = len(data) - end
        return Trial(data, f"{left} of {len(data)} bytes are left over", end)
    old, new = dict(_flat(before, "")), dict(_flat(after, ""))
    known = old.keys() | new.keys()
    loaded = _grouped(new, known)
    for path, values in _grouped(old, known).items():
        if any(_within(path, one) for one in skipped):
            continue
        others = loaded.get(path)
        if others and not any(_alike(one, two) for one in values for two in others):
            text = (
                f"{path} was {_short(values[0])} and comes out as {_short(others[0])}"
            )
            return Trial(data, text)
    return None


def _grouped(values: Mapping[str, object], known: Set[str]) -> dict[str, list[object]]:
    """The values by the path that C has for them; of one with several, one is set."""
    found: dict[str, list[object]] = {}
    for path, value in values.items():
        found.setdefault(_in_c(path, known), []).append(value)
    return found


def _in_c(path: str, known: Set[str]) -> str:
    """The path as C has it: elements of an array that are saved as different types have
    attributes of their own (``each``, ``each_2``), and which is which differs from side to
    side."""
    plain = _NUMBERED.sub("", path)
    return plain if plain in known else path


def _within(path: str, member: str) -> bool:
    """Whether the path is that of the member, or of a part of it; subsections come before
    their members in a state."""
    whole = f".{path}."
    return f".{member}." in whole or f".{member}[" in whole


def _alike(old: object, new: object) -> bool:
    """Whether the two are the same bits, be it as numbers of another sign."""
    if isinstance(old, int) and isinstance(new, int):
        return old == new or abs(old - new) in (1 << 8, 1 << 16, 1 << 32, 1 << 64)
    return old == new


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _flat(value: Any, path: str) -> Iterator[tuple[str, object]]:
    """The numbers of a state, by their path."""
    if hasattr(type(value), "__vmstate_members__"):
        for name in type(value).__vmstate_members__():
            yield from _flat(getattr(value, name), f"{path}.{name}" if path else name)
    elif value is None:
        return
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{path}[{key}]")
    elif isinstance(value, (list, tuple, bytes, bytearray)) or hasattr(
        value, "typecode"
    ):
        for number, item in enumerate(value):
            yield from _flat(item, f"{path}[{number}]")
    else:
        yield path, int(value) if isinstance(value, bool) else value
