"""What a machine type decides that is started without options, beside its members.

Its board's code may register a section of no device for every machine of the type
(:attr:`ir.Machine.runs`); without ``-cpu`` it has one model of CPU
(:attr:`ir.Machine.cpu`), whose processor version ``cpu_post_load``
(``target/ppc/machine.c``) compares with the one that the stream has.
"""

from __future__ import annotations

from dataclasses import dataclass

from vmgen import ir
from vmgen.known.processor_models import MODELS, model_of, models_of
from vmgen.verdict.model import Finding, Outcome, Side
from vmgen.verdict.outcomes import together, without
from vmgen.verdict.sections import SavedSection


def with_registered(
    known: Outcome,
    source: SavedSection | None,
    target: SavedSection | None,
    machine: ir.Machine | None,
) -> Outcome:
    """The verdict with what is known of whether the source's machine has a section of no
    device, which the C code of boards registers.

    It is a refusal where the machine has the section in any case, and the destination has
    a table for it that nothing registers.  A section that does not load refuses nothing
    that is known where the board's code may also leave it out.
    """
    if (
        source is None
        or source.placed is None
        or machine is None
        or not machine.board
        or not all(map(_is_of_board, source.roots))
    ):
        return known
    sure = any(
        (root.file, root.registrant) in machine.runs and not root.guards
        for root in source.roots
    )
    if known.verdict == "incompatible" and source.roots and not sure:
        return Outcome("unknown", known.findings, known.notes)
    missing = {one.kind for one in known.findings} == {"section-missing"}
    lost = target is not None and not target.roots
    always = sure and not source.placed.description.needed
    if known.verdict == "unknown" and missing and lost and always:
        return Outcome("incompatible", known.findings, known.notes)
    return known


def _is_of_board(root: ir.Root) -> bool:
    return not root.device_types and root.file.startswith(ir.OF_BOARDS)


def with_processor(
    known: Outcome,
    source: tuple[ir.Program, ir.Machine | None],
    target: tuple[ir.Program, ir.Machine | None],
    section: SavedSection | None,
    model: str,
) -> Outcome:
    """The verdict on the ``section`` of the destination's CPU, with what the models say
    that such a machine has on both sides: ``model``, or without one (``-cpu``) that of the
    machine type.

    ``pvr_match`` (``target/ppc/machine.c``) accepts the CPU's own version before it asks
    its model.  A different version is accepted in a mode that both have (``ppc_set_compat``,
    ``target/ppc/compat.c``), which the guest chooses: so that is not known.
    """
    hook = None if section is None else _comparing(section, target[0])
    if section is None or hook is None:
        return known
    first, second = (_processor(*side, model) for side in (source, target))
    if first is None or second is None:
        return known
    if None in (first.version, second.version) and first.model == second.model:
        return known
    rest = without(known, _is_of_models)
    if first.version == second.version and first.version is not None:
        return rest
    found = Finding(
        "premise",
        section.name,
        section.symbol,
        field=MODELS,
        target=Side("hook", hook.symbol, role=hook.role, position=hook.position),
        only=((str(first),), (str(second),)),
    )
    return together(rest, Outcome("unknown", (found,)))


@dataclass(frozen=True, slots=True)
class _Processor:
    """A model of CPU with its version, None if that is not known."""

    model: str
    version: int | None

    def __str__(self) -> str:
        number = "" if self.version is None else f" {self.version:#x}"
        return f"{self.model}{number}"


def _processor(
    program: ir.Program, machine: ir.Machine | None, model: str
) -> _Processor | None:
    """The processor of such a machine; None if its model is not known."""
    models = models_of(program.premises)
    if models is None or machine is None:
        return None
    name = model or model_of(machine)
    return _Processor(name, models.versions.get(name)) if name else None


def _is_of_models(one: Finding) -> bool:
    return one.kind == "premise" and one.field == MODELS


def _comparing(section: SavedSection, program: ir.Program) -> ir.Hook | None:
    """The function that refuses a processor that is not the machine's; None if the
    section has none."""
    readers = {
        name
        for premise in program.premises
        if premise.name == MODELS
        for name in premise.readers
    }
    hooks = () if section.placed is None else section.placed.description.hooks
    return next(
        (
            hook
            for hook in hooks
            for refusal in hook.refusals
            if not readers.isdisjoint(refusal.reads)
        ),
        None,
    )
