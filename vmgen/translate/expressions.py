"""C expressions over the opaque object, evaluated to IR expressions."""

from __future__ import annotations

from abc import abstractmethod

from vmgen import ir
from vmgen.cfront import ctype, syntax
from vmgen.cfront.arithmetic import (
    BASIC_TYPES,
    INT,
    LONG,
    UNSIGNED_LONG,
    integer_of,
)
from vmgen.cfront.builtins import BUILTINS
from vmgen.cfront.ctype import Integer, Pointer
from vmgen.cfront.syntax import Expr
from vmgen.source import Position
from vmgen.translate import scalar
from vmgen.translate.endings import never_returns
from vmgen.translate.failure import Untranslatable
from vmgen.translate.places import Places, no_number
from vmgen.translate.scalar import Operator, Scalar
from vmgen.translate.spot import Reference, Spot
from vmgen.translate.values import Frame, Local, Outside, State, Target, Unknown, Value

#: QOM's checked casts (qom/object.c): the pointer itself, or an abort.
CHECKED_CASTS = frozenset(
    ("object_dynamic_cast_assert", "object_class_dynamic_cast_assert")
)


class Expressions(Places):
    """Evaluates expressions in a frame and a state; assignments change the state."""

    # --- what statements and the two kinds of translation bring ------------------------

    @abstractmethod
    def inline(
        self,
        function: syntax.FunctionDecl,
        arguments: list[Value],
        state: State,
        position: Position,
    ) -> Value:
        """The call of a function whose body is known."""

    @abstractmethod
    def block_value(self, block: syntax.Block, frame: Frame, state: State) -> Value:
        """The value of a statement expression."""

    @abstractmethod
    def call(
        self,
        name: str,
        call: syntax.Call,
        arguments: list[Value],
        state: State,
    ) -> Value | None:
        """The call of a function that means something by its name; None otherwise."""

    # --- expressions ----------------------------------------------------------------------

    def value(self, expr: Expr, frame: Frame, state: State) -> Value:
        """The value of ``expr``."""
        self.count(expr.position)
        match expr:
            case syntax.IntegerLiteral(number, type):
                integer = integer_of(BASIC_TYPES[type])
                assert integer is not None
                return scalar.constant(number, integer)
            case syntax.FloatLiteral():
                return Unknown("computes with floating values")
            case syntax.StringLiteral():
                return Unknown("uses a string")
            case syntax.Unary("&", operand):
                return self._address(self.target(operand, frame, state))
            case syntax.Unary("!", operand):
                truth = self.truth(self.value(operand, frame, state))
                return scalar.negation(truth) if isinstance(truth, Scalar) else truth
            case syntax.Unary("+" | "-" | "~" as op, operand):
                value = self.value(operand, frame, state)
                return (
                    scalar.unary(op, value)
                    if isinstance(value, Scalar)
                    else no_number(value)
                )
            case syntax.Unary("++" | "--" | "p++" | "p--" as op, operand):
                return self._step(op, operand, frame, state)
            case syntax.Binary():
                return self._binary(expr, frame, state)
            case syntax.Assign():
                return self._assign(expr, frame, state)
            case syntax.Conditional():
                return self._conditional(expr, frame, state)
            case syntax.Comma(items):
                for item in items[:-1]:
                    self.effect(item, frame, state)
                return self.value(items[-1], frame, state)
            case syntax.Call():
                return self._call(expr, frame, state)
            case syntax.Cast(type, operand):
                if isinstance(type, syntax.BasicType) and type.name == "void":
                    self.effect(operand, frame, state)
                    return Unknown("uses a void value")
                return self.assigned(
                    self.value(operand, frame, state), self.resolve(type, frame)
                )
            case syntax.SizeOf() | syntax.AlignOf() | syntax.OffsetOf():
                return scalar.constant(
                    self._layout.constant(expr, self.scope(frame)), UNSIGNED_LONG
                )
            case syntax.TypesCompatible():
                return scalar.constant(self._layout.constant(expr, self.scope(frame)))
            case syntax.StatementExpr(body):
                return self.block_value(body, frame, state)
            case syntax.Name(name) if name not in frame.names:
                return self._global(expr, name)
            case syntax.Name() | syntax.Member() | syntax.Index() | syntax.Unary("*"):
                return self.read(self.target(expr, frame, state), state, expr.position)
            case syntax.CompoundLiteral():
                return Unknown(f"builds a value in place ({expr.position})")
            case _:
                return Unknown(f"uses an expression of another kind ({expr.position})")

    def effect(self, expr: Expr, frame: Frame, state: State) -> None:
        """Evaluate for the effect: assertions and bare ``sizeof`` have none."""
        if isinstance(expr, syntax.SizeOf | syntax.IntegerLiteral) or never_returns(
            expr
        ):
            return
        if isinstance(expr, syntax.Cast):
            self.effect(expr.operand, frame, state)
        elif isinstance(expr, syntax.Conditional) and (
            never_returns(expr.otherwise)
            or (expr.then is not None and never_returns(expr.then))
        ):
            return  # assert() as an expression
        else:
            self.value(expr, frame, state)

    def _global(self, expr: Expr, name: str) -> Value:
        enumerator = self._layout.enumerator(name)
        type = self._layout.type_of(expr)
        if enumerator is not None:
            return scalar.constant(enumerator[0], integer_of(type) or INT, name)
        if isinstance(type, ctype.Function):
            return Outside(name, type)
        return self.read(Outside(name, type), State(), expr.position)

    def target(self, expr: Expr, frame: Frame, state: State) -> Target:
        """The place that ``expr`` names."""
        match expr:
            case syntax.Name(name):
                if name in frame.names:
                    return Local(frame.names[name])
                return Outside(name, self._layout.type_of(expr))
            case syntax.Unary("*", operand):
                return self._follow(
                    self.value(operand, frame, state), "*", expr.position
                )
            case syntax.Member(object, name, arrow, position):
                if arrow:
                    whole = self._follow(
                        self.value(object, frame, state), name, position
                    )
                else:
                    whole = self._place(object, frame, state)
                return self._member(whole, name, state, position)
            case syntax.Index(array, index, position):
                return self._element(
                    self.value(array, frame, state),
                    self.value(index, frame, state),
                    position,
                )
            case _:
                value = self.value(expr, frame, state)
                return (
                    value
                    if isinstance(value, Spot | Local | Outside)
                    else no_number(value)
                )

    def _place(self, object: Expr, frame: Frame, state: State) -> Target:
        """The record of ``object.name``."""
        if isinstance(
            object, syntax.Name | syntax.Member | syntax.Index | syntax.Unary
        ):
            return self.target(object, frame, state)
        value = self.value(object, frame, state)
        return value if isinstance(value, Spot | Local | Outside) else no_number(value)

    # --- operators --------------------------------------------------------------------------

    def _binary(self, expr: syntax.Binary, frame: Frame, state: State) -> Value:
        op = expr.op
        left = self.value(expr.left, frame, state)
        if op in ("&&", "||"):
            return self._logical(op, self.truth(left), expr.right, frame, state)
        right = self.value(expr.right, frame, state)
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            try:
                return scalar.binary(_operator(op), left, right)
            except Untranslatable as failure:
                return Unknown(f"{failure.reason} ({expr.position})")
        for side in (left, right):
            if isinstance(side, Unknown):
                return side
        if op in ("==", "!="):
            return self._same(op, left, right, expr.position)
        if op in ("+", "-"):
            if op == "+" and isinstance(left, Scalar):
                left, right = right, left
            if isinstance(right, Scalar):
                return self.advanced(
                    left,
                    (
                        scalar.unary("-", scalar.convert(right, LONG))
                        if op == "-"
                        else right
                    ),
                )
        return Unknown(f"computes with pointers ({expr.position})")

    def _same(self, op: str, left: Value, right: Value, position: Position) -> Value:
        for this, other in ((left, right), (right, left)):
            if isinstance(other, Scalar) and other.constant == 0:
                truth = self.truth(this)
                if isinstance(truth, Unknown):
                    return truth
                if op == "==":
                    return scalar.negation(truth)
                known = scalar.as_bool(truth)
                return Scalar(known.expr, INT, known.low, known.high)
        if left == right:
            return scalar.constant(int(op == "=="))
        return Unknown(f"compares pointers ({position})")

    def _logical(
        self, op: str, left: Scalar | Unknown, right: Expr, frame: Frame, state: State
    ) -> Value:
        if isinstance(left, Unknown):
            self.value(right, frame, state.copy())
            return left
        if left.constant is not None and bool(left.constant) == (op == "||"):
            return scalar.constant(int(op == "||"))
        after = state.copy()
        value = self.truth(self.value(right, frame, after))
        self.rejoin(left, (after, state) if op == "&&" else (state, after), state)
        if isinstance(value, Unknown):
            return value
        return scalar.both(left, value) if op == "&&" else scalar.either(left, value)

    def rejoin(
        self, condition: Scalar | Unknown, states: tuple[State, State], into: State
    ) -> None:
        """One state for what holds after either of two ways."""
        then, otherwise = states
        if len(then.moved) != len(otherwise.moved):
            raise Untranslatable("the number of words depends on data")
        moved = []
        for word, other in zip(then.moved, otherwise.moved, strict=True):
            if word.type != other.type:
                raise Untranslatable("the types of the words depend on data")
            moved.append(word if word == other else type(word)(word.type))
        cells = {}
        for cell in then.cells.keys() | otherwise.cells.keys():
            unset = Unknown("reads a variable that is not set on every way")
            cells[cell] = self.either_value(
                condition, then.cells.get(cell, unset), otherwise.cells.get(cell, unset)
            )
        changed = {}
        for path in sorted(then.changed.keys() | otherwise.changed.keys()):
            ours, theirs = then.changed.get(path), otherwise.changed.get(path)
            some: Value = Unknown(f"reads '{path}', which is changed on some ways")
            for side in (theirs, ours):
                some = side if isinstance(side, Unknown) else some
            changed[path] = ours if ours is not None and ours == theirs else some
        into.cells, into.moved, into.changed = cells, tuple(moved), changed

    def either_value(
        self, condition: Scalar | Unknown, then: Value, otherwise: Value
    ) -> Value:
        """``condition ? then : otherwise`` for values of one type."""
        if then == otherwise:
            return then
        if isinstance(condition, Unknown):
            return condition
        if condition.constant is not None:
            return then if condition.constant else otherwise
        if isinstance(then, Scalar) and isinstance(otherwise, Scalar):
            return scalar.choose(condition, then, otherwise)
        for value in (then, otherwise):
            if isinstance(value, Unknown):
                return value
        return Unknown("chooses between pointers")

    def _conditional(
        self, expr: syntax.Conditional, frame: Frame, state: State
    ) -> Value:
        first = self.value(expr.condition, frame, state)
        condition = self.truth(first)
        if expr.then is not None and never_returns(expr.then):
            return self.value(expr.otherwise, frame, state)
        if never_returns(expr.otherwise):
            return first if expr.then is None else self.value(expr.then, frame, state)
        if isinstance(condition, Scalar) and condition.constant is not None:
            if not condition.constant:
                chosen = self.value(expr.otherwise, frame, state)
            else:
                chosen = (
                    first if expr.then is None else self.value(expr.then, frame, state)
                )
            return self._as_choice(chosen, expr, frame)
        ways = state.copy(), state.copy()
        then = first if expr.then is None else self.value(expr.then, frame, ways[0])
        otherwise = self.value(expr.otherwise, frame, ways[1])
        self.rejoin(condition, ways, state)
        if isinstance(then, Scalar) and isinstance(otherwise, Scalar):
            type = scalar.common_type(then, otherwise)
            then, otherwise = scalar.convert(then, type), scalar.convert(
                otherwise, type
            )
        return self.either_value(condition, then, otherwise)

    def _as_choice(self, value: Value, expr: syntax.Conditional, frame: Frame) -> Value:
        """The chosen operand in the type that both operands make."""
        if not isinstance(value, Scalar):
            return value
        return self.assigned(value, self._layout.type_of(expr, self.scope(frame)))

    # --- assignments --------------------------------------------------------------------------

    def _assign(self, expr: syntax.Assign, frame: Frame, state: State) -> Value:
        target = self.target(expr.target, frame, state)
        value = self.value(expr.value, frame, state)
        if expr.op != "=":
            old = self.read(target, state, expr.position)
            if isinstance(old, Scalar) and isinstance(value, Scalar):
                value = scalar.binary(_operator(expr.op[:-1]), old, value)
            elif isinstance(value, Scalar) and expr.op in ("+=", "-="):
                by = (
                    scalar.unary("-", scalar.convert(value, LONG))
                    if expr.op == "-="
                    else value
                )
                value = self.advanced(old, by)
            else:
                value = no_number(old if isinstance(value, Scalar) else value)
        return self.store(target, value, state, expr.position)

    def _step(self, op: str, operand: Expr, frame: Frame, state: State) -> Value:
        target = self.target(operand, frame, state)
        old = self.read(target, state, operand.position)
        one = scalar.constant(1 if op.endswith("++") else -1)
        if isinstance(old, Scalar):
            new: Value = scalar.binary("+", old, one)
        else:
            new = self.advanced(old, one)
        new = self.store(target, new, state, operand.position)
        return old if op.startswith("p") else new

    # --- calls ----------------------------------------------------------------------------------

    def _call(self, expr: syntax.Call, frame: Frame, state: State) -> Value:
        if (
            not isinstance(expr.function, syntax.Name)
            or expr.function.name in frame.names
        ):
            for argument in expr.arguments:
                self.value(argument, frame, state)
            return Unknown(f"calls through a pointer ({expr.position})")
        name = expr.function.name
        if name == "__builtin_choose_expr":
            chosen = self._layout.constant(expr.arguments[0], self.scope(frame))
            return self.value(expr.arguments[1 if chosen else 2], frame, state)
        arguments = [self.value(argument, frame, state) for argument in expr.arguments]
        if name == "__builtin_expect":
            return self.assigned(arguments[0], LONG)
        if name == "__builtin_constant_p":
            known = (
                isinstance(arguments[0], Scalar) and arguments[0].constant is not None
            )
            return scalar.constant(int(known))
        if name in ("__atomic_load_n", "__builtin_assume_aligned"):
            if name.startswith("__builtin"):
                return arguments[0]
            return self.read(
                self._follow(arguments[0], "*", expr.position), state, expr.position
            )
        if name in CHECKED_CASTS:
            return arguments[0]
        if name in BUILTINS:
            return self._builtin(name, arguments, expr.position)
        meaning = self.call(name, expr, arguments, state)
        if meaning is not None:
            return meaning
        function = self._layout.unit.function(name)
        if function is None:
            raise Untranslatable(
                f"calls {name}(), which is not declared", expr.position
            )
        if function.body is None:
            return self._outside_call(function, arguments, state, expr.position)
        return self.inline(function, arguments, state, expr.position)

    def _builtin(self, name: str, arguments: list[Value], position: Position) -> Value:
        builtin = BUILTINS[name]
        result = builtin.result
        if (
            builtin.fold is not None
            and len(arguments) == 1
            and isinstance(result, Integer)
        ):
            argument = arguments[0]
            if isinstance(argument, Scalar):
                converted = scalar.convert(argument, builtin.argument)
                if converted.constant is not None:
                    return scalar.constant(builtin.fold(converted.constant), result)
        return Unknown(f"calls {name}() ({position})")

    def _outside_call(
        self,
        function: syntax.FunctionDecl,
        arguments: list[Value],
        state: State,
        position: Position,
    ) -> Value:
        """The call of a function whose body is elsewhere: the context is asked."""
        result = self._layout.resolve(function.type.result)
        for argument in arguments:
            if isinstance(argument, Local):
                state.cells[argument.cell] = Unknown(
                    f"reads what {function.name}() stored ({position})"
                )
        if isinstance(result, ctype.Void):
            if any(isinstance(argument, Reference) for argument in arguments):
                self.passed(function.name, position)
            return Unknown("uses a void value")
        words = self._argument_words(arguments)
        if words is None:
            return Unknown(
                f"calls {function.name}() with computed arguments ({position})"
            )
        name = f"{function.name}({words})" if words else function.name
        integer = integer_of(result)
        if integer is not None:
            return scalar.of_type(ir.Ask(name), integer)
        if isinstance(result, Pointer):
            return Outside(name, result)
        return Unknown(f"calls {function.name}() ({position})")

    def passed(self, name: str, position: Position) -> None:
        """The object goes to a function without a result, which may change it."""
        raise Untranslatable(
            f"gives its object to {name}(), whose body is elsewhere", position
        )

    def _argument_words(self, arguments: list[Value]) -> str | None:
        """Arguments in C words; empty for none or the object itself, None if computed."""
        words = []
        whole = True
        for argument in arguments:
            match argument:
                case Reference(spot, _, 0):
                    path, subscripts = spot.path()
                    if subscripts:
                        return None
                    if spot.through and path.endswith("[0]"):
                        path = path[:-3]
                    elif path:
                        path = f"&{path}"
                    whole = whole and not path
                    words.append(path or "opaque")
                case Scalar(ir.Const(number, name)):
                    whole = False
                    words.append(name or str(number))
                case Outside(name):
                    whole = False
                    words.append(name)
                case _:
                    return None
        return "" if whole else ", ".join(words)


def _operator(op: str) -> Operator:
    return op  # type: ignore[return-value]  # the parser knows no other binary operators
