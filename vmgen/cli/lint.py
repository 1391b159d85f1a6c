"""``vmgen lint``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmgen import config
from vmgen.cli.arguments import Option, WrongUsage, command, format_option
from vmgen.cli.console import Console
from vmgen.cli.job import FILES, SOURCES, Job, below, compiled, read_job
from vmgen.source import Diagnostic, VmgenError

if TYPE_CHECKING:
    from vmgen import ir
    from vmgen.lint import CSources, Selection

_INPUT = tuple(one for one in SOURCES if one.name != "whole")


@command(
    FILES,
    *_INPUT,
    Option(
        "--select",
        many=True,
        metavar="CODES",
        completes="rule",
        help="Only these rules: VG816, or VG8 for all that begin so. May be repeated, or"
        " joined by commas.",
    ),
    Option(
        "--ignore",
        many=True,
        metavar="CODES",
        completes="rule",
        help="Not these rules. May be repeated, or joined by commas.",
    ),
    format_option(
        "'sarif' is SARIF 2.1.0, 'github' annotations of a CI.", "github", "sarif"
    ),
    epilog="""\b
Examples:
  vmgen lint my_dma.c                               your own file
  vmgen lint --qemu ~/qemu -t arm hw/char/pl011.c   a file of a tree
  vmgen lint --qemu ~/qemu                          every device of every target
  vmgen lint --qemu . -t x86_64 --select VG816      one rule: missing state
  vmgen lint my_dma.c --format sarif > lint.sarif

\b
Switch a rule off with --ignore, with 'ignore' of [tool.vmgen.lint], or in its line:
// vmgen: noqa: VG816
What was not read is an error in each form.
Exit status: 0 nothing found, 1 findings (or a file was not read), 2 bad input.""",
)
def lint(
    console: Console,
    /,
    *,
    form: str,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    **inputs: Any,
) -> int:
    """Warn of likely mistakes in tables.

    FILES are C files of the tree (--qemu) or your own; without any, everything that the
    tree's binaries contain. Each warning has a code: 'vmgen help VG816' explains it.
    """
    from vmgen import lint, report
    from vmgen.lint.sarif import sarif
    from vmgen.pipeline import findings

    selection = _selection(select, ignore)
    job = _job(inputs)
    sources = _sources(job)
    others = _without_tables(job, sources)
    rest = _but(job, others)
    programs, stopped = _read(rest, console) if rest is not None else ((), ())
    if stopped and not programs and not others:
        raise VmgenError(*stopped)
    if job.whole:
        others = sources.sources()
    with console.working():
        console.progress("rules")
        found = [
            _placed(one, job) for one in lint.lint(programs, sources, selection, others)
        ]
    if unread := tuple(dict.fromkeys((*stopped, *findings(programs)))):
        console.diagnostics(unread)
        console.incomplete = True
    errors = [_placed(one, job) for one in unread]
    if form == "json":
        console.result(report.json_lines([*found, *errors]))
    elif form == "github":
        console.result(report.github([*found, *errors]))
    elif form == "sarif":
        console.result(sarif(found, errors))
    else:
        console.result(report.render(found, console.paint))
    console.message(_summary(found))
    return int(bool(found))


def _read(
    job: Job, console: Console
) -> tuple[tuple[ir.Program, ...], tuple[Diagnostic, ...]]:
    """The programs of the requests that can be read, and what stopped the others."""
    if job.whole:
        return compiled(job, console), ()
    programs: list[ir.Program] = []
    stopped: list[Diagnostic] = []
    for one in job.requests:
        try:
            programs += compiled(replace(job, requests=(one,)), console)
        except VmgenError as error:
            stopped += error.diagnostics
    return tuple(programs), tuple(dict.fromkeys(stopped))


def _job(inputs: dict[str, Any]) -> Job:
    """The job of the command line: without files, all of the tree.  Files that are named
    need not be of one binary."""
    settings = config.find(Path.cwd())
    tree = inputs["qemu"] or settings.qemu
    if not inputs["files"]:
        if tree is not None and not (settings.inputs and not inputs["qemu"]):
            inputs["whole"] = True
        elif not settings.inputs:
            raise WrongUsage("name C files, or a tree with --qemu TREE")
    job = read_job(**inputs)
    return replace(
        job, requests=tuple(replace(one, apart=True) for one in job.requests)
    )


def _selection(select: Sequence[str], ignore: Sequence[str]) -> Selection:
    """The rules of the command line, added to those of the configuration."""
    from vmgen.lint import CODES, Selection

    settings = config.find(Path.cwd()).lint
    chosen = _codes(select) or settings.select
    left = (*settings.ignore, *_codes(ignore))
    for code in (*chosen, *left):
        if not any(one.startswith(code) for one in CODES):
            raise VmgenError(
                Diagnostic(
                    "VG616",
                    f"no rule has a code that begins with '{code}'",
                    hint=f"the rules are {', '.join(CODES)}",
                )
            )
    return Selection(chosen, left)


def _codes(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        code.upper() for one in words for code in re.split(r"[,\s]+", one) if code
    )


def _sources(job: Job) -> CSources:
    from vmgen.lint import CSources

    tree = job.requests[0].qemu
    here = (Path.cwd() / job.folder).resolve()
    if tree is None:
        return CSources(here, here, is_tree=False)
    return CSources((here / tree).resolve(), here, is_tree=True)


def _without_tables(job: Job, sources: CSources) -> tuple[str, ...]:
    """The files of the line that have a device and no table."""
    from vmgen.lint.rules.devices import is_device

    names = dict.fromkeys(name for one in job.requests for name in one.sources)
    return tuple(
        name
        for name in names
        if (file := sources.file(name)) is not None and is_device(file)
    )


def _but(job: Job, others: Sequence[str]) -> Job | None:
    """The job without these files; None if no file is left."""
    requests = [
        replace(one, sources=tuple(name for name in one.sources if name not in others))
        for one in job.requests
    ]
    if others and not any(one.sources for one in requests):
        return None
    return replace(job, requests=tuple(requests))


def _placed(found: Diagnostic, job: Job) -> Diagnostic:
    """The finding with its file as the working folder sees it, for a tree below it."""
    tree = job.requests[0].qemu
    folder = "" if tree is None else below(job.folder / tree)
    if not folder or not (job.folder / tree / found.position.file).exists():  # type: ignore[operator]
        return found
    file = f"{folder}/{found.position.file}"
    return replace(found, position=replace(found.position, file=file))


def _summary(found: Sequence[Diagnostic]) -> str:
    if not found:
        return "no findings"
    counts: dict[str, int] = {}
    for one in found:
        counts[one.code] = counts.get(one.code, 0) + 1
    each = ", ".join(f"{code} {counts[code]}" for code in sorted(counts))
    return f"{len(found)} finding{'s' * (len(found) > 1)}: {each}"
