"""``vmgen fleet explain``, ``verify``, ``export`` and ``convert``."""

from __future__ import annotations

import os
from typing import Any

from vmgen.cli.arguments import Argument, Option, command
from vmgen.cli.console import Console
from vmgen.cli.fleet.common import CLUSTER, FILES, ask
from vmgen.cli.stream.common import CODECS, LOADING, MEMBER
from vmgen.cli.stream.convert import BETWEEN, CARRIED

_CLUSTER = ("output", "workers", "scheduler", "memory", "batch", "form")


def _parted(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The question, and where to ask it."""
    where = {name: options.pop(name) for name in _CLUSTER}
    return options, where


@command(
    FILES,
    *CLUSTER,
    *LOADING,
    MEMBER,
    Option(
        "--like",
        kind="file",
        metavar="FILE",
        help="A stream that the destination machine saved; fields that must match it are"
        " compared.",
    ),
    epilog="""\b
FILE is a stream, a pattern, a URL (s3://..., by a plug-in of fsspec), or @LIST,
a file that names one per line.

\b
Examples:
  vmgen fleet explain 'guests/*.mig' --release 10.2 -o answers
  vmgen fleet explain @guests.txt --release 10.2 -o out --scheduler tcp://host:8786
  vmgen fleet report answers""",
)
def explain(console: Console, /, *, files: tuple[str, ...], **options: Any) -> int:
    """Ask of many streams whether a release accepts them.

    vmgen reads each as 'vmgen stream explain' reads one. The answers are a Parquet data
    set: a row for each file, each finding, and each section that vmgen cannot judge. The
    same command goes on after an interruption: it leaves out what is in the data set.
    """
    asked, where = _parted(options)
    asked["whole"] = asked["qemu"] is not None
    return ask(console, "explain", files, asked, **where)


@command(
    FILES,
    *CLUSTER,
    *CODECS,
    epilog="""\b
Examples:
  vmgen fleet verify 'guests/*.mig' -o answers
  vmgen fleet report answers""",
)
def verify(console: Console, /, *, files: tuple[str, ...], **options: Any) -> int:
    """Decode many streams, encode them again, compare.

    The data set has a row for each file and for each section.
    """
    asked, where = _parted(options)
    return ask(console, "verify", files, asked, **where)


@command(
    Argument("kind", "choice", "FORMAT", choices=("parquet",)),
    FILES,
    *CLUSTER,
    *CODECS,
    epilog="""\b
Examples:
  vmgen fleet export parquet 'guests/*.mig' -o fields""",
)
def export(
    console: Console, /, *, kind: str, files: tuple[str, ...], **options: Any
) -> int:
    """Write every field of many streams as one Parquet data set.

    The rows are those of 'vmgen export parquet', each with its file.
    """
    asked, where = _parted(options)
    return ask(console, "export", files, asked, **where)


@command(
    FILES,
    *BETWEEN,
    Option(
        "--into",
        kind="folder",
        required=True,
        metavar="FOLDER",
        help="Where the converted streams go, by their names.",
    ),
    *CLUSTER,
    *CARRIED,
    epilog="""\b
Examples:
  vmgen fleet convert '*.mig' --from 9.2 --to 10.0 --into new -o answers""",
)
def convert(
    console: Console, /, *, files: tuple[str, ...], into: str, **options: Any
) -> int:
    """Carry many streams from one release to another.

    vmgen converts each as 'vmgen stream convert' does it. The data set has a row for each
    file: converted, refused, or the error.
    """
    asked, where = _parted(options)
    asked |= {"into": os.path.abspath(into), "whole": False}
    return ask(console, "convert", files, asked, **where)
