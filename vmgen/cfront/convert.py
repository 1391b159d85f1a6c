"""pycparser's tree of one declaration turned into the nodes of ``cfront.syntax``.

Records and enums are moved out of the place where they are defined and leave a mention
behind; anonymous ones get a tag made up from where they stand: ``<Foo>`` for the record
of ``typedef struct {...} Foo``, ``<struct CPUState.u>`` for that of member ``u``,
``<f:1>`` for one somewhere inside function ``f``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from pycparser import c_ast

from vmgen.cfront.attributes import Attributes, applied, groups_of, meaning
from vmgen.cfront.convert_code import CodeConverter, ConvertError
from vmgen.cfront.syntax import (
    AlignOf,
    ArrayType,
    AtomicType,
    AutoType,
    BasicType,
    EnumDecl,
    EnumeratorDecl,
    EnumType,
    Expr,
    FunctionDecl,
    FunctionType,
    LocalDecl,
    MemberDecl,
    Name,
    NamedType,
    ObjectDecl,
    Parameter,
    PointerType,
    RecordDecl,
    RecordType,
    TypedefDecl,
    TypeExpr,
    TypeOf,
    UnreadableType,
)

_BASIC = {
    "void": "void",
    "_Bool": "_Bool",
    "char": "char",
    "char signed": "signed char",
    "char unsigned": "unsigned char",
    "short": "short",
    "int": "int",
    "signed": "int",
    "unsigned": "unsigned int",
    "long": "long",
    "long long": "long long",
    "long unsigned": "unsigned long",
    "long long unsigned": "unsigned long long",
    "short unsigned": "unsigned short",
    "__int128": "__int128",
    "__int128 unsigned": "unsigned __int128",
    "float": "float",
    "double": "double",
    "double long": "long double",
}
_COMPLEX = frozenset({"float", "double", "long double"})


@dataclass(slots=True)
class Parsed:
    """Everything that one top-level declaration declares, by name.

    ``records`` is keyed by kind and tag.  ``locals`` are the variables that function
    bodies define, each with the name of its function.  Members and parameters are not
    listed.
    """

    objects: dict[str, ObjectDecl] = field(default_factory=dict)
    functions: dict[str, FunctionDecl] = field(default_factory=dict)
    typedefs: dict[str, TypedefDecl] = field(default_factory=dict)
    locals: list[tuple[str, LocalDecl]] = field(default_factory=list)
    records: dict[tuple[str, str], RecordDecl] = field(default_factory=dict)
    enums: dict[str, EnumDecl] = field(default_factory=dict)


def convert(nodes: list[Any], expression: Callable[[str], Expr]) -> Parsed:
    """The declarations of ``nodes``, external declarations as pycparser gives them.

    ``expression`` parses the text of an attribute's argument.  Raises
    :class:`ConvertError`, and what ``expression`` raises.
    """
    converter = _Converter(expression)
    for node in nodes:
        converter.external(node)
    return converter.parsed


def convert_expression(node: Any, expression: Callable[[str], Expr]) -> Expr:
    """The expression that pycparser's ``node`` holds; raises :class:`ConvertError`."""
    return _Converter(expression).expr(node)


