"""Commands between the sections of a stream that a machine type decides about.

``qemu_savevm_maybe_send_switchover_start`` (``migration/savevm.c``) asks a property of the
migration itself, which a release has since it knows the command.
"""

from __future__ import annotations

from collections.abc import Iterable

from vmgen import ir
from vmgen.known.members import MachineFacts

MIGRATION = "migration"
"""The type whose properties decide how a machine migrates (``migration/options.c``)."""

DECIDED = {"SWITCHOVER_START": "send-switchover-start"}
"""The commands, and the property that says whether a machine sends them."""


def knows(properties: Iterable[ir.Property], command: str) -> bool | None:
    """Whether the release of these properties knows a command of :data:`DECIDED`; None if
    nothing is known of how it migrates."""
    names = {one.name for one in properties if one.type == MIGRATION}
    return DECIDED[command] in names if names else None


def sends(facts: MachineFacts, machine: str, command: str) -> bool:
    """Whether a machine type (any, without one) that is started without options sends the
    command at the end of a migration."""
    for one in facts.properties(MIGRATION):
        if one.name == DECIDED[command]:
            return bool(facts.value(facts.machine(machine), MIGRATION, one))
    return False
