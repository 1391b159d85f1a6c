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
from vmgen.cfront.ctype import Integer
from vmgen.cfront.layout import Layout
from vmgen.cfront.layout.model import Declarations
from vmgen.cfront.syntax import Expr
from vmgen.source import Position, VmgenError
from vmgen.translate import scalar
from vmgen.translate.failure import Untranslatable, definition, unreadable
from vmgen.translate.machine import CMachine, with_object
from vmgen.translate.moves import POINTED, SILENT, WORDS, moves
from vmgen.translate.moves.changes import changed
from vmgen.translate.paths import Outcome, Path, paths
from vmgen.translate.policy import Called, Engine, OpenLoop, Policy
from vmgen.translate.scalar import Scalar
from vmgen.translate.spot import Navigator, Spot, SpotPointer
from vmgen.translate.values import (
    BlockFrame,
    Local,
    Outside,
    PathState,
    StreamArgument,
    StreamWord,
    Untranslated,
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


class Moving(Policy):
    """A get or put function; values matter only as far as they decide what moves.

    ``bools`` are the words that pass through a ``_Bool``, ``types`` those of the members
    that are read or written, by path.
    """

    def __init__(self) -> None:
        self.bools: set[int] = set()
        self.types: dict[str, Integer] = {}
        self._numbers: dict[ir.Expr, int] = {}

    # --- calls --------------------------------------------------------------------------

    def call(
        self, engine: Engine, call: Called, frame: BlockFrame, state: PathState
    ) -> Value | None:
        """What moves a word, or what gets the stream to do so."""
        name = call.name
        if not call.takes_stream:
            return self._aside(engine, call, frame, state)
        if name in SILENT:
            return Untranslated("uses the state of the stream")
        for prefix in ("qemu_get_", "qemu_put_"):
            kind = name.removeprefix(prefix)
            if kind == name:
                continue
            if kind in POINTED and prefix == "qemu_put_":
                return self._put_pointed(engine, POINTED[kind], call, state)
            if kind in POINTED:
                return self._get_pointed(engine, POINTED[kind], call, state)
            if kind == "timer":
                return self._move(state, "int64", "")
            if kind in WORDS and prefix == "qemu_get_":
                return self._move(state, WORDS[kind], "")
            if kind in WORDS:
                return self._put(WORDS[kind], call.arguments[1], state)
        function = engine.layout.unit.function(name)
        if function is None or function.body is None:
            raise Untranslatable(f"gives the stream to {name}()", call.position)
        return None

    def outside_call(self, call: Called, state: PathState) -> None:
        """A function behind a pointer may move anything, if it gets the stream; what a
        function does with the object does not show on the wire."""
        if call.takes_stream:
            raise Untranslatable(
                "gives the stream to a function behind a pointer", call.position
            )

    def _aside(
        self, engine: Engine, call: Called, frame: BlockFrame, state: PathState
    ) -> Value | None:
        """A call that moves nothing: it is followed only for the pointer it returns."""
        function = engine.layout.unit.function(call.name)
        if function is None or function.body is None:
            return None
        try:
            path = state.copy()
            value = engine.inline(function, call.arguments, frame, path, call.position)
        except Untranslatable as failure:
            for argument in call.arguments:
                if isinstance(argument, Local):
                    state.cells[argument.cell] = Untranslated(failure.reason)
            return Untranslated(failure.reason)
        state.become(path)
        return value

    # --- words --------------------------------------------------------------------------

    def _move(self, state: PathState, type: str, member: str) -> Scalar:
        """One word more; its value."""
        number = len(state.moved)
        state.moved = (*state.moved, StreamWord(type, member))
        integer = integer_of(BASIC_TYPES[_C_TYPES[type]])
        assert integer is not None
        word = ir.Var(f"{type} word {number}")
        self._numbers[word] = number
        return scalar.of_type(word, integer)

    def _get_pointed(
        self, engine: Engine, type: str, call: Called, state: PathState
    ) -> Value:
        word = self._move(state, type, "")
        pointer = call.arguments[1]
        if isinstance(pointer, SpotPointer):
            place = engine.navigator.follow(pointer)
            self.write(place, word, state, call.position)
        elif isinstance(pointer, Local):
            type_of_cell = integer_of(engine.cell_type(pointer.cell))
            held = scalar.convert(word, type_of_cell or word.type)
            state.cells[pointer.cell] = held
        return Untranslated("uses a void value")

    def _put_pointed(
        self, engine: Engine, type: str, call: Called, state: PathState
    ) -> Value:
        held: Value = Untranslated("puts what is not of its object")
        pointer = call.arguments[1]
        if isinstance(pointer, SpotPointer):
            place = engine.navigator.follow(pointer)
            self._note(place)
            held = engine.load(place, call.position)
        elif isinstance(pointer, Local):
            held = state.cells.get(pointer.cell, held)
        return self._put(type, held, state)

    def _put(self, type: str, value: Value, state: PathState) -> Value:
        member = ""
        if isinstance(value, Scalar):
            expr = _bare(value.expr)
            if isinstance(expr, ir.Load) and not expr.subscripts:
                member = expr.path
            if value.type.name == "_Bool" or value.boolean:
                self.bools.add(len(state.moved))
        self._move(state, type, member)
        return Untranslated("uses a void value")

    def word(self, value: Value) -> tuple[int, ...]:
        """The number of the word that a value is; none if it is not just a word."""
        if not isinstance(value, Scalar):
            return ()
        number = self._numbers.get(_bare(value.expr))
        return () if number is None else (number,)

    # --- the object ---------------------------------------------------------------------

    def read(self, spot: Spot, state: PathState, position: Position) -> Value | None:
        """A member is as it was; its type is noted."""
        self._note(spot)
        return None

    def _note(self, spot: Spot) -> None:
        type = integer_of(spot.type)
        if type is not None:
            self.types[spot.path()[0]] = type

    def write(
        self, spot: Spot, value: Value, state: PathState, position: Position
    ) -> None:
        """A word has the member that it goes to; all else is no matter here."""
        path, subscripts = spot.path()
        for number in () if subscripts else self.word(value):
            self._note(spot)
            if path in self.types and self.types[path].name == "_Bool":
                self.bools.add(number)
            moved = state.moved[number]
            member = path if moved.member in ("", path) else ""
            state.moved = (
                *state.moved[:number],
                replace(moved, member=member),
                *state.moved[number + 1 :],
            )

    def write_elsewhere(
        self,
        engine: Engine,
        expr: Expr,
        place: Outside | Untranslated,
        frame: BlockFrame,
        state: PathState,
    ) -> None:
        """Stores outside of the object do not show on the wire."""

    # --- loops --------------------------------------------------------------------------

    def open_loop(
        self, engine: Engine, loop: OpenLoop, frame: BlockFrame, state: PathState
    ) -> Outcome:
        """Goes through a loop once: it must move nothing, and what it sets is unknown."""
        reason = Untranslated(f"depends on a loop ({loop.position})")
        names = changed(loop.body, loop.step)
        for name, cell in frame.names.items():
            if name in names:
                state.cells[cell] = reason
        outcome = engine.statement(loop.body, frame.inner(), state.copy())
        for path in paths(outcome):
            if len(path.state.moved) != len(state.moved):
                raise Untranslatable(
                    "the number of words depends on data", loop.position
                )
        return Path("on", state)


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
    except RecursionError:
        return f"{get} or {put} is nested too deeply"
    except VmgenError as error:
        return f"C that {get} or {put} needs {unreadable(error)}"
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
    function, _, _ = definition(layout.unit, symbol)
    return function is not None and not moves(layout, symbol)


def _int_type(name: str) -> ir.IntType:
    assert name in get_args(ir.IntType)
    return name  # type: ignore[return-value]  # just checked


def _moves(
    unit: Declarations, layout: Layout, symbol: str
) -> tuple[tuple[StreamWord, ...], set[int], dict[str, Integer]]:
    """The words of one function, those that are a bool, and the types of the members."""
    function, reason, _ = definition(unit, symbol)
    if function is None:
        raise Untranslatable(reason)
    (policy, moved), _, _ = with_object(
        layout, lambda navigator: _through(function, layout, navigator)
    )
    return moved, policy.bools, policy.types


def _through(
    function: syntax.FunctionDecl, layout: Layout, navigator: Navigator
) -> tuple[Moving, tuple[StreamWord, ...]]:
    """What moves on every path through the function that reports no error."""
    policy = Moving()
    arguments: list[Value] = [StreamArgument(), navigator.object()]
    arguments += [
        Untranslated(f"uses the {what} of {function.name}()")
        for what in ("size", "field", "vmdesc")
    ]
    outcome = CMachine(layout, navigator, policy).enter(function, arguments)
    result = layout.resolve(function.type.result)
    says_success = isinstance(result, Integer) and result.name == "_Bool"
    ends = [
        path
        for path in paths(outcome)
        if path.end != "dead" and not _is_error(path.value, says_success)
    ]
    if not ends:
        raise Untranslatable(f"{function.name}() always fails")
    for path in ends:
        for value in path.state.cells.values():
            if isinstance(value, Scalar) and value.type.name == "_Bool":
                policy.bools.update(policy.word(value))
    first = ends[0].state.moved
    for path in ends[1:]:
        other = path.state.moved
        if [word.type for word in other] != [word.type for word in first]:
            raise Untranslatable(f"the words of {function.name}() depend on data")
        first = tuple(
            ours if ours == theirs else StreamWord(ours.type)
            for ours, theirs in zip(first, other, strict=True)
        )
    return policy, first


def _is_error(value: Value | None, says_success: bool) -> bool:
    """True for what ``return -EINVAL`` gives, or ``return false`` of a function whose
    result says that it worked (newer upstream): the migration fails there."""
    if not isinstance(value, Scalar) or value.constant is None:
        return False
    return (value.constant == 0) == says_success
