"""The IR from JSON text: exactly what was written, anything else is named."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import json
import re
import types
import typing
from collections.abc import Mapping
from typing import Any

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
from vmgen.source import Diagnostic, Position, VmgenError


def loads(text: str, file: str = "") -> ir.Program:
    """The program that :func:`dumps` wrote; ``file`` names the text in errors.

    Raises :class:`VmgenError`: VG601 for text that is not JSON, VG602 for JSON that is
    not this format, VG603 for a member that is missing, unknown or of the wrong type,
    VG604 for nesting deeper than :data:`MAX_DEPTH`.
    """
    if not isinstance(data := parse(text, file), dict) or "format" not in data:
        raise _error(
            "VG602",
            "this JSON is not an IR that vmgen wrote",
            file,
            hint="no member 'format'",
        )
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
        return _NodeReader(file).program(data)
    except RecursionError:  # the caller was deep in the stack already
        raise _too_deep(file) from None


def parse(text: str, file: str) -> object:
    """The JSON values of a text whose numbers are all integers and whose objects name no
    member twice; raises :class:`VmgenError` VG601 or, for too deep nesting, VG604."""

    def refuse_constant(name: str) -> object:
        raise ValueError(f"{name} is not a number of the IR")

    def refuse_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
        members = dict(pairs)
        if len(members) != len(pairs):
            names = [name for name, _ in pairs]
            repeated = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"member {repeated!r:.80} occurs twice in one object")
        return members

    try:
        data: object = json.loads(
            text,
            parse_constant=refuse_constant,
            parse_float=refuse_constant,
            object_pairs_hook=refuse_repeats,
        )
    except RecursionError:
        raise _too_deep(file) from None
    except json.JSONDecodeError as error:
        place = Position(file, error.lineno, error.colno)
        raise VmgenError(Diagnostic("VG601", f"not JSON: {error.msg}", place)) from None
    except ValueError as error:
        raise _error("VG601", f"not an IR: {error}", file) from None
    return data


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


class _NodeReader:
    """Builds nodes from parsed JSON; ``where`` is the way from the root, for errors."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.module = ""
        self.depth = 0
        self.inside = 0  # how many expressions the one that is read is in

    def program(self, data: dict[str, Any]) -> ir.Program:
        program: ir.Program = self.record(ir.Program, data, "")
        return program

    def wrong(self, where: str, message: str, hint: str = "") -> VmgenError:
        return _error("VG603", message, self.file, where, hint)

    def expect(self, kind: type[Any], data: object, where: str) -> Any:
        if type(data) is not kind:
            found = _NAMES.get(type(data), "something else")
            raise self.wrong(where, f"expected {_NAMES[kind]}, found {found}")
        return data

    def value(self, hint: Any, data: Any, where: str) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _too_deep(self.file, where)
        try:
            return self.dispatch(hint, data, where)
        finally:
            self.depth -= 1

    def dispatch(self, hint: Any, data: Any, where: str) -> Any:
        if hint is int:
            return self.number(words.NUMBER, data, where)
        if hint in (str, bool):
            return self.expect(hint, data, where)
        origin, arguments = taken_apart(hint)
        if origin is typing.Annotated:
            return self.limited(hint, data, where)
        if origin is tuple:
            item, *others = arguments
            items = self.expect(list, data, where)
            if others != [...] and len(items) != 1 + len(others):
                raise self.wrong(where, f"{len(items)} values, not {1 + len(others)}")
            kinds = itertools.repeat(item) if others == [...] else (item, *others)
            return tuple(
                self.value(kind, value, f"{where}[{index}]")
                for index, (kind, value) in enumerate(zip(kinds, items, strict=False))
            )
        if origin is typing.Literal:
            return self.choice(arguments, data, where)
        if origin in (types.UnionType, typing.Union):
            return self.union(set(arguments), data, where)
        if hint is Position:
            return self.position(data, where)
        if hint in LISTS:
            return self.positional(hint, self.expect(list, data, where), where)
        return self.record(hint, self.expect(dict, data, where), where)

    def limited(self, hint: Any, data: object, where: str) -> Any:
        """A string or a number of which the model says which ones there are."""
        kind, limit = taken_apart(hint)[1]
        if isinstance(limit, words.Span):
            return self.number(limit, data, where)
        text: str = self.expect(kind, data, where)
        if not limit.has(text):
            raise self.wrong(where, f"{text!r:.80} is not {limit.what}")
        return text

    def number(self, span: words.Span, data: object, where: str) -> int:
        number: int = self.expect(int, data, where)
        if not span.has(number):
            least, most = span.low, span.high
            besides = " and not 0" if span.nonzero else ""
            raise self.wrong(where, f"{number} is not from {least} to {most}{besides}")
        return number

    def choice(self, options: tuple[str, ...], data: object, where: str) -> str:
        text: str = self.expect(str, data, where)
        if text not in options:
            raise self.wrong(
                where, f"{text!r:.80} is none of {', '.join(map(repr, options))}"
            )
        return text

    def union(self, options: set[Any], data: Any, where: str) -> Any:
        if types.NoneType in options:
            if data is None:
                return None
            options.discard(types.NoneType)
            if len(options) == 1:
                return self.value(options.pop(), data, where)
        if ir.Fixed in options:
            if type(data) is int:
                return self.positional(ir.Fixed, [data], where)
            amount = self.expect(dict, data, where)
            cls = ir.Computed if "value" in amount else ir.FromMember
            return self.record(cls, amount, where)
        if ir.CustomElement in options:
            return self.element(self.expect(dict, data, where), where)
        self.inside += 1
        expr = self.expression(data, where)
        self.inside -= 1
        if not self.inside:
            self.check(expr, frozenset(), where)
        return expr

    def check(self, expr: ir.Expr, bound: frozenset[str], where: str) -> None:
        """That loop variables are in their loops, and a path has its subscripts."""
        if isinstance(expr, ir.Var) and expr.name not in bound:
            raise self.wrong(where, f"{expr.name!r:.80} is no variable of a loop here")
        if isinstance(expr, ir.Load):
            places = [f"[${number}]" for number in range(len(expr.subscripts))]
            if re.findall(r"\[\$\d+\]", expr.path) != places:
                raise self.wrong(
                    where,
                    f"{expr.path!r:.80} does not have {len(places)} places for"
                    " subscripts, in order",
                )
        if isinstance(expr, ir.Exists):
            self.check(expr.start, bound, where)
            self.check(expr.stop, bound, where)
            self.check(expr.body, bound | {expr.var}, where)
            return
        for inner in ir.children(expr):
            self.check(inner, bound, where)

    def position(self, data: object, where: str) -> Position:
        text: str = self.expect(str, data, where)
        file, line, column = self.module, *text.partition(":")[::2]
        if text.count(":") > 1:
            file, line, column = text.rsplit(":", 2)
        if not (_is_number(line) and _is_number(column)):
            raise self.wrong(where, f"{text!r:.80} is not a position", "LINE:COLUMN")
        self.value(words.File, file, where)
        return Position(file, int(line), int(column))

    def element(self, data: dict[str, Any], where: str) -> Any:
        tag = data.get("is")
        cls = ELEMENTS.get(tag) if isinstance(tag, str) else None
        if cls is None:
            raise self.wrong(
                where, f"no element is called {tag!r:.80}", _nearest(tag, ELEMENTS)
            )
        rest = {name: value for name, value in data.items() if name != "is"}
        return self.record(cls, rest, where)

    def expression(self, data: Any, where: str) -> Any:
        if type(data) is int:
            return self.positional(ir.Const, [data], where)
        if data == "version":
            return ir.Version()
        if type(data) is not list or not data or type(data[0]) is not str:
            raise self.wrong(
                where, "not an expression: a number, 'version' or a list", ""
            )
        operator = data[0]
        if operator in UNARY and len(data) == 2:
            return self.positional(ir.Unary, data, where)
        if operator in BINARY:
            return self.positional(ir.Binary, data, where)
        if operator not in OPERATIONS:
            hint = _nearest(operator, OPERATIONS)
            raise self.wrong(where, f"no expression is called {operator!r:.80}", hint)
        return self.positional(OPERATIONS[operator], data[1:], where)

    def positional(self, cls: type[Any], data: list[Any], where: str) -> Any:
        members = list(shape(cls).values())
        needed = sum(member.default is dataclasses.MISSING for member in members)
        if not needed <= len(data) <= len(members):
            names = ", ".join(member.name for member in members)
            raise self.wrong(
                where, f"{len(data)} values where there should be: {names}"
            )
        return cls(*(
            self.value(member.hint, value, f"{where}.{member.name}")
            for member, value in zip(members, data, strict=False)
        ))  # fmt: skip

    def record(self, cls: type[Any], data: dict[str, Any], where: str) -> Any:
        members = shape(cls)
        for name in data:
            if name not in members:
                hint = _nearest(name, members)
                raise self.wrong(
                    where, f"{cls.__name__} has no member {name!r:.80}", hint
                )
        for name, member in members.items():
            if member.default is dataclasses.MISSING and name not in data:
                raise self.wrong(where, f"{cls.__name__} lacks its member {name!r}")
        if cls is ir.Module:
            # Positions of the module's nodes leave its file out.
            self.module = self.expect(str, data["file"], f"{where}.file")
        elif cls in (ir.Root, ir.Machines) or (
            cls is ir.Unread and where.startswith("unread[")
        ):
            self.module = ""
        dot = "." if where else ""
        return cls(**{
            name: self.value(members[name].hint, value, f"{where}{dot}{name}")
            for name, value in data.items()
        })  # fmt: skip


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 12


def _nearest(name: object, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(str(name)[:80], known, 1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
