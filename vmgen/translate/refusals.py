"""``pre_load`` and ``post_load`` functions: when they refuse what was read.

Every path through the function that returns an error becomes a condition over the object
as it is when the function begins, so far as all that decides it can be translated.  What
the function itself changes before is followed; what functions in other files may
change is not known afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from vmgen import ir
from vmgen.cfront import syntax
from vmgen.cfront.arithmetic import INT
from vmgen.cfront.layout import Layout
from vmgen.cfront.layout.model import Declarations
from vmgen.cfront.printer import opposite, phrase
from vmgen.cfront.syntax import Expr, FunctionDecl, Name, Statement
from vmgen.cfront.walk import walk
from vmgen.source import NOWHERE, Position, VmgenError
from vmgen.translate import scalar
from vmgen.translate.failure import Untranslatable, definition
from vmgen.translate.loading import Loading, constant
from vmgen.translate.machine import CMachine, with_object
from vmgen.translate.paths import Exits, Outcome, Path, PathFork, paths
from vmgen.translate.scalar import Scalar
from vmgen.translate.spot import Navigator
from vmgen.translate.values import Truth, Untranslated, Value, no_number

REFUSING = ("pre_load", "pre_load_errp", "post_load", "post_load_errp")
"""The functions whose result decides whether a stream is accepted."""


def refusals(
    unit: Declarations, layout: Layout, symbol: str, role: str
) -> tuple[ir.Refusal, ...]:
    """When the function ``symbol`` refuses, in the order of its source.

    An error is what ``vmstate_load_state`` (``migration/vmstate.c``) takes for one: a
    negative number of ``post_load``, any but 0 of ``pre_load``, false of the ``_errp``
    ones.  A function without a body in this file is one refusal without condition.
    """
    function, reason, where = definition(unit, symbol)
    if function is None:
        return (ir.Refusal(untranslated=reason, position=where),)
    assert function.body is not None  # definition() gives no prototypes
    try:
        outcome, _, _ = with_object(
            layout, lambda navigator: _outcome(function, layout, navigator)
        )
        found = _Refusing(function, role)
        found.walk(outcome)
        return found.refusals()
    except (Untranslatable, VmgenError, RecursionError) as failure:
        reason = str(failure).splitlines()[0]
        if isinstance(failure, RecursionError):
            reason = "is nested too deeply"
        return tuple(
            _unknown(function, (item,), f"{symbol} {reason}")
            for item in _errors(function.body, role)
        )


def _outcome(function: FunctionDecl, layout: Layout, navigator: Navigator) -> Outcome:
    arguments: list[Value] = [navigator.object(), scalar.of_type(ir.Version(), INT)]
    return CMachine(layout, navigator, Loading()).enter(function, arguments)


class _Refusing:
    """The returns of an outcome that are errors, each with what leads to it."""

    def __init__(self, function: FunctionDecl, role: str) -> None:
        self._function = function
        self._role = role
        self._found: dict[Position, list[Truth]] = {}

    def walk(
        self,
        outcome: Outcome,
        known: tuple[Truth, ...] = (),
        onward: bool = False,
    ) -> None:
        """Collects; ``known`` is what holds where the outcome begins.  ``onward`` is true
        inside ``Exits.then``, where ``dead`` marks the paths that continue."""
        while isinstance(outcome, PathFork):
            known, outcome = self._fork(outcome, known, onward), outcome.otherwise
        if outcome.end == "return":
            self._path(outcome, known)

    def _fork(
        self, outcome: PathFork, known: tuple[Truth, ...], onward: bool
    ) -> tuple[Truth, ...]:
        """Collects on the first side; what is known on the other."""
        first = outcome.condition
        left = isinstance(outcome, Exits)
        # After a refusal nothing needs to say that it was none: it refuses anyway.
        other: tuple[Truth, ...] = ()
        if not self._refuses(outcome.then, onward and not left):
            other = (
                first if isinstance(first, Untranslated) else scalar.negation(first),
            )
        mine: tuple[Truth, ...] = ()
        if not (left or self._refuses(outcome.otherwise, onward)):
            mine = (first,)
        self.walk(outcome.then, (*known, *mine), onward or left)
        return (*known, *other)

    def _refuses(self, outcome: Outcome, onward: bool) -> bool:
        """Whether every path is a refusal."""
        ends = [*paths(outcome)]
        return any(path.end == "return" for path in ends) and all(
            (path.end == "dead" and not onward)
            or (path.end == "return" and self._error(path.value) is True)
            for path in ends
        )

    def _error(self, value: Value | None) -> Truth | bool:
        """Whether a returned value is an error."""
        if value is None:
            return False
        if not isinstance(value, Scalar):
            return no_number(value)
        if self._role.endswith("_errp"):
            wrong = scalar.negation(value)
        elif self._role == "pre_load":
            wrong = scalar.as_bool(scalar.convert(value, INT))
        else:  # as the int that the function returns
            number = scalar.convert(value, INT)
            wrong = scalar.binary("<", number, scalar.constant(0))
        return wrong if wrong.constant is None else bool(wrong.constant)

    def _path(self, path: Path, known: tuple[Truth, ...]) -> None:
        error = self._error(path.value)
        if error is False:
            return
        if isinstance(error, Scalar | Untranslated):
            known = (*known, error)
        unknown = next((item for item in known if isinstance(item, Untranslated)), None)
        condition: Truth = scalar.constant(1)
        if unknown is not None:
            condition = unknown
        else:
            for item in dict.fromkeys(known):
                assert isinstance(item, Scalar)
                assert isinstance(condition, Scalar)
                condition = scalar.both(condition, item)
        if isinstance(condition, Scalar) and condition.constant == 0:
            return
        self._found.setdefault(path.position, []).append(condition)

    def refusals(self) -> tuple[ir.Refusal, ...]:
        """One for each return, in the order of the source."""
        made: list[ir.Refusal] = []
        assert self._function.body is not None
        own: dict[Position, list[syntax.Return]] = {}
        for item in _errors(self._function.body, self._role):
            own.setdefault(item.position, []).append(item)
        for position, conditions in sorted(
            self._found.items(), key=lambda item: (item[0].line, item[0].column)
        ):
            unknown = next(
                (one for one in conditions if isinstance(one, Untranslated)), None
            )
            if unknown is not None:
                mine = own.get(position, ())
                made.append(_unknown(self._function, mine, unknown.reason, position))
                continue
            whole: Scalar = scalar.constant(0)
            for one in conditions:
                assert isinstance(one, Scalar)
                whole = scalar.either(whole, one)
            expr = scalar.as_bool(whole).expr
            made.append(ir.Refusal(expr, position=position))
        return tuple(made)


# --- what has no translation ----------------------------------------------------------


def _unknown(
    function: FunctionDecl,
    returns: Sequence[syntax.Return],
    reason: str,
    position: Position = NOWHERE,
) -> ir.Refusal:
    """The refusal of these returns (more than one if a line has more), whose conditions
    are known by their names and their mark alone."""
    place = returns[0].position if returns else position
    guards = [guard for item in returns if (guard := _guard(function, item))]
    if not guards:
        return ir.Refusal(untranslated=reason, position=place)
    names = sorted({name for guard in guards for name in guard.names})
    text = "\n".join(guard.text for guard in guards)
    mark = hashlib.sha256(text.encode()).hexdigest()[:16]
    return ir.Refusal(None, tuple(names), mark, reason, place)


_TRUTHS = (syntax.NamedType("bool"), syntax.BasicType("_Bool"))


@dataclass(frozen=True, slots=True)
class _Guard:
    """A condition of C: its names and its text, whatever its spelling was."""

    names: frozenset[str]
    text: str


def _guard(function: FunctionDecl, item: syntax.Return) -> _Guard | None:
    """The innermost condition in whose branch a return stands; that its value is negative
    where it is in none, and nothing where it always returns the same."""
    found: tuple[Expr, str] | None = None
    if item.value is not None and constant(item.value) is None:
        found = item.value, f"{phrase(item.value)} < 0"
    assert function.body is not None
    for node in walk(function.body):
        if not isinstance(node, syntax.If):
            continue
        if any(inner is item for inner in walk(node.then)):
            found = node.condition, phrase(node.condition)
        elif any(inner is item for inner in walk(node.otherwise)):
            found = node.condition, opposite(node.condition)
    if found is None:
        return None
    names = _names(found[0])
    return _Guard(names | _set_by(function.body, names), found[1])


def _set_by(body: Statement, names: frozenset[str]) -> frozenset[str]:
    """The names by which a function sets the flags among ``names``: local variables that
    are true or false, and that it changes on its way."""
    flags = {
        node.name
        for node in walk(body)
        if isinstance(node, syntax.LocalDecl)
        and node.name in names
        and node.type in _TRUTHS
    }
    found: set[str] = set()
    for node in walk(body) if flags else ():
        match node:
            case syntax.If(condition, then, otherwise):
                inside: tuple[Statement | None, ...] = (then, otherwise)
            case syntax.For(_, condition, _, then) | syntax.While(condition, then):
                inside = (then,)
            case _:
                continue
        for inner in walk(*inside):
            if (
                isinstance(inner, syntax.Assign)
                and isinstance(inner.target, Name)
                and inner.target.name in flags
            ):
                found |= _names(inner.value)
                found |= frozenset() if condition is None else _names(condition)
    return frozenset(found)


def _names(expr: Expr) -> frozenset[str]:
    """The C names in an expression."""
    inside = walk(expr)
    return frozenset(
        node.name for node in inside if isinstance(node, Name | syntax.Member)
    )


def _fine(value: Expr | None, role: str) -> bool:
    """Whether a returned expression says plainly that all is well."""
    number = constant(value)
    if value is None or number is None:
        return value is None
    if role == "post_load":
        return number.low >= 0
    return bool(number.constant) == role.endswith("_errp")


def _errors(body: Statement, role: str) -> list[syntax.Return]:
    """The returns that may be errors."""
    returns = (node for node in walk(body) if isinstance(node, syntax.Return))
    return [node for node in returns if not _fine(node.value, role)]
