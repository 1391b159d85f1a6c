"""The machine that goes through a C function, statement by statement.

It knows what C means; what reading, writing and calling mean for one kind of function is
its policy's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from vmgen.cfront.ctype import Record
from vmgen.cfront.layout import Layout
from vmgen.cfront.syntax import FunctionDecl
from vmgen.translate import scalar
from vmgen.translate.budget import Budget
from vmgen.translate.calls import Calls
from vmgen.translate.expressions import Expressions
from vmgen.translate.failure import Untranslatable
from vmgen.translate.paths import Outcome
from vmgen.translate.places import Places
from vmgen.translate.policy import Policy
from vmgen.translate.scalar import Scalar
from vmgen.translate.spot import Navigator
from vmgen.translate.statements import Statements
from vmgen.translate.values import PathState, Truth, Untranslated, Value

Found = TypeVar("Found")


class CMachine:
    """One translation of one function, under one policy."""

    def __init__(self, layout: Layout, navigator: Navigator, policy: Policy) -> None:
        self.layout = layout
        self.navigator = navigator
        self.budget = Budget()
        self._policy = policy
        places = Places(layout, navigator, policy)
        calls = Calls(self, places, policy)
        expressions = Expressions(self, places, calls, policy)
        statements = Statements(self, places, policy)
        # What the parts call in one another, and policies in them.
        self.cell = places.cell
        self.cell_type = places.cell_type
        self.resolve = places.resolve
        self.load = places.load
        self.value = expressions.value
        self.effect = expressions.effect
        self.target = expressions.target
        self.statement = statements.statement
        self.run = statements.run
        self.goto = statements.goto
        self.inline = calls.inline
        self._calls = calls

    def enter(self, function: FunctionDecl, arguments: Sequence[Value]) -> Outcome:
        """The paths through a function that gets ``arguments``."""
        return self._calls.enter(function, arguments, None, PathState())

    def result(self, function: FunctionDecl, arguments: Sequence[Value]) -> Value:
        """What a function that gets ``arguments`` returns."""
        outcome = self.enter(function, arguments)
        result = self.layout.resolve(function.type.result)
        return self._calls.returned(outcome, result)[0]

    # --- two paths that meet ------------------------------------------------------------

    def choose(self, condition: Truth, then: Value, otherwise: Value) -> Value:
        """``condition ? then : otherwise`` for values of one type."""
        if then == otherwise:
            return then
        if isinstance(condition, Untranslated):
            return condition
        if condition.constant is not None:
            return then if condition.constant else otherwise
        if isinstance(then, Scalar) and isinstance(otherwise, Scalar):
            return self.budget.bounded(scalar.choose(condition, then, otherwise))
        for value in (then, otherwise):
            if isinstance(value, Untranslated):
                return value
        return Untranslated("chooses between pointers")

    def rejoin(
        self, condition: Truth, then: PathState, otherwise: PathState
    ) -> PathState:
        """One state for what holds after either of two paths."""
        if len(then.moved) != len(otherwise.moved):
            raise Untranslatable("the number of words depends on data")
        moved = []
        for word, other in zip(then.moved, otherwise.moved, strict=True):
            if word.type != other.type:
                raise Untranslatable("the types of the words depend on data")
            moved.append(word if word == other else type(word)(word.type))
        unset = Untranslated("reads a variable that is not set on every path")
        cells = {
            cell: self.choose(
                condition, then.cells.get(cell, unset), otherwise.cells.get(cell, unset)
            )
            for cell in then.cells.keys() | otherwise.cells.keys()
        }
        changed = {}
        for path in sorted(then.changed.keys() | otherwise.changed.keys()):
            ours, theirs = then.changed.get(path), otherwise.changed.get(path)
            some: Value = Untranslated(
                f"reads '{path}', which is changed on some paths"
            )
            for side in (theirs, ours):
                some = side if isinstance(side, Untranslated) else some
            changed[path] = ours if ours is not None and ours == theirs else some
        into = PathState(cells, tuple(moved), changed)
        self._policy.join(self, condition, then, otherwise, into)
        return into


def with_object(
    layout: Layout, attempt: Callable[[Navigator], Found]
) -> tuple[Found, Record | None, dict[Record, str]]:
    """What an attempt at a function finds, the type of the function's object (None if it
    is not used) and how the function spells record types.

    A function gets its object as ``void *`` and may use it as several types that begin
    one another: which is the whole shows at the end only, so that it is gone through
    again, and places in the parts get their full paths.
    """
    navigator = Navigator(layout)
    found = attempt(navigator)
    root = navigator.outermost()
    if len(navigator.views) > 1 and root is not None:
        again = Navigator(layout, root)
        again.names = navigator.names
        found = attempt(again)
    return found, root, navigator.names
