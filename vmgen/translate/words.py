"""Custom ``VMStateInfo`` get and put functions as the words they move.

The wire holds a fixed sequence of words where ``get`` and ``put`` call the functions of
``migration/qemu-file.c`` and ``migration/qemu-file-types.h`` a constant number of times
in one order, whatever they do with the values.
"""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from vmgen import ir
from vmgen.cfront import syntax
from vmgen.cfront.arithmetic import BASIC_TYPES, integer_of
from vmgen.cfront.ctype import CType, Integer
from vmgen.cfront.layout import Layout
from vmgen.cfront.layout.model import Declarations
from vmgen.cfront.syntax import Expr, Statement
from vmgen.source import NOWHERE, Position
from vmgen.translate import scalar
from vmgen.translate.failure import Untranslatable
from vmgen.translate.moves import POINTED, SILENT, WORDS, moves
from vmgen.translate.outcome import Outcome, Way, ways
from vmgen.translate.scalar import Scalar
from vmgen.translate.spot import Navigator, Reference, Spot
from vmgen.translate.statements import Statements
from vmgen.translate.values import (
    Frame,
    Local,
    Moved,
    Outside,
    State,
    Stream,
    Target,
    Unknown,
    Value,
)

_C_TYPES = {
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "uint32": "unsigned int",
    "uint64": "unsigned long",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long",
}


