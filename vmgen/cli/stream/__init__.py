"""``vmgen stream``: whole migration streams."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from importlib import import_module

from vmgen.cli.arguments import Command, WrongUsage, read
from vmgen.cli.console import Console

COMMANDS = {
    "show": "show",
    "verify": "show",
    "edit": "change",
    "diff": "show",
    "extract": "change",
    "explain": "explain",
    "convert": "convert",
}
"""The module of every command, in the order they are listed."""


def named(name: str) -> Command | None:
    """The command of this name, imported when it is asked for."""
    if name not in COMMANDS:
        return None
    found: Command = getattr(import_module(f"{__name__}.{COMMANDS[name]}"), name)
    return found


def plainly(words: Sequence[str], console: Console) -> int | None:
    """Run a command line whose meaning is plain; None for any other, with nothing done."""
    command = named(words[0]) if words else None
    values = None if command is None else read(command, words[1:])
    if command is None or values is None:
        return None
    console.color = values.pop("color") or console.color
    console.form = values.pop("diagnostics") or console.form
    # Parts and values make no cycles: looking for some after every 700 of them is in vain.
    gc.set_threshold(50_000)
    try:
        return command.run(console, **values)
    except WrongUsage as error:
        from vmgen.cli.clicked import show_usage
        from vmgen.cli.group import cli

        show_usage(("stream", words[0]), cli, error, console)
        return 2
