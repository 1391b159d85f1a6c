"""Which target wrote a stream: the one whose codecs take its sections and end where they
do."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from vmgen.stream.codecs import Codecs, plain
from vmgen.stream.description import listed, name_of, number
from vmgen.stream.errors import (
    Ambiguous,
    DescriptionCut,
    NoCodecs,
    Refused,
    StreamError,
)
from vmgen.stream.frozen import Frozen
from vmgen.stream.input import Input
from vmgen.stream.meta import Meta
from vmgen.stream.parts import Trailing
from vmgen.stream.stream import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias


class Fingerprint(Frozen):
    """The targets that a stream can be of.

    ``codecs`` are those of the first of ``targets``; None if there is none.  Several
    targets read the same values from what they have codecs for, the first of them most
    sections: nothing in the stream tells them apart, and nothing depends on which it is.
    ``refusals`` says by target why the others are out.  ``stream`` is the input read with
    ``codecs``, where it has been for this.
    """

    codecs: Codecs | None
    targets: tuple[str, ...]
    refusals: Mapping[str, StreamError]
    stream: Stream | None = None


def fingerprint(
    source: Input, packages: Mapping[str, Codecs], page_size: int | None = None
) -> Fingerprint:
    """Try the codecs of every target on a stream.

    The whole of it is read.  Raises Ambiguous if several targets take it and do not read
    the same.
    """
    source.finish()
    refusals: dict[str, StreamError] = {}
    readings: dict[str, dict[str, Any]] = {}
    described = Stream(source, page_size=page_size)
    cpu = _described_cpu(described)
    strangers = _strangers(cpu, packages)
    unlike: dict[str, Refused] = {}
    for name, codecs in packages.items():
        if name in strangers:
            message = "its CPU has other members than the stream's"
            refusals[name] = Refused(message, None, "cpu")
        elif why := _other_size(cpu, codecs.meta):
            unlike[name] = Refused(why, None, "cpu")
    likely = [name for name in packages if name not in refusals | unlike]
    if len(likely) == 1 and cpu:
        (name,) = likely
        stream = Stream(source, packages[name], page_size=page_size)
        if _reads_a_cpu(stream):
            return Fingerprint(stream.codecs, (name,), {**unlike, **refusals}, stream)
    # Where no other fits, codecs of another size have the better words for why not.
    for tried in (likely, list(unlike)):
        for name in tried:
            try:
                readings[name] = _reading(source, described, packages[name], page_size)
            except NoCodecs:
                raise
            except StreamError as error:
                refusals[name] = error
        if readings:
            refusals = {**unlike, **refusals}
            break
    # Packages of different origin may know the CPU alone, or every device.
    targets = tuple(sorted(readings, key=lambda name: -len(readings[name])))
    if len(targets) > 1 and not same_values([readings[name] for name in targets]):
        names = ", ".join(readings)
        hint = "say which target it is"
        raise Ambiguous(f"several targets fit the stream: {names}", hint=hint)
    chosen = None
    if targets:
        first = packages[targets[0]]
        chosen = first.but(alternatives=(*targets[1:], *first.alternatives))
    return Fingerprint(chosen, targets, refusals)


def _reads_a_cpu(stream: Stream) -> bool:
    """Whether the stream's codecs take all of it, a CPU among it."""
    try:
        sections = list(stream.sections)
    except NoCodecs:
        raise
    except StreamError:
        return False  # why, the codecs say section by section
    return any(one.codec is not None and one.name == "cpu" for one in sections)


def same_values(readings: Sequence[Mapping[str, Any]]) -> bool:
    """Whether states of the same section have the same values, in all that have it; the
    first reading has most sections."""
    most = {path: without_absent(plain(state)) for path, state in readings[0].items()}
    return all(
        most.get(path) in (None, without_absent(plain(state)))
        for reading in readings[1:]
        for path, state in reading.items()
    )


_REST = 1 << 12
"""Bytes behind the end of a stream that are looked at."""

Fields: TypeAlias = "list[tuple[str, int | None]]"
"""Names of fields, each with the size of its elements if they are numbers."""


