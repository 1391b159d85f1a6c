"""``vmgen fleet report``."""

from __future__ import annotations

import json
from pathlib import Path

from vmgen.cli.arguments import Argument, Option, command, format_option
from vmgen.cli.console import Console
from vmgen.cli.extra import needs
from vmgen.schemas import versioned
from vmgen.source import Diagnostic, Position, VmgenError


@command(
    Argument("folder", "folder"),
    Option(
        "--findings",
        kind="number",
        choices=(0, None),
        metavar="N",
        default=20,
        shown=True,
        help="How many findings to print, those of most files first.",
    ),
    format_option("How to print it."),
    epilog="""\b
Examples:
  vmgen fleet report answers
  vmgen fleet report answers --format json""",
)
def report(console: Console, /, *, folder: str, findings: int, form: str) -> int:
    """Sum up the answers of a fleet.

    You see how many files have which outcome, by machine type, and what was found, each
    finding once with the number of files that have it.

    Exit status 0: every file is accepted or identical, 1: one is not, 3: of one it is not
    known, and none is refused.
    """
    needs("fleet", "pyarrow")
    from vmgen.fleet import report as summed
    from vmgen.fleet import results

    if not (Path(folder) / results.QUESTION).is_file():
        message = "has no answers of 'vmgen fleet'"
        raise VmgenError(Diagnostic("VG707", message, Position(folder)))
    try:
        found = summed.report(results.rows(Path(folder), summed.ASKED))
    except (OSError, ValueError) as error:
        message = f"cannot be read: {error}"
        raise VmgenError(Diagnostic("VG707", message, Position(folder))) from None
    if form == "json":
        document = versioned("fleet-report", summed.document(found, findings))
        console.result(json.dumps(document, indent=2) + "\n")
    else:
        console.result("".join(f"{line}\n" for line in summed.lines(found, findings)))
    bad = found.outcomes.keys() - {"accepted", "identical", "exported", "converted"}
    return 1 if bad - {"not known"} else 3 if bad else 0
