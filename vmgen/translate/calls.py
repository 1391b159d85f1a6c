"""Calls: builtins of the compiler, functions that are followed, and those left to the policy."""

from __future__ import annotations

from collections.abc import Sequence

from vmgen import ir
from vmgen.cfront import ctype, syntax
from vmgen.cfront.arithmetic import LONG, integer_of
from vmgen.cfront.builtins import BUILTINS
from vmgen.cfront.ctype import CType, Integer, Pointer
from vmgen.cfront.printer import phrase
from vmgen.source import Position
from vmgen.translate import scalar
from vmgen.translate.failure import Untranslatable
from vmgen.translate.paths import Outcome, Path
from vmgen.translate.places import Places
from vmgen.translate.policy import Called, Engine, Policy
from vmgen.translate.scalar import Scalar
from vmgen.translate.spot import SpotPointer
from vmgen.translate.values import (
    BlockFrame,
    Local,
    Outside,
    PathState,
    Untranslated,
    Value,
)

#: QOM's checked casts (qom/object.c): the pointer itself, or an abort.
CHECKED_CASTS = frozenset(
    ("object_dynamic_cast_assert", "object_class_dynamic_cast_assert")
)
#: Calls inside calls that are followed.
_MAX_DEPTH = 16


class Calls:
    """Evaluates calls."""

    def __init__(self, engine: Engine, places: Places, policy: Policy) -> None:
        self._engine = engine
        self._layout = engine.layout
        self._places = places
        self._policy = policy

    def value(self, expr: syntax.Call, frame: BlockFrame, state: PathState) -> Value:
        """The value of a call."""
        function = expr.function
        if not isinstance(function, syntax.Name) or function.name in frame.names:
            arguments = self._arguments(expr.arguments, frame, state)
            call = Called(phrase(function), arguments, expr.position)
            self._outside(call, state)
            return Untranslated(f"calls through a pointer ({expr.position})")
        if function.name == "__builtin_choose_expr":
            scope = self._places.scope(frame)
            chosen = self._layout.constant(expr.arguments[0], scope)
            return self._engine.value(expr.arguments[1 if chosen else 2], frame, state)
        arguments = self._arguments(expr.arguments, frame, state)
        return self._named(
            Called(function.name, arguments, expr.position), frame, state
        )

    def _arguments(
        self, arguments: Sequence[syntax.Expr], frame: BlockFrame, state: PathState
    ) -> list[Value]:
        return [self._engine.value(argument, frame, state) for argument in arguments]

    def _named(self, call: Called, frame: BlockFrame, state: PathState) -> Value:
        arguments = call.arguments
        match call.name:
            case "__builtin_expect":
                return self._places.assigned(arguments[0], LONG)
            case "__builtin_constant_p":
                first = arguments[0]
                known = isinstance(first, Scalar) and first.constant is not None
                return scalar.constant(int(known))
            case "__builtin_assume_aligned":
                return arguments[0]
            case "__atomic_load_n":
                place = self._places.follow(arguments[0], "*", call.position)
                return self._places.read(place, state, call.position)
            case name if name in CHECKED_CASTS:
                return arguments[0]
            case name if name in BUILTINS:
                return self._builtin(call)
        meaning = self._policy.call(self._engine, call, frame, state)
        if meaning is not None:
            return meaning
        function = self._layout.unit.function(call.name)
        if function is None:
            raise Untranslatable(
                f"calls {call.name}(), which is not declared", call.position
            )
        if function.body is None:
            return self._elsewhere(function, call, state)
        return self.inline(function, arguments, frame, state, call.position)

    def _builtin(self, call: Called) -> Value:
        builtin = BUILTINS[call.name]
        result = builtin.result
        if (
            builtin.fold is not None
            and len(call.arguments) == 1
            and isinstance(result, Integer)
        ):
            argument = call.arguments[0]
            if isinstance(argument, Scalar):
                converted = scalar.convert(argument, builtin.argument)
                if converted.constant is not None:
                    return scalar.constant(builtin.fold(converted.constant), result)
        return Untranslated(f"calls {call.name}() ({call.position})")

    # --- calls that are not followed ----------------------------------------------------

    def _outside(self, call: Called, state: PathState) -> None:
        """What a function that is not followed may do to what it gets."""
        for argument in call.arguments:
            if isinstance(argument, Local):
                state.cells[argument.cell] = Untranslated(
                    f"reads what {call.name}() stored ({call.position})"
                )
        self._policy.outside_call(call, state)

    def _elsewhere(
        self, function: syntax.FunctionDecl, call: Called, state: PathState
    ) -> Value:
        """The call of a function whose body is elsewhere: the context answers."""
        result = self._layout.resolve(function.type.result)
        call = Called(call.name, call.arguments, call.position, result)
        self._outside(call, state)
        if isinstance(result, ctype.Void):
            return Untranslated("uses a void value")
        words = _argument_words(call.arguments)
        if words is None:
            return Untranslated(
                f"calls {call.name}() with computed arguments ({call.position})"
            )
        name = f"{call.name}({words})" if words else call.name
        integer = integer_of(result)
        if integer is not None:
            return scalar.of_type(ir.Ask(name), integer)
        if isinstance(result, Pointer):
            return Outside(name, result)
        return Untranslated(f"calls {call.name}() ({call.position})")

    # --- calls that are followed --------------------------------------------------------

    def inline(
        self,
        function: syntax.FunctionDecl,
        arguments: Sequence[Value],
        frame: BlockFrame | None,
        state: PathState,
        position: Position,
    ) -> Value:
        """The value of a call, the body expanded in place."""
        calls = () if frame is None else frame.calls
        if function.name in calls or len(calls) >= _MAX_DEPTH:
            raise Untranslatable(f"calls {function.name}() too deep", position)
        outcome = self.enter(function, arguments, frame, state.copy())
        result = self._layout.resolve(function.type.result)
        value, after = self.returned(outcome, result)
        if after is None:
            raise Untranslatable(f"{function.name}() never returns", position)
        state.become(after)
        return value

    def enter(
        self,
        function: syntax.FunctionDecl,
        arguments: Sequence[Value],
        caller: BlockFrame | None,
        state: PathState,
    ) -> Outcome:
        """The paths through a function that gets ``arguments``."""
        assert function.body is not None
        calls = () if caller is None else caller.calls
        loops = () if caller is None else caller.loops
        frame = BlockFrame({}, (*calls, function.name), function.body, loops)
        for parameter, argument in zip(
            function.type.parameters, arguments, strict=False
        ):
            type = self._engine.resolve(parameter.type, frame)
            if isinstance(type, ctype.Array):
                type = Pointer(type.element)
            cell = self._places.cell(type)
            if parameter.name:
                frame.names[parameter.name] = cell
                state.cells[cell] = self._places.assigned(argument, type)
        return self._engine.run(function.body.items, frame, state)

    def returned(self, outcome: Outcome, type: CType) -> tuple[Value, PathState | None]:
        """The value a function returns, and what holds then; no state if it never does."""
        if isinstance(outcome, Path):
            if outcome.end == "dead":
                return Untranslated("never returns"), None
            if outcome.value is None:
                return Untranslated("uses a void value"), outcome.state
            return self._places.assigned(outcome.value, type), outcome.state
        then, after = self.returned(outcome.then, type)
        otherwise, other = self.returned(outcome.otherwise, type)
        if after is None or other is None:
            return (otherwise, other) if after is None else (then, after)
        state = self._engine.rejoin(outcome.condition, after, other)
        return self._engine.choose(outcome.condition, then, otherwise), state


def _argument_words(arguments: list[Value]) -> str | None:
    """Arguments in C words; empty for none or the object itself, None if computed."""
    words = []
    whole = True
    for argument in arguments:
        match argument:
            case SpotPointer(spot, _, 0):
                path, subscripts = spot.path()
                if subscripts:
                    return None
                if spot.through and path.endswith("[0]"):
                    path = path[:-3]
                elif path:
                    path = f"&{path}"
                whole = whole and not path
                words.append(path or "opaque")
            case Scalar(ir.Const(number, name)):
                whole = False
                words.append(name or str(number))
            case Outside(name):
                whole = False
                words.append(name)
            case _:
                return None
    return "" if whole else ", ".join(words)
