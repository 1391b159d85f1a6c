"""The IR as JSON and back: one line per field, stable order, nothing lost.

The text is made to be committed and read in a diff: a description's members each stand
on a line of their own, a field is one line, members that have their default value are
left out.  :func:`loads` accepts exactly what :func:`dumps` writes (any white space, any
order of members, with or without the stamp of a generated file) and nothing else, so that a file that was damaged or made by another
version is named as such instead of being half understood.

Short forms, all others are objects whose members are the attributes of :mod:`vmgen.ir`:

- a position is ``"LINE:COLUMN"``, with ``FILE:`` in front where the file is not the
  module's own;
- a step of a path is ``[name, type, dims, index, pointer]``, a word of a custom info
  ``[type, member]``, trailing defaults left out;
- a fixed amount is the number itself;
- an element is an object with its kind under ``is`` (``{"is": "int", "type": "uint8"}``);
- an expression is a number, ``"version"``, or a list with its operator first
  (``["&&", ["load", "env.priv", "uint64"], 1]``).
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from vmgen import ir
from vmgen.ir import words
from vmgen.source import Diagnostic, Position, VmgenError

FORMAT = "vmgen ir 2"
"""The first member of every file; changes when older files can no longer be read."""

_STAMP = ("generated", "body")
"""Members that a generated file begins with (:mod:`vmgen.stamp`); not part of the IR."""

MAX_DEPTH = 100
"""Deepest nesting that :func:`loads` follows; real predicates stay below 30."""

_ELEMENTS: Mapping[str, type[Any]] = {
    "int": ir.IntegerElement,
    "timer": ir.TimerElement,
    "buffer": ir.BufferElement,
    "unused": ir.UnusedElement,
    "bitmap": ir.BitmapElement,
    "struct": ir.StructElement,
    "tmp": ir.TmpElement,
    "list": ir.ListElement,
    "gtree": ir.GTreeElement,
    "words": ir.WordsElement,
    "nothing": ir.NothingElement,
    "format": ir.FormatElement,
    "custom": ir.CustomElement,
}

_OPERATIONS: Mapping[str, type[Any]] = {
    "const": ir.Const,
    "var": ir.Var,
    "load": ir.Load,
    "?:": ir.Select,
    "cast": ir.Truncate,
    "exists": ir.Exists,
    "ask": ir.Ask,
}

_LISTS: tuple[type[Any], ...] = (ir.Step, ir.Word, ir.Part, ir.Method)
_ELEMENT_TAGS = {cls: tag for tag, cls in _ELEMENTS.items()}
_OPERATION_TAGS = {cls: tag for tag, cls in _OPERATIONS.items()}


# --- the shape of a node, read from its dataclass -----------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class _Member:
    name: str
    hint: Any
    default: object  # dataclasses.MISSING: must be present


def _shape(cls: type[Any]) -> dict[str, _Member]:
    return _SHAPES[cls]


def _read_shape(cls: type[Any]) -> dict[str, _Member]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return {
        field.name: _Member(field.name, hints[field.name], field.default)
        for field in dataclasses.fields(cls)
    }


_SHAPES: Mapping[type[Any], dict[str, _Member]] = {
    node: _read_shape(node)
    for node in (*vars(ir).values(), Diagnostic)
    if isinstance(node, type) and dataclasses.is_dataclass(node)
}


_UNARY: tuple[str, ...] = typing.get_args(_shape(ir.Unary)["op"].hint)
_BINARY: tuple[str, ...] = typing.get_args(_shape(ir.Binary)["op"].hint)

# --- writing ------------------------------------------------------------------------


def dumps(program: ir.Program) -> str:
    """The program as JSON text, ASCII only, with a final newline."""
    return "".join(_program_lines(program))


def encoded(value: ir.Expr) -> object:
    """An expression as JSON values, in its short form."""
    return _encode(value, "")


def _program_lines(program: ir.Program) -> Iterator[str]:
    yield "{\n"
    yield f'  "format": {_line(FORMAT)},\n'
    yield f'  "release": {_line(program.release)},\n'
    yield f'  "target": {_line(program.target)},\n'
    yield '  "modules": ['
    for index, module in enumerate(program.modules):
        yield ",\n" if index else "\n"
        yield "    {\n"
        yield f'      "file": {_line(module.file)},\n'
        yield '      "descriptions": ['
        for number, description in enumerate(module.descriptions):
            yield ",\n" if number else "\n"
            yield from _description_lines(description, module.file)
        yield "\n      ]" if module.descriptions else "]"
        if module.functions:
            yield ',\n      "functions": '
            yield _lines(_encode(module.functions, module.file), "        ")
        if module.infos:
            yield ',\n      "infos": '
            yield _lines(_encode(module.infos, module.file), "        ")
        if module.methods:
            yield ',\n      "methods": '
            yield _lines(_encode(module.methods, module.file), "        ")
        if module.unread:
            yield ',\n      "unread": '
            yield _lines(_encode(module.unread, module.file), "        ")
        yield "\n    }"
    yield "\n  ]" if program.modules else "]"
    if program.roots:
        yield ',\n  "roots": '
        yield _lines(_encode(program.roots, ""), "    ")
    if program.premises:
        yield ',\n  "premises": [\n'
        yield ",\n".join(map(_premise_text, program.premises))
        yield "\n  ]"
    if program.elsewhere:
        yield ',\n  "elsewhere": '
        yield _lines(list(program.elsewhere), "    ")
    if program.unread:
        yield ',\n  "unread": '
        yield _lines(_encode(program.unread, ""), "    ")
    yield "\n}\n"


def _description_lines(description: ir.Description, file: str) -> Iterator[str]:
    yield "        {\n"
    members = _record(description, file)
    for number, (name, value) in enumerate(members.items()):
        yield ",\n" if number else ""
        text = _lines(value, " " * 12) if isinstance(value, list) else _line(value)
        yield f"          {_line(name)}: {text}"
    yield "\n        }"


def _premise_text(premise: ir.Premise) -> str:
    """One line a row."""
    members = _record(premise, "")
    rows: Any = members.pop("rows", [])
    head = _line(members)[:-1]
    return f'    {head}, "rows": {_lines(rows, "      ")}}}'


def _lines(values: list[object], indent: str) -> str:
    """A list with one line per item."""
    if not values:
        return "[]"
    items = ",\n".join(f"{indent}{_line(value)}" for value in values)
    return f"[\n{items}\n{indent[:-2]}]"


def _line(value: object) -> str:
    return json.dumps(value)


def _record(node: object, file: str) -> dict[str, object]:
    """The members of a node that differ from their default, in the class's order."""
    members = {}
    for name, member in _shape(type(node)).items():
        value = getattr(node, name)
        if member.default is dataclasses.MISSING or value != member.default:
            members[name] = _encode(value, file)
    return members


