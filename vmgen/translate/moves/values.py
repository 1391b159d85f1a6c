"""What expressions are, and what moves while they are evaluated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from vmgen.cfront import syntax
from vmgen.cfront.ctype import CType, Integer
from vmgen.cfront.layout import Layout, Scope
from vmgen.grammar import Either, Handed, Loop, Move, MovedBytes, MovedWord, Moves
from vmgen.source import VmgenError
from vmgen.translate.endings import never_returns
from vmgen.translate.moves.calls import POINTED, SILENT, WORDS, is_stream
from vmgen.translate.moves.changes import changed_members
from vmgen.translate.moves.memory import Item, LocalState, Naming, RowEnd
from vmgen.translate.moves.terms import (
    TOKEN,
    UNKNOWN,
    FunctionName,
    Held,
    LocalAddress,
    StreamPointer,
    compared,
    computed,
    inner,
    opposite,
    said,
    short,
    unsigned,
)
from vmgen.translate.moves.word_names import WordNames

_MAX_DEPTH = 12


class Runner(Protocol):
    """Whoever goes through statements and the bodies of functions."""

    def items(
        self, items: Sequence[Item], place: Naming, memory: LocalState
    ) -> tuple[Moves, RowEnd]:
        """What a row of statements moves, and how it ends."""

    def body(
        self,
        function: syntax.FunctionDecl,
        arguments: Sequence[Held],
        memory: LocalState,
        inside: tuple[str, ...],
    ) -> tuple[Moves, Held]:
        """What a function moves, and the value it returns."""


class MoveValues:
    """Expressions of one unit as texts in normal form; ``made`` gets what they move."""

    def __init__(self, layout: Layout, words: WordNames, run: Runner) -> None:
        self._layout = layout
        self._unit = layout.unit
        self._words = words
        self._run = run
        self._bits: dict[str, int] = {}

    def kept(self, held: Held, type: CType | None) -> Held:
        """What a place of a C type holds of a value: a word may be cut, or get a sign."""
        if not isinstance(held, str) or not isinstance(type, Integer):
            return held
        token = held.removeprefix("signed(").rstrip(")")
        bits = self._bits.get(token, 0)
        if 8 * type.size < bits:
            return f"cut({token})"
        if held != token and 8 * type.size == bits and not type.signed:
            return token
        small = held == token and 8 * type.size == bits < 32
        return f"signed({token})" if small and type.signed else held

    def condition(
        self, expr: syntax.Expr, place: Naming, memory: LocalState, made: list[Move]
    ) -> str:
        """A truth in normal form: ``a > b`` is ``b < a``, ``!x`` the opposite of ``x``."""
        match expr:
            case syntax.Cast(_, operand):
                return self.condition(operand, place, memory, made)
            case syntax.UnaryOperation("!", operand):
                return opposite(self.condition(operand, place, memory, made))
            case syntax.BinaryOperation("&&" | "||" as op, left, right):
                first = self.condition(left, place, memory, made)
                other = memory.copy()
                more: list[Move] = []
                second = self.condition(right, place, other, more)
                if more:
                    made.append(Either(first, *((tuple(more), ()) if op == "&&" else ((), tuple(more)))))  # fmt: skip
                decides, passes = ("0", "1") if op == "&&" else ("1", "0")
                if first == decides:
                    return decides
                if first == passes:
                    return second
                if second == passes:
                    return first
                return short(f"({first}) {op} ({second})")
            case syntax.BinaryOperation(
                "==" | "!=" | "<" | ">" | "<=" | ">=" as op, left, right
            ):
                one = said(self.value(left, place, memory, made))
                two = said(self.value(right, place, memory, made))
                return compared(op, one, two)
            case syntax.Call(syntax.Name("__builtin_expect"), (first_argument, *_)):
                return self.condition(first_argument, place, memory, made)
            case _:
                value = unsigned(said(self.value(expr, place, memory, made)))
                if re.fullmatch(r"-?\d+", value):
                    return str(int(value != "0"))
                return value or "object"

    def value(
        self, expr: syntax.Expr, place: Naming, memory: LocalState, made: list[Move]
    ) -> Held:
        """What an expression is."""
        match expr:
            case syntax.IntegerLiteral(value):
                return str(value)
            case syntax.StringLiteral() | syntax.FloatLiteral():
                return UNKNOWN
            case syntax.Name(name):
                return self.held(name, place, memory)
            case syntax.Cast(_, operand):
                return self.value(operand, place, memory, made)
            case syntax.Member() | syntax.Index():
                path = self._path(expr, place, memory, made)
                if path is None:
                    return UNKNOWN
                return memory.members.get(path, path)
            case syntax.UnaryOperation("&", syntax.Name(name)):
                cell = place.names.get(name)
                if cell is None:
                    return self.held(name, place, memory)
                held = memory.cells.get(cell, "")
                return held if isinstance(held, StreamPointer) else LocalAddress(cell)
            case syntax.UnaryOperation("&", operand):
                return self._path(operand, place, memory, made) or ""
            case syntax.UnaryOperation("*", operand):
                pointer = self.value(operand, place, memory, made)
                if isinstance(pointer, LocalAddress):
                    return memory.cells.get(pointer.cell, UNKNOWN)
                return pointer
            case syntax.UnaryOperation("++" | "--" | "p++" | "p--", operand):
                held = self.value(operand, place, memory, made)
                changed = computed("+" if "+" in expr.op else "-", said(held), "1")
                self.store(operand, changed, place, memory, made)
                return held if expr.op.startswith("p") else changed
            case syntax.UnaryOperation("!", _):
                return self.condition(expr, place, memory, made)
            case syntax.UnaryOperation(op, operand):
                number = said(self.value(operand, place, memory, made))
                if op == "-" and number.isdigit():
                    return f"-{number}" if number != "0" else number
                return number if op == "+" else f"{op}{inner(number)}"
            case syntax.BinaryOperation(
                "&&" | "||" | "==" | "!=" | "<" | ">" | "<=" | ">="
            ):
                return self.condition(expr, place, memory, made)
            case syntax.BinaryOperation(op, left, right):
                one = said(self.value(left, place, memory, made))
                two = said(self.value(right, place, memory, made))
                return computed(op, one, two)
            case syntax.Assign(op, target, value):
                held = self.value(value, place, memory, made)
                if op != "=":
                    old = said(self.value(target, place, memory, []))
                    held = computed(op[:-1], old, said(held))
                return self.store(target, held, place, memory, made)
            case syntax.Conditional(condition, then, otherwise):
                return self._conditional(
                    condition, then, otherwise, place, memory, made
                )
            case syntax.Comma(items):
                held = UNKNOWN
                for item in items:
                    held = self.value(item, place, memory, made)
                return held
            case syntax.StatementExpr(block):
                return self._block_value(block, place, memory, made)
            case syntax.Call():
                return self._call(expr, place, memory, made)
            case syntax.SizeOf() | syntax.AlignOf() | syntax.OffsetOf():
                try:
                    return str(self._layout.constant(expr, Scope(place.types)))
                except VmgenError:
                    return self._spelled(expr)
            case _:
                return UNKNOWN

    def _type_of(self, expr: syntax.Expr, place: Naming) -> CType | None:
        try:
            return self._layout.type_of(expr, Scope(place.types))
        except VmgenError:
            return None  # of no matter: then the place holds the whole word

    def _spelled(self, expr: syntax.Expr) -> str:
        """A size that is not known, by the name of the type."""
        match expr:
            case syntax.SizeOf(operand) if isinstance(operand, syntax.TypeExpr):
                return f"sizeof({self._layout.spelling(operand)})"
            case _:
                return UNKNOWN

    def _conditional(
        self,
        condition: syntax.Expr,
        then: syntax.Expr | None,
        otherwise: syntax.Expr,
        place: Naming,
        memory: LocalState,
        made: list[Move],
    ) -> Held:
        truth = self.condition(condition, place, memory, made)
        if then is not None and never_returns(then):
            return self.value(otherwise, place, memory, made)
        if never_returns(otherwise):
            return self.value(then or condition, place, memory, made)
        states = [memory.copy(), memory.copy()]
        ways: list[list[Move]] = [[], []]
        held = [
            self.value(branch, place, state, way)
            for branch, state, way in zip(
                (then or condition, otherwise), states, ways, strict=True
            )
        ]
        if truth in ("0", "1"):
            number = int(truth == "0")
            memory.become(states[number])
            made += ways[number]
            return held[number]
        memory.meet(*states)
        if any(ways):
            made.append(Either(truth, tuple(ways[0]), tuple(ways[1])))
        if held[0] == held[1]:
            return held[0]
        return short(
            f"{inner(truth)} ? {inner(said(held[0]))} : {inner(said(held[1]))}"
        )

    def _block_value(
        self, block: syntax.Block, place: Naming, memory: LocalState, made: list[Move]
    ) -> Held:
        """The value of a statement expression: of its last statement."""
        place = place.inner()
        *items, last = block.items or (syntax.Empty(),)
        moved, _ = self._run.items(items, place, memory)
        made += moved
        if isinstance(last, syntax.ExprStatement):
            return self.value(last.expression, place, memory, made)
        moved, _ = self._run.items((last,), place, memory)
        made += moved
        return UNKNOWN

    def held(self, name: str, place: Naming, memory: LocalState) -> Held:
        """What a name holds."""
        cell = place.names.get(name)
        if cell is not None:
            return memory.cells.get(cell, UNKNOWN)
        try:
            if (constant := self._layout.enumerator(name)) is not None:
                return str(constant.number)
        except VmgenError:
            return UNKNOWN
        if self._unit.function(name) is not None:
            return FunctionName(name)
        return memory.members.get(name, name)

    def _path(
        self, expr: syntax.Expr, place: Naming, memory: LocalState, made: list[Move]
    ) -> str | None:
        """The members on the way from an object; None for what is no member."""
        match expr:
            case syntax.Cast(_, operand) | syntax.UnaryOperation("*", operand):
                return self._path(operand, place, memory, made)
            case syntax.Member(object, name):
                start = self._start(object, place, memory, made)
                return f"{start}.{name}" if start else name
            case syntax.Index(array, index):
                start = self._start(array, place, memory, made)
                if not start:
                    return None
                number = said(self.value(index, place, memory, made))
                return f"{start}[{number if number.isdigit() else ''}]"
            case syntax.Name(name) if name not in place.names:
                return name
            case _:
                return None

    def _start(
        self, expr: syntax.Expr, place: Naming, memory: LocalState, made: list[Move]
    ) -> str:
        path = self._path(expr, place, memory, made)
        if path is None:
            path = said(self.value(expr, place, memory, made))
        # What a function or a list of C gives is an object of its own.
        return path if re.fullmatch(r"[A-Za-z_][\w.\[\]]*", path) else ""

    def store(
        self,
        target: syntax.Expr,
        held: Held,
        place: Naming,
        memory: LocalState,
        made: list[Move],
    ) -> Held:
        """Puts a value into a local, or into a member; what that holds then."""
        while isinstance(target, syntax.Cast):
            target = target.operand
        held = self.kept(held, self._type_of(target, place))
        match target:
            case syntax.Name(name) if name in place.names:
                memory.cells[place.names[name]] = held
                return held
            case syntax.UnaryOperation("*", operand):
                pointer = self.value(operand, place, memory, made)
                if isinstance(pointer, LocalAddress):
                    memory.cells[pointer.cell] = held
                    return held
        path = self._path(target, place, memory, made)
        if isinstance(held, StreamPointer):
            made.append(Handed("kept()"))  # who takes it from there cannot be seen
        elif path is not None:
            value = said(held)
            if TOKEN.fullmatch(value):
                self._words.is_same(value, path)
            memory.members[path] = value
        return held

    def _call(
        self, call: syntax.Call, place: Naming, memory: LocalState, made: list[Move]
    ) -> Held:
        function = call.function
        while isinstance(function, syntax.Cast | syntax.UnaryOperation) and not (
            isinstance(function, syntax.UnaryOperation) and function.op not in "*&"
        ):
            function = function.operand
        callee: Held = UNKNOWN
        if isinstance(function, syntax.Name):
            callee = self.held(function.name, place, memory)
            if function.name not in place.names and not isinstance(
                callee, FunctionName
            ):
                callee = FunctionName(function.name)
        if isinstance(callee, FunctionName) and callee.symbol.startswith(
            ("qemu_get_", "qemu_put_")
        ):
            word = self._word(callee.symbol, call, place, memory, made)
            if word is not None:
                return word
        arguments = [self.value(one, place, memory, made) for one in call.arguments]
        streams = any(isinstance(one, StreamPointer) for one in arguments)
        if not isinstance(callee, FunctionName):
            name = function.name if isinstance(function, syntax.Member) else ""
            if streams:
                made.append(Handed(f"->{name}"))
            return f"{name}()"
        name = callee.symbol
        if name in SILENT:
            return f"{name}()"
        if name.startswith(("vmstate_save_state", "vmstate_load_state")) and streams:
            made.append(Handed(f"state({said(arguments[1])})"))
            return f"{name}()"
        return self._named_call(name, arguments, streams, place, memory, made)

    def _named_call(
        self,
        name: str,
        arguments: list[Held],
        streams: bool,
        place: Naming,
        memory: LocalState,
        made: list[Move],
    ) -> Held:
        known = self._unit.function(name)
        body = known.body if known is not None else None
        fits = name not in place.inside and len(place.inside) < _MAX_DEPTH
        if known is not None and body is not None and fits:
            if streams or any(isinstance(one, LocalAddress) for one in arguments):
                moved, held = self._run.body(known, arguments, memory, place.inside)
                made += moved if streams else ()
                return held if held not in ("", UNKNOWN) else f"{name}()"
            if len(body.items) == 1 and isinstance(body.items[0], syntax.Return):
                moved, held = self._run.body(
                    known, arguments, memory.copy(), place.inside
                )
                if not moved and held not in ("", UNKNOWN):
                    return held
        if body is not None:
            memory.forget(changed_members(body))
        if streams:
            inside: list[Move] = []
            for one in arguments:
                if isinstance(one, FunctionName):
                    passed = self._unit.function(one.symbol)
                    if passed is not None and passed.body is not None:
                        inside += self._run.body(
                            passed,
                            _passed_on(passed, arguments),
                            memory.copy(),
                            place.inside,
                        )[0]
            made.append(Loop(f"each {name}()", tuple(inside)) if inside else Handed(f"{name}()"))  # fmt: skip
        for one in arguments:
            if isinstance(one, LocalAddress):
                memory.cells[one.cell] = f"{name}()"
        texts = [
            said(one)
            for one in arguments
            if isinstance(one, str) and one not in ("", UNKNOWN)
        ]
        return short(f"{name}({', '.join(texts)})")

    def _word(
        self,
        name: str,
        call: syntax.Call,
        place: Naming,
        memory: LocalState,
        made: list[Move],
    ) -> Held | None:
        """A call of ``migration/qemu-file.h`` that moves bytes; None if it is none."""
        puts = name.startswith("qemu_put_")
        kind = name[len("qemu_get_") :]
        arguments = call.arguments
        if kind == "buffer" and len(arguments) == 3:
            self.value(arguments[1], place, memory, made)
            size = said(self.value(arguments[2], place, memory, made))
            made.append(MovedBytes(size))
            return size
        type = WORDS.get(kind) or POINTED.get(kind)
        if type is None or ((puts or kind in POINTED) and len(arguments) < 2):
            return None
        bits = int(type.lstrip("uint"))
        if puts:
            held = self.value(arguments[1], place, memory, made)
            if kind in POINTED and isinstance(held, LocalAddress):
                held = memory.cells.get(held.cell, UNKNOWN)
            made.append(MovedWord(bits, said(held)))
            return UNKNOWN
        token = self._words.fresh("$")
        self._bits[token] = bits
        made.append(MovedWord(bits, token))
        if kind in POINTED:
            target = self.value(arguments[1], place, memory, made)
            if isinstance(target, LocalAddress):
                memory.cells[target.cell] = token
            elif isinstance(target, str) and target not in ("", UNKNOWN):
                self._words.is_same(token, target)
                memory.members[target] = token
        return f"signed({token})" if type[0] == "i" and bits < 32 else token


def _passed_on(function: syntax.FunctionDecl, arguments: Sequence[Held]) -> list[Held]:
    """What a function that was passed on gets: the stream, if that was passed on too."""
    last = len(function.type.parameters) - 1
    return [
        (
            StreamPointer()
            if is_stream(parameter.type) or (number == last and _is_void(parameter))
            else ""
        )
        for number, parameter in enumerate(function.type.parameters)
    ]


def _is_void(parameter: syntax.Parameter) -> bool:
    return parameter.type == syntax.PointerType(syntax.BasicType("void"))
