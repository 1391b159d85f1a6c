"""``vmgen check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmgen.cli import lock as lock_command
from vmgen.cli.arguments import Option, command
from vmgen.cli.console import Console
from vmgen.cli.job import FILES, INPUT, OUTPUT, read_job
from vmgen.config import DIRECTIONS
from vmgen.paint import Paint
from vmgen.source import Diagnostic, Position

if TYPE_CHECKING:
    from vmgen import write


LEVELS = ("harmless", "note", "break")


@command(
    FILES,
    *INPUT,
    *OUTPUT,
    Option(
        "--lock",
        name="lock",
        kind="present",
        help=f"The wire format as 'vmgen lock' wrote it.  [default: {lock_command.NAME}, if "
        "it is there]",
    ),
    Option(
        "--against",
        metavar="NAME",
        completes="release",
        help="Compare with what was shipped instead: a lock, the number of a release, or a"
        " name of [tool.vmgen.baselines].",
    ),
    Option(
        "--direction",
        kind="choice",
        choices=DIRECTIONS,
        default="both",
        shown=True,
        help="'forward': what the lock's side saved is loaded by these sources.",
    ),
    Option(
        "--level",
        kind="choice",
        choices=LEVELS,
        default="harmless",
        shown=True,
        help="The least change of the wire that is exit status 1: any, one that needs a"
        " note (a condition), or a break.",
    ),
    Option(
        "--accepted",
        kind="present",
        metavar="FILE",
        help="Findings that pass, each with a reason.  [default: 'accepted' of"
        " [tool.vmgen]]",
    ),
    epilog="""\b
Examples:
  vmgen check                                 in CI: exit status 1 if out of date
  vmgen check | patch -p1                     take the changes without vmgen writing
  vmgen check --qemu . -a -t arm --against shipped --direction forward --level break
  vmgen check --qemu ~/qemu-10.0.2 -t riscv64 --output qemu_state""",
)
def check(
    console: Console,
    /,
    *,
    output: str | None,
    force: bool,
    prune: bool,
    lock: str | None,
    against: str | None,
    direction: str,
    level: str,
    accepted: str | None,
    **inputs: Any,
) -> int:
    """Say whether the files are current.

    Changes nothing. Takes what 'generate' takes. Prints a unified diff of what would change; files that
    are missing and files that no longer belong count too.
    """
    from vmgen import write
    from vmgen.cli.files import changes, grouped

    job = read_job(output=output, **inputs)
    locked = 0
    gate = lock_command.LockGate(
        direction, level, None if accepted is None else Path(accepted)
    )
    known = Path(lock or lock_command.NAME)
    if against is not None:
        locked = lock_command.against(against, job, gate, console)
        if not job.output.exists():
            return locked
    elif known.is_file():
        locked = lock_command.compare(known, job, gate, console)
        if not job.output.exists():
            return locked
    where = job.output.as_posix()
    needed = [change for change in changes(job, console) if change.kind != "unchanged"]
    if not needed:
        console.message(f"{where}: all files are current")
        return locked
    root = where if not (job.output.is_absolute() or where.startswith("..")) else ""
    options = set()
    for change in needed:
        console.result(_coloured(write.diff(change, root), console.paint))
    for found, path in grouped(needed):
        console.message(f"{found}: {where}/{path}")
    if console.form != "text":
        console.diagnostics(_stale(change, where) for change in needed)
    for change in needed:
        if change.origin != "intact":
            options.add("--force")
        if change.kind == "orphan":
            options.add("--prune")
    console.message(f"to fix: {console.again('generate', *sorted(options))}")
    return 1


def _stale(change: write.FileChange, where: str) -> Diagnostic:
    """A file that is not what the inputs say."""
    from vmgen.cli.files import verdict

    return Diagnostic(
        "VG650",
        f"this generated file is out of date: {verdict(change)}",
        Position(f"{where}/{change.path}"),
        hint="run 'vmgen generate' and commit what it writes",
    )


def _coloured(diff: str, paint: Paint) -> str:
    lines = []
    for line in diff.splitlines(keepends=True):
        text = line.rstrip("\n")
        if text.startswith("+"):
            text = paint("added", text)
        elif text.startswith("-"):
            text = paint("removed", text)
        elif text.startswith("@@"):
            text = paint("note", text)
        lines.append(text + "\n")
    return "".join(lines)