def _reading(
    source: Input, described: Stream, codecs: Codecs, page_size: int | None
) -> dict[str, Any]:
    """What the codecs make of the stream's sections; Refused unless they fit."""
    if described.description is None:
        return _whole(Stream(source, codecs, page_size=page_size))
    return _sections(described, codecs)


def _strangers(cpu: Fields, packages: Mapping[str, Codecs]) -> set[str]:
    """The targets whose table knows less than half as many of the fields of the stream's
    CPU as that of the best: nothing of them needs to be imported."""
    if len(packages) < 3:
        return set()
    names = {name for name, _ in cpu}
    scores = {
        name: len(names & fields)
        for name, codecs in packages.items()
        if (fields := {one for table in codecs.meta.cpu for one in table.fields})
    }
    best = max(scores.values(), default=0)
    return {name for name, score in scores.items() if 2 * score < best}


def _described_cpu(stream: Stream) -> Fields:
    """The fields of a CPU as the description has them; none where no CPU is described."""
    try:
        document = stream.description
        for device in () if document is None else document.devices:
            if device.name == "cpu":
                return [
                    (
                        name_of(field),
                        None if "struct" in field else number(field, "size"),
                    )
                    for field in listed(device.node, "fields")
                ]
    except StreamError:
        return []  # whoever reads the stream says what is wrong with it
    return []


def _other_size(cpu: Fields, meta: Meta) -> str:
    """What field of the CPU the table has in other sizes only; empty if there is none, or
    if there is not exactly one table."""
    if len(meta.cpu) != 1:
        return ""
    ours = meta.cpu[0].fields
    for field, described in cpu:
        known = ours.get(field, ())
        if described is not None and known and not {0, described} & {*known}:
            mine = " or ".join(map(str, known))
            return f"its CPU's {field} has elements of {mine} bytes, not of {described}"
    return ""


def _whole(stream: Stream) -> dict[str, Any]:
    """What the codecs make of a stream that only they bound."""
    found: dict[str, Any] = {}
    for section in _uncut(stream.sections):
        if section.codec is not None:
            found[section.path] = stream.state(section)
        elif section.name == "cpu" and section.open:
            question = section.open
            refused = Refused(question.text, section.start, "cpu", question.hint)
            refused.rule, refused.question = "context", question
            raise refused
    for part in _uncut(stream.parts()):
        # A CPU that is read as one of another size leaves a rest that is no padding.
        if isinstance(part, Trailing) and any(stream.view[part.offset :][:_REST]):
            raise Refused("the stream ends, and more follows", part.offset)
    return _some(found)


_Item = TypeVar("_Item")


def _uncut(items: Iterable[_Item]) -> Iterator[_Item]:
    """Parts or sections, also of a stream that is cut behind them, in its description."""
    try:
        yield from items
    except DescriptionCut:
        return


def _sections(stream: Stream, codecs: Codecs) -> dict[str, Any]:
    """What the codecs make of the sections they know, which the description bounds."""
    found: dict[str, Any] = {}
    for section in stream.sections:
        device = section.device
        if section.kind != "full" or device is None:
            continue
        codec = codecs.codecs.get(str(device.node.get("vmsd_name", "")))
        if codec is None:
            continue
        state, end = codecs.load(
            codec, stream.view[: section.end], section.start, section.version_id,
            section.path, device.node,
        )  # fmt: skip
        if end != section.end:
            message = f"the codec takes {end - section.start} bytes of {section.end - section.start}"
            raise Refused(message, section.start, section.path)
        found[section.path] = state
    return _some(found)


def _some(found: dict[str, Any]) -> dict[str, Any]:
    """Refused unless a CPU was read: sections that every target has say nothing."""
    if not any(path.startswith("cpu/") for path in found):
        raise Refused("no CPU section that its codecs know")
    return found


def without_absent(value: Any) -> Any:
    """Plain values without the members that are absent."""
    if isinstance(value, dict):
        return {
            name: without_absent(item)
            for name, item in value.items()
            if item is not None
        }
    if isinstance(value, list):
        return [without_absent(item) for item in value]
    if isinstance(value, array):
        return value.tobytes()
    return value
