"""Custom infos that move one thing for some targets and another for others.

Such an info is C that all targets have in common; which way it takes says a function that
answers with a fact of the target (``target_long_bits()``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from vmgen import grammar, ir
from vmgen.infos import expressions
from vmgen.ir.evaluate import Known, evaluate


def for_target(
    modules: Iterable[ir.Module], answers: Mapping[str, int]
) -> tuple[ir.Module, ...]:
    """The modules as one target has them; ``answers`` are what functions without
    parameters return there, by name."""
    if not answers:
        return tuple(modules)

    def named(name: str) -> ir.Expr | None:
        value = answers.get(name.removesuffix("()")) if name.endswith("()") else None
        return None if value is None else ir.Const(value)

    def truth(condition: str) -> bool | None:
        try:
            value = evaluate(expressions.parse(condition, named), Known())
        except expressions.NoExpression:
            return None
        return None if value is None else bool(value)

    def moves(line: str) -> str:
        if not any(f"{name}()" in line for name in answers):
            return line
        try:
            return grammar.text(grammar.settled(grammar.parse(line), truth))
        except grammar.GrammarError:
            return line  # it says itself why nothing is known

    def field(one: ir.Field) -> ir.Field:
        custom = one.element
        if not isinstance(custom, ir.CustomElement):
            return one
        get, put = moves(custom.get), moves(custom.put)
        if (get, put) == (custom.get, custom.put):
            return one
        return replace(one, element=replace(custom, get=get, put=put))

    def description(one: ir.Description) -> ir.Description:
        fields = tuple(map(field, one.fields))
        return one if fields == one.fields else replace(one, fields=fields)

    return tuple(
        replace(module, descriptions=tuple(map(description, module.descriptions)))
        for module in modules
    )
