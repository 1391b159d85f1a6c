"""pycparser's tree of one declaration turned into the nodes of ``cfront.syntax``.

What GNU C needs beyond pycparser arrives in the disguises that ``normalise`` chose and
is recognised here.  Records and enums are taken out of the place where they are defined
and leave a mention behind; anonymous ones get a tag made up from where they stand:
``<Foo>`` for the record of ``typedef struct {...} Foo``, ``<struct CPUState.u>`` for
that of member ``u``, ``<f:1>`` for one somewhere inside function ``f``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from pycparser import c_ast

from vmgen.cfront import literals
from vmgen.cfront.normalise import OMITTED, TYPES_COMPATIBLE
from vmgen.cfront.syntax import (
    AlignOf,
    ArrayType,
    Assign,
    AutoType,
    BasicType,
    Binary,
    Block,
    Call,
    Case,
    Cast,
    Comma,
    CompoundLiteral,
    Conditional,
    Empty,
    EnumDecl,
    EnumeratorDecl,
    EnumType,
    Expr,
    ExprStatement,
    FloatLiteral,
    For,
    FunctionDecl,
    FunctionType,
    If,
    Index,
    InitItem,
    InitList,
    IntegerLiteral,
    Jump,
    Label,
    LocalDecl,
    Member,
    MemberDecl,
    Name,
    NamedType,
    ObjectDecl,
    OffsetOf,
    Parameter,
    PointerType,
    RecordDecl,
    RecordType,
    Return,
    SizeOf,
    Statement,
    StatementExpr,
    StringLiteral,
    Switch,
    TypedefDecl,
    TypeExpr,
    TypeOf,
    TypesCompatible,
    Unary,
    While,
)
from vmgen.source import NOWHERE, Position

#: ``aligned`` without an argument: the largest alignment of x86-64.
_LARGEST_ALIGNMENT = IntegerLiteral(16)

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
_SIGNED_MODES = {
    "QI": "signed char",
    "byte": "signed char",
    "HI": "short",
    "SI": "int",
    "DI": "long",
    "word": "long",
    "pointer": "long",
    "TI": "__int128",
}
_UNSIGNED_MODES = {
    mode: "unsigned char" if name == "signed char" else f"unsigned {name}"
    for mode, name in _SIGNED_MODES.items()
}
_FLOAT_MODES = {"SF": "float", "DF": "double", "XF": "long double", "TF": "long double"}


class ConvertError(Exception):
    """C that pycparser accepts and this program has no node for, at ``position``."""

    def __init__(self, message: str, position: Position = NOWHERE) -> None:
        self.message = message
        self.position = position
        super().__init__(message)


@dataclass(slots=True)
class Parsed:
    """Everything that one top-level declaration declares, by name.

    ``records`` is keyed by kind and tag.  ``statics`` are ``static`` variables inside a
    function body.  Members, parameters and automatic variables are not listed.
    """

    objects: dict[str, ObjectDecl] = field(default_factory=dict)
    functions: dict[str, FunctionDecl] = field(default_factory=dict)
    typedefs: dict[str, TypedefDecl] = field(default_factory=dict)
    statics: dict[str, ObjectDecl] = field(default_factory=dict)
    records: dict[tuple[str, str], RecordDecl] = field(default_factory=dict)
    enums: dict[str, EnumDecl] = field(default_factory=dict)


@dataclass(slots=True)
class _Attributes:
    """The attributes of one declarator or body that change its layout."""

    packed: bool = False
    aligned: Expr | None = None
    vector_size: Expr | None = None
    mode: str = ""


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


class _Converter:
    def __init__(self, expression: Callable[[str], Expr]) -> None:
        self.expression = expression
        self.parsed = Parsed()
        #: Made-up tags by the identity of pycparser's node, which declarators share.
        self.tags: dict[int, str] = {}
        #: Nodes whose identity is in ``tags`` must stay alive.
        self.tagged: list[Any] = []
        #: What an anonymous record that turns up next is called after.
        self.owner = ""
        self.local_typedefs: dict[str, TypeExpr] = {}
        self.positions: dict[tuple[str, int], Position] = {}

    def position(self, coord: Any) -> Position:
        if coord is None or not coord.line:
            return NOWHERE
        key = (coord.file, coord.line)
        found = self.positions.get(key)
        if found is None:
            found = self.positions[key] = Position(coord.file, coord.line)
        return found

    def fail(self, message: str, node: Any) -> ConvertError:
        return ConvertError(message, self.position(getattr(node, "coord", None)))

    # --- file scope -------------------------------------------------------------------

    def external(self, node: Any) -> None:
        if isinstance(node, c_ast.FuncDef):
            decl = node.decl
            self.owner = decl.name
            type_ = self.function_type(decl.type)
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
        type_ = self.type(node.type)
        value = None if node.init is None else self.initializer(node.init)
        is_static = "static" in node.storage
        return ObjectDecl(node.name, type_, value, is_static, self.position(node.coord))

    # --- attributes -------------------------------------------------------------------

    def attributes(self, decl: Any) -> _Attributes:
        """Those of a declared name: in front of the declaration, on the declarator, and
        on its type where no pointer or function stands between."""
        groups = list(decl.attributes)
        direct = True
        node = decl.type
        while node is not None:
            if isinstance(node, c_ast.AttributedType):
                groups += node.attributes if direct else []
            elif isinstance(node, (c_ast.PtrDecl, c_ast.FuncDecl)):
                groups += node.attributes if direct else []
                direct = False
            elif isinstance(node, (c_ast.TypeDecl, c_ast.ArrayDecl)):
                groups += node.attributes
            else:
                break
            node = node.type
        found = self.read_attributes(groups)
        for alignas in getattr(decl, "align", None) or ():
            operand = alignas.alignment
            found.aligned = (
                AlignOf(self.type(operand))
                if isinstance(operand, c_ast.Typename)
                else self.expr(operand)
            )
        return found

    def read_attributes(self, groups: list[Any]) -> _Attributes:
        found = _Attributes()
        for group in groups:
            for attribute in group.attributes:
                argument = attribute.arguments
                if attribute.name == "packed":
                    found.packed = True
                elif attribute.name == "aligned":
                    found.aligned = (
                        self.expression(argument) if argument else _LARGEST_ALIGNMENT
                    )
                elif attribute.name == "vector_size" and argument:
                    found.vector_size = self.expression(argument)
                elif attribute.name == "mode" and argument:
                    found.mode = argument.strip().strip("_")
        return found

    def changed(self, type_: TypeExpr, attributes: _Attributes, node: Any) -> TypeExpr:
        """``type_`` with ``mode`` and ``vector_size`` applied (GCC manual, Type Attributes)."""
        if attributes.mode:
            name = type_.name if isinstance(type_, BasicType) else ""
            modes = _UNSIGNED_MODES if name.startswith("unsigned") else _SIGNED_MODES
            if name in ("float", "double", "long double"):
                modes = _FLOAT_MODES
            if attributes.mode not in modes or not name:
                raise self.fail(
                    f"cannot read __mode__({attributes.mode}) on this type", node
                )
            type_ = BasicType(modes[attributes.mode])
        if attributes.vector_size:
            count = Binary("/", attributes.vector_size, SizeOf(type_))
            type_ = ArrayType(type_, count)
        return type_

    # --- types ------------------------------------------------------------------------

    def type(self, node: Any) -> TypeExpr:
        match node:
            case c_ast.TypeDecl() | c_ast.Typename() | c_ast.AttributedType():
                return self.type(node.type)
            case c_ast.IdentifierType():
                return self.named(node)
            case c_ast.PtrDecl():
                return PointerType(self.type(node.type))
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

    def named(self, node: Any) -> TypeExpr:
        names = node.names
        if len(names) == 1 and names[0] not in _BASIC:
            return self.local_typedefs.get(names[0]) or NamedType(names[0])
        words = sorted(names)
        if len(words) > 1:
            words = [word for word in words if word != "int"] or words
        if "signed" in words and words != ["signed"] and "char" not in words:
            words.remove("signed")
        name = _BASIC.get(" ".join(words))
        if name is None:
            raise self.fail(
                f"{' '.join(names)!r} is not a type that a table can hold", node
            )
        return BasicType(name)

    def function_type(self, node: Any) -> FunctionType:
        parameters: list[Parameter] = []
        variadic = False
        for parameter in node.args.params if node.args is not None else ():
            if isinstance(parameter, c_ast.EllipsisParam):
                variadic = True
            elif isinstance(parameter, c_ast.ID):
                raise self.fail(
                    "old-style parameter lists are not supported", parameter
                )
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
            attributes = self.read_attributes(node.attributes)
            self.parsed.records[key] = RecordDecl(
                kind,
                tag,
                tuple(members),
                attributes.packed,
                attributes.aligned,
                self.position(node.coord),
            )
        return RecordType(kind, tag)

    def member(self, decl: Any) -> MemberDecl | None:
        """None for what declares no member: ``enum {A};`` or ``struct s {...};``."""
        type_ = self.type(decl.type)
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
        attributes = self.attributes(decl)
        return MemberDecl(
            decl.name or "",
            self.changed(type_, attributes, decl),
            None if decl.bitsize is None else self.expr(decl.bitsize),
            attributes.aligned or attributes.vector_size,
            attributes.packed,
            self.position(coord),
        )

    def enum(self, node: Any) -> EnumType:
        tag = self.tag(node)
        if node.values is not None and tag not in self.parsed.enums:
            enumerators = tuple(
                EnumeratorDecl(e.name, None if e.value is None else self.expr(e.value))
                for e in node.values.enumerators
                if isinstance(e, c_ast.Enumerator)
            )
            packed = self.read_attributes(node.attributes).packed
            self.parsed.enums[tag] = EnumDecl(
                tag, enumerators, packed, self.position(node.coord)
            )
        return EnumType(tag)

    # --- initialisers -----------------------------------------------------------------

    def initializer(self, node: Any) -> Expr | InitList:
        if isinstance(node, c_ast.InitList):
            return self.init_list(node)
        return self.expr(node)

    def init_list(self, node: Any) -> InitList:
        items: list[InitItem] = []
        position = self.position(node.coord)
        for item in node.exprs:
            designators: tuple[str | Expr, ...] = ()
            if isinstance(item, c_ast.NamedInitializer):
                if not position.line:
                    position = self.position(item.name[0].coord)
                designators = tuple(
                    (
                        self.expr(part.expr)
                        if isinstance(part, c_ast.ArrayDesignator)
                        else part.name
                    )
                    for part in item.name
                )
                item = item.expr
            value = self.initializer(item)
            if not position.line:
                position = value.position
            items.append(InitItem(designators, value))
        return InitList(tuple(items), position)

    # --- expressions ------------------------------------------------------------------

    def expr(self, node: Any) -> Expr:
        position = self.position(node.coord)
        match node:
            case c_ast.ID():
                return Name(node.name, position)
            case c_ast.Constant():
                return self.constant(node, position)
            case c_ast.StructRef():
                return Member(
                    self.expr(node.name), node.field.name, node.type == "->", position
                )
            case c_ast.ArrayRef():
                return Index(self.expr(node.name), self.expr(node.subscript), position)
            case c_ast.UnaryOp():
                return self.unary(node, position)
            case c_ast.BinaryOp():
                return Binary(
                    node.op, self.expr(node.left), self.expr(node.right), position
                )
            case c_ast.Cast():
                return Cast(self.type(node.to_type), self.expr(node.expr), position)
            case c_ast.FuncCall():
                return self.call(node, position)
            case c_ast.TernaryOp():
                then = node.iftrue
                omitted = isinstance(then, c_ast.ID) and then.name == OMITTED
                return Conditional(
                    self.expr(node.cond),
                    None if omitted else self.expr(then),
                    self.expr(node.iffalse),
                    position,
                )
            case c_ast.Assignment():
                return Assign(
                    node.op, self.expr(node.lvalue), self.expr(node.rvalue), position
                )
            case c_ast.ExprList():
                return Comma(tuple(self.expr(item) for item in node.exprs), position)
            case c_ast.CompoundLiteral():
                return CompoundLiteral(
                    self.type(node.type), self.init_list(node.init), position
                )
            case c_ast.Compound():
                return StatementExpr(self.block(node), position)
            case c_ast.GenericSelection():
                # No table chooses by type; for a reader of functions a call that it
                # cannot see into says the same.
                choices = [self.expr(choice.expr) for choice in node.associations]
                return Call(
                    Name("_Generic", position),
                    (self.expr(node.expr), *choices),
                    position,
                )
        raise self.fail(
            f"cannot read an expression of the kind {type(node).__name__}", node
        )

    def constant(self, node: Any, position: Position) -> Expr:
        text: str = node.value
        try:
            if node.type == "string":
                return StringLiteral(literals.string(text), position)
            if node.type == "char":
                return IntegerLiteral(literals.character(text), "int", position)
            if node.type in ("float", "double", "long double"):
                return FloatLiteral(literals.floating(text), position)
            value, type_ = literals.integer(text)
        except ValueError as error:
            raise ConvertError(str(error), position) from None
        return IntegerLiteral(value, type_, position)

    def unary(self, node: Any, position: Position) -> Expr:
        operand = node.expr
        if node.op == "sizeof":
            if isinstance(operand, c_ast.Typename):
                return SizeOf(self.type(operand), position)
            return SizeOf(self.expr(operand), position)
        if node.op == "_Alignof":
            # Normalised to _Alignof(typeof(operand)).
            inner = self.type(operand)
            return AlignOf(
                inner.operand if isinstance(inner, TypeOf) else inner, position
            )
        return Unary(node.op, self.expr(operand), position)

    def call(self, node: Any, position: Position) -> Expr:
        arguments = [] if node.args is None else node.args.exprs
        name = node.name.name if isinstance(node.name, c_ast.ID) else ""
        if name == "offsetof":
            return OffsetOf(
                self.type(arguments[0]), self.designator(arguments[1]), position
            )
        if name == TYPES_COMPATIBLE:
            types = [argument.expr for argument in arguments]
            if not all(isinstance(item, c_ast.Typename) for item in types):
                raise self.fail(
                    f"{TYPES_COMPATIBLE} of something that is not a type", node
                )
            return TypesCompatible(self.type(types[0]), self.type(types[1]), position)
        if name == "__builtin_va_arg":
            taken = Call(Name(name, position), (self.expr(arguments[0]),), position)
            return Cast(self.type(arguments[1]), taken, position)
        return Call(
            self.expr(node.name),
            tuple(self.expr(argument) for argument in arguments),
            position,
        )

    def designator(self, node: Any) -> tuple[str | Expr, ...]:
        if isinstance(node, c_ast.ID):
            return (node.name,)
        if isinstance(node, c_ast.StructRef):
            return (*self.designator(node.name), node.field.name)
        if isinstance(node, c_ast.ArrayRef):
            return (*self.designator(node.name), self.expr(node.subscript))
        raise self.fail("offsetof takes members and subscripts", node)

    # --- statements -------------------------------------------------------------------

    def block(self, node: Any) -> Block:
        return Block(self.statements(node.block_items), self.position(node.coord))

    def statements(self, nodes: list[Any] | None) -> tuple[Statement, ...]:
        found: list[Statement] = []
        for node in nodes or ():
            if isinstance(node, c_ast.Decl):
                if node.name is None:
                    self.type(node.type)
                else:
                    found.append(self.local(node))
            elif isinstance(node, c_ast.Typedef):
                type_ = self.changed(self.type(node.type), self.attributes(node), node)
                self.local_typedefs[node.name] = type_
            elif not isinstance(node, c_ast.Pragma):
                found.append(self.statement(node))
        return tuple(found)

    def local(self, node: Any) -> LocalDecl:
        found = self.object(node)
        if found.static:
            self.parsed.statics.setdefault(found.name, found)
        return LocalDecl(
            found.name, found.type, found.initializer, found.static, found.position
        )

    def statement(self, node: Any) -> Statement:
        position = self.position(node.coord)
        match node:
            case c_ast.Compound():
                return self.block(node)
            case c_ast.If():
                otherwise = (
                    None if node.iffalse is None else self.statement(node.iffalse)
                )
                then = self.statement(node.iftrue)
                return If(self.expr(node.cond), then, otherwise, position)
            case c_ast.Return():
                return Return(
                    None if node.expr is None else self.expr(node.expr), position
                )
            case c_ast.For():
                return self.for_(node, position)
            case c_ast.While() | c_ast.DoWhile():
                after = isinstance(node, c_ast.DoWhile)
                return While(
                    self.expr(node.cond), self.statement(node.stmt), after, position
                )
            case c_ast.Switch():
                return Switch(self.expr(node.cond), self.statement(node.stmt), position)
            case c_ast.Case():
                return Case(self.expr(node.expr), self.statements(node.stmts), position)
            case c_ast.Default():
                return Case(None, self.statements(node.stmts), position)
            case c_ast.Break():
                return Jump("break", "", position)
            case c_ast.Continue():
                return Jump("continue", "", position)
            case c_ast.Goto():
                return Jump("goto", node.name, position)
            case c_ast.Label():
                return Label(node.name, self.statement(node.stmt), position)
            case c_ast.EmptyStatement() | c_ast.StaticAssert() | c_ast.Pragma():
                return Empty(position)
        return ExprStatement(self.expr(node), position)

    def for_(self, node: Any, position: Position) -> For:
        start: list[LocalDecl | ExprStatement] = []
        if isinstance(node.init, c_ast.DeclList):
            start += [
                self.local(d) for d in node.init.decls if isinstance(d, c_ast.Decl)
            ]
        elif node.init is not None:
            start.append(
                ExprStatement(self.expr(node.init), self.position(node.init.coord))
            )
        return For(
            tuple(start),
            None if node.cond is None else self.expr(node.cond),
            None if node.next is None else self.expr(node.next),
            self.statement(node.stmt),
            position,
        )
