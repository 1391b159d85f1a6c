"""Follows the statements of a tree's ``meson.build`` files as far as they decide.

What only a configured build knows is :class:`Unknown`.  It may flow through variables
and arguments; where it would decide which file belongs to a binary, that is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import assert_never

from vmgen.linkmodel import syntax
from vmgen.linkmodel.syntax import Expression, Statement
from vmgen.linkmodel.values import (
    Dependency,
    File,
    Generated,
    Makefile,
    Unknown,
    Value,
    flattened,
)
from vmgen.source import Diagnostic, Position, VmgenError

_EFFECTS = frozenset(("add", "add_all"))
_LIBRARIES = frozenset(("dependency", "declare_dependency", "find_library"))
_MAKING = frozenset(("configure_file", "custom_target", "vcs_tag"))
_FORMAT = re.compile(r"@(\w+)@")


class Leaving(Exception):
    """``break``, ``continue`` or ``subdir_done()`` on its way out."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


Function = Callable[["Interpreter", "Arguments"], Value]
Method = Callable[["Interpreter", Value, "Arguments"], Value]

BUILD_HINT = "configure QEMU in a folder of its own and give it with --build"


class Arguments:
    """The evaluated arguments of a call."""

    __slots__ = ("keywords", "line", "name", "values")

    def __init__(
        self, name: str, values: list[Value], keywords: dict[str, Value], line: int
    ) -> None:
        self.name = name
        self.values = values
        self.keywords = keywords
        self.line = line

    def listed(self, keyword: str) -> list[Value]:
        """A keyword's values, none where it is absent."""
        value = self.keywords.get(keyword, [])
        return flattened(value) if isinstance(value, list) else [value]


