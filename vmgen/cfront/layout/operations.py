"""Operations on the values of constant expressions, and the errors that they have."""

from __future__ import annotations

import ctypes
import math
import operator
from collections.abc import Callable

from vmgen.cfront import syntax
from vmgen.cfront.arithmetic import (
    DOUBLE,
    INT,
    LONG,
    UNSIGNED_LONG,
    VOID,
    common,
    divide,
    integer_of,
    promote,
    remainder,
    wrap,
)
from vmgen.cfront.ctype import (
    CType,
    Float,
    Integer,
    Pointer,
    Void,
)
from vmgen.cfront.layout.expression_types import (
    common_type,
)
from vmgen.cfront.layout.model import Base, Constant, Scope, Types, error
from vmgen.cfront.printer import type_words, written_words
from vmgen.cfront.syntax import Expr, TypeExpr
from vmgen.source import Position, VmgenError

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_INTEGER_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": divide,
    "%": remainder,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}
_FLOAT_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def not_constant(what: str, position: Position) -> VmgenError:
    """The error for an expression that has no value before QEMU runs."""
    return error("VG304", f"{what} is not a constant", position)


def base_words(base: Base) -> str:
    """What an address is in, for messages."""
    if isinstance(base, str):
        return f"'{base}'"
    if isinstance(base, syntax.StringLiteral):
        return f'"{base.value}"'
    return "a compound literal"


def truth(value: Constant) -> bool:
    """Whether a value is true."""
    return bool(value.base) or value.number != 0


def convert(value: Constant, type: CType, position: Position) -> Constant:
    """``value`` converted to ``type`` as by a cast."""
    if isinstance(type, Void):
        return Constant(VOID, 0)
    if isinstance(type, Float):
        return Constant(type, _rounded(value.number, type, position))
    if isinstance(type, Pointer):
        if isinstance(value.number, float):
            raise error("VG305", "a floating value as a pointer", position)
        number = value.number if value.base else wrap(value.number, UNSIGNED_LONG)
        return Constant(type, number, value.base)
    integer = integer_of(type)
    if integer is None:
        raise not_constant(f"a value of type '{type_words(type)}'", position)
    if value.base:
        if integer.name == "_Bool":
            return Constant(type, 1)
        raise not_constant(
            f"the address of {base_words(value.base)} as an integer", position
        )
    if integer.name == "_Bool":
        return Constant(type, int(value.number != 0))
    if isinstance(value.number, float) and not _fits(value.number, integer):
        what = f"{value.number} is out of the range of '{integer.name}' and"
        raise not_constant(what, position)  # GCC's own choice (6.3.1.4)
    return Constant(type, wrap(int(value.number), integer))


def _fits(number: float, integer: Integer) -> bool:
    return math.isfinite(number) and wrap(int(number), integer) == int(number)


def _rounded(number: float, type: Float, position: Position) -> float:
    """A number as one of a floating type; of those other than ``float`` and ``double``
    only what a ``double`` can say."""
    value = ctypes.c_float(number).value if type.name == "float" else float(number)
    if value != number and type.size > 8:
        raise not_constant(f"this '{type.name}'", position)
    return value


def operate(
    types: Types,
    expr: syntax.BinaryOperation,
    left: Constant,
    right: Constant,
    scope: Scope,
) -> Constant:
    """``left op right``, the operators that choose what is evaluated left out."""
    op = expr.op
    if isinstance(left.type, Pointer) or isinstance(right.type, Pointer):
        return _pointers(types, expr, left, right, scope)
    type = common_type(left.type, right.type, expr.position)
    if isinstance(type, Float):
        return _floats(types, expr, left, right, type)
    a, b = integer_of(left.type), integer_of(right.type)
    if a is None or b is None:
        raise error("VG305", f"'{op}' needs integers", expr.position)
    if op in ("<<", ">>"):
        return _shift(types, expr, left, right, promote(a))
    integer = common(a, b)
    x, y = wrap(int(left.number), integer), wrap(int(right.number), integer)
    if op in _COMPARE:
        return Constant(INT, int(_COMPARE[op](x, y)))
    if op in ("/", "%") and y == 0:
        raise error("VG304", "division by zero in a constant", expr.position)
    return Constant(integer, wrap(_INTEGER_OPERATIONS[op](x, y), integer))


