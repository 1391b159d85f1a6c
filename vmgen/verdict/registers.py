"""The system registers of a CPU: does the destination's CPU take the source's list?

Which registers a CPU has, and which of them never change, is known of the processors of
each side (:mod:`vmgen.known.processors`).  A machine type that is started without options
has the board's own model; a guest whose stream is given has the model of its list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from vmgen import ir
from vmgen.known import register_lists
from vmgen.known.processor_side import ProcessorSide
from vmgen.known.processors import ProcessorRegisters
from vmgen.known.register_lists import RegisterDifference
from vmgen.known.system_registers import PREMISE, DefinedRegisters
from vmgen.verdict.model import COMPATIBLE, Finding, Outcome, Side
from vmgen.verdict.outcomes import together, without

ONE_CPU = ir.Ask("one CPU")
"""The condition under which QEMU takes a list that lacks registers."""


def is_listed(description: ir.Description | None) -> bool:
    """Whether a description has such a list."""
    return description is not None and register_lists.is_in(description)


def with_registers(
    known: Outcome,
    source: ProcessorSide,
    target: ProcessorSide,
    description: ir.Description,
    machine: str,
    listed: tuple[Mapping[int, int], ...],
    model: str,
) -> Outcome:
    """The verdict on a CPU's section, with what its list of registers decides.

    ``description`` is the destination's, ``listed`` are the lists that the guest's stream
    has, of each CPU; none where no stream is given.  ``model`` is the guest's, empty for the
    one that the board has by itself.
    """
    if source.processors is None or target.processors is None:
        return known
    candidates = _candidates(source, target, machine, listed, model)
    if not candidates:
        return known
    all_ = register_lists.looks_at_all(description)
    given = model or listed
    outcomes = [
        (
            one.model,
            _outcome(
                one,
                source,
                target,
                description,
                machine=machine,
                own=frozenset() if given else target.models(machine),
                all_=all_,
                alone=len(listed) < 2,
            ),
        )
        for one in candidates
    ]
    found = _agreed(outcomes, description)
    return together(without(known, _is_of_tables), found)


def _candidates(
    source: ProcessorSide,
    target: ProcessorSide,
    machine: str,
    listed: tuple[Mapping[int, int], ...],
    model: str,
) -> tuple[ProcessorRegisters, ...]:
    """The processors that the guest may have in the source, without options but its
    model; none for a list that no processor of a release has, as under KVM."""
    assert source.processors is not None  # the caller has looked
    assert target.processors is not None  # the caller has looked
    if listed:
        first = source.processors.having(listed[0])
        # The guest's stream may be one that the destination's release saved.
        for one in () if first else target.processors.having(listed[0]):
            first += source.processors.alike(one)
        return first
    models = frozenset({model}) if model else source.models(machine)
    if not models or not all(map(source.processors.is_read, models)):
        both = source.processors.by_model.keys() & target.processors.by_model.keys()
        models = frozenset(both)
    return tuple(
        one
        for name in sorted(models)
        for one in source.processors.by_model[name]
        if source.started(one, machine)
    )


def _outcome(
    one: ProcessorRegisters,
    source: ProcessorSide,
    target: ProcessorSide,
    description: ir.Description,
    *,
    machine: str,
    own: frozenset[str],
    all_: bool,
    alone: bool,
) -> Outcome:
    """The verdict for one processor of the source.

    ``own`` are the models that the machine type has in the destination by itself; none
    where it is started with a model, or that is not known.
    """
    assert target.processors is not None  # the caller has looked
    models = own if own and one.model not in own else (one.model,)
    alike = tuple(
        other
        for model in sorted(models)
        for other in target.alike(replace(one, model=model), machine)
    )
    if not alike or not all(map(target.processors.is_read, models)):
        unread = [each.why for each in target.processors.unread if each.model in models]
        why = unread[0] if unread else f"the destination has no model {one.model}"
        return Outcome("unknown", (_unknown(description, one.model, why),))
    outcomes = [
        _compared(
            one,
            other,
            (source.defined, target.defined),
            description,
            all_,
            alone,
        )
        for other in alike
    ]
    if len({each.verdict for each in outcomes}) > 1:
        why = "it is up to how the board switches its parts"
        return Outcome("unknown", (_unknown(description, one.model, why),))
    return outcomes[0]


def _compared(
    one: ProcessorRegisters,
    other: ProcessorRegisters,
    sides: tuple[DefinedRegisters, DefinedRegisters],
    description: ir.Description,
    all_: bool,
    alone: bool,
) -> Outcome:
    saved, defined = sides
    ours = other.registers
    found = [
        *register_lists.differences(one.registers, ours, defined, all_=all_, first=True)
    ]
    sure = tuple(each for each in found if each.sure)
    if not (sure or all_) and len(one.registers) > len(ours):
        # cpreg_vmstate_array_len (VMSTATE_INT32_LE, target/arm/machine.c)
        number = next(each for each in one.registers if each not in ours)
        sure = (RegisterDifference("foreign", number),)
    if sure:
        return Outcome("incompatible", tuple(_findings(sure, one, other, description)))
    less = register_lists.less_kept(one.registers, ours, saved, defined)
    if less is not None:
        found.append(less)
    if found:
        return Outcome("unknown", tuple(_findings(found, one, other, description)))
    if ours.keys() - one.registers.keys():
        # QEMU accepts it of a guest with one CPU alone (register_lists.differences).
        lacking = next(
            register_lists.differences(
                one.registers, ours, defined, all_=all_, first=False
            ),
            None,
        )
        if lacking is not None:
            several = tuple(_findings((lacking,), one, other, description))
            if not alone:
                return Outcome("unknown", several)
            several = tuple(replace(each, condition=ONE_CPU) for each in several)
            return Outcome("conditional", several, condition=ONE_CPU)
    return COMPATIBLE


def _findings(
    found: Iterable[RegisterDifference],
    one: ProcessorRegisters,
    other: ProcessorRegisters,
    description: ir.Description,
) -> Iterator[Finding]:
    for each in found:
        yield Finding(
            "register",
            description.name,
            description.symbol,
            field=f"{each.number:#x}",
            source=_side(one.model, each.theirs, each.kind != "lacking"),
            target=_side(other.model, each.ours, each.kind != "foreign"),
        )


def _side(model: str, value: int | None, has: bool) -> Side:
    if not has:
        return Side("nothing", model)
    number = None if value is None else ir.Const(value)
    return Side("register", model, count=number)


def _unknown(description: ir.Description, model: str, why: str) -> Finding:
    return Finding(
        "register",
        description.name,
        description.symbol,
        target=Side("register", model, text=why),
    )


def _agreed(
    outcomes: list[tuple[str, Outcome]], description: ir.Description
) -> Outcome:
    """The verdict where all processors have the same; else which has which is said."""
    verdicts = {one.verdict for _, one in outcomes}
    if len(verdicts) == 1:
        return outcomes[0][1]
    unknown = [one for _, one in outcomes if one.verdict == "unknown"]
    if unknown:
        return unknown[0]
    refused = sorted(
        {model for model, one in outcomes if one.verdict == "incompatible"}
    )
    loads = sorted({model for model, _ in outcomes} - {*refused})
    if not loads:
        why = "it is up to how the board switches its parts"
        return Outcome("unknown", (_unknown(description, refused[0], why),))
    why = f"refused with {', '.join(refused)}, and not with {', '.join(loads)}"
    return Outcome("unknown", (_unknown(description, "", why),))


def _is_of_tables(one: Finding) -> bool:
    """Whether a finding is what the tables of all registers say, which is less, or the
    question of how many the destination has."""
    return (one.kind, one.field) in (
        ("premise", PREMISE),
        ("check", register_lists.LENGTH),
    )
