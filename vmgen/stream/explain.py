"""Would a release accept a stream?  An answer section by section, without running QEMU.

QEMU reads a section with the table of its own release, whatever wrote it.  Where that goes
wrong it mostly shows far behind the cause: as a footer that is not where it should be.
Here the stream's description JSON bounds every section, so that each is judged alone.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from vmgen.known.processor_models import Models
from vmgen.known.register_lists import LENGTH
from vmgen.lookup import Lookup, Placed
from vmgen.stream import (
    after_load,
    commands,
    libslirp,
    listed,
    machine,
    processors,
    resizable,
    stated,
    tables,
)  # fmt: skip
from vmgen.stream.codec import Codec
from vmgen.stream.codecs import Codecs
from vmgen.stream.description import Device, Document
from vmgen.stream.errors import (
    Refused,
    StreamError,
    UnknownSection,
    Unreadable,
)
from vmgen.stream.input import Input
from vmgen.stream.inside import state_of
from vmgen.stream.kvm_only import of_kvm, subsection
from vmgen.stream.objections import Explanation, Objection, Rule
from vmgen.stream.parts import ANY_INSTANCE, EVERYWHERE, WITHOUT_A_TABLE, Section
from vmgen.stream.processors import AlikeModels
from vmgen.stream.reading import MachineAnswers, Reading, SectionReader
from vmgen.stream.stream import Stream
from vmgen.stream.wire import printable

Alike: TypeAlias = Callable[[Lookup, Sequence[Placed]], Container[str]]
"""Of the tables of the release in question, the symbols of those that every release that
can have written the stream saves in the same way."""


_LIKE = "give a stream that the machine saved with --like"


def _unlike_all(lookup: Lookup, tables: Sequence[Placed]) -> Container[str]:
    """Nothing is known of who wrote the stream."""
    return ()


def _unlike_models(version: int, models: Models) -> bool:
    return False


def explain(
    source: Input,
    codecs: Codecs,
    page_size: int | None = None,
    own: Stream | None = None,
    others: Callable[[], Iterable[Codecs]] = tuple,
    alike: Alike = _unlike_all,
    alike_models: AlikeModels = _unlike_models,
    writers: listed.Writers = listed.none,
) -> Explanation:
    """Read a stream as the release of ``codecs`` would.

    ``others`` gives codecs of other releases for the same target, which tell what moved a
    footer where the stream describes nothing; ``alike`` says which sections all releases
    that can have written the stream save as the asked one loads them, and ``alike_models``
    whether those have the same processor version under the same options; ``writers`` gives
    the processors of those.  ``own`` is a stream that the machine which loads this one saved: what the machine
    compares with its own is compared with that, and what its tables ask of the machine
    (a property, a number of timers) is answered by it.  Without one, the stream's machine
    type answers, as the release defines it, for one that is started without options; what
    it does not decide is open, unless the section is such a one: a machine that is started with the same options
    then has the answers that the stream's description has.  Raises Unreadable if the input itself
    cannot be read and UnknownSection if nothing says how it goes on; what else is wrong
    with a stream is a reason to refuse it.
    """
    source.finish()
    machine_type = _machine(Stream(source, page_size=page_size, strict=False))
    answers = MachineAnswers(codecs, machine_type)
    codecs = codecs.on(answers.of)
    stream, sections, broken = _bounded(source, codecs, page_size, own)
    refusals: list[Objection] = []
    unsure: list[Objection] = []
    unjudged: list[str] = []
    judged = 0
    whole = EVERYWHERE in codecs.codecs
    reader = SectionReader(stream, codecs, own, answers)
    if answers.vanished:
        refusals.append(_vanished(stream, machine_type))
    refusals += stated.capabilities(stream, codecs)
    refusals += commands.refused(stream, codecs)
    if broken is None and (page := stated.filled_page(stream, codecs)) is not None:
        (refusals if page[1] else unsure).append(page[0])
    devices = {} if own is None else {one.path: one.device for one in own.sections}
    asked: list[tuple[Section, Codec, Reading]] = []
    alone: list[tuple[Section, Codec]] = []
    for section in sections:
        unplaced = stated.other_instance(section, codecs)
        if unplaced is not None:
            refusals.append(unplaced)
        if unplaced is not None or section.means in ("ram", "old-style"):
            judged += 1
            continue
        try:
            codec = _codec(codecs, section, devices.get(section.path))
        except Refused as error:  # several devices of one name, and nothing says which
            unsure.append(_finding(error, section))
            continue
        if codec is None and section.name == libslirp.NAME:
            judged += 1
            if section.instance_id == ANY_INSTANCE:
                unsure.append(stated.any_instance(section))
            if (slirp := libslirp.refused(stream, section)) is not None:
                one = Objection(
                    "footer-shift", section.path, "", slirp.offset, slirp.message
                )
                (refusals if slirp.certain else unsure).append(one)
            continue
        if codec is None:
            if why := _unread(codecs, section):
                unsure.append(Objection("unread", section.path, "", None, why))
                unjudged.append(section.path)
            elif (finding := _foreign(stream, section, whole)) is not None:
                refusals.append(finding)
            else:
                unjudged.append(section.path)
                if section.name not in WITHOUT_A_TABLE:
                    unsure.append(_unjudged(section))
            continue
        judged += 1
        if section.instance_id == ANY_INSTANCE:
            unsure.append(stated.any_instance(section))
        if own is None and (guard := _guarded(section, codecs, codec)) is not None:
            unsure.append(guard)
        reading = reader.read(section, codec)
        refusal = reading.refusal
        if refusal is not None and refusal.rule == "context":
            unsure.append(_finding(refusal, section))
        elif refusal is not None and (reading.certain or not reading.asked):
            if own is None and (
                why := of_kvm(codecs.target, subsection(stream, refusal))
            ):
                at = refusal.offset
                unsure.append(Objection("unread", section.path, "", at, why))
            else:
                refusals.append(_finding(refusal, section, codecs))
        elif (
            wrong := stated.value(stream, section, codecs, codec, machine_type)
        ) is not None:
            refusals.append(wrong)
        elif (size := resizable.sizes(stream, section, own, codecs)) is not None:
            (refusals if size[1] else unsure).append(size[0])
        elif (after := _after(section, codecs, codec, reading, own)) is not None:
            (refusals if after[1] else unsure).append(after[0])
        elif reading.asked:
            asked.append((section, codec, reading))
        elif own is None:
            alone.append((section, codec))
    known = tables.of(codecs)
    release = "" if known is None else known.release
    placed = [None if known is None else known.table(codec) for _, codec, _ in asked]
    tabled = [one for one in placed if one is not None]
    settled = alike(known.lookup, tabled) if known is not None and tabled else ()
    for (section, codec, reading), table in zip(asked, placed, strict=True):
        if table is None or table.description.symbol not in settled:
            unsure.append(_asked(section, reading))
        elif reading.refusal is not None:
            refusals.append(_finding(reading.refusal, section, codecs))
        elif own is None:
            alone.append((section, codec))
    for section, codec in alone:  # what only the machine's own says, or its options
        unsure += _bounds(stream, section, codecs, codec)
        if model := processors.unsure(stream, section, codecs, alike_models):
            unsure.append(model)
        for found in _listed(stream, section, codecs, codec, machine_type, writers):
            (refusals if found.certain else unsure).append(_unlike(found))
    if own is None and sections:
        unsure[:0] = stated.unusual(stream, sections, codecs)
    if own is not None and broken is None:
        for unlike in machine.unlike(stream, own, codecs):
            into = refusals if unlike.certain else unsure
            into.append(_unlike(unlike))
    if broken is not None and broken.rule == "context":
        unsure.append(_of_stream(broken))
    elif (
        broken is not None
        and own is None
        and (why := of_kvm(codecs.target, subsection(stream, broken)))
    ):
        unsure.append(replace(_of_stream(broken), rule="unread", message=why))
    elif broken is not None:
        within = broken.rule == "unknown-subsection"
        if isinstance(broken, UnknownSection) and not (refusals or within):
            raise broken  # what lies behind it no one here knows
        last = _of_stream(broken)
        if broken.rule == "footer-shift" and stream.description is None:
            from vmgen.stream.shifted import moved

            if (there := moved(stream, broken, codecs, others())) is not None:
                last = Objection(
                    "footer-shift", last.section, there.member, there.offset,
                    there.message, _HINTS["footer-shift"],
                )  # fmt: skip
        if not any(one.section == last.section for one in refusals):
            refusals.append(last)
    if answers.vanished:
        unsure.clear()  # no machine of the release is of this type: nothing is open
    refusals = _in_order(refusals, sections)
    return Explanation(
        release, codecs.target, machine_type, tuple(refusals), judged,
        tuple(unjudged), tuple(unsure),
    )  # fmt: skip


def _in_order(found: list[Objection], sections: Iterable[Section]) -> list[Objection]:
    """The refusals as QEMU meets them: that of a whole section before those of its fields."""
    starts = {one.path: one.offset for one in sections}

    def place(one: Objection) -> tuple[int, int]:
        begins = starts.get(one.section, 0)
        return (begins if one.offset is None else one.offset), begins

    return sorted(found, key=place)


def _machine(stream: Stream) -> str:
    try:
        configuration = stream.configuration
    except StreamError:
        return ""
    return "" if configuration is None else printable(configuration.machine)


def _vanished(stream: Stream, machine: str) -> Objection:
    message = f"the release has no machine type '{machine}'"
    hint = "a stream loads on the machine type that saved it, and on no other one"
    return Objection("machine", "configuration", "machine", 8, message, hint)


def _bounded(
    source: Input, codecs: Codecs, page_size: int | None, own: Stream | None
) -> tuple[Stream, list[Section], StreamError | None]:
    """The stream with its sections, and what kept it from being read to its end.

    The description bounds sections without a thought about the release.  Where that fails
    (there is none, or the stream was changed without it) the codecs do, as in QEMU; what
    they ask, the descriptions of the machine's ``own`` stream and of this one answer.
    """
    by_json = Stream(source, page_size=page_size, strict=False)
    sections, broken = _sections(by_json)
    if broken is None:
        return by_json, sections, None
    if isinstance(broken, UnknownSection):  # where one of them does not say, both may
        by_both = Stream(source, codecs, page_size=page_size, strict=False)
        all_of_them, wrong = _sections(by_both)
        if wrong is None:
            return by_both, all_of_them, None
    there = (None if own is None else own.description, _description(by_json))
    by_codec = Stream(
        source, codecs, page_size=page_size, use_description=False, strict=False,
        answering=[one for one in there if one is not None],
    )  # fmt: skip
    others, wrong = _sections(by_codec)
    further = len(others) >= len(sections) and not isinstance(wrong, UnknownSection)
    if wrong is None or isinstance(wrong, Refused) or further:
        return by_codec, others, wrong
    return by_json, sections, broken


def _description(stream: Stream) -> Document | None:
    """The description of a stream; None if it has none that can be read."""
    try:
        return stream.description
    except StreamError:
        return None


def _sections(stream: Stream) -> tuple[list[Section], StreamError | None]:
    found: list[Section] = []
    try:
        found.extend(iter(stream.sections))
    except Unreadable:
        raise
    except StreamError as error:
        return _so_far(stream), error
    return found, None


def _so_far(stream: Stream) -> list[Section]:
    found: list[Section] = []
    sections = iter(stream.sections)
    while True:
        try:
            found.append(next(sections))
        except (StopIteration, StreamError):
            return found


def _codec(codecs: Codecs, section: Section, own: Device | None) -> Codec | None:
    """As QEMU looks it up: by the section's name, not by what the description says.

    Which of several devices of one name it is, the description says, or that of the
    machine's ``own`` stream.
    """
    device = section.device or own
    return codecs.get(section.name, None if device is None else device.node)


def _foreign(stream: Stream, section: Section, whole: bool) -> Objection | None:
    """A section that no table of the release is for."""
    path = section.path
    if stream.description is not None and section.device is None:
        message = "a section that the stream does not describe: it was renamed or added"
        return Objection("unknown-section", path, "", section.offset, message)
    if whole and section.name not in WITHOUT_A_TABLE:
        message = "no device of this release has a section of this name"
        return Objection("unknown-section", path, "", section.offset, message)
    return None


def _unread(codecs: Codecs, section: Section) -> str:
    """Why the release may have a table that the codecs lack; empty if it has none."""
    if why := of_kvm(codecs.target, section.name):
        return why
    known = tables.of(codecs)
    found = "" if known is None else known.unread(section.name)
    return f"vmgen could not read what may be its table: {found}" if found else ""


def _asked(section: Section, reading: Reading) -> Objection:
    """A section whose table asks the machine, and for which no one answers."""
    first, *more = reading.asked
    names = first if not more else f"{first} and {len(more)} more"
    message = (
        f"the release reads it by what the machine has as {names}, which the stream does"
        " not say"
    )
    hint = (
        f"give a stream that the machine saved with --like, or --member {first}=VALUE"
    )
    return Objection("condition", section.path, "", section.start, message, hint)


def _guarded(section: Section, codecs: Codecs, codec: Codec) -> Objection | None:
    """A section that the release registers only if a variable of its C is set."""
    known = tables.of(codecs)
    placed = None if known is None else known.table(codec)
    if known is None or placed is None:
        return None
    roots = known.lookup.program.roots
    guards = tables.guards(roots, placed)
    if not guards:
        return None
    names = " and ".join(guards)
    message = f"whether the release registers such a section is up to {names}"
    return Objection("condition", section.path, "", section.offset, message, _LIKE)


def _unjudged(section: Section) -> Objection:
    message = "no codec of the release is here for it"
    hint = "every device is judged with --codecs RELEASE, or with --qemu TREE"
    return Objection("unjudged", section.path, "", section.offset, message, hint)


def _bounds(
    stream: Stream, section: Section, codecs: Codecs, codec: Codec
) -> list[Objection]:
    """Numbers that may not be above the machine's own (``int32_le``), which no table
    says."""
    known = tables.of(codecs)
    placed = None if known is None else known.table(codec)
    found = []
    for name, path in () if placed is None else tables.bounded(placed):
        if name == LENGTH:
            continue  # which the list itself tells
        node = None if section.device is None else section.device.node
        state, _ = codecs.load(
            codec, stream.view[: section.end], section.start, section.version_id,
            section.path, node,
        )  # fmt: skip
        value = state
        for step in path:
            value = getattr(value, step)
        message = (
            f"{value}, which is accepted if the machine's own number is not below it"
        )
        found.append(Objection("value", section.path, name, None, message, _LIKE))
    return found


def _listed(
    stream: Stream,
    section: Section,
    codecs: Codecs,
    codec: Codec,
    machine_type: str,
    writers: listed.Writers,
) -> Iterator[machine.Unlike]:
    """What keeps the machine's CPU from taking the system registers of a section."""
    known = tables.of(codecs)
    placed = None if known is None else known.table(codec)
    if placed is not None:
        yield from listed.unlike(stream, section, codecs, placed, machine_type, writers)


