"""One walk over a function and those it calls, statement by statement."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import assert_never

from vmgen.cfront import syntax
from vmgen.cfront.ctype import CType, Integer, Pointer
from vmgen.cfront.layout import Layout, Scope
from vmgen.cfront.walk import Node
from vmgen.grammar import (
    Either,
    Handed,
    LeaveLoop,
    Loop,
    Move,
    MovedBytes,
    MovedWord,
    Moves,
    Must,
    Part,
)
from vmgen.source import VmgenError
from vmgen.translate.endings import never_returns
from vmgen.translate.moves.calls import is_stream
from vmgen.translate.moves.changes import (
    changed,
    changed_members,
)
from vmgen.translate.moves.memory import (
    ON,
    BlockEnd,
    Item,
    LocalState,
    Naming,
    Result,
    RowEnd,
)
from vmgen.translate.moves.terms import (
    UNKNOWN,
    Held,
    StreamPointer,
    is_word,
    said,
)
from vmgen.translate.moves.turns import as_for, turns
from vmgen.translate.moves.values import MoveValues
from vmgen.translate.moves.word_names import WordNames

_MAX_STEPS = 20_000
_ELSEWHERE = Handed("?()")
"""What cannot be said: here the function goes on in a way that the normal form lacks."""


class TooMuch(Exception):
    """The function has too many ways."""


class MoveWalk:
    """Goes through statements; what a way that ends in an error moves is no matter."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.words = WordNames()
        self._values = MoveValues(layout, self.words, self)
        self._cells = 0
        self._steps = 0
        # What follows the loops around, innermost last.
        self._behind: list[list[Item]] = []

    def entered(self, function: syntax.FunctionDecl) -> Moves:
        """What a function moves that is called from outside."""
        arguments: list[Held] = []
        for number, parameter in enumerate(function.type.parameters):
            if is_stream(parameter.type):
                arguments.append(StreamPointer())
            elif isinstance(self._type(parameter.type, {}), Integer):
                arguments.append(f"argument{number}")
            else:
                arguments.append("")
        made, _ = self.body(function, arguments, LocalState(), ())
        return made

    def body(
        self,
        function: syntax.FunctionDecl,
        arguments: Sequence[Held],
        memory: LocalState,
        inside: tuple[str, ...],
    ) -> tuple[Moves, Held]:
        """What a function moves, and the value it returns."""
        assert function.body is not None
        place = Naming(
            {}, {}, self._result(function.type.result), (*inside, function.name)
        )
        for number, parameter in enumerate(function.type.parameters):
            if not parameter.name:
                continue
            held = arguments[number] if number < len(arguments) else UNKNOWN
            self._declare(parameter.name, parameter.type, held, place, memory)
        behind, self._behind = self._behind, []
        made, end = self.items(function.body.items, place, memory)
        self._behind = behind
        while made and _moves_nothing(made[-1]):
            made = made[:-1]  # a loop that looks for something, at the function's end
        return made, end.what if end.kind == "return" else UNKNOWN

    def _result(self, type: syntax.TypeExpr) -> Result:
        match self._type(type, {}):
            case Pointer():
                return "pointer"
            case Integer(name="_Bool"):
                return "bool"
            case Integer():
                return "int"
            case _:
                return "void"

    def _type(self, type: syntax.TypeExpr, scope: dict[str, CType]) -> CType | None:
        try:
            return self._layout.resolve(type, Scope(scope))
        except VmgenError:
            return None  # of no matter: only sizes that are requested count

    def _declare(
        self,
        name: str,
        type: syntax.TypeExpr,
        held: Held,
        place: Naming,
        memory: LocalState,
    ) -> None:
        self._cells += 1
        place.names[name] = self._cells
        resolved = self._type(type, place.types)
        held = self._values.kept(held, resolved)
        memory.cells[self._cells] = StreamPointer() if is_stream(type) else held
        if resolved is not None:
            place.types[name] = resolved
        else:
            place.types.pop(name, None)

    def items(
        self, items: Sequence[Item], place: Naming, memory: LocalState
    ) -> tuple[Moves, RowEnd]:
        """What a row of statements moves, and how it ends."""
        made: list[Move] = []
        pending = list(items)
        while pending:
            self._steps += 1
            if self._steps > _MAX_STEPS:
                raise TooMuch
            item = pending.pop(0)
            match item:
                case BlockEnd(outer):
                    place = outer
                case syntax.Block(inside):
                    pending = [*inside, BlockEnd(place), *pending]
                    place = place.inner()
                case syntax.Label(_, statement):
                    pending.insert(0, statement)
                case syntax.LocalDecl(name, type, initializer):
                    held: Held = UNKNOWN
                    if isinstance(initializer, syntax.Expr):
                        held = self._values.value(initializer, place, memory, made)
                    self._declare(name, type, held, place, memory)
                case syntax.ExprStatement(expression):
                    if never_returns(expression):
                        return tuple(made), RowEnd("dead")
                    self._values.value(expression, place, memory, made)
                case syntax.If():
                    end = self._if(item, pending, place, memory, made)
                    if end is not None:
                        return tuple(made), end
                case syntax.For() | syntax.While():
                    self._behind.append(pending)
                    made += self._loop(item, _labels(pending), place, memory)
                    self._behind.pop()
                case syntax.Switch():
                    made += self._switch(item, place, memory)
                case syntax.Return(value):
                    returned = (
                        ""
                        if value is None
                        else said(self._values.value(value, place, memory, made))
                    )
                    if place.leaves is not None:
                        made.append(_ELSEWHERE)  # does not go on behind the loop
                    return tuple(made), RowEnd("return", returned)
                case syntax.Jump("goto", label):
                    rest = _from_label(pending, label)
                    if rest is None and label in (place.leaves or ()):
                        return (*made, LeaveLoop()), RowEnd("break")
                    if rest is None:
                        return tuple(made), RowEnd("goto", label)
                    pending = rest
                case syntax.Jump("break"):
                    return (*made, LeaveLoop()), RowEnd("break")
                case syntax.Jump():
                    return tuple(made), RowEnd("continue")
                case syntax.Case(_, body):
                    pending = [*body, *pending]
                case syntax.Empty():
                    pass
        return tuple(made), ON

    def _if(
        self,
        item: syntax.If,
        rest: list[Item],
        place: Naming,
        memory: LocalState,
        made: list[Move],
    ) -> RowEnd | None:
        """Both ways of an ``if``; how the whole row ends if its rest was done with it."""
        condition = self._values.condition(item.condition, place, memory, made)
        branches: list[list[Item]] = [
            [item.then, BlockEnd(place)],
            [] if item.otherwise is None else [item.otherwise, BlockEnd(place)],
        ]
        if condition in ("0", "1"):
            rest[:0] = branches[condition == "0"]
            return None
        states = [memory.copy(), memory.copy()]
        ways = [
            self._way(branch, rest, place, state)
            for branch, state in zip(branches, states, strict=True)
        ]
        refused = [self._is_refused(end, condition, place) for _, end in ways]
        if all(refused):
            return ways[0][1]
        if any(refused):
            number = refused.index(False)
            memory.become(states[number])
            made += ways[number][0]
            return None if ways[number][1] == ON else ways[number][1]
        if all(end == ON for _, end in ways):
            memory.meet(*states)
            made.append(Either(condition, ways[0][0], ways[1][0]))
            return None
        for number, (_, end) in enumerate(ways):
            if end.kind in ("on", "several", "goto") and rest:
                state = states[number] if end == ON else memory.copy()
                before = ways[number][0] if end == ON else ()
                items = rest if end == ON else [*branches[number], *rest]
                moved, end = self.items(items, place, state)
                ways[number] = ((*before, *moved), end)
                states[number] = state
        refused = [self._is_refused(end, condition, place) for _, end in ways]
        if any(refused) and not all(refused):
            number = refused.index(False)
            memory.become(states[number])
            made += ways[number][0]
            return ways[number][1]
        made.append(Either(condition, ways[0][0], ways[1][0]))
        memory.meet(*states)
        first, second = ways[0][1], ways[1][1]
        if first == second:
            return first
        if first.kind == second.kind == "return":
            return RowEnd("return", UNKNOWN)
        turn = ("on", "break", "continue")
        if first.kind in turn and second.kind in turn and not rest:
            # What ends a turn of a loop in another way is in the moves.
            return RowEnd("several")
        return RowEnd("several")

    def _way(
        self, branch: list[Item], rest: list[Item], place: Naming, memory: LocalState
    ) -> tuple[Moves, RowEnd]:
        """A branch by itself, or with what follows the label that it goes to."""
        moved, end = self.items(branch, place, memory)
        if end.kind != "goto":
            return moved, end
        if (after := _from_label(rest, end.what)) is not None:
            more, end = self.items(after, place, memory)
            return (*moved, *more), end
        for behind in reversed(self._behind):
            if (after := _from_label(behind, end.what)) is not None:
                _, end = self.items(after, place, memory)
                return (*moved, _ELSEWHERE), end
        return moved, end

    def _is_refused(self, end: RowEnd, condition: str, place: Naming) -> bool:
        """Whether a way ends in an error: QEMU goes no further."""
        if end.kind == "dead":
            return True
        if end.kind != "return" or place.returns == "void":
            return False
        value = end.what
        if place.returns in ("bool", "pointer"):
            return value == "0"
        if re.fullmatch(r"-?\d+", value):
            return value != "0"
        return value.startswith("-") or (
            value not in ("", UNKNOWN) and value in condition
        )

    def _switch(self, item: syntax.Switch, place: Naming, memory: LocalState) -> Moves:
        made: list[Move] = []
        value = said(self._values.value(item.value, place, memory, made))
        cases = [
            one
            for one in (
                item.body.items if isinstance(item.body, syntax.Block) else (item.body,)
            )
            if isinstance(one, syntax.Case)
        ]
        ways: list[tuple[str, Moves]] = []
        default: Moves = ()
        states: list[LocalState] = []
        for number, case in enumerate(cases):
            state = memory.copy()
            items = [part for one in cases[number:] for part in one.body]
            moved, end = self.items(items, place.inner(), state)
            if self._is_refused(end, "", place):
                continue
            if end.kind == "break":
                moved = moved[:-1]
            if LeaveLoop() in _own_leaves(moved) or end.kind not in ("on", "break"):
                moved = (*moved, _ELSEWHERE)  # more than this can follow
            states.append(state)
            match case.value:
                case None:
                    default = moved
                case syntax.Range(low, high):
                    ends = (
                        self._values.value(bound, place, state, [])
                        for bound in (low, high)
                    )
                    ways.append((f"{value} in {' ... '.join(map(said, ends))}", moved))
                case label:
                    only = said(self._values.value(label, place, state, []))
                    ways.append((f"{value} == {only}", moved))
        for state in states:
            met = LocalState()
            met.meet(memory, state)
            memory.become(met)
        for condition, moved in reversed(ways):
            default = (Either(condition, moved, default),)
        return (*made, *default)

    def _loop(
        self,
        item: syntax.For | syntax.While,
        behind: frozenset[str],
        place: Naming,
        memory: LocalState,
    ) -> Moves:
        made: list[Move] = []
        place = replace(place.inner(), leaves=behind)
        step: syntax.Expr | None = None
        after = False
        match item:
            case syntax.For(start, condition, step, body):
                first, _ = self.items(start, place, memory)
                made += first
            case syntax.While(condition, body, after):
                if not after:
                    body, step = as_for(condition, body)
            case _:
                assert_never(item)
        count = turns(self._values, condition, step, body, place, memory)
        before = dict(memory.cells)
        self._forget((condition, step, body), place, memory)
        held = {
            cell: value
            for cell, value in memory.cells.items()
            if before.get(cell) != value
        }
        inside: list[Move] = []
        leaves = ""
        if count is None and condition is not None and not after:
            leaves = self._values.condition(condition, place, memory, inside)
        states = memory.copy()
        items: list[Item] = [body, BlockEnd(place)]
        moved, end = self.items(items, place, states)
        if end.kind == "goto" and moved:
            moved = (*moved, _ELSEWHERE)
        if step is not None:
            stepped = list(moved)
            self._values.value(step, place, states, stepped)
            moved = tuple(stepped)
        if count is None and after and condition is not None:
            last = list(moved)
            leaves = self._values.condition(condition, place, states, last)
            moved = tuple(last)
            if leaves not in ("0", "1"):
                moved = (*moved, Either(leaves, (), (LeaveLoop(),)))
            if leaves == "0":
                count = "1"
            leaves = ""
        for cell, phi in held.items():
            first_value, last_value = before.get(cell), states.cells.get(cell)
            if is_word(first_value) and is_word(last_value):
                # get; while (...) { ...; get }: one word, again and again.
                assert isinstance(first_value, str)
                assert isinstance(last_value, str)
                assert isinstance(phi, str)
                self.words.is_same(phi, first_value)
                self.words.is_same(last_value, first_value)
        outside = memory.copy()
        memory.meet(outside, states)
        memory.cells = outside.cells
        for cell in held:
            memory.cells[cell] = UNKNOWN
        if count is None:
            if inside and leaves not in ("", "1"):
                moved = (*inside, Either(leaves, moved, (LeaveLoop(),)))
                count = ""
            else:
                moved = (*inside, *moved)
                count = "" if leaves in ("", "1") else f"while {leaves}"
                if leaves == "0":
                    return tuple(made)
        return (*made, Loop(count, moved))

    def _forget(
        self, parts: tuple[Node | None, ...], place: Naming, memory: LocalState
    ) -> None:
        """What a loop changes is not known in a turn of it."""
        for name in changed(*parts):
            cell = place.names.get(name)
            if cell is None or isinstance(memory.cells.get(cell), StreamPointer):
                continue
            if cell in memory.cells:
                memory.cells[cell] = self.words.fresh("@")
        memory.forget(changed_members(*parts))


def _moves_nothing(move: Move) -> bool:
    match move:
        case Loop(body=body) | Part(body=body):
            return all(map(_moves_nothing, body))
        case Either(_, then, otherwise):
            return all(map(_moves_nothing, (*then, *otherwise)))
        case MovedWord() | MovedBytes() | Handed() | LeaveLoop() | Must():
            return move in (_ELSEWHERE, LeaveLoop())
        case _:
            assert_never(move)


def _labels(items: Sequence[Item]) -> frozenset[str]:
    """The labels that a row of statements begins with."""
    found: list[str] = []
    for item in items:
        if isinstance(item, syntax.Label):
            found.append(item.name)
        elif not isinstance(item, BlockEnd):
            break
    return frozenset(found)


def _from_label(items: Sequence[Item], label: str) -> list[Item] | None:
    for number, item in enumerate(items):
        if isinstance(item, syntax.Label) and item.name == label:
            return list(items[number:])
    return None


def _own_leaves(moves: Moves) -> Iterator[Move]:
    for move in moves:
        yield move
        if isinstance(move, Either):
            yield from _own_leaves((*move.then, *move.otherwise))
