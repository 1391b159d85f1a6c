"""One section, read as a release reads it: what it refuses, what it asks of the machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from vmgen.known import register_lists
from vmgen.known.system_registers import DefinedRegisters
from vmgen.stream import system_registers, tables
from vmgen.stream.answers import Answers, of_machine, without_lengths
from vmgen.stream.codec import Codec
from vmgen.stream.codecs import Codecs
from vmgen.stream.description import Node
from vmgen.stream.errors import Refused, StreamError
from vmgen.stream.parts import Section
from vmgen.stream.properties import NO_ANSWERS, StreamProperties
from vmgen.stream.stream import Stream


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of a section: ``refusal`` is None if the release takes it.

    ``asked`` are questions about the machine that the bytes do not answer, in the order
    in which its table asks them; ``certain`` says that no answer makes the refusal go.
    ``state`` is what the codec made of a section that is accepted.
    """

    refusal: StreamError | None = None
    asked: tuple[str, ...] = ()
    certain: bool = True
    state: Any = None


class MachineAnswers:
    """What the machine type of a stream answers, as the release of ``codecs`` has it."""

    def __init__(self, codecs: Codecs, machine: str) -> None:
        self._codecs = codecs
        self._known = tables.of(codecs)
        self._properties: StreamProperties | None = None
        if self._known is not None and machine:
            self._properties = StreamProperties(self._known.lookup, machine)

    @property
    def vanished(self) -> bool:
        """Whether the release has no machine type of this name."""
        return self._properties is not None and self._properties.vanished

    def of(self, codec: Codec, path: str) -> Answers:
        """The answers for a section, by its codec and path; those that a user gives
        come first."""
        known = NO_ANSWERS
        if self._known is not None and self._properties is not None:
            known = self._properties.of(self._known.table(codec))
        return Answers(
            {**_of_bus(path), **known.members, **self._codecs.members},
            {**known.functions, **self._codecs.functions},
        )


class SectionReader:
    """Reads the sections of one stream as the release of its codecs does."""

    def __init__(
        self,
        stream: Stream,
        codecs: Codecs,
        own: Stream | None,
        machine: MachineAnswers,
    ) -> None:
        """``own`` is a stream of the machine that loads this one, ``machine`` what its
        type has; ``codecs`` say what neither of them does."""
        self.stream = stream
        self.codecs = codecs
        self._machine = machine
        self._known = tables.of(codecs)
        self._registers: DefinedRegisters | None = None
        self._own = {} if own is None else {one.path: one for one in own.sections}

    def read(self, section: Section, codec: Codec) -> Reading:
        """Why the release refuses a section, and what it would have to know."""
        path, device = section.path, section.device
        if device is None and self.stream.description is not None:
            message = "an instance that the stream does not describe: it was added"
            return Reading(_refused("unknown-section", message, section.offset, path))
        if section.version_id > codec.version_id:
            return Reading(_outside(section, codec))
        own = self._own.get(path)
        theirs = None if device is None else device.node
        if own is not None and own.device is not None:
            ours: Node = own.device.node
            if theirs is not None:
                ours = _answering(ours, theirs)
            else:  # no description of the stream's own: its content has other lengths
                state, wrong, end, asked = self._load(section, codec, ours)
                if wrong is None and end == section.end:
                    return Reading(state=state)
                ours = without_lengths(ours)
            state, wrong, end, asked = self._load(section, codec, ours)
            if wrong is None or wrong.rule != "context":
                return self._end(section, codec, state, wrong, end, ())
        elif (foreign := self._foreign(section, codec)) is not None:
            return Reading(foreign)
        state, wrong, end, asked = self._load(section, codec, theirs)
        bounds = self._bounds(codec)
        asked = tuple(one for one in asked if one not in bounds)
        return self._end(section, codec, state, wrong, end, asked)

    def _load(
        self, section: Section, codec: Codec, node: Node | None
    ) -> tuple[Any, StreamError | None, int, tuple[str, ...]]:
        """The state, what is wrong, where the table ends, and what it asked of the
        machine."""
        answers = self._machine.of(codec, section.path)
        view = self.stream.view[: section.end]
        start, version, path = section.start, section.version_id, section.path
        try:
            state, end = self.codecs.load(
                codec, view, start, version, path, node, answers
            )
        except StreamError as error:
            return None, error, start, answers.missing
        return state, None, end, answers.missing

    def _bounds(self, codec: Codec) -> frozenset[str]:
        """The members that only bound a number, and say nothing of how a section is read:
        whoever judges a section asks for them by themselves."""
        placed = None if self._known is None else self._known.table(codec)
        if placed is None:
            return frozenset()
        struct = placed.description.type
        return frozenset(
            ".".join((struct, *path)) for _, path in tables.bounded(placed)
        )

    def _foreign(self, section: Section, codec: Codec) -> Refused | None:
        """A system register in the section that no CPU of the release has."""
        placed = None if self._known is None else self._known.table(codec)
        if (
            self._known is None
            or placed is None
            or not register_lists.is_in(placed.description)
        ):
            return None
        if self._registers is None:
            self._registers = DefinedRegisters(self._known.lookup.program.premises)
        for found in system_registers.of_section(self.stream, section):
            all_ = register_lists.looks_at_all(placed.description)
            place = self._registers.foreign(found.numbers, all_)
            if place is not None:
                number = found.numbers[place]
                message = f"no CPU of the release has system register {number:#x}"
                path = f"{section.path} {register_lists.INDEXES}"
                return _refused("machine", message, found.offset + 8 * place, path)
        return None

    def _end(
        self,
        section: Section,
        codec: Codec,
        state: Any,
        wrong: StreamError | None,
        end: int,
        asked: tuple[str, ...],
    ) -> Reading:
        path = section.path
        if wrong is None and end == section.end:
            return Reading(None, asked, state=state)
        if wrong is not None and wrong.rule == "version-window" and wrong.path == path:
            return Reading(_outside(section, codec))
        if wrong is not None and wrong.rule == "context":
            return Reading(wrong, asked)
        if wrong is not None and wrong.rule in ("version-window", "unknown-subsection"):
            shift = None
        else:
            shift = _shift(self.codecs, codec, section)
        if shift is None and wrong is not None:
            return Reading(wrong, asked)
        if shift is None:
            short = section.end - end
            message = f"the release's table ends {abs(short)} bytes {'before' if short > 0 else 'behind'} the footer"
            refusal = _refused("footer-shift", message, end, path)
            return Reading(refusal, asked, certain=False)
        refusal = _refused(
            "footer-shift", shift.message, shift.offset, f"{path} {shift.member}"
        )
        return Reading(refusal, asked, shift.certain)


