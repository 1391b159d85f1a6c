"""``vmgen compat``: does a guest of this machine type, saved by OLD, load in NEW?"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmgen.cli.arguments import Option, command, format_option
from vmgen.cli.console import Console
from vmgen.cli.sides import (
    NAMED,
    SIDES,
    called,
    folders_of,
    programs_of,
    say_sources,
)
from vmgen.schemas import versioned
from vmgen.source import Diagnostic, VmgenError

if TYPE_CHECKING:
    from vmgen import ir
    from vmgen.config import Accepted
    from vmgen.stream.having import Having
    from vmgen.stream.stream import Stream
    from vmgen.verdict import Direction, Judgement
    from vmgen.verdict.machines import MachineJudge

VERSIONED = re.compile(r".*-\d+\.\d+(\.\d+)?\Z")
"""A machine type that stays what it was in one release: ``pc-q35-8.2``."""

WAYS: dict[str, tuple[Direction, ...]] = {
    "both": ("forward", "backward"),
    "forward": ("forward",),
    "backward": ("backward",),
}


@command(
    *SIDES,
    Option(
        "--machine",
        "-m",
        name="machines",
        many=True,
        metavar="TYPE",
        completes="machine",
        help="A machine type, a pattern of them ('pc-*'), 'versioned' or 'all'. May be"
        " repeated; of several targets each must fit one.  [default: versioned, where the target has such; else all]",
    ),
    Option(
        "--devices",
        metavar="LIST",
        help="Only guests with these devices: names of QEMU's device types, with commas.",
    ),
    Option(
        "--cpu",
        metavar="MODEL",
        help="Only guests with this model of CPU (-cpu); for Arm its system registers are"
        " compared, for PowerPC its version.  [default: the model of a machine type without"
        " options]",
    ),
    Option(
        "--like",
        kind="file",
        metavar="STREAM",
        help="Only what this guest has: the sections of a stream that it saved.",
    ),
    Option(
        "--direction",
        kind="choice",
        choices=tuple(WAYS),
        default="both",
        shown=True,
        help="'forward': NEW loads what OLD saved.",
    ),
    Option(
        "--strict",
        kind="flag",
        help="A condition counts as a refusal.",
    ),
    Option(
        "--accepted",
        kind="present",
        metavar="FILE",
        help="Findings that do not count in the exit status, each with a reason."
        "  [default: 'accepted' of [tool.vmgen]]",
    ),
    Option("--notes", kind="flag", help="Also list changes that do no harm."),
    format_option("How to print the verdicts.", "github", "html"),
    epilog=NAMED + """
\b
Examples:
  vmgen compat 9.0 9.1 -t x86_64
  vmgen compat 8.2 10.0 -t x86_64 -m 'pc-q35-*' --devices virtio-gpu-pci,e1000e
  vmgen compat ~/qemu-9.2 ~/qemu --all -t aarch64 -m virt-9.2 --direction forward
  vmgen compat 9.2 10.0 -t aarch64 -m virt-9.2 --cpu neoverse-n1
  vmgen compat 9.2 10.0 -t s390x --like guest.mig --format json
  vmgen compat 9.2 10.0 -t x86_64 --format html > report.html