class _Mover(Statements):
    """A get or put function; values matter only as far as they decide what moves."""

    def __init__(self, layout: Layout, navigator: Navigator) -> None:
        super().__init__(layout, navigator)
        self.through_bool: set[int] = set()
        self.types: dict[str, Integer] = {}

    def call(
        self, name: str, call: syntax.Call, arguments: list[Value], state: State
    ) -> Value | None:
        if not any(isinstance(argument, Stream) for argument in arguments):
            return self._aside(name, arguments, state, call.position)
        if name in SILENT:
            return Unknown("uses the state of the stream")
        for prefix in ("qemu_get_", "qemu_put_"):
            kind = name.removeprefix(prefix)
            if kind == name:
                continue
            if kind in POINTED:
                return self._pointed(prefix, POINTED[kind], arguments, state)
            if kind == "timer":
                return self._move(state, "int64", "")
            if kind in WORDS and prefix == "qemu_get_":
                return self._move(state, WORDS[kind], "")
            if kind in WORDS:
                return self._put(WORDS[kind], arguments[1], state)
        function = self._layout.unit.function(name)
        if function is None or function.body is None:
            raise Untranslatable(f"gives the stream to {name}()", call.position)
        return None

    def _call(self, expr: syntax.Call, frame: Frame, state: State) -> Value:
        """A function behind a pointer may move anything, if it gets the stream."""
        pointer = (
            not isinstance(expr.function, syntax.Name)
            or expr.function.name in frame.names
        )
        if pointer and any(
            isinstance(self.value(argument, frame, state), Stream)
            for argument in expr.arguments
        ):
            raise Untranslatable(
                "gives the stream to a function behind a pointer", expr.position
            )
        return super()._call(expr, frame, state)

    def _aside(
        self, name: str, arguments: list[Value], state: State, position: Position
    ) -> Value | None:
        """A call that moves nothing: it is followed only for the pointer it returns."""
        function = self._layout.unit.function(name)
        if function is None or function.body is None:
            return None
        try:
            way = state.copy()
            value = self.inline(function, arguments, way, position)
        except Untranslatable as failure:
            for argument in arguments:
                if isinstance(argument, Local):
                    state.cells[argument.cell] = Unknown(failure.reason)
            return Unknown(failure.reason)
        state.become(way)
        return value

    def _move(self, state: State, type: str, member: str) -> Scalar:
        """One word more; its value."""
        number = len(state.moved)
        state.moved = (*state.moved, Moved(type, member))
        integer = integer_of(BASIC_TYPES[_C_TYPES[type]])
        assert integer is not None
        return scalar.of_type(ir.Var(f"word {number}"), integer)

    def _pointed(
        self, prefix: str, type: str, arguments: list[Value], state: State
    ) -> Value:
        pointer = arguments[1]
        if prefix == "qemu_put_":
            held: Value = Unknown("puts what is not of its object")
            if isinstance(pointer, Reference):
                held = self.load(self._navigator.follow(pointer), NOWHERE)
            elif isinstance(pointer, Local):
                held = state.cells.get(pointer.cell, held)
            return self._put(type, held, state)
        word = self._move(state, type, "")
        if isinstance(pointer, Reference):
            self.write(self._navigator.follow(pointer), word, state, NOWHERE)
        elif isinstance(pointer, Local):
            state.cells[pointer.cell] = self.assigned(word, self._types[pointer.cell])
        return Unknown("uses a void value")

    def _put(self, type: str, value: Value, state: State) -> Value:
        member = ""
        if isinstance(value, Scalar):
            expr = _bare(value.expr)
            if isinstance(expr, ir.Load) and not expr.subscripts:
                member = expr.path
            if value.type.name == "_Bool" or value.boolean:
                self.through_bool.add(len(state.moved))
        self._move(state, type, member)
        return Unknown("uses a void value")

    def store(
        self, target: Target, value: Value, state: State, position: Position
    ) -> Value:
        """Puts a value into a place; one outside of the object is no matter here."""
        if isinstance(target, Outside | Unknown):
            return value
        return super().store(target, value, state, position)

    def load(self, spot: Spot, position: Position) -> Value:
        """The value of a member, whose type is noted."""
        self._note(spot)
        return super().load(spot, position)

    def _note(self, spot: Spot) -> None:
        type = integer_of(spot.type)
        if type is not None:
            self.types[spot.path()[0]] = type

    def write(self, spot: Spot, value: Value, state: State, position: Position) -> None:
        path, subscripts = spot.path()
        if not isinstance(value, Scalar) or subscripts:
            return
        number = _word(value.expr)
        if number is None:
            return
        self._note(spot)
        moved = state.moved[number]
        member = path if moved.member in ("", path) else ""
        state.moved = (
            *state.moved[:number],
            replace(moved, member=member),
            *state.moved[number + 1 :],
        )

    def passed(self, name: str, position: Position) -> None:
        """What a function does with the object does not show on the wire."""

    def assigned(self, value: Value, type: CType) -> Value:
        if (
            isinstance(value, Scalar)
            and isinstance(type, Integer)
            and type.name == "_Bool"
        ):
            number = _word(value.expr)
            if number is not None:
                self.through_bool.add(number)
        return super().assigned(value, type)

    def open_loop(
        self,
        condition: Expr,
        step: Expr | None,
        body: Statement,
        frame: Frame,
        state: State,
        position: Position,
    ) -> Outcome:
        """Goes through a loop once: it must move nothing, and what it sets is unknown."""
        reason = Unknown(f"depends on a loop ({position})")
        for name, cell in frame.names.items():
            if name in _assigned_names(body) or (
                step and name in _assigned_names(step)
            ):
                state.cells[cell] = reason
        outcome = self.statement(body, frame.inner(), state.copy())
        for way in ways(outcome):
            if len(way.state.moved) != len(state.moved):
                raise Untranslatable("the number of words depends on data", position)
        return Way("on", state)


def _assigned_names(node: object) -> frozenset[str]:
    """The names that are assigned to, stepped, or whose address is taken, anywhere in a
    statement or expression."""
    names: set[str] = set()
    pending = [node]
    while pending:
        match pending.pop():
            case syntax.Assign(_, syntax.Name(name), value):
                names.add(name)
                pending.append(value)
            case syntax.Unary("++" | "--" | "p++" | "p--" | "&", syntax.Name(name)):
                names.add(name)
            case tuple() as items:
                pending += items
            case part if hasattr(part, "__slots__"):
                pending += [getattr(part, slot) for slot in part.__slots__]
            case _:
                pass
    return frozenset(names)


def _bare(expr: ir.Expr) -> ir.Expr:
    """The value without the conversions around it."""
    while True:
        match expr:
            case ir.Truncate(_, operand):
                expr = operand
            case ir.Binary("!=", operand, ir.Const(0)):
                expr = operand
            case _:
                return expr


