"""``pre_load`` and ``post_load`` functions: when they refuse what was read.

Every way through the function that returns an error becomes a condition over the object
as it is when the function begins, so far as all that decides it can be translated.  What
the function itself changes on the way is followed; what functions in other files may
change is not known afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vmgen import ir
from vmgen.cfront import syntax
from vmgen.cfront.arithmetic import INT
from vmgen.cfront.layout import Layout
from vmgen.cfront.layout.model import Declarations
from vmgen.cfront.syntax import Expr, FunctionDecl, Statement
from vmgen.source import NOWHERE, Position, VmgenError
from vmgen.translate import scalar
from vmgen.translate.failure import Untranslatable
from vmgen.translate.outcome import Fork, Outcome, Way, ways
from vmgen.translate.phrase import opposite, phrase
from vmgen.translate.places import no_number
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

REFUSING = ("pre_load", "pre_load_errp", "post_load", "post_load_errp")
"""The functions whose result decides whether a stream is taken."""


def refusals(
    unit: Declarations, layout: Layout, symbol: str, role: str
) -> tuple[ir.Refusal, ...]:
    """When the function ``symbol`` refuses, in the order of its source.

    An error is what ``vmstate_load_state`` (``migration/vmstate.c``) takes for one: a
    negative number of ``post_load``, any but 0 of ``pre_load``, false of the ``_errp``
    ones.  A function without a body in this file is one refusal without condition.
    """
    function = unit.function(symbol)
    if function is None or function.body is None:
        where = Position("") if function is None else function.position
        reason = f"{symbol}() has no body in this file"
        return (ir.Refusal(None, f"{symbol}()", reason, where),)
    navigator = Navigator(layout)
    try:
        outcome = _outcome(function, layout, navigator)
        root = navigator.outermost()
        if len(navigator.views) > 1 and root is not None:
            names = navigator.names
            navigator = Navigator(layout, root)
            navigator.names = names
            outcome = _outcome(function, layout, navigator)
    except (Untranslatable, VmgenError) as failure:
        reason = failure.reason if isinstance(failure, Untranslatable) else str(failure)
        reason = reason.splitlines()[0]
        return tuple(
            ir.Refusal(
                None, _guard(function, item), f"{symbol} {reason}", item.position
            )
            for item in _returns(function.body)
            if not _fine(item.value, role)
        )
    found = _Leaves(function, role)
    found.walk(outcome)
    return found.refusals()


def _outcome(function: FunctionDecl, layout: Layout, navigator: Navigator) -> Outcome:
    loader = _Loader(layout, navigator)
    arguments: list[Value] = [navigator.object(), scalar.of_type(ir.Version(), INT)]
    return loader.enter(function, arguments, State())


@dataclass(frozen=True, slots=True)
class _Exits(Fork):
    """The ways out of a statement, and what comes after it: the first say themselves
    when they are met."""


class _Loader(Statements):
    """A function that may change its object; what it puts there is read again."""

    _bodies: tuple[syntax.Block, ...] = ()
    _jumped: frozenset[str] = frozenset()

    def __init__(self, layout: Layout, navigator: Navigator) -> None:
        super().__init__(layout, navigator)
        self._spots: dict[str, Spot] = {}

    # --- the object -----------------------------------------------------------------

    def read(self, target: Target, state: State, position: Position) -> Value:
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
        for outcome in reversed(exits):
            leaves = _leaves(outcome)
            if not (isinstance(leaves, Scalar) and leaves.constant == 0):
                last = _Exits(leaves, _only_exits(outcome), last)
        return last

    def statement(self, statement: Statement, frame: Frame, state: State) -> Outcome:
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
            value = _constant(statement.value) or Unknown(reason)
            return Way("return", state, value, statement.position)
        jumps = [node for node in _nodes(statement) if isinstance(node, syntax.Jump)]
        whole = isinstance(statement, syntax.For | syntax.While | syntax.Switch)
        if not whole and any(jump.kind != "goto" for jump in jumps):
            raise Untranslatable(reason)  # the loop around it is not known then
        inner = frame.inner()
        for local in _nodes(statement):
            if isinstance(local, syntax.LocalDecl):
                if isinstance(local.type, syntax.AutoType):
                    raise Untranslatable(reason)
                cell = self.new_cell(self.resolve(local.type, inner))
                inner.names[local.name] = cell
                state.cells[cell] = Unknown(reason)
                if statement is local:
                    frame.names[local.name] = cell
        for node in _nodes(statement):
            match node:
                case syntax.Assign(_, target) | syntax.Unary(
                    "++" | "--" | "p++" | "p--", target
                ):
                    self._blur_local(target, inner, state, reason)
                case syntax.Call(_, arguments):
                    values = [self._plain(item, inner, state) for item in arguments]
                    self._given("a function", values, state, node.position)
        outcome: Outcome = Way("on", state)
        for node in _nodes(statement):
            if isinstance(node, syntax.Return):
                left: Value | None = None
                if node.value is not None:
                    left = _constant(node.value) or self._plain(
                        node.value, inner, state
                    )
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


def _met(loader: _Loader, outcome: Outcome) -> State | None:
    """What holds after all ways that go on; None if none does."""
    if isinstance(outcome, Way):
        return outcome.state if outcome.end == "on" else None
    then, otherwise = _met(loader, outcome.then), _met(loader, outcome.otherwise)
    if then is None or otherwise is None:
        return then or otherwise
    state = State()
    loader.rejoin(outcome.condition, (then, otherwise), state)
    return state


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


class _Leaves:
    """The returns of an outcome that are errors, each with what leads to it."""

    def __init__(self, function: FunctionDecl, role: str) -> None:
        self._function = function
        self._role = role
        self._found: dict[Position, list[Scalar | Unknown]] = {}

    def walk(
        self,
        outcome: Outcome,
        known: tuple[Scalar | Unknown, ...] = (),
        onward: bool = False,
    ) -> None:
        """Collects; ``known`` is what holds on the way here, ``onward`` says that ways
        which end here as dead are those that go on."""
        if isinstance(outcome, Way):
            if outcome.end == "return":
                self._way(outcome, known)
            return
        first = outcome.condition
        left = isinstance(outcome, _Exits)
        # After a refusal nothing needs to say that it was none: it refuses anyway.
        other: tuple[Scalar | Unknown, ...] = ()
        if not self._refuses(outcome.then, onward and not left):
            other = (first if isinstance(first, Unknown) else scalar.negation(first),)
        mine: tuple[Scalar | Unknown, ...] = ()
        if not (left or self._refuses(outcome.otherwise, onward)):
            mine = (first,)
        self.walk(outcome.then, (*known, *mine), onward or left)
        self.walk(outcome.otherwise, (*known, *other), onward)

    def _refuses(self, outcome: Outcome, onward: bool) -> bool:
        """Whether every way is a refusal."""
        ends = ways(outcome)
        return any(way.end == "return" for way in ends) and all(
            (way.end == "dead" and not onward)
            or (way.end == "return" and self._error(way.value) is True)
            for way in ends
        )

    def _error(self, value: Value | None) -> Scalar | Unknown | bool:
        """Whether a returned value is an error."""
        if value is None:
            return False
        if not isinstance(value, Scalar):
            return no_number(value)
        if self._role.endswith("_errp"):
            wrong = scalar.negation(value)
        elif self._role == "pre_load":
            wrong = scalar.as_bool(value)
        else:
            wrong = scalar.binary("<", value, scalar.constant(0))
        return wrong if wrong.constant is None else bool(wrong.constant)

    def _way(self, way: Way, known: tuple[Scalar | Unknown, ...]) -> None:
        error = self._error(way.value)
        if error is False:
            return
        if isinstance(error, Scalar | Unknown):
            known = (*known, error)
        unknown = next((item for item in known if isinstance(item, Unknown)), None)
        condition: Scalar | Unknown = scalar.constant(1)
        if unknown is not None:
            condition = unknown
        else:
            for item in dict.fromkeys(known):
                assert isinstance(item, Scalar)
                assert isinstance(condition, Scalar)
                condition = scalar.both(condition, item)
        if isinstance(condition, Scalar) and condition.constant == 0:
            return
        self._found.setdefault(way.position, []).append(condition)

    def refusals(self) -> tuple[ir.Refusal, ...]:
        """One for each return, in the order of the source."""
        made: list[ir.Refusal] = []
        assert self._function.body is not None
        own = {item.position: item for item in _returns(self._function.body)}
        for position, conditions in sorted(
            self._found.items(), key=lambda item: (item[0].line, item[0].column)
        ):
            unknown = next(
                (one for one in conditions if isinstance(one, Unknown)), None
            )
            if unknown is not None:
                item = own.get(position)
                text = (
                    _guard(self._function, item) if item else f"{self._function.name}()"
                )
                made.append(ir.Refusal(None, text, unknown.reason, position))
                continue
            whole: Scalar = scalar.constant(0)
            for one in conditions:
                assert isinstance(one, Scalar)
                whole = scalar.either(whole, one)
            made.append(ir.Refusal(scalar.as_bool(whole).expr, "", "", position))
        return tuple(made)


# --- the text -----------------------------------------------------------------------


def _guard(function: FunctionDecl, item: syntax.Return) -> str:
    """The innermost condition in whose branch a return stands, as C has it; the value it
    returns where it stands in none."""
    found = f"{function.name}()"
    if item.value is not None and _constant(item.value) is None:
        found = f"{phrase(item.value)} < 0"
    assert function.body is not None
    for node in _nodes(function.body):
        if not isinstance(node, syntax.If):
            continue
        if any(inner is item for inner in _nodes(node.then)):
            found = phrase(node.condition)
        elif any(inner is item for inner in _nodes(node.otherwise)):
            found = opposite(node.condition)
    return found


def _constant(expr: Expr | None) -> Scalar | None:
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


def _fine(value: Expr | None, role: str) -> bool:
    """Whether a returned expression says plainly that all is well."""
    number = _constant(value)
    if value is None or number is None:
        return value is None
    if role == "post_load":
        return number.low >= 0
    return bool(number.constant) == role.endswith("_errp")


def _returns(body: Statement) -> list[syntax.Return]:
    return [node for node in _nodes(body) if isinstance(node, syntax.Return)]


def _nodes(node: object) -> Iterator[object]:
    """A node and all below it, in order, outermost first."""
    if isinstance(node, tuple):
        for item in node:
            yield from _nodes(item)
    elif hasattr(node, "__slots__") and not isinstance(node, Position):
        yield node
        for slot in node.__slots__:
            yield from _nodes(getattr(node, slot))


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
