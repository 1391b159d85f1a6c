"""What of a layout has a fixed place: columns by offset, gathered into runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

from vmgen.lower.program import CodecLayouts
from vmgen.lower.shape import SIZES, Check, Ints, Key, Leaf, Struct


@dataclass(frozen=True, slots=True)
class FixedColumn:
    """Numbers at a fixed place of a run.

    ``path`` leads through the attributes of the state (``env.gpr``; ``[]`` behind an array
    of objects, whose index is an axis), ``c_path`` through the members of the C struct.
    ``code`` is the ``struct`` code of one number, ``shape`` and ``strides`` (bytes) are
    those of a state's numbers, ``offset`` counts from the run's beginning.
    """

    path: str
    c_path: str
    code: str
    offset: int
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()

    @property
    def span(self) -> int:
        """Bytes from the first number's begin to the last one's end."""
        extents = zip(self.shape, self.strides, strict=True)
        return SIZES[self.code] + sum((n - 1) * step for n, step in extents)


@dataclass(frozen=True, slots=True)
class ColumnRun:
    """Neighbouring fields of fixed size."""

    size: int
    columns: tuple[FixedColumn, ...]


Piece: TypeAlias = ColumnRun | Leaf
"""A run, or a field that has no fixed place or size."""


class ColumnRuns:
    """The runs of the layouts of a program, each made once."""

    def __init__(self, layouts: CodecLayouts) -> None:
        self.layouts = layouts
        self.pieces = cache(self._pieces)

    def _pieces(self, key: Key, version: int) -> tuple[Piece, ...]:
        """What an object of this version has on the wire, in order."""
        layout = self.layouts.all[key]
        found: list[Piece] = []
        run = ColumnRun(0, ())
        for leaf in layout.leaves:
            there = self.layouts.exists(layout, leaf, (version,))
            if there is False or isinstance(leaf.kind, Check):
                continue
            if there and self.layouts.fixed(leaf):
                columns = (
                    replace(one, offset=one.offset + run.size)
                    for one in self.fixed(leaf)
                )
                run = ColumnRun(
                    run.size + self.layouts.size(leaf), (*run.columns, *columns)
                )
                continue
            if run.size:
                found.append(run)
                run = ColumnRun(0, ())
            found.append(leaf)
        if run.size:
            found.append(run)
        return tuple(found)

    def fixed(self, leaf: Leaf) -> Iterator[FixedColumn]:
        """The columns of a field of fixed size, from offset 0 on; none of padding."""
        if leaf.member is None:
            return
        path, c_path = attributes(leaf), leaf.path
        if isinstance(leaf.kind, Ints):
            code, size = leaf.kind.code, SIZES[leaf.kind.code]
            whole = tuple(range(leaf.start, leaf.start + leaf.count))
            order = leaf.indices or whole
            if leaf.shape == "item" or order != whole:
                for at, index in enumerate(order):
                    part = f"[{index}]"
                    yield FixedColumn(path + part, c_path + part, code, at * size)
                return
            shape = _shape(leaf)
            if shape and (leaf.start or leaf.count != leaf.member.length()):
                path += f"[{leaf.start}:{leaf.start + leaf.count}]"
            yield FixedColumn(path, c_path, code, 0, shape, _steps(shape, size))
            return
        assert isinstance(leaf.kind, Struct)
        shape = (1,) * (leaf.shape == "item") or _shape(leaf)
        steps = _steps(shape, self.layouts.flat_size(leaf.kind.key))
        inside = f"[{leaf.start}]" if leaf.shape == "item" else "[]" * len(shape)
        if leaf.shape != "item" and shape and leaf.count != leaf.member.length():
            inside = f"[{leaf.start}:{leaf.start + leaf.count}]"
        shape, steps = ((), ()) if leaf.shape == "item" else (shape, steps)
        for piece in self.pieces(leaf.kind.key, leaf.kind.version):
            assert isinstance(piece, ColumnRun)
            for one in piece.columns:
                yield replace(
                    one,
                    path=f"{path}{inside}.{one.path}",
                    c_path=f"{c_path}{inside}.{one.c_path}",
                    shape=(*shape, *one.shape),
                    strides=(*steps, *one.strides),
                )


def attributes(leaf: Leaf) -> str:
    """Where a field is in the state: attributes, and indices of lists."""
    assert leaf.member is not None
    steps = (*leaf.parents, (leaf.member, leaf.levels))
    return ".".join(
        member.attr + "".join(f"[{number}]" for number in index)
        for member, index in steps
    )


def _shape(leaf: Leaf) -> tuple[int, ...]:
    if leaf.shape == "one":
        return ()
    return (leaf.count, leaf.width) if leaf.shape == "rows" else (leaf.count,)


def _steps(shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    steps: list[int] = []
    for extent in reversed(shape):
        steps.insert(0, size)
        size *= extent
    return tuple(steps)
