"""Columns out of the bytes of many states (``vmstate_load_state``, migration/vmstate.c).

States that are alike are looked at together: where a subsection, a version or a test
decides what follows, those of one answer go on as a group of their own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, assert_never

import numpy as np

from vmgen import ir
from vmgen.columns.rows import Array, StateGroup, blocks
from vmgen.columns.runs import ColumnRun, ColumnRuns, FixedColumn, attributes
from vmgen.ir.evaluate import Known, convert, evaluate
from vmgen.lower.assemble import assemble
from vmgen.lower.shape import SIZES, CodecLayout, Ints, Leaf, Pad, Struct
from vmgen.stream.codec import Codec
from vmgen.stream.errors import NoCodecs
from vmgen.stream.packages import is_package
from vmgen.stream.tables import Tables, in_folder

DEEPEST = 32
"""Levels of objects in objects, and of subsections in subsections, that are followed."""


@dataclass(frozen=True, slots=True, eq=False)
class _ColumnPart:
    """A column as one group of states has it: its run is at byte ``base``."""

    group: StateGroup
    column: FixedColumn
    base: int


class Columns(Mapping[str, Array]):
    """Columns by path, as the attributes of a state: ``env.gpr``, ``hyper.env.hstatus``,
    ``env.pmp_state.pmp[].addr_reg`` for the same member of all objects of an array.

    A column's first axis is the state's number.  It is made when you ask for it: a view
    of the bytes where all states have the same layout, else a copy; either is in the byte
    order of the wire (big-endian), and zero where a state does not have the field.
    ``failed`` says of a state why it was not read, ``stopped`` of a path why what follows
    it was not, ``skipped`` of a path why it has no column although what follows it has.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.failed: dict[int, str] = {}
        self.stopped: dict[str, str] = {}
        self.skipped: dict[str, str] = {}
        self.ends: Array = np.full(count, -1, np.int64)
        """Where each state ends in its bytes; -1 for one that failed or stopped."""
        self._parts: dict[str, list[_ColumnPart]] = {}

    def __getitem__(self, path: str) -> Array:
        parts = self._parts[path]
        first = parts[0]
        if len(parts) == 1 and self._is_all(first.group):
            return first.group.value(first.column, first.base)
        shape = first.column.shape
        for part in parts:
            shape = tuple(map(max, shape, part.column.shape))
        sample = first.group.only(np.arange(0)).value(first.column, first.base)
        made = np.zeros((self.count, *shape), sample.dtype)
        for part in parts:
            within = tuple(slice(extent) for extent in part.column.shape)
            value = part.group.value(part.column, part.base)
            made[(part.group.numbers, *within)] = value
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def native(self, path: str) -> Array:
        """A column in the byte order of this machine, which pyarrow and others need."""
        found = self[path]
        return found.astype(found.dtype.newbyteorder("="))

    def present(self, path: str) -> Array:
        """Which states have the field."""
        made = np.zeros(self.count, np.bool_)
        for part in self._parts[path]:
            made[part.group.numbers] = True
        return made

    def _is_all(self, group: StateGroup) -> bool:
        return group.rows is None and len(group.block.bytes) == self.count

    def _add(self, group: StateGroup, run: ColumnRun, prefix: str) -> None:
        for column in run.columns:
            parts = self._parts.setdefault(prefix + column.path, [])
            parts.append(_ColumnPart(group, column, group.pos))

    def _fail(self, group: StateGroup, why: str) -> None:
        for number in group.numbers.tolist():
            self.failed[number] = why


