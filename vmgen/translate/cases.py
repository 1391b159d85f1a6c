"""The labels of a ``switch``."""

from __future__ import annotations

from vmgen.cfront import syntax
from vmgen.cfront.syntax import Statement


def labels(body: Statement) -> list[syntax.Case]:
    """The labels of a switch in order, also those that stand inside one another."""
    found: list[syntax.Case] = []
    for item in body.items if isinstance(body, syntax.Block) else (body,):
        if isinstance(item, syntax.Case):
            found += _unfold(item)
        elif found:
            label = found.pop()
            found.append(syntax.Case(label.value, (*label.body, item), label.position))
    return found


def _unfold(case: syntax.Case) -> list[syntax.Case]:
    for number, item in enumerate(case.body):
        if isinstance(item, syntax.Case):
            first = syntax.Case(case.value, case.body[:number], case.position)
            rest = _unfold(item)
            last = rest[-1]
            rest[-1] = syntax.Case(
                last.value, (*last.body, *case.body[number + 1 :]), last.position
            )
            return [first, *rest]
    return [case]
