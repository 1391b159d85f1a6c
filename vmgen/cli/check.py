"""``vmgen check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmgen.cli import lock as lock_command
from vmgen.cli.arguments import Option, command
from vmgen.cli.console import Console
from vmgen.cli.job import FILES, INPUT, OUTPUT, asked_for_something, read_job
from vmgen.config import DIRECTIONS
from vmgen.paint import Paint
from vmgen.source import Diagnostic, Position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmgen import write

MOST_LINES = 40
"""Lines of diff that a check prints without ``--full``."""

LEVELS = ("harmless", "note", "break")


OWN = (
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
        help="'forward': these sources load what the lock's side saved.",
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
    Option(
        "--full",
        kind="flag",
        help="Print the diff of every file, new ones too, as a patch.  Without it: of"
        f" changed files, {MOST_LINES} lines at most.",
    ),
)
"""What only a check has."""


@command(
    FILES,
    *INPUT,
    *OUTPUT,
    *OWN,
    epilog="""\b
Examples:
  vmgen check                                 in CI: exit status 1 if out of date
  vmgen check --full | patch -p1              take the changes without vmgen writing
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
    full: bool,
    **inputs: Any,
) -> int:
    """Check that the generated files are current.

    It changes nothing, and takes the options of 'generate'. It counts and names the files
    that are missing, changed or no longer belong, says what to do, and prints a diff of
    what would change.
    """
    from vmgen.cli.files import changes, grouped, summary
    from vmgen.cli.sources import Sources

    job = read_job(output=output, **inputs)
    sources = Sources(job, console)
    locked = lock_command.LockAnswer()
    gate = lock_command.LockGate(
        direction, level, None if accepted is None else Path(accepted)
    )
    known = Path(lock or lock_command.NAME)
    if against is not None:
        locked = lock_command.against(against, sources, gate)
    elif known.is_file():
        locked = lock_command.compare(known, sources, gate)
    elif not job.output.exists():
        asked_for_something(output, inputs.values())
    compared = against is not None or known.is_file()
    needed: list[write.FileChange] = []
    where = job.output.as_posix()
    if job.output.exists() or not compared:
        needed = [one for one in changes(sources) if one.kind != "unchanged"]
        if not needed:
            console.message(f"{where}: all files are current")
    # First what is wrong, then what to do, then the details.
    to_do = list(locked.to_do)
    if needed:
        console.message(f"{where} is not current: {summary(needed, 'missing')}")
        for found, path in grouped(needed):
            console.message(f"{found}: {where}/{path}")
        to_do.append(f"fix: {_generate(needed, console)}")
    if needed and console.form != "text":
        console.diagnostics(_stale(change, where) for change in needed)
    for line in to_do:
        console.message(line)
    if locked.text:
        console.result(locked.text)
    root = where if not (job.output.is_absolute() or where.startswith("..")) else ""
    _show(needed, root, full, console)
    return int(locked.failed or bool(needed))


def _generate(needed: Sequence[write.FileChange], console: Console) -> str:
    """The command that makes the files current."""
    options = set()
    for change in needed:
        if change.origin != "intact":
            options.add("--force")
        if change.kind == "orphan":
            options.add("--prune")
    own = [one.names[0] for one in OWN]
    return console.again("generate", *sorted(options), without=own)


def _show(
    needed: Sequence[write.FileChange], root: str, full: bool, console: Console
) -> None:
    """Print the diffs.  Without ``full`` those of files that stay, whole files as long as
    there is room and the beginning of the first one in any case; and how much is left.
    """
    from vmgen import write

    shown = left = 0
    for change in needed:
        diff = write.diff(change, root)
        lines = diff.splitlines(keepends=True)
        if full:
            console.result(_coloured(diff, console.paint))
        elif change.kind == "update" and (
            not shown or shown + len(lines) <= MOST_LINES
        ):
            part = lines[:MOST_LINES]
            console.result(_coloured("".join(part), console.paint))
            shown += len(part)
            left += len(lines) - len(part)
        else:
            left += len(lines)
    if left:
        console.message(f"{left} more lines of diff: --full prints them")


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