class _Converter(CodeConverter):
    def __init__(self, expression: Callable[[str], Expr]) -> None:
        super().__init__()
        self.expression = expression
        self.parsed = Parsed()
        #: Made-up tags by the identity of pycparser's node, which declarators share.
        self.tags: dict[int, str] = {}
        #: Nodes whose identity is in ``tags`` must stay alive.
        self.tagged: list[Any] = []
        #: What an anonymous record that turns up next is called after.
        self.owner = ""
        #: The function whose body is converted.
        self.function = ""
        self.local_typedefs: dict[str, TypeExpr] = {}

    # --- file scope -------------------------------------------------------------------

    def external(self, node: Any) -> None:
        if isinstance(node, c_ast.FuncDef):
            decl = node.decl
            if not isinstance(decl.type, c_ast.FuncDecl):
                raise self.fail(f"{decl.name} has a body and is no function", node)
            self.owner = self.function = decl.name
            type_ = self.function_type(decl.type, node.param_decls or ())
            self.owner = decl.name
            body = self.block(node.body)
            self.parsed.functions[decl.name] = FunctionDecl(
                decl.name,
                type_,
                body,
                "static" in decl.storage,
                self.position(decl.coord),
            )
        elif isinstance(node, c_ast.Typedef):
            self.owner = node.name
            attributes = self.attributes(node)
            type_expr = self.changed(self.type(node.type), attributes, node)
            aligned = attributes.aligned or attributes.vector_size
            self.parsed.typedefs[node.name] = TypedefDecl(
                node.name, type_expr, aligned, self.position(node.coord)
            )
        elif isinstance(node, c_ast.Decl):
            self.external_decl(node)

    def external_decl(self, node: Any) -> None:
        self.owner = node.name or ""
        if node.name is None:
            self.type(node.type)
        elif isinstance(node.type, c_ast.FuncDecl):
            self.parsed.functions[node.name] = FunctionDecl(
                node.name,
                self.function_type(node.type),
                None,
                "static" in node.storage,
                self.position(node.coord),
            )
        else:
            self.parsed.objects[node.name] = self.object(node)

    def object(self, node: Any) -> ObjectDecl:
        self.complete(node)
        attributes = self.attributes(node)
        type_ = self.changed(self.type(node.type), attributes, node)
        value = None if node.init is None else self.initializer(node.init)
        return ObjectDecl(
            node.name,
            type_,
            value,
            "static" in node.storage,
            self.position(node.coord),
            attributes.constexpr,
        )

    def local(self, node: Any) -> LocalDecl:
        found = super().local(node)
        if "extern" not in node.storage:
            self.parsed.locals.append((self.function, found))
        return found

    def local_typedef(self, node: Any) -> None:
        type_ = self.changed(self.type(node.type), self.attributes(node), node)
        self.local_typedefs[node.name] = type_

    # --- attributes -------------------------------------------------------------------

    def attributes(self, decl: Any) -> Attributes:
        """Those of a declared name, ``_Alignas`` among them."""
        found = self.read_attributes(groups_of(decl))
        for alignas in getattr(decl, "align", None) or ():
            operand = alignas.alignment
            found.aligned = (
                AlignOf(self.type(operand))
                if isinstance(operand, c_ast.Typename)
                else self.expr(operand)
            )
        return found

    def read_attributes(self, groups: list[Any]) -> Attributes:
        return meaning(groups, self.expression, self.fail)

    def changed(self, type_: TypeExpr, attributes: Attributes, node: Any) -> TypeExpr:
        return applied(type_, attributes, node, self.fail)

    # --- types ------------------------------------------------------------------------

    def type(self, node: Any) -> TypeExpr:
        self.complete(node)
        match node:
            case c_ast.TypeDecl():
                return _qualified(self.type(node.type), node.quals)
            case c_ast.AttributedType():
                return self.type(node.type)
            case c_ast.Typename():
                return self.type_name(node)
            case c_ast.IdentifierType():
                return self.named(node)
            case c_ast.PtrDecl():
                return _qualified(PointerType(self.type(node.type)), node.quals)
            case c_ast.BitIntType():
                raise self.fail("'_BitInt' is not a type that a table can hold", node)
            case c_ast.ArrayDecl():
                length = None if node.dim is None else self.expr(node.dim)
                if isinstance(length, Name) and length.name == "*":
                    length = None
                return ArrayType(self.type(node.type), length)
            case c_ast.FuncDecl():
                return self.function_type(node)
            case c_ast.Struct() | c_ast.Union():
                return self.record(node)
            case c_ast.Enum():
                return self.enum(node)
            case c_ast.TypeOf():
                operand = node.expr
                if isinstance(operand, c_ast.Typename):
                    return TypeOf(self.type(operand))
                return TypeOf(self.expr(operand))
            case c_ast.InferredType():
                return AutoType()
        raise self.fail(f"cannot read a type of the kind {type(node).__name__}", node)

    def type_name(self, node: Any) -> TypeExpr:
        """The type of a cast, ``sizeof`` and the like."""
        attributes = self.attributes(node)
        if attributes.packed or attributes.aligned:
            raise self.fail("an attribute on the name of a type is not read", node)
        return _qualified(
            self.changed(self.type(node.type), attributes, node), node.quals
        )

    def named(self, node: Any) -> TypeExpr:
        names = [name for name in node.names if name != "_Complex"]
        is_complex = len(names) < len(node.names)
        if is_complex and not names:
            names = ["double"]
        if len(names) == 1 and names[0] not in _BASIC:
            return self.local_typedefs.get(names[0]) or NamedType(names[0])
        words = sorted(names)
        if len(words) > 1:
            words = [word for word in words if word != "int"] or words
        if "signed" in words and words != ["signed"] and "char" not in words:
            words.remove("signed")
        name = _BASIC.get(" ".join(words))
        if is_complex and name is not None:
            name = f"{name} _Complex" if name in _COMPLEX else None
        if name is None:
            raise self.fail(
                f"{' '.join(node.names[:8])!r} is not a type that a table can hold",
                node,
            )
        return BasicType(name)

    def function_type(
        self, node: Any, declared: Iterable[Any] | None = None
    ) -> FunctionType:
        """``declared`` are the parameters of an old-style function definition (C11 6.9.1);
        one that is not among them is an ``int``."""
        parameters: list[Parameter] = []
        variadic = False
        old_style = {decl.name: self.type(decl.type) for decl in declared or ()}
        for parameter in node.args.params if node.args is not None else ():
            if isinstance(parameter, c_ast.EllipsisParam):
                variadic = True
            elif isinstance(parameter, c_ast.ID):
                if declared is None:
                    raise self.fail(
                        f"the parameter {parameter.name} has no type", parameter
                    )
                type_ = old_style.get(parameter.name, BasicType("int"))
                parameters.append(Parameter(parameter.name, type_))
            else:
                parameters.append(
                    Parameter(parameter.name or "", self.type(parameter.type))
                )
        if len(parameters) == 1 and parameters[0] == Parameter("", BasicType("void")):
            parameters = []
        return FunctionType(self.type(node.type), tuple(parameters), variadic)

    def tag(self, node: Any) -> str:
        """The tag of a record or enum, made up where none is written."""
        if node.name is not None:
            return str(node.name)
        known = self.tags.get(id(node))
        if known is not None:
            return known
        if isinstance(node, c_ast.Enum) and not self.owner:
            first = next(
                e.name
                for e in node.values.enumerators
                if isinstance(e, c_ast.Enumerator)
            )
            self.owner = f"enum {first}"
        taken = set(self.tags.values())
        tag, count = f"<{self.owner}>", 0
        while tag in taken:
            count += 1
            tag = f"<{self.owner}:{count}>"
        self.tags[id(node)] = tag
        self.tagged.append(node)
        return tag

    def record(self, node: Any) -> RecordType:
        kind: Literal["struct", "union"] = (
            "struct" if isinstance(node, c_ast.Struct) else "union"
        )
        tag = self.tag(node)
        key = (kind, tag)
        if node.decls is not None and key not in self.parsed.records:
            outer = self.owner
            name = tag[1:-1] if node.name is None else f"{kind} {tag}"
            members: list[MemberDecl] = []
            for index, decl in enumerate(node.decls):
                if isinstance(decl, c_ast.Decl):
                    self.owner = f"{name}.{decl.name or index}"
                    member = self.member(decl)
                    if member is not None:
                        members.append(member)
            self.owner = outer
            self.complete(node)
            attributes = self.read_attributes(node.attributes)
            self.parsed.records[key] = RecordDecl(
                kind,
                tag,
                tuple(members),
                attributes.packed,
                attributes.aligned,
                self.position(node.coord),
                attributes.limit,
            )
        return RecordType(kind, tag)

    def member(self, decl: Any) -> MemberDecl | None:
        """None for what declares no member: ``enum {A};`` or ``struct s {...};``."""
        self.complete(decl)
        attributes = self.attributes(decl)
        type_ = self.member_type(decl, attributes)
        if decl.name is None and decl.bitsize is None:
            tagged = decl.type
            while isinstance(tagged, (c_ast.TypeDecl, c_ast.AttributedType)):
                tagged = tagged.type
            if (
                not isinstance(tagged, (c_ast.Struct, c_ast.Union))
                or tagged.name is not None
            ):
                return None
            coord = tagged.coord
        else:
            coord = decl.coord or getattr(decl.bitsize, "coord", None)
        return MemberDecl(
            decl.name or "",
            type_,
            None if decl.bitsize is None else self.expr(decl.bitsize),
            attributes.aligned or attributes.vector_size,
            attributes.packed,
            self.position(coord),
        )

    def member_type(self, decl: Any, attributes: Attributes) -> TypeExpr:
        """The member's type; what cannot be read costs only what needs this member."""
        try:
            return self.changed(self.type(decl.type), attributes, decl)
        except ConvertError as error:
            if decl.name is None:
                raise
            return UnreadableType(error.message)

    def enum(self, node: Any) -> EnumType:
        self.complete(node)
        tag = self.tag(node)
        if node.values is not None and tag not in self.parsed.enums:
            written = [
                one
                for one in node.values.enumerators
                if isinstance(one, c_ast.Enumerator)
            ]
            for one in written:
                self.complete(one)
            enumerators = tuple(
                EnumeratorDecl(e.name, None if e.value is None else self.expr(e.value))
                for e in written
            )
            base = node.underlying_type
            packed = self.read_attributes(node.attributes).packed
            self.parsed.enums[tag] = EnumDecl(
                tag,
                enumerators,
                packed,
                self.position(node.coord),
                None if base is None else self.type(base),
            )
        return EnumType(tag)


def _qualified(type_: TypeExpr, qualifiers: list[str] | None) -> TypeExpr:
    return AtomicType(type_) if "_Atomic" in (qualifiers or ()) else type_
