"""Why a C function was not translated."""

from __future__ import annotations

from vmgen.cfront.layout.model import Declarations
from vmgen.cfront.syntax import FunctionDecl
from vmgen.source import NOWHERE, Position, VmgenError


class Untranslatable(Exception):
    """Raised inside the translator; ``reason`` is in words a user reads."""

    def __init__(self, reason: str, position: Position = NOWHERE) -> None:
        self.placed = bool(position.file)
        self.reason = f"{reason} ({position})" if position.file else reason
        super().__init__(self.reason)


def definition(
    unit: Declarations, symbol: str
) -> tuple[FunctionDecl | None, str, Position]:
    """A function that has a body; where there is none, or none that can be read, the
    reason instead, and the place."""
    try:
        function = unit.function(symbol)
    except VmgenError as error:
        return None, unreadable(error), error.diagnostics[0].position
    if function is None or function.body is None:
        where = NOWHERE if function is None else function.position
        return None, f"{symbol}() has no body in this file", where
    return function, "", function.position


def unreadable(error: VmgenError) -> str:
    """Why C that a function needs could not be read."""
    first = error.diagnostics[0]
    return f"cannot be read: {first.message} ({first.position}) [{first.code}]"
