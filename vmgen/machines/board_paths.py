"""The ways through the code of a board's file, as far as it is known where they lead.

A condition counts where constants decide it that were handed on, or a member of the
machine's class.  Of any other condition both ways count, also where the build decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TypeAlias, assert_never, get_args

from vmgen.cfront import syntax as c
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import Node, children, walk
from vmgen.machines.board_values import AsksClass, Given, Known, Values, ValuesOf

_MOST_CALLS = 2000
"""How many different calls are followed for one function that makes a board."""

_EXPRESSIONS = get_args(c.Expr)

Runs: TypeAlias = dict[tuple[int, str], set[Given]]
"""The ways on which a name or literal of a line is met; of a line all of them, as ''."""


def line_of(node: Node, file: str) -> int | None:
    """The line of a node that a file has; None for one of another file, or of no place."""
    position = getattr(node, "position", None)
    return position.line if position is not None and position.file == file else None


def words_of(node: Node) -> Iterator[str]:
    """The name or the literal that a node is."""
    match node:
        case c.Name(name):
            yield name
        case c.StringLiteral(value):
            yield f'"{value}"'


class BoardPaths:
    """Follows what a board's function does through the functions of its file."""

    def __init__(
        self,
        unit: Unit,
        layout: Layout,
        functions: Mapping[str, c.FunctionDecl],
        asks: AsksClass,
    ) -> None:
        self.runs: Runs = {}
        self._unit = unit
        self._layout = layout
        self._functions = functions
        self._asks = asks
        self._seen: dict[str, list[_Call]] = {}
        self._count = 0

    def copy(self) -> BoardPaths:
        """What was followed so far, to be gone on with apart."""
        one = BoardPaths(self._unit, self._layout, self._functions, self._asks)
        one.runs = {key: set(ways) for key, ways in self.runs.items()}
        one._seen = {name: [*calls] for name, calls in self._seen.items()}
        one._count = self._count
        return one

    def follow(self, names: Iterable[str]) -> bool:
        """Note what is run if these are called; False where that becomes too much."""
        pending = [_Call(name) for name in names]
        while pending:
            call = pending.pop()
            before = self._seen.setdefault(call.name, [])
            if any(one.covers(call) for one in before):
                continue
            before.append(call)
            self._count += 1
            if self._count > _MOST_CALLS:
                return False
            run = _Run(
                self._unit.source,
                self._layout,
                self._functions,
                self._functions[call.name],
                call,
                self._asks,
                self.runs,
            )
            pending += dict.fromkeys(run.calls())
        return True


@dataclass(frozen=True, slots=True)
class _Call:
    """A call of a function of the file with what is known of its arguments."""

    name: str
    arguments: tuple[Known | None, ...] = ()
    given: Given = frozenset()

    def covers(self, other: _Call) -> bool:
        """Whether this call of the function runs what the other one does, or more."""
        return self.given <= other.given and all(
            one is None or one == two
            for one, two in zip_longest(self.arguments, other.arguments)
        )


