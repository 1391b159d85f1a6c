"""Types resolved and laid out for x86-64 SysV, the way GCC does it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from typing import assert_never

from vmgen.cfront import ctype, syntax
from vmgen.cfront.arithmetic import (
    BASIC_TYPES,
    INT,
    UNSIGNED_INT,
    decayed,
    integer_of,
    limits,
    wrap,
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
from vmgen.cfront.layout import identity, initialize, objects, records
from vmgen.cfront.layout.evaluate import fold
from vmgen.cfront.layout.expression_types import record_of, selected, type_of
from vmgen.cfront.layout.initialize import Filled, FilledArray, FilledRecord
from vmgen.cfront.layout.model import (
    FILE_SCOPE,
    STATIC_INITIALIZER,
    Base,
    Constant,
    Declarations,
    DefinitionKind,
    MemberLayout,
    Place,
    RecordLayout,
    Scope,
    added,
    error,
)
from vmgen.cfront.layout.operations import base_words, not_constant
from vmgen.cfront.nesting import has_stack
from vmgen.cfront.printer import type_words
from vmgen.cfront.syntax import (
    EnumDecl,
    Expr,
    InitList,
    ObjectDecl,
    TypeExpr,
)
from vmgen.source import NOWHERE, Position, VmgenError

#: What GCC tries, in order, for an enum (packed ones start with the smallest).
_PACKED_BASES = ("unsigned char", "signed char", "unsigned short", "short")
_BASES = ("unsigned int", "int", "unsigned long", "long")


#: The code and the words for what is defined by itself.
_CIRCLES: dict[DefinitionKind, tuple[str, str]] = {
    "typedef": ("VG301", "the typedef '{}' is defined by {}"),
    "struct": ("VG302", "'struct {}' contains {}"),
    "union": ("VG302", "'union {}' contains {}"),
    "enum": ("VG307", "the values of 'enum {}' are defined by {}"),
    "object": ("VG304", "the type of '{}' is defined by {}"),
    "initialiser": ("VG304", "the length of '{}' is defined by {}"),
    "value": ("VG304", "the value of '{}' is defined by {}"),
}


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
        self._enumerators: dict[str, tuple[int, EnumDecl]] = {}
        self._busy: list[tuple[DefinitionKind, str]] = []

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
            case _:
                assert_never(type)

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
        with self.defining("typedef", name, decl.position):
            self._typedefs[name] = self.resolve(decl.type)
        return self._typedefs[name]

    @contextmanager
    def defining(
        self, kind: DefinitionKind, name: str, where: Position
    ) -> Iterator[None]:
        """Work out what a name is defined as, which nothing in its definition may need.

        Raises :class:`VmgenError` for one that is being worked out already, and for one
        more than can be.
        """
        known = kind, name
        if known in self._busy or not has_stack():
            what = "itself" if known in self._busy else "too many others"
            code, said = _CIRCLES[kind]
            raise error(code, said.format(name, what), where)
        self._busy.append(known)
        try:
            yield
        finally:
            self._busy.pop()

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
            case _:
                assert_never(type)

    def alignof(self, type: CType) -> int:
        """Alignment in bytes."""
        match type:
            case Record():
                return self.record(type).align
            case Array(element):
                return self.alignof(element)
            case ctype.Float(size=size, align=align):
                return align or size
            case Integer() | Enum() | Pointer() | ctype.Void() | FunctionSignature():
                return self.sizeof(type)
            case _:
                assert_never(type)

    def alignof_written(
        self, written: TypeExpr | Expr, scope: Scope = FILE_SCOPE
    ) -> int:
        """Alignment of a type as written, where ``aligned`` on a typedef counts, or of
        an expression, where that of the member it names counts."""
        if isinstance(written, TypeExpr):
            return self._alignof_type(written, scope)
        if isinstance(written, syntax.Member):
            record = record_of(
                self, written.object, written.arrow, scope, written.position
            )
            member = self.member(record, written.name)
            if member is None:
                raise self.no_member(record, written.name, written.position)
            return member.align or self.alignof_written(member.written, scope)
        return self.alignof(self.type_of(written, scope))

    def _alignof_type(self, written: TypeExpr, scope: Scope) -> int:
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
            case (
                syntax.BasicType()
                | syntax.RecordType()
                | syntax.EnumType()
                | syntax.PointerType()
                | syntax.FunctionType()
                | syntax.AutoType()
                | syntax.UnreadableType()
            ):
                return self.alignof(self.resolve(written, scope))
            case _:
                assert_never(written)

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
        with self.defining(record.kind, record.tag, decl.position):
            scope = self._scopes.get(record, FILE_SCOPE)
            self._records[record] = records.lay_out(self, decl, scope)
        return self._records[record]

    def member(self, record: Record, name: str) -> MemberLayout | None:
        """The member ``name``, anonymous records looked through, None if there is none.

        Its offset is from the start of ``record``.
        """
        return self.members(record).get(name)

    def members(self, record: Record) -> Mapping[str, MemberLayout]:
        """The named members, those of anonymous records too, in order."""
        found = self._lookups.get(record)
        if found is None:
            found = self._lookups[record] = {}
            for member in self.record(record).members:
                if member.name:
                    found[member.name] = member
                elif isinstance(member.resolved, Record):
                    for name, inner in self.members(member.resolved).items():
                        start = added(member.start, inner.start)
                        found[name] = replace(inner, start=start)
        return found

    def member_at(self, record: Record, offset: int) -> MemberLayout | None:
        """The first named member, no bitfield, that has the byte at ``offset``."""
        for member in self.members(record).values():
            inside = offset - member.offset
            if member.bits is None and 0 <= inside < self.sizeof(member.type):
                return member
        return None

    def place(
        self,
        type: CType,
        designator: tuple[str | Expr, ...],
        scope: Scope = FILE_SCOPE,
    ) -> Place:
        """Where ``designator`` (member names and constant subscripts) leads to."""
        return records.place(self, type, designator, scope)

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

    # --- enums ----------------------------------------------------------------------

    def enum(self, tag: str) -> Enum:
        """The enum with the integer type GCC gives it."""
        if tag in self._enums:
            return self._enums[tag]
        decl = self._unit.enum(tag)
        if decl is None:
            return Enum(tag, UNSIGNED_INT)
        values = self._enumerate(decl)
        base: Integer | None
        if decl.base is not None:
            base = integer_of(self.resolve(decl.base))
            if base is None:
                raise error(
                    "VG307", f"the type of 'enum {tag}' is no integer", decl.position
                )
        else:
            names = (*_PACKED_BASES, *_BASES) if decl.packed else _BASES
            base = _holder(values, names)
            if base is None:
                raise error(
                    "VG307", f"no integer type holds all of 'enum {tag}'", decl.position
                )
        self._enums[tag] = Enum(tag, base)
        return self._enums[tag]

    def _enumerate(self, decl: EnumDecl) -> list[int]:
        with self.defining("enum", decl.tag, decl.position):
            return self._enumerators_of(decl)

    def _enumerators_of(self, decl: EnumDecl) -> list[int]:
        values = []
        following = 0
        for enumerator in decl.enumerators:
            if enumerator.value is not None:
                following = self.constant(enumerator.value)
            self._enumerators[enumerator.name] = following, decl
            values.append(following)
            following += 1
        return values

    def enumerator(self, name: str) -> Constant | None:
        """An enum's constant, None if it is none."""
        if name not in self._enumerators:
            found = self._unit.enumerator(name)
            if found is not None:
                self._enumerate(found)
            if name not in self._enumerators:
                return None
        number, decl = self._enumerators[name]
        # C says int; GNU C gives what does not fit the enum's own type, which its other
        # constants cannot know yet.
        if decl.base is None and wrap(number, INT) == number:
            return Constant(INT, number)
        if decl.tag not in self._enums and ("enum", decl.tag) in self._busy:
            return Constant(_holder([number], ("int", *_BASES)) or INT, number)
        return Constant(self.enum(decl.tag), number)

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

    def type_of_object(self, declared: ObjectDecl) -> CType:
        """The type of an object; in its own initialiser an open length is still open."""
        name, where = declared.name, declared.position
        with self.defining("object", name, where):
            type = self.resolve(declared.type)
        if ("initialiser", name) in self._busy:
            return type
        with self.defining("initialiser", name, where):
            return self.sized(type, declared.initializer, STATIC_INITIALIZER)

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
        return identity.spelling(self, type)

    def same_type(self, a: CType, b: CType) -> bool:
        """C's compatible types, qualifiers ignored: an enum is compatible with its
        integer type, an array of open length with any length."""
        return identity.same_type(a, b)


def _holder(values: list[int], names: Iterable[str]) -> Integer | None:
    """The first of these integer types that holds all of the values."""
    for name in names:
        base = integer_of(BASIC_TYPES[name])
        if base is not None:
            low, high = limits(base)
            if all(low <= one <= high for one in values):
                return base
    return None
