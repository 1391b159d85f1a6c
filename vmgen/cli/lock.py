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
    from vmgen.pipeline import Request
    from vmgen.verdict import Judgement
    from vmgen.verdict.gate import Gate

MOST_FIXES = 3
"""Fixes that are named before the findings; if there are more, each finding has its own."""

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

        ways = BOTH if self.direction == "both" else (self.direction,)
        return Gate(ways, config.accepted_by(self.accepted))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class LockAnswer:
    """What became of a comparison with a lock or a baseline: whether it fails, what to do
    about it, and the verdicts as text, to be printed behind everything else."""

    failed: bool = False
    to_do: tuple[str, ...] = ()
    text: str = ""


def compare(path: Path, sources: Sources, gate: LockGate) -> LockAnswer:
    """Says whether the lock is what the sources say; it fails unless it is, or the gate
    lets pass what changed.  A tree that says the same as another release has the wire
    format of the lock."""
    from vmgen import lock

    console = sources.console
    text = path.read_text("utf-8")
    name = path.as_posix()
    if _is_lock_of(sources, text) or _locked(sources) == text:
        console.message(f"{name}: the wire format is as locked")
        return LockAnswer()
    programs = sources.programs
    known = {program.target: program for program in lock.loads(text, name)}
    locked = next((program.release for program in known.values()), "")
    if lock.dumps(replace(item, release=locked) for item in programs) == text:
        console.message(f"{name}: it says release {locked}")
        console.message(f"{name}: the wire format is as locked")
        return LockAnswer()
    fixing = f"if you intended this: {_fix_command(console)}"
    found = _gated(name, known, sources, gate, fixing)
    if not found.failed:
        return found
    return replace(found, to_do=(*found.to_do, f"{fixing}, and commit {name}"))


def against(name: str, sources: Sources, gate: LockGate) -> LockAnswer:
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
        return LockAnswer()
    return _gated(name, wanted, sources, gate, "")


def _gated(
    name: str,
    known: Mapping[str, ir.Program],
    sources: Sources,
    wanted: LockGate,
    fixing: str,
) -> LockAnswer:
    """Sums up what changed; it fails if the gate does not let it pass."""
    from vmgen.verdict import judge
    from vmgen.verdict.gate import SAID, gone, summed_up
    from vmgen.verdict.show import fixes

    console = sources.console
    gate = wanted.made()
    console.message(f"{name}: the wire format differs")
    requests = {one.target: one for one in sources.job.requests}
    others = False
    left = dict(known)
    judged = []
    for program in sources.programs:
        before = left.pop(program.target, None)
        if before is None:
            console.message(f"{program.target or 'these files'}: not in {name}")
            others = True
        else:
            called = name, _named(requests.get(program.target))
            judgement = replace(judge(before, program), called=called)
            judged.append((before, program, judgement))
    for _, _, judgement in judged:
        gate.judge(judgement)
    for target in left:
        console.message(f"{target or 'files of their own'}: in {name} only")
        others = True
    for line in summed_up(gate.found):
        console.message(line)
    for one in gate.found:
        if one.reason:
            console.message(f"accepted: {one.section}, {one.direction}: {one.reason}")
    for passed in gate.unused:
        console.message(gone(passed))
    # What was not compared may be anything.
    failed = others or gate.fails(wanted.level)  # type: ignore[arg-type]
    if sources.job.strict and gate.unused and not failed:
        counted = "an accepted finding that nothing needs any more counts"
        console.message(f"--strict: {counted}: exit status 1")
        failed = True
    passes = {(one.target, one.section) for one in gate.found if one.reason}
    said = dict.fromkeys(
        fix
        for _, _, judgement in judged
        for section in judgement.sections
        if failed and (judgement.target, section.section) not in passes
        for fix in fixes(section, gate.directions)
    )
    each = len(said) > MOST_FIXES
    to_do = ["each finding below has its own"] if each else list(said)
    texts = []
    for before, program, judgement in judged:
        request = requests.get(program.target)
        folder = below(request.qemu) if request and request.qemu else ""
        texts.append(_shown(before, program, judgement, folder, gate, each, console))
    if failed and console.form != "text":
        message = "the wire format differs from the lock"
        console.diagnostics([Diagnostic("VG651", message, Position(name), hint=fixing)])
    if not failed:
        console.message(f"{name}: {SAID[gate.worst]}: passes at level '{wanted.level}'")
    return LockAnswer(failed, tuple(f"fix: {one}" for one in to_do), "".join(texts))


def _named(request: Request | None) -> str:
    """What the sources are called: their tree, their file, or how many they are."""
    if request is None:
        return "new"
    if request.qemu is not None:
        return request.qemu.name or "new"
    files = request.sources
    if not files:
        return "embedded"
    return files[0] if len(files) == 1 else f"{len(files)} files"


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


def _shown(
    before: ir.Program,
    after: ir.Program,
    judgement: Judgement,
    folder: str,
    gate: Gate,
    fixes: bool,
    console: Console,
) -> str:
    """The verdict on a target, or what changed if every stream survives it."""
    from vmgen import diff
    from vmgen.verdict import show

    if judgement.worst() == "compatible" and not any(
        show.worth_knowing(outcome)
        for section in judgement.sections
        for outcome in (section.forward, section.backward)
    ):
        found = diff.compare(before, after)
        if all(item.field and item.what == "name" for item in found.differences):
            what = "only names changed" if found.differences else "no table changed"
            console.message(f"{after.target}: compatible both ways; {what}")
            return ""
        console.message(f"{after.target}: compatible both ways")
        return diff.text(found, console.paint) if console.form == "text" else ""
    if console.form == "github":
        return show.github(judgement, gate.directions, (folder, folder))
    return show.text(
        judgement,
        console.paint,
        directions=gate.directions,
        notes=True,
        each_fix=fixes,
    )
