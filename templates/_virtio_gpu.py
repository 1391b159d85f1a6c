"""virtio-gpu: the guest's images, and what its outputs show."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import Any, TypeAlias

from ._formats import FormatPart, FormatSite, Reader, Writer, with_answers
from ._runtime import (
    Array,
    BadValue,
    Buffer,
    MissingContext,
    Owner,
    Scope,
    State,
    zeros,
)
from ._runtime import (
    factory as _default,
)

FORMATS = frozenset((1, 2, 3, 4, 67, 68, 121, 134))
"""``enum virtio_gpu_formats``: all have four bytes a pixel."""


MAX_OUTPUTS = 16


class VirtIOGPUResource(State):
    """An image of the guest: its memory in pieces (``addrs``, ``lengths``) and the
    device's copy of it, four bytes a pixel."""

    resource_id: int = 0
    width: int = 0
    height: int = 0
    format: int = 0
    addrs: Array = _default(lambda: zeros("Q", 0))
    lengths: Array = _default(lambda: zeros("I", 0))
    image: bytearray = _default(bytearray)


class VirtIOGPUResources(State):
    """The images of a virtio-gpu device, and what its outputs show."""

    resources: list[VirtIOGPUResource] = _default(list)
    scanouts: Any = None


class VirtIOGPUBlob(State):
    """A blob of the guest's memory, in pieces."""

    resource_id: int = 0
    blob_size: int = 0
    addrs: Array = _default(lambda: zeros("Q", 0))
    lengths: Array = _default(lambda: zeros("I", 0))


def _read_pieces(reader: Reader, name: str) -> tuple[Array, Array]:
    addrs, lengths = array("Q"), array("I")
    count = reader.word(4, f"{name}.addrs")
    for index in range(count):
        addrs.append(reader.word(8, f"{name}.addrs[{index}]"))
        lengths.append(reader.word(4, f"{name}.lengths[{index}]"))
    return addrs, lengths


def _write_pieces(
    writer: Writer, value: VirtIOGPUResource | VirtIOGPUBlob, name: str
) -> None:
    if len(value.addrs) != len(value.lengths):
        raise BadValue("not as many as addrs", None, writer.named(f"{name}.lengths"))
    writer.word(len(value.addrs), 4, f"{name}.addrs")
    for index, addr in enumerate(value.addrs):
        writer.word(addr, 8, f"{name}.addrs[{index}]")
        writer.word(value.lengths[index], 4, f"{name}.lengths[{index}]")


AFTER_V2 = "scanout_vmstate_after_v2"
"""The test in front of what each output's frame buffer is like."""


def read_virtio_gpu(
    buf: Buffer, pos: int, site: FormatSite, *, scanouts: FormatPart
) -> tuple[VirtIOGPUResources, int]:
    """As ``virtio_gpu_save``: the resources, ended by id 0, then the scanouts.

    The test of a scanout's last fields means to ask the device's version, and does so for
    the first; for those behind it QEMU reads whatever memory has 128 bytes further on, so
    each has these fields or not.  The field's size tells how many do, and what a frame
    buffer can be like tells which.
    """
    reader = Reader(buf, pos, site.path)
    made = _read_resources(reader)
    try:
        plain = Scope(with_answers(site.scope.context), None)
        start = reader.pos
        made.scanouts = reader.part(scanouts, plain, (), "scanouts")
    except MissingContext:
        reader.pos = start
        answers = _framed(buf, pos, start, site)
        states: list[Any] = []

        def after_v2(state: Any, version: int) -> bool:
            if not states or states[-1] is not state:
                states.append(state)
            return answers[len(states) - 1]

        asked = Scope(with_answers(plain.context, None, {AFTER_V2: after_v2}), None)
        made.scanouts = reader.part(scanouts, asked, (), "scanouts")
    site.settled(pos, reader.pos)
    return made, reader.pos


def _read_resources(reader: Reader) -> VirtIOGPUResources:
    made = VirtIOGPUResources()
    while ident := reader.word(4, "resources"):
        name = f"resources[{len(made.resources)}]"
        one = VirtIOGPUResource(
            resource_id=ident,
            width=reader.word(4, f"{name}.width"),
            height=reader.word(4, f"{name}.height"),
            format=reader.word(4, f"{name}.format"),
        )
        if one.format not in FORMATS:
            place = reader.named(f"{name}.format")
            raise BadValue(f"unknown format {one.format}", reader.pos - 4, place)
        one.addrs, one.lengths = _read_pieces(reader, name)
        one.image = reader.raw(4 * one.width * one.height, f"{name}.image")
        made.resources.append(one)
    return made


