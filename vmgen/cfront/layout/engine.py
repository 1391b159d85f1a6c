"""Types resolved and laid out for x86-64 SysV, the way GCC does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches

from vmgen.cfront import ctype, syntax
from vmgen.cfront.arithmetic import (
    BASIC_TYPES,
    UNSIGNED_INT,
    decayed,
    integer_of,
    limits,
)
from vmgen.cfront.ctype import (
    Array,
    CType,
    Enum,
    FunctionSignature,
    Integer,
    Pointer,
    Record,
)
from vmgen.cfront.layout import initialize, objects
from vmgen.cfront.layout.allocation import MemberRequest, alignment, allocate
from vmgen.cfront.layout.evaluate import base_words, fold, not_constant, placed
from vmgen.cfront.layout.expression_types import record_of, selected, type_of
from vmgen.cfront.layout.initialize import Filled, FilledArray, FilledRecord
from vmgen.cfront.layout.model import (
    FILE_SCOPE,
    STATIC_INITIALIZER,
    Base,
    Constant,
    Declarations,
    MemberLayout,
    Place,
    PlaceStep,
    RecordLayout,
    Scope,
    added,
    error,
)
from vmgen.cfront.syntax import (
    EnumDecl,
    Expr,
    InitList,
    MemberDecl,
    ObjectDecl,
    RecordDecl,
    TypeExpr,
)
from vmgen.cfront.words import type_words
from vmgen.source import NOWHERE, Position, VmgenError

#: What GCC tries, in order, for an enum (packed ones start with the smallest).
_PACKED_BASES = ("unsigned char", "signed char", "unsigned short", "short")
_BASES = ("unsigned int", "int", "unsigned long", "long")


def _only_here(failure: VmgenError) -> VmgenError:
    """The error of a member, which costs only what needs it; a build assertion that does
    not hold says that the whole reading is wrong, and is raised."""
    if any(diagnostic.code == "VG306" for diagnostic in failure.diagnostics):
        raise failure
    return failure


class Layout:
    """Answers about the types and constants of one unit.

    ``scope`` arguments are the local variables in sight.  Everything
    raises :class:`VmgenError` with a VG3xx diagnostic for what C would refuse.
    """

    def __init__(self, unit: Declarations) -> None:
        self._unit = unit
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

    def resolve(self, type: TypeExpr, scope: Scope = FILE_SCOPE) -> CType:
        """The type with typedefs and ``typeof`` followed."""
        match type:
            case syntax.BasicType(name):
                if name not in BASIC_TYPES:
                    raise error("VG300", f"the type '{name}' is not supported")
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
                return Pointer(self.resolve(target, scope))
            case syntax.ArrayType(element, length):
                resolved = self.resolve(element, scope)
                return Array(
                    resolved, None if length is None else self._length(length, scope)
                )
            case syntax.FunctionType(result, parameters, variadic):
                return FunctionSignature(
                    self.resolve(result, scope),
                    tuple(
                        decayed(self.resolve(parameter.type, scope))
                        for parameter in parameters
                    ),
                    variadic,
                )
            case syntax.TypeOf(operand):
                if isinstance(operand, TypeExpr):
                    return self.resolve(operand, scope)
                return self.type_of(operand, scope)
            case syntax.AutoType():
                raise error(
                    "VG300", "'__auto_type' has no initialiser to take its type from"
                )
            case syntax.AtomicType(value):
                return self.resolve(value, scope)
            case syntax.UnreadableType(message):
                raise error("VG202", message)

    def _typedef(self, name: str) -> CType:
        if name in self._typedefs:
            return self._typedefs[name]
        decl = self._unit.typedef(name)
        if decl is None:
            if name == "__builtin_va_list":
                return Array(Record("struct", "__va_list_tag"), 1)
            raise error(
                "VG301",
                f"unknown type name '{name}'",
                hint="a header that declares it is missing from the preprocessed unit",
            )
        if name in self._busy:
            raise error(
                "VG301", f"the typedef '{name}' is defined by itself", decl.position
            )
        self._busy.append(name)
        try:
            self._typedefs[name] = self.resolve(decl.type)
        finally:
            self._busy.pop()
        return self._typedefs[name]

    def _length(self, length: Expr, scope: Scope) -> int:
        number = self.constant(length, scope)
        if number < 0:
            raise error(
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
                    raise error(
                        "VG302", f"'{type_words(type)}' has no size: its length is open"
                    )
                return length * self.sizeof(element)
            case ctype.Void() | FunctionSignature():
                return 1

    def alignof(self, type: CType) -> int:
        """Alignment in bytes."""
        match type:
            case Record():
                return self.record(type).align
            case Array(element):
                return self.alignof(element)
            case ctype.Float(size=size, align=align):
                return align or size
            case _:
                return self.sizeof(type)

    def alignof_written(
        self, written: TypeExpr | Expr, scope: Scope = FILE_SCOPE
    ) -> int:
        """Alignment of a type as written, where ``aligned`` on a typedef counts, or of
        an expression, where that of the member it names counts."""
        match written:
            case syntax.NamedType(name):
                decl = self._unit.typedef(name)
                if decl is None:
                    return self.alignof(self._typedef(name))
                if decl.aligned is not None:
                    return self.constant(decl.aligned)
                return self.alignof_written(decl.type)
            case syntax.ArrayType(element):
                return self.alignof_written(element, scope)
            case syntax.TypeOf(operand):
                return self.alignof_written(operand, scope)
            case syntax.AtomicType(value):
                align = self.alignof_written(value, scope)
                size = self.sizeof(self.resolve(value, scope))
                return max(align, size) if size in (1, 2, 4, 8, 16) else align
            case syntax.Member(object, name, arrow, position):
                record = record_of(self, object, arrow, scope, position)
                member = self.member(record, name)
                if member is None:
                    raise self.no_member(record, name, position)
                return member.align or self.alignof_written(member.written, scope)
            case _ if isinstance(written, TypeExpr):
                return self.alignof(self.resolve(written, scope))
            case _:
                return self.alignof(self.type_of(written, scope))

    # --- records --------------------------------------------------------------------

    def record(self, record: Record) -> RecordLayout:
        """Size, alignment and members of a struct or union."""
        if record in self._records:
            return self._records[record]
        decl = self._unit.record(record.kind, record.tag)
        if decl is None:
            raise error(
                "VG302",
                f"'{type_words(record)}' is declared but its members are not known",
                hint="the header that defines it is missing or replaced by a stub",
            )
        if record in self._busy:
            raise error(
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
        scope = self._scopes.get(Record(decl.kind, decl.tag), FILE_SCOPE)
        types: list[CType | VmgenError] = []
        requests: list[MemberRequest] = []
        failure: VmgenError | None = None
        for member in decl.members:
            context = (type_words(Record(decl.kind, decl.tag)), member.name)
            type: CType | VmgenError
            try:
                type = self.resolve(member.type, scope)
            except VmgenError as error:
                type = _only_here(placed(error, member.position, *context))
                failure = failure or type
            types.append(type)
            if failure is not None or isinstance(type, VmgenError):
                continue
            try:
                requests.append(self._request(decl, member, type, scope))
            except VmgenError as error:
                failure = _only_here(placed(error, member.position, *context))
        is_union = decl.kind == "union"
        own = 0 if decl.aligned is None else self.constant(decl.aligned)
        allocation = allocate(is_union, requests, own)
        members: list[MemberLayout] = []
        for index, (member, type) in enumerate(zip(decl.members, types, strict=True)):
            start: int | VmgenError = 0
            request = requests[index] if index < len(requests) else None
            if request is not None:
                start = allocation.positions[index]
            elif failure is not None and not is_union:
                start = failure
            bits = self._width(member, scope)
            if bits is not None and not member.name:
                continue
            members.append(
                MemberLayout(
                    member.name,
                    member.type,
                    type,
                    start if isinstance(start, VmgenError) else start // 8,
                    (
                        None
                        if bits is None or isinstance(start, VmgenError)
                        else start % 8
                    ),
                    bits,
                    0 if request is None else alignment(request) // 8,
                    member,
                )
            )
        extent = failure or (allocation.size, allocation.align)
        return RecordLayout(extent, tuple(members))

    def _request(
        self, decl: RecordDecl, member: MemberDecl, type: CType, scope: Scope
    ) -> MemberRequest:
        """What the member asks of the layout; an array of open length has no size."""
        flexible = isinstance(type, Array) and type.length is None
        return MemberRequest(
            size=0 if flexible else self.sizeof(type),
            align=self.alignof_written(member.type, scope),
            bits=self._width(member, scope),
            named=bool(member.name),
            aligned=0 if member.aligned is None else self.constant(member.aligned),
            packed=member.packed or decl.packed,
            limit=decl.limit,
        )

    def _width(self, member: MemberDecl, scope: Scope) -> int | None:
        if member.bits is None:
            return None
        bits = self.constant(member.bits, scope)
        if bits < 0:
            raise error(
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
        return self.members(record).get(name)

    def members(self, record: Record) -> Mapping[str, MemberLayout]:
        """The named members, those of anonymous records too, in order."""
        found = self._lookups.get(record)
        if found is None:
            found = self._lookups[record] = dict(self._flat(record))
        return found

    def member_at(self, record: Record, offset: int) -> MemberLayout | None:
        """The first named member, no bitfield, that has the byte at ``offset``."""
        for member in self.members(record).values():
            inside = offset - member.offset
            if member.bits is None and 0 <= inside < self.sizeof(member.type):
                return member
        return None

    def _flat(self, record: Record) -> Iterator[tuple[str, MemberLayout]]:
        for member in self.record(record).members:
            if member.name:
                yield member.name, member
            elif isinstance(member.resolved, Record):
                for name, inner in self.members(member.resolved).items():
                    yield name, replace(inner, start=added(member.start, inner.start))

    def place(
        self,
        type: CType,
        designator: tuple[str | Expr, ...],
        scope: Scope = FILE_SCOPE,
    ) -> Place:
        """Where ``designator`` (member names and constant subscripts) leads to."""
        start: int | VmgenError = 0
        steps: list[tuple[MemberLayout, list[int]]] = []
        for part in designator:
            further: int | VmgenError
            if isinstance(part, str):
                if not isinstance(type, Record):
                    raise error("VG303", f"'{type_words(type)}' has no member '{part}'")
                member = self.member(type, part)
                if member is None:
                    raise self.no_member(type, part)
                steps.append((member, []))
                further = member.start
                type = member.type
            else:
                if not isinstance(type, Array):
                    raise error(
                        "VG303", f"'{type_words(type)}' is no array", part.position
                    )
                index = self.constant(part, scope)
                if steps:
                    steps[-1][1].append(index)
                type = type.element
                further = index * self.sizeof(type)
            start = added(start, further)
        return Place(
            start, type, tuple(self._step(member, index) for member, index in steps)
        )

    def no_member(
        self, record: Record, name: str, position: Position = NOWHERE
    ) -> VmgenError:
        """The error for a member that does not exist, with the nearest name that does."""
        near = get_close_matches(name, self.members(record), 1)
        return error(
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
        if decl.base is not None:
            written = integer_of(self.resolve(decl.base))
            if written is None:
                raise error(
                    "VG307", f"the type of 'enum {tag}' is no integer", decl.position
                )
            self._enums[tag] = Enum(tag, written)
            return self._enums[tag]
        low, high = min(values, default=0), max(values, default=0)
        for name in (*_PACKED_BASES, *_BASES) if decl.packed else _BASES:
            base = integer_of(BASIC_TYPES[name])
            if base is not None and limits(base)[0] <= low and high <= limits(base)[1]:
                self._enums[tag] = Enum(tag, base)
                return self._enums[tag]
        raise error(
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

    def type_of(self, expr: Expr, scope: Scope = FILE_SCOPE) -> CType:
        """The type of an expression, arrays and functions not decayed."""
        return type_of(self, expr, scope)

    def selected(self, expr: syntax.Generic, scope: Scope = FILE_SCOPE) -> Expr:
        """The expression that ``_Generic`` chooses."""
        return selected(self, expr, scope)

    def value(self, expr: Expr, scope: Scope = FILE_SCOPE) -> Constant:
        """The value of a constant expression, as GCC folds it; arrays and functions
        decay to their address."""
        return fold(self, expr, scope)

    def constant(self, expr: Expr, scope: Scope = FILE_SCOPE) -> int:
        """The value of an integer constant expression."""
        value = self.value(expr, scope)
        if value.base is not None:
            what = f"the address of {base_words(value.base)}"
            raise not_constant(what, expr.position)
        if not isinstance(value.number, int):
            raise error(
                "VG304", "a floating value where an integer is needed", expr.position
            )
        return value.number

    # --- objects ----------------------------------------------------------------------

    def sized(self, type: CType, init: Expr | InitList | None, scope: Scope) -> CType:
        """An array of open length with the length its initialiser gives it."""
        return initialize.sized(self, type, init, scope)

    def filled(self, declared: ObjectDecl) -> Filled | None:
        """What the initialiser of a static object sets; None for nothing."""
        return objects.object_value(self, declared)[1]

    def fill(self, type: TypeExpr, init: InitList) -> Filled | None:
        """What an initialiser in braces sets a variable of a function to."""
        resolved = self.sized(self.resolve(type), init, FILE_SCOPE)
        return initialize.fill(self, resolved, init, FILE_SCOPE)

    def read(
        self, base: Base, offset: int, type: CType, position: Position
    ) -> Expr | None:
        """The scalar of ``type`` that an initialiser puts ``offset`` bytes into
        ``base``; None for zero."""
        value = objects.part_at(self, base, offset, type, position).value
        if isinstance(value, FilledRecord | FilledArray):
            raise not_constant("the value of an aggregate", position)
        return value

    def base(self, expr: Expr) -> Base | None:
        """What a pointer in a static initialiser points into; None for NULL."""
        return self.value(expr, STATIC_INITIALIZER).base

    def pointed(self, expr: Expr) -> objects.Pointee | None:
        """What a pointer in a static initialiser points to; None for NULL."""
        value = self.value(expr, STATIC_INITIALIZER)
        return objects.pointed(self, value, expr.position)

    def symbol(self, expr: Expr) -> str:
        """The object, the element of a table (``table[2]``) or the function that a
        pointer in a static initialiser points to; empty for NULL."""
        value = self.value(expr, STATIC_INITIALIZER)
        return objects.symbol(self, value, expr.position)

    def text(self, expr: Expr) -> str | None:
        """The string that a pointer in a static initialiser points to, one character a
        byte (latin-1); None for NULL."""
        value = self.value(expr, STATIC_INITIALIZER)
        return objects.text(self, value, expr.position)

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
                if decl is None or isinstance(resolved, FunctionSignature):
                    return name
                if isinstance(resolved, Pointer) and isinstance(
                    resolved.target, FunctionSignature
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
            case syntax.AtomicType(value):
                return self.spelling(value)
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
            case FunctionSignature(left, ours, variadic), FunctionSignature(
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
