"""virtio-gpu: which of its outputs have a frame buffer on the wire."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import Any, TypeAlias

from ._formats import Site, Ways
from ._runtime import BadValue, Buffer, Truncated

MAX_OUTPUTS = 16

AFTER_V2 = "scanout_vmstate_after_v2"
"""The test in front of what each output's frame buffer is like."""

OUTPUT, FRAME = 10, 6
"""Words of an output, and those of its frame buffer behind them."""


def answer_virtio_gpu(site: Site) -> Ways:
    """Which outputs have a frame buffer.

    The test of a scanout's last fields means to ask the device's version, and does so for
    the first; for those behind it QEMU reads whatever memory has 128 bytes further on, so
    each has these fields or not.  The field's size tells how many do, and what a frame
    buffer can be like tells which.
    """
    if _outputs(site) > 1:
        # What memory has there is for the machine that loads to say, where it can.
        answer = site.asked(AFTER_V2)
        if callable(answer):
            return Ways(({},))
        if answer is not None:
            what = "what memory has in the place of the version behind the first output"
            raise site.missing(what, "VirtIOGPU", "scanout_vmstate_version")
    elif site.answers(AFTER_V2):
        return Ways(({},))
    answers: list[bool] = []
    states: list[Any] = []

    def after_v2(state: Any, version: int) -> bool:
        if not answers:
            answers.extend(_framed(site, _behind_resources(site.buf, site.pos)))
        if not states or states[-1] is not state:
            states.append(state)
        return answers[len(states) - 1]

    return Ways(({},), functions={AFTER_V2: after_v2})


def _word(buf: Buffer, at: int) -> int:
    if at + 4 > len(buf):
        raise Truncated("the buffer ends", at)
    return int.from_bytes(buf[at : at + 4], "big")


def _behind_resources(buf: Buffer, at: int) -> int:
    """Where the scanouts begin: behind an id that is 0."""
    while _word(buf, at):
        width, height, pieces = (_word(buf, at + one) for one in (4, 8, 16))
        at += 20 + 12 * pieces + 4 * width * height
    return at + 4


def _outputs(site: Site) -> int:
    """How many outputs the bytes have."""
    return _word(site.buf, _behind_resources(site.buf, site.pos) + 4)


def _framed(site: Site, start: int) -> list[bool]:
    """Which outputs have a frame buffer on the wire; those that would be all zeros are
    taken to be on the first that can."""
    buf = site.buf
    version = site.told("VirtIOGPU", "scanout_vmstate_version")
    count = _word(buf, start + 4)
    total = site.announced()
    if count > MAX_OUTPUTS:
        raise BadValue(f"{count} outputs", start + 4)
    what, member = "the version of its scanouts", "scanout_vmstate_version"
    if count == 1 and version is not None:
        return [int(version) >= 2]
    if total is None:
        raise site.missing(what, "VirtIOGPU", member)
    start += 8
    words, left = divmod(site.pos + total - start, 4)
    spare = words - OUTPUT * count
    if left or spare < 0 or spare % FRAME or spare // FRAME > count:
        site.settled(start + 4 * OUTPUT * count)
    if start + 4 * words > len(buf):
        raise Truncated("the buffer ends", start)
    data = array("I", bytes(buf[start : start + 4 * words]))
    if sys.byteorder == "little":
        data.byteswap()
    first = (True, False) if version is None else (int(version) >= 2,)
    ways = _ways(data, 0, count, spare // FRAME, first, {})
    if not ways:
        raise BadValue("scanouts that cannot be told apart", start)
    if len(ways) > 1:
        raise site.missing("which outputs have a frame buffer", "VirtIOGPU", member)
    return next(iter(ways.values()))


Found: TypeAlias = dict[tuple[int, ...], list[bool]]
"""What all words are, with zeros for frame buffers that are not there, and the first way
to read them so."""


def _ways(
    data: Sequence[int],
    at: int,
    count: int,
    framed: int,
    choices: tuple[bool, ...],
    known: dict[tuple[int, int, int], Found],
) -> Found:
    """Every way to have so many frame buffers behind outputs that QEMU could have had."""
    if not count:
        return {(): []} if not framed else {}
    if (at, count, framed) in known:
        return known[at, count, framed]
    found: Found = {}
    output, frame = data[at : at + OUTPUT], data[at + OUTPUT : at + OUTPUT + FRAME]
    for there in choices if _is_output(output) else ():
        if not (framed and _is_frame(frame, output[0]) if there else framed < count):
            continue
        rest = _ways(
            data,
            at + OUTPUT + FRAME * there,
            count - 1,
            framed - there,
            (True, False),
            known,
        )
        shown = tuple(frame) if there else (0,) * FRAME
        for words, way in rest.items():
            found.setdefault((*output, *shown, *words), [there, *way])
    known[at, count, framed] = found
    return found


def _is_output(words: Sequence[int]) -> bool:
    """An output shows a resource, at least 16 pixels of it each way, or nothing."""
    ident, width, height = words[:3]
    return width >= 16 and height >= 16 if ident else not (width or height)


def _is_frame(words: Sequence[int], shown: int) -> bool:
    """A format that pixman has, of so many bytes as it has bits, or nothing where no
    resource is ``shown``.

    In a ``pixman_format_code_t`` bits 24 to 31 are the bits of a pixel, shifted by 22 and
    23 (``PIXMAN_FORMAT_RESHIFT``).
    """
    code, bytes_pp, width, height, stride, _ = words
    bits = (code >> 24) << (code >> 22 & 3)
    if not code:
        return not (shown or bytes_pp or width or height or stride)
    return bits > 0 and bytes_pp == (bits + 7) // 8
