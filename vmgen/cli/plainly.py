"""Command lines whose meaning is plain, run without click."""

from __future__ import annotations

import gc
from collections.abc import Sequence

from vmgen.cli.arguments import WrongUsage, read
from vmgen.cli.console import Console
from vmgen.cli.listed import COMMANDS, GROUPS, named


def plainly(words: Sequence[str], console: Console) -> int | None:
    """Run a command line whose meaning is plain; None for any other, with nothing done."""
    group = GROUPS.get(words[0]) if words else None
    number = 1 if group is None else 2
    path, places = words[:number], COMMANDS if group is None else group
    command = named(path[-1], places) if len(path) == number else None
    values = None if command is None else read(command, words[number:])
    if command is None or values is None:
        return None
    console.color = values.pop("color") or console.color
    console.form = values.pop("diagnostics") or console.form
    if number == 2:
        # Parts and values make no cycles: looking for some after every 700 of them is in
        # vain.
        gc.set_threshold(500_000)
    try:
        return command(console, values)
    except WrongUsage as error:
        from vmgen.cli.clicked import show_usage
        from vmgen.cli.group import cli

        show_usage(path, cli, error, console)
        return 2
