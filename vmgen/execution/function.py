"""Functions, compiled to closures over a frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from vmgen.cfront import syntax
from vmgen.cfront.arithmetic import INT, VOID
from vmgen.cfront.builtins import BUILTINS
from vmgen.cfront.ctype import Array, CType, FunctionSignature, Pointer, Record
from vmgen.cfront.layout import Layout, Scope
from vmgen.cfront.layout.initialize import sized
from vmgen.cfront.syntax import Block as BlockStatement
from vmgen.cfront.syntax import Expr, InitList, Statement, TypeExpr
from vmgen.execution import expressions, initialisers, operators
from vmgen.execution.code import Code, Frame, constant, truth, whole
from vmgen.execution.context import Global, Linked, LocalVariable, SourceFile
from vmgen.execution.memory import (
    Address,
    FunctionValue,
    MemoryBlock,
    NotKnown,
    UnknownValue,
    Value,
    store,
)
from vmgen.execution.steps import Step, StepEnd, addressed, refuse, sequence
from vmgen.source import Position, VmgenError

_UNSET = UnknownValue("a variable that nothing set")


_UNDECLARED = FunctionSignature(INT, (), variadic=True)


RESULT = 0
"""The slot of a frame that has what the function returns."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A function: called with its arguments, converted, it returns its value."""

    name: str
    type: FunctionSignature
    run: Callable[[list[Value]], Value]


