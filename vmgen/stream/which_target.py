"""Which target of a release wrote a stream, be it one of another release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vmgen.stream import tables
from vmgen.stream.codecs import Codecs
from vmgen.stream.errors import Ambiguous, NoCodecs, StreamError
from vmgen.stream.fingerprint import fingerprint
from vmgen.stream.input import Input
from vmgen.stream.stream import Stream


def candidates(
    source: Input, packages: Mapping[str, Codecs], page_size: int | None = None
) -> tuple[Codecs, ...]:
    """The codecs of the targets that may have written a stream, be they of another
    release: one, or several that nothing in the stream tells apart.

    By reading all of the stream; where no target can, by the names that the description
    and the CPU's table share, and in a stream without a description by how much is
    read before it goes wrong, a CPU among it.  Raises NoCodecs if there is none.
    """
    if len(packages) == 1:
        (only,) = packages.values()
        return (only,)
    found = fingerprint(source, packages, page_size)
    if found.codecs is not None:
        return (found.codecs,)
    names = sorted(_likeness(source, packages), reverse=True)
    if not names:
        cpus = (
            (_depth(source, one, page_size), name) for name, one in packages.items()
        )
        names = sorted(cpus, reverse=True)
    if not names or not names[0][0]:
        hint = f"say which it is: {', '.join(packages)}"
        raise NoCodecs("no target of the release has such a CPU", hint=hint)
    return tuple(packages[name] for score, name in names if score == names[0][0])


def choose(
    source: Input, packages: Mapping[str, Codecs], page_size: int | None = None
) -> Codecs:
    """The codecs of the target that wrote a stream, be they of another release.

    Raises Ambiguous if several are equally good, NoCodecs if none is.
    """
    found = candidates(source, packages, page_size)
    if len(found) > 1:
        raise between(found)
    return found[0]


def between(found: Sequence[Codecs]) -> Ambiguous:
    """That nothing in a stream tells these targets apart."""
    names = ", ".join(one.target for one in found)
    hint = "say which target it is"
    return Ambiguous(f"several targets have such a CPU: {names}", hint=hint)


def _depth(source: Input, codecs: Codecs, page_size: int | None) -> int:
    """How many sections these codecs read before the stream ends or goes wrong; 0 if no
    CPU is among them."""
    number = cpus = 0
    try:
        stream = Stream(source, codecs, page_size=page_size, strict=False)
        for section in stream.sections:
            number += 1
            cpus += section.name == "cpu" and section.codec is not None
    except NoCodecs:
        raise
    except StreamError:
        return number if cpus else 0
    return number if cpus else 0


def _likeness(
    source: Input, packages: Mapping[str, Codecs]
) -> Iterator[tuple[int, str]]:
    try:
        document = Stream(source, strict=False).description
    except StreamError:
        return
    nodes = [
        device.node
        for device in (() if document is None else document.devices)
        if device.name == "cpu" or device.name.endswith("/cpu")
    ]
    for name, codecs in packages.items():
        codec, known = codecs.codecs.get("cpu"), tables.of(codecs)
        if not nodes or codec is None or known is None:
            continue
        placed = known.table(codec)
        if placed is not None:
            yield tables.alike(placed, nodes[0], known.lookup), name