def _answering(ours: Node, theirs: Node) -> Node:
    """The machine's own description as answers about a section; without lengths where the
    stream's, which QEMU does not read, is damaged."""
    try:
        return of_machine(ours, theirs)
    except StreamError:
        return without_lengths(ours)


_BUSES = (
    ("pci", re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}(:[0-9a-f]{2}\.[0-7])+")),
    ("ccw", re.compile(r"/?[0-9a-f]{2}\.[0-3]\.[0-9a-f]{4}")),
    ("mmio", re.compile(r"(.*/)?virtio-mmio@[0-9a-f]{16}")),
)
"""Where a device is, in the words of its bus: ``pcibus_get_dev_path`` (``hw/pci/pci.c``),
``virtual_css_bus_get_dev_path`` (``hw/s390x/css-bridge.c``),
``virtio_mmio_bus_get_dev_path`` (``hw/virtio/virtio-mmio.c``)."""


def _of_bus(path: str) -> dict[str, object]:
    """What a section's name says of a virtio device: its transport, whose path it has
    (``virtio_bus_get_dev_path``, ``hw/virtio/virtio-bus.c``)."""
    place = path.rpartition("/")[0].rpartition("/")[0]
    bus = next((name for name, form in _BUSES if form.fullmatch(place)), None)
    return {} if bus is None else {"VirtIODevice.transport": bus}


def _outside(section: Section, codec: Codec) -> Refused:
    message = _window(section, codec)
    return _refused("version-window", message, section.start - 4, section.path)


def _shift(codecs: Codecs, codec: Codec, section: Section) -> tables.Shift | None:
    known = tables.of(codecs)
    if known is None or section.device is None:
        return None
    placed = known.table(codec)
    if placed is None:
        return None
    return known.shift(placed, section.device.node, section.version_id, section.start)


def _window(section: Section, codec: Codec) -> str:
    low, high = codec.minimum_version_id, codec.version_id
    window = f"only version {high}" if low == high else f"versions {low} to {high}"
    return f"version {section.version_id}; the release accepts {window}"


def _refused(rule: str, message: str, offset: int, path: str) -> Refused:
    error = Refused(message, offset, path)
    error.rule = rule
    return error