@dataclass
class _Run:
    """One way through one function."""

    file: str
    layout: Layout
    functions: Mapping[str, c.FunctionDecl]
    function: c.FunctionDecl
    call: _Call
    asks: AsksClass
    runs: Runs
    _given: Given = field(init=False)
    _of: ValuesOf = field(init=False)
    _left: list[list[Values]] = field(init=False, default_factory=list)
    _found: list[_Call] = field(init=False, default_factory=list)
    _own: frozenset[str] = field(init=False)
    _lasting: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        nodes = list(walk(self.function.body))
        declared = [one for one in nodes if isinstance(one, c.LocalDecl)]
        parameters = [one.name for one in self.function.type.parameters]
        self._own = frozenset(parameters) | {one.name for one in declared}
        pointed = {
            one.operand.name
            for one in nodes
            if isinstance(one, c.UnaryOperation)
            and one.op == "&"
            and isinstance(one.operand, c.Name)
        }
        names = [*parameters, *(one.name for one in declared)]
        twice = {name for name in names if names.count(name) > 1}
        static = {one.name for one in declared if one.static}
        self._lasting = frozenset(pointed | twice | static)
        self._given = self.call.given
        self._of = ValuesOf(self.layout, self.function, self._own, self.asks)

    def calls(self) -> list[_Call]:
        """What the function calls of the file; what it runs is noted."""
        body = self.function.body
        assert body is not None  # only functions with a body are looked at
        values: Values = {}
        given = self.call.arguments
        for parameter, value in zip(self.function.type.parameters, given, strict=False):
            self._set(values, parameter.name, value)
        jumps = any(
            isinstance(one, c.Label) or (isinstance(one, c.Jump) and one.kind == "goto")
            for one in walk(body)
        )
        if jumps:
            self._all(body)
        else:
            self._take(body, values)
        return self._found

    def _all(self, body: c.Statement) -> None:
        """Take every way through the function: jumps lead anywhere."""
        for node in walk(body):
            self._note(node)
            if isinstance(node, c.Name):
                self._called(node.name, ())

    # --- statements -------------------------------------------------------------------

    def _take(self, statement: c.Statement, values: Values | None) -> Values | None:
        """What is known after a statement that is met with these values; None where
        nothing comes to it, or after it."""
        if values is None:
            return None
        match statement:
            case c.Block(items):
                self._note(statement)
                return self._in_a_row(items, values)
            case c.LocalDecl(name, _, initializer):
                self._note(statement)
                known = None
                if isinstance(initializer, c.InitList):
                    self._inside(initializer, values)
                elif initializer is not None:
                    self._meet(initializer, values)
                    known = self._of.known(initializer, values)
                self._set(values, name, known)
                return values
            case c.ExprStatement(expression):
                self._note(statement)
                self._meet(expression, values)
                return values
            case c.If(condition, then, otherwise):
                self._note(statement)
                self._meet(condition, values)
                return self._branches(condition, then, otherwise, values)
            case c.For(start, condition, step, body):
                self._note(statement)
                for one in start:
                    self._take(one, values)
                return self._loop((condition, step), body, values)
            case c.While(condition, body, after):
                self._note(statement)
                if after and self._of.known(condition, values) == 0:
                    self._left.append([])
                    last = self._take(body, values)
                    return _joined([last, *self._left.pop()])
                return self._loop((condition,), body, values)
            case c.Switch(value, body):
                self._note(statement)
                self._meet(value, values)
                return self._switch(value, body, values)
            case c.Case(_, items):  # not directly in its switch: from wherever that is
                self._label(statement)
                return self._in_a_row(items, {})
            case c.Return(value):
                self._note(statement)
                if value is not None:
                    self._meet(value, values)
                return None
            case c.Jump():
                self._note(statement)
                if self._left:
                    self._left[-1].append(values)
                return None
            case c.Label(_, inner):
                self._note(statement)
                return self._take(inner, {})
            case c.Empty():
                self._note(statement)
                return values
            case _:
                assert_never(statement)

    def _in_a_row(
        self, items: Iterable[c.Statement], values: Values | None
    ) -> Values | None:
        for item in items:
            values = self._take(item, values)
        return values

    def _branches(
        self,
        condition: c.Expr,
        then: c.Statement,
        otherwise: c.Statement | None,
        values: Values,
    ) -> Values | None:
        before = self._given
        ends: list[Values | None] = []
        ways = self._of.ways(condition, values)
        for branch, way in zip((then, otherwise), ways, strict=True):
            if self._leads(way):
                one = dict(values)
                ends.append(one if branch is None else self._take(branch, one))
            self._given = before
        return _joined(ends)

    def _leads(self, way: Given | None) -> bool:
        """Whether anything is run on this way from here; then it is the way on."""
        if way is None or any((place, not is_) in self._given for place, is_ in way):
            return False
        self._given |= way
        return True

    def _loop(
        self, parts: Iterable[c.Expr | None], body: c.Statement, values: Values
    ) -> Values | None:
        met = [one for one in parts if one is not None]
        for name in _assigned(*met, body):
            values.pop(name, None)
        for one in met:
            self._meet(one, values)
        self._left.append([])
        self._take(body, dict(values))
        self._left.pop()
        for name in _assigned(*met, body):
            values.pop(name, None)
        return values

    def _switch(
        self, value: c.Expr, body: c.Statement, values: Values
    ) -> Values | None:
        items = body.items if isinstance(body, c.Block) else (body,)
        number = self._of.known(value, values)
        start = self._case(items, number) if isinstance(number, int) else None
        self._left.append([])
        end: Values | None = None
        if start is None:
            for item in items:
                into = _joined([end, dict(values)])
                if isinstance(item, c.Case):
                    self._label(item)
                    end = self._in_a_row(item.body, into)
                else:
                    end = self._take(item, into)
            ends = [end, values]
        else:
            end = values
            for item in items[start:]:
                if isinstance(item, c.Case):
                    if end is not None:
                        self._label(item)
                    end = self._in_a_row(item.body, end)
                else:
                    end = self._take(item, end)
            ends = [end]
        return _joined([*ends, *self._left.pop()])

    def _label(self, case: c.Case) -> None:
        self._note(case)
        if case.value is not None:
            for node in walk(case.value):
                self._note(node)

    def _case(self, items: tuple[c.Statement, ...], number: int) -> int | None:
        """Where the switch begins for a number: its end where no case is it; None where
        that is not known."""
        default = len(items)
        nested = sum(isinstance(one, c.Case) for one in walk(*items))
        if nested > sum(isinstance(one, c.Case) for one in items):
            inner = [one for one in walk(*items) if isinstance(one, c.Switch)]
            inside = sum(isinstance(one, c.Case) for one in walk(*inner))
            if nested - inside > sum(isinstance(one, c.Case) for one in items):
                return None
        for at, item in enumerate(items):
            if not isinstance(item, c.Case):
                continue
            if item.value is None:
                default = at
                continue
            low, high = (
                (item.value.low, item.value.high)
                if isinstance(item.value, c.Range)
                else (item.value, item.value)
            )
            first, last = self._of.known(low, {}), self._of.known(high, {})
            if not isinstance(first, int) or not isinstance(last, int):
                return None
            if first <= number <= last:
                return at
        return default

    # --- expressions ------------------------------------------------------------------

    def _note(self, node: Node) -> None:
        if (line := line_of(node, self.file)) is not None:
            for word in ("", *words_of(node)):
                ways = self.runs.setdefault((line, word), set())
                if not any(way <= self._given for way in ways):
                    ways.add(self._given)

    def _meet(self, expression: c.Expr, values: Values) -> None:
        """Note what an expression runs and calls, and what it leaves in ``values``."""
        self._note(expression)
        match expression:
            case c.Call(c.Name(name) as called, arguments):
                self._note(called)
                for one in arguments:
                    self._meet(one, values)
                known = tuple(self._of.known(one, values) for one in arguments)
                self._called(name, known)
            case c.Name(name):
                self._called(name, ())
            case c.Conditional(condition, then, otherwise):
                self._meet(condition, values)
                self._either(condition, then, otherwise, values)
            case c.BinaryOperation("&&" | "||" as op, left, right):
                self._meet(left, values)
                if op == "&&":
                    self._either(left, right, None, values)
                else:
                    self._either(left, None, right, values)
            case c.Assign(op, target, value):
                self._meet(value, values)
                if isinstance(target, c.Name):
                    new = self._of.known(value, values) if op == "=" else None
                    self._note(target)
                    self._set(values, target.name, new)
                else:
                    self._meet(target, values)
            case c.UnaryOperation("++" | "--" | "p++" | "p--", c.Name(name) as target):
                self._note(target)
                values.pop(name, None)
            case c.StatementExpr(body):
                after = self._take(body, dict(values))
                for name in list(values):
                    if after is None or after.get(name) != values[name]:
                        del values[name]
            case c.SizeOf() | c.AlignOf() | c.OffsetOf() | c.TypesCompatible():
                for node in walk(expression):
                    self._note(node)
            case _:
                self._inside(expression, values)

    def _inside(self, node: Node, values: Values) -> None:
        for one in children(node):
            if isinstance(one, c.InitItem | c.InitList | c.Range):
                self._note(one)
                self._inside(one, values)
            elif isinstance(one, _EXPRESSIONS):
                self._meet(one, values)
            else:
                for inner in walk(one):
                    self._note(inner)

    def _either(
        self,
        condition: c.Expr,
        then: c.Expr | None,
        otherwise: c.Expr | None,
        values: Values,
    ) -> None:
        before = self._given
        start = dict(values)
        ways = self._of.ways(condition, values)
        for branch, way in zip((then, otherwise), ways, strict=True):
            one = dict(start)
            if branch is not None and self._leads(way):
                self._meet(branch, one)
            self._given = before
            for name in list(values):
                if one.get(name) != values[name]:
                    del values[name]

    def _called(self, name: str, arguments: tuple[Known | None, ...]) -> None:
        if name in self.functions and name not in self._own:
            self._found.append(_Call(name, arguments, self._given))

    def _set(self, values: Values, name: str, known: Known | None) -> None:
        values.pop(name, None)
        if known is not None and name in self._own and name not in self._lasting:
            values[name] = known


def _assigned(*nodes: Node) -> Iterator[str]:
    """The variables that code changes."""
    for node in walk(*nodes):
        match node:
            case c.Assign(_, c.Name(name)):
                yield name
            case c.UnaryOperation("++" | "--" | "p++" | "p--", c.Name(name)):
                yield name
            case c.LocalDecl(name):
                yield name


def _joined(ends: Iterable[Values | None]) -> Values | None:
    """What is known where several ways come together."""
    met = [one for one in ends if one is not None]
    if not met:
        return None
    first, *others = met
    return {
        name: known
        for name, known in first.items()
        if all(other.get(name) == known for other in others)
    }
