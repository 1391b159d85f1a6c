"""The command line: the only place that prints and exits.

One module per command; stages are imported where a command needs them, so that
``vmgen --help`` does not wait for the C parser.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

import vmgen
from vmgen.cli.console import Console, color_option
from vmgen.source import VmgenError

COMMANDS = (
    "generate", "check", "inspect", "coverage", "diff", "lock", "stream", "init",
    "completion",
)  # fmt: skip


class _Commands(click.Group):
    """The commands in the order they are used in, each loaded from its module."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"vmgen.cli.{name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        import difflib

        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            close = difflib.get_close_matches(name, COMMANDS, 1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            ctx.fail(f"No such command '{name}'.{hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
    epilog="""\b
Examples:
  vmgen generate                             eight CPUs, from the embedded headers
  vmgen generate --qemu ~/qemu --target arm  from a QEMU source tree
  vmgen check                                are the generated files current?
  vmgen inspect riscv_cpu --target riscv64   what is on the wire
  vmgen diff ~/qemu-7.2 ~/qemu-10 -t arm     does what one saved load in the other?

\b
Exit status: 0 fine, 1 out of date or incompatible, 2 bad input or usage.
Options can be set in [tool.vmgen] of pyproject.toml; see 'vmgen init --help'.""",
)
@color_option
@click.version_option(
    vmgen.__version__, prog_name="vmgen", message="%(prog)s %(version)s"
)
def cli() -> None:
    """Read QEMU's VMState tables from C, write byte-exact Python serializers."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (``sys.argv`` by default) and return its exit status."""
    console = Console()
    try:
        status = cli.main(
            None if arguments is None else list(arguments),
            prog_name="vmgen",
            standalone_mode=False,
            obj=console,
        )
    except click.exceptions.Abort:
        console.message("interrupted")
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except VmgenError as error:
        console.diagnostics(error.diagnostics)
        return 2
    return status if isinstance(status, int) else 0


def main() -> None:
    """The ``vmgen`` command."""
    sys.exit(run())