def _shift(
    types: Types,
    expr: syntax.BinaryOperation,
    left: Constant,
    right: Constant,
    type: Integer,
) -> Constant:
    count = int(right.number)
    if not 0 <= count < 8 * type.size:
        raise error(
            "VG304",
            f"shift of '{type.name}' by {count} in a constant",
            expr.position,
        )
    number = wrap(int(left.number), type)
    shifted = number << count if expr.op == "<<" else number >> count
    return Constant(type, wrap(shifted, type))


def _floats(
    types: Types,
    expr: syntax.BinaryOperation,
    left: Constant,
    right: Constant,
    type: Float,
) -> Constant:
    x, y = float(left.number), float(right.number)
    if expr.op in _COMPARE:
        return Constant(INT, int(_COMPARE[expr.op](x, y)))
    if expr.op not in _FLOAT_OPERATIONS or (expr.op == "/" and y == 0):
        raise error("VG304", f"'{expr.op}' on floating values", expr.position)
    result = _FLOAT_OPERATIONS[expr.op](x, y)
    if type != DOUBLE and type.name != "float":
        raise not_constant(f"arithmetic on '{type.name}'", expr.position)
    return Constant(type, _rounded(result, type, expr.position))


def _pointers(
    types: Types,
    expr: syntax.BinaryOperation,
    left: Constant,
    right: Constant,
    scope: Scope,
) -> Constant:
    op = expr.op
    x, y = int(left.number), int(right.number)
    if op in _COMPARE:
        if left.base == right.base:
            return Constant(INT, int(_COMPARE[op](x, y)))
        if op in ("==", "!="):
            return Constant(INT, int(op == "!="))
        raise not_constant("the order of unrelated addresses", expr.position)
    if op == "-" and isinstance(left.type, Pointer) and isinstance(right.type, Pointer):
        if not types.same_type(left.type.target, right.type.target):
            raise _mismatch(types, expr, left.type, right.type, scope)
        if left.base != right.base:
            raise not_constant("the distance of unrelated addresses", expr.position)
        size = 0 if x == y else types.sizeof(left.type.target)
        return Constant(LONG, divide(x - y, size) if size else 0)
    if op == "+" and isinstance(right.type, Pointer):
        left, right = right, left
        x, y = y, x
    if op not in ("+", "-") or not isinstance(left.type, Pointer):
        raise error("VG305", f"'{op}' on a pointer", expr.position)
    step = types.sizeof(left.type.target) * (y if op == "+" else -y)
    number = x + step if left.base else wrap(x + step, UNSIGNED_LONG)
    return Constant(left.type, number, left.base)


def _mismatch(
    types: Types,
    expr: syntax.BinaryOperation,
    left: Pointer,
    right: Pointer,
    scope: Scope,
) -> VmgenError:
    """The error of a ``type_check`` that does not hold, in words.

    vmstate.h subtracts null pointers of the type that a macro expects and of the
    member's type; C refuses the difference of incompatible pointers.
    """
    expected = _operand_words(expr.left, left)
    found = _operand_words(expr.right, right)
    member = _checked_member(types, expr.right, scope)
    if member:
        message = f"type mismatch: {expected} is expected, but {member} is {found}"
    else:
        message = f"type mismatch: {expected} against {found}"
    return error(
        "VG310",
        message,
        expr.position,
        "use the macro for the member's own type, or change the member's type",
    )


def _checked_member(types: Types, expr: Expr, scope: Scope) -> str:
    """``'env.pc' of 'RISCVCPU'`` for ``(typeof(((RISCVCPU *)0)->env.pc) *)0``."""
    match expr:
        case syntax.Cast(syntax.PointerType(syntax.TypeOf(operand))) if not isinstance(
            operand, TypeExpr
        ):
            pass
        case _:
            return ""
    parts: list[str] = []
    while True:
        match operand:
            case syntax.Member(object, name, arrow):
                parts.append(name if arrow else f".{name}")
                operand = object
            case syntax.Index(array, index):
                parts.append(f"[{types.constant(index, scope)}]")
                operand = array
            case syntax.Cast(syntax.PointerType(target)):
                return f"'{''.join(reversed(parts))}' of '{written_words(target)}'"
            case _:
                return ""


def _operand_words(expr: Expr, type: Pointer) -> str:
    """What one side of a ``type_check`` points to, as written and as it is."""
    resolved = type_words(type.target)
    if isinstance(expr, syntax.Cast) and isinstance(expr.type, syntax.PointerType):
        written = written_words(expr.type.target)
        if written != resolved and "typeof" not in written:
            return f"'{written}' ({resolved})"
    return f"'{resolved}'"
