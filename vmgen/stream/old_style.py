"""Sections written by ``SaveVMHandlers`` instead of a table, RAM excepted.

Each has a reader that finds the section's end and says what is in it, and a writer that
makes the same bytes of that.  What a reader returns is a list of events: dicts of numbers,
names and views of the stream, in stream order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vmgen.stream.errors import Malformed
from vmgen.stream.frozen import Frozen
from vmgen.stream.wire import Cursor, counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

Event: TypeAlias = dict[str, int | str | memoryview]
Events: TypeAlias = list[Event]


class OldStyle(Frozen):
    """How sections of one kind are read and written.

    ``read(cursor, kind)`` and ``write(events)``; ``versions`` are those QEMU's loader
    takes.  ``live`` sections come as START, PART and END, others as FULL.
    """

    versions: range
    read: Callable[[Cursor, str], Events]
    write: Callable[[Events], bytes]


def _be(value: int | str | memoryview, size: int) -> bytes:
    assert isinstance(value, int)
    return value.to_bytes(size, "big")


def _data(event: Event) -> bytes:
    data = event.get("data", b"")
    return bytes(data) if isinstance(data, (bytes, memoryview)) else b""


# --- spapr/htab (hw/ppc/spapr.c, htab_load) -------------------------------------------

_HPTE_SIZE = 16


def _read_htab(cursor: Cursor, kind: str) -> Events:
    shift = cursor.u32()
    events: Events = [{"shift": shift}]
    if shift:  # the table's size, or that there is none
        return events
    while True:
        index, valid, invalid = cursor.u32(), cursor.u16(), cursor.u16()
        event: Event = {"index": index, "valid": valid, "invalid": invalid}
        events.append(event)
        if not (index or valid or invalid):
            return events
        event["data"] = cursor.take(valid * _HPTE_SIZE)


def _write_htab(events: Events) -> bytes:
    parts = [_be(events[0]["shift"], 4)]
    for event in events[1:]:
        parts.append(_be(event["index"], 4))
        parts.append(_be(event["valid"], 2) + _be(event["invalid"], 2))
        parts.append(_data(event))
    return b"".join(parts)


# --- flags in the low bits of an address: s390-skeys, s390-storage_attributes, block ----


def _flagged(
    name: str, page: int, ends: int, keys: int, marks: Sequence[int]
) -> tuple[Callable[[Cursor, str], Events], Callable[[Events], bytes]]:
    """be64 (address | flags) ..., with be64 count and that many bytes behind ``keys``."""

    def read(cursor: Cursor, kind: str) -> Events:
        events: Events = []
        while True:
            start = cursor.pos
            word = cursor.u64()
            flags = word & (page - 1)
            event: Event = {"address": word - flags, "flags": flags}
            events.append(event)
            if flags == keys:
                event["data"] = cursor.take(cursor.u64())
            elif flags == ends:
                return events
            elif flags not in marks:
                raise Malformed(f"unexpected flags {flags:#x}", start, name)

    def write(events: Events) -> bytes:
        parts = []
        for event in events:
            address, flags = event["address"], event["flags"]
            assert isinstance(address, int)
            assert isinstance(flags, int)
            parts.append(_be(address | flags, 8))
            if flags == keys:
                data = _data(event)
                parts += (len(data).to_bytes(8, "big"), data)
        return b"".join(parts)

    return read, write


_SKEYS = _flagged("s390-skeys", 4096, ends=1, keys=2, marks=())
_STATTRIB = _flagged("s390-storage_attributes", 4096, ends=1, keys=2, marks=(8,))

_BLOCK_SIZE = 1 << 20


def _read_block(cursor: Cursor, kind: str) -> Events:
    """Disk contents, up to release 8 (``migration/block.c``)."""
    events: Events = []
    while True:
        start = cursor.pos
        word = cursor.u64()
        flags = word & 511
        event: Event = {"sector": word >> 9, "flags": flags}
        events.append(event)
        if flags & 1:
            event["device"] = cursor.text()
            if not flags & 8:
                event["data"] = cursor.take(_BLOCK_SIZE)
        elif not flags & (2 | 4):
            raise Malformed(f"unknown flags {flags:#x}", start, "block")
        if flags & 2:
            return events


def _write_block(events: Events) -> bytes:
    parts = []
    for event in events:
        sector, flags = event["sector"], event["flags"]
        assert isinstance(sector, int)
        assert isinstance(flags, int)
        parts.append(_be(sector << 9 | flags, 8))
        if isinstance(device := event.get("device"), str):
            parts.append(counted(device))
        parts.append(_data(event))
    return b"".join(parts)


# --- todclock (hw/s390x/tod.c) --------------------------------------------------------


def _read_todclock(cursor: Cursor, kind: str) -> Events:
    present = cursor.u8()
    event: Event = {"present": present}
    if present:
        event |= {"high": cursor.u8(), "low": cursor.u64()}
    return [event]


def _write_todclock(events: Events) -> bytes:
    (event,) = events
    if not event["present"]:
        return _be(0, 1)
    return _be(event["present"], 1) + _be(event["high"], 1) + _be(event["low"], 8)


# --- dirty-bitmap (migration/block-dirty-bitmap.c) --------------------------------------

_BITMAP_EOS, _ZEROES, _BITMAP_NAME, _DEVICE_NAME = 1, 2, 4, 8
_START, _COMPLETE, _BITS = 0x10, 0x20, 0x40
_EXTRA = 0x80


def _read_bitmaps(cursor: Cursor, kind: str) -> Events:
    events: Events = []
    while True:
        start = cursor.pos
        flags = cursor.u8()
        if flags & _EXTRA:
            message = f"flags {flags:#x} of a release that is not known"
            raise Malformed(message, start, "dirty-bitmap")
        event: Event = {"flags": flags}
        events.append(event)
        if flags & _DEVICE_NAME:
            event["device"] = cursor.text()
        if flags & _BITMAP_NAME:
            event["bitmap"] = cursor.text()
        if flags & _START:
            event |= {"granularity": cursor.u32(), "bitmap_flags": cursor.u8()}
        elif flags & _BITS and not flags & _COMPLETE:
            event |= {"sector": cursor.u64(), "sectors": cursor.u32()}
            if not flags & _ZEROES:
                event["data"] = cursor.take(cursor.u64())
        if flags & _BITMAP_EOS:
            return events


def _write_bitmaps(events: Events) -> bytes:
    parts = []
    for event in events:
        parts.append(_be(event["flags"], 1))
        for name in ("device", "bitmap"):
            if isinstance(text := event.get(name), str):
                parts.append(counted(text))
        if "granularity" in event:
            parts.append(_be(event["granularity"], 4) + _be(event["bitmap_flags"], 1))
        if "sector" in event:
            parts.append(_be(event["sector"], 8) + _be(event["sectors"], 4))
        if "data" in event:
            data = _data(event)
            parts += (len(data).to_bytes(8, "big"), data)
    return b"".join(parts)


# --- vfio (hw/vfio/migration.c) -------------------------------------------------------

_VFIO = 0xFFFFFFFFEF100000
_VFIO_END, _VFIO_SETUP, _VFIO_DATA, _VFIO_SENT = 1, 3, 4, 5


def _read_vfio(cursor: Cursor, kind: str) -> Events:
    events: Events = []
    while True:
        start = cursor.pos
        tag = cursor.u64() - _VFIO
        event: Event = {"tag": tag}
        events.append(event)
        if tag == _VFIO_DATA:
            event["data"] = cursor.take(cursor.u64())
        elif tag in (_VFIO_END, _VFIO_SENT):
            return events
        elif tag != _VFIO_SETUP:
            raise Malformed(f"unknown tag {tag + _VFIO:#x}", start, "vfio")


def _write_vfio(events: Events) -> bytes:
    parts = []
    for event in events:
        tag = event["tag"]
        assert isinstance(tag, int)
        parts.append(_be(_VFIO + tag, 8))
        if tag == _VFIO_DATA:
            data = _data(event)
            parts += (len(data).to_bytes(8, "big"), data)
    return b"".join(parts)


_NAMED = {
    "spapr/htab": OldStyle(range(1, 2), _read_htab, _write_htab),
    "s390-skeys": OldStyle(range(2), *_SKEYS),
    "s390-storage_attributes": OldStyle(range(1), *_STATTRIB),
    "todclock": OldStyle(range(2), _read_todclock, _write_todclock),
    "dirty-bitmap": OldStyle(range(1, 2), _read_bitmaps, _write_bitmaps),
    "block": OldStyle(range(2), _read_block, _write_block),
}
_VFIO_LIVE = OldStyle(range(2), _read_vfio, _write_vfio)


def old_style(name: str, kind: str) -> OldStyle | None:
    """The reader of sections of this name and kind (``start`` ...), if there is one.

    A vfio device saves its configuration in a FULL section, whose contents only its
    driver knows.
    """
    if name == "vfio" or name.endswith("/vfio"):
        return None if kind == "full" else _VFIO_LIVE
    return _NAMED.get(name)
