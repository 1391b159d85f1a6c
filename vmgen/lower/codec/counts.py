"""How many elements, bytes or bits a field has: read on load, held against the wire on save."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from vmgen import ir
from vmgen.lower import expressions
from vmgen.lower.codec.called import BUF, COUNT, POS, SCOPE
from vmgen.lower.codec.emit import Emit
from vmgen.lower.codec.frame import ContextReads, Frame
from vmgen.lower.program import MemberValue
from vmgen.lower.shape import CODES, Leaf
from vmgen.plan import code

Measure = Literal["count", "extent", "bits"]
"""What a member outside of the stream says of a field: elements, bytes, bits."""


class Counts:
    """The counts of one field."""

    def __init__(self, frame: Frame, leaf: Leaf, path: str) -> None:
        self._frame = frame
        self._leaf = leaf
        self._layouts = frame.layouts
        self._path = path
        self._emit = Emit(frame)

    def count(
        self, amount: ir.FromMember | ir.Computed, measure: Measure = "count"
    ) -> None:
        """``count = ...`` on load."""
        frame, leaf = self._frame, self._leaf
        if isinstance(amount, ir.Computed):
            value, _ = self._computed(amount.value, leaf.number, frame.where(leaf))
            self._emit.set(COUNT, value)
            return
        path = ir.path_text(amount.path)
        found = self._layouts.find(
            frame.layout, frame.root, path, [], leaf.number, leaf.condition
        )
        owner, where = frame.layout.type, frame.where(leaf)
        value = code.method(
            SCOPE, measure, leaf.json, owner, path, amount.multiply, POS, self._path, where,
        )  # fmt: skip
        for one in reversed(found):
            product = self._product(one, amount)
            there = one.condition
            value = product if there is None else code.PyChoice(there, product, value)
        self._emit.set(COUNT, value)

    def _computed(
        self, expr: ir.Expr, before: int | None, where: str
    ) -> tuple[code.Expr, bool]:
        """The number that C computes, and whether that asks for what the state lacks."""
        frame = self._frame
        reads = ContextReads(frame, where)

        def members(
            path: str, subscripts: Sequence[code.Expr], type_: ir.IntType
        ) -> code.Expr:
            found = frame.layouts.find(
                frame.layout, frame.root, path, subscripts, before, self._leaf.condition
            )
            if before is None and not found and path in frame.implied:
                return frame.implied[path]
            return reads.member(found, path, subscripts, type_)

        return expressions.number(expr, members, reads.asked), reads.unknown

    def _product(self, found: MemberValue, amount: ir.FromMember) -> code.Expr:
        """A count in a member of the state."""
        value = found.value
        if found.type != CODES[amount.type]:
            value = expressions.truncated(value, amount.type)
        return code.times(value, amount.multiply)

    def words(self) -> None:
        """``count`` bits as words, on load."""
        self._emit.set(COUNT, code.call("words", COUNT))

    def check(
        self,
        amount: ir.FromMember | ir.Computed,
        length: code.Expr,
        bits: bool = False,
    ) -> None:
        """On save: the number of elements must be the one that the wire says."""
        frame = self._frame
        if isinstance(amount, ir.Computed):
            self._check_computed(amount.value, length)
            return
        path = ir.path_text(amount.path)
        found = self._layouts.find(
            frame.layout, frame.root, path, [], None, self._leaf.condition
        )
        if found and found[0].condition is None:
            expected = self._product(found[0], amount)
            if bits:
                expected = code.call("words", expected)
            self._emit.save(code.call("counted", length, expected, self._path))
            return
        key = (path, amount.multiply, bits)
        if key in frame.lengths:
            self._emit.save(
                code.call("counted", length, frame.lengths[key], self._path)
            )
            frame.shared_lengths.add(frame.lengths[key])
        elif not frame.optional:
            name = frame.local("length")
            frame.save.append(code.PyAssign((name,), length))
            frame.lengths[key] = name
        if not bits and not found:
            type_ = CODES[amount.type]
            self._emit.save(
                code.call("fits", length, amount.multiply, type_, self._path)
            )
            if not frame.optional:
                number = code.call("c_div", length, amount.multiply)
                frame.implied[path] = number

    def _check_computed(self, expr: ir.Expr, length: code.Expr) -> None:
        expected, unknown = self._computed(expr, None, "")
        if not unknown:
            self._emit.save(code.call("counted", length, expected, self._path))
            return
        match expr:
            case ir.Select(_, ir.Const(value=first), ir.Const(value=second)):
                self._emit.save(
                    code.call("either_of", length, first, second, self._path)
                )

    def limit(self) -> tuple[int, ...]:
        """How many elements the C array has room for, if that is known."""
        leaf = self._leaf
        path = leaf.field.path
        if not path or path[-1].pointer or not leaf.field.array:
            return ()
        rest = path[-1].dims[len(path[-1].index) :]
        if not rest or 0 in rest:
            return ()
        room = 1
        for one in rest:
            room *= one
        return (room - leaf.start,)

    def extent(
        self,
        size: code.Expr | int,
        limit: Sequence[int] = (),
        count: code.Expr = COUNT,
    ) -> code.Expr:
        """Where ``count`` elements of that size end."""
        return code.call("extent", BUF, POS, count, size, self._path, *limit)

    def known(self, amount: ir.FromMember | ir.Computed) -> code.Expr:
        """The number as a complete state has it."""
        frame = self._frame
        if isinstance(amount, ir.Computed):
            return self._computed(amount.value, None, "")[0]
        path = ir.path_text(amount.path)
        found = self._layouts.find(frame.layout, frame.root, path, [], None)
        return code.times(found[0].value, amount.multiply)
