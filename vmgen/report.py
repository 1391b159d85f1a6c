"""Diagnostics as text: where, what, the line itself with a caret, and what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import replace

from vmgen.paint import Paint, plain
from vmgen.schemas import VERSIONS
from vmgen.source import Diagnostic

_CONTROL = {
    number: f"\\x{number:02x}"
    for number in (*range(0x20), *range(0x7F, 0xA0))
    if chr(number) not in "\t\n"
}
_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}


def render(diagnostics: Iterable[Diagnostic], paint: Paint = plain) -> str:
    """All diagnostics, each once, in the order they were found; ends with a newline.

    One looks like this (the excerpt only where the stage gave one)::

        target/riscv/machine.c:28:9: error: in vmstate_pmp: no member 'x' [VG310]
            28 |         VMSTATE_UINTTL(x, RISCVCPU),
               |         ^
            hint: the members of 'RISCVCPU' are: env, cfg
    """
    return "".join(f"{_one(item, paint)}\n" for item in dict.fromkeys(diagnostics))


def visible(text: str) -> str:
    """The text with control characters as escapes: what somebody else's file holds does
    not steer the reader's terminal."""
    return text.translate(_CONTROL)


def near(diagnostic: Diagnostic) -> Diagnostic:
    """With its file as seen from the working folder, where it is below that: this is how
    people call it, and what annotations of a checkout's files need."""
    file = diagnostic.position.file
    below = os.getcwd() + os.sep
    if not file.startswith(below):
        return diagnostic
    position = replace(diagnostic.position, file=file.removeprefix(below))
    return replace(diagnostic, position=position)


def json_lines(diagnostics: Iterable[Diagnostic]) -> str:
    """One object per line: ``version``, ``severity``, ``code``, ``message``, ``file`` (empty for none),
    ``line`` and ``column`` (from 1, 0 for none), ``context`` (a list, outermost first),
    ``hint`` and ``excerpt`` (the source line)."""
    return "".join(
        json.dumps(as_json(one), ensure_ascii=False) + "\n"
        for one in dict.fromkeys(diagnostics)
    )


def as_json(one: Diagnostic) -> dict[str, object]:
    """A diagnostic as the members of its JSON object."""
    place = one.position
    return {
        "version": VERSIONS["diagnostic"],
        "severity": one.severity,
        "code": one.code,
        "message": one.message,
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "context": list(one.context),
        "hint": one.hint,
        "excerpt": one.excerpt,
    }


def github(diagnostics: Iterable[Diagnostic]) -> str:
    """Workflow commands of GitHub's CI, one a line, with the code as the title.

    Escaped as the runner reads them (``actions/toolkit``, ``command.ts``): ``%`` and line
    ends everywhere, ``:`` and ``,`` in properties too.
    """
    lines = []
    for one in dict.fromkeys(diagnostics):
        place = one.position
        properties: dict[str, object] = {}
        if place.file:
            properties["file"] = place.file
            if place.line:
                properties["line"] = place.line
            if place.column:
                properties["col"] = place.column
        properties["title"] = one.code
        listed = ",".join(
            f"{name}={_escaped(str(value)).replace(':', '%3A').replace(',', '%2C')}"
            for name, value in properties.items()
        )
        about = f"in {', '.join(one.context)}: " if one.context else ""
        said = f"{about}{one.message}" + (f"\nhint: {one.hint}" if one.hint else "")
        lines.append(f"::{_LEVELS[one.severity]} {listed}::{_escaped(said)}\n")
    return "".join(lines)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """``2 errors, 1 warning``; empty if there is nothing."""
    counts: dict[str, int] = {}
    for diagnostic in dict.fromkeys(diagnostics):
        counts[diagnostic.severity] = counts.get(diagnostic.severity, 0) + 1
    return ", ".join(
        f"{counts[severity]} {severity}{'s' * (counts[severity] > 1)}"
        for severity in ("error", "warning", "note")
        if severity in counts
    )


def _one(diagnostic: Diagnostic, paint: Paint) -> str:
    position = diagnostic.position
    where = paint("place", f"{visible(str(position))}: ") if position.file else ""
    about = f"in {', '.join(diagnostic.context)}: " if diagnostic.context else ""
    said = visible(f"{about}{diagnostic.message}")
    code = paint("faint", f" [{diagnostic.code}]")
    severity = paint(diagnostic.severity, f"{diagnostic.severity}:")
    lines = [f"{where}{severity} {said}{code}"]
    if diagnostic.excerpt.strip():
        lines += _excerpt(diagnostic.excerpt, position.line, position.column, paint)
    if diagnostic.hint:
        first, *rest = visible(diagnostic.hint).splitlines()
        lines.append(f"    {paint('hint', 'hint:')} {first}")
        lines += [f"          {line}" for line in rest]
    return "\n".join(lines)


def _excerpt(text: str, line: int, column: int, paint: Paint) -> list[str]:
    """The source line and, where the column is known, a caret under it.

    Tabs before the caret are kept, so that it stands right whatever their width.
    """
    number = f"{line or '':>6}"
    lines = [f"{paint('faint', f'{number} |')} {visible(text)}"]
    if 0 < column <= len(text) + 1:
        before = visible(text[: column - 1])
        indent = "".join("\t" if char == "\t" else " " for char in before)
        lines.append(f"{paint('faint', '       |')} {indent}{paint('error', '^')}")
    return lines
