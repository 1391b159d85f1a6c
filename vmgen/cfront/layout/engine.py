"""Types resolved and laid out for x86-64 SysV, the way GCC does it."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from vmgen.cfront import ctype, syntax
from vmgen.cfront.arithmetic import (
    BASIC_TYPES,
    UNSIGNED_INT,
    decayed,
    integer_of,
    limits,
)
from vmgen.cfront.ctype import Array, CType, Enum, Function, Integer, Pointer, Record
from vmgen.cfront.evaluate import Evaluator, placed
from vmgen.cfront.expression_types import Scope
from vmgen.cfront.layout.allocation import Request, allocate
from vmgen.cfront.layout.model import (
    Declarations,
    MemberLayout,
    Place,
    PlaceStep,
    RecordLayout,
)
from vmgen.cfront.syntax import EnumDecl, Expr, MemberDecl, RecordDecl, TypeExpr
from vmgen.cfront.words import type_words
from vmgen.source import NOWHERE, Diagnostic, Position, VmgenError

NO_LOCALS: Mapping[str, CType] = MappingProxyType({})

#: What GCC tries, in order, for an enum (packed ones start with the smallest).
_PACKED_BASES = ("unsigned char", "signed char", "unsigned short", "short")
_BASES = ("unsigned int", "int", "unsigned long", "long")


def _error(
    code: str, message: str, position: Position = NOWHERE, hint: str = ""
) -> VmgenError:
    return VmgenError(Diagnostic(code, message, position, hint=hint))


class Layout:
    """Answers about the types and constants of one unit.

    ``scope`` arguments map the names of local variables to their types.  Everything
    raises :class:`VmgenError` with a VG3xx diagnostic for what C would refuse.
    """

    def __init__(self, unit: Declarations) -> None:
        self._unit = unit
        self._evaluator = Evaluator(self)
        self._typedefs: dict[str, CType] = {}
        self._records: dict[Record, RecordLayout] = {}
        self._lookups: dict[Record, dict[str, MemberLayout]] = {}
        self._scopes: dict[Record, Scope] = {}
        self._enums: dict[str, Enum] = {}
        self._enumerators: dict[str, int] = {}
        self._enum_of: dict[str, str] = {}
        self._busy: list[Record | str] = []

    @property
    def unit(self) -> Declarations:
        """The declarations this layout is about."""
        return self._unit

    # --- types ----------------------------------------------------------------------

    def resolve(self, type: TypeExpr, scope: Mapping[str, CType] = NO_LOCALS) -> CType:
        """The type with typedefs and ``typeof`` followed."""
        return self.resolve_in(type, Scope(scope))

    def resolve_in(self, type: TypeExpr, scope: Scope) -> CType:
        """:meth:`resolve` for the evaluator, whose scope also knows values."""
        match type:
            case syntax.BasicType(name):
                if name not in BASIC_TYPES:
                    raise _error("VG300", f"the type '{name}' is not supported")
                return BASIC_TYPES[name]
            case syntax.NamedType(name):
                return self._typedef(name)
            case syntax.RecordType(kind, tag):
                record = Record(kind, tag)
                if tag.startswith("<") and scope.types:
                    # Written inside a function: its widths may speak of locals.
                    self._scopes.setdefault(record, scope)
                return record
            case syntax.EnumType(tag):
                return self.enum(tag)
            case syntax.PointerType(target):
                return Pointer(self.resolve_in(target, scope))
            case syntax.ArrayType(element, length):
                resolved = self.resolve_in(element, scope)
                return Array(
                    resolved, None if length is None else self._length(length, scope)
                )
            case syntax.FunctionType(result, parameters, variadic):
                return Function(
                    self.resolve_in(result, scope),
                    tuple(
                        decayed(self.resolve_in(parameter.type, scope))
                        for parameter in parameters
                    ),
                    variadic,
                )
            case syntax.TypeOf(operand):
                if isinstance(operand, TypeExpr):
                    return self.resolve_in(operand, scope)
                return self._evaluator.type_of(operand, scope)
            case syntax.AutoType():
                raise _error(
                    "VG300", "'__auto_type' has no initialiser to take its type from"
                )

    def _typedef(self, name: str) -> CType:
        if name in self._typedefs:
            return self._typedefs[name]
        decl = self._unit.typedef(name)
        if decl is None:
            if name == "__builtin_va_list":
                return Array(Record("struct", "__va_list_tag"), 1)
            raise _error(
                "VG301",
                f"unknown type name '{name}'",
                hint="a header that declares it is missing from the preprocessed unit",
            )
        if name in self._busy:
            raise _error(
                "VG301", f"the typedef '{name}' is defined by itself", decl.position
            )
        self._busy.append(name)
        try:
            self._typedefs[name] = self.resolve(decl.type)
        finally:
            self._busy.pop()
        return self._typedefs[name]

    def _length(self, length: Expr, scope: Scope) -> int:
        number = self._evaluator.integer(length, scope)
        if number < 0:
            raise _error(
                "VG306",
                f"the array length is negative ({number}): a build assertion does not hold",
                length.position,
            )
        return number

    def sizeof(self, type: CType) -> int:
        """Size in bytes; ``void`` and functions count 1, as in GNU C."""
        match type:
            case Integer(size=size) | ctype.Float(size=size):
                return size
            case Enum(base=base):
                return base.size
            case Pointer():
                return 8
            case Record():
                return self.record(type).size
            case Array(element, length):
                if length is None:
                    raise _error(
                        "VG302", f"'{type_words(type)}' has no size: its length is open"
                    )
                return length * self.sizeof(element)
            case ctype.Void() | Function():
                return 1

    def alignof(self, type: CType) -> int:
        """Alignment in bytes."""
        match type:
            case Record():
                return self.record(type).align
            case Array(element):
                return self.alignof(element)
            case _:
                return self.sizeof(type)

    def alignof_written(
        self, type: TypeExpr, scope: Mapping[str, CType] = NO_LOCALS
    ) -> int:
        """Alignment of a type as written: ``aligned`` on a typedef counts."""
        match type:
            case syntax.NamedType(name):
                decl = self._unit.typedef(name)
                if decl is None:
                    return self.alignof(self._typedef(name))
                if decl.aligned is not None:
                    return self.constant(decl.aligned)
                return self.alignof_written(decl.type)
            case syntax.ArrayType(element):
                return self.alignof_written(element, scope)
            case syntax.TypeOf(operand) if isinstance(operand, TypeExpr):
                return self.alignof_written(operand, scope)
            case _:
                return self.alignof(self.resolve(type, scope))

    # --- records --------------------------------------------------------------------

    def record(self, record: Record) -> RecordLayout:
        """Size, alignment and members of a struct or union."""
        if record in self._records:
            return self._records[record]
        decl = self._unit.record(record.kind, record.tag)
        if decl is None:
            raise _error(
                "VG302",
                f"'{type_words(record)}' is declared but its members are not known",
                hint="the header that defines it is missing or replaced by a stub",
            )
        if record in self._busy:
            raise _error(
                "VG302", f"'{type_words(record)}' contains itself", decl.position
            )
        self._busy.append(record)
        try:
            layout = self._lay_out(decl)
        finally:
            self._busy.pop()
        self._records[record] = layout
        return layout

    def _lay_out(self, decl: RecordDecl) -> RecordLayout:
        scope = self._scopes.get(Record(decl.kind, decl.tag), Scope({}))
        types = [self._at(member, decl, scope) for member in decl.members]
        widths = [self._width(member, scope) for member in decl.members]
        requests = []
        for member, type, bits in zip(decl.members, types, widths, strict=True):
            flexible = isinstance(type, Array) and type.length is None
            aligned = 0 if member.aligned is None else self.constant(member.aligned)
            requests.append(
                Request(
                    size=0 if flexible else self.sizeof(type),
                    align=self.alignof_written(member.type, scope.types),
                    bits=bits,
                    named=bool(member.name),
                    aligned=aligned,
                    packed=member.packed or decl.packed,
                )
            )
        own = 0 if decl.aligned is None else self.constant(decl.aligned)
        allocation = allocate(decl.kind == "union", requests, own)
        members = []
        for member, type, bits, position in zip(
            decl.members, types, widths, allocation.positions, strict=True
        ):
            if bits is not None and not member.name:
                continue
            members.append(
                MemberLayout(
                    member.name,
                    type,
                    member.type,
                    position // 8,
                    None if bits is None else position % 8,
                    bits,
                    member,
                )
            )
        return RecordLayout(allocation.size, allocation.align, tuple(members))

    def _at(self, member: MemberDecl, decl: RecordDecl, scope: Scope) -> CType:
        """The member's type; an error about it says where the member stands."""
        try:
            type = self.resolve_in(member.type, scope)
            if not (isinstance(type, Array) and type.length is None):
                self.sizeof(type)
        except VmgenError as error:
            raise placed(
                error,
                member.position,
                type_words(Record(decl.kind, decl.tag)),
                member.name,
            ) from None
        return type

    def _width(self, member: MemberDecl, scope: Scope) -> int | None:
        if member.bits is None:
            return None
        bits = self._evaluator.integer(member.bits, scope)
        if bits < 0:
            raise _error(
                "VG306",
                "a bitfield has a negative width: a build assertion does not hold",
                member.position,
                "the condition of a QEMU_BUILD_BUG_ON here is true for this configuration",
            )
        return bits

    def member(self, record: Record, name: str) -> MemberLayout | None:
        """The member ``name``, anonymous records looked through, None if there is none.

        Its offset is from the start of ``record``.
        """
        found = self._lookups.get(record)
        if found is None:
            found = self._lookups[record] = dict(self._flat(record))
        return found.get(name)

    def _flat(self, record: Record) -> list[tuple[str, MemberLayout]]:
        flat = []
        for member in self.record(record).members:
            if member.name:
                flat.append((member.name, member))
            elif isinstance(member.type, Record):
                for name, inner in self._flat(member.type):
                    moved = MemberLayout(
                        inner.name,
                        inner.type,
                        inner.written,
                        member.offset + inner.offset,
                        inner.bit_offset,
                        inner.bits,
                        inner.decl,
                    )
                    flat.append((name, moved))
        return flat

    def place(
        self,
        type: CType,
        designator: tuple[str | Expr, ...],
        scope: Mapping[str, CType] = NO_LOCALS,
    ) -> Place:
        """Where ``designator`` (member names and constant subscripts) leads to."""
        return self.place_in(type, designator, Scope(scope))

    def place_in(
        self, type: CType, designator: tuple[str | Expr, ...], scope: Scope
    ) -> Place:
        """:meth:`place` for the evaluator, whose scope also knows values."""
        offset = 0
        steps: list[tuple[MemberLayout, list[int]]] = []
        for part in designator:
            if isinstance(part, str):
                if not isinstance(type, Record):
                    raise _error(
                        "VG303", f"'{type_words(type)}' has no member '{part}'"
                    )
                member = self.member(type, part)
                if member is None:
                    raise self.no_member(type, part)
                steps.append((member, []))
                offset += member.offset
                type = member.type
            else:
                if not isinstance(type, Array):
                    raise _error(
                        "VG303", f"'{type_words(type)}' is no array", part.position
                    )
                index = self._evaluator.integer(part, scope)
                if steps:
                    steps[-1][1].append(index)
                type = type.element
                offset += index * self.sizeof(type)
        return Place(
            offset, type, tuple(self._step(member, index) for member, index in steps)
        )

    def no_member(
        self, record: Record, name: str, position: Position = NOWHERE
    ) -> VmgenError:
        """The error for a member that does not exist, with the nearest name that does."""
        near = get_close_matches(name, [known for known, _ in self._flat(record)], 1)
        return _error(
            "VG303",
            f"'{type_words(record)}' has no member '{name}'",
            position,
            f"did you mean '{near[0]}'?" if near else "",
        )

    def _step(self, member: MemberLayout, index: list[int]) -> PlaceStep:
        dims = []
        type = member.type
        while isinstance(type, Array):
            dims.append(type.length or 0)
            type = type.element
        left: CType = member.type
        for _ in index:
            left = left.element if isinstance(left, Array) else left
        return PlaceStep(
            member.name,
            member.written,
            tuple(dims),
            tuple(index),
            isinstance(left, Pointer),
        )

    # --- enums ----------------------------------------------------------------------

    def enum(self, tag: str) -> Enum:
        """The enum with the integer type GCC gives it."""
        if tag in self._enums:
            return self._enums[tag]
        decl = self._unit.enum(tag)
        if decl is None:
            return Enum(tag, UNSIGNED_INT)
        values = self._enumerate(decl)
        low, high = min(values, default=0), max(values, default=0)
        for name in (*_PACKED_BASES, *_BASES) if decl.packed else _BASES:
            base = integer_of(BASIC_TYPES[name])
            if base is not None and limits(base)[0] <= low and high <= limits(base)[1]:
                self._enums[tag] = Enum(tag, base)
                return self._enums[tag]
        raise _error(
            "VG307", f"no integer type holds all of 'enum {tag}'", decl.position
        )

    def _enumerate(self, decl: EnumDecl) -> list[int]:
        values = []
        following = 0
        for enumerator in decl.enumerators:
            if enumerator.value is not None:
                following = self.constant(enumerator.value)
            self._enumerators[enumerator.name] = following
            self._enum_of[enumerator.name] = decl.tag
            values.append(following)
            following += 1
        return values

    def enumerator(self, name: str) -> tuple[int, str] | None:
        """Value of an enum's constant and the tag of its enum, None if it is none."""
        if name not in self._enumerators:
            decl = self._unit.enumerator(name)
            if decl is None:
                return None
            self._enumerate(decl)
            if name not in self._enumerators:
                return None
        return self._enumerators[name], self._enum_of[name]

    # --- expressions ----------------------------------------------------------------

    def type_of(self, expr: Expr, scope: Mapping[str, CType] = NO_LOCALS) -> CType:
        """The type of an expression, arrays and functions not decayed."""
        return self._evaluator.type_of(expr, Scope(scope))

    def constant(self, expr: Expr, scope: Mapping[str, CType] = NO_LOCALS) -> int:
        """The value of an integer constant expression, as GCC folds it."""
        return self._evaluator.integer(expr, Scope(scope))

    # --- names and identity ---------------------------------------------------------

    def spelling(self, type: TypeExpr) -> str:
        """The type as written without arrays and pointers: ``CPURISCVState``,
        ``struct foo``, empty for an anonymous record.

        Typedefs of arrays and of pointers to data are followed, so that what is left
        is always the element.
        """
        match type:
            case syntax.NamedType(name):
                resolved = self._typedef(name)
                decl = self._unit.typedef(name)
                if decl is None or isinstance(resolved, Function):
                    return name
                if isinstance(resolved, Pointer) and isinstance(
                    resolved.target, Function
                ):
                    return name
                if isinstance(resolved, Array | Pointer):
                    return self.spelling(decl.type)
                return name
            case syntax.BasicType(name):
                return name
            case syntax.RecordType(kind, tag):
                return "" if tag.startswith("<") else f"{kind} {tag}"
            case syntax.EnumType(tag):
                return "" if tag.startswith("<") else f"enum {tag}"
            case syntax.PointerType(inner) | syntax.ArrayType(inner):
                return self.spelling(inner)
            case syntax.TypeOf(operand) if isinstance(operand, TypeExpr):
                return self.spelling(operand)
            case _:
                resolved = self.resolve(type)
                while isinstance(resolved, Array | Pointer):
                    resolved = (
                        resolved.element
                        if isinstance(resolved, Array)
                        else resolved.target
                    )
                if isinstance(resolved, Record | Enum) and resolved.tag.startswith("<"):
                    return ""
                return type_words(resolved)

    def same_type(self, a: CType, b: CType) -> bool:
        """C's compatible types, qualifiers ignored: an enum is compatible with its
        integer type, an array of open length with any length."""
        if a == b:
            return True
        match a, b:
            case Enum(), Enum():
                return False
            case (Enum(base=base), Integer() as other) | (
                Integer() as other,
                Enum(base=base),
            ):
                return base == other
            case Pointer(left), Pointer(right):
                return self.same_type(left, right)
            case Array(left, length), Array(right, other_length):
                open_length = length is None or other_length is None
                return (open_length or length == other_length) and self.same_type(
                    left, right
                )
            case Function(left, ours, variadic), Function(
                right, theirs, other_variadic
            ):
                return (
                    variadic == other_variadic
                    and len(ours) == len(theirs)
                    and self.same_type(left, right)
                    and all(map(self.same_type, ours, theirs))
                )
            case _:
                return False
