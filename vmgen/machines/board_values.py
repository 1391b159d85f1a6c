"""What an expression in the code of a board is, as far as it is known before it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from vmgen.cfront import syntax as c
from vmgen.cfront.arithmetic import INT
from vmgen.cfront.layout import Constant, Layout, Scope
from vmgen.cfront.walk import uncast, walk
from vmgen.machines.model import ClassCondition
from vmgen.source import VmgenError

_LARGEST = 127
"""The largest number that is followed: a variable of any type holds it."""
_CHANGING = (c.Call, c.Assign, c.StatementExpr, c.Member, c.Index, c.StringLiteral)
"""What is no constant, whatever it is made of."""
Known: TypeAlias = int | ClassCondition
Values: TypeAlias = dict[str, Known]
"""What is known of a function's own variables: a number, or what of the machine's class a
condition asks."""

AsksClass: TypeAlias = Callable[[c.FunctionDecl, c.Expr], ClassCondition | None]


Given: TypeAlias = frozenset[ClassCondition]
Ways: TypeAlias = tuple[Given | None, Given | None]

_ANY: Given = frozenset()


def _not(ways: Ways) -> Ways:
    return ways[1], ways[0]


def _and(one: Ways, two: Ways) -> Ways:
    """The ways of two conditions together."""
    first, second = one[0], two[0]
    both = None if first is None or second is None else first | second
    if one[1] is None:
        return both, two[1]
    if two[1] is None:
        return both, one[1]
    return both, _ANY


class ValuesOf:
    """Expressions of one function; ``own`` are the names of its variables.

    ``asks`` says what of the machine's class a condition of the function asks.
    """

    def __init__(
        self,
        layout: Layout,
        function: c.FunctionDecl,
        own: frozenset[str],
        asks: AsksClass,
    ) -> None:
        self._layout = layout
        self._function = function
        self._own = own
        self._asks = asks

    def ways(self, condition: c.Expr, values: Values) -> Ways:
        """What of the machine's class holds where a condition does, and where it does
        not; None for what never is."""
        match uncast(condition):
            case c.BinaryOperation("&&", left, right):
                return _and(self.ways(left, values), self.ways(right, values))
            case c.BinaryOperation("||", left, right):
                both = self.ways(left, values), self.ways(right, values)
                return _not(_and(*map(_not, both)))
            case c.UnaryOperation("!", operand):
                return _not(self.ways(operand, values))
            case inner:
                known = self.known(inner, values)
                if isinstance(known, tuple):
                    place, value = known
                    return frozenset([known]), frozenset([(place, not value)])
                # What the build decides (kvm_enabled) another build decides otherwise.
                names = (one.name for one in walk(inner) if isinstance(one, c.Name))
                if known is None or self._own.isdisjoint(names):
                    return _ANY, _ANY
                return (_ANY, None) if known else (None, _ANY)

    def _truth(self, condition: c.Expr, values: Values) -> Known | None:
        """The value of a condition."""
        match self.ways(condition, values):
            case None, _:
                return 0
            case _, None:
                return 1
            case (holds, fails) if holds is not None and len(holds) == 1:
                ((place, value),) = holds
                opposite = frozenset([(place, not value)])
                return (place, value) if fails == opposite else None
            case _:
                return None

    def known(self, expression: c.Expr, values: Values) -> Known | None:
        """What an expression is, as far as it is known."""
        inner = uncast(expression)
        match inner:
            case c.Name(name) if name in self._own:
                known = values.get(name)
                if isinstance(known, tuple):
                    return known if inner is expression else None
                if known is None:
                    return None
            case c.StringLiteral():
                return None
            case c.UnaryOperation("!") | c.BinaryOperation("&&" | "||"):
                return self._truth(inner, values)
            case c.Conditional(condition, then, otherwise):
                match self.ways(condition, values):
                    case None, _:
                        return self.known(otherwise, values)
                    case _, None:
                        return self.known(then or condition, values)
                    case _:
                        return None
            case _:
                pass
        asked = self._asks(self._function, inner)
        if asked is not None:
            return asked
        for node in walk(expression):
            if isinstance(node, _CHANGING):
                return None
            if isinstance(node, c.Name) and (
                self._layout.unit.declares(node.name)
                or (
                    node.name in self._own
                    and not isinstance(values.get(node.name), int)
                )
            ):
                return None
        numbers = {
            name: Constant(INT, number)
            for name, number in values.items()
            if isinstance(number, int)
        }
        try:
            number = self._layout.constant(expression, Scope(values=numbers))
        except VmgenError:
            return None
        return number if 0 <= number <= _LARGEST else None
