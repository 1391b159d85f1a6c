"""Verdicts confirmed: random sections saved with one program's codecs, loaded with the
other's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, assert_never, get_args

from vmgen import ir, lock
from vmgen.lookup import Lookup, Placed
from vmgen.verdict import states
from vmgen.verdict.cases import deciding
from vmgen.verdict.codecs import Made, made
from vmgen.verdict.model import (
    Answer,
    Confirmation,
    Direction,
    Judgement,
    Outcome,
    SectionVerdict,
    Trial,
)
from vmgen.verdict.sample import CodeKnows, Sample, Unsaved

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)

ONE_SIDED = (
    "a condition that every section drawn meets, or that C code asks for",
    "a condition that no section drawn meets",
)
"""Why a verdict under a condition stays open: all survived, or none."""


def confirm(
    judgement: Judgement,
    old: ir.Program,
    new: ir.Program,
    count: int,
    directions: Sequence[Direction] = DIRECTIONS,
    seed: int = 0,
) -> Iterator[Confirmation]:
    """Tries every verdict on a section that both programs have, ``count`` times in each
    of the directions.

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
            for direction in directions:
                yield _open(section, direction, why)
            continue
        both = (sides[0], one), (sides[1], two)
        with made(*both[0]) as first, made(*both[1]) as second:
            for direction in directions:
                if direction == "forward":
                    trials = Trials(section, direction, *both, first, second)
                else:
                    trials = Trials(section, direction, *both[::-1], second, first)
                yield trials.confirmed(count, seed)


def _open(section: SectionVerdict, direction: Direction, why: str) -> Confirmation:
    """What is said of a verdict that cannot be tried."""
    verdict = section.outcome(direction).verdict
    return Confirmation(
        section.section, direction, verdict, "open", why=why, of=section.key
    )


def _same(section: SectionVerdict, old: Lookup, new: Lookup) -> bool:
    """Whether the section, and all that is inside of it, is the same text on both sides:
    then one codec would be tried against itself."""
    one = _placed(old, section.old, section.old_file)
    two = _placed(new, section.new, section.new_file)
    if one is None or two is None:
        return False
    return old.closure(one).modules == new.closure(two).modules


def _placed(lookup: Lookup, symbol: str, file: str) -> Placed | None:
    for placed in lookup.all():
        if (placed.module.file, placed.description.symbol) == (file, symbol):
            return placed
    return None


@dataclass(frozen=True, slots=True)
class Trials:
    """One section in one direction: the description and the codec of either side."""

    section: SectionVerdict
    direction: Direction
    source: tuple[Lookup, Placed]
    target: tuple[Lookup, Placed]
    saver: Made
    loader: Made

    def confirmed(self, count: int, seed: int) -> Confirmation:
        """The verdict tried on ``count`` random sections."""
        lookup, placed = self.source
        if placed.description.unmigratable:
            return _open(self.section, self.direction, "never saved")
        chance = Random(f"{seed} {self.section.section} {self.direction}")
        outcome = self.section.outcome(self.direction)
        likely = deciding(outcome.condition)
        tried = survived = 0
        failure: Trial | None = None
        why = ""
        for _ in range(4 * count):
            if tried == count:
                break
            sample = Sample(lookup, chance, likely)
            try:
                data, state = _drawn(self.saver, placed, sample)
            except Unsaved as unsaved:
                why = unsaved.why
                continue
            tried += 1
            trial = self._trial(data, state, sample, outcome)
            if trial is None and not sample.refused(*self.source):
                trial = _refused(sample.refused(*self.target), data)
            if trial is None:
                survived += 1
            elif failure is None or len(trial.data) < len(failure.data):
                failure = trial
        answer, reason = _answered(outcome, tried, survived, why)
        return Confirmation(
            self.section.section,
            self.direction,
            outcome.verdict,
            answer,
            tried,
            survived,
            failure,
            reason,
            self.section.key,
        )

    def _trial(
        self, data: bytes, before: Any, sample: Sample, outcome: Outcome
    ) -> Trial | None:
        """None if the target loads what the source saved, and all of it means the same
        but for the members that it is known to skip."""
        target, version = self.loader, self.source[1].description.version_id
        if target.codec.name != self.saver.codec.name:
            return Trial(data, f"no section is called '{self.saver.codec.name}'", 0)
        try:
            after, end = _load(target, data, version, sample)
        except target.runtime.VMStateError as error:
            return Trial(data, str(error), -1 if error.offset is None else error.offset)
        if end != len(data):
            left = len(data) - end
            return Trial(data, f"{left} of {len(data)} bytes are left over", end)
        skipped = [
            f"{note.path}{note.field}"
            for note in outcome.notes
            if note.kind == "padding-skipped"
        ]
        text = states.difference(before, after, skipped)
        return Trial(data, text) if text else None


def _answered(
    outcome: Outcome, tried: int, survived: int, why: str
) -> tuple[Answer, str]:
    """What the trials say of the verdict, and why they say nothing."""
    if not tried:
        return "open", why
    match outcome.verdict:
        case "unknown":
            return "open", why
        case "compatible":
            return ("confirmed" if survived == tried else "contradicted"), why
        case "conditional":
            if 0 < survived < tried:
                return "confirmed", why
            return "open", ONE_SIDED[survived == 0]
        case "incompatible":
            if survived < tried:
                return "confirmed", why
            first = outcome.findings[0]
            if why:
                # What fails may be among the sections that the source does not load.
                return "open", why
            if first.kind == "section-instance":
                return "open", "the header alone decides, which no codec reads"
            return "contradicted", why
        case other:
            assert_never(other)


def _refused(symbol: str, data: bytes) -> Trial | None:
    """What came of a section that this function of the target rejects, if any does."""
    if not symbol:
        return None
    return Trial(data, f"{symbol}() rejects what was loaded", len(data))


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
    """What the other side knows of the same member, whose C type has another name
    there; else anything."""
    _, dot, path = name.partition(".")
    alike = {key for key in known if dot and key.partition(".")[2] == path}
    if len(alike) == 1:
        return known[alike.pop()]
    return sample.chance.randrange(2)
