"""A function that loads: what it changes in its object is followed, and what it leaves
open is not known after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vmgen.cfront import syntax
from vmgen.cfront.layout import Layout
from vmgen.cfront.syntax import Expr, FunctionDecl, Statement
from vmgen.source import NOWHERE, Position
from vmgen.translate import scalar
from vmgen.translate.failure import Untranslatable
from vmgen.translate.outcome import Fork, Outcome, Way, each, ways
from vmgen.translate.phrase import phrase
from vmgen.translate.scalar import Scalar
from vmgen.translate.spot import Navigator, Reference, Spot
from vmgen.translate.statements import Statements
from vmgen.translate.values import (
    Frame,
    Local,
    Outside,
    State,
    Target,
    Unknown,
    Value,
)

_MAX_TURNS = 256
"""Turns of a loop that are written out."""


@dataclass(frozen=True, slots=True)
class Exits(Fork):
    """The ways out of a statement, and what comes after it: the first say themselves
    when they are met."""


class Loader(Statements):
    """A function that may change its object; what it puts there is read again."""

    _bodies: tuple[syntax.Block, ...] = ()
    _jumped: frozenset[str] = frozenset()

    def __init__(self, layout: Layout, navigator: Navigator) -> None:
        super().__init__(layout, navigator)
        self._spots: dict[str, Spot] = {}

    # --- the object -----------------------------------------------------------------

    def read(self, target: Target, state: State, position: Position) -> Value:
        """The value at a place, as the function has left it."""
        if isinstance(target, Spot) and state.changed:
            path, subscripts = target.path()
            if not subscripts and path in state.changed:
                return state.changed[path]
            for other, value in state.changed.items():
                if _overlap(path, other):
                    return (
                        value
                        if isinstance(value, Unknown)
                        else Unknown(
                            f"reads '{path}' after it was changed ({position})"
                        )
                    )
        return super().read(target, state, position)

    def write(self, spot: Spot, value: Value, state: State, position: Position) -> None:
        """An assignment to a place in the object, kept for what reads it later."""
        path, subscripts = spot.path()
        if subscripts:
            path = path.split("[$", 1)[0]
            value = Unknown(f"reads '{path}' after it was changed ({position})")
        else:
            self._spots[path] = spot
        _forget(state, path)
        state.changed[path] = value

    def rejoin(
        self, condition: Scalar | Unknown, states: tuple[State, State], into: State
    ) -> None:
        """One state for what holds after either of two ways."""
        then, otherwise = states
        before = then.changed, otherwise.changed
        super().rejoin(condition, states, into)
        for path in before[0].keys() | before[1].keys():
            values = [self._held(path, changed) for changed in before]
            if values[0] is not None and values[1] is not None:
                into.changed[path] = self.either_value(condition, values[0], values[1])

    def _held(self, path: str, changed: dict[str, Value]) -> Value | None:
        """What a place holds; None if that is not known."""
        if path in changed:
            value = changed[path]
            return None if isinstance(value, Unknown) else value
        if path not in self._spots or any(_overlap(path, other) for other in changed):
            return None
        return self.load(self._spots[path], NOWHERE)

    def store(
        self, target: Target, value: Value, state: State, position: Position
    ) -> Value:
        """Puts a value into a place; globals are asked for where they are read."""
        if isinstance(target, Outside):
            return value  # a global: what reads it asks
        if isinstance(target, Unknown):
            self._lost(state, "", target.reason)
            return value
        return super().store(target, value, state, position)

    def _assign(self, expr: syntax.Assign, frame: Frame, state: State) -> Value:
        place = self.target(expr.target, frame, state.copy())
        if isinstance(place, Unknown):
            self.target(expr.target, frame, state)
            value = self.value(expr.value, frame, state)
            self._blur(expr.target, frame, state, place.reason)
            return value
        return super()._assign(expr, frame, state)

    @staticmethod
    def _lost(state: State, path: str, reason: str) -> None:
        """What is at a place or below is not known any more."""
        _forget(state, path)
        state.changed[path] = Unknown(reason)

    def _blur(self, expr: Expr, frame: Frame, state: State, reason: str) -> None:
        """Something at ``expr`` changes, but not even its place is known: the innermost
        place around it that is."""
        inner: Expr | None = expr
        while inner is not None:
            place = self.target(inner, frame, state.copy())
            if isinstance(place, Local):
                held = state.cells.get(place.cell)
                if isinstance(held, Outside):
                    return
                if not isinstance(held, Reference):
                    state.cells[place.cell] = Unknown(reason)
                    if inner is expr:
                        return
                    break  # a pointer that may lead into the object
                place = held.spot
            if isinstance(place, Spot):
                self._lost(state, place.path()[0].split("[$", 1)[0], reason)
                return
            if isinstance(place, Outside):
                return
            match inner:
                case syntax.Member(below, _) | syntax.Index(below, _):
                    inner = below
                case syntax.Unary(_, below) | syntax.Cast(_, below):
                    inner = below
                case _:
                    inner = None
        self._lost(state, "", reason)

    # --- calls ----------------------------------------------------------------------

    def call(
        self, name: str, call: syntax.Call, arguments: list[Value], state: State
    ) -> Value | None:
        """No function means anything by its name."""
        return None

    def _call(self, expr: syntax.Call, frame: Frame, state: State) -> Value:
        if (
            isinstance(expr.function, syntax.Name)
            and expr.function.name not in frame.names
        ):
            return super()._call(expr, frame, state)
        arguments = [self.value(argument, frame, state) for argument in expr.arguments]
        self._given(phrase(expr.function), arguments, state, expr.position)
        return Unknown(f"calls through a pointer ({expr.position})")

    def _outside_call(
        self,
        function: FunctionDecl,
        arguments: list[Value],
        state: State,
        position: Position,
    ) -> Value:
        value = super()._outside_call(function, arguments, state, position)
        self._given(function.name, arguments, state, position)
        return value

    def passed(self, name: str, position: Position) -> None:
        """What it may change is lost in :meth:`_given`."""

    def _given(
        self, name: str, arguments: list[Value], state: State, position: Position
    ) -> None:
        """A function that is not followed may change what it gets a pointer to."""
        for argument in arguments:
            if isinstance(argument, Local):
                stored = f"reads what {name}() stored ({position})"
                state.cells[argument.cell] = Unknown(stored)
            if isinstance(argument, Reference):
                path = argument.spot.path()[0].split("[$", 1)[0]
                self._lost(state, path, f"reads what {name}() may change ({position})")

    # --- statements -----------------------------------------------------------------

    def run(self, items: Sequence[Statement], frame: Frame, state: State) -> Outcome:
        """Statements in a row; ways that go on are one again after each."""
        exits: list[Outcome] = []
        last: Outcome = Way("on", state)
        for item in items:
            last = self.statement(item, frame, state)
            after = _met(self, last)
            if after is None:
                break
            if isinstance(last, Fork):
                exits.append(last)
            state = after
            last = Way("on", state)
        return _behind(exits, last)

    def _loop(
        self,
        condition: Expr,
        step: Expr | None,
        body: Statement,
        frame: Frame,
        state: State,
        after: bool,
        position: Position,
    ) -> Outcome:
        """A loop written out turn by turn; ways that go on are one again after each."""
        exits: list[Outcome] = []
        for number in range(_MAX_TURNS):
            if not after or number:
                goes_on = self.truth(self.value(condition, frame, state))
                if isinstance(goes_on, Unknown) or goes_on.constant is None:
                    raise Untranslatable(
                        "has a loop whose number of turns depends on data", position
                    )
                if not goes_on.constant:
                    return _behind(exits, Way("on", state))
            outcome = each(
                self.statement(body, frame.inner(), state),
                lambda way: replace(way, end="on") if way.end == "continue" else way,
            )
            broken = any(way.end == "break" for way in ways(outcome))
            if broken and isinstance(outcome, Fork):
                raise Untranslatable("leaves a loop on a condition", position)
            met = Way("on", outcome.state) if broken else None  # type: ignore[union-attr]
            next_state = _met(self, outcome)
            if met is not None or next_state is None:
                return _behind(exits, met or outcome)
            if isinstance(outcome, Fork):
                exits.append(outcome)
            state = next_state
            if step is not None:
                self.effect(step, frame, state)
        raise Untranslatable("has a loop of too many turns", position)

    def statement(self, statement: Statement, frame: Frame, state: State) -> Outcome:
        """One statement, or what may come of one that has no translation."""
        before = state.copy()
        try:
            return super().statement(statement, frame, state)
        except Untranslatable as failure:
            return self._beyond(statement, frame, before, failure.reason)

    def _execute(self, statement: Statement, frame: Frame, state: State) -> Outcome:
        match statement:
            case syntax.Jump("goto", label):
                return self._goto(label, statement, frame, state)
            case syntax.Label(_, inner):
                return self.statement(inner, frame, state)
            case _:
                return super()._execute(statement, frame, state)

    def _goto(
        self, label: str, jump: syntax.Jump, frame: Frame, state: State
    ) -> Outcome:
        """From a label at the end of the function on, to its return."""
        items = self._bodies[-1].items if self._bodies else ()
        at = next(
            (
                number
                for number, item in enumerate(items)
                if isinstance(item, syntax.Label) and item.name == label
            ),
            None,
        )
        if at is None:
            raise Untranslatable("uses goto", jump.position)
        if label in self._jumped:
            raise Untranslatable("uses goto", jump.position)
        kept = self._jumped
        self._jumped = kept | {label}
        try:
            outcome = self.run(items[at:], frame, state)
        finally:
            self._jumped = kept
        return _ended(outcome, jump.position)

    def enter(
        self, function: FunctionDecl, arguments: Sequence[Value], state: State
    ) -> Outcome:
        """The ways through a function that gets ``arguments``."""
        assert function.body is not None
        bodies, jumped = self._bodies, self._jumped
        self._bodies, self._jumped = (*bodies, function.body), frozenset()
        try:
            return super().enter(function, list(arguments), state)
        finally:
            self._bodies, self._jumped = bodies, jumped

    def _beyond(
        self, statement: Statement, frame: Frame, state: State, reason: str
    ) -> Outcome:
        """A statement that has no translation: what it changes is lost, and whether one
        of its returns is met is not known."""
        if isinstance(statement, syntax.Return):
            value = constant(statement.value) or Unknown(reason)
            return Way("return", state, value, statement.position)
        jumps = [node for node in nodes(statement) if isinstance(node, syntax.Jump)]
        whole = isinstance(statement, syntax.For | syntax.While | syntax.Switch)
        if not whole and any(jump.kind != "goto" for jump in jumps):
            raise Untranslatable(reason)  # the loop around it is not known then
        inner = frame.inner()
        for local in nodes(statement):
            if isinstance(local, syntax.LocalDecl):
                if isinstance(local.type, syntax.AutoType):
                    raise Untranslatable(reason)
                cell = self.new_cell(self.resolve(local.type, inner))
                inner.names[local.name] = cell
                state.cells[cell] = Unknown(reason)
                if statement is local:
                    frame.names[local.name] = cell
        for node in nodes(statement):
            match node:
                case syntax.Assign(_, target) | syntax.Unary(
                    "++" | "--" | "p++" | "p--", target
                ):
                    self._blur_local(target, inner, state, reason)
                case syntax.Call(_, arguments):
                    values = [self._plain(item, inner, state) for item in arguments]
                    self._given("a function", values, state, node.position)
        outcome: Outcome = Way("on", state)
        for node in nodes(statement):
            if isinstance(node, syntax.Return):
                left: Value | None = None
                if node.value is not None:
                    left = constant(node.value) or self._plain(node.value, inner, state)
                gone: Outcome = Way("return", state.copy(), left, node.position)
                outcome = Fork(Unknown(reason), gone, outcome)
        for jump in jumps:
            if jump.kind == "goto":
                gone = self._goto(jump.label, jump, inner, state.copy())
                outcome = Fork(Unknown(reason), gone, outcome)
        return outcome

    def _blur_local(
        self, target: Expr, frame: Frame, state: State, reason: str
    ) -> None:
        if isinstance(target, syntax.Name) and target.name in frame.names:
            state.cells[frame.names[target.name]] = Unknown(reason)
            return
        try:
            self._blur(target, frame, state, reason)
        except Untranslatable:
            self._lost(state, "", reason)

    def _plain(self, expr: Expr, frame: Frame, state: State) -> Value:
        """The value of an expression for its own sake."""
        try:
            return self.value(expr, frame, state.copy())
        except Untranslatable as failure:
            return Unknown(failure.reason)


# --- ways ---------------------------------------------------------------------------


def _met(loader: Loader, outcome: Outcome) -> State | None:
    """What holds after all ways that go on; None if none does."""
    if isinstance(outcome, Way):
        return outcome.state if outcome.end == "on" else None
    then, otherwise = _met(loader, outcome.then), _met(loader, outcome.otherwise)
    if then is None or otherwise is None:
        return then or otherwise
    state = State()
    loader.rejoin(outcome.condition, (then, otherwise), state)
    return state


def _behind(exits: Sequence[Outcome], last: Outcome) -> Outcome:
    """What comes last, behind the ways out of what comes before."""
    for outcome in reversed(exits):
        leaves = _leaves(outcome)
        if not (isinstance(leaves, Scalar) and leaves.constant == 0):
            last = Exits(leaves, _only_exits(outcome), last)
    return last


def _leaves(outcome: Outcome) -> Scalar | Unknown:
    """The condition under which an outcome does not go on."""
    if isinstance(outcome, Way):
        return scalar.constant(int(outcome.end not in ("on", "dead")))
    then, otherwise = _leaves(outcome.then), _leaves(outcome.otherwise)
    if isinstance(then, Unknown) or isinstance(otherwise, Unknown):
        return then if isinstance(then, Unknown) else otherwise
    if then.constant is not None and then.constant == otherwise.constant:
        return then
    if isinstance(outcome.condition, Unknown):
        return outcome.condition
    return scalar.choose(outcome.condition, then, otherwise)


def _only_exits(outcome: Outcome) -> Outcome:
    if isinstance(outcome, Way):
        return replace(outcome, end="dead") if outcome.end == "on" else outcome
    return replace(
        outcome,
        then=_only_exits(outcome.then),
        otherwise=_only_exits(outcome.otherwise),
    )


def _ended(outcome: Outcome, position: Position) -> Outcome:
    """The outcome of the rest of a function: what goes on has returned."""
    if isinstance(outcome, Way):
        return (
            Way("return", outcome.state, None, position)
            if outcome.end == "on"
            else outcome
        )
    return Fork(
        outcome.condition,
        _ended(outcome.then, position),
        _ended(outcome.otherwise, position),
    )


def nodes(node: object) -> Iterator[object]:
    """A node and all below it, in order, outermost first."""
    if isinstance(node, tuple):
        for item in node:
            yield from nodes(item)
    elif hasattr(node, "__slots__") and not isinstance(node, Position):
        yield node
        for slot in node.__slots__:
            yield from nodes(getattr(node, slot))


def constant(expr: Expr | None) -> Scalar | None:
    """A number that is written out, None for all else."""
    match expr:
        case syntax.IntegerLiteral(number):
            return scalar.constant(number)
        case syntax.Unary("-", syntax.IntegerLiteral(number)):
            return scalar.constant(-number)
        case syntax.Name("true" | "false" as name):
            return scalar.constant(int(name == "true"))
        case _:
            return None


# --- places -------------------------------------------------------------------------


def _parts(path: str) -> list[str]:
    return [
        part
        for part in path.replace("->", ".").replace("[", ".[").split(".")
        if part and part != "[0]"
    ]


def _overlap(one: str, two: str) -> bool:
    """Whether one of the places lies in the other."""
    left, right = _parts(one), _parts(two)
    for mine, theirs in zip(left, right, strict=False):
        if mine != theirs and "[$" not in mine and "[$" not in theirs:
            return False
    return True


def _forget(state: State, path: str) -> None:
    """Drops what was known of places inside of this one."""
    inside = _parts(path)
    for other in [*state.changed]:
        if _parts(other)[: len(inside)] == inside:
            del state.changed[other]