class Compiler:
    """Compiles one function of a file."""

    def __init__(self, program: Linked, file: SourceFile, name: str) -> None:
        self.program, self.file, self.name = program, file, name
        self.layout: Layout = file.layout
        self._scopes: list[dict[str, LocalVariable | Global]] = [{}]
        self._slots = 1
        self._addressed: frozenset[str] = frozenset()

    # --- names ------------------------------------------------------------------------

    def local(self, name: str) -> LocalVariable | None:
        """The local variable of this name."""
        for scope in reversed(self._scopes):
            if name in scope:
                found = scope[name]
                return found if isinstance(found, LocalVariable) else None
        return None

    def global_(self, name: str, position: Position) -> Global:
        """The object with static storage of this name."""
        for scope in reversed(self._scopes):
            if name in scope:
                found = scope[name]
                assert not isinstance(found, LocalVariable)  # asked for before
                return found
        return self.program.global_(self.file, name, position)

    def function(self, name: str) -> tuple[FunctionSignature, FunctionValue] | None:
        """The function of this name, if no variable hides it."""
        if any(name in scope for scope in self._scopes):
            return None
        return self.program.function_named(self.file, name)

    def scope(self) -> Scope:
        """The types of the local names, as a layout needs them."""
        types = {
            name: found.type for scope in self._scopes for name, found in scope.items()
        }
        return Scope(types)

    def resolve(self, type: TypeExpr) -> CType:
        """A type as written, where the function is now."""
        return self.layout.resolve(type, self.scope())

    def type_of(self, expr: Expr) -> CType:
        """The type of an expression, not decayed."""
        return self.layout.type_of(expr, self.scope())

    def sized(self, type: CType, init: Expr | InitList | None) -> CType:
        """An array of open length with the length that its initialiser gives it."""
        return sized(self.layout, type, init, self.scope())

    def _declare(self, name: str, type: CType) -> LocalVariable:
        boxed = name in self._addressed or isinstance(type, Record | Array)
        local = LocalVariable(type, self.slot(), boxed)
        self._scopes[-1][name] = local
        return local

    def value(self, expr: Expr) -> Code:
        """The value of an expression."""
        return expressions.compile_(self, expr)

    def slot(self) -> int:
        """A new place in the frame."""
        self._slots += 1
        return self._slots - 1

    def frame(self) -> Frame:
        """A frame for the initialiser of a static object."""
        return [_UNSET] * self._slots

    # --- functions --------------------------------------------------------------------

    def function_code(self, declared: syntax.FunctionDecl) -> Compiled:
        """The function as something that can be called."""
        assert declared.body is not None  # its definition
        signature = self.layout.resolve(declared.type)
        assert isinstance(signature, FunctionSignature)  # a function's
        self._addressed = frozenset(addressed(declared.body))
        parameters = [
            self._declare(parameter.name, type)
            for parameter, type in zip(
                declared.type.parameters, signature.parameters, strict=True
            )
        ]
        boxes = [
            (one.slot, self.layout.sizeof(one.type)) for one in parameters if one.boxed
        ]
        body = self._block(declared.body)
        count, name = self._slots, declared.name
        program, position = self.program, declared.position
        parameters_count = len(parameters)

        def run(arguments: list[Value]) -> Value:
            program.spend(position)
            frame: Frame = [_UNSET, *arguments[:parameters_count]]
            frame += [_UNSET] * (count - len(frame))
            for slot, size in boxes:
                value = frame[slot]
                assert not isinstance(value, MemoryBlock)  # an argument
                block = MemoryBlock(size, name)
                store(Address(block, 0), size, value)
                frame[slot] = block
            body(frame)
            result = frame[RESULT]
            assert not isinstance(result, MemoryBlock)  # what "return" has left
            return result

        return Compiled(name, signature, run)

    def call(
        self, function: Expr, arguments: tuple[Expr, ...], position: Position
    ) -> Code:
        """A call."""
        name = function.name if isinstance(function, syntax.Name) else ""
        if name == "__builtin_choose_expr" and len(arguments) == 3:
            chosen = arguments[1 if self.layout.constant(arguments[0]) else 2]
            return expressions.compile_(self, chosen)
        if name == "__builtin_expect" and arguments:
            return expressions.compile_(self, arguments[0])
        if name == "__builtin_constant_p" and arguments:
            return constant(INT, 0)
        if len(arguments) == 1:
            argument = arguments[0]
            if name in BUILTINS:
                folded = operators.fold_builtin(
                    self, name, expressions.compile_(self, argument), position
                )
                if folded is not None:
                    return folded
        if name and not self._is_declared(name):
            callee = constant(_UNDECLARED, FunctionValue(name, ""))
        else:
            callee = expressions.compile_(self, function)
        type = callee.type
        if isinstance(type, Pointer):
            type = type.target
        if not isinstance(type, FunctionSignature):
            raise NotKnown("what is called is no function", position)
        codes = [expressions.compile_(self, one) for one in arguments]
        for number, wanted in enumerate(type.parameters[: len(codes)]):
            codes[number] = operators.convert(self, codes[number], wanted, position)
        runs = [one.run for one in codes]
        what, program = callee.run, self.program

        def called(frame: Frame) -> Value:
            target = what(frame)
            if not isinstance(target, FunctionValue):
                why = (
                    target.why
                    if isinstance(target, UnknownValue)
                    else "a call of no function"
                )
                raise NotKnown(why, position)
            return program.call(target, [one(frame) for one in runs], position)

        return Code(type.result, called)

    def _is_declared(self, name: str) -> bool:
        """Whether a header declares what is called; ours leave some functions out."""
        return (
            any(name in scope for scope in self._scopes)
            or self.file.unit.declares(name)
            or self.file.unit.object(name) is not None
        )

    # --- initialisers -----------------------------------------------------------------

    def initialised(
        self, type: CType, init: Expr | InitList, static: bool = False
    ) -> Callable[[Frame, Address], None]:
        """What sets an object, zero before, to its initialiser."""
        return initialisers.compile_(self, type, init, static)

    # --- statements -------------------------------------------------------------------

    def block_value(self, body: BlockStatement) -> Code:
        """A statement expression."""
        self._scopes.append({})
        try:
            *first, last = body.items or (syntax.Empty(),)
            steps = [self._statement(one) for one in first]
            if isinstance(last, syntax.ExprStatement):
                code = expressions.compile_(self, last.expression)
            else:
                steps.append(self._statement(last))
                code = constant(VOID, _UNSET)
        finally:
            self._scopes.pop()
        run, position = code.run, body.position

        def value(frame: Frame) -> Value:
            for one in steps:
                if one(frame) is not None:
                    raise NotKnown("a jump out of a statement expression", position)
            return run(frame)

        return Code(code.type, value)

    def _block(self, body: BlockStatement) -> Step:
        self._scopes.append({})
        try:
            steps = [self._statement(one) for one in body.items]
        finally:
            self._scopes.pop()
        return sequence(steps)

    def _statement(self, statement: Statement) -> Step:
        """The statement; one that cannot be read ends the run that comes to it."""
        depth = len(self._scopes)
        try:
            return self._step(statement)
        except NotKnown as error:
            del self._scopes[depth:]
            return refuse(error.why, error.position)
        except VmgenError as error:
            del self._scopes[depth:]
            first = error.diagnostics[0]
            return refuse(first.message, first.position)

    def _step(self, statement: Statement) -> Step:
        match statement:
            case syntax.Empty():
                return lambda frame: None
            case syntax.ExprStatement(expression):
                run = expressions.compile_(self, expression).run

                def effect(frame: Frame) -> None:
                    run(frame)

                return effect
            case syntax.LocalDecl():
                return self._local(statement)
            case syntax.Block():
                return self._block(statement)
            case syntax.If(condition, then, otherwise, position):
                return self._if(condition, then, otherwise, position)
            case syntax.For(start, condition, step, body, position):
                self._scopes.append({})
                try:
                    before = sequence([self._statement(one) for one in start])
                    loop = self._loop(condition, step, body, position)
                finally:
                    self._scopes.pop()

                def for_(frame: Frame) -> StepEnd | None:
                    before(frame)
                    return loop(frame)

                return for_
            case syntax.While(condition, body, after, position):
                return self._loop(condition, None, body, position, after)
            case syntax.Switch(value, body, position):
                return self._switch(value, body, position)
            case syntax.Return(value):
                return self._return(value, statement.position)
            case syntax.Jump(kind, _, position):
                if kind == "goto":
                    return refuse("a goto", position)
                leave = StepEnd.BREAK if kind == "break" else StepEnd.CONTINUE
                return lambda frame: leave
            case syntax.Label(_, inner):
                return self._statement(inner)
            case syntax.Case(_, _, position):
                return refuse("a label of a switch inside of a statement", position)
            case _:
                assert_never(statement)

    def _local(self, declared: syntax.LocalDecl) -> Step:
        name, init = declared.name, declared.initializer
        if isinstance(declared.type, syntax.FunctionType):
            return lambda frame: None
        if isinstance(declared.type, syntax.AutoType):
            assert init is not None
            assert not isinstance(init, InitList)
            type: CType = expressions.compile_(self, init).type
        else:
            type = self.sized(self.resolve(declared.type), init)
        if declared.static:
            self._scopes[-1][name] = self.program.static(self, declared, type)
            return lambda frame: None
        local = self._declare(name, type)
        slot, size, what = local.slot, self.layout.sizeof(type), name
        if not local.boxed:
            if init is None:

                def unset(frame: Frame) -> None:
                    frame[slot] = _UNSET

                return unset
            while isinstance(init, InitList):
                if not init.items:
                    break
                init = init.items[0].value
            code = (
                constant(INT, 0)
                if isinstance(init, InitList)
                else expressions.compile_(self, init)
            )
            run = operators.convert(self, code, type, declared.position).run

            def scalar(frame: Frame) -> None:
                frame[slot] = run(frame)

            return scalar
        if init is None:

            def fresh(frame: Frame) -> None:
                frame[slot] = MemoryBlock(size, what, _UNSET)

            return fresh
        set_ = self.initialised(type, init)

        def object_(frame: Frame) -> None:
            block = MemoryBlock(size, what)
            frame[slot] = block
            set_(frame, Address(block, 0))

        return object_

    def _if(
        self,
        condition: Expr,
        then: Statement,
        otherwise: Statement | None,
        position: Position,
    ) -> Step:
        code = expressions.compile_(self, condition)
        # What the C preprocessor or a constant leaves out may not even be readable.
        if isinstance(code.constant, int):
            chosen = then if code.constant else otherwise
            return self._statement(chosen or syntax.Empty())
        test, one = code.run, self._statement(then)
        other = self._statement(otherwise or syntax.Empty())
        return lambda frame: (
            one(frame) if truth(test(frame), position) else other(frame)
        )

    def _loop(
        self,
        condition: Expr | None,
        step: Expr | None,
        body: Statement,
        position: Position,
        after: bool = False,
    ) -> Step:
        test = None if condition is None else expressions.compile_(self, condition).run
        next_ = None if step is None else expressions.compile_(self, step).run
        inside = self._statement(body)
        program = self.program

        def loop(frame: Frame) -> StepEnd | None:
            first = after
            while first or test is None or truth(test(frame), position):
                first = False
                program.spend(position)
                left = inside(frame)
                if left is StepEnd.BREAK:
                    break
                if left is StepEnd.RETURN:
                    return left
                if next_ is not None:
                    next_(frame)
            return None

        return loop

    def _switch(self, value: Expr, body: Statement, position: Position) -> Step:
        code = expressions.compile_(self, value)
        run = code.run
        if not isinstance(body, BlockStatement):
            return refuse("a switch without a block", position)
        self._scopes.append({})
        try:
            labels: list[tuple[range | None, int]] = []
            steps: list[Step] = []
            for item in body.items:
                inner: Statement = item
                waiting = [inner]
                while waiting:
                    inner = waiting.pop(0)
                    if isinstance(inner, syntax.Case):
                        labels.append((self._label(inner.value), len(steps)))
                        waiting = [*inner.body, *waiting]
                    else:
                        steps.append(self._statement(inner))
        finally:
            self._scopes.pop()

        def switch(frame: Frame) -> StepEnd | None:
            number = whole(run(frame), position)
            start = next(
                (at for label, at in labels if label is not None and number in label),
                next((at for label, at in labels if label is None), len(steps)),
            )
            for one in steps[start:]:
                left = one(frame)
                if left is StepEnd.BREAK:
                    return None
                if left is not None:
                    return left
            return None

        return switch

    def _label(self, value: Expr | syntax.Range | None) -> range | None:
        if value is None:
            return None
        scope = self.scope()
        if isinstance(value, syntax.Range):
            low = self.layout.constant(value.low, scope)
            return range(low, self.layout.constant(value.high, scope) + 1)
        number = self.layout.constant(value, scope)
        return range(number, number + 1)

    def _return(self, value: Expr | None, position: Position) -> Step:
        if value is None:
            return lambda frame: StepEnd.RETURN
        code = expressions.compile_(self, value)
        result = self.program.result_type(self.file, self.name)
        run = operators.convert(self, code, result, position).run

        def return_(frame: Frame) -> StepEnd:
            frame[RESULT] = run(frame)
            return StepEnd.RETURN

        return return_
