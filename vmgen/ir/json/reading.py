"""The IR from JSON text: exactly what was written, anything else is named."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from vmgen import ir
from vmgen.ir import words
from vmgen.ir.json.shape import (
    BINARY,
    ELEMENTS,
    FORMAT,
    LISTS,
    MAX_DEPTH,
    OPERATIONS,
    STAMP,
    UNARY,
    shape,
    taken_apart,
)
from vmgen.json_members import once_each
from vmgen.source import Diagnostic, Position, VmgenError


def loads(text: str, file: str = "") -> ir.Program:
    """The program that :func:`dumps` wrote; ``file`` names the text in errors.

    Raises :class:`VmgenError`: VG601 for text that is not JSON, VG602 for JSON that is
    not this format, VG603 for a member that is missing, unknown or of the wrong type,
    VG604 for nesting deeper than :data:`MAX_DEPTH`.
    """
    return read(parse(text, file), file)


def read(document: object, file: str = "") -> ir.Program:
    """The program in a text that is parsed already; raises what :func:`loads` raises but
    for VG601.  The document is not changed."""
    if not isinstance(document, dict) or "format" not in document:
        raise _error(
            "VG602",
            "this JSON is not an IR that vmgen wrote",
            file,
            hint="no member 'format'",
        )
    data = dict(document)
    if (found := data.pop("format")) != FORMAT:
        raise _error(
            "VG602",
            f"the IR has format {found!r:.80}, this vmgen reads {FORMAT!r}",
            file,
            hint="write the file again with 'vmgen generate' of this version",
        )
    for name in STAMP:
        if not isinstance(data.pop(name, ""), str):
            raise _error("VG603", f"the stamp's {name!r} is not a string", file)
    try:
        return read_program(data, file)
    except RecursionError:  # the caller was deep in the stack already
        raise _too_deep(file) from None


def parse(text: str, file: str) -> object:
    """The JSON values of a text whose numbers are all integers and whose objects name no
    member twice; raises :class:`VmgenError` VG601 or, for too deep nesting, VG604."""

    def refuse_constant(name: str) -> object:
        raise ValueError(f"{name} is not a number of the IR")

    try:
        data: object = json.loads(
            text,
            parse_constant=refuse_constant,
            parse_float=refuse_constant,
            object_pairs_hook=once_each,
        )
    except RecursionError:
        raise _too_deep(file) from None
    except json.JSONDecodeError as error:
        place = Position(file, error.lineno, error.colno)
        raise VmgenError(Diagnostic("VG601", f"not JSON: {error.msg}", place)) from None
    except ValueError as error:
        raise _error("VG601", f"not an IR: {error}", file) from None
    return data


_MOST_KNOWN = 10_000
"""So many strings that fit an alphabet are remembered: a hostile file has more."""


def _error(
    code: str, message: str, file: str, where: str = "", hint: str = ""
) -> VmgenError:
    context = (where,) if where else ()
    return VmgenError(
        Diagnostic(code, message, Position(file), hint=hint, context=context)
    )


def _too_deep(file: str, where: str = "") -> VmgenError:
    return _error("VG604", f"nested deeper than {MAX_DEPTH} levels", file, where[:200])


_NAMES: Mapping[type[Any], str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "true or false",
    int: "an integer",
    types.NoneType: "null",
}


def read_program(data: dict[str, Any], file: str) -> ir.Program:
    """The program in parsed JSON without the members of the file as a whole."""
    try:
        program: ir.Program = _reading(ir.Program)(_NodeReader(), data)
    except _Misread as error:
        raise error.about(file) from None
    return program


class _Misread(Exception):
    """What is wrong with a value.  Whoever reads what is around it adds the step that leads
    to it, a member or the index of an item: the last one comes first."""

    def __init__(self, message: str, hint: str = "", code: str = "VG603") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.steps: list[str | int] = []

    def about(self, file: str) -> VmgenError:
        """The same for people."""
        if self.code == "VG604":
            return _too_deep(file, self._where())
        return _error(self.code, self.message, file, self._where(), self.hint)

    def _where(self) -> str:
        steps = [
            f"[{step}]" if isinstance(step, int) else f".{step}"
            for step in reversed(self.steps)
        ]
        return "".join(steps).removeprefix(".")


def _unlike(kind: type[Any], data: object) -> _Misread:
    found = _NAMES.get(type(data), "something else")
    return _Misread(f"expected {_NAMES[kind]}, found {found}")


@dataclasses.dataclass(slots=True)
class _NodeReader:
    """What readings share while one file is read."""

    module: str = ""
    """The file that positions leave out: that of the module that is read."""
    depth: int = 0
    inside: int = 0
    """How many expressions the one that is read is in."""

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Misread("", code="VG604")


_Reading: TypeAlias = Callable[[_NodeReader, Any], Any]
"""Makes a value of the IR of one that JSON has; raises _Misread."""


@functools.cache
def _reading(hint: Any) -> _Reading:
    """How a member of this type is read."""
    if hint is int:
        return _number(words.NUMBER)
    if hint in (str, bool):
        return _scalar(hint)
    if hint is Position:
        return _position
    origin, arguments = taken_apart(hint)
    if origin is typing.Annotated:
        kind, limit = arguments
        return _number(limit) if isinstance(limit, words.Span) else _text(kind, limit)
    if origin is tuple:
        return _items(arguments)
    if origin is typing.Literal:
        return _choice(arguments)
    if origin in (types.UnionType, typing.Union):
        return _union(frozenset(arguments))
    return _positional(hint) if hint in LISTS else _record(hint)


def _scalar(kind: type[Any]) -> _Reading:
    def read(reader: _NodeReader, data: Any) -> Any:
        if type(data) is not kind:
            raise _unlike(kind, data)
        return data

    return read


def _text(kind: type[Any], limit: words.Alphabet) -> _Reading:
    """A string of which the model says which ones there are."""
    known: set[str] = set()

    def read(reader: _NodeReader, data: Any) -> Any:
        if type(data) is not kind:
            raise _unlike(kind, data)
        if data not in known:
            if not limit.has(data):
                raise _Misread(f"{data!r:.80} is not {limit.what}")
            if len(known) < _MOST_KNOWN:
                known.add(data)
        return data

    return read


def _number(span: words.Span) -> _Reading:
    def read(reader: _NodeReader, data: Any) -> Any:
        if type(data) is not int:
            raise _unlike(int, data)
        if not span.has(data):
            besides = " and not 0" if span.nonzero else ""
            raise _Misread(f"{data} is not from {span.low} to {span.high}{besides}")
        return data

    return read


def _choice(options: tuple[str, ...]) -> _Reading:
    def read(reader: _NodeReader, data: Any) -> Any:
        if type(data) is not str:
            raise _unlike(str, data)
        if data not in options:
            raise _Misread(f"{data!r:.80} is none of {', '.join(map(repr, options))}")
        return data

    return read


def _items(arguments: tuple[Any, ...]) -> _Reading:
    others = [*arguments[1:]]
    readings = [_reading(kind) for kind in arguments if kind is not ...]
    one = readings[0]

    def read(reader: _NodeReader, data: Any) -> Any:
        if type(data) is not list:
            raise _unlike(list, data)
        if not data:
            return ()
        reader.deeper()
        found: list[Any] = []
        try:
            for item in data:
                found.append(one(reader, item))
        except _Misread as error:
            error.steps.append(len(found))
            raise
        reader.depth -= 1
        return tuple(found)

    def each(reader: _NodeReader, data: Any) -> Any:
        if type(data) is not list:
            raise _unlike(list, data)
        if len(data) != len(readings):
            raise _Misread(f"{len(data)} values, not {len(readings)}")
        reader.deeper()
        found: list[Any] = []
        try:
            for kind, item in zip(readings, data, strict=True):
                found.append(kind(reader, item))
        except _Misread as error:
            error.steps.append(len(found))
            raise
        reader.depth -= 1
        return tuple(found)

    return read if others == [...] else each


def _union(options: frozenset[Any]) -> _Reading:
    if types.NoneType in options:
        rest = options - {types.NoneType}
        inner = _reading(*rest) if len(rest) == 1 else _union(rest)

        def optional(reader: _NodeReader, data: Any) -> Any:
            return None if data is None else inner(reader, data)

        return optional
    if ir.Fixed in options:
        return _amount
    return _element if ir.CustomElement in options else _expression


def _amount(reader: _NodeReader, data: Any) -> Any:
    if type(data) is int:
        return _positional(ir.Fixed)(reader, [data])
    if type(data) is not dict:
        raise _unlike(dict, data)
    return _record(ir.Computed if "value" in data else ir.FromMember)(reader, data)


def _element(reader: _NodeReader, data: Any) -> Any:
    if type(data) is not dict:
        raise _unlike(dict, data)
    tag = data.get("is")
    cls: Any = ELEMENTS.get(tag) if isinstance(tag, str) else None
    if cls is None:
        raise _Misread(f"no element is called {tag!r:.80}", _nearest(tag, ELEMENTS))
    rest = {name: value for name, value in data.items() if name != "is"}
    return _record(cls)(reader, rest)


def _expression(reader: _NodeReader, data: Any) -> Any:
    reader.inside += 1
    expr = _inner_expression(reader, data)
    reader.inside -= 1
    if not reader.inside:
        _check(expr, frozenset())
    return expr


def _inner_expression(reader: _NodeReader, data: Any) -> Any:
    if type(data) is int:
        return _positional(ir.Const)(reader, [data])
    if data == "version":
        return ir.Version()
    if type(data) is not list or not data or type(data[0]) is not str:
        raise _Misread("not an expression: a number, 'version' or a list")
    operator = data[0]
    if operator in UNARY and len(data) == 2:
        return _positional(ir.Unary)(reader, data)
    if operator in BINARY:
        return _positional(ir.Binary)(reader, data)
    if operator not in OPERATIONS:
        hint = _nearest(operator, OPERATIONS)
        raise _Misread(f"no expression is called {operator!r:.80}", hint)
    cls: Any = OPERATIONS[operator]
    return _positional(cls)(reader, data[1:])


def _check(expr: ir.Expr, bound: frozenset[str]) -> None:
    """That loop variables are in their loops, and a path has its subscripts."""
    if isinstance(expr, ir.Var) and expr.name not in bound:
        raise _Misread(f"{expr.name!r:.80} is no variable of a loop here")
    if isinstance(expr, ir.Load):
        places = [f"[${number}]" for number in range(len(expr.subscripts))]
        if re.findall(r"\[\$\d+\]", expr.path) != places:
            raise _Misread(
                f"{expr.path!r:.80} does not have {len(places)} places for"
                " subscripts, in order",
            )
    if isinstance(expr, ir.Exists):
        _check(expr.start, bound)
        _check(expr.stop, bound)
        _check(expr.body, bound | {expr.var})
        return
    for inner in ir.children(expr):
        _check(inner, bound)


def _position(reader: _NodeReader, data: Any) -> Position:
    if type(data) is not str:
        raise _unlike(str, data)
    file, line, column = reader.module, *data.partition(":")[::2]
    if data.count(":") > 1:
        file, line, column = data.rsplit(":", 2)
    if not (_is_number(line) and _is_number(column)):
        raise _Misread(f"{data!r:.80} is not a position", "LINE:COLUMN")
    _reading(words.File)(reader, file)
    return Position(file, int(line), int(column))


@functools.cache
def _positional(cls: Any) -> _Reading:
    """A node whose members are the items of a list."""
    members = list(shape(cls).values())
    needed = sum(member.default is dataclasses.MISSING for member in members)
    readings: list[_Reading] = []  # filled late: nodes are in themselves

    def read(reader: _NodeReader, data: Any) -> Any:
        if type(data) is not list:
            raise _unlike(list, data)
        if not readings:
            readings.extend(_reading(one.hint) for one in members)
        if not needed <= len(data) <= len(members):
            names = ", ".join(member.name for member in members)
            raise _Misread(f"{len(data)} values where there should be: {names}")
        reader.deeper()
        found: list[Any] = []
        try:
            for reading, value in zip(readings, data, strict=False):
                found.append(reading(reader, value))
        except _Misread as error:
            error.steps.append(members[len(found)].name)
            raise
        reader.depth -= 1
        return cls(*found)

    return read


@functools.cache
def _record(cls: Any) -> _Reading:
    """A node whose members are those of an object."""
    members = shape(cls)
    needed = {
        name for name, one in members.items() if one.default is dataclasses.MISSING
    }
    readings: dict[str, _Reading] = {}  # filled late: nodes are in themselves

    def read(reader: _NodeReader, data: Any) -> Any:
        if type(data) is not dict:
            raise _unlike(dict, data)
        if not readings:
            readings.update((name, _reading(one.hint)) for name, one in members.items())
        if not (data.keys() <= members.keys() and needed <= data.keys()):
            raise _other_members(cls, data)
        reader.deeper()
        found: dict[str, Any] = {}
        name = "file"
        try:
            if cls is ir.Module:
                # Positions of the module's nodes leave its file out.
                reader.module = readings[name](reader, data[name])
            for name, value in data.items():
                found[name] = readings[name](reader, value)
        except _Misread as error:
            error.steps.append(name)
            raise
        if cls is ir.Module:
            reader.module = ""
        reader.depth -= 1
        return cls(**found)

    return read


def _other_members(cls: type[Any], data: dict[str, Any]) -> _Misread:
    members = shape(cls)
    for name in data:
        if name not in members:
            hint = _nearest(name, members)
            return _Misread(f"{cls.__name__} has no member {name!r:.80}", hint)
    name = next(
        name
        for name, member in members.items()
        if member.default is dataclasses.MISSING and name not in data
    )
    return _Misread(f"{cls.__name__} lacks its member {name!r}")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 12


def _nearest(name: object, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(str(name)[:80], known, 1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
