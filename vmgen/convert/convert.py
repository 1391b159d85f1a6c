"""A stream of one release as one that another release takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from vmgen.convert.mapping import NO_RULES, Mapping, Rule
from vmgen.convert.states import Conversion, Line, Misfit
from vmgen.stream import Stream
from vmgen.stream.codec import Codec
from vmgen.stream.codecs import Codecs
from vmgen.stream.draft import section_footer, section_header
from vmgen.stream.errors import BadEdit, StreamError
from vmgen.stream.parts import Command, DescriptionJson, Part, Section
from vmgen.stream.wire import Buffer


@dataclass(frozen=True, slots=True)
class Converted:
    """The pieces of the new stream, and what became of every field.

    ``unused`` says what of the mapping met nothing (``cpu: set env.foo met nothing``),
    ``unsure`` which of the sections that were written again their own codec does not load
    again, and why: what of it is there depends on something that no stream has.
    """

    pieces: tuple[Buffer, ...]
    lines: tuple[Line, ...]
    unused: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()

    @property
    def harmless(self) -> bool:
        """Whether only zeros were lost without the mapping allowing it."""
        return not any(line.harm for line in self.lines)


def convert(
    stream: Stream, codecs: Codecs, mapping: Mapping | None = None
) -> Converted:
    """The stream (read with the codecs of the release that wrote it) with its sections
    as ``codecs`` write them.

    A section that either side has no codec for stays as it is.  The description JSON
    goes: it would describe the old release's sections, and no QEMU needs it to load.
    Raises BadEdit for a value that the new release cannot hold, and what reading raises.
    """
    mapping = mapping or Mapping()
    work = _Work(stream, codecs, mapping)
    pieces = tuple(work.parts(stream.parts()))
    return Converted(
        pieces,
        tuple(work.lines),
        tuple(mapping.unused(work.used)),
        tuple(work.unsure),
    )


class _Work:
    def __init__(self, stream: Stream, codecs: Codecs, mapping: Mapping) -> None:
        self._stream = stream
        self._codecs = codecs
        self._mapping = mapping
        self.lines: list[Line] = []
        self.used: dict[str, set[Rule]] = {}
        self.unsure: list[str] = []

    def parts(self, parts: Iterator[Part]) -> Iterator[Buffer]:
        view = self._stream.view
        for part in parts:
            whole = view[part.offset : part.offset + part.size]
            if isinstance(part, Section):
                self._use(part, ())
            if isinstance(part, DescriptionJson):
                self.lines.append(
                    Line("", "description", "lost", why="it described the old sections")
                )
            elif isinstance(part, Command) and part.package is not None:
                raise BadEdit("postcopy streams are not converted", part.offset)
            elif isinstance(part, Section) and part.kind == "full":
                yield from self._section(part)
            else:
                yield whole

    def _use(self, section: Section, rules: Iterable[Rule]) -> None:
        if (key := self._mapping.key(section.name)) is not None:
            self.used.setdefault(key, set()).update(rules)

    def _section(self, section: Section) -> Iterator[Buffer]:
        view = self._stream.view
        whole = view[section.offset : section.offset + section.size]
        rules = self._mapping.rules(section.name)
        if rules.leave_out:
            self._use(section, rules.each())
            self.lines.append(
                Line(section.path, "", "lost", why="left out by the mapping")
            )
            return
        node = None if section.device is None else section.device.node
        target = self._codecs.get(section.name, node)
        if section.codec is None or target is None:
            why = "no codec: its bytes are copied"
            self.lines.append(Line(section.path, "", "kept", why=why))
            yield whole
            return
        old = self._stream.state(section)
        if rules == NO_RULES and self._as_it_is(section, target, old):
            yield whole
            return
        new = target.state()
        work = Conversion(section.path, rules)
        try:
            work.convert(old, new)
        except Misfit as misfit:
            hint = "set, rename or drop it in a mapping file"
            raise BadEdit(
                misfit.message, section.offset, f"{section.path} {misfit.path}", hint
            ) from None
        self._use(section, work.used)
        body = self._codecs.save(target, new, target.version_id, section.path)
        self.lines += work.lines
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
        self._again(section, target, body)
        fresh = _with_version(section, target.version_id)
        yield section_header(fresh)
        yield body
        if section.footer:
            yield section_footer(section)

    def _as_it_is(self, section: Section, target: Codec, old: Any) -> bool:
        """Whether the new release loads the section's bytes, and finds in them what the old
        one saved: every field that both have has its value there.

        Then a field that only one of them has is the same bytes under another name
        (``num_timers`` and ``num_timers_save`` of an HPET), and nothing is lost.
        """
        version = section.version_id
        if not target.minimum_version_id <= version <= target.version_id:
            return False
        node = None if section.device is None else section.device.node
        view = self._stream.view[: section.end]
        path = section.path
        try:
            new, end = self._codecs.load(
                target, view, section.start, version, path, node
            )
            work = Conversion(path)
            work.convert(old, new)
            body = self._codecs.save(target, new, version, path)
        except (StreamError, Misfit):
            return False
        if end != section.end or body != bytes(view[section.start :]):
            return False
        self._use(section, ())
        for line in work.lines:
            if line.what == "defaulted":
                why = "the bytes that the old release saved there"
                line = replace(line, what="kept", why=why)
            elif line.what == "lost":
                why = "its bytes stay, the new release has no such name for them"
                line = replace(line, what="kept", new=line.old, why=why, harm=False)
            self.lines.append(line)
        return True

    def _again(self, section: Section, codec: Codec, body: bytes) -> None:
        """Loads what was written, as the new release will."""
        try:
            _, end = self._codecs.load(
                codec, memoryview(body), 0, codec.version_id, section.path
            )
        except StreamError as error:
            self.unsure.append(f"{error.path or section.path}: {error.message}")
            return
        if end != len(body):
            left = len(body) - end
            self.unsure.append(f"{section.path}: {left} bytes are read by nothing")


def _with_version(section: Section, version: int) -> Section:
    return Section(
        section.offset, section.size, section.kind, section.id, section.name,
        section.instance_id, version, section.start, section.end, section.footer,
        section.means, section.codec, section.device,
    )  # fmt: skip


def counted(lines: tuple[Line, ...]) -> dict[str, int]:
    """How many fields became what."""
    return dict(Counter(line.what for line in lines))