\b
Exit status: 0 every guest loads (conditions are counted: on the guest's state, and
devices that a user must add), 1 a machine type is refused as it is started without
options, 2 bad input, 3 not known. What was accepted does not count.""",
)
def compat(
    console: Console,
    /,
    *,
    sources: tuple[str, ...],
    git: tuple[str, str] | None,
    targets: tuple[str, ...],
    whole: bool,
    preprocessor: str,
    machines: tuple[str, ...],
    devices: str | None,
    cpu: str | None,
    like: str | None,
    direction: str,
    strict: bool,
    accepted: str | None,
    notes: bool,
    form: str,
) -> int:
    """Does NEW load what OLD saved, for each machine type?

    And back. A machine type decides many conditions: vmgen reads its compat properties,
    and the defaults of its devices' properties, from the sources of both sides. The
    answer holds for a machine type started without options; the conditions that remain
    are about the guest's state, and about devices that only users add (-device).
    """
    from vmgen import config, report
    from vmgen.verdict import show_machines
    from vmgen.verdict.gate import gone, marked, unneeded
    from vmgen.verdict.narrowed import narrowed

    directions = WAYS[direction]
    pairs, names = programs_of(
        sources, git, targets, whole, preprocessor, console, processors=True
    )
    if not git and form == "text":
        say_sources(names, pairs, console)
    has = None if like is None else guest_of(like, console)
    passing = config.accepted_by(None if accepted is None else Path(accepted))
    judged = []
    used: set[Accepted] = set()
    listed = [] if devices is None else devices.split(",")
    _refuse_unknown(listed, pairs)
    for one in _asked(pairs, machines, cpu, called(names), console):
        judgements, only = _judged(one, called(names), has, console)
        if listed or has is not None:
            judgements = narrowed(judgements, one.old, one.new, listed, has)
        for name, judgement in judgements.items():
            judgements[name], accepts = marked(judgement, passing)
            used |= accepts
        judged.append((judgements, only))
    about = {new.target for _, new in pairs}
    left = unneeded(passing, used, about, directions)
    part = ", for these guests" if machines or listed or cpu or like else ""
    for entry in left:
        console.message(gone(entry) + part)
    status = show_machines.status(
        (one for judgements, _ in judged for one in judgements.values()),
        directions,
        strict,
    )
    status = (
        _strictly(status, judged, directions, len(left), console) if strict else status
    )
    if form == "json":
        document = versioned(
            "compat",
            {
                "old": names[0],
                "new": names[1],
                "status": max(status, int(console.incomplete)),
                **console.errors_as_json(),
                "targets": [
                    show_machines.as_json(one, only, directions) for one, only in judged
                ],
            },
        )
        console.result(json.dumps(document, indent=2) + "\n")
    elif form == "github":
        folders = folders_of(sources, git)
        lines: dict[str, None] = {}
        for judgements, _ in judged:
            text = show_machines.github(judgements, directions, folders)
            lines |= dict.fromkeys(text.splitlines(keepends=True))
        console.result(report.github(console.errors) + "".join(lines))
    elif form == "html":
        from vmgen.view.compat import compat_page

        console.result(compat_page(names, judged, directions))
    else:
        texts = (
            show_machines.text(
                one, only, console.paint, directions=directions, notes=notes
            )
            for one, only in judged
        )
        console.result("\n".join(texts))
    return status


def _strictly(
    status: int,
    judged: Sequence[tuple[Mapping[str, Judgement], Any]],
    directions: Sequence[Direction],
    unneeded: int,
    console: Console,
) -> int:
    """The status with ``--strict``, which says what it is that it counts."""
    from vmgen.verdict import show_machines

    every = [one for judgements, _ in judged for one in judgements.values()]
    if status != show_machines.status(every, directions, strict=False):
        console.message("--strict: a condition counts as a refusal: exit status 1")
    elif unneeded and not status:
        said = "an accepted finding that nothing needs any more counts"
        console.message(f"--strict: {said}: exit status 1")
        return 1
    return status


@dataclass(frozen=True, slots=True)
class _Asked:
    """The question about one target: its machine types (of both sides) and model of CPU;
    ``only`` are the machine types of one side alone."""

    old: ir.Program
    new: ir.Program
    judge: MachineJudge
    names: tuple[str, ...]
    cpu: str
    only: tuple[Sequence[str], ...]


def _asked(
    pairs: Sequence[tuple[ir.Program, ir.Program]],
    wanted: Sequence[str],
    cpu: str | None,
    called: tuple[str, str],
    console: Console,
) -> list[_Asked]:
    """The questions, target by target.  What fits one of the targets need not fit the
    others: a target without any machine type that the line names is left out, and named.

    Raises :class:`VmgenError` VG645 for a machine type that no target has, VG646 for such
    a model.
    """
    from vmgen.verdict.machines import MachineJudge

    found = []
    fits: dict[str, list[tuple[MachineJudge, list[str]]]] = {
        pattern: [] for pattern in wanted
    }
    targets = ", ".join(new.target for _, new in pairs)
    judges = [MachineJudge(old, new) for old, new in pairs]
    models = [judge.models() for judge in judges]
    if cpu and not any(cpu in one for one in models):
        known = sorted({name for one in models for name in one})
        raise VmgenError(_no_model(cpu, known, targets))
    for (old, new), judge, has in zip(pairs, judges, models, strict=True):
        both, *only = judge.machines
        if wanted and judge.lacking:
            raise VmgenError(_unknown(judge.lacking, called, new.target))
        names: dict[str, None] = {}
        for pattern in wanted:
            chosen = _fitting(pattern, judge)
            fits[pattern].append((judge, chosen))
            names |= dict.fromkeys(chosen)
        if not wanted:
            versioned = [name for name in both if VERSIONED.match(name)]
            names = dict.fromkeys(versioned or list(both) or [""])
        model = cpu if cpu and cpu in has else ""
        found.append(_Asked(old, new, judge, tuple(names), model, tuple(only)))
    for pattern, tried in fits.items():
        if not any(chosen for _, chosen in tried):
            sides = [judge.machines for judge, _ in tried]
            all_, *alone = (
                [name for one in sides for name in one[at]] for at in range(3)
            )
            named = tried[0][0].named(pattern)
            raise VmgenError(_none(named, all_, alone, called, targets))
    for one in found:
        if not one.names:
            said = f"none of its machine types is {' or '.join(wanted)}"
            console.message(f"{one.new.target}: {said}: not compared")
        elif cpu and not one.cpu:
            console.message(
                f"{one.new.target}: it has no CPU {cpu}: compared without --cpu"
            )
    return [one for one in found if one.names]


def _fitting(pattern: str, judge: MachineJudge) -> list[str]:
    """The machine types of both sides that a word of the line means."""
    both = judge.machines[0]
    if pattern == "versioned":
        return [name for name in both if VERSIONED.match(name)]
    if pattern == "all":
        return list(both)
    pattern = judge.named(pattern)
    return [name for name in both if fnmatch.fnmatchcase(name, pattern)]


def _judged(
    one: _Asked,
    called: tuple[str, str],
    has: Having | None,
    console: Console,
) -> tuple[dict[str, Judgement], tuple[Sequence[str], Sequence[str]]]:
    """The verdict for each machine type that is wanted, and those of one side alone."""
    found = {}
    target = one.new.target
    for number, name in enumerate(one.names, 1):
        console.progress(f"{target} {name} ({number} of {len(one.names)})".strip())
        listed = () if has is None or one.cpu else has.registers
        judgement = one.judge.judgement(name, listed, one.cpu)
        found[name] = replace(judgement, called=called)
    lost, added = (
        [name for name in side if VERSIONED.match(name)] for side in one.only
    )
    return found, (lost, added)


def _unknown(
    lacking: Sequence[str], called: tuple[str, str], target: str
) -> Diagnostic:
    """Why no side's machine types can be compared: VG645."""
    names = dict(zip(("OLD", "NEW"), called, strict=True))
    whose = " and of ".join(f"{side} ({names[side]})" for side in lacking)
    message = f"the machine types of {whose} are not known for {target or 'it'}"
    hint = (
        "releases have them, and trees that are read with --all (locks and IR files that"
        " were made so, too); without --machine there is one verdict for all guests"
    )
    return Diagnostic("VG645", message, hint=hint)


