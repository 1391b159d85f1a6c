"""``vmgen lock``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmgen import config
from vmgen.cli.arguments import Option, command
from vmgen.cli.console import Console
from vmgen.cli.job import FILES, INPUT, STRICT, below, read_job
from vmgen.source import Diagnostic, Position, VmgenError

if TYPE_CHECKING:
    from vmgen import ir
    from vmgen.cli.sources import Sources
    from vmgen.verdict.gate import Gate

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
    STRICT,
    epilog=f"""\b
Examples:
  vmgen lock                                     the embedded headers
  vmgen lock --qemu . --all -t x86_64            a fork's own tree
  vmgen lock --qemu ~/qemu-10.0.2 -t arm -o 10.0.2.json

\b
'vmgen check' compares with {NAME} where there is one: exit status 1 if
the wire format differs, with the verdict on the change.
'vmgen diff' takes locks too.""",
)
def lock(console: Console, /, *, output: str, **inputs: Any) -> int:
    """Record the wire format in a file that you commit.

    One JSON file, sorted, a line for every field: a change of the wire is a change of a
    line. It takes the options of 'generate'. Exit status 1: some fields are opaque, or vmgen
    could not read something; a warning names it, and the lock has the rest (--strict:
    vmgen writes nothing, exit status 2).
    """
    from vmgen import write
    from vmgen.cli.sources import Sources

    sources = Sources(read_job(**inputs), console)
    place = Path(output)
    old = place.read_text("utf-8") if place.is_file() else None
    text = old if _is_lock_of(sources, old) else _locked(sources)
    if old == text:
        console.message(f"{place.as_posix()}: nothing changed")
        return int(console.warned)
    kind = "create" if old is None else "update"
    change = write.FileChange(place.name, old, text, kind)  # type: ignore[arg-type]
    write.apply(place.parent, [change], force=True)
    console.message(f"{place.as_posix()}: {'new' if old is None else 'changed'}")
    return int(console.warned)


def _is_lock_of(sources: Sources, text: str | None) -> bool:
    """Whether vmgen remembers that it made just this text from just these sources."""
    from vmgen.cli.sources import remembered

    return text is not None and remembered(_key(sources)) == _digests(text)


def _locked(sources: Sources) -> str:
    """The lock of the sources."""
    from vmgen import lock
    from vmgen.cli.sources import remember

    text = lock.dumps(sources.programs)
    if sources.all_said:
        remember(_key(sources), _digests(text))
    return text


def _key(sources: Sources) -> str:
    return sources.key and f"lock-{sources.key}"


def _digests(text: str) -> dict[str, str]:
    from vmgen.cache import text_digest

    return {NAME: text_digest(text)}


@dataclass(frozen=True, slots=True)
class LockGate:
    """Which changes of the wire do not pass; ``accepted`` is a file of those that do."""

    direction: str = "both"
    level: str = "harmless"
    accepted: Path | None = None

    def made(self) -> Gate:
        """The gate of a run, with what is accepted."""
        from vmgen.verdict.gate import Gate
        from vmgen.verdict.show import BOTH

        file = self.accepted or config.find(Path.cwd()).accepted
        ways = BOTH if self.direction == "both" else (self.direction,)
        return Gate(ways, () if file is None else config.accepted(file))  # type: ignore[arg-type]


def compare(path: Path, sources: Sources, gate: LockGate) -> int:
    """Says whether the lock is what the sources say; 0 if so, or if the gate lets
    pass what changed, else 1 and why.  A tree that says the same as another release has
    the wire format of the lock."""
    from vmgen import lock

    console = sources.console
    text = path.read_text("utf-8")
    name = path.as_posix()
    if _is_lock_of(sources, text) or _locked(sources) == text:
        console.message(f"{name}: the wire format is as locked")
        return 0
    programs = sources.programs
    known = {program.target: program for program in lock.loads(text, name)}
    locked = next((program.release for program in known.values()), "")
    if lock.dumps(replace(item, release=locked) for item in programs) == text:
        console.message(f"{name}: it says release {locked}")
        console.message(f"{name}: the wire format is as locked")
        return 0
    fixing = f"if you intended this: {_fix_command(console)}"
    failed = _gated(name, known, sources, gate, fixing)
    if failed:
        console.message(f"{fixing}, and commit {name}")
    return int(failed)


def against(name: str, sources: Sources, gate: LockGate) -> int:
    """The same for a baseline: a lock, a release by its number, or a name for one."""
    from vmgen import lock
    from vmgen.cli.sides import stored_of

    meant = dict(config.find(Path.cwd()).baselines).get(name, name)
    known = stored_of(meant)
    if known is None:
        raise VmgenError(
            Diagnostic(
                "VG614",
                f"'{name}' is no baseline",
                hint="a baseline is a lock, the number of a release that 'vmgen releases'"
                " lists, or a name of [tool.vmgen.baselines]",
            )
        )
    programs = sources.programs
    wanted = {one.target: known[one.target] for one in programs if one.target in known}
    texts = (
        lock.dumps(replace(one, release="") for one in side)
        for side in (wanted.values(), programs)
    )
    if len(set(texts)) == 1:
        sources.console.message(f"{name}: the wire format is as it was shipped")
        return 0
    return int(_gated(name, wanted, sources, gate, ""))


def _gated(
    name: str,
    known: Mapping[str, ir.Program],
    sources: Sources,
    wanted: LockGate,
    fixing: str,
) -> bool:
    """Says what changed; whether the gate does not let it pass."""
    from vmgen.verdict.gate import SAID, summed_up

    console = sources.console
    gate = wanted.made()
    console.message(f"{name}: the wire format differs")
    folders = {one.target: below(one.qemu) for one in sources.job.requests if one.qemu}
    others = False
    left = dict(known)
    judged = []
    for program in sources.programs:
        before = left.pop(program.target, None)
        if before is None:
            console.message(f"{program.target or 'these files'}: not in {name}")
            others = True
        else:
            judged.append((before, program))
    for before, program in judged:
        _judge(before, program, folders.get(program.target, ""), gate, console)
    for target in left:
        console.message(f"{target or 'files of their own'}: in {name} only")
        others = True
    for line in summed_up(gate.found):
        console.message(line)
    for one in gate.found:
        if one.reason:
            console.message(f"accepted: {one.section}, {one.direction}: {one.reason}")
    for passed in gate.unused:
        console.message(f"accepted and not there any more: {passed.section}")
    # What was not compared may be anything.
    failed = others or gate.fails(wanted.level)  # type: ignore[arg-type]
    if failed and console.form != "text":
        message = "the wire format differs from the lock"
        console.diagnostics([Diagnostic("VG651", message, Position(name), hint=fixing)])
    if not failed:
        console.message(f"{name}: {SAID[gate.worst]}: passes at level '{wanted.level}'")
    return failed


def _fix_command(console: Console) -> str:
    """The command that writes the lock again, with the options of the running check."""
    words = iter(shlex.split(console.again("lock")))
    kept: list[str] = []
    for word in words:
        if word in ("--output", "--direction", "--level", "--against", "--accepted"):
            next(words)  # what a lock has no use for
        elif word not in ("--force", "--prune", "--strict"):
            kept.append("--output" if word == "--lock" else word)
    return shlex.join(kept)


def _judge(
    before: ir.Program, after: ir.Program, folder: str, gate: Gate, console: Console
) -> None:
    from vmgen import diff
    from vmgen.verdict import judge, show

    judgement = judge(before, after)
    gate.judge(judgement)
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
        console.result(show.github(judgement, gate.directions, (folder, folder)))
        return
    console.result(
        show.text(judgement, console.paint, directions=gate.directions, notes=True)
    )
