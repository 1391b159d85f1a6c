"""What the functions of a board's file call whatever the guest is.

The function behind ``mc->init`` makes the board; on its way it may register a section of
no device (``css_register_vmstate``, hw/s390x/css.c).  A condition of it may be a member of
the machine's class, read through a function (``css_migration_enabled``, up to 9.0), or a
variable that the ``instance_init`` of an old machine type changes (10.0).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vmgen.cfront import syntax as c
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import children, uncast, walk
from vmgen.ir import MemberPlace
from vmgen.machines.code import Course, class_member
from vmgen.machines.model import BoardCode, ClassCondition, SureCall
from vmgen.roots.walk import calls
from vmgen.source import VmgenError


def board_code(
    unit: Unit, layout: Layout, starts: Iterable[str]
) -> Iterator[BoardCode]:
    """What these functions of the file do, and the functions of the file that they may call.
    A function that vmgen cannot read is left out, as if the file did not have it."""
    pending = list(dict.fromkeys(starts))
    seen = set(pending)
    while pending:
        one = _code(unit, layout, pending.pop())
        if one is not None:
            yield one
            new = [name for name in one.names if name not in seen]
            seen.update(new)
            pending += new


def _code(unit: Unit, layout: Layout, name: str) -> BoardCode | None:
    try:
        function = unit.function(name)
        if function is None or function.body is None:
            return None
        return _BoardReader(unit, layout, function).code()
    except VmgenError:
        return None


def variables(
    unit: Unit, layout: Layout, found: Iterable[BoardCode]
) -> Iterator[tuple[str, int]]:
    """The variables of the file that their conditions ask, with their first values."""
    asked = {
        place.path
        for one in found
        for call in one.calls
        for place, _ in call.given
        if not place.type
    }
    for name in sorted(asked):
        try:
            declared = unit.object(name)
            if declared is None or declared.static:
                continue
            if isinstance(declared.initializer, c.Expr):
                yield name, layout.constant(declared.initializer)
        except VmgenError:
            continue  # what it begins with is not known then


class ClassQuestions:
    """What conditions in the functions of a file ask of the machine's class."""

    def __init__(self, unit: Unit, layout: Layout) -> None:
        self._unit = unit
        self._layout = layout
        self._readers: dict[str, _BoardReader] = {}

    def of(self, function: c.FunctionDecl, condition: c.Expr) -> ClassCondition | None:
        """What a function's condition asks of it; None for anything else."""
        reader = self._readers.get(function.name)
        if reader is None:
            reader = _BoardReader(self._unit, self._layout, function)
            self._readers[function.name] = reader
        asked = reader.asked(condition)
        return asked if asked is not None and asked[0].type else None


class _BoardReader:
    """Collects what one function calls and changes."""

    def __init__(self, unit: Unit, layout: Layout, function: c.FunctionDecl) -> None:
        assert function.body is not None  # callers ask for definitions only
        self._unit = unit
        self._layout = layout
        self._function = function
        self._body = function.body
        self._own = {one.name for one in function.type.parameters} | {
            node.name for node in walk(function.body) if isinstance(node, c.LocalDecl)
        }
        self._calls: list[SureCall] = []

    def code(self) -> BoardCode:
        """What the function does."""
        Course(self._layout, self._act, self.asked).take(self._body, False)
        names = {
            call.function.name
            for call in calls(self._body)
            if isinstance(call.function, c.Name)
        }
        return BoardCode(
            self._function.name,
            self._function.static,
            tuple(dict.fromkeys(self._calls)),
            tuple(sorted(names - self._own)),
            tuple(sorted(self._changed())),
        )

    def _act(
        self, expression: c.Expr, maybe: bool, given: tuple[ClassCondition, ...]
    ) -> None:
        if not maybe:
            for name in _called(expression):
                if name not in self._own:
                    self._calls.append(SureCall(name, given))

    def asked(self, condition: c.Expr) -> ClassCondition | None:
        """What a condition asks of the machine's class, or of a variable of all files."""
        match uncast(condition):
            case c.UnaryOperation("!", operand):
                inner = self.asked(operand)
                return None if inner is None else (inner[0], not inner[1])
            case c.Name(name) if name not in self._own:
                declared = self._unit.object(name)
                if declared is None or declared.static:
                    return None
                return MemberPlace("", name), True
            case c.Call(c.Name(name), ()) if name not in self._own:
                place = self._returned(name)
                return None if place is None else (place, True)
            case c.Member() as member:
                place = class_member(self._unit, self._layout, self._function, member)
                return None if place is None else (place, True)
            case _:
                return None

    def _returned(self, name: str) -> MemberPlace | None:
        """The member of a class that a function returns and does nothing else."""
        function = self._unit.function(name)
        if function is None or function.body is None:
            return None
        match function.body.items:
            case (c.Return(value),) if value is not None:
                inner = uncast(value)
                if isinstance(inner, c.Member):
                    return class_member(self._unit, self._layout, function, inner)
        return None

    def _changed(self) -> Iterator[str]:
        """The variables beside its own that it may change, itself or through a pointer."""
        for node in walk(self._body):
            match node:
                case c.Assign(_, target) | c.UnaryOperation(
                    "++" | "--" | "p++" | "p--" | "&", target
                ):
                    inner = target
                    while isinstance(inner, c.Index | c.Member):
                        inner = (
                            inner.array if isinstance(inner, c.Index) else inner.object
                        )
                    if isinstance(inner, c.Name) and inner.name not in self._own:
                        yield inner.name


def _called(expression: c.Expr) -> Iterator[str]:
    """The functions that an expression calls whenever it is evaluated."""
    match expression:
        case c.BinaryOperation("&&" | "||", left):
            yield from _called(left)
            return
        case c.Conditional(condition):
            yield from _called(condition)
            return
        case c.SizeOf() | c.AlignOf() | c.OffsetOf() | c.Generic() | c.StatementExpr():
            return
        case c.Call(c.Name(name)):
            yield name
    for node in children(expression):
        if isinstance(node, c.Expr):
            yield from _called(node)
