"""How much work a translation may be, and how much text it may make."""

from __future__ import annotations

from vmgen import ir
from vmgen.source import Position
from vmgen.translate.failure import Untranslatable
from vmgen.translate.scalar import Scalar
from vmgen.translate.values import Untranslated, Value

MAX_STEPS = 20_000
"""Statements and expressions that are gone through, loops and calls expanded."""
MAX_NODES = 1_000
"""Nodes of one expression as it is printed: what it shares counts each time.  The
largest of QEMU's own has about 60."""
MAX_DEPTH = 100
"""Operators inside one another: Python's parser takes 200 parentheses."""


class Budget:
    """Counts the steps of one translation and the nodes of what it makes; ``exceeded``
    says that either was too much."""

    def __init__(self) -> None:
        self.exceeded = False
        self._steps = 0
        # Nodes and depth, by identity: expressions share their parts.
        self._sizes: dict[int, tuple[ir.Expr, int, int]] = {}

    def step(self, position: Position, kept: int = 0) -> None:
        """One step more; raises :class:`Untranslatable` beyond the last.  ``kept`` are
        the locals that a path of its own keeps, so that steps bound the memory, too."""
        self._steps += 1 + kept // 100
        if self._steps > MAX_STEPS:
            self.exceeded = True
            raise Untranslatable(
                "is too long when loops and calls are expanded", position
            )

    def bounded(self, value: Value) -> Value:
        """The value; not known where its expression is too large to print."""
        if isinstance(value, Scalar):
            nodes, depth = self._size(value.expr)
            if nodes > MAX_NODES or depth > MAX_DEPTH:
                self.exceeded = True
                return Untranslated("is too large when it is written as one expression")
        return value

    def _size(self, expr: ir.Expr) -> tuple[int, int]:
        found = self._sizes.get(id(expr))
        if found is None:
            sizes = [self._size(part) for part in ir.children(expr)]
            nodes = 1 + sum(size[0] for size in sizes)
            depth = 1 + max((size[1] for size in sizes), default=0)
            found = self._sizes[id(expr)] = expr, nodes, depth
        return found[1], found[2]
