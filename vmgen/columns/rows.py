"""States as rows of bytes: those of one length in one block, looked at together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vmgen.columns.runs import FixedColumn

Array = Any
"""A numpy array."""

DTYPES = {
    "?": "u1", "b": "i1", "B": "u1", "h": ">i2", "H": ">u2", "i": ">i4", "I": ">u4",
    "q": ">i8", "Q": ">u8",
}  # fmt: skip
"""By ``struct`` code; the stream is big-endian."""


@dataclass(frozen=True, slots=True, eq=False)
class StateBlock:
    """States of one length: ``bytes`` has a row for each, ``numbers`` says which they are."""

    bytes: Array
    numbers: Array


@dataclass(frozen=True, slots=True, eq=False)
class StateGroup:
    """States of a block that are alike so far, up to byte ``pos`` of each.

    ``rows`` are their rows in the block, None for all of them.
    """

    block: StateBlock
    rows: Array | None
    pos: int

    @property
    def numbers(self) -> Array:
        """Which states they are."""
        numbers = self.block.numbers
        return numbers if self.rows is None else numbers[self.rows]

    @property
    def left(self) -> int:
        """Bytes behind ``pos``, the same in each."""
        return int(self.block.bytes.shape[1]) - self.pos

    def on(self, size: int) -> StateGroup:
        """The same states, so many bytes further."""
        return replace(self, pos=self.pos + size)

    def peek(self, size: int) -> Array:
        """The next bytes of each, one row per state."""
        window = self.block.bytes[:, self.pos : self.pos + size]
        return window if self.rows is None else window[self.rows]

    def value(self, column: FixedColumn, base: int) -> Array:
        """A column of a run that is at ``base``, in the byte order of the wire: a view of
        the states' bytes where the group is a whole block."""
        dtype = np.dtype(DTYPES[column.code])
        at = base + column.offset
        if self.rows is None:
            source, start = self.block.bytes, at
        else:
            source = self.block.bytes[:, at : at + column.span][self.rows]
            start = 0
        raw = np.lib.stride_tricks.as_strided(
            source[:, start:],
            (len(source), *column.shape, dtype.itemsize),
            (source.strides[0], *column.strides, 1),
            writeable=False,
        )
        found = raw.view(dtype)[..., 0]
        return found != 0 if column.code == "?" else found

    def parts(self, keys: Array) -> Iterator[tuple[Any, StateGroup]]:
        """The group by equal rows of ``keys``, each with the first of these rows."""
        if len(keys) == 0:
            return
        if bool((keys == keys[0]).all()):
            yield keys[0], self
            return
        found, inverse = np.unique(keys, axis=0, return_inverse=True)
        order = np.argsort(inverse.ravel(), kind="stable")
        ends = np.cumsum(np.bincount(inverse.ravel(), minlength=len(found)))
        for key, rows in zip(found, np.split(order, ends[:-1]), strict=True):
            yield key, self.only(rows)

    def only(self, rows: Array) -> StateGroup:
        """Some of its states, by their place in the group."""
        return replace(self, rows=rows if self.rows is None else self.rows[rows])


def blocks(buffers: Array | Sequence[Any]) -> list[StateBlock]:
    """The states by length, as rows; a two-dimensional array of bytes is one block, and
    stays where it is.  Raises ValueError for what is neither."""
    if isinstance(buffers, np.ndarray):
        if buffers.ndim != 2 or buffers.dtype != np.uint8 or buffers.strides[1] != 1:
            raise ValueError(
                "an array of states has two axes, of bytes next to each other"
            )
        return [StateBlock(buffers, np.arange(len(buffers)))]
    lengths = np.fromiter((len(one) for one in buffers), np.int64, len(buffers))
    found = []
    for length in np.unique(lengths):
        numbers = np.flatnonzero(lengths == length)
        joined = b"".join(buffers[number] for number in numbers.tolist())
        rows = np.frombuffer(joined, np.uint8).reshape(len(numbers), int(length))
        found.append(StateBlock(rows, numbers))
    return found
