"""Names of QAPI enums that a stream holds as text: QEMU refuses what is none of its own.

``global_state_post_load`` (``migration/global_state.c``) looks up a run state,
``get_capability`` (``migration/savevm.c``) a capability.  The enums are ``RunState`` in
``qapi/run-state.json`` and ``MigrationCapability`` in ``qapi/migration.json``.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RUN_STATE = "globalstate"
"""The section of the machine itself that has a run state, up to a NUL, in ``runstate``."""

_ALWAYS = ((4, 0), (99, 0))

RUN_STATES = {
    **dict.fromkeys(
        (
            "colo", "debug", "finish-migrate", "guest-panicked", "inmigrate", "internal-error",
            "io-error", "paused", "postmigrate", "prelaunch", "restore-vm", "running",
            "save-vm", "shutdown", "suspended", "watchdog",
        ),
        _ALWAYS,
    ),
    "preconfig": ((4, 0), (5, 2)),
}  # fmt: skip
"""The first and the last release with a run state, from 4.0 on."""

CAPABILITIES = {
    **dict.fromkeys(
        (
            "auto-converge", "dirty-bitmaps", "events", "late-block-activate", "multifd",
            "pause-before-switchover", "postcopy-blocktime", "postcopy-ram", "rdma-pin-all",
            "release-ram", "return-path", "x-colo", "x-ignore-shared", "xbzrle",
        ),
        _ALWAYS,
    ),
    "background-snapshot": ((6, 0), (99, 0)),
    "block": ((4, 0), (9, 0)),
    "compress": ((4, 0), (9, 0)),
    "dirty-limit": ((8, 1), (99, 0)),
    "mapped-ram": ((9, 0), (99, 0)),
    "postcopy-preempt": ((7, 1), (99, 0)),
    "switchover-ack": ((8, 1), (99, 0)),
    "validate-uuid": ((4, 2), (99, 0)),
    "zero-blocks": ((4, 0), (10, 2)),
    "zero-copy-send": ((7, 1), (99, 0)),
}  # fmt: skip
"""The first and the last release with a migration capability, from 4.0 on."""

COMPARED = frozenset({"x-ignore-shared", "mapped-ram"})
"""The capabilities that both sides must have alike (``should_validate_capability`` in
``migration/savevm.c``)."""


def run_state(state: Any) -> str | None:
    """The run state in a state object of ``globalstate``; None for one without."""
    text = getattr(state, "runstate", None)
    if not isinstance(text, bytes | bytearray | memoryview):
        return None
    # QEMU ends the text in the last byte, whatever is there.
    return bytes(text)[:-1].partition(b"\0")[0].decode("latin-1")


def is_of(
    names: dict[str, tuple[tuple[int, int], tuple[int, int]]], name: str, release: str
) -> bool:
    """Whether a release has this name; any release will do if its number says nothing."""
    if name not in names:
        return False
    number = re.match(r"(\d+)\.(\d+)", release)
    if number is None:
        return True
    first, last = names[name]
    major, minor = int(number[1]), int(number[2])
    if (major, minor) < (4, 0):
        return True
    # x.y.50 and later are what becomes the next release: it may have either.
    developed = re.match(r"\d+\.\d+\.(?:[5-9]\d)", release) is not None
    return first <= (major, minor) <= last or (developed and first > (major, minor))
