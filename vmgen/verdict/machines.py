"""The verdict for each machine type: what its properties decide is no condition.

A machine type that is started without options has known members
(:mod:`vmgen.known`); with them the predicates of a section are other expressions, and the
section is judged again.  Sections that read none of them have one verdict for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal, TypeAlias

from vmgen import ir
from vmgen.known import (
    KnownBits,
    KnownMembers,
    MachineFacts,
    left_members,
    moved_members,
    read_members,
    with_constants,
)
from vmgen.known.mmus import of_model as mmu_of_model
from vmgen.known.processor_models import model_of, models_of
from vmgen.known.processor_side import ProcessorSide
from vmgen.lookup import Lookup
from vmgen.verdict import commands
from vmgen.verdict.judge import (
    BothWays,
    Sections,
    directed,
    judgement,
    pairs,
    verdict,
)
from vmgen.verdict.model import (
    COMPATIBLE,
    Direction,
    Judgement,
    Outcome,
    SectionVerdict,
)
from vmgen.verdict.registers import is_listed, with_registers
from vmgen.verdict.sections import SavedSection
from vmgen.verdict.started import with_processor, with_registered

_Constants: TypeAlias = tuple[tuple[ir.MemberPlace, int, int], ...]
"""Places with the bits that are known and their values, sorted."""


@dataclass
class _JudgedSide:
    """One of the two programs, section by section."""

    program: ir.Program
    facts: MachineFacts = field(init=False)
    _lookup: Lookup = field(init=False)
    _leaves: bool = field(init=False)
    _closures: dict[tuple[str, str], ir.Program] = field(default_factory=dict)
    _read: dict[tuple[str, str], frozenset[ir.MemberPlace]] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        self.facts = MachineFacts(self.program)
        self._lookup = Lookup(self.program)
        self._leaves = bool(left_members(self.program))

    def constants(
        self, section: SavedSection | None, machine: str, model: str
    ) -> _Constants:
        """What is known of the members that the section's predicates read, on a machine
        of the type with that model of CPU, without one (``-cpu``) the type's own."""
        if section is None or section.placed is None or not machine:
            return ()
        key = section.file, section.symbol
        if key not in self._read:
            self._read[key] = read_members(self.closure(section))
        read = self._read[key]
        if not read:
            return ()
        of = self.facts.machine(machine)
        types = {
            type_
            for root in section.roots
            for type_ in root.device_types
            if self.facts.may_make(of, type_)
        }
        known = self.facts.known(
            of,
            # Of a table that C code registers or saves, those whose objects it reads.
            sorted(types) or self.facts.holders(read),
            read,
        )
        found = {where: known[where] for where in read if where in known}
        if of is not None:
            mmu = mmu_of_model(model or model_of(of))
            found |= {where: bits for where, bits in mmu.items() if where in read}
        return _constants(found)

    def may_have(self, section: SavedSection | None, machine: str) -> bool:
        """Whether a machine of the type may have the section; one that the side does not
        know at all is its other side's matter."""
        if section is None or not machine:
            return True
        return self.facts.may_have(self.facts.machine(machine), section.roots)

    def is_added(self, section: SavedSection | None, machine: str) -> bool:
        """Whether a machine of the type has the section only where a user adds a device
        for it."""
        if section is None or not machine:
            return False
        return self.facts.is_added(self.facts.machine(machine), section.roots)

    def left(self, section: SavedSection | None) -> _Constants:
        """What ``pre_save`` functions of the section leave as one number."""
        if section is None or section.placed is None or not self._leaves:
            return ()
        return _constants(left_members(self.closure(section)))

    def read(self, section: SavedSection | None, sent: _Constants) -> _Constants:
        """What the section has of numbers that were sent, after it was loaded."""
        if not sent:
            return ()
        moved = moved_members(self.closure(section))
        return tuple(one for one in sent if one[0] in moved)

    def closure(self, section: SavedSection | None) -> ir.Program:
        """The section's table and those below it; the whole program for one of C code."""
        if section is None or section.placed is None:
            return self.program
        key = section.file, section.symbol
        if key not in self._closures:
            self._closures[key] = self._lookup.closure(section.placed)
        return self._closures[key]

    def settled(self, section: SavedSection | None, known: _Constants) -> ir.Program:
        """The same with these constants."""
        return with_constants(
            self.closure(section),
            {where: KnownBits(mask, value) for where, mask, value in known},
        )


