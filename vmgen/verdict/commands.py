"""Commands of a stream that one machine sends and the other does not know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vmgen import ir
from vmgen.known import MachineFacts
from vmgen.known.commands import DECIDED, knows, sends
from vmgen.verdict import conditions
from vmgen.verdict.model import COMPATIBLE, Finding, Outcome, SectionVerdict, Side


def verdicts(
    old: MachineFacts, new: MachineFacts, machine: str
) -> Iterator[SectionVerdict]:
    """The verdicts on commands, each in the place of a section, where one of the
    directions has a finding.  Without a ``machine`` type it is up to that."""
    for command in DECIDED:
        forward, backward = (
            _outcome(source, target, machine, command)
            for source, target in ((old, new), (new, old))
        )
        if forward != COMPATIBLE or backward != COMPATIBLE:
            name = f"command {command}"
            yield SectionVerdict(name, "", "", "", "", forward, backward)


def _outcome(
    source: MachineFacts, target: MachineFacts, machine: str, command: str
) -> Outcome:
    if not sends(source, machine, command):
        return COMPATIBLE
    if knows(target.program.machines.properties, command) is not False:
        return COMPATIBLE
    finding = Finding(
        "command",
        command,
        field=DECIDED[command],
        source=Side("command", command),
        target=Side("nothing"),
    )
    if machine:
        return Outcome("incompatible", (finding,))
    off = conditions.negated(ir.Ask(f"command {command}"))
    return Outcome("conditional", (replace(finding, condition=off),), condition=off)