def _word(expr: ir.Expr) -> int | None:
    """The number of the word that a value is, None if it is not just a word."""
    match _bare(expr):
        case ir.Var(name) if name.startswith("word "):
            return int(name.removeprefix("word "))
        case _:
            return None


def words(
    unit: Declarations, layout: Layout, get: str, put: str
) -> tuple[ir.Word, ...] | str:
    """The words that the functions ``get`` and ``put`` of an info move, in order.

    A word has the member it goes to, relative to the element, if both functions agree
    on it; a text instead says why the wire is no fixed sequence of words.
    """
    try:
        loaded, load_bools, types = _moves(unit, layout, get)
        if loaded and _moves_nothing(layout, put):
            # Only older streams have it: QEMU itself never calls put.
            saved, save_bools, saved_types = loaded, load_bools, types
        else:
            saved, save_bools, saved_types = _moves(unit, layout, put)
    except Untranslatable as failure:
        return failure.reason
    if len(loaded) != len(saved):
        return f"{get} reads {len(loaded)} words, {put} writes {len(saved)}"
    found = []
    for number, (ours, theirs) in enumerate(zip(loaded, saved, strict=True)):
        if ours.type.lstrip("u") != theirs.type.lstrip("u"):
            return f"word {number} is {ours.type} in {get}, {theirs.type} in {put}"
        member = ours.member if ours.member == theirs.member else ""
        type = ours.type
        if member:
            own = types.get(member) or saved_types.get(member)
            if own is not None and 8 * own.size == int(type.lstrip("uint")):
                type = scalar.int_type(own)
        if type in ("uint8", "int8") and number in load_bools & save_bools:
            type = "bool"
        found.append(ir.Word(_int_type(type), member))
    return tuple(found)


def _moves_nothing(layout: Layout, symbol: str) -> bool:
    """True for a function whose body is here and does not touch the stream."""
    function = layout.unit.function(symbol)
    return (
        function is not None and function.body is not None and not moves(layout, symbol)
    )


def _int_type(name: str) -> ir.IntType:
    assert name in get_args(ir.IntType)
    return name  # type: ignore[return-value]  # just checked


def _moves(
    unit: Declarations, layout: Layout, symbol: str
) -> tuple[tuple[Moved, ...], set[int], dict[str, Integer]]:
    """The words of one function, those that are a bool, and the types of the members."""
    function = unit.function(symbol)
    if function is None or function.body is None:
        raise Untranslatable(f"{symbol}() has no body in this file")
    navigator = Navigator(layout)
    mover, moved = _through(function, layout, navigator)
    root = navigator.outermost()
    if len(navigator.views) > 1 and root is not None:
        mover, moved = _through(function, layout, Navigator(layout, root))
    return moved, mover.through_bool, mover.types


def _through(
    function: syntax.FunctionDecl, layout: Layout, navigator: Navigator
) -> tuple[_Mover, tuple[Moved, ...]]:
    """What moves on every way through the function that reports no error."""
    mover = _Mover(layout, navigator)
    arguments: list[Value] = [Stream(), navigator.object()]
    arguments += [
        Unknown(f"uses the {what} of {function.name}()")
        for what in ("size", "field", "vmdesc")
    ]
    outcome = mover.enter(function, arguments, State())
    result = layout.resolve(function.type.result)
    told = isinstance(result, Integer) and result.name == "_Bool"
    sequences = [
        way.state.moved
        for way in ways(outcome)
        if way.end != "dead" and not _is_error(way.value, told)
    ]
    if not sequences:
        raise Untranslatable(f"{function.name}() always fails")
    first = sequences[0]
    for other in sequences[1:]:
        if [word.type for word in other] != [word.type for word in first]:
            raise Untranslatable(f"the words of {function.name}() depend on data")
        first = tuple(
            ours if ours == theirs else Moved(ours.type)
            for ours, theirs in zip(first, other, strict=True)
        )
    return mover, first


def _is_error(value: Value | None, told: bool) -> bool:
    """True for what ``return -EINVAL`` gives, or ``return false`` of a function that
    tells whether it worked (newer upstream): the migration fails there."""
    if not isinstance(value, Scalar) or value.constant is None:
        return False
    return (value.constant == 0) == told
