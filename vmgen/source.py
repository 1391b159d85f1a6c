"""Where things are in C sources, and what there is to say about them.

Every stage passes positions on and reports with the same :class:`Diagnostic`, so that
an error found late still names the file and the line a person wrote.  Nothing is
printed here: the command line renders diagnostics, :class:`VmgenError` carries them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a source file.

    ``file`` is relative to the source tree with ``/`` separators (or as the user wrote
    it, outside any tree), ``line`` counts from 1 and 0 means the whole file, ``column``
    counts from 1 and 0 means the whole line.
    """

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        if not self.column:
            return f"{self.file}:{self.line}"
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Position("")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: what is wrong, where, and what to do about it.

    ``code`` is stable (``VG`` and three digits) and has a page in the docs.  ``context``
    says what the finding is about, outermost first (``("vmstate_pmp", "env.pmp")``).
    ``excerpt`` is the source line itself, without its newline, if it is known; the
    caret goes under ``position.column``.
    """

    code: str
    message: str
    position: Position = NOWHERE
    severity: Severity = "error"
    hint: str = ""
    context: tuple[str, ...] = ()
    excerpt: str = ""

    def __str__(self) -> str:
        where = f"{self.position}: " if self.position.file else ""
        about = f"in {', '.join(self.context)}: " if self.context else ""
        return f"{where}{self.severity}: {about}{self.message} [{self.code}]"

    def with_line(self, excerpt: str) -> Diagnostic:
        """The finding with the source line that it is about.

        Where it has no column, it takes that of the innermost name of its context that is
        in the line, else that of the line's first character.
        """
        names = (name for name in reversed(self.context) if name and name in excerpt)
        name = next(names, excerpt.lstrip())
        column = self.position.column or excerpt.index(name) + 1
        where = replace(self.position, column=column)
        return replace(self, position=where, excerpt=excerpt)


class VmgenError(Exception):
    """What a stage raises when it cannot go on; carries every diagnostic of the run."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        self.diagnostics = diagnostics
        super().__init__("\n".join(str(diagnostic) for diagnostic in diagnostics))
