"""``vmgen stream view``: a stream as a page for a browser."""

from __future__ import annotations

import os

from vmgen.cli.arguments import Argument, Option, WrongUsage, command
from vmgen.cli.console import Console
from vmgen.cli.stream.change import write, wrote
from vmgen.cli.stream.codecs import opened
from vmgen.cli.stream.common import CODECS, FILE, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vmgen.stream import Stream
    from vmgen.stream.objections import Explanation


@command(
    FILE,
    Argument("new", "file", required=False),
    Option(
        "--output",
        "-o",
        kind="file",
        metavar="OUT",
        help="The page to write; - is standard output.  [default: FILE.html in this folder]",
    ),
    Option(
        "--explain",
        metavar="RELEASE|TREE",
        completes="release",
        help="Mark what this release refuses, as 'stream explain' finds it.",
    ),
    Option(
        "--like",
        kind="file",
        metavar="FILE",
        help="With --explain: a stream that the machine which loads this one saved.",
    ),
    *CODECS,
    epilog="""\b
Examples:
  vmgen stream view vm.mig                               writes vm.mig.html
  vmgen stream view before.mig after.mig -o changes.html
  vmgen stream view disk.qcow2@one disk.qcow2@two -o two.html
  vmgen stream view vm.mig --explain 7.2 -o refused.html""",
)
def view(
    console: Console,
    /,
    *,
    file: str,
    new: str | None,
    output: str | None,
    explain: str | None,
    like: str | None,
    **options: Any,
) -> int:
    """Write a stream as one HTML page: fields, bytes and registers.

    The page needs no network and no other file. A field leads to its bytes and a byte to
    its field; with two streams you see both, and where they differ. Guest memory is
    summed up.

    Exit status 0: the page is written, also if the stream cannot be read to its end or the
    release refuses it; the page reports that.
    """
    from vmgen.stream.compare import compare
    from vmgen.view.parts import viewed
    from vmgen.view.stream import stream_page

    if like is not None and explain is None:
        raise WrongUsage("--like is for --explain")
    names = [file] if new is None else [file, new]
    streams = []
    made = []
    for name in names:
        with told(name):
            stream, failure = _read(name, console, options)
        streams.append(stream)
        made.append(viewed(os.path.basename(name), stream, failure))
    changes = []
    if len(streams) == 2 and not any(one.failure for one in made):
        with told(file):
            changes = list(compare(*streams))
    explanation = None
    if explain is not None:
        explanation = _explained(names[-1], explain, like, console, options)
    for stream in streams:
        stream.close()
    text = stream_page(made, changes, explanation)
    output = output or f"{os.path.basename(file)}.html"
    write(output, [text.encode()])
    wrote(console, output)
    return 0


def _read(file: str, console: Console, options: dict[str, Any]) -> tuple[Stream, str]:
    """A stream read as far as possible, and why no further (empty: it is whole)."""
    from vmgen.stream.errors import StreamError, Unreadable

    stream = opened(file, console, **options)
    try:
        list(stream.parts())
    except Unreadable:
        raise
    except StreamError as error:
        if not _count(stream):
            raise  # it is no stream
        loose = stream.loosely()
        further = _count(loose) > _count(stream)
        return (loose if further else stream), str(error)
    return stream, ""


def _count(stream: Stream) -> int:
    """How many parts can be read."""
    from vmgen.stream.errors import StreamError

    number = 0
    try:
        for _ in stream.parts():
            number += 1
    except StreamError:
        return number
    return number


def _explained(
    file: str, release: str, like: str | None, console: Console, options: dict[str, Any]
) -> Explanation:
    """What a release, or the release of a tree, makes of the stream."""
    from vmgen.cli.stream.codecs import Wanted
    from vmgen.cli.stream.explain import explanation

    tree = os.path.isdir(os.path.join(release, "include", "migration"))
    wanted = Wanted(
        None if tree else release, release if tree else None, tree, options["target"],
        options["page_size"], options["snapshot"], options["max_unpacked"],
    )  # fmt: skip
    return explanation(file, console, wanted, options["members"], like)[0]
