"""What the commands of ``vmgen fleet`` share: their options, and the way from a question to answers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from vmgen.cli.arguments import Argument, Option, WrongUsage, format_option
from vmgen.cli.console import Console
from vmgen.cli.extra import needs
from vmgen.cli.fleet.questions import FleetCommand, FleetQuestion
from vmgen.cli.stream.common import output_option, size_of
from vmgen.schemas import versioned
from vmgen.source import Diagnostic, Position, VmgenError

FILES = Argument("files", metavar="FILE...", many=True)

CLUSTER = (
    output_option("The folder of the data set; made if it is missing.", "place"),
    Option(
        "--workers",
        kind="number",
        choices=(1, None),
        metavar="N",
        help="Worker processes on this machine.  [default: as many as there are cores]",
    ),
    Option(
        "--scheduler",
        metavar="tcp://...",
        default="",
        help="The scheduler of a Dask cluster whose workers have vmgen, the files and the"
        " folder of the data set.  [default: workers on this machine]",
    ),
    Option(
        "--memory",
        metavar="SIZE",
        default="2G",
        shown=True,
        help="How much a worker on this machine may use; vmgen ends one that takes more, and"
        " gives its files to a different worker.",
    ),
    Option(
        "--batch",
        kind="number",
        choices=(1, 100_000),
        metavar="N",
        default=32,
        shown=True,
        help="Files that a worker is given at once; a part of the data set has as many.",
    ),
    format_option("'json' prints on stdout what the run was."),
)
"""Where the work is done, and where the answers go."""


def ask(
    console: Console,
    command: FleetCommand,
    words: tuple[str, ...],
    options: Mapping[str, Any],
    *,
    output: str,
    workers: int | None,
    scheduler: str,
    memory: str,
    batch: int,
    form: str,
) -> int:
    """Ask a question about all files that are not in the data set yet."""
    needs("fleet", "distributed", "pyarrow", "fsspec")
    from vmgen.fleet import inputs, results
    from vmgen.fleet.report import counted
    from vmgen.fleet.run import FleetProgress, cluster, run

    _refuse(command, options, console)
    limit = size_of(memory)
    if not limit:
        raise WrongUsage(f"--memory {memory}: it is a size, as 2G")
    folder = Path(output).absolute()
    asked = FleetQuestion(command, str(folder), options)
    try:
        named = list(inputs.names(words))
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(20, "it is a file, and a folder is needed", output)
        if named or folder.exists():
            results.begin(folder, {"command": command, **options})
        if not named:
            raise WrongUsage("no file has such a name")
        known = results.answered(folder)
        files = [name for name in named if name not in known]
        if len(named) > len(files):
            answered = counted(len(named) - len(files), "file")
            console.message(f"answers are there already: {answered}")
        _distinct(command, files)
        far = FleetProgress(0, 0, len(files), 0.0)
        with console.working(), ExitStack() as opened:
            if files:
                count = workers or os.cpu_count() or 1
                client = opened.enter_context(cluster(scheduler, count, limit))
                for far in run(client, files, asked, asked.lost, batch):
                    console.progress(
                        f"{far.files} of {far.total} files, {far.rate:.0f}/s,"
                        f" {far.rest:.0f} s to go"
                    )
        if form == "json":
            document = {
                "command": command, "folder": output, "files": len(named),
                "answered": len(named) - len(files), "asked": far.files,
                "rows": far.rows, "seconds": round(far.seconds, 3),
            }  # fmt: skip
            text = json.dumps(versioned("fleet-run", document), indent=2)
            console.result(f"{text}\n")
        elif files:
            console.message(
                f"{counted(far.files, 'file')} in {far.seconds:.1f} s ({far.rate:.1f}/s),"
                f" {counted(far.rows, 'row')} in {output}"
            )
    except results.OtherQuestion:
        message = "has answers to another question"
        hint = "give another folder, or the same command and options"
        raise VmgenError(
            Diagnostic("VG737", message, Position(output), hint=hint)
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        name = getattr(error, "filename", None) or output
        raise VmgenError(Diagnostic("VG707", reason, Position(str(name)))) from None
    return 0


def _refuse(
    command: FleetCommand, options: Mapping[str, Any], console: Console
) -> None:
    """Raises what is wrong with the options: it would be the answer of every file."""
    from vmgen.cli.stream.codecs import refuse_source
    from vmgen.cli.stream.common import told
    from vmgen.cli.stream.explain import no_release, own_stream

    target = options["target"]
    with told(""):
        if command == "convert":
            for source in (options["old"], options["new"]):
                refuse_source(source, None, target, console)
        else:
            refuse_source(options["folder"], options["qemu"], target, console)
    if command == "explain":
        if options["qemu"] is None and options["folder"] is None:
            raise no_release()
        if options["folder"] == "none" and not os.path.isdir("none"):
            raise no_release()
    if (like := options.get("like")) is not None:
        own_stream(like, options.get("page_size"))


def _distinct(command: str, files: list[str]) -> None:
    """Files that are converted go into one folder by their names."""
    if command != "convert":
        return
    seen: dict[str, str] = {}
    for file in files:
        other = seen.setdefault(os.path.basename(file), file)
        if other != file:
            raise WrongUsage(f"{other} and {file} would be one file in the folder")
