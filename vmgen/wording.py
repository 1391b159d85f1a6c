"""Pieces of the IR as the words people read: types, sizes, predicates as C."""

from __future__ import annotations

from typing import assert_never

from vmgen import ir


def title(program: ir.Program) -> str:
    """What the program is about: its target, or its files where there is none."""
    return program.target or ", ".join(module.file for module in program.modules)


# --- expressions as C ---------------------------------------------------------------

_BINDING: dict[str, int] = {
    "?:": 1, "||": 2, "&&": 3, "|": 4, "^": 5, "&": 6, "==": 7, "!=": 7,
    "<": 8, "<=": 8, ">": 8, ">=": 8, "<<": 9, ">>": 9, "+": 10, "-": 10,
    "*": 11, "/": 11, "%": 11,
}  # fmt: skip
_UNARY, _ATOM = 12, 13
_MIXED = {"&", "|", "^", "<<", ">>"}


def expression(value: ir.Expr) -> str:
    """The expression as C-like text: ``env.priv >= 3 && (env.misa & 0x80) != 0``.

    Parentheses stand where C needs them and around bit operators inside others.  A loop
    reads ``any i in 0..16: body`` (the end excluded), an enumerator by its name.
    """
    return _expression(value)[0]


def _expression(value: ir.Expr) -> tuple[str, int]:
    """The text and how strongly its outermost operator binds."""
    match value:
        case ir.Const(number, name):
            return (name or _number(number)), (_UNARY if number < 0 else _ATOM)
        case ir.Version():
            return "version_id", _ATOM
        case ir.Var(name):
            return name, _ATOM
        case ir.Ask(name):
            return name, _ATOM
        case ir.Load(path, _, subscripts):
            for index, subscript in enumerate(subscripts):
                path = path.replace(f"[${index}]", f"[{expression(subscript)}]")
            return path, _ATOM
        case ir.Unary(op, operand):
            text = _inside(operand, _UNARY)
            return (f"-({text})" if op == text[0] == "-" else op + text), _UNARY
        case ir.Truncate(kind, operand):
            return f"({kind}){_inside(operand, _UNARY)}", _UNARY
        case ir.Binary(op, left, right):
            binding = _BINDING[op]
            texts = _inside(left, binding, op), _inside(right, binding + 1, op)
            return f" {op} ".join(texts), binding
        case ir.Select(condition, then, otherwise):
            text = f"{_inside(condition, 2)} ? {_inside(then, 2)} : {_inside(otherwise, 1)}"
            return text, 1
        case ir.Exists(var, start, stop, step, body):
            by = f" step {step}" if step != 1 else ""
            span = f"{_inside(start, _ATOM)}..{_inside(stop, _ATOM)}{by}"
            return f"any {var} in {span}: {expression(body)}", 0
        case _:
            assert_never(value)


def _inside(value: ir.Expr, binding: int, parent: str = "") -> str:
    text, own = _expression(value)
    operator = value.op if isinstance(value, ir.Binary) else ""
    mixed = parent in _MIXED or operator in _MIXED
    if own < binding or (mixed and operator and parent and operator != parent):
        return f"({text})"
    return text


def _number(value: int) -> str:
    """Decimal where small or round, hexadecimal where it looks like a mask."""
    if abs(value) < 10 or str(value).strip("-").strip("0") in "123456789":
        return str(value)
    return hex(value) if abs(value) >= 64 else str(value)


def function(symbol: str, functions: dict[str, ir.Function]) -> str:
    """The condition behind a predicate's symbol: its body as C, or ``symbol()``."""
    known = functions.get(symbol)
    if known is None or known.body is None:
        return f"{symbol}()"
    return expression(known.body)


# --- fields -------------------------------------------------------------------------


def wire_type(field: ir.Field) -> str:
    """The type as the description JSON at the end of a stream names it: ``struct``,
    ``vstruct``, or the name of the info (``uint64``, ``int32 le``, ``buffer``)."""
    match field.element:
        case ir.IntegerElement(kind, check, info):
            if info == "vmstate_info_cpudouble":
                return "CPU_Double_U"
            return f"{kind} {check}" if check else kind
        case ir.StructElement(vstruct=vstruct, name=name):
            return name or ("vstruct" if vstruct else "struct")
        case ir.TimerElement():
            return "timer"
        case ir.BufferElement(name=name):
            return name or "buffer"
        case ir.UnusedElement():
            return "unused_buffer"
        case ir.BitmapElement():
            return "bitmap"
        case ir.TmpElement():
            return "tmp"
        case ir.ListElement(kind=kind):
            return kind
        case ir.GTreeElement():
            return "gtree"
        case ir.WordsElement(name=name) | ir.CustomElement(name=name):
            return name
        case ir.NothingElement():
            return "nothing"
        case _:
            assert_never(field.element)


def c_type(field: ir.Field) -> str:
    """The C type of the member, as declared: ``target_ulong[32]``, ``QEMUTimer *``."""
    if not field.path:
        return ""
    step = field.path[-1]
    dims = "".join(f"[{dim or ''}]" for dim in step.dims[len(step.index) :])
    return f"{step.type}{' *' if step.pointer else ''}{dims}"


def count(value: ir.FromMember | ir.Computed) -> str:
    """The member that counts, or the expression."""
    if isinstance(value, ir.Computed):
        return expression(value.value)
    return ir.path_text(value.path)


def amount(value: ir.Amount) -> str:
    """``16``, the member it is read from (``env.n``, ``4 * env.n``), or an expression."""
    match value:
        case ir.Fixed(number):
            return str(number)
        case ir.FromMember(path, _, multiply):
            times = f"{multiply} * " if multiply != 1 else ""
            return f"{times}{ir.path_text(path)}"
        case ir.Computed(expr):
            return expression(expr)
        case _:
            assert_never(value)


def default(property: ir.Property) -> str:
    """The default of a property as ``-device`` takes it (``on``, ``auto``, ``16``); empty
    where it is not known."""
    number = property.default
    if number is None:
        return ""
    if property.kind == "bool" and number in (0, 1):
        return "on" if number else "off"
    if 0 <= number < len(property.values):
        return property.values[number]
    return str(number)