def _positional(node: object, file: str) -> list[object]:
    """The members of a node in order, without the trailing ones that are default."""
    values: list[object] = []
    keep = 0
    for name, member in _shape(type(node)).items():
        value = getattr(node, name)
        values.append(_encode(value, file))
        if member.default is dataclasses.MISSING or value != member.default:
            keep = len(values)
    return values[:keep]


def _encode(value: Any, file: str) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, tuple):
        return [_encode(item, file) for item in value]
    cls = type(value)
    if cls is Position:
        place = f"{value.line}:{value.column}"
        return place if value.file == file else f"{value.file}:{place}"
    if cls is ir.Fixed or (cls is ir.Const and not value.name):
        return value.value
    if cls is ir.Version:
        return "version"
    if cls in (ir.Unary, ir.Binary):
        return _positional(value, file)
    if cls in _OPERATION_TAGS:
        return [_OPERATION_TAGS[cls], *_positional(value, file)]
    if cls in _LISTS:
        return _positional(value, file)
    if cls in _ELEMENT_TAGS:
        return {"is": _ELEMENT_TAGS[cls], **_record(value, file)}
    return _record(value, file)


# --- reading ------------------------------------------------------------------------


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
    for name in _STAMP:
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
        self.inside = 0  # how many expressions the one that is read stands in

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
        origin = typing.get_origin(hint)
        if origin is typing.Annotated:
            return self.limited(hint, data, where)
        if origin is tuple:
            item = typing.get_args(hint)[0]
            items = self.expect(list, data, where)
            return tuple(
                self.value(item, value, f"{where}[{index}]")
                for index, value in enumerate(items)
            )
        if origin is typing.Literal:
            return self.choice(typing.get_args(hint), data, where)
        if origin in (types.UnionType, typing.Union):
            return self.union(set(typing.get_args(hint)), data, where)
        if hint is Position:
            return self.position(data, where)
        if hint in _LISTS:
            return self.positional(hint, self.expect(list, data, where), where)
        return self.record(hint, self.expect(dict, data, where), where)

    def limited(self, hint: Any, data: object, where: str) -> Any:
        """A string or a number of which the model says which ones there are."""
        kind, limit = typing.get_args(hint)
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
        if ir.Fixed in options:
            if type(data) is int:
                return self.positional(ir.Fixed, [data], where)
            return self.record(ir.FromMember, self.expect(dict, data, where), where)
        if ir.CustomElement in options:
            return self.element(self.expect(dict, data, where), where)
        self.inside += 1
        expr = self.expression(data, where)
        self.inside -= 1
        if not self.inside:
            self.check(expr, frozenset(), where)
        return expr

    def check(self, expr: ir.Expr, bound: frozenset[str], where: str) -> None:
        """That loop variables stand in their loops, and a path has its subscripts."""
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
        cls = _ELEMENTS.get(tag) if isinstance(tag, str) else None
        if cls is None:
            raise self.wrong(
                where, f"no element is called {tag!r:.80}", _nearest(tag, _ELEMENTS)
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
        if operator in _UNARY and len(data) == 2:
            return self.positional(ir.Unary, data, where)
        if operator in _BINARY:
            return self.positional(ir.Binary, data, where)
        if operator not in _OPERATIONS:
            hint = _nearest(operator, _OPERATIONS)
            raise self.wrong(where, f"no expression is called {operator!r:.80}", hint)
        return self.positional(_OPERATIONS[operator], data[1:], where)

    def positional(self, cls: type[Any], data: list[Any], where: str) -> Any:
        members = list(_shape(cls).values())
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
        shape = _shape(cls)
        for name in data:
            if name not in shape:
                hint = _nearest(name, shape)
                raise self.wrong(
                    where, f"{cls.__name__} has no member {name!r:.80}", hint
                )
        for name, member in shape.items():
            if member.default is dataclasses.MISSING and name not in data:
                raise self.wrong(where, f"{cls.__name__} lacks its member {name!r}")
        if cls is ir.Module:
            # Positions of the module's nodes leave its file out.
            self.module = self.expect(str, data["file"], f"{where}.file")
        elif cls is ir.Root or (cls is ir.Unread and where.startswith("unread[")):
            self.module = ""
        dot = "." if where else ""
        return cls(**{
            name: self.value(shape[name].hint, value, f"{where}{dot}{name}")
            for name, value in data.items()
        })  # fmt: skip


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 12


def _nearest(name: object, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(str(name)[:80], known, 1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
