"""``vmgen stream list``: the streams that files have."""

from __future__ import annotations

from vmgen.cli.arguments import Argument, command
from vmgen.cli.console import Console
from vmgen.cli.stream.common import FORMAT, MAX_UNPACKED, diagnostic, size_of
from vmgen.schemas import versioned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vmgen.stream.listing import StreamEntry

_COLUMNS = (
    "stream", "id", "date", "VM clock", "bytes", "begins at", "machine", "problem",
)  # fmt: skip


@command(
    Argument("files", "file", metavar="FILE...", many=True),
    FORMAT,
    MAX_UNPACKED,
    epilog="""\b
Examples:
  vmgen stream list disk.qcow2
  vmgen stream list *.save --format json | jq .
  vmgen stream show disk.qcow2@before        one of them""",
)
def list(
    console: Console,
    /,
    *,
    files: tuple[str, ...],
    form: str,
    max_unpacked: str | None,
) -> int:
    """List the streams that a file has, and where each begins.

    You see the snapshots of a disk image with id, name, date and VM clock, and the stream
    inside of a save image, an archive or a compressed file. FILE@NAME chooses one in every
    command that takes a FILE.

    Exit status 2 if one of the files has no stream; the others are listed.
    """
    import sys

    from vmgen.stream.errors import StreamError
    from vmgen.stream.listing import streams

    limit = size_of(max_unpacked)
    document = []
    status = 0
    for file in files:
        source = sys.stdin.buffer if file == "-" else file
        try:
            found = streams(source, max_unpacked=limit)
        except StreamError as error:  # the other files have an answer
            console.diagnostics([diagnostic(error, file)])
            status = 2
            continue
        document.append(
            {"file": file, "streams": [_as_json(file, one) for one in found]}
        )
        if form == "text":
            console.result(_text(file, found))
    if form == "json":
        import json

        whole = versioned("stream-list", {"files": document})
        console.result(json.dumps(whole, indent=2) + "\n")
    return status


def _as_json(file: str, one: StreamEntry) -> dict[str, Any]:
    from vmgen.stream.input import split_snapshot

    whole = split_snapshot(file)[0]
    return {
        "select": f"{whole}@{one.select}" if one.select else file,
        "carriers": [*one.carriers],
        "id": one.held.id,
        "name": one.held.name,
        "date": None if one.held.date is None else _date(one.held.date),
        "vm_clock_ns": one.held.clock,
        "size": one.size,
        "start": one.start,
        "inside": one.inside,
        "machine": one.machine,
        "problem": one.problem,
    }


def _text(file: str, found: tuple[StreamEntry, ...]) -> str:
    from vmgen.stream.input import split_snapshot
    from vmgen.stream.wire import printable

    carriers = found[0].carriers if found else ()
    file = file if not found or not found[0].select else split_snapshot(file)[0]
    lines = [f"{file}: {' of '.join(reversed(carriers)) or 'a plain stream'}"]
    rows = []
    for one in found:
        held = one.held
        start = "" if one.start is None else f"{one.start:#x}"
        if start and one.inside:
            start += f" of the unpacked {one.inside}"
        size = "" if one.size is None else str(one.size)
        rows.append(
            (
                printable(f"@{one.select}" if one.select else ""),
                printable(held.id),
                "" if held.date is None else _date(held.date),
                "" if held.clock is None else _clock(held.clock),
                size if one.size != 0 else "no state",
                start,
                printable(one.machine),
                one.problem,
            )
        )
    shown = [index for index in range(len(_COLUMNS)) if any(row[index] for row in rows)]
    table = [_COLUMNS, *rows] if rows else []
    widths = [max(len(row[index]) for row in table) for index in shown if table]
    for row in table:
        cells = zip(shown, widths, strict=True)
        text = "  ".join(row[index].ljust(width) for index, width in cells)
        lines.append(f"  {text.rstrip()}")
    if not rows:
        lines.append("  no stream in it")
    return "".join(f"{line}\n" for line in lines)


def _date(seconds: int) -> str:
    """A date in UTC; snapshots have 32 bits of it."""
    import datetime

    date = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return date.strftime("%Y-%m-%dT%H:%M:%SZ")


def _clock(nanoseconds: int) -> str:
    """The VM clock as ``qemu-img snapshot -l`` shows it."""
    thousandths = nanoseconds // 1_000_000
    seconds, thousandths = divmod(thousandths, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}"
