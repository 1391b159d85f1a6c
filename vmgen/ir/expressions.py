"""Expressions of translated predicates and functions, and paths to C members.

Values are C integers of unbounded precision; ``translate`` inserts :class:`Truncate`
where C's width or sign would show.  Truth is 0 or 1 for comparison and logical operators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from vmgen.ir.types import IntType


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

    name: str
    type: str
    dims: tuple[int, ...] = ()
    index: tuple[int, ...] = ()
    pointer: bool = False


Path: TypeAlias = tuple[Step, ...]


def path_text(path: Path) -> str:
    """The path as C writes it: ``env.vfp.zregs[3].d``."""
    return ".".join(
        step.name + "".join(f"[{index}]" for index in step.index) for step in path
    )


@dataclass(frozen=True, slots=True)
class Const:
    """An integer; ``name`` is the C enumerator it came from, if it was one."""

    value: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """The ``version_id`` argument of a field test."""


@dataclass(frozen=True, slots=True)
class Var:
    """A loop variable of an enclosing :class:`Exists`."""

    name: str


@dataclass(frozen=True, slots=True)
class Load:
    """The value of an integer member of the description's object.

    ``path`` is a C path from the object (``env.priv_ver``); subscripts that are not
    constant stand as ``[$0]``, ``[$1]`` ... and take ``subscripts`` in order.  ``type``
    is the integer type of the member in memory; a pointer reads as ``uint64`` and only
    its truth is defined.
    """

    path: str
    type: IntType
    subscripts: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Unary:
    """``op`` is ``-``, ``~`` or ``!``."""

    op: Literal["-", "~", "!"]
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary:
    """``op`` as C spells it; ``/`` and ``%`` truncate towards zero."""

    op: Literal[
        "+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^",
        "==", "!=", "<", "<=", ">", ">=", "&&", "||",
    ]  # fmt: skip
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

    var: str
    start: Expr
    stop: Expr
    step: int
    body: Expr


@dataclass(frozen=True, slots=True)
class Ask:
    """The value of a C function or global that is not a function of the object alone
    (``kvm_enabled()``, a class property): the user's context knows it, by ``name``."""

    name: str


Expr: TypeAlias = (
    Const | Version | Var | Load | Unary | Binary | Select | Truncate | Exists | Ask
)
