"""Walks over C statements, and the few values that can be followed through them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

from vmgen.cfront import syntax as c
from vmgen.cfront.layout import Filled, FilledArray, FilledRecord, Layout
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import uncast, walk
from vmgen.extract import initializer
from vmgen.extract.initializer import is_null

#: What a variable or a member is set to: in a function as written, of a static object
#: as its initialiser was read.
Followed: TypeAlias = Filled | c.InitList


def statements(
    body: c.Statement, maybe: bool = False
) -> Iterator[tuple[c.Statement, bool]]:
    """Every statement in order, and whether a condition or a loop stands before it."""
    yield body, maybe
    inner: tuple[c.Statement, ...]
    match body:
        case c.Block(items):
            for item in items:
                yield from statements(item, maybe)
            return
        case c.If(_, then, otherwise):
            inner = (then,) if otherwise is None else (then, otherwise)
        case c.For(start, _, _, one):
            for declared in start:
                yield declared, maybe
            inner = (one,)
        case c.While(_, one) | c.Switch(_, one):
            inner = (one,)
        case c.Case(_, several):
            inner = several
        case c.Label(_, one):
            yield from statements(one, maybe)
            return
        case c.LocalDecl() | c.ExprStatement() | c.Return() | c.Jump() | c.Empty():
            return
        case _:
            assert_never(body)
    for one in inner:
        yield from statements(one, True)


def expressions(statement: c.Statement) -> Iterator[c.Expr]:
    """The expressions that stand directly in a statement."""
    match statement:
        case c.LocalDecl(_, _, initializer) if initializer is not None:
            yield from _values(initializer)
        case c.ExprStatement(expression):
            yield expression
        case c.If(condition) | c.While(condition):
            yield condition
        case c.Switch(value):
            yield value
        case c.Return(value) if value is not None:
            yield value
        case c.LocalDecl() | c.Return() | c.Block() | c.For():
            pass
        case c.Case() | c.Label() | c.Jump() | c.Empty():
            pass
        case _:
            assert_never(statement)


def _values(value: c.Expr | c.InitList) -> Iterator[c.Expr]:
    if isinstance(value, c.InitList):
        for item in value.items:
            yield from _values(item.value)
    else:
        yield value


def calls(body: c.Statement) -> Iterator[c.Call]:
    """The calls in a function's body, in order, outermost first."""
    return (node for node in walk(body) if isinstance(node, c.Call))


@dataclass(slots=True)
class Locals:
    """The names of a function: parameters, and variables with what they are set to.

    ``values`` has the initialiser or the assigned values of a variable, ``members`` those
    of ``variable.member``.
    """

    types: dict[str, c.TypeExpr] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    values: dict[str, list[Followed]] = field(default_factory=dict)
    members: dict[tuple[str, str], list[Followed]] = field(default_factory=dict)


def locals_of(function: c.FunctionDecl) -> Locals:
    """What a function's body does with its own names."""
    out = Locals(
        {parameter.name: parameter.type for parameter in function.type.parameters},
        tuple(parameter.name for parameter in function.type.parameters),
    )
    assert function.body is not None  # callers ask for definitions only
    for statement, _ in statements(function.body):
        match statement:
            case c.LocalDecl(name, type_, initializer):
                out.types[name] = type_
                if initializer is not None:
                    out.values.setdefault(name, []).append(initializer)
            case c.ExprStatement(c.Assign("=", c.Name(name), value)):
                out.values.setdefault(name, []).append(value)
            case c.ExprStatement(c.Assign("=", c.Member(c.Name(name), member), value)):
                out.members.setdefault((name, member), []).append(value)
    return out


@dataclass(frozen=True, slots=True)
class TableRow:
    """An element of a static table, at an index that runs: ``TABLE[i]``; ``member`` is
    what is used of it, empty for its address."""

    table: str
    member: str = ""


def row(value: Followed | None, names: Locals, unit: Unit) -> TableRow | None:
    """The table element that an expression goes to, through the variables of a
    function: ``&table[i]``, ``table + i``, ``info->name``, ``table[i].name``."""
    match uncast(value):
        case c.Name(name) if name in names.values:
            found = names.values[name]
            return row(found[0], names, unit) if len(found) == 1 else None
        case c.Name(name) if name not in names.types and _is_table(unit, name):
            return TableRow(name)
        case c.UnaryOperation("&" | "*", operand):
            return row(operand, names, unit)
        case c.UnaryOperation("p++" | "++", operand):
            return row(operand, names, unit)
        case c.Index(array, _) | c.BinaryOperation("+", array, _):
            return row(array, names, unit)
        case c.Member(object, member):
            found_row = row(object, names, unit)
            if found_row is None or found_row.member:
                return None
            return TableRow(found_row.table, member)
        case _:
            return None


def _is_table(unit: Unit, name: str) -> bool:
    declared = unit.object(name)
    return declared is not None and isinstance(declared.initializer, c.InitList)


def rows_of(
    unit: Unit, layout: Layout, table: str
) -> tuple[tuple[str, FilledRecord], ...]:
    """The elements of a static table that are set, as ``table[2]``, or the one object."""
    declared = unit.object(table)
    filled = None if declared is None else layout.filled(declared)
    return tuple(initializer.rows(table, filled))


def text(value: Followed | None, names: Locals, unit: Unit) -> str:
    """The string that an expression stands for; ``*`` for a part that is known at run
    time only, empty for NULL.

    ``printf`` formats keep their literal parts.
    """
    match uncast(value):
        case None:
            return ""
        case c.StringLiteral(string):
            try:
                return string.encode("latin-1").decode()
            except UnicodeDecodeError:
                return "*"  # bytes that no name of QEMU's is made of
        case c.Name(name) if len(names.values.get(name, ())) == 1:
            return text(names.values[name][0], names, unit)
        case c.Name(name) if name not in names.types:
            declared = unit.object(name)
            if declared is not None and declared.initializer is not None:
                return text(declared.initializer, Locals(), unit)
            return "*"
        case c.Call(c.Name("g_strdup_printf"), arguments) if arguments:
            return _format(text(arguments[0], names, unit))
        case c.Call(c.Name("g_strdup"), arguments) if arguments:
            return text(arguments[0], names, unit)
        case c.Call(c.Name(name)):
            return _returned(name, unit)
        case c.InitList() | FilledRecord() | FilledArray():
            return "*"
        case inner:
            return "" if is_null(inner) else "*"


def _returned(name: str, unit: Unit) -> str:
    """The string that a function of this file makes (``x86_cpu_type_name``)."""
    function = unit.function(name)
    if function is None or function.body is None:
        return "*"
    names = locals_of(function)
    returned = [
        statement.value
        for statement, _ in statements(function.body)
        if isinstance(statement, c.Return)
    ]
    return text(returned[0], names, unit) if len(returned) == 1 else "*"


def _format(pattern: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern[at] != "%":
            out.append(pattern[at])
            at += 1
        elif pattern[at + 1 : at + 2] == "%":
            out.append("%")
            at += 2
        else:
            at += 1
            while at < len(pattern) and not pattern[at].isalpha():
                at += 1
            while at < len(pattern) and pattern[at] in "hlzjt":
                at += 1
            at += 1
            out.append("*")
    return "".join(out)