class Interpreter:
    """One walk over a tree.

    ``pinned`` are variables whose values are facts: assignments to them do nothing.
    ``skipped`` are folders that ``subdir()`` passes by.
    """

    def __init__(
        self,
        root: Path,
        functions: Mapping[str, Function],
        methods: Callable[[Value, str], Method | None],
        pinned: Mapping[str, Value],
        skipped: frozenset[str],
    ) -> None:
        self.root = root
        self.folder = ""
        self.variables: dict[str, Value] = dict(pinned)
        self._pinned = frozenset(pinned)
        self._functions = functions
        self._methods = methods
        self._skipped = skipped

    # --- files and places -------------------------------------------------------------

    def where(self, line: int) -> Position:
        """The line of the file that is being read."""
        return Position(self.inside("meson.build"), line)

    def inside(self, name: str) -> str:
        """A name in the current folder, or one from the machine's root on that is in the
        tree, relative to the tree's root."""
        start = f"{self.root}/"
        if name.startswith(start):
            return name.removeprefix(start)
        return f"{self.folder}/{name}" if self.folder else name

    def error(self, line: int, message: str, hint: str = "") -> VmgenError:
        """VG122: the build description cannot be followed here."""
        return VmgenError(
            Diagnostic(
                "VG122",
                message,
                self.where(line),
                hint=hint or BUILD_HINT,
            )
        )

    def undecided(self, line: int, what: str, value: Unknown) -> VmgenError:
        """VG123: a file's place in the binary hangs on something unknown."""
        return VmgenError(
            Diagnostic(
                "VG123",
                f"{what} depends on {value.reason}, which only a configured build knows",
                value.where or self.where(line),
                hint=BUILD_HINT,
            )
        )

    def kept(self, value: Unknown, line: int) -> Unknown:
        """What is put among sources: an error for those targets that select it."""
        return replace(value, where=value.where or self.where(line))

    def subdir(self, name: str, line: int, statements: Sequence[Statement]) -> None:
        """Reads another folder's statements in place."""
        outer = self.folder
        self.folder = self.inside(name)
        try:
            self.run(statements)
        except Leaving as leaving:
            if leaving.word != "subdir_done":
                raise
        finally:
            self.folder = outer

    def is_skipped(self, folder: str) -> bool:
        """Whether ``subdir`` passes this folder by."""
        return folder in self._skipped

    # --- statements -------------------------------------------------------------------

    def run(self, statements: Sequence[Statement]) -> None:
        """Executes statements in order."""
        for statement in statements:
            match statement:
                case syntax.Assignment(name, expression, append, line):
                    self._assign(name, expression, append, line)
                case syntax.Evaluate(expression):
                    self.value(expression)
                case syntax.Branches():
                    self._if(statement)
                case syntax.ForEach():
                    self._foreach(statement)
                case syntax.Leave(word):
                    raise Leaving(word)
                case _:
                    assert_never(statement)

    def _assign(
        self, name: str, expression: Expression, append: bool, line: int
    ) -> None:
        value = self.value(expression)
        if name in self._pinned:
            return
        if append:
            if name not in self.variables:
                raise self.error(line, f"nothing has set the variable {name}")
            value = self._add(self.variables[name], value, line)
        self.variables[name] = value

    def _if(self, statement: syntax.Branches) -> None:
        for number, (condition, body) in enumerate(statement.branches):
            holds = self.value(condition)
            if isinstance(holds, Unknown):
                rest = [body for _, body in statement.branches[number:]]
                bodies = [*rest, statement.otherwise]
                self._forget(bodies, holds, statement.line)
                for name, made in _made_in_all(bodies).items():
                    if name not in self._pinned:
                        self.variables[name] = Generated(made)
                return
            if self._truth(holds, statement.line):
                self.run(body)
                return
        self.run(statement.otherwise)

    def _forget(
        self, bodies: Sequence[Sequence[Statement]], why: Unknown, line: int
    ) -> None:
        """What any of these would assign is unknown from here on."""
        why = replace(why, external=False)  # it may be the tree's own
        for body in bodies:
            for statement in body:
                match statement:
                    case syntax.Assignment(name, expression):
                        self._check_harmless(expression, why)
                        if name not in self._pinned:
                            self._forget_one(name, expression, why)
                    case syntax.Evaluate(expression):
                        self._check_harmless(expression, why)
                    case syntax.Branches(branches, otherwise):
                        self._forget([body for _, body in branches], why, line)
                        self._forget([otherwise], why, line)
                    case syntax.ForEach(_, _, inner):
                        self._forget([inner], why, line)
                    case syntax.Leave():
                        pass
                    case _:
                        assert_never(statement)

    def _forget_one(self, name: str, expression: Expression, why: Unknown) -> None:
        """A library that is there passes the tests made of it; all else is unknown."""
        old = self.variables.get(name)
        if not isinstance(old, Dependency):
            self.variables[name] = why
        elif not old.found:
            match expression:
                case syntax.Identifier(other):
                    found = self.variables.get(other)
                    if isinstance(found, Dependency) and found.found:
                        self.variables[name] = found
                case syntax.Invocation(_, function) if function in _LIBRARIES:
                    self.variables[name] = Dependency(name)

    def _check_harmless(self, expression: Expression, why: Unknown) -> None:
        for node in _calls(expression):
            if node.object is None and node.name in ("subdir", "subdir_done"):
                raise self.undecided(node.line, "reading a folder", why)
            if node.object is not None and node.name in _EFFECTS:
                raise self.undecided(node.line, "a list of sources", why)

    def _foreach(self, statement: syntax.ForEach) -> None:
        items = self.value(statement.items)
        if isinstance(items, Unknown):
            self._forget([statement.body], items, statement.line)
            return
        names = statement.names
        rows: list[tuple[Value, ...]]
        if isinstance(items, dict):
            rows = [row if len(names) == 2 else row[:1] for row in items.items()]
        elif isinstance(items, list):
            rows = [(item,) for item in items]
        else:
            raise self.error(
                statement.line, "foreach over what is neither list nor dictionary"
            )
        for row in rows:
            if len(row) != len(names):
                raise self.error(
                    statement.line, "foreach with another number of names than values"
                )
            for name, value in zip(names, row, strict=True):
                if name not in self._pinned:
                    self.variables[name] = value
            try:
                self.run(statement.body)
            except Leaving as leaving:
                if leaving.word == "break":
                    break
                if leaving.word != "continue":
                    raise

    # --- expressions ------------------------------------------------------------------

    def value(self, expression: Expression) -> Value:
        """What an expression evaluates to."""
        match expression:
            case syntax.Literal(value, line, formatted):
                return self._formatted(str(value), line) if formatted else value
            case syntax.Identifier(name, line):
                if name not in self.variables:
                    raise self.error(line, f"nothing has set the variable {name}")
                return self.variables[name]
            case syntax.List(items):
                return [self.value(item) for item in items]
            case syntax.Dictionary(pairs, line):
                found = {self.value(key): self.value(value) for key, value in pairs}
                if len(found) < len(pairs):
                    raise self.error(line, "a dictionary has a key twice")
                return found
            case syntax.Invocation():
                return self._call(expression)
            case syntax.Subscript(object, index, line):
                return self._subscript(self.value(object), self.value(index), line)
            case syntax.Not(operand, line, negative):
                value = self.value(operand)
                if isinstance(value, Unknown):
                    return value
                return -value if negative else not self._truth(value, line)
            case syntax.Operation():
                return self._operation(expression)
            case syntax.Choice(condition, then, otherwise, line):
                holds = self.value(condition)
                if isinstance(holds, Unknown):
                    return replace(holds, external=False)
                return self.value(then if self._truth(holds, line) else otherwise)
            case _:
                assert_never(expression)

    def _formatted(self, text: str, line: int) -> Value:
        values: dict[str, Value] = {}
        for name in _FORMAT.findall(text):
            if name not in self.variables:
                raise self.error(line, f"nothing has set the variable {name}")
            values[name] = self.variables[name]
            if isinstance(values[name], Unknown):
                return values[name]
        return _FORMAT.sub(lambda match: text_of(values[match[1]]), text)

    def _truth(self, value: Value, line: int) -> bool:
        if isinstance(value, bool):
            return value
        raise self.error(line, "a condition that is neither true nor false")

    def _call(self, call: syntax.Invocation) -> Value:
        # is_variable() and the like ask about names, not values.
        if call.object is None:
            function = self._functions.get(call.name)
            if function is None:
                raise self.error(call.line, f"the function {call.name}() is not known")
            return function(self, self._arguments(call))
        object = self.value(call.object)
        arguments = self._arguments(call)
        if isinstance(object, Unknown):
            if call.name in _EFFECTS:
                raise self.undecided(call.line, "a list of sources", object)
            return object
        method = self._methods(object, call.name)
        if method is None:
            kind = type(object).__name__
            raise self.error(call.line, f"the method {kind}.{call.name}() is not known")
        return method(self, object, arguments)

    def _arguments(self, call: syntax.Invocation) -> Arguments:
        keywords = {name: self.value(argument) for name, argument in call.keywords}
        more = keywords.get("kwargs")
        if isinstance(more, dict):  # a dictionary of further keywords
            del keywords["kwargs"]
            keywords |= more
        return Arguments(
            call.name,
            [self.value(argument) for argument in call.arguments],
            keywords,
            call.line,
        )

    def _subscript(self, object: Value, index: Value, line: int) -> Value:
        if isinstance(object, Unknown):
            return object
        if isinstance(index, Unknown):
            return index
        if isinstance(object, dict):
            if index not in object:
                if isinstance(object, Makefile):
                    return Unknown(f"the value of {index}")
                raise self.error(line, f"a dictionary has no key {index!r}")
            return object[index]
        if isinstance(object, list | str) and isinstance(index, int):
            if not -len(object) <= index < len(object):
                raise self.error(line, f"a list has no item {index}")
            return object[index]
        raise self.error(line, "a subscript of what has no items")

    def _operation(self, node: syntax.Operation) -> Value:
        op, line = node.op, node.line
        left = self.value(node.left)
        if op in ("and", "or"):
            stops = op == "or"
            if not isinstance(left, Unknown) and self._truth(left, line) == stops:
                return stops
            right = self.value(node.right)
            if isinstance(right, Unknown):
                return right
            if self._truth(right, line) == stops:
                return stops
            return left if isinstance(left, Unknown) else right
        right = self.value(node.right)
        if op == "+":
            return self._add(left, right, line)
        if isinstance(right, Unknown):
            return right
        if op in ("in", "not in"):
            return self._contains(left, right, line, negated=op == "not in")
        if isinstance(left, Unknown):
            return left
        match op, left, right:
            case "==", _, _:
                return left == right
            case "!=", _, _:
                return left != right
            case "/", str(), str():
                return (PurePosixPath(left) / right).as_posix()
            case "/", int(), int() if right:
                return left // right
            case "%", int(), int() if right:
                return left % right
            case "-", int(), int():
                return left - right
            case "*", int(), int():
                return left * right
            case ("<", int(), int()) | ("<", str(), str()):
                return left < right
            case ("<=", int(), int()) | ("<=", str(), str()):
                return left <= right
            case (">", int(), int()) | (">", str(), str()):
                return left > right
            case (">=", int(), int()) | (">=", str(), str()):
                return left >= right
        raise self.error(line, f"{op!r} on these values")

    def _contains(
        self, item: Value, among: Value, line: int, *, negated: bool
    ) -> Value:
        if not isinstance(among, list | dict | str):
            raise self.error(line, "'in' what has no items")
        if isinstance(item, Unknown):
            return item
        found = item in among
        if not found and isinstance(among, list):
            unknown = [other for other in among if isinstance(other, Unknown)]
            if unknown:
                return unknown[0]
        return found != negated

    def _add(self, left: Value, right: Value, line: int) -> Value:
        if isinstance(left, list):
            # An unknown item stays one until somebody looks at it.
            return [*left, *right] if isinstance(right, list) else [*left, right]
        if isinstance(left, Unknown):
            return left
        if isinstance(right, Unknown):
            return right
        if isinstance(left, dict) and isinstance(right, dict):
            both = {**left, **right}
            return Makefile(both) if isinstance(left, Makefile) else both
        if isinstance(left, str) and isinstance(right, str):
            return left + right
        if (
            isinstance(left, int)
            and isinstance(right, int)
            and not isinstance(left, bool)
        ):
            return left + right
        raise self.error(line, "'+' on these values")


