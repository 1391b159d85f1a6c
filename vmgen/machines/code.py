"""What the functions that fill classes do to them, statement by statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Generic, TypeAlias, TypeVar, assert_never

from vmgen.cfront import syntax as c
from vmgen.cfront.ctype import Pointer
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import renamed, uncast
from vmgen.cfront.walk import walk as nodes_of
from vmgen.ir import MemberPlace
from vmgen.machines.model import ClassAction, ClassCode, RowCondition
from vmgen.machines.target_questions import of_target
from vmgen.roots import walk
from vmgen.source import Position, VmgenError

_Given: TypeAlias = tuple[str | tuple[str, ...], bool]
"""A condition of a row of ``class_data``, or of the target."""

_CLASS = "Class"
_MACHINE_CLASS = "MachineClass"
"""How the C types of the classes end that machine types have."""

Asked = TypeVar("Asked")
"""What a condition asks, such as a member of a row."""

Act: TypeAlias = Callable[[c.Expr, bool, tuple[tuple[Asked, bool], ...]], None]
"""Takes an expression that is evaluated, whether a condition stands before it that is not
followed, and what those ask that are, with the answers under which it is evaluated."""


def _nothing(_condition: c.Expr) -> None:
    return None


class Course(Generic[Asked]):
    """The way through a function's body, as far as constants decide it.

    An environment variable is not set where QEMU is started without any
    (``MACHINE_VER_DELETION``, include/hw/boards.h, asks for one up to 10.0).

    ``asks`` says what a condition asks, and the answer with which it holds; None where
    that is not followed.
    """

    def __init__(
        self,
        layout: Layout,
        act: Act[Asked],
        asks: Callable[[c.Expr], tuple[Asked, bool] | None] = _nothing,
    ) -> None:
        self._layout = layout
        self._to = act
        self._asks = asks
        self._given: tuple[tuple[Asked, bool], ...] = ()

    def _act(self, expression: c.Expr, maybe: bool) -> None:
        self._to(expression, maybe, self._given)

    def take(self, statement: c.Statement, maybe: bool) -> bool | None:
        """Go through a statement.  True if nothing after it is reached, None if that
        may be."""
        match statement:
            case c.Block(items) | c.Case(_, items):
                return self._in_a_row(items, maybe)
            case c.If(condition, then, otherwise):
                self._act(condition, maybe)
                return self._branches(condition, then, otherwise, maybe)
            case c.While(condition, body, True) if (
                condition is not None and self.truth(condition) is False
            ):
                return self.take(body, maybe)
            case c.While(_, body) | c.Switch(_, body):
                return self._perhaps(body)
            case c.For(start, _, _, body):
                for one in start:
                    self.take(one, maybe)
                return self._perhaps(body)
            case c.Label(_, inner):
                return self.take(inner, True)
            case c.Return(value):
                if value is not None:
                    self._act(value, maybe)
                return True
            case c.Jump():
                return None
            case c.LocalDecl() | c.ExprStatement():
                for expression in walk.expressions(statement):
                    self._act(expression, maybe)
                return False
            case c.Empty():
                return False
            case _:
                assert_never(statement)

    def _in_a_row(self, items: tuple[c.Statement, ...], maybe: bool) -> bool | None:
        ended: bool | None = False
        for item in items:
            one = self.take(item, maybe)
            if one is True:
                return ended if ended is None else True
            if one is None:
                maybe, ended = True, None
        return ended

    def _branches(
        self,
        condition: c.Expr,
        then: c.Statement,
        otherwise: c.Statement | None,
        maybe: bool,
    ) -> bool | None:
        truth = self.truth(condition)
        if truth is None and (asked := self._asks(condition)) is not None:
            one, value = asked
            before = self._given
            self._given = (*before, (one, value))
            first = self.take(then, maybe)
            self._given = (*before, (one, not value))
            second = self.take(otherwise, maybe) if otherwise is not None else False
            self._given = before
            return first if first == second else None
        if truth is None:
            first = self.take(then, True)
            second = self.take(otherwise, True) if otherwise is not None else False
            return first if first == second else None
        taken = then if truth else otherwise
        return False if taken is None else self.take(taken, maybe)

    def _perhaps(self, body: c.Statement) -> bool | None:
        return False if self.take(body, True) is False else None

    def truth(self, condition: c.Expr) -> bool | None:
        """Whether a condition holds; None where constants do not decide it."""
        match uncast(condition):
            case c.BinaryOperation("&&", left, right):
                both = self.truth(left), self.truth(right)
                return False if False in both else True if None not in both else None
            case c.BinaryOperation("||", left, right):
                both = self.truth(left), self.truth(right)
                return True if True in both else False if None not in both else None
            case c.UnaryOperation("!", operand):
                inner = self.truth(operand)
                return None if inner is None else not inner
            case c.Call(c.Name("getenv")):
                return False
            case inner_expression:
                if any(
                    isinstance(node, c.Call)
                    or (
                        isinstance(node, c.Name)
                        and not self._layout.unit.declares(node.name)
                    )
                    for node in nodes_of(inner_expression)
                ):
                    return None  # of a local variable, or of what a function says
                try:
                    return bool(self._layout.constant(inner_expression))
                except VmgenError:
                    return None


def class_code(unit: Unit, layout: Layout, function: c.FunctionDecl) -> ClassCode:
    """What a function does to the classes that it is given."""
    assert function.body is not None  # callers ask for definitions only
    static = {
        one.name: f"{function.name}.{one.name}"
        for one, _ in walk.statements(function.body)
        if isinstance(one, c.LocalDecl) and one.static
    }
    if static:
        function = renamed(function, static)
    assert function.body is not None  # as before
    reader = _ClassReader(unit, layout, function)
    Course(layout, reader.act, reader.asked).take(function.body, False)
    return ClassCode(function.name, function.static, tuple(reader.actions))


def class_member(
    unit: Unit, layout: Layout, function: c.FunctionDecl, member: c.Member
) -> MemberPlace | None:
    """The member of a machine's class that an expression of a function names; None for
    any other one."""
    found = _ClassReader(unit, layout, function).member(member)
    return found if found is not None and found.type.endswith(_MACHINE_CLASS) else None


def registered(layout: Layout, function: c.FunctionDecl) -> dict[str, bool]:
    """The ``TypeInfo`` objects that a function registers by name, each with whether it
    comes to that."""
    assert function.body is not None  # callers ask for definitions only
    found: dict[str, bool] = {
        name: False
        for call in walk.calls(function.body)
        if (name := _registered(call)) is not None
    }

    def act(expression: c.Expr, maybe: bool, given: tuple[RowCondition, ...]) -> None:
        if (name := _registered(expression)) is not None:
            found[name] = True

    Course(layout, act).take(function.body, False)
    return found


def _registered(expression: c.Expr) -> str | None:
    match expression:
        case c.Call(
            c.Name("type_register_static" | "type_register"),
            (c.UnaryOperation("&", c.Name(name)),),
        ):
            return name
        case _:
            return None


class _ClassReader:
    """Collects what one function does."""

    def __init__(self, unit: Unit, layout: Layout, function: c.FunctionDecl) -> None:
        self._unit = unit
        self._layout = layout
        self._names = walk.locals_of(function)
        self.actions: list[ClassAction] = []

    def act(self, expression: c.Expr, maybe: bool, given: tuple[_Given, ...]) -> None:
        """Take an expression that is evaluated."""
        rows = tuple((one, is_) for one, is_ in given if isinstance(one, str))
        targets = tuple((one, is_) for one, is_ in given if not isinstance(one, str))
        for action in self._actions(expression, maybe):
            self.actions.append(replace(action, given=rows, targets=targets))

    def asked(self, condition: c.Expr) -> _Given | None:
        """What a condition asks of the row of ``class_data``, or of the target."""
        return self.of_row(condition) or of_target(self._unit, self._layout, condition)

    def of_row(self, condition: c.Expr) -> RowCondition | None:
        """Whether a condition is that a member of what ``class_data`` points at is set,
        or is not: ``!info->member``, where ``info`` is the function's last parameter.
        """
        match uncast(condition):
            case c.UnaryOperation("!", operand):
                inner = self.of_row(operand)
                return None if inner is None else (inner[0], not inner[1])
            case c.Member(c.Name(name), member, True) if (
                len(self._names.parameters) == 2
            ):
                values = [uncast(one) for one in self._names.values.get(name, ())]
                data = self._names.parameters[1]
                match values:
                    case [c.Name(source)] if source == data:
                        return member, True
        return None

    def _actions(self, expression: c.Expr, maybe: bool) -> Iterator[ClassAction]:
        match expression:
            case c.Comma(items):
                for item in items:
                    yield from self._actions(item, maybe)
            case c.Cast(_, operand):
                yield from self._actions(operand, maybe)
            case c.Call(c.Name(name), arguments, position):
                yield from self._called(name, arguments, maybe, position)
            case c.Assign(op, target, value, position):
                if isinstance(value, c.Assign):
                    yield from self._actions(value, maybe)
                    value = value.value
                yield from self._assigned(op, target, value, maybe, position)

    def _called(
        self, name: str, given: tuple[c.Expr, ...], maybe: bool, position: Position
    ) -> Iterator[ClassAction]:
        if name == "compat_props_add" and len(given) == 3:
            yield ClassAction(
                "compat",
                self._table(given[1]),
                length=self._length(given[2]),
                maybe=maybe,
                position=position,
            )
        elif name.startswith("device_class_set_props") and len(given) >= 2:
            action = self._properties(given[1], maybe, position)
            adds = action.kind == "properties"
            yield replace(action, kind="more properties") if adds else action
        elif any(self._class_of(one) for one in given):
            yield ClassAction("call", name, maybe=maybe, position=position)

    def _properties(
        self, value: c.Expr, maybe: bool, position: Position
    ) -> ClassAction:
        inner = uncast(value)
        if isinstance(inner, c.Member):
            # Of what class_data points at: no other table is there at this time.
            return ClassAction("row", inner.name, maybe=maybe, position=position)
        table = self._table(value)
        return ClassAction("properties", table, maybe=maybe, position=position)

    def _assigned(
        self,
        op: str,
        target: c.Expr,
        value: c.Expr,
        maybe: bool,
        position: Position,
    ) -> Iterator[ClassAction]:
        found = self.member(target)
        if found is None:
            return
        place = found
        if place.type == "DeviceClass" and place.path == "props":
            yield self._properties(value, maybe, position)  # up to 4.2
        elif place == MemberPlace("MachineClass", "alias"):
            text = walk.text(value, self._names, self._unit)
            yield ClassAction("alias", text, maybe=maybe, position=position)
        elif place == MemberPlace("MachineClass", "default_cpu_type"):
            text = walk.text(value, self._names, self._unit)
            yield ClassAction("cpu", text, maybe=maybe, position=position)
        elif place == MemberPlace("MachineClass", "init"):
            name = value.name if isinstance(value, c.Name) else ""
            yield ClassAction("init", name, maybe=maybe, position=position)
        elif place.type.endswith(_MACHINE_CLASS):
            number = None
            if op == "=":
                try:
                    constant = self._layout.value(value)
                except VmgenError:
                    pass
                else:
                    if isinstance(constant.type, Pointer):
                        return
                    if constant.base is None and isinstance(constant.number, int):
                        number = constant.number
            yield ClassAction(
                "member", place=place, value=number, maybe=maybe, position=position
            )

    def member(self, target: c.Expr) -> MemberPlace | None:
        """The member of a class that an expression names: ``mc->smp_props.x``."""
        words: list[str] = []
        inner = target
        while True:
            match inner:
                case c.Member(object, name, arrow):
                    words.append(name)
                    inner = object
                    if arrow:
                        break
                case c.Index(array, index):
                    try:
                        number = self._layout.constant(index)
                    except VmgenError:
                        return None
                    if not isinstance(array, c.Member):
                        return None
                    words.append(f"{array.name}[{number}]")
                    inner = array.object
                    if array.arrow:
                        break
                case _:
                    return None
        owner = self._class_of(inner)
        return MemberPlace(owner, ".".join(reversed(words))) if owner else None

    def _class_of(self, value: c.Expr) -> str:
        """The class that an expression points to, by its C type; empty for none."""
        type_: c.TypeExpr | None = None
        match value:
            case c.Name(name):
                type_ = self._names.types.get(name)
            case c.Cast(target, _):
                type_ = target
            case c.Call(c.Name(name)):
                declared = self._unit.function_type(name)
                type_ = declared.result if declared else None
            case c.UnaryOperation("&", c.Member(object, _)):
                return self._class_of(object)
        if isinstance(type_, c.PointerType) and isinstance(type_.target, c.NamedType):
            name = type_.target.name
            return name if name.endswith(_CLASS) else ""
        return ""

    def _table(self, value: c.Expr) -> str:
        """The symbol of a table that is handed on; empty for what cannot be followed."""
        match uncast(value):
            case c.Name(name) if name not in self._names.types:
                return name
            case c.UnaryOperation("&", c.Index(array, c.IntegerLiteral(0))):
                return self._table(array)
            case _:
                return ""

    def _length(self, value: c.Expr) -> str:
        inner = uncast(value)
        if isinstance(inner, c.Name) and inner.name not in self._names.types:
            return inner.name
        try:
            return str(self._layout.constant(inner))
        except VmgenError:
            return ""
