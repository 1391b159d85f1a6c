"""A guest in the Unicorn emulator, and what ran there back in a stream."""

from __future__ import annotations

from vmgen.emulate.emulator import from_unicorn, missing, to_unicorn

__all__ = ["from_unicorn", "missing", "to_unicorn"]
