"""Verdicts for guests of which more is known than their machine type: the devices that
they have, or a stream of theirs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from vmgen import ir
from vmgen.known import MachineFacts
from vmgen.known.error_mask import has_mask
from vmgen.known.registered import instances
from vmgen.stream.having import Having
from vmgen.verdict.conditions import TRUE, every
from vmgen.verdict.model import (
    COMPATIBLE,
    Finding,
    Judgement,
    Outcome,
    SectionVerdict,
    Side,
)

_TypesOfTable: TypeAlias = dict[tuple[str, str], set[str]]
"""The device types whose sections a table is, by its file and symbol."""


def is_device(program: ir.Program, name: str) -> bool:
    """Whether a program has a device type of this name, up to the bus that carries a
    virtio device."""
    return any(_stem(one.name) == _stem(name) for one in program.machines.types)


def narrowed(
    judgements: Mapping[str, Judgement],
    old: ir.Program,
    new: ir.Program,
    devices: Sequence[str],
    has: Having | None,
) -> dict[str, Judgement]:
    """The same without the sections of devices that a guest does not have: it has its CPU,
    what is on its board in any case, and ``devices``, if there are any.  That users add
    them is no matter any more.

    What the guest ``has`` also answers what no machine type does: a section that the
    destination does not register, at all or as that instance, is refused; how many
    elements an array has decides whether memory beside it matters.
    """
    sides = MachineFacts(old), MachineFacts(new)
    types: tuple[_TypesOfTable, _TypesOfTable] = {}, {}
    for facts, of_table in zip(sides, types, strict=True):
        for root in facts.program.roots:
            of_table.setdefault((root.home, root.symbol), set()).update(
                root.device_types
            )
    wanted = {_stem(name) for name in devices}

    def kept(one: SectionVerdict, machine: str) -> bool:
        if has is not None and one.section not in has.names:
            return False
        tables = (one.old_file, one.old), (one.new_file, one.new)
        of = [
            (facts, type_)
            for facts, of_table, table in zip(sides, types, tables, strict=True)
            for type_ in of_table.get(table, ())
        ]
        if not devices or not of:
            return True
        kinds = {kind for facts, type_ in of for kind in facts.kinds(type_)}
        return (
            "cpu" in kinds
            or not wanted.isdisjoint(map(_stem, kinds))
            or any(
                facts.is_on_board(facts.machine(machine), type_) for facts, type_ in of
            )
        )

    found = {}
    for machine, one in judgements.items():
        sections = [
            replace(section, added=(), devices=())
            for section in one.sections
            if kept(section, machine)
        ]
        if has is not None:
            ways = (
                _Way(sides[0], sides[1], machine, has),
                _Way(sides[1], sides[0], machine, has),
            )
            sections = [
                _for_guest(section, one.sections, *ways) for section in sections
            ]
        aside = tuple(section for section in one.aside if kept(section, machine))
        found[machine] = replace(one, sections=tuple(sections), aside=aside)
    return found


def _stem(name: str) -> str:
    """What a virtio device and the devices that carry it have in common."""
    return re.sub(r"(-pci|-ccw|-device)?((-non)?-transitional)?\Z", "", name)


@dataclass(frozen=True, slots=True)
class _Way:
    """One direction for a machine type, and what its guest has."""

    source: MachineFacts
    target: MachineFacts
    machine: str
    has: Having

    def unmasked(self, section: str) -> Finding | None:
        """That the error mask of a PCI Express device is compared with 0 and is not."""
        if section not in self.has.reporting:
            return None
        saved, loaded = (
            has_mask(one, self.machine) for one in (self.source, self.target)
        )
        if not saved or loaded is not False:
            return None
        side = Side("values", path="config", type="pci config", check="equal")
        return Finding("check", section, field="config", source=side, target=side)

    def misnumbered(self, section: str) -> Finding | None:
        """That the destination registers the section under other numbers only."""
        numbers = instances(self.target.program.roots, section)
        strange = self.has.instances.get(section, frozenset()) - (
            numbers or frozenset()
        )
        if numbers is None or not strange:
            return None
        mine, theirs = (
            Side("section", section, instances=tuple(map(str, sorted(one))))
            for one in (strange, numbers)
        )
        return Finding("section-instance", section, source=mine, target=theirs)


def _for_guest(
    section: SectionVerdict,
    others: Iterable[SectionVerdict],
    forward: _Way,
    backward: _Way,
) -> SectionVerdict:
    alone = sum(one.section == section.section for one in others) == 1
    return replace(
        section,
        forward=_outcome(section.section, section.forward, forward, alone),
        backward=_outcome(section.section, section.backward, backward, alone),
    )


def _outcome(section: str, one: Outcome, way: _Way, alone: bool) -> Outcome:
    if (
        alone
    ):  # of several sections of one name nothing says which of them the guest has
        one = _sent(one)
    refused = [
        found
        for found in (way.misnumbered(section), way.unmasked(section))
        if found is not None
    ]
    if refused and one.verdict != "incompatible":
        return Outcome("incompatible", tuple(refused), one.notes)
    return _counted(section, _present(section, one, way.has), way.has)


def _sent(one: Outcome) -> Outcome:
    """What becomes of a section that the stream has, where the destination does not
    register it."""
    missing = [found for found in one.findings if found.kind == "section-missing"]
    if not missing or one.verdict == "compatible":
        return one
    findings = tuple(replace(found, condition=None) for found in missing)
    return replace(one, verdict="incompatible", findings=findings, condition=None)


def _present(section: str, one: Outcome, has: Having) -> Outcome:
    """The outcome where guests send subsections that no stream may have."""
    there = has.subsections.get(section, frozenset())
    sure = tuple(
        replace(found, condition=None)
        for found in one.findings
        if found.case is None
        and found.whenever is not None
        and found.whenever[0] in there
        and found.whenever[1] == found.condition
    )
    if one.verdict != "conditional" or not sure:
        return one
    return Outcome("incompatible", sure, one.notes)


def _counted(section: str, one: Outcome, has: Having) -> Outcome:
    """The outcome where the number of an array's elements is known: behind the first one
    memory decides, and whether that is alike on both sides is not known."""
    about = [found for found in one.findings if found.kind == "beside"]
    if one.verdict != "conditional" or not about:
        return one
    several = [
        found for found in about if (has.elements(section, found.field) or 2) > 1
    ]
    if several:
        return Outcome("unknown", tuple(several), one.notes)
    rest = tuple(found for found in one.findings if found.kind != "beside")
    if not rest:
        return replace(COMPATIBLE, notes=one.notes)
    condition = every(found.condition or TRUE for found in rest)
    return replace(one, findings=rest, condition=condition)
