"""Command lines of ``vmgen stream`` whose meaning is plain, run without click."""

from __future__ import annotations

import gc
from collections.abc import Sequence

from vmgen.cli.arguments import WrongUsage, read
from vmgen.cli.console import Console
from vmgen.cli.stream import named


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
