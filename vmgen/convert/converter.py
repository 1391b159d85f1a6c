"""A stream of one release as one that another release takes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Table
from dataclasses import dataclass, field, replace
from typing import Any

from vmgen.convert.blocks import resized
from vmgen.convert.mapping import NO_RULES, Mapping, Rule, Rules
from vmgen.convert.states import Conversion, Line, Misfit
from vmgen.stream import Stream, configuration, tables
from vmgen.stream.codec import Codec
from vmgen.stream.codecs import Codecs
from vmgen.stream.describing import described
from vmgen.stream.description import Document, Node
from vmgen.stream.draft import section_footer, section_header
from vmgen.stream.errors import BadEdit, Refused, StreamError
from vmgen.stream.held import NotDescribed
from vmgen.stream.parts import (
    Command,
    Configuration,
    DescriptionJson,
    Part,
    Section,
)
from vmgen.stream.ram_draft import Patch, patched
from vmgen.stream.reading import MachineAnswers, Reading, SectionReader
from vmgen.stream.redescribe import bytes_only, with_devices
from vmgen.stream.wire import DESCRIPTION, Buffer, printable, raw


@dataclass(frozen=True, slots=True)
class Converted:
    """The pieces of the new stream, and what became of every field.

    ``unused`` says what of the mapping met nothing (``cpu: set env.foo met nothing``),
    ``unsure`` which of the sections that were written again their own codec does not load
    again, and why: what of it is there depends on something that no stream has.
    ``suggested`` is what a mapping may say of members that found nothing, for a person to
    look at: nothing of it was done.
    """

    pieces: tuple[Buffer, ...]
    lines: tuple[Line, ...]
    unused: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    suggested: Mapping = field(default_factory=Mapping)

    @property
    def harmless(self) -> bool:
        """Whether only zeros were lost without the mapping allowing it."""
        return not any(line.harm for line in self.lines)


@dataclass(frozen=True, slots=True)
class Destination:
    """What the machine that loads the stream has otherwise than the one that saved it:
    its type (empty: the same), and the sizes of RAM blocks in bytes by their names."""

    type: str = ""
    blocks: Table[str, int] = field(default_factory=dict)


SAME = Destination()


def convert(
    stream: Stream,
    codecs: Codecs,
    mapping: Mapping | None = None,
    machine: Destination = SAME,
) -> Converted:
    """The stream (read with the codecs of the release that wrote it) as the release of
    ``codecs`` takes it.

    A section that the release loads as it is, stays as it is, and so does one that either
    side has no codec for.  Of the others, the description JSON has what the new release
    would have written.  Raises BadEdit for a value that the new release cannot hold, and
    what reading raises.
    """
    work = _Work(stream, codecs, mapping or Mapping(), machine)
    pieces = tuple(work.parts(tuple(stream.parts())))
    return Converted(
        pieces,
        tuple(work.lines),
        tuple(work.mapping.unused(work.used)),
        tuple(work.unsure),
        Mapping(work.suggested),
    )


class _Work:
    def __init__(
        self, stream: Stream, codecs: Codecs, mapping: Mapping, machine: Destination
    ) -> None:
        self._stream = stream
        self._codecs = codecs
        self.mapping = mapping
        self._machine = machine
        self.lines: list[Line] = []
        self.used: dict[str, set[Rule]] = {}
        self.unsure: list[str] = []
        self.suggested: dict[str, Rules] = {}
        self._tables = tables.of(codecs)
        found = stream.configuration
        type_ = machine.type or ("" if found is None else printable(found.machine))
        self._reader = SectionReader(
            stream, codecs, None, MachineAnswers(codecs, type_)
        )
        self._entries: dict[int, bytes | None] = {}
        self._patches: list[Patch] = []

    def parts(self, parts: Iterable[Part]) -> Iterator[Buffer]:
        view = self._stream.view
        if self._machine.blocks:
            self._patches, lines = resized(self._stream, self._machine.blocks)
            self.lines += lines
        for part in parts:
            whole = view[part.offset : part.offset + part.size]
            if isinstance(part, Section):
                self._use(part, ())
            if isinstance(part, Configuration) and self._machine.type:
                yield self._typed(part)
            elif isinstance(part, DescriptionJson):
                yield self._described(whole)
            elif isinstance(part, Command) and part.package is not None:
                raise BadEdit("postcopy streams are not converted", part.offset)
            elif isinstance(part, Section) and part.means == "ram":
                end = part.offset + part.size
                here = [one for one in self._patches if part.offset <= one.offset < end]
                yield from patched(view, part.offset, end, here)
            elif isinstance(part, Section) and part.kind == "full":
                yield from self._section(part)
            else:
                yield whole

    def _use(self, section: Section, rules: Iterable[Rule]) -> None:
        if (key := self.mapping.key(section.name)) is not None:
            self.used.setdefault(key, set()).update(rules)

    # --- the machine ------------------------------------------------------------------

    def _typed(self, part: Configuration) -> bytes:
        """The configuration with the machine type that loads the stream."""
        names = part.value("capabilities")
        wanted = self._machine.type
        if len(raw(wanted)) != len(raw(part.machine)) and (
            isinstance(names, list) and "mapped-ram" in names
        ):
            message = "nothing may move before mapped RAM"
            raise BadEdit(message, part.offset, "configuration")
        if wanted != part.machine:
            old = printable(part.machine)
            line = Line("configuration", "machine", "set", old, wanted, "by --machine")
            self.lines.append(line)
        return configuration.encode(
            Configuration(part.offset, part.size, wanted, part.subsections)
        )

    # --- the description --------------------------------------------------------------

    def _described(self, whole: memoryview) -> Buffer:
        """The description JSON, with the entries of the sections that were written
        again."""
        document = self._stream.description
        if document is None:
            return whole
        size = len(raw(self._machine.type)) if self._machine.type else None
        if not self._entries and size is None:
            return whole
        text = _rewritten(document, self._entries, size)
        if text == document.text:
            return whole
        again = [one for one in self._entries.values() if one is not None]
        why = f"{len(again)} of its sections are described as they are now"
        self.lines.append(Line("", "description", "kept", why=why))
        return b"%c%b%b" % (DESCRIPTION, len(text).to_bytes(4, "big"), text)

    def _entry(
        self, section: Section, target: Codec, state: Any, body: bytes
    ) -> Node | None:
        """What the new release's description says of a section; None where the stream has
        no description."""
        device = section.device
        if device is None:
            return None
        head = {"name": section.name, "instance_id": section.instance_id}
        placed = None if self._tables is None else self._tables.table(target)
        made: Node | None = None
        if placed is not None and self._tables is not None:
            try:
                node, size = described(
                    self._tables.lookup, placed, state, target.version_id
                )
                made = {**head, **node} if size == len(body) else None
            except NotDescribed:
                made = None
        if made is None:
            made = bytes_only(head, target.name, target.version_id, len(body))
            why = "its description says only how many bytes it has"
            self.lines.append(Line(section.path, "", "kept", why=why))
        self._entries[device.span[0]] = json.dumps(made).encode()
        return made

    # --- sections ---------------------------------------------------------------------

    def _section(self, section: Section) -> Iterator[Buffer]:
        view = self._stream.view
        whole = view[section.offset : section.offset + section.size]
        rules = self.mapping.rules(section.name)
        if rules.leave_out:
            self._use(section, rules.each())
            self.lines.append(
                Line(section.path, "", "lost", why="left out by the mapping")
            )
            if section.device is not None:
                self._entries[section.device.span[0]] = None
            return
        target = self._target(section)
        if section.codec is None or target is None:
            why = "no codec: its bytes are copied"
            self.lines.append(Line(section.path, "", "kept", why=why))
            yield whole
            return
        reading = self._reader.read(section, target)
        if rules == NO_RULES and self._stays(section, target, reading):
            yield whole
            return
        body, new = self._written(section, target, rules)
        version = section.version_id
        if version != target.version_id:
            self.lines.append(
                Line(
                    section.path, "version", "kept", str(version),
                    str(target.version_id), "as the new release saves it",
                )
            )  # fmt: skip
        if body == bytes(view[section.start : section.end]) and (
            version == target.version_id
        ):
            yield whole
            return
        self._again(section, target, body, self._entry(section, target, new, body))
        fresh = _with_version(section, target.version_id)
        yield section_header(fresh)
        yield body
        if section.footer:
            yield section_footer(section)

    def _target(self, section: Section) -> Codec | None:
        """The new release's codec; None where it has none, or several that nothing
        tells apart."""
        node = None if section.device is None else section.device.node
        try:
            return self._codecs.get(section.name, node)
        except Refused:
            return None

    def _written(
        self, section: Section, target: Codec, rules: Rules
    ) -> tuple[bytes, Any]:
        """The section's body as the new release saves it, and its state."""
        old, new = self._stream.state(section), target.state()
        work = Conversion(section.path, rules)
        try:
            work.convert(old, new)
        except Misfit as misfit:
            hint = "set, rename or drop it in a mapping file"
            raise BadEdit(
                misfit.message, section.offset, f"{section.path} {misfit.path}", hint
            ) from None
        self._use(section, work.used)
        self.lines += work.lines
        if (found := work.suggestions()) != NO_RULES:
            self.suggested[section.name.rpartition("/")[2]] = found
        body = self._codecs.save(target, new, target.version_id, section.path)
        return body, new

    def _stays(self, section: Section, target: Codec, reading: Reading) -> bool:
        """Whether the new release loads the section's bytes, and finds in them what the old
        one saved: every field that both have has its value there.

        Then a field that only one of them has is the same bytes under another name
        (``num_timers`` and ``num_timers_save`` of an HPET), or bytes that the other one
        skips: the new release is given what QEMU would give it.  Where it is not known whether the release loads it, since that asks the machine, the
        bytes stay, too: the verdict on the result reports it.
        """
        refusal = reading.refusal
        if refusal is not None and refusal.rule == "context":
            return self._kept_whole(section, refusal.message)
        if refusal is not None:
            return False
        version = section.version_id
        node = None if section.device is None else section.device.node
        view = self._stream.view[: section.end]
        path = section.path
        try:
            new, end = self._codecs.load(
                target, view, section.start, version, path, node
            )
        except StreamError as error:
            return self._kept_whole(section, error.message)
        work = Conversion(path)
        try:
            found = self._codecs.save(target, new, version, path)
            work.convert(self._stream.state(section), new)
            meant = self._codecs.save(target, new, version, path)
        except (StreamError, Misfit):
            return False
        if end != section.end or found != meant:
            return False
        self._use(section, ())
        for line in work.lines:
            if line.what == "defaulted":
                why = "the bytes that the old release saved there"
                line = replace(line, what="kept", why=why)
            elif line.what == "lost":
                why = "its bytes stay, the new release has no such name for them"
                line = replace(line, what="kept", new=line.old, why=why, harm=False)
            elif line.what == "renamed":
                line = replace(line, what="kept")
            self.lines.append(line)
        return True

    def _kept_whole(self, section: Section, why: str) -> bool:
        self._use(section, ())
        why = f"whether it is loaded asks the machine: {why}"
        self.lines.append(Line(section.path, "", "kept", why=why))
        return True

    def _again(
        self, section: Section, codec: Codec, body: bytes, node: Node | None
    ) -> None:
        """Loads what was written, as the new release will."""
        try:
            _, end = self._codecs.load(
                codec, memoryview(body), 0, codec.version_id, section.path, node
            )
        except StreamError as error:
            self.unsure.append(f"{error.path or section.path}: {error.message}")
            return
        if end != len(body):
            left = len(body) - end
            self.unsure.append(f"{section.path}: {left} bytes are read by nothing")


def _rewritten(
    document: Document, entries: Table[int, bytes | None], machine: int | None
) -> bytes:
    """The text of a description with other entries, by the places of the old ones (None:
    without it), and for a machine type whose name has ``machine`` bytes."""
    texts = [entries.get(device.span[0], device.text) for device in document.devices]
    return with_devices(document, [one for one in texts if one is not None], machine)


def _with_version(section: Section, version: int) -> Section:
    return Section(
        section.offset, section.size, section.kind, section.id, section.name,
        section.instance_id, version, section.start, section.end, section.footer,
        section.means, section.codec, section.device,
    )  # fmt: skip


def counted(lines: tuple[Line, ...]) -> dict[str, int]:
    """How many fields became what."""
    return dict(Counter(line.what for line in lines))
