"""Which release wrote a stream: the one whose codecs would have written it so.

Reading it is not enough, since a release reads what older ones wrote: it writes each section
in one version, the one of its table, and has a device for every section that is there.
"""

from __future__ import annotations

from collections.abc import Mapping

from vmgen.stream.codecs import Codecs
from vmgen.stream.errors import Ambiguous, NoCodecs, Refused, StreamError
from vmgen.stream.fingerprint import fingerprint, same_values
from vmgen.stream.frozen import Frozen
from vmgen.stream.input import Input
from vmgen.stream.parts import EVERYWHERE, WITHOUT_A_TABLE, Section
from vmgen.stream.stream import Stream
from vmgen.stream.wire import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Origin(Frozen):
    """Who can have written a stream.

    ``codecs`` are those of the first of ``releases``, of the target that fits.  Several
    releases read the same values from what they have codecs for, the first of them most
    sections.  ``refusals`` says by release why the others are out, ``stream`` is as the
    codecs have read it.
    """

    codecs: Codecs
    releases: tuple[str, ...]
    refusals: Mapping[str, StreamError]
    stream: Stream


def origin(
    source: Input,
    releases: Mapping[str, Mapping[str, Codecs]],
    page_size: int | None = None,
) -> Origin:
    """Which of these releases, each with its codecs by target, wrote the stream.

    Raises NoCodecs if none of them did, Ambiguous if several can have and read it
    differently, or if several targets of one do.
    """
    refusals: dict[str, StreamError] = {}
    streams: dict[str, Stream] = {}
    for release, packages in releases.items():
        found = fingerprint(source, packages, page_size)
        if found.codecs is None:
            refusals[release] = _nearest(found.refusals)
            continue
        stream = found.stream or Stream(source, found.codecs, page_size=page_size)
        try:
            refuse_writer(release, stream)
        except StreamError as error:
            refusals[release] = error
        else:
            streams[release] = stream
    if not streams:
        hint = "\n".join(f"{release}: {why}" for release, why in refusals.items())
        raise NoCodecs("none of the known releases wrote it", hint=hint)
    # One alone is like no other: what it reads is not asked for.
    several = streams if len(streams) > 1 else {}
    readings = {release: _read(stream) for release, stream in several.items()}
    names = tuple(sorted(streams, key=lambda one: -len(readings.get(one, ()))))
    for release, why in refusals.items():
        if why.rule == "context":  # which says nothing against it
            hint = f"{release}: {why}"
            choices = ", ".join((*names, release))
            raise Ambiguous(
                f"several releases can have written it: {choices}", hint=hint
            )
    if len(names) > 1 and not same_values([readings[name] for name in names]):
        hint = f"say which: --codecs {' or --codecs '.join(names)}"
        raise Ambiguous(
            f"several releases can have written it: {', '.join(names)}", hint=hint
        )
    stream = streams[names[0]]
    codecs = stream.codecs
    assert codecs is not None
    return Origin(codecs.but(releases=names), names, refusals, stream)


def _nearest(refusals: Mapping[str, StreamError]) -> StreamError:
    """Of the reasons of several targets that of the one that got furthest."""
    found = max(
        refusals.values(),
        key=lambda one: (one.rule == "context", one.offset or -1),
        default=None,
    )
    return Refused("no target has such a CPU") if found is None else found


def refuse_header(release: str, stream: Stream) -> None:
    """Raises Refused for what the release would have written in another way before its
    sections and about them."""
    configuration = stream.configuration
    machine = "" if configuration is None else configuration.machine
    newer = _numbers(machine.rpartition("-")[2])
    if newer and newer > _numbers(release)[:2]:
        raise Refused(f"the machine type {printable(machine)} is newer", None, "")
    document = stream.description
    if document is not None and configuration is not None:
        # qemu_savevm_state_header puts it into the description since release 8.
        described, numbers = document.configuration is not None, _numbers(release)
        if (described and numbers < (8,)) or (not described and numbers >= (9,)):
            message = "it describes no configuration, and the stream does"
            if not described:
                message = "it describes the configuration, and the stream does not"
            raise Refused(message, document.offset, "description")
    blanks = document is not None and document.text.startswith(b'{ "')
    if document is not None and blanks and _numbers(release) >= (6,):
        # migration/qjson.c, which puts them there, is gone in release 6.
        message = "it describes without the blanks that the stream's description has"
        raise Refused(message, document.offset, "description")


def refuse_writer(release: str, stream: Stream) -> None:
    """Raises Refused for what the release would have written in another way."""
    assert stream.codecs is not None
    refuse_header(release, stream)
    whole = EVERYWHERE in stream.codecs.codecs
    for section in stream.sections:
        codec = section.codec
        if codec is not None and codec.version_id != section.version_id:
            message = f"version {section.version_id}, and it writes {codec.version_id}"
            raise Refused(message, section.start - 4, section.path)
        if whole and codec is None and not section.open and _of_a_table(section):
            message = "no device of the release has such a section"
            raise Refused(message, section.offset, section.path)


def _numbers(text: str) -> tuple[int, ...]:
    """The numbers of a release (``10.0.2``); empty for what is none."""
    parts = text.split(".")
    if len(parts) < 2 or not all(part.isdecimal() and len(part) < 4 for part in parts):
        return ()
    return tuple(map(int, parts))


def _of_a_table(section: Section) -> bool:
    device = section.device
    described = device is not None and "vmsd_name" in device.node
    return described and section.name not in WITHOUT_A_TABLE


def _read(stream: Stream) -> dict[str, Any]:
    return {
        section.path: stream.state(section)
        for section in stream.sections
        if section.codec is not None
    }
