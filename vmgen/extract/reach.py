"""Whether C statements, and what they call, leave members of an object as they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress

from vmgen.cfront import syntax as c
from vmgen.cfront.arithmetic import decayed
from vmgen.cfront.ctype import Array, Enum, Float, Integer, Pointer, Record
from vmgen.cfront.layout import Layout, Scope
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import walk
from vmgen.source import VmgenError
from vmgen.translate import CHECKED_CASTS, definition

_NUMBERS = (Integer, Enum, Float)

_FILLING = frozenset(("memcpy", "memmove", "memset"))
"""C11 7.24: what they change is what their first argument points to."""

_FUNCTIONS = 64
"""As many functions are read for one member."""


class Reach:
    """Looks through the functions of one file.

    A call reaches an object if it gets a pointer that comes from a variable: to the
    object, to a part of it or to something that may know it.  What then is done to the
    object is read in the function, if the file has it.  Members count by their names,
    of whatever struct.
    """

    def __init__(self, unit: Unit, layout: Layout) -> None:
        self._unit = unit
        self._layout = layout

    def keeps(
        self,
        function: c.FunctionDecl,
        statements: Iterable[c.Statement],
        members: Collection[str],
    ) -> bool:
        """Whether these statements of the function change none of the members."""
        return self._keeps(function, tuple(statements), members, {function.name})

    def _keeps(
        self,
        function: c.FunctionDecl,
        statements: tuple[c.Statement, ...],
        members: Collection[str],
        seen: set[str],
    ) -> bool:
        scope = self._scope(function)
        for node in walk(*statements):
            if changed_member(node) in members:
                return False
            match node:
                case c.Assign(target=target) if self._is_whole(target, scope):
                    return False
                case c.Call(c.Name(name), (filled, *_)) if name in _FILLING:
                    if not self._is_scalars(filled, scope):
                        return False
                case c.Call(called, arguments):
                    reached = any(self._reaches(one, scope) for one in arguments)
                    if reached and not self._called_keeps(called, members, seen):
                        return False
        return True

    def _called_keeps(
        self, called: c.Expr, members: Collection[str], seen: set[str]
    ) -> bool:
        if not isinstance(called, c.Name):
            return False  # through a pointer: it may be any function
        name = called.name
        if name in seen or name in CHECKED_CASTS:
            return True
        function, _, _ = definition(self._unit, name)
        if function is None or function.body is None or len(seen) >= _FUNCTIONS:
            return False
        seen.add(name)
        return self._keeps(function, (function.body,), members, seen)

    def _scope(self, function: c.FunctionDecl) -> Scope:
        scope = Scope().inner()
        named: list[c.Parameter | c.LocalDecl] = [*function.type.parameters]
        named += (one for one in walk(function.body) if isinstance(one, c.LocalDecl))
        for one in named:
            # Without a type, an expression with it may be anything.
            with suppress(VmgenError):
                scope.declare(one.name, self._layout.resolve(one.type, scope))
        return scope

    def _reaches(self, argument: c.Expr, scope: Scope) -> bool:
        if not any(isinstance(node, c.Name) for node in walk(argument)):
            return False
        try:
            type_ = self._layout.type_of(argument, scope)
        except VmgenError:
            return True
        return not isinstance(type_, _NUMBERS)

    def _is_scalars(self, filled: c.Expr, scope: Scope) -> bool:
        """Whether the address is that of numbers: an array that is a member, or what a
        member points to (``changed_member`` sees a member's own address)."""
        try:
            type_ = decayed(self._layout.type_of(filled, scope))
        except VmgenError:
            return False
        return isinstance(type_, Pointer) and isinstance(type_.target, _NUMBERS)

    def _is_whole(self, target: c.Expr, scope: Scope) -> bool:
        """Whether what is assigned is an object with members of its own."""
        if isinstance(target, c.Name) and target.name in scope.types:
            return False
        try:
            return isinstance(self._layout.type_of(target, scope), Record | Array)
        except VmgenError:
            return True


def changed_member(node: object) -> str | None:
    """The member that an expression changes, or that others may change by its address;
    None for what does neither."""
    place: c.Expr | None = None
    match node:
        case c.Assign(target=target):
            place = target
        case c.UnaryOperation("&" | "++" | "--" | "p++" | "p--", operand):
            place = operand
    while isinstance(place, c.Index | c.Cast):
        place = place.array if isinstance(place, c.Index) else place.operand
    return place.name if isinstance(place, c.Member) else None