def columns(
    codec: Codec,
    buffers: Array | Sequence[Any],
    *,
    version_id: int | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> Columns:
    """The fixed fields of many states of one description.

    ``codec`` is that of a generated package, ``buffers`` are bodies of its sections: a
    sequence of bytes, or a numpy array of ``uint8`` with one row per state, which is not
    copied.  ``version_id`` is that of the sections, the codec's own if none is given.
    ``folder`` is where the target's ``ir.json`` is, if not in the codec's own package.
    What C checks of values is not checked.  Raises NoCodecs where there is no table, and
    ValueError for an array of another kind.
    """
    found = _described(codec, folder)
    version = codec.version_id if version_id is None else version_id
    made = Columns(len(buffers))
    layout = found.runs.layouts.all[found.key]
    reader = _ColumnReader(made, found.runs)
    for block in blocks(buffers):
        group = StateGroup(block, None, 0)
        for rest in reader.object(group, layout, version, "", 0):
            made.ends[rest.numbers] = rest.pos
    for number in made.failed:
        made.ends[number] = -1
    return made


@dataclass(frozen=True, slots=True)
class _Described:
    runs: ColumnRuns
    key: tuple[str, str]


def _described(codec: Codec, folder: str | os.PathLike[str] | None) -> _Described:
    place = _home(codec) if folder is None else Path(folder)
    tables = in_folder(place)
    if tables is None:
        raise NoCodecs(f"{place} has no tables beside its code")
    placed = tables.table(codec)
    if placed is None:
        raise NoCodecs(f"{place} has no table of {codec.symbol}")
    return _laid_out(tables, placed.module.file, placed.description.symbol)


@lru_cache(maxsize=16)
def _laid_out(tables: Tables, file: str, symbol: str) -> _Described:
    placed = tables.lookup.at(file, symbol)
    assert placed is not None
    layouts = assemble(tables.lookup.closure(placed))
    return _Described(ColumnRuns(layouts), (file, symbol))


def _home(codec: Codec) -> Path:
    """The folder of the codec's target in its package."""
    module = sys.modules.get(codec.state.__module__)
    file = Path(getattr(module, "__file__", None) or "")
    target = getattr(codec, "target", "")
    for folder in file.parents:
        if is_package(folder):
            return folder / target if in_folder(folder / target) else folder
    raise NoCodecs(f"{codec.name}: its codec is not from a generated package")


class _ColumnReader:
    """Follows groups of states through layouts."""

    def __init__(self, made: Columns, runs: ColumnRuns) -> None:
        self.made = made
        self.runs = runs
        self.layouts = runs.layouts

    def object(
        self,
        group: StateGroup,
        layout: CodecLayout,
        version: int,
        prefix: str,
        depth: int,
    ) -> list[StateGroup]:
        """Read objects: their fields, then their subsections; the groups that go on."""
        if not layout.minimum <= version <= layout.version:
            self.made._fail(
                group,
                f"{prefix}: version {version} is not {layout.minimum} to {layout.version}",
            )
            return []
        if depth > DEEPEST:
            self.made._fail(group, f"{prefix}: nested too deeply")
            return []
        known = _KnownColumns(version)
        waiting = [(group, known)]
        for piece in self.runs.pieces(layout.key, version):
            ahead = []
            for each, before in waiting:
                ahead += self._piece(each, before, layout, piece, prefix, depth)
            waiting = ahead
        done: list[StateGroup] = []
        for each, _ in waiting:
            done += self._subsections(each, layout, prefix, depth)
        return done

    def _piece(
        self, group: StateGroup, known: _KnownColumns, layout: CodecLayout,
        piece: ColumnRun | Leaf, prefix: str, depth: int,
    ) -> list[tuple[StateGroup, _KnownColumns]]:  # fmt: skip
        match piece:
            case ColumnRun():
                if piece.size > group.left:
                    self.made._fail(group, f"{prefix}the bytes end in the fields")
                    return []
                self.made._add(group, piece, prefix)
                return [(group.on(piece.size), known.and_run(piece, group.pos))]
            case Leaf():
                return list(self._leaf(group, known, layout, piece, prefix, depth))
            case _:
                assert_never(piece)

    def _leaf(
        self, group: StateGroup, known: _KnownColumns, layout: CodecLayout, leaf: Leaf,
        prefix: str, depth: int,
    ) -> Iterator[tuple[StateGroup, _KnownColumns]]:  # fmt: skip
        path = prefix + (attributes(leaf) if leaf.member else leaf.path)
        there = self.layouts.exists(layout, leaf, (known.version,))
        if there is None:
            test = self.layouts.functions.get(layout.key[0], {}).get(leaf.field.test)
            body = None if test is None else test.body
            for answer, part in known.split(group, body):
                if answer is None:
                    why = f"{leaf.field.test} decides whether it is there"
                    self.made.stopped.setdefault(path, why)
                elif answer:
                    yield from self._there(part, known, leaf, path, depth)
                else:
                    yield part, known
            return
        yield from self._there(group, known, leaf, path, depth)

    def _there(
        self, group: StateGroup, known: _KnownColumns, leaf: Leaf, path: str, depth: int
    ) -> Iterator[tuple[StateGroup, _KnownColumns]]:
        """Read a field that is there."""
        prefix = path.removesuffix(attributes(leaf)) if leaf.member else path
        if self.layouts.fixed(leaf):
            run = ColumnRun(self.layouts.size(leaf), tuple(self.runs.fixed(leaf)))
            if run.size > group.left:
                self.made._fail(group, f"{path}: the bytes end")
                return
            self.made._add(group, run, prefix)
            yield group.on(run.size), known.and_run(run, group.pos)
            return
        kind = leaf.kind
        if (
            isinstance(kind, Struct)
            and not kind.temporary
            and leaf.amount is None
            and leaf.shape != "pointers"
        ):
            yield from self._objects(group, known, leaf, kind, path, depth)
            return
        if isinstance(kind, (Ints, Pad)) and leaf.shape != "pointers":
            yield from self._skipped(group, known, leaf, path)
            return
        why = f"{leaf.field.name} has no fixed size ({type(kind).__name__.lower()})"
        self.made.stopped.setdefault(path, why)

    def _objects(
        self, group: StateGroup, known: _KnownColumns, leaf: Leaf, kind: Struct, path: str,
        depth: int,
    ) -> Iterator[tuple[StateGroup, _KnownColumns]]:  # fmt: skip
        inner = self.layouts.all[kind.key]
        count = 1 if leaf.shape == "one" else leaf.count
        count *= leaf.width if leaf.shape == "rows" else 1
        waiting = [group]
        for at in range(count):
            index = "" if leaf.shape == "one" else f"[{leaf.start + at}]"
            ahead: list[StateGroup] = []
            for each in waiting:
                ahead += self.object(
                    each, inner, kind.version, f"{path}{index}.", depth + 1
                )
            waiting = ahead
        for each in waiting:
            yield each, known

    def _skipped(
        self, group: StateGroup, known: _KnownColumns, leaf: Leaf, path: str
    ) -> Iterator[tuple[StateGroup, _KnownColumns]]:
        """Pass over numbers whose count the state tells."""
        for amount, part in known.split(group, _amount(leaf.amount, leaf.count)):
            for size, each in known.split(part, _amount(leaf.size, leaf.width)):
                if amount is None or size is None:
                    why = "what its size depends on is not among the fields before it"
                    self.made.stopped.setdefault(path, why)
                    continue
                if isinstance(leaf.kind, Ints):
                    unit = SIZES[leaf.kind.code]
                    size = (size + 63) // 64 if leaf.kind.bits and leaf.size else size
                    size *= unit
                if amount < 0 or size < 0 or amount * size > each.left:
                    self.made._fail(each, f"{path}: the bytes end")
                    continue
                self.made.skipped.setdefault(path, "its size differs between states")
                yield each.on(amount * size), known

    def _subsections(
        self, group: StateGroup, layout: CodecLayout, prefix: str, depth: int
    ) -> list[StateGroup]:
        """Read the subsections at the end of an object (``vmstate_subsection_load``)."""
        done: list[StateGroup] = []
        waiting = [group]
        name = layout.name.encode()
        known = {
            self.layouts.all[key].name.encode(): (attr, self.layouts.all[key])
            for attr, key in reversed(layout.subsections)
        }
        while waiting:
            each = waiting.pop()
            if each.left < 2 or not name:
                done.append(each)
                continue
            for found, one in _headers(each):
                size = 2 + int(found[1])
                wire = found[2:size].tobytes()
                if (
                    found[0] != 5
                    or size > one.left
                    or len(wire) <= len(name)
                    or not wire.startswith(name)
                ):
                    done.append(one)
                elif wire not in known:
                    text = wire.decode("utf-8", "backslashreplace")
                    self.made._fail(one, f"unknown subsection {text!r}")
                elif len(found) < size + 4:
                    self.made._fail(one, f"{prefix}: a version is cut off")
                else:
                    attr, inner = known[wire]
                    waiting += self.object(
                        one.on(size + 4), inner, int(found[-1]), f"{prefix}{attr}.",
                        depth + 1,
                    )  # fmt: skip
        return done


def _headers(group: StateGroup) -> Iterator[tuple[Array, StateGroup]]:
    """The group by what may be the header of a subsection: a mark, the length of the name,
    the name, the version (4 bytes)."""
    header = min(6 + int(group.peek(2)[0, 1]), group.left)
    ahead = group.peek(header)
    if bool((ahead == ahead[0]).all()):
        yield ahead[0], group
        return
    for (_, length), part in group.parts(group.peek(2)):
        yield from part.parts(part.peek(min(6 + int(length), part.left)))


def _amount(amount: ir.FromMember | ir.Computed | None, fixed: int) -> ir.Expr:
    match amount:
        case None:
            return ir.Const(fixed)
        case ir.FromMember():
            value: ir.Expr = ir.Load(ir.path_text(amount.path), amount.type)
            return ir.Binary("*", value, ir.Const(amount.multiply))
        case ir.Computed():
            return amount.value
        case _:
            assert_never(amount)


@dataclass(frozen=True, slots=True)
class _KnownColumns:
    """The numbers of an object that were read, which tests and counts ask for."""

    version: int
    runs: tuple[tuple[ColumnRun, int], ...] = ()

    def and_run(self, run: ColumnRun, base: int) -> _KnownColumns:
        return _KnownColumns(self.version, (*self.runs, (run, base)))

    def split(
        self, group: StateGroup, body: ir.Expr | None
    ) -> Iterator[tuple[int | None, StateGroup]]:
        """The group by the values that an expression has; None for one not known."""
        if body is None:
            yield None, group
            return
        asked = sorted({one.path for one in ir.walk(body) if isinstance(one, ir.Load)})
        places = [self._place(path) for path in asked]
        values = [
            group.value(place[0], place[1]).astype(np.uint64)
            for place in places
            if place is not None
        ]
        if not values:
            yield evaluate(body, Known(self.version)), group
            return
        there = [path for path, place in zip(asked, places, strict=True) if place]
        for key, part in group.parts(np.stack(values, axis=1)):
            numbers = dict(zip(there, map(int, key), strict=True))

            def member(
                path: str, kind: ir.IntType, numbers: dict[str, int] = numbers
            ) -> int | None:
                value = numbers.get(path)
                return None if value is None else convert(value, kind)

            yield evaluate(body, Known(self.version, member)), part

    def _place(self, path: str) -> tuple[FixedColumn, int] | None:
        for run, base in reversed(self.runs):
            for column in run.columns:
                if column.c_path == path and not column.shape:
                    return column, base
        return None
