"""``vmgen diff``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vmgen.cli.arguments import Option, WrongUsage, command, format_option
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

if TYPE_CHECKING:
    from vmgen import ir
    from vmgen.verdict import Direction, Judgement
    from vmgen.verdict.model import Confirmation


@command(
    *SIDES,
    Option(
        "--direction",
        kind="choice",
        choices=("both", "forward", "backward"),
        default="both",
        shown=True,
        help="'forward': NEW loads what OLD saved.",
    ),
    Option(
        "--try",
        name="count",
        former="--check",
        kind="number",
        choices=(1, None),
        default=None,
        metavar="N",
        help="Try each verdict on N random sections, with the codecs of both sides.",
    ),
    Option(
        "--strict",
        kind="flag",
        help="Count 'compatible under a condition' as incompatible.",
    ),
    Option("--notes", kind="flag", help="Also list changes that do no harm."),
    Option(
        "--fields",
        kind="flag",
        help="List the differences field by field instead; exit status 1 if there are any.",
    ),
    format_option("How to print the verdicts.", "github"),
    epilog=NAMED + """
\b
Examples:
  vmgen diff 7.2 10.0 --target riscv64
  vmgen diff ~/qemu-7.2.0 ~/qemu-10.0.2 --all -t x86_64 --try 20
  vmgen diff --git ~/qemu v9.2.0..v10.0.0 -t aarch64 --format github
  vmgen diff embedded ~/qemu-10.0.2 --fields

\b
Exit status: 0 compatible, 1 incompatible, 2 bad input, 3 not known.""",
)
def diff(
    console: Console,
    /,
    *,
    sources: tuple[str, ...],
    git: tuple[str, str] | None,
    targets: tuple[str, ...],
    whole: bool,
    preprocessor: str,
    direction: str,
    count: int | None,
    strict: bool,
    notes: bool,
    fields: bool,
    form: str,
) -> int:
    """Does NEW load what OLD saved, and back?

    Every section that a binary may write gets a verdict for each direction: compatible,
    compatible if a condition holds, or incompatible, with the first byte at which the two
    disagree. Nothing is built. 'vmgen compat' answers for each machine type.
    """
    if fields and form == "github":
        raise WrongUsage("--format github is for verdicts, not for --fields")
    pairs, names = programs_of(sources, git, targets, whole, preprocessor, console)
    if fields:
        return _fields(pairs, names, form, console)
    if not git and form == "text":
        say_sources(names, pairs, console)
    folders = folders_of(sources, git)
    return _verdicts(
        pairs, names, direction, count, strict, notes, form, folders, console
    )


# --- field by field -------------------------------------------------------------------


def _fields(
    pairs: list[tuple[ir.Program, ir.Program]],
    names: Sequence[str],
    form: str,
    console: Console,
) -> int:
    from vmgen import diff

    comparisons = [diff.compare(left, right) for left, right in pairs]
    same = not any(comparison.differences for comparison in comparisons)
    if form == "json":
        targets = [diff.as_json(comparison) for comparison in comparisons]
        document = versioned(
            "diff-fields",
            {
                "old": names[0],
                "new": names[1],
                "same": same,
                **console.errors_as_json(),
                "targets": targets,
            },
        )
        console.result(json.dumps(document, indent=2) + "\n")
    else:
        console.result("".join(diff.text(item, console.paint) for item in comparisons))
    return 0 if same else 1


# --- verdicts -------------------------------------------------------------------------


def _verdicts(
    pairs: list[tuple[ir.Program, ir.Program]],
    names: Sequence[str],
    direction: str,
    count: int | None,
    strict: bool,
    notes: bool,
    form: str,
    folders: tuple[str, str],
    console: Console,
) -> int:
    from vmgen import report
    from vmgen.verdict import judge, show
    from vmgen.verdict.check import confirm

    directions: tuple[Direction, ...] = show.BOTH
    if direction != "both":
        directions = (direction,)  # type: ignore[assignment]
    judged: list[tuple[Judgement, tuple[Confirmation, ...]]] = []
    contradicted = False
    for old, new in pairs:
        judgement = replace(judge(old, new), called=called(names))
        tried: list[Confirmation] = []
        if count is not None:
            with console.working():
                for item in confirm(judgement, old, new, count, directions):
                    console.progress(f"{judgement.target} {item.section}".lstrip())
                    tried.append(item)
        contradicted |= any(item.answer == "contradicted" for item in tried)
        judged.append((judgement, tuple(tried)))
    status = show.status((item for item, _ in judged), directions, strict)
    if strict and status != show.status((one for one, _ in judged), directions, False):
        console.message("--strict: a condition counts as a refusal: exit status 1")
    if contradicted and not status:
        status = 3  # no verdict to rely on
    if form == "json":
        document = versioned(
            "diff",
            {
                "old": names[0],
                "new": names[1],
                "status": max(status, int(console.incomplete)),
                **console.errors_as_json(),
                "targets": [
                    show.as_json(item, directions, tried) for item, tried in judged
                ],
            },
        )
        console.result(json.dumps(document, indent=2) + "\n")
    elif form == "github":
        texts = (show.github(item, directions, folders) for item, _ in judged)
        console.result(report.github(console.errors) + "".join(texts))
    else:
        texts = (
            show.text(
                item,
                console.paint,
                directions=directions,
                notes=notes,
                confirmations=tried,
            )
            for item, tried in judged
        )
        console.result("\n".join(texts))
    return status