def text_of(value: Value) -> str:
    """A value inside a string, as meson's ``format`` writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, File):
        return value.path
    if isinstance(value, list):
        return f"[{', '.join(map(_quoted, value))}]"
    if isinstance(value, dict):
        pairs = (f"{_quoted(key)} : {_quoted(one)}" for key, one in value.items())
        return f"{{{', '.join(pairs)}}}"
    return str(value)


def _quoted(value: Value) -> str:
    return f"'{value}'" if isinstance(value, str) else text_of(value)


def _made_in_all(bodies: Sequence[Sequence[Statement]]) -> dict[str, str]:
    """The variables that are the same file of the build after every one of these, and
    that file's name: how it is made decides about no file of the tree."""
    first, *others = [_made(body) for body in bodies]
    return {
        name: output
        for name, output in first.items()
        if all(other.get(name) == output for other in others)
    }


def _made(body: Sequence[Statement]) -> dict[str, str]:
    """The variables that are a file of the build after some statements."""
    made: dict[str, str] = {}
    for statement in body:
        match statement:
            case syntax.Assignment(name, expression, append):
                output = None if append else _output(expression)
                if output is None:
                    made.pop(name, None)
                else:
                    made[name] = output
            case syntax.Branches() | syntax.ForEach() | syntax.Leave():
                return {}
            case syntax.Evaluate():
                pass
            case _:
                assert_never(statement)
    return made


def _output(expression: Expression) -> str | None:
    """The one file that a call makes, by the name that is written there."""
    match expression:
        case syntax.Invocation(None, function, _, keywords) if function in _MAKING:
            match dict(keywords).get("output"):
                case syntax.Literal(str(output), _, False):
                    return output
    return None


def _calls(expression: Expression) -> Iterator[syntax.Invocation]:
    match expression:
        case syntax.Invocation(object, _, arguments, keywords):
            yield expression
            for part in (
                *(() if object is None else (object,)),
                *arguments,
                *(value for _, value in keywords),
            ):
                yield from _calls(part)
        case syntax.List(items):
            for item in items:
                yield from _calls(item)
        case syntax.Dictionary(pairs):
            for key, value in pairs:
                yield from _calls(key)
                yield from _calls(value)
        case syntax.Subscript(left, right) | syntax.Operation(_, left, right):
            yield from _calls(left)
            yield from _calls(right)
        case syntax.Not(operand):
            yield from _calls(operand)
        case syntax.Choice(condition, then, otherwise):
            for part in (condition, then, otherwise):
                yield from _calls(part)
        case syntax.Literal() | syntax.Identifier():
            pass
        case _:
            assert_never(expression)
