"""A function that loads: what it changes in its object is followed, and what it leaves
open is not known after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vmgen.cfront import syntax
from vmgen.cfront.syntax import Expr, Statement
from vmgen.cfront.walk import walk
from vmgen.source import NOWHERE, Position
from vmgen.translate import scalar
from vmgen.translate.failure import Untranslatable
from vmgen.translate.paths import Outcome, Path, PathFork
from vmgen.translate.policy import Called, Engine, Policy
from vmgen.translate.scalar import Scalar
from vmgen.translate.spot import Spot, SpotPointer
from vmgen.translate.values import (
    BlockFrame,
    Local,
    Outside,
    PathState,
    Truth,
    Untranslated,
    Value,
)


class Loading(Policy):
    """A function that may change its object; what it puts there is read again.

    Paths are joined after each statement: such functions are long, and what they ask of
    them is each return's own condition.
    """

    apart = False
    max_turns = 256

    def __init__(self) -> None:
        self._spots: dict[str, Spot] = {}

    # --- the object -----------------------------------------------------------------

    def read(self, spot: Spot, state: PathState, position: Position) -> Value | None:
        """What the function has left at a place."""
        if not state.changed:
            return None
        path, subscripts = spot.path()
        if not subscripts and path in state.changed:
            return state.changed[path]
        for other, value in state.changed.items():
            if _overlap(path, other):
                if isinstance(value, Untranslated):
                    return value
                return Untranslated(f"reads '{path}' after it was changed ({position})")
        return None

    def write(
        self, spot: Spot, value: Value, state: PathState, position: Position
    ) -> None:
        """An assignment to a place in the object, kept for what reads it later."""
        path, subscripts = spot.path()
        if subscripts:
            path = _known_part(path)
            value = Untranslated(f"reads '{path}' after it was changed ({position})")
        else:
            self._spots[path] = spot
        _forget(state, path)
        state.changed[path] = value

    def write_elsewhere(
        self,
        engine: Engine,
        expr: Expr,
        place: Outside | Untranslated,
        frame: BlockFrame,
        state: PathState,
    ) -> None:
        """What reads a global asks for it; a place that is not known may be any."""
        if isinstance(place, Untranslated):
            _blur(engine, expr, frame, state, place.reason)

    def join(
        self,
        engine: Engine,
        condition: Truth,
        then: PathState,
        otherwise: PathState,
        into: PathState,
    ) -> None:
        """A place that was changed on either path holds a choice, where both are known."""
        for path in then.changed.keys() | otherwise.changed.keys():
            ours = self._held(engine, path, then.changed)
            theirs = self._held(engine, path, otherwise.changed)
            if ours is not None and theirs is not None:
                into.changed[path] = engine.choose(condition, ours, theirs)

    def _held(
        self, engine: Engine, path: str, changed: dict[str, Value]
    ) -> Value | None:
        """What a place holds; None if that is not known."""
        if path in changed:
            value = changed[path]
            return None if isinstance(value, Untranslated) else value
        if path not in self._spots or any(_overlap(path, other) for other in changed):
            return None
        return engine.load(self._spots[path], NOWHERE)

    def outside_call(self, call: Called, state: PathState) -> None:
        """A function that is not followed may change what it gets a pointer to."""
        _given(call.name, call.arguments, state, call.position)

    # --- what has no translation ------------------------------------------------------

    def untranslatable(
        self,
        engine: Engine,
        statement: Statement,
        frame: BlockFrame,
        before: PathState,
        failure: Untranslatable,
    ) -> Outcome:
        """What the statement changes is lost, and whether one of its returns is met is
        not known."""
        state, reason = before, failure.reason
        if isinstance(statement, syntax.Return):
            value = constant(statement.value) or Untranslated(reason)
            return Path("return", state, value, statement.position)
        jumps = [node for node in walk(statement) if isinstance(node, syntax.Jump)]
        whole = isinstance(statement, syntax.For | syntax.While | syntax.Switch)
        if not whole and any(jump.kind != "goto" for jump in jumps):
            raise failure  # the loop around it is not known then
        inner = frame.inner()
        for local in walk(statement):
            if isinstance(local, syntax.LocalDecl):
                if isinstance(local.type, syntax.AutoType):
                    raise failure
                cell = engine.cell(engine.resolve(local.type, inner))
                inner.names[local.name] = cell
                state.cells[cell] = Untranslated(reason)
                if statement is local:
                    frame.names[local.name] = cell
        for node in walk(statement):
            match node:
                case syntax.Assign(_, target) | syntax.UnaryOperation(
                    "++" | "--" | "p++" | "p--", target
                ):
                    _blur_local(engine, target, inner, state, reason)
                case syntax.Call(_, arguments):
                    values = [_plain(engine, item, inner, state) for item in arguments]
                    _given("a function", values, state, node.position)
        outcome: Outcome = Path("on", state)
        for gone in _leaving(engine, statement, inner, state):
            outcome = PathFork(Untranslated(reason), gone, outcome)
        return outcome


def _leaving(
    engine: Engine, statement: Statement, frame: BlockFrame, state: PathState
) -> Iterator[Outcome]:
    """The paths out of the function from inside a statement."""
    for node in walk(statement):
        if isinstance(node, syntax.Return):
            left: Value | None = None
            if node.value is not None:
                left = constant(node.value) or _plain(engine, node.value, frame, state)
            yield Path("return", state.copy(), left, node.position)
    for node in walk(statement):
        if isinstance(node, syntax.Jump) and node.kind == "goto":
            yield engine.goto(node.label, frame, state.copy(), node.position)


def _blur_local(
    engine: Engine, target: Expr, frame: BlockFrame, state: PathState, reason: str
) -> None:
    if isinstance(target, syntax.Name) and target.name in frame.names:
        state.cells[frame.names[target.name]] = Untranslated(reason)
        return
    try:
        _blur(engine, target, frame, state, reason)
    except Untranslatable:
        _lost(state, "", reason)


def _blur(
    engine: Engine, expr: Expr, frame: BlockFrame, state: PathState, reason: str
) -> None:
    """Something at ``expr`` changes, but not even its place is known: the innermost
    place around it that is."""
    inner: Expr | None = expr
    while inner is not None:
        place = engine.target(inner, frame, state.copy())
        if isinstance(place, Local):
            held = state.cells.get(place.cell)
            if isinstance(held, Outside):
                return
            if not isinstance(held, SpotPointer):
                state.cells[place.cell] = Untranslated(reason)
                if inner is expr:
                    return
                break  # a pointer that may lead into the object
            place = held.spot
        if isinstance(place, Spot):
            _lost(state, _known_part(place.path()[0]), reason)
            return
        if isinstance(place, Outside):
            return
        match inner:
            case syntax.Member(below, _) | syntax.Index(below, _):
                inner = below
            case syntax.UnaryOperation(_, below) | syntax.Cast(_, below):
                inner = below
            case _:
                inner = None
    _lost(state, "", reason)


def _given(
    name: str, arguments: Sequence[Value], state: PathState, position: Position
) -> None:
    """A function that is not followed gets arguments."""
    for argument in arguments:
        if isinstance(argument, Local):
            stored = f"reads what {name}() stored ({position})"
            state.cells[argument.cell] = Untranslated(stored)
        if isinstance(argument, SpotPointer):
            path = _known_part(argument.spot.path()[0])
            _lost(state, path, f"reads what {name}() may change ({position})")


def _plain(engine: Engine, expr: Expr, frame: BlockFrame, state: PathState) -> Value:
    """The value of an expression for its own sake."""
    try:
        return engine.value(expr, frame, state.copy())
    except Untranslatable as failure:
        return Untranslated(failure.reason)


def constant(expr: Expr | None) -> Scalar | None:
    """A number that is written out, None for all else."""
    match expr:
        case syntax.IntegerLiteral(number):
            return scalar.constant(number)
        case syntax.UnaryOperation("-", syntax.IntegerLiteral(number)):
            return scalar.constant(-number)
        case syntax.Name("true" | "false" as name):
            return scalar.constant(int(name == "true"))
        case _:
            return None


# --- places -------------------------------------------------------------------------


def _known_part(path: str) -> str:
    """The path up to its first computed subscript."""
    return path.split("[$", 1)[0]


def _parts(path: str) -> list[str]:
    return [
        part
        for part in path.replace("->", ".").replace("[", ".[").split(".")
        if part and part != "[0]"
    ]


def _overlap(one: str, two: str) -> bool:
    """Whether one of the places lies in the other."""
    for mine, theirs in zip(_parts(one), _parts(two), strict=False):
        if mine != theirs and "[$" not in mine and "[$" not in theirs:
            return False
    return True


def _lost(state: PathState, path: str, reason: str) -> None:
    """What is at a place or below is not known any more."""
    _forget(state, path)
    state.changed[path] = Untranslated(reason)


def _forget(state: PathState, path: str) -> None:
    """Drops what was known of places inside of this one."""
    inside = _parts(path)
    for other in [*state.changed]:
        if _parts(other)[: len(inside)] == inside:
            del state.changed[other]
