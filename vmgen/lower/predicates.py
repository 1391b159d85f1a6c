"""The ``needed`` predicates of C as functions of generated modules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vmgen import ir, plan
from vmgen.lower import expressions
from vmgen.lower.codec import c_name, chained
from vmgen.lower.names import identifier
from vmgen.lower.namespace import Namespace
from vmgen.lower.shape import CodecLayout, Key
from vmgen.plan import code

_STATE, _OUTSIDE = code.PyName("state"), code.PyName("outside")


class Predicates:
    """The ``needed`` functions of a module: one for each C function and owner."""

    def __init__(self, space: Namespace) -> None:
        self._space = space
        self._seen: set[tuple[str, Key]] = set()

    def of(self, layout: CodecLayout) -> Iterator[plan.Predicate]:
        """Whether a section is there, as translated from C: of a subsection over each of
        its owners, of a section over itself; each function once for an owner."""
        description = layout.description
        assert description is not None
        layouts = self._space.layouts
        function = layouts.functions[layout.key[0]].get(description.needed)
        if function is None or function.body is None:
            return
        own = [layout.key] if layout.key in self._space.sections else []
        for key in layouts.parents.get(layout.key, own):
            if (function.symbol, key) not in self._seen:
                self._seen.add((function.symbol, key))
                yield self._over(layouts.all[key], layout, function, function.body)

    def _over(
        self,
        owner: CodecLayout,
        layout: CodecLayout,
        function: ir.Function,
        body: ir.Expr,
    ) -> plan.Predicate:
        layouts = self._space.layouts
        symbol, position = function.symbol, function.position
        where = f"{symbol} ({position})" if position.file else symbol

        def members(
            path: str, subscripts: Sequence[code.Expr], type_: ir.IntType
        ) -> code.Expr:
            found = layouts.find(owner, _STATE, path, subscripts, None, owners=False)
            found += layouts.sections(owner, _STATE, path, subscripts)
            outside = code.method(_OUTSIDE, "member", c_name(path, subscripts))
            if type_ == "bool":
                return chained(found, code.builtin("bool", outside), type_)
            return chained(found, outside, type_)

        def asked(name: str) -> code.Expr:
            return code.method(_OUTSIDE, "ask", name, _STATE, layout.version)

        version = code.PyConst(layout.version)
        value = expressions.truth(body, members, asked, version)
        return plan.Predicate(
            name=self._space.names.take(identifier(symbol)),
            cls=self._space.cls(owner.key),
            doc=(
                f"Whether ``{layout.name}`` is sent ({position})."
                if owner is layout
                else f"Whether ``{owner.name}`` needs ``{layout.name}`` ({position})."
            ),
            value=expressions.truncated(value, "bool"),
            owner=owner.type,
            where=where,
            asks=code.mentions(value, "outside"),
        )
