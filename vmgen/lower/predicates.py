"""The ``needed`` predicates of C as functions of generated modules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from vmgen import ir, plan
from vmgen.lower import expressions
from vmgen.lower.codec import c_name, chained
from vmgen.lower.names import identifier, plain, quote
from vmgen.lower.namespace import Namespace
from vmgen.lower.shape import Layout


class Predicates:
    """The ``needed`` functions of a module, each once."""

    def __init__(self, space: Namespace) -> None:
        self._space = space
        self._seen: set[str] = set()

    def of(self, layout: Layout) -> Iterator[plan.Predicate]:
        """The translated predicate of a description, if it is the first to use it."""
        description = layout.description
        assert description is not None
        symbol = description.needed
        layouts = self._space.layouts
        function = layouts.functions[layout.key[0]].get(symbol)
        if (
            not symbol
            or symbol in self._seen
            or function is None
            or function.body is None
        ):
            return
        self._seen.add(symbol)
        parents = layouts.parents.get(layout.key, [])
        owner = layouts.all[parents[0]] if parents else layout
        where = plain(
            f"{symbol} ({function.position})" if function.position.file else symbol
        )

        def members(path: str, subscripts: Sequence[str], type_: ir.IntType) -> str:
            found = layouts.find(owner, "state", path, subscripts, None, owners=False)
            found += layouts.sections(owner, "state", path, subscripts)
            outside = f"outside({c_name(path, subscripts)})"
            if type_ == "bool":
                outside = f"bool({outside})"
            return chained(found, outside, type_)

        def asked(name: str) -> str:
            return f'ask(context, {quote(name)}, state, {layout.version}, "{where}")'

        value = expressions.truth(function.body, members, asked)
        value = re.sub(r"\bversion\b", str(layout.version), value)
        cls = self._space.cls(owner.key)
        yield plan.Predicate(
            name=self._space.names.take(identifier(symbol)),
            parameters=f"state: {cls}, context: Context | None = None",
            doc=plain(
                f"Whether ``{owner.name}`` needs ``{layout.name}`` ({function.position})."
            ),
            outside=(
                f'member(context, "{owner.type}", path, "{where}")'
                if "outside(" in value
                else ""
            ),
            value=value if expressions.boolean(function.body) else f"bool({value})",
        )
