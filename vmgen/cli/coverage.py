"""``vmgen coverage``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vmgen.cli.arguments import command, format_option
from vmgen.cli.console import Console
from vmgen.cli.job import SOURCES, read_job
from vmgen.paint import Kind, Paint
from vmgen.schemas import versioned
from vmgen.source import Diagnostic, Position, VmgenError

if TYPE_CHECKING:
    from vmgen.coverage import Covered, Report, Status


@command(
    *SOURCES,
    format_option(
        "'json' has every description and field, 'text' those that are not ok."
    ),
    epilog="""\b
Examples:
  vmgen coverage --qemu ~/qemu-10.0.2           all targets, and what none contains
  vmgen coverage --qemu ~/qemu-10.0.2 -t riscv64    one binary
  vmgen coverage --qemu ~/qemu --format json | jq '.files[] | .status'

\b
Statuses: ok; hook: a test that your context answers; custom: bytes that no codec
knows; error: not read. Exit status: 1 if anything is custom or in error.""",
)
def coverage(
    console: Console,
    /,
    *,
    form: str,
    **inputs: Any,
) -> int:
    """Report what vmgen reads of a QEMU tree.

    You see every file that defines a description, every description and every field, each
    with its status, and the reason where vmgen does not read it in full.
    """
    from vmgen import coverage
    from vmgen.pipeline import all_targets

    inputs["whole"] = True
    job = read_job(files=(), **inputs)
    first = job.requests[0]
    if first.qemu is None:
        raise VmgenError(Diagnostic("VG630", "coverage is of a QEMU tree"))
    names = tuple(request.target for request in job.requests)
    # All of them: then also what none of them contains.
    chosen = () if names == all_targets(first.qemu) else names
    with console.working():
        report = coverage.cover(
            first.qemu,
            chosen,
            first.build,
            first.preprocessor,
            console.progress,
            given=first.given,
            formats=first.formats,
        )
    if form == "json":
        console.result(json.dumps(as_json(report), indent=1) + "\n")
    else:
        console.result(as_text(report, console.paint))
    if console.form != "text":
        console.diagnostics(_unread(report))
    return 0 if report.is_complete else 1


def _unread(report: Report) -> Iterator[Diagnostic]:
    """What is not read, each with its reason."""
    for file in report.files:
        for each in (file, *file.parts):
            for one in (each, *(each.parts if each is not file else ())):
                if one.status == "error" and one.reason:
                    place = Position(file.name, one.line)
                    message = f"{one.name} is not read: {one.reason}"
                    yield Diagnostic("VG638", message, place)


def as_json(report: Report) -> dict[str, Any]:
    """The whole report; a member that is empty is left out of descriptions and fields."""
    members = {
        "release": report.release,
        "targets": list(report.targets),
        "complete": report.is_complete,
        "counts": report.counts(),
        "files": [
            {
                "file": file.name,
                "status": file.status,
                "reason": file.reason,
                "targets": list(file.targets),
                "descriptions": [
                    {
                        "symbol": each.name,
                        "name": each.wire,
                        "line": each.line,
                        "status": each.status,
                        "reason": each.reason,
                        "fields": [
                            {
                                "name": field.name,
                                "line": field.line,
                                "status": field.status,
                                "reason": field.reason,
                            }
                            for field in each.parts
                        ],
                    }
                    for each in file.parts
                ],
            }
            for file in report.files
        ],
        "sections": [
            {
                "name": each.name,
                "of": each.wire,
                "status": each.status,
                "reason": each.reason,
                "targets": list(each.targets),
            }
            for each in report.sections
        ],
    }
    return versioned("coverage", members)


def as_text(report: Report, paint: Paint) -> str:
    """A line for each file, below it what is not ok, and the sums."""
    lines = []
    for file in report.files:
        fields = sum(len(each.parts) for each in file.parts)
        size = f"{len(file.parts)} descriptions, {fields} fields"
        lines.append(_line("", file, f"{file.name}: {size}", paint))
        for each in file.parts:
            if each.status == "ok" and not each.reason:
                continue
            wire = f" ({each.wire})" if each.wire else ""
            lines.append(_line("  ", each, f"{each.name}{wire}", paint))
            lines += [
                _line("    ", field, field.name, paint)
                for field in each.parts
                if field.status != "ok"
            ]
    lines += [
        _line("", each, f"section {each.name} ({each.wire})", paint)
        for each in report.sections
        if each.status != "ok" or each.reason
    ]
    targets = len(report.targets)
    lines.append(f"QEMU {report.release}, {targets} target{'s' * (targets != 1)}")
    for what, counts in report.counts().items():
        total = sum(counts.values())
        words = ", ".join(
            f"{counts[status]} {status}" for status in sorted(counts, key=_ORDER.index)
        )
        lines.append(f"{total} {what}: {words}")
    return "\n".join(lines) + "\n"


_ORDER: tuple[Status, ...] = ("ok", "hook", "custom", "error")
_KINDS: dict[Status, Kind] = {
    "ok": "ok", "hook": "note", "custom": "warning", "error": "error"
}  # fmt: skip


def _line(indent: str, item: Covered, text: str, paint: Paint) -> str:
    place = f":{item.line}" if item.line else ""
    status = paint(_KINDS[item.status], f"{item.status:<6}")
    reason = f": {item.reason}" if item.reason else ""
    return f"{indent}{status} {text}{place}{reason}"
