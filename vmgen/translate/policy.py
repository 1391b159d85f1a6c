"""What decides how the machine goes through a function: what reading, writing and calling
mean, which paths are followed apart, and what becomes of C that has no translation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from vmgen.cfront.ctype import CType
from vmgen.cfront.layout import Layout
from vmgen.cfront.syntax import Expr, FunctionDecl, Statement, TypeExpr
from vmgen.source import Position
from vmgen.translate.budget import Budget
from vmgen.translate.failure import Untranslatable
from vmgen.translate.paths import Outcome
from vmgen.translate.spot import Navigator, Spot, SpotPointer
from vmgen.translate.values import (
    BlockFrame,
    Outside,
    PathState,
    StreamArgument,
    Target,
    Truth,
    Untranslated,
    Value,
)


class Engine(Protocol):
    """What the parts of the machine, and policies, ask the machine for.

    A state that is given to one of these is changed by what it evaluates.
    """

    layout: Layout
    navigator: Navigator
    budget: Budget

    def cell(self, type: CType) -> int:
        """A new local variable."""

    def cell_type(self, cell: int) -> CType:
        """The type of a local variable."""

    def resolve(self, type: TypeExpr, frame: BlockFrame) -> CType:
        """A type as the function writes it."""

    def load(self, spot: Spot, position: Position) -> Value:
        """What a place of the object holds when the function begins."""

    def value(self, expr: Expr, frame: BlockFrame, state: PathState) -> Value:
        """The value of an expression."""

    def effect(self, expr: Expr, frame: BlockFrame, state: PathState) -> None:
        """An expression for its effect."""

    def target(self, expr: Expr, frame: BlockFrame, state: PathState) -> Target:
        """The place that an expression names."""

    def statement(
        self, statement: Statement, frame: BlockFrame, state: PathState
    ) -> Outcome:
        """The paths through a statement."""

    def run(
        self, items: Sequence[Statement], frame: BlockFrame, state: PathState
    ) -> Outcome:
        """The paths through statements in a row."""

    def goto(
        self, label: str, frame: BlockFrame, state: PathState, position: Position
    ) -> Outcome:
        """The paths from a label of the function to its end."""

    def inline(
        self,
        function: FunctionDecl,
        arguments: Sequence[Value],
        frame: BlockFrame,
        state: PathState,
        position: Position,
    ) -> Value:
        """The value of a call whose body is followed."""

    def rejoin(
        self, condition: Truth, then: PathState, otherwise: PathState
    ) -> PathState:
        """One state for what holds after either of two paths."""

    def choose(self, condition: Truth, then: Value, otherwise: Value) -> Value:
        """``condition ? then : otherwise`` for values of one type."""


@dataclass(frozen=True, slots=True)
class Called:
    """A call, its arguments evaluated.  ``name`` is the function's, or the expression
    that points to it; ``result`` is the type of a function that is known and whose body
    is elsewhere."""

    name: str
    arguments: list[Value]
    position: Position
    result: CType | None = None

    @property
    def takes_stream(self) -> bool:
        """Whether an argument is the stream."""
        return any(isinstance(argument, StreamArgument) for argument in self.arguments)

    @property
    def takes_object(self) -> bool:
        """Whether an argument points into the object."""
        return any(isinstance(argument, SpotPointer) for argument in self.arguments)


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """A loop: its condition, step and body; ``after`` marks ``do ... while``."""

    condition: Expr
    step: Expr | None
    body: Statement
    position: Position
    after: bool = False


class Policy(ABC):
    """How one kind of function is gone through.  Where a method is not abstract, C means
    what it says."""

    apart: bool = True
    """Whether the paths that go on after a statement are followed apart, so that what
    one of them knows folds, or are joined, so that what is made stays in proportion."""
    max_turns: int = 1024
    """The turns of a loop that are written out."""

    def read(self, spot: Spot, state: PathState, position: Position) -> Value | None:
        """What is known of a place of the object; None for what it held at first."""
        return None

    @abstractmethod
    def write(
        self, spot: Spot, value: Value, state: PathState, position: Position
    ) -> None:
        """A value goes to a place of the object."""

    @abstractmethod
    def write_elsewhere(
        self,
        engine: Engine,
        expr: Expr,
        place: Outside | Untranslated,
        frame: BlockFrame,
        state: PathState,
    ) -> None:
        """Something goes to ``expr``: a global, or a place that is not known."""

    def call(
        self, engine: Engine, call: Called, frame: BlockFrame, state: PathState
    ) -> Value | None:
        """The call of a function that means something by its name; None otherwise."""
        return None

    @abstractmethod
    def outside_call(self, call: Called, state: PathState) -> None:
        """A function that is not followed gets its arguments."""

    def join(  # noqa: B027  # most policies have nothing to add
        self,
        engine: Engine,
        condition: Truth,
        then: PathState,
        otherwise: PathState,
        into: PathState,
    ) -> None:
        """Two paths were joined ``into`` one state, as far as C goes."""

    def open_loop(
        self, engine: Engine, loop: OpenLoop, frame: BlockFrame, state: PathState
    ) -> Outcome:
        """A loop whose number of turns depends on data."""
        raise Untranslatable(
            "has a loop whose number of turns depends on data", loop.position
        )

    def untranslatable(
        self,
        engine: Engine,
        statement: Statement,
        frame: BlockFrame,
        before: PathState,
        failure: Untranslatable,
    ) -> Outcome:
        """A statement that has no translation; ``before`` is what held before it."""
        raise failure
