"""Which target wrote a stream: the one whose codecs take its sections and end where they
do."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping

from vmgen.stream.codecs import Codecs, plain
from vmgen.stream.errors import Ambiguous, Refused, StreamError
from vmgen.stream.frozen import Frozen
from vmgen.stream.input import Input
from vmgen.stream.stream import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WORD = re.compile(rb"[A-Za-z_]\w+")
_APART = bytes(
    code if (chr(code).isalnum() and code < 128) or code == ord("_") else ord(" ")
    for code in range(256)
)
"""Makes blanks of what words do not consist of."""
_NAME = re.compile(rb'"name": "([^"]*)"')
_CPU = re.compile(rb'^ +"cpu": "\.([\w.]+)",$', re.MULTILINE)


class Fingerprint(Frozen):
    """The targets that a stream can be of.

    ``codecs`` are those of the first of ``targets``; None if there is none.  Several
    targets read the same values from what they have codecs for, the first of them most
    sections: nothing in the stream tells them apart, and nothing depends on which it is.
    ``refusals`` says by target why the others are out.
    """

    codecs: Codecs | None
    targets: tuple[str, ...]
    refusals: Mapping[str, StreamError]


def fingerprint(
    source: Input, packages: Mapping[str, Codecs], page_size: int | None = None
) -> Fingerprint:
    """Try the codecs of every target on a stream.

    The whole of it is read.  Raises Ambiguous if several targets take it and do not read
    the same.
    """
    source.finish()
    refusals: dict[str, StreamError] = {}
    readings: dict[str, dict[str, Any]] = {}
    described = Stream(source, page_size=page_size)
    strangers = _strangers(described, packages)
    for name, codecs in packages.items():
        if name in strangers:
            message = "its CPU has other members than the stream's"
            refusals[name] = Refused(message, None, "cpu")
            continue
        try:
            if described.description is None:
                stream = Stream(source, codecs, page_size=page_size)
                readings[name] = _whole(stream)
            else:
                readings[name] = _sections(described, codecs)
        except StreamError as error:
            refusals[name] = error
    # Packages of different origin may know the CPU alone, or every device.
    targets = tuple(sorted(readings, key=lambda name: -len(readings[name])))
    most = readings[targets[0]] if targets else {}
    if any(
        most.get(path, value) != value
        for reading in readings.values()
        for path, value in reading.items()
    ):
        names = ", ".join(readings)
        hint = "say which target it is"
        raise Ambiguous(f"several targets fit the stream: {names}", hint=hint)
    chosen = None
    if targets:
        chosen = packages[targets[0]].but(alternatives=targets[1:])
    return Fingerprint(chosen, targets, refusals)


def _strangers(stream: Stream, packages: Mapping[str, Codecs]) -> set[str]:
    """The targets whose code knows less than half as many of the names that the stream
    gives its CPU's fields as that of the best: nothing of them needs to be imported."""
    if len(packages) < 3:
        return set()
    names = set(_cpu_names(stream))
    scores = {
        name: len(names.intersection(text.translate(_APART).split()))
        for name, codecs in packages.items()
        if (text := _cpu_code(codecs))
    }
    best = max(scores.values(), default=0)
    return {name for name, score in scores.items() if 2 * score < best}


def _cpu_names(stream: Stream) -> Iterator[bytes]:
    try:
        document = stream.description
    except StreamError:
        return
    for device in () if document is None else document.devices:
        if device.name == "cpu":
            for match in _NAME.finditer(device.text):
                yield from _WORD.findall(match[1])
            return


def _cpu_code(codecs: Codecs) -> bytes:
    """The text of the module with the codec of the CPU; empty if it is not found."""
    if codecs.folder is None:
        return b""
    try:
        match = _CPU.search((codecs.folder / "__init__.py").read_bytes())
        if match is None:
            return b""
        parts = match[1].decode("ascii").split(".")
        return codecs.folder.joinpath(*parts).with_suffix(".py").read_bytes()
    except (OSError, ValueError):
        return b""  # then it is tried


def _whole(stream: Stream) -> dict[str, Any]:
    """What the codecs make of a stream that only they bound."""
    found = {
        section.path: without_absent(plain(stream.state(section)))
        for section in stream.sections()
        if section.codec is not None
    }
    return _some(found)


def _sections(stream: Stream, codecs: Codecs) -> dict[str, Any]:
    """What the codecs make of the sections they know, which the description bounds."""
    found: dict[str, Any] = {}
    for section in stream.sections():
        device = section.device
        if section.kind != "full" or device is None:
            continue
        codec = codecs.codecs.get(str(device.node.get("vmsd_name", "")))
        if codec is None:
            continue
        state, end = codecs.load(
            codec, stream.view[: section.end], section.start, section.version_id,
            section.path, device.node,
        )  # fmt: skip
        if end != section.end:
            message = f"the codec takes {end - section.start} bytes of {section.end - section.start}"
            raise Refused(message, section.start, section.path)
        found[section.path] = without_absent(plain(state))
    return _some(found)


def _some(found: dict[str, Any]) -> dict[str, Any]:
    """Refused unless a CPU was read: sections that every target has say nothing."""
    if not any(path.startswith("cpu/") for path in found):
        raise Refused("no CPU section that its codecs know")
    return found


def without_absent(value: Any) -> Any:
    """Plain values without the members that are absent."""
    if isinstance(value, dict):
        return {
            name: without_absent(item)
            for name, item in value.items()
            if item is not None
        }
    if isinstance(value, list):
        return [without_absent(item) for item in value]
    if isinstance(value, array):
        return value.tobytes()
    return value


def with_context(codecs: Codecs, members: Mapping[str, Any]) -> Codecs:
    """The codecs, with answers to what the bytes leave open."""
    return codecs.but(members)
