"""C integers as IR expressions, with the interval their value is known to be in.

The IR computes without bounds; a ``Truncate`` goes in exactly where the interval says
that C's width or sign could show.  Constants fold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, get_args

from vmgen import ir
from vmgen.cfront.arithmetic import (
    BOOL,
    INT,
    LONG,
    common,
    limits,
    promote,
    wrap,
)
from vmgen.cfront.ctype import Integer
from vmgen.ir import evaluate
from vmgen.translate.failure import Untranslatable

Operator: TypeAlias = ir.BinaryOperator
_OPPOSITE: dict[str, Operator] = {
    "==": "!=",
    "!=": "==",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
}
_INT_TYPES: frozenset[str] = frozenset(get_args(ir.IntType))


@dataclass(frozen=True, slots=True)
class Scalar:
    """An integer value: what computes it, its C type, and ``low <= value <= high``."""

    expr: ir.Expr
    type: Integer
    low: int
    high: int

    @property
    def constant(self) -> int | None:
        """The value if it is known."""
        return self.low if self.low == self.high else None

    @property
    def boolean(self) -> bool:
        """True if the value is 0 or 1."""
        return self.low >= 0 and self.high <= 1


def int_type(type: Integer) -> ir.IntType:
    """The IR's name of an integer type; there is none for 128 bits."""
    if type.name == "_Bool":
        return "bool"
    name = f"{'' if type.signed else 'u'}int{8 * type.size}"
    if name not in _INT_TYPES:
        raise Untranslatable(f"computes with '{type.name}'")
    return name  # type: ignore[return-value]  # the check above is the proof


def constant(value: int, type: Integer = INT, name: str = "") -> Scalar:
    """A known value; ``name`` is the enumerator it was written as."""
    return Scalar(ir.Const(value, name), type, value, value)


def of_type(expr: ir.Expr, type: Integer) -> Scalar:
    """A value that can be anything its type holds."""
    return Scalar(expr, type, *limits(type))


def boolean(expr: ir.Expr, type: Integer = INT) -> Scalar:
    """A value that is 0 or 1."""
    return Scalar(expr, type, 0, 1)


def _simplified(scalar: Scalar) -> Scalar:
    """A constant as a constant, whatever computed it."""
    if scalar.low == scalar.high and not isinstance(scalar.expr, ir.Const):
        return constant(scalar.low, scalar.type)
    return scalar


def convert(value: Scalar, type: Integer) -> Scalar:
    """The value converted to ``type``, as by an assignment."""
    if type == value.type:
        return value
    if type.name == "_Bool":
        return as_bool(value)
    low, high = limits(type)
    if low <= value.low and value.high <= high:
        return Scalar(value.expr, type, value.low, value.high)
    if value.constant is not None:
        return constant(wrap(value.constant, type), type)
    return of_type(ir.Truncate(int_type(type), value.expr), type)


def as_bool(value: Scalar) -> Scalar:
    """The value as a ``_Bool``."""
    if value.boolean:
        return Scalar(value.expr, BOOL, value.low, value.high)
    if value.low > 0 or value.high < 0:
        return constant(1, BOOL)
    return boolean(ir.Binary("!=", value.expr, ir.Const(0)), BOOL)


def negation(value: Scalar) -> Scalar:
    """C's ``!``."""
    if value.constant is not None:
        return constant(int(value.constant == 0))
    if value.low > 0 or value.high < 0:
        return constant(0)
    expr = value.expr
    if isinstance(expr, ir.Binary) and expr.op in _OPPOSITE:
        return boolean(ir.Binary(_OPPOSITE[expr.op], expr.left, expr.right))
    if isinstance(expr, ir.Unary) and expr.op == "!":
        truth = _is_truth(expr.operand)
        return boolean(
            expr.operand if truth else ir.Binary("!=", expr.operand, ir.Const(0))
        )
    return boolean(ir.Unary("!", expr))


def _is_truth(expr: ir.Expr) -> bool:
    """True if the expression computes 0 or 1 by its very form."""
    match expr:
        case ir.Exists() | ir.Load(type="bool") | ir.Unary(op="!"):
            return True
        case ir.Binary(op):
            return op in _OPPOSITE or op in ("&&", "||")
        case _:
            return False


