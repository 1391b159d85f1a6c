"""Places and values: what is in the opaque object, and what conversions make of it."""

from __future__ import annotations

from typing import assert_never

from vmgen import ir
from vmgen.cfront import ctype, syntax
from vmgen.cfront.arithmetic import (
    LONG,
    UNSIGNED_LONG,
    integer_of,
    promote,
)
from vmgen.cfront.ctype import Array, CType, Pointer, Record
from vmgen.cfront.layout import Layout, Scope, type_words
from vmgen.cfront.syntax import TypeExpr
from vmgen.source import Position
from vmgen.translate import scalar
from vmgen.translate.failure import Untranslatable
from vmgen.translate.policy import Policy
from vmgen.translate.scalar import Scalar
from vmgen.translate.spot import Navigator, Spot, SpotPointer
from vmgen.translate.values import (
    BlockFrame,
    Local,
    Outside,
    PathState,
    StreamArgument,
    Target,
    Truth,
    Untranslated,
    Value,
    no_number,
)


class Places:
    """Reads places; knows the types of the locals."""

    def __init__(self, layout: Layout, navigator: Navigator, policy: Policy) -> None:
        self._layout = layout
        self._navigator = navigator
        self._policy = policy
        self._types: dict[int, CType] = {}

    # --- types and locals ---------------------------------------------------------------

    def scope(self, frame: BlockFrame) -> Scope:
        """The types of the locals in sight."""
        return Scope({name: self._types[cell] for name, cell in frame.names.items()})

    def resolve(self, type: TypeExpr, frame: BlockFrame) -> CType:
        """A type as written in the function, noted if it names a record."""
        resolved = self._layout.resolve(type, self.scope(frame))
        inner = resolved
        while isinstance(inner, Pointer | Array):
            inner = inner.target if isinstance(inner, Pointer) else inner.element
        if isinstance(inner, Record) and inner not in self._navigator.names:
            spelling = self._layout.spelling(type) if not _is_typeof(type) else ""
            if spelling:
                self._navigator.names[inner] = spelling
        return resolved

    def cell(self, type: CType) -> int:
        """A cell for a local variable of this type."""
        cell = len(self._types)
        self._types[cell] = type
        return cell

    def cell_type(self, cell: int) -> CType:
        """The type of a local variable."""
        return self._types[cell]

    # --- conversion -----------------------------------------------------------------------

    def assigned(self, value: Value, type: CType) -> Value:
        """The value converted to ``type``."""
        integer = integer_of(type)
        if integer is not None:
            if isinstance(value, Scalar):
                return scalar.convert(value, integer)
            if integer.name == "_Bool":
                found = truth(value)
                return scalar.as_bool(found) if isinstance(found, Scalar) else found
            if isinstance(value, SpotPointer | Local | Outside):
                return Untranslated("uses a pointer as a number")
            return value
        if isinstance(type, Pointer):
            if isinstance(value, SpotPointer):
                return self._navigator.cast(value, type.target)
            if isinstance(value, Outside):
                return Outside(value.name, type)
            if isinstance(value, Scalar) and value.constant is None:
                return Untranslated("uses a number as a pointer")
            return value
        if isinstance(type, ctype.Float):
            return Untranslated("computes with floating values")
        return value

    # --- places ---------------------------------------------------------------------------

    def member(
        self, whole: Target, name: str, state: PathState, position: Position
    ) -> Target:
        """``whole.name``."""
        if isinstance(whole, Local):
            held = state.cells.get(whole.cell)
            if not isinstance(held, Spot | Outside):
                return Untranslated(f"reads '{name}' of a local variable ({position})")
            whole = held
        if isinstance(whole, Spot):
            try:
                return self._navigator.member(whole, name)
            except Untranslatable as failure:
                return Untranslated(f"{failure.reason} ({position})")
        if isinstance(whole, Outside) and isinstance(whole.type, Record):
            member = self._layout.member(whole.type, name)
            if member is None:
                raise self._layout.no_member(whole.type, name, position)
            return Outside(f"{whole.name}.{name}", member.type)
        return (
            whole
            if isinstance(whole, Untranslated)
            else Untranslated(f"reads '{name}' ({position})")
        )

    def follow(self, pointer: Value, what: str, position: Position) -> Target:
        """What a pointer points to."""
        match pointer:
            case SpotPointer():
                try:
                    return self._navigator.follow(pointer)
                except Untranslatable as failure:
                    return Untranslated(f"{failure.reason} ({position})")
            case Local() | Untranslated():
                return pointer
            case Outside(name):
                read = "what it points to" if what == "*" else f"'{what}'"
                return Untranslated(
                    f"reads {read} of another object, through {name.split('(')[0]} ({position})"
                )
            case Scalar() | Spot() | StreamArgument():
                return Untranslated(
                    f"follows a pointer that is not of the object ({position})"
                )
            case _:
                assert_never(pointer)

    def element(self, array: Value, index: Value, position: Position) -> Target:
        """``array[index]``."""
        if not isinstance(index, Scalar):
            return no_number(index)
        if isinstance(array, Outside) and isinstance(array.type, Pointer):
            return self.follow(array, "*", position)
        moved = self.advanced(array, index)
        return self.follow(moved, "*", position)

    def advanced(self, pointer: Value, by: Scalar) -> Value:
        """``pointer + by``."""
        by = scalar.convert(by, LONG)
        if by.constant == 0 or not isinstance(pointer, SpotPointer):
            return pointer if by.constant == 0 else no_number(pointer)
        spot, view = pointer.spot, pointer.view
        same = self._layout.same_type(spot.type, view)
        if same and spot.index is not None and spot.parent is not None:
            index = by
            if spot.index.constant != 0:
                index = scalar.binary("+", scalar.convert(spot.index, LONG), by)
            if spot.through:
                moved = self._navigator.pointee(spot.parent, index)
            else:
                moved = self._navigator.element(spot.parent, index)
            return SpotPointer(moved, view)
        if by.constant is None:
            return Untranslated("adds a computed number to a pointer")
        return SpotPointer(
            spot, view, pointer.delta + by.constant * self._layout.sizeof(view)
        )

    def address(self, target: Target) -> Value:
        """``&target``."""
        match target:
            case Spot():
                if target.bits is not None:
                    return Untranslated("takes the address of a bitfield")
                return SpotPointer(target, target.type)
            case Outside(name, type):
                return Outside(f"&{name}", Pointer(type))
            case Local() | Untranslated():
                return target
            case _:
                assert_never(target)

    def read(self, target: Target, state: PathState, position: Position) -> Value:
        """The value at a place: a number, a pointer, or the record itself."""
        match target:
            case Spot():
                known = self._policy.read(target, state, position)
                return self.load(target, position) if known is None else known
            case Local(cell):
                return state.cells.get(
                    cell,
                    Untranslated(f"reads a variable before it is set ({position})"),
                )
            case Outside(name, type):
                integer = integer_of(type)
                if integer is not None:
                    return scalar.of_type(ir.Ask(name), integer)
                if isinstance(type, Array):
                    return Untranslated(f"reads the global array '{name}' ({position})")
                return target
            case Untranslated():
                return target
            case _:
                assert_never(target)

    def load(self, spot: Spot, position: Position) -> Value:
        """The value of a place in the object."""
        type = spot.type
        integer = integer_of(type)
        if integer is not None:
            path, subscripts = spot.path()
            load = ir.Load(path, scalar.int_type(integer), subscripts)
            if spot.bits is not None and spot.bits < 8 * integer.size:
                half = 1 << (spot.bits - 1)
                low, high = (-half, half - 1) if integer.signed else (0, 2 * half - 1)
                if spot.bits <= 32:
                    return Scalar(load, promote(integer, spot.bits), low, high)
                return Scalar(load, scalar.wide_bitfield(integer, spot.bits), low, high)
            return scalar.of_type(load, integer)
        if isinstance(type, Array):
            first = self._navigator.element(spot, scalar.constant(0, LONG))
            return SpotPointer(first, type.element)
        if isinstance(type, Pointer):
            if isinstance(type.target, ctype.FunctionSignature):
                return Untranslated(f"calls through a pointer ({position})")
            return SpotPointer(
                self._navigator.pointee(spot, scalar.constant(0, LONG)), type.target
            )
        if isinstance(type, Record):
            return spot
        return Untranslated(f"reads '{type_words(type)}' ({position})")


def truth(value: Value) -> Truth:
    """The value as a condition: not zero, not NULL."""
    match value:
        case Scalar() | Untranslated():
            return value
        case SpotPointer(spot, _, 0) if spot.through and spot.parent is not None:
            if spot.index is not None and spot.index.constant == 0:
                path, subscripts = spot.parent.path()
                return scalar.of_type(
                    ir.Load(path, "uint64", subscripts), UNSIGNED_LONG
                )
            return scalar.constant(1)
        case Outside(name):
            return scalar.of_type(ir.Ask(name), UNSIGNED_LONG)
        case SpotPointer() | Spot() | Local() | StreamArgument():
            return scalar.constant(1)
        case _:
            assert_never(value)


def _is_typeof(type: TypeExpr) -> bool:
    while isinstance(type, syntax.PointerType | syntax.ArrayType):
        type = type.target if isinstance(type, syntax.PointerType) else type.element
    return isinstance(type, syntax.TypeOf | syntax.AutoType)
