"""Random tables and random states for them, as hypothesis strategies.

A schema is a whole :class:`vmgen.ir.Program` with one root description.  Members whose
name begins with ``num`` are counts or sizes and stay small; those that begin with
``outside`` are migrated by no field, so that only the context knows them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from hypothesis import strategies as st

from tests import reference
from vmgen import ir
from vmgen.lower.names import LOCALS, RESERVED

Operator: TypeAlias = Literal[
    "+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^",
    "==", "!=", "<", "<=", ">", ">=", "&&", "||",
]  # fmt: skip

C_TYPES: dict[ir.IntType, str] = {
    "bool": "bool", "int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t",
    "uint16": "uint16_t", "int32": "int32_t", "uint32": "uint32_t",
    "int64": "int64_t", "uint64": "uint64_t",
}  # fmt: skip
INT_TYPES = tuple(C_TYPES)
ONE = ir.Fixed(1)
UNARY: tuple[Literal["-", "~", "!"], ...] = ("-", "~", "!")
BINARY: tuple[Operator, ...] = (
    "+", "-", "*", "&", "|", "^", "==", "!=", "<", "<=", ">", ">=", "&&", "||",
)  # fmt: skip
SHIFTS: tuple[Operator, ...] = ("<<", ">>", "/", "%")
COMPARED: tuple[Operator, ...] = ("==", ">", "&")
LISTS: tuple[Literal["qtailq", "qlist"], ...] = ("qtailq", "qlist")
COUNT_TYPES: tuple[ir.IntType, ...] = ("uint8", "uint16", "uint32", "int32")

AWKWARD_NAMES = tuple(
    sorted(RESERVED | LOCALS | {"self", "data", "_q_ZMMReg", "__x", "_2nd", "match"})
)
"""Members called like anything that generated code has names for."""


@dataclass(frozen=True)
class Schema:
    """A program and the symbol of its root description.

    ``outside`` are answers the context needs: members and functions.
    """

    program: ir.Program
    root: str
    outside: dict[str, int] = field(default_factory=dict)
    functions: dict[str, int] = field(default_factory=dict)

    @property
    def description(self) -> ir.Description:
        return reference.find_description(self.program, self.root)

    @property
    def answers(self) -> reference.Answers:
        return reference.Answers(self.outside, self.functions)

    def versions(self) -> range:
        return range(
            self.description.minimum_version_id, self.description.version_id + 1
        )


# --- schemas ------------------------------------------------------------------------


@dataclass
class Object:
    """A C type under construction: what its descriptions have loaded so far.

    ``integers`` may be read by tests (path text, type), ``arrays`` too, by subscript
    (path text, type, start, stop).
    """

    type: str
    names: int = 0
    integers: list[tuple[str, ir.IntType]] = field(default_factory=list)
    arrays: list[tuple[str, ir.IntType, int, int]] = field(default_factory=list)


class Builder:
    """Draws one program, description by description."""

    def __init__(self, draw: st.DrawFn, size: int) -> None:
        self.draw = draw
        self.size = size
        self.descriptions: list[ir.Description] = []
        self.functions: list[ir.Function] = []
        self.asked: dict[str, int] = {}
        self.outside: dict[str, int] = {}
        self.counter = 0

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def maybe(self, one_in: int = 2) -> bool:
        return self.number(1, one_in) == one_in

    def fresh(self, stem: str) -> str:
        # Of one length, so that no subsection's name begins with a sibling's: QEMU looks
        # for ``a/bc`` inside ``a/b`` and refuses what it wrote itself.
        self.counter += 1
        return f"{stem}{self.counter:03}"

    # -- members

    def member_name(self, owner: Object) -> str:
        owner.names += 1
        if self.maybe(6):
            return f"{self.draw(st.sampled_from(AWKWARD_NAMES))}"
        return f"f{owner.names}"

    def path(
        self,
        owner: Object,
        taken: set[str],
        type_: str,
        dims: tuple[int, ...] = (),
        index: tuple[int, ...] = (),
        pointer: bool = False,
        name: str = "",
    ) -> ir.Path:
        """A new member of the object, directly or inside one of its records."""
        name = name or self.member_name(owner)
        last = ir.Step(name, type_, dims, index, pointer)
        steps: tuple[ir.Step, ...] = (last,)
        where = self.number(0, 5)
        if where == 0:
            steps = (ir.Step("env", f"{owner.type}Env"), last)
        elif where == 1:
            at = self.number(0, 2)
            steps = (ir.Step("parts", f"{owner.type}Part", (3,), (at,)), last)
        elif where == 2:
            steps = (ir.Step("env", f"{owner.type}Env"), ir.Step("deep", "", ()), last)
        text = ir.path_text(steps)
        bare = ".".join(step.name for step in steps)
        if bare in taken or text in taken:
            return self.path(owner, taken, type_, dims, index, pointer, self.fresh("u"))
        taken.update((bare, text))
        return steps

    # -- expressions

    def expression(self, owner: Object, depth: int = 2) -> ir.Expr:
        choice = self.number(0, 11 if depth else 3)
        if choice == 0:
            return ir.Const(self.number(-2, 300))
        if choice == 1:
            return ir.Version()
        if choice in (2, 3):
            if self.maybe(10):
                name = self.fresh("outside")
                self.outside[f"{owner.type}.{name}"] = self.number(0, 3)
                return ir.Load(name, "uint32")
            if owner.integers:
                path, type_ = self.draw(st.sampled_from(owner.integers))
                return ir.Load(path, type_)
            return ir.Const(self.number(0, 3))
        if choice == 4 and owner.arrays:
            path, type_, start, stop = self.draw(st.sampled_from(owner.arrays))
            body = ir.Binary(
                self.draw(st.sampled_from(COMPARED)),
                ir.Load(f"{path}[$0]", type_, (ir.Var("i"),)),
                ir.Const(self.number(0, 200)),
            )
            return ir.Exists(
                "i", ir.Const(start), ir.Const(stop), self.number(1, 2), body
            )
        if choice == 5:
            unary = self.draw(st.sampled_from(UNARY))
            return ir.Unary(unary, self.expression(owner, depth - 1))
        if choice == 6:
            return ir.Select(*(self.expression(owner, depth - 1) for _ in range(3)))
        if choice == 7:
            type_ = self.draw(st.sampled_from(INT_TYPES))
            return ir.Truncate(type_, self.expression(owner, depth - 1))
        if choice == 8:
            shift = self.draw(st.sampled_from(SHIFTS))
            left = self.expression(owner, depth - 1)
            return ir.Binary(shift, left, ir.Const(self.number(1, 7)))
        if choice == 9 and self.maybe():
            name = self.draw(st.sampled_from(("kvm_enabled", "tcg_enabled")))
            self.asked.setdefault(name, self.number(0, 1))
            return ir.Ask(name)
        operator = self.draw(st.sampled_from(BINARY))
        left, right = (self.expression(owner, depth - 1) for _ in range(2))
        return ir.Binary(operator, left, right)

    def function(self, owner: Object) -> str:
        symbol = self.fresh("needed")
        body: ir.Expr | None = self.expression(owner)
        if self.maybe(8):
            self.asked[symbol] = self.number(0, 1)
            self.functions.append(ir.Function(symbol, untranslated="calls the host"))
        else:
            self.functions.append(ir.Function(symbol, type=owner.type, body=body))
        return symbol

    # -- fields

    def make_field(
        self,
        owner: Object,
        version: int,
        path: ir.Path,
        element: ir.Element,
        size: ir.Amount,
        *,
        name: str = "",
        count: ir.Amount = ONE,
        array: bool = False,
        start: int = 0,
        struct_version: int = 0,
        pointer: bool = False,
        allocated: bool = False,
        field_version: int | None = None,
        conditional: bool = True,
    ) -> ir.Field:
        test = ""
        if field_version is None:
            field_version = (
                self.number(0, version) if conditional and self.maybe(4) else 0
            )
        if conditional and self.maybe(6):
            test = self.function(owner)
        return ir.Field(
            name=name or ir.path_text(path),
            path=path,
            element=element,
            size=size,
            count=count,
            array=array,
            start=start,
            version_id=field_version,
            struct_version_id=struct_version,
            test=test,
            pointer=pointer,
            allocated=allocated,
        )

    def count_member(
        self, owner: Object, taken: set[str], version: int, fields: list[ir.Field]
    ) -> ir.FromMember:
        """A count that an unconditional field before has loaded."""
        type_: ir.IntType = self.draw(st.sampled_from(COUNT_TYPES))
        path = self.path(owner, taken, C_TYPES[type_], name=self.fresh("num"))
        fields.append(
            self.make_field(
                owner,
                version,
                path,
                ir.IntegerElement(type_),
                ir.Fixed(reference.WIDTH[type_]),
                conditional=False,
            )
        )
        return ir.FromMember(path, type_, self.draw(st.sampled_from((1, 1, 1, 2))))

    def integer_field(self, owner: Object, taken: set[str], version: int) -> ir.Field:
        type_: ir.IntType = self.draw(st.sampled_from(INT_TYPES))
        width = ir.Fixed(reference.WIDTH[type_])
        element = ir.IntegerElement(type_)
        shape = self.number(0, 7)
        if shape <= 2:
            path = self.path(owner, taken, C_TYPES[type_])
            made = self.make_field(owner, version, path, element, width)
        elif shape == 3:
            path = self.path(owner, taken, C_TYPES[type_], (4,), (self.number(0, 3),))
            made = self.make_field(owner, version, path, element, width)
        elif shape == 4:
            path = self.path(owner, taken, C_TYPES[type_], pointer=True)
            made = self.make_field(owner, version, path, element, width, pointer=True)
        elif shape == 5:
            dims = (self.number(1, 3), self.number(1, 3))
            path = self.path(owner, taken, C_TYPES[type_], dims)
            made = self.make_field(
                owner, version, path, element, width,
                count=ir.Fixed(dims[0] * dims[1]), array=True,
            )  # fmt: skip
        else:
            length = self.number(1, 9)
            start = self.number(0, length - 1) if self.maybe(3) else 0
            path = self.path(owner, taken, C_TYPES[type_], (length,))
            count = self.number(1, length - start)
            made = self.make_field(
                owner, version, path, element, width,
                count=ir.Fixed(count), array=True, start=start,
            )  # fmt: skip
            if not made.test and not made.version_id:
                owner.arrays.append((ir.path_text(path), type_, start, start + count))
        # Reading a pointer member would ask whether it is NULL, not what it points to.
        plain = not made.array and not made.pointer
        if plain and not made.test and made.version_id == 0:
            owner.integers.append((ir.path_text(made.path), type_))
        return made

    def scattered_fields(
        self, owner: Object, taken: set[str], version: int
    ) -> list[ir.Field]:
        """One member of several elements of an array of records, a field each."""
        type_: ir.IntType = self.draw(st.sampled_from(INT_TYPES))
        name = self.fresh("each")
        taken.add(f"parts.{name}")
        length = self.number(0, 3)
        start = self.number(0, length - 1) if length else 0
        last = ir.Step(name, C_TYPES[type_], (length,) if length else ())
        field_version = self.number(0, version) if self.maybe(4) else 0
        made = []
        for at in sorted(self.draw(st.sets(st.integers(0, 2), min_size=1))):
            part = ir.Step("parts", f"{owner.type}Part", (3,), (at,))
            made.append(
                self.make_field(
                    owner,
                    version,
                    (part, last),
                    ir.IntegerElement(type_),
                    ir.Fixed(reference.WIDTH[type_]),
                    count=ir.Fixed(length - start) if length else ONE,
                    array=bool(length),
                    start=start,
                    conditional=False,
                    field_version=field_version,
                )
            )
        return made

    def special_field(self, owner: Object, taken: set[str], version: int) -> ir.Field:
        """A field of one of the other leaf elements."""
        choice = self.number(0, 7)
        if choice == 0:
            path = self.path(owner, taken, "QEMUTimer", pointer=True)
            return self.make_field(
                owner, version, path, ir.TimerElement(), ir.Fixed(8), pointer=True
            )
        if choice == 1:
            length = self.number(1, 20)
            start = self.number(0, length - 1) if self.maybe(3) else 0
            path = self.path(owner, taken, "uint8_t", (length,))
            size = ir.Fixed(length - start)
            return self.make_field(
                owner, version, path, ir.BufferElement(), size, start=start
            )
        if choice == 2:
            size = ir.Fixed(self.number(1, 9))
            return self.make_field(
                owner, version, (), ir.UnusedElement(), size, name="unused"
            )
        if choice == 3:
            bits = self.number(1, 130)
            path = self.path(owner, taken, "unsigned long", pointer=True)
            return self.make_field(
                owner, version, path, ir.BitmapElement(), ir.Fixed(bits), pointer=True
            )
        if choice == 4:
            width = self.number(1, 4)
            path = self.path(owner, taken, "CPU_DoubleU", (width,))
            element: ir.Element = ir.IntegerElement(
                "uint64", info="vmstate_info_cpudouble"
            )
            return self.make_field(
                owner,
                version,
                path,
                element,
                ir.Fixed(8),
                count=ir.Fixed(width),
                array=True,
            )
        if choice == 5:
            path = self.path(owner, taken, "int32_t")
            element = ir.IntegerElement(
                "int32", check="le", info="vmstate_info_int32_le"
            )
            return self.make_field(owner, version, path, element, ir.Fixed(4))
        return self.words_field(owner, taken, version)

    def words_field(self, owner: Object, taken: set[str], version: int) -> ir.Field:
        types: list[ir.IntType] = self.draw(
            st.lists(st.sampled_from(INT_TYPES), min_size=1, max_size=3)
        )
        info = self.fresh("vmstate_info_custom")
        if len(types) == 1:
            words: tuple[ir.Word, ...] = (
                ir.Word(types[0], self.draw(st.sampled_from(("", "d")))),
            )
        elif self.maybe(3):
            words = tuple(
                ir.Word("uint64", f"u64[{number}]") for number in range(len(types))
            )
        else:
            words = tuple(
                ir.Word(type_, f"w{number}") for number, type_ in enumerate(types)
            )
        element = ir.WordsElement(info, self.fresh("custom"), words)
        shape = self.number(0, 2)
        if shape == 0 and len(words) == 1 and not words[0].member:
            name = self.fresh("whole")
            return self.make_field(owner, version, (), element, ir.Fixed(0), name=name)
        dims = (self.number(1, 3),) if shape == 1 else ()
        path = self.path(owner, taken, f"{info}_t", dims)
        count = ir.Fixed(dims[0] if dims else 1)
        return self.make_field(
            owner, version, path, element, ir.Fixed(16), count=count, array=bool(dims)
        )

    def variable_field(
        self,
        owner: Object,
        taken: set[str],
        version: int,
        fields: list[ir.Field],
        depth: int,
    ) -> ir.Field:
        """A field whose length is on the wire, in a member that came before."""
        choice = self.number(0, 3 if depth else 2)
        if choice == 0:
            if self.maybe(4):
                count = self.outside_count(owner)
            else:
                count = self.count_member(owner, taken, version, fields)
            type_: ir.IntType = self.draw(st.sampled_from(INT_TYPES))
            pointer = self.maybe()
            path = self.path(
                owner, taken, C_TYPES[type_], () if pointer else (300,), (), pointer
            )
            return self.make_field(
                owner, version, path, ir.IntegerElement(type_),
                ir.Fixed(reference.WIDTH[type_]),
                count=count, array=True, pointer=pointer, allocated=pointer and self.maybe(),
            )  # fmt: skip
        if choice == 1:
            size = self.count_member(owner, taken, version, fields)
            path = self.path(owner, taken, "uint8_t", pointer=True)
            return self.make_field(
                owner,
                version,
                path,
                ir.BufferElement(),
                size,
                pointer=True,
                allocated=True,
            )
        if choice == 2:
            bits = self.count_member(owner, taken, version, fields)
            path = self.path(owner, taken, "unsigned long", pointer=True)
            return self.make_field(
                owner, version, path, ir.BitmapElement(), bits, pointer=True
            )
        count = self.count_member(owner, taken, version, fields)
        inner = self.describe(Object(self.fresh("T")), depth - 1)
        path = self.path(owner, taken, inner.type, pointer=True)
        element = ir.StructElement(inner.symbol, inner.type)
        return self.make_field(
            owner,
            version,
            path,
            element,
            ir.Fixed(64),
            count=count,
            array=True,
            pointer=True,
        )

    def nested_field(
        self, owner: Object, taken: set[str], version: int, depth: int
    ) -> ir.Field:
        """A field with descriptions of its own below."""
        inner = self.describe(
            Object(self.fresh("T")), depth - 1, version=self.number(0, version)
        )
        size = ir.Fixed(64)
        choice = self.number(0, 8)
        if choice == 8:
            return self.pointers_field(owner, taken, version, inner)
        if choice <= 1:
            path = self.path(owner, taken, inner.type)
            element: ir.Element = ir.StructElement(inner.symbol, inner.type)
            return self.make_field(owner, version, path, element, size)
        if choice == 2:
            length = self.number(1, 4)
            start = self.number(0, length - 1) if self.maybe(3) else 0
            path = self.path(owner, taken, inner.type, (length,))
            element = ir.StructElement(inner.symbol, inner.type)
            return self.make_field(
                owner, version, path, element, size,
                count=ir.Fixed(length - start), array=True, start=start,
            )  # fmt: skip
        if choice == 3:
            path = self.path(owner, taken, inner.type, pointer=True)
            element = ir.StructElement(inner.symbol, inner.type, vstruct=True)
            wanted = self.number(inner.minimum_version_id, inner.version_id)
            return self.make_field(
                owner, version, path, element, size, pointer=True, struct_version=wanted
            )
        if choice == 4:
            element = ir.TmpElement(inner.symbol, inner.type)
            return self.make_field(
                owner, version, (), element, size,
                name=self.fresh("tmp"), field_version=inner.version_id,
            )  # fmt: skip
        path = self.path(owner, taken, f"{inner.type}Head")
        if choice <= 6:
            kind = self.draw(st.sampled_from(LISTS))
            element = ir.ListElement(kind, inner.symbol, inner.type)
        else:
            key = ""
            if self.maybe():
                found = self.describe(
                    Object(self.fresh("K")), 0, version=inner.version_id
                )
                key = found.symbol
            element = ir.GTreeElement(key, inner.symbol, "", inner.type)
        return self.make_field(
            owner, version, path, element, size, field_version=inner.version_id
        )

    def pointers_field(
        self, owner: Object, taken: set[str], version: int, inner: ir.Description
    ) -> ir.Field:
        """An array of pointers, some of them NULL, which only the context knows."""
        length = self.number(1, 4)
        path = self.path(owner, taken, inner.type, (length,), (), True)
        for number in range(length):
            member = f"{owner.type}.{ir.path_text(path)}[{number}]"
            self.outside[member] = self.number(0, 1)
        made = self.make_field(
            owner,
            version,
            path,
            ir.StructElement(inner.symbol, inner.type),
            ir.Fixed(8),
            count=ir.Fixed(length),
            array=True,
        )
        return replace(made, pointers="null")

    def outside_count(self, owner: Object) -> ir.FromMember:
        """A count that no field migrates."""
        path = (ir.Step(self.fresh("outside"), "uint32_t"),)
        self.outside[f"{owner.type}.{ir.path_text(path)}"] = self.number(0, 3)
        return ir.FromMember(path, "uint32")

    def validation(self, owner: Object) -> ir.Field:
        """A VMSTATE_VALIDATE that mostly holds."""
        symbol = self.fresh("valid")
        body: ir.Expr = ir.Const(1)
        if owner.integers:
            path, type_ = self.draw(st.sampled_from(owner.integers))
            body = ir.Binary("!=", ir.Load(path, type_), ir.Const(self.number(0, 2)))
        self.functions.append(ir.Function(symbol, type=owner.type, body=body))
        return ir.Field(
            name="is valid", path=(), element=ir.NothingElement(), size=ir.Fixed(0),
            count=ir.Fixed(0), array=True, test=symbol, must_exist=True,
        )  # fmt: skip

    # -- descriptions

    def describe(
        self,
        owner: Object,
        depth: int,
        *,
        wire_name: str = "",
        taken: set[str] | None = None,
        version: int | None = None,
    ) -> ir.Description:
        """A new description over the object, with everything it needs."""
        taken = set() if taken is None else taken
        if version is None:
            version = self.number(0, 3)
        minimum = self.number(0, version)
        name = wire_name or self.fresh("n")
        fields: list[ir.Field] = []
        if not wire_name:
            # Without a byte of its own an array element's subsection could be taken for
            # its neighbour's: QEMU's format itself would be ambiguous.
            path = self.path(owner, taken, "uint8_t", name=self.fresh("first"))
            element = ir.IntegerElement("uint8")
            fields.append(
                self.make_field(owner, version, path, element, ONE, conditional=False)
            )
        for _ in range(self.number(0, self.size)):
            choice = self.number(0, 10)
            if choice <= 4:
                fields.append(self.integer_field(owner, taken, version))
            elif choice <= 6:
                fields.append(self.special_field(owner, taken, version))
            elif choice == 7:
                made = self.variable_field(owner, taken, version, fields, depth)
                fields.append(made)
            elif choice == 8 and depth:
                fields.append(self.nested_field(owner, taken, version, depth))
            elif choice == 9:
                fields.append(self.validation(owner))
            elif choice == 10:
                fields += self.scattered_fields(owner, taken, version)
        subsections = []
        if depth and self.maybe():
            for _ in range(self.number(1, 2)):
                last = self.draw(
                    st.sampled_from(("sub", "sub-part", "2nd", "class", "fields"))
                )
                sub = self.describe(
                    owner,
                    depth - 1,
                    wire_name=f"{name}/{self.fresh(last)}",
                    taken=taken,
                )
                subsections.append(sub.symbol)
        needed = self.function(owner) if "/" in name and self.maybe(4) else ""
        made_description = ir.Description(
            symbol=self.fresh("vmstate_d"),
            name=name,
            type=owner.type,
            version_id=version,
            minimum_version_id=minimum,
            fields=tuple(fields),
            subsections=tuple(subsections),
            needed=needed,
        )
        self.descriptions.append(made_description)
        return made_description


@st.composite
def schemas(draw: st.DrawFn, depth: int = 2, size: int = 5) -> Schema:
    """A random program: a root description and whatever it reaches."""
    builder = Builder(draw, size)
    root = builder.describe(Object("Root"), depth)
    modules = [module_of("hw/random.c", builder.descriptions, builder.functions)]
    others = [one for one in builder.descriptions if one is not root]
    if others and builder.maybe(3):
        exported = draw(st.sampled_from(others))
        away = reached(builder.descriptions, exported)
        modules = [
            module_of("hw/other/far-away.c", away, builder.functions, exported),
            module_of(
                "hw/random.c",
                [one for one in builder.descriptions if one not in away],
                builder.functions,
            ),
        ]
    program = ir.Program("10.0.2", "random", tuple(modules))
    return Schema(program, root.symbol, dict(builder.outside), dict(builder.asked))


def mentioned(description: ir.Description) -> set[str]:
    """The symbols of the descriptions that it names."""
    found = set(description.subsections)
    for field_ in description.fields:
        match field_.element:
            case ir.StructElement() | ir.TmpElement() | ir.ListElement() as element:
                found.add(element.description)
            case ir.GTreeElement() as element:
                found |= {element.key, element.value}
    return found


def reached(
    descriptions: list[ir.Description], start: ir.Description
) -> list[ir.Description]:
    """The description and all that it needs, in file order."""
    found = {start.symbol}
    while (
        more := {
            symbol
            for one in descriptions
            if one.symbol in found
            for symbol in mentioned(one) - {""}
        }
        - found
    ):
        found |= more
    return [one for one in descriptions if one.symbol in found]


def module_of(
    file: str,
    descriptions: list[ir.Description],
    functions: list[ir.Function],
    exported: ir.Description | None = None,
) -> ir.Module:
    """A C file with those descriptions and the functions that they mention."""
    called = {one.needed for one in descriptions} | {
        field_.test for one in descriptions for field_ in one.fields
    }
    return ir.Module(
        file,
        tuple(replace(one, static=one is not exported) for one in descriptions),
        tuple(function for function in functions if function.symbol in called),
    )


# --- states -------------------------------------------------------------------------


class Drawn(reference.Wire):
    """Answers every read with a drawn value instead of bytes from a stream."""

    def __init__(self, draw: st.DrawFn, versions: Callable[[str], int]) -> None:
        super().__init__(b"", 0)
        self.draw = draw
        self.versions = versions
        self.waiting: dict[str, list[str]] = {}
        self.left: dict[str, int] = {}

    def take(self, count: int, path: str) -> bytes:
        return self.draw(st.binary(min_size=count, max_size=count))

    def integer(self, type_: ir.IntType, path: str) -> int:
        name = path.rpartition(".")[2].rpartition("}")[2]
        if name.startswith("num"):
            return self.draw(st.integers(0, 4))
        bits = 8 * reference.WIDTH[type_]
        raw = self.draw(
            st.one_of(
                st.integers(0, 3),
                st.integers(0, (1 << bits) - 1),
                st.just((1 << bits) - 1),
            )
        )
        return reference.to_type(raw, type_)

    def more(self, path: str) -> bool:
        if path in self.left:
            self.left[path] -= 1
            return self.left[path] >= 0
        return self.draw(st.integers(0, 2)) == 2

    def tree_size(self, path: str) -> int:
        self.left[path] = self.draw(st.integers(0, 2))
        return self.left[path]

    def is_null(self, path: str, known: int | None, needs: str) -> bool:
        return known == 0

    def subsection(
        self, owner: str, known: Mapping[str, str], path: str
    ) -> tuple[str, int] | None:
        waiting = self.waiting.setdefault(path, list(known.values()))
        while waiting:
            symbol = waiting.pop(0)
            if self.draw(st.booleans()):
                return symbol, self.versions(symbol)
        return None


@st.composite
def states(draw: st.DrawFn, schema: Schema, version: int) -> reference.Values | None:
    """Values that a stream of that version could hold, or None where the draw ran into
    a value that its own table refuses."""

    def any_version(symbol: str) -> int:
        sub = reference.find_description(schema.program, symbol)
        oldest = sub.minimum_version_id
        return draw(st.sampled_from((sub.version_id, sub.version_id, oldest)))

    drawer = reference.Loader(schema.program, Drawn(draw, any_version), schema.answers)
    try:
        drawer.description(schema.description, "", version)
    except reference.Refused:
        return None
    return drawer.values
