"""Expressions, initialisers and statements of pycparser's tree as ``cfront.syntax`` nodes.

What GNU C needs beyond pycparser arrives in the disguises that ``normalise`` chose and
is recognised here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from pycparser import c_ast

from vmgen.cfront import literals, normalise
from vmgen.cfront.normalise import OMITTED, TYPES_COMPATIBLE
from vmgen.cfront.syntax import (
    AlignOf,
    Assign,
    BinaryOperation,
    Block,
    Call,
    Case,
    Cast,
    Comma,
    CompoundLiteral,
    Conditional,
    Empty,
    Expr,
    ExprStatement,
    FloatLiteral,
    For,
    Generic,
    If,
    Index,
    InitItem,
    InitList,
    IntegerLiteral,
    Jump,
    Label,
    LocalDecl,
    Member,
    Name,
    ObjectDecl,
    OffsetOf,
    Range,
    Return,
    SizeOf,
    Statement,
    StatementExpr,
    StringLiteral,
    Switch,
    TypeExpr,
    TypeOf,
    TypesCompatible,
    UnaryOperation,
    While,
)
from vmgen.source import NOWHERE, Position


class ConvertError(Exception):
    """C that pycparser accepts and this program has no node for, at ``position``."""

    def __init__(self, message: str, position: Position = NOWHERE) -> None:
        self.message = message
        self.position = position
        super().__init__(message)


_NODES = {
    name: frozenset(members.split())
    for name, members in {
        "ArrayDecl": "type dim dim_quals attributes",
        "ArrayDesignator": "expr",
        "ArrayRef": "name subscript",
        "Assignment": "op lvalue rvalue",
        "AttributedType": "type attributes",
        "BinaryOp": "op left right",
        "BitIntType": "width signedness",
        "Break": "",
        "Case": "expr stmts",
        "Cast": "to_type expr",
        "Compound": "block_items",
        "CompoundLiteral": "type init storage",
        "Constant": "type value",
        "Continue": "",
        "Decl": "name quals align storage funcspec type init bitsize attributes",
        "Default": "stmts",
        "DoWhile": "cond stmt",
        "EmptyStatement": "",
        "Enum": "name values underlying_type attributes",
        "Enumerator": "name value",
        "ExprList": "exprs",
        "For": "init cond next stmt",
        "FuncCall": "name args",
        "FuncDecl": "args type attributes",
        "FuncDef": "decl param_decls body",
        "GenericAssociation": "type expr",
        "GenericSelection": "expr associations",
        "Goto": "name",
        "ID": "name",
        "IdentifierType": "names",
        "If": "cond iftrue iffalse",
        "InferredType": "",
        "InitList": "exprs",
        "Label": "name stmt",
        "NamedInitializer": "name expr",
        "Pragma": "string",
        "PtrDecl": "quals type attributes",
        "Return": "expr",
        "StaticAssert": "cond message",
        "Struct": "name decls attributes",
        "StructRef": "name type field",
        "Switch": "cond stmt",
        "TernaryOp": "cond iftrue iffalse",
        "TypeDecl": "declname quals align type attributes",
        "TypeOf": "op expr",
        "Typedef": "name quals storage type attributes",
        "Typename": "name quals type attributes",
        "UnaryOp": "op expr",
        "Union": "name decls attributes",
        "While": "cond stmt",
    }.items()
}
"""What the converter reads of each kind of node, or knows to have no meaning here: the
qualifiers but ``_Atomic``, ``inline`` and storage classes but ``static``, conditions of
static assertions."""

#: What no reader reads, by class of node: it must be empty.
_UNREAD: dict[type, tuple[str, ...]] = {
    getattr(c_ast, name): tuple(
        slot
        for slot in getattr(c_ast, name).__slots__
        if slot not in (*read, "coord", "__weakref__")
    )
    for name, read in _NODES.items()
}


class CodeConverter(ABC):
    """Reads what is inside bodies and initialisers; types are the subclass's."""

    def __init__(self) -> None:
        self.positions: dict[tuple[str, int], Position] = {}

    @abstractmethod
    def type(self, node: Any) -> TypeExpr:
        """The type that ``node`` writes."""

    @abstractmethod
    def object(self, node: Any) -> ObjectDecl:
        """The variable that a declaration declares."""

    @abstractmethod
    def local_typedef(self, node: Any) -> None:
        """Take note of a typedef inside a function."""

    def position(self, coord: Any) -> Position:
        """The place of a node; pycparser gives some nodes none."""

        if coord is None or not coord.line:
            return NOWHERE
        key = (coord.file, coord.line)
        found = self.positions.get(key)
        if found is None:
            found = self.positions[key] = Position(coord.file, coord.line)
        return found

    def fail(self, message: str, node: Any) -> ConvertError:
        """The error that says ``message`` about ``node``."""

        return ConvertError(message, self.position(getattr(node, "coord", None)))

    def complete(self, node: Any) -> None:
        """Raise if the parser read something about a node that is not read here."""

        kind = type(node)
        if kind not in _UNREAD:
            raise self.fail(f"cannot read what the parser calls {kind.__name__}", node)
        for slot in _UNREAD[kind]:
            if getattr(node, slot):
                raise self.fail(
                    f"what the parser calls {slot} of {kind.__name__} is not read", node
                )

    # --- initialisers -----------------------------------------------------------------

    def initializer(self, node: Any) -> Expr | InitList:
        """What follows ``=``, or an element of a braced list."""

        if isinstance(node, c_ast.InitList):
            return self.init_list(node)
        return self.expr(node)

    def init_list(self, node: Any) -> InitList:
        """A braced list; pycparser does not place it, so its first placed leaf does."""

        items: list[InitItem] = []
        position = self.position(node.coord)
        for item in node.exprs:
            designators: tuple[str | Expr | Range, ...] = ()
            if isinstance(item, c_ast.NamedInitializer):
                if not position.line:
                    position = self.position(item.name[0].coord)
                designators = tuple(
                    (
                        self.label(part.expr)
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

    def label(self, node: Any) -> Expr | Range:
        """A constant or a GNU range: what is after ``case`` and in ``[...]``."""

        ends = _range_ends(node)
        if ends is None:
            return self.expr(node)
        low, high = ends
        return Range(self.expr(low), self.expr(high), self.position(node.coord))

    # --- expressions ------------------------------------------------------------------

    def expr(self, node: Any) -> Expr:
        """An expression; raises :class:`ConvertError` where there is no node for it."""

        self.complete(node)
        position = self.position(node.coord)
        match node:
            case c_ast.ID():
                return Name(node.name, position)
            case c_ast.Constant():
                return self._constant(node, position)
            case c_ast.StructRef():
                return Member(
                    self.expr(node.name), node.field.name, node.type == "->", position
                )
            case c_ast.ArrayRef():
                return Index(self.expr(node.name), self.expr(node.subscript), position)
            case c_ast.UnaryOp():
                return self._unary(node, position)
            case c_ast.BinaryOp(op=normalise.RANGE):
                raise self.fail("a range stands where C takes one value", node)
            case c_ast.BinaryOp():
                return BinaryOperation(
                    node.op, self.expr(node.left), self.expr(node.right), position
                )
            case c_ast.Cast():
                return Cast(self.type(node.to_type), self.expr(node.expr), position)
            case c_ast.FuncCall():
                return self._call(node, position)
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
                choices = tuple(
                    (
                        None if choice.type is None else self.type(choice.type),
                        self.expr(choice.expr),
                    )
                    for choice in node.associations
                )
                return Generic(self.expr(node.expr), choices, position)
        raise self.fail(
            f"cannot read an expression of the kind {type(node).__name__}", node
        )

    def _constant(self, node: Any, position: Position) -> Expr:
        text: str = node.value
        try:
            if node.type == "string":
                return StringLiteral(literals.string(text), position)
            if node.type == "char":
                return IntegerLiteral(*literals.character(text), position)
            if node.type in ("float", "double", "long double"):
                return FloatLiteral(*literals.floating(text), position)
            value, type_ = literals.integer(text)
        except ValueError as error:
            raise ConvertError(str(error), position) from None
        return IntegerLiteral(value, type_, position)

    def _unary(self, node: Any, position: Position) -> Expr:
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
        return UnaryOperation(node.op, self.expr(operand), position)

    def _call(self, node: Any, position: Position) -> Expr:
        arguments = [] if node.args is None else node.args.exprs
        name = node.name.name if isinstance(node.name, c_ast.ID) else ""
        if name == "offsetof":
            return OffsetOf(
                self.type(arguments[0]), self._designator(arguments[1]), position
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

    def _designator(self, node: Any) -> tuple[str | Expr, ...]:
        if isinstance(node, c_ast.ID):
            return (node.name,)
        if isinstance(node, c_ast.StructRef):
            return (*self._designator(node.name), node.field.name)
        if isinstance(node, c_ast.ArrayRef):
            return (*self._designator(node.name), self.expr(node.subscript))
        raise self.fail("offsetof takes members and subscripts", node)

    # --- statements -------------------------------------------------------------------

    def block(self, node: Any) -> Block:
        """A compound statement."""

        return Block(self.statements(node.block_items), self.position(node.coord))

    def statements(self, nodes: list[Any] | None) -> tuple[Statement, ...]:
        """Block items; a declaration of several variables is several items."""

        found: list[Statement] = []
        for node in nodes or ():
            if isinstance(node, c_ast.Decl):
                if node.name is None:
                    self.type(node.type)
                else:
                    found.append(self.local(node))
            elif isinstance(node, c_ast.Typedef):
                self.local_typedef(node)
            elif not isinstance(node, c_ast.Pragma):
                found.append(self.statement(node))
        return tuple(found)

    def local(self, node: Any) -> LocalDecl:
        """A variable in a block."""

        found = self.object(node)
        return LocalDecl(
            found.name, found.type, found.initializer, found.static, found.position
        )

    def statement(self, node: Any) -> Statement:
        """One statement."""

        self.complete(node)
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
                return self._for(node, position)
            case c_ast.While() | c_ast.DoWhile():
                after = isinstance(node, c_ast.DoWhile)
                return While(
                    self.expr(node.cond), self.statement(node.stmt), after, position
                )
            case c_ast.Switch():
                return Switch(self.expr(node.cond), self.statement(node.stmt), position)
            case c_ast.Case():
                return Case(
                    self.label(node.expr), self.statements(node.stmts), position
                )
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

    def _for(self, node: Any, position: Position) -> For:
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


def _range_ends(node: Any) -> tuple[Any, Any] | None:
    """Both ends of a range, None for what is none.

    A range binds more loosely than every operator of a constant; its disguise binds like
    ``||``, so that the ends may have been torn apart.
    """

    match node:
        case c_ast.BinaryOp(op=normalise.RANGE, left=low, right=high):
            return low, high
        case c_ast.BinaryOp(op="||", left=left, right=right):
            if (ends := _range_ends(left)) is not None:
                return ends[0], c_ast.BinaryOp("||", ends[1], right, node.coord)
        case c_ast.TernaryOp(cond=condition, iftrue=then, iffalse=otherwise):
            if (ends := _range_ends(condition)) is not None:
                high = c_ast.TernaryOp(ends[1], then, otherwise, node.coord)
                return ends[0], high
            if (ends := _range_ends(otherwise)) is not None:
                low = c_ast.TernaryOp(condition, then, ends[0], node.coord)
                return low, ends[1]
    return None
