"""The command line: the only place that prints and exits.

One module per command; stages are imported where a command needs them, so that
``vmgen --help`` does not wait for the C parser.  Plain command lines do not even wait for
the library that reads command lines.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from vmgen.cli.console import Console, unwritten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vmgen.source import VmgenError


def __getattr__(name: str) -> Any:
    if name != "cli":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from vmgen.cli.group import cli

    return cli


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (``sys.argv`` by default) and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    console = Console()
    status = _run(arguments, words, console)
    if status == 2:
        try:
            _say_why(words, console)
        except _errors() as error:
            console.diagnostics(error.diagnostics)
    return status


def _say_why(words: Sequence[str], console: Console) -> None:
    """Put the errors where a program looks for the result (``--format``): it is not to take
    an empty file for an answer.  A line may be wrong before anybody has read the option.
    """
    if console.answered or not console.errors:
        return
    from vmgen.cli.unanswered import form_of, unanswered

    form = console.result_form or form_of(words)
    if text := unanswered(words, form, console.errors):
        console.result(text)


def _run(arguments: Sequence[str] | None, words: list[str], console: Console) -> int:
    """The exit status of a command line."""
    try:
        if "_VMGEN_COMPLETE" not in os.environ:
            from vmgen.cli.plainly import plainly

            status = plainly(words, console)
            if status is not None:
                return max(status, int(console.incomplete))
        return max(_by_click(arguments, console), int(console.incomplete))
    except _errors() as error:
        console.diagnostics(error.diagnostics)
        return 2
    except KeyboardInterrupt:
        console.message("interrupted")
        return 130


def _by_click(arguments: Sequence[str] | None, console: Console) -> int:
    """Any command line, with help and all."""
    import click

    from vmgen.cli.group import cli

    try:
        status = cli.main(
            None if arguments is None else list(arguments),
            prog_name="vmgen",
            standalone_mode=False,
            obj=console,
        )
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        from vmgen.cli.clicked import show

        show(error, console)
        return 2
    except OSError as error:
        if error.filename is not None:
            raise
        unwritten(error)  # click prints help and version by itself
        return 0
    return status if isinstance(status, int) else 0


def _errors() -> type[VmgenError]:
    """What stages raise; imported only once something was raised."""
    from vmgen import source

    return source.VmgenError


def main() -> None:
    """The ``vmgen`` command."""
    status = run()
    gc.freeze()  # everything goes now: nothing is to be looked through for cycles before
    sys.exit(status)
