"""``vmgen stream`` with its help."""

from __future__ import annotations

import click

from vmgen.cli.clicked import made, refuse_unknown
from vmgen.cli.console import console_options
from vmgen.cli.listed import STREAM_COMMANDS
from vmgen.cli.stream import named


class _StreamCommands(click.Group):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(STREAM_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        found = named(name)
        return None if found is None else made(name, found)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        refuse_unknown(ctx, args[0], STREAM_COMMANDS)
        return super().resolve_command(ctx, args)


@click.group(
    name="stream",
    cls=_StreamCommands,
    epilog="""\b
FILE is what QEMU's migrate command wrote, plain or compressed (gzip, bzip2, xz, zstd,
lzop, lz4), a save image of libvirt, or a qcow2 image with what savevm wrote; - is
standard input.  A PATH is SECTION/INSTANCE and the C path of a field in it, for
instance cpu/0.env.gpr[10]; the instance may be left out where there is only one.

\b
Examples:
  vmgen stream show vm.mig                        the sections
  vmgen stream show vm.mig cpu/0.env.gpr          registers
  vmgen stream verify *.mig
  vmgen stream edit vm.mig 'cpu/0.env.pc=0x80000000' -o new.mig
  vmgen stream diff before.mig after.mig
  vmgen stream explain vm.mig --codecs 10.0       would that release take it?
  vmgen stream extract vm.mig ram/pc.ram -o ram.bin""",
)
@console_options
def command() -> None:
    """Read, check, edit and compare whole migration streams."""
