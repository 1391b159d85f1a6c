"""``vmgen``: the commands and the help, each command loaded from its module."""

from __future__ import annotations

import importlib

import click

import vmgen
from vmgen.cli.clicked import SETTINGS, refuse_unknown
from vmgen.cli.console import console_options
from vmgen.cli.listed import COMMANDS


class _Commands(click.Group):
    """The commands in the order they are used in."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[name]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        refuse_unknown(ctx, args[0], COMMANDS)
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    context_settings=SETTINGS,
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
@console_options
@click.version_option(
    vmgen.__version__, prog_name="vmgen", message="%(prog)s %(version)s"
)
def cli() -> None:
    """Read QEMU's VMState tables from C, write byte-exact Python serializers."""
