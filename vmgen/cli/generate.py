"""``vmgen generate``."""

from __future__ import annotations

from typing import Any

from vmgen.cli.arguments import command
from vmgen.cli.console import Console
from vmgen.cli.job import FILES, INPUT, OUTPUT, asked_for_something, read_job


@command(
    FILES,
    *INPUT,
    *OUTPUT,
    epilog="""\b
Examples:
  vmgen generate
      what pyproject.toml says
  vmgen generate --output state
      the eight embedded CPUs
  vmgen generate --qemu ~/qemu-10.0.2 --target riscv64 --output qemu_state
      one target of a source tree, unpacked, not configured
  vmgen generate --qemu ~/qemu-10.0.2 -t x86_64 hw/char/serial.c
      a device of the tree
  vmgen generate my_device.c -I include -D MAX_CHANNELS=4
      a C file of your own""",
)
def generate(
    console: Console, /, *, output: str | None, force: bool, prune: bool, **inputs: Any
) -> int:
    """Write the Python package for the given C.

    FILES are C files of the tree (--qemu) or your own; without any, the target's CPU.
    vmgen leaves files alone that are up to date, and refuses to overwrite those that
    someone edited. Exit status 1: some fields are opaque, and a warning names them.
    """
    from vmgen import write
    from vmgen.cli.files import changes, grouped, summary
    from vmgen.cli.sources import Sources

    asked_for_something(output, inputs.values())
    job = read_job(output=output, **inputs)
    found = changes(Sources(job, console))
    made = write.apply(job.output, found, force=force, prune=prune)
    where = job.output.as_posix()
    console.message(
        f"{where}: {summary(made) or 'nothing to do, all files are current'}"
    )
    orphans = [
        change for change in found if change.kind == "orphan" and change not in made
    ]
    for found_there, path in grouped(orphans):
        console.message(f"{found_there}: {where}/{path}")
    if orphans:
        console.message(f"to delete them: {console.again('generate', '--prune')}")
    return int(console.warned)