def _none(
    pattern: str,
    both: Sequence[str],
    only: Sequence[Sequence[str]],
    called: tuple[str, str],
    target: str,
) -> Diagnostic:
    """Why no machine type is what was requested: VG645."""
    sides = zip(("OLD", "NEW"), called, only, strict=True)
    for side, name, names in sides:
        if any(fnmatch.fnmatchcase(one, pattern) for one in names):
            message = (
                f"only {side} ({name}) has a machine type '{pattern}' for {target}"
            )
            hint = "a guest loads on the machine type that saved it and on no other one"
            return Diagnostic("VG645", message, hint=hint)
    near = get_close_matches(pattern, both, 3, 0.8)
    shown = ", ".join(both[:6]) + (", ..." if len(both) > 6 else "")
    hint = f"did you mean {' or '.join(near)}?" if near else f"they have: {shown}"
    message = f"no machine type that both sides have for {target} is '{pattern}'"
    return Diagnostic("VG645", message, hint=hint)


def _no_model(cpu: str, models: Sequence[str], target: str) -> Diagnostic:
    """Why there is no such model: VG646."""
    if not models:
        message = f"the CPUs of one side are not known for {target}"
        hint = (
            "they are known of Arm's and PowerPC's targets, of releases and of trees that are"
            " read with --all"
        )
        return Diagnostic("VG646", message, hint=hint)
    near = get_close_matches(cpu, models, 3)
    shown = " or ".join(near) if near else ", ".join(models)
    hint = f"did you mean {shown}?" if near else f"they have: {shown}"
    message = f"no model of a CPU that both sides have for {target} is '{cpu}'"
    return Diagnostic("VG646", message, hint=hint)


def _refuse_unknown(
    devices: Sequence[str], pairs: Sequence[tuple[ir.Program, ir.Program]]
) -> None:
    """Raises VG646 for a name that is no device type of either side, on any target."""
    from vmgen.verdict.narrowed import is_device

    sides = [side for pair in pairs for side in pair]
    unknown = [
        name for name in devices if not any(is_device(one, name) for one in sides)
    ]
    if unknown:
        message = f"neither side has a device type '{unknown[0]}'"
        types = {one.name for side in sides for one in side.machines.types}
        near = get_close_matches(unknown[0], sorted(types), 3)
        hint = "QEMU lists the names: qemu-system-... -device help"
        hint = f"did you mean {' or '.join(near)}?" if near else hint
        raise VmgenError(Diagnostic("VG646", message, hint=hint))


def guest_of(file: str, console: Console) -> Having:
    """What the guest of a stream has."""
    from vmgen.cli.stream.codecs import input_of, opened
    from vmgen.cli.stream.common import told
    from vmgen.stream.having import having
    from vmgen.stream.stream import Stream

    def readable() -> Stream | None:
        try:
            return opened(
                file, console, folder=None, qemu=None, whole=False, target=None,
                page_size=None, snapshot="", max_unpacked=None, no_description=False,
                members=(),
            )  # fmt: skip
        except VmgenError:
            return None  # vmgen knows no release that wrote it

    with told(file):
        source = input_of(file)
        source.finish()
        found = having(Stream(source, strict=False), readable)
        source.close()
    return found
