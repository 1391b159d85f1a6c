"""Code as text: one expression on one line, in black's style; strings that cannot end one.

Everything that reaches a template as a string of the input (C names, wire names, paths,
releases) goes through :func:`quoted` where it is a literal and through :func:`plain`
where it is a comment or a docstring.
"""

from __future__ import annotations

import re
from typing import assert_never

from vmgen.plan import code

_ODD = re.compile(r"""["\\{}]|[^\x20-\x7e]""")

_LAMBDA, _CHOICE, _OR, _AND, _NOT, _COMPARE, _BITS, _SHIFT, _SUM, _PRODUCT, _SIGN, _ATOM = range(12)  # fmt: skip
"""How tightly expressions bind; bit operators as if they all bound alike, since no one
knows their order by heart."""

_BINDS = {
    "+": _SUM, "-": _SUM, "*": _PRODUCT, "&": _BITS, "|": _BITS, "^": _BITS,
    "<<": _SHIFT, ">>": _SHIFT,
}  # fmt: skip


def plain(text: str) -> str:
    """The text for a comment or a docstring: no quotes, backslashes, braces or line breaks."""
    return _ODD.sub("_", text)


def quoted(value: object) -> str:
    """``repr`` of a string, of bytes or of a number, with the quotes that black prefers."""
    text = repr(value)
    if not isinstance(value, str | bytes):
        return text
    start = 1 if isinstance(value, bytes) else 0
    quote, body = text[start], text[start + 1 : -1]
    bare = body.replace(f"\\{quote}", quote)
    best = '"' if bare.count('"') <= bare.count("'") else "'"
    return f"{text[:start]}{best}{bare.replace(best, chr(92) + best)}{best}"


def spelled(expr: code.Expr) -> str:
    """The expression as Python source."""
    return _spell(expr)[0]


def _spell(expr: code.Expr) -> tuple[str, int]:
    """The source of an expression, and how tightly it binds."""
    match expr:
        case code.PyName(id=name):
            return name, _ATOM
        case code.PyGlobal(local=name):
            return name, _ATOM
        case code.PyConst(value=int(value)) if value < 0:
            return _constant(expr), _SIGN
        case code.PyConst():
            return _constant(expr), _ATOM
        case code.PyAttr(base=base, name=name):
            return f"{_within(base, _ATOM)}.{name}", _ATOM
        case code.PyIndex(base=base, index=index):
            return f"{_within(base, _ATOM)}[{spelled(index)}]", _ATOM
        case code.PySlice(start=start, stop=stop):
            return _slice(start, stop), _ATOM
        case code.PyCall(function=function, arguments=arguments, keywords=keywords):
            given = [spelled(one) for one in arguments]
            given += [f"{name}={spelled(one)}" for name, one in keywords]
            return f"{_within(function, _ATOM)}({', '.join(given)})", _ATOM
        case code.PyTuple(items=items):
            last = "," if len(items) == 1 else ""
            return f"({_row(items)}{last})", _ATOM
        case code.PyIndices(items=items):
            return _row(items), _ATOM
        case code.PyStarred(value=value):
            return f"*{_within(value, _BITS)}", _ATOM
        case code.PyList(items=items):
            return f"[{_row(items)}]", _ATOM
        case code.PyUnary(op=op, operand=operand):
            if op == "not":
                return f"not {_within(operand, _NOT)}", _NOT
            return f"{op}{_within(operand, _SIGN)}", _SIGN
        case code.PyBinary():
            return _binary(expr), _BINDS[expr.op]
        case code.PyCompare(op=op, left=left, right=right):
            sides = _within(left, _SUM), _within(right, _SUM)
            return f"{sides[0]} {op} {sides[1]}", _COMPARE
        case code.PyLogic(op=op, items=items):
            text = f" {op} ".join(_within(one, _NOT) for one in items)
            return text, _OR if op == "or" else _AND
        case code.PyChoice(condition=condition, then=then, otherwise=otherwise):
            pieces = [_within(one, _OR) for one in (then, condition, otherwise)]
            return "{} if {} else {}".format(*pieces), _CHOICE
        case code.PyLambda(parameters=parameters, body=body):
            head = f"lambda {', '.join(parameters)}" if parameters else "lambda"
            return f"{head}: {spelled(body)}", _LAMBDA
        case code.PyEach(element=element, loops=loops, generator=generator):
            text = _within(element, _CHOICE) + "".join(
                f" for {name} in {_within(one, _OR)}" for name, one in loops
            )
            return (text if generator else f"[{text}]"), _ATOM
        case code.PyFormat(parts=parts):
            return _format(parts), _ATOM
    assert_never(expr)


def _within(expr: code.Expr, least: int) -> str:
    """The source of an operand, in parentheses unless it binds tightly enough."""
    text, binds = _spell(expr)
    return text if binds >= least else f"({text})"


def _row(items: tuple[code.Expr, ...]) -> str:
    return ", ".join(spelled(one) for one in items)


def _constant(one: code.PyConst) -> str:
    if one.hexadecimal and isinstance(one.value, int):
        return f"{'-' if one.value < 0 else ''}0x{abs(one.value):X}"
    return quoted(one.value)


def _binary(expr: code.PyBinary) -> str:
    """Operators of one kind in a row need no parentheses, any others have them."""
    # Each side once: a chain of n operators is n deep on the left.
    (left, binds), (right, other) = _spell(expr.left), _spell(expr.right)
    chained = isinstance(expr.left, code.PyBinary) and (
        expr.left.op == expr.op or {expr.left.op, expr.op} == {"+", "-"}
    )
    bare = chained and expr.op not in ("<<", ">>")
    least = _PRODUCT if _BINDS[expr.op] == _SUM and not bare else _SIGN
    if not bare and binds < least:
        left = f"({left})"
    if other < least:
        right = f"({right})"
    return f"{left} {expr.op} {right}"


def _slice(start: code.Expr | None, stop: code.Expr | None) -> str:
    simple = all(one is None or isinstance(one, code.PyName | code.PyConst) for one in (start, stop))  # fmt: skip
    first, last = ("" if one is None else spelled(one) for one in (start, stop))
    if simple:
        return f"{first}:{last}"
    return f"{first} : {last}".strip() if first or last else ":"


def _format(parts: tuple[str | code.Expr, ...]) -> str:
    """An f-string where no quote inside ends it, else ``format`` of the text."""
    values = [spelled(one) for one in parts if not isinstance(one, str)]
    inside = any(sign in text for text in values for sign in "\"'\\")
    text, value = "", iter(values)
    for one in parts:
        if isinstance(one, str):
            text += one.replace("{", "{{").replace("}", "}}")
        else:
            text += "{}" if inside else f"{{{next(value)}}}"
    if inside:
        return f"{quoted(text)}.format({', '.join(values)})"
    return f"f{quoted(text)}"
