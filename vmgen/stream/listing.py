"""The streams that a file has: one, or one for every snapshot of a disk image."""

from __future__ import annotations

from vmgen.stream.carriers import Held
from vmgen.stream.errors import NotFound, StreamError
from vmgen.stream.frozen import Frozen
from vmgen.stream.input import Input, Source
from vmgen.stream.stream import Stream
from vmgen.stream.wire import printable


class StreamEntry(Frozen):
    """A stream of a file.

    ``carriers`` are what it is inside of, outermost first; ``held`` says what the innermost
    knows of it that can hold several or says where it is.  ``select`` chooses it
    (``FILE@SELECT``), empty where it is the only one.  ``start`` is the offset of its first
    byte in the file, or in what ``inside`` names where that is unpacked; None where it is in
    no place.  ``size`` is in bytes, None where only reading it to its end would tell.
    ``machine`` is the machine type that it begins with, ``problem`` why it cannot be read,
    each empty for none.
    """

    carriers: tuple[str, ...]
    held: Held
    select: str
    start: int | None
    inside: str
    size: int | None
    machine: str = ""
    problem: str = ""


def streams(
    source: Source, *, max_unpacked: int | None = None
) -> tuple[StreamEntry, ...]:
    """Every stream of a file, of bytes, or of a pipe, in the order of the innermost carrier.

    Of each no more is read than its beginning.  A snapshot without a machine's state has a
    ``size`` of 0; ``FILE@NAME`` is this snapshot alone.  Raises a StreamError if the file or a
    carrier cannot be read or has no stream, NotFound if there is no such snapshot.
    """
    with Input(source, max_unpacked=max_unpacked, survey=True) as outer:
        if outer.held is None:
            next(Stream(outer, strict=False).parts())
            return (_listed(outer, outer, Held(), ""),)
        held, wanted = outer.held, outer.snapshot
        if wanted:
            held = tuple(one for one in held if wanted in (one.name, one.id))
            if not held:
                raise NotFound(f"no snapshot '{printable(wanted)}'")
        return tuple(_chosen(outer, one) for one in held)


def _chosen(outer: Input, one: Held) -> StreamEntry:
    select = one.name or one.id
    if one.id and one.size is None:
        return _made(outer, one, select, None, 0)
    try:
        with outer.chosen(one) as found:
            return _listed(outer, found, one, select)
    except StreamError as error:
        return _made(outer, one, select, one.start, one.size, problem=error.message)


def _listed(outer: Input, found: Input, one: Held, select: str) -> StreamEntry:
    stream = Stream(found, strict=False)
    size = one.size
    if size is None and found.complete:
        document = stream.description
        end = 0 if document is None else document.offset + 5 + len(document.text)
        size = end or len(found.view)
    problem = ""
    try:
        configuration = stream.configuration
    except StreamError as error:
        configuration, problem = None, error.message
    machine = "" if configuration is None else configuration.machine
    start = 0 if outer.held is None else one.start
    return _made(outer, one, select, start, size, machine, problem)


def _made(
    outer: Input,
    one: Held,
    select: str,
    start: int | None,
    size: int | None,
    machine: str = "",
    problem: str = "",
) -> StreamEntry:
    if start is not None:
        start += outer.base
    return StreamEntry(
        tuple(outer.carriers),
        one,
        select,
        start,
        outer.unpacked,
        size,
        machine,
        problem,
    )
