"""Expressions of translated predicates and functions, and paths to C members.

Values are C integers of unbounded precision; ``translate`` inserts :class:`Truncate`
where C's width or sign would show.  Truth is 0 or 1 for comparison and logical operators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, assert_never

from vmgen.ir.types import IntType
from vmgen.ir.words import Count, CType, MemberPath, Name, Stride, Symbol


@dataclass(frozen=True, slots=True)
class Step:
    """One member on the way from the description's object to the field.

    ``type`` is the C type the member was declared with, array and pointer declarators
    stripped, as written (``CPURISCVState``, ``target_ulong``, ``struct foo``), and empty
    for an anonymous record type.  ``dims`` are the declared array lengths (``()`` for no
    array, 0 for a flexible one).  ``index`` are the constant subscripts the table wrote
    after the member.  ``pointer`` says that what is left after the subscripts is a
    pointer.
    """

    name: Name
    type: CType
    dims: tuple[Count, ...] = ()
    index: tuple[Count, ...] = ()
    pointer: bool = False


Path: TypeAlias = tuple[Step, ...]


def path_text(path: Path) -> str:
    """The path as C writes it: ``env.vfp.zregs[3].d``."""
    return ".".join(
        step.name + "".join(f"[{index}]" for index in step.index) for step in path
    )


UnaryOperator: TypeAlias = Literal["-", "~", "!"]
BinaryOperator: TypeAlias = Literal[
    "+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^",
    "==", "!=", "<", "<=", ">", ">=", "&&", "||",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Const:
    """An integer; ``name`` is the C enumerator it came from, if it was one."""

    value: int
    name: Symbol = ""


@dataclass(frozen=True, slots=True)
class Version:
    """The ``version_id`` argument of a field test."""


@dataclass(frozen=True, slots=True)
class Var:
    """A loop variable of an enclosing :class:`Exists`."""

    name: Name


@dataclass(frozen=True, slots=True)
class Load:
    """The value of an integer member of the description's object.

    ``path`` is a C path from the object (``env.priv_ver``); subscripts that are not
    constant stand as ``[$0]``, ``[$1]`` ... and take ``subscripts`` in order.  ``type``
    is the integer type of the member in memory; a pointer reads as ``uint64`` and only
    its truth is defined.
    """

    path: MemberPath
    type: IntType
    subscripts: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Unary:
    """``op`` is ``-``, ``~`` or ``!``."""

    op: UnaryOperator
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary:
    """``op`` as C spells it; ``/`` and ``%`` truncate towards zero."""

    op: BinaryOperator
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Select:
    """``condition ? then : otherwise``."""

    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Truncate:
    """The operand converted to the integer type."""

    type: IntType
    operand: Expr


@dataclass(frozen=True, slots=True)
class Exists:
    """True if ``body`` holds for some ``var`` in ``range(start, stop, step)``: a
    constant loop that returns true early."""

    var: Name
    start: Expr
    stop: Expr
    step: Stride
    body: Expr


@dataclass(frozen=True, slots=True)
class Ask:
    """The value of a C function or global that is not a function of the object alone
    (``kvm_enabled()``, a class property): the user's context knows it, by ``name``."""

    name: str


Expr: TypeAlias = (
    Const | Version | Var | Load | Unary | Binary | Select | Truncate | Exists | Ask
)


def children(expr: Expr) -> tuple[Expr, ...]:
    """The expressions directly inside of one, in C's order."""
    match expr:
        case Const() | Version() | Var() | Ask():
            return ()
        case Load(subscripts=subscripts):
            return subscripts
        case Unary(operand=operand) | Truncate(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return left, right
        case Select(condition=condition, then=then, otherwise=otherwise):
            return condition, then, otherwise
        case Exists(start=start, stop=stop, body=body):
            return start, stop, body
        case _:
            assert_never(expr)


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and everything inside of it, outermost first."""
    waiting = [expr]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += reversed(children(one))


def rebuilt(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The expression with ``change`` made to each part, innermost first."""

    def of(inner: Expr) -> Expr:
        return rebuilt(inner, change)

    match expr:
        case Const() | Version() | Var() | Ask():
            return change(expr)
        case Load(subscripts=subscripts):
            return change(replace(expr, subscripts=tuple(map(of, subscripts))))
        case Unary(operand=operand) | Truncate(operand=operand):
            return change(replace(expr, operand=of(operand)))
        case Binary(left=left, right=right):
            return change(replace(expr, left=of(left), right=of(right)))
        case Select(condition=condition, then=then, otherwise=otherwise):
            return change(
                replace(
                    expr,
                    condition=of(condition),
                    then=of(then),
                    otherwise=of(otherwise),
                )
            )
        case Exists(start=start, stop=stop, body=body):
            return change(replace(expr, start=of(start), stop=of(stop), body=of(body)))
        case _:
            assert_never(expr)
