"""Reads a kdump-compressed dump as crash does: its headers, notes and pages."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple


class Dump(NamedTuple):
    """``head`` is everything before the descriptors of pages, ``pages`` the bytes by number;
    ``info`` is the text of VMCOREINFO, empty if there is none."""

    head: bytes
    notes: bytes
    info: bytes
    uname: tuple[bytes, ...]
    base: int
    pages: dict[int, bytes]


def straightened(data: bytes) -> bytes:
    """A flattened dump as it is meant."""
    if not data.startswith(b"makedumpfile\0"):
        return data
    assert struct.unpack_from(">qq", data, 16) == (1, 1)
    made = bytearray()
    at = 4096
    while True:
        offset, size = struct.unpack_from(">qq", data, at)
        at += 16
        if offset == -1:
            assert at == len(data)
            return bytes(made)
        made.extend(bytes(max(0, offset + size - len(made))))
        made[offset : offset + size] = data[at : at + size]
        at += size


def read(data: bytes, order: str = "<", bits: int = 64) -> Dump:
    data = straightened(data)
    assert data[:8] == b"KDUMP   "
    names = struct.unpack_from("65s" * 6, data, 12)
    at = 12 + 6 * 65 + (22 if bits == 64 else 10)
    _, size, sub, bitmaps, low, *_ = struct.unpack_from(f"{order}6I", data, at)
    word = "Q" if bits == 64 else "I"
    base, level, _, _, _, info, info_size, notes, notes_size, _, _, _, _, last = (
        struct.unpack_from(
            f"{order}{word}II{word}{word}Q{word}Q{word}Q{word}QQQ", data, size
        )
    )
    assert (level, low) == (1, last)
    first = size * (1 + sub)
    middle, end = first + bitmaps * size // 2, first + bitmaps * size
    assert data[first:middle] == data[middle:end]
    there = [
        8 * place + bit
        for place, byte in enumerate(data[first:middle])
        if byte
        for bit in range(8)
        if byte >> bit & 1
    ]
    pages = {}
    for index, number in enumerate(there):
        offset, length, flags, _ = struct.unpack_from(
            f"{order}QIIQ", data, end + 24 * index
        )
        stored = data[offset : offset + length]
        pages[number] = zlib.decompress(stored) if flags & 1 else stored
        assert len(pages[number]) == size
    return Dump(
        data[:end], data[notes : notes + notes_size], data[info : info + info_size],
        tuple(one.rstrip(b"\0") for one in names), base, pages,
    )  # fmt: skip
