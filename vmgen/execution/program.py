"""The files of a binary as one program: functions and objects by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from vmgen.cfront import syntax
from vmgen.cfront.ctype import CType, FunctionSignature
from vmgen.execution.context import Caller, Context, Global, SourceFile
from vmgen.execution.function import Compiled, Compiler
from vmgen.execution.memory import (
    Address,
    FunctionValue,
    MemoryBlock,
    NotKnown,
    UnknownValue,
    Value,
)
from vmgen.source import Position, VmgenError

MOST_STEPS = 5_000_000
"""Calls and rounds of loops that one program may take."""

MOST_CALLS = 100
"""Calls inside of each other."""


class Surroundings(Protocol):
    """What is outside of the program: functions that it calls, objects that it reads."""

    def call(
        self, program: Caller, name: str, arguments: list[Value], position: Position
    ) -> Value | None:
        """What a function does that the program does not define or that the host does
        in its place; None for one that it does not have."""

    def has(self, name: str) -> bool:
        """Whether :meth:`call` takes the place of this function."""

    def number(self, name: str) -> int | None:
        """The value of a number that the program does not define."""


@dataclass(slots=True)
class ExecutedProgram:
    """The files that are read on demand, and what was compiled of them."""

    host: Surroundings
    files_with: Callable[[str], Iterable[str]]
    """The files that may define a function or an object of this name."""
    open: Callable[[str], SourceFile]
    _files: dict[str, SourceFile] = field(default_factory=dict)
    _compiled: dict[FunctionValue, Compiled | NotKnown] = field(default_factory=dict)
    _functions: dict[
        tuple[str, str], tuple[FunctionSignature, FunctionValue] | None
    ] = field(default_factory=dict)
    _homes: dict[str, FunctionValue | None] = field(default_factory=dict)
    _globals: dict[tuple[str, str], Global] = field(default_factory=dict)
    _statics: list[Global] = field(default_factory=list)
    _texts: dict[str, MemoryBlock] = field(default_factory=dict)
    steps: int = 0
    depth: int = 0

    def file(self, name: str) -> SourceFile:
        """A file by its name."""
        if name not in self._files:
            self._files[name] = self.open(name)
        return self._files[name]

    def begin(self) -> None:
        """Start again: no step is counted, and static objects are what their initialisers
        say."""
        self.steps = 0
        if any(one.is_written for one in self._statics):
            for one in self._statics:
                one.forget()  # all, as one may point to another

    def _kept(self, one: Global) -> Global:
        self._statics.append(one)
        return one

    def spend(self, position: Position) -> None:
        """Count a step; raises where there are too many."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise NotKnown("more steps than vmgen executes", position)

    def text(self, text: str) -> MemoryBlock:
        """The object of a string literal, one for equal ones."""
        found = self._texts.get(text)
        if found is None:
            found = self._texts[text] = MemoryBlock(len(text) + 1, f'"{text[:40]}"')
            found.data[: len(text)] = text.encode("latin-1")
        return found

    # --- functions --------------------------------------------------------------------

    def function_named(
        self, file: SourceFile, name: str
    ) -> tuple[FunctionSignature, FunctionValue] | None:
        """A function that a file declares, and where it is."""
        key = file.name, name
        if key not in self._functions:
            self._functions[key] = self._function(file, name)
        return self._functions[key]

    def _function(
        self, file: SourceFile, name: str
    ) -> tuple[FunctionSignature, FunctionValue] | None:
        if not file.unit.declares(name):
            return None
        written = file.unit.function_type(name)
        if written is None:
            return None
        type = file.layout.resolve(written)
        assert isinstance(type, FunctionSignature)  # a function's
        here = self._defines(file, name)
        return type, FunctionValue(name, file.name if here else "")

    def _defines(self, file: SourceFile, name: str) -> bool:
        try:
            declared = file.unit.function(name)
        except VmgenError:
            return False
        return declared is not None and declared.body is not None

    def home(self, name: str) -> FunctionValue | None:
        """The file that defines a function for others."""
        if name not in self._homes:
            found = None
            for one in self.files_with(name):
                if self._defines(self.file(one), name):
                    found = FunctionValue(name, one)
                    break
            self._homes[name] = found
        return self._homes[name]

    def result_type(self, file: SourceFile, name: str) -> CType:
        """What a function returns."""
        found = self.function_named(file, name)
        assert found is not None  # it is being compiled
        return found[0].result

    def call(
        self, function: FunctionValue, arguments: list[Value], position: Position
    ) -> Value:
        """Call a function."""
        if self.host.has(function.name):
            result = self.host.call(self, function.name, arguments, position)
            if result is not None:
                return result
        target = function if function.file else self.home(function.name)
        if target is None:
            result = self.host.call(self, function.name, arguments, position)
            if result is None:
                raise NotKnown(f"what {function.name}() does", position)
            return result
        self.depth += 1
        try:
            if self.depth > MOST_CALLS:
                raise NotKnown("calls too deep", position)
            code = self._compiled.get(target)
            if code is None:
                code = self._compiled[target] = self._compile(target)
            if isinstance(code, NotKnown):
                raise code
            return code.run(arguments)
        except RecursionError:  # calls and expressions inside of each other
            raise NotKnown("calls too deep", position) from None
        finally:
            self.depth -= 1

    def _compile(self, target: FunctionValue) -> Compiled | NotKnown:
        file = self.file(target.file)
        try:
            declared = file.unit.function(target.name)
            assert declared is not None  # it defines it
            return Compiler(self, file, target.name).function_code(declared)
        except VmgenError as error:
            first = error.diagnostics[0]
            return NotKnown(first.message, first.position)

    # --- objects ----------------------------------------------------------------------

    def global_(self, file: SourceFile, name: str, position: Position) -> Global:
        """An object that a file names: its own, or another file's."""
        key = file.name, name
        if key not in self._globals:
            self._globals[key] = self._global(file, name, position)
        return self._globals[key]

    def _global(self, file: SourceFile, name: str, position: Position) -> Global:
        declared = file.unit.object(name)
        if declared is None:
            raise NotKnown(f"what '{name}' is", position)
        if declared.initializer is not None or declared.static:
            return self._defined(file, declared)
        number = self.host.number(name)
        if number is None:
            for one in self.files_with(name):
                other = self.file(one)
                found = other.unit.object(name)
                if (
                    one != file.name
                    and found is not None
                    and (found.initializer is not None)
                ):
                    return self.global_(other, name, position)
        type = file.layout.type_of_object(declared)

        def make() -> MemoryBlock:
            size = file.layout.sizeof(type)
            if number is None:
                return MemoryBlock(size, name, UnknownValue(f"what '{name}' is"))
            block = MemoryBlock(size, name)
            block.data[:] = number.to_bytes(size, "little")
            return block

        return self._kept(Global(type, make))

    def _defined(self, file: SourceFile, declared: syntax.ObjectDecl) -> Global:
        type = file.layout.type_of_object(declared)
        maker = self._maker(Compiler(self, file, ""), type, declared)
        return self._kept(Global(type, maker))

    def static(
        self, context: Context, declared: syntax.LocalDecl, type: CType
    ) -> Global:
        """A static object of a function."""
        return self._kept(Global(type, self._maker(context, type, declared)))

    def _maker(
        self,
        context: Context,
        type: CType,
        declared: syntax.LocalDecl | syntax.ObjectDecl,
    ) -> Callable[[], MemoryBlock]:
        """What makes a static object.  Its initialiser is compiled where it stands, as
        it may name other locals."""
        init, size = declared.initializer, context.layout.sizeof(type)
        failed: NotKnown | None = None
        set_ = None
        if init is not None:
            try:
                set_ = context.initialised(type, init, static=True)
            except NotKnown as error:
                failed = error
            except VmgenError as error:
                first = error.diagnostics[0]
                failed = NotKnown(first.message, first.position)

        def make() -> MemoryBlock:
            if failed is not None:
                raise failed
            block = MemoryBlock(size, declared.name)
            if set_ is not None:
                set_(context.frame(), Address(block, 0))
                block.written = False
            return block

        return make
