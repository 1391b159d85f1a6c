"""``vmgen stream``: whole migration streams."""

from __future__ import annotations

from importlib import import_module

from vmgen.cli.arguments import Subcommand
from vmgen.cli.listed import STREAM_COMMANDS


def named(name: str) -> Subcommand | None:
    """The command of this name, imported when it is asked for."""
    if name not in STREAM_COMMANDS:
        return None
    found: Subcommand = getattr(import_module(STREAM_COMMANDS[name]), name)
    return found
