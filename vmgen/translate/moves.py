"""What C functions move to and from a stream, as one line of text: the facts that a
hand-written codec rests on.

The text has the calls that take the ``QEMUFile *``, in order: ``u32`` for a word,
``buffer(size)`` for raw bytes, ``state(symbol)`` for a description, ``->name`` for a
function behind a pointer, ``name()`` for one whose body is in another file.  Functions of
the same file are written out.  ``*( )`` is a loop, ``?( | )`` a choice.
"""

from __future__ import annotations

from collections.abc import Iterator

from vmgen.cfront import syntax
from vmgen.cfront.layout.model import Declarations

#: qemu_get_X() returns a word, qemu_put_X() takes one.
WORDS: dict[str, str] = {
    "byte": "uint8",
    "ubyte": "uint8",
    "be16": "uint16",
    "be32": "uint32",
    "be64": "uint64",
    "sbyte": "int8",
    "sbe16": "int16",
    "sbe32": "int32",
    "sbe64": "int64",
}
#: qemu_get_X() and qemu_put_X() that take a pointer to the value.
POINTED: dict[str, str] = {
    "8s": "uint8",
    "be16s": "uint16",
    "be32s": "uint32",
    "be64s": "uint64",
    "s8s": "int8",
    "sbe16s": "int16",
    "sbe32s": "int32",
    "sbe64s": "int64",
}
#: Functions of a stream that move no bytes.
SILENT = frozenset(
    [
        "qemu_file_get_error",
        "qemu_file_set_error",
        "qemu_file_set_error_obj",
        "qemu_file_get_error_obj",
        "qemu_file_total_transferred",
        "qemu_file_transferred",
        "qemu_file_rate_limit",
        "qemu_fflush",
    ]
)
_MAX_DEPTH = 12
_WIDTHS = {"8": "u8", "16": "u16", "32": "u32", "64": "u64"}


def moves(unit: Declarations, symbol: str) -> str:
    """What the function ``symbol`` moves; empty for nothing or a function that the unit
    does not define."""
    function = unit.function(symbol)
    if function is None or function.body is None:
        return ""
    return " ".join(_Walk(unit, (symbol,)).function(function, frozenset()))


def is_stream(type: syntax.TypeExpr) -> bool:
    """Whether the type is ``QEMUFile *``."""
    match type:
        case syntax.PointerType(syntax.NamedType("QEMUFile")):
            return True
        case syntax.PointerType(syntax.RecordType("struct", "QEMUFile")):
            return True
        case _:
            return False


class _Walk:
    """One walk over a function and those it calls."""

    def __init__(self, unit: Declarations, inside: tuple[str, ...]) -> None:
        self._unit = unit
        self._inside = inside
        self._streams: set[str] = set()

    def function(
        self, function: syntax.FunctionDecl, streams: frozenset[int]
    ) -> list[str]:
        """The moves of a function; ``streams`` are the parameters that are one."""
        self._streams = {
            parameter.name
            for number, parameter in enumerate(function.type.parameters)
            if number in streams or is_stream(parameter.type)
        }
        assert function.body is not None
        return list(self._node(function.body))

    def _node(self, node: object) -> Iterator[str]:
        match node:
            case syntax.LocalDecl(name, type, initializer):
                yield from self._node(initializer)
                if is_stream(type):
                    self._streams.add(name)
            case syntax.If(condition, then, otherwise) | syntax.Conditional(
                condition, then, otherwise
            ):
                yield from self._node(condition)
                first, second = list(self._node(then)), list(self._node(otherwise))
                if first or second:
                    both = [*first, "|", *second] if second else first
                    yield f"?({' '.join(both)})"
            case syntax.For(start, condition, step, body):
                yield from self._node(start)
                yield from self._loop(condition, body, step)
            case syntax.While(condition, body, after):
                yield from self._loop(
                    *(body, condition) if after else (condition, body)
                )
            case syntax.Call():
                yield from self._call(node)
            case tuple() as items:
                for item in items:
                    yield from self._node(item)
            case part if hasattr(part, "__slots__"):
                for slot in part.__slots__:
                    yield from self._node(getattr(part, slot))
            case _:
                pass

    def _loop(self, *parts: object) -> Iterator[str]:
        inside = [text for part in parts for text in self._node(part)]
        if inside:
            yield f"*({' '.join(inside)})"

    def _call(self, call: syntax.Call) -> Iterator[str]:
        for argument in call.arguments:
            yield from self._node(argument)
        streams = frozenset(
            number
            for number, argument in enumerate(call.arguments)
            if self._is_stream(argument)
        )
        if not streams:
            return
        match call.function:
            case syntax.Name(name):
                yield from self._named(name, call, streams)
            case syntax.Member(_, name):
                yield f"->{name}"
            case _:
                yield "->"

    def _named(
        self, name: str, call: syntax.Call, streams: frozenset[int]
    ) -> Iterator[str]:
        if name in SILENT:
            return
        kind = name.removeprefix("qemu_get_").removeprefix("qemu_put_")
        if kind != name:
            word = WORDS.get(kind) or POINTED.get(kind)
            if word is not None:
                yield _WIDTHS[word.lstrip("uint")]
            elif kind == "buffer":
                yield f"buffer({_text(call.arguments[-1])})"
            else:
                yield f"{name}()"
            return
        if name.startswith(("vmstate_save_state", "vmstate_load_state")):
            yield f"state({_text(call.arguments[1]).removeprefix('&')})"
            return
        inside = list(self._inlined(name, streams))
        for argument in call.arguments:
            if isinstance(argument, syntax.Name):
                inside += self._inlined(argument.name, frozenset())
        yield from inside or [f"{name}()"]

    def _inlined(self, name: str, streams: frozenset[int]) -> list[str]:
        function = self._unit.function(name)
        if function is None or function.body is None or name in self._inside:
            return []
        if len(self._inside) > _MAX_DEPTH:
            return []
        return _Walk(self._unit, (*self._inside, name)).function(function, streams)

    def _is_stream(self, expr: syntax.Expr) -> bool:
        while isinstance(expr, syntax.Cast):
            expr = expr.operand
        return isinstance(expr, syntax.Name) and expr.name in self._streams


def _text(expr: object) -> str:
    """An expression in few words."""
    match expr:
        case syntax.Name(name) | syntax.Member(_, name):
            return name
        case syntax.IntegerLiteral(value):
            return str(value)
        case syntax.Cast(_, operand):
            return _text(operand)
        case syntax.Unary(op, operand):
            return f"{op}{_text(operand)}"
        case syntax.Binary(op, left, right):
            return f"{_text(left)} {op} {_text(right)}"
        case syntax.Call(function, arguments):
            return f"{_text(function)}({', '.join(map(_text, arguments))})"
        case syntax.SizeOf(operand):
            return f"sizeof {_text(operand)}"
        case syntax.NamedType(name) | syntax.RecordType(_, name):
            return name
        case _:
            return "..."
