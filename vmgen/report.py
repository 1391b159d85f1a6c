"""Diagnostics as text: where, what, the line itself with a caret, and what to do."""

from __future__ import annotations

from collections.abc import Iterable

from vmgen.paint import Paint, plain
from vmgen.source import Diagnostic


def render(diagnostics: Iterable[Diagnostic], paint: Paint = plain) -> str:
    """All diagnostics, each once, in the order they were found; ends with a newline.

    One looks like this (the excerpt only where the stage gave one)::

        target/riscv/machine.c:28:9: error: in vmstate_pmp: no member 'x' [VG310]
            28 |         VMSTATE_UINTTL(x, RISCVCPU),
               |         ^
            hint: the members of 'RISCVCPU' are: env, cfg
    """
    return "".join(f"{_one(item, paint)}\n" for item in dict.fromkeys(diagnostics))


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
    where = paint("place", f"{position}: ") if position.file else ""
    about = f"in {', '.join(diagnostic.context)}: " if diagnostic.context else ""
    code = paint("faint", f" [{diagnostic.code}]")
    severity = paint(diagnostic.severity, f"{diagnostic.severity}:")
    lines = [f"{where}{severity} {about}{diagnostic.message}{code}"]
    if diagnostic.excerpt.strip():
        lines += _excerpt(diagnostic.excerpt, position.line, position.column, paint)
    if diagnostic.hint:
        first, *rest = diagnostic.hint.splitlines()
        lines.append(f"    {paint('hint', 'hint:')} {first}")
        lines += [f"          {line}" for line in rest]
    return "\n".join(lines)


def _excerpt(text: str, line: int, column: int, paint: Paint) -> list[str]:
    """The source line and, where the column is known, a caret under it.

    Tabs before the caret are kept, so that it stands right whatever their width.
    """
    number = f"{line or '':>6}"
    lines = [f"{paint('faint', f'{number} |')} {text}"]
    if 0 < column <= len(text) + 1:
        indent = "".join("\t" if char == "\t" else " " for char in text[: column - 1])
        lines.append(f"{paint('faint', '       |')} {indent}{paint('error', '^')}")
    return lines
