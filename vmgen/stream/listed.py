"""Whether the CPUs of a release take the system registers that an Arm stream lists, where
no stream of the machine says what they have.

A machine that is started with the options that the guest had has a CPU of the same model,
with the same parts.  Which one that is, the list itself tells, by the processors of the
releases that can have written it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from vmgen.known import register_lists
from vmgen.known.processor_side import ProcessorSide
from vmgen.known.processors import ProcessorRegisters
from vmgen.known.register_lists import RegisterDifference
from vmgen.lookup import Placed
from vmgen.stream import machine, system_registers, tables
from vmgen.stream.codecs import Codecs
from vmgen.stream.errors import StreamError
from vmgen.stream.machine import Unlike
from vmgen.stream.parts import Section
from vmgen.stream.stream import Stream
from vmgen.stream.system_registers import RegisterList

Writers: TypeAlias = Callable[[], Sequence[ProcessorSide]]
"""The processors of each release that can have written the stream; none where vmgen knows
of no release that can."""

_LIKE = "give a stream that the machine saved with --like"


def none() -> Sequence[ProcessorSide]:
    """Nothing is known of who wrote the stream."""
    return ()


def unlike(
    stream: Stream,
    section: Section,
    codecs: Codecs,
    placed: Placed,
    machine_type: str,
    writers: Writers,
) -> Iterator[Unlike]:
    """What keeps a CPU of the release from taking a section's registers, or may."""
    known = tables.of(codecs)
    found = next(system_registers.of_section(stream, section), None)
    if known is None or found is None or not register_lists.is_in(placed.description):
        return
    judged = _Judged(section, found, placed, ProcessorSide(known.lookup.program))
    yield from judged.unlike(machine_type, writers())


def values_of(stream: Stream) -> dict[int, int] | None:
    """The system registers of the first CPU in a stream; None where it lists none, or
    cannot be read so far."""
    try:
        for section in stream.sections:
            if section.name == "cpu":
                found = next(system_registers.of_section(stream, section), None)
                return None if found is None else _values(found)
    except StreamError:
        return None
    return None


def _values(found: RegisterList) -> dict[int, int]:
    """The values of a list; fewer than its registers where the description does not say
    where they are."""
    return dict(zip(found.numbers, found.values, strict=False))


class _Judged:
    """The registers of one CPU, and the processors that may load them."""

    def __init__(
        self,
        section: Section,
        found: RegisterList,
        placed: Placed,
        reader: ProcessorSide,
    ) -> None:
        self.section = section
        self.found = found
        self.reader = reader
        self.all_ = register_lists.looks_at_all(placed.description)

    def unlike(
        self, machine_type: str, writers: Sequence[ProcessorSide]
    ) -> Iterator[Unlike]:
        processors = self.reader.processors
        listed = _values(self.found)
        having = [(side, one) for side in writers for one in side.having(listed)]
        if processors is None or len(listed) != len(self.found.numbers):
            yield self._open("accepted if the machine's CPU has each of them")
            return
        if not having:
            yield self._open(
                "and vmgen knows no processor that can have saved them: accepted if"
                " the machine's CPU has each of them"
            )
            return
        results: list[tuple[RegisterDifference, ...]] = []
        for side, one in having:
            taken = self.reader.alike(one, machine_type)
            if not taken or not processors.is_read(one.model):
                yield self._open(
                    f"those of {one.model}, which the release may not have"
                )
                return
            before, after = side.models(machine_type), self.reader.models(machine_type)
            if one.model in before and after and one.model not in after:
                yield self._open(
                    f"those of {one.model}: without -cpu a machine of this release has"
                    f" {' or '.join(sorted(after))}"
                )
                return
            results += (self._differences(side, other) for other in taken)
        yield from self._agreed(results)

    def _differences(
        self, saved: ProcessorSide, ours: ProcessorRegisters
    ) -> tuple[RegisterDifference, ...]:
        """What keeps a processor from loading the list, in QEMU's order."""
        theirs = self.found.by_number
        found = tuple(
            register_lists.differences(
                theirs,
                ours.registers,
                self.reader.defined,
                all_=self.all_,
                first=not self.section.instance_id,
                saved=saved.defined,
            )
        )
        longer = len(theirs) > len(ours.registers)
        if longer and not self.all_ and not any(one.sure for one in found):
            number = next(one for one in theirs if one not in ours.registers)
            return (RegisterDifference("foreign", number),)
        return found

    def _agreed(
        self, results: Sequence[tuple[RegisterDifference, ...]]
    ) -> Iterator[Unlike]:
        """What is found of every processor that the guest may have; where some take the
        list and others do not, that is open."""
        refused = [found for found in results if any(one.sure for one in found)]
        if len(refused) == len(results):
            sure = [one for one in refused[0] if one.sure]
            yield from machine.of_registers(self.section, self.found, sure)
        elif refused:
            yield self._open("refused or accepted, by what the guest's CPU is")
        else:
            open_ = next(filter(None, results), ())
            yield from machine.of_registers(self.section, self.found, open_)

    def _open(self, why: str) -> Unlike:
        return Unlike(
            self.section.path,
            register_lists.INDEXES,
            self.found.offset,
            f"system registers, {why}",
            certain=False,
            hint=_LIKE,
        )
