"""``vmgen lock``."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmgen.cli.arguments import Option, command
from vmgen.cli.console import Console
from vmgen.cli.job import FILES, INPUT, Job, below, compile_all, read_job
from vmgen.source import Diagnostic, Position

if TYPE_CHECKING:
    from vmgen import ir

NAME = "vmgen.lock.json"
"""The lock that 'vmgen check' looks for in the working folder."""


@command(
    FILES,
    *INPUT,
    Option(
        "--output",
        "-o",
        kind="file",
        default=NAME,
        shown=True,
        help="The lock file.",
    ),
    epilog=f"""\b
Examples:
  vmgen lock                                     the embedded headers
  vmgen lock --qemu . --all -t x86_64            a fork's own tree
  vmgen lock --qemu ~/qemu-10.0.2 -t arm -o 10.0.2.json

\b
'vmgen check' compares with {NAME} where there is one: exit status 1 if
the wire format is another one, with the verdict on the change.
'vmgen diff' takes locks too.""",
)
def lock(console: Console, /, *, output: str, **inputs: Any) -> int:
    """Write the wire format down, to be committed.

    One JSON file, sorted, a line for every field: a change of the wire is a change of a
    line. Takes what 'generate' takes. Exit status 1: a warning says which fields are
    opaque, the rest is written down.
    """
    from vmgen import lock, write

    job = read_job(**inputs)
    text = lock.dumps(compile_all(job, console))
    place = Path(output)
    old = place.read_text("utf-8") if place.is_file() else None
    if old == text:
        console.message(f"{place.as_posix()}: nothing changed")
        return int(console.warned)
    kind = "create" if old is None else "update"
    change = write.FileChange(place.name, old, text, kind)  # type: ignore[arg-type]
    write.apply(place.parent, [change], force=True)
    console.message(f"{place.as_posix()}: {'new' if old is None else 'changed'}")
    return int(console.warned)


def compare(path: Path, job: Job, console: Console) -> int:
    """Says whether the lock is what the job's sources say; 0 if so, else 1 and why.  A
    tree that says the same as another release has the wire format of the lock."""
    from vmgen import lock

    text = path.read_text("utf-8")
    programs = compile_all(job, console)
    if lock.dumps(programs) == text:
        return 0
    known = {program.target: program for program in lock.loads(text, path.as_posix())}
    locked = next((program.release for program in known.values()), "")
    if lock.dumps(replace(item, release=locked) for item in programs) == text:
        console.message(f"{path.as_posix()}: it says release {locked}")
        return 0
    console.message(f"{path.as_posix()}: the wire format is another one")
    if console.form != "text":
        hint = f"if that is meant: {_mending(console)}"
        message = "the wire format is another one than that of the lock"
        place = Position(path.as_posix())
        console.diagnostics([Diagnostic("VG651", message, place, hint=hint)])
    folders = {one.target: below(one.qemu) for one in job.requests if one.qemu}
    for program in programs:
        before = known.pop(program.target, None)
        if before is None:
            console.message(f"{program.target}: not in the lock")
            continue
        _judge(before, program, folders.get(program.target, ""), console)
    for target in known:
        console.message(f"{target}: in the lock only")
    console.message(
        f"if that is meant: {_mending(console)}, and commit {path.as_posix()}"
    )
    return 1


def _mending(console: Console) -> str:
    """The command that writes the lock anew, with the options of the running check."""
    words = iter(shlex.split(console.again("lock")))
    kept: list[str] = []
    for word in words:
        if word == "--output":
            next(words)  # the folder of the generated package
        elif word not in ("--force", "--prune", "--strict"):
            kept.append("--output" if word == "--lock" else word)
    return shlex.join(kept)


def _judge(
    before: ir.Program, after: ir.Program, folder: str, console: Console
) -> None:
    from vmgen import diff
    from vmgen.verdict import judge, show

    judgement = judge(before, after)
    if judgement.worst() == "compatible" and not any(
        show.worth_knowing(outcome)
        for section in judgement.sections
        for outcome in (section.forward, section.backward)
    ):
        found = diff.compare(before, after)
        if all(item.field and item.what == "name" for item in found.differences):
            what = "only names changed" if found.differences else "no table changed"
            console.message(f"{after.target}: compatible both ways; {what}")
            return
        console.message(f"{after.target}: compatible both ways; what changed:")
        if console.form == "text":
            console.result(diff.text(found, console.paint))
        return
    if console.form == "github":
        console.result(show.github(judgement, folders=(folder, folder)))
        return
    console.result(show.text(judgement, console.paint, notes=True))
