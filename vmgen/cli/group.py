"""``vmgen`` and ``vmgen stream``: the commands and the help, each command loaded from its
module."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import click

import vmgen
from vmgen.cli.arguments import CONSOLE
from vmgen.cli.clicked import SETTINGS, made, option
from vmgen.cli.listed import (
    COMMANDS,
    FLEET_COMMANDS,
    GROUPS,
    STREAM_COMMANDS,
    named,
)


class _Commands(click.Group):
    """Commands in the order they are used in, imported when somebody asks for them."""

    def __init__(
        self, name: str, places: Mapping[str, str], *groups: click.Group, **more: Any
    ) -> None:
        super().__init__(name, {one.name or "": one for one in groups}, **more)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._places)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        found = named(name, self._places)
        return self.commands.get(name) if found is None else made(name, found)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A usage error for an unknown command suggests the nearest one."""
        name = args[0]
        if name not in self._places and not name.startswith("-"):
            # vmgen explain: the command of a group, without the group's name.
            of_group = [
                f"vmgen {group} {name}"
                for group, places in GROUPS.items()
                if self._places is COMMANDS and name in places
            ]
            close = of_group or difflib.get_close_matches(name, self._places, 1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            ctx.fail(f"No such command '{name}'.{hint}")
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"vmgen {vmgen.__version__}")
        ctx.exit()


_STREAM = _Commands(
    "stream",
    STREAM_COMMANDS,
    params=list(map(option, CONSOLE)),
    help="Read, check, edit and compare whole migration streams.",
    epilog="""\b
FILE is what QEMU's migrate command wrote, plain or compressed (gzip, bzip2, xz, zstd,
lzop, lz4), a volume, a save image of libvirt, an archive of Proxmox, or a qcow2 image
with snapshots of savevm: FILE@SNAPSHOT names one.  - is standard input.  A PATH is
SECTION/INSTANCE and the C path of a field, for instance cpu/0.env.gpr[10]; you can
leave the instance out where there is only one.

\b
Examples:
  vmgen stream list disk.qcow2                    the snapshots
  vmgen stream show vm.mig                        the sections
  vmgen stream show vm.mig cpu/0.env.gpr          registers
  vmgen stream view vm.mig                        a page for your browser
  vmgen stream verify *.mig
  vmgen stream edit vm.mig 'cpu/0.env.pc=0x80000000' -o new.mig
  vmgen stream diff before.mig after.mig
  vmgen stream explain vm.mig --release 10.0      does that release load it?
  vmgen stream extract vm.mig ram/pc.ram -o ram.bin""",
)

_FLEET = _Commands(
    "fleet",
    FLEET_COMMANDS,
    params=list(map(option, CONSOLE)),
    help="Ask one question of many streams.",
    epilog="""\b
It needs the extra 'fleet': pip install 'vmgen[fleet]'.  The answers are a Parquet
data set, which pandas, DuckDB and Spark read.

\b
Examples:
  vmgen fleet explain 'guests/*.mig' --release 10.2 -o answers
  vmgen fleet report answers""",
)

cli = _Commands(
    "vmgen",
    COMMANDS,
    _STREAM,
    _FLEET,
    params=[
        *map(option, CONSOLE),
        click.Option(
            ["--version"], is_flag=True, expose_value=False, is_eager=True,
            callback=_version, help="Show the version and exit.",
        ),
    ],
    context_settings=SETTINGS,
    help="Read QEMU's VMState tables from C, write byte-exact Python serializers.",
    epilog="""\b
Examples:
  vmgen generate --output state              eight CPUs, from the embedded headers
  vmgen generate --qemu ~/qemu --target arm  from a QEMU source tree
  vmgen check                                are the generated files current?
  vmgen inspect riscv_cpu --target riscv64   what is on the wire
  vmgen compat 9.2 10.0 -t x86_64            does what one saved load in the other?

\b
Exit status: 0 fine, 1 out of date or incompatible, 2 bad input or usage, 3 not known.
Options can be set in [tool.vmgen] of pyproject.toml; see 'vmgen init --help'.""",
)  # fmt: skip
