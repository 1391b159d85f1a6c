"""What a codec is; for type checkers, so that no one else waits for it."""

from __future__ import annotations

from typing import Any, Protocol


class Codec(Protocol):
    """What a generated module offers for a section's name."""

    @property
    def name(self) -> str:
        """The section's name on the wire."""

    @property
    def symbol(self) -> str:
        """The C symbol of its description."""

    @property
    def version_id(self) -> int:
        """The version it saves."""

    @property
    def minimum_version_id(self) -> int:
        """The oldest version it loads."""

    @property
    def state(self) -> type[Any]:
        """The class of its states."""

    @property
    def error(self) -> type[Exception]:
        """What its functions raise, with ``message``, ``rule``, ``member`` and so on."""

    @property
    def context(self) -> Any:
        """``context(members, functions, description)``: answers for ``load``."""

    @property
    def load(self) -> Any:
        """``load(buf, pos, version_id, context=None) -> (state, end)``."""

    @property
    def save(self) -> Any:
        """``save(state, version_id) -> bytes``."""