def _constants(known: KnownMembers) -> _Constants:
    return tuple(
        sorted(
            ((where, bits.mask, bits.value) for where, bits in known.items()),
            key=lambda one: (one[0].type, one[0].path),
        )
    )


def _newest_first(name: str) -> tuple[str, tuple[int, ...]]:
    """What sorts ``pc-q35-2.10`` between ``pc-q35-2.11`` and ``pc-q35-2.9``."""
    family, _, version = name.rpartition("-")
    numbers = version.split(".")
    if not all(map(str.isdigit, numbers)):
        return name, ()
    return family, tuple(-int(one) for one in numbers)


@dataclass
class MachineJudge:
    """The verdicts on two programs, machine type by machine type."""

    old: ir.Program
    new: ir.Program
    _sides: tuple[_JudgedSide, _JudgedSide] = field(init=False)
    _processors: tuple[ProcessorSide, ProcessorSide] = field(init=False)
    _pairs: tuple[Sections, ...] = field(init=False)
    _plain: BothWays = field(init=False)
    _known: dict[tuple[int, _Constants, _Constants], SectionVerdict] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        self._sides = _JudgedSide(self.old), _JudgedSide(self.new)
        self._processors = ProcessorSide(self.old), ProcessorSide(self.new)
        self._pairs = pairs(self.old, self.new)
        self._plain = BothWays(
            directed(self.old, self.new), directed(self.new, self.old)
        )

    @property
    def machines(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """The names of the machine types of both sides, of the old one alone, and of the
        new one alone; of a family the newest first.  None where one of the sides does
        not know its machine types."""
        old, new = (
            sorted(side.facts.machines, key=_newest_first) for side in self._sides
        )
        if not (old and new):  # one side knows nothing of machine types
            return (), (), ()
        return (
            tuple(name for name in old if name in new),
            tuple(name for name in old if name not in new),
            tuple(name for name in new if name not in old),
        )

    @property
    def lacking(self) -> tuple[Literal["OLD", "NEW"], ...]:
        """The sides that do not know their machine types."""
        sides: tuple[Literal["OLD", "NEW"], ...] = ("OLD", "NEW")
        return tuple(
            name
            for name, side in zip(sides, self._sides, strict=True)
            if not side.facts.machines
        )

    def named(self, name: str) -> str:
        """The machine type that a name, which may be an alias of it on the old side or on
        the new one, stands for; the name itself if none has it."""
        found = (side.facts.machine(name) for side in self._sides)
        return next((one.name for one in found if one is not None), name)

    def judgement(
        self,
        machine: str,
        listed: tuple[Mapping[int, int], ...] = (),
        model: str = "",
    ) -> Judgement:
        """The verdicts for one machine type; "" for those without premises.

        ``listed`` are the system registers that a guest has, with their values, of each
        CPU; none where no guest is given.  ``model`` is the model of its CPU, empty for the
        one that the machine type has without options.
        """
        verdicts: list[SectionVerdict] = []
        aside: list[SectionVerdict] = []
        for number, pair in enumerate(self._pairs):
            one = self._verdict(number, pair, machine, model)
            sent = self._sent(pair, machine, one)
            if sent is not None:
                if machine:
                    sent = self._with_registers(pair, machine, sent, listed, model)
                    sent = self._started(pair, machine, sent, model)
                    sent = self._marked(pair, machine, _of_machine(sent))
                verdicts.append(sent)
            elif one.worst != "compatible":
                aside.append(one)
        old, new = (side.facts for side in self._sides)
        sent_commands = commands.verdicts(old, new, machine)
        found = judgement(self.old, self.new, chain(verdicts, sent_commands))
        return replace(found, aside=tuple(aside))

    def _sent(
        self, pair: Sections, machine: str, one: SectionVerdict
    ) -> SectionVerdict | None:
        """The verdict on what machines of the type send: a side sends nothing of a device
        that its board does not make and users cannot add.  None if neither does."""
        old, new = (
            side.may_have(section, machine)
            for side, section in zip(self._sides, (pair.old, pair.new), strict=True)
        )
        if not (old or new):
            return None
        return replace(
            one,
            forward=one.forward if old else COMPATIBLE,
            backward=one.backward if new else COMPATIBLE,
        )

    def _with_registers(
        self,
        pair: Sections,
        machine: str,
        one: SectionVerdict,
        listed: tuple[Mapping[int, int], ...],
        model: str,
    ) -> SectionVerdict:
        """The verdict with what the system registers of a CPU's section decide."""
        tables = [
            section.placed.description
            for section in (pair.old, pair.new)
            if section is not None and section.placed is not None
        ]
        if len(tables) < 2 or not all(map(is_listed, tables)):
            return one
        old, new = self._processors
        of = machine, listed, model
        return replace(
            one,
            forward=with_registers(one.forward, old, new, tables[1], *of),
            backward=with_registers(one.backward, new, old, tables[0], *of),
        )

    def _started(
        self, pair: Sections, machine: str, one: SectionVerdict, model: str
    ) -> SectionVerdict:
        """The verdict with what a machine type decides by itself."""
        old, new = ((side.program, side.facts.machine(machine)) for side in self._sides)
        forward = with_registered(one.forward, pair.old, pair.new, old[1])
        backward = with_registered(one.backward, pair.new, pair.old, new[1])
        return replace(
            one,
            forward=with_processor(forward, old, new, pair.new, model),
            backward=with_processor(backward, new, old, pair.old, model),
        )

    def models(self) -> tuple[str, ...]:
        """The models of CPUs that both sides know: their system registers, or their
        processor versions."""
        names: list[set[str]] = []
        for side, listed in zip(self._sides, self._processors, strict=True):
            models = models_of(side.program.premises)
            names.append(set() if models is None else {*models.names})
            if listed.processors is not None:
                names[-1].update(listed.processors.by_model)
        return tuple(sorted(names[0] & names[1]))

    def _marked(
        self, pair: Sections, machine: str, one: SectionVerdict
    ) -> SectionVerdict:
        """The verdict with the directions in which a user must add a device for it."""
        sections = pair.old, pair.new
        ways: tuple[Direction, Direction] = "forward", "backward"
        added = tuple(
            way
            for way, side, section in zip(ways, self._sides, sections, strict=True)
            if side.is_added(section, machine)
            and one.outcome(way).verdict != "compatible"
        )
        if not added:
            return one
        devices = {
            type_
            for section in sections
            if section is not None
            for root in section.roots
            for type_ in root.device_types
        }
        return replace(one, added=added, devices=tuple(sorted(devices)))

    def _verdict(
        self, number: int, pair: Sections, machine: str, model: str
    ) -> SectionVerdict:
        old, new = self._sides
        first = old.constants(pair.old, machine, model)
        second = new.constants(pair.new, machine, model)
        key = number, first, second
        if key not in self._known:
            self._known[key] = self._judged(pair, first, second)
        return self._known[key]

    def _judged(
        self, pair: Sections, first: _Constants, second: _Constants
    ) -> SectionVerdict:
        old, new = self._sides
        left = old.left(pair.old), new.left(pair.new)
        if not (first or second or any(left)):
            return verdict(pair, self._plain)
        forward = directed(
            old.settled(pair.old, first + left[0]),
            new.settled(pair.new, second + new.read(pair.new, left[0])),
        )
        backward = directed(
            new.settled(pair.new, second + left[1]),
            old.settled(pair.old, first + old.read(pair.old, left[1])),
        )
        return verdict(pair, BothWays(forward, backward))


def _of_machine(one: SectionVerdict) -> SectionVerdict:
    """The verdict for a machine type: C tables that differ, and numbers that must be the
    destination's own, are nothing that the guest's state decides, so whether it loads is
    not known."""
    return replace(one, forward=_known(one.forward), backward=_known(one.backward))


def _known(one: Outcome) -> Outcome:
    premises = tuple(
        found for found in one.findings if found.kind in ("premise", "check")
    )
    if one.verdict != "conditional" or not premises:
        return one
    return Outcome("unknown", premises, one.notes)


def judge(old: ir.Program, new: ir.Program) -> Judgement:
    """The verdict on every section of the two programs, in both directions, whatever the
    machine type is."""
    return MachineJudge(old, new).judgement("")


@dataclass(frozen=True, slots=True)
class Affected:
    """One section's verdict, and the machine types that it holds for."""

    section: SectionVerdict
    machines: tuple[str, ...]


def by_section(judgements: Mapping[str, Judgement]) -> tuple[Affected, ...]:
    """Each verdict once, in the order of the sections."""
    found: dict[SectionVerdict, list[str]] = {}
    order: dict[object, int] = {}
    for machine, one in judgements.items():
        for section in one.sections:
            found.setdefault(section, []).append(machine)
            order.setdefault(section.key, len(order))
    known = sorted(found.items(), key=lambda item: order[item[0].key])
    return tuple(Affected(section, tuple(names)) for section, names in known)