OUTPUT, FRAME = 10, 6
"""Words of an output, and those of its frame buffer behind them."""


def _framed(buf: Buffer, pos: int, start: int, site: FormatSite) -> list[bool]:
    """Which outputs have a frame buffer on the wire; those that would be all zeros are
    taken to be on the first that can."""
    version = site.told("VirtIOGPU", "scanout_vmstate_version")
    reader = Reader(buf, start, site.path)
    reader.word(4, "scanouts.parent_obj.enable")
    count = reader.word(4, "scanouts.parent_obj.conf.max_outputs")
    total = site.announced()
    if count > MAX_OUTPUTS:
        raise BadValue(f"{count} outputs", start + 4, site.path)
    what, member = "the version of its scanouts", "scanout_vmstate_version"
    if count == 1 and version is not None:
        return [int(version) >= 2]
    if total is None:
        raise site.missing(what, "VirtIOGPU", member, pos)
    words, left = divmod(pos + total - reader.pos, 4)
    spare = words - OUTPUT * count
    if left or spare < 0 or spare % FRAME or spare // FRAME > count:
        site.settled(pos, reader.pos + 4 * OUTPUT * count)
    size = 4 * words
    data = array("I", bytes(reader.raw(size, "scanouts.parent_obj.scanout")))
    if sys.byteorder == "little":
        data.byteswap()
    first = (True, False) if version is None else (int(version) >= 2,)
    ways = _ways(data, 0, count, spare // FRAME, first, {})
    if not ways:
        raise BadValue("scanouts that cannot be told apart", start, site.path)
    if len(ways) > 1:
        raise site.missing(
            "which outputs have a frame buffer", "VirtIOGPU", member, pos
        )
    return next(iter(ways.values()))


Ways: TypeAlias = dict[tuple[int, ...], list[bool]]
"""What all words are, with zeros for frame buffers that are not there, and the first way
to read them so."""


def _ways(
    data: Sequence[int],
    at: int,
    count: int,
    framed: int,
    choices: tuple[bool, ...],
    known: dict[tuple[int, int, int], Ways],
) -> Ways:
    """Every way to have so many frame buffers behind outputs that QEMU could have had."""
    if not count:
        return {(): []} if not framed else {}
    if (at, count, framed) in known:
        return known[at, count, framed]
    found: Ways = {}
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


def write_virtio_gpu(
    value: VirtIOGPUResources,
    out: list[bytes],
    owner: Owner,
    path: str,
    *,
    scanouts: FormatPart,
) -> None:
    """The resources and the scanouts."""
    writer = Writer(out, path)
    for index, one in enumerate(value.resources):
        name = f"resources[{index}]"
        if not one.resource_id:
            raise BadValue("0 ends the list", None, writer.named(f"{name}.resource_id"))
        if one.format not in FORMATS:
            place = writer.named(f"{name}.format")
            raise BadValue(f"unknown format {one.format}", None, place)
        for member in ("resource_id", "width", "height", "format"):
            writer.word(getattr(one, member), 4, f"{name}.{member}")
        _write_pieces(writer, one, name)
        writer.raw(one.image, 4 * one.width * one.height, f"{name}.image")
    writer.word(0, 4, "resources")
    writer.part(scanouts, value.scanouts, (), "scanouts")


def read_virtio_gpu_blobs(
    buf: Buffer, pos: int, site: FormatSite
) -> tuple[list[VirtIOGPUBlob], int]:
    """As ``virtio_gpu_blob_save``: blobs, ended by id 0."""
    reader = Reader(buf, pos, site.path)
    made: list[VirtIOGPUBlob] = []
    while ident := reader.word(4, ""):
        name = f"[{len(made)}]"
        one = VirtIOGPUBlob(
            resource_id=ident, blob_size=reader.word(4, f"{name}.blob_size")
        )
        one.addrs, one.lengths = _read_pieces(reader, name)
        made.append(one)
    site.settled(pos, reader.pos)
    return made, reader.pos


def write_virtio_gpu_blobs(
    value: list[VirtIOGPUBlob], out: list[bytes], owner: Owner, path: str
) -> None:
    """The blobs."""
    writer = Writer(out, path)
    for index, one in enumerate(value):
        name = f"[{index}]"
        if not one.resource_id:
            raise BadValue("0 ends the list", None, writer.named(f"{name}.resource_id"))
        writer.word(one.resource_id, 4, f"{name}.resource_id")
        writer.word(one.blob_size, 4, f"{name}.blob_size")
        _write_pieces(writer, one, name)
    writer.word(0, 4, "")
