"""An ELF core: its notes, and which of its bytes are at which physical address."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from vmgen.imported.errors import BadCore

_CORE, _LOAD, _NOTE = 4, 1, 4
_MANY = 0xFFFF
_MOST = 1 << 20
"""So many segments, and so many notes, a core has at most."""


@dataclass(frozen=True, slots=True)
class CoreNote:
    """One note."""

    name: str
    kind: int
    data: memoryview


@dataclass(frozen=True, slots=True)
class CoreRun:
    """``size`` bytes of the file at ``offset`` are those at physical ``start``."""

    start: int
    size: int
    offset: int

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.start + self.size


class ElfCore:
    """A core of physical memory (``p_paddr``), whoever wrote it.

    Only its headers are looked at; memory is read when it is wanted.  Raises BadCore.
    """

    def __init__(self, data: memoryview) -> None:
        self._data = data
        ident = bytes(data[:20])
        if ident[:4] != b"\x7fELF" or len(ident) < 20:
            raise BadCore("this is no ELF file", 0, "core")
        if ident[4] not in (1, 2) or ident[5] not in (1, 2):
            raise BadCore("neither 32 nor 64 bits, or no byte order", 4, "core")
        self.bits = 32 * ident[4]
        self.order: Literal["little", "big"] = "little" if ident[5] == 1 else "big"
        kind, self.machine = self._unpack("HH", 16)
        if kind != _CORE:
            raise BadCore("an ELF file, but no core", 16, "core")
        notes: list[CoreNote] = []
        runs: list[CoreRun] = []
        for kind, offset, physical, size in self._segments():
            if kind == _NOTE:
                notes += self._notes(offset, size)
            elif kind == _LOAD and size:
                runs.append(CoreRun(physical, size, offset))
        self.notes = tuple(notes)
        self.runs = _joined(runs)
        self._starts = [run.start for run in self.runs]

    def read(self, address: int, size: int) -> memoryview:
        """``size`` bytes at a physical address inside of one run."""
        run = self.runs[bisect_right(self._starts, address) - 1]
        at = run.offset + address - run.start
        return self._data[at : at + size]

    def extents(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The parts of a run that may be other than zeros: all of it."""
        yield first, last

    def _unpack(self, form: str, offset: int) -> tuple[int, ...]:
        mark = "<" if self.order == "little" else ">"
        try:
            return struct.unpack_from(mark + form, self._data, offset)
        except (struct.error, OverflowError):
            raise BadCore("the core is cut off", offset, "core") from None

    def _segments(self) -> Iterator[tuple[int, int, int, int]]:
        """Type, offset, physical address and bytes in the file."""
        if self.bits == 64:
            program, section = self._unpack("QQ", 32)
            length, count = self._unpack("HH", 54)
            form, shortest, info = "IIQQQQ", 56, 44
        else:
            program, section = self._unpack("II", 28)
            length, count = self._unpack("HH", 42)
            form, shortest, info = "IIIIII", 32, 28
        if count == _MANY:
            (count,) = self._unpack("I", section + info)
        if count > _MOST or length < shortest:
            raise BadCore(f"{count} segments of {length} bytes", program, "core")
        for index in range(count):
            at = program + index * length
            if self.bits == 64:
                kind, _, offset, _, physical, size = self._unpack(form, at)
            else:
                kind, offset, _, physical, size, _ = self._unpack(form, at)
            if kind in (_LOAD, _NOTE) and offset + size > len(self._data):
                raise BadCore(
                    f"the core is cut off: it has {len(self._data)} bytes, and a segment"
                    f" ends at {offset + size}",
                    at,
                    "core",
                )
            yield kind, offset, physical, size

    def _notes(self, start: int, size: int) -> Iterator[CoreNote]:
        at, end = start, start + size
        for _ in range(_MOST):
            if at + 12 > end:
                return
            named, length, kind = self._unpack("III", at)
            first = at + 12 + named + -named % 4
            if first + length > end:
                raise BadCore("a note ends behind its segment", at, "core")
            name = bytes(self._data[at + 12 : at + 12 + named]).rstrip(b"\0")
            data = self._data[first : first + length]
            yield CoreNote(name.decode("latin-1"), kind, data)
            at = first + length + -length % 4
        raise BadCore(f"more than {_MOST} notes", start, "core")


def _joined(runs: list[CoreRun]) -> tuple[CoreRun, ...]:
    """Runs without overlap, ascending: a core with virtual addresses has memory several
    times, each time the same bytes of the file."""
    made: list[CoreRun] = []
    for run in sorted(runs, key=lambda one: (one.start, one.size)):
        last = made[-1] if made else None
        if last is None or run.start > last.end:
            made.append(run)
            continue
        same = run.offset - last.offset == run.start - last.start
        if same:
            size = max(last.size, run.end - last.start)
            made[-1] = CoreRun(last.start, size, last.offset)
        elif run.start == last.end:
            made.append(run)
        else:
            raise BadCore(
                f"the core has two segments for physical {run.start:#x}: it is none of"
                " physical memory",
                run.offset,
                "core",
            )
    return tuple(made)
