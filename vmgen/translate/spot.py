"""Places in the opaque object, and pointers to them, as the C expressions walk there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vmgen import ir
from vmgen.cfront.arithmetic import VOID
from vmgen.cfront.ctype import Array, CType, Integer, Pointer, Record, Void
from vmgen.cfront.layout import Layout, type_words
from vmgen.translate.failure import Untranslatable
from vmgen.translate.scalar import Scalar


@dataclass(frozen=True, slots=True)
class Spot:
    """A place: the object itself (no parent), a member or an element of a place, or
    what a pointer member points to.

    ``offset`` is in bytes from the parent, None where it is not known (a computed
    subscript, or the far side of a pointer).  ``through`` marks an element of what the
    parent, a pointer, points to.
    """

    type: CType
    parent: Spot | None = None
    name: str = ""
    index: Scalar | None = None
    offset: int | None = 0
    through: bool = False
    bits: int | None = None

    def path(self) -> tuple[str, tuple[ir.Expr, ...]]:
        """The path from the object as C spells it, and its computed subscripts."""
        if self.parent is None:
            return "", ()
        before, subscripts = self.parent.path()
        if self.index is None:
            pointed = self.parent.index if self.parent.through else None
            if pointed is not None and pointed.constant == 0:
                before, subscripts = (self.parent.parent or self.parent).path()
                return f"{before}->{self.name}", subscripts
            return (f"{before}.{self.name}" if before else self.name), subscripts
        if self.index.constant is not None:
            return f"{before}[{self.index.constant}]", subscripts
        return f"{before}[${len(subscripts)}]", (*subscripts, self.index.expr)


@dataclass(frozen=True, slots=True)
class SpotPointer:
    """A pointer: ``delta`` bytes after ``spot``, seen as a pointer to ``view``."""

    spot: Spot
    view: CType
    delta: int = 0


class Navigator:
    """Walks an object whose type shows only by how the C code uses it.

    A function gets its object as ``void *``.  ``root`` is its type if it is known;
    otherwise every record type it is used as is noted in ``views``, with its spelling
    in ``names``.

    With ``around`` the object may lie inside of another (``container_of``): that one
    is a place without parent whose offset is where it begins, counted from the object,
    and ``containers`` are those that were read.
    """

    def __init__(
        self, layout: Layout, root: Record | None = None, around: bool = False
    ) -> None:
        self._layout = layout
        self._root = root
        self._around = around
        self.containers: list[Spot] = []
        self.views: list[Record] = []
        self.names: dict[Record, str] = {}

    def object(self) -> SpotPointer:
        """The opaque pointer."""
        return SpotPointer(Spot(self._root or VOID), VOID)

    def member(self, spot: Spot, name: str) -> Spot:
        """``spot.name``."""
        if not isinstance(spot.type, Record):
            raise Untranslatable(f"looks for '{name}' in '{type_words(spot.type)}'")
        if spot.parent is None and self._around and spot not in self.containers:
            self.containers.append(spot)
        if spot.parent is None and spot.type not in self.views:
            self.views.append(spot.type)
        member = self._layout.member(spot.type, name)
        if member is None:
            raise self._layout.no_member(spot.type, name)
        return Spot(member.type, spot, name, None, member.offset, bits=member.bits)

    def element(self, array: Spot, index: Scalar) -> Spot:
        """``array[index]``."""
        if not isinstance(array.type, Array):
            raise Untranslatable(f"subscripts '{type_words(array.type)}'")
        type = array.type.element
        offset = None
        if index.constant is not None:
            offset = index.constant * self._layout.sizeof(type)
        return Spot(type, array, "", index, offset)

    def pointee(self, pointer: Spot, index: Scalar) -> Spot:
        """``pointer[index]`` for a pointer that is in the object."""
        if not isinstance(pointer.type, Pointer):
            raise Untranslatable(f"follows '{type_words(pointer.type)}'")
        return Spot(pointer.type.target, pointer, "", index, None, through=True)

    def follow(self, reference: SpotPointer) -> Spot:
        """What the pointer points to, seen as the type it points to."""
        spot = self.cast(reference, reference.view).spot
        if reference.delta and spot is reference.spot:
            raise Untranslatable("reads at a byte offset")
        if not self._layout.same_type(spot.type, reference.view):
            raise Untranslatable(
                f"reads '{type_words(spot.type)}' as '{type_words(reference.view)}'"
            )
        return spot

    def cast(self, reference: SpotPointer, target: CType) -> SpotPointer:
        """The pointer as a pointer to ``target``: to the part of the object, or to the
        enclosing object (``container_of``), that has this type at this address."""
        if _is_bytes(target) and not self._layout.same_type(
            reference.spot.type, target
        ):
            return replace(reference, view=target)
        ancestor: Spot | None = reference.spot
        distance: int | None = reference.delta
        while ancestor is not None and distance is not None:
            found = self._part(ancestor, distance, target)
            if found is not None:
                return SpotPointer(found, target)
            distance = None if ancestor.offset is None else distance + ancestor.offset
            ancestor = ancestor.parent
        if self._around and distance is not None and isinstance(target, Record):
            # Outside of all that is known: C says that an object of the type is there.
            return SpotPointer(Spot(target, offset=distance), target)
        return replace(reference, view=target)

    def _part(self, spot: Spot, distance: int, target: CType) -> Spot | None:
        """The part of ``spot`` of type ``target`` that starts ``distance`` bytes in."""
        if distance == 0 and self._layout.same_type(spot.type, target):
            return spot
        if isinstance(spot.type, Void) and distance == 0:
            if spot.parent is None or spot.through:
                return replace(spot, type=target)
            return None
        # The object is used as two record types: outermost() decides which contains the
        # other.
        seen_twice = isinstance(spot.type, Record) and isinstance(target, Record)
        if spot.parent is None and self._root is None and distance == 0 and seen_twice:
            return replace(spot, type=target)
        if distance < 0 or not isinstance(spot.type, Record):
            return None
        if self._layout.unit.record(spot.type.kind, spot.type.tag) is None:
            return None
        for member in self._layout.record(spot.type).members:
            if (
                member.bits is not None
                or not isinstance(member.type, Record)
                or not member.name
            ):
                continue
            if (
                member.offset
                <= distance
                < member.offset + self._layout.sizeof(member.type)
            ):
                inner = Spot(member.type, spot, member.name, None, member.offset)
                found = self._part(inner, distance - member.offset, target)
                if found is not None:
                    return found
        return None

    def outermost(self) -> Record | None:
        """The view that the other views are the start of; None without any view."""
        for candidate in self.views:
            whole = Navigator(self._layout, candidate)
            if all(whole._part(Spot(candidate), 0, view) for view in self.views):
                return candidate
        if self.views:
            names = ", ".join(f"'{type_words(view)}'" for view in self.views)
            raise Untranslatable(f"uses its object as unrelated types: {names}")
        return None


def _is_bytes(type: CType) -> bool:
    """True for what pointers are cast to for byte arithmetic."""
    return isinstance(type, Void) or (isinstance(type, Integer) and type.size == 1)