def _after(
    section: Section, codecs: Codecs, codec: Codec, reading: Reading, own: Stream | None
) -> tuple[Objection, bool] | None:
    """What a ``post_load`` refuses or may refuse, and whether that is sure."""
    known = tables.of(codecs)
    placed = None if known is None else known.table(codec)
    if known is None or placed is None or reading.state is None:
        return None

    def machines_own() -> object:
        assert own is not None
        path = section.path
        mine = next((one for one in own.sections if one.path == path), None)
        if mine is None:
            return None
        return state_of(codecs, codec, own, mine, mine.device or section.device)

    found = after_load.refused(
        known.lookup, placed, reading.state, None if own is None else machines_own
    )
    found.sort(key=lambda one: not one.certain)
    for one in found:
        message = f"post_load refuses what it reads, if {one.condition}"
        member = ".".join(name for name in (one.path, *one.reads[:1]) if name)
        about = Objection("value", section.path, member, section.start, message)
        return about, one.certain
    return None


def _unlike(one: machine.Unlike) -> Objection:
    return Objection(
        "machine", one.section, one.member, one.offset, one.message, one.hint
    )


def _finding(
    error: StreamError, section: Section, codecs: Codecs | None = None
) -> Objection:
    member = error.path.removeprefix(section.path).strip()
    rule: Rule = error.rule or "value"  # type: ignore[assignment]
    hint = _HINTS.get(error.rule, "") if codecs is not None else error.hint
    return Objection(rule, section.path, member, error.offset, error.message, hint)


_HINTS = {
    "version-window": "save it with a machine type that the release has too, or load it "
    "with the release that wrote it",
    "unknown-subsection": "without the subsection the device starts with what it has "
    "after a reset",
    "footer-shift": "QEMU would go on reading in the wrong place, and miss the footer",
}


def _of_stream(error: StreamError) -> Objection:
    section, _, member = error.path.partition(" ")
    rule: Rule = error.rule or "container"  # type: ignore[assignment]
    return Objection(rule, section, member, error.offset, error.message, error.hint)