def unary(op: str, value: Scalar) -> Scalar:
    """``+``, ``-``, ``~`` or ``!``."""
    if op == "!":
        return negation(value)
    type = promoted(value)
    value = convert(value, type)
    if op == "+":
        return value
    if op == "-":
        raw = Scalar(ir.Unary("-", value.expr), type, -value.high, -value.low)
    elif op == "~":
        raw = Scalar(ir.Unary("~", value.expr), type, ~value.high, ~value.low)
    else:
        raise Untranslatable(f"uses the operator '{op}'")
    return _fit(raw)


def _fit(raw: Scalar) -> Scalar:
    """A result of unbounded arithmetic as its type holds it."""
    low, high = limits(raw.type)
    if low <= raw.low and raw.high <= high:
        return _simplified(raw)
    if raw.constant is not None:
        return constant(wrap(raw.constant, raw.type), raw.type)
    return of_type(ir.Truncate(int_type(raw.type), raw.expr), raw.type)


def wide_bitfield(type: Integer, bits: int) -> Integer:
    """The type GCC gives a bitfield that is wider than ``int``: one of just its bits."""
    return Integer(f"{type.name}:{bits}", type.size, type.signed)


def _is_wide_bitfield(value: Scalar) -> bool:
    return ":" in value.type.name


def promoted(value: Scalar) -> Integer:
    """The type that the integer promotions give a value."""
    if _is_wide_bitfield(value):
        raise Untranslatable(f"computes with a bitfield ('{value.type.name}')")
    return promote(value.type)


def common_type(left: Scalar, right: Scalar) -> Integer:
    """The type the usual arithmetic conversions give two operands."""
    for this, other in ((left, right), (right, left)):
        if (
            _is_wide_bitfield(this)
            and other.type.size == 8
            and not _is_wide_bitfield(other)
        ):
            return other.type  # has more bits, so it wins
    return common(promoted(left), promoted(right))


def binary(op: Operator, left: Scalar, right: Scalar) -> Scalar:
    """A binary operator but ``&&`` and ``||``, operands promoted and converted first."""
    if op in ("<<", ">>"):
        return _shift(op, left, right)
    type = common_type(left, right)
    left, right = convert(left, type), convert(right, type)
    if op in _OPPOSITE:
        return _comparison(op, left, right)
    low, high = _interval(op, left, right)
    return _fit(Scalar(ir.Binary(op, left.expr, right.expr), type, low, high))


def _comparison(op: Operator, left: Scalar, right: Scalar) -> Scalar:
    if left.constant is not None and right.constant is not None:
        return constant(_computed(op, left.constant, right.constant))
    below, above = left.high < right.low, left.low > right.high
    if below or above:
        return constant(_computed(op, *((0, 1) if below else (1, 0))))
    if op in ("<=", ">="):
        sure = left.high <= right.low if op == "<=" else left.low >= right.high
        if sure:
            return constant(1)
    if op in ("<", ">"):
        never = left.low >= right.high if op == "<" else left.high <= right.low
        if never:
            return constant(0)
    # A truth against 0 or 1 says no more than the truth itself.
    if (
        left.boolean
        and right.constant in (0, 1)
        and op in ("==", "!=")
        and _is_truth(left.expr)
    ):
        same = (right.constant == 1) == (op == "==")
        return boolean(left.expr) if same else negation(left)
    return boolean(ir.Binary(op, left.expr, right.expr))


def _shift(op: Operator, left: Scalar, right: Scalar) -> Scalar:
    type = promoted(left)
    left = convert(left, type)
    if right.low < 0 or right.high >= 8 * type.size:
        raise Untranslatable(
            f"shifts by a number that may exceed the {8 * type.size} bits"
        )
    low, high = _interval(op, left, right)
    if right.constant == 0:
        return left
    return _fit(Scalar(ir.Binary(op, left.expr, right.expr), type, low, high))


def _computed(op: Operator, left: int, right: int) -> int:
    value = evaluate.binary(op, left, right)
    if value is None:
        raise Untranslatable(f"computes what '{op}' leaves undefined")
    return value


def _interval(op: Operator, left: Scalar, right: Scalar) -> tuple[int, int]:
    """Bounds of the unbounded result."""
    if op in ("&", "|", "^"):
        return _bitwise(op, left, right)
    if op in ("/", "%"):
        if right.low <= 0 <= right.high:
            raise Untranslatable("divides by a number that may be 0")
        if op == "%":
            most = max(abs(right.low), abs(right.high)) - 1
            if left.constant is not None and right.constant is not None:
                only = _computed(op, left.constant, right.constant)
                return only, only
            return (0 if left.low >= 0 else -most), (0 if left.high <= 0 else most)
    corners = [
        _computed(op, x, y)
        for x in (left.low, left.high)
        for y in (right.low, right.high)
    ]
    return min(corners), max(corners)


