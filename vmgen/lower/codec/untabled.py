"""Fields that no table describes: bytes as they are, or what functions of the user say."""

from __future__ import annotations

from typing import assert_never

from vmgen.lower import expressions
from vmgen.lower.codec.called import BUF, COUNT, OUT, OWNER, POS, SCOPE
from vmgen.lower.codec.counts import Counts
from vmgen.lower.codec.emit import Emit
from vmgen.lower.codec.frame import Frame
from vmgen.lower.codec.phrases import sized
from vmgen.lower.shape import Foreign, Leaf, Opaque
from vmgen.plan import code


class Untabled:
    """Emits one such field: ``target`` is where its value goes on load, ``source`` where
    it is on save, ``path`` its C path."""

    def __init__(
        self,
        frame: Frame,
        leaf: Leaf,
        counts: Counts,
        target: code.Expr,
        source: code.Expr,
        path: str,
    ) -> None:
        self._frame = frame
        self._leaf = leaf
        self._counts = counts
        self._target = target
        self._source = source
        self._path = path
        self._emit = Emit(frame)

    def emit(self, kind: Opaque | Foreign) -> None:
        """The field, by who knows its bytes."""
        match kind:
            case Opaque():
                self._opaque(kind)
            case Foreign():
                self._foreign(kind)
            case _:
                assert_never(kind)

    def _several(self) -> bool:
        return self._leaf.shape not in ("one", "item")

    def _opaque(self, kind: Opaque) -> None:
        """With the sizes that the stream's description says."""
        frame, leaf = self._frame, self._leaf
        about = kind.info, kind.code, POS, self._path, frame.where(leaf)
        if kind.whole:
            sizes = code.method(SCOPE, "whole", *about)
        else:
            sizes = code.method(SCOPE, "sizes", leaf.json, *about)
        name = "opaque" if self._several() else "opaque_one"
        self._emit.read(self._target, code.call(name, BUF, POS, sizes, self._path))
        each = self._source if self._several() else code.PyList((self._source,))
        self._emit.save(code.call("put_opaque", each, OUT, self._path))

    def _foreign(self, kind: Foreign) -> None:
        """By functions that get the object as it is so far, and its version."""
        leaf = self._leaf
        owners = code.PyTuple((self._frame.root, code.PyStarred(OWNER)))
        where = expressions.VERSION, owners, SCOPE, leaf.json, self._path
        if not self._several():
            load = code.call(_foreign("foreign_one"), kind.load, BUF, POS, *where)
            values: code.Expr = code.PyList((self._source,))
        else:
            load = code.call(
                _foreign("foreign"), kind.load, self._number(), BUF, POS, *where
            )
            values = self._source
        self._emit.read(self._target, load)
        self._emit.save(
            code.call(
                _foreign("put_foreign"), kind.save, values, OUT, expressions.VERSION,
                owners, self._path,
            )
        )  # fmt: skip

    def _number(self) -> code.Expr:
        """How many elements there are on load; on save they are counted."""
        leaf = self._leaf
        if leaf.amount is not None:
            self._counts.count(leaf.amount)
            self._counts.check(leaf.amount, code.builtin("len", self._source))
            return COUNT
        number = leaf.count * (leaf.width if leaf.shape == "rows" else 1)
        self._emit.save(sized(self._source, number, self._path))
        return code.PyConst(number)


def _foreign(function: str) -> code.Expr:
    """What calls a function of the user."""
    return code.runtime(function, "_foreign")
