"""Values of constant C expressions: what a static initialiser can hold.

Folds as GCC does for initialisers of static objects: integers of C's widths and signs,
pointers that are null plus a number, addresses of objects that stay symbolic.  Reading
an object, calling a function and assigning to anything but a local of a statement
expression is no constant.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

from vmgen.cfront import syntax
from vmgen.cfront.arithmetic import (
    BASIC_TYPES,
    DOUBLE,
    INT,
    LONG,
    UNSIGNED_LONG,
    VOID,
    common,
    decayed,
    divide,
    integer_of,
    promote,
    remainder,
    wrap,
)
from vmgen.cfront.builtins import BUILTINS
from vmgen.cfront.ctype import Array, CType, Float, Function, Integer, Pointer, Void
from vmgen.cfront.expression_types import ExpressionTypes, Scope, Value, error
from vmgen.cfront.syntax import Expr, TypeExpr
from vmgen.cfront.words import type_words, written_words
from vmgen.source import Diagnostic, Position, VmgenError

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


class Evaluator(ExpressionTypes):
    """Folds constants with the types and declarations of a layout."""

    def integer(self, expr: Expr, scope: Scope) -> int:
        """The value of an integer constant expression."""
        value = self.value(expr, scope)
        if value.base:
            raise not_constant(f"the address of '{value.base}'", expr.position)
        if not isinstance(value.number, int):
            raise error(
                "VG304", "a floating value where an integer is needed", expr.position
            )
        return value.number

    def value(self, expr: Expr, scope: Scope) -> Value:
        """The constant value; arrays and functions decay to their address."""
        match expr:
            case syntax.IntegerLiteral(number, type):
                return Value(BASIC_TYPES[type], number)
            case syntax.FloatLiteral(floating):
                return Value(DOUBLE, floating)
            case syntax.Name(name) if name in scope.values:
                return scope.values[name]
            case syntax.Name(name) if name not in scope.types:
                constant = self._layout.enumerator(name)
                if constant is not None:
                    return Value(self.type_of(expr, scope), constant[0])
                return self._read(expr, scope)
            case syntax.Unary(op, operand):
                return self._unary(expr, op, operand, scope)
            case syntax.Binary():
                return self._binary(expr, scope)
            case syntax.Conditional(condition, then, otherwise):
                value = self.value(condition, scope)
                chosen = (then or condition) if _truth(value) else otherwise
                return self.convert(
                    self.value(chosen, scope), self.type_of(expr, scope), expr.position
                )
            case syntax.Comma(items):
                for item in items[:-1]:
                    self._ignore(item, scope)
                return self.value(items[-1], scope)
            case syntax.Call(function, arguments, position):
                return self._call(function, arguments, scope, position)
            case syntax.Cast(type, operand, position):
                return self.convert(
                    self.value(operand, scope),
                    self._layout.resolve_in(type, scope),
                    position,
                )
            case syntax.SizeOf(operand, position):
                return self._size(operand, scope, position)
            case syntax.AlignOf(operand, position):
                if isinstance(operand, TypeExpr):
                    align = self._layout.alignof_written(operand, scope.types)
                else:
                    align = self._layout.alignof(self.type_of(operand, scope))
                return Value(UNSIGNED_LONG, align)
            case syntax.OffsetOf(type, designator, position):
                return self._offset(type, designator, scope, position)
            case syntax.TypesCompatible(left, right):
                same = self._layout.same_type(
                    self._layout.resolve_in(left, scope),
                    self._layout.resolve_in(right, scope),
                )
                return Value(INT, int(same))
            case syntax.StatementExpr(body):
                return self._block(body, scope)
            case _:
                return self._read(expr, scope)

    def _size(
        self, operand: Expr | TypeExpr, scope: Scope, position: Position
    ) -> Value:
        try:
            if isinstance(operand, TypeExpr):
                type = self._layout.resolve_in(operand, scope)
            else:
                type = self.type_of(operand, scope)
            return Value(UNSIGNED_LONG, self._layout.sizeof(type))
        except VmgenError as failure:
            raise placed(failure, position) from None

    def _offset(
        self,
        type: TypeExpr,
        designator: tuple[str | Expr, ...],
        scope: Scope,
        position: Position,
    ) -> Value:
        try:
            resolved = self._layout.resolve_in(type, scope)
            return Value(
                UNSIGNED_LONG, self._layout.place_in(resolved, designator, scope).offset
            )
        except VmgenError as failure:
            raise placed(failure, position) from None

    def convert(self, value: Value, type: CType, position: Position) -> Value:
        """``value`` converted to ``type`` as by a cast."""
        if isinstance(type, Void):
            return Value(VOID, 0)
        if isinstance(type, Float):
            return Value(type, float(value.number))
        if isinstance(type, Pointer):
            if isinstance(value.number, float):
                raise error("VG305", "a floating value as a pointer", position)
            number = value.number if value.base else wrap(value.number, UNSIGNED_LONG)
            return Value(type, number, value.base)
        integer = integer_of(type)
        if integer is None:
            raise not_constant(f"a value of type '{type_words(type)}'", position)
        if value.base:
            if integer.name == "_Bool":
                return Value(type, 1)
            raise not_constant(f"the address of '{value.base}' as an integer", position)
        if integer.name == "_Bool":
            return Value(type, int(value.number != 0))
        return Value(type, wrap(int(value.number), integer))

    def _address(self, expr: Expr, scope: Scope) -> Value:
        """The address of an lvalue, as a pointer to it."""
        layout = self._layout
        match expr:
            case syntax.Unary("*", operand):
                value = self.value(operand, scope)
                if isinstance(value.type, Pointer):
                    return value
            case syntax.Member(object, name, arrow, position):
                record = self.record_of(object, arrow, scope, position)
                member = layout.member(record, name)
                if member is None:
                    raise layout.no_member(record, name, position)
                start = (
                    self.value(object, scope) if arrow else self._address(object, scope)
                )
                return Value(
                    Pointer(member.type), int(start.number) + member.offset, start.base
                )
            case syntax.Index(array, index):
                return self.value(
                    syntax.Binary("+", array, index, expr.position), scope
                )
            case syntax.Name(name, position):
                if name in scope.types:
                    raise not_constant(f"the address of the local '{name}'", position)
                return Value(Pointer(self.type_of(expr, scope)), 0, name)
            case syntax.StringLiteral(text):
                return Value(Pointer(self.type_of(expr, scope)), 0, f'"{text}"')
            case syntax.CompoundLiteral(_, _, position):
                return Value(
                    Pointer(self.type_of(expr, scope)),
                    0,
                    f"a compound literal at {position}",
                )
            case _:
                pass
        raise not_constant("the address of this expression", expr.position)

    def _read(self, expr: Expr, scope: Scope) -> Value:
        """The value of an lvalue: an address if it decays, else no constant."""
        type = self.type_of(expr, scope)
        if isinstance(type, Array | Function):
            address = self._address(expr, scope)
            return Value(decayed(type), address.number, address.base)
        match expr:
            case syntax.Name(name):
                what = f"the value of '{name}'"
            case syntax.Member(_, name):
                what = f"the value of the member '{name}'"
            case syntax.Assign():
                what = "an assignment"
            case _:
                what = "this expression"
        raise not_constant(what, expr.position)

    def _unary(self, expr: Expr, op: str, operand: Expr, scope: Scope) -> Value:
        if op == "&":
            return self._address(operand, scope)
        if op == "*":
            return self._read(expr, scope)
        if op not in ("+", "-", "~", "!"):
            raise not_constant(f"'{op.lstrip('p')}'", expr.position)
        value = self.value(operand, scope)
        if op == "!":
            return Value(INT, int(not _truth(value)))
        if isinstance(value.number, float) and op != "~":
            return Value(value.type, -value.number if op == "-" else value.number)
        integer = integer_of(value.type)
        if integer is None or isinstance(value.number, float):
            raise error("VG305", f"'{op}' on '{type_words(value.type)}'", expr.position)
        type = promote(integer)
        number = value.number
        result = {"+": number, "-": -number, "~": ~number}[op]
        return Value(type, wrap(result, type))

    def _binary(self, expr: syntax.Binary, scope: Scope) -> Value:
        op = expr.op
        left = self.value(expr.left, scope)
        if op in ("&&", "||"):
            if _truth(left) == (op == "||"):
                return Value(INT, int(op == "||"))
            return Value(INT, int(_truth(self.value(expr.right, scope))))
        right = self.value(expr.right, scope)
        if isinstance(left.type, Pointer) or isinstance(right.type, Pointer):
            return self._pointers(expr, left, right, scope)
        type = self.common(left.type, right.type, expr.position)
        if isinstance(type, Float):
            return self._floats(expr, left, right, type)
        a, b = integer_of(left.type), integer_of(right.type)
        if a is None or b is None:
            raise error("VG305", f"'{op}' needs integers", expr.position)
        if op in ("<<", ">>"):
            return self._shift(expr, left, right, promote(a))
        integer = common(a, b)
        x, y = wrap(int(left.number), integer), wrap(int(right.number), integer)
        if op in _COMPARE:
            return Value(INT, int(_COMPARE[op](x, y)))
        if op in ("/", "%") and y == 0:
            raise error("VG304", "division by zero in a constant", expr.position)
        return Value(integer, wrap(_INTEGER_OPERATIONS[op](x, y), integer))

    def _shift(
        self, expr: syntax.Binary, left: Value, right: Value, type: Integer
    ) -> Value:
        count = int(right.number)
        if not 0 <= count < 8 * type.size:
            raise error(
                "VG304",
                f"shift of '{type.name}' by {count} in a constant",
                expr.position,
            )
        number = wrap(int(left.number), type)
        shifted = number << count if expr.op == "<<" else number >> count
        return Value(type, wrap(shifted, type))

    def _floats(
        self, expr: syntax.Binary, left: Value, right: Value, type: Float
    ) -> Value:
        x, y = float(left.number), float(right.number)
        if expr.op in _COMPARE:
            return Value(INT, int(_COMPARE[expr.op](x, y)))
        if expr.op not in _FLOAT_OPERATIONS or (expr.op == "/" and y == 0):
            raise error("VG304", f"'{expr.op}' on floating values", expr.position)
        return Value(type, _FLOAT_OPERATIONS[expr.op](x, y))

    def _pointers(
        self, expr: syntax.Binary, left: Value, right: Value, scope: Scope
    ) -> Value:
        op = expr.op
        x, y = int(left.number), int(right.number)
        if op in _COMPARE:
            if left.base == right.base:
                return Value(INT, int(_COMPARE[op](x, y)))
            if op in ("==", "!="):
                return Value(INT, int(op == "!="))
            raise not_constant("the order of unrelated addresses", expr.position)
        if (
            op == "-"
            and isinstance(left.type, Pointer)
            and isinstance(right.type, Pointer)
        ):
            if not self._layout.same_type(left.type.target, right.type.target):
                raise self._mismatch(expr, left.type, right.type, scope)
            if left.base != right.base:
                raise not_constant("the distance of unrelated addresses", expr.position)
            size = 0 if x == y else self._layout.sizeof(left.type.target)
            return Value(LONG, divide(x - y, size) if size else 0)
        if op == "+" and isinstance(right.type, Pointer):
            left, right = right, left
            x, y = y, x
        if op not in ("+", "-") or not isinstance(left.type, Pointer):
            raise error("VG305", f"'{op}' on a pointer", expr.position)
        step = self._layout.sizeof(left.type.target) * (y if op == "+" else -y)
        number = x + step if left.base else wrap(x + step, UNSIGNED_LONG)
        return Value(left.type, number, left.base)

    def _mismatch(
        self, expr: syntax.Binary, left: Pointer, right: Pointer, scope: Scope
    ) -> VmgenError:
        """The error of a ``type_check`` that does not hold, in words.

        vmstate.h subtracts null pointers of the type that a macro expects and of the
        member's type; C refuses the difference of incompatible pointers.
        """
        expected = _operand_words(expr.left, left)
        found = _operand_words(expr.right, right)
        member = self._checked_member(expr.right, scope)
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

    def _checked_member(self, expr: Expr, scope: Scope) -> str:
        """``'env.pc' of 'RISCVCPU'`` for ``(typeof(((RISCVCPU *)0)->env.pc) *)0``."""
        match expr:
            case syntax.Cast(
                syntax.PointerType(syntax.TypeOf(operand))
            ) if not isinstance(operand, TypeExpr):
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
                    parts.append(f"[{self.integer(index, scope)}]")
                    operand = array
                case syntax.Cast(syntax.PointerType(target)):
                    return f"'{''.join(reversed(parts))}' of '{written_words(target)}'"
                case _:
                    return ""

    def _call(
        self,
        function: Expr,
        arguments: tuple[Expr, ...],
        scope: Scope,
        position: Position,
    ) -> Value:
        name = function.name if isinstance(function, syntax.Name) else ""
        if name == "__builtin_choose_expr" and len(arguments) == 3:
            return self.value(self.chosen(arguments, scope), scope)
        if name == "__builtin_expect" and arguments:
            return self.convert(self.value(arguments[0], scope), LONG, position)
        if name == "__builtin_constant_p" and arguments:
            try:
                self.value(arguments[0], scope)
            except VmgenError:
                return Value(INT, 0)  # what the builtin asks: is it a constant?
            return Value(INT, 1)
        builtin = BUILTINS.get(name)
        if builtin is not None and builtin.fold is not None and len(arguments) == 1:
            argument = self.convert(
                self.value(arguments[0], scope), builtin.argument, position
            )
            return Value(builtin.result, builtin.fold(int(argument.number)))
        raise not_constant(f"the call of {name or 'a function pointer'}()", position)

    def _ignore(self, expr: Expr, scope: Scope) -> None:
        """Evaluate the left side of a comma: for assignments to locals only."""
        self._execute(syntax.ExprStatement(expr, expr.position), scope)

    def _block(self, body: syntax.Block, scope: Scope) -> Value:
        """The value of a statement expression: of its last statement."""
        inner = scope.inner()
        for item in body.items[:-1]:
            self._execute(item, inner)
        last = body.items[-1] if body.items else None
        if isinstance(last, syntax.ExprStatement):
            return self.value(last.expression, inner)
        if last is not None:
            self._execute(last, inner)
        return Value(VOID, 0)

    def _execute(self, item: syntax.Statement, scope: Scope) -> None:
        match item:
            case syntax.LocalDecl(name, _, initializer):
                type = self.local_type(item, scope)
                value = None
                if initializer is not None and not isinstance(
                    initializer, syntax.InitList
                ):
                    value = self.convert(
                        self.value(initializer, scope), type, item.position
                    )
                scope.declare(name, type)
                if value is not None:
                    scope.values[name] = value
            case syntax.ExprStatement(syntax.Assign("=", syntax.Name(name), value)) if (
                name in scope.types
            ):
                scope.values[name] = self.convert(
                    self.value(value, scope), scope.types[name], item.position
                )
            case syntax.ExprStatement(expression):
                self.value(expression, scope)
            case syntax.Empty():
                pass
            case syntax.Block(items):
                inner = scope.inner()
                for inside in items:
                    self._execute(inside, inner)
                scope.values.update(
                    {
                        name: value
                        for name, value in inner.values.items()
                        if name in scope.types
                    }
                )
            case syntax.If(condition, then, otherwise):
                taken = then if _truth(self.value(condition, scope)) else otherwise
                if taken is not None:
                    self._execute(taken, scope)
            case syntax.While(condition, inside, after=True) if not _truth(
                self.value(condition, scope)
            ):
                self._execute(inside, scope)
            case _:
                raise not_constant(
                    "a statement expression with jumps or loops", item.position
                )


def _truth(value: Value) -> bool:
    return bool(value.base) or value.number != 0


def _operand_words(expr: Expr, type: Pointer) -> str:
    """What one side of a ``type_check`` points to, as written and as it is."""
    resolved = type_words(type.target)
    if isinstance(expr, syntax.Cast) and isinstance(expr.type, syntax.PointerType):
        written = written_words(expr.type.target)
        if written != resolved and "typeof" not in written:
            return f"'{written}' ({resolved})"
    return f"'{resolved}'"


def placed(failure: VmgenError, position: Position, *context: str) -> VmgenError:
    """The error, with a position where it has none and inside ``context``."""
    return VmgenError(
        *(
            Diagnostic(
                diagnostic.code,
                diagnostic.message,
                diagnostic.position if diagnostic.position.file else position,
                diagnostic.severity,
                diagnostic.hint,
                (*context, *diagnostic.context),
                diagnostic.excerpt,
            )
            for diagnostic in failure.diagnostics
        )
    )