def _bitwise(op: Operator, left: Scalar, right: Scalar) -> tuple[int, int]:
    if left.constant is not None and right.constant is not None:
        only = _computed(op, left.constant, right.constant)
        return only, only
    if op == "&" and (left.low >= 0 or right.low >= 0):
        return 0, min(side.high for side in (left, right) if side.low >= 0)
    bits = max(
        number.bit_length()
        for side in (left, right)
        for number in (side.low, side.high)
    )
    return (0 if left.low >= 0 and right.low >= 0 else -(1 << bits)), (1 << bits) - 1


def choose(condition: Scalar, then: Scalar, otherwise: Scalar) -> Scalar:
    """``condition ? then : otherwise`` for values of one type, as short as it gets."""
    if condition.constant is not None:
        return then if condition.constant else otherwise
    if condition.low > 0 or then == otherwise:
        return then
    type = then.type
    if then.boolean and otherwise.boolean:
        return Scalar(_choose_truth(condition, then, otherwise), type, 0, 1)
    if (common := _common_start(condition, then, otherwise)) is not None:
        return common
    return Scalar(
        ir.Select(condition.expr, then.expr, otherwise.expr),
        type,
        min(then.low, otherwise.low),
        max(then.high, otherwise.high),
    )


def _common_start(condition: Scalar, then: Scalar, otherwise: Scalar) -> Scalar | None:
    """``x + (condition ? y : 0)`` for ``condition ? x + y : x``, so that what counts or
    collects on conditions is no larger than its C; None where it is of another form."""
    for changed, kept in ((then, otherwise), (otherwise, then)):
        expr = changed.expr
        truncated = isinstance(expr, ir.Truncate) and expr.type == int_type(kept.type)
        if isinstance(expr, ir.Truncate) and truncated:
            expr = expr.operand
        if (
            isinstance(expr, ir.Binary)
            and expr.op in ("+", "-", "|", "^")
            and expr.left is kept.expr
            and not isinstance(kept.expr, ir.Const)
        ):
            by = constant(0, LONG), Scalar(expr.right, LONG, *_span(expr.right))
            chosen = choose(condition, *(by[::-1] if changed is then else by))
            result: ir.Expr = ir.Binary(expr.op, kept.expr, chosen.expr)
            if truncated:
                result = ir.Truncate(int_type(kept.type), result)
            low, high = min(then.low, otherwise.low), max(then.high, otherwise.high)
            return Scalar(result, kept.type, low, high)
    return None


def _span(expr: ir.Expr) -> tuple[int, int]:
    """Bounds of an operand, as far as its form shows them."""
    if isinstance(expr, ir.Const):
        return expr.value, expr.value
    return (0, 1) if _is_truth(expr) else (-(1 << 64), 1 << 64)


def _choose_truth(condition: Scalar, then: Scalar, otherwise: Scalar) -> ir.Expr:
    no = negation(condition).expr
    match then.constant, otherwise.constant:
        case 1, 0:
            return as_bool(condition).expr
        case 0, 1:
            return no
        case 1, _:
            return ir.Binary("||", condition.expr, otherwise.expr)
        case _, 0:
            return ir.Binary("&&", condition.expr, then.expr)
        case 0, _:
            return ir.Binary("&&", no, otherwise.expr)
        case _, 1:
            return ir.Binary("||", no, then.expr)
        case _:
            return ir.Select(condition.expr, then.expr, otherwise.expr)


def both(left: Scalar, right: Scalar) -> Scalar:
    """C's ``&&`` of operands without effects."""
    return _logical("&&", left, right, 0)


def either(left: Scalar, right: Scalar) -> Scalar:
    """C's ``||`` of operands without effects."""
    return _logical("||", left, right, 1)


def _logical(op: Operator, left: Scalar, right: Scalar, decides: int) -> Scalar:
    for this, other in ((left, right), (right, left)):
        if this.constant is not None:
            if int(this.constant != 0) == decides:
                return constant(decides)
            truth = as_bool(other)
            return Scalar(truth.expr, INT, truth.low, truth.high)
    return boolean(ir.Binary(op, left.expr, right.expr))
