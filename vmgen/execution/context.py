"""What compiled code needs of its function and of the program around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from vmgen.cfront.ctype import CType, FunctionSignature
from vmgen.cfront.layout import Layout, Scope
from vmgen.cfront.syntax import Block as BlockStatement
from vmgen.cfront.syntax import Expr, InitList, LocalDecl, TypeExpr
from vmgen.cfront.unit import Unit
from vmgen.execution.code import Code, Frame
from vmgen.execution.memory import Address, FunctionValue, MemoryBlock, Value
from vmgen.source import Position


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A preprocessed file."""

    name: str
    unit: Unit
    layout: Layout


@dataclass(frozen=True, slots=True)
class LocalVariable:
    """A local variable: its place in the frame, which has a block if it is ``boxed``."""

    type: CType
    slot: int
    boxed: bool


@dataclass(slots=True)
class Global:
    """An object with static storage, made when it is used."""

    type: CType
    make: Callable[[], MemoryBlock]
    _block: MemoryBlock | None = None

    def block(self) -> MemoryBlock:
        """The object."""
        if self._block is None:
            self._block = self.make()
        return self._block

    @property
    def is_written(self) -> bool:
        """Whether the program has changed it."""
        return self._block is not None and self._block.written

    def forget(self) -> None:
        """Drop it: the next use makes it again."""
        self._block = None


class Caller(Protocol):
    """A program whose functions can be called."""

    def call(
        self, function: FunctionValue, arguments: list[Value], position: Position
    ) -> Value:
        """Call a function."""


class Linked(Caller, Protocol):
    """The program that a function is a part of."""

    def spend(self, position: Position) -> None:
        """Count a step; raises where there are too many."""

    def text(self, text: str) -> MemoryBlock:
        """The object of a string literal."""

    def function_named(
        self, file: SourceFile, name: str
    ) -> tuple[FunctionSignature, FunctionValue] | None:
        """A function that a file declares, and where it is."""

    def result_type(self, file: SourceFile, name: str) -> CType:
        """What a function returns."""

    def global_(self, file: SourceFile, name: str, position: Position) -> Global:
        """An object that a file names."""

    def static(self, context: Context, declared: LocalDecl, type: CType) -> Global:
        """A static object of a function."""


class Context(Protocol):
    """The function that is being compiled, as its expressions see it."""

    @property
    def program(self) -> Linked:
        """The program around it."""

    @property
    def layout(self) -> Layout:
        """The types of its file."""

    @property
    def name(self) -> str:
        """Its name."""

    def local(self, name: str) -> LocalVariable | None:
        """The local variable of this name."""

    def global_(self, name: str, position: Position) -> Global:
        """The object with static storage of this name."""

    def function(self, name: str) -> tuple[FunctionSignature, FunctionValue] | None:
        """The function of this name, if no variable hides it."""

    def scope(self) -> Scope:
        """The types of the local names."""

    def slot(self) -> int:
        """A new place in the frame."""

    def frame(self) -> Frame:
        """A frame for the initialiser of a static object."""

    def resolve(self, type: TypeExpr) -> CType:
        """A type as written."""

    def type_of(self, expr: Expr) -> CType:
        """The type of an expression, not decayed."""

    def sized(self, type: CType, init: Expr | InitList | None) -> CType:
        """An array of open length with the length that its initialiser gives it."""

    def value(self, expr: Expr) -> Code:
        """The value of an expression."""

    def call(
        self, function: Expr, arguments: tuple[Expr, ...], position: Position
    ) -> Code:
        """A call."""

    def initialised(
        self, type: CType, init: Expr | InitList, static: bool = False
    ) -> Callable[[Frame, Address], None]:
        """What sets an object, zero before, to its initialiser."""

    def block_value(self, body: BlockStatement) -> Code:
        """A statement expression."""
