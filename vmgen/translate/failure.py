"""Why a C function was not translated."""

from __future__ import annotations

from vmgen.source import NOWHERE, Position


class Untranslatable(Exception):
    """Raised inside the translator; ``reason`` is in words a user reads."""

    def __init__(self, reason: str, position: Position = NOWHERE) -> None:
        self.placed = bool(position.file)
        self.reason = f"{reason} ({position})" if position.file else reason
        super().__init__(self.reason)
